import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skvae.tables.rules.search.search import find_rules
from tests.tables.rules.ruled import FOUND, TABLES
from tests.tables.rules.unruled import unruled


def found(X):
    return list(map(str, find_rules(X)))


@pytest.mark.parametrize("name", TABLES)
def test_rules_of_a_table_are_found(name):
    assert set(FOUND[name]) <= set(found(TABLES[name](2000)))


def kinds(rng, n):
    """Columns of any kind, none of which says anything of another."""
    return [
        lambda: rng.normal(size=n),
        lambda: rng.integers(0, 50, n),
        lambda: rng.integers(0, 5, n),
        lambda: np.where(rng.random(n) < 0.9, 0, rng.integers(1, 9, n)),
        lambda: rng.lognormal(size=n).round(1),
        lambda: rng.choice(list("abc"), n),
        lambda: rng.choice(list("abcdefghij"), n, p=[0.91] + 9 * [0.01]),
        lambda: rng.random(n) < 0.3,
        lambda: pd.Timestamp("2020") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
    ]


def independent(seed, n_columns=12):
    rng = np.random.default_rng(seed)
    make = kinds(rng, int(rng.choice([30, 50, 100, 300, 1000])))
    columns = {f"c{j}": pd.Series(make[rng.integers(len(make))]()) for j in range(n_columns)}
    return pd.DataFrame({name: x.mask(rng.random(len(x)) < 0.1) if name < "c3" else x for name, x in columns.items()})


def test_independent_columns_have_no_rules():
    rules = {seed: found(independent(seed)) for seed in range(150)}
    assert not {seed: texts for seed, texts in rules.items() if texts}


@given(st.integers(1000, 2**32 - 1))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_no_seed_makes_rules_of_independent_columns(seed):
    assert not found(independent(seed))


def test_dependent_columns_without_a_rule_have_none():
    rules = {seed: found(unruled(seed)) for seed in range(60)}
    assert not {seed: texts for seed, texts in rules.items() if texts}


def test_a_part_of_a_whole_is_no_bound_beside_it():
    parts = np.random.default_rng(0).integers(0, 50, (2000, 2))
    X = pd.DataFrame({"a": parts[:, 0], "b": parts[:, 1], "whole": parts.sum(axis=1)})
    assert found(X) == ["whole = a + b"]


def test_functions_of_one_column_are_no_bound_beside_it():
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(3000) % 700, "D")
    X = pd.DataFrame({"day": day, "month": day.month, "quarter": day.quarter})
    assert found(X) == ["month = month(day)", "quarter = quarter(day)"]


def test_few_rows_say_nothing():
    assert not found(TABLES["budgets"](29))


def test_wide_tables_have_equations_only():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(600, 120)), columns=[f"x{j}" for j in range(120)])
    X["x119"] = X["x3"] - X["x80"]
    X["x118"] = X["x0"] + 1
    assert set(found(X)) == {"x3 = x80 + x119", "x118 = x0 + 1"}


def test_a_total_may_have_more_parts_than_brackets_can_nest():
    names = [f"part number {j} of the whole" for j in range(700)]
    X = pd.DataFrame(np.random.default_rng(0).integers(0, 90, (1500, 700)), columns=names)
    X["total"] = X.sum(axis=1)
    assert found(X) == ["total = " + " + ".join(f"`{name}`" for name in names)]
