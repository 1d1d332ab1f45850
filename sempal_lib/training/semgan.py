"""Training of SemGAN and of its twin that paints colours."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.labels import LabelSpace, one_hot
from sempal_lib.layout_gans.semgan import SemganDiscriminator, SemganGenerator, SemganSettings
from sempal_lib.losses import discriminator_cross_entropy, feature_matching_loss
from sempal_lib.metrics.shapes import require_classes
from sempal_lib.parameters import SemganParameters
from sempal_lib.training.loop import Training, average_of, compiled, placed
from sempal_lib.training.settings import Progress
from sempal_lib.training.setup import (
    LayoutSet,
    layout_set,
    make_fabric,
    provenance,
    set_outdated_aside,
    train_to_the_end,
)

_CODE = ("layout_gans/semgan.py", "training/semgan.py")


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
        layouts: real ones, uint8 [N, H, H]; labels of no class are ignored: the discriminator sees 0
            there, in real and in generated samples.
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
        self.generator: SemganGenerator = placed(generator, fabric, settings.channels_last)
        self.discriminator: SemganDiscriminator = placed(discriminator, fabric, settings.channels_last)
        self.averaged: SemganGenerator = average_of(self.generator, settings.ema_images)
        self.layouts = layouts.to(fabric.device)
        self.num_classes = label_space.num_classes
        self.has_ignored = bool((self.layouts >= self.num_classes).any())
        # Colours by class, in [-1, 1]; pixels of no class are black, as everywhere in the book.
        table = torch.tensor([*label_space.colors, (0, 0, 0)], dtype=torch.float32) / 127.5 - 1
        self._colors = table.to(fabric.device)
        networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(net.parameters(), settings.learning_rate, settings.betas, fused=True)
            for name, net in zip("gd", (self.generator, self.discriminator), strict=True)
        }
        facts = {**generator.settings.as_dict(), "layouts": len(layouts), **(configuration or {})}
        if settings.ema_images:
            networks["averaged"] = self.averaged
        super().__init__(networks, optimizers, settings, fabric, checkpoint_path, facts)
        self._run_g: Any = compiled(self.generator, settings.compile)
        self._run_d: Any = compiled(self.discriminator, settings.compile)
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
            if self.has_ignored:
                # Both get the real layout's holes, or a pixel of no class would tell D which is which.
                valid = (layouts < self.num_classes).unsqueeze(1)
                fake, real = fake * valid, real * valid
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


def semgan_data(parameters: SemganParameters, workers: int = 0) -> LayoutSet:
    """The layouts of a run, square: of wide scenes every second column is taken, as the paper resizes them.

    Raises ValueError that names a class which no training layout shows; other errors are those of `datasets.load`.
    Chapter: Pixels that are classes.
    """
    found = layout_set(parameters, workers, square=True)
    require_classes(found.layouts, found.label_space)
    return found


def semgan_training(
    parameters: SemganParameters,
    data: LayoutSet,
    output: str = "classes",
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
) -> SemganTraining:
    """A SemGAN as the parameters say, ready to be trained or to go on from its checkpoint.

    A checkpoint that older code of this library or other data left is moved aside, never mixed with the new.

    Args:
        output: "classes", or "rgb" for the twin that paints colours.
    Chapter: Pixels that are classes.
    """
    p = parameters
    network = SemganSettings(
        data.label_space.num_classes, p.height, output, p.latent_dim, p.kernel_size, p.max_channels, p.min_channels
    )
    settings = SemganTrainingSettings(
        p.batch_size,
        p.steps,
        p.learning_rate,
        ema_images=max(p.batch_size * p.steps // 16, 1) if p.ema else 0,
        channels_last=p.channels_last,
        compile=p.compile,
        checkpoint_seconds=p.checkpoint_seconds,
        seed=p.seed,
    )
    facts = provenance(data, _CODE)
    set_outdated_aside(checkpoint_path, facts)
    # The weights are drawn from the run's seed, whatever was drawn before.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(p.seed)
        generator, discriminator = SemganGenerator(network), SemganDiscriminator(network)
    return SemganTraining(
        generator, discriminator, data.layouts, data.label_space, settings, fabric or make_fabric(p),
        checkpoint_path, facts,
    )  # fmt: skip


def train_semgan(
    parameters: SemganParameters,
    data: LayoutSet,
    checkpoint_path: str | Path,
    output: str = "classes",
    watch: Callable[[SemganTraining], Iterable[Progress]] = iter,
) -> SemganTraining:
    """Train SemGAN, or its twin, to the end and return the training, whose `averaged` is the one to sample from.

    Args:
        checkpoint_path, output: as in `semgan_training`. watch: as in `train`.
    Chapter: Pixels that are classes.
    """
    return train_to_the_end(_build, parameters, data, str(checkpoint_path), output, watch=watch)


def _build(
    parameters: SemganParameters, data: LayoutSet | None, checkpoint_path: str, output: str, fabric: Fabric | None
) -> SemganTraining:
    return semgan_training(parameters, data or semgan_data(parameters), output, checkpoint_path, fabric)
