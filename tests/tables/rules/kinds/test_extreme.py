import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.rules.kinds import Equation, Extreme
from skvae.tables.rules.reading import read_rules
from skvae.tables.rules.rulebook import Rulebook
from tests.tables.rules.ruled import draft_of, jumps

RULES = ["best = max(first, second, third)", "worst = min(first, second, third)", "closed = max(sent, seen)"]


def test_extremes_are_read():
    kinds = [
        "best = max(a, b)",
        "best = min(a, b)",
        "best = max(a, b + 1)",
        "2 * best = max(a, b)",
        "best = max(best, b)",
    ]
    assert [type(read_rules(text)[0]) for text in kinds] == [Extreme, Extreme, Equation, Equation, Equation]
    assert read_rules("best = max(a, b)")[0].unknowns == ["best"]


def test_rows_that_break_an_extreme():
    X = pd.DataFrame({"a": [1.5, 2.5, None], "b": [2, 1, 3], "best": [2.0, 1.0, 3.0]})
    (rule,) = read_rules("best = max(a, b)")
    assert_array_equal(rule.broken(draft_of(X, rule)), [False, True, False])


def test_an_extreme_is_computed():
    X = jumps(500)
    book = Rulebook.given(RULES, X)
    rows, broken = book.solve(X.assign(best=0.0, worst=0.0, closed=X["sent"]), None)
    assert not broken.any()
    pd.testing.assert_frame_equal(rows, X)


@pytest.mark.parametrize("mirrors", [True, False])
def test_what_is_known_is_reached_and_not_passed(mirrors):
    X, rng = jumps(900), np.random.default_rng(0)
    book = Rulebook.given(RULES, X)
    moved = {name: X[name].sample(frac=1, random_state=j).to_numpy() for j, name in enumerate(X)}
    rows = X.assign(**{name: moved[name] for name in ("first", "second", "third", "sent")})
    is_free = np.column_stack([np.full(len(X), name in ("first", "second", "third", "sent")) for name in X])
    new, broken = book.move(rows, is_free, rng, mirrors=mirrors)
    assert not broken.any()
    assert_array_equal(new[["first", "second", "third"]].max(axis=1), X["best"])
    assert_array_equal(new[["first", "second", "third"]].min(axis=1), X["worst"])
    assert_array_equal(new[["sent", "seen"]].max(axis=1), X["closed"])
    assert new["first"].eq(new["best"]).mean() > 0.2  # not always the same one
    assert new["third"].eq(new["best"]).mean() > 0.2


def test_only_what_had_such_a_value_is_moved_to_it():
    X = jumps(900)
    X = X[["first", "third"]].assign(third=X["third"].clip(upper=6), best=lambda X: X[["first", "third"]].max(axis=1))
    book = Rulebook.given(["best = max(first, third)"], X)
    is_free = np.tile([True, True, False], (len(X), 1))
    new, broken = book.move(X.assign(first=5.0, third=5.9), is_free, np.random.default_rng(0))
    assert not broken.any()
    assert new["third"].max() == 6
    assert (new["first"] == X["best"])[X["best"] > 6].all()


def test_numbers_and_dates_have_no_largest():
    with pytest.raises(ValueError, match=r"compares a moment and a number.*alone to max\(…\)"):
        Rulebook.given(["closed = max(sent, first)"], jumps(50))
