"""The palette explorer, alive with a kernel: a slider a class, the layout follows."""

import time
from collections.abc import Sequence
from html import escape

import ipywidgets as ipw
import numpy as np
import torch

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import check_palette
from sempal_lib.pictures import FRAME_WIDTH, array_of, hex_colour, to_png
from sempal_lib.widgets.frames import sweep
from sempal_lib.widgets.shared import SEEDS, check_classes, generate_layouts, is_static, scale_of
from sempal_lib.widgets.simplex import STEP, on_steps, rescale

SMALL = 0.01  # classes with a smaller proportion are grouped after the others


def explore(generator, label_space: LabelSpace, palette, classes: Sequence[str] | None = None, seed: int = 0):
    """The explorer for a notebook: live sliders, or frames where the environment has SEMPAL_STATIC=1.

    Args:
        generator: see the package's head. palette: where to start, [C]. seed: of the noise.
        classes: names of the classes that get a slider; None for all, and for the four largest as frames.
    Returns:
        A widget; as a cell's last line it shows itself.
    Chapter: Progressive layouts, guided by a palette.
    """
    if not is_static():
        return PaletteExplorer(generator, label_space, palette, seed=seed, classes=classes)
    if classes is None:
        largest = np.argsort(-array_of(palette).reshape(-1), kind="stable")[:4]
        classes = [label_space.names[c] for c in largest]
    return sweep(generator, label_space, palette, classes, seed=seed)


class PaletteExplorer(ipw.VBox):
    """One slider a class in the class's colour; the layout and its bars follow while a slider moves.

    Args:
        generator: see the package's head. palette: where to start, [C], sums to 1. seed: of the noise, ≥ 0.
        classes: names of the classes that get a slider, None for all; the others are rescaled all the same.
    Attributes:
        palette: the target now, float64 [C]. layout_now: int64 [H, W]. sliders, locks: by the class's name.
    Raises:
        ValueError: palette is none, or is not of the generator's classes. KeyError: unknown class name.
    Chapter: Progressive layouts, guided by a palette.
    """

    def __init__(self, generator, label_space: LabelSpace, palette, seed: int = 0, classes=None):
        check_classes(generator, label_space)
        self.generator, self.label_space = generator, label_space
        start = check_palette(torch.as_tensor(array_of(palette)), label_space.num_classes)[0].double().numpy()
        self._start = start / start.sum()
        self._start_seed = seed
        self._order = np.argsort(-start, kind="stable")  # of the bars; stays while they move
        # The last palette with several classes: when one has taken all, the others come back in its ratio.
        self.palette = self._memory = self._start.copy()
        self._busy = False
        names = label_space.names if classes is None else classes
        self._shown = [label_space.index(name) for name in names]
        self._make_controls(seed)
        self._make_sliders()
        super().__init__(children=[self._arrange()])
        self._redraw()

    def _make_controls(self, seed: int) -> None:
        wide = ipw.Layout(width="auto", max_width="520px", min_width="0")
        self.picture = ipw.Image(format="png", layout=ipw.Layout(width="100%", max_width=f"{FRAME_WIDTH}px"))
        self.bars = ipw.HTML(layout=wide)
        self.status = ipw.HTML(layout=wide)
        self.seed = ipw.IntSlider(seed, 0, max(SEEDS, seed), description="noise seed", layout=wide)
        self.next_seed = ipw.Button(description="new seed", icon="refresh", layout=ipw.Layout(width="110px"))
        self.reset = ipw.Button(description="reset", icon="undo", layout=ipw.Layout(width="90px"))
        self.exact = ipw.Checkbox(
            False, description="exact", indent=False, layout=ipw.Layout(width="70px"),
            tooltip="pixel counts equal the target to within one pixel per class",
        )  # fmt: skip
        self.iterations = ipw.Dropdown(
            options=[1, 2, 5, 10], description="iterations", layout=ipw.Layout(width="160px"),
            tooltip="Sinkhorn iterations of the activation; the paper takes one",
        )  # fmt: skip
        self.next_seed.on_click(lambda _: setattr(self.seed, "value", (self.seed.value + 1) % (SEEDS + 1)))
        self.reset.on_click(lambda _: self._reset())
        for control in (self.seed, self.exact, self.iterations):
            control.observe(lambda _: self._redraw(), "value")

    def _make_sliders(self) -> None:
        self.sliders: dict[str, ipw.FloatSlider] = {}
        self.locks: dict[str, ipw.ToggleButton] = {}
        values = on_steps(self.palette)
        for c in self._shown:
            name = self.label_space.names[c]
            slider = ipw.FloatSlider(
                values[c], min=0, max=1, step=STEP, readout_format=".3f", description=name,
                style={"description_width": "88px", "handle_color": hex_colour(self.label_space.colors[c])},
                layout=ipw.Layout(flex="1 1 auto", width="auto", min_width="0"),
            )  # fmt: skip
            lock = ipw.ToggleButton(
                icon="unlock", tooltip=f"keep the proportion of {name}", layout=ipw.Layout(width="36px")
            )
            slider.observe(lambda change, c=c: self._slide(c, change["new"]), "value")
            lock.observe(lambda _: self._lock(), "value")
            self.sliders[name], self.locks[name] = slider, lock

    def _arrange(self) -> ipw.Box:
        def rows(classes, height: str) -> ipw.VBox:
            names = [self.label_space.names[c] for c in classes]
            whole = ipw.Layout(flex="0 0 auto")
            lines = [ipw.HBox([self.sliders[name], self.locks[name]], layout=whole) for name in names]
            # The boxes scroll and do not squeeze their rows, so that the picture stays in sight.
            return ipw.VBox(lines, layout=ipw.Layout(max_height=height, overflow="auto", flex="0 0 auto"))

        main = [c for c in self._shown if self._start[c] >= SMALL]
        small = [c for c in self._shown if self._start[c] < SMALL]
        controls = ipw.Box(
            [self.iterations, self.exact, self.next_seed, self.reset],
            layout=ipw.Layout(flex_flow="row wrap", align_items="center"),
        )
        groups = [rows(main, "370px")] * bool(main)
        if small:
            groups += [ipw.HTML(f"<b>classes that start below {SMALL:.0%}</b>"), rows(small, "180px")]
        column = {"min_width": "0", "max_width": f"{FRAME_WIDTH + 8}px", "flex": "1 1 300px"}
        left = ipw.VBox([self.picture, self.status, self.bars], layout=ipw.Layout(**column))
        right = ipw.VBox([*groups, self.seed, controls], layout=ipw.Layout(**column))
        return ipw.Box([left, right], layout=ipw.Layout(flex_flow="row wrap", grid_gap="12px", width="100%"))

    def _slide(self, index: int, value: float) -> None:
        if self._busy:  # the move of another slider set this one
            return
        self._set(rescale(self.palette, index, value, self._locked(), self._memory))

    def _set(self, palette: np.ndarray) -> None:
        self.palette = palette
        if np.count_nonzero(palette[~self._locked()]) > 1:
            self._memory = palette.copy()
        self._busy = True
        try:
            values = on_steps(palette)
            for c in self._shown:
                self.sliders[self.label_space.names[c]].value = values[c]
        finally:
            self._busy = False
        self._redraw()

    def _locked(self) -> np.ndarray:
        locked = np.zeros(self.label_space.num_classes, bool)
        for c in self._shown:
            locked[c] = self.locks[self.label_space.names[c]].value
        return locked

    def _lock(self) -> None:
        for name, lock in self.locks.items():
            self.sliders[name].disabled = lock.value
            lock.icon = "lock" if lock.value else "unlock"

    def _reset(self) -> None:
        for lock in self.locks.values():
            lock.value = False
        self._busy = True
        try:
            self.seed.value, self.exact.value, self.iterations.value = self._start_seed, False, 1
        finally:
            self._busy = False
        self._set(self._start.copy())

    def _redraw(self) -> None:
        if self._busy:
            return
        begin = time.perf_counter()
        self.layout_now, realised = generate_layouts(
            self.generator, self.label_space, self.palette[None], self.seed.value,
            iterations=self.iterations.value, exact=self.exact.value,
        )  # fmt: skip
        self.layout_now, realised = self.layout_now[0], realised[0]
        self.picture.value = to_png(self.layout_now, self.label_space, scale_of(self.layout_now))
        self.bars.value = _bars_html(self.palette, realised, self.label_space, self._order)
        worst = int(np.abs(realised - self.palette).argmax())
        self.status.value = (
            f'<span class="sempal-sum">sum {self.palette.sum():.2f}</span> · off by '
            f"{abs(realised[worst] - self.palette[worst]):.3f} ({escape(self.label_space.names[worst])}) · "
            f"{1000 * (time.perf_counter() - begin):.0f} ms"
        )


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
