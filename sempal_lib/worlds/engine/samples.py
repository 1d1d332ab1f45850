"""Samples that follow a drawing: one a pixel inside of a part, four where parts meet."""

import numpy as np

from sempal_lib.worlds.engine.patterns import pick

Array = np.ndarray
QUARTERS = ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))


class Samples:
    """A pixel whose four quarters see one part is sampled once, any other four times.

    The samples stand in the order of their materials, so that each material is a slice.

    Args:
        canvas: numbers of parts, integers [2H, 2W]. material: of each part, below 256, [parts].
    Attributes:
        part: number of each sample's part, [N]. row, column: its pixel. down, right: its place, px, float32.
        height, width: of the picture, px.
    """

    def __init__(self, canvas: Array, material: Array):
        self.height, self.width = canvas.shape[0] // 2, canvas.shape[1] // 2
        quarters = [canvas[0::2, 0::2], canvas[0::2, 1::2], canvas[1::2, 0::2], canvas[1::2, 1::2]]
        same = (quarters[0] == quarters[1]) & (quarters[2] == quarters[3]) & (quarters[0] == quarters[2])
        flat = same.ravel()
        self.inner, self.edges = np.flatnonzero(flat), np.flatnonzero(~flat)
        part = np.concatenate([quarters[0].ravel()[self.inner], *(q.ravel()[self.edges] for q in quarters)])
        order = np.argsort(material[part], kind="stable")
        self.back = np.empty_like(order)
        self.back[order] = np.arange(len(order))
        self.part = part[order]
        self.ends = np.searchsorted(material[self.part], np.arange(256), side="right")
        pixel = np.concatenate([self.inner, *([self.edges] * 4)])
        row, column = np.divmod(pixel.astype(np.int32), np.int32(self.width))
        down, right = np.full((2, len(order)), 0.5, np.float32)
        n, m = len(self.inner), len(self.edges)
        for i, (y, x) in enumerate(QUARTERS):
            down[n + i * m : n + (i + 1) * m], right[n + i * m : n + (i + 1) * m] = y, x
        right += column  # kept in float32: int32 and float32 would make float64, at twice the cost all the way
        down += row
        self.row, self.column, self.down, self.right = row[order], column[order], down[order], right[order]

    def of(self, first: int, last: int | None = None) -> slice:
        """The samples of the materials from `first` to `last`, or of the one."""
        return slice(int(self.ends[first - 1]) if first else 0, int(self.ends[first if last is None else last]))

    def pixels(self, color: Array) -> Array:
        """The mean of each pixel's samples, [3, N] to float32 [3, H · W]."""
        samples = pick(color, self.back)
        picture = np.empty((3, self.height * self.width), np.float32)
        n, m = len(self.inner), len(self.edges)
        mean = samples[:, n:].reshape(3, 4, m).mean(axis=1)
        for channel, one, four in zip(picture, samples, mean, strict=True):
            channel[self.inner] = one[:n]
            channel[self.edges] = four
        return picture
