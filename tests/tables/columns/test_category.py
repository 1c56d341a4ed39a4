import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skvae.likelihoods import Categorical
from skvae.tables import Table
from skvae.tables.columns import Support
from skvae.tables.columns.category import CategorySurvey
from skvae.tables.columns.dtypes import is_category
from tests.tables.columns.values import series

ANY = Support(Categorical(), 0.0, 1.0)
CATEGORIES = {
    "object": ["b", "a", "b", "c"],
    "string": ["b", "a", "b", "c"],
    "category": ["b", "a", "b", "c"],
    "bool": [True, False, True, True],
    "boolean": [True, False, True, True],
    "Sparse[bool]": [True, False, True, True],
    "Int64": [3, 1, 2, 3],
    "float64": [0.5, -1.0, 0.5, 2.0],
}


def fitted(values, max_categories=2**31):
    survey = CategorySurvey(values.name, values.dtype, max_categories)
    survey.add(values)
    return survey.learned().codec


@pytest.mark.parametrize("dtype", CATEGORIES)
def test_categories_come_back_as_they_were(dtype):
    values = series(CATEGORIES[dtype], dtype)
    column = fitted(values)
    codes = column.encode(values)
    assert sorted(set(codes.tolist())) == [float(code) for code in range(values.nunique())]
    decoded = column.decode(codes)
    assert decoded.dtype == values.dtype
    assert list(decoded) == list(values)


@pytest.mark.parametrize("dtype", CATEGORIES)
def test_levels_are_sorted_and_gaps_are_none_of_them(dtype):
    values = series([*CATEGORIES[dtype], None], "object" if dtype in ("bool", "Sparse[bool]") else dtype)
    column = fitted(values)
    assert list(column.levels) == sorted(set(CATEGORIES[dtype]))
    codes = column.encode(values)
    assert np.isnan(codes[-1])
    assert np.isfinite(codes[:-1]).all()


def test_an_ordered_category_keeps_its_order_and_its_unused_levels():
    dtype = pd.CategoricalDtype(["low", "mid", "high", "unheard of"], ordered=True)
    values = series(["high", "low", "mid", "low"], dtype)
    column = fitted(values)
    assert list(column.levels) == ["low", "mid", "high"]  # what was never seen is never produced
    assert column.encode(values).tolist() == [2.0, 0.0, 1.0, 0.0]
    assert column.decode(np.array([1.0])).dtype == dtype


@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_a_category_never_seen_at_fit_warns_and_is_missing(dtype):
    column = fitted(series(["a", "b", "a"], dtype))
    with pytest.warns(UserWarning, match=r"Column 'a' holds 'z', which was not seen at fit; 2 such cell\(s\)"):
        codes = column.encode(series(["b", "z", None, "z"], dtype))
    assert codes[0] == 1.0
    assert np.isnan(codes[1:]).all()


def test_gaps_do_not_warn():
    column = fitted(series(["a", None, "b"], "object"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(column.encode(series([None, np.nan], "object"))).all()


def test_values_of_several_types_are_levels_in_the_order_of_appearance():
    values = series(["x", 3, "a", 3], "object")
    column = fitted(values)
    assert list(column.levels) == ["x", 3, "a"]
    assert list(column.decode(column.encode(values))) == list(values)


def test_what_cannot_be_a_category_gets_a_sentence():
    with pytest.raises(
        TypeError, match=r"Column 'a' holds values that cannot be categories .* Convert them to strings"
    ):
        fitted(series([["a"], ["b"]], "object"))


@given(values=st.lists(st.one_of(st.text(max_size=3), st.none()), min_size=1, max_size=20).filter(any))
@example(values=["", "\x00", "a", "a\x00", None])
def test_any_text_comes_back(values):
    values = series(values, "object")
    column = fitted(values)
    codes = column.encode(values)
    assert np.isnan(codes).tolist() == values.isna().tolist()
    assert list(column.decode(codes[~np.isnan(codes)])) == list(values.dropna())


def test_arrow_text_comes_back():
    pytest.importorskip("pyarrow")
    text = series(["b", "a", "b"], "string[pyarrow]")
    category = fitted(text)
    pd.testing.assert_series_equal(pd.Series(category.decode(category.encode(text)), name="a"), text)


@pytest.mark.parametrize("index", ["int8", "int32"])
@pytest.mark.parametrize("kind", ["text", "whole"])
def test_arrow_dictionaries_come_back(kind, index):
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.dictionary(getattr(pa, index)(), pa.string() if kind == "text" else pa.int64()))
    values = pd.Series(pd.array(["b", "a", None, "b"] if kind == "text" else [7, 5, None, 7], dtype=dtype), name="a")
    assert is_category(dtype)
    column = fitted(values)
    assert column.levels.tolist() == (["a", "b"] if kind == "text" else [5, 7])
    assert_array_equal(column.encode(values), [1, 0, np.nan, 1])
    pd.testing.assert_series_equal(pd.Series(column.decode(column.encode(values)), name="a"), values)
    pd.testing.assert_series_equal(
        pd.Series(column.decode(np.array([1.0, 1.0])), name="a"), values[[0, 3]].reset_index(drop=True)
    )
    plain = pd.Series(values.tolist(), dtype="object")  # as a condition may be
    assert_array_equal(column.encode(plain), [1, 0, np.nan, 1])
    assert column.is_possible(values).tolist() == [True, True, False, True]
    few = fitted(values, max_categories=1)
    pd.testing.assert_series_equal(pd.Series(few.decode(few.encode(values)), name="a"), values)


@pytest.mark.parametrize(
    "dtype",
    [
        "object",
        "string",
        "str",
        "category",
        "boolean",
        "Int64",
        "Float64",
        "float64",
        "float32",
    ],
)
def test_gaps_of_categories_come_back(dtype):
    values = series([*CATEGORIES.get(dtype, CATEGORIES["Int64" if dtype[0] in "Ff" else "object"]), None], dtype)
    column = fitted(values)
    decoded = pd.Series(column.decode(column.encode(values)), name="a", dtype=values.dtype)
    pd.testing.assert_series_equal(decoded, values)
    assert pd.isna(column.decode(np.full(2, np.nan))).all()


@pytest.mark.parametrize("dtype", ["string[pyarrow]", "bool[pyarrow]", "int64[pyarrow]"])
def test_gaps_of_arrow_categories_come_back(dtype):
    pytest.importorskip("pyarrow")
    values = series([*CATEGORIES[{"s": "string", "b": "bool", "i": "Int64"}[dtype[0]]], None], dtype)
    column = fitted(values)
    decoded = pd.Series(column.decode(column.encode(values)), name="a")
    pd.testing.assert_series_equal(decoded, values)


NAMES = np.array(["common", "frequent", "usual", "rare", "rarer", "rarest"])


TIMES = [50, 40, 30, 6, 3, 1]


def names():
    return series(np.random.default_rng(0).permutation(np.repeat(NAMES, TIMES)), "object")


def test_the_rarest_categories_share_the_last_level():
    column = fitted(names(), 4)
    assert (column.n_alone, len(column.edges)) == (3, 4)
    assert list(column.levels) == ["common", "frequent", "usual", "rare", "rarer", "rarest"]
    codes = column.encode(names())
    assert_array_equal(np.bincount(codes.astype(int)), [50, 40, 30, 10])
    assert list(column.decode(codes)) == list(names())
    assert_array_equal(codes[codes < 3], np.floor(codes[codes < 3]))


def test_the_last_level_is_as_wide_as_it_may_be_in_float32():
    column = fitted(names(), 4)
    codes = column.encode(names()).astype(np.float32).astype(np.float64)
    assert list(column.decode(codes)) == list(names())
    assert (codes < 4).all()


def test_rare_categories_are_drawn_by_their_shares():
    column = fitted(names(), 4)
    draws = column.decode(3 + 0.999 * np.random.default_rng(0).random(20_000))
    counts = pd.Series(draws).value_counts()
    assert stats.chisquare(counts[["rare", "rarer", "rarest"]], 20_000 * np.array([0.6, 0.3, 0.1])).pvalue > 1e-4
    assert set(draws) == {"rare", "rarer", "rarest"}
    assert list(column.decode(np.array([3.0, 3.999]))) == ["rare", "rarest"]


def test_log_density_of_a_rare_category_is_its_log_share():
    column = fitted(names(), 4)
    values = series(list(NAMES), "object")
    assert_allclose(column.log_density(column.encode(values)), [0, 0, 0, *np.log([0.6, 0.3, 0.1])])
    assert column.log_density(np.array([np.nan, 1.0])).tolist() == [0.0, 0.0]
    counted = fitted(names())  # all have levels of their own
    assert_array_equal(counted.log_density(counted.encode(values)), np.zeros(6))


@pytest.mark.parametrize(("max_categories", "n_levels"), [(1, 1), (2, 2), (5, 5), (6, 6), (7, 6)])
def test_there_are_no_more_levels_than_allowed(max_categories, n_levels):
    column = fitted(names(), max_categories)
    assert len(column.edges) == n_levels
    assert list(column.decode(column.encode(names()))) == list(names())
    shares = column.log_density(column.encode(series(list(NAMES), "object")))
    alone = np.log(np.array(TIMES) / sum(TIMES[column.n_alone :])) if len(column.shares) else np.zeros(6)
    assert_allclose(shares, np.where(np.arange(6) < column.n_alone, 0.0, alone))


def test_levels_of_their_own_keep_their_order():
    values = series(np.repeat(["d", "c", "b", "a"], [9, 1, 9, 9]), "object")
    column = fitted(values, 3)
    assert list(column.levels) == ["a", "b", "d", "c"]
    assert list(column.decode(column.encode(values))) == list(values)


@given(
    values=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60),
    max_categories=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_any_number_of_categories_comes_back(values, max_categories, seed):
    values = series(values, "object")
    column = fitted(values, max_categories)
    codes = column.encode(values)
    assert list(column.decode(codes)) == list(values)
    assert (codes < len(column.edges)).all()
    # the probability of the level times the share in it is the relative frequency
    level = np.bincount(codes.astype(int), minlength=len(column.edges)) / len(values)
    log_prob = np.log(level)[codes.astype(int)] + column.log_density(codes)
    assert_allclose(np.exp(log_prob), values.map(values.value_counts(normalize=True)), rtol=1e-9)
    anywhere = column.decode(np.random.default_rng(seed).uniform(0, len(column.edges), 50))
    assert set(anywhere) <= set(values)


@pytest.mark.parametrize("dtype", ["object", "string", "category", "str"])
def test_an_identifier_warns(dtype):
    values = series([f"id{i}" for i in range(100)], dtype)
    sentence = r"A category should recur, but column 'a' holds 100 different values in 100 cells, as an identifier does"
    with pytest.warns(UserWarning, match=sentence):
        fitted(values)


@pytest.mark.parametrize(
    "values",
    [
        [f"id{i}" for i in range(99)],  # few rows may well hold every category once
        [f"id{i % 90}" for i in range(100)],
        [f"id{i}" for i in range(99)] + [None] * 100,
        list("ab") * 60,
    ],
)
def test_no_identifier_no_warning(values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(series(values, "object"))


@pytest.mark.parametrize("max_categories", [4, 100])
def test_the_center_of_categories_is_the_most_frequent_draw(max_categories):
    column = fitted(names(), max_categories)
    draws = np.array([[0.0, 2.0, 1.0], [0.0, 1.0, 3.2], [1.0, 1.0, 3.9], [2.0, 1.0, 0.0]])
    draws[:, 2] = [1.0, 3.2, 3.9, 3.5]
    assert column.center(draws).tolist() == [0.0, 1.0, 3.0]


def test_a_category_is_possible_where_it_was_seen():
    column = fitted(names(), 4)
    values = series(["common", "rarest", "unheard of", None], "object")
    assert column.is_possible(values).tolist() == [True, True, False, False]
    assert column.possible_values(ANY) == "one of ['common', 'frequent', 'usual', 'rare', 'rarer', 'rarest']"
    many = fitted(series([f"c{i:02}" for i in range(12)] * 2, "object"))
    assert many.possible_values(ANY).endswith("'c09'] …")


def test_moments_that_python_cannot_hold_are_no_categories():
    pa = pytest.importorskip("pyarrow")
    moments = pa.chunked_array([pa.array([10**12, 0] * 4).cast(pa.timestamp("s"))])
    frame = pd.DataFrame({"a": pd.Series(pd.arrays.ArrowExtensionArray(moments))})
    with pytest.raises(ValueError, match=r"column 'a' of dtype timestamp\[s\].*likelihood='histogram'"):
        Table.fit(frame, {"a": "categorical"})
    assert Table.fit(frame, {"a": "histogram"}).encode(frame).shape == (8, 1)


@pytest.mark.filterwarnings("error")
def test_a_moment_is_no_date():
    days = [datetime.date(2020, 1, day) for day in (1, 2, 3)]
    table = Table.fit(pd.DataFrame({"day": days * 4}))
    assert table.encode_condition(pd.DataFrame({"day": days[1:2]})).tolist() == [[1.0]]
    with pytest.raises(ValueError, match=r"has none in column 'day'.* Pass one of \[datetime.date\(2020, 1, 1\)"):
        table.encode_condition(pd.DataFrame({"day": [pd.Timestamp("2020-01-02")]}))


@pytest.mark.parametrize("dtype", ["float16", ">f2", ">f4", ">i8", ">u2"])
def test_categories_of_numbers_that_pandas_cannot_look_up(dtype):
    X = np.array([[2], [0], [1], [2]], dtype=dtype)
    table = Table.fit(X, "categorical")
    assert table.encode(X).flatten().tolist() == [2.0, 0.0, 1.0, 2.0]
    again = table.decode(table.encode(X))
    assert again.dtype == X.dtype
    assert_array_equal(again, X)


# -- rare categories -----------------------------------------------------------------------------------------------

TITLES = ["Mr"] * 60 + ["Mrs"] * 30 + ["Dr"] * 3 + ["Capt", "Don"]


def protected(values, max_categories=2**31, least_rows=5, **options):
    survey = CategorySurvey(values.name, values.dtype, max_categories, **options)
    survey.add(values)
    survey.least_rows = least_rows
    return survey.learned().codec


@pytest.mark.parametrize("max_categories", [2**31, 3, 2, 1])
def test_rare_categories_are_read_and_frequent_ones_drawn_instead(max_categories):
    column = protected(pd.Series(TITLES, name="a"), max_categories)
    codes = column.encode(pd.Series(["Capt", "Don", "Dr", "Mr"]))
    assert np.isfinite(codes).all() and len(column.edges) == min(3, max_categories)
    assert len(set(np.floor(codes[:3]))) == 1
    drawn = pd.Series(column.decode(np.random.default_rng(0).uniform(0, len(column.edges), 20_000)))
    assert set(drawn) == {"Mr", "Mrs"}
    shared = pd.Series(column.decode(np.random.default_rng(0).uniform(column.n_alone, column.n_alone + 1, 20_000)))
    if max_categories > 2:  # else a frequent one is there, too
        assert (shared == "Mr").mean() == pytest.approx(2 / 3, abs=0.02)
        assert list(column.decode(np.array([float(column.n_alone)]))) == ["Mr"]  # what is most probable


def test_a_rare_category_has_its_share_of_the_shared_level():
    column = protected(pd.Series(TITLES, name="a"))
    assert_allclose(column.log_density(column.encode(pd.Series(["Dr", "Don", "Mr"]))), np.log([3 / 5, 1 / 5, 1]))
    assert list(column.level_labels) == ["Mr", "Mrs", "(rare)"]
    assert column.possible_values(ANY) == "one of ['Mr', 'Mrs']"
    assert column.is_possible(pd.Series(["Don", "Sir"])).tolist() == [True, False]


def test_an_ordered_category_that_is_rare_counts_as_its_neighbor():
    dtype = pd.CategoricalDtype(["never", "low", "mid", "high", "top", "best"], ordered=True)
    values = pd.Series(["low"] * 40 + ["mid"] * 2 + ["high"] * 40 + ["top"] * 3 + ["never"], dtype=dtype, name="a")
    column = protected(values, is_ordered=True)
    assert column.encode(values).astype(int).tolist() == [0] * 40 + [0] * 2 + [1] * 40 + [1] * 3 + [0]
    assert list(column.decode(np.array([0.0, 1.0]))) == ["low", "high"] and list(column.level_labels) == ["low", "high"]
    table = Table.fit(values.to_frame(), protect=5)
    assert (table.lower.tolist(), table.upper.tolist()) == ([0.0], [1.0])


def test_a_graph_reads_rare_numbers_as_the_codec_does():
    values = pd.Series([7] * 50 + [3] * 40 + [5] * 2 + [11], dtype=pd.CategoricalDtype([3, 5, 7, 11]), name="a")
    for is_ordered in (False, True):
        column = protected(values, is_ordered=is_ordered)
        cells = column.encode_tensor(torch.tensor([[3.0], [5], [7], [11], [4]], dtype=torch.float64))
        expected = np.floor(column.encode(pd.Series([3, 5, 7, 11])))
        assert_array_equal(cells[:, 0], [*expected, np.nan])


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_everybody_knows_what_a_boolean_may_be(dtype):
    column = protected(pd.Series([True] + [False] * 99, dtype=dtype, name="a"))
    assert list(column.decode(np.array([0.0, 1.0]))) == [False, True]


def test_many_rare_categories_warn():
    values = pd.Series([*TITLES, *(f"title {i}" for i in range(40))], name="a")
    with pytest.warns(UserWarning, match=r"'a' holds such categories in 45 of 135 cells\. Convert numbers"):
        assert protected(values).n_drawn == 2
    with pytest.warns(UserWarning, match=r"column 'a' has none: its categories are learned and drawn as they are"):
        assert protected(values[-40:]).n_protected == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        protected(pd.Series(TITLES, name="a"))
