import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skvae import VAETransformer
from skvae.models import Model, seed_of


@pytest.fixture
def vae(tiny, iris):
    return VAETransformer(**tiny).fit(iris)


def test_scores_are_those_of_the_model(vae, iris):
    model, X = Model(vae.table_, vae.vae_), np.array(iris)
    assert_array_equal(vae.score_samples(X), model.elbo(X))
    assert vae.score(X) == model.elbo(X).mean()
    assert_array_equal(vae.log_likelihood(X, n_draws=3, random_state=5), model.log_likelihood(X, 3, seed_of(5)))


def test_a_number_of_draws_is_positive_and_whole(vae, iris):
    for n_draws in (0, 2.5, "3"):
        with pytest.raises(ValueError, match="n_draws must be an integer of at least 1"):
            vae.log_likelihood(iris, n_draws=n_draws)
