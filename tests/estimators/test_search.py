"""The stacked search against scikit-learn's own, which fits one candidate after another."""

from functools import partial

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.parallel import Parallel

from skvae import VAESearchCV, VAETransformer
from skvae.estimators import search as module
from skvae.models import stack
from skvae.priors import fit_prior

TINY = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 6, "device": "cpu", "random_state": 0}


@pytest.fixture(scope="module")
def wine():
    return StandardScaler().fit_transform(load_wine().data[:, :8])


@pytest.fixture
def trained_alone(monkeypatch):
    """Counts the fits that a search could not take from the shelf."""
    from skvae.estimators import fits

    seen, fit = [], fits.fit
    monkeypatch.setattr(fits, "fit", lambda *arguments: seen.append(1) or fit(*arguments))
    return seen


def assert_same_search(one, other, *, rtol=1e-4):
    assert set(one.cv_results_) == set(other.cv_results_)
    assert one.cv_results_["params"] == other.cv_results_["params"]
    for name, values in one.cv_results_.items():
        if ("test_" in name and "rank" not in name) or "train_" in name:
            assert_allclose(other.cv_results_[name], values, rtol=rtol, atol=1e-6)
    assert one.best_params_ == other.best_params_


@pytest.mark.parametrize("early_stopping", [True, False])
def test_scores_are_those_of_separate_fits(early_stopping, wine, trained_alone):
    vae = VAETransformer(early_stopping=early_stopping, **TINY | {"max_iter": 3})
    grid = {"n_components": [1, 4], "beta": [0.5, 2.0], "learning_rate": [5e-3], "free_bits": [0.0, 1.0]}
    grid = [grid, {"n_components": [2], "weight_decay": [0.0, 1.0]}, {"input_noise": [0.0, 0.3]}]
    apart = GridSearchCV(vae, grid, cv=2, return_train_score=True).fit(wine)
    trained_alone.clear()
    together = VAESearchCV(vae, grid, cv=2, return_train_score=True).fit(wine)
    assert len(trained_alone) == 1  # the refit
    assert_same_search(apart, together)
    assert_allclose(together.transform(wine), apart.transform(wine), rtol=1e-6)


def test_models_that_stop_early_leave_the_stack_and_the_others_are_as_alone(wine):
    vae = VAETransformer(**TINY | {"max_iter": 80, "n_iter_no_change": 2})
    grid = {"n_components": [1, 8], "learning_rate": [1e-4, 3e-2]}
    apart, together = GridSearchCV(vae, grid, cv=2).fit(wine), VAESearchCV(vae, grid, cv=2).fit(wine)
    assert_same_search(apart, together, rtol=1e-3)
    n_iter = [
        len(fit.history.epochs) - 1
        for fit in module.fit_on(
            [clone(vae).set_params(learning_rate=rate) for rate in (1e-4, 3e-2)], wine, None
        ).values()
    ]
    assert n_iter[1] < n_iter[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "iwae", "n_draws": 3},
        {"input_dropout": 0.3, "input_noise": 0.3},
        {"likelihood": "student_t"},
        {"likelihood": "student_t", "n_draws": 2, "init": "random"},
    ],
    ids=["iwae", "corruptions", "student_t", "draws"],
)
def test_every_objective_can_be_stacked(settings, wine, trained_alone):
    vae = VAETransformer(**TINY | {"max_iter": 3} | settings)
    grid = {"n_components": [1, 3], "beta": [0.5, 1.0]}
    apart = GridSearchCV(vae, grid, cv=2, refit=False).fit(wine)
    trained_alone.clear()
    together = VAESearchCV(vae, grid, cv=2, refit=False).fit(wine)
    assert not trained_alone
    assert_allclose(together.cv_results_["mean_test_score"], apart.cv_results_["mean_test_score"], rtol=1e-4)


def test_grey_levels_and_mixed_columns_with_gaps(large_mixed, trained_alone):
    vae = VAETransformer(decoder="factorized", **TINY | {"max_iter": 4})
    grid = {"n_components": [1, 3]}
    for X, likelihood in ((large_mixed[:200], "auto"), (np.random.default_rng(0).random((60, 5)), "bernoulli")):
        vae.set_params(likelihood=likelihood)
        apart = GridSearchCV(vae, grid, cv=2, refit=False).fit(X)
        trained_alone.clear()
        together = VAESearchCV(vae, grid, cv=2, refit=False).fit(X)
        assert not trained_alone
        assert_allclose(together.cv_results_["mean_test_score"], apart.cv_results_["mean_test_score"], rtol=1e-4)


def test_candidates_are_compared_without_the_models_beside_them_and_the_best_has_all(large_mixed, monkeypatch):
    from skvae.models import whole

    trained, train_beside = [], whole.train_beside
    monkeypatch.setattr(whole, "train_beside", lambda name, *rest: trained.append(name) or train_beside(name, *rest))
    X, vae = large_mixed[:80], VAETransformer(**TINY | {"max_iter": 2})
    search = VAESearchCV(vae, {"n_components": [1, 2]}, cv=2).fit(X)
    assert trained == ["chain", "reader"]  # of the refit, and of no fold
    assert search.best_estimator_.decoder == "auto"
    assert search.best_estimator_.impute(X).notna().all(axis=None)
    plain = VAESearchCV(vae.set_params(decoder="factorized"), search.param_grid, cv=2).fit(X)
    assert_array_equal(plain.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])
    trained.clear()

    def exact(estimator, X, y=None):
        return estimator.log_likelihood(X).mean()

    VAESearchCV(vae.set_params(decoder="auto"), {"n_components": [1]}, cv=2, scoring=exact, refit=False).fit(X)
    assert trained == ["chain", "reader"] * 2  # which the score asks for


def test_the_best_has_all_models_where_a_split_trains_on_every_row(large_mixed):
    X, every = large_mixed[:60], np.arange(60)
    vae, grid = VAETransformer(**TINY | {"max_iter": 1}), {"n_components": [1, 2]}
    assert VAESearchCV(vae, grid, cv=[(every, every)]).fit(X).best_estimator_.vae_.reader is not None


def test_what_cannot_be_stacked_is_fitted_alone(wine, trained_alone, capsys, monkeypatch):
    monkeypatch.setattr("skvae.models.outcome.fit_prior", partial(fit_prior, n_steps=9))
    vae = VAETransformer(**TINY | {"max_iter": 3})
    grid = [{"dropout": [0.0, 0.2]}, {"prior": ["mixture"]}, {"n_components": [1, 3]}]
    apart = GridSearchCV(vae, grid, cv=2).fit(wine)
    trained_alone.clear()
    together = VAESearchCV(vae, grid, cv=2, verbose=1).fit(wine)
    assert "3 of 5 candidates are trained together" in capsys.readouterr().out
    assert len(trained_alone) == 2 * 2 + 1
    assert_same_search(apart, together)


def test_a_pipeline_is_stacked_after_its_other_steps(trained_alone):
    X, y = load_wine(return_X_y=True)
    pipe = make_pipeline(StandardScaler(), VAETransformer(**TINY))
    grid = {"standardscaler__with_mean": [True, False], "vaetransformer__n_components": [1, 3]}
    apart = GridSearchCV(pipe, grid, cv=2).fit(X)
    trained_alone.clear()
    together = VAESearchCV(pipe, grid, cv=2).fit(X)
    assert len(trained_alone) == 1
    assert_same_search(apart, together)
    # a classifier at the end is no VAE: as in GridSearchCV
    pipe = make_pipeline(StandardScaler(), VAETransformer(**TINY), LogisticRegression())
    grid = {"vaetransformer__n_components": [1, 3]}
    assert_same_search(GridSearchCV(pipe, grid, cv=2).fit(X, y), VAESearchCV(pipe, grid, cv=2).fit(X, y))


def test_several_scores_and_a_splitter_without_a_seed(wine, trained_alone):
    def mean_of_codes(estimator, X, y=None):
        return float(np.abs(estimator.transform(X)).mean())

    scoring = {"elbo": lambda estimator, X, y=None: estimator.score(X), "codes": mean_of_codes}
    cv = ShuffleSplit(3, test_size=0.3)
    search = VAESearchCV(VAETransformer(**TINY), {"n_components": [1, 3]}, cv=cv, scoring=scoring, refit="codes")
    search.fit(wine)
    assert search.cv is cv
    assert len(trained_alone) == 1
    assert search.best_index_ == np.argmax(search.cv_results_["mean_test_codes"])
    assert np.isfinite(search.cv_results_["mean_test_elbo"]).all()


def test_groups_and_weights(wine, trained_alone):
    groups = np.arange(len(wine)) % 3
    vae, grid = VAETransformer(**TINY | {"max_iter": 3}), {"n_components": [1, 2]}
    apart = GridSearchCV(vae, grid, cv=GroupKFold(3)).fit(wine, groups=groups)
    trained_alone.clear()
    together = VAESearchCV(vae, grid, cv=GroupKFold(3)).fit(wine, groups=groups)
    assert len(trained_alone) == 1
    assert_same_search(apart, together)
    weights = np.linspace(0.5, 2.0, len(wine))
    apart = GridSearchCV(vae, grid, cv=2).fit(wine, sample_weight=weights)
    assert_same_search(apart, VAESearchCV(vae, grid, cv=2).fit(wine, sample_weight=weights))


def test_halving_stops_losers_early_and_keeps_the_winner(wine):
    vae = VAETransformer(**TINY | {"max_iter": 60, "n_iter_no_change": 100})
    estimators = [clone(vae).set_params(n_components=k) for k in (1, 2, 3, 4, 5, 6, 8, 10, 12)]
    fits = list(module.fit_on(estimators, wine, 3.0).values())
    n_iter = np.array([len(fit.history.epochs) - 1 for fit in fits])
    assert sorted(n_iter) == [7] * 6 + [20] * 2 + [60]
    at_first = [fit.history.as_dict()["validation_elbo"][7] for fit in fits]
    assert set(np.argsort(at_first)[-3:]) == set(np.flatnonzero(n_iter > 7))
    search = VAESearchCV(vae.set_params(max_iter=9), {"n_components": [1, 2, 4]}, cv=2, factor=3).fit(wine)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_large_stacks_are_divided(wine, monkeypatch):
    vae, grid = VAETransformer(**TINY | {"max_iter": 2}), {"n_components": [1, 2, 3, 5], "beta": [0.5, 1.0]}
    whole = VAESearchCV(vae, grid, cv=2, refit=False).fit(wine)
    monkeypatch.setattr(module, "MAX_STACK", 18)
    monkeypatch.setattr(stack, "MAX_STACK", 12)
    parts = VAESearchCV(vae, grid, cv=2, refit=False).fit(wine)
    assert_allclose(parts.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"], rtol=1e-4)


def test_processes_give_the_same_scores(wine):
    vae, grid = VAETransformer(**TINY | {"max_iter": 3}), {"n_components": [1, 2]}
    one = VAESearchCV(vae, grid, cv=2).fit(wine)
    with joblib.parallel_config(backend="multiprocessing"):  # forks: another start of torch takes seconds
        assert_same_search(one, VAESearchCV(vae, grid, cv=2, n_jobs=2).fit(wine))


@pytest.fixture
def processes(monkeypatch):
    """What the search asks joblib for, as (number of processes, number of tasks); all runs in this process."""
    asked = []

    class Sequential(Parallel):
        def __init__(self, n_jobs=None):
            asked.append(n_jobs)
            super().__init__(n_jobs=1)

        def __call__(self, calls):
            asked[-1] = (asked[-1], len(calls))
            return super().__call__(calls)

    monkeypatch.setattr(module, "Parallel", Sequential)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    return asked


@pytest.mark.parametrize(("worth", "expected"), [(0.0, [(1, 1), (4, 2)]), (1e9, [(1, 1), (1, 2)])])
def test_processes_are_started_where_they_are_worth_it(worth, expected, wine, processes, monkeypatch):
    monkeypatch.setattr(module, "WORTH", worth)
    VAESearchCV(VAETransformer(**TINY | {"max_iter": 1}), {"n_components": [1, 2]}, cv=3, refit=False).fit(wine)
    assert processes == expected


def test_who_says_a_number_of_processes_is_heard(wine, processes, monkeypatch):
    monkeypatch.setattr(module, "WORTH", 0.0)
    vae, grid = VAETransformer(**TINY | {"max_iter": 1}), {"n_components": [1, 2]}
    VAESearchCV(vae, grid, cv=3, refit=False, n_jobs=1).fit(wine)
    with joblib.parallel_config(n_jobs=2):
        VAESearchCV(vae, grid, cv=3, refit=False).fit(wine)
    assert processes == [(1, 3), (None, 3)]
    processes.clear()
    on_nothing = VAESearchCV(vae.set_params(device="toaster"), grid, cv=3, error_score="raise")
    with pytest.raises(ValueError, match="toaster"):
        on_nothing.fit(wine)
    assert processes == [(None, 3)]


def test_a_search_within_a_worker_takes_no_other_cores(wine, processes, monkeypatch):
    monkeypatch.setattr(module, "WORTH", 0.0)
    search = VAESearchCV(VAETransformer(**TINY | {"max_iter": 1}), {"n_components": [1, 2]}, cv=3, refit=False)
    joblib.Parallel(n_jobs=2, backend="threading")([joblib.delayed(search.fit)(wine)])
    assert processes == [(None, 3)]


def test_faulty_candidates_get_error_score_as_in_grid_search(wine):
    vae, grid = VAETransformer(**TINY | {"max_iter": 3}), {"n_components": [2, 0]}
    with pytest.warns(Warning, match="fits failed"):
        search = VAESearchCV(vae, grid, cv=2, error_score=-1e9).fit(wine)
    assert search.cv_results_["mean_test_score"][1] == -1e9
    assert search.best_params_ == {"n_components": 2}
    with pytest.raises(ValueError, match="n_components"):
        VAESearchCV(vae, grid, cv=2, error_score="raise").fit(wine)
    with pytest.raises(ValueError, match="factor"):
        VAESearchCV(vae, grid, factor=1.0).fit(wine)


def test_the_best_model_is_at_hand(wine):
    search = VAESearchCV(VAETransformer(**TINY), {"n_components": [1, 3]}, cv=2).fit(wine)
    assert type(search.best_estimator_) is VAETransformer
    assert search.sample(4, random_state=0).shape == (4, 8)
    assert_array_equal(search.transform(wine), search.best_estimator_.transform(wine))
    assert search.inverse_transform(search.transform(wine)).shape == wine.shape
    assert search.score(wine) == search.best_estimator_.score(wine)
    assert not hasattr(VAESearchCV(PCA(), {}), "sample")
    without = VAESearchCV(VAETransformer(**TINY), {"n_components": [1]}, cv=2, refit=False).fit(wine)
    with pytest.raises(AttributeError, match="refit=True"):
        without.sample(2)
    assert (search.cv_results_["mean_fit_time"] > 0).all()


@parametrize_with_checks(
    [VAESearchCV(VAETransformer(**TINY | {"max_iter": 2}), {"n_components": [1, 2]}, cv=2)],
    expected_failed_checks=lambda estimator: dict.fromkeys(
        ["check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"],
        "a row of weight 2 and a row that occurs twice give different stochastic gradients",
    ),
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def test_a_cluster_gives_the_same_scores(wine):
    distributed = pytest.importorskip("distributed")
    vae, grid = VAETransformer(**TINY), {"n_components": [1, 2], "beta": [0.5, 1.0]}
    apart = GridSearchCV(vae, grid, cv=2).fit(wine)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        together = VAESearchCV(vae, grid, cv=2).fit(wine)
        alone = GridSearchCV(vae, grid, cv=2).fit(wine)
    assert_same_search(apart, together)
    assert_same_search(apart, alone)
