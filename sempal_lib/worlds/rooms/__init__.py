"""toy-rooms: procedural furnished rooms, in one-point perspective."""

from math import atan2, degrees
from typing import ClassVar

import numpy as np

from sempal_lib.worlds.engine import Drawing, Painted, World
from sempal_lib.worlds.rooms.fittings import FITTINGS
from sempal_lib.worlds.rooms.furnishing import furnished
from sempal_lib.worlds.rooms.light import expose
from sempal_lib.worlds.rooms.picture import RoomPatch, RoomPicture
from sempal_lib.worlds.rooms.room import Room
from sempal_lib.worlds.rooms.space import FACING, ROOMS_25
from sempal_lib.worlds.rooms.style import RoomStyle
from sempal_lib.worlds.rooms.surfaces import SURFACES

PAINTERS = {painter.__name__: painter for painter in (*SURFACES, *FITTINGS)}


class ToyRooms(World):
    """Bedrooms, living rooms, dining rooms and studies with 25 classes of ADE20K, made on the fly from a seed.

    Splits: "train" (1,000 scenes) and "val" (200). Sizes: W = H, a multiple of 8 from 16 up. Instances: all but
    wall, floor and ceiling. Style: see `RoomStyle`.
    Source: names and colours of the classes are those of ADE20K. Chapter: Painting by layout.
    """

    name = "toy-rooms"
    label_space = ROOMS_25
    splits: ClassVar[dict[str, int]] = {"train": 1000, "val": 200}
    default_size: ClassVar[tuple[int, int]] = (128, 128)
    step, least = 8, 16
    known: ClassVar[dict[str, dict[str, str]]] = {
        **{name: {"color": f"{name}_color", "pattern": name} for name in ("wall", "floor", "sofa", "armchair", "rug")},
        "bed": {"color": "blanket_color", "pattern": "blanket"},
        **{name: {"color": f"{name}_color"} for name in ("ceiling", "curtain", "cabinet", "door")},
    }

    def compose(self, rng: np.random.Generator) -> Room:
        return furnished(rng)

    def paint(self, scene: Room, drawing: Drawing, height: int, rng: np.random.Generator) -> Painted:
        # Azimuths straight out of the windows, degrees from straight ahead.
        sides = [0.0 if lies == FACING else degrees(atan2(np.sign(plane), 0.0)) for lies, plane, *_ in scene.windows]
        style = RoomStyle.sample(rng, scene.kind, tuple(sides))
        picture = RoomPicture(scene, style, drawing.at(2 * height), rng)
        picture.fill(PAINTERS, RoomPatch)
        return expose(picture), style.factors(), picture.class_colors()
