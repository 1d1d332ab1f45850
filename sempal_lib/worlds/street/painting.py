"""Paints a town: what every sample of the picture sees is worked out from its ray, then coloured and lit."""

import numpy as np
from PIL import Image

from sempal_lib.worlds.engine import Samples, band, class_means, fill, fraction, line, noise_at, pick, unit
from sempal_lib.worlds.street import surfaces
from sempal_lib.worlds.street.paints import ENTRIES, palettes
from sempal_lib.worlds.street.parts import LABEL, MATERIAL
from sempal_lib.worlds.street.surfaces import Surface
from sempal_lib.worlds.street.town import Town
from sempal_lib.worlds.street.weather import Weather

Array = np.ndarray
FIRST, SECOND = palettes()
# By material: whether a town has few colours of it, and whether it is round in truth.
FEW = np.array([name in ("facade", "roof", "paving", "asphalt") for name in MATERIAL])
ROUND = np.array([name in ("metal", "bark") or number >= surfaces.SPRITE_BOARDS for name, number in MATERIAL.items()])


def paint(town: Town, weather: Weather, rng: np.random.Generator, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Paint a town.

    Args:
        canvas: numbers of parts, integers [2H, 4H]; the picture has half its size.
    Returns:
        The picture, float32 [3, H, W] in [-1, 1], and each class's mean paint, float32 [19, 3] in 0 to 1.
    """
    painting = Painting(town, weather, rng, canvas)
    painting.paint_sky()
    painting.paint_ground()
    painting.paint_upright()
    return painting.finish(), painting.class_colors(canvas)


class Painting:
    """One scene's picture in the making: arrays over its samples."""

    def __init__(self, town: Town, weather: Weather, rng: np.random.Generator, canvas: np.ndarray):
        self.town, self.weather, self.camera = town, weather, town.camera
        self.seed = float(rng.random())
        self._choose_paints(rng)
        self.samples = samples = Samples(canvas, town.materials.astype(np.uint8))
        self.part, self.height, self.width = samples.part, samples.height, samples.width
        camera, size, n = town.camera, 1 / self.height, len(self.part)
        side = (samples.right * size - 1) * (1 / camera.focal)
        self.ry = (camera.horizon - samples.down * size) * (1 / camera.focal)
        self.rx, self.rz = side * camera.cos + camera.sin, camera.cos - side * camera.sin
        self.pixel = 1 / (camera.focal * self.height)  # width of a pixel at 1 m, m
        self.color = np.zeros((3, n), np.float32)
        self.sunlit = np.zeros(n, np.float32)  # share of the sun's light that arrives
        self.sky_light = np.ones(n, np.float32)
        self.glow = np.zeros(n, np.float32)  # share of its own light
        self.depth = np.full(n, 1e4, np.float32)

    def _choose_paints(self, rng: np.random.Generator) -> None:
        """First and second paint a part, [3, parts], and six chances an object, [6, objects]."""
        self.look = rng.random((6, self.town.owners), dtype=np.float32)
        material, look = self.town.materials, pick(self.look, self.town.owner)
        entry = (look[0] * ENTRIES).astype(np.int32)
        few = rng.integers(0, ENTRIES, 4)
        entry = np.where(FEW[material], few[entry % 4], entry)
        first, second = FIRST[material, entry], SECOND[material, entry]
        first *= (0.86 + 0.28 * look[1])[:, None]
        if self.weather.autumn > 0:
            turned = unit(2 * self.weather.autumn - look[2]) * (material == MATERIAL["leaves"])
            first += (second - first) * turned[:, None]
        self.first, self.second = np.ascontiguousarray(first.T), np.ascontiguousarray(second.T)

    def _of(self, first: str, last: str | None = None) -> slice:
        """The samples of the materials from `first` to `last`, or of the one."""
        return self.samples.of(MATERIAL[first], MATERIAL[last or first])

    def _free_of_houses(self, x, y, z) -> np.ndarray:
        """Share of the sun that the houses of the sunny side let through, [P]."""
        town = self.town
        sun_x, sun_z, tangent = self.weather.direction
        if abs(sun_x) < 0.1 or self.weather.sun.max() < 0.02:
            return np.ones_like(x)
        side, line_of = (town.sides[1], town.skylines[1]) if sun_x > 0 else (town.sides[0], town.skylines[0])
        lateral = x - np.float32(town.bend) * z * np.abs(z) if town.bend else x
        way = (side.sign * (side.front + 0.3) - lateral) * np.float32(1 / sun_x)
        at = np.clip(z + way * np.float32(sun_z) + 10, 0, len(line_of) - 1).astype(np.int32)
        free = unit((y + way * np.float32(tangent) - line_of.astype(np.float32)[at]) * 2 + 0.5)
        return np.where(way < 0.5, np.float32(1), free)

    def _cast_shadows(self) -> np.ndarray:
        """Shadows on the ground of all that stands on it, uint8 [H, W]."""
        sun_x, sun_z, tangent = self.weather.direction
        strong = float(self.weather.sun.max()) > 0.12
        reach = min(1 / tangent, 4.0) if strong else 0.0
        points, corners, dark = self.town.cast(sun_x, sun_z, reach, trees=strong)
        image = Image.new("L", (self.width, self.height), 0)
        if len(points):
            keep = self.camera.depth(points[..., 0], points[..., 2]).min(axis=1) > 0.4
            points, corners, dark = points[keep], corners[keep], dark[keep]
            flat, seen = self.town.flattened(points, corners, self.height)
            fill(image, flat, corners, np.flatnonzero(seen), dark[seen].tolist())
        return np.asarray(image)

    def paint_sky(self) -> None:
        here = self._of("sky")
        if here.stop:
            self.color[:, here] = self.weather.sky(self.rx[here], self.ry[here], self.rz[here], self.seed)

    def paint_ground(self) -> None:
        here = self._of("asphalt", "grass")
        if here.stop == here.start:
            return
        town = self.town
        depth = self.camera.height / np.maximum(-self.ry[here], np.float32(1e-3))
        x = depth * self.rx[here] + np.float32(self.camera.x)
        z = depth * self.rz[here]
        lateral = x - np.float32(town.bend) * z * np.abs(z) if town.bend else x
        wide = depth * np.float32(self.pixel)
        long = depth * wide * np.float32(1 / self.camera.height)
        near = np.minimum(12 / depth, 1)
        patches = noise_at("cloud", 6 * x, 2.5 * z)
        tone = 0.81 + 0.22 * patches + (0.16 * near) * noise_at("grain", 40 * x, 40 * z)
        color = self.color[:, here]
        np.multiply(pick(self.first, self.part[here]), tone, out=color)
        road, paved, grass = (
            slice(found.start - here.start, found.stop - here.start)
            for found in (self._of("asphalt"), self._of("paving"), self._of("grass"))
        )
        self._mark_road(color[:, road], lateral[road], z[road], wide[road], long[road])
        joint = line(lateral[paved] / 0.6, 0.06, 0.6 / wide[paved]) + line(z[paved] / 0.6, 0.06, 0.6 / long[paved])
        color[:, paved] *= 1 - 0.28 * np.minimum(joint, 1)
        blades = noise_at("leaf", 120 * x[grass], 120 * z[grass])
        color[:, grass] *= 1 + near[grass] * (0.6 * blades - 0.3)
        shadow = self._cast_shadows()[self.samples.row[here], self.samples.column[here]] * np.float32(1 / 255)
        height = self.weather.direction[2]
        self.sunlit[here] = self._free_of_houses(x, np.float32(0), z) * (1 - shadow) * min(1.0, 0.35 + height)
        self.sky_light[here] = 1 - 0.45 * shadow
        self.depth[here] = depth

    def _mark_road(self, color, lateral, z, wide, long) -> None:
        """Lane lines, crosswalks and rails, painted over color."""
        town, half = self.town, self.town.half_road
        edge, edge_z = 1 / wide, 1 / long
        faint = np.minimum(1, 0.16 * edge)
        lines = [] if town.one_way else [(0.0, half < 6)]
        if half > 6:
            lines += [(0.52 * half, True), (-0.52 * half, True)]
        lines += [(side.sign * (half - 0.05), False) for side in town.sides if side.parking]
        paint = np.zeros_like(lateral)
        dashed = band(fraction(z / 9), 0.0, 0.4, 9 * edge_z) if any(dash for _, dash in lines) else 0
        for at, dash in lines:
            stroke = unit((0.08 - np.abs(lateral - at)) * edge + 0.5) * faint
            paint = np.maximum(paint, stroke * dashed if dash else stroke)
        if town.crossing is not None:
            z0, z1 = town.crossing - 1.0, town.crossing + 2 * town.cross_half + 1.0
            paint *= 1 - band(z, z0 - 4, z1 + 4, edge_z)
            stripes = band(fraction(lateral / 1.1), 0.0, 0.5, 1.1 * edge) * unit((half - 0.1 - np.abs(lateral)) * edge)
            paint = np.maximum(paint, stripes * (band(z, z0 - 3.2, z0, edge_z) + band(z, z1, z1 + 3.2, edge_z)))
            paint = np.maximum(paint, band(z, z0 - 4.6, z0 - 4.2, edge_z) * band(lateral, 0.0, half, edge))
        paint *= 0.5 + 0.5 * noise_at("leaf", 40 * lateral, 40 * z)
        color += (np.float32(0.88) - color) * paint
        if town.tram:
            rails = np.abs(np.abs(lateral) - 0.2 * half)
            rails = unit((0.04 - np.abs(rails - 0.72)) * edge + 0.5) * np.minimum(1, 0.1 * edge)
            color *= 1 - 0.55 * rails

    def _measure_parts(self) -> None:
        """Planes (1 / depth = plane · ray), normals and texture frames of all parts."""
        parts, camera = self.town, self.camera
        corners = parts.points[:, :3] - np.array([camera.x, camera.height, 0])
        (ux, uy, uz), (vx, vy, vz) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
        normal = np.array([uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx])
        normal /= np.sqrt((normal**2).sum(axis=0)) + 1e-9
        offset = (normal * corners[:, 0].T).sum(axis=0)
        offset = np.where(np.abs(offset) < 1e-4, 1e-4, offset)
        base = parts.base
        run = (base[:, 2:4] - base[:, :2]).T
        length = np.sqrt((run**2).sum(axis=0)) + 1e-6
        # Sprites are measured in shares of the part, all else in metres.
        material = parts.rows[:, 1].astype(int)
        share = material > MATERIAL["distant"]
        run /= np.where(share, length * length, length)
        tall = base[:, 5] - base[:, 4]
        scale = 1 / np.where(share, np.maximum(tall, 1e-3), 1)
        self.frame = np.zeros((12, len(parts.rows) + 2), np.float32)
        self.frame[:3, 2:] = normal / offset
        self.frame[3, 2:] = 1 / np.abs(offset)
        self.frame[4:6, 2:] = run
        self.frame[6, 2:] = (run * base[:, :2].T).sum(axis=0)
        self.frame[7, 2:], self.frame[8, 2:] = scale, base[:, 4] * scale
        self.frame[9, 2:], self.frame[10, 2:] = tall, length
        sun_x, sun_z, tangent = self.weather.direction
        towards = np.array([sun_x, tangent, sun_z]) / np.sqrt(1 + tangent * tangent)
        facing = np.maximum(-(towards @ normal) * np.sign(offset), 0)
        # Boards are round things in truth: lit by half from everywhere.
        self.frame[11, 2:] = np.where(ROUND[material], 0.3 + 0.5 * facing, facing)

    def paint_upright(self) -> None:
        here = self.samples.of(MATERIAL["facade"], 255)
        if here.stop == here.start:
            return
        self._measure_parts()
        camera, part = self.camera, self.part[here]
        nx, ny, nz, size, tx, tz, s0, high, low, tall, length, facing = pick(self.frame, part)
        rx, ry, rz = self.rx[here], self.ry[here], self.rz[here]
        inverse = np.clip(nx * rx + ny * ry + nz * rz, np.float32(1 / 400), np.float32(1 / 0.3))
        depth = 1 / inverse
        x, y, z = depth * rx + np.float32(camera.x), depth * ry + np.float32(camera.height), depth * rz
        s, v = x * tx + z * tz - s0, y * high - low
        free = self._free_of_houses(x, y, z)
        self.depth[here] = depth
        self.sunlit[here] = facing * free
        self.sky_light[here] = np.minimum(0.72 + 0.07 * y, 1)
        self.color[:, here] = pick(self.first, part)
        slant = np.maximum(inverse / size, 0.04)
        wide = depth * np.float32(self.pixel)
        owner, material = self.town.owner[part], self.town.materials[part]
        side = self.weather.direction[0] * camera.cos - self.weather.direction[1] * camera.sin
        jobs = [(self._of(name), painter) for name, painter in surfaces.PAINTERS.items()]
        jobs.append((self.samples.of(MATERIAL["distant"] + 1, 255), surfaces.sprite))
        for there, painter in jobs:
            if there.stop > there.start:
                a = slice(there.start - here.start, there.stop - here.start)
                painter(Surface(
                    weather=self.weather, look=self.look, sun_side=side, part=part[a], owner=owner[a],
                    material=material[a], depth=depth[a], wide=wide[a], slant=slant[a], s=s[a], v=v[a],
                    tall=tall[a], length=length[a],
                    color=self.color[:, there], second=self.second, sunlit=self.sunlit[there], free=free[a],
                    glow=self.glow[there],
                ))  # fmt: skip

    def finish(self) -> np.ndarray:
        """Light, air, the mean of each pixel's samples, wet ground; float32 [3, H, W] in [-1, 1]."""
        weather = self.weather
        sky = self._of("sky")
        lit = slice(sky.stop, len(self.part))
        dim, glow = 1 - self.glow[lit], self.glow[lit]
        sun, shade = self.sunlit[lit] * dim, self.sky_light[lit] * dim
        for color, ambient, direct in zip(self.color, weather.ambient, weather.sun, strict=True):
            color[lit] *= shade * ambient + sun * direct + glow
        air = 1 - np.exp(-(0.0022 + 0.045 * weather.fog**1.5) * self.depth)
        air[sky] = min(1.2 * weather.fog, 0.95) * (1 - unit(self.ry[sky]))
        for color, haze in zip(self.color, weather.haze, strict=True):
            color += (haze - color) * air
        picture = self.samples.pixels(self.color)
        if weather.wetness > 0.05:
            self._reflect(picture)
        picture *= 2
        picture -= 1
        return np.clip(picture, -1, 1, out=picture).reshape(3, self.height, self.width)

    def _reflect(self, picture: np.ndarray) -> None:
        """A wet road mirrors what stands beyond it, more so far out."""
        wet = self._of("asphalt", "paving")
        index = np.unique(self.samples.row[wet] * np.int32(self.width) + self.samples.column[wet])
        row, column = np.divmod(index, np.int32(self.width))
        x, y = column.astype(np.float32) / self.height, row.astype(np.float32) / self.height
        ripple = (noise_at("leaf", 760 * x, 180 * y) - 0.5) * 0.03
        mirror = np.clip((2 * self.camera.horizon - y + ripple) * self.height, 0, self.height - 1).astype(np.int32)
        grazing = (1 - np.clip((y - self.camera.horizon) * 1.3, 0, 0.75)) ** 2
        puddle = 0.55 + 0.9 * (noise_at("cloud", 300 * x, 600 * y) - 0.5)
        weight = np.clip(self.weather.wetness * grazing * puddle * 0.75, 0, 0.8)
        dark = pick(picture, index) * np.float32(1 - 0.3 * self.weather.wetness)
        picture[:, index] = dark + (pick(picture, mirror * self.width + column) - dark) * weight

    def class_colors(self, canvas: np.ndarray) -> np.ndarray:
        """Each class's mean first paint over what is seen of it, float32 [19, 3]."""
        count = np.bincount(canvas[::2, ::2].ravel(), minlength=len(self.town.labels)).astype(np.float32)
        first = self.first.copy()
        first[:, 0] = self.weather.zenith
        return class_means(self.town.labels, first, len(LABEL), count)
