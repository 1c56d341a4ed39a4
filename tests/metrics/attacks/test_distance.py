import numpy as np
import pandas as pd
import pytest

from skvae.metrics import distance_attack
from skvae.metrics.attacks.distance import SUBSETS, _correlated
from tests.metrics.attacks.people import people

TRAIN, FRESH, REFERENCE, MORE = (people(150, seed) for seed in range(4))


@pytest.mark.parametrize("subsets", SUBSETS)
def test_copies_give_training_rows_away(subsets):
    outcome = distance_attack(TRAIN, FRESH, TRAIN, REFERENCE, subsets=subsets, random_state=0)
    assert outcome.auc > 0.9
    assert subsets in outcome.attack


@pytest.mark.parametrize("subsets", SUBSETS)
def test_fresh_rows_give_nothing_away(subsets):
    lower, upper = distance_attack(TRAIN, FRESH, MORE, REFERENCE, subsets=subsets, random_state=0).interval()
    assert lower < 0.5 < upper


@pytest.mark.parametrize("subsets", SUBSETS)
def test_sides_are_symmetric(subsets):
    auc = distance_attack(TRAIN, FRESH, MORE, REFERENCE, subsets=subsets, random_state=0).auc
    other_way = distance_attack(FRESH, TRAIN, MORE, REFERENCE, subsets=subsets, random_state=0).auc
    assert other_way == pytest.approx(1 - auc)


def test_subsets_see_parts_of_rows_that_all_columns_hide():
    # three columns of each training row are handed out as they are, the other three are drawn anew
    rng = np.random.default_rng(0)
    train, fresh, reference, drawn = (pd.DataFrame(rng.normal(size=(300, 6))) for _ in range(4))
    drawn[[0, 1, 2]] = train[[0, 1, 2]]
    every, random = (
        distance_attack(train, fresh, drawn, reference, subsets=subsets, random_state=0)
        for subsets in ("all", "random")
    )
    assert random.auc > every.auc + 0.05


def test_correlated_columns_go_together():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 300))
    table = pd.DataFrame(
        {"x": x, "y": y, "near_x": x + 0.1 * rng.normal(size=300), "not_y": 0.5 * rng.normal(size=300) - y}
    )
    chosen = _correlated(table, [np.array([0, 1]), np.array([3, 0]), np.array([2])])
    assert [subset.tolist() for subset in chosen] == [[0, 2], [3, 1], [2]]


def test_subsets_and_their_number_are_checked():
    tables = TRAIN, FRESH, MORE, REFERENCE
    with pytest.raises(ValueError, match=r"one of all, random, correlated, but is 'some'. Pass one"):
        distance_attack(*tables, subsets="some")
    with pytest.raises(ValueError, match=r"n_subsets must be at least 1, but is 0. Pass 40"):
        distance_attack(*tables, n_subsets=0)
