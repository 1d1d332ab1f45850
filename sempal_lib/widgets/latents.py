"""Walks through the latents of a generator that follows no palette."""

import time

import ipywidgets as ipw
import torch
from torch import Tensor, nn

from sempal_lib.labels import LabelSpace
from sempal_lib.widgets.shared import (
    as_wide_as_a_frame,
    beside,
    check_classes,
    is_static,
    linked_frames,
    png_of,
    seed_controls,
    thinning,
)

MAX_FRAMES = 40
MAX_BYTES = 150_000  # of all frames: with base 64 and the state of their widgets, under 250 KB of page
STEP = 1 / 32  # of a live slider; a power of two, as in the explorer
REACH = 3.0  # how far a direction's slider goes, in standard deviations of the noise
DIRECTIONS = 3


def walk(generator, label_space: LabelSpace, points: int = 5, steps: int = 8, seed: int = 0):
    """A walk on a closed path through random latents: live sliders, or frames where SEMPAL_STATIC=1.

    Args:
        generator: see the package's head. label_space: the classes that it was trained on.
        points: latents that the path passes through, ≥ 2. steps: frames from each to the next, without a kernel;
            at most 40 in all.
        seed: of the path.
    Returns:
        A widget; as a cell's last line it shows itself.
    Raises:
        ValueError: too few points, too many frames, other classes, or a generator in training mode.
    Chapter: Pixels that are classes.
    """
    if points < 2 or steps < 1 or points * steps > MAX_FRAMES:
        raise ValueError(f"points={points}, steps={steps}: give ≥ 2 points and at most {MAX_FRAMES} frames in all")
    if is_static():
        return _frames(generator, label_space, points, steps, seed)
    return LatentWalker(generator, label_space, points, seed)


def latent_path(points: Tensor, positions: Tensor) -> Tensor:
    """Latents on the closed path through the points, on great arcs: Gaussian noise keeps its length on the way.

    Args:
        points: [P, Z]. positions: [N]; k is at point k, and P at point 0 again.
    Returns:
        [N, Z].
    """
    first = positions.floor().long() % len(points)
    a, b, t = points[first], points[(first + 1) % len(points)], (positions - positions.floor()).unsqueeze(1)
    angle = torch.linalg.vecdot(nn.functional.normalize(a), nn.functional.normalize(b)).clamp(-1, 1).acos().unsqueeze(1)
    sine = angle.sin()
    weights = torch.sin((1 - t) * angle) / sine, torch.sin(t * angle) / sine
    return torch.where(sine < 1e-6, a.lerp(b, t), weights[0] * a + weights[1] * b)


def path_of_seed(latent_dim: int, points: int, seed: int, positions: Tensor) -> Tensor:
    """Latents at positions [N] of the closed path through random points of a seed, [N, Z]: see `latent_path`."""
    noise = torch.Generator().manual_seed(seed)
    return latent_path(torch.randn(points, latent_dim, generator=noise), positions)


def path_slider(points: int, description: str, **options) -> ipw.FloatSlider:
    """A slider along a closed path through so many points."""
    return ipw.FloatSlider(0, min=0, max=points, step=STEP, readout_format=".2f", description=description, **options)


def first_layer_directions(generator, count: int = DIRECTIONS) -> Tensor:
    """Directions of the latent to which the generator's first layer answers most: right singular vectors.

    Returns:
        [count, Z], unit vectors, the strongest first; none if the generator has no dense layer `linear` on its noise.
    """
    layer = getattr(generator, "linear", None)
    if not isinstance(layer, nn.Linear) or layer.in_features != generator.settings.latent_dim:
        return torch.zeros(0, generator.settings.latent_dim)
    directions = torch.linalg.svd(layer.weight.detach().float().cpu(), full_matrices=False).Vh[:count]
    # A singular vector has no sign of its own: its largest part is made positive.
    return directions * directions.gather(1, directions.abs().argmax(1, keepdim=True)).sign()


class LatentWalker(ipw.VBox):
    """A slider along the path, one for its seed, and sliders for single directions; the picture follows.

    Args:
        generator, label_space, points, seed: as in `walk`.
    Attributes:
        sample: what is shown, int64 [H, W] or float [3, H, W]. position, directions, seed: the sliders.
    Raises:
        ValueError: as in `walk`.
    Chapter: Pixels that are classes.
    """

    def __init__(self, generator, label_space: LabelSpace, points: int = 5, seed: int = 0):
        _check(generator, label_space)
        self.generator, self.label_space, self.points = generator, label_space, points
        self._basis, self._start_seed, self._busy = first_layer_directions(generator), seed, False
        self._make_controls(seed)
        super().__init__(children=[self._arrange()])
        self._redraw()

    def _make_controls(self, seed: int) -> None:
        wide = ipw.Layout(width="auto", max_width="520px", min_width="0")
        style = {"description_width": "88px"}
        self.picture = ipw.Image(format="png", layout=as_wide_as_a_frame())
        self.status = ipw.HTML(layout=wide)
        self.position = path_slider(self.points, "on the path", style=style, layout=wide)
        self.directions = [
            ipw.FloatSlider(
                0, min=-REACH, max=REACH, step=STEP, readout_format=".2f", description=f"direction {k + 1}",
                style=style, layout=wide,
            )
            for k in range(len(self._basis))
        ]  # fmt: skip
        self.seed, self.next_seed = seed_controls(seed, "path's seed", "new path", style=style, layout=wide)
        self.reset = ipw.Button(description="reset", icon="undo", layout=ipw.Layout(width="90px"))
        self.reset.on_click(lambda _: self._reset())
        for control in (self.position, *self.directions, self.seed):
            control.observe(lambda _: self._redraw(), "value")

    def _arrange(self) -> ipw.Box:
        head = [ipw.HTML("<b>what the first layer answers to most</b>")] if self.directions else []
        buttons = ipw.Box([self.next_seed, self.reset], layout=ipw.Layout(flex_flow="row wrap"))
        return beside([self.picture, self.status], [self.position, self.seed, *head, *self.directions, buttons])

    def latent(self) -> Tensor:
        """The latent that the sliders say, [1, Z]."""
        latent_dim, position = self.generator.settings.latent_dim, torch.tensor([self.position.value])
        moved = torch.tensor([slider.value for slider in self.directions])
        return path_of_seed(latent_dim, self.points, self.seed.value, position) + moved @ self._basis

    def _reset(self) -> None:
        self._busy = True
        try:
            for slider in (self.position, *self.directions):
                slider.value = 0
            self.seed.value = self._start_seed
        finally:
            self._busy = False
        self._redraw()

    def _redraw(self) -> None:
        if self._busy:
            return
        begin = time.perf_counter()
        self.sample = _samples(self.generator, self.latent())[0]
        self.picture.value = png_of(self.sample, self.label_space)
        self.status.value = f"{1000 * (time.perf_counter() - begin):.0f} ms"


def _frames(generator, label_space: LabelSpace, points: int, steps: int, seed: int) -> ipw.VBox:
    _check(generator, label_space)
    positions = torch.arange(points * steps) / steps
    samples = _samples(generator, path_of_seed(generator.settings.latent_dim, points, seed, positions))
    pngs = [png_of(sample, label_space) for sample in samples]
    step = thinning([pngs], MAX_BYTES)  # the page must stay light
    options = [f"{position:.2f}" for position in positions[::step].tolist()]
    note = ipw.HTML(
        f"Frames that the trained model made on a closed path through {points} random latents. "
        "With a running notebook there are more sliders."
    )
    return ipw.VBox([*linked_frames(options, [pngs[::step]], "on the path"), note])


def _check(generator, label_space: LabelSpace) -> None:
    check_classes(generator, label_space)
    if getattr(generator, "training", False):
        raise ValueError(
            "the generator is in training mode, where a sample depends on its batch: call its eval() first"
        )


def _samples(generator, z: Tensor) -> Tensor:
    device = next(generator.parameters()).device if isinstance(generator, nn.Module) else "cpu"
    return generator.generate(z.to(device)).cpu()
