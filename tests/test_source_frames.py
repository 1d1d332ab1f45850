"""One layout from several other views: frames without a kernel, one noise for all, what is refused."""

import ipywidgets as ipw
import pytest
import torch
from test_widgets import ABC

from sempal_lib.image_gans import CrossViewSettings, CrossViewUnet, LgganGenerator, LgganSettings
from sempal_lib.widgets import show_sources
from sempal_lib.widgets.shared import png_of

HALVES = torch.tensor([0] * 8 + [2] * 8).repeat(16, 1)
SOURCES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def painter(told=True):
    torch.manual_seed(0)
    made = CrossViewUnet(CrossViewSettings(3, 16, 16, ngf=4, depth=3, dropouts=1, told_layout=told))
    for weight in made.parameters():
        weight.data.mul_(5)
    return made.eval()


def frames(box):
    stacks = [child for child in box.children[1].children if isinstance(child, ipw.VBox | ipw.Stack)]
    found = [x if isinstance(x, ipw.Stack) else x.children[-1] for x in stacks]
    return [[image.value for image in stack.children] for stack in found]


def test_each_frame_is_the_layout_painted_from_its_source():
    generator, seed = painter(), 3
    box = show_sources(generator, HALVES, SOURCES, ABC, seed)
    assert list(box.children[0].options) == ["its own", "of scene 2", "of scene 3"]
    noise = torch.randn(1, generator.noise_dim, generator=torch.Generator().manual_seed(seed))
    given, made = frames(box)
    assert given == [png_of(x, ABC) for x in SOURCES]
    for source, frame in zip(SOURCES, made, strict=True):
        assert frame == png_of(generator.generate(HALVES[None], z=noise, source=source[None])[0], ABC)
    assert len(set(made)) == 3


def test_one_source_twice_is_one_picture():
    _, made = frames(show_sources(painter(), HALVES, SOURCES[[0, 1, 0]], ABC))
    assert made[0] == made[2] != made[1]


def test_what_is_refused():
    alone = LgganGenerator(LgganSettings(3, 16, 16, 4, 2, 8, residual_blocks=1))
    with pytest.raises(ValueError, match="this generator is given no other view: train one of chapter 11"):
        show_sources(alone, HALVES, SOURCES, ABC)
    with pytest.raises(ValueError, match="1 sources leave nothing to compare"):
        show_sources(painter(), HALVES, SOURCES[:1], ABC)
    with pytest.raises(ValueError, match="load both views at one size"):
        show_sources(painter(), HALVES, SOURCES[:, :, :8], ABC)
