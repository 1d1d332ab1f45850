"""Semantic Palette's generator for a part of a layout: the rest goes in, and comes out as it was."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sempal_lib.checks import IGNORED, check_finite, check_labels, check_tensor, check_whole, described
from sempal_lib.labels import one_hot
from sempal_lib.layers import EqualizedLinear, PixelNorm, upsample
from sempal_lib.layout_gans.activation import exact_layout, semantically_assisted_activation
from sempal_lib.layout_gans.progan import FIRST_HEIGHT
from sempal_lib.layout_gans.semantic_palette import GuidedTrunk
from sempal_lib.palettes import check_palette
from sempal_lib.spade_layers import DenseLevel, SpadeBlock

HIDDEN = 128  # channels between a layout and its modulation, of the paper's 512 wide network; narrower: in proportion
_LEAST = 0.002  # the release drops palette entries below it
_FAR = 1e4  # a score that no network gives


class PartialMask(NamedTuple):
    """What TO MASK gives at one stage; the first three [B, C + 1, H, W], the last class is background."""

    scores: Tensor  # f, before the activation
    density: Tensor  # ω, sums to 1 over classes and pixels
    soft_layout: Tensor  # m, sums to 1 over classes
    merged: Tensor  # [B, C, H, W]: m of the C classes, and the layout where m is background


def rectangle(size: tuple[int, int], top: int, left: int, height: int, width: int) -> Tensor:
    """A region, bool [H, W]: true in a rectangle.

    Args:
        size: (H, W) of the layout. top, left: of the rectangle's first pixel. height, width: of it. All px.
    Raises:
        ValueError: it is empty, or reaches out of the layout.
    Chapter: Changing a part.
    """
    if height < 1 or width < 1 or top < 0 or left < 0 or top + height > size[0] or left + width > size[1]:
        raise ValueError(
            f"a rectangle of {height}×{width} px at row {top}, column {left} is empty or leaves the layout of "
            f"{size[0]}×{size[1]} px: choose another"
        )
    region = torch.zeros(size, dtype=torch.bool)
    region[top : top + height, left : left + width] = True
    return region


def cropped(layout: Tensor, region: Tensor) -> Tensor:
    """The layout as the generator sees it: every class has the same part, 1/C, where it is to be painted.

    Args:
        layout: one-hot, [B, C, H, W]. region: bool [B, H, W].
    Source: Semantic Palette, §4.2. Chapter: Changing a part.
    """
    return torch.where(region.unsqueeze(1), 1 / layout.shape[1], layout)


def budget(palette: Tensor, region: Tensor) -> Tensor:
    """The palette of the whole generated mask: the region's by its share of the pixels, the rest is background.

    Args:
        palette: proportions within the region, [B, C], each row sums to 1. region: bool [B, H, W].
    Returns:
        [B, C + 1], each row sums to 1.
    Source: Semantic Palette, §4.2. Chapter: Changing a part.
    """
    area = region.float().mean((1, 2)).unsqueeze(1)
    return torch.cat([palette * area, 1 - area], 1)


def at_height(layout: Tensor, height: int) -> Tensor:
    """A layout [B, C, H, W] at a height that divides its own: the middle pixel of each patch (nearest neighbour)."""
    step = layout.shape[2] // height
    return layout[:, :, step // 2 :: step, step // 2 :: step]


class SpadeTrunkBlock(nn.Module):
    """One stage: (upsample,) a SPADE block, told the layout. No pixel norm and nothing after it."""

    def __init__(self, before: int, after: int, num_classes: int, hidden: int):
        super().__init__()
        self.block = SpadeBlock(before, after, num_classes, hidden, gain=None)

    def forward(self, x: Tensor, layout: Tensor) -> Tensor:
        """Features [B, in, H, W] and a layout [B, C, ·, ·] to features [B, out, 2H, 2W]."""
        return self.block(upsample(x), DenseLevel(at_height(layout, 2 * x.shape[2])))


class FirstSpadeBlock(nn.Module):
    """Stage 0: the input vector becomes a map of 4 px height."""

    def __init__(self, features: int, after: int, first_width: int, num_classes: int, hidden: int, norm: PixelNorm):
        super().__init__()
        self.shape = (after, FIRST_HEIGHT, first_width)
        self.norm = norm
        self.linear = EqualizedLinear(features, after * FIRST_HEIGHT * first_width, gain=2**0.5 / 4)
        self.block = SpadeBlock(after, after, num_classes, hidden, gain=None)

    def forward(self, x: Tensor, layout: Tensor) -> Tensor:
        """Input vectors [B, in] and a layout to features [B, out, 4, first_width]."""
        x = self.linear(self.norm(x)).unflatten(1, self.shape)
        return self.block(x, DenseLevel(at_height(layout, FIRST_HEIGHT)))


class PartialGenerator(GuidedTrunk):
    """Noise, a layout with a hole and a palette in, the layout with the hole filled by that palette out.

    The trunk's pairs of convolutions are SPADE blocks, which are told the layout. One more class than the layout's is
    painted, *background*: where it is, the layout stays.

    Args:
        settings: size, width and switches; `num_classes` is C, without the background.
    Source: Semantic Palette, §4.2, fig. 4; the blocks' details are its release's. Chapter: Changing a part.
    """

    backgrounds = 1

    def _trunk(self, features: int, widths: list[int], norm: PixelNorm) -> list[nn.Module]:
        s = self.settings
        told = s.num_classes, min(HIDDEN, max(8, s.max_channels // 4))
        first = FirstSpadeBlock(features, widths[0], s.first_width, *told, norm)
        return [first, *(SpadeTrunkBlock(a, b, *told) for a, b in pairwise(widths))]

    def mask(
        self, features: Tensor, palette: Tensor, stage: int, iterations: int | None = None, *given: Tensor
    ) -> PartialMask:
        """TO MASK, then the merge with the layout, which is given last: background is where it shows."""
        if self.settings.released:
            palette = torch.where(palette < _LEAST, 0.0, palette)
        scores, density, soft = super().mask(features, palette, stage, iterations)
        (layout,) = given
        return PartialMask(scores, density, soft, soft[:, :-1] + soft[:, -1:] * at_height(layout, features.shape[2]))

    def forward(
        self,
        z: Tensor,
        palette: Tensor,
        layout: Tensor,
        stage: int | None = None,
        fade: float | Tensor = 1.0,
        all_stages: bool = False,
        iterations: int | None = None,
    ) -> list[PartialMask]:
        """Soft layouts, in part from noise.

        Args:
            z: noise, [B, Z], standard normal.
            palette: t, [B, C + 1], from `budget`; each row sums to 1 (not checked here; `edit` checks).
            layout: soft, from `cropped`, [B, C, H, W] of the last stage's size, or of that of `stage`.
            stage, fade, all_stages, iterations: as in `LayoutGenerator.forward`.
        Returns:
            Masks from the coarsest to the one of `stage`, as in `LayoutGenerator.forward`.
        """
        return self._grow(z, palette, (layout,), stage, fade, all_stages, iterations)

    @torch.no_grad()
    def edit(
        self,
        layout: Tensor,
        region: Tensor,
        palette: Tensor,
        seed: int = 0,
        exact: bool = False,
        iterations: int | None = None,
        batch_size: int = 64,
        confine: bool = True,
    ) -> Tensor:
        """Paint a region of hard layouts anew. Outside it not one pixel changes, within it none is background.

        Args:
            layout: class indices, integer [H, W] or [B, H, W]; 255 is no class.
            region: what to paint, bool of the same shape, of any form, not empty.
            palette: proportions within the region, [C] or [B, C], each sums to 1.
            seed: of the noise. exact: give each class its number of pixels to within one, see `exact_layout`.
            iterations: of the activation; None is what the settings say. batch_size: of the network.
            confine: False takes the largest class of the merged mask, as the paper does, and True that of an
                activation within the region: a class then spends there what the network would spend outside.
        Returns:
            Like `layout`.
        Raises:
            ValueError: labels out of range, another size, an empty region, no palette, or as many as do not fit.
        Chapter: Changing a part.
        """
        layouts, regions, palettes = self._checked(layout, region, palette)

        def paint(*part: Tensor) -> Tensor:
            return self._painted(part, exact, iterations, confine)

        made = self._in_parts(paint, (layouts, regions, palettes), seed, batch_size)
        return torch.where(regions, made.to(layout.dtype), layouts).view(layout.shape)

    def _in_parts(self, paint: Callable[..., Tensor], given: tuple[Tensor, ...], seed: int, batch_size: int) -> Tensor:
        """What `paint` makes of noise and of what is given, some at once, in the order given and where that lies."""
        check_whole(batch_size, "batch_size", 1)
        device, home = next(self.parameters()).device, given[0].device
        # Drawn on the CPU: the same on every device.
        z = torch.randn(len(given[0]), self.settings.latent_dim, generator=torch.Generator().manual_seed(seed))
        training, made = self.training, []
        self.eval()
        try:
            for start in range(0, len(z), batch_size):
                part = [x[start : start + batch_size].to(device) for x in (z, *given)]
                made.append(paint(*part).to(home))
        finally:
            self.train(training)
        return torch.cat(made)

    def _painted(self, part: tuple[Tensor, ...], exact: bool, iterations: int | None, confine: bool) -> Tensor:
        """Hard layouts that count within the region alone. part: noise, layouts, regions and palettes."""
        z, layout, region, palette = part
        given = cropped(one_hot(layout, self.settings.num_classes), region)
        mask = self(z, budget(palette, region), given, iterations=iterations)[-1]
        check_finite(mask.scores, "scores", "the weights are not finite either, take an earlier checkpoint")
        if exact:
            return _exact(mask.scores[:, :-1], region, palette)
        if not confine:
            return mask.merged.argmax(1)
        return confined(mask.scores, region, palette, self.settings.iterations if iterations is None else iterations)

    def _checked_layouts(self, layout: Tensor, enlarge: bool = False) -> Tensor:
        """Layouts with an axis of samples, or what is wrong with them."""
        if not isinstance(layout, Tensor) or layout.ndim not in (2, 3):
            check_tensor(layout, "layout", "[B, H, W]", "integers")
        layouts = layout.unsqueeze(0) if layout.ndim == 2 else layout
        check_labels(layouts, self.settings.num_classes)
        size, own = tuple(layouts.shape[1:]), self.size
        times = max(size[0] // own[0], 1) if enlarge else 1
        if size != (own[0] * times, own[1] * times):
            raise ValueError(
                f"layout is {layout.shape[-2]}×{layout.shape[-1]} px, the generator paints {self.size[0]}×"
                f"{self.size[1]} px: load it at that size"
            )
        return layouts

    def _checked(self, layout: Tensor, region: Tensor, palette: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The three with an axis of samples, or what is wrong with them."""
        layouts, classes = self._checked_layouts(layout), self.settings.num_classes
        if not isinstance(region, Tensor) or region.dtype != torch.bool or region.shape != layout.shape:
            raise ValueError(
                f"region is {described(region)}, expected bool {list(layout.shape)} as the layout: give each pixel "
                "of the layout true or false; of a rectangle `rectangle` makes one"
            )
        regions = region.to(layout.device).view(layouts.shape)
        empty = (~regions.flatten(1).any(1)).nonzero()
        if len(empty):
            raise ValueError(f"region {int(empty[0])} is empty: choose at least one pixel to paint")
        palettes = check_palette(palette, classes).to(layout.device)
        if len(palettes) not in (1, len(layouts)):
            raise ValueError(
                f"palette has {len(palettes)} rows, expected {len(layouts)} as the layouts, or one: give a row a layout"
            )
        return layouts, regions, palettes.expand(len(layouts), -1)


def confined(scores: Tensor, region: Tensor, palette: Tensor, iterations: int = 1) -> Tensor:
    """The best class of each pixel, where every class spends its whole budget within the region.

    Background takes all pixels outside and none within; the activation does the rest.

    Args:
        scores: f, [B, C + 1, H, W]. region: bool [B, H, W]. palette: within the region, [B, C].
    Returns:
        int64 [B, H, W]; outside the region its entries mean nothing.
    Source: this project; the paper takes the largest of the merged mask. Chapter: Changing a part.
    """
    inside = torch.where(region.unsqueeze(1), scores[:, :-1], -_FAR)
    outside = torch.where(region.unsqueeze(1), -_FAR, _FAR)
    soft = semantically_assisted_activation(
        torch.cat([inside, outside], 1), budget(palette, region), iterations, checked=False
    )[1]
    return soft[:, :-1].argmax(1)


def _exact(scores: Tensor, region: Tensor, palette: Tensor) -> Tensor:
    """As `confined`, each class with its number of the region's pixels to within one."""
    layouts = torch.full(region.shape, IGNORED, device=region.device)
    for f, where, t, layout in zip(scores, region, palette, layouts, strict=True):
        layout[where] = exact_layout(f[:, where][None, :, None], t[None])[0, 0]
    return layouts
