"""A layout at the resolutions of a network, and convolutions over it.

Over an integer layout the first convolution of SPADE sees one-hot vectors: it is a sum of nine lookups in its own
weights. What it gives depends on a pixel's 3×3 labels alone, and scenes have few different 3×3 neighbourhoods: 2 % of
the pixels at 128×256, 16 % at 32×64. So both of SPADE's convolutions are computed once per neighbourhood and looked
up per pixel. The numbers are those of the plain convolutions.
"""

from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sempal_lib.labels import known_labels, one_hot
from sempal_lib.spade_layers import DenseLevel, Level

METHODS = ("auto", "coded", "dense")
MOST_PATCHES = 0.5  # different neighbourhoods a pixel; where there are more, plain convolutions take less time
_TAPS = 9  # of a 3×3 convolution


class _Bag(torch.autograd.Function):
    """Row n of the result is the sum of the table's rows index[n, 0], …; column k refers to the k-th part of the table.

    PyTorch's own backward pass of the same forward sorts the indices, and takes twice as long.
    """

    @staticmethod
    def forward(ctx: Any, index: Tensor, table: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.rows = len(table)
        return F.embedding_bag(index, table, mode="sum")

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:  # type: ignore[override]
        (index,) = ctx.saved_tensors
        gradient, rows = gradient.contiguous(), ctx.rows // index.shape[1]
        parts = [
            torch.ops.aten.embedding_dense_backward(gradient, index[:, k] - k * rows, rows, -1, False)
            for k in range(index.shape[1])
        ]
        return None, torch.cat(parts)


def lookup_sum(index: Tensor, table: Tensor) -> Tensor:
    """Sums of rows of a table: index [N, K], of which column k refers to the table's k-th part, to [N, O]."""
    if table.dtype in (torch.bfloat16, torch.float16):  # under autocast; nine terms are summed in full
        table = table.float()
    return _Bag.apply(index, table)  # type: ignore[no-any-return]


def neighbours(codes: Tensor, outside: int) -> Tensor:
    """The 3×3 codes around each pixel: [B, H, W] to [B·H·W, 9]."""
    height, width = codes.shape[1:]
    padded = F.pad(codes, (1, 1, 1, 1), value=outside)
    shifts = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return torch.stack(shifts, -1).view(-1, _TAPS)


def distinct(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The different rows of [N, 9], and for each row which of them it is, [N].

    Rows are told apart by a random 64-bit hash: that two of a million different rows share one has odds of 1 to 10⁷.
    """
    random = torch.Generator().manual_seed(0)
    factors = torch.randint(-(2**62), 2**62, (_TAPS,), generator=random).to(rows.device)
    values, which = torch.unique((rows * factors).sum(1), return_inverse=True)
    one = which.new_empty(len(values)).scatter_(0, which, torch.arange(len(rows), device=rows.device))
    return rows[one], which


class CodedLevel:
    """An integer layout at one resolution, for convolutions that are computed once per different neighbourhood.

    Args:
        labels: [B, H, W], 0 to num_classes; num_classes itself is no class.
    Attributes:
        num_patches: U, different 3×3 neighbourhoods.
    """

    def __init__(self, labels: Tensor, num_classes: int):
        self.shape = labels.shape
        patches, which = distinct(neighbours(labels, num_classes))
        self._codes = which.view(self.shape)  # of each pixel's 3×3 labels
        self._patches = patches + torch.arange(_TAPS, device=labels.device) * (num_classes + 1)
        self.num_patches = len(patches)

    @cached_property
    def _windows(self) -> tuple[Tensor, Tensor]:
        """Different 3×3 groups of codes (each is 5×5 labels), and which of them each pixel has."""
        windows, which = distinct(neighbours(self._codes, self.num_patches))
        taps = torch.arange(_TAPS, device=windows.device) * (self.num_patches + 1)
        return windows + taps, which.view(self.shape)

    def hidden(self, weight: Tensor, bias: Tensor) -> Tensor:
        """3×3 convolution over the one-hot layout, one row a neighbourhood: weights [O, C, 3, 3] to [U, O]."""
        table = F.pad(weight.permute(2, 3, 1, 0).flatten(0, 1), (0, 0, 0, 1))  # a row of zeros: no class, or outside
        return lookup_sum(self._patches, table.flatten(0, 1)) + bias

    def convolve(self, weight: Tensor, bias: Tensor) -> Tensor:
        """3×3 convolution over the one-hot layout: weights [O, C, 3, 3] to [B, O, H, W]."""
        return F.embedding(self._codes, self.hidden(weight, bias)).movedim(-1, 1)

    def convolve_hidden(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """3×3 convolution over what `hidden` gave, or a function of each of its rows: [U, I] to [B, O, H, W]."""
        table = torch.matmul(hidden, weight.permute(2, 3, 1, 0).flatten(0, 1))  # [9, U, O]
        table = F.pad(table, (0, 0, 0, 1)).flatten(0, 1)  # outside the picture all features are zero
        windows, place = self._windows
        rows = lookup_sum(windows, table) + bias
        return F.embedding(place, rows).movedim(-1, 1)


class LayoutLevels:
    """A layout at every resolution that is asked for; each is made once, by taking every n-th row and column.

    Args:
        layout: integer [B, H, W], where labels that are no class have no channel, or soft [B, C, H, W].
        edges: [B, H, W], not 0 on the border of an instance: one more channel, the last. None: no such channel.
        method: "coded", "dense", or "auto": coded for integer layouts on a CPU. Finding the different neighbourhoods
            waits for the device, and on a GPU dense convolutions are cheap.
    """

    def __init__(self, layout: Tensor, num_classes: int, edges: Tensor | None = None, method: str = "auto"):
        if method not in METHODS:
            raise ValueError(f"method={method!r}: choose one of {', '.join(map(repr, METHODS))}")
        self.height, self.num_classes, self.method = layout.shape[-2], num_classes, method
        self.coded = not layout.is_floating_point() and (
            method == "coded" or (method == "auto" and layout.device.type == "cpu")
        )
        self.edges = None if edges is None else (edges != 0)
        if self.coded:
            layout = known_labels(layout, num_classes)
        self.layout = layout
        self._levels: dict[int, Level] = {}

    def at(self, height: int) -> Level:
        """The layout at a height that divides its own, px."""
        if height not in self._levels:
            self._levels[height] = self._make(self.height // height)
        return self._levels[height]

    def _make(self, step: int) -> Level:
        layout = self.layout[..., ::step, ::step]
        edges = None if self.edges is None else self.edges[:, ::step, ::step]
        if self.coded:
            coded = (
                CodedLevel(layout, self.num_classes) if edges is None else EdgeLevel(layout, edges, self.num_classes)
            )
            if self.method == "coded" or coded.num_patches <= MOST_PATCHES * layout.numel():
                return coded
        soft = layout if layout.is_floating_point() else one_hot(layout, self.num_classes)
        return DenseLevel(soft if edges is None else torch.cat([soft, edges[:, None].to(soft.dtype)], 1))


class EdgeLevel(CodedLevel):
    """As its base; each label exists twice, on an instance's border and elsewhere."""

    def __init__(self, labels: Tensor, edges: Tensor, num_classes: int):
        # Codes 0 … C - 1 and C (no class) lie inside, C + 1 … 2C + 1 on a border. Outside the picture is as 2C + 2.
        super().__init__(labels + edges * (num_classes + 1), 2 * num_classes + 2)

    def hidden(self, weight: Tensor, bias: Tensor) -> Tensor:
        """3×3 convolution over the one-hot layout and the edge channel: weights [O, C + 1, 3, 3] to [U, O]."""
        classes, edge = F.pad(weight[:, :-1], (0, 0, 0, 0, 0, 1)), weight[:, -1:]
        return super().hidden(torch.cat([classes, classes + edge], 1), bias)


def instance_edges(instances: Tensor) -> Tensor:
    """Where an instance ends: pixels with a neighbour (left, right, above, below) of another instance.

    Args:
        instances: ids, integer [B, H, W].
    Returns:
        bool [B, H, W]; borders are two pixels thick, one on each side.
    Source: pix2pixHD, §3.3; GauGAN's release.
    """
    edges = torch.zeros_like(instances, dtype=torch.bool)
    across, down = instances[..., 1:] != instances[..., :-1], instances[..., 1:, :] != instances[..., :-1, :]
    edges[..., 1:] |= across
    edges[..., :-1] |= across
    edges[..., 1:, :] |= down
    edges[..., :-1, :] |= down
    return edges
