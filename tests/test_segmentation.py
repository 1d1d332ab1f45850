"""The segmenter: its networks, its training, stopping and resuming, its files, what goes wrong."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from sempal_lib.labels import label_space_of
from sempal_lib.metrics import evaluate_segmenter
from sempal_lib.segmentation import Segmenter, SegmenterSettings, as_float
from sempal_lib.training import (
    CheckpointError,
    SegmenterTraining,
    SegmenterTrainingSettings,
    checkpoint,
    load_segmenter,
    save_segmenter,
)

NET = SegmenterSettings.light(2, width=4)
SETTINGS = SegmenterTrainingSettings(steps=6, batch_size=4, noise=0.1, report_steps=2, checkpoint_seconds=0)
SPACE = label_space_of([("ground", (200, 60, 40)), ("sky", (40, 90, 220))], ignore_index=255)


def two_colours(n=24, height=16, width=32, seed=0):
    """Blue above a random horizon, red below, both noisy: images uint8 and layouts."""
    random = torch.Generator().manual_seed(seed)
    horizon = torch.randint(3, height - 3, (n, 1, 1), generator=random)
    layouts = (torch.arange(height).view(1, -1, 1) < horizon).expand(n, height, width).to(torch.uint8)
    images = SPACE.colourise(layouts).movedim(-1, 1).float()
    images += 25 * torch.randn(images.shape, generator=random)
    return images.clamp(0, 255).to(torch.uint8), layouts.clone()


def training(settings=SETTINGS, net=NET, pairs=None, seed=0, **kwargs):
    torch.manual_seed(seed)
    segmenter = Segmenter(net)
    images, layouts = two_colours() if pairs is None else pairs
    return SegmenterTraining(segmenter, images, layouts, settings, **kwargs)


def weights(run):
    return {k: v.clone() for k, v in run.segmenter.state_dict().items()}


def fresh_pairs(count, random):
    """Pairs whose only randomness is the generator's."""
    shade = torch.rand(count, 1, 1, 1, generator=random) * 2 - 1
    return shade.expand(count, 3, 16, 32), (shade[:, 0] > 0).long().expand(count, 16, 32)


@pytest.mark.parametrize("stride", [2, 4, 8])
@pytest.mark.parametrize("size", [(16, 32), (20, 36)])
def test_shapes_of_the_light_network(stride, size):
    segmenter = Segmenter(replace(SegmenterSettings.light(5, width=4), output_stride=stride)).eval()
    images = torch.rand(3, 3, *size) * 2 - 1
    assert segmenter(images).shape == (3, 5, *size)
    deep = segmenter.network.backbone(images)["out"]
    assert deep.shape[2:] == tuple(-(-side // stride) for side in size)
    layouts, features = segmenter.predict(images, batch_size=2), segmenter.features(images, batch_size=2)
    assert layouts.shape == (3, *size)
    assert layouts.dtype == torch.int64
    assert features.shape == (3, 4 * segmenter.settings.feature_channels)


def test_a_stem_of_stride_one_sees_every_pixel():
    segmenter = Segmenter(SegmenterSettings.light(5, width=4, output_stride=4, stem_stride=1)).eval()
    seen = segmenter.network.backbone(torch.rand(1, 3, 16, 32))
    assert (seen["fine"].shape[2:], seen["out"].shape[2:]) == ((16, 32), (4, 8))
    with pytest.raises(ValueError, match=r"stem_stride=4 of 'light': choose one of \(1, 2\)"):
        SegmenterSettings.light(5, stem_stride=4)
    with pytest.raises(ValueError, match=r"stem_stride=1 of 'resnet101': choose one of \(2,\)"):
        SegmenterSettings(5, stem_stride=1)


def test_dice_is_added_by_its_weight():
    """At the same weights and on the same batch; the weight 0 is the cross-entropy alone."""
    pairs = [x[:4] for x in two_colours()]
    values = [training(replace(SETTINGS, dice_weight=w, flip=False, noise=0)).loss(*pairs).item() for w in (0, 1, 3)]
    assert values[1] - values[0] == pytest.approx((values[2] - values[0]) / 3, rel=1e-4)
    assert 0 < values[1] - values[0] < 1
    with pytest.raises(ValueError, match="dice_weight=-1: choose 0 or more"):
        replace(SETTINGS, dice_weight=-1)


def test_the_papers_network_has_its_size():
    """61.0 M parameters with the 35 ids of Cityscapes; the release's deep stem and wider heads make it 63.2 M."""
    with torch.device("meta"):
        segmenter = Segmenter(SegmenterSettings(35))
        images = torch.empty(2, 3, 128, 256)
        deep = segmenter.network.backbone(images)
        outputs = segmenter.outputs(images)
    assert sum(p.numel() for p in segmenter.parameters()) == 61_003_398
    assert deep["out"].shape == (2, 2048, 16, 32)  # output stride 8
    assert deep["aux"].shape == (2, 1024, 16, 32)
    assert {k: tuple(v.shape) for k, v in outputs.items()} == {k: (2, 35, 128, 256) for k in ("out", "aux")}
    assert {m.p for m in segmenter.modules() if isinstance(m, torch.nn.Dropout)} == {0.1}


def test_the_light_network_has_its_size():
    """What a checkpoint of the laptop's segmenter holds: 0.4 MB in half precision."""
    with torch.device("meta"):
        segmenter = Segmenter(SegmenterSettings.light(19))
        deep = segmenter.network.backbone(torch.empty(2, 3, 32, 64))
    assert sum(p.numel() for p in segmenter.parameters()) == 217_203
    assert deep["fine"].shape == (2, 16, 16, 32)
    assert deep["out"].shape == (2, 64, 4, 8)


def test_uint8_pictures_are_the_float_ones():
    segmenter, images = Segmenter(NET), two_colours()[0]
    assert as_float(images).min() == -1
    torch.testing.assert_close(segmenter.features(images), segmenter.features(as_float(images)))
    assert segmenter.training  # as it was before: predicting leaves the mode alone


def test_features_do_not_depend_on_the_batch():
    segmenter, images = Segmenter(NET), two_colours()[0]
    torch.testing.assert_close(segmenter.features(images, 5), segmenter.features(images, 24), atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match=r"expected \[N, 3, H, W\]"):
        segmenter.features(images[:, :1])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_it_learns_two_colours(optimizer):
    rate = {"sgd": 0.05, "adam": 0.005}[optimizer]
    settings = SegmenterTrainingSettings(40, 8, optimizer, rate, report_steps=5)
    run = training(settings)
    before = evaluate_segmenter(run.segmenter, *two_colours(seed=1))
    reports = list(run)
    after = evaluate_segmenter(run.segmenter, *two_colours(seed=1))
    assert before["miou"] < 0.6
    assert after["miou"] > 0.85
    assert after["pixel_accuracy"] > 0.92
    assert reports[-1].losses["loss"] < 0.5 * reports[0].losses["loss"]
    assert run.images == 40 * 8


def test_the_rate_falls_by_the_polynomial():
    run = training()
    rates = []
    for step in range(run.steps):
        run.step = step
        rates.append(run.learning_rate)
        run._train_step()
        assert run.optimizers["s"].param_groups[0]["lr"] == rates[-1]
    assert rates == pytest.approx([0.01 * (1 - s / 6) ** 0.9 for s in range(6)])


def test_ignored_pixels_have_no_gradient():
    """Labels of no class, 255 or any other, change nothing; a batch of nothing else gives a loss of 0."""
    net, settings = replace(NET, num_classes=3), replace(SETTINGS, flip=False, noise=0)
    images, layouts = two_colours(4)
    layouts[:, 4:9, 10:20] = 255
    layouts[:, 9:12, 10:20] = 7
    run = training(settings, net, (images, layouts))
    scores = {}
    run._run = lambda x: scores.setdefault("all", {"out": run.segmenter(x)})
    loss = run.loss(images, layouts)
    slope = torch.autograd.grad(loss, scores["all"]["out"], retain_graph=True)[0]
    counted = layouts < 3
    assert (slope.movedim(1, -1)[~counted] == 0).all()
    assert (slope.movedim(1, -1)[counted] != 0).all()
    picked = scores["all"]["out"].movedim(1, -1)[counted]
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(picked, layouts[counted].long()))
    assert run.loss(images, torch.full_like(layouts, 255)).item() == 0


def test_the_auxiliary_head_weighs_what_the_settings_say():
    net = replace(NET, aux_weight=0.4)
    settings = replace(SETTINGS, flip=False, noise=0)
    run = training(settings, net)
    images, layouts = two_colours(4)
    run.segmenter.eval()
    out = run.segmenter.outputs(as_float(images))
    plain = {k: torch.nn.functional.cross_entropy(v, layouts.long()) for k, v in out.items()}
    torch.testing.assert_close(run.loss(images, layouts), plain["out"] + 0.4 * plain["aux"])


def test_flips_turn_picture_and_layout_together():
    images, layouts = two_colours(8)
    images[:, 0] = torch.arange(32, dtype=torch.uint8) * 8
    layouts[:] = (torch.arange(32) >= 16).to(torch.uint8)
    run, seen = training(replace(SETTINGS, noise=0), pairs=(images, layouts)), []
    run._run = lambda x: seen.append(x) or {"out": 30 * torch.stack([-x[:, 0], x[:, 0]], 1)}
    assert run.loss(images, layouts) < 0.1
    left = seen[0][:, 0, 0, 0]
    assert (left < -0.9).any()
    assert (left > 0.9).any()


@pytest.mark.parametrize("kind", ["fixed", "adam", "fresh", "both", "dropout"])
def test_a_resumed_run_ends_like_one_that_never_stopped(kind, tmp_path):
    settings = replace(SETTINGS, optimizer="adam" if kind == "adam" else "sgd")
    pairs = (None, None) if kind == "fresh" else None
    extra = {"source": fresh_pairs} if kind in ("fresh", "both") else {}
    if kind == "dropout":  # which takes no generator
        extra["net"] = replace(NET, dropout=0.5)
    whole = training(settings, pairs=pairs, **extra)
    list(whole)
    path = tmp_path / "segmenter.safetensors"
    stopped = training(settings, pairs=pairs, checkpoint_path=path, **extra)
    for _ in stopped:
        break  # the report comes after its checkpoint
    assert stopped.step == 2
    resumed = training(settings, pairs=pairs, checkpoint_path=path, seed=5, **extra)
    assert resumed.step == 2
    list(resumed)
    assert resumed.images == whole.images
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(resumed)[name]), name
    expected = {"fresh": {"loss_fresh"}, "both": {"loss", "loss_fresh"}}.get(kind, {"loss"})
    assert expected <= resumed.history[0].keys()
    assert resumed.history[-1]["images"] == 6 * 4 * len(expected)


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "segmenter.safetensors"
    list(training(checkpoint_path=path))
    with pytest.raises(CheckpointError, match=r"learning_rate is 0\.01 there, 0\.02 now"):
        training(replace(SETTINGS, learning_rate=0.02), checkpoint_path=path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match="damaged"):
        training(checkpoint_path=path)


@pytest.mark.parametrize(("half", "tolerance"), [(False, 0), (True, 2e-2)])
def test_a_saved_segmenter_sees_the_same(half, tolerance, tmp_path):
    run, path = training(), tmp_path / "s.safetensors"
    list(run)
    save_segmenter(path, run.segmenter, SPACE, half=half)
    found, space = load_segmenter(path)
    assert space == SPACE
    assert found.settings == run.segmenter.settings
    assert not found.training
    images = two_colours(seed=3)[0]
    torch.testing.assert_close(found.features(images), run.segmenter.features(images), atol=tolerance, rtol=tolerance)
    kinds = {v.dtype for v in load_file(path).values() if v.is_floating_point()}
    assert kinds == {torch.float16 if half else torch.float32}


def test_files_that_hold_no_segmenter_are_refused(tmp_path):
    path = tmp_path / "s.safetensors"
    with pytest.raises(CheckpointError, match="train first"):
        load_segmenter(path)
    list(training(checkpoint_path=path))
    with pytest.raises(CheckpointError, match="no segmenter of this library"):
        load_segmenter(path)
    save_segmenter(path, Segmenter(NET), SPACE)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        load_segmenter(path)
    with pytest.raises(ValueError, match="label space has 2 classes, the segmenter 3"):
        save_segmenter(path, Segmenter(replace(NET, num_classes=3)), SPACE)
    save_segmenter(path, Segmenter(NET), SPACE)
    tensors, facts = checkpoint.load(path)
    wide = {"labels": {"names": ["a", "b", "c"], "colors": [[0, 0, 0], [1, 1, 1], [2, 2, 2]], "ignore_index": 255}}
    checkpoint.save(path, tensors, facts | wide)
    with pytest.raises(CheckpointError, match="label space has 3 classes, the segmenter 2"):
        load_segmenter(path)


def test_a_segmenter_of_numbers_that_are_none(tmp_path):
    path, segmenter = tmp_path / "s", Segmenter(NET)
    save_segmenter(path, segmenter, SPACE)
    tensors, facts = checkpoint.load(path)
    name = next(k for k, v in tensors.items() if v.is_floating_point())
    tensors[name].view(-1)[3] = float("nan")
    checkpoint.save(path, tensors, facts)
    with pytest.raises(CheckpointError, match=f"s: {name} holds values that are no finite numbers"):
        load_segmenter(path)
    own = name.removeprefix("segmenter.")
    segmenter.state_dict()[own].view(-1)[3] = 1e5  # more than half precision holds
    save_segmenter(path, segmenter, SPACE)
    assert torch.equal(load_segmenter(path)[0].state_dict()[own], segmenter.state_dict()[own])


def test_pairs_that_do_not_fit_are_refused_before_training():
    images, layouts = two_colours(4)
    with pytest.raises(ValueError, match="load both at one size"):
        training(pairs=(images, layouts[:, :8]))
    with pytest.raises(ValueError, match=r"expected torch\.uint8"):
        training(pairs=(images, layouts.long()))
    with pytest.raises(ValueError, match="one of them is None"):
        training(pairs=(images, None))
    with pytest.raises(ValueError, match="no pairs to train on"):
        training(pairs=(None, None))
    floats = training(pairs=(as_float(images), layouts))
    assert torch.equal(floats._pictures, images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": "vgg"}, "choose one of 'resnet101', 'light'"),
        ({"output_stride": 16}, r"output_stride=16 of 'light': choose one of \(2, 4, 8\)"),
        ({"num_classes": 300}, "choose 1 to 255"),
        ({"feature_channels": 99}, "feature_channels=99"),
    ],
)
def test_impossible_networks_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(NET, **change)


def test_impossible_trainings_are_refused():
    for change, message in (
        ({"optimizer": "lion"}, "'sgd' or 'adam'"),
        ({"batch_size": 1}, "2 pairs"),
        ({"noise": -1}, "0 or"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(SETTINGS, **change)


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="no weights of torchvision's"):
        Segmenter(NET).load_backbone({"conv1.weight": torch.zeros(64, 3, 7, 7)})
