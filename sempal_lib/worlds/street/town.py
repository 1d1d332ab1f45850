"""The town of toy-street: what stands along a street and at its end, and who is on the road."""

import math

import numpy as np

from sempal_lib.worlds.street import figures
from sempal_lib.worlds.street.frontages import greenery, row, villas, walled
from sempal_lib.worlds.street.ground import FAR, Side, Street
from sempal_lib.worlds.street.parts import RAGGED

RING = np.array([(x - 20, 230, x + 20, 230) for x in range(-240, 241, 40)], dtype=float).T  # foot of the skyline
# Vehicles by the end that is seen: profile, length, width and height (m, or from and to), and their sprites.
VEHICLES = {
    "car": ("car {}", ((3.7, 4.8), 1.8, (1.4, 1.65)), "car {}", "car side {}"),
    "van": ("van {}", ((4.6, 5.4), 1.95, (1.9, 2.4)), "car {}", "car side {}"),
    "truck": ("truck {}", ((6.5, 11), 2.45, (2.8, 3.7)), "truck {}", "truck side"),
    "bus": ("box", (12, 2.5, 3.1), "bus {}", "bus side"),
    "train": ("box", ((20, 30), 2.4, 3.5), "tram end", "tram side"),
}


class Town(Street):
    """One scene: a street with all that stands along it and moves on it."""

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng)
        self._far_end()
        for side in self.sides:
            self._frontage(side)
            self._furniture(side)
            figures.people(self, side)
            figures.parked_two_wheelers(self, side)
            self._parked(side)
        self._traffic()
        figures.riders(self)
        if self.crossing is not None:
            figures.traffic_signals(self, self.crossing)
            self._cross_traffic(self.crossing)
        self.finish()

    def _far_end(self) -> None:
        """Houses or trees across the street at its end, and a skyline behind everything."""
        rng, camera = self.rng, self.camera
        # A ring of far trees and roofs: no gap between ground and sky anywhere.
        top = 0.55 + 0.45 * rng.random((13, RAGGED))
        green = rng.random(13) < (0.35 if self.kind.frontages[0] > 0.5 else 0.7)
        level = np.repeat(top[:, :1], RAGGED, axis=1)
        self.wall(RING[:, green], 0.0, 20, "vegetation", "leaves", 1, top=top[green])
        self.wall(RING[:, ~green], 0.0, 30, "building", "distant", 1, top=level[~green])
        if self.end < FAR:
            x = self.shift(self.end) + camera.x
            edges = x + np.concatenate([[-70], np.sort(rng.uniform(-45, 45, 5)), [70]])
            n = len(edges) - 1
            foot = np.array([edges[:-1], np.full(n, self.end), edges[1:], np.full(n, self.end)])
            if self.chance(self.kind.frontages[2] + 0.1):
                high, top = self.between(6, 12), 0.7 + 0.3 * rng.random((n, RAGGED))
                self.wall(foot, 0.0, high, "vegetation", "leaves", 2, top=top)
            else:
                height = 3.1 * np.round(rng.uniform(*self.kind.storeys, n)) + 1
                self.wall(foot, 0.0, height, "building", "facade", 2)

    def _frontage(self, side: Side) -> None:
        """Fill one side with one or two kinds of frontage, leaving the cross street open."""
        turn = self.between(15, 80) if self.chance(0.45) else FAR
        makers = (row, villas, greenery, walled)
        near, beyond = makers[self.pick(self.kind.frontages)], makers[self.pick(self.kind.frontages)]
        end = min(self.end, FAR)
        stretches = [(-4.0, end)]
        if self.crossing is not None:
            stretches = [(-4.0, self.crossing - self.rim), (self.crossing + 2 * self.cross_half + self.rim, end)]
        for z0, z1 in stretches:
            for maker, a, b in ((near, z0, min(z1, turn)), (beyond, max(z0, turn), z1)):
                if b - a > 3:
                    maker(self, side, a, b)

    def _furniture(self, side: Side) -> None:
        """Street trees, lamps, signs."""
        rng, kind = self.rng, self.kind
        if self.chance(kind.trees):
            spacing = self.between(7, 13)
            z = np.arange(self.between(6, 14), min(self.end, 110) - 2, spacing)
            z = self._off_crossing(z)
            if len(z):
                x = side.sign * (side.kerb + self.between(0.6, 1.2)) + self.shift(z)
                tall = self.between(6, 14) * rng.uniform(0.85, 1.15, len(z))
                figures.crowns(self, x, z, tall, layer=5, street=True)
        figures.posts(self, side)

    def _off_crossing(self, z: np.ndarray) -> np.ndarray:
        if self.crossing is None:
            return z
        return z[(z < self.crossing - 1) | (z > self.crossing + 2 * self.cross_half + 1)]

    def _vehicle(self, z: float, x: float, away: bool, label: str = "car", heading: float | None = None) -> None:
        """One vehicle with its nearer end at z, x from the middle of the street."""
        end = "rear" if away else "front"
        heading = self.heading(z) if heading is None else heading
        kind = "van" if label == "car" and self.chance(0.16) else label
        profile, sizes, face, flank = VEHICLES[kind]
        size = [self.between(*one) if isinstance(one, tuple) else one for one in sizes]
        x += self.shift(z)
        self.vehicle(profile.format(end), x, z, heading, size, label, face.format(end), flank.format(end))

    def _parked(self, side: Side) -> None:
        if not side.parking:
            return
        full = self.between(0.2, 0.9)
        z = self.between(2.8, 7)
        while z < min(self.end - 6, 85):
            if self.chance(full) and len(self._off_crossing(np.array([z - 3, z, z + 6]))) == 3:
                label = "truck" if self.chance(0.008) else "car"
                self._vehicle(z, side.sign * (side.kerb - 1.05), side.sign > 0 or self.chance(0.3), label)
            z += self.between(5.2, 6.4)

    def _traffic(self) -> None:
        """Vehicles in the lanes; not more than one bus, and trams only on tracks."""
        kind = self.kind
        lanes = [(0.0, True)] if self.one_way else [(self.half_road * 0.5, True), (-self.half_road * 0.5, False)]
        if self.half_road > 6:
            lanes = [(self.half_road * f, f > 0) for f in (0.3, 0.75, -0.3, -0.75)]
        bus = self.chance(0.11)
        for i, (x, away) in enumerate(lanes):
            ahead = abs(x - self.camera.x) < 1.6
            z = self.between(9, 35) if ahead else self.between(4, 30)
            while z < min(self.end - 8, 95):
                label = "truck" if self.chance(0.02) else "car"
                if bus and not i:
                    label, bus = "bus", False
                    z = max(z, 11.0)
                if self.chance(kind.traffic / 6) or label == "bus":
                    self._vehicle(z, x + self.between(-0.3, 0.3), away, label)
                z += self.between(9, 22) + (10 if label in ("bus", "truck") else 0)
        if self.tram and self.chance(0.45):
            z = self.between(10, 38)
            self._vehicle(z, -self.half_road * 0.2, False, "train")

    def _cross_traffic(self, crossing: float) -> None:
        """Vehicles that pass from side to side at the crossing, seen from their flank."""
        for lane, heading in ((0.5, -math.pi / 2), (1.5, math.pi / 2)):
            if self.chance(0.4):
                label = ("car", "truck", "bus")[self.pick((0.93, 0.05, 0.02))]
                z = crossing + lane * self.cross_half
                x = self.camera.x + self.between(-9, 9)
                self._vehicle(z, x, self.chance(0.5), label, heading=heading)
