"""Metrics of layouts: how well they follow a palette, and how near their statistics are to real ones."""

import torch
from torch import Tensor

from sempal_lib.checks import check_finite, check_layout, check_tensor
from sempal_lib.layout_gans import LayoutGenerator
from sempal_lib.palettes import check_palette, palette_of

GRID = 4  # cells along the height, and along the width, in which `fsd_grid` looks at layouts


def _check_palettes(target: Tensor, realised: Tensor) -> None:
    """Palettes of the same samples, [N, C] both."""
    for name, palettes in (("target", target), ("realised", realised)):
        check_tensor(palettes, f"{name} palettes", "[N, C]", "floats")
    if target.shape != realised.shape or len(target) == 0:
        raise ValueError(
            f"target palettes {list(target.shape)} and realised ones {list(realised.shape)} must be of one shape "
            "[N, C], N at least 1: pair each target with the layout made for it"
        )
    for name, palettes in (("target", target), ("realised", realised)):
        check_palette(palettes, palettes.shape[1], f"a row of the {name} palettes")


def palette_kl(target: Tensor, realised: Tensor) -> Tensor:
    """KL divergence from the palettes asked for to those of the hard layouts: mean of Σ_c t_c ln(t_c / q_c).

    q is the realised palette plus 1e-6, divided by its sum, so that a class which is asked for and absent costs much
    but not everything. Classes with t_c = 0 add nothing. Random guessing on Cityscapes gives 1.25 (the paper).

    Args:
        target: t, [N, C]. realised: palettes of the hard layouts, [N, C].
    Returns:
        Mean over the N samples, a scalar ≥ 0, in nats.
    Raises:
        ValueError: unlike shapes, no sample, or rows that are no palettes.
    Source: Semantic Palette, §5 "Metrics"; the 1e-6 is its release's. Chapter: Progressive layouts.
    """
    _check_palettes(target, realised)
    t, q = target.double(), realised.double() + 1e-6
    q = q / q.sum(1, keepdim=True)
    return torch.xlogy(t, t / q).sum(1).mean()


def proportion_error(target: Tensor, realised: Tensor) -> Tensor:
    """Mean absolute error of each class's proportion.

    Args:
        target: t, [N, C]. realised: palettes of the hard layouts, [N, C].
    Returns:
        [C], each in [0, 1]; their mean is the `budget_mae` of the records.
    Raises:
        ValueError: unlike shapes, no sample, or rows that are no palettes.
    """
    _check_palettes(target, realised)
    return (target.double() - realised.double()).abs().mean(0)


def layout_diversity(layouts: Tensor) -> Tensor:
    """How much layouts differ from each other: the mean share of pixels with unlike classes, over all pairs.

    Of layouts made for one palette with different noise it tells what the noise is worth; 0 if they are all the same.

    Args:
        layouts: integer [N, H, W], N at least 2; memory grows with N².
    Returns:
        A scalar in [0, 1].
    Raises:
        ValueError: soft or other layouts than integer [N, H, W], fewer than 2, or none with a pixel.
    """
    check_layout(layouts, "layouts")
    if len(layouts) < 2:
        raise ValueError(f"diversity needs at least 2 layouts, not {len(layouts)}: make more")
    if not layouts.numel():
        raise ValueError(f"layouts are {list(layouts.shape)}, without a pixel: give [N, H, W]")
    flat = layouts.flatten(1)
    unlike = (flat[:, None] != flat[None]).double().mean(2)
    return unlike.sum() / (len(flat) * (len(flat) - 1))


def frechet_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Fréchet distance between two Gaussians fitted to feature vectors: ‖μ₁-μ₂‖² + Tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½).

    Computed in float64. The trace of the root comes from the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which are real and ≥ 0, so
    that singular covariances (a class that never shows) do no harm.

    Args:
        real: [N, F]. fake: [M, F]; N and M at least 2.
    Returns:
        A scalar ≥ 0.
    Raises:
        ValueError: other than two sets of rows, equally long and finite.
    Source: Heusel et al. 2017, eq. 6.
    """
    for name, x in (("real", real), ("fake", fake)):
        check_tensor(x, name, "[N, F]", "numbers")
    if min(len(real), len(fake)) < 2 or real.shape[1:] != fake.shape[1:] or not real.shape[1]:
        raise ValueError(
            f"Fréchet distance of {list(real.shape)} and {list(fake.shape)}: both need at least 2 rows, "
            "and equally long ones"
        )
    for name, x in (("real", real), ("fake", fake)):
        check_finite(x, name, "look at the pictures or the network that these features come from")
    means, covariances = zip(*((x.mean(0), torch.cov(x.T)) for x in (real.double(), fake.double())), strict=True)
    values, vectors = torch.linalg.eigh(covariances[0])
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0).sqrt().sum()
    distance = (means[0] - means[1]).square().sum() + covariances[0].trace() + covariances[1].trace() - 2 * cross
    return distance.clamp(min=0)


def frechet_segmentation_distance(real: Tensor, fake: Tensor) -> Tensor:
    """FSD: Fréchet distance between the palettes of real and of generated layouts, in per cent.

    Per cent, as the magnitudes of the paper's tables tell (11.8 to 161.7). The paper takes the real layouts from the
    training set, its release from the validation set: the record says which.

    Args:
        real: palettes of real hard layouts, [N, C]. fake: of generated ones, [M, C].
    Returns:
        A scalar ≥ 0.
    Source: Bau et al. 2019, §3.1; Semantic Palette, §5 "Metrics". Chapter: Progressive layouts.
    """
    for name, palettes in (("real", real), ("fake", fake)):
        check_tensor(palettes, f"{name} palettes", "[N, C]", "floats")
        if len(palettes):
            check_palette(palettes, palettes.shape[1], f"a row of the {name} palettes")
    return frechet_distance(100 * real, 100 * fake)


def grid_segmentation_distance(
    real: Tensor, fake: Tensor, num_classes: int, ignore_index: int | None = None, mirrored: bool = True
) -> Tensor:
    """FSD in each cell of a grid of 4×4, the mean over the cells: `fsd_grid`.

    FSD sees how much of each class a layout has; this one also sees where. A generator can be handed the right palettes
    and get the whole's FSD right without having learnt anything; not the cells'.

    Args:
        real, fake: hard layouts, integer [N, H, W] and [M, H', W']; heights and widths multiples of 4.
        num_classes: C. ignore_index: label of pixels that do not count; of a layout that has no other pixel in a cell
            that cell is left out, and so is a cell that fewer than two real layouts show.
        mirrored: hold `fake` against the real layouts and their mirror images, as training shows both.
    Returns:
        A scalar ≥ 0, in squared per cent of a cell, as FSD is of the whole.
    Raises:
        ValueError: layouts that do not divide into cells, fewer than two of them, labels that are no classes.
    Source: this project. Chapter: Layouts from nothing.
    """
    cells = [_cell_palettes(x, num_classes, ignore_index) for x in (real, fake)]
    if mirrored:
        cells[0] = torch.cat([cells[0], cells[0].flip(2)])
    distances = []
    for ours, theirs in zip(*(x.flatten(1, 2).unbind(1) for x in cells), strict=True):
        seen, made = (x[x.sum(1) > 0] for x in (ours, theirs))
        if len(seen) >= 2:
            distances.append(frechet_segmentation_distance(seen, made))
    if not distances:
        raise ValueError(f"{len(real)} real layouts are too few for a distance: give at least 2 with labelled pixels")
    return torch.stack(distances).mean()


def _cell_palettes(layouts: Tensor, num_classes: int, ignore_index: int | None) -> Tensor:
    """Palettes of the cells, [N, GRID, GRID, C]; all 0 where a cell has only ignored pixels."""
    check_layout(layouts, "layouts")
    count, height, width = layouts.shape
    if height % GRID or width % GRID or not layouts.numel():
        raise ValueError(
            f"layouts are {list(layouts.shape)}, which {GRID}×{GRID} cells do not divide: "
            f"give [N, H, W], H and W multiples of {GRID}"
        )
    cells = layouts.view(count, GRID, height // GRID, GRID, width // GRID).transpose(2, 3)
    found = palette_of(cells.reshape(-1, height // GRID, width // GRID), num_classes, ignore_index)
    return found.view(count, GRID, GRID, num_classes)


@torch.no_grad()
def evaluate_layouts(
    generator: LayoutGenerator,
    targets: Tensor,
    real: Tensor,
    typical: Tensor,
    seed: int = 0,
    iterations: int | None = None,
    exact: bool = False,
    ignore_index: int | None = None,
) -> dict[str, tuple[float, int]]:
    """How well a generator follows palettes that it never saw, and how real its layouts are as a whole.

    Args:
        targets: held-out palettes that it is asked for, [N, C]: for `palette_kl` and `budget_mae`.
        real: the training layouts, integer [M, H, W]; typical: palettes drawn from the mixture, [K, C]. Layouts made
            for the typical ones are held against the real ones: `fsd` by their palettes, `fsd_grid` by those of cells.
        seed: of the noise. iterations, exact: as in LayoutGenerator.generate. ignore_index: of the real layouts.
    Returns:
        Metric to (value, number of generated layouts). `budget_mae` is a fraction.
    Source: Semantic Palette, §5 "Metrics" and Table 4. Chapter: Progressive layouts, guided by a palette.
    """
    classes, device = generator.settings.num_classes, next(generator.parameters()).device
    random = torch.Generator().manual_seed(seed)

    def made_for(palettes: Tensor) -> Tensor:
        z = torch.randn(len(palettes), generator.settings.latent_dim, generator=random).to(device)
        return generator.generate(z, palettes, iterations, exact).cpu()

    followed, free = palette_of(made_for(targets), classes), made_for(typical)
    fsd = frechet_segmentation_distance(palette_of(real, classes, ignore_index), palette_of(free, classes))
    return {
        "palette_kl": (palette_kl(targets, followed).item(), len(targets)),
        "budget_mae": (proportion_error(targets, followed).mean().item(), len(targets)),
        "fsd": (fsd.item(), len(typical)),
        "fsd_grid": (grid_segmentation_distance(real, free, classes, ignore_index).item(), len(typical)),
    }
