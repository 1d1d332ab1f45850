"""From a run's parameters to a trained layout generator: data, palettes, networks, devices."""

import ast
import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor
from tqdm import tqdm

from sempal_lib import datasets
from sempal_lib.labels import LabelSpace
from sempal_lib.layout_gans import GeneratorSettings, LayoutDiscriminator, LayoutGenerator
from sempal_lib.palettes import PaletteMixture, palette_of
from sempal_lib.parameters import LayoutParameters, Parameters
from sempal_lib.training import checkpoint
from sempal_lib.training.progressive import ProgressiveTraining
from sempal_lib.training.settings import Progress, ProgressiveSettings, StageSettings

# What a trained weight depends on, beside the data themselves.
_CODE = ("labels.py", "layers.py", "losses.py", "palettes.py", "layout_gans/*.py", "training/loop.py", "training/progressive.py")


@dataclass(frozen=True, eq=False)
class LayoutData:
    """A data set as layout generators need it.

    Attributes:
        layouts, held_out: training and validation layouts, uint8 [N, H, W].
        palettes, held_out_palettes: theirs, [N, C]; layouts with only ignored pixels are left out.
        mixture: fitted on `palettes`.
    """

    name: str
    label_space: LabelSpace
    layouts: Tensor
    held_out: Tensor
    palettes: Tensor
    held_out_palettes: Tensor
    mixture: PaletteMixture

    @property
    def size(self) -> tuple[int, int]:
        return tuple(self.layouts.shape[1:])  # type: ignore[return-value]


def layout_size(parameters: LayoutParameters) -> tuple[int, int]:
    """(H, W) of a run's layouts: the height asked for, the width by the data set's own aspect (1:1 or 1:2), px."""
    own = datasets.load(parameters.dataset, "val", root=parameters.data_root, limit=1).size
    return parameters.height, parameters.height * (2 if own[1] / own[0] >= 1.5 else 1)


def layout_data(parameters: LayoutParameters, workers: int = 0) -> LayoutData:
    """Read or make all layouts of a run and fit the palette mixture.

    Every label is checked here, before any training starts. Errors are those of `datasets.load`.
    Chapter: Layouts and palettes.
    """
    p, size = parameters, layout_size(parameters)
    layouts = []
    for split, limit in (("train", p.train_scenes), ("val", p.val_scenes)):
        scenes = datasets.load(p.dataset, split, size, root=p.data_root, seed=p.seed, limit=limit)
        every = scenes.layouts(workers)
        layouts.append(every[(every < scenes.label_space.num_classes).flatten(1).any(1)])
    space = scenes.label_space
    seen, held_out = (palette_of(x, space.num_classes, space.ignore_index) for x in layouts)
    mixture = PaletteMixture.fit(seen, p.max_components, p.seed)
    return LayoutData(p.dataset, space, layouts[0], layouts[1], seen, held_out, mixture)


def generator_settings(parameters: LayoutParameters, data: LayoutData) -> GeneratorSettings:
    p, (height, width) = parameters, data.size
    return GeneratorSettings(
        data.label_space.num_classes, height, width, p.latent_dim, p.max_channels, p.channel_base,
        palette_input=p.palette_input, activation=p.activation, fusion=p.fusion, iterations=p.iterations,
        palette_judge=p.palette_judge, released=p.released,
    )  # fmt: skip


def progressive_settings(parameters: LayoutParameters) -> ProgressiveSettings:
    """The schedule and switches of a run. The average's half-life is the 16th part of the last phase."""
    p = parameters
    stages = tuple(StageSettings(b, n, n) for b, n in zip(p.batch_sizes, p.phase_images, strict=True))
    return ProgressiveSettings(
        stages,
        p.learning_rate,
        drift_weight=0.0 if p.released else 1e-3,
        conditional_weight=p.conditional_weight,
        matching_weight=p.matching_weight,
        multi_scale=p.multi_scale,
        soft_real=p.soft_real,
        palette_source=p.palette_source,
        ema_images=max(p.phase_images[-1] // 16, 1) if p.ema else 0,
        released=p.released,
        channels_last=p.channels_last,
        compile=p.compile,
        checkpoint_seconds=p.checkpoint_seconds,
        seed=p.seed,
    )


def make_fabric(parameters: Parameters) -> Fabric:
    """Devices and precision of a run. Several devices are processes that `launch` starts."""
    p = parameters
    return Fabric(
        accelerator={"auto": "auto", "cpu": "cpu", "cuda": "cuda"}[p.device], devices=p.devices,
        precision=p.precision, strategy="ddp_spawn" if p.devices > 1 else "auto",
    )  # fmt: skip


def layout_training(
    parameters: LayoutParameters,
    data: LayoutData,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
    conditional: bool = True,
) -> ProgressiveTraining:
    """A layout GAN as the parameters say, ready to be trained or to go on from its checkpoint.

    A checkpoint that older code of this library or other data left is moved aside, never mixed with the new.

    Args:
        conditional: False takes every part away that sees the palette: the floor that the method is held against.
    Chapter: Progressive layouts, guided by a palette.
    """
    network, settings = generator_settings(parameters, data), progressive_settings(parameters)
    if not conditional:
        network = replace(network, palette_input=False, activation="softmax", fusion=False, palette_judge=False)
        settings = replace(settings, conditional_weight=0.0, matching_weight=0.0, multi_scale=False)
    facts = provenance(data)
    if checkpoint_path is not None:
        _set_outdated_aside(Path(checkpoint_path), facts)
    # The weights are drawn from the run's seed, whatever was drawn before.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(parameters.seed)
        generator, discriminator = LayoutGenerator(network), LayoutDiscriminator(network)
    return ProgressiveTraining(
        generator, discriminator, data.layouts, settings, data.mixture, fabric or make_fabric(parameters),
        checkpoint_path, facts,
    )  # fmt: skip


def provenance(data: LayoutData) -> dict[str, str]:
    """Hashes of the training layouts and of the code that trains on them; comments and docstrings do not count."""
    library, digest = Path(__file__).parent.parent, hashlib.sha256()
    for path in sorted(path for pattern in _CODE for path in library.glob(pattern)):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and _is_text(body[0].value):
                body.pop(0)
        digest.update(ast.dump(tree).encode())
    layouts = hashlib.sha256(data.layouts.numpy().tobytes())
    return {"data_set": data.name, "data": layouts.hexdigest()[:12], "code": digest.hexdigest()[:12]}


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _set_outdated_aside(path: Path, facts: dict[str, str]) -> None:
    if not path.exists():
        return
    found = checkpoint.load(path)[1].get("configuration", {})
    if found.get("data_set") == facts["data_set"] and any(found.get(k) != facts[k] for k in ("code", "data")):
        aside = path.with_name(f"{path.stem}-{found.get('code')}-{found.get('data')}{path.suffix}")
        path.replace(aside)
        what = "code" if found.get("code") != facts["code"] else "data"
        warnings.warn(
            f"{path.name} was trained by other {what} than today's: kept as {aside.name}, training starts afresh",
            stacklevel=3,
        )


def train(
    parameters: LayoutParameters,
    data: LayoutData,
    checkpoint_path: str | Path,
    conditional: bool = True,
    watch: Callable[[ProgressiveTraining], Iterable[Progress]] = iter,
) -> ProgressiveTraining:
    """Train to the end and return the training, whose `averaged` is the generator to sample from.

    With one device it happens here; several are processes of their own, whose result comes back by the checkpoint.

    Args:
        checkpoint_path, conditional: as in `layout_training`.
        watch: is given the training and yields its progress; `progress_bar` shows it on the way.
    Chapter: Progressive layouts, guided by a palette.
    """
    if parameters.devices > 1:
        # Fabric moves tensors inside its arguments, and may not change what is frozen: a plain dict travels.
        launch: Any = make_fabric(parameters).launch
        launch(_train_in_process, parameters.model_dump(), str(checkpoint_path), conditional)
        parameters = parameters.model_copy(update={"devices": 1})
    training = layout_training(parameters, data, checkpoint_path, conditional=conditional)
    for _ in watch(training):
        pass
    return training


def _train_in_process(fabric: Fabric, values: dict, checkpoint_path: str, conditional: bool) -> None:
    parameters = LayoutParameters(**values)
    training = layout_training(parameters, layout_data(parameters), checkpoint_path, fabric, conditional)
    for _ in progress_bar(training) if fabric.global_rank == 0 else training:
        pass
    fabric.barrier()


def progress_bar(training: ProgressiveTraining) -> Iterator[Progress]:
    """Pass the reports on and show them as a bar: stage, fade, layouts per second, losses."""
    with tqdm(total=training.steps, initial=training.step, unit="step", mininterval=1) as bar:
        for progress in training:
            losses = " ".join(f"{name} {value:.2f}" for name, value in progress.losses.items())
            size = f"{progress.height} px, stage {progress.stage + 1} of {len(training.settings.stages)}"
            bar.set_description(f"{size}, fade {progress.fade:.2f}", refresh=False)
            bar.set_postfix_str(f"{progress.images_per_second:.0f} layouts/s {losses}", refresh=False)
            bar.update(progress.step - bar.n)
            yield progress
