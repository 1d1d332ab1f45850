"""Paints a town: what every pixel sees is worked out from its ray, then coloured by material, light and weather."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from sempal_lib.datasets import toy_street_colors as colors
from sempal_lib.datasets import toy_street_parts as parts_of
from sempal_lib.datasets.toy_street_colors import noise_at
from sempal_lib.datasets.toy_street_town import LABEL, Town
from sempal_lib.datasets.toy_street_weather import Weather

FLOOR = 3.1  # m a storey
FIRST, SECOND = colors.palettes()


@dataclass
class Pixels:
    """Some of the picture's pixels and what they see, all [P].

    index: their places in the flat picture. part: numbers of parts. depth: m. x, y, z: the points seen, m.
    """

    index: np.ndarray
    part: np.ndarray
    depth: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray


class Painting:
    """One scene's picture in the making; see `paint`."""

    def __init__(self, town: Town, weather: Weather, rng: np.random.Generator, canvas: np.ndarray):
        self.town, self.weather, self.camera = town, weather, town.camera
        self.height, self.width = canvas.shape
        self.seed = float(rng.random())
        parts, camera = town.parts, town.camera
        self.material = np.concatenate([[parts_of.SKY, parts_of.GRASS], parts.rows[:, 1]]).astype(np.int32)
        self.owner = np.concatenate([[0, 1], parts.rows[:, 3]]).astype(np.int32)
        self._choose_paints(rng)
        column = (np.arange(self.width, dtype=np.float32) + 0.5) / self.height
        row = (np.arange(self.height, dtype=np.float32) + 0.5) / self.height
        side = (column - 1) / camera.focal
        self.rx, self.rz = side * camera.cos + camera.sin, camera.cos - side * camera.sin
        self.ry = (camera.horizon - row) / camera.focal
        self.pixel = 1 / (camera.focal * self.height)  # width of a pixel at 1 m, m
        self.part = canvas.ravel()
        self.seen_material = self.material[self.part]
        n = self.part.size
        self.color = np.zeros((3, n), np.float32)
        self.sunlit = np.zeros(n, np.float32)  # share of the sun's light that arrives
        self.sky_light = np.ones(n, np.float32)
        self.glow = np.zeros(n, np.float32)  # share of its own light
        self.depth = np.full(n, 1e4, np.float32)

    def _choose_paints(self, rng: np.random.Generator) -> None:
        """First and second paint a part, [3, parts], and six chances an object."""
        self.chance = rng.random((self.town.parts.owners, 6)).astype(np.float32)
        chance = self.chance[self.owner]
        entry = (chance[:, 0] * colors.ENTRIES).astype(np.int32)
        # A town has few colours of facades and roofs.
        few = rng.integers(0, colors.ENTRIES, 4)
        built = np.isin(self.material, (parts_of.FACADE, parts_of.ROOF, parts_of.PAVING, parts_of.ASPHALT))
        entry = np.where(built, few[entry % 4], entry)
        shade = (0.86 + 0.28 * chance[:, 1])[:, None]
        first, second = FIRST[self.material, entry] * shade, SECOND[self.material, entry]
        leaves = self.material == parts_of.LEAVES
        turned = np.clip(2 * self.weather.autumn - chance[:, 2:3], 0, 1)
        first[leaves] += ((second - first) * turned)[leaves]
        self.first, self.second = np.ascontiguousarray(first.T), np.ascontiguousarray(second.T)

    # -- which point of which surface ------------------------------------------------------------------

    def ground_pixels(self) -> Pixels:
        index = np.flatnonzero((self.seen_material >= parts_of.ASPHALT) & (self.seen_material <= parts_of.GRASS))
        row, column = index // self.width, index % self.width
        depth = self.camera.height / np.maximum(-self.ry, 1e-3)
        depth = depth[row]
        x = self.camera.x + depth * self.rx[column]
        return Pixels(index, self.part[index], depth, x, np.zeros_like(x), depth * self.rz[column])

    def upright_pixels(self) -> Pixels:
        index = np.flatnonzero(self.seen_material >= parts_of.FACADE)
        part = self.part[index]
        row, column = index // self.width, index % self.width
        rx, ry, rz = self.rx[column], self.ry[row], self.rz[column]
        a, b, c = self.planes[:, part]
        depth = 1 / np.clip(a * rx + b * ry + c * rz, 1 / 400, 1 / 0.3)
        return Pixels(index, part, depth, self.camera.x + depth * rx, self.camera.height + depth * ry, depth * rz)

    def _measure_parts(self) -> None:
        """Planes (1 / depth = plane · ray), normals and texture frames of all parts."""
        parts, camera = self.town.parts, self.camera
        corners = parts.points[:, :3] - np.array([camera.x, camera.height, 0])
        u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        normal = np.stack([u[:, 1] * v[:, 2] - u[:, 2] * v[:, 1], u[:, 2] * v[:, 0] - u[:, 0] * v[:, 2],
                           u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]])  # fmt: skip
        size = np.sqrt((normal**2).sum(axis=0)) + 1e-9
        normal = normal / size
        offset = (normal * corners[:, 0].T).sum(axis=0)
        offset = np.where(np.abs(offset) < 1e-4, 1e-4, offset)
        two = np.zeros((3, 2), np.float32)
        self.planes = np.concatenate([two, normal / offset], axis=1).astype(np.float32)
        self.normals = np.concatenate([two, -normal * np.sign(offset)], axis=1).astype(np.float32)
        base = parts.base
        run = base[:, 2:4] - base[:, :2]
        length = np.sqrt((run**2).sum(axis=1)) + 1e-6
        # Sprites are measured in shares of the part, all else in metres.
        share = parts.rows[:, 1] > parts_of.DISTANT
        scale = np.where(share, length * length, length)
        high = np.where(share, np.maximum(base[:, 5] - base[:, 4], 1e-3), 1)
        frame = np.stack([run[:, 0] / scale, run[:, 1] / scale, (run * base[:, :2]).sum(axis=1) / scale, 1 / high,
                          base[:, 4] / high, length, base[:, 5] - base[:, 4]])  # fmt: skip
        self.frame = np.concatenate([np.zeros((7, 2)), frame], axis=1).astype(np.float32)

    # -- light -----------------------------------------------------------------------------------------

    def shade_from_houses(self, p: Pixels) -> np.ndarray:
        """Share of the sun that the houses of the sunny side let through, [P]."""
        town = self.town
        sun_x, sun_z, tangent = self.weather.direction
        if abs(sun_x) < 0.1:
            return np.ones_like(p.x)
        side = town.sides[1 if sun_x > 0 else 0]
        line = town.skylines[1 if sun_x > 0 else 0].astype(np.float32)
        lateral = p.x - np.float32(town.bend) * p.z * np.abs(p.z)
        way = (side.sign * (side.front + 0.3) - lateral) / sun_x
        behind = way < 0.5
        at = np.clip(p.z + way * sun_z + 10, 0, len(line) - 1).astype(np.int32)
        free = np.clip((p.y + way * tangent - line[at]) * 2 + 0.5, 0, 1)
        return np.where(behind, 1, free)

    def cast_shadows(self) -> np.ndarray:
        """Shadows on the ground of all that stands on it, [P], 1 in full shadow."""
        sun_x, sun_z, tangent = self.weather.direction
        strong = float(self.weather.sun.max()) > 0.12
        reach = min(1 / tangent, 4.0) if strong else 0.0
        points, corners, dark = self.town.parts.cast(sun_x, sun_z, reach, trees=strong)
        image = Image.new("L", (self.width, self.height), 0)
        pen = ImageDraw.Draw(image)
        depth = self.camera.depth(points[..., 0], points[..., 2])
        keep = depth.min(axis=1) > 0.4
        flat = (self.camera.project(points.reshape(-1, 3)) * self.height - 0.5).reshape(len(points), -1)
        for numbers, n, ink in zip(flat[keep].tolist(), corners[keep].tolist(), dark[keep].tolist(), strict=True):
            pen.polygon(numbers[: 2 * n], fill=ink)
        return np.asarray(image).ravel() * np.float32(1 / 255)

    # -- materials -------------------------------------------------------------------------------------

    def paint_ground(self) -> None:
        p = self.ground_pixels()
        if not len(p.index):
            return
        town, material = self.town, self.seen_material[p.index]
        lateral = p.x - np.float32(town.bend) * p.z * np.abs(p.z)
        near = np.clip(12 / p.depth, 0, 1)
        grain = (noise_at("grain", 40 * p.x, 40 * p.z) - 0.5) * near
        patches = noise_at("cloud", 6 * p.x, 2.5 * p.z) - 0.5
        tone = 1 + 0.16 * grain + 0.22 * patches
        color = self.first[:, p.part] * tone
        road = np.flatnonzero(material == parts_of.ASPHALT)
        self._mark_road(color, road, lateral[road], p.z[road], p.depth[road])
        paved = np.flatnonzero(material == parts_of.PAVING)
        if len(paved):
            wide = p.depth[paved] * self.pixel
            joint = _line(lateral[paved] / 0.6, 0.06, wide / 0.6) + _line(p.z[paved] / 0.6, 0.06, wide * p.depth[paved] / 0.8)
            color[:, paved] *= 1 - 0.28 * np.minimum(joint, 1)
        grass = np.flatnonzero(material == parts_of.GRASS)
        if len(grass):
            blades = noise_at("leaf", 28 * p.x[grass], 28 * p.z[grass]) - 0.5
            color[:, grass] *= 1 + 0.5 * blades * near[grass] + 0.25 * patches[grass]
        shadow = self.cast_shadows()[p.index]
        self.sunlit[p.index] = self.shade_from_houses(p) * (1 - shadow) * min(1.0, 0.35 + self.weather.direction[2])
        self.sky_light[p.index] = 1 - 0.45 * shadow
        self.color[:, p.index] = color
        self.depth[p.index] = p.depth

    def _mark_road(self, color, road, lateral, z, depth) -> None:
        """Lane lines, crosswalks and rails, painted over color[:, road]."""
        town, half = self.town, self.town.half_road
        wide = depth * self.pixel
        long = np.maximum(depth * wide / self.camera.height, wide)
        dashed = _band((z / 9) % 1, 0.0, 0.4, long / 9)
        paint = np.zeros_like(lateral)
        lines = [] if town.one_way else [(0.0, half < 6)]
        if half > 6:
            lines += [(0.52 * half, True), (-0.52 * half, True)]
        lines += [(side.sign * (half - 0.05), False) for side in town.sides if side.parking]
        for at, dash in lines:
            line = np.clip((0.08 - np.abs(lateral - at)) / wide + 0.5, 0, 1) * np.minimum(1, 0.16 / wide)
            paint = np.maximum(paint, line * dashed if dash else line)
        if town.crossing is not None:
            z0, z1 = town.crossing - 1.0, town.crossing + 2 * town.cross_half + 1.0
            free = _band(z, z0 - 4, z1 + 4, long)
            paint *= 1 - free
            inside = _band(np.abs(lateral), -1, half - 0.1, wide)
            stripes = _band((lateral / 1.1) % 1, 0.0, 0.5, wide / 1.1) * inside
            paint = np.maximum(paint, stripes * (_band(z, z0 - 3.2, z0, long) + _band(z, z1, z1 + 3.2, long)))
            paint = np.maximum(paint, _band(z, z0 - 4.6, z0 - 4.2, long) * _band(lateral, 0.0, half, wide))
        worn = 0.75 + 0.5 * (noise_at("leaf", 20 * lateral, 20 * z) - 0.5)
        color[:, road] += (np.float32(0.86) - color[:, road]) * (paint * worn)
        if town.tram:
            rails = np.zeros_like(lateral)
            for at in (-0.2 * half - 0.72, -0.2 * half + 0.72, 0.2 * half - 0.72, 0.2 * half + 0.72):
                rails = np.maximum(rails, np.clip((0.07 - np.abs(lateral - at)) / wide + 0.5, 0, 1) * np.minimum(1, 0.14 / wide))
            color[:, road] *= 1 - 0.55 * rails

    def paint_upright(self) -> None:
        self._measure_parts()
        p = self.upright_pixels()
        if not len(p.index):
            return
        material = self.seen_material[p.index]
        tx, tz, s0, high, low, length, tall = self.frame[:, p.part]
        s = p.x * tx + p.z * tz - s0
        v = p.y * high - low
        sun_x, sun_z, tangent = self.weather.direction
        towards = np.array([sun_x, tangent, sun_z]) / np.sqrt(1 + tangent * tangent)
        facing = np.maximum(towards.astype(np.float32) @ self.normals, 0)
        # Boards are round things in truth: light them by half from everywhere.
        round_ = (self.material >= SPRITE_ROUND) | (self.material == parts_of.METAL) | (self.material == parts_of.BARK)
        facing = np.where(round_, 0.3 + 0.5 * facing, facing)
        sunlit = facing[p.part] * self.shade_from_houses(p)
        color = self.first[:, p.part]
        sky_light = np.clip(0.72 + 0.07 * p.y, 0, 1)
        glow = np.zeros_like(s)
        for wanted, painter in ((parts_of.FACADE, self._facade), (parts_of.LEAVES, self._leaves), (parts_of.ROOF, self._roof),
                                (parts_of.WALL, self._bricks), (parts_of.FENCE, self._fence), (parts_of.DISTANT, self._distant)):  # fmt: skip
            here = np.flatnonzero(material == wanted)
            if len(here):
                painter(here, p, s, v, length, tall, color, sunlit, glow)
        here = np.flatnonzero(material > parts_of.DISTANT)
        if len(here):
            self._sprite(here, p, s, v, material, color, glow)
        self.color[:, p.index] = color
        self.sunlit[p.index], self.sky_light[p.index] = sunlit, sky_light
        self.glow[p.index], self.depth[p.index] = glow, p.depth

    def _facade(self, here, p, s, v, length, tall, color, sunlit, glow) -> None:
        """Rows of windows over a ground floor of doors and shops."""
        part, s, y, tall = p.part[here], s[here], v[here], tall[here]
        chance = self.chance[self.owner[part]].T
        wide = p.depth[here] * self.pixel
        slant = np.maximum(np.abs((self.normals[0][part] * self.rx[p.index[here] % self.width]
                                   + self.normals[2][part] * self.rz[p.index[here] % self.width])), 0.04)  # fmt: skip
        pitch = 1.7 + 1.6 * chance[2]
        shop = (tall > 8) & (chance[3] < 0.55)
        ground = np.where(tall > 8, np.float32(3.9), np.float32(0.2))
        across, up = s / pitch, (y - ground) / FLOOR
        blur_s, blur_y = wide / slant / pitch, wide / FLOOR
        margin = 0.2 + 0.12 * chance[4]
        fs, fy = across % 1, up % 1
        inside = _band(y, ground, tall - 0.5, wide)
        pane = _band(fs, margin, 1 - margin, blur_s) * _band(fy, 0.26, 0.8, blur_y) * inside
        frame = _band(fs, margin - 0.05, 1.05 - margin, blur_s) * _band(fy, 0.2, 0.84, blur_y) * inside
        bar = _line(fs - 0.5, 0.05, blur_s) * pane * 0.7
        grime = noise_at("cloud", 5 * s + 97 * chance[5] * 256, 5 * y) - 0.5
        trim = self.second[:, part]
        paint = color[:, here] * (1 + 0.16 * grime)
        bands = np.maximum(_band(y, tall - 0.55, tall + 1, wide), _line(up, 0.05, blur_y) * (chance[5] < 0.5) * inside * 0.7)
        paint += (trim * np.float32(0.92) - paint) * (bands * 0.55)
        # Ground floor: wide panes under a coloured board, or plain stone.
        low = y < ground
        shops = np.flatnonzero(low & (tall > 8))
        if len(shops):
            at, height = s[shops] / (1.6 * pitch[shops]), y[shops]
            w, ws = wide[shops], blur_s[shops] / 1.6
            is_shop = shop[shops]
            window = _band(at % 1, 0.1, 0.9, ws) * _band(height, 0.5, 2.7, w) * is_shop
            door = _band(at % 1, 0.38, 0.66, ws) * _band(height, 0.0, 2.4, w) * ~is_shop
            board = _band(height, 2.9, 3.5, w) * is_shop
            tint = self.chance[self.owner[part[shops]], 4]
            sign = np.stack([0.25 + 0.6 * tint, 0.25 + 0.5 * ((3 * tint) % 1), 0.3 + 0.5 * ((7 * tint) % 1)])
            stone = paint[:, shops] * np.float32(0.84)
            stone += (sign - stone) * board
            pane[shops], frame[shops], bar[shops] = np.maximum(window, door), np.maximum(window, door), 0
            paint[:, shops] = stone
        paint += (trim - paint) * (frame * 0.8)
        room = noise_at("grain", np.floor(across) * 17 + 251 * chance[5], np.floor(up) * 29 + 91)
        glass = self._glass(0.35 + 0.5 * room)
        paint += (glass - paint) * (pane * (1 - bar))
        color[:, here] = paint
        lit = (room < 0.4) | (low & shop)
        glow[here] = pane * (1 - bar) * lit * self.weather.lamps
        warm = np.array([1.0, 0.8, 0.45], np.float32)[:, None]
        color[:, here] += (warm - color[:, here]) * glow[here]
        sunlit[here] *= 1 - 0.6 * pane

    def _glass(self, bright) -> np.ndarray:
        return (0.32 * self.weather.zenith + 0.1)[:, None] * bright * np.float32(1.25)

    def _leaves(self, here, p, s, v, length, tall, color, sunlit, glow) -> None:
        """A crown: tufts at two sizes, light from above and from the sun's side."""
        part, s, y, tall, length = p.part[here], s[here], v[here], tall[here], length[here]
        size = 110 / np.clip(p.depth[here], 7, 40)
        seed = self.chance[self.owner[part], 3] * 256
        tuft = noise_at("leaf", s * size + seed, y * size) - 0.5
        clump = noise_at("leaf", s * size * 0.22 + seed, y * size * 0.22) - 0.5
        rise = np.clip(y / tall, 0, 1) - 0.5
        sun_x = self.weather.direction[0] * self.camera.cos
        lean = np.clip(s / length, 0, 1) - 0.5
        form = 0.8 * rise + 0.7 * sun_x * lean
        light = 1 + 0.55 * tuft + 0.75 * clump + 0.55 * rise
        color[:, here] *= np.maximum(light, 0.3)
        color[0, here] *= 1 + 0.35 * clump  # lit leaves are yellower
        sunlit[here] = np.clip(0.5 + form + 0.7 * clump, 0, 1) * self.shade_of(sunlit[here], here, p)

    def shade_of(self, sunlit, here, p) -> np.ndarray:
        q = Pixels(p.index[here], p.part[here], p.depth[here], p.x[here], p.y[here], p.z[here])
        return self.shade_from_houses(q)

    def _roof(self, here, p, s, v, length, tall, color, sunlit, glow) -> None:
        wide = p.depth[here] * self.pixel
        rows = _line(v[here] / 0.35, 0.22, wide / 0.35)
        stain = noise_at("cloud", 8 * s[here], 8 * v[here]) - 0.5
        color[:, here] *= 1 - 0.3 * rows + 0.25 * stain

    def _bricks(self, here, p, s, v, length, tall, color, sunlit, glow) -> None:
        wide = p.depth[here] * self.pixel
        s, y = s[here], v[here]
        course = np.floor(y / 0.3)
        joint = np.maximum(_line(y / 0.3, 0.1, wide / 0.3), _line(s / 0.6 + 0.5 * course, 0.07, wide / 0.3))
        stain = noise_at("cloud", 6 * s, 6 * y) - 0.5
        color[:, here] *= 1 - 0.25 * joint + 0.3 * stain
        cap = _band(y, tall[here] - 0.15, tall[here] + 1, wide)
        color[:, here] += (np.float32(0.66) - color[:, here]) * (0.7 * cap)

    def _fence(self, here, p, s, v, length, tall, color, sunlit, glow) -> None:
        """Pickets and two rails before dark green."""
        wide = p.depth[here] * self.pixel
        s, y, tall = s[here], v[here], tall[here]
        post = np.maximum(_band((s / 0.3) % 1, 0.2, 0.75, 2 * wide / 0.3), _line(y / tall * 2 - 0.5, 0.12, wide / tall))
        back = self.second[:, p.part[here]]
        color[:, here] = back + (color[:, here] - back) * post

    def _distant(self, here, p, s, v, length, tall, color, sunlit, glow) -> None:
        pane = _band((s[here] / 5) % 1, 0.3, 0.7, 0.3) * _band((v[here] / 3.4) % 1, 0.3, 0.7, 0.3)
        color[:, here] *= 1 - 0.35 * pane

    def _sprite(self, here, p, s, v, material, color, glow) -> None:
        """Vehicles, people, signs: looked up in a small picture of codes."""
        n = colors.SPRITE_SIZE
        column = np.clip(s[here] * n, 0, n - 1).astype(np.int32)
        row = np.clip(v[here] * n, 0, n - 1).astype(np.int32)
        code = colors.sprites()[((material[here] - parts_of.DISTANT - 1) * n + row) * n + column]
        fixed = colors.FIXED[:, code]
        paint = np.where(code == colors.PAINT, color[:, here], fixed)
        paint = np.where(code == colors.SECOND, self.second[:, p.part[here]], paint)
        glass = code == colors.GLASS
        sheen = self._glass(0.35 + 1.1 * np.clip(v[here], 0, 1))
        paint = np.where(glass, sheen, paint)
        # Bodies are rounder than their boards: darker low down, a light edge under the windows.
        body = (code == colors.PAINT) & (material[here] < SPRITE_ROUND)
        paint *= np.where(body, 0.78 + 0.4 * np.clip(v[here], 0, 0.65) / 0.65, 1)
        color[:, here] = paint
        signal = (material[here] == parts_of.SPRITE["red light"]) | (material[here] == parts_of.SPRITE["green light"])
        vehicle_lamp = colors.GLOWING[code] & (material[here] < SPRITE_ROUND)
        lamp = material[here] == parts_of.SPRITE["lamp"]
        glow[here] = np.where(signal, colors.GLOWING[code] * 0.9, (vehicle_lamp | lamp) * self.weather.lamps)

    # -- the whole ---------------------------------------------------------------------------------------

    def finish(self) -> np.ndarray:
        """Light, sky, air, wet road; then the picture at half the size, float32 [3, H, W] in [-1, 1]."""
        weather = self.weather
        light = weather.ambient[:, None] * self.sky_light + weather.sun[:, None] * self.sunlit
        color = self.color * (light + (1 - light) * self.glow) if weather.lamps > 0 or self.glow.any() else self.color * light
        above = np.flatnonzero(self.seen_material == parts_of.SKY)
        row, column = above // self.width, above % self.width
        if len(above):
            color[:, above] = weather.sky(self.rx[column], self.ry[row], self.rz[column], self.seed)
        air = 1 - np.exp(-(0.0022 + 0.045 * weather.fog**1.5) * self.depth)
        air[above] = np.minimum(1.2 * weather.fog, 0.95) * (1 - np.clip(self.ry[row], 0, 1))
        color += (weather.haze[:, None] - color) * air
        if weather.wetness > 0.05:
            self._reflect(color)
        picture = color.reshape(3, self.height, self.width)
        half = picture[:, ::2] + picture[:, 1::2]
        half = half[..., ::2] + half[..., 1::2]
        return np.clip(0.5 * half - 1, -1, 1)

    def _reflect(self, color: np.ndarray) -> None:
        """A wet road mirrors what stands beyond it, more so far out."""
        index = np.flatnonzero((self.seen_material == parts_of.ASPHALT) | (self.seen_material == parts_of.PAVING))
        row, column = index // self.width, index % self.width
        ripple = (noise_at("leaf", 3.0 * column, 0.7 * row) - 0.5) * 0.03 * self.height
        mirror = 2 * self.camera.horizon * self.height - row + ripple
        mirror = np.clip(mirror, 0, self.height - 1).astype(np.int32)
        grazing = (1 - np.clip((row / self.height - self.camera.horizon) * 1.3, 0, 0.75)) ** 2
        puddle = 0.55 + 0.9 * (noise_at("cloud", 5 * column / self.height * 60, 5 * row / self.height * 120) - 0.5)
        weight = np.clip(self.weather.wetness * grazing * puddle * 0.75, 0, 0.8)
        wet = color[:, index] * np.float32(1 - 0.3 * self.weather.wetness)
        color[:, index] = wet + (color[:, mirror * self.width + column] - wet) * weight


SPRITE_ROUND = parts_of.SPRITE["person"]  # sprites from here on are boards, before it vehicles


def _band(x, low, high, blur):
    """1 where low < x < high, softened over `blur`: what a pixel of that width sees of it."""
    edge = 1 / np.maximum(blur, 1e-4)
    seen = np.clip((x - low) * edge + 0.5, 0, 1) * np.clip((high - x) * edge + 0.5, 0, 1)
    return seen


def _line(x, width, blur):
    """Lines of a share `width` at whole numbers of x; they fade into their mean as pixels grow wider than them."""
    off = np.abs((x + 0.5) % 1 - 0.5)
    edge = 1 / np.maximum(blur, 1e-4)
    return np.clip((width / 2 - off) * edge + 0.5, 0, 1) * np.minimum(1, width * edge)


def paint(town: Town, weather: Weather, rng: np.random.Generator, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Paint a town.

    Args:
        canvas: numbers of parts as `draw` gives them, int [2H, 4H]; the picture has half its size.
    Returns:
        The picture, float32 [3, H, W] in [-1, 1], and each class's mean paint, float32 [19, 3] in 0 to 1.
    """
    painting = Painting(town, weather, rng, canvas)
    painting.paint_ground()
    painting.paint_upright()
    picture = painting.finish()
    count = np.bincount(painting.part, minlength=len(painting.material)).astype(np.float32)
    label = np.concatenate([[LABEL["sky"], LABEL["terrain"]], town.parts.rows[:, 0]]).astype(int)
    first = painting.first.copy()
    first[:, 0] = weather.zenith
    total = np.bincount(label, count, minlength=len(LABEL))
    mean = np.stack([np.bincount(label, count * channel, minlength=len(LABEL)) for channel in first], axis=1)
    return picture, (mean / np.maximum(total, 1)[:, None]).astype(np.float32)
