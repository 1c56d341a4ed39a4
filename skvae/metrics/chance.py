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
        The largest error of each column in some splits of rows, see ``column_shapes``.
    trends : DataFrame of shape (D, D)
        The same of each pair of columns, see ``pair_trends``.
    shape_error, trend_error : float
        Mean errors, of all splits of real rows and of the columns that are not sparse.
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
    def of(
        cls,
        train: pd.DataFrame,
        test: pd.DataFrame | None,
        synthetic: pd.DataFrame,
        random_state: int | None,
    ) -> Chance:
        """Split rows at random: the real ones, and training with synthetic rows, as if these were real.

        Real rows fall into as many as train and test have, or, without any test, into halves, which are smaller tables
        and have somewhat larger errors. Synthetic rows are mixed in for the sake of heavy tails: a row far out decides
        a correlation, and may have no like among the real ones. What they add is bounded: rows that are judged excuse
        nothing beyond ``SPARSE``.
        """
        real = train if test is None else pd.concat([train, test], ignore_index=True)
        by_split = _errors_of_splits(real, len(train) // 2 if test is None else len(train), random_state)
        shapes, trends = _largest(by_split, train.columns)
        mixed = _errors_of_splits(_mixed(train, synthetic), len(train), random_state)
        if mixed:
            more, more_pairs = (found.clip(upper=SPARSE) for found in _largest(mixed, train.columns))
            shapes, trends = shapes.mask(shapes < more, more), trends.mask(trends < more_pairs, more_pairs)
        is_category = np.array([kind_of(dtype) == "categories" for dtype in train.dtypes])
        is_sparse = is_category & (shapes > SPARSE).to_numpy()
        sparse = tuple(train.columns[is_sparse])
        shape_error = np.mean([without(sparse, found).mean() for found, _ in by_split])
        trend_error = np.mean([mean_trend(without_pairs(sparse, found)) for _, found in by_split])
        return cls(shapes, trends, float(shape_error), float(trend_error), sparse)


def without(sparse: tuple[Hashable, ...], shapes: pd.Series) -> pd.Series:
    """Errors of the columns that are not sparse; all where every column is."""
    dense = shapes.drop(list(sparse))
    return dense if len(dense) else shapes


def without_pairs(sparse: tuple[Hashable, ...], trends: pd.DataFrame) -> pd.DataFrame:
    """Errors of the pairs without a sparse column; all where fewer than two columns are not sparse."""
    dense = trends.drop(index=list(sparse), columns=list(sparse))
    return dense if len(dense) > 1 else trends


def _mixed(train: pd.DataFrame, synthetic: pd.DataFrame) -> pd.DataFrame:
    """Rows of both, and the columns that are of one kind then, too: a column of gaps may be of another."""
    rows = pd.concat([train, synthetic], ignore_index=True)
    same = [kind_of(rows[label].dtype) == kind_of(train[label].dtype) for label in train.columns]
    return rows.loc[:, same]


def _errors_of_splits(
    rows: pd.DataFrame, n_first: int, random_state: int | None
) -> list[tuple[pd.Series, pd.DataFrame]]:
    """Errors of columns and of pairs between the two parts of some splits; none where there is no column."""
    if not rows.shape[1]:
        return []
    return [(column_shapes(one, other), pair_trends(one, other)) for one, other in _splits(rows, n_first, random_state)]


def _largest(by_split: list[tuple[pd.Series, pd.DataFrame]], labels: pd.Index) -> tuple[pd.Series, pd.DataFrame]:
    """The largest error of each of these columns, and of each pair."""
    shapes = [found.reindex(labels) for found, _ in by_split]
    trends = [found.reindex(index=labels, columns=labels) for _, found in by_split]
    pairs = pd.DataFrame(np.fmax.reduce([found.to_numpy() for found in trends]), index=labels, columns=labels)
    return pd.concat(shapes, axis=1).max(axis=1), pairs


def _splits(rows: pd.DataFrame, n_first: int, random_state: int | None) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    rng = check_random_state(random_state)
    n_used = min(len(rows), MAX_ROWS)
    n_first = max(1, min(n_used - 1, round(n_first * n_used / len(rows))))
    for _ in range(N_SPLITS):
        order = rng.permutation(len(rows))[:n_used]
        yield rows.iloc[order[:n_first]], rows.iloc[order[n_first:]]
