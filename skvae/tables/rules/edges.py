"""Where steps of a number or a date change: at the shortest number or moment that rows leave between two of them."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from skvae.tables.columns.time import zone_of
from skvae.tables.columns.zones import Ticks, moments_of, shown_by_clocks
from skvae.tables.rules.calendar import DAY
from skvae.tables.rules.quantities import MOMENT, NUMBER, Numbers, Quantity

UNITS = ("Y", "M", "D", "h", "m", "s")  # of NumPy's moments, the longest first
FINEST = -17  # power of ten beyond which doubles are told apart by nobody
DAYS_OF_A_YEAR = np.arange(np.datetime64("2001-01-01"), np.datetime64("2002-01-01"))


def edges_between(below: Numbers, above: Numbers, quantity: Quantity) -> tuple[Numbers, bool]:
    """The shortest edges between the last values below them and the first above, and whether these belong below.

    Parameters
    ----------
    below, above : ndarray of shape (E,)
        Between which numbers each edge lies; it may be one of them, but the same for all edges.
    quantity : Quantity
        What they are.

    Returns
    -------
    tuple of an ndarray of shape (E,) and bool
        Edges, and whether the value at an edge belongs to the step below it. Where both would do, it belongs above.
    """
    if quantity.kind == MOMENT:
        edges = _moments_between(below, above, quantity)
    elif quantity.kind != NUMBER:
        days = [shortest(np.nextafter(low, np.inf), high) for low, high in zip(below / DAY, above / DAY, strict=True)]
        edges = np.rint(np.array(days) * DAY).astype(np.int64)
    else:
        pairs = [(float(low), float(high)) for low, high in zip(below, above, strict=True)]
        left = [shortest(math.nextafter(low, math.inf), high) for low, high in pairs]
        right = [shortest(low, math.nextafter(high, -math.inf)) for low, high in pairs]
        closes = sum(map(n_digits, right)) < sum(map(n_digits, left))
        return np.array(right if closes else left, dtype=np.float64), closes
    return np.where((edges > below) & (edges <= above), edges, above), False


def shortest(low: float, high: float) -> float:
    """The number with the fewest digits from one to another; of many the one in the middle.

    A number that is as long but ends with 5 comes before all others.

    Examples
    --------
    >>> shortest(24.91, 25), shortest(17.01, 18), shortest(987, 1024), shortest(0.22, 0.28)
    (25.0, 18.0, 1000.0, 0.25)
    """
    if low >= high:
        return high
    if low <= 0 <= high:
        return 0.0
    for power in range(math.floor(math.log10(max(abs(low), abs(high)))), FINEST, -1):
        for five, exponent in ((1, power), (5, power - 1)):
            value = _multiple(low, high, five, exponent)
            if value is not None:
                return value
    return high


def _multiple(low: float, high: float, five: int, exponent: int) -> float | None:
    """The multiple of 1 or 5 times a power of ten that lies nearest to the middle of two numbers; None for none."""

    def value(n: int) -> float:
        return float(n * five * 10**exponent) if exponent >= 0 else n * five / 10**-exponent

    step = five * 10.0**exponent
    first, last = round(low / step), round(high / step)
    first += value(first) < low
    last -= value(last) > high
    if first > last:
        return None
    return value(min(max(round((low + high) / 2 / step), first), last))


def n_digits(value: float) -> int:
    """Digits of a number without zeros at its ends.

    Examples
    --------
    >>> n_digits(18.5), n_digits(1000.0)
    (3, 1)
    """
    return len(Decimal(repr(float(value))).normalize().as_tuple().digits)


def _moments_between(below: Ticks, above: Ticks, quantity: Quantity) -> Ticks:
    """The shortest moments after some and not after others, as clocks show them: of one kind, if such are all."""
    zone = zone_of(quantity.dtype)
    low, high = (t if zone is None else shown_by_clocks(t, "ns", zone) for t in (below, above))
    starts = {unit: _start(low, high, unit) for unit in UNITS}
    for edges in (starts["Y"], _same_days(low, high), starts["M"]):
        if (edges > low).all():
            break
    else:
        edges = high
        for unit in reversed(UNITS):
            edges = np.where(starts[unit] > low, starts[unit], edges)
    return edges if zone is None else moments_of(edges, "ns", zone)


def _start(low: Ticks, high: Ticks, unit: str) -> Ticks:
    """Beginnings of units that are not after some moments, and after others if there are any. Shape: kept."""
    middle, last = (_floor(ticks, unit) for ticks in (low + (high - low) // 2, high))
    return np.where(middle > low, middle, last)


def _floor(ticks: Ticks, unit: str) -> Ticks:
    """The beginnings of units in which moments lie. Shape: kept."""
    return np.asarray(ticks.view("M8[ns]").astype(f"M8[{unit}]").astype("M8[ns]").view(np.int64))


def _same_days(low: Ticks, high: Ticks) -> Ticks:
    """Beginnings of one day of different years, as birthdays change an age, the first of a month if some are. (E,)."""
    months = DAYS_OF_A_YEAR.astype("M8[M]")
    month, day = (months - months[0]), DAYS_OF_A_YEAR - months.astype("M8[D]")
    years = high.view("M8[ns]").astype("M8[Y]")
    own, before = ((y[:, None].astype("M8[M]") + month).astype("M8[D]") + day for y in (years, years - 1))
    ticks, earlier = (days.astype("M8[ns]").view(np.int64) for days in (own, before))
    ticks = np.where(ticks <= high[:, None], ticks, earlier)  # (E, 365)
    fits = np.flatnonzero((ticks > low[:, None]).all(axis=0))
    if not len(fits):
        return low
    firsts = fits[day[fits].astype(int) == 0]
    chosen = firsts if len(firsts) else fits
    return np.asarray(ticks[:, chosen[len(chosen) // 2]])
