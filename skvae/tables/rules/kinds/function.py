"""Functions that rows say: a column has one value for each value of one or two others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from skvae.tables.bins import Integers
from skvae.tables.columns.base import Mask
from skvae.tables.columns.category import positions
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds.base import Exact
from skvae.tables.rules.syntax import Term, quoted


@dataclass(frozen=True)
class Function(Exact):
    """A column that is a function of one or two others, or of parts of the calendar, as the rows have it.

    Attributes
    ----------
    name : str
        The column.
    terms : list of Terms
        What it is a function of.
    keys : list of pandas.Index
        For each term, its value in each entry of the function.
    values : pandas.Index
        Value of the column in each entry.
    """

    name: str
    terms: list[Term]
    keys: list[pd.Index]
    values: pd.Index

    def __post_init__(self) -> None:
        if not self.terms or [len(key) for key in self.keys] != [len(self.values)] * len(self.terms):
            raise ValueError("A function has a key for each of its values")

    @classmethod
    def of(cls, name: str, terms: list[Term]) -> Self:
        """A function of which nothing is known yet."""
        return cls(name, terms, [pd.Index([])] * len(terms), pd.Index([]))

    @classmethod
    def read(cls, left: Formula, sign: str, right: Formula) -> Self | None:  # noqa: D102
        if sign not in ("=", "==") or right.terms is None:
            return None
        if left.column is None or left.column in right.names:
            raise ValueError(
                f"A function gives one column from others, but the rule is '{left} {sign} {right}'. Write it as in "
                f"'a = f(b)'."
            )
        return cls.of(left.column, right.terms)

    def __str__(self) -> str:
        return f"{quoted(self.name)} = f({', '.join(map(str, self.terms))})"

    @cached_property
    def inputs(self) -> list[str]:
        """Columns that it follows from."""
        return list(dict.fromkeys(term.column for term in self.terms))

    @cached_property
    def names(self) -> list[str]:
        """Columns that it speaks of."""
        return [self.name, *self.inputs]

    def target(self, table: list[str]) -> str:
        """The column that is the function."""
        return self.name

    @property
    def unknowns(self) -> list[str]:
        """The column that is the function, and no other: many values may lead to one."""
        return [self.name]

    @cached_property
    def _levels(self) -> tuple[list[pd.Index], Integers, Integers]:
        """Distinct values of each term, and the entries in the order of their codes, which come first."""
        levels = [key.unique() for key in self.keys]
        codes = self._combined(levels, self.keys)
        order = np.argsort(codes)
        return levels, codes[order], order

    @cached_property
    def value_levels(self) -> pd.Index:
        """Distinct values of the column."""
        return self.values.unique()

    @cached_property
    def value_codes(self) -> Integers:
        """Which of these each entry has."""
        return positions(self.value_levels, self.values)

    @staticmethod
    def _combined(levels: list[pd.Index], keys: Sequence[pd.Index]) -> Integers:
        """One number for the values of all terms; −1 where one of them is not known. Shape: (N,)."""
        codes = np.zeros(len(keys[0]), dtype=int)
        for level, key in zip(levels, keys, strict=True):
            codes = codes_together(codes, positions(level, key), len(level))
        return codes

    def entries(self, draft: Draft) -> Integers:
        """Which entry of the function each row has; −1 for none. Shape: (N,)."""
        return self.entries_of([draft.labels_of(term) for term in self.terms])

    def entries_of(self, keys: Sequence[pd.Index]) -> Integers:
        """Which entry of the function has these values of its terms; −1 for none. Shape: (N,)."""
        levels, codes, order = self._levels
        found = self._combined(levels, keys)
        if not len(order):
            return np.full(len(found), -1)
        at = np.minimum(np.searchsorted(codes, found), len(codes) - 1)
        return np.where((codes[at] == found) & (found >= 0), order[at], -1)

    def broken(self, draft: Draft) -> Mask:
        """Rows in which the column has another value than the function. Shape: (N,)."""
        entries, own = self.entries(draft), positions(self.value_levels, draft.labels(self.name))
        is_other, is_known = np.zeros(len(draft), dtype=bool), entries >= 0
        is_other[is_known] = self.value_codes[entries[is_known]] != own[is_known]
        return is_other & draft.observed(self.names)

    def unknown(self, draft: Draft) -> Mask:
        """Rows of which the function says nothing, though none of their cells is a gap. Shape: (N,)."""
        return (self.entries(draft) < 0) & draft.observed(self.names)

    def learned(self, draft: Draft) -> Self:
        """The function with entries for rows that it said nothing of; those that break it are not looked at."""
        is_new = self.unknown(draft)
        keys = [draft.labels_of(term)[is_new] for term in self.terms]
        new = pd.DataFrame(dict(enumerate([*keys, draft.labels(self.name)[is_new]])))
        new = new.drop_duplicates(subset=list(range(len(keys))))
        columns = [appended(old, pd.Index(new[i])) for i, old in enumerate([*self.keys, self.values])]
        return replace(self, keys=columns[:-1], values=columns[-1])

    def solve(self, draft: Draft, name: str, where: Mask, *, inside: bool = False) -> Mask:  # noqa: D102
        entries = self.entries(draft)
        where = where & (entries >= 0)
        draft.put_labels(name, where, self.values.take(entries[where]))
        return np.zeros(len(draft), dtype=bool)  # what was seen is in the range

    # -- as a table -----------------------------------------------------------------------------------------------

    def follows_from(self, columns: Collection[str]) -> bool:
        """Whether these are all that it is a function of."""
        return set(self.inputs) <= set(columns)

    def parts(self, name: str) -> set[str]:
        """Those of its terms."""
        return {term.part for term in self.terms if term.column == name and term.part is not None}

    def outcome(self, labels: Mapping[str, pd.Index]) -> pd.Index:  # noqa: D102
        entries = self.entries_of([term.of(labels[term.column]) for term in self.terms])
        values = self.values if len(self.values) else pd.Index([None])  # one place, of which nothing is taken
        return values.take(entries).where(entries >= 0, None)

    def seen(self, name: str) -> list[pd.Index]:  # noqa: D102
        return [key for key, term in zip(self.keys, self.terms, strict=True) if term == Term(name)]

    def combinations(self) -> list[tuple[str, pd.Index]]:
        """The entries of a function of two columns; its values come last."""
        if len(self.inputs) < 2 or any(term.part is not None for term in self.terms):
            return []
        return [*zip(self.inputs, self.keys, strict=True), (self.name, self.values)]


def codes_together(codes: Integers, others: Integers, n_others: int) -> Integers:
    """One number for two codes, of which −1 is none; −1 where one of them is. Shape: (N,) each."""
    return np.where((codes >= 0) & (others >= 0), codes * n_others + others, -1)


def appended(old: pd.Index, new: pd.Index) -> pd.Index:
    """Both, one after the other."""
    return new.rename(None) if not len(old) else old.append(new).rename(None)
