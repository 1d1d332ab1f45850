"""Speed of what is slow outside the networks: `make bench`, or pytest tests/benchmarks (not part of make test)."""

import time
from dataclasses import replace

import torch

from sempal_lib import datasets, metrics
from sempal_lib.image_gans import SpadeGenerator, SpadeSettings, TwoStageGenerator
from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.layout_gans import GeneratorSettings, LayoutGenerator, exact_layout
from sempal_lib.palettes import PaletteMixture
from sempal_lib.training.pairs import PairSet, Recipe, make_pairs

CLASSES = 19


def test_exact_layout(benchmark):
    random = torch.Generator().manual_seed(0)
    scores = torch.nn.functional.interpolate(
        5 * torch.randn(1, CLASSES, 8, 16, generator=random), size=(64, 128), mode="bicubic"
    )
    palette = (torch.rand(1, CLASSES, generator=random) ** 3).softmax(1)
    benchmark(exact_layout, scores, palette)


def test_sliced_wasserstein_distance(benchmark):
    shapes = datasets.load("colored-shapes", limit=256)
    pictures = metrics.painted(shapes.layouts(), shapes.label_space)
    benchmark.pedantic(metrics.sliced_wasserstein_distance, (pictures, pictures.flip(3)), rounds=2)


def test_a_thousand_pairs(benchmark, tmp_path):
    """Semantic Palette and GauGAN as wide as at preset demo, at 64×128 px: made, written, and read back at random."""
    torch.manual_seed(0)
    layouts = LayoutGenerator(GeneratorSettings(CLASSES, 32, 64, 32, 24, 48)).eval()
    painter = SpadeGenerator(SpadeSettings(CLASSES, 64, 128, 8, 4, 32)).eval()
    palettes = (torch.rand(200, CLASSES) ** 3).softmax(1)
    pair = TwoStageGenerator(layouts, painter, PaletteMixture.fit(palettes, 1))
    recipe = Recipe("bench", CITYSCAPES_19.names, 255, 64, 128, 1000, 0, {}, "")

    def made():
        list(make_pairs(tmp_path / str(time.perf_counter_ns()), recipe, pair.sample))

    benchmark.pedantic(made, rounds=2)
    (folder, *_) = tmp_path.iterdir()
    begin = time.perf_counter()
    pairs = PairSet(folder, replace(CITYSCAPES_19, ignore_index=255), (64, 128))
    opened = time.perf_counter() - begin
    for step in range(100):
        pairs.drawn(16, step)
    read = (time.perf_counter() - begin - opened) / 100
    benchmark.extra_info["pairs_per_second"] = round(1000 / benchmark.stats.stats.median, 1)
    print(
        f"\n1,000 pairs of 64×128 px: {benchmark.extra_info['pairs_per_second']} a second; opened in "
        f"{1000 * opened:.0f} ms, a batch of 16 read in {1000 * read:.1f} ms"
    )
