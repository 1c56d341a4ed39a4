import numpy as np
import pandas as pd
import pytest

from skvae.tables.rules.rulebook import Rulebook


def settled(book, rows, free):
    is_free = np.column_stack([np.full(len(rows), name in free) for name in rows])
    new, broken = book.move(rows, is_free, np.random.default_rng(0))
    assert not broken.any()
    return new


def days(n=2000):
    day = pd.Series(pd.Timestamp("2019-01-01") + pd.to_timedelta(np.random.default_rng(0).integers(0, 730, n), "D"))
    holiday = (day.dt.month == 5) & (day.dt.day <= 7)
    return pd.DataFrame({"month": day.dt.month, "day": day, "name": day.dt.day_name(), "holiday": holiday})


def test_a_date_goes_to_the_nearest_that_is_all_that_is_known_of_it():
    X = days()
    book = Rulebook.given(["month = month(day)", "name = f(weekday(day))", "holiday = f(month(day), day(day))"], X)
    rows = X.assign(day=X["day"].sample(frac=1, random_state=1).to_numpy())
    new = settled(book, rows, ["day"])
    assert (new["day"].dt.month == X["month"]).all()
    assert (new["day"].dt.day_name() == X["name"]).all()
    only_name = settled(Rulebook.given(["name = f(weekday(day))"], X), rows, ["day", "month"])
    assert (only_name["day"] - rows["day"]).abs().quantile(0.9) <= pd.Timedelta("3D")


def test_a_category_goes_to_one_of_which_follows_what_is_known():
    rng = np.random.default_rng(0)
    city = rng.integers(0, 12, 500)
    X = pd.DataFrame({"city": np.char.add("c", city.astype(str)), "country": city % 3})
    book = Rulebook.given(["country = f(city)"], X)
    new = settled(book, X.assign(city="c1"), ["city"])
    assert (new["city"].str[1:].astype(int) % 3 == X["country"]).all()
    assert new["city"].nunique() > 6


def test_columns_of_a_function_of_two():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.choice(list("xyz"), 900), "b": rng.choice(list("uvw"), 900)})
    X["c"] = X["a"] + X["b"]
    book = Rulebook.given(["c = f(a, b)"], X)
    new = settled(book, X.assign(a="x"), ["a"])
    pd.testing.assert_frame_equal(new, X)
    pd.testing.assert_frame_equal(settled(book, X.assign(a="x", b="u"), ["a", "b"]), X)


def test_a_date_goes_to_where_a_function_of_its_month_and_of_another_that_follows_is_as_known():
    X = days()
    X["rate"] = X["month"].astype(str) + X["holiday"].map({True: " high", False: " low"})
    book = Rulebook.given(["month = month(day)", "holiday = f(month(day), day(day))", "rate = f(month, holiday)"], X)
    rows = X.assign(day=X["day"].sample(frac=1, random_state=1).to_numpy())
    new = settled(book, rows, ["day", "month", "holiday"])
    assert (new["day"].dt.month == X["month"]).all()
    pd.testing.assert_series_equal(new["holiday"], X["holiday"])


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/Santiago", "Asia/Kolkata"])
def test_a_moment_goes_to_an_hour_and_a_month_and_keeps_its_own_time_in_these(zone):
    source = np.random.default_rng(0)
    minutes = source.integers(0, 730 * 1440, 2000)
    at = pd.Series(pd.Timestamp("2019-01-01", tz="UTC") + pd.to_timedelta(minutes, "min")).dt.tz_convert(zone)
    X = pd.DataFrame({"at": at, "month": at.dt.month, "hour": at.dt.hour})
    book = Rulebook.given(["month = month(at)", "hour = hour(at)"], X)
    rows = X.assign(at=at.sample(frac=1, random_state=1).to_numpy() if zone is None else at[::-1].array)
    new = settled(book, rows, ["at"])
    assert (new["at"].dt.hour == X["hour"]).all()
    assert (new["at"].dt.month == X["month"]).all()
    assert new["at"].between(at.min(), at.max()).all()
    assert (new["at"].dt.minute == rows["at"].dt.minute).mean() > 0.99
    only_month = settled(Rulebook.given(["month = month(at)"], X), rows, ["at", "hour"])
    assert (only_month["at"].dt.month == X["month"]).all()
    assert (only_month["at"].dt.hour == rows["at"].dt.hour).mean() > 0.95


def test_dates_of_a_time_zone_go_to_months_of_its_clocks():
    X = days()
    X["day"] = X["day"].dt.tz_localize("Europe/Berlin")
    book = Rulebook.given(["month = month(day)", "name = f(weekday(day))"], X)
    new = settled(book, X.assign(day=X["day"][::-1].array), ["day"])
    assert (new["day"].dt.month == X["month"]).all()
    assert (new["day"].dt.day_name() == X["name"]).all()
    assert (new["day"] == new["day"].dt.normalize()).all()
