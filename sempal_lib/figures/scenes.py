"""Scenes, layouts and pictures in grids, and the legend of their classes."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sempal_lib.figures.style import STYLE, WIDTH, class_legend, colourise, legend_columns, styled
from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import array_of, pixels_of


@styled
def contact_sheet(scenes: Sequence[Mapping], label_space: LabelSpace, columns: int = 3) -> Figure:
    """Scenes side by side, each image with its layout beneath.

    Args:
        scenes: items of a data set: dicts with "image" (float [3, H, W] in [-1, 1]), "layout" ([H, W])
            or both.
        columns: scenes a row.
    """
    return _mosaic([_tile(scene, label_space) for scene in scenes], None, columns)


@styled
def layout_grid(layouts, label_space: LabelSpace, titles: Sequence[str] | None = None, columns: int = 3) -> Figure:
    """Layouts in a grid.

    Args:
        layouts: class indices, [N, H, W]. titles: one short text a layout. columns: layouts a row.
    """
    return _mosaic([_tile({"layout": layout}, label_space) for layout in layouts], titles, columns)


@styled
def image_grid(images, titles: Sequence[str] | None = None, columns: int = 3) -> Figure:
    """Pictures in a grid.

    Args:
        images: float [N, 3, H, W] in [-1, 1]. titles: one short text a picture. columns: pictures a row.
    """
    images = array_of(images)
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"pictures have shape {list(images.shape)}, expected [N, 3, H, W]; layouts go to layout_grid")
    return _mosaic([pixels_of(image) for image in images], titles, columns)


@styled
def legend(label_space: LabelSpace, present: Sequence[int] | None = None) -> Figure:
    """Colour chips with the classes' names.

    Args:
        present: indices of the classes to show; None for all.
    """
    classes = list(range(label_space.num_classes) if present is None else present)
    columns = legend_columns(label_space, classes)
    figure = plt.figure(figsize=(WIDTH, 0.25 * -(-len(classes) // columns) + 0.1))
    figure.subplots().set_axis_off()  # notebooks show no figure that has no axes
    class_legend(figure, label_space, classes, "center")
    return figure


def _tile(scene: Mapping, label_space: LabelSpace) -> np.ndarray:
    """Image over layout, uint8 [H or 2 H, W, 3]."""
    parts = []
    if "image" in scene:
        parts.append(pixels_of(scene["image"]))
    if "layout" in scene:
        parts.append(colourise(scene["layout"], label_space))
    return np.concatenate(parts)


def _mosaic(tiles: Sequence[np.ndarray], titles: Sequence[str] | None, columns: int) -> Figure:
    """Tiles in a grid without anything between the pixels and the page."""
    if not tiles:
        raise ValueError("no picture to show: give at least one")
    if titles is not None and len(titles) != len(tiles):
        raise ValueError(f"{len(titles)} titles for {len(tiles)} pictures: give one title a picture")
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    line = 0.24 if titles else 0.06  # inches between rows
    tile = WIDTH / columns * height / width
    figure = plt.figure(figsize=(WIDTH, rows * (tile + line)))
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    # Enlarging repeats pixels and keeps them crisp; where the page has fewer, averaging keeps thin poles.
    crisp = width * columns <= WIDTH * STYLE["figure.dpi"]
    for k in range(rows * columns):
        axes = figure.add_subplot(rows, columns, k + 1)
        axes.set_axis_off()
        if k < len(tiles):
            axes.imshow(tiles[k], interpolation="nearest" if crisp else "hanning")
            if titles:
                axes.set_title(titles[k], loc="center", pad=3)
    return figure
