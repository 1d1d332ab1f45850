"""The region editor's frames for a page without a kernel."""

import json

import pytest
import torch
from ipywidgets.embed import dependency_state
from test_region_editor import BANDS, Filler
from test_widgets import ABC
from test_widgets_painter import Tinter, images

from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.widgets import edit_region
from sempal_lib.widgets.regions import outlined


class TestFrames:
    @pytest.fixture(autouse=True)
    def _static(self, monkeypatch):
        monkeypatch.setenv("SEMPAL_STATIC", "1")

    def test_outline_lies_within_the_region(self):
        region = torch.zeros(4, 8, dtype=torch.bool)
        region[1:3, 2:5] = True
        drawn = outlined(BANDS, region, 80, ABC)
        large = BANDS.repeat_interleave(10, 0).repeat_interleave(10, 1)
        frame = drawn == 3
        assert frame[10:30, 20:50].any()
        assert torch.equal(drawn[~frame], large[~frame])
        assert int(frame.sum()) == 20 * 30 - 16 * 26

    def test_are_edits_of_the_region(self):
        generator = Filler(3, (16, 32))
        layout = BANDS.repeat_interleave(4, 0).repeat_interleave(4, 1)
        view = edit_region(generator, layout, ABC, Tinter((16, 32)))
        assert view.children[0].options == ("sky", "road", "fills")
        assert [call[3] for call in generator.calls] == [0] * 14 + [0, 1, 2, 3, 4, 5]
        assert {int(call[1].sum()) for call in generator.calls} == {8 * 16}
        slider, columns = view.children[1].children[0].children
        assert float(slider.value) == pytest.approx(0.5, abs=0.1)
        layouts, pictures = (images(column) for column in columns.children)
        assert len(slider.options) == len(layouts) == len(set(pictures)) == 7

    def test_live_editor_stays_out_of_the_page(self):
        generator = Filler(19, (64, 128))
        layout = torch.arange(64)[:, None].expand(64, 128) * 19 // 64
        view = edit_region(generator, layout, CITYSCAPES_19, Tinter((64, 128), 19, grain=2.0))
        state = dependency_state([view], drop_defaults=False)
        modules = {model["model_module"] for model in state.values()}
        assert modules == {"@jupyter-widgets/base", "@jupyter-widgets/controls"}  # nothing from a network
        assert len(json.dumps(state)) < 450_000
