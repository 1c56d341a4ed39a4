import numpy as np
import pandas as pd
import pytest

from skvae.likelihoods import (
    Bernoulli,
    Categorical,
    DiscretizedLogistic,
    Gaussian,
    Histogram,
    NegativeBinomial,
    NormalScores,
    Ordinal,
    Poisson,
    StudentT,
)
from skvae.tables import choose_families

FRAME = {
    "float64": NormalScores(),
    "float32": NormalScores(),
    "Float64": NormalScores(),
    "Float32": NormalScores(),
    "int64": NormalScores(),
    "int8": NormalScores(),
    "uint32": NormalScores(),
    "Int64": NormalScores(),
    "UInt8": NormalScores(),
    "bool": Categorical(),
    "boolean": Categorical(),
    "object": Categorical(),
    "string": Categorical(),
    "str": Categorical(),
    "category": Categorical(),
    "datetime64[s]": NormalScores(),
    "datetime64[ns, Europe/Oslo]": NormalScores(),
    "timedelta64[ms]": NormalScores(),
    "period[D]": NormalScores(),
}
NUMBERS = [dtype for dtype, family in FRAME.items() if isinstance(family, NormalScores)]


def families(dtypes, likelihood="auto", is_frame=True, **rules):
    dtypes = {name: pd.api.types.pandas_dtype(dtype) for name, dtype in dtypes.items()}
    return choose_families(list(dtypes), list(dtypes.values()), likelihood, is_frame=is_frame, **rules)


@pytest.mark.parametrize("dtype", FRAME)
def test_a_column_of_a_frame_has_a_family_by_its_dtype(dtype):
    assert families({"a": dtype}) == [FRAME[dtype]]


ORDERED = pd.CategoricalDtype(["low", "high"], ordered=True)


def test_an_ordered_category_is_ordinal():
    assert families({"a": ORDERED}) == [Ordinal()]
    assert families({"a": ORDERED}, {"a": "categorical"}) == [Categorical()]


@pytest.mark.parametrize("dtype", FRAME)
def test_for_synthesis_numbers_are_histograms_and_nothing_else_changes(dtype):
    expected = Histogram() if dtype in NUMBERS else FRAME[dtype]
    assert families({"a": dtype}, histograms=True) == [expected]
    assert families({"a": dtype, "b": "float64"}, {"b": "gaussian"}, histograms=True) == [expected, Gaussian()]


def test_arrow_dictionaries_are_categories_where_they_have_no_order():
    pa = pytest.importorskip("pyarrow")
    assert families({"a": pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))}) == [Categorical()]
    for dtype in (pa.dictionary(pa.int8(), pa.string(), ordered=True), pa.time64("us"), pa.time32("s")):
        with pytest.raises(TypeError, match=r"Column 'a' has dtype .*, which no likelihood covers. Convert it to"):
            families({"a": pd.ArrowDtype(dtype)})


def test_arrow_dates_have_a_family():
    pytest.importorskip("pyarrow")
    for dtype in ("date32[day][pyarrow]", "timestamp[us][pyarrow]", "duration[s][pyarrow]"):
        assert families({"a": dtype}) == [NormalScores()]
    assert families({"a": "double[pyarrow]", "b": "int8[pyarrow]"}) == [NormalScores(), NormalScores()]
    assert families({"a": "string[pyarrow]", "b": "bool[pyarrow]"}) == [Categorical(), Categorical()]


@pytest.mark.parametrize("choice", ["gaussian", "student_t", "categorical", "histogram"])
def test_a_moment_is_a_number_to_any_family(choice):
    (family,) = families({"when": "datetime64[ns]"}, choice)
    assert family.name == choice


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint16"])
def test_an_array_of_numbers_is_gaussian_with_one_scale(dtype):
    assert families({0: dtype, 1: dtype}, is_frame=False) == [Gaussian("shared"), Gaussian("shared")]


def test_an_array_of_bits_is_bernoulli():
    assert families({0: "bool"}, is_frame=False) == [Bernoulli()]


@pytest.mark.parametrize(
    ("choice", "family"),
    [
        ("gaussian", Gaussian()),
        ("student_t", StudentT("row")),
        ("poisson", Poisson()),
        ("discretized_logistic", DiscretizedLogistic()),
        ("bernoulli", Bernoulli()),
        ("categorical", Categorical()),
        ("ordinal", Ordinal()),
        ("histogram", Histogram()),
        ("negative_binomial", NegativeBinomial()),
        (Gaussian("column"), Gaussian("column")),
        (StudentT(0.5), StudentT(0.5)),
    ],
)
def test_one_choice_holds_for_all_numbers(choice, family):
    assert families({"a": "int64", "b": "float64"}, choice) == [family, family]


def test_one_choice_for_all_leaves_categories_categorical():
    dtypes = {"a": "float64", "b": "object", "c": "category", "d": "bool", "e": "string"}
    assert families(dtypes, "gaussian") == [Gaussian()] + 4 * [Categorical()]
    assert families(dtypes, "histogram") == [Histogram()] + 4 * [Categorical()]
    assert families({"a": "float64", "b": ORDERED}, "gaussian") == [Gaussian(), Ordinal()]
    assert families(dtypes, "ordinal") == 5 * [Ordinal()]
    assert families({"a": "float64", "d": "bool", "n": "boolean"}, "bernoulli") == 3 * [Bernoulli()]


def test_a_dict_chooses_for_its_columns_and_the_rest_is_auto():
    dtypes = {"visits": "int64", "weight": "float64", "age": "int64", "city": "object"}
    chosen = families(dtypes, {"visits": "poisson", "weight": Gaussian("column"), "city": "categorical"})
    assert chosen == [Poisson(), Gaussian("column"), NormalScores(), Categorical()]
    assert families({"visits": "int64"}, {"visits": "auto"}) == [NormalScores()]
    assert families(dtypes, {}) == families(dtypes)


def test_a_dict_names_the_columns_of_an_array_by_position():
    assert families({0: "float64", 1: "float64"}, {1: "student_t"}, is_frame=False) == [
        Gaussian(),
        StudentT(),
    ]


def test_an_unknown_family_gets_a_sentence():
    with pytest.raises(ValueError, match=r"likelihood must be 'auto', a Likelihood, one of \['bernoulli', .*'normal'"):
        families({"a": "float64"}, "normal")
    with pytest.raises(ValueError, match="likelihood must be 'auto', a Likelihood, one of"):
        families({"a": "float64"}, 3)


@pytest.mark.parametrize("choice", ["normal", None, 3, ["gaussian"], np.array(["gaussian", "poisson"]), dict])
def test_an_unknown_family_of_a_dict_names_its_column(choice):
    with pytest.raises(
        ValueError, match=r"likelihood of column 'b' must be 'auto', .*, but is .* leave the column out"
    ):
        families({"a": "float64", "b": "float64"}, {"b": choice})


def test_an_unknown_column_gets_a_sentence():
    with pytest.raises(ValueError, match=r"likelihood names column 'c', but the columns are \['a', 'b'\]. Name one"):
        families({"a": "float64", "b": "float64"}, {"a": "gaussian", "c": "gaussian"})


@pytest.mark.parametrize("choice", ["gaussian", "histogram", "poisson"])
@pytest.mark.parametrize("dtype", ["object", "category", "string", "bool", "boolean"])
def test_a_category_that_is_called_a_number_gets_a_sentence(dtype, choice):
    readers = "'bernoulli', 'categorical', 'ordinal'" if dtype.startswith("bool") else "'categorical', 'ordinal'"
    sentence = rf"Column 'b' has dtype .*, which only the likelihoods \[{readers}\] can read, but .* Convert the column"
    with pytest.raises(ValueError, match=sentence):
        families({"a": "float64", "b": dtype}, {"b": choice})


@pytest.mark.parametrize("dtype", ["complex128", "complex64", "interval[int64]"])
@pytest.mark.parametrize("likelihood", ["auto", "gaussian", {"a": "gaussian"}])
def test_a_dtype_that_no_family_covers_gets_a_sentence(dtype, likelihood):
    with pytest.raises(
        TypeError, match=r"Column 'when' has dtype .*, which no likelihood covers. Convert it to numbers, dates"
    ):
        families({"a": np.dtype("float64"), "when": dtype}, likelihood)


@pytest.mark.parametrize("name", ["string_view", "month_day_nano_interval", "time64"])
def test_a_type_of_arrow_that_pandas_has_not_gets_a_sentence(name):
    pa = pytest.importorskip("pyarrow")
    if not hasattr(pa, name):
        pytest.skip("this release of pyarrow has no such type")
    arrow = getattr(pa, name)(*(["us"] if name == "time64" else []))
    with pytest.raises(TypeError, match=r"Column 'a' has dtype .*, which no likelihood covers\. Convert it to numbers"):
        families({"a": pd.ArrowDtype(arrow)})


def test_a_type_that_holds_gaps_alone_gets_a_sentence():
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match=r"needs an observed cell, but column 'a' has dtype null\[pyarrow\].*Drop it"):
        families({"a": pd.ArrowDtype(pa.null())})
