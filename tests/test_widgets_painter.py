"""The explorer with a painter: its picture follows the layout, styles move it alone, and its frames stay light."""

import io
import json
import time
from types import SimpleNamespace

import ipywidgets as ipw
import numpy as np
import pytest
import torch
from ipywidgets.embed import dependency_state
from PIL import Image
from test_widgets import ABC, BandGenerator

from sempal_lib.image_gans.interface import ImageGenerator
from sempal_lib.image_gans.spade import SpadeGenerator, SpadeSettings
from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.pictures import picture_png
from sempal_lib.widgets import PaletteExplorer, explore, latent_path, sweep

START = [0.5, 0.3, 0.2]


class Tinter(ImageGenerator):
    """Stands in for a trained painter: a grey a class, and with noise a tint of the whole picture."""

    def __init__(self, size=(32, 64), num_classes=3, noise_dim=0, grain=0.0):
        super().__init__()
        self.settings = SimpleNamespace(num_classes=num_classes, height=size[0], width=size[1])
        self.noise_dim, self.grain, self.calls = noise_dim, grain, []
        self.register_parameter("scale", torch.nn.Parameter(torch.ones(())))

    def _paint(self, layout, z, edges):
        self.calls.append((layout, z))
        greys = self.scale * layout / self.settings.num_classes - 0.5
        tint = torch.zeros(len(layout), 3) if z is None else 0.3 * z[:, :3]
        noise = torch.randn(len(layout), 3, *layout.shape[1:], generator=torch.Generator().manual_seed(0))
        return greys[:, None] + tint[:, :, None, None] + self.grain * noise


def shown(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def live(**settings):
    return PaletteExplorer(BandGenerator(), ABC, START, painter=Tinter(**settings))


def images(view):
    return [widget.value for widget in reachable(view) if isinstance(widget, ipw.Image)]


def reachable(widget):
    return [widget, *(found for child in getattr(widget, "children", ()) for found in reachable(child))]


def pages(view):
    """Of each page of a sweep: its slider, and the PNG files of its layouts and of its pictures."""
    for page in view.children[1].children:
        slider, body = page.children
        yield slider, *(images(column) for column in body.children)


class TestPicture:
    def test_is_the_layout_painted(self):
        explorer = live()
        large = explorer.layout_now.repeat_interleave(2, 0).repeat_interleave(2, 1)
        assert torch.equal(explorer.picture_now, explorer.painter.generate(large[None])[0])
        assert explorer.picture_now.shape == (3, 32, 64)
        assert explorer.painting.value == picture_png(explorer.picture_now, 8)

    @pytest.mark.parametrize("times", [1, 2, 3])
    def test_layout_is_enlarged_by_repeating_pixels(self, times):
        explorer = live(size=(16 * times, 32 * times))
        ((large, _),) = explorer.painter.calls
        assert large.shape == (1, 16 * times, 32 * times)
        for y in range(times):
            for x in range(times):
                assert torch.equal(large[0, y::times, x::times], explorer.layout_now)

    def test_follows_the_palette_with_one_painting_a_move(self):
        explorer = live()
        before, picture = explorer.painting.value, explorer.picture_now
        explorer.sliders["car"].value = 0.7
        assert explorer.painting.value != before
        assert explorer.picture_now.mean() > picture.mean() + 0.1  # of three greys, car's is the lightest
        assert len(explorer.painter.calls) == 2

    def test_follows_the_noise_seed_and_the_reset(self):
        explorer = live(noise_dim=4)
        first = explorer.painting.value
        explorer.next_seed.click()
        assert explorer.painting.value != first
        explorer.style.value = 1.5
        explorer.next_style.click()
        explorer.reset.click()
        assert explorer.painting.value == first
        assert (explorer.style.value, explorer.style_seed.value) == (0, 0)

    def test_stands_beside_the_layout_and_first_of_all(self):
        explorer = live()
        row = explorer.children[0].children[0]
        assert [column.children[0] for column in row.children] == [explorer.picture, explorer.painting]
        assert row.layout.flex_flow == "row wrap"  # below it where there is no room
        assert all(column.layout.flex == "1 1 300px" for column in row.children)

    def test_without_a_painter_there_is_none(self):
        explorer = PaletteExplorer(BandGenerator(), ABC, START)
        assert explorer.picture_now is None
        seen = reachable(explorer)
        assert explorer.picture in seen
        assert not {explorer.painting, explorer.style, explorer.style_seed, explorer.next_style} & set(seen)


class TestStyle:
    def test_moves_the_picture_and_not_the_layout(self):
        explorer = live(noise_dim=4)
        layout, picture, calls = explorer.layout_now, explorer.picture_now, len(explorer.generator.calls)
        for control, value in ((explorer.style, 1.5), (explorer.style_seed, 7)):
            control.value = value
            assert not torch.equal(explorer.picture_now, picture)
            assert explorer.layout_now is layout
            picture = explorer.picture_now
        assert len(explorer.generator.calls) == calls

    def test_is_on_the_path_through_random_styles_of_its_seed(self):
        explorer = live(noise_dim=5)
        explorer.style_seed.value = 3
        explorer.style.value = 2.25
        corners = torch.randn(int(explorer.style.max), 5, generator=torch.Generator().manual_seed(3))
        assert torch.allclose(explorer.painter.calls[-1][1], latent_path(corners, torch.tensor([2.25])))

    def test_path_is_closed(self):
        explorer = live(noise_dim=4)
        first = explorer.painting.value
        explorer.style.value = 1
        assert explorer.painting.value != first
        explorer.style.value = explorer.style.max
        assert explorer.painting.value == first

    def test_stays_while_the_palette_moves(self):
        explorer = live(noise_dim=4)
        explorer.style.value = 2.5
        explorer.sliders["car"].value = 0.6
        (_, before), (_, after) = explorer.painter.calls[-2:]
        assert torch.equal(before, after)

    def test_painter_without_noise_has_no_sliders_for_it(self):
        plain, styled = reachable(live()), live(noise_dim=4)
        assert "style" not in [getattr(widget, "description", "") for widget in plain]
        assert {styled.style, styled.style_seed, styled.next_style} <= set(reachable(styled))
        assert styled.style.description == "style"
        assert styled.style in reachable(styled.children[0].children[0])  # in sight of the picture


class TestRefusals:
    @pytest.mark.parametrize("size", [(24, 48), (32, 32), (8, 16)])
    def test_other_size(self, size):
        message = rf"paints {size[0]}×{size[1]} px, the layouts have 16×32 px: .* such as 16×32 or 32×64 px"
        with pytest.raises(ValueError, match=message):
            live(size=size)
        with pytest.raises(ValueError, match=message):
            sweep(BandGenerator(), ABC, START, ["car"], painter=Tinter(size))

    def test_other_classes(self):
        message = "the painter takes 5 classes, the label space names 3: take a painter that was trained on"
        with pytest.raises(ValueError, match=message):
            live(num_classes=5)
        with pytest.raises(ValueError, match=message):
            sweep(BandGenerator(), ABC, START, ["car"], painter=Tinter(num_classes=5))

    def test_painter_of_instances(self):
        painter = SpadeGenerator(SpadeSettings(3, 16, 32, ngf=2, doublings=2, hidden=2, instance_edges=True))
        with pytest.raises(ValueError, match="needs the borders of instances"):
            PaletteExplorer(BandGenerator(), ABC, START, painter=painter)


class TestFrames:
    def test_each_layout_has_its_picture_behind_the_same_slider(self):
        painter, generator = Tinter(), BandGenerator()
        view = sweep(generator, ABC, START, ["road", "car"], steps=5, painter=painter)
        assert view.children[0].options == ("road", "car")
        for (slider, layouts, pictures), (large, _) in zip(pages(view), list(painter.calls), strict=True):
            assert len(slider.options) == len(layouts) == len(set(pictures)) == 5
            assert pictures == [picture_png(image, 8) for image in painter.generate(large)]
            for layout, small in zip(layouts, large[:, ::2, ::2], strict=True):
                assert (shown(layout)[:256:16, ::16] == ABC.colourise(small).numpy()).all()

    def test_both_columns_are_linked_to_the_slider_in_the_saved_state(self):
        view = sweep(BandGenerator(), ABC, START, ["road"], steps=3, painter=Tinter(noise_dim=4))
        state = dependency_state([view])
        ends = [m["state"] for m in state.values() if m["model_name"] == "LinkModel"]
        (slider, body), (style, still) = (page.children for page in view.children[1].children)
        layouts, pictures = (column.children[0] for column in body.children)
        moving = still.children[1].children[0]
        expected = {(view.children[0], view.children[1]), (slider, layouts), (slider, pictures), (style, moving)}
        assert {(tuple(end["source"]), tuple(end["target"])) for end in ends} == {
            ((f"IPY_MODEL_{a.model_id}", "index"), (f"IPY_MODEL_{b.model_id}", "selected_index")) for a, b in expected
        }

    def test_styles_have_a_page_of_the_start(self):
        painter = Tinter(noise_dim=4)
        view = sweep(BandGenerator(), ABC, START, ["car"], painter=painter, seed=2)
        assert view.children[0].options == ("car", "style")
        slider, layouts, pictures = list(pages(view))[1]
        assert len(layouts) == 1
        assert len(slider.options) == len(set(pictures)) == 8
        assert slider.value == "0.00"
        explorer = PaletteExplorer(BandGenerator(), ABC, START, seed=2, painter=painter)
        for option, picture in zip(slider.options, pictures, strict=True):
            explorer.style.value = float(option)
            assert picture == explorer.painting.value

    def test_sweeps_have_the_style_at_the_start_of_the_path(self):
        painter = Tinter(noise_dim=4)
        sweep(BandGenerator(), ABC, START, ["car"], steps=4, painter=painter, seed=2)
        (_, swept), (_, styles) = painter.calls
        assert torch.equal(swept, styles[:1].expand(4, -1))

    @pytest.mark.parametrize("noise_dim", [0, 4])
    @pytest.mark.parametrize("grain", [0.02, 2.0])
    def test_page_stays_light_whatever_is_painted(self, grain, noise_dim, monkeypatch):
        monkeypatch.setenv("SEMPAL_STATIC", "1")
        palette = np.array([8, 2, 6, *[0.3] * 5, 5, 0.3, 2, *[0.3] * 8])
        painter = Tinter((128, 256), 19, noise_dim, grain)
        view = explore(BandGenerator(19, (64, 128)), CITYSCAPES_19, palette / palette.sum(), painter=painter)
        assert len(json.dumps(dependency_state([view], drop_defaults=False))) < 450_000
        for slider, layouts, pictures in pages(view):
            assert len(slider.options) == len(pictures) >= 2
            assert len(layouts) in (1, len(pictures))
            assert 0 <= slider.index < len(pictures)

    def test_explore_hands_the_painter_on(self, monkeypatch):
        monkeypatch.delenv("SEMPAL_STATIC", raising=False)
        assert explore(BandGenerator(), ABC, START, painter=Tinter()).picture_now is not None
        monkeypatch.setenv("SEMPAL_STATIC", "1")
        assert explore(BandGenerator(), ABC, START, painter=Tinter()).children[0].options == ("sky", "road", "car")
        styled = explore(BandGenerator(), ABC, START, painter=Tinter(noise_dim=4))
        assert styled.children[0].options == ("sky", "road", "style")


def test_redraw_leaves_the_models_most_of_100_ms():
    painter = Tinter((64, 128), 19, noise_dim=4)
    explorer = PaletteExplorer(BandGenerator(19, (32, 64)), CITYSCAPES_19, np.full(19, 1 / 19), painter=painter)
    seconds = []
    for value in (0.1, 0.3, 0.5, 0.7, 0.9):
        begin = time.perf_counter()
        explorer.sliders["road"].value = value
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.05
