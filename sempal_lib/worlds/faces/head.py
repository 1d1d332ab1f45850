"""The heads of toy-faces: their forms, and what is worn on them.

Places on a face: x from its middle to the right of the picture, y from the middle of the face down, both turned with
the head's tilt; 1 is the distance from there to the chin, and about to the hairline.
"""

from math import cos, radians, sin

import numpy as np

from sempal_lib.label_spaces_of_people import CELEBA_19
from sempal_lib.worlds.engine import FlatScene, curve

Array = np.ndarray
HAIRS = ("short", "bob", "long", "bun", "curls", "fringe", "bald")
SIDES = (-1, 1)


class Head(FlatScene):
    """One person's head and shoulders.

    Attributes:
        hair: place in HAIRS. turn: to the side, -1 to 1. nod: up -1 to down 1. tilt: degrees. smile: 0 to 1.
        open: of the mouth, 0 to 1. unit: the chin's distance from the face's middle, in heights of the picture.
        eyes: x of the middle of each, their y, half width and half height. features: the x that is the middle of them.
    """

    space = CELEBA_19

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng)
        self.hair = self.pick((3.5, 2, 3.2, 1, 1.4, 1.6, 0.5))
        self.turn, self.nod, self.tilt = self.between(-1, 1), self.between(-1, 1), self.between(-11, 11)
        self.smile, self.open = self.between(0, 1), max(self.between(-0.9, 1), 0.0)
        self.unit, self.place = self.between(0.27, 0.335), (self.between(0.46, 0.54), self.between(0.47, 0.53))
        self.width, self.jaw, self.chin = self.between(0.73, 0.86), self.between(0.5, 0.66), self.between(0.2, 0.34)
        self.features, lift = 0.2 * self.turn, 0.07 * self.nod
        apart, high = self.between(0.32, 0.37), self.between(0.068, 0.1)
        self.eyes = [self.features + side * apart * (1 - 0.18 * side * self.turn) for side in SIDES]
        self.eye_y, self.eye_size = lift - 0.12, (self.between(0.165, 0.2), high * (1 - 0.35 * self.smile * self.open))
        self.mouth_y, self.wide = 0.6 + lift, self.between(0.25, 0.32) * (1 + 0.2 * self.smile)
        self.glasses, self.hat = self.pick((8, 1.2, 0.9)), self.pick((8, 0.7, 0.7, 0.5))
        self.add("background", "backdrop", (0, 0, 1, 1))
        self._hair_behind()
        self._body()
        self._ears()
        self._face()
        self._hair_in_front()
        if self.hat:
            self._hat()
        self.finish()

    def put(self, label: str, material: str, points, relief: float, thing: int = 0, smooth: int = 4) -> None:
        """A shape on the face, [N, 2], rounded if `smooth`."""
        x, y = np.asarray(curve(points, smooth) if smooth else points, float).T
        c, s = cos(radians(self.tilt)), sin(radians(self.tilt))
        at = np.stack([c * x - s * y, s * x + c * y], axis=1)
        self.polygon(label, material, np.array(self.place) + self.unit * at, relief, thing)

    def both(self, half, x: float = 0.0) -> list[tuple[float, float]]:
        """A shape that is the same at both sides of x, from its right half, listed from the top down."""
        return [(x + a, b) for a, b in half] + [(x - a, b) for a, b in half[::-1] if a]

    def _hair_behind(self) -> None:
        kind, volume = HAIRS[self.hair], self.between(0.0, 0.22)
        if kind == "long":
            low, wide = self.between(1.5, 2.6), 0.95 + volume
            self.put("hair", "hair", self.both([(0.5, -1.3), (wide, -0.5), (wide + 0.08, 0.6), (wide, low)]), 2)
        elif kind == "curls":
            turns = np.arange(15) * 2 * np.pi / 15
            bumps = 1.15 + 1.2 * volume + self.between(0.03, 0.08) * (-1.0) ** np.arange(15)
            self.put("hair", "curls", np.stack([bumps * np.sin(turns), -0.3 - 1.05 * bumps * np.cos(turns)], axis=1), 2)
        elif kind == "bun" and not self.hat:
            self.put("hair", "hair", self.both([(0, -1.75), (0.3, -1.6), (0.32, -1.3), (0, -1.1)]), 2)

    def _body(self) -> None:
        """Shoulders in cloth, the neck and what the neckline leaves bare, a necklace."""
        shoulder, slope = self.between(1.5, 2.1), self.between(1.75, 2.0)
        body = self.both([(0.4, 1.2), (0.75, 1.55), (shoulder, slope), (shoulder + 0.3, 2.4), (shoulder + 0.4, 4)])
        self.put("cloth", "cloth", body, 4)
        neck, kind = self.between(0.42, 0.54), self.pick((3, 2, 1))
        wide, deep = ((0.75, self.between(1.75, 2.1)), (0.55, self.between(1.9, 2.6)), (neck + 0.05, 1.35))[kind]
        self.put("neck", "neck", self.both([(neck, 0.3), (neck, 1.0), (neck + 0.03, 1.3), (wide, 1.55), (0, deep)]), 5)
        if kind == 2:  # a collar up the neck
            collar = [(neck + 0.06, 1.15), (neck + 0.2, 1.6), (0, 1.75)]
            self.put("cloth", "collar", [*self.both(collar), (0, 1.3)], 7)
        elif self.chance(0.28):
            drop, thick = self.between(1.45, min(deep - 0.1, 1.9)), self.between(0.05, 0.09)
            line = [(neck - 0.02, 1.2), (0.62 * neck, 0.45 * 1.2 + 0.55 * drop), (0, drop)]
            outer, inner = self.both(line), self.both([(a * 0.95, b - thick) for a, b in line])
            self.put("neck_l", "chain", [*outer, *inner[::-1]], 7, smooth=0)

    def _ears(self) -> None:
        """The ear that the head turns away goes behind it; ear-rings hang from the lobes."""
        rings, long = self.chance(0.26), self.between(0.12, 0.36)
        for side, name in zip(SIDES, ("l_ear", "r_ear"), strict=True):
            out = self.width * (1 - 0.1 * side * self.turn)
            if out < 0.93 * self.width:
                continue
            x = side * (out - 0.04)
            ear = [(0, -0.25), (0.15, -0.28), (0.2, -0.1), (0.13, 0.15), (0.04, 0.22), (-0.05, 0.1)]
            self.put(name, "ear", [(x + side * a, b) for a, b in ear], 6)
            if rings:
                lobe, size = x + side * 0.09, self.between(0.06, 0.1)
                drop = [(0, 0.12), (size, 0.2), (0.8 * size, 0.2 + long), (-0.8 * size, 0.2 + long), (-size, 0.2)]
                self.put("ear_r", "jewel", [(lobe + a, b) for a, b in drop], 14, self.thing())

    def _face(self) -> None:
        w, jaw, chin = self.width, self.jaw, self.chin
        side = [(0.62 * w, -0.95), (0.96 * w, -0.55), (w, -0.1), (0.97 * w, 0.25), (jaw, 0.68), (chin, 0.96)]
        self.put("skin", "skin", self.both([(0, -1.08), *side, (0, 1.02)]), 8)
        if self.glasses:
            self._glasses()
        if self.glasses < 2:
            for x, eye in zip(self.eyes, ("l_eye", "r_eye"), strict=True):
                (half, high), y = self.eye_size, self.eye_y
                almond = [(-half, 0.02), (-0.5 * half, -0.85 * high), (0.3 * half, -high), (half, 0.0),
                          (0.4 * half, 0.75 * high), (-0.5 * half, 0.75 * high)]  # fmt: skip
                self.put(eye, "eye", [(x + a, y + b) for a, b in almond], 14)
        thick, rise, bow = self.between(0.035, 0.08), self.between(0.2, 0.28), self.between(0.0, 0.08)
        for x, brow, outer in zip(self.eyes, ("l_brow", "r_brow"), SIDES, strict=True):
            arc = np.array([(-0.22, 0.05), (-0.05, -bow), (0.24, 0.05)]) * (outer, 1) + (x, self.eye_y - rise)
            shape = [*(arc - (0, thick)), *(arc + (0, thick) * np.array([[0.9], [0.9], [0.2]]))[::-1]]
            self.put(brow, "brow", shape, 15)
        x, y, wide = self.features + 0.1 * self.turn, self.eye_y, self.between(0.16, 0.23)
        low = y + self.between(0.44, 0.52)
        nose = [(0.05, y), (0.075, 0.5 * (y + low)), (wide, low - 0.1), (0.7 * wide, low), (0, low + 0.04)]
        self.put("nose", "nose", self.both(nose, x), 14.7)
        self.nose = x, y, low, wide
        self._mouth()

    def _mouth(self) -> None:
        x, y, wide = self.features, self.mouth_y, self.wide
        corner, gap = y - 0.1 * self.smile, 0.16 * self.open
        upper, lower = self.between(0.05, 0.1), self.between(0.08, 0.14)
        rise, fall = y - 0.4 * gap, y + 0.6 * gap
        over = [(-0.45 * wide, y - 0.85 * upper), (-0.1 * wide, y - upper), (0, y - 0.8 * upper)]
        over = [(-wide, corner), *over, *((-a, b) for a, b in over[1::-1]), (wide, corner)]
        middle = [(0.5 * wide, 0.6 * rise + 0.4 * corner), (0, rise), (-0.5 * wide, 0.6 * rise + 0.4 * corner)]
        under = [(-wide, corner), (0, fall), (wide, corner), (0.55 * wide, fall + 0.8 * lower), (0, fall + lower),
                 (-0.55 * wide, fall + 0.8 * lower)]  # fmt: skip
        place = lambda points: [(x + a, b) for a, b in points]  # noqa: E731
        if gap > 0.02:
            hole = [(-wide, corner), (0, rise - 0.03), (wide, corner), (0.5 * wide, fall), (0, fall + 0.03),
                    (-0.5 * wide, fall)]  # fmt: skip
            self.put("mouth", "mouth", place(hole), 13)
        self.put("l_lip", "lip", place(under), 14.5, smooth=3)
        self.put("u_lip", "lip", place([*over, *middle]), 14.7, smooth=3)

    def _glasses(self) -> None:
        """Lenses and what holds them; the eyes are drawn over clear ones."""
        thing, (half, _), y = self.thing(), self.eye_size, self.eye_y + 0.02
        round_off, big = self.chance(0.5), self.between(1.25, 1.5)
        bar = [(-self.width, y - 0.1), (self.width, y - 0.1), (self.width, y - 0.04), (-self.width, y - 0.04)]
        self.put("eye_g", "frame", bar, 17, thing, smooth=0)
        for x in self.eyes:
            a, b = big * half, big * 0.72 * half + 0.04
            lens = self.both([(a, -0.8 * b), (0.95 * a, 0.7 * b), (0.4 * a, b)])
            rim = [(x + 1.12 * p, y + 1.12 * q) for p, q in lens]
            self.put("eye_g", "frame", rim, 17, thing, 4 * round_off)
            self.put("eye_g", "lens", [(x + p, y + q) for p, q in lens], 16, thing, 4 * round_off)

    def _hair_in_front(self) -> None:
        kind = HAIRS[self.hair]
        if kind == "bald":
            return
        low = {"bob": self.between(0.7, 1.3), "long": self.between(1.0, 1.6), "fringe": self.between(0.2, 1.1)}
        end, wide = low.get(kind, self.between(-0.25, 0.1)), self.width + self.between(0.1, 0.2)
        front, part = self.between(-0.88, -0.68), self.between(-0.4, 0.4)
        if kind == "fringe":
            front = self.between(-0.52, -0.38)
        crown = self.both([(0.5, -1.3), (0.95 * wide, -0.85), (wide, -0.3)])
        crown = [*crown[2::-1], (0, -1.4), *crown[:2:-1]]
        inner = 0.9 * self.width
        brow = [(-inner, -0.3), (-0.75 * inner, front), (part, front - 0.1 * (kind != "fringe")), (0.75 * inner, front),
                (inner, -0.3)]  # fmt: skip
        outline = [(wide, end), *crown, (-wide, end), (-1.02 * inner, end - 0.1), *brow, (1.02 * inner, end - 0.1)]
        self.put("hair", "curls" if kind == "curls" else "hair", outline, 15)

    def _hat(self) -> None:
        """A beanie, a hat with a brim, or a cap."""
        thing, rise, wide = self.thing(), self.between(1.5, 1.85), self.width + 0.22
        low = (-0.62, -0.72, -0.68)[self.hat - 1]
        crown = self.both([(0.35, -rise), (0.8 * wide, -1.35), (wide, -0.95), (wide, low)])
        self.put("hat", "hat", crown, 18, thing)
        brim = (wide + 0.03, self.between(1.3, 1.7), 0.95 * wide)[self.hat - 1]
        aside = 0.25 * self.turn * (self.hat == 3)
        rim = [(0, low - 0.16), (0.6 * brim, low - 0.13), (brim, low), (0.6 * brim, low + 0.12), (0, low + 0.16)]
        self.put("hat", "band", self.both(rim, aside), 20, thing)
