"""The queue of reference runs: one after the other, resumable at any point, and kept as soon as it is finished.

`python runs/book.py reference` is the command line, `runs/reference_list.py` says what is wanted. What has no record
comes first, in the order of the list; then what has a record of older code.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lifeline
import notebooks
import reference_list
from notebooks import ROOT, BookError
from reference_list import Reference, Wanted, needed_by

from sempal_lib import keeping, records, runs
from sempal_lib.locks import Busy, locked

BUSY = 75  # exit status of `execute --background` when another process runs the chapter in that folder
PAUSE = 2.0  # s between two looks at a run that another process is at


def command(run: Wanted, codes: set[str], book: Path = notebooks.BOOK) -> list[str]:
    """The command line that executes a run, for `Queue.execute`."""
    return [
        sys.executable, str(ROOT / "runs" / "book.py"), "execute", run.chapter,
        "--preset", run.parameters.preset, "--overrides", json.dumps(run.overrides),
        "--book", str(book), "--background", "--codes", *sorted(codes),
    ]  # fmt: skip


class Queue:
    """Reference runs, worked off in this process; every run is a process of its own.

    Args:
        wanted: see `reference_list.load`. root: where runs are kept; runs/reference if None.
        book: folder of the chapters. retry: what failed with today's code before.
        only: the chapter to run, with what it needs; all if None. say: where a line on what happens goes.
    """

    def __init__(
        self,
        wanted: list[Wanted],
        root: Path | None = None,
        book: Path = notebooks.BOOK,
        retry: bool = False,
        only: str | None = None,
        say: Callable[[str], None] = print,
    ):
        self.root, self.book, self.say = root or records.reference_root(), book, say
        self.wanted = [run for run in wanted if only in (None, run.chapter)]
        self.listed = {run.folder for run in wanted}
        self.log = runs.runs_root() / "queue.log"
        self.output = runs.runs_root() / "queue-output.txt"  # of the last run
        self.failed: dict[str, str] = {} if retry else self._failed_before()
        self.done: set[Path] = set()
        self.vanished: Counter[Path] = Counter()  # how often a run ended well, and then was not there
        self.child: subprocess.Popen[bytes] | None = None

    def run(self, seconds: float | None = None) -> int:
        """Run what is to be run. Returns the exit status: 1 if any run failed.

        Args:
            seconds: after which no new run is started.
        """
        began = time.monotonic()
        with locked(self.root / keeping.LOCK):
            keeping.sweep(self.root)
        reference = Reference(self.root)
        for run in self.wanted:  # of a queue that was killed just after it had kept them
            if reference.state(run) == "kept":
                shutil.rmtree(notebooks.aside(run.folder), ignore_errors=True)
        busy: set[Path] = set()
        while (found := self.next(busy)) or busy:
            if seconds is not None and time.monotonic() - began >= seconds:
                self.say(f"no new run after {seconds:.0f} s: make reference goes on from here")
                break
            if found is None:
                time.sleep(PAUSE)
                busy.clear()
            elif not self.step(*found):
                busy.add(found[0].folder)
        runs.gather(self.root)
        return self.summary()

    def next(self, busy: set[Path]) -> tuple[Wanted, Reference] | None:
        """The run to do next, with the records by which it was chosen, or None. Those in `busy` wait."""
        reference = Reference(self.root)
        states = {run.folder: self.state(run, reference) for run in self.wanted}
        for state in ("wanted", "stale"):
            for run in self.wanted:
                if states[run.folder] != state or run.folder in self.done:
                    continue
                for needed in [*needed_by(run), run]:
                    if needed is not run and self.stands(needed, reference):
                        continue
                    if needed.name in self.failed:
                        self.failed[run.name] = f"it needs {needed.name}, which failed"
                    elif needed.folder not in busy:
                        return needed, reference
                    break  # what it needs is not there: the next entry
        return None

    def state(self, run: Wanted, reference: Reference) -> str:
        """As `Reference.state`, or "failed" if it is to be run and did fail with today's code."""
        state = reference.state(run)
        return "failed" if state in ("wanted", "stale") and run.name in self.failed else state

    def stands(self, run: Wanted, reference: Reference) -> bool:
        """Whether the run folder holds a whole run of code that computes what today's does."""
        return notebooks.finished(run.folder, run.chapter, reference.codes(run.chapter))

    def step(self, run: Wanted, reference: Reference) -> bool:
        """Have a run finished and kept. Returns False if another process is at it."""
        began = time.monotonic()
        if not self.stands(run, reference):
            self.say(f"running {run.name}" + (f": {run.answers}" if run.answers else ""))
            status = self.execute(command(run, reference.codes(run.chapter), self.book))
            if status == BUSY:
                self.say(f"another process is at {run.name}: later")
                return False
            if status:
                return self._fail(run, self._last_line(), reference.code)
        try:
            with locked(run.folder / keeping.LOCK, wait=False):
                if not notebooks.finished(run.folder, run.chapter, self._codes_of(run)):
                    self.vanished[run.folder] += 1
                    if self.vanished[run.folder] > 2:
                        error = f"it ended well, but left no whole run in {run.folder}"
                        return self._fail(run, error, reference.code)
                    return False  # another process has just begun to make it anew
                if run.folder in self.listed:
                    _, left = keeping.keep(run.folder, self.root, small_only=True)
                    if left and keeping.may_be_shared(records.read_record(run.folder / "record.json")):
                        self.say(f"without its weights (too large, or another seed's are kept): {', '.join(left)}")
        except Busy:
            return False
        except runs.RunError as error:
            return self._fail(run, str(error), reference.code)
        runs.gather(self.root)
        shutil.rmtree(notebooks.aside(run.folder), ignore_errors=True)
        self.failed.pop(run.name, None)
        self.done.add(run.folder)
        event = "kept" if run.folder in self.listed else "made"
        self._note(run, event, reference.code, seconds=round(time.monotonic() - began, 1))
        return True

    def _codes_of(self, run: Wanted) -> set[str]:
        # By the present state of the library, which a long run's end may find changed, this run may be stale already;
        # it is a whole run all the same.
        codes = Reference(self.root).codes(run.chapter)
        if (run.folder / "record.json").exists():
            record = records.read_record(run.folder / "record.json")
            if record.get("codes") == [record["code"]]:
                codes.add(record["code"])
        return codes

    def execute(self, command: list[str]) -> int:
        """Run a command to its end, on one core; its end comes with ours, however ours comes. Returns its status."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            self.child = lifeline.start(command, stdout=output, stderr=output, env=environment)
            try:
                return self.child.wait()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """End the running process and its kernel. Training goes on from its checkpoint the next time."""
        if self.child is not None:
            lifeline.stop(self.child)

    def summary(self) -> int:
        """Say how many runs are in which state, and what failed. Returns the exit status."""
        reference = Reference(self.root)
        states = {run.name: self.state(run, reference) for run in self.wanted}
        count = Counter(states.values())
        self.say(", ".join(f"{count[state]} {state}" for state in reference_list.STATES if count[state]))
        reasons = Counter(run.left_out for run in self.wanted if states[run.name] == "left out")
        for reason, number in reasons.items():
            self.say(f"left out ({number}): {reason}")
        for name, error in self.failed.items():
            self.say(f"failed: {name}: {error}")
        if self.failed:
            self.say("a failed run is tried again when the code has changed, or with --retry")
        return bool(self.failed)

    def _fail(self, run: Wanted, error: str, code: str) -> bool:
        self.failed[run.name] = error
        self.say(f"failed: {run.name}: {error}")
        self._note(run, "failed", code, error=error)
        return True

    def _last_line(self) -> str:
        """The last line that a failed run wrote, without colours: the error."""
        lines = re.sub(r"\x1b\[[0-9;]*m", "", self.output.read_text("utf-8", "replace")).split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it ended without a word")

    def _note(self, run: Wanted, event: str, code: str, **facts: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"time": now, "event": event, "run": run.name, "code": code, **facts}
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _failed_before(self) -> dict[str, str]:
        """Runs whose last try failed with today's code, and how."""
        last: dict[str, dict[str, Any]] = {}
        for line in self.log.read_text("utf-8").splitlines() if self.log.exists() else []:
            with contextlib.suppress(ValueError):  # half a line, of a killed queue
                note = json.loads(line)
                last[note["run"]] = note
        code = runs.code_hash()
        return {name: note["error"] for name, note in last.items() if (note["event"], note["code"]) == ("failed", code)}


def work(queue: Queue, seconds: float | None = None) -> int:
    """Run a queue, unless another one is at work here. Returns the exit status."""
    try:
        with lifeline.stoppable(), locked(runs.runs_root() / ".queue.lock", wait=False):
            return queue.run(seconds)
    except Busy as error:
        queue.say(f"a queue is running already, {error}")
        return 0
    except lifeline.Stopped:
        queue.say("stopped; what is finished is kept. make reference goes on from here")
        return 130


def table(queue: Queue) -> str:
    """How far each run is: state, seconds that it took, run; under the question that it answers."""
    reference, lines, entry = Reference(queue.root), [], 0
    for run in queue.wanted:
        if run.entry != entry:
            entry = run.entry
            lines.append(f"{entry}. {run.chapter}, {run.parameters.preset}: {run.answers}")
        record, state = reference.record(run), queue.state(run, reference)
        why = {"left out": f"  {run.left_out}", "failed": f"  {queue.failed.get(run.name)}"}.get(state, "")
        took = f"{record['seconds']:7.0f} s" if record else "        –"
        lines.append(f"   {state:<9} {took}  {run.folder.name}{why}")
    return "\n".join(lines)


def main(
    path: Path, *, show: bool, device: str | None, seconds: float | None, only: str | None,
    retry: bool, root: Path | None, book: Path,
) -> int:  # fmt: skip
    """The command `reference`. Returns the exit status."""
    wanted = reference_list.load(path, device, book)
    queue = Queue(wanted, root, book, retry, only)
    if not queue.wanted:
        chapters = ", ".join(dict.fromkeys(run.chapter for run in wanted))
        raise BookError(f"no entry of {path.name} is of the chapter {only!r}: there are {chapters}")
    if show:
        print(table(queue))
        return 0
    return work(queue, seconds)
