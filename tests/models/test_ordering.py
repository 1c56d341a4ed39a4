import copy
import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from skvae import VAESearchCV, VAETransformer
from skvae.models.loadings import Loadings
from skvae.models.ordering import Turn, put_in_order
from skvae.networks import restack
from skvae.priors import Mixture, VampPrior, fit_prior
from skvae.training.optimizer import Optimizer

PRIORS = ["normal", "laplace", Mixture(3), VampPrior(3)]
TURN = Turn(torch.tensor([2, 0, 1]), torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A learned prior has a short refit, before the components are put in order as after a long one."""
    monkeypatch.setattr("skvae.models.outcome.fit_prior", partial(fit_prior, n_steps=9))


def own(n_in, n_out):
    return nn.Linear(n_in, n_out)


def is_ordered(vae):
    explained = vae.explained_variance_by_column_.sum(axis=1)
    return (np.diff(explained) <= 0).all()


def has_signs(components):
    largest = np.abs(components).argmax(axis=1)
    return (components[np.arange(len(components)), largest] >= 0).all()


def shaken(vae):
    """A copy whose weights are all different, in double precision."""
    vae, generator = copy.deepcopy(vae).double(), torch.Generator().manual_seed(0)
    for parameter in vae.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return vae


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("decoder", ["factorized", "autoregressive"])
def test_a_rearranged_model_is_the_same_model(prior, decoder, mixed, tiny):
    fitted = VAETransformer(**tiny | {"n_components": 3}, prior=prior, decoder=decoder).fit(mixed)
    vae = shaken(fitted.vae_)
    x = fitted.table_.encode(mixed)[None]
    with torch.no_grad():
        q = vae.posterior(x)
        z = q.at(torch.randn(q.loc.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
        before = vae.log_likelihood(z, x), vae.prior.log_prob(z), vae.prior.kl(q, z).sum(dim=-1)
        turned = z[..., TURN.order] * TURN.signs
        TURN.apply(vae)
        new, of_q = vae.posterior(x), TURN.of_posterior(q)
        torch.testing.assert_close(new.loc, of_q.loc)
        torch.testing.assert_close(new.scale, of_q.scale)
        after = vae.log_likelihood(turned, x), vae.prior.log_prob(turned), vae.prior.kl(new, turned).sum(dim=-1)
    torch.testing.assert_close(after, before)


def test_the_order_is_by_what_is_explained_and_the_largest_effect_is_positive():
    pull = np.array([[1.0, -3.0], [0.5, 0.1], [-2.0, 1.0]])
    loadings = Loadings(2 * pull, np.abs(pull), pull, np.array([[0.1, 0.2], [0.0, 0.1], [0.3, 0.3]]))
    turn = Turn.of(loadings)
    assert_array_equal(turn.order, [2, 0, 1])
    assert_array_equal(turn.signs, [-1, -1, 1])
    assert_allclose(turn.of_loadings(loadings).effect, [[4, -2], [-2, 6], [1, 0.2]])
    assert_allclose(turn.of_loadings(loadings).explained.sum(axis=1), [0.6, 0.3, 0.1])


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("init", ["linear", "random"])
def test_every_fit_is_in_order(prior, init, iris, tiny):
    settings = tiny | {"n_components": 3, "prior": prior, "init": init, "max_iter": 20}
    vae = VAETransformer(**settings).fit(iris)
    assert is_ordered(vae)
    assert has_signs(vae.components_)
    Z = vae.transform(iris)
    moved = Z.copy()
    moved[:, 0] += 0.1
    change = (vae.inverse_transform(moved) - vae.inverse_transform(Z)).mean(axis=0)
    assert np.dot(change, vae.components_[0]) > 0  # components_ are those of transform


def test_signs_do_not_depend_on_those_of_the_data_as_encoded(iris, tiny):
    for X in (iris, -iris, iris * [1, -1, 1, -1]):
        assert has_signs(VAETransformer(**tiny).fit(X).components_)


@pytest.mark.parametrize("parts", [{"prior": "flow"}, {"decoder": own}, {"encoder": own}])
def test_what_cannot_be_rearranged_stays_as_it_is(parts, iris, tiny):
    vae = VAETransformer(**tiny, **parts).fit(iris)
    assert not vae.vae_.is_rearrangeable
    assert vae.components_.shape == (2, 4)
    loadings = Loadings(*[np.zeros((2, 4))] * 4)
    assert put_in_order(vae.vae_, loadings) is None


def test_chunks_warm_starts_and_searches_are_in_order(iris, tiny):
    settings = tiny | {"n_components": 3, "max_iter": 8}
    warm = VAETransformer(**settings, warm_start=True).fit(iris).fit(iris[:, :])
    online = VAETransformer(**settings)
    for part in (iris[:60], iris[60:]):
        online.partial_fit(part)
    streamed = VAETransformer(**settings).fit_chunks([iris[:70], iris[70:]])
    search = VAESearchCV(VAETransformer(**settings), {"n_components": [2, 3]}, cv=2).fit(iris)
    for vae in (warm, online, streamed, search.best_estimator_):
        assert is_ordered(vae)
        assert has_signs(vae.components_)


def test_the_memory_of_the_optimiser_is_rearranged_with_the_weights(iris, tiny):
    """A step after the turn is the turn after a step."""
    fitted = VAETransformer(**tiny | {"n_components": 3}, prior=Mixture(3), warm_start=True).fit(iris)
    x = fitted.table_.encode(iris)[None].float()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 150, 3, generator=generator)

    def stepped(vae, memory, noise):
        vae = copy.deepcopy(vae).requires_grad_(True)
        restack(vae, [0])
        optimizer = Optimizer(vae, [0.01], [0.1])
        optimizer.recall(memory)
        q = vae.posterior(x)
        z = q.at(noise)
        optimizer.step(-(vae.log_likelihood(z, x).mean() - vae.prior.kl(q, z).sum(dim=-1).mean()), 1.0)
        return vae.requires_grad_(False)

    turn = Turn(TURN.order, TURN.signs.float())
    online = fitted._online
    assert online.memory is not None
    after = stepped(fitted.vae_, online.memory, noise)
    turn.apply(after)
    turned = copy.deepcopy(fitted.vae_)
    turn.apply(turned)
    # noise that is rearranged gives the same draws
    other = stepped(turned, online.rearranged(fitted.vae_, turn).memory, noise[..., turn.order] * turn.signs)
    for one, two in zip(after.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_a_state_that_was_left_is_rearranged_too(iris, tiny):
    fitted = VAETransformer(**tiny | {"n_components": 3}, warm_start=True).fit(iris)
    online = fitted._online
    left = [tensor.clone() for tensor in fitted.vae_.state_dict().values()]
    turned = copy.deepcopy(fitted.vae_)
    TURN.apply(turned)
    found = dataclasses.replace(online, left=left).rearranged(fitted.vae_, TURN).left
    for one, two in zip(found, turned.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two)
    assert online.rearranged(fitted.vae_, None) is online


def test_two_seeds_agree_from_the_linear_start(iris, tiny):
    Z = [VAETransformer(**tiny | {"max_iter": 20, "random_state": seed}).fit(iris).transform(iris) for seed in (0, 1)]
    for one, other in zip(Z[0].T, Z[1].T, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.95  # not only its size
