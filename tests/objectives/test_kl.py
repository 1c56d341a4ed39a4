import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from skvae.objectives import kl_to_standard_normal


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 2**31),
)
def test_is_the_divergence_of_torch_distributions(shape, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    loc = 3 * torch.randn(shape, generator=generator, dtype=dtype)
    scale = torch.randn(shape, generator=generator, dtype=dtype).exp()
    expected = kl_divergence(Normal(loc, scale), Normal(torch.zeros_like(loc), torch.ones_like(loc)))
    torch.testing.assert_close(kl_to_standard_normal(loc, scale), expected, rtol=1e-5, atol=1e-5)


def test_is_zero_at_the_prior_and_positive_elsewhere():
    loc, scale = torch.meshgrid(torch.linspace(-2, 2, 41), torch.linspace(0.05, 3.0, 60), indexing="ij")
    kl = kl_to_standard_normal(loc, scale)
    assert kl_to_standard_normal(torch.zeros(1), torch.ones(1)).item() == 0.0
    assert (kl[(loc.abs() > 1e-3) | ((scale - 1).abs() > 1e-3)] > 0).all()


def test_known_value():
    # 1/2 (μ² + σ² − 1 − log σ²) at μ = 2, σ = 1/2
    kl = kl_to_standard_normal(torch.tensor([2.0]), torch.tensor([0.5]))
    assert kl.item() == pytest.approx(0.5 * (4 + 0.25 - 1 + 1.3862943611))
