"""Outlines: which places of a part's box it takes."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray
Points = tuple[tuple[float, float], ...]
Outline = str | Points  # a name that `within` knows, or a polygon's corners in shares of the box


def within(outline: str, u: Array, v: Array, width: float = 1.0, height: float = 1.0) -> Array:
    """Which places an outline takes, bool. Raises ValueError for a name that is none.

    Args:
        u: 0 left to 1 right. v: 0 top to 1 bottom. width, height: of the box, in one unit.
    """
    x = np.abs(2 * u - 1)
    match outline:
        case "box":
            return np.ones(np.broadcast_shapes(u.shape, v.shape), bool)
        case "disc":
            return x**2 + (2 * v - 1) ** 2 <= 1
        case "round":  # a stuffed thing
            return x**4 + (2 * v - 1) ** 4 <= 1.04
        case "arch" | "low arch":  # half a circle on top, or two fifths of the height
            rise = 0.4 if outline == "low arch" else min(width / 2 / height, 1.0)
            return x**2 + (1 - np.minimum(v / rise, 1)) ** 2 <= 1
        case "segment":
            return v >= 0.9 * x**2
        case "gable":
            return x <= v
        case "curved":  # a gable with a swell
            return x <= 0.25 + 0.75 * np.maximum(np.sin(3 * np.pi * v) * 0.08 + v**1.5, 0)
        case "trapeze":
            return x <= 1 - 0.35 * height / width * 2 * (1 - v)
        case "shade":
            return x <= 0.55 + 0.45 * v
        case "tub":
            return x <= 1 - 0.3 * v
        case "vase":
            return x <= 0.45 + 0.55 * np.sin(np.pi * (0.12 + 0.8 * v)) ** 2
        case "leaf" | "leaf left" | "leaf right":  # leaves grow from the bottom; two of the three bend over
            lean = (1 - v) ** 1.5 * 0.82
            middle = {"leaf": 0.5, "leaf left": 0.91 - lean, "leaf right": 0.09 + lean}[outline]
            wide = 0.9 if outline == "leaf" else 0.34
            return np.abs(u - middle) <= wide * 0.5 * np.sin(np.pi * np.clip(v, 0, 1)) ** 0.8 + 0.03
    raise ValueError(f"no outline {outline!r}: see engine/outlines.py for those that there are")


@lru_cache(maxsize=4096)
def _named(outline: str, height: int, width: int) -> Array:
    u, v = (np.arange(width)[None] + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height
    return within(outline, u, v, width, height)


def mask(outline: Outline, height: int, width: int) -> Array:
    """Which pixels of a box an outline takes, bool [height, width]."""
    if isinstance(outline, str):
        return _named(outline, height, width)
    image = Image.new("1", (width, height), 0)
    ImageDraw.Draw(image).polygon([(x * width - 0.5, y * height - 0.5) for x, y in outline], fill=1)
    return np.asarray(image)


def curve(points, steps: int = 6) -> Array:
    """A closed smooth curve through points (Catmull-Rom), [steps · N, 2]: outlines of faces, sleeves, hats."""
    p = np.asarray(points, float)
    t = np.arange(steps)[None, :, None] / steps
    before, here, after, later = (np.roll(p, -n, axis=0)[:, None] for n in (-1, 0, 1, 2))
    along = (
        2 * here
        + (after - before) * t
        + (2 * before - 5 * here + 4 * after - later) * t**2
        + (3 * here - before - 3 * after + later) * t**3
    )
    return (along / 2).reshape(-1, 2)
