"""toy-rooms: its statistics, its geometry, and that its known factors are what one sees."""

import time

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sempal_lib import datasets
from sempal_lib.datasets import toy_rooms_kinds as kinds
from sempal_lib.datasets.label_spaces import ADE_150
from sempal_lib.datasets.toy_rooms import ToyRooms
from sempal_lib.datasets.toy_rooms_kinds import KINDS, ROOMS_25, SHELL
from sempal_lib.datasets.toy_rooms_room import Room
from sempal_lib.datasets.toy_rooms_space import Camera, Space, Spot, draw, within
from sempal_lib.palettes import palette_of

INDEX = {name: i for i, name in enumerate(ROOMS_25.names)}
# Mean share of the pixels over 300 scenes, and by how much it may be off.
SHARES = {
    "wall": (0.305, 0.011),
    "floor": (0.155, 0.015),
    "ceiling": (0.22, 0.0082),
    "bed": (0.04, 0.011),
    "windowpane": (0.035, 0.005),
    "cabinet": (0.019, 0.0064),
    "door": (0.015, 0.004),
    "table": (0.015, 0.0035),
    "plant": (0.0078, 0.0016),
    "curtain": (0.026, 0.0043),
    "chair": (0.019, 0.0062),
    "painting": (0.011, 0.0017),
    "sofa": (0.018, 0.0056),
    "shelf": (0.0092, 0.0036),
    "mirror": (0.002, 0.001),
    "rug": (0.056, 0.0094),
    "armchair": (0.01, 0.0048),
    "desk": (0.0046, 0.0018),
    "lamp": (0.0085, 0.0013),
    "cushion": (0.0036, 0.001),
    "fireplace": (0.0068, 0.0031),
    "pillow": (0.0035, 0.001),
    "book": (0.0055, 0.0019),
    "television receiver": (0.0021, 0.0011),
    "radiator": (0.0035, 0.001),
}


@pytest.fixture(scope="module")
def layouts():
    scenes = ToyRooms()
    return torch.stack([scenes.layout(i) for i in range(300)])


@pytest.fixture(scope="module")
def items():
    scenes = ToyRooms()
    return [scenes[i] for i in range(80)]


def test_loads_by_name():
    scenes = datasets.load("toy-rooms", "val", seed=3, limit=5)
    assert (scenes.name, scenes.size, len(scenes)) == ("toy-rooms", (128, 128), 5)
    assert torch.equal(scenes.layout(1), ToyRooms("val", seed=3).layout(1))
    assert "toy-rooms" in datasets.names()


def test_classes_are_some_of_ade20k():
    assert ROOMS_25.num_classes == 25
    assert ROOMS_25.ignore_index is None
    assert len(set(ROOMS_25.colors)) == 25
    for name, color in zip(ROOMS_25.names, ROOMS_25.colors, strict=True):
        assert ADE_150.colors[ADE_150.index(name)] == color
    places = [ADE_150.index(name) for name in ROOMS_25.names]
    assert places == sorted(places)


def test_class_shares(layouts):
    mean = palette_of(layouts.long(), 25).mean(dim=0)
    assert mean.sum() == pytest.approx(1, abs=1e-5)  # every pixel has a class
    for name, (share, tolerance) in SHARES.items():
        assert mean[INDEX[name]].item() == pytest.approx(share, abs=tolerance), name


@pytest.mark.parametrize("height", [64, 128])
def test_every_class_occurs(height):
    scenes = ToyRooms(size=(height, height))
    layouts = torch.stack([scenes.layout(i) for i in range(150)])
    present = (palette_of(layouts.long(), 25) > 0).float().mean(dim=0)
    assert (present > 0.05).all(), [ROOMS_25.names[i] for i in (present <= 0.05).nonzero()]
    assert (present[list(SHELL)] == 1).all()
    assert (present[len(SHELL) :] < 0.95).all()  # no thing stands in every room


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
        assert torch.equal(item["instances"] > 0, ~torch.isin(item["layout"], torch.tensor(SHELL)))
        for thing in item["instances"].unique()[1:]:
            assert len(item["layout"][item["instances"] == thing].unique()) == 1


def test_nothing_leaves_the_room():
    for seed in range(150):
        room = Room(np.random.default_rng(seed))
        for x0, x1, y0, y1, z0, z1, _ in room.blocks:
            assert room.left - 0.05 <= x0 < x1 <= room.right + 0.05
            assert -1e-9 <= y0 < y1 <= room.height
            assert z0 < z1 <= room.depth + 1e-6


def test_all_that_stands_is_held_up():
    """Below what throws shadows there is the floor, or something to stand on, within 20 cm; walls hold the rest."""
    for seed in range(100):
        room = Room(np.random.default_rng(seed))
        labels = {part[9]: part[7] for part in room.parts}
        lowest = {}
        for part in room.parts:
            bottom = part[1] if part[0] == kinds.LEVEL else part[4]
            lowest[part[9]] = min(lowest.get(part[9], 9), bottom)
        held = {INDEX[name] for name in "bed sofa armchair chair table desk cabinet shelf fireplace".split()}
        for thing, low in lowest.items():
            if labels[thing] in held:
                assert low == pytest.approx(0, abs=1e-6), ROOMS_25.names[labels[thing]]


def test_pieces_do_not_stand_in_each_other():
    for seed in range(100):
        room = Room(np.random.default_rng(seed))
        taken = room._stand
        for n, (a, b, c, d) in enumerate(taken):
            assert not any(a < f and e < b and c < h and g < d for e, f, g, h in taken[:n])


def test_box_hides_what_is_behind_it_by_hand():
    """A wall at 4 m and a box at 2 m, 1 m wide and high: its front takes the middle quarter of the columns."""
    space = Space(Camera(0.0, 1.0, 0.5, 0.5, 0.5))
    space.part(kinds.FACING, 4.0, -9, 9, -9, 9, 0)
    space.begin(1)
    space.box(Spot("us", 0.0, 3.0), -0.5, 0.5, 0.0, 1.0, 0.0, 1.0, 0)
    canvas = draw(space, 128)
    front = canvas == 1
    rows, columns = np.flatnonzero(front.any(axis=1)), np.flatnonzero(front.any(axis=0))
    assert (columns[0], columns[-1]) == (96, 159)  # 0.5 ± 0.5 · 0.5 / 2
    assert (rows[0], rows[-1]) == (128, 191)  # from eye height down to 1 m below it
    # Put behind the wall it is gone; put first it is drawn the same.
    space.parts = space.parts[::-1]
    assert np.array_equal(draw(space, 128) == len(space.parts) - 2, front)
    space.parts = [(*space.parts[-1][:1], 1.5, *space.parts[-1][2:]), *space.parts]
    assert (draw(space, 128) == 0).all()


def test_things_shrink_with_distance():
    """The same panel at twice the distance is half as wide and half as high."""
    sizes = []
    for z in (2.0, 4.0):
        space = Space(Camera(0.0, 1.0, 0.5, 0.5, 0.5))
        space.part(kinds.FACING, 9.0, -9, 9, -9, 9, 0)
        space.panel(Spot("us", 0.0, z), -0.5, 0.5, 0.5, 1.5, 0.0, 0)
        seen = draw(space, 128) == 1
        sizes.append((seen.any(axis=1).sum(), seen.any(axis=0).sum()))
    assert sizes == [(64, 64), (32, 32)]


@pytest.mark.parametrize("height", [16, 24, 64, 128, 256])
def test_layout_alone_is_the_items(height):
    scenes = ToyRooms(size=(height, height), length=4)
    for i in range(4):
        layout = scenes.layout(i)
        assert layout.dtype == torch.uint8
        assert layout.shape == (height, height)
        assert torch.equal(layout.long(), scenes[i]["layout"])


def test_same_scene_in_any_order():
    scenes, again = ToyRooms(length=6), ToyRooms(length=6)
    forward = [scenes[i] for i in range(6)]
    for i in (5, 0, 3):
        item = again[i]
        for key in ("image", "layout", "instances"):
            assert torch.equal(item[key], forward[i][key])
        for key, value in item["style"].items():
            assert np.array_equal(value, forward[i]["style"][key])
    assert torch.equal(scenes[-1]["layout"], forward[5]["layout"])


def test_splits_seeds_and_scenes_differ():
    one = ToyRooms().layout(0)
    others = [ToyRooms("val").layout(0), ToyRooms(seed=1).layout(0), ToyRooms().layout(1)]
    assert all((one != other).float().mean() > 0.03 for other in others)


def test_length_and_index():
    assert len(ToyRooms()) == 1000
    assert len(ToyRooms("val")) == 200
    short = ToyRooms(length=3)
    assert len(list(short)) == 3
    with pytest.raises(IndexError, match="scene 3 of 3"):
        short[3]
    with pytest.raises(IndexError, match="scene -4 of 3"):
        short.layout(-4)
    # A shorter set is the beginning of the longer one.
    assert torch.equal(short.layout(2), ToyRooms().layout(2))


def test_sizes_show_one_scene():
    small, middle, large = (ToyRooms(size=(h, h), length=20) for h in (64, 128, 256))
    for i in range(20):
        layout = middle.layout(i)
        # Up to 128 px all sizes are samples of one drawing: no pixel is off by more than its own width.
        near = torch.stack([layout[a::2, b::2] for a in (0, 1) for b in (0, 1)])
        assert (near == small.layout(i)).any(dim=0).float().mean() > 0.97
        assert (large.layout(i)[1::2, 1::2] == layout).float().mean() > 0.9
    shares = [(middle.layout(i)[1::2, 1::2] == small.layout(i)).float().mean() for i in range(20)]
    assert sum(shares) / 20 > 0.9


def test_picture_at_half_the_size_is_the_same_picture(items):
    half = ToyRooms(size=(64, 64))
    for i in range(8):
        pooled = torch.nn.functional.avg_pool2d(items[i]["image"], 2)
        assert (half[i]["image"] - pooled).abs().mean() < 0.12


def test_style_is_fixed_and_collates(items):
    keys = list(items[0]["style"])
    assert keys[:5] == ["room_kind", "wall", "floor", "sofa", "armchair"]
    assert keys[-1] == "class_colors"
    assert all(list(item["style"]) == keys for item in items)
    assert {item["style"]["room_kind"] for item in items} == set(range(len(KINDS)))
    batch = next(iter(DataLoader(ToyRooms(size=(32, 32), length=4), batch_size=4)))
    assert batch["image"].shape == (4, 3, 32, 32)
    assert batch["style"]["class_colors"].shape == (4, 25, 3)
    assert batch["style"]["wall_color"].shape == (4, 3)
    assert batch["style"]["daylight"].shape == (4,)


def test_class_colors_tell_the_paint(items):
    for item in items:
        colors, present = item["style"]["class_colors"], item["layout"].flatten().bincount(minlength=25) > 20
        assert colors.dtype == torch.float32
        assert ((colors >= 0) & (colors <= 1)).all()
        assert (colors[present].sum(dim=1) > 0).all()


def _correlation(a, b) -> float:
    return float(np.corrcoef(np.asarray(a), np.asarray(b))[0, 1])


@pytest.mark.parametrize(
    ("factor", "name"),
    [
        ("wall_color", "wall"),
        ("floor_color", "floor"),
        ("sofa_color", "sofa"),
        ("blanket_color", "bed"),
        ("curtain_color", "curtain"),
        ("rug_color", "rug"),
        ("cabinet_color", "cabinet"),
    ],
)
def test_colour_factors_move_the_picture(items, factor, name):
    chosen = [item for item in items if (item["layout"] == INDEX[name]).sum() > 60]
    seen = torch.stack([item["image"][:, item["layout"] == INDEX[name]].mean(dim=1) for item in chosen])
    known = torch.stack([item["style"][factor] for item in chosen])
    # Red against blue: what is left of a colour whatever the light.
    assert _correlation(seen[:, 0] - seen[:, 2], known[:, 0] - known[:, 2]) > 0.5
    assert (seen.std(dim=0) > 0.05).all()  # scenes differ


def test_lamps_make_the_picture_warm(items):
    tone = {True: [], False: []}
    for item in items:
        ceiling = item["image"][:, item["layout"] == INDEX["ceiling"]].mean(dim=1)
        tone[item["style"]["lamps"] > 0].append((ceiling[0] - ceiling[2]).item())
    assert min(len(values) for values in tone.values()) > 10
    assert np.mean(tone[True]) > np.mean(tone[False]) + 0.05


def test_sun_draws_patches_of_light(items):
    """In the sun some of the floor is much brighter than the rest of it."""
    spread = {True: [], False: []}
    for item in items:
        floor = item["image"].mean(dim=0)[item["layout"] == INDEX["floor"]]
        if len(floor) > 500 and item["style"]["lamps"] == 0:
            spread[item["style"]["sun"] > 0].append((floor.quantile(0.98) - floor.median()).item())
    assert np.mean(spread[True]) > np.mean(spread[False]) + 0.1


def test_windows_are_bright_by_day(items):
    brightness = {True: [], False: []}
    for item in items:
        panes = item["image"].mean(dim=0)[item["layout"] == INDEX["windowpane"]]
        daylight = item["style"]["daylight"]
        if len(panes) > 150 and (daylight < 0.55 or daylight > 0.8):
            brightness[daylight > 0.8].append(panes.quantile(0.75).item())
    assert np.mean(brightness[True]) > np.mean(brightness[False]) + 0.1


def test_surfaces_have_texture(items):
    for item in items[:30]:
        for name in ("wall", "floor", "bed", "rug"):
            pixels = item["image"][:, item["layout"] == INDEX[name]]
            if pixels.shape[1] > 200:
                assert pixels.std(dim=1).mean() > 0.03, name


def test_layouts_is_one_tensor():
    scenes = ToyRooms(size=(16, 16), length=5)
    layouts = scenes.layouts()
    assert layouts.shape == (5, 16, 16)
    assert torch.equal(layouts[3], scenes.layout(3))


@pytest.mark.parametrize("size", [(64, 128), (0, 0), (8, 8), (30, 30), (128, 64)])
def test_bad_size(size):
    with pytest.raises(ValueError, match="height to width must be 1 to 1, and the height a multiple of 8 from 16 up"):
        ToyRooms(size=size)


def test_bad_split_and_length():
    with pytest.raises(ValueError, match="no split 'test': choose one of train, val"):
        ToyRooms("test")
    with pytest.raises(ValueError, match="1 or more"):
        ToyRooms(length=0)


def test_outlines_by_hand():
    u, v = np.meshgrid((np.arange(4) + 0.5) / 4, (np.arange(4) + 0.5) / 4)
    assert within(kinds.DISC, u, v).astype(int).tolist() == [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]
    shade = within(kinds.SHADE, u, v)
    assert (shade[0] <= shade[-1]).all()
    assert shade.sum() < 16


def test_fast_enough():
    """A generous floor; 40 items a second and 300 layouts a second are promised on one quiet core."""
    scenes = ToyRooms()
    scenes[0]
    start = time.process_time()
    for i in range(30):
        scenes[i]
    assert 30 / (time.process_time() - start) > 15
