"""Walks through the latents of a generator that follows no palette."""

import time

import ipywidgets as ipw
import torch
from torch import Tensor, nn

from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import FRAME_WIDTH, picture_png, to_png
from sempal_lib.widgets.shared import SEEDS, check_classes, is_static, scale_of

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
        self.picture = ipw.Image(format="png", layout=ipw.Layout(width="100%", max_width=f"{FRAME_WIDTH}px"))
        self.status = ipw.HTML(layout=wide)
        self.position = ipw.FloatSlider(
            0, min=0, max=self.points, step=STEP, readout_format=".2f", description="on the path",
            style=style, layout=wide,
        )  # fmt: skip
        self.directions = [
            ipw.FloatSlider(
                0, min=-REACH, max=REACH, step=STEP, readout_format=".2f", description=f"direction {k + 1}",
                style=style, layout=wide,
            )
            for k in range(len(self._basis))
        ]  # fmt: skip
        self.seed = ipw.IntSlider(seed, 0, max(SEEDS, seed), description="path's seed", style=style, layout=wide)
        self.next_seed = ipw.Button(description="new path", icon="refresh", layout=ipw.Layout(width="110px"))
        self.reset = ipw.Button(description="reset", icon="undo", layout=ipw.Layout(width="90px"))
        self.next_seed.on_click(lambda _: setattr(self.seed, "value", (self.seed.value + 1) % (SEEDS + 1)))
        self.reset.on_click(lambda _: self._reset())
        for control in (self.position, *self.directions, self.seed):
            control.observe(lambda _: self._redraw(), "value")

    def _arrange(self) -> ipw.Box:
        column = {"min_width": "0", "max_width": f"{FRAME_WIDTH + 8}px", "flex": "1 1 300px"}
        left = ipw.VBox([self.picture, self.status], layout=ipw.Layout(**column))
        head = [ipw.HTML("<b>what the first layer answers to most</b>")] if self.directions else []
        buttons = ipw.Box([self.next_seed, self.reset], layout=ipw.Layout(flex_flow="row wrap"))
        right = ipw.VBox(
            [self.position, self.seed, *head, *self.directions, buttons], layout=ipw.Layout(**column)
        )  # fmt: skip
        return ipw.Box([left, right], layout=ipw.Layout(flex_flow="row wrap", grid_gap="12px", width="100%"))

    def latent(self) -> Tensor:
        """The latent that the sliders say, [1, Z]."""
        corners = _corners(self.generator, self.points, self.seed.value)
        z = latent_path(corners, torch.tensor([self.position.value]))
        moved = torch.tensor([slider.value for slider in self.directions])
        return z + moved @ self._basis

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
        self.picture.value = _png(self.sample, self.label_space)
        self.status.value = f"{1000 * (time.perf_counter() - begin):.0f} ms"


def _frames(generator, label_space: LabelSpace, points: int, steps: int, seed: int) -> ipw.VBox:
    _check(generator, label_space)
    positions = torch.arange(points * steps) / steps
    samples = _samples(generator, latent_path(_corners(generator, points, seed), positions))
    pngs = [_png(sample, label_space) for sample in samples]
    while sum(map(len, pngs)) > MAX_BYTES:  # every second frame goes: the page must stay light
        pngs, positions = pngs[::2], positions[::2]
    layout = ipw.Layout(width="100%", max_width=f"{FRAME_WIDTH}px")
    stack = ipw.Stack(children=[ipw.Image(value=png, format="png", layout=layout) for png in pngs], selected_index=0)
    slider = ipw.SelectionSlider(
        options=[f"{position:.2f}" for position in positions.tolist()], index=0, description="on the path",
        style={"description_width": "auto"}, layout=layout,
    )  # fmt: skip
    ipw.jslink((slider, "index"), (stack, "selected_index"))
    note = ipw.HTML(
        f"Frames that the trained model made on a closed path through {points} random latents. "
        "With a running notebook there are more sliders."
    )
    return ipw.VBox([slider, stack, note])


def _check(generator, label_space: LabelSpace) -> None:
    check_classes(generator, label_space)
    if getattr(generator, "training", False):
        raise ValueError(
            "the generator is in training mode, where a sample depends on its batch: call its eval() first"
        )


def _corners(generator, points: int, seed: int) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randn(points, generator.settings.latent_dim, generator=noise)


def _samples(generator, z: Tensor) -> Tensor:
    device = next(generator.parameters()).device if isinstance(generator, nn.Module) else "cpu"
    return generator.generate(z.to(device)).cpu()


def _png(sample: Tensor, label_space: LabelSpace) -> bytes:
    """Layout [H, W] or picture [3, H, W] as PNG, as wide as a frame."""
    scale = scale_of(sample)
    return picture_png(sample, scale) if sample.ndim == 3 else to_png(sample, label_space, scale)
