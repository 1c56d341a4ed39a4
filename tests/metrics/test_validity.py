import numpy as np
import pandas as pd
import pytest

from skvae.metrics.validity import changed_types, checks_of, is_invalid, tabulate_checks

N = 60


@pytest.fixture
def real():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 60, N),
            "debt": -rng.exponential(size=N),
            "size": rng.normal(size=N),
            "when": pd.date_range("2024-01-01", periods=N),
            "word": rng.choice(["a", "b"], N),
            "name": [f"person {i}" for i in range(N)],
            "gone": np.where(rng.random(N) < 0.5, np.nan, 1.5),
        }
    )


def broken(real, rows, **kwargs):
    """Rules that are broken, and by which rows."""
    checks = checks_of(real, rows, **kwargs)
    return {(check.column, check.rule): np.flatnonzero(check.is_broken).tolist() for check in checks if any(check[2])}


def test_real_rows_break_nothing(real):
    assert broken(real, real, identifiers=["name"]) == {}


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("age", -1, "within the range"),
        ("age", 90, "within the range"),
        ("debt", 1e-9, "within the range"),  # the real ones have one sign
        ("size", 9.0, "within the range"),
        ("when", pd.Timestamp("1950-01-01"), "within the range"),
        ("age", 33.5, "whole numbers"),
        ("word", "c", "known values"),
        ("age", np.nan, "no gaps"),
        ("word", None, "no gaps"),
        ("name", "person 3", "no value twice"),
    ],
)
def test_each_rule_is_broken_by_one_cell(real, column, value, rule):
    rows = real.astype({column: object})
    rows.loc[7, column] = value
    rows = rows.astype({column: "float64" if column == "age" else real[column].dtype})
    assert broken(real, rows, identifiers=["name"]) == {(column, rule): [7]}


def test_the_range_of_long_numbers_is_theirs():
    real, rows = (pd.DataFrame({"code": 2**60 + np.array(steps)}) for steps in ([0, 50, 100], [-9, 109, 120]))
    assert broken(real, rows) == {("code", "within the range"): [2]}
    assert broken(real, real - 2**60) == {("code", "within the range"): [0, 1, 2]}


def test_a_little_beyond_the_range_is_no_mistake(real):
    width = real["size"].max() - real["size"].min()
    assert broken(real, real.assign(size=real["size"] + 0.09 * width), identifiers=["name"]) == {}


def test_what_real_rows_lack_is_no_rule(real):
    rules = {(check.column, check.rule) for check in checks_of(real, real, identifiers=["name"], sparse=["word"])}
    assert ("word", "known values") not in rules and ("gone", "no gaps") not in rules
    twice = real.assign(name=real["name"].replace("person 1", "person 2"))
    assert ("name", "no value twice") not in {check[:2] for check in checks_of(twice, real, identifiers=["name"])}
    empty = pd.DataFrame({"x": [np.nan, np.nan]})
    assert checks_of(empty, pd.DataFrame({"x": [1.0, 2.0]})) == []


def test_a_row_is_invalid_once(real):
    rows = real.assign(age=real["age"].astype(float))
    rows.loc[3, ["age", "size"]] = [-7.5, 99.0]
    checks = checks_of(real, rows)
    assert is_invalid(checks, N).tolist() == [i == 3 for i in range(N)]
    assert not is_invalid([], N).any()


def test_the_table_of_rules_begins_with_the_worst(real):
    rows = real.assign(word="c")
    table = tabulate_checks(checks_of(real, rows), checks_of(real, real))
    assert table.loc[0].tolist() == ["word", "known values", 1.0, 0.0]
    assert tabulate_checks(checks_of(real, rows))["by real rows"].isna().all()
    assert len(tabulate_checks([])) == 0


def test_types_that_differ_are_named(real):
    assert changed_types(real, real.astype({"age": "float64"})) == {"age": ("int64", "float64")}
