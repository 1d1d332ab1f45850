"""pix2pix: an encoder and a decoder with a shortcut at every resolution."""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.image_gans.interface import ImageGenerator, initialise
from sempal_lib.labels import one_hot
from sempal_lib.layers import SLOPE


@dataclass(frozen=True)
class Pix2pixSettings:
    """What pix2pix' U-Net is built from. The defaults are the paper's, for 256×256 px."""

    num_classes: int  # C
    height: int = 256  # px
    width: int = 256  # px
    ngf: int = 64  # channels of the first layer; they double up to 8 times that
    depth: int = 8  # halvings of the size; the smallest map is 2^depth times smaller than the picture
    dropouts: int = 3  # of the layers that double the size, counted from the second one, so many drop half their units

    def __post_init__(self):
        if self.depth < 2 or self.height % (1 << self.depth) or self.width % (1 << self.depth):
            raise ValueError(
                f"{self.height}×{self.width} px with depth={self.depth}: choose multiples of 2^depth, depth at least 2"
            )
        if not 0 <= self.dropouts <= self.depth - 2:
            raise ValueError(f"dropouts={self.dropouts}: choose 0 to {self.depth - 2} for depth={self.depth}")
        if not 1 <= self.num_classes <= 255:
            raise ValueError(f"num_classes={self.num_classes}: choose 1 to 255")

    @property
    def channels(self) -> list[int]:
        """Of the maps on the way down."""
        return [self.ngf << min(i, 3) for i in range(self.depth)]

    @property
    def dropped(self) -> list[tuple[int, int, int]]:
        """(C, H, W) of the maps that lose half their units."""
        levels = [self.depth - 2 - i for i in range(1, self.dropouts + 1)]
        return [(self.channels[i], self.height >> (i + 1), self.width >> (i + 1)) for i in levels]

    def as_dict(self) -> dict:
        return asdict(self)


class Unet(nn.Module):
    """The encoder and the decoder, from any map to any other of the same size.

    Args:
        inputs, outputs: channels.
    """

    def __init__(self, inputs: int, outputs: int, settings: Pix2pixSettings):
        super().__init__()
        self._units = [c * h * w for c, h, w in settings.dropped]
        widths = settings.channels
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False) for a, b in zip([inputs, *widths], widths, strict=False)
        )
        self.down_norms = nn.ModuleList(nn.BatchNorm2d(w) for w in widths[1:-1])
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=number == settings.depth - 1)
            for number, (a, b) in enumerate(
                zip([widths[-1], *(2 * w for w in widths[-2::-1])], [*widths[-2::-1], outputs], strict=True)
            )
        )
        self.up_norms = nn.ModuleList(nn.BatchNorm2d(w) for w in widths[-2::-1])
        initialise(self, "normal")

    def through(self, x: Tensor, z: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """A map [B, inputs, H, W] to the last one, [B, outputs, H, W], and to what each layer on the way up sees."""
        kept = []
        for number, conv in enumerate(self.downs):
            x = conv(x if number == 0 else F.leaky_relu(x, SLOPE))
            if 0 < number < len(self.downs) - 1:  # neither the first map nor the smallest is normalised
                x = self.down_norms[number - 1](x)
            kept.append(x)
        noise, seen = () if z is None else z.split(self._units, 1), [kept.pop()]
        for number, (conv, norm) in enumerate(zip(self.ups[:-1], self.up_norms, strict=True)):
            x = norm(conv(seen[-1].relu()))
            if 0 < number <= len(noise):
                x = torch.where(noise[number - 1].view_as(x) > 0, 2 * x, 0)
            seen.append(torch.cat([kept.pop(), x], 1))
        return self.ups[-1](seen[-1].relu()), seen


class UnetGenerator(Unet, ImageGenerator):
    """pix2pix' U-Net.

    Its only noise is which units are dropped: unit i is kept where z_i > 0, and doubled. So one z is one picture, in
    training and after it, as in the paper; without z nothing is dropped.

    Source: Isola et al. 2017, §3.2.1 and appendix 6.1. Chapter: Painting by layout.
    """

    def __init__(self, settings: Pix2pixSettings):
        super().__init__(settings.num_classes, 3, settings)
        self.settings, self.noise_dim = settings, sum(self._units)

    def _paint(self, layout: Tensor, z: Tensor | None, edges: Tensor | None) -> Tensor:
        x = layout if layout.is_floating_point() else one_hot(layout, self.settings.num_classes)
        return self.through(x, z)[0]
