"""The surfaces of toy-facades: how sky, street, walls and stone are painted.

Each function colours one patch, the samples of one material, and may add relief for the light to catch.
"""

from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from sempal_lib.worlds.facades.house import House
from sempal_lib.worlds.facades.style import Style

Array = np.ndarray
TILE = 256  # samples across a picture that is painted at full detail, and across the noise


@cache
def noises() -> tuple[Array, Array]:
    """Smooth noise and white noise that repeat after TILE samples, float32 [TILE, TILE] in 0 to 1."""
    rng = np.random.default_rng(7)
    smooth = np.zeros((TILE, TILE), np.float32)
    for cells, weight in ((8, 0.4), (16, 0.25), (32, 0.2), (64, 0.15)):
        coarse = np.pad(rng.random((cells, cells), dtype=np.float32), 2, mode="wrap")
        border = 2 * TILE // cells
        size = TILE + 2 * border
        fine = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))
        smooth += weight * fine[border:-border, border:-border]
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return smooth, rng.random((TILE, TILE), dtype=np.float32)


class Scene:
    """One picture in the making: flat arrays over its samples.

    Attributes:
        paint: colours before light, [3, N]. glow: share of a sample's brightness that is its own, [N].
        relief: how far it stands out, 1/256 of the picture, [N]. looks: three chances a part, [3, parts].
        detail: 1 where the finest patterns can be seen, towards 0 in small pictures, where they would flicker.
    """

    def __init__(self, house: House, style: Style, size: int, looks: Array, seed: float):
        self.house, self.style, self.size, self.looks = house, style, size, looks
        self.paint = np.zeros((3, size * size), np.float32)
        self.glow = np.zeros(size * size, np.float32)
        self.relief = np.zeros(size * size, np.float32)
        self.shift = int(seed * TILE * TILE)
        self.detail = float(np.clip(size / 128 - 0.6, 0, 1))
        box = house.parts[:, :4].astype(np.float32)
        self.starts = np.ascontiguousarray(box[:, :2].T)
        self.spans = np.ascontiguousarray(np.maximum(box[:, 2:] - box[:, :2], 1e-4).T)
        self.outline = house.parts[:, 4]

    def grain(self, size: int) -> Array:
        """A little of the camera's noise, [size, size]."""
        places = (np.arange(size) + self.shift) % TILE
        return 0.03 * (noises()[1][places[:, None], places[::-1][None]] - 0.5)


class Patch:
    """The samples of one material: flat places in the picture, and the number of each one's part."""

    def __init__(self, scene: Scene, places: Array, part: Array):
        self.scene, self.style, self.places, self.part = scene, scene.style, places, part
        rows, columns = np.divmod(places.astype(np.int32), np.int32(scene.size))
        self.x = (columns + np.float32(0.5)) * np.float32(1 / scene.size)
        self.y = (rows + np.float32(0.5)) * np.float32(1 / scene.size)

    def __getattr__(self, name: str) -> Any:
        """u, v: place in the part, 0 to 1. w, h: the part's size. look, second, third: its chances."""
        scene = self.scene
        if name in ("w", "h"):
            value = scene.spans["wh".index(name)].take(self.part)
        elif name == "u":
            value = (self.x - scene.starts[0].take(self.part)) / self.w
        elif name == "v":
            value = (self.y - scene.starts[1].take(self.part)) / self.h
        elif name in ("look", "second", "third"):
            value = scene.looks[("look", "second", "third").index(name)].take(self.part)
        else:
            raise AttributeError(name)
        setattr(self, name, value)
        return value

    def noise(self, across: float = 1.0, down: float = 1.0, kind: int = 0) -> Array:
        """Noise at the samples; higher numbers make it finer along that axis. kind: 0 smooth, 1 white."""
        column = (self.x * np.float32(TILE * across)).astype(np.int32) + self.scene.shift
        row = (self.y * np.float32(TILE * down)).astype(np.int32) + (self.scene.shift >> 8)
        return noises()[kind].ravel().take(((row & 255) << 8) + (column & 255))

    def chance(self, row: Array, column: Array) -> Array:
        """A chance for each cell of a pattern."""
        cell = row.astype(np.int32) * 73 + column.astype(np.int32) * 9277 + self.scene.shift
        return noises()[1].ravel().take(cell & 65535)

    def set(self, color, shade: Array | float = 1.0) -> None:
        """Colour the patch. color: [3], numbers or arrays over the samples. shade: factor."""
        for channel in range(3):
            self.scene.paint[channel, self.places] = color[channel] * shade

    def raise_by(self, amount: Array | float) -> None:
        self.scene.relief[self.places] += amount

    def shine(self, amount: Array | float) -> None:
        self.scene.glow[self.places] = amount


def mix(a, b, weight) -> list[Any]:
    return [p + (q - p) * weight for p, q in zip(a, b, strict=True)]


def tint(color, factor: float) -> tuple[float, float, float]:
    return color[0] * factor, color[1] * factor, color[2] * factor


def sky(patch: Patch) -> None:
    style = patch.style
    color = mix(style.zenith, style.horizon, np.minimum(patch.y * 2.2, 1))
    cloud = np.clip((patch.noise(0.8, 1.6) - 0.75 + 0.45 * style.clouds) * 3, 0, 1) * (0.75 if style.sun else 0.35)
    white = 0.95 if style.sun else 0.8
    patch.set(mix(color, (white, white, white * 1.01), cloud))
    patch.shine(1.0)


def street(patch: Patch) -> None:
    patch.set((0.36, 0.36, 0.38), 0.85 + 0.2 * patch.noise(1, 3) + 0.16 * patch.noise(kind=1))
    patch.raise_by(4)


def pavement(patch: Patch) -> None:
    slab = np.floor(patch.x * 22)
    joint = (patch.x * 22 - slab < 0.07) | (patch.v > 0.85)
    shade = (0.9 + 0.16 * patch.chance(slab, slab) + 0.12 * patch.noise(1, 2)) * np.where(joint, 0.82, 1)
    patch.set((0.62, 0.6, 0.57), shade)
    patch.raise_by(4)


def neighbour(patch: Patch) -> None:
    """A paler house; its windows are painted on."""
    style = patch.style
    color = mix(style.neighbour_color, style.horizon, 0.25)
    floor, axis = patch.y * 7 + patch.second * 3, patch.x * 11 + patch.third * 5
    a, b = floor - np.floor(floor), axis - np.floor(axis)
    pane = (a > 0.3) & (a < 0.8) & (b > 0.28) & (b < 0.72) & (patch.w > 0.05) & (patch.v > 0.04)
    shade = (0.8 + 0.2 * patch.noise()) * np.where(patch.v * patch.h < 0.02, 1.12, 1)
    bar = (np.abs(b - 0.5) < 0.04) | (np.abs(a - 0.45) < 0.03)
    dark = np.where(bar, 0.6, 0.3)
    patch.set([np.where(pane, dark * t, c * shade) for c, t in zip(color, (0.85, 0.95, 1.05), strict=True)])


def roof(patch: Patch) -> None:
    course = patch.y * 70
    row = np.floor(course)
    tile = patch.chance(row, np.floor(patch.x * 60 + 0.5 * (row % 2)))
    patch.set(patch.style.roof_color, 0.78 + 0.25 * tile + 0.15 * patch.noise())
    patch.raise_by((course - row) * patch.scene.detail)


def wall(patch: Patch) -> None:
    style, detail = patch.style, patch.scene.detail
    shade = 0.92 + 0.16 * patch.noise()
    if style.weathering > 0.15:
        # Rain draws streaks downwards, and the ground throws up dirt.
        streak = patch.noise(3, 0.25) * patch.noise(0.6, 0.6)
        low = np.clip((patch.y - patch.scene.house.bottom) * 5 + 0.6, 0, 1)
        shade -= style.weathering * (0.45 * np.maximum(streak - 0.3, 0) + 0.16 * low * patch.noise(2, 2))
    (plaster, brick, stone, panels, tiles)[style.wall](patch, shade, detail)


def plaster(patch: Patch, shade: Array, detail: float) -> None:
    grain = patch.noise(kind=1)
    patch.set(patch.style.wall_color, shade * (0.97 + 0.06 * detail * grain))
    patch.raise_by(0.5 * detail * grain)


def masonry(patch: Patch, rows: float, columns: float) -> tuple[Array, Array]:
    """Chance of each stone of a bond, and whether a sample lies in a joint."""
    y, x = patch.y * rows, patch.x * columns
    row = np.floor(y)
    x = x + 0.5 * (row % 2)
    column = np.floor(x)
    joint = (y - row < max(0.16, 1.05 * rows / TILE)) | (x - column < max(0.07, 1.05 * columns / TILE))
    return patch.chance(row, column), joint


def brick(patch: Patch, shade: Array, detail: float) -> None:
    chance, joint = masonry(patch, 64, 26)
    bricks = mix(patch.style.wall_color, tint(patch.style.wall_color, 0.62), detail * 0.8 * np.maximum(chance - 0.4, 0))
    mortar = mix(tint(patch.style.wall_color, 0.55), (0.62, 0.58, 0.54), 0.6)
    patch.set(mix(bricks, mortar, 0.6 * detail * joint + 0.12 * (1 - detail)), shade)
    patch.raise_by(-0.6 * detail * joint)


def stone(patch: Patch, shade: Array, detail: float) -> None:
    chance, joint = masonry(patch, 26, 13)
    shade = shade * (0.92 + 0.16 * chance) * (1 - 0.22 * detail * joint)
    patch.set(patch.style.wall_color, shade + 0.06 * (patch.noise(2, 2) - 0.5))
    patch.raise_by(-0.9 * detail * joint)


def panels(patch: Patch, shade: Array, detail: float) -> None:
    house = patch.scene.house
    y = (house.lines[1] - patch.y) / house.storey * 2 + 20
    x = (patch.x - house.centres[0]) / house.bay + 20.5
    joint = (np.abs(y - np.round(y)) * house.storey / 2 < 0.0025) | (np.abs(x - np.round(x)) * house.bay < 0.0025)
    chance = patch.chance(np.floor(y), np.floor(x))
    patch.set(patch.style.wall_color, shade * (0.93 + 0.13 * chance) * (1 - 0.35 * joint))
    patch.raise_by(-1.0 * joint)


def tiles(patch: Patch, shade: Array, detail: float) -> None:
    y, x = patch.y * 52, patch.x * 52
    row, column = np.floor(y), np.floor(x)
    joint = (y - row < 0.22) | (x - column < 0.22)
    spread = 0.2 * detail * (patch.chance(row, column) - 0.5)
    patch.set(patch.style.wall_color, shade * (1 + spread) * (1 - 0.16 * detail * joint))


def base(patch: Patch) -> None:
    """Rusticated stone: deep joints along the courses."""
    y = (patch.scene.house.bottom - patch.y) * 24
    row = np.floor(y)
    x = patch.x * 9 + 0.5 * (row % 2)
    column = np.floor(x)
    joint = (y - row < 0.2) | (x - column < 0.06)
    shade = 0.88 + 0.1 * patch.chance(row, column) + 0.12 * patch.noise(2, 2)
    patch.set(patch.style.base_color, shade * (1 - 0.2 * joint))
    patch.raise_by(-1.6 * joint)


def trim(patch: Patch) -> None:
    """Dressed stone, in steps from its lower edge outwards."""
    long = patch.w > 4 * patch.h
    step = np.where(long, np.floor((1 - patch.v) * 2.99), 1)
    patch.set(patch.style.trim_color, 0.9 + 0.1 * patch.noise(2, 2) + 0.04 * step - 0.02)
    patch.raise_by(1.2 * (step - 1))


def relief(patch: Patch) -> None:
    """Ornament, raised from its panel: a rosette, in long panels with leaves or a garland at its sides."""
    u, v = patch.u * 2 - 1, patch.v * 2 - 1
    aspect = patch.w / patch.h
    x = u * aspect
    radius = np.hypot(x, v)
    raised = radius < 0.45 + 0.2 * np.cos(6 * np.arctan2(v, x))
    if patch.scene.shift % 2:
        side = np.abs(v - 0.45 + 0.5 * (np.abs(x) - 0.6) ** 2 * (0.3 + 1 / aspect)) < 0.25
    else:
        side = np.abs(v) < 0.5 * np.abs(np.sin(2.4 * (np.abs(x) - 0.65)))
    raised |= side & (np.abs(x) > 0.65) & (np.abs(u) < 0.9)
    rim = (np.minimum(patch.u, 1 - patch.u) * patch.w < 0.004) | (np.minimum(patch.v, 1 - patch.v) * patch.h < 0.004)
    patch.set(mix(patch.style.trim_color, patch.style.wall_color, 0.3 * ~(raised | rim)), 0.84 + 0.16 * raised)
    patch.raise_by(2.4 * raised + 1.4 * rim)


def shaft(patch: Patch) -> None:
    flutes = np.cos(patch.u * 6 * np.pi) * (patch.w > 0.016)
    patch.set(patch.style.trim_color, 0.88 + 0.08 * patch.noise(1, 0.5) + 0.07 * flutes)
    patch.raise_by(1.5 - 6 * (patch.u - 0.5) ** 2 + 0.6 * flutes)


def slab(patch: Patch) -> None:
    patch.set(mix(patch.style.trim_color, patch.style.wall_color, 0.3), 0.86 + 0.14 * patch.noise(2, 2))
    patch.raise_by(2 * (patch.v < 0.4))
