"""How far a palette can be pushed: what is made of a class, for every share of it that can be asked for."""

import torch
from torch import Tensor

from sempal_lib.checks import check_tensor
from sempal_lib.layout_gans import LayoutGenerator
from sempal_lib.palettes import check_palette, palette_of, with_share

STARTS, STEPS = 4, 10  # palettes that each class is swept from, and shares of each sweep
LARGEST = 4  # classes with the largest mean share, which have a number of their own: most classes are small


def sweep_shares(real: Tensor, within: bool) -> tuple[Tensor, Tensor]:
    """The shares that each class is asked for: the middles of ten equal parts of a range.

    Args:
        real: palettes of the training layouts, [N, C]. within: the range is the class's own, from the least share in a
            real layout to the largest; else it is 0 to 1.
    Returns:
        The classes that any real layout has, int64 [J], and their shares, [J, 10].
    Chapter: Progressive layouts, guided by a palette.
    """
    check_tensor(real, "real palettes", "[N, C]", "floats")
    check_palette(real, real.shape[1], "a row of the real palettes")
    low, high = real.aminmax(dim=0)
    classes = high.nonzero().flatten()
    low, high = (low[classes], high[classes]) if within else (torch.zeros(len(classes)), torch.ones(len(classes)))
    middles = (torch.arange(STEPS) + 0.5) / STEPS
    return classes, low[:, None] + (high - low)[:, None] * middles


@torch.no_grad()
def made_shares(
    generator: LayoutGenerator,
    palettes: Tensor,
    classes: Tensor,
    shares: Tensor,
    seed: int = 0,
    iterations: int | None = None,
    exact: bool = False,
) -> Tensor:
    """What hard layouts hold of a class when it is asked for at several shares.

    From each palette one class at a time gets each of its shares, the others the rest in their own proportion. Along a
    sweep the noise stays.

    Args:
        palettes: where the sweeps start, [K, C]. classes: [J]. shares: of each class, [J, S].
        seed: of the noise. iterations, exact: as in LayoutGenerator.generate.
    Returns:
        [K, J, S].
    Chapter: Progressive layouts, guided by a palette.
    """
    (starts, count), (rows, steps) = palettes.shape, shares.shape
    device = next(generator.parameters()).device
    z = torch.randn(starts, generator.settings.latent_dim, generator=torch.Generator().manual_seed(seed))
    index = classes.repeat_interleave(steps).repeat(starts)
    asked = with_share(palettes.repeat_interleave(rows * steps, 0), index, shares.flatten().repeat(starts))
    layouts = generator.generate(z.repeat_interleave(rows * steps, 0).to(device), asked, iterations, exact)
    return palette_of(layouts.cpu(), count).gather(1, index[:, None]).view(starts, rows, steps)


def evaluate_control(
    generator: LayoutGenerator, targets: Tensor, real: Tensor, seed: int = 0, **options: int | bool | None
) -> dict[str, tuple[float, int]]:
    """How far what is made of a class is from what was asked for, also where no real scene is.

    Args:
        targets: held-out palettes, [N, C]; the sweeps start from the first four. real: of the training layouts, [M, C].
        seed: of the noise. options: `iterations` and `exact`, as in LayoutGenerator.generate.
    Returns:
        Metric to (value, number of generated layouts): the mean of |made - asked| over palettes, classes and shares.
        `control_mae` has the shares of each class from 0 to 1, `control_mae_within` those that real layouts have.
        `control_mae_largest` is as the first, over the four classes alone that real layouts have most of.
    Chapter: Progressive layouts, guided by a palette.
    """
    found = {}
    for metric, within in (("control_mae", False), ("control_mae_within", True)):
        classes, shares = sweep_shares(real, within)
        made = made_shares(generator, targets[:STARTS], classes, shares, seed, **options)  # type: ignore[arg-type]
        errors = (made - shares).abs()
        found[metric] = (float(errors.mean()), made.numel())
        if not within:
            errors = errors[:, real.mean(0)[classes].argsort(descending=True)[:LARGEST]]
            found["control_mae_largest"] = (float(errors.mean()), errors.numel())
    return found
