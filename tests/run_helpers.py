"""What the tests of runs share: a folder of their own, and runs that start and finish in it."""

import json
from pathlib import Path

import pytest
from PIL import Image

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


def bundle(folder: Path, name: str = "tiny", value: int = 0) -> Path:
    """A bundle of two classes, eight scenes to train on and six held out; every pixel is of class `value`."""
    splits = {"train": range(8), "val": range(8, 14)}
    for part in ("images", "labels", "splits"):
        (folder / part).mkdir(parents=True)
    classes = [{"index": i, "name": f"class {i}", "color": [100 * i] * 3} for i in range(2)]
    facts = {"name": name, "num_classes": 2, "ignore_index": 255, "classes": classes}
    facts["splits"] = {split: len(scenes) for split, scenes in splits.items()}
    (folder / "classes.json").write_text(json.dumps(facts))
    for split, scenes in splits.items():
        (folder / "splits" / f"{split}.txt").write_text("".join(f"{scene}\n" for scene in scenes))
        for scene in scenes:
            Image.new("RGB", (8, 8)).save(folder / "images" / f"{scene}.jpg")
            Image.new("L", (8, 8), value).save(folder / "labels" / f"{scene}.png", compress_level=0)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
