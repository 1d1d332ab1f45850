"""Training of the generator for a part of a layout, by the routine of the layout GANs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import LayoutDiscriminator, PartialGenerator, PartialMask
from sempal_lib.layout_gans.partial import budget, cropped
from sempal_lib.layout_gans.semantic_palette import GuidedTrunk
from sempal_lib.losses import entropy_loss
from sempal_lib.palettes import PaletteMixture
from sempal_lib.parameters import PartialParameters
from sempal_lib.spade_layers import track_spectral_norms
from sempal_lib.training.layouts import generator_settings, progressive_settings
from sempal_lib.training.progressive import ProgressiveTraining, palettes_of
from sempal_lib.training.settings import Progress, ProgressiveSettings
from sempal_lib.training.setup import (
    LayoutSet,
    layout_set,
    make_fabric,
    provenance,
    set_outdated_aside,
    train_to_the_end,
)

_NETWORKS = ("activation", "progan", "semantic_palette", "partial")
CODE = (
    "layers.py", "spade_layers.py", *(f"layout_gans/{name}.py" for name in _NETWORKS), "training/progressive.py",
    "training/layouts.py", "training/partial.py",
)  # fmt: skip
_SAMPLES = 16  # layouts that a run shows over time


@dataclass(frozen=True)
class PartialSettings(ProgressiveSettings):
    """How the generator for a part of a layout is trained. The defaults are the paper's, but for the sides: ours."""

    source: ClassVar[str] = "real"  # of palettes: here what was in the region

    palette_source: str = "real"
    generator_rate: float = 1e-3  # of Adam, for G: its SPADE blocks are not equalized, as D's layers are
    crop: str = "rectangle"  # or "band": of full height, as in the release
    shortest_side: float = 0.25  # of a region, as a share of the layout's side
    longest_side: float = 1.0  # both sides are drawn uniformly, and then the place

    def __post_init__(self):
        super().__post_init__()
        if self.crop not in ("rectangle", "band"):
            raise ValueError(f"crop={self.crop!r}: choose 'rectangle' or 'band'")
        if not 0 < self.shortest_side <= self.longest_side <= 1:
            raise ValueError(
                f"sides of {self.shortest_side:g} to {self.longest_side:g}: give shares of the layout's, 0 to 1, the "
                "shortest first"
            )
        if self.palette_source != self.source or self.wide_share or self.matching_weight:
            raise ValueError(
                f"palettes of parts and additions are {self.source!r} ones: set palette_source={self.source!r}, "
                "wide_share=0 and matching_weight=0"
            )


def random_regions(
    count: int, size: tuple[int, int], settings: PartialSettings, random: torch.Generator, device: torch.device
) -> Tensor:
    """Rectangles: sides uniform in the shares that the settings give, in whole pixels, then the place uniform.

    Args:
        size: (H, W) of the layouts, px.
    Returns:
        bool [count, H, W], none empty.
    Source: Semantic Palette, §4.2 ("a random rectangular patch"), without a distribution.
        Chapter: Changing a part.
    """
    low, high = settings.shortest_side, settings.longest_side
    draws = torch.rand(4, count, 1, generator=random, device=device)
    spans = []
    shares = low + (high - low) * draws[:2]
    if settings.crop == "band":
        shares[0] = 1.0
    for side, share, place in zip(size, shares, draws[2:], strict=True):
        length = (share * side).round().clamp(1, side)
        first = (place * (side - length + 1)).floor().clamp(max=side - 1)
        pixels = torch.arange(side, device=device)
        spans.append((pixels >= first) & (pixels < first + length))
    rows, columns = spans
    return rows[:, :, None] & columns[:, None, :]


class PartialTraining(ProgressiveTraining):
    """A generator for a part of a layout in training.

    Of each real layout a random region is cut out, and G is asked to paint it with the palette of what was there. D
    tells the merged layouts from real ones.

    Args:
        generator: a `PartialGenerator`. settings: `PartialSettings`. The rest is as in `ProgressiveTraining`.
    Source: Semantic Palette, §4.2, fig. 4. Chapter: Changing a part.
    """

    settings: PartialSettings

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for group in self.optimizers["g"].param_groups:
            group["lr"] = self.settings.generator_rate

    @staticmethod
    def _check(
        generator: GuidedTrunk, layouts: Tensor, settings: ProgressiveSettings, mixture: PaletteMixture | None
    ) -> None:
        ProgressiveTraining._check(generator, layouts, settings, mixture)
        if not isinstance(generator, PartialGenerator) or not isinstance(settings, PartialSettings):
            raise ValueError(
                f"a {type(generator).__name__} and {type(settings).__name__}, expected a PartialGenerator and "
                "PartialSettings: whole layouts are trained by ProgressiveTraining"
            )
        if generator.settings.palette_judge:
            raise ValueError("palette_judge is of whole layouts: set it to False")

    def _part_of(self, hard: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """What G is told of real one-hot layouts [B, C, H, W]: the budget of a region, and the layout without it."""
        return budget(palettes_of(hard * regions.unsqueeze(1)), regions), cropped(hard, regions)

    def _given(self, hard: Tensor, z: Tensor, palette: Tensor) -> tuple[Tensor, ...]:
        total = self.settings.stages[self._stage].batch_size
        size = self.generator.settings.size(self._stage)
        regions = random_regions(total, size, self.settings, self.random, hard.device)[self._part(total)]
        return z, *self._part_of(hard, regions)

    def _conditional(self, masks: list[PartialMask], palette: Tensor) -> tuple[Tensor, dict[str, Tensor]]:  # type: ignore[override]
        """As its base, over C + 1 classes; and the merged layouts, too, must choose at each pixel."""
        loss, reported = super()._conditional(masks, palette)  # type: ignore[arg-type]
        judged = masks if self.settings.multi_scale else masks[-1:]
        merged = torch.stack([entropy_loss(m.merged) for m in judged]).sum()
        return loss + self.settings.conditional_weight * merged, reported | {"merged_entropy": merged.detach()}

    def _average(self, averaged: nn.Module, current: nn.Module, images: int, half_life: float) -> None:
        super()._average(averaged, current, images, half_life)
        track_spectral_norms(averaged)  # an average of unit vectors is none, and not that of the weights

    def _some_palettes(self, random: torch.Generator) -> Tensor:
        """Budgets of the fixed regions of fixed layouts, which are kept too."""
        device, classes = self.layouts.device, self.num_classes
        self._index = torch.randint(len(self.layouts), (_SAMPLES,), generator=random, device=device)
        self.fixed_regions = random_regions(_SAMPLES, self.generator.size, self.settings, random, device)
        return self._part_of(one_hot(self.layouts[self._index], classes), self.fixed_regions)[0]

    def _sampled_layouts(self, stage: int) -> Tensor:
        """What G is told of the fixed layouts at a stage's size, [16, C, H, W]."""
        patch = 1 << (self.generator.settings.num_stages - 1 - stage)
        layouts, regions = (
            x[:, patch // 2 :: patch, patch // 2 :: patch] for x in (self.layouts[self._index], self.fixed_regions)
        )
        return cropped(one_hot(layouts, self.num_classes), regions)

    def sample(self, stage: int) -> Tensor:
        """Hard merged layouts of the fixed noise, layouts and budgets, int64 [16, H, W] of the stage."""
        network, training = self.averaged, self.averaged.training
        network.eval()
        with torch.no_grad(), self.fabric.autocast():
            masks = network(self.fixed_noise, self.fixed_palettes, self._sampled_layouts(stage), stage)
        network.train(training)
        return masks[-1].merged.argmax(1)


def partial_settings(parameters: PartialParameters, kind: type[PartialSettings] = PartialSettings) -> PartialSettings:
    """The schedule of a run, and what else its kind of settings has under the same names."""
    plain = vars(progressive_settings(parameters))
    own = {field.name for field in fields(kind)} & type(parameters).model_fields.keys()
    return kind(**plain | {name: getattr(parameters, name) for name in own})


def partial_training(
    parameters: PartialParameters,
    data: LayoutSet,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
) -> PartialTraining:
    """A training of the generator for a part, ready to begin or to go on; as `layout_training`.

    Chapter: Changing a part.
    """
    network, settings = generator_settings(parameters, data), partial_settings(parameters)
    facts = provenance(data, CODE)
    set_outdated_aside(checkpoint_path, facts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(parameters.seed)
        generator, discriminator = PartialGenerator(network), LayoutDiscriminator(network)
    return PartialTraining(
        generator,
        discriminator,
        data.layouts,
        settings,
        None,
        fabric or make_fabric(parameters),
        checkpoint_path,
        facts,
    )


def train_partial(
    parameters: PartialParameters,
    data: LayoutSet,
    checkpoint_path: str | Path,
    watch: Callable[[PartialTraining], Iterable[Progress]] = iter,
) -> PartialTraining:
    """Train to the end and return the training, whose `averaged` is the generator to edit with. As `train`.

    Chapter: Changing a part.
    """
    return train_to_the_end(_build, parameters, data, str(checkpoint_path), watch=watch)


def _build(
    parameters: PartialParameters, data: LayoutSet | None, checkpoint_path: str, fabric: Fabric | None
) -> PartialTraining:
    return partial_training(parameters, data or layout_set(parameters), checkpoint_path, fabric)
