import torch
from torch.distributions import Independent, Normal

from skvae.objectives import DiagonalNormal


def example():
    loc, log_scale = torch.randn(2, 3, 5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return DiagonalNormal(loc, log_scale.exp())


def test_log_prob_is_the_product_of_normal_densities():
    q = example()
    z = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(q.log_prob(z), Independent(Normal(q.loc, q.scale), 1).log_prob(z))


def test_a_draw_moves_noise_to_the_posterior():
    q = example()
    torch.testing.assert_close(q.at(torch.zeros(1, 1, 2, dtype=torch.float64)), q.loc)
    torch.testing.assert_close(q.at(torch.ones(1, 1, 2, dtype=torch.float64)), q.loc + q.scale)
    torch.testing.assert_close(q.at(-torch.ones(1, 1, 2, dtype=torch.float64)), q.loc - q.scale)


def test_noise_is_shared_where_it_has_size_one():
    q = example()
    noise = torch.randn(1, 1, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(((q.at(noise) - q.loc) / q.scale), noise.expand(3, 5, 2))


def test_draws_are_differentiable_in_both_parameters():
    loc, scale = torch.zeros(1, 1, 2, requires_grad=True), torch.ones(1, 1, 2, requires_grad=True)
    noise = torch.tensor([[[0.5, -2.0]]])
    DiagonalNormal(loc, scale).at(noise).sum().backward()
    assert torch.equal(loc.grad, torch.ones(1, 1, 2))
    assert torch.equal(scale.grad, noise)
