import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from skvae import VAETransformer

AT_START = {"max_iter": 1, "learning_rate": 1e-12, "weight_decay": 0.0, "early_stopping": False, "random_state": 0}


def test_at_the_linear_start_every_level_is_pca():
    X = load_digits().data / 16
    train, test = X[:1400], X[1400:]
    vae = VAETransformer(6, ordered=True, device="cpu", **AT_START).fit(train)
    for k in (1, 2, 4, 6):
        assert vae.score(test, n_components=k) == pytest.approx(PCA(k).fit(train).score(test), abs=1e-5)
    assert_allclose(vae.explained_variance_ratio_, PCA(6).fit(train).explained_variance_ratio_, rtol=0.03)


def test_shares_add_up(iris, tiny):
    vae = VAETransformer(**tiny | {"n_components": 3, "max_iter": 30}, ordered=True).fit(iris)
    left = [iris.var(axis=0)]
    for k in (1, 2, 3):
        left.append((iris - vae.cut(k).reconstruct(iris)).var(axis=0))
    expected = -np.diff(left, axis=0) / iris.var(axis=0).sum()
    assert_allclose(vae.explained_variance_by_column_, expected, atol=1e-6)
    assert_allclose(vae.explained_variance_ratio_, expected.sum(axis=1), atol=1e-6)


def test_a_factor_analysis_starts_near_its_levels(iris):
    from skvae.likelihoods import Gaussian

    vae = VAETransformer(3, ordered=True, likelihood=Gaussian("column"), device="cpu", **AT_START).fit(iris)
    scores = [vae.score(iris, n_components=k) for k in (1, 2, 3)]
    assert scores[0] < scores[1] <= scores[2] + 0.05


def test_the_first_components_are_better_than_those_of_a_plain_fit(iris):
    settings = {"hidden_layer_sizes": (16,), "max_iter": 60, "device": "cpu", "random_state": 0}
    X = np.random.default_rng(0).normal(size=(300, 2))
    X = np.column_stack([X[:, 0], X[:, 0] ** 2, np.sin(2 * X[:, 0]), X[:, 1], np.tanh(X[:, 1])])
    X += 0.1 * np.random.default_rng(1).normal(size=X.shape)
    ordered = VAETransformer(4, ordered=True, **settings).fit(X)
    assert ordered.score(X, n_components=2) > VAETransformer(2, **AT_START).fit(X).score(X)
    assert ordered.n_iter_ <= 60
