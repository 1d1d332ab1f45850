"""What a reader meets on every page: lines and tables that fit, figures with words, links, colours that can be read."""

import ast
import re
import shutil

import lecture_times
import notebooks
import page_cells
import pytest
import strip
import website
import yaml
from notebooks import BOOK

from sempal_lib.widgets import toys

LONGEST = 85  # characters of a shown line of code
CHAPTERS = notebooks.chapters()
FOLDED = {"hide-input", "hide-cell", "remove-input"}
NO_FIGURES = {"Table", "to_png", "legend"}  # of sempal_lib.figures; a legend belongs to its figure
GLOSSARY = (BOOK / "notation.md").read_text("utf-8")


def cells_of(name):
    """A chapter's cells as its source has them, with the outputs that are committed for cells that did not change."""
    source = notebooks.read_source(BOOK / f"{name}.py")
    path = BOOK / f"{name}.ipynb"
    return notebooks.carry_outputs(source, notebooks.read_notebook(path)).cells if path.exists() else source.cells


def texts_of(name):
    return [cell.source for cell in cells_of(name) if cell.cell_type == "markdown"]


def folded_cells(name):
    return page_cells.folded([{**cell, "outputs": cell.get("outputs", [])} for cell in cells_of(name)])


def draws(cell):
    """Whether a cell shows a figure: it has made one, or its last line or a `display` says so."""
    if "hide-cell" in page_cells.tags_of(cell):
        return False
    return page_cells.shows_image(cell) or bool(_figures_called(cell["source"]) - NO_FIGURES)


def _figures_called(source):
    statements = [one for one in ast.parse(source).body if isinstance(one, ast.Expr)] if source[:1] != "%" else []
    return {
        node.func.attr
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name) and node.func.value.id == "figures"
    }  # fmt: skip


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_shown_line_of_code_is_too_long(name):
    shown = []
    for cell in folded_cells(name):
        if cell["cell_type"] == "code" and not FOLDED & {*page_cells.tags_of(cell)}:
            shown += cell["source"].splitlines()
        elif cell["cell_type"] == "markdown":
            fenced = re.findall(r"^```.*?\n(.*?)^```", cell["source"], re.M | re.S)
            shown += [line for block in fenced for line in block.splitlines()]
    assert [line for line in shown if len(line) > LONGEST] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_figure_has_number_caption_and_description(name):
    faults, numbers, waiting = [], [], None
    for cell in cells_of(name):
        if cell.cell_type == "code":
            waiting = cell.source.splitlines()[-1] if draws(cell) else waiting
            continue
        found = page_cells.captions(cell.source)
        numbers += [number for number, _, _ in found]
        faults += [f"figure {number} is not described in brackets" for number, _, words in found if not words]
        if waiting is not None and not (found and cell.source.startswith("*Figure")):
            faults.append(f"no caption below {waiting!r}")
        waiting = None
    assert faults == []
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_links_to_another(name):
    linked = {one for text in texts_of(name) for one in re.findall(r"\]\((\d\d_\w+)\.ipynb", text)}
    assert linked - {name} != set()
    assert linked <= {*CHAPTERS}


def glossary_terms():
    blocks = re.findall(r"^```\{glossary\}\n(.*?)^```", GLOSSARY, re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith(" ")]


class TestNotation:
    def test_terms_are_unique_sorted_and_defined_in_a_sentence(self):
        terms = glossary_terms()
        slugs = [website.slug(term) for term in terms]
        assert len(set(slugs)) == len(slugs)
        for block in re.findall(r"^```\{glossary\}\n(.*?)^```", GLOSSARY, re.M | re.S):
            entries = [one.strip("\n").split("\n", 1) for one in block.strip("\n").split("\n\n")]
            names = [term.lower() for term, _ in entries]
            assert names == sorted(names)
            for term, text in entries:
                assert re.search(r"[.)]$", text), term

    @pytest.mark.parametrize("name", CHAPTERS)
    def test_chapter_links_to_words_that_exist(self, name):
        known = {website.slug(term) for term in glossary_terms()} | {"symbols"}
        linked = {one for text in texts_of(name) for one in re.findall(r"\]\(notation\.md#([^)]*)\)", text)}
        assert linked != set()
        assert linked - known == set()


class TestPageCells:
    def cell(self, kind, source, *tags, **more):
        return {"cell_type": kind, "source": source, "metadata": {"tags": list(tags)}, "outputs": [], **more}

    def test_set_up_is_one_folded_cell_and_solutions_are_named(self):
        made = page_cells.folded([
            self.cell("markdown", "# Title"),
            self.cell("code", "seed = 1", "parameters"),
            self.cell("code", "run()", "remove-output", outputs=[{"name": "a"}]),
            self.cell("code", "load()", outputs=[{"name": "b"}]),
            self.cell("code", "draw()", outputs=[{"data": {"image/png": "x"}}]),
            self.cell("markdown", "## Data"),
            self.cell("code", "look()", "hide-input"),
            self.cell("markdown", "## Exercises"),
            self.cell("code", "solve()", "hide-cell"),
        ])  # fmt: skip
        assert [cell["source"] for cell in made if cell["cell_type"] == "code"] == [
            "seed = 1\n\nrun()\n\nload()", "draw()", "look()", "solve()",
        ]  # fmt: skip
        assert made[1]["outputs"] == [{"name": "b"}]
        prompts = [cell["metadata"].get("mystnb", {}).get("code_prompt_show") for cell in made]
        assert prompts == [None, "Show the set-up", "Show the code", None, "Show the code", None, "Show solution"]
        assert made[2]["metadata"]["tags"] == ["hide-input"]

    def test_folds_that_show_nothing_are_joined_to_the_next(self):
        made = page_cells.folded([
            self.cell("markdown", "## Measured"),
            self.cell("code", "measure()", "hide-input"),
            self.cell("code", "more()", "hide-input"),
            self.cell("code", "table()", "hide-input", outputs=[{"name": "a"}]),
            self.cell("code", "again()", "hide-input", outputs=[{"name": "b"}]),
            self.cell("code", "alone()", "hide-input"),
            self.cell("code", "shown()"),
        ])  # fmt: skip
        code = [(cell["source"], len(cell["outputs"])) for cell in made if cell["cell_type"] == "code"]
        assert code == [("measure()\n\nmore()\n\ntable()", 1), ("again()", 1), ("alone()", 0), ("shown()", 0)]

    def test_description_of_a_caption_becomes_alternative_text(self):
        picture = self.cell("code", "draw()", outputs=[{"data": {"image/png": "x"}}])
        text = "*Figure 2. Look at $t_c$ (left). (A grid:\ntwo rows (real, made) of *streets*.)*\n\nMore."
        first, second = page_cells.captioned([picture, self.cell("markdown", text)])
        assert first["metadata"]["mystnb"]["image"]["alt"] == "Figure 2. A grid: two rows (real, made) of streets."
        assert second["source"] == ":::{div} sempal-caption\n*Figure 2. Look at $t_c$ (left).*\n:::\n\nMore."

    def test_caption_without_description_lends_its_own_words(self):
        picture = self.cell("code", "draw()", outputs=[{"data": {"image/png": "x"}}])
        first, _ = page_cells.captioned([picture, self.cell("markdown", "*Figure 1. Losses.*")])
        assert first["metadata"]["mystnb"]["image"]["alt"] == "Figure 1. Losses."

    def test_picture_of_a_solution_is_called_so(self):
        picture = self.cell("code", "solve()", "hide-cell", outputs=[{"data": {"image/png": "x"}}])
        first, second = page_cells.captioned([picture, self.cell("markdown", "*Figure 1. Losses.*")])
        assert first["metadata"]["mystnb"]["image"]["alt"] == "A picture of the solution."
        assert "Losses" in second["source"]


def test_times_of_the_lecturers_page_are_of_records():
    texts = lecture_times.substitutions(CHAPTERS)
    named = set(re.findall(r"\{\{ (\w+) \}\}", (BOOK / "for_lecturers.md").read_text("utf-8")))
    assert named <= {*texts}
    assert [name for name in named if texts[name] == "–"] == []
    assert re.fullmatch(r"\d+ (s|min)( to \d+ (s|min))?", texts["time_05"])


def test_strip_of_the_front_page_is_what_the_weights_make():
    made = strip.strip()
    facts, page = made.facts, strip.STRIP.read_text("utf-8")
    assert page == toys.Toy("strip", _facts_in(page), made.without)._repr_html_() + "\n"
    for name in ("asked", "names", "colors"):
        assert yaml.safe_dump(facts[name]) == yaml.safe_dump(_facts_in(page)[name])
    apart = [abs(a - b) for one, other in zip(facts["made"], _facts_in(page)["made"], strict=True)
             for a, b in zip(one, other, strict=True)]  # fmt: skip
    assert max(apart) < 0.02  # on another machine a pixel at a border may fall to the other class


def _facts_in(page):
    import html
    import json

    return json.loads(html.unescape(re.search(r'data-facts="([^"]*)"', page)[1]))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The book as its sources say, with the committed outputs of cells that did not change, built."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(BOOK, folder / "book", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    notebooks.pair(folder / "book")
    website.build_from(folder / "book", folder / "_build" / "html")
    return folder / "_build" / "html"


# Texts of a page whose contrast with what is behind them is less than 4.5, which is what WCAG 2 asks of small text.
PALE = """() => {
    const parts = (color) => {
        const numbers = color.match(/[\\d.]+/g).map(Number);
        const whole = color.startsWith('color(srgb') ? numbers.slice(0, 3).map(x => 255 * x) : numbers.slice(0, 3);
        return [...whole, numbers[3] ?? 1];
    };
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const over = (top, below) => [0, 1, 2].map(i => top[3] * top[i] + (1 - top[3]) * below[i]);
    const behind = (element) => {
        const layers = [];
        for (let one = element; one; one = one.parentElement) {
            layers.push(parts(getComputedStyle(one).backgroundColor));
            if (layers.at(-1)[3] === 1) break;
        }
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const found = [];
    const texts = document.createTreeWalker(document.querySelector('.bd-article'), NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const text = texts.currentNode.data.trim();
        if (!text || !element.checkVisibility() || element.closest('script, style, mjx-assistive-mml, .headerlink')) {
            continue;
        }
        const ground = behind(element);
        const style = getComputedStyle(element);
        const ink = over(parts(element.closest('svg') ? style.fill : style.color), ground);
        const [one, other] = [light(ink), light(ground)].sort((a, b) => b - a);
        const contrast = (one + 0.05) / (other + 0.05);
        if (contrast < 4.5) found.push(`${contrast.toFixed(1)}: ${text.slice(0, 30)}`);
    }
    return [...new Set(found)];
}"""

# Figures that a dark page changes: filtered, or without a white ground behind what is transparent.
GREY = """() => [...document.querySelectorAll('.bd-article .cell_output img')].filter(image => {
    const style = getComputedStyle(image);
    return style.filter !== 'none' || style.backgroundColor !== 'rgb(255, 255, 255)';
}).length"""

# Tables and lines of code that are wider than their box.
WIDE = """() => [...document.querySelectorAll('.bd-article table, .bd-article .cell_input pre')].filter(one => {
    if (!one.checkVisibility() || one.closest('.sempal-toy')) return false;
    const box = one.tagName === 'PRE' ? one : one.parentElement;
    return one.scrollWidth > box.clientWidth + 1;
}).map(one => `${one.tagName.toLowerCase()} ${one.innerText.trim().slice(0, 40)}`)"""

# Formulas and links that stand as they were typed.
RAW = """() => [...document.querySelectorAll('.bd-article p, .bd-article li, .bd-article td')].map(one => {
    const copy = one.cloneNode(true);
    copy.querySelectorAll('code, pre, script, .math, mjx-container').forEach(part => part.remove());
    return (copy.textContent.match(/\\$[^$]+\\$|\\]\\([^)]*\\)|\\{cite/) || [])[0];
}).filter(Boolean)"""


@pytest.mark.parametrize("name", CHAPTERS)
def test_title_has_the_chapters_number(site, name):
    page = (site / f"{name}.html").read_text("utf-8")
    assert re.findall(r'<h1><span class="section-number">(\d+)\. </span>', page) == [str(int(name[:2]))]
    assert '<h2><span class="section-number">' not in page


@pytest.mark.parametrize("name", notebooks.pages())
def test_built_page_can_be_read(chromium, site, name):
    """On a laptop by day and by night, and on a phone: words for pictures, no table cut off, colours with contrast."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"file://{site}/{name}.html")
    page.wait_for_load_state("networkidle", timeout=120_000)  # a busy machine is slow
    pictures = page.locator(".bd-article .cell_output img:not(.widget-image)")
    alts = pictures.evaluate_all("all => all.map(picture => picture.alt)")
    known = ("Figure ", "A picture of the solution")
    faults = [f"a picture is described by {alt!r}" for alt in alts if not alt.startswith(known)]
    faults += [f"wider than the page: {one}" for one in page.evaluate(WIDE)]
    faults += [f"stands as it was typed: {one}" for one in page.evaluate(RAW)]
    faults += [f"pale, {one}" for one in page.evaluate(PALE)]
    page.evaluate("document.documentElement.dataset.theme = document.documentElement.dataset.mode = 'dark'")
    page.wait_for_timeout(300)  # colours fade over
    faults += [f"pale in the dark, {one}" for one in page.evaluate(PALE)]
    faults += [f"{grey} pictures are changed in the dark" for grey in [page.evaluate(GREY)] if grey]
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_timeout(300)
    # On a phone a line of code scrolls, for a broken one is another program.
    faults += [f"wider than a phone: {one}" for one in page.evaluate(WIDE) if one.startswith("table")]
    page.close()
    assert faults == []
