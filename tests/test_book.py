"""The book's sources, its notebooks, and the tools that make, run and publish them."""

import ast
import base64
import io
import json
import os
import re
from importlib.metadata import version

import nbformat
import notebooks
import numpy as np
import page_cells
import pytest
import website
from notebooks import BOOK, BookError
from PIL import Image

from sempal_lib import runs

CHAPTERS = notebooks.chapters()
SOURCE = """# %% [markdown]
# # Title

# %% tags=["parameters"]
preset = None
seed = None

# %%
from sempal_lib.runs import Run

run = Run.start("sample", globals())
print("seed", run.parameters.seed)
{code}
record = run.finish()
"""


def read(name):
    return nbformat.read(BOOK / f"{name}.ipynb", as_version=4)


def make_book(folder, code="pass", source=SOURCE):
    """A book of one chapter in a folder of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n- file: sample\n")
    (folder / "index.md").write_text("# A book\n")
    (folder / "sample.py").write_text(source.replace("{code}", code))
    return folder


@pytest.fixture
def book(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "runs"))
    for name, value in notebooks.kernel_environment().items():
        monkeypatch.setenv(name, value)  # so that what `execute` sets is put back after the test
    return make_book(tmp_path / "book")


class TestCommitted:
    def test_pairs_agree(self):
        assert notebooks.drift() == []

    @pytest.mark.parametrize("name", CHAPTERS)
    def test_notebook_is_fit_to_be_committed(self, name):
        notebook = read(name)
        tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
        assert notebooks.errors_in(notebook) == []
        assert not any("injected-parameters" in tag for tag in tags)
        assert (BOOK / f"{name}.ipynb").stat().st_size <= notebooks.MAX_NOTEBOOK_BYTES
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        assert "parameters" in first.metadata.get("tags", [])

    @pytest.mark.parametrize("name", CHAPTERS)
    def test_long_functions_belong_in_the_library(self, name):
        for cell in read(name).cells:
            if cell.cell_type == "code" and not cell.source.startswith("%"):
                for node in ast.walk(ast.parse(cell.source)):
                    if isinstance(node, ast.FunctionDef):
                        assert node.end_lineno - node.lineno < 10, f"{node.name} has over ten lines"

    def test_pages_exist(self):
        missing = [
            name
            for name in notebooks.pages()
            if not any((BOOK / f"{name}{kind}").exists() for kind in (".md", ".ipynb"))
        ]
        assert missing == []

    def test_citations_exist(self):
        known = set(re.findall(r"^@\w+\{([^,]+),", (BOOK / "references.bib").read_text("utf-8"), re.M))
        texts = [(BOOK / f"{name}.py").read_text("utf-8") for name in CHAPTERS]
        texts += [path.read_text("utf-8") for path in BOOK.glob("*.md")]
        cited = {
            key for text in texts for keys in re.findall(r"\{cite[:\w]*\}`([^`]+)`", text) for key in keys.split(",")
        }
        assert {key.strip() for key in cited} - known == set()

    def test_jupyter_book_is_1(self):
        assert version("jupyter-book").split(".")[0] == "1", (
            "Jupyter Book 2 reads no _config.yml and builds nothing of this book: pip install -r requirements.txt"
        )


class TestPair:
    def test_keeps_outputs_of_unchanged_cells_only(self, book):
        notebooks.pair(book)
        notebook = nbformat.read(book / "sample.ipynb", as_version=4)
        for cell in notebook.cells[1:]:
            cell.outputs = [nbformat.v4.new_output("stream", text=cell.source[:6])]
        nbformat.write(notebook, book / "sample.ipynb")
        make_book(book, code="print('new')")
        assert notebooks.drift(book)[0].startswith("book/sample.ipynb is not what book/sample.py says")
        assert notebooks.pair(book) == ["sample"]
        kept = nbformat.read(book / "sample.ipynb", as_version=4).cells
        assert [cell.outputs for cell in kept[1:]] == [notebook.cells[1].outputs, []]
        assert notebooks.drift(book) == []

    def test_again_changes_nothing(self, book):
        notebooks.pair(book)
        before = (book / "sample.ipynb").read_bytes()
        assert notebooks.pair(book) == []
        assert (book / "sample.ipynb").read_bytes() == before

    def test_equal_cells_have_different_ids(self, tmp_path):
        (tmp_path / "twice.py").write_text("# %%\n1\n\n# %%\n1\n")
        first, second = notebooks.read_source(tmp_path / "twice.py").cells
        assert first.id != second.id


class TestExecuteAndPublish:
    def test_outputs_reach_the_book_without_the_injected_cell(self, book):
        path = notebooks.execute("sample", "smoke", {"seed": 3}, book)
        assert path == runs.run_folder("sample", "smoke", {"seed": 3}) / "sample.ipynb"
        assert "seed 3" in path.read_text("utf-8")
        with pytest.raises(BookError, match="sample has no smoke run: make runs PRESET=smoke"):
            notebooks.publish("smoke", book)
        make_book(book, code="import sempal_lib as _lib; print(_lib.__file__)")
        notebooks.execute("sample", "smoke", {}, book)
        assert notebooks.publish("smoke", book) == ["sample"]
        notebook = nbformat.read(book / "sample.ipynb", as_version=4)
        assert notebook.cells[-1].outputs[0].text == "seed 0\n…/sempal_lib/__init__.py\n"
        notebooks.pair(book)
        assert notebooks.drift(book) == []
        assert "papermill" not in (book / "sample.ipynb").read_text("utf-8")
        assert website.stale_note(notebook) is None
        notebook.metadata["sempal"]["library"] = "other"
        assert "The library changed" in website.stale_note(notebook)
        make_book(book, code="print('new')")
        with pytest.raises(BookError, match="sample changed since its smoke run"):
            notebooks.publish("smoke", book)
        notebooks.pair(book)
        changed = nbformat.read(book / "sample.ipynb", as_version=4)
        assert "code changed after" in website.stale_note(changed)

    def test_failing_run_leaves_its_notebook(self, book):
        make_book(book, code="raise ValueError('too wet')")
        with pytest.raises(Exception, match="too wet"):
            notebooks.execute("sample", "smoke", {}, book)
        folder = runs.run_folder("sample", "smoke", {})
        assert "too wet" in (folder / "sample.partial.ipynb").read_text("utf-8")
        assert not (folder / "sample.ipynb").exists()

    def test_dead_kernel_is_tried_once_more(self, book, tmp_path):
        # The first kernel kills itself; the second finds the note that it left.
        code = (
            "import os, pathlib, signal\n"
            f"note = pathlib.Path({str(tmp_path / 'note')!r})\n"
            "if not note.exists():\n    note.touch(); os.kill(os.getpid(), signal.SIGKILL)\ndel note, code"
        ).replace(", code", "")
        make_book(book, code=code)
        assert notebooks.execute("sample", "smoke", {}, book).exists()

    def test_pictures_are_packed_without_changing_a_pixel(self):
        pixels = np.random.default_rng(0).integers(0, 4, (40, 60, 3), np.uint8)
        with io.BytesIO() as loose:
            Image.fromarray(pixels).save(loose, "png", compress_level=0)
            given = loose.getvalue()
        output = nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(given).decode()})
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("draw()", outputs=[output])])
        made = base64.b64decode(page_cells.pack_pictures(notebook).cells[0].outputs[0].data["image/png"])
        assert len(made) < 0.6 * len(given)
        assert np.array_equal(np.array(Image.open(io.BytesIO(made))), pixels)

    def test_what_no_page_shows_of_outputs_is_left_out(self, book):
        both = {"text/html": "<style>b {}</style><b>x</b>", "text/latex": "\\textbf{x}", "text/plain": "x"}
        other = {"text/html": "<style>i {}</style><i>x</i>"}
        given = both, both, {"text/latex": "$x$"}, other
        source = notebooks.read_source(book / "sample.py")
        source.cells[-1].outputs = [nbformat.v4.new_output("display_data", dict(data)) for data in given]
        run = runs.run_folder("sample", "smoke", {}) / "sample.ipynb"
        run.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(source, run)
        kept = [output.data for output in notebooks.executed("sample", "smoke", book).cells[-1].outputs]
        first, again = ({"text/html": f"{sheet}<b>x</b>", "text/plain": "x"} for sheet in ("<style>b {}</style>", ""))
        assert kept == [first, again, {"text/latex": "$x$"}, other]

    def test_publish_refuses_what_is_too_large(self, book, monkeypatch):
        monkeypatch.setattr(notebooks, "MAX_NOTEBOOK_BYTES", 10)
        source = notebooks.read_source(book / "sample.py")
        monkeypatch.setattr(notebooks, "executed", lambda *_: source)
        with pytest.raises(BookError, match="save smaller figures or fewer frames"):
            notebooks.publish("smoke", book)


class TestSiteChecks:
    def test_finds_what_a_page_loads_from_the_network(self):
        page = """<a href="https://a.org">x</a><script src="https://b.org/x.js"></script><img src="//c.org/y.png">
        <link rel="stylesheet" href="http://d.org/z.css"><link rel="next" href="https://e.org">
        <script src="_static/x.js"></script>"""
        assert website.network_loads(page) == ["https://b.org/x.js", "//c.org/y.png", "http://d.org/z.css"]

    def test_finds_missing_pages_errors_and_network_styles(self, book, tmp_path):
        notebooks.pair(book)
        notebook = nbformat.read(book / "sample.ipynb", as_version=4)
        notebook.cells[1].outputs = [nbformat.v4.new_output("error", ename="KeyError", evalue="'x'", traceback=[])]
        nbformat.write(notebook, book / "sample.ipynb")
        html = tmp_path / "html"
        html.mkdir()
        (html / "index.html").write_text("fine")
        (html / "a.css").write_text("@import 'https://fonts.org/a.css'; b {background: url(data:image/png;base64,x)}")
        assert website.faults_of(html, book) == [
            "sample.html was not built",
            "sample.ipynb holds an error: KeyError: 'x'",
            "a.css loads https://fonts.org/a.css",
        ]


def test_pages_of_a_toc_with_parts(tmp_path):
    toc = tmp_path / "_toc.yml"
    first = "- caption: A\n  chapters:\n  - file: a\n    sections:\n    - file: b\n"
    toc.write_text(f"root: index\nparts:\n{first}- chapters:\n  - file: c\n")
    assert notebooks.pages(toc) == ["index", "a", "b", "c"]


def test_stale_note_is_written_under_the_title(tmp_path):
    notebook = notebooks.read_source(make_book(tmp_path / "b") / "sample.py")
    app = type("App", (), {"env": type("Env", (), {"doc2path": staticmethod(lambda name: f"{name}.ipynb")})})
    content = [nbformat.writes(notebook)]
    website.prepare_page(app, "sample", content)
    cells = json.loads(content[0])["cells"]
    assert [cell["cell_type"] for cell in cells[:3]] == ["markdown", "markdown", "code"]
    assert "has not been run" in cells[1]["source"]


class TestRequirements:
    ROOT = notebooks.ROOT
    EXACT = r"([\w.-]+)==([\w.]+)"

    def pins(self, name):
        """The lines of a requirements file, those that go on as one."""
        text = (self.ROOT / name).read_text("utf-8").replace("\\\n", " ")
        return [line for line in text.splitlines() if line and not line.startswith("#")]

    def test_named_ones_are_exact_and_locked(self):
        """What requirements.in says is what is installed: `make pins` was not forgotten."""
        locked = {re.match(self.EXACT, pin).groups() for pin in self.pins("requirements.txt")}
        locked = {(name.lower().replace("_", "-"), version) for name, version in locked}
        for pin in self.pins("requirements.in"):
            name, version = re.fullmatch(self.EXACT, pin).groups()
            assert (name.lower().replace("_", "-"), version) in locked, f"make pins: {pin} is not in requirements.txt"

    def test_each_has_hashes_and_no_place_of_its_own(self):
        text = (self.ROOT / "requirements.txt").read_text("utf-8")
        assert "://" not in text
        assert "-index" not in text
        for pin in self.pins("requirements.txt"):
            assert re.fullmatch(self.EXACT + r"( ; [^\\]+?)?( +--hash=sha256:[0-9a-f]{64})+", pin.rstrip()), pin
        (numpy,) = [pin for pin in self.pins("requirements.txt") if pin.startswith("numpy==")]
        assert numpy.count("sha256:") > 20  # of Linux, macOS and Windows, for several versions of Python

    def test_torch_stands_apart(self):
        pins = self.pins("requirements-torch.txt")
        assert pins == ["torch==2.13.0", "torchvision==0.28.0", "-e ."]
        assert not [pin for pin in self.pins("requirements.txt") if re.match(r"(torch|torchvision|nvidia.*)==", pin)]

    def test_ci_can_be_run(self):
        assert os.access(self.ROOT / ".ci" / "run", os.X_OK)
