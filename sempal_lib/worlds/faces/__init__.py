"""toy-faces: procedural faces."""

from typing import ClassVar

import numpy as np

from sempal_lib.label_spaces_of_people import CELEBA_19
from sempal_lib.worlds.engine import Drawing, FlatPicture, Painted, World
from sempal_lib.worlds.faces.head import Head
from sempal_lib.worlds.faces.style import FaceStyle
from sempal_lib.worlds.faces.surfaces import SURFACES

PAINTERS = {painter.__name__: painter for painter in SURFACES}


class ToyFaces(World):
    """Heads and shoulders with the 19 classes of CelebAMask-HQ, made on the fly from a seed.

    Splits: "train" (1,000 scenes) and "val" (200). Sizes: W = H, a multiple of 8 from 16 up. Instances: glasses,
    hats and each ear-ring. Style: see `FaceStyle`.
    Source: the classes are those of CelebAMask-HQ. Chapter: Editing faces.
    """

    name = "toy-faces"
    label_space = CELEBA_19
    splits: ClassVar[dict[str, int]] = {"train": 1000, "val": 200}
    default_size: ClassVar[tuple[int, int]] = (128, 128)
    step, least = 8, 16
    known: ClassVar[dict[str, dict[str, str]]] = {
        "background": {"color": "background_color", "pattern": "backdrop", "second": "background_second"},
        **{name: {what: f"{name}_{what}" for what in ("color", "pattern", "second")} for name in ("cloth", "hat")},
        **{name: {"color": f"{name}_color"} for name in ("hair", "eye_g", "ear_r", "neck_l")},
        **{name: {"color": "skin_color"} for name in ("skin", "nose", "neck", "l_ear", "r_ear")},
        **{name: {"color": "eye_color"} for name in ("l_eye", "r_eye")},
        **{name: {"color": "brow_color"} for name in ("l_brow", "r_brow")},
        **{name: {"color": "lip_color"} for name in ("u_lip", "l_lip")},
    }

    def compose(self, rng: np.random.Generator) -> Head:
        return Head(rng)

    def paint(self, scene: Head, drawing: Drawing, height: int, rng: np.random.Generator) -> Painted:
        style = FaceStyle.sample(rng, scene)
        return FlatPicture(scene, style, drawing, height, rng).developed(PAINTERS)
