"""The segmenter that judges pictures: DeepLabV3, the papers' size or a light one for a laptop."""

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet101
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.resnet import BasicBlock
from torchvision.models.segmentation.deeplabv3 import ASPP, DeepLabHead, DeepLabV3
from torchvision.models.segmentation.fcn import FCNHead

from sempal_lib.layers import SLOPE

FEATURE_GRID = 2  # features are pooled over so many rows and columns
_STRIDES = {"resnet101": (8, 16), "light": (2, 4, 8)}
_STEM_STRIDES = {"resnet101": (2,), "light": (1, 2)}


@dataclass(frozen=True)
class SegmenterSettings:
    """What a segmenter is built from. The defaults are the papers' network; `SegmenterSettings.light` is the small one.

    Source: Semantic Palette, supplementary material, and its release (rates, dropout, weight of the auxiliary loss).
    """

    num_classes: int  # C
    backbone: str = "resnet101"  # or "light"
    width: int = 64  # channels of the light backbone's first stage; twice that in the next, four times in the rest
    head_channels: int = 256  # of the pyramid of dilated convolutions; the papers' network has torchvision's 256
    output_stride: int = 8  # px of the picture per step of the deepest features
    rates: tuple[int, ...] = (12, 24, 36)  # dilations of that pyramid, in steps of the deepest features
    dropout: float = 0.1  # of the heads
    aux_weight: float = 0.4  # of the auxiliary head's loss in training; 0: there is no such head
    feature_channels: int = 16  # of `features`, which are 4 times as long
    stem_stride: int = 2  # px of the picture per step of the first stage; 1 costs twice the time and sees what is thin

    def __post_init__(self):
        if self.backbone not in _STRIDES:
            raise ValueError(f"backbone={self.backbone!r}: choose one of {', '.join(map(repr, _STRIDES))}")
        if self.output_stride not in _STRIDES[self.backbone]:
            raise ValueError(
                f"output_stride={self.output_stride} of {self.backbone!r}: choose one of {_STRIDES[self.backbone]}"
            )
        if self.stem_stride not in _STEM_STRIDES[self.backbone]:
            raise ValueError(
                f"stem_stride={self.stem_stride} of {self.backbone!r}: choose one of {_STEM_STRIDES[self.backbone]}"
            )
        if not 1 <= self.num_classes <= 255:  # layouts in memory are uint8, and one value means no class
            raise ValueError(f"num_classes={self.num_classes}: choose 1 to 255")
        if self.backbone == "resnet101" and self.head_channels != 256:
            raise ValueError(f"head_channels={self.head_channels}: torchvision's head has 256; only 'light' has others")
        if not 1 <= self.feature_channels <= self.head_channels:
            raise ValueError(f"feature_channels={self.feature_channels}: choose 1 to {self.head_channels}")

    @classmethod
    def light(
        cls, num_classes: int, width: int = 16, output_stride: int = 8, stem_stride: int = 2
    ) -> "SegmenterSettings":
        """A network that learns small pictures (32×64 to 64×128 px) on one CPU core in half a minute.

        Adam at 0.01 and batches of 8 serve it best there: SGD wants ten times the paper's rate and stays behind.
        """
        head, features = 2 * width, min(16, 2 * width)
        return cls(num_classes, "light", width, head, output_stride, (2, 4, 6), 0.0, 0.0, features, stem_stride)

    def as_dict(self) -> dict:
        return asdict(self)


class Segmenter(nn.Module):
    """DeepLabV3: pictures to class scores per pixel. Built from torchvision's parts.

    "resnet101" is torchvision's network with the release's rates, dropout and auxiliary head. The release differs
    where torchvision has no such part: a stem of three 3×3 convolutions, 512 channels behind the pyramid and in the
    auxiliary head, InPlace-ABN, and upsampling with aligned corners.
    "light" has one residual block a stage, three widths, no pooling in its stem, and dilation from where the output
    stride is reached; its classifier also sees the first stage, as DeepLabV3+'s does, for poles are thin.

    Source: Chen et al. 2017 (DeepLabV3) and 2018 (DeepLabV3+); Semantic Palette, §5. Chapter: Judging with a segmenter.
    """

    projection: Tensor

    def __init__(self, settings: SegmenterSettings):
        super().__init__()
        self.settings = settings
        build = _papers_network if settings.backbone == "resnet101" else _light_network
        self.network = build(settings)
        for module in self.network.modules():
            if isinstance(module, nn.Dropout):
                module.p = settings.dropout
        # Fixed, and part of the weights: features of a saved segmenter stay the same whatever torch draws some day.
        random = torch.Generator("cpu").manual_seed(0)
        drawn = torch.randn(settings.head_channels, settings.feature_channels, generator=random, device="cpu")
        self.register_buffer("projection", torch.linalg.qr(drawn).Q.T.contiguous())

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """Scores "out" and, of a network with an auxiliary head, "aux"; each float32 [B, C, H, W].

        Args:
            images: [B, 3, H, W] in [-1, 1].
        """
        return {name: scores.float() for name, scores in self.network(images).items()}

    def forward(self, images: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] in [-1, 1] to class scores (logits), float32 [B, C, H, W]."""
        return self.outputs(images)["out"]

    @torch.no_grad()
    def predict(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Layouts that the segmenter sees in pictures.

        Args:
            images: float [N, 3, H, W] in [-1, 1], or uint8; anywhere, each batch is moved to the segmenter's device.
        Returns:
            int64 [N, H, W], on the device of `images`.
        """
        with _evaluating(self):
            return torch.cat([self(x).argmax(1).to(images.device) for x in self._batches(images, batch_size)])

    @torch.no_grad()
    def features(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """What a picture looks like to the segmenter, as one short vector: for the Fréchet distance `fd_seg`.

        The output of the pyramid (ASPP) is what the classes are read from: it tells what there is, and how surely,
        for what is blurred or wrongly textured lands between the classes. A fixed random projection with orthonormal
        rows brings its channels down to 16: the covariance of F = 64 values can be estimated from 256 pictures,
        that of 1024 cannot. The mean over each quarter of the picture is kept, not over the whole, so that sky below
        and road above is not the same as a street.

        Args:
            images: as in `predict`.
        Returns:
            float32 [N, F], F = 4 × feature_channels, on the device of `images`.
        Chapter: Judging with a segmenter.
        """
        found = []
        with _evaluating(self):
            for batch in self._batches(images, batch_size):
                pyramid = self.network.classifier[0](self.network.backbone(batch)["out"])
                cells = F.adaptive_avg_pool2d(pyramid.float(), FEATURE_GRID)
                found.append(torch.einsum("fa,nahw->nfhw", self.projection, cells).flatten(1).to(images.device))
        return torch.cat(found)

    def load_backbone(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a ResNet-101 that was trained to classify, as torchvision stores them.

        E.g. `torch.hub.load_state_dict_from_url(ResNet101_Weights.IMAGENET1K_V1.url, check_hash=True,
        weights_only=True)`, which downloads them, or `torch.load(path, weights_only=True)`; without that word, as in
        torchvision's `get_state_dict`, a file may run code. Raises ValueError if they are of another network.
        """
        kept = {name: value for name, value in weights.items() if not name.startswith("fc.")}
        try:
            self.network.backbone.load_state_dict(kept)
        except RuntimeError as error:
            raise ValueError(f"these are no weights of torchvision's {self.settings.backbone}: {error}") from error

    def _batches(self, images: Tensor, batch_size: int) -> Iterator[Tensor]:
        if images.ndim != 4 or images.shape[1] != 3 or len(images) == 0:
            raise ValueError(f"images have shape {list(images.shape)}, expected [N, 3, H, W] with N at least 1")
        device = self.projection.device
        return (as_float(x.to(device)) for x in images.split(batch_size))


class EntropyDiscriminator(nn.Sequential):
    """AdvEnt's discriminator: from which kind of picture is a map of self-information, [B, C, H, W] to [B, 1, h, w]?

    Convolutions of 4×4 px and stride 2, LeakyReLU between them, no normalisation; at the paper's size five of them,
    for small maps as many as leave a pixel.

    Args:
        num_classes: C. size: (H, W) of the maps, px; at least 4 each. width: channels of the first layer.
    Source: Vu et al. 2019, AdvEnt, and its release. Chapter: Does synthetic data help?
    """

    def __init__(self, num_classes: int, size: tuple[int, int], width: int = 64):
        count = min(5, min(size).bit_length() - 1)
        if count < 2:
            raise ValueError(f"maps of {size[0]}×{size[1]} px are too small for AdvEnt, expected at least 4×4 px")
        channels = [num_classes, *(width * 2**number for number in range(count - 1)), 1]
        convs = (nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in itertools.pairwise(channels))
        super().__init__(*[layer for conv in convs for layer in (conv, nn.LeakyReLU(SLOPE))][:-1])


def as_float(images: Tensor) -> Tensor:
    """Pictures uint8 to float32 in [-1, 1]; float ones as they are."""
    return images.float() / 127.5 - 1 if images.dtype == torch.uint8 else images


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def _papers_network(settings: SegmenterSettings) -> DeepLabV3:
    dilate = [False, settings.output_stride == 8, True]
    backbone = resnet101(weights=None, replace_stride_with_dilation=dilate)
    taken = {"layer4": "out"} | ({"layer3": "aux"} if settings.aux_weight else {})
    head = DeepLabHead(2048, settings.num_classes, settings.rates)
    aux = FCNHead(1024, settings.num_classes) if settings.aux_weight else None
    return DeepLabV3(IntermediateLayerGetter(backbone, taken), head, aux)


class _LightNetwork(DeepLabV3):
    """The classifier's last layer sees the pyramid and, at the stem's stride, the first stage."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        seen = self.backbone(x)
        pyramid, last = self.classifier
        deep = F.interpolate(pyramid(seen["out"]), size=seen["fine"].shape[-2:], mode="bilinear")
        scores = {"out": last(torch.cat([deep, seen["fine"]], 1))}
        if self.aux_classifier is not None:
            scores["aux"] = self.aux_classifier(seen["aux"])
        return {name: F.interpolate(value, size=x.shape[-2:], mode="bilinear") for name, value in scores.items()}


def _light_network(settings: SegmenterSettings) -> DeepLabV3:
    """ResNet's stages of one basic block each. Its own class has the widths 64 to 512 and no dilation for them."""
    widths = [settings.width * factor for factor in (1, 2, 4, 4)]
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, widths[0], 3, stride=settings.stem_stride, padding=1, bias=False),
        bn1=nn.BatchNorm2d(widths[0]),
        relu=nn.ReLU(inplace=True),
    )
    before, stride, dilation = widths[0], settings.stem_stride, 1
    for number, width in enumerate(widths, 1):
        step = 2 if number > 1 and stride < settings.output_stride else 1
        stride *= step
        shortcut = None
        if step > 1 or before != width:
            shortcut = nn.Sequential(nn.Conv2d(before, width, 1, step, bias=False), nn.BatchNorm2d(width))
        block = BasicBlock(before, width, step, shortcut)
        if number > 1 and step == 1:  # where ResNet would have gone down
            dilation *= 2
            for conv in (block.conv1, block.conv2):
                conv.dilation = conv.padding = (dilation, dilation)
        parts[f"layer{number}"], before = block, width
    for module in nn.Sequential(parts).modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    taken = {"layer1": "fine", "layer4": "out"} | ({"layer3": "aux"} if settings.aux_weight else {})
    head = nn.Sequential(
        ASPP(before, settings.rates, settings.head_channels),
        nn.Conv2d(settings.head_channels + widths[0], settings.num_classes, 1),
    )
    aux = FCNHead(widths[2], settings.num_classes) if settings.aux_weight else None
    return _LightNetwork(IntermediateLayerGetter(nn.Sequential(parts), taken), head, aux)
