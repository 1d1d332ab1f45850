"""SemGAN and its twin: what comes out, what a step is, and that a run can be stopped."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from test_layout_training import bundle

from sempal_lib import losses, training
from sempal_lib.labels import label_space_of
from sempal_lib.layout_gans import SemganDiscriminator, SemganGenerator, SemganSettings
from sempal_lib.parameters import resolve
from sempal_lib.training import CheckpointError, SemganTraining, SemganTrainingSettings, TrainingError

SPACE = label_space_of([("a", (255, 0, 0)), ("b", (0, 255, 0)), ("c", (0, 0, 255))], ignore_index=255)
NET = SemganSettings(3, height=16, latent_dim=6, kernel_size=3, max_channels=8, min_channels=4)
SETTINGS = SemganTrainingSettings(batch_size=8, steps=6, learning_rate=1e-3, ema_images=32, report_steps=2)


def halves(n=24):
    """Layouts of two classes left and right of a border, and a stripe of the third."""
    border = torch.randint(3, 13, (n, 1, 1), generator=torch.Generator().manual_seed(0))
    layouts = (torch.arange(16).view(1, 1, 16) >= border).long().expand(n, 16, 16).clone()
    layouts[:, 6:9] = 2
    return layouts.to(torch.uint8)


def run_of(settings=SETTINGS, net=NET, layouts=None, **kwargs):
    torch.manual_seed(0)
    layouts = halves() if layouts is None else layouts
    return SemganTraining(SemganGenerator(net), SemganDiscriminator(net), layouts, SPACE, settings, **kwargs)


def weights(run):
    return {f"{n}.{k}": v.clone() for n, net in run.networks.items() for k, v in net.state_dict().items()}


def test_a_soft_layout_comes_out_and_the_twin_paints():
    z = torch.randn(5, 6)
    soft = SemganGenerator(NET)(z)
    assert soft.shape == (5, 3, 16, 16)
    torch.testing.assert_close(soft.sum(1), torch.ones(5, 16, 16))
    assert soft.min() >= 0
    twin = SemganGenerator(replace(NET, num_classes=7, output="rgb"))
    assert twin(z).shape == (5, 3, 16, 16)
    assert twin(z).abs().max() <= 1
    hard = SemganGenerator(NET).eval().generate(z, batch_size=2)
    assert hard.shape == (5, 16, 16)
    assert hard.dtype == torch.int64
    assert twin.generate(z).is_floating_point()


def test_the_twin_differs_by_its_last_layer_and_what_its_judge_sees():
    settings = replace(NET, num_classes=9)
    twin = replace(settings, output="rgb")
    for network, differing in (
        (SemganGenerator, {"last.weight", "last.bias"}),
        (SemganDiscriminator, {"convs.0.weight"}),
    ):
        ours, theirs = network(settings).state_dict(), network(twin).state_dict()
        assert {name for name in ours if ours[name].shape != theirs[name].shape} == differing


def test_the_discriminator_halves_down_to_4_px():
    logits, features = SemganDiscriminator(NET)(torch.randn(5, 3, 16, 16))
    assert logits.shape == (5,)
    assert [tuple(f.shape[1:]) for f in features] == [(4, 8, 8), (8, 4, 4)]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"height": 48}, "4 times a power of two"), ({"output": "hsv"}, "choose 'classes' or 'rgb'"),
     ({"kernel_size": 4}, "is even")],
)  # fmt: skip
def test_impossible_settings(change, message):
    with pytest.raises(ValueError, match=message):
        replace(NET, **change)


def test_noise_of_another_length():
    with pytest.raises(ValueError, match=r"noise has shape \[2, 5\], expected \[B, 6\]"):
        SemganGenerator(NET).generate(torch.randn(2, 5))


def test_losses_by_hand():
    real = [torch.tensor([[1.0, 2.0], [3.0, 4.0]])]  # means 2, 3
    fake = [torch.tensor([[0.0, 3.0], [2.0, 7.0]])]  # means 1, 5
    assert float(losses.feature_matching_loss(real, fake)) == pytest.approx((1 + 2) / 2)
    assert float(losses.feature_matching_loss(real * 2, fake * 2)) == pytest.approx(3)  # a sum over layers
    swapped = [real[0].flip(0)]
    assert float(losses.feature_matching_loss(real, swapped)) == 0  # the batch's mean counts, not its pairs
    logits = torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 0.5])
    judged = zip(logits, (1.0, 0.0), strict=True)
    plain = [torch.nn.functional.binary_cross_entropy_with_logits(x, torch.full_like(x, y)) for x, y in judged]
    torch.testing.assert_close(losses.discriminator_cross_entropy(*logits), sum(plain) / 2)


@pytest.mark.parametrize("output", ["classes", "rgb"])
def test_gradients_of_a_step_are_those_of_the_two_losses(output, monkeypatch):
    net, seen = replace(NET, output=output), {}
    run = run_of(net=net)
    monkeypatch.setattr(run, "_update", lambda p, g: seen.update(gradients=g))
    state = run.random.get_state()
    run._train_step()
    run.random.set_state(state)
    index = torch.randint(24, (8,), generator=run.random)
    z = torch.randn(8, 6, generator=run.random)
    g, d = run.generator, run.discriminator
    real, fake = run.real(run.layouts[index]), g(z)
    matched = losses.feature_matching_loss([f.detach() for f in d(real)[1]], d(fake)[1])
    expected = list(torch.autograd.grad(matched, list(g.parameters())))
    judged = losses.discriminator_cross_entropy(d(real)[0], d(g(z).detach())[0])
    expected += torch.autograd.grad(judged, list(d.parameters()))
    for ours, plain in zip(seen["gradients"], expected, strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("output", ["classes", "rgb"])
def test_ignored_pixels_are_holes_in_both(output, monkeypatch):
    """Else a pixel of no class, which a softmax cannot make, would tell the discriminator which is which."""
    layouts = halves()
    layouts[:, :4] = 255
    run, seen = run_of(net=replace(NET, output=output), layouts=layouts), []
    judge = run.discriminator.forward
    monkeypatch.setattr(run.discriminator, "forward", lambda x: seen.append(x) or judge(x))
    run._train_step()
    (both,) = seen
    assert both[:, :, :4].abs().max() == 0
    assert both[8:, :, 4:].abs().min() > 0


def test_what_the_judges_see():
    layouts = torch.tensor([[0, 2], [1, 255]], dtype=torch.uint8).view(1, 2, 2)
    run = run_of()
    assert run.real(layouts)[0].argmax(0).tolist() == [[0, 2], [1, 0]]
    assert run.real(layouts).sum(1).tolist() == [[[1, 1], [1, 0]]]  # an ignored pixel is no class's
    painted = run_of(net=replace(NET, output="rgb")).real(layouts)
    assert painted[0, :, 0, 0].tolist() == [1, -1, -1]
    assert painted[0, :, 0, 1].tolist() == [-1, -1, 1]
    assert painted[0, :, 1, 1].tolist() == [-1, -1, -1]


@pytest.mark.parametrize("stop", [1, 2])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path, stop):
    whole = run_of(replace(SETTINGS, flip=True))
    reports = list(whole)
    assert [report.step for report in reports] == [2, 4, 6]
    assert reports[-1].images == 48
    path = tmp_path / "checkpoint.safetensors"
    settings = replace(SETTINGS, flip=True, checkpoint_seconds=0)
    for report in run_of(settings, checkpoint_path=path):
        if report.step == 2 * stop:
            break
    again = run_of(settings, checkpoint_path=path)
    assert again.step == 2 * stop
    list(again)
    assert again.history[-1]["loss_g"] == whole.history[-1]["loss_g"]
    for name, value in weights(whole).items():
        assert torch.equal(weights(again)[name], value), name


def test_checkpoint_of_another_configuration_is_left_alone(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    list(run_of(checkpoint_path=path))
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="kernel_size is 3 there, 5 now"):
        run_of(net=replace(NET, kernel_size=5), checkpoint_path=path)
    assert path.read_bytes() == before


def test_a_loss_that_is_no_number_stops_the_run():
    run = run_of()
    with torch.no_grad():
        run.generator.last.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="loss_g became nan in the 2 steps before step 2; there is no"):
        list(run)


def test_layouts_of_another_size():
    with pytest.raises(ValueError, match=r"expected uint8 \[N, 16, 16\]: load the data set at the generator's size"):
        run_of(layouts=halves()[:, :8])


def test_the_average_follows_weights_and_running_statistics():
    run = run_of()
    list(run)
    assert not torch.equal(run.averaged.last.weight, run.generator.last.weight)
    assert not torch.equal(run.averaged.norms[0].running_mean, torch.zeros(8))
    assert not run.averaged.training
    plain = run_of(replace(SETTINGS, ema_images=0))
    assert plain.averaged is plain.generator


def test_it_learns_two_halves():
    layouts = torch.zeros(8, 16, 16, dtype=torch.uint8)
    layouts[:, :, 8:] = 1
    settings = replace(SETTINGS, steps=150, learning_rate=5e-3, ema_images=0)
    run = run_of(settings, layouts=layouts)
    list(run)
    made = run.generator.eval().generate(torch.randn(16, 6))
    assert (made == layouts[0]).float().mean() > 0.9


# From parameters


def parameters(**changes):
    smoke = {
        "preset": "smoke",
        "device": "cpu",
        "height": 16,
        "batch_size": 4,
        "steps": 4,
        "samples": 2,
        "train_scenes": 24,
    }
    return resolve("03_semgan", smoke | changes)


def test_wide_scenes_become_squares_by_every_second_column():
    p = parameters(dataset="toy-street", height=64, train_scenes=2, val_scenes=1)
    with pytest.raises(ValueError, match=r"none of the 2 layouts shows .*: take more scenes"):
        training.semgan_data(p)
    data = training.setup.layout_set(p, square=True)
    wide = training.setup.layout_set(p)
    assert data.size == (64, 64)
    assert torch.equal(data.layouts, wide.layouts[:, :, 1::2])


def test_a_class_that_no_layout_shows(tmp_path):
    bundle(tmp_path / "tiny", 16)
    for i in range(6):
        Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "tiny" / "labels" / f"{i}.png")
    p = parameters(dataset="tiny", data_root=str(tmp_path / "tiny"))
    with pytest.raises(ValueError, match=r"none of the 4 layouts shows c1: take more scenes, or leave the class out"):
        training.semgan_data(p)


@pytest.fixture(scope="module")
def shapes():
    return training.semgan_data(parameters(dataset="colored-shapes", height=64))


@pytest.mark.parametrize("output", ["classes", "rgb"])
def test_train_by_parameters_and_keep_the_generator(shapes, tmp_path, output):
    p = parameters(dataset="colored-shapes", height=64, max_channels=8, min_channels=4)
    run = training.train_semgan(p, shapes, tmp_path / "checkpoint.safetensors", output, watch=training.progress_bar)
    assert run.step == 4
    again = training.train_semgan(p, shapes, tmp_path / "checkpoint.safetensors", output)
    assert torch.equal(again.averaged.last.weight, run.averaged.last.weight)
    path = tmp_path / "generator.safetensors"
    training.save_generator(path, run.averaged, shapes.label_space, half=False)
    generator, space, mixture = training.load_generator(path)
    z = torch.randn(3, 16)
    assert torch.equal(generator.generate(z), run.averaged.eval().generate(z))
    assert (space, mixture) == (shapes.label_space, None)


def test_two_devices_train_to_the_end(shapes, tmp_path):
    p = parameters(dataset="colored-shapes", height=64, max_channels=8, min_channels=4, devices=2)
    run = training.train_semgan(p, shapes, tmp_path / "checkpoint.safetensors")
    assert (run.step, run.images) == (4, 16)
    assert len(run.history) == 1
