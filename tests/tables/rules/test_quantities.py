import decimal
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.rules.calendar import DAY
from skvae.tables.rules.quantities import Quantity, numbers_of

DAYS = pd.Series(pd.to_datetime(["2020-02-29", "2021-03-01", None]))
COLUMNS = {
    "whole": pd.Series([3, 1, 2]),
    "nullable": pd.Series([3, None, 2], dtype="Int16"),
    "float": pd.Series([0.5, np.nan, 1.25]),
    "narrow": pd.Series([0.1, 0.7], dtype="float32"),
    "decimal": pd.Series([decimal.Decimal("1.50"), None], dtype=pd.ArrowDtype(pa.decimal128(8, 2))),
    "moment": DAYS,
    "seconds": DAYS.astype("datetime64[s]"),
    "zone": DAYS.dt.tz_localize("Europe/Berlin"),
    "arrow": pd.Series(DAYS.dt.date, dtype=pd.ArrowDtype(pa.date32())),
    "duration": pd.Series(pd.to_timedelta([1, 2.5], "h")),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_values_come_back_from_their_numbers(name):
    column = COLUMNS[name]
    numbers, is_gap = numbers_of(column)
    quantity = Quantity.of(column)
    back = pd.Series(quantity.values_of(numbers[~is_gap]), dtype=column.dtype)
    pd.testing.assert_series_equal(back, column[~is_gap].reset_index(drop=True), check_names=False)
    assert_array_equal(quantity.snapped(numbers[~is_gap]), numbers[~is_gap])
    assert quantity.is_inside(numbers[~is_gap]).all()


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["a", "b"]),
        pd.Series([True, False]),
        pd.Series([None, None], dtype="float64"),
        pd.Series([np.inf, 1.0]),
        pd.Series([2**63 - 1, 0]),
        pd.period_range("2020", periods=2, freq="M").to_series(),
    ],
)
def test_what_cannot_be_added_is_no_quantity(column):
    assert Quantity.of(column) is None


def test_numbers_are_snapped_to_what_a_column_holds():
    cents = Quantity.of(pd.Series([0.25, 1.0]))
    assert_array_equal(cents.snapped(np.array([0.291, 0.29])), [0.29, 0.29])
    assert_array_equal(cents.snapped(np.array([0.291, 0.29]), "up"), [0.3, 0.29])
    assert_array_equal(cents.snapped(np.array([0.299, 0.29]), "down"), [0.29, 0.29])
    whole = Quantity.of(pd.Series([1, 2]))
    assert_array_equal(whole.snapped(np.array([1.2, -1.2]), "up"), [2, -1])
    day = Quantity.of(pd.Series(pd.to_datetime(["1970-01-01", "1970-01-02"])))
    assert_array_equal(day.snapped(np.array([DAY + 1, DAY - 1]), "up"), [2 * DAY, DAY])
    assert_array_equal(day.snapped(np.array([DAY + 1, DAY - 1]), "down"), [DAY, 0])
    narrow = Quantity.of(pd.Series(np.random.default_rng(0).normal(size=9), dtype="float32"))
    for toward, sign in (("up", 1), ("down", -1)):
        snapped = narrow.snapped(np.array([0.1]), toward)
        assert sign * (snapped - 0.1) >= 0
        assert snapped == snapped.astype(np.float32)


@pytest.mark.parametrize("change", [{"step": 0}, {"kind": "word"}, {"decimals": 99}, {"upper": -1}])
def test_what_no_column_could_be_is_refused(change):
    with pytest.raises(ValueError, match="are no"):
        replace(Quantity.of(pd.Series([1, 2])), **change)


def test_joined_quantities_hold_the_values_of_both():
    one, other = Quantity.of(pd.Series([0.5, 1.0])), Quantity.of(pd.Series([3.25]))
    joined = one.joined(other)
    assert (joined.lower, joined.upper, joined.decimals) == (0.5, 3.25, 2)
    assert one.joined(Quantity.of(pd.Series([np.pi]))).decimals is None
    days = pd.Series(pd.to_datetime(["2020-01-01", "2020-01-03"]))
    joined = Quantity.of(days).joined(Quantity.of(days + pd.Timedelta("1D")))
    assert joined.step == DAY


def test_dates_of_a_time_zone_are_snapped_to_days_of_its_clocks():
    days = pd.Series(pd.date_range("2020-01-01", periods=400, tz="Europe/Berlin"))
    numbers = numbers_of(days)[0]
    quantity = Quantity.of(days)
    assert quantity.is_local
    assert quantity.step == DAY
    later = numbers[:-9] + 9 * DAY  # an hour beside midnight, where the clocks were changed between
    assert_array_equal(quantity.snapped(later), numbers[9:])
    assert_array_equal(quantity.snapped(numbers + 1, "down"), numbers)
    assert_array_equal(quantity.snapped(numbers - 1, "up"), numbers)
    assert_array_equal(quantity.next(numbers[:-1], 1), numbers[1:])
    assert_array_equal(quantity.next(numbers[1:], -1), numbers[:-1])
    both = Quantity.of(days[:60]).joined(Quantity.of(days[60:]))
    assert both.is_local
    assert_array_equal(both.snapped(later), numbers[9:])
    hours = pd.Series(pd.date_range("2020-01-01", periods=30, freq="h", tz="Europe/Berlin"))
    mixed = quantity.joined(Quantity.of(hours))
    assert_array_equal(mixed.snapped(numbers_of(hours)[0]), numbers_of(hours)[0])
    assert not Quantity.of(hours).is_local
