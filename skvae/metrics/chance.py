"""How large the errors of columns and pairs are by chance alone, among real rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from skvae.metrics.fidelity import column_shapes, mean_trend, pair_trends
from skvae.metrics.frames import kind_of

SPARSE = 0.2  # error of a category between real rows, from which on its values are too many for these rows
N_SPLITS = 3  # of the real rows: one draw of chance may be a lucky one
MAX_ROWS = 20_000  # real rows that are split at most: with more, chance is far below every limit


@dataclass(frozen=True, eq=False)
class Chance:
    """Errors of real rows beside other real rows.

    Attributes
    ----------
    shapes : Series of length D
        The largest error of each column in some splits of the real rows, see ``column_shapes``.
    trends : DataFrame of shape (D, D)
        The same of each pair of columns, see ``pair_trends``.
    shape_error, trend_error : float
        Mean errors, of all splits and of the columns that are not sparse.
    sparse : list of labels
        Categories with so many values that real rows differ as much as poor synthetic ones: their errors say little,
        and would spoil a mean.
    """

    shapes: pd.Series
    trends: pd.DataFrame
    shape_error: float = np.nan
    trend_error: float = np.nan
    sparse: tuple[Hashable, ...] = ()

    @classmethod
    def of(cls, train: pd.DataFrame, test: pd.DataFrame | None, random_state: int | None) -> Chance:
        """Split real rows at random, into as many as train and test have, or, without any test, into halves.

        Halves are smaller tables than a synthetic one and train, and their errors somewhat larger.
        """
        rows, n_first = train, len(train) // 2
        if test is not None:
            rows, n_first = pd.concat([train, test], ignore_index=True), len(train)
        shapes, trends = list[pd.Series](), list[pd.DataFrame]()
        for one, other in _splits(rows, n_first, random_state):
            shapes.append(column_shapes(one, other))
            trends.append(pair_trends(one, other))
        largest = pd.concat(shapes, axis=1).max(axis=1)
        largest_pairs = trends[0].copy()
        largest_pairs[:] = np.max([pairs.to_numpy() for pairs in trends], axis=0)
        is_category = np.array([kind_of(dtype) == "categories" for dtype in train.dtypes])
        sparse = tuple(largest.index[is_category & (largest > SPARSE).to_numpy()])
        shape_error = np.mean([without(sparse, errors).mean() for errors in shapes])
        trend_error = np.mean([mean_trend(without_pairs(sparse, errors)) for errors in trends])
        return cls(largest, largest_pairs, float(shape_error), float(trend_error), sparse)


def without(sparse: tuple[Hashable, ...], shapes: pd.Series) -> pd.Series:
    """Errors of the columns that are not sparse; all where every column is."""
    dense = shapes.drop(list(sparse))
    return dense if len(dense) else shapes


def without_pairs(sparse: tuple[Hashable, ...], trends: pd.DataFrame) -> pd.DataFrame:
    """Errors of the pairs without a sparse column; all where fewer than two columns are not sparse."""
    dense = trends.drop(index=list(sparse), columns=list(sparse))
    return dense if len(dense) > 1 else trends


def _splits(rows: pd.DataFrame, n_first: int, random_state: int | None) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    rng = check_random_state(random_state)
    n_used = min(len(rows), MAX_ROWS)
    n_first = max(1, min(n_used - 1, round(n_first * n_used / len(rows))))
    for _ in range(N_SPLITS):
        order = rng.permutation(len(rows))[:n_used]
        yield rows.iloc[order[:n_first]], rows.iloc[order[n_first:]]
