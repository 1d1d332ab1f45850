"""Every figure of the book. Each function returns a matplotlib Figure and shows nothing by itself.

One style for all: 5 inches wide with text of 11 pt, so that the text is still 8 pt high where a phone of
390 px shows the figure across its page. Curves take the colours of Okabe and Ito, which colour-blind readers
tell apart.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import palette_of
from sempal_lib.pictures import array_of, hex_colour, to_png
from sempal_lib.tables import Table, metric_table

__all__ = [
    "Table", "aic_curve", "class_error_bars", "contact_sheet", "interpolation_figure", "layout_grid",
    "legend", "metric_table", "palette_bars", "palette_map", "palette_statistics", "proportion_scatter",
    "sinkhorn_figure", "to_png", "training_curves",
]  # fmt: skip

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
CURVES = {
    "loss_g": "generator's loss",
    "loss_d": "discriminator's loss",
    "penalty": "gradient penalty",
    "entropy": "entropy loss",
    "spread": "spread loss",
    "images_per_second": "images per second",
}


def _figure(draw):
    """Draw in the book's style, and take the figure out of pyplot's hands so that it is not shown twice."""

    @functools.wraps(draw)
    def styled(*args, **kwargs) -> Figure:
        with plt.rc_context(STYLE):
            figure = draw(*args, **kwargs)
        plt.close(figure)
        return figure

    return styled


@_figure
def contact_sheet(scenes: Sequence[Mapping], label_space: LabelSpace, columns: int = 3) -> Figure:
    """Scenes side by side, each image with its layout beneath.

    Args:
        scenes: items of a data set: dicts with "image" (float [3, H, W] in [-1, 1]), "layout" ([H, W])
            or both.
        columns: scenes a row.
    """
    return _mosaic([_tile(scene, label_space) for scene in scenes], None, columns)


@_figure
def layout_grid(layouts, label_space: LabelSpace, titles: Sequence[str] | None = None, columns: int = 3) -> Figure:
    """Layouts in a grid.

    Args:
        layouts: class indices, [N, H, W]. titles: one short text a layout. columns: layouts a row.
    """
    if titles is not None and len(titles) != len(layouts):
        raise ValueError(f"{len(titles)} titles for {len(layouts)} layouts: give one title a layout")
    return _mosaic([_tile({"layout": layout}, label_space) for layout in layouts], titles, columns)


@_figure
def legend(label_space: LabelSpace, present: Sequence[int] | None = None) -> Figure:
    """Colour chips with the classes' names.

    Args:
        present: indices of the classes to show; None for all.
    """
    classes = list(range(label_space.num_classes) if present is None else present)
    columns = _legend_columns(label_space, classes)
    figure = plt.figure(figsize=(WIDTH, 0.25 * -(-len(classes) // columns) + 0.1))
    figure.subplots().set_axis_off()  # notebooks show no figure that has no axes
    _class_legend(figure, label_space, classes, "center")
    return figure


@_figure
def palette_bars(target, realised, label_space: LabelSpace) -> Figure:
    """Target and realised proportions of each class that has any, the largest on top.

    Args:
        target: palette asked for, [C]. realised: palette of one layout, [C], or of several, [K, C]: then the
            bars are their mean and the whiskers their standard deviation.
    """
    target, realised = array_of(target), np.atleast_2d(array_of(realised))
    mean = realised.mean(0)
    classes = [c for c in np.argsort(-target, kind="stable") if target[c] > 0 or mean[c] > 0]
    figure, axes, rows = _class_rows(label_space, classes)
    axes.barh(rows, mean[classes], 0.5, color=_colours(label_space, classes))
    axes.barh(rows, target[classes], 0.84, **DASHES)
    if len(realised) > 1:
        axes.errorbar(mean[classes], rows, xerr=realised.std(0)[classes], fmt="none", ecolor="0.15", capsize=2)
    axes.set(xlabel="proportion of the layout", xlim=(0, None))
    axes.legend(handles=_target_and_realised(), loc="lower right")
    return figure


@_figure
def interpolation_figure(palettes, layouts, label_space: LabelSpace) -> Figure:
    """Layouts made for interpolated palettes, their histograms beneath; like Figure 5a of Semantic Palette.

    Args:
        palettes: targets, [K, C]. layouts: what was made for each, [K, H, W]. More than 5 take two rows.
    """
    palettes, layouts = array_of(palettes), array_of(layouts)
    realised = palette_of(torch.as_tensor(layouts), label_space.num_classes, label_space.ignore_index).numpy()
    # Bars narrower than a pixel on a phone say nothing: classes that never reach 2 % are left out.
    classes = np.flatnonzero(np.maximum(palettes, realised).max(0) >= 0.02)
    rows = 1 if len(palettes) <= 5 else 2
    columns = -(-len(palettes) // rows)
    picture = WIDTH / columns * layouts.shape[1] / layouts.shape[2]
    key = 0.25 * -(-len(classes) // _legend_columns(label_space, classes)) + 0.45
    figure = plt.figure(figsize=(WIDTH, rows * (picture + 1.15) + key))
    grid = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[picture, 1.0] * rows)
    top = 1.05 * max(palettes.max(), realised.max())
    for axes in grid.flat:
        axes.set_axis_off()
    for k, (target, layout) in enumerate(zip(palettes, layouts, strict=True)):
        above, below = grid[2 * (k // columns) : 2 * (k // columns) + 2, k % columns]
        above.imshow(_colourise(layout, label_space), interpolation="nearest", aspect="equal")
        below.bar(range(len(classes)), realised[k, classes], 0.62, color=_colours(label_space, classes))
        below.bar(range(len(classes)), target[classes], 0.92, **DASHES | {"linewidth": 0.9})
        below.axhline(0, color="0.15", linewidth=0.8)
        below.set_ylim(0, top)
    figure.legend(handles=_target_and_realised(), loc="outside upper center", ncols=2)
    _class_legend(figure, label_space, classes, "outside lower center")
    return figure


@_figure
def training_curves(history: Sequence[Mapping]) -> Figure:
    """Losses and speed over the real layouts shown, one panel each.

    Args:
        history: rows with "images" (shown so far), "height" (px, of the stage), "fade" (0 to 1; below 1 the
            new resolution fades in), and any of the keys of CURVES. A dashed line is where a stage begins,
            shading is its fade.
    """
    images = np.array([row["images"] for row in history], float)
    unit, name = (1e6, "million") if images.max() >= 2e6 else (1e3, "thousand") if images.max() >= 2e3 else (1, "")
    keys = [key for key in CURVES if any(row.get(key) is not None for row in history)]
    figure, panels = plt.subplots(len(keys), 1, figsize=(WIDTH, 1.25 * len(keys) + 0.5), sharex=True, squeeze=False)
    for key, axes in zip(keys, panels[:, 0], strict=True):
        values = np.array([np.nan if row.get(key) is None else row[key] for row in history], float)
        _smooth_curve(axes, images / unit, values)
        axes.set_title(CURVES[key])
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.margins(x=0.01)
        _shade_stages(axes, history, images / unit)
    _name_stages(panels[0, 0], history, images / unit)
    panels[-1, 0].set_xlabel(f"{name} real layouts shown".strip())
    return figure


@_figure
def sinkhorn_figure(iterations: Sequence[int], kl: Sequence[float], fsd: Sequence[float]) -> Figure:
    """Palette KL and Fréchet segmentation distance over the activation's number of iterations."""
    figure, panels = plt.subplots(2, 1, figsize=(WIDTH, 3.8), sharex=True)
    for axes, values, title in zip(panels, (kl, fsd), ("palette KL", "FSD"), strict=True):
        axes.plot(iterations, values, marker="o")
        axes.set(title=title, ylim=(0, 1.1 * max(values)), xscale="log")
    panels[1].set_xlabel("Sinkhorn iterations")
    panels[1].xaxis.set_major_locator(FixedLocator(list(iterations)))
    panels[1].xaxis.set_minor_locator(NullLocator())
    panels[1].xaxis.set_major_formatter("{x:.0f}")
    return figure


@_figure
def class_error_bars(errors, label_space: LabelSpace) -> Figure:
    """Mean absolute error of each class's proportion, the largest on top.

    Args:
        errors: fractions of the layout, [C]; classes with NaN are left out.
    """
    errors = array_of(errors)
    classes = [c for c in np.argsort(-errors, kind="stable") if np.isfinite(errors[c])]
    figure, axes, rows = _class_rows(label_space, classes)
    axes.barh(rows, errors[classes], 0.7, color=_colours(label_space, classes))
    axes.set(xlabel="error of the proportion", xlim=(0, None))
    return figure


@_figure
def proportion_scatter(target, realised, label_space: LabelSpace, floor: float = 1e-4) -> Figure:
    """Realised over target proportion, one dot a layout and class, on logarithmic axes.

    Args:
        target, realised: palettes, [N, C].
        floor: smaller proportions are drawn there, as zero has no logarithm.
    """
    target, realised = array_of(target), array_of(realised)
    classes = np.flatnonzero(target.max(0) > 0)
    rows = -(-len(classes) // _legend_columns(label_space, classes))
    figure = plt.figure(figsize=(WIDTH, 4.4 + 0.25 * rows))
    axes = figure.subplots()
    axes.plot([floor, 1], [floor, 1], color="0.4", linewidth=1)
    for c in classes:
        asked = target[:, c] > 0
        x, y = (values[asked, c].clip(floor, 1) for values in (target, realised))
        axes.scatter(x, y, 16, color=hex_colour(label_space.colors[c]), edgecolor="0.2", linewidth=0.3)
    axes.set(xscale="log", yscale="log", aspect="equal", xlabel="target proportion", ylabel="realised proportion")
    _class_legend(figure, label_space, classes, "outside lower center")
    return figure


@_figure
def palette_statistics(palettes, label_space: LabelSpace) -> Figure:
    """Mean proportion of each class on a logarithmic axis; at the right, in how many layouts it occurs.

    Args:
        palettes: [N, C]. Classes that never occur are left out.
    """
    palettes = array_of(palettes)
    mean = palettes.mean(0)
    classes = [c for c in np.argsort(-mean, kind="stable") if mean[c] > 0]
    figure, axes, rows = _class_rows(label_space, classes)
    axes.barh(rows, mean[classes], 0.7, color=_colours(label_space, classes))
    # From a power of ten to 1: the axis always has two numbers to read it by.
    lowest = 0.999 * 10.0 ** np.floor(np.log10(mean[classes].min()))
    axes.set(xscale="log", xlim=(lowest, 1), xlabel="mean proportion of the layout")
    axes.xaxis.set_minor_formatter(NullFormatter())
    shares = axes.twinx()
    shares.set(ylim=axes.get_ylim(), ylabel="layouts that hold the class")
    shares.set_yticks(rows, [f"{share:.0%}" for share in (palettes[:, classes] > 0).mean(0)])
    shares.tick_params(length=0)
    return figure


@_figure
def palette_map(sets: Mapping[str, Any], label_space: LabelSpace) -> Figure:
    """Sets of palettes as points of the plane in which the first set varies most, one panel a set.

    Args:
        sets: title to palettes, [N, C]. The axes are the first set's two principal components, each named by the
            class that grows most along it and the one that shrinks most.
    """
    from sklearn.decomposition import PCA

    plane, rows = PCA(2).fit(array_of(next(iter(sets.values())))), -(-len(sets) // 2)
    figure, panels = plt.subplots(rows, 2, figsize=(WIDTH, 2 * rows + 0.6), sharex=True, sharey=True, squeeze=False)
    for panel, (title, palettes) in zip(panels.flat, sets.items(), strict=False):
        panel.scatter(*plane.transform(array_of(palettes)).T, 5, alpha=0.5, linewidth=0)
        panel.set_title(title)
    along = [[label_space.names[c] for c in (d.argmax(), d.argmin())] for d in plane.components_]
    figure.supxlabel("→ more {}, less {}".format(*along[0]), fontsize=11)
    figure.supylabel("→ more {}, less {}".format(*along[1]), fontsize=11)
    return figure


@_figure
def aic_curve(components: Sequence[int], aic: Sequence[float], chosen: int) -> Figure:
    """Akaike's criterion over the mixture's number of components, the chosen one marked."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    axes.plot(components, aic, marker="o", markersize=4)
    axes.plot([chosen], [aic[list(components).index(chosen)]], "o", markersize=10, label=f"chosen: {chosen}")
    axes.set(xlabel="components", title="AIC, lower is better")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.legend()
    return figure


def _colours(label_space: LabelSpace, classes) -> list[str]:
    return [hex_colour(label_space.colors[c]) for c in classes]


def _colourise(layout, label_space: LabelSpace) -> np.ndarray:
    table = np.array([*label_space.colors, (0, 0, 0)], np.uint8)
    layout = array_of(layout)
    return table[np.where((layout >= 0) & (layout < label_space.num_classes), layout, label_space.num_classes)]


def _tile(scene: Mapping, label_space: LabelSpace) -> np.ndarray:
    """Image over layout, uint8 [H or 2 H, W, 3]."""
    parts = []
    if "image" in scene:
        image = array_of(scene["image"]).transpose(1, 2, 0)
        parts.append(((image.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8))
    if "layout" in scene:
        parts.append(_colourise(scene["layout"], label_space))
    return np.concatenate(parts)


def _mosaic(tiles: Sequence[np.ndarray], titles: Sequence[str] | None, columns: int) -> Figure:
    """Tiles in a grid without anything between the pixels and the page."""
    if not tiles:
        raise ValueError("no picture to show: give at least one")
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    line = 0.24 if titles else 0.06  # inches between rows
    tile = WIDTH / columns * height / width
    figure = plt.figure(figsize=(WIDTH, rows * (tile + line)))
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    # Enlarging repeats pixels and keeps them crisp; where the page has fewer, averaging keeps thin poles.
    crisp = width * columns <= WIDTH * STYLE["figure.dpi"]
    for k in range(rows * columns):
        axes = figure.add_subplot(rows, columns, k + 1)
        axes.set_axis_off()
        if k < len(tiles):
            axes.imshow(tiles[k], interpolation="nearest" if crisp else "hanning")
            if titles:
                axes.set_title(titles[k], loc="center", pad=3)
    return figure


def _class_rows(label_space: LabelSpace, classes):
    """Figure and axes with one row a class, named at the left, the first on top; also the rows' places."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.27 * len(classes) + 0.7))
    rows = np.arange(len(classes))
    axes.set_yticks(rows, [label_space.names[c] for c in classes])
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    return figure, axes, rows


def _target_and_realised() -> list[Patch]:
    return [Patch(**DASHES, label="target"), Patch(color="0.6", label="realised")]


def _legend_columns(label_space: LabelSpace, classes) -> int:
    """As many columns as the longest name lets stand beside each other."""
    longest = max((len(label_space.names[c]) for c in classes), default=1)
    return max(1, min(len(classes), int(WIDTH / (0.45 + 0.085 * longest))))


def _class_legend(figure: Figure, label_space: LabelSpace, classes, place: Any) -> None:
    colours, names = _colours(label_space, classes), [label_space.names[c] for c in classes]
    chips = [Patch(facecolor=colour, edgecolor="0.4", linewidth=0.5) for colour in colours]
    spacing = {"handlelength": 1.2, "handletextpad": 0.4, "columnspacing": 1.0, "labelspacing": 0.3}
    figure.legend(chips, names, loc=place, ncols=_legend_columns(label_space, classes), **spacing)


def _smooth_curve(axes, x: np.ndarray, values: np.ndarray) -> None:
    """The values, faint where there are many, with their running mean."""
    many = len(values) > 200
    axes.plot(x, values, alpha=0.3 if many else 1.0, linewidth=1.2)
    if many:
        window = len(values) // 50
        mean = np.convolve(values, np.ones(window) / window, "valid")
        axes.plot(x[window // 2 : window // 2 + len(mean)], mean, color=CURVE_COLOURS[0], linewidth=1.6)


def _stage_starts(history: Sequence[Mapping]) -> list[int]:
    return [i for i, row in enumerate(history) if i == 0 or row["height"] != history[i - 1]["height"]]


def _shade_stages(axes, history: Sequence[Mapping], x: np.ndarray) -> None:
    starts = _stage_starts(history)
    for first, end in zip(starts, [*starts[1:], len(history)], strict=True):
        if first > 0:
            axes.axvline(x[first], color="0.4", linewidth=0.8, linestyle=(0, (4, 3)))
        fading = [i for i in range(first, end) if (history[i].get("fade") or 1) < 1 or history[i].get("fade") == 0]
        if fading:
            axes.axvspan(x[first], x[fading[-1]], color="0.9", linewidth=0)


def _name_stages(axes, history: Sequence[Mapping], x: np.ndarray) -> None:
    """Heights of the stages over the top panel, where the stage is wide enough for its name."""
    starts = _stage_starts(history)
    for first, end in zip(starts, [*starts[1:], len(history)], strict=True):
        middle, wide = (x[first] + x[end - 1]) / 2, (x[end - 1] - x[first]) / max(x[-1] - x[0], 1e-12)
        if wide > 0.11:
            axes.text(middle, 1.28, f"{history[first]['height']} px", transform=axes.get_xaxis_transform(),
                      ha="center", va="bottom")  # fmt: skip
