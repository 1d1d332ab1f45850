"""Metrics. Each docstring holds the definition; sample counts and splits stand in the run records."""

from sempal_lib.metrics.layouts import (
    evaluate_layouts,
    frechet_distance,
    frechet_segmentation_distance,
    layout_diversity,
    palette_kl,
    proportion_error,
)

__all__ = [
    "evaluate_layouts",
    "frechet_distance",
    "frechet_segmentation_distance",
    "layout_diversity",
    "palette_kl",
    "proportion_error",
]
