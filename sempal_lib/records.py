"""Run records: what a finished run leaves in `record.json`, and what is read from many of them.

A record holds every parameter, the code, the machine and every metric of one run. Tables in the book and
`runs/reference/results.csv` are made from records, never typed. Imports no torch, for the run graph's sake.
Chapter: How it was run.
"""

import csv
import importlib.metadata
import io
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sempal_lib.code_digests import code_digest
from sempal_lib.files import replacing
from sempal_lib.locks import locked
from sempal_lib.record_model import SYSTEMS as SYSTEMS
from sempal_lib.record_model import RunError, read_record, readable
from sempal_lib.record_model import codes_in as codes_in
from sempal_lib.record_model import read_parameters as read_parameters

PROCEDURAL = (
    "colored-shapes", "toy-street", "toy-crossview", "toy-faces", "toy-fashion", "toy-rooms", "toy-facades",
)  # fmt: skip
HEADER = "run,chapter,system,variant,dataset,preset,seed,metric,value,n,split,device,seconds".split(",")
WEIGHTS = "generator*.safetensors"  # the small weights that a run leaves and that may be committed
SHEETS = "samples*.png"  # pictures that its models made, and none of a data set's own
# Modules and packages at the top of the library that change no metric: they draw, keep, gather and compare.
WITHOUT_NUMBERS = (
    "ablation", "augmentation", "code_digests", "figures", "files", "forms", "keeping", "locks", "pictures",
    "record_model", "records", "results", "run_folders", "sources", "styles", "tables", "views", "widgets",
)  # fmt: skip
SPEEDS = ("images_per_second", "projection_us")  # metrics of the machine: no two runs have the same
MAX_WEIGHTS = 8 * 2**20  # bytes, one file
MAX_ALL_WEIGHTS = 60 * 2**20  # bytes, everything under runs/reference
PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scikit-learn",
    "lightning",
    "torchmetrics",
    "safetensors",
    "pydantic",
)

_PACKAGE = Path(__file__).resolve().parent


def repository() -> Path | None:
    """The checkout that this package lies in, or None when the package is installed without one."""
    root = _PACKAGE.parent
    return root if (root / "runs" / "presets").is_dir() else None


def runs_root() -> Path:
    """Where runs go: the environment variable SEMPAL_RUNS, or `runs/` of the checkout, or `./runs`."""
    root = environment_path("SEMPAL_RUNS")
    if root is None:
        return (repository() or Path.cwd()) / "runs"
    for path in (root, *root.parents):
        if path.exists():
            if not path.is_dir():
                raise RunError(
                    f"SEMPAL_RUNS = {os.environ['SEMPAL_RUNS']!r}: {path} is a file: give a folder for the runs"
                )
            break
    return root.resolve()


def environment_path(name: str) -> Path | None:
    """The path that an environment variable gives, absolute: a relative one counts from the present folder.

    None if it is not set. Raises RunError for what is no path.
    """
    value = os.environ.get(name)
    if not value:
        return None
    try:
        path = Path(value).expanduser().absolute()
        path.exists()  # an OSError if no path can be called so
    except (RuntimeError, OSError) as error:
        raise RunError(f"{name} = {value!r} is no path ({error}): give another one, or unset {name}") from error
    return path


def reference_root() -> Path:
    """The committed records and small weights: `runs/reference/` of the checkout."""
    return (repository() or Path.cwd()) / "runs" / "reference"


def code_hash() -> str:
    """SHA-256 over the library's code, without comments and docstrings; what changes no number does not count."""
    files = (
        path
        for path in _PACKAGE.rglob("*.py")
        if path.relative_to(_PACKAGE).parts[0].removesuffix(".py") not in WITHOUT_NUMBERS
    )
    return code_digest(files, _PACKAGE)


def is_stale(record: dict[str, Any]) -> bool:
    """Whether the record was made by other library code than the present."""
    return record.get("code") != code_hash()


def same_values(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two records hold the same metrics with exactly the same values; speed does not count."""
    names = ("system", "variant", "metric", "split", "value", "n")
    rows = [
        sorted(tuple(row[name] for name in names) for row in record["metrics"] if row["metric"] not in SPEEDS)
        for record in (one, other)
    ]
    return bool(rows[0]) and rows[0] == rows[1]


def equal_codes(records: Iterable[dict[str, Any]], chapter: str, code: str | None = None) -> set[str]:
    """Hashes of library code that compute the same as the present for a chapter, itself among them.

    The evidence is a record's `same_as`: a run that was done again, all of it, and came to the same numbers.
    It carries on: if C gave what B gave, and B what A gave, all three are equal.

    Args:
        records: kept ones, of any chapter. code: another than the present.
    """
    pairs: list[set[str]] = [
        {record["code"], other}
        for record in records
        if record["chapter"] == chapter
        for other in record.get("same_as", [])
    ]
    equal = {code or code_hash()}
    while grown := [pair for pair in pairs if pair & equal and not pair <= equal]:
        equal.update(*grown)
    return equal


def source() -> dict[str, Any]:
    """The code as it stands: hash of the library, commit, and whether tracked files differ from that commit.

    `commit` and `dirty` are None outside a git checkout.
    """
    return {"code": code_hash(), "commit": _git("rev-parse", "HEAD"), "dirty": _dirty()}


def _git(*arguments: str) -> str | None:
    root = repository()
    if root is None or not (root / ".git").exists():
        return None
    try:
        answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _dirty() -> bool | None:
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return None if changes is None else bool(changes)


def machine(device: str) -> dict[str, Any]:
    """Versions, device, threads and peak memory of this process.

    Args:
        device: "auto", "cpu" or "cuda"; auto is CUDA where there is one.
    Returns:
        A record's `versions`, `device`, `threads`, `peak_memory` (bytes of the process since its start) and
        `peak_device_memory` (bytes that tensors took on the GPU, None on a CPU).
    """
    import torch

    cuda = device != "cpu" and torch.cuda.is_available()
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "device": torch.cuda.get_device_name() if cuda else _processor(),
        "threads": torch.get_num_threads(),
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "peak_device_memory": torch.cuda.max_memory_allocated() if cuda else None,
    }


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def write_atomically(path: Path, text: str) -> None:
    """Write a new file and move it into place: at any moment `path` holds the old text or the new, whole."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def records_under(root: Path, strict: bool = False) -> Iterator[tuple[Path, dict[str, Any]]]:
    """(run folder, record) of every record below `root`, in order of their paths.

    Args:
        strict: raise RunError for one that cannot be read, where every one is needed; else it is left out with a
            warning.
    """
    for path in sorted(root.rglob("record.json")):
        if not path.parent.name.startswith("."):  # what a killed `keep` may leave
            record = read_record(path) if strict else readable(path)
            if record is not None:
                yield path.parent, record


def by_seed(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Values of each metric by seed: rows {system, variant, metric, split, values: {seed: value}}, sorted.

    Of two records with the same seed the later counts. Raises RunError if the records' configurations differ.
    """
    ordered = sorted(records, key=lambda record: record["created"])
    configurations = {record["configuration"] for record in ordered}
    if len(configurations) > 1:
        listed = ", ".join(sorted(configurations))
        raise RunError(f"records of different configurations ({listed}) have no common mean: choose one")
    table: dict[tuple[str, str, str, str], dict[str, float]] = {}
    for record in ordered:
        for row in record["metrics"]:
            key = (row["system"], row["variant"], row["metric"], row["split"])
            table.setdefault(key, {})[str(record["seed"])] = row["value"]
    names = ("system", "variant", "metric", "split")
    return [{**dict(zip(names, key, strict=True)), "values": table[key]} for key in sorted(table)]


def summary(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean and spread over seeds: rows {system, variant, metric, split, mean, std, seeds}, sorted.

    `std` is the sample standard deviation (n - 1), None for a single seed; `seeds` is their number.
    """
    rows = []
    for row in by_seed(records):
        values = list(row.pop("values").values())
        std = statistics.stdev(values) if len(values) > 1 else None
        rows.append({**row, "mean": statistics.fmean(values), "std": std, "seeds": len(values)})
    return rows


def gather(root: Path | None = None) -> Path:
    """Write `results.csv` under `root` (default: runs/reference) from the records below it. Returns the file.

    One row a value, sorted. A metric that was not timed by itself gets the seconds of its run. Raises RunError that
    names a damaged record; the file stays as it was.
    """
    root = root or reference_root()
    with locked(root / ".lock"):  # so that it is not read while a run is moved into place
        write_atomically(root / "results.csv", _gathered(root))
    return root / "results.csv"


def _gathered(root: Path) -> str:
    rows = []
    for folder, record in records_under(root, strict=True):
        run = {name: record[name] for name in ("chapter", "dataset", "preset", "seed", "device", "seconds")}
        run["run"] = folder.relative_to(root).as_posix()
        for row in record["metrics"]:
            seconds = run["seconds"] if row["seconds"] is None else row["seconds"]
            rows.append({**run, **row, "seconds": seconds})
    rows.sort(key=lambda row: [str(row[name]) for name in ("run", "system", "variant", "metric", "split")])
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def reference_run(
    chapter: str, dataset: str, preset: str | None = None, root: Path | None = None, holds: str = WEIGHTS,
    **parameters: Any,
) -> Path | None:  # fmt: skip
    """The best committed run folder that holds weights, or what else is asked for; or None.

    Best is the greatest layout height, then the longest training, then the latest. `preset` and `parameters`
    (name=value) narrow the choice. `holds` is a pattern of file names, such as SHEETS: of real data, weights are not
    kept.
    """
    wanted = {"chapter": chapter, "dataset": dataset, **({"preset": preset} if preset else {})}
    found = []
    for folder, record in records_under(root or reference_root()):
        fits = all(record[name] == value for name, value in wanted.items())
        fits = fits and all(record["parameters"].get(name) == value for name, value in parameters.items())
        if fits and any(folder.glob(holds)):
            given = record["parameters"]
            found.append((given["height"], samples_shown(given), record["created"], folder))
    return max(found)[-1] if found else None


def samples_shown(parameters: Mapping[str, Any]) -> int:
    """Real layouts or pictures that the trainings of a run show, as its parameters say; how long it trained."""
    phases = parameters.get("phase_images") or ()
    steps = sum(parameters.get(f"{k}steps", 0) * parameters.get(f"{k}batch_size", 0) for k in ("", "tuning_"))
    return sum(phases) + int(steps)
