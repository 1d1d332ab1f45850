"""toy-street: a procedural town seen from a car."""

from typing import ClassVar

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.worlds.engine.world import ProceduralWorld, sample
from sempal_lib.worlds.street.painting import paint
from sempal_lib.worlds.street.parts import CORNERS, GRASS, SKY, Parts
from sempal_lib.worlds.street.town import LABEL, Town
from sempal_lib.worlds.street.weather import Weather

CORNER_NUMBERS = np.arange(CORNERS)
# Rows as in `Parts` for what is there before any part: the sky and the bare ground.
BACKGROUND = np.array([[LABEL["sky"], SKY, 0, 0, 0], [LABEL["terrain"], GRASS, 0, 1, 0]], dtype=float)


class ToyStreet(ProceduralWorld):
    """Street scenes with the 19 Cityscapes training classes, made on the fly from a seed.

    A scene is a town in metres and does not depend on the picture's size: its layouts at two sizes are samples
    of one drawing. Every pixel has a class.

    Args:
        split: "train" (2,975 scenes) or "val" (500); the splits share no scene.
        size: (H, W) with W = 2H and H a multiple of 4 from 4 up.
        seed: of the whole set. length: number of scenes, None for the split's own.
    Items: "image" float32 [3, H, W] in [-1, 1]; "layout" int64 [H, W]; "instances" int64 [H, W], 0 where there
        is none; "style", the known factors, see `Weather.factors`, and "class_colors" float32 [19, 3]: each
        class's mean paint over what is seen of it, before light and weather, 0 to 1, zeros for absent classes.
    Raises: ValueError on a split or size that is none. IndexError beyond the length.
    Chapter: Layouts and palettes.
    """

    name = "toy-street"
    label_space = CITYSCAPES_19
    splits: ClassVar[dict[str, int]] = {"train": 2975, "val": 500}  # as many as Cityscapes has
    default_size: ClassVar[tuple[int, int]] = (64, 128)
    step, least = 4, 4

    def layout(self, index: int) -> Tensor:
        """Classes only, uint8 [H, W]; the picture is not painted."""
        parts = Town(self.random(index, 0)).parts
        canvas, drawn = draw(parts, self.size[0])
        labels = np.concatenate([BACKGROUND, parts.rows])[drawn, 0].astype(np.uint8)
        return torch.from_numpy(labels.take(sample(canvas, self.size[0])))

    def __getitem__(self, index: int) -> dict:
        town = Town(self.random(index, 0))
        canvas, drawn = draw(town.parts, self.size[0])
        rng = self.random(index, 1)
        weather = Weather.sample(rng)
        image, class_colors = paint(town, weather, rng, drawn.take(sample(canvas, 2 * self.size[0])))
        seen = sample(canvas, self.size[0])
        labels, things = np.concatenate([BACKGROUND, town.parts.rows])[drawn][:, [0, 4]].T.astype(np.int64)
        return {
            "image": torch.from_numpy(image),
            "layout": torch.from_numpy(labels.take(seen)),
            "instances": torch.from_numpy(things.take(seen)),
            "style": {**weather.factors(), "class_colors": torch.from_numpy(class_colors)},
        }


def draw(parts: Parts, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill the parts' polygons from back to front.

    Args:
        height: of the layout that will be sampled, px.
    Returns:
        canvas: [R, 2R], for each pixel its place in `drawn`. R is 256 for layouts up to 128 px, so that all sizes
            sample one drawing, else twice the height.
        drawn: numbers of the parts in the order of their drawing; 0 is the sky and 1 the bare ground, the
            scene's own parts count from 2.
    """
    size = 256 if height <= 128 else 2 * height
    ends = np.cumsum(parts.corners)
    starts = ends - parts.corners
    flat = parts.camera.project(parts.points[CORNER_NUMBERS < parts.corners[:, None]]) * size - 0.5
    low, high = np.minimum.reduceat(flat, starts), np.maximum.reduceat(flat, starts)
    seen = (low[:, 0] < 2 * size) & (high[:, 0] > 0) & (low[:, 1] < size) & (high[:, 1] > 0)
    order = np.argsort(parts.rows[:, 2], kind="stable")
    order = order[seen[order]]
    # Filling bytes is twice as fast as filling integers, and few scenes show more than 254 parts.
    image = Image.new("L" if len(order) <= 254 else "I", (2 * size, size), 0)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, round(parts.camera.horizon * size), 2 * size, size), fill=1)
    numbers, polygon = flat.ravel().tolist(), pen.polygon
    spans = zip((2 * starts[order]).tolist(), (2 * ends[order]).tolist(), strict=True)
    for ink, (start, end) in enumerate(spans, 2):
        polygon(numbers[start:end], fill=ink)
    return np.asarray(image), np.concatenate([[0, 1], order + 2])
