"""Networks that are trained once for a data set and a size, whatever a run's seed: who judges, and who looks.

Those of procedural worlds are committed under runs/reference, each with a note of how it was made. Others are trained
when they are first asked for, and kept in the folder of the runs. Chapter: Judging with a segmenter.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lightning.fabric import Fabric

from sempal_lib.data_folders import data_of
from sempal_lib.keeping import LOCK
from sempal_lib.locks import locked
from sempal_lib.metrics.scenes import standard_classes
from sempal_lib.metrics.segmentation import class_iou, confusion_matrix, mean_iou, pixel_accuracy
from sempal_lib.parameters import CrossViewParameters, ImageParameters
from sempal_lib.records import PROCEDURAL, machine, reference_root, runs_root, write_atomically
from sempal_lib.segmentation import Segmenter, SegmenterSettings
from sempal_lib.settings import SHOWN
from sempal_lib.training.judge import pairs_settings, segmenter_training
from sempal_lib.training.loop import placed
from sempal_lib.training.segmentation import SegmenterTraining, load_segmenter, save_segmenter
from sempal_lib.training.setup import (
    WORLD_CODE,
    SceneSet,
    digest_of,
    layout_size,
    make_fabric,
    progress_bar,
    provenance,
    scene_set,
)

SEED = 20_000_000  # of its scenes and weights; runs have small ones
# A role's number is added to the seed, so that no painter learns to please the very network that judges it.
ROLES = {"judge": 0, "eye": 1, "painter": 2, "style-painter": 3}
_CODE = ("segmentation.py", "training/segmentation.py", "training/judge.py", "training/once.py")


def once(
    parameters: ImageParameters,
    role: str,
    recipe: dict[str, Any],
    make: Callable[[Path], dict[str, Any]],
    fixed: Collection[str] = (),
    commit: bool = False,
) -> Path:
    """The file of a network that all runs on a data set and a size share; made now, if there is none.

    Args:
        role: one of ROLES. recipe: what it is made by, JSON values: others give another file.
        make: writes the file and returns what its note says beside the recipe.
        fixed: what of the recipe a committed one must share to be taken; the rest is its own affair.
        commit: make it anew and put it among the committed ones.
    """
    p, path, size = parameters, once_path(parameters, role), layout_size(parameters)
    world = p.dataset in PROCEDURAL and p.data_root is None
    if not commit:
        if world and path.exists():
            note = json.loads(path.with_suffix(".json").read_text("utf-8"))
            if all(note["recipe"].get(key) == recipe[key] for key in fixed):
                return path
        values = json.dumps({**recipe, "data": data_of(p)}, sort_keys=True)
        digest = hashlib.sha256(values.encode()).hexdigest()[:8]
        path = runs_root() / f"{role}s" / f"{path.stem}-{digest}.safetensors"
    elif not world:
        raise ValueError(f"{p.dataset} is no procedural world: what was trained on real data is not committed")
    with locked(path.parent / LOCK):  # another seed's run may want it at the same time
        if commit or not path.exists():
            facts = make(path)
            about = {"role": role, "dataset": p.dataset, "size": list(size), "recipe": recipe, **facts}
            about |= {"weights": hashlib.sha256(path.read_bytes()).hexdigest(), **machine(p.device)}
            about["created"] = datetime.now(UTC).isoformat(timespec="seconds")
            write_atomically(path.with_suffix(".json"), json.dumps(about, indent=1, allow_nan=False) + "\n")
    return path


def unfinished_of(path: Path, role: str) -> Path:
    """Where the training of such a network keeps its state: among the runs, also where its result is committed."""
    return runs_root() / f"{role}s" / f"{path.stem}-training.safetensors"


def once_path(parameters: ImageParameters, role: str) -> Path:
    """Where such a network is, or would be, committed; a note lies beside it, of the same name, `.json`."""
    height, width = layout_size(parameters)
    return reference_root() / f"{role}s" / f"{parameters.dataset}-{height}x{width}.safetensors"


def place_of(parameters: ImageParameters, role: str) -> str:
    """A role's name on disk: one that looks at the aerial view of scenes is another than that of their own view."""
    aerial = isinstance(parameters, CrossViewParameters) and parameters.view == "aerial"
    return f"aerial-{role}" if aerial else role


def once_parameters(parameters: ImageParameters, role: str) -> ImageParameters:
    """A run's parameters with the scenes and the seed of a network that is trained once. Of real data it has all."""
    scenes = parameters.once_scenes if parameters.dataset in PROCEDURAL else None
    changes = {
        "seed": SEED + ROLES[role], "train_scenes": scenes, "devices": 1,
        "val_scenes": None if scenes is None else max(SHOWN, scenes // 4),
    }  # fmt: skip
    return parameters.model_copy(update=changes)


def segmenter_of_role(parameters: ImageParameters, num_classes: int, role: str) -> SegmenterSettings:
    """The judge is wider and sees each pixel; the eye is looked through in every step, and is as light as any."""
    if parameters.segmenter != "light":
        return SegmenterSettings(num_classes, parameters.segmenter)
    return SegmenterSettings.light(num_classes, *((24, 4, 1) if role == "judge" else ()))


def once_training(
    parameters: ImageParameters,
    data: SceneSet,
    role: str = "judge",
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
) -> SegmenterTraining:
    """The training of a judge or an eye.

    The light ones learn by the Dice loss too: of classes that fill a thousandth of the pixels they learn nothing for
    long without it.

    Args:
        parameters, data: of `once_parameters`. role: "judge" or "eye".
    """
    network = segmenter_of_role(parameters, data.label_space.num_classes, role)
    settings = pairs_settings(parameters, parameters.once_steps, float(parameters.segmenter == "light"))
    return segmenter_training(parameters, data, data.images, network, settings, checkpoint_path, None, fabric)


def segmenter_for(parameters: ImageParameters, role: str = "judge", commit: bool = False) -> Segmenter:
    """The segmenter that judges a run's pictures, or the one whose features its perceptual losses compare.

    The same for all seeds of a data set at a size. On a world it is trained on scenes of its own, more than a run
    has, and tested on others; on real data on the whole training split, and tested on the validation split.

    Args:
        role: "judge" or "eye". commit: train it anew and put it under runs/reference.
    Returns:
        On the run's device, in evaluation mode.
    Chapter: Judging with a segmenter.
    """
    p, where = once_parameters(parameters, role), place_of(parameters, role)
    world = (*WORLD_CODE,) if p.dataset in PROCEDURAL else ()
    recipe = {
        "segmenter": p.segmenter, "once_steps": p.once_steps, "segmenter_batch_size": p.segmenter_batch_size,
        "seed": p.seed, "once_scenes": p.train_scenes, "code": digest_of((*_CODE, *world)),
    }  # fmt: skip

    def make(path: Path) -> dict[str, Any]:
        data = scene_set(p)
        unfinished = unfinished_of(path, where)
        training = once_training(p, data, role, unfinished)
        for _ in progress_bar(training):
            pass
        save_segmenter(path, training.segmenter, data.label_space)
        unfinished.unlink(missing_ok=True)
        return {
            "network": training.segmenter.settings.as_dict(), "training": asdict(training.settings),
            "data": provenance(data, ())["data"], "scenes": len(data.layouts), "seconds": training.seconds,
            **held_out_scores(load_segmenter(path)[0], data),
        }  # fmt: skip

    segmenter = load_segmenter(once(p, where, recipe, make, ("segmenter",), commit))[0]
    return placed(segmenter, make_fabric(p, devices=1), p.channels_last)


def held_out_scores(segmenter: Segmenter, data: SceneSet) -> dict[str, Any]:
    """How a segmenter reads the held-out scenes: "held_out", their number, fractions as in `evaluate_segmenter`, and
    "class_iou" by name, None for a class that is neither there nor predicted."""
    space = data.label_space
    matrix = confusion_matrix(segmenter.predict(data.held_out_images), data.held_out, space.num_classes, 255)
    ious = zip(space.names, class_iou(matrix).tolist(), strict=True)
    return {
        "held_out": len(data.held_out), "miou": mean_iou(matrix, standard_classes(space)),
        "miou_all": mean_iou(matrix, absent="zero"), "pixel_accuracy": pixel_accuracy(matrix),
        "class_iou": {name: None if value != value else round(value, 4) for name, value in ious},
    }  # fmt: skip
