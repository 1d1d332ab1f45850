"""toy-facades: its statistics, its geometry, and that its known factors are what one sees."""

import numpy as np
import pytest
import torch

from sempal_lib.palettes import palette_of
from sempal_lib.worlds.facades import ToyFacades, draw, within
from sempal_lib.worlds.facades.house import House
from sempal_lib.worlds.facades.kinds import CMP_12, GABLE, SLAB

INDEX = {name: i for i, name in enumerate(CMP_12.names)}
# Mean share of the pixels over 300 scenes, and by how much it may be off; CMP Facades' shares are beside them.
SHARES = {
    "background": (0.21, 0.03),  # 0.183
    "facade": (0.39, 0.03),  # 0.392
    "window": (0.135, 0.02),  # 0.133
    "door": (0.016, 0.005),  # 0.011
    "cornice": (0.016, 0.006),  # 0.030
    "sill": (0.0155, 0.004),  # 0.024
    "balcony": (0.034, 0.011),  # 0.043
    "blind": (0.0185, 0.008),  # 0.018
    "deco": (0.0143, 0.005),  # 0.020
    "molding": (0.081, 0.015),  # 0.092
    "pillar": (0.022, 0.007),  # 0.016
    "shop": (0.045, 0.013),  # 0.036
}


@pytest.fixture(scope="module")
def layouts():
    scenes = ToyFacades()
    return torch.stack([scenes.layout(i) for i in range(300)])


def test_classes_are_those_of_cmp():
    names = "background facade window door cornice sill balcony blind deco molding pillar shop"
    assert CMP_12.names == tuple(names.split())
    assert CMP_12.colors[0] == (0, 0, 222)
    assert CMP_12.colors[11] == (174, 0, 0)
    assert CMP_12.ignore_index is None


def test_class_shares(layouts):
    mean = palette_of(layouts.long(), 12).mean(dim=0)
    assert mean.sum() == pytest.approx(1, abs=1e-5)  # every pixel has a class
    for name, (share, tolerance) in SHARES.items():
        assert mean[INDEX[name]].item() == pytest.approx(share, abs=tolerance), name


@pytest.mark.parametrize("height", [64, 128])
def test_every_class_occurs(height):
    scenes = ToyFacades(size=(height, height))
    layouts = torch.stack([scenes.layout(i) for i in range(100)])
    present = (palette_of(layouts.long(), 12) > 0).float().mean(dim=0)
    assert (present > 0.15).all()
    assert (present[[INDEX["facade"], INDEX["window"]]] == 1).all()
    assert (present[[INDEX["blind"], INDEX["pillar"], INDEX["balcony"]]] < 0.7).all()  # not every house has them


def test_palettes_have_more_than_one_mode(layouts):
    palettes = palette_of(layouts.long(), 12)
    for name, share in (("shop", 0.08), ("balcony", 0.06), ("pillar", 0.04), ("blind", 0.05)):
        column = palettes[:, INDEX[name]]
        assert (column > share).float().mean() > 0.1, name
        assert (column < 0.002).float().mean() > 0.25, name


def test_windows_are_whole_and_upright():
    """No window, door or balcony reaches over the edge of its wall, and each house has a window and a way in."""
    ways_in = 0
    for seed in range(150):
        house = House(np.random.default_rng(seed))
        labels = house.parts[:, 5]
        things = house.parts[np.isin(labels, [INDEX["window"], INDEX["door"], INDEX["balcony"]])]
        assert (things[:, 0] >= house.left - 1e-9).all()
        assert (things[:, 2] <= house.right + 1e-9).all()
        assert (things[:, 3] <= house.bottom + 1e-9).all()
        assert (house.parts[:, 2] > house.parts[:, 0]).all()
        assert (house.parts[:, 3] > house.parts[:, 1]).all()
        assert (labels == INDEX["window"]).any()
        ways_in += (labels == INDEX["door"]).any()
    assert ways_in > 120


def test_balconies_hang_on_floors():
    for seed in range(100):
        house = House(np.random.default_rng(seed))
        slabs = house.parts[house.parts[:, 6] == SLAB]
        floors = np.array(house.lines[1 : house.floors])
        for slab in slabs:
            assert ((slab[1] <= floors) & (floors <= slab[3])).any()


def test_sun_brings_shadows():
    """In the sun the wall below what stands out is darker than elsewhere; under clouds all is of one brightness."""
    contrast = {True: [], False: []}
    for item in (ToyFacades()[i] for i in range(60)):
        sun = item["style"]["sun"]
        wall = item["layout"] == INDEX["facade"]
        below = wall & torch.roll(item["layout"] == INDEX["molding"], 1, dims=0)
        if (below.sum() > 30) and (sun == 0 or sun > 0.75):
            image = item["image"].mean(dim=0)
            contrast[sun > 0].append((image[wall].mean() - image[below].mean()).item())
    assert np.mean(contrast[True]) > np.mean(contrast[False]) + 0.05


def test_outlines_by_hand():
    assert within(GABLE, 2, 4).astype(int).tolist() == [[0, 1, 1, 0], [1, 1, 1, 1]]


def test_rails_are_drawn_last():
    houses = [House(np.random.default_rng(seed)) for seed in range(30)]
    house = next(house for house in houses if house.rails)
    canvas, behind = draw(house, 128)
    rails = canvas >= len(house.parts) - house.rails
    assert rails.any()
    assert np.array_equal(canvas[~rails], behind[~rails])
    assert (canvas[rails] != behind[rails]).all()
