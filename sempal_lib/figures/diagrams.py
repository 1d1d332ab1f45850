"""Diagrams of methods: boxes and arrows, drawn as SVG that takes its colours from the page it stands on."""

import functools
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from sempal_lib.figures.style import CURVE_COLOURS, STYLE, WIDTH, styled

# What a diagram is drawn with; in the SVG these two become the page's text colour and the book's accent.
INK, TINT = "#1a2b3c", "#1a2b4d"
_CSS = {INK: "currentColor", TINT: f"var(--sempal-tint, {CURVE_COLOURS[0]})"}
_PALE = to_rgba(TINT, 0.14)
_SVG_STYLE: Any = {"svg.fonttype": "path", "text.color": INK, "axes.edgecolor": INK, "lines.color": INK}


@dataclass(frozen=True)
class Diagram:
    """A drawing that notebooks show as SVG within the page, so that it follows the page's colours.

    Args:
        svg: the element, with its title and description in it.
        title, description: what the picture is, and in words what it shows.
    """

    svg: str
    title: str
    description: str

    def _repr_html_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"{self.title}: {self.description}"


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes, named by their texts; a bend of 0.2 is a shallow arc, its sign the side."""

    start: str
    end: str
    label: str = ""
    bend: float = 0.0
    dashed: bool = False


def diagram(title: str, description: str) -> Callable[[Callable[..., Figure]], Callable[..., Diagram]]:
    """Make a function that draws a figure with INK and TINT return a Diagram, in the book's style."""

    def decorate(draw: Callable[..., Figure]) -> Callable[..., Diagram]:
        @functools.wraps(draw)
        def drawn(*args, **kwargs) -> Diagram:
            with plt.rc_context(_SVG_STYLE):
                figure = styled(draw)(*args, **kwargs)
                return Diagram(to_svg(figure, title, description), title, description)

        return drawn

    return decorate


def to_svg(figure: Figure, title: str, description: str) -> str:
    """A figure as one SVG element: no background, text as paths, alternative text, ids of its own.

    INK becomes the colour of the text around it, TINT the book's accent; all other colours stay as they are.
    """
    with plt.rc_context(_SVG_STYLE | {"svg.hashsalt": title}), io.StringIO() as out:
        figure.savefig(out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format")))
        text = out.getvalue()
    inner = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    # matplotlib's style sheet would hold for the whole page: what it says goes into the element's attributes.
    inner = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", inner, flags=re.DOTALL)
    for drawn, css in _CSS.items():
        inner = inner.replace(drawn, css)
    own = "d" + hashlib.sha256(text.encode()).hexdigest()[:8]
    inner = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{own}-", inner)
    inner = re.sub(r"\s*\n\s*", " ", inner).replace("DejaVuSans", "g")  # a notebook holds each byte of it
    width, height = (72 * inches for inches in figure.get_size_inches())
    return (
        f'<svg class="sempal-diagram" role="img" aria-labelledby="{own}-t {own}-d" fill="currentColor" '
        f'stroke-linejoin="round" viewBox="0 0 {width:g} {height:g}" width="{width / 72 * STYLE["figure.dpi"]:.0f}" '
        f'style="max-width: 100%; height: auto" xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><title id="{own}-t">{escape(title)}</title>'
        f'<desc id="{own}-d">{escape(description)}</desc>{inner}</svg>'
    )


def boxes(
    places: Mapping[str, tuple[float, float]],
    arrows: Sequence[tuple[str, str] | Arrow],
    tinted: Sequence[str],
    height: float,
) -> Figure:
    """Texts in boxes at their places, in inches from the lower left of 5 by `height`, and arrows between them."""
    figure = plt.figure(figsize=(WIDTH, height))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    drawn = {}
    for text, (x, y) in places.items():
        face, edge = (_PALE, TINT) if text in tinted else ("none", INK)
        style = {"boxstyle": "round,pad=0.35", "facecolor": face, "edgecolor": edge}
        drawn[text] = axes.text(x, y, text, ha="center", va="center", color=INK, bbox=style, linespacing=1.3)
    for arrow in arrows:
        one = arrow if isinstance(arrow, Arrow) else Arrow(*arrow)
        # After the texts: drawing them is what gives their boxes a size.
        ends = {"patchA": drawn[one.start].get_bbox_patch(), "patchB": drawn[one.end].get_bbox_patch()}
        look = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 1, "linestyle": "--" if one.dashed else "-"}
        look["connectionstyle"] = f"arc3,rad={one.bend}"
        start, end = places[one.start], places[one.end]
        axes.annotate("", end, start, zorder=3, arrowprops=look | ends)
        if one.label:
            middle = [(a + b) / 2 for a, b in zip(start, end, strict=True)]
            side = one.bend / 2  # the arc's middle lies this part of the chord to its right
            x, y = middle[0] + side * (end[1] - start[1]), middle[1] - side * (end[0] - start[0])
            axes.text(x, y + 0.05, one.label, ha="center", va="bottom", color=INK)
    return figure


@diagram(
    "Painting a part of a layout",
    "Noise and the palette of the part, whose rest is background, and the layout with a hole go into SPADE blocks. "
    "Their scores go through the activation with one class more, and what is background there is taken from the "
    "layout.",
)
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
    return boxes(places, arrows, (blocks, merge), 2.9)


@diagram(
    "Codes by class and by layer",
    "On the left the picture goes down through the encoder's maps. Each map is pooled class by class into a code for "
    "each class; the last becomes one code of the whole picture. On the right that code becomes the first map, SPADE "
    "blocks follow, and each of them is told its layer's codes at the pixels of their classes.",
)
def class_codes_diagram() -> Figure:
    """CLVAE: on the left the encoder's maps, pooled by class; on the right the generator's blocks, told the codes."""
    picture, first, second, last = "picture", "$e_1$: 1/2", "$e_2$: 1/4, …", "$e_L$"
    pools = "greatest value in each\nclass's region; 2 linear\nmaps, shared by classes"
    codes, whole = "$z_{L,c},\\, z_{L-1,c}$, …:\na code for each class", "$z_1$: one code"
    cse, grow, fine, painted = "CSE: $z_{l,c} + W_c$\nat pixels of class $c$", "first map", "SPADE blocks", "picture "
    places = {
        picture: (0.55, 3.3), first: (0.55, 2.6), second: (0.55, 1.9), last: (0.55, 0.4), pools: (2.2, 2.3),
        codes: (1.82, 1.3), whole: (1.82, 0.4), grow: (4.55, 0.4), cse: (3.65, 1.3), fine: (4.35, 2.3),
        painted: (4.35, 3.3),
    }  # fmt: skip
    arrows = [
        (picture, first), (first, second), (second, last), (first, pools), (second, pools), (pools, codes),
        (last, whole), (whole, grow), (grow, fine), (codes, cse), (cse, fine), (fine, painted),
    ]  # fmt: skip
    return boxes(places, arrows, (pools, codes, cse), 3.6)


@diagram(
    "Local and global branch",
    "The layout goes into the encoder, and its map into three branches. On the left it is masked class by class, "
    "classified, painted by a generator for each class and joined. On the right it goes through GauGAN's blocks. In "
    "the middle it becomes the weights with which both pictures are added.",
)
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
    return boxes(places, arrows, (features, classes, classify, join, weights), 4.3)


@diagram(
    "Cross-view translation by LGGAN",
    "The source picture and the layout of the other view go into LGGAN, which paints the other view. One judge is told "
    "the layout, another one the source; both see the painted and the real picture.",
)
def two_views_diagram() -> Figure:
    """LGGAN between two views of a scene, and its two judges."""
    given, layout = "source $I_a$,\nfrom one view", "layout $S_g$ of\nthe other view"
    painter, fake, real = "LGGAN: encoder,\nthree branches", "painted $I_g'$", "real $I_g$"
    of_layout, of_source = "$D_s$: told $S_g$", "$D_i$: told $I_a$"
    places = {
        given: (0.75, 2.1), layout: (0.75, 0.4), painter: (2.0, 1.25), fake: (3.0, 2.1), real: (3.0, 0.4),
        of_source: (4.4, 1.9), of_layout: (4.4, 0.6),
    }  # fmt: skip
    arrows = [
        (given, painter), (layout, painter), (painter, fake), (fake, of_source), (fake, of_layout), (real, of_source),
        (real, of_layout),
    ]  # fmt: skip
    return boxes(places, arrows, (given, of_source), 2.5)
