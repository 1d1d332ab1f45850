"""Classes of the real data sets, and how the codes in their label files map to them.

A table maps a code, 0 to 255 as it stands in the file, to a class or to IGNORE; a code that it lacks is an
error. Names, order and colours as their authors publish them: Cityscapes' labels.py, AutoNUE's anue_labels.py
(IDD), CamVid's colour list and its usual grouping into 11 classes, ADE20K's objectInfo150.txt.
"""

from sempal_lib.labels import CITYSCAPES_19, LabelSpace, label_space_of

IGNORE = 255
Table = dict[int, int]

CITYSCAPES_EVALUATION_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
# The ids that are not among the 19 training classes.
_CITYSCAPES_OTHERS = {
    0: ("unlabeled", (0, 0, 0)),
    1: ("ego vehicle", (0, 0, 0)),
    2: ("rectification border", (0, 0, 0)),
    3: ("out of roi", (0, 0, 0)),
    4: ("static", (0, 0, 0)),
    5: ("dynamic", (111, 74, 0)),
    6: ("ground", (81, 0, 81)),
    9: ("parking", (250, 170, 160)),
    10: ("rail track", (230, 150, 140)),
    14: ("guard rail", (180, 165, 180)),
    15: ("bridge", (150, 100, 100)),
    16: ("tunnel", (150, 120, 90)),
    18: ("polegroup", (153, 153, 153)),
    29: ("caravan", (0, 0, 90)),
    30: ("trailer", (0, 0, 110)),
    34: ("license plate", (0, 0, 142)),
}
_CITYSCAPES_NAMED = _CITYSCAPES_OTHERS | dict(
    zip(CITYSCAPES_EVALUATION_IDS, zip(CITYSCAPES_19.names, CITYSCAPES_19.colors, strict=True), strict=True)
)
_CITYSCAPES_IDS = [_CITYSCAPES_NAMED[code] for code in range(35)]

# The ids as they are, and what Semantic Palette and SB-GAN call "33 semantic classes", neither saying which. Both
# releases have 35 channels, so that every pixel has a class, and Semantic Palette's paper counts so too: 19 classes
# "out of the 35 original ones", "16 missing classes" (its §5). So their data set is cityscapes-35; 33 are all but
# "unlabeled" and the license plate.
CITYSCAPES_33 = label_space_of(_CITYSCAPES_IDS[1:34], ignore_index=IGNORE)
CITYSCAPES_34 = label_space_of(_CITYSCAPES_IDS[:34], ignore_index=IGNORE)
CITYSCAPES_35 = label_space_of(_CITYSCAPES_IDS)

# SemGAN's "22 main classes", of which its paper says no more. Ours: the 19, and the three that Cityscapes defines by
# fitting none of the others: ground (the horizontal), dynamic (what moves) and static (the rest). So the ids that are
# left are these three by definition, and every pixel has a class.
_GROUND, _DYNAMIC = (6, 9, 10), (5, 29, 30)  # with parking and rail track; with caravan and trailer
CITYSCAPES_22 = label_space_of(
    [*zip(CITYSCAPES_19.names, CITYSCAPES_19.colors, strict=True), *(_CITYSCAPES_OTHERS[code] for code in (4, 5, 6))]
)

_FROM_IDS_TO_19: Table = dict.fromkeys([*range(34), 255], IGNORE) | {
    code: index for index, code in enumerate(CITYSCAPES_EVALUATION_IDS)
}
_FROM_IDS_TO_22: Table = {
    code: 21 if code in _GROUND else 20 if code in _DYNAMIC else 19 if index == IGNORE else index
    for code, index in _FROM_IDS_TO_19.items()
}
# The release puts 255 into the channel of the license plate (fact sheet, 1.15).
_FROM_IDS_TO_35: Table = {code: code for code in range(35)} | {255: 34}

CITYSCAPES: dict[int, tuple[LabelSpace, Table]] = {
    19: (CITYSCAPES_19, _FROM_IDS_TO_19),
    22: (CITYSCAPES_22, _FROM_IDS_TO_22),
    33: (CITYSCAPES_33, {code: code - 1 for code in range(1, 34)} | {0: IGNORE, 255: IGNORE}),
    34: (CITYSCAPES_34, {code: code for code in range(34)} | {255: IGNORE}),
    35: (CITYSCAPES_35, _FROM_IDS_TO_35),
}
GTA_5_TABLE: Table = _FROM_IDS_TO_19 | {34: IGNORE}  # license plates have their own id there
CITYSCAPES_FROM_TRAIN_IDS: Table = {code: code for code in range(19)} | {255: IGNORE}

# Semantic Palette's paper says 35, its release has 40 channels: the five last are no class of a scene.
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
# Those that count in IDD's benchmark: all but animal, caravan, trailer, train and the five last (fact sheet, 1.15).
IDD_31_NAMES = tuple(IDD_40.names[code] for code in (*range(7), *range(8, 15), *range(18, 35)))
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

# ADE20K's 150 classes in the order of objectInfo150.txt, each by its first name, with the colours of color150.mat.
# As published, road and skyscraper share a colour; all others differ.
ADE_150 = label_space_of(
    [
        ("wall", (120, 120, 120)),
        ("building", (180, 120, 120)),
        ("sky", (6, 230, 230)),
        ("floor", (80, 50, 50)),
        ("tree", (4, 200, 3)),
        ("ceiling", (120, 120, 80)),
        ("road", (140, 140, 140)),
        ("bed", (204, 5, 255)),
        ("windowpane", (230, 230, 230)),
        ("grass", (4, 250, 7)),
        ("cabinet", (224, 5, 255)),
        ("sidewalk", (235, 255, 7)),
        ("person", (150, 5, 61)),
        ("earth", (120, 120, 70)),
        ("door", (8, 255, 51)),
        ("table", (255, 6, 82)),
        ("mountain", (143, 255, 140)),
        ("plant", (204, 255, 4)),
        ("curtain", (255, 51, 7)),
        ("chair", (204, 70, 3)),
        ("car", (0, 102, 200)),
        ("water", (61, 230, 250)),
        ("painting", (255, 6, 51)),
        ("sofa", (11, 102, 255)),
        ("shelf", (255, 7, 71)),
        ("house", (255, 9, 224)),
        ("sea", (9, 7, 230)),
        ("mirror", (220, 220, 220)),
        ("rug", (255, 9, 92)),
        ("field", (112, 9, 255)),
        ("armchair", (8, 255, 214)),
        ("seat", (7, 255, 224)),
        ("fence", (255, 184, 6)),
        ("desk", (10, 255, 71)),
        ("rock", (255, 41, 10)),
        ("wardrobe", (7, 255, 255)),
        ("lamp", (224, 255, 8)),
        ("bathtub", (102, 8, 255)),
        ("railing", (255, 61, 6)),
        ("cushion", (255, 194, 7)),
        ("base", (255, 122, 8)),
        ("box", (0, 255, 20)),
        ("column", (255, 8, 41)),
        ("signboard", (255, 5, 153)),
        ("chest of drawers", (6, 51, 255)),
        ("counter", (235, 12, 255)),
        ("sand", (160, 150, 20)),
        ("sink", (0, 163, 255)),
        ("skyscraper", (140, 140, 140)),
        ("fireplace", (250, 10, 15)),
        ("refrigerator", (20, 255, 0)),
        ("grandstand", (31, 255, 0)),
        ("path", (255, 31, 0)),
        ("stairs", (255, 224, 0)),
        ("runway", (153, 255, 0)),
        ("case", (0, 0, 255)),
        ("pool table", (255, 71, 0)),
        ("pillow", (0, 235, 255)),
        ("screen door", (0, 173, 255)),
        ("stairway", (31, 0, 255)),
        ("river", (11, 200, 200)),
        ("bridge", (255, 82, 0)),
        ("bookcase", (0, 255, 245)),
        ("blind", (0, 61, 255)),
        ("coffee table", (0, 255, 112)),
        ("toilet", (0, 255, 133)),
        ("flower", (255, 0, 0)),
        ("book", (255, 163, 0)),
        ("hill", (255, 102, 0)),
        ("bench", (194, 255, 0)),
        ("countertop", (0, 143, 255)),
        ("stove", (51, 255, 0)),
        ("palm", (0, 82, 255)),
        ("kitchen island", (0, 255, 41)),
        ("computer", (0, 255, 173)),
        ("swivel chair", (10, 0, 255)),
        ("boat", (173, 255, 0)),
        ("bar", (0, 255, 153)),
        ("arcade machine", (255, 92, 0)),
        ("hovel", (255, 0, 255)),
        ("bus", (255, 0, 245)),
        ("towel", (255, 0, 102)),
        ("light", (255, 173, 0)),
        ("truck", (255, 0, 20)),
        ("tower", (255, 184, 184)),
        ("chandelier", (0, 31, 255)),
        ("awning", (0, 255, 61)),
        ("streetlight", (0, 71, 255)),
        ("booth", (255, 0, 204)),
        ("television receiver", (0, 255, 194)),
        ("airplane", (0, 255, 82)),
        ("dirt track", (0, 10, 255)),
        ("apparel", (0, 112, 255)),
        ("pole", (51, 0, 255)),
        ("land", (0, 194, 255)),
        ("bannister", (0, 122, 255)),
        ("escalator", (0, 255, 163)),
        ("ottoman", (255, 153, 0)),
        ("bottle", (0, 255, 10)),
        ("buffet", (255, 112, 0)),
        ("poster", (143, 255, 0)),
        ("stage", (82, 0, 255)),
        ("van", (163, 255, 0)),
        ("ship", (255, 235, 0)),
        ("fountain", (8, 184, 170)),
        ("conveyer belt", (133, 0, 255)),
        ("canopy", (0, 255, 92)),
        ("washer", (184, 0, 255)),
        ("plaything", (255, 0, 31)),
        ("swimming pool", (0, 184, 255)),
        ("stool", (0, 214, 255)),
        ("barrel", (255, 0, 112)),
        ("basket", (92, 255, 0)),
        ("waterfall", (0, 224, 255)),
        ("tent", (112, 224, 255)),
        ("bag", (70, 184, 160)),
        ("minibike", (163, 0, 255)),
        ("cradle", (153, 0, 255)),
        ("oven", (71, 255, 0)),
        ("ball", (255, 0, 163)),
        ("food", (255, 204, 0)),
        ("step", (255, 0, 143)),
        ("tank", (0, 255, 235)),
        ("trade name", (133, 255, 0)),
        ("microwave", (255, 0, 235)),
        ("pot", (245, 0, 255)),
        ("animal", (255, 0, 122)),
        ("bicycle", (255, 245, 0)),
        ("lake", (10, 190, 212)),
        ("dishwasher", (214, 255, 0)),
        ("screen", (0, 204, 255)),
        ("blanket", (20, 0, 255)),
        ("sculpture", (255, 255, 0)),
        ("hood", (0, 153, 255)),
        ("sconce", (0, 41, 255)),
        ("vase", (0, 255, 204)),
        ("traffic light", (41, 0, 255)),
        ("tray", (41, 255, 0)),
        ("ashcan", (173, 0, 255)),
        ("fan", (0, 245, 255)),
        ("pier", (71, 0, 255)),
        ("crt screen", (122, 0, 255)),
        ("plate", (0, 255, 184)),
        ("monitor", (0, 92, 255)),
        ("bulletin board", (184, 255, 0)),
        ("shower", (0, 133, 255)),
        ("radiator", (255, 214, 0)),
        ("glass", (25, 194, 194)),
        ("clock", (102, 255, 0)),
        ("flag", (92, 0, 255)),
    ],
    ignore_index=IGNORE,
)
ADE_TABLE: Table = {0: IGNORE} | {code: code - 1 for code in range(1, 151)}  # 0 is everything else

# SB-GAN's subset has 95 of the 150 classes. Neither its paper nor its release says which: its label maps are
# renumbered, without names. Here they are all but these 55, which its ten kinds of places do not have.
_ADE_OUTDOOR = (
    "road", "grass", "sidewalk", "earth", "mountain", "car", "water", "house", "sea", "field", "fence", "rock", "sand",
    "skyscraper", "grandstand", "path", "runway", "pool table", "screen door", "river", "bridge", "hill", "palm",
    "boat", "bar", "arcade machine", "hovel", "bus", "truck", "tower", "awning", "streetlight", "booth", "dirt track",
    "pole", "land", "stage", "van", "ship", "fountain", "canopy", "swimming pool", "barrel", "waterfall", "tent",
    "minibike", "cradle", "tank", "trade name", "animal", "bicycle", "lake", "traffic light", "pier", "flag",
)  # fmt: skip
_ADE_INDOOR_NAMES = [name for name in ADE_150.names if name not in _ADE_OUTDOOR]
ADE_INDOOR_95 = label_space_of(
    [(name, ADE_150.colors[ADE_150.index(name)]) for name in _ADE_INDOOR_NAMES], ignore_index=IGNORE
)
ADE_INDOOR_TABLE: Table = dict.fromkeys(range(151), IGNORE) | {
    ADE_150.index(name) + 1: index for index, name in enumerate(_ADE_INDOOR_NAMES)
}
ADE_INDOOR_PLACES = (
    "airport_terminal", "bathroom", "bedroom", "conference_room", "corridor", "dining_room", "hotel_room", "kitchen",
    "living_room", "office",
)  # fmt: skip
