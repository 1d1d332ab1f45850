"""Does everything train on this machine's GPU, does it agree with the CPU, and how fast: `make gpu-check`.

Every training of `sempal_lib.training.catalogue` is looked at, in processes of its own, so that a broken one stops no
other. The report (report.json, and report.md made from it) is written anew after each check: a kill leaves what was
done. Scenes are made up (random blobs and pictures): a GPU's speed does not depend on what they show. Without a GPU the
same checks run on the CPU at the sizes of preset smoke, and the report says what was left out.

On a machine without network, whose python has torch: unpack the wheels that it lacks into a folder, and
`PYTHONPATH=folder make gpu-check GPU_CHECK_PYTHON=python3`. Needed beside torch and torchvision are lightning,
torchmetrics, pydantic, PyYAML, tqdm, safetensors, scikit-learn and pillow, with what these require.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "runs")]

import gpu_report  # noqa: E402

KINDS = ("machine", "agrees", "resumes", "steps", "profile", "compile", "paper")
LIMITS = {"compile": 240, "paper": 120}  # seconds; 90 for the others, and thrice that on a CPU
POISONED = 3  # exit status of a process whose CUDA context is lost
ON_CPU_COMPILED = ("semantic-palette", "pix2pix")  # a CPU takes a minute for each
FAST = {"precision": "bf16-mixed", "channels_last": True}
VARIANTS: tuple[dict[str, Any], ...] = (
    {}, {"channels_last": True}, {"precision": "bf16-mixed"}, FAST
)  # fmt: skip


@dataclass
class Check:
    """One question about one training, and its answer."""

    training: str
    kind: str  # of KINDS
    preset: str = "smoke"
    settings: dict[str, Any] = field(default_factory=dict)  # of the parameters, where not float32, NCHW, eager
    status: str = "left out"  # or ok, or failed
    why: str = "not reached"
    seconds: float = 0.0
    numbers: dict[str, Any] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        words = ["bf16" if self.settings.get("precision") == "bf16-mixed" else "f32"]
        words += ["NHWC" if self.settings.get("channels_last") else "NCHW"]
        return " ".join([self.kind, self.preset, *words, *(["compiled"] if self.settings.get("compile") else [])])

    def leave_out(self, why: str) -> None:
        self.status, self.why = "left out", why


def _try_device(answers: Any) -> None:
    import torch

    device, start = "cuda" if torch.cuda.is_available() else "cpu", "fork"
    try:
        torch.zeros(1, device=device)
    except RuntimeError as error:
        if "forked" in str(error):  # an import has started CUDA in the parent: processes must begin from nothing
            start = "spawn"
    answers.send((device, start))


def find_device() -> tuple[str, str]:
    """The device, and how processes are started. Tried in a process of its own: CUDA does not survive a fork."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_try_device, args=(theirs,))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        return "cuda", "fork"  # CUDA is there and kills the process: the checks will say so
    finally:
        process.join()


def plan(names: list[str], size: str, device: str) -> Iterator[tuple[bool, list[list[Check]]]]:
    """In order of worth: whether the processes of a pass may run side by side, and the checks of each.

    size: the preset whose sizes are timed.
    Side by side runs what is not timed, and what is timed after a compilation that takes far longer.
    """
    compiled = [name for name in names if device == "cuda" or name in ON_CPU_COMPILED]
    yield False, [[Check("", "machine")]]
    right = [[Check(n, "agrees"), Check(n, "resumes", settings={"channels_last": True})] for n in names]
    yield True, right
    speed = [[Check(n, "steps", size, dict(v)) for v in VARIANTS] + [Check(n, "profile", size, FAST)] for n in names]
    yield False, speed
    yield True, [[Check(n, "compile", size, FAST | {"compile": True})] for n in compiled]
    yield False, [[Check(n, "paper", "paper"), Check(n, "paper", "paper", FAST)] for n in names]
    yield True, [[Check(n, "compile", size, {"compile": True})] for n in compiled]


def answer(check: Check, device: str) -> dict[str, Any]:
    import gpu_checks

    name, changes = check.training, check.settings
    if check.kind == "machine":
        return gpu_checks.machine(device)
    if check.kind == "agrees":
        return gpu_checks.agrees(name, device)
    if check.kind == "resumes":
        return gpu_checks.resumes(name, device, **changes)
    if check.kind == "profile":
        return gpu_checks.profiled(name, device, check.preset, **changes)
    return gpu_checks.steps(name, device, check.preset, count_flops=not changes, **changes)


def work(checks: list[tuple[int, Check]], device: str, notes: Path, log: Path) -> None:
    """What a process does: answer checks one after the other, and note each beginning and end as a line of JSON."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(tempfile.gettempdir(), f"torchinductor_{os.getuid()}")))
    tempfile.tempdir = str(log.parent)  # what a killed process leaves there is swept up
    os.setsid()  # a compiler's helpers end with us
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: a killed report leaves nobody behind
    import torch

    # Sizes on a CPU are tiny: a second thread gains nothing, and on a busy machine threads wait for each other.
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 4) if device == "cuda" else 1)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)

    def note(**content: Any) -> None:
        with open(notes, "a") as file:
            file.write(json.dumps(content) + "\n")

    for number, check in checks:
        note(begun=number)
        found: dict[str, Any] = {"status": "ok", "why": ""}
        try:
            found["numbers"] = answer(check, device)
        except Exception as error:
            kind = type(error).__name__
            found = {"status": "failed", "why": f"{kind}: {error}"[:2000]}
            found["trace"] = traceback.format_exc().strip().splitlines()[-12:]
            # After a fault on the device nothing works in this process. A lack of memory is none.
            poisoned = "CUDA error" in str(error) or kind == "AcceleratorError"
            found["poisoned"] = poisoned and kind != "OutOfMemoryError"
        note(ended=number, **found)
        if found.get("poisoned"):
            os._exit(POISONED)
        try:
            import gpu_checks

            gpu_checks.tidy(device)
        except Exception:
            os._exit(POISONED)
    os._exit(0)  # not through what the parent meant to do at its own end


class Job:
    """A process that works through checks; started anew if one of them kills it."""

    def __init__(self, name: str, checks: list[Check], device: str, folder: Path, start: str):
        self.checks, self.device, self.context = checks, device, multiprocessing.get_context(start)
        self.notes, self.log = folder / f"{name}.jsonl", folder / f"{name}.txt"
        self.left = list(range(len(checks)))
        self.now: int | None = None
        self._read, self._began = 0, 0.0
        self._start()

    def _start(self) -> None:
        todo = [(number, self.checks[number]) for number in self.left]
        self.process: Any = self.context.Process(  # type: ignore[attr-defined]
            target=work, args=(todo, self.device, self.notes, self.log)
        )
        self.process.start()
        self._began = time.monotonic()

    def _look(self) -> bool:
        """Read what the process has noted. True if there was something."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        for line in lines[self._read :]:
            found = json.loads(line)
            if "begun" in found:
                self.now, self._began = found["begun"], time.monotonic()
                continue
            check = self.checks[found["ended"]]
            check.status, check.why = found["status"], found["why"]
            check.numbers, check.trace = found.get("numbers", {}), found.get("trace", [])
            self._end()
        news, self._read = len(lines) > self._read, len(lines)
        return news

    def _end(self) -> None:
        assert self.now is not None
        self.checks[self.now].seconds = time.monotonic() - self._began
        self.left.remove(self.now)
        self.now = None

    def poll(self) -> bool:
        """See how far it is; kill it if a check takes too long. True if something changed."""
        alive = self.process.is_alive()
        news = self._look()
        if alive:
            limit = LIMITS.get(self.checks[self.left[0]].kind, 90) if self.left else 90
            limit *= 1 if self.device == "cuda" else 3
            if time.monotonic() - self._began < limit:
                return news
            self.stop()
            if self.left:
                self._failed(f"took over {limit} s and was stopped")
        elif self.left and self.process.exitcode != POISONED:
            code = self.process.exitcode
            self._failed(f"its process ended with {'signal' if code and code < 0 else 'status'} {abs(code or 0)}")
        if self.left:
            self._start()
        return True

    def _failed(self, why: str) -> None:
        self.now = self.left[0] if self.now is None else self.now
        check = self.checks[self.now]
        check.status, check.why = "failed", why
        check.trace = self.log.read_text(errors="replace").splitlines()[-12:] if self.log.exists() else []
        self._end()

    def stop(self) -> None:
        if self.process.is_alive() and self.process.pid:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:  # it has not yet a group of its own
                self.process.kill()
            self.process.join()

    @property
    def done(self) -> bool:
        return not self.left and not self.process.is_alive()


def _sweep(folder: Path, pattern: str) -> None:
    for old in folder.glob(pattern):
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink()


def run(
    names: list[str],
    kinds: list[str],
    folder: Path,
    seconds: float = 480,
    size: str | None = None,
    device: str = "cpu",
    start: str = "fork",
    at_once: int = 1,
) -> gpu_report.Report:
    """Work through the plan until it or the time is at its end. Arguments are those of the command."""
    size = size or ("gpu" if device == "cuda" else "smoke")
    began = time.monotonic()
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    _sweep(logs, "*")
    report = gpu_report.Report(folder, device, seconds)
    passes = list(plan(names, size, device))
    report.checks = [check for _, jobs in passes for checks in jobs for check in checks if check.kind in kinds]
    for check in report.checks:
        if device == "cpu" and check.kind == "agrees":
            check.leave_out("no CUDA device: there is nothing to compare the CPU with")
        elif device == "cpu" and check.kind == "paper":
            check.leave_out("no CUDA device: a CPU takes minutes for a step")
        elif check.kind == "compile" and not any(map(shutil.which, ("cc", "gcc", "clang"))):
            check.leave_out("no C compiler, which torch.compile needs")
    if device == "cpu":
        report.facts["left_out"] = (
            "No CUDA device was found: no comparison with the CPU, no idle share, no papers' sizes; preset "
            f"{size}; torch.compile of {' and '.join(ON_CPU_COMPILED)} only; memory is the process's with its imports."
        )
    report.write()
    running: list[Job] = []
    try:
        for number, (side_by_side, jobs) in enumerate(passes):
            waiting = [[c for c in checks if c.kind in kinds and c.why == "not reached"] for checks in jobs]
            waiting = [checks for checks in waiting if checks]
            while (waiting or running) and time.monotonic() - began < seconds:
                while waiting and len(running) < (at_once if side_by_side else 1):
                    checks = waiting.pop(0)
                    running.append(Job(f"{number}-{checks[0].training or 'machine'}", checks, device, logs, start))
                if any([job.poll() for job in running]):
                    report.write()
                running = [job for job in running if not job.done]
                time.sleep(0.05)
        report.facts["finished"] = True
    finally:
        for job in running:
            job.stop()
            job._look()
        for check in report.checks:
            if check.why == "not reached":
                check.leave_out("time" if time.monotonic() - began >= seconds else "stopped")
        report.write()
        _sweep(logs, "tmp*")
    return report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python runs/gpu_check.py", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "gpu-check", help="folder of the report")
    parser.add_argument("--seconds", type=float, default=480, help="after which the rest is left out")
    parser.add_argument("--trainings", nargs="+", help="only these")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="only these kinds of checks")
    parser.add_argument("--preset", help="whose sizes are timed; gpu, or without a GPU smoke")
    parser.add_argument("--cpu", action="store_true", help="as if there were no GPU")
    parser.add_argument("--at-once", type=int, default=max(1, (os.cpu_count() or 1) // 4), help="untimed processes")
    given = parser.parse_args(arguments)
    try:
        # What the forked processes need is imported once, here; nothing is computed, for CUDA does not survive a fork.
        import gpu_checks  # noqa: F401
        import sklearn.mixture  # noqa: F401
        import torch._dynamo  # noqa: F401

        from sempal_lib.training import catalogue
    except ImportError as error:
        print(f"error: {error}. Install requirements.txt, or unpack the wheels that are missing into a folder and name "
              "it in PYTHONPATH", file=sys.stderr)  # fmt: skip
        return 2
    unknown = [name for name in given.trainings or () if name not in catalogue.TRAININGS]
    if unknown:
        print(f"error: {unknown[0]!r} is no training: choose of {', '.join(catalogue.TRAININGS)}", file=sys.stderr)
        return 2
    names = given.trainings or list(catalogue.TRAININGS)
    device, start = ("cpu", "fork") if given.cpu else find_device()
    report = run(names, given.kinds, given.out, given.seconds, given.preset, device, start, given.at_once)
    counts = report.counts()
    print(f"{', '.join(f'{n} {s}' for s, n in counts.items())}: {given.out / 'report.md'}")
    return int(counts["failed"] > 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the report and the processes are left in order
    sys.exit(main())
