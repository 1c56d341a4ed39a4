"""How large the errors of columns and pairs are by chance alone, among real rows."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from skvae.metrics.fidelity import column_shapes, pair_trends
from skvae.metrics.frames import kind_of

SPARSE = 0.2  # error of a category between real rows, from which on its values are too many for these rows


@dataclass(frozen=True, eq=False)
class Chance:
    """Errors of real rows beside other real rows.

    Attributes
    ----------
    shapes : Series of length D
        Errors of columns, see ``column_shapes``.
    trends : DataFrame of shape (D, D)
        Errors of pairs of columns, see ``pair_trends``.
    sparse : list of labels
        Categories with so many values that real rows differ as much as poor synthetic ones: their errors say little,
        and would spoil a mean.
    """

    shapes: pd.Series
    trends: pd.DataFrame
    sparse: list[Hashable]

    @classmethod
    def of(cls, train: pd.DataFrame, test: pd.DataFrame | None, random_state: int | None) -> Chance:
        """Compare training rows with others that are real, or without any one half of them with the other.

        Halves are smaller tables, whose errors are somewhat larger.
        """
        if test is None:
            order = check_random_state(random_state).permutation(len(train))
            train, test = train.iloc[order[::2]], train.iloc[order[1::2]]
        shapes, trends = column_shapes(train, test), pair_trends(train, test)
        is_category = np.array([kind_of(dtype) == "categories" for dtype in train.dtypes])
        sparse = list(shapes.index[is_category & (shapes > SPARSE).to_numpy()])
        return cls(shapes, trends, sparse)

    def dense_shapes(self, shapes: pd.Series) -> pd.Series:
        """Those of some errors whose columns are not sparse; all where every column is."""
        dense = shapes.drop(self.sparse)
        return dense if len(dense) else shapes

    def dense_trends(self, trends: pd.DataFrame) -> pd.DataFrame:
        """Those of some errors whose columns are not sparse; all where fewer than two columns are not."""
        dense = trends.drop(index=self.sparse, columns=self.sparse)
        return dense if len(dense) > 1 else trends
