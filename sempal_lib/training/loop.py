"""What every training of the book shares: steps, reports, checkpoints, devices, the averaged generator."""

import copy
import ctypes
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch._functorch.config
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.training import checkpoint
from sempal_lib.training.settings import RESULT_FREE, Progress, TrainingError


def placed(network: Any, fabric: Fabric, channels_last: bool) -> Any:
    """A network on its device, in the memory order asked for; over several GPUs its batch norm is synchronised."""
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    return network.to(fabric.device, memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def compiled(function: Any, wanted: bool) -> Any:
    """torch.compile where it is wanted, for graphs that several backward passes go through."""
    if not wanted:
        return function
    # By default a compiled backward pass reuses the memory of what the forward pass kept, and refuses retain_graph.
    torch._functorch.config.donated_buffer = False
    return torch.compile(function)


def keep_freed_memory() -> None:
    """Let this process keep what it frees, for its next step. Without it a CPU spends up to a fifth of a step on this.

    Large tensors are given back to the system as they are freed, and come again page by page. Only glibc can be told.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_threshold, 2**30)


def average_of(network: Any, half_life: float) -> Any:
    """What `Training._average` moves: a copy that is only sampled from; with a half-life of 0 the network itself."""
    return copy.deepcopy(network).eval().requires_grad_(False) if half_life else network


class Training:
    """Networks in training. Iterate over it: each round trains for a while and yields a `Progress`.

    A subclass says what a step is (`_train_step`) and how many there are (`steps`). Every random number of a step
    comes from `random`, whose state is in the checkpoint: a stopped run goes on as if it had not been. A batch is
    drawn whole by each device, of which it takes its part, so that several devices give the result of one.

    Args:
        networks: by name, on their device; all that a checkpoint holds, averages included. optimizers: by name.
        settings: a dataclass with report_steps (between two reports nothing waits for the device),
            checkpoint_seconds and seed (of `random`). A checkpoint must agree with all that changes a result.
        fabric: devices and precision. checkpoint_path: read at the start if it exists, written on the way.
        configuration: further facts that a checkpoint must agree with, as JSON holds them.
    Attributes:
        step, images, seconds: done so far. history: rows of all reports.
    """

    def __init__(
        self,
        networks: dict[str, nn.Module],
        optimizers: dict[str, torch.optim.Optimizer],
        settings: Any,
        fabric: Fabric,
        checkpoint_path: str | Path | None,
        configuration: dict[str, Any],
    ):
        keep_freed_memory()
        self.networks, self.optimizers, self.settings, self.fabric = networks, optimizers, settings, fabric
        described = {name: value for name, value in asdict(settings).items() if name not in RESULT_FREE}
        self.configuration = json.loads(json.dumps(described | configuration))  # tuples become lists, as in a file
        self.checkpoint_path = Path(checkpoint_path) if checkpoint_path else None
        self.random = torch.Generator(fabric.device).manual_seed(settings.seed)
        self.history: list[dict[str, float]] = []
        self.step, self.images, self.seconds = 0, 0, 0.0

    def _train_step(self) -> dict[str, Tensor]:
        """One update of all networks; adds to `images`. Returns the losses, detached scalars."""
        raise NotImplementedError

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        raise NotImplementedError

    def _steps_to_report(self) -> int:
        """Steps until something ends that must be reported by itself."""
        return self.steps - self.step

    def _facts(self) -> dict[str, Any]:
        """What this kind of training adds to a report: stage, height, fade, samples."""
        return {}

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Progress]:
        saved = time.monotonic()
        while self.step < self.steps:
            started, images = time.monotonic(), self.images
            count = min(self._steps_to_report(), self.settings.report_steps)
            totals: dict[str, Tensor] = {}
            for _ in range(count):
                for name, value in self._train_step().items():
                    totals[name] = totals[name] + value if name in totals else value
                self.step += 1
            sums: Any = torch.stack(list(totals.values()))
            if self.fabric.world_size > 1:  # each device saw its part of the batches
                sums = self.fabric.all_reduce(sums, reduce_op="mean")
            losses = dict(zip(totals, (sums / count).tolist(), strict=True))
            self._check_finite(losses, count)
            took = time.monotonic() - started
            self.seconds += took
            speed = (self.images - images) / took
            progress = Progress(self.step, self.steps, self.images, speed, losses, **self._facts())
            self.history.append(progress.row())
            if self.step == self.steps or time.monotonic() - saved >= self.settings.checkpoint_seconds:
                self.save()
                saved = time.monotonic()
            yield progress

    def _part(self, batch_size: int) -> slice:
        """Which of a batch's samples are this device's."""
        rank, world = self.fabric.global_rank, self.fabric.world_size
        return slice(batch_size * rank // world, batch_size * (rank + 1) // world)

    def _update(self, parameters: list[nn.Parameter], gradients: Sequence[Tensor | None]) -> None:
        """Average the gradients over the devices, and step all optimizers."""
        if self.fabric.world_size > 1:
            # One message a step for all networks. Ours, not DDP's hooks: a penalty differentiates twice, and at each
            # stage of a progressive network other blocks are at rest.
            present = [x for x in gradients if x is not None]
            flat: Any = self.fabric.all_reduce(torch.cat([x.flatten() for x in present]), reduce_op="mean")
            pieces = iter(flat.split([x.numel() for x in present]))
            gradients = [None if x is None else next(pieces).view_as(x) for x in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            # The fused optimizer walks through memory, so a gradient must lie there as its parameter does. A backward
            # pass does not promise that.
            if gradient is not None and gradient.stride() != parameter.stride():
                gradient = torch.empty_like(parameter).copy_(gradient)
            parameter.grad = gradient
        for optimizer in self.optimizers.values():
            optimizer.step()
            optimizer.zero_grad()

    def _average(self, averaged: nn.Module, current: nn.Module, images: int, half_life: float) -> None:
        """Move the average towards the present weights, after `images` more samples; running statistics follow.

        Source: ProGAN, appendix A.1 (there as a decay a step).
        """
        # Early on the average must be quick, or it would still hold the first weights.
        weight = 1 - 0.5 ** (images / min(half_life, max(0.05 * self.images, images)))
        old = [x for x in (*averaged.parameters(), *averaged.buffers()) if x.is_floating_point()]
        new = [x for x in (*current.parameters(), *current.buffers()) if x.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_(old, new, weight)

    def _check_finite(self, losses: dict[str, float], count: int) -> None:
        bad = [name for name, value in losses.items() if not math.isfinite(value)]
        if bad:
            good = "there is no checkpoint yet"
            if self.checkpoint_path and self.checkpoint_path.exists():
                at = checkpoint.load(self.checkpoint_path)[1]["step"]
                good = f"the last good checkpoint is {self.checkpoint_path.name}, at step {at}"
            raise TrainingError(
                f"{bad[0]} became {losses[bad[0]]} in the {count} steps before step {self.step}; {good}. "
                "Try a smaller learning_rate, or precision 32-true"
            )

    def save(self) -> None:
        """Write the checkpoint, if there is a path for it. Rank 0 writes."""
        if self.checkpoint_path is None or self.fabric.global_rank:
            return
        tensors = {"random": self.random.get_state()}
        for name, net in self.networks.items():
            tensors |= checkpoint.with_prefix(name, net.state_dict())
        for name, optimizer in self.optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= checkpoint.with_prefix(f"optimizer_{name}.{index}", state)
        facts = {
            "configuration": self.configuration, "step": self.step, "images": self.images,
            "seconds": self.seconds, "history": self.history,
        }  # fmt: skip
        checkpoint.save(self.checkpoint_path, tensors, facts)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one. Raises CheckpointError if it is not of this configuration."""
        if self.checkpoint_path is None or not self.checkpoint_path.exists():
            return
        tensors, facts = checkpoint.load(self.checkpoint_path)
        checkpoint.check_configuration(self.checkpoint_path, facts["configuration"], self.configuration)
        for name, net in self.networks.items():
            net.load_state_dict(checkpoint.by_prefix(name, tensors))
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in checkpoint.by_prefix(f"optimizer_{name}", tensors).items():
                index, field = key.split(".")
                state.setdefault(int(index), {})[field] = value
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
            # A file holds plain memory order, and the fused optimizer walks through memory: its moments must lie there
            # as their parameter does.
            for parameter, moments in optimizer.state.items():
                for field, value in moments.items():
                    if value.shape == parameter.shape and value.stride() != parameter.stride():
                        moments[field] = torch.empty_like(parameter).copy_(value)
        self.random.set_state(tensors["random"])
        self.step, self.images = facts["step"], facts["images"]
        self.seconds, self.history = facts["seconds"], facts["history"]
