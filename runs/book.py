"""The command line of the book's tools, which `make` and `runs/Snakefile` call: `python runs/book.py --help`."""

import argparse
import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import failures
import lifeline
import notebooks
import website
from failures import GO_ON, BookError, UsageError
from notebooks import ROOT

from sempal_lib import ablation, runs
from sempal_lib.locks import Busy
from sempal_lib.parameters import absolute
from sempal_lib.records import RunError, write_atomically

BARS = "SEMPAL_BARS"  # in the environment of chapters that may draw progress bars, though they write to a pipe
DOES = {
    "site": "Running the chapters, then building the site",
    "chapters": "Running the chapters",
    "ablation": "Training the rows of the ablation",
}


def graph(target: str, preset: str, cores: int, data: dict[str, str]) -> int:
    """Have Snakemake bring a target of `runs/Snakefile` up to date. Returns the exit status.

    A lock that the system drops when the last process of this tree ends, however it ends, stands in for Snakemake's
    own, which a killed run leaves behind.
    """
    check(preset, data)
    folder = ROOT / ".snakemake"
    lock = folder / "sempal.lock"
    with lifeline.only_tree(lock, "another make is running chapters here: wait for it, or stop it"):
        print(f"== {DOES[target]} at preset {preset} on {cores} cores; what stands is kept", flush=True)
        # In a file, since of a value on the command line Snakemake asks whether it is a number, or YAML.
        write_atomically(folder / "given.json", json.dumps({"preset": preset, **data}))
        options = ["--cores", str(cores), "--nolock", "--rerun-incomplete", "--keep-going"]
        options += ["--scheduler", "greedy", "--rerun-triggers", "mtime", "input", "code", "params"]
        options += ["--quiet", "host", "progress", "reason", "--configfile", str(folder / "given.json")]
        command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "runs" / "Snakefile"), *options, "--", target]
        environment = {**os.environ, BARS: "1"} if sys.stderr.isatty() else dict(os.environ)
        process = lifeline.start(
            command, lock, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        relay = failures.Relay()
        copying = threading.Thread(target=relay.copy, args=(process.stdout,), daemon=True)
        copying.start()
        try:
            status = process.wait()
        finally:
            lifeline.stop(process)
            copying.join(lifeline.PATIENCE)  # it ends when all have ended that write to it
    if status:
        print("\n".join(f"error: {error}" for error in relay.summary(status)), file=sys.stderr)
    return int(status != 0)


def check(preset: str, data: dict[str, str]) -> None:
    """Raises an error for what the chapters would refuse, before anything runs."""
    notebooks.check_preset(preset)
    for chapter in notebooks.chapters():
        runs.run_folder(chapter, preset, {})
    try:
        runs.run_folder(ablation.CHAPTER, preset, dict(data))
    except RunError as error:  # what it says next is of notebooks
        raise UsageError(" ".join(str(error).split()).partition(" It comes from")[0]) from None
    if "data_root" in data and not Path(data["data_root"]).is_dir():
        raise UsageError(f"DATA_ROOT={data['data_root']}: there is no such folder")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python runs/book.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("pair", help="regenerate book/*.ipynb from book/*.py")
    commands.add_parser("check", help="say which pairs differ")
    for name, text in (
        ("execute", "run one chapter by papermill"),
        ("publish", "copy the outputs of a preset's runs into book/*.ipynb"),
        ("site", "build the site from a preset's runs"),
        ("graph", "bring a target of runs/Snakefile up to date"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--preset", default="demo")
        if name == "execute":
            command.add_argument("chapter")
            command.add_argument("--overrides", type=json.loads, default={}, help='JSON, such as {"seed": 1}')
            command.add_argument("--book", type=Path, default=notebooks.BOOK, help="folder of the chapters")
            command.add_argument(
                "--background", action="store_true", help="of the queue: low priority, wait for nobody, end with stdin"
            )
            command.add_argument("--codes", nargs="+", help="library code whose training may be gone on from; any")
        if name == "graph":
            command.add_argument("target", choices=["chapters", "site", "ablation"])
            command.add_argument("--dataset", help="of the ablation; the preset's if not given")
            command.add_argument("--data-root", help="its folder")
            command.add_argument("--cores", help="how many chapters run side by side; one a core if not given")
    add_reference(commands)
    for command in commands.choices.values():
        command.add_argument("--with-parent", action="store_true", help="end when the process that started this ends")
    given = parser.parse_args(arguments)
    lifeline.tie()
    try:
        with lifeline.stoppable(given.with_parent):
            os.environ.update(notebooks.absolute_paths())  # what is started here may run in another folder
            return run_command(given)
    except lifeline.Stopped as stopped:
        lifeline.end_children()
        print(f"stopped; {GO_ON}", file=sys.stderr)
        return 128 + stopped.args[0]
    except (BookError, RunError, Busy) as error:
        print(f"error: {error}", file=sys.stderr)
        return getattr(error, "status", 1)
    except OSError as error:
        if not failures.is_full_disk(error):
            raise
        print(f"error: {failures.by_system(error)}", file=sys.stderr)
        return 1


def number(text: str | None, name: str, least: int, kind: type = int) -> Any:
    """A number that was given, or None. Raises UsageError that says what is allowed."""
    if not text:
        return None
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise UsageError(f"{name}={text!r} is not possible: allowed is a {'whole ' * (kind is int)}number from {least}")
    return value


def add_reference(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("reference", help="run the reference runs of runs/reference.yaml that are missing")
    command.add_argument("--list", action="store_true", help="show how far each run is, and run nothing")
    command.add_argument("--device", choices=["auto", "cpu", "cuda"], help="the preset's if not given")
    command.add_argument("--until", metavar="SECONDS", help="start no new run after these")
    command.add_argument("--only", metavar="CHAPTER", help="the entries of one chapter")
    command.add_argument("--retry", action="store_true", help="also what failed with today's code")
    command.add_argument("--data", help="folder that holds data sets by name; else SEMPAL_DATA says")
    command.add_argument("--list-file", type=Path, help="another list")
    command.add_argument("--root", type=Path, help="where to keep runs; runs/reference if not given")
    command.add_argument("--book", type=Path, default=notebooks.BOOK, help="folder of the chapters")


def reference(given: argparse.Namespace) -> int:
    import reference_list
    import reference_runs

    if given.data:
        if not Path(given.data).expanduser().is_dir():
            raise UsageError(f"DATA={given.data}: there is no such folder")
        os.environ["SEMPAL_DATA"] = str(Path(given.data).expanduser().resolve())
    seconds = number(given.until, "SECONDS", 0, float)
    return reference_runs.main(
        given.list_file or reference_list.LIST, show=given.list, device=given.device, seconds=seconds,
        only=given.only, retry=given.retry, root=given.root, book=given.book,
    )  # fmt: skip


def execute(given: argparse.Namespace) -> int:
    if given.background:
        os.nice(19)
    try:
        notebooks.execute(
            given.chapter, given.preset, given.overrides, given.book.resolve(), not given.background, given.codes
        )
    except Busy as error:
        from reference_runs import BUSY

        print(error, file=sys.stderr)
        return BUSY
    return 0


def run_command(given: argparse.Namespace) -> int:
    if hasattr(given, "preset"):
        notebooks.check_preset(given.preset)
    if given.command == "pair":
        print("rewritten:", ", ".join(notebooks.pair()) or "nothing, all pairs agree")
    elif given.command == "check":
        print("\n".join(notebooks.drift()) or "all pairs agree")
        return bool(notebooks.drift())
    elif given.command == "execute":
        return execute(given)
    elif given.command == "reference":
        return reference(given)
    elif given.command == "publish":
        print("published:", ", ".join(notebooks.publish(given.preset)))
    elif given.command == "graph":
        data = {"dataset": given.dataset, "data_root": given.data_root and absolute(given.data_root)}
        known = {name: value for name, value in data.items() if value}
        return graph(given.target, given.preset, number(given.cores, "CORES", 1) or os.cpu_count() or 1, known)
    else:
        website.build(given.preset)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if status > 128:  # stopped: what papermill has under way would end in a traceback
        os._exit(status)
    sys.exit(status)
