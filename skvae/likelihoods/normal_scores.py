"""Numbers of any shape, as what a location and a scale make of their normal scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns, uniform_like
from skvae.likelihoods.categorical import POSITION_MAX, check_number_of_levels
from skvae.likelihoods.histogram import MAX_BINS, Histogram
from skvae.likelihoods.location_scale import LocationScale
from skvae.likelihoods.scores import between, code_of, cuts, log_between

LOG_SCALE_MIN = math.log(1e-2)


@dataclass(frozen=True)
class NormalScores(LocationScale):
    r"""Numbers: x_d | z lies in the level that a logistic variable around μ_d(z) falls into, and anywhere in it alike.

    .. math:: P(\text{level } k \mid z) = F\Big(\frac{t_{k+1} - \mu_d(z)}{\sigma_d(z)}\Big)
                                        - F\Big(\frac{t_k - \mu_d(z)}{\sigma_d(z)}\Big), \qquad
              t_k = \Phi^{-1}(\text{share of rows below level } k)

    Levels are those of ``Histogram``: quantile bins, and single values that many rows hold. Cut at the normal quantiles
    of their frequencies, every column is a normal variable to the model, whatever its shape, and what leaves it has the
    range, the precision and the repeated values of the column. One location for each cell serves however many levels
    there are.

    Parameters
    ----------
    scale : {"shared", "column", "row"} or float, default="row"
        As in ``StudentT``, of the normal scores.
    n_bins : int, default=100
        Quantile bins of a column, at most; few rows have fewer.

    References
    ----------
    Murray, Dunson, Carin and Lucas (2013), Bayesian Gaussian copula factor models for mixed data, eq. (4). DIFFERS in
    F, which is logistic here: its tails are heavier, and differences do not cancel.
    McCullagh (1980), Regression models for ordinal data, for a variable cut at thresholds.

    Examples
    --------
    >>> family, one = NormalScores(), torch.ones(1)
    >>> edges = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    >>> columns = Columns(one, torch.tensor([2]), one, one, edges, edges[:, 0], shares=torch.tensor([0.5, 0.5]))
    >>> known = family.constants(columns)
    >>> zero = torch.zeros(1)
    >>> family.log_prob(zero, loc=zero, log_scale=zero, row_factor=zero, **known).exp()
    tensor([0.5000])
    """

    name: ClassVar[str] = "normal_scores"
    support: ClassVar[str] = "numbers"
    cells = "bins"
    scale: Literal["shared", "column", "row"] | float = "row"
    n_bins: int = 100

    is_density = False
    log_std: ClassVar[float] = math.log(math.pi / math.sqrt(3))

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number_of_levels(self, "n_bins", self.n_bins, MAX_BINS)

    @property
    def scaling(self) -> Literal["none"]:  # type: ignore[override]
        """Codes have no unit."""
        return "none"

    @property
    def floor(self) -> float:
        """Smallest log-scale of the scores."""
        return LOG_SCALE_MIN

    @property
    def among_columns(self) -> Histogram:
        """A frequency for each level: the location is for what z says."""
        return Histogram(self.n_bins)

    def constants(self, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        known = super().constants(columns) | {"cuts": cuts(columns)} | columns.places_of_levels()
        return known | {"edges": columns.edges, "centers": columns.centers}

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        known = {name: value.to(x.device) for name, value in self.constants(columns).items()}
        return super().start(self.evidence(x, **known), columns, weights)

    def evidence(  # type: ignore[override]
        self, x: Tensor, *, cuts: Tensor, first_level: Tensor, **_: Tensor
    ) -> Tensor:
        """Normal scores of codes; NaN stays NaN. Shape: (..., D), kept."""
        level = x.nan_to_num(nan=0.0).long()
        low, high = cuts[level + first_level, 2:].to(x.dtype).unbind(dim=-1)
        return low + (high - low) * (x - level) / POSITION_MAX

    def features(self, x: Tensor, **constants: Tensor) -> Tensor:
        """Normal scores, which are bounded. Shape: (..., D), kept."""
        return self.evidence(x, **constants)

    def log_prob(  # type: ignore[override]
        self,
        x: Tensor,
        *,
        loc: Tensor,
        log_scale: Tensor,
        cuts: Tensor,
        first_level: Tensor,
        row_factor: Tensor | None = None,
        **_: Tensor,
    ) -> Tensor:
        """Log probability of each cell's level; the table divides by its width. Shape: (S, B, D)."""
        below, above = cuts[x.long() + first_level, :2].to(loc.dtype).unbind(dim=-1)
        return log_between(below, above, loc, self.log_scale(log_scale, row_factor))

    def mean(  # type: ignore[override]
        self,
        *,
        loc: Tensor,
        log_scale: Tensor,
        cuts: Tensor,
        first_level: Tensor,
        column: Tensor,
        edges: Tensor,
        centers: Tensor,
        row_factor: Tensor | None = None,
        **_: Tensor,
    ) -> Tensor:
        """E[x | z], as the level that it lies in and its position there. Shape: (S, B, D)."""
        below, above = cuts[:, :2].to(loc.dtype).unbind(dim=-1)
        precision = torch.exp(-self.log_scale(log_scale, row_factor)).expand(loc.shape)
        shares = between(below, above, loc[..., column], precision[..., column])
        mean = torch.zeros_like(loc).scatter_add(-1, column.expand(shares.shape), shares * centers.to(loc.dtype))
        return code_of(mean, edges.to(loc.dtype), first_level, column)

    def sample(  # type: ignore[override]
        self,
        generator: torch.Generator,
        *,
        loc: Tensor,
        log_scale: Tensor,
        cuts: Tensor,
        first_level: Tensor,
        column: Tensor,
        row_factor: Tensor | None = None,
        **_: Tensor,
    ) -> Tensor:
        """A draw of a level, that of a logistic variable, and of a position in it. Shape: (S, B, D)."""
        draw = loc + self.log_scale(log_scale, row_factor).exp() * uniform_like(loc, generator).logit()
        is_below = (cuts[:, 1].to(loc.dtype) < draw[..., column]).to(loc.dtype)
        level = torch.zeros_like(draw).scatter_add(-1, column.expand(is_below.shape), is_below)
        return level + POSITION_MAX * uniform_like(loc, generator)
