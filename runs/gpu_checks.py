"""What `make gpu-check` looks at, one function a question; each returns numbers, or raises and has failed."""

import gc
import math
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sempal_lib.training import Training, catalogue

STEPS = 3  # compared, before and after a stop, or profiled
WARM, TIMED, MOST_SECONDS = 3, 8, 6.0  # steps before the clock starts, on it, and when it stops early
NUDGE = 1e-6  # of each weight, in relation: some ten units in the last place of float32
LEAST, FACTOR, WORST = 1e-3, 10.0, 0.1  # see `agrees`
MATRIX = 8192  # rows and columns of the matrices that the peak is measured with


class Disagreement(AssertionError):
    """Two results that should be one are not; the message says by how much."""


class SameNoise(TorchFunctionMode):
    """Every random number of a step is drawn on the CPU, from one seed, and handed to where it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.random = torch.Generator().manual_seed(0)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if not isinstance(kwargs.get("generator"), torch.Generator):
            return func(*args, **kwargs)
        asked = kwargs.pop("device", None) or next((x.device for x in args if isinstance(x, Tensor)), "cpu")
        args = [x.cpu() if isinstance(x, Tensor) else x for x in args]
        return func(*args, **kwargs | {"generator": self.random}).to(asked)


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


@cache
def _scenes(name: str, preset: str) -> catalogue.Scenes:
    return catalogue.made_up(catalogue.parameters_of(name, preset))


def build(name: str, preset: str, device: str, path: Path | None = None, **changes: Any) -> Training:
    plain = {"precision": "32-true", "channels_last": False, "compile": False, "device": device, "devices": 1}
    parameters = catalogue.parameters_of(name, preset, **plain | changes)
    return catalogue.build(name, parameters, _scenes(name, preset), path)


def step(training: Training) -> dict[str, float]:
    """One step, counted. Its losses; raises if one is not finite."""
    losses = {key: float(value) for key, value in training._train_step().items()}
    training.step += 1
    bad = [f"{key} = {value}" for key, value in losses.items() if not math.isfinite(value)]
    if bad:
        raise Disagreement(f"losses that are no numbers after {training.step} steps: {', '.join(bad)}")
    return losses


def _losses(name: str, device: str, nudge: int = 0) -> list[dict[str, float]]:
    """Of the first steps. nudge: seed of a change of all weights; 0: none."""
    training = build(name, "smoke", device)
    random = torch.Generator().manual_seed(nudge)
    for network in training.networks.values():
        for part in network.modules():
            if isinstance(part, nn.Dropout):  # it takes no generator: each device would drop others
                part.p = 0.0
        if nudge:
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.mul_(1 + NUDGE * torch.randn(parameter.shape, generator=random).to(parameter.device))
    with SameNoise():
        return [step(training) for _ in range(STEPS)]


def _apart(one: list[dict[str, float]], other: list[dict[str, float]]) -> list[float]:
    """By how much the losses differ at each step, in relation to their size; at least to 0.1, for some are near 0."""
    return [max(abs(a[key] - b[key]) / max(abs(b[key]), 0.1) for key in b) for a, b in zip(one, other, strict=True)]


def agrees(name: str, device: str) -> dict[str, Any]:
    """Float32 losses of the device against the CPU's, from the same weights, batches and noise; without TF32.

    Sums in another order, and other algorithms of convolution, make 1e-3 at most. Two things make more of it: a class
    that is sampled flips where two scores are nearly equal, and Adam divides each gradient by its own size, so that a
    hair of difference in one near 0 becomes a whole step. How much they do is measured: the CPU's losses twice more,
    from weights that were nudged by a millionth. The device may be ten times as far off, and 10 % at most.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        here, cpu = _losses(name, device), _losses(name, "cpu")
    finally:
        torch.backends.cudnn.allow_tf32 = True  # torch's default
    found = _apart(here, cpu)
    noise = [max(x) for x in zip(*(_apart(_losses(name, "cpu", seed), cpu) for seed in (1, 2)), strict=True)]
    allowed = [min(max(LEAST, FACTOR * x), WORST) for x in noise]
    numbers = {"apart": found, "allowed": allowed, "apart_if_nudged": noise}
    if any(a > b for a, b in zip(found, allowed, strict=True)):
        raise Disagreement(f"losses differ from the CPU's: {numbers}; here {here}, CPU {cpu}")
    return numbers


def _weights(training: Training) -> dict[str, Tensor]:
    return {
        f"{key}.{name}": value.detach().cpu().clone()
        for key, network in training.networks.items()
        for name, value in network.state_dict().items()
    }


def _farthest(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return max(float((one[k].double() - other[k].double()).abs().max()) for k in other)


def resumes(name: str, device: str, **changes: Any) -> dict[str, Any]:
    """A run that was stopped and goes on from its checkpoint, against one that was not: all weights and statistics.

    They must be the same bit for bit; or, for some of CUDA's backward passes add in no fixed order, no farther apart
    than four times what two unbroken runs are: such differences grow from step to step, each time otherwise.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        unbroken = []
        for _ in range(2):
            training = build(name, "smoke", device, **changes)
            for _ in range(2 * STEPS):
                step(training)
            unbroken.append(_weights(training))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "run.safetensors")
            stopped = build(name, "smoke", device, path, **changes)
            for _ in range(STEPS):
                step(stopped)
            stopped.save()
            resumed = build(name, "smoke", device, path, **changes)
            if resumed.step != stopped.step:
                raise Disagreement(f"resumed at step {resumed.step}, stopped at {stopped.step}")
            for _ in range(STEPS):
                step(resumed)
    finally:
        torch.use_deterministic_algorithms(False)
    apart, noise = _farthest(_weights(resumed), unbroken[0]), _farthest(unbroken[1], unbroken[0])
    if apart > 4 * noise:
        raise Disagreement(f"weights are {apart:.3g} apart after a stop; two unbroken runs are {noise:.3g} apart")
    return {"apart": apart, "two_unbroken_apart": noise}


class _Flops(TorchDispatchMode):
    """Counts as torch's FlopCounterMode does, which also keeps track of modules and cannot follow autograd.grad."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=found)
        return found


def flops_of(training: Training) -> int:
    """Multiplications and additions of the convolutions and matrix products of one step."""
    with _Flops() as counter:
        training._train_step()
    return counter.total


def _clocked(training: Training, device: str) -> tuple[float, int]:
    """Seconds a step, and of how many. They are not counted, so schedules stand still; nothing waits for the device."""
    wait(device)
    began, done = time.perf_counter(), 0
    while done < TIMED and time.perf_counter() - began < MOST_SECONDS:
        training._train_step()
        done += 1
    wait(device)
    return (time.perf_counter() - began) / done, done


def steps(name: str, device: str, preset: str, count_flops: bool = False, **changes: Any) -> dict[str, Any]:
    """Steps per second at a preset's sizes; a step that fails, or whose losses are no numbers, fails the check."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    training = build(name, preset, device, **changes)
    began, images = time.perf_counter(), training.images
    step(training)
    samples, first = training.images - images, time.perf_counter() - began
    for _ in range(WARM - 1):
        step(training)
    seconds, done = _clocked(training, device)
    step(training)
    # On a CPU it is the most that this process has taken so far, with all that it has imported.
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    peak = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else resident
    flops = flops_of(training) if count_flops else None
    return {
        "steps_per_second": 1 / seconds, "samples_per_second": samples / seconds, "samples_a_step": samples,
        "peak_memory_mib": peak, "seconds_of_first_step": first, "flops_a_step": flops, "timed_steps": done,
    }  # fmt: skip


def _waits(training: Training) -> list[str]:
    """Where in the code a step makes the host wait for the device: file, line, how often."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            training._train_step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    places = Counter(f"{Path(w.filename).name}:{w.lineno}" for w in caught if "synchronizing" in str(w.message))
    return [f"{place} ({count})" for place, count in places.most_common(10)]


def _busy(intervals: list[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total, end = 0.0, -math.inf
    for low, high in sorted(intervals):
        total += max(0.0, high - max(low, end))
        end = max(end, high)
    return total


def profiled(name: str, device: str, preset: str, **changes: Any) -> dict[str, Any]:
    """Where a step's time goes: kernels (on a CPU operators), the device's idle share, and waits for the device."""
    training, cuda = build(name, preset, device, **changes), device == "cuda"
    for _ in range(WARM):
        step(training)
    waits, seconds = _waits(training) if cuda else None, _clocked(training, device)[0]
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]) as profiler:
        for _ in range(STEPS):
            training._train_step()
        wait(device)
    events: Any = profiler.events()
    there = [
        e for e in events
        if str(e.device_type).endswith("CUDA") and not getattr(e, "is_user_annotation", False)
        and not e.name.startswith(("Optimizer.", "ProfilerStep"))
    ]  # fmt: skip
    times: Counter[str] = Counter()
    for e in there if cuda else events:
        times[e.name] += e.time_range.elapsed_us() if cuda else e.self_cpu_time_total
    all_time, names = sum(times.values()) or 1, Counter(e.name.split(" (")[0] for e in events)
    watched = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "Memcpy DtoH", "Memcpy HtoD", "aten::item")
    return {
        # Of a step without the profiler, which slows the host down and not the device.
        "idle_share": 1 - _busy([(e.time_range.start, e.time_range.end) for e in there]) / (1e6 * STEPS * seconds)
        if cuda else None,
        "kernels_a_step": len(there) / STEPS if cuda else None,
        # The last wait of all is this function's own.
        "a_step": {key: (names[key] - (key == "cudaDeviceSynchronize")) / STEPS for key in watched if names[key]},
        "waits": waits,
        "top": [[key[:90], us / STEPS / 1e3, us / all_time] for key, us in times.most_common(10)],
    }  # fmt: skip


def machine(device: str) -> dict[str, Any]:
    """The device, and what it can do at most: a large matrix product by number format, and copying memory."""
    import lightning

    numbers: dict[str, Any] = {
        "torch": torch.__version__, "lightning": lightning.__version__, "device": "CPU",
        "threads": torch.get_num_threads(),
    }  # fmt: skip
    size = MATRIX if device == "cuda" else 512
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        numbers |= {"device": properties.name, "memory_mib": properties.total_memory / 2**20}
        numbers |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}

    def rate(call: Callable[[], Any], amount: float, repeat: int) -> float:
        for _ in range(3):
            call()
        wait(device)
        began = time.perf_counter()
        for _ in range(repeat):
            call()
        wait(device)
        return amount * repeat / (time.perf_counter() - began)

    for key, dtype, tf32 in (
        ("bfloat16", torch.bfloat16, False), ("tf32", torch.float32, True), ("float32", torch.float32, False)
    ):  # fmt: skip
        if tf32 and device != "cuda":
            continue
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a = torch.randn(size, size, device=device).to(dtype)
        b = torch.randn(size, size, device=device).to(dtype)
        numbers[f"matmul_tflops_{key}"] = rate(lambda a=a, b=b: a @ b, 2 * size**3 / 1e12, 10)
    torch.backends.cuda.matmul.allow_tf32 = False
    source = torch.empty(2**30 if device == "cuda" else 2**22, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    numbers["copy_gb_per_second"] = rate(lambda: target.copy_(source), 2 * len(source) / 1e9, 10)
    return numbers


def tidy(device: str) -> None:
    """Leave nothing of a check to the next one."""
    if "torch._dynamo" in sys.modules:
        torch._dynamo.reset()
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
