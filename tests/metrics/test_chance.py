import numpy as np
import pandas as pd
import pytest

from skvae.metrics import column_shapes, pair_trends
from skvae.metrics.chance import SPARSE, Chance, _splits, without, without_pairs


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    place = [f"place {i}" for i in rng.integers(200, size=n_rows)]
    return pd.DataFrame({"x": rng.normal(size=n_rows), "word": rng.choice(["a", "b"], n_rows), "place": place})


TRAIN, TEST, ROWS = draw(400, 0), draw(300, 1), draw(500, 2)


def test_chance_is_the_largest_of_some_splits():
    chance = Chance.of(TRAIN, TEST, ROWS, 0)
    rows, rng = pd.concat([TRAIN, TEST], ignore_index=True), np.random.RandomState(0)
    splits = [rng.permutation(700) for _ in range(3)]
    shapes = [column_shapes(rows.iloc[order[:400]], rows.iloc[order[400:]]) for order in splits]
    trends = [pair_trends(rows.iloc[order[:400]], rows.iloc[order[400:]]) for order in splits]
    mixed, rng = pd.concat([TRAIN, ROWS], ignore_index=True), np.random.RandomState(0)
    more = [np.split(rng.permutation(900), [400]) for _ in range(3)]
    all_shapes = shapes + [column_shapes(mixed.iloc[one], mixed.iloc[other]) for one, other in more]
    all_trends = trends + [pair_trends(mixed.iloc[one], mixed.iloc[other]) for one, other in more]
    assert chance.shapes["x"] == max(found["x"] for found in all_shapes)
    assert chance.trends.loc["x", "word"] == max(found.loc["x", "word"] for found in all_trends)
    assert chance.shape_error == np.mean([found[["x", "word"]].mean() for found in shapes])
    assert chance.trend_error == np.mean([found.loc["x", "word"] for found in trends])


def test_without_other_rows_halves_are_compared_whatever_their_order():
    ordered = TRAIN.sort_values("x")
    chance, halves = Chance.of(ordered, None, ROWS, 0), column_shapes(ordered[:200], ordered[200:])
    assert chance.shapes["x"] < 0.2 < halves["x"] == 1
    pd.testing.assert_series_equal(chance.shapes, Chance.of(ordered, None, ROWS, 0).shapes)


@pytest.mark.parametrize("n_train", [3, 40_000])
def test_few_and_many_rows_are_split(n_train):
    rows = pd.DataFrame({"x": np.arange(float(n_train))})
    sizes = {(len(one), len(other)) for one, other in _splits(rows, n_train // 4, 0)}
    assert sizes == {(1, 2) if n_train == 3 else (5000, 15_000)}
    assert Chance.of(rows, None, rows, 0).sparse == ()


def test_categories_of_many_values_are_left_out_of_means():
    chance = Chance.of(TRAIN, TEST, ROWS, 0)
    assert chance.sparse == ("place",)
    assert list(without(chance.sparse, chance.shapes).index) == ["x", "word"]
    assert without_pairs(chance.sparse, chance.trends).shape == (2, 2)


def test_a_table_of_nothing_else_keeps_them():
    chance = Chance.of(*(table[["place"]] for table in (TRAIN, TEST, ROWS)), 0)
    assert chance.sparse == ("place",)
    assert len(without(chance.sparse, chance.shapes)) == len(without_pairs(chance.sparse, chance.trends)) == 1


def test_a_row_far_out_is_chance_for_the_pairs_that_it_decides():
    rows = TRAIN[["x"]].assign(y=np.random.default_rng(5).normal(size=400))
    far = rows.copy()
    far.loc[0, ["x", "y"]] = 100.0
    error = pair_trends(rows, far).loc["x", "y"]
    assert error > 0.4
    assert Chance.of(rows, None, rows, 0).trends.loc["x", "y"] < 0.2
    assert Chance.of(rows, None, far, 0).trends.loc["x", "y"] == SPARSE  # and no more: real rows have no such row
    assert Chance.of(far, None, rows, 0).trends.loc["x", "y"] > 0.4


def test_columns_of_another_kind_are_not_mixed():
    gone = ROWS.assign(x=None)
    chance = Chance.of(TRAIN, TEST, gone, 0)
    assert chance.shapes["x"] < 0.2 and chance.trends.notna().to_numpy().sum() == 6
