"""What stands in a town: houses, halls, trees, vehicles, people, fences, lamps, boats."""

from functools import cache

import numpy as np

from sempal_lib.worlds.crossview.parts import CORNERS, ROUND, Parts
from sempal_lib.worlds.street.shapes import HALF_WIDTHS, PROFILE, PROFILES

Array = np.ndarray
STOREY = 3.1  # m
# A box's walls by the numbers of its corners on the ground (left near, right near, right far, left far).
SIDES = ((0, 1), (1, 2), (2, 3), (3, 0))


def walls(x0: float, x1: float, z0: float, z1: float, y0: float, y1: float) -> Array:
    """The four upright faces of a box, [4, 4, 3]: near, right, far, left."""
    corners = ((x0, z0), (x1, z0), (x1, z1), (x0, z1))
    return np.array([
        [_at(corners[a], y0), _at(corners[b], y0), _at(corners[b], y1), _at(corners[a], y1)]
        for a, b in SIDES
    ])  # fmt: skip


def _at(corner: tuple[float, float], y: float) -> tuple[float, float, float]:
    return corner[0], y, corner[1]


def lid(x0: float, x1: float, z0: float, z1: float, y: float) -> Array:
    """The upper face of a box, [1, 4, 3]."""
    return np.array([[(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)]])


def block(town: Parts, x0, x1, z0, z1, y1: float, owner, label="building", side="facade", top="gravel", y0=0.0,
          thing=0) -> None:  # fmt: skip
    """A box with a flat top."""
    x0, x1 = min(x0, x1), max(x0, x1)
    town.faces(walls(x0, x1, z0, z1, y0, y1), label, side, owner, thing)
    town.faces(lid(x0, x1, z0, z1, y1), label, top, owner, thing)


def gabled(town: Parts, x0, x1, z0, z1, eaves: float, rise: float, owner, along: bool) -> None:
    """A house with a saddle roof; its ridge runs along the street or across it."""
    x0, x1 = min(x0, x1), max(x0, x1)
    top, over = eaves + rise, 0.4
    faces = walls(x0, x1, z0, z1, 0.0, eaves)
    middle = ((x0 + x1) / 2, (z0 + z1) / 2)
    gables = (0, 2) if along else (1, 3)
    town.faces(faces[[i for i in range(4) if i not in gables]], "building", "facade", owner)
    ends = []
    for i in gables:
        left, right, high_right, high_left = faces[i].tolist()
        peak = (middle[0], top, left[2]) if along else (left[0], top, middle[1])
        ends.append([left, right, high_right, peak, high_left])
    town.faces(ends, "building", "facade", owner)
    low = eaves - over * rise / ((x1 - x0) / 2 if along else (z1 - z0) / 2)
    x0, x1, z0, z1 = x0 - over, x1 + over, z0 - over, z1 + over
    if along:
        a, b = (middle[0], top, z0), (middle[0], top, z1)
        slopes = [[(x0, low, z1), (x0, low, z0), a, b], [(x1, low, z0), (x1, low, z1), b, a]]
    else:
        a, b = (x0, top, middle[1]), (x1, top, middle[1])
        slopes = [[(x0, low, z0), (x1, low, z0), b, a], [(x1, low, z1), (x0, low, z1), a, b]]
    town.faces(slopes, "building", "tiles", owner)


def crowns(town: Parts, x: Array, z: Array, height: Array) -> None:
    """Trees: a trunk and a ragged crown each; some are conifers. Bushes are low ones."""
    count = len(x)
    if not count:
        return
    chance = town.rng.random((count, 3))
    bush, slim = height < 2, (chance[:, 1] < town.conifers) & (height > 4)
    trunk = np.where(bush, 0.0, (0.16 + 0.1 * chance[:, 0]) * height)
    width = np.where(slim, 0.34, np.where(bush, 1.3, 0.6 + 0.3 * chance[:, 2])) * height
    radius = 0.8 + 0.24 * town.rng.random((count, CORNERS))
    level = 0.5 + 0.5 * np.sin(ROUND)
    narrow = np.where(slim[:, None], 1.15 - level, 1.0)
    shape = np.empty((count, CORNERS, 2))
    shape[..., 0], shape[..., 1] = 0.5 * np.cos(ROUND) * radius * narrow, 0.5 + 0.5 * np.sin(ROUND) * radius
    owner = town.own(count)
    tall = ~bush
    town.boards(x[tall], z[tall], 0.0, 0.1 + 0.035 * height[tall], trunk[tall] + 0.3 * height[tall], "trunk",
                "vegetation", "bark", owner[tall])  # fmt: skip
    town.boards(x, z, trunk, width, height - trunk, "crown", "vegetation", "crown", owner, shape=shape)


@cache
def _body(profile: str) -> tuple[Array, Array]:
    """A vehicle of length, width and height 1: flanks [2, 8, 3] and what joins them [7, 4, 3]; (across, up, along)."""
    outline, half = PROFILES[PROFILE[profile]], HALF_WIDTHS[PROFILE[profile]]
    order = [0, *range(7, 0, -1)]  # along the foot from the rear, and back over the top
    flanks = np.array([[(sign * half[i], outline[i, 1], outline[i, 0] - 0.5) for i in order] for sign in (1, -1)])
    joins = np.array([
        [(-half[i], *outline[i, ::-1] - [0, 0.5]), (half[i], *outline[i, ::-1] - [0, 0.5]),
         (half[i + 1], *outline[i + 1, ::-1] - [0, 0.5]), (-half[i + 1], *outline[i + 1, ::-1] - [0, 0.5])]
        for i in range(7)
    ])  # fmt: skip
    joins[6] = joins[6][[2, 3, 0, 1]]  # the front stands on its foot
    return flanks, joins


# By profile: label, sprites of flank, rear and front, and the materials between, from the rear to the front.
VEHICLES = {
    "car rear": ("car", "car side rear", "car rear", "car front", ("body", "pane", "body", "pane", "body")),
    "van rear": ("car", "car side rear", "car rear", "car front", ("body", "body", "body", "pane", "body")),
    "truck rear": ("truck", "truck side", "truck rear", "truck front", ("deck", "deck", "body", "body", "pane")),
}


def vehicles(town: Parts, profile: str, x: Array, z: Array, heading: Array, size: Array) -> None:
    """Cars or trucks. x, z: their middles, [n]. heading: radians right of the street. size: [n, 3], see `_body`."""
    count = len(x)
    if not count:
        return
    label, flank, rear, front, between = VEHICLES[profile]
    sin, cos = np.sin(heading)[:, None, None], np.cos(heading)[:, None, None]
    flanks, joins = _body(profile)

    def placed(points: Array) -> Array:
        across, up, along = np.moveaxis(points * size[:, None, None], -1, 0)
        return np.stack([across * cos + along * sin + x[:, None, None], up,
                         along * cos - across * sin + z[:, None, None]], axis=-1)  # fmt: skip

    owner, thing = town.own(count), town.instances(count)
    both = placed(flanks).reshape(-1, 8, 3)
    inside_out = np.tile([False, True], count)
    town.faces(both, label, flank, owner.repeat(2), thing.repeat(2), inside_out)
    for material, i in zip((rear, *between, front), range(7), strict=True):
        town.faces(placed(joins)[:, i], label, material, owner, thing)


def cars(town: Parts, x, z, heading, trucks: float = 0.0) -> None:
    """Vehicles of all kinds at places x, z [n]; `trucks` of them are trucks."""
    x, z = np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(z, float))
    heading = np.broadcast_to(np.asarray(heading, float), x.shape)
    keep = (np.abs(x - town.eye[0]) > 2.4) | (np.abs(z - town.eye[1]) > 7)
    chance = town.rng.random((len(x), 3))
    truck, van = chance[:, 0] < trucks, chance[:, 0] > 0.85
    for profile, here, size, spread in (
        ("truck rear", truck, (2.5, 3.0, 7.0), (0.1, 0.5, 2.5)),
        ("van rear", van, (2.0, 2.1, 4.9), (0.1, 0.3, 0.5)),
        ("car rear", ~truck & ~van, (1.8, 1.45, 4.2), (0.1, 0.15, 0.5)),
    ):
        chosen = here & keep
        sizes = np.array(size) + chance[chosen] * spread
        vehicles(town, profile, x[chosen], z[chosen], heading[chosen], sizes)


def people(town: Parts, x: Array, z: Array) -> None:
    """Walkers and who stands."""
    count = len(x)
    walking, tall = town.rng.random(count) < 0.6, town.rng.uniform(1.5, 1.9, count)
    owner, thing = town.own(count), town.instances(count)
    for outline, here, wide in (("walking", walking, 0.5), ("standing", ~walking, 0.4)):
        town.boards(x[here], z[here], 0.0, wide * tall[here], tall[here], outline, "person", "person", owner[here],
                    thing[here])  # fmt: skip


def fence(town: Parts, ax: float, az: float, bx: float, bz: float, tall: float, label: str, material: str) -> None:
    """A thin upright face between two places, seen from both sides."""
    there = [[(ax, 0, az), (bx, 0, bz), (bx, tall, bz), (ax, tall, az)]]
    back = [[there[0][1], there[0][0], there[0][3], there[0][2]]]
    town.faces(there + back, label, material, town.own()[0])


def lamps(town: Parts, x: Array, z: Array, reach: float) -> None:
    """Lamp posts; their arms reach over the road."""
    count = len(x)
    owner = town.own(count)
    town.boards(x, z, 0.0, 0.24, 6.5, "bar", "pole", "metal", owner)
    for px, pz, number in zip(x.tolist(), z.tolist(), owner.tolist(), strict=True):
        near, far = min(px, px + reach), max(px, px + reach)
        block(town, near, far, pz - 0.2, pz + 0.2, 6.6, number, "pole", "metal", "metal", y0=6.4)


def boat(town: Parts, x: float, z: float, length: float) -> None:
    """A hull with a deck and a cabin, along the shore."""
    half, owner, thing = length / 6, town.own()[0], town.instances()[0]
    points = [(x - half, z - length / 2), (x + half, z - length / 2), (x + half, z + length / 5), (x, z + length / 2),
              (x - half, z + length / 5)]  # fmt: skip
    hull = [
        [(ax, 0, az), (bx, 0, bz), (bx, 1.0, bz), (ax, 1.0, az)]
        for (ax, az), (bx, bz) in zip(points, [*points[1:], points[0]], strict=True)
    ]
    town.faces(hull, "boat", "body", owner, thing)
    town.faces([[(px, 1.0, pz) for px, pz in points]], "boat", "deck", owner, thing)
    block(town, x - 0.6 * half, x + 0.6 * half, z - length / 4, z + length / 8, 2.3, owner, "boat", "pane", "deck",
          y0=1.0, thing=thing)  # fmt: skip
