"""Judges of pictures, patch by patch and at several scales; told the layout or not."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.image_gans.interface import check_layout, initialise
from sempal_lib.labels import one_hot
from sempal_lib.layers import SLOPE
from sempal_lib.spade_layers import spectral

_KERNEL = 4  # px, of every convolution
_NORMS = ("spectral_instance", "instance", "batch")


class Judgement(NamedTuple):
    """What a discriminator says: per scale logits [B, 1, h, w], and the features of each layer but the last."""

    logits: list[Tensor]
    features: list[list[Tensor]]


@dataclass(frozen=True)
class DiscriminatorSettings:
    """What a discriminator is built from. The defaults are GauGAN's, 5 convolutions at two scales.

    The judges of SB-GAN and Semantic Palette have 4, each but the last with stride 2: `small`.
    """

    num_classes: int  # C of the layouts that it is told; 0: it sees pictures only
    ndf: int = 64  # channels of the first layer; they double up to 8 times that
    strides: tuple[int, ...] = (2, 2, 2, 1)  # of each layer but the last, whose stride is 1
    scales: int = 2  # each sees the picture at half the size of the one before
    norm: str = "spectral_instance"  # or "instance", or "batch"; of all layers but the first and the last
    padding: int = 2  # px, of every convolution
    instance_edges: bool = False  # the borders of instances are one more channel of the layout

    def __post_init__(self):
        if self.norm not in _NORMS:
            raise ValueError(f"norm={self.norm!r}: choose one of {', '.join(map(repr, _NORMS))}")
        if self.scales < 1 or not self.strides or not set(self.strides) <= {1, 2}:
            raise ValueError("a discriminator needs at least one scale and one layer, with strides of 1 or 2")
        if self.instance_edges and not self.num_classes:
            raise ValueError("edges of instances go with a layout: num_classes is 0")

    @classmethod
    def small(cls, num_classes: int, ndf: int = 64) -> "DiscriminatorSettings":
        """Of SB-GAN and Semantic Palette, and of GauGAN's first release. Theirs without layout is D₂."""
        return cls(num_classes, ndf, (2, 2, 2))

    @classmethod
    def pix2pix(cls, num_classes: int, ndf: int = 64) -> "DiscriminatorSettings":
        """One scale, whose patches are 70×70 px."""
        return cls(num_classes, ndf, scales=1, norm="batch", padding=1)

    @classmethod
    def pix2pixhd(cls, num_classes: int, ndf: int = 64) -> "DiscriminatorSettings":
        return cls(num_classes, ndf, norm="instance")

    @property
    def layout_channels(self) -> int:
        return self.num_classes + self.instance_edges

    def as_dict(self) -> dict:
        return asdict(self)


class PatchDiscriminator(nn.Module):
    """Pictures, with their layouts or not, to one logit a patch.

    Source: Isola et al. 2017, §3.2.2; Wang et al. 2018, §3.2; Park et al. 2019, appendix A, fig. 13.
        Chapter: Painting by layout.
    """

    def __init__(self, settings: DiscriminatorSettings):
        super().__init__()
        self.settings = settings
        widths = [settings.ndf << min(i, 3) for i in range(len(settings.strides))]
        convs, norms = [], []
        for number, (width, stride) in enumerate(zip(widths, settings.strides, strict=True)):
            before = settings.layout_channels + 3 if number == 0 else widths[number - 1]
            plain = number == 0 or settings.norm == "instance"  # these keep their bias
            conv = nn.Conv2d(before, width, _KERNEL, stride, settings.padding, bias=plain)
            convs.append(spectral(conv) if number and settings.norm == "spectral_instance" else conv)
            if number:
                norms.append(nn.BatchNorm2d(width) if settings.norm == "batch" else nn.InstanceNorm2d(width))
        convs.append(nn.Conv2d(widths[-1], 1, _KERNEL, 1, settings.padding))
        self.convs, self.norms = nn.ModuleList(convs), nn.ModuleList(norms)

    def forward(self, pictures: Sequence[Tensor], layout: Tensor | None) -> list[tuple[Tensor, list[Tensor]]]:
        """Logits [B, 1, h, w] and features of each batch of pictures [B, 3, H, W], all of one layout [B, C, H, W].

        What the first layer makes of the layout is computed once, and so is each spectral norm.
        """
        convs: Any = self.convs
        first, channels = convs[0], self.settings.layout_channels
        xs = [F.conv2d(x, first.weight[:, channels:], first.bias, first.stride, first.padding) for x in pictures]
        if layout is not None:
            told = F.conv2d(layout, first.weight[:, :channels], None, first.stride, first.padding)
            xs = [x + told for x in xs]
        xs = [F.leaky_relu(x, SLOPE) for x in xs]
        features = [[x] for x in xs]
        for conv, norm in zip(convs[1:-1], self.norms, strict=True):
            weight = conv.weight  # with a spectral norm each look is one more power iteration
            xs = [F.conv2d(x, weight, conv.bias, conv.stride, conv.padding) for x in xs]
            xs = [F.leaky_relu(norm(x), SLOPE) for x in xs]
            for found, x in zip(features, xs, strict=True):
                found.append(x)
        return [(convs[-1](x), found) for x, found in zip(xs, features, strict=True)]


class MultiScaleDiscriminator(nn.Module):
    """Patch discriminators, each of which sees the picture at half the size of the one before.

    Source: Wang et al. 2018 (pix2pixHD), §3.2; Park et al. 2019, appendix A. Chapter: Painting by layout.
    """

    def __init__(self, settings: DiscriminatorSettings):
        super().__init__()
        self.settings = settings
        self.scales = nn.ModuleList(PatchDiscriminator(settings) for _ in range(settings.scales))
        initialise(self, "xavier" if settings.norm == "spectral_instance" else "normal")

    def forward(self, images: Tensor, layout: Tensor | None = None, edges: Tensor | None = None) -> Judgement:
        """Logits and features of pictures.

        Args:
            images: [B, 3, H, W] in [-1, 1].
            layout: integer [B, H, W] or soft [B, C, H, W], of the same size; None where num_classes is 0.
            edges: [B, H, W], not 0 on the border of an instance; where the settings say so.
        Raises:
            ValueError: picture and layout of different sizes, or no layout where one is needed.
        """
        return self.judge([images], layout, edges)[0]

    def judge(
        self, pictures: Sequence[Tensor], layout: Tensor | None = None, edges: Tensor | None = None
    ) -> list[Judgement]:
        """As `forward`, for several batches of pictures of the same layouts: generated ones and real ones."""
        told = self._told(pictures[0], layout, edges)
        pictures, found = list(pictures), [Judgement([], []) for _ in pictures]
        for number, patch in enumerate(self.scales):
            if number:
                pictures = [_half(x) for x in pictures]
                told = None if told is None else _half(told)
            for judgement, (logits, features) in zip(found, patch(pictures, told), strict=True):
                judgement.logits.append(logits)
                judgement.features.append(features)
        return found

    def told(self, layout: Tensor, edges: Tensor | None, source: Tensor | None) -> tuple[Any, ...]:
        """What `judge` is given beside pictures, of all that there is."""
        return (layout, edges) if self.settings.num_classes else (None, None)

    def _told(self, images: Tensor, layout: Tensor | None, edges: Tensor | None) -> Tensor | None:
        s = self.settings
        if (layout is None) != (s.num_classes == 0) or (edges is not None) != s.instance_edges:
            raise ValueError(
                f"this discriminator is told {'a layout' if s.num_classes else 'no layout'} and "
                f"{'edges' if s.instance_edges else 'no edges'}: give it just that"
            )
        if layout is None:
            return None
        check_layout(layout, s.num_classes, (images.shape[2], images.shape[3]), "the picture")
        soft = layout if layout.is_floating_point() else one_hot(layout, s.num_classes)
        return soft if edges is None else torch.cat([soft, (edges != 0)[:, None].to(soft.dtype)], 1)


class SourceDiscriminator(nn.Module):
    """A judge that is told the same scene from another view, and no layout: of pix2pix and what comes of it.

    Args:
        settings: its number of classes is not heeded.
    Source: Isola et al. 2017, §3.1; Regmi and Borji 2018. Chapter: From the air to the ground.
    """

    def __init__(self, settings: DiscriminatorSettings):
        super().__init__()
        self.settings = replace(settings, num_classes=0, instance_edges=False)
        self.of_source = MultiScaleDiscriminator(replace(self.settings, num_classes=3))

    def judge(self, pictures: Sequence[Tensor], source: Tensor) -> list[Judgement]:
        """As `MultiScaleDiscriminator.judge`. source: [B, 3, H, W]."""
        return self.of_source.judge(pictures, source)

    def told(self, layout: Tensor, edges: Tensor | None, source: Tensor | None) -> tuple[Any, ...]:
        """As `MultiScaleDiscriminator.told`."""
        return (source,)


class DualDiscriminator(nn.Module):
    """Two judges of a picture that are told different things: D_s its layout, D_i the same scene from another view.

    A loss averages over the scales that a judgement lists, so that it is half of the sum over both judges.

    Args:
        settings: of D_s. D_i is alike, and is told the three channels of a picture.
    Source: LGGAN, §3.2 "Dual-Discriminator", eq. 8 and 9. Chapter: From the air to the ground.
    """

    def __init__(self, settings: DiscriminatorSettings):
        super().__init__()
        self.settings = settings
        self.of_layout = MultiScaleDiscriminator(settings)
        self.of_source = MultiScaleDiscriminator(replace(settings, num_classes=3, instance_edges=False))

    def judge(
        self, pictures: Sequence[Tensor], layout: Tensor, source: Tensor, edges: Tensor | None = None
    ) -> list[Judgement]:
        """As `MultiScaleDiscriminator.judge`: the scales of D_s, then those of D_i. source: [B, 3, H, W]."""
        both = zip(self.of_layout.judge(pictures, layout, edges), self.of_source.judge(pictures, source), strict=True)
        return [Judgement(a.logits + b.logits, a.features + b.features) for a, b in both]

    def told(self, layout: Tensor, edges: Tensor | None, source: Tensor | None) -> tuple[Any, ...]:
        """As `MultiScaleDiscriminator.told`."""
        return layout, source, edges


def _half(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
