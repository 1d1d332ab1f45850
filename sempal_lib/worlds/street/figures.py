"""What stands and moves along a toy street and faces the camera: trees, posts, signs, people, two-wheelers."""

import numpy as np

from sempal_lib.worlds.street.ground import Side, Street

Array = np.ndarray
CROWN_ANGLES = np.arange(22) * (2 * np.pi / 22)
# Signs: up to which chance, outline, sprite, width and height.
SIGNS = ((0.35, "disc", "round sign", 0.75, 0.75), (0.6, "triangle", "warning sign", 0.85, 0.8),
         (0.88, "bar", "blue sign", 0.75, 0.75), (1.0, "bar", "direction sign", 2.0, 1.1))  # fmt: skip


def crowns(town: Street, x, z, height, layer: float, street: bool = False) -> None:
    """Trees: a trunk and a ragged crown each. Street trees have their crowns higher."""
    rng = town.rng
    keep = town.camera.depth(x, z) > 2.5
    x, z, height = x[keep], z[keep], height[keep]
    n = len(x)
    if n == 0:
        return
    chance = rng.random((n, 3))
    trunk = (0.24 if street else 0.16) * height * (0.7 + 0.5 * chance[:, 0])
    slim = chance[:, 1] < 0.15
    width = np.where(slim, 0.35, 0.55 + 0.4 * chance[:, 2]) * height
    radius = 0.8 + 0.22 * rng.random((n, 22))
    outline = np.empty((n, 22, 2))
    # Slim trees are pointed: their width falls with height.
    level = 0.5 + 0.5 * np.sin(CROWN_ANGLES)
    narrow = np.where(slim[:, None], 1.15 - level, 1.0)
    outline[..., 0] = 0.5 * np.cos(CROWN_ANGLES) * radius * narrow
    outline[..., 1] = 0.5 + 0.5 * np.sin(CROWN_ANGLES) * radius
    looks = "vegetation", "bark", town.own(n)
    town.board("trunk", x, z, 0.0, 0.12 + 0.035 * height, trunk + 0.3 * height, *looks, layer=layer)
    looks = "vegetation", "leaves", looks[-1]
    town.board("crown", x, z, trunk, width, height - trunk, *looks, bias=0.05, layer=layer, crown=outline)


def posts(town: Street, side: Side) -> None:
    """Lamp posts and signs along the kerb."""
    rng = town.rng
    kerb = side.sign * (side.kerb + 0.35)
    if town.chance(0.75):
        z = np.arange(town.between(5, 25), min(town.end, 110) - 2, town.between(18, 30))
        if len(z):
            x, tall = kerb + town.shift(z), town.between(4.5, 8.5)
            owner = town.own(len(z))
            town.board("bar", x, z, 0.0, 0.17, tall, "pole", "metal", owner)
            arm = x - side.sign * 0.55
            town.board("bar", arm, z, tall - 0.12, 1.2, 0.12, "pole", "metal", owner, bias=0.02)
            town.board("bar", x - side.sign * 1.1, z, tall - 0.25, 0.6, 0.16, "pole", "lamp", owner, bias=0.03)
    count = int(town.between(0, 4.6))
    if count:
        z = np.sort(rng.uniform(6, min(town.end, 60), count))
        x = kerb + rng.uniform(0, 0.5, count) * side.sign + town.shift(z)
        kind, owner, low = rng.random(count), town.own(count), 0.0
        town.board("bar", x, z, 0.0, 0.09, 2.9, "pole", "metal", owner)
        for high, outline, name, width, tall in SIGNS:
            here = (kind >= low) & (kind < high)
            town.board(outline, x[here], z[here], 2.2, width, tall, "traffic sign", name, owner[here], bias=0.02)
            low = high


def traffic_signals(town: Street, crossing: float) -> None:
    """Lights at the crossing: before it on the right, behind it on both sides, some over the road."""
    if not town.chance(0.8):
        return
    looks = "traffic light", "red light" if town.chance(0.5) else "green light"
    far = crossing + 2 * town.cross_half + 1
    places = [(1, crossing - 1.2), (-1, crossing - 1.2), (1, far), (-1, far)]
    chosen = [place for place in places if town.chance(0.75)] or places[:1]
    side_of = {side.sign: side for side in town.sides}
    z = np.array([place[1] for place in chosen])
    x = np.array([sign * (side_of[sign].kerb + 0.4) for sign, _ in chosen]) + town.shift(z)
    owner = town.own(len(z))
    town.board("bar", x, z, 0.0, 0.15, 3.4, "pole", "metal", owner)
    town.board("bar", x, z, 2.3, 0.5, 1.35, *looks, owner, bias=0.02)
    if town.chance(0.5):
        sign, owner = chosen[0][0], owner[:1]
        reach = town.between(2.5, 4.0)
        x, z = x[:1], z[:1]
        town.board("bar", x, z, 0.0, 0.2, 5.6, "pole", "metal", owner)
        town.board("bar", x - sign * reach / 2, z, 5.4, reach, 0.16, "pole", "metal", owner)
        town.board("bar", x - sign * reach, z, 4.5, 0.55, 1.45, *looks, owner, bias=0.03)


def people(town: Street, side: Side) -> None:
    """Walkers on the sidewalk, and on the crosswalk where there is one."""
    rng = town.rng
    count = int(rng.poisson(1.4 * town.kind.walkers))
    z = 4.5 + (min(town.end, 60) - 6) * rng.random(count) ** 1.6
    x = side.sign * (side.verge + 0.3 + (side.front - side.verge - 0.5) * rng.random(count))
    if town.crossing is not None and town.chance(0.3):
        z = np.append(z, town.crossing - town.between(1.5, 3.0))
        x = np.append(x, side.sign * town.between(0.5, town.half_road))
    n = len(z)
    if n == 0:
        return
    things = town.instances(n)
    height = np.where(rng.random(n) < 0.12, 1.15, rng.uniform(1.58, 1.9, n))
    walking = rng.random(n) < 0.6
    width = np.where(walking, 0.46, 0.36) * height * rng.uniform(0.8, 1.1, n)
    owner, x = town.own(n), x + town.shift(z)
    for outline, here in (("walking", walking), ("standing", ~walking)):
        looks = "person", "person", owner[here], things[here]
        town.board(outline, x[here], z[here], 0.0, width[here], height[here], *looks)


def two_wheelers(town: Street, x: Array, z: Array, turn: Array, motor: bool) -> None:
    """Bicycles or motorcycles. turn: how much of the flank is seen, 0 to 1, [n]."""
    n, camera = len(z), town.camera
    name = "motorcycle" if motor else "bicycle"
    thing, owner = town.instances(n), town.own(n)
    size, thick = (0.62, 0.2) if motor else (0.68, 0.1)
    for end in (-0.5, 0.5):
        across, wide = end * 1.15 * turn, thick + (size - thick) * turn
        at = x + camera.cos * across, z - camera.sin * across
        town.board("disc", *at, 0.0, wide, size, name, "wheel", owner, thing)
    width = np.maximum(1.35 * turn, 0.42 if motor else 0.34)
    town.board(name, x, z, 0.22, width, 0.85, name, "frame", owner, thing, bias=0.02)


def parked_two_wheelers(town: Street, side: Side) -> None:
    """A row of bicycles, more rarely of motorcycles, at the sidewalk's edge."""
    for motor, chance in ((False, 0.4), (True, 0.08)):
        if town.chance(chance):
            n = int(town.between(1, 7))
            z = town.between(5, 22) + np.arange(n) * 0.9
            x = side.sign * (side.front - 0.7) + town.shift(z)
            two_wheelers(town, x, z, town.rng.uniform(0.25, 1.0, n), motor)


def riders(town: Street) -> None:
    """Cyclists and motorcyclists, each on a two-wheeler, at the road's edge."""
    for motor, chance in ((False, 0.27), (True, 0.1)):
        if not town.chance(chance):
            continue
        z = np.array([town.between(6, 28)])
        sign = 1 if town.chance(0.7) else -1
        x = sign * (town.half_road * town.between(0.75, 0.95)) + town.shift(z)
        turn = town.rng.uniform(0.1, 0.5, 1) if town.chance(0.75) else np.ones(1)
        two_wheelers(town, x, z, turn, motor)
        looks = "rider", "rider", town.own(), town.instances(1)
        town.board("riding", x, z, 0.45, 0.5 + 0.2 * turn, 1.3, *looks, bias=0.04)
