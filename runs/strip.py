"""Make the strip of the front page anew, of committed weights: `python runs/strip.py`, some seconds.

It writes book/images/street_palette.html, which book/index.md takes in: layouts and pictures of toy-street on a path of
three palettes of held-out scenes, those with the most vegetation, buildings and sky.
"""

import sys
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from sempal_lib import datasets, training, widgets
from sempal_lib.palettes import interpolate, palette_of
from sempal_lib.records import reference_run, write_atomically

STRIP = Path(__file__).resolve().parent.parent / "book" / "images" / "street_palette.html"
DATASET, STOPS, STEPS, SCENES = "toy-street", ("vegetation", "building", "sky"), 13, 64


def path_of_palettes() -> Tensor:
    """Palettes from stop to stop, [N, C]."""
    scenes = datasets.load(DATASET, "val", (32, 64), seed=0, limit=SCENES)
    layouts = torch.stack([scenes[i]["layout"] for i in range(len(scenes))])
    palettes = palette_of(layouts, scenes.label_space.num_classes)
    stops = [palettes[palettes[:, scenes.label_space.index(name)].argmax()] for name in STOPS]
    legs = [interpolate(start, end, STEPS) for start, end in pairwise(stops)]
    return torch.cat([legs[0], *(leg[1:] for leg in legs[1:])])


def strip() -> widgets.toys.Toy:
    """The toy, by the best committed layout generator and painter of that data."""
    folders = [reference_run(name, DATASET) for name in ("05_semantic_palette", "07_painting_by_layout")]
    if None in folders:
        raise SystemExit(f"runs/reference holds no weights of {DATASET}: run `make reference` first")
    generator, space, _ = training.load_generator(folders[0] / "generator.safetensors", "layout")
    painter, _, _ = training.load_generator(folders[1] / "generator-gaugan.safetensors", "gaugan")
    return widgets.palette_strip(generator, painter, space, path_of_palettes(), ("trees", "open sky"))


if __name__ == "__main__":
    write_atomically(STRIP, strip()._repr_html_() + "\n")
    print(f"{STRIP.name}: {STRIP.stat().st_size / 1000:.0f} KB", file=sys.stderr)
