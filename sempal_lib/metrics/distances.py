"""How far apart two pictures look: LPIPS, or the same formula in the features of a segmenter of our own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torchmetrics.functional.image
from torch import Tensor, nn
from torchvision import models

from sempal_lib.checks import check_alike
from sempal_lib.image_gans.perceptual import Stages, segmenter_features
from sempal_lib.pretrained import Pretrained, WeightsMissing
from sempal_lib.segmentation import as_float

_HEADS = Path(torchmetrics.functional.image.__file__).parent / "lpips_models"  # of version 0.1
# Backbone to the network, its weights, the layers that are looked at, and the least side of a picture that it takes.
_TRUNKS: dict[str, tuple[Callable, Any, tuple[int, ...], int]] = {
    "alex": (models.alexnet, models.AlexNet_Weights.IMAGENET1K_V1, (1, 4, 7, 9, 11), 31),
    "vgg": (models.vgg16, models.VGG16_Weights.IMAGENET1K_V1, (3, 8, 15, 22, 29), 16),
    "squeeze": (models.squeezenet1_1, models.SqueezeNet1_1_Weights.IMAGENET1K_V1, (1, 4, 7, 9, 10, 11, 12), 17),
}
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # ImageNet's mean and spread, for [-1, 1]


class PictureDistance(nn.Module):
    """Pictures to vectors e whose squared Euclidean distances are the distances of the pictures.

    With a_l the features of layer l, at each of its P_l pixels divided by their length over the channels, and w_l a
    weight ≥ 0 of each channel, the distance is Σ_l mean over pixels of Σ_channels w_l (a_l − b_l)². So e holds all
    a_l · √(w_l / P_l), and a picture is looked at once, whatever the number of pairs.

    Attributes:
        name: the metric with backbone and version, as a record or table must say it.
        form: of the names of metrics by it, such as "lpips_{}".
        least: px, the least side of a picture.
    Source: Zhang et al. 2018, eq. 1. Chapter: Many pictures from one layout.
    """

    def __init__(
        self, name: str, form: str, extract: Callable, weights: Sequence[Tensor], least: int, imagenet: bool = False
    ):
        super().__init__()
        self.name, self.form, self.least, self.extract, self.imagenet = name, form, least, extract, imagenet
        for number, weight in enumerate(weights):
            self.register_buffer(f"weight_{number}", weight.sqrt().view(1, -1, 1, 1))
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "PictureDistance":
        """Stays in evaluation mode: its running statistics are part of what is measured."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Pictures, float [N, 3, H, W] in [-1, 1] or uint8, to vectors, float32 [N, D] on the distance's device.

        Raises ValueError for pictures of another form, or too small for the network.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < self.least:
            raise ValueError(
                f"pictures have shape {list(images.shape)}, expected [N, 3, H, W] with sides of at least {self.least} "
                f"px for {self.name}: take larger pictures, or the distance in a segmenter's features"
            )
        device = self.weight_0.device
        return torch.cat([self._embed(as_float(x.to(device))) for x in images.split(batch_size)])

    def between(self, images: Tensor, others: Tensor) -> Tensor:
        """Distances of pictures one by one, both [N, 3, H, W], to [N], each ≥ 0."""
        check_alike(images, others, ("images", "others"))
        return (self(images) - self(others)).square().sum(1)

    def named(self, metric: str) -> str:
        """What a metric by this distance is called in records."""
        return self.form.format(metric)

    def _embed(self, x: Tensor) -> Tensor:
        if self.imagenet:
            x = (x - x.new_tensor(_SHIFT).view(1, 3, 1, 1)) / x.new_tensor(_SCALE).view(1, 3, 1, 1)
        parts = []
        for number, found in enumerate(self.extract(x)):
            unit = found / (found.square().sum(1, keepdim=True).sqrt() + 1e-10)
            weight = self.get_buffer(f"weight_{number}")
            parts.append((unit * weight / found[0, 0].numel() ** 0.5).flatten(1))
        return torch.cat(parts, 1)


def lpips(backbone: str = "alex", source: str | Path | None = None, download: bool = False) -> PictureDistance:
    """LPIPS, version 0.1.

    Args:
        backbone: "alex", "vgg" (VGG-16) or "squeeze". The paper of CLVAE does not say which it has; alex is customary.
        source: file of torchvision's weights of it; None: the file that SEMPAL_ALEXNET, SEMPAL_VGG16 or
            SEMPAL_SQUEEZENET names, or the one that torch has kept. The heads come with torchmetrics.
        download: whether the weights may be fetched.
    Raises:
        WeightsMissing, UntrustedFile: as `Pretrained.read`. ValueError: another backbone.
    Source: Zhang et al. 2018; the weights are its release's. Chapter: Many pictures from one layout.
    """
    if backbone not in _TRUNKS:
        raise ValueError(f"backbone={backbone!r}: choose one of {', '.join(map(repr, _TRUNKS))}")
    network, weights, taken, least = _TRUNKS[backbone]
    variable = {"alex": "SEMPAL_ALEXNET", "vgg": "SEMPAL_VGG16", "squeeze": "SEMPAL_SQUEEZENET"}[backbone]
    origin = Pretrained(network.__name__, weights.url, variable, "take seg_distance, in a segmenter's features")
    state = origin.read(source, download)
    with torch.device("meta"):
        trunk = network(weights=None).features
    try:
        trunk.load_state_dict(
            {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}, assign=True
        )
    except RuntimeError as error:
        raise WeightsMissing(
            f"{origin.file(source) or origin.kept} holds no {network.__name__} of torchvision ({str(error)[:200]}): "
            f"take {weights.url}"
        ) from error
    heads = torch.load(_HEADS / f"{backbone}.pth", weights_only=True, map_location="cpu")
    by_layer = [heads[f"lin{number}.model.1.weight"].flatten() for number in range(len(taken))]
    form = "lpips_{}" if backbone == "alex" else f"lpips_{backbone}_{{}}"
    stages = Stages(list(trunk), taken)
    return PictureDistance(f"LPIPS ({backbone}, version 0.1)", form, stages, by_layer, least, imagenet=True)


def seg_distance(segmenter: Any) -> PictureDistance:
    """The stand-in for LPIPS where its network is not at hand, and never called so: a segmenter's features.

    The same formula, over the stages of the backbone, each channel of a stage with the same weight and each stage with
    the same share: the mean over stages and pixels of |a − b|², which lies from 0 to 2. Values compare only under the
    same segmenter, weights and all.

    Args:
        segmenter: a `Segmenter`, the judge; a copy is not made, its weights no longer want gradients.
    Chapter: Many pictures from one layout.
    """
    stages = segmenter_features(segmenter)
    device = segmenter.projection.device
    with torch.no_grad():
        widths = [x.shape[1] for x in stages(torch.zeros(1, 3, 32, 32, device=device))]
    weights = [torch.full((width,), 1 / len(widths), device=device) for width in widths]
    return PictureDistance("the judge's features", "{}_seg", stages.extract, weights, 1)


def distances_at_hand(segmenter: Any, side: int) -> list[PictureDistance]:
    """The stand-in, and LPIPS where its weights lie ready and pictures of so many px on a side are large enough."""
    found = [seg_distance(segmenter)]
    try:
        if side >= _TRUNKS["alex"][3]:
            found.append(lpips().to(segmenter.projection.device))
    except WeightsMissing:
        pass  # the chapter says so
    return found
