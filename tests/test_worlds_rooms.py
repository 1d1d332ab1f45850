"""toy-rooms: its statistics, its geometry, and that its known factors are what one sees."""

import numpy as np
import pytest

from sempal_lib.label_spaces import ADE_150
from sempal_lib.worlds import ToyRooms
from sempal_lib.worlds.engine import within
from sempal_lib.worlds.rooms.furnishing import furnished
from sempal_lib.worlds.rooms.space import FACING, LEVEL, ROOMS_25, SHELL, Camera, Space, Spot

INDEX = {name: i for i, name in enumerate(ROOMS_25.names)}


@pytest.fixture(scope="module")
def items():
    scenes = ToyRooms()
    return [scenes[i] for i in range(80)]


def test_classes_are_some_of_ade20k():
    assert ROOMS_25.num_classes == 25
    assert ROOMS_25.ignore_index is None
    assert len(set(ROOMS_25.colors)) == 25
    for name, color in zip(ROOMS_25.names, ROOMS_25.colors, strict=True):
        assert ADE_150.colors[ADE_150.index(name)] == color
    places = [ADE_150.index(name) for name in ROOMS_25.names]
    assert places == sorted(places)


def test_no_thing_stands_in_every_room():
    present = (ToyRooms().class_shares(150) > 0).float().mean(dim=0)
    assert (present[len(SHELL) :] < 0.95).all()


def test_nothing_leaves_the_room():
    for seed in range(150):
        room = furnished(np.random.default_rng(seed))
        for x0, x1, y0, y1, z0, z1, _ in room.blocks:
            assert room.left - 0.05 <= x0 < x1 <= room.right + 0.05
            assert -1e-9 <= y0 < y1 <= room.height
            assert z0 < z1 <= room.depth + 1e-6


def test_all_that_stands_is_held_up():
    """Below what throws shadows there is the floor, or something to stand on, within 20 cm; walls hold the rest."""
    for seed in range(100):
        room = furnished(np.random.default_rng(seed))
        labels = dict(zip(room.things.tolist(), room.labels.tolist(), strict=True))
        lowest = {}
        for part in room.parts:
            bottom = part[1] if part[0] == LEVEL else part[4]
            lowest[part[9]] = min(lowest.get(part[9], 9), bottom)
        held = {INDEX[name] for name in "bed sofa armchair chair table desk cabinet shelf fireplace".split()}
        for thing, low in lowest.items():
            if labels[thing] in held:
                assert low == pytest.approx(0, abs=1e-6), ROOMS_25.names[labels[thing]]


def test_pieces_do_not_stand_in_each_other():
    for seed in range(100):
        room = furnished(np.random.default_rng(seed))
        taken = room._stand
        for n, (a, b, c, d) in enumerate(taken):
            assert not any(a < f and e < b and c < h and g < d for e, f, g, h in taken[:n])


def test_box_hides_what_is_behind_it_by_hand():
    """A wall at 4 m and a box at 2 m, 1 m wide and high: its front takes the middle quarter of the columns."""
    space = Space(Camera(0.0, 1.0, 0.5, 0.5, 0.5))
    space.part(FACING, 4.0, -9, 9, -9, 9, "wall")
    space.begin("bed")
    space.box(Spot("us", 0.0, 3.0), -0.5, 0.5, 0.0, 1.0, 0.0, 1.0, "wood")
    canvas = space.draw(128).canvas
    front = canvas == 1
    rows, columns = np.flatnonzero(front.any(axis=1)), np.flatnonzero(front.any(axis=0))
    assert (columns[0], columns[-1]) == (96, 159)  # 0.5 ± 0.5 · 0.5 / 2
    assert (rows[0], rows[-1]) == (128, 191)  # from eye height down to 1 m below it
    # Put behind the wall it is gone; put first it is drawn the same.
    space.parts = space.parts[::-1]
    assert np.array_equal(space.draw(128).canvas == len(space.parts) - 2, front)
    space.parts = [(*space.parts[-1][:1], 1.5, *space.parts[-1][2:]), *space.parts]
    assert (space.draw(128).canvas == 0).all()


def test_things_shrink_with_distance():
    """The same panel at twice the distance is half as wide and half as high."""
    sizes = []
    for z in (2.0, 4.0):
        space = Space(Camera(0.0, 1.0, 0.5, 0.5, 0.5))
        space.part(FACING, 9.0, -9, 9, -9, 9, "wall")
        space.panel(Spot("us", 0.0, z), -0.5, 0.5, 0.5, 1.5, 0.0, "wood")
        seen = space.draw(128).canvas == 1
        sizes.append((seen.any(axis=1).sum(), seen.any(axis=0).sum()))
    assert sizes == [(64, 64), (32, 32)]


def test_lamps_make_the_picture_warm(items):
    tone = {True: [], False: []}
    for item in items:
        ceiling = item["image"][:, item["layout"] == INDEX["ceiling"]].mean(dim=1)
        tone[item["style"]["lamps"] > 0].append((ceiling[0] - ceiling[2]).item())
    assert min(len(values) for values in tone.values()) > 10
    assert np.mean(tone[True]) > np.mean(tone[False]) + 0.05


def test_sun_draws_patches_of_light(items):
    """In the sun some of the floor is much brighter than the rest of it."""
    spread = {True: [], False: []}
    for item in items:
        floor = item["image"].mean(dim=0)[item["layout"] == INDEX["floor"]]
        if len(floor) > 500 and item["style"]["lamps"] == 0:
            spread[item["style"]["sun"] > 0].append((floor.quantile(0.98) - floor.median()).item())
    assert np.mean(spread[True]) > np.mean(spread[False]) + 0.1


def test_windows_are_bright_by_day(items):
    brightness = {True: [], False: []}
    for item in items:
        panes = item["image"].mean(dim=0)[item["layout"] == INDEX["windowpane"]]
        daylight = item["style"]["daylight"]
        if len(panes) > 150 and (daylight < 0.55 or daylight > 0.8):
            brightness[daylight > 0.8].append(panes.quantile(0.75).item())
    assert np.mean(brightness[True]) > np.mean(brightness[False]) + 0.1


def test_outlines_by_hand():
    u, v = np.meshgrid((np.arange(4) + 0.5) / 4, (np.arange(4) + 0.5) / 4)
    assert within("disc", u, v).astype(int).tolist() == [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]
    shade = within("shade", u, v)
    assert (shade[0] <= shade[-1]).all()
    assert shade.sum() < 16
