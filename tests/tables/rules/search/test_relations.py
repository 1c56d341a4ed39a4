import numpy as np
import pandas as pd
import pytest

from skvae.tables.rules.search.evidence import Evidence
from skvae.tables.rules.search.relations import Relation, find_relations


def found(**columns):
    evidence = Evidence(pd.DataFrame(columns))
    return [str(relation.equation(evidence.quantities)) for relation in find_relations(evidence)]


@pytest.fixture
def x():
    return list(np.random.default_rng(0).integers(0, 90, (6, 400)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-300, 5e-324])
@pytest.mark.parametrize("n_others", [1, 3])
def test_numbers_whose_squares_are_zero_have_no_relations(x, size, n_others):
    tiny = np.random.default_rng(1).normal(size=400) * size
    others = dict(zip("abc", x[:n_others], strict=False))
    assert not any("tiny" in rule for rule in found(**others, tiny=tiny))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda x: x[0], "y = a"),
        (lambda x: x[0] + 3, "y = a + 3"),
        (lambda x: 100 - x[0], "a + y = 100"),
        (lambda x: x[0] + x[1], "y = a + b"),
        (lambda x: x[0] - x[1], "a = b + y"),
        (lambda x: 7 - x[0] - x[1], "a + b + y = 7"),
        (lambda x: x[0] + x[1] - x[2], "y = a + b - c"),
        (lambda x: x[0] + x[1] + x[2] + x[3], "y = a + b + c + d"),
        (lambda x: 12 * x[0], "y = 12 * a"),
        (lambda x: 2 * x[0] + 3 * x[1], "y = 2 * a + 3 * b"),
        (lambda x: (x[0] + x[1]) / 2, "y = (a + b) / 2"),
        (lambda x: np.round(0.1 * x[0] + 0.1 * x[1], 1), None),
    ],
)
def test_relations_are_found(x, make, text):
    rules = found(a=x[0], b=x[1], c=x[2], d=x[3], y=make(x))
    if text is None:
        assert len(rules) == 1
    else:
        assert rules == [text]


@pytest.mark.parametrize("dtype", ["float32", "Int64", "float64"])
def test_dtypes_do_not_matter(x, dtype):
    rules = found(a=pd.Series(x[0] / 4 if dtype != "Int64" else x[0], dtype=dtype), b=pd.Series(x[1], dtype=dtype))
    assert not rules
    parts = [pd.Series(column, dtype=dtype) for column in x[:2]]
    assert found(a=parts[0], b=parts[1], y=parts[0] + parts[1]) == ["y = a + b"]


def test_gaps_do_not_matter(x):
    whole = pd.Series(x[0] + x[1], dtype=float).mask(np.random.default_rng(1).random(400) < 0.4)
    empty = pd.Series(np.nan, index=range(400)).mask(np.arange(400) < 3, 1.0 + np.arange(400))
    assert found(a=x[0], b=x[1], y=whole, e=empty) == ["y = a + b"]


def test_one_row_is_enough_to_break_a_relation(x):
    whole = x[0] + x[1]
    whole[133] += 1
    assert not found(a=x[0], b=x[1], y=whole)


def test_columns_that_hardly_vary_say_nothing(x):
    rare = (np.arange(400) == 7).astype(int)
    assert not found(a=rare, b=rare)


def test_a_whole_is_written_on_the_left():
    assert Relation({"whole": 1, "a": -1, "b": -1}, 0.0).target == "whole"
    assert Relation({"a": 1, "b": 1, "c": 1}, 5.0).target == "c"


def test_columns_that_do_not_vary_where_others_are_known(x):
    late = np.where(np.arange(400) < 200, 1.0, x[3])
    X = {"a": x[0], "late": late, "b": pd.Series(x[1] * 1.0).where(np.arange(400) < 200), "c": x[2] / 7}
    assert not found(**X)


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float[pyarrow]"])
def test_sums_of_narrow_floats_are_found(dtype):
    a, b = np.random.default_rng(0).normal(50, 9, (2, 400)).astype("float32")
    rows = pd.DataFrame({"a": a, "b": b, "y": a + b}).astype(dtype)
    assert found(**rows) == ["y = a + b"]
