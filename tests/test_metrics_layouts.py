"""Layout metrics against hand-made values and slow plain versions."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch

from sempal_lib import metrics
from sempal_lib.palettes import palette_of


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


def street(n=240, height=16):
    from sempal_lib import datasets

    return datasets.load("toy-street", "train", (height, 2 * height), limit=n).layouts().long()


def in_a_loop(real, fake, classes):
    """Cell by cell and layout by layout, the class shares counted one by one."""

    def cell(layout, i, j):
        h, w = layout.shape[0] // 4, layout.shape[1] // 4
        pixels = layout[i * h : (i + 1) * h, j * w : (j + 1) * w].flatten().tolist()
        return [100 * pixels.count(c) / len(pixels) for c in range(classes)]

    real = [*real, *(layout.flip(1) for layout in real)]
    found = []
    for i in range(4):
        for j in range(4):
            rows = (torch.tensor([cell(layout, i, j) for layout in layouts]) for layouts in (real, fake))
            found.append(metrics.frechet_distance(*rows).item())
    return sum(found) / len(found)


def test_distance_of_cells_against_a_loop():
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randint(3, (n, 8, 16), generator=random) for n in (7, 5))
    found = metrics.grid_segmentation_distance(real, fake, 3).item()
    assert found == pytest.approx(in_a_loop(real, fake, 3), rel=1e-5)
    # Proportions of a cell do not know its size.
    larger = fake.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert metrics.grid_segmentation_distance(real, larger, 3).item() == pytest.approx(found, rel=1e-6)


def test_distance_of_cells_sees_where_things_are():
    real = street()
    seen, other = real[::2], torch.cat([real[1::4], real[3::4].flip(2)])
    floor = metrics.grid_segmentation_distance(seen, other, 19)
    order = torch.rand(other.flatten(1).shape, generator=torch.Generator().manual_seed(0)).argsort(1)
    shuffled = other.flatten(1).gather(1, order).view_as(other)
    assert metrics.grid_segmentation_distance(seen, shuffled, 19) > 20 * floor
    assert metrics.grid_segmentation_distance(seen, other.flip(1), 19) > 50 * floor  # upside down
    halves_swapped = other.roll(16, 2)
    assert metrics.grid_segmentation_distance(seen, halves_swapped, 19) > 5 * floor
    for moved in (shuffled, other.flip(1), halves_swapped):  # of which the FSD sees nothing
        fsd = metrics.frechet_segmentation_distance(*(palette_of(x, 19) for x in (other, moved)))
        assert fsd.item() == pytest.approx(0, abs=1e-5)


def test_mirror_images_are_real_ones_unless_said_otherwise():
    """Training shows both; the world itself is not symmetric."""
    real = street()
    assert metrics.grid_segmentation_distance(real, real.flip(2), 19, mirrored=False) > 100
    found = [metrics.grid_segmentation_distance(real, x, 19).item() for x in (real, real.flip(2))]
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    both = torch.cat([real, real.flip(2)])
    assert metrics.grid_segmentation_distance(real, both, 19).item() == pytest.approx(0, abs=1e-4)


def test_cells_that_are_ignored_count_nowhere():
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randint(3, (n, 8, 16), generator=random) for n in (9, 6))
    holes = real.clone()
    holes[:, 6:] = 255  # the bonnet of the car that films: the lowest row of cells is in no real layout
    cut = metrics.grid_segmentation_distance(holes, fake, 3, 255).item()
    changed = fake.clone()
    changed[:, 6:] = 0
    assert metrics.grid_segmentation_distance(holes, changed, 3, 255).item() == pytest.approx(cut, abs=0)
    few = real.clone()
    few[:5, :2, :4] = 255  # in a cell of these five nothing is seen
    kept = metrics.grid_segmentation_distance(few, fake, 3, 255, mirrored=False).item()
    rest = metrics.grid_segmentation_distance(real, fake, 3, mirrored=False).item()
    of_cell = [metrics.frechet_segmentation_distance(*(palette_of(x[:, :2, :4], 3) for x in (r, fake))).item()
               for r in (real, real[5:])]  # fmt: skip
    assert kept - rest == pytest.approx((of_cell[1] - of_cell[0]) / 16, rel=1e-4)
    with pytest.raises(ValueError, match="1 real layouts are too few"):
        metrics.grid_segmentation_distance(real[:1], fake, 3, mirrored=False)
    with pytest.raises(ValueError, match="which 4×4 cells do not divide"):
        metrics.grid_segmentation_distance(real[:, :6], fake, 3)


def test_exact_counts_do_not_hide_an_untrained_network():
    """What exact counts promise they keep for any network; where the pixels are has to be learnt."""
    from sempal_lib.layout_gans import LayoutGenerator
    from sempal_lib.records import reference_run
    from sempal_lib.training import load_generator

    trained, space, mixture = load_generator(
        reference_run("05_semantic_palette", "toy-street") / "generator.safetensors"
    )
    torch.manual_seed(0)
    untrained = LayoutGenerator(trained.settings).eval()
    real, palettes = street(height=trained.size[0]), mixture.sample(96, seed=0)
    found = [
        metrics.evaluate_layouts(net, palettes[:8], real, palettes, exact=True, ignore_index=space.ignore_index)
        for net in (trained, untrained)
    ]
    for empty in ("palette_kl", "budget_mae", "fsd"):
        assert found[0][empty] == found[1][empty]
    assert found[1]["fsd_grid"][0] > 10 * found[0]["fsd_grid"][0]


def test_evaluation_against_single_calls():
    from sempal_lib.layout_gans import GeneratorSettings, LayoutGenerator

    torch.manual_seed(0)
    generator = LayoutGenerator(GeneratorSettings(4, 8, 16, latent_dim=3, max_channels=4))
    targets, typical = palettes(6, 4), palettes(7, 4, 2)
    real = torch.randint(4, (9, 8, 16), generator=torch.Generator().manual_seed(1))
    real[:, 0, :5] = 255
    found = metrics.evaluate_layouts(generator, targets, real, typical, seed=5, ignore_index=255)
    random = torch.Generator().manual_seed(5)
    made = [generator.generate(torch.randn(len(t), 3, generator=random), t) for t in (targets, typical)]
    followed, free = (palette_of(layouts, 4) for layouts in made)
    assert found["palette_kl"] == (metrics.palette_kl(targets, followed).item(), 6)
    assert found["budget_mae"] == (metrics.proportion_error(targets, followed).mean().item(), 6)
    assert found["fsd"] == (metrics.frechet_segmentation_distance(palette_of(real, 4, 255), free).item(), 7)
    assert found["fsd_grid"] == (metrics.grid_segmentation_distance(real, made[1], 4, 255).item(), 7)
    exact = metrics.evaluate_layouts(generator, targets, real, typical, exact=True, ignore_index=255)
    assert exact["budget_mae"][0] < 1 / 128
