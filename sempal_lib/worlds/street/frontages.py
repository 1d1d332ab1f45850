"""What stands along the property lines of a toy street: rows of houses, villas, greenery, walls.

Each maker fills one side of the street from z0 to z1.
"""

import numpy as np

from sempal_lib.worlds.street.figures import crowns
from sempal_lib.worlds.street.ground import Side, Street
from sempal_lib.worlds.street.parts import RAGGED

Array = np.ndarray
STOREY = 3.1  # m
GABLE = 1 - np.abs(np.linspace(-1, 1, RAGGED))
BUILDINGS, GARDENS, BORDERS = 2, 3, 4  # layers


def along(town: Street, side: Side, distance, z0, z1) -> Array:
    """Foot lines along the street at a distance from its middle, from the left as seen from the road, [4, n]."""
    x = side.sign * distance
    near, far = (x + town.shift(z0), z0), (x + town.shift(z1), z1)
    return np.array([*near, *far] if side.sign < 0 else [*far, *near])


def across(town: Street, side: Side, distance, z, depth) -> Array:
    """Foot lines away from the street at z, which face the camera, [4, n]."""
    x = side.sign * distance + town.shift(z)
    inner, outer = (x, z), (x + side.sign * depth, z)
    return np.array([*outer, *inner] if side.sign < 0 else [*inner, *outer])


def lots(town: Street, z0: float, z1: float, low: float, high: float) -> tuple[Array, Array]:
    """Starts and ends of lots between z0 and z1, `low` to `high` long, longer far off so that they are few."""
    ends = [z0]
    while ends[-1] < z1 - low and len(ends) < 24:
        length = town.between(low, high) * (1 + max(ends[-1], 0) / 90)
        ends.append(min(ends[-1] + length, z1))
    if z1 - ends[-1] > 1 or len(ends) == 1:
        ends.append(z1)
    return np.array(ends[:-1]), np.array(ends[1:])


def raise_skyline(town: Street, side: Side, z0, z1, height) -> None:
    """Note how high the side is, for the shade that it throws."""
    skyline = town.skylines[(side.sign + 1) // 2]
    for a, b, h in zip(z0.tolist(), z1.tolist(), np.broadcast_to(height, z0.shape).tolist(), strict=True):
        skyline[max(int(a) + 10, 0) : max(int(b) + 10, 0)] = h


def row(town: Street, side: Side, z0: float, z1: float) -> None:
    """House beside house along the property line."""
    a, b = lots(town, z0, z1, 8, 22)
    n = len(a)
    chance = town.rng.random((n, 4))
    low, high = town.kind.storeys
    height = STOREY * np.round(low + (high - low) * chance[:, 0]) + 1 + chance[:, 1]
    distance = side.front + np.where(chance[:, 2] < 0.15, 1.5, 0.0)
    owner = town.own(n)
    raise_skyline(town, side, a, b, height)
    front = along(town, side, distance, a, b)
    rise = np.where(chance[:, 3] < 0.6, 2.0 + 2 * chance[:, 1], 0.3)
    lean = ((side.sign * 3.0,), (0.0,))
    town.wall(across(town, side, distance, a, np.full(n, 14.0)), 0, height, "building", "facade", BUILDINGS, owner)
    town.wall(front, height, height + rise, "building", "roof", BUILDINGS, owner, lean=lean, bias=0.1)
    town.wall(front, 0, height, "building", "facade", BUILDINGS, owner, bias=0.2)


def villas(town: Street, side: Side, z0: float, z1: float) -> None:
    """Detached houses with gables, behind gardens."""
    rng = town.rng
    a, b = lots(town, z0, z1, 12, 20)
    n = len(a)
    chance = rng.random((n, 6))
    setback = side.setback or 3.0
    distance = side.front + setback * (0.7 + 0.6 * chance[:, 0])
    a, b = a + 1 + 2 * chance[:, 1], b - 1 - 3 * chance[:, 2]
    eaves = 3.0 + 2.8 * np.round(chance[:, 3] * 1.3)
    deep = 8 + 3 * chance[:, 4]
    ridge = eaves + 2.2 + 2.2 * chance[:, 5]
    owner = town.own(n)
    raise_skyline(town, side, a, b, 0.8 * ridge)
    greens_behind(town, side, z0, z1, side.front + setback + 13)
    front = along(town, side, distance, a, b)
    lower = (eaves / ridge)[:, None]
    gable = lower + (1 - lower) * GABLE
    lean = (side.sign * deep / 2, np.zeros(n))
    town.wall(across(town, side, distance, a, deep), 0, ridge, "building", "facade", BUILDINGS, owner, top=gable)
    town.wall(front, eaves, ridge, "building", "roof", BUILDINGS, owner, lean=lean, bias=0.1)
    town.wall(front, 0, eaves, "building", "facade", BUILDINGS, owner, bias=0.2)
    borders(town, side, z0, z1)
    count = max(int(n * 1.2), 1)
    z = rng.uniform(max(z0, 6), max(z1, 7), count)
    x = side.sign * (side.front + rng.uniform(0.8, 0.9 * setback + 0.8, count)) + town.shift(z)
    crowns(town, x, z, rng.uniform(2.5, 7.5, count), GARDENS)


def borders(town: Street, side: Side, z0: float, z1: float) -> None:
    """What closes gardens off from the street: hedge, fence, wall or nothing, lot by lot."""
    rng = town.rng
    a, b = lots(town, z0, z1, 9, 24)
    kind, height = rng.random(len(a)), rng.uniform(0.8, 1.9, len(a))
    foot = along(town, side, side.front, a, b - 0.8)
    low = 0.0
    for high, label, material in ((0.35, "vegetation", "leaves"), (0.62, "fence", "fence"), (0.82, "wall", "wall")):
        here = (kind >= low) & (kind < high)
        top = 0.85 + 0.15 * rng.random((int(here.sum()), RAGGED)) if label == "vegetation" else None
        town.wall(foot[:, here], 0, height[here], label, material, BORDERS, top=top)
        low = high


def greens_behind(town: Street, side: Side, z0: float, z1: float, distance: float) -> None:
    """A wall of leaves that closes the view behind gardens and lawns."""
    rng = town.rng
    a, b = lots(town, z0, z1, 6, 14)
    n = len(a)
    top = 0.6 + 0.4 * rng.random((n, RAGGED))
    foot, height = along(town, side, distance, a, b), rng.uniform(5, 11, n)
    town.wall(foot, 0, height, "vegetation", "leaves", 1.5, top=top)


def greenery(town: Street, side: Side, z0: float, z1: float) -> None:
    """Lawn, trees and bushes."""
    rng = town.rng
    deep = town.between(3, 14)
    outer = side.sign * (side.front + deep + 3)
    town.patch(side.sign * side.front, outer, z0, z1, "terrain", "grass", 0.5)
    greens_behind(town, side, z0, z1, side.front + deep)
    raise_skyline(town, side, np.array([z0]), np.array([z1]), 5.0)
    count = min(max(int((z1 - z0) / 7), 2), 16)
    start = max(z0, 6)
    z = start + (z1 - start) * rng.random(count) ** 1.3
    x = side.sign * (side.front + rng.uniform(0.5, deep, count)) + town.shift(z)
    crowns(town, x, z, rng.uniform(3, 13, count), GARDENS)
    if town.chance(0.45):
        borders(town, side, z0, z1)


def walled(town: Street, side: Side, z0: float, z1: float) -> None:
    """A long wall or fence with trees or halls behind it."""
    if town.chance(0.5):
        greens_behind(town, side, z0, z1, side.front + 4)
    else:
        a, b = lots(town, z0, z1, 20, 40)
        foot, height = along(town, side, side.front + 6, a, b), town.rng.uniform(5, 10, len(a))
        town.wall(foot, 0, height, "building", "facade", BUILDINGS)
    a, b = lots(town, z0, z1, 25, 50)
    high = town.between(1.6, 3.4)
    raise_skyline(town, side, a, b, high)
    label, material = ("wall", "wall") if town.chance(0.6) else ("fence", "fence")
    foot = along(town, side, side.front, a, b)
    town.wall(foot, 0, high, label, material, BORDERS)
