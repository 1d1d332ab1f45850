"""Runs: a preset and a few overrides in, one checked settings object, one folder and one record out.

Every chapter's first cells name its parameters and hand them to `Run.start`, which stops at once on an
unknown name, a wrong type or an impossible value. `python -m sempal_lib.runs --help` lists the commands.
Imports no torch, so that the run graph can use it. Chapter: How it was run.
"""

import argparse
import hashlib
import json
import math
import re
import shlex
import shutil
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from sempal_lib.files import replacing
from sempal_lib.keeping import keep
from sempal_lib.parameters import FAMILIES, NAME, Parameters, family, form_of, nearest, preset_values, resolve, unknown
from sempal_lib.processes import check_device
from sempal_lib.records import (
    SYSTEMS,
    RunError,
    by_seed,
    code_hash,
    codes_in,
    gather,
    is_stale,
    machine,
    read_record,
    records_under,
    reference_root,
    reference_run,
    runs_root,
    source,
    summary,
    write_atomically,
)

__all__ = [
    "Parameters", "Run", "RunError", "code_hash", "gather", "is_stale", "keep", "preset_values",
    "records_under", "reference_run", "require_checkpoint", "resolve", "run_folder", "summary",
]  # fmt: skip

# Where and how fast a run computes, not what: these do not enter a folder's name.
NOT_CONFIGURATION = frozenset(
    {"preset", "data_root", "device", "devices", "compile", "channels_last", "checkpoint_seconds"}
)
_PLAIN = (int, float, str, bool, type(None), list, tuple, dict)


def configuration(parameters: Parameters) -> str:
    """First 8 hex digits of the SHA-256 of the parameters that change a result, in canonical JSON.

    A parameter with its default is left out, so that a new one renames no run. So is the seed, because it stands in the
    folder's name: runs that differ in it alone share the digits.
    """
    values = parameters.model_dump(mode="json", exclude={*NOT_CONFIGURATION, "seed"}, exclude_defaults=True)
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:8]


def folder_of(chapter: str, parameters: Parameters, root: Path | None = None) -> Path:
    if not re.fullmatch(NAME, chapter):
        raise RunError(f"{chapter!r} is no chapter's name: give the notebook's file name without folder and suffix")
    name = f"{parameters.dataset}-s{parameters.seed}-{configuration(parameters)}"
    return (root or runs_root()) / parameters.preset / chapter / name


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


def command(chapter: str, parameters: Parameters) -> str:
    """The papermill command line that makes this run."""
    preset = resolve(chapter, {"preset": parameters.preset}).model_dump(mode="json")
    words = f"papermill book/{chapter}.ipynb out.ipynb -f runs/presets/{parameters.preset}.yaml".split()
    for name, value in parameters.model_dump(mode="json").items():
        if value != preset[name]:
            words += ["-y", f"{name}: {json.dumps(value)}"]
    return shlex.join(words)


def parameters_for(chapter: str, parameters: Parameters) -> Parameters:
    """The parameters with which another chapter makes what a run needs from it.

    The same ones within a family, and within the one that it is derived from, in the form that the other chapter
    trains. Of another family: the preset's, for the same data and seed, on the same machine.
    """
    kind = FAMILIES[family(chapter)]
    if issubclass(type(parameters), kind):
        return kind(**{name: getattr(parameters, name) for name in kind.model_fields} | form_of(chapter))
    shared = {"preset", "dataset", "data_root", "seed", *NOT_CONFIGURATION}
    return resolve(chapter, parameters.model_dump(include=shared))


def require_checkpoint(chapter: str, parameters: Parameters, name: str = "generator.safetensors") -> Path:
    """A file of another chapter's run, see `parameters_for`. Raises RunError with the command that makes it."""
    parameters = parameters_for(chapter, parameters)
    path = folder_of(chapter, parameters) / name
    if not path.exists():
        raise RunError(
            f"this chapter builds on {chapter}, whose {name} is not in {path.parent}. "
            f"Make it, in the folder of the project, by\n    {command(chapter, parameters)}"
        )
    return path


def _check_folder(chapter: str, folder: Path, parameters: Parameters) -> None:
    """Stop when the folder holds a run of other parameters."""
    mine = portable(parameters)
    for path in (folder / "parameters.json", folder / "record.json"):
        if not path.exists():
            continue
        content = read_record(path)
        theirs = completed(chapter, content if path.name == "parameters.json" else content.get("parameters", {}))
        names = sorted({*mine, *theirs} - NOT_CONFIGURATION)
        if mine["data_root"] and theirs.get("data_root"):
            names.append("data_root")
        differing = [
            f"{name} = {theirs.get(name)!r} there, {mine.get(name)!r} now"
            for name in names
            if name not in theirs or name not in mine or theirs[name] != mine[name]
        ]
        if differing:
            raise RunError(
                f"{path} is of another configuration ({', '.join(differing)}), and no run is overwritten: "
                "move that folder away, or set the environment variable SEMPAL_RUNS to another folder"
            )


def _given(chapter: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """The parameters among a notebook's globals. Raises RunError for plain data of an unknown name."""
    # A cell that is run again finds the chapter's own variables too: then only near-misses are faults.
    again = any(isinstance(value, Run) for value in namespace.values())
    given = {}
    for name, value in namespace.items():
        plain = type(value) in _PLAIN
        if name.startswith("_") or name in ("In", "Out"):
            continue
        if name in FAMILIES[family(chapter)].model_fields or name == "chapters":
            if plain or not again:
                given[name] = value
        elif plain and (not again or nearest(name, chapter, cutoff=0.9)):
            raise RunError(f"{unknown(name, chapter)} In a kernel that keeps running, also say: del {name}")
    return given


@dataclass
class Run:
    """One run of a chapter: its parameters, its folder, its metrics. Made by `Run.start`.

    Attributes:
        parameters: the checked settings.
        folder: `runs/<preset>/<chapter>/<dataset>-s<seed>-<hash>/`.
        metrics: rows {system, variant, metric, value, n, split, seconds}.
        codes: hashes of the library codes that have worked in the folder, the first one first.
    """

    chapter: str
    parameters: Parameters
    folder: Path
    metrics: list[dict[str, Any]] = field(default_factory=list)
    # The library codes that have worked in the folder: of more than one, what was trained may be of the first.
    codes: list[str] = field(default_factory=list)
    # The code as it was when the run began, which a long run's end may not find again.
    _source: dict[str, Any] = field(default_factory=source, repr=False)
    _began: float = field(default_factory=time.monotonic, repr=False)

    @classmethod
    def start(cls, chapter: str, namespace: dict[str, Any]) -> "Run":
        """Check a notebook's parameters and take its run folder.

        Args:
            chapter: file name of the notebook, without suffix.
            namespace: its `globals()`. Plain data there is a parameter, unless its name begins with "_".
        Raises:
            RunError: unknown name, wrong type, impossible value, folder of another configuration. Nothing is
                written then.
        """
        parameters = resolve(chapter, _given(chapter, namespace))
        check_device(parameters)
        folder = folder_of(chapter, parameters)
        _check_folder(chapter, folder, parameters)
        codes = list(dict.fromkeys([*codes_in(folder), code_hash()]))
        write_atomically(folder / "codes.json", json.dumps(codes) + "\n")
        write_atomically(folder / "parameters.json", json.dumps(portable(parameters), indent=1) + "\n")
        return cls(chapter, parameters, folder, codes=codes)

    @property
    def checkpoint(self) -> Path:
        """Where training keeps its state, to go on from."""
        return self.folder / "checkpoint.safetensors"

    def borrow(self, chapter: str, name: str, mine: str) -> Path:
        """A place for a training that a chapter of the same family does too: what stands there is copied, once.

        Args:
            chapter, name: a finished run of it with the same settings may hold this file. mine: its name in this run.
        Returns:
            The file's place in this run's folder, where the training goes on, or begins if there was nothing to copy.
        """
        place, theirs = self.folder / mine, folder_of(chapter, parameters_for(chapter, self.parameters))
        if not place.exists() and (theirs / "record.json").exists() and (theirs / name).exists():
            with replacing(place) as new:
                shutil.copyfile(theirs / name, new)
        return place

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def measure(
        self,
        system: str,
        variant: str,
        metric: str,
        value: float,
        n: int,
        split: str,
        seconds: float | None = None,
    ) -> None:
        """Add a metric to the record; measured again, it replaces the former value.

        Args:
            system: one of `records.SYSTEMS`. variant: which of its forms.
            metric: lower-case with underscores.
            value: finite number; proportions, IoU and accuracy as fractions.
            n: number of samples that it was computed on. split: of which part of the data set.
            seconds: what computing it took, if known.
        Raises:
            RunError: that names the metric and its fault.
        """
        value, label = float(value), f"{metric} of {system} ({variant})"
        if system not in SYSTEMS:
            raise RunError(f"{metric}: unknown system {system!r}. The systems are {', '.join(SYSTEMS)}")
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", metric):
            raise RunError(f"{metric!r} is no metric's name: write lower case, digits and underscores")
        if not re.fullmatch(r"[a-z0-9]+([+_-][a-z0-9]+)*", variant) or not re.fullmatch(NAME, split):
            raise RunError(f"{label}: variant and split = {split!r} must be lower-case names, as 'full', 'val'")
        if not math.isfinite(value):
            raise RunError(f"{label} is {value}, not a finite number: it is not recorded. Check what it is of")
        if type(n) is not int or n < 1:
            raise RunError(f"{label}: n = {n!r} is not possible: give the number of samples, from 1")
        key = {"system": system, "variant": variant, "metric": metric, "split": split}
        self.metrics = [row for row in self.metrics if any(row[name] != key[name] for name in key)]
        timed = None if seconds is None else float(seconds)
        self.metrics.append({**key, "value": value, "n": n, "seconds": timed})

    def siblings(self) -> list[dict[str, Any]]:
        """Records of the same chapter and configuration with other seeds, by seed: of this machine, or committed ones.

        Of this machine only those of the same library code count, for a spread over two versions of the code would say
        nothing about the seed. Each gets its `place`: "here", "kept" for a committed record, "kept, older code".
        """
        pattern = f"{self.parameters.dataset}-s*-{configuration(self.parameters)}/record.json"
        found: dict[int, dict[str, Any]] = {}
        kept = reference_root() / self.parameters.preset / self.chapter
        for place, folder in (("kept", kept), ("here", self.folder.parent)):
            for path in sorted(folder.glob(pattern)):
                record = read_record(path)
                same = record["code"] == self._source["code"]
                if record["seed"] != self.parameters.seed and (same or place == "kept"):
                    found[record["seed"]] = {**record, "place": place if same else f"{place}, older code"}
        return [found[seed] for seed in sorted(found)]

    def finish(self) -> dict[str, Any]:
        """Write `record.json` into the run folder, whole or not at all. Returns the record."""
        parameters = portable(self.parameters)
        record = {
            "chapter": self.chapter,
            **{name: parameters[name] for name in ("preset", "dataset", "seed")},
            "configuration": configuration(self.parameters),
            "parameters": parameters,
            **self._source,
            "codes": self.codes,
            **machine(self.parameters.device),
            "seconds": self.elapsed,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "metrics": self.metrics,
        }
        others = self.siblings()
        record["seeds"] = by_seed([*others, record])
        record["places"] = {str(other["seed"]): other["place"] for other in ({**record, "place": "here"}, *others)}
        write_atomically(self.folder / "record.json", json.dumps(record, indent=1, allow_nan=False) + "\n")
        return record


def rename_folders(root: Path) -> list[tuple[Path, Path]]:
    """Give the run folders below `root` the names that today's code gives their parameters. Nothing is overwritten.

    Names change when a setting gets another default. Returns (old, new) of what was renamed.
    """
    done = []
    for folder in sorted({path.parent for name in ("parameters", "record") for path in root.rglob(f"{name}.json")}):
        files = [path for path in (folder / "record.json", folder / "parameters.json") if path.exists()]
        content = read_record(files[0])
        try:
            parameters = recorded(folder.parent.name, content.get("parameters", content))
        except ValueError:
            continue  # of settings that there are no more: nothing asks for it
        if "configuration" in content and content["configuration"] != configuration(parameters):
            content["configuration"] = configuration(parameters)
            write_atomically(files[0], json.dumps(content, indent=1, allow_nan=False) + "\n")
        new = folder.with_name(f"{parameters.dataset}-s{parameters.seed}-{configuration(parameters)}")
        if new != folder and not new.exists():
            folder.replace(new)
            done.append((folder, new))
    return done


def _assignment(text: str) -> tuple[str, Any]:
    """name=value of a command line; the value as YAML has it."""
    name, sign, value = text.partition("=")
    if not sign:
        raise RunError(f"{text!r} gives no value: write {text}=…, as in seed=1")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RunError(f"{text!r} is no value that YAML knows ({str(error).splitlines()[0]}): quote a text") from None


def main(arguments: list[str] | None = None) -> int:
    """The command line: `show`, `keep`, `gather`. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sempal_lib.runs", description="Run folders and their records.")
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="print a run's parameters and folder, and run nothing")
    show.add_argument("chapter", help="such as 05_semantic_palette")
    show.add_argument("values", nargs="*", metavar="name=value", help="such as preset=smoke or batch_sizes=[8,8]")
    commands.add_parser("keep", help="copy a finished run to runs/reference").add_argument("folder", type=Path)
    rename = commands.add_parser("rename", help="give run folders the names that today's code gives their parameters")
    rename.add_argument("root", type=Path, nargs="?", help="runs, or runs/reference (both, if not given)")
    commands.add_parser("gather", help="write runs/reference/results.csv from the records beside it")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "show":
            parameters = resolve(chosen.chapter, dict(map(_assignment, chosen.values)))
            for name, value in parameters.model_dump(mode="json").items():
                text = yaml.safe_dump({name: value}, default_flow_style=None, width=1000).strip()
                text = text.removeprefix("{").removesuffix("}")
                print(f"{text:32}  # {type(parameters).model_fields[name].description}")
            print(f"# folder: {folder_of(chosen.chapter, parameters)}\n# {command(chosen.chapter, parameters)}")
        elif chosen.command == "keep":
            target, left = keep(chosen.folder)
            print(f"kept {target}" + (f"; left out, being of real data: {', '.join(left)}" if left else ""))
        elif chosen.command == "rename":
            for root in [chosen.root] if chosen.root else dict.fromkeys([runs_root(), reference_root()]):
                for old, new in rename_folders(root):
                    print(f"{old} → {new.name}")
        else:
            print(f"wrote {gather()}")
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
