"""What is fitted into the walls of toy-facades: windows, doors, rails, blinds and shops, and how they are painted."""

from typing import Any

import numpy as np

from sempal_lib.worlds.engine import FlatPatch, choose, fraction, mix, noise, tint

Array = np.ndarray


def glass(patch: FlatPatch, open_from: float = 0.0) -> tuple[list[Any], Array]:
    """What a pane shows: a dim room, and over it the sky and the houses opposite. Colour, and its share of glow."""
    style = patch.style
    room = 0.1 + 0.1 * patch.look + 0.05 * patch.v
    wave = patch.noise(2, 2) - 0.5
    skyline = 0.5 + 0.35 * patch.third + 0.35 * wave - 0.25 * (patch.u - 0.5) - patch.v
    bright = np.clip(skyline * 6, 0, 1) * (0.35 + 0.4 * patch.second)
    lamp = (patch.look > 0.93) * 0.5
    reflected = mix((0.16, 0.16, 0.17), mix(style.zenith, style.horizon, 0.4), 0.3 + 0.7 * bright)
    share = 0.18 + 0.75 * bright
    color = [room * t + lamp * s for t, s in zip((0.9, 1.0, 1.1), (1.0, 0.8, 0.45), strict=True)]
    return mix(color, reflected, share), 0.5 + 0.4 * share


def window(patch: FlatPatch) -> None:
    style, u, v, w = patch.style, patch.u, patch.v, patch.w
    color, glow = glass(patch)
    # Curtains hang at both sides, some windows have lace below.
    drawn = patch.second < style.curtains
    side = np.abs(u - 0.5) > 0.24 + 0.12 * patch.third + 0.05 * v
    lace = (patch.third > 0.6) & (v > 0.45) & drawn
    fold = 0.8 + 0.12 * np.sin(u * w * 900)
    cloth = (drawn & side) | lace
    color = mix(color, mix((0.85, 0.82, 0.74), (0.8, 0.7, 0.62), patch.look), 0.75 * fold * cloth)
    frame = window_frame(patch)
    patch.set(choose(frame, tint(style.frame_color, 0.98), color))
    patch.shine(np.where(frame, 0, glow * np.where(cloth, 0.25, 1)))
    patch.raise_by(1.2 * frame)


def window_frame(patch: FlatPatch) -> Array:
    """Whether samples lie in the frame or its bars."""
    u, v, w, h = patch.u, patch.v, patch.w, patch.h
    thick = np.clip(0.09 * w, 0.0042, 0.011)
    across, down = np.minimum(u, 1 - u) * w, np.minimum(v, 1 - v) * h
    round_head = patch.outlined("arch") & (v * h < w / 2)
    radius = np.hypot((u - 0.5) * w, v * h - w / 2)
    edge = np.where(round_head, w / 2 - radius, np.minimum(across, down))
    edge = np.where(patch.outlined("disc"), w / 2 - radius, edge)
    frame = edge < thick
    bar = 0.55 * thick
    upright, kind = np.abs(u - 0.5) * w < bar, patch.style.panes
    wide = w > 1.15 * h
    if kind == 0:
        return frame | upright
    if kind == 1:
        return frame | (np.abs(v - 0.48) * h < 0.8 * thick) | (wide & upright)
    if kind == 2:
        third = np.abs(v * 3 - np.round(v * 3)) / 3 * h
        return frame | upright | (third < 0.75 * bar)
    if kind == 3:
        return frame | (wide & (np.abs(u - 0.33) * w < bar))
    return frame | (np.abs(v - 0.3) * h < bar) | (upright & (v > 0.3))


def door(patch: FlatPatch) -> None:
    """Two leaves with sunk panels; a light over them in high doors."""
    style, u, v, w, h = patch.style, patch.u, patch.v, patch.w, patch.h
    head = np.where(h > 1.7 * w, 0.22, 0.0)
    body = (v - head) / (1 - head)
    leaf = np.where(w > 0.05, np.abs(u - 0.5) * 2, u)
    gap = (w > 0.05) & (np.abs(u - 0.5) * w < 0.0025)
    a, b = np.abs(leaf - 0.52), np.abs(body * 2.0 % 1 - 0.5)
    sunk = (a < 0.26) & (b < 0.36)
    pane = (v < head - 0.03) & (np.minimum(u, 1 - u) > 0.08) & (v * h > 0.006)
    pane |= sunk & (body < 0.5) & (patch.second > 0.55)
    shade = 0.92 + 0.16 * patch.noise(4, 0.6) - 0.18 * sunk - 0.45 * gap
    wood = mix(style.door_color, style.shop_color, 0.35 * patch.third)
    color, glow = glass(patch)
    handle = (np.abs(leaf - 0.1) * w < 0.004) & (np.abs(body - 0.55) * h < 0.006)
    patch.set(choose(handle, (0.85, 0.72, 0.35), choose(pane, color, tint(wood, shade))))
    patch.shine(np.where(pane, glow, 0))
    patch.raise_by(-1.5 * (sunk | pane) - gap)


def rail_gaps(patch: FlatPatch) -> Array:
    """Where one sees through a balcony's rail."""
    style, u, v, w, h = patch.style, patch.u, patch.v, patch.w, patch.h
    edge = (v * h < 0.009) | ((1 - v) * h < 0.006) | (np.minimum(u, 1 - u) * w < 0.005)
    place = fraction(patch.x * 64)
    if style.rail == 0:
        return ~edge & (place > 0.3)
    if style.rail == 1:
        across = (patch.x - np.floor(patch.x * 28) / 28) * 28 * 2 - 1
        ring = np.abs(np.hypot(across, (v - 0.45) * h * 56) - 0.8) < 0.26
        return ~edge & ~ring & ((place > 0.3) | (np.abs(v - 0.45) * h * 56 < 1))
    if style.rail == 2:
        along = patch.x * 42
        belly = 0.2 + 0.13 * np.sin(v * 5.5 + 0.2)
        return ~(edge | (v < 0.16)) & (np.abs(along - np.floor(along) - 0.5) > belly)
    return np.zeros(len(u), bool)


def rail(patch: FlatPatch) -> None:
    style, u, v = patch.style, patch.u, patch.v
    post = np.minimum(u, 1 - u) * patch.w < 0.005
    hand = v * patch.h < 0.008
    shade = 0.9 + 0.14 * patch.noise(2, 2)
    if style.rail == 4:
        color, glow = glass(patch)
        seam = np.abs(patch.x * 9 - np.round(patch.x * 9)) < 0.03
        solid = hand | post | seam
        color = mix(color, mix(style.balcony_color, (0.6, 0.75, 0.78), 0.6), 0.6)
        patch.set(choose(solid, tint((1, 1.02, 1.05), 0.55), tint(color, shade)))
        patch.shine(np.where(solid, 0, 0.5 * glow))
        return
    if style.rail == 3:
        seam = np.abs(patch.x * 14 - np.round(patch.x * 14)) < 0.06
        patch.set(style.balcony_color, shade * np.where(hand, 1.12, 1) * (1 - 0.2 * seam))
        patch.raise_by(1.5 * hand - 0.8 * seam)
        return
    patch.set(style.balcony_color, shade * np.where(hand, 1.15, 1))
    patch.raise_by(1.5 * hand)


def louvre(patch: FlatPatch) -> None:
    """A shutter: slats in a frame, with a rail across the middle."""
    v, h = patch.v, patch.h
    frame = patch.rim(0.005, 0.006) | (np.abs(v - 0.5) * h < 0.004)
    slope = fraction(v * h * 80)
    patch.set(patch.style.blind_color, np.where(frame, 1.0, 0.72 + 0.36 * slope) * (0.92 + 0.14 * patch.noise(2, 1)))
    patch.raise_by(np.where(frame, 1.0, 0.6 * slope))


def roller(patch: FlatPatch) -> None:
    slope = fraction(patch.v * patch.h * 72)
    hem = (1 - patch.v) * patch.h < 0.006
    color = mix(patch.style.blind_color, (0.86, 0.84, 0.78), 0.5)
    patch.set(color, (0.84 + 0.18 * slope) * np.where(hem, 0.8, 1) * (0.94 + 0.1 * patch.look))
    patch.raise_by(0.5 * slope)


def display(patch: FlatPatch) -> None:
    """A shop window: lit goods on shelves behind large panes."""
    u, v, w, h = patch.u, patch.v, patch.w, patch.h
    color, glow = glass(patch)
    column, shelf = np.floor(patch.x * 40), np.floor(v * 2.2)
    chance = patch.chance(shelf, column)
    other = patch.chance(column, shelf + 5)
    tall = 0.3 + 0.55 * chance
    goods = (v * 2.2 - shelf > 1 - tall) & (other > 0.25)
    hues = [0.3 + 0.6 * patch.chance(column, shelf + n) for n in (11, 23, 37)]
    lit = 0.35 + 0.5 * patch.look
    color = mix(color, [0.5 * lit, 0.44 * lit, 0.36 * lit], 0.45)
    color = choose(goods, [0.45 * c + 0.55 * hue * lit for c, hue in zip(color, hues, strict=True)], color)
    panes = np.maximum(np.round(w / 0.11), 1)
    bar = np.abs(u * panes - np.round(u * panes)) / panes * w < 0.004
    frame = bar | (np.minimum(v, 1 - v) * h < 0.005)
    patch.set(choose(frame, tint(shop_paint(patch), 0.8), color))
    patch.shine(np.where(frame, 0, 0.35 + 0.4 * glow))
    patch.raise_by(1.5 * frame)


def shop_paint(patch: FlatPatch) -> list[Any]:
    """Neighbouring shops differ a little."""
    own = noise("white")[patch.scene.things * 31 + 7].take(patch.part)
    return mix(patch.style.shop_color, patch.style.door_color, 0.8 * (own > 0.6))


def sign(patch: FlatPatch) -> None:
    """A board with strokes that pass for letters."""
    v, color = patch.v, shop_paint(patch)
    size = np.maximum(0.55 * patch.h, 0.01)
    along = (patch.u - 0.5) * patch.w / size * 1.5 + 50
    letter = np.floor(along)
    place = along - letter
    chance = patch.chance(letter, patch.part)
    inside = (np.abs(v - 0.5) < 0.26) & (np.abs(patch.u - 0.5) < 0.2 + 0.2 * patch.look)
    bar = (place < 0.3) | ((place < 0.75) & (np.abs(v - 0.5 - 0.2 * np.round(chance * 2 - 1)) < 0.09))
    bar |= (place > 0.5) & (place < 0.75) & (chance > 0.45)
    ink = inside & bar & (chance > 0.12)
    bright = patch.style.shop_color[1] > 0.5
    letters = (0.18, 0.14, 0.12) if bright else (0.95, 0.88, 0.66)
    rim = np.minimum(v, 1 - v) * patch.h < 0.004
    patch.set(mix(color, letters, 0.9 * ink + 0.3 * rim), 0.95 + 0.08 * patch.noise())
    patch.raise_by(1.2 * rim)


def awning(patch: FlatPatch) -> None:
    """Striped cloth on a slope, with a valance."""
    stripe = np.floor(patch.x * 30) % 2
    valance = patch.v > 0.8
    plain = patch.picture.shift % 3 == 0
    cloth = mix(patch.style.awning_color, (0.93, 0.9, 0.82), np.where(plain, 0.0, stripe))
    patch.set(cloth, np.where(valance, 0.82, 1.08 - 0.16 * patch.v) * (0.96 + 0.06 * patch.noise(2, 2)))
    patch.raise_by(np.where(valance, 0, -9 * (1 - patch.v)))


FITTINGS = (window, door, rail, louvre, roller, display, sign, awning)
