"""Checks of what is handed to the library: rank, dtype and sizes of tensors, and at its face their values.

Rank, dtype and sizes are known without looking at a value: those checks stand in training steps too. A look at values
waits for the device, so `check_finite` and `palettes.check_palette` stand only where no training step comes by: in
metrics, in `generate`, and in functions that a training step calls with `checked=False`. All raise ValueError with
the name, what it was, what is expected, and a remedy.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

IGNORED = 255  # the label of pixels that belong to no class


def described(x: object) -> str:
    """A tensor as "float32 [2, 3]"; anything else by its type."""
    if isinstance(x, Tensor):
        return f"{str(x.dtype).removeprefix('torch.')} {list(x.shape)}"
    return f"of type {type(x).__name__}"


def check_tensor(x: object, name: str, form: str, kind: str) -> None:
    """A tensor of a rank and kind.

    Args:
        name: what the message calls it. form: its axes, as "[B, C, H, W]", whose number is the rank.
        kind: "integers", "floats" or "numbers".
    """
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} is {described(x)}, expected a tensor of {kind} {form}: torch.as_tensor makes one")
    right = x.dtype != torch.bool and not x.is_complex()
    if kind != "numbers":
        right &= x.is_floating_point() == (kind == "floats")
    rank = form.count(",") + 1
    if right and x.ndim == rank:
        return
    hint = "check the order of the arguments"
    if kind == "integers" and x.ndim == rank + 1 and x.is_floating_point():
        hint = "of a soft layout take argmax(1)"
    elif not right and x.ndim == rank:
        hint = "convert it by .long()" if kind == "integers" else "convert it by .float()"
    elif right and x.ndim == rank - 1:
        hint = "add an axis in front by unsqueeze(0)"
    elif kind == "floats" and x.ndim == rank - 1 == 3:
        hint = "of class indices make a soft layout by labels.one_hot"
    raise ValueError(f"{name} is {described(x)}, expected {kind} {form}: {hint}")


def check_layout(layout: object, name: str = "layout") -> None:
    """Class indices, integer [B, H, W]."""
    check_tensor(layout, name, "[B, H, W]", "integers")


def check_pairs(images: Tensor, layouts: Tensor) -> None:
    """Pictures [B, 3, H, W] and their layouts, integer [B, H, W]."""
    check_layout(layouts, "layouts")
    if (len(images), *images.shape[2:]) != tuple(layouts.shape):
        raise ValueError(
            f"images {list(images.shape)} and layouts {list(layouts.shape)} are no pairs: load both at one size"
        )


def check_soft(x: Tensor, name: str = "soft_layout") -> None:
    """Soft layouts, densities or scores, float [B, C, H, W]."""
    check_tensor(x, name, "[B, C, H, W]", "floats")


def check_rows(soft: Tensor, palette: Tensor, name: str) -> None:
    """Palettes [B, C] beside soft layouts or scores [B, C, H, W] of as many samples and classes."""
    check_soft(soft, name)
    check_tensor(palette, "palette", "[B, C]", "floats")
    if palette.shape != soft.shape[:2]:
        raise ValueError(
            f"palette is {list(palette.shape)}, expected {list(soft.shape[:2])} beside {name} {list(soft.shape)}: "
            "give a row a sample and a proportion a class; expand(B, -1) repeats one palette"
        )


def check_alike(a: Tensor, b: Tensor, names: tuple[str, str]) -> None:
    """Two tensors of one shape: broadcasting would compare what does not belong together."""
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)) or a.shape != b.shape:
        raise ValueError(
            f"{names[0]} is {described(a)} and {names[1]} {described(b)}, expected one shape: pass what belongs "
            "together"
        )


def check_finite(x: Tensor, name: str, remedy: str) -> None:
    """No NaN and no infinity. Waits for the device."""
    if x.is_floating_point() and not bool(torch.isfinite(x).all()):
        found = "NaN" if bool(torch.isnan(x).any()) else "an infinite number"
        raise ValueError(f"{name} {list(x.shape)} holds {found}, expected finite numbers: {remedy}")


def check_list(tensors: object, name: str, like: Sequence[Tensor] | None = None) -> None:
    """A list of float tensors, one a scale or layer; as long as another one."""
    if not isinstance(tensors, list | tuple) or not tensors or not all(isinstance(x, Tensor) for x in tensors):
        raise ValueError(
            f"{name} is {described(tensors)}, expected a list of tensors, one a scale or layer: of one make [x]"
        )
    other = [x for x in tensors if not x.is_floating_point()]
    if other:
        raise ValueError(f"{name} holds {described(other[0])}, expected floats: convert it by .float()")
    if like is not None and len(tensors) != len(like):
        raise ValueError(f"{name} has {len(tensors)} entries, expected {len(like)}: give one for each scale or layer")


def check_whole(value: object, name: str, least: int) -> None:
    """A whole number from `least` up."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number from {least} up: choose another")


def check_noise(z: Tensor, length: int) -> None:
    """Raise ValueError unless noise is [B, length] and finite: of NaN a network makes the first class everywhere."""
    if z.ndim != 2 or z.shape[1] != length:
        raise ValueError(f"noise has shape {list(z.shape)}, expected [B, {length}]")
    bad = (~torch.isfinite(z)).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        raise ValueError(f"noise of sample {row} holds {z[row, column]:g}, expected finite numbers, as of torch.randn")


def check_labels(layouts: Tensor, num_classes: int) -> None:
    """Raise ValueError that names labels of integer layouts [N, H, W] which are neither a class nor 255."""
    if not isinstance(layouts, Tensor) or layouts.is_floating_point() or layouts.ndim != 3:
        what = f"{layouts.dtype} {list(layouts.shape)}" if isinstance(layouts, Tensor) else described(layouts)
        raise ValueError(f"layouts are {what}, expected integers [N, H, W]: of soft layouts take argmax(1)")
    unknown = ((layouts < 0) | (layouts >= num_classes)) & (layouts != IGNORED)
    if bool(unknown.any()):
        number = int(unknown.flatten(1).any(1).nonzero()[0])
        raise ValueError(
            f"layout {number} has the labels {layouts[unknown].unique().tolist()[:8]}, expected 0 to "
            f"{num_classes - 1}, or {IGNORED} for no class: check the class list"
        )
