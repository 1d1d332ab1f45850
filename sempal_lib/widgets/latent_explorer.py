"""The latent explorer: pick a class and a layer, move its code, draw it anew, or take it from another picture."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import torch
from PIL import Image
from torch import Tensor

from sempal_lib.image_gans.editing import classes_shown, drawn_anew, pasted, places_of, style_guided
from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import FRAME_WIDTH, pixels_of
from sempal_lib.widgets.codes import DIRECTIONS, References, check_layout_of, directions_of, encoded, moved, start_of
from sempal_lib.widgets.editor import Editor
from sempal_lib.widgets.history import History
from sempal_lib.widgets.latent_frames import latent_frames
from sempal_lib.widgets.regions import outlined
from sempal_lib.widgets.shared import as_wide_as_a_frame, beside, is_static, png_of, seed_controls, to_png

WHOLE, ALL_LAYERS = "whole picture", "all layers"
REACH, STEP = 3.0, 1 / 8  # of a direction's slider, standard deviations


def explore_latents(
    generator,
    layout,
    label_space: LabelSpace,
    encoder=None,
    references=None,
    z=None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    folder: str | Path = "edits",
):
    """The latent explorer for a notebook: live, or frames of edits where the environment has SEMPAL_STATIC=1.

    Args:
        generator, layout, label_space, encoder, references, z, seed, folder: as `LatentExplorer` has them.
        classes: names of those that get pages on a static page; None: the two largest of the layout.
    Returns:
        A widget; as a cell's last line it shows itself.
    Raises:
        ValueError, KeyError: as `LatentExplorer`.
    Chapter: Editing objects and materials.
    """
    if is_static():
        return latent_frames(generator, layout, label_space, encoder, references, z, classes, seed)
    return LatentExplorer(generator, layout, label_space, encoder, references, z, seed, folder)


@dataclass(frozen=True)
class _State:
    """What the explorer shows, and what its sliders move."""

    z: Tensor  # [1, Z]
    base: Tensor  # z before the sliders moved
    cls: int | None = None  # None: the whole picture
    layer: int | None = None  # None: all
    steps: tuple[float, ...] = (0.0,) * DIRECTIONS  # standard deviations along the directions
    seed: int = 0
    touched: frozenset[int | None] = frozenset()  # classes whose codes were changed
    still: bool = False  # pixels of other classes are those of the start


class LatentExplorer(Editor):
    """Change the code of one class, at one layer or at all: all other codes stay as they are.

    Choosing a class or a layer changes nothing. A slider moves the code along a direction in which the references'
    codes differ most; *draw anew* takes a random code of the seed; *take its style* the reference's. Moves of one
    slider in a row are one step of *undo*.

    Args:
        generator: an `image_gans.ImageGenerator` with latents. layout: what it paints, integer [H, W] of its size.
        encoder: its encoder; None: there is no style to take, and directions are drawn at random.
        references: pictures to take styles from and the directions of whose codes are moved along, a pair of uint8
            [M, 3, H, W] (or float in [-1, 1]) and integer [M, H, W].
        z: the codes to start from, [1, Z]; None: normal noise of the seed. seed: ≥ 0. folder: where *save* writes.
    Attributes:
        z_now: [1, Z]. picture_now: float32 [3, H, W] in [-1, 1].
    Raises:
        ValueError: a layout or references of another size or other classes; a generator without codes of styles.
    Chapter: Editing objects and materials.
    """

    def __init__(
        self, generator, layout, label_space: LabelSpace, encoder=None, references=None, z=None, seed=0, folder="edits"
    ):
        self.generator, self.encoder, self.label_space, self.folder = generator, encoder, label_space, Path(folder)
        self.layout_now = check_layout_of(generator, layout, label_space)
        self.references: Any = None if references is None else encoded(generator, encoder, references, label_space)
        self.latents = generator.latents
        present = classes_shown(self.layout_now[None], label_space.num_classes)[0]
        self.present = present.nonzero().flatten().tolist() if self.latents.class_wise else []
        start = start_of(self.latents, z, seed)
        self._history = History(_State(start, start, seed=seed))
        self._start = self._history.now
        self._directions: dict[tuple[int | None, int | None], tuple[Tensor, Tensor]] = {}
        self._mapped: int | str | None = ""  # the class whose outline the map shows
        self._start_picture = self.picture_now = self._painted(start)
        self._make_controls(seed)
        super().__init__(children=[self._arrange()])
        self._show()

    @property
    def z_now(self) -> Tensor:
        return self._history.now.z

    def choose(self, cls: str | None = None, layer: int | None = None) -> None:
        """Choose whose code is changed; None: all classes, all layers. Nothing else changes.

        Raises:
            ValueError: a class that the layout has not, a layer that is not there. KeyError: an unknown class.
        """
        index = None if cls is None else self.label_space.index(cls)
        if index is not None and self.present and index not in self.present:
            names = ", ".join(self.label_space.names[c] for c in self.present)
            raise ValueError(f"the layout has no {cls}: choose one of {names}")
        places_of(self.latents, layer, index)
        now = self._history.now
        self._history.push(replace(now, base=now.z, cls=index, layer=layer, steps=self._start.steps), "choice")
        self._show()

    def move(self, steps: Sequence[float], key=None) -> None:
        """Move the code along its directions, by so many standard deviations each; from where it last was chosen."""
        now = self._history.now
        basis, spread = self._directions_now()
        taken = torch.tensor(list(steps))[: len(basis)]
        z = moved(now.base, places_of(self.latents, now.layer, now.cls), basis, spread, taken)
        self._change(key, z=z, steps=tuple(steps))

    def draw(self, seed: int) -> None:
        """A random code in place of the present one: the same seed gives the same code."""
        now = self._history.now
        z = self.latents.replace(now.z, drawn_anew(self.latents, 1, seed), now.layer, now.cls)
        self._change(None, z=z, base=z, steps=self._start.steps, seed=seed)

    def take_style(self, image, layout, label_space: LabelSpace | None = None) -> None:
        """Take the code from another picture; for the whole picture those of all classes that both have.

        Args:
            image: uint8 [3, H, W], or float in [-1, 1]. layout: its own, integer [H, W].
            label_space: its classes, if they may be others.
        Raises:
            ValueError: no encoder, another size or other classes, or the picture does not show the class.
        """
        pair = image[None], layout[None]
        found = encoded(self.generator, self.encoder, pair, self.label_space, label_space)
        self._take(found, 0)

    def reset(self) -> None:
        """Back to the codes of the start; can be undone."""
        now = self._history.now
        self._history.push(replace(self._start, cls=now.cls, layer=now.layer))
        self._show()

    def save(self) -> list[Path]:
        """As `Editor.save`: the picture."""
        return self._write({"picture": Image.fromarray(pixels_of(self.picture_now))})

    def _take(self, found: References, row: int) -> None:
        now, code = self._history.now, found.codes[row : row + 1]
        if now.cls is not None and not found.shown[row, now.cls]:
            raise ValueError(
                f"the reference shows no {self.label_space.names[now.cls]}: take another picture, or another class"
            )
        if now.cls is None and now.layer is None:
            shared = classes_shown(self.layout_now[None], self.label_space.num_classes) & found.shown[row : row + 1]
            z = style_guided(self.latents, now.z, code, shared)
        else:
            z = self.latents.replace(now.z, code, now.layer, now.cls)
        self._change(None, z=z, base=z, steps=self._start.steps)

    def _change(self, key, **values: Any) -> None:
        begin, now = time.perf_counter(), self._history.now
        self._history.push(replace(now, touched=now.touched | {now.cls}, **values), key)
        self._show(begin)

    def _directions_now(self) -> tuple[Tensor, Tensor]:
        now = self._history.now
        if (now.layer, now.cls) not in self._directions:
            found = directions_of(self.latents, self.references, now.layer, now.cls)
            self._directions[now.layer, now.cls] = found
        return self._directions[now.layer, now.cls]

    def _painted(self, z: Tensor) -> Tensor:
        device = next(self.generator.parameters()).device
        return self.generator.generate(self.layout_now[None].to(device), z=z)[0].cpu()  # type: ignore[no-any-return]

    def _held(self, picture: Tensor) -> Tensor:
        """The picture, or with all pixels of untouched classes as at the start."""
        now = self._history.now
        if not now.still or None in now.touched:
            return picture
        region = torch.isin(self.layout_now, torch.tensor(sorted(now.touched), dtype=torch.long))  # type: ignore
        return pasted(picture[None], self._start_picture[None], region[None])[0]

    def _make_controls(self, seed: int) -> None:
        wide = ipw.Layout(width="auto", max_width="520px", min_width="0")
        look = {"style": {"description_width": "88px"}, "layout": wide}
        self.painting, self.map, self.shown_reference = (
            ipw.Image(format="png", layout=as_wide_as_a_frame()) for _ in range(3)
        )
        self.status = ipw.HTML(layout=wide)
        names = [(self.label_space.names[c], c) for c in self.present]
        self.cls = ipw.Dropdown(options=[(WHOLE, None), *names], value=None, description="class", **look)
        self.layer = ipw.Dropdown(options=[(ALL_LAYERS, None)], value=None, description="layer", **look)
        self.sliders = [
            ipw.FloatSlider(
                0, min=-REACH, max=REACH, step=STEP, readout_format=".2f", description=f"direction {k + 1}", **look
            )
            for k in range(DIRECTIONS)
        ]
        self.seed, self.next_seed = seed_controls(seed, "code's seed", "draw anew", continuous_update=False, **look)
        last = max(0, len(self.references or ()) - 1)
        self.reference = ipw.IntSlider(0, 0, last, description="reference", **look)
        self.take = ipw.Button(description="take its style", icon="magic", layout=ipw.Layout(width="140px"))
        self.still = ipw.Checkbox(False, description="hold all other pixels still", indent=False, layout=wide)
        self._make_buttons()
        self._connect()

    def _connect(self) -> None:
        # Observing names what was chosen: another class may have no such layer, then all are taken.
        self.cls.observe(lambda change: self._ask(lambda: self._chosen(change["new"], None)), "value")
        self.layer.observe(lambda change: self._ask(lambda: self._chosen(self.cls.value, change["new"])), "value")
        for k, slider in enumerate(self.sliders):
            slider.observe(lambda _, k=k: self._ask(lambda: self._slid(k)), "value")
        self.seed.observe(lambda change: self._ask(lambda: self.draw(change["new"])), "value")
        self.still.observe(lambda change: self._ask(lambda: self._hold(change["new"])), "value")
        self.reference.observe(lambda _: self._show_reference(), "value")
        self.take.on_click(lambda _: self._ask(lambda: self._take(self.references, self.reference.value)))

    def _arrange(self) -> ipw.Box:
        wrap = ipw.Layout(flex_flow="row wrap", align_items="center")
        acts = ipw.Box([self.next_seed, *self.buttons.values()], layout=wrap)
        styles = [self.reference, self.shown_reference, self.take] if self.references is not None else []
        left = [self.painting, self.status, acts, self.still]
        right = [self.map, self.cls, self.layer, *self.sliders, self.seed]
        self._show_reference()
        return ipw.VBox([beside(left, right), beside(styles)] if styles else [beside(left, right)])

    def _chosen(self, cls: int | None, layer: int | None) -> None:
        self.choose(None if cls is None else self.label_space.names[cls], layer)

    def _slid(self, k: int) -> None:
        self.move([slider.value for slider in self.sliders], ("slider", k))

    def _hold(self, still: bool) -> None:
        self._history.push(replace(self._history.now, still=still))
        self._show()

    def _layer_options(self) -> list[tuple[str, int | None]]:
        last = self.latents.layers + 1
        notes = {last: f"{last}, finest", 2: "2, coarsest", 1: "1, one code for the whole picture"}
        first = 1 if self._history.now.cls is None and self.latents.global_dim else 2
        return [(ALL_LAYERS, None), *((notes.get(n, str(n)), n) for n in range(first, last + 1))]

    def _show(self, begin: float | None = None) -> None:
        now = self._history.now
        basis, _ = self._directions_now()
        self._busy = True
        try:
            self.layer.options = self._layer_options()
            self.cls.value, self.layer.value = now.cls, now.layer
            self.seed.value, self.still.value = now.seed, now.still
            for k, (slider, value) in enumerate(zip(self.sliders, now.steps, strict=True)):
                slider.value, slider.disabled = value, k >= len(basis)
        finally:
            self._busy = False
        self._show_buttons()
        self._show_map()
        self.picture_now = self._held(self._painted(now.z))
        self.painting.value = png_of(self.picture_now, self.label_space)
        self._tell(self._report(), begin)

    def _show_map(self) -> None:
        cls = self._history.now.cls
        if cls == self._mapped:
            return
        self._mapped = cls
        region = torch.zeros_like(self.layout_now, dtype=torch.bool) if cls is None else self.layout_now == cls
        self.map.value = to_png(outlined(self.layout_now, region, FRAME_WIDTH, self.label_space), self.label_space)

    def _show_reference(self) -> None:
        if self.references is not None:
            self.shown_reference.value = png_of(self.references.images[self.reference.value], self.label_space)

    def _report(self) -> str:
        now = self._history.now
        of = WHOLE if now.cls is None else self.label_space.names[now.cls]
        at = ALL_LAYERS if now.layer is None else f"layer {now.layer}"
        change = (self.picture_now - self._start_picture).abs().sum(0)
        if not float(change.sum()):
            return f"{of}, {at}: move a slider, draw anew, or take a style."
        if now.cls is None:
            return f"{of}, {at}: {float(change.mean()) / 3:.3f} mean change since the start"
        within = float(change[self.layout_now == now.cls].sum() / change.sum())
        return f"{of}, {at}: {within:.0%} of the change since the start lies within it"
