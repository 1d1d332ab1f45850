"""SemGAN: noise in, a distribution over the classes at each pixel out; and its twin, which paints colours."""

from dataclasses import asdict, dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from sempal_lib.checks import check_finite, check_noise, check_whole

FIRST_HEIGHT = 4
SLOPE = 0.3  # of every LeakyReLU


@dataclass(frozen=True)
class SemganSettings:
    """What SemGAN is built from. Its paper gives kernel size and latent size; depth and widths are ours."""

    num_classes: int  # K
    height: int = 64  # px; the width is the same
    output: str = "classes"  # or "rgb": the twin, which paints the classes' colours
    latent_dim: int = 100  # length of the noise
    kernel_size: int = 11  # px, odd, of every convolution
    max_channels: int = 256  # at 4 px; they halve with each resolution
    min_channels: int = 32  # and have at least so many

    def __post_init__(self):
        stages = self.height // FIRST_HEIGHT
        if self.height % FIRST_HEIGHT or stages < 2 or stages & (stages - 1):
            raise ValueError(f"height={self.height} px: choose 4 times a power of two (8, 16, 32, 64, …)")
        if self.output not in ("classes", "rgb"):
            raise ValueError(f"output={self.output!r}: choose 'classes' or 'rgb'")
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size={self.kernel_size} is even: choose an odd one")

    @property
    def channels(self) -> list[int]:
        """Channels at 4, 8, … `height` px."""
        stages = (self.height // FIRST_HEIGHT).bit_length()
        return [max(self.min_channels, self.max_channels >> stage) for stage in range(stages)]

    @property
    def out_channels(self) -> int:
        return self.num_classes if self.output == "classes" else 3

    def as_dict(self) -> dict:
        return asdict(self)


class SemganGenerator(nn.Module):
    """Noise to soft layouts, or to pictures: a dense layer, then transposed convolutions that double the size.

    The last layer's softmax over the classes is SemGAN; tanh and three channels are the GAN that it is held against.
    All else is the same in both.

    Source: SemGAN, §3.2, eq. 2, fig. 1. Chapter: Pixels that are classes.
    """

    def __init__(self, settings: SemganSettings):
        super().__init__()
        self.settings = settings
        widths, k = settings.channels, settings.kernel_size
        self.linear = nn.Linear(settings.latent_dim, widths[0] * FIRST_HEIGHT**2, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(w) for w in widths)
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(a, b, k, stride=2, padding=k // 2, output_padding=1, bias=False)
            for a, b in pairwise(widths)
        )
        self.last = nn.Conv2d(widths[-1], settings.out_channels, k, padding=k // 2)
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, z: Tensor) -> Tensor:
        """What the discriminator sees.

        Args:
            z: noise, [B, Z], standard normal.
        Returns:
            float32 [B, K, H, W], sums to 1 over K; of the twin float32 [B, 3, H, W] in [-1, 1].
        """
        x = self.linear(z).unflatten(1, (-1, FIRST_HEIGHT, FIRST_HEIGHT))
        x = self.activation(self.norms[0](x))
        for conv, norm in zip(self.convs, self.norms[1:], strict=True):
            x = self.activation(norm(conv(x)))
        x = self.last(x).float()
        return x.softmax(1) if self.settings.output == "classes" else x.tanh()

    @torch.no_grad()
    def generate(self, z: Tensor, batch_size: int = 64) -> Tensor:
        """Samples as they are looked at: hard layouts int64 [B, H, W], of the twin pictures [B, 3, H, W] in [-1, 1].

        Raises ValueError for noise of another length or not finite.
        """
        check_noise(z, self.settings.latent_dim)
        check_whole(batch_size, "batch_size", 1)
        made = [self(noise) for noise in z.split(batch_size)]
        for x in made:
            check_finite(x, "samples", "the weights or z are not finite either, take an earlier checkpoint")
        return torch.cat([x.argmax(1) if self.settings.output == "classes" else x for x in made])


class SemganDiscriminator(nn.Module):
    """Tells real samples from generated ones: convolutions that halve the size, then a dense layer.

    Source: SemGAN, §3.2, fig. 2. Chapter: Pixels that are classes.
    """

    def __init__(self, settings: SemganSettings):
        super().__init__()
        widths, k = settings.channels[::-1], settings.kernel_size
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, k, stride=2, padding=k // 2) for a, b in pairwise([settings.out_channels, *widths[1:]])
        )
        self.linear = nn.Linear(widths[-1] * FIRST_HEIGHT**2, 1)
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Samples [B, K or 3, H, W] to logits [B], higher for real ones, and the features of every layer."""
        features = []
        for conv in self.convs:
            x = self.activation(conv(x))
            features.append(x)
        return self.linear(x.flatten(1)).squeeze(1), features
