"""What hangs, lies and stands in toy-rooms, and how it is painted: windows, pictures, cloths, plants, books, lamps."""

from typing import Any

import numpy as np

from sempal_lib.worlds.engine import TILE, choose, mix, noise, noise_at, one_of, tint
from sempal_lib.worlds.rooms.picture import RoomPatch
from sempal_lib.worlds.rooms.space import FACING, SIDEWAYS
from sempal_lib.worlds.rooms.surfaces import courses

Array = np.ndarray
SPINES = ((0.6, 0.16, 0.13), (0.14, 0.24, 0.42), (0.8, 0.7, 0.5), (0.16, 0.34, 0.24), (0.88, 0.86, 0.8),
          (0.24, 0.22, 0.22), (0.76, 0.46, 0.16), (0.4, 0.2, 0.3))  # fmt: skip


def hue(patch: RoomPatch, chance: Array) -> list[Any]:
    """One of five colours that go with the room, by chance."""
    style = patch.style
    own = style.accent_color, style.cushion_color, style.rug_color, tint(style.curtain_color, 0.8)
    return one_of((*own, (0.85, 0.8, 0.7)), chance)


def view(patch: RoomPatch) -> list[Any]:
    """What is seen outside: sky, and under a skyline hills, trees or houses. The horizon is the camera's."""
    style = patch.style
    aside = 2.5 + np.sign(patch.right) / np.maximum(np.abs(patch.right), 0.2)
    azimuth = np.where(patch.lies == FACING, patch.right, aside)
    rise = patch.up / np.sqrt(1 + patch.right**2)
    seed = patch.picture.shift % 97
    place = azimuth * 14 + seed
    house = np.floor(place)
    rows = noise("smooth").reshape(TILE, TILE)
    ridge = rows[seed].take((azimuth * 90).astype(np.int32) & 255)
    tree = rows[seed + 99].take((azimuth * 230).astype(np.int32) & 255)
    town = seed % 3 == 0
    skyline = 0.12 * patch.chance(house, house) if town else 0.01 + 0.11 * ridge * (0.8 + 0.3 * tree)
    grey = style.sun == 0
    zenith = mix((0.42, 0.62, 0.92), (0.74, 0.77, 0.82), float(grey))
    horizon = mix((0.86, 0.91, 0.97), (1.0, 0.8, 0.58), 0.8 * style.warmth * style.sun)
    cloud = np.clip(3 * noise_at("smooth", azimuth * 120, rise * 300) - 1.7, 0, 1)
    sky = mix(mix(horizon, zenith, np.clip(rise * 1.8, 0, 1)), (0.95, 0.95, 0.96), 0.7 * cloud)
    far = (0.26, 0.34, 0.22) if not town else (0.62, 0.54, 0.48)
    shade = 0.6 + 0.5 * (tree if not town else patch.chance(house + 5, house))
    if town:
        pane = ((place - house) * 4 % 1 > 0.45) & ((rise * 60) % 1 > 0.45)
        shade = shade * np.where(pane, 0.6, 1)
    land = mix([c * shade for c in far], horizon, 0.25)
    land = choose(rise < -0.02, tint((0.3, 0.36, 0.2), 0.8 + 0.3 * ridge), land)
    above = np.clip((rise - skyline) * 60, 0, 1)
    return mix(land, sky, above)


def glass(patch: RoomPatch) -> None:
    """A window: what is outside, behind the bars of the casement."""
    style, u, v, w, h = patch.style, patch.u, patch.v, patch.w, patch.h
    edge = np.where(patch.border < 0.04, 1.0, 0.0)
    kind, bar = style.panes, 0.035
    upright = np.abs(u - 0.5) * w < bar
    if kind == 1:
        edge = np.maximum(edge, upright)
    elif kind == 2:
        columns, rows = np.maximum(np.round(w / 0.42), 2), np.maximum(np.round(h / 0.42), 2)
        a = np.abs(u * columns - np.round(u * columns)) * w / columns
        b = np.abs(v * rows - np.round(v * rows)) * h / rows
        edge = np.maximum(edge, (a < 0.016) | (b < 0.016))
    elif kind == 3:
        edge = np.maximum(edge, (np.abs(v - 0.28) * h < bar) | (upright & (v > 0.28)))
    bright = style.daylight
    outside = [c * (0.05 + 1.2 * bright**1.5) for c in view(patch)]
    patch.set(choose(edge > 0, tint(style.trim_color, 0.95), outside))
    patch.light([np.where(edge > 0, 0.0, 1.25 * c) for c in outside])


def leaf(patch: RoomPatch) -> None:
    """A door: sunk panels and a handle."""
    u, v, w, h = patch.u, patch.v, patch.w, patch.h
    columns = 1 if patch.style.rug % 2 else 2
    a = np.abs((u * 0.9 + 0.05) * columns % 1 - 0.5)
    rows = (v > 0.42).astype(np.float32)
    b = np.where(v > 0.42, (v - 0.46) / 0.48, (v - 0.06) / 0.32)
    inner = np.minimum((0.38 - a) * w / columns, np.minimum(b, 1 - b) * h * np.where(rows > 0, 0.48, 0.32))
    groove = patch.edged(inner, 0.012)
    handle = (np.abs(u - 0.09) * w < 0.02) & (np.abs(v - 0.5) * h < 0.05)
    shade = (0.95 + 0.08 * patch.noise(5, 0.6)) * (1 - 0.25 * groove + 0.03 * (inner > 0))
    patch.set(choose(handle, patch.style.metal_color, tint(patch.style.door_color, shade)))
    patch.gloss(0.08)


def picture(patch: RoomPatch) -> None:
    """A framed picture: a landscape, an abstract or a print, in a mat or without."""
    style, u, v = patch.style, patch.u, patch.v
    edge = patch.border
    mat = np.where(patch.third > 0.5, 0.1, 0.0)
    ridge = 0.45 + 0.3 * (patch.noise(1.5, 0.01) - 0.5) + 0.2 * (patch.second - 0.5)
    land = mix(tint(style.leaf_color, 1.2), style.accent_color, 0.5 * patch.noise(2, 2))
    sky = mix((0.62, 0.74, 0.86), (0.96, 0.84, 0.68), v * 1.4)
    landscape = choose(v > ridge, tint(land, 1.3 - 0.6 * v), sky)
    cell = np.floor(u * (2 + np.floor(3 * patch.third))) * 5 + np.floor(v * (2 + np.floor(3 * patch.second)))
    abstract = hue(patch, patch.chance(cell, patch.part))
    ring = np.hypot((u - 0.5) * patch.w, (v - 0.45) * patch.h) < 0.28 * np.minimum(patch.w, patch.h)
    print_ = choose(ring, hue(patch, patch.chance(patch.part, patch.part)), (0.9, 0.87, 0.8))
    art = choose(patch.look < 0.45, landscape, choose(patch.look < 0.75, abstract, print_))
    art = [np.where(edge < 0.03 + mat, 0.92, c) for c in art]
    patch.set(choose(edge < 0.03, style.frame_color, art))


def mirror(patch: RoomPatch) -> None:
    """The mirrored ray, to the surface of the room that it meets."""
    room, style = patch.scene, patch.style
    flat = patch.lies == SIDEWAYS
    across, up, along = np.where(flat, -patch.right, patch.right), patch.up, np.where(flat, 1.0, -1.0)
    far = [
        (np.where(across > 0, room.right, room.left) - patch.x) / np.where(np.abs(across) < 1e-3, 1e-3, across),
        (np.where(up > 0, room.height, 0.0) - patch.y) / np.where(np.abs(up) < 1e-3, 1e-3, up),
        (np.where(along > 0, room.depth, -1.5) - patch.z) / along,
    ]
    # A ray that starts at a wall has not met it.
    far = [np.where(t < 0.05, 99.0, t) for t in far]
    side, level = far[0] < far[2], far[1] < np.minimum(far[0], far[2])
    shade = np.where(side, 0.62, 0.74) + 0.06 * patch.noise(0.5, 0.5)
    colors = [
        np.where(level, np.where(up > 0, c * 0.85, f * 0.55), w * shade)
        for c, f, w in zip(style.ceiling_color, style.floor_color, style.wall_color, strict=True)
    ]
    patch.set(mix(colors, (0.75, 0.8, 0.82), 0.12))
    patch.gloss(0.5)


def blanket(patch: RoomPatch) -> None:
    style, p, q = patch.style, patch.p, patch.q
    shade = 0.82 + 0.3 * patch.noise(1, 1) + 0.04 * patch.white()
    color: Any = style.blanket_color
    if style.blanket == 1:
        color = mix(color, (0.92, 0.9, 0.85), patch.lines(p, 0.2, 0.08, 0))
    elif style.blanket == 2:
        shade = shade * (1 - 0.25 * patch.grid(0.2, 0.02))
    elif style.blanket == 3:
        share = 0.5 * patch.lines(p, 0.24, 0.1, 0) + 0.5 * patch.lines(q, 0.24, 0.1, 1)
        color = mix(color, mix(style.accent_color, (0.95, 0.93, 0.9), 0.4), share)
    patch.set(color, shade)


def puffed(patch: RoomPatch) -> Array:
    """Shade of something stuffed: paler in its middle, darker below."""
    x, y = 2 * patch.u - 1, 2 * patch.v - 1
    return 1.06 - 0.22 * (x**4 + y**4) - 0.1 * y + 0.1 * (patch.noise(3, 3) - 0.5)


def pillow(patch: RoomPatch) -> None:
    cased = patch.style.cushion_color[0] > 0.6
    color = mix((0.95, 0.94, 0.92), patch.style.blanket_color, 0.35 if cased else 0.06)
    patch.set(color, puffed(patch))


def cushion(patch: RoomPatch) -> None:
    style = patch.style
    color = mix(style.cushion_color, hue(patch, patch.look), (patch.second > 0.45).astype(np.float32))
    stripe = np.where(patch.third > 0.8, np.abs(patch.u * 5 % 1 - 0.5) > 0.25, False)
    edge = np.maximum(np.abs(patch.u - 0.5), np.abs(patch.v - 0.5)) > 0.3
    stripe |= (patch.third > 0.6) & (patch.third <= 0.8) & edge
    patch.set(mix(color, (0.9, 0.87, 0.8), 0.75 * stripe), puffed(patch))


def seat(patch: RoomPatch) -> None:
    patch.set(patch.style.seat_color, (0.94 + 0.08 * patch.white()) * (1 - 0.12 * np.exp(-patch.border / 0.03)))


def curtain(patch: RoomPatch) -> None:
    """Folds that hang straight; where light comes through they glow a little."""
    style = patch.style
    place = np.where(patch.lies == FACING, patch.p, patch.p * 1.0)
    fold = np.sin(place * 62 + 1.5 * np.sin(place * 17) + 2 * patch.look)
    color: Any = style.curtain_color
    if style.blanket == 1:
        color = mix(color, (0.9, 0.88, 0.82), 0.5 * (np.abs(place * 9 % 1 - 0.5) < 0.12))
    patch.set(color, 0.84 + 0.17 * fold + 0.05 * patch.noise(4, 0.3))
    patch.light([0.12 * style.daylight * c * (1 + fold) for c in style.curtain_color])


def rug(patch: RoomPatch) -> None:
    style, u, v = patch.style, patch.u, patch.v
    edge, pile = patch.border, 0.88 + 0.16 * patch.white() + 0.08 * patch.noise()
    share: Any = np.zeros(len(u), np.float32)
    if style.rug == 1:
        share = ((edge > 0.09) & (edge < 0.2)).astype(np.float32)
    elif style.rug == 2:
        share = patch.lines(patch.p, 0.28, 0.14, 0)
    elif style.rug == 3:
        x, y = np.abs(2 * u - 1), np.abs(2 * v - 1)
        diamond = x + y
        share = ((diamond < 0.62) & (diamond > 0.48)) | (diamond < 0.2) | ((edge > 0.08) & (edge < 0.13))
        dots = patch.lines(patch.p, 0.17, 0.05, 0) * patch.lines(patch.q, 0.17, 0.05, 1)
        share = np.maximum(share, dots * (diamond > 0.62) * (edge > 0.15))
    patch.set(mix(style.rug_color, style.accent_color, 0.85 * share), pile)


def shade(patch: RoomPatch) -> None:
    """A lampshade: paper, that glows when the lamp is on."""
    round_off = 1 - 0.3 * (2 * patch.u - 1) ** 2
    paper = mix((0.94, 0.91, 0.84), patch.style.accent_color, 0.35 * (patch.style.pot_color[0] > 0.6))
    patch.set(paper, 0.75 + 0.25 * round_off)
    bright = (0.75 + 0.5 * patch.v) * round_off
    patch.light([1.05 * c * bright for c in patch.style.lamplight])


def pot(patch: RoomPatch) -> None:
    x = 2 * patch.u - 1
    band = (np.abs(patch.v - 0.2) < 0.06) & (patch.second > 0.6)
    color = mix(patch.style.pot_color, hue(patch, patch.third), 0.5 * (patch.look > 0.5))
    patch.set(color, (1.05 - 0.45 * x**2) * np.where(band, 0.75, 1))
    patch.gloss(0.25 * (np.abs(x + 0.35) < 0.18))


def plant(patch: RoomPatch) -> None:
    """A leaf: a rib, and paler towards its tip."""
    rib = np.abs(patch.u - 0.5) * patch.w < 0.006
    light = 0.66 + 0.5 * patch.look + 0.25 * (0.5 - patch.v) + 0.2 * (patch.noise(5, 5) - 0.5)
    color = mix(patch.style.leaf_color, (0.55, 0.62, 0.25), 0.3 * patch.third)
    patch.set(color, light * np.where(rib, 1.2, 1))
    patch.gloss(0.1)


def books(patch: RoomPatch) -> None:
    """Spines side by side, of many colours and heights."""
    place = patch.p / 0.035 + 60 * patch.look
    column = np.floor(place)
    inside = place - column
    chance, other = patch.chance(column, patch.part), patch.chance(patch.part, column)
    gap = (inside < 0.1) | ((patch.h > 0.12) & (patch.v < 0.18 * other))
    label = (np.abs(patch.v - 0.3 - 0.2 * other) < 0.06) & (inside > 0.25) & (chance * 8 % 1 > 0.4)
    tone = (0.8 + 0.3 * np.sin(np.pi * inside)) * np.where(gap, 0.25, 1)
    patch.set(mix(one_of(SPINES, chance), (0.85, 0.75, 0.5), 0.7 * label), tone)


def screen(patch: RoomPatch) -> None:
    rim = patch.border < 0.02
    reflection = np.clip(0.5 - np.abs(patch.u + 0.5 * patch.v - 0.9) * 2, 0, 1)
    patch.set([np.where(rim, 0.05, 0.035 + 0.1 * reflection * t) for t in (0.9, 1.0, 1.15)])
    patch.gloss(0.5)


def radiator(patch: RoomPatch) -> None:
    rib = np.sin(patch.p * 2 * np.pi / 0.075)
    rim = (patch.v < 0.07) | (patch.v > 0.93)
    patch.set((0.92, 0.92, 0.9), 0.88 + 0.14 * np.where(rim, 0.6, rib))
    patch.gloss(0.15)


def hearth(patch: RoomPatch) -> None:
    """The fireplace's mantel: marble, or brick."""
    if patch.style.wall in (4, 1):
        chance, joint = courses(patch, 0.22, 0.075)
        patch.set((0.6, 0.34, 0.26), (0.8 + 0.3 * chance) * (1 - 0.3 * joint))
        return
    vein = np.clip(1 - np.abs(patch.noise(1, 1) - 0.5) * 14, 0, 1)
    edge = patch.edged(patch.border - 0.07, 0.012)
    patch.set(mix(patch.style.trim_color, (0.6, 0.6, 0.6), 0.35 * vein), 0.95 - 0.2 * edge)
    patch.gloss(0.2)


def fire(patch: RoomPatch) -> None:
    """The opening: soot, logs, and flames on evenings with the lamps on."""
    u, v = patch.u, patch.v
    lit = patch.style.lamps
    log = (v > 0.82) & (v < 0.95) & (np.abs(u - 0.5) < 0.3)
    patch.set(choose(log, (0.26, 0.16, 0.1), (0.06, 0.055, 0.05)), 0.7 + 0.6 * patch.noise(2, 2))
    tongue = 0.5 * (0.4 + patch.noise(4, 0.6)) * (1 - (2.6 * (u - 0.5)) ** 2)
    flame = np.clip((tongue - (0.9 - v)) * 7, 0, 1) * (v < 0.9) * lit
    patch.light([flame * c for c in (1.3, 0.65 + 0.25 * v, 0.18)])


FITTINGS = (
    glass, leaf, picture, mirror, blanket, pillow, cushion, seat, curtain, rug, shade, pot, plant, books, screen,
    radiator, hearth, fire,
)  # fmt: skip
