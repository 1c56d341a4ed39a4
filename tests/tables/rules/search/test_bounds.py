import numpy as np
import pandas as pd
import pytest

from skvae.tables.rules.search.bounds import find_bounds
from skvae.tables.rules.search.evidence import Evidence
from tests.tables.rules.ruled import stays


def found(X):
    return find_bounds(Evidence(X))


def test_dates_in_order():
    assert found(stays(2000)) == [("start", "end"), ("end", "paid")]


def test_few_rows_say_nothing():
    assert not found(stays(499))


def test_one_row_is_enough_to_break_a_bound():
    X = stays(2000)
    X.loc[500, "end"] = X.loc[500, "start"] - pd.Timedelta("1D")
    assert found(X) == [("start", "paid"), ("end", "paid")] or ("start", "end") not in found(X)


def test_ranges_apart_are_no_bound():
    rng = np.random.default_rng(0)
    assert not found(pd.DataFrame({"a": rng.normal(size=2000), "b": 100 + rng.normal(size=2000)}))


def test_numbers_that_grow_together_are_no_bound():
    rng = np.random.default_rng(0)
    size, n = rng.normal(size=2000), 2000
    X = pd.DataFrame({"a": 3 * size + rng.normal(size=n), "b": 3 * size + 7 + rng.normal(size=n)})
    assert (X["a"] < X["b"]).all() and not found(X)
    assert (np.exp(X["a"]) < np.exp(X["b"])).all() and not found(np.exp(X))


def test_another_unit_is_no_bound():
    rng = np.random.default_rng(0)
    months = rng.integers(0, 72, 2000)
    X = pd.DataFrame({"months": months, "paid": months * rng.uniform(20, 100, 2000).round(2)})
    assert not found(X)


def test_a_part_that_comes_up_to_the_whole_is_bounded_by_it():
    rng = np.random.default_rng(0)
    whole = rng.lognormal(5, 1, 2000).round()
    part = (whole * np.exp(rng.normal(-1.6, 0.2, 2000))).round()
    X = pd.DataFrame({"part": part, "whole": whole})
    assert not found(X)
    X.loc[7, "part"] = X.loc[7, "whole"]
    assert found(X) == [("part", "whole")]


def test_extremes_are_bounds_of_a_mean_however_far_they_are_apart():
    rng = np.random.default_rng(0)
    hours = rng.normal(20, 4, (2000, 12)) + rng.normal(0, 5, (2000, 1))
    X = pd.DataFrame({"mean": hours.mean(axis=1), "min": hours.min(axis=1), "max": hours.max(axis=1)})
    assert (X["mean"] - X["min"]).min() > 1
    assert found(X) == [("mean", "max"), ("min", "mean")]


@pytest.mark.parametrize("gap", [0, 30])
def test_the_order_of_dates_counts_however_far_they_are_apart(gap):
    X = stays(2000)
    assert found(X.assign(paid=X["paid"] + pd.Timedelta(gap, "D"))) == [("start", "end"), ("end", "paid")]


def test_gaps_are_left_out():
    X = stays(2000)
    X = X.mask(np.random.default_rng(0).random(X.shape) < 0.1)
    assert found(X) == [("start", "end"), ("end", "paid")]


def test_columns_of_two_kinds_are_not_compared():
    X = stays(2000)
    assert all("length of stay" not in pair for pair in found(X))
