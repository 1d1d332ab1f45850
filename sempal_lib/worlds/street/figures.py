"""What stands and moves along a toy street and faces the camera: trees, posts, signs, people, two-wheelers."""

import numpy as np

from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.worlds.street import parts as parts_of
from sempal_lib.worlds.street.parts import SPRITE

LABEL = {name: i for i, name in enumerate(CITYSCAPES_19.names)}
STREET = 5  # layer of what stands between the property lines

CROWN_ANGLES = np.arange(22) * (2 * np.pi / 22)


def crowns(town, x, z, height, layer: float, street: bool = False) -> None:
    """Trees: a trunk and a ragged crown each. Street trees have their crowns higher."""
    rng, parts = town.rng, town.parts
    keep = parts.camera.depth(x, z) > 2.5
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
    owner = parts.own(n)
    label = LABEL["vegetation"]
    parts.board("trunk", x, z, 0.0, 0.12 + 0.035 * height, trunk + 0.3 * height, label, parts_of.BARK, layer, owner)
    parts.board(
        "crown", x, z, trunk, width, height - trunk, label, parts_of.LEAVES, layer, owner, bias=0.05, crown=outline
    )


def posts(town, side) -> None:
    """Lamp posts and signs along the kerb."""
    rng, parts, dice = town.rng, town.parts, town.dice
    kerb = side.sign * (side.kerb + 0.35)
    if dice.chance(0.75):
        z = np.arange(dice.between(5, 25), min(town.end, 110) - 2, dice.between(18, 30))
        n = len(z)
        if n:
            x, tall = kerb + town.shift(z), dice.between(4.5, 8.5)
            owner, label = parts.own(n), LABEL["pole"]
            parts.board("bar", x, z, 0.0, 0.17, tall, label, parts_of.METAL, STREET, owner)
            arm = x - side.sign * 0.55
            parts.board("bar", arm, z, tall - 0.12, 1.2, 0.12, label, parts_of.METAL, STREET, owner, bias=0.02)
            parts.board(
                "bar", x - side.sign * 1.1, z, tall - 0.25, 0.6, 0.16, label, SPRITE["lamp"], STREET, owner, bias=0.03
            )
    count = int(dice.between(0, 4.6))
    if count:
        z = np.sort(rng.uniform(6, min(town.end, 60), count))
        x = kerb + rng.uniform(0, 0.5, count) * side.sign + town.shift(z)
        kind = rng.random(count)
        owner = parts.own(count)
        parts.board("bar", x, z, 0.0, 0.09, 2.9, LABEL["pole"], parts_of.METAL, STREET, owner)
        for low, high, outline, name, width, tall in (
            (0.0, 0.35, "disc", "round sign", 0.75, 0.75), (0.35, 0.6, "triangle", "warning sign", 0.85, 0.8),
            (0.6, 0.88, "bar", "blue sign", 0.75, 0.75), (0.88, 1.0, "bar", "direction sign", 2.0, 1.1),
        ):  # fmt: skip
            chosen = (kind >= low) & (kind < high)
            if chosen.any():
                parts.board(
                    outline,
                    x[chosen],
                    z[chosen],
                    2.2,
                    width,
                    tall,
                    LABEL["traffic sign"],
                    SPRITE[name],
                    STREET,
                    owner[chosen],
                    bias=0.02,
                )


def traffic_signals(town) -> None:
    """Lights at the crossing: before it on the right, behind it on both sides, some over the road."""
    parts, dice = town.parts, town.dice
    if not dice.chance(0.8):
        return
    material = SPRITE["red light" if dice.chance(0.5) else "green light"]
    far = town.crossing + 2 * town.cross_half + 1
    places = [(1, town.crossing - 1.2), (-1, town.crossing - 1.2), (1, far), (-1, far)]
    chosen = [place for place in places if dice.chance(0.75)] or places[:1]
    side_of = {side.sign: side for side in town.sides}
    z = np.array([place[1] for place in chosen])
    x = np.array([sign * (side_of[sign].kerb + 0.4) for sign, _ in chosen]) + town.shift(z)
    n = len(z)
    owner = parts.own(n)
    parts.board("bar", x, z, 0.0, 0.15, 3.4, LABEL["pole"], parts_of.METAL, STREET, owner)
    parts.board("bar", x, z, 2.3, 0.5, 1.35, LABEL["traffic light"], material, STREET, owner, bias=0.02)
    if dice.chance(0.5):
        sign = chosen[0][0]
        reach = dice.between(2.5, 4.0)
        x, z = x[:1], z[:1]
        parts.board("bar", x, z, 0.0, 0.2, 5.6, LABEL["pole"], parts_of.METAL, STREET, owner[:1])
        parts.board("bar", x - sign * reach / 2, z, 5.4, reach, 0.16, LABEL["pole"], parts_of.METAL, STREET, owner[:1])
        parts.board(
            "bar", x - sign * reach, z, 4.5, 0.55, 1.45, LABEL["traffic light"], material, STREET, owner[:1], bias=0.03
        )


def people(town, side) -> None:
    """Walkers on the sidewalk, and on the crosswalk where there is one."""
    rng, parts, dice = town.rng, town.parts, town.dice
    count = int(rng.poisson(1.4 * town.kind.walkers))
    z = 4.5 + (min(town.end, 60) - 6) * rng.random(count) ** 1.6
    x = side.sign * (side.verge + 0.3 + (side.front - side.verge - 0.5) * rng.random(count))
    if town.crossing is not None and dice.chance(0.3):
        z = np.append(z, town.crossing - dice.between(1.5, 3.0))
        x = np.append(x, side.sign * dice.between(0.5, town.half_road))
    n = len(z)
    if n == 0:
        return
    things = parts.instances(n)
    height = np.where(rng.random(n) < 0.12, 1.15, rng.uniform(1.58, 1.9, n))
    walking = rng.random(n) < 0.6
    width = np.where(walking, 0.46, 0.36) * height * rng.uniform(0.8, 1.1, n)
    owner, x = parts.own(n), x + town.shift(z)
    for flags, outline in ((walking, "walking"), (~walking, "standing")):
        if flags.any():
            parts.board(
                outline,
                x[flags],
                z[flags],
                0.0,
                width[flags],
                height[flags],
                LABEL["person"],
                SPRITE["person"],
                STREET,
                owner[flags],
                things[flags],
            )


def two_wheelers(town, x, z, turn, motor: bool) -> None:
    """Bicycles or motorcycles. turn: how much of the flank is seen, 0 to 1, [n]."""
    parts = town.parts
    n = len(z)
    if n == 0:
        return
    label = LABEL["motorcycle" if motor else "bicycle"]
    thing = parts.instances(n)
    owner, camera = parts.own(n), parts.camera
    size = 0.62 if motor else 0.68
    length = 1.15
    thick = 0.2 if motor else 0.1
    for end in (-0.5, 0.5):
        across = end * length * turn
        parts.board(
            "disc",
            x + camera.cos * across,
            z - camera.sin * across,
            0.0,
            thick + (size - thick) * turn,
            size,
            label,
            SPRITE["wheel"],
            STREET,
            owner,
            thing,
        )
    width = np.maximum(1.35 * turn, 0.42 if motor else 0.34)
    parts.board(
        "motorcycle" if motor else "bicycle",
        x,
        z,
        0.22,
        width,
        0.85,
        label,
        SPRITE["frame"],
        STREET,
        owner,
        thing,
        bias=0.02,
    )


def parked_two_wheelers(town, side) -> None:
    """A row of bicycles, more rarely of motorcycles, at the sidewalk's edge."""
    rng, dice = town.rng, town.dice
    for motor, chance in ((False, 0.4), (True, 0.08)):
        if dice.chance(chance):
            n = int(dice.between(1, 7))
            z = dice.between(5, 22) + np.arange(n) * 0.9
            x = side.sign * (side.front - 0.7) + town.shift(z)
            two_wheelers(town, x, z, rng.uniform(0.25, 1.0, n), motor)


def riders(town) -> None:
    """Cyclists and motorcyclists, each on a two-wheeler, at the road's edge."""
    rng, parts, dice = town.rng, town.parts, town.dice
    for motor, chance in ((False, 0.27), (True, 0.1)):
        if not dice.chance(chance):
            continue
        z = np.array([dice.between(6, 28)])
        sign = 1 if dice.chance(0.7) else -1
        x = sign * (town.half_road * dice.between(0.75, 0.95)) + town.shift(z)
        turn = rng.uniform(0.1, 0.5, 1) if dice.chance(0.75) else np.ones(1)
        two_wheelers(town, x, z, turn, motor)
        owner, thing = parts.own(), parts.instances(1)
        width = 0.5 + 0.2 * turn
        parts.board("riding", x, z, 0.45, width, 1.3, LABEL["rider"], SPRITE["rider"], STREET, owner, thing, bias=0.04)
