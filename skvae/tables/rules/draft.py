"""Rows some of whose cells may still change, by column: as exact numbers where they are such, else as labels."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from skvae.tables.columns.base import Mask
from skvae.tables.columns.category import plain
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.exact import DIGITS
from skvae.tables.rows import with_cells
from skvae.tables.rules.calendar import part_of
from skvae.tables.rules.quantities import MOMENT, NUMBER, Numbers, Quantity, is_quantity, numbers_of
from skvae.tables.rules.syntax import Term
from skvae.tables.rules.values import Value


class Draft:
    """Rows whose free cells may change.

    Parameters
    ----------
    rows : DataFrame of shape (N, D)
        Rows; the DataFrame itself stays as it is.
    quantities : dict of Quantities
        The columns that are quantities, by the names that rules give them: the text of their labels.
    is_free : ndarray of bool of shape (N, D), optional
        Cells that may change; None for all. A gap stays a gap.
    """

    def __init__(self, rows: pd.DataFrame, quantities: Mapping[str, Quantity], is_free: Mask | None = None) -> None:
        self.rows = rows
        self.quantities = quantities
        self.place = dict[str, int]()
        for j, name in enumerate(names_of(rows)):
            self.place.setdefault(name, j)  # of columns with one name, the first
        self._is_free = is_free
        self._changed = dict[int, pd.Series]()
        self._numbers = dict[str, Numbers]()
        self._labels = dict[str, pd.Index]()
        self._gaps = dict[str, Mask]()

    def __len__(self) -> int:
        return len(self.rows)

    # -- cells ----------------------------------------------------------------------------------------------------

    def column(self, name: str) -> pd.Series:
        """A column as it is now."""
        j = self.place[name]
        return self._changed[j] if j in self._changed else self.rows.iloc[:, j]

    def gaps(self, name: str) -> Mask:
        """Where a column has gaps. Shape: (N,)."""
        if name not in self._gaps:
            self._gaps[name] = is_missing(self.column(name))
        return self._gaps[name]

    def observed(self, names: Iterable[str]) -> Mask:
        """Rows in which none of some columns has a gap. Shape: (N,)."""
        mask = np.ones(len(self), dtype=bool)
        for name in names:
            mask &= ~self.gaps(name)
        return mask

    def free(self, name: str) -> Mask:
        """Cells of a column that may change. Shape: (N,)."""
        mask = np.ones(len(self), dtype=bool) if self._is_free is None else self._is_free[:, self.place[name]]
        return mask & ~self.gaps(name)

    def numbers(self, name: str) -> Numbers:
        """A quantity, 0 where there is a gap. Shape: (N,)."""
        if name not in self._numbers:
            self._numbers[name] = numbers_of(self.column(name))[0]
        return self._numbers[name]

    def labels(self, name: str) -> pd.Index:
        """The values of a column as they can be looked up; nanoseconds of times. Length N."""
        if name not in self._labels:
            quantity = self.quantities.get(name)
            is_time = quantity is not None and quantity.kind != NUMBER
            self._labels[name] = pd.Index(self.numbers(name)) if is_time else labels_of(self.column(name))
        return self._labels[name]

    def labels_of(self, term: Term) -> pd.Index:
        """The values of a term as they can be looked up. Length N."""
        return self.labels(term.column) if term.part is None else pd.Index(self.part(term.column, term.part))

    # -- as formulas read it --------------------------------------------------------------------------------------

    def value(self, name: str) -> Value:
        """A column that is a quantity.

        Raises
        ------
        ValueError
            Where it is none.
        """
        if name not in self.quantities:
            raise ValueError(f"A rule compares and adds numbers, dates and durations, but {self._why_none(name)}")
        return Value(self.numbers(name), self.quantities[name].kind)

    def _why_none(self, name: str) -> str:
        """The end of a sentence that says why a column is no quantity, and what to do."""
        dtype = self.column(name).dtype
        if is_quantity(dtype):
            why = f"of {dtype} has no value, or one that is infinite, beyond 2**62 or a decimal of over {DIGITS} digits"
        else:
            why = f"has dtype {dtype}"
        return f"column {name!r} {why}. Convert it, or write … = f({name}) for a function of its values."

    def replaced(self, name: str, numbers: Numbers) -> Draft:
        """The same rows as formulas read them with other numbers of a quantity. Shape: (N,)."""
        draft = copy.copy(self)
        draft._numbers = self._numbers | {name: numbers}
        return draft

    def part(self, name: str, part: str) -> Numbers:
        """A part of the calendar of a column of moments."""
        if self.value(name).kind != MOMENT:
            raise ValueError(
                f"{part}(…) is of a date, but column {name!r} has dtype {self.column(name).dtype}. Convert it with "
                f"pandas.to_datetime."
            )
        return part_of(self.column(name), part)

    # -- changes --------------------------------------------------------------------------------------------------

    def put(self, name: str, where: Mask, numbers: Numbers) -> None:
        """Change cells of a quantity. Shape: where (N,), numbers (n,)."""
        values = pd.Series(self.quantities[name].values_of(numbers), dtype=self.column(name).dtype)
        self._put(name, where, values)

    def put_labels(self, name: str, where: Mask, labels: pd.Index) -> None:
        """Change cells to values that ``labels`` gave. Shape: where (N,), labels (n,)."""
        quantity = self.quantities.get(name)
        if quantity is not None and quantity.kind != NUMBER:
            self.put(name, where, labels.to_numpy(dtype=np.int64))
        else:
            self._put(name, where, pd.Series(labels, dtype=labels.dtype))

    def _put(self, name: str, where: Mask, values: pd.Series) -> None:
        if where.any():
            self._changed[self.place[name]] = with_cells(self.column(name), where, values)
            self._numbers.pop(name, None)
            self._labels.pop(name, None)

    def frame(self) -> pd.DataFrame:
        """The rows with all changes."""
        if not self._changed:
            return self.rows
        frame = self.rows.copy()
        for j, column in self._changed.items():
            cells: Any = column
            frame.isetitem(j, cells)
        return frame


def labels_of(values: pd.Series) -> pd.Index:
    """Values as they can be looked up: those that categories stand for; anything where there is a gap."""
    values = plain(values)
    if not isinstance(values.dtype, pd.CategoricalDtype):
        labels: pd.Index = pd.Index(values)
        return labels
    categories: pd.Index = values.cat.categories
    if not len(categories):
        return pd.Index([None] * len(values), dtype=object)
    taken: pd.Index = categories.take(np.maximum(values.cat.codes.to_numpy(), 0))
    return taken


def names_of(rows: pd.DataFrame) -> list[str]:
    """The names that rules give to columns."""
    return list(map(str, rows.columns))
