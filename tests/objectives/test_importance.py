import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from skvae.networks import DiagonalNormal
from skvae.objectives import doubly_reparameterized, elbo, importance_weighted_bound
from skvae.priors import StandardNormal


class LinearGaussian:
    """x | z ~ N(W z, 0.3 I), W with orthogonal columns; ``shift`` and ``widen`` spoil the exact posterior."""

    prior = StandardNormal(2)
    loadings = torch.tensor([[2.0, 0.0], [0.0, 0.7], [1.0, 0.0]], dtype=torch.float64)
    variance = 0.3

    def __init__(self, shift=0.0, widen=1.0):
        self.shift, self.widen = shift, widen

    def posterior(self, x):
        precision = 1 + self.loadings.square().sum(dim=0) / self.variance
        loc = x @ self.loadings / self.variance / precision
        return DiagonalNormal(loc + self.shift, (self.widen * precision.rsqrt()).expand_as(loc))

    def log_likelihood(self, z, x):
        return Normal(z @ self.loadings.T, self.variance**0.5).log_prob(x).sum(dim=-1)

    def log_evidence(self, x):
        covariance = self.loadings @ self.loadings.T + self.variance * torch.eye(3, dtype=torch.float64)
        return MultivariateNormal(torch.zeros(3, dtype=torch.float64), covariance).log_prob(x)


def draws(*size, seed=0):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_one_draw_is_its_log_weight():
    vae, x, noise = LinearGaussian(0.3, 1.4), draws(1, 6, 3), draws(1, 1, 6, 2, seed=1)
    q = vae.posterior(x)
    z = q.loc + q.scale * noise[0]
    p_z = Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(dim=-1)
    q_z = Normal(q.loc, q.scale).log_prob(z).sum(dim=-1)
    expected = vae.log_likelihood(z, x) + p_z - q_z
    torch.testing.assert_close(importance_weighted_bound(vae, x, noise), expected)


def test_many_draws_are_the_log_of_the_mean_weight():
    vae, x, noise = LinearGaussian(0.3, 1.4), draws(1, 6, 3), draws(9, 1, 6, 2, seed=1)
    log_weights = torch.stack([importance_weighted_bound(vae, x, epsilon[None]) for epsilon in noise])
    torch.testing.assert_close(importance_weighted_bound(vae, x, noise), log_weights.exp().mean(dim=0).log())


@pytest.mark.parametrize("n_draws", [1, 2, 7])
def test_with_the_exact_posterior_is_the_log_evidence_whatever_the_draws(n_draws):
    vae, x = LinearGaussian(), draws(1, 6, 3)
    bound = importance_weighted_bound(vae, x, 5 * draws(n_draws, 1, 6, 2, seed=n_draws))
    torch.testing.assert_close(bound, vae.log_evidence(x), rtol=1e-11, atol=1e-11)


def test_rises_with_the_draws_from_the_elbo_to_the_log_evidence():
    vae, x = LinearGaussian(0.2, 1.5), draws(1, 1, 3).expand(1, 4000, 3)
    means = [importance_weighted_bound(vae, x, draws(n, 1, 4000, 2, seed=n)).mean().item() for n in (1, 4, 16, 64)]
    expected = elbo(vae, x, draws(64, 1, 4000, 2)).elbo.mean().item()
    evidence = vae.log_evidence(x[:, :1]).item()
    assert means == sorted(means)
    assert means[0] == pytest.approx(expected, abs=0.08)  # some four standard errors
    assert means[-1] < evidence + 0.01
    assert means[-1] == pytest.approx(evidence, abs=0.02)


def test_survives_weights_that_would_overflow():
    vae, x = LinearGaussian(shift=200.0), draws(1, 2, 3)
    bound = importance_weighted_bound(vae, x, draws(5, 1, 2, 2))
    assert bound.isfinite().all()
    assert (bound < -10_000).all()


# -- the doubly reparameterised gradient ---------------------------------------------------------------------


class OneDimension:
    """x | z ~ N(w z, v), z ~ N(0, 1), q(z | x) = N(a x + b, s²): every parameter may have a gradient."""

    prior = StandardNormal(1)
    v = 0.5

    def __init__(self, a=0.5, b=0.2, s=0.6, w=1.3):
        self.a, self.b, self.s, self.w = (
            torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (a, b, s, w)
        )

    def posterior(self, x):
        return DiagonalNormal(self.a * x + self.b, self.s.expand_as(x))

    def log_likelihood(self, z, x):
        return Normal(self.w * z, self.v**0.5).log_prob(x).sum(dim=-1)


def gauss_hermite(n_draws, n_nodes=40):
    """Nodes for ``n_draws`` independent normal draws, as (L, 1, B, 1), and their weights, (B,)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    grid = np.stack(np.meshgrid(*[nodes] * n_draws, indexing="ij")).reshape(n_draws, 1, -1, 1)
    product = np.stack(np.meshgrid(*[weights] * n_draws, indexing="ij")).reshape(n_draws, -1).prod(axis=0)
    return torch.from_numpy(grid), torch.from_numpy(product / product.sum())


@pytest.mark.parametrize("beta", [1.0, 0.4])
@pytest.mark.parametrize("n_draws", [1, 2, 3])
def test_its_expectation_is_the_gradient_of_the_bound(n_draws, beta):
    noise, share = gauss_hermite(n_draws)
    vae, x = OneDimension(), torch.full((1, len(share), 1), 0.8, dtype=torch.float64)
    wanted = [vae.a, vae.b, vae.s, vae.w]
    truth = torch.autograd.grad((importance_weighted_bound(vae, x, noise, beta=beta) * share).sum(), wanted)
    surrogate, _ = doubly_reparameterized(vae, x, noise, beta=beta)
    found = torch.autograd.grad((surrogate * share).sum(), wanted)
    if beta != 1.0:  # away from the bound log q is not integrated out, and only the decoder's gradient is the same
        truth, found = truth[3:], found[3:]
    torch.testing.assert_close(found, truth, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("n_draws", [1, 4])
def test_it_has_no_variance_at_the_exact_posterior(n_draws):
    w, v = 1.3, OneDimension.v
    precision = 1 + w * w / v
    vae, x = OneDimension(a=w / v / precision, b=0.0, s=precision**-0.5), draws(1, 6, 1)
    surrogate, _ = doubly_reparameterized(vae, x, draws(n_draws, 1, 6, 1, seed=3))
    for gradient in torch.autograd.grad(surrogate[0, 2], [vae.a, vae.b, vae.s]):  # of one row, whatever its draws
        assert abs(gradient.item()) < 1e-12


def test_its_terms_are_those_of_the_elbo_by_the_same_draws():
    vae, x, noise = LinearGaussian(0.3, 1.4), draws(1, 6, 3), draws(5, 1, 6, 2, seed=1)
    surrogate, bound = doubly_reparameterized(vae, x, noise)
    each = torch.stack([importance_weighted_bound(vae, x, epsilon[None]) for epsilon in noise])
    torch.testing.assert_close(bound.elbo, each.mean(dim=0))
    torch.testing.assert_close(surrogate, (each.softmax(dim=0) * each).sum(dim=0))


def test_a_blank_row_has_no_ratio_of_prior_and_posterior():
    vae, x, noise = LinearGaussian(), draws(1, 6, 3), draws(2, 1, 6, 2, seed=1)
    posterior = vae.posterior
    vae.posterior = lambda x: posterior(x)._replace(is_blank=torch.ones(x.shape[:2], dtype=torch.bool))
    assert (doubly_reparameterized(vae, x, noise)[1].kl == 0).all()
