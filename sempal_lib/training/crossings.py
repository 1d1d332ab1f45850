"""From a run's parameters to the painters of another view, all on one budget, and to what is measured of them.

Chapter: From the air to the ground.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from sempal_lib import metrics
from sempal_lib.image_gans import (
    CrossViewSettings,
    CrossViewUnet,
    DiscriminatorSettings,
    DualDiscriminator,
    ImageGenerator,
    LgganGenerator,
    LgganSettings,
    SelectionGenerator,
    SourceDiscriminator,
    XForkGenerator,
    XSeqGenerator,
)
from sempal_lib.parameters import CrossViewParameters
from sempal_lib.pretrained import WeightsMissing
from sempal_lib.records import PROCEDURAL
from sempal_lib.scene_classifiers import SceneClassifier, places365
from sempal_lib.training.images import ImageTrainingSettings, Judge
from sempal_lib.training.kinds import kind_classifier_for
from sempal_lib.training.loop import placed
from sempal_lib.training.setup import SceneSet, make_fabric

_UNETS: dict[str, Callable[[CrossViewSettings], CrossViewUnet]] = {
    "pix2pix": CrossViewUnet, "x-fork": XForkGenerator, "x-seq": XSeqGenerator, "selectiongan": SelectionGenerator,
}  # fmt: skip
CODE = (  # beside that of every painter
    "losses_of_classes.py", "image_gans/lggan.py", "image_gans/class_convolution.py", "image_gans/cross_view.py",
    "training/crossings.py",
)  # fmt: skip


def crossing_networks(
    system: str, p: CrossViewParameters, num_classes: int, size: tuple[int, int]
) -> tuple[ImageGenerator, Judge]:
    """Generator and judge of a system as the parameters say; at 256 px they are the papers'.

    Smaller pictures get fewer halvings and smaller patches, as in `image_networks`. LGGAN has two judges, told the
    layout and the other view; those of all others are told the other view.

    Args:
        size: (H, W) of the pictures, px.
    """
    octaves = size[0].bit_length() - 1
    strides = (2, 2, 2, 1) if size[0] >= 64 else (2, 2, 1)
    norm = "instance" if system == "lggan" else "batch"
    judge = DiscriminatorSettings(num_classes, p.ndf, strides, scales=1, norm=norm, padding=1)
    if system == "lggan":
        settings = LgganSettings.cross_view(
            num_classes, *size, p.ngf, p.doublings, residual_blocks=p.residual_blocks, released=p.released
        )
        return LgganGenerator(settings), DualDiscriminator(judge)
    unet = CrossViewSettings(
        num_classes, *size, p.ngf, depth=min(8, octaves), dropouts=min(3, octaves - 2),
        told_layout=system.endswith("++") or system == "selectiongan", layout_ngf=max(p.ngf // 16, 1),
        hidden=6 + 104 * p.ngf // 64,  # 110 of its release, of which six are pictures
    )  # fmt: skip
    return _UNETS[system.removesuffix("++")](unet), SourceDiscriminator(judge)


def crossing_settings(system: str, p: CrossViewParameters, **values: Any) -> ImageTrainingSettings:
    """How it is trained: cross-entropy and L1, nothing mirrored; LGGAN by its release's perceptual loss too.

    Args:
        values: of the budget, as `image_settings` has them.
    """
    own = {"local": p.local_weight, "classification": p.classification_weight, "doubted": p.l1_weight}
    rates = {"learning_rate_g": p.learning_rate, "learning_rate_d": p.learning_rate}
    looks = {"perceptual_weight": 10.0} if system == "lggan" else {}
    values = {"flip": False, "l1_weight": p.l1_weight, "own_weights": own, **looks, **values, **rates}
    return ImageTrainingSettings.pix2pix(**values)


def scene_classifier_for(p: CrossViewParameters) -> SceneClassifier | None:
    """Who tells kinds of scenes in a run, on its device, or None where nobody can.

    That is: "auto" on real data, and the weights of Places365 are not at hand.

    Raises:
        WeightsMissing: places365 was asked for. ValueError: "own" on data whose scenes are of no known kinds.
    """
    if p.classifier == "own" or (p.classifier == "auto" and p.dataset in PROCEDURAL):
        return kind_classifier_for(p, p.view)
    try:
        return placed(places365(), make_fabric(p, devices=1), False)  # type: ignore[no-any-return]
    except WeightsMissing:
        if p.classifier == "places365":
            raise
        return None


def paint_crossing(generator: ImageGenerator, data: SceneSet, p: CrossViewParameters) -> Tensor:
    """The held-out scenes, as many as there are `samples`, painted from their other view: float [N, 3, H, W], CPU."""
    held, sources = data.held_out[: p.samples], data.held_out_sources
    assert sources is not None
    return generator.generate(held, p.seed, source=sources[: p.samples] / 127.5 - 1).cpu()


def evaluate_crossing(
    painted: Tensor, data: SceneSet, judge: Any, classifier: SceneClassifier | None
) -> dict[str, tuple[float, int]]:
    """Everything that is measured of painted held-out scenes, metric to (value, number of pictures).

    Args:
        painted: the first held-out scenes, float [N, 3, H, W] in [-1, 1]. judge: a segmenter of this view.
        classifier: of kinds; None: their metrics are left out.
    Source: LGGAN, §4.1 and Table 1. Chapter: From the air to the ground.
    """
    count = len(painted)
    real = data.held_out_images[:count] / 127.5 - 1
    found = metrics.evaluate_pixels(real, painted)
    if classifier is not None:
        found |= metrics.evaluate_kinds(classifier.probabilities(real), classifier.probabilities(painted))
    return found | metrics.evaluate_images(
        painted, data.held_out[:count], data.held_out_images, judge, data.label_space
    )
