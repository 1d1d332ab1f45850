"""The town of toy-crossview: a street, what lies along it, and who is on it; the two views of it."""

from functools import cached_property

import numpy as np

from sempal_lib.worlds.crossview import bodies
from sempal_lib.worlds.crossview.kinds import KINDS, Kind
from sempal_lib.worlds.crossview.lots import MAKERS, Lot
from sempal_lib.worlds.crossview.parts import Parts
from sempal_lib.worlds.crossview.views import Sight, View
from sempal_lib.worlds.engine import Drawing, drawn_height

BEHIND, AHEAD = -34.0, 96.0  # m; the lots lie between
ACROSS, BEFORE = 72.0, 24.0  # m; a side of the aerial picture, and how far before the camera its middle lies
SIGNS = "round sign", "warning sign", "blue sign"
RING = 26  # faces of the skyline
Y = np.array([0.0, 1.0, 0.0])


class Town(Parts):
    """One scene.

    Attributes:
        kind: one of KINDS; number: its place there. eye: x and z of the camera, m. yaw: how far it looks to the
            right of the street, radians. half: half the road's width, m. walk: width of a sidewalk. crossing: z of a
            cross street, if there is one; cross_half: half its width. shore: -1 or 1, the side with water, or 0.
        conifers: chance of a tree to be one.
    """

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng)
        self.number = self.whole(0, len(KINDS) - 1)
        self.kind: Kind = list(KINDS.values())[self.number]
        kind = self.kind
        self.half, self.walk = self.between(*kind.half), self.between(*kind.walk)
        self.eye = (self.half * self.between(0.3, 0.5), 0.0)
        self.yaw = self.between(-0.2, 0.2)
        self.crossing = self.between(16, 44) if self.chance(kind.crossing) else None
        self.cross_half = self.between(2.5, 4.5)
        self.shore = (-1 if self.chance(0.5) else 1) if kind.shore else 0
        self.conifers = self.between(0, 0.6) if self.chance(0.5) else 0.05
        label, material = kind.base
        self.area(-400, 400, -400, 400, label, material)
        for sign in (-1, 1):
            self._side(sign)
        self._streets()
        for sign in (-1, 1):
            self._kerb(sign)
        self._traffic()
        self._skyline()
        self.finish()

    def storeys(self) -> int:
        low, high = self.kind.storeys
        return self.whole(int(low), int(high))

    @property
    def front(self) -> float:
        """Distance of the lots from the street's middle, m."""
        return self.half + self.walk

    def _stretches(self) -> list[tuple[float, float]]:
        if self.crossing is None:
            return [(BEHIND, AHEAD)]
        rim = self.cross_half + self.walk
        return [(BEHIND, self.crossing - rim), (self.crossing + rim, AHEAD)]

    def _side(self, sign: int) -> None:
        """Fill one side with lots in two rows, or with water behind a quay."""
        if sign == self.shore:
            self._water(sign)
            return
        kind = self.kind
        for z0, z1 in self._stretches():
            for first, weights, depth in ((0.0, kind.near, kind.depth), (kind.depth + 1, kind.far, 58 - kind.depth)):
                at = z0
                while at < z1 - 0.6 * kind.lot[0]:
                    end = min(at + self.between(*kind.lot), z1)
                    end = z1 if z1 - end < 0.6 * kind.lot[0] else end
                    maker = MAKERS[list(weights)[self.pick(list(weights.values()))]]
                    d0 = self.front + first
                    maker(self, Lot(sign, d0, min(d0 + depth, d0 + 26) if first else d0 + depth, at, end))
                    at = end

    def _water(self, sign: int) -> None:
        """A promenade, a quay wall, water to the horizon, and boats."""
        quay = self.front + self.between(0.5, 5)
        self.area(sign * self.front, sign * quay, -80, 160, "sidewalk", "paving")
        self.area(sign * quay, sign * 400, -400, 400, "water", "water")
        low, high = sorted((sign * quay, sign * (quay + 0.5)))
        bodies.block(self, low, high, -60, 140, 0.5, self.own()[0], "wall", "wall", "wall")
        z = np.arange(BEHIND, AHEAD, self.between(12, 20))
        for at in z[self.rng.random(len(z)) < 0.6].tolist():
            bodies.boat(self, sign * (quay + self.between(3, 16)), at, self.between(6, 11))
        count = self.rng.poisson(2.5)
        bodies.people(self, sign * self.rng.uniform(self.front, quay, count), self.rng.uniform(3, 55, count))

    def _streets(self) -> None:
        """Sidewalks and roads, over the edges of the lots."""
        front, half = self.front, self.half
        self.area(-front, front, -200, 300, "sidewalk", "paving")
        if self.crossing is not None:
            left, right = -300.0 if self.shore != -1 else -front, 300.0 if self.shore != 1 else front
            rim = self.cross_half + self.walk
            self.area(left, right, self.crossing - rim, self.crossing + rim, "sidewalk", "paving")
            rim = self.cross_half
            self.area(left, right, self.crossing - rim, self.crossing + rim, "road", "asphalt")
        self.area(-half, half, -200, 300, "road", "asphalt")

    def _off_crossing(self, z: np.ndarray, room: float = 3.0) -> np.ndarray:
        return z if self.crossing is None else z[np.abs(z - self.crossing) > self.cross_half + room]

    def _kerb(self, sign: int) -> None:
        """Street trees, lamps, signs, parked cars and walkers of one side."""
        kind, rng, kerb = self.kind, self.rng, self.half + 0.5
        if self.chance(kind.trees) and self.walk > 1.2:
            z = self._off_crossing(np.arange(self.between(4, 9), 90, self.between(7, 12)))
            bodies.crowns(self, np.full(len(z), sign * (kerb + 0.3)), z, rng.uniform(5, 9, len(z)))
        if self.chance(kind.lamps):
            z = self._off_crossing(np.arange(self.between(5, 16), 90, self.between(16, 24)))
            bodies.lamps(self, np.full(len(z), sign * kerb), z, -sign * 1.8)
        z = self._off_crossing(rng.uniform(7, 50, rng.poisson(0.9)), 0.5)
        owner, sprite = self.own(len(z)), SIGNS[self.whole(0, 2)]
        x = np.full(len(z), sign * kerb)
        self.boards(x, z, 0.0, 0.16, 2.6, "bar", "pole", "metal", owner)
        self.boards(x, z - 0.05, 2.0, 0.95, 0.95, "triangle" if sprite[0] == "w" else "disc", "traffic sign", sprite,
                    owner)  # fmt: skip
        if self.chance(kind.parking):
            z = self._off_crossing(np.arange(BEHIND, AHEAD, 5.8))
            z = z[rng.random(len(z)) < 0.6]
            bodies.cars(self, np.full(len(z), sign * (self.half - 1.0)), z, 0.0 if sign > 0 else np.pi)
        count = rng.poisson(kind.walkers)
        x = sign * (self.half + 0.3 + (self.walk - 0.3) * rng.random(count))
        bodies.people(self, x, 5 + 50 * rng.random(count) ** 1.5)

    def _traffic(self) -> None:
        kind = self.kind
        for sign in (-1, 1):
            z = self._off_crossing(np.arange(BEHIND, AHEAD, 12) + self.between(0, 8), 1.0)
            z = z[self.rng.random(len(z)) < kind.traffic]
            lane = self.half * (0.42 if self.half < 4.2 else self.between(0.25, 0.45))
            bodies.cars(self, np.full(len(z), sign * lane), z, 0.0 if sign > 0 else np.pi, kind.trucks)
        if self.crossing is not None and self.chance(0.5):
            x = self.rng.uniform(-22, 22, 2) if not self.shore else -self.shore * self.rng.uniform(8, 24, 1)
            bodies.cars(self, x, np.full(len(x), self.crossing - 0.5 * self.cross_half), np.pi / 2, kind.trucks)

    def _skyline(self) -> None:
        """Far houses and trees all around, so that no gap is left between ground and sky."""
        angle = np.linspace(-1.3, 1.3, RING + 1)
        x, z = 150 * np.sin(angle), 150 * np.cos(angle)
        built = {"downtown": 0.9, "old town": 0.8, "market": 0.8, "industrial": 0.5}.get(list(KINDS)[self.number], 0.15)
        house = self.rng.random(RING) < built
        tall = np.where(house, self.rng.uniform(8, 16 + 26 * (built > 0.85), RING), self.rng.uniform(6, 13, RING))
        open_water = (np.sign(x[:-1] + x[1:]) == self.shore) & (np.abs(angle[:-1]) > 0.1)
        tall = np.where(open_water, 0.35 * tall, tall)
        zero = np.zeros(RING)
        points = np.stack([
            np.stack([x[:-1], zero, z[:-1]], -1), np.stack([x[1:], zero, z[1:]], -1),
            np.stack([x[1:], tall, z[1:]], -1), np.stack([x[:-1], tall, z[:-1]], -1),
        ], axis=1)  # fmt: skip
        owner = self.own(RING)
        self.faces(points[house], "building", "distant", owner[house])
        self.faces(points[~house], "vegetation", "leaves", owner[~house])

    @cached_property
    def views(self) -> dict[str, View]:
        """From the street, and from straight above it with the top where the camera looks."""
        sin, cos = np.sin(self.yaw), np.cos(self.yaw)
        right, ahead = np.array([cos, 0.0, -sin]), np.array([sin, 0.0, cos])
        eye = np.array([self.eye[0], 2.7, self.eye[1]])
        return {
            "ground": View(eye, right, Y, ahead, 1 / 0.56, (0.5, 0.52), True),
            "aerial": View(eye * [1, 0, 1] + BEFORE * ahead + 100 * Y, right, ahead, -Y, ACROSS, (0.5, 0.5), False),
        }

    def sight(self, view: str, height: int) -> Sight:
        """What is seen from "ground" or "aerial", for layouts of `height` px."""
        return Sight(self, self.views[view], drawn_height(height))

    def draw(self, height: int) -> Drawing:
        return Drawing(self.sight("ground", height).canvas)
