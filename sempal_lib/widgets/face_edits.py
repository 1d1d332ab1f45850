"""Edits of faces behind the face editor and its frames: layouts of wishes, styles of persons, pictures."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sempal_lib.image_gans.editing import mean_codes, mixed, style_guided
from sempal_lib.labels import LabelSpace
from sempal_lib.widgets.codes import References, encoded
from sempal_lib.widgets.face_parts import additions_of, check_wishes, parts_of, shares_of
from sempal_lib.widgets.painting import paint
from sempal_lib.widgets.shared import check_classes

Mixes = Mapping[str, tuple[int, float]]  # by part: which face's style, and how much of it


class FaceEdits:
    """Faces, and what makes other layouts and pictures of them.

    Args:
        generator, painter, encoder, faces, label_space, mean: as `FaceEditor` has them.
    Attributes:
        faces: the photos with their layouts and codes. parts: the classes of each part, by name.
    Chapter: Editing faces.
    """

    faces: References

    def __init__(self, generator: Any, painter: Any, encoder: Any, faces, label_space: LabelSpace, mean=None):
        check_classes(generator, label_space)
        if painter.latents is None or not painter.latents.class_wise:
            raise ValueError("the painter has no style for each class: take one that has, such as SEAN")
        self.generator, self.painter, self.encoder, self.label_space = generator, painter, encoder, label_space
        self.faces, self.parts = encoded(painter, encoder, faces, label_space), parts_of(label_space)
        self.mean = mean_codes(painter.latents, self.faces.codes, self.faces.shown) if mean is None else mean

    def add(self, photo: Tensor, layout: Tensor, theirs: LabelSpace | None = None) -> None:
        """Put one more face behind the others; what it raises is as `encoded` has it."""
        one = encoded(self.painter, self.encoder, (photo[None], layout[None]), self.label_space, theirs)
        self.faces = self.faces.joined(one)

    def check_face(self, face: int) -> None:
        if not 0 <= face < len(self.faces):
            raise ValueError(f"there is no face {face + 1}: choose 1 to {len(self.faces)}")

    def classes_of(self, part: str) -> list[int]:
        """Classes of a part, or of a class by its name, such as the background's. Raises KeyError."""
        return self.parts[part] if part in self.parts else [self.label_space.index(part)]

    def shows(self, face: int, part: str) -> bool:
        """Whether a photo shows a part."""
        self.check_face(face)
        return bool(self.faces.shown[face, self.classes_of(part)].any())

    def lacking(self, face: int) -> list[str]:
        """The parts that a photo does not show."""
        return [part for part in self.parts if not self.shows(face, part)]

    def shares(self, layout: Tensor) -> Tensor:
        """Share of the frame of each class, float64 [C]."""
        return shares_of(layout, self.label_space.num_classes)

    def share(self, layout: Tensor, part: str) -> float:
        """Share of the frame of a part."""
        return float(self.shares(layout)[self.parts[part]].sum())

    def additions(self, base: Tensor, wishes: Mapping[str, float]) -> Tensor:
        """What to add to a layout [H, W] for wishes, share of the frame by part: [C]. Raises as `check_wishes`."""
        check_wishes(wishes, self.parts)
        return additions_of(wishes, self.shares(base), self.label_space, self.parts)

    def edited(self, base: Tensor, wishes: Mapping[str, float], seed: int) -> Tensor:
        """The layout [H, W] in which parts have the shares that are wished. Raises as `check_wishes` and `add` do."""
        added = self.additions(base, wishes)
        if not added.any():
            return base
        return self.generator.add(base, added.float(), seed=seed).cpu()  # type: ignore[no-any-return]

    def codes(self, face: int, lender: int | None = None, mixes: Mixes | None = None) -> Tensor:
        """The styles of a person, [1, Z].

        Args:
            lender: the face whose styles those parts take that the photo lacks; None: the mean's.
            mixes: what is moved towards other faces' styles; classes that these lack stay.
        """
        missing = self.mean if lender is None else self._guided(self.mean, lender)
        z = self._guided(missing, face)
        for part, (other, share) in (mixes or {}).items():
            taken = torch.zeros_like(self.faces.shown[:1])
            taken[0, self.classes_of(part)] = True
            code = self.faces.codes[other : other + 1]
            z = mixed(self.painter.latents, z, code, taken & self.faces.shown[other], share)
        return z

    def painted(self, layouts: Tensor, z: Tensor) -> Tensor:
        """Pictures of layouts [N, H, W] in styles [N, Z] or [1, Z]: float32 [N, 3, H, W] in [-1, 1]."""
        return paint(self.painter, layouts, z)

    def _guided(self, codes: Tensor, face: int) -> Tensor:
        """Codes, but a face's own where it shows the class."""
        row = slice(face, face + 1)
        return style_guided(self.painter.latents, codes, self.faces.codes[row], self.faces.shown[row])
