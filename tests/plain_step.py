"""One step of a layout GAN in the usual order of passes, as Semantic Palette's release takes it: to hold ours against.

G forward; D of the generated layouts; backward, through D's weights too; Adam for G. Then D of the same layouts anew,
of real ones and of mixtures, whose slope autograd derives once more; backward; Adam for D. Memory is contiguous, the
layers are as one would write them, and nothing is fused.
"""

from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from sempal_lib.layers import SLOPE, EqualizedConv2d, PixelNorm, upsample
from sempal_lib.losses import gradient_penalty
from sempal_lib.training import ProgressiveTraining


def _pixel_norm(self: PixelNorm, x: Tensor) -> Tensor:
    power = x.square().mean(1, keepdim=True) + 1e-8
    return x / power.sqrt() if self.root else x / power


def plain_layers() -> list:
    """Patches to start: the layers that the library computes in a quicker way."""
    return [
        patch.object(EqualizedConv2d, "doubled", lambda self, x: self(upsample(x))),
        patch.object(PixelNorm, "forward", _pixel_norm),
        patch("sempal_lib.layout_gans.progan.leaky", lambda x: leaky_relu(x, SLOPE)),
    ]


class PlainTraining:
    """Takes plain steps with the networks, the data and the random numbers of a training."""

    def __init__(self, training: ProgressiveTraining):
        self.training, settings = training, training.settings
        for network in (training.generator, training.discriminator):
            network.to(memory_format=torch.contiguous_format)
        self.adam_g, self.adam_d = (
            torch.optim.Adam(network.parameters(), settings.learning_rate, settings.betas, foreach=False)
            for network in (training.generator, training.discriminator)
        )

    def _train_step(self) -> dict[str, Tensor]:
        run, stage = self.training, self.training._stage
        generator, judge, settings = run.generator, run.discriminator, run.settings
        phase, done = run._place(run.step)
        fade = (done + 1) / phase.steps if phase.fading else 1.0
        hard, z, palette, mix = run._draw(run._real(stage), stage)
        with run.fabric.autocast():
            masks = generator(z, palette, stage, fade, settings.multi_scale)
        real, fake = run._compared(hard, masks[-1].soft_layout)
        valid = hard.sum(1, keepdim=True)
        real, fake = real * valid, fake * valid

        with run.fabric.autocast():
            loss_g = -judge(fake, stage, fade).float().mean() + run._conditional(masks, palette)[0]
        self.adam_g.zero_grad()
        loss_g.backward()
        self.adam_g.step()

        fake = fake.detach()
        mixed = ((1 - mix) * real + mix * fake).requires_grad_()
        with run.fabric.autocast():
            fake_scores, real_scores = judge(fake, stage, fade).float(), judge(real, stage, fade).float()
            penalty = gradient_penalty(judge(mixed, stage, fade), mixed)
        loss_d = fake_scores.mean() - real_scores.mean()
        drift = settings.drift_weight * real_scores.square().mean()
        self.adam_d.zero_grad()
        (loss_d + drift + settings.penalty_weight * penalty).backward()
        self.adam_d.step()
        return {"loss_g": loss_g.detach(), "loss_d": loss_d.detach(), "penalty": penalty.detach()}
