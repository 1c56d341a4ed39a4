import math
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from skvae import VAETransformer
from skvae.models.chunk import append
from skvae.tables import Table
from skvae.training import History


def passed(*elbos):
    history = History()
    for elbo in elbos:
        history.add(0.1, torch.tensor([elbo, 0.0]))
    return history


def test_passes_are_numbered_on():
    history = History()
    append(history, passed(-3.0, -2.0))
    append(history, passed(math.nan, -1.0))  # the state before a later pass is the one after the earlier
    assert history.as_dict()["epoch"] == [0, 1, 2]
    assert history.as_dict()["elbo"] == pytest.approx([-3.0, -2.0, -1.0])
    assert history.best_iter == 2


def chunks(n_first, n_rows=3000):
    """A table whose first rows come first, and then the others."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3)) @ rng.normal(size=(3, 6)) + 0.3 * rng.normal(size=(n_rows, 6))
    return X, X[:n_first], X[n_first:]


@pytest.mark.parametrize(("n_first", "at_least"), [(2, -100), (5, -12), (10, -10), (20, -8)])
def test_a_small_first_chunk_is_warned_of_and_starts_somewhere_sane(n_first, at_least):
    X, first, later = chunks(n_first)
    vae = VAETransformer(3, device="cpu", random_state=0)
    with pytest.warns(UserWarning, match=rf"but has {n_first} row\(s\)\. Begin with 100 at least"):
        vae.partial_fit(first)
    assert vae.partial_fit(later).score(X) > at_least  # two rows alone have no noise: −2.6e10


@pytest.mark.filterwarnings("error")
def test_known_columns_and_a_hundred_rows_are_enough():
    X, first, later = chunks(100)
    VAETransformer(3, device="cpu", random_state=0).partial_fit(first).partial_fit(later)
    VAETransformer(3, device="cpu", random_state=0).partial_fit(first[:5], table=Table.fit(X)).partial_fit(later)


@pytest.mark.parametrize("decoder", ["factorized", "autoregressive"])
def test_whole_numbers_beyond_the_first_chunk_are_warned_of(decoder, tiny):
    frame = pd.DataFrame({"n": np.arange(200) % 50, "day": pd.date_range("2024-01-01", periods=200)})
    vae = VAETransformer(**tiny, decoder=decoder).partial_fit(frame[:100])
    with pytest.warns(UserWarning, match=r"Column 'n' holds 99, outside of the range that was learned of .*; 1 such"):
        vae.partial_fit(frame[:100].assign(n=[99, *range(50), *range(49)]))
    with pytest.warns(UserWarning, match=r"Column 'day' holds .*2024-04-10.*, outside of the range .*; 100 such cell"):
        vae.partial_fit(frame[100:])


def test_a_chunk_that_breaks_the_model_leaves_it_as_it_was():
    X = chunks(500)[1]
    vae = VAETransformer(3, device="cpu", random_state=0).partial_fit(X)
    before = vae.transform(X)
    vae.set_params(learning_rate=1e12)
    with pytest.warns(ConvergenceWarning, match="training went back to the best weights"):
        vae.partial_fit(X)
    np.testing.assert_array_equal(vae.transform(X), before)
    vae.set_params(learning_rate="auto").partial_fit(X)
    assert vae.score(X) > -20


def test_values_that_protection_keeps_behind_the_ends_are_no_news(tiny):
    x = np.arange(300.0)
    vae = VAETransformer(**tiny, decoder="factorized").partial_fit(pd.DataFrame({"x": x}))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Column .* outside of the range")
        vae.partial_fit(pd.DataFrame({"x": x}))  # the same rows, of which two lie beyond either end
    with pytest.warns(UserWarning, match=r"Column 'x' holds 300\.0, outside of the range that was learned .*; 7 such"):
        vae.partial_fit(pd.DataFrame({"x": np.r_[x[3:-5], 300:305, 298, 299]}))
