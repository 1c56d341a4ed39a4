import itertools

import pytest
import torch

from skvae.likelihoods import Bernoulli
from skvae.training import Objective
from skvae.training.noise import Noise
from skvae.training.objective import objective_by_model
from skvae.training.steps import Steps, hide, repeat
from tests.training.fits import (
    D,
    K,
    N,
    build,
    candidates_of,
    fit,
    make_rows,
    whole,
)


def test_grey_levels_are_binarised_anew_at_every_step():
    x = torch.full((N, D), 0.5, dtype=torch.float64)
    drawn = []
    vae = build(family=Bernoulli())
    vae.encoder.register_forward_pre_hook(lambda module, arguments: drawn.append(arguments[0].clone()))
    fit(vae, x, whole(), max_iter=2)
    assert all(set(batch.unique().tolist()) == {0.0, 1.0} for batch in drawn)
    assert not any(torch.equal(a, b) for a, b in itertools.pairwise(drawn))


def test_an_encoder_that_is_shown_nothing_says_nothing():
    history = fit(build(), make_rows(), whole(), objective=Objective(input_dropout=1.0))
    assert history.as_dict()["kl"][1:] == [0.0] * 6


@pytest.mark.parametrize("batch_size", [1, 7, 16, 48, 1000])
def test_any_batch_size_reads_whole_batches_of_different_rows(batch_size):
    batches = []
    vae = build()
    vae.encoder.register_forward_pre_hook(lambda module, arguments: batches.append(arguments[0].shape[1]))
    history = fit(vae, make_rows(), whole(), batch_size=batch_size, max_iter=2)
    size = min(batch_size, N)
    assert batches == [size] * (2 * (N // size))
    assert len(history.epochs) == 3


def steps_of(n_components=(K,), objective=None, width=None):
    """Steps of a stack of one model for each candidate."""
    vae = build(len(n_components))
    vae.encoder.n_components = width or max(n_components)
    objectives = list(objective) if isinstance(objective, tuple) else [objective or Objective()] * len(n_components)
    candidates, device = candidates_of(objectives, n_components), torch.device("cpu")
    return Steps(vae, candidates, 1, Noise(0, device), objective_by_model(objectives, 1, device))


def test_rows_and_weights_come_once_for_each_candidate():
    rows, weights = make_rows(n_rows=5)[None], torch.arange(5.0)[None]
    batch = steps_of((2, 1, 2)).batch(rows, weights)
    assert torch.equal(batch.x, rows.expand(3, -1, -1))
    assert torch.equal(batch.weights, weights.expand(3, -1))
    assert batch.seen is None
    assert batch.noise.shape == (1, 3, 5, 2)
    assert (batch.noise[:, 1, :, 1] == 0).all()  # a component that the second one has not
    assert torch.equal(batch.noise[:, 0], batch.noise[:, 2])


def test_noise_has_a_draw_for_each_of_the_objective():
    batch = steps_of(objective=Objective(n_draws=4)).batch(make_rows(n_rows=5)[None], None)
    assert batch.noise.shape == (4, 1, 5, K)
    assert batch.weights is None


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_hidden_cells_are_gaps_of_what_the_encoder_sees_alone(share):
    rows = make_rows(n_rows=2000).expand(2, -1, -1)
    batch = steps_of(objective=Objective(input_dropout=share)).batch(rows, None)
    is_hidden = batch.seen.x.isnan()
    assert torch.equal(batch.x, rows)
    assert torch.equal(batch.seen.x[~is_hidden], rows[~is_hidden])
    assert batch.seen.noise is None
    assert is_hidden.double().mean().item() == pytest.approx(share, abs=0.02)
    assert torch.equal(is_hidden[0], is_hidden[1])  # models of a stack see alike


def test_hiding_keeps_what_is_missing():
    x = torch.full((1, 4, 2), torch.nan)
    assert hide(x, 0.5, torch.Generator().manual_seed(0)).isnan().all()


def test_noise_on_inputs_has_the_standard_deviation_that_was_asked_for_and_is_no_part_of_the_rows():
    rows = make_rows(n_rows=20_000).expand(2, -1, -1)
    batch = steps_of(objective=Objective(input_noise=0.3)).batch(rows, None)
    assert batch.x is batch.seen.x
    assert batch.seen.noise.shape == (1, *rows.shape[1:])  # models of a stack see alike
    torch.testing.assert_close(
        batch.seen.noise.std(dim=1), torch.full((1, D), 0.3, dtype=rows.dtype), rtol=0.03, atol=0
    )
    correlation = torch.corrcoef(torch.cat([batch.seen.noise[0], rows[0]], dim=1).T) - torch.eye(2 * D)
    assert correlation[:D].abs().max() < 0.03


def test_each_candidate_has_its_own_share_of_the_same_noise():
    objectives = (Objective(input_noise=0.5), Objective(), Objective(input_noise=2.0))
    rows = make_rows(n_rows=5)[None]
    noise = steps_of((K,) * 3, objectives).batch(rows, None).seen.noise
    alone = steps_of(objective=objectives[0]).batch(rows, None).seen.noise
    assert torch.equal(noise[0], alone[0])
    assert torch.equal(noise[1], torch.zeros_like(alone[0]))
    assert torch.equal(noise[2], 4 * alone[0])


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_noise_on_inputs_moves_no_other_draw(share):
    rows = make_rows(n_rows=50)[None]
    plain, noisy = (
        steps_of(objective=Objective(input_dropout=share, input_noise=std)).batch(rows, None) for std in (0.0, 1.0)
    )
    assert torch.equal(plain.noise, noisy.noise)
    if share:
        assert torch.equal(plain.seen.x.isnan(), noisy.seen.x.isnan())


def test_one_candidate_copies_nothing():
    x = make_rows()[None]
    assert repeat(x, 1) is x
    assert repeat(x, 3).shape == (3, N, D)
