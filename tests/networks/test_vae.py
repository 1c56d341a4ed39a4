"""The VAE with a linear decoder is a model whose evidence is known: probabilistic PCA, factor analysis."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA
from torch.distributions import MultivariateNormal

from skvae.likelihoods import Block, Categorical, Columns, Gaussian, Joint
from skvae.networks import MLP, VAE, Decoder, DiagonalNormal, Encoder, join, narrow, restack, take_models
from skvae.objectives import elbo, importance_weighted_bound, normal_nodes
from skvae.priors import StandardNormal
from skvae.training import initialize

N, D, K = 60, 6, 3


def make_rows(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, K)) @ rng.normal(size=(K, D)) * 2 + rng.normal(size=(N, D)) + 5 * rng.normal(size=D)


def linear_vae(X, family):
    """Started at the linear model of X, which is encoded as it is; the network is silent."""
    generator = torch.Generator().manual_seed(0)
    zeros, ones = torch.zeros(D, dtype=torch.long), torch.ones(D, dtype=torch.float64)
    joint = Joint([Block(family, list(range(D)), Columns(ones, zeros, -ones, ones))])

    def trunk(n_in, n_out):
        return MLP(n_in, n_out, (8,), "silu", 0.0, generator)

    encoder = Encoder(joint, K, trunk, gaps=[False] * D, linear=True, generator=generator)
    decoder = Decoder(joint, K, trunk, linear=True, generator=generator)
    vae = VAE(joint, StandardNormal(K), encoder, decoder).double().requires_grad_(False)
    initialize(vae, torch.tensor(X), [torch.arange(len(X))], "linear", generator)
    return vae


def evidence_of_the_decoder(vae, X):
    """Log N(x; mean, W W' + noise), read off the decoder of a linear model."""
    z = torch.cat([torch.zeros(1, K), torch.eye(K)]).double()[None]
    heads = vae.decode(z)[0]
    mean, loadings = heads["loc"][0, 0], (heads["loc"][0, 1:] - heads["loc"][0, 0]).T
    noise = (2 * heads["log_scale"][0, 0]).exp().expand(D)
    return MultivariateNormal(mean, loadings @ loadings.T + noise.diag()).log_prob(torch.tensor(X)).numpy()


def log_weights(vae, X, seed):
    """Of one draw for each row, from the posterior."""
    x = torch.tensor(X)[None]
    q = vae.posterior(x)
    z = q.at(torch.randn(1, len(X), K, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
    return (vae.log_likelihood(z, x) + vae.prior.log_prob(z) - q.log_prob(z))[0].numpy()


@pytest.mark.parametrize("seed", range(4))
def test_log_weight_of_the_exact_posterior_is_the_log_evidence_of_pca(seed):
    X = make_rows()
    log_evidence = PCA(n_components=K).fit(X).score_samples(X)
    assert_allclose(log_weights(linear_vae(X, Gaussian("shared")), X, seed), log_evidence, rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_log_weight_of_unseen_rows_is_the_log_evidence_of_pca(seed):
    X, X_new = make_rows(), 4 * np.random.default_rng(seed).normal(size=(20, D))
    log_evidence = PCA(n_components=K).fit(X).score_samples(X_new)
    assert_allclose(log_weights(linear_vae(X, Gaussian("shared")), X_new, seed), log_evidence, rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_log_weight_of_the_exact_posterior_is_the_log_evidence_of_factor_analysis(seed):
    X = make_rows()
    vae = linear_vae(X, Gaussian("column"))
    # the loadings are eigenvectors under the noise, so the exact posterior is diagonal
    assert_allclose(log_weights(vae, X, seed), evidence_of_the_decoder(vae, X), rtol=1e-9)


def test_elbo_and_importance_weighted_bound_meet_at_the_log_evidence():
    X = make_rows()
    vae, x = linear_vae(X, Gaussian("shared")), torch.tensor(X)[None]
    log_evidence = PCA(n_components=K).fit(X).score_samples(X)
    nodes = normal_nodes(8, K)[:, None, None, :]
    assert_allclose(elbo(vae, x, nodes).elbo[0].numpy(), log_evidence, rtol=1e-9)
    assert_allclose(importance_weighted_bound(vae, x, nodes)[0].numpy(), log_evidence, rtol=1e-9)


@pytest.mark.parametrize(("shift", "widen"), [(0.0, 1.3), (0.0, 0.5), (0.2, 1.0), (-1.0, 2.0)])
def test_the_elbo_of_any_other_posterior_lies_below(shift, widen):
    X = make_rows()
    vae, x = linear_vae(X, Gaussian("shared")), torch.tensor(X)[None]

    def other_posterior(x):
        q = vae.posterior(x)
        return DiagonalNormal(q.loc + shift * q.scale, widen * q.scale)

    other = SimpleNamespace(posterior=other_posterior, log_likelihood=vae.log_likelihood, prior=vae.prior)
    log_evidence = PCA(n_components=K).fit(X).score_samples(X)
    bound = elbo(other, x, normal_nodes(8, K)[:, None, None, :]).elbo[0].numpy()
    divergence = K * (0.5 * (shift**2 + widen**2 - 1) - np.log(widen))
    assert (bound < log_evidence).all()
    assert_allclose(bound, log_evidence - divergence, rtol=1e-9)


def test_posterior_means_are_the_components_of_pca_shrunken_towards_zero():
    X = make_rows()
    pca = PCA(n_components=K).fit(X)
    loc = linear_vae(X, Gaussian("shared")).posterior(torch.tensor(X)[None]).loc[0].numpy()
    signal = pca.explained_variance_ - pca.noise_variance_  # Tipping and Bishop 1999: M⁻¹ W' (x − μ)
    expected = pca.transform(X) * np.sqrt(signal) / pca.explained_variance_
    assert_allclose(np.abs(loc), np.abs(expected), rtol=1e-8, atol=1e-10)


def test_draws_have_the_mean_and_covariance_of_the_model():
    X = make_rows()
    pca = PCA(n_components=K).fit(X)
    vae, like = linear_vae(X, Gaussian("shared")), torch.zeros(1, dtype=torch.float64)
    x = vae.sample(40_000, like, torch.Generator().manual_seed(0))
    assert x.shape == (1, 40_000, D)
    whitened = (x[0].numpy() - pca.mean_) @ np.linalg.cholesky(pca.get_precision())
    assert_allclose(whitened.mean(axis=0), 0.0, atol=4.5 / np.sqrt(40_000))
    assert_allclose(np.cov(whitened.T), np.eye(D), atol=4.5 * np.sqrt(2 / 40_000))


def test_gaps_leave_the_evidence_of_what_is_observed_when_columns_are_independent():
    # without loadings p(x) factorises, and so must the bound over the observed cells
    X = np.random.default_rng(0).normal(size=(N, D))
    vae = linear_vae(X, Gaussian("column"))
    vae.decoder.loadings.zero_()
    x = torch.tensor(X)[None]
    z = torch.zeros(1, N, K, dtype=torch.float64)
    cells = []
    for d in range(D):
        alone = torch.full_like(x, torch.nan)
        alone[..., d] = x[..., d]
        cells.append(vae.log_likelihood(z, alone))
    torch.testing.assert_close(sum(cells), vae.log_likelihood(z, x))


def test_log_likelihood_joins_decoder_and_families():
    generator = torch.Generator().manual_seed(0)
    n_levels = torch.tensor([3, 2])
    joint = Joint([Block(Categorical(), [0, 1], Columns(torch.ones(2), n_levels, torch.zeros(2), n_levels - 1.0))])

    def trunk(n_in, n_out):
        return MLP(n_in, n_out, (8,), "silu", 0.0, generator)

    encoder = Encoder(joint, K, trunk, gaps=[False] * 2, linear=False, generator=generator)
    decoder = Decoder(joint, K, trunk, linear=False, generator=generator)
    vae = VAE(joint, StandardNormal(K), encoder, decoder)
    z = torch.randn(1, 6, K, generator=generator)
    table = torch.cartesian_prod(torch.arange(3.0), torch.arange(2.0))
    log_prob = torch.stack([vae.log_likelihood(z, row.expand(1, 6, 2)) for row in table])
    torch.testing.assert_close(log_prob.exp().sum(dim=0), torch.ones(1, 6))  # over all rows there are
    logits = vae.decode(z)[0]["logits"]
    expected = logits[..., :3].log_softmax(-1)[..., 1] + logits[..., 3:].log_softmax(-1)[..., 0]
    torch.testing.assert_close(log_prob[2], expected)


# -- models of different numbers of components in one stack ---------------------------------------------------


def vae_of(n_components, n_models=1):
    generator = torch.Generator().manual_seed(n_components)
    zeros, ones = torch.zeros(D, dtype=torch.long), torch.ones(D, dtype=torch.float64)
    joint = Joint([Block(Gaussian("row"), list(range(D)), Columns(ones, zeros, -ones, ones))])

    def trunk(n_in, n_out):
        return MLP(n_in, n_out, (2, 4), "silu", 0.0, generator)  # widths that could be taken for components

    encoder = Encoder(joint, n_components, trunk, gaps=[True] * D, linear=True, generator=generator)
    decoder = Decoder(joint, n_components, trunk, linear=True, generator=generator)
    vae = VAE(joint, StandardNormal(n_components), encoder, decoder).double()
    restack(vae, [0] * n_models)
    for parameter in vae.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return vae.requires_grad_(False)


def assert_same_weights(one, other):
    for (name, a), (_, b) in zip(one.named_parameters(), other.named_parameters(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize("sizes", [(1, 2, 4), (4, 8), (2, 2), (3,)])
def test_models_of_a_stack_keep_their_components(sizes):
    x = torch.tensor(make_rows())[None].expand(2, -1, -1)
    vaes = [vae_of(k, n_models=2) for k in sizes]
    stack = join([copy.deepcopy(vae) for vae in vaes], vae_of(max(sizes)))
    q = stack.posterior(x.repeat(len(sizes), 1, 1))
    for c, (k, vae) in enumerate(zip(sizes, vaes, strict=True)):
        models, own = slice(2 * c, 2 * c + 2), vae.posterior(x)
        assert_allclose(q.loc[models, :, :k], own.loc, rtol=1e-9)
        assert (q.loc[models, :, k:] == 0).all()
        assert (q.scale[models, :, k:] == 1).all()
        kl = stack.prior.kl(q, q.loc)[models]
        assert_allclose(kl[..., :k], vae.prior.kl(own, own.loc), rtol=1e-9)
        assert (kl[..., k:] == 0).all()
        alone = narrow(take_models(copy.deepcopy(stack), [2 * c, 2 * c + 1]), vae_of(k))
        assert_same_weights(alone, vae)


def test_components_that_a_model_has_not_get_no_gradient():
    stack = join([vae_of(1), vae_of(4)], vae_of(4)).requires_grad_(True)
    x = torch.tensor(make_rows())[None].expand(2, -1, -1)
    elbo(stack, x, torch.ones(1, 2, N, 4, dtype=torch.float64) * stack.encoder.is_component).elbo.sum().backward()
    for parameter in (stack.decoder.loadings, stack.decoder.network[0].weight):
        assert (parameter.grad[0, 1:] == 0).all()
        assert (parameter.grad[0, 0] != 0).any()
    for parameter in (stack.encoder.evidence, stack.encoder.bias):
        assert (parameter.grad[0, :, 1:] == 0).all()
