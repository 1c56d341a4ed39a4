"""Cells that are the value of an earlier cell: a bill that is paid in full."""

from __future__ import annotations

import warnings
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

N_ROWS = 50_000  # that are looked at, at most
N_FIRST = 2000  # of these, on which all pairs are compared
MIN_SHARE = 0.01  # of the rows that are copies beyond chance
MIN_ROWS = 10  # that are
N_DEVIATIONS = 5  # from chance
N_COPIED = 4  # columns that one may copy, at most
PRIOR_ROWS = 10  # of the share in all levels, which are added to each

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
            and are_comparable(self.ranged[copy.column], self.ranged[copy.reference])
            and copy.shares.shape == (len(self.ranged[copy.column].edges),)
            for copy in self.pairs
        )

    def _by_column(self, rows: Rows) -> Iterator[tuple[Cells, Iterator[Copy]]]:
        """The cells of each column with copies, read when its turn comes, and what they may be copies of."""
        for j, of_column in groupby(self.pairs, key=attrgetter("column")):
            yield Cells(rows, self.ranged[j], j), of_column


def find_copies(rows: Rows, ranged: Ranged) -> tuple[Copy, ...]:
    """Which columns copy earlier ones of their unit, in more rows than values meet by chance.

    Parameters
    ----------
    rows : ndarray or DataFrame of shape (N, D)
        Rows.
    ranged : dict of int to HistogramColumn
        The columns that can be compared, by position.

    Returns
    -------
    tuple of Copy
        In the order of the columns; those of one column by how often they occur among the cells that are none of the
        others.
    """
    rows = _some(rows, N_ROWS)
    found = list[Copy]()
    for j, references in _candidates(_some(rows, N_FIRST), ranged).items():
        cells = Cells(rows, ranged[j], j)
        values = {r: cells.read(r) for r in references}
        for _ in range(min(N_COPIED, len(references))):
            beyond_chance = {r: _n_beyond_chance(cells, values[r], cells.may_be(values[r])) for r in values}
            best = max(beyond_chance, key=beyond_chance.__getitem__)
            if beyond_chance[best] < max(MIN_SHARE * len(rows), MIN_ROWS):
                break
            copied = values.pop(best)
            may_be = cells.may_be(copied)
            is_equal = may_be & (copied == cells.numbers)
            found.append(Copy(j, best, _shares(cells, may_be, is_equal)))
            cells.copy(copied, may_be, is_equal)
    return tuple(found)


def ranged_of(columns: Iterable[tuple[int, Column]]) -> dict[int, HistogramColumn]:
    """Columns some of whose levels are ranges, by position."""
    return {
        j: column for j, column in columns if isinstance(column, HistogramColumn) and (column.bins.first >= 0).any()
    }


def _some(rows: Rows, n_rows: int) -> Rows:
    """Every so manieth row, so many at most."""
    step = max(1, -(-len(rows) // n_rows))
    some: Rows = rows[::step]
    return some


def _candidates(rows: Rows, ranged: Ranged) -> dict[int, list[int]]:
    """Earlier columns that each is equal to in half as many rows as are wanted, in levels that are ranges."""
    earlier = {
        j: [r for r, other in ranged.items() if r < j and are_comparable(column, other)] for j, column in ranged.items()
    }
    compared = {j for j, references in earlier.items() if references}.union(*earlier.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cells that floats round are warned of where they are encoded
        numbers = {j: ranged[j].numbers(column_of(rows, j)) for j in compared}
    values = {j: ranged[j].number.measured(numbers[j]) for j in compared}
    found = dict[int, list[int]]()
    for j in sorted(compared):
        is_ranged = ranged[j].bins.covers(numbers[j])
        references = [r for r in earlier[j] if _is_share(is_ranged & (values[r] == values[j]))]
        if references:
            found[j] = references
    return found


def are_comparable(column: HistogramColumn, other: HistogramColumn) -> bool:
    """Whether a column can read the values of another."""
    has_zone, other_has = (zone_of(codec.dtype) is not None for codec in (column, other))
    return column.number.shared_unit == other.number.shared_unit and has_zone == other_has


def _is_share(mask: Mask) -> bool:
    """Whether half of what is wanted holds."""
    return bool(2 * mask.sum() >= MIN_SHARE * len(mask))


def _level_of(numbers: Floats, bins: Bins) -> Integers:
    """The level of each number where that is a range, also of one beyond its ends; −1 for others and gaps. (N,)."""
    level = np.nan_to_num(bins.encode(numbers)).astype(int)
    return np.where(~np.isnan(numbers) & (bins.first[level] >= 0), level, -1)


def _n_beyond_chance(cells: Cells, values: Floats, may_be: Mask) -> float:
    """Cells that are equal to values beyond those that would be by chance, or 0.

    By chance cells are equal to the values of other rows in their level; and where columns that are rounded go
    together, as often as they are the next number up or down. Counts are about Poisson: what is no five standard
    deviations beyond both counts as nothing.
    """
    may_be = may_be & (np.bincount(cells.level[may_be], minlength=len(cells.codec.edges)) > 1)[cells.level]
    if not may_be.any():
        return 0.0
    own, others, level = cells.numbers[may_be], values[may_be], cells.level[may_be]
    distinct, place = np.unique(np.concatenate([own, others]), return_inverse=True)
    places = [place[: len(own)], place[len(own) :], place[: len(own)][own == others]]
    n_own, n_others, n_equal = (np.bincount(part, minlength=len(distinct)) for part in places)
    n_other_rows = np.bincount(level)[cells.codec.bins.range_of(distinct)] - 1
    total = float(n_equal.sum())
    of_other_rows = float(((n_own * n_others - n_equal) / n_other_rows).sum())
    of_next = _n_next(cells.numbers, own - others) / 2
    is_beyond = total - of_other_rows > N_DEVIATIONS * np.sqrt(of_other_rows)
    is_peak = total - of_next > N_DEVIATIONS * np.sqrt(total / 2 + of_next)  # both are counts
    return total - max(of_other_rows, of_next) if is_beyond and is_peak else 0.0


def _n_next(numbers: Floats, differences: Floats) -> int:
    """How many differences are one step, up or down, of the grid that a column's numbers lie on. Shape: (N,), (n,)."""
    step = np.diff(np.unique(numbers[~np.isnan(numbers)])).min(initial=np.inf)
    return int((np.abs(np.abs(differences) - step) < step / 2).sum())


def _shares(cells: Cells, may_be: Mask, is_equal: Mask) -> NDArray[np.float64]:
    """Share of copies among the cells of each level that may be some, drawn towards that of all. Shape: (T,)."""
    n_levels = len(cells.codec.edges)
    n_rows, n_copies = (np.bincount(cells.level[mask], minlength=n_levels) for mask in (may_be, is_equal))
    overall = (n_copies.sum() + 0.5) / (n_rows.sum() + 1)  # never 0 or 1
    return np.asarray((n_copies + PRIOR_ROWS * overall) / (n_rows + PRIOR_ROWS))


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
