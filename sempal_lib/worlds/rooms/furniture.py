"""The furniture of toy-rooms: each function puts one piece, of boxes and panels, at a spot."""

from sempal_lib.worlds.rooms.space import FACING, LEVEL, Space, Spot


def legs(space: Space, spot: Spot, half: float, depth: float, height: float, thick: float, material: str,
         start: float = 0.0) -> None:  # fmt: skip
    for a in (-half, half - thick):
        for o in (start, depth - thick):
            space.box(spot, a, a + thick, 0, height, o, o + thick, material)


def bed(space: Space, spot: Spot, half: float, length: float) -> None:
    """A bed with its head at the wall, pillows, and at times cushions."""
    space.begin("bed")
    head = space.between(0.85, 1.2)
    padded = space.chance(0.4)
    space.box(spot, -half - 0.04, half + 0.04, 0, head, 0, 0.07, "sofa" if padded else "wood")
    space.box(spot, -half + 0.05, half - 0.05, 0.0, 0.16, 0.1, length - 0.1, "dark")
    space.box(spot, -half, half, 0.14, 0.32, 0.07, length, "wood")
    space.box(spot, -half + 0.02, half - 0.02, 0.32, 0.52, 0.07, length - 0.02, "linen")
    turned = space.between(0.5, 0.75)
    space.box(spot, -half - 0.015, half + 0.015, space.between(0.2, 0.34), 0.545, turned, length + 0.015, "blanket")
    if space.chance(0.4):
        space.box(spot, -half - 0.025, half + 0.025, 0.3, 0.56, length - 0.65, length - 0.2, "seat")
    space.block(spot, -half, half, 0.1, 0.54, 0, length)
    space.block(spot, -half, half, 0, head, 0, 0.07)
    count = 2 if half > 0.6 else 1
    for side in range(count):
        middle = (side - 0.5) * half if count == 2 else 0.0
        space.begin("pillow")
        wide = space.between(0.29, 0.33) if count == 2 else 0.32
        space.box(spot, middle - wide, middle + wide, 0.52, space.between(0.84, 0.94), 0.1, 0.27, "pillow",
                  outline="round")  # fmt: skip
    for n in range(space.whole(0, 2)):
        space.begin("cushion")
        middle = space.between(-0.2, 0.2) * half if n else space.between(-0.6, 0.6) * half
        space.box(spot, middle - 0.21, middle + 0.21, 0.52, 0.82, 0.3 + 0.12 * n, 0.4 + 0.12 * n, "cushion",
                  outline="round")  # fmt: skip


def seat(space: Space, spot: Spot, half: float, depth: float, label: str) -> None:
    """A sofa or an armchair."""
    cloth = "sofa" if label == "sofa" else "armchair"
    space.begin(label)
    arm, back, top = space.between(0.1, 0.2), space.between(0.72, 0.92), space.between(0.52, 0.64)
    foot = space.between(0.05, 0.16)
    legs(space, spot, half - 0.03, depth - 0.03, foot, 0.05, "wood", 0.03)
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
    size = 0.21 if label == "sofa" else 0.19
    places = {-half + arm + size, half - arm - size} if half > 0.6 else {0.0}
    for middle in sorted(places):
        if space.chance(0.62):
            space.begin("cushion")
            space.box(spot, middle - size, middle + size, 0.46, 0.46 + 1.9 * size, 0.33, 0.43, "cushion",
                      outline="round")  # fmt: skip


def table(space: Space, spot: Spot, half: float, depth: float, height: float) -> None:
    """A table; low ones may be closed boxes or have a board below."""
    space.begin("table")
    thick, leg = space.between(0.025, 0.05), space.between(0.035, 0.07)
    kind = space.whole(0, 2)
    wood = "metal" if space.chance(0.25) else "wood"
    if height < 0.55 and kind == 0:
        space.box(spot, -half + 0.04, half - 0.04, 0, height - thick, 0.04, depth - 0.04, "wood")
    else:
        legs(space, spot, half - 0.03, depth - 0.03, height - thick, leg, wood, 0.03)
        if height < 0.55 and kind == 1:
            space.box(spot, -half + 0.05, half - 0.05, 0.12, 0.145, 0.05, depth - 0.05, "wood")
        elif height > 0.55:
            apron = height - thick - 0.08
            space.box(spot, -half + 0.05, half - 0.05, apron, height - thick, 0.05, depth - 0.05, "wood")
    space.box(spot, -half, half, height - thick, height, 0, depth, "wood")
    space.block(spot, -half, half, height - 0.1, height, 0, depth)


def chair(space: Space, spot: Spot, kind: int) -> None:
    """kind: 0 board, 1 slats, 2 padded."""
    space.begin("chair")
    half, depth, seat_y, back = 0.21, 0.44, 0.46, 0.96
    legs(space, spot, half, depth, seat_y - 0.04, 0.04, "wood")
    space.box(spot, -half, half, seat_y - 0.04, seat_y, 0, depth, "seat" if kind else "wood")
    if kind == 1:
        for a in (-half, -0.07, 0.03, half - 0.04):
            space.box(spot, a, a + 0.04, seat_y, back - 0.03, 0, 0.035, "wood")
        space.box(spot, -half, half, back - 0.1, back, 0, 0.04, "wood")
    else:
        for a in (-half, half - 0.04):
            space.box(spot, a, a + 0.04, seat_y, back - 0.02, 0, 0.035, "wood")
        cloth = "seat" if kind else "wood"
        space.box(spot, -half + 0.01, half - 0.01, seat_y + (0.04 if kind else 0.2), back, 0.003, 0.05, cloth)
    space.block(spot, -half, half, seat_y - 0.04, seat_y, 0, depth)
    space.block(spot, -half, half, seat_y, back, 0, 0.05)


def cabinet(space: Space, spot: Spot, half: float, depth: float, height: float) -> None:
    """A cupboard: doors or drawers in front."""
    space.begin("cabinet")
    foot = space.between(0.04, 0.12)
    if space.chance(0.5) and height < 1.2:
        legs(space, spot, half - 0.03, depth - 0.03, foot, 0.04, "wood", 0.03)
    else:
        space.box(spot, -half + 0.02, half - 0.02, 0, foot, 0, depth - 0.03, "dark")
    space.box(spot, -half, half, foot, height - 0.03, 0, depth - 0.02, "lacquer", front="fronts")
    space.box(spot, -half - 0.015, half + 0.015, height - 0.03, height, 0, depth, "lacquer")
    space.block(spot, -half, half, 0.5 * foot, height, 0, depth)


def desk(space: Space, spot: Spot, half: float, depth: float) -> None:
    space.begin("desk")
    space.box(spot, -half, half, 0.72, 0.76, 0, depth, "wood")
    legs(space, spot, half - 0.02, depth - 0.02, 0.72, 0.05, "wood", 0.02)
    space.box(spot, -half + 0.05, half - 0.05, 0.4, 0.72, 0.02, 0.05, "wood")
    side = half - 0.46 if space.chance(0.5) else -half + 0.04
    space.box(spot, side, side + 0.42, 0.06, 0.72, 0.06, depth - 0.04, "wood", front="fronts")
    space.block(spot, -half, half, 0.66, 0.76, 0, depth)
    space.block(spot, side, side + 0.42, 0.0, 0.7, 0.06, depth)


def books(space: Space, spot: Spot, a0: float, a1: float, y: float, height: float, o: float) -> None:
    """A row of books, upright, whose spines stand `o` from the wall."""
    space.begin("book")
    space.box(spot, a0, a1, y, y + height, max(o - 0.16, 0.02), o, "books")


def shelf(space: Space, spot: Spot, half: float, depth: float, height: float) -> None:
    """A bookcase: boards with books, and here and there a vase."""
    space.begin("shelf")
    levels = max(round(height / 0.37), 2)
    step = (height - 0.06) / levels
    space.panel(spot, -half, half, 0, height, 0.012, "wood")
    for a in (-half, half - 0.03):
        space.box(spot, a, a + 0.03, 0, height, 0, depth, "wood")
    for n in range(levels + 1):
        y = 0.04 + n * step
        space.box(spot, -half + 0.03, half - 0.03, y - 0.025, y, 0, depth - 0.005, "wood")
    space.block(spot, -half, half, 0.0, height, 0, depth)
    for n in range(levels):
        y, start = 0.04 + n * step, -half + 0.04
        if space.chance(0.18):
            vessel(space, spot.moved(space.between(-0.4, 0.4) * half, depth / 2), y, 0.6 * step)
            continue
        end = half - 0.04 if space.chance(0.45) else space.between(-0.1, 0.8) * half
        if space.chance(0.3):
            start, end = -end, -start
        if end - start > 0.12:
            books(space, spot, start, end, y, step * space.between(0.62, 0.82), depth - space.between(0.02, 0.06))


def vessel(space: Space, spot: Spot, y: float, height: float) -> None:
    """A pot with a small plant."""
    x, _, z, _ = spot.box(0, 0, 0, 0)
    plant(space, x, z, y, max(height, 0.16))


def plant(space: Space, x: float, z: float, y: float, height: float) -> None:
    """A plant in a pot, leaves to all sides."""
    space.begin("plant")
    pot = min(space.between(0.22, 0.34) * height, 0.34)
    wide = space.between(0.9, 1.2) * pot
    bush = space.chance(0.45)
    space.upright(x, z, wide, y, y + pot, "pot", "tub" if space.chance(0.6) else "vase")
    if bush:  # leaves on a stem
        space.upright(x, z + 0.045, 0.025 + 0.01 * height, y + pot, y + pot + 0.7 * (height - pot), "wood", "box")
    count = space.whole(7, 11)
    reach = space.between(0.3, 0.5) * height
    for n in range(count):
        back = z + 0.04 - 0.08 * n / count
        tall = pot + (height - pot) * space.between(0.55, 1.0)
        if bush:
            size = space.between(0.26, 0.42) * (height - pot)
            lift = pot + space.between(0.1, 0.62) * (height - pot)
            space.upright(x + space.between(-0.6, 0.6) * reach, back, size, y + lift, y + lift + 1.1 * size,
                          "plant", "disc" if n % 2 else "leaf")  # fmt: skip
        elif n % 4 == 0:
            wide_leaf = 0.16 * height
            space.upright(x + space.between(-0.1, 0.1) * height, back, wide_leaf, y + 0.8 * pot, y + tall, "plant",
                          "leaf")  # fmt: skip
        else:
            out = reach * space.between(0.5, 1.0)
            side = -1 if n % 2 else 1
            outline = "leaf left" if side < 0 else "leaf right"
            low, high = y + 0.75 * pot, y + pot + 0.95 * (tall - pot) * space.between(0.6, 1.0)
            space.part(FACING, back, min(x, x + side * out), max(x, x + side * out), low, high, "plant", outline)
    space.block(Spot("us", x, z), -wide / 2, wide / 2, y, y + pot, -wide / 2, wide / 2)


def lamp(space: Space, x: float, z: float, y: float, height: float) -> None:
    """A lamp that stands."""
    space.begin("lamp")
    tall = height > 0.9
    shade = space.between(0.2, 0.3) if tall else 0.42 * height
    wide = space.between(0.32, 0.46) if tall else space.between(0.7, 0.95) * height
    if tall:
        space.upright(x, z, 0.03, y + 0.02, y + height - shade, "metal", "box")
        space.part(LEVEL, y + 0.02, x - 0.14, x + 0.14, z - 0.14, z + 0.14, "metal", "disc")
    else:
        foot = "vase" if space.chance(0.6) else "tub"
        space.upright(x, z, 0.38 * height, y, y + height - shade, "pot", foot)
    outline = "shade" if space.chance(0.7) else "box"
    space.upright(x, z - 0.01, wide, y + height - shade, y + height, "shade", outline)
    space.block(Spot("us", x, z), -0.1, 0.1, y, y + 0.1, -0.1, 0.1)
    space.lamps.append((x, y + height - shade / 2, z))


def pendant(space: Space, x: float, z: float, ceiling: float, bottom: float) -> None:
    """A lamp that hangs."""
    space.begin("lamp")
    wide, tall = space.between(0.3, 0.6), space.between(0.18, 0.3)
    space.upright(x, z, 0.016, bottom + tall, ceiling, "metal", "box")
    outline = ("shade", "disc", "shade", "round")[space.whole(0, 3)]
    space.upright(x, z - 0.005, wide, bottom, bottom + tall if outline == "shade" else bottom + 0.8 * wide, "shade",
                  outline)  # fmt: skip
    space.lamps.append((x, bottom + 0.05, z))
