"""Colours, materials and light of toy-facades: the known factors of a scene's looks."""

import numpy as np

from sempal_lib.worlds.engine import Chances, FrontLight

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


class HouseStyle(FrontLight):
    """The style factors, beside the weather's.

    house_kind: place in KINDS of houses. wall, rail, panes: places in WALLS, RAILS and PANES.
    wall_color, base_color (ground floor or plinth), trim_color, frame_color (of windows), door_color, blind_color,
    balcony_color, roof_color, shop_color, awning_color, neighbour_color: paints.
    weathering: stains and streaks, 0 to 1. curtains: share of windows that have them.
    """

    @classmethod
    def sample(cls, rng: np.random.Generator, kind: int) -> "HouseStyle":
        a = Chances(rng, 40)
        color = a.color
        wall, rail = a.weighted(WALL_WEIGHTS[kind], 0), a.weighted(RAIL_WEIGHTS[kind], 1)
        wall_color = color((PLASTERS, BRICKS, STONES, PANELS, TILES)[wall], 2)
        trim = color(TRIMS, 4)
        if a[6] < 0.25:  # trims of the wall's own colour, a little lighter
            trim = (0.55 * wall_color[0] + 0.4, 0.55 * wall_color[1] + 0.39, 0.55 * wall_color[2] + 0.36)
        base = color(STONES, 7)
        if a[9] < 0.5:
            base = (0.72 * wall_color[0], 0.71 * wall_color[1], 0.7 * wall_color[2])
        return cls(
            house_kind=kind, wall=wall, rail=rail, panes=a.weighted(PANE_WEIGHTS[kind], 13),
            wall_color=wall_color, base_color=base, trim_color=trim, frame_color=color(FRAMES, 14, 0.03),
            door_color=color(DOORS, 16), blind_color=color(BLINDS, 18),
            balcony_color=trim if rail == 2 else color(SHEETS, 20) if rail > 2 else color(IRONS, 22, 0.02),
            roof_color=color(ROOFS, 24), shop_color=color(SHOPS, 26), awning_color=color(AWNINGS, 28),
            neighbour_color=color(PLASTERS + BRICKS, 30),
            **cls.weather(a[12], a[32], 28 + 34 * a[10] if a[11] < 0.75 else 15 + 14 * a[10]),
            weathering=a[33] ** 1.5, curtains=0.75 * a[34],
        )  # fmt: skip
