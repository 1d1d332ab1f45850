"""The class view: what a click shows, what does not change, frames without a kernel, what is refused."""

import ipywidgets as ipw
import numpy as np
import pytest
import torch
from test_widgets import ABC

from sempal_lib.image_gans import LgganGenerator, LgganSettings
from sempal_lib.widgets import ClassView, show_classes
from sempal_lib.widgets.shared import png_of

HALVES = torch.tensor([0] * 8 + [2] * 8).repeat(16, 1)  # of ABC's three classes, two; the right half is the third


def generator(form="s5", **changes):
    torch.manual_seed(0)
    return LgganGenerator(LgganSettings.form(form, 3, 16, 16, 4, doublings=3, hidden=8, residual_blocks=1, **changes))


def clicked(view, row, column):
    region = torch.zeros(16, 16, dtype=torch.bool)
    region[row, column] = True
    message = [memoryview(region.numpy().astype(np.uint8).tobytes())]
    view.canvas._handle_custom_msg({"kind": "region"}, message)


def test_a_click_shows_the_class_under_it():
    painter = generator()
    view = show_classes(painter, HALVES, ABC)
    own = painter.eval().branches(HALVES[None]).class_images[0].detach()
    assert isinstance(view, ClassView)
    clicked(view, 3, 12)
    assert view.chosen == view.menu.value == 2
    assert view.images["own"].value == png_of(own[2], ABC)
    others = {title: image.value for title, image in view.images.items() if title != "own"}
    clicked(view, 3, 1)
    assert view.chosen == 0
    assert view.images["own"].value == png_of(own[0], ABC) != png_of(own[2], ABC)
    assert others == {title: image.value for title, image in view.images.items() if title != "own"}
    assert np.frombuffer(view.canvas.region, np.uint8).reshape(16, 16)[:, :8].all()
    view.menu.value = 2
    assert view.images["own"].value == png_of(own[2], ABC)


def test_a_pixel_of_no_class_changes_nothing():
    layout = HALVES.clone()
    layout[0, 0] = 255
    space = type(ABC)(ABC.names, ABC.colors, ignore_index=255)
    view = show_classes(generator(), layout, space)
    before = view.chosen
    clicked(view, 0, 0)
    assert view.chosen == before


def test_training_goes_on_as_it_was():
    painter = generator().train()
    state = {name: value.clone() for name, value in painter.state_dict().items()}
    show_classes(painter, HALVES, ABC)
    assert painter.training
    assert all(torch.equal(value, state[name]) for name, value in painter.state_dict().items())


def test_frames_without_a_kernel(monkeypatch):
    monkeypatch.setenv("SEMPAL_STATIC", "1")
    painter = generator()
    menu, stack, _ = show_classes(painter, HALVES, ABC).children
    assert isinstance(menu, ipw.ToggleButtons)
    assert menu.options == tuple(ABC.names[c] for c in (0, 2))
    slider = stack.children[1].children[0]
    assert slider.options[:2] == ("its own picture", "weight of the local picture")
    without = show_classes(generator("s3"), HALVES, ABC, [ABC.names[2]]).children
    assert without[1].children[0].children[0].options[:2] == ("its own picture", "local picture")
    with pytest.raises(ValueError, match=f"the layout has no {ABC.names[1]}"):
        show_classes(painter, HALVES, ABC, [ABC.names[1]])


def test_what_is_refused():
    with pytest.raises(ValueError, match="no local branch: take LGGAN in form s2"):
        show_classes(generator("s1"), HALVES, ABC)
    with pytest.raises(ValueError, match=r"expected integers \[16, 16\]"):
        show_classes(generator(), HALVES[:8], ABC)
    with pytest.raises(ValueError, match="choose one of"):
        show_classes(generator(), HALVES, ABC).choose(1)
