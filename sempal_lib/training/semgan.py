"""Training of SemGAN and of its twin that paints colours."""

import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.labels import LabelSpace, one_hot
from sempal_lib.layout_gans.semgan import SemganDiscriminator, SemganGenerator
from sempal_lib.losses import discriminator_cross_entropy, feature_matching_loss
from sempal_lib.training.loop import Training
from sempal_lib.training.settings import RESULT_FREE


@dataclass(frozen=True)
class SemganTrainingSettings:
    """How SemGAN is trained. The defaults are the paper's, for colored shapes."""

    batch_size: int = 32  # layouts a step, over all devices
    steps: int = 50_000
    learning_rate: float = 1e-4  # of both networks
    betas: tuple[float, float] = (0.5, 0.999)  # of Adam
    flip: bool = False  # half of the real layouts mirrored
    ema_images: int = 0  # half-life of the averaged generator, in layouts shown; 0: no averaging
    channels_last: bool = False
    compile: bool = False
    report_steps: int = 25
    checkpoint_seconds: float = 60.0
    seed: int = 0


class SemganTraining(Training):
    """A SemGAN in training, or its twin.

    Both networks step at once, from one pass of the same generated samples through the discriminator. The generator
    lowers the feature matching loss, the discriminator the cross-entropy.

    Args:
        generator, discriminator: trained in place.
        layouts: real ones, uint8 [N, H, H]; labels of no class are no class's and black.
        label_space: the classes, whose colours the twin is shown.
        fabric, checkpoint_path, configuration: as in `ProgressiveTraining`.
    Attributes:
        averaged: the generator to sample from.
    Source: SemGAN, §3 and appendix B. Chapter: Pixels that are classes.
    """

    def __init__(
        self,
        generator: SemganGenerator,
        discriminator: SemganDiscriminator,
        layouts: Tensor,
        label_space: LabelSpace,
        settings: SemganTrainingSettings,
        fabric: Fabric | None = None,
        checkpoint_path: str | Path | None = None,
        configuration: dict[str, Any] | None = None,
    ):
        height = generator.settings.height
        if layouts.dtype != torch.uint8 or layouts.ndim != 3 or tuple(layouts.shape[1:]) != (height, height):
            raise ValueError(
                f"layouts are {layouts.dtype} {list(layouts.shape)}, expected uint8 [N, {height}, {height}]: "
                "load the data set at the generator's size"
            )
        fabric = fabric or Fabric(accelerator="cpu", devices=1)
        device = fabric.device
        if fabric.world_size > 1 and device.type == "cuda":
            generator = nn.SyncBatchNorm.convert_sync_batchnorm(generator)  # type: ignore[assignment]
        memory_format = torch.channels_last if settings.channels_last else torch.contiguous_format
        self.generator = generator.to(device, memory_format=memory_format)  # type: ignore[call-overload]
        self.discriminator = discriminator.to(device, memory_format=memory_format)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.generator).eval() if settings.ema_images else self.generator
        self.averaged.requires_grad_(not settings.ema_images)
        self.settings, self.layouts = settings, layouts.to(device)
        self.num_classes = label_space.num_classes
        # Colours by class, in [-1, 1]; pixels of no class are black, as everywhere in the book.
        table = torch.tensor([*label_space.colors, (0, 0, 0)], dtype=torch.float32) / 127.5 - 1
        self._colors = table.to(device)
        networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(net.parameters(), settings.learning_rate, settings.betas, fused=True)
            for name, net in zip("gd", (self.generator, self.discriminator), strict=True)
        }
        described = {k: v for k, v in asdict(settings).items() if k not in RESULT_FREE}
        facts = {**generator.settings.as_dict(), **described, "layouts": len(layouts), **(configuration or {})}
        super().__init__(
            networks | ({"averaged": self.averaged} if settings.ema_images else {}), optimizers, facts, fabric,
            checkpoint_path, settings.report_steps, settings.checkpoint_seconds, settings.seed,
        )  # fmt: skip
        self._run_g: Any = torch.compile(self.generator) if settings.compile else self.generator
        self._run_d: Any = torch.compile(self.discriminator) if settings.compile else self.discriminator
        self.resume()

    @property
    def steps(self) -> int:
        return self.settings.steps

    def real(self, layouts: Tensor) -> Tensor:
        """Real layouts [B, H, W] as the discriminator sees them: one-hot [B, K, H, W], or [B, 3, H, W] in [-1, 1]."""
        if self.generator.settings.output == "classes":
            return one_hot(layouts, self.num_classes)
        return self._colors[layouts.long().clamp(max=self.num_classes)].movedim(-1, 1)

    def _train_step(self) -> dict[str, Tensor]:
        batch, device = self.settings.batch_size, self.layouts.device
        part = self._part(batch)
        index = torch.randint(len(self.layouts), (batch,), generator=self.random, device=device)[part]
        z = torch.randn(batch, self.generator.settings.latent_dim, generator=self.random, device=device)[part]
        layouts = self.layouts[index]
        if self.settings.flip:
            flip = torch.rand(batch, 1, 1, generator=self.random, device=device)[part] < 0.5
            layouts = torch.where(flip, layouts.flip(2), layouts)
        with self.fabric.autocast():
            fake, real = self._run_g(z), self.real(layouts)
            logits, features = self._run_d(torch.cat([real, fake]))
            n = len(real)
            loss_g = feature_matching_loss([f[:n].detach() for f in features], [f[n:] for f in features])
            loss_d = discriminator_cross_entropy(logits[:n], logits[n:])
        g, d = list(self.generator.parameters()), list(self.discriminator.parameters())
        gradients = list(torch.autograd.grad(loss_g, g, retain_graph=True)) + list(torch.autograd.grad(loss_d, d))
        self._update(g + d, gradients)
        self.images += batch
        if self.settings.ema_images:
            self._average(self.averaged, self.generator, batch, self.settings.ema_images)
        return {"loss_g": loss_g.detach(), "loss_d": loss_d.detach()}
