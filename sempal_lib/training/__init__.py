"""Training: progressive layout GANs, checkpoints, devices."""

from sempal_lib.training.checkpoint import CheckpointError
from sempal_lib.training.judge import judge_training, train_judge
from sempal_lib.training.layouts import LayoutData, layout_data, layout_training, train
from sempal_lib.training.loop import Training
from sempal_lib.training.progressive import ProgressiveTraining
from sempal_lib.training.segmentation import (
    PairSource,
    SegmenterTraining,
    SegmenterTrainingSettings,
    load_segmenter,
    save_segmenter,
)
from sempal_lib.training.semgan import (
    SemganTraining,
    SemganTrainingSettings,
    semgan_data,
    semgan_training,
    train_semgan,
)
from sempal_lib.training.settings import Progress, ProgressiveSettings, StageSettings, TrainingError
from sempal_lib.training.setup import LayoutSet, progress_bar
from sempal_lib.training.weights import load_generator, save_generator

__all__ = [
    "CheckpointError",
    "LayoutData",
    "LayoutSet",
    "PairSource",
    "Progress",
    "ProgressiveSettings",
    "ProgressiveTraining",
    "SegmenterTraining",
    "SegmenterTrainingSettings",
    "SemganTraining",
    "SemganTrainingSettings",
    "StageSettings",
    "Training",
    "TrainingError",
    "judge_training",
    "layout_data",
    "layout_training",
    "load_generator",
    "load_segmenter",
    "progress_bar",
    "save_generator",
    "save_segmenter",
    "semgan_data",
    "semgan_training",
    "train",
    "train_judge",
    "train_semgan",
]
