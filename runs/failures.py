"""What a reader is told when a run fails: one line that says what happened, what is kept and how to go on."""

import contextlib
import errno
import os
import sys
from collections import deque
from pathlib import Path
from typing import IO, Any

GO_ON = "what is finished is kept, and training goes on from its last checkpoint when the same command is given again"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What Snakemake says of a failed job, after the job has said it: its command, and all that it depends on.
_REPEATS = (
    "RuleException", "CalledProcessError in file", "Command 'set", "Error in rule", "    ", "Exiting because",
    "WorkflowError", "At least one job",
)  # fmt: skip
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


class Relay:
    """Copies what Snakemake and its jobs say to our standard error as it comes, but for repetitions.

    Attributes:
        errors: the jobs' lines that begin with "error: ". last: the last lines of all.
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.last: deque[str] = deque(maxlen=40)

    def copy(self, source: IO[bytes]) -> None:
        """Copy until the last process ends that writes there."""
        line, shown = b"", 0  # how much of a line that has not ended is shown: progress bars have no end for long
        while piece := os.read(source.fileno(), 65536):
            *lines, line = (line + piece).split(b"\n")
            out = b""
            for whole in lines:
                if self._is_news(whole.decode("utf-8", "replace").rpartition("\r")[2]) or shown:
                    out += whole[shown:] + b"\n"
                shown = 0
            if b"\r" in line:
                out, shown = out + line[shown:], len(line)
            with contextlib.suppress(OSError):  # the terminal is gone
                sys.stderr.buffer.write(out)
                sys.stderr.buffer.flush()

    def _is_news(self, line: str) -> bool:
        self.last.append(line)
        if line.startswith("error: "):
            self.errors.append(line.removeprefix("error: "))
        return not (self.errors and line.startswith(_REPEATS))

    def summary(self, status: int) -> list[str]:
        """What to say at the end, when Snakemake has ended with a status that is not 0."""
        why = full_disk(" ".join(self.last))
        return self.errors or [f"Snakemake ended with status {status}, its reason stands above{why}; {GO_ON}"]


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
