"""The polygons that a toy street is made of: camera, walls, boards that face the camera, vehicles.

World: x to the right, y up, z along the street, in metres; the ground is y = 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.worlds.engine import Dice, Drawing, drawn_height, fill
from sempal_lib.worlds.street import shapes
from sempal_lib.worlds.street.shapes import CORNER_NUMBERS, CORNERS, OUTLINE, OUTLINE_CORNERS, OUTLINES

Array = np.ndarray
Made = tuple[Array, Any, Any, Any]  # points, number of corners, base and columns of rows, as in `Parts`
NEAR = 0.5  # m in front of the camera; nothing nearer is drawn
LAYER_DEPTH = 1000  # m; scenes are shallower, so a layer never mixes with the next
STREET = 5  # layer of what stands between the property lines
RAGGED = 9  # points along the upper edge of a hedge
# Where the corners of a wall lie along its foot, by the number of points on its upper edge.
PLACES = {upper: np.concatenate([[0.0, 1.0], np.linspace(1, 0, upper)]) for upper in (2, RAGGED)}

LABEL = {name: i for i, name in enumerate(CITYSCAPES_19.names)}
# Materials: what the painter does with a polygon; after "distant" come the sprites, vehicles first.
SPRITES = (
    "car rear", "car front", "car side rear", "car side front", "bus rear", "bus front", "bus side",
    "truck rear", "truck front", "truck side", "tram end", "tram side", "person", "rider", "wheel", "frame",
    "red light", "green light", "round sign", "warning sign", "blue sign", "direction sign", "lamp",
)  # fmt: skip
_SURFACES = ("sky", "asphalt", "paving", "kerb", "grass", "facade", "roof", "leaves", "bark", "wall", "fence", "metal",
             "distant")  # fmt: skip
MATERIAL = {name: i for i, name in enumerate((*_SURFACES, *SPRITES))}
# Rows as in `Parts` for what is there before any part: the sky and the bare ground.
BACKGROUND = np.array(
    [[LABEL["sky"], MATERIAL["sky"], 0, 0, 0], [LABEL["terrain"], MATERIAL["grass"], 0, 1, 0]], dtype=float
)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in a street.

    Args:
        x, height: place, m. yaw: turned right by so many radians. focal: focal length in image heights.
        horizon: the horizon's row, in image heights from the top.
    """

    x: float
    height: float
    yaw: float
    focal: float
    horizon: float

    @cached_property
    def sin(self) -> float:
        return float(np.sin(self.yaw))

    @cached_property
    def cos(self) -> float:
        return float(np.cos(self.yaw))

    def depth(self, x, z):
        """Distance from the camera's plane, m."""
        return (x - self.x) * self.sin + z * self.cos

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points [N, 3] to (column, row) [N, 2] in image heights; the image is 2 wide, 1 high."""
        x = points[:, 0] - self.x
        scale = self.focal / np.maximum(x * self.sin + points[:, 2] * self.cos, 0.1)
        image = np.empty((len(points), 2))
        image[:, 0] = 1 + (x * self.cos - points[:, 2] * self.sin) * scale
        image[:, 1] = self.horizon + (self.height - points[:, 1]) * scale
        return image


class Parts(Dice):
    """The polygons of one scene, which rolls the dice for what it has.

    `wall`, `board`, `vehicle` and `ground` note what is wanted; `finish` makes all polygons of one kind
    together, because numpy costs by the call. After it:

        points [N, 22, 3], corners [N]: each polygon's first `corners` points count.
        rows [N, 5]: label (class), material, order (drawn from low to high), owner (the parts of one object
            share their colours), thing (instance, 0 for none).
        labels, materials, owner, things [N + 2]: the same columns, after the sky's and the bare ground's.
        base [N, 6]: x and z of the start and of the end of its foot, then its lowest and highest y; the painter
            measures textures along it.
    """

    def __init__(self, camera: Camera):
        self.camera = camera
        self.owners, self._things = 2, 0  # owners 0 and 1 are the sky and the bare ground
        self._grounds: list[tuple] = []
        self._vehicles: list[tuple] = []
        self._walls: list[Array] = []
        self._tops: list[Array] = []
        self._boards: list[Array] = []
        self._crowns: list[Array] = []

    def own(self, count: int = 1) -> Array:
        """Numbers for `count` new objects."""
        self.owners += count
        return np.arange(self.owners - count, self.owners)

    def instances(self, count: int) -> Array:
        """Numbers for `count` new things."""
        self._things += count
        return np.arange(self._things - count, self._things) + 1

    def ground(self, inner: Array, outer: Array, label: str, material: str, order: float) -> None:
        """A flat polygon between two edges, each x and z of 10 points."""
        row = (LABEL[label], MATERIAL[material], order - 2 * LAYER_DEPTH, self.own()[0], 0)
        self._grounds.append((inner, outer[:, ::-1], row))

    def wall(self, foot: Array, low, high, label: str, material: str, layer: float, owner=None, top=None, lean=None,
             bias: float = 0.0) -> None:  # fmt: skip
        """Upright quadrilaterals over a foot line, cut off at the near plane.

        Args:
            foot: x, z of the start and of the end, [4, n]. low, high: y, [n] or scalar.
            owner: numbers of the objects; None: each is its own. bias: m nearer in the order of drawing.
            top: relative heights of 9 points along the upper edge, [n, 9]; None for a straight edge.
            lean: (dx, dz) by which the upper edge lies behind the lower, [2, n]: a roof.
        """
        n = foot.shape[1]
        if not n:
            return
        block = np.zeros((13, n))
        block[:4], block[4], block[5], block[6], block[7] = foot, low, high, LABEL[label], MATERIAL[material]
        block[8], block[9], block[10] = layer, self.own(n) if owner is None else owner, bias
        if lean is not None:
            block[11:] = lean
        self._walls.append(block)
        self._tops.append(np.full((n, RAGGED), np.nan) if top is None else top)

    def board(self, outline: str, x: Array, z: Array, low, width, height, label: str, material: str, owner, thing=0,
              bias: float = 0.0, layer: float = STREET, crown: Array | None = None) -> None:  # fmt: skip
        """Flat shapes that face the camera.

        Args:
            outline: name of the outline; of "crown" the corners themselves, [n, 22, 2], come as `crown`.
            x, z: place of the foot, [n]. low, width, height: m, [n] or scalar.
        """
        if not len(x):
            return
        block = np.empty((12, len(x)))
        block[0], block[1], block[2], block[3], block[4] = x, z, low, width, height
        block[5], block[6], block[7], block[8] = LABEL[label], MATERIAL[material], layer, owner
        block[9], block[10], block[11] = thing, bias, OUTLINE[outline]
        self._boards.append(block)
        if crown is not None:
            self._crowns.append(crown)

    def vehicle(self, profile: str, x, z, heading, size, label: str, end: str, flank: str) -> None:
        """One vehicle: the side that is seen, and the end if it is seen.

        Args:
            x, z: middle of the nearer end's foot. heading: from there to the far end, radians right of z.
            size: length, width and height. end, flank: materials.
        """
        looks = LABEL[label], MATERIAL[end], MATERIAL[flank], STREET
        numbers = self.own()[0], self.instances(1)[0], shapes.PROFILE[profile]
        self._vehicles.append((x, z, heading, *size, *looks, *numbers))

    def finish(self) -> None:
        """Make the polygons."""
        made = [self._make_grounds(), *self._make_walls()]
        if self._boards:
            made.append(self._make_boards())
        if self._vehicles:
            made += self._make_vehicles()
        n = sum(len(points) for points, *_ in made)
        self.points, self.base = np.zeros((n, CORNERS, 3)), np.zeros((n, 6))
        self.rows, self.corners = np.empty((n, 5)), np.empty(n, dtype=np.int64)
        at = 0
        for points, corners, base, columns in made:
            here = slice(at, at + len(points))
            self.points[here, : points.shape[1]], self.corners[here], self.base[here] = points, corners, base
            for i, column in enumerate(columns):
                self.rows[here, i] = column
            at += len(points)
        columns = np.concatenate([BACKGROUND, self.rows]).T.astype(np.int32)
        self.labels, self.materials, _, self.owner, self.things = columns

    def draw(self, height: int) -> Drawing:
        """The parts from back to front, over the sky (0) and the bare ground (1); the scene's own count from 2."""
        size = drawn_height(height)
        flat, seen = self.flattened(self.points, self.corners, size)
        order = np.argsort(self.rows[:, 2], kind="stable")
        order = order[seen[order]]
        # Filling bytes is twice as fast as filling integers, and few scenes show more than 254 parts.
        image = Image.new("L" if len(order) <= 254 else "I", (2 * size, size), 0)
        ImageDraw.Draw(image).rectangle((0, round(self.camera.horizon * size), 2 * size, size), fill=1)
        fill(image, flat, self.corners, order, list(range(2, len(order) + 2)))
        return Drawing(np.asarray(image), np.concatenate([[0, 1], order + 2]))

    def flattened(self, points: Array, corners: Array, size: int) -> tuple[Array, Array]:
        """All polygons' corners in a picture of `size` px, (column, row) [C, 2], and which polygons are seen, [N]."""
        flat = self.camera.project(points[CORNER_NUMBERS < corners[:, None]]) * size - 0.5
        starts = np.cumsum(corners) - corners
        low, high = np.minimum.reduceat(flat, starts), np.maximum.reduceat(flat, starts)
        seen = (low[:, 0] < 2 * size) & (high[:, 0] > 0) & (low[:, 1] < size) & (high[:, 1] > 0)
        return flat, seen

    def cast(self, sun_x: float, sun_z: float, reach: float, trees: bool) -> tuple[Array, Array, Array]:
        """Shadows on the ground: points [n, 22, 3], corners [n], darkness [n] in 0 to 255.

        Args:
            sun_x, sun_z: direction of the sun, of unit length. reach: a shadow's length a metre of height.
            trees: whether boards cast any, too.
        """
        points, corners, dark = [np.zeros((0, CORNERS, 3))], [np.zeros(0, int)], [np.zeros(0, int)]
        if trees and self._boards:
            x, z, low, width, height, _, _, layer, _, _, _, outline = np.concatenate(self._boards, axis=1)
            corner, kind = self._board_corners(outline)
            # Turned to face the sun, laid down away from it.
            across, up = corner[..., 0] * width[:, None], low[:, None] + corner[..., 1] * height[:, None]
            laid = np.zeros((len(x), CORNERS, 3))
            laid[..., 0] = x[:, None] + sun_z * across - sun_x * reach * up
            laid[..., 2] = z[:, None] - sun_x * across - sun_z * reach * up
            points.append(laid[layer >= 3])
            corners.append(OUTLINE_CORNERS[kind][layer >= 3])
            dark.append(np.full(len(points[-1]), 215))
        if self._vehicles:
            foot, height = self.footprints
            middle = foot.mean(axis=1, keepdims=True)
            away = np.array([-sun_x, -sun_z])
            far = ((foot - middle) @ away > 0)[..., None]
            laid = np.zeros((len(foot), CORNERS, 3))
            laid[:, :4, ::2] = foot + far * (away * reach * height[:, None, None] + 0.12 * (foot - middle))
            laid[:, 4:] = laid[:, 3:4]
            points.append(laid)
            corners.append(np.full(len(foot), 4))
            dark.append(np.full(len(foot), 235))
        return np.concatenate(points), np.concatenate(corners), np.concatenate(dark)

    def _board_corners(self, outline: Array) -> tuple[Array, Array]:
        kind = outline.astype(int)
        corners = OUTLINES[kind]
        if self._crowns:
            corners[kind == OUTLINE["crown"]] = np.concatenate(self._crowns)
        return corners, kind

    def _make_grounds(self) -> Made:
        points = np.zeros((len(self._grounds), 20, 3))
        edges = np.array([(inner, outer) for inner, outer, _ in self._grounds])  # [n, 2 edges, x and z, 10]
        points[..., 0] = edges[:, :, 0].reshape(-1, 20)
        points[..., 2] = edges[:, :, 1].reshape(-1, 20)
        return points, 20, 0.0, np.array([row for *_, row in self._grounds]).T

    def _make_walls(self) -> Iterator[Made]:
        blocks, tops = np.concatenate(self._walls, axis=1), np.concatenate(self._tops)
        xa, za, xb, zb = blocks[:4]
        depth_a, depth_b = self.camera.depth(xa, za), self.camera.depth(xb, zb)
        seen = np.maximum(depth_a, depth_b) > NEAR
        straight = np.isnan(tops[:, 0])
        run = depth_b - depth_a
        cut = (NEAR - depth_a) / np.where(np.abs(run) < 1e-6, 1e-6, run)
        start, end = np.where(depth_a < NEAR, cut, 0.0), np.where(depth_b < NEAR, cut, 1.0)
        order = LAYER_DEPTH * blocks[8] - (depth_a + depth_b) / 2 + blocks[10]
        for chosen, upper in ((seen & straight, 2), (seen & ~straight, RAGGED)):
            block, a, b = blocks[:, chosen, None], start[chosen, None], end[chosen, None]
            along = a + (b - a) * PLACES[upper]
            points = np.empty((along.shape[0], upper + 2, 3))
            points[..., 0] = block[0] + (block[2] - block[0]) * along
            points[..., 2] = block[1] + (block[3] - block[1]) * along
            points[:, :2, 1] = block[4]
            points[:, 2:, 1] = block[5] if upper == 2 else block[4] + (block[5] - block[4]) * tops[chosen]
            points[:, 2:, 0] += block[11]
            points[:, 2:, 2] += block[12]
            columns = blocks[:, chosen]
            yield points, upper + 2, columns[:6].T, (columns[6], columns[7], order[chosen], columns[9], 0)

    def _make_boards(self) -> Made:
        camera = self.camera
        columns = np.concatenate(self._boards, axis=1)
        x, z, low, width, height, label, material, layer, owner, thing, bias, outline = columns
        corners, kind = self._board_corners(outline)
        across = corners[..., 0] * width[:, None]
        points = np.empty((len(x), CORNERS, 3))
        points[..., 0] = x[:, None] + camera.cos * across
        points[..., 1] = low[:, None] + corners[..., 1] * height[:, None]
        points[..., 2] = z[:, None] - camera.sin * across
        dx, dz = camera.cos * width / 2, -camera.sin * width / 2
        base = np.array([x - dx, z - dz, x + dx, z + dz, low, low + height]).T
        order = LAYER_DEPTH * layer - camera.depth(x, z) + bias
        return points, OUTLINE_CORNERS[kind], base, (label, material, order, owner, thing)

    def _make_vehicles(self) -> Iterator[Made]:
        x, z, heading, length, width, height, label, end, flank, layer, owner, thing, kind = np.array(self._vehicles).T
        kind = kind.astype(int)
        n = len(x)
        foot = np.stack([x, z], axis=1)
        ahead = np.stack([np.sin(heading), np.cos(heading)], axis=1)
        right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
        to_camera = np.array([self.camera.x, 0.0]) - foot
        side = np.where((right * to_camera).sum(axis=1) < 0, -1.0, 1.0)[:, None]
        outline = shapes.PROFILES[kind]
        middle = foot[:, None] + (outline[..., 0] * length[:, None])[..., None] * ahead[:, None]
        offset = (shapes.HALF_WIDTHS[kind] * width[:, None])[..., None] * right[:, None]
        y = outline[..., 1] * height[:, None]
        order = LAYER_DEPTH * layer - self.camera.depth(x, z)
        points = np.empty((n, 8, 3))
        points[..., ::2], points[..., 1] = middle + side[..., None] * offset, y
        near = foot + side * (width / 2)[:, None] * right
        heights = np.stack([np.zeros(n), height], axis=1)
        base = np.concatenate([near, near + length[:, None] * ahead, heights], axis=1)
        yield points, 8, base, (label, flank, order, owner, thing)
        far = foot + length[:, None] * ahead
        half = (width / 2)[:, None] * right
        self.footprints = np.stack([foot - half, foot + half, far + half, far - half], axis=1), height
        # The faces of the end, where it turns towards the camera.
        faces = shapes.FACES[kind]
        who, which = np.nonzero((faces[..., 1] > 0) & ((ahead * to_camera).sum(axis=1) < -0.1)[:, None])
        a, b = faces[who, which].T
        points = np.empty((len(who), 4, 3))
        for corner, (place, sign) in enumerate(((a, -1), (a, 1), (b, 1), (b, -1))):
            points[:, corner, ::2] = middle[who, place] + sign * offset[who, place]
            points[:, corner, 1] = y[who, place]
        base = np.concatenate([foot - half, foot + half, heights], axis=1)[who]
        yield points, 4, base, (label[who], end[who], order[who] + 0.01 * (which + 1), owner[who], thing[who])
