"""toy-facades: its statistics, its geometry, and that its known factors are what one sees."""

import time

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sempal_lib import datasets
from sempal_lib.datasets.procedural import sample
from sempal_lib.datasets.toy_facades import ToyFacades, draw, within
from sempal_lib.datasets.toy_facades_house import House
from sempal_lib.datasets.toy_facades_kinds import CMP_12, GABLE, KINDS, SLAB, THINGS
from sempal_lib.palettes import palette_of

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


@pytest.fixture(scope="module")
def items():
    scenes = ToyFacades()
    return [scenes[i] for i in range(80)]


def test_loads_by_name():
    scenes = datasets.load("toy-facades", "val", seed=3, limit=5)
    assert (scenes.name, scenes.size, len(scenes)) == ("toy-facades", (128, 128), 5)
    assert torch.equal(scenes.layout(1), ToyFacades("val", seed=3).layout(1))
    assert "toy-facades" in datasets.names()


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


def test_item(items):
    for item in items[:8]:
        assert item["image"].dtype == torch.float32
        assert item["image"].shape == (3, 128, 128)
        assert item["image"].isfinite().all()
        assert item["image"].min() >= -1
        assert item["image"].max() <= 1
        assert item["image"].std() > 0.1  # something can be seen
        assert item["layout"].dtype == item["instances"].dtype == torch.int64
        assert item["layout"].shape == item["instances"].shape == (128, 128)


def test_instances_are_things_of_one_class(items):
    for item in items:
        assert torch.equal(item["instances"] > 0, torch.isin(item["layout"], torch.tensor(THINGS)))
        for thing in item["instances"].unique()[1:]:
            assert len(item["layout"][item["instances"] == thing].unique()) == 1


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


@pytest.mark.parametrize("height", [16, 24, 64, 128, 256])
def test_layout_alone_is_the_items(height):
    scenes = ToyFacades(size=(height, height), length=4)
    for i in range(4):
        layout = scenes.layout(i)
        assert layout.dtype == torch.uint8
        assert layout.shape == (height, height)
        assert torch.equal(layout.long(), scenes[i]["layout"])


def test_same_scene_in_any_order():
    scenes, again = ToyFacades(length=6), ToyFacades(length=6)
    forward = [scenes[i] for i in range(6)]
    for i in (5, 0, 3):
        item = again[i]
        for key in ("image", "layout", "instances"):
            assert torch.equal(item[key], forward[i][key])
        for key, value in item["style"].items():
            assert np.array_equal(value, forward[i]["style"][key])
    assert torch.equal(scenes[-1]["layout"], forward[5]["layout"])


def test_splits_seeds_and_scenes_differ():
    one = ToyFacades().layout(0)
    others = [ToyFacades("val").layout(0), ToyFacades(seed=1).layout(0), ToyFacades().layout(1)]
    assert all((one != other).float().mean() > 0.03 for other in others)


def test_length_and_index():
    assert len(ToyFacades()) == 506
    assert len(ToyFacades("val")) == 100
    short = ToyFacades(length=3)
    assert len(list(short)) == 3
    with pytest.raises(IndexError, match="scene 3 of 3"):
        short[3]
    with pytest.raises(IndexError, match="scene -4 of 3"):
        short.layout(-4)
    # A shorter set is the beginning of the longer one.
    assert torch.equal(short.layout(2), ToyFacades().layout(2))


def test_sizes_show_one_scene():
    small, middle, large = (ToyFacades(size=(h, h), length=20) for h in (64, 128, 256))
    for i in range(20):
        layout = middle.layout(i)
        assert (layout[1::2, 1::2] == small.layout(i)).float().mean() > 0.8
        # Up to 128 px all sizes are samples of one drawing: no pixel is off by more than its own width.
        near = torch.stack([layout[a::2, b::2] for a in (0, 1) for b in (0, 1)])
        assert (near == small.layout(i)).any(dim=0).float().mean() > 0.97
        assert (large.layout(i)[1::2, 1::2] == layout).float().mean() > 0.9
    shares = [(middle.layout(i)[1::2, 1::2] == small.layout(i)).float().mean() for i in range(20)]
    assert sum(shares) / 20 > 0.9


def test_picture_at_half_the_size_is_the_same_picture(items):
    half = ToyFacades(size=(64, 64))
    for i in range(8):
        pooled = torch.nn.functional.avg_pool2d(items[i]["image"], 2)
        assert (half[i]["image"] - pooled).abs().mean() < 0.12


def test_style_is_fixed_and_collates(items):
    keys = list(items[0]["style"])
    assert keys[:5] == ["house_kind", "wall", "rail", "panes", "wall_color"]
    assert keys[-1] == "class_colors"
    assert all(list(item["style"]) == keys for item in items)
    assert {item["style"]["house_kind"] for item in items} == set(range(len(KINDS)))
    batch = next(iter(DataLoader(ToyFacades(size=(32, 32), length=4), batch_size=4)))
    assert batch["image"].shape == (4, 3, 32, 32)
    assert batch["style"]["class_colors"].shape == (4, 12, 3)
    assert batch["style"]["wall_color"].shape == (4, 3)
    assert batch["style"]["sun"].shape == (4,)


def test_class_colors_tell_the_paint(items):
    for item in items:
        colors, present = item["style"]["class_colors"], item["layout"].flatten().bincount(minlength=12) > 20
        assert colors.dtype == torch.float32
        assert ((colors >= 0) & (colors <= 1)).all()
        assert (colors[present].sum(dim=1) > 0).all()


def _correlation(a, b) -> float:
    return float(np.corrcoef(np.asarray(a), np.asarray(b))[0, 1])


@pytest.mark.parametrize(
    ("factor", "name"), [("wall_color", "facade"), ("door_color", "door"), ("blind_color", "blind")]
)
def test_colour_factors_move_the_picture(items, factor, name):
    chosen = [item for item in items if (item["layout"] == INDEX[name]).sum() > 60]
    seen = torch.stack([item["image"][:, item["layout"] == INDEX[name]].mean(dim=1) for item in chosen])
    known = torch.stack([item["style"][factor] for item in chosen])
    # Red against blue: what is left of a colour whatever the light.
    assert _correlation(seen[:, 0] - seen[:, 2], known[:, 0] - known[:, 2]) > 0.6
    assert (seen.std(dim=0) > 0.05).all()  # scenes differ


def test_surfaces_have_texture(items):
    for item in items[:30]:
        for name in ("facade", "window", "shop"):
            pixels = item["image"][:, item["layout"] == INDEX[name]]
            if pixels.shape[1] > 200:
                assert pixels.std(dim=1).mean() > 0.04, name


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


def test_layouts_is_one_tensor():
    scenes = ToyFacades(size=(16, 16), length=5)
    layouts = scenes.layouts()
    assert layouts.shape == (5, 16, 16)
    assert torch.equal(layouts[3], scenes.layout(3))


@pytest.mark.parametrize("size", [(64, 128), (0, 0), (8, 8), (30, 30), (128, 64)])
def test_bad_size(size):
    with pytest.raises(ValueError, match="height to width must be 1 to 1, and the height a multiple of 8 from 16 up"):
        ToyFacades(size=size)


def test_bad_split_and_length():
    with pytest.raises(ValueError, match="no split 'test': choose one of train, val"):
        ToyFacades("test")
    with pytest.raises(ValueError, match="1 or more"):
        ToyFacades(length=0)


def test_sample_takes_pixel_centres():
    canvas = np.arange(16 * 16).reshape(16, 16)
    assert sample(canvas, 8)[0, :3].tolist() == [17, 19, 21]  # row 1; columns 1, 3, ...
    assert np.array_equal(sample(canvas, 16), canvas)
    assert sample(canvas, 6).shape == (6, 6)


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


def test_fast_enough():
    """A generous floor; 60 items a second and 500 layouts a second are promised on one quiet core."""
    scenes = ToyFacades()
    scenes[0]
    start = time.process_time()
    for i in range(30):
        scenes[i]
    assert 30 / (time.process_time() - start) > 20
