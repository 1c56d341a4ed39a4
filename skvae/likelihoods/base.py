"""What a family of columns is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor


class Columns(NamedTuple):
    """What a table knows of the columns of one family.

    Attributes
    ----------
    scale : Tensor of shape (D,)
        Size of one encoded unit in the units of the data (signed).
    n_levels : Tensor of shape (D,)
        Number of categories; 0 for a number.
    lower, upper : Tensor of shape (D,)
        Observed range, encoded (lower <= upper also where the scale is negative).
    edges : Tensor of shape (T, 2)
        Where each level begins and ends, where levels are ranges of a number, in any unit of the column; the levels of
        all columns lie side by side, T = Σ_d n_levels_d.
    centers : Tensor of shape (T,)
        Mean of the values of each of these levels.
    shares : Tensor of shape (T,)
        Share of the training rows in each of them.
    """

    scale: Tensor
    n_levels: Tensor
    lower: Tensor
    upper: Tensor
    edges: Tensor = torch.empty(0, 2)
    centers: Tensor = torch.empty(0)
    shares: Tensor = torch.empty(0)

    def places_of_levels(self) -> dict[str, Tensor]:
        """Where the levels of all columns lie side by side: constants of the families that have them."""
        return {
            "first_level": self.n_levels.cumsum(0) - self.n_levels,  # (D,): where the levels of a column begin
            "column": torch.repeat_interleave(
                torch.arange(len(self.n_levels)), self.n_levels
            ),  # (T,): whose level it is
        }

    def take(self, d: int) -> Columns:
        """Column d alone."""
        one = slice(d, d + 1)
        first = int(self.n_levels[:d].sum())
        levels = slice(first, first + int(self.n_levels[d]))
        of_levels = self.edges[levels], self.centers[levels], self.shares[levels]
        return Columns(self.scale[one], self.n_levels[one], self.lower[one], self.upper[one], *of_levels)


@dataclass(frozen=True)
class Head:
    """One parameter of p(x_d | z) that the decoder supplies.

    Attributes
    ----------
    per : {"cell", "column", "block"}
        A function of z for every cell, a free constant for every column, or one for all columns.
    width : int
        Number of values a row: usually D; the number of levels for a categorical family; 1 for a block.
    is_ordered : bool
        Whether a column's values follow one another, so that neighbours are alike.
    """

    per: Literal["cell", "column", "block"]
    width: int  # a column's share, in their order, is the width that it would have alone
    is_ordered: bool = False


class Likelihood(ABC):
    """p(x_d | z) for the columns of one family: a pure, immutable description without weights.

    A family says which parameters it needs (``heads``); the decoder supplies them by name. A cell's parameters
    have shape (S, B, width), a column's (S, 1, width), a block's (S, 1, 1). A new family is one subclass: see
    CONTRIBUTING.
    """

    name: ClassVar[str]
    support: ClassVar[str]  # completes the sentence "needs …"
    anywhere: ClassVar[float] = 0.0  # a value in the support, encoded: it stands in for gaps, so that no NaN is learned
    scaling: Literal["none", "column", "shared"] = "none"  # how a table standardises these columns
    is_density: bool = False  # a density changes with the units of its column; a probability does not
    is_whole: ClassVar[bool] = False  # whole numbers in the observed range, whatever the dtype
    is_linear: ClassVar[bool] = False  # whether it is a ``LocationFamily``
    is_robust: ClassVar[bool] = False  # a few cells far out say little: a table may take its unit from the others
    levels: ClassVar[Literal["none", "nominal", "ordered"]] = "none"  # whether a cell is the code of a level
    cells: ClassVar[Literal["numbers", "bits", "bins", "categories"]] = "numbers"  # what a table makes of values

    @abstractmethod
    def heads(self, columns: Columns) -> dict[str, Head]:
        """Parameters that the decoder supplies."""

    def constants(self, columns: Columns) -> dict[str, Tensor]:
        """Parameters that are fixed by the columns, passed by name like the heads."""
        return {}

    @abstractmethod
    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:
        """Value of each head under independent columns, near the maximum likelihood.

        Shape: x (N, D), with NaN; weights of the rows (N,).
        """

    @abstractmethod
    def log_prob(self, x: Tensor, **parameters: Tensor) -> Tensor:
        """Log-probability of each cell, nats. Shape: x (S, B, D) without NaN -> (S, B, D)."""

    @abstractmethod
    def mean(self, **parameters: Tensor) -> Tensor:
        """E[x | z], or the mode for categories. Shape: (S, B, D)."""

    def probabilities(self, **parameters: Tensor) -> Tensor | None:
        """Probability of each level, where cells are categories; columns lie side by side. Shape: (S, B, T)."""
        return None

    def log_shares(self, like: Tensor, n_levels: int, **parameters: Tensor) -> Tensor:
        """Log-probability of each level of the only column. Shape: like (S, B, 1) -> (S, B, n_levels)."""
        levels = [self.log_prob(torch.full_like(like, k), **parameters) for k in range(n_levels)]
        return torch.cat(levels, dim=-1)

    def equally_likely(self, n: int, **parameters: Tensor) -> Tensor:
        """So many cells whose mean is E[x | z], in any unit: here this mean itself. Shape: (n, S, B, D)."""
        mean = self.mean(**parameters)
        return mean.expand(n, *mean.shape)

    @abstractmethod
    def sample(self, generator: torch.Generator, **parameters: Tensor) -> Tensor:
        """A draw of x | z. Shape: (S, B, D)."""

    @property
    def among_columns(self) -> Likelihood:
        """The family of the same cells in a model whose columns see one another, and none needs a location for that."""
        return self

    @property
    def given_others(self) -> Likelihood:
        """The family of the same cells where any others may be known."""
        return self

    def features(self, x: Tensor, **constants: Tensor) -> Tensor:
        """What the encoder's network sees of a cell. Shape: (..., D) -> (..., D)."""
        return x

    def rank(self, x: Tensor, **constants: Tensor) -> Tensor:
        """Where a number lies among those of its column, from 0 to 1, or about there; NaN stays NaN. Shape: kept."""
        rank: Tensor = torch.special.ndtr(self.features(x, **constants))
        return rank

    def redraw(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The training rows of one step, where they are themselves a distribution. Shape: kept."""
        return x

    def is_valid(self, x: Tensor) -> Tensor:
        """Whether each cell lies in the support, in the units of the data; NaN may be either. Shape: kept."""
        return torch.ones_like(x, dtype=torch.bool)


class LocationFamily(Likelihood):
    """A family of numbers around a location, which a linear model of z can start.

    Its head "loc" is the location, one for each cell. Training may start at the linear model x ≈ loc + noise, the
    encoder has a linear path for its columns, and their noise is found through the three members below.
    """

    is_linear: ClassVar[bool] = True

    def evidence(self, x: Tensor, **constants: Tensor) -> Tensor:
        """What the linear path of the encoder, and the linear start, see of a cell. Shape: kept."""
        return x

    @property
    @abstractmethod
    def floor(self) -> float:
        """Logarithm of the smallest standard deviation of the noise, encoded."""

    @abstractmethod
    def noise(self, variance: Tensor) -> dict[str, Tensor]:
        """Value of each head of the noise, for these variances around the location. Shape: (D,) -> (width,) each."""

    @abstractmethod
    def known_variance(self, **constants: Tensor) -> float | None:
        """Variance around the location, encoded, where it is fixed: then no head describes it."""


def mean_of_cells(x: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of the observed cells of each column; NaN without any. Shape: x (N, D), weights (N,) -> (D,)."""
    if weights is None:
        return x.nanmean(dim=0)
    share = weights[:, None] * ~x.isnan()
    return (share * x.nan_to_num(nan=0.0)).sum(dim=0) / share.sum(dim=0)


def uniform_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Draws from the open interval (0, 1). Shape: that of x."""
    u = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    eps = torch.finfo(x.dtype).eps
    return u.clamp(eps / 4, 1 - eps)
