"""What is truly known of how each class of a world's scenes looks: to hold what can be read from codes against."""

import torch
from torch import Tensor

from sempal_lib import datasets
from sempal_lib.parameters import Parameters
from sempal_lib.training.setup import layout_size
from sempal_lib.worlds.engine import World


def known_factors(parameters: Parameters) -> tuple[Tensor, Tensor] | None:
    """The true colour and pattern of each class in the held-out scenes of a run, in their order.

    Returns:
        Colours, float32 [M, C, 3], paints before any light, 0 to 1; and places of patterns in a list, int64 [M, C].
        Both are -1 for a class of which there is no such factor. None of real data, and of a world that names none.
    Chapter: Editing objects and materials.
    """
    p = parameters
    scenes = datasets.load(p.dataset, "val", layout_size(p), root=p.data_root, seed=p.seed, limit=p.val_scenes)
    if not isinstance(scenes, World) or not scenes.known:
        return None
    space = scenes.label_space
    colors = torch.full((len(scenes), space.num_classes, 3), -1.0)
    kinds = torch.full((len(scenes), space.num_classes), -1)
    for row in range(len(scenes)):
        for name, found in scenes.class_factors(scenes[row]["style"]).items():
            colors[row, space.index(name)] = found["color"]
            kinds[row, space.index(name)] = found.get("pattern", -1)
    return colors, kinds
