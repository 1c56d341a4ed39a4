import copy

import numpy as np

from skvae.networks import join
from skvae.training import Candidate, CyclicalBeta, LinearBeta, Objective, Recipe, Training
from tests.training.fits import (
    K,
    assert_equal_weights,
    build,
    candidates_of,
    fit,
    halves,
    make_rows,
)


def test_fits_that_differ_in_their_objectives_train_together_as_they_do_alone():
    x, split = make_rows(), halves()
    objectives = [
        Objective(),
        Objective(beta=CyclicalBeta(0.3)),
        Objective(free_bits=0.4, beta=LinearBeta(2.0, end=1.0)),
    ]
    starts = [build(1) for _ in objectives]
    stack = join([copy.deepcopy(start) for start in starts], build(1))
    candidates = candidates_of(objectives, [K] * 3)
    Training(stack, x, split, candidates, seed=0).run()
    for start, objective, candidate in zip(starts, objectives, candidates, strict=True):
        history = fit(start, x, split, objective=objective)
        assert_equal_weights(candidate.vae, start, rtol=1e-6, atol=1e-8)
        assert history.best_iter == candidate.history.best_iter
        np.testing.assert_allclose(history.as_dict()["elbo"], candidate.history.as_dict()["elbo"], rtol=1e-6)


def test_who_is_stopped_keeps_the_best_weights_and_the_others_go_on():
    x, split = make_rows(), halves()
    start = build()
    stack = join([copy.deepcopy(start) for _ in range(3)], build())
    candidates = candidates_of([Objective(beta=LinearBeta(b, end=0.0)) for b in (0.5, 1.0, 2.0)], [K] * 3)
    training = Training(stack, x, split, candidates, seed=0)
    training.run(until=3)
    training.stop([candidates[1]])
    training.run()
    assert [len(candidate.history.epochs) - 1 for candidate in candidates] == [6, 3, 6]
    twin = copy.deepcopy(start)
    fit(twin, x, split, objective=Objective(beta=LinearBeta(2.0, end=0.0)))
    assert_equal_weights(candidates[2].vae, twin, rtol=1e-6, atol=1e-8)


def test_a_fit_that_breaks_down_goes_back_alone():
    x, split = make_rows(), halves()
    broken = candidates_of([Objective()], [K], learning_rate=1e3, max_iter=20)
    healthy = candidates_of([Objective()], [K], max_iter=20)
    start = build(random_weights=False)
    stack = join([copy.deepcopy(start), copy.deepcopy(start)], build())
    Training(stack, x, split, broken + healthy, seed=0).run()
    twin = copy.deepcopy(start)
    fit(twin, x, split, max_iter=20)
    assert_equal_weights(healthy[0].vae, twin, rtol=1e-6, atol=1e-8)
    assert healthy[0].history.n_rollbacks == 0


def test_a_candidate_starts_with_the_state_before_the_first_step():
    candidate = Candidate(Recipe(1e-2, 1e-2, 16, 6, n_iter_no_change=3, tol=0.5), Objective(), K, offset=2.0)
    assert [row["epoch"] for row in candidate.history.epochs] == [0]
    assert candidate.history.offset == 2.0
    assert (candidate.stopping.patience, candidate.stopping.tol) == (3, 0.5)
    assert candidate.vae is None and candidate.at_start is None
