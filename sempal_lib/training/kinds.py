"""Training of the classifier that judges cross-view pictures by the known kinds of a world's scenes, once for a world.

Chapter: From the air to the ground.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sempal_lib import datasets
from sempal_lib.parameters import ImageParameters
from sempal_lib.records import PROCEDURAL
from sempal_lib.scene_classifiers import KindClassifier, KindSettings
from sempal_lib.segmentation import as_float
from sempal_lib.training import checkpoint
from sempal_lib.training.loop import Training, placed
from sempal_lib.training.once import SEED, once, unfinished_of
from sempal_lib.training.setup import WORLD_CODE, digest_of, layout_size, make_fabric, progress_bar

_CODE = ("scene_classifiers.py", "training/kinds.py", *WORLD_CODE)
VIEWS = ("ground", "aerial")


@dataclass(frozen=True)
class KindTrainingSettings:
    """How it is trained."""

    steps: int = 900
    batch_size: int = 32
    learning_rate: float = 3e-3  # of Adam at the start; it falls linearly to 0
    noise: float = 0.05  # standard deviation of what is added to the pictures, which are in [-1, 1]
    report_steps: int = 25
    checkpoint_seconds: float = 60.0
    seed: int = 0


class KindTraining(Training):
    """The classifier in training: cross-entropy, half of the pictures mirrored, a little noise.

    Args:
        classifier: trained in place. images: uint8 [N, 3, H, W]. kinds: of their scenes, int64 [N].
    """

    def __init__(
        self,
        classifier: KindClassifier,
        images: Tensor,
        kinds: Tensor,
        settings: KindTrainingSettings,
        fabric: Fabric | None = None,
        checkpoint_path: str | Path | None = None,
    ):
        fabric = fabric or Fabric(accelerator="cpu", devices=1)
        self.classifier = placed(classifier, fabric, False)
        self._images, self._kinds = images.to(fabric.device), kinds.to(fabric.device)
        optimizer = torch.optim.Adam(self.classifier.parameters(), settings.learning_rate, fused=True)
        facts = {"classifier": classifier.settings.as_dict(), "scenes": len(kinds)}
        super().__init__({"classifier": self.classifier}, {"c": optimizer}, settings, fabric, checkpoint_path, facts)
        self.resume()

    @property
    def steps(self) -> int:
        return self.settings.steps  # type: ignore[no-any-return]

    def _train_step(self) -> dict[str, Tensor]:
        s, device = self.settings, self._kinds.device
        for group in self.optimizers["c"].param_groups:
            group["lr"] = s.learning_rate * (1 - self.step / s.steps)
        index = torch.randint(len(self._kinds), (s.batch_size,), generator=self.random, device=device)
        images = as_float(self._images[index])
        flip = torch.rand(s.batch_size, 1, 1, 1, generator=self.random, device=device) < 0.5
        images = torch.where(flip, images.flip(-1), images)
        images = images + s.noise * torch.randn(images.shape, generator=self.random, device=device)
        self.classifier.train()
        loss = F.cross_entropy(self.classifier(images), self._kinds[index])
        parameters = list(self.classifier.parameters())
        self._update(parameters, torch.autograd.grad(loss, parameters))
        self.images += s.batch_size
        return {"loss": loss.detach()}


class _Kinds(Dataset):
    def __init__(self, scenes: Any, view: str):
        self.scenes, self.view = scenes, view

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        scene = self.scenes[index]
        image = (scene if self.view == "ground" else scene["view"])["image"]
        return ((image + 1) * 127.5).round().clamp(0, 255).to(torch.uint8), scene["style"]["scene_kind"]


def kinds_of(parameters: ImageParameters, split: str, view: str, count: int | None) -> tuple[Tensor, Tensor]:
    """Pictures of a world's scenes, uint8 [N, 3, H, W], and their kinds, int64 [N].

    Raises ValueError for a set whose scenes are of no known kinds.
    """
    p = parameters
    if p.dataset not in PROCEDURAL or "view" not in (first := datasets.load(p.dataset, limit=1)[0]):
        raise ValueError(
            f"{p.dataset} has no scenes of known kinds from two views: take toy-crossview, or places365 as classifier"
        )
    assert "scene_kind" in first["style"]
    scenes = datasets.load(p.dataset, split, layout_size(p), seed=SEED + 3, limit=count)
    images, kinds = zip(*DataLoader(_Kinds(scenes, view), batch_size=64), strict=True)
    return torch.cat(images), torch.cat(kinds)


def kind_classifier_for(
    parameters: ImageParameters,
    view: str = "ground",
    settings: KindTrainingSettings | None = None,
    commit: bool = False,
) -> KindClassifier:
    """The classifier that judges pictures of one view: the same for all runs on a world at a size.

    Args:
        view: one of VIEWS: what the pictures show. settings: how it is trained. commit: train it anew and put it under
            runs/reference.
    Returns:
        On the run's device, in evaluation mode.
    """
    if view not in VIEWS:
        raise ValueError(f"view={view!r}: choose {' or '.join(map(repr, VIEWS))}")
    p, s = parameters, settings or KindTrainingSettings()
    role = f"{view}-sorter"
    recipe = {**asdict(s), "scenes": p.once_scenes, "code": digest_of(_CODE)}

    def make(path: Path) -> dict[str, Any]:
        images, kinds = kinds_of(p, "train", view, p.once_scenes)
        held_out, their_kinds = kinds_of(p, "val", view, None if p.once_scenes is None else p.once_scenes // 4)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED + 3)
            network = KindClassifier(KindSettings(int(kinds.max()) + 1))
        unfinished = unfinished_of(path, role)
        training = KindTraining(network, images, kinds, s, make_fabric(p, devices=1), unfinished)
        for _ in progress_bar(training):
            pass
        save_kind_classifier(path, training.classifier)
        unfinished.unlink(missing_ok=True)
        right = (training.classifier.probabilities(held_out).argmax(1) == their_kinds).float().mean().item()
        return {"held_out": len(held_out), "accuracy": right, "seconds": training.seconds}

    classifier = load_kind_classifier(once(p, role, recipe, make, (), commit))
    return placed(classifier, make_fabric(p, devices=1), False)  # type: ignore[no-any-return]


def save_kind_classifier(path: str | Path, classifier: KindClassifier) -> None:
    tensors = checkpoint.packed(classifier.state_dict(), True)
    facts = {"kind": "kind classifier", "settings": classifier.settings.as_dict()}
    checkpoint.save(path, checkpoint.with_prefix("classifier", tensors), facts)


def load_kind_classifier(path: str | Path) -> KindClassifier:
    """Read what `save_kind_classifier` wrote, in float32 on the CPU. Raises CheckpointError if it is something else."""
    tensors, facts = checkpoint.load(path)
    checkpoint.check_finite(path, tensors)
    try:
        classifier = KindClassifier(KindSettings(**facts["settings"]))
        classifier.load_state_dict(checkpoint.by_prefix("classifier", tensors))
    except (KeyError, TypeError, RuntimeError) as error:
        raise checkpoint.CheckpointError(
            f"{path} holds no classifier of kinds of scenes ({error}): was it written by save_kind_classifier?"
        ) from error
    return classifier.eval()
