import math
import subprocess
import sys

import pytest
import torch
from scipy import integrate, stats

from skvae.networks import DiagonalNormal, restack
from skvae.priors import PRIORS, StandardNormal, fit_prior
from skvae.priors.refit import Best

LEARNED = [name for name in PRIORS if name != "normal"]


def two_heaps(n_models=1, n_rows=600, seed=0):
    """Posteriors whose aggregate has two modes in each of two components."""
    generator = torch.Generator().manual_seed(seed)
    side = 2.0 * torch.randint(0, 2, (n_models, n_rows, 1), generator=generator).double() - 1
    noise = torch.randn(n_models, n_rows, 2, generator=generator, dtype=torch.float64)
    return DiagonalNormal(2 * side + 0.3 * noise, torch.full_like(noise, 0.4))


def held_out_log_prob(prior, n_models=1):
    q = two_heaps(n_models, 4000, seed=1)
    z = q.at(torch.randn(q.loc.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
    return prior.log_prob(z).mean(dim=-1).detach()


def generator():
    return torch.Generator().manual_seed(3)


def test_a_mixture_finds_both_heaps(build):
    prior = build("mixture", trained=False)["prior"]
    before = held_out_log_prob(prior)
    gain = fit_prior(prior, two_heaps(n_rows=5000), generator=generator(), n_steps=300, learning_rate=0.05)
    after = held_out_log_prob(prior)
    width = 0.5  # 0.3 and 0.4 together

    def minus_entropy(z):  # along the line that joins the heaps; across it the density is Gaussian
        p = 0.5 * (stats.norm.pdf(z, -2 * math.sqrt(2), width) + stats.norm.pdf(z, 2 * math.sqrt(2), width))
        return p * math.log(p)

    best = integrate.quad(minus_entropy, -6, 6)[0] - stats.norm(0, width).entropy()
    assert float(after) == pytest.approx(best, abs=0.1)
    torch.testing.assert_close(gain, after - before, atol=0.2, rtol=0)


@pytest.mark.parametrize("name", LEARNED)
def test_unseen_rows_become_more_likely(build, name):
    prior = build(name)["prior"]
    before = held_out_log_prob(prior)
    gain = fit_prior(prior, two_heaps(), generator=generator(), n_steps=100)
    assert float(gain) > 0.1
    assert float(held_out_log_prob(prior) - before) > 0.1


@pytest.mark.parametrize("name", LEARNED)
def test_a_step_that_does_harm_is_undone(build, name):
    prior = build(name)["prior"]
    before = [p.detach().clone() for p in prior.parameters()]
    z = prior.sample(600, before[0], generator()).detach()  # nothing is better than what they were drawn from
    q = DiagonalNormal(z, torch.full_like(z, 1e-3))
    gain = fit_prior(prior, q, generator=generator(), n_steps=5, learning_rate=1e6)
    assert float(gain) == 0
    assert all(torch.equal(p, old) for p, old in zip(prior.parameters(), before, strict=True))


def test_models_of_a_stack_are_fitted_as_if_alone(build):
    stack, q = build("mixture", n_models=2), two_heaps(2)
    gain = fit_prior(stack["prior"], q, generator=generator(), n_steps=30)
    for s in range(2):
        alone, part = build("mixture", n_models=2), slice(s, s + 1)
        restack(alone, [s])
        own = fit_prior(alone["prior"], DiagonalNormal(q.loc[part], q.scale[part]), generator=generator(), n_steps=30)
        torch.testing.assert_close(own, gain[part])
        torch.testing.assert_close(alone["prior"].loc, stack["prior"].loc[part])


def test_the_encoder_behind_a_vamp_prior_is_left_alone(build):
    vae = build("vamp")
    before = [p.detach().clone() for p in vae["encoder"].parameters()]
    assert float(fit_prior(vae["prior"], two_heaps(), generator=generator(), n_steps=50)) > 0
    for p, old in zip(vae["encoder"].parameters(), before, strict=True):
        assert torch.equal(p, old)
        assert p.grad is None


def test_where_nothing_can_be_learned_nothing_is_gained(build):
    assert torch.equal(fit_prior(StandardNormal(2), two_heaps(3), generator=generator()), torch.zeros(3).double())
    one_row = two_heaps(1, n_rows=1)
    assert float(fit_prior(build("mixture")["prior"], one_row, generator=generator())) == 0


def test_the_compiler_of_torch_is_not_imported():
    """It takes seconds, in which Ctrl-C would break later fits, and moves warning filters and the environment."""
    program = f"""
import sys, numpy as np
from functools import partial
from skvae import VAETransformer
from skvae.models import outcome
outcome.fit_prior = partial(outcome.fit_prior, n_steps=2)
X = np.random.default_rng(0).normal(size=(9, 2))
for name in {LEARNED}:
    VAETransformer(1, prior=name, hidden_layer_sizes=(2,), max_iter=1).fit(X)
print("torch._dynamo" in sys.modules)"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "False", done.stderr


def test_each_model_gets_its_own_best_weights_back():
    weight = torch.nn.Parameter(torch.zeros(3, 2))
    best = Best([weight], torch.tensor([0.0, 0.0, 0.0]))
    for step, value in enumerate([[1.0, -1.0, torch.nan], [0.5, 2.0, -1.0]], 1):
        weight.data.fill_(float(step))
        best.update(torch.tensor(value))
    best.restore()
    assert weight.tolist() == [[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]
    assert best.value.tolist() == [1.0, 2.0, 0.0]
