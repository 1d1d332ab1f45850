"""Pictures of a town: from where each sample lies in it follow its paint, the sun and the shadow; any view alike."""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sempal_lib.worlds.crossview import surfaces
from sempal_lib.worlds.crossview.parts import MATERIAL, SPRITES
from sempal_lib.worlds.crossview.style import Place
from sempal_lib.worlds.crossview.town import Town
from sempal_lib.worlds.crossview.views import Sight, View
from sempal_lib.worlds.engine import Drawing, Samples, class_means, pick, unit
from sempal_lib.worlds.street.paints import ENTRIES, palettes
from sempal_lib.worlds.street.parts import MATERIAL as STREET_MATERIAL
from sempal_lib.worlds.street.surfaces import Surface, sprite

Array = np.ndarray
_STREETS = np.array([STREET_MATERIAL.get(name, STREET_MATERIAL["car side rear"]) for name in MATERIAL])
FIRST, SECOND = (table[_STREETS] for table in palettes())
SHADOWS = 320  # px a side of the picture from the sun
SUNNY = 124.0  # m across it


class Looks:
    """What a scene looks like, from wherever: the paints of its parts and the shadows.

    Attributes:
        first, second: paints of the parts, [3, parts]. look: six chances an object, [6, objects].
    """

    def __init__(self, town: Town, style: Place, rng: np.random.Generator):
        self.town, self.style, self.seed = town, style, float(rng.random())
        self.look = rng.random((6, town.owners), dtype=np.float32)
        look, material = pick(self.look, town.owner), town.materials
        entry = (look[0] * ENTRIES).astype(np.int32)
        first, second = FIRST[material, entry], SECOND[material, entry]
        for name, paint in style.plain.items():
            first[material == MATERIAL[name]] = paint
        other = (look[0] > 0.62)[:, None]
        for name, both in (
            ("facade", (style.wall_color, style.second_wall_color)),
            ("tiles", (style.roof_color, style.second_roof_color)),
            ("gravel", (style.roof_color, style.second_roof_color)),
        ):
            here = material == MATERIAL[name]
            first[here] = np.where(other, both[1], both[0])[here]
        sheets = material == MATERIAL["sheet"]
        flat = (town.frames[:, 7] == 0)[:, None]
        paints = np.where(flat, np.where(other, style.second_roof_color, style.roof_color),
                          np.where(other, style.second_wall_color, style.wall_color))  # fmt: skip
        first[sheets] = paints[sheets]
        first *= (0.88 + 0.24 * look[1])[:, None]
        self.first, self.second = np.ascontiguousarray(first.T), np.ascontiguousarray(second.T)

    @cached_property
    def sunwards(self) -> Array:
        """Towards the sun, of length 1, [3]."""
        x, z, tangent = self.style.direction
        return np.array([x, tangent, z]) / np.sqrt(1 + tangent**2)

    @cached_property
    def from_sun(self) -> Sight:
        """What the sun sees."""
        x, z, _ = self.style.direction
        right, ahead = np.array([z, 0.0, -x]), -self.sunwards
        up = np.cross(ahead, right)
        middle = np.array([0.0, 0.0, 26.0])
        return Sight(self.town, View(middle - 150 * ahead, right, up, ahead, SUNNY, (0.5, 0.5), False), SHADOWS, False)

    def sunshine(self, places: Array) -> Array:
        """Share of the sun's light that arrives at places [3, P], soft over two pixels."""
        sight = self.from_sun
        u, v, depth = sight.view.projected(places.T)
        column, row = u * SHADOWS - 0.5, v * SHADOWS - 0.5
        left, top = np.floor(column).astype(np.int32), np.floor(row).astype(np.int32)
        right_share, low_share = (column - left).astype(np.float32), (row - top).astype(np.float32)
        key, near = (0.35 - depth).astype(np.float32), sight.near.ravel()
        free = np.zeros(len(key), np.float32)
        for y, down in ((top, 1 - low_share), (top + 1, low_share)):
            y = np.clip(y, 0, SHADOWS - 1) * SHADOWS
            for x, across in ((left, 1 - right_share), (left + 1, right_share)):
                lit = near.take(y + np.clip(x, 0, SHADOWS - 1)) < key
                free += lit * (down * across)
        return free


class Picture:
    """One view's picture in the making: arrays over its samples.

    Args:
        looks: of the scene. sight: what is seen. height: of the picture, px.
    """

    def __init__(self, looks: Looks, sight: Sight, height: int):
        self.looks, self.sight, self.height = looks, sight, height
        self.drawing, town = Drawing(sight.canvas), looks.town
        self.town, self.samples = town, Samples(self.drawing.at(2 * height), town.materials.astype(np.uint8))
        samples = self.samples
        part = self.part = samples.part
        view = sight.view
        u, v = samples.right / np.float32(height), samples.down / np.float32(height)
        a, b, c = sight.planes.T
        key = a.take(part) * u + b.take(part) * v + c.take(part)
        key = np.minimum(np.maximum(key, sight.ends[0].take(part)), sight.ends[1].take(part))
        if view.perspective:
            key = np.maximum(key, np.float32(1e-3))
        self.rays = view.rays(u, v) + view.ahead[:, None].astype(np.float32)
        self.places = view.places(u, v, key)
        self.depth = 1 / key if view.perspective else np.full(len(part), np.float32(25))
        pixel = np.float32(view.scale / height)
        self.wide = self.depth * pixel if view.perspective else np.full(len(part), pixel)
        self.color = np.zeros((3, len(part)), np.float32)
        self.sunlit, self.glow = np.zeros((2, len(part)), np.float32)
        self.sky_light = np.ones(len(part), np.float32)

    def painted(self) -> Array:
        """The picture, float32 [3, H, W] in [-1, 1]."""
        sky, ground = self.samples.of(MATERIAL["sky"]), self.samples.of(1, 255)
        style = self.looks.style
        if sky.stop:
            x, y, z = self.rays[:, sky]
            self.color[:, sky] = style.sky(x, np.maximum(y, 1e-3), z, self.looks.seed)
        self._paint(ground)
        dim, glow = 1 - self.glow[ground], self.glow[ground]
        sun, shade = self.sunlit[ground] * dim, self.sky_light[ground] * dim
        for color, ambient, direct in zip(self.color, style.ambient, style.sun, strict=True):
            color[ground] *= shade * ambient + sun * direct + glow
        if self.sight.view.perspective:
            air = 1 - np.exp(-(0.0016 + 0.03 * style.fog) * self.depth[ground])
            for color, haze in zip(self.color, style.haze, strict=True):
                color[ground] += (haze - color[ground]) * air
        picture = self.samples.pixels(self.color)
        return np.clip(2.0 * picture - 1, -1, 1).astype(np.float32).reshape(3, self.height, self.height)

    def _paint(self, here: slice) -> None:
        """Paint and light of all but the sky."""
        town, looks, part = self.town, self.looks, self.part[here]
        places, view = self.places[:, here], self.sight.view
        frames = town.frames
        if len(self.sight.boards.points):
            frames = frames.copy()
            frames[town.first_board :] = self.sight.boards.frames
        frame = pick(np.ascontiguousarray(frames.T), part)
        off = places - frame[:3]
        s, v = (off * frame[3:6]).sum(0), (off * frame[6:9]).sum(0)
        normal = np.cross(frames[:, 6:9], frames[:, 3:6])
        self.color[:, here] = pick(looks.first, part)
        facing, slant = self._facing(normal, part, here)
        away = 0.12 * pick(np.ascontiguousarray(normal.T.astype(np.float32)), part)
        away *= np.where(slant < 0, -1, 1)
        free = looks.sunshine(places + away)
        self.sunlit[here] = facing * free
        self.sky_light[here] = np.where(part < town.first_solid, 0.92, np.minimum(0.74 + 0.05 * places[1], 1))
        sun = np.array([looks.sunwards @ axis for axis in (view.right, view.up, view.ahead)], np.float32)
        mirrored = (0.5 * (looks.style.zenith + looks.style.haze))[:, None]
        for name, number in MATERIAL.items():
            there = self.samples.of(number)
            if number == 0 or there.stop == there.start:
                continue
            a = slice(there.start - here.start, there.stop - here.start)
            surface = Surface(
                weather=looks.style, look=looks.look, sun_side=sun[0], part=part[a], owner=town.owner[part[a]],
                material=_STREETS[town.materials[part[a]]], depth=self.depth[there], wide=self.wide[there],
                slant=np.maximum(np.abs(slant[a]), 0.04), s=s[a], v=v[a], length=frame[9][a], tall=frame[10][a],
                color=self.color[:, there], second=looks.second, sunlit=self.sunlit[there], free=free[a],
                glow=self.glow[there], sky_light=self.sky_light[there], sun=sun, sky=mirrored, town=town,
                lies=frame[7][a] == 0,
            )  # fmt: skip
            self._surface(name, surface)

    def _surface(self, name: str, f: Surface) -> None:
        """Colour the samples of one material."""
        if name in SPRITES:
            if self.sight.view.perspective or name != "person":
                f.s, f.v = unit(f.s / f.length), unit(f.v / f.tall)
                f.tall = f.length = np.ones_like(f.s)
                sprite(f)
        elif name in surfaces.PAINTERS:
            surfaces.PAINTERS[name](f)

    def _facing(self, normal: Array, part: Array, here: slice) -> tuple[Array, Array]:
        """How far parts face the sun, 0 to 1, and the cosine to the line of sight, [P]; boards face it by half."""
        town, rays = self.town, self.rays[:, here]
        if not self.sight.view.perspective:
            rays = np.broadcast_to(self.sight.view.ahead.astype(np.float32)[:, None], rays.shape)
        toward = normal @ self.looks.sunwards
        toward[town.first_solid : town.first_board] = (town.normals * self.looks.sunwards).sum(-1)
        toward[town.first_board :] = 0.6
        n = pick(np.ascontiguousarray(normal.T.astype(np.float32)), part)
        slant = -(n * rays).sum(0) / np.sqrt((rays * rays).sum(0))
        return np.maximum(toward, 0).astype(np.float32).take(part), slant

    def item(self) -> dict[str, Tensor]:
        """Picture, layout and instances, as an item holds them."""
        town, height, of = self.town, self.height, self.drawing.of
        return {
            "image": torch.from_numpy(self.painted()),
            "layout": torch.from_numpy(of(town.labels.astype(np.int64), height)),
            "instances": torch.from_numpy(of(town.things.astype(np.int64), height)),
        }

    def class_colors(self) -> Array:
        """Each class's mean paint, before light, over what is seen of it, float32 [C, 3]."""
        first = self.looks.first.copy()
        first[:, 0] = self.looks.style.zenith
        count = np.bincount(self.part, minlength=len(self.town.labels)).astype(np.float32)
        return np.clip(class_means(self.town.labels, first, self.town.space.num_classes, count), 0, 1)
