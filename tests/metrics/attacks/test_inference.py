import numpy as np
import pandas as pd
import pytest

from skvae.metrics import inference
from tests.metrics.attacks.people import people

TRAIN, FRESH, MORE = (people(200, seed) for seed in range(3))


@pytest.mark.parametrize("column", TRAIN.columns)
def test_copies_tell_training_rows(column):
    outcome = inference(TRAIN, FRESH, TRAIN, column)
    assert outcome.rate > 0.97
    assert outcome.interval()[0] > 0.2
    assert column in outcome.attack


@pytest.mark.parametrize("column", TRAIN.columns)
def test_fresh_rows_tell_as_much_of_others(column):
    lower, upper = inference(TRAIN, FRESH, MORE, column).interval()
    assert lower < 0 < upper


def test_sides_are_symmetric():
    first, second = inference(TRAIN, FRESH, MORE, "town"), inference(FRESH, TRAIN, MORE, "town")
    assert (first.hits, first.control_hits) == (second.control_hits, second.hits)


def test_a_number_is_right_within_a_twentieth_of_its_interquartile_range():
    synthetic = pd.DataFrame({"key": ["a", "b", "c", "d", "e"], "x": [0.0, 100.0, 200.0, 300.0, 400.0]})  # 200
    asked = pd.DataFrame({"key": ["a", "b", "c"], "x": [9.9, 89.9, 210.0]})
    assert inference(asked, asked, synthetic, "x").hits == 2


def test_rows_without_the_answer_are_left_out():
    outcome = inference(TRAIN, FRESH, MORE, "town")
    assert (outcome.n_guesses, outcome.n_control) == (TRAIN["town"].notna().sum(), FRESH["town"].notna().sum())


def test_a_column_must_be_there_beside_others_and_have_cells():
    with pytest.raises(ValueError, match=r"column must be one of at least two columns, but 'wage' was asked"):
        inference(TRAIN, FRESH, MORE, "wage")
    with pytest.raises(ValueError, match=r"one of at least two columns, but 'age' was asked of \['age'\]"):
        inference(TRAIN[["age"]], FRESH[["age"]], MORE[["age"]], "age")
    with pytest.raises(ValueError, match=r"observed cells, but all 200 of 'age' in synthetic are missing. Pass more"):
        inference(TRAIN, FRESH, MORE.assign(age=np.nan), "age")


def test_long_numbers_that_differ_by_one_are_not_right():
    known = np.arange(50.0)
    train, fresh = (pd.DataFrame({"known": known, "code": 2**60 + step + np.zeros(50, dtype=int)}) for step in (0, 1))
    found = inference(train, fresh, train, "code")
    assert (found.rate, found.control) == (1.0, 0.0)
