"""GroupDNet: one code a class, and a decoder that treats the classes apart and mixes them layer by layer."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from math import lcm
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.checks import check_pairs
from sempal_lib.image_gans.interface import ImageGenerator, LatentEncoder, check_layout, initialise
from sempal_lib.image_gans.latents import Latents
from sempal_lib.image_gans.layout_levels import LayoutLevels
from sempal_lib.layers import SLOPE, upsample
from sempal_lib.losses import kl_to_standard_normal
from sempal_lib.spade_layers import spectral


@dataclass(frozen=True)
class GroupdnetSettings:
    """What GroupDNet is built from, from its first convolution to its last block. `sized` makes it for any size.

    A convolution's groups divide its channels in and out. With as many groups as classes no class sees another.
    """

    num_classes: int  # C
    height: int  # px
    width: int  # px
    widths: tuple[int, ...]  # channels after the first convolution and after each block; only the first does not double
    groups: tuple[int, ...]  # of the first convolution and of each block
    encoder_width: int  # channels of the encoder's first map, a multiple of C; they double up to 8 times that
    # How CG-Norm goes from the layout to `hidden` channels, and on to γ and β. "block": all in the block's groups.
    # "class": all in C groups, to C channels a group of the block. "mixed": C groups, and on in the block's.
    modulation: Literal["block", "class", "mixed"] = "mixed"
    hidden: int = 128  # of "block"; the others have what their groups divide
    code: int = 8  # channels of a class's code, at each pixel of the first map
    instance_edges: bool = False  # the borders of instances are one more channel of each class

    def __post_init__(self):
        for name in ("widths", "groups"):  # of a file they are lists
            object.__setattr__(self, name, tuple(getattr(self, name)))
        step = 2**self.doublings
        if len(self.groups) != len(self.widths) or self.doublings < 1:
            raise ValueError(f"{len(self.widths)} widths and {len(self.groups)} groups: give as many, at least three")
        if self.height % step or self.width % step:
            raise ValueError(
                f"{self.height}×{self.width} px: with {self.doublings} doublings choose multiples of {step}"
            )
        if not 1 <= self.num_classes <= 255 or self.encoder_width % self.num_classes:
            raise ValueError(
                f"num_classes={self.num_classes}, encoder_width={self.encoder_width}: choose 1 to 255 classes and a "
                "multiple of them"
            )
        changes = pairwise((self.num_classes * self.code, *self.widths))
        for (before, after), groups in zip(changes, self.groups, strict=True):
            if before % groups or after % groups:
                raise ValueError(f"{before} and {after} channels in {groups} groups: choose groups that divide both")

    @classmethod
    def sized(cls, num_classes: int, height: int, width: int, ngf: int, doublings: int) -> "GroupdnetSettings":
        """For any number of classes and any size, by the rules that its authors' for ADE20K nearly follows.

        Args:
            ngf: channels of the last block. doublings: of the size.
        """
        halves = [2 ** (doublings - i) for i in range(1, doublings + 1)]  # of groups: those of the last block are 1
        groups = [min(16, half, 1 << num_classes.bit_length() - 1) for half in halves]
        each = lcm(num_classes, groups[0])
        after = [ngf * min(half, 16) for half in halves]
        top = -(-ngf * min(2 * halves[0], 16) // each) * each
        return cls(num_classes, height, width, (top, top, *after), (num_classes, num_classes, *groups), 4 * num_classes)

    @classmethod
    def deepfashion(cls) -> "GroupdnetSettings":
        """Its authors', for 8 classes at 256×256 px."""
        return cls(8, 256, 256, _widths(160), (8, 8, 8, 4, 4, 2, 2, 1), 256, "block")

    @classmethod
    def cityscapes(cls) -> "GroupdnetSettings":
        """Its authors', for 35 classes at 256×512 px."""
        groups = (35, 35, 35, 20, 14, 10, 4, 1)
        return cls(35, 256, 512, _widths(280), groups, 350, "class", instance_edges=True)

    @classmethod
    def ade20k(cls) -> "GroupdnetSettings":
        """Its authors', for 151 classes at 256×256 px, without a block of the release that no picture goes through."""
        widths = (2416, 2416, 2048, 1024, 1024, 512, 256, 128)
        return cls(151, 256, 256, widths, (151, 151, 16, 16, 8, 4, 2, 1), 604)

    @property
    def doublings(self) -> int:
        """Of the size: one before each block but the first."""
        return len(self.widths) - 2

    @property
    def first_size(self) -> tuple[int, int]:
        """(H, W) of the code, px."""
        return self.height >> self.doublings, self.width >> self.doublings

    @property
    def latents(self) -> Latents:
        """One layer of codes of classes, each a map of `code` channels; no code of the whole picture."""
        h, w = self.first_size
        return Latents(0, 1, self.num_classes, self.code * h * w)

    def modulated(self, groups: int) -> tuple[int, int, int]:
        """Of CG-Norm in a block of so many groups: hidden channels, groups of its first convolution and of the rest."""
        c = self.num_classes
        if self.modulation == "block":
            return self.hidden, groups, groups
        if self.modulation == "class":
            return c * groups, c, c
        return (lcm(c, groups) if c % groups else 2 * c), c, groups

    def as_dict(self) -> dict:
        return asdict(self)


def _widths(ngf: int) -> tuple[int, ...]:
    return (16 * ngf, 16 * ngf, 16 * ngf, 16 * ngf, 8 * ngf, 4 * ngf, 2 * ngf, ngf)


class CgNorm(nn.Module):
    """Conditional group normalisation: SPADE by convolutions in groups.

    Source: Zhu et al. 2020 (GroupDNet), §3.3 and fig. 4. Chapter: Many pictures from one layout.
    """

    def __init__(self, channels: int, layout_channels: int, modulated: tuple[int, int, int]):
        super().__init__()
        hidden, first, groups = modulated
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.shared = nn.Conv2d(layout_channels, hidden, 3, padding=1, groups=first)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1, groups=groups)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1, groups=groups)

    def forward(self, x: Tensor, layout: Tensor) -> Tensor:
        """x [B, channels, H, W] and a one-hot layout of that size, [B, layout channels, H, W]."""
        hidden, x = self.shared(layout).relu(), self.norm(x)
        return torch.addcmul(x + self.beta(hidden), x, self.gamma(hidden))


class GroupBlock(nn.Module):
    """GauGAN's residual block with all convolutions in groups. Source: GroupDNet, §3.2."""

    def __init__(self, settings: GroupdnetSettings, before: int, after: int, groups: int):
        super().__init__()
        middle = min(before, after)
        told, modulated = settings.num_classes * (1 + settings.instance_edges), settings.modulated(groups)
        widths = [before, middle] + [before] * (before != after)
        self.norms = nn.ModuleList(CgNorm(width, told, modulated) for width in widths)
        convs = (nn.Conv2d(a, b, 3, padding=1, groups=groups) for a, b in ((before, middle), (middle, after)))
        self.convs = nn.ModuleList(spectral(conv) for conv in convs)
        short = nn.Conv2d(before, after, 1, groups=groups, bias=False) if before != after else None
        self.shortcut = None if short is None else spectral(short)

    def forward(self, x: Tensor, layout: Tensor) -> Tensor:
        y = self.convs[0](F.leaky_relu(self.norms[0](x, layout), SLOPE))
        y = self.convs[1](F.leaky_relu(self.norms[1](y, layout), SLOPE))
        return y + (x if self.shortcut is None else self.shortcut(self.norms[2](x, layout)))


class GroupdnetGenerator(ImageGenerator):
    """GroupDNet's decoder: from the classes' codes to a picture, by convolutions in ever fewer groups.

    Source: Zhu et al. 2020, Semantically Multi-modal Image Synthesis, §3.2; widths and groups are its release's.
        Chapter: Many pictures from one layout.
    """

    def __init__(self, settings: GroupdnetSettings):
        super().__init__()
        s = self.settings = settings
        self.latents, self.noise_dim, self.takes_edges = s.latents, s.latents.length, s.instance_edges
        self.first = nn.Conv2d(s.num_classes * s.code, s.widths[0], 3, padding=1, groups=s.groups[0])
        shapes = zip(pairwise(s.widths), s.groups[1:], strict=True)
        self.blocks = nn.ModuleList(GroupBlock(s, before, after, groups) for (before, after), groups in shapes)
        self.last = nn.Conv2d(s.widths[-1], 3, 3, padding=1)
        initialise(self, "xavier")

    def _paint(self, layout: Tensor, z: Tensor | None, edges: Tensor | None) -> Tensor:
        levels = LayoutLevels(layout, self.settings.num_classes, edges, "dense")
        z = self.last.weight.new_zeros(len(layout), self.noise_dim) if z is None else z
        x = self.first(z.view(len(z), -1, *self.settings.first_size))
        for number, block in enumerate(self.blocks):
            x = upsample(x) if number else x
            x = block(x, self._told(levels.at(x.shape[2])).to(x.dtype))
        return self.last(F.leaky_relu(x, SLOPE))

    def _told(self, level: Any) -> Tensor:
        """The layout's channels as groups of classes need them: with edges, the edge beside each class."""
        soft: Tensor = level.soft_layout
        if not self.takes_edges:
            return soft
        classes, edge = soft[:, :-1], soft[:, -1:]
        return torch.stack([classes, edge.expand_as(classes)], 2).flatten(1, 2)


class GroupdnetEncoder(LatentEncoder):
    """Each class's part of a picture, stretched to the whole frame, to the distribution of that class's code.

    All convolutions have as many groups as there are classes, so a code is of its own class alone. It halves the size
    as often as the decoder doubles it.

    Source: Zhu et al. 2020, §3.2, and its release. There, the box of a class is looked for where pixels are not zero,
        which a grey one is too; here it is the layout's. Chapter: Many pictures from one layout.
    """

    def __init__(self, settings: GroupdnetSettings):
        super().__init__()
        s, c = settings, settings.num_classes
        self.settings = settings
        widths = [3 * c, *(s.encoder_width << min(i, 3) for i in range(s.doublings))]
        convs = (nn.Conv2d(a, b, 3, 2, 1, groups=c, bias=False) for a, b in pairwise(widths))
        self.convs = nn.ModuleList(spectral(conv) for conv in convs)
        self.mean, self.log_variance = (nn.Conv2d(widths[-1], c * s.code, 3, 1, 1, groups=c) for _ in range(2))
        initialise(self, "xavier")

    def forward(self, images: Tensor, layouts: Tensor) -> tuple[Tensor, Tensor]:
        """As `LatentEncoder` says. Raises ValueError for soft layouts, another size, and what are no pairs."""
        s = self.settings
        check_pairs(images, layouts)
        check_layout(layouts, s.num_classes, (s.height, s.width), "the encoder")
        crops, there = class_crops(images, layouts, s.num_classes)
        x = crops.flatten(1, 2)
        for conv in self.convs:
            x = F.leaky_relu(F.instance_norm(conv(x)), SLOPE)
        absent = ~there.repeat_interleave(s.latents.class_dim, 1)
        return tuple(head(x).float().flatten(1).masked_fill(absent, 0) for head in (self.mean, self.log_variance))  # type: ignore[return-value]

    def divergence(self, mean: Tensor, log_variance: Tensor, layouts: Tensor) -> Tensor:
        """A sum over all that is there, as in the release."""
        return kl_to_standard_normal(mean, log_variance)


def class_crops(images: Tensor, layouts: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """What a picture shows of each class: cut out by the class's box, other classes 0, stretched to the whole frame.

    Args:
        images: [B, 3, H, W]. layouts: integer [B, H, W]; labels that are no class are nowhere.
    Returns:
        crops [B, C, 3, H, W], by nearest pixels, all 0 for a class that is not there; and bool [B, C], who is there.
    Source: Zhu et al. 2020, §3.2. Chapter: Many pictures from one layout.
    """
    classes = torch.arange(num_classes, device=layouts.device).view(1, -1, 1, 1)
    mask = layouts.unsqueeze(1) == classes
    y, x = _stretched(mask.any(3)).unsqueeze(3), _stretched(mask.any(2)).unsqueeze(2)
    batch = torch.arange(len(layouts), device=layouts.device).view(-1, 1, 1, 1)
    own = layouts[batch, y, x] == classes
    crops = images[batch, :, y, x] * own.unsqueeze(-1)  # [B, C, H, W, 3]
    return crops.movedim(-1, 2), mask.flatten(2).any(2)


def _stretched(there: Tensor) -> Tensor:
    """Which row each row of a stretched box is: bool [B, C, H], true on the rows that a class has, to int64."""
    height = there.shape[2]
    first, last = there.int().argmax(2), height - 1 - there.flip(2).int().argmax(2)  # 0 and H - 1 where none is
    row = torch.arange(height, device=there.device)
    return first.unsqueeze(2) + row * (last - first + 1).unsqueeze(2) // height
