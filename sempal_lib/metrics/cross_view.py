"""Metrics of cross-view translation: a generated picture beside the real one of the same scene, by pixels and by what
a classifier of scenes takes both for. As the X-Fork evaluation has them, which SelectionGAN and LGGAN share.

The classifier is the papers' AlexNet of Places365 or our own; see `scene_classifiers`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from sempal_lib.checks import check_tensor
from sempal_lib.metrics.images import _check_images

# The tables' PSNR takes 128 for the brightest grey: standard + 5.987 dB. The authors of X-Fork called it a mistake.
TABLE_OFFSET = 20 * math.log10(255 / 128)
LEAST_ERROR = 1e-4  # mean squared error, in grey levels of 128, below which two pictures count as equal
SURE = 0.5  # probability above which the classifier is sure of a real picture
REST = 1e-9  # what the entries beyond the k largest become in the inception score's top-k form
WINDOW, SIGMA = 11, 1.5  # of SSIM, px


def _units(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Both in [0, 1], or a ValueError."""
    for images, what in ((real, "real"), (fake, "fake")):
        _check_images(images, what)
    if real.shape != fake.shape:
        raise ValueError(f"real {list(real.shape)} and fake {list(fake.shape)} differ: give pairs of one size")
    return (real + 1) / 2, (fake + 1) / 2


def ssim(real: Tensor, fake: Tensor, full: bool = True) -> Tensor:
    """Structural similarity of luminances, 0 to 255: means and variances under a Gaussian window of 11×11, σ 1.5.

    Args:
        real, fake: pairs, float [N, 3, H, W] in [-1, 1].
        full: over all places that the window touches, with zeros beyond the borders, as the tables have it; False:
            over those that it fits into.
    Returns:
        [N], at most 1; 1: equal.
    Source: Wang et al. 2004, eq. 13; fact sheet on image GANs, §5.2. Chapter: From the air to the ground.
    """
    weights = torch.tensor([0.299, 0.587, 0.114], device=real.device).view(1, 3, 1, 1)
    x, y = (255 * (image * weights).sum(1, keepdim=True) for image in _units(real, fake))
    away = torch.arange(WINDOW, device=real.device, dtype=x.dtype) - WINDOW // 2
    line = torch.exp(-(away**2) / (2 * SIGMA**2))
    line = line / line.sum()
    window = (line[:, None] * line).view(1, 1, WINDOW, WINDOW)

    def mean(image: Tensor) -> Tensor:
        return F.conv2d(image, window, padding=WINDOW - 1 if full else 0)

    a, b = mean(x), mean(y)
    variances, both = mean(x * x) - a * a + mean(y * y) - b * b, mean(x * y) - a * b
    c, d = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    map_ = (2 * a * b + c) * (2 * both + d) / ((a * a + b * b + c) * (variances + d))
    return map_.mean((1, 2, 3))


def psnr(real: Tensor, fake: Tensor) -> Tensor:
    """Peak signal-to-noise ratio: 10 log₁₀ (255² / mean squared error), in dB, [N]. The tables' is TABLE_OFFSET more.

    Args:
        real, fake: pairs, float [N, 3, H, W] in [-1, 1].
    Source: fact sheet on image GANs, §5.2. Chapter: From the air to the ground.
    """
    real, fake = _units(real, fake)
    error = 128**2 * (real - fake).square().mean((1, 2, 3))
    return 10 * torch.log10(255**2 / error.clamp(min=LEAST_ERROR)) - TABLE_OFFSET


def sharpness_difference(real: Tensor, fake: Tensor) -> Tensor:
    """How alike the gradients are: 10 log₁₀ (255² / E), in dB, [N].

    E = 128² / (3 H W) Σ ( | |∂x real| - |∂x fake| | + | |∂y real| - |∂y fake| | ), over the channels and all pixels but
    the outermost; ∂: a pixel less the one before it.

    Args:
        real, fake: pairs, float [N, 3, H, W] in [-1, 1]; the error is taken of values in [0, 1].
    Source: fact sheet on image GANs, §5.2. Chapter: From the air to the ground.
    """
    real, fake = _units(real, fake)
    total = torch.zeros(len(real), device=real.device)
    for axis in (2, 3):
        slopes = [image.diff(dim=axis).abs() for image in (real, fake)]
        # The difference at place i stands at i + 1 of the picture, whose outermost pixels do not count.
        inner = [s[:, :, :-1, 1:-1] if axis == 2 else s[:, :, 1:-1, :-1] for s in slopes]
        total = total + (inner[0] - inner[1]).abs().sum((1, 2, 3))
    error = 128**2 * total / real[0].numel()
    return 10 * torch.log10(255**2 / error.clamp(min=LEAST_ERROR))


def _check_rows(p: Tensor, what: str, classes: int = 2) -> None:
    check_tensor(p, what, "[N, K]", "floats")
    if not len(p) or p.shape[1] < classes or not torch.allclose(p.sum(1), p.new_ones(()), atol=1e-3) or p.min() < 0:
        raise ValueError(
            f"{what} {list(p.shape)} are no probabilities of {classes} or more kinds of scenes: take a softmax"
        )


def inception_score(p: Tensor, top: int | None = None) -> float:
    """exp of the mean over pictures of KL(p(y|x) ‖ p(y)): high when pictures are sure and differ; at least 1.

    Args:
        p: the classifier's probabilities, [N, K], each row sums to 1. p(y) is their mean over the pictures.
        top: None: all kinds; k: in each row all but the k largest become 1e-9, and rows are not scaled again, so
            that it can fall below 1.
    Source: Salimans et al. 2016; fact sheet on image GANs, §5.2. Chapter: From the air to the ground.
    """
    _check_rows(p, "probabilities", max(top or 0, 2))
    if top is not None:
        least = p.topk(top, dim=1)
        p = torch.full_like(p, REST).scatter(1, least.indices, least.values)
    p = p.double().clamp(min=1e-12)
    return (p * (p.log() - p.mean(0, keepdim=True).log())).sum(1).mean().exp().item()


def scene_accuracy(real: Tensor, fake: Tensor, top: int = 1) -> tuple[float, float, int]:
    """How often the kind that the classifier takes the real picture for is among its first k of the generated one.

    Args:
        real, fake: its probabilities, [N, K], of pairs.
    Returns:
        The share of all pairs; that of the pairs of whose real picture it is sure (probability above 0.5), NaN if
        there is none; and their number.
    Source: fact sheet on image GANs, §5.2. Chapter: From the air to the ground.
    """
    for p, what in ((real, "real"), (fake, "fake")):
        _check_rows(p, what, max(top, 2))
    probability, kind = real.max(1)
    hit = (fake.topk(top, dim=1).indices == kind[:, None]).any(1).float()
    sure = probability > SURE
    return hit.mean().item(), hit[sure].mean().item() if sure.any() else math.nan, int(sure.sum())


def kl_score(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """exp of the mean over pairs of KL(p(y|fake) ‖ p(y|real)), at least 1, and the standard deviation of these KL.

    Args:
        real, fake: the classifier's probabilities, [N, K], of pairs.
    Source: fact sheet on image GANs, §5.2. Chapter: From the air to the ground.
    """
    for p, what in ((real, "real"), (fake, "fake")):
        _check_rows(p, what)
    p, q = fake.double().clamp(min=1e-12), real.double().clamp(min=1e-12)
    found = (p * (p / q).log()).sum(1)
    return found.mean().exp().item(), found.std(correction=0).item()


def evaluate_pixels(real: Tensor, fake: Tensor) -> dict[str, tuple[float, int]]:
    """SSIM, PSNR in both forms and the sharpness difference of pairs, with their number, as a record has them."""
    count, ratio = len(real), psnr(real, fake).mean().item()
    return {
        "ssim": (ssim(real, fake).mean().item(), count), "psnr": (ratio, count),
        "psnr_table": (ratio + TABLE_OFFSET, count),
        "sharpness_difference": (sharpness_difference(real, fake).mean().item(), count),
    }  # fmt: skip


def evaluate_kinds(real: Tensor, fake: Tensor) -> dict[str, tuple[float, int]]:
    """Inception scores, accuracies and the KL score of pairs, from the classifier's probabilities [N, K] of both.

    Accuracies "sure" are left out where the classifier is sure of no real picture, top-5 where it knows fewer kinds.
    """
    count, tops = len(real), [top for top in (1, 5) if top < real.shape[1]]
    found = {"inception_score": (inception_score(fake), count), "inception_score_real": (inception_score(real), count)}
    for top in tops:
        found[f"inception_score_top{top}"] = inception_score(fake, top), count
        share, of_sure, sure = scene_accuracy(real, fake, top)
        found[f"scene_accuracy_top{top}"] = share, count
        if sure:
            found[f"scene_accuracy_top{top}_sure"] = of_sure, sure
    score, spread = kl_score(real, fake)
    return {**found, "kl_score": (score, count), "kl_spread": (spread, count)}
