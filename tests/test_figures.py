"""Figures: they draw without a warning, show what they are given, and no text lies on another."""

import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from IPython.core.pylabtools import print_figure
from matplotlib.text import Text
from PIL import Image

from sempal_lib import figures
from sempal_lib.labels import CITYSCAPES_19, LabelSpace
from sempal_lib.palettes import palette_of
from sempal_lib.pictures import frame_png, jpeg_of, picture_png, to_png
from sempal_lib.tables import Table, duration, mean_and_spread, number

ABC = LabelSpace(("sky", "road", "car"), ((0, 0, 255), (120, 60, 120), (200, 0, 0)), ignore_index=255)

pytestmark = pytest.mark.filterwarnings("error")


def layouts(n, num_classes=19, size=(8, 16)):
    return torch.randint(num_classes, (n, *size), generator=torch.Generator().manual_seed(0))


def palettes(n, num_classes=19):
    return torch.from_numpy(np.random.default_rng(0).dirichlet(np.full(num_classes, 0.5), n))


def history(stages=((4, 10), (8, 10), (16, 40), (32, 80))):
    rows = []
    for height, steps in stages:
        for i in range(steps):
            fade = 1.0 if height == 4 else min(1.0, 2 * i / steps)
            rows.append({"images": 16 * (len(rows) + 1), "stage": height, "height": height, "fade": fade,
                         "loss_g": np.sin(i), "loss_d": -1.0, "entropy": 1 / (i + 1), "spread": 0.1,
                         "penalty": None, "images_per_second": 1000.0 / height})  # fmt: skip
    return rows


def semgan_history(steps=300):
    return [{"step": i, "images": 32 * (i + 1), "stage": 0, "height": 0, "fade": 1.0, "loss_g": 1 / (i + 1),
             "loss_d": 0.7, "cycle_loss": 0.1, "images_per_second": 300.0} for i in range(steps)]  # fmt: skip


def ablation_rows():
    return [
        {"name": "saa", "values": {"palette_kl": [0.4, 0.2], "fsd": [30.0]},
         "paper": {"palette_kl": 0.32, "fsd": 33.9}},
        {"name": "sb-gan", "values": {}, "paper": {"palette_kl": None, "fsd": 63.8}},
        {"name": "saa+fusion+multiscale+soft", "values": {"palette_kl": [0.0, 1e-3, 2e-3], "fsd": [20.0, 30.0, 40.0]},
         "paper": {"palette_kl": 0.03}},
        {"name": "sinkhorn-2", "values": {"palette_kl": [], "fsd": []}, "paper": {}},
    ]  # fmt: skip


def shares(classes):
    return torch.linspace(0.05, 0.95, 10).expand(classes, 10)


def draw_all():
    errors = np.linspace(0.05, 0, 19)
    errors[3] = np.nan
    scenes = [{"image": torch.rand(3, 8, 16) * 2 - 1, "layout": layout} for layout in layouts(4)]
    titles = [f"seed {i}" for i in range(5)]
    return {
        "contact_sheet": figures.contact_sheet(scenes, CITYSCAPES_19),
        "layout_grid": figures.layout_grid(layouts(5), CITYSCAPES_19, titles),
        "legend": figures.legend(CITYSCAPES_19),
        "palette_bars": figures.palette_bars(palettes(1)[0], palettes(9), CITYSCAPES_19),
        "interpolation_5": figures.interpolation_figure(palettes(5), layouts(5), CITYSCAPES_19),
        "interpolation_8": figures.interpolation_figure(palettes(8), layouts(8), CITYSCAPES_19),
        "training_curves": figures.training_curves(history()),
        "sinkhorn": figures.sinkhorn_figure(
            [1, 2, 5, 10, 50], {"palette KL": [0.1, 0.08, 0.06, 0.052, 0.05], "FSD": [60, 58, 57, 57, 58]}
        ),
        "class_error_bars": figures.class_error_bars(errors, CITYSCAPES_19),
        "proportion_scatter": figures.proportion_scatter(palettes(9), palettes(9), CITYSCAPES_19),
        "palette_statistics": figures.palette_statistics(palettes(9), CITYSCAPES_19),
        "palette_map": figures.palette_map({"real": palettes(9), "drawn": palettes(5)}, CITYSCAPES_19),
        "image_grid": figures.image_grid(torch.rand(4, 3, 8, 8) * 2 - 1, titles[:4]),
        "soft_and_hard": figures.soft_and_hard_scatter(
            palettes(9), palettes(9), palettes(9), CITYSCAPES_19, ("palette KL 0.0213", "palette KL 0.612")
        ),
        "soft_and_hard_plain": figures.soft_and_hard_scatter(*3 * [palettes(9, 3)], ABC),
        "level_bars": figures.level_bars({"SemGAN": {64: 21.2, 32: 15.4}, "RGB GAN": {64: 80.1, 32: 44.4}}),
        "level_bars_of_six": figures.level_bars({f"system number {i}": {128: 120.0 + i, 16: 9.8} for i in range(6)}),
        "learning_curves": figures.learning_curves(
            {"real": {50: [0.25, 0.27], 1000: [0.42]}, "real+part": {50: [0.3], 250: []}}
        ),
        "ablation_dots": figures.ablation_dots(ablation_rows()),
        "training_curves_without_stages": figures.training_curves(semgan_history()),
        "control": figures.control_curves(
            range(4), shares(4), {n: shares(4).expand(3, 4, 10) for n in ("1 iteration", "10", "50", "exact")},
            palettes(9), CITYSCAPES_19,
        ),
        "aic_curve": figures.aic_curve(range(1, 31), [(k - 12) ** 2 - 4e4 for k in range(1, 31)], 12),
    }  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    figs = draw_all()
    for figure in figs.values():
        figure.draw_without_rendering()
    return figs


def shown_texts(figure):
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    # Ticks beyond the axes' limits, and the ticks of axes that are switched off, exist but are not drawn.
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            drawn = set(axis._update_ticks()) if axes.axison else set()
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if tick not in drawn:
                    hidden |= {tick.label1, tick.label2}
    return [text for text in texts if text not in hidden]


def test_text_is_large_enough_and_no_text_lies_on_another(drawn):
    for name, figure in drawn.items():
        boxes = [(text.get_text(), text.get_window_extent()) for text in shown_texts(figure)]
        assert boxes or name == "contact_sheet", name
        for (a, box_a), (b, box_b) in itertools.combinations(boxes, 2):
            # Boxes are as high as a line with its gap: 3 px of overlap leave the letters apart.
            wide = min(box_a.x1, box_b.x1) - max(box_a.x0, box_b.x0)
            high = min(box_a.y1, box_b.y1) - max(box_a.y0, box_b.y0)
            assert wide <= 0 or high <= 3, f"{name}: {a!r} lies on {b!r}"
        for text, box in boxes:
            assert box.x0 >= -1, f"{name}: {text!r} leaves the figure"
            assert box.x1 <= figure.bbox.x1 + 1, f"{name}: {text!r} leaves the figure"
        # 8 pt on a phone that shows the figure 358 px (268 pt) wide.
        shrink = 358 / 96 / figure.get_figwidth()
        smallest = min((text.get_fontsize() for text in shown_texts(figure)), default=11)
        assert smallest * shrink >= 8, name


def test_notebooks_show_every_figure(drawn):
    for name, figure in drawn.items():
        assert print_figure(figure, "png"), name


def test_figures_are_out_of_pyplots_hands_and_leave_its_style_alone(drawn):
    assert plt.get_fignums() == []
    assert plt.rcParams["figure.dpi"] != figures.STYLE["figure.dpi"]


def test_contact_sheet_has_the_image_over_its_layout():
    image = torch.full((3, 8, 16), -1.0)
    image[0] = 1.0
    scene = {"image": image, "layout": torch.full((8, 16), 2)}
    (axes,) = figures.contact_sheet([scene], ABC).axes
    picture = axes.images[0].get_array()
    assert picture.shape == (16, 16, 3)
    assert picture[0, 0].tolist() == [255, 0, 0]
    assert picture[15, 0].tolist() == [200, 0, 0]


def test_grid_shows_each_layout_and_leaves_the_rest_empty():
    figure = figures.layout_grid(layouts(4, 3), ABC, columns=3)
    assert len(figure.axes) == 6
    assert [len(axes.images) for axes in figure.axes] == [1, 1, 1, 1, 0, 0]
    with pytest.raises(ValueError, match="1 titles for 4 pictures"):
        figures.layout_grid(layouts(4, 3), ABC, titles=["one"])
    with pytest.raises(ValueError, match="no picture to show"):
        figures.layout_grid(layouts(0, 3), ABC)


def test_palette_bars_leave_zero_classes_out_and_put_the_largest_on_top():
    (axes,) = figures.palette_bars([0.2, 0.8, 0.0], [0.25, 0.75, 0.0], ABC).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["road", "sky"]
    realised, target = axes.containers
    assert [bar.get_width() for bar in realised] == [0.75, 0.25]
    assert [bar.get_width() for bar in target] == [0.8, 0.2]


def test_interpolation_draws_each_target_over_its_realised_histogram():
    made = layouts(3, 3)
    wanted = torch.tensor([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.2, 0.6, 0.2]])
    figure = figures.interpolation_figure(wanted, made, ABC)
    assert len(figure.axes) == 6
    for axes, target, realised in zip(figure.axes[3:], wanted, palette_of(made, 3), strict=True):
        solid, dashed = axes.containers
        assert [bar.get_height() for bar in solid] == pytest.approx(realised.tolist())
        assert [bar.get_height() for bar in dashed] == pytest.approx(target.tolist())


def test_interpolation_wraps_after_five(drawn):
    assert len(drawn["interpolation_5"].axes) == 2 * 5
    assert len(drawn["interpolation_8"].axes) == 4 * 4


def test_training_curves_take_the_keys_that_have_values(drawn):
    titles = [axes.get_title(loc="left") for axes in drawn["training_curves"].axes]
    assert "gradient penalty" not in titles
    assert len(titles) == 5
    # One dashed line for each stage but the first, one shade for each fade.
    top = drawn["training_curves"].axes[0]
    assert len(top.patches) == 3


def test_training_curves_of_a_run_that_has_just_begun():
    figures.training_curves(history()[:1]).draw_without_rendering()


def test_training_without_stages_has_no_shading_and_names_every_loss(drawn):
    figure = drawn["training_curves_without_stages"]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["generator's loss", "discriminator's loss", "cycle loss", "images per second"]
    assert [len(axes.patches) for axes in figure.axes] == [0] * 4
    assert not any("px" in text.get_text() for text in shown_texts(figure))
    bare = [{"images": 16 * i, "matching": 0.1 * i} for i in (1, 2, 3)]  # no stage, no speed
    (axes,) = figures.training_curves(bare).axes
    assert axes.get_title(loc="left") == "matching of the palettes"
    assert axes.lines[0].get_ydata() == pytest.approx([0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="no loss to draw"):
        figures.training_curves([{"images": 16, "step": 1}])


def test_picture_grid_shows_the_pictures():
    images = torch.stack([torch.full((3, 4, 6), -1.0), torch.full((3, 4, 6), 2.0)])
    images[0, 2] = 1.0
    figure = figures.image_grid(images, ["blue", "too bright"], columns=2)
    first, second = (axes.images[0].get_array() for axes in figure.axes)
    assert (first == [0, 0, 255]).all()
    assert (second == 255).all()
    assert [axes.get_title() for axes in figure.axes] == ["blue", "too bright"]
    with pytest.raises(ValueError, match="1 titles for 2 pictures"):
        figures.image_grid(images, ["blue"])
    with pytest.raises(ValueError, match=r"shape \[4, 8, 16\], expected \[N, 3, H, W\]"):
        figures.image_grid(layouts(4))


def test_soft_and_hard_panels_show_each_class_that_was_asked_for():
    target = torch.tensor([[0.5, 0.5, 0.0], [0.8, 0.1, 0.1]])
    hard = torch.tensor([[0.4, 0.6, 0.0], [1.0, 0.0, 0.0]])
    figure = figures.soft_and_hard_scatter(target, target, hard, ABC, ("exact", "off"), floor=1e-2)
    left, right = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["soft layouts\nexact", "hard layouts\noff"]
    for dots in left.collections:  # on the diagonal
        x, y = np.asarray(dots.get_offsets()).T
        assert x == pytest.approx(y)
    sky, road, car = (np.asarray(dots.get_offsets()) for dots in right.collections)
    assert sky == pytest.approx(np.array([[0.5, 0.4], [0.8, 1.0]]))
    assert road == pytest.approx(np.array([[0.5, 0.6], [0.1, 0.01]]))  # none made: at the floor
    assert car == pytest.approx(np.array([[0.1, 0.01]]))  # asked for once


def test_level_bars_go_from_fine_to_coarse_and_end_with_the_mean():
    figure = figures.level_bars({"semgan": {16: 1.0, 64: 4.0}, "rgb": {64: 8.0, 16: 3.0}}, unit="SWD")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["64 px", "16 px", "mean"]
    semgan, rgb = axes.containers
    assert [bar.get_width() for bar in semgan] == [4.0, 1.0, 2.5]
    assert [bar.get_width() for bar in rgb] == [8.0, 3.0, 5.5]
    assert axes.get_xlabel() == "SWD"
    with pytest.raises(ValueError, match=r"rgb has the levels \[16\], semgan has \[16, 64\]"):
        figures.level_bars({"semgan": {16: 1.0, 64: 4.0}, "rgb": {16: 3.0}})
    with pytest.raises(ValueError, match="0 systems of 0 levels"):
        figures.level_bars({})


def points(axes, marker):
    """Height of the row and value of every mark of a kind, the mean's larger dot told by its size."""
    lines = [line for line in axes.lines if (line.get_marker(), line.get_markersize()) == marker]
    return [(round(float(y)), float(x)) for line in lines for x, y in zip(*line.get_data(), strict=True)]


def test_learning_curves_show_means_spreads_and_no_number_without_a_value(drawn):
    (axes,) = drawn["learning_curves"].axes
    first, second = (container.lines[0] for container in axes.containers)
    assert first.get_ydata().tolist() == pytest.approx([0.26, 0.42])
    assert second.get_ydata().tolist() == [0.3]
    assert axes.xaxis.get_majorticklocs().tolist() == [50, 1000]
    (low, high) = axes.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert high - low == pytest.approx(2 * 0.02 / 2**0.5)
    with pytest.raises(ValueError, match="0 curves: give 1 to 6"):
        figures.learning_curves({})


def test_ablation_dots_show_seeds_mean_spread_and_the_papers_number(drawn):
    kl, fsd = drawn["ablation_dots"].axes
    names = ["saa", "sb-gan", "saa+fusion+multiscale+soft", "sinkhorn-2"]
    for axes in (kl, fsd):
        assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert (kl.get_xscale(), fsd.get_xscale()) == ("log", "linear")
    assert (kl.get_xlabel(), fsd.get_xlabel()) == ("palette KL", "FSD")
    assert points(fsd, ("o", 4)) == [(0, 30.0), (2, 20.0), (2, 30.0), (2, 40.0)]
    assert points(fsd, ("o", 8)) == [(0, 30.0), (2, 30.0)]
    assert points(fsd, ("D", 8)) == [(0, 33.9), (1, 63.8)]
    assert points(kl, ("D", 8)) == [(0, 0.32), (2, 0.03)]
    (spread,) = [line.get_xdata() for line in fsd.lines if line.get_marker() == "None"]
    assert spread == pytest.approx([20.0, 40.0])  # ± 10; one seed has no spread
    assert min(value for _, value in points(kl, ("o", 4))) == 1e-6  # zero has no logarithm
    assert all(np.isfinite(line.get_xdata()).all() for line in kl.lines)


def test_ablation_without_any_number_is_an_empty_frame():
    for metrics in (["palette_kl"], ["swd_mean"]):
        figure = figures.ablation_dots([{"name": "full", "values": {}, "paper": {}}], metrics)
        figure.draw_without_rendering()
        assert figure.axes[0].lines[:] == []
    with pytest.raises(ValueError, match="0 rows and 2 metrics make no figure"):
        figures.ablation_dots([])


def test_error_bars_leave_missing_classes_out(drawn):
    names = [label.get_text() for label in drawn["class_error_bars"].axes[0].get_yticklabels()]
    assert len(names) == 18
    assert "wall" not in names


def test_control_shows_the_mean_made_over_what_was_asked_and_the_range_of_real_layouts():
    made = torch.stack([0.5 * shares(3), 0.7 * shares(3)])
    real = [[0.5, 0.3, 0.2], [0.7, 0.1, 0.2]]
    figure = figures.control_curves([0, 2, 1], shares(3), {"1 iteration": made, "exact": shares(3)[None]}, real, ABC)
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == ["sky", "car", "road"]
    for axes, (low, high) in zip(figure.axes, [(0.5, 0.7), (0.2, 0.2), (0.1, 0.3)], strict=False):
        diagonal, one, exact = (np.asarray(line.get_ydata()) for line in axes.lines)
        assert diagonal.tolist() == [0, 1]
        assert one == pytest.approx(0.6 * shares(1)[0].numpy())
        assert exact == pytest.approx(shares(1)[0].numpy())
        assert axes.patches[0].get_extents().transformed(axes.transData.inverted()).intervalx == pytest.approx(
            [low, high]
        )
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["range of real layouts", "as asked", "1 iteration", "exact"]


def test_statistics_say_in_how_many_layouts_a_class_occurs():
    figure = figures.palette_statistics([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], ABC)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["sky", "road"]
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["100%", "50%"]


def test_map_of_palettes_lies_in_the_plane_of_the_first_set():
    # Three classes trade along one line, sky against road; a set off that line falls onto its foot point.
    space = LabelSpace(("sky", "road", "tree"), ((0, 0, 0),) * 3)
    line = torch.tensor([[0.5 + step, 0.3 - step, 0.2] for step in (-0.2, -0.1, 0.1, 0.2)])
    figure = figures.palette_map({"real": line, "drawn": torch.tensor([[0.4, 0.2, 0.4]])}, space)
    (real,), (drawn,) = (axes.collections for axes in figure.axes)
    steps = np.asarray(real.get_offsets())[:, 0]
    sign = np.sign(steps[-1])
    assert steps * sign == pytest.approx([-0.2 * 2**0.5, -0.1 * 2**0.5, 0.1 * 2**0.5, 0.2 * 2**0.5], abs=1e-6)
    assert drawn.get_offsets()[0, 0] == pytest.approx(0, abs=1e-6)
    more, less = ("sky", "road") if sign > 0 else ("road", "sky")
    assert figure.get_supxlabel() == f"→ more {more}, less {less}"


def test_png_holds_the_layout_and_paints_ignored_pixels_black():
    layout = torch.tensor([[0, 1], [2, 255]])
    image = Image.open(io.BytesIO(to_png(layout, ABC, scale=3)))
    assert image.mode == "P"
    picture = np.asarray(image.convert("RGB"))
    assert picture.shape == (6, 6, 3)
    assert (picture[1::3, 1::3] == ABC.colourise(layout).numpy()).all()
    assert picture[5, 5].tolist() == [0, 0, 0]


def test_picture_png_holds_the_colours_and_repeats_pixels():
    image = torch.full((3, 2, 4), -1.0)
    image[0, :, 2:] = 1.0
    png = Image.open(io.BytesIO(picture_png(image, scale=5)))
    assert png.mode == "P"
    picture = np.asarray(png.convert("RGB"))
    assert picture.shape == (10, 20, 3)
    assert (picture[:, :10] == 0).all()
    assert (picture[:, 10:] == [255, 0, 0]).all()


def test_picture_png_is_near_to_the_true_colours():
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    image = torch.stack([x, y, -x * y])
    picture = np.asarray(Image.open(io.BytesIO(picture_png(image))).convert("RGB")).transpose(2, 0, 1)
    assert np.abs(picture / 127.5 - 1 - image.numpy()).mean() < 0.1


def test_frame_bars_are_as_long_as_their_proportions():
    layout = torch.zeros(8, 16, dtype=torch.long)
    frame = np.asarray(Image.open(io.BytesIO(frame_png(layout, [0, 0, 1], [0.2, 0.4, 0], ABC, [0, 1], 0.5))))
    bars = frame[512 * 8 // 16 :]
    lengths = [(bars == c).sum(1).max() for c in (0, 1)]
    assert lengths[1] == pytest.approx(2 * lengths[0], abs=2)
    assert lengths[0] > 50


def test_table_escapes_its_cells_and_links_them():
    rows = (("full", "0.320", "s0"), ("a|b <c>", "–", "–"))
    table = Table(("system", "paper", "run"), rows, {(0, 2): "r/s0"})
    assert '<a href="r/s0">s0</a>' in table._repr_html_()
    assert "a|b &lt;c&gt;" in table._repr_html_()
    assert table._repr_markdown_().splitlines()[2:] == [
        "| full | 0.320 | [s0](r/s0) |",
        "| a\\|b <c> | – | – |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (0.0, "0"), (0.1234, "0.123"), (63.84, "63.8"), (0.00731, "0.00731"),
     (161.7, "162"), (12345.6, "12346"), (8.3e-8, "8.3e-08"), (-2.5, "-2.50")],
)  # fmt: skip
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [([], "–"), ([0.0, 0.0], "0"), ([0.5], "0.500"), ([0.1, 0.1], "0.100 ± 0.000"), ([63.8, 63.9], "63.85 ± 0.07"),
     ([1e-8, 3e-8], "2.0e-08 ± 1.4e-08"), ([float("nan"), 1.0], "–")],
)  # fmt: skip
def test_spread_shows_at_least_one_digit(values, text):
    assert mean_and_spread(values) == text


def test_durations_are_for_people():
    seconds = (0.2, 99.4, 99.6, 5969, 5971, 3600 * 100)
    assert [duration(s) for s in seconds] == ["0 s", "99 s", "2 min", "99 min", "1.7 h", "100.0 h"]


def test_a_sheet_as_jpeg_shows_the_same_in_fewer_bytes(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    Image.fromarray(pixels).convert("RGBA").save(tmp_path / "sheet.png", compress_level=0)
    packed = jpeg_of(tmp_path / "sheet.png")
    with Image.open(io.BytesIO(packed)) as shown:
        assert (shown.format, shown.size, shown.mode) == ("JPEG", (128, 128), "RGB")
        middle = np.asarray(shown)[8::16, 8::16].astype(int)
    assert abs(middle - pixels[8::16, 8::16]).mean() < 12
    assert len(packed) < (tmp_path / "sheet.png").stat().st_size / 4
