import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

from skvae.metrics import classifier_attack, density_attack, distance_attack
from skvae.metrics.leaks import (
    CLOSEST,
    SENTENCES,
    Attack,
    attacks_on_membership,
    error_of_difference,
    errors_beyond_chance,
    is_leak,
)
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
    assert attack.interval == pytest.approx((value - 2 * error, value + 2 * error))
    assert f"{value:.1%} of cases (interval {value - 2 * error:.1%} to {value + 2 * error:.1%})" in attack.sentence()
    assert attack.to_dict()["finding"] == finding
    assert (attack.to_dict()["lower"], attack.to_dict()["upper"]) == attack.interval


@pytest.mark.parametrize("n_attacks", [1, 4])
def test_the_best_of_several_attacks_must_be_as_rare_by_chance(n_attacks):
    errors = errors_beyond_chance(n_attacks)
    assert n_attacks * norm.sf(errors) == pytest.approx(norm.sf(2))
    for value in (0.5 + 0.01 * (errors - 0.01), 0.5 + 0.01 * (errors + 0.01)):
        attack = Attack("It", value, 0.01, n_attacks)
        assert (attack.finding == "small") == (attack.interval[0] > 0.5) == is_leak(value, 0.5, 0.01, n_attacks)
    assert (f"The best of {n_attacks} attacks" in attack.sentence()) == (n_attacks > 1)


def test_an_interval_ends_where_shares_do():
    assert Attack("It", 0.99, 0.01).interval == (pytest.approx(0.97), 1.0)
    assert Attack("It", 0.01, 0.01).interval == (0.0, pytest.approx(0.03))


def test_only_a_leak_is_called_a_leak():
    assert [finding for finding, sentence in SENTENCES.items() if "leak" in sentence] == ["small", "leak"]


def draw(n_rows, seed):
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n_rows, 3)), columns=list("abc"))


def test_attacks_find_a_table_of_noisy_copies_and_not_a_fresh_one():
    train, test = draw(300, 0), draw(300, 1)
    noisy, fresh = train + 0.01 * draw(300, 2), draw(300, 4)
    (worst, *_), (other, *_) = (attacks_on_membership(train, test, rows, 0) for rows in (noisy, fresh))
    assert worst.finding == "leak" and other.finding in ("none", "unclear")


def test_attacks_are_those_of_their_functions_and_the_worst_comes_first():
    train, test = draw(300, 0), draw(300, 1)
    parts = pd.concat([train[["a", "b"]][:150], draw(150, 2)[["a", "b"]]]).assign(c=draw(300, 3)["c"].to_numpy())
    attacks = attacks_on_membership(train, test, parts, 0)
    lowest = [attack.interval[0] for attack in attacks]
    assert lowest == sorted(lowest, reverse=True)
    of_rows = {attack.attack: (attack.value, attack.standard_error) for attack in attacks}
    assert of_rows.pop(CLOSEST) == leaning(train, test, parts, random_state=0)
    rng = np.random.RandomState(0)
    members, shuffled, drawn = (table.iloc[rng.permutation(300)] for table in (train, test, parts))
    tables = members, shuffled[:150], drawn, shuffled[150:]
    outcomes = [
        density_attack(*tables),
        classifier_attack(*tables, random_state=rng),
        distance_attack(*tables, random_state=rng),
    ]
    error = np.sqrt(451 / (12 * 300 * 150))
    assert of_rows == {outcome.attack: (outcome.auc, pytest.approx(error)) for outcome in outcomes}
    assert {attack.n_attacks for attack in attacks} == {4}


def test_rows_that_are_attacked_are_limited(monkeypatch):
    asked = []

    def noted(members, others, synthetic, reference):
        asked.append([len(table) for table in (members, others, synthetic, reference)])
        return density_attack(members, others, synthetic, reference)

    monkeypatch.setattr("skvae.metrics.leaks.density_attack", noted)
    monkeypatch.setattr("skvae.metrics.leaks.MAX_ATTACKED", 50)
    monkeypatch.setattr("skvae.metrics.leaks.MAX_REFERENCE", 30)
    attacks_on_membership(draw(100, 0), draw(120, 1), draw(90, 2), 0)
    attacks_on_membership(draw(40, 0), draw(60, 1), draw(90, 2), 0)
    assert asked == [[50, 50, 90, 30], [40, 30, 90, 30]]


@pytest.mark.parametrize("sizes", [(19, 40, 20), (20, 39, 20), (20, 40, 19)])
def test_few_rows_and_one_column_have_fewer_attacks(sizes):
    tables = [draw(n_rows, seed) for seed, n_rows in enumerate(sizes)]
    assert [attack.attack for attack in attacks_on_membership(*tables, 0)] == [CLOSEST]
    enough = [draw(40, seed) for seed in range(3)]
    assert len(attacks_on_membership(*enough, 0)) == 4
    assert len(attacks_on_membership(*(table[["a"]] for table in enough), 0)) == 3


def test_gaps_and_empty_columns_are_attacked_too():
    tables = [draw(60, seed).assign(word="one", empty=np.nan, none=None, yes=seed > 0) for seed in range(3)]
    tables[2].loc[:30, "a"] = np.nan
    assert all(0 <= attack.value <= 1 for attack in attacks_on_membership(*tables, 0))


def test_standard_error_of_two_shares():
    share, n, m = 0.2, 300, 150
    spread = np.sqrt(binom(n, share).var() / n**2 + binom(m, share).var() / m**2)
    assert error_of_difference(share, share, n, m) == pytest.approx(spread)
    assert error_of_difference(0.0, 0.0, n, m) == 0
