"""The space of toy-rooms: a camera that looks straight at the back wall, and boxes and panels drawn with true depth."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from sempal_lib.label_spaces import ADE_150
from sempal_lib.labels import LabelSpace, label_space_of
from sempal_lib.worlds.engine import Dice, Drawing, drawn_height, within

# Names, order and colours as ADE20K has them among its 150.
ROOMS_25 = label_space_of([
    (name, ADE_150.colors[ADE_150.index(name)])
    for name in (
        "wall", "floor", "ceiling", "bed", "windowpane", "cabinet", "door", "table", "plant", "curtain", "chair",
        "painting", "sofa", "shelf", "mirror", "rug", "armchair", "desk", "lamp", "cushion", "fireplace", "pillow",
        "book", "television receiver", "radiator",
    )
])  # fmt: skip
SHELL = ("wall", "floor", "ceiling")  # all other classes are things
# How a part lies: its plane is z (faces us), x (along a side wall) or y (level) = constant.
FACING, SIDEWAYS, LEVEL = range(3)

Array = np.ndarray
WALLS = ("us", "right", "left")  # where the back wall, the left wall and the right wall look
NEAR = 0.35  # m; nothing closer to the camera is drawn


@dataclass(frozen=True)
class Camera:
    """A camera at (x, y, 0) that looks along z: one-point perspective. Metres; x to the right, y upwards.

    Args:
        x, y: where it stands. focal: its focal length, in sides of the picture.
        right, down: where the vanishing point lies in the picture, shares of its side.
    """

    x: float
    y: float
    focal: float
    right: float
    down: float

    def rays(self, size: int) -> tuple[Array, Array]:
        """Directions through the pixels' centres for each metre of depth: to the right [size], upwards [size]."""
        centres = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
        return (
            (centres - np.float32(self.right)) / np.float32(self.focal),
            (np.float32(self.down) - centres) / np.float32(self.focal),
        )

    def column(self, x: float, z: float) -> float:
        """Where (x, z) is seen, in shares of the picture's width."""
        return self.right + self.focal * (x - self.x) / z

    def row(self, y: float, z: float) -> float:
        """Where (y, z) is seen, in shares of the picture's height."""
        return self.down - self.focal * (y - self.y) / z


@dataclass(frozen=True)
class Spot:
    """A place with a front: coordinates `a` along it, `o` out of it towards its front.

    Args:
        towards: where its front looks: "us", "away", "right" (at the left wall) or "left".
        along, base: place of a = 0 and o = 0: x and z for "us" and "away", z and x for "right" and "left".
    """

    towards: str
    along: float
    base: float

    def box(self, a0: float, a1: float, o0: float, o1: float) -> tuple[float, float, float, float]:
        """x0, x1, z0, z1 of a footprint."""
        if self.towards == "us":
            return self.along + a0, self.along + a1, self.base - o1, self.base - o0
        if self.towards == "away":
            return self.along - a1, self.along - a0, self.base + o0, self.base + o1
        if self.towards == "right":
            return self.base + o0, self.base + o1, self.along + a0, self.along + a1
        return self.base - o1, self.base - o0, self.along - a1, self.along - a0

    def moved(self, a: float = 0.0, o: float = 0.0) -> "Spot":
        x0, _, z0, _ = self.box(a, a, o, o)
        return Spot(self.towards, *((x0, z0) if self.towards in ("us", "away") else (z0, x0)))


class Space(Dice):
    """Parts in a room.

    Attributes:
        camera: who looks.
        parts: one row a part: how it lies, its plane, from and to along its first and its second axis (x and y,
            z and y, or x and z), outline, class, material, instance (0: none).
        blocks: x0, x1, y0, y1, z0, z1 and instance of what throws shadows.
        lamps: places of the lights, (x, y, z).
    """

    space: ClassVar[LabelSpace] = ROOMS_25

    def __init__(self, camera: Camera):
        self.camera = camera
        self.parts: list[tuple] = []
        self.blocks: list[tuple] = []
        self.lamps: list[tuple[float, float, float]] = []
        self._things = self._thing = 0
        self._label = ""

    @cached_property
    def labels(self) -> Array:
        index = {name: i for i, name in enumerate(self.space.names)}
        return np.array([index[part[7]] for part in self.parts])

    @cached_property
    def materials(self) -> list[str]:
        return [part[8] for part in self.parts]

    @cached_property
    def things(self) -> Array:
        return np.array([part[9] for part in self.parts])

    def begin(self, label: str) -> None:
        """All that follows belongs to a new instance of this class, or to the room's shell."""
        self._label = label
        self._things += label not in SHELL
        self._thing = 0 if label in SHELL else self._things

    def part(self, lies: int, plane: float, p0: float, p1: float, q0: float, q1: float, material: str,
             outline: str = "box") -> None:  # fmt: skip
        self.parts.append((lies, plane, p0, p1, q0, q1, outline, self._label, material, self._thing))

    def block(self, spot: Spot, a0: float, a1: float, y0: float, y1: float, o0: float, o1: float) -> None:
        """Something that throws shadows, of the instance at hand."""
        x0, x1, z0, z1 = spot.box(a0, a1, o0, o1)
        self.blocks.append((x0, x1, y0, y1, z0, z1, self._thing))

    def box(self, spot: Spot, a0: float, a1: float, y0: float, y1: float, o0: float, o1: float, material: str,
            front: str | None = None, top: str | None = None, outline: str = "box") -> None:  # fmt: skip
        """A box with the faces that the camera sees. front: material of the face towards the spot's front.

        outline: of the faces that stand upright.
        """
        camera = self.camera
        x0, x1, z0, z1 = spot.box(a0, a1, o0, o1)
        z0, z1 = max(z0, NEAR), max(z1, NEAR + 0.01)
        front = material if front is None else front
        towards = spot.towards
        self.part(FACING, z0, x0, x1, y0, y1, front if towards == "us" else material, outline)
        if camera.x < x0:
            self.part(SIDEWAYS, x0, z0, z1, y0, y1, front if towards == "left" else material, outline)
        elif camera.x > x1:
            self.part(SIDEWAYS, x1, z0, z1, y0, y1, front if towards == "right" else material, outline)
        inset = 0.0 if outline == "box" else 0.12
        a, b = inset * (x1 - x0), inset * (z1 - z0)
        if y1 < camera.y:
            self.part(LEVEL, y1 - 0.1 * inset, x0 + a, x1 - a, z0 + b, z1 - b, material if top is None else top)
        elif y0 > camera.y:
            self.part(LEVEL, y0, x0 + a, x1 - a, z0 + b, z1 - b, material)

    def panel(self, spot: Spot, a0: float, a1: float, y0: float, y1: float, o: float, material: str,
              outline: str = "box") -> None:  # fmt: skip
        """A flat piece parallel to the wall, `o` in front of it."""
        x0, x1, z0, z1 = spot.box(a0, a1, o, o)
        if spot.towards in ("us", "away"):
            self.part(FACING, z0, x0, x1, y0, y1, material, outline)
        else:
            self.part(SIDEWAYS, x0, max(z0, NEAR), z1, y0, y1, material, outline)

    def upright(
        self, x: float, z: float, width: float, y0: float, y1: float, material: str, outline: str = "box"
    ) -> None:
        """Something round that looks the same from all sides."""
        self.part(FACING, max(z, NEAR), x - width / 2, x + width / 2, y0, y1, material, outline)

    def draw(self, height: int) -> Drawing:
        """The parts, whatever is nearest in front, for layouts of `height` px."""
        size = drawn_height(height)
        camera = self.camera
        right, up = camera.rays(size)
        canvas = np.zeros((size, size), np.int32)
        near = np.zeros((size, size), np.float32)  # 1 / depth of what is drawn
        for number, (lies, plane, p0, p1, q0, q1, outline, *_) in enumerate(self.parts):
            window = _window(camera, size, lies, plane, p0, p1, q0, q1)
            if window is None:
                continue
            top, bottom, left, far_right = window
            drawn = near[top:bottom, left:far_right]
            x, y = right[left:far_right][None], up[top:bottom, None]
            inverse: Array | np.float32
            if lies == FACING:
                inverse = np.float32(1 / plane)
                seen = drawn < inverse
            elif lies == SIDEWAYS:
                inverse = x / np.float32(plane - camera.x)
                seen = drawn < inverse
                seen &= y >= np.float32(q0 - camera.y) * inverse
                seen &= y <= np.float32(q1 - camera.y) * inverse
            else:
                inverse = y / np.float32(plane - camera.y)
                seen = drawn < inverse
                seen &= x >= np.float32(p0 - camera.x) * inverse
                seen &= x <= np.float32(p1 - camera.x) * inverse
            if outline != "box":
                first = (1 / inverse if lies == SIDEWAYS else camera.x + x / inverse) - p0
                second = q1 - (1 / inverse if lies == LEVEL else camera.y + y / inverse)
                seen &= within(outline, first / np.float32(p1 - p0), second / np.float32(q1 - q0))
            np.copyto(canvas[top:bottom, left:far_right], number, where=seen)
            np.copyto(drawn, inverse, where=seen)
        return Drawing(canvas)


def _window(camera: Camera, size: int, lies: int, plane: float, p0: float, p1: float, q0: float,
            q1: float) -> tuple[int, int, int, int] | None:  # fmt: skip
    """Rows and columns that a part may take; None if it is out of sight."""
    if lies == FACING:
        columns = camera.column(p0, plane), camera.column(p1, plane)
        rows = camera.row(q1, plane), camera.row(q0, plane)
    elif lies == SIDEWAYS:
        columns = camera.column(plane, p0), camera.column(plane, p1)
        rows = (min(camera.row(q1, p0), camera.row(q1, p1)), max(camera.row(q0, p0), camera.row(q0, p1)))
    else:
        columns = (min(camera.column(p0, q0), camera.column(p0, q1)), max(camera.column(p1, q0), camera.column(p1, q1)))
        rows = camera.row(plane, q0), camera.row(plane, q1)
    left, right = _centres(columns, size)
    top, bottom = _centres(rows, size)
    return (top, bottom, left, right) if right > left and bottom > top else None


def _centres(ends: tuple[float, float], size: int) -> tuple[int, int]:
    """First and last + 1 of the pixels whose centres lie between two places in the picture."""
    low, high = min(ends) * size, max(ends) * size
    return max(int(low + 0.5), 0), min(int(high + 0.5), size)
