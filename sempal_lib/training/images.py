"""Training of the image synthesizers: GauGAN with and without its encoder, pix2pix, pix2pixHD, LGGAN, cross-view."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib import losses
from sempal_lib.checks import check_labels
from sempal_lib.image_gans.discriminators import DualDiscriminator, MultiScaleDiscriminator, SourceDiscriminator
from sempal_lib.image_gans.interface import ImageGenerator, LatentEncoder, Painted
from sempal_lib.image_gans.perceptual import PerceptualFeatures
from sempal_lib.image_gans.spade import sample_latent
from sempal_lib.segmentation import as_float
from sempal_lib.spade_layers import track_spectral_norms
from sempal_lib.training.loop import Training, average_of, compiled, placed

_GENERATOR_LOSS: dict[str, Callable[[Sequence[Tensor]], Tensor]] = {
    "hinge": losses.hinge_generator_loss,
    "cross_entropy": losses.cross_entropy_generator_loss,
    "least_squares": losses.least_squares_generator_loss,
}
_DISCRIMINATOR_LOSS: dict[str, Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]] = {
    "hinge": losses.hinge_discriminator_loss,
    "cross_entropy": lambda real, fake: torch.stack(
        [losses.discriminator_cross_entropy(r, f) for r, f in zip(real, fake, strict=True)]
    ).mean(),
    "least_squares": losses.least_squares_discriminator_loss,
}

Judge = MultiScaleDiscriminator | SourceDiscriminator | DualDiscriminator


@dataclass(frozen=True)
class ImageTrainingSettings:
    """How an image synthesizer is trained. The defaults are GauGAN's, for 200 epochs of Cityscapes in batches of 8."""

    batch_size: int = 8  # pairs a step, over all devices
    steps: int = 74_200
    constant_steps: int = 37_100  # after which the learning rates fall linearly, to 0 at `steps`
    learning_rate_g: float = 1e-4  # at the start; of the encoder too
    learning_rate_d: float = 4e-4
    betas: tuple[float, float] = (0.0, 0.9)  # of Adam
    adversarial: str = "hinge"  # or "cross_entropy", or "least_squares"
    feature_weight: float = 10.0  # of the distance in D's features
    perceptual_weight: float = 10.0  # of the distance in a fixed network's features; 0: no such network is needed
    l1_weight: float = 0.0  # of the distance pixel by pixel
    kl_weight: float = 0.05  # of the encoder's distribution to the standard normal; where there is an encoder
    own_weights: dict[str, float] = field(default_factory=dict)  # of the generator's own losses by name; else 1
    flip: bool = True  # half of the pairs mirrored
    ema_images: int = 0  # half-life of the averaged generator, in pairs shown; 0: no averaging
    channels_last: bool = False
    compile: bool = False
    report_steps: int = 25
    checkpoint_seconds: float = 60.0
    seed: int = 0

    def __post_init__(self):
        if self.adversarial not in _GENERATOR_LOSS:
            raise ValueError(f"adversarial={self.adversarial!r}: choose one of {', '.join(map(repr, _GENERATOR_LOSS))}")
        if self.steps < 1 or self.batch_size < 1 or not 0 <= self.constant_steps <= self.steps:
            raise ValueError(
                f"batch_size={self.batch_size}, steps={self.steps}, constant_steps={self.constant_steps}: choose at "
                "least one pair and one step, and constant_steps from 0 to steps"
            )

    @classmethod
    def pix2pix(cls, **changes: Any) -> "ImageTrainingSettings":
        """The defaults of pix2pix: cross-entropy and 100 · L1, batches of one."""
        return cls(**(_ISOLA | {"adversarial": "cross_entropy", "feature_weight": 0.0, "perceptual_weight": 0.0,
                                "l1_weight": 100.0} | changes))  # fmt: skip

    @classmethod
    def pix2pixhd(cls, **changes: Any) -> "ImageTrainingSettings":
        """The defaults of pix2pixHD: least squares, the distances in D's and in VGG's features, batches of one."""
        return cls(**(_ISOLA | {"adversarial": "least_squares"} | changes))


_ISOLA: dict[str, Any] = {
    "batch_size": 1, "steps": 595_000, "constant_steps": 297_500, "learning_rate_g": 2e-4, "learning_rate_d": 2e-4,
    "betas": (0.5, 0.999),
}  # fmt: skip


class ImageTraining(Training):
    """An image synthesizer in training.

    Generator and discriminator step at once, from one forward pass: the generated pictures are judged once, and two
    backward passes go through that graph, one to the generator's weights and one to the discriminator's. Their
    releases step one after the other and paint the pictures anew for the second step, which costs one more pass of
    the generator; the gradients at given weights are the same.

    Args:
        generator, discriminator, encoder: trained in place. An encoder makes z of the real pictures (GauGAN's VAE).
        images: uint8 [N, 3, H, W], or float in [-1, 1], which is kept as uint8.
        layouts: uint8 [N, H, W]; 255 is no class.
        perceptual: from `perceptual_features`; its name goes into the configuration.
        edges: borders of instances, [N, H, W], where generator and discriminator take them.
        sources: the scenes from another view, as `images`, where the generator takes them.
        fabric, checkpoint_path, configuration: as in `ProgressiveTraining`.
    Attributes:
        averaged: the generator to paint with. painters: the weights of generator and encoder.
    Raises:
        ValueError: pictures and layouts that do not fit each other or the generator, a label that is no class,
            no features for a perceptual loss.
    Source: Park et al. 2019, §3 and appendix A; SB-GAN, eq. 2; Isola et al. 2017, §3; Wang et al. 2018, §3.
        Chapter: Painting by layout.
    """

    def __init__(
        self,
        generator: ImageGenerator,
        discriminator: Judge,
        images: Tensor,
        layouts: Tensor,
        settings: ImageTrainingSettings,
        perceptual: PerceptualFeatures | None = None,
        encoder: LatentEncoder | None = None,
        edges: Tensor | None = None,
        fabric: Fabric | None = None,
        checkpoint_path: str | Path | None = None,
        configuration: dict[str, Any] | None = None,
        sources: Tensor | None = None,
    ):
        fabric = fabric or Fabric(accelerator="cpu", devices=1)
        device = self._device = fabric.device
        check_scenes(generator, images, layouts)
        _check_judge(generator, discriminator, layouts, edges)
        _check_sources(generator, discriminator, images, sources, settings)
        if settings.perceptual_weight and perceptual is None:
            raise ValueError(
                "perceptual_weight is not 0, but there are no features to compare in: pass perceptual_features(), "
                "or segmenter_features(segmenter), or set perceptual_weight=0"
            )
        if (encoder is None) != (generator.latents is None):
            raise ValueError("an encoder goes with a generator that has latents: give both or neither")
        self.generator: ImageGenerator = placed(generator, fabric, settings.channels_last)
        self.discriminator: Judge = placed(discriminator, fabric, settings.channels_last)
        self.encoder = None if encoder is None else encoder.to(device)
        self.perceptual = None if perceptual is None or not settings.perceptual_weight else perceptual.to(device)
        self.averaged: ImageGenerator = average_of(self.generator, settings.ema_images)
        self._pictures, self._layouts = _as_bytes(images).to(device), layouts.to(device)
        self._sources = None if sources is None else _as_bytes(sources).to(device)
        self._edges = None if edges is None else (edges != 0).to(device)
        networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        if self.encoder is not None:
            networks["encoder"] = self.encoder
        self.painters = [p for name, net in networks.items() if name != "discriminator" for p in net.parameters()]
        self._judges = list(self.discriminator.parameters())
        rates = {"g": (self.painters, settings.learning_rate_g), "d": (self._judges, settings.learning_rate_d)}
        optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(parameters, rate, settings.betas, fused=True)
            for name, (parameters, rate) in rates.items()
        }
        facts = {
            "generator": {"kind": type(generator).__name__, **generator.settings.as_dict()},
            "discriminator": discriminator.settings.as_dict(), "pairs": len(layouts),
            "perceptual": None if self.perceptual is None else self.perceptual.name, **(configuration or {}),
        }  # fmt: skip
        if settings.ema_images:
            networks["averaged"] = self.averaged
        super().__init__(networks, optimizers, settings, fabric, checkpoint_path, facts)
        self._run_g: Any = compiled(self.generator.painted, settings.compile)
        self.resume()

    @property
    def steps(self) -> int:
        return self.settings.steps

    @property
    def rate_factor(self) -> float:
        """Of the next step's learning rates: 1, and from `constant_steps` on linearly towards 0."""
        s = self.settings
        return min(1.0, (s.steps - self.step) / max(s.steps - s.constant_steps, 1))

    def _batch(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """This device's part of a batch: pictures in [-1, 1], layouts, edges, noise, the other view."""
        batch, device, part = self.settings.batch_size, self._device, self._part(self.settings.batch_size)
        index = torch.randint(len(self._layouts), (batch,), generator=self.random, device=device)[part]
        images, layouts = as_float(self._pictures[index]), self._layouts[index]
        edges = None if self._edges is None else self._edges[index]
        if self.settings.flip:
            flip = torch.rand(batch, 1, 1, generator=self.random, device=device)[part] < 0.5
            images = torch.where(flip[:, None], images.flip(-1), images)
            layouts = torch.where(flip, layouts.flip(-1), layouts)
            edges = None if edges is None else torch.where(flip, edges.flip(-1), edges)
        length, noise = self.generator.noise_dim, None
        if length:
            noise = torch.randn(batch, length, generator=self.random, device=device)[part]
        if self.settings.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return images, layouts, edges, noise, None if self._sources is None else as_float(self._sources[index])

    def _losses(
        self, images: Tensor, layouts: Tensor, edges: Tensor | None, noise: Tensor | None, source: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """The weighted losses of the generator by name, and that of the discriminator; all of one graph."""
        s, found = self.settings, {}
        z = noise
        if self.encoder is not None and noise is not None:
            mean, log_variance = self.encoder(images, layouts)
            z = sample_latent(mean, log_variance, noise)
            # A sum over the whole batch, of which each device has a part; gradients are averaged over devices.
            kl = self.encoder.divergence(mean, log_variance, layouts) * self.fabric.world_size
            found["kl"] = s.kl_weight * kl
        painted: Painted = self._run_g(layouts, z, edges, source)
        fakes = [painted.picture, *painted.judged]
        told = self.discriminator.told(layouts, edges, source)
        *of_fakes, of_real = self.discriminator.judge([*fakes, images], *told)
        found["adversarial"] = _total(_GENERATOR_LOSS[s.adversarial](x.logits) for x in of_fakes)
        if s.feature_weight:
            real = [[x.detach() for x in scale] for scale in of_real.features]
            found["feature"] = s.feature_weight * _total(losses.paired_feature_loss(real, x.features) for x in of_fakes)
        if self.perceptual is not None:
            with torch.no_grad():
                target = self.perceptual(images)
            seen, weights = (self.perceptual(x) for x in fakes), self.perceptual.weights
            found["perceptual"] = s.perceptual_weight * _total(losses.perceptual_loss(x, target, weights) for x in seen)
        if s.l1_weight:
            found["l1"] = s.l1_weight * _total((x - images).abs().mean() for x in fakes)
        for name, loss in self.generator.own_losses(painted.parts, images, layouts).items():
            found[name] = s.own_weights.get(name, 1.0) * loss
        return found, _total(_DISCRIMINATOR_LOSS[s.adversarial](of_real.logits, x.logits) for x in of_fakes)

    def _train_step(self) -> dict[str, Tensor]:
        s = self.settings
        for name, rate in (("g", s.learning_rate_g), ("d", s.learning_rate_d)):
            for group in self.optimizers[name].param_groups:
                group["lr"] = rate * self.rate_factor
        for name, network in self.networks.items():
            if name != "averaged":
                network.train()
        with self.fabric.autocast():
            found, loss_d = self._losses(*self._batch())
        loss_g = torch.stack(list(found.values())).sum()
        gradients = list(torch.autograd.grad(loss_g, self.painters, retain_graph=True))
        gradients += torch.autograd.grad(loss_d, self._judges)
        self._update(self.painters + self._judges, gradients)
        self.images += s.batch_size
        if s.ema_images:
            self._average(self.averaged, self.generator, s.batch_size, s.ema_images)
            track_spectral_norms(self.averaged)  # an average of unit vectors is none, and not that of the weights
        return {"loss_g": loss_g.detach(), "loss_d": loss_d.detach(), **{k: v.detach() for k, v in found.items()}}


def _as_bytes(images: Tensor) -> Tensor:
    return images if images.dtype == torch.uint8 else ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def _total(found: Iterable[Tensor]) -> Tensor:
    """The sum over the pictures that are judged: of most generators one."""
    first, *rest = found
    return sum(rest, first)


def check_scenes(generator: ImageGenerator, images: Tensor, layouts: Tensor) -> None:
    """Raise ValueError unless layouts, uint8 [N, H, W], and pictures fit each other and the generator."""
    s = generator.settings
    size = (s.height, s.width)
    if layouts.dtype != torch.uint8 or layouts.ndim != 3 or tuple(layouts.shape[1:]) != size or not len(layouts):
        raise ValueError(
            f"layouts are {layouts.dtype} {list(layouts.shape)}, expected torch.uint8 [N, {s.height}, {s.width}]: "
            "load the data set at the generator's size"
        )
    if images.shape != (len(layouts), 3, *size):
        raise ValueError(
            f"images have shape {list(images.shape)}, expected {[len(layouts), 3, *size]} beside layouts "
            f"{list(layouts.shape)}: load both at one size"
        )
    check_labels(layouts, s.num_classes)


def _check_judge(
    generator: ImageGenerator,
    discriminator: Judge,
    layouts: Tensor,
    edges: Tensor | None,
) -> None:
    s, told = generator.settings, discriminator.settings
    if told.num_classes not in (0, s.num_classes):
        raise ValueError(f"the discriminator is told {told.num_classes} classes, the generator {s.num_classes}")
    if (edges is not None) != generator.takes_edges or told.instance_edges != (
        generator.takes_edges and told.num_classes > 0
    ):
        raise ValueError("edges go with a generator and a discriminator of instance_edges=True: all three or none")
    if edges is not None and edges.shape != layouts.shape:
        raise ValueError(f"edges have shape {list(edges.shape)}, expected {list(layouts.shape)}")


def _check_sources(
    generator: ImageGenerator,
    discriminator: Judge,
    images: Tensor,
    sources: Tensor | None,
    settings: ImageTrainingSettings,
) -> None:
    if generator.takes_source != (sources is not None):
        raise ValueError("sources go with a generator that takes another view: give both or neither")
    if sources is None and isinstance(discriminator, SourceDiscriminator | DualDiscriminator):
        raise ValueError("this judge is told another view: pass sources, or take a MultiScaleDiscriminator")
    if sources is not None and sources.shape != images.shape:
        raise ValueError(f"sources have shape {list(sources.shape)}, expected {list(images.shape)}: load both views")
    if sources is not None and settings.flip:
        raise ValueError("flip=True mirrors a picture, but not the same scene from another view: set flip=False")
