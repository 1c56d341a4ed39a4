import re

import pytest

from skvae import VAETransformer
from skvae.models import complaints_of
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
