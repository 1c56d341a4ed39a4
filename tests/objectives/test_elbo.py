import pytest
import torch
from torch.distributions import MultivariateNormal

from skvae.networks import DiagonalNormal
from skvae.objectives import Bound, Shown, elbo, normal_nodes
from skvae.priors import StandardNormal

K, D, N = 2, 4, 7


class LinearGaussian:
    """x | z ~ N(W z, σ² I), with orthogonal columns of W: the exact posterior is diagonal. A stack of one."""

    prior = StandardNormal(K)

    def __init__(self, widen=1.0):
        generator = torch.Generator().manual_seed(0)
        axes = torch.linalg.qr(torch.randn(D, D, generator=generator, dtype=torch.float64)).Q[:, :K]
        self.loadings = axes * torch.tensor([2.0, 0.7], dtype=torch.float64)
        self.variance = 0.3
        self.widen = widen

    def posterior(self, x, noise=None):
        x = x if noise is None else x + noise
        precision = 1 + self.loadings.square().sum(dim=0) / self.variance
        loc = x @ self.loadings / self.variance / precision
        return DiagonalNormal(loc, (self.widen * precision.rsqrt()).expand_as(loc))

    def log_likelihood(self, z, x):
        p = torch.distributions.Normal(z @ self.loadings.T, self.variance**0.5)
        return p.log_prob(x).sum(dim=-1)

    def log_evidence(self, x):
        covariance = self.loadings @ self.loadings.T + self.variance * torch.eye(D, dtype=torch.float64)
        return MultivariateNormal(torch.zeros(D, dtype=torch.float64), covariance).log_prob(x)


def rows(seed=1):
    return torch.randn(1, N, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("n_together", [2, 3, 8, 100])
def test_draws_that_are_decoded_together_say_the_same(n_together):
    vae, x = LinearGaussian(widen=1.5), rows()
    noise = torch.randn(8, 1, N, K, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    one_by_one, together = elbo(vae, x, noise), elbo(vae, x, noise, n_together=n_together)
    torch.testing.assert_close(together, one_by_one, rtol=1e-12, atol=1e-12)


def test_with_the_exact_posterior_is_the_log_evidence():
    vae, x = LinearGaussian(), rows()
    noise = normal_nodes(8, K)[:, None, None, :]  # exact for a linear Gaussian decoder
    torch.testing.assert_close(elbo(vae, x, noise).elbo, vae.log_evidence(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("widen", [0.5, 0.9, 1.2, 2.0])
def test_with_another_posterior_lies_below_by_the_divergence_between_them(widen):
    vae, x = LinearGaussian(widen), rows()
    noise = normal_nodes(8, K)[:, None, None, :]
    kl = K * 0.5 * (widen**2 - 1 - 2 * torch.tensor(widen, dtype=torch.float64).log())
    torch.testing.assert_close(elbo(vae, x, noise).elbo, vae.log_evidence(x) - kl, rtol=1e-12, atol=1e-12)


def test_averages_over_draws():
    vae, x = LinearGaussian(), rows()
    noise = torch.randn(3, 1, N, K, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    alone = [elbo(vae, x, epsilon[None]) for epsilon in noise]
    together = elbo(vae, x, noise)
    torch.testing.assert_close(together.log_likelihood, sum(b.log_likelihood for b in alone) / 3)
    torch.testing.assert_close(together.kl, alone[0].kl)


def test_the_encoder_may_see_other_rows_than_are_scored():
    vae, x, shown = LinearGaussian(), rows(1), rows(2)
    noise = torch.zeros(1, 1, 1, K, dtype=torch.float64)
    for seen in (Shown(shown), Shown(x, shown - x)):
        bound = elbo(vae, x, noise, seen=seen)
        torch.testing.assert_close(bound.log_likelihood, vae.log_likelihood(vae.posterior(shown).loc, x))
    q = vae.posterior(shown)
    torch.testing.assert_close(bound.kl, vae.prior.kl(q, q.loc))


def test_bound_is_the_difference_of_its_terms():
    bound = Bound(torch.tensor([[3.0, 1.0]]), torch.tensor([[[1.0, 0.5], [2.0, 0.0]]]))
    assert torch.equal(bound.elbo, torch.tensor([[1.5, -1.0]]))
