"""Bounds: one formula is never larger than another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from skvae.tables.columns.base import Mask
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds.base import Rule, names_of_sides, sides_of_one_kind
from skvae.tables.rules.quantities import Numbers

SIGNS = ("<=", "<", ">=", ">")


@dataclass(frozen=True)
class Bound(Rule):
    """A formula that is never larger than another.

    Attributes
    ----------
    left, right : Formula
        The formulas.
    sign : {"<=", "<", ">=", ">"}
        Between them.
    """

    left: Formula
    sign: str
    right: Formula

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            raise ValueError(f"{self.sign!r} is no sign of a bound")

    @classmethod
    def read(cls, left: Formula, sign: str, right: Formula) -> Self | None:  # noqa: D102
        return cls(left, sign, right) if sign in SIGNS else None

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"

    @property
    def sides(self) -> tuple[Formula, Formula]:
        """What is smaller, and what is larger."""
        return (self.left, self.right) if "<" in self.sign else (self.right, self.left)

    @property
    def columns(self) -> tuple[str, str] | None:
        """The smaller and the larger column, where both sides are columns."""
        low, high = (side.column for side in self.sides)
        return None if low is None or high is None else (low, high)

    @property
    def is_strict(self) -> bool:
        """Whether the sides may not be equal."""
        return "=" not in self.sign

    @cached_property
    def names(self) -> list[str]:
        """Columns that it speaks of."""
        return names_of_sides((self.left, self.right))

    def broken(self, draft: Draft) -> Mask:
        """Rows in which what should be smaller is larger. Shape: (N,)."""
        low, high = sides_of_one_kind(self, self.sides, draft)
        slack = 0.0
        if any(side.column is None and side.names for side in self.sides):
            slack = sum(draft.quantities[name].slack for name in self.names)
        difference = low - high
        is_broken = ~(difference < slack) if self.is_strict and not slack else ~(difference <= slack)
        return np.broadcast_to(is_broken, len(draft)) & draft.observed(self.names)

    def limit(self, name: str, draft: Draft) -> tuple[Numbers | None, Numbers | None]:
        """The values next to the other side."""
        low, high = self.sides
        lower = upper = None
        if high.column == name and name not in low.names:
            lower = self._beyond(low, name, draft, 1)
        if low.column == name and name not in high.names:
            upper = self._beyond(high, name, draft, -1)
        return lower, upper

    def _beyond(self, side: Formula, name: str, draft: Draft, sign: int) -> Numbers:
        """The first values of a column, up or down by the sign, that keep the bound beside a side. Shape: (N,)."""
        quantity, numbers = draft.quantities[name], np.array(np.broadcast_to(side.value(draft).numbers, len(draft)))
        snapped = quantity.snapped(numbers, "up" if sign > 0 else "down")
        if not self.is_strict:
            return snapped
        return np.where(snapped == numbers, quantity.next(snapped, sign), snapped)
