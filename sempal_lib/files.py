"""Files that take another's place whole or not at all, and files from elsewhere. Imports no torch: records need it."""

import hashlib
import os
import platform
import re
import secrets
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

OLD = 24 * 3600  # s, after which a temporary file has no writer any more, wherever that was


class UntrustedFile(RuntimeError):
    """A file from elsewhere is not the one that it should be; the message says how to get that, or to vouch for it."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A place for a new file, no other writer's, which becomes `path` when the block ends well.

    At any moment `path` holds the old file or the new, whole; so it does after a power cut. The new one has the
    permissions of any new file. What dead writers of the same path left behind is cleared away.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    new = path.with_name(f".{path.name}.{os.getpid()}-{_here()}-{secrets.token_hex(4)}.tmp")
    try:
        yield new
        with new.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # not every system can open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _here() -> str:
    """8 hex digits of where process numbers mean what they mean here: this machine, this container."""
    space = Path("/proc/self/ns/pid")
    number = space.stat().st_ino if space.exists() else 0
    return f"{zlib.crc32(f'{platform.node()} {number}'.encode()):08x}"


def _sweep(path: Path) -> None:
    pattern = re.compile(rf"\.{re.escape(path.name)}\.(\d+)(?:-([0-9a-f]{{8}})-[0-9a-f]{{8}})?\.tmp")
    for left in path.parent.iterdir():
        match = pattern.fullmatch(left.name)
        with suppress(OSError):  # another writer sweeps too
            if match and left.is_file():
                gone = match[2] == _here() and _is_gone(int(match[1]))
                if gone or time.time() - left.stat().st_mtime > OLD:
                    left.unlink()


def _is_gone(process: int) -> bool:
    if os.name != "posix":  # elsewhere the question itself would end it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def check_sha256(file: BinaryIO, path: str | Path, known: str, variable: str, remedy: str) -> None:
    """Refuse an open file from elsewhere that is not the one meant, before anything in it is used.

    Args:
        known: the SHA-256 of the file meant, or its first digits. variable: the environment variable in which a user
            gives the SHA-256 of another file that is to be taken instead. remedy: where the file is had.
    Raises:
        UntrustedFile: that tells the file's own SHA-256.
    """
    found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    named = os.environ.get(variable, "").strip().lower()
    if found != named if named else not found.startswith(known):
        expected = f"{variable} says {named}" if named else f"expected {known}{'…' if len(known) < 64 else ''}"
        raise UntrustedFile(
            f"{path} has the SHA-256 {found}, {expected}. It was not used: {remedy}. If you know this file and trust "
            f"it, set {variable}={found}"
        )
