"""The book's site: staged with executed chapters, built by Jupyter Book, checked.

As a Sphinx extension (see `_config.yml`) it notes on a page that its outputs are older than the library, folds set-up
cells, gives figures their alternative text, and resolves links to the glossary.
"""

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import lecture_times
import nbformat
import page_cells
from notebooks import BOOK, ROOT, BookError, chapters, code_signature, errors_in, executed, pages, read_notebook

from sempal_lib import runs

HTML = ROOT / "_build" / "html"
MARK = "made.json"  # written last by `build`; a plain `jupyter-book build book` removes it


def stage(preset: str, book: Path = BOOK) -> Path:
    """Copy the book and put its executed chapters in place, in `runs/<preset>/site`. Returns that folder."""
    folder = runs.run_folder("site", preset, {}).parent
    shutil.rmtree(folder, ignore_errors=True)
    without = shutil.ignore_patterns("*.py", "*.ipynb", ".ipynb_checkpoints", "_build")
    shutil.copytree(book, folder, ignore=without)
    for name in chapters(book):
        nbformat.write(executed(name, preset, book), folder / f"{name}.ipynb")
    return folder


def build(preset: str, book: Path = BOOK, html: Path = HTML) -> Path:
    """Build the site of a preset's runs from an empty folder and check it. Warnings are errors. Returns it.

    Raises BookError if Jupyter Book fails or the site has a fault.
    """
    source = stage(preset, book)
    shutil.rmtree(html.parent, ignore_errors=True)
    build_from(source, html)
    (html / MARK).write_text(json.dumps({"preset": preset}) + "\n", "utf-8")
    return html


def build_from(source: Path, html: Path) -> None:
    """Build a book's folder as it is into `html`, whose path ends in _build/html, and check the site."""
    tool = Path(sys.executable).parent / "jupyter-book"
    command = [str(tool), "build", str(source), "-W", "-n", "--keep-going", "-q"]
    command += ["--path-output", str(html.parents[1]), "--config", str(ROOT / "_config.yml")]
    if subprocess.run(command).returncode:
        raise BookError("jupyter-book failed; its warnings above count as errors")
    faults = faults_of(html, source)
    if faults:
        raise BookError("the site has faults:\n" + "\n".join(faults))


def faults_of(html: Path, source: Path) -> list[str]:
    """What is wrong with a built site: pages that are missing, errors in cells, scripts from the network."""
    names = pages(source / "_toc.yml")
    faults = [f"{name}.html was not built" for name in names if not (html / f"{name}.html").exists()]
    for path in sorted(source.glob("*.ipynb")):
        errors = errors_in(read_notebook(path))
        faults += [f"{path.name} holds an error: {error}" for error in errors]
    for path in sorted(html.rglob("*.html")):
        faults += [f"{path.name} loads {url}" for url in network_loads(path.read_text("utf-8"))]
    for path in sorted(html.rglob("*.css")):
        text = path.read_text("utf-8")
        loads = re.findall(r"(?:@import\s+|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)", text)
        faults += [f"{path.name} loads {url}" for url in loads]
    return faults


def network_loads(page: str) -> list[str]:
    """Addresses outside the site that a page would load by itself: scripts, styles, pictures, frames."""
    found: list[str] = []

    class Loads(HTMLParser):
        def handle_starttag(self, tag, attrs):
            values = {key: value or "" for key, value in attrs}
            url = values.get("src", "")
            if tag == "link" and not {"canonical", "author", "next", "prev"} & set(values["rel"].split()):
                url = values.get("href", "")
            if re.match(r"(https?:)?//", url):
                found.append(url)

    Loads().feed(page)
    return found


def stale_note(notebook: dict) -> str | None:
    """What a reader should know about the outputs of a notebook, in MyST; None if they are up to date."""
    made = notebook["metadata"].get("sempal")
    if made is None:
        why = "This page's code has not been run."
    elif made["code"] != code_signature(nbformat.from_dict(notebook)):
        why = "This page's code changed after its outputs were made."
    elif made["library"] != runs.code_hash():
        why = "The library changed after this page's outputs were made."
    else:
        return None
    return f":::{{admonition}} Stale outputs\n:class: warning\n{why} `make book` runs it afresh.\n:::"


def prepare_page(app, docname: str, content: list[str]) -> None:
    """Sphinx's `source-read`: fold set-up, describe figures, and note under a chapter's title if it is stale."""
    if not str(app.env.doc2path(docname)).endswith(".ipynb"):
        return
    notebook = json.loads(content[0])
    for cell in notebook["cells"]:  # in the file's text a source is a list of lines
        cell["source"] = "".join(cell["source"])
    note = stale_note(notebook)
    notebook["cells"] = page_cells.folded(page_cells.captioned(notebook["cells"]))
    if note:
        notebook["cells"].insert(1, {"cell_type": "markdown", "id": "stale", "metadata": {}, "source": note})
    content[0] = json.dumps(notebook)


def link_terms(app, env) -> None:
    """Sphinx's `env-updated`: let `[text](notation.md#palette-kl)` lead to the glossary's entry *palette KL*.

    Such a link also works in JupyterLab and on a code host, where the role `term` would stand as text.
    """
    std = env.get_domain("std")
    for (kind, term), (page, place) in std.objects.items():
        if kind == "term":
            slugs = env.metadata[page].setdefault("myst_slugs", {})
            slugs[slug(term)] = (0, place, term)
    for name, (page, place, title) in std.labels.items():
        env.metadata[page].setdefault("myst_slugs", {}).setdefault(slug(name), (0, place, title))


def slug(term: str) -> str:
    """The name of a term in links: lower case without accents, a hyphen for what is no letter or digit."""
    plain = unicodedata.normalize("NFKD", term).encode("ascii", "ignore").decode()
    return re.sub(r"\W+", "-", plain.lower()).strip("-")


def tell_times(app, config) -> None:
    """Sphinx's `config-inited`: what records say, for pages that are no notebooks."""
    config.myst_substitutions = {**config.myst_substitutions, **lecture_times.substitutions(chapters())}


def remove_mark(app) -> None:
    (Path(app.outdir) / MARK).unlink(missing_ok=True)


def drop_thebe(app, pagename, templatename, context, doctree) -> None:
    """Take out the scripts for remote kernels: the book promises none, and Jupyter Book declares them twice."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in str(script.filename) and "THEBE" not in script.attributes.get("body", "")
    ]


def setup(app) -> dict:
    app.connect("source-read", prepare_page)
    app.connect("config-inited", tell_times)
    app.connect("builder-inited", remove_mark)
    app.connect("env-updated", link_terms)
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True}
