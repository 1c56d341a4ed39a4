import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.columns.zones import NAT, are_days, moments_of, shown_by_clocks, ticks_of_a_day

ZONES = [
    "Europe/Berlin",
    "America/Santiago",
    "Australia/Lord_Howe",
    "+05:30",
    "UTC",
]  # Santiago: days that begin at 1:00
UNITS = ["s", "ms", "us", "ns"]


def ticks_of(moments, unit):
    return moments.as_unit(unit).tz_convert("UTC").tz_localize(None).to_numpy().view(np.int64)


def midnights(zone):
    days = pd.date_range("2019-01-01", "2021-12-31")
    return days.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(len(days), dtype=bool))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("zone", ZONES)
def test_dates_are_steps_of_one_day_by_their_clocks(zone, unit):
    ticks = ticks_of(midnights(zone), unit)
    assert are_days(ticks, unit, zone)
    shown = shown_by_clocks(ticks, unit, zone)
    assert_array_equal(np.diff(shown), ticks_of_a_day(unit))
    assert_array_equal(moments_of(shown, unit, zone), ticks)


def test_clocks_show_what_pandas_says():
    moments = pd.date_range("2020-01-01", periods=9_000, freq="h", tz="Europe/Berlin", unit="s")
    expected = moments.tz_localize(None).to_numpy().view(np.int64)
    is_put_forward = moments == pd.Timestamp("2020-03-29 03:00", tz="Europe/Berlin")  # what 2:00 would have been
    shown = shown_by_clocks(ticks_of(moments, "s"), "s", "Europe/Berlin")
    assert_array_equal(shown, np.where(is_put_forward, expected - 3600, expected))


def test_a_gap_stays_one():
    gap = np.array([NAT])
    assert_array_equal(shown_by_clocks(gap, "us", "Europe/Berlin"), gap)
    assert_array_equal(moments_of(gap, "us", "Europe/Berlin"), gap)


@pytest.mark.parametrize(
    "moments",
    [
        pd.date_range("2020-01-01", periods=400, tz="UTC").tz_convert("Europe/Berlin"),  # days of another zone
        pd.date_range("2020-01-01", periods=30, freq="h", tz="Europe/Berlin"),
        pd.DatetimeIndex(["2020-10-25 01:00"], tz="UTC"),  # 2:00 in Berlin for the second time
        pd.DatetimeIndex([], tz="Europe/Berlin"),
    ],
)
def test_other_moments_are_no_days(moments):
    assert not are_days(ticks_of(moments, "us"), "us", "Europe/Berlin")


@pytest.mark.parametrize("ticks", [2**62, -(2**62), 86_400 * 4_000_000])
def test_far_moments_are_those_of_utc(ticks):
    far = np.array([ticks, NAT, 0])
    assert_array_equal(shown_by_clocks(far, "s", "Europe/Berlin"), [ticks, NAT, 3600])
    assert_array_equal(moments_of(far, "s", "Europe/Berlin"), [ticks, NAT, -3600])
