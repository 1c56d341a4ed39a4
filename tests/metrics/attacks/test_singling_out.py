import numpy as np
import pandas as pd
import pytest

from skvae.metrics import singling_out
from skvae.metrics.attacks.singling_out import GAP, LOWEST, Condition, _of_columns, _of_one_column
from tests.metrics.attacks.people import people

TRAIN, FRESH, MORE = (people(200, seed) for seed in range(3))


@pytest.mark.parametrize("n_columns", [1, 3, 5])
def test_copies_single_out_training_rows(n_columns):
    outcome = singling_out(TRAIN, FRESH, TRAIN, n_columns=n_columns, n_guesses=200, random_state=0)
    assert outcome.rate > 0.95
    assert outcome.interval()[0] > 0.5


@pytest.mark.parametrize("n_columns", [1, 3])
def test_fresh_rows_single_out_as_many_others(n_columns):
    lower, upper = singling_out(TRAIN, FRESH, MORE, n_columns=n_columns, random_state=0).interval()
    assert lower < 0 < upper


def test_sides_are_symmetric():
    first = singling_out(TRAIN, FRESH, MORE, random_state=0)
    second = singling_out(FRESH, TRAIN, MORE, random_state=0)
    assert (first.hits, first.control_hits) == (second.control_hits, second.hits)


def test_conditions_of_one_column_are_values_that_occur_once_and_ends():
    rows = np.array([[1.0, 0.0], [1.0, 1.0], [5.0, 1.0], [GAP, 1.0]])
    found = _of_one_column(rows, np.array([True, False]), 99, np.random.RandomState(0))
    ranges = {(*map(float, (c.columns[0], c.lower[0], c.upper[0])),) for c in found}
    assert ranges == {(0, 5, 5), (0, GAP, GAP), (0, LOWEST, 1), (0, 5, np.inf), (1, 0, 0)}


def test_conditions_of_several_columns_hold_for_one_row():
    rows = np.random.default_rng(0).normal(size=(50, 4))
    rows[:5, 2] = GAP
    for condition in _of_columns(rows, np.array([True, True, True, False]), 2, 30, np.random.RandomState(0)):
        assert condition.isolates(rows)
        assert not condition.isolates(np.concatenate([rows, rows]))


def test_a_range_leaves_gaps_out():
    below = Condition(np.array([0]), np.array([LOWEST]), np.array([3.0]))
    assert below.isolates(np.array([[GAP], [2.0], [4.0]]))
    missing = Condition(np.array([0]), np.array([GAP]), np.array([GAP]))
    assert missing.isolates(np.array([[GAP], [2.0], [4.0]]))


def test_nothing_that_singles_out_is_a_miss():
    table = pd.DataFrame({"a": ["x", "y"] * 20, "b": ["x", "x", "y", "y"] * 10})
    for n_columns in (1, 2):
        outcome = singling_out(table, table, table, n_columns=n_columns, n_guesses=10, random_state=0)
        assert (outcome.rate, outcome.control, outcome.n_guesses) == (0, 0, 10)


def test_numbers_of_columns_and_guesses_are_checked():
    with pytest.raises(ValueError, match=r"between 1 and the number of columns, 5, but is 6. Pass 1 or 3"):
        singling_out(TRAIN, FRESH, MORE, n_columns=6)
    with pytest.raises(ValueError, match=r"n_guesses must be at least 1, but is 0. Pass 1000"):
        singling_out(TRAIN, FRESH, MORE, n_guesses=0)


def test_long_numbers_that_differ_by_one_single_out():
    train, fresh = (pd.DataFrame({"code": 2**60 + np.arange(start, start + 100, 2)}) for start in (0, 1))
    found = singling_out(train, fresh, train, n_columns=1, n_guesses=50, random_state=0)
    assert (found.rate, found.control) == (
        1.0,
        pytest.approx(0.0, abs=2 / 50),
    )  # its ends
