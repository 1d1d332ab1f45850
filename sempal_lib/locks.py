"""Locks between processes. The system drops one when the process that holds it ends, however it ends."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Descriptors of the locks that this process holds. A child that must not be at work without them inherits them: the
# system drops a lock when the last process that has its descriptor ends.
HELD: set[int] = set()


class Busy(RuntimeError):
    """Another process holds the lock; the message says which."""


@contextmanager
def locked(path: Path, wait: bool = True, say: Callable[[str], None] | None = None) -> Iterator[bool]:
    """Hold the lock of a file, which is made if it is missing and stays behind, empty of meaning.

    Args:
        wait: for another process to let go; else Busy is raised. say: where a line on the wait goes.
    Yields:
        Whether there was another process to wait for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        waited = False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            found = f"process {file.read().strip() or 'of unknown number'} is at work in {path.parent}"
            if not wait:
                raise Busy(f"{found}: wait for it, or stop it") from None
            if say:
                say(f"{found}: waiting for it")
            waited = True
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        HELD.add(file.fileno())
        try:
            yield waited
        finally:
            HELD.discard(file.fileno())
