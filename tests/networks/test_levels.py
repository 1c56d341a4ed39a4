import copy
import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skvae.likelihoods import Bernoulli, Categorical, Gaussian, Histogram, Ordinal
from skvae.networks import restack
from skvae.networks.levels import (
    LENGTH_SCALE,
    OWN_SHARE,
    SMOOTH_FROM,
    SMOOTH_UP_TO,
    Levels,
    Smoothing,
    embedding_std,
    look_up,
    look_up_sum,
)

PARTS = [
    (Categorical(), [4, 1], [3, 2]),
    (Gaussian(), [0, 6], [0, 0]),
    (Histogram(), [3], [6]),
    (Bernoulli(), [5], [0]),
    (Ordinal(), [2], [4]),
]
D, T, WIDTH = 7, 15, 5
N_LEVELS = {4: 3, 1: 2, 3: 6, 2: 4}  # of the coded columns, in the order of their blocks
FIRST = {4: 0, 1: 3, 3: 5, 2: 11}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# -- smoothing -----------------------------------------------------------------------------------------------


def matrix(n_levels, is_ordered):
    """The linear map that smoothing is. Shape: (T, T)."""
    return Smoothing(n_levels, is_ordered)(torch.eye(sum(n_levels))[None])[0].double().numpy()


def covariance(n):
    rank = (np.arange(n) + 0.5) / n
    kernel = np.exp(-np.abs(rank[:, None] - rank) / LENGTH_SCALE)
    return (1 - OWN_SHARE) * kernel + OWN_SHARE * np.eye(n)


@pytest.mark.parametrize("n", [4, 5, 20, 100])
def test_smoothed_levels_have_the_covariance_of_the_equation(n):
    S = matrix([n], [True])
    assert_allclose(S @ S.T, covariance(n), atol=1e-5)


@pytest.mark.parametrize(
    ("n_levels", "is_ordered"),
    [([7, 3, 12, 5], [True, False, True, True]), ([5, 9, 2, 6], [False, True, True, False]), ([4, 1, 4], [True] * 3)],
)
def test_columns_do_not_meet_and_nominal_ones_are_left_alone(n_levels, is_ordered):
    S = matrix(n_levels, is_ordered)
    expected, first = np.zeros_like(S), 0
    for n, ordered in zip(n_levels, is_ordered, strict=True):
        expected[first : first + n, first : first + n] = covariance(n) if ordered and n >= SMOOTH_FROM else np.eye(n)
        first += n
    assert_allclose(S @ S.T, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("n_levels", "is_ordered"),
    [([3, 9], [True, False]), ([2, 3], [True, True]), ([6], [False]), ([], []), ([SMOOTH_UP_TO + 1, 3], [True, True])],
)
def test_without_an_ordered_column_of_some_levels_nothing_is_smoothed(n_levels, is_ordered):
    weights = torch.randn(2, sum(n_levels), 3, generator=generator())
    assert torch.equal(Smoothing(n_levels, is_ordered)(weights), weights)


def test_smoothing_is_linear_and_the_same_for_every_model_and_direction():
    smoothing, S = Smoothing([6, 2, 9], [True, True, True]), matrix([6, 2, 9], [True] * 3)
    weights = torch.randn(3, 17, 4, generator=generator())
    assert_allclose(smoothing(weights).numpy(), S @ weights.double().numpy(), atol=1e-5)


def test_what_is_learned_of_one_level_moves_its_neighbours():
    smoothing, weights = Smoothing([8], [True]), torch.zeros(1, 8, 1, requires_grad=True)
    smoothing(weights)[0, 3, 0].backward()
    moved = smoothing(weights.grad)[0, :, 0]  # a step of gradient descent on level 3
    assert_allclose(moved.detach().numpy(), covariance(8)[3], atol=1e-5)
    assert moved.argmax() == 3
    assert (moved[:3].diff() > 0).all()
    assert (moved[3:].diff() < 0).all()


# -- vectors -------------------------------------------------------------------------------------------------


@pytest.fixture
def levels(joint_of):
    levels = Levels.of(joint_of(PARTS), WIDTH, 0.7, generator()).double()
    levels.gap_vectors.data.normal_(generator=generator(1))
    return levels


def rows(n_models=1, n_rows=20):
    x = torch.randn(n_models, n_rows, D, generator=generator(2), dtype=torch.float64)
    for column, n in N_LEVELS.items():
        x[..., column] = n * torch.rand((n_models, n_rows), generator=generator(column), dtype=torch.float64)
    x[torch.rand(x.shape, generator=generator(9)) < 0.2] = torch.nan
    return x


def test_codes_are_rows_of_the_table(levels):
    x = rows()
    codes, table = levels.codes(x), levels.table()
    assert levels.index == list(N_LEVELS)
    assert table.shape == (1, T + 4, WIDTH)
    for c, column in enumerate(N_LEVELS):
        for cell, code in zip(x[0, :, column].tolist(), codes[0, :, c].tolist(), strict=True):
            assert code == (T + c if math.isnan(cell) else FIRST[column] + int(cell))


@pytest.mark.parametrize("column", N_LEVELS)
def test_codes_of_one_column_are_its_part_of_all(column, levels):
    c = list(N_LEVELS).index(column)
    assert torch.equal(levels.codes(rows(), column), levels.codes(rows())[..., c : c + 1])


def test_the_table_is_the_smoothed_vectors_and_then_those_of_gaps(levels):
    S = matrix(list(N_LEVELS.values()), [False, False, True, True])
    table = levels.table()[0].detach().numpy()
    assert_allclose(table[:T], S @ levels.vectors[0].detach().numpy(), atol=1e-5)
    assert_allclose(table[T:], levels.gap_vectors[0].detach().numpy())
    assert_allclose(table[:5], levels.vectors[0, :5].detach().numpy())  # of the categories


def test_a_gap_says_nothing_before_training(joint_of):
    fresh = Levels.of(joint_of(PARTS), WIDTH, 0.7, generator())
    assert (fresh.table()[:, T:] == 0).all()
    nothing = torch.full((1, 3, D), torch.nan)
    assert (look_up_sum(fresh.table(), fresh.codes(nothing)) == 0).all()
    assert (look_up(fresh.table(), fresh.codes(nothing)) == 0).all()


def test_the_position_in_a_level_is_not_seen(levels):
    x = rows()
    assert torch.equal(levels.codes(x), levels.codes(x.floor()))


@pytest.mark.parametrize("n_models", [1, 3])
def test_looking_up_is_indexing(n_models):
    table = torch.randn(n_models, 11, 4, generator=generator())
    codes = torch.randint(0, 11, (n_models, 6, 3), generator=generator(1))
    expected = torch.stack([table[s][codes[s]] for s in range(n_models)])
    assert torch.equal(look_up(table, codes), expected)
    torch.testing.assert_close(look_up_sum(table, codes), expected.sum(dim=2))


def test_gradients_reach_the_vectors_that_were_looked_up():
    tables = [torch.randn(2, 7, 3, generator=generator()).requires_grad_() for _ in range(3)]
    codes = torch.randint(0, 5, (2, 6, 4), generator=generator(1))
    weights = torch.randn(2, 6, 4, 3, generator=generator(2))
    (look_up(tables[0], codes) * weights).sum().backward()
    (tables[1][torch.arange(2)[:, None, None], codes] * weights).sum().backward()
    torch.testing.assert_close(tables[0].grad, tables[1].grad)
    assert (tables[0].grad[:, 5:] == 0).all()
    look_up_sum(tables[2], codes).sum().backward()
    counts = torch.stack([torch.bincount(part.flatten(), minlength=7) for part in codes])
    torch.testing.assert_close(tables[2].grad, counts[..., None].expand(2, 7, 3).float())


def test_models_of_a_stack_look_up_their_own(levels):
    restack(levels, [0, 0, 0])
    levels.vectors.data.normal_(generator=generator(3))
    levels.gap_vectors.data.normal_(generator=generator(4))
    x = rows(3)
    vectors = look_up(levels.table(), levels.codes(x))
    for s in range(3):
        alone = copy.deepcopy(levels)
        restack(alone, [s])
        torch.testing.assert_close(look_up(alone.table(), alone.codes(x[[s]])), vectors[[s]])


def test_initial_vectors_of_a_row_sum_to_unit_variance(joint_of):
    joint = joint_of([(Categorical(), list(range(25)), [40] * 25), (Gaussian(), [25], [0])])
    assert embedding_std(joint) == pytest.approx(0.2)
    assert embedding_std(joint_of([(Gaussian(), [0], [0])])) == 1.0
    levels = Levels.of(joint, 64, embedding_std(joint), generator())
    codes = torch.randint(0, 40, (1, 500, 26), generator=generator(1)).float()
    assert look_up_sum(levels.table(), levels.codes(codes)).std().item() == pytest.approx(1.0, abs=0.05)


def test_smoothing_can_be_undone():
    smoothing = Smoothing([5, 3, 30], [True, True, True])
    weights = torch.randn(2, 38, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(smoothing.undone(smoothing(weights)), weights, atol=1e-4, rtol=1e-4)
