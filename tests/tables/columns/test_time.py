import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.columns.time import TimeSurvey
from tests.tables.columns.values import series

DAY = 86_400
STEPS = {  # kind: ticks of a step
    "datetime64[s]": DAY,
    "datetime64[ms]": DAY * 10**3,
    "datetime64[us]": DAY * 10**6,
    "datetime64[ns]": DAY * 10**9,
    "timedelta64[s]": DAY,
    "timedelta64[ns]": DAY * 10**9,
    "period[D]": 1,
    "period[Y]": 1,
    "arrow timestamp": DAY * 10**6,
    "arrow date32": DAY,
    "arrow date64": DAY,
    "arrow duration": DAY * 10**3,
}


def fitted(values):
    survey = TimeSurvey(values.name, values.dtype)
    survey.add(values)
    return survey.learned().codec


def test_times_come_back(kind, times):
    values = times(kind)
    column = fitted(values)
    steps = column.encode(values)
    assert steps.min() == 0.0
    assert_array_equal(steps, np.rint(steps))
    assert np.gcd.reduce(steps.astype(int)) == 1  # no larger step reaches all of them
    decoded = pd.Series(column.decode(steps), name="a")
    pd.testing.assert_series_equal(decoded, values)
    assert (np.argsort(steps, kind="stable") == np.argsort(values.to_numpy(), kind="stable")).all()


def test_gaps_between_times_come_back(kind, times):
    values = times(kind)
    values[1] = None
    column = fitted(values)
    steps = column.encode(values)
    assert np.isnan(steps).tolist() == [False, True, False, False]
    pd.testing.assert_series_equal(pd.Series(column.decode(steps), name="a"), values)
    nothing = fitted(values[1:2])  # a column without any is refused by the table, in its own words
    assert np.isnan(nothing.encode(values[1:2])).all()


@pytest.mark.parametrize(("kind", "step"), STEPS.items())
def test_the_step_of_days_is_a_day(kind, step, times):
    column = fitted(times(kind))
    assert column.step == step
    between = column.decode(np.array([0.49, 0.51, 10.2]))
    assert list(between) == list(column.decode(np.array([0.0, 1.0, 10.0])))


@pytest.mark.parametrize(("freq", "seconds"), [("15min", 900), ("D", DAY), ("7D", 7 * DAY), ("s", 1), ("h", 3600)])
def test_the_step_is_the_columns_own_precision(freq, seconds):
    moments = pd.Series(pd.date_range("1999-12-31 08:00", periods=500, freq=freq), name="a")
    shuffled = moments.sample(frac=1.0, random_state=0)
    column = fitted(shuffled.astype("datetime64[ns]"))
    assert column.step == seconds * 10**9
    assert sorted(column.encode(shuffled)) == list(range(500))
    drawn = pd.Series(column.decode(np.random.default_rng(0).uniform(0, 499, 100)))
    assert drawn.isin(moments).all()


def test_a_moment_has_the_same_steps_in_any_zone_and_unit(times):
    column = fitted(times("Europe/Oslo"))
    steps = column.encode(times("Europe/Oslo"))
    for kind in ("America/New_York", "UTC", "arrow zoned"):
        assert_array_equal(column.encode(times(kind)), steps)
    column = fitted(times("datetime64[ns]"))
    for kind in ("datetime64[s]", "datetime64[us]", "arrow timestamp", "arrow date32"):
        assert_array_equal(column.encode(times(kind)), column.encode(times("datetime64[ns]")))


@pytest.mark.parametrize(("before", "after"), [(None, "UTC"), ("Europe/Oslo", None)])
def test_moments_without_a_zone_are_not_those_with_one(before, after):
    moments = pd.Series(pd.date_range("2021-10-30", periods=8, freq="h"), name="a")
    column = fitted(moments.dt.tz_localize(before))
    with pytest.raises(ValueError, match=r"column 'a' held .* at fit, and now has dtype .* Convert it with \.dt"):
        column.encode(moments.dt.tz_localize(after))
    assert np.isnan(column.encode(moments.where(moments.isna()).dt.tz_localize(after))).all()  # a gap has no zone


def test_daylight_saving_neither_loses_nor_doubles_an_hour():
    moments = pd.Series(pd.date_range("2021-10-30 22:00", periods=8, freq="h", tz="UTC"), name="a")
    local = moments.dt.tz_convert("Europe/Oslo")  # 02:30 comes twice
    column = fitted(local)
    assert column.encode(local).tolist() == list(range(8))
    pd.testing.assert_series_equal(pd.Series(column.decode(np.arange(8.0)), name="a"), local)


def test_centuries_of_nanoseconds_come_back():
    values = series(pd.to_datetime(["1700-01-01", "1850-06-15", "2100-01-01"]), "datetime64[ns]")
    column = fitted(values)
    assert list(column.decode(column.encode(values))) == list(values)


def test_a_constant_moment_comes_back():
    values = series(pd.to_datetime(["2020-01-01"] * 3), "datetime64[us]")
    column = fitted(values)
    assert column.encode(values).tolist() == [0.0, 0.0, 0.0]
    assert list(column.decode(np.array([0.0, 0.2]))) == [pd.Timestamp("2020-01-01")] * 2


@pytest.mark.parametrize("values", [[1.0, 2.0], ["2020-01-01", "2020-01-02"], [True, False]])
def test_times_that_became_something_else_get_a_sentence(values, times):
    column = fitted(times("datetime64[us]"))
    sentence = r"Column 'a' held datetime64\[us\] at fit, but now has dtype .* Convert it with pandas.to_datetime or"
    with pytest.raises(ValueError, match=sentence):
        column.encode(series(values, None))


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA, pd.NaT])
def test_gaps_alone_say_nothing_of_a_type(gap, times):
    assert np.isnan(fitted(times("datetime64[us]")).encode(pd.Series([gap] * 3, dtype=object))).all()


@pytest.mark.parametrize(
    ("before", "given"),
    [
        ("datetime64[us]", "timedelta64[s]"),
        ("timedelta64[s]", "datetime64[us]"),
        ("period[D]", "datetime64[us]"),
        ("period[D]", "period[M]"),
    ],
)
def test_times_of_another_kind_get_a_sentence(before, given, times):
    with pytest.raises(ValueError, match=r"Column 'a' held .* at fit, but now has dtype"):
        fitted(times(before)).encode(times(given))


@pytest.mark.parametrize("dtype", ["timedelta64[s]", "timedelta64[ns]", "datetime64[ns]"])
def test_two_times_may_be_as_far_apart_as_64_bits_reach(dtype):
    ends = np.array([-(2**62) - 1, 2**62 + 1, -(2**62) - 1])
    values = pd.Series(ends.view(dtype.replace("timedelta64", "m8").replace("datetime64", "M8")), name="a")
    column = fitted(values)
    assert column.step == 2**63 + 2
    steps = column.encode(values)
    assert steps.tolist() == [0.0, 1.0, 0.0]
    assert steps.dtype == np.float64
    pd.testing.assert_series_equal(pd.Series(column.decode(steps), name="a"), values)


ZONED = {
    "numpy": "datetime64[us, Europe/Berlin]",
    "nanoseconds": "datetime64[ns, Europe/Berlin]",
    "arrow": pd.ArrowDtype(pa.timestamp("ms", "Europe/Berlin")),
}


def dates(dtype, begin="2020-01-01", n=400):
    return pd.Series(pd.date_range(begin, periods=n, tz="Europe/Berlin")).astype(dtype).rename("a")


@pytest.mark.parametrize("dtype", ZONED.values(), ids=ZONED)
def test_dates_of_a_time_zone_are_days_though_some_have_23_hours(dtype):
    values = dates(dtype)
    column = fitted(values)
    assert_array_equal(column.encode(values), np.arange(400))
    assert_array_equal(column.encode(values.astype("datetime64[us, UTC]")), np.arange(400))  # the same moments
    assert_array_equal(column.amounts(np.arange(400.0)), np.arange(400))
    between = pd.Series(column.decode(np.arange(400) + 0.3), name="a")
    pd.testing.assert_series_equal(between, values)
    assert np.isnan(column.measured(np.array([np.nan, 1.0]))).tolist() == [True, False]
    assert_array_equal(column.measured(np.arange(400.0)), column.ticks(values)[0] - hours_ahead(values, column.unit))


def hours_ahead(values, unit):
    offset = values.astype("datetime64[us, Europe/Berlin]").map(lambda moment: moment.utcoffset())
    return (offset / pd.Timedelta(1, unit)).to_numpy()


def test_dates_of_winter_say_how_those_of_summer_are_counted():
    values = dates(ZONED["numpy"])
    survey = TimeSurvey("a", values.dtype)
    survey.add(values[:40])
    survey.add(values)
    pd.testing.assert_series_equal(pd.Series(survey.learned().codec.decode(np.arange(400.0)), name="a"), values)


def test_hours_of_a_time_zone_are_counted_without_regard_to_its_clocks():
    values = pd.Series(pd.date_range("2020-10-24", periods=72, freq="h", tz="Europe/Berlin"), name="a")  # 2:00 twice
    column = fitted(values)
    pd.testing.assert_series_equal(pd.Series(column.decode(column.encode(values)), name="a"), values)


def test_steps_are_said_in_words():
    assert fitted(dates(ZONED["numpy"])).precision_in_words(0) == "values in steps of 1 days 00:00:00"
    months = pd.Series(pd.period_range("2020-01", periods=4, freq="Q"), name="a")
    assert fitted(months).precision_in_words(0) == "values in steps of 1 period(s)"


@pytest.mark.parametrize("dtype", ["period[M]", "datetime64[us]"])
def test_a_condition_is_no_period_of_several_values(dtype):
    values = pd.Series(pd.date_range("2020-01-01", periods=300)).astype(dtype).rename("a")
    column = fitted(values)
    expected = values[values == values[31]].iloc[0]
    finer = pd.Series([pd.Period("2020-02-01", "D")])
    assert column.as_kind(finer, "a date").tolist() == [expected]
    for longer in (pd.Period("2020", "Y"), pd.Period("2020Q1", "Q")):
        for asked in (pd.Series([longer]), pd.Series([longer], dtype=object)):
            with pytest.raises(ValueError, match=r"of which Period\('2020.*are several\. Pass one of these, such as"):
                column.as_kind(asked, "a date")


def test_periods_of_another_length_say_how_to_convert_them():
    months = pd.Series(pd.period_range("2020-01", periods=40, freq="M"), name="a")
    for other in (months.dt.asfreq("D"), months.dt.to_timestamp()):
        with pytest.raises(ValueError, match=r"Convert it with \.astype\('period\[M\]'\)\."):
            fitted(months).encode(other)
        assert_array_equal(fitted(months).encode(other.astype("period[M]")), np.arange(40))


@pytest.mark.parametrize("dtype", ["float64", "object", "string", "datetime64[s]", "timedelta64[s]"])
@pytest.mark.parametrize("kind", ["datetime64[us]", "timedelta64[s]", "period[D]", "Europe/Oslo"])
def test_a_column_of_gaps_says_nothing_of_a_type(dtype, kind, times):
    assert np.isnan(fitted(times(kind)).encode(pd.Series([None] * 3, dtype=dtype, name="a"))).all()


def test_a_condition_on_periods_of_two_days_is_one_of_them():
    values = pd.Series(pd.period_range("2020-01-01", periods=9, freq="2D"), name="a")
    assert fitted(values).as_kind(values[3:4], "a date").tolist() == [pd.Period("2020-01-07", "2D")]
