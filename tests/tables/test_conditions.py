import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables import Table, fill_gaps, keep_given, read_condition
from skvae.tables.conditions import position_of


@pytest.fixture
def table(mixed):
    return Table.fit(mixed)


def test_a_dict_is_one_row_and_a_frame_stays(table, mixed):
    pd.testing.assert_frame_equal(
        read_condition(table, {"age": 3, "kind": None}), pd.DataFrame({"age": [3], "kind": [None]})
    )
    assert read_condition(table, mixed) is mixed


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ({}, ValueError, r"given must say something of a column at least, but the dict is empty. Pass given=\{"),
        ({"age": [1, 2]}, TypeError, r"one value for all rows, but that of column 'age' is \[1, 2\]. Pass a DataFrame"),
        ([1], TypeError, "given must be a dict of one value for each condition, or a DataFrame .* got list"),
        (pd.DataFrame({"age": []}), TypeError, "with a row and a column at least, got a DataFrame of 0 row"),
        (pd.DataFrame([[1, 2]], columns=["age", "age"]), ValueError, "a column once, but 'age' occurs more than once"),
        ({"nobody": 1}, ValueError, r"given names column 'nobody', but the columns are \[.*\].*. Name one of these"),
    ],
)
def test_what_is_no_condition_gets_a_sentence(given, error, sentence, table):
    with pytest.raises(error, match=sentence):
        read_condition(table, given)


def test_only_gaps_of_an_array_are_filled():
    X = np.array([[1.0, np.nan], [3.0, 4.0], [np.nan, 6.0]])
    filled = fill_gaps(X, np.isnan(X).any(axis=1), np.array([[-1.0, -2.0], [-5.0, -6.0]]))
    assert_array_equal(filled, [[1, -2], [3, 4], [-5, 6]])
    assert np.isnan(X).sum() == 2


def test_only_gaps_of_a_frame_are_filled():
    X = pd.DataFrame({"a": [1.0, None, 3.0], "k": pd.Categorical([None, "x", "y"], ["x", "y"])}, index=[5, 6, 7])
    filled = pd.DataFrame({"a": [10.0, 20.0], "k": pd.Categorical(["y", "x"], ["x", "y"])})
    expected = pd.DataFrame({"a": [1.0, 20.0, 3.0], "k": pd.Categorical(["y", "x", "y"], ["x", "y"])}, index=[5, 6, 7])
    pd.testing.assert_frame_equal(fill_gaps(X, np.array([True, True, False]), filled), expected)


def test_what_was_given_is_kept_as_it_was():
    rows = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    kept = keep_given(rows, pd.DataFrame({"b": [np.nan, 9.0]}), Table.fit(rows, "student_t"))
    assert_array_equal(kept, [[1, 3], [2, 9]])
    assert_array_equal(keep_given(np.eye(2), pd.DataFrame({1: [7.0, None]}), Table.fit(np.eye(2))), [[1, 7], [0, 1]])


def test_a_condition_beyond_single_precision_gets_a_sentence():
    table = Table.fit(pd.DataFrame({"a": np.arange(9) * 1e-38, "b": np.arange(9.0)}), "gaussian")
    with pytest.raises(ValueError, match=r"column 'a' holds 1e\+300 in row 0, farther than 2.58e\+12"):
        table.encode_condition(pd.DataFrame({"b": [1.0], "a": [1e300]}))


def test_a_column_has_a_position_among_those_of_the_data(mixed):
    table = Table.fit(mixed, add_indicator=True)
    assert [position_of(table, name) for name in mixed] == list(range(mixed.shape[1]))
    assert position_of(Table.fit(np.zeros((5, 3)) + np.arange(5.0)[:, None]), 2) == 2
    with pytest.raises(ValueError, match=r"There is no column 'nobody'; the columns are \['size', .*\] …\. Name one"):
        position_of(table, "nobody")
    with pytest.raises(ValueError, match=r"There is no column \['size'\]"):
        position_of(table, ["size"])


def test_probabilities_need_levels(mixed):
    table = Table.fit(mixed, {"size": "gaussian"})
    assert position_of(table, "size") == 0
    with pytest.raises(ValueError, match=r"those of levels, but column 'size' .* Fit with likelihood="):
        position_of(table, "size", with_levels=True)
    assert position_of(table, "weight", with_levels=True) == 1


def test_a_category_of_several_parts_may_be_a_condition():
    pairs = pd.DataFrame({"pair": [(1, 2), (3,)] * 20, "x": np.arange(40.0)})
    table = Table.fit(pairs)
    assert read_condition(table, {"pair": (1, 2)})["pair"].tolist() == [(1, 2)]
    for no_category in ({"pair": (3, 4)}, {"x": (3,)}, {"pair": [1, 2]}):
        with pytest.raises(TypeError, match=r"one value for all rows"):
            read_condition(table, no_category)


@pytest.mark.parametrize(
    ("gaps", "values", "expected"),
    [
        (pd.Series([np.nan, None]), ["x", "y"], pd.Series(["x", "y"])),  # what is to be told, added as a column of NaN
        (pd.Series([pd.NaT, pd.NaT]), [7, 516], pd.Series([7, 516])),
        (pd.Series([None, None], dtype="boolean"), [0.5, 1.5], pd.Series([0.5, 1.5])),
        (pd.Series([1.0, None]), [7, 516], pd.Series([1.0, 516.0])),
        (pd.Series([1, None], dtype="Int8"), [7, 516], pd.Series([1, 516], dtype="Int64")),
        (pd.Series([1, None], dtype="Int64"), [7.0, 0.5], pd.Series([1, 0.5], dtype="Float64")),
        (pd.Series([1, None], dtype="Int64"), [7.0, 2.0], pd.Series([1, 2], dtype="Int64")),
        (pd.Series([1.0, None]), ["x", "y"], pd.Series([1.0, "y"], dtype=object)),
    ],
)
def test_gaps_are_filled_in_a_dtype_that_holds_what_fills_them(gaps, values, expected):
    X = pd.DataFrame({"a": gaps}).set_axis([5, 6])
    has_gap = X["a"].isna().to_numpy()
    filled = fill_gaps(X, has_gap, pd.DataFrame({"a": values})[has_gap])
    pd.testing.assert_frame_equal(filled, pd.DataFrame({"a": expected}).set_axis([5, 6]))
