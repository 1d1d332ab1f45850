"""Semantic Palette's generator that adds to a whole layout, as its face editor does: nothing is cut out."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sempal_lib.checks import check_finite, described
from sempal_lib.labels import one_hot
from sempal_lib.layout_gans.activation import exact_layout, semantically_assisted_activation
from sempal_lib.layout_gans.partial import PartialGenerator, at_height

LEAST = 0.001  # the release drops additions below it, as a share of the frame
_FAR = 1e3  # a score that no network gives
_HAIR = 1e-4  # by which a sum of shares may miss


def additions_to(palette: Tensor, target: Tensor) -> Tensor:
    """What must be added to a layout so that its palette becomes another: δ. What must go is not said.

    Args:
        palette: p, of the layout, [B, C]. target: t, [B, C]. Each row sums to 1.
    Returns:
        max(t - p, 0), [B, C], shares of the frame; less than 0.001 is 0.
    Source: Semantic Palette, §5.4; the formula is its release's. Chapter: Editing faces.
    """
    rise = target - palette
    return torch.where(rise < LEAST, 0.0, rise)


def with_rest(additions: Tensor) -> Tensor:
    """The palette of the whole generated mask: what is added, and the rest is background.

    Args:
        additions: δ, [B, C], each row sums to 1 at most.
    Returns:
        [B, C + 1], each row sums to 1.
    Source: as `additions_to`. Chapter: Editing faces.
    """
    whole = torch.cat([additions, 1 - additions.sum(1, keepdim=True)], 1).clamp(min=0)
    return whole / whole.sum(1, keepdim=True)


class FaceGenerator(PartialGenerator):
    """Noise, a layout and additions in, the layout with the additions out.

    The network is that for a part of a layout; here the layout has no hole.

    Source: Semantic Palette, §5.4, fig. 7. Chapter: Editing faces.
    """

    @torch.no_grad()
    def add(
        self,
        layout: Tensor,
        additions: Tensor,
        seed: int = 0,
        exact: bool = False,
        confine: bool = True,
        over: Tensor | None = None,
        iterations: int | None = None,
        batch_size: int = 64,
    ) -> Tensor:
        """Paint more of some classes. Every other pixel stays as it is.

        Args:
            layout: class indices, integer [H, W] or [B, H, W], of the generator's size or a multiple of it: then its
                scores are enlarged, and what is kept is kept in full. 255 is no class, and stays.
            additions: how much of the frame each class gets beside what it has, [C] or [B, C], from 0 to 1.
            seed: of the noise. exact: paint each class its number of pixels to within one.
            confine: let the activation spend each class's budget where it can add: on pixels of other classes, and
                not over a class that is added too. False takes the largest class of the merged mask, as the paper does.
            over: which classes may be painted over, bool [C]; None is all to which nothing is added.
            iterations: of the activation; None is what the settings say. batch_size: of the network.
        Returns:
            Like `layout`.
        Raises:
            ValueError: labels out of range, another size, negative additions, over 100 %, or more than there is room.
        Chapter: Editing faces.
        """
        layouts = self._checked_layouts(layout, enlarge=True)
        shares = self._checked_additions(additions, len(layouts)).to(layouts.device)
        free = allowed(layouts, shares, over)
        _check_room(shares, free)

        def paint(*part: Tensor) -> Tensor:
            return self._added(part, exact, confine, iterations)

        made = self._in_parts(paint, (layouts, shares, free), seed, batch_size)
        return made.to(layout.dtype).view(layout.shape)

    def _added(self, part: tuple[Tensor, ...], exact: bool, confine: bool, iterations: int | None) -> Tensor:
        """Hard layouts. part: noise, layouts, additions, and where each class may be painted."""
        z, layout, additions, free = part
        palette, classes = with_rest(additions), self.settings.num_classes
        whole = one_hot(layout, classes)
        mask = self(z, palette, at_height(whole, self.size[0]), iterations=iterations)[-1]
        check_finite(mask.scores, "scores", "the weights are not finite either, take an earlier checkpoint")
        if not confine and not exact:
            soft = enlarged(mask.soft_layout, layout.shape[1])
            merged = soft[:, :-1] + soft[:, -1:] * whole
            return torch.where(layout < classes, merged.argmax(1), layout)
        scores = torch.where(free, enlarged(mask.scores, layout.shape[1]), -_FAR)
        if exact:
            made = exact_layout(scores, palette)
        else:
            rounds = self.settings.iterations if iterations is None else iterations
            made = semantically_assisted_activation(scores, palette, rounds, checked=False)[1].argmax(1)
        added = (made < classes) & free.gather(1, made.unsqueeze(1))[:, 0]
        return torch.where(added, made, layout)

    def _checked_additions(self, additions: Tensor, count: int) -> Tensor:
        """One row a layout, or what is wrong with them in themselves."""
        classes = self.settings.num_classes
        found = torch.as_tensor(additions, dtype=torch.float32)
        rows = found.unsqueeze(0) if found.ndim == 1 else found
        if rows.ndim != 2 or rows.shape[1] != classes or len(rows) not in (1, count):
            raise ValueError(
                f"additions are {described(additions)}, expected {classes} shares of the frame, one a class, for each "
                f"of {count} layouts or for all: [{classes}] or [{count}, {classes}]"
            )
        if not torch.isfinite(rows).all():
            raise ValueError("additions hold a value that is no number: give each class a share from 0 to 1")
        if (rows < 0).any():
            row, cls = (rows < 0).nonzero()[0].tolist()
            raise ValueError(
                f"additions of {rows[row, cls]:.1%} of class {cls}: nothing can be taken away. Add what should be "
                "there instead, and say by `over` what it may cover"
            )
        if (rows.sum(1) > 1 + _HAIR).any():
            raise ValueError(f"additions are {rows.sum(1).max():.0%} of the frame, which has 100 %: ask for less")
        return rows.expand(count, -1)


def enlarged(maps: Tensor, height: int) -> Tensor:
    """Maps [B, C, H, W] at a height that is a multiple of theirs, bilinear; as they are where it is theirs."""
    if height == maps.shape[2]:
        return maps
    return interpolate(maps, scale_factor=height // maps.shape[2], mode="bilinear")


def allowed(layouts: Tensor, additions: Tensor, over: Tensor | None = None) -> Tensor:
    """Where each class may be painted: on pixels of other classes, and only of such as may be painted over.

    Args:
        layouts: int [B, H, W]. additions: [B, C]. over: bool [C]; None is every class to which nothing is added.
    Returns:
        bool [B, C + 1, H, W]; the background, last, is allowed everywhere.
    Raises:
        ValueError: `over` of another length or type.
    Chapter: Editing faces.
    """
    classes = additions.shape[1]
    if over is not None and (not isinstance(over, Tensor) or over.dtype != torch.bool or over.shape != (classes,)):
        raise ValueError(f"over is {described(over)}, expected bool [{classes}]: true for what may be painted over")
    shown = one_hot(layouts, classes)
    may = additions == 0 if over is None else over.to(layouts.device).expand(len(layouts), -1)
    free = (shown * may[:, :, None, None]).sum(1, keepdim=True) > 0
    return torch.cat([free & (shown == 0), torch.ones_like(free)], 1)


def _check_room(additions: Tensor, free: Tensor) -> None:
    """Raises ValueError where a class, or all of them together, have fewer pixels to be painted on than they want."""
    every = free[:, :-1].any(1).float().mean((1, 2))
    room = torch.where(additions > 0, free[:, :-1].float().mean((2, 3)), 1)
    pixels = 1 / free[0, 0].numel()
    short = (additions > room + pixels).any(1) | (additions.sum(1) > every + pixels)
    if short.any():
        row = int(short.nonzero()[0])
        raise ValueError(
            f"additions are {additions[row].sum():.1%} of the frame, but of layout {row} only {every[row]:.1%} can be "
            "painted over: ask for less, or let `over` name more classes"
        )
