"""What the components of z say of rows: their mean KL, and KLs without a closed form."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skvae.networks import VAE
from skvae.objectives import DiagonalNormal, kl_to_standard_normal, normal_nodes

ACTIVE = 0.01  # nats: a component that says less about a row is switched off
MAX_ROWS = 10_000  # that the KL of each component is averaged over
N_NODES = 512  # fixed draws of a KL without a closed form
CHUNK = 1000  # rows encoded at once


@torch.no_grad()
def mean_kl(vae: VAE, x: Tensor, weights: Tensor | None = None, q: DiagonalNormal | None = None) -> Tensor:
    """What each component says of a row, nats, on average. Shape: x (N, D), weights (N,), q (1, N, K) -> (K,).

    KL(q(z_k | x) ‖ p(z_k)) where the prior has it in closed form. Others need not factorise: then the normal
    distribution with the moments of the aggregate posterior takes their place, which bounds the mutual information.
    """
    q = posterior_of_rows(vae, x) if q is None else q
    loc, scale = q.loc[0], q.scale[0]
    weights = loc.new_ones(len(loc)) if weights is None else weights.to(loc)
    share = weights / weights.sum()
    if vae.prior.has_closed_form_kl:
        kl = vae.prior.kl(q, q.loc)[0]
        return share @ kl.masked_fill(x.isnan().all(dim=-1, keepdim=True), 0.0)
    center = share @ loc
    spread = (share @ ((loc - center).square() + scale.square())).sqrt()
    return share @ kl_to_standard_normal((loc - center) / spread, scale / spread)


def every_nth(n_rows: int) -> int:
    """Which n-th rows stand for so many in a mean."""
    return math.ceil(n_rows / MAX_ROWS)


@torch.no_grad()
def posterior_of_rows(vae: VAE, x: Tensor) -> DiagonalNormal:
    """q(z | x) of many rows, for a stack of one. Shape: (N, D) -> (1, N, K)."""
    parts = [vae.posterior(rows[None]) for rows in torch.split(x, CHUNK)]
    loc = torch.cat([q.loc for q in parts], dim=1)
    return DiagonalNormal(loc, torch.cat([q.scale for q in parts], dim=1))


@torch.no_grad()
def kl_by_nodes(vae: VAE, x: Tensor) -> Tensor:
    """KL(q(z | x) ‖ p(z)) under a prior without a closed form, by many fixed draws. Shape: (1, B, D) -> (1, B, 1)."""
    q, n_rows = vae.posterior(x), x.shape[1]
    nodes = normal_nodes(N_NODES, vae.n_components).to(x)
    parts = list[Tensor]()
    for some in torch.split(nodes, max(1, CHUNK // n_rows)):  # of all rows, as rows of one batch
        repeated = DiagonalNormal(q.loc.repeat(1, len(some), 1), q.scale.repeat(1, len(some), 1))
        drawn = vae.prior.kl(repeated, repeated.at(some.repeat_interleave(n_rows, dim=0)))
        parts.append(drawn.view(1, len(some), n_rows, -1))
    kl = torch.cat(parts, dim=1).mean(dim=1)
    return kl.masked_fill(x.isnan().all(dim=-1)[..., None], 0.0)
