"""A slider for the share of the frame that each part of a face is to have, over a bar of what it has."""

from collections.abc import Callable, Mapping
from math import ceil

import ipywidgets as ipw
from torch import Tensor

from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import hex_colour
from sempal_lib.widgets.face_parts import shares_of
from sempal_lib.widgets.simplex import STEP

_LEAST_END = 1 / 32  # of the frame; where a slider ends at the earliest


class FaceSliders:
    """One slider a part, from none up to half as much again as any face has.

    Args:
        parts: as `parts_of` gives them. palettes: of faces, [M, C]. moved: called with the part that a hand moved.
    Attributes:
        sliders: by the part's name, in shares of the frame. box: all of them.
    Chapter: Editing faces.
    """

    def __init__(
        self, label_space: LabelSpace, parts: Mapping[str, list[int]], palettes: Tensor, moved: Callable[[str], None]
    ):
        self.label_space, self.parts = label_space, parts
        self.sliders, self._bars = {}, {}
        lines = []
        for part, classes in parts.items():
            most = float(palettes[:, classes].sum(1).max())
            slider = ipw.FloatSlider(
                0, min=0, max=min(1.0, max(_LEAST_END, ceil(1.5 * most * 32) / 32)), step=STEP, readout_format=".1%",
                description=part, layout=ipw.Layout(width="auto", min_width="0"),
                style={"description_width": "88px", "handle_color": hex_colour(label_space.colors[classes[0]])},
            )  # fmt: skip
            slider.observe(lambda _, part=part: moved(part), "value")
            bar = ipw.HTML(layout=ipw.Layout(width="auto", min_width="0", margin="-6px 2px 4px 2px"))
            self.sliders[part], self._bars[part] = slider, bar
            lines.append(ipw.VBox([slider, bar], layout=ipw.Layout(flex="1 1 300px", min_width="0")))
        wrap = {"flex_flow": "row wrap", "grid_gap": "0 16px", "max_height": "420px", "overflow": "auto"}
        self.box = ipw.Box(lines, layout=ipw.Layout(flex="0 0 auto", **wrap))

    def show(self, wishes: Mapping[str, float], base: Tensor, layout: Tensor) -> None:
        """Show what is asked of a layout [H, W], or what it has, and what an edited one has."""
        stood, stands = (shares_of(y, self.label_space.num_classes) for y in (base, layout))
        for part, classes in self.parts.items():
            slider, has = self.sliders[part], float(stands[classes].sum())
            wish = wishes.get(part, float(stood[classes].sum()))
            slider.value = min(round(wish / STEP) * STEP, slider.max)
            self._bars[part].value = _bar(has, slider.max, hex_colour(self.label_space.colors[classes[0]]))


def _bar(has: float, end: float, colour: str) -> str:
    """A bar as long as the slider above it would be for this share, and the share in words."""
    return (
        '<div style="display:flex;align-items:center;font-size:11px;line-height:14px">'
        '<div style="flex:0 0 100px"></div>'
        f'<div style="flex:1 1 0;height:6px;background:#e8e8e8"><div style="height:6px;width:{min(1, has / end):.1%};'
        f'background:{colour}"></div></div>'
        f'<div style="flex:0 0 80px;text-align:right">has {has:.1%}</div></div>'
    )
