"""`make gpu-check`, here on the CPU: what its report says; a broken training stops no other, a kill no report."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import gpu_check
import gpu_checks
import pytest
import torch
from conftest import ROOT

from sempal_lib.training import catalogue


@pytest.fixture
def folder(tmp_path):
    """Of the report. Processes are forked from this one, whose imports they need not repeat."""
    torch.set_num_threads(1)  # a fork keeps no threads
    return tmp_path / "out"


def check(folder, *arguments):
    status = gpu_check.main(["--cpu", "--at-once", "1", "--out", str(folder), *arguments])
    return status, json.loads((folder / "report.json").read_text()), (folder / "report.md").read_text()


def broken(*_):
    raise ValueError("these weights are broken")


def gone(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def slow(*_):
    time.sleep(60)


def add(monkeypatch, name, build):
    monkeypatch.setitem(catalogue.TRAININGS, name, catalogue.Kind("03_semgan", build))


def test_the_command_says_what_it_takes():
    command = [sys.executable, str(ROOT / "runs" / "gpu_check.py"), "--help"]
    assert "--seconds" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_report_has_steps_speed_resumption_and_what_was_left_out(folder):
    kinds = "--kinds", "machine", "agrees", "resumes", "steps", "profile"
    status, report, page = check(folder, "--trainings", "sb-gan", "pix2pix", *kinds)
    assert status == 0
    assert report["finished"]
    assert (report["failed"], report["ok"]) == (0, 13)
    found = {(c["training"], c["label"]): c for c in report["checks"]}
    for name in ("sb-gan", "pix2pix"):
        assert found[name, "resumes smoke f32 NHWC"]["numbers"]["apart"] == 0
        assert "nothing to compare" in found[name, "agrees smoke f32 NCHW"]["why"]
        plain = found[name, "steps smoke f32 NCHW"]["numbers"]
        assert plain["steps_per_second"] > 0
        assert plain["flops_a_step"] > 1e6
        for settings in ("f32 NHWC", "bf16 NCHW", "bf16 NHWC"):
            assert found[name, f"steps smoke {settings}"]["numbers"]["samples_per_second"] > 0
        assert len(found[name, "profile smoke bf16 NHWC"]["numbers"]["top"]) == 10
    assert "| sb-gan | smoke | bf16 NHWC |" in page
    assert "No CUDA device was found" in page
    assert "| pix2pix | bit for bit |" in page


def test_a_training_that_raises_or_dies_is_reported_and_stops_no_other(folder, monkeypatch):
    add(monkeypatch, "broken", broken)
    add(monkeypatch, "gone", gone)
    status, report, page = check(folder, "--trainings", "broken", "gone", "pix2pix", "--kinds", "resumes")
    assert status == 1
    found = {(c["training"], c["kind"]): c for c in report["checks"]}
    assert found["pix2pix", "resumes"]["status"] == "ok"
    assert {c["status"] for c in report["checks"] if c["training"] in ("broken", "gone")} == {"failed"}
    assert found["broken", "resumes"]["why"] == "ValueError: these weights are broken"
    assert any("in broken" in line for line in found["broken", "resumes"]["trace"])
    assert found["gone", "resumes"]["why"] == "its process ended with signal 9"
    assert "these weights are broken" in page


def test_no_time_leaves_all_out(folder):
    status, report, _ = check(folder, "--seconds", "0", "--trainings", "semgan", "gaugan")
    assert status == 0
    assert report["ok"] == report["failed"] == 0
    assert {c["why"] for c in report["checks"] if c["kind"] in ("steps", "resumes")} == {"time"}


def test_what_the_budget_ends_in_the_middle_is_left_out(folder, monkeypatch):
    add(monkeypatch, "slow", slow)
    status, report, _ = check(folder, "--seconds", "1", "--trainings", "slow", "--kinds", "steps")
    assert status == 0
    assert {c["why"] for c in report["checks"]} == {"time"}


def test_a_killed_check_leaves_a_readable_report(folder, monkeypatch):
    add(monkeypatch, "slow", slow)
    arguments = "--trainings", "pix2pix", "slow", "--kinds", "resumes"
    process = multiprocessing.get_context("fork").Process(target=check, args=(folder, *arguments))
    process.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (folder / "report.json").exists() and json.loads((folder / "report.json").read_text())["ok"]:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    report = json.loads((folder / "report.json").read_text())
    assert not report["finished"]
    assert [c["status"] for c in report["checks"] if c["training"] == "pix2pix"] == ["ok"]
    assert [c["why"] for c in report["checks"] if c["training"] == "slow"] == ["not reached"]
    assert "still running, or killed" in (folder / "report.md").read_text()


def test_losses_of_the_same_noise_agree_and_of_other_weights_do_not(monkeypatch):
    assert gpu_checks.agrees("baseline-1", "cpu")["apart"] == [0.0] * gpu_checks.STEPS
    plain = gpu_checks._losses
    monkeypatch.setattr(gpu_checks, "NUDGE", 0.01)
    calls = iter([3, 0, 0, 0])
    monkeypatch.setattr(gpu_checks, "_losses", lambda name, device, nudge=0: plain(name, device, next(calls)))
    with pytest.raises(gpu_checks.Disagreement, match="differ from the CPU's"):
        gpu_checks.agrees("rgb-gan", "cpu")


def test_a_resumption_that_forgets_something_is_noticed(monkeypatch):
    from sempal_lib.training import Training

    plain = Training.resume

    def forgetful(self):
        plain(self)
        if self.step:
            self.random.manual_seed(99)

    monkeypatch.setattr(Training, "resume", forgetful)
    with pytest.raises(gpu_checks.Disagreement, match="apart after a stop"):
        gpu_checks.resumes("segmenter-light", "cpu")


def test_busy_time_counts_what_overlaps_once():
    assert gpu_checks._busy([(4.0, 5.0), (0.0, 2.0), (1.0, 3.0), (1.5, 2.0)]) == 4.0
