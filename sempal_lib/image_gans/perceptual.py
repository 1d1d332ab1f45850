"""Features in which two pictures are compared: VGG-19's, or those of a segmenter of our own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import VGG19_Weights, vgg19

from sempal_lib.pretrained import Pretrained, WeightsMissing

VGG_VARIABLE = "SEMPAL_VGG19"  # the environment variable that says where its weights lie
# By whose loss looks at them: layers of VGG-19, and the weights of their distances.
VGG_TAPS: dict[str, tuple[tuple[int, ...], tuple[float, ...]]] = {
    "gaugan": ((1, 6, 11, 20, 29), (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)),  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1
    "cimle": ((3, 8, 13, 22, 31), (1 / 1.4, 1 / 1.8, 1 / 1.3, 1 / 2.2, 1 / 0.062)),  # relu1_2, relu2_2, …, relu5_2
}
PerceptualWeightsMissing = WeightsMissing


class PerceptualFeatures(nn.Module):
    """Pictures [B, 3, H, W] in [-1, 1] to a list of features, from fine to coarse. Its weights stay as they are.

    Attributes:
        name: "vgg19" or "segmenter"; a record must say which.
        weights: of each layer's distance, for `perceptual_loss`.
    """

    def __init__(self, name: str, extract: Callable[[Tensor], Sequence[Tensor]], weights: Sequence[float]):
        super().__init__()
        self.name, self.weights = name, tuple(weights)
        self.extract = extract
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "PerceptualFeatures":
        """Stays in evaluation mode: its running statistics are part of what is measured."""
        return super().train(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        return list(self.extract(images))


class Stages(nn.Module):
    """The outputs of some layers of a sequence; what follows the last of them is left out."""

    def __init__(self, layers: Sequence[nn.Module], taken: Sequence[int]):
        super().__init__()
        self.layers, self.taken = nn.ModuleList(layers[: max(taken) + 1]), frozenset(taken)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in self.taken:
                found.append(x)
        return found


def perceptual_features(
    source: str | Path | PerceptualFeatures | Callable[[Tensor], Sequence[Tensor]] | None = None,
    download: bool = True,
    weights: Sequence[float] | None = None,
    taps: str = "gaugan",
) -> PerceptualFeatures:
    """Features for `perceptual_loss`.

    Args:
        source: file of torchvision's VGG-19 weights (.pth or .safetensors); or a function from pictures to features,
            such as `segmenter_features` gives, that stands in for it. None: the file that SEMPAL_VGG19 names, or else
            torchvision's download. A file that is not torchvision's own is taken where SEMPAL_VGG19_SHA256 names it.
        download: whether the weights may be fetched (torch keeps them for the next time).
        weights: of each layer's distance, for a function of one's own; None: doubling from layer to layer, the last 1.
        taps: whose layers of VGG-19, and whose weights: "gaugan" or "cimle".
    Raises:
        PerceptualWeightsMissing: there is no such file and no download, or the file is of another network.
        UntrustedFile: its SHA-256 is neither torchvision's nor the one named.
    Source: Johnson et al. 2016; the layers and weights are pix2pixHD's release's. Pictures enter VGG in [-1, 1], as
        there, not normalised as ImageNet's. Chapter: Painting by layout.
    """
    if isinstance(source, PerceptualFeatures):
        return source
    if callable(source):
        return _of_segmenter(source, weights)
    url, instead = VGG19_Weights.IMAGENET1K_V1.url, "pass the features of a segmenter (segmenter_features)"
    weights_of = Pretrained("VGG-19", url, VGG_VARIABLE, instead)
    state = weights_of.read(source, download)
    with torch.device("meta"):
        network = vgg19(weights=None).features
    kept = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
    try:
        network.load_state_dict(kept, assign=True)
    except RuntimeError as error:
        raise PerceptualWeightsMissing(
            f"{weights_of.file(source) or 'the download'} holds no VGG-19 of torchvision ({str(error)[:200]}): "
            "give the file vgg19-dcbb9e9d.pth, or pass the features of a segmenter"
        ) from error
    return _of_vgg19(network, taps)


def untrained_vgg19() -> PerceptualFeatures:
    """VGG-19's features by drawn weights: they cost what the trained ones cost, and mean nothing. To measure speed."""
    return _of_vgg19(vgg19(weights=None).features)


def _of_vgg19(network: nn.Sequential, taps: str = "gaugan") -> PerceptualFeatures:
    layers = [nn.ReLU() if isinstance(layer, nn.ReLU) else layer for layer in network]  # not in place: some are kept
    taken, weights = VGG_TAPS[taps]
    return PerceptualFeatures("vgg19", Stages(layers, taken), weights)


def with_pixels(features: PerceptualFeatures) -> PerceptualFeatures:
    """The picture itself, with a weight of 1, before what a network makes of it: what cIMLE compares.

    The authors' weights of VGG-19's layers were found for another file of that network, and pictures from 0 to 255.

    Source: Li et al. 2019 (cIMLE), released code. Chapter: Many pictures from one layout.
    """
    return PerceptualFeatures(features.name, _WithPixels(features), (1.0, *features.weights))


class _WithPixels(nn.Module):
    def __init__(self, features: PerceptualFeatures):
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> list[Tensor]:
        return [images, *self.features(images)]


def segmenter_features(segmenter: Any) -> PerceptualFeatures:
    """The stages of a trained segmenter's backbone: what stands in for VGG-19 where there are no weights of it.

    Args:
        segmenter: a `Segmenter`; a copy is not made, its weights no longer want gradients.
    Chapter: Painting by layout.
    """
    backbone = segmenter.network.backbone
    names = list(backbone)
    taken = [names.index(name) for name in ("relu", "layer1", "layer2", "layer3", "layer4") if name in names]
    return _of_segmenter(
        Stages([backbone[name] for name in names], taken), [0.5**i for i in reversed(range(len(taken)))]
    )


def _of_segmenter(extract: Callable[[Tensor], Sequence[Tensor]], weights: Sequence[float] | None) -> PerceptualFeatures:
    if weights is None:
        with torch.no_grad():
            number = len(extract(torch.zeros(1, 3, 32, 32)))
        weights = [0.5**i for i in reversed(range(number))]
    return PerceptualFeatures("segmenter", extract, weights)
