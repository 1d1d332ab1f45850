"""Reconstruction and style swap: values by hand, plain versions, and controls that each number must tell apart."""

import pytest
import torch
import torch.nn.functional as F

from sempal_lib import metrics
from sempal_lib.image_gans import Latents
from sempal_lib.labels import label_space_of
from sempal_lib.segmentation import Segmenter, SegmenterSettings

SPACE = label_space_of([("a", (0, 0, 0)), ("b", (9, 0, 0)), ("c", (0, 9, 0))])
CODES = Latents(3, 1, 3, 3)  # of a picture one colour, and of each class one


def scenes(n=4, size=32, seed=0):
    """Layouts of three bars, and pictures in smooth colours: blobs of their own."""
    random = torch.Generator().manual_seed(seed)
    layouts = torch.arange(3).repeat_interleave(size // 3 + 1)[:size].expand(n, size, size)
    small = 2 * torch.rand(n, 3, 8, 8, generator=random) - 1
    return layouts, F.interpolate(small, size=(size, size), mode="bilinear")


def test_psnr_by_hand():
    a = torch.zeros(2, 3, 12, 12)
    b = torch.stack([torch.full((3, 12, 12), 0.2), torch.full((3, 12, 12), 1.0)])
    # 10 log10(4 / 0.04) = 20, 10 log10(4 / 1) = 6.02
    torch.testing.assert_close(metrics.psnr(a, b), torch.tensor([20.0, 6.0206]), atol=1e-3, rtol=0)
    assert metrics.psnr(a, a).isinf().all()


def test_ssim_against_a_plain_version():
    """One window at a time, its weights a Gaussian of 1.5 px; borders are reflected."""
    (_, a), (_, b) = scenes(1, 16), scenes(1, 16, seed=1)
    b = 0.5 * a + 0.5 * b
    wide = [F.pad(x, (5, 5, 5, 5), mode="reflect") for x in (a, b)]
    row = torch.exp(-0.5 * ((torch.arange(11.0) - 5) / 1.5) ** 2)
    weight = torch.outer(row, row) / row.sum() ** 2
    values = []
    for c in range(3):
        for y in range(16):
            for x in range(16):
                p, q = (picture[0, c, y : y + 11, x : x + 11] for picture in wide)
                mp, mq = (weight * p).sum(), (weight * q).sum()
                vp, vq = (weight * p * p).sum() - mp**2, (weight * q * q).sum() - mq**2
                cov = (weight * p * q).sum() - mp * mq
                c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
                values.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    assert float(metrics.ssim(a, b)) == pytest.approx(float(torch.stack(values).mean()), abs=1e-4)
    assert float(metrics.ssim(a, a)) == pytest.approx(1)


def test_many_pictures_are_as_each_by_itself():
    _, images = scenes(70)
    other = images.roll(1, 0)
    for measure in (metrics.ssim, metrics.psnr):
        found = measure(images, other)
        assert found.shape == (70,)
        torch.testing.assert_close(found[65:66], measure(images[65:66], other[65:66]), atol=1e-5, rtol=1e-4)


def test_reconstruction_tells_controls_apart():
    """True pictures, nearly so, shuffled, grey: each number must fall in this order."""
    torch.manual_seed(0)
    judge = Segmenter(SegmenterSettings.light(3, width=4)).eval()
    layouts, images = scenes(8)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(2))
    cases = [images, (images + 0.05 * noise).clamp(-1, 1), images.roll(1, 0), torch.zeros_like(images)]
    near, noisy, shuffled, grey = (metrics.evaluate_repainted(x, layouts, images, judge, SPACE) for x in cases)
    assert near["ssim"][0] == pytest.approx(1)
    assert near["psnr"][0] == float("inf")
    assert near["fd_seg_reconstructed"][0] == pytest.approx(0, abs=1e-3)
    assert 1 > noisy["ssim"][0] > shuffled["ssim"][0] + 0.1
    assert noisy["psnr"][0] > shuffled["psnr"][0] + 5
    assert grey["fd_seg_reconstructed"][0] > noisy["fd_seg_reconstructed"][0] > near["fd_seg_reconstructed"][0]
    assert shuffled["fd_seg_reconstructed"][0] == pytest.approx(0, abs=1e-3)  # a set has no order
    assert all(n == 8 for _, n in near.values())


def test_the_judge_reads_what_is_there():
    """A judge that reads a class from its colour finds all in true pictures, and a third in shuffled ones."""

    class Reader(Segmenter):
        def predict(self, images, batch_size=64):
            return images[:, 0].round().long() + 1

    judge = Reader(SegmenterSettings.light(3, width=4)).eval()
    layouts = scenes(6)[0].clone()
    layouts[3:] = layouts[3:].flip(2)
    layouts[:, :16] = 1  # half of the pixels are right in any case: accuracy is no mIoU
    images = (layouts - 1).float()[:, None].expand(-1, 3, -1, -1)
    true, wrong = (metrics.evaluate_repainted(x, layouts, images, judge, SPACE) for x in (images, images.roll(3, 0)))
    assert true["miou_reconstructed"][0] == 1
    assert wrong["miou_reconstructed"][0] < 0.4


def paint(leak):
    """Each class in the colour of its code, and a share of the first class's code over all."""

    def painted(layouts, z):
        colours = CODES.split(z)["layers"][:, 0]
        own = colours[torch.arange(len(z))[:, None, None], layouts].movedim(-1, 1)
        return own + leak * colours[:, 0, :, None, None]

    return painted


def swapped(leak, first=(0.2, 0.2, 0.2)):
    layouts = scenes(2)[0]
    codes = torch.zeros(2, CODES.length)
    codes[1, CODES.index(2, 0)] = torch.tensor(first)
    codes[1, CODES.index(2, 1)] = torch.tensor([0.1, 0, 0])
    return metrics.evaluate_swap(paint(leak), CODES, layouts, codes, 3)


def test_a_swap_by_hand():
    found = swapped(0.0)
    # Classes 0, 1 and 2 change by 0.2, by 0.1 in one of three colours, and not at all; 127.5 grey values a unit.
    assert found["swap_inside"][0] == pytest.approx(127.5 * (0.2 + 0.1 / 3) / 3, rel=1e-5)
    assert found["swap_outside"] == (0, 6)
    assert found["swap_moved"][0] == 0
    spilt = swapped(0.5)  # half of the first class's code goes everywhere
    assert spilt["swap_outside"][0] == pytest.approx(127.5 * 0.1 / 3, rel=1e-5)
    assert spilt["swap_moved"][0] == pytest.approx(1 / 3)
    assert swapped(0.1)["swap_moved"][0] == 0  # 0.02, which are 2.55 of 255
    assert swapped(0.5, (0.2, 0, 0))["swap_moved"][0] == pytest.approx(1 / 3)  # 12.75 in one colour is seen


def test_a_style_is_taken_from_the_next_picture_that_shows_the_class():
    layouts = scenes(3)[0].clone()
    layouts[1][layouts[1] == 2] = 1
    layouts[2][layouts[2] == 2] = 0
    found = metrics.swap(paint(0.0), CODES, layouts, torch.randn(3, CODES.length), 3)
    assert list(zip(found.scenes.tolist(), found.classes.tolist(), strict=True)) == [
        (0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)
    ]  # fmt: skip
    lonely = torch.stack([torch.full((32, 32), 0), torch.full((32, 32), 1)])
    with pytest.raises(ValueError, match="no picture shares a class with the next one"):
        metrics.swap(paint(0.0), CODES, lonely, torch.randn(2, CODES.length), 3)


def test_where_one_code_is_of_the_whole_picture_all_of_it_moves():
    whole = Latents(3)
    codes = torch.tensor([[0.0, 0, 0], [0.2, 0.2, 0.2]])
    found = metrics.evaluate_swap(
        lambda layouts, z: z[:, :, None, None].expand(-1, -1, 32, 32), whole, scenes(2)[0], codes, 3
    )
    assert found["swap_outside"][0] == pytest.approx(found["swap_inside"][0]) == pytest.approx(25.5)
    assert found["swap_moved"][0] == 1
