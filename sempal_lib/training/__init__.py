"""Training: progressive layout GANs, checkpoints, devices."""

from sempal_lib.training.checkpoint import CheckpointError
from sempal_lib.training.layouts import LayoutData, layout_data, layout_training, progress_bar, train
from sempal_lib.training.progressive import ProgressiveTraining
from sempal_lib.training.settings import Progress, ProgressiveSettings, StageSettings, TrainingError
from sempal_lib.training.weights import load_generator, save_generator

__all__ = [
    "CheckpointError",
    "LayoutData",
    "Progress",
    "ProgressiveSettings",
    "ProgressiveTraining",
    "StageSettings",
    "TrainingError",
    "layout_data",
    "layout_training",
    "load_generator",
    "progress_bar",
    "save_generator",
    "train",
]
