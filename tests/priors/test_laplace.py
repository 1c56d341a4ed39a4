import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch.distributions import Laplace as TorchLaplace
from torch.distributions import Normal, kl_divergence

from skvae import VAETransformer
from skvae.networks import DiagonalNormal
from skvae.objectives import elbo
from skvae.priors import Laplace, SparseCode


def prior_of(scales):
    prior = SparseCode(len(scales)).double()
    prior.log_scale.data = torch.tensor(scales, dtype=torch.float64).log()[None, None]
    return prior


def posterior(n_models=2, n_rows=5, n_components=3):
    generator = torch.Generator().manual_seed(0)
    loc, log_scale = torch.randn(2, n_models, n_rows, n_components, generator=generator, dtype=torch.float64)
    return DiagonalNormal(2 * loc, log_scale.exp())


def test_log_prob_is_torchs(build):
    prior = build("laplace", 3, n_models=2)["prior"]
    z = torch.linspace(-4, 4, 24, dtype=torch.float64).reshape(2, 4, 3)
    expected = TorchLaplace(0.0, prior.log_scale.exp()).log_prob(z).sum(dim=-1)
    torch.testing.assert_close(prior.log_prob(z), expected)


@pytest.mark.parametrize("scale", [0.05, 1 / math.sqrt(2), 4.0])
@pytest.mark.parametrize(("loc", "std"), [(0.0, 1.0), (1.5, 0.3), (-4.0, 2.5), (0.0, 1e-3), (1.0, 1e-3)])
def test_kl_is_the_integral_of_its_definition(loc, std, scale):
    q, p = stats.norm(loc, std), stats.laplace(scale=scale)
    ends = sorted([loc - 12 * std, *({0.0} if abs(loc) < 12 * std else {}), loc + 12 * std])
    expected = sum(
        integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), low, high, epsabs=1e-12, points=[loc])[0]
        for low, high in itertools.pairwise(ends)
    )
    rows = DiagonalNormal(*(torch.full((1, 1, 1), value, dtype=torch.float64) for value in (loc, std)))
    assert prior_of([scale]).kl(rows, rows.loc).item() == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_kl_is_torchs_where_the_posterior_is_narrow_or_wide_or_far(build):
    prior, q = build("laplace", 3, n_models=2)["prior"], posterior()
    expected = kl_divergence(Normal(q.loc, q.scale), TorchLaplace(0.0, prior.log_scale.exp()))
    torch.testing.assert_close(prior.kl(q, q.loc), expected)


def test_kl_needs_no_draw_and_is_finite_in_float32_at_the_edges():
    sizes = [-1e4, -1.0, 0.0, 1e-20, 1e4]
    loc = torch.tensor(sizes).repeat_interleave(3)[None, :, None].requires_grad_()
    scale = torch.tensor([math.exp(-6), 1.0, math.exp(3)]).repeat(5)[None, :, None].requires_grad_()
    prior = SparseCode(1)
    kl = prior.kl(DiagonalNormal(loc, scale), loc + 7)
    kl.sum().backward()
    assert torch.equal(kl, prior.kl(DiagonalNormal(loc, scale), loc))
    assert all(part.isfinite().all() for part in (kl, loc.grad, scale.grad, prior.log_scale.grad))


def test_a_component_that_says_nothing_has_the_smallest_kl():
    prior = prior_of([0.4, 2.0])
    best = (prior.log_scale.exp() * math.sqrt(math.pi / 2)).detach()
    q = DiagonalNormal(torch.zeros_like(best), best)
    torch.testing.assert_close(prior.kl(q, q.loc), torch.full_like(best, SparseCode.kl_min))
    for factor in (0.9, 1.1):
        assert (prior.kl(DiagonalNormal(q.loc, factor * best), q.loc) > SparseCode.kl_min).all()
        assert (prior.kl(DiagonalNormal(q.loc + 0.1, best), q.loc) > SparseCode.kl_min).all()


def test_training_starts_at_unit_variance():
    prior = Laplace().build(3, None, torch.Generator())
    assert (2 * prior.log_scale.exp().square()).flatten().tolist() == pytest.approx([1.0] * 3, rel=1e-6)
    z = prior.sample(200_000, torch.zeros(1), torch.Generator().manual_seed(0)).detach()
    assert z.shape == (1, 200_000, 3)
    assert z.var().item() == pytest.approx(1.0, rel=0.02)
    assert stats.kstest(z.flatten().numpy()[:50_000], stats.laplace(scale=math.sqrt(0.5)).cdf).pvalue > 1e-4


def gradients(prior, loc, scale, noise, weights, *, by_draw):
    """Of the weighted KL over draws for one component, in the mean, the standard deviation and the prior's scale."""
    loc, scale = (torch.full((1, 1, 1), value, dtype=torch.float64, requires_grad=True) for value in (loc, scale))
    q = DiagonalNormal(loc.expand(1, len(noise), 1), scale.expand(1, len(noise), 1))
    kl = prior.kl(q, q.at(noise.view(1, -1, 1)), by_draw=by_draw)
    torch.testing.assert_close(kl, prior.kl(q, q.loc))  # the value is exact all the same
    mean = (kl * weights.view(1, -1, 1)).sum()
    return torch.stack(torch.autograd.grad(mean, [loc, scale, prior.log_scale])).flatten()


@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1.0), (1.5, 0.3), (-2.0, 2.5)])
def test_the_gradient_by_draw_has_the_mean_of_the_exact_one(loc, scale):
    prior = prior_of([0.6])
    nodes, step = np.linspace(-9, 9, 4001, retstep=True)
    nodes, weights = torch.from_numpy(nodes), torch.from_numpy(step * stats.norm.pdf(nodes))
    mean = gradients(prior, loc, scale, nodes, weights, by_draw=True)
    exact = gradients(prior, loc, scale, torch.zeros(1), torch.ones(1), by_draw=False)
    torch.testing.assert_close(mean, exact, rtol=0, atol=5e-3)  # |z| has a kink


def test_a_narrow_component_cannot_become_a_spike():
    prior = prior_of([1e-9])
    assert prior.log_prob(torch.zeros(1, 1, 1, dtype=torch.float64)).item() <= 4.0 - math.log(2) + 1e-9


# -- from the estimator --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sparse():
    """A fit of rows that a sparse code made."""
    rng = np.random.default_rng(0)
    X = rng.laplace(size=(600, 2)) @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(600, 6))
    settings = {"n_components": 3, "hidden_layer_sizes": (16,), "max_iter": 30, "random_state": 0}
    return VAETransformer(prior="laplace", **settings).fit(X), X


def test_the_kl_of_each_component_is_its_own(sparse):
    vae, X = sparse
    loc, scale = (torch.from_numpy(part)[None] for part in vae.posterior(X))
    b = vae.vae_.prior.log_scale.detach().exp().double()
    by_component = kl_divergence(Normal(loc.double(), scale.double()), TorchLaplace(0.0, b))[0].mean(dim=0)
    np.testing.assert_allclose(vae.kl_per_component_, by_component.numpy(), rtol=1e-4)


def test_the_score_is_the_likelihood_less_that_kl(sparse):
    vae, X = sparse
    with torch.no_grad():
        bound = elbo(vae.vae_, vae.table_.encode(X).float()[None], torch.zeros(1, 1, 1, 3))
    np.testing.assert_allclose(bound.kl[0].mean(dim=0).numpy(), vae.kl_per_component_, rtol=1e-4)


def test_a_component_that_says_nothing_is_not_active(sparse):
    vae, _ = sparse
    assert vae.active_components_.tolist() == (vae.kl_per_component_ > 0.01 + SparseCode.kl_min).tolist()
    assert vae.active_components_.sum() >= 2


def test_a_row_of_gaps_costs_nothing(sparse):
    vae, X = sparse
    assert vae.score_samples(np.full((1, X.shape[1]), np.nan))[0] == 0.0


def test_a_file_holds_it(sparse, tmp_path):
    pytest.importorskip("safetensors")
    vae, X = sparse
    vae.save(tmp_path / "sparse.safetensors")
    same = VAETransformer.load(tmp_path / "sparse.safetensors")
    assert same.prior == "laplace"
    np.testing.assert_array_equal(same.score_samples(X), vae.score_samples(X))
