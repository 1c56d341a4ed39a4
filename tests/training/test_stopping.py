import math

import pytest
import torch
from torch import nn

from skvae.training.stopping import EarlyStopping, trimmed_mean


def stops_after(criteria, patience, tol=0.0):
    """Number of evaluations until it is time to stop, or None."""
    stopping = EarlyStopping(patience=patience, tol=tol)
    for n, criterion in enumerate(criteria, start=1):
        if stopping.update(criterion, n, []):
            return n
    return None


@pytest.mark.parametrize(
    ("criteria", "patience", "tol", "expected"),
    [
        ([1, 2, 3, 4, 5], 1, 0.0, None),
        ([5, 4, 3, 2, 1], 1, 0.0, 2),
        ([5, 4, 3, 2, 1], 3, 0.0, 4),
        ([1, 3, 2, 2, 4, 3, 3, 3], 3, 0.0, 8),
        ([1, 1, 1], 2, 0.0, 3),
        ([1.0, 1.4, 1.8, 2.2, 2.6], 3, 1.0, None),  # slow, but more than tol since the last milestone
        ([1.0, 1.1, 1.2, 1.3], 2, 1.0, 3),
        ([-math.inf, -math.inf, -math.inf], 2, 0.0, 2),
    ],
)
def test_stops_after_patience_evaluations_without_progress(criteria, patience, tol, expected):
    assert stops_after(criteria, patience, tol) == expected


def test_keeps_the_best_weights_however_small_the_gain():
    module = nn.Linear(1, 1)
    stopping = EarlyStopping(patience=10, tol=1.0)
    for epoch, criterion in enumerate([0.0, 0.3, 0.2, 0.31, 0.1]):
        nn.init.constant_(module.weight, float(epoch))
        stopping.update(criterion, epoch, [module.weight])
    nn.init.constant_(module.weight, 99.0)
    stopping.restore([module.weight])
    assert module.weight.item() == 3.0
    assert stopping.best_epoch == 3
    assert stopping.best == 0.31


def test_the_first_of_equals_is_best():
    stopping = EarlyStopping(patience=10, tol=0.0)
    for epoch in range(3):
        stopping.update(1.0, epoch, [])
    assert stopping.best_epoch == 0


def test_without_an_evaluation_nothing_is_restored():
    module = nn.Linear(1, 1)
    before = module.weight.item()
    EarlyStopping(patience=1, tol=0.0).restore([module.weight])
    assert module.weight.item() == before


def test_trimmed_mean_leaves_the_lowest_two_percent_out():
    values = torch.arange(100.0)
    assert trimmed_mean(values, torch.ones(100)).item() == pytest.approx(values[2:].mean().item())
    assert trimmed_mean(values.flip(0), torch.ones(100)).item() == pytest.approx(values[2:].mean().item())
    values[0] = -1e30
    assert trimmed_mean(values, torch.ones(100)).item() == pytest.approx(torch.arange(2.0, 100.0).mean().item())


def test_trimmed_mean_of_few_values_is_their_mean():
    values = torch.tensor([-100.0, 0.0, 1.0])
    assert trimmed_mean(values, torch.ones(3)).item() == pytest.approx(-33.0)


def test_trimmed_mean_weighs():
    values, weights = torch.tensor([4.0, 1.0, 2.0]), torch.tensor([0.5, 2.0, 0.0])
    assert trimmed_mean(values, weights).item() == pytest.approx((2.0 + 2.0) / 2.5)
