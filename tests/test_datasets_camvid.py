"""CamVid's official folder and SegNet's form of it, in tiny folders of the same shape."""

from pathlib import Path

import numpy as np
import pytest
import torch
from test_datasets_official import write

from sempal_lib import datasets, label_spaces
from sempal_lib.datasets.official import OFFICIAL, camvid_split

REAL = Path(__file__).parents[1].parent / "shared/data"
pytestmark = pytest.mark.filterwarnings("ignore:.*half-copied")

# CamVid's 32 colours and the 11 classes of SegNet's comparison, written down anew.
CAMVID = {
    "sky": "128 128 128",
    "building": "128 0 0, 64 192 0, 0 128 64, 64 0 64, 192 0 128",
    "pole": "192 192 128, 0 0 64",
    "road": "128 64 128, 128 0 192, 192 0 64",
    "pavement": "0 0 192, 64 192 128, 128 128 192",
    "tree": "128 128 0, 192 192 0",
    "sign_symbol": "192 128 128, 128 128 64, 0 64 64",
    "fence": "64 64 128",
    "car": "64 0 128, 64 128 192, 192 128 192, 192 64 128, 128 64 64",
    "pedestrian": "64 64 0, 192 128 64, 64 0 192, 64 128 64",
    "bicyclist": "0 128 192, 192 0 192",
}
CAMVID_FRAMES = ["0001TP_006690", "0001TP_008550", "0006R0_f00930", "0016E5_07961", "Seq05VD_f00000"]


def camvid_colors() -> tuple[np.ndarray, list[int]]:
    """A label picture 4×8 of the 32 colours, and their classes."""
    colors, classes = [[0, 0, 0]], [255]
    for index, listed in enumerate(CAMVID.values()):
        for color in listed.split(", "):
            colors.append([int(value) for value in color.split()])
            classes.append(index)
    return np.array(colors, np.uint8).reshape(4, 8, 3), classes


def camvid(root: Path) -> Path:
    for frame in CAMVID_FRAMES:
        write(root / f"701_StillsRaw_full/{frame}.png", (4, 8))
        write(root / f"LabeledApproved_full/{frame}_L.png", camvid_colors()[0])
    return root


def test_camvid_colours(tmp_path):
    scenes = datasets.load("camvid", root=camvid(tmp_path))
    assert list(CAMVID) == list(scenes.label_space.names)
    assert scenes[0]["layout"].flatten().tolist() == camvid_colors()[1]
    assert len(label_spaces.CAMVID_COLOR_TABLE) == 32


def test_camvid_splits(tmp_path):
    root = camvid(tmp_path)
    frames = {
        split: [s.image.stem for s in datasets.load("camvid", split, root=root).scenes]
        for split in OFFICIAL["camvid"].splits
    }
    assert frames == {
        "train": ["0001TP_006690", "0006R0_f00930"],
        "val": ["0016E5_07961"],
        "test": ["0001TP_008550", "Seq05VD_f00000"],
    }


@pytest.mark.parametrize(
    ("frame", "split"),
    [
        ("0001TP_008520", "train"),
        ("0001TP_008550", "test"),
        ("0016E5_07920", "train"),
        ("0016E5_07959", "val"),
        ("0016E5_08159", "val"),
        ("0016E5_08190", "train"),
        ("holiday", None),
    ],
)
def test_camvid_split_borders(frame, split):
    assert camvid_split(frame) == split


def test_camvid_split_equals_segnets_lists():
    if not (REAL / "camvid").is_dir():
        pytest.skip("the bundle camvid is not in shared/data beside the repository")
    for split in ("train", "val"):
        frames = (REAL / f"camvid/splits/{split}.txt").read_text().split()
        assert {camvid_split(frame) for frame in frames} == {split}


def test_camvid_colour_of_no_class_names_the_file(tmp_path):
    colors = camvid_colors()[0]
    colors[2, 3] = (128, 128, 6)
    camvid(tmp_path)
    for frame in ("0001TP_006690", "Seq05VD_f02610"):
        write(tmp_path / f"701_StillsRaw_full/{frame}.png", (4, 8))
        write(tmp_path / f"LabeledApproved_full/{frame}_L.png", colors)
    with pytest.raises(ValueError, match=r"0001TP_006690_L\.png: 1 pixels have .* the first is \(128, 128, 6\)"):
        datasets.load("camvid", root=tmp_path).layouts()
    # The one file that is published with blended colours: they count as unlabelled.
    layout = datasets.load("camvid", "test", root=tmp_path)[-1]["layout"]
    assert layout[2, 3] == 255
    assert (layout == 255).sum() == 2


def test_camvid_in_segnets_folders(tmp_path):
    labels = (np.arange(48) % 12).astype(np.uint8).reshape(6, 8)
    for frame in CAMVID_FRAMES[:2]:
        write(tmp_path / f"val/{frame}.png", (6, 8))
        write(tmp_path / f"valannot/{frame}.png", labels)
    scenes = datasets.load("camvid", "val", root=tmp_path)
    expected = np.where(labels == 11, 255, labels)
    assert len(scenes) == 2
    assert torch.equal(scenes[0]["layout"], torch.from_numpy(expected).long())
    # At 2:1 the middle rows stay, as in the bundle.
    cropped = datasets.load("camvid", "val", (4, 8), root=tmp_path)[0]["layout"]
    assert torch.equal(cropped, scenes[0]["layout"][1:5])
