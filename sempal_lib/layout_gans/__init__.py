"""Generators of layouts."""

from sempal_lib.layout_gans.activation import exact_layout, pixel_counts, semantically_assisted_activation
from sempal_lib.layout_gans.additions import FaceGenerator
from sempal_lib.layout_gans.partial import PartialGenerator, PartialMask, at_height
from sempal_lib.layout_gans.progan import GeneratorSettings, LayoutDiscriminator
from sempal_lib.layout_gans.semantic_palette import LayoutGenerator, Mask
from sempal_lib.layout_gans.semgan import SemganDiscriminator, SemganGenerator, SemganSettings

__all__ = [
    "FaceGenerator",
    "GeneratorSettings",
    "LayoutDiscriminator",
    "LayoutGenerator",
    "Mask",
    "PartialGenerator",
    "PartialMask",
    "SemganDiscriminator",
    "SemganGenerator",
    "SemganSettings",
    "at_height",
    "exact_layout",
    "pixel_counts",
    "semantically_assisted_activation",
]
