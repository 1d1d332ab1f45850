"""A painter with styles that is trained once, for as long as a good picture takes: for pages and for editors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sempal_lib.checks import check_labels, check_tensor
from sempal_lib.image_gans import (
    ImageGenerator,
    LatentEncoder,
    Latents,
    SeanGenerator,
    SeanSettings,
    StyleEncoder,
)
from sempal_lib.image_gans.editing import classes_shown, filled, mean_codes, mixed
from sempal_lib.label_spaces_of_people import twins_of
from sempal_lib.labels import LabelSpace
from sempal_lib.metrics.segmentation import fd_seg
from sempal_lib.parameters import StyleParameters
from sempal_lib.records import PROCEDURAL
from sempal_lib.training import checkpoint
from sempal_lib.training.images import ImageTraining
from sempal_lib.training.once import once, once_parameters, once_path, segmenter_for, unfinished_of
from sempal_lib.training.painting import CODE as PAINTER_CODE
from sempal_lib.training.painting import MORE_CODE, train_images
from sempal_lib.training.settings import Progress
from sempal_lib.training.setup import CODE, SceneSet, device_of, digest_of, progress_bar, scene_set
from sempal_lib.training.styles import encoder_of

ROLE = "style-painter"
_RECIPE = (
    "system", "steps", "batch_size", "learning_rate", "decay", "ema", "perceptual", "ngf", "ndf", "hidden",
    "doublings", "class_dim", "seed", "once_scenes",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class StylePainter:
    """What paints layouts in the styles of people.

    Attributes:
        generator, encoder: SEAN's, in evaluation mode. mean: the mean style of each class over training scenes,
            [1, Z]; see `mean_codes`. label_space: of the layouts.
    """

    generator: ImageGenerator
    encoder: LatentEncoder
    mean: Tensor
    label_space: LabelSpace

    @property
    def latents(self) -> Latents:
        return self.generator.latents  # type: ignore[return-value]

    @torch.no_grad()
    def styles(self, photos: Tensor, layouts: Tensor, mean: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The styles of people, each class with one: where a face lacks it, that of its other side, or the mean.

        Args:
            photos: float [B, 3, H, W] in [-1, 1]. layouts: theirs, integer [B, H, W]; 255 is no class.
            mean: for what a face lacks, [1, Z]: filled styles of somebody else; None: the mean style.
        Returns:
            Codes [B, Z], and which classes are a face's own, bool [B, C]; on the CPU.
        Raises:
            ValueError: photos and layouts of unlike sizes, or not of the painter's; labels that are no class.
        """
        s = self.generator.settings
        check_tensor(photos, "photos", "[B, 3, H, W]", "floats")
        check_labels(layouts, s.num_classes)
        if photos.shape != (len(layouts), 3, *layouts.shape[1:]) or tuple(layouts.shape[1:]) != (s.height, s.width):
            raise ValueError(
                f"photos {list(photos.shape)} and masks {list(layouts.shape)} do not fit each other and the painter, "
                f"of {s.height}×{s.width} px: bring both to that size, masks to the nearest pixel"
            )
        device = next(self.generator.parameters()).device
        codes = self.encoder(photos.to(device), layouts.to(device))[0].cpu()
        shown = classes_shown(layouts.cpu(), s.num_classes)
        mean = self.mean if mean is None else mean
        return filled(self.latents, codes, shown, mean, twins_of(self.label_space)), shown

    def mix(
        self, codes: Tensor, reference: Tensor, shown: Tensor, classes: Sequence[int], share: float = 1.0
    ) -> Tensor:
        """Codes with the styles of some classes moved towards another person's.

        Args:
            codes, reference: of `styles`, [1, Z] each. shown: the reference's, [1, C]. classes: that are taken.
            share: 0, one's own style, to 1, the other's.
        Raises:
            ValueError: a class that the reference lacks: it has no style of its own to take.
        """
        names = [self.label_space.names[c] for c in classes if not shown[0, c]]
        if names:
            raise ValueError(f"the other picture shows no {', '.join(names)}: take these styles from one that does")
        taken = torch.zeros(1, self.latents.num_classes, dtype=torch.bool)
        taken[:, list(classes)] = True
        return mixed(self.latents, codes, reference, taken, share)

    def paint(self, layouts: Tensor, codes: Tensor) -> Tensor:
        """Pictures, float [B, 3, H, W] in [-1, 1], on the CPU: of layouts [B, H, W] in styles [B, Z]."""
        return self.generator.generate(layouts, z=codes).cpu()


def painter_of(training: Any, data: SceneSet, scenes: int = 512) -> StylePainter:
    """The painter of a finished training, with the mean styles of at most so many of its scenes.

    Chapter: Editing faces.
    """
    images, layouts = data.images[:scenes] / 127.5 - 1, data.layouts[:scenes].long()
    codes = encoder_of(training)(images, layouts)[0]
    shown = classes_shown(layouts, data.label_space.num_classes)
    mean = mean_codes(training.averaged.latents, codes, shown)
    return StylePainter(training.averaged.eval(), training.encoder.eval(), mean, data.label_space)


def train_style_painter(parameters: StyleParameters) -> Path:
    """Train the painter of a world anew, for `parameters.steps`, and put it under runs/reference.

    On scenes of its own, as `segmenter_for`'s networks; a note beside it says how. An interrupted one goes on.

    Args:
        parameters: of system "sean".
    Returns:
        The file, for `committed_painter`.
    """
    p = once_parameters(parameters, ROLE)
    code = digest_of((*CODE, *PAINTER_CODE, *MORE_CODE["sean"]))
    recipe = {name: getattr(p, name) for name in _RECIPE} | {"code": code}

    def make(path: Path) -> dict[str, Any]:
        data, unfinished = scene_set(p), unfinished_of(path, ROLE)
        layouts, images = data.held_out[:256].long(), data.held_out_images[:256]
        distances: dict[int, float] = {}

        def distance(training: ImageTraining) -> float:
            codes = encoder_of(training)(images / 127.5 - 1, layouts)[0]
            return fd_seg(images, training.averaged.generate(layouts, z=codes).cpu(), segmenter_for(p))

        def watched(training: ImageTraining) -> Iterable[Progress]:
            for progress in progress_bar(training):
                if progress.step % max(p.steps // 8, 1) < training.settings.report_steps:
                    distances[progress.step] = distance(training)
                yield progress

        training = train_images(p, data, "sean", unfinished, watched)
        distances[p.steps] = distance(training)
        painter = painter_of(training, data)
        checkpoint.save(path, _tensors(painter), {"kind": ROLE, "settings": painter.generator.settings.as_dict()})
        unfinished.unlink(missing_ok=True)
        return {
            "scenes": len(data.layouts), "held_out": len(layouts), "seconds": training.seconds,
            "fd_seg": distances[p.steps], "fd_seg_by_step": distances,
        }  # fmt: skip

    return once(p, ROLE, recipe, make, commit=True)


def _tensors(painter: StylePainter) -> dict[str, Tensor]:
    """Of a file, in half precision; of the mean the styles alone: its noise is 0."""
    styles = painter.generator.latents.split(painter.mean)["layers"]  # type: ignore[union-attr]
    return {
        **checkpoint.with_prefix("generator", checkpoint.packed(painter.generator.state_dict(), half=True)),
        **checkpoint.with_prefix("encoder", checkpoint.packed(painter.encoder.state_dict(), half=True)),
        "mean": styles.contiguous(),
    }


def committed_painter(parameters: StyleParameters, label_space: LabelSpace) -> StylePainter | None:
    """The painter of a world and a size that is committed; None where none is: then a run's own has to do.

    Returns:
        On the run's device.
    Raises:
        CheckpointError: the file is damaged, or holds something else.
    Chapter: Editing faces.
    """
    path = once_path(parameters, ROLE)
    if parameters.dataset not in PROCEDURAL or parameters.data_root is not None or not path.exists():
        return None
    return load_style_painter(path, label_space, device_of(parameters))


def load_style_painter(path: str | Path, label_space: LabelSpace, device: torch.device | str = "cpu") -> StylePainter:
    """Read what `train_style_painter` wrote. Raises CheckpointError."""
    tensors, facts = checkpoint.load(path)
    checkpoint.check_finite(path, tensors)
    try:
        settings = SeanSettings(**facts["settings"])
        generator, encoder = SeanGenerator(settings), StyleEncoder(settings)
        generator.load_state_dict(checkpoint.by_prefix("generator", tensors))
        encoder.load_state_dict(checkpoint.by_prefix("encoder", tensors))
        noise = torch.zeros(1, generator.latents.global_dim)
        mean = generator.latents.join({"global": noise, "layers": tensors["mean"].float()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise checkpoint.CheckpointError(
            f"{path} holds no painter with styles ({str(error)[:300]}): was it written by train_style_painter?"
        ) from error
    for network in (generator, encoder):
        network.to(device).eval().requires_grad_(False)
    return StylePainter(generator, encoder, mean, label_space)
