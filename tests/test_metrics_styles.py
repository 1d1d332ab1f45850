"""Containment, layer role and recovery, on a painter whose answers are known by hand."""

import math

import pytest
import torch

from sempal_lib import metrics
from sempal_lib.image_gans import Latents
from sempal_lib.image_gans.editing import drawn_anew
from sempal_lib.metrics import styles

PARTS = Latents(global_dim=2, layers=2, num_classes=3, class_dim=4)
SIZE = 16


def layouts(n=3):
    """Class 0 over class 1, and in the corner 8×8 px of class 2; in the first alone also a row of no class."""
    y = torch.zeros(n, SIZE, SIZE, dtype=torch.uint8)
    y[:, 8:] = 1
    y[:, :8, :8] = 2
    y[0, -1] = 255
    return y


def codes(n=3, seed=0, parts=PARTS):
    return torch.randn(n, parts.length, generator=torch.Generator().manual_seed(seed))


def board():
    return ((torch.arange(SIZE)[:, None] + torch.arange(SIZE)) % 2 * 2 - 1).float()


def paint(y, z, leak=0.0):
    """Layer 2 gives each region one colour, layer 3 a chessboard; a share `leak` of the colour is everywhere."""
    parts = PARTS.split(z)["layers"]
    index = torch.where(y < 3, y, 0).long()
    rows = torch.arange(len(y))[:, None, None]
    colour, texture = (parts[rows, layer, index][..., :3].permute(0, 3, 1, 2) for layer in (0, 1))
    spilt = leak * parts[:, 0].sum(1)[:, :3, None, None]
    return torch.where((y < 3)[:, None], colour + texture * board(), 0) + spilt


class TestPairs:
    def test_by_hand(self):
        scenes, classes = metrics.pairs_in(layouts(2), 3)
        assert list(zip(scenes.tolist(), classes.tolist(), strict=True)) == [
            (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2),
        ]  # fmt: skip
        assert metrics.pairs_in(layouts(2), 3, 65)[1].tolist() == [1, 1]
        with pytest.raises(ValueError, match="no class has 200 pixels in any layout"):
            metrics.pairs_in(layouts(), 3, 200)

    def test_each_row_gets_its_class_alone(self):
        z, other, classes = codes(), codes(seed=1), torch.tensor([2, 0, 2])
        for layer in (None, 2, 3):
            found = styles.with_codes(PARTS, z, other, classes, layer)
            for row, c in enumerate(classes.tolist()):
                one = slice(row, row + 1)
                assert torch.equal(found[one], PARTS.replace(z[one], other[one], layer, c))
        assert torch.equal(z, codes())
        with pytest.raises(ValueError, match="layer 4 has no code"):
            styles.with_codes(PARTS, z, other, classes, 4)

    def test_without_codes_of_classes_all_is_drawn(self):
        plain, classes = Latents(6), torch.tensor([0, 1, 2])
        z, other = codes(parts=plain), codes(seed=1, parts=plain)
        assert torch.equal(styles.with_codes(plain, z, other, classes), other)


class TestContainment:
    def test_is_whole_where_a_code_stays_in_its_region(self):
        found = metrics.redraw(paint, PARTS, layouts(), codes(), 3)  # z is of the same seed
        share, area = metrics.containment(found)
        assert share.tolist() == pytest.approx([1] * 9)
        assert area[found.classes == 2].tolist() == pytest.approx([0.25] * 3)
        assert area.tolist()[1] == pytest.approx(7 / 16)  # a row of no class

    def test_is_the_area_where_all_changes_alike(self):
        plain = Latents(6)

        def flat(y, z):
            return z[:, :3, None, None].expand(-1, -1, SIZE, SIZE)

        found = metrics.evaluate_styles(flat, plain, layouts(), codes(parts=plain), 3)
        assert found["containment"][0] == pytest.approx(found["containment_area"][0])
        assert found["containment"][1] == 9

    def test_against_a_loop(self):
        z = codes()
        found = metrics.redraw(lambda y, z: paint(y, z, 0.3), PARTS, layouts(), z, 3, seed=5)
        other = drawn_anew(PARTS, 9, 5)
        share, row = metrics.containment(found)[0], 0
        for n in range(3):
            for c in range(3):
                new = PARTS.replace(z[n : n + 1], other[row : row + 1], cls=c)
                before, after = (paint(layouts()[n : n + 1], x, 0.3)[0] for x in (z[n : n + 1], new))
                within = total = 0.0
                for y in range(SIZE):
                    for x in range(SIZE):
                        change = float((after - before)[:, y, x].abs().sum())
                        total += change
                        within += change if layouts()[n, y, x] == c else 0
                assert share[row] == pytest.approx(within / total, rel=1e-4)
                row += 1

    def test_seed_is_the_codes(self):
        one, same, other = (metrics.redraw(paint, PARTS, layouts(), codes(), 3, seed=s).change for s in (1, 1, 2))
        assert torch.equal(one, same)
        assert not torch.equal(one, other)

    def test_mean_is_over_classes_and_leaves_out_what_did_not_change(self):
        values, classes = torch.tensor([1.0, 0.0, math.nan, 0.5]), torch.tensor([0, 0, 0, 2])
        assert metrics.by_class(values, classes, 3)[[0, 2]].tolist() == [0.5, 0.5]
        assert metrics.by_class(values, classes, 3)[1].isnan()
        still = metrics.redraw(lambda y, z: torch.zeros(len(y), 3, SIZE, SIZE), PARTS, layouts(), codes(), 3)
        assert metrics.containment(still)[0].isnan().all()
        assert metrics.strength(still).tolist() == [0] * 9


class TestLayers:
    def test_colour_is_coarse_and_texture_fine(self):
        colour, texture = (metrics.redraw(paint, PARTS, layouts(), codes(), 3, layer) for layer in (2, 3))
        assert float(metrics.fine_share(colour, 1.0).max()) < 1e-9  # whatever the form of the region
        assert float(metrics.fine_share(texture, 1.0).min()) > 0.95
        rows = metrics.evaluate_layers(paint, PARTS, layouts(), codes(), 3)
        assert list(rows) == [2, 3]
        assert rows[2]["layer_role"][0] < 0.01 < 0.5 < rows[3]["layer_role"][0]
        assert rows[2]["layer_role"][1] == 9

    def test_strength_by_hand(self):
        found = metrics.redraw(paint, PARTS, layouts(), codes(), 3, 2)
        expected = found.change[0][:, found.region[0]].abs().mean()
        assert metrics.strength(found)[0] == pytest.approx(float(expected))

    def test_gaussian_against_scipy(self):
        from scipy.ndimage import gaussian_filter

        x = torch.rand(1, 2, 12, 16, generator=torch.Generator().manual_seed(0))
        ours = styles._blurred(x, 1.0)
        for plane, blurred in zip(x[0], ours[0], strict=True):
            expected = gaussian_filter(plane.numpy(), 1.0, mode="constant", truncate=3.0)
            assert torch.allclose(blurred, torch.from_numpy(expected), atol=1e-5)

    def test_a_layer_that_does_nothing_has_no_role(self):
        def first_alone(y, z):
            parts = {k: v.clone() for k, v in PARTS.split(z).items()}
            parts["layers"][:, 1] = 0
            return paint(y, PARTS.join(parts))

        rows = metrics.evaluate_layers(first_alone, PARTS, layouts(), codes(), 3)
        assert rows[3] == {"style_strength": (0, 9)}


class TestRecovery:
    def known(self, count=120):
        """Colour of class c at layer 2, linearly; its kind at layer 3; class 2 in a few pictures."""
        random = torch.Generator().manual_seed(0)
        colors, kinds = torch.rand(count, 3, 3, generator=random), torch.randint(3, (count, 3), generator=random)
        z = codes(count, seed=1)
        parts = PARTS.split(z)["layers"]
        parts[:, 0, :, :3] = 2 * colors @ torch.randn(3, 3, generator=random)
        parts[torch.arange(count)[:, None], 1, torch.arange(3), kinds] += 6
        present = torch.ones(count, 3, dtype=torch.bool)
        present[30:, 2] = False
        return z, present, colors, kinds

    def test_reads_what_is_there_where_it_is(self):
        z, present, colors, kinds = self.known()
        found = {layer: metrics.recovery(PARTS, z, present, colors, layer) for layer in (None, 1, 2, 3)}
        assert found[2][:2].min() > 0.99
        assert found[None][:2].min() > 0.98
        assert max(found[1][:2].max(), found[3][:2].max()) < 0.05
        assert all(x[2].isnan() for x in found.values())  # too rare
        assert metrics.recovery(PARTS, z, present, kinds, 3)[:2].min() > 0.9
        assert metrics.recovery(PARTS, z, present, kinds, 2)[:2].max() < 0.15

    def test_of_shuffled_colours_is_nothing(self):
        z, present, colors, kinds = self.known()
        for factors in (colors, kinds):
            assert metrics.recovery(PARTS, z, present, factors, shuffle=3)[:2].max() < 0.15

    def test_r2_by_hand(self):
        """Codes that say nothing give the mean of the other folds, which is a little worse than the whole mean."""
        flat = metrics.readable_colour(
            torch.zeros(60, 2), torch.rand(60, 3, generator=torch.Generator().manual_seed(0))
        )
        assert -0.2 < flat < 0
        exact = torch.rand(60, 3, generator=torch.Generator().manual_seed(1))
        assert metrics.readable_colour(exact @ torch.eye(3), exact) > 0.99
        assert math.isnan(metrics.readable_colour(exact, torch.ones(60, 3)))
        assert math.isnan(metrics.readable_colour(exact[:49], exact[:49]))

    def test_a_kind_that_is_always_named_is_not_read(self):
        kinds = (torch.arange(100) % 5 == 0).long()
        assert metrics.readable_kind(torch.zeros(100, 2), kinds) == 0
        assert metrics.readable_kind(kinds[:, None].float(), kinds) == 1
        assert math.isnan(metrics.readable_kind(torch.zeros(100, 2), 0 * kinds))

    def test_unknown_kinds_do_not_count(self):
        z, present, _, kinds = self.known()
        wrong = kinds.clone()
        wrong[:20] = -1
        part = metrics.recovery(PARTS, z[20:], present[20:], kinds[20:], 3)
        assert metrics.recovery(PARTS, z, present, wrong, 3)[0] == pytest.approx(float(part[0]))

    def test_of_a_code_of_the_whole_picture(self):
        plain = Latents(5)
        z, present, colors, _ = self.known()
        z = torch.cat([colors[:, 0], torch.zeros(len(z), 2)], 1)
        found = metrics.recovery(plain, z, present, colors)
        assert found[0] > 0.99
        assert found[1] < 0.1
        with pytest.raises(ValueError, match="layer 2 has no code"):
            metrics.recovery(plain, z, present, colors, 2)
        with pytest.raises(ValueError, match="expected one shape"):
            metrics.recovery(plain, z, present[:, :2], colors)


class TestColours:
    def test_of_regions_by_hand(self):
        y = layouts(2)
        images = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
        found = metrics.region_colours(images, y, 4)
        for n in range(2):
            for c in range(3):
                assert torch.allclose(found[n, c], images[n][:, y[n] == c].mean(1), atol=1e-5)
        assert found[:, 3].isnan().all()
        assert metrics.region_colours(images, y, 3, 65)[:, [0, 2]].isnan().all()

    def test_error_is_of_the_classes_that_both_show(self):
        y, theirs = layouts(2), layouts(2)
        theirs[:, :8, :8] = 0  # no class 2
        made = torch.zeros(2, 3, SIZE, SIZE)
        references = torch.where(theirs == 1, 0.5, -0.25)[:, None].expand(-1, 3, -1, -1)
        assert metrics.style_error(made, y, references, theirs, 3) == (pytest.approx((0.5 + 0.25) / 2), 4)
        assert metrics.style_error(references, theirs, references, theirs, 3) == (0, 4)
        assert math.isnan(metrics.style_error(made, 0 * y, made, 0 * y + 1, 3)[0])
