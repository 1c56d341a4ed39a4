"""A prior that is matched after training: the bound under it, and what is said of it."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skvae import VAETransformer
from skvae.likelihoods import StudentT
from skvae.models import match_prior
from skvae.models.passes import in_precision
from skvae.objectives import normal_nodes
from skvae.priors import FreeMixture


@pytest.fixture
def fitted(iris):
    vae = VAETransformer(2, likelihood="gaussian", max_iter=2, early_stopping=False, device="cpu", random_state=0)
    return vae.fit(iris)


def test_the_bound_grows(fitted, iris):
    before = fitted.score(iris)
    kl = match_prior(fitted.vae_, fitted.table_.encode(iris).float(), 10, seed=0)
    assert isinstance(fitted.vae_.prior, FreeMixture)
    assert fitted.vae_.prior.modes()[0].shape == (1, 10, 2)
    assert not any(p.requires_grad for p in fitted.vae_.parameters())
    assert fitted.score(iris) > before + 0.1
    assert kl.shape == (2,)
    assert (kl > 0).all()


def test_rows_without_weight_do_not_matter(fitted, iris):
    x = fitted.table_.encode(iris).float()
    weights = torch.arange(len(x)) < 50
    match_prior(fitted.vae_, x, 5, seed=0, weights=weights)
    scores = fitted.score_samples(iris)
    x[50:] = 7.0
    match_prior(fitted.vae_, x, 5, seed=0, weights=weights)
    assert_array_equal(fitted.score_samples(iris), scores)


def test_a_bound_by_few_draws_is_their_mean(fitted, iris):
    match_prior(fitted.vae_, fitted.table_.encode(iris).float(), 10, seed=0)
    vae, x = in_precision(fitted.vae_, torch.float64), fitted.table_.encode(iris)[None]
    q = vae.posterior(x)
    draws = [q.at(epsilon) for epsilon in normal_nodes(4, 2)]
    ratios = [vae.log_likelihood(z, x) + vae.prior.log_prob(z) - q.log_prob(z) for z in draws]
    expected = (sum(ratios) / 4)[0] + fitted.table_.log_jacobian(x[0])
    assert_allclose(fitted._model().elbo_by_draws(iris, 4), expected.detach(), rtol=1e-9)
    assert np.abs(fitted._model().elbo_by_draws(iris, 16).mean() - fitted.score(iris)) < 0.05


def test_what_is_expected_in_gaps_makes_the_bound_tighter():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6)) / 2
    vae = VAETransformer(10, likelihood=StudentT(scale=0.1), max_iter=30, early_stopping=False, random_state=0).fit(x)
    holed = np.where(rng.random(x.shape) < 0.2, np.nan, x)
    holed[0], holed[1] = x[0], np.nan
    model = vae._model()
    scores = model.elbo_by_draws(holed, 16)
    assert scores.mean() > model.elbo(holed).mean() + 1
    assert_allclose(scores[0], model.elbo_by_draws(x[:1], 16)[0], rtol=1e-9)  # whatever gaps the others have
    assert_allclose(scores[1], 0.0, atol=1e-9)  # nothing is known of it
