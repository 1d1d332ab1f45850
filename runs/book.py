"""The command line of the book's tools, which `make` and `runs/Snakefile` call: `python runs/book.py --help`."""

import argparse
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import notebooks
import website
from notebooks import ROOT, BookError

from sempal_lib.locks import Busy
from sempal_lib.parameters import absolute
from sempal_lib.records import RunError


def graph(target: str, preset: str, cores: int, data: dict[str, str]) -> int:
    """Have Snakemake bring a target of `runs/Snakefile` up to date. Returns its exit code.

    A lock that the system drops when the process ends, however it ends, stands in for Snakemake's own,
    which a killed run leaves behind.
    """
    (ROOT / ".snakemake").mkdir(exist_ok=True)
    with open(ROOT / ".snakemake" / "sempal.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BookError("another make is running chapters here: wait for it, or stop it") from None
        options = ["--cores", str(cores), "--nolock", "--rerun-incomplete", "--keep-going"]
        options += ["--scheduler", "greedy", "--rerun-triggers", "mtime", "input", "code", "params"]
        options += ["--quiet", "host", "progress", "reason", "--config", f"preset={preset}"]
        options += [f"{name}={value}" for name, value in data.items() if value]
        command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "runs" / "Snakefile"), *options]
        return subprocess.run([*command, "--", target], cwd=ROOT).returncode


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
            command.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    add_reference(commands)
    given = parser.parse_args(arguments)
    try:
        os.environ.update(notebooks.absolute_paths())  # what is started here may run in another folder
        return run_command(given)
    except (BookError, RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def add_reference(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("reference", help="run the reference runs of runs/reference.yaml that are missing")
    command.add_argument("--list", action="store_true", help="show how far each run is, and run nothing")
    command.add_argument("--device", choices=["auto", "cpu", "cuda"], help="the preset's if not given")
    command.add_argument("--until", type=float, metavar="SECONDS", help="start no new run after these")
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
        os.environ["SEMPAL_DATA"] = str(Path(given.data).expanduser().resolve())
    return reference_runs.main(
        given.list_file or reference_list.LIST, show=given.list, device=given.device, seconds=given.until,
        only=given.only, retry=given.retry, root=given.root, book=given.book,
    )  # fmt: skip


def execute(given: argparse.Namespace) -> int:
    if given.background:
        from reference_runs import BUSY, go_to_background

        go_to_background()
    try:
        notebooks.execute(
            given.chapter, given.preset, given.overrides, given.book.resolve(), not given.background, given.codes
        )
    except Busy as error:
        print(error, file=sys.stderr)
        return BUSY
    return 0


def run_command(given: argparse.Namespace) -> int:
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
        return graph(given.target, given.preset, given.cores, data)
    else:
        website.build(given.preset)
    return 0


if __name__ == "__main__":
    sys.exit(main())
