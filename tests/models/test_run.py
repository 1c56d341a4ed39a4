import math

import numpy as np
import pytest
import torch

from skvae.models.run import Run, print_kept, print_progress, seed_of
from skvae.training import History
from skvae.training.history import COLUMNS


@pytest.mark.parametrize("random_state", [-1, 2**32, 10**30, 0.5, "seed"])
def test_what_is_no_random_state_gets_a_sentence(random_state):
    with pytest.raises(ValueError, match=r"from 0 to 2\*\*32 - 1.*Pass one"):
        seed_of(random_state)


def test_a_seed_is_that_of_scikit_learn():
    assert seed_of(3) == np.random.RandomState(3).randint(2**31 - 1) == seed_of(np.random.RandomState(3))


def history(**figures):
    return History(epochs=[dict.fromkeys(COLUMNS, math.nan) | {"epoch": 3, "seconds": 1.25} | figures], best_iter=2)


def test_a_line_has_the_held_out_bound_where_there_is_one(capsys):
    print_progress(history(elbo=-1.0, validation_elbo=-2.5, kl=0.5), 200)
    print_progress(history(elbo=-1.0, kl=0.5))
    print_progress(history())
    print_kept(history(), 200)
    print_progress(history(elbo=-1.0, validation_elbo=-2.5), what="chain")
    assert capsys.readouterr().out.splitlines() == [
        "epoch   3/200     1.2 s  elbo     -1.000  held-out     -2.500  kl      0.500",
        "epoch    3     1.2 s  elbo     -1.000  kl      0.500",
        "epoch    3     1.2 s  elbo          -  kl          -",
        "epoch   2/200  is kept",
        "epoch    3     1.2 s  chain     -1.000  held-out     -2.500",
    ]


@pytest.mark.parametrize("lends_global", [True, False])
def test_a_run_has_a_generator_of_its_own(lends_global):
    class Plan:
        class architecture:
            reads_global_rng = lends_global

    before, threads = torch.get_rng_state(), torch.get_num_threads()
    with Run(torch.device("cpu"), 5).prepared(Plan, 1) as generator:
        assert generator.initial_seed() == 5
        assert torch.get_num_threads() == 1
        torch.rand(3)
    assert torch.equal(before, torch.get_rng_state()) is lends_global
    torch.set_rng_state(before)
    assert torch.get_num_threads() == threads
