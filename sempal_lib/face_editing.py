"""Chapter 15: its rows, with and without the novelty loss, and the settings of what paints its layouts.

Imports no torch, so that the run graph can use it. Chapter: Editing faces.
"""

from typing import Any

from sempal_lib.ablation import Study
from sempal_lib.parameters import FaceParameters, StyleParameters
from sempal_lib.runs import parameters_for

CHAPTER = "15_face_editing"
ROWS = ("full", "no-novelty")


def row_parameters(row: str) -> dict[str, Any]:
    """The parameters of a row that tell it from the other."""
    return {"novelty_weight": 0 if row == "no-novelty" else 50}


STUDY = Study("faces", CHAPTER, ROWS, row_parameters, lambda row: ("semantic-palette", row), {})


def painters_of(parameters: FaceParameters, **changes: Any) -> StyleParameters:
    """The parameters of a painter on the same scenes, size, seed and machine; else those of the chapters on styles.

    Args:
        changes: such as system="sean".
    """
    found = parameters_for("12_class_layer_vae", parameters)
    return StyleParameters(**found.model_dump() | {"steps": parameters.painter_steps, "baseline": False} | changes)
