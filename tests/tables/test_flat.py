import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables import FlatTable, Table, check_levels
from skvae.tables.columns import IdentifierSurvey
from tests.tables.bills import bills


@pytest.fixture
def table(mixed):
    return Table.fit(mixed, histograms=True, add_indicator=True)


def assert_same(one, other):
    for field in dataclasses.fields(FlatTable):
        a, b = (getattr(FlatTable.of(table), field.name) for table in (one, other))
        if isinstance(a, np.ndarray):
            assert_array_equal(a, b, strict=True)
        elif isinstance(a, pd.Index):
            pd.testing.assert_index_equal(a, b)
        else:
            assert repr(a) == repr(b)


@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("container", ["frame", "array"])
def test_a_table_comes_back(container, add_indicator, mixed):
    X = mixed if container == "frame" else mixed[["size", "weight"]].to_numpy()
    table = Table.fit(X, add_indicator=add_indicator)
    assert_same(FlatTable.of(table).table(), table)
    again = pickle.loads(pickle.dumps(table))
    assert_same(again, table)
    assert_array_equal(again.encode(X), table.encode(X))


def test_names_of_parts_are_those_of_files():
    names = " ".join(field.name for field in dataclasses.fields(FlatTable))
    assert names == "columns families loc scale lower upper gaps indicated labels dtype native identifiers copies"


def test_copies_come_back_and_must_be_those_of_columns():
    table = Table.fit(bills(800))
    flat = FlatTable.of(table)
    assert flat.table().copies == table.copies and len(table.copies) == 1
    parts = {name: value for name, value in vars(flat).items() if name != "copies"}
    assert FlatTable(**parts).table().copies == ()  # a file of an earlier release
    odd = dataclasses.replace(table.copies[0], column=9)
    with pytest.raises(ValueError, match="The copies of its table are not those of its columns"):
        dataclasses.replace(flat, copies=[odd]).table()


def identifier_column():
    survey = IdentifierSurvey("id", np.dtype(int))
    survey.add(pd.Series(range(60)))
    return survey.learned()


CHANGES = {
    "loc": lambda flat: {"loc": flat.loc[:-1]},
    "gaps": lambda flat: {"gaps": flat.gaps[None]},
    "families": lambda flat: {"families": flat.families[1:]},
    "columns": lambda flat: {"columns": flat.columns[1:]},
    "no indicator": lambda flat: {"indicated": []},
    "far": lambda flat: {"indicated": [j + 100 for j in flat.indicated]},
    "negative": lambda flat: {"indicated": [-1, *flat.indicated[1:]]},
    "labels": lambda flat: {"labels": flat.labels[1:]},
    "array": lambda flat: {"labels": None},
    "a place among others": lambda flat: {"identifiers": {100: identifier_column()}},
    "one too many": lambda flat: {"identifiers": {0: identifier_column()}},
    "both": lambda flat: {"dtype": np.dtype(float)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_parts_that_do_not_fit_together_are_refused(change, table):
    flat = FlatTable.of(table)
    assert flat.indicated
    with pytest.raises(ValueError, match="The parts of its table do not fit together"):
        dataclasses.replace(flat, **change(flat)).table()


def test_every_level_has_a_value(table):
    check_levels(table)
    flat = FlatTable.of(table)
    j = next(j for j, column in enumerate(flat.columns) if hasattr(column, "shares"))
    with pytest.raises((ValueError, IndexError)):
        flat.columns[j] = dataclasses.replace(
            flat.columns[j], shares=np.array([0.5]), levels=flat.columns[j].levels[:0]
        )
        check_levels(flat.table())


def test_a_level_that_is_no_category_of_its_dtype_is_refused(mixed):
    table = Table.fit(mixed[["city"]])
    check_levels(table)
    codec = dataclasses.replace(table.data[0].codec, levels=pd.Index(["Oslo", "Atlantis"]))
    odd = dataclasses.replace(table, data=[dataclasses.replace(table.data[0], codec=codec)])
    with pytest.raises(ValueError, match=r"'city'.*no value"):
        check_levels(odd)


def test_a_level_that_is_a_list_is_refused(mixed):
    table = Table.fit(mixed[["kind"]])
    codec = dataclasses.replace(table.data[0].codec, levels=pd.Index(["large", ["small"]], dtype=object))
    odd = dataclasses.replace(table, data=[dataclasses.replace(table.data[0], codec=codec)])
    with pytest.raises(TypeError, match="unhashable"):
        check_levels(odd)
