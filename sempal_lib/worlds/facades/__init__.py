"""toy-facades: procedural house façades, seen from the front."""

from typing import ClassVar

import numpy as np

from sempal_lib.worlds.engine import Drawing, FlatPicture, Painted, World
from sempal_lib.worlds.facades.fittings import FITTINGS, rail_gaps
from sempal_lib.worlds.facades.house import House
from sempal_lib.worlds.facades.kinds import CMP_12
from sempal_lib.worlds.facades.style import HouseStyle
from sempal_lib.worlds.facades.surfaces import SURFACES

PAINTERS = {painter.__name__: painter for painter in (*SURFACES, *FITTINGS)}


class ToyFacades(World):
    """House façades with the 12 classes of CMP Facades, made on the fly from a seed.

    Splits: "train" (506 scenes) and "val" (100). Sizes: W = H, a multiple of 8 from 16 up. Instances: windows,
    doors, balconies and shops. Style: see `HouseStyle`.
    Source: the classes are those of the CMP Facade Database. Chapter: Layouts and palettes.
    """

    name = "toy-facades"
    label_space = CMP_12
    splits: ClassVar[dict[str, int]] = {"train": 506, "val": 100}  # CMP Facades has 606 in all
    default_size: ClassVar[tuple[int, int]] = (128, 128)
    step, least = 8, 16

    def compose(self, rng: np.random.Generator) -> House:
        return House(rng)

    def paint(self, scene: House, drawing: Drawing, height: int, rng: np.random.Generator) -> Painted:
        picture = FlatPicture(scene, HouseStyle.sample(rng, scene.kind), drawing, height, rng)
        picture.look_through({"rail": rail_gaps})
        return picture.developed(PAINTERS)
