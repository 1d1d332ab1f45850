"""Label spaces: what the classes of a data set are called, how they are coloured, and which index does not count."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sempal_lib.checks import check_layout, described


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a data set.

    Args:
        names: one name a class; the class's index is its place.
        colors: one (red, green, blue) a class, 0 to 255.
        ignore_index: label of pixels that belong to no class, or None where every pixel has one.
    """

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    ignore_index: int | None = None

    def __post_init__(self):
        if len(self.names) != len(self.colors):
            raise ValueError(f"{len(self.names)} class names but {len(self.colors)} colours: give one colour a class")
        if not self.names:
            raise ValueError("a label space without classes: give at least one")
        for name, color in zip(self.names, self.colors, strict=True):
            if len(color) != 3 or not all(0 <= value <= 255 for value in color):
                raise ValueError(f"class {name!r} has the colour {color}, expected (red, green, blue), 0 to 255 each")
        if self.ignore_index is not None and 0 <= self.ignore_index < len(self.names):
            raise ValueError(
                f"ignore_index {self.ignore_index} is the class {self.names[self.ignore_index]!r}: "
                f"choose an index outside 0 to {len(self.names) - 1}"
            )

    @property
    def num_classes(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Index of a class by its name. Raises KeyError that lists the names."""
        if name not in self.names:
            raise KeyError(f"no class {name!r}; the classes are {', '.join(self.names)}")
        return self.names.index(name)

    def colourise(self, layout: Tensor) -> Tensor:
        """Paint a layout in the classes' colours.

        Args:
            layout: class indices, integer [..., H, W]; pixels of no class turn black.
        Returns:
            uint8 [..., H, W, 3].
        Raises:
            ValueError: a soft layout, or another tensor of floats.
        """
        if not isinstance(layout, Tensor) or layout.is_floating_point():
            raise ValueError(
                f"layout is {described(layout)}, expected integers [..., H, W]: of a soft layout take argmax(1)"
            )
        table = torch.zeros(self.num_classes + 1, 3, dtype=torch.uint8)
        table[: self.num_classes] = torch.tensor(self.colors, dtype=torch.uint8)
        index = layout.long().cpu()
        return table[torch.where((index < 0) | (index > self.num_classes), self.num_classes, index)]

    def check(self, labels: np.ndarray, where: str) -> None:
        """Raise ValueError naming `where` if a label is neither a class nor the ignored index."""
        found = np.unique(labels)
        allowed = (found >= 0) & (found < self.num_classes)
        if self.ignore_index is not None:
            allowed |= found == self.ignore_index
        if not allowed.all():
            ignored = "" if self.ignore_index is None else f" or {self.ignore_index} (ignored)"
            raise ValueError(
                f"{where}: label values {found[~allowed].tolist()[:8]} are out of range, expected "
                f"0 to {self.num_classes - 1}{ignored}: check that this is a label map, and the class list"
            )


def one_hot(layout: Tensor, num_classes: int, channels_last: bool = False) -> Tensor:
    """Layout to soft layout with all weight on one class.

    Args:
        layout: class indices, integer [B, H, W]; indices outside 0..num_classes-1 get no class at all.
        channels_last: the order in memory.
    Returns:
        float32 [B, C, H, W]; sums to 1 over C, to 0 at ignored pixels.
    Raises:
        ValueError: another rank, or floats.
    """
    check_layout(layout)
    # A comparison against the class axis: no scatter, no check of indices that would wait for a GPU.
    classes = torch.arange(num_classes, device=layout.device)
    if channels_last:
        return (layout.unsqueeze(-1) == classes).float().movedim(-1, 1)
    return (layout.unsqueeze(1) == classes.view(1, -1, 1, 1)).float()


def known_labels(layout: Tensor, num_classes: int) -> Tensor:
    """Labels as int64, in which every label of no class is `num_classes`."""
    layout = layout.long()
    return torch.where((layout >= 0) & (layout < num_classes), layout, num_classes)


def label_space_of(names_and_colors: Sequence[tuple[str, tuple[int, int, int]]], ignore_index=None) -> LabelSpace:
    """LabelSpace from (name, colour) pairs in the order of their indices."""
    names, colors = zip(*names_and_colors, strict=True)
    return LabelSpace(tuple(names), tuple(colors), ignore_index)


# Names, order and colours as Cityscapes publishes them; train ids 0 to 18.
CITYSCAPES_19 = label_space_of(
    [
        ("road", (128, 64, 128)),
        ("sidewalk", (244, 35, 232)),
        ("building", (70, 70, 70)),
        ("wall", (102, 102, 156)),
        ("fence", (190, 153, 153)),
        ("pole", (153, 153, 153)),
        ("traffic light", (250, 170, 30)),
        ("traffic sign", (220, 220, 0)),
        ("vegetation", (107, 142, 35)),
        ("terrain", (152, 251, 152)),
        ("sky", (70, 130, 180)),
        ("person", (220, 20, 60)),
        ("rider", (255, 0, 0)),
        ("car", (0, 0, 142)),
        ("truck", (0, 0, 70)),
        ("bus", (0, 60, 100)),
        ("train", (0, 80, 100)),
        ("motorcycle", (0, 0, 230)),
        ("bicycle", (119, 11, 32)),
    ],
    ignore_index=255,
)
