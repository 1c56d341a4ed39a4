import math

import torch

from skvae.training import History


def test_elbo_is_the_difference_of_its_terms_in_the_units_of_the_data():
    history = History(offset=10.0)
    history.add(0.0, None)
    history.add(0.1, torch.tensor([-3.0, 2.0]))
    history.add(0.2, torch.tensor([-1.0, 0.5]))
    columns = history.as_dict()
    assert columns["epoch"] == [0.0, 1.0, 2.0]
    assert columns["learning_rate"] == [0.0, 0.1, 0.2]
    assert columns["log_likelihood"][1:] == [7.0, 9.0]
    assert columns["kl"][1:] == [2.0, 0.5]
    assert columns["elbo"][1:] == [5.0, 8.5]


def test_epoch_zero_has_no_training_terms():
    history = History()
    history.add(0.0, None)
    columns = history.as_dict()
    assert all(math.isnan(columns[name][0]) for name in ("elbo", "log_likelihood", "kl", "validation_elbo"))


def test_columns_have_one_row_an_epoch_however_often_one_looks():
    history = History()
    for epoch in range(4):
        history.add(0.1, torch.tensor([float(epoch), 0.0]))
        history.flush()
        history.flush()
    columns = history.as_dict()
    assert {len(values) for values in columns.values()} == {4}
    assert columns["elbo"] == [0.0, 1.0, 2.0, 3.0]
    assert columns == history.as_dict()


def test_seconds_never_fall():
    history = History()
    for _ in range(5):
        history.add(0.1, None)
    seconds = history.as_dict()["seconds"]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 0.0


def test_terms_are_kept_without_their_graph():
    history = History()
    history.add(0.1, torch.tensor([1.0, 2.0], requires_grad=True) * 2)
    assert history.as_dict()["elbo"] == [-2.0]
