"""Bad input gets a right answer, or a sentence before training starts; and the estimator stays as it was."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from torch import nn

from skvae import VAESearchCV, VAETransformer
from skvae.likelihoods import Gaussian, StudentT

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
FRAME = pd.DataFrame({"size": X[:, 0], "age": np.arange(30), "kind": ["a", "b", "c"] * 10})
TINY = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 3, "device": "cpu", "random_state": 0}


def with_cell(value, row=7, column=1, dtype=None):
    changed = X.astype(dtype or X.dtype)
    changed[row, column] = value
    return changed


def with_column(values, column=1):
    changed = X.copy()
    changed[:, column] = values
    return changed


def assert_refused(call, estimator, error, match):
    """The call raises a sentence, and nothing about the estimator has changed."""
    before = dict(vars(estimator))
    with pytest.raises(error, match=match):
        call()
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[name] is value for name, value in before.items())


@pytest.fixture
def no_training(monkeypatch):
    """From when it is called, a step of training fails the test."""

    def grad(*args, **kwargs):
        pytest.fail("training started on bad input")

    return lambda: monkeypatch.setattr(torch.autograd, "grad", grad)


def test_a_step_of_training_is_seen(no_training):
    no_training()
    with pytest.raises(pytest.fail.Exception, match="training started"):
        VAETransformer(**TINY).fit(X)


@pytest.fixture(scope="module")
def framed():
    """A model of FRAME, for tests that leave it as it is."""
    return VAETransformer(**TINY).fit(FRAME)


NAN_COLUMN = FRAME.assign(age=np.nan, other=1.0)
BAD_DATA = {
    "one row": (X[:1], ValueError, "minimum of 2 is required"),
    "one row of a frame": (FRAME[:1], ValueError, r"1 row\(s\) .* needs at least 2 row"),
    "no rows": (X[:0], ValueError, "0 sample"),
    "no columns": (X[:, :0], ValueError, "0 feature"),
    "no rows of a frame": (FRAME[:0], ValueError, r"0 row\(s\) and 3 column"),
    "no columns of a frame": (FRAME[[]], ValueError, r"30 row\(s\) and 0 column"),
    "missing column": (
        with_column(np.nan),
        ValueError,
        "Every column needs an observed cell, but all cells of column 1 are missing. Drop the column",
    ),
    "missing column of a frame": (
        NAN_COLUMN,
        ValueError,
        "Every column needs an observed cell, but all cells of column 'age' are missing. Drop the column",
    ),
    "missing strings": (
        FRAME.assign(kind=None),
        ValueError,
        "all cells of column 'kind' are missing. Drop",
    ),
    "infinity": (
        with_cell(np.inf),
        ValueError,
        "Cells must be finite or missing, but column 1 holds inf in row 7. Replace infinities by NaN",
    ),
    "infinity in a frame": (
        FRAME.assign(size=with_cell(-np.inf)[:, 1]),
        ValueError,
        "Cells must be finite or missing, but column 'size' holds -inf in row 7. Replace infinities by NaN",
    ),
    "1e200": (
        with_cell(1e200),
        ValueError,
        "must fit into a float64, but that of column 1 overflows. Divide the column by a large constant",
    ),
    "strings": (X.astype(str), ValueError, "Convert your data to numeric"),
    "strings in an object array": (with_cell("red", dtype=object), ValueError, "number.*red.*[Cc]onvert"),
    "complex": (X + 1j, ValueError, "Complex data not supported"),
    "complex in a frame": (
        FRAME.assign(wave=1j),
        TypeError,
        "Column 'wave' has dtype complex128, which no likelihood covers. Convert it",
    ),
    "intervals": (
        FRAME.assign(span=pd.interval_range(0, 30)),
        TypeError,
        "Column 'span' has dtype interval.*, which no likelihood covers. Convert it .* or drop it",
    ),
    "lists": (
        FRAME.assign(tags=[["a"]] * 30),
        TypeError,
        "Column 'tags' holds values that cannot be categories .*list.* Convert them to strings or drop",
    ),
    "dicts": (
        FRAME.assign(tags=[{"a": 1}] * 30),
        TypeError,
        "Column 'tags' holds values that cannot be categories",
    ),
    "duplicate names": (
        FRAME.set_axis(["a", "b", "a"], axis=1),
        ValueError,
        "Column names must be unique, but 'a' occurs more than once. Rename the columns",
    ),
    "names of two types": (FRAME.set_axis(["a", 1, 2], axis=1), TypeError, "string names"),
    "sparse": (sparse.csr_matrix(X), TypeError, "dense data is required. Use '.toarray"),
    "3-D": (X[None], ValueError, "dim 3"),
    "1-D": (X[:, 0], ValueError, "Expected 2D array, got 1D array"),
    "a series": (FRAME["size"], ValueError, "2-dimensional container"),
    "None": (None, ValueError, r"in an array or a DataFrame, but X is None\. Pass rows and columns"),
    "a number": (3.0, ValueError, "but X is one float"),
    "a set": ({1, 2}, ValueError, "but X is one set"),
    "a dict": ({"a": [1.0, 2.0]}, ValueError, r"but X is a dict\. Pass pandas\.DataFrame\(X\)"),
    "rows as dicts": ([{"a": 1.0}, {"a": 2.0}], ValueError, r"but X is a list of dicts\. Pass pandas\.DataFrame"),
}


@pytest.mark.parametrize("fitted", [False, True], ids=["unfitted", "fitted"])
@pytest.mark.parametrize(("data", "error", "match"), BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data(data, error, match, fitted, framed, no_training):
    vae = framed if fitted else VAETransformer(**TINY)
    no_training()
    assert_refused(lambda: vae.fit(data), vae, error, match)
    if fitted:
        assert np.isfinite(vae.transform(FRAME)).all()
    else:
        with pytest.raises(NotFittedError):
            vae.transform(X)


BAD_SUPPORT = {
    "counts too large for the rate": (
        with_column(1e12 * np.arange(1, 31)),
        {1: "poisson"},
        r"(?i)Column 1 .*poisson.* row 0 holds 1e\+12",
    ),
    "negative": (
        with_column(-np.arange(30.0)),
        {1: "poisson"},
        "Column 1 uses the 'poisson' likelihood, which needs non-negative whole numbers .*, but row 1 holds -1.*fix",
    ),
    "half": (
        with_column(np.arange(30.0) / 2),
        {1: "poisson"},
        r"Column 1 .* non-negative whole numbers .*, but row 1 holds 0.5. Use likelihood=\{1: 'gaussian'\} or fix",
    ),
    "half of a whole number": (
        with_column(np.arange(30.0) / 2),
        {1: "discretized_logistic"},
        "row 1 holds 0.5",
    ),
    "above one": (
        with_column(np.linspace(0, 1.5, 30)),
        {1: "bernoulli"},
        "Column 1 uses the 'bernoulli' likelihood, which needs values between 0 and 1, but row 20 holds 1.03",
    ),
    "below zero": (
        with_column(np.linspace(1, -1, 30)),
        {1: "bernoulli"},
        "values between 0 and 1, but row 15 holds -0.03",
    ),
    "in a frame": (
        FRAME.assign(age=-FRAME.age),
        {"age": "poisson"},
        "Column 'age' .* but row 1 holds -1.*'age': 'gau",
    ),
    "strings": (
        FRAME,
        {"kind": "poisson"},
        r"Column 'kind' .* only the likelihoods \['categorical', 'ordinal'\] can read.* Convert",
    ),
    "unknown column": (
        FRAME,
        {"visits": "poisson"},
        "likelihood names column 'visits', but the columns are .*'age'",
    ),
    "unknown position": (
        X,
        {3: "poisson"},
        r"likelihood names column 3, but the columns are \[0, 1, 2\]. Name one",
    ),
    "unknown family": (FRAME, {"age": "gauss"}, "likelihood of column 'age' must be .*'gaussian'.* is 'gauss'"),
    "a class": (FRAME, {"age": Gaussian}, "likelihood of column 'age' must be .* is <class"),
}


@pytest.mark.parametrize(("data", "likelihood", "match"), BAD_SUPPORT.values(), ids=BAD_SUPPORT)
def test_cells_outside_the_support(data, likelihood, match, no_training):
    no_training()
    vae = VAETransformer(likelihood=likelihood, **TINY)
    assert_refused(lambda: vae.fit(data), vae, ValueError, match)


def test_support_is_checked_at_transform_too():
    vae = VAETransformer(likelihood={1: "poisson"}, **TINY).fit(with_column(np.arange(30)))
    assert_refused(
        lambda: vae.transform(X), vae, ValueError, "Column 1 .* non-negative whole numbers up to 4e8, but row 0"
    )
    assert_refused(lambda: vae.score(with_cell(np.inf)), vae, ValueError, "column 1 holds inf in row 7")


BAD_PARAMETERS = {
    "n_components": [0, -1, 1.5, "a", None],
    "ordered": ["yes", 2],
    "likelihood": ["gauss", 3, Gaussian],
    "hidden_layer_sizes": [(0,), (8, -1), (1.5,), 8, "large"],
    "activation": ["swish"],
    "dropout": [1.0, -0.1],
    "encoder": ["cnn", 3],
    "decoder": ["mlp", None],
    "init": ["pca"],
    "n_draws": [0, 1.5],
    "beta": [-1.0],
    "free_bits": [-0.1],
    "input_dropout": [1.0],
    "input_noise": [-0.1, "auto", None],
    "learning_rate": [0.0, "fast"],
    "weight_decay": [-1.0],
    "batch_size": [0, 1.5],
    "max_iter": [0, 1.5, "long"],
    "early_stopping": ["yes"],
    "validation_fraction": [0.0, 1.0],
    "n_iter_no_change": [0],
    "tol": [-1.0],
    "warm_start": [2],
    "device": ["nonsense", "", "meta", "cpu:x", 3],
    "precision": ["float16"],
    "random_state": ["a", -1],
    "verbose": ["loud"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in BAD_PARAMETERS for value in BAD_PARAMETERS[name]]
)
def test_bad_parameters(name, value, no_training):
    no_training()
    vae = VAETransformer(**TINY | {name: value})
    with pytest.raises(ValueError, match=name):
        vae.fit(X)
    assert set(vars(vae)) == set(vae.get_params())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda")], ids=str)
def test_a_device_that_is_not_there(device, no_training):
    no_training()
    vae = VAETransformer(**TINY | {"device": device})
    assert_refused(
        lambda: vae.fit(X),
        vae,
        ValueError,
        r"device='cuda.*cannot be used on this machine .* Use device='auto'",
    )


@pytest.mark.parametrize("scale", ["rows", 0.0, -1.0, float("inf"), float("nan"), True, None])
@pytest.mark.parametrize("family", [Gaussian, StudentT])
def test_bad_scale_of_a_family(family, scale):
    with pytest.raises(ValueError, match=f"{family.__name__} needs a scale of .* or a positive number, got"):
        family(scale=scale)


@pytest.mark.parametrize("fraction", [0.001, 0.5, 0.97, 0.999])
def test_every_validation_fraction_leaves_rows_to_train_and_to_judge(fraction):
    vae = VAETransformer(early_stopping=True, validation_fraction=fraction, **TINY).fit(X)
    assert np.isfinite(vae.score(X))
    assert np.isfinite(vae.history_["validation_elbo"]).all()


# -- right answers -----------------------------------------------------------------------------------------------

ODD_BUT_RIGHT = {
    "two rows": X[:2],
    "three rows": X[:3],
    "nine rows": X[:9],
    "one column": X[:, :1],
    "constant column": with_column(3.0),
    "constant column of zeros": with_column(0.0),
    "constant columns": np.full((30, 2), 7.5),
    "nearly constant column": with_column(1e6 + 1e-9 * RNG.normal(size=30)),
    "one distinct cell": with_cell(1e30),
    "tiny cells": X * 1e-30,
    "object array of numbers": X.astype(object),
    "column with one observed cell": with_column(np.r_[1.0, np.full(29, np.nan)]),
    "equal rows": np.tile(X[:1], (30, 1)),
    "more columns than rows": RNG.normal(size=(5, 40)),
    "booleans": X > 0,
    "constant booleans": np.ones((30, 2), dtype=bool),
    "float16": X.astype(np.float16),
    "frame of one constant category": FRAME.assign(kind="a"),
    "frame of constants": FRAME.assign(kind="a", age=3, size=1.0),
    "frame with integer names": FRAME.set_axis([0, 1, 2], axis=1),
    "frame with dates": FRAME.assign(when=pd.date_range("2020-01-01", periods=30)),
    "frame with one moment": FRAME.assign(when=pd.Timestamp("2020-01-01")),
    "frame with durations": FRAME.assign(wait=pd.to_timedelta(np.arange(30) % 7, unit="h")),
    "frame with one duration": FRAME.assign(wait=pd.Timedelta("1h")),
    "frame with periods": FRAME.assign(month=pd.period_range("2020-01", periods=30, freq="M")),
}


@pytest.mark.parametrize("likelihood", ["auto", "student_t", Gaussian("row")], ids=str)
@pytest.mark.parametrize("data", ODD_BUT_RIGHT.values(), ids=ODD_BUT_RIGHT)
def test_odd_data_work(data, likelihood):
    if isinstance(data, np.ndarray) and data.dtype == bool and likelihood != "auto":
        with pytest.raises(
            ValueError, match=r"only the likelihoods \['bernoulli', 'categorical', 'ordinal'\] can read"
        ):
            VAETransformer(likelihood=likelihood, **TINY).fit(data)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "All 2 component.* switched off", ConvergenceWarning)  # as it should be
        decoder = "auto" if likelihood == "auto" else "factorized"  # chains of families are tested elsewhere
        vae = VAETransformer(likelihood=likelihood, decoder=decoder, **TINY).fit(data)
    assert np.isfinite(vae.transform(data)).all()
    assert np.isfinite(vae.score_samples(data)).all()
    assert np.isfinite(vae.log_likelihood(data, n_draws=3)).all()
    for back in (vae.reconstruct(data), vae.sample(20)):
        assert not pd.isna(np.asarray(back)).any()
        assert back.shape[1] == data.shape[1]


def test_a_constant_column_comes_back_constant():
    vae = VAETransformer(**TINY).fit(with_column(3.0))
    assert_allclose(vae.reconstruct(with_column(3.0))[:, 1], 3.0, atol=0.1)
    frame = FRAME.assign(kind="a", age=3)
    new = VAETransformer(**TINY).fit(frame).sample(200)
    assert (new["kind"] == "a").all()
    assert (new["age"] == 3).all()


def test_one_wild_cell_leaves_the_other_rows_a_score(tiny):
    """1e30 in one cell under a scale per column: the others still have the density of their own units."""
    vae = VAETransformer(likelihood="student_t", **TINY).fit(with_cell(1e30))
    assert np.isfinite(vae.score_samples(with_cell(1e30))).all()
    assert_array_equal(vae.sample(5).shape, (5, 3))


def test_an_object_array_is_its_numbers():
    expected = VAETransformer(**TINY).fit(X).transform(X)
    assert_array_equal(VAETransformer(**TINY).fit(X.astype(object)).transform(X.astype(object)), expected)


def test_more_components_than_columns():
    vae = VAETransformer(**TINY | {"n_components": 7}).fit(X)
    assert vae.transform(X).shape == (30, 7)
    assert np.isfinite(vae.score(X))


# -- after fit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        "transform",
        "posterior",
        "score_samples",
        "score",
        "log_likelihood",
        "reconstruct",
        "impute",
        "inverse_transform",
    ],
)
def test_methods_before_fit(method):
    with pytest.raises(NotFittedError, match="This VAETransformer instance is not fitted yet"):
        getattr(VAETransformer(), method)(X)


def test_sample_before_fit():
    given = partial(VAETransformer().sample, given={"a": 1})
    for ask in (VAETransformer().sample, given, VAETransformer().get_feature_names_out):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            ask()


RENAMED = {
    "renamed": (
        FRAME.rename(columns={"size": "length"}),
        "(?s)unseen at fit time.*length.*yet now missing.*size",
    ),
    "reordered": (FRAME[["kind", "size", "age"]], "same order"),
    "missing": (FRAME.drop(columns="age"), "(?s)now missing.*age"),
    "added": (FRAME.assign(more=1), "(?s)unseen at fit time.*more"),
    "duplicated": (
        FRAME[["size", "size", "kind"]],
        "Column names must be unique, but 'size' occurs more than once",
    ),
    "too few": (X[:, :2], "2 features"),
    "empty": (FRAME[:0], r"0 row\(s\)"),
    "text for numbers": (
        FRAME.assign(size="tall"),
        "Column 'size' held numbers at fit, but now.*Convert it to float64",
    ),
    "infinite": (FRAME.assign(size=np.inf), "column 'size' holds inf in row 0"),
    "halves": (
        FRAME.assign(age=FRAME.age + 0.5),
        "column 'age' holds 0.5 in row 0, which this column of int64 cannot",
    ),
}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("method", ["transform", "score", "log_likelihood", "reconstruct", "impute"])
@pytest.mark.parametrize(("data", "match"), RENAMED.values(), ids=RENAMED)
def test_other_columns_than_at_fit(data, match, method, framed):
    assert_refused(lambda: getattr(framed, method)(data), framed, ValueError, match)


def test_integer_names_in_another_order():
    """Names are names, also where they are no strings."""
    frame = pd.DataFrame(X, columns=[10, 11, 12])
    vae = VAETransformer(decoder="factorized", **TINY).fit(frame)
    for data in (frame[[11, 10, 12]], frame.set_axis([0, 1, 2], axis=1)):
        assert_refused(lambda data=data: vae.transform(data), vae, ValueError, r"(?s)(column|feature).*(10|order)")


def test_a_category_never_seen_counts_as_missing_and_is_named(framed):
    unseen, missing = FRAME[:5].assign(kind=["a", "Paris", "b", "Paris", "c"]), FRAME[:5].copy()
    missing["kind"] = ["a", None, "b", None, "c"]
    with pytest.warns(UserWarning, match=r"Column 'kind' holds 'Paris', which was not seen at fit; 2 such cell"):
        Z = framed.transform(unseen)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_array_equal(Z, framed.transform(missing))


def test_each_column_with_unseen_categories_warns_once():
    frame = FRAME.assign(flag=FRAME["kind"] == "a", other=FRAME["kind"])
    vae = VAETransformer(decoder="factorized", **TINY).fit(frame)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vae.score(frame.assign(kind="x", other="y"))
    assert sorted(str(w.message).split()[1] for w in caught) == ["'kind'", "'other'"]


def test_a_frame_and_its_array_are_the_same_rows(framed):
    expected = framed.transform(FRAME)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert_array_equal(framed.transform(FRAME.to_numpy()), expected)
    vae = VAETransformer(**TINY).fit(X)
    with pytest.warns(UserWarning, match="X has feature names"):
        assert_array_equal(vae.transform(pd.DataFrame(X, columns=list("abc"))), vae.transform(X))
    assert isinstance(vae.reconstruct(pd.DataFrame(X)), np.ndarray)  # the container that fit saw


@pytest.mark.parametrize(
    ("Z", "match"),
    [
        (
            np.zeros((4, 3)),
            "Z must have one column for each of the 2 components, got 3. Pass what transform returned",
        ),
        (np.zeros((4, 1)), "each of the 2 components, got 1"),
        (np.full((4, 2), np.nan), "Z contains NaN"),
        (np.full((4, 2), np.inf), "Z contains infinity"),
        (np.zeros((0, 2)), "0 sample"),
        (np.zeros(2), "1D array"),
        (None, "one row for each row of the table, .* each of the 2 components, but is None. Pass what transform"),
        (1.5, "but is one float. Pass what transform returned"),
        (
            np.array([["a", "b"]]),
            r"Z must hold numbers, .* \(could not convert string .*\)\. Pass what transf",
        ),
        ([[1.0, 2.0], [3.0]], "Z must hold numbers, .*inhomogeneous"),
    ],
)
def test_bad_latent_coordinates(Z, match):
    vae = VAETransformer(**TINY).fit(X)
    assert_refused(lambda: vae.inverse_transform(Z), vae, ValueError, match)


@pytest.mark.parametrize("n", [0, -1, 1.5, "3"])
def test_bad_numbers_of_draws(n):
    vae = VAETransformer(**TINY).fit(X)
    for sample in (lambda: vae.sample(n), lambda: vae.sample(n, given={0: 0.5})):
        assert_refused(sample, vae, ValueError, f"n_samples must be an integer of at least 1, got {n!r}")
    for draws in (lambda: vae.log_likelihood(X, n_draws=n), lambda: vae.impute(with_cell(np.nan), n_draws=n)):
        assert_refused(draws, vae, ValueError, f"n_draws must be an integer of at least 1, got {n!r}")


def test_no_number_of_samples_is_one_and_no_number_of_draws_is_a_hundred():
    vae = VAETransformer(**TINY).fit(X)
    assert vae.sample().shape == vae.sample(None).shape == vae.sample(given={0: 0.5}).shape == (1, 3)
    np.testing.assert_array_equal(vae.log_likelihood(X), vae.log_likelihood(X, n_draws=100))


# -- weights and held-out rows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        (np.zeros(30), "(two rows of positive sample_weight, got 0|zero)"),
        (np.r_[1.0, np.zeros(29)], "two rows of positive sample_weight, got 1"),
        (np.r_[-1.0, np.ones(29)], "Negative values"),
        (np.ones(29), "sample_weight.shape"),
        (np.ones((30, 2)), "1D"),
        (np.r_[np.nan, np.ones(29)], "NaN"),
        (np.r_[np.inf, np.ones(29)], "infinity"),
        (["a"] * 30, "sample_weight must be a number for each row, but holds something else .*'a'"),
        (np.ones(30, dtype=complex), "sample_weight must be a number .*dtype complex128"),
        (np.ones(30, dtype="M8[s]"), r"sample_weight must be a number .*dtype datetime64\[s\]"),
        ([pd.NA] * 30, "sample_weight must be a number .*NAType.* Pass numbers without gaps"),
        ({"weight": 1}, "sample_weight must be a number .*dict"),
    ],
)
@pytest.mark.parametrize("data", [X, FRAME], ids=["array", "frame"])
def test_bad_sample_weight(data, weights, match, no_training):
    no_training()
    vae = VAETransformer(**TINY)
    assert_refused(lambda: vae.fit(data, sample_weight=weights), vae, ValueError, match)


@pytest.mark.parametrize(
    ("X_val", "match"),
    [
        (X[:, :2], "2 features"),
        (X[:0], "0 sample"),
        (with_cell(np.inf), "infinity|inf"),
        (X.astype(str), "numeric"),
    ],
)
def test_bad_held_out_rows(X_val, match, no_training):
    no_training()
    vae = VAETransformer(**TINY)
    assert_refused(lambda: vae.fit(X, X_val=X_val), vae, ValueError, match)


def test_held_out_rows_are_read_like_the_training_rows_of_this_fit():
    vae = VAETransformer(decoder="factorized", **TINY).fit(X)
    vae.fit(FRAME, X_val=FRAME[:10])  # and not like those of the last
    assert np.isfinite(vae.history_["validation_elbo"]).all()
    vae.fit(X, X_val=X[:10])
    assert np.isfinite(vae.history_["validation_elbo"]).all()
    with pytest.warns(UserWarning, match="'z', which was not seen at fit"):
        vae.fit(FRAME, X_val=FRAME.assign(kind="z"))


# -- users' modules ----------------------------------------------------------------------------------------------


class Lstm(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.network = nn.LSTM(n_in, n_out)

    def forward(self, x):
        return self.network(x)


BAD_MODULES = {
    "wide": (
        lambda n_in, n_out: nn.Linear(n_in, n_out + 1),
        ValueError,
        r"must map \(rows, [23]\) to \(rows, [34]\), ",
    ),
    "wrong input": (
        lambda n_in, n_out: nn.Linear(n_in + 1, n_out),
        ValueError,
        r"must map \(rows, [23]\) to \(rows, ",
    ),
    "no module": (
        lambda n_in, n_out: None,
        TypeError,
        r"takes \(n_in, n_out\) and returns a torch.nn.Module, but .*None",
    ),
    "a function": (lambda n_in, n_out: torch.sin, TypeError, "returns a torch.nn.Module, but it returned"),
    "a tuple": (Lstm, (TypeError, ValueError), r"callable encoder or decoder must map .* tuple"),
    "one row": (
        lambda n_in, n_out: nn.Sequential(nn.Linear(n_in, n_out), nn.Flatten(0)),
        ValueError,
        "must map",
    ),
}


@pytest.mark.parametrize("where", ["encoder", "decoder"])
@pytest.mark.parametrize(("module", "error", "match"), BAD_MODULES.values(), ids=BAD_MODULES)
def test_bad_modules(module, error, match, where):
    vae = VAETransformer(**TINY, **{where: module})
    assert_refused(lambda: vae.fit(X), vae, error, match)


@pytest.mark.parametrize(
    "module",
    [
        nn.Linear,
        lambda n_in, n_out: nn.Sequential(nn.BatchNorm1d(n_in), nn.Linear(n_in, n_out)),
        lambda n_in, n_out: nn.Sequential(nn.Linear(n_in, 8), nn.Dropout(0.5), nn.Linear(8, n_out)),
        lambda n_in, n_out: nn.Sequential(
            nn.Unflatten(1, (1, n_in)), nn.Conv1d(1, 2, 1), nn.Flatten(), nn.Linear(2 * n_in, n_out)
        ),
    ],
    ids=["linear", "batch norm", "dropout", "convolution"],
)
def test_any_network_works(module):
    vae = VAETransformer(**TINY, encoder=module, decoder=module).fit(X)
    assert np.isfinite(vae.score(X))
    assert_allclose(vae.transform(X[:1]), vae.transform(X)[:1], rtol=1e-9)
    before = {name: value.clone() for name, value in vae.vae_.state_dict().items()}
    vae.transform(X)
    vae.score(X)
    assert all(torch.equal(value, before[name]) for name, value in vae.vae_.state_dict().items())


# -- interruptions and steps that fail ---------------------------------------------------------------------------


def interrupt_after(n_calls, monkeypatch):
    """A learning-rate schedule during which the user presses Ctrl-C."""
    from skvae.training import schedules

    schedule, calls = schedules.warmup_cosine, []

    def interrupted(progress):
        calls.append(progress)
        if len(calls) > n_calls:
            raise KeyboardInterrupt
        return schedule(progress)

    monkeypatch.setattr(schedules, "warmup_cosine", interrupted)


def test_an_interrupted_search_ends(monkeypatch):
    interrupt_after(7, monkeypatch)
    search = VAESearchCV(VAETransformer(**TINY | {"max_iter": 50}), {"n_components": [1, 2]}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        search.fit(np.tile(X, (5, 1)))
    assert not hasattr(search, "cv_results_")


@pytest.mark.parametrize("early_stopping", ["auto", True, False])
@pytest.mark.parametrize("n_calls", [0, 7])
def test_an_interrupted_fit_keeps_the_best_weights(n_calls, early_stopping, monkeypatch):
    interrupt_after(n_calls, monkeypatch)
    data = np.tile(X, (5, 1))
    settings = TINY | {"max_iter": 50, "early_stopping": early_stopping, "batch_size": 30}
    with pytest.warns(
        ConvergenceWarning, match=r"Training was interrupted in epoch \d+; the best weights so far are kept"
    ):
        vae = VAETransformer(**settings).fit(data)
    assert vae.n_iter_ < 50
    assert np.isfinite(vae.score(data))
    assert vae.transform(data).shape == (150, 2)
    assert vae.sample(4).shape == (4, 3)
    assert not any(p.requires_grad for p in vae.vae_.parameters())
    assert not vae.vae_.training
    assert {len(column) for column in vae.history_.values()} == {len(vae.history_["epoch"])}
    assert 0 <= vae.best_iter_ <= vae.n_iter_


def test_an_interruption_before_training_propagates(monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    vae = VAETransformer(**TINY).fit(X)
    fitted = dict(vars(vae))
    monkeypatch.setattr(torch.linalg, "eigh", interrupted)  # in the linear start
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    for estimator, before in ((vae, fitted), (VAETransformer(**TINY), None)):
        before = dict(vars(estimator)) if before is None else before
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(FRAME)
        assert vars(estimator).keys() == before.keys()
        assert all(vars(estimator)[name] is value for name, value in before.items())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


class SometimesNaN(nn.Module):
    """A network whose every third training step is not a number."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.network = nn.Linear(n_in, n_out)
        self.n_calls = 0

    def forward(self, x):
        y = self.network(x)
        if self.training:
            self.n_calls += 1
            if self.n_calls % 3 == 0:
                y = y * torch.nan
        return y


@pytest.mark.parametrize("early_stopping", ["auto", False])
def test_steps_that_are_not_finite_are_skipped_and_reported(early_stopping):
    settings = TINY | {"max_iter": 6, "batch_size": 30, "early_stopping": early_stopping}
    vae = VAETransformer(encoder=SometimesNaN, **settings)
    with pytest.warns(
        ConvergenceWarning, match=r"2 training step\(s\) .* not finite and were skipped.*lower learning_rate"
    ):
        vae.fit(X)
    assert all(p.isfinite().all() for p in vae.vae_.parameters())
    assert np.isfinite(vae.score(X))


def test_the_warning_names_the_column_of_the_most_extreme_number():
    frame = pd.DataFrame(np.round(10 * X**2), columns=["a", "far", "b"])
    frame.loc[7, "far"] = 3e8
    settings = TINY | {"max_iter": 6, "batch_size": 30, "likelihood": "poisson", "encoder": SometimesNaN}
    with pytest.warns(ConvergenceWarning, match=r"Column 'far' holds the most extreme number, 3e\+08 after scaling"):
        VAETransformer(**settings).fit(frame)


def test_components_that_are_all_switched_off_are_reported():
    noise = np.random.default_rng(0).normal(size=(200, 3))
    with pytest.warns(ConvergenceWarning, match=r"All 2 component\(s\) are switched off.*use free_bits=0.1"):
        vae = VAETransformer(**TINY | {"beta": 50.0, "init": "random", "max_iter": 60}).fit(noise)
    assert not vae.active_components_.any()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        assert VAETransformer(**TINY).fit(X).active_components_.any()


LACKS = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("std::bad_alloc"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes. Error code 12"),
]


def lack_memory(n_times, monkeypatch, error=LACKS[0]):
    """A device whose memory is too small for the first trainings; the batch sizes of all."""
    from skvae.models import tries

    batch_sizes = []

    class Lacking(tries.Training):
        def run(self, until=None):
            batch_sizes.append(self.recipe.batch_size)
            if len(batch_sizes) <= n_times:
                raise error
            super().run(until)

    monkeypatch.setattr(tries, "Training", Lacking)
    return batch_sizes


@pytest.mark.parametrize("error", LACKS, ids=["GPU", "CPU", "CPU, by size"])
def test_a_batch_that_is_too_large_for_the_device_is_halved_once(error, monkeypatch):
    batch_sizes = lack_memory(1, monkeypatch, error)
    with pytest.warns(ResourceWarning, match=r"no memory for 32 rows a step, .* Set batch_size to 16 or less"):
        vae = VAETransformer(**TINY | {"batch_size": 32}).fit(X)
    assert batch_sizes == [32, 16]
    assert np.isfinite(vae.score(X))


def test_a_device_that_is_too_small_for_half_the_batch_gets_a_sentence(monkeypatch):
    lack_memory(2, monkeypatch)
    vae = VAETransformer(**TINY | {"batch_size": 32})
    with (
        pytest.warns(ResourceWarning),
        pytest.raises(MemoryError, match=r"no memory for 16 rows a step\. Set batch_size to fewer"),
    ):
        vae.fit(X)
    assert not hasattr(vae, "vae_")


def test_a_users_module_may_run_out_of_memory(monkeypatch):
    def lacking(n_in, n_out):
        module = nn.Linear(n_in, n_out)
        module.forward = lambda x: torch.empty(10**17)
        return module

    with pytest.raises(MemoryError, match=r"no memory for 1[0-9] rows a step|too little memory: 4\d+ bytes more"):
        VAETransformer(**TINY, encoder=lacking).fit(X)


def test_a_search_trains_alone_what_has_no_memory_together(monkeypatch):
    from skvae.models import stack

    def lacking(*_):
        raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr(stack, "_joined", lacking)
    search = VAESearchCV(VAETransformer(**TINY), {"n_components": [1, 2]}, cv=2).fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_importance_weights_have_no_free_bits():
    with pytest.raises(ValueError, match="objective='iwae' has no KL of each component, so free_bits must be 0"):
        VAETransformer(**TINY, objective="iwae", free_bits=0.1).fit(X)
    assert np.isfinite(VAETransformer(**TINY, objective="iwae", n_draws=3).fit(X).score(X))


def test_a_learning_rate_that_is_far_too_large_ends_at_the_start_or_better():
    best = VAETransformer(**TINY | {"learning_rate": 1e-12}).fit(X).score(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        vae = VAETransformer(**TINY | {"learning_rate": 1e6, "max_iter": 30}).fit(X)
    assert vae.score(X) > best - 0.1


def test_a_warning_turned_into_an_error_leaves_the_estimator_as_it_was(monkeypatch):
    interrupt_after(2, monkeypatch)
    vae = VAETransformer(**TINY | {"max_iter": 9})
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            vae.fit(X)
    assert set(vars(vae)) == set(vae.get_params())


@pytest.mark.parametrize(
    ("cells", "error"), [([[pd.Timestamp("2020"), 1.0]] * 30, TypeError), ([["Oslo", 1.0]] * 30, ValueError)]
)
def test_objects_in_an_array_that_are_no_numbers(cells, error):
    with pytest.raises(error, match=r"An array must hold numbers, but X holds something else .*pass a DataFrame"):
        VAETransformer(n_components=1).fit(np.array(cells, dtype=object))
