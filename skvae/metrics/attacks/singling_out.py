"""Singling out: conditions that a single synthetic row meets, and a single training row, too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skvae.metrics.attacks.outcome import Guesses
from skvae.metrics.attacks.rows import Rows
from skvae.metrics.frames import Floats

N_TRIES = 10  # conditions that are drawn for each that is wanted
GAP = -np.inf  # a missing cell: below every number
LOWEST = np.finfo(np.float64).min


@dataclass(frozen=True)
class Condition:
    """Ranges of some columns that a row lies in.

    Attributes
    ----------
    columns : ndarray of int of shape (C,)
        Positions of the columns.
    lower, upper : ndarray of shape (C,)
        Ends of the ranges, both included; a gap is below every number.
    """

    columns: NDArray[np.intp]
    lower: Floats
    upper: Floats

    def isolates(self, rows: Floats) -> bool:
        """Whether exactly one row meets it. Shape: (N, D)."""
        cells = rows[:, self.columns]
        meets = ((cells >= self.lower) & (cells <= self.upper)).all(axis=1)
        return int(meets.sum()) == 1


def singling_out(
    members: pd.DataFrame,
    others: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    n_columns: int = 3,
    n_guesses: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> Guesses:
    """How often what singles out a synthetic row singles out a training row.

    A guess is a condition that exactly one synthetic row meets: "age ≥ 88 and country = Peru and hours ≤ 12". It is
    right where exactly one training row meets it. The control asks as many rows that the generator has not seen.

    Of one column a condition is a value that occurs once in the synthetic table, or an end of its range; of several
    it is made of a synthetic row: categories as they are, numbers up to its own where that is below the median, else
    from there on. An attempt for which ten draws give no condition with one synthetic row is a miss.

    Parameters
    ----------
    members, others : DataFrame of shape (m, D) and (n, D)
        Rows that the generator has seen, and rows of the same distribution that it has not. The first min(m, n) of
        either are asked: how often one row meets a condition depends on their number.
    synthetic : DataFrame of shape (M, D)
        Rows that it has drawn.
    n_columns : int
        Number of columns of a condition.
    n_guesses : int
        Number of attempts.
    random_state : int, RandomState or None
        Seed of the conditions.

    Returns
    -------
    Guesses

    References
    ----------
    Giomi et al. (2023), A Unified Framework for Quantifying Privacy Risk in Synthetic Data (Anonymeter), section 4.1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, fresh = (pd.DataFrame(rng.normal(size=(200, 3)).round(3)) for _ in range(2))
    >>> copied = singling_out(train, fresh, train, n_columns=1, n_guesses=100, random_state=0)
    >>> copied.rate, copied.control < 0.2
    (1.0, True)
    """
    rows = Rows.of(members, others, synthetic)
    if not 1 <= n_columns <= len(rows.is_number):
        raise ValueError(
            f"n_columns must lie between 1 and the number of columns, {len(rows.is_number)}, but is {n_columns}. "
            f"Pass 1 or 3, say."
        )
    if n_guesses < 1:
        raise ValueError(f"n_guesses must be at least 1, but is {n_guesses}. Pass 1000, say.")
    n_rows, rng = min(len(rows.members), len(rows.others)), check_random_state(random_state)
    drawn = np.nan_to_num(rows.synthetic, nan=GAP)
    if n_columns == 1:
        attack = "singling out by one column"
        conditions = _of_one_column(drawn, rows.is_number, n_guesses, rng)
    else:
        attack = f"singling out by {n_columns} columns"
        conditions = _of_columns(drawn, rows.is_number, n_columns, n_guesses, rng)
    hits, control_hits = _n_isolating(conditions, rows.members[:n_rows]), _n_isolating(conditions, rows.others[:n_rows])
    return Guesses(attack, "rows", hits, n_guesses, control_hits, n_guesses)


def _n_isolating(conditions: list[Condition], rows: Floats) -> int:
    """Number of conditions that exactly one row meets. Shape: (N, D)."""
    rows = np.nan_to_num(rows, nan=GAP)
    return sum(condition.isolates(rows) for condition in conditions)


def _of_one_column(
    rows: Floats, is_number: NDArray[np.bool_], n_guesses: int, rng: np.random.RandomState
) -> list[Condition]:
    """Values that occur once, and what lies beyond the ends of numbers."""
    found = []
    for d, cells in enumerate(rows.T):
        values, counts = np.unique(cells, return_counts=True)
        column = np.array([d])
        found += [Condition(column, values[[i]], values[[i]]) for i in np.flatnonzero(counts == 1)]
        observed = values[values > GAP]
        if is_number[d] and len(observed):
            found.append(Condition(column, np.array([LOWEST]), observed[:1]))
            found.append(Condition(column, observed[-1:], np.array([np.inf])))
    return [found[i] for i in rng.permutation(len(found))[:n_guesses]]


def _of_columns(
    rows: Floats, is_number: NDArray[np.bool_], n_columns: int, n_guesses: int, rng: np.random.RandomState
) -> list[Condition]:
    """Conditions made of random rows and columns that no second synthetic row meets."""
    observed = np.where(rows > GAP, rows, np.nan)
    has_cells = ~np.isnan(observed).all(axis=0)
    median = np.zeros(rows.shape[1])
    median[has_cells] = np.nanmedian(observed[:, has_cells], axis=0)
    found: list[Condition] = []
    for _ in range(N_TRIES * n_guesses):
        columns = rng.permutation(rows.shape[1])[:n_columns]
        cells = rows[rng.randint(len(rows)), columns]
        is_range = is_number[columns] & (cells > GAP)
        is_high = cells > median[columns]
        condition = Condition(
            columns, np.where(is_range & ~is_high, LOWEST, cells), np.where(is_range & is_high, np.inf, cells)
        )
        if condition.isolates(rows):
            found.append(condition)
        if len(found) == n_guesses:
            break
    return found
