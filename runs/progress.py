"""Train the generator of chapter 5 once more and keep what it makes on the way: `python runs/progress.py`, minutes.

It writes sempal_lib/widgets/progress_05.json, samples of the chapter's own demo run, seed 0: sampling draws no random
number, so the training is the chapter's. The chapter shows them on a slider by `widgets.progress_toy`, since a run that
is finished has nothing left to watch.
"""

import json
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import Tensor

from sempal_lib import training, widgets
from sempal_lib.records import write_atomically
from sempal_lib.runs import resolve

CHAPTER = "05_semantic_palette"
PROGRESS = widgets.toys.HERE / "progress_05.json"
FRAMES, SHOWN = 24, 4  # frames at most; layouts in each


def watched(preset: str = "demo") -> tuple[list[tuple[Any, Tensor]], Any]:
    """(report, samples of fixed noise and palettes) of every report of the chapter's training; and its data."""
    parameters = resolve(CHAPTER, {"preset": preset})
    data, kept = training.layout_data(parameters), []

    def watch(run) -> Iterable:
        for progress in run:
            kept.append((progress, run.sample(progress.stage)[:SHOWN].cpu()))
            yield progress

    with tempfile.TemporaryDirectory() as place:
        training.train(parameters, data, f"{place}/checkpoint.safetensors", watch=watch)
    return kept, data


def frame(layouts: Tensor, label_space, size: tuple[int, int]) -> np.ndarray:
    """Layouts [N, h, w] enlarged to a size and put beside each other, two a row: uint8 [H, W, 3]."""
    scale = size[0] // layouts.shape[1]
    painted = label_space.colourise(layouts.repeat_interleave(scale, 1).repeat_interleave(scale, 2)).numpy()
    rows = [np.concatenate(painted[i : i + 2], 1) for i in range(0, len(painted), 2)]
    return np.concatenate(rows, 0)


def toy(preset: str = "demo") -> widgets.toys.Toy:
    kept, data = watched(preset)
    step = -(-len(kept) // FRAMES)
    kept = [*kept[:-1:step], kept[-1]]
    labels = [f"{one.images:,} real layouts shown, {one.height} px" for one, _ in kept]
    frames = [frame(layouts, data.label_space, data.size) for _, layouts in kept]
    return widgets.frames_toy(frames, labels, "how far the training is", "four generated layouts")


if __name__ == "__main__":
    write_atomically(PROGRESS, json.dumps(toy().facts, indent=0) + "\n")
    print(f"{PROGRESS.name}: {PROGRESS.stat().st_size / 1000:.0f} KB", file=sys.stderr)
