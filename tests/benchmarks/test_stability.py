"""The figures of benchmarks/stability.py."""

import importlib
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def script(monkeypatch):
    """The script, which finds its neighbours as it does when it is run."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("stability")


def test_agreement_knows_neither_sign_nor_scale_but_the_index(script):
    a = np.linalg.qr(np.random.default_rng(0).normal(size=(50, 4)))[0]
    a = np.linalg.qr(a - a.mean(axis=0))[0][:, :3]  # uncorrelated columns
    swapped = np.column_stack([-2 * a[:, 0], a[:, 2], np.ones(50)])
    matrix = script.agreement(a, swapped)
    assert matrix == pytest.approx(np.array([[1.0, 0, 0], [0, 0, 0], [0, 1, 0]]), abs=1e-12)


def test_columns_of_three_variances_are_found_again_and_equal_ones_are_not(script):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(900, 3))
    # six columns of the first factor, three of the second, one of the third: components of variance 6, 3 and 1
    strong = np.repeat(factors, [6, 3, 1], axis=1) + 0.05 * rng.normal(size=(900, 10))
    assert script.compare(strong, "PCA", 3, 0)["by index"] > 0.95
    noise = rng.normal(size=(900, 10))
    found = script.compare(noise, "PCA", 3, 0)
    assert found["by index"] < found["matched"] < 0.9
