"""The settings of the chapters on LGGAN: as in settings.py, each once. Imports no torch. Chapter: How it was run."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from sempal_lib.settings import MOST_BATCH, MOST_STEPS, Dataset, Height, ImageParameters, Rate, Samples


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


class CrossViewParameters(ImageParameters):
    """A scene painted from the other view, by one system a run; batches, steps and rates are those of LGGAN's release
    on Dayton, the same for all systems."""

    dataset: Dataset = "dayton-6"
    height: Height = 256
    samples: Samples = 21048
    batch_size: int = Field(4, ge=1, le=MOST_BATCH, description="scenes a step, over all devices")
    steps: int = Field(481250, ge=1, le=MOST_STEPS, description="training steps of each system")
    learning_rate: Rate = 0.0002
    direction: Literal["aerial-to-ground", "ground-to-aerial"] = Field(
        "aerial-to-ground", description="from which view to which; a data set's own is the first"
    )
    system: Literal["lggan", "selectiongan", "x-seq++", "x-fork++", "pix2pix++", "x-seq", "x-fork", "pix2pix"] = Field(
        "lggan", description="who paints; the last three are not told the layout of the view that they paint"
    )
    l1_weight: float = Field(100, ge=0, le=10**6, description="of the distance from the real picture, pixel by pixel")
    local_weight: float = Field(100, ge=0, le=10**6, description="of LGGAN's classes' pictures against the real one")
    classification_weight: float = Field(1, ge=0, le=10**6, description="of telling LGGAN's classes' features apart")
    residual_blocks: int = Field(9, ge=0, le=100, description="of LGGAN's encoder")
    released: bool = Field(False, description="LGGAN's released code, where it differs from its paper")
    classifier: Literal["auto", "own", "places365"] = Field(
        "places365", description="who tells kinds of scenes; auto: of a world one of our own, else places365 if at hand"
    )
    baseline: bool = Field(False, description="also train pix2pix++, to hold this system against")

    @property
    def view(self) -> str:
        """What is painted: "ground" or "aerial"."""
        return self.direction.rpartition("-")[2]

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.baseline and self.system == "pix2pix++":
            yield "baseline = True: system = 'pix2pix++' is the baseline itself; choose another system, or leave it out"
