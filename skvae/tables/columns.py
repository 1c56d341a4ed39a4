"""One codec per kind of column: values of any dtype ↔ floats, with NaN for a gap."""

from __future__ import annotations

import datetime
import warnings
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from skvae.likelihoods.categorical import POSITION_MAX
from skvae.tables.bins import Bins, Floats

IDENTIFIER = 0.9  # distinct categories a row, from which on a column looks like the name of its row
IDENTIFIER_ROWS = 100  # below, a table may well hold every category once


def is_number(dtype: Any) -> bool:
    """Whether a column of this dtype holds real numbers (a bool is a category)."""
    return (
        pd.api.types.is_numeric_dtype(dtype)
        and not pd.api.types.is_bool_dtype(dtype)
        and not pd.api.types.is_complex_dtype(dtype)
    )


def is_number_or_bool(dtype: Any) -> bool:
    """Whether a column of this dtype holds real numbers or booleans."""
    return is_number(dtype) or bool(pd.api.types.is_bool_dtype(dtype))


def is_time(dtype: Any) -> bool:
    """Whether a column of this dtype holds moments, days, periods or durations."""
    return (
        getattr(dtype, "kind", "") in ("m", "M")
        or isinstance(dtype, pd.PeriodDtype)
        or getattr(dtype, "type", None) is datetime.date
    )


def is_category(dtype: Any) -> bool:
    """Whether a column of this dtype holds categories."""
    return (
        pd.api.types.is_bool_dtype(dtype)
        or isinstance(dtype, pd.CategoricalDtype)
        or pd.api.types.is_object_dtype(dtype)
        or pd.api.types.is_string_dtype(dtype)
        or is_arrow_dictionary(dtype)
    )


def is_arrow_dictionary(dtype: Any) -> bool:
    """Whether a column of this dtype holds categories of Arrow; an ordered one would lose its order on the way back."""
    arrow = getattr(dtype, "pyarrow_dtype", None)
    return arrow is not None and str(arrow).startswith("dictionary") and not arrow.ordered


def cast(values: Floats, dtype: Any) -> Any:
    """Floats as ``dtype``: whole numbers are rounded and stay in its range, a probability of a bool is decided."""
    if pd.api.types.is_bool_dtype(dtype):
        return _with_gaps(values >= 0.5, np.isnan(values), dtype)
    if pd.api.types.is_integer_dtype(dtype):
        range_ = np.iinfo(dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", "int64"))
        is_gap = np.isnan(values)
        # the next float below 2**63 is the largest that an int64 can hold
        whole = np.clip(np.rint(np.where(is_gap, 0, values)), range_.min, np.nextafter(float(range_.max) + 1, 0))
        return _with_gaps(whole.astype(range_.dtype), is_gap, dtype)
    return values.astype(dtype) if isinstance(dtype, np.dtype) else pd.array(values, dtype=dtype)


def _with_gaps(values: Any, is_gap: Any, dtype: Any) -> Any:
    """Values in a dtype whose gaps are not NaN."""
    if isinstance(dtype, np.dtype):
        return values
    array = pd.array(values, dtype=dtype)
    if is_gap.any():
        array[is_gap] = pd.NA
    return array


@dataclass(frozen=True)
class Column(ABC):
    """What is learned of one column.

    Attributes
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    """

    name: Any
    dtype: Any

    @property
    def edges(self) -> Floats:
        """Range of each level, where the floats are codes of levels. Shape: (n_levels, 2)."""
        return np.empty((0, 2))

    @property
    def centers(self) -> Floats:
        """Mean of the values of each level. Shape: (n_levels,)."""
        return np.asarray(self.edges.mean(axis=1))

    @abstractmethod
    def encode(self, values: pd.Series) -> Floats:
        """Floats, NaN for a gap."""

    @abstractmethod
    def decode(self, cells: Floats) -> Any:
        """Back in the column's dtype."""

    def center(self, cells: Floats) -> Floats:
        """The mean of several draws of each cell. Shape: (M, N) -> (N,)."""
        return np.asarray(cells.mean(axis=0))

    def log_density(self, cells: Floats) -> Floats:
        """What the values inside a level add to the log-probability of the level. Shape: (N,), 0 for a gap."""
        return np.zeros(len(cells))

    def is_possible(self, values: pd.Series) -> Any:
        """Whether each value has a probability. Shape: (N,)."""
        return np.ones(len(values), dtype=bool)


@dataclass(frozen=True)
class NumberColumn(Column):
    """Numbers are themselves."""

    def encode(self, values: pd.Series) -> Floats:  # noqa: D102
        try:
            return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Column {self.name!r} held numbers at fit, but now has dtype {values.dtype} ({error}). "
                f"Convert it to {self.dtype}."
            ) from error

    def decode(self, cells: Floats) -> Any:  # noqa: D102
        return cast(cells, self.dtype)


@dataclass(frozen=True)
class TimeColumn(Column):
    """A moment or a duration is the number of steps since the first, in the column's own precision.

    Attributes
    ----------
    unit : str
        NumPy's name of one tick.
    origin, step : int
        Ticks of the smallest value, and of the largest step that reaches all values.
    """

    unit: str
    origin: int
    step: int

    @classmethod
    def fit(cls, values: pd.Series) -> TimeColumn:
        """Learn the precision."""
        column = cls.of_ticks(values.name, values.dtype)
        ticks, is_gap = column.ticks(values)
        return column.spanning(ticks[~is_gap])

    @classmethod
    def of_ticks(cls, name: Any, dtype: Any) -> TimeColumn:
        """Ticks as they are: nothing is known of the values yet."""
        arrow = getattr(dtype, "pyarrow_dtype", None)
        if isinstance(dtype, pd.PeriodDtype):
            unit = "period"
        elif arrow is not None:
            unit = getattr(arrow, "unit", "s")  # a date has none
        else:
            unit = dtype.unit if isinstance(dtype, pd.DatetimeTZDtype) else np.datetime_data(np.dtype(str(dtype)))[0]
        return cls(name, dtype, unit, 0, 1)

    def spanning(self, ticks: Any) -> TimeColumn:
        """The same column with the origin and the step that reach these ticks."""
        seen = np.unique(ticks)
        steps = np.diff(seen).view(np.uint64)  # centuries of nanoseconds do not fit into a signed difference
        step = int(np.gcd.reduce(steps)) if len(steps) else 1
        return replace(self, origin=int(seen[0]) if len(seen) else 0, step=step)

    def encode(self, values: pd.Series) -> Floats:  # noqa: D102
        if _kind_of_time(values.dtype) != _kind_of_time(self.dtype):
            raise ValueError(
                f"Column {self.name!r} held {self.dtype} at fit, but now has dtype {values.dtype}. "
                f"Convert it with pandas.to_datetime or pandas.to_timedelta."
            )
        ticks, is_gap = self.ticks(values)
        return np.where(is_gap, np.nan, self.steps(ticks))

    def steps(self, ticks: Any) -> Floats:
        """Steps from the origin."""
        whole, rest = np.divmod(ticks, self.step)
        origin, origin_rest = divmod(self.origin, self.step)
        return np.asarray(whole.astype(float) - origin + (rest - origin_rest) / self.step)

    def decode(self, cells: Floats) -> Any:  # noqa: D102
        is_gap = np.isnan(cells)
        limit = np.iinfo(np.int64)
        lowest, highest = (limit.min + 1 - self.origin) // self.step, (limit.max - self.origin) // self.step
        steps = [self.origin + min(max(round(cell), lowest), highest) * self.step for cell in cells[~is_gap].tolist()]
        ticks = np.full(len(cells), limit.min)  # NaT
        ticks[~is_gap] = steps
        if self.unit == "period":
            return pd.arrays.PeriodArray(ticks, dtype=self.dtype)
        kind = "m" if self._is_duration else "M"
        series = pd.Series(ticks.view(f"{kind}8[{self.unit}]"))
        zone = getattr(self.dtype, "tz", None)
        if zone is not None:
            series = series.dt.tz_localize("UTC").dt.tz_convert(zone)
        return series.astype(self.dtype).array

    @property
    def _is_duration(self) -> bool:
        return getattr(self.dtype, "kind", "") == "m"

    def ticks(self, values: pd.Series) -> tuple[Any, Any]:
        """Integers, and where there is a gap."""
        is_gap = values.isna().to_numpy(dtype=bool)
        if self.unit == "period":
            return values.array.asi8, is_gap
        kind = "m" if self._is_duration else "M"
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        if getattr(getattr(values.dtype, "pyarrow_dtype", None), "tz", None):
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        dtype: Any = f"{kind}8[{self.unit}]"
        if getattr(values.dtype, "type", None) is datetime.date:
            values = values.astype("datetime64[s]")
        na_value: Any = np.array("NaT", dtype)[()]
        moments = values.to_numpy(dtype=dtype, na_value=na_value)
        return moments.view(np.int64), is_gap


def _kind_of_time(dtype: Any) -> Any:
    """Durations, moments or periods of one length; None for what is no time."""
    if isinstance(dtype, pd.PeriodDtype):
        return dtype
    return ("duration" if getattr(dtype, "kind", "") == "m" else "moment") if is_time(dtype) else None


def zone_of(dtype: Any) -> Any:
    """The time zone of moments, if they have one."""
    return getattr(dtype, "tz", None) or getattr(getattr(dtype, "pyarrow_dtype", None), "tz", None)


def check_zone(values: pd.Series, name: Any, dtype: Any) -> None:
    """Refuse moments with a time zone under a dtype without one, and the reverse; text without one is local time."""
    if _kind_of_time(dtype) != "moment":
        return
    zone, known = zone_of(dtype), values.dropna()
    if _kind_of_time(values.dtype) == "moment":
        wrong = known.tolist() if (zone is None) != (zone_of(values.dtype) is None) else []
    else:
        wrong = [value for value in known.tolist() if zone is None and _has_zone(value)]
    if wrong:
        remedy = "without one: pandas.Timestamp(…).tz_localize(None)"
        if zone is not None:
            remedy = f"with one: pandas.Timestamp(…, tz={str(zone)!r})"
        raise ValueError(
            f"A moment has a time zone where its column has one, but column {name!r} holds {dtype}, and the condition "
            f"is {wrong[0]!r}. Pass it {remedy}."
        )


def _has_zone(value: Any) -> bool:
    """Whether a value of any type is a moment with a time zone."""
    try:
        return pd.Timestamp(value).tzinfo is not None
    except (TypeError, ValueError, OverflowError):
        return False


@dataclass(frozen=True)
class HistogramColumn(Column):
    """A number or a moment is a level and its position there.

    Attributes
    ----------
    number : NumberColumn or TimeColumn
        What makes it a number.
    bins : Bins
        The levels.
    """

    number: NumberColumn | TimeColumn
    bins: Bins

    @classmethod
    def fit(cls, number: NumberColumn | TimeColumn, values: pd.Series, max_bins: int = 100) -> HistogramColumn:
        """Learn the levels."""
        cells = number.encode(values)
        cells = check_finite(cells, number.name)
        return cls(number.name, number.dtype, number, Bins.fit(cells[~np.isnan(cells)], max_bins))

    @property
    def edges(self) -> Floats:  # noqa: D102
        return self.bins.edges

    @property
    def centers(self) -> Floats:  # noqa: D102
        return self.bins.centers

    def encode(self, values: pd.Series) -> Floats:  # noqa: D102
        return self.bins.encode(check_finite(self.number.encode(values), self.name))

    def decode(self, cells: Floats) -> Any:  # noqa: D102
        return self.number.decode(self.bins.decode(cells))

    def center(self, cells: Floats) -> Floats:
        """The code of the mean value of several draws. Shape: (M, N) -> (N,)."""
        return self.bins.encode(self.bins.decode(cells.ravel()).reshape(cells.shape).mean(axis=0))

    def log_density(self, cells: Floats) -> Floats:
        """Minus the log-width of the bin; a gap and an atom have none. Shape: (N,)."""
        is_gap = np.isnan(cells)
        return np.where(is_gap, 0.0, -self.bins.log_width[np.where(is_gap, 0, cells).astype(int)])

    def is_possible(self, values: pd.Series) -> Any:
        """Whether each value lies in a bin or is an atom. Shape: (N,)."""
        cells = self.number.encode(values)
        is_atom = np.isclose(self.bins.decode(self.bins.encode(cells)), cells, rtol=1e-12, atol=0.0)
        return is_atom | self.bins.covers(cells)

    @property
    def possible(self) -> str:
        """The values that have a probability, in words."""
        ends = self.number.decode(np.array([self.bins.edges[0, 0], self.bins.maximum]))
        atoms = "" if len(self.bins.knots) else f", one of {len(self.bins.edges)} values"
        first, last = (f"{end:.6g}" if isinstance(end, float) else end for end in ends)
        return f"a value from {first} to {last}{atoms}"


@dataclass(frozen=True)
class CategoryColumn(Column):
    """A category is its position among the levels seen at fit; the rarest share the last.

    Attributes
    ----------
    levels : pandas.Index
        Distinct values: those with a level of their own, in sorted order where they have one, and then those that
        share the last level, the most frequent first.
    shares : ndarray
        Of the rows in the shared level, the cumulative share of each of its values; empty where there is none.
    """

    levels: pd.Index
    shares: Floats

    @classmethod
    def fit(cls, values: pd.Series, max_categories: int = 2**31, counts: Any = None) -> CategoryColumn:
        """Learn the levels; ``counts`` says how often each value occurs, if not once."""
        dtype, values = values.dtype, plain(values)
        try:
            levels = pd.Index(values.dropna().unique())
        except TypeError as error:
            raise TypeError(
                f"Column {values.name!r} holds values that cannot be categories ({error}). "
                f"Convert them to strings or drop the column."
            ) from error
        if isinstance(values.dtype, pd.CategoricalDtype):
            levels = pd.Index(values.cat.remove_unused_categories().cat.categories)
        else:
            with suppress(TypeError):  # values of several types have no order but that of appearance
                levels = levels.sort_values()
        codes = levels.get_indexer(pd.Index(values))
        weights = None if counts is None else np.asarray(counts)[codes >= 0]
        counts = np.bincount(codes[codes >= 0], weights, minlength=len(levels))
        n_observed = int(counts.sum())
        if n_observed >= IDENTIFIER_ROWS and len(levels) > IDENTIFIER * n_observed:
            warnings.warn(
                f"A category should recur, but column {values.name!r} holds {len(levels)} different values in "
                f"{n_observed} cells, as an identifier does. Drop it, or convert it to numbers or dates.",
                UserWarning,
                stacklevel=2,
            )
        if len(levels) <= max_categories:
            return cls(values.name, dtype, levels, np.empty(0))
        ranked = np.argsort(-counts, kind="stable")
        alone, rare = np.sort(ranked[: max_categories - 1]), ranked[max_categories - 1 :]
        shares = counts[rare].cumsum() / counts[rare].sum()
        return cls(values.name, dtype, levels.take(np.concatenate([alone, rare])), shares)

    @property
    def n_alone(self) -> int:
        """Number of values with a level of their own."""
        return len(self.levels) - len(self.shares)

    @property
    def edges(self) -> Floats:  # noqa: D102
        codes = np.arange(self.n_alone + (len(self.shares) > 0), dtype=float)
        return np.column_stack([codes, codes])

    def encode(self, values: pd.Series) -> Floats:
        """Positions of the levels; a gap and a category never seen at fit are NaN, the latter with a warning."""
        codes = self.levels.get_indexer(pd.Index(plain(values))).astype(np.float64)
        codes[codes < 0] = np.nan
        unseen = np.isnan(codes) & values.notna().to_numpy(dtype=bool)
        if unseen.any():
            warnings.warn(
                f"Column {self.name!r} holds {values[unseen].tolist()[0]!r}, which was not seen at fit; "
                f"{int(unseen.sum())} such cell(s) count as missing.",
                UserWarning,
                stacklevel=2,
            )
        is_rare = codes >= self.n_alone  # a comparison with NaN is false
        if is_rare.any():
            center = self.shares - np.diff(self.shares, prepend=0.0) / 2
            position = center[codes[is_rare].astype(int) - self.n_alone]
            codes[is_rare] = self.n_alone + POSITION_MAX * position
        return codes

    def decode(self, cells: Floats) -> Any:
        """The levels, in the column's dtype."""
        is_gap = np.isnan(cells)
        code = np.where(is_gap, 0, cells)
        position = code.astype(np.intp)
        if len(self.shares):
            rare = np.searchsorted(self.shares, np.clip((code - self.n_alone) / POSITION_MAX, 0, 1))
            rare = np.minimum(rare, len(self.shares) - 1)
            position = np.where(position >= self.n_alone, self.n_alone + rare, position)
        values = self.levels.take(position)
        if is_gap.any():
            is_float = isinstance(self.dtype, np.dtype) and self.dtype.kind == "f"
            missing = None if self.dtype == object else np.nan if is_float else pd.NA
            values = values.astype(object).where(~is_gap, missing)
        if isinstance(self.dtype, np.dtype):
            return values.to_numpy(dtype=self.dtype)
        return pd.array(values, dtype=self.dtype)

    def center(self, cells: Floats) -> Floats:
        """The most frequent of several draws. Shape: (M, N) -> (N,)."""
        n_rows, n_levels = cells.shape[1], len(self.edges)
        places = np.floor(cells).astype(int) + n_levels * np.arange(n_rows)
        counts = np.bincount(places.ravel(), minlength=n_rows * n_levels).reshape(n_rows, n_levels)
        return np.asarray(counts.argmax(axis=1), dtype=float)

    def log_density(self, cells: Floats) -> Floats:
        """Log-share of a rare category in the level that it shares; 0 otherwise. Shape: (N,)."""
        result = np.zeros(len(cells))
        is_rare = cells >= self.n_alone
        if len(self.shares) and is_rare.any():
            share = np.diff(self.shares, prepend=0.0)
            position = np.searchsorted(self.shares, np.clip((cells[is_rare] - self.n_alone) / POSITION_MAX, 0, 1))
            result[is_rare] = np.log(share[np.minimum(position, len(share) - 1)])
        return result

    def is_possible(self, values: pd.Series) -> Any:
        """Whether each value was seen at fit. Shape: (N,)."""
        try:
            return np.asarray(self.levels.get_indexer(pd.Index(plain(values))) >= 0)
        except TypeError:  # a list, say
            return np.zeros(len(values), dtype=bool)

    @property
    def possible(self) -> str:
        """The values that have a probability, in words."""
        return f"one of {self.levels[:10].tolist()}{' …' if len(self.levels) > 10 else ''}"


def plain(values: pd.Series) -> pd.Series:
    """Categories of Arrow as the values that they stand for, which pandas can sort and look up."""
    if not is_arrow_dictionary(values.dtype):
        return values
    dtype: Any = values.dtype
    return values.astype(pd.ArrowDtype(dtype.pyarrow_dtype.value_type))


@dataclass(frozen=True)
class GapColumn(Column):
    """Whether another column has a gap: 1 for a gap, 0 for a value."""

    @property
    def edges(self) -> Floats:  # noqa: D102
        return np.array([[0.0, 0.0], [1.0, 1.0]])

    def encode(self, values: pd.Series) -> Floats:  # noqa: D102
        return np.asarray(values.isna(), dtype=float)

    def decode(self, cells: Floats) -> Any:
        """True for a gap."""
        return np.asarray(cells >= 1)


def check_finite(cells: Floats, name: Any) -> Floats:
    """Refuse infinities, which no likelihood covers."""
    if np.isinf(cells).any():
        row = int(np.flatnonzero(np.isinf(cells))[0])
        raise ValueError(
            f"Cells must be finite or missing, but column {name!r} holds {cells[row]} in row {row}. "
            f"Replace infinities by NaN."
        )
    return cells
