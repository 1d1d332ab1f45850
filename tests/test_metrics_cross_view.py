"""Metrics of cross-view pairs: values by hand, a slow plain version, and what they tell apart."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from sempal_lib.metrics import cross_view as metrics
from sempal_lib.worlds import ToyCrossview


@pytest.fixture(scope="module")
def towns():
    scenes = ToyCrossview(size=(32, 32), length=24)
    return torch.stack([scenes[i]["image"] for i in range(24)])


def pictures(count=3, size=20, seed=0):
    return torch.rand(count, 3, size, size + 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def grey(image):
    return 255 * ((image + 1) / 2 * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(0).double().numpy()


def test_ssim_is_the_plain_one():
    real, fake = pictures(), pictures(seed=1)
    away = np.arange(11) - 5
    window = np.exp(-(away[:, None] ** 2 + away**2) / (2 * 1.5**2))
    window /= window.sum()
    for a, b, found in zip(real, fake, metrics.ssim(real, fake), strict=True):
        x, y = grey(a), grey(b)
        mx, my, xx, yy, xy = (convolve2d(z, window, mode="full") for z in (x, y, x * x, y * y, x * y))
        c, d = 2.55**2, 7.65**2
        plain = (2 * mx * my + c) * (2 * (xy - mx * my) + d)
        plain /= (mx**2 + my**2 + c) * (xx - mx**2 + yy - my**2 + d)
        assert plain.shape == (30, 34)
        assert found.item() == pytest.approx(plain.mean(), abs=1e-4)
    assert metrics.ssim(real, real) == pytest.approx(torch.ones(3))


def test_ssim_within_the_borders_is_that_of_torchmetrics():
    real, fake = pictures(), pictures(seed=1)
    x, y = (torch.stack([torch.from_numpy(grey(image))[None] for image in images]).float() for images in (real, fake))
    _, places = structural_similarity_index_measure(
        x, y, data_range=255.0, reduction="none", return_full_image=True
    )  # it reflects the picture at its borders, and counts those places
    inner = places[..., 5:-5, 5:-5].mean((1, 2, 3))
    torch.testing.assert_close(metrics.ssim(real, fake, full=False), inner, atol=1e-4, rtol=1e-3)


def test_psnr_by_hand_and_by_torchmetrics():
    real = torch.zeros(2, 3, 4, 4)
    fake = real.clone()
    fake[1] += 0.2  # 0.1 of the range: 20 dB
    assert metrics.psnr(real, fake)[1].item() == pytest.approx(20, abs=1e-4)
    assert metrics.TABLE_OFFSET == pytest.approx(5.987, abs=5e-4)
    assert metrics.psnr(real, fake)[0].item() == pytest.approx(10 * math.log10(255**2 / 1e-4) - 5.987, abs=1e-3)
    real, fake = pictures(), pictures(seed=1)
    theirs = [peak_signal_noise_ratio(f, r, data_range=2.0).item() for r, f in zip(real, fake, strict=True)]
    assert metrics.psnr(real, fake).tolist() == pytest.approx(theirs, abs=1e-4)


def test_sharpness_difference_is_the_plain_one():
    real, fake = pictures(2, 6), pictures(2, 6, seed=1)
    for a, b, found in zip((real + 1) / 2, (fake + 1) / 2, metrics.sharpness_difference(real, fake), strict=True):
        total, (channels, high, wide) = 0.0, a.shape
        for c in range(channels):
            for y in range(1, high - 1):
                for x in range(1, wide - 1):
                    for dy, dx in ((1, 0), (0, 1)):
                        one, two = (abs(p[c, y, x] - p[c, y - dy, x - dx]) for p in (a, b))
                        total += abs(one - two).item()
        expected = 10 * math.log10(255**2 / (128**2 * total / a.numel()))
        assert found.item() == pytest.approx(expected, abs=1e-3)


def test_inception_score_by_hand():
    two = torch.tensor([[1.0, 0], [0, 1]])
    assert metrics.inception_score(two) == pytest.approx(2)
    assert metrics.inception_score(torch.full((4, 2), 0.5)) == pytest.approx(1)
    p = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    kept = np.array([[0.6, 1e-9, 1e-9], [1e-9, 0.7, 1e-9]])
    by_hand = math.exp((kept * np.log(kept / kept.mean(0))).sum(1).mean())
    assert metrics.inception_score(p, top=1) == pytest.approx(by_hand, rel=1e-6)
    assert by_hand == pytest.approx(math.exp((0.6 * math.log(2) + 0.7 * math.log(2)) / 2), rel=1e-5)


def test_accuracy_by_hand():
    real = torch.tensor([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.1, 0.2, 0.7]])
    fake = torch.tensor([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2], [0.5, 0.3, 0.2]])
    assert metrics.scene_accuracy(real, fake) == (pytest.approx(1 / 3), pytest.approx(1 / 2), 2)
    assert metrics.scene_accuracy(real, fake, top=2) == (pytest.approx(2 / 3), pytest.approx(1 / 2), 2)
    unsure = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).expand(2, 4)
    share, sure, count = metrics.scene_accuracy(unsure, unsure)
    assert (share, count) == (1, 0)
    assert math.isnan(sure)


def test_kl_score_by_hand():
    real, fake = torch.tensor([[0.5, 0.5], [0.5, 0.5]]), torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    score, spread = metrics.kl_score(real, fake)
    assert score == pytest.approx(math.exp(math.log(2) / 2), rel=1e-6)  # of the generated one from the real one
    assert spread == pytest.approx(math.log(2) / 2, rel=1e-6)


def test_pixels_tell_real_shuffled_and_untrained_apart(towns):
    torch.manual_seed(0)
    near = (towns + 0.05 * torch.randn_like(towns)).clamp(-1, 1)
    untrained = 0.1 * torch.randn_like(towns).clamp(-1, 1)
    found = [metrics.evaluate_pixels(towns, x) for x in (towns, near, towns.roll(1, 0), untrained)]
    for name in ("ssim", "psnr", "psnr_table"):
        values = [one[name][0] for one in found]
        assert values[0] > values[1] > max(values[2:]), name
    assert found[0]["sharpness_difference"][0] > found[2]["sharpness_difference"][0]
    assert all(count == 24 for one in found for _, count in one.values())


def test_kinds_tell_real_shuffled_and_untrained_apart():
    p = torch.nn.functional.one_hot(torch.arange(40) % 10, 10).float() * 0.9 + 0.01
    flat = torch.full((40, 10), 0.1)
    real, shuffled, untrained = (metrics.evaluate_kinds(p, x) for x in (p, p.roll(1, 0), flat))
    assert real["scene_accuracy_top1"] == real["scene_accuracy_top1_sure"] == (1, 40)
    assert shuffled["scene_accuracy_top1"] == (0, 40)
    assert real["inception_score"][0] == pytest.approx(shuffled["inception_score"][0])
    assert untrained["inception_score"][0] == pytest.approx(1)
    assert real["kl_score"][0] == pytest.approx(1)
    assert shuffled["kl_score"][0] > untrained["kl_score"][0] > 1.5


def test_what_is_refused():
    with pytest.raises(ValueError, match="differ: give pairs of one size"):
        metrics.psnr(pictures(), pictures(2))
    with pytest.raises(ValueError, match=r"expected \[-1, 1\]"):
        metrics.ssim(pictures(), 9 * pictures())
    with pytest.raises(ValueError, match=r"are no probabilities of 5 or more kinds"):
        metrics.inception_score(torch.full((4, 2), 0.5), top=5)
    with pytest.raises(ValueError, match="take a softmax"):
        metrics.kl_score(torch.ones(2, 3), torch.ones(2, 3))
