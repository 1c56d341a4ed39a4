import copy

import numpy as np
import pytest
import torch

from skvae.likelihoods import Bernoulli
from skvae.objectives import elbo
from skvae.training import Objective, Split
from tests.training.fits import (
    D,
    K,
    N,
    assert_equal_weights,
    build,
    fit,
    halves,
    make_judge,
    make_rows,
)


def test_with_one_draw_importance_weights_judge_by_the_elbo():
    x, one, other = make_rows(), build(), build()
    for vae, name in ((one, "elbo"), (other, "iwae")):
        judge, candidates = make_judge(vae, x, Objective(name))
        assert judge(vae, candidates, candidates[0].objective) == judge(vae, candidates, candidates[0].objective)
    assert Objective("iwae").judged(one, x[None], torch.zeros(1, 1, N, K).double())[1].shape == (1, N)


def test_held_out_grey_levels_are_binarised_once():
    x = torch.full((N, D), 0.5, dtype=torch.float64)
    vae = build(family=Bernoulli())
    judge, candidates = make_judge(vae, x, Objective())
    assert set(judge.x.unique().tolist()) == {0.0, 1.0}
    assert judge(vae, candidates, Objective()) == judge(vae, candidates, Objective())


def test_folds_judge_the_step_for_the_model_of_all_rows():
    x, order = make_rows(), torch.arange(N)
    folds = [order[:16], order[16:32], order[32:]]
    split = Split([*(order[~torch.isin(order, fold)] for fold in folds), order], folds)
    vae = build(4)
    history = fit(vae, x, split, max_iter=10)
    held_out = history.as_dict()["validation_elbo"]
    assert np.isfinite(held_out).all()
    assert history.best_iter == int(np.argmax(held_out))
    assert held_out[history.best_iter] > held_out[0]


def test_held_out_rows_are_not_trained_on():
    x, one, other = make_rows(), build(), build()
    shifted = x.clone()
    shifted[halves().held_out[0]] += 100.0
    # patience beyond the budget, and nothing to restore: the last step is compared
    weights = []
    for vae, rows in ((one, x), (other, shifted)):
        fit(
            vae,
            rows,
            halves(),
            report=lambda _, vae=vae: weights.append(copy.deepcopy(vae)),
            n_iter_no_change=100,
        )
    assert_equal_weights(weights[len(weights) // 2 - 1], weights[-1], rtol=0, atol=0)


def test_a_verdict_is_the_mean_elbo_of_the_held_out_rows():
    x, vae = make_rows(), build()
    judge, candidates = make_judge(vae, x, Objective())
    (verdict,) = judge(vae, candidates, Objective())
    rows = x[halves().held_out[0]]
    with torch.no_grad():
        elbos = elbo(vae, rows[None], judge.draws[K]).elbo[0]
    assert verdict.elbo == pytest.approx(elbos.mean().item(), rel=1e-9)
    without_lowest = elbos.sort().values[1:]  # 2 % of 24 rows
    assert verdict.criterion == pytest.approx(without_lowest.mean().item(), rel=1e-9)
    assert not verdict.is_clear  # of the first evaluation: nothing has been gained


def test_free_bits_are_a_price_on_the_held_out_rows_too():
    x, vae = make_rows(), build()
    verdicts = []
    for free_bits in (0.0, 100.0):
        judge, candidates = make_judge(vae, x, Objective(free_bits=free_bits))
        verdicts += judge(vae, candidates, candidates[0].objective)
    with torch.no_grad():
        kl = elbo(vae, x[halves().held_out[0]][None], judge.draws[K]).kl[0].mean(dim=0)
    assert verdicts[0].criterion - verdicts[1].criterion == pytest.approx((100.0 - kl).sum().item(), rel=1e-6)
    assert verdicts[0].elbo == verdicts[1].elbo


def test_draws_come_in_opposite_pairs():
    judge, _ = make_judge(build(), make_rows(), Objective("iwae", n_draws=6))
    assert judge.draws[K].shape == (6, 1, N // 2, K)
    assert torch.equal(judge.draws[K][:3], -judge.draws[K][3:])


def test_what_is_not_a_number_is_worse_than_everything():
    x, vae = make_rows(), build()
    judge, candidates = make_judge(vae, x, Objective())
    judge(vae, candidates, Objective())
    vae.decoder.bias.data.fill_(torch.nan)
    (verdict,) = judge(vae, candidates, Objective())
    assert verdict.criterion == -torch.inf
    assert verdict.is_clear  # of a gain that is not finite there is no average
