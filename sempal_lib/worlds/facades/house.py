"""The houses of toy-facades: fronts on their ground floors, which have doors, windows and shops."""

import numpy as np

from sempal_lib.worlds.engine import Box
from sempal_lib.worlds.facades.front import Front


class House(Front):
    """One façade in its surroundings. ground: height of the ground floor."""

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng)
        self.ground = self.lines[0] - self.lines[1]
        self._ground_floor()
        self.finish()

    def _ground_floor(self) -> None:
        """Doors, and between them windows or shops."""
        doors = {self.axes // 2 if self.chance(0.45) else self.whole(0, self.axes - 1)}
        if self.axes > 5 and self.chance(0.25):
            doors.add(self.whole(0, self.axes - 1))
        if self.chance(0.2):
            doors = set()
        shops = self.chance(self.habits.shop)
        arch = self.chance(0.5 if self.kind == 1 else 0.12)
        if shops:
            self._shops(doors)
        for axis, x in enumerate(self.centres):
            if axis in doors:
                self._door(x, arch)
            elif not shops:
                self._low_window(x, arch)
        if not shops and self.chance(0.35):
            self._plate()

    def _door(self, x: float, arch: bool) -> None:
        tall = self.ground
        half = min(0.4 * self.bay, self.between(0.14, 0.24) * tall, 0.07)
        step = 0.04 * tall if self.chance(0.6) else 0.0
        bottom, top = self.bottom - step, self.bottom - self.between(0.6, 0.74) * tall
        if step:
            self.add("facade", "trim", (x - 1.3 * half, bottom, x + 1.3 * half, self.bottom), 5)
        grand = self.kind == 1 and half < 0.3 * self.bay and self.chance(0.6)
        outline = "arch" if arch else "box"
        rim = 0.16 * half
        self.add("facade", "trim", (x - half - rim, top - rim, x + half + rim, bottom), 2, outline)
        self.add("door", "door", (x - half, top, x + half, bottom), -4, outline, self.thing())
        if grand:
            for side in (-1, 1):
                middle, thick = x + side * (half + rim + 0.2 * half), 0.17 * half
                self.add("pillar", "shaft", (middle - thick, top - rim, middle + thick, bottom), 6)
                for start in (top - rim, bottom - 0.07 * tall):
                    box = (middle - 1.4 * thick, start, middle + 1.4 * thick, start + 0.07 * tall)
                    self.add("pillar", "trim", box, 7)
        if grand or self.chance(0.25):
            wide = half * 1.6 if grand else half * 1.25
            base = top - rim
            rise = min(0.16 * tall, base - self.lines[1] - 0.06 * tall)
            shelf = 0.35 * rise
            self.add("cornice", "trim", (x - wide, base - shelf, x + wide, base), 6)
            if self.chance(0.5):
                self.add("cornice", "trim", (x - wide, base - rise, x + wide, base - shelf), 5, "gable")

    def _low_window(self, x: float, arch: bool) -> None:
        tall, half = self.ground, self.width / 2
        box = (x - half, self.bottom - 0.72 * tall, x + half, self.bottom - 0.3 * tall)
        if self.surround:
            rim = 0.18 * half
            frame = (box[0] - rim, box[1] - rim, box[2] + rim, box[3])
            self.add("facade", "trim", frame, 2, "arch" if arch else "box")
        self.add("window", "window", box, self.reveal, "arch" if arch else "box", self.thing())
        if self.sills:
            self._sill(box)
        if self.shutters and not arch:
            self._shutters(box)

    def _shops(self, doors: set[int]) -> None:
        """Shops between the house's doors, each of one or more bays, with one sign and one colour."""
        tall = self.ground
        head = self.lines[1] + self.between(0.1, 0.16) * tall
        sign = self.between(0.12, 0.19) * tall
        awnings = self.chance(0.5)
        runs: list[list[int]] = []
        for axis in range(self.axes):
            if axis in doors:
                continue
            if runs and runs[-1][-1] == axis - 1 and len(runs[-1]) < 3 and self.chance(0.6):
                runs[-1].append(axis)
            else:
                runs.append([axis])
        for run in runs:
            if self.chance(0.15):
                for axis in run:
                    self._low_window(self.centres[axis], False)
                continue
            left = max(self.centres[run[0]] - 0.43 * self.bay, self.left + 0.006)
            right = min(self.centres[run[-1]] + 0.43 * self.bay, self.right - 0.006)
            self._shop((left, head, right, self.bottom), sign, awnings and self.chance(0.75))

    def _shop(self, box: Box, sign: float, awning: bool) -> None:
        left, top, right, bottom = box
        tall, number = bottom - top, self.thing()
        width = right - left
        board = top + sign
        self.add("shop", "sign", (left, top, right, board), 3, "box", number)
        riser = bottom - self.between(0.06, 0.16) * tall
        self.add("shop", "display", (left, board, right, riser), -3, "box", number)
        self.add("facade", "base", (left, riser, right, bottom), 1)
        door = 0.3 * tall
        if width > 2.6 * door and self.chance(0.55):
            x = left + 0.04 * width if self.chance(0.5) else right - 0.04 * width - door
            self.add("door", "door", (x, board + 0.08 * tall, x + door, bottom), -3, "box", self.thing())
        if awning:
            drop = self.between(0.16, 0.26) * tall
            over = min(0.01, 0.05 * width)
            canopy = (left - over, board - 0.02 * tall, right + over, board + drop)
            self.add("shop", "awning", canopy, 12, "box", number)

    def _plate(self) -> None:
        """A small sign between two axes of a house without shops."""
        tall = self.ground
        if self.axes < 2 or self.bay - self.width < 0.04:
            return
        axis = self.whole(0, self.axes - 2)
        middle = (self.centres[axis] + self.centres[axis + 1]) / 2
        half = min(0.3 * (self.bay - self.width), 0.04)
        y = self.bottom - 0.62 * tall
        self.add("shop", "sign", (middle - half, y, middle + half, y + 0.14 * tall), 2, "box", self.thing())
