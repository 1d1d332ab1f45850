"""From a run's parameters to a trained layout generator: data, palettes, networks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor

from sempal_lib.layout_gans import GeneratorSettings, LayoutDiscriminator, LayoutGenerator
from sempal_lib.palettes import PaletteMixture
from sempal_lib.parameters import LayoutParameters
from sempal_lib.training.progressive import ProgressiveTraining
from sempal_lib.training.settings import Progress, ProgressiveSettings, StageSettings
from sempal_lib.training.setup import (
    LayoutSet,
    layout_set,
    make_fabric,
    provenance,
    set_outdated_aside,
    train_to_the_end,
)

# What a trained weight depends on, beside the data themselves.
_NETWORKS = ("activation", "progan", "semantic_palette")
_CODE = ("layers.py", "palettes.py", "training/progressive.py", *(f"layout_gans/{name}.py" for name in _NETWORKS))


@dataclass(frozen=True, eq=False)
class LayoutData(LayoutSet):
    """The layouts of a run, and the palette mixture fitted on `palettes`."""

    mixture: PaletteMixture


def layout_data(parameters: LayoutParameters, workers: int = 0) -> LayoutData:
    """Read or make all layouts of a run and fit the palette mixture.

    Every label is checked here, before any training starts. Errors are those of `datasets.load`.
    Chapter: Layouts and palettes.
    """
    found = layout_set(parameters, workers)
    mixture = PaletteMixture.fit(found.palettes, parameters.max_components, parameters.seed)
    return LayoutData(**vars(found), mixture=mixture)


def typical_palettes(parameters: LayoutParameters, data: LayoutData) -> Tensor:
    """Palettes for the layouts whose statistics are held against real ones, from where the row's training takes them.

    Returns:
        [samples, C]: drawn from the mixture, or real training palettes drawn without repetition.
    Source: Semantic Palette, Table 4, caption. Chapter: Does the palette help?
    """
    if parameters.palette_source == "mixture":
        return data.mixture.sample(parameters.samples, seed=parameters.seed)
    chosen = np.random.default_rng(parameters.seed).permutation(len(data.palettes))[: parameters.samples]
    return data.palettes[chosen]


def generator_settings(parameters: LayoutParameters, data: LayoutSet) -> GeneratorSettings:
    p, (height, width) = parameters, data.size
    return GeneratorSettings(
        data.label_space.num_classes, height, width, p.latent_dim, p.max_channels, p.channel_base,
        palette_input=p.palette_input, activation=p.activation, fusion=p.fusion, iterations=p.iterations,
        palette_judge=p.palette_judge, released=p.released,
    )  # fmt: skip


def progressive_settings(parameters: LayoutParameters) -> ProgressiveSettings:
    """The schedule and switches of a run.

    The average's half-life is the 16th part of the last phase; the release keeps no average.
    """
    p = parameters
    stages = tuple(StageSettings(b, n, n) for b, n in zip(p.batch_sizes, p.phase_images, strict=True))
    return ProgressiveSettings(
        stages,
        p.learning_rate,
        drift_weight=0.0 if p.released else 1e-3,
        conditional_weight=p.conditional_weight,
        matching_weight=p.matching_weight,
        multi_scale=p.multi_scale,
        soft_real=p.soft_real,
        palette_source=p.palette_source,
        wide_share=p.wide_share,
        ema_images=max(p.phase_images[-1] // 16, 1) if p.ema and not p.released else 0,
        released=p.released,
        channels_last=p.channels_last,
        compile=p.compile,
        checkpoint_seconds=p.checkpoint_seconds,
        seed=p.seed,
    )


def layout_training(
    parameters: LayoutParameters,
    data: LayoutData,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
    conditional: bool = True,
) -> ProgressiveTraining:
    """A layout GAN as the parameters say, ready to be trained or to go on from its checkpoint.

    A checkpoint that older code of this library or other data left is moved aside, never mixed with the new.

    Args:
        conditional: False takes every part away that sees the palette: the floor that the method is held against.
    Chapter: Progressive layouts, guided by a palette.
    """
    network, settings = generator_settings(parameters, data), progressive_settings(parameters)
    if not conditional:
        network = replace(network, palette_input=False, activation="softmax", fusion=False, palette_judge=False)
        settings = replace(settings, conditional_weight=0.0, matching_weight=0.0, multi_scale=False, wide_share=0.0)
    facts = provenance(data, _CODE)
    set_outdated_aside(checkpoint_path, facts)
    # The weights are drawn from the run's seed, whatever was drawn before.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(parameters.seed)
        generator, discriminator = LayoutGenerator(network), LayoutDiscriminator(network)
    return ProgressiveTraining(
        generator, discriminator, data.layouts, settings, data.mixture, fabric or make_fabric(parameters),
        checkpoint_path, facts,
    )  # fmt: skip


def train(
    parameters: LayoutParameters,
    data: LayoutData,
    checkpoint_path: str | Path,
    conditional: bool = True,
    watch: Callable[[ProgressiveTraining], Iterable[Progress]] = iter,
) -> ProgressiveTraining:
    """Train to the end and return the training, whose `averaged` is the generator to sample from.

    With one device it happens here; several are processes of their own, whose result comes back by the checkpoint.

    Args:
        checkpoint_path, conditional: as in `layout_training`.
        watch: is given the training and yields its progress; `progress_bar` shows it on the way.
    Chapter: Progressive layouts, guided by a palette.
    """
    return train_to_the_end(_build, parameters, data, str(checkpoint_path), conditional, watch=watch)


def _build(
    parameters: LayoutParameters,
    data: LayoutData | None,
    checkpoint_path: str,
    conditional: bool,
    fabric: Fabric | None,
) -> ProgressiveTraining:
    return layout_training(parameters, data or layout_data(parameters), checkpoint_path, fabric, conditional)
