"""toy-street: a procedural town seen from a car."""

from typing import ClassVar

import numpy as np

from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.worlds.engine import Drawing, Painted, World
from sempal_lib.worlds.street.painting import paint
from sempal_lib.worlds.street.town import Town
from sempal_lib.worlds.street.weather import Weather


class ToyStreet(World):
    """Street scenes with the 19 Cityscapes training classes, made on the fly from a seed.

    A scene is a town in metres. Splits: "train" (2,975 scenes) and "val" (500). Sizes: W = 2H, H a multiple of 4
    from 4 up. Instances: people and what moves. Style: see `Weather`.
    Chapter: Layouts and palettes.
    """

    name = "toy-street"
    label_space = CITYSCAPES_19
    splits: ClassVar[dict[str, int]] = {"train": 2975, "val": 500}  # as many as Cityscapes has
    default_size: ClassVar[tuple[int, int]] = (64, 128)
    step, least = 4, 4

    def compose(self, rng: np.random.Generator) -> Town:
        return Town(rng)

    def paint(self, scene: Town, drawing: Drawing, height: int, rng: np.random.Generator) -> Painted:
        weather = Weather.sample(rng)
        image, class_colors = paint(scene, weather, rng, drawing.at(2 * height))
        return image, weather.factors(), class_colors
