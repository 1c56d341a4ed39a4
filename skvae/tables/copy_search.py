"""The search for columns that copy earlier ones, in more rows than values meet by chance."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from skvae.tables.bins import Floats
from skvae.tables.columns.base import Mask
from skvae.tables.copies import Cells, Copy, Ranged, unit_of
from skvae.tables.rows import Rows, column_of

N_ROWS = 50_000  # that are looked at, at most
N_FIRST = 2000  # of these, on which all pairs are compared
MIN_SHARE = 0.01  # of the rows that are copies beyond chance
MIN_ROWS = 10  # that are
N_DEVIATIONS = 5  # from chance
N_COPIED = 4  # columns that one may copy, at most
PRIOR_ROWS = 10  # of the share in all levels, which are added to each


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
    for j, references in sorted(_candidates(_some(rows, N_FIRST), ranged).items()):
        cells = Cells(rows, ranged[j], j)
        values = {r: cells.read(r) for r in references}
        values = {r: other for r, other in values.items() if (other == cells.numbers).sum() >= _n_wanted(rows)}
        for _ in range(min(N_COPIED, len(values))):
            beyond_chance = {r: _n_beyond_chance(cells, values[r], cells.may_be(values[r])) for r in values}
            best = max(beyond_chance, key=beyond_chance.__getitem__)
            if beyond_chance[best] < _n_wanted(rows):
                break
            copied = values.pop(best)
            may_be = cells.may_be(copied)
            is_equal = may_be & (copied == cells.numbers)
            found.append(Copy(j, best, _shares(cells, may_be, is_equal)))
            cells.copy(copied, may_be, is_equal)
    return tuple(found)


def _some(rows: Rows, n_rows: int) -> Rows:
    """Every so manieth row, so many at most."""
    step = max(1, -(-len(rows) // n_rows))
    some: Rows = rows[::step]
    return some


def _n_wanted(rows: Rows) -> float:
    """How many rows must be copies beyond chance."""
    return max(MIN_SHARE * len(rows), MIN_ROWS)


def _candidates(rows: Rows, ranged: Ranged) -> dict[int, list[int]]:
    """Earlier columns that each is equal to in half as many rows as are wanted, in levels that are ranges."""
    by_unit = dict[object, list[int]]()
    for j, column in ranged.items():
        by_unit.setdefault(unit_of(column), []).append(j)
    found = dict[int, list[int]]()
    for columns in by_unit.values():
        if len(columns) == 1:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells that floats round are warned of where they are encoded
            numbers = [ranged[j].numbers(column_of(rows, j)) for j in columns]
        values = np.stack([ranged[j].number.measured(own) for j, own in zip(columns, numbers, strict=True)])
        for i, j in enumerate(columns):
            is_ranged = ranged[j].bins.covers(numbers[i])
            n_equal = ((values[:i] == values[i]) & is_ranged).sum(axis=1)
            found[j] = [columns[at] for at in np.flatnonzero(2 * n_equal >= _n_wanted(rows))]
    return {j: references for j, references in found.items() if references}


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
