import math
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer
from skvae.models.kl import every_nth, kl_by_nodes, mean_kl, posterior_of_rows
from skvae.objectives import kl_to_standard_normal, normal_nodes
from skvae.priors import Mixture, fit_prior

TINY = {"n_components": 2, "hidden_layer_sizes": (8,), "device": "cpu", "random_state": 0}


@pytest.mark.parametrize("prior", ["normal", "mixture"])
def test_weights_are_repetitions_in_the_kl_of_components(prior):
    X = StandardScaler().fit_transform(load_wine().data)
    times = np.arange(len(X)) % 3 + 1
    vae = VAETransformer(**TINY, prior=prior, max_iter=1, early_stopping=False).fit(X, sample_weight=times)
    x = vae.table_.encode(X).float()
    kl = mean_kl(vae.vae_, x.repeat_interleave(torch.as_tensor(times), dim=0))
    assert_allclose(vae.kl_per_component_, kl, rtol=1e-4)
    assert not np.allclose(mean_kl(vae.vae_, x), kl, rtol=1e-3)


def test_it_is_the_mean_of_the_closed_form(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    mean, std = (torch.from_numpy(part) for part in vae.posterior(iris))
    x = vae.table_.encode(iris)
    kl = mean_kl(vae.vae_.double(), x)
    assert_allclose(kl, kl_to_standard_normal(mean, std).mean(dim=0), rtol=1e-6)
    assert_allclose(posterior_of_rows(vae.vae_, x).loc[0], mean, rtol=1e-6)


def test_nodes_come_close_to_the_integral(iris):
    settings = TINY | {"n_components": 1, "max_iter": 2}
    vae = VAETransformer(prior=Mixture(3), **settings).fit(iris)
    mean, std = vae.posterior(iris[:3])
    found = kl_by_nodes(vae.vae_.double(), vae.table_.encode(iris[:3])[None])[0, :, 0]
    prior = vae.vae_.prior

    def integrand(z, loc, scale):
        log_q, log_p = norm.logpdf(z, loc, scale), float(prior.log_prob(torch.tensor([[[z]]], dtype=torch.float64)))
        return math.exp(log_q) * (log_q - log_p)

    for kl, loc, scale in zip(found, mean[:, 0], std[:, 0], strict=True):
        integral, _ = quad(integrand, loc - 9 * scale, loc + 9 * scale, args=(loc, scale))
        assert float(kl) == pytest.approx(integral, abs=5e-3)


@pytest.mark.parametrize(("n_rows", "every"), [(1, 1), (10_000, 1), (10_001, 2), (100_000, 10)])
def test_ten_thousand_rows_stand_for_all(n_rows, every):
    assert every_nth(n_rows) == every


@pytest.mark.parametrize("prior", ["mixture", "flow", "vamp"])
def test_a_row_has_one_kl_by_nodes_alone_and_among_others(prior, monkeypatch):
    monkeypatch.setattr("skvae.models.outcome.fit_prior", partial(fit_prior, n_steps=9))
    X = StandardScaler().fit_transform(load_wine().data)[::4]
    vae = VAETransformer(**TINY, prior=prior, max_iter=2).fit(X).vae_.double()
    x = torch.as_tensor(X)[None]
    together = kl_by_nodes(vae, x)
    assert together.shape == (1, len(X), 1)
    alone = torch.cat([kl_by_nodes(vae, x[:, n : n + 1]) for n in range(5)], dim=1)
    torch.testing.assert_close(alone, together[:, :5], rtol=1e-9, atol=1e-9)
    nodes, q = normal_nodes(512, 2), vae.posterior(x)
    by_node = torch.stack([vae.prior.kl(q, q.at(node)) for node in nodes]).mean(dim=0)
    torch.testing.assert_close(together, by_node, rtol=1e-9, atol=1e-9)
