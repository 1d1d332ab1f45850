"""The losses, one function each, with the equation that it is."""

import torch
from torch import Tensor


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
