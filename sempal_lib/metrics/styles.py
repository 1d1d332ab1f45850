"""What codes of styles do: where a picture changes with the code of one class, how much, and at which scale."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sempal_lib.checks import check_layout
from sempal_lib.image_gans.editing import classes_shown, drawn_anew
from sempal_lib.image_gans.latents import Latents
from sempal_lib.metrics.diversity import Paint

LEAST_PIXELS = 16  # of a class in a layout, to be looked at
MOVED = 8  # of 255: by how much a colour must change for an eye to see it beside the old one
_AT_ONCE = 64  # pictures


@dataclass(frozen=True)
class Redrawn:
    """Pictures before and after the code of one class was drawn anew; P pairs of a layout and a class in it.

    Attributes:
        scenes: number of each pair's layout, int64 [P]. classes: the class, int64 [P]. region: its pixels, bool
            [P, H, W]. change: after − before, float32 [P, 3, H, W].
    """

    scenes: Tensor
    classes: Tensor
    region: Tensor
    change: Tensor


def pairs_in(layouts: Tensor, num_classes: int, least: int = LEAST_PIXELS) -> tuple[Tensor, Tensor]:
    """Layouts [N, H, W] and classes that have at least so many pixels in them: two int64 [P], by layout.

    Raises ValueError if there is no such pair.
    """
    check_layout(layouts, "layouts")
    flat = layouts.flatten(1).long()
    known = (flat >= 0) & (flat < num_classes)
    counts = torch.zeros(len(flat), num_classes + 1, dtype=torch.long, device=flat.device)
    counts.scatter_add_(1, torch.where(known, flat, num_classes), torch.ones_like(flat))
    scenes, classes = (counts[:, :-1] >= least).nonzero(as_tuple=True)
    if not len(scenes):
        raise ValueError(f"no class has {least} pixels in any layout: take larger layouts, or a lower `least`")
    return scenes, classes


def with_codes(latents: Latents, z: Tensor, other: Tensor, classes: Tensor, layer: int | None = None) -> Tensor:
    """z whose row i has the code of classes[i] from `other`; what has no codes of classes has all of it from there.

    Args:
        z, other: [P, Z]. classes: int64 [P]. layer: that alone; None: all that have codes of classes.
    """
    if layer == 1:
        return latents.replace(z, other, layer)
    if not latents.class_wise:
        return latents.replace(z, other, layer)
    z, rows = z.clone(), torch.arange(len(z))
    new, old = latents.split(z)["layers"], latents.split(other)["layers"]
    taken = slice(None) if layer is None else slice(layer - 2, layer - 1)
    if layer is not None:
        latents.index(layer, 0)  # raises for a layer that is not there
    new[rows, taken, classes] = old[rows, taken, classes]  # views of z
    return z


@torch.no_grad()
def redraw(
    paint: Paint,
    latents: Latents,
    layouts: Tensor,
    z: Tensor,
    num_classes: int,
    layer: int | None = None,
    seed: int = 0,
    least: int = LEAST_PIXELS,
) -> Redrawn:
    """Draw the code of each class in each layout anew, one at a time, and see what changes.

    Args:
        paint: see `diversity.Paint`. latents: which part of z is what. layouts: integer [N, H, W]. z: of the pictures
            before, [N, Z]. layer: the one whose code is drawn; None: all that have codes of classes.
        seed: of the codes. least: pixels of a class, to be looked at.
    Raises:
        ValueError: a layer that is not there, or no class with so many pixels.
    Chapter: Many pictures from one layout.
    """
    scenes, classes = pairs_in(layouts.cpu(), num_classes, least)
    other = drawn_anew(latents, len(scenes), seed)
    after = with_codes(latents, z.cpu()[scenes], other, classes, layer)
    return _changed(paint, layouts, z, scenes, classes, after)


@torch.no_grad()
def swap(paint: Paint, latents: Latents, layouts: Tensor, codes: Tensor, num_classes: int) -> Redrawn:
    """Give each class in each layout the style that it has in the next picture, one at a time.

    Args:
        paint, latents, layouts, num_classes: as of `redraw`. codes: the encoder's of the pictures, [N, Z].
    Returns:
        Of the classes of at least `LEAST_PIXELS` which the next picture shows too; the last one's next is the first.
    Raises:
        ValueError: there is none.
    Chapter: Editing faces.
    """
    scenes, classes = pairs_in(layouts.cpu(), num_classes)
    donors = (scenes + 1) % len(layouts)
    both = classes_shown(layouts.cpu(), num_classes)[donors, classes]
    if not both.any():
        raise ValueError("no picture shares a class with the next one: give more pictures")
    scenes, classes, donors = scenes[both], classes[both], donors[both]
    after = with_codes(latents, codes.cpu()[scenes], codes.cpu()[donors], classes)
    return _changed(paint, layouts, codes, scenes, classes, after)


def _changed(paint: Paint, layouts: Tensor, z: Tensor, scenes: Tensor, classes: Tensor, after: Tensor) -> Redrawn:
    """What other codes `after` [P, Z] change in the pictures `scenes` [P], painted from z [N, Z]."""
    before = paint(layouts, z.cpu()).cpu()
    parts = zip(scenes.split(_AT_ONCE), after.split(_AT_ONCE), strict=True)
    change = torch.cat([paint(layouts[i.to(layouts.device)], new).cpu() - before[i] for i, new in parts])
    return Redrawn(scenes, classes, layouts.cpu()[scenes] == classes[:, None, None], change)


def containment(redrawn: Redrawn) -> tuple[Tensor, Tensor]:
    """The share of the absolute change that lies within the class's region, and the region's share of the pixels.

    The second is what a change that knows nothing of classes would give. A picture that does not change has no share:
    it is NaN, and `by_class` leaves it out.

    Returns:
        Two [P], each from 0 to 1.
    Source: this project. Chapter: Many pictures from one layout.
    """
    size = redrawn.change.abs().sum(1)
    within = torch.where(redrawn.region, size, 0).sum((1, 2))
    return within / size.sum((1, 2)), redrawn.region.float().mean((1, 2))


def strength(redrawn: Redrawn) -> Tensor:
    """The mean absolute change of a value of the picture within the class's region, [P], from 0 to 2."""
    size = torch.where(redrawn.region, redrawn.change.abs().mean(1), 0)
    return size.sum((1, 2)) / redrawn.region.sum((1, 2))


def fine_share(redrawn: Redrawn, sigma: float | None = None) -> Tensor:
    """The share of the change's energy within the region that is at high spatial frequencies: its layer's role.

    The change is split into what a Gaussian leaves of it, and the rest. The Gaussian sees the region alone, its
    weights divided by their sum there: so a region that changes by one colour has nothing fine, whatever its form.

    Args:
        sigma: of the Gaussian, px; None: a thirty-second of the height, 2 px at 64.
    Returns:
        [P], 0 for one colour, to 1; NaN for no change.
    Source: this project, to test CLVAE's §4.4.3. Chapter: Editing objects and materials.
    """
    mask = redrawn.region[:, None].to(redrawn.change)
    sigma = redrawn.region.shape[1] / 32 if sigma is None else sigma
    change = redrawn.change * mask
    coarse = _blurred(change, sigma) / _blurred(mask, sigma).clamp(min=1e-6) * mask
    low, high = (x.square().sum((1, 2, 3)) for x in (coarse, change - coarse))
    return high / (low + high)


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """A Gaussian over [N, C, H, W], cut at 3 σ, with zeros around."""
    reach = max(1, round(3 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2).to(x)
    channels = x.shape[1]
    row = (taps / taps.sum()).view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    across = F.conv2d(x, row, padding=(0, reach), groups=channels)
    return F.conv2d(across, row.transpose(2, 3), padding=(reach, 0), groups=channels)


def evaluate_swap(
    paint: Paint, latents: Latents, layouts: Tensor, codes: Tensor, num_classes: int
) -> dict[str, tuple[float, int]]:
    """How far a class moves when it takes another picture's style, and how far all else moves with it.

    Args:
        As of `swap`.
    Returns:
        Metric to (value, number of swaps), each the mean over classes of the mean over pictures: `swap_inside`, the
        mean absolute change of the class's own pixels, 0 to 255; `swap_outside`, of all other pixels; `swap_moved`,
        the share of these of which a colour moves by more than 8 of 255.
    Source: this project. Chapter: Editing faces.
    """
    found = swap(paint, latents, layouts, codes, num_classes)
    size, region = 127.5 * found.change.abs(), found.region
    inside, outside = region.sum((1, 2)), (~region).sum((1, 2)).clamp(min=1)
    mean, most = size.mean(1), size.amax(1)
    values = {
        "swap_inside": torch.where(region, mean, 0).sum((1, 2)) / inside,
        "swap_outside": torch.where(region, 0, mean).sum((1, 2)) / outside,
        "swap_moved": (~region & (most > MOVED)).sum((1, 2)) / outside,
    }
    return {k: (float(by_class(v, found.classes, num_classes).nanmean()), len(v)) for k, v in values.items()}


def by_class(values: Tensor, classes: Tensor, num_classes: int) -> Tensor:
    """The mean of values [P] for each class [P], NaN left out: [C], NaN for a class without any."""
    known = ~values.isnan()
    sums, counts = (
        torch.zeros(num_classes, dtype=torch.float64).index_add_(0, classes[known], x[known].double())
        for x in (values, torch.ones_like(values))
    )
    return sums / counts


def evaluate_styles(
    paint: Paint, latents: Latents, layouts: Tensor, z: Tensor, num_classes: int, seed: int = 0
) -> dict[str, tuple[float, int]]:
    """How well a class's code keeps to the class.

    Args:
        As of `redraw`.
    Returns:
        Metric to (value, number of redrawn codes), each the mean over classes of the mean over layouts: `containment`;
        `containment_area`, what the class's share of the pixels gives; `style_strength` of `strength`.
    Source: this project. Chapter: Many pictures from one layout.
    """
    found = redraw(paint, latents, layouts, z, num_classes, seed=seed)
    share, area = containment(found)
    values = {"containment": share, "containment_area": area, "style_strength": strength(found)}
    return {k: (float(by_class(v, found.classes, num_classes).nanmean()), len(v)) for k, v in values.items()}


def evaluate_layers(
    paint: Paint, latents: Latents, layouts: Tensor, z: Tensor, num_classes: int, seed: int = 0
) -> dict[int, dict[str, tuple[float, int]]]:
    """What the codes of each layer do.

    Args:
        As of `redraw`.
    Returns:
        Layer, from the coarsest with codes of classes to the finest, to `evaluate_styles` of its codes alone and
        `layer_role`, the mean over classes of `fine_share`; each of a layer that changes something.
    Source: this project, to test CLVAE's §4.4.3. Chapter: Editing objects and materials.
    """
    rows: dict[int, dict[str, tuple[float, int]]] = {}
    for layer in range(2, latents.layers + 2):
        found = redraw(paint, latents, layouts, z, num_classes, layer, seed)
        values = {
            "layer_role": fine_share(found), "style_strength": strength(found), "containment": containment(found)[0],
        }  # fmt: skip
        means = {name: float(by_class(v, found.classes, num_classes).nanmean()) for name, v in values.items()}
        rows[layer] = {name: (mean, len(found.classes)) for name, mean in means.items() if mean == mean}
    return rows


def region_colours(images: Tensor, layouts: Tensor, num_classes: int, least: int = LEAST_PIXELS) -> Tensor:
    """The mean colour of each class's pixels.

    Args:
        images: float [N, 3, H, W]. layouts: integer [N, H, W]; other labels count for no class.
    Returns:
        [N, C, 3]; NaN for a class with fewer than `least` pixels.
    Chapter: Editing objects and materials.
    """
    flat = layouts.flatten(1).long()
    index = torch.where((flat >= 0) & (flat < num_classes), flat, num_classes)[..., None].expand(-1, -1, 4)
    values = torch.cat([images.flatten(2), torch.ones_like(images[:, :1]).flatten(2)], 1).mT
    sums = torch.zeros(len(flat), num_classes + 1, 4, device=images.device).scatter_add_(1, index, values)[:, :-1]
    return torch.where(sums[..., 3:] >= least, sums[..., :3] / sums[..., 3:], torch.nan)


def style_error(
    made: Tensor, layouts: Tensor, references: Tensor, their_layouts: Tensor, num_classes: int
) -> tuple[float, int]:
    """How far the classes' colours are from those of the pictures whose style they were to take.

    Args:
        made: pictures painted on `layouts` in the style of `references`, which have `their_layouts`.
    Returns:
        The mean over pairs of pictures and the classes that both show, and over red, green and blue, of the absolute
        difference of the class's mean colours, 0 to 2; and the number of these classes. NaN if there is none.
    Source: this project. Chapter: Editing objects and materials.
    """
    ours, theirs = region_colours(made, layouts, num_classes), region_colours(references, their_layouts, num_classes)
    differences = (ours - theirs).abs().mean(2)
    return float(differences.nanmean()), int((~differences.isnan()).sum())
