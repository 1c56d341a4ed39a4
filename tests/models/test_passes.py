import copy
import gc
import pickle
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skvae import VAETransformer
from skvae.models import Model, passes
from skvae.models.passes import CHUNK, counting_from, in_precision, rows_at_once


def test_large_inputs_are_cut_into_parts_that_agree(tiny, iris, monkeypatch):
    vae = VAETransformer(**tiny).fit(iris)
    whole = vae.transform(iris), vae.score_samples(iris), vae.inverse_transform(vae.transform(iris))
    monkeypatch.setattr(passes, "CHUNK", 512 * 7)  # seven rows at once
    assert_allclose(vae.transform(iris), whole[0], rtol=1e-9, atol=1e-12)
    assert_allclose(vae.score_samples(iris), whole[1], rtol=1e-9)
    assert_allclose(vae.inverse_transform(whole[0]), whole[2], rtol=1e-9, atol=1e-12)


def test_draws_do_not_depend_on_the_size_of_a_part(tiny, iris, monkeypatch):
    fitted = VAETransformer(**tiny).fit(iris)
    rows = Model(fitted.table_, fitted.vae_)
    whole = rows.log_likelihood(np.array(iris), 3, 0)
    monkeypatch.setattr(passes, "CHUNK", 512 * 7)
    assert_allclose(rows.log_likelihood(np.array(iris), 3, 0), whole, rtol=1e-12)


def test_an_error_says_from_where_it_counts():
    with pytest.raises(ValueError, match=r"^row 3 \(Rows count from row 1000 here\.\)$"), counting_from(1000):
        raise ValueError("row 3")
    with pytest.raises(ValueError, match=r"^row 3$"), counting_from(0):
        raise ValueError("row 3")
    with pytest.raises(TypeError, match=r"^row 3$"), counting_from(1000):
        raise TypeError("row 3")


def test_the_copy_in_double_precision_is_made_once_and_follows_the_weights(iris):
    vae = VAETransformer(2, hidden_layer_sizes=(8,), max_iter=2, device="cpu", random_state=0).fit(iris)
    pickled, twin = pickle.dumps(vae), in_precision(vae.vae_, torch.float64)
    assert in_precision(vae.vae_, torch.float64) is twin and in_precision(vae.vae_, torch.float32) is vae.vae_
    assert next(twin.parameters()).dtype == torch.float64
    assert pickle.dumps(vae) == pickled  # which does not hold it
    before = vae.transform(iris)
    with torch.no_grad():
        for p in vae.vae_.encoder.parameters():
            p.mul_(0.5)
    assert in_precision(vae.vae_, torch.float64) is not twin
    after = vae.transform(iris)
    assert_array_equal(after, copy.deepcopy(vae).transform(iris))
    assert abs(after - before).max() > 0.01
    vae.partial_fit(iris)
    assert_array_equal(vae.transform(iris), pickle.loads(pickle.dumps(vae)).transform(iris))
    found = weakref.ref(in_precision(vae.vae_, torch.float64))
    vae.fit(iris)
    gc.collect()
    assert found() is None


def test_a_table_of_many_levels_is_drawn_fewer_rows_at_a_time(tiny):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(600, 12))).rename(columns=str)
    vae = VAETransformer(**tiny, decoder="factorized").fit(X)
    assert sum(len(column.edges) for column in vae.table_.columns) == 1200
    assert rows_at_once(vae.table_, vae.vae_) == CHUNK // 1200
