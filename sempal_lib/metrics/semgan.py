"""How SemGAN and its twin are measured: on the same pictures, and for colored-shapes on the shapes themselves."""

import torch
from torch import Tensor

from sempal_lib.checks import check_alike, check_layout, check_whole, described
from sempal_lib.labels import LabelSpace
from sempal_lib.layout_gans.semgan import SemganGenerator
from sempal_lib.metrics.images import (
    FeatureWeightsMissing,
    check_sample_count,
    frechet_inception_distance,
    ms_ssim,
    sliced_wasserstein_distance,
    swd_record,
)
from sempal_lib.metrics.segmentation import fd_seg
from sempal_lib.metrics.shapes import nearest_scene, shape_report, snap_to_colours
from sempal_lib.segmentation import Segmenter

TOLERANCE = 16  # largest difference in a colour channel, of 255, that still is a class's colour


def painted(layouts: Tensor, label_space: LabelSpace) -> Tensor:
    """Layouts in their classes' colours as pictures: integer [N, H, W] to float [N, 3, H, W] in [-1, 1]."""
    check_layout(layouts, "layouts")
    return label_space.colourise(layouts).movedim(-1, 1).float() / 127.5 - 1


def evaluate_pictures(
    samples: Tensor,
    real: Tensor,
    label_space: LabelSpace,
    name: str = "the data set",
    seed: int = 0,
    segmenter: Segmenter | None = None,
) -> dict[str, tuple[float, int]]:
    """SWD by level and mean (× 10³), MS-SSIM among the samples, FID where its weights are at hand, and FD-seg.

    Args:
        samples: as `SemganGenerator.generate` gives them: layouts [N, H, W], which are painted, or pictures.
        real: training layouts, uint8 [M, H, W]; N of them are drawn. M ≥ N.
        name: of the data set, for the error. seed: of that draw, and of SWD's patches.
        segmenter: of `training.judge_training`, whose features give FD-seg; None: no FD-seg.
    Returns:
        Metric to (value, number of samples).
    Raises:
        ValueError: fewer real layouts than samples; a size that SWD's pyramid cannot halve.
    Source: SemGAN, §4. Chapter: Pixels that are classes.
    """
    check_layout(real, "real")
    if not isinstance(samples, Tensor) or samples.ndim not in (3, 4):
        raise ValueError(f"samples are {described(samples)}, expected layouts [N, H, W] or pictures [N, 3, H, W]")
    check_sample_count(len(real), len(samples), f"{name}, SWD against its training layouts")
    chosen = torch.randperm(len(real), generator=torch.Generator().manual_seed(seed))[: len(samples)]
    pictures = samples if samples.is_floating_point() else painted(samples, label_space)
    true = painted(real[chosen], label_space)
    check_alike(pictures, true, ("the samples' pictures", "the real ones"))
    similarity = ms_ssim(pictures)
    # Ignored pixels are black in real pictures: generated ones get the same holes.
    pictures = torch.where((real[chosen] >= label_space.num_classes).unsqueeze(1), -1.0, pictures)
    found = swd_record(sliced_wasserstein_distance(true, pictures, seed=seed)) | {"ms_ssim": similarity}
    try:
        found["fid"] = frechet_inception_distance(true, pictures)
    except FeatureWeightsMissing:
        pass  # the chapter says so, and shows FD-seg under its own name
    if segmenter is not None:
        found["fd_seg"] = fd_seg(true, pictures, segmenter)
    return {metric: (value, len(samples)) for metric, value in found.items()}


def evaluate_shapes(samples: Tensor, label_space: LabelSpace) -> dict[str, tuple[float, int]]:
    """What `shape_report` tells of layouts; of pictures, which are read by each pixel's nearest class colour.

    Two counts of stray pixels are given. `stray_pixels_snapped` forgives a wrong colour as long as the right class is
    the nearest; `stray_pixels` does not: a pixel more than 16 of 255 off its class's colour is stray too. For layouts
    both are the same, and `off_colour` is 0.

    Args:
        samples: layouts int64 [N, 64, 64], or pictures [N, 3, 64, 64] in [-1, 1], of colored-shapes.
    Returns:
        Metric to (value, number of samples).
    Source: our measure of what SemGAN shows in its Figure 3. Chapter: Pixels that are classes.
    """
    if samples.is_floating_point():
        layouts, off = snap_to_colours(samples, label_space)
        wrong = off > TOLERANCE
    else:
        layouts, wrong = samples, torch.zeros_like(samples, dtype=torch.bool)
    scenes = nearest_scene(layouts)
    report = shape_report(layouts, scenes)
    found = {
        "stray_pixels": ((layouts != scenes) | wrong).double().mean().item(),
        "stray_pixels_snapped": report.pop("stray_pixels"),
        "off_colour": wrong.double().mean().item(),
        **report,
    }
    return {metric: (value, len(samples)) for metric, value in found.items()}


def sample(generator: SemganGenerator, count: int, seed: int = 0) -> Tensor:
    """`count` samples of fixed noise, on the CPU: layouts or pictures, see `SemganGenerator.generate`."""
    check_whole(count, "count", 1)
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, generator.settings.latent_dim, generator=random)
    return generator.generate(noise.to(next(generator.parameters()).device)).cpu()
