"""The rooms of toy-rooms: walls and openings, and what stands and hangs where."""

import numpy as np

from sempal_lib.worlds.engine import Dice
from sempal_lib.worlds.rooms import furniture
from sempal_lib.worlds.rooms.space import FACING, LEVEL, SIDEWAYS, WALLS, Camera, Space, Spot

KINDS = ("bedroom", "living room", "dining room", "study")
KIND_WEIGHTS = (0.28, 0.32, 0.2, 0.2)


class Room(Space):
    """One room, not furnished yet. Metres; the camera stands at z = 0 and looks at the back wall.

    Attributes:
        kind: place in KINDS. left, right, depth, height: x of the side walls, z of the back wall, of the ceiling.
        windows: how each lies, its plane, and from and to along its two axes, as in parts.
    """

    def __init__(self, rng: np.random.Generator):
        Dice.__init__(self, rng)
        self.kind = self.pick(KIND_WEIGHTS)
        wide = self.between(3.1, 4.7)
        self.depth = self.between(3.6, 4.8)
        self.height = self.between(2.45, 3.0)
        aside = self.between(-0.18, 0.18) * wide
        self.left, self.right = -wide / 2 - aside, wide / 2 - aside
        eye, focal = self.between(1.3, 1.65), self.between(0.56, 0.76)
        super().__init__(Camera(0.0, eye, focal, 0.5 + 0.25 * aside / wide, self.between(0.4, 0.5)))
        self.windows: list[tuple] = []
        self._stand: list[tuple[float, float, float, float]] = []  # footprints: x0, x1, z0, z1
        self._hung: dict[str, list[tuple[float, float, float, float]]] = {wall: [] for wall in WALLS}
        self._shell()

    # Where things may go.

    def wall(self, towards: str) -> tuple[float, float, float]:
        """From and to along a wall, as far as it is seen, and the wall's plane."""
        if towards == "us":
            return self.left, self.right, self.depth
        camera = self.camera
        plane = self.left if towards == "right" else self.right
        edge = camera.right if towards == "right" else 1 - camera.right
        return min(camera.focal * abs(plane) / edge, self.depth - 0.5), self.depth, plane

    def spot(self, towards: str, along: float) -> Spot:
        return Spot(towards, along, self.wall(towards)[2])

    def place(self, towards: str, half: float, depth: float, height: float, where: float | None = None,
              spare: float = 0.04) -> Spot | None:  # fmt: skip
        """A free spot at a wall for something of this size, or None.

        Args:
            where: the spot along the wall, 0 to 1; None: anywhere. spare: room to be left beside it, m.
        """
        low, high, _ = self.wall(towards)
        low = low + half + spare if towards == "us" else low + max(0.4 * half, 0.2)
        high -= half + spare
        if high < low:
            return None
        for attempt in range(6):
            share = where if where is not None and not attempt else self.roll()
            along = low + (high - low) * share
            if not self.free_on(towards, along - half, along + half, 0.0, height):
                continue
            spot = self.spot(towards, along)
            if self.claim(spot, half + spare, depth):
                self._hung[towards].append((along - half, along + half, 0.0, height))
                return spot
        return None

    def claim(self, spot: Spot, half: float, depth: float, start: float = 0.0) -> bool:
        """Take a footprint, if it is free and in the room."""
        x0, x1, z0, z1 = spot.box(-half, half, start, depth)
        if x0 < self.left - 1e-6 or x1 > self.right + 1e-6 or z1 > self.depth + 1e-6 or z0 < 1.15:
            return False
        if any(x0 < b and a < x1 and z0 < d and c < z1 for a, b, c, d in self._stand):
            return False
        self._stand.append((x0, x1, z0, z1))
        return True

    def hang(self, towards: str, half: float, y0: float, y1: float, where: float | None = None,
             tries: int = 5) -> float | None:  # fmt: skip
        """A free place on a wall, or None."""
        low, high, _ = self.wall(towards)
        low, high = low + half + 0.08, high - half - 0.08
        if high < low or y1 > self.height - 0.1:
            return None
        for attempt in range(tries):
            along = low + (high - low) * self.roll() if where is None else where + 0.15 * attempt
            if low <= along <= high and self.free_on(towards, along - half, along + half, y0, y1):
                self._hung[towards].append((along - half - 0.05, along + half + 0.05, y0 - 0.05, y1 + 0.05))
                return along
        return None

    def free_on(self, towards: str, a0: float, a1: float, y0: float, y1: float) -> bool:
        """Whether nothing stands before or hangs on this piece of a wall."""
        return not any(a0 < b and a < a1 and y0 < d and c < y1 for a, b, c, d in self._hung[towards])

    # The room itself.

    def _shell(self) -> None:
        left, right, depth, height = self.left, self.right, self.depth, self.height
        self.begin("wall")
        self.part(FACING, depth, left, right, 0, height, "wall")
        for x in (left, right):
            self.part(SIDEWAYS, x, 0.4, depth, 0, height, "wall")
        skirting = self.between(0.06, 0.14)
        cornice = self.between(0.05, 0.12) if self.chance(0.5) else 0.0
        for towards in WALLS:
            a0, a1 = (left, right) if towards == "us" else (0.4, depth)
            spot = self.spot(towards, 0.0)
            sign = -1 if towards == "left" else 1
            a0, a1 = min(sign * a0, sign * a1), max(sign * a0, sign * a1)
            self.box(spot, a0, a1, 0, skirting, 0, 0.018, "trim")
            if cornice:
                self.box(spot, a0, a1, height - cornice, height, 0, 0.7 * cornice, "trim")
        self.begin("floor")
        self.part(LEVEL, 0.0, left, right, 0.4, depth, "floor")
        self.begin("ceiling")
        self.part(LEVEL, height, left, right, 0.4, depth, "ceiling")

    def openings(self) -> None:
        """Windows, nearly always, and at times a door, where the walls are free."""
        if self.chance(0.92):
            sill = self.between(0.75, 1.0) if self.chance(0.75) else self.between(0.02, 0.4)
            top = min(sill + self.between(1.2, 1.6), self.height - 0.22) if sill > 0.6 else self.height - 0.35
            first, count = self.pick((0.5, 0.25, 0.25)), 2 if self.chance(0.35) else 1
            half = self.between(0.45, 0.95)
            curtains = self.chance(0.7)
            for towards in WALLS[first:] + WALLS[:first]:
                wide = half / 1.3 if count == 2 or towards != "us" else half
                for _ in range(count):
                    along = self.hang(towards, wide + 0.22 * curtains, sill, top)
                    if along is not None:
                        self._window(towards, along, wide, sill, top, curtains)
                if self.windows:
                    break
        if self.chance(0.5):
            first = self.whole(0, 2)
            for towards in WALLS[first:] + WALLS[:first]:
                along = self.hang(towards, 0.48, 0.0, 2.1)
                if along is not None and self.claim(self.spot(towards, along), 0.48, 0.6):
                    self._door(self.spot(towards, along))
                    break

    def _window(self, towards: str, along: float, half: float, sill: float, top: float, curtains: bool) -> None:
        spot = self.spot(towards, along)
        self.begin("windowpane")
        self.panel(spot, -half, half, sill, top, 0.012, "glass")
        rim = 0.06
        for a0, a1, y0, y1 in (
            (-half - rim, -half, sill - rim, top + rim), (half, half + rim, sill - rim, top + rim),
            (-half, half, top, top + rim), (-half, half, sill - rim, sill),
        ):  # fmt: skip
            self.box(spot, a0, a1, y0, y1, 0, 0.045, "trim")
        if sill > 0.5:
            self.box(spot, -half - 0.1, half + 0.1, sill - rim - 0.03, sill - rim, 0, 0.16, "trim")
        x0, x1, z0, z1 = spot.box(-half, half, 0.0, 0.0)
        place = (FACING, z0, x0, x1) if towards == "us" else (SIDEWAYS, x0, z0, z1)
        self.windows.append((*place, sill, top))
        if sill > 0.6 and self.chance(0.6):
            self._radiator(spot, half, sill)
        if curtains:
            self._curtains(spot, half, sill, top)
        elif sill > 0.5 and self.chance(0.35):
            furniture.vessel(self, spot.moved(self.between(-0.6, 0.6) * half, 0.09), sill - 0.06, 0.34)

    def _radiator(self, spot: Spot, half: float, sill: float) -> None:
        wide = min(half, 0.6)
        self.begin("radiator")
        self.box(spot, -wide, wide, 0.12, sill - 0.2, 0.03, 0.12, "metal", front="radiator", top="trim")
        self.block(spot, -wide, wide, 0.12, sill - 0.2, 0.03, 0.12)

    def _curtains(self, spot: Spot, half: float, sill: float, top: float) -> None:
        long = sill < 0.6 or self.chance(0.6)
        bottom = 0.02 if long else sill - 0.2
        drawn = self.between(0.0, 0.3) * half
        for side in (-1, 1):
            self.begin("curtain")
            a0, a1 = half - drawn, half + 0.24
            if side < 0:
                a0, a1 = -a1, -a0
            self.box(spot, a0, a1, bottom, top + 0.14, 0.1, 0.17, "curtain")
            self.block(spot, a0, a1, bottom, top + 0.14, 0.1, 0.17)
            rod = (a0 - 0.06, 0.0) if side < 0 else (0.0, a1 + 0.06)
            self.box(spot, *rod, top + 0.15, top + 0.185, 0.12, 0.15, "metal")

    def _door(self, spot: Spot) -> None:
        self.begin("door")
        self.panel(spot, -0.4, 0.4, 0, 2.02, 0.025, "leaf")
        for a0, a1, y0, y1 in ((-0.47, -0.4, 0, 2.09), (0.4, 0.47, 0, 2.09), (-0.4, 0.4, 2.02, 2.09)):
            self.box(spot, a0, a1, y0, y1, 0, 0.04, "trim")
