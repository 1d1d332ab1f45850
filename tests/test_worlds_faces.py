"""toy-faces: its forms, what hides what, and that its known factors are what one sees."""

import numpy as np
import pytest
import torch

from sempal_lib.label_spaces_of_people import CELEBA_19
from sempal_lib.worlds import ToyFaces
from sempal_lib.worlds.engine import Drawing, FlatPatch, FlatPicture
from sempal_lib.worlds.faces.head import HAIRS, Head
from sempal_lib.worlds.faces.surfaces import at

INDEX = {name: i for i, name in enumerate(CELEBA_19.names)}


@pytest.fixture(scope="module")
def heads():
    return [Head(np.random.default_rng(seed)) for seed in range(200)]


@pytest.fixture(scope="module")
def items():
    return [ToyFaces(length=80)[i] for i in range(80)]


def boxes(head: Head, name: str) -> np.ndarray:
    """The boxes of a class's parts, left, top, right, bottom."""
    return head.box[head.labels == INDEX[name]]


def middle(head: Head, name: str) -> np.ndarray:
    left, top, right, bottom = boxes(head, name)[0]
    return np.array([(left + right) / 2, (top + bottom) / 2])


def test_classes_are_those_of_celebamask():
    names = "background skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat ear_r neck_l"
    assert CELEBA_19.names == (*names.split(), "neck", "cloth")
    assert CELEBA_19.colors[1] == (0xCC, 0, 0)
    assert CELEBA_19.colors[18] == (0, 0xCC, 0)
    assert CELEBA_19.ignore_index is None


def test_features_lie_in_the_face_in_their_order(heads):
    for head in heads:
        left, top, right, bottom = boxes(head, "skin")[0]
        for name in ("nose", "l_lip", "l_brow", "r_brow"):
            x, y = middle(head, name)
            assert left < x < right
            assert top < y < bottom
        assert middle(head, "l_brow")[0] < middle(head, "nose")[0] < middle(head, "r_brow")[0]
        assert middle(head, "l_brow")[1] < middle(head, "nose")[1] < middle(head, "l_lip")[1]
        assert bottom < 1  # the chin is in the picture


def test_what_is_open_or_dark_shows_or_hides(heads):
    for head in heads:
        worn = {CELEBA_19.names[label] for label in head.labels}
        assert ("mouth" in worn) == (0.16 * head.open > 0.02)
        assert ("l_eye" in worn) == ("r_eye" in worn) == (head.glasses < 2)
        assert ("eye_g" in worn) == (head.glasses > 0)
        assert ("hat" in worn) == (head.hat > 0)
        assert ("hair" in worn) == (HAIRS[head.hair] != "bald")
    assert 20 < sum(head.glasses > 0 for head in heads) < 80


def test_the_ear_that_is_turned_away_is_hidden(heads):
    for head in heads:
        if abs(head.turn) > 0.75:
            far, near = ("r_ear", "l_ear") if head.turn > 0 else ("l_ear", "r_ear")
            assert len(boxes(head, far)) == 0
            assert len(boxes(head, near)) == 1
        elif abs(head.turn) < 0.65:
            assert len(boxes(head, "l_ear")) == len(boxes(head, "r_ear")) == 1


def test_features_follow_the_turn(heads):
    aside = [(middle(head, "nose")[0] - head.place[0]) / head.unit for head in heads]
    turn = np.array([head.turn for head in heads])
    assert np.corrcoef(aside, turn)[0, 1] > 0.9
    assert np.polyfit(turn, aside, 1)[0] == pytest.approx(0.3, abs=0.03)  # the tip more than the eyes


def test_jewels_hang_from_ears_and_necklaces_lie_on_necks(heads):
    rings = chains = 0
    for head in heads:
        for left, top, right, _ in boxes(head, "ear_r"):
            ears = np.concatenate([boxes(head, "l_ear"), boxes(head, "r_ear")])
            assert ((ears[:, 0] < right) & (left < ears[:, 2]) & (ears[:, 1] < top) & (top < ears[:, 3])).any()
            rings += 1
        for left, _, right, bottom in boxes(head, "neck_l"):
            neck = boxes(head, "neck")[0]
            assert neck[0] < left < right < neck[2]
            assert bottom < neck[3]
            chains += 1
    assert rings > 40
    assert chains > 30


def test_place_on_a_face_by_hand():
    """A head at (0.5, 0.5), of unit 0.25, tilted by 90°: what lies below the middle is on the face's left."""
    head = Head(np.random.default_rng(0))
    head.place, head.unit, head.tilt = (0.5, 0.5), 0.25, 90.0
    picture = FlatPicture(head, None, Drawing(np.zeros((256, 256), np.int32)), 16, np.random.default_rng(0))
    x, y = at(FlatPatch(picture, np.array([24 * 32 + 16, 16 * 32 + 8])))  # half a sample beside the axes: 0.0625
    assert x == pytest.approx([1.0625, 0.0625])
    assert y == pytest.approx([-0.0625, 0.9375])
    head.put("hat", "hat", [(0, 0.9), (0.1, 1.1), (-0.1, 1.1)], 1, smooth=0)
    left, top, right, bottom = head._solid[-1][2]
    assert (left, right) == pytest.approx((0.5 - 1.1 * 0.25, 0.5 - 0.9 * 0.25))
    assert (top, bottom) == pytest.approx((0.475, 0.525))


def test_eyes_are_of_their_colour(items):
    blue = {False: [], True: []}
    for item in items:
        seen = item["image"][:, item["layout"] == INDEX["l_eye"]]
        red, _, other = item["style"]["eye_color"].tolist()
        if seen.shape[1] > 30 and abs(other - red) > 0.08:
            blue[other > red].append((seen[2] - seen[0]).mean().item())
    assert min(len(values) for values in blue.values()) > 8
    assert np.mean(blue[True]) > np.mean(blue[False]) + 0.05


def test_beards_darken_the_chin(items):
    """Below the lips a beard takes the hair's colour: there the skin is further from its own colour."""
    off = {False: [], True: []}
    for item in items:
        style, skin = item["style"], item["layout"] == INDEX["skin"]
        if (style["skin_color"].mean() - style["hair_color"].mean()).abs() > 0.25:
            low = torch.arange(128)[:, None] > (item["layout"] == INDEX["l_lip"]).nonzero()[:, 0].max()
            high = torch.arange(128)[:, None] < (item["layout"] == INDEX["nose"]).nonzero()[:, 0].max()
            image = item["image"].mean(dim=0)
            away = torch.sign(style["skin_color"].mean() - style["hair_color"].mean())
            off[style["beard"] > 0.5].append((away * (image[skin & high].mean() - image[skin & low].mean())).item())
    assert min(len(values) for values in off.values()) > 4
    assert np.mean(off[True]) > np.mean(off[False]) + 0.1


def test_pose_stands_in_the_style(items):
    for i, item in enumerate(items[:20]):
        scenes = ToyFaces()
        head = scenes.compose(scenes.random(i, 0))
        assert [item["style"][name] for name in ("turn", "tilt", "smile", "hair")] == [
            head.turn, head.tilt, head.smile, head.hair
        ]  # fmt: skip
