"""The paints of toy-street: palettes a material, sprites of vehicles, people and signs, noise."""

import functools

import numpy as np
from PIL import Image, ImageDraw

from sempal_lib.worlds.street import parts as parts_of
from sempal_lib.worlds.street.parts import SPRITE, SPRITES

SPRITE_SIZE = 64
# What a sprite's pixel is: the object's first or second paint, or a fixed colour.
PAINT, SECOND, GLASS, RUBBER, GREY, RED, WHITE, SKIN, HAIR, AMBER, GREEN, BLUE, YELLOW, BLACK, LIT = range(15)
FIXED = np.array([
    (0, 0, 0), (0, 0, 0), (52, 66, 80), (30, 30, 32), (96, 98, 102), (205, 34, 30), (238, 238, 232), (214, 164, 134),
    (62, 44, 32), (250, 170, 40), (70, 235, 130), (28, 76, 170), (245, 214, 40), (24, 24, 26), (255, 226, 160),
], dtype=np.float32).T / 255  # fmt: skip
GLOWING = np.array([code in (RED, WHITE, AMBER, GREEN, LIT) for code in range(15)])

_FACADES = [(214, 196, 158), (198, 150, 112), (222, 214, 200), (170, 92, 72), (150, 74, 58), (206, 178, 96),
            (190, 202, 196), (176, 184, 200), (226, 186, 164), (140, 128, 116), (196, 200, 176),
            (166, 146, 126)]  # fmt: skip
_ROOFS = [(150, 74, 52), (168, 90, 62), (92, 84, 82), (74, 76, 84), (120, 70, 56), (104, 96, 92)]
_LEAVES = [(82, 118, 44), (66, 104, 44), (98, 126, 50), (74, 110, 60), (110, 132, 56), (60, 92, 40)]
_AUTUMN = [(196, 130, 40), (176, 92, 34), (206, 160, 56), (150, 112, 44), (188, 70, 40), (140, 128, 50)]
_CARS = [(232, 232, 234), (190, 194, 198), (120, 124, 130), (36, 38, 42), (28, 46, 92), (158, 26, 30), (60, 68, 76),
         (210, 204, 190), (44, 92, 150), (24, 62, 48), (222, 168, 40), (86, 40, 44)]  # fmt: skip
_BUSES = [(206, 44, 40), (240, 196, 46), (232, 232, 228), (40, 96, 168), (56, 140, 88), (224, 118, 40)]
_CARGO = [(228, 228, 226), (186, 190, 196), (60, 104, 160), (196, 72, 52), (216, 176, 70), (92, 120, 92)]
_CLOTHES = [(40, 44, 56), (176, 40, 44), (46, 84, 148), (212, 206, 196), (96, 104, 60), (230, 180, 60), (120, 72, 120),
            (70, 70, 74), (36, 120, 126), (222, 120, 90)]  # fmt: skip
_TROUSERS = [(38, 44, 66), (52, 52, 56), (92, 84, 70), (64, 84, 120), (28, 28, 30), (130, 116, 94)]
_FRAMES = [(34, 34, 38), (150, 34, 38), (40, 84, 140), (190, 190, 190), (54, 110, 70), (214, 150, 40)]

ENTRIES = 12


def _table(colors) -> np.ndarray:
    return np.array([colors[i % len(colors)] for i in range(ENTRIES)], dtype=np.float32) / 255


def palettes() -> tuple[np.ndarray, np.ndarray]:
    """First and second paints a material, [materials, 12, 3] each, 0 to 1."""
    count = parts_of.DISTANT + 1 + len(SPRITES)
    first, second = np.full((count, ENTRIES, 3), 0.5, np.float32), np.full((count, ENTRIES, 3), 0.5, np.float32)
    chosen = {
        parts_of.ASPHALT: ([(92, 92, 96), (84, 84, 88), (100, 98, 98), (108, 104, 100)],),
        parts_of.PAVING: ([(150, 144, 136), (160, 156, 150), (142, 132, 124), (168, 156, 140)],),
        parts_of.KERB: ([(182, 180, 174)],),
        parts_of.GRASS: ([(104, 128, 58), (92, 118, 52), (122, 134, 66)],),
        parts_of.FACADE: (_FACADES, [(240, 238, 230), (226, 218, 200), (120, 84, 60), (74, 66, 60)]),
        parts_of.ROOF: (_ROOFS,),
        parts_of.LEAVES: (_LEAVES, _AUTUMN),
        parts_of.BARK: ([(92, 74, 58), (108, 94, 80), (76, 62, 52)],),
        parts_of.WALL: ([(158, 148, 136), (150, 92, 74), (178, 172, 162), (128, 122, 116)],),
        parts_of.FENCE: ([(120, 90, 62), (70, 78, 72), (196, 192, 184), (84, 88, 92)], [(60, 70, 50)]),
        parts_of.METAL: ([(118, 122, 124), (92, 96, 98), (70, 78, 76), (140, 142, 142)],),
        parts_of.DISTANT: ([(150, 150, 158), (166, 156, 150), (138, 142, 150)],),
    }
    for name in SPRITES:
        vehicle = name.split()[0]
        first_paint = {
            "car": _CARS,
            "bus": _BUSES,
            "tram": _BUSES,
            "truck": _CARGO,
            "person": _CLOTHES,
            "rider": _CLOTHES,
        }
        second_paint = {"truck": _CARS, "person": _TROUSERS, "rider": _TROUSERS, "bus": [(236, 236, 232)]}
        chosen[SPRITE[name]] = (first_paint.get(vehicle, _FRAMES), second_paint.get(vehicle, [(236, 236, 230)]))
    for material, (one, *two) in chosen.items():
        first[material] = _table(one)
        second[material] = _table(two[0] if two else one)
    return first, second


def _draw_sprite(name: str) -> np.ndarray:
    """Codes of one sprite, [64, 64], row 0 at the foot."""
    image = Image.new("L", (100, 100), PAINT)
    pen = ImageDraw.Draw(image)

    def box(x0, y0, x1, y1, code):  # per cent, y from the foot
        pen.rectangle((x0, 100 - y1, x1 - 1, 99 - y0), fill=code)

    def disc(x, y, rx, ry, code):
        pen.ellipse((x - rx, 100 - y - ry, x + rx, 100 - y + ry), fill=code)

    if name in ("car rear", "car front"):
        front = name == "car front"
        box(0, 0, 100, 14, BLACK)
        box(2, 0, 16, 22, RUBBER)
        box(84, 0, 98, 22, RUBBER)
        box(14, 70, 86, 94, GLASS)
        box(0, 14, 100, 30, GREY if front else PAINT)
        box(3, 42, 20, 54, WHITE if front else RED)
        box(80, 42, 97, 54, WHITE if front else RED)
        box(36, 24, 64, 32, WHITE)
        if front:
            box(28, 36, 72, 48, BLACK)
        else:
            box(14, 64, 86, 67, BLACK)
    elif name in ("car side rear", "car side front"):
        box(0, 0, 100, 10, BLACK)
        cabin = (10, 76) if name == "car side rear" else (28, 94)
        box(cabin[0], 66, cabin[1], 93, GLASS)
        for at in (0.36, 0.68):
            x = cabin[0] + at * (cabin[1] - cabin[0])
            box(x - 1, 60, x + 2, 95, PAINT)
        box(0, 40, 100, 42, BLACK)
        box(0, 50, 5, 58, RED if name == "car side rear" else WHITE)
        for x in (19, 80):
            disc(x, 20, 8.5, 21, BLACK)
            disc(x, 20, 5, 12, GREY)
    elif name in ("bus rear", "bus front", "tram end"):
        box(0, 0, 100, 8, BLACK)
        box(6, 46 if name != "bus rear" else 58, 94, 88, GLASS)
        box(20, 90, 80, 97, AMBER if name != "bus rear" else BLACK)
        for x in (6, 80):
            box(x, 18, x + 14, 26, RED if name == "bus rear" else WHITE)
        box(0, 30, 100, 38, SECOND)
        if name == "bus rear":
            box(30, 14, 70, 30, GREY)
    elif name in ("bus side", "tram side"):
        box(0, 0, 100, 7, BLACK)
        box(1, 46, 99, 82, GLASS)
        box(0, 30, 100, 40, SECOND)
        for x in range(8, 100, 12):
            box(x, 44, x + 2, 84, PAINT)
        for x in (20, 56, 88):
            box(x, 8, x + 8, 82, GLASS)
            box(x + 3, 8, x + 4, 82, BLACK)
        if name == "bus side":
            for x in (14, 78):
                disc(x, 13, 4.5, 15, BLACK)
                disc(x, 13, 2.4, 8, GREY)
    elif name in ("truck rear", "truck front"):
        box(0, 0, 100, 16, BLACK)
        if name == "truck rear":
            box(49, 18, 51, 98, GREY)
            box(4, 20, 96, 22, GREY)
        else:
            box(0, 0, 100, 80, SECOND)
            box(8, 46, 92, 74, GLASS)
            box(14, 20, 86, 36, BLACK)
        for x in (4, 82):
            box(x, 10, x + 14, 18, RED if name == "truck rear" else WHITE)
    elif name == "truck side":
        box(0, 0, 100, 18, BLACK)
        box(0, 18, 100, 21, GREY)
        for x in (14, 30, 84):
            disc(x, 14, 6, 14, RUBBER)
            disc(x, 14, 3, 7, GREY)
    elif name in ("person", "rider"):
        waist = 47 if name == "person" else 40
        box(0, 0, 100, waist, SECOND)
        box(0, 0, 100, 5, BLACK)
        box(0, 83, 100, 100, SKIN)
        box(0, 93, 100, 100, HAIR if name == "person" else WHITE)
        box(0, 44, 12, 56, SKIN)
        box(88, 44, 100, 56, SKIN)
    elif name == "wheel":
        box(0, 0, 100, 100, RUBBER)
        disc(50, 50, 40, 40, GREY)
        disc(50, 50, 12, 12, BLACK)
    elif name in ("red light", "green light"):
        box(0, 0, 100, 100, BLACK)
        disc(50, 82, 32, 14, RED if name == "red light" else RUBBER)
        disc(50, 50, 32, 14, RUBBER)
        disc(50, 18, 32, 14, GREEN if name == "green light" else RUBBER)
    elif name == "round sign":
        box(0, 0, 100, 100, RED)
        disc(50, 50, 34, 34, WHITE)
        box(40, 34, 60, 66, BLACK)
    elif name == "warning sign":
        box(0, 0, 100, 100, RED)
        pen.polygon([(50, 26), (20, 88), (80, 88)], fill=WHITE)
        box(46, 20, 54, 52, BLACK)
    elif name == "blue sign":
        box(0, 0, 100, 100, BLUE)
        pen.polygon([(50, 14), (78, 48), (60, 48), (60, 86), (40, 86), (40, 48), (22, 48)], fill=WHITE)
    elif name == "direction sign":
        box(0, 0, 100, 100, YELLOW)
        box(12, 60, 70, 72, BLACK)
        box(12, 32, 54, 44, BLACK)
        pen.polygon([(78, 50), (92, 36), (92, 64)], fill=BLACK)
    elif name == "lamp":
        box(0, 0, 100, 100, LIT)
    small = image.resize((SPRITE_SIZE, SPRITE_SIZE), Image.Resampling.NEAREST)
    return np.asarray(small)[::-1]


@functools.cache
def sprites() -> np.ndarray:
    """Codes of all sprites, uint8 [sprites · 64 · 64]."""
    return np.concatenate([_draw_sprite(name).ravel() for name in SPRITES])


@functools.cache
def noise(kind: str) -> np.ndarray:
    """A tile of noise that repeats without a seam, float32 [256 · 256], 0 to 1.

    Args:
        kind: "cloud", smooth over many octaves; "leaf", clumps of 40 and tufts of 10 px; "grain", independent values.
    """
    rng = np.random.default_rng(20)
    white = rng.standard_normal((256, 256))
    if kind == "grain":
        values = white
    else:
        f = np.fft.fftfreq(256)
        radius = np.hypot(f[:, None], f[None]) * 256
        if kind == "cloud":
            gain = np.where(radius < 2.5, 0, 1 / np.maximum(radius, 1) ** 1.7)
        else:
            gain = np.exp(-(((radius - 6) / 3) ** 2)) + 0.45 * np.exp(-(((radius - 26) / 12) ** 2))
        values = np.fft.ifft2(np.fft.fft2(white) * gain).real
    order = np.empty(values.size, np.float32)
    order[np.argsort(values, axis=None)] = np.linspace(0, 1, values.size, dtype=np.float32)
    return order


def unit(x):
    """Clipped to 0 to 1."""
    return np.minimum(np.maximum(x, 0), 1)


def fraction(x):
    """What is left of x above its whole number; many times faster than x % 1."""
    return x - np.floor(x)


def pick(table, index):
    """table[:, index], several times faster."""
    return table.take(index, axis=1, mode="clip")


def noise_at(kind: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Noise at tile coordinates (256 a tile), any sign."""
    return noise(kind)[(x.astype(np.int32) & 255) | ((y.astype(np.int32) & 255) << 8)]
