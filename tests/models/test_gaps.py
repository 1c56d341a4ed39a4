"""Rows that are known in part: conditions of a sample, and gaps to fill."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skvae import VAETransformer
from skvae.models import gaps as conditional

FROZEN = {"early_stopping": False, "max_iter": 1, "learning_rate": 1e-12}  # the start, as good as untrained
N = 240
OSLO = pd.Timestamp("2020-02-01", tz="Europe/Oslo")
GAPS = ["size", "kind", "visits", "when", "member"]


def make_table(seed=0):
    """Columns of many kinds that depend on one another; some cells are missing; labels of rows recur."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=N)
    frame = pd.DataFrame(
        {
            "size": 100 + 10 * size,
            "kind": np.where(size + 0.3 * rng.normal(size=N) > 0, "large", "small"),
            "age": rng.integers(18, 90, N),
            "grade": pd.Categorical(rng.choice(["low", "high"], N), ["low", "high", "never"], ordered=True),
            "flag": rng.random(N) < 0.3,
            "visits": pd.array(rng.poisson(3, N), dtype="Int64"),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, N), unit="D"),
            "income": np.round(rng.lognormal(10 + size, 0.5, N), 2),
            "member": pd.array(rng.random(N) < 0.5, dtype="boolean"),
            "short": size.astype(np.float32),
        },
        index=np.arange(N) // 2,
    )
    for first, name in enumerate(GAPS):
        frame.iloc[first::9, frame.columns.get_loc(name)] = pd.NaT if name == "when" else None
    return frame


@pytest.fixture(scope="module")
def table():
    return make_table()


MODELS = {
    "factorized": {"decoder": "factorized"},
    "autoregressive": {"decoder": "autoregressive", "add_indicator": True},
    "conditional": {},
}
QUICK = {"n_components": 2, "learning_rate": 0.02, "max_iter": 20, "device": "cpu", "random_state": 0}


@pytest.fixture(autouse=True)
def few_particles(request, monkeypatch):
    """Enough for tables; what is known of the normal distribution is compared with all of them."""
    if "normal_model" not in request.fixturenames:
        monkeypatch.setattr(conditional, "POOL", 600)
        monkeypatch.setattr("skvae.models.completing.N_PARTICLES", 50)


@pytest.fixture(scope="module", params=MODELS)
def vae(request, table):
    """Every value of the table may be given, and "short", which follows from "size", may be given something else."""
    settings = QUICK | {"hidden_layer_sizes": (16,), "protect": None, "constraints": None}
    vae = VAETransformer(likelihood={"income": "histogram"}, **settings | MODELS[request.param])
    return vae.fit(table)


@pytest.fixture(scope="module")
def normal_model(iris):
    """Probabilistic PCA, and the mean and covariance of its rows."""
    settings = {"n_components": 2, "hidden_layer_sizes": (8,), "device": "cpu", "random_state": 0}
    values, axes = np.linalg.eigh(np.cov(iris.T, bias=True))
    noise = values[:2].mean()
    axes = axes[:, 2:] * np.sqrt(values[2:] - noise)
    covariance = axes @ axes.T + noise * np.eye(4)
    return VAETransformer(**settings, **FROZEN).fit(iris), iris.mean(axis=0), covariance


def conditional_moments(mean, covariance, known, values):
    """Mean and covariance of the other columns of a normal distribution."""
    gaps = [d for d in range(len(mean)) if d not in known]
    gain = covariance[np.ix_(gaps, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    return mean[gaps] + (values - mean[known]) @ gain.T, covariance[np.ix_(gaps, gaps)] - gain @ covariance[
        np.ix_(known, gaps)
    ]


def assert_like(new, table):
    """The columns and dtypes of the table, and no value that it cannot hold."""
    pd.testing.assert_index_equal(new.columns, table.columns)
    pd.testing.assert_series_equal(new.dtypes, table.dtypes)
    for name in ("kind", "grade", "flag", "member"):
        assert set(new[name].dropna()) <= set(table[name].dropna())
    for name in ("age", "when", "income"):
        assert new[name].dropna().between(table[name].min(), table[name].max()).all()


# -- what is known of the normal distribution ----------------------------------------------------------------


@pytest.mark.parametrize("known", [{0: 1.5}, {2: -1.0, 3: -0.5}, {0: 0.2, 1: 2.0, 3: 0.1}], ids=str)
def test_conditional_samples_have_the_moments_of_the_normal_distribution(known, normal_model):
    vae, mean, covariance = normal_model
    n = 20_000
    draws = vae.sample(n, given=known, random_state=1)
    assert draws.shape == (n, 4)
    columns = list(known)
    expected, spread = conditional_moments(mean, covariance, columns, np.array(list(known.values())))
    assert_allclose(draws[:, columns], np.tile(list(known.values()), (n, 1)), atol=1e-6)
    gaps = [d for d in range(4) if d not in known]
    whitened = (draws[:, gaps] - expected) @ np.linalg.cholesky(np.linalg.inv(spread))
    assert_allclose(whitened.mean(axis=0), 0.0, atol=0.06)  # pools of particles are shared by many draws
    assert_allclose(np.cov(whitened.T).reshape(len(gaps), -1), np.eye(len(gaps)), atol=0.1)


def test_imputed_cells_are_conditional_means(normal_model, iris):
    vae, mean, covariance = normal_model
    X = np.array(iris)
    X[:50, 0] = X[50:100, [1, 2]] = np.nan
    filled = vae.impute(X, random_state=0)
    assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    for rows, gaps in ((slice(0, 50), [0]), (slice(50, 100), [1, 2])):
        known = [d for d in range(4) if d not in gaps]
        expected, spread = conditional_moments(mean, covariance, known, X[rows][:, known])
        deviation = (filled[rows][:, gaps] - expected) / np.sqrt(np.diag(spread))
        assert_allclose(deviation.mean(axis=0), 0.0, atol=0.06)
        assert np.abs(deviation).max() < 0.7  # of 100 draws, from fewer effective particles
        assert deviation.std() < 0.2


def test_completed_tables_have_the_conditional_spread(normal_model, iris):
    vae, mean, covariance = normal_model
    X = np.array(iris)
    X[:, 0] = np.nan
    tables = vae.impute(X, n_draws=40, random_state=0)
    expected, spread = conditional_moments(mean, covariance, [1, 2, 3], X[:, 1:])
    whitened = (np.stack(tables)[..., 0] - expected[:, 0]) / np.sqrt(spread[0, 0])
    assert whitened.mean() == pytest.approx(0.0, abs=0.05)
    assert whitened.std() == pytest.approx(1.0, abs=0.05)
    assert np.abs(np.corrcoef(whitened)[0, 1:]).max() < 0.4  # each is a draw of its own


def test_a_condition_moves_what_depends_on_it(vae, table):
    sizes = {kind: vae.sample(600, given={"kind": kind}, random_state=0) for kind in ("large", "small")}
    assert sizes["large"]["size"].mean() > sizes["small"]["size"].mean() + 3


def test_a_later_column_moves_an_earlier_one(vae, table):
    shares = [
        (vae.sample(600, given={"income": income}, random_state=0)["kind"] == "large").mean()
        for income in table["income"].quantile([0.03, 0.97]).round(2)
    ]
    assert shares[1] > shares[0] + 0.1


# -- sample --------------------------------------------------------------------------------------------------


def one_of_each(table):
    """A value of each column, of its own type."""
    return {name: table[name].dropna().iloc[3] for name in table}


@pytest.mark.parametrize("name", ["kind", "age", "grade", "flag", "visits", "when", "member"])
def test_a_condition_holds_for_all_rows(name, vae, table):
    value = one_of_each(table)[name]
    new = vae.sample(7, given={name: value}, random_state=0)
    assert_like(new, table)
    assert (new[name] == value).all()
    pd.testing.assert_index_equal(new.index, pd.RangeIndex(7))


def test_numbers_of_a_condition_come_back_as_they_were(vae, table):
    for name in ("size", "income", "short"):
        value = table[name].dropna().iloc[7]
        assert (vae.sample(2, given={name: value}, random_state=0)[name] == value).all(), name


def test_everything_may_be_given(vae, table):
    given = one_of_each(table)
    new = vae.sample(3, given=given, random_state=0)
    assert_like(new, table)
    assert len(new.astype(str).drop_duplicates()) == 1
    assert new["kind"].tolist() == [given["kind"]] * 3
    assert_allclose(new["size"], given["size"], rtol=1e-6)


def test_nothing_given_is_a_free_sample(vae, table):
    nothing = dict.fromkeys(["kind", "size"])
    new = vae.sample(400, given=nothing, random_state=0)
    assert_like(new, table)
    assert set(new["kind"].dropna()) == {"large", "small"}
    assert len(vae.sample(given={"kind": "small"})) == 1


@pytest.mark.parametrize("columns", [["kind"], ["age", "when", "kind"], ["member", "size"]], ids=str)
def test_rows_of_a_frame_are_completed(columns, vae, table):
    given = table[columns][60::-1]  # in another order of rows, and of columns than at fit
    new = vae.sample(given=given, random_state=0)
    assert_like(new, table)
    pd.testing.assert_index_equal(new.index, given.index)
    for name in columns:
        known = given[name].notna().to_numpy()
        if name == "size":
            assert_allclose(new.loc[known, name], given.loc[known, name], rtol=1e-6)
        else:
            assert (new[name][known] == given[name][known]).all()
        assert new[name].notna().all() or vae.add_indicator or vae.vae_.reader is not None
    assert vae.sample(given=given, gaps=False, random_state=0).notna().all(axis=None)
    assert len(vae.sample(len(given), given=given)) == len(given)


def test_cells_of_a_frame_come_back_as_they_were(vae, table):
    new = vae.sample(given=table, random_state=0)
    known = table.notna()
    pd.testing.assert_frame_equal(new.where(known), table.where(known), check_exact=True)


def test_a_condition_may_be_partly_missing(vae, table):
    given = pd.DataFrame({"kind": ["large", None, "small", None], "age": [20, 30, None, None]}, index=list("aabc"))
    new = vae.sample(given=given, random_state=0)
    assert new["kind"].tolist()[::2] == ["large", "small"]
    assert new["age"].tolist()[:2] == [20, 30]
    assert_like(new, table)
    assert list(new.index) == list("aabc")


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (
            {"kind": "medium"},
            ValueError,
            r"needs a positive probability, but 'medium' .* Pass one of \['large', 'small'\]",
        ),
        ({"grade": "never"}, ValueError, "'never' has none in column 'grade'"),
        ({"age": 17_000}, ValueError, "17000 has none in column 'age', .* Pass a (value|whole number) from"),
        ({"visits": -1}, ValueError, "-1 has none in column 'visits', .* Pass a (value|whole number) from"),
        (
            {"when": OSLO},
            ValueError,
            "A moment has a time zone where .* but column 'when' holds .* Pass it without one",
        ),
        ({"when": "1999-12-31"}, ValueError, "has none in column 'when', .* Pass a value from 2020-01-0"),
        ({"income": -5.0}, ValueError, "-5.0 has none in column 'income'"),
        ({"size": "tall"}, ValueError, "Column 'size' holds float64, but the condition is 'tall' .* Pass "),
        (
            {"weight": 3},
            ValueError,
            r"given names column 'weight', but the columns are \['size', .*\]\. Name one of these",
        ),
        (
            {},
            ValueError,
            r"given must say something .*, but the dict is empty. Pass given=\{'size': …\}, say, or leave given out",
        ),
        (
            [],
            TypeError,
            r"given must be a dict of one value for each condition, or a DataFrame .* Pass given=\{'size': …\}",
        ),
        (pd.DataFrame({"kind": []}), TypeError, "with a row and a column at least"),
        (pd.DataFrame(index=[0, 1]), TypeError, "with a row and a column at least"),
        (
            pd.DataFrame([["a", "b"]], columns=["kind", "kind"]),
            ValueError,
            "given must name a column once, but .kind. occurs",
        ),
        ([1, 2], TypeError, "got list"),
        ("large", TypeError, "got str"),
    ],
    ids=str,
)
def test_an_impossible_condition_gets_a_sentence(given, error, sentence, vae):
    with pytest.raises(error, match=sentence):
        vae.sample(3 if isinstance(given, dict) else None, given=given)


def test_each_row_of_a_frame_is_completed_once(vae, table):
    sentence = r"Each row of given is completed once, so n_samples is its 2 row\(s\), got 5. Leave n_samples out"
    with pytest.raises(ValueError, match=sentence):
        vae.sample(5, given=table[["kind"]].iloc[5:7])


def test_positions_name_the_columns_of_an_array(normal_model, iris):
    vae, *_ = normal_model
    new = vae.sample(5, given={1: 0.25}, random_state=0)
    assert_allclose(new[:, 1], 0.25, rtol=1e-6)
    frame = pd.DataFrame({3: [0.5, np.nan], 0: [1.0, -1.0]})
    new = vae.sample(given=frame, random_state=0)
    assert isinstance(new, np.ndarray)
    assert_allclose(new[:, 0], [1.0, -1.0], rtol=1e-6)
    assert_allclose(new[0, 3], 0.5, rtol=1e-6)
    with pytest.raises(ValueError, match=r"names column 4, but the columns are \[0, 1, 2, 3\]"):
        vae.sample(given={4: 1.0})


def test_a_rare_condition_warns(normal_model):
    vae, *_ = normal_model
    with pytest.warns(
        UserWarning, match=r"so rare .* effective sample size of .* draws resemble one another. Give fewer"
    ):
        new = vae.sample(50, given={0: 40.0, 1: -40.0, 2: 40.0}, random_state=0)
    assert np.isfinite(new).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vae.sample(50, given={0: 0.5}, random_state=0)


def test_many_samples_come_from_many_particles(normal_model):
    vae, *_ = normal_model
    new = vae.sample(3000, given={0: 0.5}, random_state=0)
    assert len(np.unique(new[:, 1])) > 2500


# -- impute --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_draws", [None, 3])
def test_gaps_are_filled_and_nothing_else_is_touched(n_draws, vae, table):
    before = table.copy(deep=True)
    tables = vae.impute(table, n_draws=n_draws, random_state=0)
    assert isinstance(tables, pd.DataFrame if n_draws is None else list)
    for filled in [tables] if n_draws is None else tables:
        assert_like(filled, table)
        pd.testing.assert_index_equal(filled.index, table.index)
        assert filled.notna().all(axis=None)
        known = table.notna()
        pd.testing.assert_frame_equal(filled.where(known), table.where(known), check_exact=True)
    pd.testing.assert_frame_equal(table, before, check_exact=True)


def test_completed_tables_differ_where_cells_were_missing(vae, table):
    tables = vae.impute(table, n_draws=4, random_state=0)
    assert len(tables) == 4
    assert not tables[0]["size"].equals(tables[1]["size"])
    filled = pd.concat([each.loc[table["kind"].isna().to_numpy(), "kind"] for each in tables])
    assert set(filled) == {"large", "small"}


def test_a_gap_is_filled_by_what_the_row_says(vae, table):
    X = table.dropna().iloc[:60].copy()
    truth, X["kind"] = X["kind"].copy(), X["kind"].where([False] * 60)
    filled = vae.impute(X, random_state=0)
    assert (filled["kind"] == truth).mean() > 0.75  # "kind" follows "size"


def test_a_complete_table_stays_as_it_is(vae, table, normal_model, iris):
    whole = table.dropna()
    pd.testing.assert_frame_equal(vae.impute(whole), whole, check_exact=True)
    first, second = vae.impute(whole, n_draws=2)
    pd.testing.assert_frame_equal(first, whole, check_exact=True)
    pd.testing.assert_frame_equal(second, whole, check_exact=True)
    assert_array_equal(normal_model[0].impute(iris), iris)


def test_a_row_of_gaps_is_a_draw_of_the_model(vae, table):
    X = table.iloc[:3].copy()
    for name in ("size", "kind", "grade", "when", "visits", "member", "income", "short"):
        X[name] = X[name].where([True, False, False])
    X["age"], X["flag"] = X["age"].astype("Int64").where([True, False, False]), X["flag"].astype("boolean")
    filled = vae.impute(X, random_state=0)
    assert filled.notna().all(axis=None)
    assert filled["age"].dtype == "Int64"  # the dtypes of X
    assert (filled["age"] == filled["age"].round()).all()


def test_an_unseen_category_is_no_gap(vae, table):
    X = table.dropna().iloc[:5].copy()
    X["kind"] = ["large", "huge", None, "small", "small"]
    with pytest.warns(UserWarning, match="'huge', which was not seen at fit"):
        filled = vae.impute(X, random_state=0)
    assert filled["kind"].iloc[[0, 1, 3, 4]].tolist() == ["large", "huge", "small", "small"]
    assert filled["kind"].iloc[2] in ("large", "small")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_keep_their_dtype_and_observed_cells(dtype, normal_model, iris):
    X = np.array(iris, dtype=dtype)
    X[::3, 1] = X[::4, 2] = np.nan
    before = X.copy()
    filled = normal_model[0].impute(X, random_state=0)
    assert (filled.dtype, filled.shape) == (X.dtype, X.shape)
    assert np.isfinite(filled).all()
    assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    assert_array_equal(X, before)


def test_whole_numbers_are_imputed_whole(vae, table):
    filled = vae.impute(table, random_state=0)
    visits = filled["visits"][table["visits"].isna().to_numpy()]
    assert visits.between(table["visits"].min(), table["visits"].max()).all()
    assert ((filled["when"] - filled["when"].dt.normalize()) == pd.Timedelta(0)).all()  # days are days


# -- seeds ---------------------------------------------------------------------------------------------------


def test_conditional_draws_are_seeded(vae, table):
    asks = {
        "dict": lambda seed: vae.sample(5, given={"kind": "large"}, random_state=seed),
        "frame": lambda seed: vae.sample(given=table[["kind"]].iloc[:9], random_state=seed),
        "impute": lambda seed: vae.impute(table.iloc[:20], random_state=seed),
        "draws": lambda seed: vae.impute(table.iloc[:20], n_draws=2, random_state=seed)[1],
    }
    state = torch.get_rng_state()
    for name, ask in asks.items():
        pd.testing.assert_frame_equal(ask(3), ask(3), check_exact=True)
        is_drawn = name != "impute" or vae.vae_.reader is None  # which knows the mean
        assert ask(3).equals(ask(4)) != is_drawn, name
        pd.testing.assert_frame_equal(ask(None), ask(None), check_exact=True)  # the seed of the estimator
    assert torch.equal(torch.get_rng_state(), state)


# -- where the gaps are --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["factorized", "autoregressive", "conditional"])
def indicated(request, table):
    """Trained for long enough to know how often cells are missing."""
    vae = VAETransformer(hidden_layer_sizes=(8,), decoder=request.param, add_indicator=True, **QUICK)
    return vae.fit(table[["size", "kind", "age", "visits"]])


def test_samples_have_gaps_as_often_as_the_data(indicated, table):
    new = indicated.sample(2000, random_state=0)
    for name in ("size", "kind", "visits"):
        share = table[name].isna().mean()
        assert new[name].isna().mean() == pytest.approx(share, abs=0.06), name
    assert new["age"].notna().all()
    pd.testing.assert_series_equal(new.dtypes, table[["size", "kind", "age", "visits"]].dtypes)


def test_what_is_given_is_no_gap_and_the_rest_may_be(indicated):
    new = indicated.sample(500, given={"kind": "small", "visits": 3}, random_state=0)
    assert (new["kind"] == "small").all()
    assert (new["visits"] == 3).all()
    assert 0.02 < new["size"].isna().mean() < 0.3


@pytest.mark.parametrize("gap", [np.nan, pd.NA, float("nan"), pd.NaT], ids=str)
def test_a_gap_may_be_given_where_an_indicator_tells_of_gaps(gap, indicated):
    new = indicated.sample(200, given={"size": gap, "age": np.nan}, random_state=0)
    assert new["size"].isna().all()
    assert new["age"].notna().all()  # it had no gaps
    assert 0.02 < new["visits"].isna().mean() < 0.3
    assert indicated.sample(given=pd.DataFrame({"size": [gap] * 200}), random_state=0)["size"].notna().any()


def test_what_is_imputed_reconstructed_or_expected_has_no_gaps(indicated, table):
    X = table[["size", "kind", "age", "visits"]]
    for back in (
        indicated.impute(X, random_state=0),
        indicated.reconstruct(X),
        indicated.reconstruct(X, stochastic=True, random_state=0),
        indicated.inverse_transform(indicated.transform(X)),
    ):
        assert back.notna().all(axis=None)
    assert np.isfinite(indicated.score_samples(X)).all()


def test_where_the_gaps_are_counts_in_the_score(table):
    """The gap of each row is decided by its neighbour: with indicators that is learned, and costs nothing."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b"], 400)
    X = pd.DataFrame({"kind": kind, "size": np.where(kind == "a", np.nan, rng.normal(size=400))})
    vae = VAETransformer(hidden_layer_sizes=(8,), decoder="autoregressive", add_indicator=True, **QUICK).fit(X)
    new = vae.sample(2000, random_state=0)
    assert new["size"].isna().mean() == pytest.approx(X["size"].isna().mean(), abs=0.06)
    agreement = (new["size"].isna() == (new["kind"] == "a")).mean()
    assert agreement > 0.9
