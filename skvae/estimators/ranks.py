"""Numbers as normal scores, so that neither units nor long tails of columns say what is far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from skvae.tables import Rows

MAX_KNOTS = 10_001  # distinct values of a column that are kept
BEYOND = 3.0  # normal scores that a value lies beyond the range for each standard deviation of the column
FARTHEST = 1e6  # normal scores: squares of these are numbers in every precision
QUARTILES = 1.349  # of a normal variable: their distance in standard deviations

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class RanksOfColumn:
    r"""The normal score of a number, half by its rank and half by its distance from the mean.

    .. math:: s(x) = \tfrac12 \Phi^{-1}(F(x)) + \tfrac12 \frac{x - \bar x}{\sigma}, \qquad
              F(x) = (n_{<x} + \tfrac12 n_{=x}) / n,

    linear between training values. Ranks make a skewed column normal, whatever its unit; distances keep the gaps
    between islands open, which ranks close. Outside the range of the training values it goes on, three for each
    standard deviation of the column, which for the sake of outliers is that of a normal variable with its quartiles.

    Attributes
    ----------
    values : ndarray of shape (m,)
        Distinct training values in increasing order, 10,001 at most.
    scores : ndarray of shape (m,)
        Their normal scores.
    unit : float
        Standard deviation of the column, in its own units.

    Examples
    --------
    >>> ranks = RanksOfColumn.of(np.array([1.0, 2.0, 2.0, 50.0]))
    >>> ranks(np.array([1.0, 2.0, 50.0, np.nan])).round(2)
    array([-0.88, -0.28,  1.44,   nan])
    """

    values: Floats
    scores: Floats
    unit: float

    @classmethod
    def of(cls, column: Floats) -> Self:
        """Learn the ranks of a column; NaN and infinity are left out."""
        finite = column[np.isfinite(column)]
        if not len(finite):
            return cls(finite, finite, 1.0)
        values, counts = np.unique(finite, return_counts=True)
        shares = (counts.cumsum() - 0.5 * counts) / len(finite)
        knots = np.unique(np.linspace(0, len(values) - 1, min(len(values), MAX_KNOTS)).astype(int))
        distances = _standardised(values[knots], finite)
        return cls(values[knots], 0.5 * (ndtri(shares[knots]) + distances), _spread(finite))

    def __call__(self, column: Floats) -> Floats:
        """Normal scores; NaN stays NaN, and infinity infinite. Shape: (N,) -> (N,)."""
        if not len(self.values):  # all cells were missing
            return np.where(np.isfinite(column), 0.0, column)
        within = column.clip(self.values[0], self.values[-1])
        beyond = (BEYOND * (column / self.unit - within / self.unit)).clip(-FARTHEST, FARTHEST)
        beyond = np.where(np.isinf(column), column, beyond)  # an error of the model's, and no outlier
        return np.asarray(np.interp(within, self.values, self.scores) + beyond)


@dataclass(frozen=True)
class Ranks:
    """The normal scores of the numbers of a table; booleans, categories, text and dates stay what they are.

    Attributes
    ----------
    of_columns : dict of int -> RanksOfColumn
        By position in the table.
    """

    of_columns: dict[int, RanksOfColumn]

    @classmethod
    def of(cls, X: Rows) -> Self:
        """Learn the ranks of all columns of numbers."""
        return cls({j: RanksOfColumn.of(_numbers(X, j)) for j in range(X.shape[1]) if _has_numbers(X, j)})

    def __call__(self, X: Rows) -> Rows:
        """The same rows, numbers as normal scores. Shape: (N, D) -> (N, D)."""
        scores = {j: ranks(_numbers(X, j)) for j, ranks in self.of_columns.items()}
        if isinstance(X, pd.DataFrame):
            rows = X.copy(deep=False)
            for j, column in scores.items():
                rows.isetitem(j, column)
            return rows
        if not scores:
            return X
        return np.column_stack(list(scores.values())).astype(X.dtype if X.dtype.kind == "f" else float)


def jittered(X: Any, ranks: Ranks, spread: float, n_copies: int, seed: int) -> Any:
    """Copies of rows, one after another, with noise from N(0, spread²) on their normal scores. Shape: (L N, D)."""
    if not ranks.of_columns:
        return X
    rng = np.random.default_rng(seed)
    copies = pd.concat([X] * n_copies) if isinstance(X, pd.DataFrame) else np.concatenate([X] * n_copies)
    for j in ranks.of_columns:
        noise = spread * rng.normal(size=len(copies))
        if isinstance(copies, pd.DataFrame):
            copies.isetitem(j, _numbers(copies, j) + noise)
        else:
            copies[:, j] += noise.astype(copies.dtype)
    return copies


def _has_numbers(X: Rows, position: int) -> bool:
    kind = X.dtypes.iloc[position] if isinstance(X, pd.DataFrame) else X.dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def _numbers(X: Rows, position: int) -> Floats:
    if isinstance(X, pd.DataFrame):
        return np.asarray(X.iloc[:, position].to_numpy(dtype=float, na_value=np.nan))
    return np.asarray(X[:, position], dtype=float)


def _standardised(values: Floats, finite: Floats) -> Floats:
    """Distances from the mean of all numbers in their standard deviations, which no square overflows."""
    largest = np.abs(finite).max() or 1.0
    mean, std = (finite / largest).mean(), (finite / largest).std()
    return np.asarray((values / largest - mean) / (std or 1.0))


def _spread(finite: Floats) -> float:
    """The standard deviation of a normal variable with these quartiles, or where they are equal that of the numbers."""
    first, third = np.quantile(finite, [0.25, 0.75])
    return float((third - first) / QUARTILES or finite.std() or 1.0)
