"""toy-street: its statistics, its geometry, and that its known factors are what one sees."""

import numpy as np
import pytest
import torch

from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.worlds import ToyStreet
from sempal_lib.worlds.street.town import Town

INDEX = {name: i for i, name in enumerate(CITYSCAPES_19.names)}


@pytest.fixture(scope="module")
def palettes():
    return ToyStreet().class_shares(300)


@pytest.fixture(scope="module")
def items():
    scenes = ToyStreet(size=(128, 256), length=40)
    return [scenes[i] for i in range(40)]


def test_rare_classes_are_rare(palettes):
    present = (palettes > 0).float().mean(dim=0)
    assert present[INDEX["bus"]].item() == pytest.approx(0.1, abs=0.04)
    assert present[INDEX["train"]] < 0.1


def test_palettes_have_more_than_one_mode(palettes):
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
    town = Town(ToyStreet().random(0, 0))
    drawing, classes = town.draw(64), np.concatenate([town.labels, *[town.labels[2:]] * 2])
    for name in ("points", "corners", "rows"):
        setattr(town, name, np.concatenate([getattr(town, name)] * 3))
    crowded = town.draw(64)
    assert drawing.canvas.dtype == np.uint8
    assert len(crowded.numbers) > 256
    assert crowded.canvas.dtype == np.int32
    assert np.array_equal(classes[drawing.at(256)], classes[crowded.at(256)])
