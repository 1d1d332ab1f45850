"""What is measured of generated scenes: the classes that count, and a judge whose answers are known."""

from types import SimpleNamespace

import pytest
import torch

from sempal_lib import label_spaces
from sempal_lib.labels import CITYSCAPES_19, LabelSpace
from sempal_lib.metrics import FeatureWeightsMissing, scenes


def test_the_official_classes_among_others():
    assert scenes.standard_classes(CITYSCAPES_19) is None  # all count
    for space, _ in (label_spaces.CITYSCAPES[classes] for classes in (22, 33, 34, 35)):
        found = scenes.standard_classes(space)
        assert len(found) == 19
        assert [space.names[index] for index in found] == list(CITYSCAPES_19.names)
    # Cityscapes' own ids: of 35 classes a class's index is its id.
    of_35 = scenes.standard_classes(label_spaces.CITYSCAPES_35)
    assert of_35 == [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    of_idd = scenes.standard_classes(label_spaces.IDD_40)
    left_out = {"animal", "caravan", "trailer", "train", "unlabeled", "ego vehicle", "rectification border",
                "out of roi", "license plate"}  # fmt: skip
    assert {label_spaces.IDD_40.names[index] for index in range(40) if index not in of_idd} == left_out
    assert len(of_idd) == 31
    for space in (label_spaces.CAMVID_11, label_spaces.ADE_150):
        assert scenes.standard_classes(space) is None
    one_less = LabelSpace((*CITYSCAPES_19.names[:18], "x", "y"), ((0, 0, 0),) * 20)
    assert scenes.standard_classes(one_less) is None


class Judge:
    """Reads the class of a pixel from its red, and sees of a picture its green, in two features."""

    settings = SimpleNamespace(num_classes=35)

    def predict(self, images, batch_size=64):
        assert images.is_floating_point()
        return ((images[:, 0] + 1) * 127.5).round().long()

    def features(self, images, batch_size=64):
        green = images[:, 1, 0, 0] if images.is_floating_point() else images[:, 1, 0, 0] / 127.5 - 1
        return torch.stack([green, torch.zeros_like(green)], 1)


TRUE = torch.tensor([[[7, 7], [8, 0]], [[255, 7], [8, 0]]])
READ = torch.tensor([[[7, 8], [8, 0]], [[3, 7], [8, 7]]])


def pictures():
    """Generated ones that are read as READ; and more real ones, whose green is half of the range brighter."""
    images = torch.zeros(2, 3, 2, 2)
    images[:, 0] = READ / 127.5 - 1
    images[:, 1] = torch.tensor([-0.5, 0.1]).view(2, 1, 1)
    real = images.clone()
    real[:, 1] += 0.5
    return images, torch.cat([real, torch.full((1, 3, 2, 2), 0.9)])


def without_inception(*_):
    raise FeatureWeightsMissing("no weights")


def test_values_by_hand(monkeypatch):
    monkeypatch.setattr(scenes, "frechet_inception_distance", without_inception)
    images, real = pictures()
    found = scenes.evaluate_images(images, TRUE, real, Judge(), label_spaces.CITYSCAPES_35)
    assert found.keys() == {"gan_test_miou", "gan_test_miou_all", "gan_test_accuracy", "fd_seg"}
    assert {n for _, n in found.values()} == {2}
    # Of road's (7) 3 pixels 2 are read rightly, 1 as sidewalk (8), whose own 2 are. What is read as road where 0 is
    # true counts only among all 35 classes. The pixel without class counts nowhere.
    assert found["gan_test_miou"][0] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert found["gan_test_miou_all"][0] == pytest.approx((2 / 4 + 2 / 3 + 1 / 2) / 35)
    assert found["gan_test_accuracy"][0] == pytest.approx(5 / 7)
    # Features of one spread, whose means are 0.5 apart. The third real picture is not compared.
    assert found["fd_seg"][0] == pytest.approx(0.25, abs=1e-5)


def test_all_classes_count_where_there_are_no_others(monkeypatch):
    monkeypatch.setattr(scenes, "frechet_inception_distance", without_inception)
    images, real = pictures()
    space = LabelSpace(tuple(f"c{i}" for i in range(35)), ((0, 0, 0),) * 35)
    found = scenes.evaluate_images(images, TRUE, real, Judge(), space)
    assert found["gan_test_miou"][0] == pytest.approx((2 / 4 + 2 / 3 + 1 / 2) / 3)


def test_fid_where_its_weights_are(monkeypatch):
    told = []
    monkeypatch.setattr(scenes, "frechet_inception_distance", lambda *x: told.extend(x) or 12.5)
    images, real = pictures()
    kept = ((real + 1) * 127.5).round().to(torch.uint8)
    found = scenes.evaluate_images(images, TRUE, kept, Judge(), label_spaces.CITYSCAPES_35)
    assert found["fid"] == (12.5, 2)
    assert torch.equal(told[1], images)
    torch.testing.assert_close(told[0], real[:2], atol=0.004, rtol=0)  # bytes become numbers in [-1, 1]
    assert found["fd_seg"][0] == pytest.approx(0.25, abs=0.01)


def test_too_few_real_pictures():
    images, real = pictures()
    with pytest.raises(ValueError, match=r"the validation pictures: 2 samples are asked for but there are only 1"):
        scenes.evaluate_images(images, TRUE, real[:1], Judge(), label_spaces.CITYSCAPES_35)
    with pytest.raises(ValueError, match="are no pairs"):
        scenes.evaluate_images(images, TRUE[:1], real, Judge(), label_spaces.CITYSCAPES_35)


def test_real_scenes_and_the_floor_by_hand():
    images, real = pictures()
    four = torch.cat([images, real[:2]])  # green -0.5, 0.1, 0.0, 0.6: every other one, and the rest
    found = scenes.evaluate_real(four, torch.cat([TRUE, TRUE]), Judge(), label_spaces.CITYSCAPES_35)
    assert found["gan_test_miou"] == (pytest.approx(2 / 3), 4)
    # Means -0.25 and 0.35; standard deviations of two numbers 0.5 apart.
    assert found["fd_seg"] == (pytest.approx(0.6**2, abs=1e-5), 2)


def test_an_odd_picture_is_left_out_of_the_floor():
    images, _ = pictures()
    some = torch.cat([images, images, images[:1]])
    found = scenes.evaluate_real(some, torch.cat([TRUE, TRUE, TRUE[:1]]), Judge(), label_spaces.CITYSCAPES_35)
    assert (found["gan_test_miou"][1], found["fd_seg"][1]) == (5, 2)
