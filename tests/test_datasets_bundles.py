"""Bundles, and what all sets read from folders share: values, geometry, and errors that name the file."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from sempal_lib import datasets
from sempal_lib.datasets.folders import FolderScenes, Scene

REAL = Path(__file__).parents[1].parent / "shared/data"
COLORS = [[0, 0, 0], [255, 0, 0], [0, 255, 0], [9, 9, 9]]


def class_list(**changes) -> dict:
    """classes.json of three classes, index 3 ignored, two scenes to train on and one to validate."""
    classes = [{"index": i, "name": f"class {i}", "color": color} for i, color in enumerate(COLORS)]
    content = {"name": "tiny", "num_classes": 3, "ignore_index": 3, "classes": classes}
    return content | {"splits": {"train": 2, "val": 1}} | changes


def label_map(seed: int = 0, height: int = 8, width: int = 16, classes: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, (height, width), dtype=np.uint8)


@pytest.fixture
def bundle(tmp_path) -> Path:
    root = tmp_path / "tiny"
    for folder in ("images", "labels", "splits"):
        (root / folder).mkdir(parents=True)
    (root / "classes.json").write_text(json.dumps(class_list()))
    (root / "splits/train.txt").write_text("a\nb\n")
    (root / "splits/val.txt").write_text("c\n")
    for seed, key in enumerate("abc"):
        Image.new("RGB", (16, 8), (255, 0, 0)).save(root / f"images/{key}.jpg", quality=95)
        Image.fromarray(label_map(seed)).save(root / f"labels/{key}.png")
    return root


def load(root: Path, **options) -> datasets.SceneDataset:
    return datasets.load("tiny", root=root, **options)


def test_items(bundle):
    scenes = load(bundle)
    assert (len(scenes), scenes.name, scenes.size) == (2, "tiny", (8, 16))
    assert scenes.label_space.names == ("class 0", "class 1", "class 2")
    assert scenes.label_space.colors[1] == (255, 0, 0)
    assert scenes.label_space.ignore_index == 255
    item = scenes[1]
    assert set(item) == {"image", "layout"}
    assert item["image"].dtype == torch.float32
    assert item["image"].shape == (3, 8, 16)
    expected = torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1).expand(3, 8, 16)
    torch.testing.assert_close(item["image"], expected, atol=0.05, rtol=0)  # JPEG
    assert item["layout"].dtype == torch.int64
    expected = torch.from_numpy(label_map(1)).long()
    expected[expected == 3] = 255
    assert torch.equal(item["layout"], expected)


def test_splits_and_limit(bundle):
    assert len(load(bundle, split="val")) == 1
    assert len(load(bundle, limit=1)) == 1
    assert torch.equal(load(bundle, limit=1)[0]["layout"], load(bundle)[0]["layout"])


def test_layouts_are_the_items_layouts_and_need_no_image(bundle):
    scenes = load(bundle, size=(4, 8))
    expected = torch.stack([scenes[i]["layout"] for i in range(2)])
    for key in "ab":
        (bundle / f"images/{key}.jpg").unlink()
    layouts = scenes.layouts()
    assert layouts.dtype == torch.uint8
    assert torch.equal(layouts.long(), expected)


def test_colours_of_a_palette_png_are_indices(bundle):
    picture = Image.fromarray(label_map(0), mode="P")
    picture.putpalette([value for color in COLORS for value in color])
    picture.save(bundle / "labels/a.png")
    assert torch.equal(load(bundle)[0]["layout"] == 1, torch.from_numpy(label_map(0) == 1))


def test_bundle_without_ignored_pixels(bundle):
    content = class_list(num_classes=4, ignore_index=None)
    (bundle / "classes.json").write_text(json.dumps(content))
    scenes = load(bundle)
    assert scenes.label_space.ignore_index is None
    assert torch.equal(scenes[0]["layout"], torch.from_numpy(label_map(0)).long())


def folder_scenes(tmp_path: Path, labels: np.ndarray, image: np.ndarray, size, **options) -> FolderScenes:
    Image.fromarray(image).save(tmp_path / "image.png")
    Image.fromarray(labels).save(tmp_path / "label.png")
    scene = Scene(tmp_path / "image.png", tmp_path / "label.png")
    space = datasets.official.label_spaces.CITYSCAPES_35
    return FolderScenes("set", [scene] * 40, space, {i: i for i in range(35)}, size, **options)


def rows(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A label map whose values are the row numbers, and an image that is 10 times as bright."""
    labels = np.repeat(np.arange(height, dtype=np.uint8)[:, None], width, axis=1)
    return labels, np.repeat(10 * labels[..., None], 3, axis=2)


@pytest.mark.parametrize(("crop", "first"), [("top", 0), ("centre", 3)])
def test_what_does_not_fit_the_aspect_is_cropped(tmp_path, crop, first):
    scenes = folder_scenes(tmp_path, *rows(12, 12), (6, 12), crop=crop)
    assert scenes[0]["layout"][:, 0].tolist() == list(range(first, first + 6))
    red = (scenes[0]["image"][0, :, 0] + 1) * 127.5
    torch.testing.assert_close(red, 10.0 * torch.arange(first, first + 6))


def test_width_is_cropped_in_the_middle(tmp_path):
    labels, image = rows(4, 8)
    scenes = folder_scenes(tmp_path, labels.T.copy(), image.transpose(1, 0, 2).copy(), (8, 2))
    assert scenes[0]["layout"].tolist() == [[1, 2]] * 8


def test_random_crops_fit_image_and_layout_and_repeat_by_seed(tmp_path):
    firsts = {}
    for seed in (0, 0, 1):
        scenes = folder_scenes(tmp_path, *rows(24, 32), (16, 32), crop="random", seed=seed)
        items = [scenes[i] for i in range(40)]
        for item in items:
            red = ((item["image"][0] + 1) * 12.75).round().long()
            assert torch.equal(red, item["layout"])
        now = [int(item["layout"][0, 0]) for item in items]
        assert firsts.setdefault(seed, now) == now
    assert firsts[0] != firsts[1]
    assert set(firsts[0]) == set(range(8))  # 24 rows leave room for 8 places


def test_labels_are_scaled_to_the_nearest_and_images_averaged(tmp_path):
    labels = label_map(0, 32, 64, classes=35)
    noise = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    item = folder_scenes(tmp_path, labels, noise, (8, 16))[0]
    assert torch.equal(item["layout"], torch.from_numpy(labels[2::4, 2::4]).long())
    # Antialiased: a quarter of the size averages about 16 pixels, so the spread falls by more than half.
    assert item["image"].std() < 0.5 * (noise / 127.5 - 1).std()


def test_label_out_of_range_names_the_file(bundle):
    labels = label_map(1)
    labels[0, 1] = 77  # a pixel that scaling to half the size would drop
    Image.fromarray(labels).save(bundle / "labels/b.png")
    scenes = load(bundle, size=(4, 8))
    with pytest.raises(ValueError, match=r"b\.png: label values 77 are out of range, expected 0 to 3"):
        scenes.layouts()


def test_errors_name_the_file_through_worker_processes(bundle):
    Image.fromarray(np.full((8, 16), 77, np.uint8)).save(bundle / "labels/b.png")
    batches = iter(DataLoader(load(bundle), batch_size=2, num_workers=1))
    with pytest.raises(ValueError, match=r"b\.png: label values 77 are out of range"):
        next(batches)
    assert list(batches) == []  # ends the worker; left to the garbage collector that takes torch 5 s


def test_image_and_label_of_different_size_name_both_files(bundle):
    Image.fromarray(label_map(1, 16, 16)).save(bundle / "labels/b.png")
    with pytest.raises(ValueError, match=r"b\.jpg is 8×16 pixels but its label map .*b\.png is 16×16"):
        load(bundle)


@pytest.mark.parametrize("name", ["labels/b.png", "images/b.jpg"])
def test_truncated_file_is_named(bundle, name):
    noise = np.random.default_rng(0).integers(0, 4, (64, 128), dtype=np.uint8)
    Image.fromarray(noise).save(bundle / "labels/b.png")
    Image.fromarray(60 * noise).convert("RGB").save(bundle / "images/b.jpg")
    content = (bundle / name).read_bytes()
    (bundle / name).write_bytes(content[: len(content) // 2])
    scenes = load(bundle)
    with pytest.raises(ValueError, match=rf"{name}: cannot be read, .*copy it again"):
        scenes[1]


def test_damaged_byte_is_named(bundle):
    content = bytearray((bundle / "labels/b.png").read_bytes())
    content[content.index(b"IDAT") + 8] ^= 0xFF
    (bundle / "labels/b.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"b\.png: cannot be read"):
        load(bundle).layouts()


@pytest.mark.parametrize("name", ["labels/b.png", "images/b.jpg"])
def test_file_that_is_no_image_is_named_on_opening(bundle, name):
    (bundle / name).write_bytes(b"<html>quota exceeded</html>")
    with pytest.raises(ValueError, match=rf"{name}: cannot be read"):
        load(bundle)


def test_colour_picture_as_label_is_named(bundle):
    Image.new("RGB", (16, 8)).save(bundle / "labels/b.png")
    with pytest.raises(ValueError, match=r"b\.png: a picture of mode RGB, expected a label map"):
        load(bundle).layouts()


def test_check_reads_everything_and_lists_the_faults(bundle):
    assert load(bundle).check() == "tiny: 2 scenes read, 3 classes, 8×16 pixels"
    for key in "ab":
        Image.fromarray(np.full((8, 16), 77, np.uint8)).save(bundle / f"labels/{key}.png")
    with pytest.raises(ValueError, match=r"(?s)2 of 2 scenes are faulty:.*a\.png.*b\.png"):
        load(bundle).check()


def test_split_that_does_not_exist(bundle):
    with pytest.raises(ValueError, match="tiny has no split 'test': choose 'train' or 'val'"):
        load(bundle, split="test")


def test_listed_scene_without_files(bundle):
    (bundle / "images/b.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"train\.txt lists 2 scenes, 1 of .* the first is .*images/b\.jpg"):
        load(bundle)


def test_fewer_scenes_than_said_give_a_warning(bundle):
    (bundle / "splits/train.txt").write_text("a\n")
    with pytest.warns(UserWarning, match=r"tiny, train: 1 of 2 scenes are in .*half-copied"):
        load(bundle)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no class list of a bundle .*Invalid JSON"),
        (json.dumps(class_list(num_classes="3")), "num_classes: Input should be a valid integer"),
        (json.dumps({"name": "tiny"}), "num_classes: Field required"),
        (json.dumps(class_list(classes=[{"index": 0, "name": "x", "color": [0, 0, 256]}])), "classes.0.color.2"),
        (json.dumps(class_list(num_classes=4)), r"num_classes is 4 but .* indices \[0, 1, 2\], expected 0 to 3"),
        (json.dumps(class_list(ignore_index=1)), r"num_classes is 3 but .* indices \[0, 2, 3\]"),
    ],
)
def test_damaged_class_list(bundle, content, message):
    (bundle / "classes.json").write_text(content)
    with pytest.raises(ValueError, match=rf"classes\.json.*{message}"):
        load(bundle)


@pytest.mark.parametrize("name", ["camvid", "idd-lite", "facades", "fashion", "faces-lfw"])
def test_real_bundle(name):
    if not (REAL / name).is_dir():
        pytest.skip(f"the bundle {name} is not in shared/data beside the repository")
    content = json.loads((REAL / name / "classes.json").read_text())
    train, val = (datasets.load(name, split, (32, 64), root=REAL / name) for split in ("train", "val"))
    assert {"train": len(train), "val": len(val)} == content["splits"]
    if name == "camvid":
        assert train.label_space == datasets.official.label_spaces.CAMVID_11
    assert train[0]["image"].shape == (3, 32, 64)
    layouts = datasets.load(name, "val", root=REAL / name).layouts()  # at full size, to compare fractions
    counts = torch.bincount(layouts.flatten(), minlength=256) / layouts.numel()
    said = [entry["pixel_fraction"] for entry in content["classes"]][: content["num_classes"]]
    # Said of the whole set, measured on one split of it: they agree roughly, a class out of place would not.
    assert (counts[: content["num_classes"]] - torch.tensor(said)).abs().sum() < 0.35
    others = (layouts[..., None] == torch.tensor([255], dtype=torch.uint8)).any(-1) | (layouts < content["num_classes"])
    assert others.all()
