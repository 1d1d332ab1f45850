"""Metrics by a segmenter: by hand, against a plain library, and what goes wrong."""

import pytest
import torch
from sklearn.metrics import confusion_matrix as plain_confusion
from sklearn.metrics import jaccard_score

from sempal_lib.metrics import confusion_matrix, evaluate_segmenter, fd_seg, mean_iou, pixel_accuracy
from sempal_lib.segmentation import Segmenter, SegmenterSettings


def layouts(n=6, classes=7, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(classes, (n, 8, 12), generator=random)


def light(classes=4):
    torch.manual_seed(0)
    return Segmenter(SegmenterSettings.light(classes, width=4))


def pictures(n, shift=0.0, seed=0):
    random = torch.Generator().manual_seed(seed)
    return (torch.randn(n, 3, 16, 32, generator=random) / 3 + shift).clamp(-1, 1)


def test_by_hand():
    """True: four pixels of 0, two of 1, two that do not count. Class 2 is predicted and never there, 3 is neither."""
    target = torch.tensor([[[0, 0, 0, 0], [1, 1, 255, 255]]])
    predicted = torch.tensor([[[0, 0, 0, 1], [1, 2, 0, 3]]])
    confusion = confusion_matrix(predicted, target, 4, ignore_index=255)
    assert confusion.dtype == torch.int64
    assert confusion.tolist() == [[3, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert pixel_accuracy(confusion) == pytest.approx(4 / 6)
    assert mean_iou(confusion) == pytest.approx((3 / 4 + 1 / 3 + 0) / 3)
    assert mean_iou(confusion, absent="zero") == pytest.approx((3 / 4 + 1 / 3 + 0) / 4)


def test_pixels_of_other_classes_do_not_count_in_the_official_mean():
    """Official: 0 and 1. True 2s predicted as 0 are no false alarm of 0; a true 1 predicted as 2 is a miss of 1."""
    target = torch.tensor([[[0, 0, 1, 1, 2, 2]]])
    predicted = torch.tensor([[[0, 0, 1, 2, 0, 0]]])
    confusion = confusion_matrix(predicted, target, 3)
    assert mean_iou(confusion, [0, 1]) == pytest.approx((1 + 1 / 2) / 2)
    assert mean_iou(confusion, [1, 0]) == mean_iou(confusion, [0, 1])
    assert mean_iou(confusion) == pytest.approx((2 / 4 + 1 / 2 + 0) / 3)


def test_against_scikit_learn():
    target, predicted = layouts(seed=0), layouts(seed=1)
    predicted = torch.where(torch.rand(target.shape) < 0.6, target, predicted)
    counts = layouts(classes=5, seed=2) > 0
    confusion = confusion_matrix(predicted, torch.where(counts, target, 255), 7, ignore_index=255)
    true, seen = target[counts].numpy(), predicted[counts].numpy()
    assert confusion.tolist() == plain_confusion(true, seen, labels=range(7)).tolist()
    assert mean_iou(confusion) == pytest.approx(jaccard_score(true, seen, average="macro"))
    official = (true != 3) & (true != 5)
    scores = jaccard_score(true[official], seen[official], labels=[0, 1, 2, 4, 6], average="macro")
    assert mean_iou(confusion, [0, 1, 2, 4, 6]) == pytest.approx(scores)


def test_matrices_of_batches_add_up_whatever_the_integer_type():
    target, predicted = layouts(seed=0), layouts(seed=1)
    parts = [
        confusion_matrix(p, t, 7) for p, t in zip(predicted.split(2), target.to(torch.uint8).split(2), strict=True)
    ]
    assert torch.equal(sum(parts), confusion_matrix(predicted, target, 7))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: mean_iou(c, []), "at least one"),
        (lambda c: mean_iou(c, [0, 3]), r"from 0 to 2, which \[3\] are not"),
        (lambda c: mean_iou(c, [-1]), r"\[-1\] are not"),
        (lambda c: mean_iou(c, [1, 1]), "each once"),
        (lambda c: mean_iou(c, absent="drop"), "choose 'skip' or 'zero'"),
        (lambda c: mean_iou(0 * c), "no pixel of the classes"),
        (lambda c: pixel_accuracy(0 * c), "counts no pixel"),
    ],
)
def test_bad_class_lists_and_empty_matrices_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.eye(3, dtype=torch.int64))


def test_labels_of_no_class_are_refused():
    target, predicted = layouts(classes=3), layouts(classes=3)
    with pytest.raises(ValueError, match=r"target labels \[255\] are no classes, expected 0 to 2.*ignore_index"):
        confusion_matrix(predicted, target.clone().index_fill_(1, torch.tensor([0]), 255), 3)
    with pytest.raises(ValueError, match=r"predicted labels \[-1, 7\] are no classes"):
        confusion_matrix(torch.where(predicted == 0, 7, predicted - 2), target, 3)
    with pytest.raises(ValueError, match="differ"):
        confusion_matrix(predicted[:2], target, 3)


def test_evaluation_is_of_the_predicted_layouts():
    segmenter, images = light(), pictures(5)
    predicted = segmenter.predict(images)
    assert evaluate_segmenter(segmenter, images, predicted)["pixel_accuracy"] == 1
    assert evaluate_segmenter(segmenter, images, predicted)["miou"] == 1
    some = predicted.clone()
    some[:, :4] = 255
    assert evaluate_segmenter(segmenter, images, some, batch_size=2)["pixel_accuracy"] == 1
    with pytest.raises(ValueError, match="no pairs"):
        evaluate_segmenter(segmenter, images, predicted[:, :8])


def test_fd_seg_grows_with_the_difference_and_sees_arrangement():
    segmenter, real = light(), pictures(200)
    ramp = torch.linspace(-0.5, 0.5, 16).view(1, 1, 16, 1)
    assert fd_seg(real, real, segmenter) == pytest.approx(0, abs=1e-4)
    same, near, far = (fd_seg(real, pictures(200, shift, seed=1), segmenter) for shift in (0.0, 0.15, 0.5))
    assert same < near < far
    # Bright above or bright below: the same colours, elsewhere.
    assert fd_seg(real + ramp, (real + ramp).flip(2), segmenter) > 3 * same
    assert fd_seg(real, real + 0.3, segmenter, batch_size=7) == pytest.approx(fd_seg(real, real + 0.3, segmenter), 1e-3)


def test_fd_seg_needs_two_pictures_of_one_size():
    with pytest.raises(ValueError, match="at least 2"):
        fd_seg(pictures(1), pictures(5), light())
    with pytest.raises(ValueError, match="one size"):
        fd_seg(pictures(5), pictures(5)[..., :16], light())
