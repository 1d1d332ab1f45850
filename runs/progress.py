"""Train what a chapter trains once more and keep what it makes on the way: `python runs/progress.py [03 …]`, minutes.

For each chapter it writes sempal_lib/widgets/progress_NN.json, samples of the chapter's own demo run, seed 0: sampling
draws no random number that a training draws, so the training is the chapter's. Where the chapter's run is at hand, its
weights are held against those trained here. The chapter shows the samples on a slider by `widgets.progress_toy`, since
a run that is finished has nothing left to watch.
"""

import functools
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sempal_lib import metrics, training, widgets
from sempal_lib.image_gans import editing
from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import additions, partial
from sempal_lib.palettes import palette_of
from sempal_lib.pictures import pixels_of
from sempal_lib.records import write_atomically
from sempal_lib.run_folders import run_folder
from sempal_lib.runs import resolve
from sempal_lib.training import checkpoint

FRAMES = 24  # at most
GREY = 128  # of the lines between samples: seen on light and on dark ground
Train = Callable[[str, Callable], Any]  # called with the path of a checkpoint and what watches


class Watched(NamedTuple):
    """A training to be watched.

    Attributes:
        kept: chapter and name of the checkpoint that its run keeps. train: to the end.
        sample: of the training and its report, pictures [N, 3, h, w] in [-1, 1].
        label: of a report. what: the samples are.
        height: of a sample in a frame, px; smaller ones are enlarged. columns: samples in a row of a frame.
        given: what the network is told, pictures [M, 3, ·, ·], or None. given_what: they show.
        kind: of the file. PNG holds 64 colours, each exact; WEBP, for larger pictures, all of them, blurred a little.
    """

    kept: tuple[str, str]
    train: Train
    sample: Callable[[Any, Any], Tensor]
    label: Callable[[Any], str]
    what: str
    height: int
    columns: int = 2
    given: Tensor | None = None
    given_what: str = ""
    kind: str = "PNG"


def _shown(what: str) -> Callable[[Any], str]:
    return lambda one: f"{one.images:,} {what} shown"


def _grown(what: str) -> Callable[[Any], str]:
    return lambda one: f"{one.images:,} {what} shown, {one.height} px"


def _evenly(data: Any, count: int) -> Tensor:
    """Numbers of some held-out scenes."""
    return torch.arange(count) * (len(data.held_out) // count)


def _rich(data: Any, count: int) -> Tensor:
    """Numbers of held-out scenes by day that show many classes."""
    pixels = torch.stack([(data.held_out == c).sum((1, 2)) for c in range(data.label_space.num_classes)], 1)
    bright = data.held_out_images.float().mean((1, 2, 3))
    classes = (pixels >= 12).sum(1) * (bright >= bright.quantile(0.75))
    return classes.argsort(descending=True, stable=True)[:count]


def _layouts(chapter: str, preset: str) -> Watched:
    p = resolve(chapter, {"preset": preset})
    data = training.layout_data(p)
    return Watched(
        (chapter, "checkpoint"), lambda path, watch: training.train(p, data, path, watch=watch),
        lambda run, one: metrics.painted(run.sample(one.stage)[:4].cpu(), data.label_space),
        _grown("real layouts"), "four generated layouts", 2 * data.size[0],
    )  # fmt: skip


def _pictures(preset: str) -> Watched:
    """ProGAN's pictures of noise."""
    chapter = "08_judging_with_a_segmenter"
    p = resolve(chapter, {"preset": preset})
    data = training.scene_set(p)
    noise = torch.randn(4, p.latent_dim, generator=torch.Generator().manual_seed(p.seed))

    def sample(run: Any, one: Any) -> Tensor:
        with torch.no_grad():
            return run.averaged(noise, noise.new_zeros(4, 3), one.stage)[-1].scores.clamp(-1, 1).cpu()

    return Watched(
        (chapter, "checkpoint-progan"), lambda path, watch: training.train_progan(p, data, path, watch),
        sample, _grown("real pictures"), "four pictures made of noise", data.size[0], kind="WEBP",
    )  # fmt: skip


def _semgan(preset: str) -> Watched:
    chapter = "03_semgan"
    p = resolve(chapter, {"preset": preset})
    data = training.semgan_data(p)
    return Watched(
        (chapter, "checkpoint"), lambda path, watch: training.train_semgan(p, data, path, watch=watch),
        lambda run, one: metrics.painted(metrics.sample(run.averaged, 4), data.label_space),
        _shown("real layouts"), "four generated layouts", data.size[0],
    )  # fmt: skip


def _painter(chapter: str, system: str, kept: str, preset: str, kind: str = "PNG") -> Watched:
    p = resolve(chapter, {"preset": preset})
    data = training.scene_set(p)
    some = _evenly(data, 4)
    source = None if data.held_out_sources is None else data.held_out_sources[some] / 127.5 - 1
    return Watched(
        (chapter, kept), lambda path, watch: training.train_images(p, data, system, path, watch),
        lambda run, one: run.averaged.generate(data.held_out[some], source=source).cpu(),
        _shown("pairs"), "pictures painted on four held-out layouts", data.size[0], kind=kind,
    )  # fmt: skip


def _class_codes(preset: str) -> Watched:
    """Three rooms, painted by the codes of their photographs and by random ones."""
    chapter = "12_class_layer_vae"
    p = resolve(chapter, {"preset": preset})
    data = training.scene_set(p)
    some = _evenly(data, 3)
    layouts, photos = data.held_out[some], data.held_out_images[some] / 127.5 - 1

    def sample(run: Any, _: Any) -> Tensor:
        own = training.encoder_of(run)(photos, layouts)[0]
        return torch.cat([run.averaged.generate(layouts, z=own), run.averaged.generate(layouts, seed=0)]).cpu()

    return Watched(
        (chapter, "checkpoint-clvae"), lambda path, watch: training.train_styles(p, data, path, watch),
        sample, _shown("pairs"), "three rooms painted by their own codes, and below by random codes",
        data.size[0], 3, photos, "photographs of the same three rooms", "WEBP",
    )  # fmt: skip


def _materials(preset: str) -> Watched:
    """Two rooms, each in the styles of three others: those of the chapter's Figure 2."""
    chapter = "16_material_editing"
    p = resolve(chapter, {"preset": preset})
    data = training.scene_set(p)
    held, photos = data.held_out.long(), data.held_out_images / 127.5 - 1
    rooms, theirs = torch.arange(2).repeat_interleave(3), torch.arange(2, 5).repeat(2)
    shown = editing.classes_shown(held, data.label_space.num_classes)
    both = shown[rooms] & shown[theirs]

    def sample(run: Any, _: Any) -> Tensor:
        painter = run.averaged
        means = training.encoder_of(run)(photos[theirs], held[theirs])[0]
        noise = torch.randn(2, painter.noise_dim, generator=torch.Generator().manual_seed(p.seed))[rooms]
        return painter.generate(held[rooms], z=editing.style_guided(painter.latents, noise, means, both)).cpu()

    return Watched(
        (chapter, "checkpoint-clvae"), lambda path, watch: training.train_styles(p, data, path, watch),
        sample, _shown("pairs"), "two rooms, one a row, each in the style of the photograph above it",
        data.size[0], 3, photos[2:5], "three photographs whose style is taken", "WEBP",
    )  # fmt: skip


def _merged(run: Any, stage: int, space: Any, palette: Tensor, layout: Tensor) -> Tensor:
    """Layouts as a generator of parts or additions makes them by itself at a stage, in the classes' colours."""
    network, was = run.averaged, run.averaged.training
    z = torch.randn(len(palette), network.settings.latent_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        merged = network.eval()(z, palette, layout, stage)[-1].merged
    network.train(was)
    return metrics.painted(merged.argmax(1), space)


def _parts(preset: str) -> Watched:
    """Four layouts with a hole, filled for the palette of what was there."""
    chapter = "13_partial_editing"
    p = resolve(chapter, {"preset": preset})
    data = training.layout_set(p)
    held, space = data.held_out.long(), data.label_space
    random, settings = torch.Generator().manual_seed(p.seed), training.partial_training(p, data).settings
    regions = training.random_regions(len(held), data.size, settings, random, held.device)
    palettes, area = metrics.palette_within(held, regions, space.num_classes), regions.float().mean((1, 2))
    classes = (palettes > 0.02).sum(1) * ((area > 0.2) & (area < 0.5))
    some = classes.argsort(descending=True, stable=True)[:4]
    held, regions = held[some], regions[some]
    told = partial.budget(palettes[some], regions), partial.cropped(one_hot(held, space.num_classes), regions)
    return Watched(
        (chapter, "checkpoint"), lambda path, watch: training.train_partial(p, data, path, watch),
        lambda run, one: _merged(run, one.stage, space, *told),
        _grown("real layouts"), "the four layouts with the hole filled", 2 * data.size[0], 2,
        metrics.painted(torch.where(regions, space.ignore_index, held), space), "four held-out layouts with a hole",
    )  # fmt: skip


def _faces(preset: str) -> Watched:
    """Three faces that get more hair, and below a hat."""
    chapter = "15_face_editing"
    p = resolve(chapter, {"preset": preset})
    data = training.layout_data(p)
    held, space = data.held_out.long(), data.label_space
    hair, hat = space.index("hair"), space.index("hat")
    shares = palette_of(held, space.num_classes, space.ignore_index)
    some = (shares[:, hair] - 0.15).abs().argsort(stable=True)[:3]
    more = torch.zeros(6, space.num_classes)
    more[:3, hair], more[3:, hat] = 0.12, 0.1
    asked, whole = additions.with_rest(more), one_hot(held[some], space.num_classes).repeat(2, 1, 1, 1)
    return Watched(
        (chapter, "checkpoint"), lambda path, watch: training.train_faces(p, data, path, watch),
        lambda run, one: _merged(run, one.stage, space, asked, whole),
        _grown("real faces"), "three faces with more hair, and below with a hat", data.size[0], 3,
        metrics.painted(held[some], space), "three held-out layouts of faces",
    )  # fmt: skip


def _reader(preset: str) -> Watched:
    """What the segmenter of the chapter's row reads in three held-out pictures."""
    chapter = "14_data_augmentation"
    p = resolve(chapter, {"preset": preset})
    data = training.scene_set(p)
    pairs, some = training.synthetic_pairs(p, data), _rich(data, 3)
    photos = data.held_out_images[some]
    given = torch.cat([photos / 127.5 - 1, metrics.painted(data.held_out[some].long(), data.label_space)])
    return Watched(
        (chapter, "checkpoint-real+semi"), lambda path, watch: training.train_row(p, data, pairs, path, watch),
        lambda run, one: metrics.painted(run.segmenter.predict(photos), data.label_space),
        _shown("pairs"), "the classes that the segmenter reads in three pictures", data.size[0], 3, given,
        "three held-out pictures, and below them their layouts",
    )  # fmt: skip


CHAPTERS: dict[str, Callable[[str], Watched]] = {
    "03": _semgan, "04": functools.partial(_layouts, "04_sb_gan_layouts"),
    "05": functools.partial(_layouts, "05_semantic_palette"), "06": functools.partial(_layouts, "06_ablation"),
    "07": functools.partial(_painter, "07_painting_by_layout", "gaugan", "checkpoint-gaugan"),
    "08": _pictures, "10": functools.partial(_painter, "10_lggan", "lggan", "checkpoint-s5"),
    "11": functools.partial(_painter, "11_cross_view", "lggan", "checkpoint-lggan", kind="WEBP"),
    "12": _class_codes, "13": _parts, "14": _reader, "15": _faces, "16": _materials,
}  # fmt: skip


def frame(pictures: Tensor, height: int, columns: int = 2) -> np.ndarray:
    """Pictures [N, 3, h, w] enlarged to a height, so many a row, with grey lines between: uint8 [H, W, 3]."""
    scale = height // pictures.shape[2]
    tiles = [pixels_of(x).repeat(scale, 0).repeat(scale, 1) for x in pictures]
    rows = [_lined(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    return _lined(rows, 0)


def _lined(pictures: list[np.ndarray], axis: int) -> np.ndarray:
    line = np.full_like(pictures[0].take([0], axis), GREY)
    return np.concatenate([x for picture in pictures for x in (line, picture)][1:], axis)


def toy(chapter: str, preset: str = "demo") -> widgets.toys.Toy:
    """The frames of a chapter's training behind a slider."""
    watched, kept = CHAPTERS[chapter](preset), []

    def watch(run: Any) -> Iterable:
        for report in run:
            kept.append((watched.label(report), watched.sample(run, report)))
            yield report

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "checkpoint.safetensors"
        watched.train(str(path), watch)
        print(f"chapter {chapter}: {compared(path, *watched.kept, preset)}", file=sys.stderr)
    step = -(-len(kept) // FRAMES)
    kept = [*kept[:-1:step], kept[-1]]
    frames = [frame(pictures, watched.height, watched.columns) for _, pictures in kept]
    given = None if watched.given is None else frame(watched.given, watched.height, watched.columns)
    labels = [label for label, _ in kept]
    told = "how far the training is", watched.what, given, watched.given_what, watched.kind
    return widgets.frames_toy(frames, labels, *told)


def compared(path: Path, chapter: str, kept: str, preset: str) -> str:
    """Whether a training's checkpoint is the one of the chapter's run, in words."""
    theirs = run_folder(chapter, preset, {}) / f"{kept}.safetensors"
    if not theirs.exists():
        return "no run of the chapter is at hand"
    mine, its = checkpoint.load(path)[0], checkpoint.load(theirs)[0]
    same = mine.keys() == its.keys() and all(torch.equal(mine[name], its[name]) for name in mine)
    return "the same weights as the chapter's run" if same else "OTHER WEIGHTS than the chapter's run"


def main(chapters: list[str]) -> None:
    for chapter in chapters or CHAPTERS:
        path = widgets.toys.HERE / f"progress_{chapter}.json"
        write_atomically(path, json.dumps(toy(chapter).facts, indent=0) + "\n")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
