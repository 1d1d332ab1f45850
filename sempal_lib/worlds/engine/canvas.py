"""Drawings: canvases that hold for each place the number of the part that is seen there, and their samples."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE = 256  # px; least height of a drawing


def drawn_height(height: int) -> int:
    """Height of the drawing for layouts of `height` px: SIDE up to half of it, so that these sample one drawing."""
    return max(SIDE, 2 * height)


@dataclass
class Drawing:
    """A drawing of a scene's parts.

    Args:
        canvas: integers [R, aR]; a, the aspect, is whole.
        numbers: of the parts that the canvas's values stand for; None: these are the numbers.
        behind: the canvas before the parts that one can see through; None: there are none.
    """

    canvas: np.ndarray
    numbers: np.ndarray | None = None
    behind: np.ndarray | None = None

    def at(self, height: int) -> np.ndarray:
        """Numbers of the parts at the centres of pixels, [height, a · height]."""
        seen = sample(self.canvas, height)
        return seen if self.numbers is None else self.numbers.take(seen)

    def of(self, values: np.ndarray, height: int) -> np.ndarray:
        """What the parts there have of `values`, [parts]; the same as values.take(self.at(height)), but faster."""
        return (values if self.numbers is None else values.take(self.numbers)).take(sample(self.canvas, height))


def sample(canvas: np.ndarray, height: int) -> np.ndarray:
    """Nearest samples of a drawing at its pixels' centres.

    Args:
        canvas: [R, aR]; a, the aspect, is whole.
        height: of the result, px.
    Returns:
        [height, a · height].
    """
    size, wide = canvas.shape
    step, rest = divmod(size, height)
    if not rest:
        return canvas[step // 2 :: step, step // 2 :: step]
    places = (2 * np.arange(height * wide // size) + 1) * size // (2 * height)
    return canvas[places[:height, None], places]


def fill(image: Image.Image, corners: np.ndarray, counts: np.ndarray, order: np.ndarray, inks: list[int]) -> None:
    """Fill polygons one over the other.

    Args:
        image: is drawn on. corners: (column, row) of all polygons' corners, one after the other, [C, 2].
        counts: corners of each polygon, [N]. order: the polygons to be filled, the last one on top. inks: of these.
    """
    ends = np.cumsum(counts)
    starts = ends - counts
    polygon, numbers = ImageDraw.Draw(image).polygon, corners.ravel().tolist()
    spans = zip((2 * starts[order]).tolist(), (2 * ends[order]).tolist(), inks, strict=True)
    for start, end, ink in spans:
        polygon(numbers[start:end], fill=ink)
