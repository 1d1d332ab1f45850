"""Progressive training of layout GANs: the same routine for every generator on the progressive trunk."""

import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.labels import one_hot
from sempal_lib.layers import gumbel_noise, soften, softening_kernel, straight_through_gumbel
from sempal_lib.layout_gans import LayoutDiscriminator, LayoutGenerator
from sempal_lib.losses import (
    entropy_loss,
    gradient_penalty,
    spread_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)
from sempal_lib.palettes import PaletteMixture
from sempal_lib.training import checkpoint
from sempal_lib.training.settings import RESULT_FREE, Phase, Progress, ProgressiveSettings, TrainingError


class ProgressiveTraining:
    """A layout GAN in training. Iterate over it: each round trains for a while and yields a `Progress`.

    Each step updates G, then D on the very layouts that G was updated on. Both gradients come from one pass of these
    layouts through D: L_G's gradient in D's weights is, but for its sign, the generated half of L_D's.

    Every random number of a step comes from one generator and is drawn for the whole batch, of which each device
    takes its part: several devices give the result of one (if each has whole groups of 4 samples, which D compares),
    and a stopped run goes on as if it had not been.

    Args:
        generator, discriminator: both at the last stage's size; trained in place.
        layouts: real ones at the last stage's size, uint8 [N, H, W]; labels ≥ C are ignored pixels.
        settings: as many stages as the generator has, or fewer.
        mixture: where palettes come from if `settings.palette_source` is "mixture".
        fabric: devices and precision; None is one CPU process in float32.
        checkpoint_path: read at the start if it exists, written on the way and at the end.
        configuration: further facts that a checkpoint must agree with (data set, its size, code).
    Attributes:
        averaged: the averaged generator, which is the one to sample from (G itself without averaging).
        history: rows of all reports.
    Source: Semantic Palette, §3.2; ProGAN, §2; Improved WGAN, algorithm 1.
        Chapter: Progressive layouts, guided by a palette.
    """

    def __init__(
        self,
        generator: LayoutGenerator,
        discriminator: LayoutDiscriminator,
        layouts: Tensor,
        settings: ProgressiveSettings,
        mixture: PaletteMixture | None = None,
        fabric: Fabric | None = None,
        checkpoint_path: str | Path | None = None,
        configuration: dict[str, Any] | None = None,
    ):
        self._check(generator, layouts, settings, mixture)
        self.settings, self.fabric = settings, fabric or Fabric(accelerator="cpu", devices=1)
        device = self.fabric.device
        memory_format = torch.channels_last if settings.channels_last else torch.contiguous_format
        self.generator = generator.to(device, memory_format=memory_format)  # type: ignore[call-overload]
        self.discriminator = discriminator.to(device, memory_format=memory_format)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(generator) if settings.ema_images else generator
        self.averaged.requires_grad_(not settings.ema_images)
        self.layouts = layouts.to(device)
        self.num_classes = generator.settings.num_classes
        self.has_ignored = bool((self.layouts >= self.num_classes).any())
        self.mixture = mixture.to(device) if mixture is not None else None
        self.random = torch.Generator(device).manual_seed(settings.seed)
        self.checkpoint_path = Path(checkpoint_path) if checkpoint_path else None
        self.configuration = self._configuration(configuration or {})
        self.history: list[dict[str, float]] = []
        self.step, self.images, self.seconds = 0, 0, 0.0
        self._optimizers = [
            torch.optim.Adam(net.parameters(), settings.learning_rate, settings.betas, fused=True)
            for net in (self.generator, self.discriminator)
        ]
        self._phases = settings.phases()
        self._fade = torch.ones((), device=device)
        self._run_g: Any = torch.compile(self.generator) if settings.compile else self.generator
        self._run_d: Any = torch.compile(self.discriminator) if settings.compile else self.discriminator
        # Fixed noise and palettes: samples of one run, and of its resumption, can be compared over time.
        fixed = torch.Generator(device).manual_seed(settings.seed + 1)
        self.fixed_noise = torch.randn(16, generator.settings.latent_dim, generator=fixed, device=device)
        self.fixed_palettes = self._some_palettes(fixed)
        if self.checkpoint_path and self.checkpoint_path.exists():
            self._resume()

    @staticmethod
    def _check(generator, layouts, settings, mixture):
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

    def _configuration(self, further: dict[str, Any]) -> dict[str, Any]:
        training = {k: v for k, v in asdict(self.settings).items() if k not in RESULT_FREE}
        facts = {**self.generator.settings.as_dict(), **training, "layouts": len(self.layouts), **further}
        return json.loads(json.dumps(facts))  # tuples become lists, as in a file

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return sum(phase.steps for phase in self._phases)

    def _place(self) -> tuple[Phase, int, bool]:
        """The phase of the current step, the steps done in it, and whether its stage ends with it."""
        before = 0
        for phase, following in zip(self._phases, [*self._phases[1:], None], strict=True):
            if self.step < before + phase.steps:
                return phase, self.step - before, following is None or following.stage != phase.stage
            before += phase.steps
        raise StopIteration

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Progress]:
        saved = time.monotonic()
        while self.step < self.steps:
            phase, done, stage_ends = self._place()
            layouts, batch = self._at_stage(phase.stage), self.settings.stages[phase.stage].batch_size
            while done < phase.steps:
                started, count = time.monotonic(), min(phase.steps - done, self.settings.report_steps)
                totals: dict[str, Tensor] = {}
                for _ in range(count):
                    done += 1
                    fade = done / phase.steps if phase.fading else 1.0
                    for name, value in self._train_step(layouts, phase.stage, fade).items():
                        totals[name] = totals[name] + value if name in totals else value
                sums: Any = torch.stack(list(totals.values()))
                if self.fabric.world_size > 1:  # each device saw its part of the batches
                    sums = self.fabric.all_reduce(sums, reduce_op="mean")
                losses = dict(zip(totals, (sums / count).tolist(), strict=True))
                self.step += count
                self._check_finite(losses, count)
                took = time.monotonic() - started
                self.seconds += took
                samples = self.sample(phase.stage) if stage_ends and done == phase.steps else None
                progress = Progress(
                    self.step, self.steps, self.images, phase.stage, layouts.shape[1], fade, count * batch / took,
                    losses, samples,
                )  # fmt: skip
                self.history.append(progress.row())
                if self.step == self.steps or time.monotonic() - saved >= self.settings.checkpoint_seconds:
                    self.save()
                    saved = time.monotonic()
                yield progress

    def sample(self, stage: int) -> Tensor:
        """Hard layouts of the fixed noise and palettes, int64 [16, H, W] of the stage."""
        with torch.no_grad(), self.fabric.autocast():
            return self.averaged(self.fixed_noise, self.fixed_palettes, stage)[-1].soft_layout.argmax(1)

    def _at_stage(self, stage: int) -> Tensor:
        """Real layouts at a stage's size: the middle label of each patch (nearest neighbour)."""
        patch = 1 << (self.generator.settings.num_stages - 1 - stage)
        small = self.layouts[:, patch // 2 :: patch, patch // 2 :: patch].contiguous()
        self._kernel = softening_kernel(small.shape[1], self.settings.released).to(small.device)
        return small

    def _some_palettes(self, random: torch.Generator) -> Tensor:
        if self.mixture is not None:
            return self.mixture.sample(16, generator=random)
        index = torch.randint(len(self.layouts), (16,), generator=random, device=self.layouts.device)
        hard = one_hot(self.layouts[index], self.num_classes).sum((2, 3))
        return hard / hard.sum(1, keepdim=True).clamp(min=1)

    def _part(self, stage: int) -> slice:
        """Which of a batch's samples are this device's."""
        total, world = self.settings.stages[stage].batch_size, self.fabric.world_size
        return slice(total * self.fabric.global_rank // world, total * (self.fabric.global_rank + 1) // world)

    def _draw(self, layouts: Tensor, stage: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """This device's part of a batch: real one-hot layouts, noise, palettes, and where x̂ lies between two."""
        random, device, total = self.random, layouts.device, self.settings.stages[stage].batch_size
        part = self._part(stage)
        if self.settings.released:
            # The release keeps the whole batches of its first pass in memory and repeats them.
            first = self.images % max(len(layouts) // total * total, 1)
            index = (torch.arange(total, device=device) + first) % len(layouts)
        else:
            index = torch.randint(len(layouts), (total,), generator=random, device=device)
        flip = torch.rand(total, 1, 1, generator=random, device=device) < 0.5
        z = torch.randn(total, self.generator.settings.latent_dim, generator=random, device=device)
        mix = torch.rand(total, 1, 1, 1, generator=random, device=device)[part]
        palette = None
        if self.settings.palette_source == "mixture" and self.mixture is not None:
            palette = self.mixture.sample(total, generator=random)[part]
        real = layouts[index[part]]
        hard = one_hot(torch.where(flip[part], real.flip(2), real), self.num_classes)
        if palette is None:
            palette = hard.sum((2, 3))
            palette = palette / palette.sum(1, keepdim=True).clamp(min=1)
        return hard, z[part], palette, mix

    def _train_step(self, layouts: Tensor, stage: int, fade: float) -> dict[str, Tensor]:
        hard, z, palette, mix = self._draw(layouts, stage)
        settings = self.settings
        # While it is 1 a Python number lets the networks leave the bypass out; else a tensor, so that a compiled
        # network is not compiled again for each value.
        alpha: float | Tensor = 1.0 if fade >= 1 else self._fade.fill_(fade)
        valid = hard.sum(1, keepdim=True) if self.has_ignored else None
        real = hard
        if settings.soft_real:
            real = soften(hard, self._kernel)
            if valid is not None:  # ignored neighbours blur in as nothing; the rest must still sum to 1
                real = real / real.sum(1, keepdim=True).clamp(min=1e-6)

        with self.fabric.autocast():
            masks = self._run_g(z, palette, stage, alpha, settings.multi_scale)
            fake = masks[-1].soft_layout
            if not settings.soft_real:
                noise = gumbel_noise((settings.stages[stage].batch_size, *fake.shape[1:]), self.random)
                fake = straight_through_gumbel(fake, noise[self._part(stage)], settings.temperature)
            if valid is not None:
                # Both get the real layout's holes: ignored pixels tell D nothing, and take part in no loss.
                real, fake = real * valid, fake * valid
            fake_scores = self._run_d(fake, stage, alpha)
            adversarial = wasserstein_generator_loss(fake_scores)
            judged = masks if settings.multi_scale else masks[-1:]
            entropy = torch.stack([entropy_loss(m.soft_layout) for m in judged]).sum()
            spread = torch.stack([spread_loss(m.density) for m in judged]).sum()
            loss_g = adversarial + settings.conditional_weight * (entropy + spread)

            mixed = (real + mix * (fake.detach() - real)).requires_grad_()
            real_scores = self._run_d(real, stage, alpha)
            penalty = gradient_penalty(self.discriminator(mixed, stage, alpha), mixed)
            drift = settings.drift_weight * real_scores.float().square().mean()
            real_part = settings.penalty_weight * penalty + drift - real_scores.float().mean()

        g, d = list(self.generator.parameters()), list(self.discriminator.parameters())
        from_g = torch.autograd.grad(loss_g, g + d, allow_unused=True)
        from_real = torch.autograd.grad(real_part, d, allow_unused=True)
        gradients: list[Tensor | None] = list(from_g[: len(g)])
        for theirs, ours in zip(from_g[len(g) :], from_real, strict=True):
            gradients.append(None if ours is None else ours - theirs)
        self._update(g + d, gradients)
        self.images += settings.stages[stage].batch_size
        self._average(settings.stages[stage].batch_size)
        return {
            "loss_g": loss_g.detach(),
            "loss_d": wasserstein_discriminator_loss(real_scores.detach(), fake_scores.detach()),
            "penalty": penalty.detach(),
            "entropy": entropy.detach(),
            "spread": spread.detach(),
        }

    def _update(self, parameters: list[nn.Parameter], gradients: list[Tensor | None]) -> None:
        if self.fabric.world_size > 1:
            # One message a step for both networks. Ours, not DDP's hooks: the penalty differentiates twice, and at
            # each stage other blocks are at rest.
            present = [x for x in gradients if x is not None]
            flat: Any = self.fabric.all_reduce(torch.cat([x.flatten() for x in present]), reduce_op="mean")
            pieces = iter(flat.split([x.numel() for x in present]))
            gradients = [None if x is None else next(pieces).view_as(x) for x in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            # The fused optimizer walks through memory, so a gradient must lie there as its parameter does. A backward
            # pass does not promise that.
            if gradient is not None and gradient.stride() != parameter.stride():
                gradient = torch.empty_like(parameter).copy_(gradient)
            parameter.grad = gradient
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad()

    def _average(self, batch: int) -> None:
        if not self.settings.ema_images:
            return
        # Early on the average must be quick, or it would still hold the first weights.
        half_life = min(self.settings.ema_images, max(0.05 * self.images, batch))
        averaged: list[Any] = list(self.averaged.parameters())
        current: list[Any] = list(self.generator.parameters())
        with torch.no_grad():
            torch._foreach_lerp_(averaged, current, 1 - 0.5 ** (batch / half_life))

    def _check_finite(self, losses: dict[str, float], count: int) -> None:
        bad = [name for name, value in losses.items() if not math.isfinite(value)]
        if bad:
            good = "there is no checkpoint yet"
            if self.checkpoint_path and self.checkpoint_path.exists():
                at = checkpoint.load(self.checkpoint_path)[1]["step"]
                good = f"the last good checkpoint is {self.checkpoint_path.name}, at step {at}"
            raise TrainingError(
                f"{bad[0]} became {losses[bad[0]]} in the {count} steps before step {self.step}; {good}. "
                "Try a smaller learning_rate, or precision 32-true"
            )

    def save(self) -> None:
        """Write the checkpoint, if there is a path for it. Rank 0 writes."""
        if self.checkpoint_path is None or self.fabric.global_rank:
            return
        tensors = {"random": self.random.get_state()}
        for name, net in self._networks().items():
            tensors |= checkpoint.with_prefix(name, net.state_dict())
        for name, optimizer in zip("gd", self._optimizers, strict=True):
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= checkpoint.with_prefix(f"adam_{name}.{index}", state)
        facts = {
            "configuration": self.configuration, "step": self.step, "images": self.images,
            "seconds": self.seconds, "history": self.history,
        }  # fmt: skip
        checkpoint.save(self.checkpoint_path, tensors, facts)

    def _networks(self) -> dict[str, nn.Module]:
        nets: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        return nets | ({"averaged": self.averaged} if self.settings.ema_images else {})

    def _resume(self) -> None:
        assert self.checkpoint_path is not None
        tensors, facts = checkpoint.load(self.checkpoint_path)
        checkpoint.check_configuration(self.checkpoint_path, facts["configuration"], self.configuration)
        for name, net in self._networks().items():
            net.load_state_dict(checkpoint.by_prefix(name, tensors))
        for name, optimizer in zip("gd", self._optimizers, strict=True):
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in checkpoint.by_prefix(f"adam_{name}", tensors).items():
                index, field = key.split(".")
                state.setdefault(int(index), {})[field] = value
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.random.set_state(tensors["random"])
        self.step, self.images = facts["step"], facts["images"]
        self.seconds, self.history = facts["seconds"], facts["history"]
