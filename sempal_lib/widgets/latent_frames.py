"""Edits of codes as frames behind linked sliders, which move without a kernel."""

from collections.abc import Callable, Sequence

import ipywidgets as ipw
import torch
from torch import Tensor

from sempal_lib.image_gans.editing import drawn_anew, places_of
from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import FRAME_WIDTH, hex_colour
from sempal_lib.widgets.codes import References, check_layout_of, directions_of, encoded, moved, start_of
from sempal_lib.widgets.frames import MAX_BYTES
from sempal_lib.widgets.regions import outlined
from sempal_lib.widgets.shared import linked_frames, paged, png_of, thinning

CLASSES = 2  # that get pages, where none are named
STEPS, DRAWS, REACH = 7, 6, 2.5  # frames along a direction and of seeds; standard deviations to each side


def latent_frames(
    generator,
    layout,
    label_space: LabelSpace,
    encoder=None,
    references=None,
    z=None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> ipw.VBox:
    """One picture, of which one code changes at a time.

    A menu chooses: a class, whose code moves at all layers along the direction in which references differ most; the
    first class at its coarsest and at its finest layer; or its code drawn anew from several seeds.

    Args:
        generator, layout, label_space, encoder, references, z, classes, seed: as in `explore_latents`.
    Raises:
        ValueError, KeyError: as `LatentExplorer`; or a class is named that the layout has not.
    Chapter: Editing objects and materials.
    """
    layout, latents = check_layout_of(generator, layout, label_space), generator.latents
    bank = None if references is None else encoded(generator, encoder, references, label_space)
    start = start_of(latents, z, seed)
    chosen = _classes(layout, label_space, classes) if latents.class_wise else [None]
    first, names = chosen[0], ["whole picture" if c is None else label_space.names[c] for c in chosen]
    pages = {n: (c, _along(latents, start, bank, None, c)) for n, c in zip(names, chosen, strict=True)}
    if latents.layers > 1:
        for layer, depth in ((2, "coarsest"), (latents.layers + 1, "finest")):
            pages[f"{names[0]}, {depth} layer"] = (first, _along(latents, start, bank, layer, first))
    fresh = drawn_anew(latents, DRAWS, seed)
    pages[f"{names[0]}, drawn anew"] = (first, latents.replace(start.expand(DRAWS, -1), fresh, None, first))
    made = [_page(_painter(generator, layout), layout, label_space, *page, len(pages)) for page in pages.values()]
    menu, stack = paged(list(pages), made)
    note = ipw.HTML(
        "Frames that the trained model painted; all codes but one stay as they are. With a running notebook you choose "
        "class and layer, take styles from other pictures, and what you see can be saved."
    )
    return ipw.VBox([menu, stack, note])


def _along(latents, start: Tensor, bank: References | None, layer: int | None, cls: int | None) -> Tensor:
    """Codes of the start, moved along the first direction of a class's code, [STEPS, Z]."""
    basis, spread = directions_of(latents, bank, layer, cls)
    places, reach = places_of(latents, layer, cls), torch.linspace(-REACH, REACH, STEPS)
    return moved(start.expand(STEPS, -1), places, basis[:1], spread[:1], reach[:, None])


def _classes(layout: Tensor, label_space: LabelSpace, names: Sequence[str] | None) -> list[int]:
    counts = torch.bincount(layout[layout < label_space.num_classes], minlength=label_space.num_classes)
    if names is None:
        return [c for c in counts.argsort(descending=True).tolist() if counts[c]][:CLASSES]
    found = [label_space.index(name) for name in names]
    absent = [name for name, c in zip(names, found, strict=True) if not counts[c]]
    if absent:
        raise ValueError(f"the layout has no {absent[0]}: name classes that it has")
    return found


def _painter(generator, layout: Tensor) -> Callable[[Tensor], Tensor]:
    device = next(generator.parameters()).device
    return lambda z: generator.generate(layout.expand(len(z), -1, -1).to(device), z=z).cpu()


def _page(paint, layout: Tensor, label_space: LabelSpace, cls: int | None, z: Tensor, pages: int) -> ipw.VBox:
    """The frames of some codes, and beside them the layout with the class's outline, which stays."""
    region = torch.zeros_like(layout, dtype=torch.bool) if cls is None else layout == cls
    columns = [
        [png_of(picture, label_space) for picture in paint(z)],
        [png_of(outlined(layout, region, FRAME_WIDTH, label_space), label_space)],
    ]
    reads = [str(n) for n in range(len(z))] if len(z) == DRAWS else [f"{x:+.1f}" for x in _reach()]
    step = thinning(columns, MAX_BYTES // pages)
    columns[0], reads = columns[0][::step], reads[::step]
    style = {} if cls is None else {"handle_color": hex_colour(label_space.colors[cls])}
    return ipw.VBox(linked_frames(reads, columns, "code", len(reads) // 2, **style))


def _reach() -> list[float]:
    return torch.linspace(-REACH, REACH, STEPS).tolist()  # type: ignore[no-any-return]
