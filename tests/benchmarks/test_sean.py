"""SEAN's style branch, all classes at once, against a linear layer a class and dense maps of styles: `make bench`.

CPU time of one thread; each case runs in a process of its own, whose peak memory is what it grew by.
"""

import pytest
import torch
import torch.nn.functional as F
from test_clvae import measured, seconds_of

from sempal_lib.image_gans import SeanGenerator, SeanSettings, StyleEncoder, sample_latent, sean
from sempal_lib.image_gans.sean import Regions
from sempal_lib.training import catalogue

CLASSES = 19


class DenseRegions(Regions):
    """The styles are spread over the layout, a class at a time, and convolved as they lie there."""

    def convolve(self, styles, height, weight, bias):
        step = self.labels.shape[1] // height
        labels = self.labels[:, ::step, ::step]
        spread = styles.new_zeros(len(styles), styles.shape[2], *labels.shape[1:])
        for index in range(self.num_classes):
            region = (labels == index).unsqueeze(1)
            spread = torch.where(region, styles[:, index, :, None, None], spread)
        return F.conv2d(spread, weight, bias, padding=1)


def one_by_one(norm, codes):
    styles = [F.linear(codes[:, index], norm.maps[index].T, norm.offsets[index, 0]) for index in range(CLASSES)]
    return torch.stack(styles, 1).relu()


def take(way):
    if way == "loop":
        sean.Regions = DenseRegions
        sean.SeanNorm.styles = one_by_one
    torch.manual_seed(0)


def step_of(way, size, ngf):
    """Forward and backward of generator and style encoder, one picture."""
    take(way)
    settings = SeanSettings(CLASSES, size, size, ngf, style_dim=8 * ngf)
    generator, encoder = SeanGenerator(settings), StyleEncoder(settings)
    layouts = torch.randint(CLASSES, (1, 8, 8)).repeat_interleave(size // 8, 1).repeat_interleave(size // 8, 2)
    images, parameters = torch.rand(1, 3, size, size), [*generator.parameters(), *encoder.parameters()]

    def step():
        z = sample_latent(*encoder(images, layouts), torch.randn(1, generator.noise_dim))
        torch.autograd.grad(generator(layouts, z).square().mean(), parameters)

    return lambda: seconds_of(step, 3)


@pytest.mark.parametrize(("size", "ngf"), [(64, 16), (128, 32), (256, 16)])
def test_batched_styles_against_the_loop(size, ngf):
    (fast, small), (slow, large) = (measured(step_of, way, size, ngf) for way in ("batched", "loop"))
    print(
        f"\nSEAN, {size}×{size} px, ngf {ngf}, {CLASSES} classes: batched {fast:.2f} s, {small:.0f} MiB; loop "
        f"{slow:.2f} s, {large:.0f} MiB: {slow / fast:.1f} times the time, {large / small:.1f} times the memory"
    )


def training_step(way, changes):
    """A whole step: generator, encoder, discriminator, features of an eye, both optimizers."""
    take(way)
    p = catalogue.parameters_of("sean", "demo", dataset="toy-faces", device="cpu", ema=False, **changes)
    run = catalogue.build("sean", p)
    return lambda: seconds_of(run._train_step, 3)


@pytest.mark.parametrize(
    "changes", [{"height": 64}, {"height": 128, "ngf": 32, "doublings": 4, "batch_size": 1}], ids=["demo", "wider"]
)
def test_a_training_step_against_the_loop(changes):
    (fast, small), (slow, large) = (measured(training_step, way, changes) for way in ("batched", "loop"))
    print(
        f"\nSEAN, a training step, {changes}: batched {fast:.2f} s, {small:.0f} MiB; loop {slow:.2f} s, {large:.0f} "
        f"MiB: {slow / fast:.1f} times the time, {large / small:.1f} times the memory"
    )
