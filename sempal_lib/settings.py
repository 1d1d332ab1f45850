"""Every setting of a run, once: its name, unit, bounds, default and a line of text, by family of chapters.

Those of the chapters on styles are in settings_of_styles.py, of faces in settings_of_faces.py.

Imports no torch, so that the run graph can use it. Chapter: How it was run.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sempal_lib.record_model import MAX_SEED, NAME

# What nobody means: more than these would never end, or fill any memory.
MOST_SCENES, MOST_STEPS, MOST_BATCH = 10**6, 10**9, 2**16
SHOWN = 6  # scenes that the chapters on layouts and pictures show side by side
Images = tuple[Annotated[int, Field(ge=1, le=MOST_STEPS)], ...]
Batches = tuple[Annotated[int, Field(ge=1, le=MOST_BATCH)], ...]
# Settings that several families share, each with the default of its own paper.
# A data set's name is part of a folder's, of which no system takes more than 255 letters.
Dataset = Annotated[
    str, Field(pattern=NAME, max_length=100, description="a name that datasets.load knows, or a bundle's own")
]
Height = Annotated[int, Field(ge=8, le=1024, description="of the layouts and pictures, px")]
Channels = Annotated[int, Field(ge=1, le=4096, description="widest features, channels")]
Latent = Annotated[int, Field(ge=1, le=4096, description="length of the noise z")]
Rate = Annotated[float, Field(gt=0, le=1, description="Adam's; GauGAN's generator takes half, its discriminator twice")]
Samples = Annotated[
    int, Field(ge=SHOWN, le=MOST_SCENES, description="layouts or pictures that a metric is computed on")
]


class Parameters(BaseModel):
    """The settings that every chapter has, checked. A family of chapters adds its own in a subclass.

    Every setting of the book is declared once, here: its name, bounds, unit and meaning, and the paper's value as its
    default. Presets and runs say what differs. Types are strict: a text or a bool is no number, a float is no whole
    number. Raises pydantic's ValidationError, which `resolve` puts into plain words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    # Of what is shared with a chapter of another family that a run builds on: these too, beside data set and seed.
    shared: ClassVar[frozenset[str]] = frozenset()

    preset: str = Field(pattern=NAME, description="file name of the preset in runs/presets, without .yaml")
    dataset: Dataset
    data_root: str | None = Field(None, min_length=1, description="folder of a real data set")
    seed: int = Field(0, ge=0, le=MAX_SEED, description="of data, weights, noise and palettes")
    height: Height
    train_scenes: int | None = Field(
        None, ge=2, le=MOST_SCENES, description="scenes to train on, at most; None in a preset: all"
    )
    val_scenes: int | None = Field(
        None, ge=SHOWN, le=MOST_SCENES, description="scenes held out, at most; None in a preset: all"
    )
    max_channels: Channels
    latent_dim: Latent
    learning_rate: Rate
    samples: Samples
    ema: bool = Field(True, description="sample from the moving average of the generator's weights")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto is cuda where there is one")
    devices: int = Field(1, ge=1, le=1024, description="processes, one a device")
    precision: Literal["32-true", "bf16-mixed"] = Field("32-true", description="number format of training")
    channels_last: bool = Field(False, description="memory order of features; speed only")
    compile: bool = Field(False, description="torch.compile; speed only")
    checkpoint_seconds: float = Field(60, gt=0, description="seconds between checkpoints")

    @property
    def heights(self) -> tuple[int, ...]:
        """The resolutions, by height in px: 4, 8, … `height`."""
        return tuple(2**power for power in range(2, self.height.bit_length()))

    @model_validator(mode="after")
    def _check_together(self) -> "Parameters":
        faults = list(self._faults())
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        """Sentences on what no single field can tell."""
        if self.height & (self.height - 1):
            yield f"height = {self.height} is no power of two: choose 8, 16, 32, … 1024 px"
        # Layout GANs say so for each resolution.
        for name in ("batch_size", "tuning_batch_size"):
            batch = getattr(self, name, self.devices)
            if batch % self.devices:
                yield f"{name} = {batch} is no multiple of devices = {self.devices}: change one of them"


class LayoutParameters(Parameters):
    """Progressive layout GANs. The lists hold one entry for each of `heights`."""

    dataset: Dataset = "cityscapes-35"
    height: Height = 128
    max_channels: Channels = 512
    latent_dim: Latent = 512
    learning_rate: Rate = 0.001
    samples: Samples = 2960
    batch_sizes: Batches = Field(
        (1024, 512, 256, 64, 16, 8), strict=False, description="layouts a step over all devices, at 4, 8, … px"
    )
    phase_images: Images = Field(
        (1781760, 1337856, 1338624, 892416, 892480, 446248), strict=False,
        description="real layouts shown in a phase (fade-in or hold), at 4, 8, … px",
    )  # fmt: skip
    channel_base: int = Field(
        4096, ge=1, le=MOST_BATCH, description="channels at 4 px, at most; half of it at each next resolution"
    )
    max_components: int = Field(30, ge=1, le=200, description="Gaussians of the palette mixture, at most; AIC chooses")
    iterations: int = Field(1, ge=1, le=1000, description="Sinkhorn iterations of the activation; the paper's is 1")
    palette_input: bool = Field(True, description="the palette is concatenated to the noise")
    activation: Literal["saa", "softmax"] = Field("saa", description="how scores become a soft layout")
    fusion: bool = Field(True, description="residual conditional fusion")
    multi_scale: bool = Field(True, description="conditional losses at every resolution")
    soft_real: bool = Field(True, description="real layouts softened for the discriminator; else Gumbel-softmax")
    palette_source: Literal["mixture", "real"] = Field("mixture", description="where training takes palettes from")
    conditional_weight: float = Field(1, ge=0, le=10**6, description="weight of the entropy and the spread loss")
    matching_weight: float = Field(
        0, ge=0, le=10**6, description="weight of the direct matching of palettes, baseline 1"
    )
    palette_judge: bool = Field(False, description="the discriminator is told the palette, baseline 2")
    wide_share: float = Field(
        0, ge=0, le=4, description="layouts beside each batch, as its share, for palettes that no scene has"
    )
    floor: bool = Field(False, description="also train the floor: the same GAN without the parts that see the palette")
    released: bool = Field(False, description="the quirks of the authors' released code; without a moving average")

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.height & (self.height - 1):
            return
        for name in ("batch_sizes", "phase_images"):
            values, wanted = getattr(self, name), self.heights
            if len(values) != len(wanted):
                yield (
                    f"{name} has {len(values)} values, but height = {self.height} has {len(wanted)} "
                    f"resolutions ({', '.join(map(str, wanted))} px): give {len(wanted)}, or change height"
                )
        for height, batch, images in zip(self.heights, self.batch_sizes, self.phase_images, strict=False):
            if images < batch:
                yield f"phase_images has {images} at {height} px, less than a batch: give at least {batch}"
            if batch % self.devices:
                yield (
                    f"batch_sizes has {batch} at {height} px, no multiple of devices = {self.devices}: "
                    "change one of them"
                )
            wide = round(self.wide_share * batch)
            if self.wide_share and (not wide or wide % self.devices):
                yield (
                    f"wide_share = {self.wide_share:g} of {batch} layouts at {height} px is {wide}, expected "
                    f"at least 1 and a multiple of devices = {self.devices}: change one of them"
                )
        if self.train_scenes is not None and self.train_scenes < self.max_components:
            yield (
                f"max_components = {self.max_components} Gaussians cannot be fitted to train_scenes = "
                f"{self.train_scenes} palettes: lower max_components, or take more scenes"
            )


class PartialParameters(LayoutParameters):
    """The generator for a part of a layout. Batches are its release's."""

    # Switches of whole layouts, and what they must be here.
    needed: ClassVar[dict[str, Any]] = {
        "palette_source": "real", "palette_judge": False, "wide_share": 0, "matching_weight": 0, "activation": "saa",
    }  # fmt: skip

    batch_sizes: Batches = Field(
        (1024, 512, 256, 64, 16, 6), strict=False, description="layouts a step over all devices, at 4, 8, … px"
    )
    phase_images: Images = Field(
        (1781760, 1337856, 1338624, 892416, 892480, 446250), strict=False,
        description="real layouts shown in a phase (fade-in or hold), at 4, 8, … px",
    )  # fmt: skip
    palette_source: Literal["mixture", "real"] = Field("real", description="a part is painted as what was there")
    generator_rate: float = Field(
        0.001, gt=0, le=1, description="Adam's for the generator, whose SPADE blocks are not equalized"
    )
    crop: Literal["rectangle", "band"] = Field(
        "rectangle", description="regions that training cuts out; a band has the full height, as in the release"
    )
    shortest_side: float = Field(0.25, gt=0, le=1, description="of a region, as a share of the layout's side")
    longest_side: float = Field(1, gt=0, le=1, description="of a region, as a share of the layout's side")

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.shortest_side > self.longest_side:
            yield f"shortest_side = {self.shortest_side:g} is more than longest_side = {self.longest_side:g}: swap them"
        for name, value in self.needed.items():
            if getattr(self, name) != value:
                yield f"{name} = {getattr(self, name)!r} is for whole layouts: here set it to {value!r}"


class SemganParameters(Parameters):
    """SemGAN and its twin that paints colours; both always with the same settings."""

    dataset: Dataset = "colored-shapes"
    height: int = Field(64, ge=16, le=1024, description="of the layouts, px; the window of MS-SSIM has 11")
    max_channels: Channels = 256
    latent_dim: Latent = 100
    learning_rate: Rate = 0.0001
    samples: int = Field(2916, ge=2, le=MOST_SCENES, description="layouts that a metric is computed on")
    val_scenes: int | None = Field(
        None, ge=1, le=MOST_SCENES, description="scenes held out, at most; None in a preset: all"
    )
    batch_size: int = Field(32, ge=1, le=MOST_BATCH, description="layouts a step, over all devices")
    steps: int = Field(50000, ge=1, le=MOST_STEPS, description="training steps")
    kernel_size: int = Field(11, ge=3, le=31, description="of every convolution of both networks, px; odd")
    min_channels: int = Field(32, ge=1, le=4096, description="narrowest features, channels: those of the last block")
    judge_steps: int = Field(
        2000, ge=0, le=MOST_STEPS, description="training steps of the segmenter that gives FD-seg; 0: no FD-seg"
    )
    twin: bool = Field(True, description="also train the twin: the same GAN, painting the classes' colours")

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.kernel_size % 2 == 0:
            yield f"kernel_size = {self.kernel_size} is even: choose an odd one, so that each pixel is a centre"
        if self.min_channels > self.max_channels:
            yield f"min_channels = {self.min_channels} is more than max_channels = {self.max_channels}: swap them"
        if self.train_scenes is not None and self.train_scenes < self.samples:
            yield (
                f"samples = {self.samples} layouts are to be held against train_scenes = {self.train_scenes} real "
                "ones: lower samples, or take more scenes"
            )


class ImageParameters(Parameters):
    """Synthesizers of pictures from layouts, all on one budget, and the segmenters that judge them."""

    dataset: Dataset = "cityscapes-35"
    height: Height = 128
    train_scenes: int | None = Field(
        None, ge=8, le=MOST_SCENES, description="pairs to train on, at most; None in a preset: all; chapter 8 repeats 8"
    )
    max_channels: Channels = 512
    latent_dim: Latent = 256
    learning_rate: Rate = 0.0002
    samples: Samples = 500
    batch_size: int = Field(8, ge=1, le=MOST_BATCH, description="pairs a step, over all devices")
    steps: int = Field(74200, ge=1, le=MOST_STEPS, description="training steps of each synthesizer")
    ngf: int = Field(64, ge=1, le=512, description="narrowest features of a generator, channels")
    ndf: int = Field(64, ge=1, le=512, description="first features of a discriminator, channels")
    hidden: int = Field(128, ge=1, le=1024, description="channels between a layout and GauGAN's modulation")
    doublings: int = Field(6, ge=2, le=7, description="of the size, from GauGAN's first map to its picture")
    decay: bool = Field(True, description="learning rates fall to 0 over the second half")
    perceptual: Literal["auto", "vgg19", "segmenter"] = Field(
        "vgg19", description="whose features the perceptual loss compares; auto is vgg19 where its weights are at hand"
    )
    segmenter: Literal["light", "resnet101"] = Field("resnet101", description="backbone of every segmenter")
    segmenter_steps: int = Field(
        55500, ge=1, le=MOST_STEPS, description="training steps of a segmenter that a run trains, for GAN-train"
    )
    once_steps: int = Field(
        55500, ge=1, le=MOST_STEPS,
        description="training steps of the judge and of the eye, once for a data set and size; of no committed one",
    )  # fmt: skip
    once_scenes: int | None = Field(
        None, ge=2, le=MOST_SCENES, description="scenes of a world to train these on, at most; None in a preset: all"
    )
    segmenter_batch_size: int = Field(16, ge=2, le=MOST_BATCH, description="pairs a step of a segmenter")
    gan_train_pairs: int = Field(
        0, ge=0, le=MOST_SCENES, description="generated pairs to train a segmenter on; 0: always fresh ones"
    )
    progan_images: int = Field(
        800000, ge=1, le=MOST_STEPS, description="real pictures shown a phase of the ProGAN on pictures"
    )

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.segmenter_batch_size < 2 * self.devices:
            yield (
                f"segmenter_batch_size = {self.segmenter_batch_size} is less than 2 pairs for each of devices = "
                f"{self.devices}: give at least {2 * self.devices}"
            )
        if self.progan_images < self.batch_size:
            yield f"progan_images = {self.progan_images} is less than a batch: give at least {self.batch_size}"
        if self.height >> self.doublings < 2:
            yield (
                f"doublings = {self.doublings} leave a first map of less than 2 px at height = {self.height}: "
                "lower doublings, or raise height"
            )


class TuningParameters(ImageParameters):
    """Layout generator and synthesizer tuned end to end, after each has been trained by itself."""

    painter_steps: int = Field(
        0, ge=0, le=MOST_STEPS,
        description="training steps of the painter that is tuned, once for a data set and size; 0: chapter 7's painter",
    )  # fmt: skip
    tuning_steps: int = Field(148600, ge=1, le=MOST_STEPS, description="steps of each tuning")
    tuning_batch_size: int = Field(4, ge=1, le=MOST_BATCH, description="scenes a step of a tuning, over all devices")
    released: bool = Field(False, description="SB-GAN's released code, where it differs from its paper")


# What makes synthetic pairs, and the chapters whose generators that takes.
PAIRS_FROM: dict[str, list[str]] = {
    "none": [], "semi": [], "syn-sbgan": ["04_sb_gan_layouts"], "syn": ["05_semantic_palette"],
    "part": ["13_partial_editing"], "more": [],
}  # fmt: skip


class AugmentationParameters(ImageParameters):
    """A segmenter that learns from real pairs, and from generated ones beside them: one row of Table 3."""

    # What generates the pairs has seen the same scenes as the segmenter, and no others.
    shared: ClassVar[frozenset[str]] = frozenset({"train_scenes"})

    synthetic: Literal["none", "semi", "syn-sbgan", "syn", "part", "more"] = Field(
        "none", description="pairs beside the real ones: painted real, SB-GAN's, Semantic Palette's or edited layouts; "
        "more: real ones that train_scenes leaves out",
    )  # fmt: skip
    labels: Literal["own", "judge"] = Field(
        "own", description="of synthetic pairs: what they were painted on, or what the judge sees in them"
    )
    adapt: bool = Field(False, description="AdvEnt: predictions on real pictures are to look like those on synthetic")
    augment: bool = Field(False, description="random crops, and colours that change")
    copy_paste: bool = Field(False, description="things of other real pictures are put over real ones")
    pairs: int = Field(
        29750, ge=1, le=MOST_SCENES, description="synthetic pairs on disk; the release makes fresh ones in every step"
    )
    baseline: bool = Field(False, description="also train the row real, to hold this one against")

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.adapt and self.synthetic == "none":
            yield "adapt needs synthetic pairs to adapt from: choose synthetic, or leave adapt out"
        if self.labels == "judge" and self.synthetic in ("none", "more"):
            yield f"labels = 'judge' are of synthetic pairs, and synthetic = {self.synthetic!r} has none: choose others"
