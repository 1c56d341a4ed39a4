import re

import pytest

from skvae import VAETransformer
from skvae.models import complaints_of
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
        ({"kl": 0.001}, r"All 2 component\(s\) are switched off"),
    ],
    ids=["interrupted", "broken", "collapsed"],
)
def test_what_went_wrong_is_said(fitted, facts, message):
    (said,) = complaints_of(outcome(fitted, **facts), fitted.table_)
    assert re.search(message, said)


def test_nothing_is_said_of_a_good_fit(fitted):
    assert complaints_of(outcome(fitted), fitted.table_) == []
