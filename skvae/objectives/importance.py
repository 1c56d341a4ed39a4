"""The importance-weighted bound on the marginal likelihood."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def importance_weighted_bound(vae: Any, x: Tensor, noise: Tensor) -> Tensor:
    r"""Importance-weighted bound: between the ELBO and log p(x), which it reaches as L grows.

    .. math:: \log p(x) \ge E\left[\log \frac1L \sum_l \frac{p(x \mid z_l) \, p(z_l)}{q(z_l \mid x)}\right]

    Parameters
    ----------
    vae : object with ``posterior(x)``, ``log_likelihood(z, x)`` and ``prior``
        A stack of S models.
    x : Tensor of shape (S, B, D)
        Encoded rows; NaN marks a missing cell.
    noise : Tensor of shape (L, S or 1, B or 1, K)
        Independent draws of a standard normal.

    Returns
    -------
    Tensor of shape (S, B)
        Nats per row.

    References
    ----------
    Burda, Grosse and Salakhutdinov (2016), Importance Weighted Autoencoders, eq. (8).
    """
    q = vae.posterior(x)
    total: Tensor | None = None
    for epsilon in noise:  # a running sum: L draws cost the memory of one
        z = q.at(epsilon)
        log_weight = vae.log_likelihood(z, x) + vae.prior.log_prob(z) - q.log_prob(z)
        total = log_weight if total is None else torch.logaddexp(total, log_weight)
    assert total is not None, "noise holds at least one draw"
    return total - math.log(len(noise))
