import numpy as np
import pandas as pd
import pytest

from skvae.metrics.figures import FIGURES
from skvae.metrics.verdicts import QUESTIONS, asked

BY_FIGURE = {question.figure: question for question in QUESTIONS}


@pytest.mark.parametrize(
    ("figure", "value", "real", "verdict"),
    [
        ("Shape error", 0.009, np.nan, "good"),
        ("Shape error", 0.03, np.nan, "fair"),
        ("Shape error", 0.03, 0.02, "good"),  # real rows differ as much
        ("Trend error", 0.2, 0.01, "poor"),
        ("Two-sample AUC, test", 0.3, 0.5, "good"),  # better than a coin is no worse
        ("Two-sample AUC, test", 0.69, 0.5, "fair"),
        ("Downstream ROC AUC", 0.9255, 0.9301, "good"),
        ("Downstream ROC AUC", 0.6, 0.93, "poor"),
        ("Downstream RMSE", 0.541, 0.518, "good"),
        ("Downstream RMSE", 0.7, 0.518, "fair"),
        ("Exact copies", 0.02, 0.03, "good"),
        ("Exact copies", 0.4, 0.4, "fair"),  # never good, and no reason to say that the generator copies
        ("Shape error", 0.29, 0.3, "poor"),  # a spoiled reference excuses nothing
        ("Trend error", 0.72, 0.7, "poor"),
        ("Two-sample AUC, test", 0.997, 0.9, "poor"),
        ("Downstream ROC AUC", 0.51, 0.52, "fair"),  # nothing is learned
        ("Invalid rows", 0.001, np.nan, "good"),
        ("Invalid rows", 0.5, 0.4, "poor"),
        ("Exact copies", 1.0, 0.0013, "poor"),
    ],
)
def test_verdicts(figure, value, real, verdict):
    assert BY_FIGURE[figure].verdict(value, real) == verdict


@pytest.mark.parametrize("real", [np.nan, 0.0, 0.5, 1.0])
def test_nothing_beyond_an_absolute_limit_is_good(real):
    beyond = {"Shape error": 0.07, "Trend error": 0.11, "Two-sample AUC, test": 0.61, "Exact copies": 0.06}
    for figure, value in (beyond | {"Invalid rows": 0.06, "Downstream ROC AUC": 0.54}).items():
        assert BY_FIGURE[figure].verdict(value, real) != "good"
    for figure in ("Shape error", "Trend error"):
        assert BY_FIGURE[figure].largest.verdict(0.21, real) != "good"


def test_scales_begin_at_the_best():
    question = BY_FIGURE["Downstream ROC AUC"]
    assert [question.position(value) for value in (1.0, 0.75, 0.5, 0.2)] == [0, 0.5, 1, 1]
    assert BY_FIGURE["Exact copies"].position(0.01) == 0.5


def test_every_figure_has_a_question():
    assert {*BY_FIGURE, "Two-sample score, train", "Two-sample score, test", "Closer to train"} == set(FIGURES)
    assert [q.figure for q in asked(pd.DataFrame(index=list(FIGURES))) if "AUC, t" in q.figure] == [
        "Two-sample AUC, test"
    ]
    assert [q.figure for q in asked(pd.DataFrame(index=["Two-sample AUC, train"]))] == ["Two-sample AUC, train"]


def test_values_have_the_unit_of_their_figure():
    assert BY_FIGURE["Downstream RMSE"].text(1234.567) == "1235"
    assert BY_FIGURE["Two-sample AUC, test"].text(0.51234) == "51.2%"
    assert BY_FIGURE["Shape error"].text(0.01234) == "1.23%"  # a short scale has more digits


def test_scales_that_end_early_say_so():
    assert [figure for figure, question in BY_FIGURE.items() if question.may_be_worse] == [
        "Worst attack",
        "Exact copies",
        "Shape error",
        "Trend error",
        "Invalid rows",
    ]
