"""How SemGAN and its twin are measured."""

import pytest
import torch

from sempal_lib import datasets, metrics
from sempal_lib.layout_gans import SemganGenerator, SemganSettings


@pytest.fixture(scope="module")
def shapes():
    return datasets.load("colored-shapes", limit=64)


@pytest.fixture(scope="module")
def layouts(shapes):
    return shapes.layouts()


def test_painted_layouts_are_the_data_sets_own_pictures(shapes, layouts):
    pictures = metrics.painted(layouts[:3], shapes.label_space)
    torch.testing.assert_close(pictures, torch.stack([shapes[i]["image"] for i in range(3)]))


def test_pictures_of_the_training_set_are_nearest_to_it(shapes, layouts):
    space = shapes.label_space
    same = metrics.evaluate_pictures(layouts.long()[:32], layouts, space)
    noisy = torch.where(
        torch.rand(32, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.1, 3, layouts.long()[:32]
    )
    worse = metrics.evaluate_pictures(noisy, layouts, space)
    assert set(same) == {"swd_64", "swd_32", "swd_16", "swd_mean", "ms_ssim"}  # no weights, no FID
    assert all(count == 32 for _, count in same.values())
    assert same["swd_mean"][0] < worse["swd_mean"][0]
    assert same["swd_64"][0] < worse["swd_64"][0]
    as_picture = metrics.evaluate_pictures(metrics.painted(layouts[:32], space), layouts, space)
    assert as_picture == same


def test_too_few_real_layouts(shapes, layouts):
    with pytest.raises(ValueError, match=r"colored-shapes, SWD .*: 65 samples are asked for but there are only 64"):
        metrics.evaluate_pictures(torch.zeros(65, 64, 64).long(), layouts, shapes.label_space, "colored-shapes")


def test_a_size_that_the_pyramid_cannot_halve(shapes):
    odd = torch.zeros(4, 33, 33, dtype=torch.uint8)
    with pytest.raises(ValueError, match="33"):
        metrics.evaluate_pictures(odd.long(), odd, shapes.label_space)


def test_strays_of_layouts_and_of_pictures(shapes, layouts):
    space = shapes.label_space
    clean = metrics.evaluate_shapes(layouts[:8].long(), space)
    assert clean["stray_pixels"] == clean["stray_pixels_snapped"] == clean["off_colour"] == (0.0, 8)
    assert clean["circle_form"] == (1.0, 8)
    pictures = metrics.painted(layouts[:8], space)
    assert metrics.evaluate_shapes(pictures, space) == clean
    pictures[0, :, 0, 0] = torch.tensor([-0.7, -1.0, -1.0])  # 38 of 255 red: dark, still nearest to the black
    found = metrics.evaluate_shapes(pictures, space)
    assert found["stray_pixels_snapped"] == (0.0, 8)
    assert found["off_colour"][0] == found["stray_pixels"][0] == pytest.approx(1 / (8 * 64 * 64))


def test_shapes_are_those_of_the_report(shapes, layouts):
    spoilt = torch.where(torch.rand(layouts.shape, generator=torch.Generator().manual_seed(0)) < 0.1, 3, layouts.long())
    found = {metric: value for metric, (value, _) in metrics.evaluate_shapes(spoilt, shapes.label_space).items()}
    assert found.pop("stray_pixels") == found["stray_pixels_snapped"] > 0.05
    assert found.pop("off_colour") == 0
    found["stray_pixels"] = found.pop("stray_pixels_snapped")
    assert found == metrics.shape_report(spoilt) == metrics.shape_report(spoilt, metrics.nearest_scene(spoilt))


def test_samples_of_fixed_noise():
    generator = SemganGenerator(
        SemganSettings(3, 8, latent_dim=4, kernel_size=3, max_channels=8, min_channels=4)
    ).eval()
    assert torch.equal(metrics.sample(generator, 5, seed=1), metrics.sample(generator, 5, seed=1))
    assert not torch.equal(metrics.sample(generator, 5, seed=1), metrics.sample(generator, 5, seed=2))


def test_ignored_pixels_of_real_layouts_count_for_nothing(shapes, layouts):
    holed = layouts.clone()
    holed[:, :16] = 255
    made = layouts[torch.randperm(64, generator=torch.Generator().manual_seed(0))[:32]].long()  # the very ones compared
    found = metrics.evaluate_pictures(made, holed, shapes.label_space)
    assert found["swd_mean"][0] == 0


def test_a_judge_of_painted_layouts(shapes, layouts, tmp_path):
    """It learns, its distance sees missing shapes, and it is stopped and taken up again."""
    from sempal_lib import training
    from sempal_lib.parameters import resolve

    p = resolve("03_semgan", {"preset": "smoke", "device": "cpu", "judge_steps": 40, "samples": 32})
    data = training.semgan_data(p)
    judge = training.train_judge(p, data, tmp_path / "judge.safetensors")
    again = training.judge_training(p, data, tmp_path / "judge.safetensors")
    assert again.step == 40
    a, b, space = data.layouts[:32].long(), data.layouts[32:].long(), data.label_space
    distances = [metrics.fd_seg(*(metrics.painted(x, space) for x in (a, other)), judge) for other in (a, b, b * 0)]
    assert distances[0] < 1e-3 < distances[1] < distances[2]
    found = metrics.evaluate_pictures(b, data.layouts, space, segmenter=judge)
    assert found["fd_seg"][0] >= 0
    assert training.train_judge(p.model_copy(update={"judge_steps": 0}), data) is None
