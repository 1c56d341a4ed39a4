"""The start is a linear model whose likelihood is known, and its bound is exact."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.decomposition import PCA, FactorAnalysis

from skvae.likelihoods import Gaussian
from skvae.networks import MLP, VAE, Decoder, Encoder, restack
from skvae.objectives import elbo, normal_nodes
from skvae.priors import StandardNormal
from skvae.tables import Table
from skvae.training import initialize
from skvae.training.initialization import fit_linear_model, principal_axes

K = 2


def make_rows(n_rows=80, n_columns=6, seed=0):
    rng = np.random.default_rng(seed)
    signal = 2 * rng.normal(size=(n_rows, K)) @ rng.normal(size=(K, n_columns))
    return (signal + rng.normal(size=(n_rows, n_columns))) * rng.uniform(0.5, 3, n_columns) + 7


def start(X, likelihood, *, n_components=K, init="linear", train=None, weights=None):
    """A started stack, its table and its rows."""
    table = Table.fit(X, likelihood)
    joint, generator = table.joint(), torch.Generator().manual_seed(0)
    linear = any(isinstance(family, type(Gaussian())) or family.name == "student_t" for family in table.families)

    def trunk(n_in, n_out):
        return MLP(n_in, n_out, (8,), "silu", 0.0, generator)

    encoder = Encoder(joint, n_components, trunk, gaps=table.gaps.tolist(), linear=linear, generator=generator)
    decoder = Decoder(joint, n_components, trunk, linear=linear, generator=generator)
    vae = VAE(joint, StandardNormal(n_components), encoder, decoder).double().requires_grad_(False)
    x, train = table.encode(X).double(), train or [torch.arange(len(X))]
    restack(vae, [0] * len(train))
    initialize(vae, x, train, init, generator, weights)
    return vae, table, x


def first_bound(X, likelihood, **options):
    """ELBO of each row in the units of X."""
    vae, table, x = start(X, likelihood, **options)
    nodes = normal_nodes(32, vae.encoder.n_components)[:, None, None, :]
    return (elbo(vae, x[None], nodes).elbo[0] + table.log_jacobian(x)).numpy()


def probabilistic_pca(X, n_components=K):
    """Tipping and Bishop (1999), eq. (7) and (8); scikit-learn averages min(N, D) eigenvalues, not D."""
    values, axes = np.linalg.eigh(np.cov(X.T))
    values, axes = values[::-1], axes[:, ::-1]
    noise = values[n_components:].mean()
    loadings = axes[:, :n_components] * np.sqrt(values[:n_components] - noise)
    covariance = loadings @ loadings.T + noise * np.eye(X.shape[1])
    return stats.multivariate_normal(X.mean(axis=0), covariance).logpdf(X)


def test_the_first_bound_is_the_log_likelihood_of_pca():
    X = make_rows()
    pca = PCA(n_components=K).fit(X)
    assert_allclose(first_bound(X, "gaussian"), pca.score_samples(X), rtol=1e-9)
    assert_allclose(first_bound(X, "gaussian"), probabilistic_pca(X), rtol=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_fewer_rows_than_columns_change_nothing(sign):
    X = sign * make_rows(n_rows=15, n_columns=40)
    assert_allclose(first_bound(X, "gaussian"), probabilistic_pca(X), rtol=1e-8)


def test_very_many_rows_are_sampled():
    X = make_rows(n_rows=12_000)
    bound = first_bound(X, "gaussian").mean()
    assert bound == pytest.approx(probabilistic_pca(X).mean(), abs=0.01)
    assert bound < probabilistic_pca(X).mean()  # of other rows


@pytest.mark.parametrize("likelihood", [Gaussian("column"), Gaussian("row")])
def test_a_scale_per_column_starts_at_factor_analysis(likelihood):
    X = make_rows(n_rows=400)
    analysis = FactorAnalysis(n_components=K, tol=1e-10, max_iter=20_000, svd_method="lapack").fit(X)
    assert (analysis.noise_variance_ > 0.06 * X.var(axis=0)).all()  # else a floor comes into play
    bound = first_bound(X, likelihood).mean()
    assert bound <= analysis.score(X) + 1e-9
    assert bound == pytest.approx(analysis.score(X), abs=5e-3)


def test_a_column_that_others_determine_keeps_some_noise():
    X = make_rows(n_rows=200)
    X[:, 1] = X[:, 0]
    vae, _, _ = start(X, Gaussian("column"))
    noise = (2 * vae.decode(torch.zeros(1, 1, K).double())[0]["log_scale"][0, 0]).exp()
    assert noise.min().item() == pytest.approx(0.05, rel=1e-6)


def test_student_t_starts_near_factor_analysis():
    X = make_rows(n_rows=400)
    difference = first_bound(X, "student_t").mean() - first_bound(X, Gaussian("column")).mean()
    assert abs(difference) < 0.15


@pytest.mark.parametrize("likelihood", ["gaussian", Gaussian("column")])
@pytest.mark.parametrize("n_components", [6, 9])
def test_components_beyond_the_columns_start_small_and_alive(likelihood, n_components):
    X = make_rows()
    fitted = first_bound(X, likelihood, n_components=5)
    assert_allclose(first_bound(X, likelihood, n_components=n_components), fitted, atol=0.02)
    vae, _, _ = start(X, likelihood, n_components=n_components)
    assert (norms_of_components(vae) > 0).all()


def norms_of_components(vae):
    """Length of each component's loadings."""
    K = vae.encoder.n_components
    z = torch.cat([torch.zeros(1, K), torch.eye(K)]).double()[None]
    loc = vae.decode(z)[0]["loc"][0]
    return (loc[1:] - loc[0]).norm(dim=1)


def test_components_beyond_the_rank_of_the_rows_start_small_and_alive():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 6))
    vae, _, _ = start(X, "gaussian", n_components=4)
    norms = norms_of_components(vae)
    assert (norms > 0).all()
    assert (norms[2:] < 0.01 * norms[1]).all()


@pytest.mark.parametrize("likelihood", ["gaussian", Gaussian("column")])
def test_gaps_are_tolerated(likelihood):
    X = make_rows(n_rows=300)
    X[np.random.default_rng(1).random(X.shape) < 0.15] = np.nan
    X[7] = np.nan
    bound = first_bound(X, likelihood)
    independent = np.nansum(stats.norm(np.nanmean(X, axis=0), np.nanstd(X, axis=0)).logpdf(X), axis=1)
    assert np.isfinite(bound).all()
    assert bound[7] == pytest.approx(0.0, abs=1e-12)  # nothing seen, nothing scored
    assert bound.mean() > independent.mean() + 0.5


@pytest.mark.parametrize("likelihood", ["gaussian", Gaussian("column"), "student_t"])
def test_constant_columns_are_tolerated(likelihood):
    X = make_rows()
    X[:, 2] = 4.0
    vae, _, x = start(X, likelihood)
    q = vae.posterior(x[None])
    assert np.isfinite(first_bound(X, likelihood)).all()
    assert q.loc.var(dim=1).min() > 0.1  # the components live on the other columns
    torch.testing.assert_close(vae.decode(q.loc)[0]["loc"][..., 2], torch.zeros(1, len(X)).double())
    assert np.isfinite(first_bound(np.full((10, 3), 2.0), likelihood)).all()


def test_each_model_starts_from_its_own_rows_and_equal_rows_give_equal_models():
    X = make_rows()
    first, second = torch.arange(0, 50), torch.arange(30, 80)
    vae, _, x = start(X, "gaussian", n_components=8, train=[first, second, first])
    for parameter in vae.decoder.parameters():
        assert torch.equal(parameter[0], parameter[2])
    q = vae.posterior(x.expand(3, -1, -1))
    assert torch.equal(q.loc[0], q.loc[2])
    assert not torch.allclose(q.loc[0], q.loc[1])
    table = Table.fit(X, "gaussian")
    for s, rows in enumerate((first, second)):
        bound = elbo(vae, x.expand(3, -1, -1), normal_nodes(32, 8)[:, None, None, :]).elbo[s] + table.log_jacobian(x)
        expected = probabilistic_pca(X[rows.numpy()], 5)
        assert_allclose(bound[rows].numpy(), expected, atol=5e-3)


def test_a_random_start_has_the_marginals_in_its_biases():
    X = make_rows(n_rows=300)
    vae, _, x = start(X, Gaussian("column"), init="random")
    heads = vae.decode(torch.zeros(1, 1, K).double())[0]
    torch.testing.assert_close(heads["log_scale"][0, 0].exp(), x.std(dim=0, correction=0))
    network = vae.decoder.network(torch.zeros(1, 1, K).double())
    torch.testing.assert_close((heads["loc"] - network)[0, 0], x.mean(dim=0), rtol=0, atol=1e-12)
    assert (vae.decoder.network(torch.ones(1, 1, K).double()) != 0).any()


@pytest.mark.parametrize("likelihood", ["poisson", "categorical"])
def test_families_without_a_location_start_at_their_marginals(likelihood):
    X = np.random.default_rng(0).poisson(3.0, (200, 3))
    vae, _, _ = start(X, likelihood, init="random")
    z = torch.zeros(1, 1, K).double()
    heads = vae.decode(z)[0][{"poisson": "log_rate", "categorical": "logits"}[likelihood]]
    marginal = (heads - vae.decoder.network(z))[0, 0].exp().numpy()
    if likelihood == "poisson":
        assert_allclose(marginal, X.mean(axis=0))
    else:
        counts = [np.unique(column, return_counts=True)[1] + 0.5 for column in X.T]
        assert_allclose(marginal, np.concatenate([c / c.sum() for c in counts]))


def test_weights_move_the_marginals_of_each_model():
    X = np.random.default_rng(0).poisson(3.0, (200, 3))
    weights = torch.arange(200.0).double()
    train = [torch.arange(200), torch.arange(50, 120)]
    vae, _, _ = start(X, "poisson", init="random", train=train, weights=weights)
    z = torch.zeros(2, 1, K).double()
    marginal = (vae.decode(z)[0]["log_rate"] - vae.decoder.network(z))[:, 0].exp().numpy()
    assert_allclose(marginal, [np.average(X[rows], axis=0, weights=weights[rows]) for rows in train])


def test_rows_and_covariance_have_the_same_principal_axes():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(8, 5, generator=generator, dtype=torch.float64)
    values, axes = principal_axes(rows.T @ rows / 8)
    torch.testing.assert_close(rows.T @ rows / 8, axes * values @ axes.T)
    assert values.tolist() == sorted(values.tolist(), reverse=True)
    values_of_rows, axes_of_rows = principal_axes(rows, 8)
    torch.testing.assert_close(values_of_rows[:5], values)
    torch.testing.assert_close(axes_of_rows[:, :5], axes)


def test_the_sign_of_an_axis_does_not_depend_on_the_machine():
    _, axes = principal_axes(torch.tensor([[2.0, -1.5, 0.0], [-1.5, 3.0, 0.1], [0.0, 0.1, 1.0]]))
    assert (axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)) > 0).all()


def test_weights_are_repetitions_in_the_linear_fit():
    x = torch.randn(60, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[::7, 1] = torch.nan
    times = torch.arange(60) % 3 + 1
    settings = {"shared_noise": False, "noise_min": 1e-9, "generator": torch.Generator().manual_seed(0)}
    weighted = fit_linear_model(x, 2, weights=times.double(), **settings)
    repeated = fit_linear_model(x.repeat_interleave(times, dim=0), 2, **settings)
    for part, twin in zip(weighted, repeated, strict=True):
        torch.testing.assert_close(part, twin, rtol=1e-6, atol=1e-9)
