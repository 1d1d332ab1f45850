"""Metrics of pictures: how near their statistics are to real ones, and how much they differ from each other."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from sempal_lib.checks import check_tensor, described
from sempal_lib.files import check_sha256
from sempal_lib.metrics.layouts import frechet_distance

PATCH = 7  # px, height and width of a patch of the sliced Wasserstein distance
CHUNK = 2**22  # projected numbers that are sorted at once, 16 MB: larger chunks take more time, not less
LEAST_SPREAD = 1e-6  # a colour channel with a smaller standard deviation counts as constant

# Wang et al. 2003: the exponents of the scales, fine to coarse.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# The shorter side, in px, that 1 to 5 scales need: the coarsest picture holds the window of 11 px. (For four scales
# that would be 88 px; torchmetrics asks for 99.)
SCALE_SIDES = (11, 22, 44, 99, 176)

INCEPTION_FEATURES = 2048  # length of the vector after Inception's last pooling: what FID is defined on
INCEPTION_FILE = "inception-2015-12-05.pt"
# Of that file, whose code is run. Other projects that load it name the same, k-diffusion's evaluation for one.
INCEPTION_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
INCEPTION_HOME = "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/" + INCEPTION_FILE


class FeatureWeightsMissing(RuntimeError):
    """A metric on features is asked for, and the weights of its network are not here."""


def _check_images(images: Tensor, what: str) -> None:
    if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ValueError(
            f"{what} are {described(images)}: expected float pictures [N, 3, H, W] in [-1, 1]; "
            "bytes become so by dividing by 127.5 and subtracting 1"
        )
    if len(images) < 2:
        raise ValueError(f"{what}: {len(images)} picture, at least 2 are needed: take more scenes")
    if not images.numel():
        raise ValueError(f"{what} {list(images.shape)} have no pixel: give [N, 3, H, W]")
    low, high = images.min().item(), images.max().item()
    if not (low >= -1.0001 and high <= 1.0001):  # NaN too
        raise ValueError(
            f"{what} have values from {low:g} to {high:g}, expected [-1, 1]: scale them (2 x - 1 for pictures in "
            "[0, 1], x / 127.5 - 1 for bytes), or clamp what the generator overshoots"
        )


def check_sample_count(available: int, wanted: int, what: str) -> None:
    """Stop when a data set has fewer pictures than a metric is set to take.

    Args:
        available: pictures or layouts in the data set. wanted: the metric's sample count.
        what: data set and metric, as the message shall name them, e.g. "camvid (val), SWD".
    Raises:
        ValueError: available < wanted.
    Chapter: Pixels that are classes.
    """
    if available < wanted:
        raise ValueError(
            f"{what}: {wanted} samples are asked for but there are only {available}: lower `samples` to "
            f"{available} or less, or take more scenes"
        )


def _blur(images: Tensor) -> Tensor:
    # Rows, then columns, as weighted sums: on one-channel planes a convolution would take ten times the memory.
    blurred = F.pad(images, (2, 2, 2, 2), mode="reflect")
    for axis in (2, 3):
        a, b, c, d, e = (blurred.narrow(axis, start, images.shape[axis]) for start in range(5))
        blurred = (a + e + 4 * (b + d) + 6 * c) / 16
    return blurred


def laplacian_pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """Split pictures into bands of frequencies: each level is what the next coarser one cannot tell.

    Down: blur with the 5×5 binomial filter, keep every second row and column. Up: zeros between the pixels, the same
    filter times 4. Borders are reflected.

    Args:
        images: float [N, C, H, W]; H and W divisible by 2^(levels - 1), and at least 3 px at the coarsest level.
        levels: ≥ 1; 1 gives the pictures themselves.
    Returns:
        `levels` tensors, fine to coarse, [N, C, H / 2^l, W / 2^l]; the last is the low-pass rest. Upsampling the last,
        adding the one before, and so on, gives the pictures back.
    Raises:
        ValueError: a size that cannot be halved so often.
    Source: Burt and Adelson 1983; Karras et al. 2018 (ProGAN), §5. Chapter: Pixels that are classes.
    """
    check_tensor(images, "images", "[N, C, H, W]", "floats")
    height, width = images.shape[-2:]
    step = 2 ** (levels - 1)
    if levels < 1 or height % step or width % step or min(height, width) < 3 * step:
        raise ValueError(
            f"pictures of {height}×{width} px cannot make a pyramid of {levels} levels: height and width must be "
            f"multiples of {step} and at least {3 * step}, for instance "
            f"{max(3, round(height / step)) * step}×{max(3, round(width / step)) * step}"
        )
    pyramid = [images]
    for _ in range(levels - 1):
        fine = pyramid[-1]
        coarse = _blur(fine)[..., ::2, ::2]
        spread = torch.zeros_like(fine)
        spread[..., ::2, ::2] = coarse
        pyramid[-1] = fine - 4 * _blur(spread)
        pyramid.append(coarse)
    return pyramid


def _patch_places(count: int, patches: int, height: int, width: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Upper and left edges of the patches, int64 [N, patches] each, uniform over all places inside the picture."""
    top = torch.randint(height - PATCH + 1, (count, patches), generator=random)
    left = torch.randint(width - PATCH + 1, (count, patches), generator=random)
    return top, left


def _directions(count: int, random: torch.Generator) -> Tensor:
    """Uniform directions in the space of the patches, [count, 3·7·7], of length 1."""
    return F.normalize(torch.randn(count, 3 * PATCH**2, generator=random, dtype=torch.float64), dim=1).float()


def _descriptors(level: Tensor, top: Tensor, left: Tensor) -> Tensor:
    """Patches as rows, [N·patches, 3·7·7], with mean 0 and standard deviation 1 per colour channel over the set."""
    windows = level.unfold(2, PATCH, 1).unfold(3, PATCH, 1).permute(0, 2, 3, 1, 4, 5)  # a view: [N, y, x, 3, 7, 7]
    picture = torch.arange(len(level), device=level.device)[:, None]
    rows = windows[picture, top, left].flatten(0, 1).flatten(2)  # [N·patches, 3, 49]
    variance, mean = torch.var_mean(rows, (0, 2), correction=0, keepdim=True)
    spread = variance.sqrt()
    # In place: these rows are what takes the memory.
    return rows.sub_(mean).div_(torch.where(spread < LEAST_SPREAD, 1.0, spread)).flatten(1)


def _sorted_rows(values: Tensor) -> Tensor:
    if values.device.type == "cpu":  # numpy's sort is vectorised and returns no indices: many times torch's speed
        return torch.from_numpy(np.sort(values.numpy(), axis=1))
    return values.sort(dim=1).values


def _pyramid_levels(height: int, width: int, lowest: int) -> int:
    """How often the shorter side can be halved without falling below `lowest`, plus one."""
    if lowest < PATCH:
        raise ValueError(f"lowest is {lowest} px, but a patch has {PATCH}: give {PATCH} or more, the papers have 16")
    if min(height, width) < lowest:
        raise ValueError(
            f"pictures of {height}×{width} px are smaller than the coarsest level, {lowest} px: take larger pictures, "
            f"or a `lowest` of {PATCH} to {min(height, width)}"
        )
    return (min(height, width) // lowest).bit_length()


@torch.no_grad()
def sliced_wasserstein_distance(
    real: Tensor, fake: Tensor, patches: int = 128, projections: int = 512, lowest: int = 16, seed: int = 0
) -> dict[int, float]:
    """SWD: how unlike the small patches of two sets of pictures are, on each level of a Laplacian pyramid.

    On each level, `patches` patches of 7×7 px and three colours are taken from every picture at random places, and
    brought to mean 0 and standard deviation 1 per colour channel over each set. Projected on a random direction, both
    sets are sorted and compared place by place: the mean absolute difference is the Wasserstein-1 distance along this
    direction; SWD is its mean over the directions. A channel that is constant over a set stays 0. Both sets get the
    same places and directions, so that equal sets have distance 0.

    Takes 0.65 MB of memory a pair of pictures at 64×64 px, and some 100 MB for the projections worked on at once.

    Args:
        real, fake: float [N, 3, H, W] in [-1, 1], equally many, N ≥ 2; H and W divisible as often as the pyramid needs.
        patches: a picture and level. projections: directions. lowest: px, least side of the coarsest level, ≥ 7.
        seed: of the places and directions.
    Returns:
        Height of the level (64, 32, 16 for 64×64 px) to distance × 10³, as in the papers' tables, each ≥ 0.
    Raises:
        ValueError: unlike numbers or sizes, fewer than 2 pictures, values outside [-1, 1], a size that the pyramid
            cannot halve or that is below `lowest`.
    Source: Karras et al. 2018 (ProGAN), §5; SemGAN, §4 and Table 1, which differ in nothing that they say.
    Chapter: Pixels that are classes.
    """
    _check_images(real, "the real pictures")
    _check_images(fake, "the generated pictures")
    if len(real) != len(fake):
        raise ValueError(
            f"{len(real)} real and {len(fake)} generated pictures: SWD sorts them side by side, take the same number "
            f"of both, {min(len(real), len(fake))} for instance"
        )
    if real.shape != fake.shape:
        raise ValueError(
            f"real pictures of {real.shape[2]}×{real.shape[3]} px and generated ones of {fake.shape[2]}×"
            f"{fake.shape[3]}: bring them to one size first"
        )
    if min(patches, projections) < 1:
        raise ValueError(f"{patches} patches and {projections} projections: both must be at least 1")
    levels = _pyramid_levels(real.shape[2], real.shape[3], lowest)
    random = torch.Generator().manual_seed(seed)
    pyramids = (laplacian_pyramid(x.float(), levels) for x in (real, fake))
    distances = {}
    for level_real, level_fake in zip(*pyramids, strict=True):
        count, _, height, width = level_real.shape
        places = [edge.to(real.device) for edge in _patch_places(count, patches, height, width, random)]
        rows = [_descriptors(level, *places) for level in (level_real, level_fake)]
        total = 0.0
        # Sorting takes more than half of the time on a CPU, the projections most of the rest. It cannot be had for
        # less: the distance along one direction is defined by the order.
        for chunk in _directions(projections, random).to(real.device).split(max(1, CHUNK // (count * patches))):
            ordered = [_sorted_rows(chunk @ row.T) for row in rows]
            total += (ordered[0] - ordered[1]).abs().sum(dtype=torch.float64).item()
        distances[height] = 1000 * total / (projections * count * patches)
    return distances


def swd_record(distances: dict[int, float]) -> dict[str, float]:
    """Distances of the levels under the names of the run records: swd_16, swd_32, ..., and their mean, swd_mean."""
    named = {f"swd_{height}": value for height, value in distances.items()}
    return named | {"swd_mean": sum(distances.values()) / len(distances)}


def ms_ssim_scales(height: int, width: int) -> int:
    """How many scales of MS-SSIM fit into a picture: 5 from 176 px on, 4 from 99, 3 from 44, 2 from 22, 1 from 11.

    Args:
        height, width: px.
    Returns:
        1 to 5, by the shorter side.
    Raises:
        ValueError: the shorter side is below the window's 11 px.
    Chapter: Pixels that are classes.
    """
    scales = sum(min(height, width) >= side for side in SCALE_SIDES)
    if scales == 0:
        raise ValueError(
            f"pictures of {height}×{width} px are smaller than the window of MS-SSIM, 11 px: take larger pictures"
        )
    return scales


@torch.no_grad()
def ms_ssim(images: Tensor, other: Tensor | None = None) -> float:
    """Mean multi-scale structural similarity of pairs of generated pictures: the lower, the more diverse they are.

    Window of 11 px with σ = 1.5, k₁ = 0.01, k₂ = 0.03, range 2; each scale's terms are means over pixels and colours,
    and negative ones count as 0. As torchmetrics has it, the contrast terms are means over the places where the window
    lies inside the picture, the coarsest scale's similarity over all places, with reflected borders. Five scales do not
    fit below 176 px, and the paper does not say what it did about that: we take as many as fit (`ms_ssim_scales`), the
    published exponents divided by their sum.

    Args:
        images: float [N, 3, H, W] in [-1, 1], N ≥ 2. other: as many, the partners of `images`; None pairs the first
            half of `images` with the second: N // 2 pairs, of an odd number the last picture has no partner.
    Returns:
        In [0, 1]; 1 for pairs of equal pictures.
    Raises:
        ValueError: fewer than 2 pictures, unlike shapes, values outside [-1, 1], pictures below 11 px.
    Source: Wang et al. 2003, eq. 7; SemGAN, §4. Chapter: Pixels that are classes.
    """
    _check_images(images, "the pictures")
    if other is None:
        pairs = len(images) // 2
        images, other = images[:pairs], images[pairs : 2 * pairs]
    else:
        _check_images(other, "the other pictures")
    if images.shape != other.shape:
        raise ValueError(f"pictures {list(images.shape)} and {list(other.shape)} make no pairs: give equally many")
    weights = SCALE_WEIGHTS[: ms_ssim_scales(*images.shape[2:])]
    values = [
        multiscale_structural_similarity_index_measure(
            a.float(),
            b.float(),
            reduction="none",
            data_range=2.0,
            betas=tuple(weight / sum(weights) for weight in weights),
            normalize="relu",
        ).view(-1)
        for a, b in zip(images.split(8), other.split(8), strict=True)
    ]
    return torch.cat(values).mean().item()


def _load_inception(weights: str | Path | None, device: torch.device) -> torch.jit.ScriptModule:
    path = weights or os.environ.get("SEMPAL_INCEPTION")
    if not path or not Path(path).is_file():
        found = f"there is no file {path}" if path else "none is given"
        raise FeatureWeightsMissing(
            f"FID needs the Inception network of 2015 as TorchScript, {INCEPTION_FILE}, and {found}. It is had from "
            f"{INCEPTION_HOME}; name it by weights= or by the environment variable SEMPAL_INCEPTION. Without it take "
            "FD-seg, the Fréchet distance in our own segmenter's features, which is another metric under another name"
        )
    content = BytesIO(Path(path).read_bytes())  # what is checked is what is run
    check_sha256(content, path, INCEPTION_SHA256, "SEMPAL_INCEPTION_SHA256", f"take {INCEPTION_HOME}")
    try:
        return torch.jit.load(content, map_location=device).eval()
    except RuntimeError as error:
        raise ValueError(f"{path} is not a network in TorchScript: take {INCEPTION_HOME}") from error


@torch.no_grad()
def frechet_inception_distance(real: Tensor, fake: Tensor, weights: str | Path | None = None) -> float:
    """FID: Fréchet distance between two sets of pictures in the features of the Inception network of 2015.

    Args:
        real, fake: float [N, 3, H, W] in [-1, 1], N ≥ 2 each; rounded to bytes, and resized by the network itself.
        weights: the network as TorchScript, called with uint8 [B, 3, H, W] and return_features=True; None: the file
            that SEMPAL_INCEPTION (environment) names. TorchScript is code: a file other than NVIDIA's is run where
            SEMPAL_INCEPTION_SHA256 names it.
    Returns:
        A distance ≥ 0. With fewer pictures than features it comes out too large: state N beside it.
    Raises:
        FeatureWeightsMissing: no such file. UntrustedFile: a file of another SHA-256. ValueError: pictures as in
            `sliced_wasserstein_distance`, or a network that does not give 2048 features a picture, whose distance
            would not be FID.
    Source: Heusel et al. 2017, eq. 6; SemGAN, §4. Chapter: Pixels that are classes.
    """
    _check_images(real, "the real pictures")
    _check_images(fake, "the generated pictures")
    network = _load_inception(weights, real.device)
    features = []
    for images in (real, fake):
        batches = ((127.5 * (batch + 1)).round().clamp(0, 255).to(torch.uint8) for batch in images.split(64))
        features.append(torch.cat([network(batch, return_features=True).flatten(1).cpu() for batch in batches]))
    if features[0].shape[1] != INCEPTION_FEATURES:
        raise ValueError(
            f"the network gives {features[0].shape[1]} features a picture, FID is defined on {INCEPTION_FEATURES}: "
            f"take {INCEPTION_FILE} from {INCEPTION_HOME}"
        )
    return frechet_distance(*features).item()
