"""The queue of reference runs: its list, the order in which it works, and what no kill may break."""

import json
import os
import re
import signal
from collections import Counter

import notebooks
import pytest
import reference_list
import reference_runs
from notebooks import BookError
from queue_helpers import STUB, alive, ledger, stub_command, wait_for, write_list
from reference_list import Reference
from reference_runs import Queue, work
from run_helpers import isolated  # noqa: F401

from sempal_lib import ablation, keeping, records, runs
from sempal_lib.locks import Busy, locked

FIVE, SIX, EIGHT = "05_semantic_palette", "06_ablation", "08_judging_with_a_segmenter"


@pytest.fixture
def place(tmp_path, monkeypatch):
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


class TestList:
    def test_every_committed_record_is_wanted_by_one_entry(self):
        wanted = reference_list.load(device="cpu")
        for folder, record in runs.records_under(records.reference_root()):
            found = [run.entry for run in wanted if reference_list.answers_to(run, record)]
            assert len(found) == 1, (
                f"{folder} is wanted by the entries {found} of runs/reference.yaml, expected one: "
                "add an entry with its parameters, or remove a record that nobody wants"
            )

    def test_an_entry_goes_seed_by_seed_and_of_a_seed_row_by_row(self, place):
        rows = ["sb-gan", "full"]
        queue = place.queue({"chapter": SIX, "seeds": [4, 3], "row": rows}, {"chapter": FIVE})
        assert [(run.chapter, run.parameters.seed) for run in queue.wanted] == [
            (SIX, 4), (SIX, 4), (SIX, 3), (SIX, 3), (FIVE, 0),
        ]  # fmt: skip
        assert [ablation.row_of(run.parameters) for run in queue.wanted[:4]] == rows * 2

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ({"chapter": FIVE, "seed": 1}, r"entry 2 \(05_sem.*unknown key 'seed': did you mean 'seeds'"),
            ({"chapter": "05_semantic_pallete"}, r"entry 2 .*unknown chapter.*did you mean '05_semantic_palette'"),
            ({"chapter": FIVE, "parameters": {"heigth": 8}}, r"entry 2 .*unknown parameter 'heigth'.*'height'"),
            ({"chapter": FIVE, "parameters": {"height": 9}}, r"(?s)entry 2 .*height = 9 is no power of two"),
            ({"chapter": FIVE, "parameters": {"data_root": "/x"}}, r"entry 2 .*data_root does not belong.*SEMPAL_DATA"),
            ({"chapter": FIVE, "parameters": {"seed": 2}}, r"entry 2 .*its place is seeds"),
            ({"chapter": FIVE, "preset": "demos"}, r"entry 2 .*unknown preset 'demos'"),
            ({"chapter": SIX, "row": "sinkhorn-3"}, r"entry 2 .*no row 'sinkhorn-3': did you mean 'sinkhorn-"),
            ({"chapter": FIVE, "seeds": [0]}, r"entry 2 .*is wanted by entry 1 already"),
            ({"chapter": FIVE, "seeds": "0"}, r"entry 2 .*seeds"),
            ({"chapter": FIVE, "answers": ""}, r"entry 2 .*answers"),
        ],
        ids=str,
    )
    def test_a_bad_list_is_refused_before_anything_runs(self, entry, message, place):
        with pytest.raises(BookError, match=message):
            place.queue({"chapter": FIVE}, entry)
        assert place.started() == []

    def test_what_is_no_list_of_maps_is_refused(self, tmp_path):
        for text in ("a: 1", "- 3", "{"):
            (tmp_path / "list.yaml").write_text(text)
            with pytest.raises(BookError, match=r"list\.yaml"):
                reference_list.load(tmp_path / "list.yaml")

    def test_weights_of_other_chapters_come_first_at_the_same_seed(self, place):
        (run,) = place.queue({"chapter": "09_end_to_end", "seeds": [2]}).wanted
        needed = reference_list.needed_by(run)
        assert [other.chapter[:2] for other in needed] == ["04", "05", "07", "08"]
        assert {other.parameters.seed for other in needed} == {2}
        for other in needed:  # where the chapter itself looks for them
            with pytest.raises(runs.RunError, match=re.escape(str(other.folder))):
                runs.require_checkpoint(other.chapter, run.parameters)


class TestWork:
    def test_what_has_no_record_first_then_what_is_stale(self, place):
        assert place.queue({"chapter": FIVE, "seeds": [0, 1]}).run() == 0
        assert place.started() == ["05 s0", "05 s1"]
        place.code[0] = "b" * 64
        place.how(add=1)  # the new code computes something else
        queue = place.queue(
            {"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"}, {"chapter": FIVE, "seeds": [2]}
        )
        assert place.states(queue) == ["stale", "stale", "wanted", "wanted"]
        assert queue.run() == 0
        assert place.started() == ["03 s0", "05 s2", "05 s0", "05 s1"]
        assert place.states(queue) == ["kept"] * 4
        assert queue.run() == 0
        assert place.started() == []
        assert (place.root / "results.csv").read_text().count("\n") == 5

    def test_code_that_gives_the_same_numbers_confirms_the_other_records(self, place):
        place.queue({"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"}).run()
        place.started()
        place.code[0] = "b" * 64
        for run in place.queue({"chapter": FIVE}).wanted:  # an older run folder's weights must not be measured again
            notebooks.set_aside(run.folder, ["b" * 64])
        queue = place.queue({"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"})
        queue.run()
        assert place.started() == ["05 s0", "03 s0"]
        assert place.states(queue) == ["kept", "confirmed", "kept"]
        assert "confirmed" in reference_runs.table(queue)

    def test_failures_are_noted_and_the_queue_goes_on(self, place):
        place.how(fails=FIVE)
        entries = {"chapter": FIVE, "seeds": [0, 1]}, {"chapter": EIGHT}
        assert place.queue(*entries).run() == 1
        assert place.started() == ["05 s0", "05 s1", "04 s0"]
        assert any(re.search(r"failed: smoke/05.*: ValueError: too wet$", line) for line in place.said)
        assert any("it needs smoke/05_semantic_palette" in line for line in place.said)
        place.how()
        assert place.queue(*entries).run() == 1
        assert place.started() == []
        assert place.queue(*entries, retry=True).run() == 0
        assert place.started() == ["05 s0", "07 s0", "08 s0"]
        notes = [json.loads(line) for line in (runs.runs_root() / "queue.log").read_text().splitlines()]
        assert Counter(note["event"] for note in notes) == {"failed": 1, "kept": 3, "made": 2}

    def test_a_failure_is_tried_again_by_other_code(self, place):
        place.how(fails=FIVE)
        place.queue({"chapter": FIVE}).run()
        (runs.runs_root() / "queue.log").open("a").write('{"half a li')
        place.code[0] = "b" * 64
        place.how()
        assert place.queue({"chapter": FIVE}).run() == 0

    def test_a_run_that_stands_is_kept_and_not_repeated(self, place):
        queue = place.queue({"chapter": FIVE})
        queue.execute(reference_runs.command(queue.wanted[0], set()))
        assert queue.run() == 0
        assert place.started() == ["05 s0"]
        assert place.states(queue) == ["kept"]

    def test_real_data_that_is_not_there_is_left_out(self, place):
        entries = {"chapter": FIVE, "dataset": "camvid"}, {"chapter": FIVE}, {"chapter": FIVE, "preset": "gpu"}
        place.monkeypatch.setattr(reference_list, "_has_gpu", lambda: False)
        assert place.queue(*entries).run() == 0
        assert place.started() == ["05 s0"]
        assert "left out (1): no folder of camvid under SEMPAL_DATA" in place.said
        assert any("no GPU here" in line for line in place.said)
        (place.folder / "data" / "camvid").mkdir(parents=True)
        place.monkeypatch.setenv("SEMPAL_DATA", str(place.folder / "data"))
        run, *_ = place.queue(*entries).wanted
        assert run.overrides["data_root"] == str(place.folder / "data" / "camvid")
        assert place.queue(*entries).run() == 0
        kept = records.read_record(place.root / run.name / "record.json")
        assert kept["parameters"]["data_root"] == "camvid"
        assert not list((place.root / run.name).glob("*.safetensors"))

    def test_no_new_run_after_the_time_and_one_chapter_alone(self, place):
        entries = {"chapter": FIVE, "seeds": [0, 1]}, {"chapter": "03_semgan"}
        place.queue(*entries).run(seconds=0)
        assert place.started() == []
        place.queue(*entries, only="03_semgan").run()
        assert place.started() == ["03 s0"]

    def test_what_other_code_left_is_set_aside_until_the_new_run_is_kept(self, place):
        (run,) = place.queue({"chapter": FIVE}).wanted
        run.folder.mkdir(parents=True)
        for name in ("codes.json", "checkpoint.safetensors", "record.json"):
            (run.folder / name).write_text('["x"]')
        notebooks.set_aside(run.folder, ["x", "y"])
        assert len(list(run.folder.iterdir())) == 3
        notebooks.set_aside(run.folder, ["y"])
        assert list(run.folder.iterdir()) == []
        assert len(list(notebooks.aside(run.folder).iterdir())) == 3
        place.queue({"chapter": FIVE}).run()
        assert not notebooks.aside(run.folder).exists()


CHAPTER = """# %% tags=["parameters"]
preset = None
seed = None

# %%
import json as _json, os as _os, time as _time
from sempal_lib import runs as _runs
_runs.machine = lambda device: {"device": "none", "threads": 1}  # no torch, for the test's speed
run = _runs.Run.start("05_semantic_palette", globals())
with open(_os.environ["LEDGER"], "a") as _file:
    _file.write(f"kernel 05 - {seed} {_os.getpid()} {_os.getppid()} {_os.nice(0)}\\n")

# %%
_state = run.folder / "checkpoint.json"
_step, _value = _json.loads(_state.read_text()) if _state.exists() else (0, 3)
while _step < 20:
    _time.sleep(float(_os.environ["STEP"]))
    _step, _value = _step + 1, _value * 7 % 1009
    _runs.write_atomically(_state, _json.dumps([_step, _value]))
    with open(_os.environ["LEDGER"], "a") as _file:
        _file.write(f"step 05 - {seed}\\n")
run.measure("semgan", "full", "fsd", _value, n=8, split="val")
record = run.finish()
"""


def test_no_kernel_outlives_a_killed_queue_and_training_goes_on(tmp_path, monkeypatch):
    """With papermill and a kernel, from the first process to the kept record."""
    book, notes = tmp_path / "book", tmp_path / "ledger"
    book.mkdir()
    (book / "_toc.yml").write_text(f"format: jb-book\nroot: {FIVE}\n")
    (book / f"{FIVE}.py").write_text(CHAPTER)
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
    *_, kernel, papermill, niceness = notes.read_text().splitlines()[0].split()
    assert alive(int(kernel))
    assert alive(int(papermill))
    assert niceness == "19"
    os.kill(child, signal.SIGKILL)
    ended(child)
    wait_for(lambda: not alive(int(kernel)) and not alive(int(papermill)), 10)
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

    def test_of_two_queues_one_works(self, place):
        place.how(pause=0.02)
        children = [place.in_child(place.queue(*self.ENTRIES)) for _ in range(2)]
        assert [ended(child) for child in children] == [0, 0]
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

    def test_execute_waits_or_says_who_is_there(self, place, monkeypatch):
        (run,) = place.queue({"chapter": FIVE}).wanted
        calls = []
        monkeypatch.setattr(notebooks, "_execute", lambda *_: calls.append(1) or run.folder / "made")
        child = holding(run.folder / ".lock")
        with pytest.raises(Busy, match=f"process {child} is at work"):
            notebooks.execute(FIVE, "smoke", {}, wait=False)
        assert calls == []
        os.kill(child, signal.SIGKILL)
        ended(child)
        assert notebooks.execute(FIVE, "smoke", {}, wait=False) == run.folder / "made"

    def test_sigterm_ends_the_run_and_says_how_to_go_on(self, place, capfd):
        place.how(pause=0.05)
        queue = place.queue(*self.ENTRIES)
        queue.say = lambda line: print(line, flush=True)
        child = place.in_child(queue)
        wait_for(lambda: len(ledger(place.ledger, "step")) > 12)  # the first is kept, the second is at work
        os.kill(child, signal.SIGTERM)
        assert ended(child) == 130
        assert "make reference goes on from here" in capfd.readouterr().out
        steps = len(ledger(place.ledger, "step"))
        assert place.states(place.queue(*self.ENTRIES)) == ["kept", "wanted", "wanted"]
        place.how()
        assert work(place.queue(*self.ENTRIES)) == 0
        assert len(ledger(place.ledger, "step")) - steps <= 30 - 12
