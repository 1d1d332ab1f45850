"""Runs of real data: whose fingerprint stands in their folder's name, and which data are refused at the first cell."""

import json
import shutil
import time
from pathlib import Path

import pytest
import reference_list
from queue_helpers import FIVE, surroundings  # noqa: F401
from run_helpers import CHAPTER, bundle, files, finished, isolated, start  # noqa: F401

from sempal_lib import ablation, results, runs
from sempal_lib.data_folders import data_of, fingerprint
from sempal_lib.runs import Run, RunError, resolve


@pytest.fixture(autouse=True)
def fresh():
    fingerprint.cache_clear()


def of(folder: Path, **given) -> dict:
    return {"dataset": "tiny", "data_root": str(folder), **given}


# Which run is whose


def test_other_data_of_one_name_are_another_run(tmp_path):
    """Two folders, both called `tiny`, whose files have the same names and sizes."""
    one, other = bundle(tmp_path / "a" / "tiny", value=0), bundle(tmp_path / "b" / "tiny", value=1)
    sizes = [{path.name: path.stat().st_size for path in folder.rglob("*")} for folder in (one, other)]
    assert sizes[0] == sizes[1]
    (first, of_one), (second, of_other) = finished(0.1, **of(one, seed=0)), finished(0.3, **of(other, seed=1))
    assert of_one["data"] != of_other["data"]
    assert of_one["configuration"] != of_other["configuration"]
    assert finished(0.5, **of(other, seed=0))[0].folder != first.folder
    assert first.siblings() == []
    assert [other["seed"] for other in second.siblings()] == [0]
    with pytest.raises(RunError, match="different configurations"):
        runs.summary([of_one, of_other])
    for run in (first, second):
        runs.keep(run.folder, tmp_path / "reference")
    table = results.reference_table(CHAPTER, ["palette_kl"], root=tmp_path / "reference")
    assert [row[3] for row in table.rows] == ["1", "1"]  # seeds of each row


def test_rows_of_an_ablation_are_of_the_present_data(tmp_path):
    one, other = bundle(tmp_path / "a" / "tiny", value=0), bundle(tmp_path / "b" / "tiny", value=1)
    for seed, folder in enumerate((one, other)):
        run = Run.start(ablation.CHAPTER, of(folder, seed=seed))
        run.measure("baseline-1", "full", "palette_kl", 0.1, n=8, split="val")
        run.finish()
    found = ablation.rows_of_runs(run.parameters)["baseline-1"]
    assert [record["seed"] for record in found] == [1]


def test_the_same_data_elsewhere_are_the_same_run(tmp_path, monkeypatch):
    one = bundle(tmp_path / "a" / "tiny")
    run, record = finished(**of(one))
    assert str(tmp_path) not in json.dumps(record)
    assert record["parameters"]["data_root"] == "tiny"
    shutil.copytree(one, tmp_path / "b" / "copy")
    (tmp_path / "b" / "copy" / "README.md").write_text("a note")
    (tmp_path / "b" / "copy" / ".DS_Store").write_text("")
    assert start(**of(tmp_path / "b" / "copy")).folder == run.folder
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path / "a"))
    assert start(dataset="tiny").folder == run.folder


def test_a_change_of_the_data_is_seen_by_a_kernel_that_keeps_running(tmp_path):
    folder = bundle(tmp_path / "tiny")
    first = start(**of(folder))
    (folder / "splits" / "train.txt").write_text("0\n1\n")
    assert start(**of(folder)).folder != first.folder


def test_a_fingerprint_stays(tmp_path):
    """It is part of committed names: a change renames every run of real data."""
    for name, text in (("images/1.jpg", "a"), ("splits/train.txt", "1\n"), ("classes.json", "{}")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert fingerprint(tmp_path) == "e83d93fb4ae4"


def test_worlds_keep_their_names():
    assert start().folder.name == "toy-street-s0-4dba7a20"
    assert finished()[1]["data"] is None


def test_a_large_set_is_looked_at_within_a_second(tmp_path):
    """25,000 files in a tree as Cityscapes has it, one text among the many at the bottom."""
    for city in range(25):
        folder = tmp_path / "gtFine" / "train" / str(city)
        folder.mkdir(parents=True)
        for number in range(1000):
            (folder / f"{number}.png").touch()
    (tmp_path / "train.txt").write_text("a")
    began = time.process_time()
    first = fingerprint(tmp_path)
    assert time.process_time() - began < 1
    (tmp_path / "train.txt").write_text("b")
    fingerprint.cache_clear()
    second = fingerprint(tmp_path)
    (folder / "999.png").write_text("x")
    fingerprint.cache_clear()
    assert len({first, second, fingerprint(tmp_path)}) == 3


def test_links_are_followed_and_rings_end(tmp_path):
    bundle(tmp_path / "real" / "tiny")
    (tmp_path / "tiny").mkdir()
    for name in ("images", "labels", "splits", "classes.json"):
        (tmp_path / "tiny" / name).symlink_to(tmp_path / "real" / "tiny" / name)
    assert fingerprint(tmp_path / "tiny") == fingerprint(tmp_path / "real" / "tiny")
    (tmp_path / "tiny" / "ring").symlink_to(tmp_path / "tiny")
    fingerprint.cache_clear()
    assert fingerprint(tmp_path / "tiny") == fingerprint(tmp_path / "real" / "tiny")


# What is refused before anything is written


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dataset": "tiny", "data_root": "gone"}, r"unknown data set 'tiny'.*gone"),
        ({"dataset": "camvid", "data_root": "gone"}, r"camvid: nothing to read in .*gone\. Expected are .*https?://"),
        ({"dataset": "camvid"}, r"camvid: its folder is not named.*SEMPAL_DATA"),
        ({"dataset": "toy-stret"}, r"unknown data set 'toy-stret', did you mean 'toy-street'"),
        ({"dataset": "toy-street", "data_root": "a"}, r"toy-street is made on the fly.*leave root out"),
        ({"dataset": "camvid", "data_root": "a"}, r"holds the bundle 'tiny', not 'camvid'"),
        ({"dataset": "tiny", "data_root": "a.zip"}, r"data_root = '.*a\.zip' is a file: give the folder"),
        ({"dataset": "tiny", "data_root": "x" * 3000}, r"(?i)too long"),
        ({"dataset": "tiny", "data_root": "~nobody-here/x"}, r"data_root = '~nobody-here/x' is no folder"),
        ({"dataset": "x" * 300}, r"dataset = 'x+' is not possible: allowed is a name .*at most 100"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_data_that_cannot_be_opened_take_no_folder(given, message, tmp_path, monkeypatch, runs_in_tmp):
    bundle(tmp_path / "a")
    (tmp_path / "a.zip").write_text("x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=message):
        start(**given)
    assert not runs_in_tmp.exists()


def test_a_wrong_data_root_locks_no_folder(tmp_path):
    start(**of(bundle(tmp_path / "wrong" / "tiny", value=1)))
    start(**of(bundle(tmp_path / "right", value=0)))


# Names that were given before the data entered them, and lists on machines without the data


def older(run: Run, record: dict) -> Path:
    """The folder as it was before data entered its name."""
    name = runs.name_of(run.parameters, None)
    content = {key: value for key, value in record.items() if key != "data"} | {"configuration": name[-8:]}
    (run.folder / "record.json").write_text(json.dumps(content))
    (run.folder / "parameters.json").write_text(json.dumps(runs.portable(run.parameters)))
    return run.folder.rename(run.folder.with_name(name))


def test_rename_gives_older_runs_the_fingerprint_of_the_data_at_hand(tmp_path, monkeypatch, runs_in_tmp):
    folder = bundle(tmp_path / "data" / "tiny")
    run, record = finished(**of(folder))
    old = older(run, record)
    assert runs.rename_folders(runs_in_tmp) == []  # nobody knows which data they were
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path / "data"))
    assert runs.rename_folders(runs_in_tmp) == [(old, run.folder)]
    assert json.loads((run.folder / "record.json").read_text()) == record
    monkeypatch.delenv("SEMPAL_DATA")
    assert runs.rename_folders(runs_in_tmp) == []  # a record says itself of which data it is
    assert start(**of(folder)).folder == run.folder


def test_rename_does_not_take_data_of_another_folder(tmp_path, monkeypatch, runs_in_tmp):
    old = older(*finished(**of(bundle(tmp_path / "mine"))))
    bundle(tmp_path / "data" / "tiny")
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path / "data"))
    assert runs.rename_folders(runs_in_tmp) == []
    assert old.exists()


def test_what_is_left_out_for_want_of_data_is_known_by_its_record(place, monkeypatch):
    data = bundle(place.folder / "data" / "tiny").parent
    monkeypatch.setenv("SEMPAL_DATA", str(data))
    entry = {"chapter": FIVE, "dataset": "tiny"}
    queue = place.queue(entry)
    assert queue.run() == 0
    (kept,) = reference_list.Reference(place.root).records
    monkeypatch.delenv("SEMPAL_DATA")
    (away,) = place.queue(entry).wanted
    assert reference_list.Reference(place.root).folder(away) == kept
    assert place.states(place.queue(entry)) == ["kept"]
    shutil.rmtree(data / "tiny")
    bundle(data / "tiny", value=1)
    fingerprint.cache_clear()
    monkeypatch.setenv("SEMPAL_DATA", str(data))
    assert place.states(place.queue(entry)) == ["wanted"]  # of these data there is no record
    assert data_of(resolve(FIVE, {"dataset": "tiny"})) is not None
    assert files(kept)
