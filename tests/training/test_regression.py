"""Where a chain starts: at the regressions of its numbers."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm
from sklearn.linear_model import RidgeCV

from skvae.likelihoods.scores import normal_scores
from skvae.networks import MLP, Chain, restack
from skvae.tables import Table
from skvae.training import start_at_marginals, start_at_regressions
from skvae.training.regression import MAX_ROWS, RIDGES, indicators, number_scales, ridge_regression

N_ROWS = MAX_ROWS


def begun(df, weights=None, *, regressions=True, n_models=1):
    """A chain at its start, all models of the stack alike but the last, and the rows."""
    table, generator = Table.fit(df).of_columns, torch.Generator().manual_seed(0)

    def trunk(n_in, n_out):
        return MLP(n_in, n_out, (), "silu", 0.0, generator)

    chain, x = Chain(table.joint(), trunk, generator, table.rulers()), table.encode(df)
    restack(chain, [0] * n_models)
    for s in range(n_models):
        start_at_marginals(chain, chain.joint, s, x, weights)
    if regressions:
        start_at_regressions(chain, n_models - 1, x, weights)
    return chain, table


def gain(df, weights=None, new=None):
    """Nats per row that the regressions of some rows say of others."""
    new = df if new is None else new
    nats = []
    for regressions in (False, True):
        chain, table = begun(df, weights, regressions=regressions)
        nats.append(float(chain.log_prob(table.encode(new).float()[None]).mean().detach()))
    return nats[1] - nats[0]


def line(noise, seed=0, n_rows=N_ROWS):
    """Two numbers, one of which nearly follows from the other, and one that stands alone."""
    rng = np.random.default_rng(seed)
    x, other = rng.normal(size=(2, n_rows))
    return pd.DataFrame({"x": x, "other": other, "y": 5 - 2 * x + 2 * noise * rng.normal(size=n_rows)})


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_a_line_starts_near_the_information_that_its_ends_share(noise):
    information = 0.5 * np.log(1 + 1 / noise**2)
    assert 0.85 * information < gain(line(noise), new=line(noise, seed=1)) < information


def test_a_sum_of_two_is_found():
    rng = np.random.default_rng(0)
    a, b, noise = rng.normal(size=(3, N_ROWS))
    df = pd.DataFrame({"a": a, "b": b, "sum": a + b + 0.1 * noise})
    assert gain(df) > 0.8 * 0.5 * np.log(1 + 2 / 0.1**2)


def test_a_category_that_a_number_follows_is_found():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 4, N_ROWS)
    y = np.array([3, 0, 9, 5])[group] + rng.normal(0, 0.5, N_ROWS)
    df = pd.DataFrame({"group": np.array(list("abcd"))[group], "y": y})
    assert gain(df) > 0.8


def test_each_level_stays_as_likely_as_it_is_frequent():
    df = line(0.1)
    chain, table = begun(df)
    x = table.encode(df).float()[None]
    likely = torch.softmax(chain(x)[0]["logits"][0, :, -100:], dim=1).mean(dim=0)
    torch.testing.assert_close(likely, torch.full((100,), 0.01), atol=0.003, rtol=0)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_loose_or_independent_starts_as_before(seed):
    loose = line(1.0, seed)
    before, after = (begun(loose, regressions=chosen)[0].state_dict() for chosen in (False, True))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_many_rows_start_as_before():
    many = line(0.1, n_rows=MAX_ROWS + 1)
    before, after = (begun(many, regressions=chosen)[0].state_dict() for chosen in (False, True))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_one_model_of_a_stack_is_begun():
    chain, _ = begun(line(0.1), n_models=2)
    alone, _ = begun(line(0.1), regressions=False)
    torch.testing.assert_close(chain.U[0], alone.U[0])
    assert chain.U[1].abs().max() > 1


def test_gaps_are_no_rows_of_a_regression():
    df, rng = line(0.1), np.random.default_rng(1)
    df.loc[rng.random(N_ROWS) < 0.3, "y"] = np.nan
    assert gain(df) > 0.5 * 0.5 * np.log(1 + 1 / 0.1**2)


def test_weights_say_which_rows_count():
    df, strange = line(0.1, n_rows=1000), line(3.0, seed=5, n_rows=1000)
    both, weights = pd.concat([df, strange], ignore_index=True), torch.tensor([1.0] * 1000 + [1e-6] * 1000)
    assert gain(both, weights, new=df) > 1.5
    assert gain(both, None, new=df) < 1.0


def test_normal_scores_are_means_between_quantiles():
    shares = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    edges = norm.ppf([0, 0.2, 0.7, 1])
    means = [norm.expect(lambda z: z, lb=a, ub=b, conditional=True) for a, b in pairwise(edges)]
    np.testing.assert_allclose(normal_scores(shares), means, atol=1e-8)


def test_scales_have_mean_zero():
    shares = torch.tensor([0.1, 0.6, 0.3], dtype=torch.float64)
    scales = [
        *number_scales(shares, torch.tensor([0.0, 1.0, 100.0], dtype=torch.float64)),
        *indicators(shares, 200 * shares),
    ]
    assert len(scales) == 4
    for scale in scales:
        assert float((shares * scale).sum()) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n_columns", [3, 40])
def test_ridges_are_those_of_scikit_learn(n_columns):
    rng, n_rows = np.random.default_rng(0), 60
    X, weights = rng.normal(size=(n_rows, n_columns)), rng.uniform(0.5, 1.5, n_rows)
    weights /= weights.mean()
    y = X[:, 0] - X[:, 1] + rng.normal(size=n_rows)
    twin = RidgeCV((RIDGES * n_rows).numpy(), fit_intercept=False, store_cv_results=True)
    twin.fit(X, y, sample_weight=weights)
    slopes, errors = ridge_regression(*map(torch.tensor, (X, y, weights)))
    np.testing.assert_allclose(slopes, twin.coef_, rtol=1e-5, atol=1e-7)
    best = int(np.argmin(np.abs((RIDGES * n_rows).numpy() - twin.alpha_)))
    np.testing.assert_allclose(weights * errors.numpy() ** 2, twin.cv_results_[:, best], rtol=1e-4)
