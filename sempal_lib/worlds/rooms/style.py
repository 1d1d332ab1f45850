"""Colours, materials and light of toy-rooms: the known factors of a scene's looks."""

from math import cos, radians, sin

import numpy as np

from sempal_lib.worlds.engine import Chances, Style, evening, palette, warm

WALLS = ("plaster", "stripes", "wallpaper", "panelling", "brick")
FLOORS = ("planks", "parquet", "tiles", "carpet", "stone")
CLOTHS = ("linen", "velvet", "leather", "checks")
RUGS = ("plain", "border", "stripes", "medallion")
BLANKETS = ("plain", "stripes", "quilt", "checks")
PANES = ("single", "casement", "grid", "transom")

# Chances of the walls and floors above for each kind of room, in the order of KINDS.
WALL_WEIGHTS = ((4, 2, 3, 1, 0.5), (5, 1, 1.5, 1.5, 1.5), (4, 1.5, 2, 2, 1), (4, 1, 1, 3, 1.5))
FLOOR_WEIGHTS = ((4, 2, 0.3, 3, 0.2), (4, 2.5, 1, 1.5, 1), (4, 2.5, 2.5, 0.3, 1), (4, 2.5, 0.7, 2, 0.7))

PAINTS = palette(
    "90 87 80, 84 86 85, 72 80 82, 78 83 70, 92 83 66, 86 72 64, 55 64 70, 62 68 58, 82 78 86, 93 92 90, 42 50 56, "
    "70 50 42"
)
BRICKS = palette("68 40 32, 84 82 78, 60 46 38")
WOODS = palette("72 52 33, 50 32 19, 82 67 47, 36 23 15, 62 40 24, 86 80 70")
TILES = palette("84 82 77, 62 60 57, 74 50 38, 46 50 53, 90 88 84")
CARPETS = palette("70 65 56, 50 52 56, 56 40 36, 42 50 44, 78 75 70")
STONES = palette("72 68 60, 56 55 53, 80 77 72")
CLOTH_COLORS = palette(
    "62 60 56, 28 38 52, 66 30 24, 36 46 34, 82 77 66, 78 58 24, 30 30 33, 56 36 46, 20 46 48, 84 60 54"
)
LEATHERS = palette("42 24 14, 16 14 13, 66 44 26, 86 82 74, 40 14 12")
TRIMS = palette("95 94 91, 93 90 83, 55 37 23, 88 89 89")
LACQUERS = palette("93 92 88, 70 50 32, 46 30 18, 50 60 62, 32 38 42, 80 72 56, 58 66 54")
METALS = palette("75 75 76, 20 20 21, 78 63 35")
POTS = palette("72 40 26, 88 86 82, 32 42 52, 25 25 26, 50 56 42")
LEAVES = palette("24 46 20, 16 36 18, 40 54 24, 20 44 32")


class RoomStyle(Style):
    """The style factors.

    room_kind: place in KINDS of rooms. wall, floor, sofa, armchair (both in CLOTHS), rug, blanket, panes: places in
    WALLS, FLOORS, CLOTHS, RUGS, BLANKETS and PANES.
    wall_color, floor_color, ceiling_color, trim_color (skirting, frames), wood_color, cabinet_color, sofa_color,
    armchair_color, seat_color (chairs), blanket_color, cushion_color, curtain_color, rug_color, accent_color (second
    colour of rugs and cushions), door_color, frame_color (of pictures), metal_color, pot_color, leaf_color: paints.
    gloss: of the floor, 0 to 1. daylight: brightness of the sky outside, 0.25 to 1. sun: its light, 0 overcast to 1.
    azimuth: where it stands, degrees from straight behind the back wall, left negative. elevation: degrees above
    the horizon. warmth: of the sunlight, 0 white to 1 evening. lamps: light of the lamps, 0 off to 1.
    lamp_warmth: 0 white to 1 orange.
    """

    @classmethod
    def sample(cls, rng: np.random.Generator, kind: int, sides: tuple[float, ...] = ()) -> "RoomStyle":
        """Draw the factors.

        Args:
            sides: azimuths, degrees, straight out of each window; the sun likes to stand before one.
        """
        a = Chances(rng, 64, 0.07, 1.8)
        color = a.color
        wall, floor = a.weighted(WALL_WEIGHTS[kind], 0), a.weighted(FLOOR_WEIGHTS[kind], 1)
        sofa, armchair = int(a[2] * 4), int(a[3] * 4)
        wall_color = color(BRICKS if wall == 4 else PAINTS, 4)
        white = 0.9 + 0.07 * a[6]
        wood = color(WOODS, 7)
        trim = color(TRIMS, 9, 0.02)
        sofa_color = color(LEATHERS if sofa == 2 else CLOTH_COLORS, 11)
        elevation = 14 + 40 * a[13]
        daylight = 0.25 + 0.75 * a[14] ** 0.6
        lit = a[15] < 0.75 - 0.5 * daylight + 0.25 * (not sides)
        towards = sides[int(a[16] * len(sides))] if sides else 0.0
        return cls(
            room_kind=kind, wall=wall, floor=floor, sofa=sofa, armchair=armchair,
            rug=int(a[17] * 4), blanket=int(a[18] * 4), panes=int(a[19] * 4),
            wall_color=wall_color, floor_color=color((WOODS, WOODS, TILES, CARPETS, STONES)[floor], 20),
            ceiling_color=(white, white * (0.99 - 0.02 * a[22]), white * (0.97 - 0.05 * a[22])),
            trim_color=trim, wood_color=wood, cabinet_color=color(LACQUERS, 23) if a[25] < 0.65 else wood,
            sofa_color=sofa_color,
            armchair_color=sofa_color if sofa == armchair else color(LEATHERS if armchair == 2 else CLOTH_COLORS, 26),
            seat_color=color(CLOTH_COLORS, 28), blanket_color=color(CLOTH_COLORS, 30),
            cushion_color=color(CLOTH_COLORS, 32), curtain_color=color(CLOTH_COLORS + PAINTS, 34),
            rug_color=color(CLOTH_COLORS + CARPETS, 36), accent_color=color(CLOTH_COLORS + PAINTS, 38),
            door_color=trim if a[40] < 0.5 else color(LACQUERS + WOODS, 41),
            frame_color=color(WOODS + METALS, 43, 0.03), metal_color=color(METALS, 45, 0.02),
            pot_color=color(POTS, 47), leaf_color=color(LEAVES, 49, 0.08),
            gloss=(0.5, 0.5, 0.75, 0.0, 0.35)[floor] * a[51], daylight=daylight,
            sun=0.0 if daylight < 0.5 or a[52] < 0.2 else min(1.4 * daylight - 0.4, 1.0),
            azimuth=towards + 90 * (a[53] - 0.5), elevation=elevation, warmth=evening(elevation),
            lamps=(0.45 + 0.55 * a[54]) * lit, lamp_warmth=a[55],
        )  # fmt: skip

    @property
    def direction(self) -> tuple[float, float, float]:
        """Towards the sun, of length 1: right, up, and away from the camera."""
        side, rise = radians(self.azimuth), radians(self.elevation)
        return sin(side) * cos(rise), sin(rise), cos(side) * cos(rise)

    @property
    def sunlight(self) -> np.ndarray:
        """[3]"""
        return 1.5 * self.sun * warm(1.08, 0.12, 0.88, 0.36, self.warmth)

    @property
    def skylight(self) -> np.ndarray:
        """[3]"""
        return self.daylight * np.array([0.95, 1.0, 1.08], np.float32)

    @property
    def lamplight(self) -> np.ndarray:
        """[3]"""
        return self.lamps * np.array([1.12, 0.94 - 0.12 * self.lamp_warmth, 0.74 - 0.3 * self.lamp_warmth], np.float32)
