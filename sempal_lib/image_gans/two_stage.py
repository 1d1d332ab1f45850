"""From noise to a scene in two stages: a layout, and the picture of it."""

import torch
from torch import Tensor, nn

from sempal_lib.checks import check_whole, described
from sempal_lib.image_gans.interface import ImageGenerator
from sempal_lib.layout_gans import LayoutGenerator
from sempal_lib.palettes import PaletteMixture


def enlarge(layouts: Tensor, size: tuple[int, int]) -> Tensor:
    """Layouts at a multiple of their size, each pixel repeated; a gradient goes back as a sum over the repetitions.

    Args:
        layouts: integer [B, h, w], or soft [B, C, h, w]. size: (H, W), px.
    Raises:
        ValueError: a size that is no whole multiple, the same in both directions.
    """
    if not isinstance(layouts, Tensor) or layouts.ndim not in (3, 4):
        raise ValueError(f"layouts are {described(layouts)}, expected integer [B, h, w] or soft [B, C, h, w]")
    h, w = layouts.shape[-2:]
    times = size[0] // h
    if times < 1 or (h * times, w * times) != size:
        raise ValueError(
            f"layouts of {h}×{w} px cannot be enlarged to {size[0]}×{size[1]} px: choose pictures of a whole multiple "
            "of the layouts' size"
        )
    return layouts if times == 1 else layouts.repeat_interleave(times, -2).repeat_interleave(times, -1)


class TwoStageGenerator(nn.Module):
    """A layout generator and a painter, one after the other: SB-GAN, or Semantic Palette with its mixture.

    Args:
        layouts: the first stage. painter: the second; its pictures are a whole multiple of the layouts' size.
        mixture: where palettes come from, for a layout generator that is asked for them; None: none are seen.
    Source: SB-GAN, fig. 2; Semantic Palette, §3.3 and §4.1. Chapter: Two generators, one loss.
    """

    def __init__(self, layouts: LayoutGenerator, painter: ImageGenerator, mixture: PaletteMixture | None = None):
        super().__init__()
        classes = {layouts.settings.num_classes, painter.settings.num_classes}
        if len(classes) > 1:
            raise ValueError(
                f"the layouts have {layouts.settings.num_classes} classes, the painter knows "
                f"{painter.settings.num_classes}: train both on one data set"
            )
        if (layouts.settings.palette_input or layouts.settings.activation == "saa") and mixture is None:
            raise ValueError("this layout generator is asked for palettes: give the mixture that they come from")
        if painter.takes_edges:
            raise ValueError(
                "this painter needs the borders of instances, which a generated layout has not: take one trained "
                "without them"
            )
        self.layouts, self.painter, self.mixture = layouts, painter, mixture
        self.size: tuple[int, int] = (painter.settings.height, painter.settings.width)
        enlarge(torch.zeros(1, *layouts.size, dtype=torch.uint8), self.size)

    @torch.no_grad()
    def sample(self, count: int, random: torch.Generator, batch_size: int = 64) -> tuple[Tensor, Tensor]:
        """Scenes.

        Args:
            random: where all noise comes from; on any device. Its palettes too.
        Returns:
            pictures float32 [N, 3, H, W] in [-1, 1] and their layouts uint8 [N, H, W], on the painter's device.
        """
        check_whole(count, "count", 1)
        check_whole(batch_size, "batch_size", 1)
        first, device = (next(net.parameters()).device for net in (self.layouts, self.painter))
        noise = torch.randn(count, self.layouts.settings.latent_dim, generator=random, device=random.device)
        style = torch.randn(count, self.painter.noise_dim, generator=random, device=random.device).to(device)
        classes = self.layouts.settings.num_classes
        palettes = torch.full((count, classes), 1 / classes)  # of a generator that does not look at them
        if self.mixture is not None:
            if self.mixture.means.device != random.device:
                self.mixture = self.mixture.to(random.device)  # kept, as it is costly to move
            palettes = self.mixture.sample(count, generator=random)
        layouts = self.layouts.generate(noise.to(first), palettes.to(first), batch_size=batch_size)
        layouts = enlarge(layouts.to(device, torch.uint8), self.size)
        z = style if self.painter.noise_dim else None
        return self.painter.generate(layouts, batch_size=batch_size, z=z), layouts
