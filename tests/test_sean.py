"""SEAN: the paper's sizes, the batched style branch against the loop, styles that are kept, swapped and mixed."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sempal_lib.image_gans import (
    DiscriminatorSettings,
    MultiScaleDiscriminator,
    SeanGenerator,
    SeanSettings,
    StyleEncoder,
    sample_latent,
)
from sempal_lib.image_gans.clvae import pool_by_class
from sempal_lib.image_gans.editing import mean_codes, mixed
from sempal_lib.image_gans.layout_levels import LayoutLevels
from sempal_lib.image_gans.sean import Regions, SeanNorm
from sempal_lib.labels import one_hot
from sempal_lib.parameters import resolve
from sempal_lib.training import image_training, perceptual_for, scene_set, train_images

CLASSES = 4
SMALL = SeanSettings(CLASSES, 16, 16, ngf=4, doublings=2, hidden=8, style_dim=6)


def scenes():
    """Pictures and layouts with 255; class 3 is in the second only, and class 2 in the first."""
    layouts = torch.zeros(2, 16, 16, dtype=torch.long)
    layouts[:, 9:, :7] = 1
    layouts[0, 3:8, 4:13] = 2
    layouts[1, 10:14, 9:15] = 3
    layouts[:, 0, :3] = 255
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1, layouts


def lively(module, std=0.3):
    """Drawn with a gain of 0.02, styles would hardly count."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=std)
    return module


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_are_those_of_the_fact_sheet():
    with torch.device("meta"):
        generator, encoder = SeanGenerator(SeanSettings(19)), StyleEncoder(SeanSettings(19))
        judge = MultiScaleDiscriminator(DiscriminatorSettings.small(19))
    assert count(encoder) == 1_568_576  # 1.57 M
    # 52.5 M for each of the head and the middle; the release's last block has six numbers more, which it never uses.
    assert [count(block) for block in generator.blocks] == [
        52_504_580, 52_504_580, 52_504_580, 52_144_646, 31_690_502, 22_888_838, 923_200
    ]  # fmt: skip
    assert count(generator) + count(encoder) == 266_907_361  # 266.9 M
    assert count(judge) == 1_364_098  # 1.36 M
    norms = [part for part in generator.modules() if isinstance(part, SeanNorm)]
    styled = [norm for norm in norms if norm.of_style is not None]
    assert (len(norms), len(styled)) == (18, 15)
    linears = sum(len(norm.maps) for norm in styled)
    assert linears == 285
    assert sum(norm.maps.numel() + norm.offsets.numel() for norm in styled) == 74_856_960  # 74.9 M


@pytest.mark.parametrize(("way", "billions"), [("dense", 342), ("batched", 164)])
def test_products_of_the_papers_network(monkeypatch, way, billions):
    """As the fact sheet counts them, where styles are spread over the pixels and convolved there; and ours."""
    if way == "dense":
        spread = lambda self, styles, height, weight, bias: F.conv2d(  # noqa: E731
            styles[0, 0].view(1, -1, 1, 1).expand(-1, -1, height, height), weight, bias, padding=1
        )
        monkeypatch.setattr(Regions, "convolve", spread)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        generator, encoder = SeanGenerator(SeanSettings(19)), StyleEncoder(SeanSettings(19))
        generator.method, layout = "dense", torch.zeros(1, 256, 256, dtype=torch.long)
        generator(layout, encoder(torch.zeros(1, 3, 256, 256), layout)[0])
    assert round(counter.get_total_flops() / 2e9) == billions


def loop(norm, x, noise, layout, codes):
    """A SEAN normalisation with a linear layer at a time, and with dense maps."""
    x = F.batch_norm(x + noise * norm.noise_scale, None, None, training=True)
    soft = one_hot(layout, CLASSES).to(x.dtype)
    told = F.conv2d(F.conv2d(soft, norm.shared.weight, norm.shared.bias, padding=1).relu(), norm.of_layout.weight,
                    norm.of_layout.bias, padding=1)  # fmt: skip
    styles = x.new_zeros(len(x), codes.shape[2], *layout.shape[1:])
    for b in range(len(x)):
        for c in range(CLASSES):
            style = F.linear(codes[b, c], norm.maps[c].T, norm.offsets[c, 0]).relu()
            styles[b] += style.view(-1, 1, 1) * (layout[b] == c)
    own = F.conv2d(styles, norm.of_style.weight, norm.of_style.bias, padding=1)
    (gamma_s, beta_s), (gamma_o, beta_o) = own.chunk(2, 1), told.chunk(2, 1)
    a, b = norm.blend.sigmoid()
    return x * (1 + a * gamma_s + (1 - a) * gamma_o) + b * beta_s + (1 - b) * beta_o


@pytest.mark.parametrize("method", ["coded", "dense"])
def test_the_batched_style_branch_against_the_loop(method):
    """Values and all gradients, in float64; with pixels of no class and classes that are not there."""
    norm, layouts = lively(SeanNorm(5, SMALL, True)).double(), scenes()[1]
    x, noise, codes = (torch.randn(2, *s).double() for s in ((5, 16, 16), (1, 16, 16), (CLASSES, 6)))
    labels = torch.where(layouts < CLASSES, layouts, CLASSES)
    given = [x.requires_grad_(), codes.requires_grad_(), *norm.parameters()]
    level = LayoutLevels(layouts, CLASSES, None, method).at(16)
    found = norm(x, noise, level, Regions(labels, CLASSES, method == "coded"), codes)
    plain = loop(norm, x, noise, layouts, codes)
    torch.testing.assert_close(found, plain)
    weights = torch.randn(plain.shape).double()
    ours, theirs = (torch.autograd.grad((y * weights).sum(), given) for y in (found, plain))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
    assert all(x.abs().sum() > 0 for x in theirs)


@pytest.mark.parametrize("coded", [False, True])
def test_styles_at_a_coarser_resolution(coded):
    layouts = scenes()[1]
    labels = torch.where(layouts < CLASSES, layouts, CLASSES)
    conv, styles = nn.Conv2d(6, 3, 3, padding=1), torch.randn(2, CLASSES, 6)
    regions = Regions(labels, CLASSES, coded)
    for height in (4, 8, 4):
        step = 16 // height
        spread = torch.einsum("bchw,bcs->bshw", one_hot(layouts[:, ::step, ::step], CLASSES), styles)
        found = regions.convolve(styles, height, conv.weight, conv.bias)
        torch.testing.assert_close(found, conv(spread), atol=1e-5, rtol=1e-5)


def test_each_class_has_its_own_map():
    norm = lively(SeanNorm(5, SMALL, True))
    codes = torch.randn(2, CLASSES, 6)
    styles = norm.styles(codes)
    for c in range(CLASSES):
        torch.testing.assert_close(styles[:, c], (codes[:, c] @ norm.maps[c] + norm.offsets[c]).relu())


def test_first_weights_are_those_of_single_layers():
    """Xavier's standard deviation with a gain of 0.02: √(2 / (fan in + fan out)) of each linear layer by itself."""
    torch.manual_seed(0)
    norm = SeanGenerator(replace(SMALL, ngf=16, style_dim=64)).blocks[0].norms[0]
    assert norm.maps.detach().std().item() == pytest.approx(0.02 * (2 / 128) ** 0.5, rel=0.03)
    width = norm.of_style.out_channels // 2
    assert norm.of_style.weight.detach().std().item() == pytest.approx(0.02 * (2 / (9 * (64 + width))) ** 0.5, rel=0.03)


# Style encoder


def test_a_style_is_the_mean_over_its_region():
    features = torch.arange(2 * 4.0).view(1, 2, 2, 2)
    labels = torch.tensor([[[0, 0], [2, 3]]])
    pooled, there = pool_by_class(features, labels, 3, "mean")
    assert pooled.tolist() == [[[0.5, 4.5], [0, 0], [2, 6]]]
    assert there.tolist() == [[True, False, True]]


def test_styles_against_a_loop():
    encoder, (images, layouts) = lively(StyleEncoder(SMALL)), scenes()
    mean, log_variance = encoder(images, layouts)
    maps = []
    encoder.last.register_forward_hook(lambda *seen: maps.append(seen[2].tanh()))
    encoder(images, layouts)
    assert maps[0].shape == (2, 6, 8, 8)
    small, latents = layouts[:, ::2, ::2], SMALL.latents
    for b in range(2):
        for c in range(CLASSES):
            region = small[b] == c
            expected = maps[0][b][:, region].mean(1) if region.any() else torch.zeros(6)
            torch.testing.assert_close(mean[b, latents.index(2, c)], expected)
    assert not mean[:, latents.index(1)].any()
    assert not encoder.divergence(mean, log_variance, layouts)
    noise = torch.randn_like(mean)
    z = sample_latent(mean, log_variance, noise)
    assert torch.equal(z[:, latents.index(1)], noise[:, latents.index(1)])
    assert torch.equal(z[:, latents.index(2)], mean[:, latents.index(2)])


def test_a_step_reaches_every_weight():
    """Also those of classes that are not there, with zeros: on several devices nothing waits for them."""
    generator, encoder, (images, layouts) = lively(SeanGenerator(SMALL)), lively(StyleEncoder(SMALL)), scenes()
    z = sample_latent(*encoder(images, layouts), torch.randn(2, generator.noise_dim))
    loss = generator(layouts, z).square().sum()
    names, parameters = zip(*generator.named_parameters(), *encoder.named_parameters(), strict=True)
    gradients = dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))
    assert all(x.isfinite().all() and x.any() for x in gradients.values())
    two = layouts.clamp(max=1)
    (slope,) = torch.autograd.grad(generator(two, z.detach()).sum(), generator.blocks[0].norms[0].maps)
    assert slope.flatten(1).any(1).tolist() == [True, True, False, False]


# Generator


def test_noise_of_every_pixel_is_part_of_the_latent():
    sizes = SeanSettings(19).noise_sizes
    assert sizes[0] == [64, 64]
    assert sizes[3] == [1024] * 3
    assert SeanSettings(19).latents.index(2, 1).start == 262_272 + 512
    generator, layouts = lively(SeanGenerator(SMALL)), scenes()[1]
    z = torch.randn(2, generator.noise_dim)
    other = generator.latents.replace(z, torch.randn(z.shape), 1)
    assert torch.equal(generator.generate(layouts, z=z), generator.generate(layouts, z=z))
    assert not torch.equal(generator.generate(layouts, z=z), generator.generate(layouts, z=other))
    for part in generator.modules():
        if isinstance(part, SeanNorm):
            nn.init.zeros_(part.noise_scale)  # as it begins
    assert torch.equal(generator.generate(layouts, z=z), generator.generate(layouts, z=other))


def test_a_style_is_kept_swapped_and_mixed():
    generator, layouts = lively(SeanGenerator(SMALL)), scenes()[1]
    latents, (own, theirs) = generator.latents, torch.randn(2, 2, generator.noise_dim)
    taken = torch.zeros(2, CLASSES, dtype=torch.bool)
    assert torch.equal(mixed(latents, own, theirs, taken), own)
    taken[:, 1] = True
    swapped, half = mixed(latents, own, theirs, taken), mixed(latents, own, theirs, taken, 0.5)
    assert torch.equal(swapped, latents.replace(own, theirs, 2, 1))
    torch.testing.assert_close(half[:, latents.index(2, 1)], (own + theirs)[:, latents.index(2, 1)] / 2)
    assert torch.equal(half[:, latents.index(2, 0)], own[:, latents.index(2, 0)])
    pictures = [generator.generate(layouts, z=z) for z in (own, half, swapped)]
    assert not torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[1], pictures[2])
    with pytest.raises(ValueError, match=r"share=1\.5: choose 0, one's own style, to 1"):
        mixed(latents, own, theirs, taken, 1.5)
    with pytest.raises(ValueError, match=r"taken has shape \[2, 3\], expected \[2, 4\]"):
        mixed(latents, own, theirs, taken[:, :3])


def test_a_mean_style_is_that_of_pictures_that_show_the_class():
    latents = replace(SMALL, style_dim=1).latents
    codes = torch.zeros(3, latents.length)
    codes[:, latents.index(2)] = torch.tensor([[1.0, 2, 0, 0], [3, 9, 0, 7], [8, 4, 0, 9]])
    shown = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 1]]).bool()
    found = mean_codes(latents, codes, shown)
    assert found.shape == (1, latents.length)
    assert found[0, latents.index(2)].tolist() == [4, 3, 0, 9]
    with pytest.raises(ValueError, match=r"shown has shape \[2, 4\], expected \[3, 4\]"):
        mean_codes(latents, codes, shown[:2])


def test_the_style_of_a_class_that_is_not_there_changes_nothing():
    generator, layouts = lively(SeanGenerator(SMALL)), scenes()[1]
    z = torch.randn(2, generator.noise_dim)
    other = generator.latents.replace(z, torch.randn(z.shape), 2, 3)
    same = (generator.generate(layouts, z=z) == generator.generate(layouts, z=other)).flatten(1).all(1)
    assert same.tolist() == [True, False]


def test_what_it_refuses():
    generator, layouts = SeanGenerator(SMALL), scenes()[1]
    with pytest.raises(ValueError, match="layout is soft, but styles belong to whole classes"):
        generator(one_hot(layouts, CLASSES))
    with pytest.raises(ValueError, match="class 4 has no code: choose 0 to 3"):
        generator.latents.index(2, 4)
    with pytest.raises(ValueError, match="are no pairs: load both at one size"):
        StyleEncoder(SMALL)(scenes()[0][:, :, :8], layouts)
    with pytest.raises(ValueError, match="leave both switched off"):
        replace(SMALL, use_vae=True)


def test_training_stops_and_goes_on_as_if_it_had_not(tmp_path):
    p = resolve("07_painting_by_layout", {"preset": "smoke", "device": "cpu", "checkpoint_seconds": 1e-3})
    data, eye, path = scene_set(p), perceptual_for(p), tmp_path / "checkpoint.safetensors"
    whole = train_images(p, data, "sean", tmp_path / "whole.safetensors", report_steps=2)
    for report in image_training(p, data, "sean", eye, path, report_steps=2):
        if report.step == 2:
            break
    again = image_training(p, data, "sean", eye, path, report_steps=2)
    assert again.step == 2
    list(again)
    assert again.history[-1]["kl"] == 0
    for name, network in whole.networks.items():
        for key, value in network.state_dict().items():
            assert torch.equal(again.networks[name].state_dict()[key], value), f"{name}.{key}"
