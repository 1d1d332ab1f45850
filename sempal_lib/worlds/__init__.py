"""The procedural worlds: scenes made on the fly from a seed, no files."""

from collections.abc import Callable

from sempal_lib.scenes import SceneDataset
from sempal_lib.worlds.colored_shapes import ColoredShapes
from sempal_lib.worlds.crossview import ToyCrossview
from sempal_lib.worlds.facades import ToyFacades
from sempal_lib.worlds.faces import ToyFaces
from sempal_lib.worlds.fashion import ToyFashion
from sempal_lib.worlds.rooms import ToyRooms
from sempal_lib.worlds.street import ToyStreet

# By name; each is called with split, size, seed and length.
WORLDS: dict[str, Callable[..., SceneDataset]] = {
    world.name: world for world in (ToyStreet, ColoredShapes, ToyFacades, ToyRooms, ToyFashion, ToyFaces, ToyCrossview)
}

__all__ = ["WORLDS", "ColoredShapes", "ToyCrossview", "ToyFacades", "ToyFaces", "ToyFashion", "ToyRooms", "ToyStreet"]
