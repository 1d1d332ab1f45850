"""Train what a chapter trains once more and keep what it makes on the way: `python runs/progress.py [03 …]`, minutes.

For each chapter it writes sempal_lib/widgets/progress_NN.json, samples of the chapter's own demo run, seed 0: sampling
draws no random number that a training draws, so the training is the chapter's. The chapter shows them on a slider by
`widgets.progress_toy`, since a run that is finished has nothing left to watch.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from sempal_lib import metrics, training, widgets
from sempal_lib.pictures import pixels_of
from sempal_lib.records import write_atomically
from sempal_lib.runs import resolve

FRAMES, SHOWN = 24, 4  # frames at most; samples in each
Train = Callable[[str, Callable], Any]  # called with the path of a checkpoint and what watches


class Watched(NamedTuple):
    """A training to be watched.

    Attributes:
        train: to the end. sample: of the training and its report, pictures [N, 3, h, w] in [-1, 1].
        label: of a report. what: the samples are.
        height: of a sample in a frame, px; smaller ones are enlarged.
    """

    train: Train
    sample: Callable[[Any, Any], Tensor]
    label: Callable[[Any], str]
    what: str
    height: int


def _palettes(preset: str) -> Watched:
    p = resolve("05_semantic_palette", {"preset": preset})
    data = training.layout_data(p)
    return Watched(
        lambda path, watch: training.train(p, data, path, watch=watch),
        lambda run, one: metrics.painted(run.sample(one.stage)[:SHOWN].cpu(), data.label_space),
        lambda one: f"{one.images:,} real layouts shown, {one.height} px",
        "four generated layouts", data.size[0],
    )  # fmt: skip


def _semgan(preset: str) -> Watched:
    p = resolve("03_semgan", {"preset": preset})
    data = training.semgan_data(p)
    return Watched(
        lambda path, watch: training.train_semgan(p, data, path, watch=watch),
        lambda run, one: metrics.painted(metrics.sample(run.averaged, SHOWN), data.label_space),
        lambda one: f"{one.images:,} real layouts shown",
        "four generated layouts", data.size[0],
    )  # fmt: skip


def _painter(chapter: str, system: str) -> Callable[[str], Watched]:
    def watched(preset: str) -> Watched:
        p = resolve(chapter, {"preset": preset})
        data = training.scene_set(p)
        some = slice(0, len(data.held_out) // SHOWN * SHOWN, len(data.held_out) // SHOWN)
        source = None if data.held_out_sources is None else data.held_out_sources[some] / 127.5 - 1
        return Watched(
            lambda path, watch: training.train_images(p, data, system, path, watch),
            lambda run, one: run.averaged.generate(data.held_out[some], source=source).cpu(),
            lambda one: f"{one.images:,} pairs shown",
            "pictures painted on four held-out layouts", data.size[0],
        )  # fmt: skip

    return watched


CHAPTERS: dict[str, Callable[[str], Watched]] = {
    "03": _semgan, "05": _palettes, "07": _painter("07_painting_by_layout", "gaugan"),
    "10": _painter("10_lggan", "lggan"), "11": _painter("11_cross_view", "lggan"),
}  # fmt: skip


def frame(pictures: Tensor, height: int) -> np.ndarray:
    """Pictures [N, 3, h, w] enlarged to a height and put beside each other, two a row: uint8 [H, W, 3]."""
    scale = height // pictures.shape[2]
    tiles = [pixels_of(x).repeat(scale, 0).repeat(scale, 1) for x in pictures]
    return np.concatenate([np.concatenate(tiles[i : i + 2], 1) for i in range(0, len(tiles), 2)], 0)


def toy(chapter: str, preset: str = "demo") -> widgets.toys.Toy:
    """The frames of a chapter's training behind a slider."""
    watched, kept = CHAPTERS[chapter](preset), []

    def watch(run: Any) -> Iterable:
        for report in run:
            kept.append((watched.label(report), watched.sample(run, report)))
            yield report

    with tempfile.TemporaryDirectory() as place:
        watched.train(f"{place}/checkpoint.safetensors", watch)
    step = -(-len(kept) // FRAMES)
    kept = [*kept[:-1:step], kept[-1]]
    frames = [frame(pictures, watched.height) for _, pictures in kept]
    return widgets.frames_toy(frames, [label for label, _ in kept], "how far the training is", watched.what)


def main(chapters: list[str]) -> None:
    for chapter in chapters or CHAPTERS:
        path = widgets.toys.HERE / f"progress_{chapter}.json"
        write_atomically(path, json.dumps(toy(chapter).facts, indent=0) + "\n")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
