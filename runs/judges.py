"""Train anew the networks that all runs of a world share, and put them under runs/reference: `make judges`.

python runs/judges.py preset=demo height=32 dataset=toy-street [role=judge]: names and values as for
`python -m sempal_lib.runs show 09_end_to_end`, whose settings say how they are made; without a role, every one.
But for the painter with styles, of chapter 15: role=style-painter dataset=toy-faces height=64 system=sean steps=5000
class_dim=32 once_scenes=4000 makes the committed one, a quarter of an hour of one core.
"""

import json
import sys
from typing import Any

import yaml

from sempal_lib import training
from sempal_lib.records import RunError
from sempal_lib.runs import resolve

CHAPTER, CROSSINGS = "09_end_to_end", "11_cross_view"
TWO_VIEWS = "toy-crossview"  # the world whose scenes are of known kinds, and judged from two views
SAID = ("miou", "pixel_accuracy", "accuracy", "fd_seg", "seconds")  # of a note
STYLED = "style-painter"  # of chapter 15, of system sean; made only where its role is named
OWN = "own-painter"  # of chapter 14, whose settings say how it is made: of seed 0, for the row that the book trains
SEGMENTERS = {role: lambda p, role=role: training.segmenter_for(p, role, commit=True) for role in ("judge", "eye")}
AERIAL = {f"aerial-{role}": make for role, make in SEGMENTERS.items()}
SORTERS = {
    f"{view}-sorter": lambda p, view=view: training.kind_classifier_for(p, view, commit=True) for view in training.VIEWS
}
PAINTERS = {
    "painter": lambda p: training.painter_for(p, commit=True),
    OWN: lambda p: training.own_painter(p, training.scene_set(p), commit=True),
}
MAKE = SEGMENTERS | AERIAL | SORTERS | PAINTERS | {STYLED: training.train_style_painter}
CHAPTERS = {OWN: "14_data_augmentation", STYLED: "12_class_layer_vae"}  # whose settings, where not CHAPTER's


def of_role(role: str, given: dict[str, Any]) -> Any:
    """The parameters that a network is made by."""
    if given.get("dataset") == TWO_VIEWS:
        return resolve(CROSSINGS, given | ({"direction": "ground-to-aerial"} if role in AERIAL else {}))
    return resolve(CHAPTERS.get(role, CHAPTER), given)


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    try:
        given = {name: yaml.safe_load(value) for name, _, value in (text.partition("=") for text in arguments)}
        usual = SEGMENTERS | (AERIAL | SORTERS if given.get("dataset") == TWO_VIEWS else PAINTERS)
        for role in [given.pop("role")] if "role" in given else usual:
            if role not in MAKE:
                raise RunError(f"role={role!r} is none: choose {' or '.join(MAKE)}")
            parameters = of_role(role, given)
            if role == "painter" and not parameters.painter_steps:
                continue
            MAKE[role](parameters)
            path = training.once.once_path(parameters, role)
            note = json.loads(path.with_suffix(".json").read_text("utf-8"))
            said = {name: note[name] for name in SAID if name in note}
            print(f"== {path}: " + ", ".join(f"{name} {value:.3f}" for name, value in said.items()))
    except (RunError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
