"""The semantically-assisted activation, Sinkhorn's iterations, and exact counts."""

import time

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from sempal_lib.layout_gans import exact_layout, pixel_counts, semantically_assisted_activation


def problem(batch=2, classes=5, size=(4, 8), seed=0, scale=3.0):
    random = torch.Generator().manual_seed(seed)
    palette = torch.rand(batch, classes, generator=random) ** 3
    palette[:, 1] = 0
    return scale * torch.randn(batch, classes, *size, generator=random), palette / palette.sum(1, keepdim=True)


def test_three_steps_as_the_paper_writes_them():
    f, t = problem()
    rho = f.exp() / f.exp().sum((2, 3), keepdim=True)  # eq. 1
    omega = t[:, :, None, None] * rho
    m = omega / omega.sum(1, keepdim=True)  # eq. 2
    density, soft = semantically_assisted_activation(f, t)
    torch.testing.assert_close(density, omega)
    torch.testing.assert_close(soft, m)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("scale", [1.0, 300.0])
@pytest.mark.parametrize("iterations", [1, 2, 10])
def test_budgets_hold_and_nothing_vanishes(dtype, scale, iterations):
    f, t = problem(scale=scale)
    density, soft = semantically_assisted_activation(f.to(dtype), t, iterations)
    torch.testing.assert_close(density.sum((2, 3)), t, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(soft.sum(1), torch.ones_like(soft[:, 0]))
    assert (soft[:, 1] == 0).all()  # no budget, no place: exactly


def test_absent_classes_have_finite_gradients():
    f, t = problem()
    f.requires_grad_()
    density, soft = semantically_assisted_activation(f, t, 3)
    (soft.square().sum() + density.square().sum()).backward()
    assert torch.isfinite(f.grad).all()
    assert f.grad[:, 0].abs().sum() > 0


def test_more_iterations_bring_the_soft_proportions_to_the_palette():
    f, t = problem(size=(8, 16))
    errors = []
    for n in (1, 2, 5, 50):
        soft = semantically_assisted_activation(f, t, n)[1]
        errors.append((soft.mean((2, 3)) - t).abs().max().item())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-4 < errors[0]


def test_activation_needs_an_iteration():
    with pytest.raises(ValueError, match="at least one"):
        semantically_assisted_activation(*problem(), iterations=0)


def test_pixel_counts_by_hand():
    counts = pixel_counts(torch.tensor([[0.5, 0.26, 0.24, 0.0], [1 / 3, 1 / 3, 1 / 3, 0.0]]), 10)
    assert counts[0].tolist() == [5, 3, 2, 0]
    assert sorted(counts[1].tolist()) == [0, 3, 3, 4]


def test_pixel_counts_are_within_one_and_sum_up():
    random = torch.Generator().manual_seed(0)
    palette = torch.rand(200, 19, generator=random) ** 4
    palette /= palette.sum(1, keepdim=True)
    counts = pixel_counts(palette, 512)
    assert (counts.sum(1) == 512).all()
    assert ((counts - 512 * palette).abs() < 1).all()


def test_palette_of_a_layout_comes_back_to_the_pixel():
    counts = torch.tensor([[97, 30, 1, 0]])
    assert torch.equal(pixel_counts(counts.float() / 128, 128), counts)


@pytest.mark.parametrize("seed", range(6))
def test_exact_layout_is_the_hungarian_optimum(seed):
    f, t = problem(1, 6, (8, 16), seed)
    layout = exact_layout(f, t)
    counts = pixel_counts(t, 128)[0]
    assert torch.equal(torch.bincount(layout.flatten(), minlength=6), counts)
    # One column a pixel's place: class c has n_c of them.
    gain = f[0].flatten(1).T.numpy()[:, np.repeat(np.arange(6), counts)]
    rows, columns = linear_sum_assignment(gain, maximize=True)
    ours = f[0].flatten(1).gather(0, layout.view(1, -1)).sum().item()
    assert ours == pytest.approx(gain[rows, columns].sum(), rel=1e-6)


def test_exact_layout_does_not_depend_on_the_iterations():
    f, t = problem(1, 5, (8, 16))
    layouts = [exact_layout(semantically_assisted_activation(f, t, n)[1].clamp(min=1e-30).log(), t) for n in (1, 5)]
    assert torch.equal(layouts[0], exact_layout(f, t))
    assert torch.equal(*layouts)


@pytest.mark.parametrize("scores", [torch.zeros(1, 4, 8, 16), torch.arange(4.0).view(1, 4, 1, 1).expand(1, 4, 8, 16)])
def test_exact_layout_bears_ties_and_single_classes(scores):
    t = torch.tensor([[0.5, 0.25, 0.25, 0.0]])
    assert torch.bincount(exact_layout(scores, t).flatten(), minlength=4).tolist() == [64, 32, 32, 0]
    one = torch.tensor([[0.0, 0.0, 1.0, 0.0]])
    assert (exact_layout(scores, one) == 2).all()


def test_exact_layout_is_quick_at_64_by_128():
    f, t = problem(1, 19, (64, 128))
    smooth = torch.nn.functional.interpolate(f[..., ::8, ::8], size=(64, 128), mode="bicubic") + 0.1 * f
    exact_layout(smooth, t)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        exact_layout(smooth, t)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.15  # 50 ms on an idle core; CI's may be busy
