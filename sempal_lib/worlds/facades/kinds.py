"""The classes of toy-facades, and the kinds of houses."""

from dataclasses import dataclass

from sempal_lib.labels import label_space_of

# Names, order and colours as the CMP Facade Database has them.
CMP_12 = label_space_of([
    ("background", (0, 0, 222)),
    ("facade", (0, 48, 255)),
    ("window", (0, 128, 255)),
    ("door", (0, 207, 255)),
    ("cornice", (32, 255, 224)),
    ("sill", (112, 255, 144)),
    ("balcony", (192, 255, 63)),
    ("blind", (255, 239, 0)),
    ("deco", (255, 159, 0)),
    ("molding", (255, 80, 0)),
    ("pillar", (254, 0, 0)),
    ("shop", (174, 0, 0)),
])  # fmt: skip


@dataclass(frozen=True)
class Habits:
    """What a kind of house tends to have: ranges, and chances from 0 to 1."""

    share: float  # of all houses
    floors: tuple[int, int]
    bay: tuple[float, float]  # width of an axis over the height of a floor
    width: tuple[float, float]  # of a window, share of the bay
    height: tuple[float, float]  # of a window, share of the floor
    top: tuple[float, float]  # molding under the eaves, share of the picture
    sill: float
    hood: float
    deco: float
    band: float
    pilaster: float
    balcony: float
    shutter: float
    roller: float
    shop: float
    arch: float
    pair: float
    surround: float
    roof: float


HABITS = {
    "plain": Habits(0.2, (2, 5), (0.75, 1.2), (0.38, 0.55), (0.42, 0.56), (0.02, 0.07),
                    0.85, 0.45, 0.35, 0.55, 0.05, 0.3, 0.15, 0.3, 0.3, 0.1, 0.25, 0.4, 0.6),
    "classical": Habits(0.24, (3, 5), (0.62, 1.0), (0.36, 0.5), (0.5, 0.58), (0.05, 0.11),
                        0.85, 0.95, 0.85, 0.95, 0.45, 0.5, 0.0, 0.12, 0.3, 0.35, 0.2, 0.8, 0.5),
    "tenement": Habits(0.2, (3, 6), (0.65, 1.0), (0.38, 0.54), (0.48, 0.58), (0.04, 0.09),
                       0.9, 0.85, 0.6, 0.75, 0.1, 0.5, 0.05, 0.25, 0.85, 0.15, 0.25, 0.5, 0.4),
    "modern": Habits(0.12, (3, 6), (0.9, 1.5), (0.5, 0.72), (0.45, 0.58), (0.0, 0.04),
                     0.4, 0.0, 0.0, 0.35, 0.2, 0.85, 0.0, 0.6, 0.4, 0.0, 0.35, 0.1, 0.05),
    "southern": Habits(0.13, (2, 5), (0.85, 1.2), (0.32, 0.42), (0.46, 0.58), (0.02, 0.06),
                       0.75, 0.4, 0.35, 0.45, 0.0, 0.65, 0.9, 0.15, 0.35, 0.15, 0.1, 0.5, 0.6),
    "office": Habits(0.11, (4, 7), (0.7, 1.1), (0.55, 0.7), (0.5, 0.6), (0.04, 0.1),
                     0.4, 0.1, 0.3, 0.95, 0.9, 0.08, 0.0, 0.35, 0.6, 0.0, 0.3, 0.0, 0.05),
}  # fmt: skip
KINDS = tuple(HABITS)
