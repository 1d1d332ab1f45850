"""The layout generator and its discriminator: shapes, the fade, the switches, the paper's size."""

import pytest
import torch

from sempal_lib import layers
from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import GeneratorSettings, LayoutDiscriminator, LayoutGenerator
from sempal_lib.layout_gans.semantic_palette import Fusion
from sempal_lib.losses import entropy_loss
from sempal_lib.palettes import palette_of

SMALL = GeneratorSettings(num_classes=5, height=16, width=32, latent_dim=6, max_channels=8)


def inputs(batch=3, settings=SMALL, seed=0):
    random = torch.Generator().manual_seed(seed)
    palette = torch.rand(batch, settings.num_classes, generator=random).softmax(1)
    return torch.randn(batch, settings.latent_dim, generator=random), palette


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return LayoutGenerator(SMALL)


def test_size_of_the_papers_networks():
    # The release's networks for Cityscapes' 35 classes at 128×256 have exactly these.
    settings = GeneratorSettings(35, released=True)
    with torch.device("meta"):
        generator, discriminator = LayoutGenerator(settings), LayoutDiscriminator(settings)
    assert sum(p.numel() for p in generator.parameters()) == 28_523_090
    assert sum(p.numel() for p in discriminator.parameters()) == 23_014_529


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_masks_at_each_stage(generator, stage):
    z, t = inputs()
    masks = generator(z, t, stage)
    assert [m.soft_layout.shape[-2:] for m in masks] == [(4 << s, 8 << s) for s in range(stage + 1)]
    for mask in masks:
        torch.testing.assert_close(mask.soft_layout.sum(1), torch.ones_like(mask.soft_layout[:, 0]))
        torch.testing.assert_close(mask.density.sum((2, 3)), t)
    assert LayoutDiscriminator(SMALL)(masks[-1].soft_layout, stage).shape == (3,)


@pytest.mark.parametrize("net", ["generator", "discriminator"])
def test_fade_begins_at_the_bypass_and_ends_at_the_new_block(generator, net):
    z, t = inputs()
    if net == "generator":
        run = lambda fade: generator(z, t, 2, fade)[-1].soft_layout  # noqa: E731
        with torch.no_grad():
            x = generator.blocks[0](torch.cat([z, t], 1))
            x = generator.blocks[1](generator.fusions[0](x, generator.mask(x, t, 0).soft_layout))
            bypass = generator.mask(layers.upsample(x), t, 1).soft_layout
    else:
        discriminator = LayoutDiscriminator(SMALL)
        m = generator(z, t, 2)[-1].soft_layout.detach()
        run = lambda fade: discriminator(m, 2, fade)  # noqa: E731
        bypass = discriminator(torch.nn.functional.avg_pool2d(m, 2), 1)
    torch.testing.assert_close(run(0.0), bypass)
    torch.testing.assert_close(run(torch.tensor(1.0)), run(1.0))
    torch.testing.assert_close(run(torch.tensor(0.3)), run(0.3))
    assert not torch.allclose(run(0.3), run(0.7))


def test_every_parameter_of_a_stage_gets_a_gradient(generator):
    z, t = inputs()
    discriminator = LayoutDiscriminator(SMALL)
    discriminator(generator(z, t, 2, 0.5)[-1].soft_layout, 2, 0.5).sum().backward()
    silent = {name for name, p in generator.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == set()
    # The first stage's FROM MASK is only used while the second fades in; the rest must learn.
    silent = {name for name, p in discriminator.named_parameters() if p.grad is None}
    assert silent == {"from_mask.0.weight", "from_mask.0.bias"}
    generator.zero_grad()


@pytest.mark.parametrize(
    "change", [{"activation": "softmax"}, {"fusion": False}, {"palette_input": False}, {"released": True}]
)
def test_switches_change_the_network(change, generator):
    z, t = inputs()
    torch.manual_seed(0)
    other = LayoutGenerator(SMALL.with_(**change))
    masks = other(z, t, all_stages=True)
    assert len(masks) == 3
    assert not torch.allclose(masks[-1].soft_layout, generator(z, t)[-1].soft_layout)
    without_masks = other(z, t)
    assert len(without_masks) == (3 if other.settings.fusion else 1)


def test_softmax_does_not_follow_the_palette_and_the_activation_does():
    z, t = inputs()
    torch.manual_seed(0)
    blind = LayoutGenerator(SMALL.with_(activation="softmax", palette_input=False, fusion=False))
    torch.testing.assert_close(blind.generate(z, t), blind.generate(z, t.flip(0)))
    torch.testing.assert_close(blind(z, t)[-1].density.sum((1, 2, 3)), torch.ones(3))


def test_generate_exact_realises_the_palette(generator):
    z, t = inputs(5)
    layouts = generator.generate(z, t, exact=True, batch_size=2)
    assert layouts.shape == (5, 16, 32)
    assert (palette_of(layouts, 5) - t).abs().max() < 1 / 512
    one_for_all = generator.generate(z, t[0], exact=True)
    assert (palette_of(one_for_all, 5) - t[:1]).abs().max() < 1 / 512


def test_batches_do_not_matter(generator):
    z, t = inputs(5)
    assert torch.equal(generator.generate(z, t, batch_size=2), generator.generate(z, t, batch_size=5))


def test_generate_names_what_is_wrong(generator):
    z, t = inputs()
    with pytest.raises(ValueError, match=r"noise has shape \[3, 4\], expected \[B, 6\]"):
        generator.generate(z[:, :4], t)
    with pytest.raises(ValueError, match="palette sums to 2, expected 1"):
        generator.generate(z, 2 * t)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height": 12}, "4 times a power of two"),
        ({"width": 30}, "multiple of 4"),
        ({"width": 8}, "at least 16"),
        ({"activation": "sigmoid"}, "choose 'saa', 'softmax' or 'none'"),
    ],
)
def test_impossible_settings(change, message):
    with pytest.raises(ValueError, match=message):
        SMALL.with_(**change)


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("height", [4, 8, 16, 128])
def test_softened_layouts_keep_their_classes(released, height):
    random = torch.Generator().manual_seed(0)
    layout = torch.randint(0, 4, (2, height, 2 * height), generator=random)
    hard = one_hot(layout, 4)
    soft = layers.soften(hard, layers.softening_kernel(height, released))
    assert torch.equal(soft.argmax(1), layout)
    torch.testing.assert_close(soft.sum(1), torch.ones_like(soft[:, 0]))
    assert soft.max() < 1


def test_softening_against_the_plain_sum():
    layout = one_hot(torch.tensor([[[0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0]]]), 2)
    kernel = layers.softening_kernel(8)
    soft = layers.soften(layout, kernel, 0.5)
    padded = torch.nn.functional.pad(layout, (2, 2, 2, 2), mode="reflect")
    for i in range(4):
        for j in range(4):
            blurred = (padded[0, 1, i : i + 5, j : j + 5] * kernel).sum()
            assert soft[0, 1, i, j].item() == pytest.approx((0.5 * layout[0, 1, i, j] + 0.5 * blurred).item(), abs=1e-6)


@pytest.mark.parametrize(("height", "variance"), [(4, 0.5), (8, 0.5), (16, 1), (32, 4), (64, 16), (128, 64)])
def test_the_blur_grows_with_the_height(height, variance):
    kernel = layers.softening_kernel(height)
    line, reach = kernel.sum(0), len(kernel) // 2
    torch.testing.assert_close(kernel, kernel.flip(0, 1))
    assert kernel.sum().item() == pytest.approx(1, abs=1e-5)
    assert 2 * variance**0.5 <= reach < height  # 2σ to each side, and no more than a mirrored border can give
    # A Gaussian of this variance: each neighbour's weight over the centre's.
    x = torch.arange(-reach, reach + 1.0)
    torch.testing.assert_close(line / line.max(), torch.exp(-x.square() / (2 * variance)))


def test_from_16_px_on_every_resolution_is_as_soft():
    """The same scene, each pixel of it twice as high and wide, keeps its mean entropy, as the blur grows with it."""
    layout = torch.zeros(1, 16, 32, dtype=torch.long)
    layout[:, :9], layout[:, 4:12, 10:21] = 1, 2

    def softness(height):
        hard = one_hot(layout.repeat_interleave(height // 16, 1).repeat_interleave(height // 16, 2), 3)
        return entropy_loss(layers.soften(hard, layers.softening_kernel(height))).item()

    assert softness(16) > 0.1
    assert [softness(height) for height in (32, 64, 128)] == pytest.approx([softness(16)] * 3, rel=0.1)


def test_the_releases_kernel():
    released = layers.softening_kernel(64, released=True)
    assert released.argmax() == 3 * 5 + 3  # one pixel off the centre
    # Its 5×5 kernel, as the fact sheet gives it.
    torch.testing.assert_close(released[3, 2:], torch.tensor([0.120, 0.325, 0.120]), atol=1e-3, rtol=0)
    sizes = [len(layers.softening_kernel(height, released=True)) for height in (4, 8, 256, 512, 1024)]
    assert sizes == [3, 5, 5, 7, 11]


def test_the_original_keeps_half():
    with pytest.raises(ValueError, match=r"choose 0\.5 to 1"):
        layers.soften(torch.zeros(1, 2, 8, 8), layers.softening_kernel(8), original=0.4)


def test_fusion_by_hand():
    """One pixel, two classes, one channel: features plus LeakyReLU of a weighted sum."""
    x, m = torch.tensor([[[[10.0]]]]), torch.tensor([0.25, 0.75]).view(1, 2, 1, 1)
    fusion = Fusion(2, 1, released=False)
    fusion.conv.weight.data = torch.tensor([4.0, 8.0]).view(1, 2, 1, 1) * 2**0.5  # the gain is 1/√2
    assert fusion(x, m).item() == pytest.approx(10 + 4 * 0.25 + 8 * 0.75)
    fusion.conv.bias.data.fill_(-17.0)
    assert fusion(x, m).item() == pytest.approx(10 + 0.2 * (7 - 17))
    released = Fusion(2, 1, released=True)
    assert released.conv.weight.shape == (1, 2, 3, 3)
    released.conv.weight.data.zero_()
    released.conv.weight.data[0, :, 1, 1] = torch.tensor([4.0, 8.0]) * 18**0.5
    assert released(x, m).item() == pytest.approx(5 + 7)


def test_the_embedding_of_palettes_keeps_their_size():
    """Numbers of the size √2 times the palette's root mean square, as every equalized layer of the trunk makes them."""
    torch.manual_seed(0)
    embed = LayoutDiscriminator(SMALL.with_(num_classes=400, palette_judge=True)).embed
    x = torch.randn(2000, 400)
    assert embed(x).std().item() == pytest.approx(2**0.5, rel=0.1)


def test_pixel_norm_and_equalized_layers():
    x = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(layers.PixelNorm()(x).flatten(), torch.tensor([3.0, 4.0]) / 12.5**0.5)
    torch.testing.assert_close(layers.PixelNorm(root=False)(x).flatten(), torch.tensor([3.0, 4.0]) / 12.5)
    torch.manual_seed(0)
    conv = layers.EqualizedConv2d(64, 256, 3, gain=1.0)
    assert conv.weight.std().item() == pytest.approx(1, abs=0.02)
    assert conv(torch.randn(4, 64, 8, 8)).std().item() == pytest.approx(1, abs=0.05)


def test_gumbel_samples_from_the_soft_layout_and_passes_gradients():
    m = torch.tensor([0.7, 0.3, 0.0]).view(1, 3, 1, 1).expand(1, 3, 100, 100).clone().requires_grad_()
    hard = layers.straight_through_gumbel(m, layers.gumbel_noise(m.shape, torch.Generator().manual_seed(0)))
    assert set(hard.detach().unique().tolist()) <= {0.0, 1.0}
    torch.testing.assert_close(hard.detach().mean((0, 2, 3)), torch.tensor([0.7, 0.3, 0.0]), atol=0.02, rtol=0)
    hard[:, 0].sum().backward()
    assert m.grad.abs().sum() > 0
