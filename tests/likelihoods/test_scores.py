"""Where levels lie among normal scores."""

import numpy as np
import pytest
import torch
from scipy import stats

from skvae.likelihoods import Columns
from skvae.likelihoods.categorical import POSITION_MAX
from skvae.likelihoods.scores import BEYOND, between, code_of, cuts, log_between

SHARES = [0.2, 0.5, 0.3, 0.5, 0.5]
EDGES = torch.tensor([[0.0, 1.0], [2.0, 2.0], [2.0, 6.0], [0.0, 10.0], [10.0, 20.0]], dtype=torch.float64)


@pytest.fixture
def columns():
    """A column whose second level is a single value, and one of two equal bins."""
    ones, shares = torch.ones(2, dtype=torch.float64), torch.tensor(SHARES, dtype=torch.float64)
    return Columns(ones, torch.tensor([3, 2]), -ones, ones, EDGES, EDGES.mean(dim=1), shares)


def test_levels_end_at_quantiles_of_the_normal_distribution(columns):
    below, above = cuts(columns)[:, 0], cuts(columns)[:, 1]
    expected = [*stats.norm.ppf([0.2, 0.7]), BEYOND, 0.0, BEYOND]
    np.testing.assert_allclose(above, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(below, [-BEYOND, *expected[:2], -BEYOND, 0.0], rtol=1e-6, atol=1e-9)


def test_a_single_value_has_the_mean_of_a_normal_variable_within_its_level(columns):
    low, high = stats.norm.ppf([0.2, 0.7])
    mean = stats.truncnorm(low, high).mean()
    np.testing.assert_allclose(cuts(columns)[1, 2:], [mean, mean], rtol=1e-6)


def test_outermost_bins_reach_as_far_beyond_their_mean_as_within(columns):
    first, last = cuts(columns)[3:, 2:]
    mean = stats.halfnorm.mean()
    np.testing.assert_allclose(first, [-2 * mean, 0.0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(last, [0.0, 2 * mean], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("below", "above"), [(-1.0, 0.5), (-BEYOND, 0.3), (2.0, BEYOND), (7.0, 7.5), (-9.0, -8.9)])
@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1.0), (-2.0, 0.5), (3.0, 4.0)])
def test_the_probability_of_a_step_is_that_of_scipy(below, above, loc, scale):
    of_scipy = stats.logistic(loc, scale)
    if below > loc:  # where the survival function loses nothing
        expected = np.log(of_scipy.sf(below) - of_scipy.sf(above))
    else:
        expected = np.log(of_scipy.cdf(above) - of_scipy.cdf(below))
    below, above, loc = (torch.tensor(value, dtype=torch.float64) for value in (below, above, loc))
    log_scale = torch.tensor(scale, dtype=torch.float64).log()
    assert log_between(below, above, loc, log_scale).item() == pytest.approx(expected, rel=1e-7)
    assert between(below, above, loc, (-log_scale).exp()).log().item() == pytest.approx(expected, rel=1e-7)


def test_a_narrow_step_far_out_has_its_density_and_a_gradient():
    loc = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    low = torch.tensor(30.0, dtype=torch.float64)
    log_p = log_between(low, low + 1e-9, loc, torch.tensor(0.0, dtype=torch.float64))
    assert log_p.item() == pytest.approx(stats.logistic.logpdf(30.0) + np.log(1e-9), rel=1e-6)
    log_p.backward()
    assert loc.grad.item() == pytest.approx(1.0, rel=1e-6)


def test_steps_from_end_to_end_are_certain():
    ends = torch.tensor([-BEYOND, -2.0, 0.1, 5.0, BEYOND], dtype=torch.float64)
    log_p = log_between(ends[:-1], ends[1:], torch.tensor(0.7), torch.tensor(0.2))
    assert log_p.exp().sum().item() == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize(
    ("values", "level", "position"),
    [
        ([0.5, 15.0], [0, 1], [0.5, 0.5]),  # within a bin
        ([0.0, 20.0], [0, 1], [0.0, 1.0]),  # at its ends
        ([3.0, 0.0], [2, 0], [0.25, 0.0]),
        ([1.2, 5.0], [0, 0], [1.0, 0.5]),  # between two levels: the nearer of them
        ([1.8, 5.0], [1, 0], [0.5, 0.5]),
        ([-7.0, 99.0], [0, 1], [0.0, 1.0]),  # beyond all of them
    ],
)
def test_a_value_is_in_the_level_that_holds_it_or_the_nearest(values, level, position):
    first_level, column = torch.tensor([0, 3]), torch.tensor([0, 0, 0, 1, 1])
    code = code_of(torch.tensor(values, dtype=torch.float64), EDGES, first_level, column)
    expected = np.array(level) + POSITION_MAX * np.array(position)
    np.testing.assert_allclose(code, expected, atol=1e-9)
