"""A cascaded refinement network with noise at every pixel: cIMLE's generator."""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.image_gans.interface import ImageGenerator
from sempal_lib.labels import one_hot
from sempal_lib.layers import SLOPE


@dataclass(frozen=True)
class CascadeSettings:
    """What cIMLE's generator is built from. `sized` makes it for any size."""

    num_classes: int  # C
    height: int  # px
    width: int  # px
    widths: tuple[int, ...]  # channels of each module; the last has the picture's size, each other half of the next's
    noise: int = 10  # channels of noise at each pixel, and of what the noise encoder makes of them
    hidden: int = 100  # channels within the noise encoder

    def __post_init__(self):
        object.__setattr__(self, "widths", tuple(self.widths))  # of a file it is a list
        step = 2 ** (len(self.widths) - 1)
        if not self.widths or self.height % step or self.width % step:
            raise ValueError(
                f"{self.height}×{self.width} px: with {len(self.widths)} modules choose multiples of {step}"
            )
        if not 1 <= self.num_classes <= 255:
            raise ValueError(f"num_classes={self.num_classes}: choose 1 to 255")

    @classmethod
    def sized(cls, num_classes: int, height: int, width: int, ngf: int, doublings: int) -> "CascadeSettings":
        """As wide as GauGAN: `ngf` channels in the last module, twice as many in each before, up to 16 times.

        With `ngf` below 64 the noise encoder is narrower too.
        """
        widths = tuple(ngf << min(i, 4) for i in reversed(range(doublings + 1)))
        return cls(num_classes, height, width, widths, hidden=min(100, 100 * ngf // 64 + 1))

    @classmethod
    def gta5(cls) -> "CascadeSettings":
        """Its authors', for GTA-5's 20 classes at 256×512 px: Chen and Koltun's network at that size."""
        return cls(20, 256, 512, (1024,) * 5 + (512,) * 2)

    def as_dict(self) -> dict:
        return asdict(self)


class CascadeGenerator(ImageGenerator):
    """A cascaded refinement network: each module sees the layout and the noise at its size, and what came before.

    z is noise at every pixel, so no part of it belongs to a class, and no encoder makes it of a picture.

    Source: Chen and Koltun 2017, §3; Li et al. 2019 (cIMLE), §3.3 and §3.4, for the noise encoder.
        Chapter: Many pictures from one layout.
    """

    def __init__(self, settings: CascadeSettings):
        super().__init__()
        s = self.settings = settings
        self.noise_dim = s.noise * s.height * s.width
        told = s.num_classes + s.noise
        self.noise_encoder = noise_encoder(s)
        befores = [told, *(width + told for width in s.widths[:-1])]
        self.stages = nn.ModuleList(_refined(a, b) for a, b in zip(befores, s.widths, strict=True))
        self.last = nn.Conv2d(s.widths[-1], 3, 1)
        _draw_weights(self)

    def _paint(self, layout: Tensor, z: Tensor | None, edges: Tensor | None) -> Tensor:
        s = self.settings
        soft = layout if layout.is_floating_point() else one_hot(layout, s.num_classes)
        noise = soft.new_zeros(len(soft), self.noise_dim) if z is None else z
        code = self.noise_encoder(torch.cat([soft, noise.view(-1, s.noise, s.height, s.width)], 1))
        told = [torch.cat([soft, code], 1)]
        for _ in s.widths[1:]:
            told.append(F.avg_pool2d(told[-1], 2))
        x = self.stages[0](told[-1])
        for stage, part in zip(self.stages[1:], told[-2::-1], strict=True):
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
            x = stage(torch.cat([x, part], 1))
        return self.last(x)


def _refined(before: int, after: int) -> nn.Sequential:
    """Two 3×3 convolutions, each with layer normalisation."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1), nn.GroupNorm(1, after), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers)


def noise_encoder(settings: CascadeSettings) -> nn.Sequential:
    """Layout and noise, [B, C + 10, H, W], to the channels that every module sees beside the layout."""
    told, hidden = settings.num_classes + settings.noise, settings.hidden
    network = nn.Sequential(
        nn.Conv2d(told, hidden, 3, padding=1), nn.LeakyReLU(SLOPE),
        nn.Conv2d(hidden, hidden, 3, padding=1), nn.LeakyReLU(SLOPE),
        nn.Conv2d(hidden, settings.noise, 1),
    )  # fmt: skip
    _draw_weights(network)
    return network


def _draw_weights(module: nn.Module) -> None:
    """Xavier's uniform weights, biases of 0.

    Not with GauGAN's gain of 0.02: nothing after the noise encoder would make up for it, and all noise looked alike.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)  # type: ignore[arg-type]
