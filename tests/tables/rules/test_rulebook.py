from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from skvae.tables.rules.rulebook import Rulebook
from tests.tables.rules.ruled import FOUND, TABLES, orders, people, stays


@pytest.mark.parametrize("name", TABLES)
def test_texts_give_the_same_rules_again(name):
    X = TABLES[name](1500)
    book = Rulebook.found(X)
    assert set(FOUND[name]) <= set(book.texts)
    again = Rulebook.given(book.texts, X)
    assert again.texts == book.texts
    assert set(again.held(TABLES[name](700, seed=3)).values()) <= {1.0} | set(again.held(X).values())


def test_columns_that_are_left_out_have_no_rules():
    X = orders(1500)
    for name in ("total", "net", "tax"):
        book = Rulebook.found(X, [list(X).index(name)])
        assert "total = net + tax" not in book.texts
        assert book.names == list(X)


def test_a_rule_that_rows_break_is_refused_with_the_first_such_row():
    X = orders(1000)
    row = int(np.flatnonzero(X["discount"] > 0)[0])
    with pytest.raises(ValueError, match=rf"break 'net = price \* quantity', the first of them row {row}: net = "):
        Rulebook.given(["net = price * quantity"], X)
    share = (X["discount"] > 0).mean()
    with pytest.raises(ValueError, match=f"but {share:.3%} of them"):
        Rulebook.given(["net = price * quantity"], X)


def test_functions_that_rows_break_are_refused():
    X = people(500)
    X.loc[3, "country"] = "XX"
    with pytest.raises(ValueError, match=r"country = f\(city\)"):
        Rulebook.given(["country = f(city)"], X)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["a = b"], "names column 'a', but the columns are"),
        (["kind <= net"], "The rule 'kind <= net' cannot be asked of these columns. .*column 'kind' has dtype"),
        (["days(net) = 3"], r"The rule 'days\(net\) = 3' cannot .*Write it as in days\(end - start\)"),
        (["month(net) = 3"], r"The rule 'month\(net\) = 3' cannot .*has dtype float64. Convert it"),
        (["net = f(kind) + 1"], "The rule 'net = .* cannot be asked"),
        (["net"], "has none"),
    ],
)
def test_what_rules_cannot_say_is_refused(texts, sentence):
    with pytest.raises(ValueError, match=sentence):
        Rulebook.given(texts, orders(50))


@pytest.mark.parametrize("value", [2**62 + 1, 10**30 + 1])
def test_numbers_that_are_too_large_for_rules_get_a_sentence(value):
    pa = pytest.importorskip("pyarrow")
    large = pd.Series([Decimal(value)] * 50, dtype=pd.ArrowDtype(pa.decimal128(38, 0)))
    with pytest.raises(ValueError, match=r"'large = net' cannot .*column 'large' .* over 15 digits"):
        Rulebook.given(["large = net"], orders(50).assign(large=large))
    assert Rulebook.given(["large = f(kind)"], orders(50).assign(large=large)).texts == ["large = f(kind)"]


def test_more_rows_drop_rules_that_were_found_and_refuse_those_that_were_given():
    X, later = stays(1500), stays(300, seed=1)
    later.loc[7, "paid"] = later.loc[7, "end"] - pd.Timedelta("2D")
    book = Rulebook.found(X)
    assert set(book.texts) - set(book.after(later).texts) == {"end <= paid"}
    assert book.after(stays(300, seed=1)).texts == book.texts
    with pytest.raises(ValueError, match="end <= paid"):
        Rulebook.given(["end <= paid"], X).after(later)


def test_functions_and_ranges_grow_with_more_rows():
    X = people(2000)
    first, later = X[X["city"] < "city 3"], X[X["city"] >= "city 3"]
    book = Rulebook.given(["country = f(city)", "income >= 0"], first).after(later)
    assert len(book.rules[0].values) == X["city"].nunique()
    assert book.quantities["income"].upper == X["income"].max()


def test_shares_of_rows_that_keep_rules():
    X = orders(1000)
    book = Rulebook.stated(["total = net", "discount <= net", "kind = f(quantity)"], X)
    shares = book.held(X)
    assert shares["total = net"] == (X["total"] == X["net"]).mean()
    assert shares["discount <= net"] == 1
    assert 0 < shares["kind = f(quantity)"] < 1


def test_known_cells_that_contradict_a_rule_are_found():
    X = orders(200)
    book = Rulebook.given(["total = net + tax"], X)
    wrong = X.assign(total=1.0)
    known = np.zeros(X.shape, dtype=bool)
    assert book.contradicted(wrong, known) == []
    known[5, [3, 4, 5]] = True
    ((rule, broken),) = book.contradicted(wrong, known)
    assert str(rule) == "total = net + tax"
    assert np.flatnonzero(broken).tolist() == [5]


def test_cells_beyond_what_their_column_had_are_found():
    X = orders(200)
    book = Rulebook.given(["total = net + tax"], X)
    wrong, free = X.copy(), np.ones(X.shape, dtype=bool)
    wrong.loc[4, "tax"] = -1.0
    name, is_beyond = book.beyond(wrong, free)
    assert (name, np.flatnonzero(is_beyond).tolist()) == ("tax", [4])
    assert not book.beyond(wrong, ~free)[1].any()


def test_rules_of_no_rows_are_none():
    assert Rulebook.found(orders(5)).rules == []


def test_days_are_moved_to_the_weekday_and_month_that_are_drawn_beside_them():
    rng = np.random.default_rng(0)
    day = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.permutation(731), "D"))
    X = pd.DataFrame({"day": day, "weekday": day.dt.day_of_week, "month": day.dt.month, "n": rng.normal(size=731)})
    book = Rulebook.given(["weekday = weekday(day)", "month = month(day)"], X)
    drawn = X.assign(weekday=rng.permutation(X["weekday"]))
    rows = book.aligned(drawn, None, rng)
    assert set(book.held(rows).values()) == {1.0}
    pd.testing.assert_frame_equal(rows.drop(columns="day"), drawn.drop(columns="day"))
    assert (rows["day"] - drawn["day"]).abs().max() <= pd.Timedelta(6, "D")  # three, but for the ends of months
    is_free = np.ones(X.shape, dtype=bool)
    is_free[:, 0] = False
    pd.testing.assert_frame_equal(book.aligned(drawn, is_free, rng), drawn)


def test_days_stay_where_no_day_has_what_is_drawn_beside_them():
    day = pd.Series(pd.date_range("2020-01-01", periods=60))
    X = pd.DataFrame({"day": day, "month": day.dt.month, "weekday": day.dt.day_of_week})
    book = Rulebook.given(["month = month(day)", "weekday = weekday(day)"], X)
    drawn = X.assign(month=12)
    pd.testing.assert_frame_equal(book.aligned(drawn, None, np.random.default_rng(0)), drawn)


def test_days_that_are_far_or_bound_to_others_stay():
    rng = np.random.default_rng(0)
    day = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.permutation(1000), "D"))
    X = pd.DataFrame(
        {"day": day, "quarter": day.dt.quarter, "end": day + pd.to_timedelta(rng.integers(0, 9, 1000), "D")}
    )
    drawn = X.assign(quarter=rng.permutation(X["quarter"]))
    bound = Rulebook.given(["quarter = quarter(day)", "day <= end"], X)
    pd.testing.assert_frame_equal(bound.aligned(drawn, None, rng), drawn)
    alone = Rulebook.given(["quarter = quarter(day)"], X)
    moved = alone.aligned(drawn, None, rng)["day"]
    assert (moved != drawn["day"]).any()
    assert (moved - drawn["day"]).abs().max() <= pd.Timedelta(20, "D")
