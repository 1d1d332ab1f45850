"""cIMLE: its generator, the distances that it compares by hand, which candidate is kept, and stopping and going on."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from test_image_training import pairs

from sempal_lib.image_gans import CascadeGenerator, CascadeSettings, perceptual_features, with_pixels
from sempal_lib.labels import one_hot
from sempal_lib.losses import perceptual_distances, perceptual_loss
from sempal_lib.parameters import resolve
from sempal_lib.training import CimleTraining, CimleTrainingSettings, cimle_eye, cimle_training, scene_set, train_styles
from sempal_lib.training.cimle import cimle_settings

SIZE = 16
SMALL = CascadeSettings(3, SIZE, SIZE, (16, 8), noise=2, hidden=6)
TRAINING = CimleTrainingSettings(
    batch_size=2, steps=8, epochs=4, scenes=5, candidates=3, restart=0, learning_rate=1e-3, search_batch=2,
    report_steps=1,
)  # fmt: skip


def features():
    return with_pixels(perceptual_features(lambda x: [F.avg_pool2d(x, 4)], weights=[2.0]))


def run_of(changes=None, data=None, **kwargs):
    torch.manual_seed(0)
    images, layouts = pairs() if data is None else data
    return CimleTraining(
        CascadeGenerator(SMALL), images, layouts, replace(TRAINING, **(changes or {})), features(), **kwargs
    )


def weights(run):
    return {f"{n}.{k}": v.clone() for n, net in run.networks.items() for k, v in net.state_dict().items()}


# Distances


def test_distances_by_hand():
    real, fake = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    fake[0, 0, 0, 0], fake[1] = 12.0, -1.0
    coarse = [torch.zeros(2, 1, 1, 1), torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)]
    mask = torch.tensor([[[0.5, 0.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]])
    plain = perceptual_distances([fake, coarse[1]], [real, coarse[0]], (1.0, 2.0))
    assert plain.tolist() == pytest.approx([12 / 12 + 2, 1 + 6])
    masked = perceptual_distances([fake, coarse[1]], [real, coarse[0]], (1.0, 2.0), mask)
    assert masked.tolist() == pytest.approx([6 / 12 + 2 * 0.125, 0.5 + 2 * 0.5 * 3])


def test_without_a_mask_the_mean_distance_is_the_perceptual_loss():
    real, fake = ([torch.randn(3, c, s, s) for c, s in ((2, 8), (4, 4))] for _ in range(2))
    expected = perceptual_loss(fake, real, (0.5, 1.0))
    torch.testing.assert_close(perceptual_distances(fake, real, (0.5, 1.0)).mean(), expected)
    with pytest.raises(ValueError, match="weights has 1 entries, expected 2"):
        perceptual_distances(fake, real, (1.0,))


def test_pixels_come_first():
    found = features()
    images = torch.rand(1, 3, 8, 8)
    assert torch.equal(found(images)[0], images)
    assert (len(found(images)), found.weights, found.name) == (2, (1.0, 2.0), "segmenter")


# Generator


def test_the_authors_network():
    settings = CascadeSettings.gta5()
    with torch.device("meta"):
        generator = CascadeGenerator(settings)
    assert generator.noise_dim == 10 * 256 * 512
    sizes = [256 >> (6 - i) for i in range(7)]
    assert sizes[0] == 4
    befores = [30, *(w + 30 for w in settings.widths[:-1])]
    count = sum(9 * (a + b) * b + 2 * b + 4 * b for a, b in zip(befores, settings.widths, strict=True))
    count += 512 * 3 + 3 + (30 * 9 * 100 + 100) + (100 * 9 * 100 + 100) + (100 * 10 + 10)
    assert sum(p.numel() for p in generator.parameters()) == count


def test_a_cascade_against_one_module_after_the_other():
    torch.manual_seed(0)
    generator, layouts = CascadeGenerator(SMALL), pairs()[1][:2].long()
    z = torch.randn(2, generator.noise_dim)
    fine = torch.cat([one_hot(layouts, 3), z.view(2, 2, SIZE, SIZE)], 1)
    fine = torch.cat([one_hot(layouts, 3), generator.noise_encoder(fine)], 1)
    coarse = F.interpolate(fine, (8, 8), mode="area")
    x = coarse
    for number, told in enumerate((None, fine)):
        if told is not None:
            x = torch.cat([F.interpolate(x, (SIZE, SIZE), mode="bilinear"), told], 1)
        for conv, norm in ((0, 1), (3, 4)):
            y = generator.stages[number][conv](x)
            mean, deviation = y.mean((1, 2, 3), keepdim=True), y.var((1, 2, 3), keepdim=True, correction=0)
            weight = generator.stages[number][norm].weight.view(1, -1, 1, 1)
            x = F.leaky_relu((y - mean) / (deviation + 1e-5).sqrt() * weight, 0.2)
    torch.testing.assert_close(generator(layouts, z), generator.last(x).tanh(), atol=1e-5, rtol=1e-4)


def test_noise_makes_different_pictures_from_the_first_step_on():
    torch.manual_seed(0)
    generator, layouts = CascadeGenerator(SMALL), pairs()[1][:2]
    made = [generator.generate(layouts, seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(made[0], made[1])
    assert (made[0] - made[2]).abs().mean() > 0.01
    assert generator.latents is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(SMALL, height=15), "with 2 modules choose multiples of 2"),
        (lambda: replace(SMALL, num_classes=0), "choose 1 to 255"),
        (lambda: replace(TRAINING, candidates=0), "choose at least 1 each"),
        (lambda: replace(TRAINING, epochs=9), "choose 1 to 8 epochs"),
        (lambda: replace(TRAINING, restart=4), "a restart before the last begins"),
    ],
)
def test_impossible_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Training


def test_the_nearest_candidate_is_kept():
    run = run_of()
    before = run.generator.state_dict()
    before = {k: v.clone() for k, v in before.items()}
    run._train_step()
    run.generator.load_state_dict(before)  # as it was when they were compared
    images, layouts = pairs()
    for place, scene in enumerate(run.chosen.scenes.tolist()):
        image, layout = images[scene : scene + 1] / 127.5 - 1, layouts[scene : scene + 1]
        part, within = divmod(place, 2)
        candidates = run._candidates(part, min(2, 5 - 2 * part))[:, within]
        fakes = [run.generator(layout, z[None]).detach() for z in candidates]
        apart = [
            float((x - image).abs().mean() + 2 * (F.avg_pool2d(x, 4) - F.avg_pool2d(image, 4)).abs().mean())
            for x in fakes
        ]
        assert apart.index(min(apart)) == run.chosen.nearest[place]
        assert torch.equal(run._noise[place], candidates[run.chosen.nearest[place]])


def test_an_epoch_has_its_own_scenes_and_noise():
    run, seen = run_of({"rebalance": False, "scenes": 12}), []
    for _ in range(8):
        run._train_step()
        seen.append((run.chosen.scenes.clone(), run._noise.clone(), run._candidates(0, 2)))
        run.step += 1
    for part in range(3):
        alike = [torch.equal(a[part], b[part]) for a, b in pairwise(seen)]
        assert alike == [True, False, True, False, True, False, True]  # two steps an epoch


@pytest.mark.parametrize("stop", [3, 4])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(stop, tmp_path):
    """In the middle of an epoch, whose noise is drawn again, and where one ends."""
    changes = {"ema_images": 8, "restart": 2, "checkpoint_seconds": 0.0}
    whole, path = run_of(changes), tmp_path / "checkpoint.safetensors"
    list(whole)
    for report in run_of(changes, checkpoint_path=path):
        if report.step == stop:
            break
    again = run_of(changes, checkpoint_path=path)
    assert again.step == stop
    list(again)
    assert again.history[-1]["distance"] == whole.history[-1]["distance"]
    for name, value in weights(whole).items():
        assert torch.equal(weights(again)[name], value), name


def test_the_greatest_seed_is_one():
    run_of({"seed": 2**32 - 1, "rebalance": False})._train_step()


def test_a_restart_draws_the_noise_encoder_anew_and_slows_down():
    run, rates, first = run_of({"restart": 2}), [], []
    for _ in run:
        rates.append(run.optimizers["g"].param_groups[0]["lr"])
        first.append(run.generator.noise_encoder[0].weight.detach().clone())
    assert rates == pytest.approx([1e-3] * 4 + [1e-4] * 4)
    moved = [float((a - b).abs().max()) for a, b in pairwise(first)]
    assert moved[3] > 10 * max(moved[:3] + moved[4:])


def test_rare_looks_are_drawn_more_often_and_count_more():
    """Class 0 is grey in most scenes and red in three of 99, which hold 15 % of its rarity; class 1 varies more."""
    random = torch.Generator().manual_seed(0)
    images = 100 + torch.randint(0, 20, (99, 3, SIZE, SIZE), generator=random).to(torch.uint8)
    images += torch.randint(0, 20, (99, 3, 1, 1), generator=random).to(torch.uint8)
    images[:3, 0] += 80
    layouts = torch.zeros(99, SIZE, SIZE, dtype=torch.uint8)
    layouts[:, 4:, 4:] = 1
    images[:, :, 4:, 4:] += torch.randint(0, 40, (99, 3, 1, 1), generator=random).to(torch.uint8)
    run = run_of({"scenes": 300, "classes": (0,)}, (images, layouts))
    run._begin_epoch()
    assert (run.chosen.scenes < 3).sum() > 25
    rare, common = run._rarities[50, 1], run._rarities[50, 0]
    assert rare > 2 * common
    mask = run.real(torch.tensor([50]))[2][0]
    assert mask[4:, 4:].eq(1).all()
    torch.testing.assert_close(mask[:4], (common / rare).expand(4, SIZE))
    plain = run_of({"scenes": 300, "rebalance": False}, (images, layouts))
    plain._begin_epoch()
    assert (plain.chosen.scenes < 3).sum() < 20
    assert plain.real(torch.tensor([0, 50]))[2].eq(1).all()


@pytest.mark.parametrize("looks", [1, 2])
def test_noise_learns_to_tell_looks_apart_where_there_are_several(looks):
    """Each layout with its look: noise falls silent. Of two opposite looks of one layout a mean would be far."""
    images, layouts = pairs()
    if looks == 2:
        layouts[:], images[::2] = layouts[:1], 255 - images[::2]
    changes = {
        "steps": 600, "epochs": 10, "scenes": 12, "candidates": 8, "learning_rate": 2e-3, "rebalance": False,
        "search_batch": 12, "report_steps": 60, "batch_size": 4,
    }  # fmt: skip
    run = run_of(changes, (images, layouts))
    losses = [report.losses["distance"] for report in run]
    varied = run.averaged.generate(layouts[:1].expand(16, -1, -1)).std(0).mean()
    assert losses[-1] < 0.7 * losses[0]
    assert varied < 0.05 if looks == 1 else varied > 0.2


def test_bad_input():
    images, layouts = pairs()
    with pytest.raises(ValueError, match=r"expected torch\.uint8"):
        run_of(data=(images, layouts.long()))
    with pytest.raises(ValueError, match=r"images have shape \[11"):
        run_of(data=(images[:11], layouts))
    with pytest.raises(ValueError, match=r"classes \[1\] have no rarity"):
        list(run_of({"classes": (1,)}))


# From parameters


def test_from_parameters_to_pictures(tmp_path):
    p = resolve("12_class_layer_vae", {"preset": "smoke", "device": "cpu", "system": "cimle"})
    data, path = scene_set(p), tmp_path / "checkpoint.safetensors"
    run = train_styles(p, data, path)
    assert isinstance(run, CimleTraining)
    assert (run.step, run.settings.epochs, run.settings.scenes) == (p.steps, 2, 8)
    assert run.perceptual.weights[0] == 1
    assert run.averaged.generate(data.held_out[:2]).shape == (2, 3, *data.size)
    assert cimle_training(p, data, cimle_eye(p), path).step == p.steps
    paper = cimle_settings(resolve("12_class_layer_vae", {"preset": "paper", "steps": 160_000, "batch_size": 1}))
    free = {name: getattr(paper, name) for name in ("ema_images", "channels_last", "checkpoint_seconds")}
    assert paper == CimleTrainingSettings(**free)
