"""Control beyond the data: what is asked for along a sweep, what is counted, and the error by hand."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sempal_lib import metrics
from sempal_lib.palettes import palette_of, widened, with_share


class Timid(nn.Module):
    """Gives a class what is asked for up to a half, and never more; the rest is class 0's."""

    def __init__(self, classes=3):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.settings = SimpleNamespace(num_classes=classes, latent_dim=2)
        self.asked, self.noise = None, None

    def generate(self, z, palette, iterations=None, exact=False):
        self.asked, self.noise, self.options = palette, z, (iterations, exact)
        layouts = torch.zeros(len(palette), 1, 1000, dtype=torch.int64)
        for layout, target in zip(layouts, palette.tolist(), strict=True):
            begin = 0
            for c, share in list(enumerate(target))[1:]:
                count = round(1000 * min(share, 0.5))
                layout[0, begin : begin + count] = c
                begin += count
        return layouts


class TestShares:
    def test_the_others_share_the_rest_in_their_proportion(self):
        t = torch.tensor([[0.5, 0.3, 0.2]]).expand(3, -1)
        moved = with_share(t, torch.tensor([0, 1, 2]), torch.tensor([0.75, 0.0, 1.0]))
        torch.testing.assert_close(moved, torch.tensor([[0.75, 0.15, 0.1], [5 / 7, 0, 2 / 7], [0, 0, 1.0]]))

    def test_from_a_palette_of_one_class_the_others_share_evenly(self):
        moved = with_share(torch.tensor([[1.0, 0, 0]]), torch.tensor([0]), torch.tensor([0.4]))
        torch.testing.assert_close(moved, torch.tensor([[0.4, 0.3, 0.3]]))

    def test_widened_palettes_reach_any_share_of_any_class(self):
        t = torch.rand(4000, 19, generator=torch.Generator().manual_seed(0)).softmax(1)
        wide = widened(t, torch.Generator().manual_seed(1))
        torch.testing.assert_close(wide.sum(1), torch.ones(4000))
        assert (wide >= 0).all()
        assert t.max() < 0.2
        assert (wide.max(0).values > 0.9).all()
        largest = wide.max(1).values
        for low in (0.1, 0.3, 0.5, 0.7):  # from the palette's own to nearly all
            assert ((largest > low) & (largest < low + 0.2)).float().mean() > 0.1
        assert torch.equal(wide, widened(t, torch.Generator().manual_seed(1)))

    def test_widened_palettes_are_mixtures_of_two(self):
        """Of the palette that was given and of another one, as the second draw shows: all mass moves one way."""
        t = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]])
        random = torch.Generator().manual_seed(3)
        few = torch.rand(2, 3, generator=random).log().neg() ** 8
        weight = torch.rand(2, 1, generator=random)
        expected = (1 - weight) * t + weight * few / few.sum(1, keepdim=True)
        torch.testing.assert_close(widened(t, torch.Generator().manual_seed(3)), expected)


class TestSweep:
    real = torch.tensor([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]])

    def test_ranges(self):
        classes, shares = metrics.sweep_shares(self.real, within=False)
        assert classes.tolist() == [0, 1]  # no real layout has the third
        assert shares[0].tolist() == pytest.approx([0.05 + 0.1 * k for k in range(10)])
        _, within = metrics.sweep_shares(self.real, within=True)
        assert within[1].tolist() == pytest.approx([0.12 + 0.04 * k for k in range(10)])

    def test_what_is_asked_for_and_what_is_counted(self):
        generator, starts = Timid(), torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.4, 0.4]])
        shares = torch.tensor([[0.2, 0.8], [0.4, 0.6]])
        made = metrics.made_shares(generator, starts, torch.tensor([1, 2]), shares, 3, iterations=10)
        asked = generator.asked.view(2, 2, 2, 3)  # start, class, share
        assert asked[0, 0, 1].tolist() == pytest.approx([0.2 * 5 / 7, 0.8, 0.2 * 2 / 7])
        assert asked[1, 1, 0].tolist() == pytest.approx([0.2, 0.4, 0.4])
        noise = generator.noise.view(2, 4, 2)
        assert (noise == noise[:, :1]).all()  # stays along the sweeps of a start
        assert not torch.equal(noise[0], noise[1])
        assert generator.options == (10, False)
        torch.testing.assert_close(made, torch.tensor([[[0.2, 0.5], [0.4, 0.5]]] * 2))

    def test_error_by_hand(self):
        starts = torch.tensor([[0.5, 0.3, 0.2]] * 6)
        found = metrics.evaluate_control(Timid(), starts, torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.6, 0.2]]), seed=1)
        # Class 0 takes what is left: too much where a rest goes unpainted; classes 1 and 2 stop at a half.
        high = sum(0.05 + 0.1 * k - 0.5 for k in range(5, 10)) / 10
        zero = sum(max(0.6 * (1 - s) - 0.5, 0) for s in (0.05 + 0.1 * k for k in range(10))) / 10
        assert found["control_mae"] == (pytest.approx((2 * high + zero) / 3, abs=1e-3), 4 * 3 * 10)
        assert found["control_mae_largest"] == found["control_mae"]  # there are but three classes
        within = sum(max(0.315 + 0.03 * k - 0.5, 0) for k in range(10)) / 10
        assert found["control_mae_within"][0] == pytest.approx(within / 3, abs=1e-3)

    def test_the_largest_classes_have_a_number_of_their_own(self):
        real = torch.tensor([[0.3, 0.02, 0.25, 0.2, 0.2, 0.03]] * 2)
        found = metrics.evaluate_control(Timid(6), real.repeat(3, 1), real)
        classes, shares = metrics.sweep_shares(real, within=False)
        made = metrics.made_shares(Timid(6), real.repeat(2, 1), classes, shares)
        errors = (made - shares).abs().mean((0, 2))
        assert found["control_mae_largest"][0] == pytest.approx(float(errors[[0, 2, 3, 4]].mean()))
        assert found["control_mae"][0] == pytest.approx(float(errors.mean()))
        assert found["control_mae_largest"][1] == 4 * 4 * 10

    def test_exact_counts_are_exact(self):
        from sempal_lib.layout_gans import GeneratorSettings, LayoutGenerator

        torch.manual_seed(0)
        generator = LayoutGenerator(GeneratorSettings(3, 8, 16, latent_dim=2, max_channels=4)).eval()
        real = torch.rand(9, 3, generator=torch.Generator().manual_seed(0)).softmax(1)
        found = metrics.evaluate_control(generator, real, real, exact=True)
        assert found["control_mae"][0] < 1 / 128
        assert found["control_mae"][0] < metrics.evaluate_control(generator, real, real)["control_mae"][0]

    def test_palettes_are_checked(self):
        with pytest.raises(ValueError, match="a row of the real palettes sums to"):
            metrics.sweep_shares(torch.ones(2, 3), within=True)


def test_the_stand_in_is_what_it_says():
    made = palette_of(Timid().generate(torch.zeros(1, 2), torch.tensor([[0.1, 0.7, 0.2]])), 3)[0]
    torch.testing.assert_close(made, torch.tensor([0.3, 0.5, 0.2]))
