"""LGGAN: its class convolution against a loop over the classes, its losses by hand, its forms, and its training."""

import pytest
import torch
import torch.nn.functional as F
from lightning.fabric import Fabric
from test_image_gans import blocks
from test_image_training import features, pairs, weights

from sempal_lib import losses, training
from sempal_lib.image_gans import DiscriminatorSettings, LgganGenerator, LgganSettings, MultiScaleDiscriminator
from sempal_lib.image_gans.class_convolution import ClassConvolution, rows_by_class
from sempal_lib.image_gans.lggan import FORMS
from sempal_lib.labels import CITYSCAPES_19, LabelSpace, one_hot
from sempal_lib.parameters import resolve
from sempal_lib.runs import RunError
from sempal_lib.training.images import ImageTraining, ImageTrainingSettings

SIZES = {"height": 16, "width": 16, "ngf": 4, "doublings": 2, "hidden": 8, "residual_blocks": 1}


def small(form="s5", classes=5, **changes):
    return LgganSettings.form(form, classes, **(SIZES | changes))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def generator_of(settings):
    """With larger weights than the paper's first ones, so that each part is seen."""
    torch.manual_seed(0)
    generator = LgganGenerator(settings)
    for name, parameter in generator.named_parameters():
        if "original" not in name:
            parameter.data.mul_(10).add_(0.05 * torch.randn(parameter.shape))
    return generator


def count(settings):
    with torch.device("meta"):
        return sum(p.numel() for p in LgganGenerator(settings).parameters())


@pytest.mark.parametrize("released", [False, True])
def test_parameters_are_those_of_the_fact_sheet(released):
    """Less the stem of GauGAN, which the release makes and never uses: 332,800 and 1,392,640 parameters."""
    streets = LgganSettings(35, 256, 512, doublings=6, instance_edges=True, released=released)
    assert count(streets) == 111_123_495 - 332_800
    assert count(LgganSettings(151, own_classes=51, released=released)) == 115_091_019 - 1_392_640


@pytest.mark.parametrize("released", [False, True])
def test_parameters_of_cross_view_are_those_of_the_fact_sheet(released):
    """Less a seventh class's layer, never used, and with six channels in place of the colours of six classes."""
    settings = LgganSettings.cross_view(6, joining="addition", classify=False, released=released)
    assert count(settings) == 12_191_258 - (64 * 49 + 1) * 3 + 3 * 49 * 64
    assert settings == LgganSettings.cross_view(6, released=True) or not released


def test_the_first_map_fits_at_every_depth():
    """Two halvings by the encoder, up to two more by the global branch, the rest by taking the nearest pixels."""
    for doublings, size in ((2, 16), (3, 16), (4, 32), (5, 64)):
        settings = small(doublings=doublings, height=size, width=2 * size)
        layout = blocks(1, 2 * size)[:, :size]
        found = LgganGenerator(settings).branches(layout)
        assert found.overall.shape == found.local.shape == (1, 3, size, 2 * size)


# Convolutions of classes


def looped(conv, features, masks):
    """A class after the other: its features, its own layer."""
    own, biases = conv.weight.unflatten(0, (conv.groups, -1)), conv.bias.unflatten(0, (conv.groups, -1))
    pad = (conv.kernel_size[0] // 2,) * 4
    pictures = [
        F.conv2d(F.pad(masks[:, i, None] * features, pad, mode="reflect"), own[i], biases[i])
        for i in range(conv.groups)
    ]
    return torch.stack(pictures, 1)


def class_convolution(classes=5, channels=4):
    torch.manual_seed(0)
    conv = ClassConvolution(channels, classes)
    for parameter in conv.parameters():
        torch.nn.init.normal_(parameter)
    return conv


def same_as_the_loop(conv, found, plain, wanted):
    torch.testing.assert_close(found, plain, atol=1e-4, rtol=1e-4)
    noise = torch.randn(found.shape, generator=seeded(1))
    ours, theirs = (torch.autograd.grad((x * noise).sum(), wanted, retain_graph=True) for x in (found, plain))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5 * float(other.abs().max()), rtol=1e-3)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("method", ["tiled", "grouped"])
def test_classes_at_once_are_the_loop_over_classes(method, memory):
    """One class is in no layout, some pixels are of no class, and one class has a single pixel."""
    conv = class_convolution().to(memory_format=memory)
    conv.method = method
    layouts = blocks(3, 20)[:, :16]
    layouts[layouts == 3] = 0
    layouts[0, 9, 11], layouts[1, 0, 0] = 4, 77
    features = torch.randn(3, 4, 16, 20, generator=seeded()).to(memory_format=memory).requires_grad_()
    plain = looped(conv, features, one_hot(layouts, 5))
    same_as_the_loop(conv, conv(features, layouts), plain, [features, conv.weight, conv.bias])


def test_soft_layouts_are_the_loop_too():
    conv = class_convolution()
    soft = torch.randn(2, 5, 8, 12, generator=seeded(2)).softmax(1).requires_grad_()
    features = torch.randn(2, 4, 8, 12, generator=seeded(), requires_grad=True)
    wanted = [features, soft, conv.weight, conv.bias]
    same_as_the_loop(conv, conv(features, soft), looped(conv, features, soft), wanted)


def test_class_convolution_by_hand():
    conv = ClassConvolution(1, 2, outputs=1, size=1)
    conv.weight.data, conv.bias.data = torch.tensor([2.0, 3.0]).view(2, 1, 1, 1), torch.tensor([0.5, -1.0])
    for method in ("tiled", "grouped"):
        conv.method = method
        found = conv(torch.tensor([[[[10.0, 20.0, 30.0]]]]), torch.tensor([[[0, 1, 255]]]))
        assert found[0, :, 0, 0].tolist() == [[20.5, 0.5, 0.5], [-1, 59, -1]]


@pytest.mark.parametrize("count", [1, 64, 500])
def test_rows_by_class(count):
    """With more classes than rows, a full tile, and classes that no row has."""
    rows = torch.randn(count, 3, generator=seeded(), requires_grad=True)
    labels = torch.randint(4, (count,), generator=seeded(1)) * 2
    matrices = torch.randn(9, 3, 2, generator=seeded(2), requires_grad=True)
    plain = torch.stack([row @ matrices[label] for row, label in zip(rows, labels.tolist(), strict=True)])
    same_as_the_loop(None, rows_by_class(rows, labels, matrices), plain, [rows, matrices])


def test_class_convolution_refuses():
    conv = class_convolution()
    conv.method = "sparse"
    with pytest.raises(ValueError, match="method='sparse': choose one of 'auto', 'tiled', 'grouped'"):
        conv(torch.zeros(1, 4, 8, 8), blocks(1, 8))


def test_first_weights_are_those_of_a_layer_a_class():
    torch.manual_seed(0)
    own = ClassConvolution(64, 35).weight.unflatten(0, (35, 3))
    expected = 0.02 * (2 / (49 * (64 + 3))) ** 0.5  # Xavier's, of 64 channels to 3
    torch.testing.assert_close(own.std((1, 2, 3, 4)), torch.full((35,), expected), atol=0, rtol=0.05)


# Losses


def test_local_loss_by_hand():
    """Two pixels of class 0, one of class 1, one of none; class 2 is absent."""
    masks = one_hot(torch.tensor([[[0, 0], [1, 255]]]), 3)
    images = torch.full((1, 3, 2, 2), 0.5)
    pictures = torch.zeros(1, 3, 3, 2, 2)
    assert float(losses.class_reconstruction_loss(pictures, images, masks)) == pytest.approx(0.5 * 3 / 4)
    right = masks.unsqueeze(2) * images.unsqueeze(1)
    assert float(losses.class_reconstruction_loss(right, images, masks)) == 0
    right[:, 2] += 0.2  # what an absent class paints counts
    assert float(losses.class_reconstruction_loss(right, images, masks)) == pytest.approx(0.2)
    with pytest.raises(ValueError, match=r"class_images \[1, 2, 3, 2, 2\].* do not belong together"):
        losses.class_reconstruction_loss(pictures[:, :2], images, masks)


def test_classification_loss_by_hand():
    """Row m is to say m, rows of void classes count nothing: ln 3 for one that knows nothing."""
    scores = torch.zeros(2, 3, 3)
    scores[0, 1] = torch.tensor([0.0, torch.tensor(2.0).log(), 0.0])  # probability 2/4 for class 1
    scores[1, 2] = 1000.0 * torch.tensor([1.0, 0.0, 0.0])  # void: wrong, and not seen
    shown = torch.tensor([[True, True, False], [True, False, False]])
    ln = lambda x: float(torch.tensor(x).log())  # noqa: E731
    first, second = ln(3.0) + ln(2.0), ln(3.0)
    assert float(losses.region_classification_loss(scores, shown)) == pytest.approx((first + second) / 2)
    assert float(losses.region_classification_loss(scores, shown, mean=True)) == pytest.approx((first / 2 + second) / 2)
    none = torch.zeros(2, 3, dtype=torch.bool)
    assert float(losses.region_classification_loss(scores, none, mean=True)) == 0
    with pytest.raises(ValueError, match=r"scores \[2, 3, 2\], shown \[2, 3\]"):
        losses.region_classification_loss(scores[..., :2], shown)


def test_features_are_pooled_over_their_class():
    generator, layout = LgganGenerator(small(classes=3)), torch.full((1, 16, 16), 255)
    layout[0, 0, :4] = torch.tensor([0, 0, 1, 9])
    features = torch.zeros(1, 4, 16, 16)
    features[0, :, 0, :4] = torch.tensor([1.0, 3.0, 5.0, 100.0])
    assert generator._pooled(features, layout)[0].tolist() == [[2.0] * 4, [5.0] * 4, [0.0] * 4]
    released = LgganGenerator(small(classes=3, released=True))
    assert released._pooled(features, layout)[0].tolist() == [[4 / 256] * 4, [5 / 256] * 4, [0.0] * 4]


def test_own_losses_are_those_of_the_parts():
    generator, layouts = generator_of(small()), blocks()
    layouts[layouts == 2] = 1
    images = torch.rand(2, 3, 16, 16, generator=seeded()) * 2 - 1
    parts = generator.painted(layouts).parts
    found = generator.own_losses(parts, images, layouts)
    plain = sum((images * (layouts == i).unsqueeze(1) - parts.class_images[:, i]).abs().mean() for i in range(5))
    torch.testing.assert_close(found["local"], plain)
    told = [
        F.cross_entropy(parts.class_scores[b, i], torch.tensor(i), reduction="sum")
        for b in range(2)
        for i in layouts[b].unique().tolist()
        if i < 5
    ]
    torch.testing.assert_close(found["classification"], sum(told) / 2)
    assert generator_of(small("s3")).own_losses(parts._replace(class_scores=None), images, layouts).keys() == {"local"}
    assert generator_of(small("s1")).own_losses(parts.__class__(parts.overall), images, layouts) == {}


# Forms


def test_forms_are_the_rows_of_the_ablation():
    found = {name: (s.local, s.joining, s.classify, s.weight_map) for name, s in ((n, small(n)) for n in FORMS)}
    assert found == {
        "s1": (False, "convolution", False, False), "s2": (True, "addition", False, False),
        "s3": (True, "convolution", False, False), "s4": (True, "convolution", True, False),
        "s5": (True, "convolution", True, True),
    }  # fmt: skip
    assert small("s5") == LgganSettings(5, **SIZES)
    counts = [count(small(name)) for name in FORMS]
    assert counts == sorted(counts)


@pytest.mark.parametrize("form", FORMS)
def test_the_picture_is_made_of_its_branches(form):
    generator, layouts = generator_of(small(form)).eval(), blocks()
    picture, judged, parts = generator.painted(layouts)
    assert judged == ()
    assert parts.overall.abs().max() <= 1
    if form == "s1":
        assert torch.equal(picture, parts.overall)
        return
    classes = parts.class_images
    joined = classes.sum(1) if form == "s2" else generator.join(classes.flatten(1, 2)).tanh()
    torch.testing.assert_close(parts.local, joined)
    if form == "s5":
        w = parts.weights
        torch.testing.assert_close(w.sum(1), torch.ones(2, 16, 16))
        assert w.std() > 0.01
        torch.testing.assert_close(picture, parts.local * w[:, :1] + parts.overall * w[:, 1:])
    else:
        torch.testing.assert_close(picture, (parts.local + parts.overall) / 2)
    torch.testing.assert_close(generator.generate(layouts), picture.detach().clamp(-1, 1))


def test_a_sum_beyond_the_range_is_cut_where_pictures_are_looked_at():
    generator, layouts = generator_of(small("s2")).eval(), blocks()
    generator.class_painters.bias.data.fill_(9.0)
    assert generator.painted(layouts).picture.max() > 1
    assert generator.generate(layouts).max() == 1


def test_a_class_has_its_own_generator():
    """Its weights move the picture within 3 px of the class alone; those of an absent class nothing at all."""
    generator, layout = generator_of(small("s2", width=32)).eval(), torch.zeros(1, 16, 32, dtype=torch.long)
    layout[:, :, 24:] = 1
    before = generator.painted(layout).picture
    weight = generator.class_painters.weight.data.unflatten(0, (5, 3))
    weight[2:] += 1
    assert torch.equal(generator.painted(layout).picture, before)
    weight[1] += 1
    moved = (generator.painted(layout).picture - before).abs().sum(1)[0]
    assert moved[:, 21:].bool().all()
    assert not moved[:, :21].any()


def test_classes_may_share_a_generator():
    generator, layouts = generator_of(small(own_classes=2)).eval(), blocks()
    parts = generator.painted(layouts).parts
    assert parts.class_images.shape == (2, 3, 3, 16, 16)
    assert parts.class_scores.shape == (2, 2, 2)
    masks = generator._masks(layouts)
    assert torch.equal(masks[:, 2], ((layouts >= 2) & (layouts < 5)).float())
    assert torch.equal(generator._masks(one_hot(layouts, 5)), masks)
    found = generator.own_losses(parts, torch.zeros(2, 3, 16, 16), layouts)
    assert found["classification"].isfinite()


@pytest.mark.parametrize("form", ["s1", "s5"])
def test_soft_layouts_give_the_same_and_take_gradients(form):
    generator, layouts = generator_of(small(form)).eval(), blocks()
    soft = one_hot(layouts, 5).requires_grad_()
    picture = generator(soft)
    torch.testing.assert_close(picture, generator(layouts), atol=1e-4, rtol=1e-3)
    (slope,) = torch.autograd.grad(picture.square().mean(), soft)
    assert slope.isfinite().all()
    assert slope.any()


def test_a_label_of_no_class_has_no_generator():
    generator, layouts = generator_of(small()).eval(), blocks()
    torch.testing.assert_close(generator(torch.where(layouts == 255, 77, layouts)), generator(layouts))
    with pytest.raises(ValueError, match=r"layout 0 has the labels \[77\], expected 0 to 4, or 255"):
        generator.generate(torch.where(layouts == 255, 77, layouts))


def test_edges_are_told_to_both_branches():
    generator, layouts = generator_of(small(instance_edges=True)).eval(), blocks()
    edges = torch.zeros(2, 16, 16)
    without, parts = generator.branches(layouts, edges), generator.branches(layouts, edges + 1)
    assert not torch.equal(without.overall, parts.overall)
    assert not torch.equal(without.local, parts.local)


def cross_view(**changes):
    return LgganSettings.cross_view(5, **(SIZES | changes))


def test_another_view_is_told_to_all_branches():
    generator, layouts = generator_of(cross_view()).eval(), blocks()
    source = torch.rand(2, 3, 16, 16, generator=seeded()) * 2 - 1
    one, other = generator.branches(layouts, source=source), generator.branches(layouts, source=-source)
    assert all(not torch.equal(a, b) for a, b in zip(one, other, strict=True))
    picture = generator.generate(layouts, source=source, batch_size=1)
    torch.testing.assert_close(picture, generator.painted(layouts, source=source).picture.detach())
    with pytest.raises(ValueError, match="this generator needs the other view: give source"):
        generator.generate(layouts)
    with pytest.raises(ValueError, match=r"source has shape \[2, 3, 16, 8\], expected \[2, 3, 16, 16\]: load both"):
        generator.generate(layouts, source=source[..., :8])
    with pytest.raises(ValueError, match="source has 1 rows, expected 2"):
        generator.generate(layouts, source=source[:1])
    with pytest.raises(ValueError, match="takes no other view: leave source out"):
        generator_of(small()).generate(layouts, source=source)


def test_released_cross_view_shares_the_trunk_and_adds():
    generator, layouts = generator_of(cross_view(released=True)).eval(), blocks()
    source = torch.zeros(2, 3, 16, 16)
    before = generator.branches(layouts, source=source)
    assert (before.class_scores, torch.equal(before.local, before.class_images.sum(1))) == (None, True)
    next(generator.trunk.parameters()).data.add_(1)
    after = generator.branches(layouts, source=source)
    assert not torch.equal(after.overall, before.overall)
    assert not torch.equal(after.local, before.local)


def test_first_weights_of_cross_view_are_of_one_deviation():
    torch.manual_seed(0)
    generator = LgganGenerator(cross_view(ngf=16))
    for part in (generator.class_painters, generator.head[0], generator.overall[1]):
        assert float(part.weight.detach().std()) == pytest.approx(0.02, rel=0.1)


def test_the_releases_own_ways():
    generator, layouts = generator_of(small(released=True)).eval(), blocks()
    _, judged, parts = generator.painted(layouts)
    assert judged[0] is parts.overall
    assert judged[1] is parts.local
    before = parts.overall.clone()
    next(generator.trunk.parameters()).data.add_(1)  # the local branch's own
    after = generator.painted(layouts).parts
    assert torch.equal(after.overall, before)
    assert not torch.equal(after.local, parts.local)
    assert "trunk" not in dict(LgganGenerator(small("s1", released=True)).named_children())
    paper = generator_of(small()).eval()
    before = paper.branches(layouts).overall
    next(paper.trunk.parameters()).data.add_(1)
    assert not torch.equal(paper.branches(layouts).overall, before)


def test_what_it_refuses():
    with pytest.raises(ValueError, match="form 's6' is no row of the ablation: choose one of s1, s2"):
        small("s6")
    with pytest.raises(ValueError, match="joining='sum': choose one of 'convolution', 'addition'"):
        small(joining="sum")
    with pytest.raises(ValueError, match="global_branch='unet': choose one of 'gaugan', 'plain'"):
        small(global_branch="unet")
    with pytest.raises(ValueError, match="nothing is classified or weighed"):
        LgganSettings(5, local=False)
    with pytest.raises(ValueError, match="leave use_vae as it is"):
        small(use_vae=True)
    with pytest.raises(ValueError, match="own_classes=5: choose 1 to 4, or None"):
        small(own_classes=5)
    with pytest.raises(RunError, match=r"form = 's2' says itself how pictures are joined; leave it out"):
        resolve("10_lggan", {"preset": "smoke", "form": "s2", "joining": "addition"})
    images = resolve("07_painting_by_layout", {"preset": "smoke"})
    with pytest.raises(ValueError, match="its parameters are those of chapter 10"):
        training.image_networks("lggan", images, 5, (16, 16))


# Training


def lggan_run(form="s5", changes=None, released=False, **kwargs):
    torch.manual_seed(0)
    values = {"batch_size": 4, "steps": 4, "constant_steps": 2, "report_steps": 2, "own_weights": {"local": 2.0}}
    schedule = ImageTrainingSettings(**(values | (changes or {})))
    judge = MultiScaleDiscriminator(DiscriminatorSettings(3, 4, (2, 2)))
    generator = LgganGenerator(small(form, 3, released=released))
    return ImageTraining(generator, judge, *pairs(), schedule, features(), **kwargs)


@pytest.mark.parametrize("released", [False, True])
def test_a_step_is_the_plain_one(monkeypatch, released):
    run, seen = lggan_run(changes={"flip": False}, released=released), {}
    monkeypatch.setattr(run, "_update", lambda parameters, gradients: seen.update(found=gradients))
    before, state = weights(run), run.random.get_state()
    reported = run._train_step()
    for name, network in run.networks.items():
        network.load_state_dict({k[len(name) + 1 :]: v for k, v in before.items() if k.startswith(name + ".")})
    run.random.set_state(state)
    index = torch.randint(12, (4,), generator=run.random)
    images, layouts = (x[index] for x in pairs())
    images = images / 127.5 - 1
    picture, _, parts = run.generator.painted(layouts)
    fakes = [picture, parts.overall, parts.local] if released else [picture]
    loss_g = 2 * losses.class_reconstruction_loss(parts.class_images, images, one_hot(layouts, 3))
    shown = torch.stack([(layouts == i).flatten(1).any(1) for i in range(3)], 1)
    loss_g = loss_g + losses.region_classification_loss(parts.class_scores, shown, mean=released)
    *of_fakes, of_real = run.discriminator.judge([*fakes, images], layouts)
    loss_d = 0
    for fake, judged in zip(fakes, of_fakes, strict=True):
        loss_g = loss_g + losses.hinge_generator_loss(judged.logits)
        real = [[f.detach() for f in x] for x in of_real.features]
        loss_g = loss_g + 10 * losses.paired_feature_loss(real, judged.features)
        loss_g = loss_g + 10 * losses.perceptual_loss(features()(fake), features()(images), (0.5, 1.0))
        loss_d = loss_d + losses.hinge_discriminator_loss(of_real.logits, judged.logits)
    torch.testing.assert_close(reported["loss_g"], loss_g.detach())
    torch.testing.assert_close(reported["loss_d"], loss_d.detach())
    expected = list(torch.autograd.grad(loss_g, run.painters, retain_graph=True))
    expected += torch.autograd.grad(loss_d, list(run.discriminator.parameters()))
    for ours, plain in zip(seen["found"], expected, strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-5 * float(plain.abs().max()) + 1e-6, rtol=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(form, tmp_path):
    changes = {"ema_images": 16, "channels_last": form == "s5"}
    whole, path = lggan_run(form, changes), tmp_path / "checkpoint.safetensors"
    list(whole)
    for report in lggan_run(form, changes | {"checkpoint_seconds": 0}, checkpoint_path=path):
        if report.step == 2:
            break
    again = lggan_run(form, changes, checkpoint_path=path)
    assert again.step == 2
    list(again)
    found = weights(again)
    assert all(torch.equal(found[name], value) for name, value in weights(whole).items())


def test_it_learns_to_paint_and_to_tell_classes_apart():
    run = lggan_run(changes={"steps": 60, "constant_steps": 60, "learning_rate_g": 3e-3, "learning_rate_d": 3e-3})
    images, layouts = pairs()
    images = images / 127.5 - 1

    def off():
        return float((run.averaged.generate(layouts) - images).abs().mean())

    before, first = off(), next(iter(run)).losses
    list(run)
    assert off() < 0.5 * before
    assert run.history[-1]["classification"] < 0.95 * first["classification"]
    assert run.history[-1]["local"] < 0.7 * first["local"]


def test_bf16():
    run = lggan_run(fabric=Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"))
    assert all(torch.isfinite(torch.tensor(list(report.losses.values()))).all() for report in run)


def test_nothing_waits_for_the_device(monkeypatch):
    """The tiles of classes too are made without a look at how many pixels each class has."""
    run = lggan_run()
    run.generator.overall.method, run.generator.class_painters.method = "dense", "tiled"
    run._train_step()

    def caught(*args, **kwargs):
        raise AssertionError("a step reads a tensor's value")

    for name in ("item", "__bool__", "__float__", "__int__", "tolist", "nonzero", "cpu"):
        monkeypatch.setattr(torch.Tensor, name, caught)
    run._train_step()


@pytest.mark.parametrize("changes", [*({"form": name} for name in FORMS), {"released": True}, {"own_classes": 4}])
def test_smoke_by_parameters(changes, tmp_path):
    given = {"preset": "smoke", "device": "cpu", "local_weight": 3.0, "classification_weight": 0.5}
    p = resolve("10_lggan", given | changes)
    data = training.scene_set(p)
    run = training.image_training(p, data, "lggan", training.perceptual_for(p), tmp_path / "checkpoint.safetensors")
    list(run)
    assert run.settings.own_weights == {"local": 3.0, "classification": 0.5}
    assert run.averaged.generate(data.held_out[:3]).shape == (3, 3, 16, 32)


def test_the_papers_schedule():
    p = resolve("10_lggan", {"preset": "paper"})
    generator, judge, _ = training.image_networks("lggan", p.model_copy(update={"ngf": 4, "ndf": 4}), 35, (256, 512))
    settings = training.image_settings("lggan", p)
    assert (generator.settings.released, generator.settings.joining) == (False, "convolution")
    assert judge.settings == DiscriminatorSettings(35, 4)
    assert (settings.learning_rate_g, settings.learning_rate_d, settings.betas) == (1e-4, 4e-4, (0.0, 0.9))
    assert (settings.batch_size, settings.steps, settings.constant_steps) == (8, 200 * (2975 // 8), 100 * (2975 // 8))


def test_a_small_file_holds_it(tmp_path):
    generator, path = generator_of(small(classes=19)), tmp_path / "lggan.safetensors"
    training.save_generator(path, generator, CITYSCAPES_19, half=False)
    again, space, _ = training.load_generator(path, "lggan")
    assert isinstance(space, LabelSpace)
    layouts = blocks(classes=19)
    assert torch.equal(again.generate(layouts), generator.generate(layouts))
