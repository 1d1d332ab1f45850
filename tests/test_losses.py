"""Losses: values by hand, slow plain versions, gradients."""

import math

import pytest
import torch
import torch.nn.functional as F

from sempal_lib import losses


def random_soft(shape, seed=0, dtype=torch.float64):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).softmax(1)


def test_entropy_by_hand():
    m = torch.tensor([[[[1.0, 0.5]], [[0.0, 0.5]]]])  # one certain pixel, one undecided
    assert losses.entropy_loss(m).item() == pytest.approx(math.log(2) / 2)


def test_entropy_of_one_hot_is_zero_with_finite_gradient():
    m = torch.eye(3).view(1, 3, 1, 3).requires_grad_()
    loss = losses.entropy_loss(m)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(m.grad).all()


def test_spread_by_hand():
    # Two pixels of one class: a quarter and three quarters of the mass. (1 - 2/4)² and (1 - 6/4)², both 1/4.
    assert losses.spread_loss(torch.tensor([[[[0.25, 0.75]]]])).item() == pytest.approx(0.25)


def test_spread_is_zero_for_an_even_density():
    density = random_soft((2, 5, 4, 8)) / 32
    assert losses.spread_loss(density).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", [losses.entropy_loss, losses.spread_loss])
def test_gradients_and_bf16(loss, monkeypatch):
    m = random_soft((2, 3, 2, 4)).requires_grad_()
    monkeypatch.setattr(torch.Tensor, "float", lambda x: x)  # keep float64 for the numerical derivative
    assert torch.autograd.gradcheck(loss, (m,))
    monkeypatch.undo()
    exact = loss(m.detach().float())
    assert loss(m.detach().bfloat16()).item() == pytest.approx(exact.item(), rel=0.01)


def test_wasserstein_signs():
    real, fake = torch.tensor([3.0, 1.0]), torch.tensor([-1.0, 0.0])
    assert losses.wasserstein_discriminator_loss(real, fake).item() == -2.5
    assert losses.wasserstein_generator_loss(fake).item() == 0.5


def test_penalty_of_a_linear_discriminator():
    # D(x) = 3 x₁ + 4 x₂ has slope 5 everywhere: (5 - 1)² = 16, and d/dw of it is 2 (5 - 1) w / 5.
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    x = torch.randn(6, 2, 1, 1, requires_grad=True)
    penalty = losses.gradient_penalty((x.flatten(1) * w).sum(1), x)
    assert penalty.item() == pytest.approx(16)
    (gradient,) = torch.autograd.grad(penalty, w)
    torch.testing.assert_close(gradient, 8 * w.detach() / 5)


def test_matching_a_palette_by_hand():
    t = torch.tensor([[0.5, 0.5, 0.0]])
    m = torch.tensor([[0.25, 0.70, 0.05]]).view(1, 3, 1, 1).expand(1, 3, 2, 4)
    expected = 0.5 * math.log(0.5 / (0.25 + 1e-5)) + 0.5 * math.log(0.5 / (0.70 + 1e-5))
    assert float(losses.palette_matching_loss(m, t)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.palette_matching_loss(t.view(1, 3, 1, 1), t)) == pytest.approx(0, abs=1e-4)


def test_matching_a_palette_says_nothing_of_where():
    """Its gradient is the same at every pixel: that is why baseline 1 fails."""
    m = torch.rand(2, 3, 4, 5, dtype=torch.float64).softmax(1).requires_grad_()
    t = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0]], dtype=torch.float64)
    (slope,) = torch.autograd.grad(losses.palette_matching_loss(m, t), m)
    assert torch.equal(slope, slope[:, :, :1, :1].expand_as(slope))
    assert slope.abs().max() > 0


# Dice


def test_dice_by_hand():
    p = torch.tensor([[[[0.75, 0.25]], [[0.25, 0.75]]]])
    target = torch.tensor([[[0, 1]]])
    # Each class: Σ p t = 0.75, Σ (p + t) = 2, so 1 - 2.5 / 3.
    assert losses.dice_loss(p.log(), target) == pytest.approx(1 / 6)
    assert losses.dice_loss(100 * p.log(), target) < 1e-6
    assert losses.dice_loss(p.log() + 7, target) == pytest.approx(1 / 6)  # logits, up to a number


def test_dice_leaves_out_absent_classes_and_pixels_without_class():
    random = torch.Generator().manual_seed(0)
    scores, target = torch.randn(2, 3, 4, 4, generator=random), torch.randint(2, (2, 4, 4), generator=random)
    plain = losses.dice_loss(scores, target)
    holes = torch.cat([target, torch.full((2, 4, 4), 255)], 2)
    more = torch.cat([scores, torch.randn(2, 3, 4, 4, generator=random)], 3)
    assert losses.dice_loss(more, holes) == pytest.approx(plain.item())
    assert losses.dice_loss(scores, torch.full_like(target, 255)) == 0


def test_dice_counts_a_rare_class_as_much_as_a_large_one():
    target = torch.zeros(1, 10, 100, dtype=torch.int64)
    target[0, 0, :10] = 1
    blind = torch.tensor([9.0, -9.0]).view(1, 2, 1, 1).expand(1, 2, 10, 100)  # all is the large one
    assert F.cross_entropy(blind, target) < 0.2
    assert losses.dice_loss(blind, target) > 0.45


def test_dice_gradient():
    scores = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[[0, 1], [2, 255]], [[1, 1], [0, 2]]])
    (gradient,) = torch.autograd.grad(losses.dice_loss(scores, target), scores)
    step = torch.zeros_like(scores)
    for place in ((0, 0, 0, 0), (1, 2, 1, 0), (0, 1, 1, 1)):
        step.zero_()[place] = 1e-3
        with torch.no_grad():
            slope = (losses.dice_loss(scores + step, target) - losses.dice_loss(scores - step, target)) / 2e-3
        assert gradient[place] == pytest.approx(slope.item(), abs=1e-4)
