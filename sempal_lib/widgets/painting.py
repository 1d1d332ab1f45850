"""A painter behind a layout generator: its fit, its pictures, and the path of its styles."""

from torch import Tensor

from sempal_lib.image_gans import enlarge
from sempal_lib.labels import LabelSpace
from sempal_lib.widgets.latents import path_of_seed

STYLES = 4  # random styles that the path passes through


def has_styles(painter) -> bool:
    """Whether there is a painter, and one of whose pictures a layout has many."""
    return painter is not None and painter.noise_dim > 0


def check_painter(painter, generator, label_space: LabelSpace) -> None:
    """Raise ValueError unless `painter` can paint the layouts of `generator`."""
    s, (height, width) = painter.settings, generator.size
    if s.num_classes != label_space.num_classes:
        raise ValueError(
            f"the painter takes {s.num_classes} classes, the label space names {label_space.num_classes}: "
            "take a painter that was trained on the layout generator's data set"
        )
    if s.height % height or s.width != width * (s.height // height):
        raise ValueError(
            f"the painter paints {s.height}×{s.width} px, the layouts have {height}×{width} px: take a painter of "
            f"a whole multiple of that, such as {height}×{width} or {2 * height}×{2 * width} px"
        )
    if painter.takes_edges:
        raise ValueError(
            "the painter needs the borders of instances, which a layout does not show: take one trained without them"
        )


def paint(painter, layouts: Tensor, z: Tensor | None = None) -> Tensor:
    """Pictures of layouts, which are enlarged to the painter's size by repeating pixels.

    Args:
        layouts: int64 [N, h, w] on the CPU. z: styles, [N, noise_dim], or [1, noise_dim] for all.
    Returns:
        float32 [N, 3, H, W] in [-1, 1] on the CPU.
    """
    large = enlarge(layouts, (painter.settings.height, painter.settings.width))
    return painter.generate(large, z=None if z is None else z.expand(len(layouts), -1))  # type: ignore[no-any-return]


def styles_at(painter, positions: Tensor, seed: int) -> Tensor | None:
    """Styles at positions [N] of the seed's path, [N, noise_dim]; None where a layout has one picture."""
    return path_of_seed(painter.noise_dim, STYLES, seed, positions) if has_styles(painter) else None
