"""Cells that are the value of an earlier cell: a bill that is paid in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from skvae.tables.bins import Bins, Floats, Integers
from skvae.tables.columns import Column, HistogramColumn
from skvae.tables.columns.base import Mask
from skvae.tables.columns.time import zone_of
from skvae.tables.rows import Rows, column_of, with_cells

Ranged = Mapping[int, HistogramColumn]


@dataclass(frozen=True)
class Copy:
    r"""A cell may be the value of an earlier one, where that lies in the level that the cell is drawn in.

    .. math:: p(x_d \mid t) = s_t \, \delta_r(x_d) + (1 - s_t) \, p_t(x_d)

    where t is the level of d, a range in which the value r of the other column lies, too, s its share of copies and
    p_t the density in the level. A level that is a single value needs none.

    Attributes
    ----------
    column, reference : int
        Positions of the column and of the earlier one among all.
    shares : ndarray of shape (T,)
        Probability s of a copy by level.
    """

    column: int
    reference: int
    shares: NDArray[np.float64]

    def __post_init__(self) -> None:
        is_share = (self.shares > 0) & (self.shares < 1)
        if not (0 <= self.reference < self.column and is_share.all()):
            raise ValueError(f"Column {self.column} cannot copy column {self.reference} with shares {self.shares}")


class Cells:
    """The cells of a column, and where they may be those of earlier ones.

    Parameters
    ----------
    rows : ndarray or DataFrame of shape (N, D)
        Rows.
    codec : HistogramColumn
        The column.
    j : int
        Its position.

    Attributes
    ----------
    numbers : ndarray of shape (N,)
        What the cells are as numbers.
    level : ndarray of int of shape (N,)
        Their levels; −1 where that is no range.
    is_copy : ndarray of bool of shape (N,)
        Which of them are known to be copies.
    """

    def __init__(self, rows: Rows, codec: HistogramColumn, j: int) -> None:
        self.rows, self.codec, self.j = rows, codec, j
        self.numbers = codec.numbers(column_of(rows, j))
        self.level = _level_of(self.numbers, codec.bins)
        self.is_copy = np.zeros(len(rows), dtype=bool)
        self._points = list[Floats]()

    def read(self, reference: int) -> Floats:
        """Values of another column as this one reads them. Shape: (N,)."""
        return self.codec.numbers(column_of(self.rows, reference))

    def may_be(self, values: Floats) -> Mask:
        """Where cells may be copies of the values of another column. Shape: (N,), kept.

        They may where both lie in one range, and the value is none that the cell could have copied before.
        """
        may_be: Mask = (self.level >= 0) & (self.codec.bins.range_of(values) == self.level)
        for point in self._points:
            may_be &= values != point
        return may_be & ~self.is_copy

    def copy(self, values: Floats, may_be: Mask, is_copy: Mask) -> None:
        """Let cells be copies of the values of another column, where others may have been. Shape: (N,) each."""
        self.numbers = np.where(is_copy, values, self.numbers)
        self.is_copy |= is_copy
        self._points.append(np.where(may_be, values, np.nan))


@dataclass(frozen=True)
class Copies:
    """Which cells may be the value of an earlier one, and the columns that are read for it.

    Attributes
    ----------
    pairs : sequence of C Copy
        Which cell of which, in the order of the columns.
    ranged : dict of int to HistogramColumn
        The columns that can be compared, by position.
    """

    pairs: Sequence[Copy]
    ranged: Ranged

    def __len__(self) -> int:
        return len(self.pairs)

    def chances(self, n_rows: int, generator: torch.Generator) -> Floats:
        """Numbers from 0 to 1 that decide on each copy in each row. Shape: (N, C)."""
        size = (n_rows, len(self.pairs))
        return torch.rand(size, generator=generator, device=generator.device).cpu().numpy()

    def draw(self, rows: Rows, chances: Floats, is_known: Mask | None = None) -> Rows:
        """Rows as drawn, in which cells are copies as often as they were in the rows of training. Shape: (N, D), kept.

        Parameters
        ----------
        rows : ndarray or DataFrame of shape (N, D)
            Draws.
        chances : ndarray of shape (N, C)
            A cell that may be a copy is one where its number is less than the share.
        is_known : ndarray of bool of shape (N, D), optional
            Cells that stay as they are.
        """
        if not self.pairs:
            return rows
        rows, chance = rows.copy(), iter(chances.T)
        for cells, of_column in self._by_column(rows):
            is_free = np.ones(len(rows), dtype=bool) if is_known is None else ~is_known[:, cells.j]
            for copy in of_column:
                values = cells.read(copy.reference)
                may_be = cells.may_be(values)
                is_drawn = next(chance) < copy.shares[cells.level]
                cells.copy(values, may_be, may_be & is_free & is_drawn)
            _put(rows, cells)
        return rows

    def log_prob(self, rows: Rows) -> Floats:
        """What copies add to the log-probability of each row, nats. Shape: (N, D) -> (N,).

        A cell that is a copy has the probability s instead of a density; others that might have been one have a
        density that is 1 - s times as large.
        """
        total = np.zeros(len(rows))
        for cells, of_column in self._by_column(rows):
            for copy in of_column:
                values = cells.read(copy.reference)
                may_be = cells.may_be(values)
                is_equal, shares = may_be & (values == cells.numbers), copy.shares[cells.level]
                of_copy = np.log(shares) + cells.codec.bins.log_width[cells.level]
                total += np.where(is_equal, of_copy, np.where(may_be, np.log1p(-shares), 0.0))
                cells.copy(values, may_be, is_equal)
        return total

    def are_possible(self) -> bool:
        """Whether the columns can copy one another as is said, in their order."""
        columns = [copy.column for copy in self.pairs]
        return columns == sorted(columns) and all(
            {copy.column, copy.reference} <= self.ranged.keys()
            and unit_of(self.ranged[copy.column]) == unit_of(self.ranged[copy.reference])
            and copy.shares.shape == (len(self.ranged[copy.column].edges),)
            for copy in self.pairs
        )

    def _by_column(self, rows: Rows) -> Iterator[tuple[Cells, Iterator[Copy]]]:
        """The cells of each column with copies, read when its turn comes, and what they may be copies of."""
        for j, of_column in groupby(self.pairs, key=attrgetter("column")):
            yield Cells(rows, self.ranged[j], j), of_column


def ranged_of(columns: Iterable[tuple[int, Column]]) -> dict[int, HistogramColumn]:
    """Columns some of whose levels are ranges, by position."""
    return {
        j: column for j, column in columns if isinstance(column, HistogramColumn) and (column.bins.first >= 0).any()
    }


def unit_of(column: HistogramColumn) -> tuple[str, bool]:
    """What the values of a column count, and whether in a time zone: columns of one unit can read one another."""
    return column.number.shared_unit, zone_of(column.dtype) is not None


def _level_of(numbers: Floats, bins: Bins) -> Integers:
    """The level of each number where that is a range, also of one beyond its ends; −1 for others and gaps. (N,)."""
    level = np.nan_to_num(bins.encode(numbers)).astype(int)
    return np.where(~np.isnan(numbers) & (bins.first[level] >= 0), level, -1)


def _put(rows: Rows, cells: Cells) -> None:
    """Write the cells that are copies into their column of rows."""
    if not cells.is_copy.any():
        return
    copied: Any = pd.Series(cells.codec.number.decode(cells.numbers[cells.is_copy]))
    if isinstance(rows, pd.DataFrame):
        column: Any = with_cells(rows.iloc[:, cells.j], cells.is_copy, copied)
        rows.isetitem(cells.j, column)
    else:
        rows[cells.is_copy, cells.j] = copied
