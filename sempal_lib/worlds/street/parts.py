"""The polygons that a toy street is made of: camera, walls, boards that face the camera, vehicles.

World: x to the right, y up, z along the street, in metres; the ground is y = 0.
"""

from dataclasses import dataclass

import numpy as np

NEAR = 0.5  # m in front of the camera; nothing nearer is drawn
LAYER_DEPTH = 1000  # m; scenes are shallower, so a layer never mixes with the next

# Materials: what the painter does with a polygon. Sprites follow the last one.
SKY, ASPHALT, PAVING, KERB, GRASS, FACADE, ROOF, LEAVES, BARK, WALL, FENCE, METAL, DISTANT = range(13)
SPRITES = (
    "car rear", "car front", "car side rear", "car side front", "bus rear", "bus front", "bus side",
    "truck rear", "truck front", "truck side", "tram end", "tram side", "person", "rider", "wheel", "frame",
    "red light", "green light", "round sign", "warning sign", "blue sign", "direction sign", "lamp",
)  # fmt: skip
SPRITE = {name: DISTANT + 1 + i for i, name in enumerate(SPRITES)}


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

    def __post_init__(self):
        object.__setattr__(self, "sin", float(np.sin(self.yaw)))
        object.__setattr__(self, "cos", float(np.cos(self.yaw)))

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


# Side profiles (along the length from the end that is seen, height), in units of length and height; 8 corners each.
_PROFILES = {
    "car rear": [(0, 0), (0, 0.62), (0.03, 0.68), (0.15, 1), (0.62, 1), (0.78, 0.64), (1, 0.52), (1, 0)],
    "car front": [(0, 0), (0, 0.5), (0.23, 0.64), (0.4, 1), (0.84, 1), (0.97, 0.68), (1, 0.6), (1, 0)],
    "van rear": [(0, 0), (0, 0.5), (0.02, 0.97), (0.04, 1), (0.76, 1), (0.9, 0.56), (1, 0.46), (1, 0)],
    "van front": [(0, 0), (0, 0.44), (0.1, 0.54), (0.24, 1), (0.96, 1), (0.98, 0.97), (1, 0.5), (1, 0)],
    "truck rear": [(0, 0.04), (0, 1), (0.76, 1), (0.76, 0.8), (0.79, 0.8), (0.96, 0.75), (1, 0.4), (1, 0)],
    "truck front": [(0, 0), (0, 0.4), (0.03, 0.75), (0.2, 0.8), (0.24, 0.8), (0.24, 1), (1, 1), (1, 0.04)],
    "box": [(0, 0), (0, 0.5), (0, 0.97), (0.01, 1), (0.99, 1), (1, 0.97), (1, 0.5), (1, 0)],
}  # fmt: skip
# The faces seen from the end, by profile corners: a lower panel, then what leans back above it.
_FACES = {
    "car rear": ((0, 1), (1, 2), (2, 3)),
    "car front": ((0, 1), (1, 2), (2, 3)),
    "van rear": ((0, 1), (1, 2), (2, 3)),
    "van front": ((0, 1), (1, 2), (2, 3)),
    "truck rear": ((0, 1),),
    "truck front": ((0, 1), (1, 2)),
    "box": ((0, 3),),
}
_TAPER = {"car rear": 0.8, "car front": 0.8, "van rear": 0.92, "van front": 0.9}  # width of the roof
PROFILE = {name: i for i, name in enumerate(_PROFILES)}
PROFILES = np.array(list(_PROFILES.values()))
FACES = np.array([[*faces, *[(0, 0)] * (3 - len(faces))] for faces in _FACES.values()])  # (0, 0): none
ROOFS = np.array([_TAPER.get(name, 1.0) for name in _PROFILES])
HALF_WIDTHS = 0.5 * (1 - (1 - ROOFS[:, None]) * np.clip((PROFILES[..., 1] - 0.66) / 0.34, 0, 1))


def _circle(corners: int) -> list[tuple[float, float]]:
    angle = np.arange(corners) * (2 * np.pi / corners)
    return list(zip(0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle), strict=True))


# Outlines of boards: across from -0.5 to 0.5, up from 0 to 1.
_OUTLINES = {
    "bar": [(-0.5, 0), (0.5, 0), (0.5, 1), (-0.5, 1)],
    "trunk": [(-0.5, 0), (0.5, 0), (0.3, 1), (-0.3, 1)],
    "triangle": [(-0.5, 0), (0.5, 0), (0, 1)],
    "disc": _circle(12),
    "walking": [(-0.42, 0), (-0.26, 0), (0.02, 0.4), (0.24, 0), (0.44, 0.02), (0.24, 0.46), (0.42, 0.5), (0.36, 0.78),
                (0.14, 0.84), (0.17, 0.93), (0.08, 1), (-0.08, 1), (-0.17, 0.93), (-0.14, 0.84), (-0.36, 0.78),
                (-0.44, 0.48), (-0.26, 0.46)],
    "standing": [(-0.3, 0), (0.3, 0), (0.26, 0.46), (0.46, 0.46), (0.42, 0.78), (0.15, 0.84), (0.19, 0.93), (0.09, 1),
                 (-0.09, 1), (-0.19, 0.93), (-0.15, 0.84), (-0.42, 0.78), (-0.46, 0.46), (-0.26, 0.46)],
    "riding": [(-0.16, 0), (0.16, 0), (0.34, 0.3), (0.3, 0.42), (0.46, 0.5), (0.4, 0.74), (0.16, 0.8), (0.2, 0.92),
               (0.1, 1), (-0.1, 1), (-0.2, 0.92), (-0.16, 0.8), (-0.4, 0.74), (-0.46, 0.5), (-0.3, 0.42),
               (-0.34, 0.3)],
    "bicycle": [(-0.3, 0.25), (0.05, 0.25), (0.3, 0.4), (0.28, 1), (0.2, 1), (0.18, 0.84), (-0.16, 0.8), (-0.24, 0.9)],
    "motorcycle": [(-0.36, 0.1), (0.3, 0.1), (0.42, 0.55), (0.2, 1), (0.12, 0.9), (0.1, 0.7), (-0.46, 0.72),
                   (-0.4, 0.5)],
    "crown": [(0, 0)] * 22,  # each tree brings its own
}  # fmt: skip
CORNERS = 22
OUTLINE = {name: i for i, name in enumerate(_OUTLINES)}
OUTLINE_CORNERS = np.array([len(outline) for outline in _OUTLINES.values()])
OUTLINES = np.array([outline + [(0, 0)] * (CORNERS - len(outline)) for outline in _OUTLINES.values()])
RAGGED = 9  # points along the upper edge of a hedge
# Where the corners of a wall lie along its foot, by the number of points on its upper edge.
PLACES = {upper: np.concatenate([[0.0, 1.0], np.linspace(1, 0, upper)]) for upper in (2, RAGGED)}


class Parts:
    """The polygons of one scene.

    `wall`, `board`, `vehicle` and `ground` note what is wanted; `finish` makes all polygons of one kind
    together, because numpy costs by the call. After it:

        points [N, 22, 3], corners [N]: each polygon's first `corners` points count.
        rows [N, 5]: label (class), material, order (drawn from low to high), owner (the parts of one object
            share their colours), thing (instance, 0 for none).
        base [N, 6]: x and z of the start and of the end of its foot, then its lowest and highest y; the painter
            measures textures along it.
    """

    def __init__(self, camera: Camera):
        self.camera = camera
        self.owners, self.things = 2, 0  # owners 0 and 1 are the sky and the bare ground
        self._grounds: list[tuple] = []
        self._walls: list[np.ndarray] = []
        self._tops: list[np.ndarray] = []
        self._boards: list[np.ndarray] = []
        self._crowns: list[np.ndarray] = []
        self._vehicles: list[tuple] = []

    def own(self, count: int = 1) -> np.ndarray:
        """Numbers for `count` new objects."""
        self.owners += count
        return np.arange(self.owners - count, self.owners)

    def instances(self, count: int) -> np.ndarray:
        """Numbers for `count` new things."""
        self.things += count
        return np.arange(self.things - count, self.things) + 1

    def ground(self, inner, outer, label, material, order) -> None:
        """A flat polygon between two edges, each x and z of 10 points."""
        self.owners += 1
        self._grounds.append((inner, outer[:, ::-1], (label, material, order - 2 * LAYER_DEPTH, self.owners - 1, 0)))

    def wall(self, foot, low, high, label, material, layer, owner, top=None, lean=None, bias=0.0) -> None:
        """Upright quadrilaterals over a foot line, cut off at the near plane.

        Args:
            foot: x, z of the start and of the end, [4, n]. low, high: y, [n] or scalar.
            top: relative heights of 9 points along the upper edge, [n, 9]; None for a straight edge.
            lean: (dx, dz) by which the upper edge lies behind the lower, [2, n]: a roof.
        """
        block = np.zeros((13, foot.shape[1]))
        block[:4] = foot
        block[4], block[5], block[6], block[7], block[8], block[9], block[10] = (
            low,
            high,
            label,
            material,
            layer,
            owner,
            bias,
        )
        if lean is not None:
            block[11:] = lean
        self._walls.append(block)
        self._tops.append(np.full((foot.shape[1], RAGGED), np.nan) if top is None else top)

    def board(
        self, outline, x, z, low, width, height, label, material, layer, owner, thing=0, bias=0.0, crown=None
    ) -> None:
        """Flat shapes that face the camera.

        Args:
            outline: name of the outline; of "crown" the corners themselves, [n, 22, 2], come as `crown`.
            x, z: place of the foot, [n]. low, width, height: m, [n] or scalar.
        """
        b = np.empty((12, len(x)))
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7] = x, z, low, width, height, label, material, layer
        b[8], b[9], b[10], b[11] = owner, thing, bias, OUTLINE[outline]
        self._boards.append(b)
        if crown is not None:
            self._crowns.append(crown)

    def vehicle(self, profile, x, z, heading, length, width, height, label, sprites, layer) -> None:
        """One vehicle: the side that is seen, and the end if it is seen.

        Args:
            x, z: middle of the nearer end's foot. heading: from there to the far end, radians right of z.
            sprites: materials of the end and of the side.
        """
        self.owners, self.things = self.owners + 1, self.things + 1
        self._vehicles.append((x, z, heading, length, width, height, label, *sprites, layer, self.owners - 1,
                               self.things, PROFILE[profile]))  # fmt: skip

    def finish(self) -> "Parts":
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
        return self

    def cast(self, sun_x: float, sun_z: float, reach: float, trees: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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

    def _board_corners(self, outline):
        kind = outline.astype(int)
        corners = OUTLINES[kind]
        if self._crowns:
            corners[kind == OUTLINE["crown"]] = np.concatenate(self._crowns)
        return corners, kind

    def _make_grounds(self):
        points = np.zeros((len(self._grounds), 20, 3))
        edges = np.array([(inner, outer) for inner, outer, _ in self._grounds])  # [n, 2 edges, x and z, 10]
        points[..., 0] = edges[:, :, 0].reshape(-1, 20)
        points[..., 2] = edges[:, :, 1].reshape(-1, 20)
        return points, 20, 0.0, np.array([row for *_, row in self._grounds]).T

    def _make_walls(self):
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

    def _make_boards(self):
        camera = self.camera
        x, z, low, width, height, label, material, layer, owner, thing, bias, outline = np.concatenate(
            self._boards, axis=1
        )
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

    def _make_vehicles(self):
        x, z, heading, length, width, height, label, end, flank, layer, owner, thing, kind = np.array(self._vehicles).T
        kind = kind.astype(int)
        n = len(x)
        foot = np.stack([x, z], axis=1)
        ahead = np.stack([np.sin(heading), np.cos(heading)], axis=1)
        right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
        to_camera = np.array([self.camera.x, 0.0]) - foot
        side = np.where((right * to_camera).sum(axis=1) < 0, -1.0, 1.0)[:, None]
        outline = PROFILES[kind]
        middle = foot[:, None] + (outline[..., 0] * length[:, None])[..., None] * ahead[:, None]
        offset = (HALF_WIDTHS[kind] * width[:, None])[..., None] * right[:, None]
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
        faces = FACES[kind]
        who, which = np.nonzero((faces[..., 1] > 0) & ((ahead * to_camera).sum(axis=1) < -0.1)[:, None])
        a, b = faces[who, which].T
        points = np.empty((len(who), 4, 3))
        for corner, (place, sign) in enumerate(((a, -1), (a, 1), (b, 1), (b, -1))):
            points[:, corner, ::2] = middle[who, place] + sign * offset[who, place]
            points[:, corner, 1] = y[who, place]
        base = np.concatenate([foot - half, foot + half, heights], axis=1)[who]
        yield points, 4, base, (label[who], end[who], order[who] + 0.01 * (which + 1), owner[who], thing[who])
