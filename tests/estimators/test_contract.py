"""The scikit-learn contract: its own checks on several configurations, and the tools that users combine."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version
from torch import nn

from skvae import VAESearchCV, VAETransformer
from skvae.likelihoods import Gaussian, StudentT

TINY = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 3, "device": "cpu"}


class SmallNetwork(nn.Sequential):
    """A user's network, at module level so that it pickles; a class has the same name in every process."""

    def __init__(self, n_in, n_out):
        super().__init__(nn.Linear(n_in, 8), nn.Tanh(), nn.Linear(8, n_out))


CONFIGURATIONS = {
    "default": VAETransformer(**TINY),
    "student_t": VAETransformer(likelihood="student_t", init="random", **TINY),
    "callable": VAETransformer(encoder=SmallNetwork, decoder=SmallNetwork, **TINY),
    "stopped": VAETransformer(early_stopping=True, input_dropout=0.2, input_noise=0.1, dropout=0.1, n_draws=2, **TINY),
    "row": VAETransformer(likelihood=Gaussian(scale="row"), beta=0.5, free_bits=0.1, **TINY),
    "default_sizes": VAETransformer(n_components=1, max_iter=2),
}

WEIGHTS_ARE_NOT_REPETITIONS = dict.fromkeys(
    ["check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"],
    "a row of weight 2 and a row that occurs twice give different stochastic gradients",
)


@parametrize_with_checks(
    list(CONFIGURATIONS.values()), expected_failed_checks=lambda estimator: WEIGHTS_ARE_NOT_REPETITIONS
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_clone_is_unfitted_and_has_the_same_parameters(estimator, iris):
    estimator = clone(estimator).set_params(random_state=0).fit(iris)
    twin = clone(estimator)
    assert repr(twin.get_params()) == repr(estimator.get_params())
    with pytest.raises(NotFittedError):
        twin.transform(iris)
    assert_array_equal(twin.fit(iris).transform(iris), estimator.transform(iris))


def test_init_only_assigns():
    likelihood, sizes = {"a": "poisson"}, [4, 4]
    estimator = VAETransformer(3, likelihood=likelihood, hidden_layer_sizes=sizes)
    assert estimator.likelihood is likelihood
    assert estimator.hidden_layer_sizes is sizes
    assert set(vars(estimator)) == set(estimator.get_params())


def test_set_params_reaches_every_parameter():
    estimator = VAETransformer()
    changed = {"n_components": 3, "likelihood": StudentT("column"), "beta": 2.0, "max_iter": 7, "verbose": 1}
    assert estimator.set_params(**changed) is estimator
    assert {name: estimator.get_params()[name] for name in changed} == changed
    with pytest.raises(ValueError, match="Invalid parameter 'n_latent'"):
        estimator.set_params(n_latent=3)


def test_repr_shows_what_differs_from_the_defaults():
    assert repr(VAETransformer()) == "VAETransformer()"
    estimator = VAETransformer(4, likelihood=Gaussian(scale="row"))
    assert repr(estimator) == "VAETransformer(likelihood=Gaussian(scale='row'), n_components=4)"


@pytest.mark.parametrize("fitted", [False, True])
def test_html_view(fitted, model_of_mixed):
    html = estimator_html_repr(model_of_mixed if fitted else clone(model_of_mixed))
    assert "VAETransformer" in html
    assert ("Not fitted" in html) == (not fitted)


def test_set_output_pandas_names_the_components_and_keeps_the_index(tiny, mixed):
    vae = VAETransformer(decoder="factorized", **tiny).set_output(transform="pandas")
    Z = vae.fit_transform(mixed)
    assert isinstance(Z, pd.DataFrame)
    assert list(Z.columns) == ["vaetransformer0", "vaetransformer1"] == list(vae.get_feature_names_out())
    pd.testing.assert_index_equal(Z.index, mixed.index)
    back = vae.inverse_transform(Z)
    pd.testing.assert_index_equal(back.index, mixed.index)
    pd.testing.assert_frame_equal(
        back.reset_index(drop=True), vae.inverse_transform(Z.to_numpy()).reset_index(drop=True)
    )


def test_global_pandas_output(tiny, iris):
    with config_context(transform_output="pandas"):
        assert list(VAETransformer(**tiny).fit(iris).transform(iris).columns) == [
            "vaetransformer0",
            "vaetransformer1",
        ]


def test_feature_names_in_are_the_columns(tiny, mixed, iris):
    vae = VAETransformer(decoder="factorized", **tiny).fit(mixed)
    assert_array_equal(vae.feature_names_in_, list(mixed.columns))
    assert vae.n_features_in_ == mixed.shape[1]
    vae.fit(iris)
    assert not hasattr(vae, "feature_names_in_")
    assert vae.n_features_in_ == iris.shape[1]


def test_pipeline_back_and_forth(tiny, iris):
    y = iris[:, 2] > 0
    pipeline = make_pipeline(StandardScaler(), VAETransformer(**tiny), LogisticRegression()).fit(iris, y)
    assert pipeline.score(iris, y) > 0.9  # one axis of the linear start separates the flowers
    head = pipeline[:-1]
    assert head.inverse_transform(head.transform(iris)).shape == iris.shape
    assert pipeline[:-1].score(iris) == pipeline[1].score(pipeline[0].transform(iris))


def test_grid_search_by_elbo_and_by_downstream_accuracy(tiny, iris):
    search = GridSearchCV(VAETransformer(**tiny), {"n_components": [1, 2, 3]}, cv=3).fit(iris)
    assert search.best_params_["n_components"] == search.best_estimator_.kl_per_component_.size
    assert search.score(iris) == search.best_estimator_.score(iris)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    y = iris[:, 2] > 0
    pipeline = make_pipeline(VAETransformer(**tiny), LogisticRegression())
    search = GridSearchCV(pipeline, {"vaetransformer__n_components": [1, 2]}, cv=3).fit(iris, y)
    assert search.best_score_ > 0.8


def test_grid_search_over_families(tiny, iris):
    grid = {"likelihood": ["gaussian", StudentT("column")], "init": ["linear", "random"]}
    search = GridSearchCV(VAETransformer(**tiny), grid, cv=2).fit(iris)
    assert search.best_params_["init"] == "linear"  # three epochs from random weights do not reach PCA


def test_grid_search_on_a_mixed_frame(tiny, mixed):
    search = GridSearchCV(VAETransformer(decoder="factorized", **tiny), {"n_components": [1, 2]}, cv=2).fit(mixed)
    assert search.best_estimator_.sample(3).dtypes.equals(mixed.dtypes)


def test_halving_search_on_max_iter(tiny, iris):
    del tiny["max_iter"]
    search = HalvingGridSearchCV(
        VAETransformer(**tiny),
        {"n_components": [1, 2, 3]},
        resource="max_iter",
        min_resources=1,
        max_resources=3,
        cv=2,
    ).fit(iris)
    assert search.best_estimator_.max_iter == 3


def test_cross_val_score_is_the_held_out_score(tiny, iris):
    folds = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(VAETransformer(**tiny), iris, cv=folds)
    expected = [VAETransformer(**tiny).fit(iris[train]).score(iris[test]) for train, test in folds.split(iris)]
    assert_array_equal(scores, expected)
    line = [PCA(n_components=2).fit(iris[train]).score(iris[test]) for train, test in folds.split(iris)]
    np.testing.assert_allclose(scores, line, atol=0.5)  # the same unit: nats per row


def test_cross_val_score_in_threads_is_the_same(tiny, iris):
    from joblib import parallel_config

    alone = cross_val_score(VAETransformer(**tiny), iris, cv=4)
    with parallel_config(backend="threading", n_jobs=2):
        together = cross_val_score(VAETransformer(**tiny), iris, cv=4)
    assert_array_equal(together, alone)


def test_sample_weight_is_routed(tiny, iris):
    with config_context(enable_metadata_routing=True):
        vae = VAETransformer(**tiny).set_fit_request(sample_weight=True)
        search = GridSearchCV(vae, {"n_components": [1]}, cv=2)
        weighted = search.fit(iris, sample_weight=np.linspace(0.1, 2, len(iris))).best_estimator_
        plain = search.fit(iris).best_estimator_
    assert not np.array_equal(weighted.transform(iris), plain.transform(iris))


def test_a_users_network_is_pickled_by_reference(tiny, iris):
    vae = VAETransformer(encoder=SmallNetwork, decoder=SmallNetwork, **tiny).fit(iris)
    again = pickle.loads(pickle.dumps(vae))
    assert again.encoder is SmallNetwork
    assert_array_equal(again.transform(iris), vae.transform(iris))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("make", [VAETransformer, lambda **tiny: VAESearchCV(VAETransformer(**tiny), {"beta": [1.0]})])
def test_the_view_in_notebooks_has_help_and_links(make, tiny, iris):
    estimator = make(**tiny).fit(iris)
    view = estimator._repr_html_()
    assert f"skvae.{type(estimator).__name__}.html" in view
    if parse_version(sklearn.__version__) < parse_version("1.9"):  # earlier views show less
        return
    for name in estimator.get_params(deep=False):
        assert f"--doc-link-{name};" in view, f"no help on {name}"
    if isinstance(estimator, VAETransformer):
        for name in (name for name in vars(estimator) if name.endswith("_")):
            assert f"--doc-link-{name};" in view, f"no help on {name}"


VIEWS = """
import pandas as pd
from skvae import VAEImputer, VAEOutlierDetector, VAESearchCV, VAETransformer
from skvae.metrics import report

frame = pd.DataFrame({"größe": [float(i * i) for i in range(40)], "n": range(40)})
vae = VAETransformer(1, max_iter=1, hidden_layer_sizes=(4,), decoder="factorized", device="cpu")
search = VAESearchCV(vae, {"beta": [1.0]}, cv=2)
for estimator in (vae, search, VAEImputer(vae), VAEOutlierDetector(vae), vae.fit(frame)):
    assert type(estimator).__name__ in estimator._repr_mimebundle_()["text/html"]
assert "größe" in report(frame, vae.sample(40)).to_html(title="größe")
"""


def test_views_and_pages_work_where_text_is_ascii():
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-"], input=VIEWS.encode(), env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
