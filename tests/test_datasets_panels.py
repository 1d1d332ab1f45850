"""Cross-view panels: tiles, colours to classes, both views, and what is wrong with a folder or a panel."""

import numpy as np
import pytest
import torch
from PIL import Image

from sempal_lib import datasets
from sempal_lib.datasets.panels import GROUPS_6
from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.scenes import FromTheOtherView
from sempal_lib.worlds import ToyCrossview, ToyRooms

pytestmark = pytest.mark.filterwarnings("ignore:.*half-copied")
ROAD, CAR, VOID = CITYSCAPES_19.colors[0], CITYSCAPES_19.colors[13], (0, 0, 0)


def panel(path, tiles, side=16, **options):
    """Square tiles side by side, each (colour above, colour below) or one colour."""
    pixels = np.zeros((side, side * len(tiles), 3), np.uint8)
    for number, tile in enumerate(tiles):
        above, below = tile if isinstance(tile[0], tuple) else (tile, tile)
        columns = slice(number * side, (number + 1) * side)
        pixels[: side // 2, columns], pixels[side // 2 :, columns] = above, below
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


SIX = [(250, 0, 0), (0, 250, 0), (ROAD, CAR), (CAR, VOID), ((20,) * 3, (10,) * 3), ((10,) * 3, VOID)]


def folder(root, end="png", split="train", names=("a", "b"), tiles=SIX):
    for name in names:
        panel(root / split / f"{name}.{end}", tiles, **({"quality": 95, "subsampling": 0} if end == "jpg" else {}))
    return root


@pytest.mark.parametrize(("name", "end"), [("dayton", "png"), ("cvusa", "jpg")])
def test_tiles_and_classes(tmp_path, name, end):
    scenes = datasets.load(name, root=folder(tmp_path, end))
    assert (len(scenes), scenes.size, scenes.label_space) == (2, (16, 16), CITYSCAPES_19)
    item = scenes[1]
    assert item["image"].mean((1, 2)).tolist() == pytest.approx([-1, 250 / 127.5 - 1, -1], abs=0.05)
    assert item["view"]["image"].mean((1, 2)).tolist() == pytest.approx([250 / 127.5 - 1, -1, -1], abs=0.05)
    assert item["layout"][[0, 15], 3].tolist() == [13, 255]
    assert item["view"]["layout"][[0, 15], 3].tolist() == [0, 13]
    assert torch.equal(scenes.layout(1).long(), item["layout"])
    assert scenes.check().startswith(f"{name}: 2 scenes read, 19 classes")
    small = datasets.load(name, root=tmp_path, size=(8, 8), limit=1)
    assert (len(small), tuple(small[0]["image"].shape), tuple(small[0]["layout"].shape)) == (1, (3, 8, 8), (8, 8))


def test_six_groups_by_grey_values(tmp_path):
    scenes = datasets.load("dayton-6", root=folder(tmp_path))
    assert scenes.label_space is GROUPS_6
    assert scenes[0]["view"]["layout"][[0, 15], 3].tolist() == [1, 0]
    assert scenes[0]["layout"][[0, 15], 3].tolist() == [0, 255]


def test_four_classes_of_cvusa(tmp_path):
    tiles = [(9, 9, 9), (90, 90, 90), VOID, ((255, 0, 0), VOID)]
    scenes = datasets.load("cvusa-4", root=folder(tmp_path, "jpg", tiles=tiles))
    assert scenes[0]["layout"][[0, 15], 3].tolist() == [2, 0]
    assert scenes[0]["view"]["layout"].unique().tolist() == [0]


def test_samples_lie_below_their_set(tmp_path):
    (tmp_path / "classes.json").write_text("{}")
    folder(tmp_path / "panels/lggan_dayton", split="test")
    assert len(datasets.load("dayton-samples", "val", root=tmp_path)) == 2


def test_both_directions(tmp_path):
    scenes = datasets.load("dayton", root=folder(tmp_path))
    images, layouts, others, other_layouts = scenes.crossings()
    assert images.dtype == layouts.dtype == torch.uint8
    assert (images.shape, layouts.shape) == ((2, 3, 16, 16), (2, 16, 16)) == (others.shape, other_layouts.shape)
    assert (images[0, :, 0, 0].tolist(), others[0, :, 0, 0].tolist()) == ([0, 250, 0], [250, 0, 0])
    turned = FromTheOtherView(scenes).crossings()
    for found, expected in zip(turned, (others, other_layouts, images, layouts), strict=True):
        assert torch.equal(found, expected)
    town = ToyCrossview(size=(16, 16), length=2)
    item, other = town[0], FromTheOtherView(town)[0]
    assert torch.equal(other["instances"], item["view"]["instances"])
    assert torch.equal(other["view"]["image"], item["image"])
    with pytest.raises(ValueError, match="toy-rooms shows its scenes from one view"):
        ToyRooms(size=(16, 16), length=1).crossings()


def test_what_is_wrong_with_a_panel(tmp_path):
    folder(tmp_path)
    panel(tmp_path / "train/c.png", SIX[:4])
    with pytest.raises(ValueError, match=r"c.png is 16×64 pixels, 4 tiles, expected 6 square ones.*\(16×96\)"):
        datasets.load("dayton", root=tmp_path)
    Image.new("RGB", (50, 16)).save(tmp_path / "train/c.png")
    with pytest.raises(ValueError, match=r"c.png is 16×50 pixels, no whole number of square tiles"):
        datasets.load("dayton", root=tmp_path)
    panel(tmp_path / "train/c.png", [*SIX[:3], (1, 2, 3), *SIX[4:]])
    scenes = datasets.load("dayton", root=tmp_path)
    with pytest.raises(ValueError, match=r"c.png: 256 pixels of the layout's tile 4 have the colour.*\[1, 2, 3\]"):
        scenes[2]
    with pytest.raises(ValueError, match=r"1 of 3 scenes are faulty:\n.*c.png"):
        scenes.check()
    panel(tmp_path / "train/c.jpg", [*SIX[:3], (1, 180, 200), *SIX[4:]], quality=95)
    with pytest.raises(ValueError, match=r"c.jpg: \d+ pixels"):  # in JPEG the nearest class, but not of any colour
        datasets.load("dayton", root=tmp_path)[2]
    with pytest.raises(ValueError, match="its tiles are square, give height = width"):
        datasets.load("dayton", root=tmp_path, size=(8, 16))


def test_what_is_wrong_with_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cvusa: nothing to read in .*/train\. Expected are <train\|test>"):
        datasets.load("cvusa", root=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"dayton-samples: nothing to read in .*lggan_dayton/test"):
        datasets.load("dayton-samples", "val", root=tmp_path)
    with pytest.warns(UserWarning, match="dayton, train: 2 of 55000 scenes"):
        datasets.load("dayton", root=folder(tmp_path))
