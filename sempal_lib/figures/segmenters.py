"""What segmenters see, class by class."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sempal_lib.figures.style import CURVE_COLOURS, class_rows, styled
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
