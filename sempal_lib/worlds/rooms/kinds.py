"""What rooms are made of: the classes, materials and outlines of toy-rooms, and the kinds of rooms."""

from sempal_lib.label_spaces import ADE_150
from sempal_lib.labels import label_space_of

# Names, order and colours as ADE20K has them among its 150.
ROOMS_25 = label_space_of([
    (name, ADE_150.colors[ADE_150.index(name)])
    for name in (
        "wall", "floor", "ceiling", "bed", "windowpane", "cabinet", "door", "table", "plant", "curtain", "chair",
        "painting", "sofa", "shelf", "mirror", "rug", "armchair", "desk", "lamp", "cushion", "fireplace", "pillow",
        "book", "television receiver", "radiator",
    )
])  # fmt: skip
(
    WALL, FLOOR, CEILING, BED, WINDOW, CABINET, DOOR, TABLE, PLANT, CURTAIN, CHAIR, PAINTING, SOFA, SHELF, MIRROR, RUG,
    ARMCHAIR, DESK, LAMP, CUSHION, FIREPLACE, PILLOW, BOOK, TELEVISION, RADIATOR,
) = range(25)  # fmt: skip
SHELL = (WALL, FLOOR, CEILING)  # all other classes are things

# Materials: what a part is made of, for the painter.
(
    M_WALL, M_FLOOR, M_CEILING, M_TRIM, M_WOOD, M_LACQUER, M_FRONTS, M_SOFA, M_ARMCHAIR, M_SEAT, M_LINEN, M_BLANKET,
    M_PILLOW, M_CUSHION, M_GLASS, M_LEAF, M_PICTURE, M_FRAME, M_MIRROR, M_CURTAIN, M_RUG, M_SHADE, M_METAL, M_POT,
    M_PLANT, M_BOOKS, M_SCREEN, M_RADIATOR, M_HEARTH, M_FIRE, M_DARK,
) = range(31)  # fmt: skip
MATERIALS = 31

# How a part lies: its plane is z (faces us), x (along a side wall) or y (level) = constant.
FACING, SIDEWAYS, LEVEL = range(3)
# Outlines within a part.
BOX, ROUND, DISC, SHADE, VASE, TUB, LEAFLET, LEAFLET_LEFT, LEAFLET_RIGHT, ARCH = range(10)

KINDS = ("bedroom", "living room", "dining room", "study")
KIND_WEIGHTS = (0.28, 0.32, 0.2, 0.2)
