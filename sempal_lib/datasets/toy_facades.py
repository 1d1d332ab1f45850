"""toy-facades: procedural house façades, seen from the front."""

from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sempal_lib.datasets.scenes import SceneDataset
from sempal_lib.datasets.toy_facades_house import House
from sempal_lib.datasets.toy_facades_kinds import ARCH, BOX, CMP_12, CURVED, DISC, GABLE, SEGMENT
from sempal_lib.datasets.toy_facades_painting import paint
from sempal_lib.datasets.toy_facades_style import Style

SPLITS = {"train": 506, "val": 100}  # CMP Facades has 606 in all


class ToyFacades(SceneDataset):
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
    default_size: ClassVar[tuple[int, int]] = (128, 128)

    def __init__(self, split: str = "train", size=(128, 128), seed: int = 0, length: int | None = None):
        if split not in SPLITS:
            raise ValueError(f"toy-facades has no split {split!r}: choose one of {', '.join(SPLITS)}")
        height, width = size
        if width != height or height < 16 or height % 8:
            raise ValueError(
                f"toy-facades cannot be made at {height}×{width}: height and width must be equal, "
                f"and a multiple of 8 from 16 up, for example 128×128"
            )
        if length is not None and length < 1:
            raise ValueError(f"toy-facades with {length} scenes: give a length of 1 or more, or None")
        self.split, self.size, self.seed = split, (int(height), int(width)), seed
        self.length = SPLITS[split] if length is None else length

    def __len__(self) -> int:
        return self.length

    def layout(self, index: int) -> Tensor:
        """Classes only, uint8 [H, W]; the picture is not painted."""
        house = self._house(index)
        canvas, _ = draw(house, self.size[0])
        return torch.from_numpy(house.parts[:, 5].astype(np.uint8).take(sample(canvas, self.size[0])))

    def __getitem__(self, index: int) -> dict:
        house = self._house(index)
        canvas, behind = draw(house, self.size[0])
        rng = np.random.default_rng(self._state(index, 1))
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

    def _state(self, index: int, stream: int) -> list[int]:
        if not -self.length <= index < self.length:
            raise IndexError(f"scene {index} of {self.length}")
        return [self.seed, list(SPLITS).index(self.split), index % self.length, stream]

    def _house(self, index: int) -> House:
        return House(np.random.default_rng(self._state(index, 0)))


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


def sample(canvas: np.ndarray, height: int) -> np.ndarray:
    """Nearest samples of a drawing at the centres of `height` × `height` pixels."""
    size = len(canvas)
    step, rest = divmod(size, height)
    if not rest:
        return canvas[step // 2 :: step, step // 2 :: step]
    places = (2 * np.arange(height) + 1) * size // (2 * height)
    return canvas[places[:, None], places]
