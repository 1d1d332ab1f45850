"""LGGAN's local branch, all classes at once against a loop over the classes, there and back: `make bench`.

On a CPU, CPU time of one thread; on a GPU, time by the clock. Each case runs in a process of its own, whose peak memory
is what it grew by. "grouped" is one convolution with a group a class, in the order of memory that is faster here.
"""

import multiprocessing
import resource
import time
from statistics import median

import pytest
import torch
import torch.nn.functional as F

from sempal_lib.datasets import load
from sempal_lib.image_gans.class_convolution import ClassConvolution
from sempal_lib.labels import one_hot

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
HEIGHT, CHANNELS, BATCH = (256, 64, 4) if CUDA else (64, 64, 1)


def looped(conv, features, layouts):
    """As one would write it: a class after the other."""
    masks = one_hot(layouts, conv.groups)
    weights, biases = conv.weight.split(3), conv.bias.split(3)
    pictures = [
        F.conv2d(F.pad(masks[:, i, None] * features, (3,) * 4, mode="reflect"), weights[i], biases[i])
        for i in range(conv.groups)
    ]
    return torch.stack(pictures, 1)


def memory():
    if CUDA:
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def case(way, classes):
    """Median seconds of a pass there and back, and by how much the peak memory grew, MiB."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layouts = load("toy-street", "train", (HEIGHT, 2 * HEIGHT), limit=BATCH).layouts().long()
    layouts = torch.where(layouts == 255, 255, layouts + (classes - 19) * (torch.rand(layouts.shape) < 0.5)).to(DEVICE)
    conv = ClassConvolution(CHANNELS, classes).to(DEVICE, memory_format=torch.channels_last)
    conv.method = "grouped" if way == "loop" else way
    features = torch.randn(BATCH, CHANNELS, HEIGHT, 2 * HEIGHT, device=DEVICE)
    features = features.to(memory_format=torch.channels_last).requires_grad_()
    taken, before = [], memory()
    for _ in range(6):
        start = time.perf_counter() if CUDA else time.process_time()
        found = looped(conv, features, layouts) if way == "loop" else conv(features, layouts)
        torch.autograd.grad(found.tanh().square().mean(), [features, *conv.parameters()])
        if CUDA:
            torch.cuda.synchronize()
        taken.append((time.perf_counter() if CUDA else time.process_time()) - start)
    return median(taken[1:]), (memory() - before) / 2**20


def measured(way, classes):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(case, (way, classes))


@pytest.mark.parametrize("classes", [19, 35])
def test_all_classes_at_once_against_the_loop(classes):
    found = {way: measured(way, classes) for way in ("loop", "grouped", "tiled")}
    print(f"\n{classes} classes, {BATCH} of {HEIGHT}×{2 * HEIGHT} px, {CHANNELS} channels, on a {DEVICE.type}:")
    for way, (seconds, grown) in found.items():
        print(
            f"  {way}: {1000 * seconds:.0f} ms, {grown:.0f} MiB; the loop {found['loop'][0] / seconds:.1f} times as "
            f"long, with {found['loop'][1] / grown:.1f} times the memory"
        )


@pytest.mark.parametrize("way", ["grouped", "tiled"])
def test_memory_grows_no_faster_than_linearly_in_classes(way):
    grown = {classes: measured(way, classes)[1] for classes in (19, 38, 76)}
    print(f"\n{way}: " + ", ".join(f"{classes} classes {size:.0f} MiB" for classes, size in grown.items()))
    for fewer, more in ((19, 38), (38, 76)):
        assert grown[more] < 2.1 * grown[fewer] + 8
