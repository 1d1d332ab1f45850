"""toy-fashion: procedural people in clothes, in a studio."""

from typing import ClassVar

import numpy as np

from sempal_lib.label_spaces_of_people import FASHION_16
from sempal_lib.worlds.engine import Drawing, FlatPicture, Painted, World
from sempal_lib.worlds.fashion.outfit import Outfit
from sempal_lib.worlds.fashion.style import CLOTHS, FashionStyle
from sempal_lib.worlds.fashion.surfaces import SURFACES

PAINTERS = {painter.__name__: painter for painter in SURFACES}


class ToyFashion(World):
    """People standing in a studio, with the 16 classes of DeepFashion's parser, made on the fly from a seed.

    Splits: "train" (1,000 scenes) and "val" (200). Sizes: W = H, a multiple of 8 from 16 up. Instances: each shoe,
    bag, hat and pair of glasses. Style: see `FashionStyle`.
    Source: number and colours of the classes are those of CLVAE's DeepFashion; their names are ours. Chapter: Many
    pictures from one layout.
    """

    name = "toy-fashion"
    label_space = FASHION_16
    splits: ClassVar[dict[str, int]] = {"train": 1000, "val": 200}
    default_size: ClassVar[tuple[int, int]] = (128, 128)
    step, least = 8, 16
    known: ClassVar[dict[str, dict[str, str]]] = {
        **{name: {what: f"{name}_{what}" for what in ("color", "pattern", "second")} for name in CLOTHS},
        "background": {"color": "background_color", "pattern": "backdrop"},
        **{name: {"color": f"{name}_color"} for name in ("hair", "shoes", "belt", "glasses")},
        **{name: {"color": "skin_color"} for name in ("face", "arms", "legs")},
    }

    def compose(self, rng: np.random.Generator) -> Outfit:
        return Outfit(rng)

    def paint(self, scene: Outfit, drawing: Drawing, height: int, rng: np.random.Generator) -> Painted:
        style = FashionStyle.sample(rng, scene.kind)
        return FlatPicture(scene, style, drawing, height, rng).developed(PAINTERS)
