"""What all figures share: the style, the classes' colours, names and legend."""

import functools
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import array_of, hex_colour

WIDTH = 5.0  # inches
CURVE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STYLE: Any = {
    "figure.dpi": 130,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=CURVE_COLOURS),
    "legend.fontsize": 11,
    "legend.frameon": False,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
}
DASHES: dict[str, Any] = {"fill": False, "edgecolor": "0.15", "linestyle": (0, (3, 1.5)), "linewidth": 1.2}


def styled(draw):
    """Draw in the book's style, and take the figure out of pyplot's hands so that it is not shown twice."""

    @functools.wraps(draw)
    def styled(*args, **kwargs) -> Figure:
        with plt.rc_context(STYLE):
            figure = draw(*args, **kwargs)
        plt.close(figure)
        return figure

    return styled


def colours(label_space: LabelSpace, classes) -> list[str]:
    return [hex_colour(label_space.colors[c]) for c in classes]


def colourise(layout, label_space: LabelSpace) -> np.ndarray:
    table = np.array([*label_space.colors, (0, 0, 0)], np.uint8)
    layout = array_of(layout)
    return table[np.where((layout >= 0) & (layout < label_space.num_classes), layout, label_space.num_classes)]


def class_rows(label_space: LabelSpace, classes):
    """Figure and axes with one row a class, named at the left, the first on top; also the rows' places."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.27 * len(classes) + 0.7))
    rows = np.arange(len(classes))
    axes.set_yticks(rows, [label_space.names[c] for c in classes])
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    return figure, axes, rows


def target_and_realised() -> list[Patch]:
    return [Patch(**DASHES, label="target"), Patch(color="0.6", label="realised")]


def legend_columns(label_space: LabelSpace, classes) -> int:
    """As many columns as the longest name lets stand beside each other."""
    longest = max((len(label_space.names[c]) for c in classes), default=1)
    return max(1, min(len(classes), int(WIDTH / (0.45 + 0.085 * longest))))


def class_legend(figure: Figure, label_space: LabelSpace, classes, place: Any) -> None:
    chips = [Patch(facecolor=colour, edgecolor="0.4", linewidth=0.5) for colour in colours(label_space, classes)]
    names = [label_space.names[c] for c in classes]
    spacing = {"handlelength": 1.2, "handletextpad": 0.4, "columnspacing": 1.0, "labelspacing": 0.3}
    figure.legend(chips, names, loc=place, ncols=legend_columns(label_space, classes), **spacing)
