"""Several devices: processes that any Python can start, hear and end, and what they train."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import device_jobs
import nbformat
import notebooks
import pytest
import torch
from safetensors.torch import load_file

from sempal_lib import processes, training, worker
from sempal_lib.processes import ProcessError, Processes
from sempal_lib.records import RunError
from sempal_lib.runs import recorded, resolve
from sempal_lib.training import TrainingError, layouts

CHAPTER = "05_semantic_palette"
# As srun does it: every task gets a copy of standard input, and Slurm's variables.
SRUN = """#!{python}
import os, subprocess, sys, threading
count = int(sys.argv[1].removeprefix("--ntasks="))
common = {{"SLURM_STEP_NUM_TASKS": str(count), "SLURM_NTASKS": "9", "SLURM_STEP_NODELIST": "gpu[07-09,12],big1"}}
tasks = [
    subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, env={{**os.environ, **common, "SLURM_PROCID": str(rank)}})
    for rank in range(count)
]
def forward():
    while block := os.read(0, 100):
        for task in tasks:
            os.write(task.stdin.fileno(), block)
    for task in tasks:
        task.stdin.close()
threading.Thread(target=forward, daemon=True).start()
sys.exit(max(task.wait() for task in tasks))
"""
HANG = """
import sys
sys.path.append({tests!r})
from pathlib import Path
from sempal_lib.processes import Processes
if __name__ == "__main__":
    with Processes("device_jobs:hang", [{folder!r}], 2, Path({folder!r}) / "hang.order") as hanging:
        print("ending with:", list(hanging))
"""


def job(name, folder, *arguments, count=2, **options):
    return Processes(processes.name_of(getattr(device_jobs, name)), arguments, count, folder / "job.order", **options)


def run(started):
    with started as running:
        return list(running)


def pids(folder, count=2, seconds=60):
    """Of processes that hang, once all do."""
    until = time.monotonic() + seconds
    while len(found := list(folder.glob("*.pid"))) < count and time.monotonic() < until:
        time.sleep(0.05)
    assert len(found) == count
    return [int(path.stem) for path in found]


def gone(numbers, seconds=10):
    """Whether no process of these numbers is left after so many seconds; zombies have ended."""
    until = time.monotonic() + seconds

    def alive(number):
        try:
            return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    while any(map(alive, numbers)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(alive, numbers))


@pytest.fixture
def srun(tmp_path, monkeypatch):
    path = tmp_path / "srun"
    path.write_text(SRUN.format(python=sys.executable))
    path.chmod(0o755)
    monkeypatch.setenv("SEMPAL_LAUNCH", f"{path} --ntasks=2")
    for name, value in (("RANK", "7"), ("WORLD_SIZE", "8")):  # as a platform for torchrun leaves them everywhere
        monkeypatch.setenv(name, value)
    return path


class TestProcesses:
    def test_reports_and_places(self, tmp_path):
        with job("tell_places", tmp_path, 3) as running:
            assert (tmp_path / "job.order").exists()
            reports = list(running)
        assert sorted((r["NODE_RANK"], r["step"]) for r in reports) == [(r, s) for r in "01" for s in range(3)]
        assert {(r["LOCAL_RANK"], r["MASTER_ADDR"], r["OMP_NUM_THREADS"]) for r in reports} == {("0", "127.0.0.1", "1")}
        assert len({r["MASTER_PORT"] for r in reports}) == 1
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("kind", "error", "message"),
        [
            ("ours", RunError, "^no such street: Ørsted$"),
            ("value", ValueError, "^no such street: Ørsted$"),
            ("other", ProcessError, "^process 1 of 2 failed: KeyError: .*Ørsted.*in fail.*job.log$"),
            ("killed", ProcessError, "^process 1 of 2 was ended by SIGKILL: .* memory runs out: take smaller batches"),
            ("lost", ProcessError, "^process 1 of 2 ended with status 3"),
        ],
        ids=["ours", "value", "other", "killed", "lost"],
    )
    def test_the_first_error_comes_back_and_ends_all(self, tmp_path, kind, error, message):
        began = time.monotonic()
        with pytest.raises(error) as caught:
            run(running := job("fail", tmp_path, kind))
        assert type(caught.value) is error
        assert re.search(message, str(caught.value), re.S)
        assert time.monotonic() - began < 30  # and not the 600 s that the other one sleeps
        assert all(process.returncode is not None for process in running._started)
        assert [path.name for path in tmp_path.iterdir()] == ["job.log"]
        if kind == "ours":
            assert "device_jobs.py" in caught.value.__notes__[0]

    def test_interrupted_and_killed_kernel(self, tmp_path, monkeypatch):
        from jupyter_client.manager import start_new_kernel

        monkeypatch.setenv("PYTHONPATH", str(Path(processes.__file__).parent.parent))
        manager, client = start_new_kernel(kernel_name="python3", env={**os.environ, **notebooks.kernel_environment()})
        code = HANG.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
        try:
            for end in (manager.interrupt_kernel, lambda: manager.shutdown_kernel(now=True)):
                asked = client.execute(code)
                hanging = pids(tmp_path)
                end()
                assert gone(hanging)
                for number in hanging:
                    (tmp_path / f"{number}.pid").unlink()
                if end == manager.interrupt_kernel:
                    while (reply := client.get_shell_msg(timeout=30))["parent_header"]["msg_id"] != asked:
                        pass
                    assert reply["content"]["ename"] == "KeyboardInterrupt"
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_terminated_script_leaves_nothing(self, tmp_path, srun, number):
        path = tmp_path / "script.py"
        path.write_text(HANG.format(tests=str(Path(__file__).parent), folder=str(tmp_path)))
        environment = {**os.environ, "PYTHONPATH": str(Path(processes.__file__).parent.parent)}
        script = subprocess.Popen([sys.executable, str(path)], env=environment)
        hanging = pids(tmp_path)
        script.send_signal(number)
        script.wait()
        assert gone(hanging)


class TestLaunchers:
    def test_srun(self, tmp_path, srun):
        reports = run(job("tell_places", tmp_path, 1))
        assert sorted(r["NODE_RANK"] for r in reports) == ["0", "1"]
        assert {r["MASTER_ADDR"] for r in reports} == {"gpu07"}
        assert len({r["MASTER_PORT"] for r in reports}) == 1

    def test_another_number_of_tasks(self, tmp_path, srun):
        with pytest.raises(ProcessError, match="SEMPAL_LAUNCH starts 2 processes, but devices = 4: make them equal"):
            run(job("tell_places", tmp_path, 1, count=4))

    def test_torchrun(self, tmp_path, monkeypatch):
        program = Path(sys.executable).with_name("torchrun")
        monkeypatch.setenv("SEMPAL_LAUNCH", f"{program} --nproc-per-node=2")
        monkeypatch.setenv("PYTHONPATH", str(Path(processes.__file__).parent.parent))
        with pytest.raises(RunError, match="no such street"):
            run(job("fail", tmp_path, "ours"))
        assert "elastic" in (tmp_path / "job.log").read_text()

    def test_what_is_no_launcher(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SEMPAL_LAUNCH", "no-such-launcher -n 2")
        with pytest.raises(ProcessError, match="SEMPAL_LAUNCH = 'no-such-launcher -n 2' cannot be started"):
            run(job("tell_places", tmp_path, 1))
        assert not (tmp_path / "job.order").exists()
        monkeypatch.setenv("SEMPAL_LAUNCH", "env")  # starts one, and says not which
        with pytest.raises(ProcessError, match="no RANK and no SLURM_PROCID in the environment"):
            run(job("tell_places", tmp_path, 1))

    @pytest.mark.parametrize(
        ("visible", "local", "expected"), [(None, 1, "1"), ("", 2, "2"), ("4,6", 1, "6"), ("GPU-a1", 3, "GPU-a1")]
    )
    def test_each_process_sees_its_gpu_only(self, monkeypatch, visible, local, expected):
        for name in ("NODE_RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "CUDA_VISIBLE_DEVICES"):
            monkeypatch.setenv(name, "old")
            monkeypatch.delenv(name)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        worker.take_place(worker.Place(9, 16, local), 23456, gpus=True)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == expected
        assert (os.environ["NODE_RANK"], os.environ["MASTER_PORT"]) == ("9", "23456")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        with pytest.raises(ProcessError, match="is number 3 of its node, where CUDA_VISIBLE_DEVICES names 2 GPUs"):
            worker.take_place(worker.Place(2, 4, 2), 23456, gpus=True)

    @pytest.mark.parametrize(
        ("nodes", "first"), [("gpu[07-09,12],big1", "gpu07"), ("a1,b2", "a1"), ("solo", "solo"), ("x[3]-ib", "x3-ib")]
    )
    def test_first_host(self, nodes, first):
        assert worker.first_host(nodes) == first

    def test_too_few_gpus_are_told_before_anything_starts(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        asked = resolve(CHAPTER, {"preset": "smoke", "devices": 2})
        with pytest.raises(RunError, match="torch sees 1 CUDA devices here: choose device = 'cpu', or fewer"):
            processes.check_device(asked)
        monkeypatch.setenv("SEMPAL_LAUNCH", "srun --ntasks=2")
        processes.check_device(asked)


def test_what_other_processes_cannot_find_is_told(tmp_path):
    with pytest.raises(ProcessError, match="defined in a notebook, a script or another function"):
        processes.name_of(lambda: None)
    with pytest.raises(ProcessError, match=r"plain values, which JSON can hold: .*Tensor"):
        job("tell_places", tmp_path, torch.zeros(1))


@pytest.mark.timeout(900)  # six processes and a kernel, each of which first imports for seconds
def test_papermill_on_two_devices_and_a_killed_process(tmp_path, monkeypatch):
    """Chapter 5 trains on two processes; its losses are those of one, and those of a run that was killed on the way."""
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PYTHONPATH", str(Path(processes.__file__).parent.parent))
    chapter = nbformat.read(notebooks.BOOK / f"{CHAPTER}.ipynb", 4)
    number = next(i for i, cell in enumerate(chapter.cells) if cell.source.startswith("trained = training.train("))
    chapter.cells = [*chapter.cells[: number + 1], nbformat.v4.new_code_cell("run.finish();")]
    nbformat.write(chapter, tmp_path / "in.ipynb")
    command = [Path(sys.executable).with_name("papermill"), tmp_path / "in.ipynb", out := tmp_path / "out.ipynb"]
    command += ["-f", notebooks.ROOT / "runs" / "presets" / "smoke.yaml", "-p", "devices", "2", "-p", "device", "cpu"]
    environment = {**os.environ, **notebooks.kernel_environment()}
    subprocess.run([*map(str, command), "-k", "python3", "--no-progress-bar"], check=True, env=environment)
    (path,) = (tmp_path / "runs" / "smoke" / CHAPTER).glob("*/record.json")
    record = json.loads(path.read_text())
    assert record["parameters"]["devices"] == 2
    assert sorted(p.name for p in path.parent.glob("checkpoint*")) == ["checkpoint.safetensors"]
    # The bar moved as the processes reported.
    cells = nbformat.read(out, 4).cells
    shown = "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))
    assert "stage 2, fade 1.00" in shown
    assert "24/24" in shown

    p = recorded(CHAPTER, record["parameters"]).model_copy(update={"checkpoint_seconds": 1e-9})
    data = training.layout_data(p)
    two = layouts.layout_training(p.model_copy(update={"devices": 1}), data, path.parent / "checkpoint.safetensors")
    one = training.train(p.model_copy(update={"devices": 1}), data, tmp_path / "one.safetensors")
    assert two.step == one.step == 24
    for a, b in zip(one.history, two.history, strict=True):
        # Here they agree to 1e-6; without averaged gradients they would differ by 1e-3 to 5e-2.
        assert all(b[k] == pytest.approx(a[k], rel=2e-3, abs=1e-3) for k in ("loss_g", "loss_d", "entropy", "spread"))

    def kill(reports):
        for progress in reports:
            if progress.step == 8:
                os.kill(reports.source._started[1].pid, signal.SIGKILL)
            yield progress

    place = tmp_path / "killed" / "checkpoint.safetensors"
    with pytest.raises(
        TrainingError, match=r"process 1 of 2 was ended by SIGKILL.*\nThe next call goes on from the la"
    ):
        training.train(p, data, place, watch=kill)
    stopped = layouts.layout_training(p.model_copy(update={"devices": 1}), data, place).step
    assert 8 <= stopped < 24
    again = training.train(p, data, place)
    assert (again.step, len(again.history)) == (24, len(two.history))
    expected, found = load_file(path.parent / "checkpoint.safetensors"), load_file(place)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
