"""Additions to layouts: the budget, where they may lie, an exact count, what is refused, and the metrics of them."""

import pytest
import torch

from sempal_lib import face_editing, metrics
from sempal_lib.label_spaces_of_people import CELEBA_19
from sempal_lib.layout_gans import FaceGenerator, GeneratorSettings
from sempal_lib.layout_gans.additions import additions_to, allowed, with_rest
from sempal_lib.losses_of_additions import novelty_loss
from sempal_lib.palettes import palette_of

CLASSES, SIZE = 4, (16, 16)
SMALL = GeneratorSettings(CLASSES, *SIZE, latent_dim=6, max_channels=8)


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return FaceGenerator(SMALL).eval()


def faces(batch=6, height=16, seed=0):
    small = torch.randint(CLASSES, (batch, 4, 4), generator=torch.Generator().manual_seed(seed))
    return small.repeat_interleave(height // 4, 1).repeat_interleave(height // 4, 2)


def share(cls, amount):
    found = torch.zeros(CLASSES)
    found[cls] = amount
    return found


def test_budget_by_hand():
    p, t = torch.tensor([[0.5, 0.3, 0.2, 0.0]]), torch.tensor([[0.2, 0.3005, 0.2, 0.2995]])
    found = additions_to(p, t)
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 0.0, 0.2995]]))  # 0.0005 is dropped
    torch.testing.assert_close(with_rest(found), torch.tensor([[0.0, 0.0, 0.0, 0.2995, 0.7005]]))


def test_novelty_by_hand():
    y = torch.zeros(1, 2, 1, 2)
    y[:, 0] = 1
    other = y.clone()
    other[0, :, 0, 0] = torch.tensor([0.0, 1.0])  # one of two pixels: two of four entries change by 1
    assert float(novelty_loss(other, y)) == pytest.approx(1 / (0.5 + 1e-5))
    assert float(novelty_loss(y, y)) == pytest.approx(1e5)


@pytest.mark.parametrize("height", [16, 32])
@pytest.mark.parametrize("how", [{}, {"exact": True}, {"confine": False}])
def test_only_what_is_asked_for_is_painted(generator, how, height):
    before = faces(height=height)
    before[:, 0, :3] = 255
    kept = before.clone()
    after = generator.add(before, share(2, 0.2), 1, **how)
    assert torch.equal(before, kept)
    assert (after[before != after] == 2).all()
    assert (after[before == 255] == 255).all()
    assert (after[before == 2] == 2).all()
    assert after.shape == before.shape
    assert after.dtype == before.dtype


def test_exact_additions_are_exact_and_do_not_eat_each_other(generator):
    before = faces(height=32)
    both = share(1, 0.125) + share(3, 0.0625)
    gain = palette_of(generator.add(before, both, exact=True), 4) - palette_of(before, 4)
    torch.testing.assert_close(gain[:, [1, 3]], both[[1, 3]].expand(6, -1))
    over = torch.tensor([True, False, False, False])
    room = palette_of(before, 4)[:, 0]
    rows = share(2, 1.0) * (room / 2).unsqueeze(1)
    after = generator.add(before, rows, exact=True, over=over)
    assert (before[before != after] == 0).all()
    torch.testing.assert_close(palette_of(after, 4)[:, 0], room / 2, atol=1 / 1024, rtol=0)


def test_where_each_class_may_be_painted_by_hand():
    layout = torch.tensor([[[0, 1, 2, 255]]])
    free = allowed(layout, torch.tensor([[0.1, 0.0, 0.0]]))
    assert free[0, :, 0].int().tolist() == [[0, 1, 1, 0], [0, 0, 1, 0], [0, 1, 0, 0], [1, 1, 1, 1]]


def test_one_layout_is_as_many_and_seeds_differ(generator):
    before = faces()
    after = generator.add(before, share(2, 0.2), seed=3)
    assert torch.equal(generator.add(before, share(2, 0.2), seed=3, batch_size=2), after)
    assert torch.equal(generator.add(before[0], share(2, 0.2)), generator.add(before[:1], share(2, 0.2))[0])
    assert not torch.equal(generator.add(before, share(2, 0.2), seed=4), after)
    assert torch.equal(generator.add(before, torch.zeros(CLASSES), exact=True), before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"additions": torch.full((4,), 0.3)}, "additions are 120% of the frame, which has 100 %: ask for less"),
        ({"additions": torch.tensor([0, 0, 0.9, 0])}, "only 75.0% can be painted over: ask for less"),
        ({"additions": torch.tensor([0, -0.1, 0, 0])}, "-10.0% of class 1: nothing can be taken away"),
        ({"additions": torch.zeros(3)}, "expected 4 shares of the frame, one a class"),
        ({"additions": torch.zeros(2, 4)}, "expected 4 shares of the frame"),
        ({"additions": torch.tensor([0, float("nan"), 0, 0])}, "no number"),
        ({"over": torch.ones(3, dtype=torch.bool)}, r"over is bool \[3\], expected bool \[4\]"),
        ({"layout": torch.zeros(8, 16, dtype=torch.long)}, "layout is 8×16 px, the generator paints 16×16"),
        ({"layout": torch.full(SIZE, 7)}, r"labels \[7\]"),
    ],
)
def test_add_names_what_is_wrong(generator, change, message):
    layout = torch.arange(4).repeat_interleave(4).unsqueeze(1).expand(16, 16).contiguous()
    with pytest.raises(ValueError, match=message):
        generator.add(**{"layout": layout, "additions": share(2, 0.1)} | change)


def test_metrics_tell_an_edit_from_none_and_from_another(generator):
    before = faces(12)
    asked = share(2, 1.0) * torch.linspace(0.02, 0.3, 12).unsqueeze(1)
    after = generator.add(before, asked, exact=True)
    value = lambda x, a=asked: metrics.evaluate_additions(before, x, a)["budget_mae"][0]  # noqa: E731
    assert value(after) <= 0.5 / 256 + 1e-6
    assert value(before) == pytest.approx(0.16, abs=1e-6)
    assert value(after, asked.flip(0)) > 0.1
    wrong = torch.where(before == 0, 1, before)
    assert metrics.evaluate_additions(before, wrong, asked)["changed_outside"][0] == pytest.approx(
        float((before == 0).float().mean())
    )
    assert metrics.evaluate_additions(before, after, asked)["changed_outside"][0] == 0


def test_overlap_by_hand(monkeypatch):
    torch.manual_seed(0)
    net = FaceGenerator(SMALL).eval()
    layout = torch.zeros(1, 16, 16, dtype=torch.long)
    layout[:, :, :4] = 2
    everywhere = metrics.overlap(net, layout, share(2, 0.5)[None])
    for to_mask in net.to_mask:  # all scores alike: what is painted lies evenly, a quarter of it on the old class
        to_mask.weight.data.zero_()
    assert metrics.overlap(net, layout, share(2, 0.5)[None]) == pytest.approx(0.25)
    assert everywhere != pytest.approx(0.25, abs=1e-4)


def test_scattered_follows_its_shares():
    before = torch.zeros(4, 64, 64, dtype=torch.long)
    after = metrics.scattered(before, share(2, 0.3).expand(4, -1))
    assert float((after == 2).float().mean()) == pytest.approx(0.3, abs=0.02)
    assert ((after == 0) | (after == 2)).all()


def test_targets_of_edits_by_hand():
    names = list(CELEBA_19.names)
    p = torch.zeros(1, 19)
    p[0, names.index("hair")], p[0, names.index("skin")], p[0, 0] = 0.2, 0.3, 0.5
    more = face_editing.target_of(p, face_editing.EDITS["more hair"], names)[0]
    assert [round(float(more[names.index(n)]), 4) for n in ("hair", "skin", "background")] == [0.4, 0.22, 0.38]
    bald = face_editing.target_of(p, face_editing.EDITS["bald"], names)[0]
    assert [round(float(bald[names.index(n)]), 4) for n in ("hair", "skin", "background")] == [0, 0.45, 0.55]
    assert list(face_editing.edits_for(["background", "skin", "hair"])) == [
        "more hair", "hair on a bald head", "bald", "wider face",
    ]  # fmt: skip
    assert len(face_editing.edits_for(names)) == len(face_editing.EDITS)
