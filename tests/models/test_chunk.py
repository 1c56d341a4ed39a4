import math

import pytest
import torch

from skvae.models.chunk import append
from skvae.training import History


def passed(*elbos):
    history = History()
    for elbo in elbos:
        history.add(0.1, torch.tensor([elbo, 0.0]))
    return history


def test_passes_are_numbered_on():
    history = History()
    append(history, passed(-3.0, -2.0))
    append(history, passed(math.nan, -1.0))  # the state before a later pass is the one after the earlier
    assert history.as_dict()["epoch"] == [0, 1, 2]
    assert history.as_dict()["elbo"] == pytest.approx([-3.0, -2.0, -1.0])
    assert history.best_iter == 2
