"""The surfaces of toy-rooms: how walls, floors, wood, cloth and walls' ornaments are painted.

Each function colours one patch, the samples of the material that has its name; patterns are laid out in metres on
the surfaces, so that they shrink with distance.
"""

import numpy as np

from sempal_lib.worlds.engine import bond, choose, fraction, mix, plain, tint
from sempal_lib.worlds.rooms.picture import RoomPatch

Array = np.ndarray


plaster = plain("plaster", "wall_color", 0.955, 0.06, (0.5, 0.5), 0.02)


def wall(patch: RoomPatch) -> None:
    (plaster, stripes, wallpaper, panelling, brick)[patch.style.wall](patch)


def stripes(patch: RoomPatch) -> None:
    style = patch.style
    band = patch.lines(patch.p, 0.24, 0.12, 0)
    patch.set(mix(style.wall_color, mix(style.wall_color, style.trim_color, 0.55), band), 0.97 + 0.04 * patch.noise())


def wallpaper(patch: RoomPatch) -> None:
    """Rows of blossoms, every other row shifted."""
    style, step = patch.style, 0.3
    _, _, across, down = bond(patch.p / step, patch.q / step)
    a, b = across - 0.5, down - 0.5
    radius = np.hypot(a, b)
    petal = 0.26 + 0.09 * np.cos(5 * np.arctan2(b, a))
    share = np.clip((petal - radius) * 9, 0, 1) - np.clip((0.09 - radius) * 12, 0, 1)
    ink = mix(tint(style.wall_color, 0.72), style.accent_color, 0.35)
    patch.set(mix(style.wall_color, ink, 0.65 * share), 0.97 + 0.05 * patch.noise())


def panelling(patch: RoomPatch) -> None:
    """Wood panels up to a rail, paint above."""
    style, rail = patch.style, 1.0
    shade = 0.96 + 0.06 * patch.noise(0.5, 0.5)
    low = patch.q < rail
    cell = fraction(patch.p / 0.55)
    edge = np.minimum(np.minimum(cell, 1 - cell) * 0.55, np.minimum(patch.q - 0.14, rail - 0.1 - patch.q))
    groove = np.abs(edge - 0.07) < np.maximum(0.012, 0.5 * patch.foot[0])
    top = np.abs(patch.q - rail + 0.02) < 0.03
    shade = np.where(low, shade * (1 - 0.2 * groove - 0.05 * (edge > 0.07)), shade)
    shade = np.where(top, 1.04, shade)
    patch.set(choose(low, style.trim_color, style.wall_color), shade)


def brick(patch: RoomPatch) -> None:
    chance, joint = courses(patch, 0.26, 0.085)
    patch.set(patch.style.wall_color, (0.86 + 0.22 * chance) * (1 - 0.3 * joint) * (0.95 + 0.1 * patch.noise()))


def courses(patch: RoomPatch, long: float, high: float) -> tuple[Array, Array]:
    """Chance of each brick, `long` by `high` m, and how much of a sample is joint."""
    rows, columns = patch.q / high, patch.p / long
    row = np.floor(rows)
    columns = columns + 0.5 * (row % 2)
    joint = np.maximum(patch.lines(patch.q, high, 0.014, 1), patch.lines(columns * long, long, 0.014, 0))
    return patch.chance(row, np.floor(columns)), joint


def floor(patch: RoomPatch) -> None:
    (planks, parquet, tiles, carpet, slabs)[patch.style.floor](patch)


def planks(patch: RoomPatch) -> None:
    style, wide, long = patch.style, 0.15, 1.3
    column = np.floor(patch.p / wide)
    along = patch.q / long + patch.chance(column, column * 3)
    seam = np.maximum(patch.lines(patch.p, wide, 0.008, 0), 0.8 * patch.lines(along * long, long, 0.008, 1))
    chance = patch.chance(np.floor(along), column)
    grain = patch.noise(6, 0.5)
    patch.set(style.floor_color, (0.8 + 0.24 * chance + 0.16 * grain) * (1 - 0.45 * seam))
    patch.gloss(style.gloss)


def parquet(patch: RoomPatch) -> None:
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


def tiles(patch: RoomPatch) -> None:
    style, step = patch.style, 0.42
    a, b = np.floor(patch.p / step), np.floor(patch.q / step)
    joint = patch.grid(step, 0.012)
    other = mix(style.floor_color, tint(style.floor_color, 0.55), 0.9 if style.accent_color[0] > 0.5 else 0.1)
    checked = ((a + b) % 2 < 1).astype(np.float32)
    shade = 0.92 + 0.1 * patch.chance(a, b) + 0.06 * patch.noise(2, 2)
    patch.set(mix(mix(style.floor_color, other, checked), (0.6, 0.58, 0.55), 0.6 * joint), shade)
    patch.gloss(style.gloss)


def carpet(patch: RoomPatch) -> None:
    patch.set(patch.style.floor_color, 0.84 + 0.14 * patch.white() + 0.14 * patch.noise(0.7, 0.7))


def slabs(patch: RoomPatch) -> None:
    """Stone slabs of two widths, veined."""
    style, step = patch.style, 0.6
    row = np.floor(patch.q / step)
    place = patch.p + 0.31 * (row % 2) + 0.1 * (row % 3)
    joint = np.maximum(patch.lines(place, 0.75, 0.016, 0), patch.lines(patch.q, step, 0.016, 1))
    vein = np.abs(patch.noise(1.3, 1.3) - 0.5) < 0.03
    shade = 0.86 + 0.14 * patch.chance(row, np.floor(place / 0.75)) + 0.1 * patch.noise(2, 2) + 0.06 * vein
    patch.set(style.floor_color, shade * (1 - 0.35 * joint))
    patch.gloss(style.gloss)


def wood(patch: RoomPatch) -> None:
    long = patch.w > patch.h
    grain = np.where(long, patch.noise(0.7, 7), patch.noise(7, 0.7))
    patch.set(patch.style.wood_color, 0.84 + 0.26 * grain)
    patch.gloss(0.12)


def fronts(patch: RoomPatch) -> None:
    """Doors or drawers with a sunk panel and a knob each."""
    u, v, w, h = patch.u, patch.v, patch.w, patch.h
    drawers = (h < 1.3) & (patch.look > 0.45)
    columns = np.where(drawers, np.maximum(np.round(w / 0.7), 1), np.maximum(np.round(w / 0.45), 1))
    rows = np.where(drawers, np.maximum(np.round(h / 0.24), 1), 1)
    a, b = fraction(u * columns), fraction(v * rows)
    edge = np.minimum(np.minimum(a, 1 - a) * w / columns, np.minimum(b, 1 - b) * h / rows)
    gap = np.clip(0.5 + (0.008 - edge) / patch.foot[0], 0, 1)
    sunk = patch.edged(edge - 0.06, 0.012) * (patch.second > 0.3)
    door_side = np.where(np.floor(u * columns) % 2 < 1, 0.9, 0.1)
    ka, kb = np.where(drawers, 0.5, door_side), np.where(drawers, 0.5, np.where(h > 1.3, 0.55, 0.3))
    knob = np.hypot((a - ka) * w / columns * np.where(drawers, 0.3, 1), (b - kb) * h / rows) < 0.022
    shade = (0.95 + 0.1 * patch.noise(4, 0.8)) * (1 - 0.5 * gap - 0.18 * sunk)
    patch.set(choose(knob, patch.style.metal_color, tint(patch.style.cabinet_color, shade)))
    patch.gloss(0.1)


def sofa(patch: RoomPatch) -> None:
    cloth(patch, patch.style.sofa_color, patch.style.sofa)


def armchair(patch: RoomPatch) -> None:
    cloth(patch, patch.style.armchair_color, patch.style.armchair)


def cloth(patch: RoomPatch, color, kind: int) -> None:
    soft = 1 - 0.22 * np.exp(-patch.border / 0.025)  # cushions are rounded off
    if kind == 2:
        crease = patch.noise(2, 2)
        patch.set(color, soft * (0.86 + 0.26 * crease))
        patch.gloss(0.35 * crease)
        return
    shade = soft * (0.9 + 0.12 * patch.white() + 0.08 * patch.noise(2, 2))
    if kind == 1:
        shade = soft * (0.8 + 0.4 * patch.noise(1.5, 1.5))
    if kind == 3:
        lines = 0.5 * patch.lines(patch.p, 0.14, 0.05, 0) + 0.5 * patch.lines(patch.q, 0.14, 0.05, 1)
        patch.set(mix(color, mix(tint(color, 0.5), patch.style.accent_color, 0.4), 0.8 * lines), shade)
        return
    patch.set(color, shade)


def metal(patch: RoomPatch) -> None:
    patch.set(patch.style.metal_color, 0.8 + 0.4 * (1 - np.abs(2 * patch.u - 1)))
    patch.gloss(0.3)


SURFACES = (
    wall, floor, wood, fronts, sofa, armchair, metal,
    plain("ceiling", "ceiling_color", 0.98, 0.03, (0.4, 0.4)),
    plain("trim", "trim_color", 0.96, 0.05),
    plain("lacquer", "cabinet_color", 0.94, 0.1, (4, 0.8), gloss=0.1),
    plain("linen", (0.93, 0.92, 0.9), 0.9, 0.14, (1.5, 1.5)),
    plain("frame", "frame_color", 0.9, 0.2, (3, 3), gloss=0.15),
    plain("dark", (0.08, 0.08, 0.085), 0.9, 0.2),
)  # fmt: skip
