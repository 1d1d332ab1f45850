"""The surfaces of toy-fashion: how cloth, skin, hair and the studio are painted.

Each function colours one patch. Patterns follow the piece that they are on: p lies across its axis and q along it,
in heads.
"""

from collections.abc import Callable

import numpy as np

from sempal_lib.worlds.engine import FlatPatch, band, choose, mix, noise_at, printed, tint, unit

Array = np.ndarray


def on_axis(patch: FlatPatch) -> tuple[Array, Array, Array]:
    """Place in the piece: across it, -1 to 1 at its edges; p and q, in heads."""
    scene = patch.scene
    x0, y0, x1, y1, r0, r1 = (scene.axes[:, n].take(patch.part) for n in range(6))
    x, y = at(patch)
    dx, dy = x1 - x0, y1 - y0
    length = np.sqrt(dx * dx + dy * dy)
    q = ((x - x0) * dx + (y - y0) * dy) / length
    p = ((x - x0) * dy - (y - y0) * dx) / length
    half = np.maximum(r0 + (r1 - r0) * unit(q / length), 0.02)
    return np.clip(p / half, -1, 1), p, q


def at(patch: FlatPatch) -> tuple[Array, Array]:
    """Place on the person, in heads."""
    scene = patch.scene
    return (patch.x - scene.left) / scene.unit, (patch.y - scene.crown) / scene.unit


def rounded(patch: FlatPatch, across: Array, amount: float) -> None:
    """Let a piece stand out like a tube."""
    patch.raise_by(amount * np.sqrt(1 - 0.96 * across * across))


def cloth(name: str, folds: float = 1.0, trim: bool = False, thick: float = 5.0) -> Callable[[FlatPatch], None]:
    """A painter of one class of cloths, or of its trims, by the style's factors of that class."""

    def painter(patch: FlatPatch) -> None:
        style, samples = patch.style, patch.picture.height * patch.scene.unit
        across, p, q = on_axis(patch)
        color, second = getattr(style, f"{name}_color"), getattr(style, f"{name}_second")
        kind = getattr(style, f"{name}_pattern")
        if trim:
            paint = mix(color, second if kind else tint(color, 0.8), 0.8)
        else:
            paint = mix(color, second, printed(kind, p, q, getattr(style, f"{name}_scale"), samples))
        shift = patch.picture.shift
        crease = noise_at("smooth", across * 24 + q * 5 + shift, q * 6 - across * 5 + patch.part * 37)
        drape = noise_at("smooth", across * 40 + 91 * patch.part, q * 2.5 + shift)
        shade = 0.84 + folds * (0.12 * crease + 0.16 * drape) + 0.05 * patch.white()
        shine = getattr(style, f"{name}_gloss") * band(across + 0.5 * crease, -0.2, 0.3, 3)
        patch.set(mix(paint, (1.0, 1.0, 1.0), 0.35 * shine), shade)
        rounded(patch, across, thick)
        patch.raise_by(folds * (3 * crease + 4 * drape))

    painter.__name__ = f"{name} trim" if trim else name
    return painter


def leather(name: str) -> Callable[[FlatPatch], None]:
    """A painter of shoes and belts: smooth, with a highlight and a dark sole or rim."""

    def painter(patch: FlatPatch) -> None:
        across, _, _ = on_axis(patch)
        high = band(across, -0.45, 0.05, 4)
        color = mix(getattr(patch.style, f"{name}_color"), (1.0, 1.0, 1.0), 0.22 * high)
        patch.set(color, np.where(patch.v > 0.86, 0.6, 0.9 + 0.14 * patch.noise(3, 3)))
        rounded(patch, across, 4)

    painter.__name__ = name
    return painter


def skin(patch: FlatPatch) -> None:
    across, _, _ = on_axis(patch)
    patch.set(patch.style.skin_color, 0.97 + 0.05 * patch.noise(2, 2) - 0.1 * across * across)
    rounded(patch, across, 5)


def face(patch: FlatPatch) -> None:
    """Skin with eyes, brows, nose and mouth, aside by as much as the head is turned."""
    style, scene = patch.style, patch.scene
    across, _, _ = on_axis(patch)
    x, y = at(patch)
    edge = patch.picture.height * scene.unit
    x = x - scene.head - 0.1 * scene.turn
    aside = np.abs(x)
    eye = unit((1 - np.hypot((aside - 0.145) / 0.075, (y - 0.57) / 0.036)) * edge * 0.05 + 0.5)
    iris = unit((0.042 - np.hypot(aside - 0.145, y - 0.57)) * edge + 0.5)
    brow = band(aside, 0.06, 0.23, edge) * band(y + 0.4 * (aside - 0.15) ** 2, 0.45, 0.485, edge)
    mouth = unit((1 - np.hypot(x / 0.125, (y - 0.865) / 0.042)) * edge * 0.05 + 0.5)
    nose = band(x - 0.03 * scene.turn, 0.0, 0.05, edge) * band(y, 0.6, 0.75, edge)
    cheek = np.exp(-(((aside - 0.2) / 0.09) ** 2) - ((y - 0.75) / 0.08) ** 2)
    color = mix(style.skin_color, style.lip_color, 0.22 * cheek)
    color = mix(color, style.lip_color, mouth)
    color = mix(color, style.hair_color, 0.75 * brow)
    color = mix(mix(color, (0.9, 0.88, 0.86), 0.8 * eye), (0.1, 0.07, 0.05), iris)
    patch.set(color, 0.99 - 0.08 * across * across - 0.13 * nose - 0.25 * band(y, 0.86, 0.872, edge) * mouth)
    rounded(patch, across, 6)


def hair(patch: FlatPatch, wave: float = 3.0, fine: float = 60.0) -> None:
    """Strands along the piece, with a sheen."""
    across, p, q = on_axis(patch)
    bend = 0.02 * np.sin(wave * 2 * np.pi * q)
    strand = noise_at("smooth", (p + bend) * 6 * fine + patch.picture.shift, q * 9)
    sheen = band(q + 0.1 * across * across, 0.22, 0.5, 6) * strand
    patch.set(mix(patch.style.hair_color, (0.9, 0.85, 0.8), 0.22 * sheen), 0.72 + 0.5 * strand)
    rounded(patch, across, 4)
    patch.raise_by(3 * strand)


def curls(patch: FlatPatch) -> None:
    across, p, q = on_axis(patch)
    lock = noise_at("smooth", p * 160 + patch.picture.shift, q * 160)
    patch.set(patch.style.hair_color, 0.55 + 0.8 * lock)
    rounded(patch, across, 4)
    patch.raise_by(7 * lock)


def glasses(patch: FlatPatch) -> None:
    patch.set(patch.style.glasses_color, 0.9)


def lens(patch: FlatPatch) -> None:
    """Dark glass in a rim."""
    rim = patch.rim(0.016 * patch.scene.unit / 0.12, 0.016 * patch.scene.unit / 0.12)
    glare = band(patch.u + 0.6 * patch.v, 0.45, 0.7, 6)
    glass = mix((0.1, 0.1, 0.12), (0.6, 0.66, 0.7), 0.55 * glare)
    patch.set(choose(rim, patch.style.glasses_color, glass), 0.95)


def backdrop(patch: FlatPatch) -> None:
    """The studio: a wall that rounds into the floor, or meets it, or has a spot of light; the person's shadow."""
    style, scene = patch.style, patch.scene
    x, y = at(patch)
    floor = scene.soles - 0.55
    if style.backdrop == 1:
        shade = 0.97 - 0.12 * unit((y - floor) * 9) + 0.02 * unit((floor - y) * 0.2)
    elif style.backdrop == 2:
        shade = 1.04 - 0.16 * np.hypot(x * 0.28, (y - 2.8) * 0.22)
    else:
        shade = 1.0 - 0.1 * unit((y - floor + 1) * 0.5) + 0.03 * unit((floor - y) * 0.15)
    side = -style.direction[0]
    shadow = np.exp(-(((x - 0.35 * side) / (0.75 + 0.2 * abs(side))) ** 2) - ((y - scene.soles + 0.03) / 0.13) ** 2)
    patch.set(style.background_color, shade + 0.02 * patch.noise() - 0.4 * shadow)
    patch.shine(0.86)


SURFACES = (
    backdrop, skin, face, hair, curls, glasses, lens, leather("shoes"), leather("belt"),
    cloth("top"), cloth("top", trim=True), cloth("dress", 1.4), cloth("dress", trim=True), cloth("skirt", 1.6),
    cloth("trousers", 1.2), cloth("outer", 1.1), cloth("outer", trim=True), cloth("hat", 0.6),
    cloth("hat", 0.4, trim=True), cloth("bag", 0.4, thick=2.5), cloth("bag", 0.3, trim=True, thick=2),
    cloth("socks", 0.4),
)  # fmt: skip
