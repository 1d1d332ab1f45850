"""Toys: small programs in a page, without kernel and network. Plain JavaScript beside this file does the work."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sempal_lib.labels import CITYSCAPES_19, LabelSpace
from sempal_lib.palettes import check_palette
from sempal_lib.pictures import pixels_of
from sempal_lib.widgets.painting import check_painter, paint, styles_at
from sempal_lib.widgets.shared import check_classes, generate_layouts

HERE = Path(__file__).parent
CLASSES = ("sky", "building", "road")
_TRAINING = "Here a slider moves through a training."
_NO_SCRIPT = "It needs JavaScript; in JupyterLab, run this cell."
_QUALITY: dict[str, dict[str, int]] = {"JPEG": {"quality": 80}, "WEBP": {"quality": 85, "method": 6}}
SIZE = 8  # px, each side of the activation's maps


@dataclass(frozen=True)
class Toy:
    """A toy, as notebooks and pages show it.

    Args:
        kind: names its script, `toy_<kind>.js`. facts: what the script is told; anything that JSON holds.
        without: what stands there, as a sentence; it is read where no script runs.
    """

    kind: str
    facts: Mapping[str, Any]
    without: str

    def _repr_html_(self) -> str:
        facts = escape(json.dumps(self.facts))
        scripts = "".join((HERE / f"toy_{name}.js").read_text("utf-8") for name in ("common", self.kind))
        style = (HERE / "toys.css").read_text("utf-8")
        # The scripts look for their place in the page, which must come before them.
        return (
            f'<div class="sempal-toy" data-toy="{self.kind}" data-facts="{facts}">'
            f"<p>{escape(self.without)} {_NO_SCRIPT}</p></div>"
            f"<style>{style}</style><script>{scripts}</script>"
        )

    def __repr__(self) -> str:
        return f"{self.without} ({self.kind})"


def activation_toy(
    scores: Tensor | None = None,
    palette: Sequence[float] = (0.3, 0.3, 0.4),
    classes: Sequence[str] = CLASSES,
    label_space: LabelSpace = CITYSCAPES_19,
) -> Toy:
    """The semantically-assisted activation on a few pixels: scores and palette are moved, and ρ, ω and m follow.

    Args:
        scores: f at the start, [C, 8, 8]; None: three bands with some noise. palette: t at the start, sums to 1.
        classes: their names in the label space.
    Raises ValueError if they do not fit each other, or the palette is none.
    Source: Semantic Palette, eq. 1 and 2, footnote 1. Chapter: Progressive layouts, guided by a palette.
    """
    check_palette(torch.tensor(palette), len(classes))
    scores = band_scores(len(classes)) if scores is None else scores
    if scores.shape != (len(classes), SIZE, SIZE):
        raise ValueError(f"scores have the shape {list(scores.shape)}, expected {[len(classes), SIZE, SIZE]}")
    rows = [[round(value, 2) for value in plane.flatten().tolist()] for plane in scores]
    facts = {**_colours(classes, label_space), "scores": rows, "palette": list(palette), "size": SIZE}
    return Toy("activation", facts, "Here 8×8 scores become a layout.")


def band_scores(classes: int) -> Tensor:
    """Scores of classes that lie in bands from top to bottom, [C, 8, 8], with noise of a generator of its own."""
    noise = torch.randn(classes, SIZE, SIZE, generator=torch.Generator().manual_seed(3))
    middles = (torch.arange(classes) + 0.5) * SIZE / classes
    away = (torch.arange(SIZE) + 0.5 - middles[:, None]).abs()[:, :, None]
    return (2 - 1.1 * away + 0.8 * noise).clamp(-5, 5)


def simplex_toy(
    palette: Sequence[float] = (0.3, 0.25, 0.45),
    classes: Sequence[str] = CLASSES,
    label_space: LabelSpace = CITYSCAPES_19,
) -> Toy:
    """A palette of three classes as a point of a triangle; outside of it, the two ways back are drawn.

    Args:
        palette: where the point is at the start. classes: three names, of the top, left and right corner.
    Source: Semantic Palette, §4.1. Chapter: Layouts and palettes.
    """
    check_palette(torch.tensor(palette), 3)
    facts = {**_colours(classes, label_space), "palette": list(palette)}
    return Toy("simplex", facts, "Here a palette is a point of a triangle.")


def temperature_toy(
    probabilities: Sequence[float] = (0.7, 0.2, 0.1),
    classes: Sequence[str] = CLASSES,
    label_space: LabelSpace = CITYSCAPES_19,
) -> Toy:
    """Gumbel-softmax on 16×16 pixels, with a slider for its temperature.

    Args:
        probabilities: P of the classes at every pixel, sums to 1.
    Source: SB-GAN, §3.1. Chapter: Layouts from nothing.
    """
    check_palette(torch.tensor(probabilities), len(classes))
    facts = {**_colours(classes, label_space), "probabilities": list(probabilities)}
    return Toy("temperature", facts, "Here a slider moves the temperature of Gumbel-softmax.")


def palette_strip(
    generator, painter, label_space: LabelSpace, palettes: Tensor, ends: tuple[str, str], seed: int = 0, bars: int = 6
) -> Toy:
    """Frames along a path of palettes: each layout, its picture, and the shares asked for and made, on a slider.

    Args:
        generator, painter: see the package's head; the painter works at the layouts' size or a multiple of it.
        palettes: the path, [N, C]. ends: what stands below the slider's two ends. seed: of the noise, which stays.
        bars: so many classes get a bar, those with the largest share on the path.
    Raises ValueError where generator, painter and label space do not fit.
    Chapter: the front page.
    """
    check_classes(generator, label_space)
    check_painter(painter, generator, label_space)
    layouts, realised = generate_layouts(generator, label_space, palettes.numpy(), seed)
    pictures = paint(painter, layouts, styles_at(painter, torch.zeros(1), seed))
    shown = palettes.mean(0).argsort(descending=True)[:bars].tolist()
    made = torch.as_tensor(realised)
    facts = {
        **_colours([label_space.names[c] for c in shown], label_space),
        "layouts": _address(_stack(label_space.colourise(layouts).numpy()), "PNG"),
        "pictures": _address(_stack([pixels_of(picture) for picture in pictures]), "JPEG"),
        "asked": [[round(value, 3) for value in row] for row in palettes[:, shown].tolist()],
        "made": [[round(value, 3) for value in row] for row in made[:, shown].tolist()],
        "ratio": layouts.shape[2] / layouts.shape[1], "label": "along the path of palettes", "ends": list(ends),
    }  # fmt: skip
    return Toy("strip", facts, "Here a slider moves through generated streets.")


def frames_toy(
    frames: Sequence[np.ndarray],
    labels: Sequence[str],
    name: str,
    what: str,
    given: np.ndarray | None = None,
    given_what: str = "",
    kind: str = "PNG",
) -> Toy:
    """Frames behind a slider, each with a line of text above: how samples change while a network learns.

    Args:
        frames: uint8 [H, W, 3] each, all of one size; ≥ 2. labels: one a frame.
        name: of the slider. what: the frames show, for who does not see them.
        given: what the network is told, a picture [h, W, 3] that stands still above the frames. given_what: it shows.
        kind: "PNG", of 64 colours, for layouts; "WEBP" for pictures.
    Raises ValueError if labels and frames differ in number, or what is given is not as wide as they are.
    Chapter: Progressive layouts, guided by a palette.
    """
    if not len(frames) == len(labels) >= 2:
        raise ValueError(f"{len(frames)} frames and {len(labels)} labels: give as many of both, and two at least")
    height, width = frames[0].shape[:2]
    facts = {
        "frames": _address(_stack(frames), kind), "labels": list(labels), "ratio": width / height, "name": name,
        "what": what,
    }  # fmt: skip
    if given is not None:
        if given.shape[1] != width:
            raise ValueError(f"given is {given.shape[1]} px wide, the frames are {width}: give it as wide as they are")
        facts["given"] = {"image": _address(_stack([given]), kind), "ratio": width / len(given), "what": given_what}
    return Toy("frames", facts, _TRAINING)


def progress_toy(chapter: str) -> Toy:
    """Samples of a chapter's demo training on its way, seed 0, which lie beside this file.

    Args:
        chapter: its number, such as "05". `runs/progress.py` makes the file anew.
    Raises FileNotFoundError if no such training was kept.
    """
    path = HERE / f"progress_{chapter}.json"
    if not path.exists():
        raise FileNotFoundError(f"no training of chapter {chapter} was kept: python runs/progress.py makes {path.name}")
    return Toy("frames", json.loads(path.read_text("utf-8")), _TRAINING)


def _colours(classes: Sequence[str], label_space: LabelSpace) -> dict[str, list]:
    return {"names": list(classes), "colors": [list(label_space.colors[label_space.index(name)]) for name in classes]}


def _stack(frames) -> Image.Image:
    """Frames of one size, one below the other."""
    return Image.fromarray(np.concatenate(list(frames), 0))


def _address(image: Image.Image, kind: str) -> str:
    """A picture as an address that holds it, so that a page needs no file."""
    file = io.BytesIO()
    if kind == "PNG":
        image = image.quantize(64, dither=Image.Dither.NONE)
    image.save(file, kind, optimize=True, **_QUALITY.get(kind, {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
