"""Training: progressive layout GANs, checkpoints, devices."""

from sempal_lib.training.augmentation import (
    evaluate_pairs,
    evaluate_row,
    own_painter,
    row_real,
    synthetic_pairs,
    train_row,
)
from sempal_lib.training.changes import colour_jitter, pasted, random_view
from sempal_lib.training.checkpoint import CheckpointError
from sempal_lib.training.cimle import CimleTraining, CimleTrainingSettings, cimle_eye, cimle_training, train_cimle
from sempal_lib.training.crossings import evaluate_crossing, paint_crossing, scene_classifier_for
from sempal_lib.training.end_to_end import EndToEndSettings, EndToEndTraining, gradient_share
from sempal_lib.training.faces import FaceSettings, FaceTraining, face_training, train_faces
from sempal_lib.training.factors import known_factors
from sempal_lib.training.images import ImageTraining, ImageTrainingSettings
from sempal_lib.training.judge import (
    gan_train,
    judge_training,
    painted_scenes,
    train_judge,
    train_segmenter,
    with_pairs,
)
from sempal_lib.training.kinds import VIEWS, kind_classifier_for
from sempal_lib.training.layouts import LayoutData, layout_data, layout_training, train, typical_palettes
from sempal_lib.training.loop import Training
from sempal_lib.training.once import once_training, segmenter_for
from sempal_lib.training.painting import (
    SYNTHESIZERS,
    image_networks,
    image_settings,
    image_training,
    perceptual_for,
    progan_training,
    train_images,
    train_progan,
)
from sempal_lib.training.pairs import PairsError, PairSet, Recipe, make_pairs
from sempal_lib.training.partial import (
    PartialSettings,
    PartialTraining,
    partial_training,
    random_regions,
    train_partial,
)
from sempal_lib.training.progan_rgb import ProganTraining
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
from sempal_lib.training.setup import LayoutSet, SceneSet, device_of, layout_set, progress_bar, scene_set
from sempal_lib.training.style_painter import (
    StylePainter,
    committed_painter,
    load_style_painter,
    painter_of,
    train_style_painter,
)
from sempal_lib.training.styles import encoder_of, evaluate_painter, evaluate_repainting, train_styles
from sempal_lib.training.tuning import TuningData, end_to_end_training, load_painter, painter_for, tune_pair
from sempal_lib.training.weights import load_generator, save_generator

__all__ = [
    "SYNTHESIZERS",
    "VIEWS",
    "CheckpointError",
    "CimleTraining",
    "CimleTrainingSettings",
    "EndToEndSettings",
    "EndToEndTraining",
    "FaceSettings",
    "FaceTraining",
    "ImageTraining",
    "ImageTrainingSettings",
    "LayoutData",
    "LayoutSet",
    "PairSet",
    "PairSource",
    "PairsError",
    "PartialSettings",
    "PartialTraining",
    "ProganTraining",
    "Progress",
    "ProgressiveSettings",
    "ProgressiveTraining",
    "Recipe",
    "SceneSet",
    "SegmenterTraining",
    "SegmenterTrainingSettings",
    "SemganTraining",
    "SemganTrainingSettings",
    "StageSettings",
    "StylePainter",
    "Training",
    "TrainingError",
    "TuningData",
    "cimle_eye",
    "cimle_training",
    "colour_jitter",
    "committed_painter",
    "device_of",
    "encoder_of",
    "end_to_end_training",
    "evaluate_crossing",
    "evaluate_painter",
    "evaluate_pairs",
    "evaluate_repainting",
    "evaluate_row",
    "face_training",
    "gan_train",
    "gradient_share",
    "image_networks",
    "image_settings",
    "image_training",
    "judge_training",
    "kind_classifier_for",
    "known_factors",
    "layout_data",
    "layout_set",
    "layout_training",
    "load_generator",
    "load_painter",
    "load_segmenter",
    "load_style_painter",
    "make_pairs",
    "once_training",
    "own_painter",
    "paint_crossing",
    "painted_scenes",
    "painter_for",
    "painter_of",
    "partial_training",
    "pasted",
    "perceptual_for",
    "progan_training",
    "progress_bar",
    "random_regions",
    "random_view",
    "row_real",
    "save_generator",
    "save_segmenter",
    "scene_classifier_for",
    "scene_set",
    "segmenter_for",
    "semgan_data",
    "semgan_training",
    "synthetic_pairs",
    "train",
    "train_cimle",
    "train_faces",
    "train_images",
    "train_judge",
    "train_partial",
    "train_progan",
    "train_row",
    "train_segmenter",
    "train_semgan",
    "train_style_painter",
    "train_styles",
    "tune_pair",
    "typical_palettes",
    "with_pairs",
]
