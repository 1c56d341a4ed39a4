"""Whole numbers of 64 bits, of which floats hold only some."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.likelihoods import Likelihood
from skvae.messages import warn_user
from skvae.tables.bins import Floats, Numbers
from skvae.tables.columns.base import Mask, Support, check_finite, converted
from skvae.tables.columns.cells import in_words, is_missing
from skvae.tables.columns.dtypes import Dtype, Values, integer_type, is_float, is_wide, with_gaps
from skvae.tables.columns.exact import EXACT, exactly
from skvae.tables.columns.number import NumberColumn
from skvae.tables.columns.steps import Lattice, SteppedColumn, SteppedSurvey

Wide = NDArray[np.int64] | NDArray[np.uint64]

FEW = 1000  # values, of which a step of 1 is often known


def lattice_of(values: Wide) -> Lattice:
    """The lattice of some values, one at least."""
    lower = int(values.min())
    step = int(np.gcd.reduce(distances(values[:FEW], lower)))
    if step != 1:
        step = int(np.gcd.reduce(distances(values, lower)))
    return Lattice(lower, int(values.max()), step)


def distances(values: Wide, lower: int) -> NDArray[np.uint64]:
    """How far values lie above a number that is no larger than any of them: no signed number may hold it."""
    return values.view(np.uint64) - np.uint64(lower % 2**64)


@dataclass(frozen=True)
class WholeColumn(SteppedColumn):
    """A whole number of 64 bits is what it lies above the smallest, in units of a step or of 1.

    Attributes
    ----------
    origin, step : int
        The smallest value, and the largest step that reaches all values.
    unit : int
        What one float more stands for: the step where the family has probabilities, 1 where it has a density.
    """

    origin: int
    step: int
    unit: int

    def __post_init__(self) -> None:
        limits = np.iinfo(integer_type(self.dtype))
        if not (limits.min <= self.origin <= limits.max and self.step >= 1 and self.unit in (1, self.step)):
            raise ValueError(
                f"steps of {self.step} from {self.origin} in units of {self.unit} are none of {self.dtype}"
            )

    @classmethod
    def reads(cls, dtype: Dtype, family: Likelihood) -> bool:
        """Columns of 64 bits, for a family that has no zero of its own."""
        return is_wide(dtype) and family.cells == "numbers" and family.scaling != "none"

    @classmethod
    def survey(cls, name: Hashable, dtype: Dtype, family: Likelihood) -> WholeSurvey:  # type: ignore[override]  # noqa: D102
        return WholeSurvey(name, dtype, in_steps=family.is_whole)

    @classmethod
    def on(cls, name: Hashable, dtype: Dtype, lattice: Lattice, *, in_steps: bool) -> WholeColumn:
        """The column that spans a lattice."""
        step = lattice.step or 1
        return cls(name, dtype, lattice.lower, step, step if in_steps else 1)

    def encode(self, values: pd.Series) -> Floats:
        """Units from the origin; where units are steps, whole numbers between them are the nearest step."""
        if is_wide(values.dtype) and integer_type(values.dtype) == integer_type(self.dtype):
            integers, is_gap = integers_of(values)
            cells = self.units(np.where(is_gap, integers.dtype.type(self.origin), integers))
        else:
            check_finite(self.floats(values), self.name)
            warn_of_floats(values, self.name, self.dtype)
            is_gap, cells = is_missing(values), np.full(len(values), np.nan)
            cells[~is_gap] = [self.above(exactly(value)) for value in values[~is_gap].tolist()]
        return np.where(is_gap, np.nan, cells)

    def units(self, integers: Wide) -> Floats:
        """Units from the origin, of integers of the column's own dtype."""
        is_above = integers >= self.origin
        above, below = distances(integers, self.origin), -distances(integers, self.origin)
        whole, rest = np.divmod(np.where(is_above, above, below), np.uint64(self.unit))
        cells = whole + np.rint(rest / float(self.unit))
        return np.asarray(np.where(is_above, cells, -cells))

    def above(self, value: int | Decimal) -> float:  # noqa: D102
        if isinstance(value, int):
            return float(round((value - self.origin) / self.unit))
        return float((value - self.origin) / self.unit)

    def measured(self, cells: Floats) -> Floats:  # noqa: D102
        return self.origin + self.amounts(cells)

    def decode(self, cells: Floats) -> Values:  # noqa: D102
        is_gap = np.isnan(cells)
        whole = self._wholes(np.where(is_gap, 0.0, cells))
        return with_gaps(np.array(whole, dtype=integer_type(self.dtype)), is_gap, self.dtype)

    def amounts(self, cells: Floats) -> Floats:
        """Whole numbers above the smallest. Shape: kept."""
        return cells * float(self.unit)

    def _wholes(self, cells: Floats) -> list[int]:
        """The whole numbers next to some floats, on a step and as far as the dtype reaches."""
        limits = np.iinfo(integer_type(self.dtype))
        lowest, highest = -((self.origin - limits.min) // self.step), (limits.max - self.origin) // self.step
        steps = cells / float(self.step // self.unit)
        return [self.origin + min(max(round(at), lowest), highest) * self.step for at in steps.tolist()]

    def is_possible(self, values: pd.Series) -> Mask:
        """Whether each value is a whole number of steps from the origin; a gap is none. Shape: (N,)."""
        is_possible = ~is_missing(values)
        numbers = map(exactly, values[is_possible].tolist())
        is_possible[is_possible] = [isinstance(it, int) and (it - self.origin) % self.step == 0 for it in numbers]
        return is_possible

    def possible_values(self, support: Support) -> str:  # noqa: D102
        if not support.family.is_whole:
            return f"one of the {self.precision_in_words(0)}"
        first, last = self.in_words(np.array([support.lower, support.upper]))
        steps = "" if self.step == 1 else f" in steps of {self.step}"
        return f"a whole number from {first} to {last}{steps}"

    def precision_in_words(self, decimals: int) -> str:  # noqa: D102
        return f"whole numbers in steps of {self.step} from {self.origin}"

    def as_kind(self, values: pd.Series, possible: str) -> pd.Series:  # noqa: D102
        if pd.api.types.is_integer_dtype(values.dtype):
            return values
        check_finite(self.floats(converted(values, "Float64", self, possible)), self.name)
        warn_of_floats(values, self.name, self.dtype)
        return pd.Series([exactly(value) for value in values.tolist()], values.index, dtype=object)


class WholeSurvey(SteppedSurvey):
    """Whole numbers of 64 bits are themselves, until one is seen that floats may not hold.

    Parameters
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    in_steps : bool
        Whether the family has probabilities, those of steps, and no density.
    """

    def __init__(self, name: Hashable, dtype: Dtype, *, in_steps: bool) -> None:
        super().__init__(name, dtype)
        self.in_steps = in_steps

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        integers, is_gap = integers_of(values)
        known = integers[~is_gap]
        if not len(known):
            return np.full(len(values), np.nan)
        first = self.join(lattice_of(known))
        cells = first.units(integers) if isinstance(first, WholeColumn) else integers.astype(np.float64)
        return np.where(is_gap, np.nan, cells)

    def countable(self, values: pd.Series, cells: Floats) -> Numbers:  # noqa: D102
        return integers_of(values)[0]

    def cells_of(self, counted: Numbers) -> Floats:  # noqa: D102
        column = self.column()
        if isinstance(column, WholeColumn):
            return column.units(counted.astype(integer_type(column.dtype), copy=False))
        return counted.astype(np.float64)

    def column(self) -> NumberColumn:  # noqa: D102
        lattice, number = self.lattice, self.number
        if lattice is None or max(-lattice.lower, lattice.upper) <= EXACT:
            return number
        return WholeColumn.on(number.name, number.dtype, lattice, in_steps=self.in_steps)

    def value(self, whole: int) -> int:  # noqa: D102
        return whole


def integers_of(values: pd.Series) -> tuple[Wide, Mask]:
    """Whole numbers of 64 bits, 0 for a gap, and where there is one."""
    na_value: Any = 0
    integers = values.to_numpy(dtype=integer_type(values.dtype), na_value=na_value)
    return integers, is_missing(values)


def warn_of_floats(values: pd.Series, name: Hashable, dtype: Dtype) -> None:
    """Warn of floats that stand for several whole numbers."""
    if not is_float(values.dtype):
        return
    floats = np.abs(values.to_numpy(dtype=np.float64, na_value=np.nan))
    is_large = floats >= EXACT  # false for a gap
    if is_large.any():
        warn_user(
            f"A float beyond 2**53 stands for several whole numbers, but column {name!r}, which held {dtype} at fit, "
            f"now has dtype {values.dtype} and holds {in_words(values[is_large])}. Pass whole numbers: dtype Int64 may "
            f"have gaps."
        )
