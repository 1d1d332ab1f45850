"""Metrics of what was added to layouts."""

import torch
from torch import Tensor

from sempal_lib.checks import check_alike
from sempal_lib.labels import one_hot
from sempal_lib.layout_gans import FaceGenerator
from sempal_lib.layout_gans.additions import with_rest
from sempal_lib.layout_gans.partial import at_height
from sempal_lib.palettes import palette_of

_IGNORED = 255


def evaluate_additions(before: Tensor, after: Tensor, additions: Tensor) -> dict[str, tuple[float, int]]:
    """How well additions keep to what was asked for.

    Args:
        before, after: layouts, integer [N, H, W]; 255 is no class. additions: asked for, [N, C], shares of the frame.
    Returns:
        Metric to (mean over layouts, their number), each a share of the frame. `budget_mae`: over the classes that
        were to grow, the sum of how far each missed its budget. `changed_outside`: pixels that became what nobody
        asked for.
    Source: this project. Chapter: Editing faces.
    """
    check_alike(before, after, ("before", "after"))
    old, new = (palette_of(x, additions.shape[1], _IGNORED) for x in (before, after))
    asked = additions > 0
    missed = torch.where(asked, (new - old - additions).abs(), 0).sum(1).mean()
    wanted = asked.gather(1, after.flatten(1).clamp(max=additions.shape[1] - 1).long()).view(after.shape)
    outside = ((before != after) & ~wanted).float().mean()
    return {"budget_mae": (float(missed), len(before)), "changed_outside": (float(outside), len(before))}


@torch.no_grad()
def overlap(generator: FaceGenerator, layouts: Tensor, additions: Tensor, seed: int = 0) -> float:
    """Of what the network paints by itself, how much lies where that class was already.

    Args:
        layouts: integer [N, H, W], of the generator's size or a multiple. additions: [N, C]. seed: of the noise.
    Returns:
        Σ over pixels and classes of m where the layout has that class, by Σ of m without the background; 0 to 1, over
        all layouts together; NaN where nothing is painted.
    Source: this project, after Semantic Palette, §5.4. Chapter: Editing faces.
    """
    z = torch.randn(len(layouts), generator.settings.latent_dim, generator=torch.Generator().manual_seed(seed))
    given = at_height(one_hot(layouts, generator.settings.num_classes), generator.size[0])
    painted = generator(z, with_rest(additions), given)[-1].soft_layout[:, :-1]
    return float((painted * given).sum() / painted.sum())


def scattered(layouts: Tensor, additions: Tensor, seed: int = 0) -> Tensor:
    """A control: each pixel becomes a class that is added, with that class's share as its chance. It fits nothing.

    Args and result as in `FaceGenerator.add`, of [N, H, W].
    Source: this project. Chapter: Editing faces.
    """
    random, classes = torch.Generator().manual_seed(seed), additions.shape[1]
    drawn = torch.multinomial(with_rest(additions), layouts[0].numel(), replacement=True, generator=random)
    drawn = drawn.view(layouts.shape)
    return torch.where(drawn < classes, drawn.to(layouts.dtype), layouts)
