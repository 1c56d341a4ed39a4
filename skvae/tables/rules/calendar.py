"""The calendar: days, and the parts of a moment that a rule may name, such as its month."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.columns.time import zone_of
from skvae.tables.columns.zones import Ticks
from skvae.tables.rules.quantities import numbers_of

DAY = 86_400 * 10**9  # nanoseconds
UNITS = {"days": DAY, "hours": DAY // 24, "minutes": 60 * 10**9, "seconds": 10**9}  # nanoseconds
PARTS = ("year", "quarter", "month", "day", "weekday", "hour")  # of a moment; Monday is weekday 0


def part_of(values: pd.Series, part: str) -> NDArray[np.int64]:
    """A part of the calendar of moments, in their local time; anything where there is a gap. Shape: (N,)."""
    if zone_of(values.dtype) is not None:
        values = values.dt.tz_localize(None)
    return part_of_ticks(numbers_of(values)[0].astype(np.int64), part)


def part_of_ticks(nanoseconds: Ticks, part: str) -> NDArray[np.int64]:
    """A part of the calendar of nanoseconds since 1970. Shape: kept.

    Examples
    --------
    >>> part_of_ticks(np.array([0]), "weekday").tolist()  # a Thursday
    [3]
    """
    days = nanoseconds // DAY
    if part == "hour":
        return np.asarray(nanoseconds // (DAY // 24) % 24)
    if part == "weekday":
        return np.asarray((days + 3) % 7)
    months = days.astype("M8[D]").astype("M8[M]")
    if part == "day":
        return np.asarray(days - months.astype("M8[D]").astype(np.int64) + 1)
    n_months = months.astype(np.int64)
    if part == "year":
        return np.asarray(n_months // 12 + 1970)
    return np.asarray(n_months % 12 // 3 + 1 if part == "quarter" else n_months % 12 + 1)
