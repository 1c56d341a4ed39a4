import json

import numpy as np
import pytest

from skvae.metrics import Guesses, Membership
from skvae.metrics.attacks.intervals import auc_interval, difference_interval


def test_membership_is_judged_by_scores():
    outcome = Membership.of("a guess", "model", np.array([3.0, 2.0, 0.0]), np.array([1.0, -1.0]))
    assert outcome.auc == outcome.value == pytest.approx(5 / 6)
    assert outcome.advantage == pytest.approx(2 / 3)
    assert outcome.interval(0.9) == auc_interval(outcome.auc, outcome.standard_error, 2, 0.9)
    assert outcome.lowest_advantage() == pytest.approx(2 * outcome.interval()[0] - 1)
    assert (outcome.n_members, outcome.n_others, outcome.tpr) == (3, 2, pytest.approx(2 / 3))
    assert "the model file" in outcome.sentence()
    assert "83.3% of cases" in outcome.sentence()


def test_guesses_are_judged_beside_the_control():
    outcome = Guesses("a guess", "rows", 56, 70, 48, 80)
    assert (outcome.rate, outcome.control, outcome.value) == (0.8, 0.6, pytest.approx(0.2))
    assert outcome.advantage == outcome.value
    assert outcome.interval() == difference_interval(56, 70, 48, 80)
    assert "right about 80.0% of training rows and about 60.0% of other rows" in outcome.sentence()


@pytest.mark.parametrize(
    "outcome",
    [Guesses("a", "rows", 1, 2, 0, 2), Membership.of("b", "rows", np.array([1.0, 2.0]), np.array([0.0, 1.5]))],
)
def test_figures_are_plain_numbers(outcome):
    figures = json.loads(json.dumps(outcome.to_dict()))
    assert figures["value"] == outcome.value
    assert figures["lower"] <= figures["value"] <= figures["upper"]


def test_scores_must_be_some_numbers():
    with pytest.raises(ValueError, match=r"two rows of each kind, but others has 1. Pass more"):
        Membership.of("a", "rows", np.zeros(2), np.zeros(1))
    with pytest.raises(ValueError, match=r"must be numbers, but 1 of those of members are NaN. Pass a model"):
        Membership.of("a", "rows", np.array([0.0, np.nan]), np.zeros(2))
