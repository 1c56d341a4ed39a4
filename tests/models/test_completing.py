"""A table whose conditional distributions are known: what the model that reads any visible cells says of them."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

from skvae import VAETransformer
from skvae.likelihoods import Bernoulli, Categorical, Ordinal
from skvae.models.completing import (
    Accepted,
    ByParticles,
    ByReader,
    after_last_known,
    completer,
    hidden,
    who_share_a_condition,
)
from skvae.networks import MLP, Chain, Reader
from skvae.tables import Table

N = 1500
SLOPE, NOISE = 0.8, 0.6
SETTINGS = {"n_components": 2, "hidden_layer_sizes": (32,), "device": "cpu", "random_state": 0}


def make_table(n_rows=N, seed=0):
    """b | a is normal, the kind has the sign of a in nine of ten rows, and b is often missing where the kind is low."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n_rows)
    b = SLOPE * a + NOISE * rng.normal(size=n_rows)
    is_high = (a > 0) ^ (rng.random(n_rows) < 0.1)
    b[~is_high & (rng.random(n_rows) < 0.3)] = np.nan
    return pd.DataFrame({"a": a, "b": b, "kind": np.where(is_high, "high", "low")})


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def vae(table):
    return VAETransformer(**SETTINGS, max_iter=20, batch_size=128, learning_rate=1e-2).fit(table)


@pytest.fixture(scope="module")
def new():
    return make_table(400, seed=1).dropna()


def test_a_number_is_inferred_as_its_mean_given_the_others(vae, new):
    expected = SLOPE * new["a"]
    inferred = vae.infer(new, "b")
    assert inferred.name == "b"
    assert inferred.dtype == new["b"].dtype
    pd.testing.assert_index_equal(inferred.index, new.index)
    inside = new["a"].abs() < 1.5
    assert np.sqrt(((inferred - expected)[inside] ** 2).mean()) < 0.2


def test_the_probability_of_a_category_is_that_given_the_others(vae, new):
    shares = vae.infer_proba(new, "kind")
    assert list(shares.columns) == ["high", "low"]
    pd.testing.assert_index_equal(shares.index, new.index)
    assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    for sign, usual in ((new["a"] > 0.4, "high"), (new["a"] < -0.4, "low")):
        assert shares.loc[sign, usual].mean() == pytest.approx(0.9, abs=0.06)
    assert (vae.infer(new, "kind") == shares.idxmax(axis=1)).all()


def test_the_probabilities_of_ranges_have_the_mean_of_the_number(vae, new):
    shares = vae.infer_proba(new, "b")
    assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-4)
    middles = np.array([getattr(level, "mid", level) for level in shares.columns], dtype=float)
    assert_allclose(shares @ middles, vae.infer(new, "b"), atol=0.12)


@pytest.mark.parametrize("column", ["b", "kind"])
def test_what_the_column_itself_holds_is_not_looked_at(column, vae, new):
    without = new.copy()
    without[column] = without[column].mask(np.ones(len(new), dtype=bool))
    pd.testing.assert_series_equal(vae.infer(new, column), vae.infer(without, column))
    pd.testing.assert_frame_equal(vae.infer_proba(new, column), vae.infer_proba(without, column))
    pd.testing.assert_series_equal(vae.impute(without)[column], vae.infer(new, column))


def test_draws_have_the_spread_of_the_distribution(vae, new):
    gaps = new.assign(b=np.nan)
    draws = np.array([filled["b"] for filled in vae.impute(gaps, n_draws=30, random_state=0)])
    inside = (new["a"].abs() < 1).to_numpy()
    residual = draws[:, inside] - SLOPE * new["a"].to_numpy()[inside]
    assert residual.mean() == pytest.approx(0, abs=0.1)
    assert residual.std() == pytest.approx(NOISE, abs=0.12)


def test_gaps_of_one_row_are_drawn_together(vae):
    """Where both are gaps, the kind and a depend on one another in each draw as they do in the data."""
    rows = pd.DataFrame({"a": [np.nan] * 1500, "b": [0.0] * 1500, "kind": [None] * 1500})
    (drawn,) = vae.impute(rows, n_draws=1, random_state=0)
    is_far = drawn["a"].abs() > 0.3
    agrees = (drawn["a"] > 0) == (drawn["kind"] == "high")
    assert agrees[is_far].mean() == pytest.approx(0.9, abs=0.06)


def test_conditions_need_no_particles(vae):
    drawn = vae.sample(2000, given={"a": 1.0}, gaps=False, random_state=0)
    assert (drawn["a"] == 1.0).all()
    assert drawn["b"].mean() == pytest.approx(SLOPE, abs=0.15)
    assert (drawn["kind"] == "high").mean() == pytest.approx(0.9, abs=0.06)


def test_samples_have_gaps_as_the_rows_do_unless_told_otherwise(vae):
    drawn = vae.sample(3000, random_state=0)
    missing = drawn["b"].isna().groupby(drawn["kind"]).mean()
    assert missing["low"] == pytest.approx(0.3, abs=0.07)
    assert missing["high"] < 0.05
    assert drawn[["a", "kind"]].notna().all(axis=None)
    assert vae.sample(3000, gaps=False, random_state=0).notna().all(axis=None)
    assert vae.sample(500, given={"kind": "low"}, gaps=False, random_state=0).notna().all(axis=None)


def test_samples_under_a_condition_have_gaps_as_such_rows_do(vae):
    given = vae.sample(1500, given={"kind": "low"}, random_state=0)
    assert given["b"].isna().mean() == pytest.approx(0.3, abs=0.08)
    assert vae.sample(1500, given={"kind": "high"}, random_state=0)["b"].isna().mean() < 0.04


def test_what_completes_is_the_reader_where_there_is_one(vae, table):
    assert isinstance(completer(vae.table_, vae.vae_), ByReader)
    plain = VAETransformer(**SETTINGS, decoder="factorized", max_iter=1).fit(table[:100])
    assert isinstance(completer(plain.table_, plain.vae_), ByParticles)


@pytest.fixture
def unlike(joint_of):
    """A chain and a reader that know nothing of each other."""
    parts = [(Categorical(), [2, 0], [3, 2]), (Bernoulli(), [1], [0]), (Ordinal(), [3], [3])]
    seed = torch.Generator().manual_seed(0)
    chain = Chain(joint_of(parts), lambda n_in, n_out: MLP(n_in, n_out, (6,), "silu", 0.0, seed), seed).double()
    reader = Reader(joint_of(parts), (8,), seed).double()
    for parameter in [*chain.parameters(), *reader.parameters()]:
        parameter.requires_grad_(False).normal_(std=0.3, generator=seed)
    return ByReader(Table.fit(pd.DataFrame({name: [0.0, 1.0] for name in "abcd"})), reader, chain)


def given_ones(known):
    given = torch.full((1, 4), torch.nan, dtype=torch.float64)
    given[:, known] = 1.0
    return given


def assert_has_the_shares_of(chain, known, drawn):
    """Rows have the exact conditional probabilities of the chain."""
    rows = torch.cartesian_prod(*[torch.arange(levels, dtype=torch.float64) for levels in (2, 2, 3, 3)])
    shares = chain.log_prob(rows[None])[0].masked_fill((rows[:, known] != 1).any(dim=1), -torch.inf).softmax(dim=0)
    counts = (drawn.floor()[:, None] == rows).all(dim=2).sum(dim=0)
    possible = shares > 0
    assert int(counts[possible].sum()) == len(drawn)
    assert stats.chisquare(counts[possible], len(drawn) * shares[possible]).pvalue > 1e-4


@pytest.mark.parametrize("known", [[2], [3], [1, 3], [0], []])
def test_samples_are_those_of_the_chain_whatever_the_reader_proposes(known, unlike, monkeypatch):
    monkeypatch.setattr("skvae.models.completing.N_PROPOSALS", 60)
    given, seed = given_ones(known), torch.Generator().manual_seed(1)
    drawn = unlike._resample(given.expand(2000, 4), unlike.chain, seed, gaps=False)
    assert_has_the_shares_of(unlike.chain, known, drawn)


@pytest.mark.parametrize("known", [[2], [3], [1, 3], [0], []])
def test_rows_of_the_chain_that_meet_a_condition_are_accepted(known, unlike):
    given, seed = given_ones(known), torch.Generator().manual_seed(1)
    drawn = unlike._accept(given, 2000, unlike.chain, seed, gaps=False)
    assert_has_the_shares_of(unlike.chain, known, drawn)


def test_where_few_rows_meet_a_condition_the_reader_proposes(unlike, monkeypatch):
    given, seed = given_ones([3]), torch.Generator().manual_seed(1)
    monkeypatch.setattr("skvae.models.completing.MIN_ACCEPTED", 0.99)
    assert unlike._accept(given, 10, unlike.chain, seed, gaps=False) is None
    assert len(unlike.sample(given, 10, seed, gaps=False)) == 10


def test_each_row_of_a_table_is_completed_under_its_own_condition(vae):
    given = pd.DataFrame({"a": [1.0, None, -1.0, None], "kind": [None, "low", None, None]}, index=list("wxyz"))
    drawn = vae.sample(given=pd.concat([given] * 300), random_state=0)
    assert list(drawn.index[:4]) == list("wxyz")
    assert (drawn.loc["w", "a"] == 1.0).all() and (drawn.loc["x", "kind"] == "low").all()
    assert drawn.notna().all(axis=None)
    assert (drawn.loc["w", "kind"] == "high").mean() == pytest.approx(0.9, abs=0.08)
    assert (drawn.loc["z", "kind"] == "high").mean() == pytest.approx(0.5, abs=0.12)
    assert len(vae.sample(given=given[:1].astype({"kind": object}), random_state=0)) == 1


def test_proposals_are_accepted_by_their_weight_over_the_largest():
    """One in four of weight 1, three of weight a quarter: of these a quarter stays, also if they came before it."""
    rows = torch.tensor([0.0, 1.0, 1.0, 1.0] * 2000)[:, None]
    log_weights = torch.where(rows[:, 0] == 0, 0.0, -math.log(4))
    log_u = torch.rand(len(rows), generator=torch.Generator().manual_seed(0)).log()
    accepted, is_low = Accepted(rows), rows[:, 0] == 1
    for part in (is_low, ~is_low):
        accepted.propose(rows[part], log_weights[part], log_u[part])
    assert accepted.share == pytest.approx((1 + 3 / 4) / 4, rel=1e-5)
    assert int((accepted.rows == 0).sum()) == 2000
    assert int((accepted.rows == 1).sum()) == pytest.approx(1500, abs=120)


def test_rows_that_share_a_condition_are_found():
    nan = torch.nan
    x = torch.tensor([[0.0, nan], [nan, 1.0], [0.0, nan], [nan, 0.0], [0.0, nan], [nan, 1.0]])
    assert [at.tolist() for at in who_share_a_condition(x, 2)] == [[0, 2, 4], [1, 5]]
    assert [at.tolist() for at in who_share_a_condition(x, 3)] == [[0, 2, 4]]
    assert [at.tolist() for at in who_share_a_condition(x[:0], 1)] == []


def test_columns_end_with_the_last_that_is_known():
    x = torch.tensor([[0.0, torch.nan, torch.nan], [torch.nan, 1.0, torch.nan]])
    assert after_last_known(x) == 2
    assert after_last_known(x[:1]) == 1
    assert after_last_known(torch.full((2, 3), torch.nan)) == 0


def test_gaps_that_are_to_be_filled_are_not_shown(vae):
    """Rows of training show their gaps; a row to complete must not say that its cell is missing."""
    by = completer(vae.table_, vae.vae_)
    x = by.table.encode(pd.DataFrame({"a": [0.3], "b": [np.nan], "kind": ["low"]}))
    unsaid = by._unsaid(x)
    assert len(by.table.indicated) == 1
    assert x[0, 0] == 1 and unsaid[0, 0].isnan()
    assert torch.equal(unsaid[:, [1, 3]], x[:, [1, 3]])


def test_parts_of_the_rows_are_completed_as_all_of_them(vae, new, monkeypatch):
    gaps = new.assign(b=np.nan)
    whole = vae.impute(gaps), vae.infer_proba(new, "kind")
    monkeypatch.setattr("skvae.models.completing.CELLS", 4000)
    assert completer(vae.table_, vae.vae_)._n_rows(1) < 50
    pd.testing.assert_frame_equal(vae.impute(gaps), whole[0])
    pd.testing.assert_frame_equal(vae.infer_proba(new, "kind"), whole[1], rtol=1e-5)


def test_one_column_is_made_a_gap_and_the_rows_stay(vae):
    table = vae.table_.of_columns  # whether b is missing, then a, b and the kind
    x = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    assert hidden(x, 1, table).nan_to_num(nan=-1).tolist() == [[0.0, -1.0, 2.0, 3.0]]
    assert hidden(x, 2, table).nan_to_num(nan=-1).tolist() == [[1.0, 1.0, -1.0, 3.0]]
    assert x.tolist() == [[0.0, 1.0, 2.0, 3.0]]


# -- by particles ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_z(table):
    settings = SETTINGS | {"decoder": "factorized", "likelihood": {"b": "histogram"}}
    return VAETransformer(**settings, max_iter=20).fit(table)


def test_draws_of_z_infer_too(of_z, new):
    new = new[:80]
    shares = of_z.infer_proba(new, "kind", random_state=0)
    assert_allclose(shares.sum(axis=1), 1.0)
    is_clear = (shares["high"] - 0.5).abs() > 0.2
    agrees = of_z.infer(new, "kind", random_state=0) == shares.idxmax(axis=1)
    assert agrees[is_clear].all()
    assert stats.spearmanr(of_z.infer(new, "b", random_state=0), new["a"]).statistic > 0.9


def test_an_array_is_inferred_by_position(iris):
    vae = VAETransformer(2, hidden_layer_sizes=(8,), early_stopping=False, max_iter=1, random_state=0).fit(iris)
    inferred = vae.infer(iris, 2, random_state=0)
    assert inferred.shape == (150,)
    assert np.corrcoef(inferred, iris[:, 2])[0, 1] > 0.9
    with pytest.raises(ValueError, match="levels"):
        vae.infer_proba(iris, 2)
    with pytest.raises(ValueError, match="column 4"):
        vae.infer(iris, 4)


def test_a_column_that_is_not_there_gets_a_sentence(vae, new):
    with pytest.raises(ValueError, match=r"'c'.* columns are"):
        vae.infer(new, "c")


# -- the table of columns -------------------------------------------------------------------------------------------


def test_columns_with_gaps_have_an_indicator_for_the_models_beside():
    table = Table.fit(make_table())
    assert len(table.indicated) == 0
    assert len(table.of_columns.indicated) == 1
