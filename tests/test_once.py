"""Networks that are trained once: which run gets which, what is committed, and how well it reads."""

import hashlib
import json
import math
from pathlib import Path

import pytest
import torch
from run_helpers import bundle, isolated  # noqa: F401

from sempal_lib import training
from sempal_lib.data_folders import fingerprint
from sempal_lib.parameters import resolve
from sempal_lib.records import MAX_WEIGHTS, PROCEDURAL, reference_root
from sempal_lib.training import once, setup

FOLDERS = [reference_root() / f"{role}s" for role in (*once.ROLES, "own-painter")]
COMMITTED = sorted(path for folder in FOLDERS for path in folder.glob("*.safetensors"))


@pytest.fixture(autouse=True)
def nothing_committed(tmp_path, monkeypatch):
    """Committed networks are taken from a folder of the test's own, empty at first."""
    monkeypatch.setattr(once, "reference_root", lambda: tmp_path / "reference")
    fingerprint.cache_clear()
    return tmp_path / "reference"


def parameters(**changes):
    return resolve("07_painting_by_layout", {"preset": "smoke", "device": "cpu", "height": 8} | changes)


def equal(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.safetensors") if path.parent.name != "worlds")


def test_every_seed_has_the_same_judge(runs_in_tmp, monkeypatch):
    first = training.segmenter_for(parameters(seed=0))
    monkeypatch.setattr(once, "once_training", None)  # a second one would fail
    assert equal(first, training.segmenter_for(parameters(seed=5, steps=9, train_scenes=8, segmenter_steps=7)))
    assert len(files(runs_in_tmp)) == 1  # and nothing of its training is left


@pytest.mark.parametrize("change", [{"height": 16}, {"once_steps": 5}, {"once_scenes": 30}])
def test_what_makes_another_judge(change):
    first, second = training.segmenter_for(parameters()), training.segmenter_for(parameters(**change))
    assert not equal(first, second)


def test_judge_and_eye_share_neither_scenes_nor_weights():
    p = parameters()
    seen = [training.scene_set(once.once_parameters(p, role)) for role in ("judge", "eye")]
    ours = training.scene_set(p)
    assert not any(torch.equal(a, b) for a in seen[0].images for b in seen[1].images)
    for scenes in seen:  # nor those of a run, seen or held out
        assert not any(torch.equal(a, b) for a in scenes.images for b in (*ours.images, *ours.held_out_images))
    judge, eye = (training.segmenter_for(p, role) for role in ("judge", "eye"))
    assert judge.settings.stem_stride == 1 < eye.settings.stem_stride
    assert not judge.training


def test_other_data_of_one_name_have_another_judge(tmp_path):
    pair = [bundle(tmp_path / name / "tiny", value=value) for value, name in enumerate("ab")]
    one, other = (training.segmenter_for(parameters(dataset="tiny", data_root=str(folder))) for folder in pair)
    assert not equal(one, other)
    (note,) = {json.loads(path.read_text())["scenes"] for path in (tmp_path / "runs" / "judges").glob("*.json")}
    assert note == 8  # all of its training split, whatever the run takes


def test_a_committed_one_is_taken_whatever_the_run_would_train(nothing_committed, runs_in_tmp):
    kept = training.segmenter_for(parameters(), commit=True)
    assert files(nothing_committed) == ["toy-street-8x16.safetensors"]
    assert equal(kept, training.segmenter_for(parameters(once_steps=500_000, seed=3)))
    assert files(runs_in_tmp) == []
    # Of another kind, or at another size, it is no judge.
    assert parameters(segmenter="resnet101").segmenter == "resnet101"
    assert not equal(kept, training.segmenter_for(parameters(height=16)))
    note = json.loads((nothing_committed / "judges" / "toy-street-8x16.json").read_text())
    note["recipe"]["segmenter"] = "resnet101"
    (nothing_committed / "judges" / "toy-street-8x16.json").write_text(json.dumps(note))
    assert equal(training.segmenter_for(parameters()), training.segmenter_for(parameters(seed=1)))
    assert len(files(runs_in_tmp)) == 2


def test_nothing_of_real_data_is_committed(tmp_path, nothing_committed):
    folder = bundle(tmp_path / "tiny")
    with pytest.raises(ValueError, match="tiny is no procedural world: what was trained on real data is not commit"):
        training.segmenter_for(parameters(dataset="tiny", data_root=str(folder)), commit=True)
    assert not nothing_committed.exists()


def test_a_note_tells_what_the_judge_reads(nothing_committed):
    p = parameters()
    segmenter = training.segmenter_for(p, commit=True)
    note = json.loads((nothing_committed / "judges" / "toy-street-8x16.json").read_text())
    data = training.scene_set(once.once_parameters(p, "judge"))
    assert once.held_out_scores(segmenter, data) == {key: note[key] for key in once.held_out_scores(segmenter, data)}
    assert (note["held_out"], note["scenes"], note["recipe"]["once_steps"]) == (6, 24, 4)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_committed(path):
    """Of a world, small, whole, and as its note says."""
    note = json.loads(path.with_suffix(".json").read_text())
    assert note["dataset"] in PROCEDURAL
    assert path.stat().st_size <= MAX_WEIGHTS
    assert hashlib.sha256(path.read_bytes()).hexdigest() == note["weights"]
    assert path.stem == f"{note['dataset']}-{note['size'][0]}x{note['size'][1]}"


@pytest.mark.parametrize("path", [path for path in COMMITTED if path.parent.name == "judges"], ids=lambda p: p.stem)
def test_a_committed_judge_reads_scenes_that_it_never_saw(path):
    """On 200 of them, within three standard errors of what its note says of a thousand; at 32×64 px mIoU ≥ 0.45."""
    note = json.loads(path.with_suffix(".json").read_text())
    p = parameters(dataset=note["dataset"], height=note["size"][0])
    data = training.scene_set(p.model_copy(update={"seed": 77, "train_scenes": 8, "val_scenes": 200}))
    assert setup.layout_size(p) == tuple(note["size"])
    found = once.held_out_scores(training.load_segmenter(path)[0], data)
    assert found["pixel_accuracy"] == pytest.approx(note["pixel_accuracy"], abs=0.01)
    assert found["miou"] == pytest.approx(note["miou"], abs=0.05)
    if note["dataset"] == "toy-street" and note["size"][0] >= 32:
        assert note["miou"] >= 0.45
        assert sum(iou is not None and iou < 0.01 for iou in note["class_iou"].values()) == 0
    assert not any(math.isnan(iou) for iou in note["class_iou"].values() if iou is not None)
