"""The painter of pages and editors: styles of a photo, what fills a gap, keeping and mixing, and its file."""

import pytest
import torch
from torch import nn

from sempal_lib import metrics, training
from sempal_lib.image_gans import Latents, SeanGenerator, SeanSettings, StyleEncoder
from sempal_lib.image_gans.editing import filled
from sempal_lib.label_spaces_of_people import CELEBA_19, twins_of
from sempal_lib.labels import label_space_of
from sempal_lib.parameters import resolve
from sempal_lib.training import checkpoint, once

FACE = label_space_of([("background", (0, 0, 0)), ("l_eye", (0, 0, 9)), ("r_eye", (0, 9, 0)), ("hat", (9, 0, 0))])
LATENTS = Latents(2, 1, 4, 1)


def painter(std=0.3):
    torch.manual_seed(0)
    settings = SeanSettings(4, 16, 16, ngf=4, doublings=2, hidden=8, style_dim=6)
    generator, encoder = SeanGenerator(settings).eval(), StyleEncoder(settings).eval()
    for parameter in (*generator.parameters(), *encoder.parameters()):
        nn.init.normal_(parameter, std=std)
    mean = torch.zeros(1, generator.noise_dim)
    mean[:, generator.latents.index(2)] = 0.5
    return training.StylePainter(generator, encoder, mean, FACE)


def faces():
    """Two photos and their layouts: the first has one eye, the second both, and a hat."""
    layouts = torch.zeros(2, 16, 16, dtype=torch.long)
    layouts[:, 4:8, 2:6] = 1
    layouts[1, 4:8, 10:14], layouts[1, :3] = 2, 3
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1, layouts


def test_twins():
    names = CELEBA_19.names
    pairs = {names[i]: names[j] for i, j in enumerate(twins_of(CELEBA_19)) if i != j}
    assert pairs == {
        "l_eye": "r_eye", "r_eye": "l_eye", "l_brow": "r_brow", "r_brow": "l_brow", "l_ear": "r_ear", "r_ear": "l_ear",
    }  # fmt: skip
    assert twins_of(label_space_of([("background", (0, 0, 0)), ("l_eye", (1, 1, 1))])) == [0, 1]


def test_what_fills_a_gap():
    """By hand: class 1 is shown, its twin 2 takes from it; 3 takes the mean; where neither twin is, both do."""
    codes, mean = torch.tensor([[9.0, 8, 1, 2, 0, 0], [7, 6, 5, 0, 0, 4]]), torch.tensor([[0.0, 0, 10, 11, 12, 13]])
    shown = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 1]]).bool()
    found = filled(LATENTS, codes, shown, mean, [0, 2, 1, 3])
    assert found.tolist() == [[9, 8, 1, 2, 2, 13], [7, 6, 5, 11, 12, 4]]
    with pytest.raises(ValueError, match=r"shown has shape \[2, 3\] and twins 4 entries, expected \[2, 4\] and 4"):
        filled(LATENTS, codes, shown[:, :3], mean, [0, 2, 1, 3])


def test_styles_of_a_photo():
    ours, (photos, layouts) = painter(), faces()
    codes, shown = ours.styles(photos, layouts)
    assert shown.tolist() == [[True, True, False, False], [True, True, True, True]]
    raw, _ = ours.encoder(photos, layouts)
    at = [ours.latents.index(2, c) for c in range(4)]
    torch.testing.assert_close(codes[1], raw[1])
    torch.testing.assert_close(codes[0, at[1]], raw[0, at[1]])
    torch.testing.assert_close(codes[0, at[2]], raw[0, at[1]])  # of the other eye
    assert (codes[0, at[3]] == 0.5).all()  # the mean hat
    of_other, _ = ours.styles(photos[:1], layouts[:1], codes[1:])
    torch.testing.assert_close(of_other[0, at[3]], raw[1, at[3]])


def test_a_style_is_kept_while_the_form_changes_and_taken_from_another():
    ours, (photos, layouts) = painter(), faces()
    codes, shown = ours.styles(photos, layouts)
    longer = layouts[:1].clone()
    longer[:, 8:12, 2:6] = 1
    assert torch.equal(ours.paint(longer, codes[:1]), ours.paint(longer, codes[:1]))
    mine, theirs = codes[:1], codes[1:]
    half = ours.mix(mine, theirs, shown[1:], [1], 0.5)
    at = ours.latents.index(2, 1)
    torch.testing.assert_close(half[:, at], (mine[:, at] + theirs[:, at]) / 2)
    rest = [i for i in range(half.shape[1]) if not at.start <= i < at.stop]
    assert torch.equal(half[:, rest], mine[:, rest])
    assert not torch.equal(ours.paint(longer, half), ours.paint(longer, mine))


def test_what_it_refuses():
    ours, (photos, layouts) = painter(), faces()
    codes, shown = ours.styles(photos, layouts)
    with pytest.raises(ValueError, match="the other picture shows no r_eye, hat: take these styles from one that does"):
        ours.mix(codes[1:], codes[:1], shown[:1], [1, 2, 3])
    for wrong in ((photos[:, :, :8], layouts), (photos[..., :8], layouts[..., :8]), (photos, layouts[:1])):
        with pytest.raises(ValueError, match="do not fit each other and the painter, of 16×16 px: bring both to that"):
            ours.styles(*wrong)
    with pytest.raises(ValueError, match=r"layout 0 has the labels \[7\], expected 0 to 3, or 255 for no class"):
        ours.styles(photos, torch.where(layouts == 1, 7, layouts))


def test_a_mask_with_parts_missing_is_painted():
    """Of a face whose mask was half drawn the rest is no class, and all styles but one are the mean."""
    ours, (photos, layouts) = painter(), faces()
    partly = torch.full_like(layouts[:1], 255)
    partly[:, 4:8, 2:6] = 1
    codes, shown = ours.styles(photos[:1], partly)
    assert shown.tolist() == [[False, True, False, False]]
    assert ours.paint(layouts[:1], codes).isfinite().all()


def test_it_is_trained_once_written_and_read(tmp_path, monkeypatch):
    """What is committed paints what the training painted, in half precision; without one there is none."""
    monkeypatch.setattr(once, "reference_root", lambda: tmp_path / "reference")
    given = {"preset": "smoke", "device": "cpu", "dataset": "toy-faces", "system": "sean", "steps": 2, "styles": 2}
    p = resolve("12_class_layer_vae", given)
    space = training.scene_set(p).label_space
    assert training.committed_painter(p, space) is None
    path = training.train_style_painter(p)
    assert path == tmp_path / "reference" / "style-painters" / "toy-faces-16x16.safetensors"
    found, data = training.committed_painter(p, space), training.scene_set(p)
    assert found.generator.settings.style_dim == p.class_dim == 4
    codes, shown = found.styles(data.held_out_images / 127.5 - 1, data.held_out.long())
    assert shown[:, 0].all()
    assert found.paint(data.held_out.long(), codes).shape == data.held_out_images.shape
    assert found.mean[:, found.latents.index(2)].any()
    assert not found.mean[:, found.latents.index(1)].any()
    tensors, facts = checkpoint.load(path)
    tensors["generator.last.bias"] = tensors["generator.last.bias"][:2]
    checkpoint.save(path, tensors, facts)
    with pytest.raises(training.CheckpointError, match="holds no painter with styles"):
        training.load_style_painter(path, space)


def test_the_committed_painter_paints_people_again():
    """24 faces that it never saw: nearer to the photographs than in others' styles, and a swap stays in its class."""
    p = resolve("12_class_layer_vae", {"preset": "demo", "device": "cpu", "dataset": "toy-faces", "seed": 77})
    data = training.scene_set(p.model_copy(update={"train_scenes": 8, "val_scenes": 24}))
    ours = training.committed_painter(p, data.label_space)
    photos, layouts = data.held_out_images / 127.5 - 1, data.held_out.long()
    codes, _ = ours.styles(photos, layouts)
    near, far = (metrics.psnr(ours.paint(layouts, z), photos).mean() for z in (codes, codes.roll(1, 0)))
    assert near > 18
    assert near > far + 4
    some = slice(0, 6)
    found = metrics.evaluate_swap(ours.paint, ours.latents, layouts[some], codes[some], 19)
    assert found["swap_outside"][0] < found["swap_inside"][0] / 5
