import copy
import dataclasses
import gc
import pickle
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skvae import VAETransformer
from skvae.models import Model, index_of
from skvae.models.model import CHUNK, counting_from
from tests.tables.bills import bills, share_paid


def test_large_inputs_are_cut_into_parts_that_agree(tiny, iris, monkeypatch):
    from skvae.models import model

    vae = VAETransformer(**tiny).fit(iris)
    whole = vae.transform(iris), vae.score_samples(iris), vae.inverse_transform(vae.transform(iris))
    monkeypatch.setattr(model, "CHUNK", 512 * 7)  # seven rows at once
    assert_allclose(vae.transform(iris), whole[0], rtol=1e-9, atol=1e-12)
    assert_allclose(vae.score_samples(iris), whole[1], rtol=1e-9)
    assert_allclose(vae.inverse_transform(whole[0]), whole[2], rtol=1e-9, atol=1e-12)


def test_a_model_is_a_table_and_a_module(tiny, mixed):
    fitted = VAETransformer(**tiny).fit(mixed)
    model = Model(fitted.table_, fitted.vae_)
    assert model.n_components == 2
    assert model.device.type == "cpu"
    rows = model.reconstruct(mixed, index_of(mixed), None)
    pd.testing.assert_index_equal(rows.index, mixed.index)
    assert (rows.dtypes == mixed.dtypes).all()
    (full,) = model.impute(mixed, None, fitted._generator(0))
    assert not full.isna().any().any()


def test_draws_do_not_depend_on_the_size_of_a_part(tiny, iris, monkeypatch):
    from skvae.models import model

    fitted = VAETransformer(**tiny).fit(iris)
    rows = Model(fitted.table_, fitted.vae_)
    whole = rows.log_likelihood(np.array(iris), 3, 0)
    monkeypatch.setattr(model, "CHUNK", 512 * 7)
    assert_allclose(rows.log_likelihood(np.array(iris), 3, 0), whole, rtol=1e-12)


def test_an_error_says_from_where_it_counts():
    with pytest.raises(ValueError, match=r"^row 3 \(Rows count from row 1000 here\.\)$"), counting_from(1000):
        raise ValueError("row 3")
    with pytest.raises(ValueError, match=r"^row 3$"), counting_from(0):
        raise ValueError("row 3")
    with pytest.raises(TypeError, match=r"^row 3$"), counting_from(1000):
        raise TypeError("row 3")


def test_only_frames_have_an_index():
    assert index_of(np.zeros((2, 2))) is None
    assert index_of(pd.DataFrame({"a": [1]}, index=["x"])).tolist() == ["x"]


def test_the_copy_in_double_precision_is_made_once_and_follows_the_weights(iris):
    vae = VAETransformer(2, hidden_layer_sizes=(8,), max_iter=2, device="cpu", random_state=0).fit(iris)
    pickled, module = pickle.dumps(vae), Model(vae.table_, vae.vae_)._module
    twin = module(torch.float64)
    assert module(torch.float64) is twin and module(torch.float32) is vae.vae_
    assert next(twin.parameters()).dtype == torch.float64
    assert pickle.dumps(vae) == pickled  # which does not hold it
    before = vae.transform(iris)
    with torch.no_grad():
        for p in vae.vae_.encoder.parameters():
            p.mul_(0.5)
    assert module(torch.float64) is not twin
    after = vae.transform(iris)
    assert_array_equal(after, copy.deepcopy(vae).transform(iris))
    assert abs(after - before).max() > 0.01
    vae.partial_fit(iris)
    assert_array_equal(vae.transform(iris), pickle.loads(pickle.dumps(vae)).transform(iris))
    found = weakref.ref(Model(vae.table_, vae.vae_)._module(torch.float64))
    vae.fit(iris)
    gc.collect()
    assert found() is None


def test_a_table_of_many_levels_is_drawn_fewer_rows_at_a_time(tiny):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(600, 12))).rename(columns=str)
    model = VAETransformer(**tiny).fit(X)._model()
    assert sum(len(column.edges) for column in model.table.columns) == 1200
    assert model._chunk_size() == CHUNK // 1200


# -- copies ------------------------------------------------------------------------------------------------------------

BILLS = bills(1500)


@pytest.fixture(scope="module")
def paid():
    return VAETransformer(1, max_iter=12, device="cpu", random_state=0).fit(BILLS)


def without_copies(vae):
    """The same model, whose table says nothing of copies."""
    return Model(dataclasses.replace(vae.table_, copies=()), vae.vae_, vae._rules)


def test_cells_are_equal_in_samples_as_often_as_they_were(paid):
    rows = paid.sample(20_000, random_state=0)
    assert share_paid(without_copies(paid).sample(20_000, paid._generator(0), gaps=None)) < 0.02
    assert share_paid(rows) == pytest.approx(share_paid(BILLS), rel=0.1)  # of few passes
    assert paid.constraints_ == ["pay <= bill"] and (rows["pay"] <= rows["bill"]).all()
    pd.testing.assert_frame_equal(rows, paid.sample(20_000, random_state=0))
    assert not rows.equals(paid.sample(20_000, random_state=1))


def test_only_cells_that_are_free_become_others(paid):
    given = BILLS[["bill"]][:1000]
    rows = paid.sample(given=given, random_state=0)
    pd.testing.assert_frame_equal(rows[["bill"]], given)
    assert share_paid(rows) == pytest.approx(share_paid(BILLS), rel=0.4)
    (some,) = paid.impute(BILLS.assign(pay=np.nan)[:1000], n_draws=1, random_state=0)
    pd.testing.assert_frame_equal(some[["kind", "bill"]], BILLS[["kind", "bill"]][:1000])
    assert share_paid(some) > 0.02
    known = BILLS[BILLS["pay"] < BILLS["bill"]][["pay"]][:300]
    rows = paid.sample(given=known, random_state=0)
    pd.testing.assert_frame_equal(rows[["pay"]], known)


def test_means_are_no_copies(paid):
    X = BILLS.assign(pay=BILLS["pay"].where(BILLS.index % 2 == 0))
    (one,), (other,) = (model.impute(X, None, paid._generator(0)) for model in (paid._model(), without_copies(paid)))
    pd.testing.assert_frame_equal(one, other)


def test_the_likelihood_of_copies_integrates_to_one(paid):
    """Over a point at the bill, and a density in the ranges of the levels."""
    bins, j = paid.table_.ranged[2].bins, 2
    middles = bins.decode(np.arange(len(bins.edges)) + 0.499)
    for bill in BILLS["bill"][:12]:
        middle = np.where(middles == bill, bins.decode(np.arange(len(bins.edges)) + 0.3), middles)
        rows = pd.DataFrame({"kind": "a", "bill": bill, "pay": [*middle, bill, np.nan]})
        log_prob = paid.log_likelihood(rows)
        width = np.exp(bins.log_width)
        point = float(bins.covers(np.array([bill]))[0])
        shares = np.exp(log_prob[:-1] - log_prob[-1]) * np.append(width, point)
        assert_allclose(shares.sum(), 1.0, rtol=1e-5)
        assert not point or shares[-1] > 1e-4
    assert paid.table_.copies[0].column == j


def test_copies_are_likely(paid):
    new = bills(400, seed=5)
    gain = paid.log_likelihood(new) - without_copies(paid).log_likelihood(new, None, 0)
    is_paid = (new["pay"] == new["bill"]).to_numpy()
    assert gain[is_paid].mean() > 1 and gain.mean() > 0
    assert_array_equal(paid.score_samples(new), without_copies(paid).elbo(new))


def test_copies_survive_pickles_and_more_training(paid):
    rows = paid.sample(200, random_state=3)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(paid)).sample(200, random_state=3), rows)
    more = copy.deepcopy(paid).partial_fit(bills(300, seed=9))
    assert len(more.table_.copies) == 1
    assert share_paid(more.sample(5000, random_state=0)) > 0.05


def test_rows_without_copies_are_drawn_as_they_were(tiny, mixed):
    vae = VAETransformer(**tiny).fit(mixed)
    assert vae.table_.copies == ()
    assert vae._model()._chance_of_copies(9, vae._generator(0)) is None
    assert vae._model()._copied(mixed, None) is mixed
