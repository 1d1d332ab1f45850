"""The parts of a town: areas of ground, polygons that stand on it, and round things that face whoever looks."""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from sempal_lib.labels import LabelSpace
from sempal_lib.worlds.crossview.kinds import TOWN_15
from sempal_lib.worlds.crossview.views import View
from sempal_lib.worlds.engine import Dice
from sempal_lib.worlds.street.shapes import CORNER_NUMBERS, CORNERS, OUTLINE, OUTLINE_CORNERS, OUTLINES

Array = np.ndarray
FLAT, SOLID = 20, 8  # corners of an area and of a polygon
LABEL = {name: i for i, name in enumerate(TOWN_15.names)}
# Materials that the ground has, what stands on it, and the sprites of toy-street that are taken over.
SPRITES = ("car side rear", "car rear", "car front", "truck side", "truck rear", "truck front", "person", "round sign",
           "warning sign", "blue sign")  # fmt: skip
MATERIALS = ("sky", "asphalt", "bays", "paving", "grass", "field", "water", "facade", "tiles", "gravel", "sheet",
             "leaves", "crown", "bark", "wall", "fence", "metal", "body", "pane", "deck", "cloth", "distant",
             *SPRITES)  # fmt: skip
MATERIAL = {name: i for i, name in enumerate(MATERIALS)}
ROUND = np.arange(CORNERS) * (2 * np.pi / CORNERS)


class Boards(NamedTuple):
    """Boards as they stand to one view: corners [N, 22, 3], normals [N, 3], and their frames as in `Parts`."""

    points: Array
    normals: Array
    frames: Array


class Parts(Dice):
    """The parts of one scene, which rolls the dice for what it has.

    Polygons are noted seen from outside: their first two corners are the left and the right end of the foot, the
    last one lies above the first. After `finish`:

    labels, materials, owner, things: class, material, object (its parts share their paints) and instance (0: none)
        of each part, [parts]: the sky, the ground's areas from 1, the solids from `first_solid`, the boards from
        `first_board`.
    flats [N, 20, 3], solids [N, 8, 3], normals [N, 3] of the solids.
    frames: origin, two axes on the surface, and its length and height along them, [parts, 11].
    """

    space: ClassVar[LabelSpace] = TOWN_15
    eye: tuple[float, float]  # x and z of the camera
    conifers: float  # chance of a tree to be one

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng, 512)
        self.rng = rng
        self.owners, self._things = 1, 0
        self._flats: list[tuple] = []
        self._solids: list[tuple] = []
        self._boards: list[tuple] = []

    def own(self, count: int = 1) -> Array:
        """Numbers for `count` new objects."""
        self.owners += count
        return np.arange(self.owners - count, self.owners)

    def instances(self, count: int = 1) -> Array:
        """Numbers for `count` new things."""
        self._things += count
        return np.arange(self._things - count, self._things) + 1

    def area(self, x0: float, x1: float, z0: float, z1: float, label: str, material: str, turned: bool = False) -> None:
        """A rectangle of ground over all areas before it. turned: its pattern runs across the street."""
        self.ground([(min(x0, x1), z0), (max(x0, x1), z0), (max(x0, x1), z1), (min(x0, x1), z1)], label, material,
                    turned)  # fmt: skip

    def ground(self, corners, label: str, material: str, turned: bool = False) -> None:
        """The same for a polygon of up to 20 corners, (x, z)."""
        corners = [*corners, *[corners[-1]] * (FLAT - len(corners))]
        self._flats.append((corners, LABEL[label], MATERIAL[material], self.own()[0], turned))

    def faces(self, points: Any, label: str, material: str, owner, thing=0, inside_out=False) -> None:
        """Polygons [n, up to 8, 3] of one class and material. inside_out: which ones were noted from behind."""
        points = np.asarray(points, np.float64)
        count, corners, _ = points.shape
        if corners < SOLID:
            points = np.concatenate([points, np.repeat(points[:, -1:], SOLID - corners, axis=1)], axis=1)
        block = np.empty((5, count))
        block[0], block[1], block[2], block[3], block[4] = LABEL[label], MATERIAL[material], owner, thing, inside_out
        self._solids.append((points, block))

    def boards(self, x, z, low, width, height, outline: str, label: str, material: str, owner, thing=0,
               shape: Array | None = None) -> None:  # fmt: skip
        """Things that look the same from all sides.

        Args:
            x, z: their places, [n]. low: their lowest y. width, height: m. outline: of toy-street's by name, or
            "crown", whose corners [n, 22, 2] come as `shape`. From above they are round.
        """
        x = np.atleast_1d(np.asarray(x, np.float64))
        if not len(x):
            return
        block = np.empty((10, len(x)))
        for i, value in enumerate((x, low, z, width, height, LABEL[label], MATERIAL[material], owner, thing,
                                   OUTLINE[outline])):  # fmt: skip
            block[i] = value
        self._boards.append((block, np.zeros((len(x), CORNERS, 2)) if shape is None else shape))

    def finish(self) -> None:
        corners, labels, materials, owners, turned = zip(*self._flats, strict=True)
        self.flats = np.zeros((len(corners), FLAT, 3))
        self.flats[..., ::2] = np.array(corners)
        points, blocks = zip(*self._solids, strict=True)
        self.solids, solid = np.concatenate(points), np.concatenate(blocks, axis=1)
        none = np.zeros((10, 0)), OUTLINES[:0]
        boards, shapes = zip(*[none, *self._boards], strict=True)
        self._board, self._shapes = np.concatenate(boards, axis=1), np.concatenate(shapes)
        self.first_solid = 1 + len(corners)
        self.first_board = self.first_solid + len(self.solids)
        flat = np.array([labels, materials, owners, np.zeros(len(corners))])
        sky = [[LABEL["sky"]], [MATERIAL["sky"]], [0], [0]]
        columns = np.concatenate([sky, flat, solid[:4], self._board[5:9]], axis=1).astype(np.int32)
        self.labels, self.materials, self.owner, self.things = columns
        self.frames = np.zeros((len(self.labels), 11), np.float32)
        self.frames[1 : self.first_solid, 3:9] = np.where(
            np.array(turned)[:, None], [0, 0, 1, 1, 0, 0], [1, 0, 0, 0, 0, 1]
        )
        self.frames[1 : self.first_solid, 9:] = 1
        self.frames[self.first_solid : self.first_board], self.normals = _frames(self.solids, solid[4] > 0)

    def boards_for(self, view: View) -> Boards:
        """The boards as they face a view: their upright outlines seen from the side, discs seen from above."""
        x, low, z, width, height, *_, outline = self._board
        kind = outline.astype(int)
        shape = OUTLINES[kind].copy()
        shape[kind == OUTLINE["crown"]] = self._shapes[kind == OUTLINE["crown"]]
        last = OUTLINE_CORNERS[kind] - 1
        shape = np.where((CORNER_NUMBERS <= last[:, None])[..., None], shape, shape[np.arange(len(kind)), last, None])
        upright = abs(float(view.up[1]))
        if upright < 0.5:  # from above
            ragged = np.hypot(shape[..., 0], shape[..., 1] - 0.5)
            ragged = np.where(kind[:, None] == OUTLINE["crown"], ragged, 0.5)
            shape = ragged[..., None] * np.stack([np.cos(ROUND), np.sin(ROUND)], axis=-1) + [0, 0.5]
        rise = height * upright + width * np.sqrt(1 - upright**2)
        foot = np.stack([x, low + height / 2, z], axis=-1) - 0.5 * rise[:, None] * view.up
        points = foot[:, None] + (shape[..., :1] * width[:, None, None]) * view.right
        points = points + (shape[..., 1:] * rise[:, None, None]) * view.up
        frames = np.empty((len(x), 11), np.float32)
        frames[:, :3] = foot - 0.5 * width[:, None] * view.right
        frames[:, 3:6], frames[:, 6:9], frames[:, 9], frames[:, 10] = view.right, view.up, width, rise
        return Boards(points, np.broadcast_to(-view.ahead, (len(x), 3)), frames)


def _frames(points: Array, inside_out: Array) -> tuple[Array, Array]:
    """Frames [N, 11] and outward normals [N, 3] of polygons."""
    origin, foot, side = points[:, 0], points[:, 1] - points[:, 0], points[:, -1] - points[:, 0]
    length = np.sqrt((foot**2).sum(-1, keepdims=True)) + 1e-9
    along = foot / length
    side = side - (side * along).sum(-1, keepdims=True) * along
    above = side / (np.sqrt((side**2).sum(-1, keepdims=True)) + 1e-9)
    tall = ((points - origin[:, None]) * above[:, None]).sum(-1).max(axis=1)
    frames = np.concatenate([origin, along, above, length, tall[:, None]], axis=1)
    return frames, np.cross(above, along) * np.where(inside_out, -1, 1)[:, None]
