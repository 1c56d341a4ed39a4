import numpy as np
import pandas as pd
import pytest

from skvae.metrics import mean_trend
from skvae.metrics.answers import answers_of, copied_identifiers
from skvae.metrics.chance import Chance
from skvae.metrics.comparison import Comparison
from skvae.metrics.leaks import Attack, is_leak
from skvae.metrics.verdicts import QUESTIONS

ROWS = pd.DataFrame({"x": range(100), "y": range(100)})
NO_ERRORS = pd.DataFrame([[np.nan, 0.0], [0.0, np.nan]], ["x", "y"], ["x", "y"])


def compare(figures, *, shapes=(0.0, 0.0), trends=NO_ERRORS, **kwargs):
    """A comparison with these figures, by name: the value, what real rows reach, and the standard error."""
    table = pd.DataFrame.from_dict(figures, orient="index", columns=["value", "real", "standard_error"])
    attacks = [Attack("It", *figures["Worst attack"][::2])] if "Worst attack" in figures else []
    return Comparison(table, pd.Series(shapes, ["x", "y"]), trends, ROWS, ROWS, attacks=attacks, **kwargs)


def answer_to(name, value, real=np.nan, error=0.01, **kwargs):
    (answer,) = answers_of(compare({name: (value, real, error)}, **kwargs))
    return answer


def test_answers_are_in_the_order_of_the_questions():
    answers = answers_of(compare({question.figure: (0.0, np.nan, 0.01) for question in reversed(QUESTIONS)}))
    names = [answer.question.figure for answer in answers]
    assert names == [question.figure for question in QUESTIONS if question.figure != "Two-sample AUC, train"]


def test_a_figure_that_is_missing_is_no_answer():
    assert answers_of(compare({"Trend error": (np.nan, np.nan, np.nan)})) == []  # a single column has no pairs


def test_a_broken_column_is_worse_than_the_mean_says():
    assert answer_to("Shape error", 0.001).verdict == "good"
    broken = answer_to("Shape error", 0.001, shapes=(0.0, 0.5))
    assert broken.verdict == "poor"
    assert broken.sentence == broken.question.answers[2]


def chance(shapes=(0.0, 0.0), trends=NO_ERRORS):
    return Chance(pd.Series(shapes, ["x", "y"]), trends, np.mean(shapes), mean_trend(trends))


def test_a_pair_that_is_as_broken_in_real_rows_is_chance_up_to_a_limit():
    slightly, broken = (NO_ERRORS.replace(0.0, error) for error in (0.12, 0.5))
    assert answer_to("Trend error", 0.001, trends=slightly, chance=chance()).verdict == "fair"
    assert answer_to("Trend error", 0.001, trends=slightly, chance=chance(trends=slightly)).verdict == "good"
    assert answer_to("Trend error", 0.001, trends=broken, chance=chance()).verdict == "poor"
    slight_chance = chance(trends=NO_ERRORS.replace(0.0, 0.19))
    assert answer_to("Trend error", 0.001, trends=broken, chance=slight_chance).verdict == "poor"


def test_of_values_too_many_for_the_rows_the_excess_is_judged():
    spoiled = chance(shapes=(0.6, 0.0))
    assert answer_to("Shape error", 0.001, shapes=(0.62, 0.0), chance=spoiled).verdict == "good"
    assert answer_to("Shape error", 0.001, shapes=(0.8, 0.0), chance=spoiled).verdict == "poor"
    assert answer_to("Shape error", 0.001, shapes=(0.62, 0.3), chance=spoiled).verdict == "poor"  # it excuses no other


def test_without_held_out_rows_halves_of_real_ones_tell_what_chance_is():
    shapes = (0.04, 0.04)
    assert answer_to("Shape error", 0.04, shapes=shapes).verdict == "fair"
    assert answer_to("Shape error", 0.04, shapes=shapes, chance=chance(shapes=(0.03, 0.03))).verdict == "good"
    assert (
        answer_to("Shape error", 0.04, real=0.01, shapes=shapes, chance=chance(shapes=(0.03, 0.03))).verdict == "fair"
    )


@pytest.mark.parametrize(("value", "verdict"), [(0.519, "good"), (0.521, "fair"), (0.54, "poor")])
def test_an_attack_is_a_leak_beyond_two_standard_errors(value, verdict):
    answer = answer_to("Worst attack", value, error=0.01)
    assert answer.verdict == verdict and answer.leaks == is_leak(value, 0.5, 0.01) == ("leak" in answer.sentence)
    assert answer.value == value  # what is shown is not corrected


def test_few_rows_prove_no_leak_and_no_safety():
    answer = answer_to("Worst attack", 0.55, error=0.05)
    assert answer.verdict == "fair" and not answer.leaks and "leak" not in answer.sentence


def test_more_copies_than_chance_explains_are_a_leak():
    leak = answer_to("Exact copies", 0.045, 0.03, error=0.005)  # up to half as many again would be good
    assert leak.leaks and leak.verdict == "fair" and leak.sentence.startswith("There is a leak")
    chance_alone = answer_to("Exact copies", 0.039, 0.03, error=0.005)
    assert not chance_alone.leaks and chance_alone.verdict == "good"
    assert not answer_to("Exact copies", 0.5).leaks  # rows may repeat by nature: nothing to compare with


def test_identifiers_that_come_back_are_named():
    def judged(copied, of_real=np.nan):
        columns = ["copied", "copied by real rows", "repeated", "repeated in train"]
        identifiers = pd.DataFrame([[copied, of_real, 0.0, 0.0]], ["mail"], columns)
        return answer_to("Exact copies", copied, 0.0, identifiers=identifiers)

    for of_real in (np.nan, 0.0):
        assert judged(1.0, of_real).verdict == "poor" and judged(1.0, of_real).leaks
        assert "identifiers are copies of real values: “mail” (100.0% of rows)" in judged(1.0, of_real).sentence
    assert copied_identifiers(compare({}, identifiers=pd.DataFrame())) == {}
    assert "mail" not in judged(0.0).sentence and "mail" not in judged(0.02, 0.02).sentence


def test_an_open_scale_ends_beyond_the_real_rows():
    answer = answer_to("Downstream RMSE", 4.0, 2.0, target="income")  # no column, and so no spread
    assert answer.question.worst == 5
    assert "“income”" in answer.question.says
    assert answer_to("Downstream RMSE", 0.0, 0.0).question.worst == 1  # a scale has a length


def test_a_prediction_no_better_than_the_mean_is_never_good():
    spread = ROWS["x"].std(ddof=0)
    for share, verdict in {0.9: "good", 0.97: "fair", 1.01: "poor"}.items():
        assert answer_to("Downstream RMSE", share * spread, share * spread, target="x").verdict == verdict


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.figure)
def test_the_best_value_is_good(question):
    assert answer_to(question.figure, question.best, question.best).verdict == "good"
