"""CamVid split by drive: whole drives are held out, from a bundle, the official folder and SegNet's form alike."""

import itertools
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from test_datasets_bundles import class_list, label_map
from test_datasets_camvid import CAMVID_FRAMES
from test_datasets_camvid import camvid as official
from test_datasets_official import write

from sempal_lib import data_folders, datasets, runs
from sempal_lib.datasets.official import OFFICIAL

REAL = Path(__file__).parents[1].parent / "shared/data"
NAME = "camvid-drives"
# Frames as the published split has them: the same drive stands in train and in val.
LISTS = {
    "train": ["0001TP_006690", "0006R0_f00930", "0006R0_f00990", "0016E5_07957"],
    "val": ["0016E5_07959", "0016E5_07961"],
}
pytestmark = pytest.mark.filterwarnings("ignore:.*half-copied")


@pytest.fixture
def root(tmp_path) -> Path:
    """A bundle called camvid, as SEMPAL_DATA's folder has it."""
    folder = tmp_path / "camvid"
    for below in ("images", "labels", "splits"):
        (folder / below).mkdir(parents=True)
    counts = {split: len(keys) for split, keys in LISTS.items()}
    (folder / "classes.json").write_text(json.dumps(class_list(name="camvid", splits=counts)))
    seeds = itertools.count()
    for split, keys in LISTS.items():
        (folder / f"splits/{split}.txt").write_text("\n".join(keys) + "\n")
        for key in keys:
            Image.new("RGB", (16, 8), (255, 0, 0)).save(folder / f"images/{key}.jpg")
            Image.fromarray(label_map(next(seeds))).save(folder / f"labels/{key}.png")
    return folder


def frames(split: str, folder: Path | None, **options) -> list[str]:
    scenes = datasets.load(NAME, split, root=folder, **options)
    assert scenes.name == NAME
    return [scene.image.stem for scene in scenes.scenes]


def test_whole_drives_are_held_out(root):
    assert frames("val", root) == ["0006R0_f00930", "0006R0_f00990"]
    assert frames("train", root) == ["0001TP_006690", "0016E5_07957", "0016E5_07959", "0016E5_07961"]
    assert frames("train", root, limit=2) == ["0001TP_006690", "0016E5_07957"]
    together = [frame for split in ("train", "val") for frame in frames(split, root)]
    assert sorted(together) == sorted(key for keys in LISTS.values() for key in keys)
    # The published split of the same folder stays what it is.
    assert len(datasets.load("camvid", "val", root=root)) == len(LISTS["val"])


def test_the_official_folder_and_segnets_are_split_alike(tmp_path):
    folder = official(tmp_path / "official")
    # The second half of 0001TP, and Seq05VD, are the published test split: they stay out.
    assert {split: frames(split, folder) for split in ("train", "val")} == {
        "train": ["0001TP_006690", "0016E5_07961"],
        "val": ["0006R0_f00930"],
    }
    for frame, split in zip(CAMVID_FRAMES[:4], ("train", None, "train", "val"), strict=True):
        if split:
            write(tmp_path / f"segnet/{split}/{frame}.png", (6, 8))
            write(tmp_path / f"segnet/{split}annot/{frame}.png", label_map(0, 6, 8))
    assert {split: frames(split, tmp_path / "segnet") for split in ("train", "val")} == {
        "train": ["0001TP_006690", "0016E5_07961"],
        "val": ["0006R0_f00930"],
    }


def test_a_frame_of_no_known_drive_is_refused(root):
    (root / "splits/train.txt").write_text("holiday_1\n" + "\n".join(LISTS["train"]))
    Image.new("RGB", (16, 8)).save(root / "images/holiday_1.jpg")
    Image.fromarray(label_map(0)).save(root / "labels/holiday_1.png")
    with pytest.raises(ValueError, match=r"camvid-drives: the scene 'holiday_1'.* 0001TP, 0016E5, 0006R0"):
        frames("train", root)


def test_no_frame_of_the_drive_held_out(root):
    (root / "splits/train.txt").write_text("0001TP_006690\n")
    with pytest.raises(FileNotFoundError, match=r"camvid-drives: there is no scene of 0006R0 for the split 'val'"):
        frames("val", root)


@pytest.mark.parametrize("split", ["test", "trainval"])
def test_there_is_no_other_split(root, split):
    with pytest.raises(ValueError, match=f"camvid-drives has no split '{split}': choose 'train' or 'val'"):
        datasets.load(NAME, split, root=root)


def test_another_bundle_is_refused(root):
    (root / "classes.json").write_text(json.dumps(class_list(splits={"train": 4, "val": 2})))
    with pytest.raises(ValueError, match="camvid holds the bundle 'tiny', not 'camvid-drives'"):
        datasets.load(NAME, root=root)


def test_a_run_of_it(root, monkeypatch):
    """Its folder is camvid's; its name and its fingerprint stand in the run's, apart from camvid's."""
    monkeypatch.setenv("SEMPAL_DATA", str(root.parent))
    data_folders.fingerprint.cache_clear()
    assert data_folders.data_folder(NAME) == root
    chapter = "07_painting_by_layout"
    given = {"preset": "smoke", "train_scenes": 8, "val_scenes": 6, "samples": 6}
    mine, theirs = (runs.resolve(chapter, {**given, "dataset": name}) for name in (NAME, "camvid"))
    assert data_folders.data_of(mine) == data_folders.data_of(theirs) is not None
    folders = [runs.folder_of(chapter, parameters).name for parameters in (mine, theirs)]
    assert folders[0].startswith(f"{NAME}-s0-")
    assert folders[0].rsplit("-", 1)[1] != folders[1].rsplit("-", 1)[1]
    with pytest.raises(runs.RunError, match=r"camvid-drives has 4 scenes in its split 'train', but at least 8"):
        data_folders.check_data(mine)


def test_real_drives():
    if not (REAL / "camvid").is_dir():
        pytest.skip("the bundle camvid is not in shared/data beside the repository")
    found = {split: datasets.load(NAME, split, (32, 64), root=REAL / "camvid") for split in ("train", "val")}
    assert {split: len(scenes) for split, scenes in found.items()} == OFFICIAL[NAME].splits
    drives = {split: {s.image.stem.partition("_")[0] for s in scenes.scenes} for split, scenes in found.items()}
    assert drives == {"train": {"0001TP", "0016E5"}, "val": {"0006R0"}}
    first = datasets.load("camvid", "train", (32, 64), root=REAL / "camvid")[62]["layout"]  # after 62 of 0001TP
    assert torch.equal(found["val"][0]["layout"], first)
