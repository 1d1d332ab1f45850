"""Pictures in the making: samples, their materials, and the patches that painters colour."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from sempal_lib.worlds.engine.noise import TILE, noise
from sempal_lib.worlds.engine.patterns import class_means

Array = np.ndarray
LOOKS = ("look", "second", "third")
Painted = tuple[Array, dict[str, Any], Array]  # picture, factors and class colours, as `World.paint` gives them


class Picture:
    """Flat arrays over a picture's samples, four a pixel.

    Args:
        scene: with `space`, `labels` and `materials` (names) of its parts. style: its looks.
        canvas: each sample's part, integers [2H, 2W]. rng: of the chances below.
    Attributes:
        part: number of each sample's part. seen: the same where one does not look through. height, width: samples.
        paint: colours before light, [3, N]. looks: three chances a part, [3, parts].
        shift: where in the noise this picture lies, 0 to TILE².
    """

    def __init__(self, scene: Any, style: Any, canvas: Array, rng: np.random.Generator):
        self.scene, self.style = scene, style
        self.height, self.width = canvas.shape
        self.seen = self.part = canvas.ravel()
        self.looks = rng.random((len(LOOKS), len(scene.labels)), dtype=np.float32)
        self.shift = int(float(rng.random()) * TILE * TILE)
        self.paint = np.zeros((3, len(self.part)), np.float32)

    def fill(self, painters: Mapping[str, Callable[[Any], None]], patch: Callable[[Any, Array], Any]) -> None:
        """Let each material's painter colour the patch of its samples."""
        number = {name: i for i, name in enumerate(painters)}
        material = np.array([number[name] for name in self.scene.materials], np.uint8).take(self.part)
        order = np.argsort(material, kind="stable")
        ends = np.cumsum(np.bincount(material, minlength=len(painters))).tolist()
        for painter, start, end in zip(painters.values(), [0, *ends], ends, strict=False):
            if end > start:
                painter(patch(self, order[start:end]))

    def class_colors(self) -> Array:
        """Each class's mean paint over what is seen of it, float32 [C, 3], 0 to 1."""
        classes = self.scene.space.num_classes
        return np.clip(class_means(self.scene.labels.take(self.seen), self.paint, classes), 0, 1)


class Patch:
    """The samples of one material. Coordinates are gathered when they are asked for.

    Attributes:
        places: of the samples in the picture, [P]. part: number of each one's part.
        look, second, third: the part's chances. u, v: place in the part, 0 to 1, to the right and downwards.
        w, h: the part's size. border: distance to the edge of the part's box.
    A kind of patch adds in `find` what it has besides, and says along which two coordinates its noise lies, how
    many samples of noise are one unit of them, and by how many each part's noise is moved.
    """

    axes: ClassVar[tuple[str, str]]
    fine: ClassVar[float]
    apart: ClassVar[int] = 0

    def __init__(self, picture: Any, places: Array):
        self.picture, self.scene, self.style, self.places = picture, picture.scene, picture.style, places
        self.part = picture.part.take(places)

    def __getattr__(self, name: str) -> Any:
        if name in LOOKS:
            value = self.picture.looks[LOOKS.index(name)].take(self.part)
        elif name == "border":
            value = np.minimum(np.minimum(self.u, 1 - self.u) * self.w, np.minimum(self.v, 1 - self.v) * self.h)
        else:
            value = self.find(name)
        setattr(self, name, value)
        return value

    def find(self, name: str) -> Any:
        raise AttributeError(name)

    def noise(self, across: float = 1.0, down: float = 1.0, kind: str = "smooth") -> Array:
        """Noise at the samples; higher numbers make it finer along that axis. kind: "smooth" or "white"."""
        shift, (first, second) = self.picture.shift, (getattr(self, axis) for axis in self.axes)
        column = (first * np.float32(self.fine * across)).astype(np.int32) + shift
        row = (second * np.float32(self.fine * down)).astype(np.int32) + (shift >> 8)
        if self.apart:
            row += self.part * self.apart
        return noise(kind).take(((row & 255) << 8) + (column & 255))

    def white(self) -> Array:
        """Independent values, one a sample at full size."""
        return self.noise(kind="white")

    def chance(self, row: Array, column: Array) -> Array:
        """A chance for each cell of a pattern."""
        cell = row.astype(np.int32) * 73 + column.astype(np.int32) * 9277 + self.picture.shift
        return noise("white").take(cell & 65535)

    def set(self, color, shade: Array | float = 1.0) -> None:
        """Colour the patch. color: [3], numbers or arrays over the samples. shade: factor."""
        for channel in range(3):
            self.picture.paint[channel, self.places] = color[channel] * shade

    def gloss(self, amount: Array | float) -> None:
        """How much of the light the samples mirror, 0 to 1; where a picture knows no gloss, nothing."""


def plain(name: str, color, base: float, smooth: float = 0.0, fine: tuple[float, float] = (1.0, 1.0),
          white: float = 0.0, gloss: float = 0.0) -> Callable[[Patch], None]:  # fmt: skip
    """A painter of one colour with some noise.

    Args:
        name: of the material. color: a paint, or the name of the style's factor. base: its shade.
        smooth, white: how much of either noise is added to the shade; fine: how fine the smooth one is, both ways.
    """

    def painter(patch: Patch) -> None:
        shade = base + smooth * patch.noise(*fine)
        paint = getattr(patch.style, color) if isinstance(color, str) else color
        patch.set(paint, shade + white * patch.white() if white else shade)
        patch.gloss(gloss)

    painter.__name__ = name
    return painter
