"""Training of the generator that adds to layouts, by the routine of the one for a part."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from lightning.fabric import Fabric
from torch import Tensor

from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import FaceGenerator, LayoutDiscriminator, PartialMask
from sempal_lib.layout_gans.additions import additions_to, with_rest
from sempal_lib.layout_gans.partial import at_height
from sempal_lib.losses_of_additions import novelty_loss
from sempal_lib.parameters import FaceParameters
from sempal_lib.training.layouts import LayoutData, generator_settings, layout_data
from sempal_lib.training.partial import CODE, PartialSettings, PartialTraining, partial_settings
from sempal_lib.training.progressive import palettes_of
from sempal_lib.training.settings import Progress
from sempal_lib.training.setup import make_fabric, provenance, set_outdated_aside, train_to_the_end

_CODE = (*CODE, "palettes.py", "losses_of_additions.py", "layout_gans/additions.py", "training/faces.py")
_SAMPLES = 16  # layouts that a run shows over time


@dataclass(frozen=True)
class FaceSettings(PartialSettings):
    """How the generator that adds is trained. The defaults are the release's."""

    source: ClassVar[str] = "mixture"

    palette_source: str = "mixture"
    novelty_weight: float = 50.0  # of L_NOV, at each resolution; 0: none

    def __post_init__(self):
        super().__post_init__()
        if not self.novelty_weight >= 0:
            raise ValueError(f"novelty_weight={self.novelty_weight}: give 0 or more")


class FaceTraining(PartialTraining):
    """A generator that adds to layouts, in training.

    A palette is drawn for each real layout. G is asked to add what the layout has too little of, and D tells the merged
    layouts from real ones.

    Args:
        generator: a `FaceGenerator`. settings: `FaceSettings`. mixture: of palettes. The rest as in its base.
    Source: Semantic Palette, §5.4. Chapter: Editing faces.
    """

    settings: FaceSettings

    def _asked_of(self, hard: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """What G is told of real one-hot layouts [B, C, H, W]: the budget of a target palette, and the layouts."""
        return with_rest(additions_to(palettes_of(hard), target)), hard

    def _given(self, hard: Tensor, z: Tensor, palette: Tensor) -> tuple[Tensor, ...]:
        self._before = hard  # the losses hold what G made against it
        return z, *self._asked_of(hard, palette)

    def _conditional(self, masks: list[PartialMask], palette: Tensor) -> tuple[Tensor, dict[str, Tensor]]:  # type: ignore[override]
        """As its base; and the merged layouts must differ from what they were."""
        loss, reported = super()._conditional(masks, palette)
        if not self.settings.novelty_weight:
            return loss, reported
        judged = masks if self.settings.multi_scale else masks[-1:]
        before = [at_height(self._before, m.merged.shape[2]) for m in judged]
        novelty = torch.stack([novelty_loss(m.merged, y) for m, y in zip(judged, before, strict=True)]).sum()
        return loss + self.settings.novelty_weight * novelty, reported | {"novelty": novelty.detach()}

    def _some_palettes(self, random: torch.Generator) -> Tensor:
        """Budgets that drawn palettes leave for fixed layouts, which are kept too."""
        index = torch.randint(len(self.layouts), (_SAMPLES,), generator=random, device=self.layouts.device)
        self._fixed = one_hot(self.layouts[index], self.num_classes)
        assert self.mixture is not None  # `_check` has seen to it
        return self._asked_of(self._fixed, self.mixture.sample(_SAMPLES, generator=random))[0]

    def _sampled_layouts(self, stage: int) -> Tensor:
        return at_height(self._fixed, self.generator.settings.size(stage)[0])


def face_training(
    parameters: FaceParameters,
    data: LayoutData,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
) -> FaceTraining:
    """A training of the generator that adds, ready to begin or to go on; as `layout_training`.

    Chapter: Editing faces.
    """
    step = parameters.height // parameters.heights[-1]
    layouts = data.layouts[:, step // 2 :: step, step // 2 :: step].contiguous()
    network = replace(generator_settings(parameters, data), height=layouts.shape[1], width=layouts.shape[2])
    settings = partial_settings(parameters, FaceSettings)
    settings = settings if parameters.novelty else replace(settings, novelty_weight=0.0)  # type: ignore[call-arg]
    facts = provenance(data, _CODE)
    set_outdated_aside(checkpoint_path, facts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(parameters.seed)
        generator, discriminator = FaceGenerator(network), LayoutDiscriminator(network)
    return FaceTraining(
        generator, discriminator, layouts, settings, data.mixture, fabric or make_fabric(parameters),
        checkpoint_path, facts,
    )  # fmt: skip


def train_faces(
    parameters: FaceParameters,
    data: LayoutData,
    checkpoint_path: str | Path,
    watch: Callable[[FaceTraining], Iterable[Progress]] = iter,
) -> FaceTraining:
    """Train to the end and return the training, whose `averaged` is the generator to edit with. As `train`.

    Chapter: Editing faces.
    """
    return train_to_the_end(_build, parameters, data, str(checkpoint_path), watch=watch)


def _build(
    parameters: FaceParameters, data: LayoutData | None, checkpoint_path: str, fabric: Fabric | None
) -> FaceTraining:
    return face_training(parameters, data or layout_data(parameters), checkpoint_path, fabric)
