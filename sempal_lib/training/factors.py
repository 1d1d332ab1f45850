"""What is truly known of how each class of a world's scenes looks, to hold what can be read from codes against."""

import torch
from torch import Tensor

from sempal_lib import datasets
from sempal_lib.parameters import Parameters
from sempal_lib.training.setup import layout_size
from sempal_lib.worlds.engine import World

SCENES = 400  # that the true factors are told of: a class in an eighth of them can still be probed


def known_factors(parameters: Parameters, count: int = SCENES) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
    """Scenes that no training of the run saw, with the true colour and pattern of each class in them.

    They begin with the run's held-out scenes and go on with others of the same kind: a world has as many as are asked
    for.

    Returns:
        Pictures, float32 [M, 3, H, W] in [-1, 1]; layouts, int64 [M, H, W]; colours, float32 [M, C, 3], paints before
        any light, 0 to 1; and places of patterns in a list, int64 [M, C]. Both are -1 for a class of which there is no
        such factor. None of real data, and of a world that names none.
    Chapter: Editing objects and materials.
    """
    p = parameters
    scenes = datasets.load(p.dataset, "val", layout_size(p), root=p.data_root, seed=p.seed, limit=count)
    if not isinstance(scenes, World) or not scenes.known:
        return None
    space, items = scenes.label_space, [scenes[row] for row in range(len(scenes))]
    colors = torch.full((len(items), space.num_classes, 3), -1.0)
    kinds = torch.full((len(items), space.num_classes), -1)
    for row, item in enumerate(items):
        for name, found in scenes.class_factors(item["style"]).items():
            colors[row, space.index(name)] = found["color"]
            kinds[row, space.index(name)] = found.get("pattern", -1)
    images, layouts = (torch.stack([item[name] for item in items]) for name in ("image", "layout"))
    return images, layouts, colors, kinds
