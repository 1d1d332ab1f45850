"""Codes behind the latent explorer: its checks, what a class's code can be, and references to take styles from."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sempal_lib.checks import IGNORED
from sempal_lib.image_gans.editing import classes_shown, places_of, principal_directions
from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import array_of
from sempal_lib.segmentation import as_float
from sempal_lib.widgets.shared import check_classes

DIRECTIONS = 3


@dataclass(frozen=True)
class References:
    """Pictures whose styles can be taken.

    Attributes:
        images: float32 [M, 3, H, W] in [-1, 1]. layouts: int64 [M, H, W]. codes, variances: the encoder's, [M, Z] each;
            codes are its means. shown: which classes each has, bool [M, C].
    """

    images: Tensor
    layouts: Tensor
    codes: Tensor
    variances: Tensor
    shown: Tensor

    def __len__(self) -> int:
        return len(self.codes)


def check_layout_of(generator, layout, label_space: LabelSpace) -> Tensor:
    """The layout to paint as int64 [H, W] on the CPU, or a ValueError that says what does not fit."""
    check_classes(generator, label_space)
    if generator.latents is None:
        raise ValueError("this generator has no codes of styles: take one that was trained with an encoder")
    labels, size = array_of(layout), (generator.settings.height, generator.settings.width)
    if labels.shape != size or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"layout is {labels.dtype} {list(labels.shape)}, expected integers {list(size)} as the generator paints "
            "them: load the scenes in that size, and take one of them"
        )
    label_space.check(labels, "layout")
    return torch.as_tensor(labels.astype(np.int64))


def check_references(generator, pairs, label_space: LabelSpace, theirs: LabelSpace | None = None) -> None:
    """Raise ValueError unless pictures and their layouts are of the generator's size and classes: see `encoded`."""
    if theirs is not None and theirs.names != label_space.names:
        raise ValueError(
            f"the reference has {theirs.num_classes} classes ({', '.join(theirs.names[:4])}, …), the generator "
            f"{label_space.num_classes} ({', '.join(label_space.names[:4])}, …): take a picture of the same data set"
        )
    (images, layouts), size = pairs, (generator.settings.height, generator.settings.width)
    if images.ndim != 4 or tuple(images.shape[1:]) != (3, *size) or layouts.shape != (len(images), *size):
        raise ValueError(
            f"the reference's picture is {list(images.shape)} and its layout {list(layouts.shape)}, expected "
            f"{[len(images), 3, *size]} and {[len(images), *size]}: scale both to the generator's size"
        )
    outside = (layouts < 0) | (layouts >= label_space.num_classes)
    unknown = layouts[outside & (layouts != IGNORED)].unique().tolist()
    if unknown:
        raise ValueError(
            f"the reference's layout has the labels {unknown[:8]}, expected 0 to {label_space.num_classes - 1}, or "
            f"{IGNORED} for no class: take a picture whose layout is of the same data set"
        )


@torch.no_grad()
def encoded(generator, encoder, pairs, label_space: LabelSpace, theirs: LabelSpace | None = None) -> References:
    """`References` of pictures and their layouts.

    Args:
        pairs: pictures, uint8 [M, 3, H, W] or float in [-1, 1], and layouts, integer [M, H, W], 255 for no class.
        theirs: the classes of these layouts, if they come from elsewhere.
    Raises:
        ValueError: no encoder, another size than the generator's, other classes, a label that is none.
    """
    if encoder is None:
        raise ValueError("there is no encoder to read styles with: pass the generator's encoder")
    check_references(generator, pairs, label_space, theirs)
    pictures, labels, training = as_float(pairs[0].cpu()), pairs[1].long().cpu(), encoder.training
    device = next(encoder.parameters()).device
    encoder.eval()
    try:
        parts = zip(pictures.split(32), labels.split(32), strict=True)
        both = [encoder(x.to(device), y.to(device)) for x, y in parts]
    finally:
        encoder.train(training)
    codes, log_variances = (torch.cat(found).cpu() for found in zip(*both, strict=True))
    shown = classes_shown(labels, label_space.num_classes)
    return References(pictures, labels, codes, log_variances.exp(), shown)


def start_of(latents, z, seed: int) -> Tensor:
    """The codes to start from, [1, Z]: those given, or what `generate` draws. ValueError: another length."""
    if z is None:
        return torch.randn(1, latents.length, generator=torch.Generator().manual_seed(seed))
    if z.shape != (1, latents.length):
        raise ValueError(f"z has shape {list(z.shape)}, expected {[1, latents.length]}: give the codes of one picture")
    return z.detach().cpu().clone()  # type: ignore[no-any-return]


def directions_of(latents, references: References | None, layer: int | None, cls: int | None) -> tuple[Tensor, Tensor]:
    """Directions of a code and how far one standard deviation is along each: [K, D] and [K].

    They are those in which the means of the references that show the class differ most. The deviation is that of the
    codes that training draws: of the means, and around them. Of fewer than two references, directions are drawn at
    random, along which the standard normal distribution has a deviation of 1.
    """
    places = places_of(latents, layer, cls)
    if references is not None:
        rows = references.shown[:, cls] if cls is not None else torch.ones(len(references), dtype=torch.bool)
        basis, spread = principal_directions(references.codes[rows][:, places], DIRECTIONS)
        if len(basis):
            around = references.variances[rows][:, places].mean(0)
            return basis, (spread.square() + basis.square() @ around).sqrt()
    random = torch.randn(len(places), min(DIRECTIONS, len(places)), generator=torch.Generator().manual_seed(0))
    return torch.linalg.qr(random).Q.T, torch.ones(min(DIRECTIONS, len(places)))


def moved(z: Tensor, places: Tensor, basis: Tensor, spread: Tensor, steps: Tensor) -> Tensor:
    """Latents [B, Z] whose code was moved along directions, so many standard deviations each, [K] or [B, K]."""
    new = z.clone()
    new[:, places] += (steps * spread) @ basis
    return new
