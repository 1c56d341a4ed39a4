import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.rules.kinds import Function
from skvae.tables.rules.reading import read_rules
from skvae.tables.rules.syntax import Term
from tests.tables.rules.ruled import draft_of, people


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
        Function("a", [Term("b")], [pd.Index([1])], pd.Index([1, 2]))


def test_a_function_without_entries_says_nothing():
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan, np.nan]})
    (rule,) = read_rules("a = f(b)")
    rule = rule.learned(draft_of(X, rule))
    assert len(rule.values) == 0
    full = draft_of(X.assign(b=3.0))
    assert not rule.broken(full).any()
    assert rule.unknown(full).all()
    assert rule.outcome({"b": pd.Index([3.0, 4.0])}).isna().all()
    assert not rule.solve(full, "a", np.ones(2, dtype=bool)).any()
    assert_array_equal(full.column("a"), X["a"])


def test_a_function_of_two_columns_is_a_table_of_their_values():
    two, one, dated = (read_rules(text)[0] for text in ("c = f(a, b)", "c = f(a)", "c = f(month(a), b)"))
    assert [name for name, _ in two.combinations()] == ["a", "b", "c"]
    assert one.combinations() == dated.combinations() == []
    assert [two.follows_from(names) for names in (["a"], ["b", "a"])] == [False, True]
    assert len(two.seen("a")) == 1
    assert two.seen("c") == dated.seen("a") == []
