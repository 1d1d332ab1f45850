"""Paths that are given: a relative one counts from where the command was called; what is no folder is refused."""

import argparse
import os
import subprocess
from pathlib import Path

import notebooks
import pytest
from run_helpers import CHAPTER, bundle, isolated, start  # noqa: F401
from test_book import make_book

import book
from sempal_lib import records, runs
from sempal_lib.runs import RunError


def test_a_relative_data_root_counts_from_the_present_folder(tmp_path, monkeypatch):
    bundle(tmp_path / "data" / "tiny")
    monkeypatch.chdir(tmp_path)
    run = start(dataset="tiny", data_root="data/tiny")
    assert run.parameters.data_root == str(tmp_path / "data" / "tiny")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert start(dataset="tiny", data_root="~/data/tiny").parameters == run.parameters
    with pytest.raises(RunError, match=f"-y 'data_root: \"{tmp_path}/data/tiny\"'"):
        runs.require_checkpoint("04_sb_gan_layouts", run.parameters)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a-file", r"SEMPAL_RUNS = 'a-file': .*/a-file is a file: give a folder"),
        ("a-file/runs", r"SEMPAL_RUNS = 'a-file/runs': .*/a-file is a file: give a folder"),
        ("~nobody-here/runs", r"SEMPAL_RUNS = '~nobody-here/runs' is no path .*give another one"),
        ("x" * 300, r"SEMPAL_RUNS = 'x+' is no path .*too long"),
    ],
    ids=lambda value: value[:20],
)
def test_runs_that_can_go_nowhere_are_refused(value, message, tmp_path, monkeypatch):
    (tmp_path / "a-file").write_text("x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEMPAL_RUNS", value)
    with pytest.raises(RunError, match=message):
        start()
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_a_folder_that_may_not_be_written_is_named(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(runs, "write_atomically", refuse)
    with pytest.raises(RunError, match=r"cannot write into .*: Permission denied.*SEMPAL_RUNS"):
        start()


def test_kernels_get_whole_paths(tmp_path, monkeypatch):
    """By a real kernel, which runs in the book's folder."""
    make_book(tmp_path / "book")
    bundle(tmp_path / "data" / "tiny")
    for name, value in notebooks.kernel_environment().items():
        monkeypatch.setenv(name, value)  # so that what `execute` sets is put back after the test
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEMPAL_RUNS", "mine")
    given = {"dataset": "tiny", "data_root": "data/tiny", "seed": 2}
    done = notebooks.execute("sample", "smoke", given, tmp_path / "book")
    assert done.is_file()
    assert done.parents[3] == tmp_path / "mine"
    assert records.read_record(done.with_name("record.json"))["data"]
    assert not (tmp_path / "book" / "mine").exists()


def test_a_wrong_data_root_takes_no_folder_by_papermill_either(tmp_path, runs_in_tmp):
    make_book(tmp_path / "book")
    with pytest.raises(RunError, match="camvid: nothing to read in"):
        notebooks.execute("sample", "smoke", {"dataset": "camvid", "data_root": "gone"}, tmp_path / "book")
    assert not runs_in_tmp.exists()


def test_the_run_graph_gets_whole_paths(tmp_path, monkeypatch):
    """Snakemake runs in the folder of the project, wherever the command was called."""
    called = []

    def run(command, **_):
        called.append((command, os.environ["SEMPAL_RUNS"], os.environ["SEMPAL_DATA"]))
        return argparse.Namespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("SEMPAL_RUNS", "mine")
    monkeypatch.setenv("SEMPAL_DATA", "data")
    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert book.main(["graph", "ablation", "--dataset", "camvid", "--data-root", "data/camvid", "--cores", "1"]) == 0
    ((command, runs_there, data),) = called
    assert f"data_root={tmp_path}/data/camvid" in command
    assert (Path(runs_there), Path(data)) == (tmp_path / "mine", tmp_path / "data")
