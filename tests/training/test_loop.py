import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from skvae.networks import Linear, parameters_by_model
from skvae.training import CyclicalBeta, LinearBeta, Objective, Split, Training, initialize
from skvae.training.loop import MAX_ROLLBACKS, ROLLBACK_FACTOR
from skvae.training.schedules import warmup_cosine
from tests.training.fits import (
    K,
    N,
    alone,
    assert_equal_weights,
    build,
    candidates_of,
    fit,
    halves,
    make_rows,
    parts_of,
    whole,
)

# -- the stack -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlp", "replicas"])
@pytest.mark.parametrize("n_rows", [3, N])
def test_training_in_one_stack_equals_training_alone(kind, n_rows):
    vae, x, split = build(3, kind), make_rows(n_rows=n_rows), parts_of(3, n_rows)
    models = [alone(vae, s) for s in range(3)]
    fit(vae, x, split, batch_size=8)
    for s, model in enumerate(models):
        before = copy.deepcopy(model)
        fit(model, x, Split([split.train[s]], []), batch_size=8)
        assert_equal_weights(alone(vae, s), model, rtol=1e-6, atol=1e-8)
        assert not torch.allclose(model.decoder.bias, before.decoder.bias)


@pytest.mark.parametrize("kind", ["mlp", "replicas"])
def test_neighbours_in_the_stack_do_not_matter(kind):
    x, split = make_rows(), parts_of(2)
    pair = build(2, kind)
    other_pair = copy.deepcopy(pair)
    for model, parameter in parameters_by_model(other_pair):
        if model != 0:
            parameter.data[slice(None) if model == 1 else 1] *= 1.7
    fit(pair, x, split)
    fit(other_pair, torch.cat([x[:24], 3 * x[24:]]), split)
    assert_equal_weights(alone(pair, 0), alone(other_pair, 0))
    assert not torch.allclose(pair.decoder.bias[1], other_pair.decoder.bias[1])


@pytest.mark.parametrize("kind", ["mlp", "replicas"])
def test_a_step_without_finite_gradient_is_skipped_and_counted_and_the_others_go_on(kind):
    x, split = make_rows(), parts_of(2)
    broken_x = x.clone()
    broken_x[40] = 1e300  # its square overflows; the last model reads it at every step
    vae = build(2, kind)
    healthy, start = copy.deepcopy(vae), copy.deepcopy(vae)
    history = fit(vae, broken_x, split, batch_size=24, weight_decay=0.0)
    assert history.n_skipped == 6
    assert fit(healthy, x, split, batch_size=24, weight_decay=0.0).n_skipped == 0
    assert_equal_weights(alone(vae, 0), alone(healthy, 0))
    assert_equal_weights(alone(vae, 1), alone(start, 1), rtol=0, atol=0)


# -- weight decay -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlp", "replicas"])
def test_weight_decay_shrinks_the_matrices_of_the_networks_and_nothing_else(kind):
    # so small a learning rate that Adam itself moves nothing, and so strong a decay that the product counts
    vae, x = build(1, kind), make_rows()
    before = copy.deepcopy(vae)
    fit(vae, x, whole(), learning_rate=1e-9, weight_decay=1e7, max_iter=20)
    matrices = {
        id(module.weight)
        for network in (vae.encoder.network, vae.decoder.network)
        for module in network.modules()
        if isinstance(module, Linear | nn.Linear)
    }
    n_steps = 20 * (N // 16)
    shrunken = math.prod(1 - 1e-9 * 1e7 * warmup_cosine((step + 1) / n_steps) for step in range(n_steps))
    assert len(matrices) == 4
    assert shrunken < 0.8
    for parameter, old in zip(vae.parameters(), before.parameters(), strict=True):
        factor = shrunken if id(parameter) in matrices else 1.0
        torch.testing.assert_close(parameter, factor * old, rtol=0, atol=1e-6)


# -- best weights --------------------------------------------------------------------------------------------


def test_the_best_weights_are_restored():
    vae, x, seen = build(), make_rows(), []

    def report(history):
        seen.append(copy.deepcopy(vae.state_dict()))

    # a large learning rate on few rows: the held-out bound does not only rise; of 20 rows, none is trimmed
    split = Split(halves().train, [halves().held_out[0][:20]])
    history = fit(vae, x, split, report=report, learning_rate=0.1, max_iter=30, n_iter_no_change=100)
    held_out = history.as_dict()["validation_elbo"]
    best = int(np.nanargmax(held_out))
    assert len(seen) == len(held_out) == 31  # one evaluation an epoch, and one before the first
    assert 0 < best < 30
    assert history.best_iter == best
    assert all(torch.equal(value, seen[best][name]) for name, value in vae.state_dict().items())
    assert not vae.training


def test_training_that_only_harms_gives_back_the_start():
    vae, x = build(random_weights=False), make_rows()
    initialize(vae, x, [halves().train[0]], "linear", torch.Generator().manual_seed(0))
    before = copy.deepcopy(vae)
    history = fit(vae, x, halves(), learning_rate=1e3, max_iter=3)
    assert history.best_iter == 0
    assert_equal_weights(vae, before, rtol=0, atol=0)


def test_without_held_out_rows_the_last_weights_are_kept():
    vae = build()
    history = fit(vae, make_rows(), whole(), max_iter=4)
    assert history.best_iter == 4
    assert np.isnan(history.as_dict()["validation_elbo"]).all()


def test_training_stops_when_progress_does():
    vae, x = build(), make_rows()
    history = fit(vae, x, halves(), max_iter=80, n_iter_no_change=3, tol=1e9)
    assert len(history.epochs) - 1 == 8 + 2 * 2  # the end of the warm-up, and patience from the evaluation there


def test_interrupting_ends_cleanly_with_the_best_weights():
    vae, x, seen = build(), make_rows(), []

    def report(history):
        seen.append(copy.deepcopy(vae.state_dict()))
        if len(seen) == 4:
            raise KeyboardInterrupt

    history = fit(vae, x, halves(), report=report, max_iter=30, n_iter_no_change=100)
    held_out = history.as_dict()["validation_elbo"]
    assert history.interrupted
    assert len(held_out) == 4
    assert history.best_iter == int(np.nanargmax(held_out))
    assert all(torch.equal(value, seen[history.best_iter][name]) for name, value in vae.state_dict().items())
    assert not vae.training
    assert not fit(build(), x, halves()).interrupted


def test_a_hook_is_called_once_an_epoch_and_may_end_training():
    vae, x, seen = build(), make_rows(), []

    def stop_after_five(training):
        left_behind, history = training.so_far(training.candidates[0])
        seen.append((training.epoch, left_behind, history.best_iter))
        return training.epoch == 5

    history = fit(vae, x, halves(), after_epoch=stop_after_five, learning_rate=0.05, max_iter=30, n_iter_no_change=100)
    assert [epoch for epoch, *_ in seen] == [1, 2, 3, 4, 5]
    assert len(history.epochs) == 6 and not history.interrupted
    assert history.best_iter == seen[-1][2] == int(np.nanargmax(history.as_dict()["validation_elbo"]))
    assert_equal_weights(seen[-1][1], vae, rtol=0, atol=0)
    assert not seen[0][1].training and not vae.training


def test_a_hook_that_looks_changes_nothing():
    x, looked = make_rows(), []
    alone, heard = build(), build()
    fit(alone, x, halves())
    fit(heard, x, halves(), after_epoch=lambda training: looked.append(training.so_far(training.candidates[0])))
    assert len(looked) == 6
    assert_equal_weights(alone, heard, rtol=0, atol=0)


def test_without_held_out_rows_training_reports_as_often():
    seen = []
    fit(build(), make_rows(), whole(), max_iter=80, report=lambda history: seen.append(dict(history.epochs[-1])))
    assert [row["epoch"] for row in seen] == list(range(2, 81, 2))
    assert all(np.isfinite(row["elbo"]) for row in seen)


# -- the objective -------------------------------------------------------------------------------------------


def test_training_raises_the_bound_above_the_linear_start():
    vae, x = build(random_weights=False), make_rows(n_rows=200)
    split = Split([torch.arange(0, 200, 2)], [torch.arange(1, 200, 2)])
    initialize(vae, x, split.train, "linear", torch.Generator().manual_seed(0))
    held_out = fit(vae, x, split, max_iter=60, n_iter_no_change=100).as_dict()["validation_elbo"]
    assert max(held_out) > held_out[0] + 0.3


def test_the_offset_moves_the_report_and_not_the_weights():
    x, one, other = make_rows(), build(), build()
    reports = [fit(one, x, halves()).as_dict(), fit(other, x, halves(), offset=7.0).as_dict()]
    assert_equal_weights(one, other, rtol=0, atol=0)
    for name in ("elbo", "validation_elbo", "log_likelihood"):
        np.testing.assert_allclose(np.subtract(reports[1][name], reports[0][name])[1:], 7.0, rtol=1e-9)
    assert reports[0]["kl"][1:] == reports[1]["kl"][1:]


def test_training_does_not_stop_while_beta_still_moves():
    settings = {"max_iter": 40, "n_iter_no_change": 2, "tol": 1e9}
    late = fit(build(), make_rows(), halves(), objective=Objective(beta=CyclicalBeta(end=0.5)), **settings)
    early = fit(build(), make_rows(), halves(), **settings)
    assert len(early.epochs) - 1 < 10
    assert 20 <= len(late.epochs) - 1 < 30


def test_gaps_are_masked_in_every_batch_or_not_looked_for():
    x, vae = make_rows(), build()
    seen = []
    vae.encoder.register_forward_pre_hook(lambda module, arguments: seen.append(module.is_complete))
    fit(vae, x, whole(), max_iter=1)
    fit(vae, x, whole(), objective=Objective(input_dropout=0.5), max_iter=1)
    x[3, 1] = torch.nan
    fit(vae, x, whole(), max_iter=1)
    assert seen == [True] * 3 + [False] * 6
    assert not vae.joint.is_complete


# -- when training breaks down -------------------------------------------------------------------------------


def break_after(vae, n_calls):
    """From some call on, the decoder's output explodes."""
    calls = itertools.count()
    hook = vae.decoder.register_forward_hook(
        lambda module, arguments, output: [
            {name: value * (math.inf if next(calls) >= n_calls else 1.0) for name, value in heads.items()}
            for heads in output
        ]
    )
    return hook


def test_training_that_breaks_down_goes_back_to_the_best_weights_with_smaller_steps():
    vae, x = build(), make_rows()
    break_after(vae, 30)
    history = fit(vae, x, halves(), max_iter=40, n_iter_no_change=200)
    assert history.n_rollbacks == MAX_ROLLBACKS + 1  # and then it is over
    assert all(p.isfinite().all() for p in vae.parameters())
    rates = history.as_dict()["learning_rate"]
    assert rates[-1] == pytest.approx(rates[-2] * ROLLBACK_FACTOR, rel=0.1)
    assert history.best_iter < len(rates) - MAX_ROLLBACKS


def test_training_that_breaks_down_once_recovers():
    vae, x = build(), make_rows()
    hook = break_after(vae, 30)

    class Repaired(Objective):
        def step(self, *arguments, **options):
            if history and history[-1].n_rollbacks:
                hook.remove()
            return super().step(*arguments, **options)

    history = []
    result = fit(vae, x, halves(), report=history.append, objective=Repaired(), max_iter=40, n_iter_no_change=200)
    assert result.n_rollbacks == 1
    assert result.best_iter > 30


# -- seeds and rows ------------------------------------------------------------------------------------------


def test_seeds_decide_the_weights_and_the_global_generator_stays():
    x, before = make_rows(), torch.get_rng_state()
    one, same, other = build(), build(), build()
    for vae, seed in ((one, 0), (same, 0), (other, 1)):
        fit(vae, x, halves(), seed=seed)
    assert_equal_weights(one, same, rtol=0, atol=0)
    assert not torch.allclose(one.decoder.bias, other.decoder.bias)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_learning_rate_warms_up_and_vanishes():
    rates = fit(build(), make_rows(), whole(), max_iter=20, learning_rate=0.02).as_dict()["learning_rate"]
    peak = int(np.argmax(rates))
    assert 1 <= peak <= 3
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    assert max(rates) <= 0.02


def test_the_precision_of_the_weights_is_kept_under_bfloat16():
    vae, x = build().float(), make_rows().float()
    history = fit(vae, x, halves(), dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in vae.parameters()} == {torch.float32}
    assert np.isfinite(history.as_dict()["elbo"][1:]).all()


# -- several fits in one stack -------------------------------------------------------------------------------


def test_another_training_goes_on_from_the_state_of_one():
    x, split = make_rows(), halves()
    states, trainings = [], []
    for _ in range(2):
        objective = Objective(beta=LinearBeta(1.0), input_dropout=0.2)
        candidate = candidates_of([objective], [K], max_iter=9, n_iter_no_change=99)
        trainings.append(Training(build(), x, split, candidate, seed=3))
    one, other = trainings
    one.after_epoch = lambda training: states.append(copy.deepcopy(training.state_dict())) or False
    one.run()
    other.load_state_dict(states[3])
    other.run()
    assert other.epoch == 9
    assert_equal_weights(other.vae, one.vae, rtol=0, atol=0)
    assert one.noise.rows.get_state().equal(other.noise.rows.get_state())
    before, after = (training.candidates[0].history.as_dict() for training in trainings)
    assert before["elbo"][1:] == after["elbo"][1:]
    assert (np.diff(after["seconds"]) > 0).all()


def test_training_pauses_and_goes_on_as_if_it_had_not():
    x, split = make_rows(), halves()
    once, twice = build(), build()
    for vae, stages in ((once, [None]), (twice, [2, 3, None])):
        training = Training(vae, x, split, candidates_of([Objective()], [K]), seed=0)
        for until in stages:
            training.run(until)
        assert not training.running
    assert_equal_weights(once, twice, rtol=0, atol=0)
