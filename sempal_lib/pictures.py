"""Layouts as small PNG files, drawn by Pillow: fast enough for a slider, small enough for a static page."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sempal_lib.labels import LabelSpace

FRAME_WIDTH = 512  # px; text of 20 px is still 14 px (10 pt) where a phone shows the frame 358 px wide
_ROW = 26  # px, height of one bar's row
_TEXT = 20  # px
_GREYS = 4  # levels between white and black, for smooth text


def array_of(values) -> np.ndarray:
    """Tensor on any device, array or list -> numpy array."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


def hex_colour(rgb: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def pixels_of(image) -> np.ndarray:
    """Picture, float [3, H, W] in [-1, 1] and cut there, to uint8 [H, W, 3]."""
    return ((array_of(image).transpose(1, 2, 0).clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)


def to_png(layout, label_space: LabelSpace, scale: int = 1) -> bytes:
    """Layout as a palette PNG in the classes' colours.

    Args:
        layout: class indices, integer [H, W]; ignored pixels turn black.
        scale: whole number of times that each pixel is repeated in both directions, ≥ 1.
    """
    return _encode(_indices(layout, label_space, scale), label_space)


def jpeg_of(path: str | Path, quality: int = 85) -> bytes:
    """A picture's file as JPEG: a quarter of the bytes of a sheet of photographs or paintings.

    Args:
        quality: 1 to 95.
    """
    with Image.open(path) as picture, io.BytesIO() as out:
        picture.convert("RGB").save(out, "jpeg", quality=quality)
        return out.getvalue()


def picture_png(image, scale: int = 1, colours: int = 64) -> bytes:
    """Picture as a palette PNG, a quarter of the bytes that its true colours would take.

    Args:
        image: float [3, H, W] in [-1, 1].
        scale: whole number of times that each pixel is repeated in both directions, ≥ 1.
        colours: how many are chosen for it, 2 to 256; each pixel takes the nearest.
    """
    few = Image.fromarray(pixels_of(image)).quantize(colours, dither=Image.Dither.NONE)
    return _file(few.resize((few.width * scale, few.height * scale), Image.Resampling.NEAREST))


def frame_png(layout, target, realised, label_space: LabelSpace, classes: Sequence[int], top: float) -> bytes:
    """One frame of a sweep: the layout, and under it the target's and the realised proportions as bars.

    Args:
        layout: class indices, integer [H, W].
        target, realised: the palette asked for, and the layout's own, [C].
        classes: indices of the classes that get a bar, from the top down.
        top: proportion at the right end of the bars; larger ones are cut there.
    Returns:
        Palette PNG, FRAME_WIDTH px wide or up to the layout's own width.
    """
    layout = array_of(layout)
    picture = _indices(layout, label_space, max(1, FRAME_WIDTH // layout.shape[1]))
    bars = _bars(target, realised, label_space, classes, top, picture.shape[1])
    return _encode(np.concatenate([picture, bars]), label_space)


def _indices(layout, label_space: LabelSpace, scale: int) -> np.ndarray:
    layout, black = array_of(layout), label_space.num_classes
    valid = (layout >= 0) & (layout < label_space.num_classes)
    return np.where(valid, layout, black).astype(np.uint8).repeat(scale, 0).repeat(scale, 1)


def _encode(indices: np.ndarray, label_space: LabelSpace) -> bytes:
    """PNG whose colour table holds the classes, black, and then greys from white to black."""
    greys = np.linspace(255, 0, _GREYS).round().astype(int)
    table = [*label_space.colors, (0, 0, 0), *((grey, grey, grey) for grey in greys)]
    image = Image.fromarray(indices)
    image.putpalette([int(value) for colour in table for value in colour])
    return _file(image)


def _file(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _bars(target, realised, label_space, classes, top, width) -> np.ndarray:
    """Rows of name, solid bar with dashed target, and both numbers; colour indices [height, width]."""
    white = label_space.num_classes + 1
    canvas = np.full((_ROW * (len(classes) + 1) + 6, width), white, np.uint8)
    ink = Image.new("L", canvas.shape[::-1], 0)
    pen, font = ImageDraw.Draw(ink), ImageFont.load_default(_TEXT)
    left = 10 + int(max(pen.textlength(label_space.names[c], font) for c in classes))
    edge = width - 6  # digits at the very edge of a picture look cut off
    right = edge - int(pen.textlength("0.000 / 0.000", font)) - 10
    pen.text((edge, 4), "dashed: asked / solid: made", 255, font, anchor="ra")
    for row, c in enumerate(classes, start=1):
        y = 4 + row * _ROW
        ends = [left + round((right - left) * min(1.0, float(p) / top)) for p in (target[c], realised[c])]
        canvas[y + 4 : y + _ROW - 6, left : ends[1]] = c
        _dashed(pen, left, y, ends[0], y + _ROW - 3)
        pen.text((left - 8, y + 1), label_space.names[c], 255, font, anchor="ra")
        pen.text((edge, y + 1), f"{target[c]:.3f} / {realised[c]:.3f}", 255, font, anchor="ra")
    level = np.asarray(ink) // (256 // _GREYS)
    return np.where(level > 0, white + level, canvas).astype(np.uint8)


def _dashed(pen, left: int, upper: int, right: int, lower: int, dash: int = 5) -> None:
    """Dashed outline of a box; a box without width is a dashed line."""
    for x in range(left, right + 1, 2 * dash):
        for y in (upper, lower):
            pen.line([(x, y), (min(x + dash, right), y)], 255, 2)
    for y in range(upper, lower + 1, 2 * dash):
        for x in (left, right):
            pen.line([(x, y), (x, min(y + dash, lower))], 255, 2)
