"""GauGAN's generator: every block is told the layout again, pixel by pixel; and its encoder of pictures."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.image_gans.interface import ImageGenerator, LatentEncoder, initialise
from sempal_lib.image_gans.latents import Latents
from sempal_lib.image_gans.layout_levels import LayoutLevels
from sempal_lib.layers import SLOPE, upsample
from sempal_lib.losses import kl_to_standard_normal
from sempal_lib.spade_layers import Level, SpadeBlock, spectral

_LATENT = 4  # px, side of the encoder's last map


@dataclass(frozen=True)
class SpadeSettings:
    """What GauGAN is built from. The defaults are the paper's network at 256×256 px, without the encoder.

    Cityscapes at 256×512 and Semantic Palette's 128×256 px have 6 doublings, 512×512 px has 7. With fewer than 5
    there are fewer blocks: small pictures need neither the depth nor the widest maps.
    """

    num_classes: int  # C
    height: int = 256  # px
    width: int = 256  # px
    ngf: int = 64  # channels of the last block (with 7 doublings of the one before)
    doublings: int = 5  # of the size, 2 to 7; the first map is 2^doublings times smaller than the picture
    hidden: int = 128  # channels between a layout and its modulation
    instance_edges: bool = False  # the borders of instances are one more channel of the layout
    use_vae: bool = False  # the first map is made of z, in place of the layout
    latent_dim: int = 256  # length of that z
    encoder_size: int = 256  # px, to which the encoder scales pictures: a power of two, at least 16

    def __post_init__(self):
        if not 2 <= self.doublings <= 7:
            raise ValueError(f"doublings={self.doublings}: choose 2 to 7")
        step = 2**self.doublings
        if self.height % step or self.width % step or self.height < step or self.width < step:
            raise ValueError(
                f"{self.height}×{self.width} px: with {self.doublings} doublings choose multiples of {step}"
            )
        if not 1 <= self.num_classes <= 255:
            raise ValueError(f"num_classes={self.num_classes}: choose 1 to 255")
        if self.encoder_size < 16 or self.encoder_size & (self.encoder_size - 1):
            raise ValueError(f"encoder_size={self.encoder_size} px: choose a power of two, at least 16")

    @property
    def in_channels(self) -> int:
        """Of a layout."""
        return self.num_classes + self.instance_edges

    @property
    def first_size(self) -> tuple[int, int]:
        """(H, W) of the first map, px."""
        return self.height >> self.doublings, self.width >> self.doublings

    @property
    def blocks(self) -> list[tuple[int, int, bool]]:
        """(channels in, channels out, is the size doubled before it?) of each residual block."""
        ups = {7: 5, 6: 4}.get(self.doublings, min(self.doublings, 4))
        in_trunk = self.doublings - ups  # doublings among the three widest blocks
        top = self.ngf << min(ups, 4)
        trunk = [(top, top, False), (top, top, in_trunk >= 1), (top, top, in_trunk == 2)]
        return trunk + [(max(top >> i, 1), max(top >> (i + 1), 1), True) for i in range(ups)]

    @property
    def told(self) -> list[int]:
        """Channels of what each residual block is told at every pixel."""
        return [self.in_channels] * len(self.blocks)

    @property
    def encoder_blocks(self) -> int:
        """How many times the encoder halves a picture."""
        return (self.encoder_size // _LATENT).bit_length() - 1

    def as_dict(self) -> dict:
        return asdict(self)


class SpadeGenerator(ImageGenerator):
    """GauGAN's generator.

    Its first map is a convolution over the layout, or with the VAE a linear function of z. Convolutions of the
    residual blocks are spectrally normalised; that of the paper also are those of SPADE, first and last, in its
    release they are not, as here.

    Attributes:
        method: how layouts are convolved, see `LayoutLevels`.
        first_map_only: a gradient reaches the layout through the first map only, as in SB-GAN's release.
    Source: Park et al. 2019, §3 and appendix A. Chapter: Painting by layout.
    """

    def __init__(self, settings: SpadeSettings):
        super().__init__()
        s = self.settings = settings
        self.method, self.first_map_only = "auto", False
        self.noise_dim, self.takes_edges = s.latent_dim if s.use_vae else 0, s.instance_edges
        self.latents = Latents(s.latent_dim) if s.use_vae else None
        self.first, blocks = self._first_layer(), s.blocks
        self.blocks = nn.ModuleList(
            SpadeBlock(a, b, told, s.hidden) for (a, b, _), told in zip(blocks, s.told, strict=True)
        )
        self.last = nn.Conv2d(blocks[-1][1], 3, 3, padding=1)
        initialise(self, "xavier")
        for block in self.blocks:
            block.initialise()  # type: ignore[operator]

    def _first_layer(self) -> nn.Module:
        """What makes the first map."""
        s, (h, w), top = self.settings, self.settings.first_size, self.settings.blocks[0][0]
        return nn.Linear(s.latent_dim, top * h * w) if s.use_vae else nn.Conv2d(s.in_channels, top, 3, padding=1)

    def _paint(self, layout: Tensor, z: Tensor | None, edges: Tensor | None) -> Tensor:
        levels = LayoutLevels(layout, self.settings.num_classes, edges, self.method)
        first: Any = self.first
        if self.settings.use_vae:
            x = self._first_map(first.weight.new_zeros(len(layout), self.noise_dim) if z is None else z)
        else:
            x = levels.at(self.settings.first_size[0]).convolve(first.weight, first.bias)
        if self.first_map_only:
            levels = LayoutLevels(layout.detach(), self.settings.num_classes, edges, self.method)
        return self._through_blocks(x, lambda number, height: levels.at(height))

    def _first_map(self, z: Tensor) -> Tensor:
        return self.first(z).view(len(z), -1, *self.settings.first_size)

    def _through_blocks(self, x: Tensor, level: Callable[[int, int], Level]) -> Tensor:
        """The first map to a picture before the tanh. level: of a block's number and height, what it is told."""
        for number, (block, (_, _, doubled)) in enumerate(zip(self.blocks, self.settings.blocks, strict=True)):
            x = upsample(x) if doubled else x
            x = block(x, level(number, x.shape[2]))
        return self.last(F.leaky_relu(x, SLOPE))


class ImageEncoder(LatentEncoder):
    """Pictures to the distribution of z that paints them: the encoder of GauGAN's VAE. It looks at no layout.

    Source: Park et al. 2019, §3 "Multi-modal synthesis", appendix A, fig. 14. Chapter: Painting by layout.
    """

    def __init__(self, settings: SpadeSettings):
        super().__init__()
        self.settings = settings
        widths = self.widths = [3, *(settings.ngf << min(i, 3) for i in range(settings.encoder_blocks))]
        self.convs = nn.ModuleList(
            spectral(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False)) for a, b in pairwise(widths)
        )
        flat = widths[-1] * _LATENT**2
        self.mean, self.log_variance = nn.Linear(flat, settings.latent_dim), nn.Linear(flat, settings.latent_dim)
        initialise(self, "xavier")

    def forward(self, images: Tensor, layouts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Pictures [B, 3, H, W] in [-1, 1] to mean and log-variance, [B, Z] each, float32."""
        return self._of_last(self._maps(images)[-1])

    def _maps(self, images: Tensor) -> list[Tensor]:
        """What each convolution gives, normalised; the next one sees it through LeakyReLU."""
        size, maps = (self.settings.encoder_size,) * 2, list[Tensor]()
        x = images if tuple(images.shape[2:]) == size else F.interpolate(images, size, mode="bilinear")
        for conv in self.convs:
            maps.append(F.instance_norm(conv(x)))
            x = F.leaky_relu(maps[-1], SLOPE)
        return maps

    def _of_last(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = F.leaky_relu(x, SLOPE)
        # Of an encoder with fewer blocks: at the size that six would give.
        x = (F.adaptive_avg_pool2d(x, _LATENT) if x.shape[2] > _LATENT else x).flatten(1)
        return self.mean(x).float(), self.log_variance(x).float()

    def divergence(self, mean: Tensor, log_variance: Tensor, layouts: Tensor | None = None) -> Tensor:
        """The sum of `losses.kl_to_standard_normal`, as GauGAN's release has it."""
        return kl_to_standard_normal(mean, log_variance)


def sample_latent(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z = mean + noise · standard deviation. Source: Kingma and Welling 2014, eq. 10."""
    return mean + noise * (0.5 * log_variance).exp()
