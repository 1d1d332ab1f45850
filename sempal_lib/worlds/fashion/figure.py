"""The people of toy-fashion: bodies and poses, and the pieces that cover them.

Lengths are in heads: x from the middle of the shoulders, to the right of the picture; y from the crown, 0, down to
the soles at about 7.4.
"""

from math import cos, radians, sin

import numpy as np

from sempal_lib.label_spaces_of_people import FASHION_16
from sempal_lib.worlds.engine import FlatScene, curve

Array = np.ndarray

ARMS = ("hang", "hip", "pocket", "out", "across")
# Angles of the upper arm and the forearm from straight down, degrees outwards, and by how much they may differ.
ANGLES = {"hang": (11, 5, 5), "hip": (42, -48, 6), "pocket": (24, -12, 4), "out": (26, 16, 10), "across": (10, -76, 7)}


class Body(FlatScene):
    """A body in its pose, still bare, and how pieces are put on it.

    Attributes:
        unit: a head's height, in heights of the picture. left, crown: where in the picture x and y are 0.
        turn: of the head, -1 to 1. head: its middle, x. axes: of each part x0, y0, x1, y1, r0, r1: the line along
        which it lies and its half width there, [parts, 6]. soles: where the feet stand, y.
    """

    space = FASHION_16

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng)
        self._lines: list[list[float]] = [[0, 0, 0, 1, 1, 1]]
        self.add("background", "backdrop", (0, 0, 1, 1))
        near = 0.0 if self.chance(0.3) else self.between(0.15, 1.0)  # how much the camera cuts off below
        self.unit, self.crown = self.between(0.118, 0.125) * (1 + 1.1 * near), self.between(0.035, 0.06)
        self.left, self.turn = 0.5 + self.between(-0.03, 0.03), self.between(-1, 1)
        narrow, self.thick = 1 - 0.18 * self.turn**2, self.between(0.98, 1.32)
        self.shoulder, hip = self.between(0.8, 0.97) * narrow, self.between(0.6, 0.75) * narrow
        waist = min(self.between(0.48, 0.66) * narrow, 0.95 * hip) * (0.7 + 0.25 * self.thick)
        sway = self.between(-0.14, 0.14)
        self.levels = np.array([1.26, 1.4, 1.58, 2.0, 2.75, 3.5, 3.9])
        wide = self.shoulder
        self.halves = np.array([0.25, 0.74 * wide, wide, 0.86 * wide, waist, hip, 0.98 * hip])
        self.middles = np.array([0, 0, 0, 0, 0.6 * sway, sway, sway])
        self.head = 0.05 * self.turn + self.between(-0.04, 0.04)
        self.legs = [self._leg(side, hip, sway) for side in (-1, 1)]
        self.poses = [ARMS[self.pick((6, 2, 2, 2, 0.6))] for _ in (-1, 1)]
        self.arms = [self._arm(side, pose) for side, pose in zip((-1, 1), self.poses, strict=True)]
        self.soles = max(leg[0][-1, 1] for leg in self.legs) + 0.3

    def _leg(self, side: int, hip: float, sway: float) -> tuple[Array, Array]:
        """Points from hip to ankle, [5, 2], and the half widths there."""
        apart, bend = self.between(0.18, 0.42), self.between(-0.02, 0.1)
        top, foot = np.array([sway + side * 0.5 * hip, 3.6]), np.array([0.7 * sway + side * apart, 7.05])
        points = top + np.array([0, 0.27, 0.52, 0.68, 1])[:, None] * (foot - top)
        points[1:4, 0] += side * bend * np.array([0.6, 1, 0.6])
        return points, np.array([0.52 * hip, 0.44 * hip, 0.19 * self.thick, 0.195 * self.thick, 0.11])

    def _arm(self, side: int, pose: str) -> tuple[Array, Array]:
        """Points from shoulder to wrist, and the half widths there."""
        upper, fore, spread = ANGLES[pose]
        down = [radians(angle + self.between(-spread, spread)) for angle in (upper, fore)]
        reach = [length * np.array([side * sin(a), cos(a)]) for length, a in zip((1.2, 1.02), down, strict=True)]
        start = np.array([side * (self.shoulder - 0.13), 1.66])
        points = start + np.array([0 * reach[0], 0.5 * reach[0], reach[0], reach[0] + 0.4 * reach[1], sum(reach)])
        return points, np.array([0.15, 0.155, 0.125, 0.125, 0.085]) * self.thick

    def put(self, label: str, material: str, points, axis, relief: float, thing: int = 0) -> None:
        """A polygon, [N, 2], whose stuff lies along an axis: its two ends and its half widths there."""
        self._lines.append([*np.ravel(axis[0]), *np.ravel(axis[1]), *axis[2:]])
        self.polygon(label, material, np.array([self.left, self.crown]) + self.unit * np.asarray(points), relief, thing)

    def finish(self) -> None:
        super().finish()
        self.axes = np.array(self._lines, np.float32)

    def tube(self, label: str, material: str, line: Array, halves: Array, relief: float, thing: int = 0,
             ends: tuple[float, float] = (0.6, 0.6)) -> None:  # fmt: skip
        """A piece along a line. ends: how far they are rounded, 0 flat."""
        along = np.gradient(line, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
        aside = along[:, ::-1] * (-1, 1) * halves[:, None]
        first, last = line[0] - ends[0] * halves[0] * along[0], line[-1] + ends[1] * halves[-1] * along[-1]
        outline = [first, *(line + aside), last, *(line - aside)[::-1]]
        axis = line[0], line[-1], halves[0], halves[-1]
        self.put(label, material, curve(outline, 3) if ends[1] else outline, axis, relief, thing)

    @staticmethod
    def part_of(limb: tuple[Array, Array], start: float, end: float, ease=(0.0, 0.0)) -> tuple[Array, Array]:
        """Points from `start` to `end` of a limb, 0 to 1 of its length, [9, 2], and half widths, wider by `ease`."""
        t, places = np.linspace(start, end, 9), np.linspace(0, 1, len(limb[1]))
        line = np.stack([np.interp(t, places, limb[0][:, axis]) for axis in (0, 1)], axis=1)
        return line, np.interp(t, places, limb[1]) + ease[0] + (ease[1] - ease[0]) * t

    def arm(self, label: str, material: str, limb: tuple[Array, Array], end: float, relief: float,
            ease: tuple[float, float] = (0.0, 0.0)) -> None:  # fmt: skip
        """What covers an arm down to `end`, in two pieces that meet at the elbow. ease: by how much it is wider."""
        for low, high in ((0.0, min(end, 0.5)), (0.5, end)):
            if low < high:
                line, halves = self.part_of(limb, low, high, ease)
                self.tube(label, material, line, halves, relief, ends=(0.6, 0.6 * (high == 0.5)))

    def half(self, y: Array | float) -> Array:
        """Half the trunk's width."""
        return np.interp(y, self.levels, self.halves)

    def middle(self, y: Array | float) -> Array:
        return np.interp(y, self.levels, self.middles)

    def wrap(self, label: str, material: str, top: float, bottom: float, ease, relief: float,
             inner: tuple[float, float, int] | None = None) -> None:  # fmt: skip
        """What covers the trunk from one height to another; below the hips it hangs.

        ease: how much wider than the trunk it is, at points evenly spread from the top to the bottom.
        inner: only one side of it: the x of its inner edge at the top and at the bottom, and the side.
        """
        y = np.unique([*np.linspace(top, bottom, 8), *(level for level in self.levels if top < level < bottom)])
        half = self.half(y) + np.interp(y, np.linspace(top, bottom, len(ease)), ease)
        middle = self.middle(y)
        right = np.stack([middle + half, y], axis=1)
        left = np.stack([middle - half, y], axis=1)
        if inner is not None:
            edge = np.stack([middle + np.interp(y, (top, bottom), inner[:2]), y], axis=1)
            right, left = (right, edge) if inner[2] > 0 else (edge, left)
        axis = (middle[0], y[0]), (middle[-1], y[-1]), max(half[0], 0.8 * half[3]), half[-1]
        self.put(label, material, np.concatenate([right, left[::-1]]), axis, relief)
