"""colored-shapes: what the paper on SemGAN says of its set."""

import numpy as np
import pytest
import torch

from sempal_lib.worlds.colored_shapes import RECTANGLE, ColoredShapes

BACKGROUND, CIRCLE, RECTANGLE_CLASS, SQUARE = range(4)


@pytest.fixture(scope="module")
def shapes():
    return ColoredShapes()


@pytest.fixture(scope="module")
def layouts(shapes):
    return torch.stack([shapes.layout(i) for i in range(len(shapes))])


def test_size_of_the_set(shapes):
    assert len(shapes) == 2916 == 54**2
    assert shapes.label_space.names == ("background", "circle", "rectangle", "square")
    assert shapes.label_space.ignore_index is None


def test_every_place_of_the_square_once(shapes, layouts):
    assert len({tuple(place) for place in shapes.squares.tolist()}) == 2916
    assert shapes.squares.min() == 0
    assert shapes.squares.max() == 53
    # The layouts show it there: no square's pixel outside its ten by ten, all of them where nothing covers it.
    whole = 0
    for layout, (top, left) in zip(layouts, shapes.squares.tolist(), strict=True):
        inside = layout[top : top + 10, left : left + 10]
        assert (layout == SQUARE).sum() == (inside == SQUARE).sum()
        assert not (inside == BACKGROUND).any()
        whole += int((inside == SQUARE).all())
    assert whole > 1000
    # The circle may cover it completely, and sometimes does.
    assert ((layouts == SQUARE).sum(dim=(1, 2)) == 0).any()


def test_circle_is_on_top_and_whole(layouts):
    circle = layouts == CIRCLE
    area = circle.sum(dim=(1, 2))
    assert (area == area[0]).all()
    assert area[0].item() == pytest.approx(np.pi * 100, rel=0.02)
    assert (circle.any(dim=2).sum(dim=1) == 20).all()
    assert (circle.any(dim=1).sum(dim=1) == 20).all()


def test_rectangle(shapes, layouts):
    (low, high), _ = RECTANGLE
    assert shapes.rectangle_sizes.min() == low
    assert shapes.rectangle_sizes.max() == high
    for layout, (top, left), (height, width) in zip(
        layouts, shapes.rectangles.tolist(), shapes.rectangle_sizes.tolist(), strict=True
    ):
        inside = layout[top : top + height, left : left + width]
        assert inside.shape == (height, width)  # not cut off
        assert ((inside == RECTANGLE_CLASS) | (inside == CIRCLE)).all()
        assert (layout == RECTANGLE_CLASS).sum() == (inside == RECTANGLE_CLASS).sum()


def test_item(shapes):
    item = shapes[7]
    assert item["layout"].dtype == torch.int64
    assert item["image"].dtype == torch.float32
    assert item["image"].shape == (3, 64, 64)
    red = torch.tensor([1.0, -1.0, -1.0])
    square = item["image"][:, item["layout"] == SQUARE]
    assert square.numel() > 0
    assert (square == red[:, None]).all()
    assert (item["image"][:, item["layout"] == BACKGROUND] == -1).all()
    assert torch.equal(shapes.layout(7).long(), item["layout"])


def test_fixed_by_its_seed(shapes):
    assert all(torch.equal(shapes.layout(i), ColoredShapes().layout(i)) for i in (2915, 3))
    assert not torch.equal(shapes.layout(0), ColoredShapes(seed=1).layout(0))
    other = ColoredShapes("val")
    assert len(other) == 2916
    assert not np.array_equal(other.circles, shapes.circles)
    assert torch.equal(ColoredShapes(length=5).layout(4), shapes.layout(4))


def test_errors():
    with pytest.raises(ValueError, match="64×64 by definition, not 32×32"):
        ColoredShapes(size=(32, 32))
    with pytest.raises(ValueError, match="choose one of train, val"):
        ColoredShapes("test")
    with pytest.raises(ValueError, match="give 1 to 2916"):
        ColoredShapes(length=3000)
    with pytest.raises(IndexError, match="image 5 of 5"):
        ColoredShapes(length=5)[5]
