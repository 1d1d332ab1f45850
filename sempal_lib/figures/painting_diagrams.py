"""Diagrams of painters, of their judges, and of what is done with them."""

from matplotlib.figure import Figure

from sempal_lib.figures.diagrams import INK, Arrow, boxes, diagram

_Arrows = list[tuple[str, str] | Arrow]


@diagram(
    "SPADE and a block of it",
    "On the left: features are normalised, multiplied by 1 + γ, and β is added. γ and β come from the layout, resized "
    "to the features, through a 3 by 3 convolution with ReLU and one 3 by 3 convolution each. On the right: a block is "
    "SPADE, LeakyReLU and a convolution, twice; beside them runs a shortcut, which has a SPADE and a 1 by 1 "
    "convolution where the number of channels changes; both are added.",
)
def spade_diagram() -> Figure:
    """SPADE on the left, the residual block that is built of it on the right."""
    features, normal = "features $h$", "normalise:\n$\\bar{h} = (h - \\mu)/\\sigma$"
    times, plus = "$\\bar{h}\\,(1 + \\gamma)$", "$\\bar{h}\\,(1 + \\gamma) + \\beta$"
    layout, hidden = "layout $y$,\nresized", "3×3, ReLU"
    gamma, beta = "3×3: $\\gamma$", "3×3: $\\beta$"
    before, first, second = "$h$ ", "SPADE,\nLeakyReLU,\n3×3", "SPADE, \nLeakyReLU, \n3×3"
    shortcut, total = "SPADE,\n1×1", "+"
    places = {
        features: (0.75, 3.4), normal: (0.75, 2.55), times: (0.75, 1.45), plus: (0.75, 0.45),
        layout: (2.3, 3.4), hidden: (2.3, 2.55), gamma: (1.95, 1.45), beta: (2.3, 0.45),
        before: (3.7, 3.4), first: (3.7, 2.45), second: (3.7, 1.25), shortcut: (4.6, 1.85), total: (3.7, 0.35),
    }  # fmt: skip
    arrows: _Arrows = [
        (features, normal), (normal, times), (times, plus), (layout, hidden), (hidden, gamma),
        Arrow(hidden, beta, bend=-0.22), (gamma, times), (beta, plus), (before, first), (first, second),
        (second, total), Arrow(before, shortcut, bend=-0.2), Arrow(shortcut, total, bend=-0.2),
    ]  # fmt: skip
    return boxes(places, arrows, (layout, hidden, gamma, beta), 3.7)


@diagram(
    "Residual fusion",
    "A block's features go two ways. On one they become scores and, by the activation and the palette, a soft layout. "
    "On the other they stay as they are. A 1 by 1 convolution and a LeakyReLU of the soft layout are added to the "
    "features before these are doubled for the next block.",
)
def residual_fusion_diagram() -> Figure:
    """Semantic Palette: the soft layout of a resolution is added to the features of the next."""
    block, scores = "block at\n8×16 px", "1×1: scores $f$"
    palette, active = "palette $t$", "activation:\nsoft layout $m$"
    fused, total, following = "1×1 of $m$,\nLeakyReLU", "+", "doubled: block\nat 16×32 px"
    places = {
        block: (0.55, 1.3), scores: (1.2, 2.3), palette: (4.2, 2.3), active: (2.75, 2.3), fused: (2.75, 1.3),
        total: (2.75, 0.4), following: (4.2, 0.4),
    }  # fmt: skip
    arrows: _Arrows = [
        (block, scores), (scores, active), (palette, active), (active, fused), (fused, total),
        Arrow(block, total, bend=0.25), (total, following),
    ]  # fmt: skip
    return boxes(places, arrows, (fused, total), 2.7)


@diagram(
    "Two generators in one loop",
    "Noise becomes a layout, the layout a picture. A discriminator of pictures alone, D2, judges it. Its gradient goes "
    "back through the painter into the layout generator, drawn dashed. Beside it stay the losses that each generator "
    "was trained by: above, the layouts' own discriminator, which also sees real layouts; below, the painter's own, "
    "which sees what it paints of real layouts, and real pairs.",
)
def two_generators_diagram() -> Figure:
    """The tuning of SB-GAN and Semantic Palette: who makes what, who judges it, where the gradient goes."""
    noise, layouts = "noise $z$", "layout generator\n$G_{SB}$"
    layout, painter, picture = "layout", "painter\n$G_{SPD}$", "picture"
    judge, real = "$D_2$: is the\npicture real?", "real picture"
    own_layouts, own_pairs = (
        "own $D$ of layouts:\n$\\lambda\\,\\mathcal{L}_{SB}$",
        "own $D$ of pairs:\n$\\mathcal{L}_{SPD}$",
    )
    real_layout, real_pair = "real layout", "real pair"
    places = {
        real_layout: (0.75, 4.5), own_layouts: (2.7, 4.5), noise: (0.5, 3.3), layouts: (1.7, 3.3), layout: (2.95, 3.3),
        painter: (4.15, 3.3), real: (0.75, 1.75), judge: (2.3, 1.75), picture: (3.7, 1.75),
        real_pair: (2.1, 0.5), own_pairs: (4.1, 0.5),
    }  # fmt: skip
    arrows: _Arrows = [
        (real_layout, own_layouts), (layout, own_layouts), (noise, layouts), (layouts, layout), (layout, painter),
        (painter, picture), (picture, judge), (real, judge), (real_pair, own_pairs),
        Arrow(painter, own_pairs, bend=-0.18), Arrow(painter, layouts, bend=-0.28, dashed=True),
    ]  # fmt: skip
    figure = boxes(places, arrows, (judge, real), 4.9)
    figure.axes[0].text(2.7, 2.85, "gradient of $D_2$", ha="center", va="top", color=INK)
    return figure


@diagram(
    "GAN-test and GAN-train",
    "Two trainings. GAN-test: a segmenter learns from real pairs and reads generated pictures; what it reads is "
    "compared with their layouts. GAN-train: a segmenter learns from generated pairs and reads real pictures; what it "
    "reads is compared with the real layouts.",
)
def two_trainings_diagram() -> Figure:
    """GAN-test and GAN-train: what the segmenter learns from, and what it reads."""
    names = "GAN-test", "GAN-train"
    kinds = ("real pairs", "generated\npictures"), ("generated\npairs", "real\npictures")
    places: dict[str, tuple[float, float]] = {}
    arrows: _Arrows = []
    tinted = []
    for row, (learned, read) in enumerate(kinds):
        y, blank = 1.5 - 1.1 * row, " " * row
        segmenter, miou = f"segmenter{blank}", f"as their\nlayouts say?{blank}"
        places |= {learned: (0.65, y), segmenter: (2.0, y), read: (3.15, y), miou: (4.4, y)}
        arrows += [(learned, segmenter), (segmenter, read), (read, miou)]
        tinted.append(read if row == 0 else learned)
    figure = boxes(places, arrows, tinted, 2.2)
    for row, name in enumerate(names):
        figure.axes[0].text(0.1, 1.95 - 1.1 * row, name, color=INK, weight="bold")
    return figure


@diagram(
    "Synthetic pairs beside real ones",
    "A palette mixture and the layout generator make layouts, the painter paints them: synthetic pairs, kept on disk. "
    "In each step the segmenter sees a batch of real pairs and one of synthetic pairs; each has its loss. A "
    "discriminator looks at how sure the segmenter is on both, and asks for the same.",
)
def augmentation_diagram() -> Figure:
    """Chapter 14: where synthetic pairs come from, and what a step of the segmenter does with them."""
    mixture, layouts, painter = "palettes", "layout\ngenerator", "painter"
    made, real = "synthetic pairs", "real pairs"
    segmenter, loss = "segmenter $F$", "losses of both\nbatches (1)"
    adapt = "$D$: real or synthetic,\nby how sure $F$ is (3)"
    places = {
        mixture: (0.55, 2.7), layouts: (1.95, 2.7), painter: (3.2, 2.7), made: (4.25, 1.9), real: (0.75, 1.2),
        segmenter: (2.4, 1.2), loss: (0.9, 0.35), adapt: (3.7, 0.35),
    }  # fmt: skip
    arrows: _Arrows = [
        (mixture, layouts), (layouts, painter), (painter, made), (made, segmenter), (real, segmenter),
        (segmenter, loss), (segmenter, adapt),
    ]  # fmt: skip
    return boxes(places, arrows, (made, adapt), 3.1)


@diagram(
    "Editing a face",
    "The shares that are asked for and the layout of the face give the budget of what is added; the generator paints "
    "it, with background where nothing is added; the merge lays it over the face. SEAN takes one style for each class "
    "from the photograph and paints the new layout in these styles.",
)
def face_diagram() -> Figure:
    """Chapter 15: from a budget to a new layout, and from the photograph's styles to the new picture."""
    asked, face = "shares asked for:\nhair 30 %", "layout of the\nface $y$"
    budget, adder = "budget $\\delta$,\nrest: background", "generator of\nadditions: $m$"
    merge, photo = "merge: $\\hat{y}$", "photograph"
    styles, sean = "a style for\neach class: $T_c$", "SEAN"
    result = "new picture"
    places = {
        asked: (0.85, 3.15), face: (0.7, 1.9), budget: (2.55, 3.15), adder: (4.2, 3.15), merge: (3.9, 1.9),
        photo: (0.7, 0.75), styles: (2.4, 0.75), sean: (3.9, 1.15), result: (3.9, 0.4),
    }  # fmt: skip
    arrows: _Arrows = [
        (asked, budget), (face, budget), (budget, adder), (adder, merge), (face, merge), (merge, sean),
        (photo, styles), (styles, sean), (sean, result), Arrow(face, styles),
    ]  # fmt: skip
    return boxes(places, arrows, (budget, adder, styles, sean), 3.6)


@diagram(
    "Handles of a painter",
    "Codes for each class and layer come from a reference picture through the encoder, or are drawn at random. For "
    "each class and layer one chooses which of the two the generator gets. Shallow layers, told first, move colours; "
    "deep layers, told last, move edges and textures.",
)
def handles_diagram() -> Figure:
    """Chapter 16: a choice for each class and layer between the codes of a reference and those drawn."""
    reference, encoder = "reference\npicture", "encoder"
    drawn, choose = "drawn\n$\\epsilon_{l,c}$", "by class, layer:\n$\\mu_{l,c}$ or $\\epsilon_{l,c}$"
    layout, shallow, deep = "layout", "shallow layers:\ncolour?", "deep layers:\ntexture?"
    result = "picture"
    places = {
        reference: (0.55, 2.4), encoder: (1.75, 2.4), choose: (1.75, 1.25), drawn: (0.45, 1.25), layout: (3.9, 2.4),
        shallow: (3.9, 1.6), deep: (3.9, 0.85), result: (3.9, 0.25),
    }  # fmt: skip
    arrows: _Arrows = [
        (reference, encoder), (encoder, choose), (drawn, choose), (choose, shallow), (choose, deep), (layout, shallow),
        (shallow, deep), (deep, result),
    ]  # fmt: skip
    return boxes(places, arrows, (choose,), 2.8)
