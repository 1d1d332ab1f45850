"""Diagrams: one SVG element each, in the page's colours, with alternative text; no box or arrow lies on another."""

import itertools
import re
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.text import Text

from sempal_lib import figures
from sempal_lib.figures.diagrams import INK, TINT, Arrow, boxes, diagram
from sempal_lib.figures.style import styled
from sempal_lib.labels import LabelSpace

pytestmark = pytest.mark.filterwarnings("error")

DIAGRAMS = [name for name in figures.__all__ if name.endswith("_diagram")]


@pytest.mark.parametrize("name", DIAGRAMS)
class TestDiagrams:
    def test_is_one_element_with_alternative_text_in_the_colours_of_the_page(self, name):
        drawn = getattr(figures, name)()
        root = ElementTree.fromstring(drawn._repr_html_())
        title, description = root[0], root[1]
        assert (title.text, description.text) == (drawn.title, drawn.description)
        assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
        assert repr(drawn) == f"{drawn.title}: {drawn.description}"
        assert len(drawn.description) > 60
        # A style sheet within the element would hold for the whole page; any other colour is lost on dark ground.
        assert root.find(".//{*}style") is None
        drawn_in = {value.strip() for value in re.findall(r"(?:fill|stroke): ([^;\"]+)", drawn.svg)}
        pictures = {value for value in drawn_in if value.startswith("url(")}
        assert drawn_in - pictures <= {"none", "currentColor", "var(--sempal-tint, #0072b2)"}

    def test_is_the_same_each_time_and_shares_no_id_with_another(self, name):
        once, again = (getattr(figures, name)() for _ in range(2))
        assert once == again
        ids = re.findall(r'\bid="([^"]+)"', once.svg)
        assert len(ids) == len(set(ids))
        for used in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', once.svg):
            assert "".join(used) in ids
        for other in set(DIAGRAMS) - {name}:
            assert not set(ids) & set(re.findall(r'\bid="([^"]+)"', getattr(figures, other)().svg))

    def test_boxes_stand_apart_and_no_arrow_runs_through_one(self, name):
        figure = styled(getattr(figures, name).__wrapped__)()
        figure.draw_without_rendering()
        framed = [text for text in figure.findobj(Text) if text.get_bbox_patch() is not None]
        extents = {text.get_text(): text.get_bbox_patch().get_window_extent() for text in framed}
        for (a, box_a), (b, box_b) in itertools.combinations(extents.items(), 2):
            assert not box_a.overlaps(box_b), f"{a!r} lies on {b!r}"
        for text, box in extents.items():
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
            assert inside, f"{text!r} leaves the figure"
        for arrow in (text.arrow_patch for text in figure.findobj(Text) if getattr(text, "arrow_patch", None)):
            way = arrow.get_path().transformed(arrow.get_transform()).interpolated(20).vertices
            for text, box in extents.items():
                crossed = any(box.x0 + 2 < x < box.x1 - 2 and box.y0 + 2 < y < box.y1 - 2 for x, y in way)
                assert not crossed, f"an arrow runs through {text!r}"
        shrink = 358 / 96 / figure.get_figwidth()
        assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) * shrink >= 8


def test_diagram_takes_labels_bends_and_dashes():
    @diagram("A title & more", "What <it> shows.")
    def small():
        places = {"a": (0.5, 0.5), "b": (3.5, 0.5)}
        return boxes(places, [("a", "b"), Arrow("b", "a", "back", bend=0.3, dashed=True)], ("b",), 1.2)

    drawn = small()
    assert "A title &amp; more" in drawn.svg
    assert "What &lt;it&gt; shows." in drawn.svg
    assert INK not in drawn.svg
    assert TINT not in drawn.svg
    assert drawn.svg.count("stroke-dasharray") >= 1
    figure = styled(small.__wrapped__)()
    assert [text.get_text() for text in figure.findobj(Text) if text.get_text()] == ["a", "b", "back"]
    assert plt.get_fignums() == []


class TestActivationMaps:
    def drawn(self):
        maps = [np.random.default_rng(0).random((3, 4, 8)) for _ in range(3)]
        given = maps, [0.5, 0.3, 0.2], maps[2].argmax(0)
        return figures.activation_maps, given, LabelSpace(("sky", "road", "car"), ((0, 0, 255), (9, 9, 9), (200, 0, 0)))

    def test_each_class_has_three_maps_on_the_scales_of_their_columns(self):
        draw, (maps, palette, layout), space = self.drawn()
        figure = styled(draw.__wrapped__)(maps, palette, layout, space, (2, 0))
        *heat, last = figure.axes[0].images
        assert len(heat) == 6
        for k, picture in enumerate(heat):
            step, c = k // 2, (2, 0)[k % 2]
            assert (picture.get_array() == maps[step][c]).all()
            assert picture.get_clim() == (0, (maps[0][c].max(), maps[1][[0, 2]].max(), 1)[step])
        assert (last.get_array() == space.colourise(torch.from_numpy(layout)).numpy()).all()
        texts = [text.get_text() for text in figure.findobj(Text)]
        assert "car\n$t_c = 0.2$" in texts
        assert not any(text.startswith("road") for text in texts)

    def test_pictures_lie_within_the_element_and_it_is_the_same_each_time(self):
        draw, given, space = self.drawn()
        first, again = (draw(*given, space, (0, 1, 2)) for _ in range(2))
        assert first == again
        assert first.svg.count("data:image/png;base64,") == 10
        ElementTree.fromstring(first.svg)
