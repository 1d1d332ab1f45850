"""Training of the segmenter: on pairs of picture and layout, real or made on the way."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning.fabric import Fabric
from torch import Tensor, nn

from sempal_lib.labels import LabelSpace
from sempal_lib.losses import advent_loss, dice_loss, discriminator_cross_entropy, self_information
from sempal_lib.segmentation import EntropyDiscriminator, Segmenter, SegmenterSettings, as_float
from sempal_lib.training import checkpoint
from sempal_lib.training.changes import colour_jitter, pasted, random_view
from sempal_lib.training.loop import Training, compiled, placed
from sempal_lib.training.pairs import PairSet

_IGNORED = 255  # in a batch of targets
_RESIZED = (0.8, 1.25)  # sides of what copy-paste takes, by which it shrinks or grows: Ghiasi et al.'s small jitter
# Fresh pairs: number of pairs and source of randomness to (images [B, 3, H, W], layouts [B, H, W]).
PairSource = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class SegmenterTrainingSettings:
    """How a segmenter is trained. The defaults are the release's; its 300 epochs of Cityscapes are 55,500 steps."""

    steps: int = 55_500
    batch_size: int = 16  # pairs a step of each kind, over all devices
    optimizer: str = "sgd"  # or "adam", whose decay of weights is apart from the gradient (AdamW)
    learning_rate: float = 0.01  # at the start
    momentum: float = 0.9  # of SGD; β₁ of Adam
    weight_decay: float = 5e-4
    poly_power: float = 0.9  # of the schedule learning_rate · (1 - step / steps)^power
    minimum_rate: float = 1e-6  # below which it does not fall
    flip: bool = True  # half of the pairs mirrored
    dice_weight: float = 0.0  # of the Dice loss beside the cross-entropy, for classes of few pixels
    noise: float = 0.0  # standard deviation of Gaussian noise on the pictures, which are in [-1, 1]
    crop: float = 1.0  # least side of a random part that is resized to the whole, as a share; 1: no such part
    jitter: float = 0.0  # by how much brightness, contrast and saturation change at most; 0: not
    copy_paste: float = 0.0  # share of another picture's things that are put over a real one; 0: none
    adapt: float = 0.0  # weight of AdvEnt's loss; the papers' is 0.01; 0: no adaptation
    adapt_rate: float = 1e-4  # of its discriminator's Adam at the start; it falls as the other does
    channels_last: bool = False
    compile: bool = False
    report_steps: int = 25
    checkpoint_seconds: float = 60.0
    seed: int = 0

    def __post_init__(self):
        if self.optimizer not in ("sgd", "adam"):
            raise ValueError(f"optimizer={self.optimizer!r}: choose 'sgd' or 'adam'")
        if self.steps < 1 or self.batch_size < 2:
            raise ValueError("a segmenter needs at least 1 step, and batches of at least 2 pairs to normalise over")
        if self.dice_weight < 0:
            raise ValueError(f"dice_weight={self.dice_weight}: choose 0 or more")
        if self.noise < 0:
            raise ValueError(f"noise={self.noise} is a standard deviation: choose 0 or more")
        if not (0 < self.crop <= 1 and 0 <= self.jitter <= 1 and 0 <= self.copy_paste <= 1 and self.adapt >= 0):
            raise ValueError(
                f"crop={self.crop}, jitter={self.jitter}, copy_paste={self.copy_paste}, adapt={self.adapt}: choose "
                "crop above 0, none of them below 0, and the first three at most 1"
            )


class SegmenterTraining(Training):
    """A segmenter in training, on a fixed set of pairs, on fresh ones, or on as many of each in every step.

    Noise on the pictures matters where every class has one flat colour: a segmenter that could read the class from
    one pixel need not look at shapes. The price: features that noise does not disturb hardly notice stray pixels.

    Args:
        segmenter: trained in place.
        images: uint8 [N, 3, H, W], or float in [-1, 1], which is kept as uint8; None where all pairs are fresh.
        layouts: uint8 [N, H, W]; labels of no class count in no loss.
        source: makes fresh pairs. Given the number of pairs and a generator on the training's device, from which
            all its randomness must come, so that a resumed run draws the same pairs. Or pairs that lie on disk.
        instances: things in `images`, integer [N, H, W], 0 where there is none, no number in two pictures; for
            `copy_paste`.
        discriminator: of AdvEnt, for `adapt`, which takes the source's pairs as the source and `images` as the target.
        fabric, checkpoint_path, configuration: as in `ProgressiveTraining`.
    Raises:
        ValueError: no pairs at all, or pictures and layouts that do not fit each other.
    Source: Semantic Palette, §5 "Metrics" and "Data augmentation", and its release; AdvEnt, eq. 6 and 7.
    Chapters: Judging with a segmenter; Does synthetic data help?
    """

    def __init__(
        self,
        segmenter: Segmenter,
        images: Tensor | None,
        layouts: Tensor | None,
        settings: SegmenterTrainingSettings,
        source: PairSource | PairSet | None = None,
        fabric: Fabric | None = None,
        checkpoint_path: str | Path | None = None,
        configuration: dict[str, Any] | None = None,
        instances: Tensor | None = None,
        discriminator: EntropyDiscriminator | None = None,
    ):
        fabric = fabric or Fabric(accelerator="cpu", devices=1)
        self._pictures, self._layouts = _checked_pairs(images, layouts, fabric.device)
        if self._pictures is None and source is None:
            raise ValueError("no pairs to train on: give images and layouts, or a source of fresh pairs, or both")
        if settings.batch_size < 2 * fabric.world_size:
            raise ValueError(f"batch_size={settings.batch_size}: each of {fabric.world_size} devices needs 2 pairs")
        _check_extras(settings, self._pictures, self._layouts, source, instances, discriminator)
        self.segmenter: Segmenter = placed(segmenter, fabric, settings.channels_last)
        self.source = source
        if instances is not None:
            self._instances, self._things = instances.to(fabric.device), int(instances.max()) + 1
        parameters, rate = list(segmenter.parameters()), settings.learning_rate
        optimizer: torch.optim.Optimizer
        if settings.optimizer == "sgd":
            optimizer = torch.optim.SGD(
                parameters, rate, settings.momentum, weight_decay=settings.weight_decay, fused=True
            )
        else:
            betas = (settings.momentum, 0.999)
            optimizer = torch.optim.AdamW(parameters, rate, betas, weight_decay=settings.weight_decay, fused=True)
        pairs = 0 if self._pictures is None else len(self._pictures)
        facts = {"pairs": pairs, "fresh_pairs": source is not None, **(configuration or {})}
        if isinstance(source, PairSet):
            facts["recipe"] = source.recipe.digest
        networks: dict[str, nn.Module] = {"segmenter": self.segmenter}
        optimizers: dict[str, torch.optim.Optimizer] = {"s": optimizer}
        if discriminator is not None:
            networks["discriminator"] = self.discriminator = placed(discriminator, fabric, settings.channels_last)
            optimizers["d"] = torch.optim.Adam(
                self.discriminator.parameters(), settings.adapt_rate, (0.9, 0.99), fused=True
            )
        super().__init__(networks, optimizers, settings, fabric, checkpoint_path, segmenter.settings.as_dict() | facts)
        self._run: Any = compiled(self.segmenter.outputs, settings.compile)
        self.resume()

    @property
    def steps(self) -> int:
        return self.settings.steps

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return self._rate(self.settings.learning_rate)

    def _rate(self, start: float) -> float:
        left = 1 - self.step / self.steps
        return max(start * left**self.settings.poly_power, self.settings.minimum_rate)

    def _batches(self) -> list[tuple[Tensor, Tensor]]:
        """The step's pairs, each kind whole: pictures as they are kept, layouts of any integer type."""
        batch, found = self.settings.batch_size, []
        if self._pictures is not None and self._layouts is not None:
            index = torch.randint(len(self._pictures), (batch,), generator=self.random, device=self._pictures.device)
            pair = self._pictures[index], self._layouts[index]
            found.append(self._with_things(pair) if self.settings.copy_paste else pair)
        if isinstance(self.source, PairSet):  # read where the disk is: from seed and step, for nothing waits
            found.append(self.source.drawn(batch, self.settings.seed << 24 | self.step))
        elif self.source is not None:
            with torch.no_grad():
                found.append(self.source(batch, self.random))
        return found

    def _with_things(self, pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Copy-paste: things of other pictures of the set, mirrored and resized at random, over a batch."""
        count, device = len(pair[0]), pair[0].device
        index = torch.randint(len(self._pictures), (count,), generator=self.random, device=device)
        chosen = torch.rand(self._things, generator=self.random, device=device) < self.settings.copy_paste
        # Layout and number of the thing go through the change of view as one label.
        both = self._layouts[index].long() * self._things + self._instances[index]
        images, both = random_view(as_float(self._pictures[index]), both, _RESIZED, self.random, 0)
        flip = torch.rand(count, 1, 1, generator=self.random, device=device) < 0.5
        both = torch.where(flip, both.flip(-1), both)
        images = torch.where(flip[:, None], images.flip(-1), images)
        other = images, both // self._things
        return pasted((as_float(pair[0]), pair[1].long()), other, both % self._things, chosen)

    def _seen(self, images: Tensor, layouts: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """This device's part of a batch, changed at random as the settings say: the network's scores and the target;
        and its share of the whole batch's number of pixels that count."""
        settings, device, part = self.settings, self.fabric.device, self._part(len(images))
        images = as_float(images.to(device))
        target = layouts.to(device).long()
        if settings.flip:
            flip = torch.rand(len(images), 1, 1, generator=self.random, device=device) < 0.5
            target = torch.where(flip, target.flip(-1), target)
            images = torch.where(flip[:, None], images.flip(-1), images)
        if settings.crop < 1:
            images, target = random_view(images, target, (settings.crop, 1.0), self.random, _IGNORED)
        if settings.jitter:
            images = colour_jitter(images, settings.jitter, self.random)
        if settings.noise:
            noise = torch.randn(images.shape, generator=self.random, device=device)
            images = images + settings.noise * noise
        valid = (target >= 0) & (target < self.segmenter.settings.num_classes)
        target = torch.where(valid, target, _IGNORED)
        # Devices average their gradients: each divides by its share of all pixels that count.
        share = valid.sum().clamp(min=1) / self.fabric.world_size
        images = images[part]
        if settings.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with self.fabric.autocast():
            outputs = self._run(images)
        return outputs, target[part], share

    def loss(self, images: Tensor, layouts: Tensor) -> Tensor:
        """Cross-entropy of this device's part of a batch, over the whole batch's number of pixels that count.

        With the Dice loss of that part, where the settings give it a weight.

        Chapter: Judging with a segmenter.
        """
        return self._supervised(*self._seen(images, layouts))

    def _supervised(self, outputs: dict[str, Tensor], target: Tensor, share: Tensor) -> Tensor:
        losses = {
            name: F.cross_entropy(scores, target, ignore_index=_IGNORED, reduction="sum") / share
            for name, scores in outputs.items()
        }
        loss = losses["out"] + self.segmenter.settings.aux_weight * losses.get("aux", 0.0)
        if self.settings.dice_weight:
            loss = loss + self.settings.dice_weight * dice_loss(outputs["out"], target)
        return loss

    def adaptation(self, real_scores: Tensor, fresh_scores: Tensor) -> tuple[Tensor, Tensor]:
        """AdvEnt: what the segmenter lowers beside its own loss, without its weight, and what the discriminator lowers.

        Source: AdvEnt, eq. 6 and 7. Chapter: Does synthetic data help?
        """
        real, fresh = self_information(real_scores), self_information(fresh_scores)
        fooled = advent_loss(self.discriminator(real))
        told = discriminator_cross_entropy(self.discriminator(real.detach()), self.discriminator(fresh.detach()))
        return fooled, told

    @contextmanager
    def _seeded_dropout(self) -> Iterator[None]:
        """Dropout takes no generator: torch's own is seeded by run and step, or a resumed run would drop others."""
        device = self.fabric.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(self.settings.seed << 24 | self.step)
            yield

    def _set_rates(self) -> None:
        for name, start in (("s", self.settings.learning_rate), ("d", self.settings.adapt_rate)):
            for group in self.optimizers[name].param_groups if name in self.optimizers else ():
                group["lr"] = self._rate(start)

    def _train_step(self) -> dict[str, Tensor]:
        self._set_rates()
        self.segmenter.train()
        names = ("loss_fresh",) if self._pictures is None else ("loss", "loss_fresh")
        batches = self._batches()
        with self._seeded_dropout():
            seen = [self._seen(*pairs) for pairs in batches]
            losses = [self._supervised(*each) for each in seen]
        reported = dict(zip(names, losses, strict=False))
        total, learning = sum(losses), list(self.segmenter.parameters())
        judging: list[nn.Parameter] = []
        if self.settings.adapt:
            fooled, told = self.adaptation(seen[0][0]["out"], seen[1][0]["out"])
            reported |= {"adversarial": fooled, "loss_d": told}
            total, judging = total + self.settings.adapt * fooled, list(self.discriminator.parameters())
        gradients = list(torch.autograd.grad(total, learning))  # type: ignore[arg-type]
        if judging:
            gradients += torch.autograd.grad(told, judging)
        self._update([*learning, *judging], gradients)
        self.images += self.settings.batch_size * len(losses)
        return {name: loss.detach() for name, loss in reported.items()}


def _check_extras(
    settings: SegmenterTrainingSettings, pictures: Any, layouts: Any, source: Any, instances: Any, discriminator: Any
) -> None:
    """Raise ValueError where a switch is on and what it needs is missing, or the other way round."""
    if bool(settings.copy_paste) != (instances is not None):
        raise ValueError("copy_paste and instances go together: give both or neither")
    if instances is not None and (pictures is None or instances.shape != layouts.shape):
        raise ValueError(
            f"instances are {list(instances.shape)}, expected those of the layouts, "
            f"{'of which there are none' if layouts is None else list(layouts.shape)}"
        )
    if bool(settings.adapt) != (discriminator is not None):
        raise ValueError("adapt and discriminator go together: give both or neither")
    if settings.adapt and (pictures is None or source is None):
        raise ValueError("adapt holds generated pairs against real pictures: give images and a source of pairs")


def _checked_pairs(images: Tensor | None, layouts: Tensor | None, device: torch.device) -> tuple[Any, Any]:
    """Both on the device and uint8, or both None."""
    if images is None and layouts is None:
        return None, None
    if images is None or layouts is None:
        raise ValueError("pairs need images and layouts: one of them is None")
    if images.ndim != 4 or images.shape[1] != 3 or len(images) == 0:
        raise ValueError(f"images have shape {list(images.shape)}, expected [N, 3, H, W] with N at least 1")
    if layouts.dtype != torch.uint8 or layouts.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f"layouts are {layouts.dtype} {list(layouts.shape)}, expected torch.uint8 "
            f"{[len(images), *images.shape[2:]]} beside images {list(images.shape)}: load both at one size"
        )
    if images.dtype != torch.uint8:
        images = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return images.to(device), layouts.to(device)


def save_segmenter(path: str | Path, segmenter: Segmenter, label_space: LabelSpace, half: bool = True) -> None:
    """Write a segmenter with its classes, in half precision unless told otherwise.

    Chapter: Judging with a segmenter.
    """
    _check_classes(segmenter, label_space)
    tensors = checkpoint.packed(segmenter.state_dict(), half)
    labels = {"names": label_space.names, "colors": label_space.colors, "ignore_index": label_space.ignore_index}
    facts = {"kind": "segmenter", "settings": segmenter.settings.as_dict(), "labels": labels}
    checkpoint.save(path, checkpoint.with_prefix("segmenter", tensors), facts)


def load_segmenter(path: str | Path) -> tuple[Segmenter, LabelSpace]:
    """Read what `save_segmenter` wrote; the segmenter is ready to judge, in float32 on the CPU.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else; its weights are not finite, or its
            label space has another number of classes than the network.
    """
    tensors, facts = checkpoint.load(path)
    checkpoint.check_finite(path, tensors)
    try:
        settings = facts["settings"]
        segmenter = Segmenter(SegmenterSettings(**(settings | {"rates": tuple(settings["rates"])})))
        segmenter.load_state_dict(checkpoint.by_prefix("segmenter", tensors))
        labels = facts["labels"]
        colors = tuple(tuple(color) for color in labels["colors"])
        label_space = LabelSpace(tuple(labels["names"]), colors, labels["ignore_index"])
        _check_classes(segmenter, label_space)
    except (KeyError, TypeError, ValueError, RuntimeError, json.JSONDecodeError) as error:
        raise checkpoint.CheckpointError(
            f"{path} holds no segmenter of this library ({error}): was it written by save_segmenter?"
        ) from error
    return segmenter.eval().requires_grad_(False), label_space


def _check_classes(segmenter: Segmenter, label_space: LabelSpace) -> None:
    if label_space.num_classes != segmenter.settings.num_classes:
        raise ValueError(
            f"the label space has {label_space.num_classes} classes, the segmenter {segmenter.settings.num_classes}"
        )
