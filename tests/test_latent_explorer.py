"""The latent explorer: what a class, a layer, a slider, a draw, a style and undo must do, and what is refused."""

import io
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ipywidgets.embed import dependency_state
from PIL import Image
from test_widgets import ABC
from test_widgets_painter import images, shown

from sempal_lib.image_gans import Latents
from sempal_lib.image_gans.clvae import ClvaeEncoder, ClvaeGenerator, ClvaeSettings
from sempal_lib.image_gans.editing import places_of, principal_directions, style_guided
from sempal_lib.image_gans.interface import ImageGenerator
from sempal_lib.labels import CITYSCAPES_19, LabelSpace
from sempal_lib.pictures import pixels_of
from sempal_lib.widgets import LatentExplorer, explore_latents

SIZE = (4, 8)
BANDS = torch.tensor([0, 0, 1, 1])[:, None].repeat(1, 8)  # sky over road; no car
PARTS = Latents(global_dim=2, layers=2, num_classes=3, class_dim=3)


class Dyer(ImageGenerator):
    """Stands in for a trained model: a region's colour is the sum of its class's codes, its light the global code."""

    def __init__(self, parts=PARTS, size=SIZE, num_classes=3):
        super().__init__()
        self.settings = SimpleNamespace(num_classes=num_classes, height=size[0], width=size[1])
        self.latents, self.noise_dim = parts, parts.length
        self.register_parameter("scale", torch.nn.Parameter(torch.ones(())))

    def _paint(self, layout, z, edges):
        parts, rows = self.latents.split(z), torch.arange(len(layout))[:, None, None]
        colours = parts["layers"].sum(1)[rows, layout.long().clamp(max=2) if self.latents.class_wise else 0]
        return self.scale * (colours.permute(0, 3, 1, 2) + parts["global"][:, :1, None, None]) / 4


class Reader(torch.nn.Module):
    """Its encoder: each class's mean colour at layer 2, nothing elsewhere."""

    def __init__(self, parts=PARTS):
        super().__init__()
        self.parts = parts
        self.register_parameter("scale", torch.nn.Parameter(torch.ones(())))

    def forward(self, images, layouts):
        mask = torch.nn.functional.one_hot(layouts.clamp(max=3), 4).movedim(-1, 1)[:, :3].float()
        total = torch.einsum("bchw,bkhw->bck", mask, images)
        codes = torch.zeros(len(images), self.parts.layers, 3, 3)
        codes[:, 0] = total / mask.sum((2, 3)).clamp(min=1)[..., None]
        mean = self.parts.join({"global": torch.zeros(len(images), self.parts.global_dim), "layers": codes})
        return mean, torch.zeros_like(mean)


def scenes(count=5, car=True):
    """Pictures whose regions have one colour each; in the first the road is a car."""
    random = torch.Generator().manual_seed(0)
    layouts = BANDS.repeat(count, 1, 1)
    if car:
        layouts[0, 2:] = 2
    colours = 2 * torch.rand(count, 3, 3, generator=random) - 1
    return colours[torch.arange(count)[:, None, None], layouts].permute(0, 3, 1, 2).contiguous(), layouts


@pytest.fixture
def explorer(tmp_path):
    return LatentExplorer(Dyer(), BANDS, ABC, Reader(), scenes(), folder=tmp_path / "edits")


def where_changed(before, after):
    return (before != after).any(0)


SKY, ROAD = BANDS == 0, BANDS == 1


class TestCodes:
    def test_of_one_class_change_its_pixels_alone(self, explorer):
        before, z = explorer.picture_now, explorer.z_now
        explorer.choose("road")
        assert torch.equal(explorer.picture_now, before)
        explorer.sliders[0].value = 1.5
        assert torch.equal(where_changed(before, explorer.picture_now), ROAD)
        moved = (explorer.z_now != z)[0].nonzero().flatten()
        assert set(moved.tolist()) <= set(places_of(PARTS, None, 1).tolist())
        assert "road, all layers: 100% of the change" in explorer.status.value

    def test_of_one_layer_change_that_layer_alone(self, explorer):
        z = explorer.z_now
        explorer.choose("sky", 3)
        explorer.draw(4)
        assert (explorer.z_now != z)[0].nonzero().flatten().tolist() == places_of(PARTS, 3, 0).tolist()

    def test_same_seed_is_the_same_picture(self, explorer):
        explorer.choose("road")
        explorer.draw(7)
        once = explorer.picture_now
        explorer.draw(8)
        assert not torch.equal(explorer.picture_now, once)
        explorer.sliders[1].value = 2
        explorer.draw(7)
        assert torch.equal(explorer.picture_now, once)
        assert explorer.sliders[1].value == 0

    def test_draw_of_the_starts_own_seed_is_another_code(self, explorer):
        before = explorer.picture_now
        explorer.draw(0)
        assert not torch.equal(explorer.picture_now, before)

    def test_sliders_start_anew_where_another_code_is_chosen(self, explorer):
        explorer.choose("road")
        explorer.sliders[0].value = 1.0
        z = explorer.z_now
        explorer.cls.value = 0
        assert explorer.sliders[0].value == 0
        assert torch.equal(explorer.z_now, z)
        explorer.sliders[0].value = 1.0
        assert torch.equal(explorer.z_now[:, places_of(PARTS, None, 1)], z[:, places_of(PARTS, None, 1)])

    def test_a_slider_goes_so_many_deviations_along_the_references_direction(self, explorer):
        explorer.choose("sky", 2)
        z, codes = explorer.z_now, explorer.references.codes[:, places_of(PARTS, 2, 0)]
        basis, spread = principal_directions(codes)
        explorer.sliders[0].value = 2.0
        step = (explorer.z_now - z)[0, places_of(PARTS, 2, 0)]
        assert spread[0] == pytest.approx(float((codes @ basis[0]).std()), rel=1e-4)
        whole = (spread[0] ** 2 + 1) ** 0.5  # each code has a variance of 1 around its mean
        assert torch.allclose(step, 2 * whole * basis[0], atol=1e-6)

    def test_classes_and_layers_of_the_menus(self, explorer):
        assert [name for name, _ in explorer.cls.options] == ["whole picture", "sky", "road"]
        assert [n for _, n in explorer.layer.options] == [None, 1, 2, 3]
        explorer.cls.value = 1
        assert [n for _, n in explorer.layer.options] == [None, 2, 3]
        explorer.layer.value = 3
        explorer.cls.value = None
        assert explorer.layer.value is None

    def test_one_code_for_all_is_the_whole_pictures(self):
        plain = Latents(4)

        class Light(Dyer):
            def _paint(self, layout, z, edges):
                return z[:, :3, None, None].expand(-1, -1, *SIZE) / 4

        explorer = LatentExplorer(Light(plain), BANDS, ABC)
        assert [name for name, _ in explorer.cls.options] == ["whole picture"]
        before = explorer.picture_now
        explorer.sliders[0].value = 1
        assert where_changed(before, explorer.picture_now).all()


class TestStyle:
    def test_of_a_class_is_the_references(self, explorer):
        before = explorer.picture_now
        explorer.choose("road")
        explorer.reference.value = 3
        explorer.take.click()
        assert torch.equal(where_changed(before, explorer.picture_now), ROAD)
        expected = torch.tanh(scenes()[0][3][:, 3, 0] / 4 + explorer.z_now[0, 0] / 4)
        assert torch.allclose(explorer.picture_now[:, 3, 0], expected, atol=1e-6)

    def test_of_the_whole_picture_is_that_of_the_classes_that_both_have(self, explorer):
        z = explorer.z_now
        images_, layouts = scenes()
        explorer.take_style(images_[0], layouts[0])  # sky and car
        parts, own, theirs = (PARTS.split(x) for x in (explorer.z_now, z, explorer.references.codes[:1]))
        assert torch.equal(parts["global"], theirs["global"])
        assert torch.equal(parts["layers"][:, :, 0], theirs["layers"][:, :, 0])
        assert torch.equal(parts["layers"][:, :, 1:], own["layers"][:, :, 1:])

    def test_is_refused_by_name(self, explorer):
        explorer.choose("road")
        images_, layouts = scenes()
        with pytest.raises(ValueError, match="the reference shows no road: take another picture, or another class"):
            explorer.take_style(images_[0], layouts[0])
        explorer.reference.value = 0
        explorer.take.click()
        assert "the reference shows no road" in explorer.status.value
        with pytest.raises(ValueError, match=r"picture is \[1, 3, 4, 6\] and its layout \[1, 4, 8\], expected"):
            explorer.take_style(images_[1][..., :6], layouts[1])
        with pytest.raises(ValueError, match=r"has 19 classes \(road, .*the generator 3 \(sky, .*the same data set"):
            explorer.take_style(images_[1], layouts[1], CITYSCAPES_19)
        with pytest.raises(ValueError, match=r"layout has the labels \[7\], expected 0 to 2, or 255"):
            explorer.take_style(images_[1], layouts[1] * 7)
        with pytest.raises(ValueError, match="no encoder to read styles with"):
            LatentExplorer(Dyer(), BANDS, ABC).take_style(images_[1], layouts[1])


class TestUndo:
    def test_goes_back_and_forth_to_the_last_pixel(self, explorer):
        def state():
            values = [slider.value for slider in explorer.sliders]
            return (
                explorer.painting.value,
                explorer.picture_now.tolist(),
                explorer.cls.value,
                explorer.layer.value,
                values,
            )

        steps = [
            lambda: explorer.choose("road"), lambda: explorer.draw(3),
            lambda: setattr(explorer.sliders[0], "value", 1.0), lambda: explorer.choose("sky", 3),
            explorer.next_seed.click, explorer.take.click, lambda: setattr(explorer.still, "value", True),
            explorer.reset,
        ]  # fmt: skip
        seen = [state()]
        for step in steps:
            step()
            seen.append(state())
        for expected in reversed(seen[:-1]):
            explorer.buttons["undo"].click()
            assert state() == expected
        assert explorer.buttons["undo"].disabled
        for expected in seen[1:]:
            explorer.buttons["redo"].click()
            assert state() == expected
        assert explorer.buttons["redo"].disabled

    def test_a_drag_is_one_step(self, explorer):
        start = explorer.picture_now
        explorer.choose("road")
        for value in (0.5, 1.0, 1.5):
            explorer.sliders[0].value = value
        explorer.undo()
        assert torch.equal(explorer.picture_now, start)
        assert explorer.cls.value == 1


def test_all_other_pixels_can_be_held_still():
    class Leaky(Dyer):
        def _paint(self, layout, z, edges):
            return super()._paint(layout, z, edges) + z.mean(1)[:, None, None, None]

    explorer = LatentExplorer(Leaky(), BANDS, ABC)
    before = explorer.picture_now
    explorer.choose("road")
    explorer.draw(1)
    assert where_changed(before, explorer.picture_now).all()
    leaked = explorer.picture_now
    explorer.still.value = True
    assert torch.equal(where_changed(before, explorer.picture_now), ROAD)
    assert torch.equal(explorer.picture_now[:, ROAD], leaked[:, ROAD])
    explorer.choose("sky")
    explorer.draw(2)
    assert where_changed(before, explorer.picture_now).all()  # both were touched


def test_picture_shows_and_file_holds_what_is_now(explorer, tmp_path):
    explorer.choose("sky")
    explorer.draw(5)
    (tmp_path / "edits").mkdir()
    (tmp_path / "edits" / "picture-004.png").write_text("mine")
    explorer.buttons["save"].click()
    assert "picture-005.png" in explorer.status.value
    with Image.open(tmp_path / "edits" / "picture-005.png") as file:
        assert (np.asarray(file) == pixels_of(explorer.picture_now)).all()
    frame = np.asarray(Image.open(io.BytesIO(explorer.painting.value)).convert("RGB"))
    assert np.abs(frame[::64, ::64].astype(int) - pixels_of(explorer.picture_now)).max() <= 1


class TestRefusals:
    def test_class_and_layer(self, explorer):
        before = explorer.z_now
        with pytest.raises(ValueError, match="the layout has no car: choose one of sky, road"):
            explorer.choose("car")
        with pytest.raises(KeyError, match="no class 'tram'"):
            explorer.choose("tram")
        with pytest.raises(ValueError, match="layer 4 has no code: this generator's layers are 1 to 3"):
            explorer.choose("sky", 4)
        with pytest.raises(ValueError, match="layer 1 is one code for the whole picture"):
            explorer.choose("sky", 1)
        assert torch.equal(explorer.z_now, before)
        assert explorer.buttons["undo"].disabled

    def test_start(self):
        with pytest.raises(ValueError, match=r"layout is int64 \[4, 4\], expected integers \[4, 8\]"):
            LatentExplorer(Dyer(), BANDS[:, :4], ABC)
        with pytest.raises(ValueError, match=r"label values \[7\] are out of range"):
            LatentExplorer(Dyer(), BANDS * 7, ABC)
        with pytest.raises(ValueError, match="the generator makes 3 classes, the label space names 19"):
            LatentExplorer(Dyer(), BANDS, CITYSCAPES_19)
        with pytest.raises(ValueError, match=r"z has shape \[1, 3\], expected \[1, 20\]"):
            LatentExplorer(Dyer(), BANDS, ABC, z=torch.zeros(1, 3))
        without = Dyer()
        without.latents = None
        with pytest.raises(ValueError, match="no codes of styles: take one that was trained with an encoder"):
            LatentExplorer(without, BANDS, ABC)


class TestFrames:
    @pytest.fixture(autouse=True)
    def _static(self, monkeypatch):
        monkeypatch.setenv("SEMPAL_STATIC", "1")

    def test_change_one_class_at_a_time(self):
        view = explore_latents(Dyer(), BANDS, ABC, Reader(), scenes(), classes=["road", "sky"])
        assert view.children[0].options == (
            "road", "sky", "road, coarsest layer", "road, finest layer", "road, drawn anew",
        )  # fmt: skip
        for number, region in enumerate((ROAD, SKY, ROAD, ROAD, ROAD)):
            slider, columns = view.children[1].children[number].children
            *moving, _ = images(columns)
            assert len(slider.options) == len(moving)
            first, last = (shown(png)[::64, ::64].astype(int) for png in (moving[0], moving[-1]))
            assert (torch.tensor(np.abs(first - last).max(2)) <= 1).logical_or(region).all()
            assert len(set(moving)) > 1
        with pytest.raises(ValueError, match="the layout has no car: name classes that it has"):
            explore_latents(Dyer(), BANDS, ABC, classes=["car"])

    def test_live_explorer_stays_out_of_a_light_page(self):
        generator, encoder = untrained()
        layout = torch.arange(64)[:, None].expand(64, 128) * 19 // 64
        pairs = torch.randn(6, 3, 64, 128).tanh(), layout.expand(6, -1, -1)
        state = dependency_state(
            [explore_latents(generator, layout, CITYSCAPES_19, encoder, pairs)], drop_defaults=False
        )
        assert {model["model_module"] for model in state.values()} == {
            "@jupyter-widgets/base", "@jupyter-widgets/controls",
        }  # fmt: skip
        assert len(json.dumps(state)) < 450_000


def untrained(size=(64, 128)):
    torch.manual_seed(0)
    settings = ClvaeSettings(19, *size, ngf=8, doublings=4, hidden=32, latent_dim=16, encoder_size=128, layers=5)
    return ClvaeGenerator(settings).eval(), ClvaeEncoder(settings).eval()


def test_a_step_takes_at_most_100_ms():
    """At 64×128 px, with a network of the size that the book trains on a laptop."""
    generator, encoder = untrained()
    layout = torch.arange(64)[:, None].expand(64, 128) * 19 // 64
    pairs = torch.randn(6, 3, 64, 128).tanh(), layout.expand(6, -1, -1)
    explorer = LatentExplorer(generator, layout, CITYSCAPES_19, encoder, pairs)
    explorer.choose("road")
    seconds = []
    for value in (0.25, 0.5, 1.0, 1.5, 2.0):
        begin = time.process_time()
        explorer.sliders[0].value = value
        seconds.append(time.process_time() - begin)
    assert min(seconds) < 0.1


def test_style_guided_by_hand():
    z, other = torch.zeros(2, PARTS.length), torch.ones(2, PARTS.length)
    shared = torch.tensor([[True, False, True], [False, False, False]])
    found = PARTS.split(style_guided(PARTS, z, other, shared))
    assert found["global"].tolist() == [[1, 1], [1, 1]]
    assert found["layers"][0, :, :, 0].tolist() == [[1, 0, 1]] * 2
    assert found["layers"][1].eq(0).all()
    assert torch.equal(style_guided(Latents(4), torch.zeros(1, 4), torch.ones(1, 4), shared[:1]), torch.ones(1, 4))


def test_principal_directions_by_hand():
    codes = torch.tensor([[3.0, 0.0, 1.0], [-3.0, 0.0, 1.0], [0.0, -1.0, 1.0], [0.0, 1.0, 1.0]])
    basis, spread = principal_directions(codes)
    assert torch.allclose(basis, torch.tensor([[1.0, 0, 0], [0, 1, 0]]), atol=1e-6)  # no third one
    assert spread.tolist() == pytest.approx([6**0.5, (2 / 3) ** 0.5])
    assert principal_directions(codes[:1])[0].shape == (0, 3)


def test_a_label_space_of_the_same_names_is_the_same():
    explorer = LatentExplorer(Dyer(), BANDS, ABC, Reader(), scenes())
    same = LabelSpace(ABC.names, ABC.colors, ignore_index=255)
    images_, layouts = scenes()
    explorer.take_style(images_[1], torch.where(SKY, layouts[1], 255), same)
