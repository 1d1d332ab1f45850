"""A segmenter of painted layouts, whose features give FD-seg where there are no photographs to judge by."""

from pathlib import Path

import torch
from lightning.fabric import Fabric

from sempal_lib.metrics.semgan import painted
from sempal_lib.parameters import SemganParameters
from sempal_lib.segmentation import Segmenter, SegmenterSettings
from sempal_lib.training.segmentation import SegmenterTraining, SegmenterTrainingSettings
from sempal_lib.training.setup import LayoutSet, make_fabric, progress_bar, provenance, set_outdated_aside

_CODE = ("segmentation.py", "training/segmentation.py", "training/judge.py")


def judge_training(
    parameters: SemganParameters,
    data: LayoutSet,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
) -> SegmenterTraining:
    """A light segmenter that learns to read a data set's layouts from pictures in their classes' colours.

    Its features give `metrics.fd_seg` where the papers use FID. They tell how much of each class there is in each
    quarter of a picture, and colours that are no class's; they hardly see whether an edge is ragged. Noise on the
    pictures, which would make it look at shapes, was tried and makes its features blind to stray pixels.

    Returns:
        A training of `parameters.judge_steps` steps, ready to go on from its checkpoint; `segmenter` is its network.
    Source: ours; the papers' FID takes a network trained on photographs. Chapter: Pixels that are classes.
    """
    facts = provenance(data, _CODE)
    set_outdated_aside(checkpoint_path, facts)
    settings = SegmenterTrainingSettings(
        parameters.judge_steps, 8, "adam", 0.01, 0.9, flip=False, channels_last=parameters.channels_last,
        checkpoint_seconds=parameters.checkpoint_seconds, seed=parameters.seed,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(parameters.seed)
        segmenter = Segmenter(SegmenterSettings.light(data.label_space.num_classes))
    pictures = painted(data.layouts, data.label_space)
    return SegmenterTraining(
        segmenter, pictures, data.layouts, settings, None, fabric or make_fabric(parameters), checkpoint_path, facts
    )


def train_judge(
    parameters: SemganParameters, data: LayoutSet, checkpoint_path: str | Path | None = None
) -> Segmenter | None:
    """The trained segmenter of `judge_training`, on the CPU; None where `judge_steps` is 0."""
    if not parameters.judge_steps:
        return None
    training = judge_training(parameters, data, checkpoint_path)
    for _ in progress_bar(training):
        pass
    return training.segmenter.cpu().eval()
