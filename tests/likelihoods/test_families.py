"""One table of families with their scipy twins: a new family adds a row."""

import copy
import dataclasses
import itertools
import math
import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import integrate, stats
from scipy.special import log_softmax, softmax

from skvae.likelihoods import (
    FAMILIES,
    Bernoulli,
    Categorical,
    Columns,
    DiscretizedLogistic,
    Gamma,
    Gaussian,
    Head,
    Histogram,
    LocationFamily,
    NegativeBinomial,
    NormalScores,
    Ordinal,
    Poisson,
    StudentT,
)
from skvae.likelihoods.categorical import MAX_LEVELS, POSITION_MAX

LOC = np.array([0.3, -1.2])
P_MIN = 1e-4  # of a goodness-of-fit test with a fixed seed


class RoundedLogistic:
    """A logistic variable, rounded to whole numbers and kept in a range; asked in encoded units."""

    def __init__(self, loc, scale, unit, lower, upper):
        self.raw = stats.logistic(loc=loc * unit, scale=scale * np.abs(unit))
        self.unit, self.lower, self.upper = (
            unit,
            np.minimum(lower * unit, upper * unit),
            np.abs(upper - lower),
        )

    def logpmf(self, x):
        value, smallest = x * self.unit, self.lower
        largest = self.lower + self.upper * np.abs(self.unit)
        below = np.where(np.isclose(value, smallest), 0.0, self.raw.cdf(value - 0.5))
        above = np.where(np.isclose(value, largest), 1.0, self.raw.cdf(value + 0.5))
        return np.log(above - below)

    def mean(self):
        return self.raw.mean() / self.unit


class CutLogistic:
    """A logistic variable around a location for each column, cut at thresholds; asked for codes, NaN beyond them."""

    def __init__(self, loc, thresholds, scale):
        ends = [np.concatenate([[-np.inf], theta, [np.inf]]) for theta in thresholds]
        self.mass = [np.diff(stats.logistic.cdf(*each)) for each in zip(ends, loc, scale, strict=True)]

    def logpmf(self, x):
        codes = np.nan_to_num(x).astype(int)
        log_mass = [np.log(mass)[code] for mass, code in zip(self.mass, codes.T, strict=True)]
        return np.where(np.isnan(x), -np.inf, np.stack(log_mass, axis=1))

    def mean(self):
        return np.array([mass.argmax() for mass in self.mass])  # the mode


class Binned:
    """A scipy histogram for each column; asked for codes of levels, NaN beyond them."""

    def __init__(self, logits, edges):
        self.edges = edges
        self.columns = [
            stats.rv_histogram((softmax(each), np.append(ends[:, 0], ends[-1, 1])), density=False)
            for each, ends in zip(logits, edges, strict=True)
        ]

    def logpmf(self, x):
        codes = np.nan_to_num(x).astype(int)
        log_mass = [
            np.log(np.diff(column.cdf(ends), axis=1)[code, 0])
            for column, ends, code in zip(self.columns, self.edges, codes.T, strict=True)
        ]
        return np.where(np.isnan(x), -np.inf, np.stack(log_mass, axis=1))

    def mean(self):
        """As a code: the level that the mean lies in, and its position there."""
        codes = []
        for column, (begin, end) in zip(self.columns, (ends.T for ends in self.edges), strict=True):
            level = np.searchsorted(begin, column.mean(), side="right") - 1
            position = (column.mean() - begin[level]) / (end[level] - begin[level])
            codes.append(level + POSITION_MAX * position)
        return np.array(codes)

    def values(self, x):
        """Numbers of codes."""
        levels = x.astype(int)
        ends = np.stack([each[level] for each, level in zip(self.edges, levels.T, strict=True)], axis=1)
        return ends[..., 0] + (x - levels) / POSITION_MAX * (ends[..., 1] - ends[..., 0])


class CutScores(CutLogistic):
    """The same with thresholds at the normal quantiles of shares, and a number for each code."""

    def __init__(self, loc, scale, shares, edges):
        super().__init__(loc, [stats.norm.ppf(np.cumsum(each)[:-1]) for each in shares], scale)
        self.edges = edges

    def mean(self):
        """As a code: the level that the mean of the levels' centers lies in, and its position there."""
        codes = []
        for mass, ends in zip(self.mass, self.edges, strict=True):
            mean = mass @ ends.mean(axis=1)
            level = np.searchsorted(ends[:, 0], mean, side="right") - 1
            codes.append(level + POSITION_MAX * (mean - ends[level, 0]) / np.ptp(ends[level]))
        return np.array(codes)

    values = Binned.values


class Case(NamedTuple):
    """A family, its parameters for two columns in encoded units, and the same distribution from scipy."""

    family: Any
    parameters: dict[str, Any]
    twin: Any
    unit: tuple[float, float] = (1.0, 1.0)
    values: Any = None  # the support, encoded, if it is discrete: shape (M, 2), filled up with NaN
    n_levels: tuple[int, int] = (0, 0)
    edges: Any = ()  # of the levels of each column
    shares: Any = ()  # of the training rows in them


UNIT = np.array([2.0, -0.5])
WHOLE = np.array([[-6.0], [-5.0], [-4.0], [-3.0], [-2.0], [-1.0], [0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0]])
COUNTS = np.arange(60.0)[:, None].repeat(2, axis=1)
BITS = np.array([[0.0, 0.0], [1.0, 1.0]])
DF = np.array([5.5, 13.0])
MEAN, SIZE = np.array([0.4, 5.0]), np.array([0.7, 6.0])
CODES = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, np.nan], [3.0, np.nan]])
STEPS = np.log1p(np.exp([-1.0, 2.5]))  # softplus
RANGES = [np.array([[-2.0, -1.5], [-1.5, 0.5], [0.5, 0.6], [0.6, 4.0]]), np.array([[0.0, 0.3], [0.3, 1.0]])]
SHARES = [np.array([0.1, 0.5, 0.05, 0.35]), np.array([0.1, 0.9])]
LOGITS_BY_COLUMN = [[0.3, 1.2, -0.7, 0.4], [0.5, -0.5]]


def discretized(family, scale, **parameters):
    ends = {"lower": -6 / np.abs(UNIT), "upper": 6 / np.abs(UNIT)}
    twin = RoundedLogistic(0.4 * LOC, scale, UNIT, **ends)
    return Case(family, {"loc": 0.4 * LOC} | parameters, twin, tuple(UNIT), WHOLE / UNIT)


CASES = {
    "gaussian, shared": Case(Gaussian(), {"loc": LOC, "log_scale": [0.4]}, stats.norm(LOC, np.exp(0.4))),
    "gaussian, column": Case(
        Gaussian("column"), {"loc": LOC, "log_scale": [0.4, -2.0]}, stats.norm(LOC, np.exp([0.4, -2.0]))
    ),
    "gaussian, row": Case(
        Gaussian("row"),
        {"loc": LOC, "log_scale": [0.4, -2.0], "row_factor": [0.3, -9.0]},
        stats.norm(LOC, np.exp([0.4 + np.tanh(0.3), -2.0 - np.tanh(9.0)])),
    ),
    "gaussian, number": Case(Gaussian(3.0), {"loc": LOC}, stats.norm(LOC, 3.0 / 2.0), (2.0, -2.0)),
    "student_t, shared": Case(
        StudentT("shared"),
        {"loc": LOC, "log_scale": [0.4], "log_df": np.log(DF - 1)},
        stats.t(DF, LOC, np.exp(0.4)),
    ),
    "student_t, row": Case(
        StudentT(),
        {"loc": LOC, "log_scale": [0.4, -2.0], "row_factor": [0.3, -9.0], "log_df": np.log(DF - 1)},
        stats.t(DF, LOC, np.exp([0.4 + np.tanh(0.3), -2.0 - np.tanh(9.0)])),
    ),
    "student_t, number": Case(
        StudentT(0.5), {"loc": LOC, "log_df": np.log(DF - 1)}, stats.t(DF, LOC, 0.5 / 4.0), (-4.0, 4.0)
    ),
    "discretized_logistic, row": discretized(
        DiscretizedLogistic(),
        np.exp([-1.0 + np.tanh(0.4), 0.3]),
        log_scale=[-1.0, 0.3],
        row_factor=[0.4, 0.0],
    ),
    "discretized_logistic, shared": discretized(DiscretizedLogistic("shared"), np.exp(-0.5), log_scale=[-0.5]),
    "gamma": Case(Gamma(), {"log_mean": np.log(MEAN), "log_shape": np.log(SIZE)}, stats.gamma(SIZE, scale=MEAN / SIZE)),
    "poisson": Case(Poisson(), {"log_rate": np.log([0.4, 11.0])}, stats.poisson([0.4, 11.0]), values=COUNTS),
    "negative_binomial": Case(
        NegativeBinomial(),
        {"log_mean": np.log(MEAN), "log_size": np.log(SIZE)},
        stats.nbinom(SIZE, SIZE / (SIZE + MEAN)),
        values=COUNTS,
    ),
    "ordinal": Case(
        Ordinal(),
        {"loc": LOC, "thresholds": [-0.5, -1.0, 2.5, -1.6], "log_scale": [0.5, -0.4]},
        CutLogistic(LOC, [np.cumsum([-0.5, *STEPS]), [-1.6]], np.exp([0.5, -0.4])),
        values=CODES,
        n_levels=(4, 2),
    ),
    "histogram": Case(
        Histogram(),
        {"logits": np.concatenate(LOGITS_BY_COLUMN)},
        Binned(LOGITS_BY_COLUMN, RANGES),
        values=CODES,
        n_levels=(4, 2),
        edges=RANGES,
    ),
    "normal_scores": Case(
        NormalScores(),
        {"loc": LOC, "log_scale": [0.4, -1.0], "row_factor": [0.3, -9.0]},
        CutScores(LOC, np.exp([0.4 + np.tanh(0.3), -1.0 - np.tanh(9.0)]), SHARES, RANGES),
        values=CODES,
        n_levels=(4, 2),
        edges=RANGES,
        shares=SHARES,
    ),
    "bernoulli": Case(Bernoulli(), {"logit": [-1.1, 2.0]}, stats.bernoulli(1 / (1 + np.exp([1.1, -2.0]))), values=BITS),
}
DENSITIES = [name for name, case in CASES.items() if case.values is None]
MASSES = [name for name, case in CASES.items() if case.values is not None]


def columns_of(case):
    ends = case.values if case.values is not None else np.array([[-50.0, -50.0], [50.0, 50.0]])
    return Columns(
        scale=torch.tensor(case.unit, dtype=torch.float64),
        n_levels=torch.tensor(case.n_levels),
        lower=torch.tensor(np.nanmin(ends, axis=0)),
        upper=torch.tensor(np.nanmax(ends, axis=0)),
        edges=torch.tensor(np.concatenate([np.empty((0, 2)), *case.edges])),
        centers=torch.tensor(np.concatenate([np.empty(0), *(ends.mean(axis=1) for ends in case.edges)])),
        shares=torch.tensor(np.concatenate([np.empty(0), *case.shares])),
    )


def parameters_of(case, n_rows=1):
    """As a decoder would supply them: (1, n_rows, width) for a cell's, (1, 1, width) for all others."""
    heads = case.family.heads(columns_of(case))
    supplied = {
        name: torch.as_tensor(np.asarray(value), dtype=torch.float64) for name, value in case.parameters.items()
    }
    assert supplied.keys() == heads.keys()
    assert all(len(supplied[name]) == head.width for name, head in heads.items())
    rows = {name: n_rows if head.per == "cell" else 1 for name, head in heads.items()}
    shaped = {name: value.expand(1, rows[name], -1) for name, value in supplied.items()}
    return shaped | case.family.constants(columns_of(case))


def log_prob(case, x):
    x = torch.as_tensor(x)
    is_outside = x.isnan() | ~case.family.is_valid(x * torch.tensor(case.unit))
    shown = x.masked_fill(is_outside, case.family.anywhere)
    values = case.family.log_prob(shown[None], **parameters_of(case, len(x)))[0]
    return values.masked_fill(is_outside, -torch.inf).numpy()


def draws(case, n_rows=20_000):
    generator = torch.Generator().manual_seed(3)
    return case.family.sample(generator, **parameters_of(case, n_rows))[0].numpy()


@pytest.mark.parametrize("name", DENSITIES)
def test_log_prob_is_scipys_density(name):
    x = np.concatenate([np.linspace(-40, 40, 801), [1e-30, 1e3, -1e5]])[:, None].repeat(2, axis=1)
    x = x[CASES[name].family.is_valid(torch.as_tensor(x)).all(dim=1).numpy()]
    assert_allclose(log_prob(CASES[name], x), CASES[name].twin.logpdf(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", MASSES)
def test_log_prob_is_scipys_mass(name):
    case = CASES[name]
    assert_allclose(log_prob(case, case.values), case.twin.logpmf(case.values), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("name", DENSITIES)
def test_density_integrates_to_one(name, column):
    case = CASES[name]

    def density(x):
        return math.exp(log_prob(case, np.array([[x, x]]))[0, column])

    points = np.sort([0.0, 1e-6, 1e-3, *(LOC[column] + np.array([-30.0, -5.0, -0.3, 0.0, 0.3, 5.0, 30.0]))])
    total, _ = integrate.quad(density, LOC[column] - 400, LOC[column] + 400, points=points, limit=300)
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", MASSES)
def test_mass_sums_to_one(name):
    assert_allclose(np.exp(log_prob(CASES[name], CASES[name].values)).sum(axis=0), 1.0, rtol=1e-10)


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("name", DENSITIES)
def test_draws_follow_their_density(name, column):
    def cdf(x):
        return CASES[name].twin.cdf(np.stack([x, x], axis=-1))[..., column]

    assert stats.kstest(draws(CASES[name])[:, column], cdf).pvalue > P_MIN


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("name", MASSES)
def test_draws_follow_their_mass(name, column):
    case = CASES[name]
    values, x = case.values[:, column], draws(case)[:, column]
    if case.n_levels[0]:
        x = np.floor(x)
    counts = np.bincount(np.nanargmin(np.abs(x[:, None] - values), axis=1), minlength=len(values))  # as a table rounds
    expected = len(x) * np.exp(case.twin.logpmf(case.values)[:, column])
    usual = expected > 5
    counts, expected = (
        np.append(counts[usual], counts[~usual].sum()),
        np.append(expected[usual], expected[~usual].sum()),
    )
    if expected[-1] < 5:
        counts, expected = counts[:-1], expected[:-1]
    assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > P_MIN


@pytest.mark.parametrize("name", CASES)
def test_mean_is_scipys_and_the_mean_of_draws(name):
    case = CASES[name]
    mean, x = case.family.mean(**parameters_of(case))[0, 0].numpy(), draws(case)
    assert_allclose(mean, case.twin.mean(), rtol=1e-10)
    if case.edges:
        mean, x = case.twin.values(mean[None])[0], case.twin.values(x)
    elif case.family.levels != "none":
        assert np.array_equal(mean, [np.bincount(column).argmax() for column in x.T.astype(int)])
        return
    z = (x.mean(axis=0) - mean) / (x.std(axis=0) / math.sqrt(len(x)))
    assert np.abs(z).max() < 4.5


@pytest.mark.parametrize("name", CASES)
def test_seeds_decide_the_draws(name):
    before = torch.get_rng_state()
    assert np.array_equal(draws(CASES[name], 50), draws(CASES[name], 50))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", CASES)
def test_start_ignores_gaps_and_maximises_the_likelihood_of_independent_columns(name):
    case = CASES[name]
    x = torch.as_tensor(draws(case, 3000))
    with_gaps = torch.cat([x, torch.full_like(x, torch.nan)])
    start = case.family.start(x, columns_of(case))
    for key, value in case.family.start(with_gaps, columns_of(case)).items():
        torch.testing.assert_close(value, start[key])
    assert start.keys() == case.parameters.keys()

    def mean_log_prob(shift, key):
        moved = {k: v.clone()[None, None] for k, v in start.items()}
        moved[key][..., 0] += shift
        moved[key] = moved[key].expand(1, len(x), -1)
        return case.family.log_prob(x[None], **moved, **case.family.constants(columns_of(case))).mean().item()

    location = next(iter(case.parameters))
    for shift in (-0.2, 0.2):
        assert mean_log_prob(shift, location) < mean_log_prob(0.0, location)


@pytest.mark.parametrize("name", CASES)
def test_weights_are_repetitions_in_the_start(name):
    case = CASES[name]
    x = torch.as_tensor(draws(case, 300))
    x[::7, 1] = torch.nan
    times = torch.arange(300) % 3  # one, on average
    start = case.family.start(x.repeat_interleave(times, dim=0), columns_of(case))
    for unit in (1.0, 0.2):
        for key, value in case.family.start(x, columns_of(case), unit * times).items():
            torch.testing.assert_close(value, start[key])


# -- numerical edges -----------------------------------------------------------------------------------------

FAR = [-1e4, -3.0, -1e-30, 0.0, 1e-30, 3.0, 1e4]
EDGES = {
    "gaussian": (
        Gaussian("row"),
        FAR,
        {"loc": FAR, "log_scale": [-60.0, 0.0, 20.0], "row_factor": [-50.0, 50.0]},
    ),
    "student_t": (
        StudentT(),
        FAR,
        {
            "loc": FAR,
            "log_scale": [-60.0, 0.0, 20.0],
            "row_factor": [-50.0, 50.0],
            "log_df": [-30.0, 0.0, 20.0],
        },
    ),
    "discretized_logistic": (
        DiscretizedLogistic(),
        [*FAR, -2.0, 2.0],  # its range ends at ±2
        {"loc": FAR, "log_scale": [-60.0, 0.0, 20.0], "row_factor": [-50.0, 50.0]},
    ),
    "gamma": (
        Gamma(),
        [1e-30, 1e-3, 1.0, 1e4],
        {"log_mean": [-80.0, -3.0, 0.0, 9.0, 80.0], "log_shape": [-60.0, -7.0, 0.0, 14.0, 60.0]},
    ),
    "poisson": (Poisson(), [0.0, 1.0, 1e6], {"log_rate": [-80.0, 0.0, 19.0, 60.0]}),
    "negative_binomial": (
        NegativeBinomial(),
        [0.0, 1.0, 1e6, 4e8],
        {"log_mean": [-80.0, 0.0, 19.0, 60.0], "log_size": [-60.0, -7.0, 0.0, 14.0, 60.0]},
    ),
    "ordinal": (
        Ordinal(),  # of three levels: a location of the first threshold, and a step
        [0.0, 1.0, 2.0],
        {
            "loc": FAR,
            "thresholds": [list(pair) for pair in itertools.product(FAR, FAR)],
            "log_scale": [-60.0, 0.0, 60.0],
        },
    ),
    "histogram": (
        Histogram(),
        [0.0, 0.999, 1.5, 2.0, 2.999],
        {"logits": [list(logits) for logits in itertools.product(FAR, repeat=3)]},
    ),
    "normal_scores": (
        NormalScores(),
        [0.0, 0.999, 1.5, 2.0, 2.999],
        {"loc": FAR, "log_scale": [-60.0, 0.0, 20.0], "row_factor": [-50.0, 50.0]},
    ),
    "bernoulli": (Bernoulli(), [0.0, 0.3, 1.0], {"logit": [-1e4, 0.0, 1e4]}),
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
def test_value_and_gradients_are_finite_in_float32_at_the_edges(name, unit):
    family, values, parameters = EDGES[name]
    grid = zip(*itertools.product(values, *parameters.values()), strict=True)  # every combination is a row
    x, *heads = (torch.tensor(part).reshape(1, len(part), -1) for part in grid)
    heads = {key: value.requires_grad_() for key, value in zip(parameters, heads, strict=True)}
    edges, shares = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 3.0]]), torch.tensor([0.2, 1e-6, 0.8])
    ends = torch.tensor([-2.0]), torch.tensor([2.0])
    facts = Columns(torch.tensor([unit]), torch.tensor([3]), *ends, edges, edges.mean(dim=1), shares)
    log_prob = family.log_prob(x, **heads, **family.constants(facts))
    log_prob.sum().backward()
    assert log_prob.isfinite().all()
    assert all(head.grad.isfinite().all() for head in heads.values())


@pytest.mark.parametrize("log_df", [5.0, 9.0, 13.0, 17.0, 25.0])
def test_student_t_tends_to_the_gaussian_in_float32(log_df):
    x = torch.linspace(-3, 3, 25)[None, :, None]
    zero = torch.zeros(1, 1, 1)
    student_t = StudentT("column").log_prob(x, loc=zero, log_scale=zero, log_df=zero + log_df)
    expected = torch.from_numpy(stats.t(1 + math.exp(log_df)).logpdf(x.double().numpy())).float()
    torch.testing.assert_close(student_t, expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("log_df", [-3.0, 0.0, 3.0])
def test_student_t_draws_are_finite_in_float32(log_df):
    size = (1, 1_000_000, 1)
    generator = torch.Generator().manual_seed(12)  # among its first million uniform draws is an exact zero
    zero = torch.zeros(size)
    x = StudentT("column").sample(generator, loc=zero, log_scale=zero, log_df=zero + log_df)
    assert x.isfinite().all()


def test_a_narrow_step_loses_no_digits():
    # a step of 1e-6 standard deviations has the mass of the density times the step
    facts = Columns(torch.tensor([1e6]), torch.zeros(1), torch.tensor([-10.0]), torch.tensor([10.0]))
    family, zero = DiscretizedLogistic("column"), torch.zeros(1, 1, 1)
    x = torch.tensor([[[-5.0], [0.0], [1.5]]])
    log_mass = family.log_prob(x, loc=zero, log_scale=zero, **family.constants(facts))
    expected = stats.logistic.logpdf(x.numpy()) - math.log(1e6)
    assert_allclose(log_mass.numpy(), expected, rtol=1e-5)


def test_a_value_beyond_the_range_is_scored_as_the_end():
    case = CASES["discretized_logistic, row"]
    assert_allclose(log_prob(case, 9 * case.values[[0, -1]]), log_prob(case, case.values[[0, -1]]))


def test_a_constant_whole_number_is_certain():
    facts = Columns(torch.ones(1), torch.zeros(1), torch.zeros(1), torch.zeros(1))
    family, zero = DiscretizedLogistic("column"), torch.zeros(1, 1, 1)
    loc = torch.tensor([[[4.0]]], requires_grad=True)
    log_prob = family.log_prob(zero, loc=loc, log_scale=zero, **family.constants(facts))
    log_prob.sum().backward()
    assert log_prob.item() == 0.0
    assert loc.grad.item() == 0.0


def test_discretized_draws_stay_in_the_observed_range():
    case = CASES["discretized_logistic, shared"]
    wild = case._replace(parameters=case.parameters | {"log_scale": [5.0]})
    x = draws(wild) * UNIT
    assert x.min() == pytest.approx(-6.0)
    assert x.max() == pytest.approx(6.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_discretized_draws_are_whole_numbers_of_the_column(dtype):
    values = (np.arange(-3, 6) - 0.7) / -2.5  # encoded, under a negative scale
    ends = torch.tensor([values.min()], dtype=dtype), torch.tensor([values.max()], dtype=dtype)
    facts = Columns(torch.tensor([-2.5], dtype=dtype), torch.zeros(1), *ends)
    family, zero = DiscretizedLogistic("column"), torch.zeros(1, 500, 1, dtype=dtype)
    x = family.sample(torch.Generator().manual_seed(0), loc=zero, log_scale=zero, **family.constants(facts)).numpy()
    nearest = values[np.abs(x - values).argmin(axis=-1)]
    assert_allclose(x[..., 0], nearest, rtol=0, atol=4 * np.finfo(x.dtype).eps)
    assert_allclose(np.unique(nearest), values[::-1])


def wide_column():
    """A column of whole numbers, in units of the bulk, with a sentinel; a family, and where its bulk is."""
    scale, zeros = torch.tensor([10.0], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    facts = Columns(scale, zeros, zeros, zeros + 200)
    family, zero = DiscretizedLogistic("column"), torch.zeros(1, 1, 1, dtype=torch.float64)
    return family, family.constants(facts) | {"loc": zero + 3, "log_scale": zero}


def test_probabilities_of_a_wide_range_sum_to_one():
    family, parameters = wide_column()
    x = torch.arange(2001, dtype=torch.float64)[None, :, None] / 10
    log_prob = family.log_prob(x, **parameters)[0, :, 0]
    assert log_prob.exp().sum().item() == pytest.approx(1, abs=1e-12)
    assert log_prob[30].item() == pytest.approx(stats.logistic.logpdf(0) - math.log(10), abs=1e-3)
    assert log_prob[1500].item() == pytest.approx(math.log(1e-4 / 2001), abs=1e-9)  # no thousands of nats


def test_draws_of_a_wide_range_are_where_the_bulk_is():
    family, parameters = wide_column()
    parameters["loc"] = parameters["loc"].expand(1, 400_000, 1)
    x = family.sample(torch.Generator().manual_seed(0), **parameters)[0, :, 0]
    far = x[x > 30]
    assert stats.binomtest(len(far), len(x), 1e-4 * 170 / 200).pvalue > 1e-3
    assert stats.kstest(far.numpy(), stats.uniform(30, 170).cdf).pvalue > 1e-3
    assert_allclose((x * 10).round(), x * 10, atol=1e-9)


@pytest.mark.parametrize("family", [StudentT("column"), DiscretizedLogistic("column")])
def test_a_sentinel_moves_neither_the_start_nor_the_evidence(family):
    bulk = torch.linspace(-2, 2, 998, dtype=torch.float64)[:, None]
    x = torch.cat([bulk, torch.full((2, 1), 27_000.0).double()])
    facts = Columns(torch.ones(1), torch.zeros(1), x.min(0).values, x.max(0).values)
    start, clean = family.start(x, facts), family.start(bulk, facts)
    assert_allclose(start["loc"], clean["loc"], atol=0.03)
    assert_allclose(start["log_scale"], clean["log_scale"], atol=0.1)
    assert_allclose(family.evidence(x), x.clamp(max=10))
    assert torch.equal(family.evidence(bulk), bulk)
    assert family.evidence(torch.tensor([torch.nan])).isnan().all()
    assert torch.equal(Gaussian().evidence(x), x)


@given(x=st.floats(-1e6, 1e6), loc=st.floats(-1e6, 1e6), log_scale=st.floats(-4, 10))
def test_gaussian_is_the_normal_density(x, loc, log_scale):
    value, loc_, log_scale_ = (torch.full((1, 1, 1), v, dtype=torch.float64) for v in (x, loc, log_scale))
    ours = Gaussian("column").log_prob(value, loc=loc_, log_scale=log_scale_).item()
    assert ours == pytest.approx(stats.norm.logpdf(x, loc, math.exp(log_scale)), rel=1e-9, abs=1e-9)


@given(x=st.integers(0, 10**6), log_rate=st.floats(-20, 15))
def test_poisson_is_the_poisson_mass(x, log_rate):
    value, rate = (torch.full((1, 1, 1), float(v), dtype=torch.float64) for v in (x, log_rate))
    expected = stats.poisson.logpmf(x, math.exp(log_rate))
    assert Poisson().log_prob(value, log_rate=rate).item() == pytest.approx(expected, rel=1e-7, abs=1e-6)


@given(x=st.integers(0, 4 * 10**8), log_odds=st.floats(-14, 6), log_size=st.floats(-7, 13.9))
def test_negative_binomial_is_scipys_mass(x, log_odds, log_size):  # whose own digits end where p rounds to 1
    value, mean, size = (
        torch.full((1, 1, 1), v, dtype=torch.float64) for v in (float(x), log_size + log_odds, log_size)
    )
    log_mass = NegativeBinomial().log_prob(value, log_mean=mean, log_size=size).item()
    expected = stats.nbinom.logpmf(x, math.exp(log_size), 1 / (1 + math.exp(log_odds)))
    assert log_mass == pytest.approx(expected, rel=1e-7, abs=1e-5)


@pytest.mark.parametrize("log_size", [13.0, 14.0, 30.0])
@pytest.mark.parametrize("mean", [0.01, 1.0, 20.0])
def test_negative_binomial_tends_to_poisson_in_float32(mean, log_size):
    x = torch.arange(40.0)[None, :, None]
    log_mean = torch.full((1, 1, 1), mean).log()
    ours = NegativeBinomial().log_prob(x, log_mean=log_mean, log_size=torch.full((1, 1, 1), log_size))
    assert ours.dtype == torch.float32
    expected = torch.from_numpy(stats.poisson.logpmf(x.double().numpy(), mean)).float()
    torch.testing.assert_close(ours, expected, rtol=2e-6, atol=2e-3)


def test_large_counts_keep_their_digits_in_float32():
    x = torch.tensor([[[1e4], [1e6], [1e8]]])
    ours = NegativeBinomial().log_prob(x, log_mean=x.log(), log_size=torch.full((1, 1, 1), 2.0))
    size = math.exp(2.0)
    expected = stats.nbinom.logpmf(x.double().numpy(), size, size / (size + x.double().numpy()))
    assert_allclose(ours.numpy(), expected, rtol=1e-5)


def test_the_size_gets_the_slope_of_the_exact_log_mass():
    log_size = torch.tensor([[[-6.0]], [[0.0]], [[6.0]], [[11.0]]], requires_grad=True)
    x, log_mean = torch.full((4, 1, 1), 9.0), torch.full((4, 1, 1), 1.5)
    NegativeBinomial().log_prob(x, log_mean=log_mean, log_size=log_size).sum().backward()
    # d log P / d log r = r (Σ_{j < x} 1 / (r + j) + log(r / (r + μ)) + (μ − x) / (r + μ))
    for slope, rho in zip(log_size.grad.flatten().tolist(), log_size.flatten().tolist(), strict=True):
        r, mu = math.exp(rho), math.exp(1.5)
        exact = r * (sum(1 / (r + j) for j in range(9)) - math.log1p(mu / r) + (mu - 9) / (r + mu))
        assert slope == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(("mean", "size"), [(3.0, 0.3), (200.0, 2.0), (50.0, 1e9)])
def test_size_starts_at_the_moments(mean, size):
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.poisson(mean * rng.gamma(size, 1 / size, (100_000, 1)))).double()
    start = NegativeBinomial().start(x, None)
    variance = (start["log_mean"].exp() + (2 * start["log_mean"] - start["log_size"]).exp()).item()
    assert variance == pytest.approx(x.var().item(), rel=0.02)


@pytest.mark.parametrize("log_size", [-7.0, 0.0, 14.0])
def test_negative_binomial_draws_are_counts_in_float32(log_size):
    shape = (1, 100_000, 2)
    log_mean = torch.tensor([0.0, 60.0]).expand(shape)
    generator = torch.Generator().manual_seed(0)
    x = NegativeBinomial().sample(generator, log_mean=log_mean, log_size=torch.full((1, 1, 2), log_size))
    assert x.shape == shape
    assert NegativeBinomial().is_valid(x).all()


# -- positive numbers ----------------------------------------------------------------------------------------


@given(x=st.floats(-45, 45), log_ratio=st.floats(-20, 4), log_shape=st.floats(-4.6, 13.8))
def test_gamma_is_scipys_density(x, log_ratio, log_shape):
    value, log_mean, shape = (
        torch.full((1, 1, 1), v, dtype=torch.float64) for v in (math.exp(x), x - log_ratio, log_shape)
    )
    a = math.exp(log_shape)
    expected = stats.gamma.logpdf(math.exp(x), a, scale=math.exp(x - log_ratio) / a)
    ours = Gamma().log_prob(value, log_mean=log_mean, log_shape=shape).item()
    assert ours == pytest.approx(expected, rel=1e-7, abs=1e-6)


def test_gamma_of_shape_one_is_exponential():
    x = torch.tensor([[[0.1], [1.0], [7.0]]], dtype=torch.float64)
    zero = torch.zeros(1, 1, 1, dtype=torch.float64)
    ours = Gamma().log_prob(x, log_mean=zero + math.log(2.0), log_shape=zero)
    assert_allclose(ours.numpy(), stats.expon(scale=2.0).logpdf(x.numpy()), rtol=1e-12)


@pytest.mark.parametrize("log_shape", [9.0, 13.0, 30.0])
def test_large_shapes_keep_their_digits_in_float32(log_shape):
    spread = math.exp(-0.5 * min(log_shape, math.log(1e6)))
    x = (1 + spread * torch.linspace(-2, 2, 9))[None, :, None]
    ours = Gamma().log_prob(x, log_mean=torch.zeros(1, 1, 1), log_shape=torch.full((1, 1, 1), log_shape))
    twin = stats.gamma(spread**-2, scale=spread**2)
    assert ours.dtype == torch.float32
    assert_allclose(ours.numpy(), twin.logpdf(x.double().numpy()), atol=2e-3)


@pytest.mark.parametrize("shape", [0.05, 0.7, 6.0, 300.0, 1e4])
@pytest.mark.parametrize("unit", [1e-20, 1.0, 1e20])
def test_the_shape_starts_next_to_the_likeliest_in_any_unit(shape, unit):
    rng = np.random.default_rng(0)
    x = np.maximum(unit * rng.gamma(shape, 3.0 / shape, (20_000, 1)), 1e-30)
    start = Gamma().start(torch.as_tensor(x).float(), None)
    likeliest, _, scale = stats.gamma.fit(x / unit, floc=0)
    assert start["log_shape"].exp().item() == pytest.approx(likeliest, rel=0.03)
    assert start["log_mean"].item() == pytest.approx(math.log(likeliest * scale) + math.log(unit), abs=1e-4)


def test_equal_cells_and_a_wild_one_start_at_finite_parameters():
    for x in ([[3.0]] * 5, [[1.0]] * 5 + [[1e30]], [[1e-30], [1e30]], [[2.0]]):
        assert all(head.isfinite().all() for head in Gamma().start(torch.tensor(x), None).values())


@pytest.mark.parametrize("log_shape", [-60.0, -4.0, 0.0, 60.0])
def test_gamma_draws_are_in_the_support_in_float32(log_shape):
    log_mean = torch.tensor([-80.0, 0.0, 80.0]).expand(1, 100_000, 3)
    generator = torch.Generator().manual_seed(0)
    x = Gamma().sample(generator, log_mean=log_mean, log_shape=torch.full((1, 1, 3), log_shape))
    assert x.shape == log_mean.shape
    assert Gamma().is_valid(x).all()


@pytest.mark.parametrize("family", [case.family for case in CASES.values()], ids=repr)
def test_anywhere_lies_in_the_support(family):
    assert family.is_valid(torch.tensor([family.anywhere])).all()


# -- scales --------------------------------------------------------------------------------------------------

LOCATION_SCALE = [Gaussian, StudentT, DiscretizedLogistic]


@pytest.mark.parametrize("family", LOCATION_SCALE)
def test_a_row_changes_the_log_scale_by_one_at_most(family):
    log_scale = family("row").log_scale(torch.zeros(3), torch.tensor([-1e9, 0.0, 1e9]))
    torch.testing.assert_close(log_scale, torch.tensor([-1.0, 0.0, 1.0]))


@pytest.mark.parametrize("family", LOCATION_SCALE)
@pytest.mark.parametrize(("scale", "floor"), [("shared", 1e-5), ("column", 1e-2), ("row", 1e-2)])
def test_a_learned_scale_has_a_floor(family, scale, floor):
    factor = torch.tensor([-5.0]) if scale == "row" else None
    log_scale = family(scale).log_scale(torch.tensor([-100.0]), factor)
    assert log_scale.exp().item() == pytest.approx(floor, rel=1e-5)


@pytest.mark.parametrize("family", LOCATION_SCALE)
@pytest.mark.parametrize("scale", ["rows", "", 0.0, -1.0, math.inf, math.nan, True, None, (1.0,)])
def test_an_impossible_scale_gets_a_sentence(family, scale):
    with pytest.raises(ValueError, match=f"{family.__name__} needs a scale of 'shared', 'column', 'row' or a positive"):
        family(scale)


@pytest.mark.parametrize(
    ("scale", "expected"), [("shared", "shared"), (0.5, "shared"), ("column", "column"), ("row", "column")]
)
def test_scale_decides_the_standardisation(scale, expected):
    assert all(family(scale).scaling == expected for family in LOCATION_SCALE)


def test_features_of_numbers_are_bounded_and_keep_small_values():
    x = torch.tensor([-1e6, -0.01, 0.0, 0.01, 1e6])
    features = Gaussian().features(x)
    assert features.abs().max() <= 5.0
    torch.testing.assert_close(features[1:4], x[1:4], rtol=1e-5, atol=0)
    torch.testing.assert_close(Poisson().features(torch.tensor([0.0, 1.0])), torch.tensor([0.0, math.log(2)]))


# -- bits and grey levels ------------------------------------------------------------------------------------


def test_a_grey_level_is_the_expectation_over_bits():
    bits = torch.tensor([[[0.0], [1.0]]])
    logit = torch.full((1, 1, 1), 0.7)
    log_bits = Bernoulli().log_prob(bits, logit=logit).flatten()
    grey = Bernoulli().log_prob(torch.full((1, 1, 1), 0.3), logit=logit)
    assert grey.item() == pytest.approx(0.7 * log_bits[0].item() + 0.3 * log_bits[1].item(), rel=1e-6)


def test_redraw_binarises_grey_levels_and_keeps_bits_and_gaps():
    x = torch.tensor([0.0, 1.0, torch.nan, 0.3]).expand(2, 20_000, 4)
    drawn = Bernoulli().redraw(x, torch.Generator().manual_seed(0))
    assert torch.equal(drawn[..., :2], x[..., :2])
    assert drawn[..., 2].isnan().all()
    assert set(drawn[..., 3].unique().tolist()) == {0.0, 1.0}
    assert drawn[..., 3].mean().item() == pytest.approx(0.3, abs=0.015)
    assert torch.equal(drawn[0, :, 3], drawn[1, :, 3])  # stacked models share the draw


@pytest.mark.parametrize(
    "family",
    [
        Gaussian(),
        StudentT(),
        Poisson(),
        NegativeBinomial(),
        DiscretizedLogistic(),
        Gamma(),
        Categorical(),
        Ordinal(),
        Histogram(),
    ],
)
def test_redraw_of_other_families_keeps_the_rows(family):
    x = torch.arange(6.0).reshape(1, 3, 2)
    assert torch.equal(family.redraw(x, torch.Generator()), x)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (Gaussian(), [True, True, True, True]),
        (StudentT(), [True, True, True, True]),
        (DiscretizedLogistic(), [True, True, False, True]),
        (Gamma(), [False, False, True, True]),
        (Poisson(), [False, True, False, True]),
        (NegativeBinomial(), [False, True, False, True]),
        (Ordinal(), [True, True, True, True]),
        (Histogram(), [True, True, True, True]),
        (Bernoulli(), [False, True, True, False]),
    ],
)
def test_support(family, expected):
    assert family.is_valid(torch.tensor([-1.0, 0.0, 0.5, 2.0])).tolist() == expected


# -- categories ----------------------------------------------------------------------------------------------

N_LEVELS = [3, 1, 5]
LOGITS = np.array([[0.2, -1.0, 2.0, 0.7, 0.0, 1.5, -2.0, 1.0, 0.4], [5.0, 0.0, -30.0, 9.0, 0.1, 0.2, 0.3, 0.4, 0.5]])


def levels(n_levels=N_LEVELS):
    n = len(n_levels)
    return Columns(torch.ones(n), torch.tensor(n_levels), torch.zeros(n), torch.tensor(n_levels) - 1.0)


def categorical(method, logits, *args, n_levels=N_LEVELS):
    logits = torch.as_tensor(logits)
    constants = Categorical().constants(levels(n_levels))
    return getattr(Categorical(), method)(*args, logits=logits, **constants)


def test_uneven_levels_lie_side_by_side_and_log_prob_is_their_log_softmax():
    assert Categorical().heads(levels())["logits"].width == 9
    by_column = [log_softmax(part, axis=1) for part in np.split(LOGITS, [3, 4], axis=1)]
    for codes in [(0, 0, 0), (2, 0, 4), (1, 0, 3)]:
        x = torch.tensor([[codes, codes]], dtype=torch.float64)
        expected = np.stack([by_column[d][:, code] for d, code in enumerate(codes)], axis=-1)
        assert_allclose(categorical("log_prob", LOGITS[None], x)[0].numpy(), expected, rtol=1e-12, atol=1e-12)


def test_categories_sum_to_one_and_draws_follow():
    n_rows = 20_000
    logits = torch.tensor(LOGITS[:1]).expand(1, n_rows, 9)
    x = categorical("sample", logits, torch.Generator().manual_seed(0))[0].long().numpy()
    for d, part in enumerate(np.split(LOGITS[0], [3, 4])):
        codes = torch.zeros(1, len(part), 3, dtype=torch.float64)
        codes[0, :, d] = torch.arange(len(part))
        p = categorical("log_prob", LOGITS[None, [0] * len(part)], codes)[0, :, d].exp().numpy()
        assert p.sum() == pytest.approx(1.0, rel=1e-12)
        counts = np.bincount(x[:, d], minlength=len(part))
        assert len(counts) == len(part)
        if len(part) > 1:
            assert stats.chisquare(counts, n_rows * p).pvalue > P_MIN


def test_the_mode_is_the_most_probable_level_and_the_first_among_ties():
    assert categorical("mean", LOGITS[None])[0].tolist() == [[2, 0, 1], [0, 0, 4]]
    ties = np.array([[[1.0, 1.0, 0.0, 0.0, -1.0, 3.0, 3.0, 0.0, 3.0], [0.0] * 9]])
    assert categorical("mean", ties)[0].tolist() == [[0, 0, 1], [0, 0, 0]]


def test_extreme_logits_give_finite_values_and_gradients_in_float32():
    logits = torch.tensor([[[1e4, -1e4, 0.0, 50.0, -1e4, -1e4, -1e4, -1e4, -1e4]]], requires_grad=True)
    x = torch.tensor([[[1.0, 0.0, 2.0]]])
    log_prob = categorical("log_prob", logits, x)
    log_prob.sum().backward()
    assert log_prob.isfinite().all()
    assert logits.grad.isfinite().all()
    # logits of 10,000 hold three decimals in float32
    assert_allclose(log_prob.detach()[0, 0].numpy(), [-2e4, 0.0, -math.log(5)], atol=1e-3)


def test_gradient_is_one_minus_the_probability():
    logits = torch.tensor(LOGITS[None], requires_grad=True)
    x = torch.tensor([[[1.0, 0.0, 3.0], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    categorical("log_prob", logits, x).sum().backward()
    p = np.concatenate([np.exp(log_softmax(part, axis=1)) for part in np.split(LOGITS, [3, 4], axis=1)], axis=1)
    chosen = np.zeros((2, 9))
    chosen[0, [1, 3, 7]] = chosen[1, [0, 3, 4]] = 1.0
    assert_allclose(logits.grad[0].numpy(), chosen - p, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("family", "name", "most"), [(Categorical, "max_categories", 32_768), (Histogram, "n_bins", 10_922)]
)
def test_more_levels_than_float32_can_tell_apart_get_a_sentence(family, name, most):
    assert getattr(family(most), name) == most
    sentence = f"{family.__name__} needs a whole number from 1 to {most} as {name}, got .* Use {name}=1000, say"
    for value in (most + 1, 0, -3, 10.5, "many", None):
        with pytest.raises(ValueError, match=sentence):
            family(value)


def test_a_position_in_the_last_of_many_levels_does_not_reach_the_next():
    assert np.floor(np.float32(MAX_LEVELS - 1 + POSITION_MAX)) == MAX_LEVELS - 1
    assert np.floor(np.float32(MAX_LEVELS + POSITION_MAX)) == MAX_LEVELS + 1


def test_start_of_categories_is_their_frequencies_without_gaps():
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, torch.nan], [torch.nan, 1.0]], dtype=torch.float64)
    start = Categorical().start(x, levels([3, 2]))["logits"].exp()
    assert_allclose(start.numpy(), np.array([1.5, 0.5, 2.5, 2.5, 1.5]) / [4.5, 4.5, 4.5, 4.0, 4.0])


# -- ordered categories --------------------------------------------------------------------------------------

STEPPED = np.array([-1.0, 0.5, 0.0, -2.0, 3.0, -3.0])  # [3, 1, 5] levels have 2 + 0 + 4 thresholds


def ordinal(method, heads, *args, n_levels=N_LEVELS):
    """Call a method with heads of any container, at scale 1 unless they say otherwise."""
    supplied = {"log_scale": torch.zeros(len(n_levels))} | {name: torch.as_tensor(v) for name, v in heads.items()}
    return getattr(Ordinal(), method)(*args, **supplied, **Ordinal().constants(levels(n_levels)))


def test_uneven_thresholds_lie_side_by_side():
    heads = Ordinal().heads(levels())
    assert {name: head.width for name, head in heads.items()} == {"loc": 3, "thresholds": 6, "log_scale": 3}
    step = np.log1p(np.exp(STEPPED))
    theta = [np.cumsum([-1.0, step[1]]), [], np.cumsum([0.0, *step[3:]])]
    loc, scale = np.array([0.4, 7.0, -0.3]), np.array([0.5, 1.0, 2.0])
    heads, twin = {"loc": loc[None], "thresholds": STEPPED, "log_scale": np.log(scale)}, CutLogistic(loc, theta, scale)
    for codes in [(0, 0, 0), (2, 0, 4), (1, 0, 3), (1, 0, 1), (0, 0, 2)]:
        x = np.array([codes], dtype=float)
        ours = ordinal("log_prob", heads, torch.as_tensor(x)).numpy()
        assert_allclose(ours, twin.logpmf(x), rtol=1e-12, atol=1e-12)
    assert ordinal("mean", heads)[0].tolist() == twin.mean().tolist()


@pytest.mark.parametrize("n_levels", [[1], [1, 1], [1, 4], [4, 1]])
def test_columns_of_a_single_level_are_certain(n_levels):
    x = torch.zeros(1, 5, len(n_levels))
    start = Ordinal().start(x[0], levels(n_levels))
    heads = {name: value.expand(1, 5 if name == "loc" else 1, -1).requires_grad_() for name, value in start.items()}
    log_prob = ordinal("log_prob", heads, x, n_levels=n_levels)
    gradients = torch.autograd.grad(log_prob.sum(), heads.values())
    assert all(gradient.isfinite().all() for gradient in gradients)
    single = [m == 1 for m in n_levels]
    assert (log_prob[..., single] == 0).all()
    for codes in (
        ordinal("mean", heads, n_levels=n_levels),
        ordinal("sample", heads, torch.Generator(), n_levels=n_levels),
    ):
        assert codes.shape == (1, 5, len(n_levels))
        assert (codes[..., single] == 0).all()


def test_start_of_ordered_categories_is_their_frequencies_without_gaps():
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, torch.nan], [torch.nan, 1.0]], dtype=torch.float64)
    start = Ordinal().start(x, levels([3, 2]))
    assert start["loc"].tolist() == start["log_scale"].tolist() == [0.0, 0.0]
    codes = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]], dtype=torch.float64)
    mass = ordinal("log_prob", start, codes, n_levels=[3, 2]).exp()
    assert_allclose(mass.numpy(), [[1.5 / 4.5, 2.5 / 4.0], [0.5 / 4.5, 1.5 / 4.0], [2.5 / 4.5, 2.5 / 4.0]], rtol=1e-6)


def test_a_narrow_level_and_many_columns_lose_no_digits_in_float32():
    n_columns = 4000  # the first threshold of the last column comes after a total of thousands
    heads = {
        "loc": torch.full((1, 1, n_columns), 0.5),
        "thresholds": torch.tensor([2.0, 5.0, -30.0]).repeat(n_columns)[None, None],
    }
    x = torch.full((1, 1, n_columns), 2.0)
    log_prob = ordinal("log_prob", heads, x, n_levels=[4] * n_columns)
    at = 2.0 + math.log1p(math.exp(5.0)) - 0.5
    expected = stats.logistic.logpdf(at) - 30.0  # the density times the width
    assert_allclose(log_prob.flatten().numpy(), np.full(n_columns, expected), rtol=1e-6)


def test_a_common_factor_of_location_thresholds_and_scale_changes_nothing():
    x = torch.arange(3.0, dtype=torch.float64)[:, None]
    theta = np.array([-0.5, 0.7])
    for factor in (1.0, 3.0):
        first, step = factor * theta[0], factor * np.diff(theta)
        thresholds = np.array([first, *np.log(np.expm1(step))])
        heads = {"loc": np.full((3, 1), factor * 0.2), "thresholds": thresholds, "log_scale": np.log([factor])}
        log_prob = ordinal("log_prob", heads, x, n_levels=[3])
        assert_allclose(log_prob.numpy(), CutLogistic([0.2], [theta], [1.0]).logpmf(x.numpy()), rtol=1e-12)


def test_a_larger_location_means_higher_levels():
    loc = torch.linspace(-9, 9, 50, dtype=torch.float64)[:, None]
    modes = ordinal("mean", {"loc": loc, "thresholds": STEPPED[2:]}, n_levels=[5])
    assert (modes.diff(dim=0) >= 0).all()
    assert (modes[0].item(), modes[-1].item()) == (0.0, 4.0)


# -- numbers as levels -----------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
WIDE = np.sort(RNG.normal(size=21)) * 7
MIXED_LEVELS = np.array([[-1.0, -1.0], [-0.9, 0.5], [0.5, 2.0], [2.0, 2.0], [3.0, 3.0], [3.5, 4.5]])  # three atoms


def histogram(method, logits, edges, *args):
    """Of one column with the given edges."""
    one = torch.ones(1)
    facts = Columns(one, torch.tensor([len(edges)]), 0 * one, len(edges) - one, torch.as_tensor(edges))
    return getattr(Histogram(), method)(*args, logits=torch.as_tensor(logits), **Histogram().constants(facts))


def test_probability_over_width_is_scipys_density():
    logits = RNG.normal(size=20)
    twin = stats.rv_histogram((softmax(logits), WIDE), density=False)
    edges = np.column_stack([WIDE[:-1], WIDE[1:]])
    values = edges.mean(axis=1)
    codes = torch.arange(20.0, dtype=torch.float64)[:, None] + 0.5
    log_prob = histogram("log_prob", logits[None].repeat(20, axis=0), edges, codes)[:, 0].numpy()
    assert_allclose(log_prob - np.log(np.diff(WIDE)), twin.logpdf(values), rtol=1e-10)


@pytest.mark.parametrize("position", [0.0, 0.25, 0.999])
def test_a_level_is_as_likely_wherever_the_cell_lies_in_it(position):
    codes = torch.arange(6.0, dtype=torch.float64)[:, None]
    logits = RNG.normal(size=(6, 6))
    begin, inside = (histogram("log_prob", logits, MIXED_LEVELS, codes + shift) for shift in (0.0, position))
    assert torch.equal(begin, inside)


def number(code, edges):
    """What a code of one column stands for."""
    begin, end = edges[int(code)]
    return begin + (code - int(code)) / POSITION_MAX * (end - begin)


@pytest.mark.parametrize("seed", range(5))
def test_the_mean_of_a_histogram_is_that_of_its_levels(seed):
    logits, edges = 2 * np.random.default_rng(seed).normal(size=20), np.column_stack([WIDE[:-1], WIDE[1:]])
    code = histogram("mean", logits[None], edges).item()
    assert number(code, edges) == pytest.approx(softmax(logits) @ edges.mean(axis=1), rel=1e-9)


@pytest.mark.parametrize("edges", [MIXED_LEVELS, MIXED_LEVELS[[0, 3, 4]]], ids=["bins and atoms", "atoms"])
def test_a_mean_that_no_level_covers_is_the_nearest_value_of_one(edges):
    for logits in 2 * np.random.default_rng(0).normal(size=(50, len(edges))):
        expected = softmax(logits) @ edges.mean(axis=1)
        distance = np.abs(np.clip(expected, edges[:, 0], edges[:, 1]) - expected)
        value = number(histogram("mean", logits[None], edges).item(), edges)
        assert abs(value - expected) == pytest.approx(distance.min(), abs=2e-3)  # a position ends at 0.999


@pytest.mark.parametrize("certainty", [5.0, 17.0])
def test_the_mean_of_a_certain_level_lies_in_it(certainty):
    for level, ends in enumerate(MIXED_LEVELS):
        logits = np.where(np.arange(6) == level, 0.0, -certainty)
        code = histogram("mean", logits[None].astype(np.float32), MIXED_LEVELS.astype(np.float32)).item()
        tolerance = 30 * math.exp(-certainty) + 1e-6
        assert number(code, MIXED_LEVELS) == pytest.approx(ends.mean(), abs=tolerance)


def test_draws_of_a_histogram_are_spread_evenly_in_their_level():
    logits = torch.tensor([[0.0, 1.0, -1.0]]).expand(20_000, 3)
    x = histogram("sample", logits, MIXED_LEVELS[:3], torch.Generator().manual_seed(0))[:, 0]
    for level in range(3):
        position = (x[x.floor() == level] - level).double().numpy()
        assert stats.kstest(position / 0.999, "uniform").pvalue > P_MIN


@pytest.mark.parametrize("n_levels", [2, 100, 1000])
def test_no_draw_is_rounded_into_the_next_level_in_float32(n_levels):
    last = torch.full((4000, n_levels), -1e4)
    last[:, -1] = 0.0
    edges = np.column_stack([np.arange(n_levels), np.arange(n_levels) + 1.0])
    x = histogram("sample", last, edges, torch.Generator().manual_seed(0))
    assert x.dtype == torch.float32
    assert (x.floor() == n_levels - 1).all()


# -- objects -------------------------------------------------------------------------------------------------

OBJECTS = [
    *(family() for family in FAMILIES.values()),
    Gaussian("row"),
    Gaussian(0.5),
    StudentT("shared"),
    DiscretizedLogistic("shared"),
    Categorical(max_categories=7),
]


@pytest.mark.parametrize("family", OBJECTS, ids=repr)
def test_families_are_values(family):
    for twin in (
        copy.deepcopy(family),
        copy.copy(family),
        pickle.loads(pickle.dumps(family)),
        eval(repr(family)),
    ):
        assert twin == family
        assert hash(twin) == hash(family)
        assert type(twin) is type(family)


def test_different_families_are_different():
    assert len(set(OBJECTS)) == len(OBJECTS)
    assert Gaussian("row") != StudentT("row")


@pytest.mark.parametrize("family", OBJECTS, ids=repr)
def test_families_are_immutable(family):
    with pytest.raises(dataclasses.FrozenInstanceError):
        family.scale = "column"


def test_names_lead_to_their_families():
    assert all(FAMILIES[name].name == name for name in FAMILIES)
    assert {type(family) for family in OBJECTS} == set(FAMILIES.values())


def test_only_a_density_changes_with_the_units():
    """Of the table above, those that have no list of values."""
    assert {name for name, family in FAMILIES.items() if family().is_density} == {
        CASES[name].family.name for name in DENSITIES
    }


# -- columns and models side by side ---------------------------------------------------------------------------

UNEVEN = torch.tensor([3, 1, 2, 5])
SIDE_BY_SIDE = Columns(
    scale=torch.tensor([2.0, -2.0, 2.0, 2.0], dtype=torch.float64),
    n_levels=UNEVEN,
    lower=torch.full((4,), -4.0, dtype=torch.float64),
    upper=torch.full((4,), 4.0, dtype=torch.float64),
    edges=torch.cat([torch.arange(n + 1.0, dtype=torch.float64).unfold(0, 2, 1) for n in UNEVEN]),
    centers=torch.cat([torch.arange(n, dtype=torch.float64) + 0.5 for n in UNEVEN]),
    shares=torch.cat([torch.full((n,), 1 / n, dtype=torch.float64) for n in UNEVEN]),
)


def random_heads(family, columns, n_models, n_rows):
    generator = torch.Generator().manual_seed(5)
    return {
        name: torch.randn(n_models, n_rows if head.per == "cell" else 1, head.width, generator=generator).double()
        for name, head in family.heads(columns).items()
    }


def shares(family, columns, heads):
    """What the table knows of each column, and its share of the heads."""
    first = dict.fromkeys(heads, 0)
    for d in range(len(columns.scale)):
        alone, share = columns.take(d), {}
        for name, head in family.heads(alone).items():
            share[name] = heads[name][..., first[name] : first[name] + head.width]
            first[name] += head.width if head.per != "block" else 0
        yield alone, share


@pytest.mark.parametrize("family", OBJECTS, ids=repr)
def test_a_columns_share_of_each_head_is_what_it_asks_for_alone(family):
    heads, constants = random_heads(family, SIDE_BY_SIDE, 2, 6), family.constants(SIDE_BY_SIDE)
    for name, head in family.heads(SIDE_BY_SIDE).items():
        widths = [family.heads(SIDE_BY_SIDE.take(d))[name].width for d in range(4)]
        assert head.width == (1 if head.per == "block" else sum(widths))
    x = family.sample(torch.Generator().manual_seed(6), **heads, **constants)
    log_prob, mean = [], []
    for d, (alone, share) in enumerate(shares(family, SIDE_BY_SIDE, heads)):
        parameters = share | family.constants(alone)
        log_prob.append(family.log_prob(x[..., [d]], **parameters))
        mean.append(family.mean(**parameters))
    torch.testing.assert_close(torch.cat(log_prob, dim=-1), family.log_prob(x, **heads, **constants))
    torch.testing.assert_close(torch.cat(mean, dim=-1), family.mean(**heads, **constants))


@pytest.mark.parametrize("family", OBJECTS, ids=repr)
def test_a_column_starts_as_it_does_alone(family):
    heads = random_heads(family, SIDE_BY_SIDE, 1, 50)
    x = family.sample(torch.Generator().manual_seed(6), **heads, **family.constants(SIDE_BY_SIDE))[0]
    starts = [family.start(x[:, [d]], SIDE_BY_SIDE.take(d)) for d in range(4)]
    for name, value in family.start(x, SIDE_BY_SIDE).items():
        head = family.heads(SIDE_BY_SIDE)[name]
        assert value.shape == (head.width,)
        if head.per != "block":
            torch.testing.assert_close(torch.cat([start[name] for start in starts]), value)


@pytest.mark.parametrize("family", OBJECTS, ids=repr)
def test_models_of_a_stack_equal_models_alone(family):
    heads, constants = random_heads(family, SIDE_BY_SIDE, 3, 5), family.constants(SIDE_BY_SIDE)
    x = family.sample(torch.Generator().manual_seed(7), **heads, **constants)
    log_prob, mean = family.log_prob(x, **heads, **constants), family.mean(**heads, **constants)
    for s in range(3):
        alone = {name: value[[s]] for name, value in heads.items()} | constants
        torch.testing.assert_close(log_prob[[s]], family.log_prob(x[[s]], **alone))
        torch.testing.assert_close(mean[[s]], family.mean(**alone))


# -- what a linear start asks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", OBJECTS, ids=repr)
def test_a_family_is_linear_where_it_declares_what_that_asks(family):
    assert family.is_linear == isinstance(family, LocationFamily)
    if family.is_linear:
        assert family.heads(SIDE_BY_SIDE)["loc"] == Head("cell", 4)
        assert math.isfinite(family.floor)


@pytest.mark.parametrize("family", [family for family in OBJECTS if family.is_linear], ids=repr)
def test_the_noise_of_a_location_family_has_the_variance_it_was_made_for(family):
    variance = torch.full((4,), 0.25, dtype=torch.float64)
    constants = family.constants(SIDE_BY_SIDE)
    known = family.known_variance(**constants)
    if known is not None:
        assert family.noise(variance) == {}
        assert known == pytest.approx((family.scale / 2.0) ** 2)  # of columns whose unit is 2
        return
    (log_scale,) = family.noise(variance).values()
    wide = family.heads(SIDE_BY_SIDE)["log_scale"].width
    assert log_scale.shape == (wide,)
    assert_allclose((2 * (log_scale + family.log_std)).exp().numpy(), 0.25)


# -- normal scores -----------------------------------------------------------------------------------------------


def test_normal_scores_are_the_means_of_a_normal_variable_in_its_levels():
    edges = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 3.0]])
    one, shares = torch.ones(1), torch.tensor([0.2, 0.3, 0.5])
    columns = Columns(one, torch.tensor([3]), one, one, edges, edges.mean(dim=1), shares)
    known = NormalScores().constants(columns)
    codes = torch.tensor([[0.0], [POSITION_MAX], [1.0], [1 + POSITION_MAX], [2.0], [2 + POSITION_MAX], [torch.nan]])
    scores = NormalScores().evidence(codes.double(), **known).flatten().numpy()
    cut = stats.norm.ppf([0.2, 0.5])
    means = -np.diff(stats.norm.pdf([-np.inf, *cut, np.inf])) / shares.numpy()
    expected = [2 * means[0] - cut[0], cut[0], means[1], means[1], cut[1], 2 * means[2] - cut[1], np.nan]
    assert_allclose(scores, expected, rtol=1e-6, atol=1e-6)
    assert_allclose((scores[[0, 4]] + scores[[1, 5]]) / 2, means[[0, 2]], rtol=1e-6)


def test_a_column_of_one_level_is_certain():
    edges, one = torch.tensor([[7.0, 7.0]]), torch.ones(1)
    columns = Columns(one, torch.tensor([1]), one, one, edges, edges[:, 0], one)
    family = NormalScores()
    heads = {name: torch.randn(1, 1, 1) for name in family.heads(columns)} | family.constants(columns)
    assert family.log_prob(torch.zeros(1, 1, 1), **heads).abs().max() < 1e-6
    assert family.sample(torch.Generator(), **heads).floor() == 0
    assert family.mean(**heads).floor() == 0
    assert family.evidence(torch.zeros(1, 1, 1), **family.constants(columns)) == 0
