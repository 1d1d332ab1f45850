"""What the tests of the queue share: a list, and a stand-in for a chapter's run that trains in no time."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import reference_list
import reference_runs
import yaml
from reference_list import Reference
from reference_runs import Queue, work

from sempal_lib import records, runs
from sempal_lib.data_folders import data_of
from sempal_lib.locks import locked

FIVE, SIX, EIGHT = "05_semantic_palette", "06_ablation", "08_judging_with_a_segmenter"

# Trains by a chain of numbers, with a checkpoint after each step; ends with its standard input, as a real run does.
STUB = """
import fcntl, json, os, sys, threading, time
from pathlib import Path
folder, chapter, code = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
record = json.loads(sys.argv[4])
how = json.loads(os.environ.get("STUB", "{}"))
folder.mkdir(parents=True, exist_ok=True)
def watch():
    while os.read(0, 1):
        pass
    time.sleep(how.get("lingers", 0))
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
lock = open(folder / ".lock", "a")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(75)
def note(what):
    with open(os.environ["LEDGER"], "a") as file:
        file.write(f"{what} {chapter} {record['dataset']} {record['seed']} {os.getpid()}\\n")
def write(path, content):
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    os.replace(new, path)
note("start")
if chapter == how.get("fails") and record["seed"] == 0:
    print("\\x1b[31mValueError: too wet\\x1b[0m", file=sys.stderr)
    sys.exit(1)
state = folder / "checkpoint.json"
step, value = json.loads(state.read_text()) if state.exists() else (0, record["seed"] + 1)
while step < 10:
    step, value = step + 1, value * 7 % 1009
    time.sleep(how.get("pause", 0))
    write(state, [step, value])
    note("step")
for weights in how.get("weights", ["generator.safetensors"]):
    (folder / weights).write_text(str(value))
record["metrics"][0]["value"] = value + how.get("add", 0)
record |= {"code": code, "codes": [code]}
write(folder / "codes.json", [code])
write(folder / "record.json", record)
write(folder / f"{chapter}.ipynb", {"metadata": {"sempal": {"library": code}}})
note("end")
"""


def stub_command(stub: Path, code):
    """In place of `reference_runs.command`. `code`: a function that says the library's hash."""

    def command(run, codes, book=None):
        metric = {"system": "semgan", "variant": "full", "metric": "fsd", "split": "val", "n": 8, "seconds": None}
        record = {
            "chapter": run.chapter, "preset": run.parameters.preset, "dataset": run.parameters.dataset,
            "seed": run.parameters.seed, "data": (data := data_of(run.parameters)),
            "configuration": runs.configuration(run.parameters, data),
            "parameters": runs.portable(run.parameters), "device": "none", "seconds": 1.5,
            "created": "2026-01-01T00:00:00+00:00", "metrics": [metric],
        }  # fmt: skip
        return [sys.executable, "-S", str(stub), str(run.folder), run.chapter, code(), json.dumps(record)]

    return command


def write_list(folder: Path, *entries) -> Path:
    path = folder / "list.yaml"
    path.write_text(yaml.safe_dump([{"preset": "smoke", "answers": "why?", **entry} for entry in entries]))
    return path


def ledger(path: Path, what: str) -> list[str]:
    """Chapter's number and seed of every line of a kind, such as "05 s1"."""
    lines = path.read_text().splitlines() if path.exists() else []
    words = [line.split() for line in lines]
    return [f"{word[1][:2]} s{word[3]}" for word in words if word[0] == what]


def wait_for(condition, seconds=60.0):
    """The first true value of a condition."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.fixture(name="place")
def surroundings(tmp_path, monkeypatch):
    """A queue's surroundings: stub runs, a code hash that tests set, a folder to keep in."""
    (tmp_path / "stub.py").write_text(STUB)
    code = ["a" * 64]
    for module in (records, runs):
        monkeypatch.setattr(module, "code_hash", lambda *_: code[0])
    monkeypatch.setattr(reference_runs, "command", stub_command(tmp_path / "stub.py", lambda: code[0]))
    monkeypatch.setattr(reference_runs, "PAUSE", 0.05)
    monkeypatch.setenv("LEDGER", str(tmp_path / "ledger"))
    return Place(tmp_path, code, monkeypatch)


class Place:
    def __init__(self, folder, code, monkeypatch):
        self.folder, self.code, self.monkeypatch = folder, code, monkeypatch
        self.root, self.ledger = folder / "reference", folder / "ledger"
        self.said: list[str] = []

    def how(self, **how):
        self.monkeypatch.setenv("STUB", json.dumps(how))

    def queue(self, *entries, **options):
        wanted = reference_list.load(write_list(self.folder, *entries))
        return Queue(wanted, self.root, say=self.said.append, **options)

    def started(self):
        """What has been started since the last time that one asked."""
        found = ledger(self.ledger, "start")
        self.ledger.unlink(missing_ok=True)
        return found

    def states(self, queue):
        return [queue.state(run, Reference(self.root)) for run in queue.wanted]

    def in_child(self, queue, before=lambda: None):
        """Work a queue off in a process of its own; returns its id."""
        child = os.fork()
        if child == 0:
            try:
                before()
                os._exit(work(queue))
            finally:
                os._exit(77)
        return child

    def results(self):
        """Everything that is kept, by name; of records, what does not depend on the clock."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.name != ".lock"
        }


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def holding(path):
    """A process that holds a lock until it is killed; its id."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with locked(path):
            os.write(write, b"x")
            signal.pause()
    os.read(read, 1)
    return child
