"""Regions of a layout: their checks, their palettes, their outline. Shared by the region editor and its frames."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import check_palette, palette_of
from sempal_lib.pictures import array_of
from sempal_lib.widgets.painting import check_painter
from sempal_lib.widgets.shared import check_classes

NO_CLASS = 255  # in a saved layout, as data sets have it


def check_start(generator, layout, label_space: LabelSpace, painter=None) -> Tensor:
    """The layout to edit as int64 [H, W] on the CPU, or a ValueError that says what does not fit."""
    check_classes(generator, label_space)
    if painter is not None:
        check_painter(painter, generator, label_space)
    if label_space.num_classes > 255:
        raise ValueError(f"{label_space.num_classes} classes do not fit a label map of 8 bits: edit with 255 at most")
    labels = array_of(layout)
    if labels.shape != tuple(generator.size) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"layout is {labels.dtype} {list(labels.shape)}, expected integers {list(generator.size)} as the generator "
            "makes them: load the scenes in that size, and take one of them"
        )
    label_space.check(labels, "layout")
    return torch.as_tensor(labels.astype(np.int64))


def check_region(region, layout: Tensor) -> Tensor:
    """The region as bool [H, W] on the CPU, or a ValueError: another size than the layout's, or empty."""
    marked = torch.as_tensor(array_of(region))
    if marked.dtype != torch.bool or marked.shape != layout.shape:
        raise ValueError(
            f"region is {str(marked.dtype).removeprefix('torch.')} {list(marked.shape)}, expected bool "
            f"{list(layout.shape)} like the layout: mark each pixel of the layout as in the region or not"
        )
    if not marked.any():
        raise ValueError("the region is empty: mark at least one pixel")
    return marked.clone()


def check_wish(palette, label_space: LabelSpace) -> np.ndarray:
    """A palette to ask for, float64 [C], or a ValueError that says why it is none."""
    checked = check_palette(torch.as_tensor(array_of(palette)), label_space.num_classes)[0].double().numpy()
    return checked / checked.sum()


def edited(generator, layout: Tensor, region: Tensor, palette: np.ndarray, seed: int, **options) -> Tensor:
    """The layout with the region filled by the generator, int64 [H, W]. options: one of `MODES`."""
    return generator.edit(layout, region, torch.as_tensor(palette, dtype=torch.float32), seed=seed, **options).cpu()


def region_palette(layout: Tensor, region: Tensor, label_space: LabelSpace) -> np.ndarray:
    """What stands in a region, float64 [C], sums to 1; of the whole layout where all of the region is ignored."""
    for pixels in (layout[region], layout.flatten()):
        palette = palette_of(pixels[None, None], label_space.num_classes, label_space.ignore_index)[0].double().numpy()
        if palette.sum() > 0:
            return palette / palette.sum()
    return np.full(label_space.num_classes, 1 / label_space.num_classes)  # nothing but ignored pixels


def outlined(layout: Tensor, region: Tensor, width: int, label_space: LabelSpace) -> Tensor:
    """A layout enlarged in whole pixels up to a width, with the region's outline as pixels of no class.

    Args:
        layout: int64 [H, W]. region: bool [H, W]. width: in px.
    Returns:
        int64 [k H, k W]; the outline, num_classes, lies within the region and is 2 px wide.
    """
    scale = max(1, width // layout.shape[1])
    large, inside = (x.repeat_interleave(scale, 0).repeat_interleave(scale, 1) for x in (layout, region))
    outside = (~inside).float()[None, None]
    near = torch.nn.functional.max_pool2d(torch.nn.functional.pad(outside, (2, 2, 2, 2), value=1.0), 5, 1)[0, 0] > 0
    return torch.where(near & inside, label_space.num_classes, large)


def box_of(region: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
    """First row and the one after the last, and the columns alike, of the box around a region; of all if it is none."""
    if not region.any():
        return (0, region.shape[0]), (0, region.shape[1])
    ends = [region.any(axis).nonzero().flatten() for axis in (1, 0)]
    rows, columns = ((int(places[0]), int(places[-1]) + 1) for places in ends)
    return rows, columns


def label_image(layout: Tensor, label_space: LabelSpace) -> Image.Image:
    """A layout as an image of 8 bits whose values are the classes, with their colours as its colour table."""
    classed = (layout >= 0) & (layout < label_space.num_classes)
    image = Image.fromarray(torch.where(classed, layout, NO_CLASS).to(torch.uint8).numpy())
    table = np.zeros((256, 3), np.uint8)
    table[: label_space.num_classes] = label_space.colors
    image.putpalette(table.tobytes())
    return image
