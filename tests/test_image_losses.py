"""Losses of the image synthesizers, by hand."""

import math

import pytest
import torch
import torch.nn.functional as F

from sempal_lib import losses

SCALES = [torch.tensor([[2.0, -0.5], [0.0, 1.0]]), torch.tensor([3.0])]
FAKES = [torch.tensor([[-2.0, 0.5], [0.0, -1.0]]), torch.tensor([-0.5])]


def test_hinge_by_hand():
    # Real: (0 + 1.5 + 1 + 0) / 4 and 0; generated: (0 + 1.5 + 1 + 0) / 4 and 0.5.
    assert float(losses.hinge_discriminator_loss(SCALES, FAKES)) == pytest.approx((0.625 + 0 + 0.625 + 0.5) / 2)
    assert float(losses.hinge_generator_loss(FAKES)) == pytest.approx((0.625 + 0.5) / 2)
    sure = [torch.full((3,), 1.5)]
    assert float(losses.hinge_discriminator_loss(sure, [-x for x in sure])) == 0


def test_least_squares_is_a_sum_over_scales():
    expected = sum(
        F.mse_loss(x, torch.ones_like(x)) + F.mse_loss(y, torch.zeros_like(y))
        for x, y in zip(SCALES, FAKES, strict=True)
    )
    torch.testing.assert_close(losses.least_squares_discriminator_loss(SCALES, FAKES), expected / 2)
    assert float(losses.least_squares_generator_loss([torch.tensor([3.0]), torch.tensor([0.0])])) == pytest.approx(5)


def test_cross_entropy_of_the_generator():
    plain = [F.binary_cross_entropy_with_logits(x, torch.ones_like(x)) for x in FAKES]
    torch.testing.assert_close(losses.cross_entropy_generator_loss(FAKES), sum(plain) / 2)


def test_features_are_compared_sample_by_sample():
    real = [[torch.tensor([[1.0], [3.0]]), torch.zeros(2, 2)], [torch.zeros(2, 1), torch.zeros(2, 1)]]
    fake = [[torch.tensor([[3.0], [1.0]]), torch.ones(2, 2)], [torch.zeros(2, 1), torch.full((2, 1), 4.0)]]
    # Layers 2 and 1, then 0 and 4: summed, and the two scales averaged. The means over the batch would agree.
    assert float(losses.paired_feature_loss(real, fake)) == pytest.approx((3 + 4) / 2)
    assert float(losses.paired_feature_loss(real, real)) == 0


def test_perceptual_by_hand():
    fake, real = [torch.zeros(2, 3), torch.ones(2, 1)], [torch.full((2, 3), 2.0), torch.zeros(2, 1)]
    assert float(losses.perceptual_loss(fake, real, [0.5, 1.0])) == pytest.approx(2)
    with pytest.raises(ValueError, match="zip"):
        losses.perceptual_loss(fake, real, [1.0])


def test_kl_against_torch_and_by_hand():
    mean, log_variance = torch.randn(3, 4), torch.randn(3, 4)
    ours = losses.kl_to_standard_normal(mean, log_variance)
    normal = torch.distributions.Normal
    plain = torch.distributions.kl_divergence(normal(mean, (log_variance / 2).exp()), normal(0.0, 1.0)).sum()
    torch.testing.assert_close(ours, plain)
    assert float(losses.kl_to_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3))) == 0
    one = losses.kl_to_standard_normal(torch.ones(1, 1), torch.full((1, 1), math.log(2)))
    assert float(one) == pytest.approx(0.5 * (1 + 2 - 1 - math.log(2)))


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: losses.hinge_generator_loss([x]),
        lambda x: losses.hinge_discriminator_loss([0.9 * x], [x]),
        lambda x: losses.cross_entropy_generator_loss([x]),
        lambda x: losses.least_squares_generator_loss([x]),
        lambda x: losses.least_squares_discriminator_loss([x], [2 * x]),
        lambda x: losses.paired_feature_loss([[x.detach() + 1]], [[x]]),
        lambda x: losses.perceptual_loss([x], [x.detach() - 1], [0.5]),
        lambda x: losses.kl_to_standard_normal(x, 0.1 * x),
    ],
)
def test_finite_in_half_precision_and_close_to_full(loss):
    x = torch.randn(4, 1, 5, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    half = x.detach().bfloat16().requires_grad_()
    full, low = loss(x), loss(half)
    torch.testing.assert_close(low.float(), full, rtol=0.02, atol=0.02)
    (slope,) = torch.autograd.grad(low, half)
    assert slope.isfinite().all()
    assert slope.abs().sum() > 0
