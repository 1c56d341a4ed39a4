import dataclasses

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose, assert_array_equal

from skvae.models import Model, index_of
from tests.tables.bills import bills


def test_a_model_is_a_table_and_a_module(model_of_mixed, mixed):
    fitted = model_of_mixed
    model = Model(fitted.table_, fitted.vae_)
    assert model.n_components == 2
    assert model.device.type == "cpu"
    rows = model.reconstruct(mixed, index_of(mixed), None)
    pd.testing.assert_index_equal(rows.index, mixed.index)
    assert (rows.dtypes == mixed.dtypes).all()


def test_only_frames_have_an_index():
    assert index_of(np.zeros((2, 2))) is None
    assert index_of(pd.DataFrame({"a": [1]}, index=["x"])).tolist() == ["x"]


def test_the_likelihood_of_copies_integrates_to_one(paid):
    """Over a point at the bill, and a density in the ranges of the levels."""
    bins, j = paid.table_.ranged[2].bins, 2
    middles = bins.decode(np.arange(len(bins.edges)) + 0.499)
    for bill in bills(12)["bill"]:
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
    without = Model(dataclasses.replace(paid.table_, copies=()), paid.vae_)
    gain = paid.log_likelihood(new) - without.log_likelihood(new, None, 0)
    is_paid = (new["pay"] == new["bill"]).to_numpy()
    assert gain[is_paid].mean() > 1 and gain.mean() > 0
    assert_array_equal(paid.score_samples(new), without.elbo(new))
