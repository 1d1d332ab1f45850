"""Progressive training of layout GANs: the same routine for every generator on the progressive trunk."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.labels import one_hot
from sempal_lib.layers import gumbel_noise, soften, softening_kernel, straight_through_gumbel, twice_differentiable
from sempal_lib.layout_gans import LayoutDiscriminator
from sempal_lib.layout_gans.semantic_palette import GuidedTrunk, Mask
from sempal_lib.losses import (
    entropy_loss,
    gradient_penalty,
    palette_matching_loss,
    spread_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)
from sempal_lib.palettes import PaletteMixture, widened
from sempal_lib.training.loop import Training, average_of, compiled, placed
from sempal_lib.training.settings import Phase, ProgressiveSettings

LAST_REPEATED = 32  # px: up to this height the release repeats the batches of its first pass over the layouts


def palettes_of(hard: Tensor) -> Tensor:
    """Palettes of one-hot layouts [B, C, H, W], [B, C]; ignored pixels count in none."""
    counts = hard.sum((2, 3))
    return counts / counts.sum(1, keepdim=True).clamp(min=1)


class Judged(NamedTuple):
    """What a batch gives: generated layouts, and one loss of one graph through them."""

    fake: Tensor  # [B, C, H, W] as it leaves the generator: soft, or hard with a gradient
    loss: Tensor  # whose gradient is L_D's in the weights of D, and `weight` times L_G's in those of G
    reported: dict[str, Tensor]  # detached


def _parted(masks: list[Mask], count: int) -> tuple[list[Mask], list[Mask]]:
    """The masks of the first `count` samples, and those of the rest; of no rest none."""
    if len(masks[-1].scores) == count:
        return masks, []
    first, rest = slice(count), slice(count, None)
    return [Mask(*(x[first] for x in mask)) for mask in masks], [Mask(*(x[rest] for x in mask)) for mask in masks]


class ProgressiveTraining(Training):
    """A layout GAN in training.

    Each step updates G and D, on the same generated layouts. Both gradients come from one pass of these layouts through
    D, for -E[D(fake)], which G lowers, is in L_D with the other sign: it is turned around between D and G.

    Several devices give the result of one if each has whole groups of 4 samples, which D compares.

    Args:
        generator, discriminator: both at the last stage's size; trained in place.
        layouts: real ones at the last stage's size, uint8 [N, H, W]; labels ≥ C are ignored pixels.
        settings: as many stages as the generator has, or fewer.
        mixture: where palettes come from if `settings.palette_source` is "mixture"; also those of `wide_share`.
        fabric: devices and precision; None is one CPU process in float32.
        checkpoint_path: read at the start if it exists, written on the way and at the end.
        configuration: further facts that a checkpoint must agree with (data set, its size, code).
    Attributes:
        averaged: the averaged generator, which is the one to sample from (G itself without averaging).
    Source: Semantic Palette, §3.2; ProGAN, §2; Improved WGAN, algorithm 1.
        Chapter: Progressive layouts, guided by a palette.
    """

    def __init__(
        self,
        generator: GuidedTrunk,
        discriminator: LayoutDiscriminator,
        layouts: Tensor,
        settings: ProgressiveSettings,
        mixture: PaletteMixture | None = None,
        fabric: Fabric | None = None,
        checkpoint_path: str | Path | None = None,
        configuration: dict[str, Any] | None = None,
    ):
        self._check(generator, layouts, settings, mixture)
        fabric = fabric or Fabric(accelerator="cpu", devices=1)
        device = fabric.device
        self.generator: Any = placed(generator, fabric, settings.channels_last)
        self.discriminator: LayoutDiscriminator = placed(discriminator, fabric, settings.channels_last)
        self.averaged: Any = average_of(self.generator, settings.ema_images)
        self.layouts = layouts.to(device)
        self.num_classes = generator.settings.num_classes
        self.has_ignored = self._has_ignored()
        self.mixture = mixture.to(device) if mixture is not None else None
        networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(net.parameters(), settings.learning_rate, settings.betas, fused=True)
            for name, net in zip("gd", (self.generator, self.discriminator), strict=True)
        }
        facts = {**generator.settings.as_dict(), "layouts": len(layouts), **(configuration or {})}
        if settings.ema_images:
            networks["averaged"] = self.averaged
        super().__init__(networks, optimizers, settings, fabric, checkpoint_path, facts)
        self._phases = settings.phases()
        self._at_stage: tuple[int, Tensor] | None = None  # the real layouts at the size of the stage at work
        self._fade = torch.ones((), device=device)
        self._run_g: Any = compiled(self.generator, settings.compile)
        self._run_d: Any = compiled(self.discriminator, settings.compile)
        # Fixed noise and palettes: samples of one run, and of its resumption, can be compared over time.
        fixed = torch.Generator(device).manual_seed(settings.seed + 1)
        self.fixed_noise = torch.randn(16, generator.settings.latent_dim, generator=fixed, device=device)
        self.fixed_palettes = self._some_palettes(fixed)
        self.resume()

    @staticmethod
    def _check(
        generator: GuidedTrunk, layouts: Tensor, settings: ProgressiveSettings, mixture: PaletteMixture | None
    ) -> None:
        if layouts.dtype != torch.uint8 or layouts.ndim != 3 or tuple(layouts.shape[1:]) != generator.size:
            raise ValueError(
                f"layouts are {layouts.dtype} {list(layouts.shape)}, expected uint8 [N, {generator.size[0]}, "
                f"{generator.size[1]}]: load the data set at the generator's size"
            )
        if len(settings.stages) > generator.settings.num_stages:
            raise ValueError(
                f"{len(settings.stages)} stages are set, but a generator of {generator.size[0]} px height "
                f"has {generator.settings.num_stages}"
            )
        if mixture is not None and mixture.num_classes != generator.settings.num_classes:
            raise ValueError(
                f"the mixture has {mixture.num_classes} classes, the generator {generator.settings.num_classes}: "
                "fit it on palettes of the same data set"
            )
        if settings.palette_source == "mixture" and mixture is None:
            raise ValueError("palette_source='mixture' needs a mixture: PaletteMixture.fit(palettes), or choose 'real'")
        if settings.wide_share and mixture is None:
            raise ValueError("wide_share needs a mixture: PaletteMixture.fit(palettes), or set it to 0")

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return sum(phase.steps for phase in self._phases)

    def _place(self, step: int) -> tuple[Phase, int]:
        """The phase that a step belongs to, and how many of its steps come before."""
        before = 0
        for phase in self._phases:
            if step < before + phase.steps:
                return phase, step - before
            before += phase.steps
        raise IndexError(f"step {step} of {before}")

    def _steps_to_report(self) -> int:
        phase, done = self._place(self.step)
        return phase.steps - done

    def _facts(self) -> dict[str, Any]:
        phase, done = self._place(self.step - 1)
        last = self.step == self.steps or self._place(self.step)[0].stage != phase.stage
        return {
            "stage": phase.stage,
            "height": self.generator.settings.size(phase.stage)[0],
            "fade": (done + 1) / phase.steps if phase.fading else 1.0,
            "samples": self.sample(phase.stage) if last else None,
        }

    def sample(self, stage: int) -> Tensor:
        """Hard layouts of the fixed noise and palettes, int64 [16, H, W] of the stage."""
        with torch.no_grad(), self.fabric.autocast():
            return self.averaged(self.fixed_noise, self.fixed_palettes, stage)[-1].soft_layout.argmax(1)

    def _has_ignored(self) -> bool:
        return bool((self.layouts >= self.num_classes).any())

    def _real(self, stage: int) -> Tensor:
        """Real layouts at a stage's size: the middle label of each patch (nearest neighbour)."""
        if self._at_stage is None or self._at_stage[0] != stage:
            patch = 1 << (self.generator.settings.num_stages - 1 - stage)
            small = self.layouts[:, patch // 2 :: patch, patch // 2 :: patch].contiguous()
            self._at_stage = stage, small
            self._kernel = softening_kernel(small.shape[1], self.settings.released).to(small.device)
        return self._at_stage[1]

    def _some_palettes(self, random: torch.Generator) -> Tensor:
        if self.mixture is not None:
            return self.mixture.sample(16, generator=random)
        index = torch.randint(len(self.layouts), (16,), generator=random, device=self.layouts.device)
        return self._palettes(one_hot(self.layouts[index], self.num_classes))

    def _draw(self, layouts: Tensor, stage: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """This device's part of a batch: real one-hot layouts, noise, palettes, and where x̂ lies between two."""
        random, device, total = self.random, layouts.device, self.settings.stages[stage].batch_size
        part = self._part(total)
        if self.settings.released:
            index, flip = (x.to(device) for x in self._released_batch(len(layouts), stage))
        else:
            index = torch.randint(len(layouts), (total,), generator=random, device=device)
            flip = torch.rand(total, 1, 1, generator=random, device=device) < 0.5
        z = torch.randn(total, self.generator.settings.latent_dim, generator=random, device=device)
        mix = torch.rand(total, 1, 1, 1, generator=random, device=device)[part]
        palette = None
        if self.settings.palette_source == "mixture" and self.mixture is not None:
            palette = self.mixture.sample(total, generator=random)[part]
        hard = self._shown(layouts[index[part]], flip[part])
        if palette is None:
            palette = self._palettes(hard)
        return hard, z[part], palette, mix

    def images_before(self, stage: int) -> int:
        """Real layouts shown in the stages before this one."""
        stages = self.settings.stages
        return sum(phase.steps * stages[phase.stage].batch_size for phase in self._phases if phase.stage < stage)

    def _released_batch(self, count: int, stage: int) -> tuple[Tensor, Tensor]:
        """Which of `count` real layouts the release shows now, [B], and which of them mirrored, bool [B, 1, 1].

        Each pass goes through the layouts in a new order and with new mirrorings, in whole batches: what is left over
        is dropped. Up to 32 px the batches of the first pass, mirrorings included, come again and again. A pass
        follows from the seed, the stage and its number, so that a stopped run needs no memory of it.
        """
        total = self.settings.stages[stage].batch_size
        batches = max(count // total, 1)
        passes, batch = divmod((self.images - self.images_before(stage)) // total, batches)
        if self.generator.settings.size(stage)[0] <= LAST_REPEATED:
            passes = 0
        random = np.random.default_rng((self.settings.seed, stage, passes))
        order, mirrored = random.permutation(count), random.random(count) < 0.5
        chosen = np.arange(batch * total, (batch + 1) * total) % count  # a batch may be larger than all layouts
        return torch.from_numpy(order[chosen]), torch.from_numpy(mirrored[chosen]).view(-1, 1, 1)

    def _palettes(self, hard: Tensor) -> Tensor:
        return palettes_of(hard)

    def _shown(self, layouts: Tensor, flip: Tensor) -> Tensor:
        """Real layouts [B, H, W], some mirrored, as one-hot ones."""
        return one_hot(torch.where(flip, layouts.flip(2), layouts), self.num_classes, self.settings.channels_last)

    def _widened(self, z: Tensor, palette: Tensor) -> tuple[Tensor, Tensor]:
        """What G is given: this device's noise and palettes, and behind them its part of those that no scene has.

        D knows real scenes and would call such layouts wrong for their palette: it does not see them.
        """
        count = round(self.settings.wide_share * self.settings.stages[self._stage].batch_size)
        if not count or self.mixture is None:
            return z, palette
        noise = torch.randn(count, z.shape[1], generator=self.random, device=z.device)
        wide = widened(self.mixture.sample(count, generator=self.random), self.random)
        part = self._part(count)
        return torch.cat([z, noise[part]]), torch.cat([palette, wide[part]])

    def _given(self, hard: Tensor, z: Tensor, palette: Tensor) -> tuple[Tensor, ...]:
        """What G is given, from a batch as it was drawn: here noise and palettes."""
        return self._widened(z, palette)

    def _compared(self, hard: Tensor, soft_layout: Tensor) -> tuple[Tensor, Tensor]:
        """A real and a generated batch, made alike in softness: what D tells apart."""
        real, fake, batch = hard, soft_layout, self.settings.stages[self._stage].batch_size
        if self.settings.soft_real:
            real = soften(hard, self._kernel)
            if self.has_ignored:  # ignored neighbours blur in as nothing; the rest must still sum to 1
                real = real / real.sum(1, keepdim=True).clamp(min=1e-6)
        else:
            noise = gumbel_noise((batch, *fake.shape[1:]), self.random)
            fake = straight_through_gumbel(fake, noise[self._part(batch)], self.settings.temperature)
        return real, fake

    def _conditional(self, masks: list[Mask], palette: Tensor) -> tuple[Tensor | float, dict[str, Tensor]]:
        """What the palette adds to the generator's loss, and its parts."""
        settings = self.settings
        judged = masks if settings.multi_scale else masks[-1:]
        entropy = torch.stack([entropy_loss(m.soft_layout) for m in judged]).sum()
        spread = torch.stack([spread_loss(m.density) for m in judged]).sum()
        loss = settings.conditional_weight * (entropy + spread)
        reported = {"entropy": entropy.detach(), "spread": spread.detach()}
        if settings.matching_weight:
            matching = palette_matching_loss(masks[-1].soft_layout, palette)
            loss = loss + settings.matching_weight * matching
            reported["matching"] = matching.detach()
        return loss, reported

    @property
    def _stage(self) -> int:
        return self._place(self.step)[0].stage

    def judge(self, weight: float = 1.0) -> Judged:
        """Draw a batch, generate as many layouts, and let D judge both; nothing is updated.

        Only the networks run in the fabric's precision: palettes and softened layouts must sum to 1.

        Args:
            weight: of the generator's loss.
        Source: Semantic Palette, §3.2; Improved WGAN, eq. 3. Chapter: Progressive layouts, guided by a palette.
        """
        settings, (phase, done), stage = self.settings, self._place(self.step), self._stage
        fade = (done + 1) / phase.steps if phase.fading else 1.0
        hard, z, palette, mix = self._draw(self._real(stage), stage)
        # While it is 1 a Python number lets the networks leave the bypass out; else a tensor, so that a compiled
        # network is not compiled again for each value.
        alpha: float | Tensor = 1.0 if fade >= 1 else self._fade.fill_(fade)
        with self.fabric.autocast():
            given = self._given(hard, z, palette)
            masks = self._run_g(*given, stage, alpha, settings.multi_scale)
        masks, beyond = _parted(masks, len(hard))
        real, fake = self._compared(hard, masks[-1][-1])  # the last entry of any mask has C classes
        # D lowers what G raises: on its way back the gradient changes its sign.
        seen = fake.detach() - weight * (fake - fake.detach())
        if self.has_ignored:
            # Both get the real layout's holes: ignored pixels tell D nothing, and take part in no loss.
            valid = hard.sum(1, keepdim=True)
            real, seen = real * valid, seen * valid
        # A discriminator that judges the palette too is told the real layouts' own, and x̂'s is the real one's.
        own = palettes_of(hard) if self.generator.settings.palette_judge else None
        asked = None if own is None else torch.cat([palette, own])
        both = torch.cat([seen, real])
        mixed = (real + mix * (seen.detach() - real)).requires_grad_()
        with self.fabric.autocast():
            fake_scores, real_scores = self._run_d(both, stage, alpha, asked, 2).float().chunk(2)
            with twice_differentiable():
                penalty = gradient_penalty(self.discriminator(mixed, stage, alpha, own), mixed)
        conditional, reported = self._conditional(masks, palette)
        if beyond:  # each of these layouts weighs as much as one of the batch
            share = len(beyond[-1].scores) / len(hard)
            conditional = conditional + share * self._conditional(beyond, given[1][len(hard) :])[0]
        distance = wasserstein_discriminator_loss(real_scores, fake_scores)
        drift = settings.drift_weight * real_scores.square().mean()
        loss = distance + settings.penalty_weight * penalty + drift + weight * conditional
        losses = {
            "loss_g": (wasserstein_generator_loss(fake_scores) + conditional).detach(),
            "loss_d": distance.detach(),
            "penalty": penalty.detach(),
        }
        return Judged(fake, loss, losses | reported)

    def _train_step(self) -> dict[str, Tensor]:
        batch = self.settings.stages[self._stage].batch_size
        judged = self.judge()
        parameters = [*self.generator.parameters(), *self.discriminator.parameters()]
        self._update(parameters, torch.autograd.grad(judged.loss, parameters, allow_unused=True))
        self.images += batch
        if self.settings.ema_images:
            self._average(self.averaged, self.generator, batch, self.settings.ema_images)
        return judged.reported
