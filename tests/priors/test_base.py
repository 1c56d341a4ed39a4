"""What holds for every prior: a new one joins by its row in ``PRIORS`` and in conftest."""

import copy
import dataclasses
import math
import pickle

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Normal as TorchNormal
from torch.distributions import kl_divergence

from skvae.networks import DiagonalNormal, parameters_by_model, restack
from skvae.priors import PRIORS, Flow, Mixture, Prior, StandardNormal, VampPrior

LEARNED = [name for name in PRIORS if name != "normal"]
CLOSED_FORM = ["normal", "laplace"]
AXIS = torch.linspace(-15, 15, 601, dtype=torch.float64)
CELL = float(AXIS[1] - AXIS[0]) ** 2


def density_on_grid(prior):
    """p(z) on a grid of the plane, and log p(z)."""
    z = torch.cartesian_prod(AXIS, AXIS)[None]
    with torch.no_grad():
        log_prob = prior.log_prob(z)[0].reshape(len(AXIS), len(AXIS))
    return log_prob.exp(), log_prob


def draws(n_models, n_rows, n_components, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_models, n_rows, n_components, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("name", PRIORS)
def test_density_integrates_to_one(build, name):
    density, _ = density_on_grid(build(name)["prior"])
    tolerance = 3e-3 if name == "laplace" else 1e-4  # whose cusp lies on a node of the grid
    assert float(density.sum()) * CELL == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize("name", PRIORS)
def test_draws_follow_the_density(build, name):
    prior, n_rows = build(name)["prior"], 20_000
    density, log_density = density_on_grid(prior)
    with torch.no_grad():
        z = prior.sample(n_rows, AXIS, torch.Generator().manual_seed(0))
        log_prob = prior.log_prob(z)[0]
    for k in (0, 1):  # each coordinate, by the cumulative sum of its marginal density
        marginal = (density.sum(dim=1 - k) * CELL).cumsum(0) - 0.5 * density.sum(dim=1 - k) * CELL
        cdf = lambda values, marginal=marginal: np.interp(values, AXIS.numpy(), marginal.numpy())  # noqa: E731
        assert stats.kstest(z[0, :, k].numpy(), cdf).pvalue > 1e-4
    negative_entropy = float((density * log_density).sum()) * CELL  # and both together
    assert abs(float(log_prob.mean()) - negative_entropy) < 4 * float(log_prob.std()) / math.sqrt(n_rows)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("n_components", [1, 2, 5])
def test_models_in_one_stack_equal_models_alone(build, name, n_components):
    vae, z = build(name, n_components, n_models=3), draws(3, 7, n_components)
    together = vae["prior"].log_prob(z)
    assert together.shape == (3, 7)
    for s in range(3):
        alone = copy.deepcopy(vae)
        restack(alone, [s])
        torch.testing.assert_close(alone["prior"].log_prob(z[[s]]), together[[s]])


@pytest.mark.parametrize("name", PRIORS)
def test_draws_may_have_an_axis_of_their_own(build, name):
    prior, z = build(name, n_models=2)["prior"], draws(4 * 2, 5, 2).reshape(4, 2, 5, 2)
    torch.testing.assert_close(prior.log_prob(z), torch.stack([prior.log_prob(part) for part in z]))


@pytest.mark.parametrize("name", LEARNED)
def test_each_model_of_a_stack_draws_from_its_own_prior(build, name):
    vae = build(name, n_models=2)
    z = vae["prior"].sample(20_000, AXIS, torch.Generator().manual_seed(0)).detach()
    assert z.shape == (2, 20_000, 2)
    own, other = vae["prior"].log_prob(z).mean(dim=1), vae["prior"].log_prob(z.flip(0)).mean(dim=1)
    assert (own > other.flip(0)).all()  # E_p[log p] > E_p[log p'], Gibbs


@pytest.mark.parametrize("name", PRIORS)
def test_draws_take_dtype_and_randomness_from_their_arguments(build, name):
    prior, before = build(name)["prior"], torch.get_rng_state()
    first, second = (prior.sample(6, torch.zeros(1), torch.Generator().manual_seed(7)) for _ in range(2))
    assert first.dtype == torch.float32
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", PRIORS)
def test_a_prior_says_whether_it_is_learned_and_has_a_closed_form(build, name):
    prior = build(name)["prior"]
    assert prior.is_learned == (name != "normal")
    assert prior.has_closed_form_kl == (name in ("normal", "laplace"))
    q = DiagonalNormal(draws(1, 6, 2), draws(1, 6, 2, seed=2).exp())
    assert prior.kl(q, q.loc).shape == (1, 6, 2 if prior.has_closed_form_kl else 1)


@pytest.mark.parametrize("name", CLOSED_FORM)
def test_the_closed_form_is_the_mean_log_ratio(build, name):
    prior = build(name, 1, n_models=2)["prior"]
    q = DiagonalNormal(draws(2, 6, 1), 0.3 * draws(2, 6, 1, seed=2).exp())
    nodes, step = np.linspace(-12, 12, 4001, retstep=True)
    weights = step * stats.norm.pdf(nodes)  # within 12 standard deviations
    z = q.at(torch.from_numpy(nodes).view(-1, 1, 1, 1))
    ratio = (q.log_prob(z) - prior.log_prob(z)).detach()
    mean = torch.einsum("l,lsb->sb", torch.from_numpy(weights), ratio)
    torch.testing.assert_close(prior.kl(q, q.loc).squeeze(-1).detach(), mean, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CLOSED_FORM)
def test_quantiles_invert_the_distribution_of_draws(build, name):
    prior = build(name)["prior"]
    q = torch.tensor([0.01, 0.2, 0.5, 0.77, 0.99], dtype=torch.float64)
    z = prior.sample(200_000, AXIS, torch.Generator().manual_seed(0))[0].detach()
    for quantile, share in zip(prior.quantiles(q), q, strict=True):
        below = (z <= quantile).double().mean(dim=0)
        assert ((below - share).abs() < 4.5 * (share * (1 - share) / len(z)).sqrt()).all()


@pytest.mark.parametrize("name", [name for name in PRIORS if name not in CLOSED_FORM])
def test_kl_is_the_log_ratio_at_the_draw(build, name):
    prior = build(name, n_models=2)["prior"]
    q = DiagonalNormal(draws(2, 6, 2), draws(2, 6, 2, seed=2).exp())
    z = q.at(draws(2, 6, 2, seed=3))
    torch.testing.assert_close(prior.kl(q, z), (q.log_prob(z) - prior.log_prob(z))[..., None])


@pytest.mark.parametrize("prior", [StandardNormal(2), Mixture(1), Flow()], ids=["normal", "one mode", "untrained flow"])
def test_the_kl_of_a_draw_averages_to_the_closed_form_and_so_does_its_gradient(prior):
    if not isinstance(prior, Prior):
        prior = prior.build(2, None, torch.Generator()).double()
    n_draws = 40_000
    loc = torch.tensor([[[0.5, -1.0]]], dtype=torch.float64, requires_grad=True)
    scale = torch.tensor([[[0.3, 1.5]]], dtype=torch.float64, requires_grad=True)
    exact = kl_divergence(TorchNormal(loc, scale), TorchNormal(0.0, 1.0)).sum()
    expected = torch.autograd.grad(exact, (loc, scale))
    rows = [parameter.expand(1, n_draws, 2).detach().requires_grad_() for parameter in (loc, scale)]
    q = DiagonalNormal(*rows)
    kl = Prior.kl(prior, q, q.at(draws(1, n_draws, 2)))
    assert kl.shape == (1, n_draws, 1)
    for values, truth in zip((kl, *torch.autograd.grad(kl.sum(), rows)), (exact[None], *expected), strict=True):
        error = 4 * values.std(dim=1) / math.sqrt(n_draws) + 1e-12
        assert ((values.mean(dim=1) - truth).abs() < error).all()


@pytest.mark.parametrize("name", LEARNED)
def test_training_reaches_every_weight_and_each_only_once(build, name):
    vae = build(name, n_models=2)
    vae["prior"].log_prob(draws(2, 50, 2)).sum().backward()
    named = list(parameters_by_model(vae["prior"]))
    assert all(s is None and len(p) == 2 for s, p in named)
    assert all((p.grad.isfinite() & (p.grad != 0)).any() for _, p in named)
    ids = [id(p) for _, p in parameters_by_model(vae)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["laplace", "mixture", "flow"])
def test_autocast_does_not_blur_the_density(build, name):
    prior, z = build(name)["prior"].float(), draws(1, 9, 2).float()
    with torch.autocast("cpu", torch.bfloat16):
        log_prob = prior.log_prob(z)
    assert torch.equal(log_prob, prior.log_prob(z))


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda vae: pickle.loads(pickle.dumps(vae))])
def test_a_copy_is_equal_and_independent(build, name, duplicate):
    vae, z = build(name), draws(1, 9, 2)
    expected = vae["prior"].log_prob(z).detach()
    twin = duplicate(vae)
    assert torch.equal(twin["prior"].log_prob(z), expected)
    for parameter in twin.parameters():
        parameter.data += 1.0
    assert torch.equal(vae["prior"].log_prob(z), expected)
    assert (name == "normal") == torch.equal(twin["prior"].log_prob(z), expected)


@pytest.mark.parametrize("name", PRIORS)
def test_a_family_is_an_immutable_value(name):
    family = PRIORS[name]()
    assert copy.deepcopy(family) == family
    assert hash(PRIORS[name]()) == hash(family)
    assert isinstance(family.build(2, type("", (), {"n_features": 3}), torch.Generator()), Prior)
    with pytest.raises(dataclasses.FrozenInstanceError):
        family.n_modes = 3


@pytest.mark.parametrize(
    ("family", "parameters", "sentence"),
    [
        (Mixture, {"n_modes": 0}, "Mixture needs a positive integer as n_modes, got 0. Use n_modes=100, say"),
        (VampPrior, {"n_modes": 2.5}, "VampPrior needs a positive integer as n_modes, got 2.5. Use n_modes=100, say"),
        (Flow, {"width": "64"}, "Flow needs a positive integer as width, got '64'. Use width=64, say"),
    ],
)
def test_a_size_that_is_none_gets_a_sentence(family, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        family(**parameters)
