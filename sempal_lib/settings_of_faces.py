"""The settings of the chapter on faces: as in settings.py, each once. Imports no torch. Chapter: How it was run."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from sempal_lib.settings import MOST_STEPS, Batches, Dataset, Height, Images, PartialParameters


class FaceParameters(PartialParameters):
    """The generator that adds to a layout. Batches are its release's for parts; it has no schedule for faces.

    150 epochs of its 28,000 training faces, times 4, 3, 3, 2, 2, 1 and 1 a phase, as for streets. What paints the
    layouts has the settings of the chapters on styles, see `face_editing.painters_of`.
    """

    shared: ClassVar[frozenset[str]] = frozenset({"height", "train_scenes", "val_scenes"})
    needed: ClassVar[dict[str, Any]] = PartialParameters.needed | {"palette_source": "mixture"}

    dataset: Dataset = "celebamask-hq"
    height: Height = 256
    batch_sizes: Batches = Field(
        (1024, 512, 256, 64, 16, 6, 4), strict=False, description="layouts a step over all devices, at 4, 8, … px"
    )
    phase_images: Images = Field(
        (16797696, 12599808, 12599808, 8400000, 8400000, 4200000, 4200000), strict=False,
        description="real layouts shown in a phase (fade-in or hold), at 4, 8, … px",
    )  # fmt: skip
    palette_source: Literal["mixture", "real"] = Field("mixture", description="what is added is drawn, not cut out")
    layout_height: int | None = Field(
        None, ge=8, le=1024,
        description="that additions are generated at, px, and then enlarged; None in a preset: height",
    )  # fmt: skip
    novelty: bool = Field(True, description="a loss keeps additions off what is there already")
    novelty_weight: float = Field(50, gt=0, le=10**6, description="of that loss")
    painter_steps: int = Field(
        87500, ge=1, le=MOST_STEPS, description="training steps of each painter that paints the edited layouts"
    )

    @property
    def heights(self) -> tuple[int, ...]:
        """The resolutions of the generator, by height in px: 4, 8, … `layout_height`."""
        return tuple(2**power for power in range(2, (self.layout_height or self.height).bit_length()))

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        own = self.layout_height
        if own is not None and (own & (own - 1) or own > self.height):
            yield f"layout_height = {own} must be a power of two and at most height = {self.height}: choose another"
