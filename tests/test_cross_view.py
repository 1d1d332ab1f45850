"""Generators from one view to another: sizes, what they are told, their layouts, SelectionGAN's choice, two judges."""

from dataclasses import replace

import pytest
import torch
from test_image_gans import blocks
from test_image_training import pairs, weights

from sempal_lib import losses
from sempal_lib.image_gans import (
    CrossViewSettings,
    CrossViewUnet,
    DiscriminatorSettings,
    DualDiscriminator,
    LgganGenerator,
    LgganSettings,
    MultiScaleDiscriminator,
    SelectionGenerator,
    XForkGenerator,
    XSeqGenerator,
)
from sempal_lib.image_gans.cross_view import _averaged
from sempal_lib.image_gans.pix2pix import Unet
from sempal_lib.labels import one_hot
from sempal_lib.training.images import ImageTraining, ImageTrainingSettings

SMALL = CrossViewSettings(5, 16, 16, ngf=4, depth=3, dropouts=1, layout_ngf=2, hidden=9, attentions=3)
KINDS = (CrossViewUnet, XForkGenerator, XSeqGenerator, SelectionGenerator)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def views(seed=0):
    return torch.rand(2, 3, 16, 16, generator=seeded(seed)) * 2 - 1


def built(kind, settings=SMALL):
    torch.manual_seed(0)
    generator = kind(settings)
    for parameter in generator.parameters():
        parameter.data.mul_(5)
    return generator.eval()


def count(module, *arguments):
    with torch.device("meta"):
        return sum(p.numel() for p in module(*arguments).parameters())


def test_parameters_are_those_of_the_fact_sheet():
    """Of layouts in three colours; less a convolution of SelectionGAN's from 330 to 110 channels, never used."""
    papers = CrossViewSettings(3)
    narrow, unused = replace(papers, ngf=papers.layout_ngf), 330 * 110 * 9 + 110
    assert count(CrossViewUnet, papers) == 54_417_027
    assert count(CrossViewUnet, replace(papers, told_layout=False)) == 54_413_955
    assert count(Unet, 3, 3, narrow) == 213_675
    assert count(SelectionGenerator, papers) == 54_417_027 + 213_675 + 850_051 - unused
    judge = DiscriminatorSettings(3, scales=1, norm="instance", padding=1)
    assert count(DualDiscriminator, judge) == 2 * 2_767_809


@pytest.mark.parametrize("kind", KINDS)
def test_what_they_are_told(kind):
    """The source always; the layout in the forms with "++"."""
    layouts, source = blocks(), views()
    other = (layouts + 1) % 5
    told, alone = built(kind), built(kind, replace(SMALL, told_layout=False))
    for generator in (told, alone):
        picture = generator.generate(layouts, source=source, z=torch.ones(2, generator.noise_dim))
        assert picture.shape == (2, 3, 16, 16)
        assert picture.abs().max() <= 1
        assert not torch.equal(generator(layouts, source=-source), generator(layouts, source=source))
        changed = generator(other, source=source) - generator(layouts, source=source)
        assert bool(changed.any()) == (generator is told)
        with pytest.raises(ValueError, match="needs the other view: give source"):
            generator.generate(layouts)
    torch.testing.assert_close(told(one_hot(layouts, 5), source=source), told(layouts, source=source))


@pytest.mark.parametrize("kind", KINDS)
def test_one_noise_is_one_picture(kind):
    generator, layouts, source = built(kind), blocks(), views()
    first, again, other = (generator.generate(layouts, seed, source=source) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    generator.train()
    z = torch.randn(2, generator.noise_dim, generator=seeded())
    assert torch.equal(generator(layouts, z, source=source), generator(layouts, z, source=source))


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_layout_that_is_seen(kind):
    generator, layouts, source = built(kind), blocks(), views()
    parts = generator.painted(layouts, source=source).parts
    assert parts.soft_layout.shape == (2, 5, 16, 16)
    torch.testing.assert_close(parts.soft_layout.sum(1), torch.ones(2, 16, 16))
    found = generator.own_losses(parts, source, layouts)["layout"]
    plain = sum((parts.soft_layout[:, i] - (layouts == i).float()).abs().mean() for i in range(5)) / 5
    torch.testing.assert_close(found, plain)
    slope = torch.autograd.grad(found, generator.downs[0].weight)[0]
    assert slope.any()


def test_the_fork_shares_all_but_two_layers():
    generator, plain = built(XForkGenerator), built(CrossViewUnet)
    layouts, source = blocks(), views()
    weights = generator.state_dict()
    plain.load_state_dict({k: v for k, v in weights.items() if not k.startswith("fork")})
    assert torch.equal(generator(layouts, source=source), plain(layouts, source=source))
    # The fork of the same weights as the picture's two layers gives the same, but for the last layer's outputs.
    conv, norm, last = generator.fork
    conv.load_state_dict(generator.ups[-2].state_dict())
    norm.load_state_dict(generator.up_norms[-1].state_dict())
    last.weight.data[:, :3], last.bias.data[:3] = generator.ups[-1].weight.data, generator.ups[-1].bias.data
    last.weight.data[:, 3:], last.bias.data[3:] = 0, 0
    picture, _, parts = generator.painted(layouts, source=source)
    logits = parts.soft_layout.log()
    torch.testing.assert_close((logits[:, :3] - logits[:, 3:4]).tanh(), picture, atol=1e-4, rtol=1e-3)


def test_the_sequence_looks_at_its_picture_alone():
    generator, layouts, source = built(XSeqGenerator), blocks(), views()
    picture, _, parts = generator.painted(layouts, source=source)
    torch.testing.assert_close(parts.soft_layout, generator.second.through(picture)[0].softmax(1))


def test_selection_is_a_sum_by_attention():
    generator, layouts, source = built(SelectionGenerator), blocks(), views()
    offered = []
    generator.offer.register_forward_hook(lambda _, given, made: offered.append(made.tanh()))
    generator.attend.bias.data = torch.tensor([0.0, 1e4, 0.0])
    picture, judged, parts = generator.painted(layouts, source=source)
    torch.testing.assert_close(picture, offered[0][:, 3:6])
    assert len(judged) == 1
    assert judged[0] is parts.first
    plain = CrossViewUnet(SMALL).eval()
    plain.load_state_dict({k: v for k, v in generator.state_dict().items() if k in plain.state_dict()})
    torch.testing.assert_close(parts.first, plain(layouts, source=source))
    u = parts.uncertainty
    assert u.shape == (2, 1, 16, 16)
    expected = ((source - parts.first).abs() / u + u.log()).mean()
    torch.testing.assert_close(generator.own_losses(parts, source, layouts)["doubted"], expected)


def test_averages_at_a_scale():
    x = torch.arange(32.0).view(1, 2, 4, 4)
    assert _averaged(x, 1) is x
    assert _averaged(x, 4).flatten(2)[0, :, 0].tolist() == [7.5, 23.5]
    assert torch.equal(_averaged(x, 9), x.mean((2, 3), keepdim=True).expand_as(x))
    assert _averaged(torch.zeros(1, 1, 16, 30), 9).shape == (1, 1, 16, 30)


def test_two_judges_see_different_sides():
    torch.manual_seed(0)
    dual = DualDiscriminator(DiscriminatorSettings(5, 4, (2, 2))).eval()
    layouts, source, picture, real = blocks(), views(), views(1), views(2)
    of_fake, of_real = dual.judge([picture, real], layouts, source)
    assert len(of_fake.logits) == len(of_fake.features) == 4
    other = dual.judge([picture], (layouts + 1) % 5, source)[0]
    changed = [not torch.equal(a, b) for a, b in zip(of_fake.logits, other.logits, strict=True)]
    assert changed == [True, True, False, False]
    other = dual.judge([picture], layouts, -source)[0]
    changed = [not torch.equal(a, b) for a, b in zip(of_fake.logits, other.logits, strict=True)]
    assert changed == [False, False, True, True]
    plain = MultiScaleDiscriminator(DiscriminatorSettings(5, 4, (2, 2))).eval()
    plain.load_state_dict(dual.of_layout.state_dict())
    torch.testing.assert_close(of_real.logits[:2], plain(real, layouts).logits)
    both = [losses.hinge_discriminator_loss(of_real.logits[i : i + 2], of_fake.logits[i : i + 2]) for i in (0, 2)]
    torch.testing.assert_close(losses.hinge_discriminator_loss(of_real.logits, of_fake.logits), sum(both) / 2)


def test_dropping_follows_the_noise():
    """A unit of the second stage is kept where its noise is positive."""
    generator, layouts, source = built(SelectionGenerator), blocks(), views()
    made = []
    generator.join.register_forward_pre_hook(lambda _, given: made.append(given[0][:, -9:-6]))
    keep, drop = torch.ones(2, generator.noise_dim), torch.ones(2, generator.noise_dim)
    drop[:, -3 * 16 * 16 :] = -1
    generator(layouts, keep, source=source)
    generator(layouts, drop, source=source)
    assert made[0].any()
    assert not made[1].any()


# Training


TRAINED = {
    "pix2pix++": (CrossViewUnet, replace(SMALL, num_classes=3)),
    "x-fork": (XForkGenerator, replace(SMALL, num_classes=3)),
    "selectiongan": (SelectionGenerator, replace(SMALL, num_classes=3)),
    "lggan": (LgganGenerator, LgganSettings.cross_view(3, 16, 16, 4, 2, 8, residual_blocks=1)),
}


def cross_view_run(name="lggan", changes=None, **kwargs):
    torch.manual_seed(0)
    (kind, settings), (images, layouts) = TRAINED[name], pairs()
    values = {"batch_size": 4, "steps": 4, "constant_steps": 2, "report_steps": 2, "flip": False}
    schedule = ImageTrainingSettings.pix2pix(**(values | {"feature_weight": 10.0} | (changes or {})))
    judge = DualDiscriminator(DiscriminatorSettings(3, 4, (2, 2)))
    kwargs.setdefault("sources", 255 - images)
    return ImageTraining(kind(settings), judge, images, layouts, schedule, **kwargs)


@pytest.mark.parametrize("name", TRAINED)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(name, tmp_path):
    whole, path = cross_view_run(name), tmp_path / "checkpoint.safetensors"
    list(whole)
    for report in cross_view_run(name, {"checkpoint_seconds": 0}, checkpoint_path=path):
        if report.step == 2:
            break
    again = cross_view_run(name, checkpoint_path=path)
    assert again.step == 2
    list(again)
    found = weights(again)
    assert all(torch.equal(found[key], value) for key, value in weights(whole).items())


def test_each_picture_goes_with_its_own_source():
    run = cross_view_run()
    images, _, _, _, source = run._batch()
    torch.testing.assert_close(source, -images)


def test_a_step_is_the_plain_one(monkeypatch):
    run, seen = cross_view_run(), {}
    batch = run._batch()
    monkeypatch.setattr(run, "_batch", lambda: batch)
    monkeypatch.setattr(run, "_update", lambda parameters, gradients: seen.update(found=gradients))
    before = weights(run)
    reported = run._train_step()
    for name, network in run.networks.items():
        network.load_state_dict({k[len(name) + 1 :]: v for k, v in before.items() if k.startswith(name + ".")})
    images, layouts, _, _, source = batch
    picture, _, parts = run.generator.painted(layouts, source=source)
    judged = [
        judge.judge([picture, images], told)
        for judge, told in ((run.discriminator.of_layout, layouts), (run.discriminator.of_source, source))
    ]
    loss_g = 100 * (picture - images).abs().mean()
    for of_fake, of_real in judged:
        real = [[f.detach() for f in x] for x in of_real.features]
        loss_g = loss_g + losses.cross_entropy_generator_loss(of_fake.logits) / 2
        loss_g = loss_g + 10 * losses.paired_feature_loss(real, of_fake.features) / 2
    loss_g = loss_g + sum(run.generator.own_losses(parts, images, layouts).values())
    torch.testing.assert_close(reported["loss_g"], loss_g.detach())
    plain = torch.autograd.grad(loss_g, run.painters)
    for ours, other in zip(seen["found"], plain, strict=False):
        torch.testing.assert_close(ours, other, atol=1e-5 * float(other.abs().max()) + 1e-6, rtol=1e-3)


def test_what_training_refuses():
    images, layouts = pairs()
    with pytest.raises(ValueError, match="sources go with a generator that takes another view"):
        cross_view_run(sources=None)
    with pytest.raises(ValueError, match=r"sources have shape \[6, 3, 16, 16\], expected \[12, 3, 16, 16\]"):
        cross_view_run(sources=images[:6])
    with pytest.raises(ValueError, match="set flip=False"):
        cross_view_run(changes={"flip": True})
    judge = DualDiscriminator(DiscriminatorSettings(3, 4, (2, 2)))
    generator = LgganGenerator(LgganSettings(3, 16, 16, 4, 2, 8, residual_blocks=1))
    with pytest.raises(ValueError, match="this judge is told another view: pass sources, or take"):
        ImageTraining(generator, judge, images, layouts, ImageTrainingSettings(perceptual_weight=0.0))
