"""Processes that end together, and leave no one behind.

`make`, Snakemake, papermill and a kernel are a chain of processes, and any of them may be ended at any moment, by
signals that no process can catch too. So each process that `start` starts has the other end of a pipe as its standard
input: the system closes the pipe when the process that holds it ends, however that comes, and `tie` then ends the
process and all that it started. The pipe is handed down with standard input, so one serves a whole tree.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sempal_lib.locks import HELD, Busy

TIED = "SEMPAL_TIED"  # in the environment of a tied process: its tree's lock, or "-"
PATIENCE = 10.0  # s for a tree to end in


class Stopped(BaseException):
    """A signal asked this process to end. Its first argument is the signal's number."""


def start(command: list[str], lock: Path | None = None, **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that calls `tie`. Its end, and that of all it starts, comes with ours, however ours comes.

    It has a session of its own: Ctrl-C reaches us alone, and `stop` ends it in order.

    Args:
        lock: of the tree, which we hold by `only_tree`; held as long as any tied process of the tree lives.
        options: see subprocess.Popen.
    """
    environment = {**options.pop("env", os.environ), TIED: str(lock or "-")}
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True, **options)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End what `start` started, with all its children, and wait for that."""
    assert process.stdin
    process.stdin.close()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        end_children(process.pid)
        process.kill()
        process.wait()


def tie(hand_on: bool = False) -> bool:
    """In a process of a tree: end it, with all children, when the tree's root ends. Returns whether it is of one.

    Args:
        hand_on: also to the processes that this one starts.
    """
    lock = os.environ.get(TIED) if hand_on else os.environ.pop(TIED, None)
    if lock is None:
        return False
    if lock != "-":
        shared = os.open(lock, os.O_RDONLY)  # as long as the process lives
        fcntl.flock(shared, fcntl.LOCK_SH)
        HELD.add(shared)

    def watch() -> None:
        while os.read(0, 1):
            pass
        end_children()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    return True


def end_children(process: int | None = None) -> None:
    """Kill all processes that this one (or another one) started, and those that they did, until there are none."""
    import psutil  # comes with ipykernel

    with contextlib.suppress(psutil.NoSuchProcess):
        while children := psutil.Process(process).children(recursive=True):
            # Descendants first: who ends us in the middle of this must not find a child whose parent is gone already.
            for child in reversed(children):
                with contextlib.suppress(psutil.Error):
                    child.kill()
            _, left = psutil.wait_procs(children, timeout=PATIENCE)
            if left:  # the system has them in its hands (a hanging disk); they end when it lets go
                return


@contextlib.contextmanager
def only_tree(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock of a tree of processes. Raises Busy, with the text `busy`, if another tree lives.

    The root and all tied processes share the lock. One that has just been stopped gets a moment to end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        end = time.monotonic() + 3
        while True:
            try:
                # First alone, which no one is whose tree lives on; then shared, and another one may have come between.
                for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
                    fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                fcntl.flock(file, fcntl.LOCK_UN)
                if time.monotonic() > end:
                    raise Busy(busy) from None
                time.sleep(0.1)
        yield


@contextlib.contextmanager
def stoppable(with_parent: bool = False) -> Iterator[None]:
    """Let SIGTERM, SIGHUP and Ctrl-C end this process in order, by raising Stopped.

    Args:
        with_parent: as by SIGTERM when the process that started this one has ended, killed or not.
    """

    def stopped(number: int, *_: object) -> None:
        # Once: a second signal must not disturb the end.
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    numbers = [n for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, stopped) for number in numbers}
    over = threading.Event()
    if with_parent:
        threading.Thread(target=_watch_parent, args=(os.getppid(), over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch_parent(parent: int, over: threading.Event) -> None:
    while not over.wait(0.5):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
