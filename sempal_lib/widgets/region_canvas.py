"""The canvas on which a region of a layout is marked: by mouse, finger or keys, as a rectangle or with a brush."""

from collections.abc import Callable
from pathlib import Path

import anywidget
import numpy as np
import torch
import traitlets
from torch import Tensor

from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import FRAME_WIDTH

RECTANGLE, BRUSH = "rectangle", "brush"


class RegionCanvas(anywidget.AnyWidget):
    """A layout, enlarged in whole pixels, with the outline of a region; its script lies beside this file.

    Args:
        rows, columns: of the layout, H and W. marked: called with the region that was marked by hand, bool [H, W].
    Attributes:
        tool: RECTANGLE or BRUSH. brush: its width in layout pixels. grows: whether the brush adds to the region.
    Chapter: Changing a part.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = """
    .sempal-region-canvas { display: block; width: calc(100% - 4px); margin: 2px; } /* as pictures stand */
    .sempal-region-canvas { image-rendering: pixelated; cursor: crosshair; }
    .sempal-region-canvas { touch-action: none; user-select: none; } /* a finger marks, it does not scroll */
    .sempal-region-canvas:focus-visible { outline: 3px solid #1976d2; outline-offset: 2px; }
    """
    rows = traitlets.Int().tag(sync=True)
    columns = traitlets.Int().tag(sync=True)
    shown_width = traitlets.Int(FRAME_WIDTH).tag(sync=True)
    pixels = traitlets.Bytes().tag(sync=True)  # RGB
    region = traitlets.Bytes().tag(sync=True)  # 0 or 1 a pixel
    tool = traitlets.Enum((RECTANGLE, BRUSH), RECTANGLE).tag(sync=True)
    brush = traitlets.Int(1, min=1).tag(sync=True)
    grows = traitlets.Bool(True).tag(sync=True)
    answers = traitlets.Int().tag(sync=True)  # how many regions from the browser were seen to

    def __init__(self, rows: int, columns: int, marked: Callable[[Tensor], None]):
        blank = bytes(rows * columns)
        super().__init__(rows=rows, columns=columns, pixels=3 * blank, region=blank)
        self._marked = marked
        self.on_msg(self._hear)

    def show(self, layout: Tensor, region: Tensor, label_space: LabelSpace) -> None:
        """Show a layout, int64 [H, W], and the outline of a region, bool [H, W]."""
        with self.hold_sync():
            self.pixels = label_space.colourise(layout).numpy().tobytes()
            self.region = region.numpy().astype(np.uint8).tobytes()

    def _hear(self, _, content: dict, buffers: list) -> None:
        if content.get("kind") != "region":
            return
        marked = np.frombuffer(buffers[0], np.uint8) != 0
        try:
            self._marked(torch.from_numpy(marked).view(self.rows, self.columns))
        finally:
            self.answers += 1  # also where nothing changed: the browser drops its own drawing
