"""Classifiers that tell what kind of place a picture shows: the papers' AlexNet of Places365, and a small one of ours.

Chapter: From the air to the ground.
"""

import os
import pickle
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import alexnet

from sempal_lib.pretrained import WeightsMissing
from sempal_lib.segmentation import as_float

PLACES_FILE = "alexnet_places365.pth.tar"
PLACES_HOME = f"http://places2.csail.mit.edu/models_places365/{PLACES_FILE}"
PLACES_VARIABLE = "SEMPAL_PLACES365"
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and standard deviation of its pictures' channels


class SceneClassifier(nn.Module):
    """What all have: `name`, as records call it, `kinds`, their number, and scores by `forward`, [B, kinds]."""

    name: str
    kinds: int

    @torch.no_grad()
    def probabilities(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Of the kinds, [N, kinds], each row sums to 1, on the CPU.

        Args:
            images: [N, 3, H, W], uint8 or float in [-1, 1], on any device.
        """
        self.eval()
        device = next(self.parameters()).device
        return torch.cat([self(as_float(x.to(device))).softmax(1).cpu() for x in images.split(batch_size)])


@dataclass(frozen=True)
class KindSettings:
    """Of `KindClassifier`. kinds: of scenes. width: channels of its first layer."""

    kinds: int
    width: int = 24

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class KindClassifier(SceneClassifier):
    """Ours: four convolutions of stride 2, their mean over the picture, one linear layer. Any size from 16 px up."""

    name = "own"

    def __init__(self, settings: KindSettings):
        super().__init__()
        self.settings, self.kinds, width = settings, settings.kinds, settings.width
        channels = [3, width, 2 * width, 4 * width, 4 * width]
        self.trunk = nn.Sequential(*(
            layer for a, b in pairwise(channels)
            for layer in (nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True))
        ))  # fmt: skip
        self.head = nn.Linear(channels[-1], settings.kinds)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.trunk(images).mean((2, 3)))  # type: ignore[no-any-return]


class PlacesClassifier(SceneClassifier):
    """The papers': AlexNet of Places365. Pictures come to 256 px by their shorter side, cut to 224 in the middle."""

    name, kinds = "places365", 365

    def __init__(self) -> None:
        super().__init__()
        self.network = alexnet(weights=None, num_classes=365)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        size = [round(side * 256 / min(height, width)) for side in (height, width)]
        x = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
        top, left = (size[0] - 224) // 2, (size[1] - 224) // 2
        x = (x[:, :, top : top + 224, left : left + 224] + 1) / 2
        mean, deviation = (x.new_tensor(values).view(1, 3, 1, 1) for values in IMAGENET)
        return self.network((x - mean) / deviation)  # type: ignore[no-any-return]


def places365(source: str | Path | None = None) -> PlacesClassifier:
    """The papers' classifier, its weights from a file; nothing in it is executed.

    Args:
        source: Places365's own file of AlexNet; None: the one that SEMPAL_PLACES365 names.
    Raises:
        WeightsMissing: no file is named, there is none, or it holds something else.
    Source: Zhou et al. 2017; fact sheet on image GANs, §5.2. Chapter: From the air to the ground.
    """
    named = source or os.environ.get(PLACES_VARIABLE)
    remedy = f"take {PLACES_HOME} and name it in {PLACES_VARIABLE}, or judge with our own classifier"
    if not named or not Path(named).is_file():
        raise WeightsMissing(f"no weights of AlexNet on Places365 at {named or 'any path'}: {remedy}")
    try:
        state = torch.load(named, weights_only=True, map_location="cpu")
        state = {key.replace("module.", ""): value for key, value in state.get("state_dict", state).items()}
        classifier = PlacesClassifier()
        classifier.network.load_state_dict(state)
    except (pickle.UnpicklingError, RuntimeError, EOFError, AttributeError) as error:
        raise WeightsMissing(f"{named} holds no AlexNet of 365 places ({str(error)[:200]}): {remedy}") from error
    return classifier.eval()
