"""What the tests of `make` share: a small checkout with one chapter, made of this one's tools, and what runs in it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import notebooks
import pytest

THREE = "03_semgan"  # needs no other chapter
# Says who it is, then trains by a chain of numbers, with a checkpoint after each step.
CHAPTER = """# %% tags=["parameters"]
preset = None
seed = None

# %%
import json as _json, os as _os, subprocess as _subprocess, time as _time
from sempal_lib import runs as _runs
_runs.machine = lambda device: {"device": "none", "threads": 1}  # no torch, for the test's speed
run = _runs.Run.start("{name}", globals())
with open(_os.environ["LEDGER"], "a") as _file:
    _worker = _subprocess.Popen(["sleep", "60" if _os.environ["STEP"] != "0" else "0"])  # as a loader of data may be
    _file.write(f"kernel {name} - {seed} {_os.getpid()} {_os.getppid()} {_worker.pid} {_os.nice(0)}\\n")

# %%
_state = run.folder / "checkpoint.json"
_step, _value = _json.loads(_state.read_text()) if _state.exists() else (0, 3)
while _step < 20:
    _time.sleep(float(_os.environ["STEP"]))
    _step, _value = _step + 1, _value * 7 % 1009
    _runs.write_atomically(_state, _json.dumps([_step, _value]))
    with open(_os.environ["LEDGER"], "a") as _file:
        _file.write(f"step {name} - {seed}\\n")
run.measure("semgan", "full", "fsd", _value, n=8, split="val")
record = run.finish()
"""


def write_book(book: Path, name: str = THREE, chapter: str = CHAPTER) -> Path:
    """A book of one chapter, with this text."""
    book.mkdir(exist_ok=True)
    (book / "_toc.yml").write_text(f"format: jb-book\nroot: {name}\n")
    (book / f"{name}.py").write_text(chapter.replace("{name}", name))
    return book


class Checkout:
    """A folder in which `make` works as in this one."""

    def __init__(self, folder: Path):
        self.folder, self.ledger = folder, folder / "ledger"
        shutil.copytree(notebooks.ROOT / "runs", folder / "runs", ignore=shutil.ignore_patterns("reference", "smoke"))
        shutil.copy(notebooks.ROOT / "Makefile", folder)
        (folder / "sempal_lib").symlink_to(notebooks.ROOT / "sempal_lib")
        (folder / ".venv").symlink_to(sys.prefix)
        write_book(folder / "book")
        self.environment = {
            **os.environ, "PYTHONPATH": str(notebooks.ROOT), "SEMPAL_RUNS": str(folder / "left"), "MAKEFLAGS": "",
            "LEDGER": str(self.ledger), "STEP": "0",
        }  # fmt: skip

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """`make` with these arguments, in a session of its own, as a terminal gives it one."""
        # The environment stands: what would be installed is not what is tested here.
        command = ["make", "-o", "environment", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment | environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=take_signals,
        )  # fmt: skip

    def make(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Exit status of `make`, and what it said."""
        process = self.start(*arguments, **environment)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said

    def processes(self) -> list[int]:
        """Kernel, papermill, and the kernel's child, of the run that began last."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        found = [line.split() for line in lines if line.startswith("kernel")]
        return [int(word) for word in found[-1][4:7]] if found else []


def take_signals() -> None:
    """A test may run where Ctrl-C is ignored, as in the background of a shell."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture(name="checkout")
def small_checkout(tmp_path):
    folder = tmp_path / "a checkout's folder"
    folder.mkdir()
    return Checkout(folder)
