import pickle
import uuid

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal, assert_series_equal

from skvae.identifiers import Seen, digests
from skvae.tables import Survey, Table, fill_gaps, keep_given, position_of, read_condition
from skvae.tables.columns import IdentifierColumn, IdentifierSurvey, NewIdentifiers

N = 200
SENTENCE = r"never recur, as in column\(s\) {}: they are left out of the model"


def learned(values, chunks=1):
    survey = IdentifierSurvey(values.name, values.dtype)
    for part in np.array_split(np.arange(len(values)), chunks):
        survey.add(values.iloc[part])
    return survey.learned()


VALUES = {
    "text": pd.Series([f"{i}@mail.org" for i in range(N)], dtype=object),
    "text with gaps": pd.Series([None if i % 4 == 0 else f"{i}@mail.org" for i in range(N)], dtype=object),
    "str": pd.Series([f"{i}@mail.org" for i in range(N)], dtype="str"),
    "string": pd.Series([pd.NA, *(f"{i}@mail.org" for i in range(N - 1))], dtype="string"),
    "string[pyarrow]": pd.Series([f"{i}@mail.org" for i in range(N)], dtype="string[pyarrow]"),
    "uuid": pd.Series([uuid.UUID(int=i**9) for i in range(N)], dtype=object),
    "int64": pd.Series(range(1, N + 1)),
    "int32": pd.Series(range(1, N + 1), dtype="int32"),
    "Int64": pd.Series([pd.NA, *range(1, N)], dtype="Int64"),
    "uint64": pd.Series(range(2**63, 2**63 + N), dtype="uint64"),
    "int64[pyarrow]": pd.Series([None, *range(1, N)], dtype="int64[pyarrow]"),
    "Sparse[int64]": pd.Series(range(1, N + 1), dtype=pd.SparseDtype("int64", 0)),
}


@pytest.mark.parametrize("kind", VALUES)
def test_new_values_have_the_dtype_and_are_new(kind):
    values = VALUES[kind].rename("a")
    column = learned(values)
    new = pd.Series(column.draw(10 * N, np.random.default_rng(0)), dtype=values.dtype)
    assert new.isna().mean() == pytest.approx(values.isna().mean(), abs=0.03)
    assert new.dropna().is_unique and not new.dropna().isin(values).any()
    assert not pd.Series(column.draw(N, np.random.default_rng(0), gaps=False)).isna().any()
    assert type(new.dropna().iloc[0]) is type(values.dropna().iloc[0])


@pytest.mark.parametrize("kind", ["text with gaps", "uuid", "Int64"])
def test_chunks_teach_what_all_rows_do(kind):
    whole, by_chunk = (learned(VALUES[kind].rename("a"), chunks) for chunks in (1, 7))
    for of_whole, of_chunks in zip(vars(whole).values(), vars(by_chunk).values(), strict=True):
        assert pickle.dumps(of_whole) == pickle.dumps(of_chunks)


def test_nothing_of_a_column_holds_a_value():
    values = pd.Series([f"{name}{i}@mail.org" for i, name in enumerate(["smith", "jones"] * 100)], name="a")
    assert not [value for value in values if value.encode() in pickle.dumps(learned(values))]


def test_values_beside_do_not_recur():
    beside = pd.Series([*range(N + 1, 2 * N), None], dtype="Int64")
    new = learned(VALUES["int64"]).draw(N, np.random.default_rng(0), beside=beside)
    assert min(new) == 2 * N and len(set(new)) == N


def test_impossible_columns_are_refused():
    column = learned(VALUES["int64"])
    with pytest.raises(ValueError, match="a Keys cannot be object"):
        IdentifierColumn("a", np.dtype(object), column.form, column.seen)
    with pytest.raises(ValueError, match="share of gaps"):
        IdentifierColumn("a", np.dtype(int), column.form, Seen.of(digests([])), share_of_gaps=1.0)


# -- in a table ------------------------------------------------------------------------------------------------------


def customers(n=N):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": range(1, n + 1),
            "age": rng.integers(18, 80, n),
            "email": [f"customer{i}@mail.org" for i in range(n)],
            "plan": rng.choice(["a", "b"], n),
            "phone": [None if i % 5 == 0 else f"+49 170 {rng.integers(10**6, 10**7)}" for i in range(n)],
        }
    )


@pytest.fixture(scope="module")
def X():
    return customers()


@pytest.fixture(scope="module")
def table(X):
    with pytest.warns(UserWarning, match=SENTENCE.format("'id', 'email', 'phone'")):
        return Table.fit(X)


def test_identifiers_are_not_encoded(X, table):
    x = table.encode(X)
    assert x.shape == (N, 2) and [column.name for column in table.data] == ["age", "plan"]
    torch.testing.assert_close(x, Table.fit(X[["age", "plan"]]).encode(X[["age", "plan"]]), rtol=0, atol=0)
    assert (table.n_columns, table.positions, list(table.dtypes)) == (5, [1, 3], list(X.columns))
    assert table.n_impossible(X.assign(email="new")).sum() == 0
    table.encode(X.assign(email=None, id=7))  # whatever they are


def test_decoded_rows_have_new_ones(X, table):
    rows = table.decode(table.encode(X), X.index, NewIdentifiers(seed=1, gaps=True))
    assert_frame_equal(rows[["age", "plan"]], X[["age", "plan"]])
    assert list(rows.dtypes) == list(X.dtypes) and list(rows.columns) == list(X.columns)
    for name in ("id", "email", "phone"):
        assert rows[name].dropna().is_unique and not rows[name].dropna().isin(X[name]).any()
    assert rows["phone"].isna().mean() == pytest.approx(0.2, abs=0.1)
    again = table.decode(table.encode(X), X.index, NewIdentifiers(seed=1, gaps=True))
    other = table.decode(table.encode(X), X.index, NewIdentifiers(seed=2, gaps=True))
    assert_frame_equal(rows, again)
    assert not rows["email"].equals(other["email"])


def test_a_family_insists_on_a_model_of_the_column(X):
    chosen = {"id": "normal_scores", "email": "categorical", "phone": "auto"}
    with pytest.warns(UserWarning, match=SENTENCE.format("'phone'")):
        table = Table.fit(X, chosen)
    assert [column.name for column in table.data] == ["id", "age", "email", "plan"]
    assert_series_equal(table.decode(table.encode(X))["email"], X["email"])


def test_one_family_for_all_names_no_column(X):
    with pytest.warns(UserWarning, match=SENTENCE.format("'id', 'email', 'phone'")):
        assert len(Table.fit(X, "gaussian").data) == 2


def test_arrays_have_no_identifiers():
    assert Table.fit(np.arange(200.0).reshape(100, 2).astype(int)).identifiers == {}


def test_a_table_of_identifiers_gets_a_sentence(X):
    with pytest.raises(ValueError, match=r"all columns look like identifiers.*'id', 'email'\. Pass other columns"):
        Table.fit(X[["id", "email"]])


def test_a_survey_decides_by_its_first_chunk(X):
    with pytest.warns(UserWarning, match="identifiers"):
        survey = Survey(X[:100])
    for first in (0, 100):
        survey.add(X[first : first + 100])
    table = survey.table()
    assert list(table.identifiers) == [0, 2, 4]
    assert table.decode(table.encode(X), new=NewIdentifiers())["id"].min() == N + 1


def test_conditions_on_an_identifier_get_a_sentence(X, table):
    with pytest.raises(ValueError, match=r"column 'email' is an identifier.*Leave the column out, or fit"):
        read_condition(table, {"email": "customer1@mail.org"})
    with pytest.raises(ValueError, match=r"column 'id' is an identifier"):
        position_of(table, "id")
    assert position_of(table, "plan") == 1
    given = read_condition(table, X[["age", "email"]][:3].assign(email=None))
    rows = keep_given(table.decode(table.encode(X[3:6])), given, table)
    assert rows["age"].tolist() == X["age"][:3].tolist()


def test_gaps_of_identifiers_are_filled_with_new_ones(X, table):
    rows = table.decode(table.encode(X), new=NewIdentifiers(beside=X))
    filled = fill_gaps(X, np.ones(N, dtype=bool), rows)
    assert filled["phone"].notna().all() and filled["phone"].is_unique
    assert_frame_equal(filled.drop(columns="phone"), X.drop(columns="phone"))
