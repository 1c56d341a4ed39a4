import math
from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binomtest, brunnermunzel, mannwhitneyu
from sklearn.metrics import roc_auc_score, roc_curve

from skvae.metrics.attacks.intervals import (
    _rate_interval,
    auc_and_error,
    auc_interval,
    difference_interval,
    error_by_chance,
    proven_epsilon,
    true_positives,
)


def scores(m=70, n=50, seed=0, digits=1):
    rng = np.random.default_rng(seed)
    return rng.normal(0.4, 1, m).round(digits), rng.normal(0, 2, n).round(digits)  # with ties


def test_auc_is_scikit_learns_and_its_error_scipys():
    members, others = scores()
    auc, error = auc_and_error(members, others)
    assert auc == pytest.approx(roc_auc_score(np.repeat([1, 0], [70, 50]), np.concatenate([members, others])))
    assert auc == pytest.approx(mannwhitneyu(members, others).statistic / (70 * 50))
    assert (auc - 0.5) / error == pytest.approx(brunnermunzel(others, members).statistic)


def test_the_error_by_chance_is_the_spread_over_all_ways_to_name_members():
    scores, m = np.arange(7.0), 3
    areas = []
    for chosen in combinations(range(7), m):
        is_member = np.isin(np.arange(7), chosen)
        areas.append(auc_and_error(scores[is_member], scores[~is_member])[0])
    assert np.std(areas) == pytest.approx(error_by_chance(m, 7 - m))


def test_sides_are_symmetric():
    members, others = scores()
    auc, error = auc_and_error(members, others)
    other_way, same_error = auc_and_error(others, members)
    assert (other_way, same_error) == (pytest.approx(1 - auc), pytest.approx(error))
    lower, upper = auc_interval(auc, error, 50)
    assert_allclose(auc_interval(1 - auc, error, 50), (1 - upper, 1 - lower))
    assert_allclose(difference_interval(3, 20, 9, 30), [-end for end in reversed(difference_interval(9, 30, 3, 20))])


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held, rng = 0, np.random.default_rng(0)
    truth = 0.7602499389065233  # Φ(1/√2), of two normal distributions one standard deviation apart
    for _ in range(400):
        auc, error = auc_and_error(rng.normal(1, 1, 60), rng.normal(0, 1, 40))
        lower, upper = auc_interval(auc, error, 40)
        held += lower <= truth <= upper
    assert 0.91 < held / 400 < 0.98


def test_scores_apart_leave_the_error_of_so_many_pairs():
    auc, error = auc_and_error(np.arange(5.0) + 9, np.arange(8.0))
    assert (auc, error) == (1, 0)
    assert auc_interval(auc, error, 5) == pytest.approx((0.025 ** (1 / 5), 1))
    assert auc_interval(0.0, 0.0, 5) == pytest.approx((0, 1 - 0.025 ** (1 / 5)))
    assert auc_interval(0.5, 0.0, 5) == (0.5, 0.5)  # all scores equal: a coin, for certain


def test_more_confidence_is_a_wider_interval():
    narrow, wide = (auc_interval(0.6, 0.05, 50, confidence) for confidence in (0.9, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize(
    ("counts", "interval"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ],
)
def test_difference_is_that_of_newcombes_table(counts, interval):
    assert_allclose(difference_interval(*counts), interval, atol=6e-5)


def test_true_positives_are_those_of_the_curve_before_it_passes_the_limit():
    members, others = scores(400, 300, digits=3)
    fpr, tpr, _ = roc_curve(np.repeat([1, 0], [400, 300]), np.concatenate([members, others]), drop_intermediate=False)
    for limit in (0.01, 0.2, 1.0):
        others_above = tpr[fpr <= limit].max() if limit < 1 else np.mean(members > others.min())
        assert true_positives(members, others, limit) == pytest.approx(others_above)


def test_few_others_must_all_stay_below():
    assert true_positives(np.array([1.0, 3.0]), np.array([2.0, 0.0])) == 0.5


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_an_interval_of_a_rate_is_that_of_the_exact_test(confidence):
    for count, n in [(0, 1), (1, 1), (0, 40), (40, 40), (3, 40), (999, 1000)]:
        expected = binomtest(count, n).proportion_ci(confidence)
        assert _rate_interval(count, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_epsilon_is_the_ratio_of_the_ends_of_the_rates():
    tpr, fpr = binomtest(500, 500).proportion_ci().low, binomtest(0, 500).proportion_ci().high
    assert proven_epsilon(np.ones(1000), np.zeros(1000)) == pytest.approx(math.log(tpr / fpr))


def test_epsilon_of_chance_is_mostly_none():
    rng = np.random.default_rng(0)
    found = [proven_epsilon(rng.normal(size=200), rng.normal(size=200)) for _ in range(100)]
    assert np.mean(np.array(found) > 0) <= 0.05


def test_randomized_response_proves_no_more_than_its_epsilon():
    # a mechanism of ε = 1: it says the truth with probability e / (1 + e)
    rng = np.random.default_rng(1)
    truth = math.e / (1 + math.e)
    found = [
        proven_epsilon((rng.random(2000) < truth).astype(float), (rng.random(2000) > truth).astype(float))
        for _ in range(50)
    ]
    assert np.mean(np.array(found) > 1) <= 0.1
    assert np.mean(found) > 0.7


def test_two_rows_prove_nothing():
    assert proven_epsilon(np.array([1.0]), np.array([0.0, 0.0])) == 0
