import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvae.tables.rules.draft import Draft
from skvae.tables.rules.quantities import Quantity
from skvae.tables.rules.reading import read_rules
from skvae.tables.rules.rulebook import quantities_of
from tests.tables.rules.ruled import draft_of, orders, stays


@pytest.mark.parametrize(
    ("text", "rows", "column"),
    [
        ("total = net + tax", orders, "total"),
        ("total = net + tax", orders, "tax"),
        ("net = price * quantity - discount", orders, "net"),
        ("net = price * quantity - discount", orders, "discount"),
        ("net = price * quantity - discount", orders, "quantity"),
        ("1 = (net + discount) / (price * quantity)", orders, "net"),
        ("`length of stay` = days(end - start)", stays, "length of stay"),
        ("`length of stay` = days(end - start)", stays, "start"),
        ("end - start = paid - start - (paid - end)", stays, "paid"),
    ],
)
def test_equations_are_solved_for_any_column(text, rows, column):
    X = rows(300)
    (rule,) = read_rules(text)
    changed = X.assign(**{column: X[column].sample(frac=1, random_state=0).to_numpy()})
    draft = draft_of(changed, rule)
    draft.put(column, np.ones(len(X), dtype=bool), rule.solved(draft, column))
    assert not rule.broken(draft).any()
    if column != "paid":  # which falls out of its rule
        pd.testing.assert_series_equal(draft.frame()[column], X[column], check_exact=False, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("y = log(x)", "x"),
        ("y = sqrt(x) - 3", "x"),
        ("y = 5 / x", "x"),
        ("y = w / x / x", "x"),
        ("y = exp(x / 50)", "x"),
        ("y = 3 * x * x + w", "x"),
    ],
)
def test_formulas_that_bend_are_solved_within_the_range(text, column):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.uniform(1, 90, 400), "w": rng.uniform(1, 9, 400)})
    (rule,) = read_rules(text)
    X["y"] = rule.right.value(Draft(X, {name: Quantity.of(X[name]) for name in X})).numbers
    changed = X.assign(x=rng.permutation(X["x"]))  # from where the solution is far
    assert_allclose(rule.solved(draft_of(changed, rule), column), X[column], rtol=1e-7)


def test_of_solutions_that_are_rounded_alike_one_in_the_range_is_taken():
    """The tax of 366.15 and that of 366.16 are 69.57, and no price was higher than the former."""
    X = pd.DataFrame({"net": [100.0, 366.15, 366.15], "tax": [19.0, 69.57, 69.58]})
    (rule,) = read_rules("tax = 0.19 * net")
    draft = draft_of(X, rule)
    assert rule.solve(draft, "net", np.ones(3, dtype=bool)).tolist() == [False, False, True]
    assert draft.frame()["net"].tolist() == [100.0, 366.15, 366.21]


def test_what_the_decimals_of_free_cells_leave_room_for_is_not_impossible():
    """Four pieces whose price is in cents do not make 10.02 or 10.03, but nearly; 10.05 they do not make of 2.52."""
    X = pd.DataFrame({"price": [2.5, 2.51, 2.51, 2.52], "pieces": [4, 4, 4, 4], "total": [10.0, 10.02, 10.03, 10.05]})
    (rule,) = read_rules("total = price * pieces")
    quantities = quantities_of(X, [rule])
    is_free = np.zeros(X.shape, dtype=bool)
    assert rule.broken(Draft(X, quantities, is_free)).tolist() == [False, True, True, True]
    assert rule.impossible(Draft(X, quantities, is_free)).tolist() == [False, True, True, True]
    is_free[:, 0] = True
    assert rule.impossible(Draft(X, quantities, is_free)).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("text", "target"),
    [("a = b + c", "c"), ("c = a * b", "c"), ("a = b * c", "a"), ("a + b = 1", "b"), ("b = days(c - a)", "b")],
)
def test_of_a_sum_the_last_column_is_computed(text, target):
    (rule,) = read_rules(text)
    assert rule.target(["a", "b", "c"]) == target


@pytest.mark.parametrize(
    ("text", "is_part"),
    [
        ("m = month(`b c`)", True),
        ("m + 1 = month(`b c`)", False),
        ("month(`b c`) = m", False),
        ("m = month(`b c`) + 1", False),
        ("m = `b c`", False),
    ],
)
def test_an_equation_may_say_that_a_column_is_a_part_of_the_calendar(text, is_part):
    (rule,) = read_rules(text)
    assert rule.follows_from(["a", "b c"]) == is_part
    assert not rule.follows_from(["a"])


def test_the_part_of_the_calendar_is_the_outcome_of_a_date():
    (rule,) = read_rules("m = month(day)")
    days = pd.to_datetime(["2020-01-31", "2021-12-01"])
    assert (rule.parts("day"), rule.parts("month")) == ({"month"}, set())
    assert rule.outcome({"day": pd.Index(days.as_unit("ns").astype("int64"))}).tolist() == [1, 12]


@pytest.mark.parametrize(
    ("text", "unknowns"),
    [
        ("a = b + c", ["a", "b", "c"]),
        ("m = month(day)", ["m"]),
        ("n = hour(end) - hour(start)", ["n"]),
        ("month(a) = month(b)", []),
    ],
)
def test_dates_are_not_solved_for(text, unknowns):
    (rule,) = read_rules(text)
    assert rule.unknowns == unknowns


def test_equations_hold_to_the_last_decimal_of_the_left_side():
    X = pd.DataFrame({"total": [2.67, 2.68, 2.69], "price": [0.89] * 3, "quantity": [3.005] * 3})
    (rule,) = read_rules("total = price * quantity")
    assert_array_equal(rule.broken(draft_of(X, rule)), [False, True, True])
    X = pd.DataFrame({"a": [0.3, 0.31], "b": [0.1] * 2, "c": [0.2] * 2})
    (rule,) = read_rules("b + c = a")
    assert_array_equal(rule.broken(draft_of(X, rule)), [False, True])


def test_solutions_beyond_the_range_are_told_or_moved_to_its_end():
    X = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6], "whole": [5, 7, 9]})
    (rule,) = read_rules("whole = a + b")
    every = np.ones(3, dtype=bool)
    for inside, expected in ((False, [4, 5, 96]), (True, [4, 5, 6])):
        draft = Draft(X.assign(whole=[5, 7, 99]), quantities_of(X, [rule]))
        assert_array_equal(rule.solve(draft, "b", every, inside=inside), [False, False, True])
        assert_array_equal(draft.numbers("b"), expected)
