"""What all image synthesizers share: the call, sampling, and what they refuse."""

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from sempal_lib.checks import check_finite, check_labels, check_noise, check_tensor, check_whole
from sempal_lib.image_gans.latents import Latents


class ImageSettings(Protocol):
    @property
    def num_classes(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...


class Painted(NamedTuple):
    """Pictures as training sees them.

    Attributes:
        picture: what `forward` gives, float32 [B, 3, H, W].
        judged: pictures on the way to it that are judged, and compared with the real one, as it is.
        parts: what the generator's own losses look at.
    """

    picture: Tensor
    judged: tuple[Tensor, ...] = ()
    parts: Any = None


class ImageGenerator(nn.Module):
    """Layouts to pictures.

    Attributes:
        settings: of a subclass, with num_classes, height and width.
        noise_dim: length of z; 0 where a layout has one picture.
        takes_edges: whether the borders of instances are an input too.
        takes_source: whether a picture of the same scene from another view is one.
        latents: the parts of z, where an encoder makes z of pictures; else None.
    """

    settings: Any
    noise_dim: int = 0
    takes_edges: bool = False
    takes_source: bool = False
    latents: Latents | None = None

    def forward(
        self, layout: Tensor, z: Tensor | None = None, edges: Tensor | None = None, source: Tensor | None = None
    ) -> Tensor:
        """Paint layouts.

        Args:
            layout: integer [B, H, W], where labels that are no class have no channel; or soft [B, C, H, W], which
                gradients reach.
            z: noise, standard normal, [B, noise_dim]; None: its mean, so that the picture follows from the layout.
            edges: [B, H, W], not 0 on the border of an instance; needed where `takes_edges`.
            source: the other view, [B, 3, H, W] in [-1, 1]; needed where `takes_source`.
        Returns:
            float32 [B, 3, H, W] in [-1, 1].
        Raises:
            ValueError: a layout of another size or number of classes, noise of another length.
        """
        return self.painted(layout, z, edges, source).picture

    def painted(
        self, layout: Tensor, z: Tensor | None = None, edges: Tensor | None = None, source: Tensor | None = None
    ) -> Painted:
        """As `forward`, with what only training looks at."""
        self._check(layout, z, edges, source)
        return Painted(self._paint(layout, z, edges).float().tanh())

    def own_losses(self, parts: Any, images: Tensor, layouts: Tensor) -> dict[str, Tensor]:
        """Losses that only this kind of generator has, unweighted scalars by name.

        Args:
            parts: of `painted`. images: the real pictures, [B, 3, H, W]. layouts: what was painted.
        """
        return {}

    def _paint(self, layout: Tensor, z: Tensor | None, edges: Tensor | None) -> Tensor:
        """Pictures before the tanh."""
        raise NotImplementedError

    def _check(self, layout: Tensor, z: Tensor | None, edges: Tensor | None, source: Tensor | None = None) -> None:
        s = self.settings
        check_layout(layout, s.num_classes, (s.height, s.width), "the generator")
        if z is not None and z.shape != (len(layout), self.noise_dim):
            raise ValueError(f"z has shape {list(z.shape)}, expected {[len(layout), self.noise_dim]}")
        if self.takes_edges != (edges is not None):
            what = "needs edges: see instance_edges" if self.takes_edges else "takes no edges: leave them out"
            raise ValueError(f"this generator {what}")
        if edges is not None and edges.shape != (len(layout), s.height, s.width):
            raise ValueError(f"edges have shape {list(edges.shape)}, expected {[len(layout), s.height, s.width]}")
        if self.takes_source != (source is not None):
            what = "needs the other view: give source" if self.takes_source else "takes no other view: leave source out"
            raise ValueError(f"this generator {what}")
        if source is not None and source.shape != (len(layout), 3, s.height, s.width):
            raise ValueError(
                f"source has shape {list(source.shape)}, expected {[len(layout), 3, s.height, s.width]}: load both "
                "views at one size"
            )

    @torch.no_grad()
    def generate(
        self,
        layouts: Tensor,
        seed: int = 0,
        batch_size: int = 16,
        z: Tensor | None = None,
        edges: Tensor | None = None,
        source: Tensor | None = None,
    ) -> Tensor:
        """Pictures of layouts as they are looked at: from running statistics, and from noise of a seed.

        Args:
            layouts: integer [N, H, W]; 255 is no class.
            z: noise to use in place of the seed's, [N, noise_dim].
            edges: [N, H, W], where the generator takes them. source: [N, 3, H, W], alike.
        Returns:
            float32 [N, 3, H, W] in [-1, 1], on the device of `layouts`.
        Raises:
            ValueError: a label that is no class, noise that is not finite, and what `forward` raises.
        """
        check_labels(layouts, self.settings.num_classes)
        check_layout(layouts, self.settings.num_classes, (self.settings.height, self.settings.width), "the generator")
        check_whole(batch_size, "batch_size", 1)
        for name, given in (("z", z), ("edges", edges), ("source", source)):
            if given is not None and len(given) != len(layouts):
                raise ValueError(f"{name} has {len(given)} rows, expected {len(layouts)}: give one for each layout")
        device = next(self.parameters()).device
        if z is None and self.noise_dim:  # drawn on the CPU: the same on every device
            z = torch.randn(len(layouts), self.noise_dim, generator=torch.Generator().manual_seed(seed))
        elif z is not None:
            check_noise(z, self.noise_dim)
        training = self.training
        self.eval()
        try:
            made = []
            for start in range(0, len(layouts), batch_size):
                part = slice(start, start + batch_size)
                inputs = (None if x is None else x[part].to(device) for x in (layouts, z, edges, source))
                made.append(self(*inputs).to(layouts.device))
        finally:
            self.train(training)
        for pictures in made:
            check_finite(pictures, "the pictures", "the weights or z are not finite either, take an earlier checkpoint")
        return torch.cat(made) if made else torch.empty(0, 3, *layouts.shape[1:], device=layouts.device)


class LatentEncoder(nn.Module):
    """Pictures to the distribution of the z that paints them: the other half of a variational auto-encoder."""

    def forward(self, images: Tensor, layouts: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures and their layouts to μ and ln σ² of z.

        Args:
            images: [B, 3, H, W] in [-1, 1]. layouts: integer [B, H, W]; labels that are no class have no code.
        Returns:
            float32 [B, noise_dim] each; 0 and 0, the standard normal, for what a layout does not show.
        """
        raise NotImplementedError

    def divergence(self, mean: Tensor, log_variance: Tensor, layouts: Tensor) -> Tensor:
        """The KL term that training weighs, of what `forward` gave: nats, summed over the batch, a scalar ≥ 0."""
        raise NotImplementedError


def check_layout(layout: Tensor, num_classes: int, size: tuple[int, int], whose: str) -> None:
    """Raise ValueError unless a layout, integer or soft, has `size` (H, W) and `num_classes`. Looks at shapes only."""
    if not isinstance(layout, Tensor):
        check_tensor(layout, "layout", "[B, H, W]", "integers")
    soft = layout.is_floating_point()
    if layout.ndim != (4 if soft else 3):
        raise ValueError(
            f"layout is {layout.dtype} {list(layout.shape)}, expected integers [B, H, W] or soft layouts [B, C, H, W]"
        )
    if soft and layout.shape[1] != num_classes:
        raise ValueError(
            f"soft layout has {layout.shape[1]} classes, {whose} {num_classes}: take both from one data set"
        )
    if tuple(layout.shape[-2:]) != size:
        raise ValueError(
            f"layout is {layout.shape[-2]}×{layout.shape[-1]} px, {whose} {size[0]}×{size[1]} px: load both at one size"
        )


def initialise(module: nn.Module, kind: str) -> None:
    """Draw a network's weights, but for the spectrally normalised: biases are 0, scales of norms 1.

    Args:
        kind: "xavier": normal, gain 0.02 (GauGAN); "normal": N(0, 0.02), scales of norms N(1, 0.02) (pix2pix).
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and not is_parametrized(part):
            if kind == "xavier":
                nn.init.xavier_normal_(part.weight, gain=0.02)
            else:
                nn.init.normal_(part.weight, std=0.02)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d) and part.affine and kind == "normal":
            nn.init.normal_(part.weight, 1.0, 0.02)
