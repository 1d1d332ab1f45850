"""pix2pixHD's global generator: down, residual blocks, up."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from sempal_lib.image_gans.interface import ImageGenerator, initialise
from sempal_lib.labels import one_hot


@dataclass(frozen=True)
class Pix2pixhdSettings:
    """What pix2pixHD's global generator is built from. The defaults are the paper's, whose pictures are 512×1024 px."""

    num_classes: int  # C
    height: int = 512  # px
    width: int = 1024  # px
    ngf: int = 64  # channels of the first layer; they double with each halving of the size
    downs: int = 4  # halvings of the size
    blocks: int = 9  # residual blocks at the smallest size
    instance_edges: bool = False  # the borders of instances are one more channel of the layout

    def __post_init__(self):
        step = 1 << self.downs
        if self.height % step or self.width % step or min(self.height, self.width) < max(2 * step, 4):
            raise ValueError(
                f"{self.height}×{self.width} px with downs={self.downs}: choose multiples of {step}, "
                f"at least {2 * step}"
            )
        if not 1 <= self.num_classes <= 255:
            raise ValueError(f"num_classes={self.num_classes}: choose 1 to 255")

    def as_dict(self) -> dict:
        return asdict(self)


class ResidualBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            *conv_layer(nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")),
            *conv_layer(nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"))[:-1],
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class GlobalGenerator(ImageGenerator):
    """pix2pixHD's global generator. The local enhancer, for pictures of 1024×2048 px, is not built.

    Source: Wang et al. 2018, §3.2 and appendix. Chapter: Painting by layout.
    """

    def __init__(self, settings: Pix2pixhdSettings):
        super().__init__()
        s = self.settings = settings
        self.takes_edges = s.instance_edges
        before = s.num_classes + s.instance_edges
        layers = conv_layer(nn.Conv2d(before, s.ngf, 7, padding=3, padding_mode="reflect"))
        for i in range(s.downs):
            layers += conv_layer(nn.Conv2d(s.ngf << i, s.ngf << (i + 1), 3, stride=2, padding=1))
        layers += [ResidualBlock(s.ngf << s.downs) for _ in range(s.blocks)]
        for i in reversed(range(s.downs)):
            up = nn.ConvTranspose2d(s.ngf << (i + 1), s.ngf << i, 3, stride=2, padding=1, output_padding=1)
            layers += conv_layer(up)
        layers.append(nn.Conv2d(s.ngf, 3, 7, padding=3, padding_mode="reflect"))
        self.layers = nn.Sequential(*layers)
        initialise(self, "normal")

    def _paint(self, layout: Tensor, z: Tensor | None, edges: Tensor | None) -> Tensor:
        x = layout if layout.is_floating_point() else one_hot(layout, self.settings.num_classes)
        if edges is not None:
            x = torch.cat([x, (edges != 0)[:, None].to(x.dtype)], 1)
        return self.layers(x)


def conv_layer(conv: nn.Module) -> list[nn.Module]:
    """A convolution of either direction, instance norm without scale and shift, and ReLU."""
    return [conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU()]  # type: ignore[arg-type]
