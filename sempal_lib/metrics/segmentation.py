"""Metrics by a segmenter: how well its layouts agree with the true ones, and how near pictures are to real ones."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sempal_lib.checks import check_layout, check_tensor, check_whole, described
from sempal_lib.metrics.layouts import frechet_distance
from sempal_lib.segmentation import Segmenter


def confusion_matrix(predicted: Tensor, target: Tensor, num_classes: int, ignore_index: int | None = None) -> Tensor:
    """Count pixels by true and by predicted class.

    Args:
        predicted, target: layouts, integer, of one shape. ignore_index: label of target pixels that do not count.
    Returns:
        int64 [C, C] on the device of `target`: row = true class, column = predicted class. Matrices of several
        batches add up.
    Raises:
        ValueError: unlike shapes, soft layouts or floats, or a label that is no class.
    """
    for name, layouts in (("predicted", predicted), ("target", target)):
        if not isinstance(layouts, Tensor) or layouts.is_floating_point():
            raise ValueError(f"{name} layouts are {described(layouts)}, expected integers: of soft ones take argmax(1)")
    check_whole(num_classes, "num_classes", 1)
    if predicted.shape != target.shape:
        raise ValueError(
            f"predicted layouts {list(predicted.shape)} and true ones {list(target.shape)} differ in shape"
        )
    true, seen = target.flatten().long(), predicted.flatten().long().to(target.device)
    if ignore_index is not None:
        counts = true != ignore_index
        true, seen = true[counts], seen[counts]
    for name, labels in (("target", true), ("predicted", seen)):
        wrong = labels[(labels < 0) | (labels >= num_classes)]
        if len(wrong):
            raise ValueError(
                f"{name} labels {wrong.unique().tolist()[:8]} are no classes, expected 0 to {num_classes - 1}: "
                "check the class list, or name the ignored label as ignore_index"
            )
    return torch.bincount(true * num_classes + seen, minlength=num_classes**2).view(num_classes, num_classes)


def _check_confusion(confusion: Tensor) -> None:
    check_tensor(confusion, "confusion", "[C, C]", "numbers")
    if confusion.shape[0] != confusion.shape[1] or not confusion.numel():
        raise ValueError(f"confusion is {described(confusion)}, expected [C, C]: take what confusion_matrix gives")
    if not bool((confusion >= 0).all()):  # NaN too
        raise ValueError("confusion holds numbers below 0 or none, expected counts: take what confusion_matrix gives")


def mean_iou(confusion: Tensor, classes: Sequence[int] | None = None, absent: str = "skip") -> float:
    """Mean over classes of the intersection of true and predicted pixels, divided by their union.

    Over the official classes this is the papers' mIoU: pixels whose true class is another one do not count; where
    another class is predicted on the rest, that is a miss. Over all classes it is their mIoU*.

    Args:
        confusion: from `confusion_matrix`. classes: indices, None for all.
        absent: what a class adds that is neither there nor predicted: "skip", nothing, the mean is over the others;
            "zero", a 0, as in the release of Semantic Palette, which matters for mIoU*: some of Cityscapes' 35 ids
            never occur.
    Returns:
        A fraction.
    Raises:
        ValueError: no class, a class that the matrix has not, or one twice; or nothing is left to average.
    Source: Semantic Palette, §5 "Metrics" and its release. Chapter: Judging with a segmenter.
    """
    if absent not in ("skip", "zero"):
        raise ValueError(f"absent={absent!r}: choose 'skip' or 'zero'")
    _check_confusion(confusion)
    chosen = list(range(len(confusion))) if classes is None else list(classes)
    wrong = [c for c in chosen if not 0 <= c < len(confusion)]
    if not chosen or wrong or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"classes {chosen}: expected at least one, each once, from 0 to {len(confusion) - 1}"
            + (f", which {wrong} are not" if wrong else "")
        )
    rows = confusion[chosen]
    hits = rows[:, chosen].diagonal()
    unions = rows.sum(1) + rows[:, chosen].sum(0) - hits
    if absent == "skip":
        hits, unions = hits[unions > 0], unions[unions > 0]
        if not len(unions):
            raise ValueError(f"no pixel of the classes {chosen}, so that there is no mean: take other scenes")
    return (hits.double() / unions.clamp(min=1)).mean().item()


def class_iou(confusion: Tensor) -> Tensor:
    """IoU of each class, float64 [C]; NaN for a class that is neither there nor predicted.

    Args:
        confusion: from `confusion_matrix`.
    Chapter: Judging with a segmenter.
    """
    _check_confusion(confusion)
    hits = confusion.diagonal().double()
    return hits / (confusion.sum(0) + confusion.sum(1) - hits)


def pixel_accuracy(confusion: Tensor) -> float:
    """Share of pixels whose class is predicted rightly. Raises ValueError for a matrix without pixels."""
    _check_confusion(confusion)
    total = confusion.sum().item()
    if not total:
        raise ValueError("the confusion matrix counts no pixel: are all of them ignored?")
    return confusion.diagonal().sum().item() / total


def evaluate_segmenter(
    segmenter: Segmenter,
    images: Tensor,
    layouts: Tensor,
    classes: Sequence[int] | None = None,
    ignore_index: int | None = 255,
    batch_size: int = 64,
) -> dict[str, float]:
    """How well a segmenter reads pictures.

    With a segmenter trained on real pairs and generated pictures beside the layouts that they were made from, this
    is GAN-test; with one trained on generated pairs and real validation images, GAN-train.

    Args:
        images: float [N, 3, H, W] in [-1, 1], or uint8. layouts: their true ones, integer [N, H, W].
        classes: the official classes, None for all.
        ignore_index: label of pixels that do not count; any other label of no class is an error.
    Returns:
        Fractions: "miou" over the official classes that occur, "miou_all" over all classes, where absent ones are 0
        (the papers' mIoU*), "pixel_accuracy" over all pixels that count.
    Source: Semantic Palette, §5 "Metrics". Chapter: Judging with a segmenter.
    """
    check_layout(layouts, "layouts")
    check_tensor(images, "images", "[N, 3, H, W]", "numbers")
    check_whole(batch_size, "batch_size", 1)
    if len(images) != len(layouts) or images.shape[2:] != layouts.shape[1:]:
        raise ValueError(
            f"images {list(images.shape)} and layouts {list(layouts.shape)} are no pairs: "
            "expected [N, 3, H, W] and [N, H, W]"
        )
    confusion = confusion_matrix(
        segmenter.predict(images, batch_size), layouts.to(images.device), segmenter.settings.num_classes, ignore_index
    )
    return {
        "miou": mean_iou(confusion, classes),
        "miou_all": mean_iou(confusion, absent="zero"),
        "pixel_accuracy": pixel_accuracy(confusion),
    }


def fd_seg(real_images: Tensor, fake_images: Tensor, segmenter: Segmenter, batch_size: int = 64) -> float:
    """FD-seg: Fréchet distance between real and generated pictures in the features of our own segmenter.

    The stand-in for FID where Inception's weights are out of reach, and never called by that name. Values compare
    only under the same segmenter, weights and all, and with equal numbers of pictures: few pictures make the distance
    larger. Take several times as many as the features are long (`Segmenter.features`: 64).

    Args:
        real_images, fake_images: float [N, 3, H, W] in [-1, 1], or uint8; at least 2 each, of one size.
    Returns:
        A number ≥ 0.
    Raises:
        ValueError: fewer than 2 pictures, or unlike sizes.
    Chapter: Judging with a segmenter.
    """
    for name, images in (("real_images", real_images), ("fake_images", fake_images)):
        check_tensor(images, name, "[N, 3, H, W]", "numbers")
    check_whole(batch_size, "batch_size", 1)
    if min(len(real_images), len(fake_images)) < 2 or real_images.shape[1:] != fake_images.shape[1:]:
        raise ValueError(
            f"FD-seg of pictures {list(real_images.shape)} and {list(fake_images.shape)}: both need at least 2, "
            "and all of one size"
        )
    real, fake = (segmenter.features(x, batch_size).cpu() for x in (real_images, fake_images))
    return frechet_distance(real, fake).item()
