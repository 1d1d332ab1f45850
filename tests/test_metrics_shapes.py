"""Metrics of colored-shapes scenes: real ones are flawless, and each injected fault shows in its own number."""

import numpy as np
import pytest
import torch

from sempal_lib import metrics
from sempal_lib.labels import label_space_of
from sempal_lib.metrics.shapes import _component_counts
from sempal_lib.worlds.colored_shapes import SHAPES_4, ColoredShapes

BACKGROUND, CIRCLE, RECTANGLE, SQUARE = range(4)
FLAWLESS = {f"{shape}_{what}": 1.0 for shape in ("circle", "rectangle", "square") for what in ("form", "size", "count")}
ROW, COLUMN = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")


def disc(y, x, radius=10):
    return (ROW + 0.5 - y) ** 2 + (COLUMN + 0.5 - x) ** 2 <= radius**2


def draw(square=(2, 2), rectangle=(30, 30, 20, 12), circle=(15, 45)):
    """One scene; its shapes lie apart by default."""
    layout = torch.zeros(64, 64, dtype=torch.int64)
    layout[square[0] : square[0] + 10, square[1] : square[1] + 10] = SQUARE
    top, left, height, width = rectangle
    layout[top : top + height, left : left + width] = RECTANGLE
    layout[disc(*circle)] = CIRCLE
    return layout


def report(layout):
    """Report of one layout, without the shares of layouts that show the class."""
    return {name: value for name, value in metrics.shape_report(layout[None]).items() if "present" not in name}


def faults(layout):
    """What a report finds wrong, but for stray pixels."""
    return {name for name, value in report(layout).items() if value == 0 and name != "stray_pixels"}


@pytest.mark.parametrize("split", ["train", "val"])
def test_real_scenes_are_their_own_nearest_and_flawless(split):
    layouts = ColoredShapes(split).layouts()
    assert len(layouts) == 2916
    scenes = metrics.nearest_scene(layouts)
    assert scenes.dtype == torch.int64
    assert torch.equal(scenes, layouts.long())
    found = metrics.shape_report(layouts[:600])
    for shape in (CIRCLE, RECTANGLE, SQUARE):
        shown = (layouts[:600] == shape).flatten(1).any(1).double().mean().item()
        assert found.pop(f"{SHAPES_4.names[shape]}_present") == pytest.approx(shown)
    assert shown < 1  # some squares are wholly hidden, and that is no fault
    assert found == {"stray_pixels": 0.0} | FLAWLESS


def plain_nearest(layout):
    """Every legal place of every shape, one after the other."""
    layout = layout.numpy()
    hidden = np.zeros((64, 64), bool)

    def worth(shape):
        return np.where(hidden, 0, np.where(layout == shape, 1, -1))

    masks, best = {}, -np.inf
    for y in range(10, 55):
        for x in range(10, 55):
            mask = disc(y, x).numpy()
            score = worth(CIRCLE)[mask].sum()
            if score > best:
                best, masks[CIRCLE] = score, mask
    for shape, heights, last in ((RECTANGLE, range(8, 25), None), (SQUARE, (10,), 54)):
        hidden |= masks[RECTANGLE if shape == SQUARE else CIRCLE]
        values, best = worth(shape), -np.inf
        for height in heights:
            for width in heights:
                windows = np.lib.stride_tricks.sliding_window_view(values, (height, width))[:last, :last]
                sums = windows.sum((2, 3))
                if sums.max() > best:
                    best = sums.max()
                    top, left = np.argwhere(sums == best)[0]
                    masks[shape] = np.zeros((64, 64), bool)
                    masks[shape][top : top + height, left : left + width] = True
    scene = np.zeros((64, 64), np.int64)
    for shape in (SQUARE, RECTANGLE, CIRCLE):
        scene[masks[shape]] = shape
    return torch.from_numpy(scene)


def test_nearest_scene_of_spoilt_layouts_against_a_loop():
    random = torch.Generator().manual_seed(0)
    layouts = ColoredShapes("val", length=3).layouts().long()
    for index, share in enumerate((0.1, 0.4, 1.0)):
        spoilt = torch.rand(64, 64, generator=random) < share
        layouts[index][spoilt] = torch.randint(4, (64, 64), generator=random)[spoilt]
    cut = draw()  # shapes that the picture cuts off, as no legal scene has them
    cut[cut != CIRCLE] = BACKGROUND
    cut[60:, 48:] = RECTANGLE
    cut[30:40, :4] = SQUARE
    layouts = torch.cat([layouts, cut[None]])
    assert torch.equal(metrics.nearest_scene(layouts), torch.stack([plain_nearest(layout) for layout in layouts]))


def test_nearest_scene_at_the_borders_and_for_the_extreme_sizes():
    scenes = [
        draw(square=(0, 0), rectangle=(40, 40, 24, 24), circle=(10, 54)),
        draw(square=(53, 53), rectangle=(0, 0, 8, 8), circle=(54, 10)),
        draw(square=(53, 0), rectangle=(0, 56, 24, 8), circle=(10, 10)),
        draw(square=(0, 53), rectangle=(56, 0, 8, 24), circle=(54, 54)),
        draw(square=(20, 20), rectangle=(20, 20, 12, 12), circle=(25, 25)),
    ]
    for dtype in (torch.int64, torch.uint8):
        assert torch.equal(metrics.nearest_scene(torch.stack(scenes).to(dtype)), torch.stack(scenes))


def test_the_square_s_last_place_is_53():
    layout = draw(square=(54, 54), rectangle=(30, 10, 20, 12))
    expected = draw(square=(53, 53), rectangle=(30, 10, 20, 12))
    assert torch.equal(metrics.nearest_scene(layout[None])[0], expected)


def test_results_do_not_hang_on_the_chunks(monkeypatch):
    layouts = ColoredShapes(length=10).layouts()
    layouts[:, 5:9] = SQUARE
    whole = metrics.nearest_scene(layouts)
    monkeypatch.setattr("sempal_lib.metrics.shapes.CHUNK", 3)
    assert torch.equal(metrics.nearest_scene(layouts), whole)


def test_a_clean_scene_has_no_faults():
    assert report(draw()) == {"stray_pixels": 0.0} | FLAWLESS


@pytest.mark.parametrize("label", [CIRCLE, RECTANGLE, SQUARE])
@pytest.mark.parametrize("at", [(60, 60), (15, 56), (31, 29), (12, 5)])  # far off, and beside each of the shapes
def test_a_stray_pixel_adds_one_in_4096_and_nothing_else(label, at):
    layout = draw()
    assert layout[at] == BACKGROUND
    layout[at] = label
    assert report(layout) == {"stray_pixels": 1 / 4096} | FLAWLESS


def test_a_hole_of_one_pixel_counts_the_same():
    layout = draw()
    layout[15, 45] = SQUARE
    assert report(layout)["stray_pixels"] == 1 / 4096
    both = torch.stack([layout, draw()])
    assert metrics.shape_report(both)["stray_pixels"] == 0.5 / 4096


def test_a_second_circle_breaks_the_count():
    layout = draw()
    layout[disc(50, 15, radius=5)] = CIRCLE
    assert faults(layout) == {"circle_count", "circle_form", "circle_size"}
    speck = draw()
    speck[50:52, 15:17] = CIRCLE  # 4 px are a region, 1.3 % of the area is within its tolerance
    assert faults(speck) == {"circle_count"}
    speck[50, 15] = BACKGROUND  # 3 px are stray
    assert faults(speck) == set()
    assert report(speck)["stray_pixels"] == 3 / 4096


def test_pieces_that_touch_at_corners_are_two():
    layout = draw()
    layout[50:54, 10:14] = RECTANGLE
    layout[54:58, 14:18] = RECTANGLE
    both = metrics.shape_report(torch.stack([layout, draw()]))
    assert both["rectangle_count"] == 0.5
    masks = np.stack([(layout == RECTANGLE).numpy(), np.zeros((64, 64), bool), (draw() == RECTANGLE).numpy()])
    assert _component_counts(masks).tolist() == [3, 0, 1]


def test_regions_do_not_join_across_pictures():
    report = metrics.shape_report(torch.stack([draw()] * 7))
    assert {name: report[name] for name in FLAWLESS} == FLAWLESS


def test_a_smaller_circle_breaks_form_and_size():
    layout = draw(circle=(15, 45))
    layout[layout == CIRCLE] = BACKGROUND
    layout[disc(15, 45, radius=8)] = CIRCLE
    assert faults(layout) == {"circle_form", "circle_size"}


def test_a_square_in_the_place_of_the_circle_breaks_its_form_only():
    layout = draw()
    layout[layout == CIRCLE] = BACKGROUND
    layout[6:24, 36:54] = CIRCLE  # 18 × 18 = 324 px, the circle's 316
    assert faults(layout) == {"circle_form"}


def test_a_rectangle_beyond_the_legal_sizes_is_found_out():
    layout = draw()
    layout[layout == RECTANGLE] = BACKGROUND
    layout[28:60, 20:30] = RECTANGLE  # 32 px high, 24 are the most
    assert faults(layout) == {"rectangle_form", "rectangle_size"}
    assert report(layout)["stray_pixels"] == 80 / 4096


def test_two_pieces_are_right_where_the_circle_lies_across():
    layout = draw(rectangle=(5, 41, 24, 8), circle=(17, 45))
    assert report(layout) == {"stray_pixels": 0.0} | FLAWLESS
    layout[12:22, 41:49] = RECTANGLE  # in front of the circle, which it is never: one piece of rectangle, not two
    assert {"rectangle_count", "rectangle_form"} <= faults(layout)


@pytest.mark.parametrize("missing", [CIRCLE, RECTANGLE, SQUARE])
def test_a_generator_that_leaves_a_class_out_scores_zero_on_it(missing):
    layouts = ColoredShapes(length=60).layouts()
    layouts[layouts == missing] = BACKGROUND
    found = metrics.shape_report(layouts)
    name = SHAPES_4.names[missing]
    assert {found[f"{name}_{what}"] for what in ("form", "size", "count", "present")} == {0.0}
    if missing == SQUARE:  # a hidden square is legal: nothing is stray, and the shapes in front are flawless
        assert found["stray_pixels"] == 0
        assert found["circle_form"] == found["rectangle_form"] == 1


def test_one_layout_of_two_without_a_circle_is_one_failure_of_two():
    layouts = torch.stack([draw(), draw()])
    layouts[1][layouts[1] == CIRCLE] = BACKGROUND
    found = metrics.shape_report(layouts)
    assert {found[f"circle_{what}"] for what in ("form", "size", "count", "present")} == {0.5}


def test_a_hidden_square_is_not_held_against_a_layout_and_its_ghost_is():
    hidden = draw(square=(10, 40))
    assert not (hidden == SQUARE).any()
    visible = draw()
    assert metrics.shape_report(torch.stack([hidden, visible]))["square_form"] == 1
    ghost = hidden.clone()
    ghost[50:53, 5:8] = SQUARE  # 9 px of a square: no legal scene has them in the open
    found = metrics.shape_report(torch.stack([ghost, visible]))
    assert found["square_form"] == found["square_size"] == found["square_count"] == 0.5
    assert found["square_present"] == 1


def test_an_empty_layout_is_finite():
    found = metrics.shape_report(torch.zeros(3, 64, 64, dtype=torch.int64))
    assert found["stray_pixels"] > 300 / 4096
    assert {value for name, value in found.items() if name != "stray_pixels"} == {0.0}


@pytest.mark.parametrize("call", [metrics.nearest_scene, metrics.shape_report])
@pytest.mark.parametrize(
    ("layouts", "message"),
    [
        (torch.zeros(2, 32, 64, dtype=torch.int64), r"\[2, 32, 64\].*integer \[N, 64, 64\]"),
        (torch.zeros(64, 64, dtype=torch.int64), r"integer \[N, 64, 64\]"),
        (torch.zeros(2, 64, 64), r"float32.*integer"),
        (torch.full((2, 64, 64), 4), r"labels from 4 to 4, expected 0 to 3 \(background, circle"),
        (torch.full((2, 64, 64), -1), r"labels from -1"),
        (torch.zeros(0, 64, 64, dtype=torch.int64), r"no layout at all"),
    ],
)
def test_errors_of_layouts(call, layouts, message):
    with pytest.raises(ValueError, match=message):
        call(layouts)


def test_classes_that_never_occur_are_named():
    space = label_space_of([("sky", (0, 0, 0)), ("tree", (1, 1, 1)), ("car", (2, 2, 2))], ignore_index=255)
    layouts = torch.tensor([[[0, 1]], [[2, 255]]])
    metrics.require_classes(layouts, space)
    metrics.require_classes(layouts.to(torch.uint8), space)
    with pytest.raises(ValueError, match=r"none of the 1 layouts shows car: take more scenes, or leave the class out"):
        metrics.require_classes(layouts[:1], space)
    with pytest.raises(ValueError, match=r"shows tree, car: .* leave the classes out of classes\.json"):
        metrics.require_classes(torch.tensor([[[0, 255]]]), space)
    metrics.require_classes(ColoredShapes(length=30).layouts(), SHAPES_4)


def test_painted_layouts_come_back_from_their_colours():
    scenes = ColoredShapes(length=5)
    images = torch.stack([scenes[i]["image"] for i in range(5)])
    layouts, off = metrics.snap_to_colours(images, SHAPES_4)
    assert layouts.dtype == torch.int64
    assert torch.equal(layouts, scenes.layouts().long())
    assert off.shape == layouts.shape
    assert off.max() < 1e-3
    assert metrics.off_colour_share(images, SHAPES_4) == 0


def test_colours_by_hand():
    # Bytes (20, 30, 200), nearest to blue by 55; (120, 0, 0), nearest to black by 120, not to red by 135; (0, 239, 0).
    colours = torch.tensor([[[20, 30, 200], [120, 0, 0], [0, 239, 0], [0, 238, 0]]]).permute(2, 0, 1)[None]
    layouts, off = metrics.snap_to_colours(colours / 127.5 - 1, SHAPES_4)
    assert layouts.tolist() == [[[CIRCLE, BACKGROUND, RECTANGLE, RECTANGLE]]]
    assert off[0, 0].tolist() == pytest.approx([55, 120, 16, 17], abs=1e-3)
    images = colours / 127.5 - 1
    assert metrics.off_colour_share(images, SHAPES_4, tolerance=16.5) == 0.75
    assert metrics.off_colour_share(images, SHAPES_4, tolerance=121) == 0


def test_colours_against_a_loop_over_more_pixels_than_a_chunk():
    random = torch.Generator().manual_seed(0)
    images = 2 * torch.rand(5, 3, 256, 256, generator=random) - 1
    layouts, off = metrics.snap_to_colours(images, SHAPES_4)
    colours = np.array(SHAPES_4.colors)
    for n, y, x in torch.randint(256, (60, 3), generator=random).tolist():
        n %= 5
        distances = abs(colours - 127.5 * (images[n, :, y, x].numpy() + 1)).max(1)
        assert layouts[n, y, x] == distances.argmin()
        assert off[n, y, x].item() == pytest.approx(distances.min(), abs=1e-3)


def test_colours_need_three_channels_of_finite_values():
    with pytest.raises(ValueError, match="not finite"):
        metrics.off_colour_share(torch.full((1, 3, 2, 2), torch.nan), SHAPES_4)
    with pytest.raises(ValueError, match="at least one"):
        metrics.off_colour_share(torch.zeros(0, 3, 2, 2), SHAPES_4)
    with pytest.raises(ValueError, match=r"\[N, 3, H, W\]"):
        metrics.snap_to_colours(torch.zeros(1, 4, 8, 8), SHAPES_4)
