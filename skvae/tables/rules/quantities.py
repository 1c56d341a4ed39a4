"""Columns whose values can be compared, added and rounded: numbers, moments and durations, each in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.bins import MAX_DECIMALS, common_decimals
from skvae.tables.columns.base import Mask
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.decimals import fit_floats
from skvae.tables.columns.dtypes import (
    Dtype,
    Values,
    cast,
    integer_type,
    is_decimal,
    is_number,
    is_time,
    is_whole,
    numpy_float,
    pandas_array,
)
from skvae.tables.columns.time import TimeColumn, zone_of
from skvae.tables.columns.zones import Zone, are_days, moments_of, shown_by_clocks

Numbers = NDArray[Any]  # int64 or float64

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # of a tick
FAR = 2**62  # from here on, a sum of two whole numbers may not fit into 64 bits
EXACT = 1e-9  # relative difference of numbers that are equal, but for rounding in their last digits
EXACT_OF_NARROW = 1e-6  # the same of float32

Kind = Literal["number", "moment", "duration"]  # what can be added to what, and what is compared with what
NUMBER: Kind = "number"
MOMENT: Kind = "moment"
DURATION: Kind = "duration"


@dataclass(frozen=True)
class Quantity:
    """What is known of the values of a column that can be compared: exact numbers, their grid and their range.

    A whole number is an int64, a moment or a duration is its nanoseconds as an int64, another number is a float64.

    Attributes
    ----------
    kind : {"number", "moment", "duration"}
        What can be done with it.
    dtype : numpy or pandas dtype
        Dtype of the column.
    decimals : int or None
        What numbers are rounded to, where that reproduces all of them.
    origin, step : int
        A moment or duration that was seen, and the largest step that reaches all others; nanoseconds.
    lower, upper : int or float
        Smallest and largest value.
    is_local : bool
        Whether origin and step are what clocks of the column's time zone show: see ``TimeColumn``.
    """

    kind: Kind
    dtype: Dtype
    decimals: int | None
    origin: int
    step: int
    lower: int | float
    upper: int | float
    is_local: bool = False

    def __post_init__(self) -> None:
        is_range = self.lower <= self.upper and max(abs(self.lower), abs(self.upper)) < FAR
        is_grid = self.step >= 1 and 0 <= (self.decimals or 0) <= MAX_DECIMALS
        if self.kind not in get_args(Kind) or not is_range or not is_grid:
            raise ValueError(
                f"{self.lower} to {self.upper} in steps of {self.step} to {self.decimals} decimals are no {self.kind}"
            )

    @classmethod
    def of(cls, values: pd.Series) -> Quantity | None:
        """The quantity that a column is; None where its values are none, or too large to be added."""
        dtype: Any = values.dtype
        if not is_quantity(dtype):
            return None
        numbers, is_gap = numbers_of(values)
        known = numbers[~is_gap]
        if is_decimal(dtype) and not fit_floats(values):
            return None
        if not len(known) or not np.isfinite(known).all() or np.abs(known.astype(float)).max() >= FAR:
            return None
        lower, upper = known.min().item(), known.max().item()
        if is_time(dtype):
            zone, kind = zone_of(dtype), DURATION if getattr(dtype, "kind", "") == "m" else MOMENT
            is_local = zone is not None and are_days(known, "ns", zone)
            grid = shown_by_clocks(known, "ns", zone) if zone is not None and is_local else known
            origin = int(grid.min())
            return cls(kind, dtype, None, origin, int(np.gcd.reduce(grid - origin)) or 1, lower, upper, is_local)
        return cls(NUMBER, dtype, common_decimals(known.astype(_width(dtype))), 0, 1, lower, upper)

    def joined(self, other: Quantity) -> Quantity:
        """What is known of the values of both."""
        is_one_grid = self.is_local == other.is_local
        step = math.gcd(self.step, other.step, self.origin - other.origin) if is_one_grid else 1
        lower, upper = min(self.lower, other.lower), max(self.upper, other.upper)
        return replace(self, decimals=most_decimals([self, other]), step=step, lower=lower, upper=upper)

    @property
    def is_exact(self) -> bool:
        """Whether its numbers are integers."""
        return self.kind != NUMBER or is_whole(self.dtype)

    @property
    def slack(self) -> float:
        """What differences of its numbers may owe to their last digits."""
        return 0.0 if self.is_exact else self.precision * max(abs(self.lower), abs(self.upper))

    @property
    def rounding(self) -> float:
        """How far a number is from what it was rounded of, at most: half of its last decimal, 0 without any."""
        return 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals

    @property
    def precision(self) -> float:
        """Relative difference of its numbers that are equal, but for rounding in their last digits."""
        is_narrow = not self.is_exact and numpy_float(self.dtype).itemsize < 8
        return EXACT_OF_NARROW if is_narrow else EXACT

    def snapped(self, numbers: Numbers, toward: str = "nearest") -> Numbers:
        """The nearest values that the column could hold: its decimals or steps, at, above or below some numbers."""
        round_ = {"nearest": np.rint, "up": np.ceil, "down": np.floor}[toward]
        if self.kind != NUMBER:
            return self._on_steps(numbers, toward)
        if is_whole(self.dtype):
            return numbers if numbers.dtype.kind == "i" else round_(np.clip(numbers, -FAR, FAR)).astype(np.int64)
        values = np.asarray(numbers, dtype=np.float64)
        if self.decimals is not None:
            with np.errstate(over="ignore"):
                scaled = np.round(values * 10.0**self.decimals, 6)  # 0.29 × 100 is no reason to go up
            values = round_(scaled) / 10.0**self.decimals
        return self._in_width(values, toward)

    def next(self, numbers: Numbers, sign: int) -> Numbers:
        """The next values that the column could hold, up or down by the sign. Shape: kept."""
        if self._zone is not None:
            return self._on_steps(numbers + sign * self.step, "nearest")  # of a step that may be an hour longer
        if self.is_exact:
            return numbers + sign * self.step
        if self.decimals is not None:
            return np.round(numbers + sign * 10.0**-self.decimals, 10)
        return np.nextafter(numbers, sign * np.inf)

    def _on_steps(self, numbers: Numbers, toward: str) -> Numbers:
        whole = numbers
        if numbers.dtype.kind == "f":
            whole = np.rint(np.clip(numbers, -FAR, FAR)).astype(np.int64)
        if self._zone is not None:
            whole = shown_by_clocks(whole, "ns", self._zone)
        add = {"nearest": self.step // 2, "up": self.step - 1, "down": 0}[toward]
        on_steps = self.origin + (whole - self.origin + add) // self.step * self.step
        return on_steps if self._zone is None else moments_of(on_steps, "ns", self._zone)

    @property
    def _zone(self) -> Zone | None:
        """The time zone whose clocks show the steps; None for all others."""
        return zone_of(self.dtype) if self.is_local else None

    def _in_width(self, values: NDArray[np.float64], toward: str) -> NDArray[np.float64]:
        """Values that a narrow float holds. Shape: kept."""
        width = numpy_float(self.dtype)
        if width.itemsize >= 8:
            return values
        own = values.astype(width)
        if self.decimals is None and toward == "up":
            own = np.where(own < values, np.nextafter(own, width.type(np.inf)), own)
        if self.decimals is None and toward == "down":
            own = np.where(own > values, np.nextafter(own, width.type(-np.inf)), own)
        wide: NDArray[np.float64] = own.astype(np.float64)
        return wide

    def is_inside(self, numbers: Numbers) -> Mask:
        """Whether numbers lie in the range that was seen, but for their last digits. Shape: kept."""
        return np.asarray((numbers >= self.lower - self.slack) & (numbers <= self.upper + self.slack))

    def values_of(self, numbers: Numbers) -> Values:
        """Numbers, none of them a gap, in the dtype of the column."""
        if self.kind != NUMBER:
            time = TimeColumn.of_ticks(None, self.dtype)
            return time.at(numbers.astype(np.int64) // NANOSECONDS[time.unit])
        if is_whole(self.dtype) and numbers.dtype.kind == "i":
            limits = np.iinfo(integer_type(self.dtype))
            whole = np.clip(numbers, limits.min, min(limits.max, np.iinfo(np.int64).max)).astype(limits.dtype)
            return whole if isinstance(self.dtype, np.dtype) else pandas_array(whole, self.dtype)
        return cast(np.asarray(numbers, dtype=np.float64), self.dtype)


def most_decimals(quantities: Iterable[Quantity]) -> int | None:
    """Decimals that all of some quantities are rounded to; None where one of them is not."""
    decimals = [quantity.decimals for quantity in quantities]
    known = [most for most in decimals if most is not None]
    return max(known) if known and len(known) == len(decimals) else None


def is_quantity(dtype: Dtype) -> bool:
    """Whether values of a dtype can be compared and added."""
    if is_number(dtype):
        return not isinstance(dtype, pd.SparseDtype)
    return is_time(dtype) and not isinstance(dtype, pd.PeriodDtype) and _unit(dtype) in NANOSECONDS


def numbers_of(values: pd.Series) -> tuple[Numbers, Mask]:
    """Exact numbers of a column that is a quantity, and where it has gaps, which are 0. Shape: (N,) twice."""
    dtype: Any = values.dtype
    if is_time(dtype):
        ticks, is_gap = TimeColumn.of_ticks(values.name, dtype).ticks(values)
        unit = NANOSECONDS[_unit(dtype)]
        known = np.where(is_gap, 0, ticks)
        is_far = np.abs(known) >= FAR // unit
        return np.where(is_far, FAR, known * np.where(is_far, 0, unit)), is_gap
    is_gap = is_missing(values)
    if is_whole(dtype) and integer_type(dtype) != np.uint64:
        return np.asarray(values.to_numpy(dtype=np.int64, na_value=0)), is_gap
    floats = values.to_numpy(dtype=np.float64, na_value=np.nan)
    if is_whole(dtype):
        return np.where(is_gap, 0, np.clip(np.nan_to_num(floats), 0, FAR)).astype(np.int64), is_gap
    return np.where(is_gap, 0.0, floats), is_gap


def _unit(dtype: Dtype) -> str:
    """NumPy's name of one tick of a time."""
    return TimeColumn.of_ticks(None, dtype).unit


def _width(dtype: Any) -> np.dtype[Any]:
    return np.dtype(np.int64) if is_whole(dtype) else numpy_float(dtype)
