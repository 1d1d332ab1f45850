"""The explorer and the walk: what a move of a slider must do, and that the static forms move without a kernel."""

import io
import json
import math
import time
from types import SimpleNamespace

import ipywidgets as ipw
import numpy as np
import pytest
import torch
from PIL import Image

from sempal_lib.labels import CITYSCAPES_19, LabelSpace
from sempal_lib.layout_gans.semgan import SemganGenerator, SemganSettings
from sempal_lib.palettes import palette_of
from sempal_lib.pictures import picture_png, to_png
from sempal_lib.widgets import (
    STEP,
    LatentWalker,
    PaletteExplorer,
    explore,
    latent_path,
    on_steps,
    rescale,
    sweep,
    walk,
)
from sempal_lib.widgets.latents import first_layer_directions

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
        explorer.mode.value = "10 iterations"
        explorer.mode.value = "exact"
        assert explorer.generator.calls[-3:] == [(1, 1, False), (1, 10, False), (1, 1, True)]

    def test_says_what_was_asked_and_what_was_made_of_the_class_that_moved(self):
        real = np.array([[0.5, 0.3, 0.2], [0.7, 0.1, 0.2]])
        explorer = PaletteExplorer(BandGenerator(), ABC, [0.5, 0.3, 0.2], real=real)
        explorer.sliders["sky"].value = 0.625
        made = palette_of(explorer.layout_now[None], 3)[0]
        assert f"sky: asked 0.625, made {made[0]:.3f} ·" in explorer.status.value
        explorer.sliders["sky"].value = 0.75
        made = palette_of(explorer.layout_now[None], 3)[0]
        assert f"sky: asked 0.750, made {made[0]:.3f} (real: 0.500 to 0.700) ·" in explorer.status.value
        explorer.mode.value = "exact"  # the class stays the one that is told of
        assert "sky: asked 0.750" in explorer.status.value
        explorer.sliders["road"].value = 0.2
        assert "road: asked 0.200" in explorer.status.value

    def test_reset_goes_back_to_the_start(self, explorer):
        first = explorer.picture.value
        explorer.locks["car"].value = True
        explorer.sliders["sky"].value = 0.1
        explorer.seed.value = 7
        explorer.mode.value = "exact"
        explorer.reset.click()
        assert self.values(explorer) == pytest.approx([0.5, 0.3, 0.2], abs=STEP)
        assert not explorer.locks["car"].value
        assert (explorer.seed.value, explorer.mode.value) == (0, "1 iteration")
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
        _, _, stack, _ = sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], ["road", "car"], steps=5).children
        ways = [way for page in stack.children for way in page.children[1].children]
        assert [len(way.children) for way in ways] == [5] * 6
        for way in ways:
            assert len({frame.value for frame in way.children}) == 5

    def test_the_switch_shows_what_each_way_makes(self):
        generator = BandGenerator()
        _, switch, stack, _ = sweep(generator, ABC, [0.5, 0.3, 0.2], ["road"], steps=5).children
        assert generator.calls == [(5, 1, False), (5, 10, False), (5, 1, True)]
        assert switch.options == ("1 iteration", "10 iterations", "exact")
        assert len(stack.children[0].children[1].children) == 3

    def test_a_share_that_no_real_layout_has_is_marked(self):
        real = np.array([[0.5, 0.3, 0.2], [0.7, 0.1, 0.2]])
        view = sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], ["road"], steps=10, real=real)
        slider = view.children[2].children[0].children[0]
        assert slider.options[:3] == ("0.000 (real: 0.100 to 0.300)", "0.100", "0.200")
        assert slider.options[4] == "0.400 (real: 0.100 to 0.300)"

    def test_starts_at_the_frame_nearest_to_the_palette(self):
        _, _, stack, _ = sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], ["road"], steps=10).children
        slider, ways = stack.children[0].children
        assert slider.value == "0.300"
        assert {way.selected_index for way in ways.children} == {slider.index} == {3}
        assert slider.options[0] == "0.000"

    def test_links_live_in_the_saved_state(self):
        """On a static page nothing but the saved widget state acts: the links must be in it."""
        from ipywidgets.embed import dependency_state

        view = sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], ["road", "car"], steps=3)
        menu, switch, stack, _ = view.children
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
            slider, ways = page.children
            expected.add((end(switch, "index"), end(ways, "selected_index")))
            expected |= {(end(slider, "index"), end(way, "selected_index")) for way in ways.children}
        assert links == expected
        modules = {model["model_module"] for model in state.values()}
        assert modules == {"@jupyter-widgets/base", "@jupyter-widgets/controls"}  # nothing from a network

    def test_street_sized_frames_fit_a_page(self):
        palette = np.array([8, 2, 6, *[0.3] * 5, 5, 0.3, 2, *[0.3] * 8])
        view = sweep(
            BandGenerator(19, (64, 128)), CITYSCAPES_19, palette / palette.sum(),
            ["road", "building", "vegetation"],
        )  # fmt: skip
        pages = view.children[2].children
        frames = [frame.value for page in pages for way in page.children[1].children for frame in way.children]
        assert len(frames) == 81
        assert max(map(len, frames)) < 6 * 1024
        assert sum(map(len, frames)) < 450 * 1024  # 600 KB in base 64
        assert Image.open(io.BytesIO(frames[0])).mode == "P"

    def test_nothing_to_sweep_is_refused(self):
        with pytest.raises(ValueError, match="0 classes and 9 steps make no sweep"):
            sweep(BandGenerator(), ABC, [0.5, 0.3, 0.2], [])


def test_explore_is_live_by_hand_and_static_for_the_site(monkeypatch):
    monkeypatch.delenv("SEMPAL_STATIC", raising=False)
    assert isinstance(explore(BandGenerator(), ABC, [0.5, 0.3, 0.2]), PaletteExplorer)
    monkeypatch.setenv("SEMPAL_STATIC", "1")
    static = explore(BandGenerator(), ABC, [0.5, 0.3, 0.2])
    assert isinstance(static.children[2], ipw.Stack)
    assert static.children[0].options == ("sky", "road", "car")


class WaveGenerator:
    """Stands in for a trained SemGAN, or for its twin that paints."""

    def __init__(self, num_classes=3, size=(16, 16), latent_dim=4, paints=False):
        self.settings = SimpleNamespace(num_classes=num_classes, latent_dim=latent_dim)
        self.size, self.paints, self.latents = size, paints, []

    def generate(self, z):
        self.latents.append(z.clone())
        y, x = torch.meshgrid(*(torch.linspace(0, 3, n) for n in self.size), indexing="ij")
        z = z[:, :, None, None]
        wave = (z[:, 0] * x + z[:, 1] * y + z[:, 2]).sin()
        if self.paints:
            return torch.stack([wave, wave * z[:, 3].tanh(), -wave], 1)
        return ((wave + 1) / 2 * self.settings.num_classes).long().clamp(max=self.settings.num_classes - 1)


def semgan(output="classes", latent_dim=8):
    torch.manual_seed(0)
    settings = SemganSettings(3, 8, output, latent_dim, kernel_size=3, max_channels=8, min_channels=4)
    return SemganGenerator(settings).eval()


class TestLatentPath:
    def test_passes_through_its_points_and_closes(self):
        points = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
        on_points = latent_path(points, torch.arange(6.0))
        assert torch.allclose(on_points, points[[0, 1, 2, 3, 4, 0]], atol=1e-6)

    def test_follows_the_great_arc(self):
        points = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
        third, back = latent_path(points, torch.tensor([1 / 3, 1.5]))
        assert third.tolist() == pytest.approx([2 * math.cos(math.pi / 6), 2 * math.sin(math.pi / 6)])
        assert back.tolist() == pytest.approx([2**0.5, 2**0.5])

    def test_noise_keeps_its_length(self):
        points = torch.randn(4, 100, generator=torch.Generator().manual_seed(0))
        lengths = latent_path(points, torch.linspace(0, 4, 50)).norm(dim=1)
        assert lengths.min() > 0.95 * points.norm(dim=1).min()

    def test_points_that_agree_or_oppose_are_no_fault(self):
        points = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
        assert latent_path(points, torch.linspace(0, 3, 13)).isfinite().all()


class TestDirections:
    def test_strongest_answers_of_the_first_layer(self):
        generator = semgan()
        directions = first_layer_directions(generator)
        assert directions @ directions.T == pytest.approx(torch.eye(3).numpy(), abs=1e-5)
        answers = generator.linear(directions).norm(dim=1)
        assert answers.tolist() == pytest.approx(torch.linalg.svdvals(generator.linear.weight)[:3].tolist(), rel=1e-4)
        assert (directions.gather(1, directions.abs().argmax(1, keepdim=True)) > 0).all()

    def test_fewer_latents_have_fewer(self):
        assert first_layer_directions(semgan(latent_dim=2)).shape == (2, 2)

    def test_generator_without_a_dense_layer_has_none(self):
        assert len(first_layer_directions(WaveGenerator())) == 0
        assert LatentWalker(WaveGenerator(), ABC).directions == []


class TestWalker:
    def test_position_moves_along_the_path(self):
        walker = LatentWalker(generator := WaveGenerator(), ABC, points=3, seed=5)
        corners = torch.randn(3, 4, generator=torch.Generator().manual_seed(5))
        assert torch.allclose(generator.latents[-1], corners[:1])
        before = walker.picture.value
        walker.position.value = 1.5
        assert torch.allclose(generator.latents[-1], latent_path(corners, torch.tensor([1.5])))
        assert walker.picture.value != before
        walker.position.value = 3
        assert torch.allclose(generator.latents[-1], corners[:1], atol=1e-6)
        assert walker.picture.value == before

    def test_each_move_redraws_once(self):
        walker = LatentWalker(generator := WaveGenerator(), ABC)
        calls = len(generator.latents)
        walker.position.value = 1
        walker.next_seed.click()
        assert walker.seed.value == 1
        assert len(generator.latents) == calls + 2

    def test_seed_is_of_the_path(self):
        walker = LatentWalker(generator := WaveGenerator(), ABC, seed=3)
        walker.seed.value = 4
        assert torch.allclose(generator.latents[-1], torch.randn(5, 4, generator=torch.Generator().manual_seed(4))[:1])

    def test_direction_adds_to_the_latent(self):
        generator = semgan()
        walker = LatentWalker(generator, ABC)
        assert [slider.description for slider in walker.directions] == ["direction 1", "direction 2", "direction 3"]
        assert {(slider.min, slider.max) for slider in walker.directions} == {(-3.0, 3.0)}
        start = walker.latent()
        walker.directions[1].value = 2
        assert torch.allclose(walker.latent() - start, 2 * first_layer_directions(generator)[1:2], atol=1e-6)
        assert torch.equal(walker.sample, generator.generate(walker.latent())[0])

    def test_reset_goes_back_to_the_start(self):
        walker = LatentWalker(semgan(), ABC, seed=2)
        first, start = walker.picture.value, walker.latent()
        walker.position.value, walker.seed.value = 2.5, 9
        walker.directions[0].value = -3
        walker.reset.click()
        assert (walker.position.value, walker.seed.value, walker.directions[0].value) == (0, 2, 0)
        assert torch.equal(walker.latent(), start)
        assert walker.picture.value == first

    def test_picture_is_the_sample(self):
        walker = LatentWalker(semgan(), ABC)
        assert walker.sample.dtype == torch.int64
        assert walker.picture.value == to_png(walker.sample, ABC, 64)
        twin = LatentWalker(semgan("rgb"), ABC)
        assert twin.sample.shape == (3, 8, 8)
        assert twin.picture.value == picture_png(twin.sample, 64)

    def test_sliders_have_names_and_rest_on_steps_of_a_browser(self):
        walker = LatentWalker(semgan(), ABC)
        for slider in (walker.position, *walker.directions):
            assert slider.description
            assert math.log2(slider.step).is_integer()

    def test_redraw_leaves_the_generator_most_of_100_ms(self):
        for paints in (False, True):
            walker = LatentWalker(WaveGenerator(19, (64, 128), paints=paints), CITYSCAPES_19)
            seconds = []
            for value in (0.5, 1, 1.5, 2, 2.5):
                begin = time.perf_counter()
                walker.position.value = value
                seconds.append(time.perf_counter() - begin)
            assert min(seconds) < 0.05


class TestFramesOfAWalk:
    @pytest.fixture(autouse=True)
    def _static(self, monkeypatch):
        monkeypatch.setenv("SEMPAL_STATIC", "1")

    def test_frames_are_what_the_model_makes_along_the_path(self):
        slider, stack, note = walk(generator := semgan(), ABC, points=3, steps=2, seed=1).children
        assert slider.options == ("0.00", "0.50", "1.00", "1.50", "2.00", "2.50")
        assert slider.index == stack.selected_index == 0
        corners = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
        made = generator.generate(latent_path(corners, torch.arange(6) / 2))
        assert [frame.value for frame in stack.children] == [to_png(layout, ABC, 64) for layout in made]
        assert "through 3 random latents" in note.value

    def test_twin_shows_pictures(self):
        _, stack, _ = walk(generator := semgan("rgb"), ABC, points=2, steps=1).children
        made = generator.generate(torch.randn(2, 8, generator=torch.Generator().manual_seed(0)))
        assert [frame.value for frame in stack.children] == [picture_png(image, 64) for image in made]

    def test_link_lives_in_the_saved_state(self):
        from ipywidgets.embed import dependency_state

        view = walk(WaveGenerator(), ABC)
        slider, stack, _ = view.children
        state = dependency_state([view])
        (link,) = (model["state"] for model in state.values() if model["model_name"] == "LinkModel")
        assert tuple(link["source"]) == (f"IPY_MODEL_{slider.model_id}", "index")
        assert tuple(link["target"]) == (f"IPY_MODEL_{stack.model_id}", "selected_index")
        assert {model["model_module"] for model in state.values()} == {
            "@jupyter-widgets/base",
            "@jupyter-widgets/controls",
        }

    @pytest.mark.parametrize("paints", [False, True])
    def test_page_stays_light_whatever_the_model_makes(self, paints):
        from ipywidgets.embed import dependency_state

        class Noise(WaveGenerator):  # nothing is harder to compress
            def generate(self, z):
                random = torch.Generator().manual_seed(0)
                if self.paints:
                    return torch.rand(len(z), 3, 64, 64, generator=random) * 2 - 1
                return torch.randint(19, (len(z), 64, 64), generator=random)

        for kind, frames in ((WaveGenerator, 40), (Noise, 10 if paints else 20)):
            view = walk(kind(19, (64, 64), paints=paints), CITYSCAPES_19)
            slider, stack, _ = view.children
            assert len(slider.options) == len(stack.children) == frames
            assert len(json.dumps(dependency_state([view], drop_defaults=False))) < 250_000


def test_walk_is_live_by_hand_and_static_for_the_site(monkeypatch):
    monkeypatch.delenv("SEMPAL_STATIC", raising=False)
    assert isinstance(walk(WaveGenerator(), ABC, points=3), LatentWalker)
    monkeypatch.setenv("SEMPAL_STATIC", "1")
    assert isinstance(walk(WaveGenerator(), ABC, points=3).children[1], ipw.Stack)


@pytest.mark.parametrize("static", ["0", "1"])
def test_walk_refuses_what_cannot_be_walked(static, monkeypatch):
    monkeypatch.setenv("SEMPAL_STATIC", static)
    with pytest.raises(ValueError, match="points=1, steps=8: give ≥ 2 points"):
        walk(WaveGenerator(), ABC, points=1)
    with pytest.raises(ValueError, match=r"points=6, steps=8: .* at most 40 frames"):
        walk(WaveGenerator(), ABC, points=6)
    with pytest.raises(ValueError, match="the generator makes 3 classes, the label space names 19"):
        walk(WaveGenerator(), CITYSCAPES_19)
    with pytest.raises(ValueError, match=r"in training mode.*call its eval\(\) first"):
        walk(semgan().train(), ABC)
