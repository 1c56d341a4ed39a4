"""Positive numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns, Head, Likelihood, mean_of_cells

SMALLEST, LARGEST = 1e-30, 1e30  # whose ratios float32 can still hold, as it can their logarithms
LOG_SHAPE_MIN = math.log(1e-2)  # below it, half of all draws are smaller than 1e-30 times the mean
LOG_SHAPE_MAX = math.log(1e6)  # a spread of 0.1 % of the mean: beyond it, a point mass would turn into a spike
LOG_RATIO_MAX = 20.0  # of x / μ: no column goes so far, and e to the power of more would overflow in float32
GAP_MIN = 1e-12  # between log E[x] and E[log x] where all cells are equal


@dataclass(frozen=True)
class Gamma(Likelihood):
    r"""Positive numbers: x_d | z has mean μ_d(z) = exp(log_mean_d(z)) and variance μ²/a.

    .. math:: p(x) = \frac{1}{x \, \Gamma(a)} \Big(\frac{a x}{\mu}\Big)^a e^{-a x / \mu}

    The shape a_d = exp(log_shape_d) is learned per column: the spread is a fixed share of the mean, as it is of
    incomes, waiting times and amounts of rain. Where a = 1 it is an exponential distribution; it tends to a Gaussian
    as a grows.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, chapter 8; Minka (2002), Estimating a Gamma distribution,
    for the start.

    Examples
    --------
    >>> zero = torch.zeros(2)  # mean 1, shape 1: p(x) = exp(-x)
    >>> Gamma().log_prob(torch.tensor([1.0, 2.0]), log_mean=zero, log_shape=zero)
    tensor([-1., -2.])
    """

    name: ClassVar[str] = "gamma"
    support: ClassVar[str] = "positive numbers from 1e-30 to 1e30"
    anywhere: ClassVar[float] = 1.0
    is_density = True

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        n_columns = len(columns.scale)
        return {"log_mean": Head("cell", n_columns), "log_shape": Head("column", n_columns)}

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:
        """Moments of x and log x, which no outlier rules as it does a variance. Shape: x (N, D), with NaN."""
        cells = x.double()
        if weights is not None:
            weights = weights.double()
        log_mean = mean_of_cells(cells, weights).log()
        gap = (log_mean - mean_of_cells(cells.log(), weights)).clamp(min=GAP_MIN)
        # Minka 2002: within 1.5 % of the root of log a − ψ(a) = gap
        shape = (3 - gap + ((gap - 3).square() + 24 * gap).sqrt()) / (12 * gap)
        return {"log_mean": log_mean.to(x.dtype), "log_shape": bounded(shape.log()).to(x.dtype)}

    def log_prob(self, x: Tensor, *, log_mean: Tensor, log_shape: Tensor) -> Tensor:  # type: ignore[override]
        """Log density of each cell. Shape: (S, B, D)."""
        # far from the mean, and for large shapes, these are small differences of numbers that float32 cannot hold
        log_x, log_a = x.double().log(), bounded(log_shape).double()
        a, log_ratio = log_a.exp(), log_x - bounded_mean(log_mean).double()  # of x / μ
        normaliser = a * log_a - a - torch.lgamma(a)
        return (normaliser - a * distance(log_ratio) - log_x).to(x.dtype)

    def mean(self, *, log_mean: Tensor, **_: Tensor) -> Tensor:  # type: ignore[override]
        """μ. Shape: (S, B, D)."""
        return bounded_mean(log_mean).exp()

    def sample(  # type: ignore[override]
        self, generator: torch.Generator, *, log_mean: Tensor, log_shape: Tensor
    ) -> Tensor:
        """A draw of x | z. Shape: (S, B, D)."""
        a = bounded(log_shape).exp().expand_as(log_mean)
        # torch.distributions.Gamma takes no generator; this is the function that it calls
        draw = self.mean(log_mean=log_mean) * (torch._standard_gamma(a, generator=generator) / a)
        return draw.clamp(SMALLEST, LARGEST)

    def features(self, x: Tensor, **_: Tensor) -> Tensor:
        """The logarithm: sizes that differ by factors must not saturate the network. Shape: kept."""
        return x.log()

    def is_valid(self, x: Tensor) -> Tensor:  # noqa: D102
        return (x >= SMALLEST) & (x <= LARGEST)


def distance(t: Tensor) -> Tensor:
    """e^t − 1 − t, which grows no faster than a line where no column goes. Shape: kept."""
    near = t.clamp(max=LOG_RATIO_MAX)
    return torch.expm1(near) + near.exp() * (t - near) - t


def bounded(log_shape: Tensor) -> Tensor:
    """Log-shape between its limits. Shape: kept."""
    return log_shape.clamp(LOG_SHAPE_MIN, LOG_SHAPE_MAX)


def bounded_mean(log_mean: Tensor) -> Tensor:
    """Log-mean of a value that is in the support. Shape: kept."""
    return log_mean.clamp(math.log(SMALLEST), math.log(LARGEST))
