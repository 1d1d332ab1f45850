"""What fills the lots of a town: houses with gardens, rows, towers, halls, greens, woods, fields, car parks, water.

Each maker fills one lot; it takes the town and a `Lot`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sempal_lib.worlds.crossview import bodies
from sempal_lib.worlds.crossview.bodies import STOREY

ANGLES = np.arange(20) * (2 * np.pi / 20)


@dataclass(frozen=True)
class Lot:
    """A rectangle beside the street: sign -1 left or 1 right, from d0 to d1 m off its middle, from z0 to z1."""

    sign: int
    d0: float
    d1: float
    z0: float
    z1: float

    @property
    def length(self) -> float:
        return self.z1 - self.z0

    @property
    def depth(self) -> float:
        return self.d1 - self.d0

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x and z from and to."""
        return self.sign * self.d0, self.sign * self.d1, self.z0, self.z1

    def x(self, distance: float) -> float:
        """x at a distance from the lot's front."""
        return self.sign * (self.d0 + distance)

    def scattered(self, town: Any, each: float, margin: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
        """Places in the lot, one for every `each` m², by chance."""
        count = town.rng.poisson(max(self.length - 2 * margin, 0) * max(self.depth - 2 * margin, 0) / each)
        deep, along = town.rng.random((2, count))
        distance = self.d0 + margin + (self.depth - 2 * margin) * deep
        return self.sign * distance, self.z0 + margin + (self.length - 2 * margin) * along


def trees(town: Any, lot: Lot, each: float, low: float, high: float, margin: float = 1.5) -> None:
    x, z = lot.scattered(town, each, margin)
    bodies.crowns(town, x, z, town.rng.uniform(low, high, len(x)))


def borders(town: Any, lot: Lot) -> None:
    """What closes a garden off from the street: hedge, fence, wall or nothing."""
    at, kind = lot.x(0.3), town.pick((3, 3, 2, 3))
    if kind == 3:
        return
    tall = (1.1, 1.0, 1.2)[kind] + town.between(0, 0.5)
    label, material = (("vegetation", "leaves"), ("fence", "fence"), ("wall", "wall"))[kind]
    z1 = lot.z1 - 3.5
    if kind == 0:
        bodies.block(town, at, lot.x(1.2), lot.z0, z1, tall, town.own()[0], label, material, material)
    else:
        bodies.fence(town, at, lot.z0, at, z1, tall, label, material)


def house(town: Any, lot: Lot) -> None:
    """A detached house in its garden, with a drive, sometimes a pool."""
    town.area(*lot.box, "terrain", "grass")
    setback, wide, deep = town.between(4, 7), lot.length - town.between(5, 7.5), town.between(8, 11)
    z0 = lot.z0 + town.between(1, 2)
    drive = lot.z1 - 3.4
    town.area(lot.x(0), lot.x(setback + deep), drive, lot.z1 - 0.6, "sidewalk", "paving")
    eaves = 0.4 + 2.8 * town.storeys()
    owner = town.own()[0]
    bodies.gabled(town, lot.x(setback), lot.x(setback + deep), z0, z0 + wide, eaves, town.between(2.4, 3.8), owner,
                  town.chance(0.6))  # fmt: skip
    if town.chance(0.5):
        bodies.cars(town, lot.x(town.between(3, setback + 4)), drive + 1.4, lot.sign * 1.57)
    behind = Lot(lot.sign, lot.d0 + setback + deep + 1, lot.d1, lot.z0, lot.z1)
    if behind.depth > 6 and town.chance(0.25):
        at, z = town.between(1.5, behind.depth - 5), lot.z0 + town.between(2, 5)
        town.area(behind.x(at - 0.7), behind.x(at + 4.7), z - 0.7, z + 7.7, "sidewalk", "paving")
        town.area(behind.x(at), behind.x(at + 4), z, z + 7, "water", "water")
    elif behind.depth > 5:
        trees(town, behind, 45, 3, 9)
    borders(town, lot)
    trees(town, Lot(lot.sign, lot.d0 + 1, lot.d0 + setback, lot.z0, drive), 30, 1.0, 6)


def row(town: Any, lot: Lot) -> None:
    """A house that fills its lot's front, wall to wall with the next, and a yard behind it."""
    deep = min(town.between(10, 13), lot.depth - 2)
    eaves, owner = STOREY * town.storeys() + 1, town.own()[0]
    green = town.chance(0.5)
    town.area(*lot.box, "terrain" if green else "sidewalk", "grass" if green else "paving")
    if town.chance(0.75):
        bodies.gabled(town, lot.x(0), lot.x(deep), lot.z0, lot.z1, eaves, town.between(2.5, 4.5), owner, True)
    else:
        bodies.block(town, lot.x(0), lot.x(deep), lot.z0, lot.z1, eaves + 0.5, owner)
    trees(town, Lot(lot.sign, lot.d0 + deep, lot.d1, lot.z0, lot.z1), 60, 3, 8)


def tower(town: Any, lot: Lot) -> None:
    """A tall block with a flat roof and what stands on it, on a paved lot."""
    town.area(*lot.box, "sidewalk", "paving")
    off, gap = town.between(0.5, 4), town.between(0.5, 2.5)
    x0, x1, z0, z1 = lot.x(off), lot.x(lot.depth - town.between(1, 4)), lot.z0 + gap, lot.z1 - gap
    tall, owner = STOREY * town.storeys() + 1.5, town.own()[0]
    if town.chance(0.35):  # a lower house before a higher one
        middle = x0 + (x1 - x0) * town.between(0.35, 0.6)
        bodies.block(town, x0, middle, z0, z1, 0.5 * tall, owner)
        x0 = middle
    bodies.block(town, x0, x1, z0, z1, tall, owner)
    for _ in range(town.whole(1, 2)):
        x, z = x0 + (x1 - x0) * town.between(0.15, 0.6), z0 + (z1 - z0) * town.between(0.15, 0.6)
        bodies.block(town, x, x + (3 if x1 > x0 else -3), z, z + 3.5, tall + 2.2, owner, side="sheet", y0=tall)


def hall(town: Any, lot: Lot) -> None:
    """A wide low hall in a yard, with containers and trucks before it."""
    town.area(*lot.box, "road", "asphalt")
    yard = town.between(7, 11)
    owner, tall = town.own()[0], town.between(6, 10)
    bodies.block(town, lot.x(yard), lot.x(lot.depth - 1.5), lot.z0 + 2, lot.z1 - 2, tall, owner, side="sheet",
                 top="sheet")  # fmt: skip
    if town.chance(0.6):
        z = lot.z0 + town.between(3, lot.length - 12)
        town.area(lot.x(0.5), lot.x(2.5), lot.z0, lot.z1, "terrain", "grass")
        for i in range(town.whole(1, 3)):
            bodies.block(town, lot.x(3), lot.x(5.4), z + 2.8 * i, z + 2.6 * i + 2.5, 2.6, town.own()[0], "wall", "body",
                         "body")  # fmt: skip
    count = town.whole(0, 3)
    z = lot.z0 + 3 + (lot.length - 6) * np.sort(town.rng.random(count))
    bodies.cars(town, np.full(count, lot.x(yard - 3.6)), z, 1.57, trucks=0.7)
    if town.chance(0.5):
        bodies.fence(town, lot.x(0.2), lot.z0, lot.x(0.2), lot.z1 - 8, 1.8, "fence", "fence")


def car_park(town: Any, lot: Lot) -> None:
    """Rows of bays with cars, and islands with trees."""
    town.area(*lot.box, "road", "asphalt")
    full = town.between(0.3, 0.85)
    for at in np.arange(1.5, lot.depth - 11, 16.5).tolist():
        for bay, towards in ((at, 1), (at + 5, -1)):
            town.area(lot.x(bay), lot.x(bay + 5), lot.z0 + 1, lot.z1 - 1, "road", "bays", turned=True)
            z = np.arange(lot.z0 + 2.35, lot.z1 - 2, 2.7)
            z = z[town.rng.random(len(z)) < full]
            bodies.cars(town, np.full(len(z), lot.x(bay + 2.5)), z, towards * lot.sign * 1.57)
        town.area(lot.x(at + 4.4), lot.x(at + 5.6), lot.z0 + 4, lot.z1 - 4, "terrain", "grass")
        z = np.arange(lot.z0 + 7, lot.z1 - 5, 9.0)
        bodies.crowns(town, np.full(len(z), lot.x(at + 5)), z, town.rng.uniform(3.5, 5.5, len(z)))


def pond(town: Any, x: float, z: float, wide: float, long: float) -> None:
    """A rounded water with a soft shore."""
    ragged = 0.85 + 0.3 * town.rng.random(len(ANGLES))
    across, along = 0.5 * np.cos(ANGLES) * ragged, 0.5 * np.sin(ANGLES) * ragged
    town.ground(list(zip(x + wide * across, z + long * along, strict=True)), "water", "water")


def green(town: Any, lot: Lot) -> None:
    """Lawn with single trees and paths, sometimes a pond."""
    town.area(*lot.box, "terrain", "grass")
    path = lot.x(lot.depth * town.between(0.3, 0.7))
    town.area(path - 1, path + 1, lot.z0, lot.z1, "sidewalk", "paving")
    z = lot.z0 + lot.length * town.between(0.2, 0.8)
    town.area(*lot.box[:2], z - 0.9, z + 0.9, "sidewalk", "paving")
    if town.chance(0.4):
        wide, long = min(lot.depth, 26) * town.between(0.45, 0.75), lot.length * town.between(0.4, 0.7)
        pond(town, lot.x(lot.depth * 0.55), (lot.z0 + lot.z1) / 2, wide, long)
        trees(town, Lot(lot.sign, lot.d0, lot.d0 + 0.15 * lot.depth + 3, lot.z0, lot.z1), 45, 3, 10)
    else:
        trees(town, lot, 75, 3, 12)
    count = town.rng.poisson(0.7)
    bodies.people(town, path + town.rng.uniform(-0.8, 0.8, count), town.rng.uniform(lot.z0, lot.z1, count))
    if town.chance(0.3):
        borders(town, lot)


def wood(town: Any, lot: Lot) -> None:
    """Trees beside trees."""
    town.area(*lot.box, "vegetation", "leaves")
    trees(town, lot, 17, 7, 14, margin=0.5)
    trees(town, Lot(lot.sign, lot.d0, lot.d0 + 5, lot.z0, lot.z1), 16, 0.8, 5, margin=0.5)


def field(town: Any, lot: Lot) -> None:
    """Crops in rows, a hedge or a fence, here and there a tree or a barn."""
    town.area(*lot.box, "terrain", "grass")
    inner = Lot(lot.sign, lot.d0 + 1.5, lot.d1 - 1, lot.z0 + 1, lot.z1 - 1)
    town.area(*inner.box, "terrain", "field", turned=town.chance(0.4))
    if town.chance(0.45):
        bodies.fence(town, lot.x(0.4), lot.z0, lot.x(0.4), lot.z1, 1.1, "fence", "fence")
    else:
        trees(town, Lot(lot.sign, lot.d0, lot.d0 + 1.6, lot.z0, lot.z1), 9, 1.0, 2.2, margin=0.2)
    if town.chance(0.2):
        at, z = town.between(8, max(lot.depth - 12, 9)), lot.z0 + town.between(3, 8)
        bodies.gabled(town, lot.x(at), lot.x(at + 10), z, z + 15, 4.5, 3.5, town.own()[0], True)
    trees(town, Lot(lot.sign, lot.d1 - 3, lot.d1, lot.z0, lot.z1), 40, 4, 9, margin=0.3)


def plaza(town: Any, lot: Lot) -> None:
    """A paved place with stalls, people, a basin and trees in rows."""
    town.area(*lot.box, "sidewalk", "paving")
    if town.chance(0.4):
        basin(town, lot.x(0.55 * lot.depth), (lot.z0 + lot.z1) / 2, town.between(5, 8))
    else:
        for along in np.arange(lot.z0 + 2.5, lot.z1 - 4, 5.5).tolist():
            for at in (4.0, 11.0):
                if town.chance(0.75):
                    stall(town, lot.x(at), lot.x(at + 3), along, along + 3.2)
    places = np.arange(lot.z0 + 3, lot.z1 - 2, town.between(6, 9))
    bodies.crowns(town, np.full(len(places), lot.x(lot.depth - 3)), places, town.rng.uniform(5, 8, len(places)))
    x, z = lot.scattered(town, 50)
    bodies.people(town, x, z)


def basin(town: Any, x: float, z: float, wide: float) -> None:
    """Round water in a rim of stone."""
    for reach, name in ((wide / 2 + 0.6, "wall"), (wide / 2, "water")):
        town.ground(list(zip(x + reach * np.cos(ANGLES), z + reach * np.sin(ANGLES), strict=True)), name, name)


def stall(town: Any, x0: float, x1: float, z0: float, z1: float) -> None:
    """A counter below an awning."""
    owner, inset = town.own()[0], 0.4 if x1 > x0 else -0.4
    bodies.block(town, x0 + inset, x1 - inset, z0 + 0.4, z1 - 0.4, 1.0, owner, "building", "deck", "deck")
    bodies.block(town, x0, x1, z0, z1, 2.8, owner, "building", "cloth", "cloth", y0=2.1)


def lake(town: Any, lot: Lot) -> None:
    """Water with a wooded shore."""
    town.area(*lot.box, "terrain", "grass")
    pond(town, lot.x(lot.depth / 2), (lot.z0 + lot.z1) / 2, 0.9 * lot.depth, 0.9 * lot.length)
    trees(town, Lot(lot.sign, lot.d1 - 4, lot.d1, lot.z0, lot.z1), 14, 5, 11, margin=0.5)


MAKERS: dict[str, Callable[[Any, Lot], None]] = {
    "house": house, "row": row, "tower": tower, "hall": hall, "parking": car_park, "green": green, "wood": wood,
    "field": field, "plaza": plaza, "lake": lake,
}  # fmt: skip
