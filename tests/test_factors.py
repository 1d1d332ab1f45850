"""The true paints and patterns of a run's held-out scenes."""

import pytest
import torch

from sempal_lib import datasets, training
from sempal_lib.parameters import resolve


@pytest.fixture(autouse=True)
def isolated(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path))


def test_are_those_of_the_held_out_scenes_in_their_order():
    p = resolve("16_material_editing", {"preset": "smoke", "dataset": "toy-rooms", "seed": 3})
    colors, kinds = training.known_factors(p)
    data = training.scene_set(p)
    scenes = datasets.load("toy-rooms", "val", data.size, seed=3, limit=p.val_scenes)
    space = data.label_space
    assert colors.shape == (len(data.held_out), space.num_classes, 3)
    for row in (0, 5):
        style = scenes[row]["style"]
        assert torch.equal(scenes[row]["layout"], data.held_out[row].long())
        assert torch.allclose(colors[row, space.index("wall")], style["wall_color"].float())
        assert torch.allclose(colors[row, space.index("bed")], style["blanket_color"].float())
        assert kinds[row, space.index("sofa")] == style["sofa"]
    assert (kinds[:, space.index("door")] == -1).all()  # it has a colour, and no pattern
    assert (colors[:, space.index("lamp")] == -1).all()
    unlike = training.known_factors(p.model_copy(update={"seed": 4}))[0]
    assert not torch.equal(colors, unlike)


def test_of_a_world_that_names_none_there_are_none():
    assert training.known_factors(resolve("16_material_editing", {"preset": "smoke", "dataset": "toy-street"})) is None
