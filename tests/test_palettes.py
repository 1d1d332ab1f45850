"""Palettes: what they are, how they are checked, projected, mixed and kept."""

import itertools

import pytest
import torch

from sempal_lib.palettes import (
    PaletteMixture,
    check_palette,
    clip_and_normalise,
    interpolate,
    palette_of,
    project_to_simplex,
)
from sempal_lib.tensor_files import write_tensors


def test_palette_by_hand():
    layout = torch.tensor([[[0, 0, 1, 2], [0, 0, 2, 2]], [[1, 1, 1, 1], [1, 1, 1, 9]]])
    expected = torch.tensor([[4 / 8, 1 / 8, 3 / 8], [0, 1, 0]])
    torch.testing.assert_close(palette_of(layout, 3, ignore_index=9), expected)


def test_palette_of_only_ignored_pixels_is_zero():
    assert palette_of(torch.full((1, 2, 2), 255), 3, ignore_index=255).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(("label", "ignore"), [(3, None), (255, None), (7, 255), (-1, None)])
def test_palette_refuses_labels_out_of_range(label, ignore):
    with pytest.raises(ValueError, match="expected 0 to 2"):
        palette_of(torch.full((1, 2, 2), label), 3, ignore_index=ignore)


@pytest.mark.parametrize(
    ("palette", "message"),
    [
        ([0.6, 0.6, 0.0], r"sums to 1\.2, expected 1 \(± 0.0001\): divide by its sum"),
        ([1.2, -0.2, 0.0], r"class 1 the proportion -0\.2, expected 0 to 1"),
        ([0.5, 0.5], r"shape \[1, 2\], expected 3 proportions, one a class"),
        ([float("nan"), 0.5, 0.5], "not a number"),
    ],
)
def test_bad_palettes_are_named(palette, message):
    with pytest.raises(ValueError, match=message):
        check_palette(torch.tensor(palette), 3)


def test_one_palette_becomes_a_batch():
    assert check_palette(torch.tensor([0.25, 0.75]), 2).shape == (1, 2)


def nearest_by_trying_all_supports(x: torch.Tensor) -> torch.Tensor:
    """The slow, plain projection: the best over all sets of classes that may be above zero."""
    best, distance = None, float("inf")
    for size in range(1, len(x) + 1):
        for support in itertools.combinations(range(len(x)), size):
            point = torch.zeros_like(x)
            chosen = x[list(support)]
            point[list(support)] = chosen + (1 - chosen.sum()) / size
            if (point >= 0).all() and (x - point).norm() < distance:
                best, distance = point, (x - point).norm()
    return best


def test_projection_is_the_nearest_point():
    x = torch.randn(20, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    slow = torch.stack([nearest_by_trying_all_supports(row) for row in x])
    torch.testing.assert_close(project_to_simplex(x), slow)


def test_projections_leave_palettes_alone_and_clip_is_never_nearer():
    random = torch.Generator().manual_seed(1)
    palettes = torch.rand(50, 7, generator=random)
    palettes /= palettes.sum(1, keepdim=True)
    for projection in (clip_and_normalise, project_to_simplex):
        torch.testing.assert_close(projection(palettes), palettes)
    x = torch.randn(50, 7, generator=random)
    exact, clipped = ((x - f(x)).norm(dim=1) for f in (project_to_simplex, clip_and_normalise))
    assert (exact <= clipped + 1e-6).all()
    assert (exact < clipped - 1e-3).any()


def test_clipping_nothing_but_negatives_gives_a_palette():
    check_palette(clip_and_normalise(torch.full((1, 4), -1.0)), 4)


def test_interpolation_ends_where_asked():
    a, b = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0.5, 0.5])
    line = interpolate(a, b, 5)
    check_palette(line, 3)
    torch.testing.assert_close(line[[0, 2, 4]], torch.stack([a, (a + b) / 2, b]))


@pytest.fixture(scope="module")
def two_modes():
    random = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.7, 0.2, 0.1, 0.0], [0.1, 0.3, 0.5, 0.1]])
    which = torch.arange(600) % 2
    noise = 0.01 * torch.randn(600, 4, generator=random)
    noise[which == 0, 3] = 0  # the first mode never shows class 3: a singular covariance
    return centres, clip_and_normalise(centres[which] + noise)


def test_mixture_finds_the_modes(two_modes):
    palettes = two_modes[1]
    mixture = PaletteMixture.fit(palettes, max_components=4)
    assert mixture.num_components >= 2
    assert len(mixture.aic) == 4
    assert mixture.aic[mixture.num_components - 1] == min(mixture.aic)
    sample = mixture.sample(4000, seed=0)
    check_palette(sample, 4)
    first = sample[:, 0] > 0.4
    assert first.float().mean() == pytest.approx(0.5, abs=0.04)
    torch.testing.assert_close(sample[first].mean(0), palettes[::2].mean(0), atol=3e-3, rtol=0)
    torch.testing.assert_close(torch.cov(sample[first].T), torch.cov(palettes[::2].T), atol=3e-5, rtol=0.2)


def test_sampling_follows_its_seed_and_projection(two_modes):
    mixture = PaletteMixture.fit(two_modes[1], max_components=2)
    assert torch.equal(mixture.sample(8, seed=3), mixture.sample(8, seed=3))
    assert not torch.equal(mixture.sample(8, seed=3), mixture.sample(8, seed=4))
    check_palette(mixture.sample(100, seed=0, projection="exact"), 4)
    with pytest.raises(ValueError, match="choose clip or exact"):
        mixture.sample(1, projection="softmax")


def test_mixture_is_kept_without_pickle(two_modes, tmp_path):
    mixture = PaletteMixture.fit(two_modes[1], max_components=2)
    mixture.save(tmp_path / "mixture.safetensors")
    again = PaletteMixture.load(tmp_path / "mixture.safetensors")
    assert torch.equal(again.sample(16, seed=5), mixture.sample(16, seed=5))
    assert again.aic == mixture.aic
    (tmp_path / "other.safetensors").write_bytes(b"not this")
    with pytest.raises(ValueError, match=r"other\.safetensors holds no palette mixture"):
        PaletteMixture.load(tmp_path / "other.safetensors")


@pytest.mark.parametrize("added", [1e-6, 1e-4])
def test_sums_miss_one_by_what_is_added_to_the_variances(two_modes, added):
    """Palettes sum to 1, so without it the sum would have no variance at all."""
    mixture = PaletteMixture.fit(two_modes[1], 1, reg_covar=added)
    assert float(mixture.covariances.double().sum()) == pytest.approx(4 * added, rel=0.01)
    default = PaletteMixture.fit(two_modes[1], 1)
    assert torch.equal(default.covariances, mixture.covariances) == (added == 1e-6)  # scikit-learn's
    with pytest.raises(ValueError, match=r"reg_covar is 0, expected above 0"):
        PaletteMixture.fit(two_modes[1], 1, reg_covar=0)


def test_one_palette_is_no_mixture():
    with pytest.raises(ValueError, match="too few"):
        PaletteMixture.fit(torch.ones(1, 3) / 3)


FAULTS = [
    ("weights", (0,), "nan", "mixture's weights hold values that are no finite numbers"),
    ("means", (1, 2), "inf", "mixture's means hold values that are no finite numbers"),
    ("covariances", (0, 1, 1), "nan", "mixture's covariances hold values that are no finite numbers"),
    ("weights", (1,), "-0.5", "mixture's weights go down to -0.5, expected 0 or more"),
    ("means", (0, 0), "-2", "mixture's means go down to -2, expected 0 or more"),
    ("covariances", (1, 2, 2), "-0.1", "mixture's variances go down to -0.1, expected 0 or more"),
]


@pytest.mark.parametrize(("name", "place", "value", "message"), FAULTS)
def test_a_mixture_of_impossible_numbers(tmp_path, name, place, value, message):
    """It would sample uniform palettes. Refused where it is made, read, and drawn from."""
    tensors = {
        "weights": torch.full((2,), 0.5),
        "means": torch.full((2, 3), 1 / 3),
        "covariances": torch.eye(3).repeat(2, 1, 1),
    }
    mixture = PaletteMixture.from_tensors({k: v.clone() for k, v in tensors.items()})
    tensors[name][place] = float(value)
    with pytest.raises(ValueError, match=message):
        PaletteMixture(**tensors)
    write_tensors(tmp_path / "m", tensors, [], key="aic")
    with pytest.raises(ValueError, match=f"m holds no palette mixture .*{message}"):
        PaletteMixture.load(tmp_path / "m")
    getattr(mixture, name)[place] = float(value)
    with pytest.raises(ValueError, match=message):
        mixture.sample(4, seed=0)


def test_a_mixture_of_other_shapes():
    with pytest.raises(ValueError, match=r"these are weights \[2\], means \[2, 3\], covariances \[2, 4, 4\]"):
        PaletteMixture(torch.full((2,), 0.5), torch.full((2, 3), 1 / 3), torch.eye(4).repeat(2, 1, 1))


def test_palettes_that_are_not_finite_are_not_fitted():
    palettes = torch.full((4, 3), 1 / 3)
    palettes[2, 1] = float("nan")
    with pytest.raises(ValueError, match=r"palettes? holds a value that is not a number"):
        PaletteMixture.fit(palettes)
