"""How the rooms of toy-rooms are furnished: what each kind of room has, and where it stands and hangs."""

from collections.abc import Callable

import numpy as np

from sempal_lib.worlds.rooms import furniture
from sempal_lib.worlds.rooms.room import KINDS, Room
from sempal_lib.worlds.rooms.space import LEVEL, WALLS, Spot


def walls(room: Room) -> list[str]:
    """The walls in the order in which the main piece tries them."""
    first = room.pick((0.55, 0.22, 0.23))
    return [WALLS[first], *(wall for wall in WALLS if wall != WALLS[first])]


def rug(room: Room, spot: Spot, half: float, o0: float, o1: float) -> None:
    x0, x1, z0, z1 = spot.box(-half, half, o0, o1)
    x0, x1 = max(x0, room.left + 0.1), min(x1, room.right - 0.1)
    room.begin("rug")
    outline = "disc" if room.chance(0.15) else "box"
    room.part(LEVEL, 0.012, x0, x1, max(z0, 0.8), min(z1, room.depth - 0.05), "rug", outline)


def bedroom(room: Room) -> None:
    half = room.between(0.7, 0.9) if room.chance(0.7) else 0.5
    length = room.between(1.9, 2.05)
    for towards in walls(room):
        spot = room.place(towards, half, length, 0.95, room.between(0.3, 0.7))
        if spot is None:
            continue
        furniture.bed(room, spot, half, length)
        if room.chance(0.6):
            rug(room, spot, half + room.between(0.3, 0.6), 0.9, length + room.between(0.2, 0.7))
        for side in (-1, 1):
            bedside(room, spot, side * (half + 0.32), towards)
        picture(room, towards, spot.along, 1.35)
        break


def bedside(room: Room, spot: Spot, a: float, towards: str) -> None:
    beside = spot.moved(a)
    low, high, _ = room.wall(towards)
    if not (low < beside.along < high and room.chance(0.8) and room.claim(beside, 0.23, 0.4)):
        return
    height = room.between(0.45, 0.58)
    if not room.free_on(towards, beside.along - 0.2, beside.along + 0.2, 0.0, height):
        return
    if room.chance(0.7):
        furniture.cabinet(room, beside, 0.22, 0.38, height)
    else:
        furniture.table(room, beside, 0.22, 0.38, height)
    x, _, z, _ = beside.box(0, 0, 0.2, 0.2)
    if room.chance(0.75):
        furniture.lamp(room, x, z, height, room.between(0.38, 0.5))
    elif room.chance(0.6):
        lying_books(room, beside, height, 0.2)


def lying_books(room: Room, spot: Spot, y: float, o: float, a: float = 0.0) -> None:
    room.begin("book")
    for n in range(room.whole(1, 3)):
        half, deep = room.between(0.09, 0.13), room.between(0.07, 0.1)
        room.box(spot, a - half, a + half, y + 0.035 * n, y + 0.035 * n + 0.033, o - deep, o + deep, "books")


def wardrobe(room: Room) -> None:
    half, height = room.between(0.5, 0.9), room.between(1.9, 2.2)
    for towards in walls(room)[::-1]:
        spot = room.place(towards, half, 0.58, height)
        if spot is not None:
            furniture.cabinet(room, spot, half, 0.58, height)
            return


def dresser(room: Room) -> None:
    """A low cabinet with things on it and a mirror or a picture above."""
    half, height = room.between(0.45, 0.8), room.between(0.72, 0.9)
    towards = WALLS[room.whole(0, 2)]
    spot = room.place(towards, half, 0.44, height)
    if spot is None:
        return
    furniture.cabinet(room, spot, half, 0.44, height)
    on_top(room, spot, half, height, 0.22)
    if room.chance(0.6):
        mirror(room, towards, spot.along, height + 0.25)
    else:
        picture(room, towards, spot.along, height + 0.45)


def on_top(room: Room, spot: Spot, half: float, y: float, o: float) -> None:
    """Small things on a board."""
    for share in (-0.65, 0.65):
        a = share * half
        chance = room.roll()
        x, _, z, _ = spot.box(a, a, o, o)
        if chance < 0.3:
            furniture.lamp(room, x, z, y, room.between(0.38, 0.55))
        elif chance < 0.55:
            furniture.plant(room, x, z, y, room.between(0.25, 0.45))
        elif chance < 0.75:
            lying_books(room, spot, y, o, a)


def living_room(room: Room) -> None:
    half, depth = room.between(0.85, 1.2), room.between(0.85, 0.98)
    for towards in walls(room):
        spot = room.place(towards, half, depth, 0.84, room.between(0.25, 0.75))
        if spot is None:
            continue
        furniture.seat(room, spot, half, depth, "sofa")
        picture(room, towards, spot.along, room.between(1.2, 1.4))
        ahead = depth + room.between(0.35, 0.5)
        if room.chance(0.75):
            rug(room, spot, half + room.between(-0.1, 0.4), 0.4 * depth, ahead + room.between(0.8, 1.4))
        if room.chance(0.85):
            coffee_table(room, spot.moved(0.0, ahead))
        armchairs(room, spot, half, ahead)
        break
    if room.chance(0.4):
        fireplace(room)


def coffee_table(room: Room, spot: Spot) -> None:
    half, deep, height = room.between(0.4, 0.6), room.between(0.45, 0.6), room.between(0.36, 0.46)
    if room.claim(spot, half, deep):
        furniture.table(room, spot, half, deep, height)
        on_table(room, spot.moved(room.between(-0.4, 0.4) * half, 0.5 * deep), height)


def on_table(room: Room, spot: Spot, height: float) -> None:
    if room.chance(0.5):
        furniture.vessel(room, spot, height, room.between(0.25, 0.4))
    elif room.chance(0.6):
        lying_books(room, spot, height, 0.0)


def armchairs(room: Room, spot: Spot, half: float, ahead: float) -> None:
    """Armchairs at the ends of the coffee table, looking at it."""
    if spot.towards != "us":
        return
    for side, towards in ((-1, "right"), (1, "left")):
        if room.chance(0.5):
            x = spot.along + side * (half + room.between(0.35, 0.6))
            z = spot.base - ahead - 0.3
            chair = Spot(towards, z, x)
            if room.claim(chair, 0.42, 0.82):
                furniture.seat(room, chair, 0.4, 0.8, "armchair")


def television(room: Room) -> None:
    half, low = room.between(0.42, 0.65), room.chance(0.75)
    for towards in ("right", "left", "us"):
        wide = half + 0.15
        if not low:
            along = room.hang(towards, half, 0.95, 0.95 + 1.15 * half)
            if along is not None:
                room.begin("television receiver")
                room.box(room.spot(towards, along), -half, half, 0.95, 0.95 + 1.15 * half, 0.02, 0.07, "dark",
                         front="screen")  # fmt: skip
                return
            continue
        spot = room.place(towards, wide, 0.42, 0.55 + 1.15 * half)
        if spot is not None:
            furniture.cabinet(room, spot, wide, 0.42, 0.48)
            room.begin("television receiver")
            room.box(spot, -0.15, 0.15, 0.48, 0.495, 0.12, 0.3, "dark")
            room.box(spot, -0.03, 0.03, 0.495, 0.55, 0.18, 0.22, "dark")
            room.box(spot, -half, half, 0.54, 0.54 + 1.12 * half, 0.18, 0.22, "dark", front="screen")
            room.block(spot, -half, half, 0.5, 0.54 + 1.12 * half, 0.18, 0.22)
            return


def fireplace(room: Room) -> None:
    half, height = room.between(0.6, 0.8), room.between(1.05, 1.25)
    for towards in walls(room):
        spot = room.place(towards, half + 0.05, 0.34, height)
        if spot is None:
            continue
        room.begin("fireplace")
        room.box(spot, -half, half, 0, height - 0.06, 0, 0.28, "hearth")
        room.panel(spot, -0.55 * half, 0.55 * half, 0.0, 0.62 * height, 0.285, "fire")
        room.box(spot, -half - 0.05, half + 0.05, height - 0.06, height, 0, 0.34, "trim")
        room.block(spot, -half, half, 0, height, 0, 0.3)
        on_top(room, spot, half, height, 0.17)
        if room.chance(0.5):
            mirror(room, towards, spot.along, height + 0.15)
        else:
            picture(room, towards, spot.along, height + 0.4)
        return


def dining_room(room: Room) -> None:
    half, deep = room.between(0.6, 0.95), room.between(0.42, 0.5)
    x = room.between(room.left + half + 0.75, room.right - half - 0.75) if room.right - room.left > 3.5 else 0.0
    z = room.depth - room.between(1.5, 1.9)
    spot = Spot("us", x, z + deep)
    room.claim(spot, half + 0.55, 2 * deep + 0.5, -0.5)
    if room.chance(0.6):
        rug(room, spot, half + room.between(0.3, 0.7), -0.6, 2 * deep + room.between(0.4, 0.8))
    furniture.table(room, spot, half, 2 * deep, 0.75)
    kind, count = room.whole(0, 2), 2 if half > 0.68 else 1
    for n in range(count):
        a = x + ((n - 0.5) * half * 1.05 if count == 2 else 0.0)
        tuck = room.between(0.1, 0.3)
        furniture.chair(room, Spot("us", a, z + deep + 0.45 - tuck), kind)
        if room.chance(0.85):
            furniture.chair(room, Spot("away", a, z - deep - 0.45 + tuck), kind)
    for towards, side in (("right", -1), ("left", 1)):
        if room.chance(0.6):
            furniture.chair(room, Spot(towards, z, x + side * (half + 0.35)), kind)
    on_table(room, Spot("us", x + room.between(-0.3, 0.3) * half, z), 0.75)
    if room.chance(0.8):
        furniture.pendant(room, x, z, room.height, room.between(1.5, 1.8))


def study(room: Room) -> None:
    half, depth = room.between(0.6, 0.85), room.between(0.6, 0.7)
    for towards in walls(room):
        spot = room.place(towards, half, depth + 0.55, 0.78)
        if spot is None:
            continue
        furniture.desk(room, spot, half, depth)
        opposite = {"us": "away", "right": "left", "left": "right"}[towards]
        ahead = spot.moved(room.between(-0.25, 0.25) * half, depth + room.between(0.3, 0.45))
        furniture.chair(room, Spot(opposite, ahead.along, ahead.base), room.whole(0, 2))
        on_top(room, spot, half, 0.76, 0.3)
        if room.chance(0.5):
            rug(room, spot, half + room.between(0.2, 0.6), 0.5, depth + room.between(0.7, 1.3))
        break
    bookcase(room)


def reading_chair(room: Room) -> None:
    chair = room.place(WALLS[room.whole(0, 2)], 0.42, 0.82, 0.8)
    if chair is not None:
        furniture.seat(room, chair, 0.4, 0.8, "armchair")


def bookcase(room: Room, chance: float = 0.85) -> None:
    half, height = room.between(0.38, 0.75), room.between(1.1, 2.15)
    if room.chance(chance):
        spot = room.place(WALLS[room.whole(0, 2)], half, 0.32, height)
        if spot is not None:
            furniture.shelf(room, spot, half, 0.32, height)


def picture(room: Room, towards: str, along: float | None, y: float) -> None:
    if not room.chance(0.75):
        return
    half, tall = room.between(0.22, 0.5), room.between(0.4, 0.75)
    along = room.hang(towards, half, y, y + tall, along, tries=1 if along is not None else 4)
    if along is not None:
        room.begin("painting")
        room.box(room.spot(towards, along), -half, half, y, y + tall, 0.0, 0.03, "frame", front="picture")


def mirror(room: Room, towards: str, along: float | None, y: float) -> None:
    half, tall = room.between(0.25, 0.45), room.between(0.6, 0.95)
    along = room.hang(towards, half, y, y + tall, along, tries=1 if along is not None else 4)
    if along is not None:
        room.begin("mirror")
        outline = ("box", "box", "low arch", "disc")[room.whole(0, 3)]
        spot = room.spot(towards, along)
        room.panel(spot, -half, half, y, y + tall, 0.02, "frame", outline)
        rim = 0.05
        room.panel(spot, -half + rim, half - rim, y + rim, y + tall - rim, 0.03, "mirror", outline)


def extras(room: Room) -> None:
    """What any room may have besides."""
    if room.kind != KINDS.index("study") and room.chance(0.35):
        bookcase(room, 1.0)
    for _ in range(2):
        corner(room)
    if room.kind != KINDS.index("dining room") and room.chance(0.4):
        x = room.between(-0.6, 0.6)
        bottom = room.height - room.between(0.4, 0.6)
        furniture.pendant(room, x, room.depth - room.between(1.2, 2.0), room.height, bottom)
    for towards in WALLS:
        if room.chance(0.5):
            picture(room, towards, None, room.between(1.25, 1.45))
    if room.chance(0.35):
        mirror(room, WALLS[room.whole(0, 2)], None, 0.9)


def corner(room: Room) -> None:
    """A plant or a lamp on the floor."""
    half = 0.2
    spot = room.place(WALLS[room.whole(0, 2)], half, 0.42, 0.7, float(room.chance(0.5)), spare=0.02)
    if spot is None:
        return
    x, _, z, _ = spot.box(0, 0, 0.22, 0.22)
    if room.chance(0.6):
        furniture.plant(room, x, z, 0.0, room.between(0.7, 1.5))
    else:
        furniture.lamp(room, x, z, 0.0, room.between(1.35, 1.7))


def furnished(rng: np.random.Generator) -> Room:
    """A room with the piece that makes it what it is; then windows and doors where there is space, and all the rest."""
    room = Room(rng)
    first, rest = PIECES[KINDS[room.kind]]
    first(room)
    room.openings()
    for chance, piece in rest:
        if chance is None or room.chance(chance):
            piece(room)
    extras(room)
    return room


# The first piece of each kind of room; and the rest, with their chances.
PIECES: dict[str, tuple[Callable[[Room], None], tuple[tuple[float | None, Callable[[Room], None]], ...]]] = {
    "bedroom": (bedroom, ((0.6, wardrobe), (0.5, dresser))),
    "living room": (living_room, ((0.85, television),)),
    "dining room": (dining_room, ((0.6, dresser), (0.6, dresser), (0.3, fireplace))),
    "study": (study, ((None, bookcase), (0.6, reading_chair))),
}
