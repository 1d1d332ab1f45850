"""Colours, materials and light of toy-facades: the known factors of a scene's looks."""

from dataclasses import dataclass, fields
from math import cos, radians, sin

import numpy as np
import torch

WALLS = ("plaster", "brick", "stone", "panels", "tiles")
RAILS = ("bars", "scrolls", "balusters", "sheet", "glass")
PANES = ("casement", "sash", "grid", "single", "transom")

# Chances of the walls, rails and panes above for each kind of house, in the order of KINDS.
WALL_WEIGHTS = ((6, 3, 1, 0, 1), (5, 1, 4, 0, 0), (3, 5, 1, 0, 1), (2, 2, 0, 4, 2), (8, 0, 2, 0, 0), (1, 2, 4, 3, 1))
RAIL_WEIGHTS = ((6, 2, 0, 2, 0), (2, 4, 5, 0, 0), (5, 4, 1, 0, 0), (3, 0, 0, 4, 4), (6, 4, 0, 0, 0), (3, 0, 1, 2, 2))
PANE_WEIGHTS = ((5, 3, 3, 2, 3), (5, 2, 2, 0, 5), (4, 5, 2, 0, 3), (2, 0, 0, 6, 2), (4, 0, 5, 0, 3), (1, 3, 1, 4, 3))

PLASTERS = ((0.9, 0.82, 0.62), (0.93, 0.76, 0.42), (0.88, 0.62, 0.5), (0.72, 0.8, 0.68), (0.92, 0.9, 0.85),
            (0.7, 0.78, 0.86), (0.8, 0.5, 0.4), (0.85, 0.8, 0.74), (0.93, 0.7, 0.62), (0.62, 0.66, 0.7),
            (0.55, 0.66, 0.56), (0.9, 0.86, 0.7))  # fmt: skip
BRICKS = ((0.62, 0.28, 0.2), (0.7, 0.38, 0.25), (0.5, 0.25, 0.2), (0.76, 0.6, 0.42), (0.56, 0.42, 0.35),
          (0.68, 0.3, 0.26))  # fmt: skip
STONES = ((0.8, 0.75, 0.65), (0.7, 0.69, 0.66), (0.78, 0.68, 0.52), (0.62, 0.58, 0.52), (0.84, 0.8, 0.74))
PANELS = ((0.74, 0.74, 0.72), (0.86, 0.86, 0.84), (0.62, 0.64, 0.66), (0.7, 0.62, 0.5), (0.5, 0.58, 0.6))
TILES = ((0.86, 0.86, 0.8), (0.35, 0.52, 0.5), (0.8, 0.72, 0.4), (0.4, 0.46, 0.6), (0.66, 0.4, 0.3),
         (0.55, 0.7, 0.62))  # fmt: skip
TRIMS = ((0.93, 0.91, 0.86), (0.84, 0.79, 0.68), (0.76, 0.74, 0.71), (0.88, 0.83, 0.72), (0.64, 0.56, 0.48))
FRAMES = ((0.94, 0.94, 0.92), (0.92, 0.9, 0.84), (0.4, 0.26, 0.16), (0.24, 0.28, 0.26), (0.2, 0.36, 0.3),
          (0.8, 0.8, 0.8))  # fmt: skip
DOORS = ((0.36, 0.2, 0.11), (0.12, 0.32, 0.24), (0.55, 0.12, 0.1), (0.12, 0.2, 0.4), (0.5, 0.34, 0.18),
         (0.2, 0.2, 0.22), (0.2, 0.42, 0.5))  # fmt: skip
BLINDS = ((0.2, 0.42, 0.3), (0.3, 0.5, 0.62), (0.5, 0.28, 0.16), (0.86, 0.84, 0.78), (0.55, 0.2, 0.16),
          (0.46, 0.56, 0.42), (0.78, 0.6, 0.3), (0.36, 0.4, 0.46))  # fmt: skip
IRONS = ((0.1, 0.1, 0.11), (0.14, 0.2, 0.17), (0.22, 0.2, 0.19))
SHEETS = ((0.85, 0.85, 0.83), (0.75, 0.45, 0.25), (0.3, 0.45, 0.6), (0.5, 0.6, 0.42), (0.7, 0.25, 0.22))
ROOFS = ((0.58, 0.28, 0.2), (0.34, 0.35, 0.39), (0.48, 0.24, 0.18), (0.28, 0.28, 0.3), (0.38, 0.5, 0.46))
SHOPS = ((0.1, 0.26, 0.2), (0.5, 0.1, 0.12), (0.1, 0.16, 0.34), (0.12, 0.12, 0.13), (0.86, 0.72, 0.3),
         (0.75, 0.3, 0.16), (0.88, 0.86, 0.8), (0.16, 0.42, 0.5))  # fmt: skip
AWNINGS = ((0.72, 0.16, 0.15), (0.12, 0.36, 0.26), (0.15, 0.25, 0.5), (0.85, 0.6, 0.2), (0.5, 0.2, 0.3))

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Style:
    """The style factors. Colours are paints, before any light, 0 to 1.

    Args:
        house_kind: place in KINDS of toy_facades_kinds. wall, rail, panes: places in WALLS, RAILS and PANES.
        wall_color, base_color (ground floor or plinth), trim_color, frame_color (of windows), door_color,
        blind_color, balcony_color, roof_color, shop_color, awning_color, neighbour_color: red, green and blue.
        sun: light of the sun, 0 overcast to 1. azimuth: where it stands, degrees, -65 left to 65 right.
        elevation: degrees above the horizon, 15 to 62. warmth: 0 white to 1 the light of evening.
        clouds: 0 to 1. weathering: stains and streaks, 0 to 1. curtains: share of windows that have them.
    """

    house_kind: int
    wall: int
    rail: int
    panes: int
    wall_color: Color
    base_color: Color
    trim_color: Color
    frame_color: Color
    door_color: Color
    blind_color: Color
    balcony_color: Color
    roof_color: Color
    shop_color: Color
    awning_color: Color
    neighbour_color: Color
    sun: float
    azimuth: float
    elevation: float
    warmth: float
    clouds: float
    weathering: float
    curtains: float

    @classmethod
    def sample(cls, rng: np.random.Generator, kind: int) -> "Style":
        a = rng.random(40).tolist()

        def weighted(weights, chance: float) -> int:
            return int(np.searchsorted(np.cumsum(weights), chance * sum(weights), side="right"))

        def color(choices, n: int, spread: float = 0.06) -> Color:
            base = choices[int(a[n] * len(choices))]
            bright = 1 + 1.6 * spread * (a[n + 1] - 0.5)
            red, green, blue = (
                min(max(c * bright + spread * (t - 0.5), 0.02), 0.97) for c, t in zip(base, rng.random(3), strict=True)
            )
            return red, green, blue

        wall, rail = weighted(WALL_WEIGHTS[kind], a[0]), weighted(RAIL_WEIGHTS[kind], a[1])
        wall_color = color((PLASTERS, BRICKS, STONES, PANELS, TILES)[wall], 2)
        trim = color(TRIMS, 4)
        if a[6] < 0.25:  # trims of the wall's own colour, a little lighter
            trim = (0.55 * wall_color[0] + 0.4, 0.55 * wall_color[1] + 0.39, 0.55 * wall_color[2] + 0.36)
        base = color(STONES, 7)
        if a[9] < 0.5:
            base = (0.72 * wall_color[0], 0.71 * wall_color[1], 0.7 * wall_color[2])
        elevation = 28 + 34 * a[10] if a[11] < 0.75 else 15 + 14 * a[10]
        clouds = a[12]
        return cls(
            kind, wall, rail, weighted(PANE_WEIGHTS[kind], a[13]),
            wall_color, base, trim, color(FRAMES, 14, 0.03), color(DOORS, 16), color(BLINDS, 18),
            trim if rail == 2 else color(SHEETS, 20) if rail > 2 else color(IRONS, 22, 0.02),
            color(ROOFS, 24), color(SHOPS, 26), color(AWNINGS, 28), color(PLASTERS + BRICKS, 30),
            0.0 if clouds > 0.8 else 1 - 0.35 * clouds,
            130 * a[32] - 65, elevation, min(max((34 - elevation) / 18, 0.0), 1.0),
            clouds, a[33] ** 1.5, 0.75 * a[34],
        )  # fmt: skip

    def factors(self) -> dict:
        """The factors as the item's style holds them: numbers, and colours as float32 [3]."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: torch.tensor(value) if isinstance(value, tuple) else value for key, value in values.items()}

    @property
    def direction(self) -> tuple[float, float]:
        """Towards the sun from a point of the façade, for each unit that one comes out of it: right and up."""
        side, rise = radians(self.azimuth), radians(self.elevation)
        out = max(cos(side) * cos(rise), 0.3)
        return sin(side) * cos(rise) / out, sin(rise) / out

    @property
    def sunlight(self) -> np.ndarray:
        """[3]"""
        return 0.62 * self.sun * np.array([1.06, 1.0 - 0.16 * self.warmth, 0.9 - 0.38 * self.warmth], np.float32)

    @property
    def skylight(self) -> np.ndarray:
        """[3]"""
        bright = 0.5 + 0.36 * (1 - self.sun) - 0.05 * self.warmth
        return bright * np.array([0.94, 1.0, 1.1], np.float32)

    @property
    def zenith(self) -> np.ndarray:
        """Colour of the sky, [3]."""
        blue = np.array([0.36, 0.58, 0.88], np.float32)
        grey = np.array([0.72, 0.75, 0.79], np.float32)
        return blue + (grey - blue) * (1 - self.sun if self.sun == 0 else 0.35 * self.clouds)

    @property
    def horizon(self) -> np.ndarray:
        """[3]"""
        pale = np.array([0.84, 0.89, 0.94], np.float32)
        return pale + (np.array([0.98, 0.8, 0.6], np.float32) - pale) * 0.8 * self.warmth * self.sun
