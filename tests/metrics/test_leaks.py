import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from skvae.metrics.leaks import CLOSEST, SENTENCES, Attack, attacks_on_membership, error_of_difference, is_leak
from skvae.metrics.privacy import leaning


@pytest.mark.parametrize(
    ("value", "error", "finding"),
    [
        (0.544, 0.009, "leak"),  # five standard errors
        (0.5, 0.009, "none"),
        (0.517, 0.009, "none"),
        (0.519, 0.009, "small"),
        (0.53, 0.009, "small"),
        (0.6, 0.06, "unclear"),  # not proven, and not ruled out
        (0.4, 0.06, "unclear"),
        (0.7, 0.06, "leak"),
    ],
)
def test_beyond_two_standard_errors_is_a_leak(value, error, finding):
    attack = Attack("It", value, error)
    assert attack.finding == finding
    assert is_leak(value, 0.5, error) == (finding in ("small", "leak"))
    assert attack.sentence().startswith(SENTENCES[finding])
    assert f"{value:.1%}" in attack.sentence() and f"± {error:.1%}" in attack.sentence()
    assert attack.to_dict()["finding"] == finding
    assert attack.lowest == pytest.approx(value - 2 * error)


def test_only_a_leak_is_called_a_leak():
    assert [finding for finding, sentence in SENTENCES.items() if "leak" in sentence] == ["small", "leak"]


def draw(n_rows, seed):
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n_rows, 3)), columns=list("abc"))


def test_attacks_find_a_table_of_noisy_copies_and_not_a_fresh_one():
    train, test = draw(300, 0), draw(300, 1)
    noisy, fresh = train + 0.01 * draw(300, 2), draw(300, 4)
    (worst, *_), (other, *_) = (attacks_on_membership(train, test, rows, 0) for rows in (noisy, fresh))
    assert worst.finding == "leak" and other.finding in ("none", "unclear")
    assert (other.value, other.standard_error) == leaning(train, test, fresh, random_state=0)
    assert worst.attack == CLOSEST


def test_standard_error_of_two_shares():
    share, n, m = 0.2, 300, 150
    spread = np.sqrt(binom(n, share).var() / n**2 + binom(m, share).var() / m**2)
    assert error_of_difference(share, share, n, m) == pytest.approx(spread)
    assert error_of_difference(0.0, 0.0, n, m) == 0
