"""The imputer: observed cells untouched, gaps filled from what is known, and scikit-learn's contract."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvae import VAEImputer, VAETransformer

SMALL = VAETransformer(2, hidden_layer_sizes=(8,), max_iter=3, device="cpu")
SEEING = VAETransformer(2, hidden_layer_sizes=(8,), max_iter=2, decoder="autoregressive", device="cpu")


@parametrize_with_checks([VAEImputer(SMALL, add_indicator=True)])
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.fixture
def holes(iris):
    return np.where(np.random.default_rng(0).random(iris.shape) < 0.2, np.nan, iris)


def test_observed_cells_are_untouched_and_gaps_are_as_impute_fills_them(holes):
    imputer = VAEImputer(SMALL, random_state=0).fit(holes)
    filled, known = imputer.transform(holes), ~np.isnan(holes)
    assert_array_equal(filled[known], holes[known])
    assert np.isfinite(filled).all()
    assert_array_equal(filled, VAETransformer(**SMALL.get_params() | {"random_state": 0}).fit(holes).impute(holes))


def test_gaps_come_from_the_other_columns():
    x = np.random.default_rng(0).normal(size=(200, 1))
    X = x * np.array([1.0, -2.0, 3.0]) + 0.01
    X[::5, 1] = np.nan
    filled = VAEImputer(VAETransformer(1, max_iter=5), random_state=0).fit_transform(X)
    np.testing.assert_allclose(filled[::5, 1], -2 * x[::5, 0] + 0.01, atol=0.2)


def test_mixed_frame_keeps_names_dtypes_and_index(mixed):
    imputer = VAEImputer(SEEING, random_state=0)
    filled = imputer.fit_transform(mixed)
    assert filled.notna().all(axis=None)
    pd.testing.assert_index_equal(filled.index, mixed.index)
    assert filled.dtypes.equals(mixed.dtypes)
    for name in mixed:
        known = mixed[name].notna()
        pd.testing.assert_series_equal(filled.loc[known, name], mixed.loc[known, name])
    assert_array_equal(imputer.get_feature_names_out(), list(mixed.columns))


@pytest.mark.parametrize("random_state", [None, 0, "instance"])
def test_transform_is_deterministic(holes, random_state):
    state = np.random.RandomState(0) if random_state == "instance" else random_state
    imputer = VAEImputer(SMALL, random_state=state).fit(holes)
    assert_array_equal(imputer.transform(holes), imputer.transform(holes))


def test_random_state_is_the_estimators_unless_given(holes):
    own = VAETransformer(**SMALL.get_params() | {"random_state": 5})
    assert VAEImputer(own).fit(holes).estimator_.random_state == 5
    assert VAEImputer(own, random_state=7).fit(holes).estimator_.random_state == 7
    assert own.random_state == 5
    assert not hasattr(own, "vae_")


@pytest.mark.filterwarnings("ignore:All 10 component")
def test_default_estimator_is_that_of_the_container(monkeypatch):
    for rules in ("Rules", "ChainRules", "ReaderRules"):
        monkeypatch.setattr(f"skvae.models.auto.{rules}.max_iter", lambda rules, batch_size: 1)
    X = np.random.default_rng(0).normal(size=(20, 2))
    X[0, 0] = np.nan
    of_frame = VAEImputer(random_state=0).fit(pd.DataFrame(X)).estimator_
    assert (of_frame.decoder, of_frame.vae_.reader is not None) == ("auto", True)
    assert VAEImputer(random_state=0).fit(X).estimator_.likelihood == "student_t"
    assert VAEImputer(random_state=0).fit(X > 0).estimator_.likelihood == "auto"


def test_default_fills_arrays_of_any_scale_better_than_means(monkeypatch):
    monkeypatch.setattr("skvae.models.auto.Rules.max_iter", lambda rules, batch_size: 5)
    X = load_wine().data  # columns from 0.1 to 1,700
    hidden = np.random.default_rng(0).random(X.shape) < 0.2
    holes = np.where(hidden, np.nan, X)
    errors = [
        (np.where(hidden, (imputer.fit_transform(holes) - X) / X.std(axis=0), 0) ** 2).mean()
        for imputer in (VAEImputer(random_state=0), SimpleImputer())
    ]
    assert errors[0] < 0.7 * errors[1]


def test_indicators_are_those_of_scikit_learn(holes):
    holes[:, 2] = 0.0  # no gap in fit
    ours = VAEImputer(SMALL, add_indicator=True, random_state=0).fit(holes)
    theirs = SimpleImputer(add_indicator=True).fit(holes)
    later = np.where(np.random.default_rng(1).random(holes.shape) < 0.5, np.nan, holes)
    assert_array_equal(ours.transform(later)[:, 4:], theirs.transform(later)[:, 4:])
    assert_array_equal(ours.get_feature_names_out(), theirs.get_feature_names_out())
    assert_array_equal(ours.get_feature_names_out(list("abcd")), theirs.get_feature_names_out(list("abcd")))


def test_indicators_of_a_mixed_frame(mixed):
    imputer = VAEImputer(SEEING, add_indicator=True, random_state=0)
    filled = imputer.fit_transform(mixed)
    gaps = mixed.columns[mixed.isna().any()]
    assert list(filled.columns) == [*mixed.columns, *(f"missingindicator_{name}" for name in gaps)]
    assert_array_equal(imputer.get_feature_names_out(), filled.columns)
    assert_array_equal(filled.iloc[:, mixed.shape[1] :], mixed[gaps].isna())


def test_drawn_gaps_keep_the_spread_that_means_lose():
    x = np.random.default_rng(0).normal(size=(300, 2))
    x[::2, 1] = np.nan
    estimator = VAETransformer(1, hidden_layer_sizes=(), max_iter=1)
    drawn = VAEImputer(estimator, sample_posterior=True, random_state=0).fit(x)
    assert drawn.transform(x)[::2, 1].std() == pytest.approx(np.nanstd(x[:, 1]), rel=0.2)
    assert VAEImputer(estimator, random_state=0).fit_transform(x)[::2, 1].std() < 0.5
    assert_array_equal(drawn.transform(x), drawn.estimator_.impute(x, n_draws=1)[0])


@pytest.mark.parametrize("keep", [False, True])
def test_empty_columns_are_those_of_scikit_learn(holes, keep):
    holes[:, 2] = np.nan
    options = {"add_indicator": True, "keep_empty_features": keep}
    ours = VAEImputer(SMALL, random_state=0, **options).fit(holes)
    if not keep:
        later = np.where(np.isnan(holes), 1.0, holes)  # nothing to fill, and the empty column is still dropped
        assert_array_equal(ours.transform(later), KNNImputer(**options).fit(holes).transform(later))
    else:
        assert_array_equal(ours.transform(holes)[:, 2], 0.0)
    assert_array_equal(np.isnan(ours.transform(holes)), False)
    names = ["x0", "x1", *(["x2"] if keep else []), "x3", *(f"missingindicator_x{j}" for j in range(4))]
    assert_array_equal(ours.get_feature_names_out(), names)


@pytest.mark.parametrize("keep", [False, True])
def test_empty_columns_of_a_frame(mixed, keep):
    mixed["weight"], mixed["color"] = np.nan, None
    filled = VAEImputer(SEEING, keep_empty_features=keep, random_state=0).fit_transform(mixed)
    assert list(filled.columns) == [name for name in mixed if keep or name not in ("weight", "color")]
    if keep:
        assert_array_equal(filled["weight"], 0.0)
        assert filled.pop("color").isna().all()  # there is no text to fill it with
    assert filled.notna().all(axis=None)


def test_only_gaps_get_a_sentence(holes):
    with pytest.raises(ValueError, match=r"A model needs observed cells, but all 600 are missing\. Pass other rows\."):
        VAEImputer(SMALL).fit(np.full_like(holes, np.nan))


@pytest.mark.parametrize("mark", [-9, None, pd.NA])
def test_missing_values_may_be_marked(holes, mark):
    marked = np.nan_to_num(holes, nan=-9) if isinstance(mark, int) else holes
    filled = VAEImputer(SMALL, missing_values=mark, random_state=0).fit_transform(marked)
    assert_array_equal(filled, VAEImputer(SMALL, random_state=0).fit_transform(holes))


def test_a_number_marks_no_truth_value_as_missing():
    flags = pd.Series([True, False] * 20)
    frame = pd.DataFrame({"n": [0, 1, 2, 3] * 10, "flag": flags, "known": flags.astype(object), "own": ["a", 0] * 20})
    filled = VAEImputer(SEEING, missing_values=0, random_state=0).fit_transform(frame)
    pd.testing.assert_frame_equal(filled[["flag", "known"]], frame[["flag", "known"]])
    assert not (filled["n"] == 0).any()
    assert set(filled["own"]) == {"a"}
    filled = VAEImputer(SEEING, missing_values=False, random_state=0).fit_transform(frame)
    pd.testing.assert_frame_equal(filled[["n", "own"]], frame[["n", "own"]])
    assert filled["flag"].all()
    X = frame[["flag"]].to_numpy()
    assert_array_equal(VAEImputer(SMALL, missing_values=0, random_state=0).fit_transform(X), X)


def test_missing_values_of_a_frame_may_be_marked():
    frame = pd.DataFrame({"n": [1, 2, -1, 3] * 5, "word": ["a", "?", "b", "a"] * 5})
    filled = VAEImputer(SEEING, missing_values="?", random_state=0).fit_transform(frame)
    assert set(filled["word"]) == {"a", "b"}
    assert filled["n"].equals(frame["n"])
    filled = VAEImputer(SEEING, missing_values=-1, add_indicator=True, random_state=0).fit_transform(frame)
    assert filled["n"].min() >= 1
    assert_array_equal(filled["missingindicator_n"], frame["n"] == -1)


def test_set_output(holes, mixed):
    imputer = VAEImputer(SMALL, add_indicator=True, random_state=0).set_output(transform="pandas")
    frame = imputer.fit_transform(pd.DataFrame(holes, columns=list("abcd"), index=range(7, 157)))
    assert list(frame.columns) == [*"abcd", *(f"missingindicator_{name}" for name in "abcd")]
    assert list(frame.index) == list(range(7, 157))
    assert isinstance(imputer.fit_transform(holes), pd.DataFrame)


def test_polars_stays_polars():
    pl = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    frame = pl.DataFrame({"a": [1.5, None, 2.5, 3.0] * 5, "b": ["x", "y", None, "x"] * 5})
    filled = VAEImputer(SEEING, add_indicator=True, random_state=0).fit_transform(frame)
    assert isinstance(filled, pl.DataFrame)
    assert filled.columns == ["a", "b", "missingindicator_a", "missingindicator_b"]
    assert filled.null_count().to_numpy().sum() == 0
    assert filled["missingindicator_a"].to_list() == frame["a"].is_null().to_list()


def test_in_a_pipeline_and_a_column_transformer(holes, iris):
    y = iris[:, 2] > 0
    pipeline = make_pipeline(VAEImputer(SMALL, random_state=0), LogisticRegression()).fit(holes, y)
    assert pipeline.score(holes, y) > 0.85
    frame = pd.DataFrame(holes, columns=list("abcd"))
    imputer = VAEImputer(SMALL, random_state=0)
    parts = make_column_transformer((imputer, ["a", "b", "c"]), ("drop", ["d"])).fit(frame)
    assert list(parts.get_feature_names_out()) == ["vaeimputer__a", "vaeimputer__b", "vaeimputer__c"]
    assert_array_equal(parts.transform(frame), clone(imputer).fit_transform(frame[["a", "b", "c"]]))


def test_a_failed_fit_leaves_the_imputer_as_it_was(holes):
    imputer = VAEImputer(SMALL, add_indicator=True, random_state=0).fit(holes)
    before = imputer.transform(holes)
    with pytest.raises(ValueError, match="finite"):
        imputer.fit(np.full((5, 3), np.inf))
    assert imputer.n_features_in_ == 4
    assert_array_equal(imputer.transform(holes), before)


@pytest.mark.parametrize("bad", [LogisticRegression(), "vae", VAETransformer])
def test_another_estimator_is_refused(bad, holes):
    with pytest.raises(ValueError, match="The 'estimator' parameter of VAEImputer must be"):
        VAEImputer(bad).fit(holes)


def test_parameters_of_the_estimator_are_checked(holes):
    with pytest.raises(ValueError, match="The 'n_components' parameter of VAETransformer"):
        VAEImputer(VAETransformer(0)).fit(holes)
