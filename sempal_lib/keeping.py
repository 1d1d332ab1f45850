"""What of a finished run is kept under runs/reference: its record, sheets and small weights; never half of them.

Imports no torch, for the queue's sake. Chapter: How it was run.
"""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from sempal_lib import records
from sempal_lib.locks import locked
from sempal_lib.record_model import NAME
from sempal_lib.records import PROCEDURAL, SHEETS, WEIGHTS, RunError, read_record, readable, same_values

LOCK = ".lock"  # of a folder of kept runs, and of a run folder; git ignores it
_LEFTOVER = re.compile(r"\.(?P<name>.+?)\.(\d+\.tmp|(?P<old>old))")


def may_be_shared(record: dict[str, Any]) -> bool:
    """Whether weights of this run may be committed: only those of procedural worlds."""
    return record["dataset"] in PROCEDURAL and record["parameters"]["data_root"] is None


def keep(folder: Path, root: Path | None = None, small_only: bool = False) -> tuple[Path, list[str]]:
    """Copy what may be committed of a finished run to `<root>/<preset>/<chapter>/<folder>/`.

    That is its record, its sheets (`samples*.png`), which show what a model made, and of a procedural world its weights
    (`generator*.safetensors`). `root` is runs/reference if not given. Returns the new folder, and the names of the
    files left out because they hold real data, or with `small_only` are too large, or only another seed's are kept. A
    kill at any moment leaves the old folder or the new one; `sweep`, which every `keep` begins with, then clears up.
    The kept record says `same_as`: other library codes that gave the same numbers, see `records.equal_codes`.
    Raises RunError when there is no record or a damaged one, or, without `small_only`, when weights
    are over 8 MB each or 60 MB in all.
    """
    root = root or records.reference_root()
    record_file = folder / "record.json"
    if not record_file.exists():
        raise RunError(
            f"no record.json in {folder}: only a finished run can be kept. Run its notebook to the end first"
        )
    record = read_record(record_file)
    name = folder.resolve().name
    if not re.fullmatch(NAME, name):  # the record's own names are checked: they, too, become a path
        raise RunError(f"{name!r} is no name of a run folder: only what a run of ours wrote is kept")
    target = root / record["preset"] / record["chapter"] / name
    with locked(root / LOCK):
        sweep(root)
        weights, sheets = sorted(folder.glob(WEIGHTS)), sorted(folder.glob(SHEETS))
        if not may_be_shared(record):
            chosen, left = sheets, [path.name for path in weights]
        else:
            chosen, left = [*weights, *sheets], []
            pattern = f"{record['dataset']}-s*-{record['configuration']}/{WEIGHTS}"
            # What it has kept before it keeps: a run that is done again loses nothing by another seed's weights.
            enough = small_only and not any(target.glob(WEIGHTS)) and any(target.parent.glob(pattern))
            try:
                _check_sizes(weights, root, target)
            except RunError:
                if not small_only:
                    raise
                enough = True
            if enough:
                chosen, left = sheets, [path.name for path in weights]
        same_as = _same_as(record, target)
        fresh = target.with_name(f".{name}.{os.getpid()}.tmp")
        fresh.mkdir(parents=True)
        for path in (record_file, *chosen):
            shutil.copyfile(path, fresh / path.name)
        if same_as:
            text = json.dumps({**record, "same_as": same_as}, indent=1, allow_nan=False) + "\n"
            (fresh / "record.json").write_text(text, encoding="utf-8")
        _flush(fresh)
        old = target.with_name(f".{name}.old")
        if target.exists():
            os.replace(target, old)
        os.replace(fresh, target)
        shutil.rmtree(old, ignore_errors=True)
    return target, left


def _same_as(record: dict[str, Any], target: Path) -> list[str]:
    """Other library codes that gave this run's numbers, by the record that it replaces. Empty without evidence."""
    if not (target / "record.json").exists():
        return []
    old = readable(target / "record.json")  # one that cannot be read tells nothing, and is replaced
    if old is None:
        return []
    # Weights that older code trained and this code only measured would agree whatever this code does.
    alone = record.get("codes") == [record["code"]]
    if not alone or not same_values(record, old):
        return []
    return sorted({old["code"], *old.get("same_as", [])} - {record["code"]})


def _flush(folder: Path) -> None:
    """Have the disk hold a folder's files before anything is moved in their favour."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def sweep(root: Path) -> None:
    """Undo what a killed `keep` left: an old run that was moved aside comes back, half a new one goes.

    Call it with the lock of `root` held, as `keep` does.
    """
    for path in [*root.glob("*/*/.*"), *root.glob(".results.csv.*.tmp")]:
        found = _LEFTOVER.fullmatch(path.name)
        if not found:
            continue
        target = path.with_name(found["name"])
        if path.is_file():
            path.unlink()
        elif found["old"] and not target.exists():
            os.replace(path, target)
        else:
            shutil.rmtree(path)


def _check_sizes(weights: list[Path], root: Path, target: Path) -> None:
    for path in weights:
        if path.stat().st_size > records.MAX_WEIGHTS:
            size = path.stat().st_size / 2**20
            raise RunError(
                f"{path.name} has {size:.1f} MiB, at most {records.MAX_WEIGHTS // 2**20} are kept: "
                "save it in half precision, or keep a run with fewer max_channels"
            )
    others = [path for path in root.rglob("*.safetensors") if target not in path.parents]
    total = sum(path.stat().st_size for path in (*weights, *others))
    if total > records.MAX_ALL_WEIGHTS:
        raise RunError(
            f"weights under {root.name}/ would come to {total / 2**20:.1f} MiB, at most "
            f"{records.MAX_ALL_WEIGHTS // 2**20} are kept: delete the folders of weaker runs first"
        )
