"""Edits of a region as frames behind linked sliders, which move without a kernel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as ipw
import numpy as np
import torch
from torch import Tensor

from sempal_lib.labels import LabelSpace
from sempal_lib.layout_gans.partial import rectangle
from sempal_lib.pictures import FRAME_WIDTH, hex_colour
from sempal_lib.widgets.frames import BARS, MAX_BYTES, layout_frames, palettes_along
from sempal_lib.widgets.painting import paint, styles_at
from sempal_lib.widgets.regions import check_region, check_start, edited, outlined, region_palette
from sempal_lib.widgets.shared import MODES, frames_page, paged, png_of

CLASSES = 3  # that get a page, where none are named
STEPS, FILLS = 7, 6  # frames along a class's proportion, and of the noise


def region_frames(
    generator,
    layout,
    label_space: LabelSpace,
    painter=None,
    region=None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> ipw.VBox:
    """One region of one layout, filled for many palettes and from many seeds.

    A menu chooses: a class, whose proportion in the region goes from 0 up while the noise stays; or *fills*, where
    the palette is the one that stood there and the noise changes.

    Args:
        generator, layout, painter, region, classes, seed: as in `edit_region`.
    Raises:
        ValueError, KeyError: as `RegionEditor`.
    Chapter: Changing a part.
    """
    layout = check_start(generator, layout, label_space, painter)
    region = _middle(layout) if region is None else check_region(region, layout)
    start = region_palette(layout, region, label_space)
    if classes is None:
        largest = np.argsort(-start, kind="stable")[:CLASSES]
        classes = [label_space.names[c] for c in largest if start[c] > 0]
    limit = MAX_BYTES // (len(classes) + 1)
    frames = _Frames(generator, layout, label_space, painter, region, start, seed, limit)
    pages = [frames.of_class(label_space.index(name)) for name in classes]
    menu, stack = paged([*classes, "fills"], [*pages, frames.of_seeds()])
    note = ipw.HTML(
        "Frames that the trained model made of the region in the black frame; outside no pixel of the layout changes. "
        "With a running notebook you mark regions of your own, each class has a slider, and what you see can be saved."
    )
    return ipw.VBox([menu, stack, note])


def _middle(layout: Tensor) -> Tensor:
    rows, columns = layout.shape
    return rectangle((rows, columns), rows // 4, columns // 4, rows - rows // 2, columns - columns // 2)


@dataclass(frozen=True)
class _Frames:
    generator: Any
    layout: Tensor  # int64 [H, W]
    label_space: LabelSpace
    painter: Any
    region: Tensor  # bool [H, W]
    start: np.ndarray  # what stands in the region, float64 [C]
    seed: int
    limit: int  # bytes of a page's frames

    def of_class(self, index: int) -> ipw.VBox:
        """A class's proportion goes from 0 up, the others share the rest."""
        palettes, name = palettes_along(self.start, index, STEPS), self.label_space.names[index]
        # The class that moves comes first, then the largest ones; the same rows and scale in every frame.
        order = np.argsort(-palettes.mean(0), kind="stable")
        shown = [index, *[c for c in order if c != index and self.start[c] > 0][: BARS - 1]]
        reads = [f"{value:.3f}" for value in palettes[:, index]]
        first = int(np.abs(palettes[:, index] - self.start[index]).argmin())
        colour = hex_colour(self.label_space.colors[index])
        return self._page(palettes, [self.seed] * STEPS, shown, reads, name, first, handle_color=colour)

    def of_seeds(self) -> ipw.VBox:
        """The palette that stood there, from several seeds."""
        seeds = range(self.seed, self.seed + FILLS)
        shown = [c for c in np.argsort(-self.start, kind="stable") if self.start[c] > 0][:BARS]
        return self._page(np.tile(self.start, (FILLS, 1)), seeds, shown, [*map(str, seeds)], "noise seed", 0)

    def _page(self, palettes, seeds, shown, reads, description: str, first: int, **style) -> ipw.VBox:
        made = torch.stack(
            [
                edited(self.generator, self.layout, self.region, palette, seed, **MODES["1 iteration"])
                for palette, seed in zip(palettes, seeds, strict=True)
            ]
        )
        realised = np.stack([region_palette(layout, self.region, self.label_space) for layout in made])
        drawn = [outlined(layout, self.region, FRAME_WIDTH, self.label_space) for layout in made]
        columns = [layout_frames(drawn, palettes, realised, self.label_space, shown)]
        if self.painter is not None:
            pictures = paint(self.painter, made, styles_at(self.painter, torch.zeros(1), self.seed))
            columns.append([png_of(picture, self.label_space) for picture in pictures])
        return frames_page(reads, columns, description, first, self.limit, **style)
