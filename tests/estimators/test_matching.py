import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from skvae import VAETransformer
from skvae.models import match_prior
from skvae.priors import Mixture


@pytest.fixture
def fitted(iris):
    vae = VAETransformer(2, likelihood="gaussian", max_iter=2, early_stopping=False, device="cpu", random_state=0)
    return vae.fit(iris)


def test_the_prior_is_that_of_the_model_and_of_all_that_is_said_of_it(fitted, iris):
    before, scores = fitted.kl_per_component_, fitted.score_samples(iris)
    fitted._match_prior(iris, 5, seed=0)
    assert fitted.prior == fitted._architecture.prior == fitted._fitted_with["prior"] == Mixture(5)
    assert fitted.score_samples(iris).mean() > scores.mean()
    assert (fitted.kl_per_component_ != before).all() and fitted.active_components_.all()


def test_rows_count_by_their_weights(fitted, iris):
    weights = (np.arange(len(iris)) < 50).astype(float)
    twin = VAETransformer(**fitted.get_params()).fit(iris)
    fitted._match_prior(iris, 5, seed=0, weights=weights)
    match_prior(twin.vae_, twin.table_.encode(iris).float(), 5, seed=0, weights=torch.from_numpy(weights))
    assert_array_equal(fitted.score_samples(iris), twin.score_samples(iris))


def test_it_goes_on_under_the_new_prior_alone(fitted, iris):
    fitted._match_prior(iris, 5, seed=0)
    assert fitted.partial_fit(iris).prior == Mixture(5)
    with pytest.raises(ValueError, match=r"continue with the model of the last fit, where prior was"):
        fitted.set_params(prior="normal").partial_fit(iris)
