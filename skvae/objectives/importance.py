"""The importance-weighted bound on the marginal likelihood."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skvae.objectives.elbo import Bound
from skvae.objectives.latent_model import LatentModel, Shown


def importance_weighted_bound(vae: LatentModel, x: Tensor, noise: Tensor, *, beta: float = 1.0) -> Tensor:
    r"""Importance-weighted bound: between the ELBO and log p(x), which it reaches as L grows.

    .. math:: \log p(x) \ge E\left[\log \frac1L \sum_l \frac{p(x \mid z_l) \, p(z_l)}{q(z_l \mid x)}\right]

    Parameters
    ----------
    vae : LatentModel
        A stack of S models.
    x : Tensor of shape (S, B, D)
        Encoded rows; NaN marks a missing cell.
    noise : Tensor of shape (L, S or 1, B or 1, K)
        Independent draws of a standard normal.
    beta : float
        Weight of the log-ratio log p(z) − log q(z | x); 1 for the bound.

    Returns
    -------
    Tensor of shape (S, B)
        Nats per row.

    References
    ----------
    Burda, Grosse and Salakhutdinov (2016), Importance Weighted Autoencoders, eq. (8).
    """
    q = vae.posterior(x)

    def log_weight(epsilon: Tensor) -> Tensor:
        z = q.at(epsilon)
        return vae.log_likelihood(z, x) + beta * (vae.prior.log_prob(z) - q.log_prob(z))

    total = log_weight(noise[0])
    for epsilon in noise[1:]:  # a running sum: L draws cost the memory of one
        total = torch.logaddexp(total, log_weight(epsilon))
    return total - math.log(len(noise))


def doubly_reparameterized(
    vae: LatentModel, x: Tensor, noise: Tensor, *, seen: Shown | None = None, beta: float = 1.0
) -> tuple[Tensor, Bound]:
    r"""Something whose gradient is that of the importance-weighted bound, with little variance.

    With the weights :math:`w_l = p(x | z_l) \, (p(z_l) / q(z_l | x))^\beta` and their shares
    :math:`\tilde w_l = w_l / \sum_m w_m`, held fixed,

    .. math:: \nabla_\theta = \sum_l \tilde w_l \, \nabla_\theta \log w_l, \qquad
              \nabla_\phi = \sum_l \tilde w_l^2 \, \frac{\partial \log w_l}{\partial z_l}
              \frac{\partial z_l}{\partial \phi}

    for the decoder and prior θ and the encoder φ. The signal of the plain gradient for φ fades as L grows; this one's
    does not. With one draw it is the ELBO's, through the draw alone.

    Parameters
    ----------
    vae : LatentModel
        A stack of S models.
    x : Tensor of shape (S, B, D)
        Encoded rows; NaN marks a missing cell.
    noise : Tensor of shape (L, S or 1, B or 1, K)
        Independent draws of a standard normal.
    seen : Shown, optional
        What the encoder is shown, if not x itself.
    beta : float
        Weight of the log-ratio of prior and posterior; 1 for the bound.

    Returns
    -------
    Tensor of shape (S, B)
        :math:`\sum_l \tilde w_l \log w_l`, for its gradient.
    Bound
        Both terms of the ELBO by the same draws, for the record.

    References
    ----------
    Tucker, Lawson, Gu and Maddison (2019), Doubly Reparameterized Gradient Estimators, eq. (8).
    """
    q = vae.posterior(x) if seen is None else vae.posterior(*seen)
    draws = [q.at(epsilon) for epsilon in noise]
    log_likelihood = torch.stack([vae.log_likelihood(z, x) for z in draws])
    kl = torch.stack([q.detach().log_prob(z) - vae.prior.log_prob(z) for z in draws])
    if q.is_blank is not None:
        kl = kl.masked_fill(q.is_blank, 0.0)
    log_weight = log_likelihood - beta * kl
    share = log_weight.detach().softmax(dim=0)
    for z, w in zip(draws, share, strict=True):
        if z.requires_grad:
            z.register_hook(lambda gradient, w=w: gradient * w.unsqueeze(-1))  # type: ignore[no-untyped-call]
    bound = Bound(log_likelihood.detach().mean(dim=0), kl.detach().mean(dim=0).unsqueeze(-1))
    return (share * log_weight).sum(dim=0), bound
