"""What the procedural worlds share: their arguments, the random numbers of a scene, and how a drawing is sampled."""

from math import gcd
from typing import ClassVar

import numpy as np

from sempal_lib.scenes import SceneDataset


class ProceduralWorld(SceneDataset):
    """Scenes that are made on the fly from a seed. A world adds its `layout` and its items.

    Attributes:
        splits: split to its number of scenes; the splits share no scene.
        default_size: (H, W) in pixels; every size has its aspect.
        step, least: the height is a multiple of `step` px from `least` up.
    Args:
        split: one of `splits`. size: (H, W), None for `default_size`.
        seed: of the whole set. length: number of scenes, None for the split's own.
    Raises: ValueError on a split, size or length that is none. IndexError beyond the length.
    """

    splits: ClassVar[dict[str, int]]
    default_size: ClassVar[tuple[int, int]]
    step: ClassVar[int]
    least: ClassVar[int]

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

    def __len__(self) -> int:
        return self.length

    def random(self, index: int, stream: int) -> np.random.Generator:
        """A scene's random numbers, in streams that do not depend on each other, so that each can be had alone."""
        if not -self.length <= index < self.length:
            raise IndexError(f"scene {index} of {self.length}")
        return np.random.default_rng([self.seed, list(self.splits).index(self.split), index % self.length, stream])


def sample(canvas: np.ndarray, height: int) -> np.ndarray:
    """Nearest samples of a drawing at its pixels' centres.

    Args:
        canvas: [R, aR]; a, the aspect, is whole.
        height: of the result, px.
    Returns:
        [height, a · height].
    """
    size, wide = canvas.shape
    step, rest = divmod(size, height)
    if not rest:
        return canvas[step // 2 :: step, step // 2 :: step]
    places = (2 * np.arange(height * wide // size) + 1) * size // (2 * height)
    return canvas[places[:height, None], places]
