import math

import pytest
import torch
from torch import nn

from skvae.training.stopping import CLEAR, EarlyStopping, is_clear_gain, trimmed_mean


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
        ([5, 4, 3, 2, 1], 3, 0.0, 3),  # one fall after another since the start: half of the patience
        ([5, 4, 4, 3, 3, 2, 1], 3, 0.0, 4),
        ([5, 6, 5, 4, 3, 2, 1], 3, 0.0, 5),
        ([9, 8, 7, 6, 7, 6, 5, 4, 3], 8, 0.0, 9),
        ([1, 3, 2, 2, 4, 3, 3, 3], 3, 0.0, 8),
        ([1, 1, 1], 2, 0.0, 3),
        ([1.0, 1.4, 1.8, 2.2, 2.6], 3, 1.0, None),  # slow, but more than tol since the last milestone
        ([1.0, 1.1, 1.2, 1.3], 2, 1.0, 3),
        ([-math.inf, -math.inf, -math.inf], 2, 0.0, 2),
    ],
)
def test_stops_after_patience_evaluations_without_progress(criteria, patience, tol, expected):
    assert stops_after(criteria, patience, tol) == expected


def test_falls_do_not_count_while_the_objective_changes():
    stopping = EarlyStopping(patience=4, tol=0.0)
    falls = [5.0, 4.0, 3.0, 2.0, 1.0]
    assert [stopping.update(c, n, [], is_final_objective=n > 2) for n, c in enumerate(falls)] == [False] * 4 + [True]
    assert stopping.is_at_start


def test_it_knows_whether_it_is_still_at_the_start():
    stopping = EarlyStopping(patience=4, tol=0.0)
    seen = []
    for epoch, (criterion, is_clear) in enumerate([(1.0, True), (0.5, True), (2.0, False), (1.5, True), (1.0, True)]):
        stopping.update(criterion, epoch, [], is_clear=is_clear)
        seen.append(stopping.is_at_start)
    assert seen == [True, True, True, False, False]


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


def test_weights_that_are_not_clearly_better_than_the_first_are_not_kept():
    stopping = EarlyStopping(patience=10, tol=0.0)
    for epoch, (criterion, is_clear) in enumerate([(0.0, False), (2.0, False), (1.0, True), (1.5, False)]):
        stopping.update(criterion, epoch, [], is_clear=is_clear)
    assert (stopping.best_epoch, stopping.best) == (2, 1.0)


def test_a_clear_gain_is_beyond_its_standard_error():
    gain = torch.randn(500, generator=torch.Generator().manual_seed(0)).double()
    gain -= gain.mean()
    error = float(gain.std(correction=0)) / math.sqrt(len(gain))
    ones = torch.ones(500)
    assert is_clear_gain(gain + 1.01 * CLEAR * error, ones)
    assert not is_clear_gain(gain + 0.99 * CLEAR * error, ones)
    assert not is_clear_gain(torch.zeros(5), torch.ones(5))
    assert is_clear_gain(torch.full((5,), math.inf), torch.ones(5))  # from a start of probability zero


def test_rows_of_weight_zero_have_no_say_in_a_gain():
    gain, weights = torch.tensor([1.0, 1.1, -50.0]), torch.tensor([1.0, 1.0, 0.0])
    assert is_clear_gain(gain, weights)
    assert not is_clear_gain(gain, torch.ones(3))


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
