"""Records: what a run leaves, what many of them say together, and what is kept."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys

import pytest
from run_helpers import CHAPTER, finished, isolated, start  # noqa: F401

from sempal_lib import records, runs
from sempal_lib.parameters import LayoutParameters
from sempal_lib.runs import RunError


def test_record_holds_all_that_it_should(tmp_path):
    run, record = finished(seed=3)
    assert json.loads((run.folder / "record.json").read_text()) == record
    assert set(record["parameters"]) == set(LayoutParameters.model_fields)
    assert (record["chapter"], record["preset"], record["dataset"], record["seed"]) == (
        CHAPTER,
        "smoke",
        "toy-street",
        3,
    )
    assert set(record["versions"]) >= {"python", "torch", "numpy", "scikit-learn", "lightning"}
    assert record["code"] == records.code_hash()
    assert {"commit", "dirty"} <= set(record)
    assert record["device"]
    assert record["threads"] >= 1
    assert 0 <= record["seconds"] < 60
    assert record["peak_memory"] > 10 * 2**20  # a Python with torch takes more than 10 MiB
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record["created"])
    assert record["metrics"] == [
        {"system": "semantic-palette", "variant": "full", "metric": "palette_kl", "split": "val",
         "value": 0.1, "n": 48, "seconds": 0.5}
    ]  # fmt: skip


def test_measured_again_replaces():
    run = start()
    for value in (1, 2):
        run.measure("semantic-palette", "exact", "fsd", value, n=8, split="val")
    run.measure("semantic-palette", "exact", "fsd", 3, n=8, split="train")
    assert [row["value"] for row in run.metrics] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": float("nan")}, r"palette_kl of semantic-palette \(full\) is nan, not a finite number"),
        ({"value": float("inf")}, r"palette_kl .* is inf"),
        ({"system": "semantic_palette"}, r"unknown system 'semantic_palette'. The systems are rgb-gan"),
        ({"metric": "Palette KL"}, r"'Palette KL' is no metric's name"),
        ({"variant": "Full"}, r"must be lower-case names"),
        ({"split": ""}, r"split = ''"),
        ({"n": 0}, r"n = 0 is not possible"),
        ({"n": 2.5}, r"n = 2.5 is not possible"),
    ],
    ids=str,
)
def test_faulty_metric_is_refused(change, message):
    run = start()
    good = {
        "system": "semantic-palette",
        "variant": "full",
        "metric": "palette_kl",
        "value": 0.1,
        "n": 8,
        "split": "val",
    }
    with pytest.raises(RunError, match=message):
        run.measure(**{**good, **change})
    assert run.metrics == []


def test_kill_between_writing_and_moving_leaves_the_old_record():
    run, record = finished()
    code = (
        "import os, signal\n"
        "from sempal_lib import records, runs\n"
        f"run = runs.Run.start({CHAPTER!r}, {{}})\n"
        "run.measure('semantic-palette', 'full', 'palette_kl', 9, n=1, split='val')\n"
        "records.os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)\n"
        "run.finish()\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert len(list(run.folder.glob(".record.json.*.tmp"))) == 1  # it was killed where we wanted
    assert json.loads((run.folder / "record.json").read_text()) == record
    assert finished(value=0.2)[1]["metrics"][0]["value"] == 0.2


def test_siblings_differ_in_the_seed_alone():
    _, first = finished(seed=0)
    finished(seed=0, samples=32)
    finished(seed=0, preset="demo")
    _, second = finished(seed=1)
    first, second = ({**record, "place": "here"} for record in (first, second))
    assert start(seed=2).siblings() == [first, second]
    assert start(seed=1).siblings() == [first]


def test_siblings_of_other_code_count_when_they_are_committed(tmp_path, monkeypatch):
    reference = tmp_path / "reference"
    monkeypatch.setattr(runs, "reference_root", lambda: reference)
    run, record = finished(seed=0)
    (run.folder / "record.json").write_text(json.dumps({**record, "code": "0" * 64}))
    assert start(seed=1).siblings() == []
    runs.keep(run.folder, reference)
    runs.keep(finished(seed=3)[0].folder, reference)
    found = start(seed=1).siblings()
    assert [(other["seed"], other["place"]) for other in found] == [(0, "kept, older code"), (3, "here")]
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "elsewhere"))
    _, record = finished(seed=1)
    assert record["places"] == {"1": "here", "0": "kept, older code", "3": "kept"}
    # Code that gave the same numbers when a run was done again is as good as the present.
    path = reference / run.folder.relative_to(run.folder.parents[2]) / "record.json"
    again = {**json.loads(path.read_text()), "code": records.code_hash(), "same_as": ["0" * 64], "seed": 7}
    again["parameters"]["seed"] = 7
    (path.parent.with_name("toy-street-s7-" + again["configuration"])).mkdir()
    (path.parent.with_name("toy-street-s7-" + again["configuration"]) / "record.json").write_text(json.dumps(again))
    assert {other["seed"]: other["place"] for other in start(seed=1).siblings()} == {0: "kept", 3: "kept", 7: "kept"}


def test_rename_gives_folders_the_names_of_todays_code(tmp_path):
    run, record = finished(seed=1)
    old = run.folder.with_name("toy-street-s1-00000000")
    run.folder.rename(old)
    content = {**record, "configuration": "00000000"}
    del content["parameters"]["released"]  # declared after this record was written
    (old / "record.json").write_text(json.dumps(content))
    kept = old.with_name("toy-street-s2-00000000")
    kept.mkdir()
    (kept / "parameters.json").write_text(json.dumps({**record["parameters"], "gone": 1}))
    assert runs.rename_folders(tmp_path) == [(old, run.folder)]
    assert json.loads((run.folder / "record.json").read_text())["configuration"] == record["configuration"]
    assert kept.exists()
    assert runs.rename_folders(tmp_path) == []
    assert start(seed=1).folder == run.folder  # and the run is taken for the same


def test_record_shows_the_spread_over_its_siblings():
    finished(0.1, seed=0)
    _, record = finished(0.3, seed=1)
    row = {"system": "semantic-palette", "variant": "full", "metric": "palette_kl", "split": "val"}
    assert record["seeds"] == [{**row, "values": {"0": 0.1, "1": 0.3}}]


def test_summary_by_hand():
    found = [finished(value, seed=seed)[1] for seed, value in enumerate((1.0, 2.0, 6.0))]
    (row,) = runs.summary(found)
    assert (row["mean"], row["seeds"]) == (3.0, 3)
    assert row["std"] == pytest.approx(7**0.5)  # (4 + 1 + 9) / 2
    (single,) = runs.summary(found[:1])
    assert (single["mean"], single["std"], single["seeds"]) == (1.0, None, 1)
    assert runs.summary([]) == []


def test_summary_does_not_mix_configurations():
    with pytest.raises(RunError, match="different configurations"):
        runs.summary([finished(seed=0)[1], finished(seed=1, samples=32)[1]])


def test_code_hash_sees_names_and_contents(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "_PACKAGE", tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "sub" / "b.py").write_text("y = 1\n")
    first = records.code_hash()
    assert not runs.is_stale({"code": first})
    (tmp_path / "sub" / "b.py").write_text("y = 2\n")
    second = records.code_hash()
    assert second != first
    assert runs.is_stale({"code": first})
    (tmp_path / "a.py").rename(tmp_path / "c.py")
    assert records.code_hash() not in (first, second)


@pytest.mark.parametrize(
    "name",
    ["figures.py", "figures/curves.py", "widgets.py", "widgets/walk.py", "pictures.py", "results.py", "tables.py",
     "keeping.py", "locks.py", "ablation.py"],
)  # fmt: skip
def test_code_hash_leaves_out_what_changes_no_number(name, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "_PACKAGE", tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    without = records.code_hash()
    (tmp_path / name).write_text("z = 1\n")
    assert records.code_hash() == without
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "figures.py").write_text("z = 1\n")  # of a world, not of the book
    assert records.code_hash() != without


def test_what_an_edit_of_this_library_does_to_a_records_code(tmp_path, monkeypatch):
    copy = tmp_path / "sempal_lib"
    shutil.copytree(records._PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = records.code_hash()
    monkeypatch.setattr(records, "_PACKAGE", copy)
    assert records.code_hash() == before

    def edit(name, old, new):
        text = (copy / name).read_text()
        assert old in text
        (copy / name).write_text(text.replace(old, new))
        return records.code_hash()

    assert edit("results.py", "0.975", "0.995") == before
    assert edit("losses.py", "Pull the density's marginal", "# Draw the density's marginal") == before
    assert edit("losses.py", "    pixels = ", "    # how many there are\n    pixels  =  ") == before
    assert edit("losses.py", "(1 - pixels *", "(2 - pixels *") != before


def test_nothing_that_makes_numbers_uses_what_the_hash_leaves_out():
    """Beside `runs`, which names folders and keeps records by it, `once` and `pairs`, which take a lock's name, and
    `face_editing`, which names the rows of a table."""
    files = {path.relative_to(records._PACKAGE): path.read_text() for path in records._PACKAGE.rglob("*.py")}
    tops = {path: path.parts[0].removesuffix(".py") for path in files}
    assert set(records.WITHOUT_NUMBERS) <= set(tops.values())
    harmless = {"records", "record_model", "files", "locks", "code_digests"}  # errors, names and places of files
    names = "|".join(set(records.WITHOUT_NUMBERS) - harmless)
    uses = re.compile(
        rf"from sempal_lib\.({names})\b|from sempal_lib import .*\b({names})\b|import_module\(.*({names})"
    )
    counted = {path for path, top in tops.items() if top not in records.WITHOUT_NUMBERS}
    assert {path.name for path in counted if uses.search(files[path])} == {
        "runs.py", "once.py", "pairs.py", "face_editing.py",
    }  # fmt: skip


def test_commit_is_none_outside_git(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "repository", lambda: tmp_path)
    assert records.source()["commit"] is None
    assert records.source()["dirty"] is None


# What is kept


def test_keep_and_gather(tmp_path):
    reference = tmp_path / "reference"
    run, record = finished(seed=1)
    for name in ("generator.safetensors", "samples.png", "checkpoint.pt"):
        (run.folder / name).write_bytes(b"x")
    target, left = runs.keep(run.folder, reference)
    assert (target, left) == (reference / "smoke" / CHAPTER / run.folder.name, [])
    assert {path.name for path in target.iterdir()} == {"record.json", "generator.safetensors", "samples.png"}

    other, _ = finished(value=0.25, seed=0)
    other.measure("semantic-palette", "exact", "palette_kl", 1e-8, n=48, split="val")
    other.finish()
    runs.keep(other.folder, reference)
    path = runs.gather(reference)
    text = path.read_text()
    assert text.splitlines()[0] == (
        "run,chapter,system,variant,dataset,preset,seed,metric,value,n,split,device,seconds"
    )
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["seed"], row["variant"], float(row["value"])) for row in rows] == [
        ("0", "exact", 1e-8), ("0", "full", 0.25), ("1", "full", 0.1),
    ]  # fmt: skip
    assert rows[2]["run"] == f"smoke/{CHAPTER}/{run.folder.name}"
    assert rows[2]["seconds"] == "0.5"  # the metric's own
    assert float(rows[0]["seconds"]) > 0  # the run's
    assert rows[2]["device"] == record["device"]
    target.with_name(".half-kept").mkdir()
    (target.with_name(".half-kept") / "record.json").write_text("{")
    runs.gather(reference)
    assert path.read_text() == text


def test_keep_leaves_no_file_of_the_former_run(tmp_path):
    run, _ = finished()
    (run.folder / "samples-old.png").write_bytes(b"x")
    target, _ = runs.keep(run.folder, tmp_path / "reference")
    (run.folder / "samples-old.png").unlink()
    runs.keep(run.folder, tmp_path / "reference")
    assert [path.name for path in target.iterdir()] == ["record.json"]
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("change", [{"dataset": "camvid"}, {"data_root": "somewhere"}], ids=str)
def test_of_real_data_record_and_sheets_are_kept_but_no_weights(change, tmp_path):
    run, record = finished()
    known = {name: value for name, value in change.items() if name in record}
    record = {**record, **known, "parameters": {**record["parameters"], **change}}
    (run.folder / "record.json").write_text(json.dumps(record))
    for name in ("generator.safetensors", "samples.png"):
        (run.folder / name).write_bytes(b"x")
    target, left = runs.keep(run.folder, tmp_path / "reference")
    assert {path.name for path in target.iterdir()} == {"record.json", "samples.png"}
    assert left == ["generator.safetensors"]


def test_keep_refuses_large_weights_and_unfinished_runs(tmp_path, monkeypatch):
    reference = tmp_path / "reference"
    with pytest.raises(RunError, match="only a finished run can be kept"):
        runs.keep(start().folder, reference)
    run, _ = finished()
    weights = run.folder / "generator.safetensors"
    weights.write_bytes(bytes(2000))
    monkeypatch.setattr(records, "MAX_WEIGHTS", 1000)
    with pytest.raises(RunError, match=r"generator.safetensors has .* MiB.*half precision"):
        runs.keep(run.folder, reference)
    monkeypatch.setattr(records, "MAX_WEIGHTS", 3000)
    monkeypatch.setattr(records, "MAX_ALL_WEIGHTS", 3000)
    runs.keep(run.folder, reference)
    runs.keep(run.folder, reference)  # in its own place it does not count twice
    other, _ = finished(seed=1)
    (other.folder / "generator.safetensors").write_bytes(bytes(2000))
    with pytest.raises(RunError, match="weaker runs"):
        runs.keep(other.folder, reference)


def test_reference_run_is_the_tallest_with_weights_then_the_longest_then_the_latest(tmp_path):
    reference = tmp_path / "reference"
    assert runs.reference_run(CHAPTER, "toy-street", root=reference) is None

    def kept(created, weights=True, **given):
        run, record = finished(**given)
        (run.folder / "record.json").write_text(json.dumps({**record, "created": created}))
        if weights:
            (run.folder / "generator.safetensors").write_bytes(b"x")
        return runs.keep(run.folder, reference)[0]

    older = kept("2026-01-01", seed=0)
    kept("2026-01-03", weights=False, seed=1)
    later = kept("2026-01-02", seed=2)
    assert runs.reference_run(CHAPTER, "toy-street", root=reference) == later
    assert runs.reference_run(CHAPTER, "toy-street", root=reference, seed=0) == older
    longer = kept("2025-12-31", seed=0, phase_images=[400, 400])
    assert runs.reference_run(CHAPTER, "toy-street", root=reference) == longer
    assert runs.reference_run(CHAPTER, "toy-street", root=reference, phase_images=[64, 64]) == later
    tall = kept("2026-01-01", preset="demo", batch_sizes=[8, 8, 8], phase_images=[8, 8, 8])
    assert runs.reference_run(CHAPTER, "toy-street", root=reference) == tall
    assert runs.reference_run(CHAPTER, "toy-street", preset="smoke", root=reference) == longer
    assert runs.reference_run(CHAPTER, "camvid", root=reference) is None
    assert runs.reference_run("16_material_editing", "fashion") is None  # of real data no weights are kept
    sheet = runs.reference_run("16_material_editing", "fashion", holds="samples*.png")
    assert (sheet / "samples.png").exists()  # which page 16 shows


@pytest.mark.parametrize(
    ("chapter", "longer"),
    [
        ("03_semgan", {"steps": 100}), ("05_semantic_palette", {"phase_images": [100, 100]}),
        ("07_painting_by_layout", {"steps": 100}), ("09_end_to_end", {"tuning_steps": 100}),
    ],
)  # fmt: skip
def test_a_longer_training_shows_more_samples(chapter, longer):
    short, long = (runs.resolve(chapter, {"preset": "smoke", **given}).model_dump() for given in ({}, longer))
    assert records.samples_shown(long) > records.samples_shown(short) > 0


def test_samples_shown_by_hand():
    assert records.samples_shown({"phase_images": [64, 72]}) == 136
    assert records.samples_shown({"steps": 24000, "batch_size": 8}) == 192000
    assert records.samples_shown({"steps": 300, "batch_size": 4, "tuning_steps": 10, "tuning_batch_size": 2}) == 1220
    assert records.samples_shown({"height": 16}) == 0


def test_the_longest_run_of_chapter_3_is_the_one_that_the_book_shows():
    found = runs.reference_run("03_semgan", "colored-shapes")
    steps = [
        r["parameters"]["steps"]
        for f, r in records.records_under(records.reference_root())
        if r["chapter"] == "03_semgan" and r["dataset"] == "colored-shapes" and any(f.glob(records.WEIGHTS))
    ]
    assert records.read_record(found / "record.json")["parameters"]["steps"] == max(steps)


def test_missing_checkpoint_says_the_command_that_makes_it():
    run = start(seed=3, batch_sizes=[4, 8])
    with pytest.raises(RunError, match="this chapter builds on 02_layouts_and_palettes") as error:
        runs.require_checkpoint("02_layouts_and_palettes", run.parameters)
    assert str(error.value).endswith(
        "papermill book/02_layouts_and_palettes.ipynb out.ipynb -f runs/presets/smoke.yaml "
        "-y 'seed: 3' -y 'batch_sizes: [4, 8]'"
    )
    (run.folder / "generator.safetensors").write_bytes(b"x")
    assert runs.require_checkpoint(CHAPTER, run.parameters) == run.folder / "generator.safetensors"


def test_a_chapter_of_another_family_is_asked_for_the_same_data_and_seed():
    mine = runs.resolve(CHAPTER, {"seed": 3, "batch_sizes": [4, 8], "dataset": "camvid", "data_root": "/data/camvid"})
    theirs = runs.parameters_for("03_semgan", mine)
    assert (theirs.seed, theirs.dataset, theirs.data_root, theirs.preset) == (3, "camvid", "/data/camvid", "smoke")
    assert theirs == runs.resolve("03_semgan", {"seed": 3, "dataset": "camvid", "data_root": "/data/camvid"})
    with pytest.raises(RunError, match=r"papermill book/03_semgan.ipynb .* -y 'dataset: \"camvid\"'"):
        runs.require_checkpoint("03_semgan", mine)
