"""Metrics of layouts that were edited in part: what the region holds, and how it fits what is around it."""

import torch
from torch import Tensor

from sempal_lib.checks import check_alike, check_layout
from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import PartialGenerator
from sempal_lib.layout_gans.partial import budget, cropped
from sempal_lib.metrics.layouts import (
    frechet_segmentation_distance,
    grid_segmentation_distance,
    palette_kl,
    proportion_error,
)
from sempal_lib.palettes import palette_of

_IGNORED = 255


def palette_within(layouts: Tensor, regions: Tensor, num_classes: int) -> Tensor:
    """Palettes of what lies within regions.

    Args:
        layouts: integer [N, H, W]; 255 counts in none. regions: bool [N, H, W].
    Returns:
        [N, C]; all 0 where a region has no pixel of any class.
    Chapter: Changing a part.
    """
    check_alike(layouts, regions, ("layouts", "regions"))
    return palette_of(torch.where(regions, layouts.long(), _IGNORED), num_classes, _IGNORED)


def edge_shares(layouts: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
    """How often neighbours, left and right or above and below, are of unlike classes: within regions, and across.

    Args:
        layouts: integer [N, H, W]; pairs with a pixel of 255 do not count. regions: bool [N, H, W].
    Returns:
        The shares of unlike pairs among those with both pixels in the region, and among those with one. Each is in
        [0, 1], and NaN where there is no such pair. Over all layouts together.
    Source: this project. Chapter: Changing a part.
    """
    check_layout(layouts, "layouts")
    check_alike(layouts, regions, ("layouts", "regions"))
    counts = torch.zeros(2, 2)
    for axis in (1, 2):
        one, two = (layouts.narrow(axis, start, layouts.shape[axis] - 1) for start in (0, 1))
        here, there = (regions.narrow(axis, start, regions.shape[axis] - 1) for start in (0, 1))
        known = (one != _IGNORED) & (two != _IGNORED)
        for row, pairs in enumerate((here & there & known, (here ^ there) & known)):
            counts[row] += torch.stack([((one != two) & pairs).sum(), pairs.sum()]).cpu()
    within, across = counts[:, 0] / counts[:, 1]
    return within, across


def evaluate_edits(
    edited: Tensor, regions: Tensor, targets: Tensor, real: Tensor, ignore_index: int | None = None
) -> dict[str, tuple[float, int]]:
    """How well regions were painted.

    Args:
        edited: layouts, integer [N, H, W]. regions: bool [N, H, W]. targets: palettes within, [N, C].
        real: whole real layouts, integer [M, H, W]. ignore_index: of the layouts.
    Returns:
        Metric to (value, number of edited layouts): `palette_kl` and `budget_mae` within the regions; `fsd` and
        `fsd_grid` of the whole layouts against the real ones; `edges_within` and `edges_across` of `edge_shares`.
    Source: Semantic Palette, §5 "Metrics", for the first and the third. Chapter: Changing a part.
    """
    classes = targets.shape[1]
    found = palette_within(edited, regions, classes)
    whole = (palette_of(x, classes, ignore_index) for x in (real, edited))
    within, across = edge_shares(edited, regions)
    values = {
        "palette_kl": palette_kl(targets, found), "budget_mae": proportion_error(targets, found).mean(),
        "fsd": frechet_segmentation_distance(*whole),
        "fsd_grid": grid_segmentation_distance(real, edited, classes, ignore_index),
        "edges_within": within, "edges_across": across,
    }  # fmt: skip
    return {name: (float(value), len(edited)) for name, value in values.items()}


@torch.no_grad()
def background_left(
    generator: PartialGenerator, layouts: Tensor, regions: Tensor, targets: Tensor, seed: int = 0
) -> float:
    """The share of the regions' pixels whose largest map is background: what the network by itself leaves unpainted.

    Args:
        layouts: integer [N, H, W]. regions: bool [N, H, W]. targets: palettes within, [N, C]. seed: of the noise.
    Returns:
        A fraction, 0 to 1, over the pixels of all regions.
    Source: this project. Chapter: Changing a part.
    """
    z = torch.randn(len(layouts), generator.settings.latent_dim, generator=torch.Generator().manual_seed(seed))
    given = cropped(one_hot(layouts, generator.settings.num_classes), regions)
    soft = generator(z, budget(targets, regions), given)[-1].soft_layout
    return float((soft.argmax(1) == targets.shape[1])[regions].float().mean())


def drawn_at_random(layouts: Tensor, regions: Tensor, targets: Tensor, seed: int = 0) -> Tensor:
    """A plain filling: each pixel of a region is a class drawn from the palette. It follows it, and fits nothing.

    Args and result as in `PartialGenerator.edit`, of [N, H, W].
    Source: this project, a control. Chapter: Changing a part.
    """
    random = torch.Generator().manual_seed(seed)
    pixels = torch.multinomial(targets, layouts[0].numel(), replacement=True, generator=random)
    return torch.where(regions, pixels.view(layouts.shape).to(layouts.dtype), layouts)
