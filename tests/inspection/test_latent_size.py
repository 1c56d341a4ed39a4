import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAESearchCV, VAETransformer
from skvae.inspection import LatentSizeDisplay

RESULTS = {
    "params": [{"n_components": k, "beta": b} for b in (1.0, 4.0) for k in (1, 2, 4, 8)],
    "param_n_components": [1, 2, 4, 8] * 2,
    "param_beta": [1.0] * 4 + [4.0] * 4,
    "mean_test_score": [-9.0, -5.2, -5.0, -6.0, -9.5, -8.0, -7.0, -7.5],
    "std_test_score": [0.6] * 8,
    "split0_test_score": [0.0] * 8,
    "split1_test_score": [0.0] * 8,
    "split2_test_score": [0.0] * 8,
    "split3_test_score": [0.0] * 8,
    "split4_test_score": [0.0] * 8,
}


def test_the_best_and_the_smallest_within_one_standard_error(pyplot):
    _, ax = pyplot.subplots()
    display = LatentSizeDisplay(RESULTS).plot(ax=ax)
    assert display.ax_ is ax
    assert (display.best_n_components, display.smallest_n_components) == (4, 2)
    assert_allclose(display.table["error"], 0.6 / np.sqrt(4))  # of the mean of five folds
    assert list(display.lines_) == ["beta=1", "beta=4"]
    assert_allclose(display.lines_["beta=4"].get_ydata(), RESULTS["mean_test_score"][4:])
    assert ax.get_title(loc="left") == "Best: 4 components; 2 within one standard error"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "2", "4", "8"]
    assert ax.get_ylabel() == "held-out ELBO, nats per row"


@pytest.mark.parametrize(
    ("means", "sizes", "edge", "remark"),
    [
        ([-9.0, -5.2, -5.0, -6.0], (1, 2, 4, 8), None, ""),
        ([-9.0, -5.2, -5.0, -4.0], (1, 2, 4, 8), "largest", "The largest size tried: a larger one may be better"),
        ([-4.0, -5.2, -5.0, -6.0], (2, 3, 4, 8), "smallest", "The smallest size tried: a smaller one may be better"),
        ([-4.0, -5.2, -5.0, -6.0], (1, 2, 4, 8), None, ""),
    ],
)
def test_a_best_size_at_the_edge_is_said(pyplot, means, sizes, edge, remark):
    results = RESULTS | {"params": [{"n_components": k} for k in sizes], "param_n_components": list(sizes)}
    results |= {"mean_test_score": means, "std_test_score": [0.6] * 4}
    display = LatentSizeDisplay(results).plot()
    assert display.edge == edge
    assert display.ax_.get_title(loc="left").partition("\n")[2] == remark


def test_the_band_is_one_standard_error_below_the_best(pyplot):
    ax = LatentSizeDisplay(RESULTS).plot().ax_
    (band,) = ax.patches
    assert_allclose([band.get_y(), band.get_y() + band.get_height()], [-5.0 - 0.3, -5.0])
    (square,) = [line for line in ax.lines if line.get_marker() == "s"]
    assert_allclose(square.get_data(), [[2], [-5.2]])


def test_a_failed_candidate_is_left_out():
    scores = [*RESULTS["mean_test_score"][:2], np.nan, *RESULTS["mean_test_score"][3:]]
    display = LatentSizeDisplay(RESULTS | {"mean_test_score": scores}).plot()
    assert display.best_n_components == 2
    assert display.edge is None
    with pytest.raises(ValueError, match="all fits failed"):
        LatentSizeDisplay(RESULTS | {"mean_test_score": [np.nan] * 8})


@pytest.mark.parametrize("search_class", [GridSearchCV, VAESearchCV])
def test_of_a_search_over_pipelines(search_class, tiny, iris):
    del tiny["n_components"]
    pipeline = make_pipeline(StandardScaler(), VAETransformer(**tiny))
    search = search_class(pipeline, {"vaetransformer__n_components": [1, 2, 3]}, cv=2).fit(iris)
    display = LatentSizeDisplay.from_estimator(search)
    assert display.best_n_components == search.best_params_["vaetransformer__n_components"]
    assert_allclose(display.lines_[""].get_ydata(), search.cv_results_["mean_test_score"])


def test_of_a_halving_search_the_last_round_counts(tiny, iris):
    del tiny["max_iter"], tiny["n_components"]
    options = {"resource": "max_iter", "min_resources": 1, "max_resources": 3, "cv": 2}
    search = HalvingGridSearchCV(VAETransformer(**tiny), {"n_components": [1, 2, 3]}, **options).fit(iris)
    display = LatentSizeDisplay.from_estimator(search)
    assert len(display.table) == 3
    assert display.best_n_components == search.best_params_["n_components"]


def test_of_a_list_of_grids_and_another_metric():
    params = [{"n_components": 1}, {"n_components": 2, "beta": 2.0}]
    results = RESULTS | {"params": params, "mean_test_r2": [0.1, 0.2], "std_test_r2": [0.0, 0.0]}
    display = LatentSizeDisplay(results, metric="r2").plot()
    assert list(display.lines_) == ["", "beta=2"]
    assert display.ax_.get_ylabel() == "held-out r2"


def test_sentences():
    results = {key: value for key, value in RESULTS.items() if key != "param_n_components"}
    with pytest.raises(ValueError, match=r"ends in 'n_components', but it tried \['beta'\].*Pass param"):
        LatentSizeDisplay(results)
    with pytest.raises(ValueError, match="param is 'gamma'"):
        LatentSizeDisplay(RESULTS, param="gamma")
    with pytest.raises(ValueError, match=r"metric must be one of \['score'\], but is 'auc'"):
        LatentSizeDisplay(RESULTS, metric="auc")
    with pytest.raises(TypeError, match="this VAETransformer has none"):
        LatentSizeDisplay.from_estimator(VAETransformer())
