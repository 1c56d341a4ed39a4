"""A mixture from posteriors: expectation and maximisation, beside scikit-learn's where posteriors are points."""

import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.mixture import GaussianMixture

from skvae.networks import DiagonalNormal
from skvae.priors import StandardNormal, mixture_of_posteriors


def heaps(n_rows=400, scale=0.4, seed=0):
    """Posteriors whose aggregate has two modes."""
    generator = torch.Generator().manual_seed(seed)
    side = 2.0 * torch.randint(0, 2, (1, n_rows, 1), generator=generator).double() - 1
    loc = 2 * side + 0.3 * torch.randn(1, n_rows, 2, generator=generator, dtype=torch.float64)
    return DiagonalNormal(loc, torch.full_like(loc, scale))


def generator():
    return torch.Generator().manual_seed(0)


def bound(prior, q):
    """Mean over rows of log Σ_c π_c exp E_q[log N(z; μ_c, σ_c²)], which the steps raise."""
    mean, scale = (part.detach()[0] for part in prior.modes())
    modes = torch.distributions.Normal(mean, scale)
    expected = modes.log_prob(q.loc[0, :, None]) - 0.5 * (q.scale[0, :, None] / scale).square()
    return float((expected.sum(dim=-1) + prior.logits.detach().log_softmax(dim=-1)).logsumexp(dim=-1).mean())


def test_posteriors_that_are_points_have_the_mixture_of_scikit_learn():
    q = heaps(scale=1e-6)
    points = q.loc[0].numpy()
    prior = mixture_of_posteriors(q, 2, generator=generator(), n_steps=200)
    theirs = GaussianMixture(2, covariance_type="diag", reg_covar=0, tol=1e-9, random_state=0).fit(points)
    assert_allclose(prior.log_prob(q.loc)[0].detach(), theirs.score_samples(points), rtol=1e-4)


def test_every_step_raises_the_bound():
    q = heaps()
    priors = [mixture_of_posteriors(q, 8, generator=generator(), n_steps=n) for n in (0, 1, 3, 30)]
    likely = [bound(prior, q) for prior in priors]
    assert likely == sorted(likely)
    assert likely[-1] > likely[0] + 1
    noise = torch.randn(200, *q.loc.shape, generator=generator(), dtype=torch.float64)
    assert priors[-1].log_prob(q.at(noise)).mean() > StandardNormal(2).log_prob(q.at(noise)).mean() + 1


def test_no_mode_is_narrower_than_the_posteriors():
    _, scale = mixture_of_posteriors(heaps(), 100, generator=generator()).modes()
    assert (scale > 0.4 - 1e-6).all()


def test_a_weight_is_a_number_of_copies():
    q, copies = heaps(100), torch.arange(100) % 3
    weighted = mixture_of_posteriors(q, 1, generator=generator(), weights=copies)
    repeated = DiagonalNormal(*(part.repeat_interleave(copies, dim=1) for part in q[:2]))
    of_copies = mixture_of_posteriors(repeated, 1, generator=generator())
    assert_allclose(weighted.loc.detach(), of_copies.loc.detach(), rtol=1e-6)
    assert_allclose(weighted.log_scale.detach(), of_copies.log_scale.detach(), rtol=1e-6)


def test_fewer_than_three_rows_have_no_mode_to_themselves():
    far = torch.tensor([50.0, 50.0, -50.0, -50.0, -50.0], dtype=torch.float64)
    loc = torch.cat([torch.zeros(40, dtype=torch.float64), far])[None, :, None]
    prior = mixture_of_posteriors(DiagonalNormal(loc, torch.ones_like(loc)), 45, generator=generator())
    normal = torch.distributions.Normal(0.0, 1.0).log_prob
    of_rows = prior.log_prob(torch.tensor([[[0.0], [50.0], [-50.0]]]).double())[0].detach()
    share = torch.tensor([40 / 43, 40 / 43, 3 / 43]).log()  # 50 is told by the mode at 0, -50 by its own
    assert_allclose(of_rows, share + normal(torch.tensor([0.0, 50.0, 0.0])), rtol=1e-3)
    two = DiagonalNormal(loc[:, -2:], torch.ones_like(loc[:, -2:]))
    only = mixture_of_posteriors(two, 1, generator=generator())
    assert_allclose(only.logits.detach(), 0, atol=1e-5)


def test_rows_without_weight_have_no_mode():
    q = heaps(100)
    one = mixture_of_posteriors(q, 10, generator=generator(), weights=(q.loc[0, :, 0] > 0).double())
    assert (one.modes()[0][..., 0] > 0).all()


@pytest.mark.parametrize("n_modes", [1, 3])
def test_as_many_modes_as_rows_and_rows_alike(n_modes):
    loc = torch.ones(1, n_modes, 2)
    prior = mixture_of_posteriors(DiagonalNormal(loc, 0.5 * loc), n_modes, generator=generator())
    expected = torch.distributions.Normal(1.0, 0.5).log_prob(torch.zeros(2)).sum()
    assert_allclose(prior.log_prob(torch.zeros(1, 1, 2)).detach(), float(expected), rtol=1e-4)
    assert prior.logits.isfinite().all()
