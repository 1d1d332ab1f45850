"""The surfaces of toy-facades: how sky, street, walls and stone are painted.

Each function colours one patch, the samples of the material that has its name, and may add relief for the light to
catch.
"""

import numpy as np

from sempal_lib.worlds.engine import TILE, FlatPatch, bond, choose, mix, tint

Array = np.ndarray


def sky(patch: FlatPatch) -> None:
    style = patch.style
    color = mix(style.zenith, style.horizon, np.minimum(patch.y * 2.2, 1))
    cloud = np.clip((patch.noise(0.8, 1.6) - 0.75 + 0.45 * style.clouds) * 3, 0, 1) * (0.75 if style.sun else 0.35)
    white = 0.95 if style.sun else 0.8
    patch.set(mix(color, (white, white, white * 1.01), cloud))
    patch.shine(1.0)


def street(patch: FlatPatch) -> None:
    patch.set((0.36, 0.36, 0.38), 0.85 + 0.2 * patch.noise(1, 3) + 0.16 * patch.white())
    patch.raise_by(4)


def pavement(patch: FlatPatch) -> None:
    slab = np.floor(patch.x * 22)
    joint = (patch.x * 22 - slab < 0.07) | (patch.v > 0.85)
    shade = (0.9 + 0.16 * patch.chance(slab, slab) + 0.12 * patch.noise(1, 2)) * np.where(joint, 0.82, 1)
    patch.set((0.62, 0.6, 0.57), shade)
    patch.raise_by(4)


def neighbour(patch: FlatPatch) -> None:
    """A paler house; its windows are painted on."""
    style = patch.style
    color = mix(style.neighbour_color, style.horizon, 0.25)
    floor, axis = patch.y * 7 + patch.second * 3, patch.x * 11 + patch.third * 5
    a, b = floor - np.floor(floor), axis - np.floor(axis)
    pane = (a > 0.3) & (a < 0.8) & (b > 0.28) & (b < 0.72) & (patch.w > 0.05) & (patch.v > 0.04)
    shade = (0.8 + 0.2 * patch.noise()) * np.where(patch.v * patch.h < 0.02, 1.12, 1)
    bar = (np.abs(b - 0.5) < 0.04) | (np.abs(a - 0.45) < 0.03)
    dark = np.where(bar, 0.6, 0.3)
    patch.set(choose(pane, tint((0.85, 0.95, 1.05), dark), tint(color, shade)))


def roof(patch: FlatPatch) -> None:
    row, column, _, down = bond(patch.x * 60, patch.y * 70)
    patch.set(patch.style.roof_color, 0.78 + 0.25 * patch.chance(row, column) + 0.15 * patch.noise())
    patch.raise_by(down * patch.picture.detail)


def wall(patch: FlatPatch) -> None:
    style = patch.style
    shade = 0.92 + 0.16 * patch.noise()
    if style.weathering > 0.15:
        # Rain draws streaks downwards, and the ground throws up dirt.
        streak = patch.noise(3, 0.25) * patch.noise(0.6, 0.6)
        low = np.clip((patch.y - patch.scene.bottom) * 5 + 0.6, 0, 1)
        shade -= style.weathering * (0.45 * np.maximum(streak - 0.3, 0) + 0.16 * low * patch.noise(2, 2))
    (plaster, brick, stone, panels, tiles)[style.wall](patch, shade, patch.picture.detail)


def plaster(patch: FlatPatch, shade: Array, detail: float) -> None:
    grain = patch.white()
    patch.set(patch.style.wall_color, shade * (0.97 + 0.06 * detail * grain))
    patch.raise_by(0.5 * detail * grain)


def masonry(patch: FlatPatch, rows: float, columns: float) -> tuple[Array, Array]:
    """Chance of each stone of a bond, and whether a sample lies in a joint."""
    row, column, across, down = bond(patch.x * columns, patch.y * rows)
    joint = (down < max(0.16, 1.05 * rows / TILE)) | (across < max(0.07, 1.05 * columns / TILE))
    return patch.chance(row, column), joint


def brick(patch: FlatPatch, shade: Array, detail: float) -> None:
    chance, joint = masonry(patch, 64, 26)
    bricks = mix(patch.style.wall_color, tint(patch.style.wall_color, 0.62), detail * 0.8 * np.maximum(chance - 0.4, 0))
    mortar = mix(tint(patch.style.wall_color, 0.55), (0.62, 0.58, 0.54), 0.6)
    patch.set(mix(bricks, mortar, 0.6 * detail * joint + 0.12 * (1 - detail)), shade)
    patch.raise_by(-0.6 * detail * joint)


def stone(patch: FlatPatch, shade: Array, detail: float) -> None:
    chance, joint = masonry(patch, 26, 13)
    shade = shade * (0.92 + 0.16 * chance) * (1 - 0.22 * detail * joint)
    patch.set(patch.style.wall_color, shade + 0.06 * (patch.noise(2, 2) - 0.5))
    patch.raise_by(-0.9 * detail * joint)


def panels(patch: FlatPatch, shade: Array, detail: float) -> None:
    house = patch.scene
    y = (house.lines[1] - patch.y) / house.storey * 2 + 20
    x = (patch.x - house.centres[0]) / house.bay + 20.5
    joint = (np.abs(y - np.round(y)) * house.storey / 2 < 0.0025) | (np.abs(x - np.round(x)) * house.bay < 0.0025)
    chance = patch.chance(np.floor(y), np.floor(x))
    patch.set(patch.style.wall_color, shade * (0.93 + 0.13 * chance) * (1 - 0.35 * joint))
    patch.raise_by(-1.0 * joint)


def tiles(patch: FlatPatch, shade: Array, detail: float) -> None:
    row, column, across, down = bond(patch.x * 52, patch.y * 52, 0.0)
    joint = (down < 0.22) | (across < 0.22)
    spread = 0.2 * detail * (patch.chance(row, column) - 0.5)
    patch.set(patch.style.wall_color, shade * (1 + spread) * (1 - 0.16 * detail * joint))


def base(patch: FlatPatch) -> None:
    """Rusticated stone: deep joints along the courses."""
    row, column, across, down = bond(patch.x * 9, (patch.scene.bottom - patch.y) * 24)
    joint = (down < 0.2) | (across < 0.06)
    shade = 0.88 + 0.1 * patch.chance(row, column) + 0.12 * patch.noise(2, 2)
    patch.set(patch.style.base_color, shade * (1 - 0.2 * joint))
    patch.raise_by(-1.6 * joint)


def trim(patch: FlatPatch) -> None:
    """Dressed stone, in steps from its lower edge outwards."""
    long = patch.w > 4 * patch.h
    step = np.where(long, np.floor((1 - patch.v) * 2.99), 1)
    patch.set(patch.style.trim_color, 0.9 + 0.1 * patch.noise(2, 2) + 0.04 * step - 0.02)
    patch.raise_by(1.2 * (step - 1))


def relief(patch: FlatPatch) -> None:
    """Ornament, raised from its panel: a rosette, in long panels with leaves or a garland at its sides."""
    u, v = patch.u * 2 - 1, patch.v * 2 - 1
    aspect = patch.w / patch.h
    x = u * aspect
    radius = np.hypot(x, v)
    raised = radius < 0.45 + 0.2 * np.cos(6 * np.arctan2(v, x))
    if patch.picture.shift % 2:
        side = np.abs(v - 0.45 + 0.5 * (np.abs(x) - 0.6) ** 2 * (0.3 + 1 / aspect)) < 0.25
    else:
        side = np.abs(v) < 0.5 * np.abs(np.sin(2.4 * (np.abs(x) - 0.65)))
    raised |= side & (np.abs(x) > 0.65) & (np.abs(u) < 0.9)
    rim = patch.rim(0.004, 0.004)
    patch.set(mix(patch.style.trim_color, patch.style.wall_color, 0.3 * ~(raised | rim)), 0.84 + 0.16 * raised)
    patch.raise_by(2.4 * raised + 1.4 * rim)


def shaft(patch: FlatPatch) -> None:
    flutes = np.cos(patch.u * 6 * np.pi) * (patch.w > 0.016)
    patch.set(patch.style.trim_color, 0.88 + 0.08 * patch.noise(1, 0.5) + 0.07 * flutes)
    patch.raise_by(1.5 - 6 * (patch.u - 0.5) ** 2 + 0.6 * flutes)


def slab(patch: FlatPatch) -> None:
    patch.set(mix(patch.style.trim_color, patch.style.wall_color, 0.3), 0.86 + 0.14 * patch.noise(2, 2))
    patch.raise_by(2 * (patch.v < 0.4))


SURFACES = (sky, street, pavement, neighbour, roof, wall, base, trim, relief, shaft, slab)
