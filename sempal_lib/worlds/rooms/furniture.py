"""The furniture of toy-rooms: each function puts one piece, of boxes and panels, at a spot."""

from sempal_lib.worlds.facades.kinds import Dice
from sempal_lib.worlds.rooms import kinds as k
from sempal_lib.worlds.rooms.space import Space, Spot


def legs(space: Space, spot: Spot, half: float, depth: float, height: float, thick: float, material: int,
         start: float = 0.0) -> None:  # fmt: skip
    for a in (-half, half - thick):
        for o in (start, depth - thick):
            space.box(spot, a, a + thick, 0, height, o, o + thick, material)


def bed(space: Space, spot: Spot, dice: Dice, half: float, length: float) -> None:
    """A bed with its head at the wall, pillows, and at times cushions."""
    space.begin(k.BED)
    head = dice.between(0.85, 1.2)
    padded = dice.chance(0.4)
    space.box(spot, -half - 0.04, half + 0.04, 0, head, 0, 0.07, k.M_SOFA if padded else k.M_WOOD)
    space.box(spot, -half + 0.05, half - 0.05, 0.0, 0.16, 0.1, length - 0.1, k.M_DARK)
    space.box(spot, -half, half, 0.14, 0.32, 0.07, length, k.M_WOOD)
    space.box(spot, -half + 0.02, half - 0.02, 0.32, 0.52, 0.07, length - 0.02, k.M_LINEN)
    turned = dice.between(0.5, 0.75)
    space.box(spot, -half - 0.015, half + 0.015, dice.between(0.2, 0.34), 0.545, turned, length + 0.015, k.M_BLANKET)
    if dice.chance(0.4):
        space.box(spot, -half - 0.025, half + 0.025, 0.3, 0.56, length - 0.65, length - 0.2, k.M_SEAT)
    space.block(spot, -half, half, 0.1, 0.54, 0, length)
    space.block(spot, -half, half, 0, head, 0, 0.07)
    count = 2 if half > 0.6 else 1
    for side in range(count):
        middle = (side - 0.5) * half if count == 2 else 0.0
        space.begin(k.PILLOW)
        wide = dice.between(0.29, 0.33) if count == 2 else 0.32
        space.box(spot, middle - wide, middle + wide, 0.52, dice.between(0.84, 0.94), 0.1, 0.27, k.M_PILLOW,
                  outline=k.ROUND)  # fmt: skip
    for n in range(dice.whole(0, 2)):
        space.begin(k.CUSHION)
        middle = dice.between(-0.2, 0.2) * half if n else dice.between(-0.6, 0.6) * half
        space.box(spot, middle - 0.21, middle + 0.21, 0.52, 0.82, 0.3 + 0.12 * n, 0.4 + 0.12 * n, k.M_CUSHION,
                  outline=k.ROUND)  # fmt: skip


def seat(space: Space, spot: Spot, dice: Dice, half: float, depth: float, label: int) -> None:
    """A sofa or an armchair."""
    cloth = k.M_SOFA if label == k.SOFA else k.M_ARMCHAIR
    space.begin(label)
    arm, back, top = dice.between(0.1, 0.2), dice.between(0.72, 0.92), dice.between(0.52, 0.64)
    foot = dice.between(0.05, 0.16)
    legs(space, spot, half - 0.03, depth - 0.03, foot, 0.05, k.M_WOOD, 0.03)
    space.box(spot, -half, half, foot, 0.33, 0, depth, cloth)
    space.box(spot, -half + arm, half - arm, foot, back, 0, 0.22, cloth)
    for side in (-half, half - arm):
        space.box(spot, side, side + arm, foot, top, 0, depth, cloth)
    count = max(round((half - arm) / 0.36), 1)
    wide = 2 * (half - arm) / count
    for n in range(count):
        a = -half + arm + n * wide
        space.box(spot, a + 0.008, a + wide - 0.008, 0.335, 0.46, 0.2, depth + 0.02, cloth)
        space.box(spot, a + 0.015, a + wide - 0.015, 0.46, back - 0.04, 0.2, 0.32, cloth)
    space.block(spot, -half, half, foot, 0.46, 0, depth)
    space.block(spot, -half, half, 0.4, back, 0, 0.22)
    size = 0.21 if label == k.SOFA else 0.19
    places = {-half + arm + size, half - arm - size} if half > 0.6 else {0.0}
    for middle in sorted(places):
        if dice.chance(0.62):
            space.begin(k.CUSHION)
            space.box(spot, middle - size, middle + size, 0.46, 0.46 + 1.9 * size, 0.33, 0.43, k.M_CUSHION,
                      outline=k.ROUND)  # fmt: skip


def table(space: Space, spot: Spot, dice: Dice, half: float, depth: float, height: float) -> None:
    """A table; low ones may be closed boxes or have a board below."""
    space.begin(k.TABLE)
    thick, leg = dice.between(0.025, 0.05), dice.between(0.035, 0.07)
    kind = dice.whole(0, 2)
    wood = k.M_METAL if dice.chance(0.25) else k.M_WOOD
    if height < 0.55 and kind == 0:
        space.box(spot, -half + 0.04, half - 0.04, 0, height - thick, 0.04, depth - 0.04, k.M_WOOD)
    else:
        legs(space, spot, half - 0.03, depth - 0.03, height - thick, leg, wood, 0.03)
        if height < 0.55 and kind == 1:
            space.box(spot, -half + 0.05, half - 0.05, 0.12, 0.145, 0.05, depth - 0.05, k.M_WOOD)
        elif height > 0.55:
            apron = height - thick - 0.08
            space.box(spot, -half + 0.05, half - 0.05, apron, height - thick, 0.05, depth - 0.05, k.M_WOOD)
    space.box(spot, -half, half, height - thick, height, 0, depth, k.M_WOOD)
    space.block(spot, -half, half, height - 0.1, height, 0, depth)


def chair(space: Space, spot: Spot, dice: Dice, kind: int) -> None:
    """kind: 0 board, 1 slats, 2 padded."""
    space.begin(k.CHAIR)
    half, depth, seat_y, back = 0.21, 0.44, 0.46, 0.96
    legs(space, spot, half, depth, seat_y - 0.04, 0.04, k.M_WOOD)
    space.box(spot, -half, half, seat_y - 0.04, seat_y, 0, depth, k.M_SEAT if kind else k.M_WOOD)
    if kind == 1:
        for a in (-half, -0.07, 0.03, half - 0.04):
            space.box(spot, a, a + 0.04, seat_y, back - 0.03, 0, 0.035, k.M_WOOD)
        space.box(spot, -half, half, back - 0.1, back, 0, 0.04, k.M_WOOD)
    else:
        for a in (-half, half - 0.04):
            space.box(spot, a, a + 0.04, seat_y, back - 0.02, 0, 0.035, k.M_WOOD)
        cloth = k.M_SEAT if kind else k.M_WOOD
        space.box(spot, -half + 0.01, half - 0.01, seat_y + (0.04 if kind else 0.2), back, 0.003, 0.05, cloth)
    space.block(spot, -half, half, seat_y - 0.04, seat_y, 0, depth)
    space.block(spot, -half, half, seat_y, back, 0, 0.05)


def cabinet(space: Space, spot: Spot, dice: Dice, half: float, depth: float, height: float) -> None:
    """A cupboard: doors or drawers in front."""
    space.begin(k.CABINET)
    foot = dice.between(0.04, 0.12)
    if dice.chance(0.5) and height < 1.2:
        legs(space, spot, half - 0.03, depth - 0.03, foot, 0.04, k.M_WOOD, 0.03)
    else:
        space.box(spot, -half + 0.02, half - 0.02, 0, foot, 0, depth - 0.03, k.M_DARK)
    space.box(spot, -half, half, foot, height - 0.03, 0, depth - 0.02, k.M_LACQUER, front=k.M_FRONTS)
    space.box(spot, -half - 0.015, half + 0.015, height - 0.03, height, 0, depth, k.M_LACQUER)
    space.block(spot, -half, half, 0.5 * foot, height, 0, depth)


def desk(space: Space, spot: Spot, dice: Dice, half: float, depth: float) -> None:
    space.begin(k.DESK)
    space.box(spot, -half, half, 0.72, 0.76, 0, depth, k.M_WOOD)
    legs(space, spot, half - 0.02, depth - 0.02, 0.72, 0.05, k.M_WOOD, 0.02)
    space.box(spot, -half + 0.05, half - 0.05, 0.4, 0.72, 0.02, 0.05, k.M_WOOD)
    side = half - 0.46 if dice.chance(0.5) else -half + 0.04
    space.box(spot, side, side + 0.42, 0.06, 0.72, 0.06, depth - 0.04, k.M_WOOD, front=k.M_FRONTS)
    space.block(spot, -half, half, 0.66, 0.76, 0, depth)
    space.block(spot, side, side + 0.42, 0.0, 0.7, 0.06, depth)


def books(space: Space, spot: Spot, dice: Dice, a0: float, a1: float, y: float, height: float, o: float) -> None:
    """A row of books, upright, whose spines stand `o` from the wall."""
    space.begin(k.BOOK)
    space.box(spot, a0, a1, y, y + height, max(o - 0.16, 0.02), o, k.M_BOOKS)


def shelf(space: Space, spot: Spot, dice: Dice, half: float, depth: float, height: float) -> None:
    """A bookcase: boards with books, and here and there a vase."""
    space.begin(k.SHELF)
    levels = max(round(height / 0.37), 2)
    step = (height - 0.06) / levels
    space.panel(spot, -half, half, 0, height, 0.012, k.M_WOOD)
    for a in (-half, half - 0.03):
        space.box(spot, a, a + 0.03, 0, height, 0, depth, k.M_WOOD)
    for n in range(levels + 1):
        y = 0.04 + n * step
        space.box(spot, -half + 0.03, half - 0.03, y - 0.025, y, 0, depth - 0.005, k.M_WOOD)
    space.block(spot, -half, half, 0.0, height, 0, depth)
    for n in range(levels):
        y, start = 0.04 + n * step, -half + 0.04
        if dice.chance(0.18):
            vessel(space, spot.moved(dice.between(-0.4, 0.4) * half, depth / 2), dice, y, 0.6 * step)
            continue
        end = half - 0.04 if dice.chance(0.45) else dice.between(-0.1, 0.8) * half
        if dice.chance(0.3):
            start, end = -end, -start
        if end - start > 0.12:
            books(space, spot, dice, start, end, y, step * dice.between(0.62, 0.82), depth - dice.between(0.02, 0.06))


def vessel(space: Space, spot: Spot, dice: Dice, y: float, height: float) -> None:
    """A pot with a small plant."""
    x, _, z, _ = spot.box(0, 0, 0, 0)
    plant(space, x, z, dice, y, max(height, 0.16))


def plant(space: Space, x: float, z: float, dice: Dice, y: float, height: float) -> None:
    """A plant in a pot, leaves to all sides."""
    space.begin(k.PLANT)
    pot = min(dice.between(0.22, 0.34) * height, 0.34)
    wide = dice.between(0.9, 1.2) * pot
    bush = dice.chance(0.45)
    space.upright(x, z, wide, y, y + pot, k.M_POT, k.TUB if dice.chance(0.6) else k.VASE)
    if bush:  # leaves on a stem
        space.upright(x, z + 0.045, 0.025 + 0.01 * height, y + pot, y + pot + 0.7 * (height - pot), k.M_WOOD, k.BOX)
    count = dice.whole(7, 11)
    reach = dice.between(0.3, 0.5) * height
    for n in range(count):
        back = z + 0.04 - 0.08 * n / count
        tall = pot + (height - pot) * dice.between(0.55, 1.0)
        if bush:
            size = dice.between(0.26, 0.42) * (height - pot)
            lift = pot + dice.between(0.1, 0.62) * (height - pot)
            space.upright(x + dice.between(-0.6, 0.6) * reach, back, size, y + lift, y + lift + 1.1 * size,
                          k.M_PLANT, k.DISC if n % 2 else k.LEAFLET)  # fmt: skip
        elif n % 4 == 0:
            wide_leaf = 0.16 * height
            space.upright(x + dice.between(-0.1, 0.1) * height, back, wide_leaf, y + 0.8 * pot, y + tall, k.M_PLANT,
                          k.LEAFLET)  # fmt: skip
        else:
            out = reach * dice.between(0.5, 1.0)
            side = -1 if n % 2 else 1
            outline = k.LEAFLET_LEFT if side < 0 else k.LEAFLET_RIGHT
            low, high = y + 0.75 * pot, y + pot + 0.95 * (tall - pot) * dice.between(0.6, 1.0)
            space.part(k.FACING, back, min(x, x + side * out), max(x, x + side * out), low, high, k.M_PLANT, outline)
    space.block(Spot("us", x, z), -wide / 2, wide / 2, y, y + pot, -wide / 2, wide / 2)


def lamp(space: Space, x: float, z: float, dice: Dice, y: float, height: float) -> tuple[float, float, float]:
    """A lamp that stands; gives the place of its light."""
    space.begin(k.LAMP)
    tall = height > 0.9
    shade = dice.between(0.2, 0.3) if tall else 0.42 * height
    wide = dice.between(0.32, 0.46) if tall else dice.between(0.7, 0.95) * height
    if tall:
        space.upright(x, z, 0.03, y + 0.02, y + height - shade, k.M_METAL, k.BOX)
        space.part(k.LEVEL, y + 0.02, x - 0.14, x + 0.14, z - 0.14, z + 0.14, k.M_METAL, k.DISC)
    else:
        foot = k.VASE if dice.chance(0.6) else k.TUB
        space.upright(x, z, 0.38 * height, y, y + height - shade, k.M_POT, foot)
    outline = k.SHADE if dice.chance(0.7) else k.BOX
    space.upright(x, z - 0.01, wide, y + height - shade, y + height, k.M_SHADE, outline)
    space.block(Spot("us", x, z), -0.1, 0.1, y, y + 0.1, -0.1, 0.1)
    return x, y + height - shade / 2, z


def pendant(space: Space, x: float, z: float, dice: Dice, ceiling: float, bottom: float) -> tuple[float, float, float]:
    """A lamp that hangs."""
    space.begin(k.LAMP)
    wide, tall = dice.between(0.3, 0.6), dice.between(0.18, 0.3)
    space.upright(x, z, 0.016, bottom + tall, ceiling, k.M_METAL, k.BOX)
    outline = (k.SHADE, k.DISC, k.SHADE, k.ROUND)[dice.whole(0, 3)]
    space.upright(x, z - 0.005, wide, bottom, bottom + tall if outline == k.SHADE else bottom + 0.8 * wide, k.M_SHADE,
                  outline)  # fmt: skip
    return x, bottom + 0.05, z
