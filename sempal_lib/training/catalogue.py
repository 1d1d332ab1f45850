"""Every training of the library by name, on made-up scenes at a preset's sizes: for checks of devices and of speed.

A new training is one line in TRAININGS. The scenes are random blobs and random pictures: they have the shapes, the
types and the number of classes of real ones and are made in a second. What is learned from them means nothing.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.fabric import Fabric
from torch import Tensor

from sempal_lib import datasets
from sempal_lib.image_gans import PerceptualFeatures, segmenter_features, with_pixels
from sempal_lib.image_gans.perceptual import untrained_vgg19
from sempal_lib.palettes import PaletteMixture, palette_of
from sempal_lib.parameters import AugmentationParameters, CrossViewParameters, Parameters, TuningParameters, resolve
from sempal_lib.segmentation import Segmenter, SegmenterSettings
from sempal_lib.training.augmentation import row_training
from sempal_lib.training.changes import components, thing_classes
from sempal_lib.training.cimle import cimle_training
from sempal_lib.training.faces import face_training
from sempal_lib.training.judge import judge_training, pairs_training
from sempal_lib.training.layouts import LayoutData, layout_training
from sempal_lib.training.loop import Training
from sempal_lib.training.once import once_training
from sempal_lib.training.painting import image_settings, image_training, progan_training
from sempal_lib.training.partial import partial_training
from sempal_lib.training.semgan import semgan_training
from sempal_lib.training.setup import SceneSet, layout_size
from sempal_lib.training.tuning import TuningData, end_to_end_training

SCENES = 64  # made up; batches are drawn from them with repetitions
_LAYOUTS, _IMAGES, _TUNING = "05_semantic_palette", "07_painting_by_layout", "09_end_to_end"
# A pair begins from the checkpoints of two trainings, here of such as have not begun. Kept till the process ends.
_BEGUN: dict[tuple, tempfile.TemporaryDirectory] = {}
Builder = Callable[[Any, "Scenes", Path | None, Fabric | None], Training]


@dataclass(frozen=True, eq=False)
class Scenes(SceneSet, LayoutData):
    """Pictures, layouts and a palette mixture: what any training takes."""


class Kind(NamedTuple):
    """How a training is built.

    Attributes:
        chapter: whose parameters it takes. build: from parameters, scenes, path of a checkpoint and fabric.
        changes: of the parameters, where the chapter trains something else by itself.
    """

    chapter: str
    build: Builder
    changes: dict[str, Any] = {}  # noqa: RUF012 (never written to)


def untrained_eye(parameters: Any, num_classes: int) -> PerceptualFeatures:
    """The features of a perceptual loss, of weights drawn from the run's seed: they cost what trained ones cost."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(parameters.seed)
        if parameters.perceptual == "vgg19":
            return untrained_vgg19()
        light = SegmenterSettings.light(num_classes)
        network = light if parameters.segmenter == "light" else SegmenterSettings(num_classes, parameters.segmenter)
        return segmenter_features(Segmenter(network))


def _image(system: str) -> Builder:
    def build(p: Any, data: Scenes, path: Path | None, fabric: Fabric | None) -> Training:
        looks = image_settings(system, p).perceptual_weight
        eye = untrained_eye(p, data.label_space.num_classes) if looks else None
        return image_training(p, data, system, eye, path, fabric)

    return build


def _cimle(p: Any, data: Scenes, path: Path | None, fabric: Fabric | None) -> Training:
    return cimle_training(p, data, with_pixels(untrained_eye(p, data.label_space.num_classes)), path, fabric)


def _pair(system: str, layout_chapter: str) -> Builder:
    def build(p: TuningParameters, data: Scenes, path: Path | None, fabric: Fabric | None) -> Training:
        alike = {"seed": p.seed, "precision": p.precision, "ema": False}
        layout_parameters = _resolved(layout_chapter, p.preset, alike)
        key = layout_chapter, p.preset, p.seed
        if key not in _BEGUN:
            _BEGUN[key] = tempfile.TemporaryDirectory()
        paths = {name: Path(_BEGUN[key].name, f"{name}.safetensors") for name in ("layouts", "gaugan")}
        if not paths["gaugan"].exists():
            cpu, alone = Fabric(accelerator="cpu", devices=1), p.model_copy(update={"ema": False})
            layout_training(layout_parameters, data, paths["layouts"], cpu).save()
            image_training(alone, data, "gaugan", None, paths["gaugan"], cpu, perceptual_weight=0.0).save()
        eye = untrained_eye(p, data.label_space.num_classes)
        return end_to_end_training(
            p, layout_parameters, TuningData(data, data), system, paths, checkpoint_path=path, fabric=fabric,
            perceptual=eye,
        )  # fmt: skip

    return build


def _augmented(p: AugmentationParameters, data: Scenes, path: Path | None, fabric: Fabric | None) -> Training:
    """With every switch on. The scenes stand for synthetic pairs too."""
    images, layouts = data.images[:8] / 127.5 - 1, data.layouts[:8]

    def pairs(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        index = torch.randint(8, (count,), generator=random, device=random.device)
        return tuple(x.to(index.device)[index] for x in (images, layouts))  # type: ignore[return-value]

    things = components(data.layouts, thing_classes(data.label_space))
    return row_training(p, data, pairs, path, fabric, things)


TRAININGS: dict[str, Kind] = {
    "semantic-palette": Kind(_LAYOUTS, layout_training),
    "gaugan": Kind(_IMAGES, _image("gaugan")),
    "semgan": Kind("03_semgan", lambda p, data, path, fabric: semgan_training(p, data, "classes", path, fabric)),
    "segmenter-resnet101": Kind(_IMAGES, pairs_training, {"segmenter": "resnet101"}),
    "pair-semantic-palette": Kind(_TUNING, _pair("semantic-palette", _LAYOUTS)),
    "pair-sb-gan": Kind(_TUNING, _pair("sb-gan", "04_sb_gan_layouts")),
    "partial": Kind("13_partial_editing", partial_training),
    "faces": Kind("15_face_editing", face_training),
    "pix2pixhd": Kind(_IMAGES, _image("pix2pixhd")),
    "pix2pix": Kind(_IMAGES, _image("pix2pix")),
    "gaugan-vae": Kind(_IMAGES, _image("gaugan-vae")),
    "clvae": Kind("12_class_layer_vae", _image("clvae")),
    "lggan": Kind("10_lggan", _image("lggan")),
    "lggan-crossing": Kind("11_cross_view", _image("lggan")),
    "selectiongan": Kind("11_cross_view", _image("selectiongan")),
    "x-seq++": Kind("11_cross_view", _image("x-seq++")),
    "groupdnet": Kind("12_class_layer_vae", _image("groupdnet")),
    "sean": Kind(_IMAGES, _image("sean")),
    "cimle": Kind("12_class_layer_vae", _cimle),
    "sb-gan": Kind("04_sb_gan_layouts", layout_training),
    "progan-rgb": Kind(_IMAGES, progan_training),
    "segmenter-light": Kind(_IMAGES, pairs_training, {"segmenter": "light"}),
    "segmenter-augmented": Kind(
        "14_data_augmentation",
        _augmented,
        {"segmenter": "light", "adapt": True, "augment": True, "copy_paste": True, "synthetic": "semi"},
    ),
    "judge": Kind(_IMAGES, lambda p, data, path, fabric: once_training(p, data, "judge", path, fabric)),
    "rgb-gan": Kind("03_semgan", lambda p, data, path, fabric: semgan_training(p, data, "rgb", path, fabric)),
    "baseline-1": Kind("06_ablation", layout_training),
    "baseline-2": Kind("06_ablation", layout_training, {"matching_weight": 0.0, "palette_judge": True}),
    "semgan-judge": Kind("03_semgan", judge_training),
}  # in order of worth, for checks that run out of time

_LONG = 1000  # steps: more than any check takes, so that no schedule ends


def _resolved(chapter: str, preset: str, changes: dict[str, Any]) -> Any:
    found: Any = resolve(chapter, {"preset": preset})
    # Cityscapes needs a folder; toy-street has its aspect, and of its classes those that count.
    values: dict[str, Any] = {} if found.dataset in datasets.PROCEDURAL else {"dataset": "toy-street"}
    values |= {name: _LONG for name in ("steps", "segmenter_steps", "once_steps", "judge_steps", "tuning_steps")}
    if hasattr(found, "progan_images"):
        values["progan_images"] = _LONG * found.batch_size
    known = {name: value for name, value in values.items() if hasattr(found, name)}
    return resolve(chapter, {"preset": preset} | known | changes)


def parameters_of(name: str, preset: str, **changes: Any) -> Any:
    """The parameters of a training at a preset's sizes, with `changes` (precision, compile, channels_last, device)."""
    kind = TRAININGS[name]
    return _resolved(kind.chapter, preset, kind.changes | changes)


def made_up(parameters: Parameters, scenes: int = SCENES) -> Scenes:
    """Random scenes in the shape of those that a run with these parameters would read."""
    space = datasets.load(parameters.dataset, "val", limit=1).label_space
    height, width = layout_size(parameters)
    random, classes, patch = torch.Generator().manual_seed(0), space.num_classes, min(8, height // 4)
    small = torch.randint(classes, (scenes, height // patch, width // patch), generator=random, dtype=torch.uint8)
    layouts = small.repeat_interleave(patch, 1).repeat_interleave(patch, 2)
    if space.ignore_index is not None:
        layouts[:, : height // 8, : width // 4] = space.ignore_index
    images = torch.randint(256, (scenes, 3, height, width), generator=random, dtype=torch.uint8)
    palettes: Tensor = palette_of(layouts, classes, space.ignore_index)
    mixture = PaletteMixture.fit(palettes, 1)
    some = slice(0, 2)
    sources = images.flip(1) if isinstance(parameters, CrossViewParameters) else None
    return Scenes(
        parameters.dataset, space, layouts, layouts[some], palettes, palettes[some], mixture, images, images[some],
        sources,
    )  # fmt: skip


def build(
    name: str,
    parameters: Any,
    data: Scenes | None = None,
    checkpoint_path: Path | None = None,
    fabric: Fabric | None = None,
) -> Training:
    """A training of TRAININGS. Where it grows by stages it stands near its end: the last one, wholly faded in.

    Args:
        parameters: from `parameters_of`. data: None makes them up. checkpoint_path, fabric: as in `layout_training`.
    """
    training = TRAININGS[name].build(parameters, data or made_up(parameters), checkpoint_path, fabric)
    stages = getattr(training, "_phases", None)
    if stages and not training.step:
        training.step = training.steps - min(stages[-1].steps, 8)
    return training
