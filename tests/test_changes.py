"""Plain augmentation: the view, the colours, and things that are copied; against slow, plain versions."""

import itertools

import numpy as np
import pytest
import torch

from sempal_lib.labels import CITYSCAPES_19, label_space_of
from sempal_lib.training.changes import colour_jitter, components, pasted, random_view, thing_classes


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def some(count=3, height=8, width=16, seed=0):
    random = seeded(seed)
    return torch.rand(count, 3, height, width, generator=random) * 2 - 1, torch.randint(
        5, (count, height, width), generator=random
    )


def test_the_whole_view_changes_nothing():
    images, labels = some()
    seen, told = random_view(images, labels, (1.0, 1.0), seeded(), 255)
    assert torch.allclose(seen, images, atol=1e-5)
    assert torch.equal(told, labels)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.4, 0.9), (1.25, 1.25)])
def test_views_against_a_plain_version(shares):
    """Labels of the nearest pixel, `fill` beside the picture; colours of a picture that is smooth."""
    _, labels = some(4)
    rows = torch.linspace(-1, 1, 8).view(1, 1, 8, 1)
    seen, told = random_view(rows.expand(4, 3, 8, 16).contiguous(), labels, shares, seeded(3), 255)
    random = seeded(3)
    share = (shares[0] + (shares[1] - shares[0]) * torch.rand(4, generator=random)).double()
    x, y = (1 - share) * (2 * torch.rand(2, 4, generator=random) - 1)
    beside = 0
    for n, i, j in itertools.product(range(4), range(8), range(16)):
        v, u = share[n] * ((2 * i + 1) / 8 - 1) + y[n], share[n] * ((2 * j + 1) / 16 - 1) + x[n]
        row, column = float((v + 1) * 4 - 0.5), float((u + 1) * 8 - 0.5)
        if min(abs(row % 1 - 0.5), abs(column % 1 - 0.5)) < 1e-3:
            continue  # between two pixels either is right
        inside = 0 <= round(row) < 8 and 0 <= round(column) < 16
        assert told[n, i, j] == (labels[n, round(row), round(column)] if inside else 255)
        beside += not inside
        assert float(seen[n, 0, i, j]) == pytest.approx(np.interp(row, range(8), rows.flatten().numpy()), abs=1e-4)
    assert (beside > 0) == (shares[0] > 1)


def test_colours_against_a_plain_version():
    images, _ = some()
    assert torch.allclose(colour_jitter(images, 0.0, seeded()), images, atol=1e-6)
    found = colour_jitter(images, 0.4, seeded(5))
    factors = 1 + 0.4 * (2 * torch.rand(3, 3, generator=seeded(5)).numpy() - 1)
    for image, mine, (bright, contrast, colour) in zip(images.numpy(), found.numpy(), factors.T, strict=True):
        x = (image + 1) / 2 * bright
        grey = 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2]
        x = grey.mean() + contrast * (x - grey.mean())
        grey = 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2]
        assert np.allclose(mine, np.clip(grey + colour * (x - grey), 0, 1) * 2 - 1, atol=1e-5)
    assert found.abs().max() <= 1


def test_copy_paste_by_hand():
    """Of things 1 and 2 the second is taken: its pixels bring colour and label, all others stay."""
    mine = torch.zeros(1, 3, 1, 5), torch.tensor([[[0, 0, 1, 1, 255]]])
    other = torch.arange(1.0, 6).view(1, 1, 1, 5).expand(1, 3, 1, 5), torch.tensor([[[7, 7, 8, 8, 9]]])
    things = torch.tensor([[[1, 1, 0, 2, 2]]], dtype=torch.int32)
    images, labels = pasted(mine, other, things, torch.tensor([True, False, True]))
    assert images[0, 0, 0].tolist() == [0, 0, 0, 4, 5]
    assert labels[0, 0].tolist() == [0, 0, 1, 8, 9]


def test_components_by_hand():
    """Corners connect, another layout does not; no two things of the set share a number."""
    layouts = torch.tensor([[[3, 0, 3], [0, 3, 4]], [[3, 0, 3], [0, 0, 3]]], dtype=torch.uint8)
    found = components(layouts, [3, 4])
    assert found.dtype == torch.int32
    assert ((found > 0) == (layouts >= 3)).all()
    first, *others = (found[0, 0, 0], found[1, 0, 0], found[1, 0, 2], found[0, 1, 2])
    assert found[0, 0, 2] == found[0, 1, 1] == first
    assert found[1, 1, 2] == found[1, 0, 2]
    assert len({int(x) for x in (first, *others)}) == 4
    assert not components(layouts, []).any()


def test_things_of_a_label_space():
    names = [CITYSCAPES_19.names[c] for c in thing_classes(CITYSCAPES_19)]
    assert names == ["person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"]
    with pytest.raises(ValueError, match=r"copy-paste needs classes of things, and sky.*have none of.*leave copy"):
        thing_classes(label_space_of([("sky", (0, 0, 0)), ("road", (1, 1, 1))]))
