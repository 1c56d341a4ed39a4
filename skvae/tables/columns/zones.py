"""Moments of a time zone as its clocks show them: days there are not always of 24 hours."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ticks = NDArray[np.int64]
Zone = datetime.tzinfo | str

NAT = np.iinfo(np.int64).min  # what NaT is as ticks
DAYS = -719_000, 2_932_000  # of the years 1 and 9997, counted from 1970; Python has no clocks beyond


def shown_by_clocks(ticks: Ticks, unit: str, zone: Zone) -> Ticks:
    """What clocks of a zone show at some moments, as ticks; a gap stays one. Shape: kept.

    The moment at which clocks are put forward counts as what they show before: a day that begins at 1:00, because there
    is no midnight, begins at midnight like any other.

    Examples
    --------
    >>> hours = np.array([0, 4344])  # since 1970: in winter, and in summer
    >>> (shown_by_clocks(hours * 3600, "s", "America/New_York") // 3600 - hours).tolist()
    [-5, -4]
    """
    has_clocks, shown = _has_clocks(ticks, unit), ticks.copy()
    at = ticks[has_clocks]
    shown[has_clocks] = np.minimum(_shown(at, unit, zone), _shown(at - 1, unit, zone) + 1)
    return shown


def moments_of(shown: Ticks, unit: str, zone: Zone) -> Ticks:
    """The moments at which clocks of a zone show something, the first of two. Shape: kept.

    Examples
    --------
    >>> (moments_of(np.array([-5, 4340]) * 3600, "s", "America/New_York") // 3600).tolist()
    [0, 4344]
    """
    has_clocks, moments = _has_clocks(shown, unit), shown.copy()
    index = pd.DatetimeIndex(shown[has_clocks].view(f"M8[{unit}]"))
    is_first = np.ones(len(index), dtype=bool)
    there = index.tz_localize(zone, ambiguous=is_first, nonexistent="shift_forward")
    moments[has_clocks] = _ticks(there.tz_convert("UTC"))
    return moments


def are_days(ticks: Ticks, unit: str, zone: Zone) -> bool:
    """Whether clocks of a zone show one time of the day at all moments, as they do where these are dates."""
    shown = shown_by_clocks(ticks, unit, zone)
    is_one_time = len(shown) > 0 and np.ptp(shown % ticks_of_a_day(unit)) == 0
    return bool(is_one_time and (moments_of(shown, unit, zone) == ticks).all())


def ticks_of_a_day(unit: Any) -> int:
    """How many ticks a day of 24 hours has."""
    return int(np.timedelta64(1, "D") // np.timedelta64(1, unit))


def _has_clocks(ticks: Ticks, unit: str) -> NDArray[np.bool_]:
    """Where pandas knows the clocks; far from our time, hours do not count. Shape: kept."""
    first, last = (day * ticks_of_a_day(unit) for day in DAYS)
    return np.asarray((first < ticks) & (ticks < last))


def _shown(ticks: Ticks, unit: str, zone: Zone) -> Ticks:
    return _ticks(pd.DatetimeIndex(ticks.view(f"M8[{unit}]"), tz="UTC").tz_convert(zone))


def _ticks(moments: pd.DatetimeIndex) -> Ticks:
    return moments.tz_localize(None).to_numpy().view(np.int64)
