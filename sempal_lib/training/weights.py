"""Small files of trained generators: what the book shows and what others use."""

from pathlib import Path
from typing import Any

from torch import nn

from sempal_lib.image_gans import (
    CascadeGenerator,
    CascadeSettings,
    ClvaeGenerator,
    ClvaeSettings,
    GlobalGenerator,
    GroupdnetGenerator,
    GroupdnetSettings,
    LgganGenerator,
    LgganSettings,
    Pix2pixhdSettings,
    Pix2pixSettings,
    ProganGenerator,
    SeanGenerator,
    SeanSettings,
    SpadeGenerator,
    SpadeSettings,
    UnetGenerator,
)
from sempal_lib.labels import LabelSpace
from sempal_lib.layout_gans import FaceGenerator, GeneratorSettings, LayoutGenerator, PartialGenerator
from sempal_lib.layout_gans.semgan import SemganGenerator, SemganSettings
from sempal_lib.palettes import PaletteMixture
from sempal_lib.training import checkpoint

# By the name that stands in the file; files without one are of the first kind.
_KINDS: dict[str, tuple[type[nn.Module], type]] = {
    "layout": (LayoutGenerator, GeneratorSettings),
    "partial": (PartialGenerator, GeneratorSettings),
    "faces": (FaceGenerator, GeneratorSettings),
    "semgan": (SemganGenerator, SemganSettings),
    "gaugan": (SpadeGenerator, SpadeSettings),
    "clvae": (ClvaeGenerator, ClvaeSettings),
    "pix2pix": (UnetGenerator, Pix2pixSettings),
    "pix2pixhd": (GlobalGenerator, Pix2pixhdSettings),
    "lggan": (LgganGenerator, LgganSettings),
    "groupdnet": (GroupdnetGenerator, GroupdnetSettings),
    "sean": (SeanGenerator, SeanSettings),
    "cimle": (CascadeGenerator, CascadeSettings),
    "progan": (ProganGenerator, GeneratorSettings),
}


def save_generator(
    path: str | Path,
    generator: Any,
    label_space: LabelSpace,
    mixture: PaletteMixture | None = None,
    half: bool = True,
) -> None:
    """Write a generator with its classes and its palette mixture, in half precision unless told otherwise.

    A tensor with values that half precision cannot hold stays in full.

    Args:
        generator: of layouts or of pictures; any of this library's.
    Raises:
        ValueError: it is something else, a pair for instance; its weights are not finite; or its classes are not as
            many as those of the label space or the mixture.
    Chapter: Progressive layouts, guided by a palette.
    """
    kind = next((name for name, (network, _) in _KINDS.items() if type(generator) is network), None)
    if kind is None:
        raise ValueError(
            f"a {type(generator).__name__} cannot be written: give one generator, each of a pair by itself"
        )
    _check_classes(kind, generator, label_space, mixture)
    tensors = checkpoint.with_prefix("generator", checkpoint.packed(generator.state_dict(), half))
    if mixture is not None:  # small, and its covariances would suffer: always in full
        tensors |= checkpoint.with_prefix("mixture", mixture.tensors())
    labels = {"names": label_space.names, "colors": label_space.colors, "ignore_index": label_space.ignore_index}
    facts = {"kind": kind, "settings": generator.settings.as_dict(), "labels": labels}
    checkpoint.save(path, tensors, facts | ({"aic": mixture.aic} if mixture is not None else {}))


def load_generator(path: str | Path, kind: str | None = None) -> tuple[Any, LabelSpace, PaletteMixture | None]:
    """Read what `save_generator` wrote; the generator is ready to sample from, in float32 on the CPU.

    Args:
        kind: a key of _KINDS, if it must be that; None: any.
    Raises:
        CheckpointError: the file is missing, damaged, or holds something else; its weights are not finite, or its
            label space or mixture has another number of classes than the network.
    """
    tensors, facts = checkpoint.load(path)
    checkpoint.check_finite(path, tensors)
    found_kind = facts.get("kind", "layout")
    if kind is not None and found_kind != kind:
        raise checkpoint.CheckpointError(f"{path} holds a generator of the kind {found_kind}, expected {kind}")
    try:
        network, settings = _KINDS[found_kind]
        generator = network(settings(**facts["settings"]))
        generator.load_state_dict(checkpoint.by_prefix("generator", tensors))
        labels = facts["labels"]
        colors = tuple(tuple(color) for color in labels["colors"])
        label_space = LabelSpace(tuple(labels["names"]), colors, labels["ignore_index"])
        mixture = checkpoint.by_prefix("mixture", tensors)
        found = PaletteMixture.from_tensors(mixture, tuple(facts["aic"])) if mixture else None
        _check_classes(found_kind, generator, label_space, found)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise checkpoint.CheckpointError(
            f"{path} holds no generator of this library ({error}): was it written by save_generator?"
        ) from error
    return generator.eval().requires_grad_(False), label_space, found


def _check_classes(kind: str, generator: Any, label_space: LabelSpace, mixture: PaletteMixture | None) -> None:
    classes = generator.settings.num_classes
    # What ProGAN's trunk calls classes are three colours.
    found = {} if kind == "progan" else {"label space": label_space.num_classes}
    found |= {} if mixture is None else {"mixture": mixture.num_classes}
    for what, number in found.items():
        if number != classes:
            raise ValueError(f"the {what} has {number} classes, the generator {classes}")
