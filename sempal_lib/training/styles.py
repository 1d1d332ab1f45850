"""A row of the tables of styles: what trains it, and what is measured of it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sempal_lib import metrics
from sempal_lib.parameters import StyleParameters
from sempal_lib.segmentation import Segmenter
from sempal_lib.training.cimle import train_cimle
from sempal_lib.training.painting import train_images
from sempal_lib.training.settings import Progress
from sempal_lib.training.setup import SceneSet

SWAPPED = 16  # scenes; each of a dozen classes in them takes a style


def train_styles(
    parameters: StyleParameters,
    data: SceneSet,
    checkpoint_path: str | Path,
    watch: Callable[[Any], Iterable[Progress]] = iter,
) -> Any:
    """Train the painter that the parameters say to the end, and return its training; `watch` as in `train_images`.

    Chapter: Many pictures from one layout.
    """
    if parameters.system == "cimle":
        return train_cimle(parameters, data, checkpoint_path, watch)
    return train_images(parameters, data, parameters.system, checkpoint_path, watch)


def evaluate_painter(
    parameters: StyleParameters, data: SceneSet, training: Any, judge: Segmenter
) -> dict[str, tuple[float, int]]:
    """All that the tables ask of a trained painter, on held-out scenes.

    Returns:
        Metric to (value, n). Of `parameters.samples` layouts with `parameters.styles` random codes each: diversity and
        Top-1 GT-similarity; how a redrawn code of a class keeps to its region. Of all held-out scenes, painted once by
        random codes: FD-seg and GAN-test. Where there is an encoder, of all of them painted by their own codes:
        GT-similarity, and `fd_seg_reconstructed`.
    Chapter: Many pictures from one layout.
    """
    p, painter, encoder = parameters, training.averaged, getattr(training, "encoder", None)
    distances = metrics.distances_at_hand(judge, min(data.size))
    some, layouts, images = slice(0, p.samples), data.held_out, data.held_out_images

    def paint(given: Tensor, z: Tensor) -> Tensor:
        return painter.generate(given, z=z, batch_size=20).cpu()

    found = metrics.evaluate_diversity(
        paint, painter.noise_dim, layouts[some], images[some], distances, p.styles, p.seed
    )
    made = painter.generate(layouts, p.seed).cpu()
    found |= metrics.evaluate_images(made, layouts, images, judge, data.label_space)
    if painter.latents is not None:
        z = torch.randn(len(layouts[some]), painter.noise_dim, generator=torch.Generator().manual_seed(p.seed))
        found |= metrics.evaluate_styles(paint, painter.latents, layouts[some], z, data.label_space.num_classes, p.seed)
    if encoder is not None:
        made = paint(layouts, encoder_of(training)(images / 127.5 - 1, layouts)[0])
        found |= metrics.evaluate_reconstruction(made, images, distances)
        again = metrics.evaluate_images(made, layouts, images, judge, data.label_space)
        found["fd_seg_reconstructed"] = again["fd_seg"]
    return found


def evaluate_repainting(
    parameters: StyleParameters, data: SceneSet, training: Any, judge: Segmenter
) -> dict[str, tuple[float, int]]:
    """What chapter 15 asks of a painter: held-out pictures painted again, and a class that takes another's style.

    A painter without an encoder, which no style can be told, paints each layout by noise of the parameters' seed.

    Returns:
        Metric to (value, n), of `metrics.evaluate_repainted` over all held-out scenes and, where there are styles, of
        `metrics.evaluate_swap` over `SWAPPED` of them.
    Chapter: Editing faces.
    """
    painter, layouts, images = training.averaged, data.held_out, data.held_out_images
    codes = None
    if painter.latents is not None:
        codes = encoder_of(training)(images / 127.5 - 1, layouts)[0]
    made = painter.generate(layouts, parameters.seed, z=codes).cpu()
    found = metrics.evaluate_repainted(made, layouts, images, judge, data.label_space)
    if codes is None:
        return found

    def paint(given: Tensor, z: Tensor) -> Tensor:
        return painter.generate(given, z=z).cpu()

    some = slice(0, SWAPPED)
    return found | metrics.evaluate_swap(
        paint, painter.latents, layouts[some], codes[some], data.label_space.num_classes
    )


def encoder_of(training: Any) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A training's encoder as a function of pictures in [-1, 1] and layouts on the CPU, as it is looked at."""
    encoder, device = training.encoder.eval(), training.fabric.device

    @torch.no_grad()
    def encode(images: Tensor, layouts: Tensor) -> tuple[Tensor, Tensor]:
        parts = zip(images.split(64), layouts.split(64), strict=True)
        both = [encoder(image.to(device), layout.to(device)) for image, layout in parts]
        mean, log_variance = (torch.cat(part).cpu() for part in zip(*both, strict=True))
        return mean, log_variance

    return encode
