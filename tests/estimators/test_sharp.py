"""The detector's own model: what it is told, and its prior of many modes."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvae import VAETransformer
from skvae.estimators.ranks import Ranks
from skvae.estimators.sharp import (
    MAX_MODES,
    ROWS_A_MODE,
    SCALE,
    defaults_for,
    fit_to_copies,
    held_out_bounds,
    score_of,
    sharpen,
)
from skvae.likelihoods import StudentT
from skvae.priors import Mixture


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.choice([-1.0, 1.0], size=(160, 1)) + 0.2 * rng.normal(size=(160, 3))


@pytest.fixture
def model(rows):
    parameters = defaults_for(rows, Ranks.of(rows)) | {"max_iter": 4, "device": "cpu", "random_state": 0}
    return VAETransformer(**parameters).fit(rows)


def test_numbers_have_noise_of_one_known_scale_and_dates_learn_theirs():
    frame = pd.DataFrame({"x": [1.0, 2.0], "day": pd.to_datetime(["2020", "2021"]), "color": ["red", "blue"]})
    defaults = defaults_for(frame, Ranks.of(frame))
    assert defaults["likelihood"] == {"x": StudentT(scale=SCALE), "day": "student_t"}
    assert defaults_for(np.zeros((2, 2)), Ranks.of(np.zeros((2, 2))))["likelihood"] == StudentT(scale=SCALE)
    assert defaults_for(frame[["color"]], Ranks({})) == {"likelihood": "student_t", "decoder": "factorized"}


@pytest.mark.parametrize("n_rows", [1, 100, 3000, 100_000])
def test_a_short_fit_whatever_the_number_of_rows(n_rows):
    rows = np.zeros((n_rows, 1))
    defaults = defaults_for(rows, Ranks.of(rows))
    n_copies = 4 if n_rows <= 2000 else max(1, 8000 // n_rows)
    n_steps = defaults["max_iter"] * max(1, n_copies * n_rows // defaults["batch_size"])
    assert 100 <= n_steps < 100 + n_rows / 256 + 31


def test_the_prior_has_a_mode_for_so_many_rows_that_train(model, rows):
    before = model.score(rows)
    sharpen(model, rows, None)
    assert model.prior == Mixture(160 // ROWS_A_MODE)
    assert model.score(rows) > before + 0.5
    weights = (np.arange(160) < 80).astype(float)
    sharpen(model, rows, weights)
    assert model.prior == Mixture(80 // ROWS_A_MODE)
    assert model.score(rows[:80]) > model.score(rows[80:])
    many = np.random.default_rng(0).normal(size=(ROWS_A_MODE * MAX_MODES + 80, 3))
    sharpen(model, many, None)
    assert model.prior == Mixture(MAX_MODES)


def test_what_is_left_is_an_ordinary_model(model, rows, tmp_path):
    pytest.importorskip("safetensors")
    sharpen(model, rows, None)
    model.save(tmp_path / "model.skvae")
    loaded = VAETransformer.load(tmp_path / "model.skvae")
    assert_array_equal(loaded.score_samples(rows), model.score_samples(rows))
    assert loaded.prior == model.prior
    assert loaded.sample(5, random_state=0).shape == (5, 3)
    assert_array_equal(loaded.kl_per_component_, model.kl_per_component_)


def test_ranks_and_prior_of_other_rows_know_a_row_no_better_than_a_fresh_one():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 6))
    rows, fresh = rng.normal(size=(100, 6)) @ A, rng.normal(size=(2000, 6)) @ A
    ranks = Ranks.of(rows)
    model = VAETransformer(**defaults_for(rows, ranks), device="cpu", random_state=0)
    fit_to_copies(model, ranks(rows), ranks, None)
    unseen = held_out_bounds(model, rows, None)
    sharpen(model, ranks(rows), None)
    score = score_of(model, is_sharp=True)
    own, of_fresh = np.median(score(ranks(rows))), np.median(score(ranks(fresh)))
    assert own > of_fresh + 0.2
    assert np.median(unseen) < of_fresh + 0.2
    assert np.median(unseen) > of_fresh - 2 * (own - of_fresh)


def test_rows_without_weight_are_held_out_of_all_folds(rows):
    ranks = Ranks.of(rows)
    model = VAETransformer(**defaults_for(rows, ranks), device="cpu", random_state=0)
    fit_to_copies(model, ranks(rows), ranks, None)
    weights = (np.arange(160) < 1).astype(float)
    assert np.isfinite(held_out_bounds(model, rows, weights)).all()
    assert np.isfinite(held_out_bounds(model, rows[:2], None)).all()


def test_few_draws_score_a_sharp_model_and_its_own_bound_any_other(model, rows):
    assert_array_equal(score_of(model, is_sharp=False)(rows), model.score_samples(rows))
    sharpen(model, rows, None)
    few, many = score_of(model, is_sharp=True)(rows), model.score_samples(rows)
    assert (few != many).any()
    assert_allclose(few.mean(), many.mean(), atol=0.5)
