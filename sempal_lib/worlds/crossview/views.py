"""Views of a town: where one looks from, and which of its parts is seen where."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray
NEAR = 0.6  # m in front of a camera; nothing nearer is drawn


@dataclass(frozen=True, eq=False)
class View:
    """A square picture of the town, in perspective or, from very far, without.

    Town coordinates: x to the right of the street, y up, z along it, m. Picture coordinates: u to the right and v
    down, in sides of the picture. What is nearer has the higher `key`: 1 / depth, or -depth without perspective;
    over the picture every plane's key is u, v and 1 times three numbers.

    Args:
        origin: where one stands, [3]. right, up, ahead: axes of the picture, [3], of length 1.
        scale: with perspective 1 / focal length in sides of the picture, without it metres across the picture.
        middle: u and v of what lies straight ahead.
    """

    origin: Array
    right: Array
    up: Array
    ahead: Array
    scale: float
    middle: tuple[float, float]
    perspective: bool

    def rays(self, u: Array, v: Array) -> Array:
        """How far one gets sideways at picture coordinates, for each metre of depth or at all, [3, N]."""
        across, rise = (u - self.middle[0]) * self.scale, (self.middle[1] - v) * self.scale
        return np.stack([np.float32(r) * across + np.float32(p) * rise
                         for r, p in zip(self.right, self.up, strict=True)])  # fmt: skip

    def places(self, u: Array, v: Array, key: Array) -> Array:
        """Town coordinates of what is seen, float32 [3, N]."""
        rays, ahead, origin = self.rays(u, v), self.ahead[:, None], self.origin[:, None]
        found = origin + ((rays + ahead) / key if self.perspective else rays - ahead * key)
        return found.astype(np.float32)

    def projected(self, points: Array) -> tuple[Array, Array, Array]:
        """u, v and depth of points [..., 3]."""
        off = points - self.origin
        depth = off @ self.ahead
        size = 1 / (self.scale * (np.maximum(depth, NEAR / 2) if self.perspective else 1.0))
        return self.middle[0] + off @ self.right * size, self.middle[1] - off @ self.up * size, depth

    def planes(self, normals: Array, points: Array) -> tuple[Array, Array]:
        """Keys of planes as numbers for u, v and 1, [N, 3], and which of the planes face us, [N].

        Args:
            normals: outwards, [N, 3]. points: one of each plane, [N, 3].
        """
        away = ((self.origin - points) * normals).sum(-1)
        across, rise, along = (normals @ axis for axis in (self.right, self.up, self.ahead))
        if self.perspective:
            gain, rest, faces = -1 / np.maximum(away, 1e-4), along, away > 1e-3
        else:
            gain, faces = 1 / np.where(along < -1e-3, along, -1.0), along < -1e-3
            rest = away
        across, rise = gain * self.scale * across, gain * self.scale * rise
        return np.stack([across, -rise, gain * rest - across * self.middle[0] + rise * self.middle[1]], -1), faces


def clipped(points: Array, depth: Array) -> Array:
    """Polygons cut off at the near plane: [N, K, 3] to [N, 2K, 3]; what is left over repeats a corner.

    Args:
        depth: of their corners, [N, K]; at least one of each polygon lies beyond NEAR.
    """
    after, deeper = np.roll(points, -1, axis=1), np.roll(depth, -1, axis=1)
    inside, crosses = depth > NEAR, (depth > NEAR) != (deeper > NEAR)
    run = np.where(crosses, deeper - depth, 1.0)
    cut = points + (after - points) * ((NEAR - depth) / run)[..., None]
    count, corners = depth.shape
    both = np.stack([points, cut], axis=2).reshape(count, 2 * corners, 3)
    kept = np.stack([inside, crosses], axis=2).reshape(count, 2 * corners)
    number = np.where(kept, np.arange(2 * corners), -1)
    last = np.maximum.accumulate(number, axis=1)
    last = np.where(last < 0, number.max(axis=1, keepdims=True), last)
    return np.take_along_axis(both, last[..., None], axis=1)


class Sight:
    """What is seen of a town from a view.

    Args:
        town: a finished `Parts`. size: px, of a side. ground: False: only what stands on it, as shadows need it.
    Attributes:
        canvas: number of the part seen at each pixel, int32 [size, size]. near: its key, float32.
        planes: keys of all parts' planes, [parts, 3]. ends: least and greatest key of each part, [2, parts].
        boards: their corners, which depend on the view, and the frames of these, as in `Parts`.
    """

    def __init__(self, town: Any, view: View, size: int, ground: bool = True):
        self.view, self.size, self.town = view, size, town
        self.canvas = np.zeros((size, size), np.int32)
        self.centres = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
        count = len(town.labels)
        self.planes, self.ends = np.zeros((count, 3), np.float32), np.zeros((2, count), np.float32)
        self.ends[:] = [[-1e9], [1e9]]
        level, _ = view.planes(np.array([[0.0, 1, 0]]), np.zeros((1, 3)))
        self.near = self._keys(level[0])
        if view.perspective:
            np.maximum(self.near, 0, out=self.near)
        self.planes[: town.first_solid] = level
        self.boards = town.boards_for(view)
        if ground:
            self._lay_ground()
        self._stencil = np.zeros((size, size), np.uint8)
        image = Image.frombuffer("L", (size, size), self._stencil, "raw", "L", 0, 1)
        image.readonly = 0  # so that Pillow draws into the array itself
        self._draw = ImageDraw.Draw(image).polygon
        for points, normals, first in (
            (town.solids, town.normals, town.first_solid),
            (self.boards.points, self.boards.normals, town.first_board),
        ):
            self._stand(points, normals, first)

    def _keys(self, plane: Array) -> Array:
        u, v, rest = plane.tolist()
        return np.float32(u) * self.centres + (np.float32(v) * self.centres + np.float32(rest))[:, None]

    def _flat(self, points: Array) -> tuple[Array, Array]:
        """Pixel coordinates of polygons' corners, [N, K, 2], and their depths, [N, K], cut off at the near plane."""
        u, v, depth = self.view.projected(points)
        if self.view.perspective and (depth < NEAR).any():
            u, v, depth = self.view.projected(clipped(points, depth))
        return np.stack([u, v], axis=-1) * self.size - 0.5, depth

    def _lay_ground(self) -> None:
        """The ground's areas, one over the other, by their numbers from 1."""
        flats = self.town.flats
        seen = np.arange(len(flats))
        if self.view.perspective:
            _, _, depth = self.view.projected(flats)
            seen = np.flatnonzero(depth.max(axis=1) > NEAR)
        corners, _ = self._flat(flats[seen])
        image = Image.new("I", (self.size, self.size), 0)
        draw = ImageDraw.Draw(image).polygon
        for number, polygon in zip((seen + 1).tolist(), corners.reshape(len(seen), -1).tolist(), strict=True):
            draw(polygon, fill=number)
        self.canvas[:] = np.asarray(image)

    def _stand(self, points: Array, normals: Array, first: int) -> None:
        """Upright parts: at each pixel the one with the highest key."""
        if not len(points):
            return
        planes, faces = self.view.planes(normals, points[:, 0])
        self.planes[first : first + len(points)] = planes
        _, _, depth = self.view.projected(points)
        if self.view.perspective:
            faces &= depth.max(axis=1) > NEAR
        seen = np.flatnonzero(faces)
        if not len(seen):
            return
        corners, depth = self._flat(points[seen])
        keys = 1 / np.maximum(depth, NEAR) if self.view.perspective else -depth
        self.ends[0, first + seen], self.ends[1, first + seen] = keys.min(axis=1), keys.max(axis=1)
        low = np.maximum(np.floor(corners.min(axis=1)), 0).astype(int)
        high = np.minimum(np.ceil(corners.max(axis=1)), self.size - 1).astype(int) + 1
        there = np.flatnonzero((high > low).all(axis=1))
        corners = corners.reshape(len(seen), -1)
        jobs = zip((first + seen[there]).tolist(), low[there].tolist(), high[there].tolist(), corners[there].tolist(),
                   self.planes[first + seen[there]].tolist(), keys.min(axis=1)[there].tolist(),
                   keys.max(axis=1)[there].tolist(), strict=True)  # fmt: skip
        for job in jobs:
            self._fill(*job)

    def _fill(self, number: int, low, high, corners, plane, least: float, most: float) -> None:
        (left, top), (right, bottom) = low, high
        self._draw(corners, fill=1)
        stencil = self._stencil[top:bottom, left:right]
        u, v, rest = plane
        key = np.float32(u) * self.centres[left:right]
        key = key + (np.float32(v) * self.centres[top:bottom] + np.float32(rest))[:, None]
        key = np.minimum(np.maximum(key, np.float32(least)), np.float32(most))
        near = self.near[top:bottom, left:right]
        inside = (key > near) & stencil.view(bool)
        np.copyto(near, key, where=inside)
        np.copyto(self.canvas[top:bottom, left:right], number, where=inside)
        stencil[:] = 0
