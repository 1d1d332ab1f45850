"""Speed of the image synthesizers: `make bench`, or pytest tests/benchmarks (not part of make test).

The first cases time SPADE forward and backward, by coded convolutions, by dense ones, and "plain": dense too, with
the layout made one-hot and resized for each block anew. Their ratios to plain are printed at the end. The others time
a training step of each synthesizer. CPU time is taken on a CPU, where other work may run beside; peak memory on a CPU
is that of the largest case so far.
"""

import resource
import time

import pytest
import torch
from lightning.fabric import Fabric

from sempal_lib.datasets import load
from sempal_lib.image_gans import (
    DiscriminatorSettings,
    GlobalGenerator,
    ImageEncoder,
    MultiScaleDiscriminator,
    Pix2pixhdSettings,
    Pix2pixSettings,
    SpadeGenerator,
    SpadeSettings,
    UnetGenerator,
    perceptual_features,
)
from sempal_lib.image_gans.layout_levels import LayoutLevels
from sempal_lib.training.images import ImageTraining, ImageTrainingSettings

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
CLASSES = 19


def clock():
    if CUDA:
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def scenes(height, n):
    return load("toy-street", "train", (height, 2 * height), limit=n).layouts()


class Anew(LayoutLevels):
    """Every block makes its own one-hot layout."""

    def at(self, height):
        return self._make(self.height // height)


@pytest.fixture(scope="module")
def medians():
    """Seconds by case; the ratios are printed when all are timed."""
    found = {}
    yield found
    print()
    for (size, precision, way), seconds in found.items():
        if way != "plain" and (plain := found.get((size, precision, "plain"))):
            print(f"SPADE {size}, {precision}: {way} takes {seconds:.3f} s, plain {plain / seconds:.2f} times as long")


@pytest.mark.parametrize("way", ["plain", "dense", "coded"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"] if CUDA else ["32-true"])
@pytest.mark.parametrize(
    ("height", "ngf", "doublings", "batch"),
    [(128, 64, 6, 8), (256, 64, 6, 8)] if CUDA else [(32, 16, 3, 4), (64, 16, 4, 4), (128, 16, 5, 4)],
)
def test_spade(benchmark, medians, monkeypatch, height, ngf, doublings, batch, precision, way):
    torch.manual_seed(0)
    generator = SpadeGenerator(SpadeSettings(CLASSES, height, 2 * height, ngf, doublings)).to(DEVICE)
    generator.method = {"coded": "coded" if CUDA else "auto"}.get(way, "dense")
    if way == "plain":
        monkeypatch.setattr("sempal_lib.image_gans.spade.LayoutLevels", Anew)
    layouts, parameters = scenes(height, batch).to(DEVICE), list(generator.parameters())

    def step():
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=precision != "32-true"):
            loss = generator(layouts).square().mean()
        torch.autograd.grad(loss, parameters)
        if CUDA:
            torch.cuda.synchronize()

    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    taken = []

    def timed():
        start = clock()
        step()
        taken.append(clock() - start)

    benchmark.pedantic(timed, rounds=20 if CUDA else 4, warmup_rounds=3 if CUDA else 1)
    medians[f"{height}×{2 * height}, ngf {ngf}, batch {batch}", precision, way] = sorted(taken)[len(taken) // 2]
    peak = torch.cuda.max_memory_allocated() if CUDA else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    benchmark.extra_info["peak_MiB"] = round(peak / 2**20)


def training(kind, height, ngf, batch, precision="32-true"):
    torch.manual_seed(0)
    size, settings = (height, 2 * height), ImageTrainingSettings(batch, 1000, 500)
    judge, encoder = DiscriminatorSettings.small(CLASSES, ngf), None
    if kind.startswith("gaugan"):
        spade = SpadeSettings(
            CLASSES, *size, ngf, height.bit_length() - 3, use_vae=kind == "gaugan-vae", encoder_size=max(16, height)
        )
        generator = SpadeGenerator(spade)
        encoder = ImageEncoder(spade) if kind == "gaugan-vae" else None
    elif kind == "pix2pix":
        depth = height.bit_length() - 1
        generator = UnetGenerator(Pix2pixSettings(CLASSES, *size, ngf, depth, min(3, depth - 2)))
        judge = DiscriminatorSettings.pix2pix(CLASSES, ngf)
        settings = ImageTrainingSettings.pix2pix(batch_size=batch, steps=1000, constant_steps=500)
    else:
        generator = GlobalGenerator(Pix2pixhdSettings(CLASSES, *size, ngf, downs=3))
        judge = DiscriminatorSettings.pix2pixhd(CLASSES, ngf)
        settings = ImageTrainingSettings.pix2pixhd(batch_size=batch, steps=1000, constant_steps=500)
    # No weights are needed to time a step: the features are those of two poolings.
    features = perceptual_features(lambda x: [x, torch.nn.functional.avg_pool2d(x, 4)])
    layouts = scenes(height, 16)
    images = torch.randint(256, (16, 3, *size), dtype=torch.uint8)
    fabric = Fabric(accelerator="cuda" if CUDA else "cpu", devices=1, precision=precision)
    return ImageTraining(
        generator, MultiScaleDiscriminator(judge), images, layouts, settings,
        features if settings.perceptual_weight else None, encoder, fabric=fabric,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["gaugan", "gaugan-vae", "pix2pix", "pix2pixhd"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"] if CUDA else ["32-true"])
def test_training_step(benchmark, kind, precision):
    run = training(kind, 128 if CUDA else 32, 64 if CUDA else 16, 8 if CUDA else 4, precision)
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    taken = []

    def step():
        start = clock()
        run._train_step()
        taken.append(clock() - start)

    benchmark.pedantic(step, rounds=20 if CUDA else 8, warmup_rounds=3 if CUDA else 2)
    peak = torch.cuda.max_memory_allocated() if CUDA else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    median = sorted(taken)[len(taken) // 2]
    benchmark.extra_info |= {"peak_MiB": round(peak / 2**20), "steps_per_second": round(1 / median, 2)}
    print(f"\n{kind}, {precision}: {median:.3f} s a step, {1 / median:.2f} steps/s, peak {peak / 2**20:.0f} MiB")
