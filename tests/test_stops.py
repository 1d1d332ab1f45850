"""What `make` hands on, and what is left when it is stopped: values reach no shell, and no process is left behind."""

import contextlib
import json
import os
import resource
import shlex
import signal
import subprocess
import sys

import failures
import notebooks
import psutil
import pytest
from checkout_helpers import CHAPTER, THREE, small_checkout, take_signals, write_book  # noqa: F401
from failures import BookError
from queue_helpers import alive, ledger, wait_for
from test_book import make_book

import book
from sempal_lib import records, runs
from sempal_lib.locks import Busy, locked

# In place of Snakemake: a job of a shell, in it a process like `execute`, in it one that knows nothing of all this.
SNAKEMAKE = """
import os, subprocess, sys
from pathlib import Path
sys.path.insert(0, "runs")
import lifeline
lifeline.tie(hand_on=True)
given = sys.argv[sys.argv.index("--configfile") + 1]
Path(os.environ["LEDGER"] + ".json").write_text(Path(given).read_text())
if os.environ["STEP"] != "0":
    subprocess.run(["bash", "-c", f"true; {sys.executable!r} snakemake/job.py; true"])
"""
JOB = """
import os, subprocess, sys
sys.path.insert(0, "runs")
import lifeline
lifeline.tie()
child = subprocess.Popen(["sleep", "60"])
with open(os.environ["LEDGER"], "a") as file:
    file.write(f"kernel - - - {os.getpid()} {os.getppid()} {child.pid}\\n")
child.wait()
"""


@pytest.fixture
def stub(checkout):
    """A checkout whose Snakemake is a stand-in."""
    folder = checkout.folder / "snakemake"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(SNAKEMAKE)
    (folder / "job.py").write_text(JOB)
    return checkout


class TestValues:
    @pytest.fixture
    def told(self, tmp_path):
        """Runs `make` where python only notes its arguments; returns them, one list a call."""
        program = tmp_path / ".venv" / "bin" / "python"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done >> '{tmp_path}/told'\n")
        program.chmod(0o755)
        (tmp_path / "Makefile").write_text((notebooks.ROOT / "Makefile").read_text())
        for name in ("requirements.txt", "requirements-torch.txt", ".venv/made-from.txt"):
            (tmp_path / name).touch()

        def make(*arguments, **environment):
            subprocess.run(
                ["make", *arguments], cwd=tmp_path, env=os.environ | {"MAKEFLAGS": ""} | environment,
                check=True, capture_output=True, timeout=60,
            )  # fmt: skip
            found = (tmp_path / "told").read_text().split("\0")[:-1]
            (tmp_path / "told").unlink()
            return found

        return make

    ODD = "x; touch BAD `touch BAD` $(touch BAD) $(shell touch BAD) $HOME '\" -é"

    @pytest.mark.parametrize(
        ("target", "variable", "option"),
        [
            ("book", "PRESET", "--preset"), ("runs", "CORES", "--cores"), ("publish", "PRESET", "--preset"),
            ("ablation", "DATASET", "--dataset"), ("ablation", "DATA_ROOT", "--data-root"),
            ("reference", "DATA", "--data"), ("reference", "SECONDS", "--until"), ("reference-list", "DATA", "--data"),
        ],
    )  # fmt: skip
    def test_a_value_arrives_as_it_is(self, target, variable, option, told, tmp_path):
        assert f"{option}={self.ODD}" in told(target, f"{variable}={self.ODD}")
        assert f"{option}={self.ODD}" in told(target, **{variable: self.ODD})
        assert not list(tmp_path.rglob("BAD"))

    def test_python_is_one_word(self, tmp_path, told):
        (tmp_path / "requirements.txt").write_text("changed")
        python = tmp_path / "a b; touch BAD" / "python"
        python.parent.mkdir()
        python.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$2\" >> '{tmp_path}/told'\n")
        python.chmod(0o755)
        assert "venv" in told("environment", f"PYTHON={python}")
        assert not (tmp_path / "BAD").exists()

    @pytest.mark.parametrize(
        ("arguments", "shown"), [(["help"], "(PRESET=$(shell touch BAD):"), (["-n", "book"], "runs/book.py graph site")]
    )
    def test_help_and_dry_run_show_them(self, arguments, shown, tmp_path, told):
        command = ["make", *arguments, "PRESET=$(shell touch BAD)"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60).stdout
        assert shown in said
        assert not (tmp_path / "BAD").exists()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["graph", "site", "--cores=0"], "CORES='0' is not possible: allowed is a whole number from 1"),
            (["graph", "site", "--cores=-1"], "CORES='-1' is not possible: allowed is a whole number from 1"),
            (["graph", "site", "--cores=two"], "CORES='two' is not possible: allowed is a whole number from 1"),
            (["reference", "--until=nan"], "SECONDS='nan' is not possible: allowed is a number from 0"),
            (["reference", "--data=/no ne"], "DATA=/no ne: there is no such folder"),
            (["graph", "site", "--preset=dmo"], "unknown preset 'dmo': PRESET is one of demo, gpu, paper, smoke"),
            (["publish", "--preset="], "unknown preset '': PRESET is one of demo, gpu, paper, smoke"),
            (["graph", "ablation", "--data-root=/no ne"], "DATA_ROOT=/no ne: there is no such folder"),
            (["graph", "ablation", "--dataset=toy streat"], "dataset = 'toy streat' is not possible: allowed is"),
        ],
        ids=str,
    )  # fmt: skip
    def test_an_impossible_value_is_refused_before_anything_runs(self, arguments, said, capsys, monkeypatch):
        monkeypatch.setattr(book.lifeline, "start", None)
        assert book.main(arguments) == 2
        line = capsys.readouterr().err.strip().split("\n")[-1]
        assert line.startswith("error: ")
        assert said in line

    def test_make_says_so_too(self, stub):
        status, said = stub.make("runs", "PRESET=dmo")
        assert status == 2
        assert said.startswith("error: unknown preset 'dmo': PRESET is one of demo, gpu, paper, smoke\nmake: ***")

    def test_snakemake_gets_values_as_they_are(self, stub):
        root = stub.folder / "1e3: {x} $y"
        root.mkdir()
        status, said = stub.make("ablation", "PRESET=smoke", "DATASET=camvid", f"DATA_ROOT={root}")
        assert status == 0, said
        given = json.loads((stub.folder / "ledger.json").read_text())
        assert given == {"preset": "smoke", "dataset": "camvid", "data_root": str(root)}

    def test_a_rules_command_has_values_as_they_are(self, checkout):
        (checkout.folder / "book" / "06_ablation.py").touch()
        given = {"preset": "smoke", "dataset": "camvid", "data_root": "x; touch BAD `touch BAD` {y} $z 'é"}
        (checkout.folder / "given.json").write_text(json.dumps(given))
        command = [sys.executable, "-m", "snakemake", "-s", "runs/Snakefile", "--cores", "1", "-n", "-p"]
        ran = subprocess.run(
            [*command, "--configfile", "given.json", "--", "ablation"], cwd=checkout.folder, text=True,
            env=checkout.environment, capture_output=True, timeout=200,
        )  # fmt: skip
        lines = [line for line in (ran.stdout + ran.stderr).splitlines() if "--overrides" in line]
        assert lines, ran.stderr
        for line in lines:
            words = shlex.split(line)
            assert json.loads(words[words.index("--overrides") + 1])["data_root"] == given["data_root"]


class TestEnds:
    def graph_of(self, make):
        (graph,) = psutil.Process(make.pid).children()
        return graph.pid

    def below(self, process):
        return [child.pid for child in psutil.Process(process.pid).children(recursive=True)]

    @pytest.mark.parametrize(
        ("who", "number"),
        [
            ("make", signal.SIGTERM), ("make", signal.SIGKILL), ("all", signal.SIGINT), ("all", signal.SIGHUP),
            ("graph", signal.SIGKILL),
        ],
        ids=str,
    )  # fmt: skip
    def test_the_whole_tree_ends_with_its_root(self, who, number, stub):
        process = stub.start("runs", "PRESET=smoke", STEP="1")
        pids = wait_for(stub.processes)
        if who == "all":
            os.killpg(process.pid, number)  # as a terminal does
        else:
            os.kill(process.pid if who == "make" else self.graph_of(process), number)
        said, _ = process.communicate(timeout=20)  # until no one is left who could say something
        wait_for(lambda: not any(alive(pid) for pid in pids), 30)  # a busy machine takes its time
        if number != signal.SIGKILL:
            lines = [line for line in said.splitlines() if not line.startswith("make: ")]
            assert lines[-1].startswith("stopped; what is finished is kept")
        assert "Traceback" not in said
        status, said = stub.make("runs", "PRESET=smoke")
        assert status == 0, said

    def test_a_process_ends_after_those_that_it_started(self, monkeypatch):
        """Else who ends the killer halfway finds no more of a child whose parent is gone."""
        chain = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
        process = subprocess.Popen([sys.executable, "-c", chain, chain, "import time; time.sleep(60)"])
        child, grandchild = wait_for(lambda: len(found := self.below(process)) == 2 and found)
        killed, kill = [], psutil.Process.kill
        monkeypatch.setattr(psutil.Process, "kill", lambda self: (killed.append(self.pid), kill(self)))
        book.lifeline.end_children(process.pid)
        process.wait(10)
        assert killed == [grandchild, child]

    def test_the_lock_is_held_as_long_as_any_process_lives(self, stub):
        process = stub.start("runs", "PRESET=smoke", STEP="1")
        execute, shell, sleep = wait_for(stub.processes)
        os.kill(execute, signal.SIGSTOP)  # one that is slow to end
        snakemake = psutil.Process(shell).ppid()
        os.kill(self.graph_of(process), signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # it may have ended already
            os.kill(snakemake, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(shell, signal.SIGKILL)
        status, said = stub.make("runs", "PRESET=smoke")
        assert (status, "error: another make is running chapters here: wait for it, or stop it" in said) == (2, True)
        os.kill(execute, signal.SIGCONT)
        wait_for(lambda: not alive(execute) and not alive(sleep), 5)
        process.communicate(timeout=10)
        assert stub.make("runs", "PRESET=smoke")[0] == 0

    def test_a_killed_make_leaves_no_kernel_and_training_goes_on(self, checkout):
        """With Snakemake, papermill and a kernel."""
        process = checkout.start("runs", "PRESET=smoke", "CORES=1", STEP="0.2")
        wait_for(lambda: len(ledger(checkout.ledger, "step")) >= 4, 120)
        pids = checkout.processes()
        assert all(alive(pid) for pid in pids)
        status, said = checkout.make("runs", "PRESET=smoke")
        assert "another make is running chapters here" in said
        process.kill()
        wait_for(lambda: not any(alive(pid) for pid in pids), 10)
        process.communicate(timeout=20)
        status, said = checkout.make("runs", "PRESET=smoke", "CORES=1")
        assert status == 0, said
        assert len(ledger(checkout.ledger, "step")) <= 21  # one may have been done and not saved
        (path,) = (checkout.folder / "left").rglob("record.json")
        assert records.read_record(path)["metrics"][0]["value"] == 3 * pow(7, 20, 1009) % 1009

    def test_a_kernel_holds_the_lock_of_its_run(self, checkout):
        command = [sys.executable, "runs/book.py", "execute", THREE, "--preset", "smoke"]
        process = subprocess.Popen(command, cwd=checkout.folder, env=checkout.environment | {"STEP": "0.2"})
        wait_for(lambda: ledger(checkout.ledger, "step"))
        kernel, papermill, _ = checkout.processes()
        (lock,) = (checkout.folder / "left").rglob(".lock")
        os.kill(kernel, signal.SIGSTOP)
        os.kill(papermill, signal.SIGKILL)
        process.wait()

        def free():
            try:
                with locked(lock, wait=False):
                    return True
            except Busy:
                return False

        assert not free()
        os.kill(kernel, signal.SIGCONT)
        wait_for(lambda: not alive(kernel) and free(), 10)

    def test_a_stopped_chapter_says_so_in_one_line(self, checkout):
        command = [sys.executable, "runs/book.py", "execute", THREE, "--preset", "smoke"]
        process = subprocess.Popen(
            command, cwd=checkout.folder, env=checkout.environment | {"STEP": "0.2"}, text=True,
            stderr=subprocess.PIPE, preexec_fn=take_signals,
        )  # fmt: skip
        wait_for(lambda: ledger(checkout.ledger, "step"))
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
        assert process.returncode == 130
        assert said.strip().split("\n")[-1].startswith("stopped; what is finished is kept")
        assert "Traceback" not in said
        assert not any(alive(pid) for pid in checkout.processes())

    def test_no_kernel_outlives_papermill(self, checkout):
        """Of a person's own call too; there, the kernel looks once a second whether its parent lives."""
        source = checkout.folder / "book" / f"{THREE}.py"
        notebooks.nbformat.write(notebooks.read_source(source), notebook := source.with_suffix(".ipynb"))
        for number in (signal.SIGTERM, signal.SIGKILL):
            checkout.ledger.unlink(missing_ok=True)
            command = [sys.executable, "-m", "papermill", str(notebook), "out.ipynb", "-p", "preset", "smoke"]
            environment = checkout.environment | notebooks.kernel_environment() | {"STEP": "0.5"}
            with open(checkout.folder / "said", "w") as said:
                process = subprocess.Popen(
                    command, cwd=checkout.folder, env=environment, stderr=said, preexec_fn=take_signals
                )
                wait_for(lambda: ledger(checkout.ledger, "step"))
                process.send_signal(number)
                process.wait()
            wait_for(lambda: not alive(checkout.processes()[0]), 10)


class TestSays:
    def test_a_failing_cell_is_named_at_the_end(self, checkout):
        full = "\n# %%\n# Why not.\n_os.write(_os.open('/dev/full', _os.O_WRONLY), b'x')\n"
        write_book(checkout.folder / "book", chapter=CHAPTER + full)
        status, said = checkout.make("runs", "PRESET=smoke", "CORES=1")
        line = said.strip().split("\n")[-2]
        assert status == 2
        assert line.startswith(
            f"error: {THREE} failed in cell [5] (_os.write(_os.open('/dev/full', _os.O_WRONLY), b'x')): OSError: "
        )
        assert "the disk is full, or a limit is reached: free some space" in line
        assert line.endswith("training goes on from its last checkpoint when the same command is given again")
        notebook = line.partition("The notebook of the failed run is ")[2].partition("; ")[0]
        assert "/dev/full" in (checkout.folder / notebook).read_text()
        assert "Traceback" not in said
        assert "Error in rule" not in said

    @pytest.fixture
    def sample(self, tmp_path, monkeypatch):
        """A book of one chapter that trains nothing, and the run folder of that."""
        monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "runs"))
        for name, value in notebooks.kernel_environment().items():
            monkeypatch.setenv(name, value)
        folder = make_book(tmp_path / "book")
        return folder, runs.run_folder("sample", "smoke", {})

    def last_line(self, sample, capsys):
        assert book.main(["execute", "sample", "--preset=smoke", f"--book={sample[0]}"]) == 1
        return capsys.readouterr().err.strip().split("\n")[-1]

    def test_a_full_disk_under_papermill(self, sample, capsys):
        sample[1].mkdir(parents=True)
        (sample[1] / "sample.partial.ipynb").symlink_to("/dev/full")
        line = self.last_line(sample, capsys)
        assert line.startswith("error: No space left on device")
        assert "free some space; what is finished is kept" in line

    def test_a_kernel_that_always_dies(self, sample, capsys):
        make_book(sample[0], code="import os as _os; _os.kill(_os.getpid(), 9)")
        line = self.last_line(sample, capsys)
        assert line.startswith("error: sample: its kernel died twice")
        assert str(sample[1] / "sample.partial.ipynb") in line

    def test_half_a_notebook_is_named(self, sample):
        folder, run = sample
        notebooks.pair(folder)
        half = (folder / "sample.ipynb").read_text()[:200]
        (folder / "sample.ipynb").write_text(half)
        for call in (notebooks.pair, notebooks.drift):
            with pytest.raises(
                BookError, match=r"book/sample.ipynb is no whole notebook .*delete it, then `make pair`"
            ):
                call(folder)
        run.mkdir(parents=True)
        (run / "sample.ipynb").write_text(half)
        (run / "record.json").write_text("{}")
        with pytest.raises(BookError, match=r"sample.ipynb is no whole notebook .*delete it, then `make runs`"):
            notebooks.executed("sample", "smoke", folder)

    def test_a_notebook_that_cannot_be_written_stays_whole(self, sample, monkeypatch):
        folder, _ = sample
        notebooks.pair(folder)
        before = (folder / "sample.ipynb").read_bytes()
        make_book(folder, code="print('new')")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        try:
            with pytest.raises(OSError, match="File too large") as error:
                notebooks.pair(folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert (folder / "sample.ipynb").read_bytes() == before
        assert "the disk is full, or a limit is reached" in failures.by_system(error.value)
