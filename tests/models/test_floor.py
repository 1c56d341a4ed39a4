import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae import VAETransformer

AT_START = {"learning_rate": 1e-12, "max_iter": 1}


@pytest.fixture(autouse=True)
def quiet():
    """So few rows are worth warnings, which are tested elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def model(**options):
    return VAETransformer(10, max_iter=300, device="cpu", random_state=0).set_params(**options)


@pytest.mark.parametrize(("n_rows", "n_columns"), [(2, 4), (2, 40), (3, 4), (5, 20)])
def test_distinct_rows_do_not_end_below_their_start(n_rows, n_columns):
    X = np.random.default_rng(0).normal(size=(n_rows, n_columns))
    vae, start = model().fit(X), model(**AT_START).fit(X)
    assert vae.score(X) >= start.score(X) - 1e-6
    assert_allclose(vae.reconstruct(X), X, atol=0.01)


def test_a_learning_rate_that_breaks_a_fit_without_judges_leaves_the_start(iris):
    options = {"early_stopping": False, "n_components": 2}
    start = model(**options | AT_START).fit(iris)
    assert model(**options, learning_rate=1e3).fit(iris).score(iris) >= start.score(iris) - 1e-6


@pytest.mark.parametrize("n_rows", [2, 3, 6, 12])
@pytest.mark.parametrize("likelihood", ["auto", "gaussian", "student_t"])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_equal_rows_fewer_than_columns_come_back(n_rows, likelihood, container):
    X = container(np.tile(np.random.default_rng(0).normal(size=(1, 20)), (n_rows, 1)))
    decoder = "auto" if n_rows == 3 else "factorized"  # what comes back comes from z
    vae = model(n_components=2, max_iter=20, likelihood=likelihood, decoder=decoder).fit(X)
    assert np.isfinite(vae.score(X))
    assert np.isfinite(vae.transform(X)).all()
    assert_allclose(np.asarray(vae.reconstruct(X)), np.asarray(X), atol=0.05)


def test_a_continued_fit_does_not_fall():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 6)) + 0.3 * rng.normal(size=(300, 6))
    vae = model(n_components=2, warm_start=True, max_iter=1)
    scores = [vae.fit(X).score(X) for _ in range(15)]
    assert min(np.diff(scores)) > -0.01
