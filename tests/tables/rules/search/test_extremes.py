import numpy as np
import pandas as pd

from skvae.tables.rules.search.evidence import Evidence
from skvae.tables.rules.search.extremes import find_extremes
from skvae.tables.rules.search.search import find_rules
from tests.tables.rules.ruled import jumps, with_gaps

FOUND = ["best = max(first, second, third)", "worst = min(first, second, third)", "closed = max(sent, seen)"]


def found(X, sources=None):
    return list(map(str, find_extremes(Evidence(X), sources or {})))


def test_extremes_of_numbers_and_dates():
    assert found(jumps(300)) == FOUND
    assert found(jumps(300), {"best": ["other"]}) == FOUND[1:]
    assert list(map(str, find_rules(jumps(2000)))) == FOUND


def test_gaps_are_left_out():
    assert found(with_gaps(jumps(2000), 0.1)) == FOUND


def test_one_row_is_enough_to_break_an_extreme():
    X = jumps(2000)
    X.loc[1700, "best"] += 0.01
    X.loc[1800, "worst"] += 0.01
    assert found(X) == FOUND[2:]


def test_what_is_never_the_largest_is_no_part():
    X = jumps(2000).drop(columns="worst").assign(small=lambda X: X[["first", "second"]].min(axis=1) - 1)
    assert found(X)[0] == FOUND[0]


def test_flags_that_are_mostly_set_say_nothing():
    X = pd.DataFrame(np.random.default_rng(0).random((300, 12)) < 0.5).astype(int).add_prefix("c")
    assert not found(X.assign(any=1))
    assert not found(X.assign(any=(np.arange(300) > 0).astype(int)))
