"""The official folders of Cityscapes, Cityscapes-25k and IDD, in tiny folders of the same shape."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sempal_lib import datasets, label_spaces
from sempal_lib.datasets.official import OFFICIAL

pytestmark = pytest.mark.filterwarnings("ignore:.*half-copied")

FRAMES = ["aachen/aachen_000000_000019", "aachen/aachen_000001_000019", "bochum/bochum_000000_000313"]
# Train ids of the label ids 0 to 33, as cityscapesScripts lists them; v for void.
v = 255
TRAIN_IDS = [
    v,
    v,
    v,
    v,
    v,
    v,
    v,
    0,
    1,
    v,
    v,
    2,
    3,
    4,
    v,
    v,
    v,
    5,
    v,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    v,
    v,
    16,
    17,
    18,
]
# SemGAN's 22, as we read it: the 19, and every other id as static, dynamic or ground.
S, D, G = 19, 20, 21
MAIN_22 = [
    S, S, S, S, S, D, G, 0, 1, G, G, 2, 3, 4, S, S, S, 5, S, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, D, D, 16, 17, 18,
]  # fmt: skip


def write(path: Path, pixels: np.ndarray | tuple[int, int]) -> None:
    """A label map, or a grey image of this (H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(pixels, tuple):
        Image.new("RGB", pixels[::-1], (128, 128, 128)).save(path)
    else:
        Image.fromarray(pixels).save(path)


def all_ids(count: int, *more: int) -> np.ndarray:
    """A label map 4×20 that holds each of the ids 0 to count - 1 and some more."""
    values = np.zeros(80, np.uint8)
    values[: count + len(more)] = [*range(count), *more]
    return values.reshape(4, 20)


def cityscapes(root: Path, split: str = "train", kinds=("labelIds", "instanceIds"), frames=FRAMES) -> Path:
    ids = all_ids(34)
    instances = ids.astype(np.uint16)
    instances[1, 6] = 26_007  # the eighth car of the frame, where ids say 26
    train_ids = np.array(TRAIN_IDS, np.uint8)[ids]
    for frame in frames:
        write(root / f"leftImg8bit/{split}/{frame}_leftImg8bit.png", (4, 20))
        for kind in kinds:
            pixels = {"labelIds": ids, "instanceIds": instances, "labelTrainIds": train_ids}[kind]
            write(root / f"gtFine/{split}/{frame}_gtFine_{kind}.png", pixels)
    return root


@pytest.mark.parametrize("kinds", [("labelIds",), ("instanceIds",), ("labelTrainIds",)])
def test_cityscapes_19_classes_from_any_label_file(tmp_path, kinds):
    scenes = datasets.load("cityscapes", root=cityscapes(tmp_path, kinds=kinds))
    assert (len(scenes), scenes.size, scenes.label_space.num_classes) == (3, (4, 20), 19)
    assert scenes[0]["layout"].flatten()[:34].tolist() == TRAIN_IDS


@pytest.mark.parametrize(
    ("name", "expected", "names"),
    [
        ("cityscapes-22", MAIN_22, {0: "road", 19: "static", 20: "dynamic", 21: "ground"}),
        ("cityscapes-33", [255, *range(33)], {0: "ego vehicle", 32: "bicycle"}),
        ("cityscapes-34", [*range(34)], {0: "unlabeled", 33: "bicycle"}),
        ("cityscapes-35", [*range(34)], {7: "road", 26: "car", 34: "license plate"}),
    ],
)
def test_cityscapes_with_all_its_ids(tmp_path, name, expected, names):
    scenes = datasets.load(name, root=cityscapes(tmp_path))
    assert scenes[0]["layout"].flatten()[:34].tolist() == expected
    assert scenes.label_space.num_classes == int(name[-2:])
    assert {index: scenes.label_space.names[index] for index in names} == names


def test_cityscapes_35_counts_255_as_the_license_plate(tmp_path):
    write(cityscapes(tmp_path) / f"gtFine/train/{FRAMES[0]}_gtFine_labelIds.png", all_ids(34, 255))
    assert datasets.load("cityscapes-35", root=tmp_path)[0]["layout"].flatten()[34] == 34
    assert datasets.load("cityscapes", root=tmp_path)[0]["layout"].flatten()[34] == 255


@pytest.mark.parametrize(("name", "index"), [("cityscapes-22", 19), ("cityscapes-35", 34)])
def test_of_the_papers_cityscapes_every_pixel_has_a_class(tmp_path, name, index):
    """From the codes that the fine labels and those of the extra scenes hold, 255 among them."""
    space, table = label_spaces.CITYSCAPES[int(name[-2:])]
    assert space.ignore_index is None
    assert table.keys() >= {*range(34), 255}
    assert set(table.values()) == set(range(space.num_classes))
    write(cityscapes(tmp_path) / f"gtFine/train/{FRAMES[0]}_gtFine_labelIds.png", all_ids(34, 255))
    assert datasets.load(name, root=tmp_path)[0]["layout"].flatten()[34] == index


def test_cityscapes_classes_have_the_names_and_colours_of_their_ids():
    small, large = label_spaces.CITYSCAPES_19, label_spaces.CITYSCAPES_35
    for code, index in enumerate(TRAIN_IDS):
        if index != v:
            assert (small.names[index], small.colors[index]) == (large.names[code], large.colors[code])
    assert large.names[4:7] == ("static", "dynamic", "ground")
    main = label_spaces.CITYSCAPES_22
    assert (main.names, main.colors) == (small.names + large.names[4:7], small.colors + large.colors[4:7])
    assert large.colors[33] == (119, 11, 32)
    assert (large.names[34], large.colors[34]) == ("license plate", (0, 0, 142))


def test_cityscapes_instances(tmp_path):
    item = datasets.load("cityscapes", root=cityscapes(tmp_path))[0]
    assert item["instances"].dtype == torch.int64
    assert item["instances"][1, 6] == 26_007
    assert item["instances"].count_nonzero() == 1
    assert item["layout"][1, 6] == label_spaces.CITYSCAPES_19.index("car")


def test_instances_are_left_out_if_one_scene_has_none(tmp_path):
    root = cityscapes(tmp_path)
    (root / f"gtFine/train/{FRAMES[1]}_gtFine_instanceIds.png").unlink()
    assert all("instances" not in datasets.load("cityscapes", root=root)[i] for i in range(3))


def test_35_classes_cannot_come_from_train_ids(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cityscapes-35: nothing to read in .*gtFine/train.*labelIds"):
        datasets.load("cityscapes-35", root=cityscapes(tmp_path, kinds=("labelTrainIds",)))


def test_label_id_out_of_range_names_the_file(tmp_path):
    write(cityscapes(tmp_path) / f"gtFine/train/{FRAMES[2]}_gtFine_labelIds.png", all_ids(34, 34))
    with pytest.raises(
        ValueError, match=r"bochum.*labelIds\.png: label values 34 are out of range, expected 0 to 33, 255"
    ):
        datasets.load("cityscapes", root=tmp_path).layouts()


def test_instance_value_out_of_range_names_the_file(tmp_path):
    root = cityscapes(tmp_path, kinds=("instanceIds",))
    write(root / f"gtFine/train/{FRAMES[0]}_gtFine_instanceIds.png", np.full((4, 20), 600, np.uint16))
    with pytest.raises(ValueError, match=r"aachen_000000_000019_gtFine_instanceIds\.png: values 600 to 600"):
        datasets.load("cityscapes", root=root).layouts()


def test_scene_size_keeps_the_full_frame(tmp_path):
    columns = np.tile(np.arange(20, dtype=np.uint8), (10, 1))
    for frame in FRAMES[:1]:
        write(tmp_path / f"leftImg8bit/val/{frame}_leftImg8bit.png", (10, 20))
        write(tmp_path / f"gtFine/val/{frame}_gtFine_labelIds.png", columns)
    layout = datasets.load("cityscapes-34", "val", (5, 10), root=tmp_path)[0]["layout"]
    assert layout.tolist() == [list(range(1, 20, 2))] * 5


def test_published_counts():
    """By the papers: Semantic Palette, 4; Sturgess et al. for CamVid."""
    counts = {name: published.splits for name, published in OFFICIAL.items()}
    assert counts["cityscapes"] == counts["cityscapes-35"] == {"train": 2975, "val": 500}
    assert counts["cityscapes-25k"] == counts["cityscapes-25k-35"] == {"train": 22_973, "val": 500}
    assert counts["idd"] == {"train": 6993, "val": 981}
    assert counts["camvid"] == {"train": 367, "val": 101, "test": 233}


@pytest.mark.filterwarnings("default")
def test_fewer_scenes_than_published_give_a_warning(tmp_path):
    with pytest.warns(UserWarning, match=r"cityscapes, train: 3 of 2975 scenes are in .*half-copied"):
        datasets.load("cityscapes", root=cityscapes(tmp_path))


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        (
            f"gtFine/train/{FRAMES[1]}_gtFine_labelIds.png",
            r"1 of 3 images have no label map, the first is .*000001_.*_left",
        ),
        (f"leftImg8bit/train/{FRAMES[2]}_leftImg8bit.png", r"1 of 3 label maps have no image, the first is .*bochum"),
    ],
)
def test_half_copied_folder(tmp_path, lost, message):
    (cityscapes(tmp_path) / lost).unlink()
    with pytest.raises(FileNotFoundError, match=f"cityscapes, train: {message}.*half-copied"):
        datasets.load("cityscapes", root=tmp_path)


@pytest.mark.parametrize("lost", ["leftImg8bit", "gtFine"])
def test_missing_part_of_a_folder(tmp_path, lost):
    shutil.rmtree(cityscapes(tmp_path) / lost)
    message = (
        rf"nothing to read in .*{lost}/train\. Expected are .*https://www\.cityscapes-dataset\.com.*root=.*SEMPAL_DATA"
    )
    with pytest.raises(FileNotFoundError, match=message):
        datasets.load("cityscapes", root=tmp_path)


def test_hidden_files_of_macos_are_left_out(tmp_path):
    root = cityscapes(tmp_path)
    (root / f"leftImg8bit/train/aachen/._{Path(FRAMES[0]).name}_leftImg8bit.png").write_bytes(b"Mac OS X")
    assert len(datasets.load("cityscapes", root=root)) == 3


def test_split_that_is_not_published(tmp_path):
    with pytest.raises(ValueError, match="cityscapes has no split 'test': choose 'train' or 'val'"):
        datasets.load("cityscapes", "test", root=tmp_path)


EXTRA = ["augsburg/augsburg_000000_000000", "augsburg/augsburg_000000_000001"]


@pytest.mark.parametrize(
    ("folder", "suffix", "kind"),
    [
        ("refinement_final_v0", "leftImg8bit", np.uint8),
        ("refinement_final", "leftImg8bit", np.uint8),
        ("extraFine", "instanceIds", np.uint16),
    ],
)
def test_cityscapes_25k(tmp_path, folder, suffix, kind):
    root = cityscapes(tmp_path)
    for frame in EXTRA:
        write(root / f"leftImg8bit/train_extra/{frame}_leftImg8bit.png", (4, 20))
        write(root / f"{folder}/train_extra/{frame}_{suffix}.png", np.full((4, 20), 7, kind))
    # The archive holds a label map without an image, and left-overs.
    write(root / f"{folder}/train_extra/augsburg/augsburg_000000_000002_{suffix}.png", np.full((4, 20), 7, kind))
    write(root / f"{folder}/tmp/augsburg_000000_000003_{suffix}.png", np.full((4, 20), 7, kind))
    scenes = datasets.load("cityscapes-25k", root=root)
    assert [scene.image.parent.name for scene in scenes.scenes] == [
        "aachen",
        "aachen",
        "bochum",
        "augsburg",
        "augsburg",
    ]
    assert (scenes[4]["layout"] == label_spaces.CITYSCAPES_19.index("road")).all()
    assert scenes[0]["instances"][1, 6] == 26_007
    assert (scenes[4]["instances"] == 0).all()
    assert (datasets.load("cityscapes-25k-35", root=root)[4]["layout"] == 7).all()


def test_cityscapes_25k_needs_its_extra_labels(tmp_path):
    root = cityscapes(tmp_path)
    for frame in EXTRA:
        write(root / f"leftImg8bit/train_extra/{frame}_leftImg8bit.png", (4, 20))
    with pytest.raises(
        FileNotFoundError, match=r"nothing to read in .*refinement_final_v0.*NVIDIA/semantic-segmentation"
    ):
        datasets.load("cityscapes-25k", root=root)
    write(root / f"extraFine/train_extra/{EXTRA[0]}_instanceIds.png", np.full((4, 20), 7, np.uint16))
    with pytest.raises(FileNotFoundError, match="train_extra: 1 of 2 images have no label map"):
        datasets.load("cityscapes-25k", root=root)


def idd(root: Path, split: str, height: int, width: int) -> Path:
    """Two drives whose frames have one name, labels at 720×1280 as the recipe leaves them: the row / 18."""
    labels = np.repeat((np.arange(720) // 18).astype(np.uint8)[:, None], 1280, axis=1)
    for drive, suffix in (("0", "png"), ("1", "jpg")):
        write(root / f"leftImg8bit/{split}/{drive}/frame0029_leftImg8bit.{suffix}", (height, width))
        write(root / f"gtFine/{split}/{drive}/frame0029_gtFine_labelids.png", labels)
    return root


def test_idd_validation_keeps_the_upper_640_rows(tmp_path):
    scenes = datasets.load("idd", "val", root=idd(tmp_path, "val", 270, 480))
    assert (len(scenes), scenes.size, scenes.label_space.num_classes) == (2, (640, 1280), 40)
    assert scenes[1]["image"].shape == (3, 640, 1280)
    assert torch.equal(scenes[1]["layout"][:, 0], torch.arange(640) // 18)


def test_idd_training_draws_the_rows_by_seed(tmp_path):
    root = idd(tmp_path, "train", 720, 1280)
    tops = []
    for seed in (0, 0, 1, 2):
        layout = datasets.load("idd", root=root, seed=seed)[0]["layout"]
        top = int((layout[:, 0] == layout[0, 0]).sum())  # rows left of the first class: 18 - top % 18
        tops.append((int(layout[0, 0]), top))
        assert 0 <= int(layout[0, 0]) * 18 + 18 - top < 80
    assert tops[0] == tops[1]
    assert len(set(tops)) > 1


def test_idd_labels_of_another_size_are_refused(tmp_path):
    root = idd(tmp_path, "val", 270, 480)
    write(root / "gtFine/val/1/frame0029_gtFine_labelids.png", np.zeros((360, 640), np.uint8))
    with pytest.raises(
        ValueError, match=r"1/frame0029_leftImg8bit\.jpg is 270×480 pixels but its label map .* is 360×640"
    ):
        datasets.load("idd", "val", root=root)


def test_idd_ids_instances_and_unlabelled_pixels(tmp_path):
    ids = np.zeros((4, 20), np.uint8)
    ids.flat[:41] = [*range(40), 255]
    write(tmp_path / "leftImg8bit/val/0/frame1_leftImg8bit.png", (4, 20))
    write(tmp_path / "gtFine/val/0/frame1_gtFine_labelids.png", ids)
    write(tmp_path / "gtFine/val/0/frame1_gtFine_instanceids.png", np.full((4, 20), 6003, np.uint16))
    scenes = datasets.load("idd", "val", (4, 8), root=tmp_path)
    table = dict(enumerate(scenes._table.tolist()))
    assert [table[code] for code in range(40)] == list(range(40))
    assert table[255] == scenes.label_space.index("unlabeled") == 35
    assert (scenes[0]["instances"] == 6003).all()
    assert scenes.label_space.names[11] == "autorickshaw"


def test_idd_without_its_label_maps_says_how_they_are_made(tmp_path):
    root = idd(tmp_path, "val", 72, 128)
    shutil.rmtree(root / "gtFine/val/0")
    shutil.rmtree(root / "gtFine/val/1")
    with pytest.raises(FileNotFoundError, match=r"gtFine/val\. .*createLabels\.py --id-type id of .*AutoNUE"):
        datasets.load("idd", "val", root=root)
