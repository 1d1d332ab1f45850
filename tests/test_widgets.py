"""The palette explorer: what a move of a slider must do, and that the static form moves without a kernel."""

import io
import time
from types import SimpleNamespace

import ipywidgets as ipw
import numpy as np
import pytest
import torch
from PIL import Image

from sempal_lib.labels import CITYSCAPES_19, LabelSpace
from sempal_lib.palettes import palette_of
from sempal_lib.widgets import STEP, PaletteExplorer, explore, on_steps, rescale, sweep

ABC = LabelSpace(("sky", "road", "car"), ((0, 0, 255), (120, 60, 120), (200, 0, 0)))


class BandGenerator:
    """Stands in for a trained model: pixels ordered by a wavy field and cut where the palette says."""

    def __init__(self, num_classes=3, size=(16, 32)):
        self.settings = SimpleNamespace(num_classes=num_classes, latent_dim=4)
        self.size = size
        self.calls = []

    def generate(self, z, palette, iterations=1, exact=False):
        self.calls.append((len(palette), iterations, exact))
        height, width = self.size
        y, x = torch.linspace(0, 1, height).view(1, -1, 1), torch.linspace(0, 1, width).view(1, 1, -1)
        z = z.view(len(z), -1, 1, 1)
        field = y + 0.2 * z[:, 0] * torch.sin(5 * x + z[:, 1]) + 0.05 * torch.sin(17 * x + 9 * y)
        rank = field.flatten(1).argsort(1).argsort(1) + 0.5
        cuts = palette.cumsum(1) * height * width
        index = torch.searchsorted(cuts, rank).clamp(max=palette.shape[1] - 1)
        return index.view(-1, height, width)


@pytest.fixture
def explorer():
    return PaletteExplorer(BandGenerator(), ABC, [0.5, 0.3, 0.2])


class TestRescale:
    def test_rest_keeps_its_ratio(self):
        assert rescale([0.5, 0.3, 0.2], 0, 0.75, [False] * 3) == pytest.approx([0.75, 0.15, 0.1])

    def test_locked_class_keeps_its_proportion(self):
        assert rescale([0.5, 0.3, 0.2], 0, 0.6, [False, True, False]) == pytest.approx([0.6, 0.3, 0.1])

    def test_wish_is_cut_to_what_the_locked_leave(self):
        assert rescale([0.5, 0.3, 0.2], 0, 0.9, [False, True, False]) == pytest.approx([0.7, 0.3, 0.0])

    def test_last_unlocked_class_cannot_move(self):
        assert rescale([0.5, 0.3, 0.2], 0, 0.1, [False, True, True]) == pytest.approx([0.5, 0.3, 0.2])

    def test_locked_class_itself_does_not_move(self):
        assert rescale([0.5, 0.3, 0.2], 0, 0.1, [True, False, False]) == pytest.approx([0.5, 0.3, 0.2])

    def test_with_all_others_at_zero_the_class_keeps_everything(self):
        assert rescale([1.0, 0.0, 0.0], 0, 0.4, [False] * 3) == pytest.approx([1, 0, 0])

    def test_memory_brings_the_others_back_in_their_ratio(self):
        back = rescale([1.0, 0.0, 0.0], 0, 0.5, [False] * 3, memory=[0.5, 0.3, 0.2])
        assert back == pytest.approx([0.5, 0.3, 0.2])

    def test_memory_does_not_count_while_others_have_a_share(self):
        moved = rescale([1.0, 0.0, 0.0], 1, 0.4, [False] * 3, memory=[0.5, 0.3, 0.2])
        assert moved == pytest.approx([0.6, 0.4, 0])

    def test_random_moves_stay_palettes(self):
        rng = np.random.default_rng(0)
        for _ in range(500):
            classes = rng.integers(1, 8)
            palette = rng.dirichlet(np.full(classes, 0.3)) * (rng.random(classes) < 0.8)
            palette = palette / palette.sum() if palette.sum() > 0 else np.eye(classes)[0]
            locked, index, value = rng.random(classes) < 0.3, rng.integers(classes), rng.uniform(-0.2, 1.2)
            moved = rescale(palette, index, value, locked)
            assert moved.sum() == pytest.approx(1, abs=1e-12)
            assert (moved >= 0).all()
            assert moved[locked] == pytest.approx(palette[locked], abs=0)
            # The same wish again changes nothing.
            assert rescale(moved, index, value, locked) == pytest.approx(moved, abs=1e-12)

    def test_input_is_left_alone(self):
        palette = np.array([0.5, 0.3, 0.2])
        rescale(palette, 0, 0.9, [False] * 3)
        assert palette.tolist() == [0.5, 0.3, 0.2]


class TestSteps:
    def test_values_sum_to_one_and_are_within_a_step(self):
        assert on_steps([0.5, 0.25, 0.25]) == [0.5, 0.25, 0.25]
        assert on_steps([1 / 3, 1 / 3, 1 / 3]) == [342 / 1024, 341 / 1024, 341 / 1024]
        rng = np.random.default_rng(0)
        for _ in range(200):
            palette = rng.dirichlet(np.full(19, 0.2))
            values = np.array(on_steps(palette))
            assert values.sum() == 1
            assert (values >= 0).all()
            assert np.abs(values - palette).max() < STEP

    def test_a_browser_has_nothing_to_correct(self):
        """noUiSlider rounds in per cent of the track; a value that comes out changed is reported as a move."""
        values = np.arange(1025) * STEP
        step = STEP * 100
        assert (np.round(values * 100 / step) * step / 100 == values).all()


class TestExplorer:
    def values(self, explorer):
        return [explorer.sliders[name].value for name in ABC.names]

    def test_move_rescales_the_sliders_and_redraws_once(self, explorer):
        before, calls = explorer.picture.value, len(explorer.generator.calls)
        explorer.sliders["sky"].value = 0.75
        assert self.values(explorer) == pytest.approx([0.75, 0.15, 0.1], abs=STEP)
        assert explorer.picture.value != before
        assert len(explorer.generator.calls) == calls + 1  # no cascade through the other sliders' observers
        assert "sum 1.00" in explorer.status.value

    def test_many_moves_keep_the_sum(self, explorer):
        rng = np.random.default_rng(1)
        for name in rng.choice(ABC.names, 60):
            explorer.sliders[name].value = rng.random()
            assert sum(self.values(explorer)) == pytest.approx(1, abs=1e-9)
            assert explorer.palette.sum() == pytest.approx(1, abs=1e-9)

    def test_a_slider_set_to_what_it_shows_moves_nothing(self, explorer):
        """What a browser does after every redraw: it snaps each slider to a step and reports the value."""
        explorer.sliders["sky"].value = 341 * STEP
        palette, calls = explorer.palette, len(explorer.generator.calls)
        for slider in explorer.sliders.values():
            slider.value = round(slider.value / STEP) * STEP
        assert explorer.palette is palette
        assert len(explorer.generator.calls) == calls

    def test_slider_at_one_can_go_back(self, explorer):
        explorer.sliders["sky"].value = 1.0
        explorer.sliders["sky"].value = 0.5
        assert self.values(explorer) == pytest.approx([0.5, 0.3, 0.2], abs=STEP)

    def test_locked_class_stays_and_limits_the_others(self, explorer):
        explorer.locks["road"].value = True
        assert explorer.sliders["road"].disabled
        explorer.sliders["sky"].value = 0.9
        assert self.values(explorer) == pytest.approx([0.7, 0.3, 0.0], abs=STEP)

    def test_picture_shows_the_layout(self, explorer):
        picture = np.asarray(Image.open(io.BytesIO(explorer.picture.value)).convert("RGB"))
        scale = picture.shape[0] // 16
        assert (picture[::scale, ::scale] == ABC.colourise(explorer.layout_now).numpy()).all()

    def test_bars_show_target_and_realised(self, explorer):
        made = palette_of(explorer.layout_now[None], 3)[0]
        assert f"0.500 / {made[0]:.3f}" in explorer.bars.value
        explorer.sliders["car"].value = 0.0
        assert "car" not in explorer.bars.value

    def test_seed_changes_the_layout_and_not_the_palette(self, explorer):
        before, palette = explorer.layout_now.clone(), self.values(explorer)
        explorer.next_seed.click()
        assert explorer.seed.value == 1
        assert not torch.equal(explorer.layout_now, before)
        assert self.values(explorer) == palette

    def test_options_reach_the_generator(self, explorer):
        explorer.iterations.value = 5
        explorer.exact.value = True
        assert explorer.generator.calls[-2:] == [(1, 5, False), (1, 5, True)]

    def test_reset_goes_back_to_the_start(self, explorer):
        first = explorer.picture.value
        explorer.locks["car"].value = True
        explorer.sliders["sky"].value = 0.1
        explorer.seed.value = 7
        explorer.exact.value = True
        explorer.reset.click()
        assert self.values(explorer) == pytest.approx([0.5, 0.3, 0.2], abs=STEP)
        assert not explorer.locks["car"].value
        assert (explorer.seed.value, explorer.exact.value) == (0, False)
        assert explorer.picture.value == first

    def test_chosen_classes_only_and_the_hidden_ones_are_rescaled_too(self):
        explorer = PaletteExplorer(BandGenerator(), ABC, [0.5, 0.3, 0.2], classes=["car"])
        assert list(explorer.sliders) == ["car"]
        explorer.sliders["car"].value = 0.6
        assert explorer.palette == pytest.approx([0.25, 0.15, 0.6])

    def test_redraw_leaves_the_generator_most_of_100_ms(self):
        palette = np.full(19, 1 / 19)
        explorer = PaletteExplorer(BandGenerator(19, (64, 128)), CITYSCAPES_19, palette)
        seconds = []
        for value in (0.1, 0.3, 0.5, 0.7, 0.9):
            begin = time.perf_counter()
            explorer.sliders["road"].value = value
            seconds.append(time.perf_counter() - begin)
        assert min(seconds) < 0.05  # 0.007 s on one idle core

    def test_wrong_palette_and_wrong_classes_are_refused(self):
        with pytest.raises(ValueError, match=r"sums to 1\.2"):
            PaletteExplorer(BandGenerator(), ABC, [0.5, 0.5, 0.2])
        with pytest.raises(ValueError, match="generator makes 3 classes, the label space names 19"):
            PaletteExplorer(BandGenerator(), CITYSCAPES_19, np.full(19, 1 / 19))
        with pytest.raises(KeyError, match="no class 'tram'; the classes are sky, road, car"):
            PaletteExplorer(BandGenerator(), ABC, [0.5, 0.3, 0.2], classes=["tram"])


class TestSweep:
    def test_one_frame_a_step_and_class(self):
        _, stack, _ = sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], ["road", "car"], steps=5).children
        assert [len(page.children[1].children) for page in stack.children] == [5, 5]
        for page in stack.children:
            assert len({frame.value for frame in page.children[1].children}) == 5

    def test_starts_at_the_frame_nearest_to_the_palette(self):
        _, stack, _ = sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], ["road"], steps=10).children
        slider, frames = stack.children[0].children
        assert slider.value == "0.300"
        assert slider.index == frames.selected_index == 3
        assert slider.options[0] == "0.000"

    def test_links_live_in_the_saved_state(self):
        """On a static page nothing but the saved widget state acts: the links must be in it."""
        from ipywidgets.embed import dependency_state

        view = sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], ["road", "car"], steps=3)
        menu, stack, _ = view.children
        state = dependency_state([view])
        links = {
            (tuple(model["state"]["source"]), tuple(model["state"]["target"]))
            for model in state.values()
            if model["model_name"] == "LinkModel"
        }

        def end(widget, name):
            return (f"IPY_MODEL_{widget.model_id}", name)

        expected = {(end(menu, "index"), end(stack, "selected_index"))}
        for page in stack.children:
            slider, frames = page.children
            expected.add((end(slider, "index"), end(frames, "selected_index")))
        assert links == expected
        modules = {model["model_module"] for model in state.values()}
        assert modules == {"@jupyter-widgets/base", "@jupyter-widgets/controls"}  # nothing from a network

    def test_street_sized_frames_fit_a_page(self):
        palette = np.array([8, 2, 6, *[0.3] * 5, 5, 0.3, 2, *[0.3] * 8])
        view = sweep(
            BandGenerator(19, (64, 128)), CITYSCAPES_19, palette / palette.sum(),
            ["road", "building", "vegetation", "pole"],
        )  # fmt: skip
        frames = [frame.value for page in view.children[1].children for frame in page.children[1].children]
        assert len(frames) == 36
        assert max(map(len, frames)) < 6 * 1024
        assert sum(map(len, frames)) < 300 * 1024  # 400 KB in base 64
        assert Image.open(io.BytesIO(frames[0])).mode == "P"

    def test_nothing_to_sweep_is_refused(self):
        with pytest.raises(ValueError, match="0 classes and 9 steps make no sweep"):
            sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], [])


def test_explore_is_live_by_hand_and_static_for_the_site(monkeypatch):
    monkeypatch.delenv("SEMPAL_STATIC", raising=False)
    assert isinstance(explore(BandGenerator(), ABC, [0.5, 0.3, 0.2]), PaletteExplorer)
    monkeypatch.setenv("SEMPAL_STATIC", "1")
    static = explore(BandGenerator(), ABC, [0.5, 0.3, 0.2])
    assert isinstance(static.children[1], ipw.Stack)
    assert static.children[0].options == ("sky", "road", "car")
