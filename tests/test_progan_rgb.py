"""ProGAN on pictures: what it is shown, what a step is, that it can be stopped, that it learns."""

from dataclasses import replace

import pytest
import torch
from lightning.fabric import Fabric

from sempal_lib import training
from sempal_lib.image_gans import ProganGenerator
from sempal_lib.layout_gans import GeneratorSettings, LayoutDiscriminator, LayoutGenerator
from sempal_lib.parameters import resolve
from sempal_lib.training import CheckpointError, ProganTraining, ProgressiveSettings, StageSettings

NET = ProganGenerator.settings_for(8, 16, latent_dim=5, max_channels=6)
STAGES = (StageSettings(8, 0, 24), StageSettings(4, 16, 16))
SETTINGS = ProgressiveSettings(
    STAGES, conditional_weight=0.0, multi_scale=False, palette_source="real", report_steps=2, ema_images=32
)


def pictures(n=20):
    return torch.randint(256, (n, 3, 8, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def run_of(changes=None, images=None, net=NET, **kwargs):
    torch.manual_seed(0)
    images = pictures() if images is None else images
    settings = replace(SETTINGS, **(changes or {}))
    return ProganTraining(ProganGenerator(net), LayoutDiscriminator(net), images, settings, **kwargs)


def weights(run):
    found = {f"{n}.{k}": v.clone() for n, net in run.networks.items() for k, v in net.state_dict().items()}
    for name, optimizer in run.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            found |= {f"optimizer_{name}.{index}.{k}": v.clone() for k, v in state.items()}
    return found


def test_it_is_the_trunk_of_the_layout_generators():
    paper = ProganGenerator.settings_for(128, 256)
    assert (paper.num_classes, paper.height, paper.width, paper.latent_dim) == (3, 128, 256, 512)
    assert (paper.max_channels, paper.channel_base, paper.activation) == (512, 4096, "none")
    assert (paper.palette_input, paper.fusion, paper.palette_judge) == (False, False, False)
    generator = ProganGenerator(NET)
    z = torch.randn(4, 5)
    # No activation: the pictures are the last 1×1 convolution's, whatever the palette.
    (mask,) = generator(z, torch.zeros(4, 3))
    assert torch.equal(mask.scores, mask.soft_layout)
    assert torch.equal(mask.scores, generator(z, torch.rand(4, 3))[-1].scores)
    features = generator.blocks[1](generator.blocks[0](z))
    assert torch.equal(mask.scores, generator.to_mask[1](features))


def test_pictures_are_cut_and_do_not_depend_on_the_batch():
    generator = ProganGenerator(NET)
    with torch.no_grad():
        generator.to_mask[1].weight.mul_(20)
    z = torch.randn(7, 5)
    made = generator.pictures(z, batch_size=3)
    assert made.shape == (7, 3, 8, 16)
    assert made.dtype == torch.float32
    assert (float(made.min()), float(made.max())) == (-1, 1)
    whole = generator(z, torch.zeros(7, 3))[-1].scores.clamp(-1, 1)
    torch.testing.assert_close(made, whole, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match=r"noise has shape \[7, 4\], expected \[B, 5\]"):
        generator.pictures(z[:, :4])


def test_real_pictures_of_a_stage_are_means_over_patches():
    run, images = run_of(), pictures()
    assert torch.equal(run._real(1), images)
    small = run._real(0)
    assert small.dtype == torch.uint8
    assert small.shape == (20, 3, 4, 8)
    for y in range(4):
        for x in range(8):
            mean = images[:, :, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].float().mean((2, 3))
            assert (small[:, :, y, x] - mean).abs().max() <= 0.5
    assert torch.equal(run._real(1), images)  # and back again


def test_they_are_mirrored_and_in_range():
    run, images = run_of(), pictures()
    flip = torch.tensor([True, False]).view(2, 1, 1)
    shown = run._shown(images[:2], flip)
    torch.testing.assert_close(shown[0], images[0].flip(2) / 127.5 - 1)
    torch.testing.assert_close(shown[1], images[1] / 127.5 - 1)


@pytest.mark.parametrize("soft_real", [True, False])  # which says nothing here
def test_one_step_has_the_papers_gradients(soft_real, monkeypatch):
    """WGAN-GP's, each on a graph of its own, in the middle of a fade."""
    run, seen = run_of({"soft_real": soft_real}), {}
    draw = run._draw
    monkeypatch.setattr(run, "_draw", lambda *a: seen.setdefault("draw", draw(*a)))
    monkeypatch.setattr(run, "_update", lambda p, g: seen.update(parameters=p, gradients=g))
    run.step = run._phases[0].steps + run._phases[1].steps // 2 - 1
    reported = run._train_step()
    real, z, _, mix = seen["draw"]
    assert real.shape == (4, 3, 8, 16)
    assert real.min() < -0.9
    assert real.max() > 0.9
    g, d = run.generator, run.discriminator

    def pictures_of(z):
        coarse = g.blocks[0](z)
        old = torch.nn.functional.interpolate(g.to_mask[0](coarse), scale_factor=2, mode="nearest")
        return 0.5 * old + 0.5 * g.to_mask[1](g.blocks[1](coarse))

    loss_g = -d(pictures_of(z), 1, 0.5).mean()
    expected = list(torch.autograd.grad(loss_g, list(g.parameters())))
    fake = pictures_of(z).detach()
    mixed = ((1 - mix) * real + mix * fake).requires_grad_()
    slope = torch.autograd.grad(d(mixed, 1, 0.5).sum(), mixed, create_graph=True)[0]
    distance = d(fake, 1, 0.5).mean() - d(real, 1, 0.5).mean()
    loss_d = distance + 1e-3 * d(real, 1, 0.5).square().mean()
    loss_d = loss_d + 10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()
    expected += torch.autograd.grad(loss_d, list(d.parameters()))
    assert [id(p) for p in seen["parameters"]] == [id(p) for p in [*g.parameters(), *d.parameters()]]
    for ours, plain in zip(seen["gradients"], expected, strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-5 * float(plain.abs().max()) + 1e-6, rtol=1e-3)
    torch.testing.assert_close(reported["loss_g"], loss_g.detach())
    torch.testing.assert_close(reported["loss_d"], distance.detach())
    assert reported.keys() == {"loss_g", "loss_d", "penalty"}


@pytest.mark.parametrize("stop_after", [1, 3])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path, stop_after):
    whole, path = run_of(), tmp_path / "checkpoint.safetensors"
    reports = list(whole)
    assert [report.step for report in reports] == [2, 3, 5, 7, 9, 11]
    changes = {"checkpoint_seconds": 0}
    for _, _ in zip(range(stop_after), run_of(changes, checkpoint_path=path), strict=False):
        pass
    again = run_of(changes, checkpoint_path=path)
    assert 0 < again.step < again.steps == 11
    list(again)
    expected, found = weights(whole), weights(again)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_parts_of_a_batch_give_the_gradients_of_the_whole(monkeypatch):
    def gradients(part=None):
        run, seen = run_of({"stages": (STAGES[0], StageSettings(8, 16, 16))}), {}
        monkeypatch.setattr(run, "_update", lambda p, g: seen.update(gradients=g))
        if part is not None:
            monkeypatch.setattr(run, "_part", lambda batch: slice(batch * part // 2, batch * (part + 1) // 2))
        run.step = run.steps - 1
        run._train_step()
        return seen["gradients"]

    for one, first, second in zip(gradients(), gradients(0), gradients(1), strict=True):
        if one is not None:
            torch.testing.assert_close((first + second) / 2, one, atol=1e-5 * float(one.abs().max()) + 1e-6, rtol=1e-3)


def test_samples_are_pictures_of_the_stage():
    run = run_of()
    reports = list(run)
    shown = [report.samples for report in reports if report.samples is not None]
    assert [x.shape for x in shown] == [(16, 3, 4, 8), (16, 3, 8, 16)]
    assert all(x.is_floating_point() and x.abs().max() <= 1 for x in shown)
    assert torch.equal(shown[-1], run.averaged.pictures(run.fixed_noise))


def test_it_learns_a_constant_picture():
    """Distances of a tone that is nothing like what it paints at first."""
    tone = torch.tensor([200, 90, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(8, 3, 8, 16).contiguous()
    changes = {
        "stages": (StageSettings(8, 0, 480), StageSettings(8, 240, 480)), "learning_rate": 5e-3, "ema_images": 100,
        "report_steps": 50,
    }  # fmt: skip
    run = run_of(changes, tone)
    z, wanted = torch.randn(32, 5), tone[:1] / 127.5 - 1

    def off():
        return float((run.averaged.pictures(z) - wanted).abs().mean())

    before = off()
    list(run)
    assert off() < 0.3 * before


def test_bf16():
    run = run_of(fabric=Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"))
    assert all(torch.isfinite(torch.tensor(list(report.losses.values()))).all() for report in run)
    assert all(torch.isfinite(v).all() for v in weights(run).values())


def test_bad_input(tmp_path):
    net = GeneratorSettings(3, 8, 16, 5, 6)
    with pytest.raises(ValueError, match="this generator makes layouts: pictures need a ProganGenerator"):
        ProganTraining(LayoutGenerator(net), LayoutDiscriminator(net), pictures(), SETTINGS)
    expected = r"expected uint8 \[N, 3, 8, 16\]: load the data set at the generator's size"
    for images in (pictures()[:, :, :4], pictures()[:, :2], pictures()[:, 0], pictures() / 127.5 - 1):
        with pytest.raises(ValueError, match=expected):
            run_of(images=images)
    path = tmp_path / "checkpoint.safetensors"
    list(run_of(checkpoint_path=path))
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"learning_rate is 0\.001 there, 0\.01 now"):
        run_of({"learning_rate": 0.01}, checkpoint_path=path)
    assert path.read_bytes() == before


# From parameters


def parameters(**changes):
    return resolve("08_judging_with_a_segmenter", {"preset": "smoke", "device": "cpu"} | changes)


def test_train_by_parameters(tmp_path):
    p, path = parameters(), tmp_path / "checkpoint.safetensors"
    data = training.scene_set(p)
    run = training.train_progan(p, data, path, watch=training.progress_bar)
    assert run.step == run.steps == 5 * 16 // 4  # stages of 4, 8 and 16 px; all but the first fade in
    assert run.settings.learning_rate == pytest.approx(1e-3 * 8)
    assert run.generator.size == data.size == (16, 32)
    again = training.train_progan(p, data, path)
    assert all(torch.equal(v, weights(again)[k]) for k, v in weights(run).items())
    assert run.averaged.pictures(torch.randn(2, 8)).shape == (2, 3, 16, 32)
    wide = training.progan_training(parameters(max_channels=512), data)
    assert wide.settings.learning_rate == 1e-3  # the paper's
