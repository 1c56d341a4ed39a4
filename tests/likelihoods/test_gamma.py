"""Positive numbers, from the table to the score; the density itself is in the table of families."""

import math

import numpy as np
import pytest
import torch

from skvae import VAETransformer
from skvae.likelihoods import Gamma

SETTINGS = {"n_components": 2, "likelihood": "gamma", "hidden_layer_sizes": (32,), "max_iter": 40, "random_state": 0}


def amounts(n_rows=600):
    """Positive numbers that hang together, each by its own factor."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=(n_rows, 1)) @ np.array([[0.8, -0.5, 0.3, 1.0]])
    return np.exp(size) * rng.gamma(4.0, 0.25, size=size.shape)


def held_out(vae):
    """The mean ELBO of held-out rows at the start, and the best."""
    values = np.array(vae.history_["validation_elbo"])
    return values[0], np.nanmax(values)


@pytest.mark.parametrize("factor", [1e-6, 0.3, 1e4])
def test_rescaling_changes_the_score_by_its_jacobian_alone(factor):
    X = amounts()
    settings = SETTINGS | {"max_iter": 10}
    one, other = VAETransformer(**settings).fit(X), VAETransformer(**settings).fit(factor * X)
    assert other.score(factor * X) == pytest.approx(one.score(X) - 4 * math.log(factor), abs=1e-3)
    np.testing.assert_allclose(other.transform(factor * X), one.transform(X), atol=1e-3)


def test_training_with_gaps_in_every_column_improves_on_the_start():
    X, rng = amounts(), np.random.default_rng(1)
    X[rng.random(X.shape) < 0.2] = np.nan
    vae = VAETransformer(**SETTINGS).fit(X)
    start, best = held_out(vae)
    assert best > start + 0.2
    assert np.isfinite(vae.score_samples(X)).all()
    assert all(np.isfinite(parameter.detach().numpy()).all() for parameter in vae.vae_.parameters())
    filled = vae.impute(X, random_state=0)
    assert np.isfinite(filled).all() and (filled > 0).all()
    np.testing.assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])


def test_a_row_of_gaps_costs_nothing():
    vae = VAETransformer(**SETTINGS | {"max_iter": 2}).fit(amounts())
    assert vae.score_samples(np.full((1, 4), np.nan))[0] == 0.0


def test_columns_that_see_earlier_ones_draw_and_condition_on_positive_numbers():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(amounts(200), columns=list("abcd"))
    frame.loc[::5, "b"] = np.nan
    vae = VAETransformer(**SETTINGS | {"decoder": "autoregressive", "max_iter": 3}).fit(frame)
    drawn = vae.sample(20, given={"a": 2.0}, random_state=0)
    assert (drawn["a"] == 2.0).all()
    assert (drawn.to_numpy() > 0).all()


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_numbers_that_are_not_positive_get_a_sentence(value):
    X = amounts(50)
    X[7, 2] = value
    with pytest.raises(ValueError, match="positive numbers"):
        VAETransformer(**SETTINGS).fit(X)


def test_gaps_give_finite_gradients_where_nothing_is_known():
    heads = {name: torch.zeros(1, 1, 1, requires_grad=True) for name in ("log_mean", "log_shape")}
    Gamma().log_prob(torch.full((1, 3, 1), Gamma.anywhere), **heads).sum().backward()
    assert all(head.grad.isfinite().all() for head in heads.values())
