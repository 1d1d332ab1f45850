"""The image synthesizers and their judges: parameter counts, shapes, the coded convolutions, and what they refuse."""

import copy
import hashlib
import os
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torchvision.models import Weights, WeightsEnum

from sempal_lib.files import UntrustedFile
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
    instance_edges,
    perceptual,
    perceptual_features,
    segmenter_features,
)
from sempal_lib.image_gans.layout_levels import CodedLevel, LayoutLevels
from sempal_lib.labels import one_hot
from sempal_lib.segmentation import Segmenter, SegmenterSettings
from sempal_lib.spade_layers import spectral, track_spectral_norms

SPADE = SpadeSettings(5, 16, 16, ngf=4, doublings=2, hidden=8, latent_dim=6, encoder_size=16)
UNET = Pix2pixSettings(5, 16, 16, ngf=4, depth=3, dropouts=1)
GLOBAL = Pix2pixhdSettings(5, 16, 16, ngf=4, downs=2, blocks=1)
GENERATORS = [(SpadeGenerator, SPADE), (UnetGenerator, UNET), (GlobalGenerator, GLOBAL)]
JUDGE = DiscriminatorSettings(5, ndf=4)


def blocks(n=2, size=16, classes=5, seed=0):
    """Layouts of rectangles, with a few pixels of no class."""
    random = torch.Generator().manual_seed(seed)
    layouts = torch.randint(classes, (n, size // 4, size // 4), generator=random)
    layouts = layouts.repeat_interleave(4, 1).repeat_interleave(4, 2)
    layouts[:, 3:5, 7] = 255
    return layouts


def count(module, settings):
    with torch.device("meta"):
        return sum(p.numel() for p in module(settings).parameters())


@pytest.mark.parametrize(
    ("module", "settings", "parameters"),
    [
        (SpadeGenerator, SpadeSettings(35), 93_018_051),
        (SpadeGenerator, SpadeSettings(35, 256, 512, doublings=6, instance_edges=True), 93_048_003),
        (SpadeGenerator, SpadeSettings(151), 96_492_483),
        (SpadeGenerator, SpadeSettings(184), 97_480_899),
        (SpadeGenerator, SpadeSettings(36, doublings=7), 93_570_659),
        (SpadeGenerator, SpadeSettings(35, use_vae=True), 109_537_219),
        (SpadeGenerator, SpadeSettings(151, use_vae=True), 111_942_595),
        (ImageEncoder, SpadeSettings(35, use_vae=True), 10_463_424),
        (MultiScaleDiscriminator, DiscriminatorSettings(35), 5_599_362),
        (MultiScaleDiscriminator, DiscriminatorSettings(35, instance_edges=True), 5_601_410),
        (MultiScaleDiscriminator, DiscriminatorSettings(151), 5_836_930),
        (MultiScaleDiscriminator, DiscriminatorSettings.small(35), 1_396_866),  # D, 1.40 M
        (MultiScaleDiscriminator, DiscriminatorSettings.small(0), 1_325_186),  # D2, 1.33 M
        (UnetGenerator, Pix2pixSettings(3), 54_413_955),
        (UnetGenerator, Pix2pixSettings(3, 128, 128, depth=7, dropouts=2), 41_828_995),
        (MultiScaleDiscriminator, DiscriminatorSettings.pix2pix(3), 2_768_705),
        (GlobalGenerator, Pix2pixhdSettings(36), 182_546_755),
        (MultiScaleDiscriminator, DiscriminatorSettings.pix2pixhd(36), 5_603_202),
    ],
)
def test_parameters_are_those_of_the_fact_sheet(module, settings, parameters):
    assert count(module, settings) == parameters


def test_the_papers_generator_runs_forward_and_backward():
    generator = SpadeGenerator(SpadeSettings(35))
    layout = blocks(1, 16, 35).repeat_interleave(16, 1).repeat_interleave(16, 2)  # areas as large as in a scene
    image = generator(layout)
    assert image.shape == (1, 3, 256, 256)
    image.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())


def test_the_papers_maps():
    at_256 = SpadeSettings(35)
    assert at_256.first_size == (8, 8)
    assert [b[:2] for b in at_256.blocks] == [
        (1024, 1024), (1024, 1024), (1024, 1024), (1024, 512), (512, 256), (256, 128), (128, 64)
    ]  # fmt: skip
    assert [b[2] for b in at_256.blocks] == [False, True, False, True, True, True, True]
    wide = replace(at_256, height=128, doublings=6)
    assert wide.first_size == (2, 4)
    assert [b[2] for b in wide.blocks] == [False, True, True, True, True, True, True]
    assert replace(at_256, doublings=7).blocks[-1][:2] == (64, 32)
    assert [b[:2] for b in SPADE.blocks] == [(16, 16)] * 3 + [(16, 8), (8, 4)]
    judge = MultiScaleDiscriminator(DiscriminatorSettings(3, ndf=2))
    shapes = [tuple(x.shape[2:]) for x in judge(torch.zeros(1, 3, 256, 512), blocks(1, 512, 3)[:, :256]).logits]
    assert shapes == [(35, 67), (19, 35)]


# Coded convolutions


def run(generator, layout, method, edges=None):
    """Picture, and gradients of all weights by name."""
    generator = copy.deepcopy(generator)  # its spectral norms and statistics move
    generator.method = method
    image = generator(layout, edges=edges)
    weights = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    names, parameters = zip(*generator.named_parameters(), strict=True)
    gradients = torch.autograd.grad((image * weights).sum(), parameters)
    return {"image": image.detach()} | dict(zip(names, gradients, strict=True))


@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("noisy", [False, True])
def test_coded_and_plain_convolutions_agree(edges, noisy):
    torch.manual_seed(0)
    generator = SpadeGenerator(replace(SPADE, instance_edges=edges)).double()
    for p in generator.parameters():  # drawn with a gain of 0.02, γ and β would hardly count
        nn.init.normal_(p, std=0.1)
    layout = torch.randint(7, (2, 16, 16)) if noisy else blocks()
    border = (torch.rand(2, 16, 16) < 0.2) if edges else None
    plain = run(generator, layout, "dense", border)
    assert plain["image"].abs().mean() < 0.9  # not where tanh is flat
    assert all(x.abs().max() > 0.1 for name, x in plain.items() if "shared" in name or "modulations" in name)
    for other, method in ((layout, "coded"), (layout, "auto"), (one_hot(layout, 5).double(), "auto")):
        found = run(generator, other, method, border)
        for name, theirs in plain.items():
            size = float(theirs.abs().max())
            torch.testing.assert_close(found[name], theirs, atol=1e-5 * size + 1e-6, rtol=1e-5)


def test_a_level_against_one_convolution_after_the_other():
    level, layout = CodedLevel(blocks().clamp(max=5), 5), blocks()
    first, second = nn.Conv2d(5, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1)
    assert level.num_patches < layout.numel() / 2
    torch.testing.assert_close(level.convolve(first.weight, first.bias), first(one_hot(layout, 5)))
    found = level.convolve_hidden(level.hidden(first.weight, first.bias).relu(), second.weight, second.bias)
    torch.testing.assert_close(found, second(first(one_hot(layout, 5)).relu()), atol=1e-6, rtol=1e-5)


def test_each_resolution_is_made_once_and_only_simple_ones_are_coded():
    levels = LayoutLevels(blocks(1, 64), 5)
    assert levels.at(32) is levels.at(32)
    assert isinstance(levels.at(64), CodedLevel)
    noise = LayoutLevels(torch.randint(5, (1, 16, 16)), 5)
    assert not isinstance(noise.at(16), CodedLevel)
    assert not isinstance(LayoutLevels(one_hot(blocks(), 5), 5, method="coded").at(16), CodedLevel)
    with pytest.raises(ValueError, match="choose one of 'auto', 'coded', 'dense'"):
        LayoutLevels(blocks(), 5, method="quick")


@pytest.mark.parametrize(("network", "settings"), GENERATORS)
def test_gradients_reach_a_soft_layout(network, settings):
    soft = (3 * torch.randn(2, 5, 16, 16)).softmax(1).requires_grad_()
    (slope,) = torch.autograd.grad(network(settings)(soft).square().sum(), soft)
    assert (slope.abs().sum(1) > 0).float().mean() > 0.9  # the full resolution is seen, not only a smaller one


def test_pixels_of_no_class_have_no_channel():
    torch.manual_seed(0)
    generator, layout = SpadeGenerator(SPADE).eval(), blocks()
    soft = one_hot(layout, 5)
    assert soft.sum(1).min() == 0
    torch.testing.assert_close(generator(layout), generator(soft), atol=1e-6, rtol=1e-5)


def test_edges_are_two_pixels_thick():
    instances = torch.zeros(1, 4, 6, dtype=torch.long)
    instances[:, :, 3:] = 7
    assert instance_edges(instances)[0, 0].tolist() == [False, False, True, True, False, False]
    assert instance_edges(instances.transpose(1, 2))[0, :, 0].tolist() == [False, False, True, True, False, False]


# Interface


@pytest.mark.parametrize(("network", "settings"), GENERATORS)
def test_pictures_of_layouts(network, settings):
    torch.manual_seed(0)
    generator, layouts = network(settings), blocks(5)
    made = generator.generate(layouts, batch_size=2)
    assert made.shape == (5, 3, 16, 16)
    assert made.abs().max() <= 1
    assert made.dtype == torch.float32
    assert generator.training  # as before
    torch.testing.assert_close(made, generator.generate(layouts, batch_size=5), atol=1e-6, rtol=1e-5)
    assert torch.equal(made, generator.generate(layouts, batch_size=2))
    other = generator.generate(layouts, seed=1, batch_size=2)
    assert torch.equal(made, other) == (generator.noise_dim == 0)
    assert generator.generate(layouts[:0]).shape == (0, 3, 16, 16)


def test_a_latent_is_a_style():
    torch.manual_seed(0)
    settings = replace(SPADE, use_vae=True)
    generator, encoder, layouts = SpadeGenerator(settings), ImageEncoder(settings), blocks()
    assert generator.noise_dim == 6
    pictures = [generator.generate(layouts, z=value * torch.ones(2, 6)) for value in (0.0, 1.0)]
    assert not torch.equal(*pictures)
    torch.testing.assert_close(generator.eval()(layouts), pictures[0])
    mean, log_variance = encoder(torch.rand(2, 3, 32, 16))
    assert mean.shape == log_variance.shape == (2, 6)


def test_dropout_follows_the_noise():
    torch.manual_seed(0)
    generator, layouts = UnetGenerator(UNET), blocks()
    assert generator.noise_dim == 4 * 8 * 8  # the map at half the size
    ones = torch.ones(2, generator.noise_dim)
    seen = []
    hook = generator.ups[2].register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    generator(layouts, -ones), generator(layouts, ones), generator(layouts)
    hook.remove()
    assert not torch.equal(generator(layouts, ones), generator(layouts, -ones))
    dropped, doubled, plain = (x[:, 4:] for x in seen)
    assert not dropped.any()
    torch.testing.assert_close(doubled, 2 * plain)


@pytest.mark.parametrize(("network", "settings"), GENERATORS)
def test_what_a_generator_refuses(network, settings):
    generator, wrong = network(settings), blocks()
    wrong[1, 4, 4] = 7
    with pytest.raises(ValueError, match=r"layout 1 has the labels \[7\], expected 0 to 4, or 255 for no class"):
        generator.generate(wrong)
    with pytest.raises(ValueError, match="layout is 32×32 px, the generator 16×16 px"):
        generator(blocks(1, 32))
    with pytest.raises(ValueError, match="soft layout has 4 classes, the generator 5"):
        generator(torch.rand(1, 4, 16, 16))
    with pytest.raises(ValueError, match=r"expected integers \[B, H, W\]"):
        generator(torch.rand(1, 16, 16))
    with pytest.raises(ValueError, match="z has shape"):
        generator(blocks(), torch.randn(2, 3))
    with pytest.raises(ValueError, match="takes no edges"):
        generator(blocks(), edges=blocks() > 2)
    with pytest.raises(ValueError, match=r"layouts are torch\.float32"):
        generator.generate(blocks().float())


def test_edges_are_asked_for():
    generator = SpadeGenerator(replace(SPADE, instance_edges=True))
    with pytest.raises(ValueError, match="needs edges: see instance_edges"):
        generator(blocks())
    with pytest.raises(ValueError, match="edges have shape"):
        generator(blocks(), edges=torch.zeros(2, 8, 8))
    assert generator.generate(blocks(), edges=instance_edges(blocks())).shape == (2, 3, 16, 16)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(SPADE, height=18), "choose multiples of 4"),
        (lambda: replace(SPADE, doublings=8), "choose 2 to 7"),
        (lambda: replace(SPADE, num_classes=0), "choose 1 to 255"),
        (lambda: replace(SPADE, encoder_size=24), "a power of two, at least 16"),
        (lambda: replace(UNET, depth=5), r"choose multiples of 2\^depth"),
        (lambda: replace(UNET, dropouts=2), "choose 0 to 1 for depth=3"),
        (lambda: replace(GLOBAL, width=18), "choose multiples of 4, at least 8"),
        (lambda: replace(JUDGE, norm="layer"), "choose one of 'spectral_instance'"),
        (lambda: replace(JUDGE, strides=(3,)), "strides of 1 or 2"),
        (lambda: DiscriminatorSettings(0, instance_edges=True), "num_classes is 0"),
    ],
)
def test_impossible_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Judges


@pytest.mark.parametrize(
    "settings",
    [
        JUDGE,
        DiscriminatorSettings.small(5, 4),
        DiscriminatorSettings.pix2pix(5, 4),
        DiscriminatorSettings.pix2pixhd(5, 4),
    ],
    ids=["gaugan", "small", "pix2pix", "pix2pixhd"],
)
def test_judging_two_at_once_is_judging_each(settings):
    torch.manual_seed(0)
    judge = MultiScaleDiscriminator(settings).eval()
    fake, real, layout = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32), blocks(2, 32)
    for together, images in zip(judge.judge([fake, real], layout), (fake, real), strict=True):
        alone = judge(images, one_hot(layout, 5))
        assert len(together.logits) == settings.scales
        assert [len(scale) for scale in together.features] == [len(settings.strides)] * settings.scales
        torch.testing.assert_close(together.logits, alone.logits)
        torch.testing.assert_close(together.features, alone.features)


def test_a_judge_against_layers_one_by_one():
    torch.manual_seed(0)
    judge = MultiScaleDiscriminator(replace(JUDGE, strides=(2, 2))).eval()
    images, layout = torch.randn(2, 3, 16, 16), blocks()
    x = torch.cat([one_hot(layout, 5), images], 1)  # the layout first
    for scale, logits in zip(judge.scales, judge(images, layout).logits, strict=True):
        y = F.leaky_relu(scale.convs[0](x), 0.2)
        y = F.leaky_relu(F.instance_norm(scale.convs[1](y)), 0.2)
        torch.testing.assert_close(scale.convs[2](y), logits, atol=1e-5, rtol=1e-4)
        x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)


def test_a_judge_that_is_told_no_layout():
    judge = MultiScaleDiscriminator(DiscriminatorSettings.small(0, 4))
    assert judge(torch.randn(2, 3, 16, 16)).logits[0].shape[:2] == (2, 1)
    with pytest.raises(ValueError, match="is told no layout and no edges: give it just that"):
        judge(torch.randn(2, 3, 16, 16), blocks())


def test_what_a_judge_refuses():
    judge = MultiScaleDiscriminator(JUDGE)
    with pytest.raises(ValueError, match="is told a layout and no edges: give it just that"):
        judge(torch.randn(2, 3, 16, 16))
    with pytest.raises(ValueError, match="layout is 32×32 px, the picture 16×16 px"):
        judge(torch.randn(2, 3, 16, 16), blocks(2, 32))


def largest(conv):
    return float(torch.linalg.matrix_norm(conv.weight.detach().flatten(1), 2))


def test_spectral_norms():
    torch.manual_seed(0)
    conv = spectral(nn.Conv2d(4, 6, 3))
    norms = [largest(conv) for _ in range(10)]
    assert norms[-1] == pytest.approx(1, abs=0.02)
    with torch.no_grad():
        conv.parametrizations.weight.original.copy_(torch.randn(6, 4, 3, 3))
    conv.eval()
    off = abs(largest(conv) - 1)
    for _ in range(30):
        track_spectral_norms(nn.Sequential(conv))
    assert off > 0.1
    assert largest(conv) == pytest.approx(1, abs=0.01)
    for block in SpadeGenerator(SPADE).blocks:
        assert all(hasattr(conv, "parametrizations") for conv in block.convs)
        assert not hasattr(block.shared, "parametrizations")


# Perceptual features


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def vgg_file(tmp_path, monkeypatch):
    """A file as torchvision's, of random weights, which the user trusts."""
    from torchvision.models import vgg19

    path = tmp_path / "vgg19.pth"
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in vgg19(weights=None).state_dict().items() if k.startswith("features.")}
    torch.manual_seed(0)
    torch.save({k: 0.05 * torch.randn(shape) for k, shape in shapes.items()}, path)
    monkeypatch.setenv("SEMPAL_VGG19_SHA256", sha256(path))
    return path


def test_vgg_from_a_file(vgg_file, monkeypatch):
    features = perceptual_features(vgg_file)
    assert features.name == "vgg19"
    assert features.weights == (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)
    images = torch.rand(1, 3, 32, 32)
    found = features(images)
    assert [tuple(x.shape[1:]) for x in found] == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)
    ]  # fmt: skip
    assert all(x.min() >= 0 for x in found)  # behind the ReLU
    assert not any(p.requires_grad for p in features.parameters())
    monkeypatch.setenv("SEMPAL_VGG19", str(vgg_file))
    assert torch.equal(perceptual_features()(images)[4], found[4])
    second = perceptual_features(taps="cimle")  # behind each second convolution; the divisors are cIMLE's
    assert [tuple(x.shape[1:]) for x in second(images)] == [tuple(x.shape[1:]) for x in found]
    assert [1 / weight for weight in second.weights] == pytest.approx([1.4, 1.8, 1.3, 2.2, 0.062])
    layers = perceptual_features().extract.layers
    assert torch.equal(second(images)[0], layers[3](layers[2](found[0])))


def test_no_weights_and_no_network(tmp_path, monkeypatch):
    monkeypatch.delenv("SEMPAL_VGG19", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(PerceptualWeightsMissing, match=r"no download was allowed: put the file vgg19-dcbb9e9d.pth"):
        perceptual_features(download=False)

    def offline(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(PerceptualWeightsMissing, match=r"the download failed \(no route to host\).*segmenter_features"):
        perceptual_features()
    with pytest.raises(PerceptualWeightsMissing, match=r"no VGG-19 weights at .*nowhere"):
        perceptual_features(tmp_path / "nowhere.pth")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    monkeypatch.setenv("SEMPAL_VGG19_SHA256", sha256(tmp_path / "other.pth"))
    with pytest.raises(PerceptualWeightsMissing, match="holds no VGG-19 of torchvision"):
        perceptual_features(tmp_path / "other.pth")


def test_vgg_of_safetensors(vgg_file, monkeypatch):
    path, images = vgg_file.with_suffix(".safetensors"), torch.rand(1, 3, 32, 32)
    expected = perceptual_features(vgg_file)(images)
    save_file(torch.load(vgg_file, weights_only=True), path)
    with pytest.raises(UntrustedFile, match=r"vgg19\.safetensors has the SHA-256"):
        perceptual_features(path)
    monkeypatch.setenv("SEMPAL_VGG19_SHA256", sha256(path).upper())
    assert torch.equal(perceptual_features(path)(images)[4], expected[4])


@pytest.mark.parametrize("word", ["", "0" * 64])
def test_weights_of_another_hash_are_not_used(vgg_file, monkeypatch, word):
    """The message tells the file's own, so that it can be compared with its source and named."""
    found = sha256(vgg_file)
    monkeypatch.setenv("SEMPAL_VGG19_SHA256", word)
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("it was read"))
    with pytest.raises(UntrustedFile) as caught:
        perceptual_features(vgg_file)
    for text in (str(vgg_file), found, word or "dcbb9e9d", "https://", f"set SEMPAL_VGG19_SHA256={found}"):
        assert text in str(caught.value)


class Bomb:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "plain pickle"])
@pytest.mark.parametrize("hash_fits", [False, True])
def test_downloaded_weights_run_nothing(tmp_path, monkeypatch, hash_fits, legacy):
    """torchvision's own way unpickles whatever is served."""
    monkeypatch.delenv("SEMPAL_VGG19", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    served, mark = tmp_path / "served.pth", tmp_path / "it ran"
    torch.save({"features.0.weight": Bomb(mark)}, served, _use_new_zipfile_serialization=not legacy)
    named = served.rename(tmp_path / f"vgg19-{sha256(served)[:8] if hash_fits else '00000000'}.pth")

    class Served(WeightsEnum):
        IMAGENET1K_V1 = Weights(named.as_uri(), None, {})

    monkeypatch.setattr(perceptual, "VGG19_Weights", Served)
    message = "holds no weights .*nothing else is read from it" if hash_fits else "download failed .invalid hash value"
    for _ in range(2):  # and what was kept runs nothing the next time
        with pytest.raises(PerceptualWeightsMissing, match=message):
            perceptual_features()
    assert not mark.exists()


def test_a_segmenter_stands_in():
    segmenter = Segmenter(SegmenterSettings.light(5, width=4))
    features = segmenter_features(segmenter)
    assert features.name == "segmenter"
    found = features(torch.rand(2, 3, 16, 16))
    assert [x.shape[1] for x in found] == [4, 4, 8, 16, 16]
    assert features.weights[-1] == 1
    assert not features.train().training
    own = perceptual_features(lambda images: [images, images.mean(1)])
    assert (own.name, own.weights) == ("segmenter", (0.5, 1.0))
