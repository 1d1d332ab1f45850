"""The palette explorer, alive with a kernel: a slider a class, the layout follows."""

import time
from collections.abc import Sequence
from html import escape

import ipywidgets as ipw
import numpy as np
import torch

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import check_palette
from sempal_lib.pictures import array_of, hex_colour
from sempal_lib.widgets.frames import sweep
from sempal_lib.widgets.latents import path_slider
from sempal_lib.widgets.painting import STYLES, check_painter, has_styles, paint, styles_at
from sempal_lib.widgets.palette_sliders import PaletteSliders
from sempal_lib.widgets.shared import (
    MODES,
    as_wide_as_a_frame,
    beside,
    beyond_real,
    check_classes,
    generate_layouts,
    is_static,
    mode_switch,
    png_of,
    seed_controls,
)

SMALL = 0.01  # classes with a smaller proportion are grouped after the others


def explore(
    generator,
    label_space: LabelSpace,
    palette,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    painter=None,
    real=None,
):
    """The explorer for a notebook: live sliders, or frames where the environment has SEMPAL_STATIC=1.

    Args:
        generator, painter: see the package's head. palette: where to start, [C]. seed: of the noise and of the styles.
        classes: names of the classes that get a slider; None for all, and as frames for the three largest, with
            a painter that has styles two.
        real: palettes of real layouts, [N, C]: where none of them is, the widget says so.
    Returns:
        A widget; as a cell's last line it shows itself.
    Raises:
        ValueError: as `PaletteExplorer` and `sweep`.
    Chapter: Progressive layouts, guided by a palette. Two generators, one loss.
    """
    if not is_static():
        return PaletteExplorer(generator, label_space, palette, seed, classes, painter, real)
    count, steps = (3 if painter is None else 3 - has_styles(painter)), 7  # the page must stay light
    if classes is None:
        largest = np.argsort(-array_of(palette).reshape(-1), kind="stable")[:count]
        classes = [label_space.names[c] for c in largest]
    return sweep(generator, label_space, palette, classes, steps, seed, painter, real)


class PaletteExplorer(ipw.VBox):
    """One slider a class in the class's colour; the layout and its bars follow while a slider moves.

    With a painter its picture of the layout follows too; one that has styles gets a slider along a path of them.

    Args:
        generator: see the package's head. palette: where to start, [C], sums to 1.
        seed: of the noise and of the styles, ≥ 0. painter: see the package's head.
        classes: names of the classes that get a slider, None for all; the others are rescaled all the same.
        real: palettes of real layouts, [N, C]: a share of the class moved last that none of them has is marked.
    Attributes:
        palette: the target now, float64 [C]. layout_now: int64 [H, W]. sliders, locks: by the class's name.
        mode: the switch between one iteration, ten, and exact counts.
        picture_now: float32 [3, H, W] in [-1, 1]; None without a painter.
        style, style_seed: the sliders of the style; next_style: the button for the next seed.
    Raises:
        ValueError: palette is none, or is not of the generator's classes; the painter is of other classes, or its
            size is no whole multiple of the generator's. KeyError: unknown class name.
    Chapter: Progressive layouts, guided by a palette. Two generators, one loss.
    """

    def __init__(
        self, generator, label_space: LabelSpace, palette, seed: int = 0, classes=None, painter=None, real=None
    ):
        check_classes(generator, label_space)
        if painter is not None:
            check_painter(painter, generator, label_space)
        self.generator, self.label_space, self.painter = generator, label_space, painter
        self.picture_now: torch.Tensor | None = None
        start = check_palette(torch.as_tensor(array_of(palette)), label_space.num_classes)[0].double().numpy()
        self._start = start / start.sum()
        self._start_seed = seed
        self._order = np.argsort(-start, kind="stable")  # of the bars; stays while they move
        self._busy = False
        self._real = None if real is None else array_of(real)
        self._moved: int | None = None  # the class whose slider moved last
        names = label_space.names if classes is None else classes
        self._shown = [label_space.index(name) for name in names]
        self._make_controls(seed)
        self.dials = PaletteSliders(label_space, self._start, self._slide, self._shown)
        self.sliders, self.locks = self.dials.sliders, self.dials.locks
        super().__init__(children=[self._arrange()])
        self._redraw()

    def _make_controls(self, seed: int) -> None:
        wide = ipw.Layout(width="auto", max_width="520px", min_width="0")
        self.picture = ipw.Image(format="png", layout=as_wide_as_a_frame())
        self.painting = ipw.Image(format="png", layout=as_wide_as_a_frame())
        self.bars = ipw.HTML(layout=wide)
        self.status = ipw.HTML(layout=wide)
        self.seed, self.next_seed = seed_controls(seed, "noise seed", "new seed", layout=wide)
        self.style = path_slider(STYLES, "style", layout=wide)
        self.style_seed, self.next_style = seed_controls(seed, "style's seed", "new styles", layout=wide)
        self.reset = ipw.Button(description="reset", icon="undo", layout=ipw.Layout(width="90px"))
        self.mode = mode_switch()
        self.reset.on_click(lambda _: self._reset())
        for control in (self.seed, self.mode):
            control.observe(lambda _: self._redraw(), "value")
        for control in (self.style, self.style_seed):
            control.observe(lambda _: self._repaint(), "value")

    def _arrange(self) -> ipw.Box:
        main = [c for c in self._shown if self._start[c] >= SMALL]
        small = [c for c in self._shown if self._start[c] < SMALL]
        styled = has_styles(self.painter)
        controls = ipw.Box(
            [self.mode, self.next_seed, *[self.next_style] * styled, self.reset],
            layout=ipw.Layout(flex_flow="row wrap", align_items="center"),
        )
        groups = [self.dials.rows(main, "370px")] * bool(main)
        if small:
            groups += [ipw.HTML(f"<b>classes that start below {SMALL:.0%}</b>"), self.dials.rows(small, "180px")]
        settings = [*groups, self.seed, *[self.style_seed] * styled, controls]
        if self.painter is None:
            return beside([self.picture, self.status, self.bars], settings)
        # The style's slider stays with the picture, which alone follows it.
        pictures = beside([self.picture, self.status], [self.painting, *[self.style] * styled])
        return ipw.VBox([pictures, beside([self.bars], settings)])

    @property
    def palette(self) -> np.ndarray:
        return self.dials.palette

    def _slide(self, index: int) -> None:
        self._moved = index
        self._redraw()

    def _reset(self) -> None:
        self.dials.unlock()
        self._busy = True
        try:
            self.seed.value, self.mode.index = self._start_seed, 0
            self._moved = None
            self.style.value, self.style_seed.value = 0, self._start_seed
        finally:
            self._busy = False
        self.dials.set(self._start.copy())
        self._redraw()

    def _redraw(self) -> None:
        if self._busy:
            return
        begin = time.perf_counter()
        self.layout_now, realised = generate_layouts(
            self.generator, self.label_space, self.palette[None], self.seed.value, **MODES[self.mode.value]
        )
        self.layout_now, realised = self.layout_now[0], realised[0]
        self.picture.value = png_of(self.layout_now, self.label_space)
        self._repaint()
        self.bars.value = _bars_html(self.palette, realised, self.label_space, self._order)
        # Of the class that was moved; before any was, of the one that is furthest off.
        told = int(np.abs(realised - self.palette).argmax()) if self._moved is None else self._moved
        note = beyond_real(told, self.palette[told], self._real)
        self.status.value = (
            f'<span class="sempal-sum">sum {self.palette.sum():.2f}</span> · '
            f"{escape(self.label_space.names[told])}: asked {self.palette[told]:.3f}, made {realised[told]:.3f}"
            f"{f' ({note})' if note else ''} · {1000 * (time.perf_counter() - begin):.0f} ms"
        )

    def _repaint(self) -> None:
        if self._busy or self.painter is None:
            return
        z = styles_at(self.painter, torch.tensor([self.style.value]), self.style_seed.value)
        self.picture_now = paint(self.painter, self.layout_now[None], z)[0]
        self.painting.value = png_of(self.picture_now, self.label_space)


def _bars_html(target: np.ndarray, realised: np.ndarray, label_space: LabelSpace, order) -> str:
    """Horizontal bars: dashed outline for the target, solid for the realised; only classes that have any."""
    top = max(target.max(), realised.max())
    rows = []
    for c in order:
        if max(target[c], realised[c]) < 0.0005:  # would read 0.000
            continue
        ends = [f"{100 * values[c] / top:.1f}%" for values in (target, realised)]
        rows.append(
            f'<span style="text-align:right">{escape(label_space.names[c])}</span>'
            '<span style="position:relative;height:16px">'
            f'<span style="position:absolute;top:3px;height:10px;width:{ends[1]};'
            f'background:{hex_colour(label_space.colors[c])}"></span>'
            '<span style="position:absolute;top:0;height:14px;box-sizing:content-box;'
            f'border:1px dashed;border-left:0;width:{ends[0]}"></span></span>'
            f"<span>{target[c]:.3f} / {realised[c]:.3f}</span>"
        )
    # All rows on a wide screen; on a phone nine, and the rest by scrolling, so that the sliders stay near.
    # Always of one height: a row that vanishes must not move the sliders under the reader's hand.
    return (
        '<div style="display:grid;grid-template-columns:max-content 1fr max-content;gap:1px 8px;'
        'align-content:start;line-height:16px;font-size:13px;height:clamp(175px,30vw,345px);overflow:auto">'
        "<span></span><span>dashed: target, solid: realised</span><span></span>" + "".join(rows) + "</div>"
    )
