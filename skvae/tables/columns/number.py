"""Numbers, which are themselves."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from torch import Tensor

from skvae.likelihoods import Histogram, Likelihood, NormalScores
from skvae.messages import warn_user
from skvae.tables.bins import Floats, Numbers
from skvae.tables.columns.base import (
    UNREADABLE,
    Column,
    CountedSurvey,
    Mask,
    SettledSurvey,
    Support,
    check_finite,
    converted,
)
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.dtypes import (
    Dtype,
    Values,
    cast,
    is_bool,
    is_decimal,
    is_number,
    is_time,
    is_whole,
    is_wide,
    numpy_float,
)
from skvae.tables.columns.exact import DIGITS, EXACT, as_decimal, as_written

NO_NUMBERS = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "period", "complex")  # pandas' words


@dataclass(frozen=True)
class NumberColumn(Column):
    """Numbers are themselves."""

    is_identity: ClassVar[bool] = True
    reads_nearest: ClassVar[bool] = True

    @classmethod
    def owns(cls, dtype: Dtype) -> bool:  # noqa: D102
        return is_number(dtype)

    @classmethod
    def auto_family(cls, dtype: Dtype, *, histograms: bool) -> Likelihood:
        """Levels with a location, or with a frequency each, for synthesis."""
        return Histogram() if histograms else NormalScores()

    @classmethod
    def reads(cls, dtype: Dtype, family: Likelihood) -> bool:  # noqa: D102
        return family.cells in ("numbers", "bits")

    @classmethod
    def survey(cls, name: Hashable, dtype: Dtype, family: Likelihood) -> NumberSurvey:  # noqa: D102
        return NumberSurvey(cls(name, dtype))

    def encode(self, values: pd.Series) -> Floats:  # noqa: D102
        cells = self.floats(values)
        if is_wide(values.dtype) or is_decimal(values.dtype) or values.dtype == object:
            warn_of_rounding(values, cells)
        return cells

    def floats(self, values: pd.Series) -> Floats:
        """The floats next to numbers of any type.

        Raises
        ------
        ValueError
            Where they are no numbers.
        """
        try:
            if not _may_be_numbers(values):
                if is_missing(values).all():  # a column of NaT says nothing of a type
                    return np.full(len(values), np.nan)
                raise TypeError("these are no real numbers")
            return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
        except UNREADABLE as error:
            raise ValueError(
                f"Column {self.name!r} held numbers at fit, but now has dtype {values.dtype} ({error}). "
                f"Convert it to {self.dtype}."
            ) from error

    def measured(self, cells: Floats) -> Floats:
        """Cells in the unit that columns of their kind share."""
        return cells

    @property
    def shared_unit(self) -> str:
        """What the numbers of ``measured`` count."""
        return "number"

    def decode(self, cells: Floats) -> Values:  # noqa: D102
        return cast(cells, self.dtype)

    def accepts(self, values: pd.Series, support: Support) -> Mask:  # noqa: D102
        covered = support.covers(check_finite(self.encode(values), self.name))
        return covered & self._is_own(values)

    def _is_own(self, values: pd.Series) -> Mask:
        """Whether each value is one of the column's dtype, or next to one. Shape: (N,)."""
        if is_bool(self.dtype):
            return np.ones(len(values), dtype=bool)
        try:
            with np.errstate(all="ignore"):  # another value is none of this dtype, and no reason to warn
                own = self.floats(self.as_cells(values))
        except UNREADABLE:
            if len(values) == 1:
                return np.zeros(1, dtype=bool)
            return np.concatenate([self._is_own(values[i : i + 1]) for i in range(len(values))])
        width = np.finfo(numpy_float(self.dtype))
        return np.isclose(own, self.floats(values), rtol=float(width.eps), atol=float(width.tiny))

    def as_cells(self, values: pd.Series) -> pd.Series:  # noqa: D102
        if is_decimal(self.dtype):
            decimals: list[Any] = list(map(as_decimal, values.tolist()))
            values = pd.Series(decimals, values.index, dtype=object)
        return super().as_cells(values)

    def possible_values(self, support: Support) -> str:  # noqa: D102
        if is_bool(self.dtype):
            return "True or False"
        is_limited = not support.family.is_whole and self.dtype != np.float64
        return f"{support.in_words()} that {self.dtype} has" if is_limited else support.in_words()

    def reason(self, values: pd.Series) -> str:
        """Whether it is the dtype that differs."""
        if self._is_own(values[:1]).all():
            return super().reason(values)
        is_fraction = is_whole(self.dtype) and self.floats(values[:1])[0] % 1
        return f"which has {self.precision_in_words(0) if is_fraction else f'values of {self.dtype}'}"

    def as_kind(self, values: pd.Series, possible: str) -> pd.Series:  # noqa: D102
        if is_bool(self.dtype):
            return super().as_kind(values, possible)
        if pd.api.types.is_integer_dtype(values.dtype):
            return values  # which floats may not hold
        numbers = converted(values, "Float64", self, possible)
        return values if is_decimal(self.dtype) else numbers

    def in_words(self, cells: Floats) -> list[str]:
        """Values of floats, as text."""
        return [f"{value:.6g}" if isinstance(value, float) else str(value) for value in self.decode(cells)]

    def precision_in_words(self, decimals: int) -> str:
        """What values of so many decimals have."""
        return {0: "whole numbers", 1: "one decimal", 2: "two decimals"}.get(decimals, f"{decimals} decimals")

    @property
    def holds_numbers(self) -> bool:  # noqa: D102
        return True

    def encode_tensor(self, values: Tensor) -> Tensor:  # noqa: D102
        return values

    def decode_tensor(self, cells: Tensor) -> Tensor:  # noqa: D102
        return cells


class NumberSurvey(SettledSurvey, CountedSurvey):
    """Numbers are themselves, and nothing is to be learned of them.

    Parameters
    ----------
    column : NumberColumn
        The codec.
    """

    def countable(self, values: pd.Series, cells: Floats) -> Numbers:
        """The cells in a form that is exact, and in their own width."""
        return cells.astype(numpy_float(self.column.dtype), copy=False)

    def cells_of(self, counted: Numbers) -> Floats:  # noqa: D102
        return np.asarray(counted, dtype=np.float64)


def _may_be_numbers(values: pd.Series) -> bool:
    """Whether values are no moments, durations or complex numbers, of which NumPy would make floats."""
    if values.dtype == object:
        return pd.api.types.infer_dtype(values, skipna=True) not in NO_NUMBERS
    return not is_time(values.dtype) and not pd.api.types.is_complex_dtype(values.dtype)


def warn_of_rounding(values: pd.Series, cells: Floats) -> None:
    """Warn of whole numbers and decimals that floats do not hold."""
    kind: type[Decimal | int]
    read: Callable[[float], Decimal | int]
    if is_decimal(values.dtype):
        rule, kind, read, may_be_lost = f"Decimals of more than {DIGITS} digits", Decimal, as_written, ~np.isnan(cells)
    else:  # false for a gap
        rule, kind, read, may_be_lost = "Whole numbers beyond 2**53", int, int, np.abs(cells) >= EXACT
    pairs = zip(values[may_be_lost].tolist(), cells[may_be_lost].tolist(), strict=True)
    lost = [value for value, cell in pairs if isinstance(value, kind) and value != read(cell)]
    if lost:
        warn_user(
            f"{rule} are read as floats, which hold only some of them, but column {values.name!r} holds {lost[0]}; "
            f"{len(lost)} such cell(s) are rounded. Subtract the smallest value, or convert codes to strings."
        )
