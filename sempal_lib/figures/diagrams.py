"""Diagrams of methods: boxes and arrows."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from sempal_lib.figures.style import CURVE_COLOURS, WIDTH, styled

_BOX, _TINTED = ("white", "0.3"), ("#e8f1f8", CURVE_COLOURS[0])


def _boxes(
    places: Mapping[str, tuple[float, float]], arrows: Sequence[tuple[str, str]], tinted: Sequence[str], height: float
) -> Figure:
    """Texts in boxes at their places, in inches from the lower left, and arrows between them."""
    figure = plt.figure(figsize=(WIDTH, height))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    drawn = {}
    for text, (x, y) in places.items():
        face, edge = _TINTED if text in tinted else _BOX
        style = {"boxstyle": "round,pad=0.35", "facecolor": face, "edgecolor": edge}
        drawn[text] = axes.text(x, y, text, ha="center", va="center", bbox=style, zorder=2, linespacing=1.3)
    for start, end in arrows:
        # After the texts: drawing them is what gives their boxes a size.
        ends = {"patchA": drawn[start].get_bbox_patch(), "patchB": drawn[end].get_bbox_patch()}
        look = {"arrowstyle": "-|>", "color": "0.3", "shrinkA": 0, "shrinkB": 1}
        axes.annotate("", places[end], places[start], zorder=3, arrowprops=look | ends)
    return figure


@styled
def partial_diagram() -> Figure:
    """How a part of a layout is painted: what goes in, the blocks, the extra class, the merge."""
    noise, crop = "noise $z$", "layout with a hole\n$1/C$ in each class"
    target, blocks = "palette of the part,\nrest: background", "SPADE blocks,\n4 px, 8 px, …"
    scores, merge = "activation: $m$,\n$C$ classes + background", "merge:\n$m_c + m_{bg}\\,\\tilde{y}_c$"
    places = {
        noise: (0.7, 2.5), target: (2.35, 2.5), crop: (0.95, 1.4), blocks: (3.0, 1.4),
        scores: (3.9, 0.4), merge: (0.95, 0.4),
    }  # fmt: skip
    arrows = [(noise, blocks), (target, blocks), (crop, blocks), (blocks, scores), (crop, merge), (scores, merge)]
    return _boxes(places, arrows, (blocks, merge), 2.9)


@styled
def class_codes_diagram() -> Figure:
    """CLVAE: on the left the encoder's maps, pooled by class; on the right the generator's blocks, told the codes."""
    picture, first, second, last = "picture", "$e_1$: 1/2", "$e_2$: 1/4, …", "$e_L$"
    pools = "greatest value in each\nclass's region; 2 linear\nmaps, shared by classes"
    codes, whole = "$z_{L,c},\\, z_{L-1,c}$, …:\na code for each class", "$z_1$: one code"
    cse, grow, fine, painted = "CSE: $z_{l,c} + W_c$\nat pixels of class $c$", "first map", "SPADE blocks", "picture "
    places = {
        picture: (0.55, 3.3), first: (0.55, 2.6), second: (0.55, 1.9), last: (0.55, 0.4), pools: (2.2, 2.3),
        codes: (1.95, 1.3), whole: (1.95, 0.4), grow: (4.55, 0.4), cse: (3.65, 1.3), fine: (4.35, 2.3),
        painted: (4.35, 3.3),
    }  # fmt: skip
    arrows = [
        (picture, first), (first, second), (second, last), (first, pools), (second, pools), (pools, codes),
        (last, whole), (whole, grow), (grow, fine), (codes, cse), (cse, fine), (fine, painted),
    ]  # fmt: skip
    return _boxes(places, arrows, (pools, codes, cse), 3.6)


@styled
def local_global_diagram() -> Figure:
    """LGGAN: the encoder's map goes to the weight map, the local and the global branch, whose pictures are weighed."""
    layout, encoder = "layout $S$", "encoder $E$"
    features, overall = "$f'$, masked:\n$F_i = M_i\\,f'$", "global branch:\nGauGAN's\nblocks"
    classes, weights = "a generator for\neach class: $I_i$", "weight map\n$W_l,\\, W_g$"
    classify, join = "classifier:\nwhich class?", "joined:\nlocal picture $I^L$"
    whole, fused = "global\npicture $I^G$", "$I^C = W_l I^L + W_g I^G$"
    places = {
        layout: (3.0, 3.95), encoder: (3.0, 3.3), features: (0.75, 2.55), classes: (0.75, 1.7), join: (0.75, 0.9),
        classify: (2.1, 2.55), weights: (3.0, 1.5), overall: (4.3, 2.5), whole: (4.3, 1.3), fused: (3.0, 0.35),
    }  # fmt: skip
    arrows = [
        (layout, encoder), (encoder, features), (features, classes), (features, classify), (classes, join),
        (encoder, overall), (overall, whole), (encoder, weights), (join, fused), (whole, fused), (weights, fused),
    ]  # fmt: skip
    return _boxes(places, arrows, (features, classes, classify, join, weights), 4.3)
