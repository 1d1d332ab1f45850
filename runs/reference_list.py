"""The reference runs that are wanted, from `runs/reference.yaml`, and how far each of them is.

An entry of the list stands for one run a seed (and a row of the ablation). Which of them there are is checked before
anything runs. `runs/reference_runs.py` runs them.
"""

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import notebooks
import yaml
from notebooks import BookError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sempal_lib import ablation, augmentation, face_editing, forms, runs, styles, views
from sempal_lib.data_folders import data_folder
from sempal_lib.records import PROCEDURAL, equal_codes, reference_root

LIST = notebooks.ROOT / "runs" / "reference.yaml"
# Whose runs are rows of a table.
STUDIES = {
    study.chapter: study
    for study in (ablation.ABLATION, augmentation.STUDY, styles.STUDY, forms.STUDY, face_editing.STUDY, views.STUDY)
}
NEED_GPU = ("gpu", "paper")  # presets that would take days without one
STATES = ("kept", "confirmed", "stale", "wanted", "failed", "left out")


class Entry(BaseModel):
    """An entry of the list."""

    model_config = ConfigDict(extra="forbid", strict=True)

    chapter: str
    preset: str
    seeds: list[int] = Field(default=[0], min_length=1)
    parameters: dict[str, Any] = {}
    row: list[str] = []
    dataset: str | None = None
    answers: str = Field(min_length=1)

    @field_validator("row", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


@dataclass(frozen=True)
class Wanted:
    """One run that is wanted.

    Attributes:
        entry: its number in the list, from 1; 0 for a run that only another one needs.
        answers: the question. parameters: all of them, checked. folder: its run folder.
        left_out: why it cannot run here, or None.
    """

    entry: int
    answers: str
    chapter: str
    parameters: Any
    folder: Path
    left_out: str | None = None

    @property
    def name(self) -> str:
        """Folder of the run, below `runs/` and below `runs/reference/`."""
        return f"{self.parameters.preset}/{self.chapter}/{self.folder.name}"

    @property
    def overrides(self) -> dict[str, Any]:
        """What to hand to papermill beside the preset."""
        preset = _plain(self.chapter, self.parameters.preset).model_dump(mode="json")
        values = self.parameters.model_dump(mode="json")
        return {name: value for name, value in values.items() if value != preset[name]}


def load(path: Path = LIST, device: str | None = None, book: Path = notebooks.BOOK) -> list[Wanted]:
    """The runs of a list, in its order: of an entry seed by seed, of a seed row by row.

    Args:
        device: on which all run; the preset's if None.
    Raises BookError that names the entry, its fault and the nearest name.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BookError(f"cannot read {path.name}: {error}") from error
    if not isinstance(content, list):
        raise BookError(f"{path.name} must be a list of entries, each with chapter, preset and answers")
    found: dict[Path, Wanted] = {}
    for number, given in enumerate(content, 1):
        label = f"{path.name}, entry {number}"
        entry = _entry(given, label)
        label += f" ({entry.chapter}, {entry.preset})"
        try:
            wanted = _expanded(entry, number, device, notebooks.chapters(book))
        except (BookError, runs.RunError) as error:
            raise BookError(f"{label}: {error}") from None
        for run in wanted:
            if run.folder in found:
                raise BookError(f"{label}: {run.name} is wanted by entry {found[run.folder].entry} already: drop one")
            found[run.folder] = run
    return list(found.values())


def _entry(given: Any, label: str) -> Entry:
    if not isinstance(given, dict):
        raise BookError(f"{label} must be a map with chapter, preset and answers, but is {given!r}")
    label += f" ({given.get('chapter')})"
    for key in given:
        if key not in Entry.model_fields:
            raise BookError(f"{label}: unknown key {key!r}{_near(str(key), Entry.model_fields)}")
    try:
        return Entry(**given)
    except ValidationError as error:
        (fault, *_) = error.errors()
        raise BookError(f"{label}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


def _near(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return (f": did you mean {near[0]!r}?" if near else ".") + f" There are {', '.join(known)}."


def _expanded(entry: Entry, number: int, device: str | None, chapters: list[str]) -> list[Wanted]:
    if entry.chapter not in chapters:
        raise BookError(f"unknown chapter {entry.chapter!r}{_near(entry.chapter, chapters)}")
    for name in ("preset", "seed", "dataset", "data_root", "device"):
        if name in entry.parameters:
            place = {"seed": "seeds", "data_root": "no key: SEMPAL_DATA says where", "device": "--device"}
            raise BookError(f"{name} does not belong under parameters: its place is {place.get(name, name)}")
    study = STUDIES.get(entry.chapter, ablation.ABLATION)
    for row in entry.row:
        if row not in study.rows:
            raise BookError(f"the {study.name} has no row {row!r}{_near(row, study.rows)}")
    wanted = []
    for seed in entry.seeds:
        for row in entry.row or [None]:
            given = {**(study.of_row(row) if row else {}), **entry.parameters}
            given |= {"preset": entry.preset, "seed": seed, "dataset": entry.dataset, "device": device}
            parameters = _resolved(entry.chapter, given)
            root, left_out = _data(parameters.dataset)
            if entry.preset in NEED_GPU and device != "cpu" and not _has_gpu():
                left_out = f"no GPU here, and preset {entry.preset} is made for one (--device cpu runs it all the same)"
            if root is not None:
                parameters = _resolved(entry.chapter, {**given, "data_root": str(root)})
            wanted.append(run_of(entry.chapter, parameters, number, entry.answers, left_out))
    return wanted


def _resolved(chapter: str, given: dict[str, Any]) -> Any:
    """As `runs.resolve`, which reads the preset's file every time: a long list is checked in a second, not in ten."""
    plain = _plain(chapter, given["preset"])
    try:
        return type(plain)(**{**plain.model_dump(), **{k: v for k, v in given.items() if v is not None}})
    except ValidationError:
        return runs.resolve(chapter, given)  # for its words


@cache
def _plain(chapter: str, preset: str) -> Any:
    return runs.resolve(chapter, {"preset": preset})


@cache
def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _data(name: str) -> tuple[Path | None, str | None]:
    """Folder of a real data set, or why there is none. A world needs none."""
    if name in PROCEDURAL:
        return None, None
    folder = data_folder(name)
    return (None, f"no folder of {name} under SEMPAL_DATA") if folder is None else (folder.absolute(), None)


def run_of(chapter: str, parameters: Any, entry: int = 0, answers: str = "", left_out: str | None = None) -> Wanted:
    return Wanted(entry, answers, chapter, parameters, runs.folder_of(chapter, parameters), left_out)


def needed_by(run: Wanted) -> list[Wanted]:
    """The runs whose weights a run takes, of the same seed, in the order in which they are needed."""
    found = []
    for chapter in notebooks.needs(run.chapter, run.parameters):
        needed = run_of(chapter, runs.parameters_for(chapter, run.parameters), 0, f"needed by {run.name}")
        found += [*needed_by(needed), needed]
    return list({other.folder: other for other in found}.values())


class Reference:
    """The kept records as they are now, and what they say of a run.

    Args:
        root: where runs are kept; runs/reference if None.
    """

    def __init__(self, root: Path | None = None):
        self.root = root or reference_root()
        self.code = runs.code_hash()
        self.records = dict(runs.records_under(self.root, strict=True))  # what is kept and gathered must be whole

    def codes(self, chapter: str) -> set[str]:
        """Hashes of library code whose numbers of a chapter are those of today's."""
        return equal_codes(self.records.values(), chapter, self.code)

    def folder(self, run: Wanted) -> Path | None:
        """Where a run is kept, or None.

        Real data enter a folder's name. Where they are not at hand, a run is the one that is kept with its parameters,
        whichever data it had: of several the latest.
        """
        if (folder := self.root / run.name) in self.records:
            return folder
        if run.parameters.dataset in PROCEDURAL or data_folder(run.parameters.dataset, run.parameters.data_root):
            return None
        found = [
            (record["created"], folder)
            for folder, record in self.records.items()
            if record.get("data") and folder.parent == self.root / run.parameters.preset / run.chapter
            and folder.name == runs.name_of(run.parameters, record["data"])
        ]  # fmt: skip
        return max(found)[1] if found else None

    def record(self, run: Wanted) -> dict[str, Any] | None:
        """The kept record of a run."""
        folder = self.folder(run)
        return None if folder is None else self.records[folder]

    def state(self, run: Wanted) -> str:
        """kept, confirmed (by older code that computes the same), stale (by older code), wanted or left out."""
        record = self.record(run)
        if record and record["code"] == self.code:
            return "kept"
        if record and record["code"] in self.codes(run.chapter):
            return "confirmed"
        if run.left_out:
            return "left out"
        return "stale" if record else "wanted"
