"""Metrics. Each docstring holds the definition; sample counts and splits stand in the run records."""

from sempal_lib.metrics.control import evaluate_control, made_shares, sweep_shares
from sempal_lib.metrics.images import (
    FeatureWeightsMissing,
    check_sample_count,
    frechet_inception_distance,
    laplacian_pyramid,
    ms_ssim,
    ms_ssim_scales,
    sliced_wasserstein_distance,
    swd_record,
)
from sempal_lib.metrics.layouts import (
    evaluate_layouts,
    frechet_distance,
    frechet_segmentation_distance,
    grid_segmentation_distance,
    layout_diversity,
    palette_kl,
    proportion_error,
)
from sempal_lib.metrics.parts import (
    background_left,
    drawn_at_random,
    edge_shares,
    evaluate_edits,
    palette_within,
)
from sempal_lib.metrics.scenes import evaluate_images, evaluate_real, standard_classes
from sempal_lib.metrics.segmentation import (
    class_iou,
    confusion_matrix,
    evaluate_segmenter,
    fd_seg,
    mean_iou,
    pixel_accuracy,
)
from sempal_lib.metrics.semgan import evaluate_pictures, evaluate_shapes, painted, sample
from sempal_lib.metrics.shapes import (
    nearest_scene,
    off_colour_share,
    require_classes,
    shape_report,
    snap_to_colours,
)

__all__ = [
    "FeatureWeightsMissing",
    "background_left",
    "check_sample_count",
    "class_iou",
    "confusion_matrix",
    "drawn_at_random",
    "edge_shares",
    "evaluate_control",
    "evaluate_edits",
    "evaluate_images",
    "evaluate_layouts",
    "evaluate_pictures",
    "evaluate_real",
    "evaluate_segmenter",
    "evaluate_shapes",
    "fd_seg",
    "frechet_distance",
    "frechet_inception_distance",
    "frechet_segmentation_distance",
    "grid_segmentation_distance",
    "laplacian_pyramid",
    "layout_diversity",
    "made_shares",
    "mean_iou",
    "ms_ssim",
    "ms_ssim_scales",
    "nearest_scene",
    "off_colour_share",
    "painted",
    "palette_kl",
    "palette_within",
    "pixel_accuracy",
    "proportion_error",
    "require_classes",
    "sample",
    "shape_report",
    "sliced_wasserstein_distance",
    "snap_to_colours",
    "standard_classes",
    "swd_record",
    "sweep_shares",
]
