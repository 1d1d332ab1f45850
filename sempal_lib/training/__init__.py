"""Training: progressive layout GANs, checkpoints, devices."""

from sempal_lib.training.checkpoint import CheckpointError
from sempal_lib.training.progressive import ProgressiveTraining
from sempal_lib.training.settings import Progress, ProgressiveSettings, StageSettings, TrainingError
from sempal_lib.training.weights import load_generator, save_generator

__all__ = [
    "CheckpointError",
    "Progress",
    "ProgressiveSettings",
    "ProgressiveTraining",
    "StageSettings",
    "TrainingError",
    "load_generator",
    "save_generator",
]
