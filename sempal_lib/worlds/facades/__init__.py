"""toy-facades: procedural house façades, seen from the front."""

from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sempal_lib.worlds.engine.world import ProceduralWorld, sample
from sempal_lib.worlds.facades.house import House
from sempal_lib.worlds.facades.kinds import ARCH, BOX, CMP_12, CURVED, DISC, GABLE, SEGMENT
from sempal_lib.worlds.facades.painting import paint
from sempal_lib.worlds.facades.style import Style


class ToyFacades(ProceduralWorld):
    """House façades with the 12 classes of CMP Facades, made on the fly from a seed.

    A scene does not depend on the picture's size: its layouts at two sizes are samples of one drawing. Every
    pixel has a class.

    Args:
        split: "train" (506 scenes) or "val" (100); the splits share no scene.
        size: (H, W) with W = H a multiple of 8 from 16 up.
        seed: of the whole set. length: number of scenes, None for the split's own.
    Items: "image" float32 [3, H, W] in [-1, 1]; "layout" int64 [H, W]; "instances" int64 [H, W], a number for
        each window, door, balcony and shop, 0 elsewhere; "style", the known factors, see `Style.factors`, and
        "class_colors" float32 [12, 3]: each class's mean paint over what is seen of it, before light, 0 to 1,
        zeros for absent classes.
    Raises: ValueError on a split or size that is none. IndexError beyond the length.
    Source: the classes are those of the CMP Facade Database. Chapter: Layouts and palettes.
    """

    name = "toy-facades"
    label_space = CMP_12
    splits: ClassVar[dict[str, int]] = {"train": 506, "val": 100}  # CMP Facades has 606 in all
    default_size: ClassVar[tuple[int, int]] = (128, 128)
    step, least = 8, 16

    def layout(self, index: int) -> Tensor:
        """Classes only, uint8 [H, W]; the picture is not painted."""
        house = House(self.random(index, 0))
        canvas, _ = draw(house, self.size[0])
        return torch.from_numpy(house.parts[:, 5].astype(np.uint8).take(sample(canvas, self.size[0])))

    def __getitem__(self, index: int) -> dict:
        house = House(self.random(index, 0))
        canvas, behind = draw(house, self.size[0])
        rng = self.random(index, 1)
        style = Style.sample(rng, house.kind)
        image, class_colors = paint(
            house, style, rng, sample(canvas, 2 * self.size[0]), sample(behind, 2 * self.size[0])
        )
        seen = sample(canvas, self.size[0])
        labels, things = house.parts[:, [5, 8]].T.astype(np.int64)
        return {
            "image": torch.from_numpy(image),
            "layout": torch.from_numpy(labels.take(seen)),
            "instances": torch.from_numpy(things.take(seen)),
            "style": {**style.factors(), "class_colors": torch.from_numpy(class_colors)},
        }


def draw(house: House, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a house's parts from back to front.

    Args:
        height: of the layout that will be sampled, px.
    Returns:
        canvas: [R, R], for each pixel the number of its part. R is 256 for layouts up to 128 px, so that all
            sizes sample one drawing, else twice the height.
        behind: the same before the balconies' rails.
    """
    size = 256 if height <= 128 else 2 * height
    canvas = np.zeros((size, size), np.int32)
    corners = (house.parts[:, :4] * size).round().astype(int).tolist()
    outlines = house.parts[:, 4].astype(int).tolist()
    first_rail = len(corners) - house.rails
    behind = canvas
    for number, ((left, top, right, bottom), outline) in enumerate(zip(corners, outlines, strict=True)):
        if number == first_rail:
            behind = canvas.copy()
        left, top = max(left, 0), max(top, 0)
        if outline == BOX:
            canvas[top:bottom, left:right] = number
        elif right > left and bottom > top:
            box = canvas[top:bottom, left:right]
            inside = within(outline, bottom - top, right - left)
            box[inside[: box.shape[0], : box.shape[1]]] = number
    return canvas, behind


@lru_cache(maxsize=4096)
def within(outline: int, height: int, width: int) -> np.ndarray:
    """Which pixels of a box an outline takes, bool [height, width]."""
    y = (np.arange(height)[:, None] + 0.5) / height
    x = np.abs((np.arange(width)[None] + 0.5) / width * 2 - 1)
    if outline == ARCH:
        rise = min(width / 2 / height, 1.0)
        return np.where(y < rise, x**2 + (1 - y / rise) ** 2 <= 1, True)
    if outline == GABLE:
        return x <= y
    if outline == DISC:
        return x**2 + (2 * y - 1) ** 2 <= 1
    if outline == SEGMENT:
        return y >= 0.9 * x**2
    if outline == CURVED:
        return x <= 0.25 + 0.75 * np.maximum(np.sin(3 * np.pi * y) * 0.08 + y**1.5, 0)
    return x <= 1 - 0.35 * height / width * 2 * (1 - y)
