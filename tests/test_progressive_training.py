"""Progressive training: the losses of a step, stopping and resuming, several processes, what goes wrong."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import torch
from plain_step import PlainTraining, plain_layers
from safetensors.torch import load_file

from sempal_lib import losses
from sempal_lib.layers import soften, softening_kernel, straight_through_gumbel
from sempal_lib.layout_gans import GeneratorSettings, LayoutDiscriminator, LayoutGenerator
from sempal_lib.metrics import palette_kl
from sempal_lib.palettes import PaletteMixture, palette_of
from sempal_lib.training import (
    CheckpointError,
    ProgressiveSettings,
    ProgressiveTraining,
    StageSettings,
    TrainingError,
    load_generator,
    save_generator,
)

NET = GeneratorSettings(num_classes=4, height=8, width=16, latent_dim=5, max_channels=6)
STAGES = (StageSettings(8, 0, 48), StageSettings(4, 16, 24))
SETTINGS = ProgressiveSettings(STAGES, report_steps=3, checkpoint_seconds=0, ema_images=32)


def bands(n=40, ignored=False, classes=4):
    """Layouts of horizontal bands: sky over houses over road, with a random border."""
    random = torch.Generator().manual_seed(0)
    borders = torch.randint(1, 7, (n, 2), generator=random).sort(1).values
    rows = torch.arange(8).view(1, 8, 1)
    layouts = (rows >= borders[:, :1, None]).long() + (rows >= borders[:, 1:, None]).long()
    layouts = layouts.expand(n, 8, 16).clone()
    layouts[::2, 5:, 3:6] = 3
    if ignored:
        layouts[:, 2:4, 10:] = 255
    return layouts.to(torch.uint8)


def training(settings=SETTINGS, layouts=None, net=NET, seed=0, **kwargs):
    torch.manual_seed(seed)
    layouts = bands() if layouts is None else layouts
    mixture = PaletteMixture.fit(palette_of(layouts, net.num_classes, 255), max_components=2)
    return ProgressiveTraining(LayoutGenerator(net), LayoutDiscriminator(net), layouts, settings, mixture, **kwargs)


def at_middle_of_fade(run):
    """One step at the size of the second stage, half of it faded in."""
    fading = run._phases[1].steps
    run.step = run._phases[0].steps + fading // 2 - 1
    run._train_step()


def weights(run):
    nets = {"g": run.generator, "d": run.discriminator, "average": run.averaged}
    return {f"{n}.{k}": v.clone() for n, net in nets.items() for k, v in net.state_dict().items()}


def test_reports_follow_the_schedule():
    run = training()
    reports = list(run)
    assert run.steps == len(run) == 6 + 4 + 6
    assert [r.step for r in reports] == [3, 6, 9, 10, 13, 16]
    assert [r.height for r in reports] == [4, 4, 8, 8, 8, 8]
    assert [r.fade for r in reports] == [1, 1, 0.75, 1, 1, 1]
    assert reports[-1].images == run.images == 48 + 16 + 24
    with_samples = [r.samples.shape for r in reports if r.samples is not None]
    assert with_samples == [(16, 4, 8), (16, 8, 16)]
    assert run.history == [r.row() for r in reports]
    assert {"loss_g", "loss_d", "penalty", "entropy", "spread", "images_per_second"} <= run.history[0].keys()


@pytest.mark.parametrize(
    "change",
    [{}, {"soft_real": False}, {"multi_scale": False}, {"palette_source": "real"}, {"wide_share": 0.5}],
)
def test_one_step_has_the_papers_gradients(change, monkeypatch):
    """The shared pass gives the gradients of L_G and L_D, each computed the plain way on its own graph."""
    settings = replace(SETTINGS, **change)
    run = training(settings, layouts=bands(ignored=True))
    draw, gumbel, seen = run._draw, [], {}
    monkeypatch.setattr(run, "_draw", lambda *a: seen.setdefault("draw", draw(*a)))
    widened = run._widened
    monkeypatch.setattr(run, "_widened", lambda *a: seen.setdefault("given", widened(*a)))
    monkeypatch.setattr(run, "_update", lambda p, g: seen.update(parameters=p, gradients=g))

    def remember(m, noise, temperature):
        gumbel.append(noise)
        return straight_through_gumbel(m, noise, temperature)

    monkeypatch.setattr("sempal_lib.training.progressive.straight_through_gumbel", remember)
    at_middle_of_fade(run)
    hard, _, _, mix = seen["draw"]
    valid = hard.sum(1, keepdim=True)
    assert valid.min() == 0  # some pixels are ignored

    def fake_and_masks():
        masks = run.generator(*seen["given"], 1, 0.5, all_stages=True)
        fake = masks[-1].soft_layout[:4]  # D knows nothing of palettes that no scene has
        if not settings.soft_real:
            fake = straight_through_gumbel(fake, gumbel[0])
        return fake * valid, masks

    real = hard
    if settings.soft_real:
        real = soften(hard, softening_kernel(8))
        real = real / real.sum(1, keepdim=True).clamp(min=1e-6) * valid
    fake, masks = fake_and_masks()
    judged = masks if settings.multi_scale else masks[-1:]
    loss_g = -run.discriminator(fake, 1, 0.5).mean()
    for part in (slice(4), slice(4, None)):
        for m in judged:
            if count := len(m.density[part]):  # each layout weighs a quarter, as the batch has four
                own = losses.entropy_loss(m.soft_layout[part]) + losses.spread_loss(m.density[part])
                loss_g = loss_g + count / 4 * own
    expected = list(torch.autograd.grad(loss_g, list(run.generator.parameters())))
    fake = fake_and_masks()[0].detach()
    mixed = ((1 - mix) * real + mix * fake).requires_grad_()
    slope = torch.autograd.grad(run.discriminator(mixed, 1, 0.5).sum(), mixed, create_graph=True)[0]
    loss_d = run.discriminator(fake, 1, 0.5).mean() - run.discriminator(real, 1, 0.5).mean()
    loss_d = loss_d + 1e-3 * run.discriminator(real, 1, 0.5).square().mean()
    loss_d = loss_d + 10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()
    expected += torch.autograd.grad(loss_d, list(run.discriminator.parameters()))
    assert len(expected) == len(seen["gradients"])
    for ours, plain in zip(seen["gradients"], expected, strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"soft_real": False},
        {"channels_last": True},
        {"released": True, "drift_weight": 0.0},
        {"stages": (STAGES[0], StageSettings(6, 24, 24))},  # the deviation compares pairs
    ],
)
def test_a_step_is_that_of_the_usual_order_of_passes(change):
    """Losses and weights against a slow plain version. Adam makes a whole step of a gradient that should be 0."""
    found = []
    for plain in (False, True):
        net = replace(NET, released=change.get("released", False))
        run = training(replace(SETTINGS, **change), layouts=bands(ignored=True), net=net)
        run.step = run._phases[0].steps + run._phases[1].steps // 2 - 1
        with ExitStack() as stack:
            for patch in plain_layers() if plain else ():
                stack.enter_context(patch)
            losses = (PlainTraining(run) if plain else run)._train_step()
        networks = torch.cat([p.detach().flatten() for n in (run.generator, run.discriminator) for p in n.parameters()])
        found.append((losses, networks, run.random.get_state()))
    (ours, weights_, state), (plain, expected, plain_state) = found
    for name, value in plain.items():
        torch.testing.assert_close(ours[name], value, atol=1e-5, rtol=1e-5)
    apart = (weights_ - expected).abs()
    assert apart.max() <= 2 * SETTINGS.learning_rate
    assert (apart > 1e-5).float().mean() < 0.01
    assert torch.equal(state, plain_state)  # as many numbers were drawn


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_step_is_adams_whatever_the_memory_order(channels_last, monkeypatch):
    """The fused optimizer takes a gradient's memory for its parameter's: strides that differ would mix up weights."""
    run = training(replace(SETTINGS, channels_last=channels_last))
    parameters = [p for net in (run.generator, run.discriminator) for p in net.parameters()]
    plain = [p.detach().clone(memory_format=torch.contiguous_format).requires_grad_() for p in parameters]
    optimizer = torch.optim.Adam(plain, SETTINGS.learning_rate, SETTINGS.betas, fused=False, foreach=False)
    update, seen = run._update, []

    def in_another_order(parameters, gradients):
        seen[:] = [None if x is None else x.clone(memory_format=torch.contiguous_format) for x in gradients]
        last = [x if x is None or x.ndim < 4 else x.to(memory_format=torch.channels_last) for x in gradients]
        update(parameters, last)

    monkeypatch.setattr(run, "_update", in_another_order)
    for _ in range(2):
        at_middle_of_fade(run)
        for p, gradient in zip(plain, seen, strict=True):
            p.grad = gradient
        optimizer.step()
        for ours, theirs in zip(parameters, plain, strict=True):
            torch.testing.assert_close(ours.contiguous(), theirs, atol=1e-6, rtol=1e-5)


def test_ignored_pixels_change_nothing():
    """Two data sets that differ only in what is written under ignored pixels train the same network."""
    first, second = bands(ignored=True), bands(ignored=True)
    second[second == 255] = 77  # another label that is no class
    mixture = PaletteMixture.fit(palette_of(first, 4, 255), 1)
    results = []
    for layouts in (first, second):
        torch.manual_seed(0)
        run = ProgressiveTraining(LayoutGenerator(NET), LayoutDiscriminator(NET), layouts, SETTINGS, mixture)
        list(run)
        results.append(weights(run))
    assert all(torch.equal(results[0][k], results[1][k]) for k in results[0])


@pytest.mark.parametrize("stop_after", [1, 2, 4])
def test_resumed_equals_undisturbed_bit_for_bit(tmp_path, stop_after):
    settings = replace(SETTINGS, soft_real=False)  # the Gumbel noise must go on too
    undisturbed = training(settings)
    list(undisturbed)
    stopped = training(settings, checkpoint_path=tmp_path / "c.safetensors")
    for _, _ in zip(range(stop_after), stopped, strict=False):
        pass
    again = training(settings, checkpoint_path=tmp_path / "c.safetensors", seed=99)  # other first weights: overwritten
    assert 0 < again.step < again.steps
    list(again)
    expected, found = weights(undisturbed), weights(again)
    assert all(torch.equal(expected[k], found[k]) for k in expected)
    drop = "images_per_second"
    assert [{k: v for k, v in row.items() if k != drop} for row in again.history] == [
        {k: v for k, v in row.items() if k != drop} for row in undisturbed.history
    ]
    assert list(training(settings, checkpoint_path=tmp_path / "c.safetensors")) == []  # nothing left to do


SCRIPT = """
import sys, time, torch
from tests.test_progressive_training import *
torch.set_num_threads(1)
run = training(checkpoint_path=sys.argv[1])
for progress in run:
    print(progress.step, flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_sigkill_in_the_middle_of_a_stage(tmp_path):
    path = tmp_path / "c.safetensors"
    command = [sys.executable, "-c", SCRIPT, str(path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([*command, "0.3"], stdout=subprocess.PIPE, text=True, env=environment)
    while int(process.stdout.readline()) < 9:  # step 9 is in the middle of stage 1's fade
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    interrupted = training(checkpoint_path=path).step
    assert 9 <= interrupted < 16
    subprocess.run([*command, "0"], check=True, env=environment, stdout=subprocess.DEVNULL)
    undisturbed = tmp_path / "undisturbed.safetensors"
    subprocess.run([sys.executable, "-c", SCRIPT, str(undisturbed), "0"], check=True, env=environment, stdout=-3)
    expected, found = load_file(undisturbed), load_file(path)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[k], found[k]) for k in expected)


def test_a_share_of_palettes_that_no_scene_has(monkeypatch):
    """They come behind the batch, whose own part and whose discriminator stay what they were."""
    found = []
    for share in (0.0, 0.5):
        run, seen = training(replace(SETTINGS, wide_share=share)), {}
        widened = run._widened
        monkeypatch.setattr(run, "_widened", lambda *a, f=widened, seen=seen: seen.setdefault("given", f(*a)))
        monkeypatch.setattr(run, "_update", lambda p, g, seen=seen: seen.update(gradients=g))
        at_middle_of_fade(run)
        found.append((run, *seen["given"], seen["gradients"]))
    (run, z, t, plain), (_, more_z, more, wide) = found
    assert torch.equal(more_z[:4], z)
    assert torch.equal(more[:4], t)
    assert more.shape == (6, 4)
    torch.testing.assert_close(more.sum(1), torch.ones(6))
    g = len(list(run.generator.parameters()))
    for a, b in zip(plain[g:], wide[g:], strict=True):
        assert (a is None and b is None) or torch.equal(a, b)
    assert any(not torch.equal(a, b) for a, b in zip(plain[:g], wide[:g], strict=True) if a is not None)
    run = training(replace(SETTINGS, wide_share=100.0))
    asked = run._widened(z, t)[1][4:]
    assert (asked.amax(0) > 0.9).all()  # any class may have nearly all, as in no layout of the bands
    assert (run.mixture.sample(400, seed=0).amax(0) < 0.9).any()


def gradients_of_a_process(fabric, folder, change):
    torch.set_num_threads(1)
    stages = (STAGES[0], StageSettings(8, 16, 24))  # each process has whole groups of 4 for the deviation
    run = training(replace(SETTINGS, stages=stages, **change), layouts=bands(ignored=True), fabric=fabric)
    seen = []
    for optimizer in run.optimizers.values():
        optimizer.step = lambda optimizer=optimizer: seen.extend(
            p.grad.clone() for group in optimizer.param_groups for p in group["params"] if p.grad is not None
        )
    at_middle_of_fade(run)
    if fabric.global_rank == 0:
        torch.save(seen, folder / f"world{fabric.world_size}.pt")


@pytest.mark.parametrize("change", [{}, {"soft_real": False}, {"wide_share": 0.5}])
def test_two_processes_give_the_gradients_of_one(tmp_path, change):
    from lightning.fabric import Fabric

    for devices in (1, 2):
        fabric = Fabric(accelerator="cpu", devices=devices, strategy="ddp_spawn" if devices > 1 else "auto")
        fabric.launch(gradients_of_a_process, tmp_path, change)
    one, two = (torch.load(tmp_path / f"world{n}.pt", weights_only=True) for n in (1, 2))
    assert len(one) == len(two) > 10
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


WIDE = GeneratorSettings(num_classes=4, height=64, width=64, latent_dim=5, max_channels=2)
# 10 layouts in batches of 4: two a pass, two layouts left out.
RELEASED = replace(
    SETTINGS, stages=(StageSettings(4, 8, 24),) * 5, released=True, soft_real=False, ema_images=0, report_steps=5
)


def large(n=10):
    """Layouts of 64 px, no two alike, nor one like another one's mirror image, at any resolution."""
    random = torch.Generator().manual_seed(1)
    coarse = torch.randint(4, (n, 4, 4), generator=random, dtype=torch.uint8)
    return coarse.repeat_interleave(16, 1).repeat_interleave(16, 2)


def seen_by(run, monkeypatch):
    """(stage, layout's number, whether mirrored) of each real layout of each batch, while it trains."""
    batches, draw = [], run._draw

    def remember(layouts, stage):
        drawn = draw(layouts, stage)
        found = []
        for hard in drawn[0].argmax(1):
            plain = [i for i, layout in enumerate(layouts) if torch.equal(hard, layout.long())]
            mirrored = [i for i, layout in enumerate(layouts) if torch.equal(hard.flip(1), layout.long())]
            assert len(plain + mirrored) == 1
            found.append((*(plain or mirrored), bool(mirrored)))
        batches.append((stage, found))
        return drawn

    monkeypatch.setattr(run, "_draw", remember)
    return batches


def plain_passes(seed, steps_of_stage, count, batch):
    """The release's loader, written down plainly: lists of batches, kept up to 32 px, made anew from 64 px on."""
    for stage, steps in enumerate(steps_of_stage):
        kept, number = [], 0
        for step in range(steps):
            if step % (count // batch) == 0 and (not kept or stage == 4):
                random = np.random.default_rng((seed, stage, number))
                order, mirrored = random.permutation(count).tolist(), (random.random(count) < 0.5).tolist()
                pairs = list(zip(order, mirrored, strict=True))
                kept = [pairs[i : i + batch] for i in range(0, count - batch + 1, batch)]
                number += 1
            yield stage, kept[step % len(kept)]


def test_released_repeats_its_first_pass_up_to_32_px(monkeypatch):
    run = training(RELEASED, large(), WIDE)
    batches = seen_by(run, monkeypatch)
    list(run)
    assert batches == list(plain_passes(0, [6, 8, 8, 8, 8], 10, 4))
    of = lambda stage: [tuple(found) for s, found in batches if s == stage]  # noqa: E731
    for stage in range(4):  # 4 to 32 px: two batches, eight layouts, each as it was first seen
        assert len(set(of(stage))) == 2
        assert len({i for found in of(stage) for i, _ in found}) == 8
    assert len(set(of(4))) == 8  # 64 px: always others
    for first, second in zip(of(4)[::2], of(4)[1::2], strict=True):
        assert len({i for i, _ in first + second}) == 8  # but each pass shows a layout at most once
    assert {i for found in of(4) for i, _ in found} == set(range(10))
    assert of(0)[:2] != of(1)[:2]
    assert {flip for _, found in batches for _, flip in found} == {True, False}


def test_released_goes_on_with_the_same_batches(tmp_path, monkeypatch):
    undisturbed = training(RELEASED, large(), WIDE)
    expected = seen_by(undisturbed, monkeypatch)
    list(undisturbed)
    for stop_after in (1, 5, 6):  # in the middle of a stage that repeats, and twice in the one that does not
        path = tmp_path / f"{stop_after}.safetensors"
        stopped = training(RELEASED, large(), WIDE, checkpoint_path=path)
        for _, _ in zip(range(stop_after), stopped, strict=False):
            pass
        again = training(RELEASED, large(), WIDE, checkpoint_path=path, seed=99)
        assert 0 < again.step < again.steps
        found, at = seen_by(again, monkeypatch), again.step
        list(again)
        assert found == expected[at:]
        one, two = weights(undisturbed), weights(again)
        assert all(torch.equal(one[k], two[k]) for k in one)


def test_released_takes_a_batch_larger_than_all_layouts(monkeypatch):
    run = training(replace(RELEASED, stages=(StageSettings(12, 0, 24),)), large(), WIDE)
    batches = seen_by(run, monkeypatch)
    list(run)
    (_, first), (_, second) = batches
    assert first == second
    assert {i for i, _ in first} == set(range(10))


def test_checkpoint_of_another_configuration(tmp_path):
    path = tmp_path / "c.safetensors"
    list(training(checkpoint_path=path))
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"another configuration: learning_rate is 0\.001 there, 0\.01 now"):
        training(replace(SETTINGS, learning_rate=0.01), checkpoint_path=path)
    with pytest.raises(CheckpointError, match="data_set is None there, 'bands' now"):
        training(checkpoint_path=path, configuration={"data_set": "bands"})
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"\x80\x04garbage" + b, lambda b: b""])
def test_damaged_checkpoint_is_named_and_kept(tmp_path, damage):
    path = tmp_path / "c.safetensors"
    list(training(checkpoint_path=path))
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    with pytest.raises(CheckpointError, match=r"c\.safetensors is damaged .* left as it is: move it away"):
        training(checkpoint_path=path)
    assert path.read_bytes() == broken


def test_a_kill_while_writing_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "c.safetensors"
    run = training(checkpoint_path=path)
    next(iter(run))
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run.save()
    assert path.read_bytes() == before


def test_non_finite_loss_stops_and_names_the_last_good_checkpoint(tmp_path):
    path = tmp_path / "c.safetensors"
    run = training(checkpoint_path=path)
    reports = iter(run)
    next(reports)
    before = path.read_bytes()
    with torch.no_grad():
        run.discriminator.last.linear.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"before step 6; the last good checkpoint is c\.safetensors, at step 3"):
        next(reports)
    assert path.read_bytes() == before


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_it_learns_the_palette(precision):
    from lightning.fabric import Fabric

    stages = (StageSettings(16, 0, 1600), StageSettings(16, 400, 2400))
    settings = ProgressiveSettings(stages, learning_rate=1e-2, report_steps=50, ema_images=500)
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    run = training(settings, net=NET.with_(max_channels=12), fabric=fabric)
    z, t = torch.randn(64, 5), run.mixture.sample(64, seed=0)
    kl = lambda: palette_kl(t, palette_of(run.averaged.generate(z, t), 4)).item()  # noqa: E731
    before = kl()
    list(run)
    assert kl() < 0.6 * before


def test_settings_and_data_must_fit():
    with pytest.raises(ValueError, match=r"expected uint8 \[N, 8, 16\]"):
        training(layouts=bands()[:, :4])
    with pytest.raises(ValueError, match="3 stages are set, but a generator of 8 px height has 2"):
        training(replace(SETTINGS, stages=(*STAGES, StageSettings(4, 8, 8))))
    with pytest.raises(ValueError, match="choose 'mixture' or 'real'"):
        replace(SETTINGS, palette_source="gmm")
    mixture = PaletteMixture.fit(palette_of(bands(), 5), 1)
    with pytest.raises(ValueError, match="the mixture has 5 classes, the generator 4"):
        ProgressiveTraining(LayoutGenerator(NET), LayoutDiscriminator(NET), bands(), SETTINGS, mixture)


def test_generator_file_round_trip(tmp_path):
    from sempal_lib.labels import LabelSpace

    run = training()
    list(run)
    space = LabelSpace(("a", "b", "c", "d"), ((0, 0, 0), (9, 9, 9), (1, 2, 3), (4, 5, 6)), 255)
    path = tmp_path / "generator.safetensors"
    save_generator(path, run.averaged, space, run.mixture, half=False)
    generator, labels, mixture = load_generator(path)
    z, t = torch.randn(3, 5), mixture.sample(3, seed=0)
    assert labels == space
    assert torch.equal(generator.generate(z, t), run.averaged.generate(z, t))
    with pytest.raises(CheckpointError, match="no checkpoint missing"):
        load_generator(tmp_path / "missing.safetensors")
    run.checkpoint_path = tmp_path / "c.safetensors"
    run.save()
    with pytest.raises(CheckpointError, match="holds no generator"):
        load_generator(tmp_path / "c.safetensors")


def test_baseline_1_adds_the_matching_loss(monkeypatch):
    """Its gradient is what the loss adds to the generator's, and nothing of it reaches the discriminator."""
    net = replace(NET, activation="softmax", fusion=False)
    plain = replace(SETTINGS, soft_real=False, multi_scale=False, conditional_weight=0.0)
    found = []
    for weight in (0.0, 2.0):
        run, seen = training(replace(plain, matching_weight=weight), net=net), {}
        monkeypatch.setattr(run, "_update", lambda p, g, seen=seen: seen.update(gradients=g))
        draw = run._draw
        monkeypatch.setattr(run, "_draw", lambda *a, draw=draw, seen=seen: seen.setdefault("draw", draw(*a)))
        at_middle_of_fade(run)
        found.append((run, seen))
    (run, without), (_, with_it) = found
    _, z, t, _ = without["draw"]
    soft = run.generator(z, t, 1, 0.5)[-1].soft_layout
    g = list(run.generator.parameters())
    expected = torch.autograd.grad(2 * losses.palette_matching_loss(soft, t), g, allow_unused=True)
    for a, b, added in zip(without["gradients"], with_it["gradients"], expected, strict=False):
        if added is not None:
            torch.testing.assert_close(b - a, added, atol=1e-5, rtol=1e-3)
    for a, b in zip(without["gradients"][len(g) :], with_it["gradients"][len(g) :], strict=True):
        assert (a is None and b is None) or torch.equal(a, b)


def test_baseline_2_tells_the_judge_each_layouts_palette(monkeypatch):
    """Generated layouts come with the palette asked for, real ones and mixtures with the real layout's own."""
    net = replace(NET, activation="softmax", fusion=False, palette_judge=True)
    run, told, drawn = training(replace(SETTINGS, soft_real=False), layouts=bands(ignored=True), net=net), [], {}
    draw, judge = run._draw, run.discriminator.forward
    monkeypatch.setattr(run, "_draw", lambda *a: drawn.setdefault("draw", draw(*a)))
    monkeypatch.setattr(run.discriminator, "forward", lambda *a: told.append(a[3]) or judge(*a))
    before = run.discriminator.embed.weight.clone()
    at_middle_of_fade(run)
    hard, _, t, _ = drawn["draw"]
    own = palette_of(torch.where(hard.sum(1) > 0, hard.argmax(1), 255), 4, 255)
    (fake, real), mixed = told[0].chunk(2), told[1]
    assert torch.equal(fake, t)
    torch.testing.assert_close(real, own)
    assert torch.equal(mixed, real)
    assert not torch.equal(run.discriminator.embed.weight, before)


def test_a_judge_of_palettes_sees_them_and_another_does_not():
    x, t = torch.randn(4, 4, 8, 16), torch.rand(2, 4, 4).softmax(2)
    told = LayoutDiscriminator(replace(NET, palette_judge=True))
    assert [conv.weight.shape[1] for conv in told.from_mask] == [12, 12]
    assert not torch.equal(told(x, palette=t[0]), told(x, palette=t[1]))
    assert not torch.equal(told(x, 1, 0.5, t[0]), told(x, 1, 0.5, t[1]))
    blind = LayoutDiscriminator(NET)
    assert torch.equal(blind(x, palette=t[0]), blind(x))


def test_soft_palettes_are_those_of_the_soft_layouts():
    generator = LayoutGenerator(NET).eval()
    z, t = torch.randn(5, 5), torch.rand(5, 4).softmax(1)
    with torch.no_grad():
        plain = generator(z, t)[-1].soft_layout.mean((2, 3))
    torch.testing.assert_close(generator.soft_palettes(z, t, batch_size=2), plain)
