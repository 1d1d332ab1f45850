"""The kinds of places of toy-crossview, and its classes."""

from dataclasses import dataclass

from sempal_lib.labels import CITYSCAPES_19, label_space_of

# Names and colours as Cityscapes has them, but for water and boats, which it has not.
_OWN = {"water": (0, 150, 200), "boat": (150, 110, 200)}
TOWN_15 = label_space_of([
    (name, _OWN.get(name) or CITYSCAPES_19.colors[CITYSCAPES_19.index(name)])
    for name in (
        "road", "sidewalk", "building", "wall", "fence", "pole", "traffic sign", "vegetation", "terrain", "water",
        "sky", "person", "car", "truck", "boat",
    )
])  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of place. Lengths in m as (least, most); chances in 0 to 1."""

    half: tuple[float, float]  # of the street's width
    walk: tuple[float, float]  # width of a sidewalk
    near: dict[str, float]  # weights of what fills the lots along the street: names in lots.MAKERS
    far: dict[str, float]  # and of those behind them
    lot: tuple[float, float]  # a lot's length along the street
    depth: float  # of the first row of lots
    storeys: tuple[float, float]
    base: tuple[str, str] = ("terrain", "grass")  # class and material of the ground
    parking: float = 0.3  # chance of a row of parked cars, a side
    traffic: float = 0.4  # of a vehicle in each 12 m of a lane
    trucks: float = 0.08  # share of the vehicles
    walkers: float = 1.5  # people on each sidewalk, mean
    trees: float = 0.3  # of a row of trees along the street, a side
    lamps: float = 0.6
    crossing: float = 0.5
    shore: bool = False  # water along one side


_PAVED = ("sidewalk", "paving")
KINDS = {
    "residential": Kind(
        half=(2.8, 3.8), walk=(1.6, 2.8), near={"house": 9, "green": 1}, far={"house": 6, "green": 2, "wood": 1},
        lot=(14, 20), depth=24, storeys=(1, 2), parking=0.35, traffic=0.25, trees=0.45),
    "downtown": Kind(
        half=(4.5, 6.5), walk=(3.0, 5.0), near={"tower": 7, "row": 2, "plaza": 1}, far={"tower": 1},
        lot=(18, 28), depth=24, storeys=(6, 12), base=_PAVED, parking=0.4, traffic=0.7, walkers=5.0, trees=0.3,
        crossing=0.8),
    "old town": Kind(
        half=(2.3, 3.0), walk=(1.2, 2.2), near={"row": 1}, far={"row": 4, "green": 1, "plaza": 1},
        lot=(8, 15), depth=20, storeys=(3, 5), base=_PAVED, parking=0.2, traffic=0.2, walkers=4.0, trees=0.1),
    "park": Kind(
        half=(2.6, 3.6), walk=(1.8, 3.0), near={"green": 6, "wood": 1}, far={"green": 3, "wood": 3},
        lot=(24, 40), depth=34, storeys=(2, 3), parking=0.2, traffic=0.2, walkers=3.0, trees=0.6, lamps=0.4,
        crossing=0.2),
    "waterfront": Kind(
        half=(3.0, 4.5), walk=(2.5, 4.5), near={"row": 3, "house": 2, "tower": 2, "green": 1},
        far={"house": 2, "row": 2, "green": 1}, lot=(14, 24), depth=24, storeys=(3, 5), parking=0.4, traffic=0.35,
        walkers=3.0, trees=0.3, crossing=0.2, shore=True),
    "industrial": Kind(
        half=(3.6, 5.0), walk=(1.2, 2.2), near={"hall": 8, "parking": 2}, far={"hall": 4, "field": 1, "parking": 1},
        lot=(24, 42), depth=32, storeys=(2, 3), parking=0.2, traffic=0.4, trucks=0.45, walkers=0.5, trees=0.1),
    "shopping": Kind(
        half=(4.2, 6.0), walk=(1.5, 2.5), near={"parking": 1}, far={"hall": 3, "parking": 1},
        lot=(30, 44), depth=32, storeys=(2, 2), base=_PAVED, parking=0.0, traffic=0.5, walkers=1.5, trees=0.2),
    "farmland": Kind(
        half=(2.2, 3.0), walk=(0.4, 0.8), near={"field": 12, "wood": 1, "house": 1}, far={"field": 5, "wood": 1},
        lot=(26, 46), depth=34, storeys=(1, 2), parking=0.0, traffic=0.12, trucks=0.3, walkers=0.2, trees=0.15,
        lamps=0.05, crossing=0.2),
    "woodland": Kind(
        half=(2.2, 3.0), walk=(0.5, 1.2), near={"wood": 12, "green": 1}, far={"wood": 8, "green": 1, "lake": 2},
        lot=(26, 40), depth=26, storeys=(1, 2), parking=0.0, traffic=0.15, walkers=0.3, trees=0.0, lamps=0.05,
        crossing=0.15),
    "market": Kind(
        half=(2.5, 3.4), walk=(2.5, 4.0), near={"plaza": 4, "row": 1}, far={"row": 1},
        lot=(18, 28), depth=26, storeys=(3, 5), base=_PAVED, parking=0.1, traffic=0.15, walkers=7.0, trees=0.3),
}  # fmt: skip
