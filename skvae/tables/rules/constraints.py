"""Rules of a row: equations, bounds, and functions that are learned of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from skvae.tables.bins import Integers
from skvae.tables.columns.base import Mask
from skvae.tables.columns.category import positions
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.expressions import Expression, Split, part_in, quoted
from skvae.tables.rules.quantities import EXACT, Numbers, Quantity, most_decimals

Quantities = Mapping[str, Quantity]

AS_IN = "Write it as in 'end >= start' or 'total = a + b'."
N_STEPS = 12  # of the search for a solution


@dataclass(frozen=True)
class Equation:
    """Two formulas that are equal, but for rounding to what their columns hold.

    Attributes
    ----------
    left, right : str
        The formulas.
    """

    left: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"

    @cached_property
    def sides(self) -> tuple[Expression, Expression]:
        """The formulas, read."""
        return Expression(self.left), Expression(self.right)

    @cached_property
    def names(self) -> list[str]:
        """Columns that it speaks of."""
        return _names_in(self.sides)

    @property
    def part(self) -> tuple[str, str] | None:
        """The column and the part of its calendar that the left side equals, if the right side is one."""
        return self.sides[1].part

    def target(self, order: list[str]) -> str:
        """The column that is computed from the others: the left side, or of a sum the last, which is drawn last."""
        left = self.sides[0].column
        is_sum = self.sides[0].is_sum and self.sides[1].is_sum
        if left is not None and left not in self.sides[1].names and not is_sum:
            return left
        return max(self.names, key=order.index)

    def differences(self, rows: Draft) -> tuple[Numbers, Numbers]:
        """Left minus right, and the larger of both without a sign. Shape: (N,) twice.

        Raises
        ------
        ValueError
            Where they are not of one kind.
        """
        left, right = _of_one_kind(self, rows)
        with np.errstate(all="ignore"):
            return left - right, np.maximum(np.abs(left), np.abs(right))

    def broken(self, draft: Draft) -> Mask:
        """Rows in which the sides differ by more than is rounded off. Shape: (N,)."""
        difference, size = self.differences(draft)
        tolerance: Any = self._tolerance(draft.quantities)
        if difference.dtype.kind == "f":
            tolerance = tolerance + EXACT * size
        is_broken = ~(np.abs(difference) <= tolerance)
        return np.broadcast_to(is_broken, len(draft)) & draft.observed(self.names)

    def _tolerance(self, quantities: Quantities) -> float:
        """Half of the last decimal of the left side, or of the finest column, and what rounding of floats leaves."""
        left = self.sides[0].column
        decimals = most_decimals(quantities[name] for name in (self.names if left is None else [left]))
        slack = sum(quantities[name].slack for name in self.names)
        return slack if decimals is None else slack + 0.5 * 10.0**-decimals

    def solved(self, draft: Draft, name: str) -> Numbers:
        """The values of a column for which the sides are equal; NaN or something wrong where there are none. (N,)."""
        quantity = draft.quantities[name]
        left, right = self.sides
        if left.column == name and name not in right.names:
            numbers = np.broadcast_to(right.value(draft).numbers, len(draft))
            return quantity.snapped(np.array(numbers))
        start = draft.numbers(name)
        if quantity.kind == "number":
            found = self._secant(draft, name, np.zeros_like(start), np.ones_like(start))
            if np.isfinite(found).all():
                return quantity.snapped(found)
        return quantity.snapped(self._secant(draft, name, start, start + quantity.step))

    def _secant(self, draft: Draft, name: str, before: Numbers, now: Numbers) -> Numbers:
        """Where a line through two points is 0, again and again; of a linear formula that is exact at once."""
        residual, _ = self.differences(draft.replaced(name, before))
        with np.errstate(all="ignore"):
            for _ in range(N_STEPS):
                residual_now, _ = self.differences(draft.replaced(name, now))
                slope, step = residual_now - residual, now - before
                if slope.dtype.kind == "i" and (np.abs(slope) == np.abs(step)).all():
                    return np.asarray(now - residual_now * (np.sign(slope) * np.sign(step)))  # in whole numbers
                further = np.where(slope == 0, 0.0, residual_now * (step / np.where(slope == 0, 1, slope)))
                if not (np.abs(further) > 0).any():
                    break
                before, now, residual = now, now - further, residual_now
        return now


@dataclass(frozen=True)
class Bound:
    """A formula that is never larger than another.

    Attributes
    ----------
    left, right : str
        The formulas.
    sign : {"<=", "<", ">=", ">"}
        Between them.
    """

    left: str
    sign: str
    right: str

    def __post_init__(self) -> None:
        if self.sign not in ("<=", "<", ">=", ">"):
            raise ValueError(f"{self.sign!r} is no sign of a bound")

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"

    @cached_property
    def sides(self) -> tuple[Expression, Expression]:
        """What is smaller, and what is larger."""
        sides = Expression(self.left), Expression(self.right)
        return sides if "<" in self.sign else sides[::-1]

    @property
    def is_strict(self) -> bool:
        """Whether the sides may not be equal."""
        return "=" not in self.sign

    @cached_property
    def names(self) -> list[str]:
        """Columns that it speaks of."""
        return _names_in(self.sides)

    def broken(self, draft: Draft) -> Mask:
        """Rows in which what should be smaller is larger. Shape: (N,)."""
        low, high = _of_one_kind(self, draft)
        slack = 0.0
        if any(side.column is None and side.names for side in self.sides):
            slack = sum(draft.quantities[name].slack for name in self.names)
        difference = low - high
        is_broken = ~(difference < slack) if self.is_strict and not slack else ~(difference <= slack)
        return np.broadcast_to(is_broken, len(draft)) & draft.observed(self.names)

    def limit(self, name: str, draft: Draft) -> tuple[Numbers | None, Numbers | None]:
        """The smallest and the largest values that a column may have, as it can hold them; None for no limit. (N,)."""
        low, high = self.sides
        lower = upper = None
        if high.column == name and name not in low.names:
            lower = self._beyond(low, name, draft, 1)
        if low.column == name and name not in high.names:
            upper = self._beyond(high, name, draft, -1)
        return lower, upper

    def _beyond(self, side: Expression, name: str, draft: Draft, sign: int) -> Numbers:
        """The first values of a column, up or down by the sign, that keep the bound beside a side. Shape: (N,)."""
        quantity, numbers = draft.quantities[name], np.array(np.broadcast_to(side.value(draft).numbers, len(draft)))
        snapped = quantity.snapped(numbers, "up" if sign > 0 else "down")
        if not self.is_strict:
            return snapped
        return np.where(snapped == numbers, quantity.next(snapped, sign), snapped)


def _of_one_kind(rule: Equation | Bound, rows: Draft) -> tuple[Numbers, Numbers]:
    """The numbers of both sides of a rule. Shape: (N,) twice.

    Raises
    ------
    ValueError
        Where one is a moment, say, and the other is none.
    """
    one, other = (side.value(rows) for side in rule.sides)
    if one.kind != other.kind:
        raise ValueError(
            f"The sides of a rule must be of one kind, but those of {str(rule)!r} are a {one.kind} and a "
            f"{other.kind}. Count durations with days(…), hours(…), minutes(…) or seconds(…)."
        )
    return one.numbers, other.numbers


def _names_in(sides: tuple[Expression, Expression]) -> list[str]:
    """Columns of both sides, in the order in which they occur first."""
    return list(dict.fromkeys(sides[0].names + sides[1].names))


@dataclass(frozen=True)
class Function:
    """A column that is a function of one or two others, or of parts of the calendar, as the rows have it.

    Attributes
    ----------
    name : str
        The column.
    terms : list of str
        What it is a function of.
    keys : list of pandas.Index
        For each term, its value in each entry of the function.
    values : pandas.Index
        Value of the column in each entry.
    """

    name: str
    terms: list[str]
    keys: list[pd.Index]
    values: pd.Index

    def __post_init__(self) -> None:
        if not self.terms or [len(key) for key in self.keys] != [len(self.values)] * len(self.terms):
            raise ValueError("A function has a key for each of its values")

    def __str__(self) -> str:
        return f"{quoted(self.name)} = f({', '.join(self.terms)})"

    @cached_property
    def inputs(self) -> list[str]:
        """Columns that it follows from."""
        return list(dict.fromkeys(part_in(term)[0] for term in self.terms))

    @cached_property
    def names(self) -> list[str]:
        """Columns that it speaks of."""
        return [self.name, *self.inputs]

    def target(self, order: list[str]) -> str:
        """The column that follows from the others."""
        return self.name

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
        return self.entries_of([term_of(draft, term) for term in self.terms])

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
        entries = self.entries(draft)
        own = positions(self.value_levels, draft.labels(self.name))
        is_other: Mask = (entries >= 0) & (self.value_codes[entries] != own)
        return is_other & draft.observed(self.names)

    def unknown(self, draft: Draft) -> Mask:
        """Rows of which the function says nothing, though none of their cells is a gap. Shape: (N,)."""
        return (self.entries(draft) < 0) & draft.observed(self.names)

    def learned(self, draft: Draft) -> Self:
        """The function with entries for rows that it said nothing of; those that break it are not looked at."""
        is_new = self.unknown(draft)
        keys = [term_of(draft, term)[is_new] for term in self.terms]
        new = pd.DataFrame(dict(enumerate([*keys, draft.labels(self.name)[is_new]])))
        new = new.drop_duplicates(subset=list(range(len(keys))))
        columns = [_appended(old, pd.Index(new[i])) for i, old in enumerate([*self.keys, self.values])]
        return replace(self, keys=columns[:-1], values=columns[-1])


Rule = Equation | Bound | Function


def codes_together(codes: Integers, others: Integers, n_others: int) -> Integers:
    """One number for two codes, of which −1 is none; −1 where one of them is. Shape: (N,) each."""
    return np.where((codes >= 0) & (others >= 0), codes * n_others + others, -1)


def term_of(draft: Draft, term: str) -> pd.Index:
    """Values of a term of f(…) in each row. Length N."""
    name, part = part_in(term)
    return draft.labels(name) if part is None else pd.Index(draft.part(name, part))


def _appended(old: pd.Index, new: pd.Index) -> pd.Index:
    return new.rename(None) if not len(old) else old.append(new).rename(None)


def read_rules(text: str) -> list[Rule]:
    """The rules that a text states: one for each sign.

    Raises
    ------
    ValueError
        Where it is none.

    Examples
    --------
    >>> list(map(str, read_rules("low <= mean <= high")))
    ['low <= mean', 'mean <= high']
    >>> read_rules("total = price * quantity")
    [Equation(left='total', right='price * quantity')]
    """
    sides, signs = Split.of(text)
    if not signs or "~" in signs:
        raise ValueError(
            f"A rule has one of the signs =, <=, <, >=, >, but {text!r} has "
            f"{'~, which claims nothing' if signs else 'none'}. {AS_IN}"
        )
    _check_sides(sides, text)
    rules = list[Rule]()
    for left, sign, right in zip(sides, signs, sides[1:], strict=False):
        if sign in ("=", "=="):
            rules.append(_equation(left, right, text))
        else:
            rules.append(Bound(left, sign, right))
    for rule in rules:
        if not rule.names:
            raise ValueError(f"A rule speaks of columns, but {text!r} names none. {AS_IN}")
    return rules


def _check_sides(sides: list[str], text: str) -> None:
    """Refuse a rule of which a side is no formula."""
    if not all(sides):
        raise ValueError(
            f"A rule has a formula before and after each of its signs, but {text!r} has a sign with nothing on one "
            f"side. Its signs are =, <=, <, >= and >. {AS_IN}"
        )
    for side in sides:
        try:
            Expression(side)
        except ValueError as error:
            raise ValueError(f"The rule {text!r} cannot be read. {error} An example is 'total = a + b'.") from error


def _equation(left: str, right: str, text: str) -> Rule:
    terms = Expression(right).terms
    if terms is None:
        return Equation(left, right)
    name = Expression(left).column
    if name is None or name in [part_in(term)[0] for term in terms]:
        raise ValueError(
            f"A function gives one column from others, but the rule is {text!r}. Write it as in 'a = f(b)'."
        )
    return Function(name, terms, [pd.Index([])] * len(terms), pd.Index([]))
