"""Run folders: their names, from parameters and data, and the check that no run takes another one's.

Imports no torch, for the run graph's sake. Chapter: How it was run.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from sempal_lib.data_folders import data_folder, data_of, fingerprint
from sempal_lib.parameters import FAMILIES, Parameters, family, resolve
from sempal_lib.record_model import NAME
from sempal_lib.records import PROCEDURAL, RunError, read_parameters, read_record, runs_root, write_atomically

# Where and how fast a run computes, not what: these do not enter a folder's name.
NOT_CONFIGURATION = frozenset(
    {"preset", "data_root", "device", "devices", "compile", "channels_last", "checkpoint_seconds"}
)


def configuration(parameters: Parameters, data: str | None) -> str:
    """First 8 hex digits of the SHA-256 of the parameters that change a result, in canonical JSON, and of real data.

    A parameter with its default is left out, so that a new one renames no run. So is the seed, because it stands in the
    folder's name: runs that differ in it alone share the digits.

    Args:
        data: fingerprint of the real data (`data_folders.data_of`), which tells two folders of one name apart. None:
            of a world. Or the data are not at hand: then no run stands in the folder of this name, for none can start.
    """
    values = parameters.model_dump(mode="json", exclude={*NOT_CONFIGURATION, "seed"}, exclude_defaults=True)
    if data is not None:
        values["data"] = data
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:8]


def folder_of(chapter: str, parameters: Parameters, root: Path | None = None) -> Path:
    """The folder that a run uses, whether it exists or not; real data are looked at for its name."""
    if not re.fullmatch(NAME, chapter):
        raise RunError(f"{chapter!r} is no chapter's name: give the notebook's file name without folder and suffix")
    return (root or runs_root()) / parameters.preset / chapter / name_of(parameters, data_of(parameters))


def name_of(parameters: Parameters, data: str | None) -> str:
    """Name of a run folder, `<dataset>-s<seed>-<configuration>`."""
    return f"{parameters.dataset}-s{parameters.seed}-{configuration(parameters, data)}"


def run_folder(chapter: str, preset: str | None, overrides: dict[str, Any], root: Path | None = None) -> Path:
    """The folder that a run of the chapter with these parameters uses, whether it exists or not."""
    return folder_of(chapter, resolve(chapter, {**overrides, "preset": preset}), root)


def portable(parameters: Parameters) -> dict[str, Any]:
    """The parameters as they stand in a record: plain JSON values, of `data_root` only its last part."""
    values = parameters.model_dump(mode="json")
    if values["data_root"] is not None:
        values["data_root"] = Path(values["data_root"]).resolve().name
    return values


def completed(chapter: str, values: dict[str, Any]) -> dict[str, Any]:
    """A record's parameters with the defaults of those that were declared after it was written."""
    fields = FAMILIES[family(chapter)].model_fields
    defaults = {name: info.get_default() for name, info in fields.items() if not info.is_required()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()} | values


def recorded(chapter: str, values: dict[str, Any]) -> Parameters:
    """The parameters of a record, checked. Of `data_root` a record holds the last part only.

    Raises pydantic's ValidationError, a ValueError, if they are no parameters of the chapter today.
    """
    return FAMILIES[family(chapter)].model_validate(values, strict=False)


def note(parameters: Parameters, data: str | None) -> str:
    """What a run folder's `parameters.json` says."""
    return json.dumps({**portable(parameters), **({"data": data} if data else {})}, indent=1) + "\n"


def check_folder(chapter: str, folder: Path, parameters: Parameters, data: str | None) -> None:
    """Stop when the folder holds a run of other parameters, or of other data."""
    mine = {**portable(parameters), "data": data}
    for path in (folder / "parameters.json", folder / "record.json"):
        if not path.exists():
            continue
        theirs = _held(chapter, path)
        differing = [
            f"{name} = {theirs.get(name)!r} there, {mine.get(name)!r} now"
            for name in sorted({*mine, *theirs} - NOT_CONFIGURATION)
            if name not in theirs or name not in mine or theirs[name] != mine[name]
        ]
        if differing:
            raise RunError(
                f"{path} is of another configuration ({', '.join(differing)}), and no run is overwritten: "
                "move that folder away, or set the environment variable SEMPAL_RUNS to another folder"
            )


def _held(chapter: str, path: Path) -> dict[str, Any]:
    """Parameters, completed, and `data` of a run folder's `parameters.json` or `record.json`."""
    if path.name == "parameters.json":
        values, data = read_parameters(path)
    else:
        record = read_record(path)
        values, data = record["parameters"], record.get("data")
    return {**completed(chapter, values), "data": data}


def rename_folders(root: Path) -> list[tuple[Path, Path]]:
    """Give the run folders below `root` the names that today's code gives them. Nothing is overwritten.

    Names change when a setting gets another default. Runs of real data from before data entered the names get the
    fingerprint of the set's folder under SEMPAL_DATA, if it is called as theirs was; else they stay as they are.
    Returns (old, new) of what was renamed.
    """
    done = []
    for folder in sorted({path.parent for name in ("parameters", "record") for path in root.rglob(f"{name}.json")}):
        files = [path for path in (folder / "record.json", folder / "parameters.json") if path.exists()]
        values = _held(folder.parent.name, files[0])
        data = values.pop("data")
        try:
            parameters = recorded(folder.parent.name, values)
        except ValueError:
            continue  # of settings that there are no more: nothing asks for it
        if data is None and parameters.dataset not in PROCEDURAL:
            there = data_folder(parameters.dataset)
            if there is None or parameters.data_root not in (None, there.resolve().name):
                continue
            data = fingerprint(there.resolve())
        for path in files:
            _bring_up_to_date(path, parameters, data)
        new = folder.with_name(name_of(parameters, data))
        if new != folder and not new.exists():
            folder.replace(new)
            done.append((folder, new))
    return done


def _bring_up_to_date(path: Path, parameters: Parameters, data: str | None) -> None:
    """Have a run folder's file say what its name will say."""
    content = json.loads(path.read_text(encoding="utf-8"))
    changed = {"data": data} if data is not None else {}
    if path.name == "record.json":
        changed = {"configuration": configuration(parameters, data), **changed}
    if any(content.get(name) != value for name, value in changed.items()):
        new = {name: changed.pop(name, value) for name, value in content.items()}
        write_atomically(path, json.dumps({**new, **changed}, indent=1, allow_nan=False) + "\n")
