"""Systems and variants side by side, ours and the papers'."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from sempal_lib.figures.style import CURVE_COLOURS, WIDTH, styled
from sempal_lib.tables import number

LEAST = 1e-6  # what a logarithmic axis shows for zero: the palette KL's own floor
METRICS = {"palette_kl": "palette KL", "fsd": "FSD", "fsd_grid": "FSD by cells", "fid": "FID", "fd_seg": "FD-seg"}
_OURS, _PAPER = CURVE_COLOURS[0], CURVE_COLOURS[1]


@styled
def level_bars(distances: Mapping[str, Mapping[int, float]], unit: str = "sliced Wasserstein distance × 10³") -> Figure:
    """Distances of several systems at each level of the pyramid, and their means; shorter is better.

    Args:
        distances: system to {height of the level in px: its distance}; the same levels for all, at most 6 systems.
        unit: what the axis says.
    """
    systems = list(distances)
    levels = sorted(next(iter(distances.values()), {}), reverse=True)
    if not levels or len(systems) > len(CURVE_COLOURS):
        raise ValueError(f"{len(systems)} systems of {len(levels)} levels: give 1 to {len(CURVE_COLOURS)} with levels")
    for name, found in distances.items():
        if sorted(found, reverse=True) != levels:
            raise ValueError(
                f"{name} has the levels {sorted(found)}, {systems[0]} has {levels[::-1]}: measure the same"
            )
    places = np.arange(len(levels) + 1.0)
    places[-1] += 0.25  # the mean stands apart
    thick = 0.8 / len(systems)
    figure, axes = plt.subplots(figsize=(WIDTH, (0.22 * len(systems) + 0.1) * len(places) + 0.35 * len(systems) + 0.7))
    for k, (name, found) in enumerate(distances.items()):
        values = [found[level] for level in levels]
        bars: Any = axes.barh(
            places + (k - (len(systems) - 1) / 2) * thick, [*values, float(np.mean(values))], 0.92 * thick
        )
        bars.set_label(name)
        axes.bar_label(bars, [number(bar.get_width()) for bar in bars], padding=3)
    axes.set_yticks(places, [*(f"{level} px" for level in levels), "mean"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(places[-1] + 0.55, -0.55)
    axes.margins(x=0.16)  # room for the numbers
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(unit)
    figure.legend(loc="outside upper left", ncols=1 if len(systems) > 3 else len(systems))
    return figure


@styled
def ablation_dots(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str] = ("palette_kl", "fsd")) -> Figure:
    """Variants under each other, one panel a metric: each seed a dot, their mean ± standard deviation, the paper's.

    Args:
        rows: dicts with "name", "values" (metric to our numbers, one a seed) and "paper" (metric to its number or
            None), from the top down. A row that has neither stays empty.
        metrics: one panel each. KL divergences get a logarithmic axis, where zero is drawn at 1e-6.
    """
    if not rows or not metrics:
        raise ValueError(f"{len(rows)} rows and {len(metrics)} metrics make no figure: give at least one of each")
    figure, panels = plt.subplots(
        len(metrics), 1, figsize=(WIDTH, len(metrics) * (0.27 * len(rows) + 0.75) + 0.35), squeeze=False
    )
    for metric, axes in zip(metrics, panels[:, 0], strict=True):
        logarithmic = "kl" in metric.split("_")
        for y, row in enumerate(rows):
            values = np.asarray(row.get("values", {}).get(metric) or [], float)
            _row_of_dots(axes, y, values, row.get("paper", {}).get(metric), LEAST if logarithmic else -np.inf)
        axes.set_yticks(range(len(rows)), [str(row["name"]) for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel(METRICS.get(metric, metric.replace("_", " ")))
        if logarithmic:
            _from_power_to_power(axes)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(4))
    figure.legend(handles=_dot_legend(), loc="outside upper center", ncols=3, handletextpad=0.4, columnspacing=1.2)
    return figure


def _from_power_to_power(axes) -> None:
    """A logarithmic axis between powers of ten: it always has two numbers to read it by."""
    drawn = np.concatenate([np.ravel(line.get_xdata()) for line in axes.lines] or [np.array([0.1, 1.0])])
    low, high = 10.0 ** np.floor(np.log10(drawn.min())), 10.0 ** np.ceil(np.log10(drawn.max()))
    axes.set(xscale="log", xlim=(0.8 * low, 1.25 * max(high, 10 * low)))
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _row_of_dots(axes, y: int, values: np.ndarray, paper: float | None, least: float) -> None:
    values = np.maximum(values, least)
    if len(values):
        mean = values.mean()
        below = np.full(len(values), y + 0.27)  # clear of the mean, which would cover them
        axes.plot(values, below, "o", color=_OURS, markersize=4, alpha=0.6, markeredgewidth=0)
        if len(values) > 1:
            spread = values.std(ddof=1)
            axes.plot([max(mean - spread, least), mean + spread], [y, y], color=_OURS, linewidth=2)
        axes.plot([mean], [y], "o", color=_OURS, markersize=8)
    if paper is not None:
        axes.plot([max(paper, least)], [y], "D", color=_PAPER, markersize=8, fillstyle="none", markeredgewidth=1.6)


def _dot_legend() -> list[Line2D]:
    ours: Any = {"color": _OURS, "linestyle": "none", "marker": "o"}
    paper: Any = {"color": _PAPER, "linestyle": "none", "marker": "D", "fillstyle": "none", "markeredgewidth": 1.6}
    return [
        Line2D([], [], markersize=4, alpha=0.6, markeredgewidth=0, label="one seed", **ours),
        Line2D([], [], markersize=8, label="mean ± std", **ours | {"linestyle": "-", "linewidth": 2}),
        Line2D([], [], markersize=8, label="paper", **paper),
    ]
