"""What the widgets share: their generator's contract, its samples, and the size of a picture."""

import os

import numpy as np
import torch

from sempal_lib.labels import LabelSpace
from sempal_lib.palettes import palette_of
from sempal_lib.pictures import FRAME_WIDTH

SEEDS = 999


def is_static() -> bool:
    """Whether widgets are made for a page without a kernel: the environment has SEMPAL_STATIC=1."""
    return os.environ.get("SEMPAL_STATIC") == "1"


def check_classes(generator, label_space: LabelSpace) -> None:
    if generator.settings.num_classes != label_space.num_classes:
        raise ValueError(
            f"the generator makes {generator.settings.num_classes} classes, the label space names "
            f"{label_space.num_classes}: take the label space of the data set that it was trained on"
        )


def scale_of(layout) -> int:
    return max(1, FRAME_WIDTH // layout.shape[-1])


def generate_layouts(generator, label_space, palettes: np.ndarray, seed: int, **options):
    """One layout a palette, all from the same noise: int64 [B, H, W] on the CPU, and their own palettes."""
    noise = torch.Generator().manual_seed(seed)
    z = torch.randn(1, generator.settings.latent_dim, generator=noise).expand(len(palettes), -1)
    device = next(generator.parameters()).device if isinstance(generator, torch.nn.Module) else "cpu"
    target = torch.as_tensor(palettes, dtype=torch.float32, device=device)
    layouts = generator.generate(z.to(device), target, **options).cpu()
    return layouts, palette_of(layouts, label_space.num_classes, label_space.ignore_index).double().numpy()
