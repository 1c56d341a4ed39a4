"""A mixture in the place of the prior that a model was trained under."""

from __future__ import annotations

import torch
from torch import Tensor

from skvae.models.kl import MAX_ROWS, mean_kl, posterior_of_rows
from skvae.networks import VAE
from skvae.priors import mixture_of_posteriors


@torch.no_grad()
def match_prior(vae: VAE, x: Tensor, n_modes: int, seed: int, weights: Tensor | None = None) -> Tensor:
    """Replace the prior of a stack of one by a mixture that is the aggregate posterior, in place.

    Parameters
    ----------
    vae : VAE
        The trained model.
    x : Tensor of shape (N, D)
        Encoded rows; a random 10,000 of them are enough.
    n_modes : int
        Number of Gaussians, N at most.
    seed : int
        Seed of what is random.
    weights : Tensor of shape (N,), optional
        Weights of the rows.

    Returns
    -------
    Tensor of shape (K,)
        Mean KL of each component, nats: see ``mean_kl``.
    """
    some = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:MAX_ROWS].to(x.device)
    x, weights = x[some], None if weights is None else weights.to(x)[some]
    q = posterior_of_rows(vae, x)
    generator = torch.Generator(x.device).manual_seed(seed)
    vae.prior = mixture_of_posteriors(q, n_modes, generator=generator, weights=weights).requires_grad_(False)
    return mean_kl(vae, x, weights, q)
