"""SEAN: GauGAN's generator, told at each pixel the style that its class has in some picture."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.checks import check_pairs
from sempal_lib.image_gans.clvae import known_labels, pool_by_class
from sempal_lib.image_gans.interface import ImageGenerator, LatentEncoder, initialise
from sempal_lib.image_gans.latents import Latents
from sempal_lib.image_gans.layout_levels import LayoutLevels, distinct, lookup_sum, neighbours
from sempal_lib.image_gans.spade import SpadeSettings
from sempal_lib.layers import SLOPE, upsample
from sempal_lib.spade_layers import Level, spectral


@dataclass(frozen=True)
class SeanSettings(SpadeSettings):
    """What SEAN is built from. The defaults are the paper's network at 256×256 px."""

    style_dim: int = 512  # S, length of a class's style

    def __post_init__(self):
        super().__post_init__()
        if self.use_vae or self.instance_edges:
            raise ValueError("SEAN's codes are no VAE's, and it looks at no edges: leave both switched off")

    @property
    def noise_sizes(self) -> list[list[int]]:
        """Pixels of noise of each normalisation, block by block."""
        (height, width), found = self.first_size, []
        for before, after, doubled in self.blocks:
            height, width = height << doubled, width << doubled
            found.append([height * width] * (2 + (before != after)))
        return found

    @property
    def latents(self) -> Latents:
        """The parts of z: layer 1 is the noise of all pixels, layer 2 the style of each class."""
        return Latents(sum(map(sum, self.noise_sizes)), 1, self.num_classes, self.style_dim)


class Regions:
    """Where the classes are, at the resolutions of a network: for convolutions over a map of their styles.

    Such a map has few different vectors. Products with a kernel's taps are taken once a class, not once a pixel, and
    each pixel adds up nine of them; or each different neighbourhood does, of which a layout has few.

    Args:
        labels: [B, H, W], 0 to C; C itself is no class, and has no style.
        coded: sums are taken once a neighbourhood; finding those waits for the device.
    """

    def __init__(self, labels: Tensor, num_classes: int, coded: bool):
        self.labels, self.num_classes, self.coded = labels, num_classes, coded
        self._around: dict[int, tuple[Tensor, Tensor | None]] = {}

    def convolve(self, styles: Tensor, height: int, weight: Tensor, bias: Tensor) -> Tensor:
        """3×3 convolution over the styles [B, C, S] spread to their regions: weights [O, S, 3, 3] to [B, O, h, w]."""
        step = self.labels.shape[1] // height
        labels = self.labels[:, ::step, ::step]
        if height not in self._around:
            self._around[height] = self._found(labels)
        around, place = self._around[height]
        rows = F.pad(styles, (0, 0, 0, 1)).flatten(0, 1)  # one of zeros for no class, [B · (C + 1), S]
        table = torch.matmul(rows, weight.permute(2, 3, 1, 0).flatten(0, 1).to(rows.dtype))  # [9, B · (C + 1), O]
        sums = lookup_sum(around, table.flatten(0, 1)) + bias
        spread = sums if place is None else F.embedding(place, sums)
        return spread.view(*labels.shape, -1).movedim(-1, 1)

    def _found(self, labels: Tensor) -> tuple[Tensor, Tensor | None]:
        """Rows of the table that the nine pixels around one refer to, [N, 9], and for each pixel which of the N."""
        scenes = torch.arange(len(labels), device=labels.device).view(-1, 1, 1) * (self.num_classes + 1)
        around = neighbours(labels + scenes, self.num_classes)  # outside is as no class of the first scene
        around, place = distinct(around) if self.coded else (around, None)
        taps = torch.arange(9, device=labels.device) * (len(labels) * (self.num_classes + 1))
        return around + taps, place


class SeanNorm(nn.Module):
    """Semantic region-adaptive normalisation: γ and β are mixed from those of the layout and those of the styles.

    Noise is added to x before, by a share of each channel that begins at 0. Each class turns its style by a linear
    map of its own; all of a layer's are one batched product.

    Args:
        styled: without it γ and β are the layout's alone.
    Source: Zhu et al. 2020 (SEAN), §3.2, eq. 1 to 3, fig. 3; noise and sizes are its release's.
        Chapter: Editing faces.
    """

    def __init__(self, channels: int, settings: SeanSettings, styled: bool):
        super().__init__()
        classes, size = settings.num_classes, settings.style_dim
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.noise_scale = nn.Parameter(torch.zeros(channels, 1, 1))
        self.shared = nn.Conv2d(classes, settings.hidden, 3, padding=1)
        self.of_layout = nn.Conv2d(settings.hidden, 2 * channels, 3, padding=1)
        self.of_style = nn.Conv2d(size, 2 * channels, 3, padding=1) if styled else None
        if styled:
            self.maps = nn.Parameter(torch.empty(classes, size, size))  # of each class: in, out
            self.offsets = nn.Parameter(torch.zeros(classes, 1, size))
            self.blend = nn.Parameter(torch.zeros(2))  # of γ and of β, before the sigmoid

    def initialise(self) -> None:
        """As if each class had a linear layer, and γ and β convolutions of their own: Xavier's fan-outs are theirs."""
        convs: list[Any] = [self.of_layout, *([] if self.of_style is None else [self.of_style])]
        parts = [part for conv in convs for part in conv.weight.data.chunk(2)]
        for part in parts + ([] if self.of_style is None else list(self.maps.data)):
            nn.init.xavier_normal_(part, gain=0.02)

    def styles(self, codes: Tensor) -> Tensor:
        """Each class's style, turned by its own map: [B, C, S] to [B, C, S]."""
        return torch.baddbmm(self.offsets, codes.transpose(0, 1), self.maps).relu().transpose(0, 1)

    def forward(self, x: Tensor, noise: Tensor, level: Level, regions: Regions, codes: Tensor) -> Tensor:
        """x [B, F, h, w], noise [B, 1, h, w], the layout at that size, and the styles [B, C, S] to [B, F, h, w]."""
        shared, layout = self.shared, self.of_layout
        hidden = level.hidden(shared.weight, shared.bias).relu()  # type: ignore[arg-type]
        told = level.convolve_hidden(hidden, layout.weight, layout.bias)  # type: ignore[arg-type]
        if self.of_style is not None:
            weight, bias = self.of_style.weight, self.of_style.bias
            own = regions.convolve(self.styles(codes), x.shape[2], weight, bias)  # type: ignore[arg-type]
            share = self.blend.sigmoid().repeat_interleave(x.shape[1]).view(1, -1, 1, 1)
            told = told + (own - told) * share
        gamma, beta = told.chunk(2, 1)
        x = self.norm(x + noise * self.noise_scale)
        return torch.addcmul(x + beta, x, gamma)


class SeanBlock(nn.Module):
    """GauGAN's residual block with SEAN's normalisations. Source: SEAN, fig. 4."""

    def __init__(self, settings: SeanSettings, before: int, after: int, styled: bool):
        super().__init__()
        middle = min(before, after)
        widths = [before, middle] + [before] * (before != after)
        self.norms = nn.ModuleList(SeanNorm(width, settings, styled) for width in widths)
        convs = nn.Conv2d(before, middle, 3, padding=1), nn.Conv2d(middle, after, 3, padding=1)
        self.convs = nn.ModuleList(spectral(conv) for conv in convs)
        self.shortcut = spectral(nn.Conv2d(before, after, 1, bias=False)) if before != after else None

    def forward(self, x: Tensor, noise: Tensor, level: Level, regions: Regions, codes: Tensor) -> Tensor:
        """noise: [B, 2 or 3, h, w], a channel for each normalisation."""
        given = level, regions, codes
        parts = noise.split(1, 1)
        y = self.convs[0](F.leaky_relu(self.norms[0](x, parts[0], *given), SLOPE))
        y = self.convs[1](F.leaky_relu(self.norms[1](y, parts[1], *given), SLOPE))
        return y + (x if self.shortcut is None else self.shortcut(self.norms[2](x, parts[2], *given)))


class SeanGenerator(ImageGenerator):
    """SEAN's generator. z is the noise of all pixels and the styles of the classes, which `StyleEncoder` finds.

    The last block is told the layout alone. Styles of classes that a layout does not show change nothing.

    Source: Zhu et al. 2020, SEAN: Image Synthesis with Semantic Region-Adaptive Normalization, §3; the plain last
        block is its release's. Chapter: Editing faces.
    """

    settings: SeanSettings
    latents: Latents

    def __init__(self, settings: SeanSettings):
        super().__init__()
        s = self.settings = settings
        self.method = "auto"
        self.latents, self.noise_dim = s.latents, s.latents.length
        last = len(s.blocks) - 1
        self.first = nn.Conv2d(s.num_classes, s.blocks[0][0], 3, padding=1)
        self.blocks = nn.ModuleList(SeanBlock(s, a, b, number != last) for number, (a, b, _) in enumerate(s.blocks))
        self.last = nn.Conv2d(s.blocks[-1][1], 3, 3, padding=1)
        initialise(self, "xavier")
        for part in self.modules():
            if isinstance(part, SeanNorm):
                part.initialise()

    def _paint(self, layout: Tensor, z: Tensor | None, edges: Tensor | None) -> Tensor:
        s = self.settings
        if layout.is_floating_point():
            raise ValueError("layout is soft, but styles belong to whole classes: take argmax(1)")
        levels = LayoutLevels(layout, s.num_classes, None, self.method)
        regions = Regions(known_labels(layout, s.num_classes), s.num_classes, levels.coded)
        z = self.last.weight.new_zeros(len(layout), self.noise_dim) if z is None else z
        parts = self.latents.split(z)
        codes, noises = parts["layers"][:, 0], parts["global"].split([sum(sizes) for sizes in s.noise_sizes], 1)
        first: Any = self.first
        x = levels.at(s.first_size[0]).convolve(first.weight, first.bias)
        for block, noise, (_, _, doubled) in zip(self.blocks, noises, s.blocks, strict=True):
            x = upsample(x) if doubled else x
            x = block(x, noise.view(len(x), -1, *x.shape[2:]), levels.at(x.shape[2]), regions, codes)
        return self.last(F.leaky_relu(x, SLOPE))


class StyleEncoder(LatentEncoder):
    """Pictures and their layouts to the style of each class: the mean of its features over the class's region.

    It finds one style, no distribution: its log-variance is -∞. The noise of pixels is the standard normal's.

    Source: Zhu et al. 2020 (SEAN), §3.1, fig. 4; the sizes are its release's. Chapter: Editing faces.
    """

    def __init__(self, settings: SeanSettings):
        super().__init__()
        s, first = settings, max(settings.ngf // 2, 1)
        self.settings = s
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(3, first, 3, padding=1, padding_mode="reflect"),
                nn.Conv2d(first, 2 * first, 3, stride=2, padding=1),
                nn.Conv2d(2 * first, 4 * first, 3, stride=2, padding=1),
                nn.ConvTranspose2d(4 * first, 8 * first, 3, stride=2, padding=1, output_padding=1),
            ]
        )
        self.last = nn.Conv2d(8 * first, s.style_dim, 3, padding=1, padding_mode="reflect")
        initialise(self, "xavier")

    def forward(self, images: Tensor, layouts: Tensor) -> tuple[Tensor, Tensor]:
        """As `LatentEncoder` says. Raises ValueError for soft layouts, and for what are no pairs."""
        check_pairs(images, layouts)
        s, x = self.settings, images
        for conv in self.convs:
            x = F.leaky_relu(F.instance_norm(conv(x)), SLOPE)
        features = self.last(x).float().tanh()  # half the picture's size
        labels = known_labels(layouts, s.num_classes)[:, ::2, ::2]
        codes = pool_by_class(features, labels, s.num_classes, "mean")[0].flatten(1)
        noise = codes.new_zeros(len(codes), s.latents.global_dim)
        certain = torch.full_like(codes, -torch.inf)
        return torch.cat([noise, codes], 1), torch.cat([noise, certain], 1)

    def divergence(self, mean: Tensor, log_variance: Tensor, layouts: Tensor) -> Tensor:
        """0: SEAN has no such term."""
        return mean.new_zeros(())
