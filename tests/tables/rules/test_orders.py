import numpy as np
import pandas as pd

from skvae.tables.rules.evidence import Evidence
from skvae.tables.rules.orders import find_bounds
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


def test_gaps_are_left_out():
    X = stays(2000)
    X = X.mask(np.random.default_rng(0).random(X.shape) < 0.1)
    assert found(X) == [("start", "end"), ("end", "paid")]


def test_columns_of_two_kinds_are_not_compared():
    X = stays(2000)
    assert all("length of stay" not in pair for pair in found(X))
