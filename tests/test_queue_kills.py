"""What no kill may break: the queue of reference runs, killed at any moment, or started twice."""

import os
import re
import signal
import threading
from collections import Counter

import notebooks
import pytest
import reference_list
from checkout_helpers import write_book
from queue_helpers import FIVE, alive, ended, holding, ledger, surroundings, wait_for, write_list  # noqa: F401
from reference_runs import Queue, work
from run_helpers import isolated  # noqa: F401

from sempal_lib import keeping, records, runs
from sempal_lib.locks import Busy


def test_no_kernel_outlives_a_killed_queue_and_training_goes_on(tmp_path, monkeypatch):
    """With papermill and a kernel, from the first process to the kept record."""
    book, notes = write_book(tmp_path / "book", FIVE), tmp_path / "ledger"
    monkeypatch.setenv("LEDGER", str(notes))
    monkeypatch.setenv("STEP", "0.2")
    wanted = reference_list.load(write_list(tmp_path, {"chapter": FIVE}), book=book)

    def queue():
        return Queue(wanted, tmp_path / "reference", book)

    child = os.fork()
    if child == 0:
        work(queue())
        os._exit(77)
    wait_for(lambda: len(ledger(notes, "step")) >= 4)
    *processes, niceness = notes.read_text().splitlines()[0].split()[4:]
    assert len(processes) == 3  # kernel, papermill, and a child of the kernel
    assert all(alive(int(process)) for process in processes)
    assert niceness == "19"
    os.kill(child, signal.SIGKILL)
    ended(child)
    wait_for(lambda: not any(alive(int(process)) for process in processes), 10)
    monkeypatch.setenv("STEP", "0")
    assert work(queue()) == 0
    assert len(ledger(notes, "step")) <= 21  # one may have been done and not saved
    kept = records.read_record(tmp_path / "reference" / wanted[0].name / "record.json")
    assert kept["metrics"][0]["value"] == 3 * pow(7, 20, 1009) % 1009
    assert kept["codes"] == [runs.code_hash()]


class TestKills:
    ENTRIES = ({"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"})

    def unbroken(self, place, tmp_path):
        place.monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "unbroken"))
        place.root = tmp_path / "unbroken-reference"
        assert place.queue(*self.ENTRIES).run() == 0
        return place.results()

    @pytest.mark.parametrize("moment", ["training", "between", "keeping", "replacing"])
    def test_after_a_kill_nothing_is_lost_or_half(self, moment, place, tmp_path):
        pausing = place.folder / "pausing"

        def pause(*_, **__):
            pausing.touch()
            signal.pause()

        def before():
            """In the process that will be killed: it stops where the moment is."""
            if moment == "between":
                keeping.keep = pause
            elif moment == "keeping":
                keeping.shutil.copyfile = pause
            elif moment == "replacing":
                replace = os.replace
                # The old run has just been moved aside, the new one is not there yet.
                keeping.os.replace = lambda a, b: pause() if str(a).endswith(".tmp") else replace(a, b)

        if moment == "replacing":  # there is an old record to lose
            place.code[0] = "0" * 64
            place.how(add=1)
            assert place.queue(*self.ENTRIES).run() == 0
            place.code[0] = "a" * 64
            for run in place.queue(*self.ENTRIES).wanted:
                notebooks.set_aside(run.folder, ["a" * 64])
            place.started()
        place.how(pause=0.05 if moment == "training" else 0)
        child = place.in_child(place.queue(*self.ENTRIES), before)
        if moment == "training":
            wait_for(lambda: len(ledger(place.ledger, "step")) == 4)
        else:
            wait_for(pausing.exists)
        os.kill(child, signal.SIGKILL)
        assert ended(child) == -signal.SIGKILL
        place.how()
        assert work(place.queue(*self.ENTRIES)) == 0
        steps = Counter(ledger(place.ledger, "step"))
        assert set(steps) == {"05 s0", "05 s1", "03 s0"}
        assert max(steps.values()) <= 11, "training did not go on from its checkpoint, or ran twice"
        found = place.results()
        assert found == self.unbroken(place, tmp_path)

    def test_of_two_queues_one_works(self, place, capfd):
        place.how(pause=0.02)
        queue = place.queue(*self.ENTRIES)
        queue.say = lambda line: print(line, flush=True)
        children = [place.in_child(queue) for _ in range(2)]
        assert [ended(child) for child in children] == [0, 0]
        said = re.findall(r"a queue is running already, process (\d+)", capfd.readouterr().out)
        assert len(said) == 1
        assert int(said[0]) in children
        assert Counter(ledger(place.ledger, "start")) == {"05 s0": 1, "05 s1": 1, "03 s0": 1}
        assert place.states(place.queue(*self.ENTRIES)) == ["kept"] * 3

    def test_a_run_that_another_process_is_at_comes_later(self, place):
        queue = place.queue(*self.ENTRIES)
        holder = holding(queue.wanted[0].folder / ".lock")
        child = place.in_child(queue)
        wait_for(lambda: ledger(place.ledger, "end") == ["05 s1", "03 s0"])
        os.kill(holder, signal.SIGKILL)
        ended(holder)
        assert ended(child) == 0
        assert ledger(place.ledger, "start") == ["05 s1", "03 s0", "05 s0"]

    def test_execute_waits_or_says_who_is_there(self, place, monkeypatch, capsys):
        (run,) = place.queue({"chapter": FIVE}).wanted
        calls = []
        monkeypatch.setattr(notebooks, "_execute", lambda *_: calls.append(1) or run.folder / "made")
        child = holding(run.folder / ".lock")
        with pytest.raises(Busy, match=f"process {child} is at work in .*: wait for it, or stop it"):
            notebooks.execute(FIVE, "smoke", {}, wait=False)
        assert calls == []
        end = threading.Timer(0.3, os.kill, (child, signal.SIGKILL))
        end.start()
        monkeypatch.setattr(notebooks, "finished", lambda *_: True)
        assert notebooks.execute(FIVE, "smoke", {}) == run.folder / f"{FIVE}.ipynb"  # what the other one made
        assert f"process {child} is at work" in capsys.readouterr().err
        assert calls == []
        ended(child)
        assert notebooks.execute(FIVE, "smoke", {}, wait=False) == run.folder / "made"

    def test_execute_goes_on_from_the_codes_it_is_told(self, place, monkeypatch):
        (run,) = place.queue({"chapter": FIVE}).wanted
        monkeypatch.setattr(notebooks, "_execute", lambda *_: run.folder)
        run.folder.mkdir(parents=True)
        (run.folder / "codes.json").write_text('["x"]')
        notebooks.execute(FIVE, "smoke", {})
        notebooks.execute(FIVE, "smoke", {}, codes=["x", "y"])
        assert (run.folder / "codes.json").exists()
        notebooks.execute(FIVE, "smoke", {}, codes=["y"])
        assert [path.name for path in run.folder.iterdir()] == [".lock"]

    def test_sigterm_ends_the_run_and_says_how_to_go_on(self, place, capfd):
        place.how(pause=0.05, lingers=0.5)
        queue = place.queue(*self.ENTRIES)
        queue.say = lambda line: print(line, flush=True)
        child = place.in_child(queue)
        wait_for(lambda: len(ledger(place.ledger, "step")) > 12)  # the first is kept, the second is at work
        os.kill(child, signal.SIGTERM)
        assert ended(child) == 130
        # Not a moment later: who starts the queue again at once must find no one there.
        assert not alive(int(place.ledger.read_text().splitlines()[-1].split()[-1]))
        assert "make reference goes on from here" in capfd.readouterr().out
        steps = len(ledger(place.ledger, "step"))
        assert place.states(place.queue(*self.ENTRIES)) == ["kept", "wanted", "wanted"]
        place.how()
        assert work(place.queue(*self.ENTRIES)) == 0
        assert len(ledger(place.ledger, "step")) - steps <= 30 - 12
