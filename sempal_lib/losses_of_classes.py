"""The losses of LGGAN's classes: as in losses.py, one function each, with the equation that it is."""

from torch import Tensor


def class_reconstruction_loss(class_images: Tensor, images: Tensor, masks: Tensor) -> Tensor:
    """Have each class's own picture show that class's pixels of the real one, and nothing elsewhere: L_L1^local.

    Args:
        class_images: I_i, [B, C, 3, H, W]. images: I, [B, 3, H, W]. masks: M_i, [B, C, H, W], 1 where the class is.
    Returns:
        Σ_i of the mean over samples, channels and pixels of |I M_i - I_i|, a scalar ≥ 0; absent classes count too.
    Source: LGGAN, eq. 2. Chapter: Local and global.
    """
    if class_images.shape != (*masks.shape[:2], *images.shape[1:]) or masks.shape[2:] != images.shape[2:]:
        raise ValueError(
            f"class_images {list(class_images.shape)}, images {list(images.shape)} and masks {list(masks.shape)} do "
            "not belong together, expected [B, C, 3, H, W], [B, 3, H, W] and [B, C, H, W] of one batch"
        )
    target = images.float().unsqueeze(1) * masks.unsqueeze(2)
    return (target - class_images.float()).abs().mean((0, 2, 3, 4)).sum()


def region_classification_loss(scores: Tensor, shown: Tensor, mean: bool = False) -> Tensor:
    """Have each class's features say which class they are of: L_CE. Classes that a layout lacks do not count.

    Args:
        scores: of the pooled features of class m for class i, before the softmax, [B, C, C].
        shown: H_m, whether a layout shows the class, bool [B, C].
        mean: over a layout's classes, as in the release, in place of the sum.
    Returns:
        Mean over the samples of -Σ_m H_m ln softmax(scores_m)_m, a scalar ≥ 0, in nats.
    Source: LGGAN, eq. 5. Chapter: Local and global.
    """
    if scores.ndim != 3 or scores.shape != (*shown.shape, shown.shape[-1]):
        raise ValueError(f"scores {list(scores.shape)}, shown {list(shown.shape)}: give [B, C, C] and [B, C] of one C")
    right = scores.float().log_softmax(2).diagonal(dim1=1, dim2=2)
    found = -(right * shown).sum(1)
    return (found / shown.sum(1).clamp(min=1) if mean else found).mean()
