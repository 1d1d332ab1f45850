"""Every training, killed at random moments and resumed, ends with the weights of one that ran unbroken: `make kills`.

Not among the tests of `make test`, for it takes minutes. KILLS says how often each training is killed, 2 if not given.
"""

import os
import random
import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sempal_lib.training import catalogue

KILLS = int(os.environ.get("KILLS", "2"))
STEPS = 12  # of a training that does not grow; one that grows does its last 8


def train(name: str, path: Path, begun: int) -> None:
    """Build a training, from its checkpoint if there is one, and train to the end; `begun` is told when that starts."""
    torch.set_num_threads(1)
    tempfile.tempdir = str(path.parent)  # what a killed process leaves is swept with the test's folder
    training = catalogue.build(name, catalogue.parameters_of(name, "smoke", device="cpu"), checkpoint_path=path)
    training.settings = replace(training.settings, report_steps=1, checkpoint_seconds=1e-9)
    last = training.steps if hasattr(training, "_phases") else STEPS
    os.write(begun, b"x")
    while training.step < last:
        next(iter(training))


class Child:
    """A process of `train`. It is forked, which spares it the imports; this process never trains."""

    def __init__(self, name: str, path: Path):
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                train(name, path, write)
                status = 0
            finally:
                os._exit(status)
        os.close(write)
        assert os.read(read, 1) == b"x", "it did not begin"
        os.close(read)
        self.began = time.monotonic()

    def end(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(catalogue.TRAININGS))
def test_killed_and_resumed_ends_with_the_same_weights(name, tmp_path):
    for folder in ("unbroken", "killed"):
        (tmp_path / folder).mkdir()
    unbroken, killed = tmp_path / "unbroken" / "c.safetensors", tmp_path / "killed" / "c.safetensors"
    child = Child(name, unbroken)
    assert child.end() == 0
    seconds = time.monotonic() - child.began
    moments, hits = random.Random(name), 0
    for _ in range(10 * KILLS):
        child = Child(name, killed)
        # What is left to do gets shorter with each try, so the moments do too.
        time.sleep(moments.uniform(0, seconds / (1 + hits)))
        os.kill(child.pid, signal.SIGKILL)
        status = child.end()
        assert status in (0, -signal.SIGKILL)
        if status:
            hits += 1
        else:  # it was at its end already: once more, from the start
            killed.unlink()
        if hits == KILLS:
            break
    assert hits == KILLS, "no kill came in time"
    assert Child(name, killed).end() == 0
    expected, found = load_file(unbroken), load_file(killed)
    assert expected.keys() == found.keys()
    assert len(expected) > 10
    different = [key for key in expected if not torch.equal(expected[key], found[key])]
    assert different == []
