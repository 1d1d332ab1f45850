"""Palettes: the class proportions of a layout, and where new ones come from.

A palette t is a vector of C proportions, each in [0, 1], together 1 (Semantic Palette, §3.1 and §4.1).
"""

import warnings
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sempal_lib.checks import check_finite, check_layout, check_tensor, check_whole, described
from sempal_lib.tensor_files import DamagedFile, read_tensors, write_tensors

TOLERANCE = 1e-4  # by how much a palette's sum may miss 1


def palette_of(layout: Tensor, num_classes: int, ignore_index: int | None = None) -> Tensor:
    """Class proportions of each layout.

    Args:
        layout: class indices, integer [B, H, W].
        num_classes: C.
        ignore_index: label of pixels that do not count.
    Returns:
        float32 [B, C], sums to 1; all 0 where a layout has only ignored pixels.
    Raises:
        ValueError: no integers [B, H, W], or an index that is neither a class nor `ignore_index`.
    Source: Semantic Palette, §3.1. Chapter: Layouts and palettes.
    """
    check_layout(layout)
    check_whole(num_classes, "num_classes", 1)
    if not layout.numel():
        return torch.zeros(len(layout), num_classes, device=layout.device)
    index = layout.flatten(1).long()
    if ignore_index is not None:
        index = torch.where(index == ignore_index, num_classes, index)
    # One bin more than classes takes the ignored pixels.
    bins = num_classes + (ignore_index is not None)
    low, high = index.aminmax()
    if low < 0 or high >= bins:
        raise ValueError(
            f"layout holds labels from {int(low)} to {int(high)}, expected 0 to {num_classes - 1}"
            + ("" if ignore_index is None else f" or {ignore_index} (ignored)")
            + ": check the class list, or name the label of pixels that do not count as ignore_index"
        )
    offset = torch.arange(len(index), device=index.device).unsqueeze(1) * bins
    counts = torch.bincount((index + offset).flatten(), minlength=len(index) * bins)
    counts = counts.view(-1, bins)[:, :num_classes].float()
    return counts / counts.sum(1, keepdim=True).clamp(min=1)


def check_palette(palette: Tensor, num_classes: int, name: str = "palette") -> Tensor:
    """The palette as float32 [B, C], or a ValueError that says what is wrong with it. Looks at values.

    Args:
        palette: proportions, [C] or [B, C]. name: what the message calls it.
    Chapter: Layouts and palettes.
    """
    try:
        given = torch.as_tensor(palette)
        palette = given.to(torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} is {described(palette)}, expected proportions, one a class: {error}") from error
    if given.is_complex() or given.dtype == torch.bool:
        raise ValueError(f"{name} is {described(given)}, expected proportions from 0 to 1: convert it by .float()")
    # Half precision has its own idea of 1.
    tolerance = max(TOLERANCE, torch.finfo(given.dtype).eps) if given.is_floating_point() else TOLERANCE
    if palette.ndim == 1:
        palette = palette.unsqueeze(0)
    if palette.ndim != 2 or palette.shape[1] != num_classes:
        raise ValueError(
            f"{name} has shape {list(palette.shape)}, expected {num_classes} proportions, one a class ([C] or [B, C])"
        )
    if not len(palette):
        raise ValueError(f"{name} has no row, expected [B, {num_classes}]: give at least one palette")
    if not torch.isfinite(palette).all():
        raise ValueError(f"{name} holds a value that is not a number: give each class a proportion from 0 to 1")
    if (palette < 0).any():
        row, column = (palette < 0).nonzero()[0].tolist()
        raise ValueError(
            f"{name} gives class {column} the proportion {palette[row, column]:.4g}, expected 0 to 1: "
            "set it to 0, or see palettes.project_to_simplex"
        )
    sums = palette.sum(1)
    worst = int((sums - 1).abs().argmax())
    if (sums[worst] - 1).abs() > tolerance:
        total = f"{sums[worst]:.4g}" if f"{sums[worst]:.4g}" != "1" else f"{sums[worst]:.6f}"
        raise ValueError(
            f"{name} sums to {total}, expected 1 (± {tolerance:.1g}): divide by its sum, "
            "or see palettes.project_to_simplex"
        )
    return palette


def _check_points(x: Tensor, checked: bool) -> None:
    check_tensor(x, "x", "[B, C]", "floats")
    if not x.shape[1]:
        raise ValueError(f"x is {described(x)}, expected at least one class: give [B, C]")
    if checked:
        check_finite(x, "x", "look where they come from, no palette is near to them")


def clip_and_normalise(x: Tensor, checked: bool = True) -> Tensor:
    """The paper's cheap way to the simplex: clip to [0, 1], divide by the sum.

    Args:
        x: any finite numbers, float [B, C]. checked: look at the values; waits for the device.
    Returns:
        [B, C], non-negative, sums to 1. A row with nothing above 0 becomes uniform.
    Source: Semantic Palette, §4.1. Chapter: Layouts and palettes.
    """
    _check_points(x, checked)
    clipped = x.clamp(0, 1)
    total = clipped.sum(1, keepdim=True)
    return torch.where(total > 0, clipped / total.clamp(min=1e-12), 1 / x.shape[1])


def project_to_simplex(x: Tensor, checked: bool = True) -> Tensor:
    """The nearest point of the simplex in Euclidean distance, exactly.

    The answer is max(x - θ, 0). θ is found from the sorted values, so it costs one sort, O(C log C) a row.

    Args:
        x: any finite numbers, float [B, C]. checked: look at the values; waits for the device.
    Returns:
        [B, C], non-negative, sums to 1.
    Source: Held, Wolfe, Crowder 1974, as in Duchi et al. 2008, fig. 1; Semantic Palette, §4.1, calls it slow.
        Chapter: Layouts and palettes.
    """
    _check_points(x, checked)
    ordered = x.sort(dim=1, descending=True).values
    rank = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)
    excess = (ordered.cumsum(1) - 1) / rank
    support = (ordered > excess).sum(1, keepdim=True)
    return (x - excess.gather(1, support - 1)).clamp(min=0)


_PROJECTIONS = {"clip": clip_and_normalise, "exact": project_to_simplex}


def interpolate(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Palettes on the straight line between two; each is a palette again.

    Args:
        start, end: palettes, [C]. steps: at least 1.
    Returns:
        [steps, C], the first row `start`, the last `end`.
    Raises:
        ValueError: no two palettes of one length.
    Source: Semantic Palette, fig. 5a. Chapter: Layouts and palettes.
    """
    for name, palette in (("start", start), ("end", end)):
        check_tensor(palette, name, "[C]", "floats")
        check_palette(palette, len(start), name)
    check_whole(steps, "steps", 1)
    weight = torch.linspace(0, 1, steps).unsqueeze(1)
    return (1 - weight) * start + weight * end


def with_share(palette: Tensor, index: Tensor, share: Tensor) -> Tensor:
    """Palettes in which one class has a given share; the others have the rest in their own proportion.

    Args:
        palette: [B, C]. index: the class of each row, int64 [B]. share: what it gets, [B], each in [0, 1].
    Returns:
        [B, C]. Where the others have nothing to go by they share evenly.
    Chapter: Progressive layouts, guided by a palette.
    """
    index, share = index.unsqueeze(1), share.unsqueeze(1).to(palette)
    others = palette.scatter(1, index, 0)
    others = others + (others.sum(1, keepdim=True) == 0) * torch.ones_like(others).scatter(1, index, 0)
    return (others / others.sum(1, keepdim=True) * (1 - share)).scatter(1, index, share)


def widened(palette: Tensor, generator: torch.Generator) -> Tensor:
    """Palettes that no scene needs to have: each is mixed, in any ratio, with a random one of few classes.

    t' = (1 - w) t + w e with w uniform in [0, 1] and e_c ∝ x_c⁸, where x_c are standard exponential numbers: the
    largest of 19 classes has mostly more than half of e.

    Args:
        palette: t, [B, C], on the generator's device.
    Returns:
        t', [B, C], each row sums to 1.
    Source: this project. Chapter: Progressive layouts, guided by a palette.
    """
    count, classes = palette.shape
    few = torch.rand(count, classes, generator=generator, device=generator.device).clamp(1e-9).log().neg() ** 8
    weight = torch.rand(count, 1, generator=generator, device=generator.device)
    return (1 - weight) * palette + weight * few / few.sum(1, keepdim=True)


@dataclass(frozen=True, eq=False)
class PaletteMixture:
    """The palette generator: a Gaussian mixture over palettes, its samples brought back to the simplex.

    Attributes:
        weights: π, [K]. means: μ, [K, C]. covariances: Σ, full, [K, C, C].
        aic: Akaike's criterion of the fits with 1, 2, … components; the lowest was kept.
    Raises:
        ValueError: parameters that are not finite or not possible.
    Source: Semantic Palette, §4.1. Chapter: Layouts and palettes.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor
    aic: tuple[float, ...] = ()

    def __post_init__(self):
        self._check()
        # Σ = (V √λ)(V √λ)ᵀ. Classes that a component never shows make Σ singular, which Cholesky would refuse.
        values, vectors = torch.linalg.eigh(self.covariances.double())
        factor = vectors * values.clamp(min=0).sqrt().unsqueeze(-2)
        object.__setattr__(self, "_factor", factor.float())

    def _check(self) -> None:
        k, c = self.means.shape if self.means.ndim == 2 else (-1, -1)
        if self.weights.shape != (k,) or self.covariances.shape != (k, c, c):
            shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in self.tensors().items())
            raise ValueError(f"a mixture has weights [K], means [K, C] and covariances [K, C, C], these are {shapes}")
        for name, value in self.tensors().items():
            if not torch.isfinite(value).all():
                raise ValueError(f"the mixture's {name} hold values that are no finite numbers: fit it anew")
        variances = self.covariances.diagonal(dim1=1, dim2=2)
        for name, value in (("weights", self.weights), ("means", self.means), ("variances", variances)):
            if value.numel() and value.min() < 0:
                raise ValueError(f"the mixture's {name} go down to {value.min():.4g}, expected 0 or more: fit it anew")

    @property
    def num_components(self) -> int:
        return len(self.weights)

    @property
    def num_classes(self) -> int:
        return self.means.shape[1]

    @classmethod
    def fit(
        cls, palettes: Tensor, max_components: int = 30, seed: int = 0, reg_covar: float = 1e-6
    ) -> "PaletteMixture":
        """Fit mixtures of 1 to `max_components` full-covariance Gaussians and keep the one of lowest AIC.

        Args:
            palettes: of real layouts, [N, C].
            max_components: the most components tried; never more than N / 2.
            reg_covar: added to each class's variance, above 0, so that no Σ is singular. It gives the sum of a draw
                the variance C · reg_covar before it is brought back to the simplex. The default is scikit-learn's.
        Raises:
            ValueError: fewer than two palettes, rows that are no palettes, no component at all, a reg_covar of 0.
        Source: Semantic Palette, §4.1; scikit-learn's GaussianMixture with its defaults.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        check_tensor(palettes, "palettes", "[N, C]", "floats")
        check_whole(max_components, "max_components", 1)
        check_whole(seed, "seed", 0)
        if not reg_covar > 0:
            raise ValueError(f"reg_covar is {reg_covar}, expected above 0: palettes sum to 1, so their Σ is singular")
        if len(palettes) < 2:
            raise ValueError(f"{len(palettes)} palette(s) are too few to fit a mixture: give at least 2")
        data = check_palette(palettes, palettes.shape[1], "palettes").double().cpu().numpy()
        best, aic = None, []
        with warnings.catch_warnings():
            # A fit that stops at its last iteration still has an AIC, and that is all it is judged by.
            warnings.simplefilter("ignore", ConvergenceWarning)
            for components in range(1, min(max_components, len(data) // 2) + 1):
                mixture = GaussianMixture(
                    components, covariance_type="full", reg_covar=reg_covar, random_state=seed
                ).fit(data)
                aic.append(float(mixture.aic(data)))
                if aic[-1] == min(aic):
                    best = mixture
        assert best is not None
        weights, means, covariances = (
            torch.tensor(a, dtype=torch.float32) for a in (best.weights_, best.means_, best.covariances_)
        )
        return cls(weights, means, covariances, tuple(aic))

    def sample(
        self,
        n: int,
        seed: int | None = None,
        projection: str = "clip",
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw palettes. On the device that the mixture is on; nothing waits for it.

        Args:
            n: how many.
            seed: of the draw; or hand over a `generator` of the mixture's device.
            projection: "clip" (clip and normalise, the paper's way) or "exact" (nearest point of the simplex).
        Returns:
            float32 [n, C].
        Raises:
            ValueError: an unknown projection; parameters that have been changed to impossible ones (on the CPU).
        Source: Semantic Palette, §4.1. Chapter: Layouts and palettes.
        """
        if projection not in _PROJECTIONS:
            raise ValueError(f"projection {projection!r} is unknown: choose {' or '.join(_PROJECTIONS)}")
        check_whole(n, "n", 1)
        device = self.means.device
        if device.type == "cpu":  # elsewhere a look at them would wait for the device
            self._check()
        if generator is None and seed is not None:
            generator = torch.Generator(device).manual_seed(seed)
        component = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.num_classes, generator=generator, device=device)
        draw = self.means[component] + torch.einsum("ncd,nd->nc", self._factor[component], noise)  # type: ignore[attr-defined]
        return _PROJECTIONS[projection](draw, checked=False)

    def to(self, device) -> "PaletteMixture":
        """The same mixture there. Σ's factor moves too: another device's solver may find another one, and would draw
        other palettes from the same noise."""
        moved = copy(self)
        for name in ("weights", "means", "covariances", "_factor"):
            object.__setattr__(moved, name, getattr(self, name).to(device))
        return moved

    def tensors(self) -> dict[str, Tensor]:
        """What to save, by name; `from_tensors` reads it back."""
        return {"weights": self.weights, "means": self.means, "covariances": self.covariances}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], aic: tuple[float, ...] = ()) -> "PaletteMixture":
        missing = {"weights", "means", "covariances"} - tensors.keys()
        if missing:
            raise ValueError(f"no palette mixture: {', '.join(sorted(missing))} missing")
        weights, means, covariances = (tensors[name].float() for name in ("weights", "means", "covariances"))
        return cls(weights, means, covariances, tuple(aic))

    def save(self, path: str | Path) -> None:
        """Write a safetensors file: arrays only, nothing that a reader would execute."""
        write_tensors(path, self.tensors(), list(self.aic), key="aic")

    @classmethod
    def load(cls, path: str | Path) -> "PaletteMixture":
        """Read what `save` wrote. Raises ValueError naming the file if it is damaged or something else."""
        try:
            tensors, aic = read_tensors(path, key="aic")
            return cls.from_tensors(tensors, tuple(aic))
        except (DamagedFile, ValueError) as error:
            raise ValueError(f"{path} holds no palette mixture ({error}): fit one with PaletteMixture.fit") from error
