"""The losses, one function each, with the equation that it is."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, softplus

from sempal_lib.checks import check_alike, check_list, check_rows, check_soft, described
from sempal_lib.labels import one_hot
from sempal_lib.losses_of_classes import class_reconstruction_loss as class_reconstruction_loss
from sempal_lib.losses_of_classes import region_classification_loss as region_classification_loss


def entropy_loss(soft_layout: Tensor) -> Tensor:
    """Pull each pixel towards a single class: L_ENT.

    Args:
        soft_layout: m, [B, C, H, W], sums to 1 over C.
    Returns:
        Mean over samples and pixels of -Σ_c m_c ln m_c, a scalar in [0, ln C], in nats.
    Source: Semantic Palette, eq. 3. Chapter: Progressive layouts, guided by a palette.
    """
    check_soft(soft_layout)
    m = soft_layout.float()
    # A pixel's absent class adds nothing: 0 ln 0 = 0. The floor also keeps the gradient at 0 finite.
    return -(m * m.clamp(min=1e-12).log()).sum(1).mean()


def spread_loss(density: Tensor) -> Tensor:
    """Pull the density's marginal over pixels towards uniform: L_SPR.

    Args:
        density: ω, weighted density of the activation, [B, C, H, W], each sample sums to 1.
    Returns:
        Mean over samples and pixels of (1 - HW Σ_c ω_c)², a scalar ≥ 0; 0 when every pixel gets 1/HW.
    Source: Semantic Palette, eq. 4. Chapter: Progressive layouts, guided by a palette.
    """
    check_soft(density, "density")
    pixels = density.shape[-2] * density.shape[-1]
    return (1 - pixels * density.float().sum(dim=1)).square().mean()


def palette_matching_loss(soft_layout: Tensor, palette: Tensor) -> Tensor:
    """Ask for a palette directly: KL divergence from it to the soft layout's own. What baseline 1 adds.

    Args:
        soft_layout: m, [B, C, H, W], sums to 1 over C. palette: t, [B, C], sums to 1.
    Returns:
        Mean over samples of Σ_c t_c ln(t_c / (q_c + 1e-5)), q the mean of m over the pixels; a scalar ≥ 0 but for
        the 1e-5, in nats. Classes with t_c = 0 add nothing.
    Source: Semantic Palette, §5.1 "baseline 1"; the 1e-5 is its release's. Chapter: Does the palette help?
    """
    check_rows(soft_layout, palette, "soft_layout")
    q, t = soft_layout.float().mean((2, 3)), palette.float()
    return (torch.xlogy(t, t) - t * (q + 1e-5).log()).sum(1).mean()


def feature_matching_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Make D see the same in generated samples as in real ones, on average: what SemGAN's generator lowers.

    Args:
        real, fake: features of D, layer by layer, [B, ·, H, W] each; the real ones want no gradient.
    Returns:
        Sum over the layers of mean |E f(x) - E f(G(z))|, E the mean over the batch; a scalar ≥ 0.
    Source: Salimans et al. 2016, §3.1, with the distance L1 and all layers; SemGAN, §3.1 and appendix B, which leave
        both open. Chapter: Pixels that are classes.
    """
    _check_features(real, fake, ("real", "fake"), batches=False)
    distances = [(r.float().mean(0) - f.float().mean(0)).abs().mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(distances).sum()


def discriminator_cross_entropy(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Call real samples real and generated ones generated: -½ (E ln D(x) + E ln(1 - D(G(z)))).

    Args:
        real_logits, fake_logits: D's output before the sigmoid, [B] each.
    Source: SemGAN, eq. 1. Chapter: Pixels that are classes.
    """
    _check_scores(real_logits=real_logits, fake_logits=fake_logits)
    return 0.5 * (softplus(-real_logits.float()).mean() + softplus(fake_logits.float()).mean())


def wasserstein_generator_loss(fake_scores: Tensor) -> Tensor:
    """What the generator lowers: -E[D(G(z, t))].

    Args:
        fake_scores: D's output for generated layouts, [B].
    Source: Gulrajani et al. 2017, Improved WGAN, eq. 3; Semantic Palette, §3.2.
    """
    _check_scores(fake_scores=fake_scores)
    return -fake_scores.float().mean()


def wasserstein_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """What the discriminator lowers, without the penalty: E[D(G(z, t))] - E[D(x)].

    Args:
        real_scores, fake_scores: D's output, [B] each.
    Source: Gulrajani et al. 2017, Improved WGAN, eq. 3; Semantic Palette, §3.2.
    """
    _check_scores(real_scores=real_scores, fake_scores=fake_scores)
    return fake_scores.float().mean() - real_scores.float().mean()


def gradient_penalty(mixed_scores: Tensor, mixed: Tensor) -> Tensor:
    """Keep D's slope at 1 between real and generated: E[(‖∇D(x̂)‖₂ - 1)²].

    Args:
        mixed_scores: D(x̂), [B].
        mixed: x̂, per-sample mix of a real and a generated layout, [B, C, H, W], requires grad.
    Returns:
        Mean over samples, a scalar ≥ 0, unweighted (the paper's λ is 10), differentiable in D's weights.
    Source: Gulrajani et al. 2017, Improved WGAN, eq. 3.
    """
    check_soft(mixed, "mixed")
    if not mixed.requires_grad:
        raise ValueError("mixed wants no gradient, expected one that does: call mixed.requires_grad_() before D")
    (slope,) = torch.autograd.grad(mixed_scores.sum(), mixed, create_graph=True)
    return (slope.float().flatten(1).norm(2, dim=1) - 1).square().mean()


# Of the image synthesizers. A discriminator that judges patches at several scales gives a list, one tensor a scale.


def hinge_generator_loss(fake_logits: Sequence[Tensor]) -> Tensor:
    """What GauGAN's generator lowers: -E[D(y, G(y))].

    Args:
        fake_logits: D's output for generated pictures, any shape, scale by scale.
    Returns:
        Mean over the scales of the mean over samples and patches.
    Source: SB-GAN, eq. 2; Park et al. 2019, §3. Chapter: Painting by layout.
    """
    check_list(fake_logits, "fake_logits")
    return -torch.stack([x.float().mean() for x in fake_logits]).mean()


def hinge_discriminator_loss(real_logits: Sequence[Tensor], fake_logits: Sequence[Tensor]) -> Tensor:
    """What GauGAN's discriminator lowers: -E[min(0, D(y, x) - 1)] - E[min(0, -1 - D(y, G(y)))].

    Args:
        real_logits, fake_logits: D's output, any shape, scale by scale.
    Returns:
        Mean over the scales, a scalar ≥ 0; 0 where real patches get at least 1 and generated ones at most -1.
    Source: SB-GAN, eq. 2, and eq. 3 for D₂; Park et al. 2019, §3. Chapter: Painting by layout.
    """
    check_list(real_logits, "real_logits")
    check_list(fake_logits, "fake_logits", like=real_logits)
    real = torch.stack([(1 - x.float()).relu().mean() for x in real_logits])
    fake = torch.stack([(1 + x.float()).relu().mean() for x in fake_logits])
    return (real + fake).mean()


def cross_entropy_generator_loss(fake_logits: Sequence[Tensor]) -> Tensor:
    """What pix2pix' generator lowers beside L1, in the form that does not saturate: -E[ln D(y, G(y))].

    Args:
        fake_logits: D's output before the sigmoid, any shape, scale by scale.
    Returns:
        Mean over the scales, a scalar ≥ 0.
    Source: Isola et al. 2017, eq. 1 and §3.3. Chapter: Painting by layout.
    """
    check_list(fake_logits, "fake_logits")
    return torch.stack([softplus(-x.float()).mean() for x in fake_logits]).mean()


def least_squares_generator_loss(fake_scores: Sequence[Tensor]) -> Tensor:
    """What pix2pixHD's generator lowers: Σ E[(D(y, G(y)) - 1)²], a sum over the scales.

    Args:
        fake_scores: D's output, any shape, scale by scale.
    Source: Wang et al. 2018 (pix2pixHD), eq. 3, with the form of Mao et al. 2017, eq. 2; the sum is its release's.
        Chapter: Painting by layout.
    """
    check_list(fake_scores, "fake_scores")
    return torch.stack([(x.float() - 1).square().mean() for x in fake_scores]).sum()


def least_squares_discriminator_loss(real_scores: Sequence[Tensor], fake_scores: Sequence[Tensor]) -> Tensor:
    """What pix2pixHD's discriminator lowers: ½ Σ (E[(D(y, x) - 1)²] + E[D(y, G(y))²]), a sum over the scales.

    Args:
        real_scores, fake_scores: D's output, any shape, scale by scale.
    Source: Wang et al. 2018 (pix2pixHD), eq. 3, with the form of Mao et al. 2017, eq. 2. Chapter: Painting by layout.
    """
    check_list(real_scores, "real_scores")
    check_list(fake_scores, "fake_scores", like=real_scores)
    real = torch.stack([(x.float() - 1).square().mean() for x in real_scores])
    return 0.5 * (real.sum() + torch.stack([x.float().square().mean() for x in fake_scores]).sum())


def paired_feature_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Make D see in each generated picture what it sees in the real one of the same layout: L_FM.

    Not `feature_matching_loss`, which compares means over the batch: here a sample has its own counterpart.

    Args:
        real, fake: features of D, [B, ·, h, w], layer by layer for each scale; the real ones want no gradient.
    Returns:
        Mean over the scales of the sum over the layers of mean |f(y, x) - f(y, G(y))|; a scalar ≥ 0.
    Source: Wang et al. 2018 (pix2pixHD), eq. 4; the mean over the scales is its release's. Chapter: Painting by layout.
    """
    if isinstance(real, Tensor) or isinstance(fake, Tensor) or len(real) != len(fake) or not real:
        raise ValueError(f"features of {len(real)} real and {len(fake)} fake scales, expected lists of as many, one up")
    for r, f in zip(real, fake, strict=True):
        _check_features(r, f, ("real", "fake"))
    scales = [
        torch.stack([(r.float() - f.float()).abs().mean() for r, f in zip(of_real, of_fake, strict=True)]).sum()
        for of_real, of_fake in zip(real, fake, strict=True)
    ]
    return torch.stack(scales).mean()


def perceptual_loss(fake: Sequence[Tensor], real: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Make a picture look like the real one of its layout to a network that was trained for something else.

    Args:
        fake, real: features of that network, [B, ·, h, w] each; the real ones want no gradient.
        weights: one a layer.
    Returns:
        Σ_l w_l mean |f_l(x) - f_l(G(y))|, a scalar ≥ 0.
    Source: Johnson et al. 2016, §3.1; with L1 and several layers Wang et al. 2018, §3.3, and SB-GAN, eq. 2.
        Chapter: Painting by layout.
    """
    _check_features(fake, real, ("fake", "real"))
    if len(weights) != len(fake):
        raise ValueError(f"weights has {len(weights)} entries, expected {len(fake)}, zipped with layers: give one each")
    distances = [w * (f.float() - r.float()).abs().mean() for w, f, r in zip(weights, fake, real, strict=True)]
    return torch.stack(distances).sum()


def perceptual_distances(
    fake: Sequence[Tensor], real: Sequence[Tensor], weights: Sequence[float], mask: Tensor | None = None
) -> Tensor:
    """As `perceptual_loss`, picture by picture, where some pixels may count more: what cIMLE compares and lowers.

    Args:
        fake, real, weights: as in `perceptual_loss`. mask: [B, H, W] ≥ 0; a feature counts as the pixels under it do
            on average. None: all count 1.
    Returns:
        [B], Σ_l w_l mean m_l |f_l(x) - f_l(G(y, z))| ≥ 0.
    Source: Li et al. 2019 (cIMLE), §3.2 and §3.4. Chapter: Many pictures from one layout.
    """
    _check_features(fake, real, ("fake", "real"))
    if len(weights) != len(fake):
        raise ValueError(f"weights has {len(weights)} entries, expected {len(fake)}, zipped with layers: give one each")
    found = torch.zeros(len(fake[0]), device=fake[0].device)
    for weight, f, r in zip(weights, fake, real, strict=True):
        apart = (f.float() - r.float()).abs().mean(1)
        if mask is not None:
            counts = adaptive_avg_pool2d(mask.float().unsqueeze(1), (apart.shape[1], apart.shape[2]))
            apart = apart * counts.squeeze(1)
        found = found + weight * apart.mean((1, 2))
    return found


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """How far the encoder's distributions are from the one that z is drawn from: KL(N(μ, σ²) ‖ N(0, 1)).

    Args:
        mean, log_variance: μ and ln σ², [B, Z] each.
    Returns:
        -½ Σ (1 + ln σ² - μ² - σ²), a sum over samples and dimensions as GauGAN's release takes it, in nats, ≥ 0.
    Source: Kingma and Welling 2014, eq. 10; Park et al. 2019, §3. Chapter: Painting by layout.
    """
    _check_scores(mean=mean, log_variance=log_variance)
    check_alike(mean, log_variance, ("mean", "log_variance"))
    mean, log_variance = mean.float(), log_variance.float()
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()


def dice_loss(scores: Tensor, target: Tensor) -> Tensor:
    """How far a segmenter's classes are from overlapping with the true ones; each class counts the same.

    Cross-entropy counts pixels, and leaves a class of one pixel in a thousand unlearned for long.

    Args:
        scores: logits, [B, C, H, W]. target: classes, int64 [B, H, W]; pixels of no class (255) do not count.
    Returns:
        Mean over the classes c that occur in the batch of 1 - (1 + 2 Σ p_c t_c) / (1 + Σ (p_c + t_c)), the sums over
        all pixels of the batch, with p the softmax of the scores and t 1 or 0: a scalar in [0, 1).
        0 where no pixel counts.
    Source: Milletari et al. 2016, eq. of §3.1, with plain sums for their squares. Chapter: Judging with a segmenter.
    """
    classes = scores.shape[1]
    true = one_hot(target, classes)
    seen = scores.float().softmax(1) * true.sum(1, keepdim=True)
    both, all_of_them = (seen * true).sum((0, 2, 3)), (seen + true).sum((0, 2, 3))
    there = true.sum((0, 2, 3)) > 0
    missed = 1 - (1 + 2 * both) / (1 + all_of_them)
    return (missed * there).sum() / there.sum().clamp(min=1)


def self_information(scores: Tensor) -> Tensor:
    """How unsure a segmenter is, class by class and pixel by pixel: I = -p log₂ p / log₂ C.

    Args:
        scores: logits, [B, C, H, W], C at least 2.
    Returns:
        [B, C, H, W] in [0, 1), float32: the sum over C is the entropy at a pixel, as a share of the highest there is.
    Raises: ValueError: one class, of which nothing can be unsure.
    Source: Vu et al. 2019, AdvEnt, eq. 4, divided by log₂ C as in its release. Chapter: Does synthetic data help?
    """
    if scores.shape[1] < 2:
        raise ValueError("scores of one class, expected at least 2: with one class nothing is unsure")
    log_p = scores.float().log_softmax(1)
    return -log_p.exp() * log_p / math.log(scores.shape[1])


def advent_loss(target_logits: Tensor) -> Tensor:
    """Have predictions on real pictures taken for ones on generated pictures: -E ln(1 - D(I)).

    The discriminator D calls maps of generated pictures (the source, which has labels) 0 and of real ones (the
    target) 1. It lowers `discriminator_cross_entropy(target_logits, source_logits)`.

    Args:
        target_logits: D's output before the sigmoid for `self_information` of the target, any shape.
    Source: Vu et al. 2019, AdvEnt, eq. 6; Semantic Palette, §5.2. Chapter: Does synthetic data help?
    """
    _check_scores(target_logits=target_logits)
    return softplus(target_logits.float()).mean()


def _check_scores(**scores: Tensor) -> None:
    """A network's outputs: float tensors of any shape, not the lists of a discriminator of several scales."""
    for name, x in scores.items():
        if not isinstance(x, Tensor) or not x.is_floating_point():
            raise ValueError(f"{name} is {described(x)}, expected a tensor of floats: pass the network's own output")


def _check_features(a: Sequence[Tensor], b: Sequence[Tensor], names: tuple[str, str], batches: bool = True) -> None:
    """Features layer by layer; the batches may differ in length where only their means are compared."""
    check_list(a, names[0])
    check_list(b, names[1], like=a)
    for x, y in zip(a, b, strict=True):
        first = 0 if batches else 1
        if x.shape[first:] != y.shape[first:]:
            check_alike(x, y, (f"a layer of {names[0]}", f"of {names[1]}"))
