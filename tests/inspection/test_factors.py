import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import FactorAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer
from skvae.inspection import rotated_factors
from skvae.inspection.factors import varimax, with_unit_rows

LINE = {"hidden_layer_sizes": (), "max_iter": 1, "learning_rate": 1e-12, "device": "cpu", "random_state": 0}


@pytest.fixture(scope="module")
def rows():
    """Two factors that depend on each other, of four and three columns, in units of their own."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(600, 2)) @ np.linalg.cholesky([[1, 0.5], [0.5, 1]]).T
    return (z[:, [0, 0, 0, 0, 1, 1, 1]] + 0.3 * rng.normal(size=(600, 7))) * [1, -1, 1, 1, 1, 1, -1]


def test_varimax_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 8)) + 0.5 * rng.normal(size=(300, 8))
    plain, twin = FactorAnalysis(3).fit(X), FactorAnalysis(3, rotation="varimax").fit(X)
    rotation = varimax(plain.components_.T)
    assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    size = np.sort(np.abs(rotation.T @ plain.components_), axis=0)
    assert_allclose(size, np.sort(np.abs(twin.components_), axis=0), atol=1e-4)


def test_columns_count_alike_and_idle_ones_not():
    assert_allclose(with_unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])


def test_each_column_has_its_own_factor_where_components_are_the_general_one_and_the_difference(rows):
    vae = VAETransformer(2, **LINE).fit(rows)
    assert_array_equal(vae.strength_.argmax(axis=0), 0)  # of the first component, all
    factors = rotated_factors(vae, rows)
    assert_array_equal(factors.strength.argmax(axis=0), [0, 0, 0, 0, 1, 1, 1])
    assert (factors.components[[0, 1], np.abs(factors.components).argmax(axis=1)] > 0).all()
    F = vae.transform(rows) @ factors.rotation
    assert_allclose(vae.inverse_transform(F @ factors.rotation.T), vae.reconstruct(rows), atol=1e-5)
    turned = factors.rotation.T @ vae.components_  # as the axes do, where the decoder is a line
    assert_allclose(factors.components / np.abs(factors.components).max(), turned / np.abs(turned).max(), atol=0.05)


def test_idle_components_are_left_out_and_a_pipeline_is_looked_into(rows):
    pipeline = make_pipeline(StandardScaler(), VAETransformer(4, **LINE)).fit(rows)
    pipeline[-1].explained_variance_ratio_[2:] = 1e-4
    factors = rotated_factors(pipeline, rows)
    assert factors.rotation.shape == (4, 2)
    assert_array_equal(factors.rotation[2:], 0)
    assert factors.strength.shape == (2, 7)


def test_factors_of_every_kind_of_column(of_mixed, large_mixed):
    factors = rotated_factors(of_mixed, large_mixed)
    assert factors.components.shape == (factors.rotation.shape[1], large_mixed.shape[1])
    assert np.isfinite(pd.DataFrame(factors.strength)).all(axis=None)
