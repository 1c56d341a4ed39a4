import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from skvae import VAETransformer
from skvae.estimators.attributes import fitted_attributes
from skvae.models import decide
from tests.models.outcomes import outcome


@pytest.fixture
def fitted(tiny, iris):
    return VAETransformer(**tiny).fit(iris)


def test_components_are_active_from_a_hundredth_of_a_nat(fitted):
    fit = outcome(fitted)
    plan = decide(fitted, fitted.table_, 150, torch.device("cpu"))
    attributes = fitted_attributes(fitted, plan, fit._replace(kl=torch.tensor([0.009, 0.011])), torch.device("cpu"))
    assert attributes["active_components_"].tolist() == [False, True]


def test_noise_variance_of_the_linear_start_is_that_of_pca(iris):
    vae = VAETransformer(2, max_iter=1, learning_rate=1e-12, early_stopping=False, random_state=0).fit(3 * iris)
    assert_allclose(vae.noise_variance_, PCA(2).fit(3 * iris).noise_variance_, rtol=1e-4)
    by_column = VAETransformer(2, likelihood="student_t", max_iter=1, random_state=0).fit(iris)
    assert not hasattr(by_column, "noise_variance_")
    assert (
        np.shape(VAETransformer(2, likelihood="gaussian", max_iter=1, random_state=0).fit(iris).noise_variance_) == ()
    )


def test_components_of_identifiers_are_zero():
    rng = np.random.default_rng(0)
    df = pd.DataFrame({"key": np.arange(1, 101), "x": rng.normal(size=100)})
    df["y"] = df["x"] + 0.1 * rng.normal(size=100)
    with pytest.warns(UserWarning, match="'key'"):
        vae = VAETransformer(1, decoder="factorized", max_iter=5, random_state=0).fit(df)
    assert vae.components_.shape == vae.strength_.shape == (1, vae.n_features_in_)
    assert vae.components_[0, 0] == 0.0 and (np.abs(vae.components_[0, 1:]) > 0.5).all()
