"""Training of the image synthesizers: what a step is, that a run can be stopped, and what it refuses."""

from dataclasses import replace

import pytest
import torch
from lightning.fabric import Fabric

from sempal_lib import losses
from sempal_lib.image_gans import (
    DiscriminatorSettings,
    GlobalGenerator,
    ImageEncoder,
    MultiScaleDiscriminator,
    Pix2pixhdSettings,
    Pix2pixSettings,
    SpadeGenerator,
    SpadeSettings,
    UnetGenerator,
    instance_edges,
    perceptual_features,
    sample_latent,
)
from sempal_lib.training import CheckpointError, TrainingError
from sempal_lib.training.images import ImageTraining, ImageTrainingSettings

SIZE = 16
SPADE = SpadeSettings(3, SIZE, SIZE, ngf=4, doublings=2, hidden=8, latent_dim=6, encoder_size=16)
COMMON = {"batch_size": 4, "steps": 6, "constant_steps": 3, "report_steps": 2}
KINDS = {
    "gaugan": (SpadeGenerator, SPADE, DiscriminatorSettings(3, 4, (2, 2)), ImageTrainingSettings(**COMMON)),
    "gaugan-vae": (
        SpadeGenerator, replace(SPADE, use_vae=True), DiscriminatorSettings(3, 4, (2, 2)),
        ImageTrainingSettings(**COMMON),
    ),
    "pix2pix": (
        UnetGenerator, Pix2pixSettings(3, SIZE, SIZE, 4, depth=3, dropouts=1),
        DiscriminatorSettings(3, 4, (2, 2), 1, "batch", 1), ImageTrainingSettings.pix2pix(**COMMON),
    ),
    "pix2pixhd": (
        GlobalGenerator, Pix2pixhdSettings(3, SIZE, SIZE, 4, downs=2, blocks=1),
        DiscriminatorSettings(3, 4, (2, 2), norm="instance"), ImageTrainingSettings.pix2pixhd(**COMMON),
    ),
}  # fmt: skip


def pairs(n=12):
    """Layouts of two halves and a stripe; pictures in their classes' colours, with some noise."""
    random = torch.Generator().manual_seed(0)
    border = torch.randint(3, 13, (n, 1, 1), generator=random)
    layouts = (torch.arange(SIZE).view(1, 1, -1) >= border).to(torch.uint8).expand(n, SIZE, SIZE).clone()
    layouts[:, 6:9] = 2
    colors = torch.tensor([[200, 40, 40], [40, 180, 60], [30, 60, 220]])
    images = colors[layouts.long()].movedim(-1, 1) + torch.randint(-20, 20, (n, 3, SIZE, SIZE), generator=random)
    return images.to(torch.uint8), layouts


def features():
    """What stands in for VGG: two scales of differences."""
    return perceptual_features(lambda x: [x, torch.nn.functional.avg_pool2d(x, 4)])


def run_of(kind="gaugan", changes=None, data=None, **kwargs):
    network, settings, judge, training = KINDS[kind]
    torch.manual_seed(0)
    images, layouts = pairs() if data is None else data
    training = replace(training, **(changes or {}))
    generator, discriminator = network(settings), MultiScaleDiscriminator(judge)
    kwargs.setdefault("encoder", ImageEncoder(settings) if kind == "gaugan-vae" else None)
    kwargs.setdefault("perceptual", features() if training.perceptual_weight else None)
    return ImageTraining(generator, discriminator, images, layouts, training, **kwargs)


def weights(run):
    return {f"{n}.{k}": v.clone() for n, net in run.networks.items() for k, v in net.state_dict().items()}


def test_defaults_are_the_papers():
    gaugan, pix2pix, hd = ImageTrainingSettings(), ImageTrainingSettings.pix2pix(), ImageTrainingSettings.pix2pixhd()
    assert (gaugan.learning_rate_g, gaugan.learning_rate_d, gaugan.betas) == (1e-4, 4e-4, (0.0, 0.9))
    assert (gaugan.adversarial, gaugan.feature_weight, gaugan.perceptual_weight) == ("hinge", 10, 10)
    assert (gaugan.kl_weight, gaugan.l1_weight) == (0.05, 0)
    assert (pix2pix.adversarial, pix2pix.l1_weight, pix2pix.perceptual_weight) == ("cross_entropy", 100, 0)
    assert (hd.adversarial, hd.feature_weight, hd.perceptual_weight, hd.betas) == (
        "least_squares",
        10,
        10,
        (0.5, 0.999),
    )
    assert pix2pix.learning_rate_g == hd.learning_rate_d == 2e-4


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_a_step_are_those_of_two_passes(kind, monkeypatch):
    run, seen = run_of(kind, {"flip": False}), {}
    monkeypatch.setattr(run, "_update", lambda p, g: seen.update(parameters=p, gradients=g))
    before, state = weights(run), run.random.get_state()
    reported = run._train_step()
    for name, network in run.networks.items():  # running statistics and singular vectors as they were
        network.load_state_dict({k[len(name) + 1 :]: v for k, v in before.items() if k.startswith(name + ".")})
    run.random.set_state(state)
    index = torch.randint(12, (4,), generator=run.random)
    g, d = run.generator, run.discriminator
    z = torch.randn(4, g.noise_dim, generator=run.random) if g.noise_dim else None
    images, layouts = (x[index] for x in pairs())
    images, kl = images / 127.5 - 1, 0
    if run.encoder is not None:
        mean, log_variance = run.encoder(images)
        z, kl = sample_latent(mean, log_variance, z), 0.05 * losses.kl_to_standard_normal(mean, log_variance)
    # The plain way: each judged apart, from one state of the spectral norms.
    fake, weights_of_d = g(layouts, z), dict(d.named_parameters())

    def judged(x):
        buffers = {k: v.clone() for k, v in d.named_buffers()}
        return torch.func.functional_call(d, weights_of_d | buffers, (x, layouts))

    of_fake, of_real = judged(fake), judged(images)
    matched = losses.paired_feature_loss([[f.detach() for f in x] for x in of_real.features], of_fake.features)
    perceived = losses.perceptual_loss(features()(fake), features()(images), (0.5, 1.0))
    if kind.startswith("gaugan"):
        loss_g = losses.hinge_generator_loss(of_fake.logits) + 10 * matched + 10 * perceived + kl
        loss = losses.hinge_discriminator_loss
    elif kind == "pix2pix":
        loss_g = losses.cross_entropy_generator_loss(of_fake.logits) + 100 * (fake - images).abs().mean()
        loss = lambda real, fake: losses.discriminator_cross_entropy(real[0], fake[0])  # noqa: E731
    else:
        loss_g = losses.least_squares_generator_loss(of_fake.logits) + 10 * matched + 10 * perceived
        loss = losses.least_squares_discriminator_loss
    painters = list(g.parameters()) + (list(run.encoder.parameters()) if run.encoder else [])
    expected = list(torch.autograd.grad(loss_g, painters, retain_graph=True))
    loss_d = loss(of_real.logits, judged(fake.detach()).logits)
    expected += torch.autograd.grad(loss_d, list(d.parameters()))
    torch.testing.assert_close(reported["loss_g"], loss_g.detach())
    torch.testing.assert_close(reported["loss_d"], loss_d.detach())
    assert all(a is b for a, b in zip(seen["parameters"], painters + list(d.parameters()), strict=True))
    for ours, plain in zip(seen["gradients"], expected, strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-5 * float(plain.abs().max()) + 1e-6, rtol=1e-3)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(kind, channels_last, tmp_path):
    """Also where weights lie in another memory order than in a file: the optimizer's moments must follow them."""
    whole = run_of(kind, {"ema_images": 16, "channels_last": channels_last})
    reports = list(whole)
    assert [report.step for report in reports] == [2, 4, 6]
    assert reports[-1].images == 24
    path = tmp_path / "checkpoint.safetensors"
    changes = {"ema_images": 16, "checkpoint_seconds": 0, "channels_last": channels_last}
    for report in run_of(kind, changes, checkpoint_path=path):
        if report.step == 4:
            break
    again = run_of(kind, changes, checkpoint_path=path)
    assert again.step == 4
    list(again)
    assert again.history[-1]["loss_g"] == whole.history[-1]["loss_g"]
    found = weights(again)
    for name, value in weights(whole).items():
        assert torch.equal(found[name], value), name


def test_buffers_are_kept_and_averaged():
    run = run_of(changes={"ema_images": 16})
    list(run)
    names = weights(run)
    for network in ("generator", "averaged"):
        assert f"{network}.blocks.0.convs.0.parametrizations.weight.0._u" in names
        assert names[f"{network}.blocks.0.norms.0.running_mean"].abs().sum() > 0
    u = names["averaged.blocks.0.convs.0.parametrizations.weight.0._u"]
    assert float(u.norm()) == pytest.approx(1, abs=1e-5)
    weight = run.averaged.blocks[0].convs[0].weight.flatten(1)
    assert float(torch.linalg.matrix_norm(weight, 2)) == pytest.approx(1, abs=0.1)
    assert not torch.equal(run.averaged.last.weight, run.generator.last.weight)
    assert not run.averaged.training
    plain = run_of()
    assert plain.averaged is plain.generator


def test_rates_are_constant_and_then_fall():
    run, rates = run_of(changes={"report_steps": 1}), []
    for _ in run:
        rates.append(tuple(run.optimizers[name].param_groups[0]["lr"] for name in "gd"))
    assert [rate for pair in rates for rate in pair] == pytest.approx(
        [base * f for f in (1, 1, 1, 1, 2 / 3, 1 / 3) for base in (1e-4, 4e-4)]
    )
    assert run_of(changes={"constant_steps": 6}).rate_factor == 1


def test_pictures_are_kept_as_bytes_and_flipped_with_their_layouts():
    images, layouts = pairs()
    run = run_of(data=(images / 127.5 - 1, layouts))
    assert run._pictures.dtype == torch.uint8
    assert torch.equal(run._pictures, images)
    shown, told, *_ = run._batch()
    known = {x.numpy().tobytes() for x in layouts}
    assert len({x.numpy().tobytes() in known for x in told}) == 2  # some as they are, some mirrored
    for image, layout in zip(shown, told, strict=True):
        colours = {int(c): image[:, layout == c].mean(1) for c in layout.unique()}
        assert all(int(colour.argmax()) == c for c, colour in colours.items())


def test_it_learns_to_paint():
    run = run_of(changes={"steps": 60, "constant_steps": 60, "learning_rate_g": 3e-3, "learning_rate_d": 3e-3})
    images, layouts = pairs()
    images = images / 127.5 - 1

    def off():
        return float((run.averaged.generate(layouts) - images).abs().mean())

    before = off()
    list(run)
    assert off() < 0.5 * before


def test_edges_go_along():
    images, layouts = pairs()
    edges = instance_edges(layouts)
    judge = DiscriminatorSettings(3, 4, (2, 2), instance_edges=True)
    settings = replace(KINDS["gaugan"][3], steps=2, constant_steps=1, perceptual_weight=0.0)
    parts = SpadeGenerator(replace(SPADE, instance_edges=True)), MultiScaleDiscriminator(judge), images, layouts
    run = ImageTraining(*parts, settings, edges=edges)
    _, told, borders, *_ = run._batch()
    assert torch.equal(borders, instance_edges(told))  # flipped alike
    list(run)
    with pytest.raises(ValueError, match="all three or none"):
        ImageTraining(*parts, settings)


def test_a_loss_that_is_no_number_stops_the_run():
    run = run_of()
    with torch.no_grad():
        run.generator.last.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="became nan in the 2 steps before step 2; there is no"):
        list(run)


def test_checkpoint_of_another_architecture_is_left_alone(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    list(run_of(checkpoint_path=path))
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"generator is .*SpadeGenerator.* there, .*GlobalGenerator.* now"):
        run_of("pix2pixhd", checkpoint_path=path)
    with pytest.raises(CheckpointError, match="perceptual is 'segmenter' there, None now"):
        run_of(changes={"perceptual_weight": 0.0}, checkpoint_path=path)
    assert path.read_bytes() == before


def test_bad_input():
    images, layouts = pairs()
    with pytest.raises(ValueError, match=r"images have shape \[12, 3, 8, 16\], expected \[12, 3, 16, 16\]"):
        run_of(data=(images[:, :, :8], layouts))
    with pytest.raises(ValueError, match=r"expected torch.uint8 \[N, 16, 16\]: load the data set at the generator's"):
        run_of(data=(images[:, :, :8], layouts[:, :8]))
    wrong = layouts.clone()
    wrong[5, 0, 0] = 3
    with pytest.raises(ValueError, match=r"layout 5 has the labels \[3\], expected 0 to 2, or 255"):
        run_of(data=(images, wrong))
    wrong[5, 0, 0] = 255
    run_of(data=(images, wrong))._train_step()
    with pytest.raises(ValueError, match=r"pass perceptual_features\(\), or segmenter_features"):
        run_of(perceptual=None)
    with pytest.raises(ValueError, match="give both or neither"):
        run_of("gaugan-vae", encoder=None)
    with pytest.raises(ValueError, match="choose one of 'hinge'"):
        replace(KINDS["gaugan"][3], adversarial="wgan")
    with pytest.raises(ValueError, match="constant_steps from 0 to steps"):
        replace(KINDS["gaugan"][3], constant_steps=7)


def test_bf16():
    run = run_of("gaugan-vae", fabric=Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"))
    assert all(torch.isfinite(torch.tensor(list(report.losses.values()))).all() for report in run)


def test_nothing_waits_for_the_device(monkeypatch):
    """A step reads no value of a tensor: on a GPU that would wait for it. (Coded layouts, of the CPU only, do.)"""
    run = run_of("gaugan-vae")
    run.generator.method = "dense"
    run._train_step()

    def caught(*args, **kwargs):
        raise AssertionError("a step reads a tensor's value")

    for name in ("item", "__bool__", "__float__", "__int__", "tolist", "nonzero", "cpu"):
        monkeypatch.setattr(torch.Tensor, name, caught)
    run._train_step()


def test_parts_of_a_batch_give_the_gradients_of_the_whole(monkeypatch):
    """Two devices, one after the other: the mean of their gradients is that of one device with the whole batch.

    Of pix2pixHD, whose networks have no statistics over the batch."""

    def gradients(part=None):
        run, seen = run_of("pix2pixhd"), {}
        monkeypatch.setattr(run, "_update", lambda p, g: seen.update(gradients=g))
        if part is not None:
            monkeypatch.setattr(run, "_part", lambda batch: slice(batch * part // 2, batch * (part + 1) // 2))
        run._train_step()
        return seen["gradients"]

    for one, first, second in zip(gradients(), gradients(0), gradients(1), strict=True):
        torch.testing.assert_close((first + second) / 2, one, atol=1e-5 * float(one.abs().max()) + 1e-6, rtol=1e-3)
