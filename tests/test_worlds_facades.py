"""toy-facades: its statistics, its geometry, and that its known factors are what one sees."""

import numpy as np
import pytest
import torch

from sempal_lib.worlds import ToyFacades
from sempal_lib.worlds.engine.outlines import mask
from sempal_lib.worlds.facades.house import House
from sempal_lib.worlds.facades.kinds import CMP_12

INDEX = {name: i for i, name in enumerate(CMP_12.names)}


@pytest.fixture(scope="module")
def palettes():
    return ToyFacades().class_shares(300)


def test_classes_are_those_of_cmp():
    names = "background facade window door cornice sill balcony blind deco molding pillar shop"
    assert CMP_12.names == tuple(names.split())
    assert CMP_12.colors[0] == (0, 0, 222)
    assert CMP_12.colors[11] == (174, 0, 0)
    assert CMP_12.ignore_index is None


def test_palettes_have_more_than_one_mode(palettes):
    present = (palettes > 0).float().mean(dim=0)
    assert (present[[INDEX["blind"], INDEX["pillar"], INDEX["balcony"]]] < 0.7).all()  # not every house has them
    for name, share in (("shop", 0.08), ("balcony", 0.06), ("pillar", 0.04), ("blind", 0.05)):
        column = palettes[:, INDEX[name]]
        assert (column > share).float().mean() > 0.1, name
        assert (column < 0.002).float().mean() > 0.25, name


def test_windows_are_whole_and_upright():
    """No window, door or balcony reaches over the edge of its wall, and each house has a window and a way in."""
    ways_in = 0
    for seed in range(150):
        house = House(np.random.default_rng(seed))
        labels = house.labels
        things = house.box[np.isin(labels, [INDEX["window"], INDEX["door"], INDEX["balcony"]])]
        assert (things[:, 0] >= house.left - 1e-9).all()
        assert (things[:, 2] <= house.right + 1e-9).all()
        assert (things[:, 3] <= house.bottom + 1e-9).all()
        assert (house.box[:, 2] > house.box[:, 0]).all()
        assert (house.box[:, 3] > house.box[:, 1]).all()
        assert (labels == INDEX["window"]).any()
        ways_in += (labels == INDEX["door"]).any()
    assert ways_in > 120


def test_balconies_hang_on_floors():
    for seed in range(100):
        house = House(np.random.default_rng(seed))
        slabs = house.box[np.array(house.materials) == "slab"]
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
    assert mask("gable", 2, 4).astype(int).tolist() == [[0, 1, 1, 0], [1, 1, 1, 1]]
    diamond = ((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5))
    assert mask(diamond, 40, 40).mean() == pytest.approx(0.5, abs=0.03)
    assert mask(diamond, 40, 40)[[0, 20, 39], [0, 20, 39]].tolist() == [False, True, False]
    with pytest.raises(ValueError, match="no outline 'star'"):
        mask("star", 2, 2)


def test_rails_are_drawn_last():
    houses = [House(np.random.default_rng(seed)) for seed in range(30)]
    house = next(house for house in houses if house.rails)
    drawing = house.draw(128)
    rails = drawing.canvas >= len(house.labels) - house.rails
    assert rails.any()
    assert np.array_equal(drawing.canvas[~rails], drawing.behind[~rails])
    assert (drawing.canvas[rails] != drawing.behind[rails]).all()
