"""A fit as a whole: what is trained after what, and what is there once Ctrl-C was pressed."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from skvae import VAETransformer
from skvae.models import Data, Run, decide, fit
from skvae.models.beside import Trained
from skvae.models.whole import Nowhere, with_beside
from skvae.tables import Table
from skvae.training import Training

SETTINGS = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 4, "device": "cpu", "random_state": 0}


def make_frame(n_rows=120):
    rng = np.random.default_rng(0)
    size = rng.normal(size=n_rows)
    frame = pd.DataFrame({"size": size, "kind": np.where(size > 0, "a", "b"), "more": size + rng.normal(size=n_rows)})
    frame.loc[::5, "more"] = np.nan
    return frame


@pytest.fixture(scope="module")
def frame():
    return make_frame()


@pytest.fixture(scope="module")
def whole(frame):
    """The default's model, for tests that leave it as it is."""
    return VAETransformer(**SETTINGS).fit(frame)


def parts(frame, **settings):
    """Plan, data and circumstances of a fit."""
    vae = VAETransformer(**SETTINGS | settings)
    table = Table.fit(frame)
    run = Run(torch.device("cpu"), 3)
    return decide(vae, table, len(frame), run.device), Data(table, table.encode(frame)), run


class Recorder(Nowhere):
    """Writes down what is trained."""

    def __init__(self):
        self.said = []

    def vae(self, train):
        self.said.append("vae")
        return super().vae(train)

    def beside(self, name, train):
        self.said.append(name)
        return super().beside(name, train)


def test_models_beside_are_trained_after_the_vae(frame):
    archive = Recorder()
    fitted = fit(*parts(frame), archive=archive)
    assert archive.said == ["vae", "chain", "reader"]
    assert list(fitted.beside) == ["chain", "reader"]
    assert fitted.vae.chain is not None and fitted.vae.reader is not None
    assert not any(parameter.requires_grad for parameter in fitted.vae.parameters())
    assert not fitted.is_interrupted


def test_gaps_are_shown_to_the_models_beside_once(frame, monkeypatch):
    shown, show = [], Table.with_gaps_shown
    monkeypatch.setattr(Table, "with_gaps_shown", lambda table, x: shown.append(len(x)) or show(table, x))
    fit(*parts(frame))
    assert shown == [len(frame)]
    fit(*parts(frame, decoder="factorized"))
    assert shown == [len(frame)]


def test_other_decoders_have_none(frame):
    archive = Recorder()
    fitted = fit(*parts(frame, decoder="factorized"), archive=archive)
    assert archive.said == ["vae"]
    assert fitted.vae.chain is None and fitted.vae.reader is None


def test_a_later_fit_without_models_beside_leaves_no_history_of_them(frame):
    vae = VAETransformer(**SETTINGS | {"max_iter": 1}).fit(frame)
    assert not hasattr(vae.set_params(decoder="autoregressive").fit(frame), "history_beside_")


def test_the_vae_is_what_it_is_without_models_beside_it(whole, frame):
    """To the last bit: what is asked of z has the same answers."""
    plain = VAETransformer(**SETTINGS, decoder="factorized").fit(frame)
    vae = whole
    assert vae.decoder == "auto"
    assert_array_equal(vae.transform(frame), plain.transform(frame))
    assert_array_equal(vae.score_samples(frame), plain.score_samples(frame))
    assert_array_equal(vae.log_likelihood(frame, n_draws=5), plain.log_likelihood(frame, n_draws=5))
    Z = vae.transform(frame)
    pd.testing.assert_frame_equal(vae.inverse_transform(Z), plain.inverse_transform(Z), check_exact=True)
    pd.testing.assert_frame_equal(vae.reconstruct(frame), plain.reconstruct(frame), check_exact=True)
    assert vae.history_["elbo"] == plain.history_["elbo"]
    assert not hasattr(plain, "history_beside_")


def test_names_mean_what_auto_comes_to(whole, frame):
    named = VAETransformer(**SETTINGS, decoder="conditional").fit(frame)
    pd.testing.assert_frame_equal(whole.sample(9), named.sample(9), check_exact=True)
    X = frame[["size", "more"]].fillna(0).to_numpy()
    auto, named = (VAETransformer(**SETTINGS, decoder=decoder).fit(X) for decoder in ("auto", "factorized"))
    assert auto.vae_.chain is None
    assert_array_equal(auto.sample(9), named.sample(9))
    assert VAETransformer(**SETTINGS, decoder="conditional").fit(X).vae_.chain is not None


def test_each_training_has_a_history(whole):
    vae = whole
    assert list(vae.history_beside_) == ["chain", "reader"]
    for history in vae.history_beside_.values():
        assert history.keys() == vae.history_.keys()
        assert history["epoch"] == [0, 1, 2, 3, 4]
        assert np.isfinite(history["validation_elbo"]).all()


def pressed_in(number, epoch=2):
    """Ctrl-C in an epoch of the training of this number."""
    passes, trainings = Training._pass, []

    def pass_or_interrupt(training):
        if training not in trainings:
            trainings.append(training)
        if len(trainings) == number and training.epoch == epoch:
            raise KeyboardInterrupt
        passes(training)

    return pass_or_interrupt


@pytest.mark.parametrize(("number", "kept"), [(1, []), (2, ["chain"]), (3, ["chain", "reader"])])
def test_ctrl_c_ends_the_fit_with_what_there_is(number, kept, frame, monkeypatch):
    monkeypatch.setattr(Training, "_pass", pressed_in(number))
    with pytest.warns(UserWarning, match="interrupted in epoch"):
        vae = VAETransformer(**SETTINGS).fit(frame)
    assert list(getattr(vae, "history_beside_", {})) == kept
    assert [name for name in ("chain", "reader") if getattr(vae.vae_, name) is not None] == kept
    assert vae.n_iter_ == (1 if number == 1 else 4)
    assert np.isfinite(vae.log_likelihood(frame)).all()
    assert len(vae.sample(5)) == 5
    assert vae.impute(frame).notna().all(axis=None)
    assert (vae.sample(3, given={"kind": "a"})["kind"] == "a").all()


def test_what_was_trained_beside_is_put_beside(frame):
    plan, data, run = parts(frame)
    whole, archive = fit(plan, data, run), Nowhere()
    alone = fit(parts(frame, decoder="factorized")[0], data, run)
    trained = archive.beside("chain", lambda keeper: Trained(whole.vae.chain, whole.beside["chain"]))
    together = with_beside(alone, "chain", trained)
    assert together.vae.chain is whole.vae.chain
    assert list(together.beside) == ["chain"]
    assert alone.beside == {}  # what has been answered before stays
