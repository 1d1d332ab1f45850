"""The book's notebooks: made from their sources, executed by papermill, published with their outputs.

`book/NN_name.py` is a chapter's source; `book/NN_name.ipynb` is regenerated from it, one way.
`runs/book.py` is the command line.
"""

import hashlib
import json
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

import failures
import jupytext
import nbformat
import page_cells
import yaml
from failures import BookError, UsageError
from nbformat import NotebookNode

from sempal_lib import augmentation, records, runs
from sempal_lib.data_folders import check_data
from sempal_lib.files import replacing
from sempal_lib.keeping import LOCK
from sempal_lib.locks import HELD, locked
from sempal_lib.parameters import presets_folder

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
MAX_NOTEBOOK_BYTES = 1_500_000
# Chapters that take the weights of others, of the same seed.
NEEDS = {
    "08_judging_with_a_segmenter": ["04_sb_gan_layouts", "05_semantic_palette", "07_painting_by_layout"],
    "09_end_to_end": ["08_judging_with_a_segmenter"],
}


def needs(chapter: str, parameters: Any) -> list[str]:
    """The chapters whose weights a run takes: those of NEEDS, or as its parameters say."""
    own = augmentation.needed_chapters(parameters) if chapter == augmentation.CHAPTER else []
    return [*NEEDS.get(chapter, []), *own]


# Chapters that go without, but need not train what another one has trained.
BORROWS = {"05_semantic_palette": ["04_sb_gan_layouts"], "16_material_editing": ["12_class_layer_vae"]}
# Environment variables that name a place.
PATHS = (
    "SEMPAL_RUNS", "SEMPAL_DATA", "SEMPAL_VGG19", "SEMPAL_INCEPTION", "SEMPAL_ALEXNET", "SEMPAL_VGG16",
    "SEMPAL_SQUEEZENET",
)  # fmt: skip
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def pages(toc: Path = BOOK / "_toc.yml") -> list[str]:
    """Names of all pages of a table of contents, without suffix, in reading order."""

    def walk(node) -> list[str]:
        if isinstance(node, list):
            return [name for item in node for name in walk(item)]
        if not isinstance(node, dict):
            return []
        own = [str(node[key]) for key in ("root", "file") if key in node]
        return own + [name for value in node.values() for name in walk(value)]

    return walk(yaml.safe_load(toc.read_text("utf-8")))


def chapters(book: Path = BOOK) -> list[str]:
    """Names of the pages that are notebooks: those with a `.py` source."""
    return [name for name in pages(book / "_toc.yml") if (book / f"{name}.py").exists()]


def read_source(path: Path) -> NotebookNode:
    """The notebook that a `.py` describes: no outputs, and cell ids that stay while the cells stay."""
    notebook = jupytext.read(path)
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    seen: dict[str, int] = defaultdict(int)
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def read_notebook(path: Path) -> NotebookNode:
    """A notebook from its file. Raises BookError that names a damaged one."""
    try:
        return nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError, KeyError) as error:
        remedy = "`make runs` makes it again"
        if path.with_suffix(".py").exists():
            remedy = "`make pair` writes it anew, or take it back from git"
        raise BookError(f"{path} is no whole notebook ({type(error).__name__}): delete it, then {remedy}") from error


def check_preset(name: str) -> None:
    """Raises UsageError that names the presets if there is no such one."""
    known = sorted(path.stem for path in presets_folder().glob("*.yaml"))
    if name not in known:
        raise UsageError(f"unknown preset {name!r}: PRESET is one of {', '.join(known)}")


def signature(notebook: NotebookNode) -> list[tuple[str, str]]:
    """(cell type, source) of every cell, without the cell that papermill injects."""
    cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    return [(cell.cell_type, cell.source.rstrip("\n")) for cell in cells]


def code_signature(notebook: NotebookNode) -> str:
    """Hash of the code cells: outputs were made by this code."""
    code = [source for kind, source in signature(notebook) if kind == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def carry_outputs(source: NotebookNode, other: NotebookNode) -> NotebookNode:
    """`source` with the outputs that cells of equal code have in `other`, and the widgets' state."""
    outputs: dict[str, list] = defaultdict(list)
    for cell in other.cells:
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", []):
            ran = cell.outputs or cell.execution_count is not None
            outputs[cell.source.rstrip("\n")].append(cell.outputs if ran else None)
    number = 0
    for cell in source.cells:
        if cell.cell_type != "code":
            continue
        found = outputs[cell.source.rstrip("\n")]
        kept = found.pop(0) if found else None
        if kept is not None:
            number += 1
            # What went to the error stream is progress bars: for those who watch, not for those who read.
            cell.outputs = [clean_output(output) for output in kept if output.get("name") != "stderr"]
            cell.execution_count = number
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = number
    for key in ("widgets", "sempal"):
        if key in other.metadata:
            source.metadata[key] = other.metadata[key]
    return source


def clean_output(output: NotebookNode) -> NotebookNode:
    """An output without the metadata that changes from run to run."""
    output = NotebookNode(output)
    output.pop("transient", None)
    return output


def pair(book: Path = BOOK) -> list[str]:
    """Regenerate every `.ipynb` from its `.py`, keeping outputs of unchanged cells. Names of what changed."""
    changed = []
    for name in chapters(book):
        path = book / f"{name}.ipynb"
        notebook = read_source(book / f"{name}.py")
        if path.exists():
            notebook = carry_outputs(notebook, read_notebook(path))
        text = nbformat.writes(notebook) + "\n"
        if not path.exists() or path.read_text("utf-8") != text:
            records.write_atomically(path, text)
            changed.append(name)
    return changed


def drift(book: Path = BOOK) -> list[str]:
    """One sentence for every `.ipynb` that is missing or whose cells are not those of its `.py`."""
    found = []
    for name in chapters(book):
        path = book / f"{name}.ipynb"
        if not path.exists():
            found.append(f"book/{name}.ipynb is missing: make pair writes it from book/{name}.py")
        elif signature(read_notebook(path)) != signature(read_source(book / f"{name}.py")):
            found.append(
                f"book/{name}.ipynb is not what book/{name}.py says: make pair writes it anew from the .py; "
                f"to keep an edit made in the notebook, first jupytext --to py:percent book/{name}.ipynb"
            )
    return found


def errors_in(notebook: NotebookNode) -> list[str]:
    """Name and text of every error output."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]


def kernel_environment() -> dict[str, str]:
    """What a run's process needs: this environment's kernel first, and widgets in their static form."""
    return {
        "SEMPAL_STATIC": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **absolute_paths(),
    }


def absolute_paths() -> dict[str, str]:
    """The environment's paths in full. A relative one counts from the folder in which the command was called."""
    found = {name: records.environment_path(name) for name in PATHS}
    return {name: str(path) for name, path in found.items() if path is not None}


def execute(
    chapter: str,
    preset: str,
    overrides: dict[str, Any],
    book: Path = BOOK,
    wait: bool = True,
    codes: Collection[str] | None = None,
) -> Path:
    """Run a chapter by papermill into its run folder. Returns the executed notebook.

    The notebook of a run that fails stays there as `<chapter>.partial.ipynb`. A kernel that dies (out of
    memory, killed) is tried once more; training then goes on from its last checkpoint.

    Args:
        wait: for another process that runs the chapter in this folder, and take what it made; else raise Busy.
        codes: hashes of library code whose training may be gone on from; what others left in the folder is set
            aside. None: go on from anything.
    Raises BookError if a cell fails, or the kernel dies again; the message names chapter, cell and error.
    """
    # Kernels run in the book's folder: paths are made whole here, where the command was called.
    parameters = runs.resolve(chapter, {**overrides, "preset": preset})
    if overrides.get("data_root"):
        overrides = {**overrides, "data_root": parameters.data_root}
    check_data(parameters)
    folder = runs.folder_of(chapter, parameters)
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"{chapter}.ipynb"
    with locked(folder / LOCK, wait, lambda text: print(f"{chapter}: {text}", file=sys.stderr)) as waited:
        if waited and finished(folder, chapter, {runs.code_hash()}, book):
            return done
        if codes is not None:
            set_aside(folder, codes)
        return _execute(chapter, preset, overrides, book, folder)


def _execute(chapter: str, preset: str, overrides: dict[str, Any], book: Path, folder: Path) -> Path:
    import papermill
    from jupyter_client import AsyncKernelManager
    from nbclient.exceptions import DeadKernelError

    class KernelManager(AsyncKernelManager):
        """Starts kernels that hold this process's locks too: none of them is dropped while its kernel lives."""

        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            await super()._async_launch_kernel(kernel_cmd, pass_fds=tuple(HELD), **options)

    os.environ.update(kernel_environment())
    partial, done = folder / f"{chapter}.partial.ipynb", folder / f"{chapter}.ipynb"
    for trial in (1, 2):
        try:
            papermill.execute_notebook(
                read_source(book / f"{chapter}.py"),
                str(partial),
                parameters={"preset": preset, **overrides},
                kernel_name="python3",
                cwd=str(book),
                progress_bar=sys.stderr.isatty() or "SEMPAL_BARS" in os.environ,
                kernel_manager_class=KernelManager,
                extra_arguments=["--log-level=ERROR"],  # no word about local sockets that are not encrypted
            )
            break
        except papermill.PapermillExecutionError as error:
            raise BookError(failures.in_cell(chapter, error, partial)) from error
        except DeadKernelError as error:
            if trial == 2:
                raise BookError(failures.by_dead_kernel(chapter, partial)) from error
            print(f"{chapter}: the kernel died; once more, from the last checkpoint", file=sys.stderr)
    notebook = read_notebook(partial)
    record = records.read_record(folder / "record.json")
    notebook.metadata["sempal"] = {
        "preset": preset,
        "library": record["code"],
        "code": code_signature(notebook),
    }
    with replacing(done) as new:
        nbformat.write(notebook, new)
    partial.unlink(missing_ok=True)
    return done


def finished(folder: Path, chapter: str, codes: Collection[str], book: Path | None = None) -> bool:
    """Whether a run folder holds a whole run that library code of these hashes trained and measured.

    Args:
        book: also ask whether it is of this book's present text.
    """
    notebook, record = folder / f"{chapter}.ipynb", folder / "record.json"
    if not (notebook.exists() and record.exists()):
        return False
    found = records.read_record(record)
    if not {found["code"], *found.get("codes", ["unknown"])} <= set(codes):
        return False
    # The record is written before the notebook's last cells: the notebook says that they ran too.
    try:
        note = json.loads(notebook.read_text("utf-8"))["metadata"].get("sempal", {})
    except (ValueError, KeyError):  # half a notebook is none
        return False
    same_text = book is None or note.get("code") == code_signature(read_source(book / f"{chapter}.py"))
    return note.get("library") == found["code"] and same_text


def set_aside(folder: Path, codes: Collection[str]) -> None:
    """Clear a run folder in which other library code has worked; its contents go to `.<folder>.before` beside it."""
    if set(records.codes_in(folder)) <= set(codes):
        return
    before = aside(folder)
    before.mkdir(exist_ok=True)
    last = ("record.json", "codes.json")  # what tells that the folder is of other code: a kill leaves that until last
    for path in sorted(folder.iterdir(), key=lambda path: path.name in last):
        if path.name != LOCK:
            there = before / path.name
            if there.is_dir():
                shutil.rmtree(there)
            os.replace(path, there)


def aside(folder: Path) -> Path:
    """Where `set_aside` puts what was in a run folder, until a new run of it is kept."""
    return folder.with_name(f".{folder.name}.before")


def executed(chapter: str, preset: str, book: Path = BOOK) -> NotebookNode:
    """A chapter with the outputs of its run at a preset. Raises BookError if this text has no such run."""
    path = runs.run_folder(chapter, preset, {}) / f"{chapter}.ipynb"
    if not path.exists():
        raise BookError(f"{chapter} has no {preset} run: make runs PRESET={preset} makes it")
    source, run = read_source(book / f"{chapter}.py"), read_notebook(path)
    if code_signature(source) != code_signature(run):
        raise BookError(f"{chapter} changed since its {preset} run: make runs PRESET={preset} runs it again")
    if errors_in(run):
        raise BookError(f"{chapter}'s {preset} run holds an error, {errors_in(run)[0]}: mend it, run again")
    return page_cells.lean(page_cells.pack_pictures(carry_outputs(source, run)))


def publish(preset: str = "demo", book: Path = BOOK) -> list[str]:
    """Copy the outputs of a preset's runs into `book/*.ipynb`. Returns the names of the chapters."""
    notebooks = {name: executed(name, preset, book) for name in chapters(book)}
    texts = {}
    for name, notebook in notebooks.items():
        # Where the repository lies on this machine is no reader's business.
        texts[name] = text = nbformat.writes(notebook).replace(str(ROOT), "…") + "\n"
        if len(text.encode()) > MAX_NOTEBOOK_BYTES:
            raise BookError(
                f"{name} has {len(text.encode()) / 1e6:.1f} MB with its outputs, at most "
                f"{MAX_NOTEBOOK_BYTES / 1e6} are committed: save smaller figures or fewer frames"
            )
        if notebook.metadata["sempal"]["library"] != runs.code_hash():
            raise BookError(f"{name} was run by older library code: make runs PRESET={preset} runs it again")
    for name, text in texts.items():
        records.write_atomically(book / f"{name}.ipynb", text)
    return list(texts)
