"""From parameters to a trained generator: sizes, devices, outdated checkpoints."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from sempal_lib import training
from sempal_lib.parameters import resolve
from sempal_lib.training import layouts


def parameters(**changes):
    smoke = {"preset": "smoke", "train_scenes": 24, "val_scenes": 8, "device": "cpu"}
    return resolve("05_semantic_palette", smoke | changes)


@pytest.fixture(scope="module")
def data():
    return training.layout_data(parameters())


def test_data_of_a_run(data):
    assert data.layouts.shape == (24, 8, 16)
    assert data.held_out.shape == (8, 8, 16)
    assert data.palettes.shape == (24, 19)
    torch.testing.assert_close(data.held_out_palettes.sum(1), torch.ones(8))
    assert data.mixture.num_classes == 19


def bundle(folder, width, classes=2):
    """A bundle of six scenes, one of which has ignored pixels only."""
    (folder / "splits").mkdir(parents=True)
    facts = {"name": "tiny", "num_classes": classes, "ignore_index": 255, "splits": {"train": 4, "val": 2}}
    facts["classes"] = [{"index": i, "name": f"c{i}", "color": [i, i, i]} for i in range(classes)]
    (folder / "classes.json").write_text(json.dumps(facts))
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for i in range(6):
        labels = np.full((16, width), 255 if i == 0 else i % classes, np.uint8)
        Image.fromarray(labels).save(folder / "labels" / f"{i}.png")
        Image.fromarray(np.zeros((16, width, 3), np.uint8)).save(folder / "images" / f"{i}.jpg")
    (folder / "splits" / "train.txt").write_text("0\n1\n2\n3\n")
    (folder / "splits" / "val.txt").write_text("4\n5\n")


@pytest.mark.parametrize(("width", "expected"), [(16, 8), (32, 16)])
def test_width_follows_the_data_and_empty_layouts_are_left_out(tmp_path, width, expected):
    bundle(tmp_path / "tiny", width)
    data = training.layout_data(parameters(dataset="tiny", data_root=str(tmp_path / "tiny"), max_components=1))
    assert data.size == (8, expected)
    assert len(data.layouts) == len(data.palettes) == 3


def test_the_floor_sees_no_palette(data):
    run = layouts.layout_training(parameters(), data, conditional=False)
    z, t = torch.randn(4, 16), data.palettes[:4]
    assert torch.equal(run.generator.generate(z, t), run.generator.generate(z, t.flip(0)))
    assert run.settings.conditional_weight == 0


def test_first_weights_follow_the_seed_alone(data):
    torch.manual_seed(1)
    first = layouts.layout_training(parameters(), data).generator.state_dict()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = layouts.layout_training(parameters(), data).generator.state_dict()
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert torch.equal(state, torch.get_rng_state())  # the caller's random numbers are left alone
    other = layouts.layout_training(parameters(seed=1), data).generator.state_dict()
    assert not torch.equal(first["blocks.0.linear.weight"], other["blocks.0.linear.weight"])


@pytest.mark.parametrize("what", ["code", "data"])
def test_an_outdated_checkpoint_is_kept_aside(data, tmp_path, monkeypatch, what):
    path = tmp_path / "checkpoint.safetensors"
    training.train(parameters(), data, path)
    before, now = path.read_bytes(), layouts.provenance(data, layouts._CODE)
    monkeypatch.setattr(layouts, "provenance", lambda data, code: now | {what: "0123456789ab"})
    with pytest.warns(UserWarning, match=f"trained by other {what} than today's: kept as checkpoint-.*starts afresh"):
        run = layouts.layout_training(parameters(), data, path)
    assert run.step == 0
    (aside,) = tmp_path.glob("checkpoint-*.safetensors")
    assert aside.read_bytes() == before


def test_provenance_knows_the_data(data):
    from dataclasses import replace

    changed = data.layouts.clone()
    changed[0, 0, 0] = (changed[0, 0, 0] + 1) % 19
    first, second = (layouts.provenance(x, layouts._CODE) for x in (data, replace(data, layouts=changed)))
    assert first["data"] != second["data"]
    assert first["code"] == second["code"]


def test_progress_bar_passes_reports_on(data, capsys):
    run = layouts.layout_training(parameters(), data)
    reports = list(training.progress_bar(run))
    assert reports[-1].step == run.steps
    shown = capsys.readouterr().err
    assert "8 px, stage 2, fade 1.00" in shown
    assert "samples/s" in shown


def test_released_keeps_no_average(data):
    run = layouts.layout_training(parameters(released=True), data)
    assert run.averaged is run.generator
    assert "averaged" not in run.networks
    assert layouts.progressive_settings(parameters()).ema_images > 0
