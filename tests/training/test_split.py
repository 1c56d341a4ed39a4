import pytest
import torch

from skvae.training import split_rows
from skvae.training.split import FOLDS_BELOW, MAX_HELD_OUT


def split(n_rows, early_stopping="auto", fraction=0.1, seed=0):
    return split_rows(n_rows, early_stopping, fraction, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n_rows", [10, 11, 103, FOLDS_BELOW - 1])
def test_few_rows_make_five_folds_and_the_model_of_all_rows(n_rows):
    train, held_out = split(n_rows)
    everything = set(range(n_rows))
    assert len(train) == 6
    assert len(held_out) == 5
    assert sorted(torch.cat(held_out).tolist()) == list(range(n_rows))
    for rows, fold in zip(train[:5], held_out, strict=True):
        assert set(rows.tolist()) == everything - set(fold.tolist())
        assert len(rows) + len(fold) == n_rows
        assert abs(len(fold) - n_rows / 5) < 1
    assert train[-1].tolist() == list(range(n_rows))


@pytest.mark.parametrize(("n_rows", "n_folds"), [(3, 3), (4, 4), (5, 5), (9, 5)])
def test_very_few_rows_make_fewer_folds(n_rows, n_folds):
    train, held_out = split(n_rows)
    assert len(held_out) == n_folds == len(train) - 1
    assert all(len(rows) >= 2 for rows in train)


@pytest.mark.parametrize("early_stopping", ["auto", True])
def test_two_rows_both_train(early_stopping):
    train, held_out = split(2, early_stopping)
    assert [rows.tolist() for rows in train] == [[0, 1]]
    assert held_out == []


@pytest.mark.parametrize("n_rows", [4, 500, 100_000])
def test_without_early_stopping_all_rows_train(n_rows):
    train, held_out = split(n_rows, False)
    assert len(train) == 1
    assert train[0].tolist() == list(range(n_rows))
    assert held_out == []


@pytest.mark.parametrize(
    ("n_rows", "early_stopping", "fraction", "n_held_out"),
    [
        (FOLDS_BELOW, "auto", 0.1, FOLDS_BELOW // 10),
        (20_000, "auto", 0.2, 4000),
        (500, True, 0.1, 50),
        (8, True, 0.01, 1),
        (200_000, "auto", 0.1, MAX_HELD_OUT),
    ],
)
def test_many_rows_hold_a_part_out(n_rows, early_stopping, fraction, n_held_out):
    train, held_out = split(n_rows, early_stopping, fraction)
    assert len(train) == len(held_out) == 1
    assert len(held_out[0]) == n_held_out
    assert sorted(torch.cat([train[0], held_out[0]]).tolist()) == list(range(n_rows))


@pytest.mark.parametrize("n_rows", [50, FOLDS_BELOW])
def test_the_generator_decides(n_rows):
    one, same, other = split(n_rows), split(n_rows), split(n_rows, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(one.held_out, same.held_out, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.held_out, other.held_out, strict=True))
    assert not torch.equal(one.held_out[0], torch.arange(len(one.held_out[0])))  # sorted rows are mixed


def test_some_of_the_folds_leave_the_model_of_all_rows():
    whole = split(100)
    some = whole.with_folds(2)
    assert len(some.train) == 3
    assert [rows.tolist() for rows in some.held_out] == [rows.tolist() for rows in whole.held_out[:2]]
    assert some.train[-1].tolist() == list(range(100))
    for rows, fold in zip(some.train, some.held_out, strict=False):
        assert not set(rows.tolist()) & set(fold.tolist())
    assert whole.with_folds(5) == whole == whole.with_folds(1000)
    alone = split(100, False)
    assert alone.with_folds(1) == alone
