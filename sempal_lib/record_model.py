"""Reading what a run leaves: its record, in which names, numbers and keys are checked, its parameters, its codes.

Every record that is read goes through `read_record`. Imports no torch, for the run graph's sake.
Chapter: How it was run.
"""

import json
import warnings
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

# The systems of the book, as they stand in records and tables.
SYSTEMS = (
    "rgb-gan", "semgan", "progan-rgb", "sb-gan", "semantic-palette", "baseline-1", "baseline-2",
    "pix2pix", "pix2pixhd", "gaugan", "gaugan-vae", "lggan", "selectiongan", "x-fork", "x-seq",
    "clvae", "groupdnet", "cimle", "sean", "segmenter",
)  # fmt: skip
NAME = r"^[a-z0-9]+([_-][a-z0-9]+)*$"  # of presets, chapters and data sets
METRIC = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
VARIANT = r"^[a-z0-9]+([+_-][a-z0-9]+)*$"
MAX_SEED = 2**32 - 1


def metric_of(class_name: str) -> str:
    """The metric of a class's IoU: "traffic light" to "iou_traffic_light"."""
    return "iou_" + "_".join("".join(c if c.isalnum() else " " for c in class_name.lower()).split())


class RunError(ValueError):
    """A run cannot start, go on or be kept. The message says why and what to change."""


def _system(name: str) -> str:
    if name not in SYSTEMS:
        raise ValueError(f"no system: there are {', '.join(SYSTEMS)}")
    return name


def _time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


_Name = Annotated[str, Field(pattern=NAME, max_length=200)]
_Seconds = Annotated[float, Field(ge=0)]
_Hash = Annotated[str, Field(min_length=1)]


class _Checked(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")


class _Key(_Checked):
    system: Annotated[str, AfterValidator(_system)]
    variant: Annotated[str, Field(pattern=VARIANT)]
    metric: Annotated[str, Field(pattern=METRIC)]
    split: _Name


class Row(_Key):
    """One metric."""

    value: float
    n: int = Field(ge=1)
    seconds: _Seconds | None


class _SeedRow(_Key):
    values: dict[str, float]


class _Settings(_Checked):
    """Of the parameters what every record has; settings come and go, so the others are not checked."""

    model_config = ConfigDict(extra="allow")

    preset: str
    dataset: str
    seed: int
    data_root: str | None
    height: int


class Record(_Checked):
    """A record. What older ones lack is optional; keys of later ones do no harm."""

    model_config = ConfigDict(extra="allow")

    chapter: _Name
    preset: _Name
    dataset: _Name
    seed: int = Field(ge=0, le=MAX_SEED)
    configuration: str = Field(pattern=r"^[0-9a-f]{8}$")
    data: str | None = Field(None, pattern=r"^[0-9a-f]{12}$")
    parameters: _Settings
    code: _Hash
    codes: list[_Hash] = []
    same_as: list[_Hash] = []
    commit: str | None = None
    dirty: bool | None = None
    versions: dict[str, str | None] = {}
    device: str = Field(min_length=1)
    threads: int | None = None
    peak_memory: int | None = None
    peak_device_memory: int | None = None
    seconds: _Seconds  # of training the weights that it speaks of; of older records, since the run's last start
    wall_seconds: _Seconds | None = None  # since the run's last start
    created: Annotated[str, AfterValidator(_time)]
    metrics: list[Row]
    seeds: list[_SeedRow] = []
    places: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_run(self) -> "Record":
        for name in ("preset", "dataset", "seed"):
            if getattr(self, name) != getattr(self.parameters, name):
                raise ValueError(f"{name} is {getattr(self, name)!r}, its parameters say otherwise")
        seen = set()
        for row in self.metrics:
            key = (row.system, row.variant, row.metric, row.split)
            if key in seen:
                raise ValueError(f"two values of {row.metric} of {row.system} ({row.variant}, {row.split})")
            seen.add(key)
        return self


def _parse(text: str) -> Any:
    """What JSON says. Raises ValueError for a damaged text, and for NaN and infinity, which JSON does not have."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("too many brackets in brackets") from None


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return _no_number(text) if abs(value) == float("inf") else value


def _faults(content: Any) -> list[str]:
    """What is wrong with a record, at most five things, in words; nothing if it is one."""
    if not isinstance(content, dict):
        return ["it holds no JSON object"]
    try:
        Record.model_validate(content)
    except ValidationError as error:
        return [_words(detail) for detail in error.errors()[:5]]
    return []


def _words(detail: Any) -> str:
    place, message = ".".join(map(str, detail["loc"])), detail["msg"].removeprefix("Value error, ")
    if not place or detail["type"] == "missing":
        return f"{place} is missing" if place else message
    if detail["type"] == "string_pattern_mismatch":
        message = "what has another form than ours was not written by a run"
    given = repr(detail["input"])
    return f"{place} = {given if len(given) <= 60 else given[:60] + '…'}: {message}"


def read_record(path: Path) -> dict[str, Any]:
    """A run record, checked: see `Record`. Raises RunError that names the file and its faults."""
    record = _json(path)
    if found := _faults(record):
        raise RunError(
            f"{path} is no run record ({'; '.join(found)}). Restore the file if it was committed, "
            "or move its folder away and run again"
        )
    return dict(record)


def read_parameters(path: Path) -> tuple[dict[str, Any], str | None]:
    """What a run folder's `parameters.json` holds: the parameters, and the fingerprint of real data.

    Raises RunError that names a damaged file.
    """
    content = _json(path)
    if not isinstance(content, dict):
        raise RunError(f"{path} holds no parameters: it is no JSON object. Move its folder away, and run again")
    return {name: value for name, value in content.items() if name != "data"}, content.get("data")


def codes_in(folder: Path) -> list[str]:
    """Hashes of the library codes that have worked in a run folder, the first one first; "unknown" if not noted."""
    note = folder / "codes.json"
    if note.exists():
        codes = _json(note)
        if not isinstance(codes, list) or not all(isinstance(code, str) and code for code in codes):
            raise RunError(f"{note} is no list of codes' hashes. Move its folder away, and run again")
        return codes
    return ["unknown"] if (folder / "record.json").exists() or any(folder.glob("*.safetensors")) else []


def _json(path: Path) -> Any:
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"cannot read {path}: {error}. Delete that file or move its folder away, and run again"
        ) from error


def readable(path: Path) -> dict[str, Any] | None:
    """A record for those who can do without: None for one that cannot be read, with a warning that names it."""
    try:
        return read_record(path)
    except RunError as error:
        warnings.warn(f"left out: {error}", stacklevel=3)
        return None
