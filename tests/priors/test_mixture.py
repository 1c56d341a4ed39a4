import math

import pytest
import torch
from scipy import special, stats
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from skvae.priors import Mixture, StandardNormal
from skvae.priors.mixture import SCALE_MIN


def grid(n_components, n_rows=20):
    return torch.linspace(-4, 4, 2 * n_rows * n_components, dtype=torch.float64).reshape(2, n_rows, n_components)


def test_log_prob_is_scipys_weighted_sum(build):
    prior, z = build("mixture", 3, n_models=2)["prior"], grid(3)
    for s in range(2):
        weights, loc, scale = (t[s].detach().numpy() for t in (prior.logits, prior.loc, prior.log_scale.exp()))
        by_mode = [stats.norm(m, d).logpdf(z[s].numpy()).sum(axis=-1) for m, d in zip(loc, scale, strict=True)]
        expected = special.logsumexp(by_mode, b=special.softmax(weights)[:, None], axis=0)
        torch.testing.assert_close(prior.log_prob(z)[s].detach(), torch.from_numpy(expected))


def test_log_prob_and_its_gradient_are_torchs(build):
    prior = build("mixture", 3, n_models=2)["prior"]
    modes = Independent(Normal(prior.loc[:, None], prior.log_scale.exp()[:, None]), 1)
    twin = MixtureSameFamily(Categorical(logits=prior.logits[:, None]), modes)
    gradients = []
    for log_prob in (prior.log_prob, twin.log_prob):
        z = grid(3).requires_grad_()
        value = log_prob(z)
        gradients.append((value, *torch.autograd.grad(value.square().sum(), (z, *prior.parameters()))))
    torch.testing.assert_close(*gradients)


def test_single_precision_is_enough_at_the_narrowest_scale(build):
    prior = build("mixture", 16, family=Mixture(100))["prior"]
    prior.log_scale.data.fill_(math.log(SCALE_MIN))
    prior.loc.data.mul_(3.0)
    z = prior.sample(1000, prior.loc, torch.Generator().manual_seed(0)).detach()
    exact = prior.log_prob(z).detach()
    error = (prior.float().log_prob(z.float()) - exact).abs()
    assert error.mean() < 0.01  # nats, in 16 components; the cancelling squares are a thousand times larger
    assert error.max() < 0.05


def test_a_mode_cannot_become_a_spike_and_a_far_row_has_a_finite_gradient(build):
    prior = build("mixture", 2)["prior"]
    prior.log_scale.data.fill_(-50.0)
    peak = prior.log_prob(prior.loc).detach()
    assert float(peak.max()) <= -2 * math.log(SCALE_MIN) - math.log(2 * math.pi)
    z = torch.full((1, 1, 2), 1e3, dtype=torch.float64, requires_grad=True)
    prior.log_prob(z).sum().backward()
    assert z.grad.isfinite().all()
    draws = prior.sample(1000, z, torch.Generator().manual_seed(0))
    nearest = (draws[0, :, None] - prior.loc).norm(dim=-1).min(dim=-1).values
    assert float(nearest.median().detach()) == pytest.approx(SCALE_MIN * math.sqrt(2 * math.log(2)), rel=0.15)


def test_modes_are_drawn_by_their_weights(build):
    prior = build("mixture", 2)["prior"]
    prior.loc.data = 100.0 * torch.arange(4.0, dtype=torch.float64)[None, :, None].expand(1, 4, 2)
    draws = prior.sample(10_000, prior.loc, torch.Generator().manual_seed(0)).detach()
    counts = torch.bincount((draws[0, :, 0] / 100).round().long(), minlength=4)
    expected = 10_000 * prior.logits[0].softmax(dim=0).detach()
    assert stats.chisquare(counts.numpy(), expected.numpy()).pvalue > 1e-4


@pytest.mark.parametrize("n_components", [1, 2, 10, 40])
@pytest.mark.parametrize("n_modes", [1, 10, 100])
def test_training_starts_next_to_the_standard_normal(build, n_components, n_modes):
    prior = build("mixture", n_components, trained=False, family=Mixture(n_modes))["prior"]
    mean = prior.loc.mean(dim=1)
    variance = prior.loc.var(dim=1, correction=0) + (2 * prior.log_scale).exp().mean(dim=1)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-6, rtol=0)
    torch.testing.assert_close(variance, torch.ones_like(variance), atol=1e-6, rtol=0)
    z = torch.randn(1, 5000, n_components, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    difference = StandardNormal(n_components).log_prob(z) - prior.log_prob(z).detach()
    assert abs(float(difference.mean())) < (1e-6 if n_modes == 1 else 0.05)  # KL(N(0, I) ‖ p), nats
