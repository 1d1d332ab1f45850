"""LGGAN: one generator for the whole picture, one for each class, and a map that says where each is believed."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.image_gans.class_convolution import ClassConvolution
from sempal_lib.image_gans.interface import ImageGenerator, Painted, initialise
from sempal_lib.image_gans.layout_levels import LayoutLevels
from sempal_lib.image_gans.pix2pixhd import ResidualBlock, conv_layer
from sempal_lib.image_gans.spade import SpadeGenerator, SpadeSettings
from sempal_lib.labels import one_hot
from sempal_lib.losses import class_reconstruction_loss, region_classification_loss

JOININGS, GLOBAL_BRANCHES = ("convolution", "addition"), ("gaugan", "plain")
_GLOBAL = {"local": False, "classify": False, "weight_map": False}
# The rows of the paper's ablation, Table 3 on the right.
FORMS: dict[str, dict[str, Any]] = {
    "s1": _GLOBAL,
    "s2": _GLOBAL | {"local": True, "joining": "addition"},
    "s3": _GLOBAL | {"local": True},
    "s4": {"weight_map": False},
    "s5": {},
}


@dataclass(frozen=True)
class LgganSettings(SpadeSettings):
    """What LGGAN is built from. The defaults are the paper's for semantic synthesis at 256×256 px, form S5.

    Where the paper leaves sizes open they are its release's. `released` follows the release where it differs: the
    residual blocks are the local branch's alone, pooling divides by the whole picture, the weight map's last layer is
    bare, the classification loss is a mean, and the pictures of both branches are judged too.
    """

    local: bool = True  # else the global branch paints alone
    joining: str = "convolution"  # of the classes' pictures, eq. 4; or "addition", eq. 3
    classify: bool = True  # the features of each class are told apart, eq. 5
    weight_map: bool = True  # the branches are weighed pixel by pixel, eq. 6 and 7; else their mean is taken
    residual_blocks: int = 9  # of the encoder
    own_classes: int | None = None  # the first so many classes have a generator each, the rest share one; None: all
    global_branch: str = "gaugan"  # or "plain", as in cross-view translation
    source: bool = False  # a picture of the same scene from another view is an input too
    released: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.use_vae:
            raise ValueError("LGGAN has no encoder of pictures: leave use_vae as it is")
        for name, known in (("joining", JOININGS), ("global_branch", GLOBAL_BRANCHES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r}: choose one of {', '.join(map(repr, known))}")
        if not self.local and (self.classify or self.weight_map):
            raise ValueError("without the local branch nothing is classified or weighed: see LgganSettings.form")
        if self.own_classes is not None and not 0 < self.own_classes < self.num_classes:
            raise ValueError(f"own_classes={self.own_classes}: choose 1 to {self.num_classes - 1}, or None for all")

    @classmethod
    def form(cls, name: str, *args: Any, **kwargs: Any) -> "LgganSettings":
        """A row of the paper's ablation: "s1" … "s5"; further arguments as for the class."""
        if name not in FORMS:
            raise ValueError(f"form {name!r} is no row of the ablation: choose one of {', '.join(FORMS)}")
        return cls(*args, **(FORMS[name] | kwargs))

    @classmethod
    def cross_view(cls, *args: Any, **kwargs: Any) -> "LgganSettings":
        """For pictures of another view. The release adds the classes' pictures and classifies nothing."""
        changes: dict[str, Any] = {"global_branch": "plain", "source": True}
        if kwargs.get("released"):
            changes |= {"joining": "addition", "classify": False}
        return cls(*args, **(changes | kwargs))

    @property
    def own_trunk(self) -> bool:
        """Whether the residual blocks are the local branch's alone."""
        return self.released and self.global_branch == "gaugan"

    @property
    def num_generators(self) -> int:
        """Of the local branch."""
        return self.num_classes if self.own_classes is None else self.own_classes + 1

    @property
    def classified(self) -> int:
        """How many of them are told apart: not the one that classes share."""
        return self.own_classes or self.num_classes


class Branches(NamedTuple):
    """What LGGAN's branches make. All but `overall` are None in form S1.

    Attributes:
        overall: I^G, of the whole picture, [B, 3, H, W] in [-1, 1]. local: I^L, joined of the classes' pictures.
        weights: W_l and W_g, [B, 2, H, W], sum to 1; None without a weight map.
        class_images: I_i, [B, C, 3, H, W] in [-1, 1].
        class_scores: of each class's pooled features, before the softmax, [B, C, C]; None where nothing is classified.
    """

    overall: Tensor
    local: Tensor | None = None
    weights: Tensor | None = None
    class_images: Tensor | None = None
    class_scores: Tensor | None = None


class GauganBranch(SpadeGenerator):
    """The global branch of semantic synthesis: GauGAN's blocks, whose first map is made from the shared encoder's."""

    def _first_layer(self) -> nn.Module:
        """From the encoder's map to the first one of the blocks: two halvings further down, or fewer."""
        layers, width = [], 4 * self.settings.ngf
        for _ in range(min(self.settings.doublings, 4) - 2):
            layers += conv_layer(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1))
            width *= 2
        return nn.Sequential(*layers)

    def paint(self, shared: Tensor, layout: Tensor, edges: Tensor | None) -> Tensor:
        """The encoder's map, [B, 4 ngf, H / 4, W / 4], and the layout to pictures before the tanh."""
        levels = LayoutLevels(layout, self.settings.num_classes, edges, self.method)
        x, size = self.first(shared), self.settings.first_size
        x = x if tuple(x.shape[2:]) == size else F.interpolate(x, size)
        return self._through_blocks(x, lambda number, height: levels.at(height))


class PlainBranch(nn.Sequential):
    """The global branch of cross-view translation: two doublings of the size and a convolution of 7×7."""

    def __init__(self, settings: "LgganSettings"):
        n = settings.ngf
        super().__init__(_twice_up(n), nn.Conv2d(n, 3, 7, padding=3, padding_mode="reflect"))

    def paint(self, shared: Tensor, layout: Tensor, edges: Tensor | None) -> Tensor:
        """As `GauganBranch.paint`; it is told of the layout by the encoder alone."""
        return self(shared)


class LgganGenerator(ImageGenerator):
    """LGGAN's generator: a shared encoder, a global branch, one generator a class, and a map of weights.

    Source: LGGAN, §3; layers and widths are its release's. Chapter: Local and global.
    """

    settings: LgganSettings

    def __init__(self, settings: LgganSettings):
        super().__init__()
        s, n = settings, settings.ngf
        self.settings, self.takes_edges, self.takes_source = s, s.instance_edges, s.source
        told = s.in_channels + 3 * s.source
        head = conv_layer(nn.Conv2d(told, n, 7, padding=3, padding_mode="reflect"))
        for width in (n, 2 * n):
            head += conv_layer(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1))
        self.head = nn.Sequential(*head)
        if s.local or not s.own_trunk:
            self.trunk = nn.Sequential(*(ResidualBlock(4 * n) for _ in range(s.residual_blocks)))
        if s.local:
            self.local_up, self.class_painters = _twice_up(n), ClassConvolution(n, s.num_generators)
        if s.local and s.joining == "convolution":
            self.join = nn.Conv2d(3 * s.num_generators, 3, 3, padding=1)
        if s.classify:
            self.classifier = nn.Linear(n, s.classified)
        if s.weight_map:
            last = conv_layer(nn.Conv2d(n, 2, 1))
            self.weigh = nn.Sequential(_twice_up(n), *(last[:1] if s.released else last))
        for part in self.children():
            if not isinstance(part, ClassConvolution):
                initialise(part, "xavier")
        self.overall = (GauganBranch if s.global_branch == "gaugan" else PlainBranch)(s)
        if s.global_branch == "plain":
            initialise(self, "normal")

    def forward(
        self, layout: Tensor, z: Tensor | None = None, edges: Tensor | None = None, source: Tensor | None = None
    ) -> Tensor:
        # The sum of the classes' pictures, eq. 3, may leave the range.
        return super().forward(layout, z, edges, source).clamp(-1, 1)

    def painted(
        self, layout: Tensor, z: Tensor | None = None, edges: Tensor | None = None, source: Tensor | None = None
    ) -> Painted:
        self._check(layout, z, edges, source)
        found = self.branches(layout, edges, source)
        if found.local is None:
            return Painted(found.overall, parts=found)
        weights = torch.full_like(found.local[:, :2], 0.5) if found.weights is None else found.weights
        fused = found.local * weights[:, :1] + found.overall * weights[:, 1:]  # eq. 7
        return Painted(fused, (found.overall, found.local) if self.settings.released else (), found)

    def branches(self, layout: Tensor, edges: Tensor | None = None, source: Tensor | None = None) -> Branches:
        """What each branch makes of layouts; arguments as of `forward`.

        Source: LGGAN, eq. 1 to 6, fig. 2 and 3. Chapter: Local and global.
        """
        s = self.settings
        head = self.head(self._told(layout, edges, source))
        shared = head if s.own_trunk else self.trunk(head)
        overall = _in_range(self.overall.paint(shared, layout, edges))
        if not s.local:
            return Branches(overall)
        features = self.local_up(self.trunk(head) if s.own_trunk else shared)  # f'
        images = _in_range(self.class_painters(features, self._generator_of(layout)))
        if s.joining == "addition":
            local = images.sum(1)  # eq. 3
        else:
            local = _in_range(self.join(images.flatten(1, 2)))  # eq. 4
        maps = self.weigh(shared).float().softmax(1) if s.weight_map else None  # eq. 6
        scores = self.classifier(self._pooled(features, layout)) if s.classify else None
        return Branches(overall, local, maps, images, scores)

    def _told(self, layout: Tensor, edges: Tensor | None, source: Tensor | None) -> Tensor:
        soft = layout if layout.is_floating_point() else one_hot(layout, self.settings.num_classes)
        borders = None if edges is None else (edges != 0)[:, None].to(soft.dtype)
        return torch.cat([x for x in (source, soft, borders) if x is not None], 1)

    def own_losses(self, parts: Branches, images: Tensor, layouts: Tensor) -> dict[str, Tensor]:
        """The losses "local", eq. 2, and "classification", eq. 5, where the form has them."""
        found, masks = {}, self._masks(layouts)
        if parts.class_images is not None:
            found["local"] = class_reconstruction_loss(parts.class_images, images, masks)
        if parts.class_scores is not None:
            shown = (masks[:, : self.settings.classified].flatten(2) > 0).any(2)
            found["classification"] = region_classification_loss(parts.class_scores, shown, self.settings.released)
        return found

    def _generator_of(self, layout: Tensor) -> Tensor:
        """The layout with one class for each of the local branch's generators."""
        own, classes = self.settings.own_classes, self.settings.num_classes
        if own is None:
            return layout
        if layout.is_floating_point():
            return torch.cat([layout[:, :own], layout[:, own:].sum(1, keepdim=True)], 1)
        return torch.where((layout >= own) & (layout < classes), own, layout)

    def _masks(self, layout: Tensor) -> Tensor:
        """M_i of each of the local branch's generators, [B, C, H, W]."""
        layout = self._generator_of(layout)
        return layout if layout.is_floating_point() else one_hot(layout, self.settings.num_generators)

    def _pooled(self, features: Tensor, layout: Tensor) -> Tensor:
        """Each class's features, averaged over its region; 0 for one that is absent: [B, C, n]."""
        masks = self._masks(layout)[:, : self.settings.classified].flatten(2).to(features.dtype)
        area = masks.shape[2] if self.settings.released else masks.sum(2, keepdim=True).clamp(min=1)
        return masks @ features.flatten(2).mT / area


def _in_range(x: Tensor) -> Tensor:
    return x.float().tanh()


def _twice_up(width: int) -> nn.Sequential:
    """Two doublings of the size, from 4 · width channels to width."""
    layers = []
    for before in (4 * width, 2 * width):
        up = nn.ConvTranspose2d(before, before // 2, 3, stride=2, padding=1, output_padding=1)
        layers += conv_layer(up)
    return nn.Sequential(*layers)
