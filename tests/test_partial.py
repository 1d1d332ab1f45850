"""The generator for a part of a layout: the merge, the budget, and an edit that leaves the rest alone."""

import pytest
import torch

from sempal_lib.image_gans import SpadeGenerator, SpadeSettings
from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import GeneratorSettings, PartialGenerator, semantically_assisted_activation
from sempal_lib.layout_gans.partial import budget, confined, cropped, rectangle
from sempal_lib.palettes import palette_of

CLASSES, SIZE = 5, (16, 32)
SMALL = GeneratorSettings(CLASSES, *SIZE, latent_dim=6, max_channels=8)
PALETTE = torch.tensor([0.5, 0.25, 0.125, 0.125, 0.0])


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    net = PartialGenerator(SMALL)
    for _ in range(30):  # running statistics that fit the weights
        net(*inputs(8))
    return net.eval()


def scenes(batch, seed=0):
    """Layouts of 8 × 8 px blocks, and regions of every form: rectangles, single pixels, noise, all of it."""
    random = torch.Generator().manual_seed(seed)
    small = torch.randint(CLASSES, (batch, 4, 8), generator=random)
    layouts = small.repeat_interleave(4, 1).repeat_interleave(4, 2)
    share = torch.rand(batch, 1, 1, generator=random)
    regions = torch.rand(batch, *SIZE, generator=random) < share
    regions[0] = rectangle(SIZE, 2, 5, 9, 14)
    regions[:, 0, 0] = True  # none is empty
    return layouts, regions


def inputs(batch, seed=0):
    layouts, regions = scenes(batch, seed)
    random = torch.Generator().manual_seed(seed)
    palettes = torch.rand(batch, CLASSES, generator=random).softmax(1)
    z = torch.randn(batch, SMALL.latent_dim, generator=random)
    return z, budget(palettes, regions), cropped(one_hot(layouts, CLASSES), regions)


def kl(wanted, layout, region):
    found = palette_of(layout[region].view(1, 1, -1), CLASSES)[0]
    return (torch.xlogy(wanted, wanted) - wanted * (found + 1e-6).log()).sum()


def test_size_of_the_papers_network():
    # The release's network for Cityscapes' 35 classes at 128×256 has exactly these.
    with torch.device("meta"):
        generator = PartialGenerator(GeneratorSettings(35, released=True))
    assert sum(p.numel() for p in generator.parameters()) == 45_504_728


def test_crop_and_budget_by_hand():
    layout, region = torch.tensor([[[0, 1, 1, 0]]]), torch.tensor([[[False, True, False, False]]])
    given = cropped(one_hot(layout, 2), region)
    assert given.tolist() == [[[[1, 0.5, 0, 1]], [[0, 0.5, 1, 0]]]]
    assert budget(torch.tensor([[0.75, 0.25]]), region).tolist() == [[0.1875, 0.0625, 0.75]]


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_masks_at_each_stage(generator, stage):
    z, t, layout = inputs(3)
    masks = generator(z, t, layout, stage)
    assert [m.merged.shape[-2:] for m in masks] == [(4 << s, 8 << s) for s in range(stage + 1)]
    for s, mask in enumerate(masks):
        patch = 4 >> s
        seen = layout[:, :, patch // 2 :: patch, patch // 2 :: patch]
        torch.testing.assert_close(mask.density.sum((2, 3)), t)
        assert mask.soft_layout.shape[1] == CLASSES + 1
        assert mask.merged.shape[1] == CLASSES
        torch.testing.assert_close(mask.merged.sum(1), torch.ones_like(mask.merged[:, 0]))
        plain = mask.soft_layout[:, :CLASSES] + mask.soft_layout[:, CLASSES:] * seen
        torch.testing.assert_close(mask.merged, plain)


def test_fade_begins_at_the_stage_before_and_ends_at_the_new_block(generator):
    z, t, layout = inputs(3)
    run = lambda fade: generator(z, t, layout, 2, fade)[-1].merged  # noqa: E731
    torch.testing.assert_close(run(torch.tensor(1.0)), run(1.0))
    assert not torch.allclose(run(0.3), run(0.7))
    torch.testing.assert_close(run(0.5), (run(0.0) + run(1.0)) / 2)
    # Already the bypass merges with the layout as it is at the new size.
    soft = generator(z, t, layout, 2, 0.0)[-1].soft_layout
    torch.testing.assert_close(soft[:, :, ::2, ::2], generator(z, t, layout, 1)[-1].soft_layout)
    torch.testing.assert_close(run(0.0), soft[:, :-1] + soft[:, -1:] * layout)


def test_it_sees_the_layout_and_every_parameter_learns():
    torch.manual_seed(0)
    net = PartialGenerator(SMALL)
    z, t, layout = inputs(3)
    weight = torch.rand(3, CLASSES, *SIZE)
    (net(z, t, layout, 2, 0.5)[-1].merged * weight).sum().backward()
    silent = {name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()}
    # A bias before a batch norm moves nothing; what it leaves is rounding.
    assert silent <= {name for name in silent if name.endswith("bias")}
    net.eval()
    assert not torch.allclose(net(z, t, layout)[0].scores, net(z, t, layout.roll(8, 3))[0].scores)


@pytest.mark.parametrize("how", [{}, {"exact": True}, {"iterations": 20}, {"confine": False}])
def test_outside_the_region_not_one_pixel_changes(generator, how):
    for seed in range(4):
        layouts, regions = scenes(12, seed)
        layouts[:, 3, 3:9] = 255  # no class stays no class
        before = layouts.clone()
        edited = generator.edit(layouts, regions, PALETTE, seed, **how)
        assert torch.equal(edited[~regions], before[~regions])
        assert torch.equal(layouts, before)
        assert bool(((edited[regions] >= 0) & (edited[regions] < 4)).all())  # no background, no class without budget
        assert edited.dtype == layouts.dtype
        assert edited.shape == layouts.shape


def test_the_palette_is_met_within_the_region(generator):
    layouts, regions = scenes(12)
    exact = generator.edit(layouts, regions, PALETTE, exact=True)
    near, plain = (generator.edit(layouts, regions, PALETTE, iterations=n) for n in (50, 1))
    for layout, region in zip(exact, regions, strict=True):
        counts = torch.bincount(layout[region], minlength=CLASSES)
        assert ((counts - PALETTE * region.sum()).abs() <= 1).all()
    large = [i for i in range(12) if regions[i].sum() > 60]
    distances = [torch.stack([kl(PALETTE, x[i], regions[i]) for i in large]).mean() for x in (exact, near, plain)]
    assert distances[0] < 0.01
    assert distances[0] <= distances[1]
    assert distances[0] <= distances[2]


def test_confined_by_hand():
    # Class 0 is liked everywhere; within the region of two pixels each class has budget for one.
    f = torch.tensor([[[[2.0, 2.0, 9.0, 9.0]], [[1.0, 0.0, 5.0, 5.0]], [[0.0, 0.0, 0.0, 0.0]]]])
    region = torch.tensor([[[True, True, False, False]]])
    assert confined(f, region, torch.tensor([[0.5, 0.5]]))[0, 0, :2].tolist() == [1, 0]
    # What lies outside plays no part: neither for one iteration nor for many.
    other = torch.cat([f[..., :2], 100 * torch.randn(1, 3, 1, 2)], 3)
    for iterations in (1, 20):
        found = [confined(x, region, torch.tensor([[0.3, 0.7]]), iterations)[0, 0, :2].tolist() for x in (f, other)]
        assert found[0] == found[1]


@pytest.mark.parametrize("iterations", [1, 3, 30])
def test_confined_is_the_activation_on_the_regions_pixels_alone(iterations):
    _, regions = scenes(6)
    random = torch.Generator().manual_seed(0)
    f = 3 * torch.randn(6, CLASSES + 1, *SIZE, generator=random)
    t = torch.rand(6, CLASSES, generator=random).softmax(1)
    found = confined(f, regions, t, iterations)
    for i, region in enumerate(regions):
        alone = f[i : i + 1, :CLASSES, region].unsqueeze(2)
        soft = semantically_assisted_activation(alone, t[i : i + 1], iterations)[1]
        assert torch.equal(found[i][region], soft[0, :, 0].argmax(0))


def test_one_layout_is_as_many_and_seeds_differ(generator):
    layouts, regions = scenes(5)
    edited = generator.edit(layouts, regions, PALETTE, seed=3)
    one = generator.edit(layouts[:1], regions[:1], PALETTE)
    assert torch.equal(generator.edit(layouts[0], regions[0], PALETTE), one[0])
    assert torch.equal(generator.edit(layouts, regions, PALETTE.expand(5, -1), seed=3, batch_size=2), edited)
    assert not torch.equal(generator.edit(layouts, regions, PALETTE, seed=4), edited)
    assert torch.equal(generator.edit(layouts.to(torch.uint8), regions, PALETTE, seed=3).long(), edited)


def test_an_edit_leaves_the_network_alone():
    torch.manual_seed(0)
    net = PartialGenerator(SMALL)
    before = {name: x.clone() for name, x in net.state_dict().items()}
    net.edit(*scenes(3), PALETTE)
    assert net.training
    assert all(torch.equal(x, before[name]) for name, x in net.state_dict().items())


def test_the_whole_layout_may_be_the_region(generator):
    layout, region = torch.zeros(SIZE, dtype=torch.long), torch.ones(SIZE, dtype=torch.bool)
    counts = torch.bincount(generator.edit(layout, region, PALETTE, exact=True).flatten(), minlength=CLASSES)
    assert counts.tolist() == [256, 128, 64, 64, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"region": torch.zeros(SIZE, dtype=torch.bool)}, "region 0 is empty: choose at least one pixel"),
        ({"region": torch.ones(8, 32, dtype=torch.bool)}, r"bool \[8, 32\], expected bool \[16, 32\] as the layout"),
        ({"region": torch.ones(SIZE)}, r"region is float32 \[16, 32\], expected bool"),
        ({"palette": torch.ones(4) / 4}, r"shape \[1, 4\], expected 5 proportions"),
        ({"palette": torch.ones(3, 5) / 5}, "palette has 3 rows, expected 1"),
        ({"palette": torch.ones(5)}, "palette sums to 5, expected 1"),
        ({"layout": torch.full(SIZE, 7)}, r"layout 0 has the labels \[7\], expected 0 to 4, or 255"),
        ({"layout": torch.zeros(SIZE)}, "float32"),
        ({"layout": torch.zeros(8, 16, dtype=torch.long)}, "layout is 8×16 px, the generator paints 16×32"),
        ({"layout": None}, "layout is of type NoneType"),
    ],
)
def test_edit_names_what_is_wrong(generator, change, message):
    given = {"layout": torch.zeros(SIZE, dtype=torch.long), "region": rectangle(SIZE, 0, 0, 4, 4), "palette": PALETTE}
    with pytest.raises(ValueError, match=message):
        generator.edit(**given | change)


@pytest.mark.parametrize("place", [(0, 0, 0, 4), (-1, 0, 4, 4), (0, 30, 4, 4), (14, 0, 4, 4)])
def test_a_rectangle_out_of_frame_is_refused(place):
    with pytest.raises(ValueError, match=r"is empty or leaves the layout of 16×32 px"):
        rectangle(SIZE, *place)


def test_blocks_are_gaugans():
    image = SpadeGenerator(SpadeSettings(CLASSES, 16, 32, ngf=4, doublings=2, hidden=8))
    part = PartialGenerator(SMALL)
    assert type(image.blocks[0]) is type(part.blocks[0].block)
