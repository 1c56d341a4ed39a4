import numpy as np
import pytest
from numpy.testing import assert_allclose

from skvae.tables.rules.search.factors import Factor, Span, factors_between, n_digits, simplest, slopes_between

X = np.random.default_rng(0).uniform(10, 200, 3000)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1.7996, 1.8003, 1.8), (-0.26, -0.24, -0.25), (95, 105, 100), (3.0, 3.0, 3.0), (-1, 1, 0), (2e-9, 4e-9, 3e-9)],
)
def test_the_simplest_number_has_the_fewest_digits(low, high, expected):
    assert simplest(low, high) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (1, 1), (100, 1), (0.02, 1), (2.54, 3), (-1234, 4)])
def test_digits_are_counted_without_zeros_at_the_ends(value, expected):
    assert n_digits(value) == expected


def test_a_factor_is_a_divisor_where_that_is_shorter():
    assert Factor.of(Span(0.39370, 0.39371)) == Factor(1.0, 2.54)
    assert Factor.of(Span(2.539, 2.541)) == Factor(2.54, 1.0)
    assert Factor.of(Span(0.9, 1.2)).n_digits == 0


@pytest.mark.parametrize(("decimals", "factor"), [(0, 0.3), (2, 1.8), (2, -7.25)])
def test_factors_and_slopes_hold_the_true_one(decimals, factor):
    half = 0.5 * 10.0**-decimals + 1e-9
    through_zero = factors_between(np.round(factor * X, decimals), X[:, None], half)
    assert through_zero.has_factor.all()
    assert through_zero.low[0] <= factor <= through_zero.high[0]
    slopes = slopes_between(X, np.round(factor * X + 32.1, decimals), half)
    assert slopes.low <= factor <= slopes.high
    assert_allclose(slopes, factor, rtol=0.05)


def test_cells_that_are_not_rounded_have_one_slope():
    y = (X - X.mean()) / X.std()
    slopes = slopes_between(X, y, 1e-9)
    assert_allclose(slopes, 1 / X.std(), rtol=1e-9)


def test_there_is_none_where_one_cell_is_off():
    y = np.round(1.8 * X + 32, 1)
    y[2500] += 0.2
    assert slopes_between(X, y, 0.05 + 1e-9) is None
    assert not factors_between(np.where(X > 199, 1.0, 1.8 * X), X[:, None], 0.05).has_factor.any()
    assert slopes_between(np.ones(50), X[:50], 0.05) is None


def test_products_that_are_all_zero_have_no_factor():
    assert not factors_between(X, np.zeros((len(X), 2)), 0.5).has_factor.any()
