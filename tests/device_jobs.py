"""What processes do in the tests of several devices. Imports nothing slow."""

import os
import signal
import time
from pathlib import Path

from sempal_lib.records import RunError

NAMES = ("NODE_RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


def rank() -> int:
    return int(os.environ["NODE_RANK"])  # of Fabric's, for which each process is a node


def tell_places(report, steps):
    print("a library's own words, and no end of the line", end="", flush=True)
    for step in range(steps):
        report(step=step, **{name: os.environ.get(name) for name in NAMES})


def fail(report, kind):
    """Process 1 fails as `kind` says; the other, as with a lost connection, or it would go on for ever."""
    report(began=rank())
    if rank() == 0 and kind in ("killed", "lost"):
        time.sleep(0.3)
        raise RuntimeError("Connection closed by peer")
    if rank() == 1:
        if kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "lost":
            os._exit(3)
        raise {"ours": RunError, "value": UnicodeError, "other": KeyError}[kind]("no such street: Ørsted")
    time.sleep(600)


def hang(report, folder):
    (Path(folder) / f"{os.getpid()}.pid").touch()
    report(began=rank())
    time.sleep(600)
