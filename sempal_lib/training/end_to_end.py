"""Two generators, one loss: a layout generator and a synthesizer, tuned together through the final picture."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.image_gans import MultiScaleDiscriminator, SpadeGenerator, TwoStageGenerator, enlarge
from sempal_lib.labels import one_hot
from sempal_lib.layers import soften, softening_kernel
from sempal_lib.losses import hinge_discriminator_loss, hinge_generator_loss
from sempal_lib.spade_layers import track_spectral_norms
from sempal_lib.training.images import ImageTraining
from sempal_lib.training.loop import Training, average_of, placed
from sempal_lib.training.progressive import Judged, ProgressiveTraining

_TUNED = ("layouts", "pictures", "both")


@dataclass(frozen=True)
class EndToEndSettings:
    """How a pair of trained generators is tuned. The defaults are SB-GAN's paper's."""

    steps: int = 37_100  # 100 epochs of Cityscapes in batches of 8
    constant_steps: int = 18_550  # after which all learning rates fall linearly, to 0 at `steps`
    tune: str = "both"  # which generator moves, and its discriminators: "layouts", "pictures" or "both"
    layout_weight: float = 10.0  # λ of the layout generator's own loss
    judge_weight: float = 1.0  # of D₂'s
    soft: bool = False  # real layouts are softened for the synthesizer too, as generated ones are soft
    first_map_only: bool = False  # D₂'s gradient reaches a layout through the synthesizer's first convolution only
    judge_steps: int = 0  # steps before these, in which D₂ learns alone
    judge_rate: float = 4e-4  # of Adam, for D₂
    judge_betas: tuple[float, float] = (0.0, 0.9)
    ema_images: int = 0  # half-life of both averaged generators, in scenes shown; 0: no averaging
    report_steps: int = 25
    checkpoint_seconds: float = 60.0
    seed: int = 0

    def __post_init__(self):
        if self.tune not in _TUNED:
            raise ValueError(f"tune={self.tune!r}: choose one of {', '.join(map(repr, _TUNED))}")
        if self.steps < 1 or self.judge_steps < 0 or not 0 <= self.constant_steps <= self.steps:
            raise ValueError(
                f"steps={self.steps}, constant_steps={self.constant_steps}, judge_steps={self.judge_steps}: choose at "
                "least 1, from 0 to steps, and at least 0"
            )
        if self.judge_weight < 0:
            raise ValueError(f"judge_weight={self.judge_weight}: choose 0, with which D₂ has no say, or more")
        if self.layout_weight <= 0:
            raise ValueError(
                f"layout_weight={self.layout_weight}: choose a number above 0; to leave the layout generator as it is, "
                "tune='pictures'"
            )

    @classmethod
    def sb_gan(cls, released: bool = False, **changes: Any) -> "EndToEndSettings":
        """SB-GAN's. Released: a tenth of D₂'s weight, an epoch for D₂ first, one way only for its gradient.

        Source: SB-GAN, §3.3 and §4.
        """
        quirks: dict[str, Any] = {
            "judge_weight": 0.1, "first_map_only": True, "judge_steps": 371, "judge_rate": 2e-4,
            "judge_betas": (0.0, 0.99),
        }  # fmt: skip
        return cls(**((quirks if released else {}) | changes))

    @classmethod
    def semantic_palette(cls, **changes: Any) -> "EndToEndSettings":
        """Semantic Palette's: soft layouts, their losses at full weight, D₂'s at a hundredth; 200 epochs, batches of 4.

        Source: Semantic Palette, §3.3, and its release.
        """
        own: dict[str, Any] = {
            "steps": 148_600, "constant_steps": 148_600, "layout_weight": 1.0, "judge_weight": 0.01, "soft": True,
        }  # fmt: skip
        return cls(**(own | changes))


class PairLosses(NamedTuple):
    """What a batch of scenes gives; all of one graph."""

    loss: Tensor  # of the generators that learn; with L_D of the layouts, where theirs does
    loss_d2: Tensor
    loss_d: Tensor | None  # of the synthesizer's own discriminator; None while the synthesizer rests
    layouts: Judged
    reported: dict[str, Tensor]  # detached


class EndToEndTraining(Training):
    """A layout generator and a synthesizer in joint training.

    In each step the synthesizer paints a batch of generated layouts for D₂, which sees the picture alone, and a batch
    of real ones for its own losses. The layouts carry a gradient, straight-through or soft, so that what D₂ says of a
    picture reaches the layout generator.

    Args:
        layouts: a layout GAN with trained weights, at its last stage; it is not trained by itself any more, and its
            settings hold for this training: batch, learning rate, softness.
        images: a synthesizer with trained weights, likewise. Its pictures are a whole multiple of the layouts' size.
        judge: D₂, `DiscriminatorSettings.small(0)`, untrained.
        settings, checkpoint_path, configuration: as in `ProgressiveTraining`.
    Attributes:
        averaged: the tuned pair, to sample from.
    Source: SB-GAN, eq. 3; Semantic Palette, §3.3. Chapter: Two generators, one loss.
    """

    def __init__(
        self,
        layouts: ProgressiveTraining,
        images: ImageTraining,
        judge: MultiScaleDiscriminator,
        settings: EndToEndSettings,
        checkpoint_path: str | Path | None = None,
        configuration: dict[str, Any] | None = None,
    ):
        if judge.settings.num_classes:
            raise ValueError("D₂ sees pictures only: build it with DiscriminatorSettings.small(0)")
        stages = [stage.batch_size for stage in layouts.settings.stages]
        if stages[-1] != images.settings.batch_size:
            raise ValueError(
                f"{stages[-1]} layouts and {images.settings.batch_size} pictures a step: give both one batch_size"
            )
        if settings.first_map_only and images.encoder is not None:
            raise ValueError(
                "first_map_only: this synthesizer makes its first map of z, so that no gradient would reach a layout. "
                "Take one without an encoder"
            )
        fabric: Fabric = images.fabric
        self.layouts, self.images_side = layouts, images
        layouts.step = layouts.steps - 1  # the last stage, wholly faded in
        self.judge: MultiScaleDiscriminator = placed(judge, fabric, images.settings.channels_last)
        painter, mixture = images.generator, layouts.mixture
        if isinstance(painter, SpadeGenerator):
            painter.first_map_only = settings.first_map_only
        self._pair = TwoStageGenerator(layouts.generator, painter, mixture)
        self.averaged = self._pair
        if settings.ema_images:
            self.averaged = TwoStageGenerator(
                average_of(layouts.generator, settings.ema_images), average_of(painter, settings.ema_images), mixture
            )
        self._size = (painter.settings.height, painter.settings.width)
        self._kernel = softening_kernel(self._size[0], layouts.settings.released).to(fabric.device)
        networks: dict[str, nn.Module] = {
            "layout_discriminator": layouts.discriminator, "discriminator": images.discriminator,
            "judge": self.judge, "pair": self._pair,
        }  # fmt: skip
        if settings.ema_images:
            networks["averaged"] = self.averaged
        if images.encoder is not None:
            networks["encoder"] = images.encoder
        rates, betas = settings.judge_rate, settings.judge_betas
        optimizers = {
            "layout_g": layouts.optimizers["g"], "layout_d": layouts.optimizers["d"],
            "g": images.optimizers["g"], "d": images.optimizers["d"],
            "judge": torch.optim.Adam(self.judge.parameters(), rates, betas, fused=True),
        }  # fmt: skip
        facts = {"layout_training": layouts.configuration, "image_training": images.configuration}
        super().__init__(
            networks, optimizers, settings, fabric, checkpoint_path, {**facts, **(configuration or {})}
        )  # fmt: skip
        self._rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in optimizers.items()}
        layouts.random = images.random = self.random
        self.resume()

    @property
    def steps(self) -> int:
        return self.settings.judge_steps + self.settings.steps

    def _steps_to_report(self) -> int:
        first = self.settings.judge_steps
        return (first if self.step < first else self.steps) - self.step

    @property
    def rate_factor(self) -> float:
        """Of the next step's learning rates: 1, and from `constant_steps` on linearly towards 0."""
        s, done = self.settings, self.step - self.settings.judge_steps
        return min(1.0, (s.steps - done) / max(s.steps - s.constant_steps, 1))

    def _paint(self, soft_layout: Tensor) -> Tensor:
        """G(z): pictures of generated layouts, [B, C, h, w] of any softness."""
        batch, length, z = self.images_side.settings.batch_size, self._pair.painter.noise_dim, None
        if length:
            z = torch.randn(batch, length, generator=self.random, device=self.random.device)[self._part(batch)]
        return self._pair.painter(enlarge(soft_layout, self._size), z)

    def _real(self, layouts: Tensor) -> Tensor:
        """Real layouts [B, H, W] as the synthesizer is told them."""
        if not self.settings.soft:
            return layouts
        hard = one_hot(layouts, self._pair.painter.settings.num_classes)
        soft = soften(hard, self._kernel)
        # Pixels of no class stay so, and blur into none.
        return soft / soft.sum(1, keepdim=True).clamp(min=1e-6) * hard.sum(1, keepdim=True)

    def losses(self, layouts_move: bool, pictures_move: bool) -> PairLosses:
        """Draw a batch, let the pair make as many scenes, and judge both; nothing is updated.

        Args:
            layouts_move, pictures_move: which generators learn; the loss of one that rests is left out.
        Source: SB-GAN, eq. 3. Chapter: Two generators, one loss.
        """
        s, images = self.settings, self.images_side
        # Where a training that goes through its layouts in passes has got to.
        self.layouts.images = self.layouts.images_before(self.layouts._stage) + self.images
        layouts = self.layouts.judge(s.layout_weight)  # λ L_SB with L_D, and the generated layouts
        # Where D₂ has no say, the synthesizer must not get to know generated layouts by its running statistics.
        images.generator.train(pictures_move and s.judge_weight > 0)
        with self.fabric.autocast():
            fake = self._paint(layouts.fake if layouts_move else layouts.fake.detach())
        images.generator.train(pictures_move)  # one that rests paints as it is looked at
        pictures, real, edges, noise, _ = images._batch()
        with self.fabric.autocast():
            of_fake, of_real = self.judge.judge([fake, pictures])
        loss_2, loss_d2 = hinge_generator_loss(of_fake.logits), hinge_discriminator_loss(of_real.logits, of_fake.logits)
        loss, loss_d = s.judge_weight * loss_2, None
        reported = {"loss_2": loss_2.detach(), "loss_d2": loss_d2.detach()}
        if pictures_move:
            told = self._real(real)
            with self.fabric.autocast():
                found, loss_d = images._losses(pictures, told, edges, noise)  # L_SPADE
            loss = loss + torch.stack(list(found.values())).sum()
            reported |= {name: value.detach() for name, value in found.items()}
        if layouts_move:
            loss = loss + layouts.loss
            reported |= {f"layout_{name}": value for name, value in layouts.reported.items()}
        return PairLosses(loss, loss_d2, loss_d, layouts, reported)

    def _train_step(self) -> dict[str, Tensor]:
        s, layouts, images = self.settings, self.layouts, self.images_side
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self._rates[name] * self.rate_factor
        alone = self.step < s.judge_steps
        layouts_move, pictures_move = (not alone and s.tune in (one, "both") for one in ("layouts", "pictures"))
        for network in (images.discriminator, self.judge):
            network.train()
        found = self.losses(layouts_move, pictures_move)
        judge = parameters = list(self.judge.parameters())
        gradients: list[Tensor | None] = list(torch.autograd.grad(found.loss_d2, judge, retain_graph=not alone))
        if not alone:
            both = layouts.generator, layouts.discriminator
            g, d = (list(network.parameters()) if layouts_move else [] for network in both)
            painters = images.painters if pictures_move else []
            own = list(images.discriminator.parameters()) if pictures_move else []
            from_loss = torch.autograd.grad(found.loss, g + d + painters, retain_graph=True, allow_unused=True)
            parameters = judge + g + d + painters + own
            gradients += from_loss
            if found.loss_d is not None:
                gradients += torch.autograd.grad(found.loss_d, own)
        self._update(parameters, gradients)
        self.images += images.settings.batch_size
        if s.ema_images and not alone:
            self._average(self.averaged, self._pair, images.settings.batch_size, s.ema_images)
            track_spectral_norms(self.averaged)
        return found.reported


class GradientShare(NamedTuple):
    """What D₂ says to the layout generator beside what its own losses say."""

    share: float  # norm of the gradient of D₂'s term in (2), over that of λ L_SB
    cosine: float  # of the angle between the two


def gradient_share(training: EndToEndTraining, batches: int = 8) -> GradientShare:
    """How loud D₂'s gradient is in the layout generator's weights, each term with its weight; nothing is changed.

    Args:
        training: of a pair whose layouts learn. batches: drawn one after the other; both numbers are their means.
    Raises:
        ValueError: a training that leaves the layouts as they are, or gives D₂ no say.
    Chapter: Two generators, one loss.
    """
    s, weights = training.settings, list(training.layouts.generator.parameters())
    if s.tune == "pictures" or not s.judge_weight:
        raise ValueError(
            f"tune={s.tune!r} with judge_weight={s.judge_weight}: there is no gradient of D₂ in the layout generator. "
            "Take a training with tune='layouts' or 'both', and judge_weight above 0"
        )
    kept, random = deepcopy(training.networks), training.random.get_state()
    modes = {module: module.training for network in training.networks.values() for module in network.modules()}
    found = []
    for _ in range(batches):
        losses = training.losses(True, s.tune == "both")
        own = torch.autograd.grad(losses.layouts.loss, weights, None, True, allow_unused=True)
        every = torch.autograd.grad(losses.loss, weights, allow_unused=True)
        pairs = [(a, b) for a, b in zip(own, every, strict=True) if a is not None and b is not None]
        of_own, of_all = (torch.cat([pair[i].flatten() for pair in pairs]).double() for i in (0, 1))
        of_d2 = of_all - of_own  # the painter's own loss does not see generated layouts
        found.append([of_d2.norm() / of_own.norm(), torch.cosine_similarity(of_d2, of_own, 0)])
    for name, network in training.networks.items():
        network.load_state_dict(kept[name].state_dict())  # running statistics and spectral norms went on
    for module, mode in modes.items():
        module.training = mode
    training.random.set_state(random)
    return GradientShare(*torch.tensor(found).mean(0).tolist())
