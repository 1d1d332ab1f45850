"""toy-fashion: who wears what, that pieces lie on the body, and that its known factors are what one sees."""

import numpy as np
import pytest
import torch

from sempal_lib.label_spaces_of_people import FASHION_16
from sempal_lib.worlds import ToyFashion
from sempal_lib.worlds.engine import Drawing, FlatPatch, FlatPicture, contrasting, printed
from sempal_lib.worlds.fashion.figure import Body
from sempal_lib.worlds.fashion.outfit import OUTFITS, Outfit
from sempal_lib.worlds.fashion.style import CLOTHS
from sempal_lib.worlds.fashion.surfaces import on_axis

INDEX = {name: i for i, name in enumerate(FASHION_16.names)}


@pytest.fixture(scope="module")
def people():
    return [Outfit(np.random.default_rng(seed)) for seed in range(150)]


@pytest.fixture(scope="module")
def items():
    return [ToyFashion(length=80)[i] for i in range(80)]


def test_colors_are_those_of_deepfashion():
    assert FASHION_16.num_classes == 16
    assert FASHION_16.ignore_index is None
    assert FASHION_16.colors[:3] == ((0, 0, 0), (144, 238, 144), (245, 222, 179))
    assert FASHION_16.colors[13:] == ((255, 140, 0), (0, 100, 0), (250, 235, 215))


def test_outfits_are_of_what_they_say(people):
    below = {"trousers": "trousers", "skirt": "skirt", "dress": "dress", "shorts": "trousers"}
    for person in people:
        worn = {FASHION_16.names[label] for label in person.labels}
        kind = OUTFITS[person.kind]
        assert worn & {"trousers", "skirt", "dress"} == {below[kind]}
        assert ("top" in worn) == (kind != "dress")
        assert worn >= {"background", "face", "legs", "arms"}


def test_shorts_end_above_the_knee_and_trousers_below(people):
    for person in people:
        lowest = [box[3] for box, name in zip(person.box, person.materials, strict=True) if name == "trousers"]
        knee = person.crown + person.unit * 5.55
        if OUTFITS[person.kind] == "shorts":
            assert max(lowest) < knee
        elif OUTFITS[person.kind] == "trousers":
            assert max(lowest) > knee


def test_heads_are_in_the_picture_and_feet_on_the_floor(people):
    cut = 0
    for person in people:
        face = person.box[np.array(person.materials) == "face"][0]
        assert face[1] > 0
        assert 0.2 < face[0] < face[2] < 0.8
        shoes, soles = person.labels == INDEX["shoes"], person.crown + person.unit * person.soles
        for thing in np.unique(person.things[shoes]):  # a boot is of two parts
            lowest = person.box[shoes & (person.things == thing), 3].max()
            assert lowest == pytest.approx(soles, abs=0.1 * person.unit)
        cut += soles > 1
    assert 50 < cut < 130  # some are seen whole, some down to the thighs


def test_sleeves_lie_on_arms():
    """A piece along an arm, wider than it, covers all of the arm down to its end."""
    body = Body(np.random.default_rng(3))
    line, halves = body.part_of(body.arms[0], 0.0, 0.5, (0.1, 0.1))
    bare, thin = body.part_of(body.arms[0], 0.0, 0.5)
    assert np.array_equal(line, bare)
    assert np.allclose(halves - thin, 0.1)
    assert np.allclose(line[0], body.arms[0][0][0])
    assert np.allclose(line[-1], body.arms[0][0][2])  # the elbow


class _Plain(Body):
    def __init__(self, points, axis):
        super().__init__(np.random.default_rng(0))
        self.unit, self.left, self.crown = 0.25, 0.5, 0.0
        self.put("top", "top", points, axis, 0)
        self.finish()


def test_place_on_an_axis_by_hand():
    """A piece that lies level, from x = -1 to 1 at y = 2 and half a head wide: q goes along it, p down from it."""
    scene = _Plain([(-1, 1.5), (1, 1.5), (1, 2.5), (-1, 2.5)], ((-1, 2), (1, 2), 0.5, 0.5))
    picture = FlatPicture(scene, None, Drawing(np.ones((256, 256), np.int32)), 16, np.random.default_rng(0))
    samples = np.array([16 * 32 + 16, 12 * 32 + 24])  # at (0.0625, 2.0625) and (1.0625, 1.5625) heads
    across, p, q = on_axis(FlatPatch(picture, samples))
    assert q == pytest.approx([1.0625, 2.0625])
    assert p == pytest.approx([-0.0625, 0.4375])
    assert across == pytest.approx([-0.125, 0.875])


def test_patterns_by_hand():
    p = np.array([0.0, 0.25, 0.5, 0.0, 0.5])
    q = np.array([0.0, 0.0, 0.0, 0.5, 0.5])
    draw = lambda kind: printed(kind, p, q, 1.0, 1e3).tolist()  # noqa: E731
    assert draw(0) == [0] * 5
    assert draw(1) == [1, 1, 1, 0, 0]  # across the piece
    assert draw(2) == [1, 0.5, 0.5, 0.5, 0]
    assert printed(1, p, q, 1.0, 0.1).max() < 0.06  # finer than a sample: faded


def test_second_colors_can_be_told_from_the_first():
    assert contrasting((0.9, 0.1, 0.1), (0.1, 0.1, 0.9)) == (0.1, 0.1, 0.9)
    assert sum(contrasting((0.9, 0.9, 0.9), (0.8, 0.9, 0.9))) < 0.3
    assert sum(contrasting((0.1, 0.1, 0.1), (0.2, 0.1, 0.1))) > 2.7


def test_patterns_are_what_one_sees(items):
    """A pattern spreads a top's colours, and more so the further its two colours lie apart."""
    spread = {False: [], True: []}
    for item in items:
        known, pixels = item["style"], item["image"][:, item["layout"] == INDEX["top"]]
        if pixels.shape[1] > 300:
            spread[known["top_pattern"] > 0].append(pixels.std(dim=1).mean().item())
    assert min(len(values) for values in spread.values()) > 8
    assert np.mean(spread[True]) > np.mean(spread[False]) + 0.1


def test_skin_is_of_one_colour(items):
    for item in items:
        colors, seen = item["style"]["class_colors"], item["layout"].flatten().bincount(minlength=16) > 60
        for name in ("arms", "legs"):
            if seen[INDEX[name]]:
                assert torch.allclose(colors[INDEX[name]], item["style"]["skin_color"].float(), atol=0.1)


def test_every_class_of_cloths_has_known_factors(items):
    known = ToyFashion.class_factors(items[0]["style"])
    assert set(known) == set(FASHION_16.names)
    assert all(set(known[name]) == {"color", "pattern", "second"} for name in CLOTHS)
