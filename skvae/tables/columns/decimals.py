"""Decimal numbers of Arrow, which may have more digits than floats: what they lie above the smallest."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from skvae.likelihoods import Likelihood
from skvae.messages import warn_user
from skvae.tables.bins import MAX_DECIMALS, Floats, Numbers
from skvae.tables.columns.base import Mask, check_finite, converted
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.dtypes import Dtype, Values, decimal_array, is_decimal, is_float, scale_of
from skvae.tables.columns.exact import (
    DIGITS,
    as_decimal,
    distance,
    from_units,
    is_on_step,
    n_zeros,
    nearest_step,
    to_units,
)
from skvae.tables.columns.number import NumberColumn
from skvae.tables.columns.steps import Lattice, SteppedColumn, SteppedSurvey


@dataclass(frozen=True)
class DecimalColumn(SteppedColumn):
    """A decimal number of more digits than a float holds is what it lies above the smallest.

    Attributes
    ----------
    origin, step : Decimal
        The smallest value, and the largest step that reaches all values.
    """

    origin: Decimal
    step: Decimal

    def __post_init__(self) -> None:
        if not (is_decimal(self.dtype) and self.origin.is_finite() and self.step.is_finite() and self.step > 0):
            raise ValueError(f"steps of {self.step} from {self.origin} are none of {self.dtype}")

    @classmethod
    def reads(cls, dtype: Dtype, family: Likelihood) -> bool:
        """Decimals of Arrow, for a density that has no zero of its own."""
        return is_decimal(dtype) and family.cells == "numbers" and family.scaling != "none" and not family.is_whole

    @classmethod
    def survey(cls, name: Hashable, dtype: Dtype, family: Likelihood) -> DecimalSurvey:  # type: ignore[override]  # noqa: D102
        return DecimalSurvey(name, dtype)

    @classmethod
    def on(cls, name: Hashable, dtype: Dtype, lattice: Lattice) -> DecimalColumn:
        """The column that spans a lattice."""
        scale = scale_of(dtype)
        return cls(name, dtype, from_units(lattice.lower, scale), from_units(lattice.step or 1, scale))

    def encode(self, values: pd.Series) -> Floats:
        """Floats of what values lie above the origin."""
        if not is_decimal(values.dtype):
            self._warn_of_floats(values, check_finite(self.floats(values), self.name))
        is_gap, cells = is_missing(values), np.full(len(values), np.nan)
        cells[~is_gap] = [self.above(as_decimal(value)) for value in values[~is_gap].tolist()]
        return cells

    def _warn_of_floats(self, values: pd.Series, floats: Floats) -> None:
        """Warn of floats that stand for several values of the column."""
        if is_float(values.dtype) and (np.spacing(np.abs(floats)) > float(self.step)).any():  # false for a gap
            warn_user(
                f"A float of more than {DIGITS} digits stands for several decimals, but column {self.name!r}, which "
                f"held {self.dtype} at fit, now has dtype {values.dtype}. Pass decimals of Arrow."
            )

    def above(self, value: Decimal) -> float:  # noqa: D102
        return distance(value, self.origin)

    def measured(self, cells: Floats) -> Floats:  # noqa: D102
        return float(self.origin) + cells

    def decode(self, cells: Floats) -> Values:  # noqa: D102
        known = [None if math.isnan(cell) else nearest_step(cell, self.origin, self.step) for cell in cells.tolist()]
        return decimal_array(known, self.dtype)

    def is_possible(self, values: pd.Series) -> Mask:
        """Whether each value is a whole number of steps from the origin; a gap is none. Shape: (N,)."""
        is_possible = ~is_missing(values)
        numbers = map(as_decimal, values[is_possible].tolist())
        is_possible[is_possible] = [is_on_step(number, self.origin, self.step) for number in numbers]
        return is_possible

    def precision_in_words(self, decimals: int) -> str:  # noqa: D102
        return f"numbers in steps of {self.step:f} from {self.origin:f}"

    def as_kind(self, values: pd.Series, possible: str) -> pd.Series:  # noqa: D102
        check_finite(self.floats(converted(values, "Float64", self, possible)), self.name)
        return values


class DecimalSurvey(SteppedSurvey):
    """Decimals are themselves, until one is seen that floats may not hold.

    Parameters
    ----------
    name : hashable
        Label of the column.
    dtype : ArrowDtype
        What it comes back as.
    """

    def __init__(self, name: Hashable, dtype: Dtype) -> None:
        super().__init__(name, dtype)
        self.scale = scale_of(dtype)

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        is_gap, cells = is_missing(values), np.full(len(values), np.nan)
        known = values[~is_gap].tolist()
        if known:
            first = self.join(Lattice.of([to_units(value, self.scale) for value in known]))
            cells[~is_gap] = _floats(first, known)
        return cells

    def decimals(self, of_counted: int | None) -> int | None:
        """Those that the lattice has; None where that are more than are looked for."""
        column, lattice = self.column(), self.lattice
        if lattice is None:
            return 0
        unit = lattice.step if isinstance(column, DecimalColumn) else math.gcd(lattice.lower, lattice.step)
        decimals = max(self.scale - n_zeros(unit), 0)
        return decimals if decimals <= MAX_DECIMALS else None

    def countable(self, values: pd.Series, cells: Floats) -> Numbers:
        """The cells in a form that is exact: whole numbers of Python, 0 for a gap."""
        is_gap, counted = np.isnan(cells), np.zeros(len(values), dtype=object)
        counted[~is_gap] = [to_units(value, self.scale) for value in values[~is_gap].tolist()]
        return counted

    def cells_of(self, counted: Numbers) -> Floats:  # noqa: D102
        return np.array(_floats(self.column(), list(map(self.value, counted.tolist()))))

    def column(self) -> NumberColumn:  # noqa: D102
        if self.lattice is None or _is_exact(self.lattice):
            return self.number
        return DecimalColumn.on(self.number.name, self.number.dtype, self.lattice)

    def value(self, whole: int) -> Decimal:  # noqa: D102
        return from_units(whole, self.scale)


def fit_floats(values: pd.Series) -> bool:
    """Whether floats tell all decimals of a column of Arrow's from one another."""
    known = [to_units(value, scale_of(values.dtype)) for value in values.dropna().tolist()]
    return not known or _is_exact(Lattice.of(known))


def _is_exact(lattice: Lattice) -> bool:
    """Whether floats tell all decimals of this size and precision apart."""
    zeros = n_zeros(math.gcd(lattice.lower, lattice.step))
    return len(str(max(-lattice.lower, lattice.upper))) - zeros <= DIGITS


def _floats(column: NumberColumn, values: list[Decimal]) -> list[float]:
    """The floats of a column of values without gaps."""
    return list(map(column.above if isinstance(column, DecimalColumn) else float, values))
