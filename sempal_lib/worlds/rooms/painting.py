"""Paints a room: paint by material, then the light on it."""

from collections.abc import Callable

import numpy as np

from sempal_lib.worlds.facades.surfaces import TILE, noises
from sempal_lib.worlds.rooms import fittings as fittings
from sempal_lib.worlds.rooms import kinds as k
from sempal_lib.worlds.rooms import surfaces as surfaces
from sempal_lib.worlds.rooms.light import illuminate, reflection
from sempal_lib.worlds.rooms.room import Room
from sempal_lib.worlds.rooms.style import Style
from sempal_lib.worlds.rooms.surfaces import Patch, Scene

PAINTERS: dict[int, Callable[[Patch], None]] = {
    k.M_WALL: surfaces.wall,
    k.M_FLOOR: surfaces.floor,
    k.M_CEILING: surfaces.ceiling,
    k.M_TRIM: surfaces.trim,
    k.M_WOOD: surfaces.wood,
    k.M_LACQUER: surfaces.lacquer,
    k.M_FRONTS: surfaces.fronts,
    k.M_SOFA: surfaces.sofa,
    k.M_ARMCHAIR: surfaces.armchair,
    k.M_SEAT: fittings.seat,
    k.M_LINEN: fittings.linen,
    k.M_BLANKET: fittings.blanket,
    k.M_PILLOW: fittings.pillow,
    k.M_CUSHION: fittings.cushion,
    k.M_GLASS: fittings.glass,
    k.M_LEAF: fittings.leaf,
    k.M_PICTURE: fittings.picture,
    k.M_FRAME: fittings.frame,
    k.M_MIRROR: fittings.mirror,
    k.M_CURTAIN: fittings.curtain,
    k.M_RUG: fittings.rug,
    k.M_SHADE: fittings.shade,
    k.M_METAL: surfaces.metal,
    k.M_POT: fittings.pot,
    k.M_PLANT: fittings.plant,
    k.M_BOOKS: fittings.books,
    k.M_SCREEN: fittings.screen,
    k.M_RADIATOR: fittings.radiator,
    k.M_HEARTH: fittings.hearth,
    k.M_FIRE: fittings.fire,
    k.M_DARK: surfaces.dark,
}


def paint(room: Room, style: Style, rng: np.random.Generator, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Paint a room.

    Args:
        canvas: numbers of parts as `draw` gives them, int [2H, 2H]; the picture has half its size.
    Returns:
        The picture, float32 [3, H, W] in [-1, 1], and each class's mean paint, float32 [25, 3] in 0 to 1.
    """
    looks = rng.random((3, len(room.parts)), dtype=np.float32)
    scene = Scene(room, style, canvas, looks, float(rng.random()))
    columns = np.array([(part[7], part[8]) for part in room.parts], np.uint8)
    material = columns[:, 1].take(scene.part)
    order = np.argsort(material, kind="stable")
    ends = np.cumsum(np.bincount(material, minlength=k.MATERIALS))
    start = 0
    for number, end in enumerate(ends.tolist()):
        if end > start:
            PAINTERS[number](Patch(scene, order[start:end]))
        start = end
    colors = _class_colors(scene.paint, columns[:, 0].take(scene.part))
    return _expose(scene), colors


def _class_colors(paint: np.ndarray, labels: np.ndarray) -> np.ndarray:
    classes = k.ROOMS_25.num_classes
    count = np.bincount(labels, minlength=classes)
    sums = np.stack([np.bincount(labels, channel, minlength=classes) for channel in paint], axis=1)
    return np.clip(sums / np.maximum(count, 1)[:, None], 0, 1).astype(np.float32)


def _expose(scene: Scene) -> np.ndarray:
    """Light the paint, and set the exposure as a camera does: three quarters of the way to an even brightness."""
    size = scene.size
    light, gleam = illuminate(scene), reflection(scene)
    image = np.empty((3, size // 2, size // 2), np.float32)
    for channel in range(3):
        seen = scene.paint[channel] * light[channel]
        seen += np.float32(0.7 * scene.style.skylight[channel]) * gleam
        glow = scene.glow[channel]
        seen = np.where(glow > 0, np.maximum(glow, 0.5 * seen + glow), seen).reshape(size, size)
        seen = seen[0::2] + seen[1::2]
        image[channel] = 0.25 * (seen[:, 0::2] + seen[:, 1::2])
    image *= np.float32((0.52 / (float(np.minimum(image, 1.2).mean()) + 0.02)) ** 0.75)
    # Highlights bend over instead of being cut off, and the eye sees shadows brighter than they are.
    image = np.where(image > 0.75, 0.75 + 0.25 * np.tanh((image - 0.75) * 2.2), image)
    image = np.maximum(image, 0) ** np.float32(0.85)
    places = (np.arange(size // 2) + scene.shift) % TILE
    image += 0.025 * (noises()[1][places[:, None], places[::-1][None]] - 0.5)
    return np.clip(2 * image - 1, -1, 1)
