import math

import numpy as np
import pandas as pd
import pytest

from skvae.metrics import column_shapes, distance_to_closest_record, downstream_score, exact_copies, pair_trends
from skvae.metrics.figures import FIGURES, against_test, against_train, of_real_rows, tabulate


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    return pd.DataFrame({"x": x, "y": x + rng.normal(size=n_rows), "word": np.where(x > 0, "a", "b")})


TRAIN, TEST, SYNTHETIC = draw(120, 0), draw(80, 1), draw(90, 2)


def test_a_table_of_copies_against_train():
    shapes, trends = column_shapes(TRAIN, TRAIN), pair_trends(TRAIN, TRAIN)
    figures = against_train(TRAIN, TRAIN, shapes, trends, random_state=0)
    assert set(figures) == {name for name in FIGURES if "train" in name and "Closer" not in name} | {
        "Shape error",
        "Trend error",
        "Exact copies",
    }
    assert (figures["Shape error"], figures["Trend error"], figures["Exact copies"]) == (0, 0, 1)
    assert figures["Two-sample score, train"] == 1  # no difference is found


def test_against_test_rows():
    figures = against_test(TRAIN, TEST, SYNTHETIC, None, random_state=0)
    assert set(figures) == {"Two-sample score, test", "Two-sample AUC, test", "Closer to train"}
    assert figures["Closer to train"] == distance_to_closest_record(TRAIN, TEST, SYNTHETIC, random_state=0)
    assert against_test(TRAIN, TEST, TRAIN, None, random_state=0)["Closer to train"] > 0.8  # its own copies


@pytest.mark.parametrize(("target", "name"), [("word", "Downstream ROC AUC"), ("y", "Downstream RMSE")])
def test_a_target_adds_a_figure_of_its_kind(target, name):
    figures = against_test(TRAIN, TEST, SYNTHETIC, target, random_state=0)
    assert figures[name] == downstream_score(SYNTHETIC, TEST, target, random_state=0)
    assert of_real_rows(TRAIN, TEST, target, random_state=0)[name] == downstream_score(
        TRAIN, TEST, target, random_state=0
    )


def test_what_real_rows_reach():
    figures = of_real_rows(TRAIN, TEST, None, random_state=0)
    assert figures["Two-sample AUC, test"] == figures["Two-sample AUC, train"]
    assert figures["Shape error"] == column_shapes(TRAIN, TEST).mean()
    assert figures["Exact copies"] == exact_copies(TRAIN, TEST) == 0


def test_the_table_has_a_fixed_order_and_a_meaning_for_each_figure():
    table = tabulate({"Exact copies": 0.25, "Shape error": 0.5}, {"Exact copies": 0.125})
    assert list(table.index) == ["Shape error", "Exact copies"] and table.index.name == "figure"
    assert list(table.columns) == ["value", "ideal", "real", "meaning"]
    assert list(table.loc["Exact copies"]) == [0.25, 0.0, 0.125, FIGURES["Exact copies"][1]]
    assert math.isnan(table.loc["Shape error", "real"])
