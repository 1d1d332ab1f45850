"""Paints a façade: paint by material, then light and shadow from how far each sample stands out of the wall."""

from collections.abc import Callable

import numpy as np

from sempal_lib.worlds.facades import fittings as fittings
from sempal_lib.worlds.facades import kinds as kinds
from sempal_lib.worlds.facades import surfaces as surfaces
from sempal_lib.worlds.facades.house import House
from sempal_lib.worlds.facades.style import Style
from sempal_lib.worlds.facades.surfaces import Patch

PAINTERS: dict[int, Callable[[Patch], None]] = {
    kinds.SKY: surfaces.sky,
    kinds.STREET: surfaces.street,
    kinds.KERB: surfaces.pavement,
    kinds.NEIGHBOUR: surfaces.neighbour,
    kinds.ROOF: surfaces.roof,
    kinds.WALL: surfaces.wall,
    kinds.BASE: surfaces.base,
    kinds.TRIM: surfaces.trim,
    kinds.GLASS: fittings.window,
    kinds.LEAF: fittings.door,
    kinds.RELIEF: surfaces.relief,
    kinds.SHAFT: surfaces.shaft,
    kinds.SLAB: surfaces.slab,
    kinds.RAIL: fittings.rail,
    kinds.LOUVRE: fittings.louvre,
    kinds.ROLLER: fittings.roller,
    kinds.DISPLAY: fittings.display,
    kinds.SIGN: fittings.sign,
    kinds.AWNING: fittings.awning,
}


def paint(
    house: House, style: Style, rng: np.random.Generator, canvas: np.ndarray, behind: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Paint a façade.

    Args:
        canvas, behind: numbers of parts as `draw` gives them, int [2H, 2H]; the picture has half their size.
    Returns:
        The picture, float32 [3, H, W] in [-1, 1], and each class's mean paint, float32 [12, 3] in 0 to 1.
    """
    size = len(canvas)
    looks = rng.random((3, len(house.parts)), dtype=np.float32)
    scene = surfaces.Scene(house, style, size, looks, float(rng.random()))
    parts = canvas.copy()
    if house.rails:
        first = len(house.parts) - house.rails
        rails = np.flatnonzero(parts >= first)
        gaps = rails[fittings.rail_gaps(Patch(scene, rails, parts.take(rails)))]
        parts.ravel()[gaps] = behind.ravel()[gaps]
    scene.relief = house.parts[:, 7].astype(np.float32).take(parts.ravel())
    material = house.parts[:, 6].astype(np.uint8).take(parts.ravel())
    order = np.argsort(material, kind="stable")
    ends = np.cumsum(np.bincount(material, minlength=kinds.MATERIALS))
    flat, start = parts.ravel(), 0
    for number, end in enumerate(ends.tolist()):
        if end > start:
            places = order[start:end]
            PAINTERS[number](Patch(scene, places, flat.take(places)))
        start = end
    labels = house.parts[:, 5].astype(np.int64).take(canvas.ravel())
    return _light(scene, style), _class_colors(scene.paint, labels)


def _class_colors(paint: np.ndarray, labels: np.ndarray) -> np.ndarray:
    count = np.bincount(labels, minlength=12)
    sums = np.stack([np.bincount(labels, channel, minlength=12) for channel in paint], axis=1)
    return np.clip(sums / np.maximum(count, 1)[:, None], 0, 1).astype(np.float32)


def _light(scene: "surfaces.Scene", style: Style) -> np.ndarray:
    size = scene.size
    relief = scene.relief.reshape(size, size)
    near, shadow = _shadow(relief, style.direction)
    # Edges that look towards the light are bright, those that look away dark.
    right, up = style.direction
    bump = np.zeros_like(relief)
    bump[1:] += up * 0.5 * (relief[1:] - relief[:-1])
    sideways = relief[:, 1:] - relief[:, :-1]
    bump[:, 1:] -= 0.5 * right * sideways
    np.clip(bump * (0.12 * min(size / 256, 1.0)), -0.3, 0.35, out=bump)
    hollow = np.clip((near - relief) * 0.05, 0, 0.5)
    open_sky = 1 - hollow + 0.3 * bump
    lit = (1 - shadow) * (1 + bump)
    # The sky and the panes shine by themselves.
    own = scene.glow.reshape(size, size)
    image = np.empty((3, size // 2, size // 2), np.float32)
    for channel in range(3):
        light = style.skylight[channel] * open_sky + style.sunlight[channel] * lit
        light += own - light * own
        light *= scene.paint[channel].reshape(size, size)
        light = light[0::2] + light[1::2]
        image[channel] = 0.25 * (light[:, 0::2] + light[:, 1::2])
    image += scene.grain(size // 2)
    # Highlights bend over instead of being cut off.
    image = np.where(image > 0.8, 0.8 + 0.2 * np.tanh((image - 0.8) * 5), image)
    return np.clip(2 * image - 1, -1, 1)


def _shadow(relief: np.ndarray, direction: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Mean relief around each sample, and the share of the sun's light that something takes from it."""
    size = len(relief)
    scale = size / 256
    pad = int(np.ceil(14 * scale * max(abs(direction[0]), direction[1], 1))) + 1
    wide = np.pad(relief, pad, mode="edge")
    highest = np.full_like(relief, -99)
    for height in (0.7, 1.5, 2.5, 3.5, 5.0, 7.0, 9.0, 12.0):
        dx, dy = round(direction[0] * height * scale), round(direction[1] * height * scale)
        np.maximum(highest, wide[pad - dy : pad - dy + size, pad + dx : pad + dx + size] - height, out=highest)
    shadow = np.clip((highest - relief) * 1.2 + 0.2, 0, 1)
    reach = max(round(3 * scale), 1)
    total = np.cumsum(np.cumsum(np.pad(wide, ((1, 0), (1, 0))), axis=0, dtype=np.float32), axis=1, dtype=np.float32)
    low, high = pad - reach, pad + reach + 1
    near = total[high : high + size, high : high + size] + total[low : low + size, low : low + size]
    near -= total[high : high + size, low : low + size] + total[low : low + size, high : high + size]
    return near / (2 * reach + 1) ** 2, shadow
