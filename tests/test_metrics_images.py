"""Metrics of pictures against slow plain versions, hand-made values and what must hold for any picture."""

import hashlib
import math

import numpy as np
import pytest
import torch

from sempal_lib import metrics
from sempal_lib.files import UntrustedFile
from sempal_lib.metrics import images as module


def pictures(n, height=32, width=32, seed=0):
    """Smooth random pictures in [-1, 1]: coarse noise, enlarged, plus a little fine noise."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, height // 8, width // 8, generator=random)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return (1.6 * smooth - 0.8 + 0.2 * (torch.rand(n, 3, height, width, generator=random) - 0.5)).clamp(-1, 1)


def noisy(images, amount, seed=9):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return (images + amount * noise).clamp(-1, 1)


# Pyramid


def mirror(index, length):
    """Index reflected at the borders without doubling them: -1 is 1, length is length - 2."""
    index = abs(index)
    return index if index < length else 2 * (length - 1) - index


def plain_blur(plane):
    taps = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16]
    height, width = plane.shape
    rows = np.zeros_like(plane)
    for y in range(height):
        for d in range(-2, 3):
            rows[y] += taps[d + 2] * plane[mirror(y + d, height)]
    out = np.zeros_like(plane)
    for x in range(width):
        for d in range(-2, 3):
            out[:, x] += taps[d + 2] * rows[:, mirror(x + d, width)]
    return out


def plain_pyramid(plane, levels):
    """One plane in float64, fine to coarse."""
    bands = []
    for _ in range(levels - 1):
        coarse = plain_blur(plane)[::2, ::2]
        spread = np.zeros_like(plane)
        spread[::2, ::2] = 4 * coarse
        bands.append(plane - plain_blur(spread))
        plane = coarse
    return [*bands, plane]


def test_pyramid_against_a_loop():
    x = pictures(2, 16, 32)
    ours = metrics.laplacian_pyramid(x, 3)
    assert [list(level.shape) for level in ours] == [[2, 3, 16, 32], [2, 3, 8, 16], [2, 3, 4, 8]]
    for n in range(2):
        for c in range(3):
            for level, plain in zip(ours, plain_pyramid(x[n, c].double().numpy(), 3), strict=True):
                np.testing.assert_allclose(level[n, c], plain, atol=1e-6)


def test_pyramid_of_a_flat_picture_is_flat_and_empty_but_for_the_rest():
    *bands, rest = metrics.laplacian_pyramid(torch.full((1, 3, 32, 32), 0.3), 3)
    assert max(band.abs().max() for band in bands) < 1e-6
    assert torch.allclose(rest, torch.tensor(0.3))
    whole = pictures(1)
    assert metrics.laplacian_pyramid(whole, 1) == [whole]


@pytest.mark.parametrize(("height", "levels"), [(30, 3), (8, 4), (16, 0)])
def test_pyramid_names_the_sizes_that_would_do(height, levels):
    with pytest.raises(ValueError, match=r"cannot make a pyramid|must be"):
        metrics.laplacian_pyramid(torch.zeros(1, 3, height, 32), levels)


# Sliced Wasserstein distance


def plain_swd(real, fake, patches, projections, lowest, seed):
    random = torch.Generator().manual_seed(seed)
    count, _, height, width = real.shape
    levels = 1
    while min(height, width) / 2**levels >= lowest:
        levels += 1
    pyramids = [
        [[plain_pyramid(image[c].astype(np.float64), levels) for c in range(3)] for image in x.numpy()]
        for x in (real, fake)
    ]
    found = {}
    for level in range(levels):
        top, left = module._patch_places(count, patches, height >> level, width >> level, random)
        sets = []
        for pyramid in pyramids:
            rows = []
            for n in range(count):
                for p in range(patches):
                    y, x = int(top[n, p]), int(left[n, p])
                    rows.append([pyramid[n][c][level][y : y + 7, x : x + 7] for c in range(3)])
            rows = np.array(rows)
            for c in range(3):
                rows[:, c] = (rows[:, c] - rows[:, c].mean()) / rows[:, c].std()
            sets.append(rows.reshape(len(rows), -1))
        total = 0.0
        for direction in module._directions(projections, random).double().numpy():
            a, b = (sorted(float(row @ direction) for row in rows) for rows in sets)
            total += sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(a)
        found[height >> level] = 1000 * total / projections
    return found


@pytest.mark.parametrize("size", [(32, 32), (16, 32)])
def test_swd_against_a_loop(size):
    real, fake = pictures(5, *size), pictures(5, *size, seed=1)
    ours = metrics.sliced_wasserstein_distance(real, fake, patches=9, projections=11, lowest=8, seed=3)
    plain = plain_swd(real, fake, patches=9, projections=11, lowest=8, seed=3)
    assert list(ours) == list(plain) == ([32, 16, 8] if size[0] == 32 else [16, 8])
    for height, value in plain.items():
        assert ours[height] == pytest.approx(value, rel=1e-5)


def test_swd_by_hand(monkeypatch):
    # Along one axis of the space of patches: pixels at a patch's corner, red. Half of the first set's pictures are
    # white there and half black, a quarter of the second's: after normalisation ±1 against -1/√3 (3 of 4), √3 (1).
    monkeypatch.setattr(module, "_directions", lambda count, random: torch.eye(147)[:count])
    real, fake = -torch.ones(4, 3, 8, 8), -torch.ones(4, 3, 8, 8)
    real[:2], fake[:1] = 1, 1
    value = metrics.sliced_wasserstein_distance(real, fake, patches=5, projections=1, lowest=8)[8]
    a, b = (-1, -1, 1, 1), (-1 / math.sqrt(3), -1 / math.sqrt(3), -1 / math.sqrt(3), math.sqrt(3))
    assert value == pytest.approx(1000 * sum(abs(x - y) for x, y in zip(a, b, strict=True)) / 4, rel=1e-5)


def test_swd_of_equal_sets_is_exactly_zero():
    x = pictures(6, 64, 64)
    found = metrics.sliced_wasserstein_distance(x, x.clone(), patches=16, projections=32)
    assert found == {64: 0.0, 32: 0.0, 16: 0.0}


def test_swd_grows_with_noise_and_most_at_the_finest_level():
    x = pictures(16, 64, 64)
    amounts = (0.02, 0.08, 0.2, 0.5)
    found = [metrics.sliced_wasserstein_distance(x, noisy(x, a), patches=32, projections=64) for a in amounts]
    for height in (64, 32, 16):
        values = [one[height] for one in found]
        assert values == sorted(values)
        assert values[0] > 0
    assert found[-1][64] > found[-1][16]


def test_swd_does_not_hang_on_the_chunks(monkeypatch):
    real, fake = pictures(4, 16, 16), pictures(4, 16, 16, seed=1)
    whole = metrics.sliced_wasserstein_distance(real, fake, patches=8, projections=20, seed=2)[16]
    sizes, sort = [], module._sorted_rows
    monkeypatch.setattr(module, "_sorted_rows", lambda values: sizes.append(len(values)) or sort(values))
    monkeypatch.setattr(module, "CHUNK", 4 * 8 * 16)  # 16 of the directions at once, with a rest of 4
    parts = metrics.sliced_wasserstein_distance(real, fake, patches=8, projections=20, seed=2)[16]
    assert parts == pytest.approx(whole, rel=1e-6)
    assert sizes == [16, 16, 4, 4]


def test_patches_lie_anywhere_inside_and_directions_have_length_one():
    random = torch.Generator().manual_seed(0)
    top, left = module._patch_places(50, 40, 16, 32, random)
    assert sorted(set(top.flatten().tolist())) == list(range(10))  # 7 px from row 9 on end at the last row
    assert sorted(set(left.flatten().tolist())) == list(range(26))
    directions = module._directions(4000, random)
    assert torch.allclose(directions.norm(dim=1), torch.tensor(1.0), atol=1e-6)
    assert directions.mean(0).abs().max() < 0.01
    assert torch.allclose(directions.square().mean(0), torch.tensor(1 / 147), rtol=0.15)


def test_swd_is_symmetric_and_repeats_with_its_seed():
    a, b = pictures(6), pictures(6, seed=1)
    settings = {"patches": 16, "projections": 32}
    first = metrics.sliced_wasserstein_distance(a, b, **settings)
    assert first == metrics.sliced_wasserstein_distance(a, b, **settings)
    assert first == pytest.approx(metrics.sliced_wasserstein_distance(b, a, **settings))
    assert first != metrics.sliced_wasserstein_distance(a, b, **settings, seed=1)


@pytest.mark.parametrize("value", [-1.0, 0.3])
def test_swd_bears_a_constant_channel(value):
    a, b = pictures(6), pictures(6, seed=1)
    a[:, 2], b[:, 2] = value, value
    found = metrics.sliced_wasserstein_distance(a, b, patches=16, projections=32)
    assert all(math.isfinite(x) and x > 0 for x in found.values())
    flat = torch.full((4, 3, 32, 32), value)
    # Rounding noise of a flat picture is not blown up to standard deviation 1.
    assert max(metrics.sliced_wasserstein_distance(flat, flat.clone(), patches=4, projections=8).values()) == 0
    other = metrics.sliced_wasserstein_distance(flat, torch.full_like(flat, 0.1), patches=4, projections=8)
    assert max(other.values()) < 1e-2


def test_swd_names_of_the_records():
    assert metrics.swd_record({64: 1.0, 32: 2.0, 16: 6.0}) == {"swd_64": 1, "swd_32": 2, "swd_16": 6, "swd_mean": 3}


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (torch.zeros(4, 3, 32, 32), torch.zeros(3, 3, 32, 32), r"4 real and 3 generated.*same number.* 3 "),
        (torch.zeros(4, 3, 32, 32), torch.zeros(4, 3, 16, 16), r"32×32 px and generated ones of 16×16"),
        (torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32), r"at least 2"),
        (torch.zeros(2, 3, 70, 70), torch.zeros(2, 3, 70, 70), r"70×70.*multiples of 4.*72×72"),
        (torch.zeros(2, 3, 8, 32), torch.zeros(2, 3, 8, 32), r"8×32 px are smaller than the coarsest level, 16"),
        (
            torch.zeros(2, 3, 32, 32),
            torch.full((2, 3, 32, 32), 255.0),
            r"generated pictures have values from 255 to 255",
        ),
        (torch.zeros(2, 3, 32, 32), torch.full((2, 3, 32, 32), math.nan), r"have values from nan"),
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.zeros(2, 3, 32, 32), r"dividing by 127.5"),
        (torch.zeros(2, 1, 32, 32), torch.zeros(2, 1, 32, 32), r"\[N, 3, H, W\]"),
    ],
)
def test_swd_errors_name_cause_and_remedy(real, fake, message):
    with pytest.raises(ValueError, match=message):
        metrics.sliced_wasserstein_distance(real, fake)


def test_swd_refuses_impossible_settings():
    x = pictures(2)
    with pytest.raises(ValueError, match="a patch has 7"):
        metrics.sliced_wasserstein_distance(x, x, lowest=4)
    with pytest.raises(ValueError, match="at least 1"):
        metrics.sliced_wasserstein_distance(x, x, projections=0)


# MS-SSIM


def plain_ms_ssim(a, b, scales):
    """One pair of pictures in float64: window by window."""
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    weights /= weights.sum()
    at = np.arange(-5, 6)
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    result = 1.0
    for scale in range(scales):
        similarities, contrasts = [], []
        for x, y in zip(a, b, strict=True):
            height, width = x.shape
            padded = [np.pad(plane, 5, mode="reflect") for plane in (x, y)]
            for i in range(height):
                for j in range(width):
                    u, v = (plane[i : i + 11, j : j + 11] for plane in padded)
                    mean_u, mean_v = (window * u).sum(), (window * v).sum()
                    var_u, var_v = (window * (u - mean_u) ** 2).sum(), (window * (v - mean_v) ** 2).sum()
                    cov = (window * (u - mean_u) * (v - mean_v)).sum()
                    contrast = (2 * cov + c2) / (var_u + var_v + c2)
                    similarities.append(contrast * (2 * mean_u * mean_v + c1) / (mean_u**2 + mean_v**2 + c1))
                    if 5 <= i < height - 5 and 5 <= j < width - 5:
                        contrasts.append(contrast)
        term = np.mean(similarities if scale == scales - 1 else contrasts)
        result *= max(term, 0) ** weights[scale]
        height, width = height // 2 * 2, width // 2 * 2
        a, b = (
            np.array([p[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for p in planes])
            for planes in (a, b)
        )
    return result


@pytest.mark.parametrize(("height", "width", "scales"), [(44, 48, 3), (24, 32, 2)])
def test_ms_ssim_against_a_loop(height, width, scales):
    a = pictures(2, 48, 48)[..., :height, :width]
    b = noisy(a, 0.3)
    assert metrics.ms_ssim_scales(height, width) == scales
    plain = [plain_ms_ssim(x, y, scales) for x, y in zip(a.double().numpy(), b.double().numpy(), strict=True)]
    assert 0.1 < min(plain)
    assert max(plain) < 0.95
    assert metrics.ms_ssim(a, b) == pytest.approx(sum(plain) / 2, rel=1e-5)
    # Without partners the first half is held against the second, and a last odd one has none.
    assert metrics.ms_ssim(torch.cat([a, b])) == pytest.approx(sum(plain) / 2, rel=1e-5)
    assert metrics.ms_ssim(torch.cat([a, b, -a[:1]])) == pytest.approx(sum(plain) / 2, rel=1e-5)


def test_ms_ssim_is_one_for_equal_pictures_and_falls_with_difference():
    x = pictures(10, 64, 64)
    flat = torch.full((2, 3, 64, 64), -1.0)
    assert metrics.ms_ssim(x, x.clone()) == pytest.approx(1, abs=1e-5)
    assert metrics.ms_ssim(flat) == pytest.approx(1, abs=1e-5)
    values = [metrics.ms_ssim(x, noisy(x, amount)) for amount in (0.02, 0.1, 0.3, 0.8)]
    assert values == sorted(values, reverse=True)
    assert values[0] < 1
    # Opposite pictures have negative contrast terms, whose roots would be NaN.
    assert metrics.ms_ssim(x, -x) == 0


def test_ms_ssim_scales_are_those_that_fit():
    sides = {11: 1, 21: 1, 22: 2, 43: 2, 44: 3, 64: 3, 98: 3, 99: 4, 128: 4, 175: 4, 176: 5, 256: 5}
    assert {side: metrics.ms_ssim_scales(side, 300) for side in sides} == sides
    for side in (11, 22, 44, 99, 176):  # and the library agrees that they do
        assert metrics.ms_ssim(torch.zeros(2, 3, side, side)) == pytest.approx(1)


def test_ms_ssim_errors():
    with pytest.raises(ValueError, match="window of MS-SSIM, 11 px"):
        metrics.ms_ssim(torch.zeros(2, 3, 10, 64))
    with pytest.raises(ValueError, match="at least 2"):
        metrics.ms_ssim(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ValueError, match="make no pairs"):
        metrics.ms_ssim(torch.zeros(4, 3, 64, 64), torch.zeros(3, 3, 64, 64))
    with pytest.raises(ValueError, match="the other pictures have values"):
        metrics.ms_ssim(torch.zeros(4, 3, 64, 64), torch.full((4, 3, 64, 64), 2.0))


# FID


class Means(torch.nn.Module):
    """Stands in for Inception: each picture's colour means, and zeros up to the length of its features."""

    def __init__(self, features: int):
        super().__init__()
        self.features = features

    def forward(self, images: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        assert images.dtype == torch.uint8
        assert return_features
        return torch.nn.functional.pad(images.float().mean((2, 3)), (0, self.features - 3))


pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # the file is had in no other form


@pytest.fixture
def network(tmp_path, monkeypatch):
    monkeypatch.delenv("SEMPAL_INCEPTION", raising=False)
    monkeypatch.setattr(module, "INCEPTION_FEATURES", 8)  # the true 2,048 take seconds of linear algebra
    path = tmp_path / "tiny.pt"
    torch.jit.script(Means(8)).save(str(path))
    monkeypatch.setenv("SEMPAL_INCEPTION_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_fid_is_the_frechet_distance_of_the_network_s_features(network, monkeypatch):
    real, fake = pictures(20), pictures(30, seed=1)
    means = [((127.5 * (x + 1)).round().mean((2, 3))) for x in (real, fake)]
    expected = metrics.frechet_distance(*means).item()
    assert expected > 1
    assert metrics.frechet_inception_distance(real, fake, weights=network) == pytest.approx(expected, rel=1e-4)
    monkeypatch.setenv("SEMPAL_INCEPTION", str(network))
    assert metrics.frechet_inception_distance(real, fake) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("given", [None, "nowhere.pt"])
def test_fid_without_weights_says_what_is_needed_and_what_stands_in(given, monkeypatch, tmp_path):
    monkeypatch.delenv("SEMPAL_INCEPTION", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(metrics.FeatureWeightsMissing) as caught:
        metrics.frechet_inception_distance(pictures(2), pictures(2), weights=given)
    for words in ("inception-2015-12-05.pt", "https://", "weights=", "SEMPAL_INCEPTION", "FD-seg", given or "none is"):
        assert words in str(caught.value)


def test_fid_refuses_a_network_with_other_features(network, monkeypatch):
    monkeypatch.setattr(module, "INCEPTION_FEATURES", 2048)
    with pytest.raises(ValueError, match="8 features a picture, FID is defined on 2048"):
        metrics.frechet_inception_distance(pictures(2), pictures(2), weights=network)


@pytest.mark.parametrize("word", ["", "0" * 64])
def test_fid_runs_no_network_that_nobody_vouches_for(network, monkeypatch, word):
    """TorchScript is code. NVIDIA's file is known by its hash, another by the user's word."""
    found = hashlib.sha256(network.read_bytes()).hexdigest()
    monkeypatch.setenv("SEMPAL_INCEPTION_SHA256", word)
    monkeypatch.setattr(torch.jit, "load", lambda *a, **k: pytest.fail("it was loaded"))
    with pytest.raises(UntrustedFile) as caught:
        metrics.frechet_inception_distance(pictures(2), pictures(2), weights=network)
    for text in (str(network), found, word or module.INCEPTION_SHA256, "https://", f"SEMPAL_INCEPTION_SHA256={found}"):
        assert text in str(caught.value)


def test_fid_refuses_a_file_that_is_no_network(network, monkeypatch):
    network.write_bytes(b"not a network")
    monkeypatch.setenv("SEMPAL_INCEPTION_SHA256", hashlib.sha256(b"not a network").hexdigest())
    with pytest.raises(ValueError, match=r"tiny\.pt is not .* TorchScript"):
        metrics.frechet_inception_distance(pictures(2), pictures(2), weights=network)


def test_too_few_samples_are_named_with_the_remedy():
    metrics.check_sample_count(500, 500, "camvid (val), SWD")
    with pytest.raises(
        ValueError, match=r"camvid \(val\), SWD: 500 .* only 101: lower `samples` to 101 .* more scenes"
    ):
        metrics.check_sample_count(101, 500, "camvid (val), SWD")
