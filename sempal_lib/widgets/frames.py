"""Sweeps over a palette: frames behind linked sliders, which move without a kernel."""

from collections.abc import Sequence

import ipywidgets as ipw
import numpy as np
import torch

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import check_palette
from sempal_lib.pictures import array_of, frame_png, hex_colour
from sempal_lib.widgets.painting import STYLES, check_painter, has_styles, paint, styles_at
from sempal_lib.widgets.shared import (
    MODES,
    beyond_real,
    check_classes,
    generate_layouts,
    linked_frames,
    mode_switch,
    paged,
    png_of,
    thinning,
)
from sempal_lib.widgets.simplex import rescale

MAX_BYTES = 270_000  # of all frames with pictures: with base 64 and the state of their widgets, under 450 KB of page
STYLE_STEPS = 2  # frames from each style on the path to the next
BARS = 6  # classes


def sweep(
    generator,
    label_space: LabelSpace,
    palette,
    classes: Sequence[str],
    steps: int = 9,
    seed: int = 0,
    painter=None,
    real=None,
):
    """Frames of the generator's output behind linked sliders: moves on a static page, without a kernel.

    For each class its proportion goes from 0 up, the rest is rescaled, the noise stays. A menu chooses the
    class, and without a painter a switch chooses one iteration, ten, or exact counts.

    Args:
        generator: see the package's head. palette: where the sweeps pass through, [C]. seed: of the noise.
        classes: names of the classes to sweep. steps: frames a class and way of the switch, ≥ 2; each costs about
            6 KB of page.
        painter: see the package's head; its picture comes beside each layout, and where it has styles, the menu
            has a page for them. Every second frame goes, until all are within 270 KB.
        real: palettes of real layouts, [N, C]: proportions that none of them has are marked as such.
    Raises:
        ValueError: nothing to sweep, a palette that is none, other classes, a painter that does not fit.
    Chapter: Progressive layouts, guided by a palette. Two generators, one loss.
    """
    check_classes(generator, label_space)
    if painter is not None:
        check_painter(painter, generator, label_space)
    if not classes or steps < 2:
        raise ValueError(f"{len(classes)} classes and {steps} steps make no sweep: give ≥ 1 class and ≥ 2 steps")
    start = check_palette(torch.as_tensor(array_of(palette)), label_space.num_classes)[0].double().numpy()
    names = list(classes)
    styled = has_styles(painter)
    models = generator, painter, label_space, seed, MAX_BYTES // (len(names) + styled)
    switch = mode_switch() if painter is None else None
    seen = None if real is None else array_of(real)
    pages = [_sweep_page(*models, start, label_space.index(name), steps, switch, seen) for name in names]
    if styled:
        names.append("style")
        pages.append(_style_page(*models, start))
    menu, stack = paged(names, pages)
    note = ipw.HTML("Frames that the trained model made. With a running notebook every class has a slider.")
    return ipw.VBox([menu, *([switch] if switch else []), stack, note])


def _sweep_page(
    generator, painter, label_space, seed: int, limit: int, start, index: int, steps: int, switch, real
) -> ipw.VBox:
    palettes = palettes_along(start, index, steps)
    # The class that moves comes first, then the largest ones; the same rows and scale in every frame.
    rest = [c for c in np.argsort(-palettes.mean(0), kind="stable") if c != index and start[c] > 0][: BARS - 1]
    shown = label_space, [index, *rest]
    ways = MODES.values() if painter is None else [MODES["1 iteration"]]
    made = [generate_layouts(generator, label_space, palettes, seed, **options) for options in ways]
    columns = [layout_frames(layouts, palettes, realised, *shown) for layouts, realised in made]
    if painter is not None:
        layouts, _ = made[0]
        pictures = paint(painter, layouts, styles_at(painter, torch.zeros(1), seed))
        columns.append([png_of(picture, label_space) for picture in pictures])
        step = thinning(columns, limit)
        palettes, columns = palettes[::step], [pngs[::step] for pngs in columns]
    return ipw.VBox(
        linked_frames(
            [_reading(index, value, real) for value in palettes[:, index]], columns, label_space.names[index],
            switch=switch, first=int(np.abs(palettes[:, index] - start[index]).argmin()),
            handle_color=hex_colour(label_space.colors[index]),
        )
    )  # fmt: skip


def palettes_along(start: np.ndarray, index: int, steps: int) -> np.ndarray:
    """Palettes through `start`, [steps, C], in which a class goes from 0 up and the others share the rest."""
    locked = np.zeros(len(start), bool)
    top = min(0.9, max(0.1, np.ceil(3 * start[index] * 20) / 20))  # as fractions of 1/20
    return np.stack([rescale(start, index, value, locked) for value in np.linspace(0, top, steps)])


def _reading(index: int, value: float, real) -> str:
    """What the slider reads: the proportion, and whether no real layout has it."""
    note = beyond_real(index, value, real)
    return f"{value:.3f}" + (f" ({note})" if note else "")


def _style_page(generator, painter, label_space, seed: int, limit: int, start) -> ipw.VBox:
    """The layout of the start, painted in the styles along their path."""
    layouts, realised = generate_layouts(generator, label_space, start[None], seed)
    largest = [c for c in np.argsort(-start, kind="stable") if start[c] > 0][:BARS]
    positions = torch.arange(STYLES * STYLE_STEPS) / STYLE_STEPS
    pictures = paint(painter, layouts.expand(len(positions), -1, -1), styles_at(painter, positions, seed))
    still = layout_frames(layouts, start[None], realised, label_space, largest)
    moving = [png_of(picture, label_space) for picture in pictures]
    step = thinning([still, moving], limit)
    options = [f"{position:.2f}" for position in positions[::step].tolist()]
    return ipw.VBox(linked_frames(options, [still, moving[::step]], "style"))


def layout_frames(layouts, palettes, realised, label_space, classes: Sequence[int]) -> list[bytes]:
    """Layouts over their bars, all of one scale."""
    top = float(max(palettes[:, classes].max(), realised[:, classes].max(), 0.01))
    return [
        frame_png(layout, target, made, label_space, classes, top)
        for layout, target, made in zip(layouts, palettes, realised, strict=True)
    ]
