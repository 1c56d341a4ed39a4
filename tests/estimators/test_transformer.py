"""The public methods are validation and one question to the model."""

import inspect
import pickle
from contextlib import contextmanager
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from skvae import VAETransformer
from skvae.models import Model

METHODS = ("transform", "posterior", "score_samples", "score", "log_likelihood", "reconstruct", "inverse_transform")


@pytest.fixture
def vae(tiny, iris):
    return VAETransformer(**tiny).fit(iris)


@pytest.mark.parametrize("method", [*METHODS, "impute"])
def test_before_fit_there_is_nothing_to_say(method, iris):
    with pytest.raises(NotFittedError):
        getattr(VAETransformer(), method)(iris)
    with pytest.raises(NotFittedError):
        VAETransformer().sample()


def test_answers_are_those_of_the_model(vae, iris):
    model = Model(vae.table_, vae.vae_)
    X = np.array(iris)
    mean, std = model.posterior(X)
    assert_array_equal(vae.transform(X), mean)
    assert_array_equal(vae.posterior(X)[1], std)
    assert_array_equal(vae.inverse_transform(mean), model.decode(mean, None))


def test_a_number_seeds_the_draws_and_none_takes_the_estimators(vae):
    first = vae.sample(5, random_state=vae.random_state)
    assert_array_equal(first, vae.sample(5))
    assert not np.array_equal(first, vae.sample(5, random_state=1))


def test_every_public_method_has_a_docstring_with_its_parameters():
    for name, method in inspect.getmembers(VAETransformer, inspect.isfunction):
        if name.startswith("_") or not method.__module__.startswith("skvae"):
            continue
        document = inspect.getdoc(method)
        assert document, name
        for parameter in list(inspect.signature(method).parameters)[1:]:
            assert (
                f"\n{parameter} : " in document
                or f"*{parameter} : " in document
                or f"\n{parameter}, " in document
                or f", {parameter} : " in document
            ), (name, parameter)


def test_coordinates_of_another_width_are_refused(vae):
    with pytest.raises(ValueError, match="one column for each of the 2 components, got 3"):
        vae.inverse_transform(np.zeros((1, 3)))


def test_the_generator_is_on_the_device_of_the_model(vae):
    assert vae._generator(0).device == torch.device("cpu")


@pytest.mark.parametrize("change", [{"decoder": "autoregressive"}, {"prior": "mixture"}, {"likelihood": "student_t"}])
def test_a_parameter_that_changes_after_fit_moves_no_answer(change, vae, iris):
    before = vae.transform(iris), vae.score_samples(iris), vae.sample(9, random_state=1)
    vae.set_params(**change)
    for answer, again in zip(
        before, (vae.transform(iris), vae.score_samples(iris), vae.sample(9, random_state=1)), strict=True
    ):
        assert_array_equal(again, answer)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("likelihood", ["student_t", {0: "discretized_logistic", 1: "student_t"}])
def test_a_sentinel_leaves_the_other_rows_their_resolution(likelihood):
    rng = np.random.default_rng(0)
    z = rng.normal(size=500)
    clean = np.column_stack([np.clip(np.rint(50 + 25 * z + 8 * rng.normal(size=500)), 0, 99), z + rng.normal(size=500)])
    X = clean.copy()
    X[7, 0] = 999_999
    others = np.arange(500) != 7
    with_sentinel, without = (
        VAETransformer(1, likelihood=likelihood, hidden_layer_sizes=(16,), max_iter=60, random_state=0).fit(rows)
        for rows in (X, clean)
    )
    assert with_sentinel.score(X[others]) == pytest.approx(without.score(X[others]), abs=0.15)
    drawn = with_sentinel.sample(500, random_state=0)[:, 0]
    assert ((drawn > -60) & (drawn < 160)).mean() > 0.99
    assert np.abs(with_sentinel.reconstruct(X[others])[:, 0] - 50).max() < 70


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    yield
    torch.set_default_dtype(before)


SETTINGS = {
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": partial(torch.autocast, "cpu", dtype=torch.bfloat16),
    "another device": partial(torch.device, "meta"),
    "double": partial(default_dtype, torch.float64),
    "half": partial(default_dtype, torch.bfloat16),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
def test_what_a_program_sets_for_its_own_networks_changes_nothing(setting, mixed, model_of_mixed, tiny, tmp_path):
    def answers(fitted):
        rows, z = fitted.sample(20, random_state=0), fitted.transform(mixed)
        full, back = fitted.impute(mixed, n_draws=1, random_state=0)[0], fitted.inverse_transform(z)
        return z, fitted.score_samples(mixed), fitted.log_likelihood(mixed), rows, full, back

    expected = answers(model_of_mixed)
    with setting():
        fitted = VAETransformer(**tiny).fit(mixed)
        fitted.save(tmp_path / "model")
        several = [fitted, VAETransformer.load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted))]
        found = list(map(answers, several))
    for others in [*found, answers(several[1])]:
        for one, other in zip(expected, others, strict=True):
            if isinstance(one, pd.DataFrame):
                pd.testing.assert_frame_equal(one, other)
            else:
                assert_array_equal(one, other)
