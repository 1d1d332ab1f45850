"""toy-street: its statistics, its geometry, and that its known factors are what one sees."""

import numpy as np
import pytest
import torch

from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.palettes import palette_of
from sempal_lib.worlds.street import ToyStreet, draw
from sempal_lib.worlds.street.town import Town

INDEX = {name: i for i, name in enumerate(CITYSCAPES_19.names)}
# Mean share of the pixels over 300 scenes, and by how much it may be off; Cityscapes' shares are beside them.
SHARES = {
    "road": (0.369, 0.02),  # 0.369
    "sidewalk": (0.050, 0.012),  # 0.061
    "building": (0.212, 0.03),  # 0.228
    "wall": (0.006, 0.004),  # 0.007
    "fence": (0.007, 0.004),  # 0.009
    "pole": (0.012, 0.003),  # 0.012
    "traffic light": (0.0015, 0.0008),  # 0.002
    "traffic sign": (0.0052, 0.0015),  # 0.006
    "vegetation": (0.173, 0.03),  # 0.159
    "terrain": (0.0104, 0.005),  # 0.012
    "sky": (0.057, 0.015),  # 0.040
    "person": (0.011, 0.004),  # 0.012
    "rider": (0.0013, 0.001),  # 0.001
    "car": (0.071, 0.018),  # 0.070
    "truck": (0.003, 0.002),  # 0.003
    "bus": (0.004, 0.0025),  # 0.002
    "train": (0.0024, 0.002),  # 0.002
    "motorcycle": (0.0011, 0.0008),  # 0.001
    "bicycle": (0.0035, 0.0015),  # 0.004
}


@pytest.fixture(scope="module")
def layouts():
    scenes = ToyStreet(length=300)
    return torch.stack([scenes.layout(i) for i in range(300)])


@pytest.fixture(scope="module")
def items():
    scenes = ToyStreet(size=(128, 256), length=40)
    return [scenes[i] for i in range(40)]


def test_class_shares(layouts):
    mean = palette_of(layouts.long(), 19).mean(dim=0)
    assert mean.sum() == pytest.approx(1, abs=1e-5)  # every pixel has a class
    for name, (share, tolerance) in SHARES.items():
        assert mean[INDEX[name]].item() == pytest.approx(share, abs=tolerance), name


def test_every_class_occurs_and_rare_ones_are_rare(layouts):
    present = (palette_of(layouts.long(), 19) > 0).float().mean(dim=0)
    assert (present > 0.02).all()
    assert present[INDEX["bus"]].item() == pytest.approx(0.1, abs=0.04)
    assert present[INDEX["train"]] < 0.1
    assert present[INDEX["road"]] == 1


def test_palettes_have_more_than_one_mode(layouts):
    palettes = palette_of(layouts.long(), 19)
    # Streets of houses and streets of trees both occur often, and with little of the other.
    houses = palettes[:, INDEX["building"]] - palettes[:, INDEX["vegetation"]]
    assert (houses > 0.2).float().mean() > 0.2
    assert (houses < -0.1).float().mean() > 0.15
    assert palettes[:, INDEX["building"]].std() > 0.1


def test_riders_ride(items):
    riders = 0
    for item in items:
        for thing in item["instances"][item["layout"] == INDEX["rider"]].unique():
            rows, columns = torch.nonzero(item["instances"] == thing, as_tuple=True)
            if len(rows) < 30 or rows.max() - rows.min() < 12:
                continue  # too far off, or hidden, to see on what
            around = item["layout"][rows.min() : rows.max() + 12, max(columns.min() - 3, 0) : columns.max() + 4]
            assert ((around == INDEX["bicycle"]) | (around == INDEX["motorcycle"])).any()
            riders += 1
    assert riders >= 3


def test_image_shows_what_the_layout_says(items):
    """Classes have their own looks: leaves are green."""
    greens = []
    for item in items:
        leaves = item["image"][:, item["layout"] == INDEX["vegetation"]]
        if leaves.shape[1] > 500 and item["style"]["autumn"] == 0 and item["style"]["sun_elevation"] > 15:
            greens.append(leaves.mean(dim=1))
    greens = torch.stack(greens).mean(dim=0)
    assert greens[1] > greens[0]
    assert greens[1] > greens[2]


def test_night_is_darker_than_noon(items):
    dusk = [item["image"].mean() for item in items if item["style"]["sun_elevation"] < -2]
    noon = [item["image"].mean() for item in items if item["style"]["sun_elevation"] > 20]
    assert sum(dusk) / len(dusk) < sum(noon) / len(noon) - 0.1


def test_crowded_scenes_are_drawn_alike():
    """Beyond 254 parts the drawing is made in integers, not bytes: every part twice is the same picture."""
    parts = Town(ToyStreet().random(0, 0)).parts
    canvas, drawn = draw(parts, 64)
    labels = np.concatenate([[10, 9], parts.rows[:, 0]])[drawn][canvas]
    for name in ("points", "corners", "rows"):
        setattr(parts, name, np.repeat(getattr(parts, name), 3, axis=0))
    crowded, drawn = draw(parts, 64)
    assert canvas.dtype == np.uint8
    assert len(drawn) > 256
    assert crowded.dtype == np.int32
    assert np.array_equal(np.concatenate([[10, 9], parts.rows[:, 0]])[drawn][crowded], labels)
