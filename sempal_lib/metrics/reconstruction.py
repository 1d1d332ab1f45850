"""How well a picture is painted again from its layout and its own codes."""

import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from sempal_lib.checks import check_alike, check_tensor
from sempal_lib.labels import LabelSpace
from sempal_lib.metrics.scenes import evaluate_images
from sempal_lib.segmentation import Segmenter, as_float


@torch.no_grad()
def ssim(images: Tensor, others: Tensor) -> Tensor:
    """Structural similarity of pictures one by one: means, spreads and covariance in a Gaussian window agree.

    Window of 11 px with σ = 1.5, k₁ = 0.01, k₂ = 0.03; the mean over pixels and colours, with reflected borders.

    Args:
        images, others: float [N, 3, H, W] in [-1, 1], sides of at least 11 px.
    Returns:
        [N], 1 for equal pictures, about 0 for unlike ones.
    Source: Wang et al. 2004, eq. 13. Chapter: Editing faces.
    """
    _check(images, others)
    pairs = zip(images.split(64), others.split(64), strict=True)
    found = [structural_similarity_index_measure(a, b, data_range=2.0, reduction="none") for a, b in pairs]
    return torch.cat([torch.as_tensor(x).view(-1) for x in found])


@torch.no_grad()
def psnr(images: Tensor, others: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of pictures one by one: 10 log₁₀ (2² / mean squared difference), dB.

    Args:
        images, others: float [N, 3, H, W] in [-1, 1], whose range is 2.
    Returns:
        [N], ∞ for equal pictures.
    Chapter: Editing faces.
    """
    _check(images, others)
    return peak_signal_noise_ratio(images, others, data_range=2.0, dim=(1, 2, 3), reduction="none")


def evaluate_repainted(
    made: Tensor, layouts: Tensor, images: Tensor, judge: Segmenter, label_space: LabelSpace
) -> dict[str, tuple[float, int]]:
    """What the table of reconstructions says of a painter.

    Args:
        made: pictures painted from `layouts`, integer [N, H, W], and the codes of `images`, their true pictures, uint8
            [N, 3, H, W] or float.
    Returns:
        Metric to (value, number of pictures): `ssim` and `psnr`, means over the pictures; `fd_seg_reconstructed`;
        `miou_reconstructed`, the judge's mIoU in them against the layouts.
    Source: SEAN, Table 1, whose FID and whose segmenter are other networks. Chapter: Editing faces.
    """
    true = as_float(images).to(made)
    found = {"ssim": ssim(made, true), "psnr": psnr(made, true)}
    read = evaluate_images(made, layouts, images, judge, label_space)
    means = {name: (float(values.mean()), len(values)) for name, values in found.items()}
    return means | {"fd_seg_reconstructed": read["fd_seg"], "miou_reconstructed": read["gan_test_miou"]}


def _check(images: Tensor, others: Tensor) -> None:
    check_tensor(images, "images", "[N, 3, H, W]", "floats")
    check_alike(images, others, ("images", "others"))
