"""The book in a browser: the built site without a network and without a kernel, and the explorer in JupyterLab."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

import nbclient
import nbformat
import notebooks
import numpy as np
import pytest
import website
import yaml
from PIL import Image

WIDTHS = (1280, 390)  # px: a laptop and a phone
# A generator that has not been trained follows the palette all the same: the activation sees to that.
EXPLORER = """
import torch

from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.layout_gans import GeneratorSettings, LayoutGenerator
from sempal_lib.widgets import explore

torch.manual_seed(0)
generator = LayoutGenerator(GeneratorSettings(19, height=16, width=32, latent_dim=8, max_channels=8)).eval()
explore(generator, CITYSCAPES_19, torch.softmax(torch.linspace(2, -3, 19), 0))
"""
# The same for a generator of parts: `edit` spends the palette within the region.
EDITOR = """
import torch

from sempal_lib.image_gans.spade import SpadeGenerator, SpadeSettings
from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.layout_gans import GeneratorSettings, PartialGenerator
from sempal_lib.widgets import edit_region

torch.manual_seed(0)
generator = PartialGenerator(GeneratorSettings(19, height=16, width=32, latent_dim=8, max_channels=8)).eval()
painter = SpadeGenerator(SpadeSettings(19, 16, 32, ngf=2, doublings=2, hidden=2)).eval()
bands = torch.tensor([10, 10, 10, 8, 2, 13, 0, 0]).repeat_interleave(2)[:, None].expand(16, 32)
editor = edit_region(generator, bands, CITYSCAPES_19, painter, folder="saved")
editor
"""
# An untrained painter whose classes have codes: large weights, so that another code is seen, and codes differ.
STYLES = """
import torch

from sempal_lib.image_gans.clvae import ClvaeEncoder, ClvaeGenerator, ClvaeSettings
from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.widgets import explore_latents

torch.manual_seed(0)
settings = ClvaeSettings(
    19, 16, 32, ngf=4, doublings=2, hidden=8, latent_dim=4, encoder_size=32, layers=3, class_dim=4)
generator, encoder = ClvaeGenerator(settings).eval(), ClvaeEncoder(settings).eval()
for weight in generator.parameters():
    weight.data *= 4
for weight in encoder.heads.parameters():
    weight.data *= 100
bands = torch.tensor([10, 10, 10, 8, 2, 13, 0, 0]).repeat_interleave(2)[:, None].expand(16, 32)
pictures = torch.rand(6, 3, 16, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
explore_latents(generator, bands, CITYSCAPES_19, encoder, (pictures, bands.expand(6, -1, -1)), folder="styled")
"""
# What is added lies on other classes, in a random order; and an untrained painter of persons.
FACES = """
from types import SimpleNamespace

import torch

from sempal_lib import datasets, training
from sempal_lib.image_gans import SeanGenerator, SeanSettings, StyleEncoder
from sempal_lib.widgets import edit_face

class Adder:
    settings = SimpleNamespace(num_classes=19)

    def add(self, layout, additions, seed=0, over=None):
        made, order = layout.clone(), torch.randperm(layout.numel(), generator=torch.Generator().manual_seed(seed))
        may = additions == 0 if over is None else over
        for c in additions.nonzero().flatten().tolist():
            free = order[may[made.flatten()[order]]]
            made.view(-1)[free[:round(float(additions[c]) * layout.numel())]] = c
        return made

torch.manual_seed(0)
settings = SeanSettings(19, 32, 32, ngf=2, doublings=3, hidden=4, style_dim=4)
networks = SeanGenerator(settings).eval(), StyleEncoder(settings).eval()
for weight in (weight for network in networks for weight in network.parameters()):
    torch.nn.init.normal_(weight, std=0.3)
space = datasets.load("toy-faces", split="val", size=(32, 32)).label_space
items = [datasets.load("toy-faces", split="val", size=(32, 32))[i] for i in range(3)]
faces = torch.stack([item["image"] for item in items]), torch.stack([item["layout"] for item in items])
painter = training.StylePainter(*networks, torch.zeros(1, networks[0].noise_dim), space)
edit_face(Adder(), painter, faces, folder="faces")
"""
WIDGETS = {"explorer": EXPLORER, "editor": EDITOR, "styles": STYLES, "faces": FACES}
# Sum of the bytes of the picture in sight: changes if and only if the picture does.
PICTURE = """async () => {
    const shown = [...document.querySelectorAll('img.widget-image')].filter(image => image.checkVisibility());
    if (!shown.length) return 0;
    const bytes = new Uint8Array(await (await fetch(shown[0].src)).arrayBuffer());
    return bytes.reduce((sum, byte, place) => (sum + byte * (1 + place % 997)) % 1000000007, 0);
}"""

# The colour on the region editor's canvas at the middle of each pixel of the layout: rows of columns of (R, G, B).
LAYOUT = """(canvas, [rows, columns]) => {
    const [scale, context] = [canvas.width / columns, canvas.getContext('2d')];
    const at = (x, y) => [...context.getImageData((x + 0.5) * scale, (y + 0.5) * scale, 1, 1).data.slice(0, 3)];
    return [...Array(rows).keys()].map(y => [...Array(columns).keys()].map(x => at(x, y)));
}"""

# Displayed formulas of which a sign lies outside their column: what is left of it, no scrolling brings back.
CUT_FORMULAS = """() => [...document.querySelectorAll('mjx-container[display="true"]')].filter(formula => {
    const column = formula.parentElement.getBoundingClientRect();
    const signs = [...formula.querySelectorAll('mjx-c')].map(sign => sign.getBoundingClientRect());
    return signs.some(sign => sign.left < column.left - 1 || sign.right > column.right + 1);
}).length"""

# Tables of numbers that a laptop's reader must scroll sideways, by their first heading.
WIDE_TABLES = """() => [...document.querySelectorAll('.sempal-table')].filter(
    table => table.scrollWidth > table.parentElement.clientWidth
).map(table => table.querySelector('th').textContent)"""


def notebook_with(code):
    formula = nbformat.v4.new_markdown_cell("# Widget\n\nA palette $t$ has\n\n$$\\sum_c t_c = 1 .$$")
    notebook = nbformat.v4.new_notebook(cells=[formula, nbformat.v4.new_code_cell(code.strip())])
    notebook.metadata.kernelspec = notebooks.KERNEL
    return notebook


def open_page(browser, url, width):
    """A page, and the list that its faults go to: requests to other hosts (which are refused), errors of scripts."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    faults = []

    def refuse(route):
        url = route.request.url
        if urlparse(url).scheme in ("http", "https") and urlparse(url).hostname not in ("127.0.0.1", "localhost"):
            faults.append(f"asked the network for {url}")
            route.abort()
        else:
            route.continue_()

    page.route("**/*", refuse)
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(url)
    return page, faults


def wait_for_other_picture(page, before):
    for _ in range(100):
        now = page.evaluate(PICTURE)
        if now not in (0, before):
            return now
        page.wait_for_timeout(100)
    raise AssertionError("the picture did not change within 10 s")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The committed book and two more pages, each with a formula and a widget in its static form, built."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(notebooks.BOOK, folder / "book", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    toc = yaml.safe_load((folder / "book" / "_toc.yml").read_text("utf-8"))
    toc["parts"].append({"caption": "Test", "chapters": [{"file": name} for name in WIDGETS]})
    (folder / "book" / "_toc.yml").write_text(yaml.safe_dump(toc), "utf-8")
    environment = {**os.environ, **notebooks.kernel_environment()}
    for name, code in WIDGETS.items():
        notebook = notebook_with(code)
        nbclient.NotebookClient(notebook, timeout=120).execute(env=environment)
        nbformat.write(notebook, folder / "book" / f"{name}.ipynb")
    website.build_from(folder / "book", folder / "_build" / "html")
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def names(site):
    return [path.stem for path in sorted(site.glob("*.html")) if path.stem not in ("genindex", "search")]


class TestSite:
    def test_is_complete(self, site, names):
        assert {*notebooks.pages(), *WIDGETS} <= set(names)
        assert website.faults_of(site, notebooks.BOOK) == []

    @pytest.mark.parametrize("width", WIDTHS)
    def test_pages_are_whole_without_a_network(self, chromium, site, names, width):
        faults = {}
        for name in names:
            page, found = open_page(chromium, f"file://{site}/{name}.html", width)
            page.wait_for_load_state("networkidle", timeout=120_000)  # a busy machine is slow
            if page.locator(".math").count():
                # The first one may stand in a folded list of headings.
                page.wait_for_selector("mjx-container >> visible=true", timeout=10_000)
                if page.locator("mjx-merror").count():
                    found.append("a formula has an error")
                cut = page.evaluate(CUT_FORMULAS)
                if cut:
                    found.append(f"{cut} formulas do not fit their column: split them")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if overflow > 0:
                found.append(f"is {overflow} px wider than the window")
            if width == max(WIDTHS):  # on a phone they scroll in a box of their own
                wide = page.evaluate(WIDE_TABLES)
                found += [f"a table, {heading!r}, is wider than the page: show fewer metrics" for heading in wide]
            broken = page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
            found += [f"cannot show {source}" for source in broken]
            if found:
                faults[name] = found
            page.close()
        assert faults == {}

    @pytest.mark.parametrize("width", WIDTHS)
    def test_slider_moves_through_frames_without_a_kernel(self, chromium, site, names, width):
        seen = []
        for name in names:
            if "widget-state+json" not in (site / f"{name}.html").read_text("utf-8"):
                continue
            page, faults = open_page(chromium, f"file://{site}/{name}.html", width)
            page.wait_for_load_state("networkidle", timeout=120_000)  # a busy machine is slow
            if page.locator("img.widget-image").count():
                before = wait_for_other_picture(page, None)
                handle = page.locator(".noUi-handle:visible").first
                handle.focus()
                handle.press("ArrowRight")
                wait_for_other_picture(page, before)
                seen.append(name)
            assert faults == [], name
            page.close()
        assert WIDGETS.keys() <= set(seen)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address of a running JupyterLab, and the folder that it shows, with a notebook for each widget."""
    folder = tmp_path_factory.mktemp("lab")
    for name, code in WIDGETS.items():
        nbformat.write(notebook_with(code), folder / f"{name}.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [Path(sys.executable).parent / "jupyter", "lab", "--no-browser", f"--port={port}", "--ip=127.0.0.1"]
    command += [f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=", "--allow-root"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=", "--LabApp.collaborative=False"]
    environment = {**os.environ, **notebooks.kernel_environment(), **own}
    del environment["SEMPAL_STATIC"]
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_for_answer(f"http://127.0.0.1:{port}/api", server, folder / "log.txt")
        yield f"http://127.0.0.1:{port}/lab/tree", folder
    finally:
        server.terminate()
        server.wait(30)


def wait_for_answer(url, server, log, seconds=60):
    for _ in range(2 * seconds):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
    raise AssertionError(f"JupyterLab gave no answer within {seconds} s:\n{log.read_text()}")


def run_in_lab(browser, lab, name, width):
    """A page of JupyterLab on which all cells of a notebook have been told to run, and its faults."""
    page, faults = open_page(browser, f"{lab[0]}/{name}.ipynb?reset", width)  # no notebook of an earlier page
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    kernel = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
    page.wait_for_function(f"{kernel} === 'idle'", timeout=60_000)
    if width < 600:  # or the list of files leaves no room
        page.evaluate("window.jupyterapp.shell.collapseLeft()")
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    return page, faults


@pytest.mark.parametrize("width", WIDTHS)
def test_explorer_follows_its_slider_in_jupyterlab(chromium, lab, width):
    page, faults = run_in_lab(chromium, lab, "explorer", width)
    page.wait_for_selector(".sempal-sum", timeout=60_000)
    before = wait_for_other_picture(page, None)
    handle = page.locator(".noUi-handle").first
    proportions = "all => all.map(one => +one.innerText)"
    readouts = page.locator(".widget-hslider:has(+ .widget-toggle-button) .widget-readout")
    first = readouts.evaluate_all(proportions)
    handle.focus()
    for _ in range(5):
        handle.press("PageUp")
    wait_for_other_picture(page, before)
    assert page.locator(".sempal-sum").inner_text() == "sum 1.00"
    page.wait_for_timeout(500)  # the other sliders hear of it from the kernel
    moved = readouts.evaluate_all(proportions)
    assert len(moved) == 19
    assert moved[0] > first[0]
    assert sum(moved) == pytest.approx(1, abs=19 * 0.0005)
    assert [fault for fault in faults if "asked the network" in fault] == []
    page.close()


def drag(page, canvas, start, end, by_finger):
    """Draw on the region editor's canvas from one place to another, each (x, y) from 0 to 1."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    (x, y), (to_x, to_y) = ((box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end))
    way = [(x + part * (to_x - x), y + part * (to_y - y)) for part in (0.3, 0.6, 1)]
    if by_finger:
        touch = page.context.new_cdp_session(page)
        events = [("touchStart", (x, y)), *(("touchMove", place) for place in way), ("touchEnd", None)]
        for kind, place in events:
            points = [] if place is None else [{"x": place[0], "y": place[1]}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        return
    page.mouse.move(x, y)
    page.mouse.down()
    for place in way:
        page.mouse.move(*place)
    page.mouse.up()


@pytest.mark.parametrize("width", WIDTHS)
def test_region_is_edited_in_jupyterlab(chromium, lab, width):
    """Drag, slide, undo, redo, save; then by keys and with the brush. On the phone a finger draws."""
    from playwright.sync_api import expect

    page, faults = run_in_lab(chromium, lab, "editor", width)
    canvas = page.locator(".sempal-region-canvas")
    canvas.wait_for(timeout=60_000)

    def told(text):
        expect(page.locator(".sempal-status")).to_contain_text(text, timeout=10_000)

    def shown():
        return np.array(canvas.evaluate(LAYOUT, [16, 32]))

    def press(name):
        page.locator(".widget-button", has_text=name).click()

    told("Drag a rectangle")
    start = shown()
    # From the middle of the pixel in row 4, column 8 to that in row 13, column 19.
    drag(page, canvas, (8.5 / 32, 4.5 / 16), (19.5 / 32, 13.5 / 16), by_finger=width < 600)
    told("120 px marked")
    assert (shown() == start).all()
    painted = wait_for_other_picture(page, None)
    handle = page.locator(".widget-hslider:has(+ .widget-toggle-button) .noUi-handle").last
    handle.focus()
    for _ in range(3):
        handle.press("PageUp")
    told("120 px filled")
    wait_for_other_picture(page, painted)
    page.wait_for_timeout(500)
    filled = shown()
    changed = (filled != start).any(2)
    assert changed[4:14, 8:20].any()
    assert changed.sum() == changed[4:14, 8:20].sum()
    press("undo")
    told("120 px marked")
    assert (shown() == start).all()
    press("redo")
    told("120 px filled")
    assert (shown() == filled).all()
    press("save")
    told("saved")
    newest = max((lab[1] / "saved").glob("layout-*.png"))
    with Image.open(newest) as file:
        assert (np.asarray(file.convert("RGB")) == filled).all()
        assert set(np.unique(np.asarray(file))) <= {0, 2, 8, 10, 13}
    canvas.focus()
    for key in ("Enter", "ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Enter"):
        canvas.press(key)
    told("16 px marked")  # two rows, from the column where the drag began to 7 left of it
    page.locator(".widget-toggle-button", has_text="brush").click()
    drag(page, canvas, (2.5 / 32, 1.5 / 16), (10.5 / 32, 1.5 / 16), by_finger=width < 600)
    told("36 px marked")  # a stroke of 2 by 10 more
    assert [fault for fault in faults if "asked the network" in fault] == []
    page.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_codes_are_moved_in_jupyterlab(chromium, lab, width):
    """Choose a class and a layer, slide, undo, draw anew, take a style, save."""
    from playwright.sync_api import expect

    page, faults = run_in_lab(chromium, lab, "styles", width)
    status = page.locator(".sempal-status")
    status.wait_for(timeout=60_000)

    def told(text):
        expect(status).to_contain_text(text, timeout=10_000)

    def press(name):
        page.locator(".widget-button", has_text=name).click()

    start = wait_for_other_picture(page, None)
    class_menu, layer_menu = (
        page.locator(f".widget-dropdown:has-text('{name}') select") for name in ("class", "layer")
    )
    class_menu.select_option("sky")
    told("sky, all layers")
    layer_menu.select_option("3, finest")
    told("sky, layer 3")
    assert page.evaluate(PICTURE) == start
    handle = page.locator(".widget-hslider:has-text('direction 1') .noUi-handle")
    handle.focus()
    for _ in range(3):
        handle.press("PageUp")
    wait_for_other_picture(page, start)
    told("of the change since the start lies within it")
    page.wait_for_timeout(500)  # for all three moves, which are one step
    moved = page.evaluate(PICTURE)
    press("undo")
    assert wait_for_other_picture(page, moved) == start
    layer_menu.select_option("all layers")
    press("draw anew")
    drawn = wait_for_other_picture(page, start)
    press("take its style")
    wait_for_other_picture(page, drawn)
    press("save")
    told("saved")
    with Image.open(max((lab[1] / "styled").glob("picture-*.png"))) as file:
        assert file.size == (32, 16)
    assert [fault for fault in faults if "asked the network" in fault] == []
    page.close()


# Of what stands in a widget, whatever is cut off: its first words.
CUT = """() => [...document.querySelectorAll('.jp-OutputArea-output .jupyter-widgets')].filter(
    one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline'
).map(one => one.innerText.slice(0, 40))"""


@pytest.mark.parametrize("width", WIDTHS)
def test_face_is_edited_in_jupyterlab(chromium, lab, width):
    """Slide by keys, undo, redo, another noise, another face and back, another's style, save; nothing is cut off."""
    from playwright.sync_api import expect

    page, faults = run_in_lab(chromium, lab, "faces", width)
    status = page.locator(".sempal-status")
    status.wait_for(timeout=60_000)

    def told(text):
        expect(status).to_contain_text(text, timeout=10_000)

    def press(name):
        page.locator(".widget-button", has_text=name).click()

    def slide(name):
        page.locator(f".widget-hslider:has-text('{name}') .noUi-handle").first.press("PageUp")

    told("face 1 of 3")
    start = wait_for_other_picture(page, None)
    slide("hair")
    told("hair: had")
    edited = wait_for_other_picture(page, start)
    press("new edit")
    other = wait_for_other_picture(page, edited)
    press("undo")
    assert wait_for_other_picture(page, other) == edited
    press("next")
    told("face 2 of 3")
    press("back")
    told("hair: had")
    assert wait_for_other_picture(page, None) == edited
    page.locator(".widget-dropdown:has-text('style of') select").select_option("skin")
    slide("share of it")
    page.wait_for_timeout(500)
    press("save")
    told("saved")
    recipe = json.loads(max((lab[1] / "faces").glob("recipe-*.json")).read_text("utf-8"))
    assert (recipe["face"], list(recipe["edits"][0]["wishes"]), list(recipe["styles"])) == (0, ["hair"], ["skin"])
    assert page.evaluate(CUT) == []
    assert [fault for fault in faults if "asked the network" in fault] == []
    page.close()
