"""Speed of the layout generator: `make bench`, or pytest tests/benchmarks (not part of make test).

Each case prints steps per second and, as extra information, peak memory; on a GPU all settings are timed, on a CPU
those that exist there. Each case runs in this process, so peak memory on a CPU is that of the largest case so far.
"""

import resource

import pytest
import torch
from lightning.fabric import Fabric

from sempal_lib.layout_gans import GeneratorSettings, LayoutDiscriminator, LayoutGenerator, exact_layout
from sempal_lib.palettes import PaletteMixture, palette_of
from sempal_lib.training import ProgressiveSettings, ProgressiveTraining, StageSettings

CUDA = torch.cuda.is_available()
CLASSES = 19


def layouts(height, n=64):
    """Blobs: random labels at an eighth of the size, enlarged."""
    random = torch.Generator().manual_seed(0)
    small = torch.randint(CLASSES, (n, height // 8, height // 4), generator=random, dtype=torch.uint8)
    return small.repeat_interleave(8, 1).repeat_interleave(8, 2)


def training(height, batch, channels, channels_last, compiled, precision):
    torch.manual_seed(0)
    net = GeneratorSettings(CLASSES, height, 2 * height, latent_dim=512, max_channels=channels)
    data = layouts(height)
    stages = (StageSettings(batch, batch, batch),) * net.num_stages
    settings = ProgressiveSettings(stages, channels_last=channels_last, compile=compiled)
    fabric = Fabric(accelerator="cuda" if CUDA else "cpu", devices=1, precision=precision)
    mixture = PaletteMixture.fit(palette_of(data, CLASSES), 1)
    return ProgressiveTraining(LayoutGenerator(net), LayoutDiscriminator(net), data, settings, mixture, fabric)


@pytest.mark.parametrize("compiled", [False, True] if CUDA else [False], ids=lambda x: "compile" if x else "eager")
@pytest.mark.parametrize("channels_last", [False, True], ids=lambda x: "nhwc" if x else "nchw")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize(("height", "channels"), [(64, 512 if CUDA else 32), (128, 512 if CUDA else 32)])
def test_training_step(benchmark, height, channels, precision, channels_last, compiled):
    run = training(height, 8, channels, channels_last, compiled, precision)
    run.step = run.steps - 1  # the last stage, wholly faded in

    def step():
        run._train_step()
        if CUDA:
            torch.cuda.synchronize()

    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    benchmark.pedantic(step, rounds=20 if CUDA else 3, warmup_rounds=5 if CUDA else 1)
    peak = torch.cuda.max_memory_allocated() if CUDA else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    benchmark.extra_info["peak_MiB"] = round(peak / 2**20)
    benchmark.extra_info["steps_per_second"] = round(1 / benchmark.stats.stats.median, 2)


def test_exact_layout(benchmark):
    random = torch.Generator().manual_seed(0)
    scores = torch.nn.functional.interpolate(
        5 * torch.randn(1, CLASSES, 8, 16, generator=random), size=(64, 128), mode="bicubic"
    )
    palette = (torch.rand(1, CLASSES, generator=random) ** 3).softmax(1)
    benchmark(exact_layout, scores, palette)
