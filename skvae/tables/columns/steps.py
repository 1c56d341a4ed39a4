"""Numbers of which floats hold only some: steps from an origin, whole or decimal."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import pandas as pd

from skvae.messages import warn_user
from skvae.tables.columns.base import CountedSurvey, Learned, Mask, Support
from skvae.tables.columns.dtypes import Dtype
from skvae.tables.columns.exact import EXACT
from skvae.tables.columns.number import NumberColumn


class Lattice(NamedTuple):
    """The whole numbers that some values lie on.

    Attributes
    ----------
    lower, upper : int
        Smallest and largest value.
    step : int
        The largest step that reaches all of them from the smallest; 0 of one value.
    """

    lower: int
    upper: int
    step: int

    @classmethod
    def of(cls, values: list[int]) -> Lattice:
        """The lattice of some values, one at least."""
        lower = min(values)
        return cls(lower, max(values), math.gcd(*(value - lower for value in values)))

    def joined(self, other: Lattice) -> Lattice:
        """The lattice of the values of two."""
        lower, upper = min(self.lower, other.lower), max(self.upper, other.upper)
        return Lattice(lower, upper, math.gcd(self.step, other.step, self.lower - other.lower))

    @property
    def n_steps(self) -> int:
        """Steps from the smallest to the largest value."""
        return (self.upper - self.lower) // (self.step or 1)


@dataclass(frozen=True)
class SteppedColumn(NumberColumn):
    """A number is what it lies above the smallest, and comes back on a step.

    Attributes
    ----------
    origin, step : int or Decimal
        The smallest value, and the largest step that reaches all values from there.
    """

    origin: Any
    step: Any

    is_identity: ClassVar[bool] = False
    needs_double: ClassVar[bool] = True

    @classmethod
    def owns(cls, dtype: Dtype) -> bool:
        """Numbers choose the families."""
        return False

    def accepts(self, values: pd.Series, support: Support) -> Mask:  # noqa: D102
        return self.is_possible(values) & super().accepts(values, support)

    def reason(self, values: pd.Series) -> str:
        """Whether it lies between two steps."""
        is_on_step = self.is_possible(values[:1]).all()
        return super().reason(values) if is_on_step else f"which has {self.precision_in_words(0)}"

    @property
    def holds_numbers(self) -> bool:
        """Not such that a graph of floats could read them."""
        return False

    @abstractmethod
    def above(self, value: Any) -> float:
        """The float of a value: how many units it lies above the origin."""


class SteppedSurvey(CountedSurvey):
    """Numbers are themselves, until one is seen that floats may not hold.

    Parameters
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.

    Attributes
    ----------
    lattice : Lattice or None
        That of the values so far.
    first : NumberColumn or None
        The column as it was after the first values, whose floats ``add`` gives of all.
    """

    in_steps: bool = False  # whether a float counts steps, and not the unit of the values

    def __init__(self, name: Hashable, dtype: Dtype) -> None:
        self.number = NumberColumn(name, dtype)
        self.lattice: Lattice | None = None
        self.first: NumberColumn | None = None

    def join(self, lattice: Lattice) -> NumberColumn:
        """Take note of the lattice of more values, and give the first column."""
        self.lattice = lattice if self.lattice is None else self.lattice.joined(lattice)
        self.first = self.first or self.column()
        return self.first

    @property
    def is_settled(self) -> bool:  # noqa: D102
        return self.first == self.column()

    def learned(self) -> Learned:  # noqa: D102
        column, lattice, first = self.column(), self.lattice, self.first
        if not isinstance(column, SteppedColumn) or lattice is None:
            return Learned(column)
        _warn_of_spread(lattice, column)
        unit, ends = self._unit(column), (column.above(column.origin), column.above(self.value(lattice.upper)))
        if isinstance(first, SteppedColumn):
            return Learned(column, first.above(column.origin), unit / self._unit(first), ends)
        return Learned(column, float(column.origin), float(unit), ends)

    def _unit(self, column: SteppedColumn) -> int:
        """What one float more stands for."""
        return column.step if self.in_steps else 1

    @abstractmethod
    def column(self) -> NumberColumn:
        """The column, as far as it is known."""

    @abstractmethod
    def value(self, whole: int) -> Any:
        """The value that a whole number of the lattice stands for."""


def _warn_of_spread(lattice: Lattice, column: SteppedColumn) -> None:
    """Warn of steps that are too many for floats to tell them apart."""
    if lattice.n_steps > EXACT:
        warn_user(
            f"Floats tell 2**53 steps apart, but column {column.name!r} has {lattice.n_steps:.3g} steps of "
            f"{column.step} from {column.origin}, its smallest value: values far from it are rounded. Convert codes "
            f"to strings, or round the column."
        )
