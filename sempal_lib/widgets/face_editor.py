"""The face editor: a slider for the share of each part of a face; the layout follows, and the person's style stays."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import torch
from PIL import Image
from torch import Tensor

from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import pixels_of
from sempal_lib.widgets.editor import Editor
from sempal_lib.widgets.face_edits import FaceEdits
from sempal_lib.widgets.face_frames import face_frames
from sempal_lib.widgets.face_sliders import FaceSliders
from sempal_lib.widgets.history import History
from sempal_lib.widgets.regions import label_image
from sempal_lib.widgets.shared import beside, is_static, png_of, seed_controls

MEAN, OTHER = "the mean style", "the other face's"


def edit_face(generator, painter, faces: tuple[Tensor, Tensor], face: int = 0, seed: int = 0, folder="edits"):
    """The face editor for a notebook: live, or frames of edits where the environment has SEMPAL_STATIC=1.

    Args:
        generator, painter, faces, face, seed, folder: as `FaceEditor` has them.
    Returns:
        A widget; as a cell's last line it shows itself.
    Raises:
        ValueError: as `FaceEditor`.
    Chapter: Editing faces.
    """
    if is_static():
        return face_frames(FaceEdits(generator, painter, faces), face, seed)
    return FaceEditor(generator, painter, faces, face, seed, folder)


@dataclass(frozen=True)
class _State:
    """One face, what was asked of it, and the layout that was made."""

    face: int
    base: Tensor  # int64 [H, W]; what the wishes are for
    layout: Tensor  # int64 [H, W]
    seed: int
    wishes: dict[str, float] = field(default_factory=dict)  # share of the frame by part; the one moved last stands last
    kept: tuple[dict[str, Any], ...] = ()  # wishes and seed of the edits that made the base of the photo's layout
    lender: int | None = None  # see `FaceEdits.styles`, and so for mixes
    mixes: dict[str, tuple[int, float]] = field(default_factory=dict)


class FaceEditor(Editor):
    """Say how much of the frame hair, hat or glasses shall take: the layout is edited, the style of the person stays.

    Wishes of all sliders are for one edit of the face's own layout, so that a slider goes back the way it came. *Keep*
    makes the edit the layout that further wishes are for. Moves of one slider in a row are one step of *undo*, and so
    is the change to another face: what was done to a face waits there.

    Args:
        generator: of layouts; see `add` in the package's head. painter: a `training.StylePainter`, or what does as it.
        faces: photos, uint8 [M, 3, H, W] (or float in [-1, 1]), and their layouts, integer [M, H, W], 255 for no class.
        face: where to start, 0 to M - 1. seed: of the noise, ≥ 0. folder: where *save* writes.
    Attributes:
        layout_now: int64 [H, W]. picture_now: float32 [3, H, W] in [-1, 1]. wishes: share of the frame by part.
        edits: the faces, and what edits and paints them.
    Raises:
        ValueError: photos and masks of different size, labels that are no class, a generator of other classes.
    Chapter: Editing faces.
    """

    def __init__(self, generator, painter, faces: tuple[Tensor, Tensor], face=0, seed=0, folder="edits"):
        self.edits = FaceEdits(generator, painter, faces)
        self.label_space, self.folder, self._seed = self.edits.label_space, Path(folder), seed
        self.edits.check_face(face)
        self._history: History[_State] = History(self._fresh(face))
        self._left: dict[int, _State] = {}  # faces as they were last seen
        self._photos: dict[int, bytes] = {}
        self._make_controls(seed)
        super().__init__(children=[self._arrange()])
        self._show()

    @property
    def layout_now(self) -> Tensor:
        return self._history.now.layout

    @property
    def wishes(self) -> dict[str, float]:
        return dict(self._history.now.wishes)

    def ask(self, wishes: Mapping[str, float] | None = None, seed: int | None = None, key=None) -> None:
        """Edit the layout so that parts have other shares of the frame.

        Args:
            wishes: shares, 0 to 1, by name of a part; those asked for before hold on. seed: of the noise; None: stays.
            key: as `History.push` has it.
        Raises:
            ValueError: shares that cannot be, or more than the frame; what the generator raises. KeyError: no part.
        """
        begin, now, new = time.perf_counter(), self._history.now, dict(wishes or {})
        asked = {name: share for name, share in now.wishes.items() if name not in new} | new
        drawn = now.seed if seed is None else seed
        layout = self.edits.edited(now.base, asked, drawn)
        self._push(replace(now, wishes=asked, seed=drawn, layout=layout), key, begin)

    def keep(self) -> None:
        """Make the layout that is shown the one that further wishes are for."""
        now = self._history.now
        if now.wishes:
            kept = (*now.kept, {"wishes": now.wishes, "seed": now.seed})
            self._push(replace(now, base=now.layout, wishes={}, kept=kept))

    def show_face(self, face: int) -> None:
        """Go to another face, as it was left. Raises ValueError for a number that none has."""
        self.edits.check_face(face)
        self._push(self._left.get(face) or self._fresh(face))

    def add_face(self, photo: Tensor, layout: Tensor, label_space: LabelSpace | None = None) -> None:
        """Put one more face behind the others, and go to it.

        Args:
            photo: uint8 [3, H, W], or float in [-1, 1]. layout: its mask, integer [H, W], 255 for no class.
            label_space: its classes, if they may be others.
        Raises:
            ValueError: a photo and a mask of different size, other classes. What was done so far stays.
        """
        self.edits.add(photo, layout, label_space)
        self.donor.max = len(self.edits.photos) - 1
        self.show_face(self.donor.max)

    def mix(self, part: str, face: int, share: float, key=None) -> None:
        """Move a part's style towards another face's; "background" has a style too.

        Args:
            face: whose. share: 0, one's own style, to 1, the other's. key: as `History.push` has it.
        Raises:
            ValueError: the other face shows no such part, no such face, a share that is none. KeyError: no part.
        """
        begin, now = time.perf_counter(), self._history.now
        if not 0 <= share <= 1:
            raise ValueError(f"share={share:g}: choose 0, one's own style, to 1, the other's")
        if not self.edits.shows(face, part):
            raise ValueError(f"face {face + 1} shows no {part}: take another face, or another part")
        others = {name: mix for name, mix in now.mixes.items() if name != part}
        self._push(replace(now, mixes=others | ({part: (face, share)} if share else {})), key, begin)

    def lend(self, face: int | None) -> None:
        """Whose styles those parts take that the photo lacks: another face's, or None for the mean's."""
        if face is not None:
            self.edits.check_face(face)
        self._push(replace(self._history.now, lender=face), "lender", time.perf_counter())

    def reset(self) -> None:
        """Back to the photo's layout and styles; can be undone."""
        self._push(self._fresh(self._history.now.face))

    def save(self) -> list[Path]:
        """As `Editor.save`: the layout, the picture, and as JSON a recipe of what was asked of which face."""
        now = self._history.now
        layout, picture = label_image(now.layout, self.label_space), Image.fromarray(pixels_of(self.picture_now))
        last = [{"wishes": now.wishes, "seed": now.seed}] if now.wishes else []
        styles = {part: {"face": face, "share": share} for part, (face, share) in now.mixes.items()}
        recipe = {"face": now.face, "edits": [*now.kept, *last], "lender": now.lender, "styles": styles}
        return self._write({"layout": layout, "picture": picture}, recipe)

    def _fresh(self, face: int) -> _State:
        layout = self.edits.layouts[face]
        return _State(face, layout, layout, self._seed)

    def _push(self, state: _State, key=None, begin: float | None = None) -> None:
        self._history.push(state, key)
        self._show(begin)

    def _make_controls(self, seed: int) -> None:
        wide = ipw.Layout(width="auto", max_width="520px", min_width="0")
        look = {"style": {"description_width": "88px"}, "layout": wide}
        half = ipw.Layout(width="50%", max_width="300px", min_width="0")
        self.map, self.painting, self.photo, self.donors_photo = (
            ipw.Image(format="png", layout=half) for _ in range(4)
        )
        self.status = ipw.HTML(layout=ipw.Layout(width="auto", min_width="0"))
        palettes = torch.stack([self.edits.shares(y) for y in self.edits.layouts])
        self.dials = FaceSliders(self.label_space, self.edits.parts, palettes, self._slid)
        self.sliders = self.dials.sliders
        self.seed, self.next_seed = seed_controls(seed, "noise seed", "new edit", continuous_update=False, **look)
        self.keeper, self.before, self.after = (
            ipw.Button(description=name, icon=icon, tooltip=tip, layout=ipw.Layout(width="72px"))
            for name, icon, tip in (
                ("keep", "check", "further wishes are for this layout"),
                ("back", "arrow-left", "the face before"), ("next", "arrow-right", "the next face"),
            )
        )  # fmt: skip
        self._make_buttons()
        behind = [name for name in self.label_space.names if name == "background"]
        self.part = ipw.Dropdown(options=[*self.edits.parts, *behind], description="style of", **look)
        last = len(self.edits.photos) - 1
        self.donor = ipw.IntSlider(min(1, last), 0, last, description="other face", **look)
        self.share = ipw.FloatSlider(0, max=1, step=1 / 16, readout_format=".0%", description="share of it", **look)
        self.lacks = ipw.Dropdown(options=[MEAN, OTHER], description="what it lacks", **look)
        self._connect()

    def _connect(self) -> None:
        self.seed.observe(lambda change: self._ask(lambda: self.ask(seed=change["new"])), "value")
        self.keeper.on_click(lambda _: self._try(self.keep))
        self.before.on_click(lambda _: self._try(lambda: self._go(-1)))
        self.after.on_click(lambda _: self._try(lambda: self._go(1)))
        self.part.observe(lambda _: self._ask(self._show), "value")
        self.donor.observe(lambda _: self._ask(self._donated), "value")
        self.share.observe(lambda _: self._ask(self._mixed), "value")
        self.lacks.observe(lambda _: self._ask(self._lent), "value")

    def _arrange(self) -> ipw.Box:
        wrap = ipw.Layout(flex_flow="row wrap", align_items="center")
        acts = ipw.Box([self.next_seed, self.keeper, *self.buttons.values(), self.before, self.after], layout=wrap)
        pictures, photos = ipw.HBox([self.map, self.painting]), ipw.HBox([self.photo, self.donors_photo])
        styles = beside([photos], [self.part, self.donor, self.share, self.lacks])
        return ipw.VBox([pictures, self.status, acts, self.dials.box, self.seed, styles])

    def _go(self, way: int) -> None:
        self.show_face((self._history.now.face + way) % len(self.edits.photos))

    def _slid(self, part: str) -> None:
        self._ask(lambda: self.ask({part: self.sliders[part].value}, key=("slider", part)))

    def _mixed(self) -> None:
        part = self.part.value
        self.mix(part, self.donor.value, self.share.value, ("style", part))

    def _donated(self) -> None:
        """A hand chose another face: what takes its style follows."""
        now = self._history.now
        if self.part.value in now.mixes:
            self._mixed()
        elif now.lender is not None:
            self._lent()
        else:
            self._show_photos()

    def _lent(self) -> None:
        self.lend(self.donor.value if self.lacks.value == OTHER else None)

    def _show(self, begin: float | None = None) -> None:
        now = self._history.now
        self._left[now.face] = now
        self._busy = True
        try:
            self.dials.show(now.wishes, now.base, now.layout)
            self.seed.value, self.lacks.value = now.seed, MEAN if now.lender is None else OTHER
            self.donor.value, self.share.value = now.mixes.get(self.part.value, (self.donor.value, 0.0))
        finally:
            self._busy = False
        for control in (self.keeper, self.seed, self.next_seed):
            control.disabled = not now.wishes
        self._show_buttons()
        self._show_photos()
        self.map.value = png_of(now.layout, self.label_space)
        z = self.edits.styles(now.face, now.lender, now.mixes)
        self.picture_now = self.edits.painted(now.layout[None], z)[0]
        self.painting.value = png_of(self.picture_now, self.label_space)
        self._tell(self._report(), begin)

    def _show_photos(self) -> None:
        for image, face in ((self.photo, self._history.now.face), (self.donors_photo, self.donor.value)):
            if face not in self._photos:  # a PNG takes as long as an edit
                self._photos[face] = png_of(self.edits.photos[face], self.label_space)
            image.value = self._photos[face]

    def _report(self) -> str:
        now, said = self._history.now, [f"face {self._history.now.face + 1} of {len(self.edits.photos)}"]
        if now.wishes:
            part, wish = list(now.wishes.items())[-1]
            had, made = (self.edits.share(y, part) for y in (now.base, now.layout))
            said.append(f"{part}: had {had:.1%}, asked {wish:.1%}, made {made:.1%}")
        lacking = self.edits.lacking(now.face)
        if lacking:
            whose = MEAN if now.lender is None else f"the style of face {now.lender + 1}"
            said.append(f"not in its photo, so in {whose}: {', '.join(lacking)}")
        return " · ".join(said)
