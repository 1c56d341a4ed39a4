"""Moments, periods and durations, which are steps from the first."""

from __future__ import annotations

import datetime
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from skvae.likelihoods import Histogram, Likelihood, NormalScores
from skvae.tables.bins import Floats, Numbers
from skvae.tables.columns.base import Column, CountedSurvey, Learned, Mask, Support, check_finite, converted
from skvae.tables.columns.cells import in_words, is_missing
from skvae.tables.columns.dtypes import Dtype, Values, is_time
from skvae.tables.columns.zones import NAT, Ticks, are_days, moments_of, shown_by_clocks, ticks_of_a_day


@dataclass(frozen=True)
class TimeColumn(Column):
    """A moment or a duration is the number of steps since the first, in the column's own precision.

    Attributes
    ----------
    unit : str
        NumPy's name of one tick.
    origin, step : int
        Ticks of the smallest value, and of the largest step that reaches all values.
    is_local : bool
        Whether ticks are what clocks of the time zone show: the days of a calendar are steps of one size only there.
    """

    unit: str
    origin: int
    step: int
    is_local: bool = False

    reads_nearest: ClassVar[bool] = True

    @classmethod
    def owns(cls, dtype: Dtype) -> bool:  # noqa: D102
        return is_time(dtype)

    @classmethod
    def auto_family(cls, dtype: Dtype, *, histograms: bool) -> Likelihood:  # noqa: D102
        return Histogram() if histograms else NormalScores()

    @classmethod
    def reads(cls, dtype: Dtype, family: Likelihood) -> bool:  # noqa: D102
        return is_time(dtype) and family.cells in ("numbers", "bits")

    @classmethod
    def survey(cls, name: Hashable, dtype: Dtype, family: Likelihood) -> TimeSurvey:  # noqa: D102
        return TimeSurvey(name, dtype)

    @classmethod
    def of_ticks(cls, name: Hashable, dtype: Dtype) -> TimeColumn:
        """Ticks as they are: nothing is known of the values yet."""
        arrow = getattr(dtype, "pyarrow_dtype", None)
        if isinstance(dtype, pd.PeriodDtype):
            unit = "period"
        elif arrow is not None:
            unit = getattr(arrow, "unit", "s")  # a date has none
        elif isinstance(dtype, pd.DatetimeTZDtype):
            unit = dtype.unit
        else:
            unit = np.datetime_data(np.dtype(str(dtype)))[0]
        return cls(name, dtype, unit, 0, 1)

    def counting_days(self, values: pd.Series) -> TimeColumn:
        """The same column with the ticks of local clocks, where values are moments at one time of the day there."""
        ticks, is_gap = self.ticks(values)
        zone = zone_of(self.dtype)
        return replace(self, is_local=zone is not None and are_days(ticks[~is_gap], self.unit, zone))

    def spanning(self, ticks: Ticks) -> TimeColumn:
        """The same column with the origin and the step that reach these ticks."""
        seen = np.unique(ticks)
        if not len(seen):
            return replace(self, origin=0, step=1)
        steps = np.diff(seen).view(np.uint64)  # centuries of nanoseconds do not fit into a signed difference
        return replace(self, origin=int(seen[0]), step=int(np.gcd.reduce(steps)) or 1)  # 0: of one value

    def encode(self, values: pd.Series) -> Floats:  # noqa: D102
        if is_missing(values).all():  # a column without a cell says nothing of a type
            return np.full(len(values), np.nan)
        if _kind_of_time(values.dtype) != _kind_of_time(self.dtype):
            remedy = "pandas.to_datetime or pandas.to_timedelta"
            if self.unit == "period":
                remedy = f".astype({str(self.dtype)!r})"
            raise ValueError(
                f"Column {self.name!r} held {self.dtype} at fit, but now has dtype {values.dtype}. Convert it with "
                f"{remedy}."
            )
        if (zone_of(values.dtype) is None) != (zone_of(self.dtype) is None) and values.notna().any():
            raise ValueError(
                f"A moment has a time zone where its column has one, but column {self.name!r} held {self.dtype} at "
                f"fit, and now has dtype {values.dtype}. Convert it with .dt.tz_localize(…), to None for none."
            )
        ticks, is_gap = self.ticks(values)
        return np.where(is_gap, np.nan, self.steps(ticks))

    def steps(self, ticks: Ticks) -> Floats:
        """Steps from the origin."""
        wide: Any = ticks if self.step <= np.iinfo(np.int64).max else ticks.astype(object)
        whole, rest = wide // self.step, wide % self.step
        origin, origin_rest = divmod(self.origin, self.step)
        return np.asarray(whole.astype(float) - origin + (rest - origin_rest) / self.step, dtype=np.float64)

    def measured(self, cells: Floats) -> Floats:
        """Ticks of UTC as floats; NaN stays NaN."""
        ticks = self.origin + self.step * cells
        if self.is_local:
            known = ~np.isnan(ticks)
            ticks[known] = self._moments(np.rint(ticks[known]).astype(np.int64))
        return ticks

    @property
    def shared_unit(self) -> str:
        """What they count: only moments have an origin."""
        return f"{_kind_of_time(self.dtype)} in {self.unit}"

    def decode(self, cells: Floats) -> Values:  # noqa: D102
        is_gap = np.isnan(cells)
        ticks = np.full(len(cells), NAT)
        ticks[~is_gap] = self._nearest_ticks(cells[~is_gap])
        return self.at(ticks)

    def at(self, ticks: Ticks) -> Values:
        """The values that are some ticks; the smallest integer is a gap."""
        dtype: Any = self.dtype
        if self.unit == "period":
            return pd.arrays.PeriodArray(ticks, dtype=dtype)
        series = pd.Series(self._moments(ticks).view(self._numpy_dtype))
        zone = getattr(dtype, "tz", None)
        if zone is not None:
            series = series.dt.tz_localize("UTC").dt.tz_convert(zone)
        array: ExtensionArray = series.astype(dtype).array
        return array

    def amounts(self, cells: Floats) -> Floats:
        """Days since the first, or periods. Shape: kept."""
        if self.unit == "period":
            return cells * float(self.step)
        return cells * float(self.step / ticks_of_a_day(self.unit))

    def _nearest_ticks(self, cells: Floats) -> list[int]:
        """Ticks of the whole steps next to some floats, as far as 64 bits reach."""
        limit = np.iinfo(np.int64)
        lowest, highest = (limit.min + 1 - self.origin) // self.step, (limit.max - self.origin) // self.step
        return [self.origin + min(max(round(cell), lowest), highest) * self.step for cell in cells.tolist()]

    @property
    def _numpy_dtype(self) -> str:
        kind = "m" if getattr(self.dtype, "kind", "") == "m" else "M"
        return f"{kind}8[{self.unit}]"

    def ticks(self, values: pd.Series) -> tuple[Ticks, Mask]:
        """Integers, and where there is a gap."""
        is_gap = is_missing(values)
        if self.unit == "period":
            return values.array.asi8, is_gap
        if zone_of(values.dtype) is not None:
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        if getattr(values.dtype, "type", None) is datetime.date:
            values = values.astype("datetime64[s]")
        dtype: Any = self._numpy_dtype
        na_value: Any = np.array("NaT", dtype)[()]
        ticks = values.to_numpy(dtype=dtype, na_value=na_value).view(np.int64)
        zone = zone_of(self.dtype)
        return ticks if zone is None or not self.is_local else shown_by_clocks(ticks, self.unit, zone), is_gap

    def _moments(self, ticks: Ticks) -> Ticks:
        """Ticks of this column as those of UTC. Shape: kept."""
        zone = zone_of(self.dtype)
        return ticks if zone is None or not self.is_local else moments_of(ticks, self.unit, zone)

    def accepts(self, values: pd.Series, support: Support) -> Mask:  # noqa: D102
        return support.covers(check_finite(self.encode(values), self.name))

    def possible_values(self, support: Support) -> str:  # noqa: D102
        first, last = self.in_words(np.array([support.lower, support.upper]))
        return f"a value from {first} to {last}"

    def in_words(self, cells: Floats) -> list[str]:
        """Values of floats, as text."""
        try:
            return list(map(str, self.decode(cells)))
        except (OverflowError, ValueError):  # Arrow's after the year 9999 are none of Python's
            return [str(np.array(tick).view(self._numpy_dtype)) for tick in np.array(self._nearest_ticks(cells))]

    def precision_in_words(self, decimals: int) -> str:
        """What values that are whole steps have."""
        dtype: Any = f"m8[{self.unit}]"
        step = f"{self.step} period(s)" if self.unit == "period" else pd.Timedelta(np.array(self.step).view(dtype)[()])
        return f"values in steps of {step}"

    def as_kind(self, values: pd.Series, possible: str) -> pd.Series:  # noqa: D102
        check_zone(values, self.name, self.dtype)
        check_spans(values, self.name, self.dtype)
        return converted(values, self.dtype, self, possible)


class TimeSurvey(CountedSurvey):
    """Times are steps of the first rows that held any.

    Parameters
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    """

    def __init__(self, name: Hashable, dtype: Dtype) -> None:
        self.time = TimeColumn.of_ticks(name, dtype)
        self.first: TimeColumn | None = None
        self.lattice = np.empty(0, dtype=np.int64)  # the origin, and one step further

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        if self.first is None:
            self.time = self.time.counting_days(values)
        ticks, is_gap = self.time.ticks(values)
        known = ticks[~is_gap]
        if not len(known):
            return np.full(len(values), np.nan)
        spanned = self.time.spanning(np.concatenate([self.lattice, known]))
        is_single = len(self.lattice) < 2 and (known == spanned.origin).all()
        self.lattice = np.array([spanned.origin, spanned.origin + spanned.step][: 1 if is_single else 2])
        self.first = self.first or spanned
        return np.where(is_gap, np.nan, self.first.steps(ticks))

    @property
    def is_settled(self) -> bool:  # noqa: D102
        return self.first == self._column()

    def learned(self) -> Learned:  # noqa: D102
        column = self._column()
        first = self.first or column
        origin = first.steps(np.array([column.origin]))
        return Learned(column, float(origin[0]), column.step / first.step)

    def countable(self, values: pd.Series, cells: Floats) -> Numbers:
        """The cells in a form that is exact: whole, where floats would round nanoseconds."""
        return self.time.ticks(values)[0]

    def cells_of(self, counted: Numbers) -> Floats:  # noqa: D102
        return self._column().steps(counted.astype(np.int64))

    def _column(self) -> TimeColumn:
        return self.time.spanning(self.lattice)


def _kind_of_time(dtype: Dtype) -> object:
    """Durations, moments or periods of one length; None for what is no time."""
    if isinstance(dtype, pd.PeriodDtype):
        return dtype
    if not is_time(dtype):
        return None
    return "duration" if getattr(dtype, "kind", "") == "m" else "moment"


def zone_of(dtype: Dtype) -> datetime.tzinfo | str | None:
    """The time zone of moments, if they have one."""
    return getattr(dtype, "tz", None) or getattr(getattr(dtype, "pyarrow_dtype", None), "tz", None)


def check_zone(values: pd.Series, name: Hashable, dtype: Dtype) -> None:
    """Refuse moments with a time zone under a dtype without one, and the reverse; text without one is local time."""
    wrong = _of_another_zone(values, dtype)
    if wrong.empty:
        return
    zone = zone_of(dtype)
    remedy = "without one: pandas.Timestamp(…).tz_localize(None)"
    if zone is not None:
        remedy = f"with one: pandas.Timestamp(…, tz={str(zone)!r})"
    raise ValueError(
        f"A moment has a time zone where its column has one, but column {name!r} holds {dtype}, and the condition "
        f"is {in_words(wrong)}. Pass it {remedy}."
    )


def check_spans(values: pd.Series, name: Hashable, dtype: Dtype) -> None:
    """Refuse periods that are longer than those of a dtype, or than a day where it has moments."""
    freq: Any = dtype.freq if isinstance(dtype, pd.PeriodDtype) else "D"
    may_hold_periods = values.dtype == object or isinstance(values.dtype, pd.PeriodDtype)
    for value in values.dropna().tolist() if may_hold_periods else []:
        if not isinstance(value, pd.Period) or value.freq == freq:  # one of two days is no span of these
            continue
        if value.asfreq(freq, how="S") != value.asfreq(freq, how="E"):
            raise ValueError(
                f"A condition is one value, but column {name!r} holds {dtype}, of which {value!r} are several. Pass "
                f"one of these, such as {value.asfreq(freq, how='S')!r}."
            )


def _of_another_zone(values: pd.Series, dtype: Dtype) -> pd.Series:
    """Values that have a time zone where their column has none, or none where it has one."""
    zone, known = zone_of(dtype), values.dropna()
    if _kind_of_time(dtype) != "moment":
        return known[:0]
    if _kind_of_time(values.dtype) == "moment":
        is_alike = (zone is None) == (zone_of(values.dtype) is None)
        return known[:0] if is_alike else known
    return known[[zone is None and _has_zone(value) for value in known.tolist()]]


def _has_zone(value: Any) -> bool:
    """Whether a value of any type is a moment with a time zone."""
    try:
        return pd.Timestamp(value).tzinfo is not None
    except (TypeError, ValueError, OverflowError):
        return False
