"""The fronts of toy-facades from the first floor up: which parts they have, where, and how far these stand out."""

import numpy as np

from sempal_lib.worlds.engine import Box, FlatScene
from sempal_lib.worlds.facades.kinds import CMP_12, HABITS, KINDS


class Front(FlatScene):
    """A façade in its surroundings, still without its ground floor. The wall has relief 0.

    Attributes:
        kind: place in KINDS. lines: y of the floors, from the pavement up. centres: x of the axes.
    """

    space = CMP_12
    see_through = ("rail",)

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng)
        self.kind = self.pick([habits.share for habits in HABITS.values()])
        self.habits = HABITS[KINDS[self.kind]]
        self._place()
        self._surroundings()
        self._wall()
        self._choose()
        for floor in range(1, self.floors):
            self._floor(floor)
        self._pilasters()

    def _place(self) -> None:
        habits = self.habits
        self.left = 0.0 if self.chance(0.5) else self.between(0.03, 0.18)
        self.right = 1.0 if self.chance(0.5) else self.between(0.82, 0.97)
        self.top = 0.0 if self.chance(0.28) else self.between(0.04, 0.2)
        self.bottom = 1.0 if self.chance(0.25) else self.between(0.92, 0.975)
        self.floors = self.whole(*habits.floors)
        crown = self.between(*habits.top)
        self.crown = crown if crown > 0.012 else 0.0
        ground = self.between(1.0, 1.35)
        self.storey = storey = (self.bottom - self.top - self.crown) / (self.floors - 1 + ground)
        self.lines = [self.bottom] + [self.bottom - (ground + k) * storey for k in range(self.floors)]
        width = self.right - self.left
        self.axes = min(max(round(width / (storey * self.between(*habits.bay))), 2), 10)
        # Bays narrower than this leave windows of a pixel or two.
        self.axes = min(self.axes, int(width / 0.085))
        margin = self.between(0.0, 0.12) * width / self.axes
        self.bay = (width - 2 * margin) / self.axes
        self.centres = [self.left + margin + (k + 0.5) * self.bay for k in range(self.axes)]

    def _surroundings(self) -> None:
        self.add("background", "sky", (0, 0, 1, 1))
        for side, start, end in ((0, 0.0, self.left), (1, self.right, 1.0)):
            if end > start and self.chance(0.8):
                eaves = max(self.top + self.between(-0.06, 0.35), 0.0)
                self.add("background", "neighbour", (start, eaves, end, self.bottom), relief=-6 - side)
        if self.top > 0.05 and self.chance(self.habits.roof):
            rise = self.between(0.4, 0.95) * min(self.top, 0.16)
            for _ in range(self.whole(0, 3)):
                x, size = self.between(self.left + 0.04, self.right - 0.08), self.between(0.02, 0.035)
                self.add(
                    "background", "neighbour", (x, self.top - rise - self.between(0.005, 0.03), x + size, self.top), -3
                )
            self.add("background", "roof", (self.left, self.top - rise, self.right, self.top), 0, "trapeze")
            if rise > 0.055 and self.chance(0.5):
                self._dormers(rise)
        if self.bottom < 1:
            kerb = self.bottom + self.between(0.3, 0.6) * (1 - self.bottom)
            self.add("background", "pavement", (0, self.bottom, 1, kerb))
            self.add("background", "street", (0, kerb, 1, 1))

    def _dormers(self, rise: float) -> None:
        size = 0.58 * min(rise, self.bay)
        every = self.whole(1, 2)
        for x in self.centres[every - 1 :: every]:
            if x - size < self.left + 0.5 * rise or x + size > self.right - 0.5 * rise:
                continue  # it would hang over the roof's slope
            box = (x - size / 2, self.top - 0.72 * rise, x + size / 2, self.top)
            self.add("facade", "trim", box, 3)
            self.add("facade", "trim", (x - 0.62 * size, self.top - 0.95 * rise, x + 0.62 * size, box[1]), 4, "gable")
            inner = (x - 0.3 * size, box[1] + 0.12 * rise, x + 0.3 * size, self.top - 0.12 * rise)
            self.add("window", "window", inner, 0, "box", self.thing())

    def _wall(self) -> None:
        left, right = self.left, self.right
        self.gable = self.top > 0.12 and self.kind != KINDS.index("modern") and self.chance(0.2)
        if self.gable:
            self._gable()
        self.add("facade", "wall", (left, self.top, right, self.bottom))
        if self.kind in (1, 2) and self.chance(0.6):
            self.add("facade", "base", (left, self.lines[1], right, self.bottom), 1)
        else:
            plinth = self.between(0.06, 0.16) * self.storey
            self.add("facade", "base", (left, self.bottom - plinth, right, self.bottom), 1)
        if self.crown:
            self._crown()
        bands = self.chance(self.habits.band)
        every = bands and self.chance(0.55)
        thick = self.between(0.05, 0.14) * self.storey
        office = self.kind == KINDS.index("office")
        for floor in range(1, self.floors):
            y = self.lines[floor]
            if office and bands:
                self.add("molding", "trim", (left, y - 0.16 * self.storey, right, y + 0.04 * self.storey), 2)
            elif every or (bands and floor in (1, self.floors - 1)):
                swell = 1.5 if floor == 1 else 1.0
                self.add("molding", "trim", (left, y - swell * thick / 2, right, y + swell * thick / 2), 3)

    def _crown(self) -> None:
        """The molding under the eaves: a frieze, at times with reliefs, and a shelf over it."""
        y, reach = self.top, self.crown
        self.add("molding", "trim", (self.left, y, self.right, y + reach), 3)
        out = min(0.008, self.left), min(0.008, 1 - self.right)
        self.add("molding", "trim", (self.left - out[0], y, self.right + out[1], y + 0.4 * reach), 7)
        if reach > 0.045 and self.chance(0.4 + 0.4 * self.habits.deco):
            half = 0.22 * min(self.bay, 2 * reach)
            for x in self.centres:
                self.add("deco", "relief", (x - half, y + 0.46 * reach, x + half, y + 0.94 * reach), 5)

    def _gable(self) -> None:
        half = self.between(0.2, 0.36) * (self.right - self.left)
        middle, rise = (self.left + self.right) / 2, self.between(0.7, 0.95) * self.top
        if self.chance(0.5):
            half = (self.right - self.left) / 2
        outline = "gable" if self.chance(0.6) else "curved"
        box = (middle - half, self.top - rise, middle + half, self.top)
        self.add("molding", "trim", box, 4, outline)
        rim = 0.14 * rise
        inner = (middle - half + 2 * rim, self.top - rise + 1.4 * rim, middle + half - 2 * rim, self.top)
        self.add("facade", "wall", inner, 0, outline)
        if rise > 0.07:
            r, y = 0.19 * rise, self.top - 0.36 * rise
            label, material, number = ("window", "window", self.thing()) if self.chance(0.5) else ("deco", "relief", 0)
            self.add(label, material, (middle - r, y - r, middle + r, y + r), -2 if number else 3, "disc", number)

    def _choose(self) -> None:
        """What all floors of this house share."""
        habits = self.habits
        self.width = self.between(*habits.width) * self.bay
        self.height = self.between(*habits.height)
        self.sills, self.hoods = self.chance(habits.sill), self.chance(habits.hood)
        self.decos, self.surround = self.chance(habits.deco), self.chance(habits.surround)
        self.hood_kind = self.whole(0, 3)
        self.deco_above = self.chance(0.5)
        self.shutters, self.rollers = self.chance(habits.shutter), self.chance(habits.roller)
        self.balconies, self.pilasters = self.chance(habits.balcony), self.chance(habits.pilaster)
        self.arched = self.whole(1, self.floors) if self.chance(habits.arch) else 0
        self.pairs = self.whole(1, 3) if self.chance(habits.pair) else 0
        middle = {self.axes // 2, (self.axes - 1) // 2}
        self.special = middle if self.chance(0.6) else {0, self.axes - 1}
        self.reveal = -self.between(2.0, 5.0)
        # Balconies on all axes of some floors, on the special axes of all, or from wall to wall.
        self.balcony_way = self.pick((0.4, 0.6, 0.55 if self.kind == KINDS.index("modern") else 0.12))
        self.balcony_rise = self.between(0.28, 0.38)
        self.loggia = self.width * self.between(1.25, 1.7)

    def _has_balcony(self, floor: int, axis: int) -> bool:
        if not self.balconies:
            return False
        if self.balcony_way == 0:
            return floor == 1 or (floor == 2 and self.axes < 4)
        return axis in self.special or self.balcony_way == 2

    def _floor(self, floor: int) -> None:
        storey, y = self.storey, self.lines[floor]
        attic = floor == self.floors - 1 and self.floors > 2
        height = self.height * (0.82 if attic and self.kind in (1, 2) else 1.0)
        arch = self.arched == floor or (self.arched == self.floors and not attic)
        hooded = self.hoods and not (attic and self.chance(0.7))
        open_rollers = self.rollers and self.chance(0.8)
        room = storey - 0.25 * storey - height * storey  # above the windows
        for axis, x in enumerate(self.centres):
            balcony = self._has_balcony(floor, axis)
            low = y - (0.06 if balcony else 0.24) * storey
            head = y - (0.24 + height) * storey
            paired = self.pairs == 1 or (self.pairs == 2 and axis in self.special)
            paired = paired and self.bay > 0.11
            wide = self.width * (1.25 if paired and self.width < 0.55 * self.bay else 1.0)
            lights = self._lights(x, wide, paired)
            for a, b in lights:
                self._window((a, head, b, low), arch, open_rollers and not balcony)
            box = (x - wide / 2, head, x + wide / 2, low)
            if self.shutters and not paired and not arch:
                self._shutters(box)
            if self.sills and not balcony:
                self._sill(box)
            if hooded:
                self._hood(box, room, axis)
            elif self.decos and room > 0.05 * storey and not arch:
                self.add(
                    "deco", "relief", (x - 0.38 * wide, head - 0.16 * storey, x + 0.38 * wide, head - 0.02 * storey), 2
                )
            if self.decos and not balcony and not self.deco_above and self.kind == 1:
                self.add("deco", "relief", (box[0], low + 0.09 * storey, box[2], low + 0.2 * storey), 1)
            if balcony and self.balcony_way < 2:
                self._balcony(x - self.loggia / 2, x + self.loggia / 2, y)
        if self.balconies and self.balcony_way == 2:
            inset = 0.04 * (self.right - self.left)
            self._balcony(self.left + inset, self.right - inset, y)

    def _lights(self, x: float, wide: float, paired: bool) -> list[tuple[float, float]]:
        if not paired:
            return [(x - wide / 2, x + wide / 2)]
        gap = 0.06 * wide
        return [(x - wide / 2, x - gap), (x + gap, x + wide / 2)]

    def _window(self, box: Box, arch: bool, roller: bool) -> None:
        left, top, right, bottom = box
        outline = "arch" if arch else "box"
        if self.surround:
            rim = 0.09 * self.width
            self.add("facade", "trim", (left - rim, top - rim, right + rim, bottom), 1, outline)
        self.add("window", "window", box, self.reveal, outline, self.thing())
        if roller and not arch and not self.shutters and self.chance(0.55):
            share = self.between(0.2, 0.65) if self.chance(0.75) else 1.0
            self.add("blind", "roller", (left, top, right, top + share * (bottom - top)), self.reveal + 1)

    def _shutters(self, box: Box) -> None:
        left, top, right, bottom = box
        leaf = min(0.5 * (right - left), 0.47 * self.bay - 0.5 * (right - left))
        if self.chance(0.1):
            self.add("blind", "louvre", (left, top, (left + right) / 2, bottom), -1)
            self.add("blind", "louvre", ((left + right) / 2, top, right, bottom), -1)
            return
        self.add("blind", "louvre", (left - leaf, top, left, bottom), 1.5)
        self.add("blind", "louvre", (right, top, right + leaf, bottom), 1.5)

    def _sill(self, box: Box) -> None:
        left, _, right, bottom = box
        over = 0.1 * self.width
        self.add("sill", "trim", (left - over, bottom, right + over, bottom + max(0.075 * self.storey, 0.0095)), 4)

    def _hood(self, box: Box, room: float, axis: int) -> None:
        """Over a window: a shelf, a pediment or an arched one; in some houses with a relief below it."""
        left, top, right, _ = box
        over, storey = 0.16 * self.width, self.storey
        kind = self.hood_kind if self.hood_kind < 3 else axis % 2 + 1  # 0 shelf, 1 pediment, 2 arched; or in turns
        base = top - 0.02 * storey
        if self.decos and self.deco_above and room > 0.2 * storey:
            self.add("deco", "relief", (left, base - 0.1 * storey, right, base), 2)
            base -= 0.1 * storey
        rise = min(0.12 * storey if kind == 0 else 0.18 * storey, top - base + room - 0.04 * storey)
        outline = ("box", "gable", "segment")[kind]
        shelf = min(0.045 * storey, rise)
        bottom = base - shelf if kind else base
        self.add("cornice", "trim", (left - over, base - rise, right + over, bottom), 4, outline)
        if kind:
            self.add("cornice", "trim", (left - over, base - shelf, right + over, base), 4)

    def _balcony(self, left: float, right: float, y: float) -> None:
        storey, number = self.storey, self.thing()
        left, right = max(left, self.left + 0.01), min(right, self.right - 0.01)
        self.add("balcony", "slab", (left, y - 0.03 * storey, right, y + 0.05 * storey), 8, "box", number)
        self.add("balcony", "rail", (left, y - self.balcony_rise * storey, right, y - 0.03 * storey), 8, "box", number)

    def _pilasters(self) -> None:
        """Flat pillars between the axes from the first floor to the eaves."""
        if not self.pilasters:
            return
        storey = self.storey
        office = self.kind == KINDS.index("office")
        start = self.lines[1] - (0.0 if office else 0.06 * storey)
        end = self.top + self.crown
        room = self.bay - self.width * 1.3
        half = min(self.between(0.16, 0.26) * room if not office else 0.36 * room, 0.03)
        if half < 0.005:
            return
        every = 1 if office or self.chance(0.5) else 2
        low = self.centres[0] - self.bay / 2
        for k in range(0, self.axes + 1, every):
            x = min(max(low + k * self.bay, self.left + 1.3 * half), self.right - 1.3 * half)
            self.add("pillar", "shaft", (x - half, end, x + half, start), 4)
            if not office:
                self.add("pillar", "trim", (x - 1.3 * half, end, x + 1.3 * half, end + 0.1 * storey), 5)
                self.add("pillar", "trim", (x - 1.3 * half, start - 0.07 * storey, x + 1.3 * half, start), 5)
