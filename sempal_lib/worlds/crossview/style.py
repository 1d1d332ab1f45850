"""The known factors of toy-crossview: the kind of place, its paints, sun and weather."""

import numpy as np

from sempal_lib.worlds.crossview.kinds import KINDS
from sempal_lib.worlds.engine import Chances, Color, palette
from sempal_lib.worlds.street.weather import Weather

# Houses: paints of walls and roofs that go together, so that a roof tells what the walls below it are like.
_HOUSES = (
    ("87 82 68", "60 28 19"), ("72 34 26", "38 34 34"), ("92 91 88", "44 48 54"), ("80 66 42", "52 34 22"),
    ("62 70 74", "30 32 36"), ("56 36 30", "68 62 54"), ("84 70 60", "72 40 26"), ("68 74 62", "46 42 30"),
)  # fmt: skip
_BLOCKS = (
    ("58 66 72", "66 67 68"), ("78 76 72", "50 50 52"), ("60 44 38", "42 40 40"), ("36 44 52", "74 76 78"),
    ("84 82 78", "60 55 48"), ("70 62 52", "40 44 40"),
)  # fmt: skip
_HALLS = (
    ("76 78 80", "62 66 70"), ("46 56 66", "40 52 66"), ("78 70 56", "72 70 64"), ("62 38 32", "54 32 28"),
    ("56 62 54", "46 56 48"),
)  # fmt: skip
_MADE_OF = {"downtown": _BLOCKS, "industrial": _HALLS, "shopping": _HALLS}
GRASSES = palette("36 47 20, 43 52 24, 50 52 28, 31 43 22")
LEAVES = palette("24 38 14, 31 44 17, 37 46 16, 20 33 18, 56 40 14, 46 42 15")
WATERS = palette("16 30 36, 18 36 32, 26 36 34, 14 26 38")
FIELDS = palette("66 58 30, 40 50 20, 52 40 28, 72 66 38")
ASPHALTS = palette("34 34 36, 40 40 41, 29 29 31")
PAVINGS = palette("60 57 52, 66 62 55, 54 53 52, 64 56 49")


class Place(Weather):
    """The style factors.

    scene_kind: place in KINDS. wall_color, roof_color: of most houses; second_wall_color, second_roof_color: of the
    others. asphalt_color, paving_color, grass_color, leaf_color, field_color, water_color: paints. Sun and weather as
    toy-street has them: sun_elevation, degrees above the horizon, 18 to 62; sun_azimuth, degrees right of the
    street's direction, -180 to 180; cloudiness, 0 clear to 1 overcast; fog, wetness and autumn, here 0 or
    little; sky_color.
    """

    @classmethod
    def sample(cls, rng: np.random.Generator, kind: int = 0) -> "Place":
        a = Chances(rng, 32, 0.05, 1.6)
        houses = _MADE_OF.get(list(KINDS)[kind], _HOUSES)
        first = int(a[0] * len(houses))
        second = (first + 1 + int(a[1] * (len(houses) - 1))) % len(houses)
        (wall, roof), (other_wall, other_roof) = (map(palette, houses[i]) for i in (first, second))
        clouds = 0.75 * a[6] if a[7] < 0.8 else 0.9
        return cls(
            scene_kind=kind, wall_color=a.color(wall, 8), roof_color=a.color(roof, 10),
            second_wall_color=a.color(other_wall, 12), second_roof_color=a.color(other_roof, 14),
            asphalt_color=a.color(ASPHALTS, 16, 0.03), paving_color=a.color(PAVINGS, 18, 0.04),
            grass_color=a.color(GRASSES, 20), leaf_color=a.color(LEAVES, 22), field_color=a.color(FIELDS, 24),
            water_color=a.color(WATERS, 26), sun_elevation=18 + 44 * a[28], sun_azimuth=360 * a[29] - 180,
            cloudiness=clouds, fog=0.12 * a[30] ** 2, wetness=0.0, autumn=0.0,
        )  # fmt: skip

    @property
    def plain(self) -> dict[str, Color]:
        """The paints of materials that have one alone."""
        return {
            "asphalt": self.asphalt_color, "bays": self.asphalt_color, "paving": self.paving_color,
            "grass": self.grass_color, "leaves": self.leaf_color, "crown": self.leaf_color, "field": self.field_color,
            "water": self.water_color, "deck": (0.62, 0.5, 0.36), "pane": (0.2, 0.25, 0.3),
        }  # fmt: skip
