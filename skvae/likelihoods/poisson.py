"""Counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns, Head, Likelihood, mean_of_cells

RATE_MIN = 1e-3  # a column of zeros starts at this rate
LOG_RATE_MAX = 20.0  # a rate of 5e8: beyond it the network has lost its way, and exp would overflow in float32
COUNT_MAX = 4e8


@dataclass(frozen=True)
class Poisson(Likelihood):
    """Counts: x_d | z ~ Poisson(exp(log_rate_d(z))).

    Examples
    --------
    >>> Poisson().log_prob(torch.tensor([0.0, 1.0]), log_rate=torch.zeros(2))
    tensor([-1., -1.])
    """

    name: ClassVar[str] = "poisson"
    support: ClassVar[str] = "non-negative whole numbers up to 4e8"

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        return {"log_rate": Head("cell", len(columns.scale))}

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        return {"log_rate": mean_of_cells(x, weights).clamp(min=RATE_MIN).log()}

    def log_prob(self, x: Tensor, *, log_rate: Tensor) -> Tensor:  # type: ignore[override]
        """Log probability of each cell. Shape: (S, B, D)."""
        log_rate = log_rate.clamp(max=LOG_RATE_MAX)
        return x * log_rate - log_rate.exp() - torch.lgamma(x + 1)

    def mean(self, *, log_rate: Tensor) -> Tensor:  # type: ignore[override]
        """The rate. Shape: (S, B, D)."""
        return log_rate.clamp(max=LOG_RATE_MAX).exp()

    def sample(self, generator: torch.Generator, *, log_rate: Tensor) -> Tensor:  # type: ignore[override]
        """A draw of counts. Shape: (S, B, D)."""
        return torch.poisson(self.mean(log_rate=log_rate), generator=generator)

    def features(self, x: Tensor, **_: Tensor) -> Tensor:
        """log(1 + x): large counts must not saturate the network. Shape: kept."""
        return torch.log1p(x)

    def is_valid(self, x: Tensor) -> Tensor:  # noqa: D102
        return (x >= 0) & (x == x.round()) & (x <= COUNT_MAX)
