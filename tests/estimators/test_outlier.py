"""The detector: planted outliers are found, thresholds are quantiles, and scikit-learn's contract."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvae import VAEOutlierDetector, VAETransformer
from skvae.estimators.outlier import most_normal
from skvae.estimators.sharp import MAX_COPIES, ROWS_A_MODE
from skvae.likelihoods import Gaussian, StudentT
from skvae.priors import Mixture
from tests.conftest import make_mixed

SMALL = VAETransformer(2, likelihood="student_t", hidden_layer_sizes=(8,), max_iter=2, device="cpu")


@parametrize_with_checks([VAEOutlierDetector(SMALL)])
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
    detector = VAEOutlierDetector(SMALL, support_fraction=1.0, random_state=0).fit(iris)
    vae = VAETransformer(**SMALL.get_params() | {"random_state": 0}).fit(iris)
    assert_array_equal(detector.score_samples(iris), vae.score_samples(iris))
    assert_array_equal(detector.decision_function(iris), vae.score_samples(iris) - detector.offset_)


def test_scores_are_the_true_log_density():
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal([0, 0], covariance, size=500)
    model = VAETransformer(1, likelihood="gaussian", max_iter=1)
    detector = VAEOutlierDetector(model, support_fraction=1.0, random_state=0).fit(X)
    far = rng.uniform(-4, 4, size=(100, 2))
    assert_allclose(detector.score_samples(far), multivariate_normal([0, 0], covariance).logpdf(far), rtol=0.15)


def test_outliers_that_are_alike_do_not_hide_one_another():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    X[:16] = 6 + 0.1 * rng.normal(size=(16, 6))
    linear = VAETransformer(2, likelihood=Gaussian("column"), max_iter=1, early_stopping=False)
    everyone = VAEOutlierDetector(linear, support_fraction=1.0, random_state=0).fit(X)
    robust = VAEOutlierDetector(linear, random_state=0).fit(X)
    assert_array_equal(robust.predict(X[:16]), -1)
    assert (robust.predict(X[16:]) == 1).mean() > 0.9
    margins = [detector.decision_function(X[:16]).max() for detector in (robust, everyone)]
    assert margins[0] < margins[1] - 50


def test_one_extreme_number_does_not_blind_the_model(iris):
    X = np.vstack([iris, [1e30, 0, 0, 0]])
    detector = VAEOutlierDetector(SMALL, random_state=0).fit(X)
    assert detector.predict(X)[-1] == -1
    clean = VAEOutlierDetector(SMALL, random_state=0).fit(iris)
    assert np.corrcoef(clean.score_samples(iris), detector.score_samples(iris))[0, 1] > 0.9


@pytest.mark.parametrize("contamination", [0.05, 0.5])
def test_contamination_is_the_share_of_outliers(iris, contamination):
    detector = VAEOutlierDetector(SMALL, contamination=contamination, random_state=0)
    assert (detector.fit_predict(iris) == -1).mean() == pytest.approx(contamination, abs=0.01)
    assert detector.offset_ == np.quantile(detector.score_samples(iris), contamination)


def test_auto_is_tukeys_fence(iris):
    detector = VAEOutlierDetector(SMALL, random_state=0).fit(iris)
    first, third = np.percentile(detector.score_samples(iris), [25, 75])
    assert detector.offset_ == pytest.approx(first - 1.5 * (third - first), rel=1e-12)


@pytest.fixture(scope="module")
def detector_of_mixed():
    return VAEOutlierDetector(SMALL, random_state=0).fit(make_mixed())


def test_mixed_frame_with_gaps(detector_of_mixed, mixed):
    detector = detector_of_mixed
    assert set(detector.predict(mixed)) <= {-1, 1}
    assert detector.worth_.shape == (mixed.shape[1],)
    odd = mixed.iloc[:1].assign(age=2000)  # far outside the observed range
    assert detector.score_samples(odd)[0] < detector.score_samples(mixed.iloc[:1])[0] - 3
    assert detector.predict(odd) == [-1]


def test_gaps_make_no_row_normal_or_abnormal(large_mixed):
    large_mixed = large_mixed[:400]
    detector = VAEOutlierDetector(clone(SMALL).set_params(decoder="factorized"), random_state=0).fit(large_mixed)
    before = detector.score_samples(large_mixed)
    hidden = np.random.default_rng(0).random(large_mixed.shape) < 0.5
    after = detector.score_samples(large_mixed.mask(hidden))
    assert after.mean() == pytest.approx(before.mean(), abs=0.5)  # half of the evidence is some 10 nats
    nothing = detector.score_samples(large_mixed.iloc[:1].mask(np.ones((1, large_mixed.shape[1]), dtype=bool)))
    assert nothing == pytest.approx(before.mean(), abs=2)
    assert detector.estimator_.score(large_mixed.mask(hidden)) > detector.estimator_.score(large_mixed) + 5


def test_a_category_never_seen_is_improbable(detector_of_mixed, mixed):
    detector = detector_of_mixed
    row = mixed.iloc[[1]]
    with pytest.warns(UserWarning, match="was not seen at fit"):
        odd = detector.score_samples(row.assign(color="purple"))
    assert odd < detector.score_samples(row) - 2
    unknown = detector.score_samples(row.assign(color=None)) - detector.worth_[list(mixed).index("color")]
    assert_allclose(odd, unknown - np.log(len(mixed) + 1), rtol=1e-6)


def test_a_row_scores_alone_as_in_a_batch(detector_of_mixed, mixed):
    detector = detector_of_mixed
    alone = [detector.score_samples(mixed.iloc[[i]])[0] for i in range(5)]
    assert_allclose(alone, detector.score_samples(mixed)[:5], rtol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "share"),
    [({}, 0.9), ({"contamination": 0.05}, 0.9), ({"contamination": 0.4}, 0.6), ({"support_fraction": 0.7}, 0.7)],
)
def test_the_model_sees_the_most_normal_rows(iris, parameters, share, monkeypatch):
    seen = []
    fit = VAETransformer.fit
    monkeypatch.setattr(
        VAETransformer, "fit", lambda self, X, sample_weight=None: seen.append(sample_weight) or fit(self, X)
    )
    VAEOutlierDetector(SMALL, random_state=0, **parameters).fit(iris)
    assert seen[-1].sum() == np.ceil(share * len(iris))


def test_columns_that_only_outliers_know_are_kept():
    X = np.random.default_rng(0).normal(size=(50, 3))
    X[:, 2] = np.nan
    X[:2] = [20, 20, 1], [20, 20, 2]
    kept = most_normal(np.r_[-9.0, -8.0, np.zeros(48)], X, 0.9)
    assert_array_equal(kept, 1.0)
    assert VAEOutlierDetector(SMALL, random_state=0).fit(X).score_samples(X).shape == (50,)


@pytest.fixture
def short(monkeypatch):
    """Defaults that take a moment."""
    monkeypatch.setattr("skvae.estimators.sharp.N_STEPS", 20)
    monkeypatch.setattr("skvae.models.auto.Rules.max_iter", lambda rules, batch_size: 1)


@pytest.mark.filterwarnings("ignore:All 10 component")
def test_the_default_has_heavy_tails(iris, short):
    assert VAEOutlierDetector(random_state=0).fit(iris[:20]).estimator_.likelihood == StudentT(scale=0.1)
    assert VAEOutlierDetector(random_state=0).fit(iris[:20] > 0).estimator_.likelihood == "auto"


def test_units_do_not_matter_to_the_default(iris, short):
    scores = VAEOutlierDetector(random_state=0).fit(iris).score_samples(iris)
    X = iris * [1e6, 1e-3, -1.0, 2.0] + [0.0, 5.0, 0.0, 1e3]
    X[:, 2] *= -1
    assert_allclose(VAEOutlierDetector(random_state=0).fit(X).score_samples(X), scores, rtol=1e-3)


def test_the_default_sees_rows_between_islands_and_beyond_the_range():
    rng = np.random.default_rng(0)
    islands = rng.choice([-4.0, 4.0], size=(300, 1)) * [1.0, 1.0, 1.0] + rng.normal(size=(300, 3))
    odd = rng.choice([-4.0, 4.0], size=(30, 1)) * [1.0, -1.0, 1.0] + rng.normal(size=(30, 3))
    detector = VAEOutlierDetector(random_state=0).fit(islands)
    fresh = rng.choice([-4.0, 4.0], size=(100, 1)) * [1.0, 1.0, 1.0] + rng.normal(size=(100, 3))
    scores = detector.score_samples(np.concatenate([fresh, odd]))
    assert roc_auc_score(np.arange(130) < 100, scores) > 0.9
    assert_array_equal(detector.predict([[30.0, 4.0, 4.0], [4.0, 4.0, -1e9]]), -1)


@pytest.mark.parametrize("far", [5.0, 50.0, 1e9])
def test_a_training_row_far_from_all_others_is_an_outlier_of_the_default(far):
    X = np.concatenate([np.random.default_rng(0).normal(size=(200, 3)), np.full((1, 3), far)])
    detector = VAEOutlierDetector(random_state=0).fit(X)
    assert np.argmin(detector.score_samples(X)) == 200
    assert detector.predict(X[200:]) == -1
    assert (detector.predict(X) == -1).mean() < 0.1


def test_fresh_rows_pass_the_fence_of_the_default_as_training_rows_do():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 5))
    detector = VAEOutlierDetector(random_state=0).fit(rng.normal(size=(300, 5)) @ A)
    assert (detector.predict(rng.normal(size=(1000, 5)) @ A) == -1).mean() < 0.1


@pytest.mark.parametrize("contamination", [0.05, 0.5])
def test_contamination_of_the_default_is_the_share_of_outliers(iris, short, contamination):
    detector = VAEOutlierDetector(contamination=contamination, random_state=0)
    assert (detector.fit_predict(iris) == -1).mean() == pytest.approx(contamination, abs=0.01)
    assert detector.offset_ == np.quantile(detector.score_samples(iris), contamination)


@pytest.mark.filterwarnings("ignore:All 10 component")
@pytest.mark.parametrize("X", [np.ones((20, 3)), np.arange(9).reshape(3, 3), np.zeros((2, 1))])
def test_the_default_flags_no_row_where_there_is_little_to_learn(X, short):
    assert_array_equal(VAEOutlierDetector(random_state=0).fit_predict(X), 1)


def test_outliers_among_the_rows_are_not_explained_by_the_default():
    X, y = load_wine(return_X_y=True)
    X = np.concatenate([X[y == 1], X[y == 0][:4], X[y == 2][:4]])
    detector = VAEOutlierDetector(contamination=0.1, random_state=0).fit(X)
    assert detector.estimator_.prior == "normal"
    assert roc_auc_score(np.arange(len(X)) >= 71, -detector.score_samples(X)) > 0.75


@pytest.mark.filterwarnings("ignore:All 10 component")
def test_categories_and_dates_of_the_default(short):
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 365, 200), "D")
    frame = pd.DataFrame({"x": rng.normal(size=200), "day": days, "kind": rng.choice(list("ab"), 200)})
    detector = VAEOutlierDetector(random_state=0).fit(frame)
    late = frame.iloc[:1].assign(day=pd.Timestamp("2060-01-01"))
    assert detector.score_samples(late) < detector.score_samples(frame.iloc[:1]) - 3
    categories = frame[["kind"]]
    assert set(VAEOutlierDetector(random_state=0).fit(categories).predict(categories)) == {1}


def test_the_model_of_the_default_says_its_own_bound(iris, short):
    detector = VAEOutlierDetector(random_state=0).fit(iris)
    assert detector.estimator_.prior == Mixture(150 // ROWS_A_MODE)
    again = pickle.loads(pickle.dumps(detector))
    assert_array_equal(again.score_samples(iris), detector.score_samples(iris))
    assert_array_equal(VAEOutlierDetector(random_state=0).fit(iris).score_samples(iris), again.score_samples(iris))


def test_the_default_reads_frames_with_gaps(mixed, short):
    detector = VAEOutlierDetector(random_state=0).fit(mixed)
    assert set(detector.predict(mixed)) <= {-1, 1}
    assert_array_equal(detector.feature_names_in_, mixed.columns)
    odd = mixed.iloc[:1].assign(age=2000)  # far outside the observed range
    assert detector.score_samples(odd)[0] < detector.score_samples(mixed.iloc[:1])[0] - 3


def test_infinite_numbers_get_a_sentence_from_the_default(iris, short):
    with pytest.raises(ValueError, match="finite"):
        VAEOutlierDetector().fit(np.vstack([iris, np.full(4, np.inf)]))


@pytest.mark.parametrize(("contamination", "n_kept"), [("auto", None), (0.2, 120)])
def test_the_default_is_trained_on_all_rows_that_may_be_normal(iris, short, contamination, n_kept, monkeypatch):
    seen = []
    fit = VAETransformer.fit
    monkeypatch.setattr(
        VAETransformer, "fit", lambda self, X, sample_weight=None: seen.append(sample_weight) or fit(self, X)
    )
    VAEOutlierDetector(random_state=0, contamination=contamination).fit(iris)
    assert seen[-1] is None if n_kept is None else seen[-1].sum() == MAX_COPIES * n_kept


def test_a_failed_fit_leaves_the_detector_as_it_was(iris):
    detector = VAEOutlierDetector(SMALL, random_state=0).fit(iris)
    before = detector.score_samples(iris)
    with pytest.raises(ValueError, match="finite"):
        detector.fit(np.full((5, 2), np.inf))
    assert_array_equal(detector.score_samples(iris), before)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"contamination": 0.7}, "The 'contamination' parameter of VAEOutlierDetector must be"),
        ({"contamination": "some"}, "The 'contamination' parameter of VAEOutlierDetector must be"),
        ({"support_fraction": 0.0}, "The 'support_fraction' parameter of VAEOutlierDetector must be"),
        ({"estimator": LogisticRegression()}, "The 'estimator' parameter of VAEOutlierDetector must be"),
    ],
)
def test_bad_parameters_get_a_sentence(iris, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        VAEOutlierDetector(**parameters).fit(iris)


@pytest.mark.parametrize("contamination", ["auto", 0.05])
def test_identifiers_make_no_row_an_outlier(contamination):
    source = np.random.default_rng(0)
    x, n = source.normal(size=(400, 2)), np.arange(400)
    rows = pd.DataFrame(
        {"id": n + 1000, "x": x[:, 0], "y": x[:, 0] + 0.3 * x[:, 1], "mail": [f"a{i}@b.org" for i in n]}
    )
    detector = VAEOutlierDetector(contamination=contamination, random_state=0)
    with pytest.warns(UserWarning, match=r"as in column\(s\) 'id', 'mail': they are left out of the model"):
        detector.fit(rows[:200])
    plain = VAEOutlierDetector(contamination=contamination, random_state=0).fit(rows.loc[:199, ["x", "y"]])
    fresh = rows[200:]
    assert abs((detector.predict(fresh) == -1).mean() - (plain.predict(fresh[["x", "y"]]) == -1).mean()) < 0.05
    unnamed = fresh.astype({"id": "Int64"}).assign(id=pd.NA, mail=None)
    np.testing.assert_array_equal(detector.score_samples(unnamed), detector.score_samples(fresh))
    assert detector.predict(fresh[:1].assign(x=3.0, y=-3.0)) == [-1]
    again = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(again.score_samples(fresh), detector.score_samples(fresh))
    with pytest.raises(ValueError, match="all columns look like identifiers"):
        VAEOutlierDetector().fit(rows[["id", "mail"]])
