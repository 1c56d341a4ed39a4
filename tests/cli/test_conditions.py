import pandas as pd
import pytest

from skvae.cli.cells import Reading, Truths
from skvae.cli.conditions import read_condition


def test_conditions_take_the_dtype_of_their_column():
    like = pd.DataFrame(
        {"n": pd.array([1], "Int64"), "x": [1.5], "g": pd.Categorical([2]), "t": pd.to_datetime(["2024"])}
    )
    given = read_condition(["n=3", "x=1e3", "g=2", "t=2024-02-01"], like)
    assert given == {"n": 3, "x": 1000.0, "g": 2, "t": pd.Timestamp(2024, 2, 1)}


def test_conditions_in_the_form_of_the_file():
    like = pd.DataFrame({"t": pd.to_datetime(["2024-01-31"])})
    with pytest.raises(ValueError, match=r"--date t=%d\.%m\.%Y"):
        read_condition(["t=05.01.2024"], like)
    given = read_condition(["t=05.01.2024"], like, reading=Reading(day_first=True))
    assert given == {"t": pd.Timestamp(2024, 1, 5)}


def test_conditions_on_names_with_equals_signs():
    like = pd.DataFrame({"x": [1.0], "x=y": [2.0], "-o": [3.0]})
    assert read_condition(["x=1", "x=y=2", "-o=3"], like) == {"x": 1.0, "x=y": 2.0, "-o": 3.0}
    with pytest.raises(ValueError, match="names the column 'z', but the columns are x, x=y, -o"):
        read_condition(["z=1"], like)


def test_a_condition_without_an_equals_sign():
    with pytest.raises(ValueError, match=r"got 'x' without an equals sign\. Write x=VALUE"):
        read_condition(["x"], pd.DataFrame({"x": [1]}))


@pytest.mark.parametrize("words", [("TRUE", "FALSE"), ("true", "false"), ("True", "False")])
@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_conditions_on_true_and_false(words, dtype):
    like = pd.DataFrame({"b": [True, False]}, dtype=dtype)
    for forms in ({}, {"b": Truths(words)}):
        given = [read_condition([f"b={word}"], like, forms=forms)["b"] for word in words]
        assert given == [True, False]
    said = f"--given b=yes: 'yes' is no value of 'b', which holds {' and '.join(words)}"
    with pytest.raises(ValueError, match=said):
        read_condition(["b=yes"], like, forms={"b": Truths(words)})


@pytest.mark.parametrize("dtype", ["float64", "Int64", "str", "boolean", "datetime64[us]", "category"])
def test_an_empty_value_is_a_gap(dtype):
    like = pd.DataFrame({"a": pd.Series([1, 0]).astype(dtype)})
    assert list(map(pd.isna, read_condition(["a="], like).values())) == [True]
