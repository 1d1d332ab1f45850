"""The progressive trunk: what every progressive layout GAN of the book shares.

Resolutions are called stages: stage 0 is 4 pixels high, each next one twice that. A stage first fades in, then holds.
"""

from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from sempal_lib.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    MinibatchDeviation,
    PixelNorm,
    blend,
    leaky,
)

FIRST_HEIGHT = 4
EMBEDDING = 8  # channels, in which a discriminator that is told the palette sees it


@dataclass(frozen=True)
class GeneratorSettings:
    """What a layout generator is built from. The defaults are the paper's network.

    The switches below `max_channels` exist for the ablation (Semantic Palette, Table 4).
    """

    num_classes: int  # C
    height: int = 128  # px, of the last stage: 4 times a power of two
    width: int = 256  # px, of the last stage
    latent_dim: int = 512  # Z, length of the noise vector
    max_channels: int = 512  # of any block
    channel_base: int = 4096  # a block has at most channel_base / 2^stage channels: they halve from 64 px on
    palette_input: bool = True  # the palette is concatenated to the noise
    activation: str = "saa"  # "softmax" over classes does not see the palette; "none" is for pictures
    fusion: bool = True  # residual conditional fusion before each upsampling
    iterations: int = 1  # of the activation; 1 is the paper's
    palette_judge: bool = False  # the discriminator is told the palette too: baseline 2
    released: bool = False  # the quirks of the authors' release, which its checkpoints need

    def __post_init__(self):
        stages = self.height // FIRST_HEIGHT
        if self.height % FIRST_HEIGHT or stages & (stages - 1):
            raise ValueError(f"height={self.height} px: choose 4 times a power of two (4, 8, 16, 32, …)")
        if self.width % stages or self.first_width < FIRST_HEIGHT:
            raise ValueError(
                f"width={self.width} px does not fit height={self.height} px: choose a multiple of {stages}, "
                f"at least {self.height}"
            )
        if self.activation not in ("saa", "softmax", "none"):
            raise ValueError(f"activation={self.activation!r}: choose 'saa', 'softmax' or 'none'")

    @property
    def num_stages(self) -> int:
        return (self.height // FIRST_HEIGHT).bit_length()

    @property
    def first_width(self) -> int:
        return self.width * FIRST_HEIGHT // self.height

    def size(self, stage: int) -> tuple[int, int]:
        """Height and width of a stage, px."""
        return FIRST_HEIGHT << stage, self.first_width << stage

    def channels(self, stage: int) -> int:
        """Channels that the block of a stage puts out."""
        return max(1, min(self.max_channels, self.channel_base >> stage))

    def with_(self, **changes) -> "GeneratorSettings":
        return replace(self, **changes)

    def as_dict(self) -> dict:
        return asdict(self)


class TrunkBlock(nn.Module):
    """One stage of the generator: (upsample,) two 3×3 convolutions, each followed by LeakyReLU and pixel norm."""

    def __init__(self, in_channels: int, out_channels: int, pixel_norm: PixelNorm):
        super().__init__()
        self.conv1 = EqualizedConv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = EqualizedConv2d(out_channels, out_channels, 3, padding=1)
        self.norm = pixel_norm

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, in, H, W] to [B, out, 2H, 2W]."""
        x = self.norm(leaky(self.conv1.doubled(x)))
        return self.norm(leaky(self.conv2(x)))


class FirstBlock(nn.Module):
    """Stage 0: the input vector becomes a map of 4 px height."""

    def __init__(self, in_features: int, out_channels: int, first_width: int, pixel_norm: PixelNorm):
        super().__init__()
        self.shape = (out_channels, FIRST_HEIGHT, first_width)
        self.linear = EqualizedLinear(in_features, out_channels * FIRST_HEIGHT * first_width, gain=2**0.5 / 4)
        self.conv2 = EqualizedConv2d(out_channels, out_channels, 3, padding=1)
        self.norm = pixel_norm

    def forward(self, x: Tensor) -> Tensor:
        """Input vectors [B, in] to features [B, out, 4, first_width]."""
        x = self.linear(self.norm(x)).unflatten(1, self.shape)
        x = self.norm(leaky(x))
        return self.norm(leaky(self.conv2(x)))


class DiscriminatorBlock(nn.Module):
    """One stage of the discriminator: two 3×3 convolutions, then half the height and width."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv1 = EqualizedConv2d(in_channels, in_channels, 3, padding=1)
        self.conv2 = EqualizedConv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = leaky(self.conv1(x))
        return avg_pool2d(leaky(self.conv2(x)), 2)


class LastBlock(nn.Module):
    """The end of the discriminator: a map of 4 px height becomes one score."""

    def __init__(self, channels: int, first_width: int, deviation: bool):
        super().__init__()
        stride = first_width // FIRST_HEIGHT
        self.deviation = MinibatchDeviation() if deviation else None
        self.conv1 = EqualizedConv2d(channels + deviation, channels, 3, padding=1, stride=(1, stride))
        width = (first_width - 1) // stride + 1
        self.conv2 = EqualizedConv2d(channels, channels, (FIRST_HEIGHT, width))
        self.linear = EqualizedLinear(channels, 1)

    def forward(self, x: Tensor, batches: int) -> Tensor:
        x = leaky(self.conv1(x if self.deviation is None else self.deviation(x, batches)))
        return self.linear(leaky(self.conv2(x)).flatten(1)).squeeze(1)


class LayoutDiscriminator(nn.Module):
    """Tells real layouts from generated ones at every stage; sees the layout alone, or with the palette asked for.

    With `palette_judge` the palette, embedded in 8 numbers, is laid beside every pixel (baseline 2).

    Source: Semantic Palette, fig. 2 and §5.1; ProGAN, Table 2, mirrored from the generator.
    Chapter: Progressive layouts, guided by a palette.
    """

    def __init__(self, settings: GeneratorSettings):
        super().__init__()
        self.settings = settings
        widths = [settings.channels(stage) for stage in range(settings.num_stages)]
        inputs = settings.num_classes + EMBEDDING * settings.palette_judge
        self.from_mask = nn.ModuleList(EqualizedConv2d(inputs, w, 1, gain=1.0) for w in widths)
        self.blocks = nn.ModuleList(DiscriminatorBlock(widths[s], widths[s - 1]) for s in range(1, settings.num_stages))
        self.last = LastBlock(widths[0], settings.first_width, deviation=not settings.released)
        self.embed = EqualizedLinear(settings.num_classes, EMBEDDING) if settings.palette_judge else None

    def _features(self, soft_layout: Tensor, palette: Tensor | None, stage: int) -> Tensor:
        if self.embed is not None and palette is not None:
            beside = self.embed(palette)[:, :, None, None].expand(-1, -1, *soft_layout.shape[2:])
            soft_layout = torch.cat([soft_layout, beside], 1)
        return leaky(self.from_mask[stage](soft_layout))

    def forward(
        self,
        soft_layout: Tensor,
        stage: int | None = None,
        fade: float | Tensor = 1.0,
        palette: Tensor | None = None,
        batches: int = 1,
    ) -> Tensor:
        """Scores of layouts, higher for real ones.

        Args:
            soft_layout: [B, C, H, W] of the stage's size.
            stage: 0 to num_stages - 1; None is the last.
            fade: α in [0, 1], weight of the newest block against its bypass; 1 leaves the bypass out.
            palette: [B, C], which the layout should have; only seen with `palette_judge`.
            batches: how many of equal length these layouts are, one after the other: real and generated ones, say.
                Samples are compared within one only.
        Returns:
            [B].
        """
        stage = self.settings.num_stages - 1 if stage is None else stage
        x = self._features(soft_layout, palette, stage)
        for s in range(stage, 0, -1):
            x = self.blocks[s - 1](x)
            if s == stage and not (isinstance(fade, float) and fade >= 1):
                x = blend(self._features(avg_pool2d(soft_layout, 2), palette, stage - 1), x, fade)
        return self.last(x, batches)
