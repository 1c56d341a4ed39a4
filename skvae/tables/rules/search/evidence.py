"""What the search for rules looks at: numbers, codes, and how much rows that keep a rule say for it."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.bins import Floats, Integers
from skvae.tables.columns.base import Mask
from skvae.tables.columns.category import plain
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.dtypes import is_decimal
from skvae.tables.rules.draft import names_of
from skvae.tables.rules.quantities import MOMENT, Quantity, numbers_of

SURE = 14.0  # nats beyond the logarithm of the number of rules that are tried: one false table in a million
FIRST, SECOND = 40, 1000  # rows that are looked at before all
MOST_ROWS = 100_000  # that are searched; what is found is checked on all


class Evidence:
    """Columns of a table, as the search for rules looks at them.

    Parameters
    ----------
    rows : DataFrame of shape (N, D)
        Rows; some of them where they are many.

    Attributes
    ----------
    rows : DataFrame
        Rows in random order, so that the first few are a sample.
    names : list of str
        Columns that a rule can name.
    quantities : dict of Quantities
        Those of them that are quantities and not constant.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        order = np.random.default_rng(0).permutation(len(rows))[:MOST_ROWS]
        self.rows = rows.iloc[order]
        names = names_of(rows)
        self.names = [name for name in names if "`" not in name and name and names.count(name) == 1]
        self._place = {name: j for j, name in enumerate(names)}
        self._coded = dict[str, tuple[Integers, int]]()
        self.quantities = dict[str, Quantity]()
        for name in self.names:
            quantity = Quantity.of(self.column(name))
            if quantity is not None and quantity.lower < quantity.upper:
                self.quantities[name] = quantity

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> pd.Series:
        """A column."""
        return self.rows.iloc[:, self._place[name]]

    def place(self, name: str) -> int:
        """Its position in the table."""
        return self._place[name]

    # -- numbers --------------------------------------------------------------------------------------------------

    @cached_property
    def numbers(self) -> Floats:
        """Quantities as floats, times since the first of all in nanoseconds; NaN for a gap. Shape: (N, Q)."""
        first = min((int(q.lower) for q in self.quantities.values() if q.kind == MOMENT), default=0)
        columns = []
        for name, quantity in self.quantities.items():
            numbers, is_gap = numbers_of(self.column(name))
            shifted: Any = numbers - first if quantity.kind == MOMENT else numbers
            columns.append(np.where(is_gap, np.nan, shifted.astype(np.float64)))
        return np.column_stack(columns) if columns else np.empty((len(self), 0))

    def number(self, name: str) -> Floats:
        """One of them. Shape: (N,)."""
        return self.numbers[:, list(self.quantities).index(name)]

    @cached_property
    def tolerance(self) -> Floats:
        """What differences of each quantity may owe to rounding of floats. Shape: (Q,)."""
        size = np.nan_to_num(np.abs(self.numbers), nan=0.0).max(axis=0, initial=0.0)
        return np.asarray(size * [quantity.precision for quantity in self.quantities.values()] / 4)

    # -- labels ---------------------------------------------------------------------------------------------------

    def codes(self, name: str) -> Integers:
        """Each value as a small whole number, 0 for a gap. Shape: (N,)."""
        if name not in self._coded:
            values = self.column(name)
            if is_decimal(values.dtype):  # Arrow counts no narrow ones
                values = values.astype(object)
            codes, levels = pd.factorize(plain(values))
            self._coded[name] = np.maximum(codes, 0), len(levels)
        return self._coded[name][0]

    def n_levels(self, name: str) -> int:
        """Number of distinct values."""
        self.codes(name)
        return self._coded[name][1]

    def gaps(self, name: str) -> Mask:
        """Where a column has gaps. Shape: (N,)."""
        return is_missing(self.column(name))

    def side_by_side(self, names: list[str]) -> tuple[NDArray[np.int32], Mask]:
        """The codes of some columns, and where these have no gaps. Shape: (N, C) twice."""
        codes, is_known = (
            np.zeros((len(self), len(names)), dtype=np.int32),
            np.ones((len(self), len(names)), dtype=bool),
        )
        for j, name in enumerate(names):
            codes[:, j], is_known[:, j] = self.codes(name), ~self.gaps(name)
        return codes, is_known


def surprise_of(values: Floats) -> float:
    """Nats that a row says for a rule which names its value: −log of the share of the most frequent. Shape: (n,).

    Examples
    --------
    >>> round(surprise_of(np.array([0, 0, 1, 2])), 3)  # log 2
    0.693
    """
    counts = np.unique(values[~np.isnan(values)], return_counts=True)[1]
    return -math.log(counts.max() / counts.sum()) if len(counts) else 0.0


def is_enough(nats: float | Floats, n_tried: float) -> Any:
    """Whether rows say so much for a rule that none of so many would seem true among independent columns."""
    return nats >= SURE + math.log(max(n_tried, 1.0))


def complete_rows(numbers: Floats, n_wanted: int) -> tuple[Mask, Integers]:
    """Rows without a gap in some columns, and these: those with the most gaps are left out until rows are enough."""
    columns = np.argsort(np.isnan(numbers).sum(axis=0), kind="stable")
    while len(columns):
        is_complete = np.asarray(~np.isnan(numbers[:, columns]).any(axis=1))
        if is_complete.sum() >= n_wanted:
            return is_complete, np.sort(columns)
        columns = columns[:-1]
    return np.zeros(len(numbers), dtype=bool), columns
