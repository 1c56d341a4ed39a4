import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from skvae import VAETransformer
from skvae.inspection import latent_report
from skvae.inspection.report import joint_information, kl_to_normal, mutual_information
from skvae.priors import Mixture

FEW = {"hidden_layer_sizes": (16,), "max_iter": 12, "early_stopping": False, "device": "cpu", "random_state": 0}


def fit(X, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return VAETransformer(2, **FEW | settings).fit(X)


def test_mutual_information_is_that_of_a_mixture():
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=(5, 2)), rng.uniform(0.3, 1, size=(5, 2))

    def mixture(z, k):
        return norm.pdf(z, loc[:, k], scale[:, k]).mean()

    for k, found in enumerate(mutual_information(loc, scale)):
        entropy = quad(lambda z, k=k: -mixture(z, k) * np.log(mixture(z, k)), -9, 9, limit=200)[0]
        conditional = (0.5 * np.log(2 * np.pi * np.e) + np.log(scale[:, k])).mean()
        assert found == pytest.approx(entropy - conditional, abs=2e-3)


def test_the_kl_is_split_without_a_rest():
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=(6, 1)), rng.uniform(0.3, 1, size=(6, 1))

    def integrand(z):
        q = norm.pdf(z, loc[:, 0], scale[:, 0]).mean()
        return q * (np.log(q) - norm.logpdf(z))

    gap = quad(integrand, -9, 9, limit=200)[0]
    kl = kl_to_normal(loc, scale**2).mean()
    assert kl - mutual_information(loc, scale)[0] == pytest.approx(gap, abs=2e-3)


def test_information_of_posteriors_far_apart_is_log_n_and_of_equal_ones_is_zero():
    apart, equal = 100.0 * np.arange(8)[:, None], np.zeros((8, 1))
    ones, noise = np.ones((8, 1)), np.random.default_rng(0).normal(size=(8, 1))
    assert_allclose(mutual_information(apart, ones), np.log(8))
    assert_allclose(mutual_information(equal, ones), 0, atol=1e-12)
    assert joint_information(apart, ones, noise) == pytest.approx(np.log(8))
    assert joint_information(equal, ones, noise) == pytest.approx(0, abs=1e-12)


def test_a_healthy_model_is_healthy(iris):
    vae = fit(iris)
    report = latent_report(vae, iris)
    assert list(report.index) == [0, 1, "all"]
    assert report.attrs["verdict"] == report.loc["all", "state"] == "healthy"
    assert report.attrs["remedy"].endswith(("Nothing to do.", 'learn the prior with prior="mixture".'))
    assert list(report["active"]) == [1, 1, 2]
    parts = report.drop("all")
    assert_allclose(parts["kl"], vae.kl_per_component_, rtol=1e-4)
    assert_allclose(parts["kl"], parts["mutual_information"] + parts["marginal_kl"])
    assert report.loc["all", "kl"] == pytest.approx(parts["kl"].sum())
    assert 0 < report.loc["all", "mutual_information"] <= report.attrs["mutual_information_bound"] == np.log(150)


def test_a_model_that_was_collapsed_on_purpose_is_flagged(iris):
    report = latent_report(fit(iris, beta=50, init="random", learning_rate=0.02), iris)
    assert report.attrs["verdict"] == report.loc["all", "state"] == "collapsed"
    assert (report["state"].drop("all") == "inactive").all()
    assert report.loc["all", "active"] == 0
    assert "beta=50 weighs the KL term 50 times: use beta=1" in report.attrs["remedy"]


def test_idle_components_of_a_useful_model_are_counted(iris, monkeypatch):
    vae = fit(iris, max_iter=2)
    mean, std = vae.posterior(iris)
    idle = np.zeros(150), np.ones(150)
    posterior = np.column_stack([mean[:, 0], idle[0]]), np.column_stack([std[:, 0], idle[1]])
    monkeypatch.setattr(vae, "posterior", lambda X: posterior)
    report = latent_report(vae, iris)
    assert report.attrs["verdict"] == "partly collapsed"
    assert list(report["state"].drop("all")) == ["informative", "inactive"]
    assert "1 of 2 components say nothing of a row: nothing is lost with n_components=1" in report.attrs["remedy"]


def test_a_component_that_is_the_same_for_all_rows_is_constant(iris, monkeypatch):
    vae = fit(iris, max_iter=2)
    mean, std = vae.posterior(iris)
    monkeypatch.setattr(vae, "posterior", lambda X: (np.column_stack([mean[:, 0], np.full(150, 3.0)]), std * 0 + 0.5))
    report = latent_report(vae, iris)
    assert list(report["state"].drop("all")) == ["informative", "constant"]
    assert report.loc[1, "marginal_kl"] == pytest.approx(kl_to_normal(3.0, 0.25))


def test_under_a_learned_prior_components_are_compared_with_their_own_moments(iris):
    vae = fit(iris, max_iter=2)
    vae.vae_.prior = Mixture(2).build(2, vae.vae_.encoder, torch.Generator().manual_seed(0))
    report = latent_report(vae, iris)
    mean, std = vae.posterior(iris)
    spread = mean.var(axis=0) + (std**2).mean(axis=0)
    assert_allclose(report["kl"].drop("all"), kl_to_normal(mean, std**2, mean.mean(axis=0), spread**0.5).mean(axis=0))
    assert "prior" not in report.attrs["remedy"]


def test_of_rows_drawn_from_many(iris):
    vae = fit(iris, max_iter=2)
    one, other = (latent_report(vae, iris, max_rows=50, random_state=seed) for seed in (0, 1))
    assert one.attrs["n_rows"] == 50
    assert one.loc["all", "kl"] != other.loc["all", "kl"]
    assert one.equals(latent_report(vae, iris, max_rows=50, random_state=0))
    with pytest.raises(ValueError, match="max_rows must be at least 2, but is 1"):
        latent_report(vae, iris, max_rows=1)
    alone = latent_report(vae, iris[:1])
    assert alone.loc["all", "mutual_information"] == 0  # a row is known before z is seen
