"""Edits of faces behind the face editor and its frames: layouts of wishes, styles of persons, pictures."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sempal_lib.image_gans.editing import filled
from sempal_lib.label_spaces_of_people import twins_of
from sempal_lib.labels import LabelSpace
from sempal_lib.segmentation import as_float
from sempal_lib.widgets.face_parts import LEAST, check_wishes, growth_of, heirs_of, parts_of, shares_of
from sempal_lib.widgets.shared import check_classes

Mixes = Mapping[str, tuple[int, float]]  # by part: which face's style, and how much of it


class FaceEdits:
    """Faces, and what makes other layouts and pictures of them.

    Args:
        generator, painter, faces: as `FaceEditor` has them.
    Attributes:
        photos: float32 [M, 3, H, W] in [-1, 1]. layouts: int64 [M, H, W]. codes: styles, [M, Z], also of what a face
            lacks. shown: the classes of each, bool [M, C]. parts: the classes of each part, by name.
    Chapter: Editing faces.
    """

    def __init__(self, generator: Any, painter: Any, faces: tuple[Tensor, Tensor]):
        self.generator, self.painter, self.label_space = generator, painter, painter.label_space
        check_classes(generator, self.label_space)
        self.parts = parts_of(self.label_space)
        self.photos, self.layouts, self.codes, self.shown = self._read(*faces)

    def add(self, photo: Tensor, layout: Tensor, theirs: LabelSpace | None = None) -> None:
        """Put one more face behind the others, or raise ValueError and leave all as it was."""
        if theirs is not None and theirs.names != self.label_space.names:
            raise ValueError(
                f"the mask has the classes {', '.join(theirs.names[:4])}, …, the painter "
                f"{', '.join(self.label_space.names[:4])}, …: take a face of the same data set"
            )
        one, now = self._read(photo[None], layout[None]), (self.photos, self.layouts, self.codes, self.shown)
        self.photos, self.layouts, self.codes, self.shown = map(torch.cat, zip(now, one, strict=True))

    def check_face(self, face: int) -> None:
        if not 0 <= face < len(self.photos):
            raise ValueError(f"there is no face {face + 1}: choose 1 to {len(self.photos)}")

    def classes_of(self, part: str) -> list[int]:
        """Classes of a part, or of a class by its name, such as the background's. Raises KeyError."""
        return self.parts[part] if part in self.parts else [self.label_space.index(part)]

    def shows(self, face: int, part: str) -> bool:
        """Whether a photo shows a part."""
        self.check_face(face)
        return bool(self.shown[face, self.classes_of(part)].any())

    def lacking(self, face: int) -> list[str]:
        """The parts that a photo does not show."""
        return [part for part in self.parts if not self.shows(face, part)]

    def shares(self, layout: Tensor) -> Tensor:
        """Share of the frame of each class, float64 [C]."""
        return shares_of(layout, self.label_space.num_classes)

    def share(self, layout: Tensor, part: str) -> float:
        """Share of the frame of a part."""
        return float(self.shares(layout)[self.parts[part]].sum())

    def edited(self, base: Tensor, wishes: Mapping[str, float], seed: int) -> Tensor:
        """The layout [H, W] in which parts have the shares that are wished.

        First what shrinks is painted over by its heirs, part by part, and by nothing else; then what grows is added.
        Raises as `check_wishes` and `add` do.
        """
        check_wishes(wishes, self.parts)
        layout = base
        for part, wish in wishes.items():
            less = self.share(layout, part) - wish
            if less >= LEAST:
                over = torch.zeros(self.label_space.num_classes, dtype=torch.bool)
                over[self.parts[part]] = True
                layout = self._added(layout, heirs_of(part, less, self.label_space), seed, over=over)
        return self._added(layout, growth_of(wishes, self.shares(layout), self.parts), seed)

    def _added(self, layout: Tensor, additions: Tensor, seed: int, **options: Tensor) -> Tensor:
        if not additions.any():
            return layout
        return self.generator.add(layout, additions.float(), seed=seed, **options).cpu()  # type: ignore[no-any-return]

    def styles(self, face: int, lender: int | None = None, mixes: Mixes | None = None) -> Tensor:
        """The styles of a person, [1, Z].

        Args:
            lender: the face whose styles those parts take that the photo lacks; None: the mean's.
            mixes: what is moved towards other faces' styles.
        """
        z, shown = (x[face : face + 1] for x in (self.codes, self.shown))
        if lender is not None:
            twins = twins_of(self.label_space)
            z = filled(self.painter.latents, z, shown, self.codes[lender : lender + 1], twins)
        for part, (other, share) in (mixes or {}).items():
            # Of two eyes the other face may show one: the other's style stands in its codes.
            known = torch.ones_like(self.shown[:1])
            z = self.painter.mix(z, self.codes[other : other + 1], known, self.classes_of(part), share)
        return z

    def painted(self, layouts: Tensor, z: Tensor) -> Tensor:
        """Pictures of layouts [N, H, W] in styles [N, Z] or [1, Z]: float32 [N, 3, H, W] in [-1, 1]."""
        return self.painter.paint(layouts, z.expand(len(layouts), -1))  # type: ignore[no-any-return]

    def _read(self, photos: Tensor, layouts: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        photos, layouts = as_float(photos.cpu()), layouts.long().cpu()
        return photos, layouts, *self.painter.styles(photos, layouts)
