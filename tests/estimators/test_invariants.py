"""What always holds: the bound, units, order, seeds, containers, gaps, persistence, and the line as a floor."""

import copy
import pickle
import random
import warnings
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer
from skvae.likelihoods import Gaussian
from skvae.priors import fit_prior
from tests.conftest import TINY

FROZEN = {"early_stopping": False, "max_iter": 1, "learning_rate": 1e-12}  # the start, as good as untrained


def evidence(X, n_components):
    """Mean and covariance of the maximum-likelihood probabilistic PCA (Tipping and Bishop 1999, eq. 7, 8)."""
    values, axes = np.linalg.eigh(np.cov(X.T))
    values, axes = values[::-1], axes[:, ::-1]
    noise = values[n_components:].mean()
    axes = axes[:, :n_components] * np.sqrt(values[:n_components] - noise)
    return X.mean(axis=0), axes @ axes.T + noise * np.eye(X.shape[1]), noise


def wine():
    return StandardScaler().fit_transform(load_wine().data)


# -- the bound is a bound ----------------------------------------------------------------------------------------


def test_the_first_bound_is_the_exact_log_likelihood_of_probabilistic_pca(tiny, iris):
    vae = VAETransformer(**tiny | FROZEN).fit(iris)
    mean, covariance, _ = evidence(iris, 2)
    expected = multivariate_normal(mean, covariance).logpdf(iris)
    assert_allclose(vae.score_samples(iris), expected, atol=1e-4)  # weights are float32
    assert_allclose(vae.log_likelihood(iris, n_draws=3), expected, atol=1e-4)


@pytest.mark.parametrize("likelihood", ["auto", "student_t", Gaussian("row")], ids=str)
def test_score_is_below_the_importance_weighted_bound_which_grows_with_its_draws(likelihood, tiny, iris):
    vae = VAETransformer(likelihood=likelihood, init="random", **tiny | {"max_iter": 10}).fit(iris)
    bounds = [vae.log_likelihood(iris, n_draws=n).mean() for n in (1, 20, 400)]
    assert bounds[0] < bounds[1] < bounds[2]
    assert vae.score(iris) < bounds[2] - 0.01  # this posterior is not exact
    assert vae.score(iris) == vae.score_samples(iris).mean()


def test_score_of_a_mixed_table_is_below_its_log_likelihood(model_of_mixed, tiny, mixed):
    vae = model_of_mixed
    assert vae.score(mixed) <= vae.log_likelihood(mixed, n_draws=400).mean() + 1e-2
    wholly_discrete = mixed[["age", "flag", "kind", "grade", "visits"]]
    plain = VAETransformer(decoder="factorized", **tiny).fit(wholly_discrete)
    assert (plain.score_samples(wholly_discrete) < 0).all()  # probabilities


def test_log_likelihood_is_seeded(tiny, iris):
    vae = VAETransformer(init="random", **tiny).fit(iris)
    first = vae.log_likelihood(iris, n_draws=3)
    assert_array_equal(vae.log_likelihood(iris, n_draws=3), first)
    assert not np.array_equal(vae.log_likelihood(iris, n_draws=3, random_state=1), first)


# -- units -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("likelihood", "a"),
    [
        ("auto", 3.7),
        ("auto", -0.02),
        (Gaussian("row"), np.array([1e3, 0.1, 2.0, 5.0])),
        (Gaussian("row"), np.array([1e3, -0.1, 2.0, -5.0])),
        ("student_t", -250.0),
        ("student_t", np.array([3.0, -0.01, 1000.0, -7.0])),
    ],
    ids=str,
)
def test_a_change_of_units_moves_the_score_by_its_jacobian_and_nothing_else(likelihood, a, tiny, iris):
    b = np.array([100.0, -3.0, 0.0, 7.0])
    one = VAETransformer(likelihood=likelihood, **tiny).fit(iris)
    other = VAETransformer(likelihood=likelihood, **tiny).fit(a * iris + b)
    jacobian, is_turned = np.log(np.abs(np.broadcast_to(a, 4))).sum(), np.any(np.asarray(a) < 0)
    Z, before = other.transform(a * iris + b), one.transform(iris)
    signs = np.sign((Z * before).sum(axis=0))  # components turn around with the columns, as PCA's do
    assert is_turned or (signs == 1).all()
    assert_allclose(Z, signs * before, atol=1e-3)
    atol = 0.03 if is_turned else 1e-3  # fixed nodes are not symmetric in each component
    assert_allclose(other.score(a * iris + b), one.score(iris) - jacobian, atol=atol)
    assert_allclose(
        other.log_likelihood(a * iris + b), one.log_likelihood(iris) - jacobian, atol=0.2 if is_turned else 1e-3
    )
    if not is_turned:
        assert_allclose(other.sample(50), a * one.sample(50) + b, rtol=1e-3, atol=1e-3 * np.abs(a).max())
    assert_allclose(other.history_["elbo"][1:], np.array(one.history_["elbo"][1:]) - jacobian, atol=1e-3)
    if likelihood == "auto":
        assert_allclose(other.noise_variance_, a**2 * one.noise_variance_, rtol=1e-4)


def test_units_of_a_whole_number_are_its_own(tiny, mixed):
    """A probability has no Jacobian: shifted whole numbers score the same, and mirrored ones where levels mirror."""
    X = mixed[["age", "small_int"]]
    for likelihood, other in [("auto", X.age + 1000), ("discretized_logistic", 1000 - X.age)]:
        scores = [
            VAETransformer(likelihood=likelihood, decoder="factorized", **tiny).fit(rows).score(rows)
            for rows in (X, X.assign(age=other))
        ]
        assert_allclose(scores[1], scores[0], atol=1e-3)


# -- order -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model_of_flowers(iris):
    return VAETransformer(**TINY).fit(flowers(iris))


def flowers(iris):
    return pd.DataFrame(iris[:60]).rename(columns=str)


@pytest.mark.parametrize("table", ["flowers", "mixed"])
@pytest.mark.parametrize("method", ["transform", "posterior", "score_samples", "log_likelihood"])
def test_a_row_has_one_answer_alone_in_a_batch_and_in_any_order(method, table, iris, mixed, request):
    X = mixed if table == "mixed" else flowers(iris)
    ask = getattr(request.getfixturevalue(f"model_of_{table}"), method)

    def answer(rows):
        return np.hstack(ask(rows)) if method == "posterior" else ask(rows)

    together, order = answer(X), np.random.default_rng(0).permutation(len(X))
    assert_allclose(answer(X.iloc[order]), together[order], rtol=1e-9, atol=1e-9)
    alone = np.concatenate([answer(X.iloc[[i]]) for i in range(8)])
    assert_allclose(alone, together[:8], rtol=1e-9, atol=1e-9)
    twice = answer(pd.concat([X, X]))
    assert_allclose(twice[len(X) :], together, rtol=1e-9, atol=1e-9)


# -- seeds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["iris", "mixed"])
def test_one_seed_is_one_model(table, tiny, request):
    X = request.getfixturevalue(table)
    settings = tiny | {"dropout": 0.2, "input_dropout": 0.2, "early_stopping": False, "init": "random"}
    one, other = (VAETransformer(**settings).fit(X) for _ in range(2))
    assert_array_equal(one.transform(X), other.transform(X))
    assert_array_equal(one.score_samples(X), other.score_samples(X))
    pd.testing.assert_frame_equal(pd.DataFrame(one.sample(20)), pd.DataFrame(other.sample(20)), check_exact=True)
    another = VAETransformer(decoder="factorized", **settings | {"random_state": 1}).fit(X)
    assert not np.array_equal(another.transform(X), one.transform(X))


def test_draws_are_seeded(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    assert_array_equal(vae.sample(5, random_state=3), vae.sample(5, random_state=3))
    assert not np.array_equal(vae.sample(5, random_state=3), vae.sample(5, random_state=4))
    draws = [vae.reconstruct(iris, stochastic=True, random_state=seed) for seed in (3, 3, 4)]
    assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    state = np.random.RandomState(0)
    assert not np.array_equal(vae.sample(5, random_state=state), vae.sample(5, random_state=state))


def global_state():
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],  # noqa: NPY002
        "python": random.getstate(),
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "matmul": torch.get_float32_matmul_precision(),
        "errors": np.geterr(),
        "warnings": copy.copy(warnings.filters),
    }


def user_network(n_in, n_out):
    """A network that takes its weights from torch's global generator."""
    return torch.nn.Linear(n_in, n_out)


@pytest.mark.parametrize(("threads", "decoder"), [(1, "auto"), (2, "factorized")])
def test_nothing_global_moves(threads, decoder, tiny, mixed):
    before_all = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        before = global_state()
        vae = VAETransformer(encoder=user_network, decoder=decoder, dropout=0.1, **tiny).fit(mixed)
        (
            vae.score(mixed),
            vae.log_likelihood(mixed, n_draws=2),
            vae.sample(3),
            vae.reconstruct(mixed, stochastic=True),
        )
        vae.inverse_transform(vae.transform(mixed)), pickle.loads(pickle.dumps(vae))
        with pytest.raises(ValueError, match="likelihood"):
            VAETransformer(likelihood={"size": "poisson"}, **tiny).fit(mixed)
        assert global_state() == before
    finally:
        torch.set_num_threads(before_all)


def test_the_global_generators_do_not_reach_a_seeded_fit(tiny, iris):
    results = []
    for seed in (0, 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            results.append(VAETransformer(encoder=user_network, dropout=0.1, **tiny).fit(iris).transform(iris))
    assert_array_equal(*results)


def test_fits_in_threads_do_not_meet(tiny, iris):
    """Fits that run at the same time draw from generators of their own, also for dropout."""

    def fit(seed):
        settings = tiny | {"random_state": seed, "max_iter": 20, "early_stopping": False}
        return VAETransformer(dropout=0.3, **settings).fit(iris).transform(iris)

    alone = [fit(seed) for seed in range(4)]
    before = torch.get_rng_state()
    together = joblib.Parallel(n_jobs=4, backend="threading")(joblib.delayed(fit)(seed) for seed in range(4))
    assert_array_equal(together, alone)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_default_dtype_is_not_in_the_way(tiny, iris):
    expected = VAETransformer(**tiny).fit(iris).score(iris)
    torch.set_default_dtype(torch.float64)
    try:
        vae = VAETransformer(**tiny).fit(iris)
        assert torch.get_default_dtype() == torch.float64
        assert {p.dtype for p in vae.vae_.parameters()} == {torch.float32}
        assert_allclose(vae.score(iris), expected, atol=0.1)
        assert vae.sample(3).shape == (3, 4)
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_input_is_not_written_to(tiny, mixed, iris):
    before = mixed.copy(deep=True)
    vae = VAETransformer(**tiny | {"max_iter": 1}).fit(mixed)
    vae.score(mixed), vae.reconstruct(mixed)
    pd.testing.assert_frame_equal(mixed, before)
    X = np.array(iris)
    Z = VAETransformer(**tiny).fit(X).transform(X)
    copy_of_Z = Z.copy()
    VAETransformer(**tiny).fit(X).inverse_transform(Z)
    assert_array_equal(X, iris)
    assert_array_equal(Z, copy_of_Z)


# -- containers --------------------------------------------------------------------------------------------------

DTYPES = ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_back_in_their_dtype(dtype, tiny):
    X = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, size=(40, 5)).astype(dtype)
    vae = VAETransformer(**tiny).fit(X)
    Z = vae.transform(X)
    assert Z.dtype == (np.float32 if dtype == "float32" else np.float64)
    for back in (
        vae.inverse_transform(Z),
        vae.reconstruct(X),
        vae.reconstruct(X, stochastic=True),
        vae.sample(40),
    ):
        assert isinstance(back, np.ndarray)
        assert (back.dtype, back.shape) == (X.dtype, X.shape)
    assert vae.score_samples(X).shape == (40,)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_whole_numbers_stay_in_the_observed_range(dtype, tiny):
    X = np.random.default_rng(0).integers(3, 120, size=(40, 3)).astype(dtype)
    draws = VAETransformer(likelihood="discretized_logistic", **tiny).fit(X).sample(2000)
    assert draws.dtype == X.dtype
    assert (draws >= X.min(axis=0)).all()
    assert (draws <= X.max(axis=0)).all()
    assert len(np.unique(draws[:, 0])) > 50


def test_large_integers_are_exact_at_the_ends_of_their_type(tiny):
    X = np.array([[0, 2**63 - 1], [1, -(2**63)], [1, 5], [0, 7]])
    draws = VAETransformer(**tiny).fit(X).sample(200)
    assert draws.dtype == np.int64  # a float above the largest integer does not wrap around to the smallest
    assert (np.sign(draws[:, 1]) > 0).mean() == pytest.approx(0.5, abs=0.2)


def test_layout_and_ownership_of_an_array_do_not_matter(tiny, iris, tmp_path):
    expected = VAETransformer(**tiny).fit(iris).transform(iris)
    np.save(tmp_path / "X.npy", iris)
    layouts = {
        "fortran": np.asfortranarray(iris),
        "strided": np.repeat(iris, 2, axis=0)[::2],
        "mapped": np.load(tmp_path / "X.npy", mmap_mode="r"),
        "list": iris.tolist(),
        "object": iris.astype(object),
        "big-endian": iris.astype(">f8"),
        "negative strides": np.array(iris[::-1, ::-1])[::-1, ::-1],
    }
    for name, X in layouts.items():
        vae = VAETransformer(**tiny).fit(X)
        assert_allclose(vae.transform(X), expected, atol=1e-6, err_msg=name)  # sums in another order
        assert_allclose(vae.reconstruct(X), vae.inverse_transform(expected), atol=1e-6, err_msg=name)


def assert_like(back, frame):
    assert isinstance(back, pd.DataFrame)
    pd.testing.assert_index_equal(back.columns, frame.columns)
    pd.testing.assert_series_equal(back.dtypes, frame.dtypes)
    assert not back.isna().any(axis=None)
    for name in frame:
        seen = frame[name].dropna()
        if pd.api.types.is_integer_dtype(frame[name].dtype):
            assert seen.min() <= back[name].min()
            assert back[name].max() <= seen.max()
        elif not pd.api.types.is_float_dtype(frame[name].dtype):
            assert set(back[name]) <= set(seen), name


def assert_sampled(vae, frame, n_samples):
    """Rows like those of the frame, whose gaps are where it has some, or nowhere."""
    assert_like(vae.sample(n_samples, gaps=False), frame)
    new = vae.sample(n_samples)
    assert new.dtypes.equals(frame.dtypes)
    assert not new.isna().any()[~frame.isna().any()].any()


def test_a_frame_comes_back_as_it_came(model_of_mixed, mixed):
    vae = model_of_mixed
    for back in (vae.reconstruct(mixed), vae.reconstruct(mixed, stochastic=True)):
        assert_like(back, mixed)
        pd.testing.assert_index_equal(back.index, mixed.index)
    assert_like(vae.inverse_transform(vae.transform(mixed)), mixed)
    assert_sampled(vae, mixed, 500)
    new = vae.sample(500)
    pd.testing.assert_index_equal(new.index, pd.RangeIndex(500))
    assert "Unseen" not in set(new["city"])
    assert list(new["grade"].cat.categories) == ["low", "mid", "high"]


@pytest.mark.parametrize("name", ["size", "age", "flag", "kind", "color", "city", "visits", "member", "word"])
def test_a_frame_of_one_column(name, tiny, mixed):
    one = mixed[[name]]
    vae = VAETransformer(**tiny).fit(one)
    assert vae.transform(one).shape == (60, 2)
    assert_sampled(vae, one, 50)


@pytest.mark.parametrize(
    "levels",
    [
        [3, 1, 2],
        [0.5, 1.5, -1.0],
        [True, False, True],
        list(pd.to_datetime(["2020-01-01", "2021-01-01", "2022-01-01"])),
        list(pd.interval_range(0, 3)),
        ["a", 1, (2, 3)],
        [b"x", b"yz", b""],
    ],
    ids=lambda levels: type(levels[0]).__name__,
)
@pytest.mark.parametrize("dtype", ["category", object])
def test_categories_of_any_type_come_back(dtype, levels, tiny):
    column = pd.Series([*levels, None], dtype=object)[np.arange(60) % 4].astype(dtype).reset_index(drop=True)
    frame = pd.DataFrame({"kind": column, "size": np.arange(60.0)})
    vae = VAETransformer(**tiny).fit(frame)
    assert np.isfinite(vae.score(frame))
    assert_sampled(vae, frame, 60)
    drawn = vae.sample(300)["kind"]
    assert set(drawn.dropna()) == set(levels)
    assert drawn.isna().mean() == pytest.approx(0.25, abs=0.1)


def test_odd_column_labels_come_back(tiny, mixed):
    frame = mixed[["size", "age", "kind"]]
    for labels, decoder in (
        ([0, 1, 2], "factorized"),
        ([3.5, None, ("a", 1)], "auto"),
        (pd.MultiIndex.from_tuples([("a", 0), ("a", 1), ("b", 0)]), "factorized"),
    ):
        renamed = frame.copy()
        renamed.columns = labels
        vae = VAETransformer(decoder=decoder, **tiny).fit(renamed)
        pd.testing.assert_index_equal(vae.sample(3).columns, renamed.columns)
        assert vae.sample(3).dtypes.tolist() == frame.dtypes.tolist()


def test_names_of_the_column_axis_come_back(tiny, mixed):
    frame = mixed[["size", "age"]].rename_axis(columns="feature")
    assert VAETransformer(decoder="factorized", **tiny).fit(frame).sample(3).columns.name == "feature"


# -- gaps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", ["auto", "student_t"])
@pytest.mark.parametrize("init", ["linear", "random"])
def test_a_row_of_gaps_says_nothing(init, likelihood, tiny, iris):
    X = np.array(iris)
    X[::5, 1] = np.nan
    vae = VAETransformer(init=init, likelihood=likelihood, **tiny | {"max_iter": 10}).fit(X)
    nothing = np.full((2, 4), np.nan)
    assert_allclose(vae.score_samples(nothing), 0.0, atol=1e-9)
    assert_allclose(vae.log_likelihood(nothing), 0.0, atol=1e-9)
    mean, std = vae.posterior(nothing)
    assert_allclose(mean, 0.0, atol=1e-9)
    assert_allclose(std, 1.0, atol=1e-9)


def test_a_row_of_gaps_in_a_mixed_table_has_the_prior_as_posterior(model_of_mixed, mixed):
    vae = model_of_mixed
    nothing = mixed.iloc[:2].copy()
    for name in nothing:
        nothing[name] = pd.array([pd.NA, pd.NA], dtype="Float64") if name == "age" else nothing[name].where([False] * 2)
    mean, std = vae.posterior(nothing)
    assert_allclose(mean, 0.0, atol=1e-6)
    assert_allclose(std, 1.0, atol=1e-6)
    assert_allclose(vae.score_samples(nothing), 0.0, atol=1e-6)


def test_a_gap_leaves_the_marginal_of_the_observed_cells(tiny, iris):
    """Under probabilistic PCA the density of any part of a row is known, and with one component so is its posterior."""
    vae = VAETransformer(**tiny | FROZEN | {"n_components": 1}).fit(iris)
    mean, covariance, _ = evidence(iris, 1)
    for observed in ([0], [1, 3], [0, 1, 2]):
        X = np.full_like(iris[:20], np.nan)
        X[:, observed] = iris[:20, observed]
        expected = multivariate_normal(mean[observed], covariance[np.ix_(observed, observed)]).logpdf(X[:, observed])
        assert_allclose(vae.score_samples(X), expected, atol=1e-4)


@pytest.mark.parametrize("gap", [np.nan, None, pd.NA, float("nan")], ids=repr)
def test_every_kind_of_gap_is_the_same_gap(gap, model_of_mixed, mixed):
    vae = model_of_mixed
    one, other = mixed.iloc[:5].astype({"kind": object}), mixed.iloc[:5].astype({"kind": object})
    one.loc[one.index[2], "kind"] = np.nan
    other["kind"] = [gap if i == 2 else value for i, value in enumerate(other["kind"])]
    assert_array_equal(vae.score_samples(one), vae.score_samples(other))


def test_gaps_where_fit_saw_none(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    X = np.array(iris[:10])
    X[0, 2] = np.nan
    assert np.isfinite(vae.transform(X)).all()
    assert np.isfinite(vae.score_samples(X)).all()
    assert not np.isnan(vae.reconstruct(X)).any()
    assert_allclose(vae.score_samples(X)[1:], vae.score_samples(iris[:10])[1:], rtol=1e-9)


# -- persistence -------------------------------------------------------------------------------------------------


def assert_equal_models(one, other, X):
    assert_array_equal(one.transform(X), other.transform(X))
    assert_array_equal(one.score_samples(X), other.score_samples(X))
    pd.testing.assert_frame_equal(pd.DataFrame(one.sample(9)), pd.DataFrame(other.sample(9)), check_exact=True)
    assert one.history_.keys() == other.history_.keys()
    assert vars(one).keys() == vars(other).keys()


@pytest.mark.parametrize("table", ["iris", "mixed"])
def test_pickle_joblib_and_deepcopy_are_bit_equal(table, tiny, tmp_path, request):
    X = request.getfixturevalue(table)
    vae = VAETransformer(**tiny | {"max_iter": 1}).fit(X)
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        assert_equal_models(vae, pickle.loads(pickle.dumps(vae, protocol=protocol)), X)
    assert_equal_models(vae, copy.deepcopy(vae), X)
    path = tmp_path / "vae.joblib"
    joblib.dump(vae, path)
    torch.set_warn_always(True)  # of arrays that are only read, torch warns once in a process
    request.addfinalizer(lambda: torch.set_warn_always(False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped = joblib.load(path, mmap_mode="r")
        assert_equal_models(vae, mapped, X)
    assert_equal_models(vae, pickle.loads(pickle.dumps(mapped)), X)  # and once more
    assert_array_equal(mapped.fit(X).transform(X), vae.transform(X))


def test_a_pickle_is_no_larger_than_its_weights(tiny, iris):
    vae = VAETransformer(**tiny).fit(np.tile(iris, (40, 1)))
    assert len(pickle.dumps(vae)) < 40_000  # the rows alone are 192,000 bytes


def test_pickling_leaves_the_model_usable(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    before = vae.transform(iris)
    pickle.dumps(vae)
    assert_array_equal(vae.transform(iris), before)


# -- never worse than the line -----------------------------------------------------------------------------------


@pytest.mark.parametrize("load", [load_iris, load_wine])
@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_score_is_not_below_the_linear_twins(n_components, load, tiny):
    X = StandardScaler().fit_transform(load().data)
    settings = tiny | {"n_components": n_components, "max_iter": 5}
    assert VAETransformer(**settings).fit(X).score(X) >= PCA(n_components).fit(X).score(X) - 0.01
    if load is load_wine:  # on iris FactorAnalysis reaches a noise of nearly zero, which fits the training rows only
        twin = VAETransformer(likelihood=Gaussian("column"), **settings).fit(X)
        assert twin.score(X) >= FactorAnalysis(n_components).fit(X).score(X) - 0.05


def test_training_from_the_line_gains_on_data_that_bend(tiny):
    t = np.random.default_rng(0).normal(size=(400, 1))
    X = np.hstack([t, t**2]) + 0.1 * np.random.default_rng(1).normal(size=(400, 2))
    settings = tiny | {"n_components": 1, "max_iter": 60, "learning_rate": 1e-2, "weight_decay": 0.0}
    vae = VAETransformer(**settings).fit(X)
    assert vae.score(X) > PCA(1).fit(X).score(X) + 0.1


@pytest.mark.parametrize("column", ["constant", "repeated", "sum"])
@pytest.mark.parametrize("likelihood", ["auto", Gaussian("column"), "student_t"], ids=str)
def test_a_column_that_follows_from_the_others_costs_little(likelihood, column, tiny, iris):
    """As many components as the rows have dimensions leave no noise: the densest case, and no catastrophe."""
    extra = {"constant": np.full(150, 3.0), "repeated": iris[:, 0], "sum": iris.sum(axis=1)}[column]
    X = np.column_stack([iris, extra])
    settings = tiny | {"n_components": 10, "likelihood": likelihood}
    alone = VAETransformer(**settings).fit(iris).score(iris)
    assert VAETransformer(**settings).fit(X).score(X) > alone - 1.5  # a repeated column adds 1.4 at worst


def test_score_hardly_depends_on_precision(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    assert_allclose(vae.score(iris.astype(np.float32)), vae.score(iris), atol=1e-4)
    assert_allclose(vae.transform(iris.astype(np.float32)), vae.transform(iris), atol=1e-4)


# -- samples -----------------------------------------------------------------------------------------------------


def test_samples_have_the_moments_of_probabilistic_pca(tiny, iris):
    vae = VAETransformer(**tiny | FROZEN).fit(iris)
    mean, covariance, _ = evidence(iris, 2)
    draws = vae.sample(40_000)
    assert_allclose(draws.mean(axis=0), mean, atol=0.03)
    assert_allclose(np.cov(draws.T), covariance, atol=0.03)


@pytest.mark.parametrize(("decoder", "max_iter"), [("factorized", 30), ("auto", 3)])
def test_samples_of_a_table_resemble_it(decoder, max_iter, tiny, large_mixed):
    frame = large_mixed
    new = VAETransformer(**tiny | {"max_iter": max_iter}, decoder=decoder).fit(frame).sample(3000)
    for name in ("size", "weight", "age", "visits", "rate"):
        values = frame[name].astype(float)
        assert abs(new[name].mean() - values.mean()) < 0.2 * values.std(), name
        assert 0.7 < new[name].astype(float).std() / values.std() < 1.4, name
    for name in ("flag", "kind", "color", "city", "grade", "member", "word"):
        shares = frame[name].value_counts(normalize=True)
        assert_allclose(new[name].value_counts(normalize=True).reindex(shares.index).fillna(0), shares, atol=0.06)


# -- what fit leaves behind --------------------------------------------------------------------------------------


def test_kl_per_component_is_that_of_the_posterior(tiny, iris):
    vae = VAETransformer(**tiny | {"n_components": 6, "early_stopping": False, "max_iter": 1}).fit(iris)
    mean, std = vae.posterior(iris)
    kl = 0.5 * (mean**2 + std**2 - 1 - 2 * np.log(std)).mean(axis=0)
    assert_allclose(vae.kl_per_component_, kl, rtol=1e-3, atol=1e-5)
    assert_array_equal(vae.active_components_, kl > 0.01)


def test_components_beyond_the_rank_are_not_active_at_the_start(tiny, iris):
    vae = VAETransformer(**tiny | FROZEN | {"n_components": 6}).fit(iris)
    assert vae.active_components_.tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize("unit", [1.0, 20.0])
def test_noise_variance_is_that_of_the_linear_models(unit, tiny, iris):
    settings = tiny | FROZEN
    X = unit * iris
    vae = VAETransformer(**settings).fit(X)
    assert isinstance(vae.noise_variance_, float)
    assert_allclose(vae.noise_variance_, evidence(X, 2)[2], rtol=1e-4)
    X = unit * wine()
    expected = FactorAnalysis(2, tol=1e-9, max_iter=10_000).fit(X).noise_variance_
    vae = VAETransformer(likelihood=Gaussian("column"), **settings).fit(X)
    assert_allclose(vae.noise_variance_, expected, rtol=0.1)
    assert VAETransformer(likelihood=Gaussian(0.5 * unit), **tiny).fit(X).noise_variance_ == pytest.approx(
        0.25 * unit**2, rel=1e-4
    )


def test_noise_variance_is_there_only_where_it_means_something(tiny, iris, mixed):
    vae = VAETransformer(**tiny)
    assert hasattr(vae.fit(iris), "noise_variance_")
    for likelihood in ("student_t", Gaussian("row")):
        assert not hasattr(VAETransformer(likelihood=likelihood, **tiny).fit(iris), "noise_variance_")
    assert not hasattr(vae.fit(mixed[["size", "kind"]]), "noise_variance_")  # nothing is left of the first fit


def test_history_has_one_entry_an_epoch(tiny, iris):
    vae = VAETransformer(early_stopping=True, **tiny).fit(iris)
    names = {"epoch", "elbo", "validation_elbo", "log_likelihood", "kl", "learning_rate", "seconds"}
    assert set(vae.history_) == names
    assert {len(column) for column in vae.history_.values()} == {vae.n_iter_ + 1} == {4}
    assert vae.history_["epoch"] == [0, 1, 2, 3]
    history = pd.DataFrame(vae.history_)
    assert history["seconds"].is_monotonic_increasing
    assert_allclose(history["elbo"][1:], (history["log_likelihood"] - history["kl"])[1:])
    assert history["validation_elbo"].notna().all()
    assert 0 <= vae.best_iter_ <= vae.n_iter_


def test_history_is_in_the_units_of_the_score(tiny, iris):
    X = 50 * iris
    vae = VAETransformer(**tiny).fit(X, X_val=X)
    assert_allclose(vae.history_["validation_elbo"][vae.best_iter_], vae.score(X), atol=0.3)  # two draws against 32
    assert_allclose(vae.history_["elbo"][1], vae.score(X), atol=0.5)


def test_without_early_stopping_the_last_weights_are_kept(tiny, iris):
    vae = VAETransformer(early_stopping=False, init="random", **tiny).fit(iris)
    assert vae.n_iter_ == vae.best_iter_ == 3
    assert np.isnan(vae.history_["validation_elbo"]).all()


def test_patience_and_tolerance(tiny, iris):
    vae = VAETransformer(n_iter_no_change=2, tol=1e9, **tiny | {"max_iter": 20}).fit(iris)
    assert vae.n_iter_ == 3  # the warm-up takes two epochs, at the end of which the first evaluation counts


def test_held_out_rows_choose_the_weights(tiny, iris):
    """Held-out rows from elsewhere are worst served by a model that has learned the training rows."""
    X = np.random.default_rng(0).normal(size=(400, 4))
    settings = tiny | {"max_iter": 40, "init": "random", "learning_rate": 0.01}
    near = VAETransformer(**settings).fit(X, X_val=X[:20])  # of 20 rows, none is trimmed
    far = VAETransformer(**settings).fit(X, X_val=10 * X[:20])
    assert near.best_iter_ > 0
    assert near.history_["validation_elbo"] != far.history_["validation_elbo"]
    assert near.history_["elbo"][1] == far.history_["elbo"][1]  # the training rows are all of X in both
    assert int(np.argmax(near.history_["validation_elbo"])) == near.best_iter_


def test_a_weight_of_zero_is_an_absent_row(tiny, iris):
    weights = np.ones(len(iris))
    weights[::3] = 0
    with_zeros = VAETransformer(**tiny).fit(iris, sample_weight=weights)
    without = VAETransformer(**tiny).fit(iris[weights > 0])
    assert_array_equal(with_zeros.transform(iris), without.transform(iris))
    assert_array_equal(with_zeros.sample(5), without.sample(5))


def test_equal_weights_are_no_weights(tiny, iris):
    expected = VAETransformer(**tiny).fit(iris).transform(iris)
    assert_array_equal(VAETransformer(**tiny).fit(iris, sample_weight=np.ones(150)).transform(iris), expected)
    fours = VAETransformer(**tiny).fit(iris, sample_weight=np.full(150, 4.0)).transform(iris)
    assert_allclose(fours, expected, atol=1e-4)


def test_weights_pull_the_model_towards_heavy_rows(tiny):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-2, 1, size=(200, 3)), rng.normal(2, 1, size=(200, 3))])
    weights = np.repeat([1.0, 50.0], 200)
    settings = tiny | {"max_iter": 40, "early_stopping": False, "learning_rate": 0.02}
    vae, plain = VAETransformer(**settings).fit(X, sample_weight=weights), VAETransformer(**settings).fit(X)
    assert vae.score(X[200:]) > plain.score(X[200:]) + 0.2
    assert vae.sample(2000).mean() > 1


def test_verbose_prints_a_line_an_evaluation(tiny, iris, capsys):
    VAETransformer(**tiny).fit(iris)
    assert capsys.readouterr().out == ""
    VAETransformer(verbose=1, **tiny).fit(iris)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5  # the start, three epochs, and the one that is kept
    assert all("elbo" in line and "held-out" in line for line in lines[:-1])
    VAETransformer(verbose=1, early_stopping=False, **tiny).fit(iris)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3", "epoch 3/3"]
    assert not any("held-out" in line or "nan" in line for line in lines)


def test_custom_likelihoods_by_column(tiny, mixed):
    families = {"visits": "poisson", "size": Gaussian("column"), "flag": "bernoulli"}
    vae = VAETransformer(likelihood=families, **tiny | {"max_iter": 1}).fit(mixed)
    by_name = dict(zip(mixed.columns, (family.name for family in vae.table_.families), strict=True))
    assert {name: by_name[name] for name in ("visits", "size", "flag", "weight", "age", "kind")} == {
        "visits": "poisson",
        "size": "gaussian",
        "flag": "bernoulli",
        "weight": "normal_scores",
        "age": "normal_scores",
        "kind": "categorical",
    }
    new = vae.sample(300)
    assert new.dtypes.equals(mixed.dtypes)
    assert (new["visits"] >= 0).all()
    array = VAETransformer(likelihood={0: "student_t"}, **tiny).fit(np.arange(20.0).reshape(10, 2))
    assert [family.name for family in array.table_.families] == ["student_t", "gaussian"]


@pytest.mark.parametrize(("decoder", "max_iter"), [("factorized", 30), ("autoregressive", 3), ("conditional", 3)])
def test_draws_of_a_frame_have_its_precision_range_and_repeated_values(decoder, max_iter, tiny):
    rng, n_rows = np.random.default_rng(0), 500
    z = rng.normal(size=n_rows)
    codes = np.clip(np.round(50 + 20 * z), 0, 99).astype(int)
    codes[:8] = 999_999
    X = pd.DataFrame(
        {
            "code": codes,
            "price": np.round(np.exp(3 + z), 2),
            "share": 1 / (1 + np.exp(-z)),
            "rain": np.where(rng.random(n_rows) < 0.4, 0.0, rng.gamma(2.0, size=n_rows)),
            "constant": 7.25,
            "zero": 0.0,
            "tiny": 1e-6,
        }
    )
    vae = VAETransformer(decoder=decoder, **tiny | {"max_iter": max_iter}).fit(X)
    drawn = vae.sample(1000, random_state=0)
    assert set(drawn["code"]) <= {*range(100), 999_999}
    assert 0 < (drawn["code"] == 999_999).mean() < 0.1
    assert_array_equal(drawn["price"], drawn["price"].round(2))
    assert (drawn["rain"] == 0).mean() == pytest.approx(0.4, abs=0.1)
    for name in X:
        assert X[name].min() <= drawn[name].min() <= drawn[name].max() <= X[name].max()
    for rows in (drawn, vae.reconstruct(X), vae.inverse_transform(vae.transform(X))):
        for name in ("constant", "zero", "tiny"):
            assert set(rows[name]) == set(X[name])
    assert np.isfinite(vae.score_samples(X)).all()


# -- columns that see earlier columns ----------------------------------------------------------------------------


@pytest.fixture
def synthesis(tiny):
    """Settings of a model for synthetic rows."""
    return tiny | {"decoder": "autoregressive", "max_iter": 2}


def make_times(n_rows=120):
    """Numbers with a spike, categories, and every kind of time; some cells are missing."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows),
            "spend": np.where(rng.random(n_rows) < 0.3, 0.0, rng.lognormal(2, 1, n_rows)),
            "kind": rng.choice(["a", "b"], n_rows),
            "zoned": pd.Timestamp("2020-01-01", tz="Europe/Oslo") + pd.to_timedelta(rng.integers(0, 900, n_rows), "h"),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n_rows), "D"),
            "wait": pd.to_timedelta(rng.integers(0, 90, n_rows), unit="min"),
            "month": pd.period_range("2015-01", periods=n_rows, freq="M"),
        }
    )
    frame.loc[::7, "kind"] = None
    frame.loc[::5, "day"] = pd.NaT
    return frame


@pytest.mark.parametrize("a", [2.0, 1000.0, 0.01])
def test_a_change_of_units_moves_the_score_of_histograms_by_its_jacobian_and_nothing_else(a, synthesis):
    X = make_times()[["size", "spend", "kind"]]
    Y = X.assign(size=a * X["size"] + 3 * a, spend=a * X["spend"])
    one, other = VAETransformer(**synthesis).fit(X), VAETransformer(**synthesis).fit(Y)
    n_densities = 1 + (X["spend"] != 0)  # the zeros are a category of their own
    assert_allclose(other.score_samples(Y), one.score_samples(X) - n_densities * np.log(a), atol=1e-6)
    assert_allclose(other.log_likelihood(Y), one.log_likelihood(X) - n_densities * np.log(a), atol=1e-6)
    assert_allclose(other.transform(Y), one.transform(X), atol=1e-9)
    new, scaled = one.sample(200), other.sample(200)
    assert (new["kind"] == scaled["kind"]).all()
    assert_allclose(scaled["spend"], a * new["spend"], rtol=1e-6)
    assert_allclose(scaled["size"], a * (new["size"] + 3), rtol=1e-6)


@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("decoder", ["factorized", "autoregressive"])
def test_times_come_back_as_they_came(decoder, add_indicator, tiny):
    X = make_times()
    vae = VAETransformer(**tiny | {"decoder": decoder, "add_indicator": add_indicator}).fit(X)
    new = vae.sample(300)
    for back in (new.dropna(), vae.reconstruct(X), vae.inverse_transform(vae.transform(X)), vae.impute(X)):
        pd.testing.assert_index_equal(back.columns, X.columns)
        pd.testing.assert_series_equal(back.dtypes, X.dtypes)
        assert back.notna().all(axis=None)
        for name in ("zoned", "day", "wait", "month"):
            assert back[name].between(X[name].min(), X[name].max()).all()
        assert (back["day"].dt.normalize() == back["day"]).all()  # days are days, and hours are hours
        assert (back["zoned"].dt.floor("h") == back["zoned"]).all()
    assert new.isna().any(axis=None) == add_indicator
    assert np.isfinite(vae.score_samples(new)).all()


def test_a_row_has_one_answer_where_columns_see_one_another(synthesis):
    X = make_times()
    vae = VAETransformer(**synthesis).fit(X)
    for ask in (vae.score_samples, vae.log_likelihood, vae.transform):
        together = ask(X)
        assert_allclose(ask(X[::-1]), together[::-1], rtol=1e-9, atol=1e-9)
        assert_allclose(ask(X.iloc[[7]]), together[[7]], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("prior", ["normal", "mixture"])
def test_models_for_synthesis_are_seeded_and_travel(prior, synthesis, monkeypatch):
    monkeypatch.setattr("skvae.models.outcome.fit_prior", partial(fit_prior, n_steps=9))
    X = make_times()
    settings = synthesis | {"prior": prior, "add_indicator": True}
    one, same = (VAETransformer(**settings).fit(X) for _ in range(2))
    assert_equal_models(one, same, X)
    assert_equal_models(one, pickle.loads(pickle.dumps(one)), X)
    given = X[["kind", "day"]][:9]
    pd.testing.assert_frame_equal(
        pickle.loads(pickle.dumps(one)).sample(given=given), one.sample(given=given), check_exact=True
    )


def test_the_score_of_a_model_for_synthesis_is_below_its_log_likelihood(synthesis):
    X = make_times()
    vae = VAETransformer(**synthesis).fit(X)
    assert vae.score(X[:30]) <= vae.log_likelihood(X[:30], n_draws=400).mean() + 1e-2


def test_dates_of_a_time_zone_are_learned_as_dates_without_one(tiny):
    source = np.random.default_rng(0)
    begin = pd.Series(pd.Timestamp("2020-03-20") + pd.to_timedelta(source.integers(0, 300, 400), "D"))
    later = begin + pd.to_timedelta(source.integers(0, 30, 400) * (source.random(400) < 0.6), "D")
    plain = pd.DataFrame({"begin": begin, "later": later, "x": source.normal(size=400)})
    zoned = plain.assign(**{name: plain[name].dt.tz_localize("Europe/Berlin") for name in ("begin", "later")})
    of_plain, of_zoned = (VAETransformer(**tiny, constraints=None).fit(X) for X in (plain, zoned))
    assert_array_equal(of_zoned.transform(zoned), of_plain.transform(plain))
    assert_array_equal(of_zoned.log_likelihood(zoned), of_plain.log_likelihood(plain))
    rows, expected = of_zoned.sample(200, random_state=0), of_plain.sample(200, random_state=0)
    for name in ("begin", "later"):
        assert (rows[name].dt.tz_localize(None) == expected[name]).all()
