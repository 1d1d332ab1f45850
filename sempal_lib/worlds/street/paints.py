"""The paints of toy-street: which colours a material comes in."""

import numpy as np

from sempal_lib.worlds.engine import palette
from sempal_lib.worlds.street.parts import MATERIAL

_CARS = (
    "232 232 234, 190 194 198, 120 124 130, 36 38 42, 28 46 92, 158 26 30, 60 68 76, 210 204 190, 44 92 150, "
    "24 62 48, 222 168 40, 86 40 44"
)
_BUSES = "206 44 40, 240 196 46, 232 232 228, 40 96 168, 56 140 88, 224 118 40"
_CLOTHES = (
    "40 44 56, 176 40 44, 46 84 148, 212 206 196, 96 104 60, 230 180 60, 120 72 120, 70 70 74, 36 120 126, 222 120 90"
)
_TROUSERS = "38 44 66, 52 52 56, 92 84 70, 64 84 120, 28 28 30, 130 116 94"
_FRAMES = "34 34 38, 150 34 38, 40 84 140, 190 190 190, 54 110 70, 214 150 40"
_PALE = "236 236 230"

ENTRIES = 12
# First and second paints by material, in parts of 255; without a second it is the first. Of sprites, by the first word
# of their name.
_PAINTS = {
    "asphalt": ("92 92 96, 84 84 88, 100 98 98, 108 104 100",),
    "paving": ("150 144 136, 160 156 150, 142 132 124, 168 156 140",),
    "kerb": ("182 180 174",),
    "grass": ("104 128 58, 92 118 52, 122 134 66",),
    "facade": (
        "214 196 158, 198 150 112, 222 214 200, 170 92 72, 150 74 58, 206 178 96, 190 202 196, 176 184 200, "
        "226 186 164, 140 128 116, 196 200 176, 166 146 126",
        "240 238 230, 226 218 200, 120 84 60, 74 66 60",
    ),
    "roof": ("150 74 52, 168 90 62, 92 84 82, 74 76 84, 120 70 56, 104 96 92",),
    "leaves": (
        "82 118 44, 66 104 44, 98 126 50, 74 110 60, 110 132 56, 60 92 40",
        "196 130 40, 176 92 34, 206 160 56, 150 112 44, 188 70 40, 140 128 50",
    ),
    "bark": ("92 74 58, 108 94 80, 76 62 52",),
    "wall": ("158 148 136, 150 92 74, 178 172 162, 128 122 116",),
    "fence": ("120 90 62, 70 78 72, 196 192 184, 84 88 92", "60 70 50"),
    "metal": ("118 122 124, 92 96 98, 70 78 76, 140 142 142",),
    "distant": ("150 150 158, 166 156 150, 138 142 150",),
    "sky": ("127.5 127.5 127.5",),
    "car": (_CARS, _PALE),
    "bus": (_BUSES, "236 236 232"),
    "tram": (_BUSES, _PALE),
    "truck": ("228 228 226, 186 190 196, 60 104 160, 196 72 52, 216 176 70, 92 120 92", _CARS),
    "person": (_CLOTHES, _TROUSERS),
    "rider": (_CLOTHES, _TROUSERS),
}
_OTHERS = (_FRAMES, _PALE)


def palettes() -> tuple[np.ndarray, np.ndarray]:
    """First and second paints a material, [materials, 12, 3] each, 0 to 1."""
    chosen = [_PAINTS.get(name, _PAINTS.get(name.split()[0], _OTHERS)) for name in MATERIAL]
    paints = [palette(text, 1) for both in chosen for text in (both[0], both[-1])]
    tables = [[colors[n % len(colors)] for n in range(ENTRIES)] for colors in paints]
    every = np.array(tables, dtype=np.float32) / 255
    return every[0::2], every[1::2]
