"""Chapter 15: its rows, with and without the novelty loss, and the settings of what paints its layouts.

Imports no torch, so that the run graph can use it. Chapter: Editing faces.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sempal_lib.ablation import Study
from sempal_lib.parameters import FaceParameters, StyleParameters
from sempal_lib.runs import parameters_for

CHAPTER = "15_face_editing"
ROWS = ("full", "no-novelty")


class Edit(NamedTuple):
    """An edit of a face, by shares of the frame.

    Attributes:
        to: what each class is to have. paid: the classes that give it, or get what is left, and their parts of it.
        more: the shares of `to` are given beside what there is.
    """

    to: Mapping[str, float]
    paid: Mapping[str, float]
    more: bool = False


# The release's presets.
EDITS: dict[str, Edit] = {
    "more hair": Edit({"hair": 0.40}, {"skin": 0.4, "background": 0.6}),
    "hair on a bald head": Edit({"hair": 0.20}, {"skin": 0.75, "background": 0.25}),
    "bald": Edit({"hair": 0.0}, {"skin": 0.75, "background": 0.25}),
    "hat": Edit({"hat": 0.10}, {"hair": 0.7, "background": 0.3}),
    "glasses": Edit({"eye_g": 0.06}, {"skin": 1.0}),
    "ear-rings": Edit({"ear_r": 0.03}, {"hair": 1.0}),
    "brows": Edit({"l_brow": 0.01, "r_brow": 0.01}, {"skin": 1.0}),
    "thin brows": Edit({"l_brow": 0.001, "r_brow": 0.001}, {"skin": 1.0}),
    "open eyes": Edit({"l_eye": 0.01, "r_eye": 0.01}, {"skin": 1.0}),
    "teeth": Edit({"mouth": 0.02}, {"skin": 1.0}),
    "nose": Edit({"nose": 0.05}, {"skin": 1.0}, more=True),
    "wider face": Edit({"skin": 0.06}, {"background": 1.0}, more=True),
}  # fmt: skip


def edits_for(names: Sequence[str]) -> dict[str, Edit]:
    """The edits that a label space has all classes of."""
    return {name: edit for name, edit in EDITS.items() if {*edit.to, *edit.paid} <= set(names)}


def target_of(palette: Any, edit: Edit, names: Sequence[str]) -> Any:
    """Palettes after an edit.

    Args:
        palette: of faces, a tensor [B, C]. names: of the classes, in order.
    Returns:
        [B, C], each sums to what it did; a class that cannot pay its part pays what it has.
    Source: Semantic Palette's release. Chapter: Editing faces.
    """
    target = palette.clone()
    for name, share in edit.to.items():
        target[:, names.index(name)] = share + (target[:, names.index(name)] if edit.more else 0)
    owed = (target - palette).sum(1)
    for name, part in edit.paid.items():
        target[:, names.index(name)] -= part * owed
    return target.clamp(min=0)


def row_parameters(row: str) -> dict[str, Any]:
    """The parameters of a row that tell it from the other."""
    return {"novelty": row != "no-novelty"}


STUDY = Study("faces", CHAPTER, ROWS, row_parameters, lambda row: ("semantic-palette", row), {})


def painters_of(parameters: FaceParameters, **changes: Any) -> StyleParameters:
    """The parameters of a painter on the same scenes, size, seed and machine; else those of the chapters on styles.

    Args:
        changes: such as system="sean".
    """
    found = parameters_for("12_class_layer_vae", parameters)
    return StyleParameters(**found.model_dump() | {"steps": parameters.painter_steps, "baseline": False} | changes)
