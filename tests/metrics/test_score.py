import dataclasses

import numpy as np
import pytest

from skvae.metrics.answers import Answer
from skvae.metrics.limits import VERDICTS
from skvae.metrics.score import Score, points
from skvae.metrics.verdicts import QUESTIONS

BY_FIGURE = {question.figure: question for question in QUESTIONS}
CLASSIFIER = BY_FIGURE["Two-sample AUC, test"]


def answer(value, verdict=None, real=np.nan, question=CLASSIFIER):
    return Answer(question, value, real, verdict or question.verdict(value, real), "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.4, 100), (0.5, 100), (0.525, 90), (0.55, 80), (0.625, 65), (0.7, 50), (0.8, 25), (0.95, 0)],
)
def test_points_of_a_classifier(value, expected):
    assert points(answer(value)) == pytest.approx(expected, abs=1)


def test_rows_as_good_as_real_ones_have_all_points():
    assert points(answer(0.03, real=0.03, question=BY_FIGURE["Shape error"])) == 100
    assert points(answer(0.93, real=0.93, question=BY_FIGURE["Downstream ROC AUC"])) == 100


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.figure)
@pytest.mark.parametrize("real", [np.nan, 0.02, 0.5])
def test_points_keep_to_the_band_of_their_verdict(question, real):
    question = dataclasses.replace(question, worst=min(question.worst, 1.0))
    for value in np.linspace(0, 1, 41):
        for verdict in VERDICTS:
            found = points(answer(value, verdict, real, question))
            assert (
                {"good": 80, "fair": 50, "poor": 0}[verdict] <= found <= {"good": 100, "fair": 79, "poor": 49}[verdict]
            )


def test_the_score_is_the_mean_up_to_the_worst_verdict():
    best = answer(0.5)
    assert Score.of([best, best], is_complete=True) == Score(100, (100, 100), "good")
    assert Score.of([best, answer(0.54)], is_complete=True).points == 92
    assert Score.of([best] * 9 + [answer(0.6)], is_complete=True).points == 79
    poor = Score.of([best] * 9 + [answer(0.9)], is_complete=True)
    assert (poor.points, poor.verdict) == (49, "poor")
    assert Score.of([best, best], is_complete=False) == Score(79, (100, 100), "fair")
    assert Score.of([answer(0.9), answer(0.8)], is_complete=True).points == 12
