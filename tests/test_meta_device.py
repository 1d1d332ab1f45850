"""Trainings away from the CPU, on a machine that has nothing else: a step on torch's "meta" device.

There tensors have a shape and a device but no values. A step that mixes devices fails, and so does one that looks at
a value, for which a GPU's host would have to wait.
"""

import contextlib

import pytest
import torch
from torch.overrides import TorchFunctionMode

from sempal_lib.palettes import PaletteMixture
from sempal_lib.training import catalogue, loop

META = torch.device("meta")
DEVICE_OF: dict[int, torch.device] = {}


class Source(torch.Generator):
    """A generator that says it is where it was asked to be; it is never drawn from."""

    __slots__ = ()
    kept: list = []  # noqa: RUF012 (their ids must not be given away)

    def __new__(cls, device="cpu"):
        source = super().__new__(cls)
        cls.kept.append(source)
        DEVICE_OF[id(source)] = torch.device(device)
        return source

    device = property(lambda self: DEVICE_OF[id(self)])


class Elsewhere(TorchFunctionMode):
    """Numbers come from no generator, but from one of the right device; while a training is built values are False."""

    building = True

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.__bool__ and self.building and args[0].is_meta:
            return False
        if (source := kwargs.pop("generator", None)) is not None:
            asked = kwargs.get("device") or next((x.device for x in args if isinstance(x, torch.Tensor)), "cpu")
            assert torch.device(asked) == source.device, f"{func} on {asked} by a generator of {source.device}"
        return func(*args, **kwargs)


class MetaFabric:
    device, world_size, global_rank = META, 1, 0

    def autocast(self):
        return contextlib.nullcontext()


def checked_step(optimizer):
    """In place of the fused optimizers', which know no such device; what they need is looked at."""
    for parameter in (p for group in optimizer.param_groups for p in group["params"] if p.grad is not None):
        assert parameter.grad.device == parameter.device == META
        assert parameter.grad.stride() == parameter.stride()


@contextlib.contextmanager
def elsewhere(name, **changes):
    parameters = catalogue.parameters_of(name, "smoke", device="cpu", **changes)
    data = catalogue.made_up(parameters)
    with pytest.MonkeyPatch.context() as patch, Elsewhere() as mode:
        for kind in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD):
            patch.setattr(kind, "step", checked_step)
        patch.setattr(torch, "Generator", Source)
        training = catalogue.build(name, parameters, data, None, MetaFabric())
        mode.building = False
        yield training


@pytest.mark.parametrize("name", catalogue.TRAININGS)
def test_a_step_stays_on_its_device_and_waits_for_no_value(name):
    with elsewhere(name, channels_last=True) as training:
        if hasattr(training, "has_ignored"):
            training.has_ignored = True
        for _ in range(2):
            losses = training._train_step()
            training.step += 1
        assert {value.device for value in losses.values()} == {META}
        assert all(p.device == META for network in training.networks.values() for p in network.parameters())


def test_a_step_that_looks_at_a_value_is_noticed(monkeypatch):
    with elsewhere("semgan") as training:
        average = lambda self, averaged, *rest: float(next(averaged.parameters())[0, 0])  # noqa: E731
        monkeypatch.setattr(type(training), "_average", average)
        with pytest.raises(RuntimeError, match="meta"):
            training._train_step()


def test_a_step_that_leaves_something_on_the_cpu_is_noticed():
    with elsewhere("rgb-gan") as training:
        training._colors = torch.zeros(5, 3)
        with pytest.raises((RuntimeError, NotImplementedError)):
            training._train_step()


def test_a_compiled_graph_can_be_gone_through_twice():
    """Synthesizers need it: one pass for the generator's gradients, with the graph kept, one for the judge's."""
    identity = torch.nn.Identity()
    assert loop.compiled(identity, False) is identity
    loop.compiled(identity, True)
    assert not torch._functorch.config.donated_buffer


def test_a_moved_mixture_draws_by_the_same_factor():
    random = torch.Generator().manual_seed(0)
    mixture = PaletteMixture.fit(torch.rand(40, 4, generator=random).softmax(1), 2)
    moved = mixture.to("cpu")
    assert moved is not mixture
    assert torch.equal(moved.sample(9, seed=3), mixture.sample(9, seed=3))
    there = mixture.to(META)  # no solver runs there
    assert there._factor.device == there.means.device == META
    assert there.aic == mixture.aic
