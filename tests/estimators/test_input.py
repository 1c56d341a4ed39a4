import datetime

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae import VAETransformer
from skvae.estimators.input import (
    check_count,
    check_flag,
    check_n_samples,
    n_rows_min,
    read_rows,
    row_weights,
    unchanged_on_error,
)
from skvae.tables import Table


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", None, 2**63])
def test_counts_are_whole_and_positive(value):
    with pytest.raises(ValueError, match=f"n_draws must be an integer of at least 1, got {value!r}"):
        check_count("n_draws", value)
    assert check_count("n_draws", np.int8(3)) == 3


def test_a_dict_is_drawn_from_so_often_and_rows_are_completed_once():
    frame = pd.DataFrame({"a": [1, 2]})
    assert check_n_samples(None, {"a": 1}, frame[:1]) == 1
    assert check_n_samples(5, {"a": 1}, frame[:1]) == 5
    assert check_n_samples(None, frame, frame) is None
    assert check_n_samples(2, frame, frame) is None
    with pytest.raises(ValueError, match=r"n_samples is its 2 row\(s\), got 3"):
        check_n_samples(3, frame, frame)


def test_a_row_without_weight_is_absent():
    X = np.arange(4.0)[:, None]
    weights = row_weights(X, [1.0, 0.0, 2.0, 3.0])
    assert_array_equal(weights.kept, [True, False, True, True])
    assert_array_equal(weights.rows_of(X), [[0.0], [2.0], [3.0]])
    assert weights.of_kept.tolist() == [1.0, 2.0, 3.0]
    assert row_weights(X, None) == (None, None)
    assert row_weights(X, None).rows_of(X) is X
    with pytest.raises(ValueError, match="needs two rows of positive sample_weight, got 1"):
        row_weights(X, [1.0, 0.0, 0.0, 0.0])


def test_two_rows_teach_the_columns_and_one_a_model(iris):
    assert n_rows_min(None) == 2
    assert n_rows_min(Table.fit(iris)) == 1


def test_rows_are_read_as_the_table_knows_them():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    estimator, table = VAETransformer(), Table.fit(frame)
    assert read_rows(estimator, frame, None) is frame
    again = read_rows(estimator, frame.to_numpy(dtype=object), table)
    assert list(again.columns) == ["a", "b"]
    with pytest.raises(TypeError, match="Rows come in an array or a DataFrame"):
        read_rows(estimator, "rows.parquet", None)


def test_an_error_leaves_the_estimator_as_it_was():
    estimator = VAETransformer()
    estimator.before_ = 1
    with pytest.raises(KeyboardInterrupt), unchanged_on_error(estimator):
        estimator.before_, estimator.after_ = 2, 3
        raise KeyboardInterrupt
    assert estimator.before_ == 1
    assert not hasattr(estimator, "after_")


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": pd.array([1, None, 3], "Int64"), "b": [0.5, 1.5, None]}).to_numpy(dtype=object),
        [[1, 0.5], [pd.NA, 1.5], [3, None]],
        np.ma.array([[1, 0.5], [1e20, 1.5], [3, 1e20]], mask=[[0, 0], [1, 0], [0, 1]]),
        np.ma.array(np.array([[1, 0.5], [7, 1.5], [3, 7]], dtype=object), mask=[[0, 0], [1, 0], [0, 1]]),
    ],
    ids=["objects", "list", "masked", "masked objects"],
)
def test_what_stands_for_a_gap_is_one(X):
    expected = [[1, 0.5], [np.nan, 1.5], [3, np.nan]]
    assert_array_equal(read_rows(VAETransformer(), X, None), expected)
    frame = Table.fit(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))
    assert_array_equal(
        frame.encode(read_rows(VAETransformer(), X, frame, reset=True)), frame.encode(np.array(expected))
    )


def test_the_name_of_a_file_gets_what_reads_it():
    with pytest.raises(
        TypeError, match=r"the name of a file, 'rows\.csv'\. Pass its rows: pandas\.read_csv\('rows\.csv'\)\."
    ):
        VAETransformer().fit("rows.csv")


def test_infinite_weights_get_a_sentence(tiny, iris):
    with pytest.raises(ValueError, match=r"must be finite.*Pass finite"):
        VAETransformer(**tiny).fit(iris, sample_weight=np.inf)  # one for all rows, which scikit-learn lets pass


@pytest.mark.parametrize("values", [[1.0, pd.NA, 2.0], [1.0, 2.0], [datetime.date(2020, 1, 1), "a"]])
def test_a_series_is_no_table(values, tiny):
    with pytest.raises(ValueError, match=r"2-dimensional container, but X is a Series. Pass X.to_frame\(\)"):
        VAETransformer(**tiny).fit(pd.Series(values, dtype=object))


@pytest.fixture(scope="module", params=["auto", "factorized"])
def kinds(request):
    """Rows of every dtype, also those of NumPy that know no gap, and a model of them."""
    rng = np.random.default_rng(0)
    df = pd.DataFrame(
        {
            "whole": rng.integers(0, 9, 60).astype("uint8"),
            "flag": rng.random(60) < 0.5,
            "day": pd.date_range("2020-01-01", periods=60),
            "span": pd.to_timedelta(rng.integers(0, 9, 60), unit="D"),
            "text": rng.choice(["a", "b"], 60),
            "grade": pd.Categorical(rng.choice(["low", "high"], 60), ["low", "high"], ordered=True),
        }
    )
    return df, VAETransformer(1, decoder=request.param, max_iter=2, random_state=0).fit(df)


@pytest.mark.parametrize("name", ["whole", "flag", "day", "span", "text", "grade"])
def test_the_column_that_is_asked_for_may_be_absent(name, kinds):
    df, vae = kinds
    without = df.drop(columns=name)[::2]
    assert vae.infer(without, name).equals(vae.infer(df[::2], name))
    assert vae.infer_proba(without, name).equals(vae.infer_proba(df[::2], name))


def test_no_other_column_may_be_absent(mixed):
    vae = VAETransformer(1, decoder="factorized", max_iter=2, random_state=0).fit(mixed)
    first, second = mixed.columns[:2]
    with pytest.raises(ValueError, match="feature names should match"):
        vae.infer(mixed.drop(columns=[first, second]), first)


def test_a_choice_of_two_is_no_word(iris, tiny):
    vae = VAETransformer(**tiny).fit(iris)
    for value in ("no", 0, 1.0, None):
        with pytest.raises(ValueError, match=rf"stochastic must be True or False, got {value!r}\. Pass one of these\."):
            vae.reconstruct(iris, stochastic=value)
    with pytest.raises(ValueError, match=r"gaps must be True or False, got 'no'"):
        vae.sample(2, gaps="no")
    assert check_flag("gaps", np.True_) is True


def test_text_is_no_table():
    with pytest.raises(TypeError, match=r"X is the text 'rows'\. Pass rows, or the path of Parquet files to"):
        VAETransformer().fit("rows")


def test_a_column_of_gaps_alone_is_told_in_its_own_dtype(tiny):
    pets = pd.DataFrame({"kg": [4.0, 20.0, 5.0, 30.0] * 25, "pet": ["cat", "dog"] * 50})
    vae = VAETransformer(**tiny).fit(pets)
    told = vae.impute(pets.assign(pet=np.nan))
    assert told["pet"].isin(["cat", "dog"]).all() and (told.dtypes == pets.dtypes).all()
    assert vae.impute(pets.assign(kg=None))["kg"].between(4, 30).all()


def test_gaps_are_not_asked_for_of_a_model_that_knows_none(iris, tiny):
    X = np.where(iris > 1, np.nan, iris)
    vae = VAETransformer(**tiny).fit(X)
    with pytest.raises(ValueError, match=r"gaps=True asks for gaps as .* knows nothing of them\. Leave it out"):
        vae.sample(2, gaps=True)
    with pytest.raises(ValueError, match="knows nothing of them"):
        vae.sample(2, given={0: 0.5}, gaps=True)
    assert np.isfinite(vae.sample(2)).all()
    assert np.isnan(VAETransformer(**tiny, add_indicator=True).fit(X).sample(50, gaps=True)).any()
    assert np.isfinite(VAETransformer(**tiny).fit(iris).sample(2, gaps=True)).all()


def test_complex_numbers_get_a_sentence(iris, tiny):
    sentence = r"Complex data not supported: a cell is a real number, but X has dtype complex128\. Pass the real and"
    with pytest.raises(ValueError, match=sentence):
        VAETransformer(**tiny).fit(iris + 1j)
    with pytest.raises(ValueError, match=r"but Z has dtype complex128"):
        VAETransformer(**tiny).fit(iris).inverse_transform(np.eye(2) * 1j)
