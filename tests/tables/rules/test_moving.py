import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.tables.rules.rulebook import Rulebook
from tests.tables.rules.ruled import TABLES, shuffled


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("mirrors", [True, False])
def test_independent_columns_are_made_to_keep_rules(name, mirrors):
    X = TABLES[name](1500)
    book = Rulebook.found(X)
    rows, broken = book.move(shuffled(X), None, np.random.default_rng(0), mirrors=mirrors)
    assert not broken.any()
    assert set(book.held(rows).values()) == {1.0}
    assert rows.dtypes.equals(X.dtypes)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_known_cells_stay_and_others_keep_the_rules_with_them(name, share):
    X = TABLES[name](1500)
    book, new = Rulebook.found(X), X[:800]
    is_free = np.random.default_rng(1).random(new.shape) < share
    start = new.mask(is_free, shuffled(new)).astype(X.dtypes)
    rows, broken = book.move(start, is_free, np.random.default_rng(0))
    assert not broken.any()
    assert set(book.held(rows).values()) == {1.0}
    pd.testing.assert_frame_equal(rows.mask(is_free), new.mask(is_free))


def test_what_lies_beyond_a_bound_is_mirrored_or_set_to_it():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 50, 900)})
    X["b"] = X["a"] + rng.integers(0, 50, 900)
    book = Rulebook.given(["a <= b"], X)
    rows = pd.DataFrame({"a": [20, 5], "b": [17, 9]})
    for mirrors, expected in ((True, [23, 9]), (False, [20, 9])):
        settled, _ = book.move(rows, None, rng, mirrors=mirrors)
        assert settled["b"].tolist() == expected


def test_gaps_stay_gaps():
    X = TABLES["orders"](1500)
    book = Rulebook.found(X)
    rows = shuffled(X).mask(np.random.default_rng(0).random(X.shape) < 0.2)
    settled, broken = book.move(rows, None, np.random.default_rng(0))
    assert not broken.any()
    pd.testing.assert_frame_equal(settled.isna(), rows.isna())


def test_a_circle_has_an_order_too():
    X = pd.DataFrame({"a": [1, 2, 3], "b": [2, 3, 4]})
    book = Rulebook.given(["a = b - 1", "b = a + 1"], X)
    rows, broken = book.move(X.assign(a=7), None, np.random.default_rng(0))
    assert not broken.any()
    assert (rows["b"] == rows["a"] + 1).all()


def test_the_parts_of_a_known_total_are_found_though_each_follows_from_another():
    """The tax follows from the net price, the total from both, and the price of a piece makes up for it, in cents."""
    X = TABLES["orders"](300)
    book = Rulebook.given(["net = price * quantity - discount", "tax = 0.19 * net", "total = net + tax"], X)
    rows = shuffled(X).assign(total=X["total"])
    is_free = np.broadcast_to(X.columns != "total", X.shape)
    settled, broken = book.move(rows, is_free, np.random.default_rng(0))
    assert broken.mean() < 0.3  # those are drawn again
    pd.testing.assert_frame_equal(settled[["total", "kind"]], rows[["total", "kind"]])
    kept = settled[~broken]
    assert_allclose(kept["net"] + kept["tax"], kept["total"], atol=1e-9)
    assert_allclose(kept["tax"], 0.19 * kept["net"], atol=0.005 + 1e-9)
    assert_allclose(kept["net"], kept["price"] * kept["quantity"] - kept["discount"], atol=0.005 + 1e-9)


def test_a_date_is_moved_to_where_a_function_of_what_follows_from_it_is_as_known():
    """Whether a shop is open follows from the weekday and from holidays, and both from the date."""
    rng = np.random.default_rng(0)
    day = pd.Series(pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 500, 5000), "D"))
    X = pd.DataFrame({"day": day, "month": day.dt.month, "holiday": day.isin(rng.permutation(day.unique())[:30])})
    X["open"] = ~X["holiday"] & (day.dt.day_of_week < 5)
    rules = ["month = month(day)", "holiday = f(day)", "open = f(holiday, weekday(day))"]
    book, new = Rulebook.given(rules, X), X[:1000]
    is_free = np.column_stack([np.ones(1000), np.zeros((1000, 1)), rng.random(1000) < 0.5, np.zeros(1000)]).astype(bool)
    start = new.mask(is_free, shuffled(new)).astype(X.dtypes)
    rows, broken = book.move(start, is_free, rng)
    assert not broken.any()
    assert set(book.held(rows).values()) == {1.0}
    pd.testing.assert_frame_equal(rows[["month", "open"]], new[["month", "open"]])
