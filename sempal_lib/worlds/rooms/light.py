"""The light of toy-rooms: from the windows, the sun and the lamps, with soft shadows where things meet."""

import numpy as np

from sempal_lib.worlds.engine import bend_over, grain, pooled
from sempal_lib.worlds.rooms.picture import RoomPicture
from sempal_lib.worlds.rooms.room import Room
from sempal_lib.worlds.rooms.space import FACING, LEVEL, SIDEWAYS

Array = np.ndarray


def expose(picture: RoomPicture) -> Array:
    """Light the paint, and set the exposure as a camera does: three quarters of the way to an even brightness.

    Returns: the picture, float32 [3, H, W] in [-1, 1].
    """
    size = picture.size
    light, gleam = illuminate(picture), reflection(picture)
    image = np.empty((3, size // 2, size // 2), np.float32)
    for channel in range(3):
        seen = picture.paint[channel] * light[channel]
        seen += np.float32(0.7 * picture.style.skylight[channel]) * gleam
        glow = picture.glow[channel]
        seen = np.where(glow > 0, np.maximum(glow, 0.5 * seen + glow), seen)
        image[channel] = pooled(seen.reshape(size, size))
    image *= np.float32((0.52 / (float(np.minimum(image, 1.2).mean()) + 0.02)) ** 0.75)
    # Highlights bend over instead of being cut off, and the eye sees shadows brighter than they are.
    image = np.maximum(bend_over(image, 0.75, 2.2), 0) ** np.float32(0.85)
    image += 0.025 * grain(size // 2, size // 2, picture.shift)
    return np.clip(2 * image - 1, -1, 1)


def illuminate(picture: RoomPicture) -> list[Array]:
    """Light on each sample, three arrays [N]."""
    room, style = picture.scene, picture.style
    nx = np.where(picture.lies == SIDEWAYS, -np.sign(picture.right), np.float32(0))
    ny = np.where(picture.lies == LEVEL, -np.sign(picture.up), np.float32(0))
    nz = np.where(picture.lies == FACING, np.float32(-1), np.float32(0))
    open_air = occlusion(picture)
    bright = sum(area(window) for window in room.windows)
    # What the walls throw back, and what comes from behind the camera.
    sky = np.float32(0.37 + 0.05 * min(bright, 3.0))
    around = open_air * (sky + 0.01 * ny - 0.05 * nz + 0.03 * nx)
    light = [around * np.float32(c * 1.0 + 0.08) for c in style.skylight]
    for window in room.windows:
        share = open_air * from_window(picture, window, nx, ny, nz)
        for channel, c in enumerate(style.skylight):
            light[channel] += np.float32(2.6 * c) * share
    if style.sun > 0 and room.windows:
        places, share = sunbeam(picture, nx, ny, nz)
        for channel, c in enumerate(style.sunlight):
            light[channel][places] += np.float32(c) * share
    if style.lamps > 0:
        glow = 0.16 * open_air
        for place in room.lamps or [(0.0, room.height - 0.3, 0.5 * room.depth)]:
            glow += open_air * from_lamp(picture, place, nx, ny, nz)
        for channel, c in enumerate(style.lamplight):
            light[channel] += np.float32(c) * glow
    return light


def area(window: tuple) -> float:
    return (window[3] - window[2]) * (window[5] - window[4])


def from_window(picture: RoomPicture, window: tuple, nx: Array, ny: Array, nz: Array) -> Array:
    """Share of the sky's light that a window sends to each sample."""
    lies, plane, p0, p1, q0, q1 = window
    middle, height = (p0 + p1) / 2, (q0 + q1) / 2
    x, z = (middle, plane) if lies == FACING else (plane, middle)
    dx, dy, dz = np.float32(x) - picture.x, np.float32(height) - picture.y, np.float32(z) - picture.z
    square = dx * dx + dy * dy + dz * dz + np.float32(0.3)
    towards = np.maximum(nx * dx + ny * dy + nz * dz, 0)
    # Soften: a window is no point, parts of it are seen from almost anywhere before it.
    out = dz if lies == FACING else dx * np.float32(np.sign(plane))
    return (
        np.float32(area(window))
        * towards
        * np.maximum(out, 0)
        / (square * square * np.float32(np.pi) + np.float32(1.5))
    )


def from_lamp(picture: RoomPicture, place: tuple[float, float, float], nx: Array, ny: Array, nz: Array) -> Array:
    dx, dy, dz = (np.float32(a) - b for a, b in zip(place, (picture.x, picture.y, picture.z), strict=True))
    square = dx * dx + dy * dy + dz * dz
    towards = (nx * dx + ny * dy + nz * dz) / np.sqrt(square + np.float32(0.01))
    return np.float32(0.5) * np.clip(0.25 + 0.75 * towards, 0, 1) / (np.float32(0.22) + square)


def sunbeam(picture: RoomPicture, nx: Array, ny: Array, nz: Array) -> tuple[Array, Array]:
    """Samples that the sun reaches through a window, and how squarely."""
    room = picture.scene
    sx, sy, sz = (np.float32(c) for c in picture.style.direction)
    facing = nx * sx + ny * sy + nz * sz
    places = np.flatnonzero(facing > 0.02)
    x, y, z = (a.take(places) for a in (picture.x, picture.y, picture.z))
    through = np.zeros(len(places), np.float32)
    for lies, plane, p0, p1, q0, q1 in room.windows:
        speed, start = (sz, z) if lies == FACING else (sx, x)
        if abs(speed) < 0.05 or (lies != FACING and sx * plane < 0):
            continue
        steps = (np.float32(plane) - start) / speed
        if lies == FACING and speed < 0:
            continue
        p = (x + steps * sx) if lies == FACING else (z + steps * sz)
        q = y + steps * sy
        inside = np.minimum(np.minimum(p - p0, p1 - p), np.minimum(q - q0, q1 - q)) - np.float32(0.04)
        # The bar in the middle throws its shadow too; edges are as soft as the sun is wide.
        bar = np.abs(p - (p0 + p1) / 2) - np.float32(0.025)
        if picture.style.panes == 0:
            bar = np.ones_like(bar)
        soft = np.float32(0.012) + np.float32(0.008) * steps
        through = np.maximum(through, np.clip(inside / soft, 0, 1) * np.clip(bar / soft, 0, 1) * (steps > 0.02))
    lit = np.flatnonzero(through > 0)
    places, through = places.take(lit), through.take(lit)
    x, y, z = (a.take(lit) for a in (x, y, z))
    owner = room.things.take(picture.part.take(places))
    through *= 1 - blocked(room, x, y, z, owner, (float(sx), float(sy), float(sz)))
    return places, through * facing.take(places)


def blocked(room: Room, x: Array, y: Array, z: Array, owner: Array, direction: tuple[float, float, float]) -> Array:
    """1 where something stands between a place and the sun."""
    dark = np.zeros(len(x), np.float32)
    if not len(x):
        return dark
    inverse = [1 / (d if abs(d) > 1e-3 else 1e-3) for d in direction]
    for x0, x1, y0, y1, z0, z1, thing in room.blocks:
        first, last = np.full_like(x, -np.inf), np.full_like(x, np.inf)
        for place, low, high, speed in zip((x, y, z), (x0, y0, z0), (x1, y1, z1), inverse, strict=True):
            a, b = (np.float32(low) - place) * np.float32(speed), (np.float32(high) - place) * np.float32(speed)
            near, far = np.minimum(a, b), np.maximum(a, b)
            first = np.maximum(first, near)
            last = np.minimum(last, far)
        hit = (first < last) & (last > 0.03) & (first > 0.0) & (owner != thing)
        dark[hit] = 1
    return dark


def occlusion(picture: RoomPicture) -> Array:
    """How open each sample lies, 0 to 1: darker in the room's corners and where things stand on or near others."""
    room, size = picture.scene, picture.size
    reach = np.float32(-1 / 0.28)
    open_air = np.ones(len(picture.x), np.float32)
    for distance in (
        np.minimum(picture.x - room.left, room.right - picture.x), np.minimum(picture.y, room.height - picture.y),
        room.depth - picture.z,
    ):  # fmt: skip
        open_air *= 1 - np.float32(0.24) * np.exp(np.maximum(distance, 0) * reach)
    grid = open_air.reshape(size, size)
    x, y, z = (a.reshape(size, size) for a in (picture.x, picture.y, picture.z))
    owner = room.things.astype(np.int32).take(picture.part).reshape(size, size)
    camera = room.camera
    for x0, x1, y0, y1, z0, z1, thing in room.blocks:
        margin = 0.3
        near, far = max(z0 - margin, 0.4), max(z1 + margin, 0.5)
        columns = [camera.column(a, b) for a in (x0 - margin, x1 + margin) for b in (near, far)]
        rows = [camera.row(a, b) for a in (max(y0 - 2.5 * margin, 0), y1 + margin) for b in (near, far)]
        left, right = max(int(min(columns) * size), 0), min(int(max(columns) * size) + 1, size)
        top, bottom = max(int(min(rows) * size), 0), min(int(max(rows) * size) + 1, size)
        if right <= left or bottom <= top:
            continue
        box = slice(top, bottom), slice(left, right)
        dx = np.maximum(np.maximum(np.float32(x0) - x[box], x[box] - np.float32(x1)), 0)
        dy = np.maximum(np.maximum((np.float32(y0) - y[box]) * np.float32(0.5), y[box] - np.float32(y1)), 0)
        dz = np.maximum(np.maximum(np.float32(z0) - z[box], z[box] - np.float32(z1)), 0)
        distance = np.sqrt(dx * dx + dy * dy + dz * dz)
        shade = np.float32(0.5) * np.exp(distance * np.float32(-1 / 0.11))
        shade *= owner[box] != thing
        grid[box] *= 1 - shade
    return open_air


def reflection(picture: RoomPicture) -> Array:
    """What polished surfaces mirror of the windows: brightness at each sample, 0 to 1."""
    bright = np.zeros(len(picture.x), np.float32)
    places = np.flatnonzero(picture.shine > 0.02)
    x, y, z, right, up, lies = (
        a.take(places) for a in (picture.x, picture.y, picture.z, picture.right, picture.up, picture.lies)
    )
    across = np.where(lies == SIDEWAYS, -right, right)
    rise = np.where(lies == LEVEL, -up, up)
    along = np.where(lies == FACING, np.float32(-1), np.float32(1))
    total = np.zeros(len(places), np.float32)
    for lies_w, plane, p0, p1, q0, q1 in picture.scene.windows:
        speed, start = (along, z) if lies_w == FACING else (across, x)
        steps = (np.float32(plane) - start) / np.where(np.abs(speed) < 1e-3, np.float32(1e-3), speed)
        p = x + steps * across if lies_w == FACING else z + steps * along
        q = y + steps * rise
        inside = np.minimum(np.minimum(p - p0, p1 - p), np.minimum(q - q0, q1 - q))
        total = np.maximum(total, np.clip(0.4 + inside * 2.2, 0, 1) * (steps > 0.05))
    bright[places] = total * picture.shine.take(places)
    return bright
