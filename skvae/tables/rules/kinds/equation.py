"""Equations: two formulas are equal, and one of their columns is computed from the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from skvae.tables.columns.base import Mask
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds.base import Exact, names_of_sides, sides_of_one_kind
from skvae.tables.rules.quantities import EXACT, NUMBER, Numbers, Quantity, most_decimals

N_STEPS = 12  # of the search for a solution
N_HALVINGS = 60  # of the range in which there is one: of doubles to the last digit


@dataclass(frozen=True)
class Equation(Exact):
    """Two formulas that are equal, but for rounding to what their columns hold.

    Attributes
    ----------
    left, right : Formula
        The formulas.
    """

    left: Formula
    right: Formula

    @classmethod
    def read(cls, left: Formula, sign: str, right: Formula) -> Self | None:  # noqa: D102
        return cls(left, right) if sign in ("=", "==") else None

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"

    @cached_property
    def names(self) -> list[str]:
        """Columns that it speaks of."""
        return names_of_sides((self.left, self.right))

    @property
    def inputs(self) -> list[str]:
        """Columns of the right side."""
        return self.right.names

    def target(self, table: list[str]) -> str:
        """The left side, where that is a column; but of a sum the last of the table, which is drawn last."""
        left = self.left.column
        is_sum = self.left.is_sum and self.right.is_sum
        if left is not None and left not in self.right.names and not is_sum:
            return left
        return max(self.names, key=table.index)

    @cached_property
    def unknowns(self) -> list[str]:
        """All columns but those of which only a part of the calendar is read."""
        dates = self.left.dates + self.right.dates
        return [name for name in self.names if name not in dates]

    def differences(self, draft: Draft) -> tuple[Numbers, Numbers]:
        """Left minus right, and the larger of both without a sign. Shape: (N,) twice.

        Raises
        ------
        ValueError
            Where they are not of one kind.
        """
        left, right = sides_of_one_kind(self, (self.left, self.right), draft)
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

    def impossible(self, draft: Draft) -> Mask:
        """Rows that break it by more than the decimals of the free cells that it is computed from leave room for. (N,).

        Of sums there is no room: they have a solution with these decimals.
        """
        is_broken = self.broken(draft)
        are_numbers = all(draft.quantities[name].kind == NUMBER for name in self.names)
        if self.right.is_sum or not are_numbers or not is_broken.any():
            return is_broken
        difference, _ = self.differences(draft)
        room = self._tolerance(draft.quantities) + np.zeros(len(draft))
        for name in self.right.names:
            room += draft.free(name) * self._room_of(draft, name)
        return is_broken & ~(np.abs(difference) <= room)

    def _room_of(self, draft: Draft, name: str) -> Numbers:
        """How far the difference changes within half of a cell's last decimal. Shape: (N,)."""
        numbers, quantity = draft.numbers(name), draft.quantities[name]
        ends = (numbers + sign * quantity.rounding for sign in (-1, 1))
        low, high = (self.differences(draft.replaced(name, end))[0] for end in ends)
        return np.asarray(np.nan_to_num(np.abs(high - low) / 2))

    def _tolerance(self, quantities: Mapping[str, Quantity]) -> float:
        """Half of the last decimal of the left side, or of the finest column, and what rounding of floats leaves."""
        left = self.left.column
        decimals = most_decimals(quantities[name] for name in (self.names if left is None else [left]))
        slack = sum(quantities[name].slack for name in self.names)
        return slack if decimals is None else slack + 0.5 * 10.0**-decimals

    def solve(self, draft: Draft, name: str, where: Mask, *, inside: bool = False) -> Mask:  # noqa: D102
        numbers, quantity = self.solved(draft, name), draft.quantities[name]
        where = where & np.isfinite(numbers)
        is_beyond: Mask = where & ~quantity.is_inside(numbers)
        if is_beyond.any():
            ends = np.where(is_beyond, np.clip(numbers, quantity.lower, quantity.upper), numbers)
            is_beyond &= self.broken(draft.replaced(name, ends))  # some solutions are rounded alike
            numbers = ends if inside else np.where(is_beyond, numbers, ends)
        draft.put(name, where, numbers[where])
        return is_beyond

    def solved(self, draft: Draft, name: str) -> Numbers:
        """The values of a column for which the sides are equal; its own or something wrong where there are none. (N,).

        Where the column enters linearly they are exact; else they are looked for from its own values, and in its range.
        """
        quantity = draft.quantities[name]
        if self.left.column == name and name not in self.right.names:
            numbers = np.broadcast_to(self.right.value(draft).numbers, len(draft))
            return quantity.snapped(np.array(numbers))
        start = draft.numbers(name)
        if quantity.kind == NUMBER:
            found = self._secant(draft, name, np.zeros_like(start), np.ones_like(start))
            if np.isfinite(found).all():
                return quantity.snapped(found)
        found = self._secant(draft, name, start, start + quantity.step)
        if quantity.kind == NUMBER:
            within = self._within(draft, name, quantity)
            found = np.where(np.isnan(within), found, within)
        return quantity.snapped(np.where(np.isfinite(found), found, start))

    def _secant(self, draft: Draft, name: str, before: Numbers, now: Numbers) -> Numbers:
        """Where a line through two points is 0, again and again; of a linear formula that is exact at once.

        NaN where it does not end, or where the formula says nothing of the first point, as of the logarithm of 0.
        """
        residual, _ = self.differences(draft.replaced(name, before))
        is_lost = ~np.isfinite(residual)
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
            else:
                is_lost |= np.abs(further) > EXACT * np.abs(now)
        return np.where(is_lost, np.nan, now) if is_lost.any() else now

    def _within(self, draft: Draft, name: str, quantity: Quantity) -> Numbers:
        """The solution inside of the range of a number, by halving it; NaN where its ends say of none. Shape: (N,)."""
        low, high = np.full(len(draft), float(quantity.lower)), np.full(len(draft), float(quantity.upper))
        at_low, at_high = (np.sign(self.differences(draft.replaced(name, end))[0]) for end in (low, high))
        for _ in range(N_HALVINGS):
            middle = (low + high) / 2
            is_below = np.sign(self.differences(draft.replaced(name, middle))[0]) == at_low
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        return np.where(at_low * at_high <= 0, (low + high) / 2, np.nan)

    # -- as a table: a column that is a part of the calendar of another ---------------------------------------------

    def follows_from(self, columns: Collection[str]) -> bool:
        """Whether it says that a column is a part of the calendar of one of these."""
        part = self.right.part
        return part is not None and part.column in columns and self.left.column is not None

    def parts(self, name: str) -> set[str]:
        """Its right side, where that is a part of this column."""
        term = self.right.part
        return {term.part} if term is not None and term.part is not None and term.column == name else set()

    def outcome(self, labels: Mapping[str, pd.Index]) -> pd.Index:
        """The part of the calendar."""
        assert self.right.part is not None, "other equations are solved"
        return self.right.part.of(labels[self.right.part.column])
