"""SemGAN's training step, and the sliced Wasserstein distance: where their time goes."""

import pytest
import torch

from sempal_lib import datasets, metrics
from sempal_lib.layout_gans import SemganDiscriminator, SemganGenerator, SemganSettings
from sempal_lib.training import SemganTraining, SemganTrainingSettings

CUDA = torch.cuda.is_available()


def flops_of_a_step(net: SemganSettings, batch: int) -> float:
    """Multiplications and additions of the convolutions: forward, and twice that backward, of G and D.

    D sees real and generated samples; its backward pass runs once for its own weights and, over the generated half,
    once more for G.
    """
    k2, widths = net.kernel_size**2, net.channels
    sizes = [4 << stage for stage in range(len(widths))]
    g = sum(a * b * k2 * size**2 for a, b, size in zip(widths, widths[1:], sizes, strict=False))  # transposed
    g += widths[-1] * net.out_channels * k2 * net.height**2
    into = [net.out_channels, *widths[::-1][1:]]
    d = sum(a * b * k2 * size**2 for a, b, size in zip(into, into[1:], sizes[-2::-1], strict=False))
    return 2 * batch * (3 * g + 2 * 3 * d + d)


@pytest.mark.parametrize("channels_last", [False, True], ids=lambda x: "nhwc" if x else "nchw")
@pytest.mark.parametrize("kernel", [5, 11])
def test_semgan_step(benchmark, kernel, channels_last):
    shapes = datasets.load("colored-shapes", limit=64)
    net = SemganSettings(4, 64, kernel_size=kernel, max_channels=256 if CUDA else 64, min_channels=32 if CUDA else 8)
    settings = SemganTrainingSettings(batch_size=32, steps=1, channels_last=channels_last)
    run = SemganTraining(SemganGenerator(net), SemganDiscriminator(net), shapes.layouts(), shapes.label_space, settings)
    benchmark.pedantic(run._train_step, rounds=3, warmup_rounds=1)
    seconds = benchmark.stats.stats.median
    benchmark.extra_info["GFLOP_per_second"] = round(flops_of_a_step(net, 32) / seconds / 1e9, 1)


def test_sliced_wasserstein_distance(benchmark):
    shapes = datasets.load("colored-shapes", limit=256)
    pictures = metrics.painted(shapes.layouts(), shapes.label_space)
    benchmark.pedantic(metrics.sliced_wasserstein_distance, (pictures, pictures.flip(3)), rounds=2)
