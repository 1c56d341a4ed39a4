"""The evidence lower bound."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor


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


def elbo(vae: Any, x: Tensor, noise: Tensor, *, seen: Tensor | None = None, kl_by_draw: bool = False) -> Bound:
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
    seen : Tensor of shape (S, B, D), optional
        What the encoder is shown, if not x itself (input dropout).
    kl_by_draw : bool
        Whether the gradient of the KL runs through the draw alone, also where there is a closed form. It has the same
        mean, and no variance where q is exact.

    Returns
    -------
    Bound
        Both terms, in nats per row.

    References
    ----------
    Kingma and Welling (2014), Auto-Encoding Variational Bayes, eq. (7) and (10); Roeder, Wu and Duvenaud (2017),
    Sticking the Landing, for ``kl_by_draw``.
    """
    q = vae.posterior(x if seen is None else seen)
    draws = [q.at(epsilon) for epsilon in noise]
    log_likelihood = sum(vae.log_likelihood(z, x) for z in draws) / len(draws)
    kl = sum(vae.prior.kl(q, z, by_draw=kl_by_draw) for z in draws) / len(draws)
    if q.is_blank is not None:
        kl = kl.masked_fill(q.is_blank.unsqueeze(-1), 0.0)
    return Bound(log_likelihood, kl)
