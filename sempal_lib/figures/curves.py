"""Curves: of a training, over iterations, over components."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from sempal_lib.figures.style import CURVE_COLOURS, WIDTH, styled

CURVES = {
    "loss_g": "generator's loss",
    "loss_d": "discriminator's loss",
    "penalty": "gradient penalty",
    "entropy": "entropy loss",
    "spread": "spread loss",
    "matching": "matching of the palettes",
}
SPEED = "images_per_second"
# What else a row of a history holds, beside losses.
FACTS = ("step", "steps", "images", "stage", "height", "fade", "seconds", SPEED)


@styled
def training_curves(history: Sequence[Mapping], only: Sequence[str] | None = None) -> Figure:
    """Losses and speed over the real samples shown, one panel each.

    Args:
        history: rows with "images" (shown so far) and losses by name, each in a panel of its own; "images_per_second",
            in the last one. Where training has stages also "height" (px, of the stage) and "fade" (0 to 1; below 1
            the new resolution fades in): a dashed line is where a stage begins, shading is its fade.
        only: which of them, by name; None: all.
    """
    images = np.array([row["images"] for row in history], float)
    unit, name = (1e6, "million") if images.max() >= 2e6 else (1e3, "thousand") if images.max() >= 2e3 else (1, "")
    titles = {key: title for key, title in _titles(history).items() if only is None or key in only}
    figure, panels = plt.subplots(len(titles), 1, figsize=(WIDTH, 1.25 * len(titles) + 0.5), sharex=True, squeeze=False)
    staged = any(row.get("height") for row in history)
    for (key, title), axes in zip(titles.items(), panels[:, 0], strict=True):
        values = np.array([np.nan if row.get(key) is None else row[key] for row in history], float)
        _smooth_curve(axes, images / unit, values)
        axes.set_title(title)
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.margins(x=0.01)
        if staged:
            _shade_stages(axes, history, images / unit)
    if staged:
        _name_stages(panels[0, 0], history, images / unit)
    panels[-1, 0].set_xlabel(f"{name} real samples shown".strip())
    return figure


@styled
def sinkhorn_figure(iterations: Sequence[int], curves: Mapping[str, Sequence[float]]) -> Figure:
    """Metrics over the activation's number of iterations, one panel each.

    Args:
        curves: title to values, one a number of iterations.
    """
    figure, panels = plt.subplots(len(curves), 1, figsize=(WIDTH, 1.7 * len(curves) + 0.4), sharex=True, squeeze=False)
    for axes, (title, values) in zip(panels[:, 0], curves.items(), strict=True):
        axes.plot(iterations, values, marker="o")
        axes.set(title=title, ylim=(0, 1.1 * max(values)), xscale="log")
    axes.set_xlabel("Sinkhorn iterations")
    axes.xaxis.set_major_locator(FixedLocator(list(iterations)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    return figure


@styled
def aic_curve(components: Sequence[int], aic: Sequence[float], chosen: int) -> Figure:
    """Akaike's criterion over the mixture's number of components, the chosen one marked."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    axes.plot(components, aic, marker="o", markersize=4)
    axes.plot([chosen], [aic[list(components).index(chosen)]], "o", markersize=10, label=f"chosen: {chosen}")
    axes.set(xlabel="components", title="AIC, lower is better")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.legend()
    return figure


def _titles(history: Sequence[Mapping]) -> dict[str, str]:
    """Panel titles by key, of what has values: the known losses in their order, the others, the speed."""
    present = dict.fromkeys(key for row in history for key, value in row.items() if value is not None)
    others = [key for key in present if key not in CURVES and key not in FACTS]
    titles = {key: title for key, title in CURVES.items() if key in present}
    titles |= {key: key.replace("_", " ") for key in others}
    titles |= {SPEED: "images per second"} if SPEED in present else {}
    if not titles:
        raise ValueError("no loss to draw: the rows of the history hold none")
    return titles


def _smooth_curve(axes, x: np.ndarray, values: np.ndarray) -> None:
    """The values, faint where there are many, with their running mean."""
    many = len(values) > 200
    axes.plot(x, values, alpha=0.3 if many else 1.0, linewidth=1.2)
    if many:
        window = len(values) // 50
        mean = np.convolve(values, np.ones(window) / window, "valid")
        axes.plot(x[window // 2 : window // 2 + len(mean)], mean, color=CURVE_COLOURS[0], linewidth=1.6)


def _stage_starts(history: Sequence[Mapping]) -> list[int]:
    return [i for i, row in enumerate(history) if i == 0 or row.get("height") != history[i - 1].get("height")]


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
