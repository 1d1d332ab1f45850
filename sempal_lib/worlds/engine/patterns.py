"""Patterns by coordinates: soft bands and lines, courses of stones, and the arithmetic of colours.

A colour is three numbers or three arrays over samples. `edge` is one over the width of a soft border, in the
pattern's own unit: where it comes from what one sample covers of the surface, patterns fade out with distance
instead of breaking up.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray
Color = tuple[float, float, float]


def unit(x):
    """Clipped to 0 to 1."""
    return np.minimum(np.maximum(x, 0), 1)


def fraction(x):
    """What is left of x above its whole number; many times faster than x % 1."""
    return x - np.floor(x)


def pick(table: Array, index: Array) -> Array:
    """table[:, index], several times faster."""
    return table.take(index, axis=1, mode="clip")


def band(x, low, high, edge):
    """1 where low < x < high, with soft borders."""
    return unit(((high - low) / 2 - np.abs(x - (low + high) / 2)) * edge + 0.5)


def line(x, width, edge):
    """Lines of a share `width` at whole numbers of x; they fade into their mean as samples grow wider than them."""
    off = x - np.rint(x)
    return unit((width / 2 - np.abs(off)) * edge + 0.5) * np.minimum(1, width * edge)


def bond(x: Array, y: Array, shift: float = 0.5) -> tuple[Array, Array, Array, Array]:
    """Courses of stones, every other one shifted: row, column, and the place in the stone, across and down."""
    row = np.floor(y)
    x = x + shift * (row % 2)
    column = np.floor(x)
    return row, column, x - column, y - row


PRINTS = ("plain", "stripes", "checks", "dots", "floral")


def printed(kind: int, p: Array, q: Array, period: float, edge: float) -> Array:
    """How much of a sample is of a cloth's second colour.

    Args:
        kind: place in PRINTS. p, q: place on the cloth; stripes run along p. period: in the same unit. edge: samples
            in one unit.
    """
    p, q, edge = p / period, q / period, edge * period
    if kind == 1:
        return line(q, 0.5, edge)
    if kind == 2:
        return 0.5 * line(p, 0.42, edge) + 0.5 * line(q, 0.42, edge)
    if kind in (3, 4):
        row, column, a, b = bond(p * 1.3, q * 1.3)
        a, b = a - 0.5, b - 0.5
        radius = np.hypot(a, b)
        if kind == 3:
            return unit((0.27 - radius) * edge / 1.3 + 0.5)
        petals = 0.3 + 0.13 * np.cos(5 * np.arctan2(b, a) + row + 2 * column)
        return unit((petals - radius) * edge / 1.3 + 0.5) * (0.55 + 0.45 * (radius > 0.13))
    return 0 * p


def palette(text: str, of: int = 100) -> tuple[Color, ...]:
    """Paints written as "90 82 62, 93 76 42": red, green and blue in hundredths, or in parts of `of`."""
    colors = (tuple(float(part) / of for part in color.split()) for color in text.split(","))
    return tuple((red, green, blue) for red, green, blue in colors)


def contrasting(color: Color, second: Color) -> Color:
    """The second colour, or white or black if it is too near the first to be told from it."""
    if sum(abs(a - b) for a, b in zip(color, second, strict=True)) > 0.6:
        return second
    return (0.93, 0.92, 0.9) if sum(color) < 1.4 else (0.08, 0.08, 0.1)


def mix(a, b, weight) -> list[Any]:
    """Colours from a (weight 0) to b (weight 1)."""
    return [p + (q - p) * weight for p, q in zip(a, b, strict=True)]


def choose(mask: Array, a, b) -> list[Any]:
    """Colour a where the mask is true, else b."""
    return [np.where(mask, p, q) for p, q in zip(a, b, strict=True)]


def tint(color, factor) -> tuple[Any, Any, Any]:
    return color[0] * factor, color[1] * factor, color[2] * factor


def one_of(colors: Sequence[Any], chance: Array) -> list[Array]:
    """One of some colours for each sample, by its chance."""
    table, most = np.array(colors, np.float32), len(colors)
    choice = np.minimum((chance * most).astype(np.int8), most - 1)
    return [table[:, channel].take(choice) for channel in range(3)]


def blend(a, b, weight) -> Array:
    """The same as `mix` of two plain colours: float32 [3]."""
    return (1 - weight) * np.asarray(a, np.float32) + weight * np.asarray(b, np.float32)


def ramp(x, low, high):
    """0 below `low`, 1 above `high`, smooth between."""
    t = (x - low) / (high - low)
    t = unit(t) if isinstance(t, np.ndarray) else min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


def class_means(labels: Array, paint, classes: int, weights: Array | None = None) -> Array:
    """Each class's mean colour, float32 [classes, 3], zeros for absent ones.

    Args:
        labels: class of each sample or part, [N]. paint: their colours, [3, N].
        weights: how much each counts, [N]; None: all alike.
    """
    total = np.bincount(labels, weights, minlength=classes)
    sums = [np.bincount(labels, one if weights is None else weights * one, minlength=classes) for one in paint]
    return (np.stack(sums, axis=1) / np.maximum(total, 1)[:, None]).astype(np.float32)
