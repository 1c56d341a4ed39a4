"""The rival of benchmarks/binary_boards.py."""

import importlib
import itertools
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def script(monkeypatch):
    """The script, which finds its neighbours as it does when it is run."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("binary_boards")


def test_the_tree_is_a_distribution_that_finds_a_chain(script):
    rng = np.random.default_rng(0)
    flips = rng.random((20_000, 4)) < [0.5, 0.1, 0.1, 0.1]
    train = np.logical_xor.accumulate(flips, axis=1)  # each column is the one before, but for one row in ten
    rows = np.array(list(itertools.product([False, True], repeat=4)))
    log_prob = script.chow_liu(train, rows)
    assert np.exp(log_prob).sum() == pytest.approx(1.0, rel=1e-3)  # but for the row of pseudo-counts
    n_flips = np.logical_xor(rows[:, 1:], rows[:, :-1]).sum(axis=1)
    truth = np.log(0.5) + n_flips * np.log(0.1) + (3 - n_flips) * np.log(0.9)
    assert log_prob == pytest.approx(truth, abs=0.15)
