"""What can be read from a class's code: its true colour, its pattern. Linear maps, held against what they never saw."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sempal_lib.checks import check_alike
from sempal_lib.image_gans.latents import Latents

FOLDS = 5
LEAST = 10 * FOLDS  # pictures that have a class, for its code to be probed


def readable_colour(codes: Tensor, colors: Tensor, seed: int = 0) -> float:
    """How well colours can be read from codes by a linear map: R² on codes that it was not fitted to.

    Args:
        codes: [M, N]. colors: [M, 3]. seed: of the five folds of the cross-validation.
    Returns:
        The share of the colours' variance, red, green and blue together, that is explained: at most 1; about 0 or less
        where the codes say nothing; NaN of fewer than 50 codes, or where all colours are one.
    Source: ridge regression, its weight chosen within each fold. Chapter: Editing objects and materials.
    """
    from sklearn.linear_model import RidgeCV  # here, for it is slow to import

    x, y = codes.double().cpu().numpy(), colors.double().cpu().numpy()
    if len(x) < LEAST or y.var(0).sum() < 1e-9:
        return float("nan")
    guess = _predicted(RidgeCV(np.logspace(-1, 5, 13)), x, y, seed)
    return 1 - float(((y - guess) ** 2).sum() / ((y - y.mean(0)) ** 2).sum())


def readable_kind(codes: Tensor, kinds: Tensor, seed: int = 0) -> float:
    """How much better than by their frequencies kinds, such as patterns, can be read from codes by a linear map.

    Args:
        codes: [M, N]. kinds: integers [M]. seed: as in `readable_colour`.
    Returns:
        (a − b) / (1 − b), with a the accuracy on codes that it was not fitted to, and b that of naming the commonest
        kind each time: 1 where all are right, about 0 or less where the codes say nothing. NaN as in `readable_colour`.
    Source: logistic regression. Chapter: Editing objects and materials.
    """
    from sklearn.linear_model import LogisticRegression

    x, y = codes.double().cpu().numpy(), kinds.cpu().numpy()
    counts = np.unique(y, return_counts=True)[1]
    if len(x) < LEAST or len(counts) < 2:
        return float("nan")
    guess, base = _predicted(LogisticRegression(C=0.1, max_iter=500), x, y, seed), counts.max() / len(y)
    return float(((guess == y).mean() - base) / (1 - base))


def _predicted(model: Any, x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """What the model says of each row after it was fitted to the four fifths that the row is not in."""
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    split = KFold(FOLDS, shuffle=True, random_state=seed)
    return cross_val_predict(make_pipeline(StandardScaler(), model), x, y, cv=split)  # type: ignore[no-any-return]


def recovery(
    latents: Latents, z: Tensor, present: Tensor, factors: Tensor, layer: int | None = None, shuffle: int | None = None
) -> Tensor:
    """How well each class's true colour, or its kind, can be read from its code.

    Args:
        z: encoded pictures (means), [M, Z]. present: whether a picture has the class, bool [M, C].
        factors: of each class, its colour, float [M, C, 3], or a kind, integers [M, C], such as its pattern; -1 where
            it has none. Those of absent classes do not count.
        layer: whose codes are read; 1 is the code of the whole picture. None: all codes of the class together, or the
            code of the whole picture where classes have none.
        shuffle: a seed by which each class's factors are dealt out anew among the pictures that have it: a control,
            near 0.
    Returns:
        float64 [C], of `readable_colour` or `readable_kind`; NaN where a class is too rare.
    Source: this project. Chapter: Editing objects and materials.
    """
    colour = factors.ndim == 3
    check_alike(present, factors[..., 0] if colour else factors, ("present", "factors"))
    codes, read = codes_of(latents, z, present.shape[1], layer), readable_colour if colour else readable_kind
    usable = present & ((factors >= 0).all(-1) if colour else factors >= 0)
    random, found = torch.Generator().manual_seed(shuffle or 0), []
    for c in range(present.shape[1]):
        rows = usable[:, c].nonzero().flatten()
        order = rows if shuffle is None else rows[torch.randperm(len(rows), generator=random)]
        found.append(read(codes[rows, c], factors[order, c]))
    return torch.tensor(found, dtype=torch.float64)


def codes_of(latents: Latents, z: Tensor, num_classes: int, layer: int | None = None) -> Tensor:
    """What is said of each class, [M, C, D]: its codes at a layer, or at all of them, see `recovery`."""
    parts = latents.split(z)
    whole = layer == 1 or not latents.layers
    if layer is not None:
        latents.index(layer)  # raises for a layer that is not there
    codes = parts["global"][:, None] if whole else parts["layers"].transpose(1, 2)
    if not whole and layer is not None:
        codes = codes[:, :, layer - 2 : layer - 1]
    return codes.flatten(2).expand(-1, num_classes, -1)
