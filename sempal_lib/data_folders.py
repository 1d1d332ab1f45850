"""The data of a run before it begins: can they be opened, are they enough, and which fingerprint do real ones have?

Imports no torch but to look into a folder, for the run graph's sake. Chapter: How it was run.
"""

import hashlib
import os
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sempal_lib.parameters import ImageParameters, Parameters, least_scenes
from sempal_lib.records import PROCEDURAL, RunError

# Of how much data every byte counts; of more, of SAMPLED files spread evenly over the folder their first HEAD bytes.
WHOLE_BYTES, WHOLE_FILES = 64 * 2**20, 10_000
SAMPLED, HEAD = 256, 2**16
TEXTS = (".txt", ".json", ".csv")  # lists of classes and splits: they count whole, where they lie at the top
MAX_TEXT = 2**20  # bytes


def data_folder(dataset: str, data_root: str | None = None) -> Path | None:
    """The folder of a real data set: `data_root`, or that of its name in the one that SEMPAL_DATA names.

    None for a procedural world, and where there is no such folder.
    """
    if dataset in PROCEDURAL:
        return None
    if data_root is not None:
        folder: Path | None = Path(data_root)
    else:
        above = os.environ.get("SEMPAL_DATA")
        folder = Path(above) / dataset if above else None
        if folder is not None and not folder.is_dir():
            from sempal_lib.datasets import default_folder  # takes torch; it also knows which sets share a folder

            folder = default_folder(dataset)
    try:
        return folder if folder is not None and folder.is_dir() else None
    except OSError:  # a name that is too long for a folder
        return None


def data_of(parameters: Parameters) -> str | None:
    """The fingerprint of the real data that a run reads; None for a world, and where the data are not at hand.

    Looked at once a process: `fingerprint.cache_clear()` has it looked at again.
    """
    folder = data_folder(parameters.dataset, parameters.data_root)
    return None if folder is None else fingerprint(folder.resolve())


def check_data(parameters: Parameters) -> None:
    """Stop when the data of a run cannot be opened, are too few, or more than this machine's memory holds.

    Raises RunError, for data that cannot be opened in the words of `datasets.load`.
    """
    _check_memory(parameters)
    if parameters.dataset in PROCEDURAL and parameters.data_root is None:
        return
    if parameters.data_root is not None and os.path.isfile(parameters.data_root):
        raise RunError(
            f"data_root = {parameters.data_root!r} is a file: give the folder of the data set, unpacked if need be"
        )
    from sempal_lib import datasets

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they come when the data are read
            found = {
                split: len(datasets.load(parameters.dataset, split, root=parameters.data_root))
                for split in ("train", "val")
            }
    except (ValueError, OSError) as error:
        raise RunError(str(error)) from error
    for split, count in found.items():
        least = least_scenes(parameters, split)
        if count < least:
            raise RunError(
                f"{parameters.dataset} has {count} scenes in its split {split!r}, but at least {least} are needed: "
                "take a larger set, or move scenes from one split to the other"
            )


def _check_memory(parameters: Parameters) -> None:
    """Stop when what a run holds at once cannot fit: scenes that a world makes, and samples, a byte a pixel or more."""
    p = parameters
    scenes = (p.train_scenes or 0) + (p.val_scenes or 0) if p.dataset in PROCEDURAL else 0
    needed = (scenes + p.samples) * p.height**2 * (4 if isinstance(p, ImageParameters) else 1)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        counts = ", ".join(f"{name} = {getattr(p, name)}" for name in ("train_scenes", "val_scenes", "samples"))
        raise RunError(
            f"{counts} at height = {p.height} take at least {needed / 1e9:.3g} GB of memory, and there are "
            f"{there / 1e9:.3g}: lower them, or height"
        )


@cache
def fingerprint(folder: Path) -> str:
    """12 hex digits of a folder's files: all names and sizes, and as much of their contents as is read in a second.

    Hidden files and notes (`.md`) do not count, nor does where the folder lies or when it was copied.
    """
    try:
        files = sorted(_files(folder))
        whole = len(files) <= WHOLE_FILES and sum(size for _, size in files) <= WHOLE_BYTES
        step = -(-len(files) // SAMPLED)
        digest = hashlib.sha256()
        for number, (name, size) in enumerate(files):
            digest.update(os.fsencode(f"{name}\0{size}\0"))
            text = name.count("/") < 2 and name.lower().endswith(TEXTS) and size <= MAX_TEXT
            if whole or text or number % step == 0:
                with (folder / name).open("rb") as file:
                    digest.update(file.read(-1 if whole or text else HEAD))
    except OSError as error:
        raise RunError(
            f"cannot read the data in {folder}: {error}. Mend that file, or copy the folder again"
        ) from error
    return digest.hexdigest()[:12]


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Name below the folder, with slashes, and size of every file that counts. Links are followed, once."""
    waiting, seen = [(folder, "")], set()
    while waiting:
        path, above = waiting.pop()
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    waiting.append((Path(entry.path), f"{above}{entry.name}/"))
                elif not entry.name.lower().endswith(".md") and entry.is_file():
                    yield f"{above}{entry.name}", entry.stat().st_size
