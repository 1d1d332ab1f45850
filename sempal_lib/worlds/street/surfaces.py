"""The surfaces of toy-street: how facades, leaves, roofs, walls, fences and sprites are coloured.

Each painter changes a `Surface` in place; `wide` softens every edge, so that patterns fade out with distance.
"""

from types import SimpleNamespace

import numpy as np

from sempal_lib.worlds.engine import band, fraction, line, noise_at, pick, unit
from sempal_lib.worlds.street import sprites
from sempal_lib.worlds.street.parts import MATERIAL
from sempal_lib.worlds.street.weather import Weather

FLOOR = 3.1  # m a storey
SPRITE_BOARDS = MATERIAL["person"]  # sprites from here on are boards, before it vehicles
GAP = np.array([0.16, 0.2, 0.13], np.float32)[:, None]  # colour between the pickets of a fence
WARM = np.array([1.0, 0.8, 0.45], np.float32)[:, None]
STONE = np.float32(0.84)


class Surface(SimpleNamespace):
    """Samples of one material.

    weather: of the scene. look: per object, six chances that make it differ from its like, [6, objects].
    sun_side: how far the sun stands to the right, -1 to 1.
    part, owner, material: numbers, [P]. depth: m, [P].
    wide: what a sample covers across the line of sight, m, [P].
    slant: cosine between the surface's normal and the line of sight, [P].
    s, v: place along the foot and above it, m; of sprites, shares of the part, [P].
    tall, length: the part's extent, m, [P].
    color: first paint, [3, P]. second: second paint a part, [3, parts].
    sunlit: share of the sun's light that arrives; free: what of it houses let through; glow: own light, [P].
    """


def glass(weather: Weather, bright) -> np.ndarray:
    """Panes mirror some of the sky, [3, P]."""
    return (0.32 * weather.zenith + 0.1)[:, None] * (1.25 * bright)


def facade(f: Surface) -> None:
    """Rows of windows over a ground floor of doors and shops."""
    s, y, tall = f.s, f.v, f.tall
    pitch, kind, margin, other = pick(f.look[2:], f.owner)
    pitch = 1.7 + 1.6 * pitch
    margin = 0.2 + 0.12 * margin
    house = tall > 8  # else a villa
    shop = house & (kind < 0.55)
    ground = np.where(house, np.float32(3.9), np.float32(0.2))
    across, up = s / pitch, (y - ground) * np.float32(1 / FLOOR)
    column, storey = np.floor(across), np.floor(up)
    fs, fy = across - column, up - storey
    edge = 1 / f.wide
    edge_s, edge_y = pitch * f.slant * edge, FLOOR * edge
    inside = band(y, ground, tall - 0.5, edge)
    from_middle = np.abs(fs - 0.5)
    half = 0.5 - margin
    pane = unit((half - from_middle) * edge_s + 0.5) * band(fy, 0.26, 0.8, edge_y) * inside
    frame = unit((half + 0.05 - from_middle) * edge_s + 0.5) * band(fy, 0.2, 0.84, edge_y) * inside
    room = noise_at("grain", column * 17 + 251 * other, storey * 29 + 91)
    low = y < ground
    grime = noise_at("cloud", 5 * s + 24832 * other, 5 * y)
    paint = f.color
    paint *= 0.92 + 0.16 * grime
    trim = pick(f.second, f.part)
    cornice = unit((y - tall + 0.55) * edge + 0.5)
    ledge = line(up, 0.05, edge_y) * inside
    paint += (trim - paint) * np.maximum(0.55 * cornice, np.where(other < 0.5, 0.4, 0) * ledge)
    street = np.flatnonzero(low & house)
    if len(street):
        _ground_floor(f, street, pitch[street], shop[street], edge[street], edge_s[street], pane, frame)
    paint += (trim - paint) * (0.8 * frame)
    bar = line(fs - 0.5, 0.05, edge_s)
    opening = pane * np.where(low, 1, 1 - 0.7 * bar)
    paint += (glass(f.weather, 0.35 + 0.5 * room) - paint) * opening
    if f.weather.lamps > 0:
        f.glow[:] = opening * ((room < 0.4) | (low & shop)) * f.weather.lamps
        paint += (WARM - paint) * f.glow
    f.sunlit *= 1 - 0.6 * opening


def _ground_floor(f, street, pitch, shop, edge, edge_s, pane, frame) -> None:
    """Wide shop panes under a coloured board, or plain stone with doors."""
    at, height = f.s[street] / (1.6 * pitch), f.v[street]
    fs = fraction(at)
    window = band(fs, 0.1, 0.9, 1.6 * edge_s) * band(height, 0.5, 2.7, edge)
    door = band(fs, 0.38, 0.66, 1.6 * edge_s) * band(height, 0.0, 2.4, edge)
    board = band(height, 2.9, 3.5, edge) * shop
    tint = f.look[4, f.owner[street]]
    sign = np.stack([0.25 + 0.6 * tint, 0.25 + 0.5 * fraction(3 * tint), 0.3 + 0.5 * fraction(7 * tint)])
    stone = pick(f.color, street) * STONE
    f.color[:, street] = stone + (sign - stone) * board
    pane[street] = frame[street] = np.where(shop, window, door)


def leaves(f: Surface) -> None:
    """A crown: clumps and tufts, light from above and from the sun's side."""
    size = 360 / np.clip(f.depth, 6, 60)
    tuft = noise_at("leaf", f.s * size + 256 * f.look[3, f.owner], f.v * size) - 0.5
    rise = unit(f.v / f.tall) - 0.5
    lean = unit(f.s / f.length) - 0.5
    light = np.maximum(1 + 0.7 * tuft + 0.5 * rise, 0.35)
    f.color *= light
    f.color[0] *= 1 + 0.35 * tuft  # lit leaves are yellower
    f.sunlit[:] = unit(0.5 + 0.8 * rise + 0.9 * f.sun_side * lean + 0.9 * tuft) * f.free


def roof(f: Surface) -> None:
    """Rows of tiles."""
    rows = line(f.v / 0.35, 0.22, 0.35 / f.wide)
    stain = noise_at("cloud", 8 * f.s, 8 * f.v)
    f.color *= 0.88 - 0.3 * rows + 0.25 * stain


def bricks(f: Surface) -> None:
    """Courses of blocks under a coping."""
    edge = 1 / f.wide
    course = f.v / 0.3
    shift = 0.5 * np.floor(course)
    joint = np.maximum(line(course, 0.1, 0.3 * edge), line(f.s / 0.6 + shift, 0.07, 0.6 * edge * f.slant))
    stain = noise_at("cloud", 6 * f.s, 6 * f.v)
    f.color *= 0.85 - 0.25 * joint + 0.3 * stain
    coping = unit((f.v - f.tall + 0.15) * edge + 0.5)
    f.color += (np.float32(0.66) - f.color) * (0.7 * coping)


def fence(f: Surface) -> None:
    """Pickets and rails before the dark green of what is behind."""
    edge = 1 / f.wide
    picket = np.abs(f.s / 0.3 - np.rint(f.s / 0.3))
    bars = unit((0.27 - picket) * (0.3 * edge * f.slant) + 0.5)
    rails = line(2 * f.v / f.tall - 0.5, 0.14, f.tall * edge)
    bars = np.maximum(bars, rails)
    f.color += (GAP - f.color) * (0.85 * (1 - bars))


def distant(f: Surface) -> None:
    """Houses at the end of the world: the hint of windows."""
    pane = band(fraction(f.s / 5), 0.3, 0.7, 3.0) * band(fraction(f.v / 3.4), 0.3, 0.7, 3.0)
    f.color *= 1 - 0.35 * pane


def sprite(f: Surface) -> None:
    """Vehicles, people, signs: looked up in a small picture of codes."""
    n = sprites.SIDE
    column = np.clip(f.s * n, 0, n - 1).astype(np.int32)
    row = np.clip(f.v * n, 0, n - 1).astype(np.int32)
    code = sprites.codes()[((f.material - (MATERIAL["distant"] + 1)) * n + row) * n + column]
    rise = unit(f.v)
    body = (code == sprites.PAINT) & (f.material < SPRITE_BOARDS)
    # Bodies are rounder than their boards: darker low down.
    f.color *= np.where(body, 0.78 + 0.6 * np.minimum(rise, 0.65), 1)
    here = np.flatnonzero(code == sprites.SECOND)
    f.color[:, here] = pick(f.second, f.part[here])
    here = np.flatnonzero(code == sprites.GLASS)
    f.color[:, here] = glass(f.weather, 0.35 + 1.1 * rise[here])
    here = np.flatnonzero(code > sprites.GLASS)
    f.color[:, here] = pick(sprites.FIXED, code[here])
    lights = np.flatnonzero(sprites.GLOWING[code])
    vehicle = (f.material[lights] < SPRITE_BOARDS) | (f.material[lights] == MATERIAL["lamp"])
    signal = (f.material[lights] == MATERIAL["red light"]) | (f.material[lights] == MATERIAL["green light"])
    f.glow[lights] = np.where(vehicle, f.weather.lamps, np.where(signal, 0.9, 0.0))


PAINTERS = {"facade": facade, "roof": roof, "leaves": leaves, "wall": bricks, "fence": fence, "distant": distant}
