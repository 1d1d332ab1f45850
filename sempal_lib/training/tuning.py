"""From a run's parameters and the checkpoints of two trainings to a pair that is tuned end to end."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.fabric import Fabric

from sempal_lib.image_gans import DiscriminatorSettings, ImageGenerator, MultiScaleDiscriminator, PerceptualFeatures
from sempal_lib.layout_gans import LayoutDiscriminator, LayoutGenerator
from sempal_lib.metrics.segmentation import fd_seg
from sempal_lib.parameters import LayoutParameters, TuningParameters
from sempal_lib.training import checkpoint
from sempal_lib.training.end_to_end import EndToEndSettings, EndToEndTraining
from sempal_lib.training.images import ImageTraining
from sempal_lib.training.layouts import LayoutData, generator_settings, layout_data, progressive_settings
from sempal_lib.training.once import once, once_parameters, segmenter_for, unfinished_of
from sempal_lib.training.painting import CODE as PAINTER_CODE
from sempal_lib.training.painting import image_networks, image_settings, perceptual_for, train_images
from sempal_lib.training.progressive import ProgressiveTraining
from sempal_lib.training.settings import Progress, StageSettings
from sempal_lib.training.setup import (
    CODE,
    SceneSet,
    device_of,
    digest_of,
    make_fabric,
    progress_bar,
    provenance,
    scene_set,
    set_outdated_aside,
    train_to_the_end,
)

_CODE = (
    "layers.py", "spade_layers.py", "palettes.py", "segmentation.py", "layout_gans/*.py", "image_gans/*.py",
    "training/progressive.py", "training/images.py", "training/painting.py", "training/end_to_end.py",
    "training/tuning.py",
)  # fmt: skip
_RATIOS = {"sb-gan": 0.01, "semantic-palette": 0.1}  # of the layout networks' learning rate to that of their training


class TuningData(NamedTuple):
    """What a pair is tuned on: pictures with layouts, and the layouts at the layout generator's own size."""

    scenes: SceneSet
    layouts: LayoutData


def end_to_end_training(
    parameters: TuningParameters,
    layout_parameters: LayoutParameters,
    data: TuningData,
    system: str,
    checkpoints: Mapping[str, str | Path],
    tune: str = "both",
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
    perceptual: PerceptualFeatures | None = None,
    **changes: Any,
) -> EndToEndTraining:
    """A trained pair, ready to be tuned or to go on from its checkpoint.

    The layout networks learn at a hundredth (SB-GAN) or a tenth (Semantic Palette) of the rate that trained them, the
    picture networks at the rate that trained them: the papers' ratios. Both begin from their averaged weights.

    Args:
        layout_parameters: those that trained the layout generator.
        system: "sb-gan" or "semantic-palette". tune: see `EndToEndSettings`.
        checkpoints: of trainings: "layouts" and "gaugan".
        perceptual: in place of the eye's features.
        changes: of `EndToEndSettings`.
    Raises:
        CheckpointError: a checkpoint is missing, or of another architecture. ValueError: an unknown system.
    Chapter: Two generators, one loss.
    """
    if system not in _RATIOS:
        raise ValueError(f"{system!r} is no system: choose {' or '.join(map(repr, _RATIOS))}")
    p, batch = parameters, parameters.tuning_batch_size
    fabric = fabric or make_fabric(p)
    schedule = progressive_settings(layout_parameters)
    schedule = replace(
        schedule, stages=tuple(StageSettings(batch, batch, batch) for _ in schedule.stages), ema_images=0,
        learning_rate=schedule.learning_rate * _RATIOS[system], channels_last=p.channels_last, compile=False,
    )  # fmt: skip
    painting = replace(
        image_settings("gaugan", p), batch_size=batch, steps=p.tuning_steps, constant_steps=p.tuning_steps,
        ema_images=0, compile=False,
    )  # fmt: skip
    common = {
        "steps": p.tuning_steps, "constant_steps": p.tuning_steps, "tune": tune, "seed": p.seed,
        "ema_images": max(batch * p.tuning_steps // 16, 1) if p.ema else 0,
        "checkpoint_seconds": p.checkpoint_seconds, "judge_rate": painting.learning_rate_d,
    }  # fmt: skip
    if system == "sb-gan":
        own: dict[str, Any] = {"constant_steps": p.tuning_steps // 2} if p.decay else {}
        if p.released:  # an epoch for D₂ first, and the rate of an Adam without TTUR
            own |= {"judge_steps": max(1, len(data.scenes.layouts) // batch), "judge_rate": p.learning_rate}
        settings = EndToEndSettings.sb_gan(p.released, **(common | own | changes))
    else:
        settings = EndToEndSettings.semantic_palette(**(common | changes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(p.seed)
        network = generator_settings(layout_parameters, data.layouts)
        layout_networks = LayoutGenerator(network), LayoutDiscriminator(network)
        painter, discriminator, _ = image_networks("gaugan", p, network.num_classes, data.scenes.size)
        judge = MultiScaleDiscriminator(DiscriminatorSettings.small(0, p.ndf))
    layout_path, image_path = checkpoints["layouts"], checkpoints["gaugan"]
    checkpoint.load_into(layout_path, {"averaged": layout_networks[0], "discriminator": layout_networks[1]})
    checkpoint.load_into(image_path, {"averaged": painter, "discriminator": discriminator})
    # What a tuning begins from belongs to its data: a pair that was trained anew is tuned anew.
    facts = provenance(data.scenes, _CODE)
    began = checkpoint.fingerprint(*layout_networks, painter, discriminator)
    facts["data"] = f"{facts['data'][:6]}{began[:6]}"
    set_outdated_aside(checkpoint_path, facts)
    layouts = ProgressiveTraining(*layout_networks, data.layouts.layouts, schedule, data.layouts.mixture, fabric)
    images = ImageTraining(
        painter, discriminator, data.scenes.images, data.scenes.layouts, painting,
        perceptual or perceptual_for(p), fabric=fabric,
    )  # fmt: skip
    return EndToEndTraining(layouts, images, judge, settings, checkpoint_path, facts)


def tune_pair(
    parameters: TuningParameters,
    layout_parameters: LayoutParameters,
    data: TuningData,
    system: str,
    checkpoints: Mapping[str, str | Path],
    checkpoint_path: str | Path,
    tune: str = "both",
    watch: Callable[[EndToEndTraining], Iterable[Progress]] = iter,
    **changes: Any,
) -> EndToEndTraining:
    """Tune a trained pair to the end and return the training, whose `averaged` is the pair to sample from.

    Arguments as in `end_to_end_training`; watch as in `train`.
    Chapter: Two generators, one loss.
    """
    paths = {name: str(path) for name, path in checkpoints.items()}
    arguments = layout_parameters.model_dump(), system, paths, tune, str(checkpoint_path), changes
    return train_to_the_end(_build, parameters, data, *arguments, watch=watch)


def _build(
    parameters: TuningParameters,
    data: TuningData | None,
    layout_values: dict[str, Any],
    system: str,
    checkpoints: dict[str, str],
    tune: str,
    checkpoint_path: str,
    changes: dict[str, Any],
    fabric: Fabric | None,
) -> EndToEndTraining:
    layout_parameters = LayoutParameters(**layout_values)
    data = data or TuningData(scene_set(parameters), layout_data(layout_parameters))
    return end_to_end_training(
        parameters, layout_parameters, data, system, checkpoints, tune, checkpoint_path, fabric, **changes
    )


def painter_for(parameters: TuningParameters, commit: bool = False) -> Path:
    """The checkpoint of a GauGAN that was trained until it stands still: what a tuning gains is then no leftover.

    The same for all seeds, as `segmenter_for`'s, on scenes of its own: `painter_steps` steps, whose rate falls to 0.

    Args:
        commit: train it anew and put it under runs/reference.
    Returns:
        A file that holds "averaged" and "discriminator", as "gaugan" of `end_to_end_training`'s checkpoints.
    Chapter: Two generators, one loss.
    """
    p = once_parameters(parameters, "painter").model_copy(update={"steps": parameters.painter_steps})
    names = (
        "steps", "batch_size", "learning_rate", "decay", "ema", "perceptual", "ngf", "ndf", "hidden", "doublings",
        "seed", "once_scenes",
    )  # fmt: skip
    recipe = {name: getattr(p, name) for name in names} | {"code": digest_of((*CODE, *PAINTER_CODE))}

    def make(path: Path) -> dict[str, Any]:
        scenes, judge = scene_set(p), segmenter_for(p)
        unfinished = unfinished_of(path, "painter")
        count, distances = min(len(scenes.held_out), p.samples), {}

        def distance(painter: ImageGenerator) -> float:
            made = painter.generate(scenes.held_out[:count], p.seed)
            return fd_seg(scenes.held_out_images[:count], made.cpu(), judge)

        def watched(training: ImageTraining) -> Iterable[Progress]:
            for progress in progress_bar(training):
                if progress.step % max(p.steps // 8, 1) < training.settings.report_steps:
                    distances[progress.step] = distance(training.averaged)
                yield progress

        training = train_images(p, scenes, "gaugan", unfinished, watched)
        distances[p.steps] = distance(training.averaged)
        networks = {"averaged": training.averaged, "discriminator": training.discriminator}
        tensors = {
            f"{part}.{name}": value
            for part, network in networks.items()
            for name, value in checkpoint.packed(network.state_dict(), half=True).items()
        }
        checkpoint.save(path, tensors, {"kind": "painter", "steps": p.steps})
        unfinished.unlink(missing_ok=True)
        return {
            "scenes": len(scenes.layouts), "held_out": count, "seconds": training.seconds,
            "fd_seg": distances[p.steps], "fd_seg_by_step": distances,
        }  # fmt: skip

    fixed = ("steps", "ngf", "ndf", "hidden", "doublings")
    return once(p, "painter", recipe, make, fixed, commit)


def load_painter(parameters: TuningParameters, data: SceneSet, path: str | Path) -> ImageGenerator:
    """The painter of a training's checkpoint, its average, on the run's device and in evaluation mode.

    Raises CheckpointError as `checkpoint.load_into`.
    """
    painter, _, _ = image_networks("gaugan", parameters, data.label_space.num_classes, data.size)
    checkpoint.load_into(path, {"averaged": painter})
    return painter.to(device_of(parameters)).eval().requires_grad_(False)
