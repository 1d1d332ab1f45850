"""The surfaces of toy-rooms: how walls, floors, wood, cloth and walls' ornaments are painted.

Each function colours one patch, the samples of one material; patterns are laid out in metres on the surfaces, so
that they shrink with distance.
"""

from typing import Any

import numpy as np

from sempal_lib.worlds.facades.surfaces import TILE, mix, noises, tint
from sempal_lib.worlds.rooms.kinds import LEVEL, SIDEWAYS
from sempal_lib.worlds.rooms.room import Room
from sempal_lib.worlds.rooms.space import DRAWN
from sempal_lib.worlds.rooms.style import Style

Array = np.ndarray


class Scene:
    """One picture in the making: flat arrays over its samples.

    Attributes:
        part: number of each sample's part. x, y, z: its place in the room, m. right, up: its ray, for each metre
            of depth. p, q: its place along the two axes of its part, m. lies: how its part lies.
        paint: colours before light, [3, N]. glow: light of its own, [3, N]. shine: share of gloss, [N].
        looks: three chances a part, [3, parts]. ends: p0, p1, q0, q1 of the parts, [4, parts].
    """

    def __init__(self, room: Room, style: Style, canvas: Array, looks: Array, seed: float):
        self.room, self.style, self.looks = room, style, looks
        self.size = len(canvas)
        self.part = canvas.ravel()
        self.shift = int(seed * TILE * TILE)
        rows = np.array(room.parts, np.float64)
        camera = room.camera
        # The rays are those of the drawing's pixels that were sampled.
        drawn = max(self.size, DRAWN)
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
        self.paint = np.zeros((3, len(self.part)), np.float32)
        self.glow = np.zeros((3, len(self.part)), np.float32)
        self.shine = np.zeros(len(self.part), np.float32)


class Patch:
    """The samples of one material."""

    def __init__(self, scene: Scene, places: Array):
        self.scene, self.style, self.places = scene, scene.style, places
        self.part = scene.part.take(places)

    def __getattr__(self, name: str) -> Any:
        """What of the scene the samples have, gathered when it is asked for.

        x, y, z, p, q, right, up, lies: as in Scene. u, v: place in the part, 0 to 1, v downwards. w, h: the part's
        size, m. look, second, third: its chances. foot: metres that a sample covers along p and along q.
        """
        scene = self.scene
        value: Any
        if name in ("x", "y", "z", "p", "q", "right", "up", "lies"):
            value = getattr(scene, name).take(self.places)
        elif name in ("w", "h"):
            low, high = (0, 1) if name == "w" else (2, 3)
            value = (scene.ends[high] - scene.ends[low]).take(self.part)
        elif name == "u":
            value = np.clip((self.p - scene.ends[0].take(self.part)) / self.w, 0, 1)
        elif name == "v":
            value = np.clip((scene.ends[3].take(self.part) - self.q) / self.h, 0, 1)
        elif name in ("look", "second", "third"):
            value = scene.looks[("look", "second", "third").index(name)].take(self.part)
        elif name == "foot":
            across = self.z / np.float32(scene.room.camera.focal * scene.size)
            value = (
                np.where(self.lies == SIDEWAYS, across / np.maximum(np.abs(self.right), 0.1), across),
                np.where(self.lies == LEVEL, across / np.maximum(np.abs(self.up), 0.1), across),
            )
        else:
            raise AttributeError(name)
        setattr(self, name, value)
        return value

    def noise(self, across: float = 1.0, along: float = 1.0, kind: int = 0) -> Array:
        """Noise on the surface; its smooth kind has features of about 0.3 m at 1. kind: 0 smooth, 1 white."""
        column = (self.p * np.float32(60 * across)).astype(np.int32) + self.scene.shift
        row = (self.q * np.float32(60 * along)).astype(np.int32) + (self.scene.shift >> 8) + self.part * 37
        return noises()[kind].ravel().take(((row & 255) << 8) + (column & 255))

    def chance(self, row: Array, column: Array) -> Array:
        """A chance for each cell of a pattern."""
        cell = row.astype(np.int32) * 73 + column.astype(np.int32) * 9277 + self.scene.shift
        return noises()[1].ravel().take(cell & 65535)

    def lines(self, place: Array, every: float, width: float, axis: int) -> Array:
        """How much of a sample lies in the lines of a grid. place: m along the axis. axis: 0 p, 1 q."""
        foot = self.foot[axis]
        off = np.abs(place - np.round(place / every) * every)
        return np.clip(0.5 + (0.5 * width - off) / foot, 0, 1) * np.minimum(width / foot, 1)

    def set(self, color, shade: Array | float = 1.0) -> None:
        """Colour the patch. color: [3], numbers or arrays over the samples. shade: factor."""
        for channel in range(3):
            self.scene.paint[channel, self.places] = color[channel] * shade

    def light(self, color) -> None:
        """What the patch shines by itself, [3]."""
        for channel in range(3):
            self.scene.glow[channel, self.places] = color[channel]

    def gloss(self, amount: Array | float) -> None:
        self.scene.shine[self.places] = amount


def wall(patch: Patch) -> None:
    (plaster, stripes, wallpaper, panelling, brick)[patch.style.wall](patch)


def plaster(patch: Patch) -> None:
    patch.set(patch.style.wall_color, 0.955 + 0.06 * patch.noise(0.5, 0.5) + 0.02 * patch.noise(kind=1))


def stripes(patch: Patch) -> None:
    style = patch.style
    band = patch.lines(patch.p, 0.24, 0.12, 0)
    patch.set(mix(style.wall_color, mix(style.wall_color, style.trim_color, 0.55), band), 0.97 + 0.04 * patch.noise())


def wallpaper(patch: Patch) -> None:
    """Rows of blossoms, every other row shifted."""
    style, step = patch.style, 0.3
    row = np.floor(patch.q / step)
    a = patch.p / step + 0.5 * (row % 2)
    b = patch.q / step - row - 0.5
    a = a - np.floor(a) - 0.5
    radius = np.hypot(a, b)
    petal = 0.26 + 0.09 * np.cos(5 * np.arctan2(b, a))
    share = np.clip((petal - radius) * 9, 0, 1) - np.clip((0.09 - radius) * 12, 0, 1)
    ink = mix(tint(style.wall_color, 0.72), style.accent_color, 0.35)
    patch.set(mix(style.wall_color, ink, 0.65 * share), 0.97 + 0.05 * patch.noise())


def panelling(patch: Patch) -> None:
    """Wood panels up to a rail, paint above."""
    style, rail = patch.style, 1.0
    shade = 0.96 + 0.06 * patch.noise(0.5, 0.5)
    low = patch.q < rail
    cell = patch.p / 0.55 - np.floor(patch.p / 0.55)
    edge = np.minimum(np.minimum(cell, 1 - cell) * 0.55, np.minimum(patch.q - 0.14, rail - 0.1 - patch.q))
    groove = np.abs(edge - 0.07) < np.maximum(0.012, 0.5 * patch.foot[0])
    top = np.abs(patch.q - rail + 0.02) < 0.03
    shade = np.where(low, shade * (1 - 0.2 * groove - 0.05 * (edge > 0.07)), shade)
    shade = np.where(top, 1.04, shade)
    panel = style.trim_color
    patch.set([np.where(low, p, c) for p, c in zip(panel, style.wall_color, strict=True)], shade)


def brick(patch: Patch) -> None:
    rows, columns = patch.q / 0.085, patch.p / 0.26
    row = np.floor(rows)
    columns = columns + 0.5 * (row % 2)
    joint = np.maximum(patch.lines(patch.q, 0.085, 0.014, 1), patch.lines(columns * 0.26, 0.26, 0.014, 0))
    chance = patch.chance(row, np.floor(columns))
    patch.set(patch.style.wall_color, (0.86 + 0.22 * chance) * (1 - 0.3 * joint) * (0.95 + 0.1 * patch.noise()))


def ceiling(patch: Patch) -> None:
    patch.set(patch.style.ceiling_color, 0.98 + 0.03 * patch.noise(0.4, 0.4))


def trim(patch: Patch) -> None:
    patch.set(patch.style.trim_color, 0.96 + 0.05 * patch.noise())


def floor(patch: Patch) -> None:
    (planks, parquet, tiles, carpet, slabs)[patch.style.floor](patch)


def planks(patch: Patch) -> None:
    style, wide, long = patch.style, 0.15, 1.3
    column = np.floor(patch.p / wide)
    along = patch.q / long + patch.chance(column, column * 3)
    seam = np.maximum(patch.lines(patch.p, wide, 0.008, 0), 0.8 * patch.lines(along * long, long, 0.008, 1))
    chance = patch.chance(np.floor(along), column)
    grain = patch.noise(6, 0.5)
    patch.set(style.floor_color, (0.8 + 0.24 * chance + 0.16 * grain) * (1 - 0.45 * seam))
    patch.gloss(style.gloss)


def parquet(patch: Patch) -> None:
    """Blocks of five staves, laid across each other."""
    style, block = patch.style, 0.42
    a, b = np.floor(patch.p / block), np.floor(patch.q / block)
    across = (a + b) % 2 < 1
    place = np.where(across, patch.p, patch.q)
    stave = np.floor(place / (block / 5))
    seam = np.where(across, patch.lines(place, block / 5, 0.006, 0), patch.lines(place, block / 5, 0.006, 1))
    grain = np.where(across, patch.noise(7, 1), patch.noise(1, 7))
    shade = 0.82 + 0.14 * patch.chance(stave, a * 7 + b) + 0.1 * across + 0.1 * grain
    patch.set(style.floor_color, shade * (1 - 0.35 * seam))
    patch.gloss(style.gloss)


def tiles(patch: Patch) -> None:
    style, step = patch.style, 0.42
    a, b = np.floor(patch.p / step), np.floor(patch.q / step)
    joint = np.maximum(patch.lines(patch.p, step, 0.012, 0), patch.lines(patch.q, step, 0.012, 1))
    other = mix(style.floor_color, tint(style.floor_color, 0.55), 0.9 if style.accent_color[0] > 0.5 else 0.1)
    checked = ((a + b) % 2 < 1).astype(np.float32)
    shade = 0.92 + 0.1 * patch.chance(a, b) + 0.06 * patch.noise(2, 2)
    patch.set(mix(mix(style.floor_color, other, checked), (0.6, 0.58, 0.55), 0.6 * joint), shade)
    patch.gloss(style.gloss)


def carpet(patch: Patch) -> None:
    patch.set(patch.style.floor_color, 0.84 + 0.14 * patch.noise(kind=1) + 0.14 * patch.noise(0.7, 0.7))


def slabs(patch: Patch) -> None:
    """Stone slabs of two widths, veined."""
    style, step = patch.style, 0.6
    row = np.floor(patch.q / step)
    place = patch.p + 0.31 * (row % 2) + 0.1 * (row % 3)
    joint = np.maximum(patch.lines(place, 0.75, 0.016, 0), patch.lines(patch.q, step, 0.016, 1))
    vein = np.abs(patch.noise(1.3, 1.3) - 0.5) < 0.03
    shade = 0.86 + 0.14 * patch.chance(row, np.floor(place / 0.75)) + 0.1 * patch.noise(2, 2) + 0.06 * vein
    patch.set(style.floor_color, shade * (1 - 0.35 * joint))
    patch.gloss(style.gloss)


def wood(patch: Patch) -> None:
    long = patch.w > patch.h
    grain = np.where(long, patch.noise(0.7, 7), patch.noise(7, 0.7))
    patch.set(patch.style.wood_color, 0.84 + 0.26 * grain)
    patch.gloss(0.12)


def lacquer(patch: Patch) -> None:
    patch.set(patch.style.cabinet_color, 0.94 + 0.1 * patch.noise(4, 0.8))
    patch.gloss(0.1)


def fronts(patch: Patch) -> None:
    """Doors or drawers with a sunk panel and a knob each."""
    u, v, w, h = patch.u, patch.v, patch.w, patch.h
    drawers = (h < 1.3) & (patch.look > 0.45)
    columns = np.where(drawers, np.maximum(np.round(w / 0.7), 1), np.maximum(np.round(w / 0.45), 1))
    rows = np.where(drawers, np.maximum(np.round(h / 0.24), 1), 1)
    a, b = u * columns - np.floor(u * columns), v * rows - np.floor(v * rows)
    edge = np.minimum(np.minimum(a, 1 - a) * w / columns, np.minimum(b, 1 - b) * h / rows)
    foot = patch.foot[0]
    gap = np.clip(0.5 + (0.008 - edge) / foot, 0, 1)
    sunk = np.clip(0.5 + (0.012 - np.abs(edge - 0.06)) / foot, 0, 1) * (patch.second > 0.3)
    door_side = np.where(np.floor(u * columns) % 2 < 1, 0.9, 0.1)
    ka, kb = np.where(drawers, 0.5, door_side), np.where(drawers, 0.5, np.where(h > 1.3, 0.55, 0.3))
    knob = np.hypot((a - ka) * w / columns * np.where(drawers, 0.3, 1), (b - kb) * h / rows) < 0.022
    shade = (0.95 + 0.1 * patch.noise(4, 0.8)) * (1 - 0.5 * gap - 0.18 * sunk)
    patch.set(
        [np.where(knob, m, c * shade) for m, c in zip(patch.style.metal_color, patch.style.cabinet_color, strict=True)]
    )
    patch.gloss(0.1)


def sofa(patch: Patch) -> None:
    cloth(patch, patch.style.sofa_color, patch.style.sofa)


def armchair(patch: Patch) -> None:
    cloth(patch, patch.style.armchair_color, patch.style.armchair)


def cloth(patch: Patch, color, kind: int) -> None:
    edge = np.minimum(np.minimum(patch.u, 1 - patch.u) * patch.w, np.minimum(patch.v, 1 - patch.v) * patch.h)
    soft = 1 - 0.22 * np.exp(-edge / 0.025)  # cushions are rounded off
    if kind == 2:
        crease = patch.noise(2, 2)
        patch.set(color, soft * (0.86 + 0.26 * crease))
        patch.gloss(0.35 * crease)
        return
    shade = soft * (0.9 + 0.12 * patch.noise(kind=1) + 0.08 * patch.noise(2, 2))
    if kind == 1:
        shade = soft * (0.8 + 0.4 * patch.noise(1.5, 1.5))
    if kind == 3:
        lines = 0.5 * patch.lines(patch.p, 0.14, 0.05, 0) + 0.5 * patch.lines(patch.q, 0.14, 0.05, 1)
        patch.set(mix(color, mix(tint(color, 0.5), patch.style.accent_color, 0.4), 0.8 * lines), shade)
        return
    patch.set(color, shade)


def metal(patch: Patch) -> None:
    patch.set(patch.style.metal_color, 0.8 + 0.4 * (1 - np.abs(2 * patch.u - 1)))
    patch.gloss(0.3)


def dark(patch: Patch) -> None:
    patch.set((0.08, 0.08, 0.085), 0.9 + 0.2 * patch.noise())
