"""Models beside the VAE: what they are trained on, by what they are judged, and where they go on."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats
from sklearn.exceptions import ConvergenceWarning

from skvae import VAETransformer
from skvae.models import beside

SETTINGS = {"n_components": 2, "hidden_layer_sizes": (8,), "device": "cpu", "random_state": 0}
LEVELS = {"a": ["x", "y"], "b": ["u", "v", "w"], "c": [False, True]}
ROWS = pd.DataFrame(list(itertools.product(*LEVELS.values())), columns=list(LEVELS))


def categories(n_rows=200, seed=0, gaps=False):
    """Three columns that depend on one another; b may be missing where c is true."""
    rng = np.random.default_rng(seed)
    a = rng.choice(LEVELS["a"], n_rows, p=[0.7, 0.3])
    b = np.where(rng.random(n_rows) < 0.8, np.where(a == "x", "u", "w"), rng.choice(LEVELS["b"], n_rows)).astype(object)
    c = rng.random(n_rows) < np.where(b == "u", 0.6, 0.2)
    if gaps:
        b[c & (rng.random(n_rows) < 0.4)] = None
    return pd.DataFrame({"a": a, "b": b, "c": c})


def with_gap(rows):
    """All rows, and all rows without b."""
    unknown = rows.drop_duplicates(["a", "c"]).assign(b=None)[["a", "b", "c"]]
    return pd.concat([rows, unknown], ignore_index=True)


@pytest.fixture(scope="module")
def vae():
    return VAETransformer(**SETTINGS, max_iter=6).fit(categories())


# -- the log-likelihood is exact ------------------------------------------------------------------------------------


def test_all_rows_together_have_probability_one(vae):
    assert np.exp(vae.log_likelihood(ROWS)).sum() == pytest.approx(1.0, rel=1e-6)
    assert np.exp(vae.score_samples(ROWS)).sum() < 0.999  # which is a bound


def test_it_is_that_of_the_chain(vae):
    x = vae.table_.encode(ROWS)[None]
    expected = vae.vae_.chain.double().log_prob(x)[0].numpy()
    vae.vae_.chain.float()
    assert_allclose(vae.log_likelihood(ROWS), expected, rtol=1e-6)


def test_samples_are_as_frequent_as_it_says(vae):
    drawn = vae.sample(20_000, random_state=1).value_counts().reindex(pd.MultiIndex.from_frame(ROWS), fill_value=0)
    expected = 20_000 * np.exp(vae.log_likelihood(ROWS))
    assert stats.chisquare(drawn, expected / expected.sum() * 20_000).pvalue > 1e-4


@pytest.mark.parametrize("add_indicator", [False, True])
def test_gaps_are_given_unless_they_are_modelled(add_indicator):
    vae = VAETransformer(**SETTINGS, max_iter=4, add_indicator=add_indicator).fit(categories(gaps=True))
    rows = with_gap(ROWS)
    p, is_gap = np.exp(vae.log_likelihood(rows)), rows["b"].isna()
    if add_indicator:
        assert p.sum() == pytest.approx(1.0, rel=1e-6)
    else:  # given which cells are missing
        assert p[is_gap].sum() == pytest.approx(1.0, rel=1e-6)
        assert p[~is_gap].sum() == pytest.approx(1.0, rel=1e-6)


def test_draws_ask_for_the_bound_of_the_model_of_z(vae):
    plain = VAETransformer(**SETTINGS, max_iter=6, decoder="factorized").fit(categories())
    assert_allclose(vae.log_likelihood(ROWS, n_draws=7), plain.log_likelihood(ROWS, n_draws=7))
    assert_allclose(plain.log_likelihood(ROWS), plain.log_likelihood(ROWS, n_draws=100))


def test_numbers_have_a_density_in_the_units_of_the_data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.choice(["x", "y"], 300), "b": rng.normal(size=300)})
    vae = VAETransformer(**SETTINGS, max_iter=2, protect=None).fit(X)  # no density beyond the ends
    wider = VAETransformer(**SETTINGS, max_iter=2, protect=None).fit(X.assign(b=1000 * X["b"]))
    assert_allclose(wider.log_likelihood(X.assign(b=1000 * X["b"])), vae.log_likelihood(X) - np.log(1000), rtol=1e-3)
    grid = np.linspace(X["b"].min(), X["b"].max(), 20_001)
    density = sum(np.exp(vae.log_likelihood(pd.DataFrame({"a": kind, "b": grid}))) for kind in ("x", "y"))
    assert integrate.trapezoid(density, grid) == pytest.approx(1.0, abs=0.01)


# -- training -------------------------------------------------------------------------------------------------------


def test_few_rows_have_folds_and_held_out_rows_choose_the_weights(vae):
    for history in vae.history_beside_.values():
        assert np.isfinite(history["validation_elbo"]).all()
        assert max(history["validation_elbo"]) > history["validation_elbo"][0]
    judged = VAETransformer(**SETTINGS, max_iter=2).fit(categories(), X_val=categories(50, seed=9))
    assert np.isfinite(judged.history_beside_["chain"]["validation_elbo"]).all()
    trained = VAETransformer(**SETTINGS, max_iter=2, early_stopping=False).fit(categories())
    assert np.isnan(trained.history_beside_["chain"]["validation_elbo"]).all()


@pytest.mark.parametrize(("n_rows", "n_folds"), [(150, 5), (400, 3), (1000, 1)])
def test_folds_are_as_many_as_choose_well(n_rows, n_folds, monkeypatch):
    sizes, start = [], beside.beside_at_start
    monkeypatch.setattr(
        beside, "beside_at_start", lambda *args: sizes.append([len(rows) for rows in args[3]]) or start(*args)
    )
    VAETransformer(**SETTINGS, max_iter=1).fit(categories(n_rows))
    assert sizes == 2 * [n_folds * [n_rows * 4 // 5] + [n_rows]]


def test_the_bound_in_the_history_is_the_log_likelihood_of_the_chain():
    X, X_val = categories(), categories(100, seed=3)
    vae = VAETransformer(**SETTINGS, max_iter=3).fit(X, X_val=X_val)
    chain = vae.history_beside_["chain"]
    best = max(chain["validation_elbo"])
    assert vae.log_likelihood(X_val).mean() == pytest.approx(best, abs=0.1)  # frequencies are matched after it


def test_heavy_rows_weigh_as_much_as_they_say():
    X = categories(400)
    weights = np.where(X["a"] == "y", 7.0, 1.0)
    vae = VAETransformer(**SETTINGS, max_iter=20, learning_rate=1e-2).fit(X, sample_weight=weights)
    share = weights[X["a"] == "y"].sum() / weights.sum()
    assert (vae.sample(10_000, random_state=0)["a"] == "y").mean() == pytest.approx(share, abs=0.03)
    hidden = X.assign(a=None)[:1]
    rest = (X["b"] == X["b"][0]) & (X["c"] == X["c"][0])
    expected = weights[rest & (X["a"] == "y")].sum() / weights[rest].sum()
    assert vae.infer_proba(hidden, "a")["y"].iloc[0] == pytest.approx(expected, abs=0.2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_learning_rate_that_breaks_them_leaves_independent_columns():
    X = categories(400)
    vae = VAETransformer(**SETTINGS, max_iter=3, learning_rate=1e6, early_stopping=False).fit(X)
    drawn = vae.sample(5000, random_state=0)
    for name in X:
        shares = X[name].value_counts(normalize=True)
        assert_allclose(drawn[name].value_counts(normalize=True).reindex(shares.index), shares, atol=0.04)
    assert np.isfinite(vae.log_likelihood(X)).all()


def test_a_seed_is_one_model_and_moves_nothing_global():
    state = torch.get_rng_state()
    one, other = (VAETransformer(**SETTINGS, max_iter=2).fit(categories()).vae_.state_dict() for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert any(name.startswith("chain.") for name in one)
    assert all(torch.equal(one[name], other[name]) for name in one)


# -- more training --------------------------------------------------------------------------------------------------


def test_a_warm_start_goes_on_with_all_three():
    X = categories(300)
    vae = VAETransformer(**SETTINGS, max_iter=2, warm_start=True).fit(X)
    first = {name: vae.vae_.get_submodule(name).state_dict() for name in ("chain", "reader")}
    scores = [vae.log_likelihood(X).mean()]
    for _ in range(4):
        scores.append(vae.fit(X).log_likelihood(X).mean())
    assert scores[-1] > scores[0] + 0.02
    for name, before in first.items():
        after = vae.vae_.get_submodule(name).state_dict()
        assert any(not torch.equal(before[key], after[key]) for key in before)
        assert vae._online.of(name).n_steps > 0


def test_chunks_teach_all_three():
    chunks = [categories(150, seed) for seed in range(8)]
    X = pd.concat(chunks)
    vae = VAETransformer(**SETTINGS, learning_rate=1e-2)
    for chunk in 3 * chunks:
        vae.partial_fit(chunk)
    assert list(vae.history_beside_) == ["chain", "reader"]
    for history in (vae.history_, *vae.history_beside_.values()):
        assert history["epoch"] == list(range(25))
    apart = sum(np.log(X[name].map(X[name].value_counts(normalize=True))) for name in X).mean()
    assert vae.log_likelihood(X).mean() > apart + 0.2
    assert np.exp(vae.log_likelihood(ROWS)).sum() == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("weight", [1e308, 5e-324])
def test_equal_weights_of_chunks_are_none_whatever_their_size(weight):
    plain, weighted = VAETransformer(**SETTINGS), VAETransformer(**SETTINGS)
    for seed in range(2):
        X = categories(100, seed)
        plain.partial_fit(X)
        weighted.partial_fit(X, sample_weight=np.full(100, weight))
    assert_allclose(weighted.log_likelihood(ROWS), plain.log_likelihood(ROWS), rtol=1e-6)
    pd.testing.assert_frame_equal(weighted.infer_proba(ROWS, "b"), plain.infer_proba(ROWS, "b"))


def test_a_chunk_that_breaks_them_leaves_them_as_they_were():
    vae = VAETransformer(**SETTINGS).partial_fit(categories())
    before = vae.log_likelihood(ROWS), vae.infer_proba(ROWS, "b")
    vae.set_params(learning_rate=1e30)
    with pytest.warns(ConvergenceWarning, match="went back to the best weights"):
        vae.partial_fit(categories(seed=1))
    assert_allclose(vae.log_likelihood(ROWS), before[0])
    pd.testing.assert_frame_equal(vae.infer_proba(ROWS, "b"), before[1])


def test_a_stream_is_fitted_as_rows_in_memory_are(monkeypatch):
    X = categories(900, gaps=True)
    chunks = [X[first : first + 300] for first in range(0, 900, 300)]
    monkeypatch.setattr("skvae.models.streaming.IN_MEMORY", 1000)
    streamed = VAETransformer(**SETTINGS, max_iter=8).fit_chunks(chunks)
    whole = VAETransformer(**SETTINGS, max_iter=8, early_stopping=True).fit(X)
    assert list(streamed.history_beside_) == ["chain", "reader"]
    assert streamed.log_likelihood(X).mean() == pytest.approx(whole.log_likelihood(X).mean(), abs=0.15)
    drawn = streamed.sample(4000, random_state=0)
    assert drawn["b"].isna().mean() == pytest.approx(X["b"].isna().mean(), abs=0.05)
