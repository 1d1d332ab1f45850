"""One layout painted from the pictures of several scenes: frames behind a slider, which moves without a kernel."""

import ipywidgets as ipw
import torch
from torch import Tensor

from sempal_lib.labels import LabelSpace
from sempal_lib.widgets.shared import check_classes, linked_frames, png_of


def show_sources(generator, layout: Tensor, sources: Tensor, label_space: LabelSpace, seed: int = 0) -> ipw.VBox:
    """A slider over the other views that a painter is given, and what it paints on one layout from each.

    Args:
        generator: an `image_gans.ImageGenerator` that takes another view. layout: int64 [H, W], 255 for no class.
        sources: pictures of scenes from the other view, the layout's own first, float [N, 3, H, W] in [-1, 1].
        seed: of the noise, the same for all.
    Returns:
        A widget; as a cell's last line it shows itself.
    Raises:
        ValueError: a generator that takes no other view, fewer than two sources, and what `generate` raises.
    Chapter: From the air to the ground.
    """
    check_classes(generator, label_space)
    if not generator.takes_source:
        raise ValueError("this generator is given no other view: train one of chapter 11")
    if len(sources) < 2:
        raise ValueError(f"{len(sources)} sources leave nothing to compare: give at least 2")
    noise = None
    if generator.noise_dim:
        random = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, generator.noise_dim, generator=random).expand(len(sources), -1)
    made = generator.generate(layout.expand(len(sources), -1, -1), z=noise, source=sources).cpu()
    columns = [[png_of(picture, label_space) for picture in pictures] for pictures in (sources, made)]
    options = ["its own", *(f"of scene {number}" for number in range(2, len(sources) + 1))]
    note = ipw.HTML("Left what is given, right what the trained model painted on the one layout.")
    return ipw.VBox([*linked_frames(options, columns, "source"), note])
