"""The face of a procedural world: its arguments, the random numbers of a scene, and its items."""

from collections.abc import Mapping
from math import gcd
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from sempal_lib.scenes import SceneDataset
from sempal_lib.worlds.engine.canvas import Drawing
from sempal_lib.worlds.engine.picture import Painted


class Scene(Protocol):
    """What a world composes: parts, each with a class and the number of its instance, and a drawing of them."""

    labels: np.ndarray  # integers [parts]
    things: np.ndarray  # integers [parts], 0: of no instance

    def draw(self, height: int) -> Drawing:
        """The parts' numbers, for layouts of so many pixels."""


class World(SceneDataset):
    """Scenes that are made on the fly from a seed. A world adds `compose` and `paint`.

    A scene does not depend on the picture's size: its layouts at two sizes are samples of one drawing. Every
    pixel has a class.

    Attributes:
        splits: split to its number of scenes; the splits share no scene.
        default_size: (H, W) in pixels; every size has its aspect.
        step, least: the height is a multiple of `step` px from `least` up.
        known: of the classes whose looks have factors of their own, which: {"wall": {"color": "wall_color", "pattern":
            "wall"}}. "color" is a paint, "pattern" a place in a list of the style's.
    Args:
        split: one of `splits`. size: (H, W), None for `default_size`.
        seed: of the whole set. length: number of scenes, None for the split's own.
    Items: "image" float32 [3, H, W] in [-1, 1]; "layout" int64 [H, W]; "instances" int64 [H, W], 0 where there
        is none; "style", the known factors, and as its last "class_colors" float32 [C, 3]: each class's mean paint
        over what is seen of it, before light and weather, 0 to 1, zeros for absent classes.
    Raises: ValueError on a split, size or length that is none. IndexError beyond the length.
    """

    splits: ClassVar[dict[str, int]]
    default_size: ClassVar[tuple[int, int]]
    step: ClassVar[int]
    least: ClassVar[int]
    known: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    def __init__(
        self, split: str = "train", size: tuple[int, int] | None = None, seed: int = 0, length: int | None = None
    ):
        if split not in self.splits:
            raise ValueError(f"{self.name} has no split {split!r}: choose one of {', '.join(self.splits)}")
        (height, width), (high, wide) = size or self.default_size, self.default_size
        if height * wide != width * high or height < self.least or height % self.step:
            common = gcd(high, wide)
            raise ValueError(
                f"{self.name} cannot be made at {height}×{width}: height to width must be {high // common} to "
                f"{wide // common}, and the height a multiple of {self.step} from {self.least} up, "
                f"for example {high}×{wide}"
            )
        if length is not None and length < 1:
            raise ValueError(f"{self.name} with {length} scenes: give a length of 1 or more, or None")
        self.split, self.size, self.seed = split, (int(height), int(width)), seed
        self.length = self.splits[split] if length is None else length

    def compose(self, rng: np.random.Generator) -> Any:
        """A `Scene`: what there is and where, whatever the picture's size and colours."""
        raise NotImplementedError

    def paint(self, scene: Any, drawing: Drawing, height: int, rng: np.random.Generator) -> Painted:
        """The picture, float32 [3, H, W] in [-1, 1]; its factors; each class's mean paint, float32 [C, 3]."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self.length

    def random(self, index: int, stream: int) -> np.random.Generator:
        """A scene's random numbers, in streams that do not depend on each other, so that each can be had alone."""
        if not -self.length <= index < self.length:
            raise IndexError(f"scene {index} of {self.length}")
        return np.random.default_rng([self.seed, list(self.splits).index(self.split), index % self.length, stream])

    def layout(self, index: int) -> Tensor:
        """Classes only, uint8 [H, W]; the picture is not painted."""
        scene, height = self.compose(self.random(index, 0)), self.size[0]
        return torch.from_numpy(scene.draw(height).of(scene.labels.astype(np.uint8), height))

    def class_shares(self, scenes: int) -> Tensor:
        """Share of the pixels that each class has in each of the first scenes, float32 [scenes, C]."""
        classes, layouts = self.label_space.num_classes, (self.layout(i).flatten() for i in range(scenes))
        return torch.stack([layout.bincount(minlength=classes) / len(layout) for layout in layouts])

    @classmethod
    def class_factors(cls, style: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """What is known of each class's looks: "color" [3] and "pattern", a whole number, as far as it has them.

        Args:
            style: an item's "style", or a batch's; then the values are [B, 3] and [B]. Whether the class is in the
                scene at all, the layout says.
        """
        return {name: {what: style[key] for what, key in found.items()} for name, found in cls.known.items()}

    def __getitem__(self, index: int) -> dict:
        scene, height = self.compose(self.random(index, 0)), self.size[0]
        drawing = scene.draw(height)
        image, factors, class_colors = self.paint(scene, drawing, height, self.random(index, 1))
        return {
            "image": torch.from_numpy(image),
            "layout": torch.from_numpy(drawing.of(scene.labels.astype(np.int64), height)),
            "instances": torch.from_numpy(drawing.of(scene.things.astype(np.int64), height)),
            "style": {**factors, "class_colors": torch.from_numpy(class_colors)},
        }
