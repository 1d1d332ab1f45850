"""Classes of the sets of people: DeepFashion as CLVAE has it, CelebAMask-HQ; toy-fashion and toy-faces follow them."""

from sempal_lib.labels import LabelSpace, label_space_of

# What the 16 classes of CLVAE's parser are was never published, but for 0; their display colours were.
_DEEPFASHION_COLORS = (
    (0, 0, 0), (144, 238, 144), (245, 222, 179), (211, 211, 211), (255, 250, 250), (220, 220, 220), (50, 205, 50),
    (255, 0, 0), (16, 78, 139), (255, 250, 205), (127, 255, 212), (255, 255, 0), (70, 130, 180), (255, 140, 0),
    (0, 100, 0), (250, 235, 215),
)  # fmt: skip
DEEPFASHION_16 = LabelSpace(("background", *(f"part {n}" for n in range(1, 16))), _DEEPFASHION_COLORS)

# toy-fashion's names are ours: bare skin of legs and arms with feet and hands; the face has ears and neck; socks are
# stockings, too, and trousers shorts; outer is what is worn over a top or a dress.
_GARMENTS = (
    "background", "top", "face", "socks", "glasses", "hat", "skirt", "dress", "trousers", "arms", "legs", "hair",
    "outer", "bag", "belt", "shoes",
)  # fmt: skip
FASHION_16 = LabelSpace(_GARMENTS, _DEEPFASHION_COLORS)

# In the order in which the parts are painted over each other; names as in the mask files. In toy-faces l is
# what is left in the picture.
CELEBA_19 = label_space_of([
    ("background", (0, 0, 0)),
    ("skin", (204, 0, 0)),
    ("nose", (76, 153, 0)),
    ("eye_g", (204, 204, 0)),
    ("l_eye", (51, 51, 255)),
    ("r_eye", (204, 0, 204)),
    ("l_brow", (0, 255, 255)),
    ("r_brow", (51, 255, 255)),
    ("l_ear", (102, 51, 0)),
    ("r_ear", (255, 0, 0)),
    ("mouth", (102, 204, 0)),
    ("u_lip", (255, 255, 0)),
    ("l_lip", (0, 0, 153)),
    ("hair", (0, 0, 204)),
    ("hat", (255, 51, 153)),
    ("ear_r", (0, 204, 204)),
    ("neck_l", (0, 51, 0)),
    ("neck", (255, 153, 51)),
    ("cloth", (0, 204, 0)),
])  # fmt: skip

# A face has two of each, and mostly in one style.
_TWINS = {"l_eye": "r_eye", "l_brow": "r_brow", "l_ear": "r_ear"}


def twins_of(label_space: LabelSpace) -> list[int]:
    """Of each class the one on the face's other side, left of right and right of left; of most the class itself."""
    other = _TWINS | {right: left for left, right in _TWINS.items()}
    names = label_space.names
    pairs = ((name, other.get(name, name)) for name in names)
    return [names.index(twin if twin in names else name) for name, twin in pairs]
