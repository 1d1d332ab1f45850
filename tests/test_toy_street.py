"""toy-street: its statistics, its geometry, and that the same scene comes back whatever is asked around it."""

import time

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sempal_lib.datasets.procedural import sample
from sempal_lib.datasets.toy_street import ToyStreet, draw
from sempal_lib.datasets.toy_street_town import Town
from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.palettes import palette_of

THINGS = {"person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"}
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


def test_item(items):
    for item in items[:8]:
        assert item["image"].dtype == torch.float32
        assert item["image"].shape == (3, 128, 256)
        assert item["image"].isfinite().all()
        assert item["image"].min() >= -1
        assert item["image"].max() <= 1
        assert item["image"].std() > 0.1  # something can be seen
        assert item["layout"].dtype == item["instances"].dtype == torch.int64
        assert item["layout"].shape == item["instances"].shape == (128, 256)


def test_instances_are_things_of_one_class(items):
    things = torch.tensor([INDEX[name] for name in THINGS])
    for item in items:
        is_thing = torch.isin(item["layout"], things)
        assert torch.equal(item["instances"] > 0, is_thing)
        for thing in item["instances"].unique()[1:]:
            assert len(item["layout"][item["instances"] == thing].unique()) == 1


@pytest.mark.parametrize("size", [(4, 8), (12, 24), (64, 128), (128, 256), (256, 512)])
def test_layout_alone_is_the_items(size):
    scenes = ToyStreet(size=size, length=4)
    for i in range(4):
        layout = scenes.layout(i)
        assert layout.dtype == torch.uint8
        assert layout.shape == size
        assert torch.equal(layout.long(), scenes[i]["layout"])


def test_same_scene_in_any_order():
    scenes, again = ToyStreet(length=6), ToyStreet(length=6)
    forward = [scenes[i] for i in range(6)]
    for i in (5, 0, 3):
        item = again[i]
        for key in ("image", "layout", "instances"):
            assert torch.equal(item[key], forward[i][key])
        for key, value in item["style"].items():
            assert np.array_equal(value, forward[i]["style"][key])
    assert torch.equal(scenes[-1]["layout"], forward[5]["layout"])


def test_splits_seeds_and_scenes_differ():
    one = ToyStreet().layout(0)
    others = [ToyStreet("val").layout(0), ToyStreet(seed=1).layout(0), ToyStreet().layout(1)]
    assert all((one != other).float().mean() > 0.03 for other in others)


def test_length_and_index():
    assert len(ToyStreet()) == 2975
    assert len(ToyStreet("val")) == 500
    short = ToyStreet(length=3)
    assert len(list(short)) == 3
    with pytest.raises(IndexError, match="scene 3 of 3"):
        short[3]
    # A shorter set is the beginning of the longer one.
    assert torch.equal(short.layout(2), ToyStreet().layout(2))


def test_sizes_show_one_scene():
    small, middle, large = (ToyStreet(size=(h, 2 * h), length=10) for h in (32, 128, 256))
    for i in range(10):
        layout = middle.layout(i)
        # Up to 128 px all sizes are samples of one drawing: no pixel is off by more than its own width.
        near = torch.stack([layout[1::4, 1::4], layout[1::4, 2::4], layout[2::4, 1::4], layout[2::4, 2::4]])
        assert ((near == small.layout(i)).any(dim=0)).float().mean() > 0.97
        assert (large.layout(i)[1::2, 1::2] == layout).float().mean() > 0.97


def test_image_shows_what_the_layout_says(items):
    """Classes have their own looks: leaves are green, and the same scene's picture is the same at half the size."""
    greens = []
    for item in items:
        leaves = item["image"][:, item["layout"] == INDEX["vegetation"]]
        if leaves.shape[1] > 500 and item["style"]["autumn"] == 0 and item["style"]["sun_elevation"] > 15:
            greens.append(leaves.mean(dim=1))
    greens = torch.stack(greens).mean(dim=0)
    assert greens[1] > greens[0]
    assert greens[1] > greens[2]
    half = ToyStreet(size=(64, 128), length=40)[0]["image"]
    pooled = torch.nn.functional.avg_pool2d(items[0]["image"], 2)
    assert (half - pooled).abs().mean() < 0.1


def test_style_is_fixed_and_collates(items):
    keys = list(items[0]["style"])
    weather = ["sun_elevation", "sun_azimuth", "cloudiness", "fog", "wetness", "autumn"]
    assert keys == [*weather, "sky_color", "class_colors"]
    assert all(list(item["style"]) == keys for item in items)
    batch = next(iter(DataLoader(ToyStreet(length=4), batch_size=4)))
    assert batch["image"].shape == (4, 3, 64, 128)
    assert batch["style"]["class_colors"].shape == (4, 19, 3)
    assert batch["style"]["fog"].shape == (4,)


def test_class_colors_tell_the_paint(items):
    for item in items:
        colors, present = item["style"]["class_colors"], item["layout"].flatten().bincount(minlength=19) > 20
        assert colors.dtype == torch.float32
        assert ((colors >= 0) & (colors <= 1.2)).all()
        assert (colors[present].sum(dim=1) > 0).all()


def test_night_is_darker_than_noon(items):
    dusk = [item["image"].mean() for item in items if item["style"]["sun_elevation"] < -2]
    noon = [item["image"].mean() for item in items if item["style"]["sun_elevation"] > 20]
    assert sum(dusk) / len(dusk) < sum(noon) / len(noon) - 0.1


def test_layouts_is_one_tensor():
    scenes = ToyStreet(size=(8, 16), length=5)
    layouts = scenes.layouts()
    assert layouts.shape == (5, 8, 16)
    assert torch.equal(layouts[3], scenes.layout(3))


@pytest.mark.parametrize("size", [(64, 64), (0, 0), (30, 60), (2, 4), (64, 127)])
def test_bad_size(size):
    with pytest.raises(ValueError, match="height to width must be 1 to 2, and the height a multiple of 4 from 4 up"):
        ToyStreet(size=size)


def test_bad_split_and_length():
    with pytest.raises(ValueError, match="no split 'test': choose one of train, val"):
        ToyStreet("test")
    with pytest.raises(ValueError, match="1 or more"):
        ToyStreet(length=0)


def test_sample_takes_pixel_centres():
    canvas = np.arange(8 * 16).reshape(8, 16)
    assert sample(canvas, 4)[0, :3].tolist() == [17, 19, 21]  # rows 1, 3, ...; columns 1, 3, ...
    assert sample(canvas, 8) is not None
    assert np.array_equal(sample(canvas, 8), canvas)
    assert sample(canvas, 3).shape == (3, 6)


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


def test_fast_enough():
    """A generous floor; the book's promise is 200 items a second on one quiet core."""
    scenes = ToyStreet()
    scenes[0]
    start = time.process_time()
    for i in range(60):
        scenes[i]
    assert 60 / (time.process_time() - start) > 40
