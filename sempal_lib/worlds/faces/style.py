"""Colours, cloths and light of toy-faces: the known factors of a scene's looks."""

from typing import Any

import numpy as np

from sempal_lib.worlds.engine import Chances, FrontLight, contrasting, palette

BACKDROPS = ("plain", "gradient", "lights", "leaves")

CLOTH_COLORS = palette(
    "92 91 88, 10 10 12, 16 24 44, 62 12 14, 86 80 66, 30 40 62, 14 36 26, 88 70 28, 58 60 62, 82 50 54, 44 24 44, "
    "54 36 22, 24 54 58, 80 36 18, 60 72 84, 70 78 56"
)
SKINS = palette("93 76 66, 88 68 55, 80 58 44, 70 48 34, 58 38 26, 45 29 20, 34 22 16, 90 71 60")
HAIRS = palette("6 5 5, 14 9 7, 26 15 9, 42 26 14, 62 44 22, 78 62 38, 44 16 8, 56 55 54")
EYES = palette("20 12 7, 32 20 10, 24 34 18, 22 36 52, 36 44 48, 12 8 6")
LIPS = palette("66 12 16, 78 30 32, 52 12 22, 80 40 38")
METALS = palette("86 68 30, 80 80 82, 14 14 15, 30 14 8, 60 10 14, 12 34 54")
BACKDROP_COLORS = palette(
    "30 32 36, 62 60 58, 80 78 74, 44 52 62, 36 44 36, 60 44 36, 22 26 40, 70 58 60, 84 86 88, 14 14 16"
)


class FaceStyle(FrontLight):
    """The style factors, beside those of the light.

    hair: place in HAIRS of heads. turn, nod, -1 to 1; tilt, degrees; smile, open, 0 to 1: the pose, see `Head`.
    backdrop: place in BACKDROPS. background_color, background_second, skin_color, hair_color, brow_color, eye_color,
    lip_color, cloth_color, cloth_second, hat_color, hat_second, eye_g_color (frames), ear_r_color, neck_l_color:
    paints.
    cloth_pattern, hat_pattern: places in PRINTS. cloth_scale: the pattern's period, in the face's unit.
    beard: 0 none to 1. blush: of the cheeks, 0 to 1. freckles: 0 to 1. shades: 0 clear to 1 black lenses.
    """

    @classmethod
    def sample(cls, rng: np.random.Generator, scene: Any) -> "FaceStyle":
        a = Chances(rng, 48, 0.07, 1.7)
        skin, hair, lips = a.color(SKINS, 0, 0.04), a.color(HAIRS, 2, 0.03), a.color(LIPS, 4)
        paint = 0.2 + 0.75 * a[6] ** 2
        cloth, hat, wall = a.color(CLOTH_COLORS, 7), a.color(CLOTH_COLORS, 9), a.color(BACKDROP_COLORS, 11)
        return cls(
            hair=scene.hair, backdrop=a.weighted((3, 3, 2, 2), 13), skin_color=skin, hair_color=hair,
            background_color=wall, background_second=contrasting(wall, a.color(BACKDROP_COLORS + CLOTH_COLORS, 14)),
            brow_color=tuple(float(0.75 * h + 0.08 * s) for h, s in zip(hair, skin, strict=True)),
            eye_color=a.color(EYES, 16, 0.04),
            lip_color=tuple(float(s * 0.86 * (1 - paint) + t * paint) for s, t in zip(skin, lips, strict=True)),
            cloth_color=cloth, cloth_second=contrasting(cloth, a.color(CLOTH_COLORS, 18)),
            cloth_pattern=a.weighted((4, 1.5, 1.3, 1, 1.2), 20), cloth_scale=0.24 + 0.3 * a[21],
            hat_color=hat, hat_second=contrasting(hat, a.color(CLOTH_COLORS, 22)),
            hat_pattern=a.weighted((4, 1.5, 1.3, 0.6, 0.6), 24),
            eye_g_color=a.color(METALS, 25, 0.03), ear_r_color=a.color(METALS, 27), neck_l_color=a.color(METALS, 29),
            beard=(0.3 + 0.7 * a[31]) * (a[32] < 0.26), blush=a[33], freckles=a[34] * (a[35] < 0.25),
            shades=(scene.glasses == 2) * (0.75 + 0.25 * a[36]),
            turn=scene.turn, nod=scene.nod, tilt=scene.tilt, smile=scene.smile, open=scene.open,
            **cls.weather(0.2 + 0.5 * a[37], 0.1 + 0.8 * a[38], 30 + 25 * a[39]),
        )  # fmt: skip
