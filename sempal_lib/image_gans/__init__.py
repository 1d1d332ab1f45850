"""Generators of pictures from layouts, and their judges."""

from sempal_lib.checks import IGNORED
from sempal_lib.image_gans.cimle import CascadeGenerator, CascadeSettings
from sempal_lib.image_gans.clvae import ClvaeEncoder, ClvaeGenerator, ClvaeSettings
from sempal_lib.image_gans.cross_view import (
    CrossViewSettings,
    CrossViewUnet,
    SelectionGenerator,
    XForkGenerator,
    XSeqGenerator,
)
from sempal_lib.image_gans.discriminators import (
    DiscriminatorSettings,
    DualDiscriminator,
    Judgement,
    MultiScaleDiscriminator,
    SourceDiscriminator,
)
from sempal_lib.image_gans.groupdnet import GroupdnetEncoder, GroupdnetGenerator, GroupdnetSettings
from sempal_lib.image_gans.interface import ImageGenerator, LatentEncoder, Painted
from sempal_lib.image_gans.latents import Latents
from sempal_lib.image_gans.layout_levels import instance_edges
from sempal_lib.image_gans.lggan import Branches, LgganGenerator, LgganSettings
from sempal_lib.image_gans.perceptual import (
    PerceptualFeatures,
    PerceptualWeightsMissing,
    perceptual_features,
    segmenter_features,
    with_pixels,
)
from sempal_lib.image_gans.pix2pix import Pix2pixSettings, UnetGenerator
from sempal_lib.image_gans.pix2pixhd import GlobalGenerator, Pix2pixhdSettings
from sempal_lib.image_gans.progan_rgb import ProganGenerator
from sempal_lib.image_gans.sean import SeanGenerator, SeanSettings, StyleEncoder
from sempal_lib.image_gans.spade import ImageEncoder, SpadeGenerator, SpadeSettings, sample_latent
from sempal_lib.image_gans.two_stage import TwoStageGenerator, enlarge

__all__ = [
    "IGNORED",
    "Branches",
    "CascadeGenerator",
    "CascadeSettings",
    "ClvaeEncoder",
    "ClvaeGenerator",
    "ClvaeSettings",
    "CrossViewSettings",
    "CrossViewUnet",
    "DiscriminatorSettings",
    "DualDiscriminator",
    "GlobalGenerator",
    "GroupdnetEncoder",
    "GroupdnetGenerator",
    "GroupdnetSettings",
    "ImageEncoder",
    "ImageGenerator",
    "Judgement",
    "LatentEncoder",
    "Latents",
    "LgganGenerator",
    "LgganSettings",
    "MultiScaleDiscriminator",
    "Painted",
    "PerceptualFeatures",
    "PerceptualWeightsMissing",
    "Pix2pixSettings",
    "Pix2pixhdSettings",
    "ProganGenerator",
    "SeanGenerator",
    "SeanSettings",
    "SelectionGenerator",
    "SourceDiscriminator",
    "SpadeGenerator",
    "SpadeSettings",
    "StyleEncoder",
    "TwoStageGenerator",
    "UnetGenerator",
    "XForkGenerator",
    "XSeqGenerator",
    "enlarge",
    "instance_edges",
    "perceptual_features",
    "sample_latent",
    "segmenter_features",
    "with_pixels",
]
