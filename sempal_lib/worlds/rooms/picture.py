"""Pictures of rooms: where in the room each sample lies, and patches measured in metres on the surfaces."""

from typing import Any

import numpy as np

from sempal_lib.worlds.engine import Patch, Picture, Style, drawn_height
from sempal_lib.worlds.rooms.space import LEVEL, SIDEWAYS, Space

Array = np.ndarray


class RoomPicture(Picture):
    """Attributes beside those of a picture:

    x, y, z: place of each sample in the room, m. right, up: its ray, for each metre of depth. p, q: its place along
    the two axes of its part, m. lies: how its part lies. glow: light of its own, [3, N]. shine: share of gloss, [N].
    ends: p0, p1, q0, q1 of the parts, [4, parts].
    """

    def __init__(self, room: Space, style: Style, canvas: Array, rng: np.random.Generator):
        super().__init__(room, style, canvas, rng)
        self.size = self.height
        rows = np.array([part[:6] for part in room.parts], np.float64)
        camera = room.camera
        # The rays are those of the drawing's pixels that were sampled.
        drawn = drawn_height(self.size // 2)
        sampled = (2 * np.arange(self.size) + 1) * drawn // (2 * self.size)
        right, up = (ray[sampled] for ray in camera.rays(drawn))
        self.right, self.up = np.tile(right, self.size), np.repeat(up, self.size)
        # 1 / depth is a plane over the picture: a constant, or a slope to the right or upwards.
        lies = rows[:, 0].astype(np.uint8)
        slope = np.zeros((3, len(rows)), np.float32)
        away = rows[:, 1] - np.array([0.0, camera.x, camera.y])[lies]
        slope[lies, np.arange(len(rows))] = 1 / np.where(np.abs(away) < 1e-4, 1e-4, away)
        depth = slope[0].take(self.part)
        depth += slope[1].take(self.part) * self.right
        depth += slope[2].take(self.part) * self.up
        self.z = 1 / np.maximum(depth, 0.05)
        self.x = camera.x + self.right * self.z
        self.y = camera.y + self.up * self.z
        self.lies = lies.take(self.part)
        self.p = np.where(self.lies == SIDEWAYS, self.z, self.x)
        self.q = np.where(self.lies == LEVEL, self.z, self.y)
        self.ends = np.ascontiguousarray(rows[:, 2:6].T.astype(np.float32))
        self.glow = np.zeros((3, len(self.part)), np.float32)
        self.shine = np.zeros(len(self.part), np.float32)


class RoomPatch(Patch):
    """Beside what every patch has: x, y, z, p, q, right, up and lies of the picture; u, v lie in 0 to 1.

    foot: metres that a sample covers along p and along q. Noise has features of about 0.3 m.
    """

    axes, fine, apart = ("p", "q"), 60, 37

    def find(self, name: str) -> Any:
        picture = self.picture
        if name in ("x", "y", "z", "p", "q", "right", "up", "lies"):
            return getattr(picture, name).take(self.places)
        if name in ("w", "h"):
            low, high = (0, 1) if name == "w" else (2, 3)
            return (picture.ends[high] - picture.ends[low]).take(self.part)
        if name == "u":
            return np.clip((self.p - picture.ends[0].take(self.part)) / self.w, 0, 1)
        if name == "v":
            return np.clip((picture.ends[3].take(self.part) - self.q) / self.h, 0, 1)
        if name == "foot":
            across = self.z / np.float32(self.scene.camera.focal * picture.size)
            return (
                np.where(self.lies == SIDEWAYS, across / np.maximum(np.abs(self.right), 0.1), across),
                np.where(self.lies == LEVEL, across / np.maximum(np.abs(self.up), 0.1), across),
            )
        raise AttributeError(name)

    def lines(self, place: Array, every: float, width: float, axis: int) -> Array:
        """How much of a sample lies in the lines of a grid. place: m along the axis. axis: 0 p, 1 q."""
        foot = self.foot[axis]
        off = np.abs(place - np.round(place / every) * every)
        return np.clip(0.5 + (0.5 * width - off) / foot, 0, 1) * np.minimum(width / foot, 1)

    def grid(self, every: float, width: float) -> Array:
        """The same for lines along both axes."""
        return np.maximum(self.lines(self.p, every, width, 0), self.lines(self.q, every, width, 1))

    def edged(self, distance: Array, width: float) -> Array:
        """How much of a sample lies within `width` m of where `distance` is 0, with soft borders."""
        return np.clip(0.5 + (width - np.abs(distance)) / self.foot[0], 0, 1)

    def light(self, color) -> None:
        """What the patch shines by itself, [3]."""
        for channel in range(3):
            self.picture.glow[channel, self.places] = color[channel]

    def gloss(self, amount: Array | float) -> None:
        self.picture.shine[self.places] = amount
