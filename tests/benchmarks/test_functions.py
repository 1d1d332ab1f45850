"""Speed of what is slow outside the networks: `make bench`, or pytest tests/benchmarks (not part of make test)."""

import torch

from sempal_lib import datasets, metrics
from sempal_lib.layout_gans import exact_layout

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
