"""Flat scenes: parts as boxes with outlines, one before the other, and their pictures, lit by how far they stand out.

Lengths are in heights of the picture: x from 0 left to the aspect right, y from 0 at the top to 1.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from sempal_lib.labels import LabelSpace
from sempal_lib.worlds.engine.canvas import Drawing, drawn_height
from sempal_lib.worlds.engine.dice import Dice
from sempal_lib.worlds.engine.light import bend_over, on_relief, pooled
from sempal_lib.worlds.engine.noise import TILE, grain
from sempal_lib.worlds.engine.outlines import Outline, mask
from sempal_lib.worlds.engine.picture import Painted, Patch, Picture

Array = np.ndarray
Box = tuple[float, float, float, float]  # left, top, right, bottom


class FlatScene(Dice):
    """Parts from back to front. A world's scene adds them, by chances of its own, then calls `finish`.

    Attributes:
        space: its classes. aspect: width over height, whole. see_through: materials that come last and have gaps.
        labels, things: class and instance (0: none) of each part, [parts]. materials, outlines: tuples [parts].
        box: left, top, right, bottom, [parts, 4]. relief: 1/256 of the picture in front of the ground, [parts].
        rails: how many of the last parts one can see through.
    """

    space: ClassVar[LabelSpace]
    aspect: ClassVar[int] = 1
    see_through: ClassVar[tuple[str, ...]] = ()

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng)
        self._solid: list[tuple] = []
        self._airy: list[tuple] = []
        self.instances = 0

    def add(self, label: str, material: str, box: Box, relief: float = 0.0, outline: Outline = "box",
            thing: int = 0) -> None:  # fmt: skip
        """Put a part in front of all before it."""
        (self._airy if material in self.see_through else self._solid).append(
            (label, material, box, relief, outline, thing)
        )

    def polygon(self, label: str, material: str, points, relief: float = 0.0, thing: int = 0) -> None:
        """The same for a polygon, [N, 2]; see `curve` for round ones."""
        points = np.asarray(points, float)
        low, high = points.min(axis=0), points.max(axis=0)
        shares = tuple(map(tuple, ((points - low) / np.maximum(high - low, 1e-9)).tolist()))
        self.add(label, material, (*low.tolist(), *high.tolist()), relief, shares, thing)

    def thing(self) -> int:
        """Number of a new instance."""
        self.instances += 1
        return self.instances

    def finish(self) -> None:
        index = {name: i for i, name in enumerate(self.space.names)}
        labels, self.materials, boxes, relief, self.outlines, things = zip(*self._solid, *self._airy, strict=True)
        self.labels = np.array([index[label] for label in labels])
        self.box, self.relief, self.things = np.array(boxes, np.float64), np.array(relief, float), np.array(things)
        self.rails = len(self._airy)

    def draw(self, height: int) -> Drawing:
        """The parts from back to front, for layouts of `height` px."""
        size = drawn_height(height)
        canvas = np.zeros((size, self.aspect * size), np.int32)
        corners = (self.box * size).round().astype(int)
        behind, first_rail = canvas, len(corners) - self.rails
        inner = zip(np.maximum(corners, 0).tolist(), self.outlines, strict=True)
        for number, ((left, top, right, bottom), outline) in enumerate(inner):
            if number == first_rail:
                behind = canvas.copy()
            if outline == "box":
                canvas[top:bottom, left:right] = number
            elif right > left and bottom > top:
                x, y, far, low = corners[number].tolist()
                box = canvas[top:bottom, left:right]
                inside = mask(outline, low - y, far - x)[top - y :, left - x :]
                box[inside[: box.shape[0], : box.shape[1]]] = number
        return Drawing(canvas, behind=behind)


class FlatPicture(Picture):
    """Attributes beside those of a picture:

    glow: share of a sample's brightness that is its own, [N]. relief: how far it stands out, 1/256, [N].
    detail: 1 where the finest patterns can be seen, towards 0 in small pictures, where they would flicker.
    starts, spans: left and top, width and height of the parts, [2, parts].
    """

    def __init__(self, scene: Any, style: Any, drawing: Drawing, height: int, rng: np.random.Generator):
        super().__init__(scene, style, drawing.at(2 * height), rng)
        self.drawing = drawing
        self.glow = np.zeros(len(self.part), np.float32)
        self.detail = float(np.clip(self.height / 128 - 0.6, 0, 1))
        box = scene.box.astype(np.float32)
        self.starts = np.ascontiguousarray(box[:, :2].T)
        self.spans = np.ascontiguousarray(np.maximum(box[:, 2:] - box[:, :2], 1e-4).T)

    def look_through(self, gaps: Mapping[str, Callable[["FlatPatch"], Array]]) -> None:
        """Show what is behind see-through parts where their material's `gaps`, of a patch of them, say so."""
        if self.drawing.behind is None or not self.scene.rails:
            return
        behind, shown = Drawing(self.drawing.behind).at(self.height).ravel(), self.seen.copy()
        for material, gap in gaps.items():
            through = np.array([one == material for one in self.scene.materials])
            places = np.flatnonzero(through.take(self.seen))
            places = places[gap(FlatPatch(self, places))]
            shown[places] = behind[places]
        self.part = shown

    def developed(self, painters: Mapping[str, Callable[["FlatPatch"], None]]) -> Painted:
        """Paint, light and pool: what `World.paint` returns."""
        self.relief = self.scene.relief.astype(np.float32).take(self.part)
        self.fill(painters, FlatPatch)
        shape = self.height, self.width
        sky, sun = on_relief(self.relief.reshape(shape), self.style)
        own = self.glow.reshape(shape)  # the sky and panes shine by themselves
        image = np.empty((3, self.height // 2, self.width // 2), np.float32)
        for channel in range(3):
            light = self.style.skylight[channel] * sky + self.style.sunlight[channel] * sun
            light += own - light * own
            image[channel] = pooled(light * self.paint[channel].reshape(shape))
        image += 0.03 * grain(self.height // 2, self.width // 2, self.shift)
        image = np.clip(2 * bend_over(image, 0.8, 5) - 1, -1, 1)
        return image, self.style.factors(), self.class_colors()


class FlatPatch(Patch):
    """Beside what every patch has: x, y, the place in the picture."""

    axes, fine = ("x", "y"), TILE

    def __init__(self, picture: FlatPicture, places: Array):
        super().__init__(picture, places)
        rows, columns = np.divmod(places.astype(np.int32), np.int32(picture.width))
        self.x = (columns + np.float32(0.5)) * np.float32(1 / picture.height)
        self.y = (rows + np.float32(0.5)) * np.float32(1 / picture.height)

    def find(self, name: str) -> Array:
        if name in ("w", "h"):
            return self.picture.spans["wh".index(name)].take(self.part)
        if name == "u":
            return (self.x - self.picture.starts[0].take(self.part)) / self.w
        if name == "v":
            return (self.y - self.picture.starts[1].take(self.part)) / self.h
        raise AttributeError(name)

    def rim(self, across: float, down: float) -> Array:
        """Whether samples lie within so much of the sides, or of the upper and lower edge, of the part's box."""
        return (np.minimum(self.u, 1 - self.u) * self.w < across) | (np.minimum(self.v, 1 - self.v) * self.h < down)

    def outlined(self, outline: Outline) -> Array:
        """Whether samples belong to parts with this outline."""
        return np.array([one == outline for one in self.scene.outlines]).take(self.part)

    def raise_by(self, amount: Array | float) -> None:
        """Let the samples stand out further, 1/256 of the picture, for the light to catch."""
        self.picture.relief[self.places] += amount

    def shine(self, amount: Array | float) -> None:
        """Share of the samples' brightness that is their own, 0 to 1."""
        self.picture.glow[self.places] = amount


def bulge(u: Array, v: Array) -> Array:
    """How far a round thing stands out at a place in its box: 1 in the middle, 0 at the edge of a disc and beyond."""
    return np.sqrt(np.maximum(1 - (2 * u - 1) ** 2 - (2 * v - 1) ** 2, 0))
