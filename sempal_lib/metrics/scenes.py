"""What is measured of generated scenes, pictures with their layouts."""

from torch import Tensor

from sempal_lib.label_spaces import IDD_31_NAMES
from sempal_lib.labels import CITYSCAPES_19, LabelSpace
from sempal_lib.metrics.images import FeatureWeightsMissing, check_sample_count, frechet_inception_distance
from sempal_lib.metrics.segmentation import class_iou, confusion_matrix, evaluate_segmenter, fd_seg
from sempal_lib.record_model import metric_of
from sempal_lib.segmentation import Segmenter, as_float

_GAN_TEST = {"miou": "gan_test_miou", "miou_all": "gan_test_miou_all", "pixel_accuracy": "gan_test_accuracy"}


def standard_classes(label_space: LabelSpace) -> list[int] | None:
    """Indices of the 19 classes of Cityscapes' benchmark, or of IDD's 31, where a label space has them among others.

    None: all count.
    Source: Semantic Palette, §5 "Metrics". Chapter: Judging with a segmenter.
    """
    for names in (CITYSCAPES_19.names, IDD_31_NAMES):
        if set(names) < set(label_space.names):
            return [label_space.index(name) for name in names]
    return None


def evaluate_images(
    images: Tensor, layouts: Tensor, real_images: Tensor, segmenter: Segmenter, label_space: LabelSpace
) -> dict[str, tuple[float, int]]:
    """GAN-test and FD-seg of generated scenes, and FID where its weights are at hand.

    Args:
        images: generated pictures, float [N, 3, H, W] in [-1, 1]. layouts: those that they were painted on,
            integer [N, H, W]; 255 is no class.
        real_images: validation pictures, uint8 or float; as many as there are generated ones are compared.
        segmenter: trained on real pairs.
    Returns:
        Metric to (value, number of pictures).
    Raises:
        ValueError: fewer real pictures than generated ones, and what `evaluate_segmenter` and `fd_seg` raise.
    Source: Semantic Palette, §5 "Metrics". Chapter: Judging with a segmenter.
    """
    check_sample_count(len(real_images), len(images), "the validation pictures")
    read = evaluate_segmenter(segmenter, images, layouts, standard_classes(label_space))
    found = {_GAN_TEST[name]: value for name, value in read.items()}
    real = real_images[: len(images)]
    found["fd_seg"] = fd_seg(real, images, segmenter)
    try:
        found["fid"] = frechet_inception_distance(as_float(real.cpu()), images.cpu())
    except FeatureWeightsMissing:
        pass  # the chapter says so
    return {metric: (value, len(images)) for metric, value in found.items()}


def evaluate_real(
    images: Tensor, layouts: Tensor, segmenter: Segmenter, label_space: LabelSpace
) -> dict[str, tuple[float, int]]:
    """What `evaluate_images` gives for real scenes: what the judge reads in them, and the floor of FD-seg.

    The floor is the distance of every other picture to the rest: of two halves of one set, which no generator can be
    expected to undercut. It is larger than that of two sets of the full size would be, by up to two.

    Args:
        images: held-out pictures, uint8 [N, 3, H, W] or float. layouts: theirs, integer [N, H, W].
    Returns:
        Metric to (value, number of pictures); of "fd_seg" the number in each half.
    Chapter: Judging with a segmenter.
    """
    read = evaluate_segmenter(segmenter, images, layouts, standard_classes(label_space))
    half = len(images) // 2
    floor = fd_seg(images[0 : 2 * half : 2], images[1 : 2 * half : 2], segmenter)
    return {_GAN_TEST[name]: (value, len(images)) for name, value in read.items()} | {"fd_seg": (floor, half)}


def evaluate_classes(
    images: Tensor, layouts: Tensor, segmenter: Segmenter, label_space: LabelSpace
) -> dict[str, tuple[float, int]]:
    """GAN-test class by class: how well a segmenter finds each in the pictures.

    Args:
        images, layouts, segmenter: as in `evaluate_images`.
    Returns:
        "iou_…" of each class that is there or is seen, to (value, number of pictures).
    Chapter: Local and global.
    """
    matrix = confusion_matrix(segmenter.predict(images), layouts, label_space.num_classes, 255)
    return named_ious(matrix, label_space, len(images))


def named_ious(matrix: Tensor, label_space: LabelSpace, count: int) -> dict[str, tuple[float, int]]:
    """Of a confusion matrix the IoU of each class that occurs, by its name as a metric."""
    ious = zip(label_space.names, class_iou(matrix).tolist(), strict=True)
    return {metric_of(name): (value, count) for name, value in ious if value == value}
