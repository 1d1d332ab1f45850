"""Edits of a face as frames behind linked sliders, which move without a kernel."""

from dataclasses import dataclass

import ipywidgets as ipw
import numpy as np
import torch
from torch import Tensor

from sempal_lib.pictures import hex_colour
from sempal_lib.widgets.face_edits import FaceEdits
from sempal_lib.widgets.face_parts import growth_of
from sempal_lib.widgets.frames import MAX_BYTES, layout_frames
from sempal_lib.widgets.shared import frames_page, paged, png_of

PARTS = ("hair", "hat")  # that get a page
STEPS, DRAWS = 6, 4  # frames along a part's share, or a style's; and of the noise
LEAST_MORE = 0.02  # of the frame: how far a part grows at least


def face_frames(edits: FaceEdits, face: int = 0, seed: int = 0) -> ipw.VBox:
    """One face: a part that grows, one edit from several seeds, and a part's style that becomes another face's.

    Args:
        edits: the models and the faces. face: which. seed: of the noise.
    Chapter: Editing faces.
    """
    edits.check_face(face)
    parts = [part for part in PARTS if part in edits.parts] or list(edits.parts)[: len(PARTS)]
    frames = _Frames(edits, face, seed, MAX_BYTES // 2 // (len(parts) + 2))
    first, names = parts[0], [*(f"more {part}" for part in parts), f"{parts[0]}, other noise", f"style of {parts[0]}"]
    pages = [*map(frames.of_part, parts), frames.of_seeds(first), frames.of_style(first)]
    menu, stack = paged(names, pages)
    note = ipw.HTML(
        "Frames that the trained models made of one face, whose style stays. With a running notebook every part has a "
        "slider, there are more faces, and what you see can be saved."
    )
    return ipw.VBox([menu, stack, note])


@dataclass(frozen=True)
class _Frames:
    edits: FaceEdits
    face: int
    seed: int
    limit: int  # bytes of a page's frames

    @property
    def layout(self) -> Tensor:
        return self.edits.layouts[self.face]

    def of_part(self, part: str) -> ipw.VBox:
        """A part's share grows from what it is to the most that a face has."""
        wishes = np.linspace(self.edits.share(self.layout, part), self._most(part), STEPS).tolist()
        return self._page(part, wishes, [self.seed] * STEPS, [f"{wish:.1%}" for wish in wishes], part)

    def of_seeds(self, part: str) -> ipw.VBox:
        """One wish, from several seeds."""
        wish = (self.edits.share(self.layout, part) + self._most(part)) / 2
        seeds = list(range(self.seed, self.seed + DRAWS))
        return self._page(part, [wish] * DRAWS, seeds, [*map(str, seeds)], "noise seed")

    def _most(self, part: str) -> float:
        shares = [self.edits.share(layout, part) for layout in self.edits.layouts]
        return max(*shares, self.edits.share(self.layout, part) + LEAST_MORE)

    def of_style(self, part: str) -> ipw.VBox:
        """A part's style becomes that of the next face that has one."""
        count = len(self.edits.photos)
        others = [(self.face + way) % count for way in range(1, count)]
        other = next((face for face in others if self.edits.shows(face, part)), self.face)
        shares = np.linspace(0, 1, STEPS)
        z = torch.cat([self.edits.styles(self.face, mixes={part: (other, float(share))}) for share in shares])
        pictures = self.edits.painted(self.layout.expand(STEPS, -1, -1), z)
        space = self.edits.label_space
        columns = [[png_of(picture, space) for picture in pictures], [png_of(self.edits.photos[other], space)]]
        return frames_page([f"{share:.0%}" for share in shares], columns, f"face {other + 1}'s", 0, self.limit)

    def _page(self, part: str, wishes: list[float], seeds: list[int], reads: list[str], description: str) -> ipw.VBox:
        edits, layout, classes = self.edits, self.layout, self.edits.parts[part]
        pairs = [({part: wish}, seed) for wish, seed in zip(wishes, seeds, strict=True)]
        now = edits.shares(layout)
        made = torch.stack([edits.edited(layout, wish, seed) for wish, seed in pairs])
        asked = torch.stack([now + growth_of(wish, now, edits.parts) for wish, _ in pairs])
        realised = torch.stack([edits.shares(y) for y in made])
        pictures = edits.painted(made, edits.styles(self.face))
        columns = [
            layout_frames(made, asked.numpy(), realised.numpy(), edits.label_space, classes),
            [png_of(picture, edits.label_space) for picture in pictures],
        ]
        colour = hex_colour(edits.label_space.colors[classes[0]])
        return frames_page(reads, columns, description, 0, self.limit, handle_color=colour)
