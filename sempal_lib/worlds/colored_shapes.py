"""colored-shapes: the toy set of the paper on SemGAN."""

import numpy as np
import torch
from torch import Tensor

from sempal_lib.labels import label_space_of
from sempal_lib.scenes import SceneDataset

SIZE = 64  # px, height and width
SQUARE = 10  # px
RADIUS = 10  # px, of the circle
RECTANGLE = ((8, 24), (8, 24))  # px, least and most height, least and most width
GRID = SIZE - SQUARE  # places of the square along each axis
SPLITS = ("train", "val")

SHAPES_4 = label_space_of([
    ("background", (0, 0, 0)),
    ("circle", (0, 0, 255)),
    ("rectangle", (0, 255, 0)),
    ("square", (255, 0, 0)),
])  # fmt: skip
BACKGROUND, CIRCLE, RECTANGLE_CLASS, SQUARE_CLASS = range(4)


class ColoredShapes(SceneDataset):
    """2,916 images of a red square, a green rectangle and a blue circle.

    From the paper: 64×64 px; the 10×10 square once at each of 54×54 places; the circle, of radius 10, and the
    rectangle at random places; shapes may overlap, and the circle can hide the square altogether; four classes
    in the order background, circle, rectangle, square.

    The paper leaves open, and we choose:
        the places of the square: left and upper edges at 0 to 53 px (54 would still fit, but makes 55²);
        the rectangle: height and width uniform over 8 to 24 px;
        the order of drawing: square, rectangle, circle, so that the circle is over both;
        the border: circle and rectangle lie wholly inside the image, nothing is cut off;
        the circle's pixels: those whose centre is at most 10 px from its centre, which is a pixel's corner;
        the background: black; the shapes are pure red, green and blue, without smoothing;
        the split: "train" is the whole set; "val" is a second draw of it with other random places.

    Args:
        split: "train" or "val". size: (64, 64), the only one there is. seed: of the random places.
        length: the first so many images, None for all 2,916.
    Items: "image" float32 [3, 64, 64] in [-1, 1]; "layout" int64 [64, 64].
    Raises: ValueError on another split or size. IndexError beyond the length.
    Source: SemGAN, section 5.0.1. Chapter: Layouts and palettes.
    """

    name = "colored-shapes"
    label_space = SHAPES_4

    def __init__(self, split: str = "train", size=None, seed: int = 0, length: int | None = None):
        if split not in SPLITS:
            raise ValueError(f"colored-shapes has no split {split!r}: choose one of {', '.join(SPLITS)}")
        if size is not None and tuple(size) != (SIZE, SIZE):
            raise ValueError(f"colored-shapes is 64×64 by definition, not {size[0]}×{size[1]}: leave the size out")
        if length is not None and not 1 <= length <= GRID**2:
            raise ValueError(f"colored-shapes has {GRID**2} images, {length} were asked for: give 1 to {GRID**2}")
        self.split, self.size, self.seed = split, (SIZE, SIZE), seed
        self.length = GRID**2 if length is None else length
        rng = np.random.default_rng([seed, SPLITS.index(split)])
        n = GRID**2
        # One shuffle of the places, so that the first so many images are no corner of the grid.
        self.squares = np.stack(np.divmod(rng.permutation(n), GRID), axis=1)
        self.circles = rng.integers(RADIUS, SIZE - RADIUS, (n, 2), endpoint=True)
        low, high = np.array(RECTANGLE).T
        self.rectangle_sizes = rng.integers(low, high, (n, 2), endpoint=True)
        self.rectangles = rng.integers(0, SIZE - self.rectangle_sizes, endpoint=True)

    def __len__(self) -> int:
        return self.length

    def layout(self, index: int) -> Tensor:
        """Classes, uint8 [64, 64]."""
        if not -self.length <= index < self.length:
            raise IndexError(f"image {index} of {self.length}")
        index %= self.length
        layout = np.full((SIZE, SIZE), BACKGROUND, np.uint8)
        top, left = self.squares[index]
        layout[top : top + SQUARE, left : left + SQUARE] = SQUARE_CLASS
        (top, left), (height, width) = self.rectangles[index], self.rectangle_sizes[index]
        layout[top : top + height, left : left + width] = RECTANGLE_CLASS
        row, column = np.ogrid[:SIZE, :SIZE]
        y, x = self.circles[index]
        layout[(row + 0.5 - y) ** 2 + (column + 0.5 - x) ** 2 <= RADIUS**2] = CIRCLE
        return torch.from_numpy(layout)

    def __getitem__(self, index: int) -> dict:
        layout = self.layout(index).long()
        image = SHAPES_4.colourise(layout).movedim(-1, 0).float() / 127.5 - 1
        return {"image": image, "layout": layout}
