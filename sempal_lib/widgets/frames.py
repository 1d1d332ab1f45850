"""Sweeps over a palette: frames behind linked sliders, which move without a kernel."""

from collections.abc import Sequence

import ipywidgets as ipw
import numpy as np
import torch

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import check_palette
from sempal_lib.pictures import FRAME_WIDTH, array_of, frame_png, hex_colour
from sempal_lib.widgets.shared import check_classes, generate_layouts
from sempal_lib.widgets.simplex import rescale


def sweep(generator, label_space: LabelSpace, palette, classes: Sequence[str], steps: int = 9, seed: int = 0):
    """Frames of the generator's output behind linked sliders: moves on a static page, without a kernel.

    For each class its proportion goes from 0 up, the rest is rescaled, the noise stays. A menu chooses the
    class.

    Args:
        generator: see the package's head. palette: where the sweeps pass through, [C]. seed: of the noise.
        classes: names of the classes to sweep. steps: frames a class, ≥ 2; each costs about 6 KB of page.
    Chapter: Progressive layouts, guided by a palette.
    """
    check_classes(generator, label_space)
    if not classes or steps < 2:
        raise ValueError(f"{len(classes)} classes and {steps} steps make no sweep: give ≥ 1 class and ≥ 2 steps")
    start = check_palette(torch.as_tensor(array_of(palette)), label_space.num_classes)[0].double().numpy()
    pages = [_sweep_page(generator, label_space, start, label_space.index(name), steps, seed) for name in classes]
    stack = ipw.Stack(children=pages, selected_index=0)
    menu = ipw.ToggleButtons(
        options=list(classes), index=0, description="", style={"button_width": "auto"},
        layout=ipw.Layout(width="auto", max_width=f"{FRAME_WIDTH}px"),
    )  # fmt: skip
    ipw.jslink((menu, "index"), (stack, "selected_index"))
    note = ipw.HTML("Frames that the trained model made. With a running notebook every class has a slider.")
    return ipw.VBox([menu, stack, note])


def _sweep_page(generator, label_space, start: np.ndarray, index: int, steps: int, seed: int) -> ipw.VBox:
    locked = np.zeros(len(start), bool)
    top = min(0.9, max(0.1, np.ceil(3 * start[index] * 20) / 20))  # as fractions of 1/20
    palettes = np.stack([rescale(start, index, value, locked) for value in np.linspace(0, top, steps)])
    layouts, realised = generate_layouts(generator, label_space, palettes, seed)
    # The class that moves comes first, then the largest ones; the same rows and scale in every frame.
    rest = [c for c in np.argsort(-palettes.mean(0), kind="stable") if c != index and start[c] > 0][:5]
    scale = float(max(palettes[:, [index, *rest]].max(), realised[:, [index, *rest]].max(), 0.01))
    frames = [
        ipw.Image(
            value=frame_png(layout, target, made, label_space, [index, *rest], scale), format="png",
            layout=ipw.Layout(width="100%", max_width=f"{FRAME_WIDTH}px"),
        )
        for layout, target, made in zip(layouts, palettes, realised, strict=True)
    ]  # fmt: skip
    first = int(np.abs(palettes[:, index] - start[index]).argmin())
    stack = ipw.Stack(children=frames, selected_index=first)
    slider = ipw.SelectionSlider(
        options=[f"{value:.3f}" for value in palettes[:, index]], index=first,
        description=label_space.names[index],
        style={"description_width": "auto", "handle_color": hex_colour(label_space.colors[index])},
        layout=ipw.Layout(width="100%", max_width=f"{FRAME_WIDTH}px"),
    )  # fmt: skip
    ipw.jslink((slider, "index"), (stack, "selected_index"))
    return ipw.VBox([slider, stack])
