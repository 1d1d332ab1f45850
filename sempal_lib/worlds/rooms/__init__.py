"""toy-rooms: procedural furnished rooms, in one-point perspective."""

from math import atan2, degrees
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sempal_lib.worlds.engine.world import ProceduralWorld, sample
from sempal_lib.worlds.rooms.kinds import FACING, ROOMS_25
from sempal_lib.worlds.rooms.painting import paint
from sempal_lib.worlds.rooms.room import Room
from sempal_lib.worlds.rooms.space import draw
from sempal_lib.worlds.rooms.style import Style


class ToyRooms(ProceduralWorld):
    """Bedrooms, living rooms, dining rooms and studies with 25 classes of ADE20K, made on the fly from a seed.

    A scene does not depend on the picture's size: its layouts at two sizes are samples of one drawing. Every
    pixel has a class.

    Args:
        split: "train" (1,000 scenes) or "val" (200); the splits share no scene.
        size: (H, W) with W = H a multiple of 8 from 16 up.
        seed: of the whole set. length: number of scenes, None for the split's own.
    Items: "image" float32 [3, H, W] in [-1, 1]; "layout" int64 [H, W]; "instances" int64 [H, W], a number for
        each thing, 0 for wall, floor and ceiling; "style", the known factors, see `Style`, and "class_colors"
        float32 [25, 3]: each class's mean paint over what is seen of it, before light, 0 to 1, zeros for absent
        classes.
    Raises: ValueError on a split or size that is none. IndexError beyond the length.
    Source: names and colours of the classes are those of ADE20K. Chapter: Painting by layout.
    """

    name = "toy-rooms"
    label_space = ROOMS_25
    splits: ClassVar[dict[str, int]] = {"train": 1000, "val": 200}
    default_size: ClassVar[tuple[int, int]] = (128, 128)
    step, least = 8, 16

    def layout(self, index: int) -> Tensor:
        """Classes only, uint8 [H, W]; the picture is not painted."""
        room = Room(self.random(index, 0))
        labels = np.array([part[7] for part in room.parts], np.uint8)
        return torch.from_numpy(labels.take(sample(draw(room, self.size[0]), self.size[0])))

    def __getitem__(self, index: int) -> dict:
        room = Room(self.random(index, 0))
        canvas = draw(room, self.size[0])
        rng = self.random(index, 1)
        style = Style.sample(rng, room.kind, _outlooks(room))
        image, class_colors = paint(room, style, rng, sample(canvas, 2 * self.size[0]))
        seen = sample(canvas, self.size[0])
        labels, things = np.array([(part[7], part[9]) for part in room.parts], np.int64).T
        return {
            "image": torch.from_numpy(image),
            "layout": torch.from_numpy(labels.take(seen)),
            "instances": torch.from_numpy(things.take(seen)),
            "style": {**style.factors(), "class_colors": torch.from_numpy(class_colors)},
        }


def _outlooks(room: Room) -> tuple[float, ...]:
    """Azimuths straight out of the windows, degrees from straight ahead."""
    return tuple(0.0 if lies == FACING else degrees(atan2(np.sign(plane), 0.0)) for lies, plane, *_ in room.windows)
