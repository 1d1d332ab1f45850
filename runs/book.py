"""The command line of the book's tools, which `make` and `runs/Snakefile` call: `python runs/book.py --help`."""

import argparse
import fcntl
import json
import os
import subprocess
import sys

import notebooks
import website
from notebooks import ROOT, BookError


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
        if name == "graph":
            command.add_argument("target", choices=["chapters", "site", "ablation"])
            command.add_argument("--dataset", help="of the ablation; the preset's if not given")
            command.add_argument("--data-root", help="its folder")
            command.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    try:
        return run_command(given)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def run_command(given: argparse.Namespace) -> int:
    if given.command == "pair":
        print("rewritten:", ", ".join(notebooks.pair()) or "nothing, all pairs agree")
    elif given.command == "check":
        print("\n".join(notebooks.drift()) or "all pairs agree")
        return bool(notebooks.drift())
    elif given.command == "execute":
        notebooks.execute(given.chapter, given.preset, given.overrides)
    elif given.command == "publish":
        print("published:", ", ".join(notebooks.publish(given.preset)))
    elif given.command == "graph":
        data = {"dataset": given.dataset, "data_root": given.data_root}
        return graph(given.target, given.preset, given.cores, data)
    else:
        website.build(given.preset)
    return 0


if __name__ == "__main__":
    sys.exit(main())
