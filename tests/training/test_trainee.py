"""Whatever has the members of a trainee is trained: a VAE, a chain, a reader, and stacks of them."""

import copy

import pytest
import torch

from skvae.likelihoods import Block, Categorical, Columns, Gaussian, Joint
from skvae.networks import MLP, Chain, Reader, restack
from skvae.training import Candidate, LogLikelihood, Objective, Recipe, Split, Training, start_at_marginals
from tests.training.fits import N, alone, assert_equal_weights, make_rows
from tests.training.fits import build as build_vae


def build(kind, n_models=1):
    if kind == "vae":
        return build_vae(n_models)
    generator = torch.Generator().manual_seed(0)

    def columns(n_levels):
        ones, edges = torch.ones(2, dtype=torch.float64), torch.zeros(2 * n_levels, 2)
        shares = torch.full((2 * n_levels,), 1 / max(n_levels, 1))
        return Columns(ones, torch.tensor([n_levels] * 2), -ones, ones, edges, edges.mean(dim=1), shares)

    joint = Joint([Block(Gaussian("column"), [0, 3], columns(0)), Block(Categorical(), [2, 1], columns(2))])
    if kind == "chain":
        model = Chain(joint, lambda n_in, n_out: MLP(n_in, n_out, (8,), "silu", 0.0, generator), generator)
    else:
        model = Reader(joint, (8,), generator)
    model = model.double()
    restack(model, [0] * n_models)
    return model


def rows(kind):
    x = make_rows()
    if kind != "vae":
        x[:, 1:3] = (x[:, 1:3] > 0).double()
    return x


def train(model, x, split, kind, *, n_epochs=20, **options):
    objective = Objective() if kind == "vae" else LogLikelihood()
    candidate = Candidate(Recipe(1e-2, 1e-2, 16, n_epochs), objective, model.n_components)
    Training(model, x, split, [candidate], seed=0, **options).run()
    return candidate.history.as_dict()


KINDS = ["vae", "chain", "reader"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_how_large_it_is(kind):
    model = build(kind, 3)
    assert model.n_models == 3
    assert model.n_components == {"vae": 2, "chain": 0, "reader": 2 + 4}[kind]
    assert model.n_outputs >= 4


@pytest.mark.parametrize("kind", ["chain", "reader"])
def test_training_finds_what_columns_say_of_one_another(kind):
    """The third column repeats the second: ln 2 nats less than for columns apart."""
    x, model = make_rows(n_rows=400), build(kind)
    x[:, 1:3] = (x[:, [1, 1]] > 0).double()
    start_at_marginals(model, model.joint, 0, x, None)
    order = torch.arange(400)
    history = train(model, x, Split([order[::2]], [order[1::2]]), kind)
    assert max(history["validation_elbo"]) > history["validation_elbo"][0] + 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_trains_as_its_models_do_alone(kind):
    x, stack, parts = rows(kind), build(kind, 2), list(torch.arange(N).chunk(2))
    models = [alone(stack, s) for s in range(2)]
    train(stack, x, Split(parts, []), kind, n_epochs=4)
    for s, model in enumerate(models):
        train(model, x, Split([parts[s]], []), kind, n_epochs=4)
        assert_equal_weights(alone(stack, s), model, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", ["chain", "reader"])
def test_a_training_that_is_taken_up_again_is_the_same(kind):
    x, split = rows(kind), Split([torch.arange(N)], [])
    whole, states = build(kind), []

    def keep(training):
        if training.epoch == 2:
            states.append(copy.deepcopy(training.state_dict()))
        return False

    train(whole, x, split, kind, n_epochs=5, after_epoch=keep)
    again = build(kind)
    candidate = Candidate(Recipe(1e-2, 1e-2, 16, 5), LogLikelihood(), again.n_components)
    training = Training(again, x, split, [candidate], seed=0)
    training.load_state_dict(states[0])
    training.run()
    assert_equal_weights(again, whole, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["chain", "reader"])
def test_a_row_of_weight_two_is_worth_two_in_what_is_maximised(kind):
    x, model = rows(kind)[None], build(kind)
    noise = torch.randn(1, 1, N, model.n_components, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weights = torch.arange(N, dtype=torch.float64)[None]
    value, bound = LogLikelihood().step(model, x, noise, seen=None, weights=weights, progress=1.0)
    torch.testing.assert_close(value, (weights * bound.elbo).mean(dim=1))
