"""Training of ProGAN on pictures, by the routine of the layout GANs."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sempal_lib.layout_gans.semantic_palette import GuidedTrunk, Mask
from sempal_lib.palettes import PaletteMixture
from sempal_lib.segmentation import as_float
from sempal_lib.training.progressive import ProgressiveTraining
from sempal_lib.training.settings import ProgressiveSettings


class ProganTraining(ProgressiveTraining):
    """A ProGAN of pictures in training. There are no classes, no palettes, and nothing to soften or to sample.

    Args:
        generator: a `ProganGenerator`. layouts: in their place pictures, uint8 [N, 3, H, W].
        settings: `palette_source` is "real"; what concerns palettes and softness is not looked at.
        The rest is as in `ProgressiveTraining`.
    Source: Karras et al. 2018 (ProGAN), §2. Chapter: Judging with a segmenter.
    """

    @staticmethod
    def _check(
        generator: GuidedTrunk, layouts: Tensor, settings: ProgressiveSettings, mixture: PaletteMixture | None
    ) -> None:
        if generator.settings.activation != "none":
            raise ValueError("this generator makes layouts: pictures need a ProganGenerator")
        if layouts.dtype != torch.uint8 or layouts.ndim != 4 or tuple(layouts.shape[1:]) != (3, *generator.size):
            raise ValueError(
                f"pictures are {layouts.dtype} {list(layouts.shape)}, expected uint8 [N, 3, {generator.size[0]}, "
                f"{generator.size[1]}]: load the data set at the generator's size"
            )

    def _has_ignored(self) -> bool:
        return False

    def _real(self, stage: int) -> Tensor:
        """Real pictures at a stage's size: the mean over each patch."""
        if self._at_stage is None or self._at_stage[0] != stage:
            patch = 1 << (self.generator.settings.num_stages - 1 - stage)
            parts = (F.avg_pool2d(x.float(), patch).round().to(torch.uint8) for x in self.layouts.split(256))
            self._at_stage = stage, torch.cat(list(parts))
        return self._at_stage[1]

    def _shown(self, layouts: Tensor, flip: Tensor) -> Tensor:
        return as_float(torch.where(flip[:, None], layouts.flip(3), layouts))

    def _compared(self, hard: Tensor, soft_layout: Tensor) -> tuple[Tensor, Tensor]:
        return hard, soft_layout

    def _conditional(self, masks: list[Mask], palette: Tensor) -> tuple[Any, dict[str, Tensor]]:
        return 0.0, {}

    def _palettes(self, hard: Tensor) -> Tensor:
        return hard.new_zeros(len(hard), 3)

    def _some_palettes(self, random: torch.Generator) -> Tensor:
        return torch.zeros(16, 3, device=self.layouts.device)

    def sample(self, stage: int) -> Tensor:
        """Pictures of the fixed noise, [16, 3, H, W] of the stage, cut to [-1, 1]."""
        with torch.no_grad(), self.fabric.autocast():
            return self.averaged(self.fixed_noise, self.fixed_palettes, stage)[-1].scores.clamp(-1, 1)
