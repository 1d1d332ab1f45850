"""The settings of the chapters on styles, which are many pictures of one layout: as in settings.py, each once.

Imports no torch. Chapter: How it was run.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from sempal_lib.settings import MOST_BATCH, MOST_SCENES, MOST_STEPS, Dataset, Height, ImageParameters, Samples


class StyleParameters(ImageParameters):
    """Painters of which a layout has many pictures: one system, or one form of CLVAE, a run."""

    dataset: Dataset = "ade20k"
    height: Height = 256
    samples: Samples = 2000
    batch_size: int = Field(4, ge=1, le=MOST_BATCH, description="pairs a step, over all devices")
    steps: int = Field(1010500, ge=1, le=MOST_STEPS, description="training steps of each synthesizer")
    doublings: int = Field(5, ge=2, le=7, description="of the size, from GauGAN's first map to its picture")
    system: Literal["clvae", "gaugan-vae", "groupdnet", "cimle", "sean"] = Field(
        "clvae", description="what the run trains"
    )
    layers: int | None = Field(
        None, ge=1, le=7,
        description="of CLVAE that have codes, with that of the whole picture; None in a preset: all, in the paper 6",
    )  # fmt: skip
    class_wise: bool = Field(True, description="each class has codes of its own; else all share one a layer")
    layer_wise: bool = Field(True, description="classes have codes at every layer; else at the middle one only")
    class_dim: int | None = Field(
        None, ge=1, le=1024,
        description="length of one code of a class; None in a preset: as many as classes, for SEAN eight times ngf",
    )  # fmt: skip
    kl_weight: float = Field(0.05, ge=0, le=10**6, description="of the encoder's distribution to the standard normal")
    imle_scenes: int = Field(400, ge=1, le=MOST_SCENES, description="that cIMLE draws for an epoch")
    imle_candidates: int = Field(
        10, ge=1, le=1000, description="pictures that cIMLE paints of each of these, to keep the nearest one"
    )
    imle_epochs: int = Field(16, ge=1, le=MOST_STEPS, description="of cIMLE, which share the steps")
    imle_restart: int = Field(
        6, ge=0, le=MOST_STEPS,
        description="epochs after which cIMLE's noise encoder is drawn anew and its rate becomes a tenth; 0: never",
    )  # fmt: skip
    imle_rebalance: bool = Field(True, description="for cIMLE rare looks of classes come more often and count more")
    styles: int = Field(40, ge=2, le=1000, description="pictures painted of each layout, to compare with each other")
    baseline: bool = Field(False, description="also train gaugan-vae, to hold this one against")

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.layers is not None and self.layers > self.most_layers:
            yield (
                f"layers = {self.layers} want more blocks than doublings = {self.doublings} give: choose layers up to "
                f"{self.most_layers}, or raise doublings"
            )
        if self.imle_restart >= self.imle_epochs:
            yield (
                f"imle_restart = {self.imle_restart} comes after all imle_epochs = {self.imle_epochs}: lower it, or "
                "set it to 0"
            )

    @property
    def most_layers(self) -> int:
        """That the blocks of a generator with so many doublings have."""
        return min(self.doublings, 4) + 2
