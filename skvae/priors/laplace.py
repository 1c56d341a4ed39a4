"""Independent Laplace components: a sparse code."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from skvae.objectives import DiagonalNormal
from skvae.priors.base import Prior, PriorFamily, Recognition

LOG_SCALE_START = -0.5 * math.log(2)  # unit variance, as N(0, I) has: Var[z] = 2 b²
LOG_SCALE_MIN = -4.0  # a narrower component would be a spike


@dataclass(frozen=True)
class Laplace(PriorFamily):
    """Independent Laplace components with learned scales. See ``SparseCode`` for the equation.

    Most rows use few components and use those far: each component is rarely needed, or it is not there at all.
    """

    def build(self, n_components: int, encoder: Recognition | None, generator: torch.Generator) -> SparseCode:  # noqa: D102
        return SparseCode(n_components)


class SparseCode(Prior):
    r"""A product of Laplace distributions around zero, one scale for each component, with a closed-form KL.

    .. math:: p(z) = \prod_k \frac{1}{2 b_k} e^{-|z_k| / b_k}

    .. math:: KL(N(\mu, \sigma^2) \,\|\, p) = \log 2b - \tfrac12 \log(2 \pi e \sigma^2) + \frac{E|z|}{b}, \qquad
              E|z| = \sigma \sqrt{\tfrac{2}{\pi}} \, e^{-\mu^2 / 2 \sigma^2}
                     + \mu \, erf\Big(\frac{\mu}{\sigma \sqrt 2}\Big)

    for each component: minus the entropy of the normal distribution, minus the mean of log p under it; E|z| is the mean
    of the folded normal distribution. The scales start at unit variance, b = 1 / √2.

    Parameters
    ----------
    n_components : int
        Dimension K of the latent space.

    References
    ----------
    Olshausen and Field (1996), Emergence of simple-cell receptive field properties by learning a sparse code;
    Leone, Nelson and Nottingham (1961), The folded normal distribution, for E|z|.

    Examples
    --------
    >>> prior = SparseCode(1)
    >>> q = DiagonalNormal(torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    >>> prior.kl(q, q.loc)  # a standard normal is no Laplace distribution of the same variance
    tensor([[[0.0560]]], grad_fn=<AddBackward0>)
    """

    has_closed_form_kl: ClassVar[bool] = True
    is_rearrangeable: ClassVar[bool] = True
    kl_min: ClassVar[float] = 0.5 - math.log(math.pi / 2)  # at σ = b √(π / 2): no Gaussian is a Laplace distribution

    def __init__(self, n_components: int) -> None:
        super().__init__(n_components)
        self.log_scale = nn.Parameter(torch.full((1, 1, n_components), LOG_SCALE_START))

    def bounded_log_scale(self) -> Tensor:
        """The logarithm of b. Shape: (S, 1, K)."""
        return self.log_scale.clamp(min=LOG_SCALE_MIN)

    @torch.no_grad()
    def rearrange(self, order: Tensor, signs: Tensor) -> None:
        """Put the scales in order; each component is symmetric. Shape: (K,), (K,)."""
        self.log_scale.copy_(self.log_scale[..., order])

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density. Shape: z (..., S, B, K) -> (..., S, B)."""
        return self._log_prob_by_component(z).sum(dim=-1)

    def _log_prob_by_component(self, z: Tensor) -> Tensor:
        log_b = self.bounded_log_scale()
        return -z.abs() * torch.exp(-log_b) - log_b - math.log(2)

    def kl(self, q: DiagonalNormal, z: Tensor, *, by_draw: bool = False) -> Tensor:
        """KL(q ‖ p), exact; with ``by_draw`` its gradient runs through the draw alone. Shape: (S, B, K)."""
        if by_draw:
            u = (z - q.loc.detach()) / q.scale.detach()
            # log q(z | x) − log p(z), up to what does not depend on z or the scales
            log_ratio = -0.5 * u.square() - self._log_prob_by_component(z)
            return self._exact_kl(q).detach() + log_ratio - log_ratio.detach()
        return self._exact_kl(q)

    def _exact_kl(self, q: DiagonalNormal) -> Tensor:
        """The closed form. Shape: (S, B, K)."""
        log_b, u = self.bounded_log_scale(), q.loc / q.scale
        density = math.sqrt(2 / math.pi) * torch.exp(-0.5 * u.square())
        mean_size = q.scale * density + q.loc * torch.erf(u / math.sqrt(2))  # E|z|
        entropy = q.scale.log() + 0.5 * math.log(2 * math.pi * math.e)
        return log_b + math.log(2) - entropy + mean_size * torch.exp(-log_b)

    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draws. Shape: (S, n_rows, K)."""
        log_b = self.bounded_log_scale()
        size = (2, len(log_b), n_rows, self.n_components)
        u = torch.rand(size, generator=generator, dtype=log_b.dtype, device=log_b.device)
        one, other = (-torch.log1p(-u)).unbind()  # exponential variables, whose difference is a Laplace variable
        return (log_b.exp() * (one - other)).to(like.dtype)

    def quantiles(self, q: Tensor) -> Tensor:
        """Quantiles of each component, of a stack of one. Shape: (Q,) -> (Q, K)."""
        side = (q - 0.5).unsqueeze(-1)
        of_unit_scale = -side.sign() * torch.log1p(-2 * side.abs())
        quantiles: Tensor = of_unit_scale * self.bounded_log_scale().detach()[0].exp().to(q)
        return quantiles
