import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvae.tables.rules.constraints import Bound, Function, read_rules
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.rulebook import quantities_of
from tests.tables.rules.ruled import orders, people, stays


def draft_of(rows, *rules):
    return Draft(rows, quantities_of(rows, rules))


@pytest.mark.parametrize(
    "text",
    ["a = b + c", "a <= b", "a > `b c`", "`a b` = f(month(d), e)", "a + b = 1", "n = days(end - start)"],
)
def test_rules_are_written_as_they_are_read(text):
    (rule,) = read_rules(text)
    assert str(rule) == text
    assert list(map(str, read_rules(str(rule)))) == [text]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a + b", "has none"),
        ("a ~ b", "claims nothing"),
        ("1 <= 2", "names none"),
        ("a + 1 = f(b)", "gives one column"),
        ("a = f(a)", "gives one column"),
        ("= b", "a sign with nothing on one side"),
        *(
            (f"a {sign} b", f"'a {sign} b' has a sign with nothing on one side")
            for sign in ("><", "<>", "=>", "=<", ">>")
        ),
        ("a != b", "The rule 'a != b' cannot be read. 'a !' is no formula"),
        ("a >= (b", "The rule .* cannot be read. .*never closed"),
        ("`a > b", "a backtick is open"),
        ("a > b; b > c", "'b; b' is no formula"),
        ("a = b ** 2", "The rule 'a = b .* cannot be read. A rule is made of columns"),
        ("a = sin(b)", "The rule .* cannot be read. A rule knows abs"),
        ("", "'' has none"),
    ],
)
def test_what_is_no_rule_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        read_rules(text)
    assert repr(text) in str(caught.value)
    assert re.search("'total = a \\+ b'|'a = f\\(b\\)'", str(caught.value))  # an example of a right one


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
    ("text", "target"),
    [("a = b + c", "c"), ("c = a * b", "c"), ("a = b * c", "a"), ("a + b = 1", "b"), ("b = days(c - a)", "b")],
)
def test_of_a_sum_the_last_column_is_computed(text, target):
    (rule,) = read_rules(text)
    assert rule.target(["a", "b", "c"]) == target


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("m = month(`b c`)", ("b c", "month")),
        ("m + 1 = year(b)", ("b", "year")),
        ("month(b) = m", None),
        ("m = month(b) + 1", None),
        ("m = b", None),
    ],
)
def test_an_equation_knows_the_part_of_the_calendar_on_its_right(text, part):
    (rule,) = read_rules(text)
    assert rule.part == part


def test_equations_hold_to_the_last_decimal_of_the_left_side():
    X = pd.DataFrame({"total": [2.67, 2.68, 2.69], "price": [0.89] * 3, "quantity": [3.005] * 3})
    (rule,) = read_rules("total = price * quantity")
    assert_array_equal(rule.broken(draft_of(X, rule)), [False, True, True])
    X = pd.DataFrame({"a": [0.3, 0.31], "b": [0.1] * 2, "c": [0.2] * 2})
    (rule,) = read_rules("b + c = a")
    assert_array_equal(rule.broken(draft_of(X, rule)), [False, True])


def test_a_rule_says_nothing_of_gaps():
    X = pd.DataFrame({"a": [1.0, np.nan], "b": [2.0, 2.0]})
    for text in ("a = b", "a >= b", "a = f(b)"):
        (rule,) = read_rules(text)
        draft = draft_of(X, rule)
        if isinstance(rule, Function):
            rule = Function("a", ["b"], [pd.Index([2.0])], pd.Index([3.0]))
        assert_array_equal(rule.broken(draft), [True, False])


@pytest.mark.parametrize("text", ["start <= days(end - start)", "start = days(end - start)"])
def test_sides_are_of_one_kind(text):
    (rule,) = read_rules(text)
    with pytest.raises(ValueError, match="must be of one kind"):
        rule.broken(draft_of(stays(5), rule))


@pytest.mark.parametrize(("sign", "limits"), [("<=", (None, 2)), ("<", (None, 1)), (">=", (2, None)), (">", (3, None))])
def test_limits_of_bounds(sign, limits):
    X = pd.DataFrame({"a": [5, 0], "b": [2, 2]})
    rule = Bound("a", sign, "b")
    for found, expected in zip(rule.limit("a", draft_of(X, rule)), limits, strict=True):
        assert found is None if expected is None else (found == expected).all()
    assert rule.limit("b", draft_of(X, rule))[0 if limits[0] is None else 1] is not None


def test_limits_are_values_that_the_column_has():
    X = pd.DataFrame({"whole": [1, 2], "exact": [1.25, 2.5]})
    (rule,) = read_rules("whole >= exact")
    draft = draft_of(X, rule)
    assert_array_equal(rule.limit("whole", draft)[0], [2, 3])
    assert_allclose(rule.limit("exact", draft)[1], [1, 2])
    (strict,) = read_rules("exact < whole")
    assert_allclose(strict.limit("exact", draft)[1], [0.99, 1.99])


def test_functions_are_learned_and_looked_up():
    X = people(500)
    (rule,) = read_rules("country = f(city)")
    rule = rule.learned(draft_of(X[:250]))
    n_before = len(rule.values)
    rule = rule.learned(draft_of(X))
    assert n_before <= len(rule.values) == X["city"].nunique()
    assert not rule.broken(draft_of(X)).any()
    wrong = X.assign(country="DE")
    assert_array_equal(rule.broken(draft_of(wrong)), X["country"] != "DE")
    elsewhere = X.assign(city="nowhere")
    assert rule.unknown(draft_of(elsewhere)).all()
    assert not rule.broken(draft_of(elsewhere)).any()


def test_functions_of_two_columns():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 3, 99), "b": rng.choice([True, False], 99)})
    X["c"] = np.where(X["b"], X["a"], -1)
    (rule,) = read_rules("c = f(a, b)")
    rule = rule.learned(draft_of(X))
    assert len(rule.values) == 6
    assert not rule.broken(draft_of(X)).any()
    assert rule.broken(draft_of(X.assign(c=5))).all()


def test_functions_have_a_key_for_each_value():
    with pytest.raises(ValueError, match="a key for each"):
        Function("a", ["b"], [pd.Index([1])], pd.Index([1, 2]))
    with pytest.raises(ValueError, match="no sign"):
        Bound("a", "!", "b")
