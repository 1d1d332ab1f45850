"""AdvEnt, and the switches of plain augmentation, in the segmenter's training."""

import copy
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from test_segmentation import NET, SETTINGS, fresh_pairs, two_colours, weights

from sempal_lib.losses import advent_loss, self_information
from sempal_lib.segmentation import EntropyDiscriminator, Segmenter, as_float
from sempal_lib.training import SegmenterTraining
from sempal_lib.training.changes import components

PLAIN = replace(SETTINGS, noise=0.0, flip=False)
ALL = replace(SETTINGS, crop=0.5, jitter=0.4, copy_paste=0.5, adapt=0.01)


def training(settings, pairs=None, source=fresh_pairs, **kwargs):
    torch.manual_seed(0)
    segmenter = Segmenter(NET)
    discriminator = EntropyDiscriminator(2, (16, 32), 4) if settings.adapt else None
    images, layouts = two_colours() if pairs is None else pairs
    things = components(layouts, [1]) if settings.copy_paste else None
    return SegmenterTraining(
        segmenter, images, layouts, settings, source, instances=things, discriminator=discriminator, **kwargs
    )


def test_self_information_by_hand():
    p = torch.tensor([0.5, 0.25, 0.25]).view(1, 3, 1, 1)
    found = self_information(p.log() + 7)
    expected = torch.tensor([0.5, 0.5, 0.5]) / math.log2(3)
    assert torch.allclose(found.flatten(), expected)
    assert float(self_information(torch.zeros(1, 7, 2, 2)).sum(1).mean()) == pytest.approx(1)
    assert float(self_information(torch.tensor([200.0, -200.0]).view(1, 2, 1, 1)).sum()) == 0
    with pytest.raises(ValueError, match="scores of one class, expected at least 2"):
        self_information(torch.zeros(1, 1, 2, 2))


def test_the_gradient_of_self_information():
    scores = torch.randn(2, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scores = (40 * scores).float().requires_grad_()  # sure of most pixels
    (slope,) = torch.autograd.grad(self_information(scores).sum(), scores)
    assert torch.isfinite(slope).all()


def test_the_loss_takes_real_for_generated():
    logits = torch.tensor([[0.3, -2.0], [1.0, 0.0]])
    assert float(advent_loss(logits)) == pytest.approx(
        float(F.binary_cross_entropy_with_logits(logits, torch.zeros(2, 2)))
    )
    with pytest.raises(ValueError, match="target_logits is"):
        advent_loss([logits])


@pytest.mark.parametrize(("classes", "millions"), [(19, 2.78), (35, 2.80)])
def test_the_papers_discriminator_has_its_size(classes, millions):
    network = EntropyDiscriminator(classes, (128, 256))
    assert sum(x.numel() for x in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)
    assert network(torch.zeros(1, classes, 128, 256)).shape == (1, 1, 4, 8)


@pytest.mark.parametrize(("height", "shape"), [(32, (1, 2)), (16, (1, 2)), (8, (1, 2)), (4, (1, 2))])
def test_small_maps_have_as_many_layers_as_fit(height, shape):
    assert EntropyDiscriminator(3, (height, 2 * height), 4)(torch.zeros(2, 3, height, 2 * height)).shape[2:] == shape
    with pytest.raises(ValueError, match="maps of 2×4 px are too small for AdvEnt"):
        EntropyDiscriminator(3, (2, 4))


def test_a_step_against_a_plain_version():
    """Two supervised losses and 0.01 of the adversarial one for the segmenter; the discriminator's halves for it."""
    images, layouts = (x[:1].expand(8, *x.shape[1:]).contiguous() for x in two_colours())
    run = training(replace(PLAIN, adapt=0.01, momentum=0.0, weight_decay=0.0), (images, layouts))
    fresh = fresh_pairs(4, torch.Generator().manual_seed(1))
    run.source = lambda *_: fresh
    net, judge = copy.deepcopy(run.segmenter), copy.deepcopy(run.discriminator)
    run._train_step()
    net.train()
    real_scores, fresh_scores = net(as_float(images[:4])), net(fresh[0])
    loss = F.cross_entropy(real_scores, layouts[:4].long()) + F.cross_entropy(fresh_scores, fresh[1])
    maps = []
    for scores in (real_scores, fresh_scores):
        p = scores.softmax(1)
        maps.append(-p * torch.log2(p + 1e-30) / math.log2(2))
    said = judge(maps[0])
    loss = loss + 0.01 * F.binary_cross_entropy_with_logits(said, torch.zeros_like(said))
    slopes = torch.autograd.grad(loss, list(net.parameters()))
    source, target = judge(maps[1].detach()), judge(maps[0].detach())
    told = F.binary_cross_entropy_with_logits(source, torch.zeros_like(source)) / 2
    told = told + F.binary_cross_entropy_with_logits(target, torch.ones_like(target)) / 2
    moments = torch.optim.Adam(judge.parameters(), 1e-4, (0.9, 0.99))
    told.backward()
    judging = [x.grad.clone() for x in judge.parameters()]
    moments.step()
    for mine, theirs, slope in zip(run.segmenter.parameters(), net.parameters(), slopes, strict=True):
        assert torch.allclose(mine, theirs - 0.01 * slope, atol=1e-6)
    for mine, theirs, slope in zip(run.discriminator.parameters(), judge.parameters(), judging, strict=True):
        where = slope.abs() > 1e-6  # Adam's first step is the slope's sign: of nothing it is noise
        assert torch.allclose(mine[where], theirs[where], atol=1e-6)


def test_the_discriminators_rate_falls_too():
    run = training(replace(PLAIN, adapt=0.01))
    run._train_step()
    run.step = 3
    run._train_step()
    (group,) = run.optimizers["d"].param_groups
    assert group["lr"] == pytest.approx(1e-4 * 0.5**0.9)


@pytest.mark.parametrize("change", [{}, {"crop": 0.5}, {"jitter": 0.4}, {"copy_paste": 0.5}, {"adapt": 0.01}])
def test_a_switch_that_is_off_draws_nothing(change):
    """So that what was measured before there were such switches is what is measured now."""
    run = training(replace(SETTINGS, **change), source=None if not change.get("adapt") else fresh_pairs)
    run._train_step()
    plain = torch.Generator().manual_seed(SETTINGS.seed)
    torch.randint(24, (4,), generator=plain)
    if change.get("adapt"):
        fresh_pairs(4, plain)
    for _ in range(2 if change.get("adapt") else 1):
        torch.rand(4, 1, 1, generator=plain)
        torch.randn(4, 3, 16, 32, generator=plain)
    drawn = change.keys() & {"crop", "jitter", "copy_paste"}
    assert torch.equal(run.random.get_state(), plain.get_state()) == (not drawn)


@pytest.mark.parametrize("name", ["crop", "jitter", "copy_paste", "adapt"])
def test_each_switch_changes_what_is_learned(name):
    settings = replace(SETTINGS, **{name: getattr(ALL, name)})
    ends = []
    for each in (SETTINGS, settings):
        run = training(each)
        for _ in range(2):
            run._train_step()
        ends.append(weights(run))
    assert any(not torch.equal(ends[0][k], ends[1][k]) for k in ends[0])


@pytest.mark.parametrize("settings", [ALL, replace(ALL, copy_paste=0.0), replace(ALL, adapt=0.0)])
def test_a_resumed_run_ends_like_one_that_never_stopped(settings, tmp_path):
    unbroken = training(settings)
    for _ in unbroken:
        pass
    path = tmp_path / "run.safetensors"
    stopped = training(settings, checkpoint_path=path)
    next(iter(stopped))
    resumed = training(settings, checkpoint_path=path)
    assert 0 < resumed.step < settings.steps
    for _ in resumed:
        pass
    for name, network in unbroken.networks.items():
        theirs = resumed.networks[name].state_dict()
        assert all(torch.equal(value, theirs[key]) for key, value in network.state_dict().items())


def test_switches_without_what_they_need_are_refused():
    images, layouts = two_colours(4)
    net = Segmenter(NET)

    def make(settings, images=images, layouts=layouts, source=fresh_pairs, **given):
        return SegmenterTraining(net, images, layouts, settings, source, **given)

    judge, things = EntropyDiscriminator(2, (16, 32), 4), components(layouts, [1])
    with pytest.raises(ValueError, match="copy_paste and instances go together"):
        make(replace(PLAIN, copy_paste=0.5))
    with pytest.raises(ValueError, match="copy_paste and instances go together"):
        make(PLAIN, instances=things)
    with pytest.raises(ValueError, match=r"instances are \[3, 16, 32\], expected those of the layouts, \[4, 16, 32\]"):
        make(replace(PLAIN, copy_paste=0.5), instances=things[:3])
    with pytest.raises(ValueError, match="adapt and discriminator go together"):
        make(replace(PLAIN, adapt=0.01))
    with pytest.raises(ValueError, match="adapt holds generated pairs against real pictures"):
        make(replace(PLAIN, adapt=0.01), source=None, discriminator=judge)
    with pytest.raises(ValueError, match="adapt holds generated pairs against real pictures"):
        make(replace(PLAIN, adapt=0.01), None, None, discriminator=judge)
    for change in ({"crop": 0}, {"crop": 1.5}, {"jitter": -1}, {"copy_paste": 2}, {"adapt": -1}):
        with pytest.raises(ValueError, match="choose crop above 0"):
            replace(PLAIN, **change)
