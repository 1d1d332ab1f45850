"""Speed of SPADE, forward and backward: `make bench`, or pytest tests/benchmarks (not part of make test).

By coded convolutions, by dense ones, and "plain": dense too, with the layout made one-hot and resized for each block
anew. The ratios to plain are printed at the end. CPU time is taken on a CPU, where other work may run beside; peak
memory on a CPU is that of the largest case so far.
"""

import resource
import time

import pytest
import torch

from sempal_lib.datasets import load
from sempal_lib.image_gans import (
    SpadeGenerator,
    SpadeSettings,
)
from sempal_lib.image_gans.layout_levels import LayoutLevels

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
