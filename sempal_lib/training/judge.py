"""A segmenter of painted layouts, whose features give FD-seg where there are no photographs to judge by."""

from pathlib import Path

import torch
from lightning.fabric import Fabric

from sempal_lib.metrics.semgan import painted
from sempal_lib.parameters import SemganParameters
from sempal_lib.segmentation import Segmenter, SegmenterSettings
from sempal_lib.training.segmentation import SegmenterTraining, SegmenterTrainingSettings
from sempal_lib.training.setup import LayoutSet, make_fabric, provenance, set_outdated_aside

NOISE = 0.5  # standard deviation on pictures in [-1, 1]
_CODE = ("segmentation.py", "training/segmentation.py", "training/judge.py")


def judge_training(
    parameters: SemganParameters,
    data: LayoutSet,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
) -> SegmenterTraining:
    """A light segmenter that learns to read a data set's layouts from noisy pictures in their classes' colours.

    The noise hides the class of a single pixel: to read it, the segmenter has to know the shapes. So its features
    tell whether a generated layout has shapes like the real ones, and give `metrics.fd_seg` where the papers use FID.

    Returns:
        A training of `parameters.judge_steps` steps, ready to go on from its checkpoint; `segmenter` is its network.
    Source: ours; the papers' FID takes a network trained on photographs. Chapter: Pixels that are classes.
    """
    facts = provenance(data, _CODE)
    set_outdated_aside(checkpoint_path, facts)
    settings = SegmenterTrainingSettings(
        parameters.judge_steps, 16, "adam", 3e-3, 0.9, noise=NOISE, flip=False, channels_last=parameters.channels_last,
        checkpoint_seconds=parameters.checkpoint_seconds, seed=parameters.seed,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(parameters.seed)
        segmenter = Segmenter(SegmenterSettings.light(data.label_space.num_classes, output_stride=4))
    pictures = painted(data.layouts, data.label_space)
    return SegmenterTraining(
        segmenter, pictures, data.layouts, settings, None, fabric or make_fabric(parameters), checkpoint_path, facts
    )
