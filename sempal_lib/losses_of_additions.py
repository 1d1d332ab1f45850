"""The loss of the generator that adds to layouts: as in losses.py."""

from torch import Tensor

_EPSILON = 1e-5  # of the release


def novelty_loss(merged: Tensor, layout: Tensor) -> Tensor:
    """Have what is added differ from what was there: L_NOV. Else the cheapest hair to add is the hair that is there.

    Args:
        merged: ŷ, the layout with what was added, soft, [B, C, H, W]. layout: y, what it was, [B, C, H, W].
    Returns:
        1 / (mean over samples, classes and pixels of (ŷ - y)², and 1e-5), a scalar up to 100,000.
    Source: Semantic Palette, §5.4, in words; the formula is its release's. Chapter: Editing faces.
    """
    return 1 / ((merged - layout).square().mean() + _EPSILON)
