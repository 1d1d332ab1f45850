"""Training of the generator for a part: its regions, the losses of a step, resuming, the file, what is refused."""

from dataclasses import replace

import pytest
import torch
from test_progressive_training import NET, STAGES, bands

from sempal_lib import losses, training
from sempal_lib.labels import LabelSpace
from sempal_lib.layers import soften, softening_kernel
from sempal_lib.layout_gans import LayoutDiscriminator, LayoutGenerator, PartialGenerator
from sempal_lib.layout_gans.partial import budget, cropped
from sempal_lib.palettes import palette_of
from sempal_lib.parameters import resolve
from sempal_lib.records import RunError
from sempal_lib.training.partial import PartialSettings, PartialTraining, random_regions

SETTINGS = PartialSettings(
    STAGES, generator_rate=2e-3, report_steps=3, checkpoint_seconds=0, ema_images=32, palette_source="real"
)
CPU = torch.device("cpu")


def run_of(settings=SETTINGS, layouts=None, net=NET, **kwargs):
    torch.manual_seed(0)
    layouts = bands() if layouts is None else layouts
    return PartialTraining(PartialGenerator(net), LayoutDiscriminator(net), layouts, settings, **kwargs)


def state(run):
    return {f"{n}.{k}": v.clone() for n, net in run.networks.items() for k, v in net.state_dict().items()}


def regions(count=4000, size=(16, 32), seed=0, **changes):
    return random_regions(count, size, replace(SETTINGS, **changes), torch.Generator().manual_seed(seed), CPU)


def test_regions_are_rectangles_of_the_sides_asked_for():
    found = regions(shortest_side=0.25, longest_side=0.75)
    rows, columns = found.any(2), found.any(1)
    heights, widths = rows.sum(1), columns.sum(1)
    assert torch.equal(found.sum((1, 2)), heights * widths)
    for lines in (rows, columns):  # one stretch each
        assert ((lines[:, 1:] != lines[:, :-1]).sum(1) + lines[:, 0].int() + lines[:, -1].int() <= 2).all()
    assert (heights.min(), heights.max(), widths.min(), widths.max()) == (4, 12, 8, 24)
    assert float(heights.float().mean()) == pytest.approx(8, abs=0.2)
    assert {int(x) for x in rows.int().argmax(1)} == set(range(13))  # also at the lower edge
    assert {int(x) for x in (columns.int() * torch.arange(32)).amax(1)} == set(range(7, 32))


def test_small_sizes_have_no_empty_region_and_bands_are_full_height():
    assert (regions(size=(4, 4), shortest_side=0.01).sum((1, 2)) >= 1).all()
    band = regions(crop="band", shortest_side=0.5)
    assert band.any(2).all()
    assert band.any(1).sum(1).min() == 16
    square = regions(size=(16, 16), crop="band", shortest_side=0.5, longest_side=0.5)
    assert (square.sum((1, 2)) == 16 * 8).all()  # also where both sides are as long


@pytest.mark.parametrize("change", [{}, {"multi_scale": False}])
def test_one_step_has_the_papers_gradients(change, monkeypatch):
    """The gradients of L_G and L_D, each computed the plain way on its own graph, on layouts with ignored pixels."""
    settings = replace(SETTINGS, **change)
    run = run_of(settings, layouts=bands(ignored=True))
    draw, given, seen = run._draw, run._given, {}
    monkeypatch.setattr(run, "_draw", lambda *a: seen.setdefault("draw", draw(*a)))
    monkeypatch.setattr(run, "_given", lambda *a: seen.setdefault("given", given(*a)))
    monkeypatch.setattr(run, "_update", lambda p, g: seen.update(parameters=p, gradients=g))
    run.step = run._phases[0].steps + run._phases[1].steps // 2 - 1
    before = state(run)
    run._train_step()
    for name, net in run.networks.items():
        net.load_state_dict({k.removeprefix(f"{name}."): v for k, v in before.items() if k.startswith(f"{name}.")})
    hard, z, _, mix = seen["draw"]
    noise, t, layout = seen["given"]
    assert torch.equal(noise, z)
    hole = (layout == 1 / 4).all(1)
    assert hole.flatten(1).any(1).all()
    real_content = palette_of(torch.where(hole, torch.where(hard.sum(1) > 0, hard.argmax(1), 255), 255), 4, 255)
    torch.testing.assert_close(t, budget(real_content, hole))
    torch.testing.assert_close(layout, cropped(hard, hole))
    valid = hard.sum(1, keepdim=True)
    assert valid.min() == 0
    masks = run.generator(z, t, layout, 1, 0.5, all_stages=True)
    loss_g = -run.discriminator(masks[-1].merged * valid, 1, 0.5).mean()
    for m in masks if settings.multi_scale else masks[-1:]:
        loss_g = loss_g + losses.entropy_loss(m.soft_layout) + losses.entropy_loss(m.merged)
        loss_g = loss_g + losses.spread_loss(m.density)
    expected = list(torch.autograd.grad(loss_g, list(run.generator.parameters())))
    fake = (masks[-1].merged * valid).detach()
    real = soften(hard, softening_kernel(8))
    real = real / real.sum(1, keepdim=True).clamp(min=1e-6) * valid
    mixed = ((1 - mix) * real + mix * fake).requires_grad_()
    slope = torch.autograd.grad(run.discriminator(mixed, 1, 0.5).sum(), mixed, create_graph=True)[0]
    loss_d = run.discriminator(fake, 1, 0.5).mean() - run.discriminator(real, 1, 0.5).mean()
    loss_d = loss_d + 1e-3 * run.discriminator(real, 1, 0.5).square().mean()
    loss_d = loss_d + 10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()
    expected += torch.autograd.grad(loss_d, list(run.discriminator.parameters()))
    for ours, plain in zip(seen["gradients"], expected, strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-4, rtol=1e-3)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path):
    whole = run_of()
    for _ in whole:
        pass
    path = tmp_path / "checkpoint.safetensors"
    first = run_of(checkpoint_path=path)
    for report in first:
        if report.step >= 9:
            break
    again = run_of(checkpoint_path=path)
    assert 0 < again.step < whole.steps
    reports = list(again)
    assert all(torch.equal(x, state(again)[name]) for name, x in state(whole).items())
    assert torch.equal(whole.sample(1), again.sample(1))
    assert [r.samples.shape for r in reports if r.samples is not None][-1] == (16, 8, 16)
    assert [again.optimizers[name].param_groups[0]["lr"] for name in "gd"] == [2e-3, 1e-3]


def test_a_region_without_any_labelled_pixel_does_no_harm():
    run = run_of(layouts=torch.full((8, 8, 16), 255, dtype=torch.uint8))
    for _ in run:
        pass
    assert all(torch.isfinite(x).all() for x in state(run).values())


def test_sampling_leaves_a_network_without_an_average_alone():
    run = run_of(replace(SETTINGS, ema_images=0))
    before = state(run)
    run.sample(1)
    assert run.generator.training
    assert all(torch.equal(x, before[name]) for name, x in state(run).items())


def test_the_generator_comes_back_from_its_file(tmp_path):
    run = run_of()
    for _ in run:
        pass
    space = LabelSpace(tuple("abcd"), ((0, 0, 0),) * 4, 255)
    training.save_generator(tmp_path / "g.safetensors", run.averaged, space, half=False)
    found, theirs, _ = training.load_generator(tmp_path / "g.safetensors", "partial")
    layouts = bands(4).long()
    where, t = regions(4, (8, 16)), torch.full((4,), 0.25)
    assert theirs == space
    assert torch.equal(found.edit(layouts, where, t), run.averaged.edit(layouts, where, t))
    with pytest.raises(training.CheckpointError, match="of the kind partial, expected layout"):
        training.load_generator(tmp_path / "g.safetensors", "layout")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop": "circle"}, "choose 'rectangle' or 'band'"),
        ({"shortest_side": 0.8, "longest_side": 0.5}, "the shortest first"),
        ({"palette_source": "mixture"}, "set palette_source='real'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SETTINGS, **change)


def test_a_generator_of_whole_layouts_is_refused():
    with pytest.raises(ValueError, match="a LayoutGenerator and PartialSettings, expected a PartialGenerator"):
        PartialTraining(LayoutGenerator(NET), LayoutDiscriminator(NET), bands(), SETTINGS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wide_share": 0.5}, "wide_share = 0.5 is for whole layouts: here set it to 0"),
        ({"palette_source": "mixture"}, "palette_source = 'mixture' is for whole layouts"),
        ({"shortest_side": 0.9, "longest_side": 0.5}, "shortest_side = 0.9 is more than longest_side = 0.5"),
    ],
)
def test_parameters_name_what_is_wrong(change, message):
    with pytest.raises(RunError, match=message):
        resolve("13_partial_editing", {"preset": "smoke", **change})
