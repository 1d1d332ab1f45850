"""Parameters: every setting of a run, its unit and its bounds, and the presets that give it a value.

Imports no torch, so that the run graph can use it. Chapter: How it was run.
"""

import difflib
import os
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sempal_lib.records import RunError, repository

NAME = r"^[a-z0-9]+([_-][a-z0-9]+)*$"
_Counts = tuple[Annotated[int, Field(ge=1)], ...]


class Parameters(BaseModel):
    """All settings of a run, checked: the one flat object of every chapter.

    No field has a default: the presets hold a value for each. Types are strict: a text or a bool is no
    number, a float is no whole number. The two lists hold one entry for each resolution, from 4 px doubling
    up to `height` (see `heights`). Raises pydantic's ValidationError, which `resolve` puts into plain words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    preset: str = Field(pattern=NAME, description="file name of the preset in runs/presets, without .yaml")
    dataset: str = Field(pattern=NAME, description="a name that datasets.load knows, or a bundle's own")
    data_root: str | None = Field(min_length=1, description="folder of a real data set")
    seed: int = Field(ge=0, le=2**32 - 1, description="seed of data, weights, noise and palettes")
    height: int = Field(ge=8, le=1024, description="height of the layouts, px")
    train_scenes: int | None = Field(ge=1, description="scenes to train on, at most; None: what the preset says")
    val_scenes: int | None = Field(ge=1, description="scenes held out, at most; None in a preset: all")
    batch_sizes: _Counts = Field(strict=False, description="layouts a step over all devices, at each resolution")
    phase_images: _Counts = Field(strict=False, description="real layouts shown a phase, at each resolution")
    max_channels: int = Field(ge=1, le=4096, description="widest features, channels")
    channel_base: int = Field(ge=1, description="widest features at 4 px; they halve with each resolution")
    latent_dim: int = Field(ge=1, le=4096, description="length of the noise z")
    learning_rate: float = Field(gt=0, le=1, description="Adam's, for both networks")
    max_components: int = Field(ge=1, le=200, description="Gaussians of the palette mixture, at most")
    samples: int = Field(ge=2, description="layouts that a metric is computed on")
    iterations: int = Field(ge=1, le=1000, description="Sinkhorn iterations of the activation; the paper's is 1")
    activation: Literal["saa", "softmax"] = Field(description="how scores become a soft layout")
    fusion: bool = Field(description="residual conditional fusion")
    multi_scale: bool = Field(description="conditional losses at every resolution")
    soft_real: bool = Field(description="real layouts softened for the discriminator")
    palette_source: Literal["mixture", "real"] = Field(description="where training takes palettes from")
    floor: bool = Field(description="also train the floor: the same GAN without the parts that see the palette")
    ema: bool = Field(description="sample from the moving average of the generator's weights")
    released: bool = Field(description="the quirks of the authors' released code")
    device: Literal["auto", "cpu", "cuda"] = Field(description="auto is cuda where there is one")
    devices: int = Field(ge=1, le=1024, description="processes, one a device")
    precision: Literal["32-true", "bf16-mixed"] = Field(description="number format of training")
    channels_last: bool = Field(description="memory order of features; speed only")
    compile: bool = Field(description="torch.compile; speed only")
    checkpoint_seconds: float = Field(gt=0, description="seconds between checkpoints")

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
        if self.height & (self.height - 1):
            yield f"height = {self.height} is no power of two: choose 8, 16, 32, … 1024 px"
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
        if self.train_scenes is not None and self.train_scenes < self.max_components:
            yield (
                f"max_components = {self.max_components} Gaussians cannot be fitted to train_scenes = "
                f"{self.train_scenes} palettes: lower max_components, or take more scenes"
            )


def _allowed(name: str) -> str:
    """What may stand in a field, in words."""
    info = Parameters.model_fields[name]
    bounds = {type(bound).__name__: getattr(bound, type(bound).__name__.lower(), None) for bound in info.metadata}
    low = f" above {bounds['Gt']}" if "Gt" in bounds else f" from {bounds['Ge']}" if "Ge" in bounds else ""
    limits = low + (f" to {bounds['Le']}" if "Le" in bounds else "")
    kinds = {int: "a whole number" + limits, float: "a number" + limits, bool: "True or False", str: "a text"}
    kind = info.annotation
    options = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if name in ("preset", "dataset"):
        words = "a name of lower-case letters, digits, - and _"
    elif get_origin(kind) is Literal:
        words = " or ".join(repr(value) for value in get_args(kind))
    elif get_origin(kind) is tuple:
        words = "a list of whole numbers from 1"
    else:
        words = " or ".join(kinds[option] for option in options if option in kinds)
    return words + (" or None" if type(None) in options else "") + f" ({info.description})"


def nearest(name: str, cutoff: float = 0.6) -> str | None:
    """The parameter whose name resembles `name` most, by at least `cutoff` of 1, or None."""
    matches = difflib.get_close_matches(name, Parameters.model_fields, n=1, cutoff=cutoff)
    return matches[0] if matches else None


def unknown(name: str, where: str) -> str:
    """The error text for a name that is no parameter."""
    hint = f": did you mean '{nearest(name)}'?" if nearest(name) else "."
    names = ", ".join(sorted(Parameters.model_fields))
    return f"unknown parameter '{name}' for {where}{hint} The parameters are {names}."


def presets_folder() -> Path:
    """The folder of the presets: `runs/presets` of the checkout, or of the present folder."""
    return (repository() or Path.cwd()) / "runs" / "presets"


def preset_values(name: str) -> dict[str, Any]:
    """The values of a preset, from `runs/presets/<name>.yaml`. Raises RunError if it is damaged."""
    known = sorted(path.stem for path in presets_folder().glob("*.yaml"))
    if name not in known:
        raise RunError(f"unknown preset {name!r}: there are {', '.join(known) or 'none'} in {presets_folder()}")
    path = presets_folder() / f"{name}.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RunError(f"cannot read {path}: {error}") from error
    if not isinstance(values, dict) or values.get("preset") != name:
        raise RunError(f"{path} must be a map of parameter names to values, with 'preset: {name}' among them")
    for key in values:
        if key not in Parameters.model_fields:
            raise RunError(unknown(str(key), str(path)))
    missing = [key for key in Parameters.model_fields if key not in values]
    if missing:
        raise RunError(f"{path} gives no value for {', '.join(missing)}: a preset holds every parameter")
    return values


def resolve(chapter: str, given: dict[str, Any]) -> Parameters:
    """The checked parameters of a chapter: what is given, and from the preset what is not given or None.

    The preset is `given["preset"]`, or the environment variable SEMPAL_PRESET, or demo.
    Raises RunError that names the value, what is allowed, and where to change it.
    """
    for name in given:
        if name not in Parameters.model_fields:
            raise RunError(unknown(name, chapter))
    overrides = {name: value for name, value in given.items() if value is not None}
    preset = overrides.get("preset", os.environ.get("SEMPAL_PRESET") or "demo")
    values = preset_values(preset)
    try:
        return Parameters(**{**values, **overrides, "preset": preset})
    except ValidationError as error:
        faults = "\n".join(dict.fromkeys(_fault(detail, overrides, preset) for detail in error.errors()))
        raise RunError(f"{chapter} cannot run with these parameters.\n{faults}") from None


def _fault(detail: Any, overrides: dict[str, Any], preset: str) -> str:
    if not detail["loc"]:
        return str(detail["ctx"]["error"])  # a check of several parameters together, in our own words
    name = str(detail["loc"][0])
    value = overrides.get(name, detail["input"])
    hint = ""
    if isinstance(value, str) and name in ("batch_sizes", "phase_images"):
        hint = f" On papermill's command line give a list by -y '{name}: {value}'."
    elif isinstance(value, str) and re.fullmatch(r"[+-]?\d+e[+-]?\d+", value, re.IGNORECASE):
        hint = " YAML takes this for a text: write 0.001 or 1.0e-3."
    place = (
        "the notebook's first cell, or papermill's -p, -y or -f" if name in overrides else f"runs/presets/{preset}.yaml"
    )
    fault = f"{name} = {value!r} is not possible: allowed is {_allowed(name)}.{hint}"
    return f"{fault} It comes from {place}: change it there."
