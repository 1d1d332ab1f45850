"""Runs: what a chapter's first cell lets through, where a run goes, and what it leaves."""

import csv
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml

from sempal_lib import parameters as parameters_module
from sempal_lib import records, runs
from sempal_lib.runs import Parameters, Run, RunError

CHAPTER = "05_semantic_palette"
PRESETS = ("smoke", "demo", "gpu", "paper")


@pytest.fixture(autouse=True)
def runs_in_tmp(tmp_path, monkeypatch):
    """Runs go to a folder of their own; the preset is smoke unless a test says otherwise."""
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SEMPAL_PRESET", "smoke")
    return tmp_path / "runs"


def start(**given) -> Run:
    return Run.start(CHAPTER, given)


def finished(value=0.1, variant="full", **given) -> tuple[Run, dict]:
    run = start(**given)
    run.measure("semantic-palette", variant, "palette_kl", value, n=48, split="val", seconds=0.5)
    return run, run.finish()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Parameters and presets


@pytest.mark.parametrize("name", PRESETS)
def test_preset_holds_every_parameter_and_passes_the_checks(name):
    parameters = runs.resolve(CHAPTER, {"preset": name})
    assert parameters.preset == name
    assert set(runs.preset_values(name)) == set(Parameters.model_fields)
    assert parameters.heights[0] == 4
    assert parameters.heights[-1] == parameters.height


@pytest.mark.parametrize("name", PRESETS)
def test_preset_says_the_unit_of_every_value(name):
    lines = (parameters_module.presets_folder() / f"{name}.yaml").read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        key = line.partition(":")[0]
        if key in Parameters.model_fields and key not in ("preset", "seed"):
            assert "#" in line or before.startswith("#"), f"{key} has no comment"


def test_paper_preset_is_the_authors_schedule():
    steps = (1740, 2613, 5229, 13944, 55780, 55781)
    parameters = runs.resolve(CHAPTER, {"preset": "paper"})
    assert parameters.batch_sizes == (1024, 512, 256, 64, 16, 8)
    assert parameters.phase_images == tuple(
        step * batch for step, batch in zip(steps, parameters.batch_sizes, strict=True)
    )


def test_every_parameter_is_described():
    assert all(info.description for info in Parameters.model_fields.values())


def test_preset_is_the_given_one_then_the_environments_then_demo(monkeypatch):
    assert start(preset="demo").parameters.preset == "demo"
    assert start(preset=None).parameters.preset == "smoke"
    monkeypatch.delenv("SEMPAL_PRESET")
    assert runs.resolve(CHAPTER, {}).preset == "demo"


def test_none_means_the_presets_value():
    run = start(seed=None, height=None, learning_rate=1)
    assert run.parameters.seed == 0
    assert run.parameters.height == 8
    assert run.parameters.learning_rate == 1.0  # a whole number will do for a number


def test_parameters_are_frozen():
    run = start()
    with pytest.raises(ValueError, match="frozen"):
        run.parameters.seed = 3
    assert isinstance(run.parameters.batch_sizes, tuple)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": "3"}, r"seed = '3' is not possible: allowed is a whole number from 0"),
        ({"seed": True}, r"seed = True is not possible: allowed is a whole number"),
        ({"seed": 1.0}, r"seed = 1.0 is not possible"),
        ({"seed": -1}, r"seed = -1 .* from 0 to 4294967295"),
        ({"ema": 1}, r"ema = 1 is not possible: allowed is True or False"),
        ({"learning_rate": 0}, r"learning_rate = 0 .* a number above 0 to 1"),
        ({"learning_rate": True}, r"learning_rate = True is not possible"),
        ({"learning_rate": float("nan")}, r"learning_rate = nan is not possible"),
        ({"learning_rate": "1e-3"}, r"write 0.001 or 1.0e-3"),
        ({"activation": "relu"}, r"activation = 'relu' .* 'saa' or 'softmax'"),
        ({"device": "gpu"}, r"allowed is 'auto' or 'cpu' or 'cuda'"),
        ({"train_scenes": 0}, r"a whole number from 1 or None"),
        ({"batch_sizes": "[8, 8]"}, r"a list of whole numbers .* by -y 'batch_sizes: \[8, 8\]'"),
        ({"batch_sizes": [8, "8"]}, r"batch_sizes = \[8, '8'\] is not possible"),
        ({"batch_sizes": [8, True]}, r"batch_sizes = \[8, True\] is not possible"),
        ({"batch_sizes": [8, 0]}, r"whole numbers from 1"),
        ({"batch_sizes": {"a": 1}}, r"batch_sizes = {'a': 1} is not possible"),
        ({"dataset": "../other"}, r"lower-case letters"),
        ({"dataset": object()}, r"dataset = <object"),
        ({"height": 12}, r"height = 12 is no power of two"),
        ({"height": 4}, r"from 8 to 1024"),
        ({"height": 32}, r"batch_sizes has 2 values, but height = 32 has 4 resolutions \(4, 8, 16, 32 px\)"),
        ({"batch_sizes": [8]}, r"batch_sizes has 1 values, but height = 8 has 2 resolutions"),
        ({"phase_images": [4, 64]}, r"phase_images has 4 at 4 px, less than a batch: give at least 8"),
        ({"devices": 3}, r"batch_sizes has 8 at 4 px, no multiple of devices = 3"),
        ({"max_components": 64}, r"64 Gaussians cannot be fitted to train_scenes = 48"),
        ({"preset": "smok"}, r"unknown preset 'smok': there are demo, gpu, paper, smoke"),
        ({"preset": 0}, r"unknown preset 0"),
    ],
    ids=str,
)
def test_impossible_value_stops_the_start_and_writes_nothing(given, message, runs_in_tmp):
    with pytest.raises(RunError, match=message):
        start(**given)
    assert not runs_in_tmp.exists()


def test_fault_says_where_the_value_comes_from(monkeypatch, tmp_path):
    with pytest.raises(RunError, match=r"comes from the notebook's first cell, or papermill's -p, -y or -f"):
        start(seed="3")
    mine = {**runs.preset_values("smoke"), "preset": "mine", "samples": "many"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine))
    monkeypatch.setattr(parameters_module, "presets_folder", lambda: tmp_path)
    with pytest.raises(RunError, match=r"samples = 'many'.* comes from runs/presets/mine.yaml"):
        start(preset="mine")


def test_all_faults_are_told_at_once():
    with pytest.raises(RunError, match=r"(?s)seed = '3'.*ema = 1"):
        start(seed="3", ema=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.pop("samples"), r"gives no value for samples"),
        (lambda values: values.update(sample=3), r"unknown parameter 'sample' .* did you mean 'samples'"),
        (lambda values: values.update(preset="other"), r"with 'preset: mine' among them"),
    ],
)
def test_faulty_preset_file(change, message, monkeypatch, tmp_path):
    values = {**runs.preset_values("smoke"), "preset": "mine"}
    change(values)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.setattr(parameters_module, "presets_folder", lambda: tmp_path)
    with pytest.raises(RunError, match=message):
        runs.preset_values("mine")


def test_cuda_where_there_is_none(monkeypatch, runs_in_tmp):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RunError, match=r"torch sees 0 CUDA devices here: choose device = 'cpu' or 'auto'"):
        start(device="cuda")
    assert not runs_in_tmp.exists()


# A notebook's globals


def test_unknown_name_gets_the_nearest_and_the_list():
    with pytest.raises(RunError, match=r"unknown parameter 'batchsize' for 05_semantic_palette: did you") as error:
        start(batchsize=[8, 8])
    assert "did you mean 'batch_sizes'? The parameters are activation, batch_sizes, channels_last" in str(error.value)
    with pytest.raises(RunError, match=r"unknown parameter 'xyzzy' for 05_semantic_palette\. The parameters are"):
        start(xyzzy=1)


def test_what_is_no_plain_data_is_no_parameter():
    namespace = {"_hidden": 1, "In": ["x"], "Out": {}, "os": os, "Run": Run, "exit": object(), "seed": 2}
    assert Run.start(CHAPTER, namespace).parameters.seed == 2


def test_cell_run_again_ignores_the_chapters_own_variables():
    namespace = {"seed": 1}
    namespace["run"] = Run.start(CHAPTER, namespace)
    namespace |= {"kl": 0.1, "rows": [], "device": object()}
    assert Run.start(CHAPTER, namespace).parameters.seed == 1
    with pytest.raises(RunError, match=r"did you mean 'batch_sizes'.* also say: del batch_size"):
        Run.start(CHAPTER, {**namespace, "batch_size": [4, 4]})


# Folders


def test_folder_is_preset_chapter_dataset_seed_hash(runs_in_tmp):
    run = start(seed=7)
    assert run.folder.parent == runs_in_tmp / "smoke" / CHAPTER
    assert re.fullmatch(r"toy-street-s7-[0-9a-f]{8}", run.folder.name)
    assert run.checkpoint.parent == run.folder
    assert json.loads((run.folder / "parameters.json").read_text())["seed"] == 7


def test_run_folder_tells_the_same_and_makes_nothing(runs_in_tmp):
    told = runs.run_folder(CHAPTER, "smoke", {"seed": 7, "samples": 32})
    assert not runs_in_tmp.exists()
    assert told == start(seed=7, samples=32).folder
    assert runs.run_folder(CHAPTER, "smoke", {}, root=Path("other")).parts[:2] == ("other", "smoke")


CHANGED = {
    "dataset": "camvid", "seed": 1, "height": 16, "train_scenes": 40, "val_scenes": 20, "batch_sizes": [4, 8],
    "phase_images": [64, 72], "max_channels": 4, "latent_dim": 8, "learning_rate": 0.01, "max_components": 1,
    "samples": 32, "iterations": 2, "activation": "softmax", "fusion": False, "multi_scale": False,
    "soft_real": False, "palette_source": "real", "ema": False, "released": True, "precision": "bf16-mixed",
}  # fmt: skip
SAME_RESULT = {
    "data_root": "/data/x", "device": "cpu", "devices": 2, "compile": True, "channels_last": True,
    "checkpoint_seconds": 5,
}  # fmt: skip


def test_two_configurations_never_share_a_folder():
    assert {*CHANGED, *SAME_RESULT, "preset"} == set(Parameters.model_fields)
    longer = {"batch_sizes": [8, 8, 8], "phase_images": [64, 64, 64]}
    folders = [runs.run_folder(CHAPTER, "smoke", {})]
    for name, value in CHANGED.items():
        folders.append(runs.run_folder(CHAPTER, "smoke", {name: value, **(longer if name == "height" else {})}))
    folders.append(runs.run_folder("06_ablation", "smoke", {}))
    assert len(set(folders)) == len(folders)


def test_where_and_how_fast_does_not_change_the_folder():
    plain = runs.run_folder(CHAPTER, "smoke", {})
    for name, value in SAME_RESULT.items():
        assert runs.run_folder(CHAPTER, "smoke", {name: value}) == plain


@pytest.mark.parametrize("name", ["parameters.json", "record.json"])
def test_folder_of_another_configuration_is_left_alone(name):
    run, _ = finished()
    path = run.folder / name
    content = json.loads(path.read_text())
    content.get("parameters", content)["samples"] = 47
    path.write_text(json.dumps(content))
    before = files(run.folder)
    with pytest.raises(RunError, match=r"another configuration \(samples = 47 there, 48 now\).*move that folder"):
        start()
    assert files(run.folder) == before


def test_folder_of_another_data_root_is_left_alone(tmp_path):
    start(data_root=str(tmp_path / "a"))
    with pytest.raises(RunError, match=r"data_root = 'a' there, 'b' now"):
        start(data_root=str(tmp_path / "b"))
    start(data_root=str(tmp_path / "elsewhere" / "a"))


def test_damaged_parameters_file_is_named():
    run = start()
    (run.folder / "parameters.json").write_text("{")
    with pytest.raises(RunError, match=r"cannot read .*parameters.json.*move its folder away"):
        start()


def test_failing_start_does_not_touch_a_finished_record():
    run, _ = finished()
    before = files(run.folder)
    for fault in ({"seed": "0"}, {"sede": 0}, {"height": 12}):
        with pytest.raises(RunError):
            start(**fault)
    start()  # nor does one that succeeds and is then broken off
    assert files(run.folder) == before


@pytest.mark.parametrize("chapter", ["../05", "05 x", "book/05_semantic_palette.ipynb"])
def test_chapter_must_be_a_name(chapter):
    with pytest.raises(RunError, match="is no chapter's name"):
        Run.start(chapter, {})


# Records


def test_record_holds_all_that_it_should(tmp_path):
    run, record = finished(data_root=str(tmp_path / "secret" / "bundle"), seed=3)
    assert json.loads((run.folder / "record.json").read_text()) == record
    assert record["parameters"]["data_root"] == "bundle"
    assert str(tmp_path) not in json.dumps(record)
    assert set(record["parameters"]) == set(Parameters.model_fields)
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
    assert start(seed=2).siblings() == [first, second]
    assert start(seed=1).siblings() == [first]


def test_siblings_of_other_code_do_not_count():
    run, record = finished(seed=0)
    (run.folder / "record.json").write_text(json.dumps({**record, "code": "0" * 64}))
    assert start(seed=1).siblings() == []


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
    (tmp_path / "figures.py").write_text("z = 1\n")
    first = records.code_hash()
    (tmp_path / "figures.py").write_text("z = 2\n")
    assert records.code_hash() == first
    assert not runs.is_stale({"code": first})
    (tmp_path / "sub" / "b.py").write_text("y = 2\n")
    second = records.code_hash()
    assert second != first
    assert runs.is_stale({"code": first})
    (tmp_path / "a.py").rename(tmp_path / "c.py")
    assert records.code_hash() not in (first, second)


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
    (run.folder / "old.png").write_bytes(b"x")
    target, _ = runs.keep(run.folder, tmp_path / "reference")
    (run.folder / "old.png").unlink()
    runs.keep(run.folder, tmp_path / "reference")
    assert [path.name for path in target.iterdir()] == ["record.json"]
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("given", [{"dataset": "camvid"}, {"dataset": "toy-street", "data_root": "somewhere"}])
def test_of_real_data_only_the_record_is_kept(given, tmp_path):
    run, _ = finished(**given)
    for name in ("generator.safetensors", "samples.png"):
        (run.folder / name).write_bytes(b"x")
    target, left = runs.keep(run.folder, tmp_path / "reference")
    assert [path.name for path in target.iterdir()] == ["record.json"]
    assert left == ["generator.safetensors", "samples.png"]


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


def test_reference_run_is_the_tallest_with_weights_then_the_latest(tmp_path):
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
    tall = kept("2026-01-01", preset="demo")
    assert runs.reference_run(CHAPTER, "toy-street", root=reference) == tall
    assert runs.reference_run(CHAPTER, "toy-street", preset="smoke", root=reference) == later
    assert runs.reference_run(CHAPTER, "camvid", root=reference) is None


def test_missing_checkpoint_says_the_command_that_makes_it():
    run = start(seed=3, batch_sizes=[4, 8])
    with pytest.raises(RunError, match="this chapter builds on 03_semgan") as error:
        runs.require_checkpoint("03_semgan", run.parameters)
    assert str(error.value).endswith(
        "papermill book/03_semgan.ipynb out.ipynb -f runs/presets/smoke.yaml -y 'seed: 3' -y 'batch_sizes: [4, 8]'"
    )
    (run.folder / "generator.safetensors").write_bytes(b"x")
    assert runs.require_checkpoint(CHAPTER, run.parameters) == run.folder / "generator.safetensors"


# The command line and papermill


def test_show_prints_and_runs_nothing(capsys, runs_in_tmp):
    assert runs.main(["show", CHAPTER, "seed=3", "batch_sizes=[4,8]"]) == 0
    shown = capsys.readouterr().out
    values = yaml.safe_load(shown)
    assert values["batch_sizes"] == [4, 8]
    assert set(values) == set(Parameters.model_fields)
    assert str(runs.run_folder(CHAPTER, "smoke", {"seed": 3, "batch_sizes": [4, 8]})) in shown
    assert not runs_in_tmp.exists()
    assert runs.main(["show", CHAPTER, "seeds=3"]) == 1
    assert "did you mean 'seed'" in capsys.readouterr().err


def test_keep_and_gather_from_the_command_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "reference_root", lambda: tmp_path / "reference")
    run, _ = finished()
    assert runs.main(["keep", str(run.folder)]) == 0
    assert runs.main(["gather"]) == 0
    assert (tmp_path / "reference" / "results.csv").exists()
    assert runs.main(["keep", str(tmp_path)]) == 1
    assert "no record.json" in capsys.readouterr().err


def test_import_takes_no_torch():
    code = "import sys, sempal_lib.runs as runs; runs.run_folder('05_x', 'smoke', {}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


@pytest.fixture
def notebook(tmp_path):
    """A tiny chapter: parameters, start, a measurement."""
    book = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )
    book.cells = [
        nbformat.v4.new_code_cell("preset = None\nseed = None", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(f"from sempal_lib.runs import Run\nrun = Run.start({CHAPTER!r}, globals())"),
        nbformat.v4.new_code_cell(
            "run.measure('semantic-palette', 'full', 'fsd', 1.0, n=2, split='val')\nrun.finish();"
        ),
    ]
    path = tmp_path / "chapter.ipynb"
    nbformat.write(book, path)
    return path


def papermilled(notebook: Path, **given) -> None:
    out = notebook.with_name("out.ipynb")
    papermill.execute_notebook(notebook, out, parameters=given, progress_bar=False, kernel_name="python3")


def test_papermill_with_a_whole_preset_and_an_override(notebook, runs_in_tmp):
    papermilled(notebook, **{**runs.preset_values("smoke"), "seed": 5})
    (path,) = runs_in_tmp.rglob("record.json")
    assert path.parent == runs.run_folder(CHAPTER, "smoke", {"seed": 5})
    assert records.read_record(path)["metrics"][0]["value"] == 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batchsize": [8, 8]}, "unknown parameter 'batchsize' for 05_semantic_palette: did you mean 'batch_sizes'?"),
        ({"seed": "three"}, "seed = 'three' is not possible: allowed is a whole number from 0 to 4294967295"),
    ],
    ids=str,
)
def test_papermill_stops_at_the_first_cell(notebook, runs_in_tmp, given, message):
    with pytest.raises(papermill.PapermillExecutionError) as error:
        papermilled(notebook, **given)
    assert message in str(error.value)
    assert error.value.source.startswith("from sempal_lib.runs import Run")
    assert not runs_in_tmp.exists()
