"""The detector: planted outliers are found, thresholds are quantiles, and scikit-learn's contract."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvae import VAEOutlierDetector, VAETransformer

SMALL = VAETransformer(2, likelihood="student_t", hidden_layer_sizes=(8,), max_iter=3, device="cpu")


@parametrize_with_checks(
    [VAEOutlierDetector(SMALL), VAEOutlierDetector(SMALL, contamination=0.1), VAEOutlierDetector(SMALL, n_draws=5)]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.fixture
def planted():
    """A line in three dimensions, and at its end ten rows beside it that no single column gives away."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1)) * [1.0, 1.0, -1.0] + 0.1 * rng.normal(size=(200, 3))
    X[-10:] = rng.normal(size=(10, 3)) + np.sign(rng.normal(size=(10, 1))) * [1.0, -1.0, 0.0]
    return X, np.arange(200) >= 190


def test_planted_outliers_are_found(planted):
    X, is_outlier = planted
    detector = VAEOutlierDetector(VAETransformer(1, likelihood="student_t", max_iter=20), random_state=0).fit(X)
    assert roc_auc_score(is_outlier, -detector.score_samples(X)) > 0.95
    assert (detector.predict(X)[is_outlier] == -1).mean() >= 0.8
    assert (detector.predict(X)[~is_outlier] == 1).mean() > 0.9


def test_scores_are_those_of_the_model(iris):
    detector = VAEOutlierDetector(SMALL, random_state=0).fit(iris)
    vae = VAETransformer(**SMALL.get_params() | {"random_state": 0}).fit(iris)
    assert_array_equal(detector.score_samples(iris), vae.score_samples(iris))
    assert_array_equal(detector.decision_function(iris), vae.score_samples(iris) - detector.offset_)
    detector.set_params(n_draws=7).fit(iris)
    assert_array_equal(detector.score_samples(iris), vae.log_likelihood(iris, n_draws=7))


def test_scores_order_rows_as_the_true_density(iris):
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal([0, 0], covariance, size=500)
    detector = VAEOutlierDetector(VAETransformer(1, likelihood="gaussian", max_iter=1), random_state=0).fit(X)
    far = rng.uniform(-4, 4, size=(100, 2))
    assert_allclose(detector.score_samples(far), multivariate_normal([0, 0], covariance).logpdf(far), atol=2.5)


@pytest.mark.parametrize("contamination", [0.05, 0.2, 0.5])
def test_contamination_is_the_share_of_outliers(iris, contamination):
    detector = VAEOutlierDetector(SMALL, contamination=contamination, random_state=0)
    assert (detector.fit_predict(iris) == -1).mean() == pytest.approx(contamination, abs=0.01)
    assert detector.offset_ == np.quantile(detector.score_samples(iris), contamination)


def test_auto_is_tukeys_fence(iris):
    detector = VAEOutlierDetector(SMALL, random_state=0).fit(iris)
    first, third = np.percentile(detector.score_samples(iris), [25, 75])
    assert detector.offset_ == pytest.approx(first - 1.5 * (third - first), rel=1e-12)


def test_mixed_frame_with_gaps(mixed):
    detector = VAEOutlierDetector(SMALL, random_state=0).fit(mixed)
    assert set(detector.predict(mixed)) <= {-1, 1}
    odd = mixed.iloc[:1].assign(age=2000)  # far outside the observed range
    assert detector.score_samples(odd)[0] < detector.score_samples(mixed.iloc[:1])[0] - 3
    assert detector.predict(odd) == [-1]


def test_the_default_has_heavy_tails(iris):
    assert VAEOutlierDetector(random_state=0).fit(iris[:20]).estimator_.likelihood == "student_t"


def test_a_failed_fit_leaves_the_detector_as_it_was(iris):
    detector = VAEOutlierDetector(SMALL, random_state=0).fit(iris)
    before = detector.score_samples(iris)
    with pytest.raises(ValueError, match="infinite|finite"):
        detector.fit(np.full((5, 2), np.inf))
    assert_array_equal(detector.score_samples(iris), before)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"contamination": 0.7}, "The 'contamination' parameter of VAEOutlierDetector must be"),
        ({"contamination": "some"}, "The 'contamination' parameter of VAEOutlierDetector must be"),
        ({"n_draws": 0}, "The 'n_draws' parameter of VAEOutlierDetector must be"),
        ({"estimator": LogisticRegression()}, "The 'estimator' parameter of VAEOutlierDetector must be"),
    ],
)
def test_bad_parameters_get_a_sentence(iris, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        VAEOutlierDetector(**parameters).fit(iris)
