"""The settings of the chapters on LGGAN: as in settings.py, each once. Imports no torch. Chapter: How it was run."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from sempal_lib.settings import Height, ImageParameters


class LgganParameters(ImageParameters):
    """LGGAN, in one form of its ablation a run; batches, steps and rates of Cityscapes are those of its release."""

    height: Height = 256
    form: Literal["s1", "s2", "s3", "s4", "s5"] = Field(
        "s5",
        description="s1: global branch alone; s2: local ones added; s3: or convolved; s4: classified; s5: weighed",
    )
    joining: Literal["convolution", "addition"] | None = Field(
        None, description="of the classes' pictures, in s4 and s5; None in a preset: as the form says"
    )
    local_weight: float = Field(1, ge=0, le=10**6, description="of the classes' own pictures against the real one")
    classification_weight: float = Field(1, ge=0, le=10**6, description="of telling the classes' features apart")
    residual_blocks: int = Field(9, ge=0, le=100, description="of LGGAN's encoder")
    own_classes: int | None = Field(
        None, ge=1, le=254, description="the first so many have a generator each, the rest share one; None: all have"
    )
    released: bool = Field(False, description="LGGAN's released code, where it differs from its paper")
    baseline: bool = Field(False, description="also train GauGAN, to hold this form against")

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.joining is not None and self.form not in ("s4", "s5"):
            yield f"joining = {self.joining!r}: form = {self.form!r} says itself how pictures are joined; leave it out"
