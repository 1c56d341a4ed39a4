import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skvae import VAETransformer
from skvae.likelihoods import Bernoulli, Categorical, Gaussian, Histogram, NormalScores, Poisson
from skvae.tables import Table, check_is_table
from skvae.tables.columns import GapColumn
from tests.tables.bills import bills

N = 40
LEVELS = ["low", "mid", "high"]
COLUMNS = {
    "float64": lambda rng: rng.normal(3, 200, N),
    "float32": lambda rng: rng.gamma(2.0, 1.0, N).astype(np.float32),
    "int64": lambda rng: rng.integers(-(2**40), 2**40, N),
    "int8": lambda rng: rng.integers(-128, 128, N).astype(np.int8),
    "uint16": lambda rng: rng.integers(0, 2**16, N).astype(np.uint16),
    "bool": lambda rng: rng.random(N) < 0.3,
    "object": lambda rng: pd.Series(rng.choice(["x", "y", "é"], N), dtype=object),
    "mixed object": lambda rng: pd.Series(rng.choice(np.array(["x", 3, 2.5], dtype=object), N), dtype=object),
    "str": lambda rng: pd.array(rng.choice(["x", "y", "z"], N), dtype="str"),
    "string": lambda rng: pd.array(rng.choice(["x", "y", "z"], N), dtype="string"),
    "category": lambda rng: pd.Categorical(rng.choice(LEVELS, N)),
    "ordered": lambda rng: pd.Categorical(rng.choice(LEVELS, N), categories=[*LEVELS, "never"], ordered=True),
    "Int64": lambda rng: pd.array(rng.integers(-9, 10, N), dtype="Int64"),
    "Float64": lambda rng: pd.array(rng.normal(size=N), dtype="Float64"),
    "boolean": lambda rng: pd.array(rng.random(N) < 0.5, dtype="boolean"),
    "constant": lambda rng: np.full(N, 7.25),
    "constant int": lambda rng: np.full(N, -3),
}
ARRAYS = [
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
]
SKEWED = np.random.default_rng(0).gamma(1.0, 2.0, size=(N, 3)) * np.array([1.0, -5.0, 0.1])


def make_frame(kinds, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({f"{kind} {i}": COLUMNS[kind](rng) for i, kind in enumerate(kinds)})


def make_array(dtype, n_columns=3, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random((N, n_columns)) < 0.4
    if np.issubdtype(dtype, np.floating):
        return (rng.normal(size=(N, n_columns)) * 10.0 ** rng.integers(-3, 4, n_columns) + 5).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(max(info.min, -(2**45)), min(info.max, 2**45), (N, n_columns), dtype=dtype, endpoint=True)


# -- there and back ------------------------------------------------------------------------------------------


@given(
    kinds=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=8),
    seed=st.integers(0, 2**31),
    start=st.integers(-5, 5),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_frame_comes_back(kinds, seed, start):
    X = make_frame(kinds, seed).set_axis(pd.RangeIndex(start, start + N), axis=0)
    table = Table.fit(X, "auto")
    x = table.encode(X)
    assert x.shape == X.shape
    assert x.isfinite().all()
    back = table.decode(x, X.index)
    rtol = 1e-5 if x.dtype == torch.float32 else 1e-12
    pd.testing.assert_frame_equal(back, X, check_exact=False, rtol=rtol, atol=1e-10, check_column_type=False)


@pytest.mark.parametrize("dtype", ARRAYS)
@pytest.mark.parametrize("likelihood", ["auto", "student_t", "categorical"])
def test_an_array_comes_back(dtype, likelihood):
    if dtype == "bool" and likelihood == "student_t":
        likelihood = "bernoulli"
    X = make_array(dtype)
    table = Table.fit(X, likelihood)
    back = table.decode(table.encode(X))
    assert back.dtype == X.dtype
    if np.issubdtype(dtype, np.floating):
        assert_allclose(back, X, rtol=0, atol=np.abs(X).max() * 4 * np.finfo(dtype).eps)
    else:
        assert_array_equal(back, X)


@pytest.mark.parametrize("kind", sorted(set(COLUMNS) - {"bool", "float32", "int64", "int8", "uint16", "constant int"}))
def test_gaps_are_nan_and_only_gaps(kind):
    X = make_frame([kind, "float64"], 0)
    X.iloc[[0, 3, 17], 0] = None
    table = Table.fit(X, "auto")
    x = table.encode(X)
    assert_array_equal(x.isnan().numpy(), X.isna().to_numpy())
    assert table.gaps.tolist() == [True, False]
    whole = X.dropna()
    pd.testing.assert_frame_equal(table.decode(table.encode(whole), whole.index), whole)


def test_missing_numbers_of_an_array_come_back_missing():
    X = SKEWED.copy()
    X[3, 1] = np.nan
    table = Table.fit(X, "auto")
    assert_allclose(table.decode(table.encode(X)), X, rtol=1e-12)


def test_column_labels_of_any_kind_come_back():
    X = pd.DataFrame(SKEWED, columns=pd.Index(["a", 3, ("b", 1)], tupleize_cols=False))
    table = Table.fit(X, "auto")
    assert list(table.decode(table.encode(X)).columns) == ["a", 3, ("b", 1)]


@pytest.mark.parametrize(
    ("X", "dtype"),
    [
        (SKEWED, torch.float64),
        (SKEWED.astype(np.float32), torch.float32),
        (SKEWED.astype(int), torch.float64),
        (pd.DataFrame(SKEWED.astype(np.float32)), torch.float64),
        (pd.DataFrame(SKEWED), torch.float64),
        (pd.DataFrame({"a": SKEWED[:, 0].astype(np.float32), "b": ["x", "y"] * (N // 2)}), torch.float64),
    ],
)
def test_rows_are_encoded_in_their_own_precision(X, dtype):
    assert Table.fit(X, "auto").encode(X).dtype == dtype


def test_a_frame_row_is_encoded_alike_alone():
    X = make_frame(["float64", "category", "Int64"], 0)
    table = Table.fit(X, "auto")
    assert torch.equal(table.encode(X.iloc[7:8]), table.encode(X)[7:8])


# -- standardisation -----------------------------------------------------------------------------------------


def test_a_scale_per_column_gives_unit_variances():
    x = Table.fit(SKEWED, Gaussian("column")).encode(SKEWED)
    torch.testing.assert_close(x.mean(dim=0), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(x.std(dim=0, correction=0), torch.ones(3, dtype=torch.float64))


def test_a_shared_scale_keeps_relative_sizes():
    x = Table.fit(SKEWED, Gaussian("shared")).encode(SKEWED)
    std = SKEWED.std(axis=0)
    torch.testing.assert_close(x.std(dim=0, correction=0), torch.tensor(std / std.max()))


@pytest.mark.parametrize("likelihood", ["poisson", "categorical"])
def test_counts_and_categories_are_not_standardised(likelihood):
    X = np.random.default_rng(0).poisson(3.0, (N, 2))
    codes = np.stack([np.searchsorted(np.unique(column), column) for column in X.T], axis=1)
    x = Table.fit(X, likelihood).encode(X)
    assert_array_equal(x.numpy(), X if likelihood == "poisson" else codes)


@pytest.mark.parametrize("likelihood", ["auto", "student_t", Gaussian("column"), Gaussian(2.0)])
@pytest.mark.parametrize("signs", [[-1, -1, -1], [1, -1, 1]])
def test_the_sign_of_a_column_is_no_information(likelihood, signs):
    X = SKEWED * np.array(signs)
    assert torch.equal(Table.fit(X, likelihood).encode(X), Table.fit(SKEWED, likelihood).encode(SKEWED))


def test_the_longer_tail_points_up():
    x = Table.fit(SKEWED, "student_t").encode(SKEWED)
    assert (x.pow(3).mean(dim=0) > 0).all()


@pytest.mark.parametrize("likelihood", ["auto", "student_t"])
@pytest.mark.parametrize(("factor", "shift"), [(3.7, 11.0), (-1e-5, 0.0), (1e8, -1e8)])
def test_units_do_not_change_the_encoding(likelihood, factor, shift):
    X = factor * SKEWED + shift
    encoded, expected = Table.fit(X, likelihood).encode(X), Table.fit(SKEWED, likelihood).encode(SKEWED)
    torch.testing.assert_close(encoded, expected, rtol=1e-9, atol=1e-9)


def test_constant_columns_are_encoded_as_zero_and_come_back():
    X = np.column_stack([np.full(N, 0.1), np.full(N, -1e9), SKEWED[:, 0]])
    for likelihood in ("auto", "student_t"):
        table = Table.fit(X, likelihood)
        x = table.encode(X)
        assert x[:, :2].abs().max() < 1e-6
        assert_allclose(table.decode(x), X, rtol=1e-12)
    table = Table.fit(X[:, :2], "auto")
    assert_allclose(table.decode(table.encode(X[:, :2])), X[:, :2], rtol=1e-12)


# -- what the likelihood is told -----------------------------------------------------------------------------


def test_log_jacobian_counts_the_observed_cells_of_densities():
    X = pd.DataFrame({"a": SKEWED[:, 0], "n": np.arange(N), "b": SKEWED[:, 1], "c": ["x", "y"] * (N // 2)})
    X.loc[3, "a"] = X.loc[5, "n"] = np.nan
    X["n"] = X["n"].astype("Int64")
    table = Table.fit(X, {"a": "student_t", "n": "discretized_logistic", "b": "gaussian"})
    jacobian = table.log_jacobian(table.encode(X)).numpy()
    a, b = -np.log(X["a"].std(ddof=0)), -np.log(X["b"].std(ddof=0))
    assert_allclose(jacobian, np.where(np.arange(N) == 3, b, a + b))


@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
def test_encoded_density_and_jacobian_make_the_density_of_the_data(likelihood):
    # a density of x in the units of the data falls by log|a| where x grows by a
    def log_density(X):
        table = Table.fit(X, likelihood)
        x, joint = table.encode(X), table.joint()
        heads = [block.family.start(x[:, block.position], block.columns) for block in joint]
        return joint.log_prob(x[None], heads)[0] + table.log_jacobian(x)

    difference = log_density(-50.0 * SKEWED) - log_density(SKEWED)
    torch.testing.assert_close(difference, torch.full_like(difference, -3 * np.log(50.0)))


def test_joint_has_a_block_for_each_family():
    X = make_frame(["float64", "category", "int64", "float32", "bool", "Int64"], 0)
    joint = Table.fit(X, {"float64 0": "gaussian"}).joint()
    blocks = {block.family: block.index for block in joint}
    assert blocks == {Gaussian(): [0], Categorical(): [1, 4], NormalScores(): [2, 3, 5]}
    assert [block.columns.n_levels.tolist() for block in joint] == [[0], [3, 2], [8, 8, 8]]


def test_ranges_reach_the_likelihood_in_encoded_units_whatever_the_sign():
    X = pd.DataFrame({"up": [0, 0, 0, 9], "down": [-9, 0, 0, 0]})
    table = Table.fit(X, "discretized_logistic")
    (block,) = table.joint()
    x = table.encode(X)
    assert (table.scale[0] > 0) and (table.scale[1] < 0)
    torch.testing.assert_close(block.columns.lower, x.amin(dim=0), rtol=0, atol=0)
    torch.testing.assert_close(block.columns.upper, x.amax(dim=0), rtol=0, atol=0)
    torch.testing.assert_close(block.columns.scale, torch.tensor(table.scale))


def test_whole_numbers_of_a_table_sum_to_one_over_their_range():
    X = pd.DataFrame({"a": [0, 0, 1, 6, 2], "b": [-70, 3, 4, 4, 3]})
    table = Table.fit(X, "discretized_logistic")
    joint = table.joint()
    heads = [block.family.start(table.encode(X)[:, block.position], block.columns) for block in joint]
    grid = pd.DataFrame([(a, b) for a in range(7) for b in range(-70, 5)], columns=["a", "b"])
    assert joint.log_prob(table.encode(grid)[None], heads).exp().sum().item() == pytest.approx(1.0, rel=1e-9)


def test_what_lies_outside_the_observed_range_is_not_produced():
    X = pd.DataFrame({"a": np.arange(10), "b": -(np.arange(10) ** 2)})
    table = Table.fit(X, "auto")
    joint = table.joint()
    wild = {
        "loc": torch.zeros(1, 500, 2),
        "log_scale": torch.full((1, 1, 2), 4.0),
        "row_factor": torch.zeros(1, 500, 2),
    }
    wild = {name: value.double() for name, value in wild.items()}
    drawn = table.decode(joint.sample([wild], torch.Generator().manual_seed(0))[0])
    assert drawn.min().tolist() == [0, -81]
    assert drawn.max().tolist() == [9, 0]
    assert drawn.dtypes.tolist() == X.dtypes.tolist()


# -- sentences -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_an_infinity_gets_a_sentence(container, value):
    X = SKEWED.copy()
    X[4, 1] = value
    for call in (
        lambda: Table.fit(container(X), "auto"),
        lambda: Table.fit(container(SKEWED), "auto").encode(container(X)),
    ):
        with pytest.raises(ValueError, match=rf"column 1 holds {value} in row 4. Replace infinities by NaN"):
            call()


@pytest.mark.parametrize("column", [np.full(N, np.nan), pd.array([None] * N, dtype="Int64"), [None] * N])
def test_an_empty_column_gets_a_sentence(column):
    X = pd.DataFrame({"a": SKEWED[:, 0], "empty": column})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"but all cells of column 'empty' are missing. Drop the column"):
            Table.fit(X, "auto")


@pytest.mark.parametrize(
    ("likelihood", "value", "needs"),
    [
        ("poisson", -1.0, "non-negative whole numbers up to 4e8"),
        ("poisson", 0.5, "non-negative whole numbers up to 4e8"),
        ("bernoulli", 1.5, "values between 0 and 1"),
        ("discretized_logistic", 0.5, "whole numbers"),
    ],
)
def test_a_value_outside_the_support_gets_a_sentence(likelihood, value, needs):
    X = pd.DataFrame({"a": SKEWED[:, 0], "visits": np.tile([0.0, 1.0], N // 2)})
    good = Table.fit(X, {"visits": likelihood})
    X.loc[2, "visits"] = value
    sentence = f"Column 'visits' uses the '{likelihood}' likelihood, which needs {needs}, but row 2 holds {value:g}."
    for call in (lambda: Table.fit(X, {"visits": likelihood}), lambda: good.encode(X)):
        with pytest.raises(ValueError, match=sentence):
            call()


@pytest.mark.parametrize(("dtype", "near", "far"), [("float32", 1e11, "3e+38"), ("float64", 1e139, "1e+300")])
@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
@pytest.mark.parametrize("as_rows", [np.asarray, pd.DataFrame])
def test_a_number_whose_square_overflows_gets_a_sentence(dtype, near, far, likelihood, as_rows):
    X = as_rows(np.random.default_rng(0).normal(size=(50, 2)).astype(dtype))
    vae = VAETransformer(2, likelihood=likelihood, max_iter=1, hidden_layer_sizes=(4,), random_state=0).fit(X)
    rows = np.array(X[:3])
    rows[1, 0] = near
    for call in (vae.transform, vae.score_samples, vae.log_likelihood, vae.reconstruct):
        assert np.isfinite(np.asarray(call(as_rows(rows)))).all()
    rows[1, 0] = float(far)
    for call in (vae.transform, vae.score_samples, vae.reconstruct, vae.impute, vae.partial_fit):
        with pytest.raises(ValueError, match=f"but column 0 holds {re.escape(far)} in row 1, farther than"):
            call(as_rows(rows))


def test_numbers_that_training_cannot_square_get_a_sentence():
    X = np.random.default_rng(0).normal(size=(50, 2))
    quick = VAETransformer(2, max_iter=1, hidden_layer_sizes=(4,), random_state=0)
    with pytest.raises(ValueError, match=r"fit into a float32, but column 1 holds 1e\+20 in row 0, farther than \d"):
        quick.fit(X, X_val=np.array([[0.0, 1e20]]))
    with pytest.raises(ValueError, match=r"fit into a float32, but column 1 holds 1e\+20 in row 0"):
        quick.fit(X).sample(given={1: 1e20})


@pytest.mark.parametrize("constant", [0.0, 1e-6, 7.25, -1e9])
@pytest.mark.parametrize("likelihood", ["student_t", Gaussian("column"), "discretized_logistic"])
@pytest.mark.parametrize("as_rows", [np.asarray, pd.DataFrame])
def test_a_constant_with_a_scale_of_its_own_comes_back(constant, likelihood, as_rows):
    constant = np.rint(constant) if likelihood == "discretized_logistic" else constant
    X = as_rows(np.column_stack([np.arange(9.0), np.full(9, constant)]))
    table = Table.fit(X, likelihood)
    noisy = table.encode(X) + torch.randn(9, 2, generator=torch.Generator().manual_seed(0)).double()
    assert (np.asarray(table.decode(noisy))[:, 1] == constant).all()
    assert (np.asarray(table.decode(noisy))[:, 0] != np.arange(9.0)).any()


def test_numbers_without_a_scale_are_held_as_far_as_there_are_any():
    table = Table.fit(np.array([[0.0], [1.0]]), "histogram")
    assert table.encode(np.array([[1e300], [-1e300]])).tolist() == [[0.999], [0.0]]


def test_a_gap_is_in_every_support():
    X = np.array([[0.0, 1.0], [np.nan, 0.0], [1.0, np.nan]])
    for likelihood in ("poisson", "bernoulli", "discretized_logistic", "categorical", "gaussian"):
        assert Table.fit(X, likelihood).encode(X).isnan().sum() == 2


@pytest.mark.parametrize(("likelihood", "size"), [("auto", 1e200), ("auto", 1e308), ("student_t", 1e308)])
def test_a_variance_that_overflows_gets_a_sentence(likelihood, size):
    X = SKEWED.copy()
    X[:, 2] = np.where(np.arange(N) % 3, size, -size)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"that of column 2 overflows. Divide the column by a large constant"):
            Table.fit(X, likelihood)


@pytest.mark.parametrize("size", [1e150, 1e-150])
def test_very_large_and_very_small_numbers_are_encoded_all_the_same(size):
    X = SKEWED * size
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = Table.fit(X, "student_t").encode(X)
    torch.testing.assert_close(x, Table.fit(SKEWED, "student_t").encode(SKEWED))


def test_an_unseen_category_warns_and_is_missing():
    X = make_frame(["category", "float64"], 0)
    table = Table.fit(X, "auto")
    new = X.copy()
    new["category 0"] = new["category 0"].astype(object)
    new.iloc[5, 0] = "unheard of"
    with pytest.warns(UserWarning, match="holds 'unheard of', which was not seen at fit"):
        x = table.encode(new)
    assert x.isnan().sum() == 1
    assert x[5, 0].isnan()


def test_names_and_container():
    assert [c.name for c in Table.fit(SKEWED, "auto").columns] == [0, 1, 2]
    assert not Table.fit(SKEWED, "auto").is_frame
    assert list(Table.fit(pd.DataFrame(SKEWED, columns=list("abc")), "auto").labels) == ["a", "b", "c"]
    assert Table.fit(pd.DataFrame(SKEWED), "auto").is_frame


@pytest.mark.parametrize(("likelihood", "family"), [("auto", Bernoulli()), ("poisson", Poisson())])
def test_choices_reach_the_families(likelihood, family):
    X = make_array("bool" if likelihood == "auto" else "uint8")
    assert Table.fit(X, likelihood).families == [family] * 3


# -- times and histograms ------------------------------------------------------------------------------------

TIMES = {
    "datetime64[ns]": lambda rng: pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, N), unit="h"),
    "zoned": lambda rng: pd.date_range("2021-03-01", periods=N, tz="Europe/Oslo")[rng.permutation(N)],
    "timedelta64[s]": lambda rng: pd.to_timedelta(rng.integers(-50, 900, N), unit="s"),
    "period[M]": lambda rng: pd.period_range("2020-01", periods=N, freq="M")[rng.permutation(N)],
}


@given(
    kinds=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=6),
    times=st.lists(st.sampled_from(sorted(TIMES)), max_size=2),
    seed=st.integers(0, 2**31),
    add_indicator=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_frame_with_gaps_comes_back_through_histograms(kinds, times, seed, add_indicator):
    X, rng = make_frame(kinds, seed), np.random.default_rng(seed)
    for i, kind in enumerate(times):
        X[f"{kind} t{i}"] = TIMES[kind](rng)
    for name in X.columns:
        if rng.random() < 0.5 and X[name].dtype not in ("bool", "int64", "int8", "uint16"):
            gap = None if X[name].dtype == object else pd.NA
            X[name] = X[name].mask(rng.random(N) < 0.2, gap)
    table = Table.fit(X, histograms=True, add_indicator=add_indicator)
    x = table.encode(X)
    indicated = X.columns[X.isna().any()] if add_indicator else []
    assert x.shape == (N, len(indicated) + X.shape[1])
    assert_array_equal(x[:, : len(indicated)].numpy(), X[indicated].isna() if add_indicator else np.empty((N, 0)))
    assert_array_equal(x[:, len(indicated) :].isnan().numpy(), X.isna().to_numpy())
    back = table.decode(x, X.index)
    pd.testing.assert_frame_equal(back, X, check_exact=False, rtol=1e-9, check_column_type=False)
    assert table.log_jacobian(x).isfinite().all()


@pytest.mark.parametrize("dtype", [name for name in ARRAYS if name != "bool"])
def test_an_array_comes_back_through_histograms(dtype):
    X = make_array(dtype)
    table = Table.fit(X, "histogram")
    back = table.decode(table.encode(X))
    assert back.dtype == X.dtype
    assert_allclose(back, X, rtol={4: 1e-3, 8: 1e-9}[X.itemsize] if X.dtype.kind == "f" else 0)


def some_numbers(n=3000):
    rng = np.random.default_rng(0)
    a = np.where(rng.random(n) < 0.3, 0.0, rng.gamma(2.0, 100.0, n))
    return np.column_stack([a, rng.normal(size=n)])


def test_log_jacobian_of_histograms_is_minus_the_log_width():
    X = some_numbers()
    X[4] = np.nan
    table = Table.fit(X, "histogram")
    jacobian = table.log_jacobian(table.encode(X)).numpy()
    expected = np.zeros(len(X))
    for values, column in zip(X.T, table.columns, strict=True):
        begin, end = column.edges[column.edges[:, 0] < column.edges[:, 1]].T  # without the zeros, which are no range
        log_width = np.log(end - begin)[np.searchsorted(begin, values, side="right") - 1]
        expected -= np.where(np.isnan(values) | (values == 0), 0.0, log_width)
    assert jacobian[4] == 0.0
    assert_allclose(jacobian, expected, rtol=1e-9, atol=1e-9)


def log_density(table, X):
    """Of independent columns, at their frequencies in X, in the units of X."""
    x, joint = table.encode(X), table.joint()
    heads = [block.family.start(x[:, block.position], block.columns) for block in joint]
    heads = [{name: value.expand(1, len(X), -1) for name, value in block.items()} for block in heads]
    return (joint.log_prob(x[None], heads)[0] + table.log_jacobian(x)).numpy()


@pytest.mark.parametrize("a", [0.001, 7.0, 1e6])
def test_a_change_of_units_moves_the_density_of_histograms_by_its_jacobian(a):
    X = some_numbers()
    Y = a * X + np.array([0.0, 5.0])
    n_densities = (X != 0).sum(axis=1)  # the share of zeros is a probability, and none of its units
    moved = log_density(Table.fit(Y, "histogram"), Y) - log_density(Table.fit(X, "histogram"), X)
    assert_allclose(moved, -np.log(a) * n_densities, rtol=1e-6, atol=1e-5)


def test_the_density_of_histograms_is_numpys():
    X = some_numbers()[:, 1:]
    table = Table.fit(X, "histogram")
    edges = table.columns[0].edges
    shares, ends = np.histogram(X, np.append(edges[:, 0], edges[-1, 1]))
    smoothed = (shares + 0.5) / (shares + 0.5).sum() / np.diff(ends)
    expected = np.log(smoothed)[np.clip(np.searchsorted(ends, X[:, 0], side="right") - 1, 0, len(shares) - 1)]
    assert_allclose(log_density(table, X), expected, rtol=1e-9)


def test_edges_of_histograms_reach_the_likelihood_from_zero_to_one():
    X = some_numbers()
    table = Table.fit(pd.DataFrame(X, columns=["a", "b"]).assign(k=["x", "y"] * (len(X) // 2)), histograms=True)
    blocks = {block.family: block for block in table.joint()}
    edges = blocks[Histogram()].columns.edges
    n_levels = blocks[Histogram()].columns.n_levels.tolist()
    assert n_levels == [len(column.edges) for column in table.columns[:2]]
    assert len(edges) == sum(n_levels)
    for part, column in zip(torch.split(edges, n_levels), table.columns[:2], strict=True):
        ends = column.bins.edges
        torch.testing.assert_close(part, torch.from_numpy((ends - ends.min()) / np.ptp(ends)))


# -- where the gaps are --------------------------------------------------------------------------------------


def with_gaps():
    X = make_frame(["float64", "category", "Int64", "int64", "ordered", "boolean"], 0)
    for first, name in enumerate(["float64 0", "category 1", "boolean 5"]):
        X.loc[X.index[first::7], name] = np.nan if name != "boolean 5" else pd.NA
    return X


def test_indicators_come_first_and_say_where_the_gaps_are():
    X = with_gaps()
    table = Table.fit(X, add_indicator=True)
    assert table.indicated == [0, 1, 5]
    assert [type(column) for column in table.columns[:3]] == [GapColumn] * 3
    assert [column.name for column in table.columns] == ["float64 0", "category 1", "boolean 5", *X.columns]
    assert table.families[:3] == [Categorical()] * 3
    assert table.gaps.tolist() == [False] * 3 + X.isna().any().tolist()
    x = table.encode(X)
    assert_array_equal(x[:, :3].numpy(), X[["float64 0", "category 1", "boolean 5"]].isna())
    torch.testing.assert_close(x[:, 3:], Table.fit(X).encode(X), equal_nan=True)


def test_an_indicator_makes_a_gap_of_what_was_drawn():
    X = with_gaps()
    table = Table.fit(X, add_indicator=True)
    whole = X.copy()
    for name in X:
        whole[name] = X[name].ffill().bfill()
    x = table.encode(whole)
    assert (x[:, :3] == 0).all()
    x[:, :3] = torch.from_numpy(X[["float64 0", "category 1", "boolean 5"]].isna().to_numpy())
    pd.testing.assert_frame_equal(table.decode(x, X.index), X)
    pd.testing.assert_frame_equal(table.decode(x.clone().index_fill(1, torch.arange(3), 0.0), X.index), whole)


def test_the_joint_knows_which_column_an_indicator_belongs_to():
    X = with_gaps()
    table = Table.fit(X, add_indicator=True)
    joint = table.joint()
    assert joint.indicators == {3: 0, 4: 1, 8: 2}
    assert {block.family: block.index for block in joint}[Categorical()] == [0, 1, 2, 4, 8]
    assert [block.columns.n_levels.tolist() for block in joint if block.family == Categorical()] == [[2, 2, 2, 3, 2]]
    assert Table.fit(X).joint().indicators == {}


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_no_gaps_no_indicators(container):
    table = Table.fit(container(SKEWED), add_indicator=True)
    assert table.indicated == []
    assert_array_equal(table.encode(container(SKEWED)), Table.fit(container(SKEWED)).encode(container(SKEWED)))


def test_indicators_of_an_array():
    X = SKEWED.copy()
    X[3, 1] = X[5, 2] = X[6, 2] = np.nan
    table = Table.fit(X, add_indicator=True)
    x = table.encode(X)
    assert x.shape == (N, 5)
    assert x[:, 0].nonzero().flatten().tolist() == [3]
    assert x[:, 1].nonzero().flatten().tolist() == [5, 6]
    assert_allclose(table.decode(x), X)


def test_an_indicator_has_no_units():
    X = SKEWED.copy()
    X[3, 1] = np.nan
    with_indicator, without = Table.fit(X, "student_t", add_indicator=True), Table.fit(X, "student_t")
    torch.testing.assert_close(
        with_indicator.log_jacobian(with_indicator.encode(X)), without.log_jacobian(without.encode(X))
    )


# -- conditions ----------------------------------------------------------------------------------------------


def conditions_table(**options):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.normal(100, 5, 200),
            "age": rng.integers(18, 90, 200),
            "kind": rng.choice(["a", "b"], 200),
            "grade": pd.Categorical(rng.choice(["low", "high"], 200), ["low", "high", "never"], ordered=True),
            "flag": rng.random(200) < 0.5,
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 500, 200), unit="D"),
            "income": np.round(rng.lognormal(10, 1, 200), 2),
            "visits": pd.array(rng.poisson(2, 200), dtype="Int64"),
        }
    )
    X.loc[[3, 5], "size"] = np.nan
    X.loc[4, "when"] = pd.NaT
    return X, Table.fit(X, {"income": "histogram", "visits": "poisson"}, **options)


@pytest.mark.parametrize("add_indicator", [False, True])
def test_a_condition_is_encoded_as_rows_are(add_indicator):
    X, table = conditions_table(add_indicator=add_indicator)
    n = 2 * add_indicator
    whole = X.dropna()
    torch.testing.assert_close(table.encode_condition(whole), table.encode(whole))
    for names in (["kind"], ["income", "size"], ["when", "flag", "age"]):
        x = table.encode_condition(whole[names])
        position = [n + list(X.columns).index(name) for name in names]
        torch.testing.assert_close(x[:, position], table.encode(whole)[:, position])
        others = [j for j in range(n, n + 8) if j not in position]
        assert x[:, others].isnan().all()
        for j, name in enumerate(["size", "when"][:n]):  # what is given is no gap; whether another is, is to be drawn
            assert (x[:, j] == 0).all() if name in names else x[:, j].isnan().all()


def test_gaps_of_a_condition_are_to_be_drawn():
    X, table = conditions_table(add_indicator=True)
    x = table.encode_condition(X)
    assert_array_equal(x[:, 2:].isnan().numpy(), X.isna().to_numpy())
    assert_array_equal(x[:, :2].isnan().numpy(), X[["size", "when"]].isna().to_numpy())
    assert (x[:, :2].nan_to_num(nan=0.0) == 0).all()


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ("110", "size", 110.0),
        (30.0, "age", 30),
        ("2020-02-01", "when", pd.Timestamp("2020-02-01")),
        (1, "flag", True),
        (np.float32(3.0), "visits", 3),
        ("low", "grade", "low"),
    ],
)
def test_a_condition_may_be_of_another_type(given, name, value):
    X, table = conditions_table()
    expected = table.encode_condition(pd.DataFrame({name: pd.Series([value], dtype=X[name].dtype)}))
    torch.testing.assert_close(table.encode_condition(pd.DataFrame({name: [given]})), expected, equal_nan=True)
    assert (~expected.isnan()).sum() == 1


NEEDS = "A condition needs a positive probability, but "
IMPOSSIBLE = [
    ("kind", "z", rf"{NEEDS}'z' has none in column 'kind', .* Pass one of \['a', 'b'\]"),
    ("kind", 3, f"{NEEDS}.*3.* has none in column 'kind', which held nothing like it at fit"),
    ("grade", "never", rf"{NEEDS}'never' has none in column 'grade', .* Pass one of \['low', 'high'\]"),
    ("age", 17, f"{NEEDS}17 has none in column 'age', .* Pass a value from 18 to 89"),
    ("age", 90, f"{NEEDS}90 has none in column 'age'"),
    ("when", pd.Timestamp("2019-12-31"), f"{NEEDS}.* has none in column 'when', .* Pass a value from 2020-01-0. .* to"),
    ("when", "2031-01-01", f"{NEEDS}'2031-01-01' has none in column 'when'"),
    ("income", -1.0, f"{NEEDS}-1.0 has none in column 'income', .* Pass a value from "),
    ("size", "tall", "Column 'size' holds float64, but the condition is 'tall' .* Pass a value from "),
    ("age", "old", "Column 'age' holds int64, but the condition is 'old'"),
    ("when", "soon", "Column 'when' holds datetime64.*, but the condition is 'soon' .* Pass a value from 2020-01-0"),
    ("age", 30.5, f"{NEEDS}30.5 has none in column 'age'"),
    ("flag", "maybe", f"{NEEDS}'maybe' has none in column 'flag'"),
    ("flag", "False", f"{NEEDS}'False' has none in column 'flag'"),
    ("when", pd.Timestamp("2020-02-01 05:30"), f"{NEEDS}.* has none in column 'when'"),
    ("visits", -1, f"{NEEDS}-1 has none in column 'visits', .* Pass one of the non-negative whole numbers up to 4e8"),
    ("size", np.inf, "inf"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), IMPOSSIBLE)
def test_an_impossible_condition_gets_a_sentence(name, value, sentence):
    _, table = conditions_table()
    with pytest.raises(ValueError, match=sentence):
        table.encode_condition(pd.DataFrame({name: [value]}))


def test_the_sentence_shows_the_value_at_fault():
    _, table = conditions_table()
    with pytest.raises(ValueError, match="but the condition is 'tall'"):
        table.encode_condition(pd.DataFrame({"size": [100.0, "tall"]}))


def test_a_condition_that_does_not_fit_into_the_dtype_is_named_as_it_was():
    table = Table.fit(pd.DataFrame({"a": np.arange(100, dtype=np.int8)}))
    with pytest.raises(ValueError, match=r"but 300 has none in column 'a'.* Pass a value from 0 to 99"):
        table.encode_condition(pd.DataFrame({"a": [300]}))


@pytest.mark.parametrize(
    ("likelihood", "column", "value", "remedy"),
    [
        ("poisson", [0, 3, 1], 0.5, "one of the non-negative whole numbers up to 4e8"),
        ("negative_binomial", [0, 3, 1], -2, "one of the non-negative whole numbers up to 4e8"),
        ("bernoulli", [0, 1, 1], 2, "one of the values between 0 and 1"),
        ("bernoulli", [False, True, True], 2, "True or False"),
        ("discretized_logistic", [5, 1_234_567, 7], 6.5, "a whole number from 5 to 1234567"),
        ("discretized_logistic", [0.0, 2.0, 1.0], 3, "a whole number from 0 to 2"),
        ("histogram", [0, 3, 1] * 20, 4, "a value from 0 to 3, one of 3 values"),
        ("categorical", [0, 3, 1], 4, r"one of \[0, 1, 3\]"),
        ("ordinal", [0, 3, 1], 4, r"one of \[0, 1, 3\]"),
        (
            "poisson",
            pd.to_datetime(["2020-01-03", "2020-01-01"]),
            "2019-12-31",
            "a value from 2020-01-01 .* to 2020-01-0",
        ),
        ("gaussian", pd.to_datetime(["2020-01-03", "2020-01-01"]), "soon", "a value from 2020-01-01 .* to 2020-01-0"),
        ("gaussian", [0.5, 3.0, 1.0], "tall", "one of the finite numbers"),
    ],
)
def test_the_sentence_says_what_the_family_needs(likelihood, column, value, remedy):
    table = Table.fit(pd.DataFrame({"a": column}), {"a": likelihood})
    with pytest.raises(ValueError, match=f"olumn 'a'.* Pass {remedy}"):
        table.encode_condition(pd.DataFrame({"a": [value]}))


NAIVE, OSLO = pd.Timestamp("2020-02-01"), pd.Timestamp("2020-02-01", tz="Europe/Oslo")
WITHOUT = r"Pass it without one: pandas.Timestamp\(…\).tz_localize\(None\)"
WITH = r"Pass it with one: pandas.Timestamp\(…, tz='Europe/Oslo'\)"


@pytest.mark.parametrize("likelihood", ["histogram", "gaussian"])
@pytest.mark.parametrize(
    ("fitted", "given", "remedy"),
    [
        (NAIVE, OSLO, WITHOUT),
        (NAIVE, OSLO.to_pydatetime(), WITHOUT),
        (NAIVE, "2020-02-01T00:00+01:00", WITHOUT),
        (OSLO, NAIVE, WITH),
        (OSLO, NAIVE.to_numpy(), WITH),
    ],
    ids=str,
)
def test_a_condition_has_a_time_zone_where_its_column_has_one(fitted, given, remedy, likelihood):
    moments = pd.Series(fitted + pd.to_timedelta(np.arange(40), unit="D"))
    sentence = f"A moment has a time zone where its column has one, but column 'when' holds datetime64.* {remedy}"
    for dtype in (moments.dtype, "timestamp[us][pyarrow]" if fitted is NAIVE else moments.dtype):
        table = Table.fit(pd.DataFrame({"when": moments.astype(dtype)}), {"when": likelihood})
        with pytest.raises(ValueError, match=sentence.replace("datetime64", "(datetime64|timestamp)")):
            table.encode_condition(pd.DataFrame({"when": [None, given]}))


@pytest.mark.parametrize("given", [OSLO, OSLO.tz_convert("UTC"), "2020-02-01", "2020-01-31T23:00Z"], ids=str)
def test_a_moment_of_another_zone_is_the_same_moment_and_text_is_local(given):
    X = pd.DataFrame({"when": OSLO + pd.to_timedelta(np.arange(40), unit="D")})
    table = Table.fit(X)
    torch.testing.assert_close(table.encode_condition(pd.DataFrame({"when": [given]})), table.encode(X[:1]))


def test_arrow_dictionaries_of_a_table_come_back_and_may_be_given():
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    X = pd.DataFrame({"a": pd.array(["b", "a", None, "b"], dtype=dtype), "x": [0.1, 0.7, 0.2, 0.4]})
    table = Table.fit(X)
    pd.testing.assert_frame_equal(table.decode(table.encode(X)), X)
    for known in (X[["a"]], pd.DataFrame({"a": ["b", "a", None, "b"]})):
        assert_array_equal(table.encode_condition(known)[:, 0], [1, 0, np.nan, 1])
    with pytest.raises(ValueError, match=r"'c' has none in column 'a', .* Pass one of \['a', 'b'\]"):
        table.encode_condition(pd.DataFrame({"a": ["c"]}))


# -- centers -------------------------------------------------------------------------------------------------


def test_the_center_of_draws_is_the_mean_of_numbers_and_the_mode_of_categories():
    X, table = conditions_table(add_indicator=True)
    X = X.dropna().iloc[:90]
    draws = table.encode(X).view(9, 10, -1)
    center = table.decode(table.center(draws))
    by_draw = [X.iloc[10 * m : 10 * (m + 1)].reset_index(drop=True) for m in range(9)]
    stacked = pd.concat(by_draw).groupby(level=0)
    assert_allclose(center["size"], stacked["size"].mean())
    assert_allclose(center["age"], np.rint(stacked["age"].mean()), atol=2)  # values that were seen
    assert_allclose(center["income"], stacked["income"].mean(), rtol=0.05)
    assert_allclose(center["visits"].astype(float), np.rint(stacked["visits"].mean().astype(float)), atol=1)
    for name in ("kind", "flag", "grade"):
        counts = [frame[name].astype(str) for frame in by_draw]
        for i, value in enumerate(center[name].astype(str)):
            seen = [column[i] for column in counts]
            assert seen.count(value) == max(seen.count(other) for other in set(seen)), name
    days = (stacked["when"].mean() - center["when"]).abs()
    assert days.max() < pd.Timedelta("5D")


def test_the_center_of_one_draw_is_the_draw():
    X, table = conditions_table(add_indicator=True)
    x = table.encode(X.dropna())
    torch.testing.assert_close(table.center(x[None]), x)


def test_impossible_cells_are_categories_and_values_that_fit_did_not_see():
    frame = pd.DataFrame({"n": [1.0, 2.0, 3.0, None], "word": ["a", "b", None, "a"], "h": [1.0, 5.0, 5.0, 9.0]})
    table = Table.fit(frame, {"n": "student_t", "h": "histogram"})
    assert_array_equal(table.n_impossible(frame), 0)
    later = pd.DataFrame({"n": [1e9, 2.0, np.nan], "word": ["c", "a", None], "h": [99.0, -1.0, np.nan]})
    assert_array_equal(table.n_impossible(later), [2, 1, 0])
    assert_array_equal(Table.fit(np.eye(3)).n_impossible(np.full((2, 3), 7.0)), 0)


def test_what_is_no_table_gets_a_sentence():
    check_is_table(None)
    with pytest.raises(TypeError, match="table must be a Table, got int"):
        check_is_table(3)


# -- for models whose columns see one another ------------------------------------------------------------------------


@pytest.mark.parametrize("add_indicator", [False, True])
def test_columns_that_see_one_another_are_told_of_all_gaps(add_indicator, mixed):
    table = Table.fit(mixed, add_indicator=add_indicator)
    of_columns = table.of_columns
    has_gaps = mixed.isna().any().to_numpy()
    assert of_columns.indicated == np.flatnonzero(has_gaps).tolist()
    x, shown = table.encode(mixed), of_columns.encode(mixed)
    assert_array_equal(table.with_gaps_shown(x), shown)
    assert_array_equal(shown[:, : has_gaps.sum()], mixed.loc[:, has_gaps].isna())
    kept = [column for column in mixed if mixed[column].dtype != np.float32]  # whose levels are rounded to their own
    pd.testing.assert_frame_equal(of_columns.decode(shown, mixed.index)[kept], table.decode(x, mixed.index)[kept])


def test_numbers_are_levels_among_other_columns_and_mixtures_given_any_others(mixed):
    of_columns = Table.fit(mixed, {"age": "poisson"}).of_columns
    families = {column.name: column.family.name for column in of_columns.data}
    assert (families["size"], families["age"], families["kind"]) == ("histogram", "poisson", "categorical")
    numbers = {type(block.family).__name__ for block in of_columns.joint(given_others=True)}
    assert "ScoreMixture" in numbers and "Histogram" not in numbers


def test_levels_have_labels(mixed):
    table = Table.fit(mixed)
    columns = {column.name: codec for column, codec in zip(table.data, table.data_columns, strict=True)}
    assert list(columns["kind"].level_labels) == ["large", "small"]
    assert list(columns["city"].level_labels) == ["Oslo", "Rome"]  # of the levels that were seen
    ranges = columns["size"].level_labels
    assert len(ranges) == len(columns["size"].edges)
    assert ranges.is_monotonic_increasing
    assert (ranges.left.min(), ranges.right.max()) == pytest.approx((mixed["size"].min(), mixed["size"].max()))
    assert Table.fit(mixed, "gaussian").data_columns[0].level_labels is None


def test_places_are_told_apart_more_finely_where_cells_may_be_equal():
    X = bills(800)
    table = Table.fit(X)
    fine, coarse = table.rulers(), replace(table, copies=()).rulers()
    assert [len(ruler.points) // len(ruler.begins) for ruler in (*fine, *coarse)] == [256, 256, 8, 8]
    without = replace(table, copies=())
    assert without.with_copies_of(X[:20]) is without
    assert table.of_columns.copies is table.copies
