"""Metrics of colored-shapes scenes, and of pictures whose pixels should be class colours.

SemGAN shows by eye that its shapes are clean; here that is counted. A layout is held against the legal scene nearest
to it: one circle, one rectangle and one square, as the data set draws them.
"""

from typing import NamedTuple

import numpy as np
import scipy.ndimage
import torch
from torch import Tensor

from sempal_lib.checks import check_alike, check_layout, described
from sempal_lib.labels import LabelSpace
from sempal_lib.worlds.colored_shapes import (
    BACKGROUND,
    CIRCLE,
    GRID,
    RADIUS,
    RECTANGLE,
    RECTANGLE_CLASS,
    SHAPES_4,
    SIZE,
    SQUARE,
    SQUARE_CLASS,
)

CHUNK = 64  # layouts worked on at once: the box sums of a chunk stay in the processor's cache
LEAST_IOU = 0.9  # of a shape that has its form
SIZE_ERROR = 0.1  # largest relative error of the area of a shape that has its size
LEAST_COMPONENT = 4  # px; smaller spots are stray pixels, not shapes
SHAPES = {"circle": CIRCLE, "rectangle": RECTANGLE_CLASS, "square": SQUARE_CLASS}

_half = np.arange(-RADIUS, RADIUS) + 0.5
DISC = (_half[:, None] ** 2 + _half**2 <= RADIUS**2).astype(np.float32)  # [20, 20]


class _Boxes(NamedTuple):
    """Upper and left edges, heights and widths of one box a layout, integers [N] each."""

    top: np.ndarray
    left: np.ndarray
    height: np.ndarray | int
    width: np.ndarray | int

    def mask(self) -> np.ndarray:
        """Pixels inside, bool [N, 64, 64]."""
        at = np.arange(SIZE)
        rows, columns = (
            (at >= start[:, None]) & (at < (start + length)[:, None])
            for start, length in ((self.top, self.height), (self.left, self.width))
        )
        return rows[:, :, None] & columns[:, None, :]


def _check_layouts(layouts: Tensor) -> np.ndarray:
    hard = isinstance(layouts, Tensor) and layouts.ndim == 3 and not layouts.is_floating_point()
    if not hard or tuple(layouts.shape[1:]) != (SIZE, SIZE):
        raise ValueError(
            f"layouts are {described(layouts)}: the scenes of colored-shapes are integer "
            f"[N, {SIZE}, {SIZE}]; hold other data sets against their own shapes"
        )
    if len(layouts) == 0:
        raise ValueError("no layout at all: give at least one")
    low, high = layouts.min().item(), layouts.max().item()
    if low < BACKGROUND or high >= SHAPES_4.num_classes:
        raise ValueError(
            f"labels from {low} to {high}, expected 0 to {SHAPES_4.num_classes - 1} ({', '.join(SHAPES_4.names)}): "
            "check that these are layouts of colored-shapes"
        )
    return layouts.cpu().numpy().astype(np.uint8)


def _worth(layouts: np.ndarray, shape: int, hidden: np.ndarray) -> np.ndarray:
    """What a pixel adds to a place of the shape: 1 of its class, -1 of another, 0 under a shape in front; int16."""
    return np.where(hidden, 0, np.where(layouts == shape, 1, -1)).astype(np.int16)


def _integral(worth: np.ndarray) -> np.ndarray:
    """Sums over all pixels above and to the left, int16 [N, 65, 65]; 64² fits."""
    sums = np.zeros((len(worth), SIZE + 1, SIZE + 1), np.int16)
    sums[:, 1:, 1:] = worth.cumsum(1, dtype=np.int16).cumsum(2, dtype=np.int16)
    return sums


def _box_sums(integral: np.ndarray, height: int, width: int) -> np.ndarray:
    """Sums over the box at each place, [N, 65 - height, 65 - width]."""
    bands = integral[:, height:] - integral[:, :-height]
    return bands[:, :, width:] - bands[:, :, :-width]


def _best_place(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each layout's largest score; of equal ones the first."""
    return np.unravel_index(scores.reshape(len(scores), -1).argmax(1), scores.shape[1:])  # type: ignore[return-value]


def _best_circle(worth: np.ndarray) -> np.ndarray:
    """Pixels of the circle at its best legal place, bool [N, 64, 64]."""
    kernel = torch.from_numpy(DISC)[None, None]
    scores = torch.nn.functional.conv2d(torch.from_numpy(worth).float()[:, None], kernel)[:, 0]
    top, left = _best_place(scores.numpy())
    at = np.arange(SIZE) + 0.5
    rows, columns = at - top[:, None] - RADIUS, at - left[:, None] - RADIUS
    return rows[:, :, None] ** 2 + columns[:, None, :] ** 2 <= RADIUS**2


def _best_rectangle(worth: np.ndarray) -> np.ndarray:
    """Pixels of the rectangle of the best legal size and place, bool [N, 64, 64]."""
    integral = _integral(worth)
    (shortest, tallest), (narrowest, widest) = RECTANGLE
    sizes = [(h, w) for h in range(shortest, tallest + 1) for w in range(narrowest, widest + 1)]
    scores = np.empty((len(sizes), len(worth)), np.int16)
    for index, (height, width) in enumerate(sizes):
        if width == narrowest:
            bands = integral[:, height:] - integral[:, :-height]
        scores[index] = (bands[:, :, width:] - bands[:, :, :-width]).reshape(len(worth), -1).max(1)
    height, width = np.array(sizes)[scores.argmax(0)].T
    # The place, again from the box sums, each layout with its own size; no box may leave the picture.
    row, column = np.arange(SIZE + 1)[None, :, None], np.arange(SIZE + 1)[None, None, :]
    bottom, right = row + height[:, None, None], column + width[:, None, None]
    inside = (bottom <= SIZE) & (right <= SIZE)
    bottom, right, n = bottom.clip(max=SIZE), right.clip(max=SIZE), np.arange(len(worth))[:, None, None]
    sums = integral[n, bottom, right] - integral[n, row, right] - integral[n, bottom, column] + integral
    top, left = _best_place(np.where(inside, sums, np.iinfo(np.int16).min))
    return _Boxes(top, left, height, width).mask()


def _best_square(worth: np.ndarray) -> np.ndarray:
    """Pixels of the square at its best legal place, bool [N, 64, 64]."""
    scores = _box_sums(_integral(worth), SQUARE, SQUARE)[:, :GRID, :GRID]
    return _Boxes(*_best_place(scores), SQUARE, SQUARE).mask()


def nearest_scene(layouts: Tensor) -> Tensor:
    """The legal scene nearest to each layout, found shape by shape from front to back.

    The circle, which lies over everything, goes where most pixels of its class and fewest of the others are inside
    (their difference is largest); then the rectangle, over all its legal sizes and places; then the square. Pixels
    under a shape in front count neither way. A shape of whose class no pixel is left goes where it is hidden, if it
    can be. A legal scene comes back as it is; for others the search is greedy: a scene still nearer may exist.

    Args:
        layouts: integer [N, 64, 64], classes of colored-shapes, N ≥ 1.
    Returns:
        int64 [N, 64, 64].
    Raises:
        ValueError: another size, labels outside 0 to 3, no layout.
    Source: SemGAN, §5.0.1 (the data set). Chapter: Pixels that are classes.
    """
    labels = _check_layouts(layouts)
    scenes = np.full(labels.shape, BACKGROUND, np.int64)
    for start in range(0, len(labels), CHUNK):
        part, scene = labels[start : start + CHUNK], scenes[start : start + CHUNK]
        circle = _best_circle(_worth(part, CIRCLE, np.zeros(part.shape, bool)))
        rectangle = _best_rectangle(_worth(part, RECTANGLE_CLASS, circle))
        square = _best_square(_worth(part, SQUARE_CLASS, circle | rectangle))
        for shape, mask in ((SQUARE_CLASS, square), (RECTANGLE_CLASS, rectangle), (CIRCLE, circle)):
            scene[mask] = shape  # in the data set's order: the later lies over the earlier
    return torch.from_numpy(scenes)


def _component_counts(masks: np.ndarray) -> np.ndarray:
    """Connected regions of at least 4 px in each mask of a stack, bool [M, H, W] to int [M]; by edges, not corners."""
    structure = np.zeros((3, 3, 3), bool)
    structure[1] = scipy.ndimage.generate_binary_structure(2, 1)  # nothing joins two masks
    regions, count = scipy.ndimage.label(masks, structure)
    owner = np.zeros(count + 1, np.int64)
    owner[regions[masks]] = np.nonzero(masks)[0]
    large = np.bincount(regions.ravel(), minlength=count + 1) >= LEAST_COMPONENT
    large[0] = False  # what lies outside every mask
    return np.bincount(owner[large], minlength=len(masks))


def shape_report(layouts: Tensor, scenes: Tensor | None = None) -> dict[str, float]:
    """How clean the shapes of colored-shapes layouts are, each layout held against the legal scene nearest to it.

    `stray_pixels` is the mean share of pixels that differ from that scene. For each shape, what the layout shows of
    its class is held against what the scene shows of the shape, that is, without what shapes in front hide:
        circle_form: share of layouts where both regions overlap with an IoU of at least 0.9;
        circle_size: where their areas differ by at most 10 % of the scene's;
        circle_count: where both have equally many connected regions (by edges; of at least 4 px). A circle across a
            rectangle may leave two pieces of it: then two are right;
        circle_present: where the layout shows the class at all. To be compared with the real set's.
    The same for rectangle and square. A layout without a pixel of a class whose shape the scene wholly hides says
    nothing about the shape's form: the three shares are over the other layouts, and 0 where there are none. So a
    generator that leaves a class out scores 0 there: the circle is never hidden, every layout without one fails; for
    rectangle and square no layout is left. One that shows the square once in a while is told by square_present.

    Args:
        layouts: integer [N, 64, 64], classes of colored-shapes, N ≥ 1.
        scenes: their `nearest_scene`, where it is at hand; None: it is looked for here.
    Returns:
        13 numbers in [0, 1]. Real scenes: 0 stray pixels, and 1 for all forms, sizes and counts.
    Raises:
        ValueError: another size, labels outside 0 to 3, no layout.
    Source: our measure of what SemGAN shows in its Figure 3. Chapter: Pixels that are classes.
    """
    labels = _check_layouts(layouts)
    if scenes is not None:
        _check_layouts(scenes)
        check_alike(layouts, scenes, ("layouts", "scenes"))
    nearest = (nearest_scene(layouts) if scenes is None else scenes.cpu()).numpy().astype(np.uint8)
    report = {"stray_pixels": float((labels != nearest).mean())}
    for name, shape in SHAPES.items():
        shown, legal = labels == shape, nearest == shape
        area, expected = shown.sum((1, 2)), legal.sum((1, 2))
        regions, pieces = np.split(_component_counts(np.concatenate([shown, legal])), 2)
        judged = (area > 0) | (expected > 0)
        passed = {
            "form": (shown & legal).sum((1, 2)) >= LEAST_IOU * (shown | legal).sum((1, 2)),
            "size": abs(area - expected) <= SIZE_ERROR * expected,
            "count": regions == pieces,
        }
        report |= {f"{name}_{what}": float(ok[judged].mean()) if judged.any() else 0.0 for what, ok in passed.items()}
        report[f"{name}_present"] = float((area > 0).mean())
    return report


def require_classes(layouts: Tensor, label_space: LabelSpace) -> None:
    """Stop when a set of layouts never shows one of its classes: no generator can learn it, no metric judge it.

    Args:
        layouts: class indices, integer [N, H, W]; ignored labels do not count.
        label_space: the classes that should occur.
    Raises:
        ValueError: names the classes without a pixel.
    Chapter: Pixels that are classes.
    """
    check_layout(layouts, "layouts")
    # Fixed-size counts instead of a sort of all pixels; labels outside the classes fall into the last bin.
    classes = label_space.num_classes
    index = torch.where((layouts < 0) | (layouts >= classes), classes, layouts.long())
    found = torch.bincount(index.flatten(), minlength=classes + 1)[:classes]
    missing = [name for name, count in zip(label_space.names, found.tolist(), strict=True) if count == 0]
    if missing:
        raise ValueError(
            f"none of the {len(layouts)} layouts shows {', '.join(missing)}: take more scenes, or leave the "
            f"{'class' if len(missing) == 1 else 'classes'} out of classes.json"
        )


def snap_to_colours(images: Tensor, label_space: LabelSpace) -> tuple[Tensor, Tensor]:
    """Read a picture as a layout: each pixel's nearest class colour, and how far off it is.

    Nearest by the largest difference among red, green and blue; of equally near classes the first.

    Args:
        images: float [N, 3, H, W] in [-1, 1]. label_space: with C classes, whose colours are read.
    Returns:
        (layouts, off): int64 [N, H, W]; float32 [N, H, W], distance to that colour, 0 to 255.
    Raises:
        ValueError: pictures without three colour channels, none at all, or values that are not finite.
    Source: SemGAN, §5.0.2: "colors not related to any label". Chapter: Pixels that are classes.
    """
    tensor = isinstance(images, Tensor) and images.is_floating_point()
    if not tensor or images.ndim != 4 or images.shape[1] != 3 or not images.numel():
        raise ValueError(f"pictures are {described(images)}: expected float [N, 3, H, W] in [-1, 1], at least one")
    if not images.isfinite().all():  # the distance of NaN to any colour would come out as 0
        raise ValueError("the pictures hold values that are not finite: their generator has diverged")
    colours = torch.tensor(label_space.colors, dtype=torch.float32, device=images.device)
    pixels = 127.5 * (images.detach().float().movedim(1, -1).reshape(-1, 3) + 1)
    # 2¹⁸ pixels at once: their distances to 35 classes take 37 MB.
    parts = [torch.cdist(chunk, colours, p=float("inf")).min(1) for chunk in pixels.split(2**18)]
    shape = (len(images), *images.shape[2:])
    return torch.cat([part.indices for part in parts]).view(shape), torch.cat([part.values for part in parts]).view(
        shape
    )


def off_colour_share(images: Tensor, label_space: LabelSpace, tolerance: float = 16) -> float:
    """Share of pixels whose colour belongs to no class.

    Args:
        images: float [N, 3, H, W] in [-1, 1]. label_space: the classes and their colours.
        tolerance: largest difference in red, green or blue, 0 to 255, that still counts as a class's colour.
    Returns:
        In [0, 1]; 0 for painted layouts.
    Source: SemGAN, §5.0.2: "colors not related to any label". Chapter: Pixels that are classes.
    """
    if not 0 <= tolerance <= 255:  # NaN too
        raise ValueError(f"tolerance is {tolerance}, expected a difference in colour from 0 to 255: choose another")
    return (snap_to_colours(images, label_space)[1] > tolerance).double().mean().item()
