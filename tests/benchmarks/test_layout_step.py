"""Speed of a layout GAN's training step against the usual order of passes: `make bench`, or pytest tests/benchmarks.

CPU time of one thread. Both ways, in both precisions, run in processes of their own and take turns, so that whatever
else the machine does meets them alike; a ratio is the median over the rounds. The floor is what the step's
multiplications alone would take at the speed of this core's best convolution.
"""

import multiprocessing
import sys
import time
from pathlib import Path
from statistics import median
from unittest.mock import patch

import plain_step
import pytest
import torch
from lightning.fabric import Fabric

from sempal_lib.layout_gans import GeneratorSettings, LayoutDiscriminator, LayoutGenerator
from sempal_lib.palettes import PaletteMixture, palette_of
from sempal_lib.training import ProgressiveSettings, ProgressiveTraining, StageSettings

CLASSES = 19
SIZES = {  # height: widest features, features at 4 px before they are halved, layouts a step, steps a round
    16: (24, 48, 8, 20),
    64: (64, 4096, 8, 1),
    128: (64, 4096, 2, 1),
}
WAYS = [("ours", "32-true"), ("plain", "32-true"), ("ours", "bf16-mixed"), ("plain", "bf16-mixed")]
ROUNDS = 5


def training(height, precision, channels_last):
    channels, base, batch, _ = SIZES[height]
    torch.manual_seed(0)
    network = GeneratorSettings(CLASSES, height, 2 * height, 32, channels, base)
    small = torch.randint(CLASSES, (64, height // 4, height // 2), dtype=torch.uint8)
    layouts = small.repeat_interleave(4, 1).repeat_interleave(4, 2)
    layouts[:, : height // 8, : height // 4] = 255
    mixture = PaletteMixture.fit(palette_of(layouts, CLASSES, 255), 1)
    stages = tuple(StageSettings(batch, batch, 1000 * batch) for _ in range(network.num_stages))
    settings = ProgressiveSettings(stages, channels_last=channels_last)
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    nets = LayoutGenerator(network), LayoutDiscriminator(network)
    run = ProgressiveTraining(*nets, layouts, settings, mixture, fabric)
    run.step = run.steps - 1
    return run


def work(pipe, height, way, precision):
    """Build a training; for each number that comes, take as many steps and send the seconds a step."""
    torch.set_num_threads(1)
    if way == "plain":
        for change in (*plain_step.plain_layers(), patch("sempal_lib.training.loop.keep_freed_memory", lambda: None)):
            change.start()
        run, flops = plain_step.PlainTraining(training(height, precision, channels_last=False)), None
    else:
        sys.path.insert(0, str(Path(__file__).parents[2] / "runs"))
        from gpu_checks import flops_of

        run = training(height, precision, channels_last=True)
        flops = flops_of(run)
    run._train_step()
    pipe.send(flops)
    while steps := pipe.recv():
        started = time.process_time()
        for _ in range(steps):
            run._train_step()
        pipe.send((time.process_time() - started) / steps)


def peak(precision):
    """Multiplications and additions a second of a convolution that suits the machine."""
    x, weight = torch.randn(8, 64, 16, 32), torch.randn(64, 64, 3, 3)
    if precision != "32-true":
        x, weight = x.bfloat16(), weight.bfloat16()
    x, weight = (v.contiguous(memory_format=torch.channels_last) for v in (x, weight))
    taken, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(50):
        started = time.process_time()
        torch.conv2d(x, weight, None, 1, 1)
        taken.append(time.process_time() - started)
    torch.set_num_threads(threads)
    return 2 * 9 * 64 * 64 * x[:, 0].numel() / median(taken)


@pytest.fixture(scope="module")
def report():
    lines = []
    yield lines
    print("\n" + "\n".join(lines))


@pytest.mark.parametrize("height", SIZES)
def test_layout_step(benchmark, report, height):
    processes, pipes, flops, seconds = [], {}, 0, {way: [] for way in WAYS}
    context = multiprocessing.get_context("spawn")
    for way in WAYS:
        pipes[way], theirs = context.Pipe()
        processes.append(context.Process(target=work, args=(theirs, height, *way), daemon=True))
        processes[-1].start()
    for pipe in pipes.values():
        flops = pipe.recv() or flops

    def take_turns():
        for way, pipe in pipes.items():
            pipe.send(SIZES[height][3])
            seconds[way].append(pipe.recv())

    benchmark.pedantic(take_turns, rounds=ROUNDS, warmup_rounds=0)
    for pipe in pipes.values():
        pipe.send(0)
    for process in processes:
        process.join()

    def ratio(way, other):
        return median(a / b for a, b in zip(seconds[way], seconds[other], strict=True))

    plain = "plain", "32-true"
    channels, _, batch, _ = SIZES[height]
    size = f"layout step {height}×{2 * height}, {channels} channels, batch {batch}"
    for precision in ("32-true", "bf16-mixed"):
        ours, same = ("ours", precision), ("plain", precision)
        floor, taken = 1e3 * flops / peak(precision), 1e3 * median(seconds[ours])
        report.append(
            f"{size}, {precision}: ours {taken:.1f} ms, plain {1e3 * median(seconds[same]):.1f} ms, ratio "
            f"{ratio(ours, same):.2f}, to plain float32 {ratio(ours, plain):.2f}; {taken / floor:.1f} times the floor"
        )
        benchmark.extra_info[precision] = {"to_plain": ratio(ours, same), "to_plain_float32": ratio(ours, plain)}
