"""Runs: where a run goes, what it overwrites, and what papermill makes of a fault."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
import torch
import yaml
from run_helpers import CHAPTER, files, finished, isolated, start  # noqa: F401

from sempal_lib import records, runs, training
from sempal_lib.parameters import ImageParameters, LayoutParameters, presets_folder, resolve
from sempal_lib.runs import Run, RunError
from sempal_lib.training import checkpoint


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
    "phase_images": [64, 72], "max_channels": 4, "channel_base": 8, "latent_dim": 8, "learning_rate": 0.01,
    "floor": False, "max_components": 1,
    "samples": 32, "iterations": 2, "activation": "softmax", "fusion": False, "multi_scale": False,
    "soft_real": False, "palette_source": "real", "palette_input": False, "conditional_weight": 0.5,
    "matching_weight": 1.0, "wide_share": 0.5, "palette_judge": True, "ema": False, "released": True,
    "precision": "bf16-mixed",
}  # fmt: skip
SAME_RESULT = {
    "data_root": "/data/x", "device": "cpu", "devices": 2, "compile": True, "channels_last": True,
    "checkpoint_seconds": 5,
}  # fmt: skip


def test_two_configurations_never_share_a_folder():
    assert {*CHANGED, *SAME_RESULT, "preset"} == set(LayoutParameters.model_fields)
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


# What a chapter needs of another one


def tuning(**changes):
    return resolve("09_end_to_end", {"preset": "smoke", **changes})


@pytest.mark.parametrize("chapter", ["07_painting_by_layout", "08_judging_with_a_segmenter"])
def test_a_derived_family_hands_its_values_on(chapter):
    """The synthesizer that is tuned is the one that a run with the same settings trains."""
    changes = {"seed": 3, "height": 32, "ngf": 6, "steps": 5, "precision": "bf16-mixed", "devices": 2}
    theirs = runs.parameters_for(chapter, tuning(tuning_steps=7, **changes))
    assert type(theirs) is ImageParameters
    assert theirs == resolve(chapter, {"preset": "smoke", **changes})
    assert runs.parameters_for(chapter, theirs) == theirs
    folder = runs.run_folder(chapter, "smoke", changes)
    with pytest.raises(RunError, match=re.escape(f"whose gaugan.safetensors is not in {folder}")) as error:
        runs.require_checkpoint(chapter, tuning(**changes), "gaugan.safetensors")
    assert "-y 'ngf: 6'" in str(error.value)
    folder.mkdir(parents=True)
    (folder / "gaugan.safetensors").touch()
    found = runs.require_checkpoint(chapter, tuning(tuning_steps=9, **changes), "gaugan.safetensors")
    assert found == folder / "gaugan.safetensors"


@pytest.mark.parametrize("chapter", ["04_sb_gan_layouts", "05_semantic_palette"])
def test_another_family_takes_the_presets_values(chapter):
    """For the same data and seed, on the same machine."""
    shared = {"seed": 3, "dataset": "toy-rooms", "data_root": "/data/x", "devices": 2, "device": "cpu"}
    theirs = runs.parameters_for(chapter, tuning(height=64, latent_dim=9, learning_rate=0.3, samples=6, **shared))
    assert type(theirs) is LayoutParameters
    assert theirs == resolve(chapter, {"preset": "smoke", **shared})
    assert theirs.height == resolve(chapter, {"preset": "smoke"}).height != 64


def test_a_family_has_nothing_of_those_derived_from_it():
    images = resolve("07_painting_by_layout", {"preset": "smoke", "seed": 4, "ngf": 6})
    theirs = runs.parameters_for("09_end_to_end", images)
    assert theirs == tuning(seed=4)  # an image run has no steps of tuning: all is the preset's


def test_a_training_that_another_chapter_did_is_copied_once(runs_in_tmp):
    """Chapter 5's floor is a network of chapter 4; only a finished run lends it."""
    run = start(seed=2, samples=40)
    wanted = "04_sb_gan_layouts", "checkpoint-soft.safetensors", "checkpoint-unconditional.safetensors"
    theirs = runs.run_folder("04_sb_gan_layouts", "smoke", {"seed": 2, "samples": 40})
    theirs.mkdir(parents=True)
    (theirs / wanted[1]).write_bytes(b"weights")
    assert run.borrow(*wanted) == run.folder / wanted[2]
    assert not (run.folder / wanted[2]).exists()  # it may be training still
    (theirs / "record.json").write_text("{}")
    assert run.borrow(*wanted).read_bytes() == b"weights"
    (theirs / wanted[1]).write_bytes(b"others")
    assert run.borrow(*wanted).read_bytes() == b"weights"
    assert not list(run.folder.glob(".*"))


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
    with pytest.raises(RunError, match=r"is no chapter's name|unknown chapter"):
        Run.start(chapter, {})


# The command line and papermill


def test_show_prints_and_runs_nothing(capsys, runs_in_tmp):
    assert runs.main(["show", CHAPTER, "seed=3", "batch_sizes=[4,8]"]) == 0
    shown = capsys.readouterr().out
    values = yaml.safe_load(shown)
    assert values["batch_sizes"] == [4, 8]
    assert set(values) == set(LayoutParameters.model_fields)
    assert str(runs.run_folder(CHAPTER, "smoke", {"seed": 3, "batch_sizes": [4, 8]})) in shown
    assert not runs_in_tmp.exists()
    assert runs.main(["show", CHAPTER, "seeds=3"]) == 1
    assert "did you mean 'seed'" in capsys.readouterr().err
    for arguments, message in (
        (["05_semantic_palete"], "did you mean '05_semantic_palette'?"),
        ([CHAPTER, "seed"], "'seed' gives no value: write seed=…"),
        ([CHAPTER, "batch_sizes=[4"], "is no value that YAML knows"),
    ):
        assert runs.main(["show", *arguments]) == 1
        assert message in capsys.readouterr().err


def test_keep_and_gather_from_the_command_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "reference_root", lambda: tmp_path / "reference")
    run, _ = finished()
    assert runs.main(["keep", str(run.folder)]) == 0
    assert runs.main(["gather"]) == 0
    assert (tmp_path / "reference" / "results.csv").exists()
    assert runs.main(["keep", str(tmp_path)]) == 1
    assert "no record.json" in capsys.readouterr().err


def test_import_takes_no_torch():
    code = "import sys, sempal_lib.runs as r; r.run_folder('03_semgan', 'smoke', {}); sys.exit('torch' in sys.modules)"
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
    # The first cell names the seed; any other setting may be passed too.
    given = {"seed": 5, "conditional_weight": 0.5}
    papermilled(notebook, **yaml.safe_load((presets_folder() / "smoke.yaml").read_text()) | given)
    (path,) = runs_in_tmp.rglob("record.json")
    assert path.parent == runs.run_folder(CHAPTER, "smoke", given)
    assert records.read_record(path)["parameters"]["conditional_weight"] == 0.5
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


# Seconds


def test_seconds_of_trainings_that_were_found_ready_count(runs_in_tmp):
    """All stretches of each training in the folder; a borrowed one; none that was moved aside; no weights' file."""
    theirs = runs.run_folder("04_sb_gan_layouts", "smoke", {})
    theirs.mkdir(parents=True)
    (theirs / "record.json").write_text("{}")
    facts = {"configuration": {"code": "c" * 12, "data": "d" * 12, "data_set": "x"}, "step": 3, "history": []}
    tensors = {"x": torch.zeros(3)}
    checkpoint.save(theirs / "checkpoint-soft.safetensors", tensors, {**facts, "seconds": 32.0})
    run = start()
    checkpoint.save(run.checkpoint, tensors, {**facts, "seconds": 300.5})
    aside = run.folder / f"checkpoint-{'c' * 12}-{'d' * 12}.safetensors"
    checkpoint.save(aside, tensors, {**facts, "seconds": 1000.0})
    checkpoint.save(run.folder / "generator.safetensors", tensors, {"kind": "layout"})
    (run.folder / "other.safetensors").write_bytes(b"x")
    (run.folder / "longer.safetensors").write_bytes(b"no header of a safetensors file")
    assert run.finish()["seconds"] == 300.5
    run.borrow("04_sb_gan_layouts", "checkpoint-soft.safetensors", "checkpoint-unconditional.safetensors")
    record = start().finish()
    assert record["seconds"] == 332.5
    assert 0 <= record["wall_seconds"] < 60


def test_seconds_of_a_training_in_two_stretches_and_a_run_that_finds_it_ready():
    run = start(train_scenes=24, val_scenes=8)
    data = training.layout_data(run.parameters)
    first = training.layouts.layout_training(run.parameters, data, run.checkpoint)
    for _ in first:
        first.save()
        break
    second = training.train(run.parameters, data, run.checkpoint)
    assert second.seconds > first.seconds > 0
    assert run.finish()["seconds"] == second.seconds
    again = start(train_scenes=24, val_scenes=8)
    training.train(again.parameters, data, again.checkpoint)
    assert again.finish()["seconds"] == second.seconds


def test_of_a_run_without_a_training_all_seconds_count():
    record = start().finish()
    assert 0 < record["seconds"] == pytest.approx(record["wall_seconds"], abs=0.1)
