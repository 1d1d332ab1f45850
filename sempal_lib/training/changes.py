"""What plain augmentation changes in a batch: the view, the colours, and whose things stand in it."""

from collections.abc import Collection

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from sempal_lib.labels import LabelSpace

# Classes whose pixels fall into things that can be counted, by the names of the street data sets.
THINGS = frozenset(
    (
        "person pedestrian rider bicyclist car truck bus train motorcycle bicycle caravan trailer autorickshaw animal"
    ).split()
)


def random_view(
    images: Tensor, labels: Tensor, shares: tuple[float, float], random: torch.Generator, fill: int
) -> tuple[Tensor, Tensor]:
    """A random part of each picture, resized to the whole: bilinear, its labels by the nearest pixel.

    Args:
        images: float [B, 3, H, W]. labels: integer [B, H, W]. shares: least and most of the part's sides, of the
            picture's; above 1 the picture shrinks, and what is beside it has its border's colours.
        random: on the tensors' device. fill: the label of what is beside it.
    Returns:
        Both in their shapes, labels int64.
    Chapter: Does synthetic data help?
    """
    count, device = len(images), images.device
    least, most = shares
    share = least + (most - least) * torch.rand(count, generator=random, device=device)
    # Of coordinates from -1 to 1 the part takes 2 · share: its middle may lie so far from the picture's.
    x, y = (1 - share) * (2 * torch.rand(2, count, generator=random, device=device) - 1)
    none = torch.zeros_like(share)
    theta = torch.stack([share, none, x, none, share, y], 1).view(count, 2, 3)
    grid = F.affine_grid(theta, [count, 1, *images.shape[2:]], align_corners=False)
    seen = F.grid_sample(images, grid, "bilinear", "border", align_corners=False)
    shifted = (labels[:, None] - fill).double()  # so that the zeros beside the picture become `fill`
    told = F.grid_sample(shifted, grid.double(), "nearest", "zeros", align_corners=False)[:, 0]
    return seen, told.long() + fill


def colour_jitter(images: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """Other light: brightness, contrast and saturation, each by a factor from 1 - strength to 1 + strength.

    Args:
        images: float [B, 3, H, W] in [-1, 1]. strength: in [0, 1]. random: on their device.
    Returns:
        float [B, 3, H, W] in [-1, 1].
    Chapter: Does synthetic data help?
    """
    drawn = torch.rand(3, len(images), 1, 1, 1, generator=random, device=images.device)
    brightness, contrast, saturation = 1 + strength * (2 * drawn - 1)
    seen = (images + 1) / 2 * brightness
    middle = _grey(seen).mean((2, 3), keepdim=True)
    seen = middle + contrast * (seen - middle)
    grey = _grey(seen)
    return (grey + saturation * (seen - grey)).clamp(0, 1) * 2 - 1


def _grey(images: Tensor) -> Tensor:
    """How light the eye takes colours for, [B, 1, H, W]."""
    return 0.299 * images[:, :1] + 0.587 * images[:, 1:2] + 0.114 * images[:, 2:]


def pasted(
    pair: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], instances: Tensor, chosen: Tensor
) -> tuple[Tensor, Tensor]:
    """Copy-paste: the chosen things of other pictures, put over a batch, with their labels.

    Args:
        pair, other: pictures [B, 3, H, W] and layouts [B, H, W]. instances: numbers of the things in `other`,
            integer [B, H, W], 0 where there is none. chosen: whether a thing is taken, bool [numbers]; 0 never is.
    Source: Ghiasi et al. 2021, Simple Copy-Paste, §3, without the blurred edges, which they find to change nothing.
    Chapter: Does synthetic data help?
    """
    taken = chosen[instances.long()] & (instances > 0)
    return torch.where(taken[:, None], other[0], pair[0]), torch.where(taken, other[1], pair[1])


def components(layouts: Tensor, things: Collection[int]) -> Tensor:
    """Things of layouts where nobody has told them apart: connected pixels of a class, corners count.

    Args:
        layouts: uint8 [N, H, W]. things: classes that have any.
    Returns:
        int32 [N, H, W]: 0 for no thing, else its number, which no other thing of the set has.
    """
    plane = np.zeros((3, 3, 3), bool)
    plane[1] = True  # neighbours lie in the same layout
    found, last = np.zeros(layouts.shape, np.int32), 0
    for thing in things:
        numbers, count = ndimage.label(layouts.numpy() == thing, plane)
        found += np.where(numbers > 0, numbers + last, 0).astype(np.int32)
        last += count
    return torch.from_numpy(found)


def thing_classes(space: LabelSpace) -> list[int]:
    """The classes of a label space that are things. Raises ValueError if there is none to be copied."""
    found = [index for index, name in enumerate(space.names) if name.lower() in THINGS]
    if not found:
        raise ValueError(
            f"copy-paste needs classes of things, and {', '.join(space.names[:6])}, … have none of "
            f"{', '.join(sorted(THINGS))}: leave copy_paste out"
        )
    return found
