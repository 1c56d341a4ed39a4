"""Normal scores of ranks: quantiles inside the range, a line outside, and everything else as it was."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm, rankdata

from skvae.estimators.ranks import MAX_KNOTS, Ranks, RanksOfColumn, jittered


@pytest.fixture
def skewed():
    return np.exp(2 * np.random.default_rng(0).normal(size=500))


def normal_scores(x):
    """Half of the normal quantile of the mid-rank, half of the standardised number."""
    return (norm.ppf((rankdata(x) - 0.5) / len(x)) + (x - x.mean()) / x.std()) / 2


def test_scores_are_half_ranks_half_distances(skewed):
    x = skewed.round(1)  # with ties
    assert_allclose(RanksOfColumn.of(x)(x), normal_scores(x), atol=1e-9)


def test_units_do_not_matter(skewed):
    x = np.r_[skewed, -9.0, 1e5]
    scores = RanksOfColumn.of(skewed)(x)
    assert_allclose(RanksOfColumn.of(1e-6 * skewed + 3)(1e-6 * x + 3), scores, rtol=1e-6)


def test_gaps_stay_open_and_tails_are_drawn_in(skewed):
    islands = np.r_[np.linspace(-6, -5, 50), np.linspace(5, 6, 50)]
    scores = RanksOfColumn.of(islands)(islands)
    assert np.diff(scores).max() > 0.8
    assert RanksOfColumn.of(skewed)(skewed).max() < 0.75 * (skewed.max() - skewed.mean()) / skewed.std()


def test_beyond_the_range_scores_go_on_in_standard_deviations():
    x = np.random.default_rng(0).normal(5, 2, size=100_000)
    ranks = RanksOfColumn.of(x)
    low, high = ranks(np.array([x.min() - 2, x.max() + 4])) - ranks(np.array([x.min(), x.max()]))
    assert_allclose([low, high], [-3, 6], rtol=0.02)  # three for each


def test_one_extreme_number_does_not_set_the_unit():
    ranks = RanksOfColumn.of(np.r_[np.arange(100.0), 1e30])
    assert ranks(np.array([-100.0]))[0] < ranks(np.array([0.0]))[0] - 4


@pytest.mark.parametrize("x", [[3.0, 3.0, np.nan], [np.nan, np.nan], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
def test_constant_empty_and_nearly_constant_columns(x):
    scores = RanksOfColumn.of(np.array(x))(np.array([*x, 7.0]))
    assert_array_equal(np.isnan(scores[:-1]), np.isnan(x))
    assert np.isfinite(scores[-1])


def test_infinity_stays_infinite():
    scores = RanksOfColumn.of(np.array([1.0, 2.0, np.inf]))(np.array([-np.inf, np.inf]))
    assert_array_equal(scores, [-np.inf, np.inf])


def test_however_far_a_number_is_its_square_is_one():
    scores = RanksOfColumn.of(np.arange(10.0))(np.array([1e300, -1e300]))
    assert np.isfinite(scores.astype("float32") ** 2).all()


def test_many_values_are_thinned():
    x = np.random.default_rng(0).random(50_000)
    ranks = RanksOfColumn.of(x)
    assert len(ranks.values) == MAX_KNOTS
    assert_allclose(ranks(x), normal_scores(x), atol=0.15)
    assert ranks(x).argmax() == x.argmax()


def test_only_numbers_of_a_frame_change(mixed):
    scores = Ranks.of(mixed)(mixed)
    numbers = mixed.select_dtypes("number").columns
    others = mixed.columns.difference(numbers)
    pd.testing.assert_frame_equal(scores[others], mixed[others])
    assert len(numbers)
    assert (scores[numbers].mean().abs() < 0.1).all()
    assert_array_equal(scores.isna(), mixed.isna())
    assert_array_equal(scores.columns, mixed.columns)


def test_booleans_stay_and_the_precision_of_arrays_too():
    X = np.random.default_rng(0).normal(size=(20, 2))
    assert Ranks.of(X > 0)(X > 0).dtype == bool
    assert Ranks.of(X.astype("float32"))(X.astype("float32")).dtype == np.float32
    assert Ranks.of(X.round().astype(int))(X.round().astype(int)).dtype == float


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_copies_have_noise_of_their_own(container):
    X = container(np.random.default_rng(0).normal(size=(2000, 2)))
    ranks = Ranks.of(X)
    noise = np.asarray(jittered(X, ranks, 0.3, 3, 0)) - np.concatenate([X] * 3)
    assert noise.shape == (6000, 2)
    assert_allclose(noise.std(axis=0), 0.3, rtol=0.05)
    assert np.abs(np.corrcoef(noise[:2000].T, noise[2000:4000].T) - np.eye(4)).max() < 0.1
    assert jittered(X, Ranks({}), 0.3, 3, 0) is X
