"""What LGGAN is held against when a scene is to be seen from another view: U-Nets, and SelectionGAN.

All take a picture of the scene from the one view, the source, and the layout of the other, whose picture they paint.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.image_gans.interface import ImageGenerator, Painted, initialise
from sempal_lib.image_gans.pix2pix import Pix2pixSettings, Unet
from sempal_lib.labels import one_hot

_POOLS = (1, 4, 9)  # px, of SelectionGAN's averages


@dataclass(frozen=True)
class CrossViewSettings(Pix2pixSettings):
    """What the U-Nets are built from. The defaults are those of the forms with "++", and of SelectionGAN."""

    told_layout: bool = True  # the layout of the view is an input; else the source alone
    layout_ngf: int = 4  # narrowest features of SelectionGAN's U-Net from pictures to layouts
    hidden: int = 110  # channels of SelectionGAN's second stage
    attentions: int = 10  # pictures that it chooses from

    @property
    def inputs(self) -> int:
        """Channels of what the U-Net sees."""
        return 3 + self.num_classes * self.told_layout


class Views(NamedTuple):
    """What these generators make beside their picture.

    Attributes:
        soft_layout: the layout that the generator sees in its picture, [B, C, H, W], sums to 1 over C.
        first: SelectionGAN's picture of the first stage. uncertainty: U in (0, 1), [B, 1, H, W].
    """

    soft_layout: Tensor
    first: Tensor | None = None
    uncertainty: Tensor | None = None


class CrossViewUnet(Unet, ImageGenerator):
    """pix2pix from view to view; told the layout too it is pix2pix++.

    Source: Isola et al. 2017, §3.2; LGGAN, §4.1. Chapter: From the air to the ground.
    """

    takes_source = True
    settings: CrossViewSettings

    def __init__(self, settings: CrossViewSettings):
        super().__init__(settings.inputs, 3, settings)
        self.settings, self.noise_dim = settings, sum(self._units)

    def painted(
        self, layout: Tensor, z: Tensor | None = None, edges: Tensor | None = None, source: Tensor | None = None
    ) -> Painted:
        self._check(layout, z, edges, source)
        soft = layout if layout.is_floating_point() else one_hot(layout, self.settings.num_classes)
        seen: list[Tensor] = [source, soft] if self.settings.told_layout else [source]  # type: ignore[list-item]
        return self._painted(torch.cat(seen, 1), z)

    def _painted(self, seen: Tensor, z: Tensor | None) -> Painted:
        """Of what the U-Net sees: the source's channels first."""
        return Painted(self.through(seen, z)[0].float().tanh())

    def own_losses(self, parts: Views | None, images: Tensor, layouts: Tensor) -> dict[str, Tensor]:
        """The distance L1 of the layout that is seen, where one is."""
        if parts is None:
            return {}
        soft = layouts if layouts.is_floating_point() else one_hot(layouts, self.settings.num_classes)
        return {"layout": (parts.soft_layout - soft).abs().mean()}


class XForkGenerator(CrossViewUnet):
    """X-Fork: the last two layers of the U-Net exist twice, for the picture and for its layout.

    Source: Regmi and Borji 2018 (X-Fork); with the layout as an input, X-Fork++, LGGAN, §4.1.
        Chapter: From the air to the ground.
    """

    def __init__(self, settings: CrossViewSettings):
        super().__init__(settings)
        width, before = settings.channels[0], settings.channels[1] * (2 if settings.depth > 2 else 1)
        conv = nn.ConvTranspose2d(before, width, 4, stride=2, padding=1, bias=False)
        last = nn.ConvTranspose2d(2 * width, settings.num_classes, 4, stride=2, padding=1)
        self.fork = nn.ModuleList([conv, nn.BatchNorm2d(width), last])
        initialise(self.fork, "normal")

    def _painted(self, seen: Tensor, z: Tensor | None) -> Painted:
        picture, maps = self.through(seen, z)
        conv, norm, last = self.fork
        skip = maps[-1][:, : self.settings.channels[0]]
        scores = last(torch.cat([skip, norm(conv(maps[-2].relu()))], 1).relu())
        return Painted(picture.float().tanh(), parts=Views(scores.float().softmax(1)))


class XSeqGenerator(CrossViewUnet):
    """X-Seq: a second U-Net makes the layout of the picture that the first one has painted.

    Source: Regmi and Borji 2018 (X-Seq); with the layout as an input, X-Seq++, LGGAN, §4.1.
        Chapter: From the air to the ground.
    """

    def __init__(self, settings: CrossViewSettings):
        super().__init__(settings)
        self.second = Unet(3, settings.num_classes, settings)

    def _painted(self, seen: Tensor, z: Tensor | None) -> Painted:
        picture = super()._painted(seen, z).picture
        return Painted(picture, parts=Views(self.second.through(picture)[0].float().softmax(1)))


class SelectionGenerator(CrossViewUnet):
    """SelectionGAN: a U-Net paints, a narrow one sees the layout in that, and a second stage chooses pixel by pixel.

    The second stage looks at the last maps of both U-Nets, the source and the first picture, at three scales, makes
    ten pictures, and sums them by ten maps of attention. Both pictures are judged.

    Source: Tang et al. 2019 (SelectionGAN), §3; layers and widths are its release's. Chapter: From the air to the
        ground.
    """

    def __init__(self, settings: CrossViewSettings):
        super().__init__(settings)
        s, narrow = settings, replace(settings, ngf=settings.layout_ngf)
        self.second = Unet(3, s.num_classes, narrow)
        self.enlarge = nn.ConvTranspose2d(2 * (s.ngf + narrow.ngf), s.hidden - 6, 2, stride=2)
        self.join = nn.Conv2d((len(_POOLS) + 1) * s.hidden, s.hidden, 3, padding=1)
        self.attend = nn.Conv2d(s.hidden, s.attentions, 1)
        self.offer = nn.Conv2d(s.hidden, 3 * s.attentions, 3, padding=1)
        self.doubt = nn.Conv2d(s.attentions, 1, 1)
        for part in (self.enlarge, self.join, self.attend, self.offer, self.doubt):
            initialise(part, "normal")
        self._of_unet, self._large = self.noise_dim, (s.hidden - 6, s.height, s.width)
        self.noise_dim += (s.hidden - 6) * s.height * s.width  # here too half of the units are dropped

    def _painted(self, seen: Tensor, z: Tensor | None) -> Painted:
        first, of_picture = self.through(seen, None if z is None else z[:, : self._of_unet])
        first = first.float().tanh()
        scores, of_layout = self.second.through(first)
        large = self.enlarge(torch.cat([of_picture[-1], of_layout[-1]], 1)).relu()
        if z is not None:
            large = torch.where(z[:, self._of_unet :].unflatten(1, self._large) > 0, 2 * large, 0)
        x = torch.cat([large, seen[:, :3], first], 1)
        chosen = self.join(torch.cat([x * _averaged(x, size) for size in _POOLS] + [x], 1))
        attention = self.attend(chosen).float().softmax(1)
        offered = self.offer(chosen).float().tanh().unflatten(1, (self.settings.attentions, 3))
        picture = (attention.unsqueeze(2) * offered).sum(1)
        doubt = self.doubt(attention).float().sigmoid()
        return Painted(picture, (first,), Views(scores.float().softmax(1), first, doubt))

    def own_losses(self, parts: Any, images: Tensor, layouts: Tensor) -> dict[str, Tensor]:
        """As its base; and "doubted", the first picture's distance from the real one by how sure it is of it.

        |I - I₁| / U + ln U, its mean over pixels.
        """
        doubted = (images - parts.first).abs() / parts.uncertainty + parts.uncertainty.log()
        return super().own_losses(parts, images, layouts) | {"doubted": doubted.mean()}


def _averaged(x: Tensor, size: int) -> Tensor:
    """Means over squares of `size` px, spread over the picture again."""
    if size == 1:
        return x
    return F.interpolate(F.avg_pool2d(x, size, ceil_mode=True), x.shape[2:], mode="bilinear")
