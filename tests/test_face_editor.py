"""The face editor: what sliders, styles, other faces, undo and save must do, and what is refused."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ipywidgets.embed import dependency_state
from PIL import Image
from test_widgets_painter import images, shown

from sempal_lib.image_gans import SeanGenerator, SeanSettings, StyleEncoder
from sempal_lib.label_spaces_of_people import CELEBA_19
from sempal_lib.labels import LabelSpace, label_space_of
from sempal_lib.pictures import pixels_of
from sempal_lib.training import StylePainter
from sempal_lib.widgets import STEP, FaceEditor, edit_face
from sempal_lib.widgets.face_parts import growth_of, heirs_of, parts_of, shares_of

SIZE = (16, 16)
PIXEL = 1 / 256
FACE = label_space_of(
    [("background", (0, 0, 0)), ("skin", (9, 0, 0)), ("hair", (0, 0, 9)), ("hat", (0, 9, 0)), ("l_eye", (9, 9, 0)),
     ("r_eye", (9, 0, 9))]
)  # fmt: skip


class Adder:
    """Stands in for a trained model: what is added lies on pixels of other classes, in a random order."""

    def __init__(self, num_classes=6):
        self.settings, self.calls = SimpleNamespace(num_classes=num_classes), []

    def add(self, layout, additions, seed=0, over=None):
        self.calls.append((layout, additions, seed))
        made, order = layout.clone(), torch.randperm(layout.numel(), generator=torch.Generator().manual_seed(seed))
        may = additions == 0 if over is None else over
        for c in additions.nonzero().flatten().tolist():
            free = order[may[made.flatten()[order].clamp(max=len(may) - 1)]]
            made.view(-1)[free[: round(float(additions[c]) * layout.numel())]] = c
        return made


def sean(space=FACE, size=SIZE, **widths):
    torch.manual_seed(0)
    settings = SeanSettings(
        space.num_classes, *size, **{"ngf": 2, "doublings": 2, "hidden": 4, "style_dim": 4} | widths
    )
    networks = SeanGenerator(settings).eval(), StyleEncoder(settings).eval()
    for parameter in (p for network in networks for p in network.parameters()):
        torch.nn.init.normal_(parameter, std=0.3)
    mean = torch.zeros(1, networks[0].noise_dim)
    mean[:, networks[0].latents.index(2)] = 0.5
    return StylePainter(*networks, mean, space)


def faces(count=3):
    """Hair over skin on a background; the second has a hat, the third but one eye."""
    layouts = torch.zeros(count, *SIZE, dtype=torch.long)
    layouts[:, 2:14, 4:12] = 1
    layouts[:, 2:6, 4:12] = 2
    layouts[:, 8, 5:7], layouts[:2, 8, 9:11] = 4, 5
    layouts[1, :2, 4:12] = 3
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, *SIZE), generator=random, dtype=torch.uint8), layouts


@pytest.fixture
def editor(tmp_path):
    return FaceEditor(Adder(), sean(), faces(), folder=tmp_path / "edits")


def share(layout, *classes):
    return float(torch.isin(layout, torch.tensor(classes)).double().mean())


class TestParts:
    def test_of_celebamask_join_both_sides(self):
        parts = parts_of(CELEBA_19)
        assert list(parts)[:4] == ["hair", "hat", "glasses", "ear-rings"]
        assert [CELEBA_19.names[c] for c in parts["eyes"]] == ["l_eye", "r_eye"]
        assert sorted(c for classes in parts.values() for c in classes) == list(range(1, 19))

    def test_of_three_classes(self):
        space = LabelSpace(("background", "hair", "skin"), ((0, 0, 0),) * 3)
        assert parts_of(space) == {"hair": [1], "skin": [2]}
        assert parts_of(LabelSpace(("skin", "beard"), ((0, 0, 0),) * 2)) == {"skin": [0], "beard": [1]}

    def test_shares_are_of_the_frame(self):
        layout = torch.tensor([[0, 1, 1, 255]])
        assert shares_of(layout, 3).tolist() == [0.25, 0.5, 0]

    def test_growth_by_hand(self):
        shares = torch.tensor([0.5, 0.2, 0.2, 0.0, 0.03, 0.01], dtype=torch.float64)
        parts = parts_of(FACE)

        def added(**wishes):
            return pytest.approx(growth_of(wishes, shares, parts).tolist())

        assert added(hair=0.3) == [0, 0, 0.1, 0, 0, 0]
        assert added(hair=0.1, hat=0.1) == [0, 0, 0, 0.1, 0, 0]
        assert added(eyes=0.08) == [0, 0, 0, 0, 0.03, 0.01]  # in their ratio
        assert added(hair=0.2005, skin=0.25) == [0, 0.05, 0, 0, 0, 0]  # what is less than a thousandth is dropped
        shares[4:] = 0
        assert growth_of({"eyes": 0.02}, shares, parts)[4:].tolist() == [0.01, 0.01]

    def test_heirs_by_hand(self):
        assert heirs_of("hair", 0.2, FACE).tolist() == pytest.approx([0.05, 0.15, 0, 0, 0, 0])
        assert heirs_of("hat", 0.1, FACE).tolist() == pytest.approx([0.03, 0, 0.07, 0, 0, 0])
        assert heirs_of("eyes", 0.1, FACE).tolist() == pytest.approx([0, 0.1, 0, 0, 0, 0])
        assert heirs_of("hair", 0.1, LabelSpace(("hair", "beard"), ((0, 0, 0),) * 2)).tolist() == [0, 0]


class TestWishes:
    def test_slider_adds_what_lacks_and_the_bar_says_what_it_has(self, editor):
        assert editor.sliders["hair"].value == 32 * PIXEL
        editor.sliders["hair"].value = 48 * PIXEL
        layout, additions, seed = editor.edits.generator.calls[-1]
        assert torch.equal(layout, faces()[1][0])
        assert additions.tolist() == pytest.approx([0, 0, 16 * PIXEL, 0, 0, 0])
        assert seed == 0
        assert share(editor.layout_now, 2) == 48 * PIXEL
        assert "hair: had 12.5%, asked 18.8%, made 18.8%" in editor.status.value
        assert "has 18.8%" in editor.dials._bars["hair"].value
        assert len(editor.edits.generator.calls) == 1  # the other sliders follow in silence

    def test_all_sliders_are_one_edit_of_the_faces_own_layout(self, editor):
        editor.sliders["hair"].value = 48 * PIXEL
        editor.sliders["hat"].value = 8 * PIXEL
        layout, additions, _ = editor.edits.generator.calls[-1]
        assert torch.equal(layout, faces()[1][0])
        assert additions.tolist() == pytest.approx([0, 0, 16 * PIXEL, 8 * PIXEL, 0, 0])
        assert editor.wishes == {"hair": 48 * PIXEL, "hat": 8 * PIXEL}
        editor.sliders["hair"].value = 32 * PIXEL
        editor.sliders["hat"].value = 0
        assert torch.equal(editor.layout_now, faces()[1][0])  # the way it came

    def test_what_shrinks_is_painted_over_and_nothing_else(self, editor):
        start = editor.layout_now
        editor.sliders["hair"].value = 16 * PIXEL
        changed = editor.layout_now != start
        assert (start[changed] == 2).all()
        assert share(editor.layout_now, 2) == 16 * PIXEL
        assert share(editor.layout_now, 1) == share(start, 1) + 12 * PIXEL  # three quarters
        editor.ask({"hat": 8 * PIXEL})
        assert share(editor.layout_now, 3) == 8 * PIXEL

    def test_a_browsers_rounding_is_no_move(self, editor):
        editor.sliders["skin"].value += 1e-9
        assert editor.wishes == {}
        editor.sliders["hair"].value = 40 * PIXEL + 1e-9
        assert editor.sliders["hair"].value != 40 * PIXEL  # nothing is sent back while a hand moves on
        assert list(editor.wishes) == ["hair"]

    def test_new_edit_is_of_the_same_budget(self, editor):
        editor.ask({"hair": 0.25})
        before = editor.layout_now
        editor.next_seed.click()
        assert [call[2] for call in editor.edits.generator.calls] == [0, 1]
        assert not torch.equal(editor.layout_now, before)
        assert share(editor.layout_now, 2) == 0.25

    def test_kept_edit_is_what_further_wishes_are_for(self, editor):
        assert editor.keeper.disabled
        editor.ask({"hair": 0.25})
        kept = editor.layout_now
        editor.keeper.click()
        assert torch.equal(editor.layout_now, kept)
        assert editor.wishes == {}
        editor.ask({"hat": 0.125})
        assert torch.equal(editor.edits.generator.calls[-1][0], kept)

    def test_sliders_reach_further_than_any_face(self, editor):
        for part, slider in editor.sliders.items():
            most = max(share(layout, *editor.edits.parts[part]) for layout in faces()[1])
            assert 1.5 * most <= slider.max <= 1
            assert slider.max >= 1 / 32
            assert slider.step == STEP


class TestStyle:
    def test_stays_while_the_form_changes(self, editor):
        z = editor.edits.styles(0)
        editor.ask({"hair": 0.25})
        expected = editor.edits.painter.paint(editor.layout_now[None], z)[0]
        assert torch.equal(editor.picture_now, expected)
        assert not torch.equal(expected, editor.edits.painter.paint(faces()[1][:1], z)[0])

    def test_of_what_the_photo_lacks_is_the_means_or_another_faces(self, editor):
        at = editor.edits.painter.latents.index(2, 3)
        assert (editor.edits.styles(0)[0, at] == 0.5).all()
        assert "not in its photo, so in the mean style: hat" in editor.status.value
        editor.donor.value = 1
        editor.lacks.value = "the other face's"
        own, hers = editor.edits.codes[:2]
        found = editor.edits.styles(0, 1)[0]
        assert torch.equal(found[at], hers[at])
        assert int((found != own).sum()) == len(own[at])  # and nothing else
        assert "so in the style of face 2: hat" in editor.status.value
        editor.donor.value = 2
        assert editor._history.now.lender == 2

    def test_is_mixed_with_another_faces(self, editor):
        before, at = editor.edits.styles(0)[0], editor.edits.painter.latents.index(2, 2)
        start = editor.picture_now
        editor.part.value, editor.donor.value = "hair", 2
        assert torch.equal(editor.picture_now, start)  # to look at another face changes nothing
        editor.share.value = 0.5
        now = editor._history.now
        z = editor.edits.styles(now.face, now.lender, now.mixes)[0]
        assert torch.allclose(z[at], (before[at] + editor.edits.codes[2, at]) / 2)
        assert torch.equal(torch.cat([z[: at.start], z[at.stop :]]), torch.cat([before[: at.start], before[at.stop :]]))
        assert not torch.equal(editor.picture_now, start)
        editor.donor.value = 1  # the mix follows
        assert editor._history.now.mixes == {"hair": (1, 0.5)}
        editor.part.value = "skin"
        assert editor.share.value == 0
        editor.part.value = "hair"
        assert (editor.share.value, editor.donor.value) == (0.5, 1)
        editor.share.value = 0
        assert torch.equal(editor.picture_now, start)

    def test_of_one_eye_is_that_of_both(self, editor):
        editor.mix("eyes", 2, 1.0)  # face 3 shows the left one
        z = editor.edits.styles(0, None, editor._history.now.mixes)[0]
        left, right = (editor.edits.painter.latents.index(2, c) for c in (4, 5))
        assert torch.equal(z[left], editor.edits.codes[2, left])
        assert torch.equal(z[right], editor.edits.codes[2, left])


class TestFaces:
    def test_other_face_and_back_loses_nothing(self, editor):
        editor.ask({"hair": 0.25})
        layout = editor.layout_now
        editor.after.click()
        assert "face 2 of 3" in editor.status.value
        assert torch.equal(editor.layout_now, faces()[1][1])
        assert editor.sliders["hat"].value == 16 * PIXEL
        editor.before.click()
        assert torch.equal(editor.layout_now, layout)
        assert editor.wishes == {"hair": 0.25}
        editor.before.click()
        assert "face 3 of 3" in editor.status.value

    def test_undo_goes_back_and_forth_to_the_last_pixel(self, editor):
        def state():
            controls = editor.map, editor.painting, editor.photo, editor.share, editor.lacks
            return [control.value for control in (*controls, *editor.sliders.values())]

        steps = [
            lambda: setattr(editor.sliders["hair"], "value", 0.25), editor.next_seed.click, editor.keeper.click,
            lambda: setattr(editor.sliders["hat"], "value", 0.0625), editor.after.click,
            lambda: setattr(editor.share, "value", 0.5), lambda: setattr(editor.lacks, "value", "the other face's"),
            editor.reset,
        ]  # fmt: skip
        seen = [state()]
        for step in steps:
            step()
            seen.append(state())
        for expected in reversed(seen[:-1]):
            editor.buttons["undo"].click()
            assert state() == expected
        assert editor.buttons["undo"].disabled
        for expected in seen[1:]:
            editor.buttons["redo"].click()
            assert state() == expected

    def test_a_drag_is_one_step(self, editor):
        for value in (0.15625, 0.1875, 0.25):
            editor.sliders["hair"].value = value
        editor.undo()
        assert torch.equal(editor.layout_now, faces()[1][0])


def test_files_hold_what_is_now_and_the_recipe_makes_it_again(editor, tmp_path):
    (tmp_path / "edits").mkdir()
    (tmp_path / "edits" / "recipe-004.json").write_text("mine")
    editor.ask({"hair": 0.25}, seed=3)
    editor.keep()
    editor.ask({"hat": 0.125})
    editor.mix("hair", 1, 0.5)
    editor.buttons["save"].click()
    names = ["layout-005.png", "picture-005.png", "recipe-005.json"]
    assert all(name in editor.status.value for name in names)
    layout, picture, recipe = (tmp_path / "edits" / name for name in names)
    with Image.open(layout) as file:
        assert (np.asarray(file) == editor.layout_now.numpy()).all()
    with Image.open(picture) as file:
        assert (np.asarray(file) == pixels_of(editor.picture_now)).all()
    told = json.loads(recipe.read_text("utf-8"))
    again = FaceEditor(Adder(), sean(), faces())
    again.show_face(told["face"])
    for edit in told["edits"]:
        again.keep()
        again.ask(edit["wishes"], edit["seed"])
    for part, style in told["styles"].items():
        again.mix(part, style["face"], style["share"])
    assert torch.equal(again.picture_now, editor.picture_now)


class TestRefusals:
    @pytest.fixture
    def edited(self, editor):
        editor.ask({"hair": 0.25})
        editor.before_it = (editor.layout_now, editor.picture_now, editor.wishes)
        return editor

    def unharmed(self, editor):
        layout, picture, wishes = editor.before_it
        same = torch.equal(editor.layout_now, layout) and torch.equal(editor.picture_now, picture)
        return same and editor.wishes == wishes and len(editor.edits.photos) == 3

    def test_budget_over_the_frame(self, edited):
        with pytest.raises(ValueError, match=r"hair: 120.0% of the frame cannot be: ask for 0 % to 100 %"):
            edited.ask({"hair": 1.2})
        with pytest.raises(ValueError, match=r"hair 25.0% \+ skin 80.0% = 105.0% of the frame, expected at most 100 %"):
            edited.ask({"skin": 0.8})
        with pytest.raises(KeyError, match="a face has no 'beard'; its parts are hair, hat, eyes, skin"):
            edited.ask({"beard": 0.1})
        assert self.unharmed(edited)

    def test_from_a_hand_is_told_and_the_controls_go_back(self, edited):
        edited.sliders["skin"].max = 1.0
        edited.sliders["skin"].value = 0.8125
        assert "= 106.2% of the frame, expected at most 100 %: lower one of them" in edited.status.value
        assert edited.sliders["skin"].value == pytest.approx(share(faces()[1][0], 1), abs=STEP)
        edited.edits.generator.add = lambda *_, **__: (_ for _ in ()).throw(ValueError("weights <are not finite>"))
        edited.sliders["hat"].value = 0.0625
        assert "weights &lt;are not finite&gt;" in edited.status.value
        assert edited.sliders["hat"].value == 0
        assert self.unharmed(edited)

    def test_mask_of_another_size(self, edited):
        photos, layouts = faces()
        with pytest.raises(ValueError, match="do not fit each other and the painter, of 16×16 px: bring both to that"):
            edited.add_face(photos[0], layouts[0, :8])
        with pytest.raises(ValueError, match="do not fit each other and the painter"):
            FaceEditor(Adder(), sean(), (photos, layouts[:, :8, :8]))
        assert self.unharmed(edited)

    def test_mask_of_other_classes(self, edited):
        photos, layouts = faces()
        with pytest.raises(ValueError, match="take a face of the same data set"):
            edited.add_face(photos[0], layouts[0], CELEBA_19)
        with pytest.raises(ValueError, match=r"labels \[17\], expected 0 to 5, or 255 for no class"):
            edited.add_face(photos[0], torch.where(layouts[0] == 2, 17, layouts[0]))
        with pytest.raises(ValueError, match="the generator makes 19 classes, the label space names 6"):
            FaceEditor(Adder(19), sean(), faces())
        assert self.unharmed(edited)

    def test_mask_with_parts_missing_is_told_and_edited(self, edited):
        photos, layouts = faces()
        partly = torch.where(torch.isin(layouts[0], torch.tensor([2, 4, 5])), 255, layouts[0])
        edited.add_face(photos[0], partly)
        assert "face 4 of 4" in edited.status.value
        assert "not in its photo, so in the mean style: hair, hat, eyes" in edited.status.value
        edited.sliders["hair"].value = 0.125
        assert share(edited.layout_now, 2) == 0.125
        assert edited.picture_now.isfinite().all()
        edited.before.click()
        edited.before.click()
        edited.before.click()
        assert torch.equal(edited.layout_now, edited.before_it[0])

    def test_styles_and_faces_that_are_not_there(self, edited):
        edited.part.value, edited.donor.value = "hat", 2
        edited.share.value = 0.5
        assert "face 3 shows no hat: take another face, or another part" in edited.status.value
        assert edited.share.value == 0
        for wrong in (lambda: edited.mix("hair", 1, 1.5), lambda: edited.show_face(3), lambda: edited.lend(-1)):
            with pytest.raises(ValueError, match="choose"):
                wrong()
        assert self.unharmed(edited)


def test_a_step_leaves_the_layout_generator_half_of_100_ms():
    """At 64×64 px with all classes, and a painter of the size that the book trains on a laptop."""
    painter = sean(CELEBA_19, (64, 64), ngf=8, doublings=4, hidden=16, style_dim=16)
    layouts = (torch.arange(64)[:, None].expand(64, 64) * 19 // 64).expand(4, -1, -1)
    editor = FaceEditor(Adder(19), painter, (torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8), layouts))
    seconds = []
    for value in (0.0625, 0.065, 0.0675, 0.07, 0.0725):
        begin = time.process_time()
        editor.sliders["hair"].value = value
        seconds.append(time.process_time() - begin)
    assert min(seconds) < 0.05


def test_runs_with_three_classes():
    space = LabelSpace(("background", "skin", "hair"), ((0, 0, 9), (9, 9, 9), (9, 0, 0)))
    photos, layouts = faces()
    editor = FaceEditor(Adder(3), sean(space), (photos, layouts.clamp(max=2)))
    assert list(editor.sliders) == ["hair", "skin"]
    editor.sliders["hair"].value = 0.1875
    assert share(editor.layout_now, 2) > share(layouts[0].clamp(max=2), 2)
    editor.sliders["hair"].value = 0.0
    assert "asked 0.0%" in editor.status.value


class TestFrames:
    @pytest.fixture(autouse=True)
    def _static(self, monkeypatch):
        monkeypatch.setenv("SEMPAL_STATIC", "1")

    def test_are_edits_of_one_face(self):
        generator = Adder()
        view = edit_face(generator, sean(), faces())
        assert view.children[0].options == ("more hair", "more hat", "hair, other noise", "style of hair")
        assert {call[2] for call in generator.calls} == set(range(4))
        assert all(torch.equal(call[0], faces()[1][0]) for call in generator.calls)
        slider, columns = view.children[1].children[1].children
        assert (slider.options[0], slider.options[-1]) == ("0.0%", "6.2%")  # as the face with a hat has it
        layouts, pictures = (images(column) for column in columns.children)
        assert len(slider.options) == len(set(layouts)) == len(set(pictures)) == 6
        for page in view.children[1].children:
            assert len(images(page.children[1].children[0])) == len(page.children[0].options)

    def test_style_goes_from_ones_own_to_the_others(self):
        painter = sean()
        view = edit_face(Adder(), painter, faces())
        slider, columns = view.children[1].children[3].children
        moving, other = (images(column) for column in columns.children)
        assert len(other) == 1
        assert (slider.options[0], slider.options[-1]) == ("0%", "100%")
        assert slider.description == "face 2's"
        own = painter.paint(faces()[1][:1], painter.styles(faces()[0][:1] / 127.5 - 1, faces()[1][:1])[0])[0]
        assert np.abs(shown(moving[0])[::32, ::32].astype(int) - pixels_of(own)).max() <= 8  # few colours a frame

    def test_live_editor_stays_out_of_a_light_page(self):
        painter = sean(CELEBA_19, (64, 64))
        layouts = (torch.arange(64)[:, None].expand(64, 64) * 19 // 64).expand(4, -1, -1)
        photos = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
        state = dependency_state([edit_face(Adder(19), painter, (photos, layouts))], drop_defaults=False)
        assert {model["model_module"] for model in state.values()} == {
            "@jupyter-widgets/base", "@jupyter-widgets/controls",
        }  # fmt: skip
        assert len(json.dumps(state)) < 450_000
