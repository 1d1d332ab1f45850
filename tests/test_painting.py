"""From parameters to trained synthesizers: the papers' networks, one budget, checkpoints, devices, what is compared."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from test_layout_training import bundle

from sempal_lib import datasets, training
from sempal_lib.image_gans import (
    DiscriminatorSettings,
    GlobalGenerator,
    ImageEncoder,
    MultiScaleDiscriminator,
    PerceptualWeightsMissing,
    Pix2pixhdSettings,
    Pix2pixSettings,
    SpadeGenerator,
    SpadeSettings,
    UnetGenerator,
    perceptual,
)
from sempal_lib.labels import LabelSpace
from sempal_lib.parameters import resolve
from sempal_lib.scenes import SceneDataset
from sempal_lib.training import SYNTHESIZERS, CheckpointError, painting, setup


def parameters(preset="smoke", **changes):
    return resolve("07_painting_by_layout", {"preset": preset, "device": "cpu"} | changes)


@pytest.fixture(scope="module")
def data():
    return training.scene_set(parameters())


def weights(run):
    return {f"{n}.{k}": v.clone() for n, net in run.networks.items() for k, v in net.state_dict().items()}


# Networks and settings

PAPERS = {
    # As SB-GAN and Semantic Palette take GauGAN for Cityscapes, with their judge; the others at their own sizes.
    "gaugan": (
        (128, 256), SpadeSettings(35, 128, 256, 4, 6, 8, latent_dim=256),
        DiscriminatorSettings(35, 4, (2, 2, 2), 2, "spectral_instance", 2),
    ),
    "gaugan-vae": (
        (128, 256), SpadeSettings(35, 128, 256, 4, 6, 8, use_vae=True, latent_dim=256, encoder_size=256),
        DiscriminatorSettings(35, 4, (2, 2, 2), 2, "spectral_instance", 2),
    ),
    "pix2pix": ((256, 512), Pix2pixSettings(35, 256, 512, 4, 8, 3), DiscriminatorSettings.pix2pix(35, 4)),
    "pix2pixhd": ((512, 1024), Pix2pixhdSettings(35, 512, 1024, 4, 4, 9), DiscriminatorSettings.pix2pixhd(35, 4)),
}  # fmt: skip
NETWORKS = {"gaugan": SpadeGenerator, "gaugan-vae": SpadeGenerator, "pix2pix": UnetGenerator}
NARROW = {"ngf": 4, "ndf": 4, "hidden": 8}  # to build them in no time


def size_of(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("system", SYNTHESIZERS)
def test_networks_at_the_papers_sizes_are_the_papers(system):
    p = parameters("paper")
    assert (p.ngf, p.ndf, p.hidden, p.doublings, p.latent_dim) == (64, 64, 128, 6, 256)
    size, settings, judge = PAPERS[system]
    generator, discriminator, encoder = training.image_networks(system, parameters("paper", **NARROW), 35, size)
    kind = NETWORKS.get(system, GlobalGenerator)
    assert type(generator) is kind
    assert (generator.settings, discriminator.settings) == (settings, judge)
    assert size_of(generator) == size_of(kind(settings))
    assert size_of(discriminator) == size_of(MultiScaleDiscriminator(judge))
    if system == "gaugan-vae":
        assert encoder.settings == settings
        assert size_of(encoder) == size_of(ImageEncoder(settings))
    else:
        assert encoder is None


def test_number_of_gaugans_weights_by_hand():
    """A layer at a time; the trunk is 16 ngf wide."""
    generator, judge, _ = training.image_networks("gaugan", parameters("paper", **NARROW), 35, (128, 256))

    def spade_block(before, after):
        middle, both = min(before, after), before != after
        count = (2 + both) * (35 * 9 * 8 + 8)  # layout to hidden
        for width in [before, middle] + [before] * both:
            count += 8 * 9 * 2 * width + 2 * width  # hidden to γ and β
        return count + before * 9 * middle + middle + middle * 9 * after + after + both * before * after

    widths = [64, 64, 64, 64, 32, 16, 8, 4]
    count = 35 * 9 * 64 + 64 + sum(map(spade_block, widths, widths[1:])) + 4 * 9 * 3 + 3
    assert size_of(generator) == count
    # Two scales of four convolutions of 4×4; those between the first and the last have no bias.
    assert size_of(judge) == 2 * 16 * (38 * 4 + 4 * 8 + 8 * 16 + 16) + 2 * (4 + 1)


@pytest.mark.parametrize(
    ("height", "depth", "dropouts", "downs", "strides"),
    [(8, 3, 1, 1, 3), (16, 4, 2, 1, 3), (32, 5, 3, 2, 3), (64, 6, 3, 3, 4), (128, 7, 3, 4, 4), (512, 8, 3, 4, 4)],
)
def test_smaller_pictures_get_fewer_halvings(height, depth, dropouts, downs, strides):
    p, size = parameters(), (height, 2 * height)
    unet, judge, _ = training.image_networks("pix2pix", p, 5, size)
    hd, _, _ = training.image_networks("pix2pixhd", p, 5, size)
    assert (unet.settings.depth, unet.settings.dropouts, hd.settings.downs) == (depth, dropouts, downs)
    assert len(judge.settings.strides) == strides
    assert (height >> depth == 1) == (height < 512)
    assert height >> downs >= 4


def test_losses_and_rates_are_each_papers_own():
    p = parameters("paper")
    pix2pix, hd, gaugan, vae = (training.image_settings(system, p) for system in SYNTHESIZERS)
    assert gaugan == vae
    assert (gaugan.learning_rate_g, gaugan.learning_rate_d, gaugan.betas) == (1e-4, 4e-4, (0, 0.9))  # TTUR
    assert (gaugan.adversarial, gaugan.feature_weight, gaugan.perceptual_weight) == ("hinge", 10, 10)
    assert (pix2pix.adversarial, pix2pix.l1_weight, pix2pix.feature_weight) == ("cross_entropy", 100, 0)
    assert (hd.adversarial, hd.feature_weight, hd.perceptual_weight) == ("least_squares", 10, 10)
    for settings in (pix2pix, hd):
        assert (settings.learning_rate_g, settings.learning_rate_d, settings.betas) == (2e-4, 2e-4, (0.5, 0.999))


@pytest.mark.parametrize("preset", ["smoke", "demo", "gpu", "paper"])
def test_all_have_one_budget(preset):
    p = parameters(preset)
    budgets = {
        (s.batch_size, s.steps, s.constant_steps, s.ema_images, s.seed, s.flip)
        for s in (training.image_settings(system, p) for system in SYNTHESIZERS)
    }
    assert budgets == {(p.batch_size, p.steps, p.steps // 2, p.batch_size * p.steps // 16, p.seed, True)}
    plain = training.image_settings("gaugan", p.model_copy(update={"decay": False, "ema": False}))
    assert (plain.constant_steps, plain.ema_images) == (p.steps, 0)


def test_unknown_system(data):
    with pytest.raises(ValueError, match="'spade' is no synthesizer: choose one of pix2pix, pix2pixhd, gaugan, gaugan"):
        training.image_networks("spade", parameters(), 5, (16, 32))
    with pytest.raises(ValueError, match="'pix2pixHD' is no synthesizer"):
        training.image_training(parameters(), data, "pix2pixHD", None)


# Training


@pytest.mark.parametrize("system", SYNTHESIZERS)
def test_train_to_the_end_and_go_on(data, tmp_path, system):
    path = tmp_path / "checkpoint.safetensors"
    first = training.image_training(parameters(), data, system, training.perceptual_for(parameters()))
    run = training.train_images(parameters(), data, system, path, watch=training.progress_bar)
    assert (run.step, run.images) == (4, 16)
    assert all(np.isfinite(value) for value in run.history[-1].values())
    before = weights(first)
    still = {
        k for k, v in weights(run).items() if k.startswith(("generator", "disc", "enc")) and torch.equal(v, before[k])
    }
    assert not {k for k in still if k.endswith(("weight", "original"))}
    painted = run.averaged.generate(data.held_out[:3])
    assert painted.shape == (3, 3, 16, 32)
    again = training.train_images(parameters(), data, system, path)  # nothing left to do
    assert all(torch.equal(v, weights(run)[k]) for k, v in weights(again).items())
    assert (run.perceptual is None) == (system == "pix2pix")
    assert (run.encoder is None) == (system != "gaugan-vae")


def test_first_weights_follow_the_seed_alone(data):
    torch.manual_seed(1)
    first = weights(training.image_training(parameters(), data, "pix2pix", None))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = weights(training.image_training(parameters(), data, "pix2pix", None))
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert torch.equal(state, torch.get_rng_state())
    other = weights(training.image_training(parameters(seed=1), data, "pix2pix", None))
    assert not torch.equal(first["generator.downs.0.weight"], other["generator.downs.0.weight"])


SCRIPT = """
import sys, time, torch
from tests.test_painting import *
torch.set_num_threads(1)

def watch(run):
    for progress in run:
        print(progress.step, flush=True)
        time.sleep(0.4)
        yield progress

training.train_images(LONG, training.scene_set(LONG), "gaugan", sys.argv[1], watch=watch)
"""
SHORT = {"train_scenes": 8, "val_scenes": 6, "height": 8, "ngf": 1, "ndf": 2, "hidden": 2, "once_steps": 1}
LONG = parameters(steps=50, checkpoint_seconds=0.001, **SHORT)


def test_sigkill_in_the_middle(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([*sys.path, str(datasets.__file__).split("sempal_lib")[0]])
    }
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    while int(process.stdout.readline()) < 25:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    scenes, threads = training.scene_set(LONG), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        at = training.checkpoint.load(path)[1]["step"]
        again = training.train_images(LONG, scenes, "gaugan", path)
        whole = training.train_images(LONG, scenes, "gaugan", tmp_path / "whole.safetensors")
    finally:
        torch.set_num_threads(threads)
    assert at == 25
    assert (again.step, len(again.history)) == (50, 2)
    for name, value in weights(whole).items():
        assert torch.equal(weights(again)[name], value), name
    for one, other in zip(whole.optimizers.values(), again.optimizers.values(), strict=True):
        for index, state in one.state_dict()["state"].items():
            assert all(torch.equal(other.state_dict()["state"][index][k], v) for k, v in state.items())


def test_two_devices_train_what_one_trains(data, tmp_path):
    """The whole way: processes, the segmenter that both look through, gradients, checkpoint."""
    runs = []
    for devices in (1, 2):
        p = parameters(devices=devices, steps=1)
        runs.append(training.train_images(p, data, "pix2pixhd", tmp_path / f"{devices}.safetensors"))
        assert (runs[-1].step, runs[-1].images, len(runs[-1].history)) == (1, 4, 1)
    one, two = runs
    for name in ("loss_g", "loss_d", "adversarial", "feature", "perceptual"):
        assert two.history[0][name] == pytest.approx(one.history[0][name], rel=1e-4)
    # Adam's first step follows a gradient's sign, which round-off can turn only where it is nearly zero.
    for name in ("generator", "discriminator"):
        pairs = zip(one.networks[name].parameters(), two.networks[name].parameters(), strict=True)
        alike = [torch.isclose(a, b, atol=1e-5).flatten() for a, b in pairs if a.ndim == 4]
        assert torch.cat(alike).float().mean() > 0.98


@pytest.mark.parametrize("what", ["code", "data"])
def test_an_outdated_checkpoint_is_kept_aside(data, tmp_path, monkeypatch, what):
    path, p = tmp_path / "checkpoint.safetensors", parameters()
    training.train_images(p, data, "pix2pix", path)
    before, now = path.read_bytes(), painting.provenance(data, painting.CODE)
    monkeypatch.setattr(painting, "provenance", lambda data, code: now | {what: "0123456789ab"})
    with pytest.warns(UserWarning, match=f"trained by other {what} than today's: kept as checkpoint-.*starts afresh"):
        run = training.image_training(p, data, "pix2pix", None, path)
    assert run.step == 0
    (aside,) = tmp_path.glob("checkpoint-*.safetensors")
    assert aside.read_bytes() == before


def test_a_checkpoint_of_other_settings_is_left_alone(data, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    training.train_images(parameters(), data, "pix2pix", path)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"another configuration: .*steps is 4 there, 6 now"):
        training.image_training(parameters(steps=6), data, "pix2pix", None, path)
    assert path.read_bytes() == before


def test_provenance_knows_the_pictures(data):
    images = data.images.clone()
    images[0, 0, 0, 0] ^= 1
    first, second = (painting.provenance(x, ()) for x in (data, replace(data, images=images)))
    assert first["data"] != second["data"]


def test_changes_of_a_papers_settings(data, tmp_path, monkeypatch):
    """Network or loss: pix2pix with the perceptual loss, GauGAN without it; then no stand-in is trained."""
    p = parameters(steps=1)
    changed = {"perceptual_weight": 10.0, "learning_rate_g": 0.01, "steps": 2, "constant_steps": 1}
    run = training.train_images(p, data, "pix2pix", tmp_path / "a.safetensors", **changed)
    assert run.perceptual.name == "segmenter"
    assert run.history[-1]["perceptual"] > 0
    assert (run.step, run.settings.learning_rate_g, run.settings.learning_rate_d) == (2, 0.01, p.learning_rate)
    monkeypatch.setattr(painting, "segmenter_for", None)  # nobody asks for it
    for system in ("pix2pixhd", "gaugan"):
        path = tmp_path / f"{system}.safetensors"
        run = training.train_images(p, data, system, path, perceptual_weight=0.0)
        assert run.perceptual is None
        assert "perceptual" not in run.history[-1]
        assert training.image_settings(system, p, learning_rate_g=0.3).learning_rate_g == 0.3
    with pytest.raises(TypeError, match="unexpected keyword argument 'l2_weight'"):
        training.image_settings("gaugan", p, l2_weight=1.0)


# What a perceptual loss looks through


@pytest.fixture
def no_vgg(monkeypatch, tmp_path):
    """No weights of VGG-19 and no network; counts the tries to download."""
    tries = []

    class Weights:
        class IMAGENET1K_V1:
            url = "https://example.org/vgg19-00000000.pth"

    def offline(url, *args, **kwargs):
        tries.append(1)
        raise URLError("no network")

    monkeypatch.setattr(perceptual, "VGG19_Weights", Weights)
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("SEMPAL_VGG19", raising=False)
    return tries


def test_vgg_that_cannot_be_had(no_vgg):
    with pytest.raises(PerceptualWeightsMissing, match=r"no VGG-19 weights at .*vgg19-0+\.pth, .* download failed"):
        training.perceptual_for(parameters(perceptual="vgg19"))
    assert no_vgg == [1]


@pytest.mark.parametrize("asked", ["auto", "segmenter"])
def test_the_stand_in_never_judges(data, no_vgg, asked):
    """It is the eye, not the judge; nothing is downloaded unless it is asked for."""
    p = parameters(perceptual=asked)
    found = training.perceptual_for(p)
    assert found.name == "segmenter"
    assert no_vgg == []
    images = data.held_out_images / 127.5 - 1
    of_eye, of_judge = (painting.segmenter_features(training.segmenter_for(p, r))(images) for r in ("eye", "judge"))
    assert all(torch.equal(a, b) for a, b in zip(found(images), of_eye, strict=True))
    for ours, other in zip(of_eye, of_judge, strict=True):
        assert ours.shape != other.shape or not torch.allclose(ours, other, atol=1e-3)


def test_a_painter_of_another_eye_is_trained_anew(data, tmp_path):
    path, p = tmp_path / "checkpoint.safetensors", parameters(steps=1)
    training.train_images(p, data, "gaugan", path)
    other = training.perceptual_for(p)
    next(other.parameters()).data.add_(0.1)
    with pytest.warns(UserWarning, match="trained by other data than today's: kept as"):
        assert training.image_training(p, data, "gaugan", other, path).step == 0


def test_auto_takes_vgg_where_it_lies(no_vgg, monkeypatch):
    taken = []
    monkeypatch.setattr(painting, "perceptual_features", lambda download, **how: taken.append(download) or "vgg")
    assert training.perceptual_for(parameters(perceptual="auto")) == "vgg"
    assert training.perceptual_for(parameters(perceptual="vgg19")) == "vgg"
    assert taken == [False, True]


# Pictures and layouts of a run


class Numbered(SceneDataset):
    """Scenes whose picture tells their number and whose layout has it too; label 7 is no class, nor is 200."""

    name, label_space, size = "numbered", LabelSpace(("a", "b", "c"), ((0, 0, 0), (1, 1, 1), (2, 2, 2)), 7), (8, 8)

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        layout = torch.full((8, 8), index % 3)
        layout[0, :4] = 7
        layout[1, :4] = 200
        if index % 4 == 0:
            layout[:] = 7  # no class at all
        return {"image": torch.full((3, 8, 8), 2 * index / 255 - 1), "layout": layout}


def test_pictures_and_layouts_belong_together(monkeypatch):
    monkeypatch.setattr(datasets, "load", lambda *a, limit=None, **k: Numbered(limit))
    found = training.scene_set(parameters(height=8, doublings=2, train_scenes=70, val_scenes=6))
    assert found.images.dtype == found.layouts.dtype == torch.uint8
    for images, layouts, palettes, count in (
        (found.images, found.layouts, found.palettes, 70),
        (found.held_out_images, found.held_out, found.held_out_palettes, 6),
    ):  # fmt: skip
        kept = [i for i in range(count) if i % 4]
        assert images[:, 0, 0, 0].tolist() == kept
        assert layouts[:, -1, 0].tolist() == [i % 3 for i in kept]
        assert (layouts[:, :2, :4] == 255).all()
        assert ((layouts == 255).flatten(1).sum(1) == 8).all()
        assert torch.equal(palettes, torch.eye(3)[layouts[:, -1, 0].long()])
    assert found.label_space.ignore_index == 255
    assert (found.name, found.size) == (parameters().dataset, (8, 8))


def test_a_folder_of_scenes(tmp_path):
    bundle(tmp_path / "tiny", 32)
    p = parameters(dataset="tiny", data_root=str(tmp_path / "tiny"), height=8)
    found = training.scene_set(p)
    assert found.images.shape == (3, 3, 8, 16)  # the first scene has ignored pixels only
    assert found.layouts[:, 0, 0].tolist() == [1, 0, 1]
    assert found.held_out_images.shape == (2, 3, 8, 16)
    labels = np.zeros((16, 32), np.uint8)
    labels[3, 3] = 9
    path = tmp_path / "tiny" / "labels" / "2.png"
    Image.fromarray(labels).save(path)
    with pytest.raises(ValueError, match=r"2\.png: label values 9 are out of range, expected 0 to 1"):
        training.scene_set(p)
    Image.fromarray(labels[:8] * 0).save(path)
    with pytest.raises(ValueError, match=r"2\.jpg.*2\.png|2\.png.*2\.jpg"):
        training.scene_set(p)


def test_scenes_of_a_world_are_made_once(tmp_path, monkeypatch):
    """Runs of the same scenes share them; other scenes, and a damaged file, are made anew."""
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path))
    made = []
    monkeypatch.setattr(SceneDataset, "pairs", counted(SceneDataset.pairs, made))
    monkeypatch.setattr(SceneDataset, "layouts", counted(SceneDataset.layouts, made))
    p = parameters()
    first, again = training.scene_set(p), training.scene_set(p)
    assert len(made) == 2  # of both splits
    for name in ("images", "layouts", "held_out_images", "held_out", "palettes"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    training.scene_set(p.model_copy(update={"seed": 1}))
    training.scene_set(p.model_copy(update={"train_scenes": 20}))
    assert len(made) == 2 + 2 + 1
    layouts = resolve("05_semantic_palette", {"preset": "smoke"})
    training.layout_data(layouts), training.layout_data(layouts)
    assert len(made) == 5 + 2
    for path in tmp_path.glob("worlds/*-s0-*pairs.safetensors"):
        path.write_bytes(path.read_bytes()[:1000])
    assert torch.equal(training.scene_set(p).images, first.images)
    monkeypatch.setattr(setup, "WORLD_CODE", ("labels.py",))  # other code of the worlds
    before = len(made)
    training.scene_set(p)
    assert len(made) == before + 2


def counted(function, calls):
    return lambda *arguments: calls.append(1) or function(*arguments)
