"""What a reader is told when a run fails: one line that says what happened, what is kept and how to go on."""

import errno
from pathlib import Path
from typing import Any

GO_ON = "what is finished is kept, and training goes on from its last checkpoint when the same command is given again"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")


class BookError(Exception):
    """Something is wrong with a notebook, a run or the site; the message says what to do about it."""

    status = 1  # of the process


class UsageError(BookError):
    """A command was given something impossible; the message says what is allowed."""

    status = 2


def is_full_disk(error: BaseException | str) -> bool:
    """Whether an error, or its text from another process, says that nothing more can be written."""
    return getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _FULL_WORDS)


def full_disk(error: BaseException | str) -> str:
    """The remedy for a full disk, or nothing if the error is another one."""
    return "; the disk is full, or a limit is reached: free some space" if is_full_disk(error) else ""


def in_cell(chapter: str, error: Any, notebook: Path) -> str:
    """What to say of papermill's PapermillExecutionError: chapter, cell, error, and where the notebook lies."""
    code = [line.strip() for line in error.source.splitlines()]
    first = next((line for line in code if line and not line.startswith(("#", "%"))), "")
    text = f"{error.ename}: {' '.join(str(error.evalue).split())}"
    return (
        f"{chapter} failed in cell [{error.exec_count}] ({_short(first, 60)}): {_short(text, 1000)}{full_disk(text)}. "
        f"The notebook of the failed run is {_here(notebook)}; {GO_ON}"
    )


def by_dead_kernel(chapter: str, notebook: Path) -> str:
    """What to say of nbclient's DeadKernelError."""
    return (
        f"{chapter}: its kernel died twice, killed by someone, or by the system for want of memory (try a smaller "
        f"preset, or CORES=1). The notebook as far as it went is {_here(notebook)}; {GO_ON}"
    )


def by_system(error: OSError) -> str:
    """What to say of a file that cannot be written."""
    name = f" at {_here(Path(error.filename))}" if isinstance(error.filename, str) else ""
    return f"{error.strerror or error}{name}{full_disk(error)}; {GO_ON}"


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
