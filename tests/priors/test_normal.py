import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Normal, kl_divergence

from skvae.networks import DiagonalNormal
from skvae.priors import StandardNormal


def test_log_prob_is_scipys_density():
    z = torch.linspace(-4, 4, 24, dtype=torch.float64).reshape(2, 4, 3)
    expected = torch.from_numpy(stats.multivariate_normal(mean=[0, 0, 0]).logpdf(z.numpy()))
    torch.testing.assert_close(StandardNormal(3).log_prob(z), expected)


def test_kl_is_exact_by_component_and_needs_no_draw():
    generator = torch.Generator().manual_seed(0)
    loc, log_scale = torch.randn(2, 2, 5, 3, generator=generator)
    q = DiagonalNormal(loc, log_scale.exp())
    expected = kl_divergence(Normal(q.loc, q.scale), Normal(0.0, 1.0))
    for z in (loc, loc + 7):
        torch.testing.assert_close(StandardNormal(3).kl(q, z), expected)


def test_draws_are_standard_normal_in_the_dtype_of_another_tensor():
    like = torch.zeros(1, dtype=torch.float64)
    z = StandardNormal(2).sample(10_000, like, torch.Generator().manual_seed(0))
    assert z.shape == (1, 10_000, 2)
    assert z.dtype == torch.float64
    assert stats.kstest(z.flatten().numpy(), "norm").pvalue > 1e-4
    assert abs(torch.corrcoef(z[0].T)[0, 1].item()) < 4.5 / math.sqrt(10_000)


@pytest.mark.parametrize("n_components", [1, 5])
def test_has_no_weights_and_leaves_the_global_generator_alone(n_components):
    prior, before = StandardNormal(n_components), torch.get_rng_state()
    first, second = (prior.sample(4, torch.zeros(1), torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    assert not list(prior.parameters())


def gradient_by_draw(loc, scale, noise):
    """Of the KL for one component, by the draws z = μ + σ ε."""
    loc, scale = (torch.tensor([[[value]]], dtype=torch.float64, requires_grad=True) for value in (loc, scale))
    q = DiagonalNormal(loc.expand(1, len(noise), 1), scale.expand(1, len(noise), 1))
    kl = StandardNormal(1).kl(q, q.at(noise[:, None]), by_draw=True)
    torch.testing.assert_close(kl, StandardNormal(1).kl(q, q.loc))  # the value is exact all the same
    return torch.stack(torch.autograd.grad(kl.sum(), [loc, scale])).flatten()


@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1.0), (1.5, 0.3), (-2.0, 2.5)])
def test_the_gradient_by_draw_has_the_mean_of_the_exact_one(loc, scale):
    nodes, weights = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(20))
    means = sum(w * gradient_by_draw(loc, scale, node[None]) for node, w in zip(nodes, weights, strict=True))
    expected = torch.tensor([loc, scale - 1 / scale], dtype=torch.float64)  # ∂KL/∂μ and ∂KL/∂σ
    torch.testing.assert_close(means / weights.sum(), expected, rtol=1e-9, atol=1e-12)


def test_the_gradient_by_draw_has_no_variance_where_posterior_and_prior_are_equal():
    noise = torch.linspace(-3, 3, 9, dtype=torch.float64)
    torch.testing.assert_close(gradient_by_draw(0.0, 1.0, noise), torch.zeros(2, dtype=torch.float64))
