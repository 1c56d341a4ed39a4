import pandas as pd
import pytest

from skvae.cli.cells import Numbers, Reading, Text, Truths, WholeNumbers

COLUMNS = {
    "whole": (["1", "-20", "0"], WholeNumbers()),
    "floats": (["1.5", "-2", ".5", "1e-3"], Numbers()),
    "zip": (["00501", "10001"], Text()),
    "phone": (["+49", "+1"], Text()),
    "minus zero": (["-0", "1"], Numbers()),
    "twenty digits": (["12345678901234567891", "1"], Text()),
    "too many digits for an int": (["1" * 5000, "1"], Text()),
    "words of Python": (["nan", "inf"], Text()),
    "underscores": (["1_000", "2"], Text()),
    "truth": (["true", "false"], Truths(("true", "false"))),
    "both spellings": (["true", "True"], Text()),
    "exponent alone": (["e5", "1"], Text()),
    "dots": ([".", "1"], Text()),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_a_column_is_what_all_of_its_cells_are(case):
    cells, form = COLUMNS[case]
    column = pd.Series([*cells, None], dtype=object, name="a")
    assert Reading().form_of(column) == form
    values = form.read(column)
    assert values.isna().tolist() == [False] * len(cells) + [True]
    if case not in ("floats", "minus zero"):
        assert form.write(values)[:-1].tolist() == cells


def test_decimal_commas():
    cells = pd.Series(["1,5", "2", None], name="a")
    form = Reading(decimal=",").form_of(cells)
    assert form.read(cells).fillna(0).tolist() == [1.5, 2.0, 0.0]
    assert form.write(pd.Series([0.25])).tolist() == ["0,25"]
    assert Reading().form_of(cells) == Text()


def test_whole_numbers_may_have_a_decimal_sign():
    cells, dtype = pd.Series(["34.0", None, "5.0"], name="a"), pd.Int64Dtype()
    form = Reading().form_for(cells, dtype)
    assert form.read(cells).fillna(0).tolist() == [34, 0, 5]
    assert Reading().form_for(pd.Series(["34", "5"], name="a"), dtype) == WholeNumbers()
    with pytest.raises(ValueError, match=r"'a' held whole numbers when the model was fitted, but now holds '5\.5'"):
        Reading().form_for(pd.Series(["34.0", "5.5"], name="a"), dtype)


def test_categories_are_read_by_their_levels():
    dtype = pd.CategoricalDtype([1, 2])
    assert Reading().form_for(pd.Series(["1"], name="a"), dtype) == WholeNumbers()
    with pytest.raises(ValueError, match="Column 'a' held whole numbers when the model was fitted, but now holds '01'"):
        Reading().form_for(pd.Series(["01"], name="a"), dtype)
