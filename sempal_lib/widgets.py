"""The palette explorer: sliders over a layout generator, alive with a kernel, linked frames without one.

A generator is anything with `.settings.num_classes`, `.settings.latent_dim`, `.size` (H, W) and
`.generate(z [B, Z], palette [B, C], iterations=1, exact=False)` -> int64 [B, H, W].
"""

import os
import time
from collections.abc import Sequence
from html import escape

import ipywidgets as ipw
import numpy as np
import torch

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import check_palette, palette_of
from sempal_lib.pictures import FRAME_WIDTH, array_of, frame_png, hex_colour, to_png

SMALL = 0.01  # classes with a smaller proportion are grouped after the others
SEEDS = 999
STEP = 1 / 1024  # of a slider; a power of two, so that a browser's arithmetic lands on it without rounding


def explore(generator, label_space: LabelSpace, palette, classes: Sequence[str] | None = None, seed: int = 0):
    """The explorer for a notebook: live sliders, or frames where the environment has SEMPAL_STATIC=1.

    Args:
        generator: see the module's head. palette: where to start, [C]. seed: of the noise.
        classes: names of the classes that get a slider; None for all, and for the four largest as frames.
    Returns:
        A widget; as a cell's last line it shows itself.
    Chapter: Progressive layouts, guided by a palette.
    """
    if os.environ.get("SEMPAL_STATIC") != "1":
        return PaletteExplorer(generator, label_space, palette, seed=seed, classes=classes)
    if classes is None:
        largest = np.argsort(-array_of(palette).reshape(-1), kind="stable")[:4]
        classes = [label_space.names[c] for c in largest]
    return sweep(generator, label_space, palette, classes, seed=seed)


def rescale(palette, index: int, value: float, locked, memory=None) -> np.ndarray:
    """Give one class a new proportion; the classes that are not locked share the rest in their present ratio.

    Args:
        palette: proportions, [C], sums to 1. index: the class that moves. value: its wished proportion.
        locked: bool [C]; these classes keep their proportion. A class that is locked itself does not move.
        memory: an earlier palette, [C], whose ratio is taken where all who could share are at 0.
    Returns:
        float64 [C], sums to 1. The wish is cut to what the locked classes leave, and raised to all of that
        where nobody can share the rest.
    """
    palette, locked = np.asarray(palette, np.float64), np.asarray(locked, bool)
    if locked[index]:
        return palette.copy()
    others = ~locked
    others[index] = False
    shares = np.where(others, palette, 0.0)
    if shares.sum() == 0 and memory is not None:
        shares = np.where(others, memory, 0.0)
    free = max(0.0, 1.0 - palette[locked].sum())
    wish = np.clip(value, 0.0, free) if shares.sum() > 0 else free
    moved = np.where(locked, palette, (free - wish) * shares / max(shares.sum(), np.finfo(float).tiny))
    moved[index] = wish
    return moved


def on_steps(palette) -> list[float]:
    """The palette rounded to the sliders' steps, still with the sum 1: the largest remainders round up.

    A browser corrects a slider that is set between two steps, and reports the correction as a move of its own:
    19 sliders that set each other would never rest. So they are only ever set to values on a step.
    """
    exact = np.asarray(palette, np.float64) / STEP
    steps = np.floor(exact + 1e-6)
    missing = round(1 / STEP - steps.sum())
    steps[np.argsort(steps - exact, kind="stable")[:missing]] += 1
    return (steps * STEP).tolist()


class PaletteExplorer(ipw.VBox):
    """One slider a class in the class's colour; the layout and its bars follow while a slider moves.

    Args:
        generator: see the module's head. palette: where to start, [C], sums to 1. seed: of the noise, ≥ 0.
        classes: names of the classes that get a slider, None for all; the others are rescaled all the same.
    Attributes:
        palette: the target now, float64 [C]. layout_now: int64 [H, W]. sliders, locks: by the class's name.
    Raises:
        ValueError: palette is none, or is not of the generator's classes. KeyError: unknown class name.
    Chapter: Progressive layouts, guided by a palette.
    """

    def __init__(self, generator, label_space: LabelSpace, palette, seed: int = 0, classes=None):
        _check_classes(generator, label_space)
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
        self.layout_now, realised = _generate(
            self.generator, self.label_space, self.palette[None], self.seed.value,
            iterations=self.iterations.value, exact=self.exact.value,
        )  # fmt: skip
        self.layout_now, realised = self.layout_now[0], realised[0]
        self.picture.value = to_png(self.layout_now, self.label_space, _scale(self.layout_now))
        self.bars.value = _bars_html(self.palette, realised, self.label_space, self._order)
        worst = int(np.abs(realised - self.palette).argmax())
        self.status.value = (
            f'<span class="sempal-sum">sum {self.palette.sum():.2f}</span> · off by '
            f"{abs(realised[worst] - self.palette[worst]):.3f} ({escape(self.label_space.names[worst])}) · "
            f"{1000 * (time.perf_counter() - begin):.0f} ms"
        )


def sweep(generator, label_space: LabelSpace, palette, classes: Sequence[str], steps: int = 9, seed: int = 0):
    """Frames of the generator's output behind linked sliders: moves on a static page, without a kernel.

    For each class its proportion goes from 0 up, the rest is rescaled, the noise stays. A menu chooses the
    class.

    Args:
        generator: see the module's head. palette: where the sweeps pass through, [C]. seed: of the noise.
        classes: names of the classes to sweep. steps: frames a class, ≥ 2; each costs about 6 KB of page.
    Chapter: Progressive layouts, guided by a palette.
    """
    _check_classes(generator, label_space)
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
    layouts, realised = _generate(generator, label_space, palettes, seed)
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


def _generate(generator, label_space, palettes: np.ndarray, seed: int, **options):
    """One layout a palette, all from the same noise: int64 [B, H, W] on the CPU, and their own palettes."""
    noise = torch.Generator().manual_seed(seed)
    z = torch.randn(1, generator.settings.latent_dim, generator=noise).expand(len(palettes), -1)
    device = next(generator.parameters()).device if isinstance(generator, torch.nn.Module) else "cpu"
    target = torch.as_tensor(palettes, dtype=torch.float32, device=device)
    layouts = generator.generate(z.to(device), target, **options).cpu()
    return layouts, palette_of(layouts, label_space.num_classes, label_space.ignore_index).double().numpy()


def _check_classes(generator, label_space: LabelSpace) -> None:
    if generator.settings.num_classes != label_space.num_classes:
        raise ValueError(
            f"the generator makes {generator.settings.num_classes} classes, the label space names "
            f"{label_space.num_classes}: take the label space of the data set that it was trained on"
        )


def _scale(layout) -> int:
    return max(1, FRAME_WIDTH // layout.shape[-1])


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
