"""Blocks that are told a layout pixel by pixel, for generators of pictures and of layouts: SPADE."""

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

from sempal_lib.layers import SLOPE


class Level(Protocol):
    """A layout at one resolution, for the two convolutions of a SPADE."""

    def hidden(self, weight: Tensor, bias: Tensor) -> Tensor: ...
    def convolve(self, weight: Tensor, bias: Tensor) -> Tensor: ...
    def convolve_hidden(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor: ...


class DenseLevel:
    """A soft layout at one resolution, [B, C, H, W], for plain convolutions. Gradients reach it."""

    def __init__(self, soft_layout: Tensor):
        self.soft_layout = soft_layout

    def hidden(self, weight: Tensor, bias: Tensor) -> Tensor:
        """3×3 convolution: weights [O, C, 3, 3] to [B, O, H, W]."""
        return F.conv2d(self.soft_layout.to(weight.dtype), weight, bias, padding=1)

    convolve = hidden

    def convolve_hidden(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """3×3 convolution: weights [O, I, 3, 3], features [B, I, H, W] to [B, O, H, W]."""
        return F.conv2d(hidden, weight, bias, padding=1)


class SpadeBlock(nn.Module):
    """Residual block whose normalisations are modulated by the layout: SPADE.

    Each of its two or three SPADEs has a 3×3 convolution from the layout to `hidden` channels, ReLU, and one from
    there to γ and β, after which x becomes x̄ (1 + γ) + β, x̄ normalised over the batch. The first ones are kept as
    one convolution. The first and the shortcut's normalise the same x, which is done once.

    Source: Park et al. 2019, §3, eq. 1 and 2, figs. 2 and 4; the details are its release's.
        Chapter: Painting by layout.
    """

    def __init__(self, before: int, after: int, layout_channels: int, hidden: int, gain: float | None = 0.02):
        super().__init__()
        middle = min(before, after)
        widths = [before, middle] + ([before] if before != after else [])
        self.shared = nn.Conv2d(layout_channels, len(widths) * hidden, 3, padding=1)
        self.modulations = nn.ModuleList(nn.Conv2d(hidden, 2 * width, 3, padding=1) for width in widths)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, affine=False) for width in widths[:2])
        convs = nn.Conv2d(before, middle, 3, padding=1), nn.Conv2d(middle, after, 3, padding=1)
        self.convs = nn.ModuleList(spectral(conv, gain) for conv in convs)
        self.shortcut = spectral(nn.Conv2d(before, after, 1, bias=False), gain) if before != after else None

    def initialise(self) -> None:
        """As if each SPADE had its own two convolutions for γ and β: Xavier's fan-outs are theirs."""
        modulations: Any = self.modulations
        hidden = self.shared.out_channels // len(modulations)
        for conv, size in [(self.shared, hidden), *((m, m.out_channels // 2) for m in modulations)]:
            for part in conv.weight.data.split(size):
                nn.init.xavier_normal_(part, gain=0.02)

    def forward(self, x: Tensor, level: Level) -> Tensor:
        """x [B, channels in, H, W] and the layout at that size to [B, channels out, H, W]."""
        shared: Any = self.shared
        hidden = level.hidden(shared.weight, shared.bias).relu().chunk(len(self.modulations), 1)

        def modulate(normalised: Tensor, number: int) -> Tensor:
            conv: Any = self.modulations[number]
            gamma, beta = level.convolve_hidden(hidden[number], conv.weight, conv.bias).chunk(2, 1)
            return torch.addcmul(normalised + beta, normalised, gamma)

        normalised = self.norms[0](x)
        if self.shortcut is not None:
            x = self.shortcut(modulate(normalised, 2))
        y = self.convs[0](F.leaky_relu(modulate(normalised, 0), SLOPE))
        return x + self.convs[1](F.leaky_relu(modulate(self.norms[1](y), 1), SLOPE))


def spectral(conv: nn.Conv2d, gain: float | None = 0.02) -> nn.Conv2d:
    """A convolution with spectral norm. Its weights are drawn here, for the norm's singular vectors must fit them.

    Args:
        gain: of Xavier's normal weights, with biases of 0; None leaves what PyTorch has drawn.
    Source: Miyato et al. 2018, algorithm 1.
    """
    if gain is not None:
        nn.init.xavier_normal_(conv.weight, gain=gain)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
    return spectral_norm(conv)  # type: ignore[return-value]


def track_spectral_norms(module: nn.Module) -> None:
    """One power iteration of every spectral norm, from where it stands. For weights that something else has moved.

    Source: Miyato et al. 2018, algorithm 1.
    """
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Conv2d) and is_parametrized(part, "weight"):
                weights: Any = part.parametrizations.weight  # type: ignore[union-attr]
                matrix, norm = weights.original.flatten(1), weights[0]
                norm._v.copy_(F.normalize(matrix.T @ norm._u, dim=0))
                norm._u.copy_(F.normalize(matrix @ norm._v, dim=0))
