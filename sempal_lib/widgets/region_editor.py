"""The region editor: mark a part of a layout, say its palette, and a generator fills it anew."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import ipywidgets as ipw
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sempal_lib.labels import LabelSpace
from sempal_lib.layout_gans.partial import rectangle
from sempal_lib.pictures import pixels_of
from sempal_lib.widgets.editor import Editor
from sempal_lib.widgets.history import History
from sempal_lib.widgets.painting import paint, styles_at
from sempal_lib.widgets.palette_sliders import PaletteSliders
from sempal_lib.widgets.region_canvas import BRUSH, RECTANGLE, RegionCanvas
from sempal_lib.widgets.region_frames import region_frames
from sempal_lib.widgets.regions import (
    box_of,
    check_region,
    check_start,
    check_wish,
    edited,
    label_image,
    region_palette,
)
from sempal_lib.widgets.shared import (
    MODES,
    as_wide_as_a_frame,
    beside,
    is_static,
    mode_switch,
    png_of,
    seed_controls,
)

MORE = "a slider for …"


def edit_region(
    generator,
    layout,
    label_space: LabelSpace,
    painter=None,
    region=None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    folder: str | Path = "edits",
):
    """The region editor for a notebook: live, or frames of edits where the environment has SEMPAL_STATIC=1.

    Args:
        generator, painter: see the package's head. layout: what is edited, int64 [H, W].
        region: where to start, bool [H, W]; None: the middle on a static page, and nothing marked in a live one.
        classes: as `RegionEditor` has them; on a static page, None for the three largest of the region.
        seed: of the noise. folder: where *save* writes.
    Returns:
        A widget; as a cell's last line it shows itself.
    Raises:
        ValueError, KeyError: as `RegionEditor`.
    Chapter: Changing a part.
    """
    if is_static():
        return region_frames(generator, layout, label_space, painter, region, classes, seed)
    editor = RegionEditor(generator, layout, label_space, painter, classes, seed, folder)
    if region is not None:
        editor.select(region)
    return editor


@dataclass(frozen=True)
class _Edit:
    """What the editor shows: a layout, and the region and wishes that made it of the layout before."""

    before: Tensor  # int64 [H, W]
    region: Tensor  # bool [H, W]; none is marked at the start
    palette: np.ndarray  # asked for within the region, float64 [C]
    seed: int
    mode: str
    layout: Tensor  # int64 [H, W]; outside the region as before
    filled: bool = False  # whether the generator made the region


class RegionEditor(Editor):
    """Mark a region, move the sliders of its palette: the generator fills it, and outside no pixel changes.

    Marking alone changes nothing. A slider or *new fill* fills the region; after that the next region is marked on
    what is shown, so that edits add up. Moves of one slider in a row are one step of *undo*.

    Args:
        generator, painter: see the package's head. layout: where to start, int64 [H, W] of the generator's size.
        classes: names of classes that get a slider at once, beside those of the layout. Others come by a menu.
        seed: of the noise, ≥ 0. folder: where *save* writes.
    Attributes:
        layout_now: int64 [H, W]. region: bool [H, W]. palette: asked for within the region, float64 [C].
        picture_now: float32 [3, H, W] in [-1, 1]; None without a painter.
    Raises:
        ValueError: a layout of another size or with labels that are no class; a generator or painter of other
            classes; more than 255 classes. KeyError: unknown class name.
    Chapter: Changing a part.
    """

    def __init__(self, generator, layout, label_space: LabelSpace, painter=None, classes=None, seed=0, folder="edits"):
        self.generator, self.label_space, self.painter = generator, label_space, painter
        self.folder = Path(folder)
        self.picture_now: Tensor | None = None
        self._painted: Tensor | None = None  # the layout that the picture is of
        layout = check_start(generator, layout, label_space, painter)
        whole = region_palette(layout, torch.ones_like(layout, dtype=torch.bool), label_space)
        none = torch.zeros_like(layout, dtype=torch.bool)
        self._start = _Edit(layout, none, whole, seed, next(iter(MODES)), layout)
        self._history = History(self._start)
        self._offered = {label_space.index(name) for name in classes or ()}  # and what is in a palette
        self._make_canvas(*layout.shape)
        self._make_controls(seed)
        self.dials = PaletteSliders(label_space, whole, self._slide)
        self.sliders, self.locks = self.dials.sliders, self.dials.locks
        super().__init__(children=[self._arrange()])
        self._show()

    @property
    def layout_now(self) -> Tensor:
        return self._history.now.layout

    @property
    def region(self) -> Tensor:
        return self._history.now.region

    @property
    def palette(self) -> np.ndarray:
        return self._history.now.palette

    def select(self, region, key=None) -> None:
        """Mark a region, bool [H, W]; its palette begins as what stands there. Raises ValueError for an empty one."""
        now = self._history.now
        region = check_region(region, now.layout)
        palette = region_palette(now.layout, region, self.label_space)
        self._history.push(replace(now, before=now.layout, region=region, palette=palette, filled=False), key)
        self._show()

    def rectangle(self, top: int, left: int, height: int, width: int, key=None) -> None:
        """Mark a rectangle, in px. Raises ValueError for one that is empty or reaches out of the layout."""
        rows, columns = self.layout_now.shape
        self.select(rectangle((rows, columns), top, left, height, width), key)

    def fill(self, palette=None, seed: int | None = None, mode: str | None = None, key=None) -> None:
        """Fill the region by the generator; what is None stays.

        Args:
            palette: proportions within the region, [C], sums to 1. seed: of the noise. mode: a key of `MODES`.
            key: as `History.push` has it.
        Raises:
            ValueError: no region is marked, a palette that is none, or what the generator raises.
        """
        begin, now = time.perf_counter(), self._history.now
        if not now.region.any():
            raise ValueError("no region is marked: drag over the layout, or move the sliders of rows and columns")
        wish = now.palette if palette is None else check_wish(palette, self.label_space)
        asked = replace(now, palette=wish, seed=now.seed if seed is None else seed, mode=mode or now.mode)
        made = edited(self.generator, now.before, now.region, wish, asked.seed, **MODES[asked.mode])
        self._history.push(replace(asked, layout=made, filled=True), key)
        self._show(begin)

    def reset(self) -> None:
        """Back to the layout of the start; can be undone."""
        self._history.push(self._start)
        self._show()

    def save(self) -> list[Path]:
        """As `Editor.save`: a PNG whose 8-bit values are the classes (255: none); with a painter the picture too."""
        images = {"layout": label_image(self.layout_now, self.label_space)}
        if self.picture_now is not None:
            images["picture"] = Image.fromarray(pixels_of(self.picture_now))
        return self._write(images)

    def _make_canvas(self, rows: int, columns: int) -> None:
        wide = ipw.Layout(width="auto", max_width="520px", min_width="0")
        style = {"description_width": "88px"}
        self.canvas = RegionCanvas(rows, columns, lambda region: self._try(lambda: self.select(region)))
        self.canvas.layout = as_wide_as_a_frame()
        self.painting = ipw.Image(format="png", layout=as_wide_as_a_frame())
        self.status = ipw.HTML(layout=wide)
        self.tool = ipw.ToggleButtons(
            options=[RECTANGLE, BRUSH], style={"button_width": "auto"}, layout=ipw.Layout(width="auto"),
            tooltips=["drag from corner to corner", "paint; each stroke adds to the region until it is filled"],
        )  # fmt: skip
        self.brush = ipw.IntSlider(
            max(1, rows // 8), 1, max(1, rows // 2), description="brush, px", layout=wide, style=style
        )
        ipw.link((self.tool, "value"), (self.canvas, "tool"))
        ipw.link((self.brush, "value"), (self.canvas, "brush"))
        self.rows, self.columns = (
            ipw.IntRangeSlider(value=(0, count), min=0, max=count, description=name, layout=wide, style=style)
            for name, count in (("rows", rows), ("columns", columns))
        )
        for ends in (self.rows, self.columns):
            ends.observe(lambda _: self._ask(self._resize), "value")

    def _make_controls(self, seed: int) -> None:
        wide = ipw.Layout(width="auto", max_width="520px", min_width="0")
        self.mode = mode_switch()
        self.seed, self.next_seed = seed_controls(seed, "noise seed", "new fill", continuous_update=False, layout=wide)
        self.next_seed.layout.width = "92px"
        self.more = ipw.Dropdown(options=[MORE], layout=ipw.Layout(width="auto", max_width="220px"))
        self.mode.observe(lambda change: self._ask(lambda: self.fill(mode=change["new"])), "value")
        self.seed.observe(lambda change: self._ask(lambda: self.fill(seed=change["new"])), "value")
        self.more.observe(lambda change: self._offer(change["new"]), "value")
        self._make_buttons()
        self.lines = ipw.VBox(layout=ipw.Layout(max_height="300px", overflow="auto", flex="0 0 auto"))

    def _arrange(self) -> ipw.Box:
        wrap = ipw.Layout(flex_flow="row wrap", align_items="center")
        marks = [self.tool, self.brush, self.rows, self.columns]
        acts = ipw.Box([self.next_seed, *self.buttons.values()], layout=wrap)
        wishes = [self.lines, self.more, self.seed, self.mode]
        if self.painter is None:
            return beside([self.canvas, self.status, acts], [*marks, *wishes])
        pictures = beside([self.canvas, self.status, acts], [self.painting])
        return ipw.VBox([pictures, beside(marks, wishes)])

    def _slide(self, index: int) -> None:
        self._ask(lambda: self.fill(self.dials.palette, key=("slider", index)))

    def _resize(self) -> None:
        (top, bottom), (left, right) = self.rows.value, self.columns.value
        self.rectangle(top, left, bottom - top, right - left, key="rectangle")

    def _offer(self, name: str) -> None:
        if name != MORE:
            self._offered.add(self.label_space.index(name))
            self._show_sliders()

    def _show(self, begin: float | None = None) -> None:
        now, marked = self._history.now, bool(self.region.any())
        self._busy = True
        try:
            self.dials.set(now.palette.copy(), self._start.palette)
            self.seed.value, self.mode.value = now.seed, now.mode
            self.rows.value, self.columns.value = box_of(now.region)
        finally:
            self._busy = False
        self._offered |= set(np.flatnonzero(now.palette).tolist())
        self._show_sliders()
        self.dials.disable(not marked)
        for control in (self.seed, self.next_seed, self.mode):
            control.disabled = not marked
        self._show_buttons()
        self.canvas.grows = not now.filled
        self.canvas.show(now.layout, now.region, self.label_space)
        self._paint()
        self._tell(self._report(), begin)

    def _show_sliders(self) -> None:
        self.lines.children = self.dials.lines(sorted(self._offered))
        others = [name for c, name in enumerate(self.label_space.names) if c not in self._offered]
        self.more.options = [MORE, *others]

    def _report(self) -> str:
        now = self._history.now
        count, share = int(now.region.sum()), float(now.region.float().mean())
        if not count:
            return "Drag a rectangle on the layout, or paint with the brush."
        if not now.filled:
            return f"{count} px marked ({share:.0%}): move a slider, or press new fill."
        made = region_palette(now.layout, now.region, self.label_space)
        worst = int(np.abs(made - now.palette).argmax())
        name, shares = self.label_space.names[worst], f"asked {now.palette[worst]:.3f}, made {made[worst]:.3f}"
        return f"{count} px filled ({share:.0%}) · {name}: {shares}"

    def _paint(self) -> None:
        layout = self.layout_now
        if self.painter is None or layout is self._painted:
            return
        style = styles_at(self.painter, torch.zeros(1), self._start.seed)  # one style for all edits
        self.picture_now, self._painted = paint(self.painter, layout[None], style)[0], layout
        self.painting.value = png_of(self.picture_now, self.label_space)
