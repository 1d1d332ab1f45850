"""What the tests of runs share: a folder of their own, and runs that start and finish in it."""

from pathlib import Path

import pytest

from sempal_lib.runs import Run

CHAPTER = "05_semantic_palette"


@pytest.fixture(name="runs_in_tmp", autouse=True)
def isolated(tmp_path, monkeypatch):
    """Runs go to a folder of their own; the preset is smoke unless a test says otherwise."""
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SEMPAL_PRESET", "smoke")
    return tmp_path / "runs"


def start(**given) -> Run:
    return Run.start(CHAPTER, given)


def finished(value=0.1, variant="full", **given) -> tuple[Run, dict]:
    run = start(**given)
    run.measure("semantic-palette", variant, "palette_kl", value, n=48, split="val", seconds=0.5)
    return run, run.finish()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
