"""Paints a town: what every sample of the picture sees is worked out from its ray, then coloured and lit."""

import numpy as np
from PIL import Image, ImageDraw

from sempal_lib.worlds.street import colors as colors
from sempal_lib.worlds.street import parts as parts_of
from sempal_lib.worlds.street import surfaces as surfaces
from sempal_lib.worlds.street.colors import fraction, noise_at, pick, unit
from sempal_lib.worlds.street.surfaces import Surface, band, line
from sempal_lib.worlds.street.town import LABEL, Town
from sempal_lib.worlds.street.weather import Weather

FIRST, SECOND = colors.palettes()
QUARTERS = ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))


def paint(town: Town, weather: Weather, rng: np.random.Generator, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Paint a town.

    Args:
        canvas: numbers of parts as `draw` gives them, int [2H, 4H]; the picture has half its size.
    Returns:
        The picture, float32 [3, H, W] in [-1, 1], and each class's mean paint, float32 [19, 3] in 0 to 1.
    """
    painting = Painting(town, weather, rng, canvas)
    painting.paint_sky()
    painting.paint_ground()
    painting.paint_upright()
    return painting.finish(), painting.class_colors(canvas)


class Painting:
    """One scene's picture in the making.

    A pixel whose four quarters see one part is sampled once, any other four times. The samples stand in the
    order of their materials, so that each material is a slice.
    """

    def __init__(self, town: Town, weather: Weather, rng: np.random.Generator, canvas: np.ndarray):
        self.town, self.weather, self.camera = town, weather, town.camera
        self.height, self.width = canvas.shape[0] // 2, canvas.shape[1] // 2
        self.seed = float(rng.random())
        rows = town.parts.rows
        self.label = np.concatenate([[LABEL["sky"], LABEL["terrain"]], rows[:, 0]]).astype(np.int64)
        self.material = np.concatenate([[parts_of.SKY, parts_of.GRASS], rows[:, 1]]).astype(np.uint8)
        self.owner = np.concatenate([[0, 1], rows[:, 3]]).astype(np.int32)
        self._choose_paints(rng)
        self._choose_samples(canvas)
        n = len(self.part)
        self.pixel = 1 / (self.camera.focal * self.height)  # width of a pixel at 1 m, m
        self.color = np.zeros((3, n), np.float32)
        self.sunlit = np.zeros(n, np.float32)  # share of the sun's light that arrives
        self.sky_light = np.ones(n, np.float32)
        self.glow = np.zeros(n, np.float32)  # share of its own light
        self.depth = np.full(n, 1e4, np.float32)

    def _choose_paints(self, rng: np.random.Generator) -> None:
        """First and second paint a part, [3, parts], and six chances an object, [6, objects]."""
        self.look = rng.random((6, self.town.parts.owners), dtype=np.float32)
        look = pick(self.look, self.owner)
        entry = (look[0] * colors.ENTRIES).astype(np.int32)
        # A town has few colours of facades and roofs.
        few = rng.integers(0, colors.ENTRIES, 4)
        built = np.array([parts_of.FACADE, parts_of.ROOF, parts_of.PAVING, parts_of.ASPHALT])
        entry = np.where((self.material[:, None] == built).any(axis=1), few[entry % 4], entry)
        first, second = FIRST[self.material, entry], SECOND[self.material, entry]
        first *= (0.86 + 0.28 * look[1])[:, None]
        if self.weather.autumn > 0:
            turned = unit(2 * self.weather.autumn - look[2]) * (self.material == parts_of.LEAVES)
            first += (second - first) * turned[:, None]
        self.first, self.second = np.ascontiguousarray(first.T), np.ascontiguousarray(second.T)

    def _choose_samples(self, canvas: np.ndarray) -> None:
        quarters = [canvas[0::2, 0::2], canvas[0::2, 1::2], canvas[1::2, 0::2], canvas[1::2, 1::2]]
        same = (quarters[0] == quarters[1]) & (quarters[2] == quarters[3]) & (quarters[0] == quarters[2])
        flat = same.ravel()
        self.inner, self.edges = np.flatnonzero(flat), np.flatnonzero(~flat)
        part = np.concatenate([quarters[0].ravel()[self.inner], *(q.ravel()[self.edges] for q in quarters)])
        order = np.argsort(self.material[part], kind="stable")
        self.back = np.empty_like(order)
        self.back[order] = np.arange(len(order))
        self.part = part[order]
        self.ends = np.searchsorted(self.material[self.part], np.arange(256), side="right")
        pixel = np.concatenate([self.inner, *([self.edges] * 4)])
        row, column = np.divmod(pixel.astype(np.int32), np.int32(self.width))
        down, right = np.full((2, len(order)), 0.5, np.float32)
        n, m = len(self.inner), len(self.edges)
        for i, (y, x) in enumerate(QUARTERS):
            down[n + i * m : n + (i + 1) * m], right[n + i * m : n + (i + 1) * m] = y, x
        camera, size = self.camera, 1 / self.height
        self.row, self.column = row[order], column[order]
        right += column  # kept in float32: int32 and float32 would make float64, at twice the cost all the way
        down += row
        side = (right[order] * size - 1) * (1 / camera.focal)
        self.ry = (camera.horizon - down[order] * size) * (1 / camera.focal)
        self.rx, self.rz = side * camera.cos + camera.sin, camera.cos - side * camera.sin

    def _slice(self, first: int, last: int) -> slice:
        """The samples of the materials from `first` to `last`."""
        return slice(int(self.ends[first - 1]) if first else 0, int(self.ends[last]))

    # -- light -----------------------------------------------------------------------------------------

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
        points, corners, dark = self.town.parts.cast(sun_x, sun_z, reach, trees=strong)
        image = Image.new("L", (self.width, self.height), 0)
        if len(points):
            pen = ImageDraw.Draw(image)
            keep = self.camera.depth(points[..., 0], points[..., 2]).min(axis=1) > 0.4
            points, corners, dark = points[keep], corners[keep], dark[keep]
            flat = self.camera.project(points.reshape(-1, 3)) * self.height - 0.5
            flat = flat.reshape(-1, 2 * parts_of.CORNERS)
            across = flat[:, ::2]
            seen = (across.min(axis=1) < self.width) & (across.max(axis=1) > 0)
            for numbers, n, ink in zip(flat[seen].tolist(), corners[seen].tolist(), dark[seen].tolist(), strict=True):
                pen.polygon(numbers[: 2 * n], fill=ink)
        return np.asarray(image)

    # -- sky and ground --------------------------------------------------------------------------------

    def paint_sky(self) -> None:
        here = self._slice(parts_of.SKY, parts_of.SKY)
        if here.stop:
            self.color[:, here] = self.weather.sky(self.rx[here], self.ry[here], self.rz[here], self.seed)

    def paint_ground(self) -> None:
        here = self._slice(parts_of.ASPHALT, parts_of.GRASS)
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
        start = here.start

        def within(material):
            found = self._slice(material, material)
            return slice(found.start - start, found.stop - start)

        road = within(parts_of.ASPHALT)
        self._mark_road(color[:, road], lateral[road], z[road], wide[road], long[road])
        paved = within(parts_of.PAVING)
        joint = line(lateral[paved] / 0.6, 0.06, 0.6 / wide[paved]) + line(z[paved] / 0.6, 0.06, 0.6 / long[paved])
        color[:, paved] *= 1 - 0.28 * np.minimum(joint, 1)
        grass = within(parts_of.GRASS)
        blades = noise_at("leaf", 120 * x[grass], 120 * z[grass])
        color[:, grass] *= 1 + near[grass] * (0.6 * blades - 0.3)
        shadow = self._cast_shadows()[self.row[here], self.column[here]] * np.float32(1 / 255)
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

    # -- what stands ---------------------------------------------------------------------------------------

    def _measure_parts(self) -> None:
        """Planes (1 / depth = plane · ray), normals and texture frames of all parts."""
        parts, camera = self.town.parts, self.camera
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
        share = parts.rows[:, 1] > parts_of.DISTANT
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
        material = parts.rows[:, 1]
        solid = (material >= surfaces.SPRITE_BOARDS) | (material == parts_of.METAL) | (material == parts_of.BARK)
        self.frame[11, 2:] = np.where(solid, 0.3 + 0.5 * facing, facing)

    def paint_upright(self) -> None:
        here = self._slice(parts_of.FACADE, 255)
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
        owner, material = self.owner[part], self.material[part].astype(np.int32)
        side = self.weather.direction[0] * camera.cos - self.weather.direction[1] * camera.sin
        jobs = [(self._slice(key, key), painter) for key, painter in surfaces.PAINTERS.items()]
        jobs.append((self._slice(parts_of.DISTANT + 1, 255), surfaces.sprite))
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

    # -- the whole -----------------------------------------------------------------------------------------

    def finish(self) -> np.ndarray:
        """Light, air, the mean of each pixel's samples, wet ground; float32 [3, H, W] in [-1, 1]."""
        weather = self.weather
        sky = self._slice(parts_of.SKY, parts_of.SKY)
        lit = slice(sky.stop, len(self.part))
        dim, glow = 1 - self.glow[lit], self.glow[lit]
        sun, shade = self.sunlit[lit] * dim, self.sky_light[lit] * dim
        for color, ambient, direct in zip(self.color, weather.ambient, weather.sun, strict=True):
            color[lit] *= shade * ambient + sun * direct + glow
        air = 1 - np.exp(-(0.0022 + 0.045 * weather.fog**1.5) * self.depth)
        air[sky] = min(1.2 * weather.fog, 0.95) * (1 - unit(self.ry[sky]))
        for color, haze in zip(self.color, weather.haze, strict=True):
            color += (haze - color) * air
        samples = pick(self.color, self.back)
        picture = np.empty((3, self.height * self.width), np.float32)
        n, m = len(self.inner), len(self.edges)
        mean = samples[:, n:].reshape(3, 4, m).mean(axis=1)
        for channel, one, four in zip(picture, samples, mean, strict=True):
            channel[self.inner] = one[:n]
            channel[self.edges] = four
        if weather.wetness > 0.05:
            self._reflect(picture)
        picture *= 2
        picture -= 1
        return np.clip(picture, -1, 1, out=picture).reshape(3, self.height, self.width)

    def _reflect(self, picture: np.ndarray) -> None:
        """A wet road mirrors what stands beyond it, more so far out."""
        samples = self._slice(parts_of.ASPHALT, parts_of.PAVING)
        index = np.unique(self.row[samples] * np.int32(self.width) + self.column[samples])
        row, column = np.divmod(index, np.int32(self.width))
        x, y = column.astype(np.float32) / self.height, row.astype(np.float32) / self.height
        ripple = (noise_at("leaf", 760 * x, 180 * y) - 0.5) * 0.03
        mirror = np.clip((2 * self.camera.horizon - y + ripple) * self.height, 0, self.height - 1).astype(np.int32)
        grazing = (1 - np.clip((y - self.camera.horizon) * 1.3, 0, 0.75)) ** 2
        puddle = 0.55 + 0.9 * (noise_at("cloud", 300 * x, 600 * y) - 0.5)
        weight = np.clip(self.weather.wetness * grazing * puddle * 0.75, 0, 0.8)
        wet = pick(picture, index) * np.float32(1 - 0.3 * self.weather.wetness)
        picture[:, index] = wet + (pick(picture, mirror * self.width + column) - wet) * weight

    def class_colors(self, canvas: np.ndarray) -> np.ndarray:
        """Each class's mean first paint over what is seen of it, float32 [19, 3]."""
        count = np.bincount(canvas[::2, ::2].ravel(), minlength=len(self.material)).astype(np.float32)
        first = self.first.copy()
        first[:, 0] = self.weather.zenith
        n = len(LABEL)
        total = np.bincount(self.label, count, minlength=n)
        mean = np.stack([np.bincount(self.label, count * channel, minlength=n) for channel in first], axis=1)
        return (mean / np.maximum(total, 1)[:, None]).astype(np.float32)
