"""The official folders of ADE20K, ADE-Indoor and GTA-5, in tiny folders of the same shape."""

import shutil
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from test_datasets_official import TRAIN_IDS, all_ids, write

from sempal_lib import datasets, label_spaces
from sempal_lib.datasets.gta import gta_split
from sempal_lib.datasets.official import OFFICIAL

pytestmark = pytest.mark.filterwarnings("ignore:.*half-copied")

PLACES = ("bedroom", "street", "office", "kitchen_garden")


def ade20k(root, split="train", count=4):
    """Scenes 4×40 whose label maps hold each code, 0 to 150."""
    folder = {"train": "training", "val": "validation"}[split]
    codes = np.zeros((4, 40), np.uint8)
    codes.flat[:151] = range(151)
    for number in range(1, count + 1):
        name = f"ADE_{split}_{number:08d}"
        write(root / f"images/{folder}/{name}.jpg", (4, 40))
        write(root / f"annotations/{folder}/{name}.png", codes)
    lines = [f"ADE_{split}_{n + 1:08d} {place}" for n, place in enumerate(PLACES)]
    (root / "sceneCategories.txt").write_text("\n".join(lines) + "\n")
    return root


def gta5(root, numbers):
    """Frames with palette label maps, as published."""
    for number in numbers:
        write(root / f"images/{number:05d}.png", (4, 20))
        label = Image.fromarray(all_ids(35)).convert("P")
        label.putpalette([value for color in label_spaces.CITYSCAPES_35.colors for value in color])
        label.putdata(all_ids(35).flatten().tolist())
        path = root / f"labels/{number:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        label.save(path)
    return root


def test_the_150_classes():
    space = label_spaces.ADE_150
    assert len(set(space.names)) == space.num_classes == 150
    # As published: all colours differ but those of road and skyscraper.
    shared = [color for color, count in Counter(space.colors).items() if count > 1]
    assert shared == [space.colors[space.index("road")]] == [space.colors[space.index("skyscraper")]]
    # Places in objectInfo150.txt, which counts from 1.
    for number, name in ((1, "wall"), (13, "person"), (37, "lamp"), (76, "swivel chair"), (116, "bag"), (150, "flag")):
        assert space.names[number - 1] == name
    assert space.colors[0] == (120, 120, 120)
    assert space.colors[149] == (92, 0, 255)


def test_the_95_indoor_classes():
    space = label_spaces.ADE_INDOOR_95
    assert len(set(space.names)) == space.num_classes == 95
    table = label_spaces.ADE_INDOOR_TABLE
    assert sorted(table) == list(range(151))
    assert sorted(set(table.values())) == [*range(95), 255]
    for name, color in zip(space.names, space.colors, strict=True):
        code = label_spaces.ADE_150.index(name) + 1
        assert space.names[table[code]] == name
        assert label_spaces.ADE_150.colors[code - 1] == color
    assert "road" not in space.names
    assert {"bed", "toilet", "stove", "escalator", "windowpane"} <= set(space.names)


def test_ade20k(tmp_path):
    scenes = datasets.load("ade20k", root=ade20k(tmp_path))
    assert (len(scenes), scenes.size, scenes.label_space.num_classes) == (4, (4, 40), 150)
    assert scenes[0]["layout"].flatten()[:151].tolist() == [255, *range(150)]
    assert scenes[0]["image"].shape == (3, 4, 40)
    assert datasets.load("ade20k", "val", root=ade20k(tmp_path, "val", 2))[1]["layout"].max() == 255


def test_ade20k_squares_are_cropped_from_the_middle(tmp_path):
    layout = datasets.load("ade20k", size=(4, 4), root=ade20k(tmp_path))[0]["layout"]
    assert layout[0].tolist() == [17, 18, 19, 20]


def test_ade_indoor_takes_ten_places(tmp_path):
    scenes = datasets.load("ade-indoor", root=ade20k(tmp_path))
    assert [scene.image.stem[-1] for scene in scenes.scenes] == ["1", "3"]  # a bedroom and an office
    assert scenes.label_space is label_spaces.ADE_INDOOR_95
    layout = scenes[0]["layout"].flatten()[:151]
    assert sorted(layout[layout != 255].tolist()) == list(range(95))
    assert len(label_spaces.ADE_INDOOR_PLACES) == 10


def test_ade_indoor_lies_in_the_folder_of_ade20k(tmp_path, monkeypatch):
    ade20k(tmp_path / "ade20k")
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path))
    assert len(datasets.load("ade-indoor")) == 2


def test_ade_indoor_needs_the_list_of_places(tmp_path):
    listing = ade20k(tmp_path) / "sceneCategories.txt"
    listing.write_text("ADE_train_00000001 street\n")
    with pytest.raises(ValueError, match=r"sceneCategories\.txt: none of the 4 scenes of 'train'.*bedroom"):
        datasets.load("ade-indoor", root=tmp_path)
    listing.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"nothing to read in .*sceneCategories\.txt\. Expected are .*and scene"
    ):
        datasets.load("ade-indoor", root=tmp_path)


def test_ade20k_label_out_of_range_names_the_file(tmp_path):
    write(ade20k(tmp_path) / "annotations/training/ADE_train_00000002.png", np.full((4, 40), 151, np.uint8))
    with pytest.raises(
        ValueError, match=r"ADE_train_00000002\.png: label values 151 are out of range, expected 0 to 150"
    ):
        datasets.load("ade20k", root=tmp_path).layouts()


def test_gta_5(tmp_path):
    scenes = datasets.load("gta-5", root=gta5(tmp_path, [1, 7, 12403, 12404, 24966]))
    assert (len(scenes), scenes.size) == (3, (4, 20))
    assert scenes.label_space is label_spaces.CITYSCAPES_19
    assert scenes[0]["layout"].flatten()[:35].tolist() == [*TRAIN_IDS, 255]
    assert [len(datasets.load("gta-5", split, root=tmp_path)) for split in ("val", "test")] == [1, 1]


def test_gta_5_splits_are_as_long_as_the_authors_own(tmp_path):
    splits = [gta_split(tmp_path, split) for split in ("train", "val", "test")]
    assert [len(split) for split in splits] == [12403, 6382, 6181]
    assert len(set.union(*splits)) == 24966
    assert OFFICIAL["gta-5"].splits == {"train": 12403, "val": 6382, "test": 6181}


def test_gta_5_split_files_go_before_the_rule(tmp_path):
    gta5(tmp_path, [1, 2, 13000])
    (tmp_path / "train.txt").write_text("00002.png\nimages/13000.png\n")
    scenes = datasets.load("gta-5", root=tmp_path)
    assert [scene.image.name for scene in scenes.scenes] == ["00002.png", "13000.png"]
    (tmp_path / "train.txt").write_text("first\n")
    with pytest.raises(ValueError, match=r"train\.txt: expected a frame a line"):
        datasets.load("gta-5", root=tmp_path)


def test_gta_5_by_the_authors_split(tmp_path):
    gta5(tmp_path, [1, 2, 13000])
    savemat(tmp_path / "split.mat", {"trainIds": [[2], [13000]], "valIds": [[1]], "testIds": [[3]]})
    scenes = datasets.load("gta-5", root=tmp_path)
    assert [scene.image.name for scene in scenes.scenes] == ["00002.png", "13000.png"]
    assert gta_split(tmp_path, "test") == {"3"}
    savemat(tmp_path / "split.mat", {"ids": [1]})
    with pytest.raises(ValueError, match=r"split\.mat: no valIds in it.*val\.txt"):
        datasets.load("gta-5", "val", root=tmp_path)
    (tmp_path / "split.mat").write_bytes(b"x" * 200)
    with pytest.raises(ValueError, match=r"split\.mat: no trainIds in it.*copy it again"):
        datasets.load("gta-5", root=tmp_path)


def test_gta_5_leaves_out_the_frames_known_to_be_faulty(tmp_path):
    gta5(tmp_path, [13001, 15188, 17705])
    write(tmp_path / "images/15188.png", (5, 20))
    scenes = datasets.load("gta-5", "val", root=tmp_path)
    assert [scene.image.name for scene in scenes.scenes] == ["13001.png"]
    write(tmp_path / "images/13001.png", (5, 20))
    with pytest.raises(ValueError, match=r"13001\.png is 5×20 pixels but its label map"):
        datasets.load("gta-5", "val", root=tmp_path)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("name", "count"), [("ade20k", "4 of 20210"), ("ade-indoor", "2 of 4377")])
def test_fewer_scenes_than_published_give_a_warning(tmp_path, name, count):
    with pytest.warns(UserWarning, match=rf"{name}, train: {count} scenes are in .*half-copied"):
        datasets.load(name, root=ade20k(tmp_path))


@pytest.mark.parametrize(
    ("name", "make", "lost", "message"),
    [
        ("ade20k", ade20k, "annotations", r"nothing to read in .*annotations/training\. Expected are .*sceneparsing"),
        ("ade-indoor", ade20k, "images", r"nothing to read in .*images/training\. Expected are .*sceneparsing"),
        ("gta-5", lambda root: gta5(root, [1]), "labels", r"nothing to read in .*labels\. Expected are .*visinf"),
    ],
)
def test_missing_part_of_a_folder(tmp_path, name, make, lost, message):
    shutil.rmtree(make(tmp_path) / lost)
    with pytest.raises(FileNotFoundError, match=f"{name}: {message}.*root=.*SEMPAL_DATA"):
        datasets.load(name, root=tmp_path)


def test_half_copied_folder(tmp_path):
    (ade20k(tmp_path) / "annotations/training/ADE_train_00000003.png").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"ade20k, train: 1 of 4 images have no label map.*00000003.*half-copied"
    ):
        datasets.load("ade20k", root=tmp_path)
    (gta5(tmp_path / "gta", [1, 2]) / "images/00002.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"gta-5, train: 1 of 2 label maps have no image"):
        datasets.load("gta-5", root=tmp_path / "gta")


def test_items_of_one_folder_batch(tmp_path):
    scenes = datasets.load("ade20k", size=(8, 8), root=ade20k(tmp_path))
    batch = torch.utils.data.default_collate([scenes[0], scenes[1]])
    assert batch["image"].shape == (2, 3, 8, 8)
    assert batch["layout"].shape == (2, 8, 8)
