"""scikit-learn's callbacks: told once an epoch, able to stop, and without influence otherwise."""

import random
import sys
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAESearchCV, VAETransformer


def test_older_versions_say_what_is_needed(monkeypatch, tiny, iris):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    monkeypatch.delitem(sys.modules, "skvae.estimators._callbacks")
    module = import_module("skvae.estimators._callbacks")

    class Older(module.CallbackMixin):
        fit = module.with_callbacks(lambda self: self)

    with pytest.raises(ImportError, match=r"Callbacks need scikit-learn 1\.9 or newer, but \d.* use verbose=1"):
        Older().fit().set_callbacks(object())


callback = pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")


class Listener:
    """Writes down what it is told, and stops after an epoch if asked."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.said = []

    def setup(self, estimator, context):
        self.said.append("setup")

    def teardown(self, estimator, context):
        self.said.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.said.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context):
        self.said.append(f"end {context.task_name} {context.task_id}")
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


class Keeper(Listener):
    """Also keeps the fitted estimators and the rows that it is shown."""

    def __init__(self, stop_after=None):
        super().__init__(stop_after)
        self.fitted, self.rows = [], []

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.fitted.append(fitted_estimator)
        self.rows.append((X, y))
        return super().on_fit_task_end(estimator, context)


class Noisy(Keeper):
    """Moves every global random state."""

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        random.random(), np.random.rand(), torch.rand(3)  # noqa: NPY002
        return super().on_fit_task_end(estimator, context, X=X, y=y, fitted_estimator=fitted_estimator)


class Broken(Listener):
    def on_fit_task_end(self, estimator, context):
        raise RuntimeError("broken on purpose")


def epochs(listener):
    return [line for line in listener.said if line.startswith("end epoch")]


def test_an_epoch_is_one_task_of_the_fit(tiny, iris):
    listener = Listener()
    VAETransformer(**tiny).set_callbacks(listener).fit(iris)
    tasks = [f"{what} epoch {k}" for k in range(3) for what in ("begin", "end")]
    assert listener.said == ["setup", "begin fit 0", *tasks, "end fit 0", "teardown"]


def test_early_stopping_leaves_no_task_open(tiny, iris):
    listener = Listener()
    vae = VAETransformer(**tiny | {"max_iter": 60}, n_iter_no_change=1, tol=1e9).set_callbacks(listener).fit(iris)
    assert vae.n_iter_ < 60
    assert len(epochs(listener)) == vae.n_iter_
    assert sum(line.startswith("begin") for line in listener.said) == vae.n_iter_ + 1
    assert listener.said[-2:] == ["end fit 0", "teardown"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"early_stopping": False},
        {"dropout": 0.3},
        {"decoder": "autoregressive"},
        {"input_dropout": 0.2, "objective": "iwae", "n_draws": 2},
    ],
    ids=str,
)
def test_callbacks_change_nothing(settings, tiny, iris):
    alone = VAETransformer(**tiny, **settings).fit(iris)
    heard = VAETransformer(**tiny, **settings).set_callbacks(Noisy(), Listener()).fit(iris)
    for one, other in zip(alone.vae_.state_dict().values(), heard.vae_.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert heard.best_iter_ == alone.best_iter_
    assert_array_equal(heard.sample(5), alone.sample(5))


def test_a_fit_with_callbacks_moves_no_global_random_state(tiny, iris):
    def states():
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002

    before = states()
    VAETransformer(**tiny, dropout=0.1).set_callbacks(Keeper()).fit(iris)
    assert states() == before


@pytest.mark.parametrize("settings", [{}, {"early_stopping": False, "init": "random"}], ids=str)
def test_a_callback_ends_the_fit_and_sees_what_is_kept(settings, tiny, iris):
    settings = tiny | {"max_iter": 8, "learning_rate": 0.02} | settings
    keeper = Keeper(stop_after=5)
    stopped = VAETransformer(**settings).set_callbacks(keeper).fit(iris)
    assert stopped.n_iter_ == 5 == len(epochs(keeper))
    assert len(stopped.history_["epoch"]) == 6
    held_out = np.array(stopped.history_["validation_elbo"])
    if np.isnan(held_out).all():
        assert stopped.best_iter_ == 5
    shown = keeper.fitted[4]
    assert_array_equal(shown.transform(iris), stopped.transform(iris))
    assert_array_equal(shown.score_samples(iris), stopped.score_samples(iris))
    assert (shown.n_iter_, shown.best_iter_) == (stopped.n_iter_, stopped.best_iter_)
    assert_array_equal(keeper.fitted[-1].transform(iris), stopped.transform(iris))  # the task of the fit

    full = Keeper()
    VAETransformer(**settings).set_callbacks(full).fit(iris)
    assert_array_equal(full.fitted[4].transform(iris), stopped.transform(iris))


class Stopping(Listener):
    """Ends the training in which the so-and-so-manieth epoch of the fit is."""

    def on_fit_task_end(self, estimator, context):
        super().on_fit_task_end(estimator, context)
        return len(epochs(self)) == self.stop_after


def test_epochs_of_all_three_trainings_are_tasks_of_one_fit(tiny, mixed):
    keeper = Keeper()
    VAETransformer(**tiny).set_callbacks(keeper).fit(mixed)
    tasks = [f"{what} epoch {k}" for k in range(9) for what in ("begin", "end")]
    assert keeper.said == ["setup", "begin fit 0", *tasks, "end fit 0", "teardown"]
    so_far = [(vae.vae_.chain is not None, vae.vae_.reader is not None) for vae in keeper.fitted[:9]]
    assert so_far == [(False, False)] * 3 + [(True, False)] * 3 + [(True, True)] * 3
    lengths = [len(vae.history_["epoch"]) for vae in keeper.fitted[:9]]
    assert lengths == [2, 3, 4] + [4] * 6
    assert np.isfinite(keeper.fitted[4].log_likelihood(mixed)).all()


@pytest.mark.parametrize(("stop_after", "n_epochs"), [(2, [2, 3, 3]), (4, [3, 1, 3]), (8, [3, 3, 2])])
def test_a_callback_ends_the_training_that_it_is_told_of(stop_after, n_epochs, tiny, mixed):
    vae = VAETransformer(**tiny).set_callbacks(Stopping(stop_after)).fit(mixed)
    histories = [vae.history_, *vae.history_beside_.values()]
    assert [len(history["epoch"]) - 1 for history in histories] == n_epochs


def test_callbacks_see_the_rows_as_they_were_given(tiny, mixed, iris):
    keeper, y = Keeper(), np.arange(len(mixed))
    VAETransformer(decoder="factorized", **tiny).set_callbacks(keeper).fit(mixed, y)
    assert all(X is mixed and target is y for X, target in keeper.rows)
    VAETransformer(**tiny).set_callbacks(keeper).fit(iris)
    assert all(seen is iris for seen in keeper.rows[-1])  # an autoencoder aims at its input
    VAETransformer(**tiny).set_callbacks(keeper).fit_chunks([iris[:70], iris[70:]])
    assert_array_equal(keeper.rows[-1][0], iris)


def test_an_error_in_a_callback_leaves_the_estimator_as_it_was(tiny, iris):
    vae, broken = VAETransformer(**tiny).fit(iris), Broken()
    before = vars(vae).copy()
    with pytest.raises(RuntimeError, match="broken on purpose"):
        vae.set_callbacks(broken).fit(iris)
    assert broken.said[-1] == "teardown"
    assert vars(vae.set_callbacks()) == before


def test_an_error_in_the_rows_is_told_before_callbacks_are_set_up(tiny):
    listener = Listener()
    with pytest.raises(ValueError, match="numbers"):
        VAETransformer(**tiny).set_callbacks(listener).fit(np.array([["a", "b"], ["c", "d"]]))
    assert listener.said == []


def test_ctrl_c_closes_all_tasks(tiny, iris):
    class Impatient(Listener):
        def on_fit_task_begin(self, estimator, context):
            super().on_fit_task_begin(estimator, context)
            if context.task_name == "epoch" and context.task_id == 1:
                raise KeyboardInterrupt

    listener = Impatient()
    with pytest.warns(UserWarning, match="Training was interrupted"):
        VAETransformer(**tiny).set_callbacks(listener).fit(iris)
    assert listener.said[-2:] == ["end fit 0", "teardown"]


def test_scoring_monitor_scores_every_epoch(tiny, iris):
    monitor = callback.ScoringMonitor(scoring={"elbo": lambda estimator, X, y: estimator.score(X)})
    vae = VAETransformer(**tiny).set_callbacks(monitor).fit(iris)
    log = monitor.get_logs().data_as_pandas
    assert list(log["task_name"]) == ["fit", "epoch", "epoch", "epoch"]
    assert log["elbo"].iloc[0] == vae.score(iris)
    monitored = make_pipeline(StandardScaler(), VAETransformer(**tiny).set_callbacks(monitor)).fit(iris, iris[:, 0])
    assert np.isfinite(monitor.get_logs().data_as_pandas["elbo"]).all()
    assert monitored[-1].n_iter_ == 3


def test_progress_bar_in_a_search_over_pipelines(tiny, iris, capsys):
    pytest.importorskip("rich")
    del tiny["n_components"]
    bar = callback.ProgressBar(max_propagation_depth=None)
    pipeline = make_pipeline(StandardScaler(), VAETransformer(**tiny))
    search = GridSearchCV(pipeline, {"vaetransformer__n_components": [1, 2]}, cv=2).set_callbacks(bar).fit(iris)
    shown = capsys.readouterr().out
    assert "GridSearchCV - search" in shown
    assert shown.count("VAETransformer - fit") >= 5
    assert "100%" in shown
    assert search.best_estimator_[-1].n_iter_ == 3


def test_nothing_is_printed_unless_asked(tiny, iris, capsys):
    VAETransformer(**tiny).set_callbacks(Listener()).fit(iris)
    assert capsys.readouterr() == ("", "")


def test_callbacks_survive_clone_and_reach_every_fit_of_a_search(tiny, iris):
    listener = Listener()
    vae = VAETransformer(**tiny).set_callbacks(listener)
    clone(vae).fit(iris)
    assert len(epochs(listener)) == 3
    GridSearchCV(vae, {"beta": [1.0, 2.0]}, cv=2).fit(iris)
    assert len(epochs(listener)) == 3 + 5 * 3


def test_callbacks_of_the_estimator_are_heard_in_a_stacked_search(tiny, iris, capsys):
    listener = Listener()
    grid, options = {"beta": [1.0, 2.0]}, {"cv": 2, "verbose": 1}
    heard = VAESearchCV(VAETransformer(**tiny).set_callbacks(listener), grid, **options).fit(iris)
    assert "0 of 2 candidates are trained together" in capsys.readouterr().out
    assert len(epochs(listener)) == 5 * 3
    together = VAESearchCV(VAETransformer(**tiny), grid, **options).fit(iris)
    np.testing.assert_allclose(heard.cv_results_["mean_test_score"], together.cv_results_["mean_test_score"], rtol=1e-4)


def test_callbacks_of_a_stacked_search_hear_of_every_candidate(tiny, iris):
    class Propagated(Listener):
        max_propagation_depth = None

    listener = Propagated()
    search = VAESearchCV(VAETransformer(**tiny), {"beta": [1.0, 2.0]}, cv=2).set_callbacks(listener).fit(iris)
    assert sum(line.startswith("end fit") for line in listener.said) == 2 * 2 + 1 + 1  # folds, refit, the search
    assert len(epochs(listener)) == 3  # those of the refit: the others were trained together
    assert search.best_estimator_.n_iter_ == 3


def test_a_pipeline_ends_in_a_classifier(tiny, iris):
    listener = Listener()
    vae = VAETransformer(**tiny).set_callbacks(listener)
    make_pipeline(vae, LogisticRegression()).fit(iris, iris[:, 2] > 0)
    assert len(epochs(listener)) == 3


def test_a_sentence_for_what_is_no_callback(tiny):
    with pytest.raises(TypeError, match="FitCallback"):
        VAETransformer(**tiny).set_callbacks(print)


def test_a_frame_may_be_monitored(tiny, mixed):
    keeper = Keeper(stop_after=1)
    VAETransformer(decoder="factorized", **tiny).set_callbacks(keeper).fit(mixed)
    pd.testing.assert_series_equal(keeper.fitted[0].inverse_transform(np.zeros((1, 2))).dtypes, mixed.dtypes)
