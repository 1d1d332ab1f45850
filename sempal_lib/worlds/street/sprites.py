"""Sprites of toy-street: vehicles, people and signs as small pictures of codes, which say what paint a pixel takes."""

import functools

import numpy as np
from PIL import Image, ImageDraw

from sempal_lib.worlds.street.parts import SPRITES

SIDE = 64  # px
# What a sprite's pixel is: the object's first or second paint, or a fixed colour.
CODES = ("paint", "second", "glass", "rubber", "grey", "red", "white", "skin", "hair", "amber", "green", "blue",
         "yellow", "black", "lit")  # fmt: skip
PAINT, SECOND, GLASS = range(3)
FIXED = np.array([
    (0, 0, 0), (0, 0, 0), (52, 66, 80), (30, 30, 32), (96, 98, 102), (205, 34, 30), (238, 238, 232), (214, 164, 134),
    (62, 44, 32), (250, 170, 40), (70, 235, 130), (28, 76, 170), (245, 214, 40), (24, 24, 26), (255, 226, 160),
], dtype=np.float32).T / 255  # fmt: skip
GLOWING = np.array([code in ("red", "white", "amber", "green", "lit") for code in CODES])

# What is drawn, one over the other: a code and, in per cent from the lower left, the left, lower, right and upper
# edge of a box; of a disc (o) its middle and its radii; of a polygon (^) its corners.
_CAR = "black 0 0 100 14; rubber 2 0 16 22; rubber 84 0 98 22; glass 14 70 86 94; "
_WHEELS = "black o 19 20 8.5 21; grey o 19 20 5 12; black o 80 20 8.5 21; grey o 80 20 5 12"
_WINDOWS = "; ".join(f"paint {x} 44 {x + 2} 84" for x in range(8, 100, 12))
_DOORS = "; ".join(f"glass {x} 8 {x + 8} 82; black {x + 3} 8 {x + 4} 82" for x in (20, 56, 88))
_COACH = f"black 0 0 100 7; glass 1 46 99 82; second 0 30 100 40; {_WINDOWS}; {_DOORS}"
_END = "black 0 0 100 8; glass 6 46 94 88; amber 20 90 80 97; white 6 18 20 26; white 80 18 94 26; second 0 30 100 38"
_LIGHTS = "black 0 0 100 100; {} o 50 82 32 14; rubber o 50 50 32 14; {} o 50 18 32 14"
_DRAWN = {
    "car rear": _CAR + "paint 0 14 100 30; red 3 42 20 54; red 80 42 97 54; white 36 24 64 32; black 14 64 86 67",
    "car front": _CAR + "grey 0 14 100 30; white 3 42 20 54; white 80 42 97 54; white 36 24 64 32; black 28 36 72 48",
    "car side rear": "black 0 0 100 10; glass 10 66 76 93; paint 32.76 60 35.76 95; paint 53.88 60 56.88 95; "
                     "black 0 40 100 42; red 0 50 5 58; " + _WHEELS,
    "car side front": "black 0 0 100 10; glass 28 66 94 93; paint 50.76 60 53.76 95; paint 71.88 60 74.88 95; "
                      "black 0 40 100 42; white 0 50 5 58; " + _WHEELS,
    "bus rear": "black 0 0 100 8; glass 6 58 94 88; black 20 90 80 97; red 6 18 20 26; red 80 18 94 26; "
                "second 0 30 100 38; grey 30 14 70 30",
    "bus front": _END,
    "bus side": _COACH + "; black o 14 13 4.5 15; grey o 14 13 2.4 8; black o 78 13 4.5 15; grey o 78 13 2.4 8",
    "truck rear": "black 0 0 100 16; grey 49 18 51 98; grey 4 20 96 22; red 4 10 18 18; red 82 10 96 18",
    "truck front": "black 0 0 100 16; second 0 0 100 80; glass 8 46 92 74; black 14 20 86 36; white 4 10 18 18; "
                   "white 82 10 96 18",
    "truck side": "black 0 0 100 18; grey 0 18 100 21; "
                  + "; ".join(f"rubber o {x} 14 6 14; grey o {x} 14 3 7" for x in (14, 30, 84)),
    "tram end": _END,
    "tram side": _COACH,
    "person": "second 0 0 100 47; black 0 0 100 5; skin 0 83 100 100; hair 0 93 100 100; skin 0 44 12 56; "
              "skin 88 44 100 56",
    "rider": "second 0 0 100 40; black 0 0 100 5; skin 0 83 100 100; white 0 93 100 100; skin 0 44 12 56; "
             "skin 88 44 100 56",
    "wheel": "rubber 0 0 100 100; grey o 50 50 40 40; black o 50 50 12 12",
    "frame": "",
    "red light": _LIGHTS.format("red", "rubber"),
    "green light": _LIGHTS.format("rubber", "green"),
    "round sign": "red 0 0 100 100; white o 50 50 34 34; black 40 34 60 66",
    "warning sign": "red 0 0 100 100; white ^ 50 74 20 12 80 12; black 46 20 54 52",
    "blue sign": "blue 0 0 100 100; white ^ 50 86 78 52 60 52 60 14 40 14 40 52 22 52",
    "direction sign": "yellow 0 0 100 100; black 12 60 70 72; black 12 32 54 44; black ^ 78 50 92 64 92 36",
    "lamp": "lit 0 0 100 100",
}  # fmt: skip


def _draw(name: str) -> np.ndarray:
    """Codes of one sprite, [64, 64], row 0 at the foot."""
    image = Image.new("L", (100, 100), PAINT)
    pen = ImageDraw.Draw(image)
    for piece in filter(None, _DRAWN[name].split("; ")):
        code, *words = piece.split()
        shape = words.pop(0) if words[0] in "o^" else ""
        a = [float(word) for word in words]
        ink = CODES.index(code)
        if shape == "o":
            pen.ellipse((a[0] - a[2], 100 - a[1] - a[3], a[0] + a[2], 100 - a[1] + a[3]), fill=ink)
        elif shape == "^":
            pen.polygon([(x, 100 - y) for x, y in zip(a[::2], a[1::2], strict=True)], fill=ink)
        else:
            pen.rectangle((a[0], 100 - a[3], a[2] - 1, 99 - a[1]), fill=ink)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.NEAREST))[::-1]


@functools.cache
def codes() -> np.ndarray:
    """Codes of all sprites, uint8 [sprites · 64 · 64]."""
    return np.concatenate([_draw(name).ravel() for name in SPRITES])
