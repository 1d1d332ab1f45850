"""Two generators tuned together: whose gradient goes where, what moves, that a run can be stopped, what it refuses."""

import copy
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from lightning.fabric import Fabric

from sempal_lib import losses, training
from sempal_lib.image_gans import (
    DiscriminatorSettings,
    GlobalGenerator,
    ImageEncoder,
    MultiScaleDiscriminator,
    Pix2pixhdSettings,
    SpadeGenerator,
    SpadeSettings,
    instance_edges,
    perceptual_features,
    sample_latent,
)
from sempal_lib.labels import one_hot
from sempal_lib.layers import softening_kernel
from sempal_lib.layout_gans import GeneratorSettings, LayoutDiscriminator, LayoutGenerator
from sempal_lib.palettes import PaletteMixture, palette_of
from sempal_lib.parameters import resolve
from sempal_lib.records import RunError
from sempal_lib.training import (
    CheckpointError,
    EndToEndSettings,
    EndToEndTraining,
    ImageTraining,
    ImageTrainingSettings,
    ProgressiveSettings,
    ProgressiveTraining,
    StageSettings,
    TuningData,
    end_to_end,
    tuning,
)

CLASSES, SIZE, BATCH = 3, 16, 4
SPADE = SpadeSettings(CLASSES, SIZE, SIZE, ngf=4, doublings=2, hidden=8, latent_dim=6, encoder_size=16)
COMMON = {"steps": 6, "constant_steps": 3, "report_steps": 1, "checkpoint_seconds": 0}
SETTINGS = {
    "sb-gan": EndToEndSettings.sb_gan(**COMMON),
    "semantic-palette": EndToEndSettings.semantic_palette(**COMMON),
    "with-encoder": EndToEndSettings.semantic_palette(**COMMON),
}


def scenes(n=12, ignored=True):
    """Pictures, their layouts of two halves and a stripe, and the layouts at half the size; some pixels no class."""
    random = torch.Generator().manual_seed(0)
    border = torch.randint(3, 13, (n, 1, 1), generator=random)
    layouts = (torch.arange(SIZE).view(1, 1, -1) >= border).to(torch.uint8).expand(n, SIZE, SIZE).clone()
    layouts[:, 6:10] = 2
    if ignored:
        layouts[:, 12:, :5] = 255
    images = torch.randint(256, (n, 3, SIZE, SIZE), generator=random, dtype=torch.uint8)
    return images, layouts, layouts[:, 1::2, 1::2].contiguous()


def layout_side(system, batch=BATCH, fabric=None, height=8, classes=CLASSES):
    """A layout GAN of the paper's kind at its last stage."""
    palette = system != "sb-gan"
    net = GeneratorSettings(
        classes, height, height, 5, 6, palette_input=palette, activation="saa" if palette else "softmax", fusion=palette
    )
    stages = (StageSettings(batch, batch, batch),) * net.num_stages
    settings = ProgressiveSettings(
        stages, 1e-3, soft_real=palette, multi_scale=palette, conditional_weight=float(palette), ema_images=0
    )
    layouts = scenes()[2] if height == 8 else scenes()[2][:, 1::2, 1::2].contiguous()
    mixture = PaletteMixture.fit(palette_of(layouts, classes, 255), 1)
    return ProgressiveTraining(LayoutGenerator(net), LayoutDiscriminator(net), layouts, settings, mixture, fabric)


def image_side(system, batch=BATCH, fabric=None, painter=None, judge=None, **more):
    """A synthesizer; its weights are made large, as a trained one's are, so that a picture follows its layout."""
    spade = replace(SPADE, use_vae=system == "with-encoder")
    painter = painter or SpadeGenerator(spade)
    with torch.no_grad():
        for name, p in painter.named_parameters():
            p.mul_(1 if "parametrizations" in name else 20)
    more |= {"encoder": ImageEncoder(spade)} if spade.use_vae else {}
    judge = judge or DiscriminatorSettings.small(CLASSES, 4)
    settings = ImageTrainingSettings(batch, 6, 6, 1e-3, 1e-3)
    features = perceptual_features(lambda x: [x, F.avg_pool2d(x, 4)])
    images, layouts, _ = scenes()
    return ImageTraining(
        painter, MultiScaleDiscriminator(judge), images, layouts, settings, features, fabric=fabric, **more
    )


def run_of(system="sb-gan", changes=None, batch=BATCH, fabric=None, **kwargs):
    torch.manual_seed(0)
    parts = layout_side(system, batch, fabric), image_side(system, batch, fabric)
    judge = MultiScaleDiscriminator(DiscriminatorSettings.small(0, 4))
    return EndToEndTraining(*parts, judge, replace(SETTINGS[system], **(changes or {})), **kwargs)


def weights(run):
    """Every number of a checkpoint: networks with their statistics, and what the optimizers remember."""
    networks = run.networks | {"averaged": run.averaged}
    if run.images_side.encoder is not None:
        networks["encoder"] = run.images_side.encoder
    found = {f"{n}.{k}": v.clone() for n, net in networks.items() for k, v in net.state_dict().items()}
    for name, optimizer in run.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            found |= {f"optimizer_{name}.{index}.{k}": v.clone() for k, v in state.items()}
    return found


def put_back(run, state):
    for name, network in run.networks.items():
        network.load_state_dict({k[len(name) + 1 :]: v for k, v in state.items() if k.startswith(name + ".")})


def gradients_of_a_step(run, monkeypatch):
    """By the weight's name; nothing is updated."""
    names = {id(p): f"{n}.{k}" for n, net in run.networks.items() for k, p in net.named_parameters()}
    seen = {}
    monkeypatch.setattr(run, "_update", lambda p, g: seen.update(zip((names[id(x)] for x in p), g, strict=True)))
    reported = run._train_step()
    return seen, reported


def close(ours, plain):
    # A bias before an instance norm has no gradient but rounding: some 1e-6 either way.
    torch.testing.assert_close(ours, plain, atol=2e-5 * float(plain.abs().max()) + 3e-6, rtol=2e-3)


def test_defaults_are_the_papers():
    paper, released = EndToEndSettings.sb_gan(), EndToEndSettings.sb_gan(released=True)
    assert (paper.steps, paper.constant_steps) == (37_100, 18_550)
    assert (paper.layout_weight, paper.judge_weight, paper.soft) == (10, 1, False)
    assert (paper.first_map_only, paper.judge_steps, paper.judge_rate, paper.judge_betas) == (False, 0, 4e-4, (0, 0.9))
    assert (released.judge_weight, released.first_map_only, released.judge_steps) == (0.1, True, 2975 // 8)
    assert (released.judge_rate, released.judge_betas) == (2e-4, (0, 0.99))
    soft = EndToEndSettings.semantic_palette(judge_weight=0.5)
    assert (soft.layout_weight, soft.soft, soft.first_map_only, soft.judge_weight) == (1, True, False, 0.5)
    assert EndToEndSettings.semantic_palette().judge_weight == 0.01


def softened(hard, height):
    """By one plain convolution a class; half the layout, half the blurred one, over what is a class there."""
    kernel = softening_kernel(height)
    n = len(kernel)
    padded = F.pad(hard, (n // 2,) * 4, mode="reflect").flatten(0, 1)[:, None]
    soft = 0.5 * hard + 0.5 * F.conv2d(padded, kernel[None, None]).view_as(hard)
    valid = hard.sum(1, keepdim=True)
    return soft / soft.sum(1, keepdim=True).clamp(min=1e-6) * valid


@pytest.mark.parametrize("system", SETTINGS)
def test_one_step_has_the_papers_gradients(system, monkeypatch):
    """Of SB-GAN's eq. 3 and of the three judges' own losses, each on a graph of its own."""
    soft = system != "sb-gan"
    run = run_of(system, {"judge_weight": 0.3, "layout_weight": 7.0})
    before, state = weights(run), run.random.get_state()
    seen, reported = gradients_of_a_step(run, monkeypatch)
    put_back(run, before)  # running statistics and singular vectors
    run.random.set_state(state)

    # The same draws, in the same order.
    g, d = run.layouts.generator, run.layouts.discriminator
    painter, judge_1, judge_2 = run.images_side.generator, run.images_side.discriminator, run.judge
    hard, z, palette, mix = run.layouts._draw(run.layouts._real(1), 1)
    gumbel = None
    if not soft:
        uniform = torch.rand(BATCH, CLASSES, 8, 8, generator=run.random).clamp(1e-10, 1 - 1e-7)
        gumbel = -(-uniform.log()).log()
    style = torch.randn(BATCH, 6, generator=run.random) if painter.noise_dim else None
    pictures, real, _, noise, _ = run.images_side._batch()
    assert hard.sum(1).min() == 0  # some pixels are no class
    assert (real == 255).any()

    masks = g(z, palette, 1, 1.0, all_stages=True)
    fake = masks[-1].soft_layout
    if not soft:
        chosen = (fake.clamp(min=1e-5).log() + gumbel).softmax(1)
        fake = one_hot(chosen.argmax(1), CLASSES) + chosen - chosen.detach()
    valid = hard.sum(1, keepdim=True)
    told, shown = real, hard
    if soft:
        told, shown = softened(one_hot(real, CLASSES), SIZE), softened(hard, 8)
    large = F.interpolate(fake, scale_factor=2, mode="nearest")
    painted = painter(large, style)
    kl = 0.0
    if run.images_side.encoder is not None:
        mean, log_variance = run.images_side.encoder(pictures)
        noise, kl = sample_latent(mean, log_variance, noise), losses.kl_to_standard_normal(mean, log_variance)
    copied = painter(told, noise)

    def judged(network, *seen):
        """From one state of the spectral norms each time."""
        buffers = {k: v.clone() for k, v in network.named_buffers()}
        return torch.func.functional_call(network, dict(network.named_parameters()) | buffers, seen)

    def mean_of(logits):
        return sum(x.mean() for x in logits) / len(logits)

    # L_G = w₂ · (-D₂(G(z))) + L_SPADE + λ · L_SB
    of_painted = judged(judge_2, painted)
    fooled = -mean_of(of_painted.logits)
    of_copy, of_real = judged(judge_1, copied, told), judged(judge_1, pictures, told)
    matched = losses.paired_feature_loss([[f.detach() for f in x] for x in of_real.features], of_copy.features)
    pooled = (F.avg_pool2d(copied, 4) - F.avg_pool2d(pictures, 4)).abs().mean()
    perceived = 0.5 * (copied - pictures).abs().mean() + pooled
    loss_spade = -mean_of(of_copy.logits) + 10 * matched + 10 * perceived + 0.05 * kl
    loss_sb = -d(fake * valid, 1).mean()
    if soft:
        loss_sb = loss_sb + sum(losses.entropy_loss(m.soft_layout) + losses.spread_loss(m.density) for m in masks)
    loss_g = 0.3 * fooled + loss_spade + 7 * loss_sb
    painters = {f"pair.painter.{k}": p for k, p in painter.named_parameters()}
    if run.images_side.encoder is not None:
        painters |= {f"encoder.{k}": p for k, p in run.images_side.encoder.named_parameters()}
    generators = {f"pair.layouts.{k}": p for k, p in g.named_parameters()} | painters

    # The judges see what the generators made, and want no gradient of it.
    hinge = mean_of([(1 - x).relu() for x in judged(judge_2, pictures).logits])
    hinge = hinge + mean_of([(1 + x).relu() for x in judged(judge_2, painted.detach()).logits])
    hinge_1 = mean_of([(1 - x).relu() for x in of_real.logits])
    hinge_1 = hinge_1 + mean_of([(1 + x).relu() for x in judged(judge_1, copied.detach(), told).logits])
    still = (fake * valid).detach()
    mixed = ((1 - mix) * shown + mix * still).requires_grad_()
    slope = torch.autograd.grad(d(mixed, 1).sum(), mixed, create_graph=True)[0]
    critic = d(still, 1).mean() - d(shown, 1).mean() + 1e-3 * d(shown, 1).square().mean()
    critic = critic + 10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()

    expected = {}
    for loss, named in (
        (loss_g, generators),
        (hinge, {f"judge.{k}": p for k, p in judge_2.named_parameters()}),
        (hinge_1, {f"discriminator.{k}": p for k, p in judge_1.named_parameters()}),
        (critic, {f"layout_discriminator.{k}": p for k, p in d.named_parameters()}),
    ):
        found = torch.autograd.grad(loss, list(named.values()), retain_graph=True, allow_unused=True)
        expected |= dict(zip(named, found, strict=True))
    assert seen.keys() == expected.keys()
    for name, plain in expected.items():
        if plain is None or seen[name] is None:  # of stages that are not at work
            assert plain is None or not plain.any(), name
            assert seen[name] is None or not seen[name].any(), name
        else:
            close(seen[name], plain)
    torch.testing.assert_close(reported["loss_2"], fooled.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(reported["loss_d2"], hinge.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(reported["layout_loss_g"], loss_sb.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("system", ["sb-gan", "semantic-palette"])
def test_what_d2_says_reaches_the_layout_generator(system, monkeypatch):
    """The difference that its weight makes; with `first_map_only` it comes through the first convolution alone."""

    def told_by_d2(first_map_only, first=True):
        found = []
        for weight in (0.0, 100.0):
            run = run_of(system, {"judge_weight": weight, "first_map_only": first_map_only, "tune": "layouts"})
            if not first:
                torch.nn.init.zeros_(run.images_side.generator.first.weight)
            seen, _ = gradients_of_a_step(run, monkeypatch)
            found.append({k: v for k, v in seen.items() if k.startswith("pair.layouts.") and v is not None})
        return sum(float((found[1][k] - found[0][k]).square().sum()) for k in found[0]) ** 0.5

    every, one = told_by_d2(False), told_by_d2(True)
    assert every > 0.01
    assert one > 0.01
    assert every != pytest.approx(one, rel=0.01)
    assert told_by_d2(False, first=False) > 0.01
    assert told_by_d2(True, first=False) == 0


NETWORKS = {
    "layouts": ("pair.layouts.", "layout_discriminator.", "optimizer_layout_g.", "optimizer_layout_d."),
    "pictures": ("pair.painter.", "discriminator.", "encoder.", "optimizer_g.", "optimizer_d."),
    "judge": ("judge.", "optimizer_judge."),
}


def moved(before, after):
    """Which of NETWORKS changed, in any of their numbers."""
    names = {k for k in after if k not in before or not torch.equal(before[k], after[k])}
    return {part for part, prefixes in NETWORKS.items() if any(name.startswith(prefixes) for name in names)}


@pytest.mark.parametrize("system", SETTINGS)
@pytest.mark.parametrize(
    ("tune", "expected"),
    [("layouts", {"layouts", "judge"}), ("pictures", {"pictures", "judge"}), ("both", set(NETWORKS))],
)
def test_only_what_is_tuned_moves(system, tune, expected):
    run = run_of(system, {"tune": tune, "steps": 2, "constant_steps": 2})
    before = weights(run)
    list(run)
    after = weights(run)
    assert moved(before, after) == expected
    if "pictures" in expected:  # the running statistics too, and every convolution
        still = [k for k in before if k.startswith("pair.painter.") and torch.equal(before[k], after[k])]
        assert not still
    if "layouts" in expected:
        assert not torch.equal(
            before["pair.layouts.blocks.0.linear.weight"], after["pair.layouts.blocks.0.linear.weight"]
        )


def test_d2_learns_alone_at_first():
    run = run_of(changes={"judge_steps": 2, "steps": 1, "constant_steps": 0, "report_steps": 5, "ema_images": 8})
    assert run.steps == len(run) == 3
    before, reports = weights(run), iter(run)
    first = next(reports)
    assert first.step == 2  # a report ends where the pair begins to move
    assert moved(before, weights(run)) == {"judge"}
    assert all(torch.equal(before[k], v) for k, v in run.averaged.state_dict(prefix="averaged.").items())
    assert first.losses.keys() == {"loss_2", "loss_d2"}
    second = next(reports)
    assert moved(before, weights(run)) == set(NETWORKS)
    assert {"adversarial", "perceptual", "layout_loss_g", "layout_penalty"} <= second.losses.keys()


def test_rates_are_constant_and_then_fall():
    run, rates = run_of(changes={"judge_steps": 2, "constant_steps": 2, "steps": 4}), []
    for _ in run:
        rates.append([run.optimizers[name].param_groups[0]["lr"] for name in ("layout_g", "layout_d", "g", "judge")])
    expected = [factor * base for factor in (1, 1, 1, 1, 1, 0.5) for base in (1e-3, 1e-3, 1e-3, 4e-4)]
    assert [rate for row in rates for rate in row] == pytest.approx(expected)


STOPPED = {"judge_steps": 2, "ema_images": 8}


@pytest.mark.parametrize(("system", "stop_after"), [("sb-gan", 1), ("semantic-palette", 5), ("with-encoder", 3)])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(system, stop_after, tmp_path):
    whole, path = run_of(system, STOPPED), tmp_path / "checkpoint.safetensors"
    list(whole)
    for _, _ in zip(range(stop_after), run_of(system, STOPPED, checkpoint_path=path), strict=False):
        pass
    again = run_of(system, STOPPED, checkpoint_path=path)
    assert 0 < again.step < again.steps
    list(again)
    expected, found = weights(whole), weights(again)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    assert list(run_of(system, STOPPED, checkpoint_path=path)) == []


SCRIPT = """
import sys, time, torch
from tests.test_end_to_end import *
torch.set_num_threads(1)
for progress in run_of("semantic-palette", STOPPED, checkpoint_path=sys.argv[1]):
    print(progress.step, flush=True)
    time.sleep(0.3)
"""


def test_sigkill_in_the_middle(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    while int(process.stdout.readline()) < 4:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        again, whole = run_of("semantic-palette", STOPPED, checkpoint_path=path), run_of("semantic-palette", STOPPED)
        assert 3 <= again.step < again.steps == 8
        list(again)
        list(whole)
    finally:
        torch.set_num_threads(threads)
    expected, found = weights(whole), weights(again)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize("system", ["sb-gan", "semantic-palette"])
def test_parts_of_a_batch_give_the_gradients_of_the_whole(system, monkeypatch):
    """Two devices, one after the other: the mean of their gradients is that of one device with the whole batch.

    With pix2pixHD's networks, which have no statistics over the batch; D of the layouts compares groups of 4."""

    def gradients(part=None):
        torch.manual_seed(0)
        painter = GlobalGenerator(Pix2pixhdSettings(CLASSES, SIZE, SIZE, 4, downs=2, blocks=1))
        sides = layout_side(system, 8), image_side(system, 8, None, painter)
        judge = MultiScaleDiscriminator(DiscriminatorSettings.small(0, 4))
        run = EndToEndTraining(*sides, judge, SETTINGS[system])
        if part is not None:
            for one in (run, *sides):
                monkeypatch.setattr(one, "_part", lambda batch: slice(batch * part // 2, batch * (part + 1) // 2))
        return gradients_of_a_step(run, monkeypatch)[0]

    whole, first, second = gradients(), gradients(0), gradients(1)
    assert whole.keys() == first.keys() == second.keys()
    for name, one in whole.items():
        if one is not None:
            torch.testing.assert_close(
                (first[name] + second[name]) / 2, one, atol=1e-5 * float(one.abs().max()) + 1e-6, rtol=1e-3
            )


def test_each_device_paints_with_its_part_of_the_noise(monkeypatch):
    run, told = run_of("with-encoder"), []
    monkeypatch.setattr(run._pair.painter, "forward", lambda layout, z: told.append(z))
    state = run.random.get_state()
    for part in (slice(0, 4), slice(0, 2), slice(2, 4)):
        run.random.set_state(state)
        monkeypatch.setattr(run, "_part", lambda batch, part=part: part)
        run._paint(torch.zeros(part.stop - part.start, CLASSES, 8, 8))
    assert torch.equal(torch.cat(told[1:]), told[0])


def test_the_average_is_that_of_the_tuned_pair():
    """A step of as many scenes as the half-life takes it half the way; norms keep their unit vectors."""
    run = run_of("semantic-palette", {"ema_images": BATCH})
    before = {k: v.clone() for k, v in run.averaged.state_dict().items()}
    next(iter(run))
    now, averaged = run._pair.state_dict(), run.averaged.state_dict()
    seen = 0
    for name, value in averaged.items():
        if name.endswith(("_u", "_v")):
            assert float(value.norm()) == pytest.approx(1, abs=1e-5)
        elif value.is_floating_point():
            torch.testing.assert_close(value, (before[name] + now[name]) / 2)
            seen += int(not torch.equal(before[name], value))
    assert seen > 20
    for block in run.averaged.painter.blocks:
        for conv in block.convs:  # the vectors belong to the averaged weights: their norm is near 1
            assert float(torch.linalg.matrix_norm(conv.weight.flatten(1), 2)) == pytest.approx(1, abs=0.3)
    assert not run.averaged.painter.training
    assert not any(p.requires_grad for p in run.averaged.parameters())
    assert run.averaged.mixture is run.layouts.mixture
    plain = run_of()
    assert plain.averaged is plain._pair


def test_averaged_norms_follow_the_averaged_weights():
    """Each norm's vectors are one power iteration nearer to the averaged weights' than a plain average of vectors."""
    run = run_of("semantic-palette", {"ema_images": 8})
    list(run)
    for block in run.averaged.painter.blocks:
        norm = block.convs[0].parametrizations.weight
        matrix = norm.original.flatten(1)
        u = F.normalize(matrix @ norm[0]._v, dim=0)
        torch.testing.assert_close(norm[0]._u, u, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("system", SETTINGS)
def test_bf16(system):
    run = run_of(
        system, {"steps": 2, "constant_steps": 1}, fabric=Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    )
    assert all(torch.isfinite(torch.tensor(list(report.losses.values()))).all() for report in run)
    assert all(torch.isfinite(v).all() for v in weights(run).values() if v.is_floating_point())


SHORT = {"steps": 1, "constant_steps": 1}


def test_checkpoint_of_another_configuration_is_left_alone(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    list(run_of(changes=SHORT, checkpoint_path=path))
    before = path.read_bytes()
    with pytest.raises(
        CheckpointError, match=r"constant_steps is 1 there, 3 now; judge_weight is 1\.0 there, 0\.5 now; steps is 1"
    ):
        run_of(changes={"judge_weight": 0.5}, checkpoint_path=path)
    with pytest.raises(CheckpointError, match=r"layout_training is .*'palette_input': False.* there"):
        run_of("semantic-palette", SHORT | {"layout_weight": 10.0}, checkpoint_path=path)
    with pytest.raises(CheckpointError, match="data is None there, 'x' now"):
        run_of(changes=SHORT, checkpoint_path=path, configuration={"data": "x"})
    assert path.read_bytes() == before


def test_settings_must_make_sense():
    with pytest.raises(ValueError, match="tune='all': choose one of 'layouts', 'pictures', 'both'"):
        EndToEndSettings(tune="all")
    with pytest.raises(ValueError, match="steps=0, constant_steps=0, judge_steps=0: choose at least 1, from"):
        EndToEndSettings(steps=0, constant_steps=0)
    for change in ({"judge_steps": -1}, {"constant_steps": -1}, {"constant_steps": 40_000}):
        with pytest.raises(ValueError, match="choose at least 1, from 0 to steps, and at least 0"):
            EndToEndSettings(**change)
    for weight in (0.0, -1.0):
        with pytest.raises(ValueError, match=f"layout_weight={weight}: .* tune='pictures'"):
            EndToEndSettings(layout_weight=weight)


def test_the_pair_must_fit():
    def made(layouts=None, images=None, judge=0):
        judge = MultiScaleDiscriminator(DiscriminatorSettings.small(judge, 4))
        sides = layouts or layout_side("sb-gan"), images or image_side("sb-gan")
        EndToEndTraining(*sides, judge, SETTINGS["sb-gan"])

    made()
    with pytest.raises(ValueError, match=r"D₂ sees pictures only: build it with DiscriminatorSettings.small\(0\)"):
        made(judge=CLASSES)
    with pytest.raises(ValueError, match="8 layouts and 4 pictures a step: give both one batch_size"):
        made(layout_side("sb-gan", 8))
    with pytest.raises(ValueError, match="the layouts have 4 classes, the painter knows 3: train both on one data set"):
        made(layout_side("sb-gan", classes=4))
    small = SpadeGenerator(replace(SPADE, height=12, width=12))
    images, layouts, _ = scenes()
    cut = ImageTraining(
        small, MultiScaleDiscriminator(DiscriminatorSettings.small(CLASSES, 4)), images[:, :, :12, :12],
        layouts[:, :12, :12], ImageTrainingSettings(BATCH, 6, 6, perceptual_weight=0.0),
    )  # fmt: skip
    with pytest.raises(
        ValueError, match="layouts of 8×8 px cannot be enlarged to 12×12 px: choose pictures of a whole"
    ):
        made(images=cut)
    edges = instance_edges(layouts)
    painter = SpadeGenerator(replace(SPADE, instance_edges=True))
    judge = replace(DiscriminatorSettings.small(CLASSES, 4), instance_edges=True)
    with pytest.raises(ValueError, match="this painter needs the borders of instances"):
        made(images=image_side("sb-gan", painter=painter, judge=judge, edges=edges))
    with pytest.raises(ValueError, match="makes its first map of z, so that no gradient would reach a layout"):
        run_of("with-encoder", {"first_map_only": True})


# From parameters


def parameters(**changes):
    return resolve("09_end_to_end", {"preset": "smoke", "device": "cpu"} | changes)


def test_a_batch_must_be_parted_evenly():
    with pytest.raises(RunError, match="tuning_batch_size = 6 is no multiple of devices = 4: change one of them"):
        parameters(devices=4, tuning_batch_size=6, segmenter_batch_size=8)
    assert parameters(devices=4, tuning_batch_size=8, segmenter_batch_size=8).devices == 4


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Layout GANs of both papers, a GauGAN, at preset smoke; and what they were trained on."""
    folder, p = tmp_path_factory.mktemp("trained"), parameters()
    data, layouts = training.scene_set(p), {}
    for system, chapter in (("sb-gan", "04_sb_gan_layouts"), ("semantic-palette", "05_semantic_palette")):
        own = resolve(chapter, {"preset": "smoke", "device": "cpu", "train_scenes": 24, "val_scenes": 8})
        known = training.layout_data(own)
        training.train(own, known, folder / f"{system}.safetensors")
        layouts[system] = own, TuningData(data, known)
    training.train_images(p, data, "gaugan", folder / "gaugan.safetensors")
    return folder, layouts


def paths(folder, system):
    return {"layouts": folder / f"{system}.safetensors", "gaugan": folder / "gaugan.safetensors"}


@pytest.mark.parametrize(("system", "ratio"), [("sb-gan", 0.01), ("semantic-palette", 0.1)])
def test_a_pair_begins_where_its_halves_ended(trained, system, ratio):
    folder, known = trained
    own, data = known[system]
    run = training.end_to_end_training(parameters(), own, data, system, paths(folder, system))
    layouts, _ = training.checkpoint.load(folder / f"{system}.safetensors")
    images, _ = training.checkpoint.load(folder / "gaugan.safetensors")
    for part, tensors, name in (
        (run._pair.layouts, layouts, "averaged"), (run.layouts.discriminator, layouts, "discriminator"),
        (run._pair.painter, images, "averaged"), (run.images_side.discriminator, images, "discriminator"),
    ):  # fmt: skip
        for key, value in part.state_dict().items():
            assert torch.equal(value, tensors[f"{name}.{key}"]), f"{name}.{key}"
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in run.optimizers.items()}
    assert rates["layout_g"] == rates["layout_d"] == pytest.approx(ratio * own.learning_rate)
    assert (rates["g"], rates["d"], rates["judge"]) == pytest.approx((1e-3, 4e-3, 4e-3))
    assert run.settings.soft == (system == "semantic-palette")
    assert run.images_side.perceptual.name == "segmenter"
    assert (run.steps, run.images_side.settings.batch_size, len(run.layouts.settings.stages)) == (2, 4, 2)


def test_tune_to_the_end_and_go_on(trained, tmp_path):
    folder, known = trained
    own, data = known["semantic-palette"]
    arguments = parameters(), own, data, "semantic-palette", paths(folder, "semantic-palette")
    run = training.tune_pair(*arguments, tmp_path / "pair.safetensors", watch=training.progress_bar)
    assert run.step == run.steps == 2
    pictures, layouts = run.averaged.sample(3, torch.Generator().manual_seed(0))
    assert pictures.shape == (3, 3, 16, 32)
    assert layouts.shape == (3, 16, 32)
    again = training.tune_pair(*arguments, tmp_path / "pair.safetensors")
    assert all(torch.equal(v, weights(again)[k]) for k, v in weights(run).items())
    other = training.end_to_end_training(*arguments, tune="layouts", judge_weight=0.5)  # changes of the settings
    assert (other.settings.tune, other.settings.judge_weight) == ("layouts", 0.5)


def test_a_pair_that_was_trained_anew_is_tuned_anew(trained, tmp_path):
    folder, known = trained
    own, data = known["sb-gan"]
    fine, path = paths(folder, "sb-gan"), tmp_path / "pair.safetensors"
    training.tune_pair(parameters(), own, data, "sb-gan", fine, path)
    tensors, facts = training.checkpoint.load(fine["layouts"])
    tensors = {k: v * 1.01 if k.startswith("averaged") and v.is_floating_point() else v for k, v in tensors.items()}
    training.checkpoint.save(tmp_path / "anew.safetensors", tensors, facts)
    with pytest.warns(UserWarning, match="trained by other data than today's: kept as pair-"):
        run = training.end_to_end_training(
            parameters(), own, data, "sb-gan", fine | {"layouts": tmp_path / "anew.safetensors"}, checkpoint_path=path
        )
    assert run.step == 0


def test_the_release_of_sb_gan_lets_d2_learn_for_an_epoch(trained):
    folder, known = trained
    own, data = known["sb-gan"]
    run = training.end_to_end_training(parameters(released=True), own, data, "sb-gan", paths(folder, "sb-gan"))
    assert run.settings.judge_steps == len(data.scenes.layouts) // 4 == 6
    assert run.settings.judge_weight == 0.1
    assert run.images_side.generator.first_map_only


def test_halves_that_are_not_there_or_do_not_fit(trained, tmp_path):
    folder, known = trained
    own, data = known["sb-gan"]
    fine = paths(folder, "sb-gan")
    with pytest.raises(CheckpointError, match=r"no checkpoint missing.safetensors in .*: train first"):
        training.end_to_end_training(
            parameters(), own, data, "sb-gan", fine | {"gaugan": tmp_path / "missing.safetensors"}
        )
    before = fine["gaugan"].read_bytes()
    with pytest.raises(CheckpointError, match=r"gaugan.safetensors holds no averaged of this architecture"):
        training.end_to_end_training(parameters(ngf=8), own, data, "sb-gan", fine)
    with pytest.raises(CheckpointError, match=r"sb-gan.safetensors holds no averaged of this architecture"):
        training.end_to_end_training(parameters(), known["semantic-palette"][0], data, "sb-gan", fine)
    assert fine["gaugan"].read_bytes() == before
    with pytest.raises(ValueError, match="'gaugan' is no system: choose 'sb-gan' or 'semantic-palette'"):
        training.end_to_end_training(parameters(), own, data, "gaugan", fine)


def test_the_control_without_d2_learns_nothing_of_generated_layouts():
    """With a weight of 0 a tuning of the pictures is the synthesizer's own training, running statistics and all."""
    torch.manual_seed(0)
    run = run_of("semantic-palette", {"tune": "pictures", "judge_weight": 0.0, "soft": False})
    painter = copy.deepcopy(run.images_side.generator)
    state = run.random.get_state()
    run.losses(False, True)
    run.random.set_state(state)
    run.layouts.judge()
    _, layouts, edges, *_ = run.images_side._batch()
    painter.train()(layouts, edges=edges)
    for name, value in painter.named_buffers():
        torch.testing.assert_close(dict(run.images_side.generator.named_buffers())[name], value, msg=name)
    with pytest.raises(ValueError, match="judge_weight=-1: choose 0, with which D₂ has no say, or more"):
        replace(SETTINGS["sb-gan"], judge_weight=-1)


def test_a_layout_gan_that_takes_its_layouts_in_passes_does_so_in_a_tuning(monkeypatch):
    run, seen = run_of(), []
    run.layouts.settings = replace(run.layouts.settings, released=True)
    batch = run.layouts._released_batch
    monkeypatch.setattr(run.layouts, "_released_batch", lambda *a: seen.append(batch(*a)) or seen[-1])
    for _ in range(4):
        run._train_step()
    shown = [index.tolist() for index, _ in seen]
    assert {i for batch in shown[:3] for i in batch} == set(range(12))  # three batches of 4 are all the layouts
    assert shown[3] == shown[0]  # and, below 64 px, come again


# How loud D₂ is


def test_the_share_of_d2s_gradient_by_its_weight(trained):
    """Both terms by themselves, a slow way; and nothing of the training is changed."""
    folder, known = trained
    own, data = known["sb-gan"]
    run = training.end_to_end_training(parameters(), own, data, "sb-gan", paths(folder, "sb-gan"), judge_weight=0.5)
    before, random = weights(run), run.random.get_state()
    found = training.gradient_share(run, batches=1)
    assert all(torch.equal(v, weights(run)[k]) for k, v in before.items())
    assert torch.equal(random, run.random.get_state())
    g = list(run.layouts.generator.parameters())
    layouts = run.layouts.judge()
    images = run.images_side
    images.generator.train()
    fake = run._paint(layouts.fake)
    pictures, *_ = images._batch()
    said = end_to_end.hinge_generator_loss(run.judge.judge([fake, pictures])[0].logits)
    terms = []
    for loss in (0.5 * said, 10 * layouts.loss):
        gradients = torch.autograd.grad(loss, g, retain_graph=True, allow_unused=True)
        terms.append(torch.cat([x.flatten() for x in gradients if x is not None]))
    assert found.share == pytest.approx((terms[0].norm() / terms[1].norm()).item(), rel=1e-2)
    assert found.cosine == pytest.approx(torch.cosine_similarity(*terms, 0).item(), abs=1e-2)
    run.settings = replace(run.settings, judge_weight=5.0)
    run.random.set_state(random)
    for name, network in run.networks.items():
        network.load_state_dict({k.removeprefix(f"{name}."): v for k, v in before.items() if k.startswith(f"{name}.")})
    assert training.gradient_share(run, batches=1).share == pytest.approx(10 * found.share, rel=1e-2)


@pytest.mark.parametrize("changes", [{"tune": "pictures"}, {"judge_weight": 0.0}])
def test_where_d2_has_no_say(trained, changes):
    folder, known = trained
    own, data = known["sb-gan"]
    run = training.end_to_end_training(parameters(), own, data, "sb-gan", paths(folder, "sb-gan"), **changes)
    with pytest.raises(ValueError, match=r"there is no gradient of D₂ in the layout generator\. Take a training with"):
        training.gradient_share(run)


# A painter that stands still


def test_a_painter_is_trained_once_and_tuned(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path))
    folder, known = trained
    own, data = known["sb-gan"]
    p = parameters(painter_steps=8)
    path = training.painter_for(p)
    note = json.loads(path.with_suffix(".json").read_text())
    assert (note["recipe"]["steps"], note["held_out"]) == (8, 6)
    assert set(note["fd_seg_by_step"]) == {"8"}
    monkeypatch.setattr(tuning, "train_images", None)  # a second one would fail
    assert training.painter_for(p.model_copy(update={"seed": 9, "steps": 77})) == path
    painter = training.load_painter(p, data.scenes, path)
    assert painter.generate(data.scenes.held_out[:2]).shape == (2, 3, 16, 32)
    files = {**paths(folder, "sb-gan"), "gaugan": path}
    run = training.end_to_end_training(p, own, data, "sb-gan", files)
    for key, value in painter.state_dict().items():
        assert torch.equal(value, run._pair.painter.state_dict()[key])
    with pytest.raises(CheckpointError, match="holds no averaged of this architecture"):
        training.load_painter(p.model_copy(update={"ngf": 6}), data.scenes, path)
