"""Runs: a preset and a few overrides in, one checked settings object, one folder and one record out.

Every chapter's first cells name its parameters and hand them to `Run.start`, which stops at once on an
unknown name, a wrong type or an impossible value. `python -m sempal_lib.runs --help` lists the commands.
Imports no torch, so that the run graph can use it. Chapter: How it was run.
"""

import argparse
import contextlib
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

from sempal_lib.data_folders import check_data, data_of, fingerprint
from sempal_lib.files import replacing
from sempal_lib.keeping import keep
from sempal_lib.parameters import FAMILIES, Parameters, family, form_of, nearest, preset_values, resolve, unknown
from sempal_lib.processes import check_device
from sempal_lib.record_model import METRIC, NAME, VARIANT
from sempal_lib.records import (
    SYSTEMS,
    RunError,
    by_seed,
    code_hash,
    codes_in,
    equal_codes,
    gather,
    is_stale,
    machine,
    readable,
    records_under,
    reference_root,
    reference_run,
    runs_root,
    source,
    summary,
    write_atomically,
)
from sempal_lib.run_folders import (
    NOT_CONFIGURATION,
    check_folder,
    completed,
    configuration,
    folder_of,
    name_of,
    note,
    portable,
    recorded,
    rename_folders,
    run_folder,
)

__all__ = [
    "NOT_CONFIGURATION", "Parameters", "Run", "RunError", "code_hash", "completed", "configuration", "folder_of",
    "gather", "is_stale", "keep", "name_of", "portable", "preset_values", "recorded", "records_under", "reference_run",
    "rename_folders", "require_checkpoint", "resolve", "run_folder", "runs_root", "summary",
]  # fmt: skip

_PLAIN = (int, float, str, bool, type(None), list, tuple, dict)


def command(chapter: str, parameters: Parameters) -> str:
    """The papermill command line that makes this run."""
    given = {"preset": parameters.preset}
    usual = resolve(chapter, given).dataset
    preset = resolve(chapter, given | {"dataset": parameters.dataset}).model_dump(mode="json")
    words = f"papermill book/{chapter}.ipynb out.ipynb -f runs/presets/{parameters.preset}.yaml".split()
    for name, value in parameters.model_dump(mode="json").items():
        if value != (usual if name == "dataset" else preset[name]):
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
    shared = {"preset", "dataset", "data_root", "seed", *NOT_CONFIGURATION, *parameters.shared}
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
        data: fingerprint of the real data that it reads; None of a world.
        metrics: rows {system, variant, metric, value, n, split, seconds}.
        codes: hashes of the library codes that have worked in the folder, the first one first.
    """

    chapter: str
    parameters: Parameters
    folder: Path
    data: str | None = None
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
            RunError: unknown name, wrong type, impossible value, data that cannot be opened, folder of another
                configuration. Nothing is written then.
        """
        parameters = resolve(chapter, _given(chapter, namespace))
        check_device(parameters)
        check_data(parameters)
        fingerprint.cache_clear()  # a kernel that keeps running may find other data than at its last start
        data = data_of(parameters)
        folder = folder_of(chapter, parameters)
        check_folder(chapter, folder, parameters, data)
        codes = list(dict.fromkeys([*codes_in(folder), code_hash()]))
        try:
            write_atomically(folder / "codes.json", json.dumps(codes) + "\n")
            write_atomically(folder / "parameters.json", note(parameters, data))
        except OSError as error:
            raise RunError(
                f"cannot write into {folder}: {error.strerror}. Set the environment variable SEMPAL_RUNS "
                "to another folder"
            ) from error
        return cls(chapter, parameters, folder, data, codes=codes)

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

    @property
    def trained(self) -> float:
        """Seconds of all trainings whose checkpoints lie in the run's folder, each with all its stretches.

        So those count that an earlier start of the run made, and those that were borrowed; what an outdated checkpoint
        took, which was moved aside, does not.
        """
        from sempal_lib.tensor_files import DamagedFile, read_facts  # here, for it imports torch

        seconds = 0.0
        for path in sorted(self.folder.glob("*.safetensors")):
            with contextlib.suppress(DamagedFile):  # it is no checkpoint; one would have stopped its training
                facts = read_facts(path) or {}
                made = facts.get("configuration", {})
                if not path.stem.endswith(f"-{made.get('code')}-{made.get('data')}"):
                    seconds += facts.get("seconds", 0.0)
        return seconds

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
        if not re.fullmatch(METRIC, metric):
            raise RunError(f"{metric!r} is no metric's name: write lower case, digits and underscores")
        if not re.fullmatch(VARIANT, variant) or not re.fullmatch(NAME, split):
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
        nothing about the seed. One that cannot be read is left out, with a warning. Each gets its `place`: "here",
        "kept" for a committed record, "kept, older code" unless that code is known to give the same numbers.
        """
        pattern = f"{self.parameters.dataset}-s*-{configuration(self.parameters, self.data)}/record.json"
        found: dict[int, dict[str, Any]] = {}
        kept = reference_root() / self.parameters.preset / self.chapter
        code: str = self._source["code"]
        confirmed = equal_codes((record for _, record in records_under(kept)), self.chapter, code)
        for place, folder in (("kept", kept), ("here", self.folder.parent)):
            for path in sorted(folder.glob(pattern)):
                record = readable(path)
                if record is None:
                    continue
                same = record["code"] in (confirmed if place == "kept" else {code})
                if record["seed"] != self.parameters.seed and (same or place == "kept"):
                    found[record["seed"]] = {**record, "place": place if same else f"{place}, older code"}
        return [found[seed] for seed in sorted(found)]

    def finish(self) -> dict[str, Any]:
        """Write `record.json` into the run folder, whole or not at all. Returns the record."""
        parameters = portable(self.parameters)
        record = {
            "chapter": self.chapter,
            **{name: parameters[name] for name in ("preset", "dataset", "seed")},
            "configuration": configuration(self.parameters, self.data),
            "data": self.data,
            "parameters": parameters,
            **self._source,
            "codes": self.codes,
            **machine(self.parameters.device),
            "seconds": self.trained or self.elapsed,  # of what trains no network, all of it
            "wall_seconds": self.elapsed,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "metrics": self.metrics,
        }
        others = self.siblings()
        record["seeds"] = by_seed([*others, record])
        record["places"] = {str(other["seed"]): other["place"] for other in ({**record, "place": "here"}, *others)}
        write_atomically(self.folder / "record.json", json.dumps(record, indent=1, allow_nan=False) + "\n")
        return record


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
