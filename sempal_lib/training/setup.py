"""What stands before a training: the scenes of a run, its devices, and whether an old checkpoint still fits."""

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import LightningEnvironment
from torch import Tensor
from tqdm import tqdm

from sempal_lib import datasets
from sempal_lib.code_digests import code_digest
from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import palette_of
from sempal_lib.parameters import CrossViewParameters, Parameters
from sempal_lib.processes import ProcessError, Processes, check_device, name_of, named
from sempal_lib.records import runs_root
from sempal_lib.scenes import SceneDataset
from sempal_lib.training import checkpoint
from sempal_lib.training.loop import Training
from sempal_lib.training.settings import Progress, TrainingError
from sempal_lib.worlds.engine import World

# What the weights of any training depend on, beside the data; each kind adds its own files.
CODE = ("labels.py", "losses.py", "training/loop.py")
# What the scenes of a procedural world depend on.
WORLD_CODE = ("labels.py", "scenes.py", "worlds/**/*.py")
AnyTraining = TypeVar("AnyTraining", bound=Training)


@dataclass(frozen=True, eq=False)
class LayoutSet:
    """The layouts of a run.

    Attributes:
        layouts, held_out: training and validation layouts, uint8 [N, H, W].
        palettes, held_out_palettes: theirs, [N, C]; layouts with only ignored pixels are left out.
    """

    name: str
    label_space: LabelSpace
    layouts: Tensor
    held_out: Tensor
    palettes: Tensor
    held_out_palettes: Tensor

    @property
    def size(self) -> tuple[int, int]:
        return tuple(self.layouts.shape[1:])  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class SceneSet(LayoutSet):
    """The pictures of a run beside their layouts, in which 255 is the one label of no class.

    Attributes:
        images, held_out_images: training and validation pictures, uint8 [N, 3, H, W].
        sources, held_out_sources: the same scenes from the other view, alike; None where a run has one view only.
    """

    images: Tensor
    held_out_images: Tensor
    sources: Tensor | None = None
    held_out_sources: Tensor | None = None


def layout_size(parameters: Parameters) -> tuple[int, int]:
    """(H, W) of a run's layouts: the height asked for, the width by the data set's own aspect (1:1 or 1:2), px."""
    own = datasets.load(parameters.dataset, "val", root=parameters.data_root, limit=1).size
    return parameters.height, parameters.height * (2 if own[1] / own[0] >= 1.5 else 1)


def layout_set(parameters: Parameters, workers: int = 0, square: bool = False) -> LayoutSet:
    """Read or make all layouts of a run.

    Every label is checked here, before any training starts. Errors are those of `datasets.load`.

    Args:
        square: of wide scenes take every second column only, as if they had been resized to a square.
    """
    size, layouts = layout_size(parameters), []
    for scenes in _splits(parameters, size):
        (every,) = _kept(scenes, "layouts", workers)
        if square and size[1] == 2 * size[0]:
            every = every[:, :, 1::2].contiguous()
        layouts.append(every[(every < scenes.label_space.num_classes).flatten(1).any(1)])
    space = scenes.label_space
    seen, held_out = (palette_of(x, space.num_classes, space.ignore_index) for x in layouts)
    return LayoutSet(parameters.dataset, space, layouts[0], layouts[1], seen, held_out)


def scene_set(parameters: Parameters, workers: int = 0) -> SceneSet:
    """Read or make all pictures and layouts of a run, and the other view's pictures where its chapter wants them.

    Every file is looked at here, before any training starts. Errors are those of `datasets.load`, and of
    `SceneDataset.crossings`.
    Chapter: Painting by layout.
    """
    found = []
    for scenes in _splits(parameters, layout_size(parameters)):
        images, layouts, *other = _kept(scenes, _kind(parameters), workers)
        if isinstance(parameters, CrossViewParameters) and parameters.view == "aerial":
            images, layouts, other = other[0], other[1], [images]
        classes = scenes.label_space.num_classes
        layouts = torch.where(layouts < classes, layouts, 255)
        some = (layouts < classes).flatten(1).any(1)
        if isinstance(parameters, CrossViewParameters) and len(layouts[some].unique()) < 2:
            raise ValueError(
                f"{scenes.name}: the layouts of the {parameters.view} view show one class, or none: CVUSA's own four "
                "classes are of the ground alone; choose the other direction, or another form of the set"
            )
        sources = other[0][some] if other else None
        found.append((images[some], layouts[some], palette_of(layouts[some], classes, 255), sources))
    (images, layouts, palettes, sources), (held_out_images, held_out, held_out_palettes, held_out_sources) = found
    return SceneSet(
        parameters.dataset, replace(scenes.label_space, ignore_index=255), layouts, held_out, palettes,
        held_out_palettes, images, held_out_images, sources, held_out_sources,
    )  # fmt: skip


_Kind = Literal["layouts", "pairs", "crossings"]


def _kind(parameters: Parameters) -> _Kind:
    return "crossings" if isinstance(parameters, CrossViewParameters) else "pairs"


def _splits(parameters: Parameters, size: tuple[int, int]) -> Iterator[SceneDataset]:
    p = parameters
    for split, limit in (("train", p.train_scenes), ("val", p.val_scenes)):
        yield datasets.load(p.dataset, split, size, root=p.data_root, seed=p.seed, limit=limit)


def _kept(scenes: SceneDataset, kind: _Kind, workers: int) -> tuple[Tensor, ...]:
    """The layouts, or the pictures and layouts, or these of both views, of all scenes.

    Those of procedural worlds are made once and kept: chapters want mostly the same. Scenes of another seed, size,
    number or code of the worlds are other files. Real data are read anew each time.
    """

    def made() -> tuple[Tensor, ...]:
        found = getattr(scenes, kind)(workers)
        return (found,) if kind == "layouts" else found

    if not isinstance(scenes, World):
        return made()
    size, code = f"{scenes.size[0]}x{scenes.size[1]}", digest_of(WORLD_CODE)
    name = f"{scenes.name}-{scenes.split}-{size}-s{scenes.seed}-{len(scenes)}-{kind}-{code}"
    path = runs_root() / "worlds" / f"{name}.safetensors"
    if path.exists():
        try:
            return tuple(checkpoint.load(path)[0].values())
        except checkpoint.CheckpointError:
            pass  # it is made anew, and written over
    tensors = made()
    checkpoint.save(path, {str(number): tensor for number, tensor in enumerate(tensors)}, {})
    return tensors


def make_fabric(parameters: Parameters, devices: int | None = None) -> Fabric:
    """Device and precision of a run. Of several devices it is this process's part, which `worker` has given a place.

    Args:
        devices: where it is not the parameters' number.
    """
    p, devices = parameters, devices or parameters.devices
    # Of the environment nothing else counts: a notebook inside a job of Slurm is no task of it.
    return Fabric(
        accelerator={"auto": "auto", "cpu": "cpu", "cuda": "cuda"}[p.device], devices=1, num_nodes=devices,
        precision=p.precision, strategy="ddp" if devices > 1 else "auto", plugins=LightningEnvironment(),
    )  # fmt: skip


def device_of(parameters: Parameters) -> torch.device:
    """The device of a run, or the first of several: where loaded networks paint and judge."""
    return make_fabric(parameters, devices=1).device  # type: ignore[no-any-return]


def provenance(data: LayoutSet, code: Iterable[str]) -> dict[str, str]:
    """Hashes of the training data and of the code that trains on them; comments and docstrings do not count.

    Args:
        code: patterns of files of the library, beside those that every training depends on.
    """
    seen = hashlib.sha256(data.layouts.numpy().tobytes())
    if isinstance(data, SceneSet):
        seen.update(data.images.numpy().tobytes())
        if data.sources is not None:
            seen.update(data.sources.numpy().tobytes())
    return {"data_set": data.name, "data": seen.hexdigest()[:12], "code": digest_of((*CODE, *code))}


@cache
def digest_of(patterns: tuple[str, ...]) -> str:
    """12 hex digits of the code in the library's files of these patterns."""
    library = Path(__file__).parent.parent
    return code_digest({path for pattern in patterns for path in library.glob(pattern)}, library)[:12]


def set_outdated_aside(path: str | Path | None, facts: dict[str, str]) -> None:
    """Move a checkpoint away that older code, or other data of the same set, left. It is never mixed with the new."""
    if path is None or not Path(path).exists():
        return
    path = Path(path)
    found = checkpoint.load(path)[1].get("configuration", {})
    if found.get("data_set") == facts["data_set"] and any(found.get(k) != facts[k] for k in ("code", "data")):
        aside = path.with_name(f"{path.stem}-{found.get('code')}-{found.get('data')}{path.suffix}")
        path.replace(aside)
        what = "code" if found.get("code") != facts["code"] else "data"
        warnings.warn(
            f"{path.name} was trained by other {what} than today's: kept as {aside.name}, training starts afresh",
            stacklevel=4,
        )


def train_to_the_end(
    build: Callable[..., AnyTraining],
    parameters: Parameters,
    data: Any,
    *arguments: Any,
    watch: Callable[[AnyTraining], Iterable[Progress]] = iter,
) -> AnyTraining:
    """Train, and return the training.

    With one device it happens here; several are processes of their own (see `processes`), whose reports come back as
    they are made, and whose result by the checkpoint.

    Args:
        build: a function of a module, called with parameters, data (None in another process, which reads them for
            itself), `arguments` (JSON values; a tuple arrives as a list) and a fabric (None: as the parameters say).
        watch: is given the training, or `Reports` of it, and yields its progress; `progress_bar` shows it on the way.
    Raises:
        TrainingError: a process was killed, or failed for a reason that is not of this library. Errors of this
            library, and ValueErrors of the data, come back as they are. No process is left.
    """
    alone = parameters.model_copy(update={"devices": 1})
    # What processes would do at once and get in each other's way is done here first: an outdated checkpoint is moved
    # aside, and a network that the training looks through is trained.
    training = build(alone, data, *arguments, None)
    if parameters.devices > 1 and training.step < training.steps:
        if training.checkpoint_path is None:
            raise TrainingError("several devices hand their result over by a checkpoint: give a checkpoint_path")
        reports, on_gpus = Reports(training), training.fabric.device.type == "cuda"
        # What "auto" is, all nodes must agree on.
        values = parameters.model_copy(update={"device": "cuda" if on_gpus else "cpu"}).model_dump_json()
        path = training.checkpoint_path.with_suffix(".order")
        del training  # its memory is theirs
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            check_device(parameters)
            order = (name_of(build), name_of(type(parameters)), values, arguments)
            with Processes(name_of(_in_process), order, parameters.devices, path, on_gpus) as processes:
                reports.source = processes
                for _ in watch(reports):  # type: ignore[arg-type]
                    pass
        except ProcessError as error:
            raise TrainingError(f"{error}\nThe next call goes on from the last checkpoint") from None
        return build(alone, data, *arguments, None)
    for _ in watch(training):
        pass
    return training


class Reports:
    """A training that other processes do, as `watch` sees it: its steps, and their reports, without samples."""

    def __init__(self, training: Training):
        self.step, self.steps, self.history = training.step, training.steps, list(training.history)
        self.source: Iterable[dict[str, Any]] = ()

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Progress]:
        for report in self.source:
            progress = Progress(**report["progress"])
            self.step = progress.step
            self.history.append(progress.row())
            yield progress


def _in_process(report: Callable, build: str, kind: str, values: str, arguments: list) -> None:
    """The part of one process of several; the first of them reports."""
    parameters = named(kind).model_validate_json(values)
    fabric = make_fabric(parameters)
    fabric.launch()
    for progress in named(build)(parameters, None, *arguments, fabric):
        if fabric.global_rank == 0:
            report(progress={k: v for k, v in vars(progress).items() if k != "samples"})
    fabric.barrier()
    torch.distributed.destroy_process_group()


def progress_bar(training: Training) -> Iterator[Progress]:
    """Pass the reports on and show them as a bar: stage and fade where there are any, samples per second, losses."""
    with tqdm(total=training.steps, initial=training.step, unit="step", mininterval=1) as bar:
        for progress in training:
            losses = " ".join(f"{name} {value:.2f}" for name, value in progress.losses.items())
            if progress.height:
                bar.set_description(
                    f"{progress.height} px, stage {progress.stage + 1}, fade {progress.fade:.2f}", refresh=False
                )
            bar.set_postfix_str(f"{progress.images_per_second:.0f} samples/s {losses}", refresh=False)
            bar.update(progress.step - bar.n)
            yield progress
