"""Layers that are computed in a quicker way than one would write them: they give what the plain ones give."""

from contextlib import nullcontext

import pytest
import torch
from torch.nn.functional import leaky_relu

from sempal_lib import layers
from sempal_lib.labels import one_hot
from sempal_lib.layers import EqualizedConv2d, MinibatchDeviation, PixelNorm, leaky, twice_differentiable, upsample


def penalised(twice, x, *convs):
    """∇_x f of convolutions with something curved after them, and the gradients of its squared length."""
    with twice_differentiable() if twice else nullcontext():
        y = x
        for conv in convs:
            y = leaky(conv(y))
        (slope,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
    weights = [p for conv in convs for p in conv.parameters()]
    return [slope, *torch.autograd.grad(slope.square().sum(), [x, *weights])]


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 1, 0), ((2, 3), 1, 0), (3, (1, 2), 1)])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_second_derivatives_are_autograds(shape, order):
    torch.manual_seed(0)
    size, stride, padding = shape
    convs = [EqualizedConv2d(4, 4, size, stride, padding).double().to(memory_format=order) for _ in range(2)]
    for conv in convs:
        torch.nn.init.normal_(conv.bias)
    x = torch.randn(3, 4, 6, 8, dtype=torch.float64).contiguous(memory_format=order).requires_grad_()
    for ours, plain in zip(penalised(True, x, *convs), penalised(False, x, *convs), strict=True):
        torch.testing.assert_close(ours, plain)
    assert not layers._twice


def test_a_slope_that_nothing_bends_asks_nothing_of_what_came_before():
    """After convolutions and LeakyReLUs alone the slope does not change with the input: no zeros are sent back."""
    conv, x = EqualizedConv2d(2, 2, 3, padding=1), torch.randn(1, 2, 4, 4, requires_grad=True)
    with twice_differentiable():
        (slope,) = torch.autograd.grad(leaky(conv(leaky(conv(x)))).sum(), x, create_graph=True)
    by_input, by_bias = torch.autograd.grad(slope.square().sum(), [x, conv.bias], allow_unused=True)
    assert by_input is None
    assert by_bias is None


def test_second_derivatives_in_bf16():
    torch.manual_seed(0)
    conv, x = EqualizedConv2d(4, 4, 3, padding=1), torch.randn(3, 4, 6, 8, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        ours = penalised(True, x, conv, conv)
    for a, b in zip(ours, penalised(False, x, conv, conv), strict=True):
        assert a.dtype == torch.float32
        assert (a - b).norm() < 0.03 * b.norm()


@pytest.mark.parametrize("size", [(1, 1), (3, 5)])
def test_convolution_of_doubled_pixels(size):
    conv = EqualizedConv2d(3, 2, 3, padding=1).double()
    torch.nn.init.normal_(conv.bias)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(conv.doubled(x), conv(upsample(x)))


@pytest.mark.parametrize("root", [True, False])
def test_pixel_norm(root):
    """By hand: (3, 4) has the mean square 12.5; and its gradient is that of numbers a little apart."""
    x = torch.tensor([3.0, 4.0], dtype=torch.float64).view(1, 2, 1, 1)
    by = 12.5**0.5 if root else 12.5
    torch.testing.assert_close(PixelNorm(root)(x), x / by, atol=1e-7, rtol=0)
    assert torch.autograd.gradcheck(PixelNorm(root), torch.randn(2, 3, 2, 4, dtype=torch.float64, requires_grad=True))


def test_batches_in_one_pass_are_not_compared():
    """Two batches of 2, each with its own deviation, also where a group of 4 would fit both."""
    x = torch.randn(4, 3, 2, 2)
    deviation = MinibatchDeviation()
    torch.testing.assert_close(deviation(x, 2), torch.cat([deviation(x[:2]), deviation(x[2:])]))
    assert not torch.allclose(deviation(x, 2), deviation(x))


def test_leaky_is_leaky_relu():
    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    for context in (nullcontext, twice_differentiable):
        with context():
            torch.testing.assert_close(leaky(x * 1), leaky_relu(x, layers.SLOPE))
            assert torch.autograd.gradcheck(lambda v: leaky(v * 1), x.double())


@pytest.mark.parametrize("channels_last", [False, True])
def test_one_hot_lies_in_memory_as_asked(channels_last):
    layout = torch.tensor([[[0, 2, 255], [1, 1, 0]]], dtype=torch.uint8)
    hot = one_hot(layout, 3, channels_last)
    assert hot.is_contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
    expected = [[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [1, 1, 0]], [[0, 1, 0], [0, 0, 0]]]
    assert hot.tolist() == [expected]
