"""Palettes: asked for and made, between two, of a whole data set."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from sempal_lib.figures.style import (
    DASHES,
    WIDTH,
    class_legend,
    class_rows,
    colourise,
    colours,
    legend_columns,
    styled,
    target_and_realised,
)
from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import palette_of
from sempal_lib.pictures import array_of, hex_colour


@styled
def palette_bars(target, realised, label_space: LabelSpace) -> Figure:
    """Target and realised proportions of each class that has any, the largest on top.

    Args:
        target: palette asked for, [C]. realised: palette of one layout, [C], or of several, [K, C]: then the
            bars are their mean and the whiskers their standard deviation.
    """
    target, realised = array_of(target), np.atleast_2d(array_of(realised))
    mean = realised.mean(0)
    classes = [c for c in np.argsort(-target, kind="stable") if target[c] > 0 or mean[c] > 0]
    figure, axes, rows = class_rows(label_space, classes)
    axes.barh(rows, mean[classes], 0.5, color=colours(label_space, classes))
    axes.barh(rows, target[classes], 0.84, **DASHES)
    if len(realised) > 1:
        axes.errorbar(mean[classes], rows, xerr=realised.std(0)[classes], fmt="none", ecolor="0.15", capsize=2)
    axes.set(xlabel="proportion of the layout", xlim=(0, None))
    axes.legend(handles=target_and_realised(), loc="lower right")
    return figure


@styled
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
    key = 0.25 * -(-len(classes) // legend_columns(label_space, classes)) + 0.45
    figure = plt.figure(figsize=(WIDTH, rows * (picture + 1.15) + key))
    grid = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[picture, 1.0] * rows)
    top = 1.05 * max(palettes.max(), realised.max())
    for axes in grid.flat:
        axes.set_axis_off()
    for k, (target, layout) in enumerate(zip(palettes, layouts, strict=True)):
        above, below = grid[2 * (k // columns) : 2 * (k // columns) + 2, k % columns]
        above.imshow(colourise(layout, label_space), interpolation="nearest", aspect="equal")
        below.bar(range(len(classes)), realised[k, classes], 0.62, color=colours(label_space, classes))
        below.bar(range(len(classes)), target[classes], 0.92, **DASHES | {"linewidth": 0.9})
        below.axhline(0, color="0.15", linewidth=0.8)
        below.set_ylim(0, top)
    figure.legend(handles=target_and_realised(), loc="outside upper center", ncols=2)
    class_legend(figure, label_space, classes, "outside lower center")
    return figure


@styled
def class_error_bars(errors, label_space: LabelSpace) -> Figure:
    """Mean absolute error of each class's proportion, the largest on top.

    Args:
        errors: fractions of the layout, [C]; classes with NaN are left out.
    """
    errors = array_of(errors)
    classes = [c for c in np.argsort(-errors, kind="stable") if np.isfinite(errors[c])]
    figure, axes, rows = class_rows(label_space, classes)
    axes.barh(rows, errors[classes], 0.7, color=colours(label_space, classes))
    axes.set(xlabel="error of the proportion", xlim=(0, None))
    return figure


@styled
def proportion_scatter(target, realised, label_space: LabelSpace, floor: float = 1e-4) -> Figure:
    """Realised over target proportion, one dot a layout and class, on logarithmic axes.

    Args:
        target, realised: palettes, [N, C].
        floor: smaller proportions are drawn there, as zero has no logarithm.
    """
    target, realised = array_of(target), array_of(realised)
    classes = np.flatnonzero(target.max(0) > 0)
    rows = -(-len(classes) // legend_columns(label_space, classes))
    figure = plt.figure(figsize=(WIDTH, 4.4 + 0.25 * rows))
    axes = figure.subplots()
    _scatter(axes, target, realised, label_space, classes, floor)
    axes.set(xlabel="target proportion", ylabel="realised proportion")
    class_legend(figure, label_space, classes, "outside lower center")
    return figure


@styled
def soft_and_hard_scatter(
    target, soft, hard, label_space: LabelSpace, notes: tuple[str, str] = ("", ""), floor: float = 1e-4
) -> Figure:
    """What soft layouts hold of each class, and what the hard ones made of them do, over what was asked for.

    Args:
        target, soft, hard: palettes, [N, C]; asked for, of the soft layouts, of the hard ones.
        notes: what to write over the panels, such as their palette KL.
        floor: smaller proportions are drawn there, as zero has no logarithm.
    """
    target, soft, hard = (array_of(palettes) for palettes in (target, soft, hard))
    classes = np.flatnonzero(target.max(0) > 0)
    rows = -(-len(classes) // legend_columns(label_space, classes))
    figure = plt.figure(figsize=(WIDTH, 2.9 + 0.25 * rows))
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, name, realised, note in zip(panels, ("soft layouts", "hard layouts"), (soft, hard), notes, strict=True):
        _scatter(axes, target, realised, label_space, classes, floor)
        axes.set(title=f"{name}\n{note}" if note else name, xlabel="target proportion")
        middle, least = np.sqrt(floor), f"≤ {floor:.4g}"
        for axis, names in ((axes.xaxis, ("", f"{middle:.3g}", "1")), (axes.yaxis, (least, f"{middle:.3g}", "1"))):
            axis.set_major_locator(FixedLocator([floor, middle, 1.0]))
            axis.set_major_formatter(FixedFormatter(names))
            axis.set_minor_locator(NullLocator())
    panels[0].set_ylabel("realised proportion")
    class_legend(figure, label_space, classes, "outside lower center")
    return figure


@styled
def control_curves(classes, shares, made: Mapping[str, Any], real, label_space: LabelSpace) -> Figure:
    """What layouts hold of a class over what was asked for, one panel a class; the range of real layouts is shaded.

    Args:
        classes: the panels, [J], at most 6. shares: asked for, [J, S].
        made: name of a curve to what was made from each of K palettes, [K, J, S]; the curve is their mean.
        real: palettes of real layouts, [N, C].
    """
    classes, shares, real = array_of(classes), array_of(shares), array_of(real)
    rows = -(-len(classes) // 2)
    figure, panels = plt.subplots(rows, 2, figsize=(WIDTH, 2.3 * rows + 0.7), sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(classes) :]:
        axes.set_axis_off()
    for j, (c, axes) in enumerate(zip(classes, panels.flat, strict=False)):
        axes.axvspan(real[:, c].min(), real[:, c].max(), color="0.88", linewidth=0)
        axes.plot([0, 1], [0, 1], color="0.4", linewidth=1)
        for values, marker in zip(made.values(), "osD^v", strict=False):
            axes.plot(shares[j], array_of(values)[:, j].mean(0), marker=marker, markersize=4)
        axes.set(title=label_space.names[c], xlim=(0, 1), ylim=(0, 1), aspect="equal")
    names = ["range of real layouts", "as asked", *made]
    figure.legend(
        [Patch(color="0.88"), *panels[0, 0].lines], names, loc="outside upper center", ncols=3, columnspacing=1.2
    )
    figure.supxlabel("share asked for", fontsize=11)
    figure.supylabel("share made", fontsize=11)
    return figure


@styled
def palette_statistics(palettes, label_space: LabelSpace) -> Figure:
    """Mean proportion of each class on a logarithmic axis; at the right, in how many layouts it occurs.

    Args:
        palettes: [N, C]. Classes that never occur are left out.
    """
    palettes = array_of(palettes)
    mean = palettes.mean(0)
    classes = [c for c in np.argsort(-mean, kind="stable") if mean[c] > 0]
    figure, axes, rows = class_rows(label_space, classes)
    axes.barh(rows, mean[classes], 0.7, color=colours(label_space, classes))
    # From a power of ten to 1: the axis always has two numbers to read it by.
    lowest = 0.999 * 10.0 ** np.floor(np.log10(mean[classes].min()))
    axes.set(xscale="log", xlim=(lowest, 1), xlabel="mean proportion of the layout")
    axes.xaxis.set_minor_formatter(NullFormatter())
    shares = axes.twinx()
    shares.set(ylim=axes.get_ylim(), ylabel="layouts that hold the class")
    shares.set_yticks(rows, [f"{share:.0%}" for share in (palettes[:, classes] > 0).mean(0)])
    shares.tick_params(length=0)
    return figure


@styled
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


def _scatter(axes, target, realised, label_space: LabelSpace, classes, floor: float) -> None:
    """Realised over target proportion where a class was asked for, on logarithmic axes, with the diagonal."""
    axes.plot([floor, 1], [floor, 1], color="0.4", linewidth=1)
    for c in classes:
        asked = target[:, c] > 0
        x, y = (values[asked, c].clip(floor, 1) for values in (target, realised))
        axes.scatter(x, y, 16, color=hex_colour(label_space.colors[c]), edgecolor="0.2", linewidth=0.3)
    axes.set(xscale="log", yscale="log", aspect="equal")
