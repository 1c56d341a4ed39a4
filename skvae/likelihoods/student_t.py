"""Student-t columns: real numbers with heavy tails."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns, Head, uniform_like
from skvae.likelihoods.location_scale import LocationScale

LOG_DF_MAX = 15.0  # indistinguishable from a Gaussian
LOG_DF_START = 3.0  # 21 degrees of freedom: nearly Gaussian, so that training starts at factor analysis


@dataclass(frozen=True)
class StudentT(LocationScale):
    """Real numbers with heavy tails: x_d | z ~ μ_d(z) + σ t(ν_d), with ν_d = 1 + exp(log_df_d) learned per column.

    Parameters
    ----------
    scale : {"shared", "column", "row"} or float, default="row"
        One learned scale for all columns; one for each; one for each times a bounded factor for each row; or a
        fixed number, in the units of the data.

    Examples
    --------
    >>> zero = torch.zeros(1)  # log_df = 0: one degree more than a Cauchy distribution
    >>> StudentT().log_prob(zero, loc=zero, log_scale=zero, log_df=zero)
    tensor([-1.0397])
    """

    name: ClassVar[str] = "student_t"
    is_robust: ClassVar[bool] = True
    scale: Literal["shared", "column", "row"] | float = "row"

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        return super().heads(columns) | {"log_df": Head("column", len(columns.scale))}

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        heads = super().start(self.evidence(x), columns, weights)
        return heads | {"log_df": x.new_full((x.shape[-1],), LOG_DF_START)}

    def log_prob(  # type: ignore[override]
        self, x: Tensor, *, loc: Tensor, log_scale: Tensor, log_df: Tensor, row_factor: Tensor | None = None
    ) -> Tensor:
        """Log density of each cell. Shape: (S, B, D)."""
        log_scale, df = self.log_scale(log_scale, row_factor), degrees_of_freedom(log_df)
        u = (x - loc) * torch.exp(-log_scale)
        wide = df.double()  # the difference of two large numbers, one for each column
        normaliser = torch.lgamma((wide + 1) / 2) - torch.lgamma(wide / 2) - 0.5 * (math.log(math.pi) + wide.log())
        normaliser = normaliser.to(x.dtype)
        return normaliser - log_scale - 0.5 * (df + 1) * torch.log1p(u.square() / df)

    def sample(  # type: ignore[override]
        self,
        generator: torch.Generator,
        *,
        loc: Tensor,
        log_scale: Tensor,
        log_df: Tensor,
        row_factor: Tensor | None = None,
    ) -> Tensor:
        """A draw of x | z by the polar method (Bailey 1994), exact for every real ν. Shape: (S, B, D)."""
        df = degrees_of_freedom(log_df)
        u, v = uniform_like(loc, generator), uniform_like(loc, generator)
        t = (df * torch.expm1(-2 / df * u.log())).sqrt() * torch.cos(2 * math.pi * v)
        return loc + self.log_scale(log_scale, row_factor).exp() * t


def degrees_of_freedom(log_df: Tensor) -> Tensor:
    """ν = 1 + exp(log_df): above 1, so that there is a mean. Shape: kept."""
    return 1 + log_df.clamp(max=LOG_DF_MAX).exp()
