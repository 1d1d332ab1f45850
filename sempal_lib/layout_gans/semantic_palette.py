"""The layout generator of Semantic Palette: a progressive trunk that is told, at every stage, what to paint with."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from sempal_lib.checks import check_finite, check_noise, check_whole
from sempal_lib.layers import SLOPE, EqualizedConv2d, PixelNorm, blend, upsample
from sempal_lib.layout_gans.activation import exact_layout, semantically_assisted_activation
from sempal_lib.layout_gans.progan import FirstBlock, GeneratorSettings, TrunkBlock
from sempal_lib.palettes import check_palette


class Mask(NamedTuple):
    """What TO MASK gives at one stage; each [B, C, H, W]."""

    scores: Tensor  # f, before the activation
    density: Tensor  # ω, sums to 1 over classes and pixels
    soft_layout: Tensor  # m, sums to 1 over classes


class Fusion(nn.Module):
    """Residual conditional fusion: the soft layout, as features, is added to the features that it came from.

    Args:
        released: the release's form: a 3×3 convolution in the place of the 1×1, and half the features.
    Source: Semantic Palette, §3.1, fig. 2. Chapter: Progressive layouts, guided by a palette.
    """

    def __init__(self, num_classes: int, channels: int, released: bool):
        super().__init__()
        self.kept = 0.5 if released else 1.0  # of the features
        size = 3 if released else 1
        self.conv = EqualizedConv2d(num_classes, channels, size, padding=size // 2, gain=1.0)

    def forward(self, features: Tensor, soft_layout: Tensor) -> Tensor:
        return self.kept * features + leaky_relu(self.conv(soft_layout), SLOPE)


class GuidedTrunk(nn.Module):
    """A progressive trunk that gives a mask at every stage: what all layout generators of the book share.

    Args:
        settings: size, width and the switches of the ablation.
    Attributes:
        backgrounds: classes that are painted beside the C.
    Source: Semantic Palette, §3.1, fig. 2 and 3.
    """

    backgrounds = 0

    def __init__(self, settings: GeneratorSettings):
        super().__init__()
        self.settings = settings
        widths = [settings.channels(stage) for stage in range(settings.num_stages)]
        painted = settings.num_classes + self.backgrounds
        features = settings.latent_dim + (painted if settings.palette_input else 0)
        self.blocks = nn.ModuleList(self._trunk(features, widths, PixelNorm(root=not settings.released)))
        self.to_mask = nn.ModuleList(EqualizedConv2d(w, painted, 1, gain=1.0) for w in widths)
        self.fusions = nn.ModuleList(
            Fusion(settings.num_classes, w, settings.released) for w in widths[: -1 if settings.fusion else 0]
        )

    def _trunk(self, features: int, widths: list[int], norm: PixelNorm) -> list[nn.Module]:
        """One block a stage. features: of the input vector. widths: channels of each stage."""
        first = FirstBlock(features, widths[0], self.settings.first_width, norm)
        return [first, *(TrunkBlock(a, b, norm) for a, b in pairwise(widths))]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the last stage, px."""
        return self.settings.height, self.settings.width

    def mask(self, features: Tensor, palette: Tensor, stage: int, iterations: int | None = None) -> Any:
        """TO MASK: a 1×1 convolution and the activation. Features [B, ·, H, W] of any size."""
        scores = self.to_mask[stage](features).float()
        if self.settings.activation == "saa":
            density, soft = semantically_assisted_activation(
                scores, palette, self.settings.iterations if iterations is None else iterations, checked=False
            )
            return Mask(scores, density, soft)
        if self.settings.activation == "none":
            return Mask(scores, scores, scores)
        soft = scores.softmax(1)
        return Mask(scores, soft / soft[0, 0].numel(), soft)

    def _grow(
        self,
        z: Tensor,
        palette: Tensor,
        given: tuple[Tensor, ...],
        stage: int | None,
        fade: float | Tensor,
        all_stages: bool,
        iterations: int | None,
    ) -> list[Any]:
        """The masks from the coarsest to the one of `stage`; arguments as in `LayoutGenerator.forward`.

        Args:
            given: what blocks and `mask` take beside the features: nothing, or a layout.
        """
        stage = self.settings.num_stages - 1 if stage is None else stage
        fading = stage > 0 and not (isinstance(fade, float) and fade >= 1)
        masks: list[Any] = []
        x = torch.cat([z, palette], 1) if self.settings.palette_input else z
        for s in range(stage):
            x = self.blocks[s](x, *given)
            if fading and s == stage - 1:
                coarse = self.mask(upsample(x), palette, s, iterations, *given)
            if self.settings.fusion or all_stages:
                masks.append(self.mask(x, palette, s, iterations, *given))
            if self.settings.fusion:
                x = self.fusions[s](x, masks[-1][-1])  # the last entry of any mask has C classes
        fine = self.mask(self.blocks[stage](x, *given), palette, stage, iterations, *given)
        if fading:
            fine = type(fine)(*(blend(old, new, fade) for old, new in zip(coarse, fine, strict=True)))
        return [*masks, fine]


class LayoutGenerator(GuidedTrunk):
    """Noise and a palette in, a layout that follows the palette out.

    Args:
        settings: size, width and the switches of the ablation.
    Source: Semantic Palette, §3.1, fig. 2 and 3. Chapter: Progressive layouts, guided by a palette.
    """

    def forward(
        self,
        z: Tensor,
        palette: Tensor,
        stage: int | None = None,
        fade: float | Tensor = 1.0,
        all_stages: bool = False,
        iterations: int | None = None,
    ) -> list[Mask]:
        """Soft layouts from noise.

        Args:
            z: noise, [B, Z], standard normal.
            palette: t, [B, C], each row sums to 1 (not checked here; `generate` checks).
            stage: 0 to num_stages - 1; None is the last.
            fade: α in [0, 1], weight of the newest block against the one before, upsampled; 1 leaves that one out.
            all_stages: also return the masks of earlier stages where nothing else needs them (multi-scale losses).
            iterations: of the activation, where it differs from the settings.
        Returns:
            Masks from the coarsest to the one of `stage`, which is the last of the list. Without fusion and
            `all_stages`, only that one.
        """
        return self._grow(z, palette, (), stage, fade, all_stages, iterations)

    @torch.no_grad()
    def generate(
        self, z: Tensor, palette: Tensor, iterations: int | None = None, exact: bool = False, batch_size: int = 64
    ) -> Tensor:
        """Hard layouts of the last stage.

        Args:
            z: noise, [B, Z].
            palette: t, [B, C] or [C] for all; checked.
            iterations: of the activation; None is what the settings say.
            exact: give each class its number of pixels to within one, see `exact_layout`.
            batch_size: how many go through the network at once.
        Returns:
            int64 [B, H, W].
        Raises:
            ValueError: a palette that is none, or noise of another length or not finite.
        """
        masks = self._masks(z, palette, iterations, batch_size)
        layouts = [exact_layout(m.scores, t) if exact else m.soft_layout.argmax(1) for m, t in masks]
        return torch.cat(layouts)

    @torch.no_grad()
    def soft_palettes(self, z: Tensor, palette: Tensor, batch_size: int = 64) -> Tensor:
        """Palettes of the soft layouts, [B, C]: what a loss on soft proportions sees. Arguments as in `generate`."""
        return torch.cat([m.soft_layout.mean((2, 3)) for m, _ in self._masks(z, palette, None, batch_size)])

    def _masks(
        self, z: Tensor, palette: Tensor, iterations: int | None, batch_size: int
    ) -> Iterator[tuple[Mask, Tensor]]:
        check_noise(z, self.settings.latent_dim)
        check_whole(batch_size, "batch_size", 1)
        palette = check_palette(palette, self.settings.num_classes).to(z.device)
        if len(palette) not in (1, len(z)):
            raise ValueError(
                f"palette has {len(palette)} rows, expected {len(z)} as the noise has, or one: give a row a sample"
            )
        palette = palette.expand(len(z), -1)
        for noise, target in zip(z.split(batch_size), palette.split(batch_size), strict=True):
            mask = self(noise, target, iterations=iterations)[-1]
            check_finite(mask.scores, "scores", "the weights or z are not finite either, take an earlier checkpoint")
            yield mask, target
