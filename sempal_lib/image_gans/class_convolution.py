"""A convolution of its own for every class, over the features of that class's pixels alone, all classes at once.

Every class's features are zero but where the class is, so a pixel of an integer layout adds to one class's picture
only. The rows of pixels are multiplied by their own class's weights, sorted into tiles of one class each, and summed
where the taps point: the cost of one convolution, however many classes there are. Soft layouts, in which a pixel is of
several classes, take one convolution with a group a class. The numbers are the same.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sempal_lib.labels import known_labels, one_hot

METHODS = ("auto", "tiled", "grouped")
_TILE = 64  # pixels of one class that are multiplied at once


class ClassConvolution(nn.Conv2d):
    """Features to one picture a class; the border is reflected.

    Args:
        channels: n of the features. num_classes: C. outputs: channels of each picture. size: of the kernel, px; odd.
    Attributes:
        method: "tiled", "grouped", or "auto": tiled for integer layouts on a CPU.
    Source: LGGAN, §3.2, eq. 1; one layer of 7×7 is its release's, the paper says "several". Chapter: Local and global.
    """

    def __init__(self, channels: int, num_classes: int, outputs: int = 3, size: int = 7):
        super().__init__(num_classes * channels, num_classes * outputs, size, groups=num_classes)
        self.method = "auto"
        for part in self.weight.data.split(outputs):  # as if each class had its own layer
            nn.init.xavier_normal_(part, gain=0.02)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, layout: Tensor) -> Tensor:  # type: ignore[override]
        """f' [B, n, H, W] and layout, integer [B, H, W] or soft [B, C, H, W], to pictures [B, C, 3, H, W].

        A label that is no class adds to no picture. The picture of a class that a layout does not show is its bias.
        """
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r}: choose one of {', '.join(map(repr, METHODS))}")
        whole = not layout.is_floating_point()
        if whole and (self.method == "tiled" or (self.method == "auto" and layout.device.type == "cpu")):
            return self._tiled(features, known_labels(layout, self.groups))
        return self._grouped(features, one_hot(layout, self.groups) if whole else layout)

    def _padded(self, x: Tensor) -> Tensor:
        return F.pad(x, (self.kernel_size[0] // 2,) * 4, mode="reflect")

    def _grouped(self, features: Tensor, masks: Tensor) -> Tensor:
        features, masks = self._padded(features), self._padded(masks.to(features.dtype))
        filtered = (masks.unsqueeze(2) * features.unsqueeze(1)).flatten(1, 2)  # F_i = M_i f', eq. 1
        return F.conv2d(filtered, self.weight, self.bias, groups=self.groups).unflatten(1, (self.groups, -1))

    def _tiled(self, features: Tensor, labels: Tensor) -> Tensor:
        (batch, channels, height, width), size = features.shape, self.kernel_size[0]
        weight = self.weight.unflatten(0, (self.groups, -1)).permute(0, 2, 3, 4, 1).flatten(2)  # [C, n, taps · 3]
        labels = self._padded(labels.unsqueeze(1).float()).squeeze(1).long()
        rows = self._padded(features).movedim(1, -1).reshape(-1, channels)
        made = rows_by_class(rows, labels.flatten(), F.pad(weight, (0, 0, 0, 0, 0, 1)))  # C itself is no class
        outputs, border = made.shape[1] // size**2, size // 2
        shape = (batch, self.groups + 1, outputs, height + 4 * border, width + 4 * border)
        target = _targets(labels, shape, size).flatten()
        found = made.new_zeros(shape, dtype=torch.float32).flatten().index_add(0, target, made.float().flatten())
        y, x = (slice(2 * border, 2 * border + n) for n in (height, width))
        bias = self.bias.view(self.groups, outputs, 1, 1)  # type: ignore[union-attr]
        return found.view(shape)[:, :-1, :, y, x] + bias


def _targets(labels: Tensor, shape: tuple[int, ...], size: int) -> Tensor:
    """Where in a tensor of `shape` each pixel adds, [pixels, taps, outputs]: at itself less the tap, in its class."""
    _, classes, outputs, height, width = shape
    batch, (rows, columns), border = len(labels), labels.shape[1:], size - 1
    y, x = (torch.arange(n, device=labels.device) for n in (rows, columns))
    place = (y[:, None] + border) * width + x + border
    first = (torch.arange(batch, device=labels.device).view(-1, 1, 1) * classes + labels) * outputs * height * width
    tap = torch.arange(size, device=labels.device)
    taps = (tap[:, None] * width + tap).view(1, -1, 1)
    return (first + place).view(-1, 1, 1) - taps + torch.arange(outputs, device=labels.device) * height * width


def rows_by_class(rows: Tensor, labels: Tensor, matrices: Tensor) -> Tensor:
    """Each row times the matrix of its class, for all classes at once; nothing waits for the device.

    Rows are sorted by class and cut into tiles of one class each, whose last ones are filled up with zeros.

    Args:
        rows: [N, n]. labels: [N], 0 to C - 1. matrices: [C, n, m].
    Returns:
        [N, m].
    """
    classes, count = len(matrices), torch.arange(len(rows), device=rows.device)
    counts = labels.new_zeros(classes).scatter_add_(0, labels, torch.ones_like(labels))
    tiles = (counts + _TILE - 1) // _TILE
    ends = tiles.cumsum(0)
    order = labels.argsort(stable=True)
    gaps = (ends - tiles) * _TILE - (counts.cumsum(0) - counts)  # zeros before a class's first row
    place = torch.empty_like(order).scatter_(0, order, count + gaps[labels[order]])
    most = len(rows) // _TILE + classes  # tiles, however the rows fall
    class_of = torch.searchsorted(ends, torch.arange(most, device=rows.device), right=True).clamp(max=classes - 1)
    filled = rows.new_zeros(most * _TILE, rows.shape[1]).index_copy(0, place, rows).view(most, _TILE, -1)
    chosen = F.embedding(class_of, matrices.flatten(1)).view(most, *matrices.shape[1:])
    return torch.bmm(filled, chosen).flatten(0, 1)[place]
