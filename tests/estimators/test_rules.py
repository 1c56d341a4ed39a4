import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skvae import VAEImputer, VAESearchCV, VAETransformer
from skvae.estimators.rules import rules_of
from skvae.tables import Rulebook
from tests.tables.rules.ruled import FOUND, TABLES, orders, people, purchases, stays, with_gaps

QUICK = {"n_components": 2, "hidden_layer_sizes": (16,), "max_iter": 2, "random_state": 0}
N_ROWS = {"stays": 500, "weather": 500, "patients": 400}  # in which all rules are found; 200 of the other tables


@pytest.fixture(scope="module", params=TABLES)
def fitted(request):
    X = TABLES[request.param](N_ROWS.get(request.param, 200))
    return request.param, X, VAETransformer(**QUICK).fit(X)


@pytest.fixture(scope="module")
def ordered():
    X = orders(300)
    return X, VAETransformer(**QUICK, constraints=["total = net + tax"]).fit(X)


def held(X, vae, rows):
    """Shares of rows that keep each rule, by what the table says of functions."""
    return set(Rulebook.stated(vae.constraints_, X).held(rows).values())


def test_rules_are_found_and_can_be_given_back(fitted):
    name, X, vae = fitted
    assert set(FOUND[name]) <= set(vae.constraints_)
    again = clone(vae).set_params(constraints=vae.constraints_).fit(X)
    assert again.constraints_ == vae.constraints_
    pd.testing.assert_frame_equal(again.sample(50, random_state=1), vae.sample(50, random_state=1))


def test_every_row_of_a_sample_keeps_them(fitted):
    _, X, vae = fitted
    rows = vae.sample(2000, random_state=0)
    assert held(X, vae, rows) == {1.0}
    assert rows.dtypes.equals(X.dtypes)
    plain = clone(vae).set_params(constraints=None, decoder="factorized").fit(X)
    assert plain.constraints_ == []
    assert held(X, vae, plain.sample(500, random_state=0)) != {1.0}


def test_every_row_under_a_condition_keeps_them_and_the_condition(fitted):
    _, X, vae = fitted
    for name in X:
        given = X[[name]][:60]
        rows = vae.sample(given=given, random_state=0)
        assert held(X, vae, rows) == {1.0}
        pd.testing.assert_frame_equal(rows[[name]], given)
        one = vae.sample(20, given={name: X[name][7]}, random_state=0)
        assert held(X, vae, one) == {1.0}
        assert (one[name] == X[name][7]).all()


@pytest.mark.parametrize("n_draws", [None, 2])
def test_every_row_with_filled_gaps_keeps_them(fitted, n_draws):
    name, X, vae = fitted
    whole = TABLES[name](200, seed=3)
    holes = with_gaps(whole, 0.3)
    filled = vae.impute(holes, n_draws=n_draws, random_state=0)
    for rows in [filled] if n_draws is None else filled:
        assert held(X, vae, rows) == {1.0}
        assert not rows.isna().any(axis=None)
        for column in rows:
            known = holes[column].notna()
            assert (rows[column][known] == whole[column][known]).all()


def test_an_imputer_keeps_them():
    X = orders(200)
    imputer = VAEImputer(VAETransformer(**QUICK)).fit(with_gaps(X, 0.2))
    assert "total = net + tax" in imputer.estimator_.constraints_
    for sample_posterior in (True, False):
        imputer.set_params(sample_posterior=sample_posterior)
        assert held(X, imputer.estimator_, imputer.transform(with_gaps(orders(100, seed=1), 0.3))) == {1.0}


def test_a_total_is_inferred_exactly(ordered):
    X, vae = ordered
    np.testing.assert_allclose(vae.infer(X, "total"), X["total"])


@pytest.mark.parametrize("decoder", ["factorized", "conditional", "autoregressive"])
def test_any_decoder_keeps_them(decoder):
    X = people(200)
    vae = VAETransformer(**QUICK, decoder=decoder).fit(X)
    assert held(X, vae, vae.sample(500, random_state=0)) == {1.0}
    assert held(X, vae, vae.sample(50, given={"currency": "PLN"}, random_state=0)) == {1.0}
    assert held(X, vae, vae.impute(X.mask(np.random.default_rng(0).random(X.shape) < 0.2))) == {1.0}


def test_gaps_are_drawn_beside_rules():
    X = with_gaps(orders(200), 0.1)
    vae = VAETransformer(**QUICK).fit(X)
    rows = vae.sample(400, random_state=0)
    assert rows.isna().any(axis=None)
    assert held(X, vae, rows) == {1.0}


def test_products_hold_to_the_last_decimal():
    X = orders(300)
    rules = ["net = price * quantity - discount", "total = net + tax", "quantity >= 1"]
    vae = VAETransformer(**QUICK, constraints=rules).fit(X)
    assert vae.constraints_ == rules
    assert held(X, vae, vae.sample(500, random_state=0)) == {1.0}
    assert held(X, vae, vae.sample(given=X[["total"]][:30], random_state=0)) == {1.0}


def test_scores_know_nothing_of_rules(ordered):
    X, one = ordered
    other = VAETransformer(**QUICK, constraints=None).fit(X)
    np.testing.assert_array_equal(one.score_samples(X), other.score_samples(X))
    np.testing.assert_array_equal(one.log_likelihood(X), other.log_likelihood(X))
    np.testing.assert_array_equal(one.transform(X), other.transform(X))


def test_tables_without_rules_are_drawn_as_ever(iris_frame):
    one, other = (VAETransformer(**QUICK, constraints=rules).fit(iris_frame) for rules in ("auto", None))
    assert one.constraints_ == []
    pd.testing.assert_frame_equal(one.sample(20, random_state=0), other.sample(20, random_state=0))


@pytest.fixture
def iris_frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(90, 3)), columns=list("abc"))


def test_a_given_rule_that_rows_break_is_an_error_before_training():
    X = orders(300)
    vae = VAETransformer(**QUICK, constraints=["net = price * quantity"])
    with pytest.raises(ValueError, match=r"\d+\.\d+% of them break 'net = price \* quantity', the first of them row"):
        vae.fit(X)
    assert set(vars(vae)) == set(vae.get_params())


@pytest.mark.parametrize("constraints", ["a = b", [["a"]], 3])
def test_constraints_are_auto_none_or_a_list_of_text(constraints):
    with pytest.raises((ValueError, TypeError), match=r"constraints|A rule is text"):
        VAETransformer(**QUICK, constraints=constraints).fit(orders(50))


def test_a_condition_that_breaks_a_rule_is_a_sentence(ordered):
    X, vae = ordered
    row = X.iloc[0]
    with pytest.raises(ValueError, match=r"row 0 of given breaks 'total = net \+ tax'"):
        vae.sample(given={"net": row["net"], "tax": row["tax"], "total": X["total"].max()})
    with pytest.raises(ValueError, match="what follows for 'tax' from row 0 of given"):
        vae.sample(3, given={"net": X["net"].max(), "total": X["total"].min()})


def test_arrays_have_rules_by_position_if_they_are_given():
    X = np.random.default_rng(0).integers(0, 20, (300, 2)).astype(float)
    X = np.column_stack([X, X.sum(axis=1)])
    assert VAETransformer(**QUICK).fit(X).constraints_ == []
    vae = VAETransformer(**QUICK, constraints=["x2 = x0 + x1"]).fit(X)
    rows = vae.sample(50, random_state=0)
    assert isinstance(rows, np.ndarray)
    np.testing.assert_allclose(rows[:, 2], rows[:, 0] + rows[:, 1])
    holes = X.copy()
    holes[::2, 1] = np.nan
    np.testing.assert_allclose(vae.impute(holes), X)
    np.testing.assert_allclose(vae.sample(5, given={2: 30.0}, random_state=0)[:, :2].sum(axis=1), 30)


def test_files_and_pickles_hold_rules(tmp_path):
    pytest.importorskip("safetensors")
    X = stays(200)
    vae = VAETransformer(**QUICK).fit(X)
    vae.save(tmp_path / "model")
    for again in (VAETransformer.load(tmp_path / "model"), pickle.loads(pickle.dumps(vae))):
        assert again.constraints_ == vae.constraints_
        pd.testing.assert_frame_equal(again.sample(300, random_state=0), vae.sample(300, random_state=0))


def test_streams_keep_what_all_chunks_keep(monkeypatch):
    chunks, vae = [stays(400, seed) for seed in range(3)], VAETransformer(**QUICK, decoder="factorized")
    whole = clone(vae).fit_chunks(chunks)
    assert set(FOUND["stays"]) <= set(whole.constraints_)
    monkeypatch.setattr("skvae.models.streaming.IN_MEMORY", 4000)
    streamed = clone(vae).fit_chunks(chunks)
    assert set(streamed.constraints_) == set(whole.constraints_)
    assert held(pd.concat(chunks), streamed, streamed.sample(300, random_state=0)) == {1.0}
    chunks[2].loc[5, "paid"] = chunks[2].loc[5, "start"] - pd.Timedelta("3D")
    assert "end <= paid" not in clone(vae).fit_chunks(chunks).constraints_
    with pytest.raises(ValueError, match="Chunk 3: A rule holds in all rows"):
        vae.set_params(constraints=["end <= paid"]).fit_chunks(chunks)


def test_later_chunks_drop_rules_that_they_break():
    first, later = stays(400), stays(300, seed=1)
    later["quarter"] = "Q1"
    vae = VAETransformer(**QUICK).partial_fit(first)
    before = vae.constraints_
    assert set(vae.partial_fit(later).constraints_) == set(before) - {"quarter = f(quarter(start))"}
    given = VAETransformer(**QUICK, constraints=["quarter = f(quarter(start))"]).partial_fit(first)
    with pytest.raises(ValueError, match="break 'quarter"):
        given.partial_fit(later)


def numbered(n):
    """Orders with two numbers that look like identifiers, one a function of the other."""
    return orders(n).assign(number=np.arange(n) + 1000, receipt=np.arange(n) + 5000)


def test_identifiers_have_rules_where_they_are_modelled(monkeypatch):
    X, rule = numbered(200), "receipt = number + 4000"
    plain = VAETransformer(**QUICK, decoder="factorized")
    modelled = clone(plain).set_params(likelihood={"number": "normal_scores", "receipt": "normal_scores"})
    with pytest.warns(UserWarning, match="identifiers"):
        assert rule not in plain.fit(X).constraints_
    vae = modelled.fit(X)
    assert rule in vae.constraints_
    assert held(X, vae, vae.sample(200, random_state=0)) == {1.0}
    chunks = [X[:100], X[100:]]
    for cells_in_memory in (10_000_000, 1000):
        monkeypatch.setattr("skvae.models.streaming.IN_MEMORY", cells_in_memory)
        assert rule in modelled.fit_chunks(chunks).constraints_
        with pytest.warns(UserWarning, match="identifiers"):
            assert rule not in plain.fit_chunks(chunks).constraints_
    assert rule in clone(modelled).partial_fit(X).constraints_
    with pytest.warns(UserWarning, match="identifiers"):
        assert rule not in clone(plain).partial_fit(X).constraints_


def test_a_warm_start_keeps_what_both_fits_keep():
    first, later = orders(400), orders(300, seed=1)
    vae = VAETransformer(**QUICK, decoder="factorized", warm_start=True).fit(first)
    before = vae.constraints_
    later.loc[4, "total"] = later.loc[4, "total"] + 1
    assert set(vae.fit(later).constraints_) == set(before) - {"total = net + tax"}


def test_fits_of_a_search_have_rules():
    X = orders(400)
    search = VAESearchCV(VAETransformer(**QUICK, decoder="factorized"), {"n_components": [1, 2]}, cv=2).fit(X)
    assert "total = net + tax" in search.best_estimator_.constraints_


def test_a_list_with_a_name_in_backticks():
    X = stays(200)
    book = rules_of(X, ["`length of stay` >= 0"], None)
    assert book.texts == ["`length of stay` >= 0"]
    assert rules_of(X.to_numpy(dtype=object), None, None) is None


def test_dates_of_a_time_zone_stay_dates():
    source = np.random.default_rng(0)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(source.integers(0, 500, 400), "D")
    nights = source.poisson(9, 400)
    end = start + pd.to_timedelta(nights, "D")
    zone = "Europe/Berlin"
    X = pd.DataFrame({"start": start.tz_localize(zone), "end": end.tz_localize(zone), "nights": nights})
    vae = VAETransformer(**QUICK).fit(X)
    assert "nights = days(end - start)" in vae.constraints_
    gaps = X.copy()
    gaps.loc[::2, "end"] = pd.NaT
    given = vae.sample(given=X[["nights"]], random_state=0)
    for rows in (vae.sample(300, random_state=0), given, vae.impute(gaps), vae.reconstruct(X)):
        for name in ("start", "end"):
            assert rows[name].dtype == X[name].dtype
            assert (rows[name] == rows[name].dt.normalize()).all()
    for rows in (given, vae.sample(300, random_state=1)):
        whole = rows["end"].dt.tz_localize(None) - rows["start"].dt.tz_localize(None)
        assert (whole.dt.days == rows["nights"]).all()
    with pytest.raises(ValueError, match="in steps of 1 days"):
        vae.sample(2, given={"start": "2020-05-01 01:00"})


def test_numbers_that_are_computed_from_others_are_so_in_every_row():
    X = purchases(300)
    vae = VAETransformer(**QUICK).fit(X)
    assert vae.constraints_ == ["total = net + tax", "tax = net / 5", "net = pieces * price"]

    def are_right(rows):
        net = (rows["net"] - rows["pieces"] * rows["price"]).abs() < 0.005 + 1e-9
        tax = (rows["tax"] - rows["net"] / 5).abs() < 0.005 + 1e-9
        return net & tax & ((rows["total"] - rows["net"] - rows["tax"]).abs() < 1e-9)

    assert are_right(vae.sample(1000, random_state=0)).all()
    for name in ("pieces", "price", "net", "total"):
        rows = vae.sample(30, given={name: X[name][7]}, random_state=0)
        assert (rows[name] == X[name][7]).all()
        assert are_right(rows).all()
    filled = vae.impute(with_gaps(X[:150], 0.2))
    assert are_right(filled.astype(X.dtypes)).mean() > 0.99
