"""Training by conditional implicit maximum likelihood: each real picture draws the nearest of some samples."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.datasets.rarity import GTA_CYCLE, rarity, rarity_mask, rebalanced_draws
from sempal_lib.image_gans import CascadeGenerator, CascadeSettings, PerceptualFeatures, with_pixels
from sempal_lib.image_gans.cimle import noise_encoder
from sempal_lib.losses import perceptual_distances
from sempal_lib.parameters import StyleParameters
from sempal_lib.segmentation import as_float
from sempal_lib.training import checkpoint
from sempal_lib.training.images import check_scenes
from sempal_lib.training.loop import Training, average_of, compiled, placed
from sempal_lib.training.painting import perceptual_for
from sempal_lib.training.settings import Progress
from sempal_lib.training.setup import SceneSet, make_fabric, provenance, scene_set, set_outdated_aside, train_to_the_end

_CODE = (
    "layers.py", "segmentation.py", "image_gans/interface.py", "image_gans/cimle.py", "image_gans/perceptual.py",
    "datasets/rarity.py", "training/images.py", "training/cimle.py",
)  # fmt: skip
_PRIME = 1_000_003  # of which the seeds of noise are made


@dataclass(frozen=True)
class CimleTrainingSettings:
    """How cIMLE is trained. The defaults are its authors', for GTA-5."""

    batch_size: int = 1  # pairs a step, over all devices
    steps: int = 160_000
    epochs: int = 16  # each of as many steps; scenes are drawn and noise is chosen for each anew
    scenes: int = 400  # K, drawn for an epoch
    candidates: int = 10  # samples of a scene, of which the nearest is kept
    restart: int = 6  # epoch before which the noise encoder is drawn anew and the rate becomes a tenth; 0: never
    rebalance: bool = True  # rare looks of classes are drawn more often, and their pixels count more
    classes: tuple[int, ...] | None = None  # that scenes are drawn for, in turn; None: all that have a density
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)  # of Adam
    search_batch: int = 8  # scenes whose candidates are painted at once
    ema_images: int = 0  # half-life of the averaged generator, in pairs shown; 0: no averaging
    channels_last: bool = False
    compile: bool = False
    report_steps: int = 25
    checkpoint_seconds: float = 60.0
    seed: int = 0

    def __post_init__(self):
        if min(self.steps, self.batch_size, self.scenes, self.candidates, self.search_batch) < 1:
            raise ValueError("steps, batch_size, scenes, candidates and search_batch: choose at least 1 each")
        if not 1 <= self.epochs <= self.steps or not 0 <= self.restart < max(self.epochs, 1):
            raise ValueError(
                f"epochs={self.epochs}, restart={self.restart}: choose 1 to {self.steps} epochs, one for a step at "
                "least, and a restart before the last begins"
            )


class _Chosen(nn.Module):
    """What an epoch trains on, as a checkpoint holds it: scenes, and which candidate of each was the nearest."""

    scenes: Tensor
    nearest: Tensor

    def __init__(self, scenes: int):
        super().__init__()
        self.register_buffer("scenes", torch.zeros(scenes, dtype=torch.int64))
        self.register_buffer("nearest", torch.zeros(scenes, dtype=torch.int64))


class CimleTraining(Training):
    """cIMLE's generator in training.

    In each epoch some scenes are drawn. For each the generator paints a few pictures of fresh noise; the noise whose
    picture is nearest to the real one is kept, and the generator learns to paint the real picture from it. So every
    real picture has samples near it: no mode is left out, and no discriminator is needed.

    Args:
        generator: trained in place. images, layouts: as in `ImageTraining`.
        perceptual: from `with_pixels`. fabric, checkpoint_path, configuration: as in `ImageTraining`.
    Attributes:
        averaged: the generator to paint with. chosen: the scenes of the epoch, and their nearest candidates.
    Raises:
        ValueError: as `ImageTraining`.
    Source: Li et al. 2019, Diverse Image Synthesis from Semantic Layouts via Conditional IMLE, algorithm 1, §3.4 and
        §3.5; the numbers are its release's. Chapter: Many pictures from one layout.
    """

    settings: CimleTrainingSettings

    def __init__(
        self,
        generator: CascadeGenerator,
        images: Tensor,
        layouts: Tensor,
        settings: CimleTrainingSettings,
        perceptual: PerceptualFeatures,
        fabric: Fabric | None = None,
        checkpoint_path: str | Path | None = None,
        configuration: dict[str, Any] | None = None,
    ):
        fabric = fabric or Fabric(accelerator="cpu", devices=1)
        device, s = fabric.device, settings
        check_scenes(generator, images, layouts)
        classes = generator.settings.num_classes
        self._rarities = rarity(images, layouts, classes) if s.rebalance else torch.zeros(len(layouts), classes)
        dense = self._rarities.any(0).nonzero().flatten().tolist()
        self._cycle = s.classes if s.classes and s.rebalance else tuple(dense)
        self.generator: CascadeGenerator = placed(generator, fabric, s.channels_last)
        self.averaged: CascadeGenerator = average_of(self.generator, s.ema_images)
        self.perceptual = perceptual.to(device)
        self.chosen = _Chosen(s.scenes).to(device)
        self._pictures, self._layouts = images.to(device), layouts.to(device)
        self._weights = self._rarities.to(device)
        self.painters = list(self.generator.parameters())
        networks: dict[str, nn.Module] = {"generator": self.generator, "chosen": self.chosen}
        if s.ema_images:
            networks["averaged"] = self.averaged
        facts = {
            "generator": {"kind": type(generator).__name__, **generator.settings.as_dict()}, "pairs": len(layouts),
            "perceptual": perceptual.name, **(configuration or {}),
        }  # fmt: skip
        adam = torch.optim.Adam(self.painters, s.learning_rate, s.betas, fused=True)
        super().__init__(networks, {"g": adam}, s, fabric, checkpoint_path, facts)
        self._run_g: Any = compiled(self.generator, s.compile)
        self._noise = torch.empty(0)  # of the scenes of the epoch; it is drawn again, not kept in checkpoints
        self.resume()
        if self.step and self.step < self.steps and not self._begins:
            self._noise = self._kept_noise()

    @property
    def steps(self) -> int:
        return self.settings.steps

    @property
    def epoch(self) -> int:
        """Of the next step, from 0."""
        return self.step * self.settings.epochs // self.settings.steps

    @property
    def _begins(self) -> bool:
        """Whether the next step is the first of its epoch."""
        return not self.step or self.epoch != (self.step - 1) * self.settings.epochs // self.settings.steps

    @torch.no_grad()
    def real(self, scenes: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Of some scenes: layouts, what is seen in the real pictures, and how much each pixel counts."""
        layouts = self._layouts[scenes]
        seen = self.perceptual(as_float(self._pictures[scenes]))
        return layouts, seen, rarity_mask(self._weights[scenes], layouts)

    def distances(self, real: tuple[Tensor, list[Tensor], Tensor], noise: Tensor) -> Tensor:
        """How far pictures painted from noise [B, Z] are from the real ones, [B]."""
        layouts, seen, mask = real
        fake = self._run_g(layouts, noise)
        return perceptual_distances(self.perceptual(fake), seen, self.perceptual.weights, mask)

    def _begin_epoch(self) -> None:
        """Draw scenes, and choose the nearest of some candidates for each."""
        s, random = self.settings, torch.Generator().manual_seed(self.settings.seed * _PRIME + self.epoch)
        if self._cycle:
            drawn = rebalanced_draws(self._rarities, s.scenes, self._cycle, random)
        else:
            drawn = torch.randint(len(self._layouts), (s.scenes,), generator=random)
        self.chosen.scenes.copy_(drawn)
        if s.restart and self.epoch == s.restart:
            self._draw_encoder_anew()
        nearest = []
        for number, scenes in enumerate(self.chosen.scenes.split(s.search_batch)):
            with torch.no_grad(), self.fabric.autocast():
                real = self.real(scenes)
                apart = [self.distances(real, noise) for noise in self._candidates(number, len(scenes))]
            nearest.append(torch.stack(apart).argmin(0))
        self.chosen.nearest.copy_(torch.cat(nearest))
        self._noise = self._kept_noise()

    def _candidates(self, number: int, scenes: int) -> Tensor:
        """Noise for some scenes of the epoch, [candidates, scenes, Z]: the same whenever it is asked for."""
        seed = ((self.settings.seed * _PRIME + self.epoch) * _PRIME + number) % 2**63
        random = torch.Generator(self.fabric.device).manual_seed(seed)
        shape = self.settings.candidates, scenes, self.generator.noise_dim
        return torch.randn(shape, generator=random, device=random.device)

    def _kept_noise(self) -> Tensor:
        """The nearest candidate of each scene, [K, Z]."""
        parts = []
        for number, nearest in enumerate(self.chosen.nearest.split(self.settings.search_batch)):
            noise = self._candidates(number, len(nearest))
            parts.append(noise[nearest, torch.arange(len(nearest), device=nearest.device)])
        return torch.cat(parts)

    def _draw_encoder_anew(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed + self.epoch)
            fresh = noise_encoder(self.generator.settings)
        self.generator.noise_encoder.load_state_dict(fresh.state_dict())

    def _train_step(self) -> dict[str, Tensor]:
        s = self.settings
        self.generator.train()
        if self._begins:
            self._begin_epoch()
        for group in self.optimizers["g"].param_groups:
            group["lr"] = s.learning_rate * (0.1 if s.restart and self.epoch >= s.restart else 1)
        drawn = torch.randint(s.scenes, (s.batch_size,), generator=self.random, device=self.random.device)
        drawn = drawn[self._part(s.batch_size)]
        with self.fabric.autocast():
            loss = self.distances(self.real(self.chosen.scenes[drawn]), self._noise[drawn]).mean()
        self._update(self.painters, torch.autograd.grad(loss, self.painters))
        self.images += s.batch_size
        if s.ema_images:
            self._average(self.averaged, self.generator, s.batch_size, s.ema_images)
        return {"distance": loss.detach()}


def cimle_settings(parameters: StyleParameters, **changes: Any) -> CimleTrainingSettings:
    """The authors' schedule over the parameters' budget, and `changes` of both."""
    p = parameters
    epochs = min(p.imle_epochs, p.steps)
    values: dict[str, Any] = {
        "batch_size": p.batch_size, "steps": p.steps, "epochs": epochs, "rebalance": p.imle_rebalance,
        "restart": p.imle_restart if p.imle_restart < epochs else 0,
        "scenes": p.imle_scenes, "candidates": p.imle_candidates, "learning_rate": p.learning_rate / 2,
        "ema_images": max(p.batch_size * p.steps // 16, 1) if p.ema else 0, "channels_last": p.channels_last,
        "compile": p.compile, "checkpoint_seconds": p.checkpoint_seconds, "seed": p.seed, **changes,
    }  # fmt: skip
    return CimleTrainingSettings(**values)


def cimle_training(
    parameters: StyleParameters,
    data: SceneSet,
    perceptual: PerceptualFeatures,
    checkpoint_path: str | Path | None = None,
    fabric: Fabric | None = None,
    **changes: Any,
) -> CimleTraining:
    """cIMLE as the parameters say, ready to be trained or to go on; as `image_training`.

    Args:
        perceptual: from `cimle_eye`. changes: of `CimleTrainingSettings`.
    Chapter: Many pictures from one layout.
    """
    p, facts = parameters, provenance(data, _CODE)
    changes.setdefault("classes", GTA_CYCLE if data.name == "gta-5-20" else None)
    if perceptual.name == "segmenter":  # as in `image_training`
        facts["data"] = f"{facts['data'][:6]}{checkpoint.fingerprint(perceptual)[:6]}"
    set_outdated_aside(checkpoint_path, facts)
    network = CascadeSettings.sized(data.label_space.num_classes, *data.size, p.ngf, p.doublings)
    if (data.label_space.num_classes, *data.size, p.ngf) == (20, 256, 512, 64):
        network = CascadeSettings.gta5()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(p.seed)
        generator = CascadeGenerator(network)
    return CimleTraining(
        generator, data.images, data.layouts, cimle_settings(p, **changes), perceptual, fabric or make_fabric(p),
        checkpoint_path, facts,
    )  # fmt: skip


def cimle_eye(parameters: StyleParameters) -> PerceptualFeatures:
    """The features that cIMLE compares: the pixels, and those of `perceptual_for` at the authors' layers."""
    return with_pixels(perceptual_for(parameters, taps="cimle"))


def train_cimle(
    parameters: StyleParameters,
    data: SceneSet,
    checkpoint_path: str | Path,
    watch: Callable[[CimleTraining], Iterable[Progress]] = iter,
    **changes: Any,
) -> CimleTraining:
    """Train cIMLE to the end and return the training, whose `averaged` is the generator to paint with.

    Args:
        checkpoint_path, changes: as in `cimle_training`. watch: as in `train`.
    Chapter: Many pictures from one layout.
    """
    return train_to_the_end(_build, parameters, data, str(checkpoint_path), changes, watch=watch)


def _build(
    parameters: StyleParameters,
    data: SceneSet | None,
    checkpoint_path: str,
    changes: dict[str, Any],
    fabric: Fabric | None,
) -> CimleTraining:
    data = data or scene_set(parameters)
    return cimle_training(parameters, data, cimle_eye(parameters), checkpoint_path, fabric, **changes)
