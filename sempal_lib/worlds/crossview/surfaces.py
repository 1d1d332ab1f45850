"""The surfaces of toy-crossview that toy-street has not: each painter changes a `Surface` in place.

Beside what toy-street's have, a surface has `sun`, towards the sun along the view's axes, [3], and `sky`, the colour
that water mirrors at each sample, [3, P]. s and v are metres along the part's two axes; on the ground x and z.
"""

import numpy as np

from sempal_lib.worlds.engine import band, fraction, line, noise_at, pick, unit
from sempal_lib.worlds.street import surfaces as street
from sempal_lib.worlds.street.surfaces import Surface


def _tone(f: Surface, patches: float, grains: float) -> None:
    """Patches of metres and grains of decimetres, which fade with distance."""
    near = np.minimum(0.12 / f.wide, 1)
    tone = 1 + patches * (noise_at("cloud", 5 * f.s, 5 * f.v) - 0.5)
    f.color *= tone + grains * near * (noise_at("grain", 30 * f.s, 30 * f.v) - 0.5)


def asphalt(f: Surface) -> None:
    _tone(f, 0.22, 0.2)
    _mark(f, f.town)


def _mark(f: Surface, town) -> None:
    """Lane lines of the street, and crosswalks where it is crossed."""
    edge, half = 1 / f.wide, town.half
    x, z = f.s, f.v
    inside = np.abs(x) < half
    faint = np.minimum(1, 0.3 * edge)
    paint = unit((0.09 - np.abs(x)) * edge + 0.5) * band(fraction(z / 8), 0.0, 0.45, 8 * edge) * faint
    paint = np.maximum(paint, unit((0.07 - np.abs(np.abs(x) - half + 0.3)) * edge + 0.5) * faint)
    if town.crossing is not None:
        rim = town.cross_half
        off = np.abs(z - town.crossing)
        paint *= band(off, rim + 4.2, 1e4, edge)
        stripes = band(fraction(x / 1.1), 0.0, 0.5, 1.1 * edge) * np.minimum(1, 1.1 * edge)
        paint = np.maximum(paint, stripes * band(off, rim + 0.6, rim + 3.4, edge))
        across = unit((0.09 - off) * edge + 0.5) * band(fraction(x / 8), 0.0, 0.45, 8 * edge) * faint
        paint = np.where(inside, paint, across * (np.abs(x) > half + town.walk))
    else:
        paint *= inside
    f.color += (np.float32(0.86) - f.color) * (0.85 * paint)


def bays(f: Surface) -> None:
    """A car park's lines, one every 2.7 m."""
    _tone(f, 0.22, 0.2)
    edge = 1 / f.wide
    f.color += (np.float32(0.82) - f.color) * (0.9 * line(f.s / 2.7, 0.06, 2.7 * edge))


def paving(f: Surface) -> None:
    _tone(f, 0.14, 0.12)
    joint = line(f.s / 0.8, 0.08, 0.8 / f.wide) + line(f.v / 0.8, 0.08, 0.8 / f.wide)
    f.color *= 1 - 0.22 * np.minimum(joint, 1)


def grass(f: Surface) -> None:
    _tone(f, 0.5, 0.45)
    mown = noise_at("cloud", 2 * f.v + 90, 2 * f.s)
    f.color[0] *= 0.86 + 0.3 * mown


def field(f: Surface) -> None:
    """Crops: rows 1.5 m apart, and tracks."""
    _tone(f, 0.3, 0.3)
    f.color *= 0.78 + 0.4 * band(fraction(f.s / 1.5), 0.15, 0.75, 1.5 / f.wide)
    f.color *= 1 - 0.25 * band(fraction(f.s / 12), 0.0, 0.12, 12 / f.wide)


def water(f: Surface) -> None:
    """Waves on the colour of the water; what lies flat before the eye mirrors the sky."""
    wave = noise_at("leaf", 22 * f.s, 9 * f.v) - 0.5
    slow = noise_at("cloud", 3 * f.s, 3 * f.v)
    f.color *= 0.85 + 0.3 * slow + 0.35 * wave * np.minimum(0.4 / f.wide, 1)
    mirror = unit(0.06 + 0.8 * (1 - f.slant) ** 4 + 0.25 * wave * (f.slant < 0.5))
    f.color += (f.sky - f.color) * mirror
    f.glow[:] = 0.6 * mirror


def gravel(f: Surface) -> None:
    """A flat roof with its rim."""
    _tone(f, 0.25, 0.3)
    edge = np.minimum(np.minimum(f.s, f.length - f.s), np.minimum(f.v, f.tall - f.v))
    f.color *= 1 + 0.3 * unit((0.6 - edge) / f.wide + 0.5)


def sheet(f: Surface) -> None:
    """Ribbed metal; lying, with a row of skylights, standing, with gates."""
    edge = 1 / f.wide
    f.color *= 0.9 + 0.16 * noise_at("cloud", 3 * f.s, 3 * f.v) - 0.18 * line(f.s / 0.9, 0.3, 0.9 * edge)
    lights = band(fraction(f.s / 6), 0.3, 0.6, 6 * edge) * band(f.v, 0.25 * f.tall, 0.75 * f.tall, edge)
    gates = band(fraction(f.s / 7), 0.25, 0.75, 7 * edge) * band(f.v, -1, 4.2, edge)
    wide = (f.tall > 11) & (f.length > 11)
    f.color += (np.where(f.lies, 0.8, 0.3) - f.color) * np.where(wide & f.lies, 0.7 * lights, 0)
    f.color += (np.float32(0.24) - f.color) * np.where(~f.lies & (f.tall > 5), 0.75 * gates, 0)


def crown(f: Surface) -> None:
    """A ball of tufts, lit from the sun's side."""
    size = 360 / np.clip(f.depth, 8, 40)
    tuft = noise_at("leaf", f.s * size + 256 * f.look[3, f.owner], f.v * size) - 0.5
    a, b = 2 * f.s / f.length - 1, 2 * f.v / f.tall - 1
    out = np.sqrt(unit(1 - 0.8 * (a * a + b * b)))
    toward = a * f.sun[0] + b * f.sun[1] - out * f.sun[2]
    f.color *= np.maximum(1 + 0.75 * tuft, 0.3)
    f.color[0] *= 1 + 0.35 * tuft  # lit leaves are yellower
    f.sky_light[:] = 0.55 + 0.45 * out
    f.sunlit[:] = unit(0.25 + 0.75 * toward + 0.5 * tuft) * f.free


def undergrowth(f: Surface) -> None:
    tuft = noise_at("leaf", 25 * f.s, 25 * f.v) - 0.5
    f.color *= 0.75 + 0.5 * noise_at("cloud", 4 * f.s, 4 * f.v) + 0.4 * tuft * np.minimum(0.5 / f.wide, 1)


def cloth(f: Surface) -> None:
    """Awnings, striped."""
    stripe = band(fraction(f.s / 0.8), 0.0, 0.5, 0.8 / f.wide)
    f.color += (pick(f.second, f.part) - f.color) * (0.8 * stripe)


def deck(f: Surface) -> None:
    f.color *= 1 - 0.2 * line(f.s / 0.4, 0.2, 0.4 / f.wide)


def pane(f: Surface) -> None:
    f.color += (0.5 * f.sky - f.color) * 0.55


PAINTERS = {
    "asphalt": asphalt, "bays": bays, "paving": paving, "grass": grass, "field": field, "water": water,
    "facade": street.facade, "tiles": street.roof, "gravel": gravel, "sheet": sheet, "wall": street.bricks,
    "fence": street.fence, "cloth": cloth, "deck": deck,
    "leaves": undergrowth, "crown": crown, "pane": pane, "distant": street.distant,
}  # fmt: skip
