"""How rare the looks of a class are, and draws and weights that make up for it (cIMLE's rebalancing)."""

import numpy as np
import torch
from scipy.stats import gaussian_kde
from torch import Tensor

LEAST_SCENES = 67  # a class in no more scenes than these has no density
GTA_CYCLE = (0, 2, 10, 19, 1)  # of GTA-5's 20 classes: road, building, sky, other, sidewalk


def mean_colors(images: Tensor, layouts: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Each class's mean colour in each scene, and where there is one.

    Args:
        images: [N, 3, H, W], in whatever range. layouts: integers [N, H, W]; others than classes count nowhere.
    Returns:
        float64 [N, C, 3], zeros for absent classes; pixels of each class, float64 [N, C].
    """
    few = [_colors_of_few(*pair, num_classes) for pair in zip(images.split(64), layouts.split(64), strict=True)]
    colors, pixels = zip(*few, strict=True)
    return torch.cat(colors), torch.cat(pixels)


def _colors_of_few(images: Tensor, layouts: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """The same of so few scenes that their pixels fit into memory as floats."""
    count, classes = len(images), layouts.long()
    known = (classes >= 0) & (classes < num_classes)
    scene = torch.arange(count, device=classes.device).view(-1, 1, 1)
    # All pixels of no class are counted in one place more, which is then left out.
    place = torch.where(known, scene * num_classes + classes, count * num_classes).flatten()
    total, *sums = (
        torch.bincount(place, weights.flatten().double(), minlength=count * num_classes + 1)[:-1].view(count, -1)
        for weights in (known, *images.unbind(1))
    )
    return torch.stack(sums, dim=-1) / total.clamp(min=1).unsqueeze(-1), total


def rarity(images: Tensor, layouts: Tensor, num_classes: int, least: int = LEAST_SCENES) -> Tensor:
    """How rare each class's mean colour is among the scenes that have the class: 1 / density.

    The density is a sum of Gaussians over the scenes' mean colours, of SciPy's width. A scene of one colour only
    (GTA-5 has a black one) is left out.

    Args:
        images: [N, 3, H, W], as `SceneDataset.pairs` gives them. layouts: integers [N, H, W].
        least: a class in no more scenes than these has no density.
    Returns:
        float32 [N, C], > 0; 0 for classes that a scene has not, for those without a density, and for scenes of one
        colour. Only ratios within a class, and between classes of one range of colours, mean something.
    Source: cIMLE (Li et al. 2019), released code; DiversifyingSMIS uses the same. Chapter: Many pictures.
    """
    colors, pixels = mean_colors(images, layouts, num_classes)
    flat = images.flatten(1)
    kept = (pixels > 0) & (flat.amin(1) < flat.amax(1)).unsqueeze(1).to(pixels.device)
    found = torch.zeros(len(images), num_classes)
    for index in range(num_classes):  # once for a data set
        points, scenes = colors[kept[:, index], index].T.cpu().numpy(), kept[:, index].cpu()
        # Colours that lie in one plane have no density in space.
        if points.shape[1] > max(least, 3) and np.linalg.matrix_rank(np.cov(points)) == 3:
            found[scenes, index] = torch.from_numpy(1 / gaussian_kde(points)(points)).float()
    return found


def rebalanced_draws(rarities: Tensor, count: int, classes: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Scenes for one epoch: drawn for the classes in turn, each with a chance that grows with its rarity there.

    Args:
        rarities: of `rarity`, [N, C]. count: how many scenes; 400 in the paper. classes: the cycle.
    Returns:
        int64 [count], numbers of scenes; one may come more than once.
    Raises:
        ValueError for a class without a density.
    """
    cumulated = rarities[:, list(classes)].double().cumsum(0).T.contiguous()  # [K, N]
    empty = [index for index, most in zip(classes, cumulated[:, -1].tolist(), strict=True) if most == 0]
    if empty:
        raise ValueError(
            f"classes {empty} have no rarity in any of the {len(rarities)} scenes: leave them out of the cycle, or "
            "give `rarity` more scenes or a lower `least`"
        )
    chances = torch.rand(len(classes), -(-count // len(classes)), generator=generator, dtype=torch.float64)
    drawn = torch.searchsorted(cumulated, chances.to(cumulated) * cumulated[:, -1:], right=True)
    return drawn.T.flatten()[:count]


def rarity_mask(rarities: Tensor, layouts: Tensor) -> Tensor:
    """How much each pixel counts in the loss: its class's rarity over the greatest in its scene.

    Args:
        rarities: of these scenes, [B, C]. layouts: integers [B, H, W].
    Returns:
        float32 [B, H, W], 0 to 1. Classes without a density count as the scene's least rare one does (the authors'
        code gives them nearly 0, or more, as their order has it), ignored pixels 0, and all 1 in a scene without any.
    """
    known = rarities > 0
    least = torch.where(known, rarities, torch.inf).amin(1, keepdim=True)
    filled = torch.where(known, rarities, least)
    weights = torch.where(known.any(1, keepdim=True), filled / rarities.amax(1, keepdim=True), 1.0)
    weights = torch.cat([weights, torch.zeros_like(weights[:, :1])], dim=1)
    classes = layouts.long()
    classes = torch.where((classes >= 0) & (classes < rarities.shape[1]), classes, rarities.shape[1])
    return weights.gather(1, classes.flatten(1)).view(layouts.shape)
