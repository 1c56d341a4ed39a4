import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from skvae import VAETransformer
from skvae.estimators.attributes import fitted_attributes, warn_of
from skvae.models import Fit, decide
from skvae.training import History
from skvae.training.history import COLUMNS


@pytest.fixture
def fitted(tiny, iris):
    return VAETransformer(**tiny).fit(iris)


def outcome(vae, *, kl=1.0, extreme=None, **facts):
    history = History()
    for epoch in range(3):
        history.epochs.append(dict.fromkeys(COLUMNS, 0.0) | {"epoch": epoch})
    for name, value in facts.items():
        setattr(history, name, value)
    return Fit(vae.vae_, history, torch.full((2,), kl), extreme)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"interrupted": True}, "interrupted in epoch 3; the best weights so far are kept"),
        (
            {"n_skipped": 4, "n_rollbacks": 1, "extreme": (2, 1e9)},
            r"4 training step\(s\) .* 1 time\(s\) .* Column 2 holds the most extreme number, 1e\+09 after scaling",
        ),
        ({"kl": 0.001}, r"All 2 component\(s\) are switched off"),
    ],
    ids=["interrupted", "broken", "collapsed"],
)
def test_what_went_wrong_is_said(fitted, facts, message):
    with pytest.warns(ConvergenceWarning, match=message) as said:
        warn_of(outcome(fitted, **facts), fitted.table_)
    assert len(said) == 1


def test_nothing_is_said_of_a_good_fit(fitted, recwarn):
    warn_of(outcome(fitted), fitted.table_)
    assert not recwarn.list


def test_components_are_active_from_a_hundredth_of_a_nat(fitted):
    fit = outcome(fitted)
    plan = decide(fitted, fitted.table_, 150, torch.device("cpu"))
    attributes = fitted_attributes(fitted, plan, fit._replace(kl=torch.tensor([0.009, 0.011])), torch.device("cpu"))
    assert attributes["active_components_"].tolist() == [False, True]


def test_noise_variance_of_the_linear_start_is_that_of_pca(iris):
    vae = VAETransformer(2, max_iter=1, learning_rate=1e-12, early_stopping=False, random_state=0).fit(3 * iris)
    assert_allclose(vae.noise_variance_, PCA(2).fit(3 * iris).noise_variance_, rtol=1e-4)
    by_column = VAETransformer(2, likelihood="student_t", max_iter=1, random_state=0).fit(iris)
    assert not hasattr(by_column, "noise_variance_")
    assert (
        np.shape(VAETransformer(2, likelihood="gaussian", max_iter=1, random_state=0).fit(iris).noise_variance_) == ()
    )
