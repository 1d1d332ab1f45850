"""From noise to scenes in two stages: layouts enlarged, scenes sampled, halves that do not fit."""

import pytest
import torch

from sempal_lib.image_gans import (
    GlobalGenerator,
    Pix2pixhdSettings,
    Pix2pixSettings,
    SpadeGenerator,
    SpadeSettings,
    TwoStageGenerator,
    UnetGenerator,
    enlarge,
)
from sempal_lib.layout_gans import GeneratorSettings, LayoutGenerator
from sempal_lib.palettes import PaletteMixture

CLASSES = 3
LAYOUTS = GeneratorSettings(CLASSES, 8, 16, latent_dim=5, max_channels=6)
BLIND = GeneratorSettings(CLASSES, 8, 16, 5, 6, palette_input=False, activation="softmax", fusion=False)
SPADE = SpadeSettings(CLASSES, 16, 32, ngf=4, doublings=2, hidden=8, use_vae=True, latent_dim=6)


def mixture(*rows):
    """Exactly these palettes, equally often."""
    means = torch.tensor(rows)
    return PaletteMixture(torch.full((len(rows),), 1 / len(rows)), means, torch.zeros(len(rows), CLASSES, CLASSES))


EVEN = mixture([0.5, 0.3, 0.2])


def pair(layouts=LAYOUTS, painter=None, palettes=EVEN):
    torch.manual_seed(0)
    return TwoStageGenerator(LayoutGenerator(layouts), painter or SpadeGenerator(SPADE), palettes)


def seeded(number=0):
    return torch.Generator().manual_seed(number)


# Enlarging


def test_integer_layouts_by_hand():
    layouts = torch.tensor([[[1, 2, 3]], [[4, 5, 255]]], dtype=torch.uint8)
    large = enlarge(layouts, (2, 6))
    assert large.dtype == torch.uint8
    assert large.tolist() == [[[1, 1, 2, 2, 3, 3]] * 2, [[4, 4, 5, 5, 255, 255]] * 2]
    assert enlarge(layouts, (1, 3)) is layouts


@pytest.mark.parametrize("times", [2, 3])
def test_soft_layouts_and_their_gradient(times):
    soft = torch.rand(2, CLASSES, 3, 4, dtype=torch.float64, requires_grad=True)
    large = enlarge(soft, (3 * times, 4 * times))
    assert large.shape == (2, CLASSES, 3 * times, 4 * times)
    weight = torch.rand(large.shape, dtype=torch.float64, generator=seeded())
    (gradient,) = torch.autograd.grad((weight * large).sum(), soft)
    for y in range(3):
        for x in range(4):
            patch = (..., slice(times * y, times * (y + 1)), slice(times * x, times * (x + 1)))
            assert torch.equal(large[patch], soft[..., y, x, None, None].expand_as(large[patch]))
            torch.testing.assert_close(gradient[..., y, x], weight[patch].sum((-2, -1)))
    assert torch.autograd.gradcheck(lambda x: enlarge(x, (3 * times, 4 * times)), soft)


@pytest.mark.parametrize("size", [(7, 16), (12, 24), (16, 16), (8, 32), (4, 8), (16, 33)])
def test_a_size_that_is_no_multiple(size):
    message = rf"layouts of 8×16 px cannot be enlarged to {size[0]}×{size[1]} px: choose pictures of a whole multiple"
    for layouts in (torch.zeros(1, 8, 16, dtype=torch.long), torch.zeros(1, CLASSES, 8, 16)):
        with pytest.raises(ValueError, match=message):
            enlarge(layouts, size)


# Scenes


def test_one_state_of_the_generator_is_one_set_of_scenes():
    both = pair()
    pictures, layouts = both.sample(5, seeded(3))
    assert pictures.shape == (5, 3, 16, 32)
    assert pictures.dtype == torch.float32
    assert pictures.abs().max() <= 1
    assert layouts.shape == (5, 16, 32)
    assert layouts.dtype == torch.uint8
    again = both.sample(5, seeded(3), batch_size=2)
    torch.testing.assert_close(again[0], pictures)
    assert torch.equal(again[1], layouts)
    random = seeded(3)
    both.sample(5, random)
    following, _ = both.sample(5, random)  # the generator moved on
    assert not torch.allclose(following, pictures, atol=1e-4)
    state = torch.get_rng_state()
    both.sample(2, seeded())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    "painter",
    [
        SpadeGenerator(SPADE),
        SpadeGenerator(SpadeSettings(CLASSES, 16, 32, ngf=4, doublings=2, hidden=8)),
        UnetGenerator(Pix2pixSettings(CLASSES, 8, 16, 4, depth=3, dropouts=1)),
        GlobalGenerator(Pix2pixhdSettings(CLASSES, 24, 48, 4, downs=2, blocks=1)),
    ],
    ids=["gaugan-vae", "gaugan", "pix2pix", "pix2pixhd"],
)
def test_the_layouts_are_what_the_painter_was_given(painter, monkeypatch):
    both, told = pair(painter=painter), []
    forward = painter.forward
    monkeypatch.setattr(painter, "forward", lambda *a: told.append(a) or forward(*a))
    painter.train()
    pictures, layouts = both.sample(5, seeded(), batch_size=3)
    assert [len(call[0]) for call in told] == [3, 2]
    assert torch.equal(torch.cat([call[0] for call in told]), layouts)
    assert painter.training  # as it was; but it painted in evaluation mode:
    styles = [call[1] for call in told]
    if painter.noise_dim:
        assert torch.cat(styles).shape == (5, painter.noise_dim)
        assert float(torch.cat(styles).std()) == pytest.approx(1, abs=0.3)
    else:
        assert styles == [None, None]
    z = torch.cat(styles) if painter.noise_dim else None
    torch.testing.assert_close(painter.generate(layouts, z=z), pictures)
    times = both.size[0] // 8
    corners = layouts[:, ::times, ::times]
    assert torch.equal(enlarge(corners, both.size), layouts)


def test_layouts_are_those_of_the_first_stage():
    both = pair()
    _, layouts = both.sample(4, seeded(1))
    random = seeded(1)
    noise = torch.randn(4, 5, generator=random)
    torch.randn(4, 6, generator=random)  # the painter's
    expected = both.layouts.generate(noise, EVEN.sample(4, generator=random))
    assert torch.equal(layouts[:, ::2, ::2], expected.to(torch.uint8))


def test_palettes_are_the_mixtures(monkeypatch):
    """Two palettes, of one class each: the activation follows them, so layouts are of about one class too."""
    for palettes in (mixture([1.0, 0.0, 0.0]), mixture([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])):
        both, asked = pair(palettes=palettes), []
        generate = both.layouts.generate
        monkeypatch.setattr(
            both.layouts,
            "generate",
            lambda z, t, generate=generate, asked=asked, **k: asked.append(t) or generate(z, t, **k),
        )
        _, layouts = both.sample(40, seeded())
        shares = asked[0].mean(0)
        if palettes.num_components == 1:
            assert torch.equal(shares, torch.tensor([1.0, 0.0, 0.0]))
            assert not layouts.any()
        else:
            assert float(shares[0]) == pytest.approx(0.5, abs=0.25)
            assert float(shares[0] + shares[2]) == 1
            assert torch.equal(layouts[:, 0, 0].long(), asked[0].argmax(1))
            assert set(layouts.unique().tolist()) == {0, 2}


def test_a_generator_without_palettes_needs_no_mixture(monkeypatch):
    both = pair(BLIND, palettes=None)
    pictures, layouts = both.sample(3, seeded())
    assert (len(pictures), len(layouts)) == (3, 3)
    z = torch.randn(3, 5, generator=seeded())
    assert torch.equal(layouts[:, ::2, ::2].long(), both.layouts.generate(z, torch.tensor([1.0, 0.0, 0.0])))


def test_it_moves_as_one_module():
    both = pair()
    names = both.state_dict()
    assert {name.split(".")[0] for name in names} == {"layouts", "painter"}
    assert both.size == (16, 32)
    assert not any(x.requires_grad for x in both.sample(1, seeded()))


def test_halves_that_do_not_fit():
    with pytest.raises(ValueError, match="the layouts have 3 classes, the painter knows 4: train both on one data set"):
        pair(painter=SpadeGenerator(SpadeSettings(4, 16, 32, ngf=4, doublings=2, hidden=8)))
    with pytest.raises(ValueError, match="asked for palettes: give the mixture that they come from"):
        pair(palettes=None)
    edges = SpadeGenerator(SpadeSettings(CLASSES, 16, 32, ngf=4, doublings=2, hidden=8, instance_edges=True))
    with pytest.raises(ValueError, match="needs the borders of instances, which a generated layout has not"):
        pair(painter=edges)
    with pytest.raises(ValueError, match="layouts of 8×16 px cannot be enlarged to 16×16 px"):
        pair(painter=SpadeGenerator(SpadeSettings(CLASSES, 16, 16, ngf=4, doublings=2, hidden=8)))
