"""Extremes: a column is the largest, or the smallest, of some others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from skvae.tables.columns.base import Mask
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds.base import Free
from skvae.tables.rules.kinds.equation import Equation
from skvae.tables.rules.quantities import FAR, Numbers


@dataclass(frozen=True)
class Extreme(Equation):
    """A column that is the largest, or the smallest, of some others.

    It is no equation to solve for one of these: which of them is the largest is not known. They are moved within the
    column, and the nearest of them to it.
    """

    @classmethod
    def read(cls, left: Formula, sign: str, right: Formula) -> Self | None:  # noqa: D102
        is_one = right.extreme is not None and left.column is not None and left.column not in right.names
        return cls(left, right) if sign in ("=", "==") and is_one else None

    @property
    def name(self) -> str:
        """The column."""
        return self.left.names[0]

    @cached_property
    def unknowns(self) -> list[str]:
        """The column itself."""
        return [self.name]

    def limit(self, name: str, draft: Draft) -> tuple[Numbers | None, Numbers | None]:
        """The column itself, beyond which no other is. Shape: (N,)."""
        if name == self.name:
            return None, None
        whole, quantity, is_max = draft.numbers(self.name), draft.quantities[name], self.right.extreme == "max"
        return (None, quantity.snapped(whole, "down")) if is_max else (quantity.snapped(whole, "up"), None)

    def reach(self, draft: Draft, free: Free) -> Mask:
        """Move the nearest of the others to the column, where that is known, rather one that had such values. (N,)."""
        broken, moved = self.broken(draft) & ~free[self.name], np.zeros(len(draft), dtype=bool)
        whole, quantities = draft.numbers(self.name), [draft.quantities[name] for name in self.inputs]
        is_free = np.column_stack([free[name] for name in self.inputs])
        is_inside = np.column_stack([quantity.is_inside(whole) for quantity in quantities])
        numbers = np.column_stack([draft.numbers(name) for name in self.inputs])
        distances = np.abs(numbers - whole[:, None]).astype(float)
        nearest = np.where(is_free, np.where(is_inside, distances, distances + FAR), np.inf).argmin(axis=1)
        for j, name in enumerate(self.inputs):
            rows = broken & is_free[:, j] & (nearest == j)
            draft.put(name, rows, quantities[j].snapped(whole[rows]))
            moved |= rows
        return moved
