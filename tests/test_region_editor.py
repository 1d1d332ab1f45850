"""The region editor: what a mark, a slider, undo and save must do, and what is refused."""

import io
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from test_widgets import ABC
from test_widgets_painter import Tinter

from sempal_lib.labels import CITYSCAPES_19, LabelSpace
from sempal_lib.layout_gans import GeneratorSettings, PartialGenerator
from sempal_lib.palettes import palette_of
from sempal_lib.pictures import pixels_of
from sempal_lib.widgets import STEP, RegionEditor, edit_region
from sempal_lib.widgets.regions import box_of, region_palette

BANDS = torch.tensor([0, 0, 1, 1])[:, None].repeat(1, 8)  # sky over road
WITH_NONE = LabelSpace(ABC.names, ABC.colors, ignore_index=255)


class Filler:
    """Stands in for a trained model: the region's pixels in a random order, cut where the palette says."""

    def __init__(self, num_classes=3, size=(4, 8)):
        self.settings, self.size, self.calls = SimpleNamespace(num_classes=num_classes), size, []

    def edit(self, layout, region, palette, seed=0, exact=False, iterations=None):
        self.calls.append((layout, region, palette, seed, exact, iterations))
        made, count = layout.clone(), int(region.sum())
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        made[region] = torch.searchsorted((palette.cumsum(0) * count).round(), order + 0.5).clamp(max=len(palette) - 1)
        return made


@pytest.fixture
def editor(tmp_path):
    return RegionEditor(Filler(), BANDS, ABC, Tinter((4, 8)), folder=tmp_path / "edits")


def marked(editor, left=0):
    """The editor after half of its layout was marked: 8 px of sky, 8 px of road."""
    editor.rectangle(0, left, 4, 4)
    return editor


def values(editor):
    return [editor.sliders[name].value for name in ABC.names]


def from_browser(editor, region):
    """What the canvas's script sends when a hand has marked a region."""
    buffers = [memoryview(region.numpy().astype(np.uint8).tobytes())]
    editor.canvas._handle_custom_msg({"kind": "region"}, buffers)


class TestMark:
    def test_changes_nothing_but_the_region_and_the_sliders(self, editor):
        editor.rectangle(1, 2, 2, 3)
        assert torch.equal(editor.layout_now, BANDS)
        assert editor.region.nonzero().tolist() == [[1, 2], [1, 3], [1, 4], [2, 2], [2, 3], [2, 4]]
        assert values(editor) == [0.5, 0.5, 0]
        assert editor.generator.calls == []
        assert "6 px marked (19%)" in editor.status.value

    def test_of_any_form_comes_from_the_browser(self, editor):
        region = torch.eye(4, 8, dtype=torch.bool)
        from_browser(editor, region)
        assert torch.equal(editor.region, region)
        assert editor.canvas.region == region.numpy().tobytes()
        assert editor.canvas.answers == 1
        assert (editor.rows.value, editor.columns.value) == ((0, 4), (0, 4))

    def test_sliders_of_rows_and_columns_mark_a_rectangle(self, editor):
        editor.rows.value = (1, 3)
        editor.columns.value = (2, 8)
        assert box_of(editor.region) == ((1, 3), (2, 8))
        assert int(editor.region.sum()) == 12
        editor.buttons["undo"].click()  # both drags are one step
        assert not editor.region.any()

    def test_brush_adds_to_a_region_until_it_is_filled(self, editor):
        assert marked(editor).canvas.grows
        editor.sliders["car"].value = 0.5
        assert not editor.canvas.grows
        editor.undo()
        assert editor.canvas.grows

    def test_tool_and_brush_reach_the_canvas(self, editor):
        editor.tool.value, editor.brush.value = "brush", 2
        assert (editor.canvas.tool, editor.canvas.brush) == ("brush", 2)

    def test_ignored_pixels_count_in_no_palette(self):
        layout = BANDS.clone()
        layout[0] = 255
        editor = RegionEditor(Filler(), layout, WITH_NONE)
        editor.rectangle(0, 0, 3, 8)
        assert editor.palette.tolist() == [0.5, 0.5, 0]
        editor.rectangle(0, 0, 1, 8)  # nothing else: as the whole layout
        assert editor.palette == pytest.approx([1 / 3, 2 / 3, 0])


class TestFill:
    def test_slider_asks_for_its_palette_within_the_region(self, editor):
        marked(editor).sliders["car"].value = 0.5
        layout, region, palette, seed, exact, iterations = editor.generator.calls[-1]
        assert torch.equal(layout, BANDS)
        assert torch.equal(region, editor.region)
        assert palette.tolist() == values(editor) == [0.25, 0.25, 0.5]
        assert (seed, exact, iterations) == (0, False, 1)
        assert len(editor.generator.calls) == 1  # no cascade through the other sliders
        assert palette_of(editor.layout_now[None, :, :4], 3)[0].tolist() == [0.25, 0.25, 0.5]
        assert torch.equal(editor.layout_now[:, 4:], BANDS[:, 4:])

    def test_moves_start_from_the_layout_before_the_first(self, editor):
        for value in (0.25, 0.5, 0.75):
            marked(editor).sliders["car"].value = value
            editor.sliders["car"].value = value - STEP
        assert torch.equal(editor.generator.calls[1][0], editor.generator.calls[0][0])
        assert not torch.equal(editor.generator.calls[2][0], BANDS)  # a new mark lies on what is shown

    def test_new_fill_keeps_palette_and_region(self, editor):
        marked(editor).next_seed.click()
        before = editor.layout_now
        editor.next_seed.click()
        assert [call[3] for call in editor.generator.calls] == [1, 2]
        assert not torch.equal(editor.layout_now, before)
        assert values(editor) == [0.5, 0.5, 0]

    def test_way_of_filling_reaches_the_generator(self, editor):
        marked(editor)
        editor.mode.value = "exact"
        editor.mode.value = "10 iterations"
        assert [call[4:] for call in editor.generator.calls] == [(True, None), (False, 10)]

    def test_locked_class_keeps_its_proportion(self, editor):
        marked(editor).locks["road"].value = True
        editor.sliders["car"].value = 0.25
        assert values(editor) == [0.25, 0.5, 0.25]

    def test_region_of_one_class_gives_room_in_the_ratio_of_the_layout(self):
        editor = RegionEditor(Filler(), torch.tensor([0, 0, 1, 2])[:, None].repeat(1, 8), ABC)
        region = torch.zeros(4, 8, dtype=torch.bool)
        region[2], region[3, 0] = True, True  # another ratio of road and car, marked before
        editor.select(region)
        editor.rectangle(0, 0, 2, 8)
        assert values(editor) == [1, 0, 0]
        editor.sliders["sky"].value = 0.5
        assert values(editor) == [0.5, 0.25, 0.25]

    def test_canvas_and_picture_show_the_layout(self, editor):
        marked(editor).sliders["car"].value = 0.5
        rgb = np.frombuffer(editor.canvas.pixels, np.uint8).reshape(4, 8, 3)
        assert (rgb == ABC.colourise(editor.layout_now).numpy()).all()
        assert torch.equal(editor.picture_now, editor.painter.generate(editor.layout_now[None])[0])
        shown = np.asarray(Image.open(io.BytesIO(editor.painting.value)).convert("RGB"))
        assert np.abs(shown[::64, ::64].astype(int) - pixels_of(editor.picture_now)).max() <= 1

    def test_says_what_was_asked_and_made_of_the_class_furthest_off(self, editor):
        marked(editor).fill([0.4, 0.1, 0.5])
        made = region_palette(editor.layout_now, editor.region, ABC)
        worst = int(np.abs(made - [0.4, 0.1, 0.5]).argmax())
        told = f"{ABC.names[worst]}: asked {[0.4, 0.1, 0.5][worst]:.3f}, made {made[worst]:.3f} ·"
        assert told in editor.status.value

    def test_nothing_moves_before_a_region_is_marked(self, editor):
        controls = [*editor.sliders.values(), editor.seed, editor.next_seed, editor.mode]
        assert all(control.disabled for control in controls)
        marked(editor)
        assert not any(control.disabled for control in controls)

    def test_class_that_the_layout_lacks_comes_by_the_menu(self, editor):
        def shown(editor):
            return [line.children[0].description for line in editor.lines.children]

        assert shown(editor) == ["sky", "road"]
        assert editor.more.options[1:] == ("car",)
        editor.more.value = "car"
        assert shown(editor) == ["sky", "road", "car"]
        editor = RegionEditor(Filler(), 0 * BANDS, ABC, classes=["car"])
        assert shown(editor) == ["sky", "car"]


class TestUndo:
    def test_goes_back_and_forth_through_marks_and_fills(self, editor):
        def state():
            now = editor.canvas
            return now.pixels, now.region, values(editor), editor.seed.value, editor.mode.value, editor.painting.value

        steps = [
            lambda: marked(editor), lambda: editor.fill([0.25, 0.25, 0.5]), editor.next_seed.click,
            lambda: setattr(editor.mode, "value", "exact"), lambda: marked(editor, 3),
            lambda: setattr(editor.sliders["sky"], "value", 0.125), editor.reset,
        ]  # fmt: skip
        seen = [state()]
        for step in steps:
            step()
            seen.append(state())
        assert len({str(one) for one in seen[:-1]}) == len(steps)
        assert seen[-1] == seen[0]  # the reset
        for expected in reversed(seen[:-1]):
            editor.buttons["undo"].click()
            assert state() == expected
        assert editor.buttons["undo"].disabled
        for expected in seen[1:]:
            editor.buttons["redo"].click()
            assert state() == expected
        assert editor.buttons["redo"].disabled

    def test_a_drag_is_one_step(self, editor):
        marked(editor)
        for value in (0.1, 0.2, 0.3):
            editor.sliders["car"].value = value
        editor.sliders["sky"].value = 0.5
        editor.undo()
        assert editor.sliders["car"].value == pytest.approx(0.3, abs=STEP)
        editor.undo()
        assert torch.equal(editor.layout_now, BANDS)
        assert editor.region.any()

    def test_a_new_step_ends_what_can_be_redone(self, editor):
        marked(editor).next_seed.click()
        editor.undo()
        editor.sliders["car"].value = 0.5
        assert editor.buttons["redo"].disabled
        editor.redo()
        assert values(editor)[2] == 0.5


class TestSave:
    def test_files_hold_what_is_shown(self, editor, tmp_path):
        marked(editor).sliders["car"].value = 0.5
        editor.buttons["save"].click()
        with Image.open(tmp_path / "edits" / "layout-000.png") as file:
            assert file.mode == "P"
            assert (np.asarray(file) == editor.layout_now.numpy()).all()
            assert np.asarray(file.convert("RGB")).tobytes() == editor.canvas.pixels
        with Image.open(tmp_path / "edits" / "picture-000.png") as file:
            assert (np.asarray(file) == pixels_of(editor.picture_now)).all()
        assert "layout-000.png" in editor.status.value

    def test_no_file_is_written_over(self, editor, tmp_path):
        (tmp_path / "edits").mkdir()
        (tmp_path / "edits" / "picture-006.png").write_text("mine")
        (tmp_path / "edits" / "layout-old.png").write_text("mine")
        assert [path.name for path in editor.save()] == ["layout-007.png", "picture-007.png"]
        assert [path.name for path in editor.save()] == ["layout-008.png", "picture-008.png"]

    def test_without_a_painter_there_is_a_layout_only(self, tmp_path):
        layout = BANDS.clone()
        layout[0, 0] = 255
        (path,) = RegionEditor(Filler(), layout, WITH_NONE, folder=tmp_path).save()
        assert (np.asarray(Image.open(path)) == layout.numpy()).all()

    def test_folder_that_cannot_be_is_told(self, editor, tmp_path):
        (tmp_path / "edits").write_text("a file")
        editor.buttons["save"].click()
        assert "exists" in editor.status.value


class TestRefusals:
    def test_region(self, editor):
        with pytest.raises(ValueError, match="the region is empty: mark at least one pixel"):
            editor.select(torch.zeros(4, 8, dtype=torch.bool))
        with pytest.raises(ValueError, match=r"region is bool \[8, 4\], expected bool \[4, 8\] like the layout"):
            editor.select(torch.ones(8, 4, dtype=torch.bool))
        with pytest.raises(ValueError, match=r"region is int64 \[4, 8\], expected bool"):
            editor.select(torch.ones(4, 8, dtype=torch.int64))
        for rectangle in ((0, 0, 5, 2), (-1, 0, 2, 2), (0, 7, 1, 2), (0, 0, 0, 2)):
            with pytest.raises(ValueError, match="is empty or leaves the layout of 4×8 px"):
                editor.rectangle(*rectangle)
        assert editor.buttons["undo"].disabled

    def test_palette(self, editor):
        with pytest.raises(ValueError, match="no region is marked: drag over the layout"):
            editor.fill([1, 0, 0])
        marked(editor)
        with pytest.raises(ValueError, match=r"palette has shape \[1, 4\], expected 3 proportions"):
            editor.fill([0.25, 0.25, 0.25, 0.25])
        with pytest.raises(ValueError, match=r"sums to 1\.2"):
            editor.fill([0.5, 0.5, 0.2])

    def test_start(self):
        with pytest.raises(ValueError, match="the generator makes 3 classes, the label space names 19"):
            RegionEditor(Filler(), BANDS, CITYSCAPES_19)
        with pytest.raises(ValueError, match=r"layout is int64 \[4, 4\], expected integers \[4, 8\]"):
            RegionEditor(Filler(), BANDS[:, :4], ABC)
        with pytest.raises(ValueError, match=r"layout: label values \[7\] are out of range, expected 0 to 2"):
            RegionEditor(Filler(), BANDS + 7 * (BANDS > 0) - BANDS, ABC)
        with pytest.raises(ValueError, match="the painter takes 5 classes"):
            RegionEditor(Filler(), BANDS, ABC, Tinter((4, 8), num_classes=5))
        with pytest.raises(KeyError, match="no class 'tram'"):
            RegionEditor(Filler(), BANDS, ABC, classes=["tram"])
        many = LabelSpace(tuple(map(str, range(256))), ((0, 0, 0),) * 256)
        with pytest.raises(ValueError, match="256 classes do not fit a label map of 8 bits"):
            RegionEditor(Filler(256), BANDS, many)

    def test_what_the_browser_asks_is_told_and_the_controls_go_back(self, editor):
        marked(editor)
        editor.rows.value = (2, 2)
        assert "is empty or leaves the layout" in editor.status.value
        assert editor.rows.value == (0, 4)
        from_browser(editor, torch.zeros(4, 8, dtype=torch.bool))
        assert "the region is empty" in editor.status.value
        assert editor.canvas.answers == 1
        editor.generator.edit = lambda *_, **__: (_ for _ in ()).throw(ValueError("weights <are not finite>"))
        editor.sliders["car"].value = 0.5
        assert "weights &lt;are not finite&gt;" in editor.status.value
        assert values(editor) == [0.5, 0.5, 0]


def test_edit_region_is_live_by_hand():
    region = torch.ones(4, 8, dtype=torch.bool)
    editor = edit_region(Filler(), BANDS, ABC, region=region)
    assert isinstance(editor, RegionEditor)
    assert torch.equal(editor.region, region)


def test_generator_of_parts_fills_the_region_alone():
    torch.manual_seed(0)
    generator = PartialGenerator(GeneratorSettings(3, height=8, width=16, latent_dim=4, max_channels=8)).eval()
    layout = BANDS.repeat_interleave(2, 0).repeat_interleave(2, 1)
    editor = RegionEditor(generator, layout, ABC)
    editor.rectangle(2, 4, 4, 8)
    editor.mode.value = "exact"
    editor.sliders["car"].value = 0.5
    assert int((editor.layout_now == 2).sum()) == 16
    assert torch.equal(editor.layout_now[~editor.region], layout[~editor.region])


def test_redraw_leaves_the_models_most_of_100_ms():
    layout = torch.arange(64)[:, None].expand(64, 128) * 19 // 64
    editor = RegionEditor(Filler(19, (64, 128)), layout, CITYSCAPES_19, Tinter((64, 128), 19))
    editor.rectangle(16, 32, 32, 64)
    seconds = []
    for value in (0.1, 0.3, 0.5, 0.7, 0.9):
        begin = time.process_time()
        editor.sliders["road"].value = value
        seconds.append(time.process_time() - begin)
    assert min(seconds) < 0.05


def test_views_hold_no_second_copy_of_a_slider():
    editor = RegionEditor(Filler(), BANDS, ABC)
    lines = editor.lines.children
    marked(editor).sliders["sky"].value = 0.25
    assert editor.lines.children == lines  # a drag must not lose its slider
