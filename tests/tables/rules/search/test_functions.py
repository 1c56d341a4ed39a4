import numpy as np
import pandas as pd
import pytest

from skvae.tables.rules.search.evidence import Evidence
from skvae.tables.rules.search.functions import find_functions
from tests.tables.rules.ruled import people


def found(X, targets=()):
    return list(map(str, find_functions(Evidence(X), set(targets))))


def test_functions_of_one_column():
    assert found(people(2000)) == ["country = f(city)", "currency = f(country)"]
    assert found(people(2000), ["country"]) == ["currency = f(country)"]


def test_of_two_that_are_one_the_later_follows():
    city = np.random.default_rng(0).integers(0, 9, 500)
    assert found(pd.DataFrame({"code": city, "name": np.char.add("c", city.astype(str))})) == ["name = f(code)"]


def test_functions_of_two_columns():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 4, 900), "b": rng.integers(0, 4, 900), "other": rng.normal(size=900)})
    X["c"] = rng.permutation(16)[4 * X["a"] + X["b"]] % 5
    assert found(X) == ["c = f(a, b)"]


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_parts_of_the_calendar(zone):
    rng = np.random.default_rng(0)
    day = pd.Series(pd.Timestamp("2019-01-01", tz=zone) + pd.to_timedelta(rng.integers(0, 500, 3000), "D"))
    X = pd.DataFrame({"day": day, "month": day.dt.month, "name": day.dt.day_name(), "year": day.dt.year - 2019})
    X["season"] = (day.dt.month * 100 + day.dt.day + 180) // 300
    X["closed"] = day.isin(rng.permutation(day.unique())[:40])
    assert found(X) == [
        "month = month(day)",
        "name = f(weekday(day))",
        "year = f(year(day))",
        "season = f(month(day), day(day))",
        "closed = f(day)",
    ]


def test_gaps_are_left_out():
    X = people(2000)
    X = X.mask(np.random.default_rng(0).random(X.shape) < 0.2)
    assert found(X) == ["country = f(city)", "currency = f(country)"]


def test_what_hardly_varies_where_the_key_is_known_says_nothing():
    """The veil of mushrooms has many colours, but one wherever the root is known, but for some rows of one root."""
    rng, n = np.random.default_rng(0), 8000
    is_known = np.arange(n) % 3 > 0
    rare = np.flatnonzero(is_known)[:5]
    root = pd.Series(rng.choice(list("abcd"), n)).mask(~is_known)
    veil = pd.Series(np.where(is_known, "w", rng.choice(list("wno"), n)))
    root[rare], veil[rare] = "e", "y"
    assert not found(pd.DataFrame({"root": root, "veil": veil}))


def test_one_row_is_enough_to_break_a_function():
    X = people(2000)
    X.loc[700, "currency"] = "USD"
    assert found(X) == ["country = f(city)"]


def test_values_that_hardly_recur_say_nothing():
    key = np.arange(1000) // 2
    assert not found(pd.DataFrame({"key": key, "half": key % 2}))
