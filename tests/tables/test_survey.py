import dataclasses

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvae.likelihoods import Categorical, Histogram
from skvae.tables import Bins, Survey, Table, concatenate


@pytest.fixture(scope="module")
def frame(large_mixed):
    """With times of all kinds and a column of rare categories."""
    rng = np.random.default_rng(0)
    X = large_mixed.copy()
    X["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(3 * rng.integers(0, 1000, len(X)), unit="D")
    X["moment"] = X["day"].dt.tz_localize("Europe/Oslo")
    X["duration"] = X["day"] - pd.Timestamp("2000-01-01")
    X["period"] = X["day"].dt.to_period("D")
    X["town"] = rng.poisson(np.exp(3 * rng.random(len(X)))).astype(str)
    X.loc[X.index[::5], ["day", "duration"]] = pd.NaT
    return X


def survey(X, n_chunks, **options):
    chunks = [X[rows[0] : rows[-1] + 1] for rows in np.array_split(np.arange(len(X)), n_chunks)]
    survey = Survey(chunks[0], **options)
    for chunk in chunks:
        survey.add(chunk)
    return survey.table()


def assert_same(one, other):
    """Equal in all that was learned, numbers to rounding."""
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, list):
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=1e-11, abs=1e-12)
    elif isinstance(one, pd.Index):
        pd.testing.assert_index_equal(one, other)
    elif isinstance(one, np.ndarray) and one.dtype.kind == "f":
        assert_allclose(one, other, rtol=1e-11, atol=1e-12)
    elif isinstance(one, np.ndarray):
        assert_array_equal(one, other)
    else:
        assert one == other


OPTIONS = {
    "auto": {},
    "histograms": {"histograms": True},
    "indicators": {"add_indicator": True},
    "gaussian": {"likelihood": "gaussian"},
    "chosen": {
        "likelihood": {
            "day": "gaussian",
            "small_int": "categorical",
            "town": Categorical(max_categories=7),
            "size": Histogram(n_bins=20),
        }
    },
}


@pytest.mark.parametrize("n_chunks", [1, 8, 40])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_survey_of_chunks_is_the_table_of_all_rows(frame, options, n_chunks):
    assert_same(survey(frame, n_chunks, **options), Table.fit(frame, **options))


@pytest.mark.parametrize("options", [{}, {"likelihood": {1: "histogram", 2: "student_t"}, "add_indicator": True}])
def test_a_survey_of_an_array_is_its_table(frame, options):
    X = frame[["size", "weight", "short"]].to_numpy()
    assert_same(survey(X, 11, **options), Table.fit(X, **options))


def test_one_row_chunks(mixed):
    assert_same(survey(mixed, len(mixed)), Table.fit(mixed))


def test_categories_of_several_dtypes_are_united():
    chunks = [pd.DataFrame({"a": pd.Categorical(list(values))}) for values in ("ab", "bc", "dd")]
    survey = Survey(chunks[0])
    for chunk in chunks:
        survey.add(chunk)
    together = concatenate([chunk.copy() for chunk in chunks])
    assert together["a"].tolist() == list("abbcdd")
    assert_same(survey.table(), Table.fit(together))


def test_gaps_are_known(mixed):
    for X, has_gaps in ((mixed, True), (mixed[["age", "size"]], False)):
        survey = Survey(X)
        survey.add(X)
        assert survey.has_gaps == has_gaps


def changed(X, change):
    X = X.copy()
    return change(X)


BAD_CHUNKS = {
    "new column": (lambda X: X.assign(new=1), r"columns of the first, but \['new'\] are new and \[\] are absent here"),
    "no column": (lambda X: X.drop(columns="age"), r"\[\] are new and \['age'\] are absent here. Select the same"),
    "order": (lambda X: X[X.columns[::-1]], "their order differs here. Select the same columns"),
    "dtype": (lambda X: X.astype({"age": float}), "'age' is int64 in the first and float64 here. Convert.*astype"),
    "infinity": (lambda X: X.assign(size=np.inf), "'size' holds inf in row 0. Replace infinities by NaN"),
    "support": (lambda X: X.assign(age=-1), "'poisson' likelihood, which needs non-negative whole.*row 0 holds -1"),
    "order of levels": (
        lambda X: X.assign(grade=X["grade"].cat.reorder_categories(["high", "mid", "low"], ordered=True)),
        "column 'grade' is category in the first",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_a_chunk_that_differs_gets_a_sentence(mixed, change, message):
    survey = Survey(mixed, {"age": "poisson"})
    survey.add(mixed)
    with pytest.raises(ValueError, match=message):
        survey.add(changed(mixed, change))


def test_a_chunk_of_another_kind_gets_a_sentence(mixed):
    with pytest.raises(TypeError, match=r"first is of type DataFrame and this one of type ndarray. Convert them"):
        Survey(mixed).add(np.zeros((2, mixed.shape[1])))
    with pytest.raises(ValueError, match=r"the first holds float64 and this one float32 here. Convert"):
        Survey(np.zeros((2, 2))).add(np.zeros((2, 2), np.float32))


def test_an_empty_column_gets_a_sentence(mixed):
    survey = Survey(mixed)
    survey.add(mixed.assign(size=np.nan))
    with pytest.raises(ValueError, match=r"all cells of column 'size' are missing. Drop the column"):
        survey.table()


@pytest.mark.parametrize("n_chunks", [1, 2])
def test_many_distinct_numbers_of_one_chunk_have_exact_quantiles(n_chunks):
    X = pd.DataFrame({"a": np.random.default_rng(0).standard_normal(250_000)})
    bins = Table.fit(X, histograms=True).columns[0].bins
    exact = Bins.fit(X["a"].to_numpy())
    assert_array_equal(bins.edges, exact.edges)
    assert_array_equal(bins.knots, exact.knots)
    by_chunk = survey(X, n_chunks, histograms=True).columns[0].bins
    assert_allclose(by_chunk.edges, exact.edges, rtol=0, atol=0 if n_chunks == 1 else 1e-2)


@pytest.mark.parametrize("n_chunks", [1, 7])
@pytest.mark.parametrize("size", [1e-120, 1e-80, 1e80, 1e120])
@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
def test_the_sign_of_a_skewed_column_is_known_at_any_size(likelihood, size, n_chunks):
    X = np.random.default_rng(0).gamma(1.0, 2.0, size=(70, 2)) * [1, -3]
    expected = Table.fit(X, likelihood)
    assert_array_equal(np.sign(expected.scale), [1, -1])
    for table in (Table.fit(size * X, likelihood), survey(size * X, n_chunks, likelihood=likelihood)):
        assert_allclose(table.scale / size, expected.scale)


def test_all_columns_without_a_cell_are_named():
    rows = pd.DataFrame({"a": [1.0, 2.0], "b": np.nan, "c": None})
    with pytest.raises(ValueError, match=r"all cells of columns 'b', 'c' are missing\. Drop the columns\."):
        Table.fit(rows)
    with pytest.raises(ValueError, match=r"'9' … are missing"):
        Table.fit(pd.DataFrame(dict.fromkeys(map(str, range(11)), [np.nan] * 2)))
