"""Whole numbers, as a rounded logistic variable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from skvae.likelihoods.base import Columns, uniform_like
from skvae.likelihoods.location_scale import LocationScale

WIDE = 100.0  # units from the smallest to the largest value, beyond which logistic tails are too light
STRAY = 1e-4  # share of the cells of a wide column that may lie anywhere in the range


@dataclass(frozen=True)
class DiscretizedLogistic(LocationScale):
    """Whole numbers: x_d | z is a logistic variable, rounded and kept in the observed range.

    P(x) = F(x + 1/2) − F(x − 1/2) with F the logistic distribution function; the smallest and the largest
    observed value take the tails, so no other value is ever produced. A value outside the observed range is
    scored as the end it lies beyond. Where the range is wider than 100 units, as with a sentinel far from the bulk, one
    cell in 10,000 may lie anywhere in it: tails of a logistic distribution alone would widen the scale of all others.

    Parameters
    ----------
    scale : {"shared", "column", "row"} or float, default="row"
        One learned scale for all columns; one for each; one for each times a bounded factor for each row; or a
        fixed number, in the units of the data.

    References
    ----------
    Kingma et al. (2016), Improved Variational Inference with Inverse Autoregressive Flow, appendix;
    Salimans et al. (2017), PixelCNN++, eq. (2), for the tails.
    """

    name: ClassVar[str] = "discretized_logistic"
    support: ClassVar[str] = "whole numbers"
    scale: Literal["shared", "column", "row"] | float = "row"

    is_density = False
    is_whole: ClassVar[bool] = True
    is_robust: ClassVar[bool] = True
    log_std: ClassVar[float] = math.log(math.pi / math.sqrt(3))

    def constants(self, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        shape = {"half_width": 0.5 / columns.scale.abs(), "lower": columns.lower, "upper": columns.upper}
        return super().constants(columns) | shape

    def log_prob(  # type: ignore[override]
        self,
        x: Tensor,
        *,
        loc: Tensor,
        log_scale: Tensor,
        half_width: Tensor,
        lower: Tensor,
        upper: Tensor,
        row_factor: Tensor | None = None,
    ) -> Tensor:
        """Log probability of each cell. Shape: (S, B, D)."""
        precision = torch.exp(-self.log_scale(log_scale, row_factor))
        x = torch.minimum(torch.maximum(x, lower), upper)
        below = logsigmoid((x + half_width - loc) * precision)
        above = logsigmoid((loc - x + half_width) * precision)
        # σ(a) − σ(b) = σ(a) σ(−b) (1 − exp(b − a)): no cancellation, however narrow the step
        gap = torch.log(-torch.expm1(-2 * half_width * precision))
        is_lowest, is_highest = x < lower + half_width, x > upper - half_width  # safe against rounding
        tails = below.masked_fill(is_highest, 0.0) + above.masked_fill(is_lowest, 0.0)
        near = tails + gap.masked_fill(is_lowest | is_highest, 0.0)
        is_wide = upper - lower > WIDE
        if not is_wide.any():
            return near
        n_values = 1 + (upper - lower) / (2 * half_width)
        return torch.where(is_wide, torch.logaddexp(math.log1p(-STRAY) + near, math.log(STRAY) - n_values.log()), near)

    def mean(self, *, loc: Tensor, lower: Tensor, upper: Tensor, **_: Tensor) -> Tensor:  # type: ignore[override]
        """The location, kept in the observed range. Shape: (S, B, D)."""
        return torch.minimum(torch.maximum(loc, lower), upper)

    def sample(  # type: ignore[override]
        self,
        generator: torch.Generator,
        *,
        loc: Tensor,
        log_scale: Tensor,
        half_width: Tensor,
        lower: Tensor,
        upper: Tensor,
        row_factor: Tensor | None = None,
    ) -> Tensor:
        """A draw of a whole number, encoded. Shape: (S, B, D)."""
        draw = loc + self.log_scale(log_scale, row_factor).exp() * uniform_like(loc, generator).logit()
        is_wide = upper - lower > WIDE
        if is_wide.any():
            u = uniform_like(loc, generator)
            draw = torch.where(is_wide & (u < STRAY), lower + (upper - lower) * u / STRAY, draw)
        # on the grid of the column, as the cells of training are: later columns may see the draw
        whole = lower + 2 * half_width * torch.round((draw - lower) / (2 * half_width))
        return torch.minimum(torch.maximum(whole, lower), upper)

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        return super().start(self.evidence(x), columns, weights)

    def is_valid(self, x: Tensor) -> Tensor:  # noqa: D102
        return x == x.round()
