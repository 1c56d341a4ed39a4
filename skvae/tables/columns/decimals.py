"""Decimal numbers of Arrow, which may have more digits than floats: what they lie above the smallest."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from skvae.likelihoods import Likelihood
from skvae.messages import warn_user
from skvae.tables.bins import MAX_DECIMALS, Floats, Numbers
from skvae.tables.columns.base import ColumnSurvey, Learned, Mask, Support, check_finite, converted
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.dtypes import (
    DIGITS,
    EXACT,
    Dtype,
    Values,
    decimal_array,
    decimal_limits,
    exact_decimals,
    is_decimal,
    is_float,
    scale_of,
)
from skvae.tables.columns.number import NumberColumn, as_decimal


class Grid(NamedTuple):
    """The decimals that some values lie on, in units of their last digit.

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
    def of(cls, values: list[int]) -> Grid:
        """The grid of some values, one at least."""
        lower = min(values)
        return cls(lower, max(values), math.gcd(*(value - lower for value in values)))

    def joined(self, other: Grid) -> Grid:
        """The grid of the values of two."""
        lower, upper = min(self.lower, other.lower), max(self.upper, other.upper)
        return Grid(lower, upper, math.gcd(self.step, other.step, self.lower - other.lower))

    @property
    def is_exact(self) -> bool:
        """Whether floats tell all decimals of this size and precision apart."""
        zeros = _zeros(math.gcd(self.lower, self.step))
        return len(str(max(-self.lower, self.upper))) - zeros <= DIGITS


@dataclass(frozen=True)
class DecimalColumn(NumberColumn):
    """A decimal number of more digits than a float holds is what it lies above the smallest.

    Attributes
    ----------
    origin, step : Decimal
        The smallest value, and the largest step that reaches all values.
    """

    origin: Decimal
    step: Decimal

    is_identity: ClassVar[bool] = False
    needs_double: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not (is_decimal(self.dtype) and self.origin.is_finite() and self.step.is_finite() and self.step > 0):
            raise ValueError(f"steps of {self.step} from {self.origin} are none of {self.dtype}")

    @classmethod
    def owns(cls, dtype: Dtype) -> bool:
        """Numbers choose the families."""
        return False

    @classmethod
    def reads(cls, dtype: Dtype, family: Likelihood) -> bool:
        """Decimals of Arrow, for a density that has no zero of its own."""
        return is_decimal(dtype) and family.cells == "numbers" and family.scaling != "none" and not family.is_whole

    @classmethod
    def survey(cls, name: Hashable, dtype: Dtype, family: Likelihood) -> DecimalSurvey:  # type: ignore[override]  # noqa: D102
        return DecimalSurvey(name, dtype)

    @classmethod
    def on(cls, name: Hashable, dtype: Dtype, grid: Grid) -> DecimalColumn:
        """The column that spans a grid."""
        scale = scale_of(dtype)
        return cls(name, dtype, _decimal(grid.lower, scale), _decimal(grid.step or 1, scale))

    def encode(self, values: pd.Series) -> Floats:
        """Floats of what values lie above the origin."""
        if not is_decimal(values.dtype):
            self._warn_of_floats(values, check_finite(self.floats(values), self.name))
        is_gap, cells = is_missing(values), np.full(len(values), np.nan)
        known = list(map(as_decimal, values[~is_gap].tolist()))
        cells[~is_gap] = self.above(known)
        if is_decimal(values.dtype):
            self._warn_of_rounding(known, cells[~is_gap])
        return cells

    def _warn_of_floats(self, values: pd.Series, floats: Floats) -> None:
        """Warn of floats that stand for several values of the column."""
        if is_float(values.dtype) and (np.spacing(np.abs(floats)) > float(self.step)).any():  # false for a gap
            warn_user(
                f"A float of more than {DIGITS} digits stands for several decimals, but column {self.name!r}, which "
                f"held {self.dtype} at fit, now has dtype {values.dtype}. Pass decimals of Arrow."
            )

    def above(self, values: list[Decimal]) -> list[float]:
        """What values lie above the origin."""
        return [float(exact_decimals.subtract(value, self.origin)) for value in values]

    def _warn_of_rounding(self, known: list[Decimal], cells: Floats) -> None:
        """Warn of decimals that lie too far from the origin to be told from others."""
        is_large = np.abs(cells) >= EXACT * float(self.step)
        if not is_large.any():
            return
        lost = [known[i] for i in np.flatnonzero(is_large) if self._at(float(cells[i])) != known[i]]
        if lost:
            warn_user(
                f"Floats tell 2**53 steps apart, but column {self.name!r} holds {lost[0]}, which is farther from "
                f"{self.origin}, the smallest value at fit, in steps of {self.step}; {len(lost)} such cell(s) are "
                f"rounded. Round the column to the decimals that mean something, or convert codes to strings."
            )

    def measured(self, cells: Floats) -> Floats:  # noqa: D102
        return float(self.origin) + cells

    def decode(self, cells: Floats) -> Values:  # noqa: D102
        lowest, highest = (float(exact_decimals.subtract(end, self.origin)) for end in decimal_limits(self.dtype))
        known = np.clip(cells, lowest, highest).tolist()
        return decimal_array([None if math.isnan(cell) else self._at(cell) for cell in known], self.dtype)

    def _at(self, cell: float) -> Decimal:
        """The step that is next to a float, as far as the dtype reaches."""
        steps = exact_decimals.divide(Decimal(repr(cell)), self.step).to_integral_value(context=exact_decimals)
        lowest, highest = decimal_limits(self.dtype)
        value = exact_decimals.fma(steps, self.step, self.origin)
        return min(max(value, lowest), highest)

    def is_possible(self, values: pd.Series) -> Mask:
        """Whether each value is a whole number of steps from the origin; a gap is none. Shape: (N,)."""
        is_possible = ~is_missing(values)
        numbers = map(as_decimal, values[is_possible].tolist())
        is_possible[is_possible] = [self._is_on_step(number) for number in numbers]
        return is_possible

    def _is_on_step(self, number: Decimal) -> bool:
        above = exact_decimals.subtract(number, self.origin)
        return number.is_finite() and not exact_decimals.remainder(above, self.step)

    def accepts(self, values: pd.Series, support: Support) -> Mask:  # noqa: D102
        return self.is_possible(values) & super().accepts(values, support)

    def precision_in_words(self, decimals: int) -> str:  # noqa: D102
        return f"numbers in steps of {self.step:f} from {self.origin:f}"

    def reason(self, values: pd.Series) -> str:
        """Whether it lies between two steps."""
        is_on_step = self.is_possible(values[:1]).all()
        return super().reason(values) if is_on_step else f"which has {self.precision_in_words(0)}"

    def as_kind(self, values: pd.Series, possible: str) -> pd.Series:  # noqa: D102
        check_finite(self.floats(converted(values, "Float64", self, possible)), self.name)
        return values

    @property
    def holds_numbers(self) -> bool:
        """Not such that a graph of floats could read them."""
        return False


class DecimalSurvey(ColumnSurvey):
    """Decimals are themselves, until one is seen that floats may not hold.

    Parameters
    ----------
    name : hashable
        Label of the column.
    dtype : ArrowDtype
        What it comes back as.
    """

    def __init__(self, name: Hashable, dtype: Dtype) -> None:
        self.number = NumberColumn(name, dtype)
        self.scale = scale_of(dtype)
        self.first: NumberColumn | None = None
        self.grid: Grid | None = None

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        is_gap, cells = is_missing(values), np.full(len(values), np.nan)
        known = values[~is_gap].tolist()
        if known:
            grid = Grid.of([_units(value, self.scale) for value in known])
            self.grid = grid if self.grid is None else self.grid.joined(grid)
            self.first = self.first or self._column()
            cells[~is_gap] = self.first.encode(values[~is_gap])
        return cells

    @property
    def is_settled(self) -> bool:  # noqa: D102
        return self.first == self._column()

    def learned(self) -> Learned:  # noqa: D102
        column, grid = self._column(), self.grid
        if not isinstance(column, DecimalColumn) or grid is None:
            return Learned(column)
        lower, upper = column.above([_decimal(end, self.scale) for end in (grid.lower, grid.upper)])
        if isinstance(self.first, DecimalColumn):
            return Learned(column, self.first.above([column.origin])[0], ends=(lower, upper))
        return Learned(column, float(column.origin), ends=(lower, upper))

    @property
    def decimals(self) -> int | None:
        """What the floats of the codec are rounded to; None where that are more decimals than are looked for."""
        column, grid = self._column(), self.grid
        if grid is None:
            return 0
        unit = grid.step if isinstance(column, DecimalColumn) else math.gcd(grid.lower, grid.step)
        decimals = max(self.scale - _zeros(unit), 0)
        return decimals if decimals <= MAX_DECIMALS else None

    def countable(self, values: pd.Series, cells: Floats) -> Numbers:
        """The cells in a form that is exact: whole numbers of Python, 0 for a gap."""
        is_gap, counted = np.isnan(cells), np.zeros(len(values), dtype=object)
        counted[~is_gap] = [_units(value, self.scale) for value in values[~is_gap].tolist()]
        return counted

    def cells_of(self, counted: Numbers) -> Floats:
        """The codec's floats of what ``countable`` gave."""
        column, values = self._column(), [_decimal(value, self.scale) for value in counted.tolist()]
        return np.array(column.above(values) if isinstance(column, DecimalColumn) else list(map(float, values)))

    def _column(self) -> NumberColumn:
        """The column, as far as it is known."""
        if self.grid is None or self.grid.is_exact:
            return self.number
        return DecimalColumn.on(self.number.name, self.number.dtype, self.grid)


def fit_floats(values: pd.Series) -> bool:
    """Whether floats tell all decimals of a column of Arrow's from one another."""
    known = [_units(value, scale_of(values.dtype)) for value in values.dropna().tolist()]
    return not known or Grid.of(known).is_exact


def _units(value: Decimal, scale: int) -> int:
    """A decimal number in units of the last digit that its column has."""
    return int(exact_decimals.scaleb(value, scale))


def _decimal(units: int, scale: int) -> Decimal:
    """The decimal number of so many units of the last digit."""
    return exact_decimals.scaleb(Decimal(units), -scale)


def _zeros(value: int) -> int:
    """How many zeros a whole number ends with."""
    digits = str(abs(value))
    return len(digits) - len(digits.rstrip("0")) if value else 0
