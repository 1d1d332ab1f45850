"""Moves on the simplex of palettes: what one slider does to the others."""

import numpy as np

STEP = 1 / 1024  # of a slider; a power of two, so that a browser's arithmetic lands on it without rounding


def rescale(palette, index: int, value: float, locked, memory=None) -> np.ndarray:
    """Give one class a new proportion; the classes that are not locked share the rest in their present ratio.

    Args:
        palette: proportions, [C], sums to 1. index: the class that moves. value: its wished proportion.
        locked: bool [C]; these classes keep their proportion. A class that is locked itself does not move.
        memory: an earlier palette, [C], whose ratio is taken where all who could share are at 0.
    Returns:
        float64 [C], sums to 1. The wish is cut to what the locked classes leave, and raised to all of that
        where nobody can share the rest.
    """
    palette, locked = np.asarray(palette, np.float64), np.asarray(locked, bool)
    if locked[index]:
        return palette.copy()
    others = ~locked
    others[index] = False
    shares = np.where(others, palette, 0.0)
    if shares.sum() == 0 and memory is not None:
        shares = np.where(others, memory, 0.0)
    free = max(0.0, 1.0 - palette[locked].sum())
    wish = np.clip(value, 0.0, free) if shares.sum() > 0 else free
    moved = np.where(locked, palette, (free - wish) * shares / max(shares.sum(), np.finfo(float).tiny))
    moved[index] = wish
    return moved


def on_steps(palette) -> list[float]:
    """The palette rounded to the sliders' steps, still with the sum 1: the largest remainders round up.

    A browser corrects a slider that is set between two steps, and reports the correction as a move of its own:
    19 sliders that set each other would never rest. So they are only ever set to values on a step.
    """
    exact = np.asarray(palette, np.float64) / STEP
    steps = np.floor(exact + 1e-6)
    missing = round(1 / STEP - steps.sum())
    steps[np.argsort(steps - exact, kind="stable")[:missing]] += 1
    return (steps * STEP).tolist()
