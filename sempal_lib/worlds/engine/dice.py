"""Random choices, one at a time, from a store: asking a Generator for each takes longer than drawing the scene."""

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np


class Dice:
    """Chances for what a scene has. Scenes are dice themselves: `self.chance(0.3)`.

    Args:
        store: how many numbers are drawn at once. forward: whether they are used in the order of their drawing.
    """

    def __init__(self, rng: np.random.Generator, store: int = 256, forward: bool = False):
        stores = iter(lambda: rng.random(store).tolist()[:: 1 if forward else -1], None)
        self.roll: Callable[[], float] = chain.from_iterable(stores).__next__  # uniform over 0 to 1

    def chance(self, probability: float) -> bool:
        return self.roll() < probability

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.roll()

    def whole(self, low: int, high: int) -> int:
        """Uniform over low to high, both included."""
        return low + int((high - low + 1) * self.roll())

    def pick(self, weights: Sequence[float]) -> int:
        """A place in `weights`, by weight."""
        left = self.roll() * sum(weights)
        for i, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return i
        return len(weights) - 1
