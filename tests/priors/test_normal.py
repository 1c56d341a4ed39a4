import math

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
