"""What the people of toy-fashion wear: from the backdrop to the bag."""

import numpy as np

from sempal_lib.worlds.engine import curve
from sempal_lib.worlds.fashion.figure import Body

OUTFITS = ("trousers", "skirt", "dress", "shorts")
HAIRS = ("short", "bob", "long", "bun", "tail", "curls", "bald")
SIDES = (-1, 1)


class Outfit(Body):
    """A person in clothes. kind: place in OUTFITS."""

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng)
        self.kind = self.pick((5, 2.4, 2.8, 1.4))
        self.hair = HAIRS[self.pick((4, 2, 3, 1.2, 1, 1.2, 0.4))]
        self.coat = self.chance(0.36)
        self.sleeve = 0.0 if self.chance(0.22) else self.between(0.25, 0.55) if self.chance(0.5) else 0.97
        self.hat = self.chance(0.16)
        self._hair_behind()
        self._legs()
        (self._dress if self.kind == 2 else self._two_pieces)()
        self._neck()
        if self.coat:
            self._coat()
        self._arms()
        self._head()
        if self.chance(0.34):
            self._bag()
        self.finish()

    def _legs(self) -> None:
        """Skin, stockings and shoes; a boot goes up the leg."""
        tights, boots = self.chance(0.22), self.chance(0.2)
        high = self.between(0.72, 0.9) if self.chance(0.35) else 0.0
        boot, low = self.between(0.6, 0.88), self.between(0.0, 0.5)
        for side, leg in zip(SIDES, self.legs, strict=True):
            self.tube("legs", "skin", *self.part_of(leg, 0, 1), 7)
            if tights or high:
                self.tube(
                    "socks", "socks", *self.part_of(leg, 0 if tights else high, 1, (0.01, 0.01)), 7.3, ends=(0, 0)
                )
            (x, y), thing = leg[0][-1], self.thing()
            toe = side * (0.06 + 0.05 * self.turn * side)
            foot = [(x - 0.12, y - 0.02), (x + 0.12, y - 0.02), (x + 0.17 + toe, y + 0.24), (x + 0.1 + toe, y + 0.34),
                    (x - 0.1 + toe, y + 0.34), (x - 0.17 + toe, y + 0.24)]  # fmt: skip
            axis = (x, y - 0.1), (x + toe, y + 0.34), 0.12, 0.17
            bare = ("socks", "socks") if tights or high else ("legs", "skin")
            self.put(*bare, curve(foot, 3), axis, 7)
            if boots:
                self.tube("shoes", "shoes", *self.part_of(leg, boot, 1, (0.05, 0.04)), 8, thing, ends=(0, 0))
                self.put("shoes", "shoes", curve(foot, 3), axis, 8, thing)
            elif low < 0.47:  # shoes, open above or not; a few go barefoot
                shoe = [*foot[2:], (x - 0.13, y + 0.02 + low * 0.4), (x + toe, y + 0.06 + low * 0.5),
                        (x + 0.13, y + 0.02 + low * 0.4)]  # fmt: skip
                self.put("shoes", "shoes", curve(shoe, 3), axis, 8, thing)

    def _hanging(self, label: str, top: float, hem: float, flare: float, relief: float) -> None:
        """A skirt, or the lower part of a dress or coat."""
        self.wrap(label, label, top, hem, (0.02, 0.06, 0.05 + 0.35 * flare, 0.04 + flare), relief)

    def _trousers(self, hem: float) -> None:
        """Two legs that meet in the middle, each of one piece from the waist to its hem."""
        wide = self.between(0.0, 0.04) if self.chance(0.45) else self.between(0.05, 0.2)
        y = np.linspace(2.72, 3.5, 5)
        for side, leg in zip(SIDES, self.legs, strict=True):
            line, halves = self.part_of(leg, 0.12, hem, (0.03, 0.03 + wide))
            outer, inner = line + side * halves[:, None] * (1, 0), line - side * halves[:, None] * (1, 0)
            trunk = np.stack([self.middle(y) + side * (self.half(y) + 0.03), y], axis=1)
            middle = [(self.middle(3.9), 3.92), (self.middle(2.72), 2.72)]
            start = self.middle(2.72) + 0.5 * side * self.half(2.72), 2.72
            axis = start, line[-1], 0.55 * self.half(3.5), halves[-1]
            self.put("trousers", "trousers", [*trunk, *outer, *inner[::-1], *middle], axis, 9)

    def _two_pieces(self) -> None:
        tucked = self.chance(0.45)
        hem = 2.9 if tucked else self.between(3.1, 3.75)
        if tucked:
            self._top("top", hem)
        if self.kind == 0:
            self._trousers(1.0 if self.chance(0.6) else self.between(0.7, 0.95))
        elif self.kind == 3:
            self._trousers(self.between(0.2, 0.45))
        else:
            self._hanging("skirt", 2.7, self._hem(), self.between(0.0, 0.55), 10)
        if not tucked:
            self._top("top", hem)
        if tucked and self.chance(0.6):
            self.wrap("belt", "belt", 2.72, 2.72 + self.between(0.11, 0.2), (0.035, 0.035), 11)

    def _hem(self) -> float:
        """Where a skirt ends: mini, knee, calf or floor."""
        low = ((4.3, 4.9), (5.0, 5.6), (5.8, 6.5), (6.7, 7.1))[self.pick((3, 3, 1.6, 0.8))]
        return self.between(*low)

    def _dress(self) -> None:
        self._hanging("dress", 2.6, self._hem(), self.between(0.0, 0.6), 10)
        self._top("dress", 2.85)
        if self.chance(0.4):
            self.wrap("belt", "belt", 2.72, 2.72 + self.between(0.1, 0.18), (0.03, 0.03), 11)

    def _top(self, label: str, hem: float) -> None:
        loose = self.between(0.0, 0.12) * (label == "top")
        first = 1.27 if self.sleeve else 1.3
        self.wrap(
            label, label, first, hem, (0.02, 0.03, 0.03 + loose, 0.04 + loose, 0.05 + loose), 10.5 if loose else 10
        )

    def _neck(self) -> None:
        """The neck and the skin that the neckline leaves bare; or a collar up the neck."""
        label, wide = ("dress" if self.kind == 2 else "top"), self.between(0.2, 0.38)
        x, kind = 0.5 * self.head, self.pick((4, 3, 1, 2))
        deep = (1.34 + self.between(0.05, 0.3), 1.45 + self.between(0.1, 0.5), 1.2, 1.5)[kind]
        throat = [(x - 0.18, 0.85), (x + 0.18, 0.85), (x + 0.17, 1.2)]
        wide, low = (wide, wide, 0.17, 0.2)[kind], 0.4 + 0.7 * deep
        below = [(wide, 1.3), (0.6 * wide, low), (0, deep), (-0.6 * wide, low), (-wide, 1.3)]
        axis = (x, 0.8), (0, 1.5), 0.18, 0.24
        self.put("face", "skin", [*throat, *(below[::2] if kind else below), (x - 0.17, 1.2)], axis, 11)
        if kind == 2:  # a collar up the neck
            self.wrap(label, label, 1.12, 1.4, (-0.03, 0.02, -0.1), 11.5)
        elif kind == 3:
            for side in SIDES:
                flap = [(side * 0.16, 1.16), (side * 0.3, 1.3), (side * 0.24, 1.62), (0.02 * side, deep)]
                self.put(label, f"{label} trim", flap, ((side * 0.2, 1.1), (side * 0.1, 1.6), 0.15, 0.15), 12)

    def _coat(self) -> None:
        """Two fronts that leave what is below open to view, or meet."""
        hem = self.between(3.0, 3.8) if self.chance(0.65) else self.between(4.3, 5.6)
        gap = 0.02 if self.chance(0.25) else self.between(0.12, 0.3)
        flare, spread = self.between(0.08, 0.22), self.between(0.0, 0.14)
        for side in SIDES:
            inner = (side * (0.19 + 0.2 * gap), side * (gap + spread), side)
            self.wrap("outer", "outer", 1.25, hem, (0.05, 0.07, 0.1, 0.1 + 0.5 * flare, 0.1 + flare), 12, inner)
            lapel = [(side * 0.16, 1.15), (side * 0.36, 1.32), (side * (0.3 + gap), 1.75), (side * gap, 2.1)]
            if hem > 3.3:
                self.put("outer", "outer trim", lapel, ((side * 0.2, 1.1), (side * gap, 2.1), 0.2, 0.2), 13)

    def _arms(self) -> None:
        coat_sleeve, loose = self.between(0.85, 1.0), self.between(0.02, 0.09)
        label = "dress" if self.kind == 2 else "top"
        for pose, arm in zip(self.poses, self.arms, strict=True):
            high = 14 if pose == "across" else 11
            points = arm[0]
            if pose != "pocket":
                reach = points[-1] - points[-2]
                reach = 0.3 * reach / np.linalg.norm(reach)
                line = np.array([points[-1], points[-1] + 0.6 * reach, points[-1] + reach])
                self.tube("arms", "skin", line, np.array([0.08, 0.115, 0.08]), high)
            self.arm("arms", "skin", arm, 1.0, high)
            if self.sleeve:
                self.arm(label, label, arm, self.sleeve, high + 0.5, (0.03, 0.03 + loose))
            if self.coat:
                self.arm("outer", "outer", arm, coat_sleeve, high + 1.5, (0.05, 0.06 + loose))

    def _at_head(self, points) -> list[tuple[float, float]]:
        return [(self.head + x, y) for x, y in points]

    def _hair_behind(self) -> None:
        """What falls behind the shoulders or stands around the head."""
        x, axis = self.head, ((self.head, -0.1), (self.head, 2.0), 0.5, 0.6)
        if self.hair == "long":
            low, wide = self.between(1.5, 2.5), self.between(0.44, 0.6)
            outline = [(-0.36, 0.1), (0.36, 0.1), (wide - 0.06, 0.8), (wide, low), (-wide, low), (-wide + 0.06, 0.8)]
            self.put("hair", "hair", curve(self._at_head(outline), 3), axis, 3)
        elif self.hair == "tail":
            side = self.pick((1, 1)) * 2 - 1
            outline = [(0.2, 0.2), (0.55, 0.35), (0.62, 1.0), (0.5, 1.7), (0.4, 1.0)]
            self.put("hair", "hair", curve([(x + side * a, b) for a, b in outline], 3), axis, 3)
        elif self.hair == "curls":
            wide, turns = self.between(0.5, 0.74), np.arange(13) * 2 * np.pi / 13
            bumps = wide + self.between(0.02, 0.05) * (-1.0) ** np.arange(13)
            round_head = np.stack([x + bumps * np.sin(turns), 0.5 - 0.95 * bumps * np.cos(turns)], axis=1)
            self.put("hair", "curls", curve(round_head, 3), axis, 3)

    def _head(self) -> None:
        """Face, ears, hair in front, glasses, hat."""
        jaw, x = self.between(0.17, 0.25), self.head
        for side in SIDES:
            ear = [(side * 0.3, 0.5), (side * 0.42, 0.48), (side * 0.41, 0.68), (side * 0.3, 0.72)]
            self.put("face", "skin", curve(self._at_head(ear), 3), ((x, 0.4), (x, 0.8), 0.5, 0.5), 11.5)
        oval = [(0, 0.06), (0.24, 0.14), (0.35, 0.4), (0.33, 0.7), (jaw, 0.98), (0, 1.07)]
        outline = curve(self._at_head([*oval, *((-a, b) for a, b in oval[-2:0:-1])]), 3)
        self.put("face", "face", outline, ((x, 0.1), (x, 1.07), 0.38, 0.38), 12)
        self._hair()
        if self.chance(0.17):
            self._glasses()
        if self.hat:
            self._hat()

    def _hair(self) -> None:
        if self.hair == "bald":
            return
        x, axis = self.head, ((self.head, -0.1), (self.head, 1.2), 0.44, 0.5)
        low = {"short": 0.5, "bob": self.between(0.95, 1.25), "long": self.between(0.95, 1.3)}.get(self.hair, 0.55)
        front, part = self.between(0.22, 0.4), self.between(-0.2, 0.2)
        wide = 0.43 if low < 0.9 else self.between(0.45, 0.54)
        crown = [(wide, 0.5), (0.38, 0.12), (0.2, -0.04), (-0.2, -0.04), (-0.38, 0.12), (-wide, 0.5)]
        brow = [(-0.31, 0.5), (-0.2, front), (part, front - 0.08), (0.2, front), (0.31, 0.5)]
        outer = [(0.9 * wide, low), *crown, (-0.9 * wide, low)]
        inner = [(-0.3, low - 0.02), *brow, (0.3, low - 0.02)]
        kind = "curls" if self.hair == "curls" else "hair"
        self.put("hair", kind, curve(self._at_head(outer + inner), 3), axis, 13.5)
        if self.hair == "bun" and not self.hat:
            bun = [(-0.17, 0.02), (-0.18, -0.16), (0, -0.26), (0.18, -0.16), (0.17, 0.02)]
            self.put("hair", kind, curve(self._at_head(bun), 3), ((x, -0.3), (x, 0.1), 0.2, 0.2), 13)
        if self.hair == "long" and self.chance(0.5):  # strands over the shoulders
            end = self.between(1.7, 2.3)
            for side in SIDES:
                strand = [(0.34, 0.9), (0.48, 0.8), (0.56, 1.5), (0.42, end), (0.3, 1.5)]
                self.put("hair", "hair", curve(self._at_head([(side * a, b) for a, b in strand]), 3), axis, 13)

    def _glasses(self) -> None:
        thing, x, tall = self.thing(), self.head + 0.08 * self.turn, self.between(0.085, 0.12)
        bridge = [(x - 0.34, 0.5), (x + 0.34, 0.5), (x + 0.34, 0.545), (x - 0.34, 0.545)]
        self.put("glasses", "glasses", bridge, ((x, 0.4), (x, 0.7), 0.4, 0.4), 13, thing)
        for side in SIDES:
            lens = [(side * 0.04, 0.5), (side * 0.28, 0.49), (side * 0.28, 0.52 + tall), (side * 0.12, 0.55 + tall),
                    (side * 0.05, 0.5 + tall)]  # fmt: skip
            points = [(x + a, b) for a, b in lens]
            self.put("glasses", "lens", points, ((x, 0.45), (x, 0.7), 0.3, 0.3), 13.5, thing)

    def _hat(self) -> None:
        """A beanie, a hat with a brim, or a cap with its peak."""
        thing, x, kind = self.thing(), self.head, self.pick((1, 1, 1))
        rise, low = self.between(0.12, 0.3), (0.32, 0.22, 0.24)[kind]
        crown = [(-0.42, low), (-0.42, 0.05), (-0.26, -rise), (0.26, -rise), (0.42, 0.05), (0.42, low)]
        self.put("hat", "hat", curve(self._at_head(crown), 3), ((x, -rise), (x, low), 0.42, 0.44), 15, thing)
        wide = (0.45, self.between(0.62, 0.95), 0.4)[kind]
        rim = [(-wide, low), (0, low - 0.08), (wide, low), (0.8 * wide, low + 0.07), (0, low + 0.12),
               (-0.8 * wide, low + 0.07)]  # fmt: skip
        if kind == 2:
            rim = [(a + 0.18 * self.turn, b + 0.03) for a, b in rim]
        axis = (x, low - 0.2), (x, low + 0.2), wide, wide
        self.put("hat", "hat trim", curve(self._at_head(rim), 3), axis, 16, thing)

    def _bag(self) -> None:
        """A bag in the hand, or one on a strap across the body."""
        thing, n = self.thing(), self.pick((1, 1))
        side, wide, tall = SIDES[n], self.between(0.3, 0.5), self.between(0.5, 0.85)
        if self.poses[n] in ("hang", "out") and self.chance(0.6):
            x, y = self.arms[n][0][-1] + (0, 0.2)
            for end in SIDES:
                line = np.array([(x, y), (x + end * 0.4 * wide, y + 0.25), (x + end * 0.6 * wide, y + 0.5)])
                self.tube("bag", "bag trim", line, np.array([0.035, 0.035, 0.035]), 14, thing)
            y += 0.4
        else:
            x, y = side * (self.half(3.5) + 0.05), 3.3
            line = np.array([(-side * 0.5, 1.42), (-side * 0.1, 2.2), (x - side * 0.1, 3.4)])
            self.tube("bag", "bag trim", line, np.array([0.045, 0.045, 0.045]), 14, thing)
        box = [(-1, 0), (1, 0), (1.08, 0.8), (0.9, 1), (-0.9, 1), (-1.08, 0.8)]
        points = [(x + a * wide, y + b * tall) for a, b in box]
        self.put("bag", "bag", points, ((x, y), (x, y + tall), wide, wide), 16, thing)
