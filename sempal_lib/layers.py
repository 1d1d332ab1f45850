"""The few blocks that several models share."""

from math import ceil, gcd, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of every LeakyReLU of the progressive networks (the paper's figure says ReLU, its release 0.2)


class EqualizedConv2d(nn.Conv2d):
    """Convolution whose weights are N(0, 1) and are scaled by gain/√fan_in as they are used.

    Adam's step is then equally large, in relation, for every layer.

    Source: ProGAN (Karras et al. 2018), §4.1. Chapter: Progressive layouts, guided by a palette.
    """

    def __init__(self, *args, gain: float = sqrt(2), **kwargs):
        super().__init__(*args, **kwargs)
        self.scale = gain / sqrt(self.weight[0].numel())
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight * self.scale, self.bias)


class EqualizedLinear(nn.Linear):
    """Linear layer with N(0, 1) weights, scaled by gain/√fan_in as they are used. Source: ProGAN, §4.1."""

    def __init__(self, *args, gain: float = sqrt(2), **kwargs):
        super().__init__(*args, **kwargs)
        self.scale = gain / sqrt(self.in_features)
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias)


class PixelNorm(nn.Module):
    """Divide each pixel's feature vector by its root mean square.

    Args:
        root: False leaves the square root out, as the release of Semantic Palette does; its checkpoints need that.
    Source: ProGAN, §4.2. Chapter: Progressive layouts, guided by a palette.
    """

    def __init__(self, root: bool = True):
        super().__init__()
        self.root = root

    def forward(self, x: Tensor) -> Tensor:
        power = x.square().mean(dim=1, keepdim=True) + 1e-8
        return x * power.rsqrt() if self.root else x / power


class MinibatchDeviation(nn.Module):
    """Tell a discriminator how much the samples around one differ: one more channel.

    The standard deviation of each feature over a group of samples, averaged over features and pixels. Without it a
    generator that makes one layout a palette goes unnoticed.

    Args:
        group: samples that are compared, neighbours in the batch; a divisor of it is taken where it does not fit.
    Source: ProGAN (Karras et al. 2018), §3; groups of 4 are its release's.
    """

    def __init__(self, group: int = 4):
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] to [B, C + 1, H, W]."""
        group = gcd(len(x), self.group)
        deviation = (x.float().unflatten(0, (-1, group)).var(1, correction=0) + 1e-8).sqrt()
        channel = deviation.mean((1, 2, 3)).repeat_interleave(group).view(-1, 1, 1, 1)
        return torch.cat([x, channel.to(x.dtype).expand(-1, 1, *x.shape[2:])], 1)


def upsample(x: Tensor) -> Tensor:
    """Twice the height and width, each value repeated. [B, C, H, W] to [B, C, 2H, 2W]."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def blend(old: Tensor, new: Tensor, weight: float | Tensor) -> Tensor:
    """(1 - weight) old + weight new, for a number or a 0-dimensional tensor, in the precision of the two."""
    return old + (new - old) * weight


def gumbel_noise(shape: torch.Size | tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Gumbel(0, 1) noise on the generator's device, float32. Source: Jang et al. 2017, §2."""
    uniform = torch.rand(shape, generator=generator, device=generator.device)
    return -(-uniform.clamp(1e-10, 1 - 1e-7).log()).log()


def straight_through_gumbel(soft_layout: Tensor, noise: Tensor, temperature: float = 1.0) -> Tensor:
    """Sample one class a pixel; backwards, behave as the softmax that was sampled from.

    Args:
        soft_layout: probabilities m, [B, C, H, W], sums to 1 over C.
        noise: g, Gumbel(0, 1), of the same shape.
        temperature: τ > 0; the smaller, the harder the gradient.
    Returns:
        One-hot [B, C, H, W] with the gradient of softmax((ln m + g) / τ).
    Source: Jang et al. 2017, eq. 2; SB-GAN, §3.1; Semantic Palette, §3.2.
        Chapter: Progressive layouts, guided by a palette.
    """
    sample = ((soft_layout.float().clamp(min=1e-5).log() + noise) / temperature).softmax(1)
    hard = torch.zeros_like(sample).scatter_(1, sample.argmax(1, keepdim=True), 1.0)
    return hard + (sample - sample.detach())  # in this order the value stays exactly 0 or 1


def softening_kernel(height: int, released: bool = False) -> Tensor:
    """The Gaussian that softens real layouts at one resolution, [n, n], sums to 1.

    σ = height / 16, so that every resolution sees the same blur of the scene. Below 16 px that would blur nothing:
    there σ² is at least ½ px². The kernel reaches 2σ to each side.

    Args:
        height: of the layout, px.
        released: the release's kernel: a σ of max(height / 128, 2) px decides only its size, the variance is ½ px² at
            every resolution, and the centre lies one pixel towards the bottom right.
    Source: Semantic Palette, §3.2 ("a variance adapted to the image resolution"), without a number. The release names
        8 px at its full height, which for the paper's 128 px is a 16th, and computes with ½ px².
    """
    if released:
        limit = int(min(max(height / 128, 2.0) + 3, height - 1))
        variance, radius = 0.5, (limit if limit % 2 else limit - 1) // 2
    else:
        variance = max((height / 16) ** 2, 0.5)
        radius = ceil(2 * sqrt(variance))
    distance = torch.arange(-radius, radius + 1, dtype=torch.float32) - int(released)
    line = torch.exp(-distance.square() / (2 * variance))
    line = line / line.sum()
    return torch.outer(line, line)


def soften(layout: Tensor, kernel: Tensor, original: float = 0.5) -> Tensor:
    """Blur a one-hot layout and add it to itself, so that real layouts are as soft as generated ones.

    The weight of the original is at least half, so the true class stays on top at every pixel.

    Args:
        layout: one-hot, [B, C, H, W].
        kernel: from `softening_kernel`, [n, n] with n < 2 min(H, W).
        original: weight of the layout itself, 0.5 to 1; the rest is the blurred one's.
    Returns:
        [B, C, H, W]; sums over C as before.
    Source: Semantic Palette, §3.2. Chapter: Progressive layouts, guided by a palette.
    """
    if not 0.5 <= original <= 1:
        raise ValueError(f"original={original} lets a neighbour's class win a pixel: choose 0.5 to 1")
    channels, pad = layout.shape[1], kernel.shape[0] // 2
    # A Gaussian is separable: 2n multiplications a pixel in place of n².
    line = kernel.sum(0).to(layout)
    row = line.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    column = line.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    padded = F.pad(layout, (pad, pad, pad, pad), mode="reflect")
    blurred = F.conv2d(F.conv2d(padded, row, groups=channels), column, groups=channels)
    return original * layout + (1 - original) * blurred
