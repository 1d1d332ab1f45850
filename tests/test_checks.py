"""What the library refuses at its face: tensors of another rank, kind or size, and values that are none.

Each case says what a user did, and what is read then: the name, what it was, what is expected, a remedy.
"""

import numpy as np
import pytest
import torch

from sempal_lib import image_gans, layout_gans, losses, metrics
from sempal_lib.labels import CITYSCAPES_19, LabelSpace, one_hot
from sempal_lib.layout_gans import exact_layout, pixel_counts, semantically_assisted_activation
from sempal_lib.palettes import (
    PaletteMixture,
    check_palette,
    clip_and_normalise,
    interpolate,
    palette_of,
    project_to_simplex,
)

NAN = float("nan")
HARD = torch.arange(2 * 4 * 8).view(2, 4, 8) % 3  # [B, H, W], 3 classes
SOFT = one_hot(HARD, 3)  # [B, C, H, W]
T = torch.full((2, 4), 0.25)  # palettes of 4 classes
SCORES = torch.randn(2, 4, 4, 8, generator=torch.Generator().manual_seed(0))
SPACE = LabelSpace(("a", "b", "c"), ((1, 1, 1), (2, 2, 2), (3, 3, 3)))
PICTURES = torch.zeros(2, 3, 4, 8)
BROKEN = torch.where(torch.arange(4) == 0, NAN, T)
MATRIX = torch.eye(3, dtype=torch.int64)
SIMPLEX = "or see palettes.project_to_simplex"
ARGMAX = r"of a soft layout take argmax\(1\)"
mixture = PaletteMixture(torch.ones(1), T[:1], torch.eye(4)[None])

CASES = {
    # labels
    "one_hot of soft": (lambda: one_hot(SOFT, 3), rf"layout is float32 \[2, 3, 4, 8\], expected integers .*{ARGMAX}"),
    "one_hot of [H, W]": (lambda: one_hot(HARD[0], 3), r"layout is int64 \[4, 8\], expected.*unsqueeze\(0\)"),
    "one_hot of floats": (lambda: one_hot(HARD.float(), 3), r"layout is float32 \[2, 4, 8\].*convert it by .long\(\)"),
    "colours of soft": (lambda: SPACE.colourise(SOFT), rf"layout is float32.*{ARGMAX}"),
    "colour above 255": (lambda: LabelSpace(("a",), ((0, 0, 256),)), "class 'a' has the colour .*0 to 255 each"),
    "no classes": (lambda: LabelSpace((), ()), "a label space without classes: give at least one"),
    # palettes
    "palette of soft": (lambda: palette_of(SOFT, 3), ARGMAX),
    "palette of [H, W]": (lambda: palette_of(HARD[0], 3), r"layout is int64 \[4, 8\], expected integers \[B, H, W\]"),
    "palette of floats": (lambda: palette_of(HARD.float(), 3), r"convert it by .long\(\)"),
    "palette of an array": (lambda: palette_of(HARD.numpy(), 3), "layout is of type ndarray.*torch.as_tensor makes"),
    "palette of no class": (lambda: palette_of(HARD, 0), "num_classes is 0, expected a whole number from 1 up"),
    "palette of 2 of 3": (lambda: palette_of(HARD, 2), "labels from 0 to 2, expected 0 to 1: check the class list"),
    "text for a palette": (lambda: check_palette("even", 4), "palette is of type str, expected proportions"),
    "no palette": (lambda: check_palette(T[:0], 4), r"palette has no row, expected \[B, 4\]"),
    "sum just off": (lambda: check_palette(T * 1.00012, 4), r"palette sums to 1\.000120, expected 1 \(± 0\.0001\)"),
    "simplex of [C]": (lambda: project_to_simplex(T[0]), r"x is float32 \[4\], expected floats \[B, C\]"),
    "simplex of NaN": (lambda: project_to_simplex(BROKEN), r"x \[2, 4\] holds NaN, expected finite numbers"),
    "clip of NaN": (lambda: clip_and_normalise(BROKEN), r"x \[2, 4\] holds NaN, expected finite numbers"),
    "line of two lengths": (lambda: interpolate(T[0], torch.full((5,), 0.2), 3), "end has shape .*expected 4 prop"),
    "line of no palette": (lambda: interpolate(T[0], 2 * T[0], 3), "end sums to 2, expected 1"),
    "line of no steps": (lambda: interpolate(T[0], T[1], 0), "steps is 0, expected a whole number from 1 up"),
    "fit of no component": (lambda: PaletteMixture.fit(T, 0), "max_components is 0, expected a whole number from 1"),
    "fit of NaN": (lambda: PaletteMixture.fit(BROKEN), "palettes holds a value that is not a number"),
    "fit of one palette": (lambda: PaletteMixture.fit(T[0]), r"palettes is float32 \[4\], expected floats \[N, C\]"),
    "sample of none": (lambda: mixture.sample(0), "n is 0, expected a whole number from 1 up"),
    # the activation
    "palette not 1": (lambda: semantically_assisted_activation(SCORES, 1.2 * T), rf"palette sums to 1\.2,.*{SIMPLEX}"),
    "palettes of 3": (lambda: semantically_assisted_activation(SCORES, T[:, :3]), r"palette is \[2, 3\], .*\[2, 4\]"),
    "one palette of two": (lambda: semantically_assisted_activation(SCORES, T[:1]), r"expand\(B, -1\) repeats one"),
    "palette [C]": (lambda: semantically_assisted_activation(SCORES, T[0]), r"palette is float32 \[4\].*unsqueeze"),
    "scores [C, H, W]": (lambda: semantically_assisted_activation(SCORES[0], T), r"scores is float32 \[4, 4, 8\]"),
    "scores NaN": (lambda: semantically_assisted_activation(SCORES * NAN, T), "holds NaN.*take an earlier checkpoint"),
    "exact of NaN": (lambda: exact_layout(SCORES * NAN, T), r"scores \[2, 4, 4, 8\] holds NaN"),
    "exact of 3": (lambda: exact_layout(SCORES, T[:, :3]), r"palette is \[2, 3\], expected \[2, 4\] beside scores"),
    "counts of no palette": (lambda: pixel_counts(2 * T, 32), "palette sums to 2, expected 1"),
    "counts of no pixels": (lambda: pixel_counts(T, 0), "pixels is 0, expected a whole number from 1 up"),
    # losses: rank, kind and size only
    "entropy of hard": (lambda: losses.entropy_loss(HARD), r"soft_layout is int64 \[2, 4, 8\].*by labels.one_hot"),
    "entropy of ints": (lambda: losses.entropy_loss(SOFT.long()), r"convert it by .float\(\)"),
    "spread of [C, H, W]": (lambda: losses.spread_loss(SOFT[0]), r"density is float32 \[3, 4, 8\]"),
    "matching, other C": (lambda: losses.palette_matching_loss(SOFT, T), r"palette is \[2, 4\], expected \[2, 3\]"),
    "matching, other B": (lambda: losses.palette_matching_loss(SCORES, T[:1]), r"palette is \[1, 4\], expected \[2"),
    "features, other layer": (lambda: losses.feature_matching_loss([T], [T[:, :1]]), "a layer of real is .*one shape"),
    "features, fewer": (lambda: losses.feature_matching_loss([T, T], [T]), "fake has 1 entries, expected 2"),
    "features, no list": (lambda: losses.feature_matching_loss(T, T), r"real is float32 \[2, 4\], expected a list"),
    "paired, other B": (lambda: losses.paired_feature_loss([[T]], [[T[:1]]]), "a layer of real is .*one shape"),
    "paired, no scale": (lambda: losses.paired_feature_loss([], []), "features of 0 real and 0 fake scales"),
    "perceptual, other B": (lambda: losses.perceptual_loss([T], [T[:1]], [1.0]), "a layer of fake is .*one shape"),
    "a tensor for scales": (lambda: losses.least_squares_generator_loss(T), r"expected a list .*of one make \[x\]"),
    "no scale": (lambda: losses.hinge_generator_loss([]), "fake_logits is of type list, expected a list of tensors"),
    "fewer scales": (lambda: losses.hinge_discriminator_loss([T, T], [T]), "fake_logits has 1 entries, expected 2"),
    "scales for one": (lambda: losses.wasserstein_generator_loss([T]), "fake_scores is of type list, expected a"),
    "labels for logits": (lambda: losses.discriminator_cross_entropy(T, HARD), "fake_logits is int64 .*of floats"),
    "penalty of constants": (lambda: losses.gradient_penalty(T[:, 0], SOFT), r"call mixed.requires_grad_\(\) before D"),
    "KL of unlike": (lambda: losses.kl_to_standard_normal(T, T[:, :1]), "mean is .*log_variance .*expected one shape"),
    # metrics
    "kl, not 1": (lambda: metrics.palette_kl(T, 1.2 * T), r"a row of the realised palettes sums to 1\.2, expected 1"),
    "kl, asked not 1": (lambda: metrics.palette_kl(T / 2, T), r"a row of the target palettes sums to 0\.5, expected 1"),
    "kl, NaN": (lambda: metrics.palette_kl(T, BROKEN), "a row of the realised palettes holds a value that is not"),
    "kl, other C": (lambda: metrics.palette_kl(T, T[:, :3]), r"\[2, 4\] and realised ones \[2, 3\] must be of one"),
    "kl of [C]": (lambda: metrics.palette_kl(T[0], T[0]), r"target palettes is float32 \[4\], expected floats \[N"),
    "error, other N": (lambda: metrics.proportion_error(T, T[:1]), r"must be of one shape \[N, C\].*pair each"),
    "diversity of soft": (lambda: metrics.layout_diversity(SOFT), rf"layouts is float32 \[2, 3, 4, 8\].*{ARGMAX}"),
    "diversity of one": (lambda: metrics.layout_diversity(HARD[:1]), "at least 2 layouts, not 1: make more"),
    "diversity, no pixel": (lambda: metrics.layout_diversity(HARD[:, :0]), "without a pixel"),
    "frechet of NaN": (lambda: metrics.frechet_distance(T, BROKEN), r"fake \[2, 4\] holds NaN, expected finite"),
    "frechet of inf": (lambda: metrics.frechet_distance(T / 0, T), r"real \[2, 4\] holds an infinite number"),
    "frechet of [N]": (lambda: metrics.frechet_distance(T[0], T[0]), r"real is float32 \[4\], expected numbers \[N"),
    "fsd of layouts": (lambda: metrics.frechet_segmentation_distance(HARD, HARD), r"real palettes is int64 \[2, 4"),
    "fsd, not 1": (lambda: metrics.frechet_segmentation_distance(T, 3 * T), "a row of the fake palettes sums to 3"),
    "confusion of soft": (lambda: metrics.confusion_matrix(SOFT, SOFT, 3), r"predicted layouts are float32 .*argmax"),
    "iou of a row": (lambda: metrics.mean_iou(MATRIX[0]), r"confusion is int64 \[3\], expected numbers \[C, C\]"),
    "iou of no square": (lambda: metrics.mean_iou(MATRIX[:2]), "take what confusion_matrix gives"),
    "iou of negative": (lambda: metrics.class_iou(-MATRIX), "expected counts: take what confusion_matrix gives"),
    "accuracy of NaN": (lambda: metrics.pixel_accuracy(MATRIX * NAN), "expected counts"),
    "pictures as arrays": (lambda: metrics.ms_ssim(PICTURES.numpy()), "the pictures are of type ndarray: expected"),
    "pictures of no pixel": (lambda: metrics.ms_ssim(PICTURES[..., :0]), r"have no pixel: give \[N, 3, H, W\]"),
    "bytes for a pyramid": (lambda: metrics.laplacian_pyramid(HARD[None], 1), "images is int64 .*expected floats"),
    "classes of soft": (lambda: metrics.require_classes(SOFT, SPACE), ARGMAX),
    "snap of layouts": (lambda: metrics.snap_to_colours(HARD, SPACE), r"pictures are int64 \[2, 4, 8\]: expected"),
    "tolerance NaN": (lambda: metrics.off_colour_share(PICTURES, SPACE, NAN), "tolerance is nan, expected a"),
    "painted soft": (lambda: metrics.painted(SOFT, SPACE), ARGMAX),
    "shapes, fewer scenes": (
        lambda: metrics.shape_report(torch.zeros(2, 64, 64).long(), torch.zeros(1, 64, 64).long()),
        "layouts is .*and scenes int64 .*expected one shape",
    ),
    "layouts for pictures": (
        lambda: metrics.evaluate_pictures(T, torch.zeros(4, 64, 64).long(), SPACE),
        r"samples are float32 \[2, 4\], expected layouts \[N, H, W\] or pictures",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused(case):
    call, message = CASES[case]
    with pytest.raises(ValueError, match=message):
        call()


def painter(**changes) -> image_gans.ImageGenerator:
    settings = image_gans.SpadeSettings(3, 4, 8, ngf=2, doublings=2, hidden=2, use_vae=True, latent_dim=2)
    return image_gans.SpadeGenerator(settings)


def writer() -> layout_gans.LayoutGenerator:
    return layout_gans.LayoutGenerator(layout_gans.GeneratorSettings(4, 8, 8, 2, 4, 8))


def sem() -> layout_gans.SemganGenerator:
    return layout_gans.SemganGenerator(layout_gans.SemganSettings(3, 8, latent_dim=2, max_channels=2, min_channels=2))


Z = torch.zeros(2, 2)
GENERATORS = {
    "soft layouts": (painter, lambda g: g.generate(SOFT), r"layouts are torch.float32 \[2, 3, 4, 8\].*argmax\(1\)"),
    "arrays": (painter, lambda g: g.generate(HARD.numpy()), "layouts are of type ndarray, expected integers"),
    "another size": (painter, lambda g: g.generate(HARD[:0, :2]), "layout is 2×8 px, the generator 4×8 px"),
    "more noise": (painter, lambda g: g.generate(HARD, z=torch.zeros(4, 2), batch_size=1), "z has 4 rows, expected 2"),
    "no batch": (painter, lambda g: g.generate(HARD, batch_size=0), "batch_size is 0, expected a whole number from 1"),
    "more palettes": (writer, lambda g: g.generate(Z, T[[0, 0, 0]]), "palette has 3 rows, expected 2 as the noise has"),
    "palette of 2": (writer, lambda g: g.generate(Z, 2 * T), "palette sums to 2, expected 1"),
    "no batch of layouts": (writer, lambda g: g.generate(Z, T, batch_size=0), "batch_size is 0"),
    "no batch of samples": (sem, lambda g: g.generate(Z, batch_size=0), "batch_size is 0"),
}


@pytest.mark.parametrize("case", GENERATORS)
def test_refused_by_a_generator(case):
    make, call, message = GENERATORS[case]
    with pytest.raises(ValueError, match=message):
        call(make())


@pytest.mark.parametrize(
    ("make", "call"),
    [
        (painter, lambda g: g.generate(HARD)), (writer, lambda g: g.generate(Z, T)), (sem, lambda g: g.generate(Z)),
    ],
)  # fmt: skip
def test_a_diverged_generator_is_told(make, call):
    generator = make()
    call(generator)
    with torch.no_grad():
        for weight in generator.parameters():
            weight.fill_(NAN)
    with pytest.raises(ValueError, match=r"holds NaN, expected finite numbers: .*take an earlier checkpoint"):
        call(generator)


def test_what_is_fine_stays_fine():
    assert palette_of(HARD.to(torch.uint8), 3).shape == (2, 3)
    assert palette_of(HARD[:0], 3).shape == (0, 3)
    assert palette_of(torch.full((1, 2, 2), 255), 3, 255).tolist() == [[0, 0, 0]]
    check_palette([0.5, 0.5], 2)
    check_palette(np.full(3, 1 / 3), 3)
    check_palette((torch.rand(64, 19) / 19 + 1e-3).softmax(1).bfloat16(), 19)  # sums are off by the format's own step
    red = SPACE.colourise(torch.tensor([[-1, 0, 2, 255, 300]]))[..., 0]
    assert red.tolist() == [[0, 1, 3, 0, 0]]  # what is no class is black
    assert CITYSCAPES_19.colourise(HARD).shape == (2, 4, 8, 3)


def test_a_training_step_looks_at_no_value(monkeypatch):
    """A look would wait for the device: in the activation inside the generator, and where palettes are drawn."""

    def looked(*args, **kwargs):
        raise AssertionError("a look at values")

    generator = writer()
    monkeypatch.setattr("sempal_lib.layout_gans.activation.check_palette", looked)
    monkeypatch.setattr("sempal_lib.layout_gans.activation.check_finite", looked)
    monkeypatch.setattr("sempal_lib.palettes.check_finite", looked)
    mask = generator(Z, T)[-1]
    losses.entropy_loss(mask.soft_layout)
    losses.spread_loss(mask.density)
    losses.palette_matching_loss(mask.soft_layout, T)
    assert mixture.sample(2, seed=0).shape == (2, 4)
