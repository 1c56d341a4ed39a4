"""The patterns that hide cells in benchmarks/imputation.py."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from benchmarks.missingness import PATTERNS, hidden_cells, spared

N_ROWS = 1_000


@pytest.fixture
def table():
    """Numbers, a heavy tail, zeros, a boolean, categories, a constant and gaps, none of which depends on another."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N_ROWS, 4)), columns=list("abcd"))
    frame["tail"] = rng.standard_cauchy(N_ROWS)
    frame["zeros"] = np.maximum(rng.normal(size=N_ROWS) - 1, 0)
    frame["yes"] = rng.random(N_ROWS) < 0.2
    frame["kind"] = rng.choice(["red", "green", "blue"], N_ROWS)
    frame["constant"] = 1
    return frame.mask(pd.DataFrame(rng.random(frame.shape) < 0.05).set_axis(frame.columns, axis=1))


@pytest.fixture
def numbers():
    return pd.DataFrame(np.random.default_rng(1).normal(size=(N_ROWS, 8)))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_fifth_of_the_observed_cells_but_no_whole_row_or_column(table, pattern, seed):
    hidden = hidden_cells(table, pattern, seed)
    observed = table.notna()
    assert not (hidden & ~observed).any(axis=None)
    assert 0.18 < hidden.sum().sum() / observed.sum().sum() < 0.21
    assert (observed & ~hidden).any(axis=1).all()
    assert (hidden.sum() <= 0.9 * observed.sum()).all()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_seed_decides(table, pattern):
    first = hidden_cells(table, pattern, 0)
    pd.testing.assert_frame_equal(first, hidden_cells(table, pattern, 0))
    assert (first != hidden_cells(table, pattern, 1)).any(axis=None)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("n_columns", [2, 3])
def test_narrow_tables(pattern, n_columns):
    narrow = pd.DataFrame(np.random.default_rng(0).normal(size=(50, n_columns)))
    assert 0.1 < hidden_cells(narrow, pattern, 0).to_numpy().mean() < 0.25


def test_columns_that_decide_are_always_seen(numbers):
    for pattern in ("mar", "two_phase"):
        hidden = hidden_cells(numbers, pattern, 0)
        seen = ~hidden.any()
        assert 0 < seen.sum() < numbers.shape[1]
        score = np.abs([spearmanr(numbers[name], hidden.sum(axis=1)).statistic for name in numbers])
        assert score[seen].max() > 0.2 > 0.1 > score[~seen].max(), pattern


def test_expensive_columns_are_hidden_together(numbers):
    hidden = hidden_cells(numbers, "two_phase", 0)
    assert set(hidden.sum(axis=1)) == {0, hidden.any().sum()}


@pytest.mark.parametrize("pattern", ["mcar", "panel", "latent_factor", "cluster"])
def test_patterns_that_do_not_look_at_the_values(numbers, pattern):
    pd.testing.assert_frame_equal(hidden_cells(numbers, pattern, 0), hidden_cells(numbers**3, pattern, 0))


@pytest.mark.parametrize("pattern", ["neural", "block_neural", "sequential", "soft_polarization"])
def test_patterns_that_look_at_the_values(numbers, pattern):
    assert (hidden_cells(numbers, pattern, 0) != hidden_cells(-np.exp(numbers), pattern, 0)).any(axis=None)


def test_large_or_small_values_hide_themselves(numbers):
    hidden = hidden_cells(numbers, "self_masking", 0)
    touched = hidden.columns[hidden.any()]
    assert len(touched) >= 4
    assert all(abs(spearmanr(numbers[name], hidden[name]).statistic) > 0.2 for name in touched)


def test_censoring_hides_one_end(numbers):
    hidden = hidden_cells(numbers, "censoring", 0)
    is_low = [numbers[name][hidden[name]].max() < numbers[name][~hidden[name]].min() for name in numbers]
    is_high = [numbers[name][hidden[name]].min() > numbers[name][~hidden[name]].max() for name in numbers]
    assert np.all(np.logical_xor(is_low, is_high))
    assert any(is_low) and any(is_high)


def test_polarization_hides_the_middle(numbers):
    hidden = hidden_cells(numbers, "polarization", 0)
    for name in numbers:
        bounds = numbers[name].quantile([0.4, 0.6]).to_numpy()
        np.testing.assert_allclose(numbers[name][hidden[name]].agg(["min", "max"]), bounds, atol=0.02)


def test_soft_polarization_hides_values_near_the_median_more_often(numbers):
    hidden = hidden_cells(numbers, "soft_polarization", 0)
    distance = (numbers - numbers.median()).abs()
    assert distance.where(hidden).mean().lt(distance.where(~hidden).mean()).all()


def test_rows_of_a_panel_do_not_come_back(numbers):
    hidden = hidden_cells(numbers, "panel", 0).to_numpy().astype(int)
    assert (np.diff(hidden, axis=1) >= 0).all()
    assert (hidden[:, 0] == 0).all()


def test_blocks_are_hidden_whole(numbers):
    hidden = hidden_cells(numbers, "block_neural", 0).to_numpy()
    agrees = (hidden[:, 1:] == hidden[:, :-1]).mean(axis=0)
    assert (agrees > 0.98).sum() == 6  # eight columns in two blocks have one border; spared cells are exceptions


@pytest.mark.parametrize("pattern", ["latent_factor", "cluster"])
def test_rows_and_columns_lose_unequal_shares(numbers, pattern):
    hidden, scattered = (hidden_cells(numbers, name, 0) for name in (pattern, "mcar"))
    assert hidden.mean().std() > 3 * scattered.mean().std()
    assert hidden.mean(axis=1).var() > 1.2 * scattered.mean(axis=1).var()


def test_a_cell_of_each_row_and_a_tenth_of_each_column_are_spared():
    observed = np.ones((100, 3), bool)
    observed[:5, 0] = False
    hidden = observed.copy()
    hidden[50:, 2] = False
    kept = spared(hidden, observed, np.random.default_rng(0))
    assert (observed & ~kept).any(axis=1).all()
    assert ((observed & ~kept).sum(axis=0) >= 0.1 * observed.sum(axis=0)).all()
    assert not (kept & ~hidden).any()
