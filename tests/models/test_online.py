import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from skvae import VAETransformer
from skvae.models import Data, Online
from skvae.tables import Table


def test_rules_count_on_more_chunks():
    assert Online.starting_with(10).n_rows == 2000
    assert Online.starting_with(5000).n_rows == 5000


def test_weights_are_relative_to_all_chunks_so_far(iris):
    table = Table.fit(iris)
    x = table.encode(iris)
    online = Online(2000).noticing(Data(table, x)).noticing(Data(table, x, torch.full((150,), 3.0)))
    assert (online.n_seen, online.mean_weight) == (300, 2.0)
    assert online.relative(torch.tensor([4.0])).tolist() == [2.0]
    assert online.relative(None) is None


@pytest.mark.parametrize("weight", [1e308, 1.0, 5e-324])
def test_the_mean_of_equal_weights_is_exact(weight, iris):
    table = Table.fit(iris)
    data, online = Data(table, table.encode(iris), torch.full((150,), weight, dtype=torch.float64)), Online(2000)
    for _ in range(5):
        online = online.noticing(data)
        assert online.mean_weight == weight


@pytest.mark.parametrize("weight", [1e308, 1.0, 5e-324, 1e-46])
def test_equal_weights_are_no_weights_whatever_their_size(tiny, iris, weight):
    plain, weighted = VAETransformer(**tiny), VAETransformer(**tiny)
    for rows in (iris[:100], iris[100:]):
        plain.partial_fit(rows)
        weighted.partial_fit(rows, sample_weight=np.full(len(rows), weight))
    assert_array_equal(weighted.transform(iris), plain.transform(iris))


def test_many_short_fits_are_one_long_one():
    X = load_digits().data[:600] / 16
    settings = {"n_components": 4, "hidden_layer_sizes": (64,), "learning_rate": 0.005, "batch_size": 32}
    settings |= {"weight_decay": 0.0, "device": "cpu", "random_state": 0}
    long = VAETransformer(**settings, max_iter=25, early_stopping=False).fit(X).score(X)
    warm, online = VAETransformer(**settings, max_iter=1, warm_start=True), VAETransformer(**settings)
    scores = [warm.fit(X).score(X) for _ in range(25)]
    for _ in range(25):
        online.partial_fit(X)
    assert min(np.diff(scores)) >= 0  # what is kept is the better of before and after
    assert long > scores[0] + 8
    assert_allclose([scores[-1], online.score(X)], long, atol=2.5)


def test_a_fit_that_fell_is_gone_on_with_from_its_last_step(tiny, iris):
    vae = VAETransformer(
        **tiny | {"max_iter": 1, "learning_rate": 10.0, "warm_start": True, "early_stopping": False}
    ).fit(iris)
    assert vae.best_iter_ == 0
    left, kept = vae._online.left, list(vae.vae_.state_dict().values())
    assert not all(map(torch.equal, left, kept))
    vae._online.take_up(vae.vae_)
    assert all(map(torch.equal, left, vae.vae_.state_dict().values()))
    assert VAETransformer(**tiny | {"warm_start": True}).fit(iris)._online.left is None
    assert VAETransformer(**tiny).fit(iris)._online is None
