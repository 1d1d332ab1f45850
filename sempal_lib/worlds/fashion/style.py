"""Colours, cloths and light of toy-fashion: the known factors of a scene's looks."""

from typing import Any

import numpy as np

from sempal_lib.worlds.engine import Chances, Color, FrontLight, contrasting, palette

BACKDROPS = ("seamless", "floor", "spot")

CLOTH_COLORS = palette(
    "92 91 88, 10 10 12, 16 24 44, 62 12 14, 86 80 66, 30 40 62, 14 36 26, 88 70 28, 58 60 62, 82 50 54, 44 24 44, "
    "54 36 22, 24 54 58, 80 36 18, 60 72 84, 70 78 56"
)
DENIMS = palette("16 22 38, 30 40 58, 52 62 76, 9 10 14, 66 60 48, 36 38 30")
LEATHERS = palette("8 8 9, 34 18 10, 60 38 20, 88 85 80, 50 10 12, 72 58 42")
SKINS = palette("93 76 66, 88 68 55, 80 58 44, 70 48 34, 58 38 26, 45 29 20, 34 22 16, 90 71 60")
HAIRS = palette("6 5 5, 14 9 7, 26 15 9, 42 26 14, 62 44 22, 78 62 38, 44 16 8, 56 55 54")
BACKDROP_COLORS = palette("94 94 93, 90 90 90, 95 95 96, 80 80 81, 86 82 77, 76 80 84, 82 74 72, 66 67 68")
STOCKINGS = palette("8 8 9, 20 16 14, 92 90 88, 48 34 26, 56 12 16, 16 20 36")

# Each class of cloths: its colours, and the chances of the engine's PRINTS.
CLOTHS: dict[str, tuple[tuple[Color, ...], tuple[float, ...]]] = {
    "top": (CLOTH_COLORS, (4, 2.2, 1.3, 1.2, 1.3)),
    "dress": (CLOTH_COLORS, (3, 1.3, 1.2, 1.6, 2.6)),
    "skirt": (CLOTH_COLORS + DENIMS, (4, 1.2, 2, 1.2, 1.6)),
    "trousers": (DENIMS + DENIMS + CLOTH_COLORS, (6, 1.2, 1.2, 0.6, 0.8)),
    "outer": (CLOTH_COLORS + LEATHERS, (5, 1, 1.8, 0.6, 0.6)),
    "hat": (CLOTH_COLORS, (4, 1, 1, 0.5, 0.5)),
    "bag": (LEATHERS + CLOTH_COLORS, (5, 1, 1, 0.5, 0.5)),
    "socks": (STOCKINGS, (4, 1.5, 0.7, 0.7, 0.4)),
}


class FashionStyle(FrontLight):
    """The style factors, beside those of the studio's light.

    outfit: place in OUTFITS. backdrop: place in BACKDROPS.
    background_color, skin_color, hair_color, lip_color, shoes_color, belt_color, glasses_color: paints.
    For each class of CLOTHS <class>_color, <class>_second (the pattern's, and of trims): paints; <class>_pattern:
    place in PRINTS; <class>_scale: its period, heads; <class>_gloss: 0 dull to 1.
    """

    @classmethod
    def sample(cls, rng: np.random.Generator, outfit: int) -> "FashionStyle":
        a = Chances(rng, 24 + 8 * len(CLOTHS), 0.08, 1.8)
        skin = a.color(SKINS, 0, 0.04)
        red = 0.2 + 0.3 * a[2]
        cloths: dict[str, Any] = {}
        for n, (name, (colors, weights)) in enumerate(CLOTHS.items()):
            first = 24 + 8 * n
            color = a.color(colors, first)
            cloths |= {
                f"{name}_color": color,
                f"{name}_second": contrasting(color, a.color(CLOTH_COLORS, first + 2)),
                f"{name}_pattern": a.weighted(weights, first + 4),
                f"{name}_scale": 0.22 + 0.34 * a[first + 5],
                f"{name}_gloss": a[first + 6] ** 3,
            }
        return cls(
            outfit=outfit, backdrop=a.weighted((5, 2, 3), 3), background_color=a.color(BACKDROP_COLORS, 4, 0.03),
            skin_color=skin, hair_color=a.color(HAIRS, 6, 0.03),
            lip_color=tuple(float(s + red * (t - s)) for s, t in zip(skin, (0.72, 0.16, 0.2), strict=True)),
            shoes_color=a.color(LEATHERS + CLOTH_COLORS, 8), belt_color=a.color(LEATHERS, 10),
            glasses_color=a.color(LEATHERS, 12, 0.03), **cloths,
            **cls.weather(0.2 + 0.5 * a[14], 0.15 + 0.7 * a[15], 35 + 20 * a[16]),
        )  # fmt: skip
