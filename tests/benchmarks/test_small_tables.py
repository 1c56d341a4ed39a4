"""The figures of benchmarks/small_tables.py."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def script(monkeypatch):
    """The script, which finds its neighbours as it does when it is run."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("small_tables")


def test_a_column_counts_up_to_one(script):
    train = pd.DataFrame({"x": [10.0, 30.0, None], "kind": ["a", "b", None]})
    rows = pd.DataFrame({"x": [10.0, 30.0, None], "kind": ["a", "b", None]})
    points = script.points(train, rows)
    assert points.tolist() == [[0.0, 0.5, 0.0], [1.0, 0.0, 0.5], [0.5, 0.0, 0.0]]
    assert np.abs(points[0] - points[1]).sum() == 2.0


def test_coverage_counts_rows_that_have_a_neighbour(script):
    test = np.arange(20.0)[:, None]  # the fifth neighbour of one at the end is 5 away, and 3 of one within
    assert script.coverage(test, test) == 1.0
    assert script.coverage(test, np.array([[-4.5]])) == pytest.approx(1 / 20)
    assert script.coverage(test, np.array([[10.0]])) == pytest.approx(7 / 20)


def test_the_distance_is_that_of_one_dimension_where_rows_are_sorted(script):
    rng = np.random.default_rng(0)
    test, rows = rng.normal(size=(2, 50, 1))
    assert script.wasserstein(test, rows) == pytest.approx(np.abs(np.sort(test, 0) - np.sort(rows, 0)).mean())


def test_the_best_has_the_first_rank(script):
    figures = {"coverage": [1.0, 0.5], "Wasserstein": [1.0, 2.0], "downstream": [0.9, 0.8], "2-sample": [0.9, 0.1]}
    results = pd.DataFrame(figures | {"worst attack": [0.5, 0.7], "table": "t", "seed": 0, "model": ["one", "other"]})
    assert script.ranks(results).to_dict() == {"one": 1.0, "other": 2.0}


def test_a_result_is_kept_and_not_run_again(script, tmp_path, monkeypatch):
    path = tmp_path / "cart-iris-0.json"
    found = {"table": "iris", "model": "cart", "seed": 0, "coverage": np.float64(0.5)}
    monkeypatch.setattr(script, "run", lambda *case: found)
    assert script.kept(path, "iris", "cart", 0) == found
    monkeypatch.setattr(script, "run", lambda *case: pytest.fail("was run again"))
    assert script.kept(path, "iris", "cart", 0) == found
