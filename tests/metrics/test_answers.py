import math

import numpy as np
import pandas as pd
import pytest

from skvae.metrics.answers import answers_of
from skvae.metrics.comparison import Comparison
from skvae.metrics.verdicts import QUESTIONS

ROWS = pd.DataFrame({"x": range(100), "y": range(100)})
NO_ERRORS = pd.DataFrame([[np.nan, 0.0], [0.0, np.nan]], ["x", "y"], ["x", "y"])


def compare(figures, *, shapes=(0.0, 0.0), trends=NO_ERRORS, **kwargs):
    """A comparison with these figures, by name: the value, and what real rows reach."""
    table = pd.DataFrame.from_dict(figures, orient="index", columns=["value", "real"])
    return Comparison(table, pd.Series(shapes, ["x", "y"]), trends, ROWS, ROWS, **kwargs)


def answer_to(name, value, real=np.nan, **kwargs):
    (answer,) = answers_of(compare({name: (value, real)}, **kwargs))
    return answer


def test_answers_are_in_the_order_of_the_questions():
    answers = answers_of(compare({question.figure: (0.0, np.nan) for question in reversed(QUESTIONS)}))
    names = [answer.question.figure for answer in answers]
    assert names == [question.figure for question in QUESTIONS if question.figure != "Two-sample AUC, train"]


def test_a_figure_that_is_missing_is_no_answer():
    assert answers_of(compare({"Trend error": (np.nan, np.nan)})) == []  # a single column has no pairs


def test_a_broken_column_is_worse_than_the_mean_says():
    assert answer_to("Shape error", 0.001).verdict == "good"
    broken = answer_to("Shape error", 0.001, shapes=(0.0, 0.5))
    assert broken.verdict == "poor"
    assert broken.sentence == broken.question.answers[2]


def test_a_pair_that_is_as_broken_in_held_out_rows_is_chance():
    trends = NO_ERRORS.replace(0.0, 0.5)
    reversed_rows = ROWS.assign(y=ROWS["y"].to_numpy()[::-1])  # correlation −1 instead of 1: an error of 1
    assert answer_to("Trend error", 0.001, trends=trends).verdict == "poor"
    assert answer_to("Trend error", 0.001, trends=trends, test=reversed_rows).verdict == "good"


def test_few_rows_prove_no_leaning():
    value = 0.53 + 1 / math.sqrt(100)
    assert answer_to("Closer to train", value - 1e-6).verdict == "good"
    assert answer_to("Closer to train", value + 0.01).verdict == "fair"
    assert answer_to("Closer to train", value).value == value  # what is shown is not corrected


def test_an_open_scale_ends_beyond_the_real_rows():
    answer = answer_to("Downstream RMSE", 4.0, 2.0, target="income")
    assert answer.question.worst == 5
    assert "“income”" in answer.question.says
    assert answer_to("Downstream RMSE", 0.0, 0.0).question.worst == 1  # a scale has a length


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.figure)
def test_the_best_value_is_good(question):
    assert answer_to(question.figure, question.best, question.best).verdict == "good"
