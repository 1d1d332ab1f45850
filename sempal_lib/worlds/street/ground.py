"""The street of toy-street: which streets there are, and the ground from the middle line to the property lines.

Everything here is geometry in metres; it knows neither the picture's size nor its colours.
"""

import math
from dataclasses import dataclass

import numpy as np

from sempal_lib.worlds.engine import Dice
from sempal_lib.worlds.street.parts import NEAR, Camera, Parts

FAR = 150.0  # m; where the street ends in a skyline
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


@dataclass
class Side:
    """One side of the street: where its strips lie, as distances from the middle line in m."""

    sign: int  # -1 left, 1 right
    parking: bool
    kerb: float  # where the sidewalk begins
    verge: float  # where the verge ends; equals kerb without one
    front: float  # the property line
    setback: float  # from the property line to the houses


class Street(Parts):
    """A street and its ground, seen by the camera of a car.

    Args:
        rng: where its chances come from; the same state makes the same street.
    Attributes:
        kind: one of KINDS. sides: left and right. half_road: from the middle line to the edge of the last lane, m.
        bend: curvature, 1 / (2 radius), 1/m. tram: whether there are tracks. end: z of what closes the view.
        crossing: z of a cross street, if there is one; cross_half: half its width; rim: how far it opens the fronts.
        skylines: height of what stands on each side, for each metre of z from -10 m, for shadows.
    """

    rim: float

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        Dice.__init__(self, rng, 512, forward=True)
        self.kind = kind = list(KINDS.values())[self.pick([kind.share for kind in KINDS.values()])]
        self.half_road = self.between(*kind.half_road)
        self.one_way = self.half_road < 3.2
        self.bend = kind.bend * self.between(-1, 1) if self.chance(0.6) else 0.0
        self.tram = self.chance(kind.tram)
        self.crossing = self.between(12, 45) if self.chance(kind.crossing) else None
        self.cross_half = self.between(3.0, 6.0)
        self.end = self.between(45, 95) if self.chance(0.45) else FAR
        lane = 0.0 if self.one_way else self.half_road * (0.5 if self.half_road < 5.5 else self.between(0.35, 0.7))
        super().__init__(Camera(
            x=lane + self.between(-0.4, 0.4),
            height=self.between(1.2, 1.5),
            yaw=self.between(-0.07, 0.07),
            focal=self.between(1.5, 1.8),
            horizon=self.between(0.42, 0.475),
        ))  # fmt: skip
        self.sides = [self._side(-1), self._side(1)]
        self.skylines = [np.zeros(int(FAR) + 40), np.zeros(int(FAR) + 40)]
        self._ground()

    def shift(self, z):
        """How far the street has bent to the right at z, m."""
        return self.bend * z * np.abs(z)

    def heading(self, z: float) -> float:
        """Direction of the street at z, radians right of the z axis."""
        return math.atan(2 * self.bend * abs(z))

    def _side(self, sign: int) -> Side:
        kind = self.kind
        parking = self.chance(kind.parking)
        kerb = self.half_road + (2.2 if parking else 0.2)
        verge = kerb + (self.between(1.0, 3.0) if self.chance(kind.verge) else 0.0)
        front = verge + self.between(*kind.sidewalk)
        setback = self.between(2.5, 7.0) if kind.frontages[1] > 0.3 else 0.0
        return Side(sign, parking, kerb, verge, front, setback)

    def _strip(self, inner: float, outer: float, label: str, material: str, order: float) -> None:
        """A strip of ground between two distances from the middle line (signed), to the horizon."""
        camera = self.camera
        edges: list[np.ndarray] = []
        for x in (inner, outer):
            z = AHEAD + (NEAR - (x - camera.x) * camera.sin) / camera.cos
            edges.append(np.array([x + self.shift(z), z]))
        self.ground(edges[0], edges[1], label, material, order)

    def patch(self, inner: float, outer: float, z0: float, z1: float, label: str, material: str, order: float) -> None:
        """The same on one stretch of the street, cut off where it passes behind the camera."""
        camera = self.camera
        reach = max(abs(inner), abs(outer)) * abs(camera.sin) + NEAR + 0.2
        z0, z1 = max(z0, reach), max(z1, reach)
        z = z0 + (z1 - z0) * TENTHS
        shift = self.shift(z)
        self.ground(np.array([inner + shift, z]), np.array([outer + shift, z]), label, material, order)

    def _ground(self) -> None:
        soft = self.kind.frontages[1] + self.kind.frontages[2]
        left, right = self.sides
        for side in self.sides:
            s = side.sign
            paved = self.kind.frontages[0] > 0.5 or self.chance(0.25)
            label, material = ("sidewalk", "paving") if paved else ("terrain", "grass")
            self._strip(s * side.front, s * 300, label, material, 0)
            self._strip(s * side.kerb, s * side.front, "sidewalk", "paving", 1)
            if side.verge > side.kerb:
                self._strip(s * (side.kerb + 0.15), s * side.verge, "terrain", "grass", 2)
            self._strip(s * side.kerb, s * (side.kerb + 0.18), "sidewalk", "kerb", 3)
        self._strip(-left.kerb, right.kerb, "road", "asphalt", 4)
        if self.crossing is not None:
            z0, z1 = self.crossing, self.crossing + 2 * self.cross_half
            rim = self.rim = self.between(1.5, 3.5)
            if soft < 0.5:
                self.patch(-60, -left.kerb, z0 - rim, z1 + rim, "sidewalk", "paving", 5)
                self.patch(right.kerb, 60, z0 - rim, z1 + rim, "sidewalk", "paving", 5)
            self.patch(-60, 60, z0, z1, "road", "asphalt", 6)
