import math

import pytest
import torch

from skvae.models import Data, Online
from skvae.models.online import append
from skvae.tables import Table
from skvae.training import History


def passed(*elbos):
    history = History()
    for elbo in elbos:
        history.add(0.1, torch.tensor([elbo, 0.0]))
    return history


def test_rules_count_on_more_chunks():
    assert Online.starting_with(10).n_rows == 2000
    assert Online.starting_with(5000).n_rows == 5000


def test_weights_are_relative_to_all_chunks_so_far(iris):
    table = Table.fit(iris)
    x = table.encode(iris)
    online = Online(2000).noticing(Data(table, x)).noticing(Data(table, x, torch.full((150,), 3.0)))
    assert (online.n_seen, online.weight) == (300, 600)
    assert online.relative(torch.tensor([4.0])).tolist() == [2.0]
    assert online.relative(None) is None


def test_passes_are_numbered_on():
    history = History()
    append(history, passed(-3.0, -2.0))
    append(history, passed(math.nan, -1.0))  # the state before a later pass is the one after the earlier
    assert history.as_dict()["epoch"] == [0, 1, 2]
    assert history.as_dict()["elbo"] == pytest.approx([-3.0, -2.0, -1.0])
    assert history.best_iter == 2
