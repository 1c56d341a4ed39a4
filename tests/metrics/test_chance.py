import numpy as np
import pandas as pd

from skvae.metrics import column_shapes, pair_trends
from skvae.metrics.chance import Chance


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    place = [f"place {i}" for i in rng.integers(200, size=n_rows)]
    return pd.DataFrame({"x": rng.normal(size=n_rows), "word": rng.choice(["a", "b"], n_rows), "place": place})


TRAIN, TEST = draw(400, 0), draw(300, 1)


def test_chance_is_what_real_rows_reach():
    chance = Chance.of(TRAIN, TEST, 0)
    pd.testing.assert_series_equal(chance.shapes, column_shapes(TRAIN, TEST))
    pd.testing.assert_frame_equal(chance.trends, pair_trends(TRAIN, TEST))


def test_without_other_rows_halves_are_compared_whatever_their_order():
    ordered = TRAIN.sort_values("x")
    chance, halves = Chance.of(ordered, None, 0), column_shapes(ordered[:200], ordered[200:])
    assert chance.shapes["x"] < 0.2 < halves["x"] == 1
    pd.testing.assert_series_equal(chance.shapes, Chance.of(ordered, None, 0).shapes)


def test_categories_of_many_values_are_left_out_of_means():
    chance = Chance.of(TRAIN, TEST, 0)
    assert chance.sparse == ["place"]
    assert list(chance.dense_shapes(chance.shapes).index) == ["x", "word"]
    assert chance.dense_trends(chance.trends).shape == (2, 2)


def test_a_table_of_nothing_else_keeps_them():
    chance = Chance.of(TRAIN[["place"]], TEST[["place"]], 0)
    assert chance.sparse == ["place"]
    assert len(chance.dense_shapes(chance.shapes)) == len(chance.dense_trends(chance.trends)) == 1
