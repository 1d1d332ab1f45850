"""Parameters of a run: from a preset and what is given, by the settings of a chapter's family, to a checked object.

Imports no torch, so that the run graph can use it. Chapter: How it was run.
"""

import difflib
import os
import re
import types
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml  # type: ignore[import-untyped]
from pydantic import ValidationError

from sempal_lib.records import RunError, repository
from sempal_lib.settings import (
    AugmentationParameters,
    ImageParameters,
    LayoutParameters,
    Parameters,
    PartialParameters,
    SemganParameters,
    TuningParameters,
)
from sempal_lib.settings_of_faces import FaceParameters
from sempal_lib.settings_of_lggan import CrossViewParameters, LgganParameters
from sempal_lib.settings_of_styles import StyleParameters

__all__ = [
    "CHAPTERS", "FAMILIES", "AugmentationParameters", "CrossViewParameters", "FaceParameters", "ImageParameters",
    "LayoutParameters", "LgganParameters", "Parameters", "PartialParameters", "SemganParameters", "StyleParameters",
    "TuningParameters", "absolute", "family", "form_of", "least_scenes", "nearest", "preset_values", "presets_folder",
    "resolve", "row_parameters", "unknown",
]  # fmt: skip

# A preset has a section for each family. A family that another one is derived from lends it its section.
FAMILIES: dict[str, type[Parameters]] = {
    "layouts": LayoutParameters, "semgan": SemganParameters, "images": ImageParameters, "tuning": TuningParameters,
    "partial": PartialParameters, "augmentation": AugmentationParameters, "styles": StyleParameters,
    "lggan": LgganParameters, "crossview": CrossViewParameters, "faces": FaceParameters,
}  # fmt: skip
CHAPTERS: dict[str, str] = {
    "01_how_to_use": "layouts", "02_layouts_and_palettes": "layouts", "03_semgan": "semgan",
    "04_sb_gan_layouts": "layouts", "05_semantic_palette": "layouts", "06_ablation": "layouts",
    "07_painting_by_layout": "images", "08_judging_with_a_segmenter": "images", "09_end_to_end": "tuning",
    "10_lggan": "lggan", "11_cross_view": "crossview", "12_class_layer_vae": "styles", "13_partial_editing": "partial",
    "14_data_augmentation": "augmentation", "15_face_editing": "faces", "16_material_editing": "styles",
}  # fmt: skip
# Chapters that train another form of their family's system than the paper's whole: a file of runs/ablation.
_ROW_OF = {"04_sb_gan_layouts": "sb-gan", "06_ablation": "baseline-1"}


def family(chapter: str) -> str:
    """The family of chapters whose parameters a chapter has: a key of FAMILIES.

    A notebook of your own, whose name does not begin with a number as the chapters' do, has those of the layouts.
    Raises RunError for a number without such a chapter.
    """
    if chapter not in CHAPTERS and re.match(r"\d", chapter):
        raise RunError(f"unknown chapter {chapter!r}{_near(chapter, CHAPTERS)}")
    return CHAPTERS.get(chapter, "layouts")


def _near(name: str, known: Iterable[str]) -> str:
    """The end of a sentence on an unknown name: the nearest known one, and all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    return (f": did you mean {near[0]!r}?" if near else ".") + f" There are {', '.join(names)}."


def _allowed(name: str, kind_of: type[Parameters]) -> str:
    """What may stand in a field, in words."""
    info = kind_of.model_fields[name]
    bounds = {type(bound).__name__: getattr(bound, type(bound).__name__.lower(), None) for bound in info.metadata}
    low = f" above {bounds['Gt']}" if "Gt" in bounds else f" from {bounds['Ge']}" if "Ge" in bounds else ""
    limits = low + (f" to {bounds['Le']}" if "Le" in bounds else "")
    kinds = {int: "a whole number" + limits, float: "a number" + limits, bool: "True or False", str: "a text"}
    kind = info.annotation
    options = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if name in ("preset", "dataset"):
        words = "a name of lower-case letters, digits, - and _" + (", at most 100" if name == "dataset" else "")
    elif get_origin(kind) is Literal:
        words = " or ".join(repr(value) for value in get_args(kind))
    elif get_origin(kind) is tuple:
        most = next(bound.le for bound in get_args(get_args(kind)[0])[1].metadata if hasattr(bound, "le"))
        words = f"a list of whole numbers from 1 to {most}"
    else:
        words = " or ".join(kinds[option] for option in options if option in kinds)
    return words + (" or None" if type(None) in options else "") + f" ({info.description})"


def least_scenes(parameters: Parameters, split: str) -> int:
    """How many scenes a run needs in "train" or "val"."""
    bounds = type(parameters).model_fields[f"{split}_scenes"].metadata
    return next(int(bound.ge) for bound in bounds if hasattr(bound, "ge"))


def nearest(name: str, chapter: str, cutoff: float = 0.6) -> str | None:
    """The chapter's parameter whose name resembles `name` most, by at least `cutoff` of 1, or None."""
    matches = difflib.get_close_matches(name, FAMILIES[family(chapter)].model_fields, n=1, cutoff=cutoff)
    return matches[0] if matches else None


def unknown(name: str, chapter: str) -> str:
    """The error text for a name that is no parameter of a chapter."""
    near = nearest(name, chapter)
    hint = f": did you mean '{near}'?" if near else "."
    elsewhere = [key for key, kind in FAMILIES.items() if name in kind.model_fields]
    if elsewhere and not near:
        hint = f": it is one of the family {elsewhere[0]}."
    names = ", ".join(sorted(FAMILIES[family(chapter)].model_fields))
    return f"unknown parameter '{name}' for {chapter}{hint} The parameters are {names}."


def presets_folder() -> Path:
    """The folder of the presets: `runs/presets` of the checkout, or of the present folder."""
    return (repository() or Path.cwd()) / "runs" / "presets"


def form_of(chapter: str) -> dict[str, Any]:
    """The parameters of the form that a chapter trains, where it is another one than its paper's whole; else none."""
    return row_parameters(_ROW_OF[chapter]) if chapter in _ROW_OF else {}


def row_parameters(name: str) -> dict[str, Any]:
    """The parameters of `runs/ablation/<name>.yaml`, a form of the layout GAN. Raises RunError if there is no such."""
    return dict(_row(presets_folder().parent / "ablation", name))


@cache
def _row(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.yaml"
    known = sorted(other.stem for other in folder.glob("*.yaml"))
    if name not in known:
        raise RunError(f"the ablation has no row {name!r}: the rows are {', '.join(known)}, each a file in {folder}")
    values: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return values


def preset_values(name: str, chapter: str, dataset: str | None = None) -> dict[str, Any]:
    """What a preset says for a chapter, from `runs/presets/<name>.yaml`; what it does not say has its default.

    The values common to all, over them those of the chapter's families, over them the form that the chapter trains,
    over them the chapter's own section. Of a section, what it says of the data set comes over what it says of all.

    Args:
        dataset: that the run reads; None: the preset's, or the chapter's default.
    Raises:
        RunError: the file is damaged, or holds an unknown name.
    """
    parts = _preset_parts(name, chapter)
    return _merged(parts, dataset or _dataset_of(parts, chapter))


def _preset_parts(name: str, chapter: str) -> list[dict[str, Any]]:
    """The maps of a preset that count for a chapter, the weakest first. Raises RunError as `preset_values` does."""
    known = sorted(path.stem for path in presets_folder().glob("*.yaml"))
    if name not in known:
        raise RunError(f"unknown preset {name!r}: there are {', '.join(known) or 'none'} in {presets_folder()}")
    path = presets_folder() / f"{name}.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RunError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or content.get("preset") != name:
        raise RunError(f"{path} must be a map of parameter names to values, with 'preset: {name}' among them")
    common = {key: value for key, value in content.items() if key != "chapters"}
    for key in common:
        if key not in FAMILIES[family(chapter)].model_fields:
            raise RunError(f"{path}: {unknown(str(key), chapter)}")
    return [common, *_sections(content.get("chapters"), chapter, f"{path}: ")]


def _sections(sections: Any, chapter: str, where: str = "") -> list[dict[str, Any]]:
    """The sections of a preset that count for a chapter, the weakest first: of its families, of its form, its own.

    Args:
        where: what an error's text begins with.
    """
    sections = sections or {}
    if not isinstance(sections, dict) or not all(isinstance(part, dict) for part in sections.values()):
        raise RunError(f"{where}'chapters' must be a map of families ({', '.join(FAMILIES)}) to their values")
    for name in sections:
        if name not in FAMILIES and name not in CHAPTERS:
            raise RunError(f"{where}'chapters' has {name!r}{_near(str(name), [*FAMILIES, *CHAPTERS])}")
    mine: type[Parameters] = FAMILIES[family(chapter)]
    parts = [sections.get(name, {}) for name, kind in FAMILIES.items() if issubclass(mine, kind)]
    parts += [form_of(chapter), sections.get(chapter, {})]
    for part in parts:
        by_dataset = part.get("datasets", {})
        if not isinstance(by_dataset, dict) or not all(isinstance(values, dict) for values in by_dataset.values()):
            raise RunError(f"{where}'datasets' must be a map of data sets' names to the values that only they have")
        for key in [key for values in (part, *by_dataset.values()) for key in values if key != "datasets"]:
            if key not in mine.model_fields:
                raise RunError(f"{where}{unknown(str(key), chapter)}")
        if any("dataset" in values or "datasets" in values for values in by_dataset.values()):
            raise RunError(f"{where}'datasets' gives a data set another name: choose it by dataset, beside 'datasets'")
    return parts


def _merged(parts: Iterable[dict[str, Any]], dataset: Any) -> dict[str, Any]:
    """The values of several maps for a data set, later ones over earlier ones."""
    values: dict[str, Any] = {}
    for part in parts:
        values |= {key: value for key, value in part.items() if key != "datasets"}
        values |= part.get("datasets", {}).get(dataset, {}) if isinstance(dataset, str) else {}
    return values


def _dataset_of(parts: list[dict[str, Any]], chapter: str) -> Any:
    """The data set of a run: what the last map says that says any, or the family's default."""
    named = (part["dataset"] for part in reversed(parts) if part.get("dataset") is not None)
    return next(named, FAMILIES[family(chapter)].model_fields["dataset"].get_default())


def resolve(chapter: str, given: dict[str, Any]) -> Any:
    """The checked parameters of a chapter: what is given, and from the preset what is not given or None.

    The preset is `given["preset"]`, or the environment variable SEMPAL_PRESET, or demo. `given` may hold a whole
    preset, as papermill's -f hands it over: of its `chapters` this chapter's section and its family's count.

    Returns:
        The family's Parameters.
    Raises:
        RunError: names the value, what is allowed, and where to change it.
    """
    kind = FAMILIES[family(chapter)]
    alone = {name: value for name, value in given.items() if name != "chapters"}
    for name in alone:
        if name not in kind.model_fields:
            raise RunError(unknown(name, chapter))
    # What was given by itself counts for more than what came with a section.
    parts = _sections(given["chapters"], chapter) if given.get("chapters") else []
    parts.append({name: value for name, value in alone.items() if value is not None})
    preset = _merged(parts, None).get("preset", os.environ.get("SEMPAL_PRESET") or "demo")
    of_preset = _preset_parts(preset, chapter)
    dataset = _dataset_of([*of_preset, *parts], chapter)
    values, overrides = _merged(of_preset, dataset), _merged(parts, dataset)
    root = overrides.get("data_root", values.get("data_root"))
    if isinstance(root, str) and root:
        overrides["data_root"] = absolute(root)
    try:
        return kind(**{**values, **overrides, "preset": preset})
    except ValidationError as error:
        faults = "\n".join(dict.fromkeys(_fault(detail, overrides, preset, kind) for detail in error.errors()))
        raise RunError(f"{chapter} cannot run with these parameters.\n{faults}") from None


def absolute(data_root: str) -> str:
    """A data set's folder in full: a relative one counts from the present one. Raises RunError for what is no path."""
    try:
        return str(Path(data_root).expanduser().absolute())
    except RuntimeError as error:
        raise RunError(f"data_root = {data_root!r} is no folder ({error}): give the path of a data set") from error


def _fault(detail: Any, overrides: dict[str, Any], preset: str, kind: type[Parameters]) -> str:
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
    fault = f"{name} = {value!r} is not possible: allowed is {_allowed(name, kind)}.{hint}"
    return f"{fault} It comes from {place}: change it there."
