"""The shapes that a toy street is made of: profiles of vehicles, outlines of what faces the camera."""

import numpy as np

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
_OUTLINES: dict[str, list] = {
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
CORNERS = 22  # of a polygon, at most
CORNER_NUMBERS = np.arange(CORNERS)
OUTLINE = {name: i for i, name in enumerate(_OUTLINES)}
OUTLINE_CORNERS = np.array([len(outline) for outline in _OUTLINES.values()])
OUTLINES = np.array([outline + [(0, 0)] * (CORNERS - len(outline)) for outline in _OUTLINES.values()])
