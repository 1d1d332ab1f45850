"""Every figure of the book. Each function returns a matplotlib Figure and shows nothing by itself.

One style for all: 5 inches wide with text of 11 pt, so that the text is still 8 pt high where a phone of
390 px shows the figure across its page. Curves take the colours of Okabe and Ito, which colour-blind readers
tell apart.
"""

from sempal_lib.figures.comparisons import ablation_dots, level_bars
from sempal_lib.figures.curves import aic_curve, sinkhorn_figure, training_curves
from sempal_lib.figures.diagrams import (
    Diagram,
    class_codes_diagram,
    local_global_diagram,
    partial_diagram,
    two_views_diagram,
)
from sempal_lib.figures.layout_diagrams import activation_maps, growth_diagram, semgan_diagram
from sempal_lib.figures.painting_diagrams import (
    augmentation_diagram,
    face_diagram,
    handles_diagram,
    residual_fusion_diagram,
    spade_diagram,
    two_generators_diagram,
    two_trainings_diagram,
)
from sempal_lib.figures.palettes import (
    class_error_bars,
    control_curves,
    interpolation_figure,
    palette_bars,
    palette_map,
    palette_statistics,
    proportion_scatter,
    soft_and_hard_scatter,
)
from sempal_lib.figures.scenes import contact_sheet, image_grid, layout_grid, legend
from sempal_lib.figures.segmenters import class_scores, learning_curves
from sempal_lib.figures.style import STYLE
from sempal_lib.pictures import to_png
from sempal_lib.tables import Table

__all__ = [
    "STYLE", "Diagram", "Table", "ablation_dots", "activation_maps", "aic_curve", "augmentation_diagram",
    "class_codes_diagram", "class_error_bars", "class_scores", "contact_sheet", "control_curves", "face_diagram",
    "growth_diagram", "handles_diagram", "image_grid", "interpolation_figure", "layout_grid", "learning_curves",
    "legend", "level_bars", "local_global_diagram", "palette_bars", "palette_map",
    "palette_statistics", "partial_diagram", "proportion_scatter", "residual_fusion_diagram", "semgan_diagram",
    "sinkhorn_figure", "soft_and_hard_scatter", "spade_diagram", "to_png", "training_curves",
    "two_generators_diagram", "two_trainings_diagram", "two_views_diagram",
]  # fmt: skip
