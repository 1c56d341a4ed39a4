import numpy as np
import pandas as pd
import pytest

from skvae.metrics import column_shapes, pair_trends
from skvae.metrics.chance import Chance, _splits, without, without_pairs


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    place = [f"place {i}" for i in rng.integers(200, size=n_rows)]
    return pd.DataFrame({"x": rng.normal(size=n_rows), "word": rng.choice(["a", "b"], n_rows), "place": place})


TRAIN, TEST = draw(400, 0), draw(300, 1)


def test_chance_is_the_largest_of_some_splits():
    chance = Chance.of(TRAIN, TEST, 0)
    rows, rng = pd.concat([TRAIN, TEST], ignore_index=True), np.random.RandomState(0)
    splits = [rng.permutation(700) for _ in range(3)]
    shapes = [column_shapes(rows.iloc[order[:400]], rows.iloc[order[400:]]) for order in splits]
    trends = [pair_trends(rows.iloc[order[:400]], rows.iloc[order[400:]]) for order in splits]
    assert chance.shapes["x"] == max(found["x"] for found in shapes)
    assert chance.trends.loc["x", "word"] == max(found.loc["x", "word"] for found in trends)
    assert chance.shape_error == np.mean([found[["x", "word"]].mean() for found in shapes])
    assert chance.trend_error == np.mean([found.loc["x", "word"] for found in trends])


def test_without_other_rows_halves_are_compared_whatever_their_order():
    ordered = TRAIN.sort_values("x")
    chance, halves = Chance.of(ordered, None, 0), column_shapes(ordered[:200], ordered[200:])
    assert chance.shapes["x"] < 0.2 < halves["x"] == 1
    pd.testing.assert_series_equal(chance.shapes, Chance.of(ordered, None, 0).shapes)


@pytest.mark.parametrize("n_train", [3, 40_000])
def test_few_and_many_rows_are_split(n_train):
    rows = pd.DataFrame({"x": np.arange(float(n_train))})
    sizes = {(len(one), len(other)) for one, other in _splits(rows, n_train // 4, 0)}
    assert sizes == {(1, 2) if n_train == 3 else (5000, 15_000)}
    assert Chance.of(rows, None, 0).sparse == ()


def test_categories_of_many_values_are_left_out_of_means():
    chance = Chance.of(TRAIN, TEST, 0)
    assert chance.sparse == ("place",)
    assert list(without(chance.sparse, chance.shapes).index) == ["x", "word"]
    assert without_pairs(chance.sparse, chance.trends).shape == (2, 2)


def test_a_table_of_nothing_else_keeps_them():
    chance = Chance.of(TRAIN[["place"]], TEST[["place"]], 0)
    assert chance.sparse == ("place",)
    assert len(without(chance.sparse, chance.shapes)) == len(without_pairs(chance.sparse, chance.trends)) == 1
