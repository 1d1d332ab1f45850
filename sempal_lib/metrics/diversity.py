"""How unlike the pictures of one layout are, and how near one of them, or a reconstruction, comes to the true one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sempal_lib.checks import check_layout, check_tensor, check_whole
from sempal_lib.metrics.distances import PictureDistance
from sempal_lib.segmentation import as_float

Paint = Callable[[Tensor, Tensor], Tensor]  # layouts [N, H, W] and latents [N, Z] to pictures [N, 3, H, W] in [-1, 1]


def mean_pair_distance(vectors: Tensor) -> Tensor:
    """The mean of |e_i − e_j|² over all pairs i < j of n vectors, without making the pairs.

    It is twice the vectors' variance, summed over their entries: Σ_{i<j} |e_i − e_j|² = n Σ_i |e_i − ē|².

    Args:
        vectors: [..., n, D], n ≥ 2.
    Returns:
        [...], each ≥ 0; 0 exactly where all n are equal.
    Chapter: Many pictures from one layout.
    """
    if vectors.ndim < 2 or vectors.shape[-2] < 2:
        raise ValueError(f"vectors are {list(vectors.shape)}, expected [..., n, D] with n ≥ 2: give more samples")
    return 2 * (vectors - vectors[..., :1, :]).var(-2).sum(-1)


def nearest_sample(samples: Tensor, image: Tensor) -> int:
    """Which of the samples [n, 3, H, W] has the least mean absolute difference to a picture [3, H, W]."""
    return int((samples - image).abs().mean((1, 2, 3)).argmin())


@torch.no_grad()
def evaluate_diversity(
    paint: Paint,
    noise_dim: int,
    layouts: Tensor,
    images: Tensor,
    distances: Sequence[PictureDistance],
    samples: int = 40,
    seed: int = 0,
) -> dict[str, tuple[float, int]]:
    """Diversity and Top-1 GT-similarity of pictures painted from random codes.

    Diversity: of each layout the mean distance of all pairs of its samples (40 have 780), then the mean over layouts.
    Top-1 GT-similarity: of each layout the sample with the least mean absolute difference to the true picture; its
    distance to that, and the mean over layouts: how near one of so many tries comes. The lower, the nearer.

    Args:
        paint: see `Paint`; such as `lambda layouts, z: generator.generate(layouts, z=z)`. noise_dim: length of z.
        layouts: integer [N, H, W]. images: the true pictures of these, uint8 [N, 3, H, W] or float.
        distances: of `distances_at_hand`. samples: a layout, ≥ 2. seed: of the codes; each layout has its own.
    Returns:
        Metric, named by `PictureDistance.named`, to (value, number of layouts).
    Source: CLVAE, §4.3. Chapter: Many pictures from one layout.
    """
    _check(layouts, images)
    check_whole(samples, "samples", 2)
    random = torch.Generator().manual_seed(seed)
    found: dict[str, list[Tensor]] = {}
    for layout, image in zip(layouts, as_float(images), strict=True):
        made = paint(layout.expand(samples, -1, -1), torch.randn(samples, noise_dim, generator=random))
        best = nearest_sample(made, image.to(made))
        for distance in distances:
            # The true picture is looked at along with the samples.
            vectors = distance(torch.cat([made, image[None].to(made)]))
            top = (vectors[best] - vectors[-1]).square().sum()
            for metric, value in (("diversity", mean_pair_distance(vectors[:-1])), ("top1_gt_similarity", top)):
                found.setdefault(distance.named(metric), []).append(value)
    return {metric: (float(torch.stack(values).mean()), len(layouts)) for metric, values in found.items()}


@torch.no_grad()
def evaluate_reconstruction(
    made: Tensor, images: Tensor, distances: Sequence[PictureDistance], batch_size: int = 32
) -> dict[str, tuple[float, int]]:
    """GT-similarity: the distance between a picture and the one painted from its layout and its own codes' means.

    Args:
        made: what was painted, float [N, 3, H, W] in [-1, 1]. images: the true pictures, uint8 or float, as many.
        distances: as in `evaluate_diversity`.
    Returns:
        Metric, named by `PictureDistance.named`, to (mean over pictures, their number). The lower, the nearer.
    Source: CLVAE, §4.2; whether it takes the codes' means is not said. Chapter: Many pictures from one layout.
    """
    found: dict[str, list[Tensor]] = {}
    for ours, given in zip(made.split(batch_size), images.split(batch_size), strict=True):
        for distance in distances:
            near = distance.between(ours, as_float(given).to(ours))
            found.setdefault(distance.named("gt_similarity"), []).append(near)
    return {metric: (float(torch.cat(values).mean()), len(made)) for metric, values in found.items()}


def _check(layouts: Tensor, images: Tensor) -> None:
    check_layout(layouts, "layouts")
    check_tensor(images, "images", "[N, 3, H, W]", "numbers")
    if len(images) != len(layouts) or images.shape[2:] != layouts.shape[1:] or not len(layouts):
        raise ValueError(
            f"images {list(images.shape)} and layouts {list(layouts.shape)} are no pairs: "
            "expected [N, 3, H, W] and [N, H, W], N at least 1"
        )
