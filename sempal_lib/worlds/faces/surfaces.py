"""The surfaces of toy-faces: how skin, hair, eyes, cloth and what is behind are painted."""

from math import cos, radians, sin

import numpy as np

from sempal_lib.worlds.engine import FlatPatch, band, bulge, mix, noise_at, printed, tint, unit

Array = np.ndarray


def at(patch: FlatPatch) -> tuple[Array, Array]:
    """Place on the face, as `Head` has it."""
    head = patch.scene
    x, y = (patch.x - head.place[0]) / head.unit, (patch.y - head.place[1]) / head.unit
    c, s = cos(radians(head.tilt)), sin(radians(head.tilt))
    return c * x + s * y, c * y - s * x


def samples(patch: FlatPatch) -> float:
    """Samples in the face's unit: one over the width of a soft edge."""
    return patch.picture.height * patch.scene.unit


def spot(x: Array, y: Array, wide: float, high: float) -> Array:
    """A soft spot, 1 in its middle."""
    return np.exp(-((x / wide) ** 2) - (y / high) ** 2)


def lit(patch: FlatPatch, x: Array, y: Array, amount: float) -> Array:
    """Shade of a round form: bright towards the light. x, y: -1 to 1 over the form."""
    right, up = patch.style.direction
    return 1 + amount * (0.7 * right * x - 0.6 * up * y) - 0.55 * amount * (x * x + 0.4 * y * y)


def flesh(patch: FlatPatch, color, shade: Array) -> None:
    """Skin with its pores and, where there are any, freckles."""
    x, y = at(patch)
    fleck = noise_at("leaf", x * 330 + patch.picture.shift, y * 330) > 0.84
    fleck = fleck * patch.style.freckles * spot(0 * x, y - 0.12, 1, 0.4)
    patch.set(mix(color, tint(patch.style.skin_color, 0.72), 0.6 * fleck), shade * (0.98 + 0.04 * patch.white()))


def skin(patch: FlatPatch) -> None:
    """Sockets, cheeks, the folds beside the mouth, the shadow under the lip, a beard."""
    style, head = patch.style, patch.scene
    x, y = at(patch)
    f, smile = x - head.features, head.smile
    aside = np.abs(f)
    socket = sum(spot(x - eye, y - head.eye_y + 0.03, 0.26, 0.17) for eye in head.eyes)
    cheek = sum(spot(x - eye * 1.15, y - 0.24, 0.24, 0.2) for eye in head.eyes)
    fold = spot(aside - 0.22 - 0.35 * (y - 0.35), 0 * y, 0.035, 1) * band(y, 0.34, 0.62, 8) * (0.3 + 0.7 * smile)
    under = spot(f, y - head.mouth_y - 0.2, 0.2, 0.06)
    nose_side = spot(aside - 0.12, y - 0.1, 0.07, 0.26)
    shade = lit(patch, x / head.width, y, 0.2) + 0.05 * cheek
    shade -= 0.16 * socket + 0.16 * fold + 0.1 * under + 0.07 * nose_side
    color = mix(style.skin_color, style.lip_color, (0.1 + 0.25 * style.blush) * cheek)
    if style.beard:
        stubble = noise_at("grain", x * 260 + patch.picture.shift, y * 160)
        lip = spot(f, y - head.mouth_y + 0.17, 0.3, 0.075)
        low = unit((y - 0.28 - 0.5 * unit(1 - aside / 0.4) * (y < head.mouth_y)) * 5) + lip
        color = mix(color, style.hair_color, unit(low) * style.beard * (0.55 + 0.4 * stubble))
    flesh(patch, color, shade)
    patch.raise_by(7 * bulge(0.5 + 0.45 * x / head.width, 0.5 + 0.43 * y))


def neck(patch: FlatPatch) -> None:
    x, y = at(patch)
    chin = unit((1.35 - y) * 2.2)
    collarbone = spot(np.abs(x) - 0.3, y - 1.62 - 0.1 * np.abs(x), 0.28, 0.035)
    flesh(patch, patch.style.skin_color, lit(patch, x / 0.6, 0 * y, 0.22) - 0.22 * chin - 0.08 * collarbone)


def ear(patch: FlatPatch) -> None:
    inner = spot(patch.u - 0.5, patch.v - 0.45, 0.22, 0.28)
    flesh(patch, mix(patch.style.skin_color, patch.style.lip_color, 0.25), 0.95 - 0.25 * inner)
    patch.raise_by(2 - 3 * inner)


def nose(patch: FlatPatch) -> None:
    """The bridge, the tip that catches the light, the wings and the nostrils."""
    x, top, low, wide = patch.scene.nose
    a, b = at(patch)
    a, edge = (a - x) / wide, samples(patch)
    down = (b - top) / (low - top)
    ridge = spot(a + 0.1, 0 * a, 0.24, 1) * down
    tip = spot(a + 0.1, down - 0.86, 0.4, 0.12)
    nostril = unit((1 - np.hypot((np.abs(a) - 0.46) / 0.22, (b - low + 0.025) / 0.03)) * 0.03 * edge + 0.4)
    wing = spot(np.abs(a) - 0.62, down - 0.82, 0.12, 0.12)
    side = patch.style.direction[0] * a
    shade = 0.94 + 0.1 * ridge + 0.1 * tip - 0.1 * wing - 0.1 * down * a * a + 0.14 * side * down
    shade -= 0.1 * unit(1 - down * 3)
    color = mix(patch.style.skin_color, patch.style.lip_color, 0.12 * tip)
    flesh(patch, color, shade * (1 - 0.5 * nostril))
    patch.raise_by(4 * down * unit(1 - a * a))


def eye(patch: FlatPatch) -> None:
    """White, iris and pupil, which look where the head does; lashes, the lid's shadow and a spark of light."""
    head, edge = patch.scene, samples(patch)
    x, y = at(patch)
    near = np.argmin([np.abs(x - middle) for middle in head.eyes], axis=0)
    half, high = head.eye_size
    a, b = x - np.array(head.eyes, np.float32)[near] + 0.05 * head.turn, y - head.eye_y
    size = 0.095
    iris, pupil = (unit((radius - np.hypot(a, b + 0.005)) * edge + 0.5) for radius in (size, 0.045))
    ring = 1 - 0.4 * unit((np.hypot(a, b) - 0.7 * size) / (0.3 * size))
    lid = unit(1 - (b + high) / (0.45 * high + 0.01))
    color = mix((0.9, 0.88, 0.87), tint(patch.style.eye_color, ring * (0.85 + 0.6 * unit((b + 0.02) * 12))), iris)
    color = mix(color, (0.03, 0.03, 0.03), pupil)
    spark = unit((0.028 - np.hypot(a + 0.03, b + 0.035)) * edge + 0.4)
    color = mix(color, (1.25, 1.25, 1.25), spark)
    lash = unit((0.16 * high + 0.012 - np.abs(b + high * (1 - (a / half) ** 2))) * edge)
    patch.set(mix(color, (0.08, 0.06, 0.05), 0.9 * lash), 1 - 0.35 * lid * (1 - spark))


def brow(patch: FlatPatch) -> None:
    x, y = at(patch)
    strand = noise_at("smooth", x * 420 + y * 300 + patch.picture.shift, y * 60)
    patch.set(mix(patch.style.brow_color, patch.style.skin_color, 0.3 * (strand > 0.6)), 0.8 + 0.3 * strand)


def lip(patch: FlatPatch) -> None:
    x, y = at(patch)
    crease = noise_at("smooth", x * 240 + patch.picture.shift, y * 30)
    gloss = spot(x - patch.scene.features, y - patch.scene.mouth_y - 0.07 - 0.1 * patch.scene.open, 0.13, 0.022)
    above = y < patch.scene.mouth_y
    color = mix(patch.style.lip_color, (1.0, 0.95, 0.93), 0.3 * gloss)
    patch.set(color, 0.88 + 0.14 * crease - 0.1 * above)
    patch.raise_by(3 * bulge(patch.u, patch.v))


def mouth(patch: FlatPatch) -> None:
    """Teeth above the tongue."""
    x, y = at(patch)
    head = patch.scene
    edge = head.mouth_y + 0.05 * head.open - 0.1 * head.smile * ((x - head.features) / head.wide) ** 2
    teeth = unit((edge + 0.02 - y) * samples(patch) + 0.5) * unit((0.8 * head.wide - np.abs(x - head.features)) * 20)
    gaps = 1 - 0.16 * (np.abs(np.sin((x - head.features) * 34)) < 0.2)
    patch.set(mix((0.3, 0.08, 0.08), (0.93, 0.91, 0.87), teeth), 0.6 + 0.36 * teeth * gaps)


def hair(patch: FlatPatch) -> None:
    """Strands that fall from the crown, with a sheen around it."""
    x, y = at(patch)
    y = y + 1.0
    turn, far = np.arctan2(x, np.abs(y) + 0.35), np.hypot(x, y)
    low = unit((y - 0.7) * 2)
    along = turn * (1 - low) * 190 + low * x * 150 + 9 * np.sin(3.2 * y + 0.01 * patch.picture.shift % 6)
    strand = noise_at("smooth", along + patch.picture.shift, far * 14)
    fine = noise_at("smooth", along * 2.6 + patch.picture.shift, far * 20)
    sheen = np.exp(-(((far - 0.55) / 0.2) ** 2)) * strand
    shade = 0.55 + 0.5 * strand + 0.3 * fine - 0.15 * unit(np.abs(x) - 0.7)
    patch.set(mix(patch.style.hair_color, (0.95, 0.88, 0.8), 0.3 * sheen), shade)
    patch.raise_by(2.5 * strand)


def curls(patch: FlatPatch) -> None:
    x, y = at(patch)
    lock = noise_at("leaf", x * 90 + patch.picture.shift, y * 90)
    patch.set(patch.style.hair_color, 0.62 + 0.55 * lock)
    patch.raise_by(6 * lock)


def fabric(patch: FlatPatch, name: str, plain: bool = False) -> None:
    style = patch.style
    x, y = at(patch)
    kind = 0 if plain else getattr(style, f"{name}_pattern")
    share = printed(kind, x, y, style.cloth_scale, samples(patch))
    fold = noise_at("smooth", x * 34 + y * 12 + patch.picture.shift, y * 16 - x * 9)
    color = mix(getattr(style, f"{name}_color"), getattr(style, f"{name}_second"), 0.75 if plain else share)
    patch.set(color, 0.82 + 0.26 * fold + 0.05 * patch.white())
    patch.raise_by(8 * fold)


def cloth(patch: FlatPatch) -> None:
    fabric(patch, "cloth")


def collar(patch: FlatPatch) -> None:
    fabric(patch, "cloth", plain=patch.style.cloth_pattern > 0)


def hat(patch: FlatPatch) -> None:
    fabric(patch, "hat")
    patch.raise_by(6 * bulge(patch.u, 0.5 * patch.v + 0.25))


def band_of_hat(patch: FlatPatch) -> None:
    fabric(patch, "hat", plain=True)


def frame(patch: FlatPatch) -> None:
    patch.set(patch.style.eye_g_color, 0.85 + 0.3 * patch.noise(3, 3))


def lens(patch: FlatPatch) -> None:
    """Clear, with the skin behind and a glare, or dark."""
    glare = band(patch.u + 0.7 * patch.v, 0.35, 0.6, 5)
    clear = tint(patch.style.skin_color, 0.86)
    color = mix(clear, (0.07, 0.07, 0.08), patch.style.shades)
    patch.set(mix(color, (0.85, 0.9, 0.95), glare * (0.3 - 0.08 * patch.style.shades)), 1.0)


def jewel(patch: FlatPatch) -> None:
    high = spot(patch.u - 0.35, patch.v - 0.3, 0.2, 0.2)
    patch.set(mix(patch.style.ear_r_color, (1.2, 1.2, 1.15), 0.8 * high), 0.75 + 0.3 * patch.noise(6, 6))
    patch.raise_by(4 * bulge(patch.u, patch.v))


def chain(patch: FlatPatch) -> None:
    """Beads along a curve."""
    x, y = at(patch)
    bead = np.abs(np.sin(x * 26)) * np.abs(np.cos(y * 9))
    patch.set(mix(patch.style.neck_l_color, (1.15, 1.15, 1.1), 0.4 * (bead > 0.75)), 0.65 + 0.45 * bead)
    patch.raise_by(3 * bead)


def backdrop(patch: FlatPatch) -> None:
    """A wall, a wall in changing light, lights out of focus, or leaves out of focus."""
    style, kind = patch.style, patch.style.backdrop
    shift = patch.picture.shift
    soft = noise_at("cloud", patch.x * 250 + shift, patch.y * 250 + (shift >> 8))
    share = 0.12 * soft
    if kind == 1:
        share = unit(0.9 * (patch.y * 0.6 + patch.x * 0.4) * (0.6 + 0.5 * soft))
    elif kind == 2:
        row, column = np.floor(patch.y * 4), np.floor(patch.x * 4)
        off = np.hypot(patch.x * 4 - column - 0.5, patch.y * 4 - row - 0.5)
        size = (0.18 + 0.25 * patch.chance(row, column)) * (patch.chance(column, row) > 0.4)
        share = 0.25 * soft + 0.6 * unit((size - off) * 10)
    elif kind == 3:
        share = 0.45 * noise_at("leaf", patch.x * 100 + shift, patch.y * 100)
    patch.set(mix(style.background_color, style.background_second, share), 0.92 + 0.12 * soft)
    patch.shine(0.55)


band_of_hat.__name__ = "band"
SURFACES = (
    backdrop, skin, neck, ear, nose, eye, brow, lip, mouth, hair, curls, cloth, collar, hat, band_of_hat, frame, lens,
    jewel, chain,
)  # fmt: skip
