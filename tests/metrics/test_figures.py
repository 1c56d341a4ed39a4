import math

import numpy as np
import pandas as pd
import pytest

from skvae.metrics import column_shapes, distance_to_closest_record, downstream_score, exact_copies, pair_trends
from skvae.metrics.chance import Chance
from skvae.metrics.figures import (
    FIGURES,
    Real,
    against_test,
    against_train,
    of_real_rows,
    standard_errors,
    tabulate,
)
from skvae.metrics.leaks import CLOSEST, Attack, attacks_on_membership, error_of_difference


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    return pd.DataFrame({"x": x, "y": x + rng.normal(size=n_rows), "word": np.where(x > 0, "a", "b")})


TRAIN, TEST, SYNTHETIC = draw(120, 0), draw(80, 1), draw(90, 2)
REAL = Real(TRAIN, Chance.of(TRAIN, TEST, SYNTHETIC, 0), random_state=0)


def attacks_of(rows):
    return attacks_on_membership(TRAIN, TEST, rows, 0)


def judge(real, rows):
    """Figures against train, with errors of the columns that are no identifiers."""
    tables = real.judged(real.train), real.judged(rows)
    return against_train(real, rows, column_shapes(*tables), pair_trends(*tables))


def test_a_table_of_copies_against_train():
    figures = judge(REAL, TRAIN)
    expected = {name for name in FIGURES if "AUC, train" in name or "score, train" in name}
    assert set(figures) == expected | {"Shape error", "Trend error", "Invalid rows", "Exact copies"}
    assert (figures["Shape error"], figures["Trend error"], figures["Exact copies"]) == (0, 0, 1)
    assert figures["Invalid rows"] == 0
    assert figures["Two-sample score, train"] == 1  # no difference is found


def test_identifiers_are_left_out_and_their_copies_counted():
    named = [
        table.assign(name=[f"{seed} {i}" for i in range(len(table))]) for seed, table in enumerate((TRAIN, SYNTHETIC))
    ]
    real = Real(named[0], REAL.chance, ["name"], random_state=0)
    assert judge(real, named[1]) == judge(REAL, SYNTHETIC)
    copied = named[1].assign(name=["0 7"] * 30 + [f"new {i}" for i in range(60)])
    figures = judge(real, copied)
    assert figures["Exact copies"] == pytest.approx(30 / 90)
    assert figures["Invalid rows"] == pytest.approx(29 / 90)  # a key that occurs twice


def test_sparse_columns_are_left_out_of_means():
    tables = [table.assign(place=[f"{i}" for i in np.arange(len(table)) % 60]) for table in (TRAIN, SYNTHETIC)]
    chance = Chance(column_shapes(*tables), pair_trends(*tables), sparse=("place",))
    figures = judge(Real(tables[0], chance), tables[1])
    assert figures["Shape error"] == pytest.approx(column_shapes(TRAIN, SYNTHETIC).mean())


def test_against_test_rows():
    figures = against_test(REAL, TEST, SYNTHETIC, None, attacks_of(SYNTHETIC))
    assert set(figures) == {"Two-sample score, test", "Two-sample AUC, test", "Closer to train", "Worst attack"}
    assert figures["Closer to train"] == distance_to_closest_record(TRAIN, TEST, SYNTHETIC, random_state=0)
    assert against_test(REAL, TEST, TRAIN, None, attacks_of(TRAIN))["Closer to train"] > 0.8  # its own copies
    other = Attack("Another", 0.9, 0.01)
    assert against_test(REAL, TEST, TRAIN, None, [other, *attacks_of(TRAIN)])["Worst attack"] == 0.9


@pytest.mark.parametrize(("target", "name"), [("word", "Downstream ROC AUC"), ("y", "Downstream RMSE")])
def test_a_target_adds_a_figure_of_its_kind(target, name):
    figures = against_test(REAL, TEST, SYNTHETIC, target, attacks_of(SYNTHETIC))
    assert figures[name] == downstream_score(SYNTHETIC, TEST, target, random_state=0)
    assert of_real_rows(REAL, TEST, target)[name] == downstream_score(TRAIN, TEST, target, random_state=0)


def test_what_real_rows_reach():
    figures = of_real_rows(REAL, TEST, None)
    assert figures["Two-sample AUC, test"] == figures["Two-sample AUC, train"]
    assert figures["Shape error"] == column_shapes(TRAIN, TEST).mean()
    assert figures["Exact copies"] == exact_copies(TRAIN, TEST) == 0


def test_standard_errors_of_what_may_be_a_leak():
    attacks = [Attack("Another", 0.9, 0.03), Attack(CLOSEST, 0.5, 0.04)]
    errors = standard_errors({"Exact copies": 0.2}, {"Exact copies": 0.1}, 90, 80, attacks)
    assert errors["Worst attack"] == 0.03 and errors["Closer to train"] == 0.04
    assert errors["Exact copies"] == error_of_difference(0.2, 0.1, 90, 80)
    assert standard_errors({"Exact copies": 0.2}, {}, 90, 0, []) == {}


def test_the_table_has_a_fixed_order_and_a_meaning_for_each_figure():
    table = tabulate({"Exact copies": 0.25, "Shape error": 0.5}, {"Exact copies": 0.125}, {"Exact copies": 0.5})
    assert list(table.index) == ["Shape error", "Exact copies"] and table.index.name == "figure"
    assert list(table.columns) == ["value", "ideal", "real", "standard_error", "meaning"]
    assert list(table.loc["Exact copies"]) == [0.25, 0.0, 0.125, 0.5, FIGURES["Exact copies"][1]]
    assert math.isnan(table.loc["Shape error", "real"])
