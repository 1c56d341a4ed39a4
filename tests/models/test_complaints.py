import re

import pandas as pd
import pytest

from skvae import VAETransformer
from skvae.models import complaints_of
from skvae.models.complaints import complaints_of_components
from skvae.training import History
from tests.models.outcomes import outcome


@pytest.fixture
def fitted(tiny, iris):
    return VAETransformer(**tiny).fit(iris)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"interrupted": True}, "interrupted in epoch 3; the best weights so far are kept"),
        (
            {"n_skipped": 4, "n_rollbacks": 1, "extreme": (2, 1e9)},
            r"4 training step\(s\) .* 1 time\(s\) .* Column 2 holds the most extreme number, 1e\+09 after scaling",
        ),
        ({"stayed": True}, "ended in epoch 2, because it made held-out rows no likelier .* a linear model, unless"),
        ({"kl": 0.001}, r"All 2 component\(s\) are switched off"),
    ],
    ids=["interrupted", "broken", "stayed", "collapsed"],
)
def test_what_went_wrong_is_said(fitted, facts, message):
    (said,) = complaints_of(outcome(fitted, **facts), fitted.table_)
    assert re.search(message, said)


@pytest.mark.parametrize(
    ("n_active", "n_components", "n_columns", "message"),
    [
        (0, 10, 4, r"All 10 component\(s\) are switched off"),
        (5, 10, 22, r"5 of 10 components are switched off: .* as n_components=5; .* use free_bits=0\.1"),
        (2, 4, 4, "2 of 4 components are switched off"),
        (1, 2, 2, None),
        (6, 10, 22, None),
        (3, 10, 4, None),  # there can be no more than four: iris
        (1, 1, 4, None),
    ],
)
def test_half_of_the_components_switched_off_is_news_where_there_are_columns_enough(
    n_active, n_components, n_columns, message
):
    said = complaints_of_components(n_active, n_components, n_columns)
    assert len(said) == (message is not None)
    assert message is None or re.search(message, said[0])


def test_categories_that_did_not_start_at_a_linear_model_may(tiny):
    frame = pd.DataFrame({"a": list("xyxyxy"), "b": list("uuvvvv")})
    vae = VAETransformer(**tiny, decoder="factorized").fit(frame)
    fit = outcome(vae, kl=0.001)
    for may_begin in (True, False):
        (said,) = complaints_of(fit, vae.table_, may_begin=may_begin)
        assert ("use init='linear', free_bits=0.1" in said) == may_begin


def test_components_are_counted_by_what_they_say_above_the_least(fitted):
    fit = outcome(fitted, kl=1.0)
    fit.kl[1] = 0.001
    assert complaints_of(fit, fitted.table_) == []
    fit.vae.prior.kl_min = 1.0  # a prior that no normal distribution meets, as the Laplace prior
    try:
        assert re.search("All 2", complaints_of(fit, fitted.table_)[0])
    finally:
        del fit.vae.prior.kl_min


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"interrupted": True},
            "interrupted in epoch 1 of the reader, a model beside the VAE; the best",
        ),
        ({"n_skipped": 2, "n_rollbacks": 3}, r"2 training step\(s\) .* 3 time\(s\)"),
    ],
    ids=["interrupted", "broken"],
)
def test_what_went_wrong_beside_the_vae_is_said(fitted, facts, message):
    reader = History(epochs=[{"epoch": 0}])
    for name, value in facts.items():
        setattr(reader, name, value)
    fit = outcome(fitted)._replace(beside={"chain": History(), "reader": reader})
    (said,) = complaints_of(fit, fitted.table_)
    assert re.search(message, said)


def test_nothing_is_said_of_a_good_fit(fitted):
    assert complaints_of(outcome(fitted), fitted.table_) == []
