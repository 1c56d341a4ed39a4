"""Whoever is told of a training is told once an epoch, and what goes on is what was kept."""

from types import SimpleNamespace

import pytest
import torch

from skvae.models import Run
from skvae.models.telling import Telling


class Follower:
    """Wants to stop after an epoch, and moves torch's own generator."""

    def __init__(self, stop_after=None):
        self.stop_after, self.said = stop_after, []

    def after_epoch(self, *, goes_on, fit):
        torch.rand(3)
        self.said.append((goes_on, fit()))
        return len(self.said) == self.stop_after


class Keeper:
    def __init__(self, kept=None):
        self.kept, self.states = kept, []

    def latest(self):
        return self.kept

    def keep(self, state):
        self.states.append(state())


class Training(SimpleNamespace):
    """So many epochs of one candidate."""

    def state_dict(self):
        return {"epoch": self.epoch}

    def load_state_dict(self, state):
        self.epoch = state["epoch"]


def telling(follower=None, keeper=None, *, n_epochs=3, reads_global_rng=False, is_verbose=False, what=""):
    run = Run(torch.device("cpu"), 0, is_verbose)
    return Telling(run, n_epochs, lambda training: f"fit {training.epoch}", follower, keeper, reads_global_rng, what)


def passed(told, n_epochs=3, running=(True,)):
    """Tell of epochs until somebody stops; how many there were."""
    after_epoch = told.epochs()
    for epoch in range(1, n_epochs + 1):
        if after_epoch(Training(epoch=epoch, running=list(running))):
            return epoch
    return n_epochs


def test_nobody_is_told_where_nobody_listens():
    assert telling().epochs() is None
    assert telling().progress() is None


def test_a_follower_hears_of_each_epoch_and_whether_it_is_the_last():
    follower = Follower()
    passed(telling(follower))
    assert follower.said == [(True, "fit 1"), (True, "fit 2"), (False, "fit 3")]


def test_a_follower_ends_a_training():
    follower, keeper = Follower(stop_after=2), Keeper()
    assert passed(telling(follower, keeper)) == 2
    assert keeper.states == [{"training": {"epoch": 1}, "global_rng": []}]  # nothing will go on from the second


def test_what_has_ended_is_not_kept():
    keeper = Keeper()
    passed(telling(keeper=keeper))
    assert [state["training"]["epoch"] for state in keeper.states] == [1, 2]
    passed(telling(keeper=keeper), running=())  # by early stopping
    assert len(keeper.states) == 2


def test_a_training_goes_on_from_the_state_that_was_kept():
    training = Training(epoch=0, running=[True])
    telling(keeper=Keeper({"training": {"epoch": 2}, "global_rng": []})).resume(training)
    assert training.epoch == 2
    telling(keeper=Keeper()).resume(training)
    telling().resume(training)
    assert training.epoch == 2


def test_what_a_follower_draws_moves_no_model_that_reads_torchs_own_generator():
    before = torch.get_rng_state()
    passed(telling(Follower(), reads_global_rng=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_torchs_own_generator_goes_on_with_a_model_that_reads_it():
    keeper = Keeper()
    before = torch.get_rng_state()
    passed(telling(keeper=keeper, reads_global_rng=True), n_epochs=1)
    torch.rand(3)
    again = Keeper(keeper.states[0])
    telling(keeper=again, reads_global_rng=True).resume(Training(epoch=0, running=[True]))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("what", "name"), [("", "elbo"), ("chain", "chain")])
def test_progress_has_the_name_of_the_model(what, name, capsys):
    row = {"epoch": 2, "seconds": 0.5, "elbo": -1.0, "validation_elbo": -2.0, "kl": 0.3}
    telling(is_verbose=True, what=what).progress()(SimpleNamespace(epochs=[row]))
    said = capsys.readouterr().out
    assert said.startswith(f"epoch 2/3     0.5 s  {name}     -1.000  held-out     -2.000")
    assert ("kl" in said) == (not what)
