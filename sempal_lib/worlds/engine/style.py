"""Style: the known factors of a scene's looks, by name, and how they are drawn."""

from typing import Any

import numpy as np
import torch

from sempal_lib.worlds.engine.patterns import Color


class Style:
    """Named factors: numbers, and colours as (red, green, blue), which are paints before any light, 0 to 1.

    A world's style draws them in `sample`, says in its docstring what each one is, and adds as properties what
    follows from them. The order in which they are given is that of the item's "style".
    """

    def __init__(self, **values: Any):
        self.values = values

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def factors(self) -> dict[str, Any]:
        """The factors as the item's style holds them: numbers, and colours as tensors [3]."""
        return {key: torch.tensor(value) if isinstance(value, tuple) else value for key, value in self.values.items()}


class Chances:
    """Chances for the factors, drawn at once: chances[n] is a number from 0 to 1.

    Args:
        count: how many. spread, contrast: how far a paint may lie off its palette's, by channel and as a whole.
    """

    def __init__(self, rng: np.random.Generator, count: int, spread: float = 0.06, contrast: float = 1.6):
        self.rng, self.spread, self.contrast = rng, spread, contrast
        self.chances = rng.random(count).tolist()

    def __getitem__(self, n: int) -> float:
        return self.chances[n]

    def weighted(self, weights, n: int) -> int:
        """A place in `weights`, by weight."""
        return int(np.searchsorted(np.cumsum(weights), self[n] * sum(weights), side="right"))

    def color(self, choices, n: int, spread: float | None = None) -> Color:
        """A paint near one of `choices`; takes the chances n and n + 1."""
        spread = self.spread if spread is None else spread
        base = choices[int(self[n] * len(choices))]
        bright = 1 + self.contrast * spread * (self[n + 1] - 0.5)
        red, green, blue = (
            min(max(c * bright + spread * (t - 0.5), 0.02), 0.97) for c, t in zip(base, self.rng.random(3), strict=True)
        )
        return red, green, blue
