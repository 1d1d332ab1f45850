"""The town of toy-street: which streets there are, what stands along them, and who is on the road.

Everything here is geometry in metres; it knows neither the picture's size nor its colours.
"""

import math
from dataclasses import dataclass

import numpy as np

from sempal_lib.worlds.street import parts as parts_of
from sempal_lib.worlds.street.figures import (
    LABEL,
    crowns,
    parked_two_wheelers,
    people,
    posts,
    riders,
    traffic_signals,
)
from sempal_lib.worlds.street.frontages import greenery, row, villas, walled
from sempal_lib.worlds.street.parts import Camera, Parts

FAR = 150.0  # m; where the street ends in a skyline
RING = np.array([(x - 20, 230, x + 20, 230) for x in range(-240, 241, 40)], dtype=float).T  # foot of that skyline
TENTHS = np.linspace(0, 1, 10)
AHEAD = np.geomspace(1.0, FAR + 60, 10) - 1.0  # m; where the edges of the ground's strips have their points


@dataclass(frozen=True)
class StreetKind:
    """A way that streets can be. Lengths in m as (least, most); chances in 0 to 1."""

    share: float  # of all scenes
    half_road: tuple[float, float]  # from the middle line to the edge of the last lane
    sidewalk: tuple[float, float]
    frontages: tuple[float, float, float, float]  # weights of rows, villas, greenery, walls
    storeys: tuple[float, float]
    parking: float  # chance of a row of parked cars, a side
    verge: float  # of a strip of grass beside the road
    trees: float  # of a row of trees
    traffic: float  # vehicles: 6 fill the lanes
    walkers: float  # people: about 0.7 of their number, a side
    tram: float  # of tracks
    crossing: float
    bend: float  # curvature, 1 / (2 radius), 1/m


KINDS = {
    "old town": StreetKind(
        share=0.18, half_road=(2.4, 3.3), sidewalk=(1.8, 3.6), frontages=(1, 0, 0, 0), storeys=(4, 6), parking=0.4,
        verge=0.0, trees=0.2, traffic=1.5, walkers=4.0, tram=0.05, crossing=0.3, bend=2.5e-3),
    "centre": StreetKind(
        share=0.22, half_road=(3.6, 5.8), sidewalk=(3.2, 6.0), frontages=(0.9, 0, 0.03, 0.07), storeys=(5, 8),
        parking=0.4, verge=0.05, trees=0.4, traffic=3.0, walkers=6.0, tram=0.2, crossing=0.6, bend=5e-4),
    "boulevard": StreetKind(
        share=0.2, half_road=(5.0, 7.5), sidewalk=(3.8, 6.5), frontages=(0.78, 0, 0.17, 0.05), storeys=(6, 9),
        parking=0.4, verge=0.4, trees=0.95, traffic=3.0, walkers=4.0, tram=0.3, crossing=0.5, bend=4e-4),
    "suburb": StreetKind(
        share=0.19, half_road=(2.8, 4.0), sidewalk=(2.4, 4.2), frontages=(0.15, 0.57, 0.16, 0.12), storeys=(3, 4),
        parking=0.4, verge=0.3, trees=0.45, traffic=1.2, walkers=1.5, tram=0.0, crossing=0.3, bend=2e-3),
    "park road": StreetKind(
        share=0.12, half_road=(3.0, 4.6), sidewalk=(1.8, 3.6), frontages=(0.1, 0.05, 0.75, 0.1), storeys=(3, 5),
        parking=0.3, verge=0.45, trees=0.7, traffic=1.5, walkers=1.5, tram=0.05, crossing=0.2, bend=2.5e-3),
    "arterial": StreetKind(
        share=0.09, half_road=(6.0, 9.0), sidewalk=(2.2, 4.0), frontages=(0.42, 0.05, 0.28, 0.25), storeys=(4, 8),
        parking=0.1, verge=0.5, trees=0.4, traffic=4.5, walkers=1.0, tram=0.1, crossing=0.4, bend=5e-4),
}  # fmt: skip


class Dice:
    """Single random numbers, drawn in one go because a call to numpy for each would take most of the time."""

    def __init__(self, rng: np.random.Generator, count: int = 512):
        self.next = iter(rng.random(count).tolist()).__next__

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.next()

    def chance(self, probability: float) -> bool:
        return self.next() < probability

    def pick(self, weights) -> int:
        """Index, by weights."""
        left = self.next() * sum(weights)
        for i, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return i
        return len(weights) - 1


@dataclass
class Side:
    """One side of the street: where its strips lie, as distances from the middle line in m."""

    sign: int  # -1 left, 1 right
    road: float
    parking: bool
    kerb: float  # where the sidewalk begins
    verge: float  # where the verge ends; equals kerb without one
    front: float  # the property line
    setback: float  # from the property line to the houses


class Town:
    """One scene: the camera and the parts seen from it.

    Args:
        rng: where its chances come from; the same state makes the same town.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng, self.dice = rng, Dice(rng)
        dice = self.dice
        self.kind_name = list(KINDS)[dice.pick([kind.share for kind in KINDS.values()])]
        self.kind = kind = KINDS[self.kind_name]
        self.half_road = dice.between(*kind.half_road)
        self.one_way = self.half_road < 3.2
        self.bend = kind.bend * dice.between(-1, 1) if dice.chance(0.6) else 0.0
        self.tram = dice.chance(kind.tram)
        self.crossing = dice.between(12, 45) if dice.chance(kind.crossing) else None
        self.cross_half = dice.between(3.0, 6.0)
        self.end = dice.between(45, 95) if dice.chance(0.45) else FAR
        lane = 0.0 if self.one_way else self.half_road * (0.5 if self.half_road < 5.5 else dice.between(0.35, 0.7))
        self.camera = Camera(
            x=lane + dice.between(-0.4, 0.4),
            height=dice.between(1.2, 1.5),
            yaw=dice.between(-0.07, 0.07),
            focal=dice.between(1.5, 1.8),
            horizon=dice.between(0.42, 0.475),
        )
        self.parts = Parts(self.camera)
        self.sides = [self._side(-1), self._side(1)]
        self.skylines = [np.zeros(int(FAR) + 40), np.zeros(int(FAR) + 40)]  # height by z, for shadows
        self._ground()
        self._far_end()
        for side in self.sides:
            self._frontage(side)
            self._furniture(side)
            people(self, side)
            parked_two_wheelers(self, side)
            self._parked(side)
        self._traffic()
        riders(self)
        if self.crossing is not None:
            traffic_signals(self)
            self._cross_traffic()
        self.parts.finish()

    # -- the street's own coordinates ------------------------------------------------------------------

    def shift(self, z):
        """How far the street has bent to the right at z, m."""
        return self.bend * z * np.abs(z)

    def heading(self, z: float) -> float:
        """Direction of the street at z, radians right of the z axis."""
        return math.atan(2 * self.bend * abs(z))

    def _side(self, sign: int) -> Side:
        dice, kind = self.dice, self.kind
        parking = dice.chance(kind.parking)
        kerb = self.half_road + (2.2 if parking else 0.2)
        verge = kerb + (dice.between(1.0, 3.0) if dice.chance(kind.verge) else 0.0)
        front = verge + dice.between(*kind.sidewalk)
        setback = dice.between(2.5, 7.0) if kind.frontages[1] > 0.3 else 0.0
        return Side(sign, self.half_road, parking, kerb, verge, front, setback)

    # -- ground ----------------------------------------------------------------------------------------

    def _strip(self, inner: float, outer: float, label: str, material: int, order: float) -> None:
        """A strip of ground between two distances from the middle line (signed), to the horizon."""
        camera = self.camera
        edges = []
        for x in (inner, outer):
            z = AHEAD + (parts_of.NEAR - (x - camera.x) * camera.sin) / camera.cos
            edges.append(np.array([x + self.shift(z), z]))
        self.parts.ground(*edges, LABEL[label], material, order)

    def patch(self, inner: float, outer: float, z0: float, z1: float, label: str, material: int, order: float) -> None:
        """The same on one stretch of the street, cut off where it passes behind the camera."""
        camera = self.camera
        reach = max(abs(inner), abs(outer)) * abs(camera.sin) + parts_of.NEAR + 0.2
        z0, z1 = max(z0, reach), max(z1, reach)
        z = z0 + (z1 - z0) * TENTHS
        shift = self.shift(z)
        self.parts.ground(np.array([inner + shift, z]), np.array([outer + shift, z]), LABEL[label], material, order)

    def _ground(self) -> None:
        soft = self.kind.frontages[1] + self.kind.frontages[2]
        left, right = self.sides
        for side in self.sides:
            s = side.sign
            paved = self.kind.frontages[0] > 0.5 or self.dice.chance(0.25)
            label, material = ("sidewalk", parts_of.PAVING) if paved else ("terrain", parts_of.GRASS)
            self._strip(s * side.front, s * 300, label, material, 0)
            self._strip(s * side.kerb, s * side.front, "sidewalk", parts_of.PAVING, 1)
            if side.verge > side.kerb:
                self._strip(s * (side.kerb + 0.15), s * side.verge, "terrain", parts_of.GRASS, 2)
            self._strip(s * side.kerb, s * (side.kerb + 0.18), "sidewalk", parts_of.KERB, 3)
        self._strip(-left.kerb, right.kerb, "road", parts_of.ASPHALT, 4)
        if self.crossing is not None:
            z0, z1 = self.crossing, self.crossing + 2 * self.cross_half
            rim = self.rim = self.dice.between(1.5, 3.5)
            if soft < 0.5:
                self.patch(-60, -left.kerb, z0 - rim, z1 + rim, "sidewalk", parts_of.PAVING, 5)
                self.patch(right.kerb, 60, z0 - rim, z1 + rim, "sidewalk", parts_of.PAVING, 5)
            self.patch(-60, 60, z0, z1, "road", parts_of.ASPHALT, 6)

    # -- what closes the view --------------------------------------------------------------------------

    def _far_end(self) -> None:
        """Houses or trees across the street at its end, and a skyline behind everything."""
        rng, dice, camera = self.rng, self.dice, self.camera
        # A ring of far trees and roofs: no gap between ground and sky anywhere.
        top = 0.55 + 0.45 * rng.random((13, parts_of.RAGGED))
        green = rng.random(13) < (0.35 if self.kind.frontages[0] > 0.5 else 0.7)
        for flags, label, material, rise in (
            (green, "vegetation", parts_of.LEAVES, 20),
            (~green, "building", parts_of.DISTANT, 30),
        ):
            if flags.any():
                n = int(flags.sum())
                ragged = top[flags] if label == "vegetation" else np.repeat(top[flags][:, :1], parts_of.RAGGED, axis=1)
                self.parts.wall(RING[:, flags], 0.0, rise, LABEL[label], material, 1, self.parts.own(n), top=ragged)
        if self.end < FAR:
            x = self.shift(self.end) + camera.x
            edges = x + np.concatenate([[-70], np.sort(rng.uniform(-45, 45, 5)), [70]])
            n = len(edges) - 1
            foot = np.array([edges[:-1], np.full(n, self.end), edges[1:], np.full(n, self.end)])
            if dice.chance(self.kind.frontages[2] + 0.1):
                self.parts.wall(
                    foot,
                    0.0,
                    dice.between(6, 12),
                    LABEL["vegetation"],
                    parts_of.LEAVES,
                    2,
                    self.parts.own(n),
                    top=0.7 + 0.3 * rng.random((n, 9)),
                )
            else:
                height = 3.1 * np.round(rng.uniform(*self.kind.storeys, n)) + 1
                self.parts.wall(foot, 0.0, height, LABEL["building"], parts_of.FACADE, 2, self.parts.own(n))

    # -- along the property line -----------------------------------------------------------------------

    def _frontage(self, side: Side) -> None:
        """Fill one side with one or two kinds of frontage, leaving the cross street open."""
        dice = self.dice
        turn = dice.between(15, 80) if dice.chance(0.45) else FAR
        makers = (row, villas, greenery, walled)
        near, beyond = makers[dice.pick(self.kind.frontages)], makers[dice.pick(self.kind.frontages)]
        end = min(self.end, FAR)
        stretches = [(-4.0, end)]
        if self.crossing is not None:
            stretches = [(-4.0, self.crossing - self.rim), (self.crossing + 2 * self.cross_half + self.rim, end)]
        for z0, z1 in stretches:
            for maker, a, b in ((near, z0, min(z1, turn)), (beyond, max(z0, turn), z1)):
                if b - a > 3:
                    maker(self, side, a, b)

    # -- on the sidewalk -------------------------------------------------------------------------------

    def _furniture(self, side: Side) -> None:
        """Street trees, lamps, signs."""
        dice, rng, kind = self.dice, self.rng, self.kind
        if dice.chance(kind.trees):
            spacing = dice.between(7, 13)
            z = np.arange(dice.between(6, 14), min(self.end, 110) - 2, spacing)
            z = self._off_crossing(z)
            if len(z):
                x = side.sign * (side.kerb + dice.between(0.6, 1.2)) + self.shift(z)
                tall = dice.between(6, 14) * rng.uniform(0.85, 1.15, len(z))
                crowns(self, x, z, tall, layer=5, street=True)
        posts(self, side)

    def _off_crossing(self, z: np.ndarray) -> np.ndarray:
        if self.crossing is None:
            return z
        return z[(z < self.crossing - 1) | (z > self.crossing + 2 * self.cross_half + 1)]

    # -- on the road -----------------------------------------------------------------------------------

    def _vehicle(self, z, x, away: bool, label="car", heading=None, shape=None) -> None:
        """One vehicle with its nearer end at z, x from the middle of the street."""
        dice = self.dice
        heading = self.heading(z) if heading is None else heading
        end = "rear" if away else "front"
        if label == "car":
            van = dice.chance(0.16) if shape is None else shape == "van"
            profile = f"{'van' if van else 'car'} {end}"
            size = (
                (dice.between(4.6, 5.4), 1.95, dice.between(1.9, 2.4))
                if van
                else (dice.between(3.7, 4.8), 1.8, dice.between(1.4, 1.65))
            )
            sprites = (f"car {end}", f"car side {end}")
        elif label == "truck":
            profile, size, sprites = (
                f"truck {end}",
                (dice.between(6.5, 11), 2.45, dice.between(2.8, 3.7)),
                (f"truck {end}", "truck side"),
            )
        elif label == "bus":
            profile, size, sprites = "box", (12, 2.5, 3.1), (f"bus {end}", "bus side")
        else:
            profile, size, sprites = "box", (dice.between(20, 30), 2.4, 3.5), ("tram end", "tram side")
        sprites = tuple(parts_of.SPRITE[name] for name in sprites)
        self.parts.vehicle(profile, x + self.shift(z), z, heading, *size, LABEL[label], sprites, 5)

    def _parked(self, side: Side) -> None:
        if not side.parking:
            return
        dice = self.dice
        full = dice.between(0.2, 0.9)
        z = dice.between(2.8, 7)
        while z < min(self.end - 6, 85):
            if dice.chance(full) and len(self._off_crossing(np.array([z - 3, z, z + 6]))) == 3:
                label = "truck" if dice.chance(0.008) else "car"
                self._vehicle(z, side.sign * (side.kerb - 1.05), side.sign > 0 or dice.chance(0.3), label)
            z += dice.between(5.2, 6.4)

    def _traffic(self) -> None:
        """Vehicles in the lanes; not more than one bus, and trams only on tracks."""
        dice, kind = self.dice, self.kind
        lanes = [(0.0, True)] if self.one_way else [(self.half_road * 0.5, True), (-self.half_road * 0.5, False)]
        if self.half_road > 6:
            lanes = [(self.half_road * f, f > 0) for f in (0.3, 0.75, -0.3, -0.75)]
        bus = dice.chance(0.11)
        for i, (x, away) in enumerate(lanes):
            ahead = abs(x - self.camera.x) < 1.6
            z = dice.between(9, 35) if ahead else dice.between(4, 30)
            while z < min(self.end - 8, 95):
                label = "truck" if dice.chance(0.02) else "car"
                if bus and not i:
                    label, bus = "bus", False
                    z = max(z, 11.0)
                if dice.chance(kind.traffic / 6) or label == "bus":
                    self._vehicle(z, x + dice.between(-0.3, 0.3), away, label)
                z += dice.between(9, 22) + (10 if label in ("bus", "truck") else 0)
        if self.tram and dice.chance(0.45):
            z = dice.between(10, 38)
            self._vehicle(z, -self.half_road * 0.2, False, "train")

    def _cross_traffic(self) -> None:
        """Vehicles that pass from side to side at the crossing, seen from their flank."""
        dice = self.dice
        for lane, heading in ((0.5, -math.pi / 2), (1.5, math.pi / 2)):
            if dice.chance(0.4):
                label = ("car", "truck", "bus")[dice.pick((0.93, 0.05, 0.02))]
                z = self.crossing + lane * self.cross_half
                x = self.camera.x + dice.between(-9, 9)
                self._vehicle(z, x, dice.chance(0.5), label, heading=heading)
