"""ProGAN on pictures: no layout at all. The baseline that the papers of two-stage synthesis name."""

import torch
from torch import Tensor

from sempal_lib.checks import check_noise, check_whole
from sempal_lib.layout_gans.progan import GeneratorSettings
from sempal_lib.layout_gans.semantic_palette import LayoutGenerator


class ProganGenerator(LayoutGenerator):
    """Noise to pictures: the layout generators' trunk, whose last 1×1 convolution gives three colours.

    Source: Karras et al. 2018 (ProGAN), §2 and Table 2; SB-GAN, §4. Chapter: Judging with a segmenter.
    """

    @staticmethod
    def settings_for(
        height: int, width: int, latent_dim: int = 512, max_channels: int = 512, channel_base: int = 4096
    ) -> GeneratorSettings:
        """The trunk's settings for pictures of a size, px; channels as in `GeneratorSettings`."""
        return GeneratorSettings(3, height, width, latent_dim, max_channels, channel_base, False, "none", False)

    def generate(self, *args: object, **kwargs: object) -> Tensor:
        """Raises TypeError: there are no layouts."""
        raise TypeError("a ProganGenerator makes no layouts: call pictures(z)")

    @torch.no_grad()
    def pictures(self, z: Tensor, batch_size: int = 64) -> Tensor:
        """Noise [N, Z] to pictures, float32 [N, 3, H, W], cut to [-1, 1].

        Raises ValueError for noise of another length or not finite.
        """
        check_noise(z, self.settings.latent_dim)
        check_whole(batch_size, "batch_size", 1)
        parts = (self(noise, noise.new_zeros(len(noise), 3))[-1].scores for noise in z.split(batch_size))
        return torch.cat([part.clamp(-1, 1) for part in parts])
