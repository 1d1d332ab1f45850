"""Colours, materials and light of toy-facades: the known factors of a scene's looks."""

import numpy as np

from sempal_lib.worlds.engine import Chances, FrontLight, palette

WALLS = ("plaster", "brick", "stone", "panels", "tiles")
RAILS = ("bars", "scrolls", "balusters", "sheet", "glass")
PANES = ("casement", "sash", "grid", "single", "transom")

# Chances of the walls, rails and panes above for each kind of house, in the order of KINDS.
WALL_WEIGHTS = ((6, 3, 1, 0, 1), (5, 1, 4, 0, 0), (3, 5, 1, 0, 1), (2, 2, 0, 4, 2), (8, 0, 2, 0, 0), (1, 2, 4, 3, 1))
RAIL_WEIGHTS = ((6, 2, 0, 2, 0), (2, 4, 5, 0, 0), (5, 4, 1, 0, 0), (3, 0, 0, 4, 4), (6, 4, 0, 0, 0), (3, 0, 1, 2, 2))
PANE_WEIGHTS = ((5, 3, 3, 2, 3), (5, 2, 2, 0, 5), (4, 5, 2, 0, 3), (2, 0, 0, 6, 2), (4, 0, 5, 0, 3), (1, 3, 1, 4, 3))

PLASTERS = palette(
    "90 82 62, 93 76 42, 88 62 50, 72 80 68, 92 90 85, 70 78 86, 80 50 40, 85 80 74, 93 70 62, 62 66 70, 55 66 56, "
    "90 86 70"
)
BRICKS = palette("62 28 20, 70 38 25, 50 25 20, 76 60 42, 56 42 35, 68 30 26")
STONES = palette("80 75 65, 70 69 66, 78 68 52, 62 58 52, 84 80 74")
PANELS = palette("74 74 72, 86 86 84, 62 64 66, 70 62 50, 50 58 60")
TILES = palette("86 86 80, 35 52 50, 80 72 40, 40 46 60, 66 40 30, 55 70 62")
TRIMS = palette("93 91 86, 84 79 68, 76 74 71, 88 83 72, 64 56 48")
FRAMES = palette("94 94 92, 92 90 84, 40 26 16, 24 28 26, 20 36 30, 80 80 80")
DOORS = palette("36 20 11, 12 32 24, 55 12 10, 12 20 40, 50 34 18, 20 20 22, 20 42 50")
BLINDS = palette("20 42 30, 30 50 62, 50 28 16, 86 84 78, 55 20 16, 46 56 42, 78 60 30, 36 40 46")
IRONS = palette("10 10 11, 14 20 17, 22 20 19")
SHEETS = palette("85 85 83, 75 45 25, 30 45 60, 50 60 42, 70 25 22")
ROOFS = palette("58 28 20, 34 35 39, 48 24 18, 28 28 30, 38 50 46")
SHOPS = palette("10 26 20, 50 10 12, 10 16 34, 12 12 13, 86 72 30, 75 30 16, 88 86 80, 16 42 50")
AWNINGS = palette("72 16 15, 12 36 26, 15 25 50, 85 60 20, 50 20 30")


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
