"""Diagrams of the layout generators: SemGAN's step, growing from 4 px up, the activation of a real case."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sempal_lib.figures.diagrams import INK, Arrow, boxes, diagram
from sempal_lib.figures.style import WIDTH, colourise
from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import array_of


@diagram(
    "One training step of SemGAN",
    "Noise goes through the generator and a softmax over the classes and becomes a soft layout. A real layout becomes "
    "a one-hot one. The discriminator sees both. From its logits comes the cross-entropy, which the discriminator "
    "lowers; from its features comes the feature matching loss, which the generator lowers.",
)
def semgan_diagram() -> Figure:
    """SemGAN's step: what the discriminator sees, and which loss moves which network."""
    noise, generator, real = "noise $z$", "generator $G$", "real layout"
    softmax, soft = "softmax over the classes,\nat each pixel", "soft layout $G(z)$"
    hot, judge = "one-hot\nlayout $x$", "discriminator $D$"
    logits, features = "one logit", "features $f_\\ell$\nof each layer"
    lowered, matched = "cross-entropy:\n$D$ lowers it", "feature matching:\n$G$ lowers it"
    places = {
        noise: (0.55, 3.55), generator: (1.95, 3.55), softmax: (3.9, 3.55), soft: (3.9, 2.7), real: (0.65, 2.7),
        hot: (0.65, 1.9), judge: (2.3, 1.9), logits: (1.45, 1.15), features: (3.35, 1.15), lowered: (1.1, 0.35),
        matched: (3.6, 0.35),
    }  # fmt: skip
    arrows: list[tuple[str, str] | Arrow] = [
        (noise, generator), (generator, softmax), (softmax, soft), (real, hot), (hot, judge), (soft, judge),
        (judge, logits), (judge, features), (logits, lowered), (features, matched),
    ]  # fmt: skip
    return boxes(places, arrows, (softmax, soft, hot), 3.85)


@diagram(
    "A new resolution fades in",
    "On the left the generator: noise, a block of 4 pixels, one of 8, and a new one of 16. The layout of the old last "
    "layer, enlarged, and that of the new one are mixed with the weights one minus alpha and alpha. On the right the "
    "discriminator, its mirror image: a new block, whose output is mixed with the old first layer's of the halved "
    "layout, then the blocks of 8 and 4 pixels, then a score.",
)
def growth_diagram() -> Figure:
    """A progressive GAN at 16 px: generator at the left, discriminator at the right, what is new in blue."""
    noise, four, eight = "noise $z$", "block, 4 px", "block, 8 px"
    fresh, old, new = "new block,\n16 px", "old last layer,\nenlarged", "new last\nlayer"
    mixed = "$(1-\\alpha)\\,$old$\\,+\\,\\alpha\\,$new"
    halved, seen = "halved; old\nfirst layer", "new first layer,\nnew block"
    joined, back, start, score = "$(1-\\alpha)\\,$old$\\,+\\,\\alpha\\,$new ", "block, 8 px ", "block, 4 px ", "score"
    places = {
        noise: (0.6, 4.2), four: (0.6, 3.55), eight: (0.6, 2.9), fresh: (0.6, 2.0), old: (2.0, 2.0),
        new: (0.6, 1.1), mixed: (1.35, 0.35), halved: (3.05, 1.4), seen: (4.3, 0.95), joined: (3.8, 2.25),
        back: (3.8, 2.9), start: (3.8, 3.55), score: (3.8, 4.2),
    }  # fmt: skip
    arrows = [
        (noise, four), (four, eight), (eight, fresh), (eight, old), (fresh, new), (old, mixed), (new, mixed),
        (mixed, halved), (mixed, seen), (halved, joined), (seen, joined), (joined, back), (back, start),
        (start, score),
    ]  # fmt: skip
    return boxes(places, arrows, (fresh, new, seen, mixed, joined), 4.5)


# Columns of the activation's figure: title, what it is, and its left edge in inches.
_STEPS = (("$\\rho_c$", "where to paint", 0.95), ("$t_c\\,\\rho_c = \\omega_c$", "how much", 2.32),
          ("$m_c$", "share of the pixel", 3.69))  # fmt: skip
_MAP = 1.28  # inches, width of a map


@diagram(
    "The activation of a real case",
    "A grid of heat maps, a row for each of some classes and three columns. At the left each class has spread one unit "
    "over the pixels; in the middle the units are weighted by the palette, so that rare classes are dark; at the right "
    "each pixel is shared among the classes, and each map is bright where its class wins. Below "
    "stands the layout that takes the largest share at each pixel.",
)
def activation_maps(
    maps: Sequence[np.ndarray], palette, layout, label_space: LabelSpace, classes: Sequence[int]
) -> Figure:
    """The three steps of the activation as heat maps, one row a class, and the layout that comes of them.

    Args:
        maps: ρ, ω and m of one sample, [C, H, W] each. palette: t, [C]. layout: [H, W]. classes: the rows.
    """
    values, palette = [array_of(x) for x in maps], array_of(palette)
    tall = _MAP * values[0].shape[1] / values[0].shape[2]
    height = 0.62 + (len(classes) + 1) * (tall + 0.1)
    figure = plt.figure(figsize=(WIDTH, height))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    tops = [height - 0.55 - row * (tall + 0.1) for row in range(len(classes) + 1)]
    for step, (name, meaning, left) in enumerate(_STEPS):
        axes.text(left + _MAP / 2, height - 0.17, name, ha="center", va="center", color=INK)
        axes.text(left + _MAP / 2, height - 0.4, meaning, ha="center", va="center", color=INK)
        for c, top in zip(classes, tops, strict=False):
            # ρ on a scale of its own, as it sums to 1 in every row; ω on one scale, so that budgets are seen.
            most = (values[0][c].max(), values[1][list(classes)].max(), 1)[step]
            place = (left, left + _MAP, top - tall, top)
            axes.imshow(values[step][c], cmap="magma", vmin=0, vmax=most, extent=place, interpolation="none")
    for c, top in zip(classes, tops, strict=False):
        text = f"{label_space.names[c]}\n$t_c = {palette[c]:.2g}$"
        axes.text(0.88, top - tall / 2, text, ha="right", va="center", color=INK)
    left, top = _STEPS[-1][2], tops[-1]
    axes.imshow(colourise(layout, label_space), extent=(left, left + _MAP, top - tall, top), interpolation="none")
    axes.text(left - 0.12, top - tall / 2, "the largest $m_c$ at each pixel", ha="right", va="center", color=INK)
    axes.set(xlim=(0, WIDTH), ylim=(0, height), aspect="auto")
    return figure
