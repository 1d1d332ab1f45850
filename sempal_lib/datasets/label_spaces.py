"""Classes of the real data sets, and how the codes in their label files map to them.

A table maps a code, 0 to 255 as it stands in the file, to a class or to IGNORE; a code that it lacks is an
error. Names, order and colours as their authors publish them: Cityscapes' labels.py, AutoNUE's anue_labels.py
(IDD), CamVid's colour list and its usual grouping into 11 classes.
"""

from sempal_lib.labels import CITYSCAPES_19, LabelSpace, label_space_of

IGNORE = 255
Table = dict[int, int]

_CITYSCAPES_IDS = [
    ("unlabeled", (0, 0, 0)),
    ("ego vehicle", (0, 0, 0)),
    ("rectification border", (0, 0, 0)),
    ("out of roi", (0, 0, 0)),
    ("static", (0, 0, 0)),
    ("dynamic", (111, 74, 0)),
    ("ground", (81, 0, 81)),
    ("road", (128, 64, 128)),
    ("sidewalk", (244, 35, 232)),
    ("parking", (250, 170, 160)),
    ("rail track", (230, 150, 140)),
    ("building", (70, 70, 70)),
    ("wall", (102, 102, 156)),
    ("fence", (190, 153, 153)),
    ("guard rail", (180, 165, 180)),
    ("bridge", (150, 100, 100)),
    ("tunnel", (150, 120, 90)),
    ("pole", (153, 153, 153)),
    ("polegroup", (153, 153, 153)),
    ("traffic light", (250, 170, 30)),
    ("traffic sign", (220, 220, 0)),
    ("vegetation", (107, 142, 35)),
    ("terrain", (152, 251, 152)),
    ("sky", (70, 130, 180)),
    ("person", (220, 20, 60)),
    ("rider", (255, 0, 0)),
    ("car", (0, 0, 142)),
    ("truck", (0, 0, 70)),
    ("bus", (0, 60, 100)),
    ("caravan", (0, 0, 90)),
    ("trailer", (0, 0, 110)),
    ("train", (0, 80, 100)),
    ("motorcycle", (0, 0, 230)),
    ("bicycle", (119, 11, 32)),
    ("license plate", (0, 0, 142)),
]

CITYSCAPES_EVALUATION_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)

# Semantic Palette's count in the paper (all but "unlabeled"), the ids as they are, its release's channels.
CITYSCAPES_33 = label_space_of(_CITYSCAPES_IDS[1:34], ignore_index=IGNORE)
CITYSCAPES_34 = label_space_of(_CITYSCAPES_IDS[:34], ignore_index=IGNORE)
CITYSCAPES_35 = label_space_of(_CITYSCAPES_IDS)

_FROM_IDS_TO_19: Table = dict.fromkeys([*range(34), 255], IGNORE) | {
    code: index for index, code in enumerate(CITYSCAPES_EVALUATION_IDS)
}
# The release puts 255 into the channel of the license plate (fact sheet, 1.15).
_FROM_IDS_TO_35: Table = {code: code for code in range(35)} | {255: 34}

CITYSCAPES: dict[int, tuple[LabelSpace, Table]] = {
    19: (CITYSCAPES_19, _FROM_IDS_TO_19),
    33: (CITYSCAPES_33, {code: code - 1 for code in range(1, 34)} | {0: IGNORE, 255: IGNORE}),
    34: (CITYSCAPES_34, {code: code for code in range(34)} | {255: IGNORE}),
    35: (CITYSCAPES_35, _FROM_IDS_TO_35),
}
CITYSCAPES_FROM_TRAIN_IDS: Table = {code: code for code in range(19)} | {255: IGNORE}

IDD_40 = label_space_of(
    [
        ("road", (128, 64, 128)),
        ("parking", (250, 170, 160)),
        ("drivable fallback", (81, 0, 81)),
        ("sidewalk", (244, 35, 232)),
        ("rail track", (230, 150, 140)),
        ("non-drivable fallback", (152, 251, 152)),
        ("person", (220, 20, 60)),
        ("animal", (246, 198, 145)),
        ("rider", (255, 0, 0)),
        ("motorcycle", (0, 0, 230)),
        ("bicycle", (119, 11, 32)),
        ("autorickshaw", (255, 204, 54)),
        ("car", (0, 0, 142)),
        ("truck", (0, 0, 70)),
        ("bus", (0, 60, 100)),
        ("caravan", (0, 0, 90)),
        ("trailer", (0, 0, 110)),
        ("train", (0, 80, 100)),
        ("vehicle fallback", (136, 143, 153)),
        ("curb", (220, 190, 40)),
        ("wall", (102, 102, 156)),
        ("fence", (190, 153, 153)),
        ("guard rail", (180, 165, 180)),
        ("billboard", (174, 64, 67)),
        ("traffic sign", (220, 220, 0)),
        ("traffic light", (250, 170, 30)),
        ("pole", (153, 153, 153)),
        ("polegroup", (153, 153, 153)),
        ("obs-str-bar-fallback", (169, 187, 214)),
        ("building", (70, 70, 70)),
        ("bridge", (150, 100, 100)),
        ("tunnel", (150, 120, 90)),
        ("vegetation", (107, 142, 35)),
        ("sky", (70, 130, 180)),
        ("fallback background", (169, 187, 214)),
        ("unlabeled", (0, 0, 0)),
        ("ego vehicle", (0, 0, 0)),
        ("rectification border", (0, 0, 0)),
        ("out of roi", (0, 0, 0)),
        ("license plate", (0, 0, 142)),
    ]
)
IDD_TABLE: Table = {code: code for code in range(40)} | {255: 35}  # 255 is unlabeled (fact sheet, 1.15)

CAMVID_11 = label_space_of(
    [
        ("sky", (128, 128, 128)),
        ("building", (128, 0, 0)),
        ("pole", (192, 192, 128)),
        ("road", (128, 64, 128)),
        ("pavement", (60, 40, 222)),
        ("tree", (128, 128, 0)),
        ("sign_symbol", (192, 128, 128)),
        ("fence", (64, 64, 128)),
        ("car", (64, 0, 128)),
        ("pedestrian", (64, 64, 0)),
        ("bicyclist", (0, 128, 192)),
    ],
    ignore_index=IGNORE,
)
CAMVID_SEGNET_TABLE: Table = {code: code for code in range(11)} | {11: IGNORE}

# The 32 colours of CamVid's own label files, each with the class of the 11 that it is counted to.
_CAMVID_COLORS = {
    "sky": [(128, 128, 128)],
    # building, wall, bridge, tunnel, archway
    "building": [(128, 0, 0), (64, 192, 0), (0, 128, 64), (64, 0, 64), (192, 0, 128)],
    # column or pole, traffic cone
    "pole": [(192, 192, 128), (0, 0, 64)],
    # road, lane markings: drivable, not drivable
    "road": [(128, 64, 128), (128, 0, 192), (192, 0, 64)],
    # sidewalk, parking block, road shoulder
    "pavement": [(0, 0, 192), (64, 192, 128), (128, 128, 192)],
    # tree, other vegetation
    "tree": [(128, 128, 0), (192, 192, 0)],
    # sign, other text, traffic light
    "sign_symbol": [(192, 128, 128), (128, 128, 64), (0, 64, 64)],
    "fence": [(64, 64, 128)],
    # car, SUV or pick-up, truck or bus, train, other moving
    "car": [(64, 0, 128), (64, 128, 192), (192, 128, 192), (192, 64, 128), (128, 64, 64)],
    # pedestrian, child, cart or pram, animal
    "pedestrian": [(64, 64, 0), (192, 128, 64), (64, 0, 192), (64, 128, 64)],
    # bicyclist, motorcycle or scooter
    "bicyclist": [(0, 128, 192), (192, 0, 192)],
}


def camvid_code(red: int, green: int, blue: int) -> int:
    """Code, 0 to 63, of a CamVid colour: its channels are multiples of 64, so two bits of each name it."""
    return red // 64 * 16 + green // 64 * 4 + blue // 64


CAMVID_COLOR_TABLE: Table = {camvid_code(0, 0, 0): IGNORE} | {
    camvid_code(*color): CAMVID_11.index(name) for name, colors in _CAMVID_COLORS.items() for color in colors
}
