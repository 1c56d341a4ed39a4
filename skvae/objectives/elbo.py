"""The evidence lower bound."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from skvae.objectives.latent_model import Shown


class Bound(NamedTuple):
    """The two terms of the ELBO for a batch, in nats.

    Attributes
    ----------
    log_likelihood : Tensor of shape (S, B)
        E_q[log p(x | z)], the average over posterior draws.
    kl : Tensor of shape (S, B, K)
        KL(q(z | x) ‖ p(z)), one term a component where the prior factorises.
    """

    log_likelihood: Tensor
    kl: Tensor

    @property
    def elbo(self) -> Tensor:
        """ELBO per row, of shape (S, B): larger is better."""
        return self.log_likelihood - self.kl.sum(dim=-1)


def elbo(
    vae: Any,
    x: Tensor,
    noise: Tensor,
    *,
    seen: Shown | None = None,
    kl_by_draw: bool = False,
    n_together: int = 1,
) -> Bound:
    r"""Evidence lower bound by reparameterisation.

    .. math:: \log p(x) \ge \frac1L \sum_l \log p(x \mid z_l) - KL(q(z \mid x) \,\|\, p(z)),
              \qquad z_l = \mu(x) + \sigma(x) \, \epsilon_l

    Parameters
    ----------
    vae : object with ``posterior(x)``, ``log_likelihood(z, x)`` and ``prior``
        A stack of S models.
    x : Tensor of shape (S, B, D)
        Encoded rows; NaN marks a missing cell and adds nothing.
    noise : Tensor of shape (L, S or 1, B or 1, K)
        The draws ε of a standard normal. A size of 1 shares them: common random numbers.
    seen : Shown, optional
        What the encoder is shown, if not x itself: hidden cells, noise.
    kl_by_draw : bool
        Whether the gradient of the KL runs through the draw alone, also where there is a closed form. It has the same
        mean, and no variance where q is exact.
    n_together : int
        Draws that are decoded at once, as rows of one batch: the same, in fewer and larger steps.

    Returns
    -------
    Bound
        Both terms, in nats per row.

    References
    ----------
    Kingma and Welling (2014), Auto-Encoding Variational Bayes, eq. (7) and (10); Roeder, Wu and Duvenaud (2017),
    Sticking the Landing, for ``kl_by_draw``.
    """
    q = vae.posterior(x) if seen is None else vae.posterior(*seen)
    draws = [q.at(epsilon) for epsilon in noise]
    log_likelihood = mean_log_likelihood(vae, draws, x, n_together)
    if vae.prior.has_closed_form_kl and not kl_by_draw:
        draws = draws[:1]  # which it does not depend on
    kl = sum(vae.prior.kl(q, z, by_draw=kl_by_draw) for z in draws) / len(draws)
    if q.is_blank is not None:
        kl = kl.masked_fill(q.is_blank.unsqueeze(-1), 0.0)
    return Bound(log_likelihood, kl)


def mean_log_likelihood(vae: Any, draws: list[Tensor], x: Tensor, n_together: int = 1) -> Tensor:
    """Mean of log p(x | z) over draws of z, so many at once. Shape: z (S, B, K) each, x (S, B, D) -> (S, B)."""
    groups = [draws[first : first + n_together] for first in range(0, len(draws), n_together)]
    total: Any = sum(_sum_of_log_likelihoods(vae, group, x) for group in groups)
    mean: Tensor = total / len(draws)
    return mean


def _sum_of_log_likelihoods(vae: Any, draws: list[Tensor], x: Tensor) -> Tensor:
    """Of several draws, as rows of one batch. Shape: z (S, B, K) each, x (S, B, D) -> (S, B)."""
    if len(draws) == 1:
        alone: Tensor = vae.log_likelihood(draws[0], x)
        return alone
    by_row: Tensor = vae.log_likelihood(torch.cat(draws, dim=1), x.repeat(1, len(draws), 1))
    return by_row.view(len(x), len(draws), x.shape[1]).sum(dim=1)
