"""A table as parallel lists and arrays: what files of format 1 hold."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.likelihoods import Likelihood
from skvae.tables.bins import Floats
from skvae.tables.columns import CategoryColumn, Column, IdentifierColumn
from skvae.tables.columns.cells import is_missing
from skvae.tables.copies import Copies, Copy
from skvae.tables.encoded import EncodedColumn
from skvae.tables.frames import Native
from skvae.tables.table import Table


@dataclass(frozen=True)
class FlatTable:
    """The parts of a ``Table``, by encoded column; its attributes are described there."""

    columns: list[Column]
    families: list[Likelihood]
    loc: Floats
    scale: Floats
    lower: Floats
    upper: Floats
    gaps: NDArray[np.bool_]
    indicated: list[int]
    labels: pd.Index | None
    dtype: np.dtype[Any] | None
    native: Native | None = None
    identifiers: dict[int, IdentifierColumn] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)

    @classmethod
    def of(cls, table: Table) -> FlatTable:
        """Take a table apart."""
        return cls(
            table.columns,
            table.families,
            table.loc,
            table.scale,
            table.lower,
            table.upper,
            table.gaps,
            table.indicated,
            table.labels,
            table.dtype,
            table.native,
            table.identifiers,
            list(table.copies),
        )

    def table(self) -> Table:
        """Put a table together.

        Raises
        ------
        ValueError
            Where the parts do not fit together.
        """
        if not (self._has_one_part_a_column() and self._begins_with_indicators() and self._has_one_container()):
            raise ValueError("The parts of its table do not fit together")
        n = len(self.indicated)
        data = [self._encoded(n + j) for j in range(len(self.columns) - n)]
        table = Table(data, self.labels, self.dtype, self.native, self.identifiers, tuple(self.copies))
        if not Copies(table.copies, table.ranged).are_possible():
            raise ValueError("The copies of its table are not those of its columns")
        return table

    def _encoded(self, j: int) -> EncodedColumn:
        return EncodedColumn(
            self.columns[j],
            self.families[j],
            float(self.loc[j]),
            float(self.scale[j]),
            float(self.lower[j]),
            float(self.upper[j]),
            has_gaps=bool(self.gaps[j]),
            is_indicated=j - len(self.indicated) in self.indicated,
        )

    def _has_one_part_a_column(self) -> bool:
        parts = (self.loc, self.scale, self.lower, self.upper, self.gaps)
        shape = (len(self.columns),)
        return len(self.families) == len(self.columns) and all(part.shape == shape for part in parts)

    def _begins_with_indicators(self) -> bool:
        """Whether there is one for each column that is indicated, in their order, and no other."""
        n = len(self.indicated)
        n_data = len(self.columns) - n
        is_indicator = list(map(attrgetter("is_indicator"), self.columns))
        is_ordered = self.indicated == sorted(set(self.indicated))
        return (
            is_ordered and is_indicator == [True] * n + [False] * n_data and set(self.indicated) <= set(range(n_data))
        )

    def _has_one_container(self) -> bool:
        """Whether these are labels of a DataFrame, as many as columns, or the dtype of an array."""
        n = len(self.columns) - len(self.indicated) + len(self.identifiers)
        if self.labels is None:
            return self.dtype is not None and not self.identifiers
        return len(self.labels) == n and self.dtype is None and all(0 <= j < n for j in self.identifiers)


def check_levels(table: Table) -> None:
    """Refuse a level without a value, and an identifier of which no value can be drawn.

    Raises
    ------
    Exception
        What decoding raises, or a ValueError.
    """
    for identifier in table.identifiers.values():
        identifier.draw(1, np.random.default_rng(0), gaps=False)
    for column in table.columns:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, about a level that is no category of the dtype
            decoded = column.decode(np.arange(max(1, len(column.edges)), dtype=float))
            values = pd.Series(decoded, dtype=decoded.dtype)  # objects, too: pandas may hold no such text as text
        if isinstance(column, CategoryColumn):
            hash(tuple(column.levels))  # raises a TypeError where a level is a list
        if is_missing(values).any():
            raise ValueError(f"A level of column {column.name!r} is no value of the dtype {column.dtype}")
