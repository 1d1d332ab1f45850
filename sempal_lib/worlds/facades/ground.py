"""The ground floors of toy-facades: the house's doors, windows and shops."""

from typing import TYPE_CHECKING

from sempal_lib.worlds.facades import kinds as kinds
from sempal_lib.worlds.facades.kinds import ARCH, BOX, GABLE

if TYPE_CHECKING:
    from sempal_lib.worlds.facades.house import House


def ground_floor(house: "House") -> None:
    """Add doors, and between them windows or shops, to a house whose upper floors stand."""
    dice = house.dice
    doors = {house.axes // 2 if dice.chance(0.45) else dice.whole(0, house.axes - 1)}
    if house.axes > 5 and dice.chance(0.25):
        doors.add(dice.whole(0, house.axes - 1))
    if dice.chance(0.2):
        doors = set()
    shops = dice.chance(house.habits.shop)
    arch = dice.chance(0.5 if house.kind == 1 else 0.12)
    if shops:
        _shops(house, doors)
    for axis, x in enumerate(house.centres):
        if axis in doors:
            _door(house, x, arch)
        elif not shops:
            _window(house, x, arch)
    if not shops and dice.chance(0.35):
        _plate(house)


def _height(house: "House") -> float:
    return house.lines[0] - house.lines[1]


def _door(house: "House", x: float, arch: bool) -> None:
    dice, tall = house.dice, _height(house)
    half = min(0.4 * house.bay, dice.between(0.14, 0.24) * tall, 0.07)
    step = 0.04 * tall if dice.chance(0.6) else 0.0
    bottom, top = house.bottom - step, house.bottom - dice.between(0.6, 0.74) * tall
    if step:
        house.add(kinds.FACADE, kinds.TRIM, (x - 1.3 * half, bottom, x + 1.3 * half, house.bottom), 5)
    grand = house.kind == 1 and half < 0.3 * house.bay and dice.chance(0.6)
    outline = ARCH if arch else BOX
    rim = 0.16 * half
    house.add(kinds.FACADE, kinds.TRIM, (x - half - rim, top - rim, x + half + rim, bottom), 2, outline)
    house.add(kinds.DOOR, kinds.LEAF, (x - half, top, x + half, bottom), -4, outline, house.thing())
    if grand:
        for side in (-1, 1):
            middle, thick = x + side * (half + rim + 0.2 * half), 0.17 * half
            house.add(kinds.PILLAR, kinds.SHAFT, (middle - thick, top - rim, middle + thick, bottom), 6)
            for start in (top - rim, bottom - 0.07 * tall):
                box = (middle - 1.4 * thick, start, middle + 1.4 * thick, start + 0.07 * tall)
                house.add(kinds.PILLAR, kinds.TRIM, box, 7)
    if grand or dice.chance(0.25):
        wide = half * 1.6 if grand else half * 1.25
        base = top - rim
        rise = min(0.16 * tall, base - house.lines[1] - 0.06 * tall)
        shelf = 0.35 * rise
        house.add(kinds.CORNICE, kinds.TRIM, (x - wide, base - shelf, x + wide, base), 6)
        if dice.chance(0.5):
            house.add(kinds.CORNICE, kinds.TRIM, (x - wide, base - rise, x + wide, base - shelf), 5, GABLE)


def _window(house: "House", x: float, arch: bool) -> None:
    tall, half = _height(house), house.width / 2
    box = (x - half, house.bottom - 0.72 * tall, x + half, house.bottom - 0.3 * tall)
    if house.surround:
        rim = 0.18 * half
        frame = (box[0] - rim, box[1] - rim, box[2] + rim, box[3])
        house.add(kinds.FACADE, kinds.TRIM, frame, 2, ARCH if arch else BOX)
    house.add(kinds.WINDOW, kinds.GLASS, box, house.reveal, ARCH if arch else BOX, house.thing())
    if house.sills:
        house._sill(box)
    if house.shutters and not arch:
        house._shutters(box)


def _shops(house: "House", doors: set[int]) -> None:
    """Shops between the house's doors, each of one or more bays, with one sign and one colour."""
    dice, tall = house.dice, _height(house)
    head = house.lines[1] + dice.between(0.1, 0.16) * tall
    sign = dice.between(0.12, 0.19) * tall
    awnings = dice.chance(0.5)
    runs: list[list[int]] = []
    for axis in range(house.axes):
        if axis in doors:
            continue
        if runs and runs[-1][-1] == axis - 1 and len(runs[-1]) < 3 and dice.chance(0.6):
            runs[-1].append(axis)
        else:
            runs.append([axis])
    for run in runs:
        if dice.chance(0.15):
            for axis in run:
                _window(house, house.centres[axis], False)
            continue
        left = max(house.centres[run[0]] - 0.43 * house.bay, house.left + 0.006)
        right = min(house.centres[run[-1]] + 0.43 * house.bay, house.right - 0.006)
        _shop(house, (left, head, right, house.bottom), sign, awnings and dice.chance(0.75))


def _shop(house: "House", box: tuple[float, float, float, float], sign: float, awning: bool) -> None:
    dice, (left, top, right, bottom) = house.dice, box
    tall, number = bottom - top, house.thing()
    width = right - left
    board = top + sign
    house.add(kinds.SHOP, kinds.SIGN, (left, top, right, board), 3, BOX, number)
    riser = bottom - dice.between(0.06, 0.16) * tall
    house.add(kinds.SHOP, kinds.DISPLAY, (left, board, right, riser), -3, BOX, number)
    house.add(kinds.FACADE, kinds.BASE, (left, riser, right, bottom), 1)
    door = 0.3 * tall
    if width > 2.6 * door and dice.chance(0.55):
        x = left + 0.04 * width if dice.chance(0.5) else right - 0.04 * width - door
        house.add(kinds.DOOR, kinds.LEAF, (x, board + 0.08 * tall, x + door, bottom), -3, BOX, house.thing())
    if awning:
        drop = dice.between(0.16, 0.26) * tall
        over = min(0.01, 0.05 * width)
        canopy = (left - over, board - 0.02 * tall, right + over, board + drop)
        house.add(kinds.SHOP, kinds.AWNING, canopy, 12, BOX, number)


def _plate(house: "House") -> None:
    """A small sign between two axes of a house without shops."""
    dice, tall = house.dice, _height(house)
    if house.axes < 2 or house.bay - house.width < 0.04:
        return
    axis = dice.whole(0, house.axes - 2)
    middle = (house.centres[axis] + house.centres[axis + 1]) / 2
    half = min(0.3 * (house.bay - house.width), 0.04)
    y = house.bottom - 0.62 * tall
    house.add(kinds.SHOP, kinds.SIGN, (middle - half, y, middle + half, y + 0.14 * tall), 2, BOX, house.thing())
