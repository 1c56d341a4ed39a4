"""Counts that vary more than Poisson's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from skvae.likelihoods.base import Columns, Head, Likelihood, mean_of_cells
from skvae.likelihoods.poisson import COUNT_MAX, LOG_RATE_MAX, RATE_MIN

LOG_SIZE_CAP = 14.0  # sizes from 1e-6 to 1e6: beyond, a column of zeros or a Poisson
EXCESS_MIN = 1e-3  # a column that varies no more than Poisson's starts 0.1 % above, where there still is a slope


@dataclass(frozen=True)
class NegativeBinomial(Likelihood):
    r"""Over-dispersed counts: x_d | z has mean μ_d(z) = exp(log_mean_d(z)) and variance μ + μ²/r.

    .. math:: P(x) = \frac{\Gamma(x + r)}{\Gamma(r)\, x!} \Big(\frac{r}{r + \mu}\Big)^r \Big(\frac{\mu}{r + \mu}\Big)^x

    The size r_d = exp(log_size_d) is learned per column: a Poisson whose rate is μ times a Gamma variable with mean 1
    and variance 1/r. It tends to the Poisson family as r grows.

    References
    ----------
    Lawless (1987), Negative binomial and mixed Poisson regression.

    Examples
    --------
    >>> zero = torch.zeros(2)  # mean 1, size 1: P(x) = 2⁻⁽ˣ⁺¹⁾
    >>> NegativeBinomial().log_prob(torch.tensor([0.0, 1.0]), log_mean=zero, log_size=zero).exp()
    tensor([0.5000, 0.2500])
    """

    name: ClassVar[str] = "negative_binomial"
    support: ClassVar[str] = "non-negative whole numbers up to 4e8"

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        n_columns = len(columns.scale)
        return {"log_mean": Head("cell", n_columns), "log_size": Head("column", n_columns)}

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:
        """Method of moments: r = μ² / (variance − μ). Shape: x (N, D), with NaN."""
        mean = mean_of_cells(x, weights).clamp(min=RATE_MIN)
        excess = (mean_of_cells((x - mean).square(), weights) - mean).maximum(EXCESS_MIN * mean)
        return {"log_mean": mean.log(), "log_size": bounded(2 * mean.log() - excess.log())}

    def log_prob(self, x: Tensor, *, log_mean: Tensor, log_size: Tensor) -> Tensor:  # type: ignore[override]
        """Log probability of each cell. Shape: (S, B, D)."""
        # near a Poisson, and for large counts, these are small differences of numbers that float32 cannot hold
        count, log_r = x.double(), bounded(log_size).double()
        r, log_odds = log_r.exp(), log_mean.clamp(max=LOG_RATE_MAX).double() - log_r  # of μ / (r + μ)
        orders = torch.lgamma(count + r) - torch.lgamma(r) - torch.lgamma(count + 1)
        return (orders + r * logsigmoid(-log_odds) + count * logsigmoid(log_odds)).to(x.dtype)

    def mean(self, *, log_mean: Tensor, **_: Tensor) -> Tensor:  # type: ignore[override]
        """μ. Shape: (S, B, D)."""
        return log_mean.clamp(max=LOG_RATE_MAX).exp()

    def sample(  # type: ignore[override]
        self, generator: torch.Generator, *, log_mean: Tensor, log_size: Tensor
    ) -> Tensor:
        """A draw of counts, through their rates. Shape: (S, B, D)."""
        r = bounded(log_size).exp().expand_as(log_mean)
        # torch.distributions.Gamma takes no generator; this is the function that it calls
        rate = self.mean(log_mean=log_mean) / r * torch._standard_gamma(r, generator=generator)
        return torch.poisson(rate.clamp(max=math.exp(LOG_RATE_MAX)), generator=generator).clamp(max=COUNT_MAX)

    def features(self, x: Tensor, **_: Tensor) -> Tensor:
        """log(1 + x): large counts must not saturate the network. Shape: kept."""
        return torch.log1p(x)

    def is_valid(self, x: Tensor) -> Tensor:  # noqa: D102
        return (x >= 0) & (x == x.round()) & (x <= COUNT_MAX)


def bounded(log_size: Tensor) -> Tensor:
    """Log-size within ±LOG_SIZE_CAP. Shape: kept."""
    return log_size.clamp(-LOG_SIZE_CAP, LOG_SIZE_CAP)
