"""The losses, one function each, with the equation that it is."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus


def entropy_loss(soft_layout: Tensor) -> Tensor:
    """Pull each pixel towards a single class: L_ENT.

    Args:
        soft_layout: m, [B, C, H, W], sums to 1 over C.
    Returns:
        Mean over samples and pixels of -Σ_c m_c ln m_c, a scalar in [0, ln C], in nats.
    Source: Semantic Palette, eq. 3. Chapter: Progressive layouts, guided by a palette.
    """
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
    distances = [(r.float().mean(0) - f.float().mean(0)).abs().mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(distances).sum()


def discriminator_cross_entropy(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Call real samples real and generated ones generated: -½ (E ln D(x) + E ln(1 - D(G(z)))).

    Args:
        real_logits, fake_logits: D's output before the sigmoid, [B] each.
    Source: SemGAN, eq. 1. Chapter: Pixels that are classes.
    """
    return 0.5 * (softplus(-real_logits.float()).mean() + softplus(fake_logits.float()).mean())


def wasserstein_generator_loss(fake_scores: Tensor) -> Tensor:
    """What the generator lowers: -E[D(G(z, t))].

    Args:
        fake_scores: D's output for generated layouts, [B].
    Source: Gulrajani et al. 2017, Improved WGAN, eq. 3; Semantic Palette, §3.2.
    """
    return -fake_scores.float().mean()


def wasserstein_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """What the discriminator lowers, without the penalty: E[D(G(z, t))] - E[D(x)].

    Args:
        real_scores, fake_scores: D's output, [B] each.
    Source: Gulrajani et al. 2017, Improved WGAN, eq. 3; Semantic Palette, §3.2.
    """
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
    (slope,) = torch.autograd.grad(mixed_scores.sum(), mixed, create_graph=True)
    return (slope.float().flatten(1).norm(2, dim=1) - 1).square().mean()
