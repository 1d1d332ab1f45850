"""Train anew the networks that all runs of a world share, and put them under runs/reference: `make judges`.

python runs/judges.py preset=demo height=32 dataset=toy-street [role=judge]: names and values as for
`python -m sempal_lib.runs show 09_end_to_end`, whose settings say how they are made; without a role, every one.
But for the painter with styles, of chapter 15: role=style-painter dataset=toy-faces height=64 system=sean steps=5000
class_dim=32 once_scenes=4000 makes the committed one, a quarter of an hour of one core.
"""

import json
import sys

import yaml

from sempal_lib import training
from sempal_lib.records import RunError
from sempal_lib.runs import resolve

CHAPTER = "09_end_to_end"
STYLED = "style-painter"  # of chapter 15, of system sean; made only where its role is named
OWN = "own-painter"  # of chapter 14, whose settings say how it is made: of seed 0, for the row that the book trains
MAKE = {role: lambda p, role=role: training.segmenter_for(p, role, commit=True) for role in ("judge", "eye")}
MAKE["painter"] = lambda p: training.painter_for(p, commit=True)
MAKE[STYLED] = training.train_style_painter
MAKE[OWN] = lambda p: training.own_painter(p, training.scene_set(p), commit=True)
CHAPTERS = {OWN: "14_data_augmentation", STYLED: "12_class_layer_vae"}  # whose settings, where not CHAPTER's


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    try:
        given = {name: yaml.safe_load(value) for name, _, value in (text.partition("=") for text in arguments)}
        roles = [given.pop("role")] if "role" in given else [role for role in MAKE if role != STYLED]
        for role in roles:
            if role not in MAKE:
                raise RunError(f"role={role!r} is none: choose {' or '.join(MAKE)}")
            parameters = resolve(CHAPTERS.get(role, CHAPTER), given)  # of an empty value, the preset's
            if role == "painter" and not parameters.painter_steps:
                continue
            MAKE[role](parameters)
            path = training.once.once_path(parameters, role)
            note = json.loads(path.with_suffix(".json").read_text("utf-8"))
            said = {name: note[name] for name in ("miou", "pixel_accuracy", "fd_seg", "seconds") if name in note}
            print(f"== {path}: " + ", ".join(f"{name} {value:.3f}" for name, value in said.items()))
    except (RunError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
