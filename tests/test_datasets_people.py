"""The official folders of DeepFashion and CelebAMask-HQ, and GTA-5 and ADE20K with a class for all the rest."""

import numpy as np
import pytest
import torch
from PIL import Image
from test_datasets_ade import ade20k, gta5
from test_datasets_official import all_ids, write

from sempal_lib import datasets
from sempal_lib.label_spaces_of_people import CELEBA_19

pytestmark = pytest.mark.filterwarnings("ignore:.*half-copied")


def deepfashion(root, split="train", names=("id_1_front", "id_1_side")):
    """Upright pictures 8×4, black, with the class 15 everywhere but for the class 3 in the first row."""
    labels = np.full((8, 4), 15, np.uint8)
    labels[0] = 3
    for name in names:
        path = root / split / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 8)).save(path, quality=100)
        write(path.with_name(f"{name}_label.png"), labels)
    return root


def celeba(root, faces=(7, 28001), without=()):
    """Faces of a skin in the upper half, a nose in its middle and hair over the upper quarter."""
    for number in faces:
        write(root / f"CelebA-HQ-img/{number}.jpg", (1024, 1024))
        for part, box in (("skin", (0, 0, 512, 256)), ("nose", (200, 100, 300, 200)), ("hair", (0, 0, 512, 128))):
            if part not in without:
                mask = Image.new("RGB", (512, 512))  # of three channels, as published
                mask.paste((255, 255, 255), box)
                path = root / f"CelebAMask-HQ-mask-anno/{number // 2000}/{number:05d}_{part}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                mask.save(path)
    return root


def test_deepfashion_is_padded_to_a_square(tmp_path):
    scenes = datasets.load("deepfashion", root=deepfashion(tmp_path), size=(8, 8))
    assert (len(scenes), scenes.label_space.num_classes) == (2, 16)
    assert scenes.label_space.colors[1] == (144, 238, 144)
    item = scenes[0]
    assert item["layout"][0].tolist() == [0, 0, 3, 3, 3, 3, 0, 0]
    assert item["layout"][7].tolist() == [0, 0, 15, 15, 15, 15, 0, 0]
    assert item["image"][0, 4, [0, 1, 6, 7]].tolist() == [1] * 4
    assert item["image"][0, 4, 2:6].max() < -0.9
    wide = datasets.load("deepfashion", root=tmp_path, size=(4, 8))
    assert wide.layout(0)[0].unique().tolist() != [0]  # nothing of the height is lost
    assert (wide.layout(0) > 0).float().mean() == pytest.approx(0.25)


def test_deepfashion_val_is_its_test_folder(tmp_path):
    deepfashion(tmp_path, "test", ("id_2_front",))
    assert len(datasets.load("deepfashion", "val", root=tmp_path)) == 1
    with pytest.raises(FileNotFoundError, match=r"deepfashion: nothing to read in .*/train\. Expected .*_label.png"):
        datasets.load("deepfashion", root=tmp_path)


def test_deepfashion_half_copied(tmp_path):
    (deepfashion(tmp_path) / "train/id_1_side_label.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"deepfashion, train: 1 of 2 images have no label map.*id_1_side.jpg"):
        datasets.load("deepfashion", root=tmp_path)


def test_deepfashion_bad_value(tmp_path):
    write(deepfashion(tmp_path) / "train/id_1_side_label.png", np.full((8, 4), 16, np.uint8))
    with pytest.raises(ValueError, match=r"id_1_side_label.png: label values 16 are out of range, expected 0 to 15"):
        datasets.load("deepfashion", root=tmp_path)[1]


def test_celeba_paints_the_parts_over_each_other(tmp_path):
    scenes = datasets.load("celebamask-hq", root=celeba(tmp_path), size=(8, 8))
    assert scenes.label_space is CELEBA_19
    layout = scenes.layout(0)
    index = {name: CELEBA_19.index(name) for name in CELEBA_19.names}
    assert layout[0].unique().tolist() == [index["hair"]]  # over the skin, and over the nose
    assert layout[2].tolist() == [index["skin"]] * 3 + [index["nose"]] * 2 + [index["skin"]] * 3
    assert layout[4:].unique().tolist() == [0]
    assert scenes[0]["image"].shape == (3, 8, 8)
    whole = datasets.load("celebamask-hq", root=tmp_path)
    assert whole.size == (512, 512)
    assert torch.equal(whole.layout(0)[32::64, 32::64], layout)


def test_celeba_splits_by_number(tmp_path):
    celeba(tmp_path, (0, 27999, 28000, 29999))
    train, val = (datasets.load("celebamask-hq", split, root=tmp_path) for split in ("train", "val"))
    assert [scene.image.stem for scene in train.scenes] == ["0", "27999"]
    assert [scene.image.stem for scene in val.scenes] == ["28000", "29999"]
    with pytest.raises(FileNotFoundError, match="celebamask-hq: nothing to read in"):
        datasets.load("celebamask-hq", "val", root=celeba(tmp_path / "few", (1, 2)))


def test_celeba_without_skin_is_half_copied(tmp_path):
    celeba(tmp_path, (7, 8))
    (tmp_path / "CelebAMask-HQ-mask-anno/0/00008_skin.png").unlink()
    with pytest.raises(FileNotFoundError, match="celebamask-hq, train: 1 of 2 images have no label map"):
        datasets.load("celebamask-hq", root=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"celebamask-hq: nothing to read in .*mask-anno"):
        datasets.load("celebamask-hq", root=celeba(tmp_path / "none", without=("skin", "nose", "hair")))


def test_celeba_part_of_another_size(tmp_path):
    celeba(tmp_path, (7,))
    write(tmp_path / "CelebAMask-HQ-mask-anno/0/00007_nose.png", np.zeros((4, 8), np.uint8))
    with pytest.raises(ValueError, match=r"00007_nose.png is 4×8 pixels, but the skin's mask beside it 512×512"):
        datasets.load("celebamask-hq", root=tmp_path)[0]


def test_gta_20_in_cimles_form(tmp_path):
    for split, numbers in (("train", (1, 12403, 12404)), ("test", (100001,))):
        for number in numbers:
            write(tmp_path / f"RGB256Full/{split}/{number:08d}.png", (4, 20))
            write(tmp_path / f"LabelgrayFull20/{split}/{number:08d}.png", all_ids(20))
    train, val = (datasets.load("gta-5-20", split, root=tmp_path) for split in ("train", "val"))
    assert (len(train), len(val)) == (2, 1)
    assert train.label_space.names[18:] == ("bicycle", "other")
    assert train.layout(0).flatten()[:20].tolist() == list(range(20))
    (tmp_path / "LabelgrayFull20/train/00000001.png").unlink()
    with pytest.raises(FileNotFoundError, match="gta-5-20, train: 1 of 2 images have no label map"):
        datasets.load("gta-5-20", root=tmp_path)


def test_gta_20_from_the_authors_own_folder(tmp_path):
    gta5(tmp_path, [1, 12404])
    plain, all_classes = (datasets.load(name, root=tmp_path).layout(0) for name in ("gta-5", "gta-5-20"))
    assert torch.equal(torch.where(plain == 255, 19, plain), all_classes)
    assert len(datasets.load("gta-5-20", "val", root=tmp_path)) == 1


def test_ade_151_keeps_the_annotations_as_they_are(tmp_path):
    scenes = datasets.load("ade20k-151", root=ade20k(tmp_path))
    assert scenes.label_space.num_classes == 151
    assert scenes.label_space.names[:2] == ("unknown", "wall")
    assert scenes.layout(0).flatten()[:151].tolist() == list(range(151))


@pytest.mark.parametrize("name", ["deepfashion", "celebamask-hq", "gta-5-20", "ade20k-151"])
def test_missing_folder_says_where_the_set_is_had(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=rf"{name}: nothing to read in {tmp_path}/gone\. Expected are .*http"):
        datasets.load(name, root=tmp_path / "gone")
