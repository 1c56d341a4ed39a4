"""Generators of benchmarks/rivals.py that need nothing but scikit-learn."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from benchmarks.rivals import MODELS, NEEDS, SLOW, cart, load

N_ROWS = 600
SEQUENTIAL = pytest.mark.parametrize("model", ["cart", "boosting"])


@pytest.fixture(scope="module")
def table():
    """Numbers and categories that hang together, some of them missing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=N_ROWS)
    frame = pd.DataFrame({"x": x, "kind": np.where(x > 0.5, "high", np.where(x < -0.5, "low", "mid"))})
    frame["y"] = 2 * x + 0.1 * rng.normal(size=N_ROWS)
    frame["count"] = rng.poisson(np.exp(x / 2))
    frame["constant"] = "one"
    return frame.mask(pd.DataFrame(rng.random(frame.shape) < 0.05).set_axis(frame.columns, axis=1))


@SEQUENTIAL
def test_columns_go_together_as_in_the_table(table, model):
    rows = load(model)(table, ["kind", "constant"], 0)(N_ROWS)
    assert list(rows) == list(table)
    assert (rows.dtypes == table.dtypes).all()
    assert rows["x"].corr(rows["y"]) > 0.95
    assert (rows.groupby("kind")["y"].mean().sort_values().index == ["low", "mid", "high"]).all()
    assert ((rows.isna().mean() - table.isna().mean()).abs() < 0.03).all()


@SEQUENTIAL
def test_cells_are_those_of_training_rows_and_seeds_repeat(table, model):
    first, second = (load(model)(table, ["kind", "constant"], 1)(50) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    for name in table:
        assert first[name].dropna().isin(table[name]).all()


def test_leaves_hold_so_many_rows(table):
    # leaves of all rows draw every column on its own
    rows = cart(table, ["kind", "constant"], 0, leaf=N_ROWS)(N_ROWS)
    assert abs(rows["x"].corr(rows["y"])) < 0.15


def test_slow_rivals_are_run_only_where_they_are_asked_for():
    assert not set(SLOW) & set(MODELS)
    for model in SLOW:
        if all(find_spec(module) for module in NEEDS[model]):
            assert load(model) is SLOW[model]
