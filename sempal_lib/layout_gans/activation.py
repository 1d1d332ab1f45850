"""The semantically-assisted activation, and its two continuations: Sinkhorn's iterations and exact counts."""

import numpy as np
import torch
from torch import Tensor

from sempal_lib.checks import check_finite, check_rows, check_tensor, check_whole
from sempal_lib.palettes import check_palette

_NAN = "its network has diverged, take an earlier checkpoint"


def semantically_assisted_activation(
    scores: Tensor, palette: Tensor, iterations: int = 1, checked: bool = True
) -> tuple[Tensor, Tensor]:
    """Turn scores into a layout whose classes have given budgets: SAA.

    Three steps (Semantic Palette, eq. 1, text, eq. 2): ρ = softmax of f over the pixels, class by class; ω = t ρ;
    m = ω / Σ_c ω. The first two give every class its budget, the third gives every pixel one unit. The paper's
    footnote 1: this is the first iteration of Sinkhorn's algorithm, which alternates the two until both hold.

    Computed from logarithms in float32, whatever comes in: no sum can vanish, also for scores of a bf16 network.

    Args:
        scores: f, float [B, C, H, W], any finite numbers.
        palette: t, [B, C], each row sums to 1; a class with t = 0 is absent from both results.
        iterations: how often the two normalisations are applied; 1 is the paper's.
        checked: look at the values, which waits for the device; a training step, whose palettes are made, does not.
    Returns:
        density: ω, float32 [B, C, H, W], Σ over pixels is t_c.
        soft_layout: m, float32 [B, C, H, W], Σ over classes is 1.
    Raises:
        ValueError: other shapes, no iteration; if checked, scores that are not finite or rows that are no palettes.
    Source: Semantic Palette, eq. 1 and 2, footnote 1. Chapter: Progressive layouts, guided by a palette.
    """
    if iterations < 1:
        raise ValueError(f"iterations={iterations}: the activation needs at least one")
    check_rows(scores, palette, "scores")
    if checked:
        check_finite(scores, "scores", _NAN)
        check_palette(palette, scores.shape[1])
    f = scores.float()
    log_t = palette.float().log()[:, :, None, None]  # ln 0 = -∞: no budget, no place
    # ω = exp(f + a + b): a is what a class gets, b what a pixel gives; Sinkhorn only ever changes these two.
    b = torch.zeros((), device=f.device)
    a = log_t - f.logsumexp((2, 3), keepdim=True)
    for _ in range(iterations - 1):
        b = -(f + a).logsumexp(1, keepdim=True)
        a = log_t - (f + b).logsumexp((2, 3), keepdim=True)
    log_density = f + a + b
    return log_density.exp(), log_density.softmax(1)


def pixel_counts(palette: Tensor, pixels: int) -> Tensor:
    """Whole pixels a class, as near to the palette as whole numbers get (largest remainders).

    Args:
        palette: t, [B, C], each row sums to 1.
        pixels: HW.
    Returns:
        int64 [B, C], each row sums to `pixels`, each entry within one of HW t_c.
    """
    check_tensor(palette, "palette", "[B, C]", "floats")
    check_palette(palette, palette.shape[1])
    check_whole(pixels, "pixels", 1)
    exact = palette.double() / palette.double().sum(1, keepdim=True) * pixels
    # A sum of floats may miss a whole number by a hair; without this, that hair would cost the pixel.
    counts = (exact + 1e-6).floor()
    missing = pixels - counts.sum(1, keepdim=True)
    rank = (exact - counts).argsort(1, descending=True).argsort(1)
    return (counts + (rank < missing)).long()


def exact_layout(scores: Tensor, palette: Tensor) -> Tensor:
    """The best hard layout in which every class has exactly its number of pixels.

    Maximises Σ_pixels f[class of pixel] under Σ_pixels [class = c] = n_c: a transportation problem. Its dual has
    one price a class. Prices are found class by class (each one's n_c-th best offer), the few pixels that are then
    still too many are moved along cheapest chains of classes, which keeps the optimum exact. What SAA adds to f (one
    number a class, one a pixel) changes nothing here: the result is the same for any number of iterations.

    Args:
        scores: f or ln m, [B, C, H, W].
        palette: t, [B, C], each row sums to 1.
    Returns:
        int64 [B, H, W]; each class within one pixel of HW t_c, classes with t = 0 absent.
    Source: this project; the relaxed problem is Sinkhorn's, see Semantic Palette, footnote 1.
        Chapter: Progressive layouts, guided by a palette.
    """
    check_rows(scores, palette, "scores")
    check_finite(scores, "scores", _NAN)
    batch, _, height, width = scores.shape
    counts = pixel_counts(palette, height * width).cpu().numpy()
    # float64: prices are added and compared many times. Class-major, as a price step reads one class at a time.
    values = scores.detach().flatten(2).double().cpu().numpy()
    layouts = [_assign(values[i], counts[i]) for i in range(batch)]
    return torch.from_numpy(np.stack(layouts)).view(batch, height, width).to(scores.device)


def _assign(values: np.ndarray, counts: np.ndarray, sweeps: int = 6) -> np.ndarray:
    """Classes of P pixels with given counts. values: [C, P], counts: [C], Σ counts = P."""
    present = np.flatnonzero(counts)
    if len(present) == 1:
        return np.full(values.shape[1], present[0])
    f, n = values[present], counts[present]
    # Equal scores would move as one block; a fixed whisper of noise, far below float32's own, tells them apart.
    f = f + np.random.default_rng(0).random(f.shape) * (1e-7 * max(1.0, float(np.ptp(f))))
    price = np.zeros(len(n))
    for _ in range(sweeps):
        for c in np.argsort(n):
            offers = f + price[:, None]
            offers[c] = -np.inf
            margin = f[c] - offers.max(0)
            # The price at which exactly n_c pixels prefer this class to their best other one.
            low, high = np.partition(margin, (len(margin) - n[c] - 1, len(margin) - n[c]))[
                [len(margin) - n[c] - 1, len(margin) - n[c]]
            ]
            price[c] = -(low + high) / 2
        owner = (f + price[:, None]).argmax(0)
        surplus = np.bincount(owner, minlength=len(n)) - n
        if np.abs(surplus).sum() <= 2 * len(n):
            break
    _move_surplus(f, owner, surplus)
    return present[owner]


def _move_surplus(f: np.ndarray, owner: np.ndarray, surplus: np.ndarray) -> None:
    """Successive cheapest chains of classes, from one with too many pixels to one with too few. In place."""
    classes = len(f)
    cost = np.full((classes, classes), np.inf)  # [s, d]: what the cheapest pixel of s loses by going to d
    pixel = np.zeros((classes, classes), dtype=np.int64)

    def update(s: int) -> None:
        own = np.flatnonzero(owner == s)
        if len(own) == 0:
            cost[s] = np.inf
            return
        loss = f[s, own] - f[:, own]
        pixel[s] = own[loss.argmin(1)]
        cost[s] = loss.min(1)
        cost[s, s] = np.inf

    for s in range(classes):
        update(s)
    while (surplus > 0).any():
        # Bellman-Ford from all classes with a surplus at once; no negative cycles, as the assignment is optimal.
        distance = np.where(surplus > 0, 0.0, np.inf)
        before = np.full(classes, -1)
        for _ in range(classes):
            through = distance[:, None] + cost
            best = through.argmin(0)
            shorter = through[best, np.arange(classes)] < distance - 1e-12
            if not shorter.any():
                break
            distance = np.where(shorter, through[best, np.arange(classes)], distance)
            before = np.where(shorter, best, before)
        d = int(np.where(surplus < 0, distance, np.inf).argmin())
        surplus[d] += 1
        chain = []
        while before[d] >= 0:
            chain.append((int(before[d]), d))
            d = int(before[d])
        surplus[d] -= 1
        for s, to in chain:
            owner[pixel[s, to]] = to
        for c in {c for edge in chain for c in edge}:
            update(c)
