"""toy-crossview: a procedural town, seen from a street in it and from above."""

from typing import ClassVar

import numpy as np
import torch

from sempal_lib.worlds.crossview.kinds import KINDS, TOWN_15
from sempal_lib.worlds.crossview.picture import Looks, Picture
from sempal_lib.worlds.crossview.style import Place
from sempal_lib.worlds.crossview.town import Town
from sempal_lib.worlds.engine import World

__all__ = ["KINDS", "TOWN_15", "ToyCrossview"]


class ToyCrossview(World):
    """Places of ten kinds from a street and from the air, with 15 classes, made on the fly from a seed.

    A scene is a town in metres; both pictures, both layouts and the shadows are drawn from its parts. The picture is
    the one from the street; "view", {"image", "layout", "instances"}, is 72 m of the town from straight above, its
    top where the camera looks, the camera in the middle of its breadth, a sixth of its height above its lower edge.
    Splits: "train" (2,000 scenes) and "val" (400). Sizes: W = H, a multiple of 8 from 16 up. Instances: people, boats
    and what drives. Style: see `Place`; its first factor is the kind of the place, of KINDS.
    Source: names and colours of classes are those of Cityscapes, but for water and boats.
        Chapter: From the air to the ground.
    """

    name = "toy-crossview"
    label_space = TOWN_15
    splits: ClassVar[dict[str, int]] = {"train": 2000, "val": 400}
    default_size: ClassVar[tuple[int, int]] = (64, 64)
    step, least = 8, 16
    known: ClassVar[dict[str, dict[str, str]]] = {
        "road": {"color": "asphalt_color"}, "sidewalk": {"color": "paving_color"},
        "building": {"color": "wall_color"}, "vegetation": {"color": "leaf_color"}, "water": {"color": "water_color"},
    }  # fmt: skip

    def compose(self, rng: np.random.Generator) -> Town:
        return Town(rng)

    def __getitem__(self, index: int) -> dict:
        town, height, rng = self.compose(self.random(index, 0)), self.size[0], self.random(index, 1)
        style = Place.sample(rng, town.number)
        looks = Looks(town, style, rng)
        ground, aerial = (Picture(looks, town.sight(view, height), height) for view in ("ground", "aerial"))
        colors = torch.from_numpy(ground.class_colors())
        return {**ground.item(), "style": {**style.factors(), "class_colors": colors}, "view": aerial.item()}
