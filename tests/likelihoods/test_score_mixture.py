"""A mixture of logistic variables over normal scores: against scipy's, and against its own draws."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from skvae.likelihoods import Columns, ScoreMixture
from skvae.likelihoods.categorical import POSITION_MAX

EDGES = np.array([[0.0, 1.0], [1.0, 3.0], [3.0, 3.0], [3.0, 9.0], [20.0, 20.0]])
SHARES = np.array([0.2, 0.3, 0.25, 0.2, 0.05])
LOC, SCALE, WEIGHT = [-0.9, 0.4], [0.3, 0.5], [0.35, 0.65]


def cells(values):
    return torch.tensor(values, dtype=torch.float64).reshape(1, -1, 1)


@pytest.fixture
def one():
    """A family, and all parameters of one column of three bins and two repeated values."""
    family = ScoreMixture(n_modes=2)
    columns = Columns(
        torch.ones(1),
        torch.tensor([len(EDGES)]),
        torch.zeros(1),
        torch.ones(1),
        torch.tensor(EDGES),
        torch.tensor(EDGES.mean(axis=1)),
        torch.tensor(SHARES),
    )
    heads = {
        "weight": cells(np.log(WEIGHT)).mT,
        "loc": cells(LOC).mT,
        "log_scale": cells(np.log(SCALE)).mT,
    }
    return family, heads | family.constants(columns), columns


def cdf(score):
    return sum(w * stats.logistic.cdf(score, m, s) for w, m, s in zip(WEIGHT, LOC, SCALE, strict=True))


def expected_shares():
    return np.diff(cdf(np.append(-np.inf, stats.norm.ppf(SHARES.cumsum().clip(0, 1)))))


def test_levels_have_the_mass_of_the_mixture_between_their_normal_quantiles(one):
    family, known, _ = one
    shares = family.log_shares(cells([0.0]), len(EDGES), **known).exp().flatten()
    np.testing.assert_allclose(shares, expected_shares(), rtol=1e-9)
    assert float(shares.sum()) == pytest.approx(1)


def test_levels_and_positions_add_up_to_one(one):
    family, known, _ = one
    for k, share in enumerate(expected_shares()):
        if EDGES[k, 0] == EDGES[k, 1]:
            mass = float(family.log_prob(cells([k]), **known).exp())
        else:
            positions = np.linspace(0, 1, 4001)
            density = family.log_prob(cells(k + POSITION_MAX * positions), **known).exp().flatten()
            mass = integrate.trapezoid(density, positions)
        assert mass == pytest.approx(share, rel=0.01)  # within the resolution of a score


def test_the_density_of_a_position_is_that_of_its_score(one):
    family, known, _ = one
    rank = SHARES[0] + SHARES[1] * 0.4
    score = stats.norm.ppf(rank)
    slope = SHARES[1] / stats.norm.pdf(score)
    density = sum(w * stats.logistic.pdf(score, m, s) for w, m, s in zip(WEIGHT, LOC, SCALE, strict=True)) * slope
    x = cells([1 + POSITION_MAX * 0.4])
    assert float(family.log_prob(x, **known).exp()) == pytest.approx(density, rel=1e-3)
    assert float(family.features(x, **known)) == pytest.approx(score, abs=1e-9)


def test_uniform_numbers_lead_to_the_distribution(one):
    family, known, _ = one
    n = 20_000
    drawn = family.equally_likely(n, **known).flatten().numpy()
    counts = np.bincount(drawn.astype(int), minlength=len(EDGES)) / n
    np.testing.assert_allclose(counts, expected_shares(), atol=2e-4)
    inside = drawn[drawn.astype(int) == 1] - 1
    density = family.log_prob(cells(1 + POSITION_MAX * np.linspace(0, 1, 2001)), **known).exp().flatten().numpy()
    reached = integrate.cumulative_trapezoid(density, initial=0) / integrate.trapezoid(density)
    below = np.searchsorted(np.sort(inside) / POSITION_MAX, np.linspace(0, 1, 2001)) / len(inside)
    np.testing.assert_allclose(below, reached, atol=5e-3)


def test_draws_have_the_same_frequencies(one):
    family, known, _ = one
    many = {
        name: value.expand(1, 50_000, -1) if name in ("weight", "loc", "log_scale") else value
        for name, value in known.items()
    }
    drawn = family.sample(torch.Generator().manual_seed(0), **many)
    counts = np.bincount(drawn.flatten().long(), minlength=len(EDGES))
    assert stats.chisquare(counts, 50_000 * expected_shares()).pvalue > 1e-4


def test_the_mean_is_that_of_the_centers_of_levels(one):
    family, known, _ = one
    mean = expected_shares() @ EDGES.mean(axis=1)
    code = float(family.mean(**known))
    level = int(code)
    begin, end = EDGES[level]
    assert begin + (end - begin) * (code - level) / POSITION_MAX == pytest.approx(mean)


@pytest.mark.parametrize("n_modes", [1, 5])
def test_it_starts_near_the_frequencies(one, n_modes):
    _, _, columns = one
    family = ScoreMixture(n_modes)
    start = family.start(cells([0.0, 1.0])[0], columns)
    heads = {name: value.reshape(1, 1, -1) for name, value in start.items()}
    shares = family.log_shares(cells([0.0]), len(EDGES), **heads, **family.constants(columns)).exp().flatten()
    np.testing.assert_allclose(shares, SHARES, atol=0.03)


def test_gaps_have_no_score(one):
    family, known, _ = one
    assert family.features(cells([np.nan, 0.5]), **known).isnan().flatten().tolist() == [True, False]
