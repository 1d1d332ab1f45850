"""Segmenters as a run's parameters say: those that judge pictures, and those that generated pairs teach."""

from dataclasses import replace
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor

from sempal_lib.image_gans import ImageGenerator
from sempal_lib.metrics.scenes import standard_classes
from sempal_lib.metrics.segmentation import evaluate_segmenter
from sempal_lib.metrics.semgan import painted
from sempal_lib.parameters import ImageParameters, Parameters, SemganParameters
from sempal_lib.segmentation import EntropyDiscriminator, Segmenter, SegmenterSettings
from sempal_lib.training.pairs import PairSet
from sempal_lib.training.segmentation import PairSource, SegmenterTraining, SegmenterTrainingSettings
from sempal_lib.training.setup import (
    LayoutSet,
    SceneSet,
    device_of,
    make_fabric,
    progress_bar,
    provenance,
    set_outdated_aside,
)

_AT_ONCE = 64  # scenes
_CODE = ("segmentation.py", *(f"training/{name}.py" for name in ("segmentation", "changes", "pairs", "judge")))


def segmenter_training(
    parameters: Parameters,
    data: LayoutSet,
    images: Tensor | None,
    network: SegmenterSettings,
    settings: SegmenterTrainingSettings,
    checkpoint_path: str | Path | None = None,
    source: PairSource | PairSet | None = None,
    fabric: Fabric | None = None,
    instances: Tensor | None = None,
) -> SegmenterTraining:
    """A segmenter of a run, ready to be trained or to go on from its checkpoint; on one device.

    Args:
        data: whose layouts go with `images`; where these are None, all pairs come from `source`.
        instances: for copy-paste, see `SegmenterTraining`.
    """
    facts = provenance(data, _CODE)
    set_outdated_aside(checkpoint_path, facts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        segmenter, discriminator = Segmenter(network), None
        if settings.adapt:  # the paper's beside the paper's network, a narrow one beside a narrow one
            width = 64 if network.backbone == "resnet101" else network.width
            discriminator = EntropyDiscriminator(network.num_classes, data.size, width)
    layouts = None if images is None else data.layouts
    return SegmenterTraining(
        segmenter, images, layouts, settings, source, fabric or make_fabric(parameters, devices=1), checkpoint_path,
        facts, instances, discriminator,
    )  # fmt: skip


def pairs_training(
    parameters: ImageParameters,
    data: SceneSet,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
    source: PairSource | None = None,
) -> SegmenterTraining:
    """The training that `train_segmenter` takes to its end."""
    p, classes = parameters, data.label_space.num_classes
    light = p.segmenter == "light"
    network = SegmenterSettings.light(classes) if light else SegmenterSettings(classes, p.segmenter)
    images = None if source is not None else data.images
    settings = pairs_settings(p, p.segmenter_steps)
    return segmenter_training(p, data, images, network, settings, checkpoint_path, source, fabric)


def pairs_settings(parameters: ImageParameters, steps: int, dice_weight: float = 0.0) -> SegmenterTrainingSettings:
    """How a segmenter is trained on pairs. The light one learns by Adam, the papers' by their SGD."""
    p = parameters
    return SegmenterTrainingSettings(
        steps, p.segmenter_batch_size, "adam" if p.segmenter == "light" else "sgd", dice_weight=dice_weight,
        channels_last=p.channels_last, compile=p.compile, checkpoint_seconds=p.checkpoint_seconds, seed=p.seed,
    )  # fmt: skip


def train_segmenter(
    parameters: ImageParameters,
    data: SceneSet,
    checkpoint_path: str | Path | None = None,
    source: PairSource | None = None,
) -> Segmenter:
    """Train a segmenter on the pairs of a data set, or on generated ones, and return it: that of GAN-train.

    The judge of GAN-test is another, see `segmenter_for`.

    Args:
        data: the pairs; `with_pairs` puts generated ones in their place.
        source: fresh pairs in every step, in place of the data's.
    Chapter: Judging with a segmenter.
    """
    return _to_the_end(pairs_training(parameters, data, checkpoint_path, source=source))


def with_pairs(data: SceneSet, images: Tensor, layouts: Tensor) -> SceneSet:
    """The data set with other training pairs: pictures [N, 3, H, W] in [-1, 1], layouts uint8 [N, H, W]; CPU."""
    kept = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu()
    return replace(data, images=kept, layouts=layouts.to(torch.uint8).cpu())


def gan_train(
    parameters: ImageParameters, data: SceneSet, scenes: PairSource, checkpoint_path: str | Path | None = None
) -> dict[str, tuple[float, int]]:
    """What a segmenter learns from generated scenes alone: GAN-train.

    Args:
        data: whose held-out pictures it is tested on; its training pairs are not looked at.
        scenes: makes pairs of pictures and layouts, see `PairSource`: `TwoStageGenerator.sample`, or
            `painted_scenes`. `parameters.gan_train_pairs` of them are made once; if that is 0, fresh ones every step.
    Returns:
        Metric to (value, number of validation pictures).
    Source: Semantic Palette, §5 "Metrics". Chapter: Judging with a segmenter.
    """
    if parameters.gan_train_pairs:
        pairs = scenes(parameters.gan_train_pairs, torch.Generator().manual_seed(parameters.seed))
        segmenter = train_segmenter(parameters, with_pairs(data, *pairs), checkpoint_path)
    else:
        # A few of them stand for the generators in the checkpoint's configuration.
        random = torch.Generator(device_of(parameters)).manual_seed(parameters.seed)
        known = with_pairs(data, *scenes(4, random))
        segmenter = train_segmenter(parameters, known, checkpoint_path, source=scenes)
    found = evaluate_segmenter(segmenter, data.held_out_images, data.held_out, standard_classes(data.label_space))
    names = {"miou": "gan_train_miou", "miou_all": "gan_train_miou_all", "pixel_accuracy": "gan_train_accuracy"}
    return {names[name]: (value, len(data.held_out)) for name, value in found.items()}


def painted_scenes(painter: ImageGenerator, layouts: Tensor) -> PairSource:
    """Pairs of real layouts, drawn at random from uint8 [N, H, W], and what a synthesizer paints on them.

    The layouts are kept beside the painter: fresh pairs in every step do not go to the host and back.
    """
    layouts = layouts.to(next(painter.parameters()).device)

    def scenes(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        index = torch.randint(len(layouts), (count,), generator=random, device=random.device)
        parts = []
        for chosen in layouts[index.to(layouts.device)].split(_AT_ONCE):  # noise is large where it is dropout
            z = torch.randn(len(chosen), painter.noise_dim, generator=random, device=random.device)
            parts.append((painter.generate(chosen, z=z if painter.noise_dim else None), chosen))
        pictures, told = zip(*parts, strict=True)
        return torch.cat(pictures), torch.cat(told)

    return scenes


def judge_training(
    parameters: SemganParameters,
    data: LayoutSet,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
) -> SegmenterTraining:
    """A light segmenter that learns to read a data set's layouts from pictures in their classes' colours.

    Its features give `metrics.fd_seg` where the papers use FID. They tell how much of each class there is in each
    quarter of a picture, and colours that are no class's; they hardly see whether an edge is ragged. Noise on the
    pictures, which would make it look at shapes, was tried and makes its features blind to stray pixels.

    Returns:
        A training of `parameters.judge_steps` steps, ready to go on from its checkpoint; `segmenter` is its network.
    Source: ours; the papers' FID takes a network trained on photographs. Chapter: Pixels that are classes.
    """
    p = parameters
    settings = SegmenterTrainingSettings(
        p.judge_steps, 8, "adam", flip=False, channels_last=p.channels_last,
        checkpoint_seconds=p.checkpoint_seconds, seed=p.seed,
    )  # fmt: skip
    network = SegmenterSettings.light(data.label_space.num_classes)
    pictures = painted(data.layouts, data.label_space)
    return segmenter_training(p, data, pictures, network, settings, checkpoint_path, fabric=fabric)


def train_judge(
    parameters: SemganParameters, data: LayoutSet, checkpoint_path: str | Path | None = None
) -> Segmenter | None:
    """The trained segmenter of `judge_training`, on the CPU; None where `judge_steps` is 0."""
    if not parameters.judge_steps:
        return None
    return _to_the_end(judge_training(parameters, data, checkpoint_path)).cpu()


def _to_the_end(training: SegmenterTraining) -> Segmenter:
    for _ in progress_bar(training):
        pass
    return training.segmenter.eval()
