"""What every procedural world keeps to; what is special to one stands in its own test."""

import hashlib
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sempal_lib import datasets
from sempal_lib.worlds import ToyCrossview, ToyFacades, ToyFaces, ToyFashion, ToyRooms, ToyStreet
from sempal_lib.worlds.engine import World as ProceduralWorld
from sempal_lib.worlds.engine import sample

# Beside them the shares of the real set.
STREET_SHARES = {
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

FACADES_SHARES = {
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

ROOMS_SHARES = {
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

FASHION_SHARES = {
    "background": (0.742, 0.015),
    "top": (0.057, 0.012),
    "face": (0.0196, 0.002),
    "socks": (0.0023, 0.0012),
    "glasses": (0.0004, 0.0002),
    "hat": (0.0024, 0.0011),
    "skirt": (0.0125, 0.005),
    "dress": (0.037, 0.012),
    "trousers": (0.034, 0.007),
    "arms": (0.0175, 0.004),
    "legs": (0.0051, 0.0016),
    "hair": (0.0165, 0.003),
    "outer": (0.0435, 0.013),
    "bag": (0.0062, 0.002),
    "belt": (0.0011, 0.0004),
    "shoes": (0.0015, 0.0006),
}

FACES_SHARES = {
    "background": (0.51, 0.03),
    "skin": (0.17, 0.009),
    "nose": (0.011, 0.0004),
    "eye_g": (0.0081, 0.004),
    "l_eye": (0.0036, 0.0004),
    "r_eye": (0.0035, 0.0004),
    "l_brow": (0.0048, 0.0004),
    "r_brow": (0.0047, 0.0004),
    "l_ear": (0.0024, 0.0007),
    "r_ear": (0.0021, 0.0006),
    "mouth": (0.0012, 0.0005),
    "u_lip": (0.0023, 0.0003),
    "l_lip": (0.006, 0.0005),
    "hair": (0.15, 0.03),
    "hat": (0.03, 0.02),
    "ear_r": (0.0013, 0.0008),
    "neck_l": (0.0017, 0.0009),
    "neck": (0.065, 0.005),
    "cloth": (0.024, 0.006),
}

CROSSVIEW_SHARES = {
    "road": (0.241, 0.008),
    "sidewalk": (0.078, 0.007),
    "building": (0.144, 0.028),
    "wall": (0.003, 0.0018),
    "fence": (0.0078, 0.0031),
    "pole": (0.0087, 0.0015),
    "traffic sign": (0.0009, 0.0005),
    "vegetation": (0.144, 0.03),
    "terrain": (0.0205, 0.0051),
    "water": (0.0016, 0.0006),
    "sky": (0.2985, 0.018),
    "person": (0.0059, 0.001),
    "car": (0.0355, 0.0075),
    "truck": (0.01, 0.0051),
    "boat": (0.0004, 0.00035),
}
# SHA-256 of layouts and instances of scenes 0 to 5 of "train" (seed 0) and "val" (seed 3), and the pictures' mean.
GOLDEN = {
    "toy-street": ("da56e11f7e81e8e3", -0.31252),
    "toy-facades": ("1c19567175f71c70", 0.12259),
    "toy-rooms": ("d50a1552cdf0d7b4", -0.09842),
    "toy-fashion": ("52116a4b7f3e009c", 0.48866),
    "toy-faces": ("a61057400c75be37", -0.05127),
    "colored-shapes": ("af4b3952ce8016f2", -0.88938),
    "toy-crossview": ("d514229a54093fb8", -0.14515),
}


@dataclass(frozen=True)
class World:
    """A world and what its items are held against.

    Attributes:
        lengths: scenes of "train" and of "val". things: the classes that have instances.
        style: names of the style's factors, the first ones at least; the last is always "class_colors".
        kinds: of scenes, in the style's first factor; 0 if there are none.
        colours: factors that move a class's colour, each with the class. correlation: at least by so much.
        textured: classes of which no large region is flat. texture: their least spread, in [-1, 1].
        scenes: how many are looked at. rate: items a second that even a busy core makes.
        shares: mean share of each class's pixels over 300 scenes, and by how much it may be off.
        occurs: at these heights, in so many scenes, each class is in at least this share of them. always: in all.
    """

    make: type[ProceduralWorld]
    lengths: tuple[int, int]
    things: str
    style: str
    kinds: int
    colours: dict[str, str]
    correlation: float
    textured: str
    texture: float
    scenes: int
    rate: float
    shares: dict[str, tuple[float, float]]
    occurs: tuple[tuple[int, ...], int, float]
    always: str

    @property
    def aspect(self) -> int:
        return self.make.default_size[1] // self.make.default_size[0]

    def at(self, height: int, **given) -> ProceduralWorld:
        return self.make(size=(height, self.aspect * height), **given)

    def classes(self, names: str) -> list[int]:
        return [self.make.label_space.index(name) for name in names.split(", ")]


WORLDS = [
    World(
        ToyStreet, (2975, 500), "person, rider, car, truck, bus, train, motorcycle, bicycle",
        "sun_elevation sun_azimuth cloudiness fog wetness autumn sky_color class_colors", 0,
        {"sky_color": "sky"}, 0.6, "sidewalk, building, vegetation", 0.04, 40, 40,
        STREET_SHARES, ((64,), 300, 0.02), "road",
    ),
    World(
        ToyFacades, (506, 100), "window, door, balcony, shop", "house_kind wall rail panes wall_color", 6,
        {"wall_color": "facade", "door_color": "door", "blind_color": "blind"}, 0.6,
        "facade, window, shop", 0.04, 80, 20, FACADES_SHARES, ((64, 128), 100, 0.15), "facade, window",
    ),
    World(
        ToyRooms, (1000, 200), ", ".join(ToyRooms.label_space.names[3:]), "room_kind wall floor sofa armchair", 4,
        {
            "wall_color": "wall", "floor_color": "floor", "sofa_color": "sofa", "blanket_color": "bed",
            "curtain_color": "curtain", "rug_color": "rug", "cabinet_color": "cabinet",
        }, 0.5, "wall, floor, bed, rug", 0.03, 80, 15,
        ROOMS_SHARES, ((64, 128), 150, 0.05), "wall, floor, ceiling",
    ),
    World(
        ToyFashion, (1000, 200), "shoes, bag, hat, glasses", "outfit backdrop background_color skin_color", 4,
        {
            "background_color": "background", "skin_color": "face", "hair_color": "hair", "top_color": "top",
            "dress_color": "dress", "skirt_color": "skirt", "trousers_color": "trousers", "outer_color": "outer",
        }, 0.5, "top, dress, skirt, trousers, outer", 0.03, 120, 20,
        FASHION_SHARES, ((64, 128), 150, 0.05), "background, face",
    ),
    World(
        ToyFaces, (1000, 200), "eye_g, hat, ear_r", "hair backdrop skin_color hair_color background_color", 7,
        {
            "skin_color": "skin", "hair_color": "hair", "lip_color": "l_lip", "cloth_color": "cloth",
            "background_color": "background",
        }, 0.5, "hair, cloth, skin", 0.03, 120, 20,
        FACES_SHARES, ((64, 128), 150, 0.1), "background, skin, nose, neck",
    ),
    World(
        ToyCrossview, (2000, 400), "person, car, truck, boat", "scene_kind wall_color roof_color", 10,
        {
            "wall_color": "building", "leaf_color": "vegetation", "paving_color": "sidewalk",
            "asphalt_color": "road",
        }, 0.5, "building, vegetation, terrain", 0.03, 80, 5,
        CROSSVIEW_SHARES, ((64, 128), 150, 0.02), "road, sidewalk, sky",
    ),
]  # fmt: skip


@pytest.fixture(scope="module", params=WORLDS, ids=lambda world: world.make.name)
def world(request):
    return request.param


@pytest.fixture(scope="module")
def items(world):
    scenes = world.at(128)
    return [scenes[i] for i in range(world.scenes)]


def test_loads_by_name(world):
    name, size = world.make.name, world.make.default_size
    scenes = datasets.load(name, "val", seed=3, limit=5)
    assert (scenes.name, scenes.size, len(scenes)) == (name, size, 5)
    assert torch.equal(scenes.layout(1), world.make("val", seed=3).layout(1))
    assert name in datasets.names()
    assert len({world.make.name for world in WORLDS}) == len(WORLDS)


def test_class_shares(world):
    shares = world.make().class_shares(300)
    assert torch.allclose(shares.sum(dim=1), torch.ones(300))  # every pixel has a class
    assert tuple(world.shares) == world.make.label_space.names
    for (name, (share, tolerance)), mean in zip(world.shares.items(), shares.mean(dim=0), strict=True):
        assert mean.item() == pytest.approx(share, abs=tolerance), name


def test_every_class_occurs(world):
    heights, scenes, least = world.occurs
    for height in heights:
        present = (world.at(height).class_shares(scenes) > 0).float().mean(dim=0)
        assert (present > least).all(), present
        assert (present[world.classes(world.always)] == 1).all()


@pytest.mark.parametrize("name", list(GOLDEN))
def test_scenes_stay_bit_for_bit(name):
    """Layouts and instances exactly; pictures may round differently on another processor."""
    digest, means = hashlib.sha256(), []
    for scenes in (datasets.load(name), datasets.load(name, "val", seed=3)):
        for i in range(6):
            item = scenes[i]
            for key in ("layout", "instances"):
                if key in item:
                    digest.update(item[key].numpy().tobytes())
            means.append(item["image"].mean().item())
    assert (digest.hexdigest()[:16], sum(means) / 12) == (GOLDEN[name][0], pytest.approx(GOLDEN[name][1], abs=1e-3))


def test_item(world, items):
    size = (128, 128 * world.aspect)
    for item in items[:8]:
        assert item["image"].dtype == torch.float32
        assert item["image"].shape == (3, *size)
        assert item["image"].isfinite().all()
        assert item["image"].min() >= -1
        assert item["image"].max() <= 1
        assert item["image"].std() > 0.1  # something can be seen
        assert item["layout"].dtype == item["instances"].dtype == torch.int64
        assert item["layout"].shape == item["instances"].shape == size


def test_instances_are_things_of_one_class(world, items):
    things = torch.tensor(world.classes(world.things))
    for item in items:
        assert torch.equal(item["instances"] > 0, torch.isin(item["layout"], things))
        for thing in item["instances"].unique()[1:]:
            assert len(item["layout"][item["instances"] == thing].unique()) == 1


def test_layout_alone_is_the_items(world):
    for height in (world.make.least, 3 * world.make.step, 64, 128, 256):
        scenes = world.at(height, length=4)
        for i in range(4):
            layout = scenes.layout(i)
            assert layout.dtype == torch.uint8
            assert layout.shape == (height, world.aspect * height)
            assert torch.equal(layout.long(), scenes[i]["layout"])


def test_layouts_is_one_tensor(world):
    scenes = world.at(16, length=5)
    layouts = scenes.layouts()
    assert layouts.shape == (5, 16, 16 * world.aspect)
    assert torch.equal(layouts[3], scenes.layout(3))


def test_same_scene_in_any_order(world):
    scenes, again = world.make(length=6), world.make(length=6)
    forward = [scenes[i] for i in range(6)]
    for i in (5, 0, 3):
        item = again[i]
        for key in ("image", "layout", "instances"):
            assert torch.equal(item[key], forward[i][key])
        for key, value in item["style"].items():
            assert np.array_equal(value, forward[i]["style"][key])
    assert torch.equal(scenes[-1]["layout"], forward[5]["layout"])


def test_splits_seeds_and_scenes_differ(world):
    one = world.make().layout(0)
    others = [world.make("val").layout(0), world.make(seed=1).layout(0), world.make().layout(1)]
    assert all((one != other).float().mean() > 0.03 for other in others)


def test_length_and_index(world):
    assert (len(world.make()), len(world.make("val"))) == world.lengths
    short = world.make(length=3)
    assert len(list(short)) == 3
    with pytest.raises(IndexError, match="scene 3 of 3"):
        short[3]
    with pytest.raises(IndexError, match="scene -4 of 3"):
        short.layout(-4)
    # A shorter set is the beginning of the longer one.
    assert torch.equal(short.layout(2), world.make().layout(2))


def test_sizes_show_one_scene(world):
    middle, large = ([world.at(height).layout(i) for i in range(20)] for height in (128, 256))
    for height in (32, 64):
        # Up to 128 px all sizes are samples of one drawing: no pixel is off by more than its own width.
        step, small = 128 // height, world.at(height)
        inner = [(a, b) for a in (step // 2 - 1, step // 2) for b in (step // 2 - 1, step // 2)]
        for i, layout in enumerate(middle):
            near = torch.stack([layout[a::step, b::step] for a, b in inner])
            assert (near == small.layout(i)).any(dim=0).float().mean() > 0.97
    shares = [(layout[1::2, 1::2] == small.layout(i)).float().mean() for i, layout in enumerate(middle)]
    assert min(shares) > 0.8
    assert sum(shares) / len(shares) > 0.9
    assert min((fine[1::2, 1::2] == layout).float().mean() for fine, layout in zip(large, middle, strict=True)) > 0.95


def test_picture_at_half_the_size_is_the_same_picture(world, items):
    half = world.at(64)
    for i in range(8):
        pooled = torch.nn.functional.avg_pool2d(items[i]["image"], 2)
        assert (half[i]["image"] - pooled).abs().mean() < 0.12


def test_style_is_fixed_and_collates(world, items):
    keys, expected = list(items[0]["style"]), world.style.split()
    assert keys[: len(expected)] == expected
    assert keys[-1] == "class_colors"
    assert all(list(item["style"]) == keys for item in items)
    if world.kinds:
        assert {item["style"][keys[0]] for item in items} == set(range(world.kinds))
    batch = next(iter(DataLoader(world.at(32, length=4), batch_size=4)))
    assert batch["image"].shape == (4, 3, 32, 32 * world.aspect)
    assert {key: tuple(value.shape) for key, value in batch["style"].items()} == {
        key: (4, *np.shape(value)) for key, value in items[0]["style"].items()
    }
    assert batch["style"][next(iter(world.colours))].shape == (4, 3)
    assert batch["style"]["class_colors"].shape == (4, world.make.label_space.num_classes, 3)


def test_class_colors_tell_the_paint(world, items):
    for item in items:
        colors = item["style"]["class_colors"]
        present = item["layout"].flatten().bincount(minlength=world.make.label_space.num_classes) > 20
        assert colors.dtype == torch.float32
        assert ((colors >= 0) & (colors <= 1)).all()
        assert (colors[present].sum(dim=1) > 0).all()


def test_colour_factors_move_the_picture(world, items):
    for factor, name in world.colours.items():
        (index,) = world.classes(name)
        chosen = [item for item in items if (item["layout"] == index).sum() > 60]
        seen = torch.stack([item["image"][:, item["layout"] == index].mean(dim=1) for item in chosen])
        known = torch.stack([item["style"][factor] for item in chosen])
        # Red against blue: what is left of a colour whatever the light.
        both = torch.stack([seen[:, 0] - seen[:, 2], known[:, 0] - known[:, 2]])
        assert torch.corrcoef(both)[0, 1] > world.correlation, factor
        assert (seen.std(dim=0) > 0.05).all(), factor  # scenes differ


def test_class_factors_are_the_styles(world, items):
    """Each class that has any is in the label space, and its factors are those of the item, alone or in a batch."""
    scenes = world.at(32, length=4)
    batch = next(iter(DataLoader(scenes, batch_size=4)))["style"]
    for name, found in scenes.class_factors(items[0]["style"]).items():
        assert name in scenes.label_space.names
        together = scenes.class_factors(batch)[name]
        assert found.keys() == together.keys() == world.make.known[name].keys() <= {"color", "pattern", "second"}
        assert torch.equal(found["color"], items[0]["style"][world.make.known[name]["color"]])
        assert together["color"].shape == (4, 3)
        kinds = {item["style"][world.make.known[name]["pattern"]] for item in items} if "pattern" in found else {0, 1}
        assert kinds == set(range(len(kinds)))
        assert len(kinds) > 1


def test_surfaces_have_texture(world, items):
    for item in items[:30]:
        for index in world.classes(world.textured):
            pixels = item["image"][:, item["layout"] == index]
            if pixels.shape[1] > 200:
                assert pixels.std(dim=1).mean() > world.texture, world.make.label_space.names[index]


def test_bad_size(world):
    (height, width), least, aspect = world.make.default_size, world.make.least, world.aspect
    said = (
        rf"{world.make.name} cannot be made at \d+×\d+: height to width must be 1 to {aspect}, and the height a "
        rf"multiple of {world.make.step} from {least} up, for example {height}×{width}"
    )
    shapes = [(64, 128 * aspect), (64, 64 * aspect - 1), (128, 64 * aspect)]
    for size in (*shapes, (0, 0), (least // 2, least // 2 * aspect), (30, 30 * aspect)):
        with pytest.raises(ValueError, match=said):
            world.make(size=size)


def test_bad_split_and_length(world):
    with pytest.raises(ValueError, match=f"{world.make.name} has no split 'test': choose one of train, val"):
        world.make("test")
    with pytest.raises(ValueError, match=f"{world.make.name} with 0 scenes: give a length of 1 or more, or None"):
        world.make(length=0)


def test_fast_enough(world):
    """A generous floor: on one quiet core the worlds make 40 to 200 items a second."""
    scenes = world.make()
    scenes[0]
    start = time.process_time()
    for i in range(30):
        scenes[i]
    assert 30 / (time.process_time() - start) > world.rate


@pytest.mark.parametrize("aspect", [1, 2])
def test_sample_takes_pixel_centres(aspect):
    canvas = np.arange(16 * 16 * aspect).reshape(16, 16 * aspect)
    row = 16 * aspect
    assert sample(canvas, 8)[0, :3].tolist() == [row + 1, row + 3, row + 5]  # row 1; columns 1, 3, ...
    assert np.array_equal(sample(canvas, 16), canvas)
    # A pixel of 16/6 px: its centres are at 1.33, 4, 6.67, ... in either direction.
    assert sample(canvas, 6).shape == (6, 6 * aspect)
    assert sample(canvas, 6)[1, :3].tolist() == [4 * row + 1, 4 * row + 4, 4 * row + 6]
