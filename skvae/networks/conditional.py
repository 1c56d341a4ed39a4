"""p(missing cells | observed cells), by sequential importance sampling."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from skvae.networks.vae import VAE

DEPLETED = 0.5  # of the particles: with a smaller effective sample size they are resampled


class Completions(NamedTuple):
    """Completed rows.

    Attributes
    ----------
    x : Tensor of shape (M, N, D)
        M draws of each row.
    effective : Tensor of shape (N,)
        Effective sample size behind them, from 1 to the number of particles.
    """

    x: Tensor
    effective: Tensor


@torch.no_grad()
def complete(vae: VAE, x: Tensor, n_draws: int, n_particles: int, generator: torch.Generator) -> Completions:
    r"""Draw the gaps of each row from their distribution under its observed cells.

    Each row has particles (z, x): z from an equal mixture of the prior and the posterior of the observed cells, and
    then the gaps from p(x | z). A particle weighs

    .. math:: w = \frac{p(z)}{\frac12 p(z) + \frac12 q(z \mid x_{obs})} \prod_{d \in obs} p(x_d \mid x_{<d}, z),

    which is bounded in its first factor, and exact in the limit of many particles whatever q is. Where columns follow
    one another, particles are weighed and resampled on the way.

    Parameters
    ----------
    vae : VAE
        A stack of one.
    x : Tensor of shape (N, D)
        Encoded rows; NaN marks a cell to draw.
    n_draws, n_particles : int
        Draws M and particles of each row.
    generator : torch.Generator
        Source of everything random.

    References
    ----------
    Doucet, de Freitas and Gordon (2001), Sequential Monte Carlo Methods in Practice, chapter 1; Hesterberg (1995),
    Weighted average importance sampling and defensive mixture distributions; Mattei and Frellsen (2019), MIWAE, for
    gaps under a VAE.
    """
    n_rows = len(x)
    q = vae.posterior(x[None])
    size = (1, n_rows, n_particles, q.loc.shape[-1])
    noise = torch.randn(size, generator=generator, dtype=x.dtype, device=x.device)
    from_q = q.loc.unsqueeze(2) + q.scale.unsqueeze(2) * noise
    from_p = vae.prior.sample(n_rows * n_particles, x, generator).view(size)
    is_even = (torch.arange(n_particles, device=x.device) % 2 == 0).view(1, 1, -1, 1)
    z = torch.where(is_even, from_p, from_q)
    log_p = vae.prior.log_prob(z.flatten(1, 2)).view(n_rows, n_particles)
    log_q = type(q)(q.loc.unsqueeze(2), q.scale.unsqueeze(2)).log_prob(z)[0]
    filter_ = ParticleFilter(log_p - torch.logaddexp(log_p, log_q) + math.log(2), generator)
    rows = x.repeat_interleave(n_particles, dim=0)[None]
    filled = vae.decoder.complete(vae.joint, z.flatten(1, 2), rows, generator, filter_.weigh)
    return Completions(filled[0][filter_.draw(n_draws)], filter_.effective)


class ParticleFilter:
    """The weights of the particles of each row.

    Parameters
    ----------
    log_weight : Tensor of shape (N, P)
        Logarithms of the weights at the start.
    generator : torch.Generator
        Source of resampling.
    """

    def __init__(self, log_weight: Tensor, generator: torch.Generator) -> None:
        self.log_weight = log_weight
        self.generator = generator
        self.effective = effective_sample_size(log_weight)

    def weigh(self, log_prob: Tensor) -> Tensor | None:
        """Multiply the weights, and answer which particles go on, or None for all. Shape: (N · P,) -> (N · P,)."""
        n_rows, n_particles = self.log_weight.shape
        self.log_weight = self.log_weight + log_prob.view(n_rows, n_particles)
        effective = effective_sample_size(self.log_weight)
        self.effective = torch.minimum(self.effective, effective)
        is_depleted = (effective < DEPLETED * n_particles).unsqueeze(1)
        if not is_depleted.any():
            return None
        stay = torch.arange(n_particles, device=log_prob.device).expand(n_rows, -1)
        ancestors = torch.where(is_depleted, self._systematic(n_particles), stay)
        self.log_weight = self.log_weight.masked_fill(is_depleted, 0.0)
        return self._flat(ancestors).flatten()

    def draw(self, n_draws: int) -> Tensor:
        """Particles, drawn by their weights. Shape: (M, N)."""
        chosen = self._systematic(n_draws)
        shuffle = torch.rand(chosen.shape, generator=self.generator, device=chosen.device).argsort(dim=1)
        return self._flat(chosen.gather(1, shuffle)).T

    def _systematic(self, n_draws: int) -> Tensor:
        """Systematic resampling: one uniform number a row. Shape: (N, n_draws)."""
        share = torch.softmax(self.log_weight, dim=1).cumsum(dim=1)
        u = torch.rand((len(share), 1), generator=self.generator, dtype=share.dtype, device=share.device)
        points = (u + torch.arange(n_draws, device=share.device)) / n_draws
        return torch.searchsorted(share, points).clamp(max=share.shape[1] - 1)

    def _flat(self, particles: Tensor) -> Tensor:
        """Positions among the particles of all rows."""
        n_rows, n_particles = self.log_weight.shape
        return particles + n_particles * torch.arange(n_rows, device=particles.device).unsqueeze(1)


def effective_sample_size(log_weight: Tensor) -> Tensor:
    """(Σ w)² / Σ w². Shape: (N, P) -> (N,)."""
    log_weight = log_weight - log_weight.amax(dim=1, keepdim=True)  # float32 would lose the difference of large logs
    return torch.exp(2 * log_weight.logsumexp(dim=1) - (2 * log_weight).logsumexp(dim=1))
