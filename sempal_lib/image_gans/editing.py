"""Edits of a picture through its codes: the style of another picture, moves along directions, pasting back."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sempal_lib.checks import check_alike, check_layout, check_tensor
from sempal_lib.image_gans.latents import Latents

# Added to a seed, so that z of the same seed is not drawn once more: its first numbers would be the new code's.
_ANEW = 715_517


def drawn_anew(latents: Latents, count: int, seed: int) -> Tensor:
    """Latents to take new codes from, standard normal, [count, Z]; not those that `generate` draws of the same seed."""
    return torch.randn(count, latents.length, generator=torch.Generator().manual_seed(seed + _ANEW))


def classes_shown(layouts: Tensor, num_classes: int) -> Tensor:
    """Which classes layouts [N, H, W] show, bool [N, C]; other labels count for none."""
    check_layout(layouts, "layouts")
    flat = layouts.flatten(1).long()
    known = torch.where((flat >= 0) & (flat < num_classes), flat, num_classes)
    seen = torch.zeros(len(flat), num_classes + 1, dtype=torch.bool, device=flat.device)
    return seen.scatter_(1, known, True)[:, :num_classes]


def style_guided(latents: Latents, z: Tensor, reference: Tensor, shared: Tensor) -> Tensor:
    """Codes that paint a layout in the style of another picture.

    Classes that both have take the other picture's codes at every layer, and so does the whole picture. Classes that
    only the layout has keep their own, which the paper draws from the standard normal distribution.

    Args:
        z: of the layouts, [B, Z]; such as normal noise. reference: the encoder's means of the other pictures, [B, Z].
        shared: classes that both have, bool [B, C]; see `classes_shown`.
    Returns:
        [B, Z].
    Source: CLVAE, §4.4.1; that the code of the whole picture is taken too is its release's.
        Chapter: Editing objects and materials.
    """
    check_alike(z, reference, ("z", "reference"))
    own, theirs = latents.split(z), latents.split(reference)
    if not latents.class_wise:
        return reference.clone()
    taken = torch.where(shared[:, None, :, None], theirs["layers"], own["layers"])
    return latents.join({"global": theirs["global"], "layers": taken})


def places_of(latents: Latents, layer: int | None = None, cls: int | None = None) -> Tensor:
    """Where in z a code stands, int64 [D].

    Args:
        layer: None: all; with a class all that have codes of classes. cls: None: all classes.
    Raises:
        ValueError: a layer or a class that has no code.
    """
    taken = latents.replace(torch.zeros(1, latents.length), torch.ones(1, latents.length), layer, cls)
    return taken[0].nonzero().flatten()


def principal_directions(codes: Tensor, count: int = 3) -> tuple[Tensor, Tensor]:
    """The directions in which codes differ most, the largest first.

    Args:
        codes: of one part of z in many pictures, [M, D]. With M < 2 there are none.
    Returns:
        Unit vectors, [K, D], of which the largest entry is positive, and the codes' standard deviation along each,
        [K]; K is at most `count`, and none is of a deviation near 0.
    Chapter: Editing objects and materials.
    """
    check_tensor(codes, "codes", "[M, D]", "floats")
    if len(codes) < 2:
        return codes.new_zeros(0, codes.shape[1]), codes.new_zeros(0)
    _, values, directions = torch.linalg.svd(codes - codes.mean(0), full_matrices=False)
    spread = values[:count] / (len(codes) - 1) ** 0.5
    directions = directions[:count][spread > 1e-6]
    signs = directions.gather(1, directions.abs().argmax(1, keepdim=True)).sign()
    return directions * signs, spread[spread > 1e-6]


def pasted(edited: Tensor, photograph: Tensor, region: Tensor) -> Tensor:
    """An edited picture whose pixels outside the region are the photograph's.

    Args:
        edited, photograph: [N, 3, H, W]. region: bool [N, H, W].
    Source: CLVAE, §4.4.2, which does so to keep faces. Chapter: Editing objects and materials.
    """
    check_alike(edited, photograph, ("edited", "photograph"))
    return torch.where(region[:, None], edited, photograph)


def mixed(latents: Latents, z: Tensor, reference: Tensor, taken: Tensor, share: float = 1.0) -> Tensor:
    """Codes of some classes moved towards those of another picture, on the straight line between the two.

    Args:
        z, reference: [B, Z]. taken: the classes, bool [B, C]. share: 0, one's own style, to 1, the other's.
    Returns:
        [B, Z]; the codes of other classes and of the whole picture stay.
    Source: Zhu et al. 2020 (SEAN), §5, "style interpolation". Chapter: Editing faces.
    """
    check_alike(z, reference, ("z", "reference"))
    if not 0 <= share <= 1:
        raise ValueError(f"share={share:g}: choose 0, one's own style, to 1, the other's")
    if taken.shape != (len(z), latents.num_classes):
        raise ValueError(f"taken has shape {list(taken.shape)}, expected {[len(z), latents.num_classes]}")
    own, theirs = latents.split(z), latents.split(reference)
    weight = share * taken[:, None, :, None].to(z.dtype)
    return latents.join({"global": own["global"], "layers": torch.lerp(own["layers"], theirs["layers"], weight)})


def mean_codes(latents: Latents, codes: Tensor, shown: Tensor) -> Tensor:
    """The mean code of each class over the pictures that show it: what a class gets that a picture lacks.

    Args:
        codes: the encoder's means, [N, Z]. shown: the classes of each picture, bool [N, C]; see `classes_shown`.
    Returns:
        [1, Z]; the code of the whole picture is the mean of all, that of a class that no picture shows 0.
    Source: SEAN's release, "mean style". Chapter: Editing faces.
    """
    if shown.shape != (len(codes), latents.num_classes):
        raise ValueError(f"shown has shape {list(shown.shape)}, expected {[len(codes), latents.num_classes]}")
    parts, count = latents.split(codes), shown.sum(0).clamp(min=1)
    total = (parts["layers"] * shown[:, None, :, None]).sum(0, keepdim=True)
    means = {"global": parts["global"].mean(0, keepdim=True), "layers": total / count.view(1, 1, -1, 1)}
    return latents.join(means)


def filled(latents: Latents, codes: Tensor, shown: Tensor, mean: Tensor, twins: Sequence[int]) -> Tensor:
    """Codes that have a style for every class: its own, else that of its twin, else the mean one.

    An edit may give a face what it lacked, such as a hat; SEAN's encoder finds zeros for that, which no training saw.

    Args:
        codes: the encoder's means, [B, Z]. shown: the classes of each picture, bool [B, C]. mean: [1, Z], as of
            `mean_codes`, or the filled codes of another picture. twins: of each class its twin's index, C of them.
    Returns:
        [B, Z]; the code of the whole picture stays.
    Source: SEAN's release; Semantic Palette's takes both eyes from one face. Chapter: Editing faces.
    """
    if shown.shape != (len(codes), latents.num_classes) or len(twins) != latents.num_classes:
        raise ValueError(
            f"shown has shape {list(shown.shape)} and twins {len(twins)} entries, expected "
            f"{[len(codes), latents.num_classes]} and {latents.num_classes}: see classes_shown and twins_of"
        )
    parts, means, twin = latents.split(codes), latents.split(mean)["layers"], torch.as_tensor(twins)
    own, has = parts["layers"], shown[:, None, :, None]
    theirs = torch.where(has[:, :, twin], own[:, :, twin], means)
    return latents.join({"global": parts["global"], "layers": torch.where(has, own, theirs)})
