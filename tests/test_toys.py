"""The toys in a browser: their numbers are the library's, and they move by hand and by keys, without a kernel."""

import json

import numpy as np
import pytest
import torch

from sempal_lib import layout_gans, losses, palettes, widgets
from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.layers import gumbel_noise, straight_through_gumbel
from sempal_lib.layout_gans import GeneratorSettings, LayoutGenerator
from sempal_lib.widgets import toys

TOYS = {
    "activation": widgets.activation_toy, "simplex": widgets.simplex_toy, "temperature": widgets.temperature_toy,
}  # fmt: skip


@pytest.fixture
def open_toy(chromium):
    """Open a page that holds a toy alone, as wide as a phone; its faults are gathered in `page.faults`."""
    pages = []

    def open_it(toy, width=390, **options):
        page = chromium.new_page(viewport={"width": width, "height": 800}, **options)
        page.faults = []
        page.on("console", lambda message: message.type == "error" and page.faults.append(message.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.set_content(f"<!doctype html><meta charset=utf-8><body>{toy._repr_html_()}</body>")
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        assert page.faults == []
        page.close()


@pytest.mark.parametrize("iterations", [1, 2, 10])
@pytest.mark.parametrize("palette", [(0.3, 0.3, 0.4), (0.0, 0.05, 0.95)])
def test_activation_is_the_librarys(open_toy, iterations, palette):
    page = open_toy(widgets.activation_toy())
    scores = 3 * torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))
    told = [scores.flatten(1).tolist(), palette, iterations]
    found = page.evaluate("([f, t, n]) => sempalToys.activation.activate(f, t, n)", told)
    density, m = layout_gans.semantically_assisted_activation(scores[None], torch.tensor([palette]), iterations)
    for name, wanted in (("omega", density), ("m", m)):
        np.testing.assert_allclose(found[name], wanted[0].flatten(1).numpy(), atol=1e-5)
    np.testing.assert_allclose(np.sum(found["rho"], 1), 1, atol=1e-5)
    np.testing.assert_allclose(np.array(palette)[:, None] * found["rho"], found["omega"], atol=1e-5)


def test_measures_are_the_librarys(open_toy):
    page = open_toy(widgets.activation_toy())
    scores, palette = toys.band_scores(3), torch.tensor([[0.2, 0.5, 0.3]])
    density, m = layout_gans.semantically_assisted_activation(scores[None], palette)
    rows = (one[0].flatten(1).tolist() for one in (density, m))
    found = page.evaluate("([t, w, m]) => sempalToys.activation.measures(t, w, m)", [palette[0].tolist(), *rows])
    hard = palettes.palette_of(m.argmax(1), 3)
    assert found["entropy"] == pytest.approx(float(losses.entropy_loss(m)), abs=1e-5)
    assert found["spread"] == pytest.approx(float(losses.spread_loss(density)), abs=1e-5)
    assert found["hard"] == pytest.approx(hard[0].tolist(), abs=1e-6)
    q = (hard + 1e-6) / (hard + 1e-6).sum()
    assert found["kl"] == pytest.approx(float((palette * (palette / q).log()).sum()), abs=1e-5)


def test_ways_back_to_the_simplex_are_the_librarys(open_toy):
    page = open_toy(widgets.simplex_toy())
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    for name, way in (("clipAndNormalise", palettes.clip_and_normalise), ("project", palettes.project_to_simplex)):
        found = page.evaluate(f"rows => rows.map(sempalToys.simplex.{name})", x.tolist())
        np.testing.assert_allclose(found, way(x).numpy(), atol=1e-5)
    there_and_back = "rows => rows.map(t => sempalToys.simplex.sharesAt(sempalToys.simplex.placeOf(t)))"
    inside = x.softmax(1)
    np.testing.assert_allclose(page.evaluate(there_and_back, inside.tolist()), inside.numpy(), atol=1e-5)


@pytest.mark.parametrize("tau", [0.05, 0.5, 1.0, 10.0])
def test_temperature_is_the_librarys(open_toy, tau):
    page = open_toy(widgets.temperature_toy())
    noise = gumbel_noise((40, 3), torch.Generator().manual_seed(0))
    P = torch.tensor([0.7, 0.3, 0.0])
    found = page.evaluate("([P, rows, t]) => rows.map(G => sempalToys.temperature.choose(P, G, t))",
                          [P.tolist(), noise.tolist(), tau])  # fmt: skip
    soft = P.expand(40, 3)[:, :, None, None].clone().requires_grad_()
    hard = straight_through_gumbel(soft, noise[:, :, None, None], tau)
    np.testing.assert_allclose(found, ((P.clamp(min=1e-5).log() + noise) / tau).softmax(1).numpy(), atol=1e-5)
    assert np.argmax(found, 1).tolist() == hard.argmax(1).flatten().tolist()


def test_gumbel_noise_has_its_mean_and_spread(open_toy):
    page = open_toy(widgets.temperature_toy())
    draw = "() => { const u = sempalToys.temperature.uniform(1), g = sempalToys.temperature.gumbel;"
    found = np.array(page.evaluate(f"{draw} return Array.from({{length: 50000}}, () => g(u)); }}"))
    assert found.mean() == pytest.approx(0.5772, abs=0.02)  # Euler's constant, and π/√6
    assert found.std() == pytest.approx(1.2825, abs=0.02)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", TOYS)
def test_fits_its_page(open_toy, kind, width):
    page = open_toy(TOYS[kind](), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".sempal-toy canvas").count() > 0
    assert "JavaScript" not in page.locator(".sempal-toy").inner_text()


def test_scores_are_changed_by_hand_and_by_keys(open_toy):
    page = open_toy(widgets.activation_toy())
    drawn = "canvas => canvas.toDataURL()"
    scores, result = page.locator(".maps canvas").first, page.locator(".side canvas")
    before, told = result.evaluate(drawn), page.locator(".told")
    box = scores.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.55)
    page.mouse.down()
    for part in (0.3, 0.5, 0.7, 0.9, 0.7, 0.5, 0.3, 0.5, 0.7, 0.9):
        page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] * 0.55)
    page.mouse.up()
    assert told.inner_text().startswith("sky, row 5, column 8")
    assert result.evaluate(drawn) != before
    f = float(told.inner_text().split("f ")[1].split(",")[0])
    scores.focus()
    scores.press("+")
    assert float(told.inner_text().split("f ")[1].split(",")[0]) == pytest.approx(min(5, f + 1), abs=0.11)
    scores.press("ArrowUp")
    assert told.inner_text().startswith("sky, row 4, column 8")
    page.get_by_text("start again").click()
    assert result.evaluate(drawn) == before


def test_palette_of_the_toy_keeps_its_sum(open_toy):
    page = open_toy(widgets.activation_toy())
    slider = page.locator("input[type=range]").first
    slider.focus()
    slider.press("End")
    assert page.locator("label output").all_inner_texts()[:3] == ["1.00", "0.00", "0.00"]
    slider.press("Home")
    # The others had nothing left: they share equally.
    assert page.locator("label output").all_inner_texts()[:3] == ["0.00", "0.50", "0.50"]


def test_point_leaves_the_triangle_by_keys(open_toy):
    page = open_toy(widgets.simplex_toy())
    picture, told = page.locator("svg"), page.locator(".told")
    assert "Inside" in told.inner_text()
    picture.focus()
    for _ in range(40):
        picture.press("ArrowLeft")
    assert "Outside" in told.inner_text()
    cells = np.array([float(text) for text in page.locator("tbody td:not(:first-child)").all_inner_texts()])
    point, clipped, nearest = cells.reshape(3, 3).T
    assert point.min() < 0
    assert min(clipped.min(), nearest.min()) >= 0
    np.testing.assert_allclose([point.sum(), clipped.sum(), nearest.sum()], 1, atol=2e-3)


def test_temperature_leaves_the_hard_choice(open_toy):
    page = open_toy(widgets.temperature_toy())
    drawn = "all => all.map(canvas => canvas.toDataURL())"
    soft, hard = page.locator("canvas").evaluate_all(drawn)
    slider = page.locator("input[type=range]").first
    slider.focus()
    slider.press("Home")
    cold_soft, cold_hard = page.locator("canvas").evaluate_all(drawn)
    assert (cold_soft != soft, cold_hard == hard) == (True, True)
    page.get_by_text("draw new noise").click()
    assert page.locator("canvas").evaluate_all(drawn)[1] != hard


class FlatPainter:
    """Paints a layout in its class numbers."""

    noise_dim, takes_edges = 0, False

    def __init__(self, settings):
        self.settings = settings

    def generate(self, layouts, *_, **__):
        return layouts[:, None].float().expand(-1, 3, -1, -1) / 19


def test_strip_moves_through_its_frames(open_toy):
    torch.manual_seed(0)
    settings = GeneratorSettings(19, height=16, width=32, latent_dim=8, max_channels=8)
    path = palettes.interpolate(torch.softmax(torch.linspace(2, -3, 19), 0), torch.full((19,), 1 / 19), 5)
    generator = LayoutGenerator(settings).eval()
    strip = widgets.palette_strip(generator, FlatPainter(settings), CITYSCAPES_19, path, ("here", "there"))
    facts = strip.facts
    assert np.shape(facts["asked"]) == np.shape(facts["made"]) == (5, 6)
    np.testing.assert_allclose(facts["asked"][0][0], float(path[0, 0]), atol=1e-3)
    assert json.loads(json.dumps(facts)) == facts
    page = open_toy(strip, reduced_motion="reduce")  # or it plays by itself
    numbers = page.locator("label output").all_inner_texts
    before = numbers()
    page.locator("input[type=range]").press("End")
    assert numbers() != before
    assert "background-position-y: 100%" in page.locator(".frame").first.get_attribute("style")
    page.locator("button").click()
    page.wait_for_function("document.querySelector('button').textContent === 'play'", timeout=5000)


def test_frames_of_a_training_follow_the_slider(open_toy):
    frames = [np.full((8, 16, 3), 60 * k, np.uint8) for k in range(4)]
    page = open_toy(widgets.frames_toy(frames, ["a", "b", "c", "d"], "how far", "streets"))
    told, picture = page.locator(".told"), page.locator(".frame")
    assert told.inner_text() == "d"
    slider = page.locator("input[type=range]")
    slider.press("Home")
    slider.press("ArrowRight")
    assert told.inner_text() == "b"
    assert picture.get_attribute("aria-label") == "streets, b"
    assert "background-position-y: 33.3333%" in picture.get_attribute("style")


def test_what_a_network_is_given_stands_above_its_frames(open_toy):
    frames = [np.full((8, 16, 3), 60 * k, np.uint8) for k in range(3)]
    given = np.full((4, 16, 3), 200, np.uint8)
    toy = widgets.frames_toy(frames, ["a", "b", "c"], "how far", "streets", given, "their layouts", "WEBP")
    page = open_toy(toy)
    above, moving = page.locator(".frame").all()
    before = above.get_attribute("style")
    page.locator("input[type=range]").press("Home")
    assert above.get_attribute("aria-label") == "their layouts"
    assert above.get_attribute("style") == before
    assert "aspect-ratio: 4" in before
    assert moving.get_attribute("aria-label") == "streets, a"
    above_box, box = above.bounding_box(), moving.bounding_box()
    assert above_box["width"] == box["width"] <= 390
    assert above_box["y"] + above_box["height"] < box["y"]
    with pytest.raises(ValueError, match="given is 8 px wide, the frames are 16"):
        widgets.frames_toy(frames, ["a", "b", "c"], "how far", "streets", given[:, :8])


@pytest.mark.parametrize(
    ("chapter", "last"),
    [
        ("03", "20,800 real layouts"),  # steps of the demo preset times a batch's size
        ("04", "29,600 real layouts"),  # as phases and fades of the demo preset add up
        ("05", "29,600 real layouts"),
        ("06", "29,600 real layouts"),
        ("07", "1,200 pairs"),
        ("08", "4,900 real pictures"),
        ("10", "1,600 pairs"),
        ("11", "1,600 pairs"),
        ("12", "1,120 pairs"),
        ("13", "18,800 real layouts"),
        ("14", "19,200 pairs"),  # as many painted ones as real ones
        ("15", "8,800 real faces"),
        ("16", "1,120 pairs"),
    ],
)
def test_trainings_are_kept_to_their_ends(chapter, last):
    toy = widgets.progress_toy(chapter)
    assert toy.facts["labels"][-1].startswith(last)
    assert 8 <= len(toy.facts["labels"]) <= 25
    assert len(toy._repr_html_()) <= 100_000  # of the 1.5 MB of a page; the scripts are 10 of them


def test_training_that_was_not_kept():
    with pytest.raises(FileNotFoundError, match="no training of chapter 99"):
        widgets.progress_toy("99")


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="as many of both"):
        widgets.frames_toy([np.zeros((2, 2, 3), np.uint8)], ["one"], "", "")
    with pytest.raises(ValueError, match="sums to"):
        widgets.activation_toy(palette=(0.5, 0.5, 0.5))
    with pytest.raises(ValueError, match=r"expected \[3, 8, 8\]"):
        widgets.activation_toy(scores=torch.zeros(3, 4, 4))
    with pytest.raises(KeyError, match="no class 'moon'"):
        widgets.simplex_toy(classes=("sky", "moon", "road"))
