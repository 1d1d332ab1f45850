"""Layout metrics against hand-made values and slow plain versions."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch

from sempal_lib import metrics


def palettes(n, c, seed=0):
    return torch.rand(n, c, generator=torch.Generator().manual_seed(seed)).softmax(1)


def test_kl_by_hand():
    target, realised = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.25, 0.75, 0.0]])
    expected = 0.5 * math.log(2) + 0.5 * math.log(0.5 / 0.75)
    assert metrics.palette_kl(target, realised).item() == pytest.approx(expected, abs=1e-5)


def test_kl_is_zero_for_exact_layouts_and_large_but_finite_for_a_missing_class():
    t = torch.tensor([[0.7, 0.2, 0.1]])
    assert metrics.palette_kl(t, t).item() == pytest.approx(0, abs=1e-5)
    missing = metrics.palette_kl(t, torch.tensor([[0.8, 0.2, 0.0]])).item()
    assert missing == pytest.approx(0.7 * math.log(0.7 / 0.8) + 0.1 * math.log(0.1 / 1e-6), abs=1e-4)


def test_kl_against_a_loop():
    t, q = palettes(10, 6), palettes(10, 6, seed=1)
    slow = []
    for row_t, row_q in zip(t.tolist(), q.tolist(), strict=True):
        total = sum(x + 1e-6 for x in row_q)
        slow.append(sum(a * math.log(a / ((b + 1e-6) / total)) for a, b in zip(row_t, row_q, strict=True) if a > 0))
    assert metrics.palette_kl(t, q).item() == pytest.approx(sum(slow) / 10, rel=1e-5)


def test_kl_refuses_unlike_shapes():
    with pytest.raises(ValueError, match="must be of one shape"):
        metrics.palette_kl(palettes(2, 3), palettes(2, 4))


def test_frechet_distance_against_scipy():
    x, y = palettes(40, 5).numpy(), palettes(30, 5, seed=1).numpy()
    root = scipy.linalg.sqrtm(np.cov(x.T) @ np.cov(y.T)).real
    plain = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)
    ours = metrics.frechet_distance(torch.tensor(x), torch.tensor(y)).item()
    assert ours == pytest.approx(plain, rel=1e-4)


def test_fsd_of_a_shift_by_hand():
    # Equal covariances: what is left is the squared distance of the means, in per cent.
    x = palettes(50, 4)
    shift = torch.tensor([0.02, -0.02, 0.0, 0.0])
    assert metrics.frechet_segmentation_distance(x, x + shift).item() == pytest.approx(8, rel=1e-3)
    assert metrics.frechet_segmentation_distance(x, x).item() == pytest.approx(0, abs=1e-6)


def test_fsd_bears_a_class_that_never_shows():
    x, y = (torch.cat([palettes(20, 3, seed), torch.zeros(20, 1)], 1) for seed in (0, 1))
    value = metrics.frechet_segmentation_distance(x, y)
    assert torch.isfinite(value)
    assert value.item() == pytest.approx(metrics.frechet_segmentation_distance(x[:, :3], y[:, :3]).item(), rel=1e-6)


def test_frechet_distance_needs_two_rows():
    with pytest.raises(ValueError, match="at least 2 rows"):
        metrics.frechet_distance(palettes(1, 3), palettes(5, 3))


def test_proportion_error_by_hand():
    t, q = torch.tensor([[0.5, 0.5], [1.0, 0.0]]), torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    assert metrics.proportion_error(t, q).tolist() == [0.125, 0.125]


def test_diversity_by_hand():
    layouts = torch.tensor([[[0, 1]], [[0, 1]], [[0, 2]]])  # of three pairs, two differ in one of two pixels
    assert metrics.layout_diversity(layouts).item() == pytest.approx((0 + 0.5 + 0.5) / 3)
    assert metrics.layout_diversity(layouts[:2]).item() == 0
    with pytest.raises(ValueError, match="at least 2"):
        metrics.layout_diversity(layouts[:1])


def test_evaluation_against_single_calls():
    from sempal_lib.layout_gans import GeneratorSettings, LayoutGenerator
    from sempal_lib.palettes import palette_of

    torch.manual_seed(0)
    generator = LayoutGenerator(GeneratorSettings(4, 8, 16, latent_dim=3, max_channels=4))
    targets, real, typical = palettes(6, 4), palettes(9, 4, 1), palettes(7, 4, 2)
    found = metrics.evaluate_layouts(generator, targets, real, typical, seed=5)
    random = torch.Generator().manual_seed(5)
    made = [generator.generate(torch.randn(len(t), 3, generator=random), t) for t in (targets, typical)]
    followed, free = (palette_of(layouts, 4) for layouts in made)
    assert found["palette_kl"] == (metrics.palette_kl(targets, followed).item(), 6)
    assert found["budget_mae"] == (metrics.proportion_error(targets, followed).mean().item(), 6)
    assert found["fsd"] == (metrics.frechet_segmentation_distance(real, free).item(), 7)
    exact = metrics.evaluate_layouts(generator, targets, real, typical, exact=True)
    assert exact["budget_mae"][0] < 1 / 128
