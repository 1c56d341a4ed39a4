"""What one fit promises, beyond the contract."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from torch import nn

from skvae import VAETransformer
from skvae.likelihoods import Gaussian
from skvae.networks import Encoder

TINY = {"n_components": 2, "hidden_layer_sizes": (8,), "device": "cpu", "random_state": 0}


def test_a_warm_start_trains_under_the_defaults():
    X = load_wine().data
    vae = VAETransformer(**TINY, max_iter=30, warm_start=True).fit(X)
    before = vae.transform(X)
    assert vae.fit(X).best_iter_ == 30
    assert not np.allclose(vae.transform(X), before)


def test_heavy_rows_weigh_as_much_as_they_say():
    X = np.repeat([[0.0], [1.0]], [495, 5], axis=0)
    weights = np.where(X[:, 0] == 1, 99.0, 1.0)  # half of the total weight
    settings = TINY | {"likelihood": "bernoulli", "max_iter": 60, "batch_size": 32, "learning_rate": 0.02}
    vae = VAETransformer(**settings, early_stopping=False).fit(X, sample_weight=weights)
    assert vae.sample(20_000, random_state=0).mean() == pytest.approx(0.5, abs=0.06)


def test_whole_numbers_are_whole_and_in_range_whatever_their_dtype():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"gaps": rng.integers(0, 9, 80).astype(float), "wide": rng.integers(0, 2_000_000_000, 80)})
    frame.loc[3, "gaps"] = np.nan
    vae = VAETransformer(**TINY, max_iter=3, likelihood={"gaps": "discretized_logistic"}).fit(frame)
    sample = vae.sample(2000, gaps=False, random_state=0)
    assert np.isfinite(vae.score(sample))
    assert sample["gaps"].isin(range(9)).all()
    assert frame["wide"].min() <= sample["wide"].min() <= sample["wide"].max() <= frame["wide"].max()


@pytest.mark.parametrize("n_components", [1, 2])
def test_a_linear_autoencoder_under_noise_shrinks_as_ridge_regression_does(n_components):
    X = np.random.default_rng(0).normal(size=(512, 2)) @ [[2.0, 0.6], [0.0, 0.7]] + [3, -1]
    settings = {"hidden_layer_sizes": (), "beta": 0.0, "early_stopping": False, "weight_decay": 0.0, "random_state": 0}
    settings |= {"batch_size": 128, "learning_rate": 1e-2, "max_iter": 200, "device": "cpu"}
    vae = VAETransformer(n_components, input_noise=0.5, **settings).fit(X)
    centred, rebuilt = X - X.mean(axis=0), vae.reconstruct(X)
    slope = np.linalg.lstsq(centred, rebuilt - rebuilt.mean(axis=0))[0]
    unit = np.abs(vae.table_.scale[0])  # one for both columns
    values, axes = np.linalg.eigh(np.cov(centred.T) / unit**2)
    shrinkage = values / (values + 0.5**2)  # Bishop 1995, Training with noise is equivalent to Tikhonov regularization
    shrinkage[: 2 - n_components] = 0.0
    assert_allclose(slope, (axes * shrinkage) @ axes.T, atol=0.015)


def test_noise_on_inputs_is_in_units_of_each_column_and_in_training_alone(monkeypatch):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"large": 1000 * rng.normal(size=400), "small": rng.normal(size=400)})
    frame["kind"] = np.where(frame["small"] > 0, "a", "b")
    frame.loc[::5, "small"] = np.nan
    vae = VAETransformer(**TINY, decoder="factorized", likelihood=Gaussian("column"), max_iter=30, input_noise=0.3)
    noise = {True: [], False: []}
    forward = Encoder.forward

    def noted(encoder, x, moved_by=None):
        noise[encoder.training].append(moved_by)
        return forward(encoder, x, moved_by)

    monkeypatch.setattr(Encoder, "forward", noted)
    vae.fit(frame).score(frame)
    in_training = torch.cat([of_step[0] for of_step in noise[True]]).numpy() * vae.table_.scale
    assert_allclose(in_training.std(axis=0)[:2], 0.3 * frame[["large", "small"]].std(), rtol=0.03)
    assert noise[False] == [None] * len(noise[False]) != []


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_a_fixed_scale_starts_at_its_linear_model(scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2)) @ rng.normal(size=(2, 6)) + rng.normal(size=(400, 6))
    vae = VAETransformer(**TINY, likelihood=Gaussian(scale=scale), max_iter=1, learning_rate=1e-12).fit(X)
    values, axes = np.linalg.eigh(np.cov(X.T, bias=True))
    excess = axes[:, -2:] * np.maximum(values[-2:] - scale**2, 0)  # Tipping and Bishop 1999 at a known noise
    covariance = excess @ axes[:, -2:].T + scale**2 * np.eye(6)
    assert_allclose(vae.score_samples(X), multivariate_normal(X.mean(0), covariance).logpdf(X), rtol=1e-3)
    assert vae.noise_variance_ == pytest.approx(scale**2, rel=1e-5)


def test_a_nearly_deterministic_column_scores_as_under_pca():
    X = load_wine().data  # raw: standard deviations from 0.1 to 315
    settings = TINY | {"n_components": 10}
    assert VAETransformer(**settings, max_iter=1).fit(X).score(X) > PCA(10).fit(X).score(X) - 0.2


class Positions(nn.Module):
    """A user's module with a running statistic and a buffer that a state dict leaves out."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(n_in), nn.Linear(n_in, n_out)
        self.register_buffer("shift", torch.ones(n_out), persistent=False)

    def forward(self, x):
        return self.linear(self.norm(x)) + self.shift


def test_buffers_of_a_users_module_are_kept_and_travel():
    X = StandardScaler().fit_transform(load_wine().data)
    vae = VAETransformer(**TINY | {"random_state": 1}, encoder=Positions, init="random", max_iter=30).fit(X, X_val=X)
    assert_allclose(vae.history_["validation_elbo"][vae.best_iter_], vae.score(X), atol=0.3)
    assert_array_equal(pickle.loads(pickle.dumps(vae)).transform(X), vae.transform(X))


def test_only_draws_touch_the_random_state():
    X = load_wine().data
    vae = VAETransformer(**TINY, max_iter=1).fit(X)
    state = np.random.RandomState(0)
    vae.reconstruct(X, random_state=state)
    assert state.randint(1000) == np.random.RandomState(0).randint(1000)


def test_free_bits_survive_early_stopping():
    X = StandardScaler().fit_transform(load_wine().data)
    vae = VAETransformer(4, free_bits=2.0, max_iter=100, random_state=0, device="cpu").fit(X)
    assert vae.kl_per_component_.min() > 0.8


@pytest.mark.parametrize("X", [np.ones((2, 5)), np.arange(10.0).reshape(2, 5)], ids=["equal", "different"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_two_rows_keep_the_linear_start(X):
    vae = VAETransformer(2, device="cpu", random_state=0).fit(X)
    start = VAETransformer(2, learning_rate=1e-12, max_iter=1, device="cpu", random_state=0).fit(X)
    assert vae.best_iter_ == 0
    assert_array_equal(vae.transform(X), start.transform(X))
    assert vae.score(X) == start.score(X)


def test_a_fit_that_only_falls_from_its_start_ends_early_and_says_so():
    X = np.random.default_rng(0).normal(size=(60, 300))
    with pytest.warns(ConvergenceWarning, match="made held-out rows no likelier") as caught:
        vae = VAETransformer(2, device="cpu", random_state=0).fit(X)
    assert len(caught) == 1
    held_out = np.array(vae.history_["validation_elbo"])
    looks = held_out[~np.isnan(held_out)]
    assert (vae.best_iter_, len(looks)) == (0, 9)  # the start, three in the warm-up, and half of the patience
    assert (np.diff(looks) < 0).all()
    everything = VAETransformer(2, n_iter_no_change=20, device="cpu", random_state=0)
    with pytest.warns(ConvergenceWarning, match="no likelier"):
        assert everything.fit(X).n_iter_ == vae.n_iter_ + 5 * 11  # five more looks
    assert_array_equal(everything.transform(X), vae.transform(X))
