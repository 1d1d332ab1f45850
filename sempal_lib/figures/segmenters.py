"""What segmenters see, class by class."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from sempal_lib.figures.style import CURVE_COLOURS, WIDTH, class_rows, styled
from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import array_of

_MARKS = "oDs^vX"


@styled
def class_scores(scores: Mapping[str, object], label_space: LabelSpace, unit: str = "IoU") -> Figure:
    """A score of each class for several kinds of pictures, best classes of the first kind on top.

    Args:
        scores: kind to its scores, fractions, [C]; NaN for a class that does not occur, which is left out where it
            occurs in none. At most 6 kinds.
        unit: what the axis says.
    """
    if not 1 <= len(scores) <= len(_MARKS):
        raise ValueError(f"{len(scores)} kinds of pictures: give 1 to {len(_MARKS)}")
    values = {name: array_of(each).astype(float) for name, each in scores.items()}
    first = np.nan_to_num(next(iter(values.values())), nan=-1.0)
    known = np.isfinite(np.stack(list(values.values()))).any(0)
    classes = [c for c in np.argsort(-first, kind="stable") if known[c]]
    figure, axes, rows = class_rows(label_space, classes)
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    for k, (name, each) in enumerate(values.items()):
        colour = CURVE_COLOURS[k % len(CURVE_COLOURS)]
        axes.plot(each[classes], rows, _MARKS[k], color=colour, markersize=6, alpha=0.85, label=name)
    axes.set(xlabel=unit, xlim=(-0.02, 1.02))
    figure.legend(loc="outside upper center", ncols=min(3, len(scores)), handletextpad=0.3, columnspacing=1.2)
    return figure


@styled
def learning_curves(curves: Mapping[str, Mapping[int, Sequence[float]]], unit: str = "mIoU") -> Figure:
    """A score over the number of real pairs: mean over the seeds, with its spread, a line for each row.

    Args:
        curves: row to number of pairs to its values, one a seed; numbers without a value are left out. At most 6 rows.
        unit: what the axis says.
    """
    if not 1 <= len(curves) <= len(_MARKS):
        raise ValueError(f"{len(curves)} curves: give 1 to {len(_MARKS)}")
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    numbers = sorted({number for points in curves.values() for number, found in points.items() if found})
    for k, (name, points) in enumerate(curves.items()):
        at = [number for number in numbers if points.get(number)]
        means = [float(np.mean(points[number])) for number in at]
        spreads = [float(np.std(points[number], ddof=1)) if len(points[number]) > 1 else 0.0 for number in at]
        # A little beside each other, or their spreads would lie on one line.
        places = [number * 1.03 ** (k - (len(curves) - 1) / 2) for number in at]
        axes.errorbar(places, means, spreads, marker=_MARKS[k], markersize=5, linewidth=1.4, capsize=2, label=name)
    axes.set(xscale="log", xlabel="real pairs", ylabel=unit)
    axes.xaxis.set_major_locator(FixedLocator(numbers))
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
    figure.legend(loc="outside upper center", ncols=2, handletextpad=0.4, columnspacing=1.2)
    return figure
