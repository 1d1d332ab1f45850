"""From a run's parameters to one row of Table 3: its own painter, its synthetic pairs on disk, and its segmenter."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor
from tqdm import tqdm

from sempal_lib import datasets
from sempal_lib.image_gans import ImageGenerator, TwoStageGenerator
from sempal_lib.image_gans.two_stage import enlarge
from sempal_lib.layout_gans import PartialGenerator
from sempal_lib.metrics.layouts import frechet_segmentation_distance
from sempal_lib.metrics.scenes import evaluate_images, named_ious, standard_classes
from sempal_lib.metrics.segmentation import confusion_matrix, mean_iou, pixel_accuracy
from sempal_lib.palettes import palette_of
from sempal_lib.parameters import AugmentationParameters
from sempal_lib.records import RunError, runs_root
from sempal_lib.runs import parameters_for, require_checkpoint
from sempal_lib.segmentation import Segmenter, SegmenterSettings
from sempal_lib.settings import PAIRS_FROM
from sempal_lib.training import checkpoint
from sempal_lib.training.changes import components, thing_classes
from sempal_lib.training.judge import painted_scenes, pairs_settings, segmenter_training
from sempal_lib.training.once import once, segmenter_for, unfinished_of
from sempal_lib.training.painting import CODE as PAINTER_CODE
from sempal_lib.training.painting import image_training, perceptual_for
from sempal_lib.training.pairs import PairSet, Recipe, Scenes, make_pairs
from sempal_lib.training.partial import PartialSettings, partial_settings, random_regions
from sempal_lib.training.segmentation import PairSource, SegmenterTraining, load_segmenter, save_segmenter
from sempal_lib.training.settings import Progress
from sempal_lib.training.setup import CODE, SceneSet, device_of, digest_of, progress_bar, provenance, scene_set
from sempal_lib.training.weights import load_generator, save_generator
from sempal_lib.worlds.engine import World

# How strong the controls are, and AdvEnt's weight: its use in Semantic Palette's release.
CROP, JITTER, COPY_PASTE, ADAPT = 0.5, 0.4, 0.5, 0.01
_EYE_CODE = ("segmentation.py", *(f"training/{name}.py" for name in ("segmentation", "judge", "augmentation")))
_PAIRS_CODE = (
    "palettes.py", "layout_gans/*.py", "image_gans/*.py", "training/judge.py", "training/pairs.py",
    "training/augmentation.py",
)  # fmt: skip
_PAINTER = ("steps", "batch_size", "learning_rate", "decay", "ema", "perceptual", "ngf", "ndf", "hidden", "doublings",
            "segmenter", "segmenter_steps", "segmenter_batch_size", "seed", "train_scenes")  # fmt: skip


def own_painter(parameters: AugmentationParameters, data: SceneSet, commit: bool = False) -> ImageGenerator:
    """A GauGAN that has seen a run's own pairs and no others: what it paints adds no scene to them.

    Trained once for a seed and a number of pairs, and shared by the rows. So is the eye of its perceptual loss, a
    segmenter of the same pairs: the one that the other chapters' painters look through knows thousands of others.

    Args:
        commit: train it anew and put it under runs/reference.
    Returns:
        On the run's device, in evaluation mode.
    Chapter: Does synthetic data help?
    """
    p = parameters
    recipe = {name: getattr(p, name) for name in _PAINTER} | {"code": digest_of((*CODE, *PAINTER_CODE))}

    def make(path: Path) -> dict[str, Any]:
        unfinished, perceptual = unfinished_of(path, "own-painter"), perceptual_for(p, lambda: own_eye(p, data))
        training = image_training(p, data, "gaugan", perceptual, unfinished)
        for _ in progress_bar(training):
            pass
        save_generator(path, training.averaged, data.label_space)
        unfinished.unlink(missing_ok=True)
        return {"scenes": len(data.layouts), "seconds": training.seconds}

    fixed = ("steps", "ngf", "ndf", "hidden", "doublings", "seed", "train_scenes")
    painter: ImageGenerator = load_generator(once(p, "own-painter", recipe, make, fixed, commit), "gaugan")[0]
    return painter.to(device_of(p))


def own_eye(parameters: AugmentationParameters, data: SceneSet) -> Segmenter:
    """A segmenter of a run's own pairs alone, for the perceptual loss of its painter."""
    p = parameters
    names = ("segmenter", "segmenter_steps", "segmenter_batch_size", "seed", "train_scenes")
    recipe = {name: getattr(p, name) for name in names} | {"code": digest_of((*CODE, *_EYE_CODE))}

    def make(path: Path) -> dict[str, Any]:
        unfinished = unfinished_of(path, "own-eye")
        training = row_training(row_real(p), data, None, unfinished)
        for _ in progress_bar(training):
            pass
        save_segmenter(path, training.segmenter, data.label_space)
        unfinished.unlink(missing_ok=True)
        return {"scenes": len(data.layouts), "seconds": training.seconds}

    return load_segmenter(once(p, "own-eye", recipe, make))[0].to(device_of(p))


def row_real(parameters: AugmentationParameters) -> AugmentationParameters:
    """The parameters of the row `real` beside a run's own."""
    plain = {"synthetic": "none", "labels": "own", "adapt": False, "augment": False, "copy_paste": False}
    return parameters.model_copy(update=plain)


def edited_scenes(
    generator: PartialGenerator, painter: ImageGenerator, layouts: Tensor, settings: PartialSettings
) -> Scenes:
    """Pairs of real layouts, uint8 [N, H, W] on the CPU, with one rectangle painted anew, and what a painter makes.

    Within the rectangle the palette stays that of the real content. The generator may work at a smaller size: outside
    the rectangle every pixel is the real layout's, at its full size.

    Source: Semantic Palette, §5.2. Chapter: Does synthetic data help?
    """
    size, classes = (layouts.shape[1], layouts.shape[2]), generator.settings.num_classes
    step = size[0] // generator.size[0]

    def scenes(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        real = layouts[torch.randint(len(layouts), (count,), generator=random)]
        small = real[:, step // 2 :: step, step // 2 :: step]
        regions = random_regions(count, generator.size, settings, random, small.device)
        # A rectangle of ignored pixels has no palette: it gets the whole layout's.
        inside = torch.where(regions, small, 255)
        none = (inside == 255).flatten(1).all(1)
        palettes = palette_of(torch.where(none[:, None, None], small, inside), classes, 255)
        seed = int(torch.randint(2**31, (1,), generator=random))
        edited = enlarge(generator.edit(small, regions, palettes, seed), size)
        edited = torch.where(enlarge(regions, size), edited, real)
        return painter.generate(edited, seed), edited

    return scenes


def further_pairs(parameters: AugmentationParameters, data: SceneSet) -> Scenes:
    """Real pairs that the run leaves out, at random: what more real data would give. RunError if there are none."""
    p, seen = parameters, len(data.layouts)
    others = scene_set(p.model_copy(update={"train_scenes": seen + p.pairs}))
    images, layouts = others.images[seen:], others.layouts[seen:]
    if not len(images):
        raise RunError(f"{data.name} has no pairs beyond the {seen} of this run: lower train_scenes")

    def scenes(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        index = torch.randint(len(images), (count,), generator=random)
        return images[index] / 127.5 - 1, layouts[index]

    return scenes


def read_by(judge: Segmenter, scenes: Scenes) -> Scenes:
    """The same pictures, labelled by what a judge sees in them."""

    def read(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        pictures, _ = scenes(count, random)
        return pictures, judge.predict(pictures)

    return read


def pair_source(parameters: AugmentationParameters, data: SceneSet) -> tuple[Scenes, dict[str, str]]:
    """What makes a run's synthetic pairs, and the digests of all that it draws from.

    Raises:
        RunError: the generator of another chapter is missing, with the command that makes it.
    """
    p, device = parameters, device_of(parameters)
    digests = {"data": provenance(data, ())["data"]}
    if p.synthetic == "more":
        return further_pairs(p, data), digests
    needed = [require_checkpoint(chapter, p) for chapter in PAIRS_FROM[p.synthetic]]  # before anything is trained
    painter = own_painter(p, data)
    digests["painter"] = checkpoint.fingerprint(painter)[:16]
    scenes: Scenes = painted_scenes(painter, data.layouts)
    for path in needed:
        digests["layouts"] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        generator, _, mixture = load_generator(path, "partial" if p.synthetic == "part" else "layout")
        generator = generator.to(device)
        if p.synthetic == "part":
            settings = partial_settings(parameters_for(PAIRS_FROM["part"][0], p))  # type: ignore[arg-type]
            scenes = edited_scenes(generator, painter, data.layouts, settings)
        else:
            scenes = TwoStageGenerator(generator, painter, mixture).sample
    if p.labels == "judge":
        judge = segmenter_for(p)
        digests["judge"] = checkpoint.fingerprint(judge)[:16]
        scenes = read_by(judge, scenes)
    return scenes, digests


def synthetic_pairs(parameters: AugmentationParameters, data: SceneSet) -> PairSet | None:
    """The synthetic pairs of a run, made now where they do not lie there yet; None for a row without.

    Chapter: Does synthetic data help?
    """
    p, space, (height, width) = parameters, data.label_space, data.size
    if p.synthetic == "none":
        return None
    scenes, digests = pair_source(p, data)
    kind = p.synthetic if p.labels == "own" else f"{p.synthetic}-judged"
    recipe = Recipe(
        kind, tuple(space.names), space.ignore_index, height, width, p.pairs, p.seed, digests,
        digest_of((*CODE, *_PAIRS_CODE)),
    )  # fmt: skip
    folder = runs_root() / "pairs" / f"{data.name}-{height}x{width}-{kind}-s{p.seed}-{recipe.digest}"
    with tqdm(total=recipe.count, unit="pair", mininterval=1) as bar:
        for done in make_pairs(folder, recipe, scenes):
            bar.update(done - bar.n)
    return PairSet(folder, space, data.size)


def things_of(parameters: AugmentationParameters, data: SceneSet) -> Tensor:
    """The things of a run's layouts, by number, int32 [N, H, W]; 0 for none: for copy-paste.

    Of a world its own; where nobody has told things apart, connected pixels of a class.
    """
    p, things = parameters, thing_classes(data.label_space)
    world = datasets.load(p.dataset, "train", data.size, root=p.data_root, seed=p.seed, limit=p.train_scenes)
    if not isinstance(world, World):
        return components(data.layouts, things)
    numbers, last = np.zeros(data.layouts.shape, np.int32), 0
    for index in range(len(world)):
        scene = world.compose(world.random(index, 0))
        found = scene.draw(data.size[0]).of(scene.things.astype(np.int32), data.size[0])
        numbers[index] = np.where(found > 0, found + last, 0)
        last += int(found.max())
    return torch.from_numpy(numbers) * torch.isin(data.layouts, torch.tensor(things))


def row_training(
    parameters: AugmentationParameters,
    data: SceneSet,
    pairs: PairSet | PairSource | None,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
    instances: Tensor | None = None,
) -> SegmenterTraining:
    """The segmenter of a row, ready to be trained or to go on.

    Args:
        pairs: from `synthetic_pairs`. instances: things for copy-paste; None: those of `things_of`.

    In every step a batch of real pairs and one of synthetic ones, whose gradients add up, as in the release.

    Source: Semantic Palette, §5.2, and its release. Chapter: Does synthetic data help?
    """
    p, classes, light = parameters, data.label_space.num_classes, parameters.segmenter == "light"
    settings = replace(
        pairs_settings(p, p.segmenter_steps, float(light)), crop=CROP if p.augment else 1.0,
        jitter=JITTER * p.augment, copy_paste=COPY_PASTE * p.copy_paste, adapt=ADAPT * p.adapt,
    )  # fmt: skip
    network = SegmenterSettings.light(classes) if light else SegmenterSettings(classes, p.segmenter)
    if p.copy_paste and instances is None:
        instances = things_of(p, data)
    return segmenter_training(p, data, data.images, network, settings, checkpoint_path, pairs, fabric, instances)


def train_row(
    parameters: AugmentationParameters,
    data: SceneSet,
    pairs: PairSet | None,
    checkpoint_path: str | Path | None = None,
    watch: Callable[[SegmenterTraining], Iterable[Progress]] = iter,
) -> SegmenterTraining:
    """Train a row's segmenter to the end and return the training. watch: as in `train`."""
    training = row_training(parameters, data, pairs, checkpoint_path)
    for _ in watch(training):
        pass
    training.segmenter.eval()
    return training


def evaluate_row(segmenter: Segmenter, data: SceneSet) -> dict[str, tuple[float, int]]:
    """How well a segmenter reads the held-out scenes: "miou", "miou_all" (mIoU*), "pixel_accuracy", and "iou_…" of each
    class that occurs; each with the number of scenes."""
    space = data.label_space
    matrix = confusion_matrix(segmenter.predict(data.held_out_images), data.held_out, space.num_classes, 255)
    found = {
        "miou": mean_iou(matrix, standard_classes(space)), "miou_all": mean_iou(matrix, absent="zero"),
        "pixel_accuracy": pixel_accuracy(matrix),
    }  # fmt: skip
    count = len(data.held_out)
    return {name: (value, count) for name, value in found.items()} | named_ious(matrix, space, count)


def evaluate_pairs(parameters: AugmentationParameters, data: SceneSet, pairs: PairSet) -> dict[str, tuple[float, int]]:
    """How far synthetic pairs are from real ones, part by part.

    Returns:
        "fsd" of their layouts, "fd_seg" of their pictures, and "gan_test_miou": how well the judge finds in their
        pictures what their labels say.
    """
    count = min(parameters.samples, len(data.held_out), len(pairs))
    images, layouts = pairs[torch.arange(count)]
    palettes = palette_of(layouts, data.label_space.num_classes, 255)
    judge = segmenter_for(parameters)
    found = evaluate_images(images / 127.5 - 1, layouts.long(), data.held_out_images, judge, data.label_space)
    distance = float(frechet_segmentation_distance(data.palettes, palettes))
    return found | {"fsd": (distance, count)}
