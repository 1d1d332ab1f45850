"""CLVAE: GauGAN's VAE with a code for each class at each layer, beside the one of the whole picture."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.checks import check_pairs
from sempal_lib.image_gans.latents import Latents
from sempal_lib.image_gans.layout_levels import LayoutLevels
from sempal_lib.image_gans.spade import ImageEncoder, SpadeGenerator, SpadeSettings
from sempal_lib.labels import known_labels
from sempal_lib.layers import SLOPE
from sempal_lib.spade_layers import DenseLevel, Level


@dataclass(frozen=True)
class ClvaeSettings(SpadeSettings):
    """What CLVAE is built from. The defaults are the paper's network at 256×256 px.

    Layer 1 is the global code z₁, from which the first map is made. The residual blocks that follow have the layers
    2, 3, 3, 4, …: the second block of the middle has the code of the first, and the last block sees the plain layout.
    So 5 doublings (seven blocks) have layers up to 6, 3 doublings up to 5. With fewer layers the finest stay, whose
    encoder maps are the first ones; coarser blocks then see the plain layout, and the encoder is as many blocks deep.
    """

    use_vae: bool = True
    layers: int = 6  # L, with the global one; 1: no class has a code, as in GauGAN's VAE
    class_dim: int | None = None  # N, length of one code of a class; None: as many as there are classes
    class_wise: bool = True  # else all classes share one code a layer
    layer_wise: bool = True  # else classes have a code at the middle layer only

    def __post_init__(self):
        super().__post_init__()
        if not self.use_vae or self.instance_edges:
            raise ValueError("CLVAE has an encoder and looks at no edges: leave use_vae and instance_edges as they are")
        if not 1 <= self.layers <= self.most_layers:
            raise ValueError(
                f"layers={self.layers}: with {self.doublings} doublings choose 1 to {self.most_layers}, or change them"
            )
        if self.encoder_size >> self.layers < 4:
            raise ValueError(f"encoder_size={self.encoder_size} px: {self.layers} layers want {4 << self.layers} px")

    @property
    def most_layers(self) -> int:
        return len(self.blocks) - 1

    @property
    def code_dim(self) -> int:
        """N."""
        return self.class_dim or self.num_classes

    @property
    def coded_layers(self) -> list[int]:
        """Layers at which classes have codes, coarsest first."""
        every = list(range(2, self.layers + 1))
        return every if self.layer_wise else every[(len(every) - 1) // 2 :][:1]

    @property
    def place_of_block(self) -> list[int | None]:
        """For each block which of `coded_layers` it is told, counted from 0; None: it sees the plain layout."""
        missing, coded = self.most_layers - self.layers, self.coded_layers
        layers = [layer - missing for layer in (2, 3, *range(3, self.most_layers + 1))]
        places = [coded.index(layer) if layer in coded else None for layer in layers]
        return [*places, None]

    @property
    def told(self) -> list[int]:
        return [self.num_classes if place is None else self.code_dim for place in self.place_of_block]

    @property
    def encoder_blocks(self) -> int:
        return self.layers

    @property
    def latents(self) -> Latents:
        """The parts of z."""
        codes = self.num_classes if self.class_wise else 1
        return Latents(self.latent_dim, len(self.coded_layers), codes, self.code_dim)


def embed_semantics(labels: Tensor, codes: Tensor, table: Tensor) -> Tensor:
    """Class-wise semantics embedding, CSE: at each pixel its class's code plus its class's row of a table.

    Args:
        labels: [B, H, W], 0 to C; C itself is no class, and gets zeros.
        codes: z_l of one layer, [B, C, N]. table: W, [C, N].
    Returns:
        s(M, z), [B, N, H, W]: the two products with one-hot layouts, as one look-up.
    Source: CLVAE, eq. 12. Chapter: Many pictures from one layout.
    """
    rows = F.pad(codes + table, (0, 0, 0, 1)).flatten(0, 1)
    first = torch.arange(len(labels), device=labels.device).view(-1, 1, 1) * (len(table) + 1)
    return F.embedding(labels + first, rows).movedim(-1, 1)


def pool_by_class(features: Tensor, labels: Tensor, num_classes: int, reduce: str = "amax") -> tuple[Tensor, Tensor]:
    """The greatest value of each channel over the pixels of each class: RoI pooling r.

    Args:
        features: H, [B, F, h, w]. labels: [B, h, w], 0 to C; C itself is no class.
        reduce: "mean" takes the mean value, as SEAN does.
    Returns:
        H' [B, C, F], 0 where a layout does not show the class; and where it does, bool [B, C].
    Source: CLVAE, eq. 16 and 17. Chapter: Many pictures from one layout.
    """
    batch, channels = features.shape[:2]
    places, shape = labels.flatten(1), (batch, channels, num_classes + 1)
    found = features.new_zeros(shape).scatter_reduce(
        2, places.unsqueeze(1).expand(-1, channels, -1), features.flatten(2), reduce, include_self=False
    )
    return found[..., :num_classes].mT, classes_in(labels, num_classes)


def classes_in(labels: Tensor, num_classes: int) -> Tensor:
    """Which classes layouts show: labels [B, h, w], 0 to C, to bool [B, C]; C itself is no class."""
    seen = torch.zeros(len(labels), num_classes + 1, dtype=torch.bool, device=labels.device)
    return seen.scatter(1, labels.flatten(1), True)[:, :num_classes]


class ClvaeGenerator(SpadeGenerator):
    """GauGAN's generator, whose blocks are told codes of the classes, spread over the layout, in place of the layout.

    One table W serves all layers.

    Source: CLVAE, §3.2.1, eq. 10; which block has which layer's code is its release's.
        Chapter: Many pictures from one layout.
    """

    settings: ClvaeSettings
    latents: Latents

    def __init__(self, settings: ClvaeSettings):
        super().__init__(settings)
        self.latents = settings.latents
        self.noise_dim = self.latents.length
        if self.latents.layers:
            self.embedding = nn.Embedding(settings.num_classes, settings.code_dim)

    def _paint(self, layout: Tensor, z: Tensor | None, edges: Tensor | None) -> Tensor:
        s = self.settings
        if layout.is_floating_point():
            raise ValueError("layout is soft, but codes belong to whole classes: take argmax(1)")
        levels = LayoutLevels(layout, s.num_classes, None, self.method)
        labels = known_labels(layout, s.num_classes)
        z = self.last.weight.new_zeros(len(layout), self.noise_dim) if z is None else z
        parts = self.latents.split(z)

        def level(number: int, height: int) -> Level:
            place, step = s.place_of_block[number], s.height // height
            if place is None:
                return levels.at(height)
            codes, table = parts["layers"][:, place], self.embedding.weight
            return DenseLevel(embed_semantics(labels[:, ::step, ::step], codes, table))

        return self._through_blocks(self._first_map(parts["global"]), level)


class ClvaeEncoder(ImageEncoder):
    """Pictures and layouts to the distributions of z₁ and of each class's code at each layer.

    Its blocks are GauGAN's. Of each one's map the classes are pooled, and two linear maps that all classes share make
    a code's mean and log-variance. A class that a map is too coarse to show has 0 and 0 there, as one that is absent.

    Source: CLVAE, §3.2.2, eq. 13 to 17; the sizes are its release's. Chapter: Many pictures from one layout.
    """

    settings: ClvaeSettings

    def __init__(self, settings: ClvaeSettings):
        super().__init__(settings)
        s, widths = settings, self.widths
        self.blocks_used = [s.layers - layer for layer in s.coded_layers]  # e_(L - l + 1), counted from 0
        self.heads = nn.ModuleList(nn.Linear(widths[n + 1], 2 * s.code_dim) for n in self.blocks_used)
        for head in self.heads:
            for part in head.weight.data.split(s.code_dim):  # type: ignore[operator]
                nn.init.xavier_normal_(part, gain=0.02)
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def forward(  # type: ignore[override]
        self, images: Tensor, layouts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `LatentEncoder` says: [B, N₁ + (L - 1) C N] each, layer by layer, class by class.

        Raises ValueError for soft layouts, and for pictures and layouts that are no pairs.
        """
        check_pairs(images, layouts)
        maps, labels = self._maps(images), self._labels(layouts)
        means, log_variances = ([x] for x in self._of_last(maps[-1]))
        for number, head in zip(self.blocks_used, self.heads, strict=True):
            step = 2 ** (number + 1)
            pooled, shown = pool_by_class(maps[number], labels[:, ::step, ::step], self.settings.latents.num_classes)
            of_class = head(F.leaky_relu(pooled, SLOPE)).float() * shown.unsqueeze(-1)
            for found, part in zip((means, log_variances), of_class.chunk(2, -1), strict=True):
                found.append(part.flatten(1))
        return torch.cat(means, 1), torch.cat(log_variances, 1)

    def divergence(  # type: ignore[override]
        self, mean: Tensor, log_variance: Tensor, layouts: Tensor
    ) -> Tensor:
        """The KL terms of z₁, plus those of all codes over the number of classes that a layout shows.

        (The release divides layer by layer, by the number of classes that the layer's grid still shows.)
        Source: CLVAE, eq. 18.
        """
        parts = self.settings.latents
        kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp())  # 0 for a class that is absent
        split = parts.split(kl)
        shown = classes_in(self._labels(layouts), parts.num_classes).sum(1).clamp(min=1)
        return split["global"].sum() + (split["layers"].flatten(1).sum(1) / shown).sum()

    def _labels(self, layouts: Tensor) -> Tensor:
        """Whose code a pixel has, at the encoder's size, int64; the last + 1 is no class."""
        s, size = self.settings, self.settings.encoder_size
        rows, columns = (torch.arange(size, device=layouts.device) * n // size for n in layouts.shape[1:])
        labels = known_labels(layouts, s.num_classes)[:, rows][:, :, columns]
        return labels if s.class_wise else (labels == s.num_classes).long()
