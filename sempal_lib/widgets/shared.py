"""What the widgets share: their generator's contract, its samples, the size of a picture, and common controls."""

import os
from collections.abc import Sequence

import ipywidgets as ipw
import numpy as np
import torch

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import palette_of
from sempal_lib.pictures import FRAME_WIDTH, picture_png, to_png

SEEDS = 999
# How a layout is made of scores, as the explorer's switch has it, and what `generate` is told.
MODES: dict[str, dict[str, int | bool]] = {
    "1 iteration": {"iterations": 1}, "10 iterations": {"iterations": 10}, "exact": {"exact": True},
}  # fmt: skip


def is_static() -> bool:
    """Whether widgets are made for a page without a kernel: the environment has SEMPAL_STATIC=1."""
    return os.environ.get("SEMPAL_STATIC") == "1"


def check_classes(generator, label_space: LabelSpace) -> None:
    if generator.settings.num_classes != label_space.num_classes:
        raise ValueError(
            f"the generator makes {generator.settings.num_classes} classes, the label space names "
            f"{label_space.num_classes}: take the label space of the data set that it was trained on"
        )


def generate_layouts(generator, label_space, palettes: np.ndarray, seed: int, **options):
    """One layout a palette, all from the same noise: int64 [B, H, W] on the CPU, and their own palettes."""
    noise = torch.Generator().manual_seed(seed)
    z = torch.randn(1, generator.settings.latent_dim, generator=noise).expand(len(palettes), -1)
    device = next(generator.parameters()).device if isinstance(generator, torch.nn.Module) else "cpu"
    target = torch.as_tensor(palettes, dtype=torch.float32, device=device)
    layouts = generator.generate(z.to(device), target, **options).cpu()
    return layouts, palette_of(layouts, label_space.num_classes, label_space.ignore_index).double().numpy()


def mode_switch() -> ipw.ToggleButtons:
    """The switch between MODES."""
    return ipw.ToggleButtons(
        options=list(MODES), style={"button_width": "auto"},
        layout=ipw.Layout(width="auto", max_width=f"{FRAME_WIDTH}px"),
        tooltips=[
            "of the activation, as the paper has it", "of Sinkhorn's algorithm, which the activation begins",
            "pixel counts equal the target to within one pixel per class",
        ],
    )  # fmt: skip


def beyond_real(index: int, value: float, real: np.ndarray | None) -> str:
    """A note on a proportion that no real layout has; empty within their range, or where there is none to tell.

    Args:
        index: of the class. value: its proportion. real: palettes of real layouts, [N, C].
    """
    if real is None or real[:, index].min() <= value <= real[:, index].max():
        return ""
    return f"real: {real[:, index].min():.3f} to {real[:, index].max():.3f}"


def png_of(sample, label_space: LabelSpace) -> bytes:
    """Layout [H, W] or picture [3, H, W] as PNG, as wide as a frame."""
    scale = max(1, FRAME_WIDTH // sample.shape[-1])
    return picture_png(sample, scale) if sample.ndim == 3 else to_png(sample, label_space, scale)


def as_wide_as_a_frame() -> ipw.Layout:
    return ipw.Layout(width="100%", max_width=f"{FRAME_WIDTH}px")


def seed_controls(seed: int, description: str, button: str, **layout) -> tuple[ipw.IntSlider, ipw.Button]:
    """A slider for a seed, and a button that takes the next one."""
    slider = ipw.IntSlider(seed, 0, max(SEEDS, seed), description=description, **layout)
    following = ipw.Button(description=button, icon="refresh", layout=ipw.Layout(width="110px"))
    following.on_click(lambda _: setattr(slider, "value", (slider.value + 1) % (SEEDS + 1)))
    return slider, following


def beside(*columns: Sequence[ipw.Widget]) -> ipw.Box:
    """Columns side by side on a desktop, one below the other on a phone."""
    column = {"min_width": "0", "max_width": f"{FRAME_WIDTH + 8}px", "flex": "1 1 300px"}
    boxes = [ipw.VBox(list(widgets), layout=ipw.Layout(**column)) for widgets in columns]
    return ipw.Box(boxes, layout=ipw.Layout(flex_flow="row wrap", grid_gap="12px", width="100%"))


def thinning(columns: Sequence[Sequence[bytes]], limit: int) -> int:
    """The smallest step, a power of two, with which every step-th frame of all columns is within `limit` bytes.

    Two frames of the longest column always stay.
    """
    step, length = 1, max(map(len, columns))
    while sum(len(png) for column in columns for png in column[::step]) > limit and 2 * step < length:
        step *= 2
    return step


def linked_frames(
    options: Sequence[str],
    columns: Sequence[Sequence[bytes]],
    description: str,
    first: int = 0,
    switch: ipw.ToggleButtons | None = None,
    **style,
) -> list[ipw.Widget]:
    """A slider and the frames behind it, linked in the browser: they move without a kernel.

    Args:
        options: what the slider reads at each frame. first: which is shown at the start.
        columns: PNG files, in each column one an option, or a single one that stays.
        switch: shows one of the columns, by its number. description, style: of the slider.
    Returns:
        The slider, and the column that moves with it; of several columns, a box of them, or what the switch shows.
    """
    wide = as_wide_as_a_frame()
    slider = ipw.SelectionSlider(
        options=options, index=first, description=description, layout=wide, style={"description_width": "auto", **style}
    )
    stacks = []
    for pngs in columns:
        frames = [ipw.Image(value=png, format="png", layout=wide) for png in pngs]
        if len(frames) == 1:
            stacks.append(frames[0])
            continue
        stacks.append(ipw.Stack(children=frames, selected_index=first))
        ipw.jslink((slider, "index"), (stacks[-1], "selected_index"))
    if switch is not None:
        shown = ipw.Stack(children=stacks, selected_index=0)
        ipw.jslink((switch, "index"), (shown, "selected_index"))
        return [slider, shown]
    return [slider, stacks[0] if len(stacks) == 1 else beside(*([stack] for stack in stacks))]


def frames_page(
    reads: Sequence[str], columns: Sequence[Sequence[bytes]], description: str, first: int, limit: int, **style
) -> ipw.VBox:
    """`linked_frames`, of which so many are left out that all are within `limit` bytes. reads: as its options."""
    step = thinning(columns, limit)
    kept, reads = [pngs[::step] for pngs in columns], reads[::step]
    return ipw.VBox(linked_frames(reads, kept, description, min(round(first / step), len(reads) - 1), **style))


def paged(names: Sequence[str], pages: Sequence[ipw.Widget]) -> tuple[ipw.ToggleButtons, ipw.Stack]:
    """A menu and the page that it shows, linked in the browser."""
    stack = ipw.Stack(children=pages, selected_index=0)
    menu = ipw.ToggleButtons(
        options=names, index=0, description="", style={"button_width": "auto"},
        layout=ipw.Layout(width="auto", max_width=f"{FRAME_WIDTH}px"),
    )  # fmt: skip
    ipw.jslink((menu, "index"), (stack, "selected_index"))
    return menu, stack
