import copy
import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest

from skvae import VAETransformer
from skvae.models import Draws
from tests.tables.bills import bills, share_paid

BILLS = bills(1500)


def without_copies(vae):
    """The same model, whose table says nothing of copies."""
    return Draws(dataclasses.replace(vae.table_, copies=()), vae.vae_, vae._rules)


def test_draws_need_a_table_and_a_module(tiny, mixed):
    fitted = VAETransformer(**tiny).fit(mixed)
    draws = Draws(fitted.table_, fitted.vae_)
    (full,) = draws.impute(mixed, None, fitted._generator(0))
    assert not full.isna().any().any()
    rows = draws.sample(7, fitted._generator(0), gaps=False)
    assert len(rows) == 7 and (rows.dtypes == mixed.dtypes).all()


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
    (one,), (other,) = (model.impute(X, None, paid._generator(0)) for model in (paid._draws(), without_copies(paid)))
    pd.testing.assert_frame_equal(one, other)


def test_copies_survive_pickles_and_more_training(paid):
    rows = paid.sample(200, random_state=3)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(paid)).sample(200, random_state=3), rows)
    more = copy.deepcopy(paid).partial_fit(bills(300, seed=9))
    assert len(more.table_.copies) == 1
    assert share_paid(more.sample(5000, random_state=0)) > 0.05
