"""Noise that repeats without a seam, the ground of every texture."""

import functools

import numpy as np
from PIL import Image

Array = np.ndarray
TILE = 256  # samples across the noise


@functools.cache
def noise(kind: str) -> Array:
    """A tile of noise, float32 [TILE · TILE], 0 to 1.

    Args:
        kind: "smooth", values on four grids; "white", independent values; all values equally often: "cloud", smooth
            over many octaves; "leaf", clumps of 40 and tufts of 10 samples; "grain", independent.
    """
    if kind in ("smooth", "white"):
        return _on_grids()[kind]
    white = np.random.default_rng(20).standard_normal((TILE, TILE))
    if kind == "grain":
        values = white
    else:
        f = np.fft.fftfreq(TILE)
        radius = np.hypot(f[:, None], f[None]) * TILE
        if kind == "cloud":
            gain = np.where(radius < 2.5, 0, 1 / np.maximum(radius, 1) ** 1.7)
        else:
            gain = np.exp(-(((radius - 6) / 3) ** 2)) + 0.45 * np.exp(-(((radius - 26) / 12) ** 2))
        values = np.fft.ifft2(np.fft.fft2(white) * gain).real
    order = np.empty(values.size, np.float32)
    order[np.argsort(values, axis=None)] = np.linspace(0, 1, values.size, dtype=np.float32)
    return order


@functools.cache
def _on_grids() -> dict[str, Array]:
    rng = np.random.default_rng(7)
    smooth = np.zeros((TILE, TILE), np.float32)
    for cells, weight in ((8, 0.4), (16, 0.25), (32, 0.2), (64, 0.15)):
        coarse = np.pad(rng.random((cells, cells), dtype=np.float32), 2, mode="wrap")
        border = 2 * TILE // cells
        size = TILE + 2 * border
        fine = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))
        smooth += weight * fine[border:-border, border:-border]
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return {"smooth": smooth.ravel(), "white": rng.random((TILE, TILE), dtype=np.float32).ravel()}


def noise_at(kind: str, x: Array, y: Array) -> Array:
    """Noise at tile coordinates (TILE a tile), any sign."""
    return noise(kind).take((x.astype(np.int32) & 255) | ((y.astype(np.int32) & 255) << 8))


def grain(height: int, width: int, shift: int) -> Array:
    """A camera's noise, [height, width], mean about 0. shift: where in the tile."""
    rows, columns = (np.arange(height) + shift) % TILE, (np.arange(width) + shift) % TILE
    return noise("white").reshape(TILE, TILE)[rows[:, None], columns[::-1][None]] - 0.5
