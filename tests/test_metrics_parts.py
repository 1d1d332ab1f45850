"""Metrics of edited regions: by hand, and against a slow plain version."""

import math

import pytest
import torch

from sempal_lib import metrics


def scenes(n=6, size=(8, 16), classes=4, seed=0):
    random = torch.Generator().manual_seed(seed)
    layouts = torch.randint(classes, (n, size[0] // 4, size[1] // 4), generator=random)
    layouts = layouts.repeat_interleave(4, 1).repeat_interleave(4, 2)
    return layouts, torch.rand(n, *size, generator=random) < 0.4


def test_palette_within_by_hand():
    layout = torch.tensor([[[0, 1, 1, 255]]])
    region = torch.tensor([[[True, True, False, True]]])
    assert metrics.palette_within(layout, region, 2).tolist() == [[0.5, 0.5]]
    assert metrics.palette_within(layout, torch.tensor([[[False, False, False, True]]]), 2).tolist() == [[0, 0]]


def test_edges_by_hand():
    layout = torch.tensor([[[0, 0, 1], [0, 2, 1]]])
    region = torch.tensor([[[True, True, False], [True, True, False]]])
    within, across = metrics.edge_shares(layout, region)
    assert (within.item(), across.item()) == (0.5, 1)
    assert math.isnan(metrics.edge_shares(layout, torch.ones_like(region))[1].item())
    layout[0, 1, 1] = 255  # both of its pairs within go, and one across
    within, across = metrics.edge_shares(layout, region)
    assert (within.item(), across.item()) == (0, 1)


def test_edges_against_a_loop():
    layouts, regions = scenes()
    layouts[0, :3] = 255
    counts = {True: [0, 0], False: [0, 0]}
    n, height, width = layouts.shape
    for i in range(n):
        for y in range(height):
            for x in range(width):
                for yy, xx in ((y + 1, x), (y, x + 1)):
                    if (
                        yy < height
                        and xx < width
                        and 255 not in (a := int(layouts[i, y, x]), b := int(layouts[i, yy, xx]))
                    ):
                        inside = int(regions[i, y, x]) + int(regions[i, yy, xx])
                        if inside:
                            counts[inside == 2][0] += a != b
                            counts[inside == 2][1] += 1
    within, across = metrics.edge_shares(layouts, regions)
    assert within.item() == pytest.approx(counts[True][0] / counts[True][1])
    assert across.item() == pytest.approx(counts[False][0] / counts[False][1])


def test_controls_are_told_apart():
    layouts, regions = scenes(200)
    regions = torch.zeros_like(regions)
    regions[:, 2:7, 3:12] = True
    targets = metrics.palette_within(layouts, regions, 4)
    kept = metrics.evaluate_edits(layouts, regions, targets, layouts)
    assert kept["palette_kl"] == (pytest.approx(0, abs=1e-4), 200)
    assert kept["fsd"][0] == pytest.approx(0, abs=1e-3)
    # Pixels drawn from the palette follow it, and fit nothing.
    drawn = metrics.drawn_at_random(layouts, regions, targets)
    assert torch.equal(drawn[~regions], layouts[~regions])
    noise = metrics.evaluate_edits(drawn, regions, targets, layouts)
    shuffled = metrics.evaluate_edits(layouts, regions, targets.roll(1, 0), layouts)
    assert noise["palette_kl"][0] < 0.1 < shuffled["palette_kl"][0]
    for name in ("edges_within", "edges_across"):
        assert noise[name][0] > 2 * kept[name][0]
    with pytest.raises(ValueError, match="layouts is int64"):
        metrics.evaluate_edits(layouts, regions[:, :4], targets, layouts)
