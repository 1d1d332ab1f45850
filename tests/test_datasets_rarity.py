"""Rarity of a class's looks: densities against SciPy's own, draws and masks by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import gaussian_kde

from sempal_lib.datasets.rarity import mean_colors, rarity, rarity_mask, rebalanced_draws


@pytest.fixture(scope="module")
def scenes():
    """Eighty scenes: class 0 on top, below it class 1 in the first sixty, else class 2; one pixel ignored."""
    random = torch.Generator().manual_seed(0)
    images = (torch.rand(80, 3, 1, 1, generator=random) + 0.2 * torch.rand(80, 3, 4, 6, generator=random)) * 200
    layouts = torch.zeros(80, 4, 6, dtype=torch.uint8)
    layouts[:60, 2:], layouts[60:, 2:], layouts[:, 0, 0] = 1, 2, 255
    return images.byte(), layouts


def test_mean_colors_by_hand():
    images = torch.tensor([[[10, 20], [30, 40]], [[0, 0], [0, 2]], [[1, 1], [1, 1]]], dtype=torch.uint8)[None]
    colors, pixels = mean_colors(images, torch.tensor([[[0, 0], [2, 255]]]), 3)
    assert colors.tolist() == [[[15, 0, 1], [0, 0, 0], [30, 0, 1]]]
    assert pixels.tolist() == [[2, 0, 1]]


def test_rarity_is_one_over_the_density(scenes):
    images, layouts = scenes
    found = rarity(images, layouts, 4, least=30)
    for index, among in ((0, range(80)), (1, range(60))):
        inside = [(layouts[n] == index).numpy() for n in among]
        points = np.array([images[n].numpy()[:, mask].mean(axis=1) for n, mask in zip(among, inside, strict=True)]).T
        assert np.allclose(found[list(among), index], 1 / gaussian_kde(points)(points), rtol=1e-5)
    assert not found[60:, 1].any()  # the class is not there
    assert not found[:, 2:].any()  # in twenty scenes only; in none


def test_classes_in_few_scenes_or_of_few_colours_have_no_density(scenes):
    images, layouts = scenes
    assert (rarity(images, layouts, 3) > 0).any(0).tolist() == [True, False, False]  # 67 scenes at least
    grey = images[:, :1].expand(-1, 3, -1, -1)
    assert not rarity(grey, layouts, 3).any()
    one = images.clone()
    one[5] = 0
    found = rarity(one, layouts, 3)
    assert found[5, 0] == 0
    assert torch.equal(found[:5], rarity(torch.cat([one[:5], one[6:]]), torch.cat([layouts[:5], layouts[6:]]), 3)[:5])


def test_draws_go_round_the_classes_by_rarity():
    rarities = torch.tensor([[1.0, 0, 0], [3, 0, 0], [0, 5, 0]])
    drawn = rebalanced_draws(rarities, 4001, (0, 1), torch.Generator().manual_seed(1))
    assert drawn.shape == (4001,)
    assert (drawn[1::2] == 2).all()
    assert set(drawn[::2].tolist()) == {0, 1}
    assert (drawn[::2] == 1).float().mean().item() == pytest.approx(0.75, abs=0.03)
    again = rebalanced_draws(rarities, 4001, (0, 1), torch.Generator().manual_seed(1))
    assert torch.equal(drawn, again)
    with pytest.raises(ValueError, match=r"classes \[2\] have no rarity in any of the 3 scenes: leave them out"):
        rebalanced_draws(rarities, 4, (0, 2), torch.Generator())


def test_mask_by_hand():
    layouts = torch.tensor([[[0, 1], [2, 255]], [[0, 1], [2, 0]]])
    mask = rarity_mask(torch.tensor([[2.0, 8, 0], [0, 0, 0]]), layouts)
    assert mask.tolist() == [[[0.25, 1], [0.25, 0]], [[1, 1], [1, 1]]]
