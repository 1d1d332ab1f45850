"""From a run's parameters to trained synthesizers of pictures, all on one budget."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric

from sempal_lib.image_gans import (
    ClvaeEncoder,
    ClvaeGenerator,
    ClvaeSettings,
    DiscriminatorSettings,
    GlobalGenerator,
    GroupdnetEncoder,
    GroupdnetGenerator,
    GroupdnetSettings,
    ImageEncoder,
    ImageGenerator,
    LatentEncoder,
    LgganGenerator,
    LgganSettings,
    MultiScaleDiscriminator,
    PerceptualFeatures,
    PerceptualWeightsMissing,
    Pix2pixhdSettings,
    Pix2pixSettings,
    ProganGenerator,
    SeanGenerator,
    SeanSettings,
    SpadeGenerator,
    SpadeSettings,
    StyleEncoder,
    UnetGenerator,
    perceptual_features,
    segmenter_features,
)
from sempal_lib.layout_gans import LayoutDiscriminator
from sempal_lib.parameters import CrossViewParameters, ImageParameters, LgganParameters, StyleParameters
from sempal_lib.segmentation import Segmenter
from sempal_lib.training import checkpoint, crossings
from sempal_lib.training.images import ImageTraining, ImageTrainingSettings, Judge
from sempal_lib.training.once import segmenter_for
from sempal_lib.training.progan_rgb import ProganTraining
from sempal_lib.training.settings import Progress, ProgressiveSettings, StageSettings
from sempal_lib.training.setup import SceneSet, make_fabric, provenance, scene_set, set_outdated_aside, train_to_the_end

SYNTHESIZERS = ("pix2pix", "pix2pixhd", "gaugan", "gaugan-vae")  # of chapter 7; there are more PAINTERS
_NETWORKS = ("interface", "latents", "layout_levels", "spade", "pix2pix", "pix2pixhd", "discriminators", "perceptual")
CODE = (
    "layers.py", "spade_layers.py", "segmentation.py", *(f"image_gans/{name}.py" for name in _NETWORKS),
    "training/images.py", "training/painting.py",
)  # fmt: skip
MORE_CODE = {  # beside CODE, of a system that has files of its own
    "clvae": ("image_gans/clvae.py",), "groupdnet": ("image_gans/groupdnet.py",),
    "lggan": ("losses_of_classes.py", "image_gans/lggan.py", "image_gans/class_convolution.py"),
    "sean": ("image_gans/clvae.py", "image_gans/sean.py"),
}  # fmt: skip
_PROGAN_CODE = (
    "layers.py", "layout_gans/progan.py", "layout_gans/semantic_palette.py", "image_gans/progan_rgb.py",
    "training/progressive.py", "training/progan_rgb.py",
)  # fmt: skip


# What builds a synthesizer: generator, encoder where it has one, and what its judge is built from.
Networks = tuple[ImageGenerator, LatentEncoder | None, DiscriminatorSettings]


def image_networks(
    system: str, parameters: ImageParameters, num_classes: int, size: tuple[int, int]
) -> tuple[ImageGenerator, Judge, LatentEncoder | None]:
    """Generator, discriminator and, where the generator has latents, encoder as the parameters say.

    At the papers' sizes they are the papers'. Smaller pictures get fewer halvings: pix2pix goes down to 1 px of height
    and pix2pixHD to a sixteenth, but no lower than 8 px; patches of their judges are smaller too. GauGAN has the
    judge of SB-GAN and Semantic Palette, whose pictures are of these sizes.

    Args:
        system: one of PAINTERS, or of chapter 11, as the parameters are. size: (H, W) of the pictures, px.
    Chapter: Painting by layout.
    """
    if isinstance(parameters, CrossViewParameters):
        return *crossings.crossing_networks(system, parameters, num_classes, size), None
    if system not in PAINTERS:
        raise ValueError(f"{system!r} is no synthesizer: choose one of {', '.join(PAINTERS)}")
    generator, encoder, judge = PAINTERS[system](system, parameters, num_classes, size)
    return generator, MultiScaleDiscriminator(judge), encoder


def _pix2pix(system: str, p: ImageParameters, num_classes: int, size: tuple[int, int]) -> Networks:
    octaves = size[0].bit_length() - 1
    settings = Pix2pixSettings(num_classes, *size, p.ngf, depth=min(8, octaves), dropouts=min(3, octaves - 2))
    strides = (2, 2, 2, 1) if size[0] >= 64 else (2, 2, 1)
    judge = DiscriminatorSettings(num_classes, p.ndf, strides, scales=1, norm="batch", padding=1)
    return UnetGenerator(settings), None, judge


def _pix2pixhd(system: str, p: ImageParameters, num_classes: int, size: tuple[int, int]) -> Networks:
    settings = Pix2pixhdSettings(num_classes, *size, p.ngf, downs=max(1, min(4, size[0].bit_length() - 4)))
    return GlobalGenerator(settings), None, DiscriminatorSettings.pix2pixhd(num_classes, p.ndf)


def _gaugan(system: str, p: ImageParameters, num_classes: int, size: tuple[int, int]) -> Networks:
    settings = SpadeSettings(
        num_classes, *size, p.ngf, p.doublings, p.hidden, use_vae=system == "gaugan-vae", latent_dim=p.latent_dim,
        encoder_size=max(16, min(256, 2 * size[0])),
    )  # fmt: skip
    encoder = ImageEncoder(settings) if settings.use_vae else None
    return SpadeGenerator(settings), encoder, _gaugans_judge(p, num_classes, size)


def _gaugans_judge(p: ImageParameters, num_classes: int, size: tuple[int, int]) -> DiscriminatorSettings:
    """That of SB-GAN and Semantic Palette; at CLVAE's and LGGAN's own sizes, GauGAN's."""
    whole = isinstance(p, StyleParameters | LgganParameters) and size[0] >= 256
    return (DiscriminatorSettings if whole else DiscriminatorSettings.small)(num_classes, p.ndf)


def _clvae(system: str, p: ImageParameters, num_classes: int, size: tuple[int, int]) -> Networks:
    if not isinstance(p, StyleParameters):
        raise ValueError("clvae has layers: its parameters are those of chapter 12, resolve('12_class_layer_vae', …)")
    layers = p.layers or p.most_layers
    settings = ClvaeSettings(
        num_classes, *size, p.ngf, p.doublings, p.hidden, latent_dim=p.latent_dim,
        encoder_size=max(4 << layers, min(256, 2 * size[0])), layers=layers, class_dim=p.class_dim,
        class_wise=p.class_wise, layer_wise=p.layer_wise,
    )  # fmt: skip
    generator, encoder = ClvaeGenerator(settings), ClvaeEncoder(settings)
    return generator, encoder, _gaugans_judge(p, num_classes, size)


def _lggan(system: str, p: ImageParameters, num_classes: int, size: tuple[int, int]) -> Networks:
    if not isinstance(p, LgganParameters):
        raise ValueError("lggan has forms: its parameters are those of chapter 10, resolve('10_lggan', …)")
    joining = {} if p.joining is None else {"joining": p.joining}
    settings = LgganSettings.form(
        p.form, num_classes, *size, p.ngf, p.doublings, p.hidden, residual_blocks=p.residual_blocks,
        own_classes=p.own_classes, released=p.released, **joining,
    )  # fmt: skip
    return LgganGenerator(settings), None, _gaugans_judge(p, num_classes, size)


def _groupdnet(system: str, p: ImageParameters, num_classes: int, size: tuple[int, int]) -> Networks:
    settings = GroupdnetSettings.sized(num_classes, *size, p.ngf, p.doublings)
    if (num_classes, *size, p.ngf) == (151, 256, 256, 64):
        settings = GroupdnetSettings.ade20k()
    judge = DiscriminatorSettings.small(num_classes, p.ndf)
    return GroupdnetGenerator(settings), GroupdnetEncoder(settings), judge


def _sean(system: str, p: ImageParameters, num_classes: int, size: tuple[int, int]) -> Networks:
    length = (p.class_dim if isinstance(p, StyleParameters) else None) or 8 * p.ngf
    settings = SeanSettings(num_classes, *size, p.ngf, p.doublings, p.hidden, style_dim=length)
    return SeanGenerator(settings), StyleEncoder(settings), DiscriminatorSettings.small(num_classes, p.ndf)


# Every synthesizer that `image_training` trains. A new one is a function and one line.
PAINTERS: dict[str, Callable[[str, ImageParameters, int, tuple[int, int]], Networks]] = {
    "pix2pix": _pix2pix, "pix2pixhd": _pix2pixhd, "gaugan": _gaugan, "gaugan-vae": _gaugan,
    "clvae": _clvae, "groupdnet": _groupdnet, "sean": _sean, "lggan": _lggan,
}  # fmt: skip


def image_settings(system: str, parameters: ImageParameters, **changes: Any) -> ImageTrainingSettings:
    """How a synthesizer is trained: its paper's losses and optimizer, the parameters' budget, and `changes` of both."""
    p = parameters
    pix = system.startswith("pix2pix")
    values: dict[str, Any] = {
        "learning_rate_g": p.learning_rate if pix else p.learning_rate / 2,
        "learning_rate_d": p.learning_rate if pix else 2 * p.learning_rate,
        "batch_size": p.batch_size, "steps": p.steps, "constant_steps": p.steps // 2 if p.decay else p.steps,
        "ema_images": max(p.batch_size * p.steps // 16, 1) if p.ema else 0, "channels_last": p.channels_last,
        "compile": p.compile, "checkpoint_seconds": p.checkpoint_seconds, "seed": p.seed, **changes,
    }  # fmt: skip
    if isinstance(p, CrossViewParameters):
        return crossings.crossing_settings(system, p, **values)
    if isinstance(p, StyleParameters):
        values.setdefault("kl_weight", p.kl_weight)
    if isinstance(p, LgganParameters):
        own = {"local": p.local_weight, "classification": p.classification_weight}
        values.setdefault("own_weights", own)
    make = {"pix2pix": ImageTrainingSettings.pix2pix, "pix2pixhd": ImageTrainingSettings.pix2pixhd}
    return make.get(system, ImageTrainingSettings)(**values)


def perceptual_for(
    parameters: ImageParameters, stand_in: Callable[[], Segmenter] | None = None, taps: str = "gaugan"
) -> PerceptualFeatures:
    """The features that perceptual losses compare, as `parameters.perceptual` says.

    The stand-in for VGG-19 is the eye of `segmenter_for`: another network than the judge, trained on other scenes, so
    that no synthesizer is trained on the features that it is judged by.

    Args:
        stand_in: makes another eye, where one is needed. taps: of VGG-19, as in `perceptual_features`.
    Raises:
        PerceptualWeightsMissing: VGG-19 was asked for, and its weights cannot be had.
    Chapter: Painting by layout.
    """
    if parameters.perceptual != "segmenter":
        try:
            return perceptual_features(download=parameters.perceptual == "vgg19", taps=taps)
        except PerceptualWeightsMissing:
            if parameters.perceptual == "vgg19":
                raise
    return segmenter_features(stand_in() if stand_in else segmenter_for(parameters, "eye"))


def image_training(
    parameters: ImageParameters,
    data: SceneSet,
    system: str,
    perceptual: PerceptualFeatures | None,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
    **changes: Any,
) -> ImageTraining:
    """A synthesizer as the parameters say, ready to be trained or to go on from its checkpoint.

    A checkpoint that older code of this library or other data left is moved aside, never mixed with the new.

    Args:
        system: as in `image_networks`. perceptual: from `perceptual_for`; "pix2pix" looks at none, unless changed.
        changes: of `ImageTrainingSettings`.
    Chapter: Painting by layout.
    """
    more = crossings.CODE if isinstance(parameters, CrossViewParameters) else MORE_CODE.get(system, ())
    facts = provenance(data, (*CODE, *more))
    settings = image_settings(system, parameters, **changes)
    if perceptual is not None and perceptual.name == "segmenter" and settings.perceptual_weight:
        # What a painter learns by belongs to its data: with another eye it is trained anew.
        facts["data"] = f"{facts['data'][:6]}{checkpoint.fingerprint(perceptual)[:6]}"
    set_outdated_aside(checkpoint_path, facts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(parameters.seed)
        generator, discriminator, encoder = image_networks(system, parameters, data.label_space.num_classes, data.size)
    return ImageTraining(
        generator, discriminator, data.images, data.layouts, settings,
        perceptual if settings.perceptual_weight else None, encoder, fabric=fabric or make_fabric(parameters),
        checkpoint_path=checkpoint_path, configuration=facts, sources=data.sources,
    )  # fmt: skip


def train_images(
    parameters: ImageParameters,
    data: SceneSet,
    system: str,
    checkpoint_path: str | Path,
    watch: Callable[[ImageTraining], Iterable[Progress]] = iter,
    **changes: Any,
) -> ImageTraining:
    """Train a synthesizer to the end and return the training, whose `averaged` is the generator to paint with.

    Args:
        system, checkpoint_path, changes: as in `image_training`. watch: as in `train`.
    Chapter: Painting by layout.
    """
    return train_to_the_end(_build, parameters, data, system, str(checkpoint_path), changes, watch=watch)


def _build(
    parameters: ImageParameters,
    data: SceneSet | None,
    system: str,
    checkpoint_path: str,
    changes: dict[str, Any],
    fabric: Fabric | None,
) -> ImageTraining:
    data = data or scene_set(parameters)
    looks = image_settings(system, parameters, **changes).perceptual_weight
    eye = perceptual_for(parameters) if looks else None
    return image_training(parameters, data, system, eye, checkpoint_path, fabric, **changes)


def progan_training(
    parameters: ImageParameters,
    data: SceneSet,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
) -> ProganTraining:
    """A ProGAN on pictures alone, as the parameters say: what needs no layout.

    Its learning rate is the paper's 1e-3 at 512 channels; narrower equalized layers take more, by the root.

    Chapter: Judging with a segmenter.
    """
    p, (height, width) = parameters, data.size
    facts = provenance(data, _PROGAN_CODE)
    set_outdated_aside(checkpoint_path, facts)
    network = ProganGenerator.settings_for(height, width, p.latent_dim, p.max_channels)
    stage = StageSettings(p.batch_size, p.progan_images, p.progan_images)
    settings = ProgressiveSettings(
        (stage,) * network.num_stages, 1e-3 * (512 / p.max_channels) ** 0.5, conditional_weight=0.0,
        multi_scale=False, palette_source="real", ema_images=max(p.progan_images // 16, 1) if p.ema else 0,
        channels_last=p.channels_last, compile=p.compile, checkpoint_seconds=p.checkpoint_seconds, seed=p.seed,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(p.seed)
        generator, discriminator = ProganGenerator(network), LayoutDiscriminator(network)
    return ProganTraining(
        generator, discriminator, data.images, settings, None, fabric or make_fabric(p), checkpoint_path, facts
    )


def train_progan(
    parameters: ImageParameters,
    data: SceneSet,
    checkpoint_path: str | Path,
    watch: Callable[[ProganTraining], Iterable[Progress]] = iter,
) -> ProganTraining:
    """Train the ProGAN on pictures to the end; arguments and result as in `train_images`."""
    return train_to_the_end(_build_progan, parameters, data, str(checkpoint_path), watch=watch)


def _build_progan(
    parameters: ImageParameters, data: SceneSet | None, checkpoint_path: str, fabric: Fabric | None
) -> ProganTraining:
    return progan_training(parameters, data or scene_set(parameters), checkpoint_path, fabric)
