"""Steps: a column is constant in each of some intervals of a number or a date, such as age groups and marks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.bins import Integers
from skvae.tables.columns.base import Mask
from skvae.tables.columns.category import positions
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.edges import edges_between
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds.base import Exact
from skvae.tables.rules.kinds.function import appended
from skvae.tables.rules.quantities import Numbers, Quantity
from skvae.tables.rules.syntax import STEP, quoted


@dataclass(frozen=True)
class Steps(Exact):
    """A column that has one value in each interval of another, which is a number, a moment or a duration.

    Attributes
    ----------
    name : str
        The column.
    source : str
        The other.
    values : pandas.Index of length K
        Value of the column in each interval, the lowest first.
    lows, highs : ndarray of shape (K,)
        Smallest and largest number of the other that was seen with each.
    edges : ndarray of shape (K - 1,)
        Where one interval ends and the next begins.
    closes : bool
        Whether an edge itself belongs to the interval below it.
    """

    name: str
    source: str
    values: pd.Index
    lows: NDArray[np.number[Any]]
    highs: NDArray[np.number[Any]]
    edges: NDArray[np.number[Any]]
    closes: bool = False

    def __post_init__(self) -> None:
        are_one = len(self.lows) == len(self.highs) == len(self.values)
        if not are_one or len(self.edges) != max(len(self.values) - 1, 0) or (np.diff(self.edges) < 0).any():
            raise ValueError("Steps have an edge between each two of their values, in ascending order")

    @classmethod
    def of(cls, name: str, source: str) -> Self:
        """Steps of which nothing is known yet."""
        nothing = np.array([], dtype=np.int64)
        return cls(name, source, pd.Index([]), nothing, nothing, nothing)

    @classmethod
    def read(cls, left: Formula, sign: str, right: Formula) -> Self | None:  # noqa: D102
        if sign not in ("=", "==") or right.stepped is None:
            return None
        if left.column is None or left.column == right.stepped:
            raise ValueError(
                f"Steps give one column from another, but the rule is '{left} {sign} {right}'. Write it as in "
                f"'a = {STEP}(b)'."
            )
        return cls.of(left.column, right.stepped)

    def __str__(self) -> str:
        return f"{quoted(self.name)} = {STEP}({quoted(self.source)})"

    @property
    def inputs(self) -> list[str]:
        """The other column."""
        return [self.source]

    @property
    def names(self) -> list[str]:
        """Columns that it speaks of."""
        return [self.name, self.source]

    def target(self, table: list[str]) -> str:
        """The column with a value for each interval."""
        return self.name

    @property
    def unknowns(self) -> list[str]:
        """The column itself, and not the other: many numbers lead to one value."""
        return [self.name]

    def steps(self, numbers: Numbers) -> Integers:
        """In which interval some numbers lie. Shape: kept."""
        return np.searchsorted(self.edges, numbers, "left" if self.closes else "right")

    def broken(self, draft: Draft) -> Mask:
        """Rows in which the column has another value than that of the interval. Shape: (N,)."""
        if not len(self.values):
            return np.zeros(len(draft), dtype=bool)
        own = positions(self.values, draft.labels(self.name))
        return np.asarray(own != self.steps(draft.value(self.source).numbers)) & draft.observed(self.names)

    def unknown(self, draft: Draft) -> Mask:
        """Rows of which it says nothing: all before any were seen, and then none."""
        return draft.observed(self.names) & (not len(self.values))

    def solve(self, draft: Draft, name: str, where: Mask, *, inside: bool = False) -> Mask:  # noqa: D102
        if len(self.values):
            steps = self.steps(draft.value(self.source).numbers[where])
            draft.put_labels(name, where, self.values.take(steps))
        return np.zeros(len(draft), dtype=bool)  # what was seen is in the range

    # -- what rows say of it --------------------------------------------------------------------------------------

    def learned(self, draft: Draft) -> Self:
        """The steps with the values of more rows, and edges between all that were seen.

        Rows that have no such steps leave the edges that the fewest of them break; those that were learned stay.
        """
        known, numbers = draft.observed(self.names), draft.value(self.source).numbers
        labels = draft.labels(self.name)[known]
        values = appended(self.values, labels[positions(self.values, labels) < 0].unique())
        if not len(values):
            return self
        before = np.arange(len(self.values))
        codes = np.concatenate([before, before, positions(values, labels)])
        groups = _groups(np.concatenate([self.lows, self.highs, numbers[known]]), codes, len(values))
        order = sorted(range(len(values)), key=lambda k: groups[k][len(groups[k]) // 2])
        lows, highs = _extents([groups[k] for k in order])
        edges, closes = edges_between(highs[:-1], lows[1:], draft.quantities[self.source])
        edges = np.maximum.accumulate(edges)
        new = replace(self, values=values.take(order), lows=lows, highs=highs, edges=edges, closes=closes)
        return new if new._keeps(self) else self

    def _keeps(self, before: Self) -> bool:
        """Whether what was seen before is as it was."""
        own = positions(self.values, before.values)
        return all(np.array_equal(self.steps(ends), own) for ends in (before.lows, before.highs))

    # -- back to the number ---------------------------------------------------------------------------------------

    def _ends(self, quantity: Quantity) -> tuple[Numbers, Numbers]:
        """The first and the last number in each interval that the other column can hold. Shape: (K,) twice."""
        up, down = quantity.snapped(self.edges, "up"), quantity.snapped(self.edges, "down")
        if self.closes:
            up = np.where(up == self.edges, quantity.next(up, 1), up)
        else:
            down = np.where(down == self.edges, quantity.next(down, -1), down)
        return np.concatenate([[quantity.lower], up]), np.concatenate([down, [quantity.upper]])

    def limit(self, name: str, draft: Draft) -> tuple[Numbers | None, Numbers | None]:
        """The ends of the interval of each row, for the other column. Shape: (N,) twice."""
        if name != self.source or not len(self.values):
            return None, None
        quantity, steps = draft.quantities[name], positions(self.values, draft.labels(self.name))
        first, last = self._ends(quantity)
        is_step = steps >= 0
        return np.where(is_step, first[steps], quantity.lower), np.where(is_step, last[steps], quantity.upper)

    def ends(self, name: str, quantity: Quantity) -> Numbers:
        """The first and the last number of each interval, inside of the range that was seen."""
        if name != self.source or not len(self.values):
            return super().ends(name, quantity)
        ends = np.unique(np.concatenate(self._ends(quantity)))
        return np.asarray(ends[quantity.is_inside(ends)])

    def follows_from(self, columns: Collection[str]) -> bool:
        """Whether the other column is one of these."""
        return self.source in columns

    def parts(self, name: str) -> set[str]:
        """None of the calendar."""
        return set()

    def outcome(self, labels: Mapping[str, pd.Index]) -> pd.Index:  # noqa: D102
        of = labels[self.source]
        if not len(self.values):
            return pd.Index([None] * len(of), dtype=object)
        numbers = of.to_numpy() if of.dtype == np.int64 else of.to_numpy(dtype=np.float64, na_value=np.nan)
        is_known = of.notna()
        return self.values.take(self.steps(np.where(is_known, numbers, 0))).where(is_known, None)


def _groups(numbers: Numbers, codes: Integers, n_groups: int) -> list[Numbers]:
    """The numbers of each code in ascending order. Shape: (N,) twice."""
    order = np.lexsort((numbers, codes))
    starts = np.searchsorted(codes[order], np.arange(n_groups + 1))
    return [numbers[order[start:stop]] for start, stop in pairwise(starts)]


def _extents(groups: list[Numbers]) -> tuple[Numbers, Numbers]:
    """The smallest and the largest number of each group, but for those that lie among the next. Shape: (K,) twice."""
    lows, highs = (np.array([group[end] for group in groups]) for end in (0, -1))
    for k in np.flatnonzero(highs[:-1] >= lows[1:]):
        below, above = groups[k], groups[k + 1]
        both = np.unique(np.concatenate([below, above]))
        is_wrong = len(below) - np.searchsorted(below, both, "right") + np.searchsorted(above, both, "right")
        cut = int(is_wrong.argmin())
        highs[k], lows[k + 1] = both[cut], both[min(cut + 1, len(both) - 1)]
    return lows, highs
